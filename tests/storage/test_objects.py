"""What the lake asks of the place it lies in, asked of a folder and of object storage alike."""

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from object_storage import KEY_ID, SECRET, ObjectStorage, object_storage

from pipeline.intake import ACCEPTED, WAIVED, WHOSE
from pipeline.privacy.key_checks import MadeWith
from pipeline.storage.lake import Lake
from pipeline.storage.objects import LocalObjects, Objects
from pipeline.storage.remote import (
    LAKE_FILE,
    RemoteObjects,
    parse_lake_settings,
)
from pipeline.vocabulary import Kind
from pipeline.written import UnusableConfiguration

_numbers = itertools.count()


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        storage.make_bucket("simulated")
        yield storage


@pytest.fixture(params=["folder", "object storage"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return LocalObjects(tmp_path / "files")
    storage: ObjectStorage = request.getfixturevalue("storage")
    return _remote(storage, f"s3://simulated/of-{os.getpid()}-{next(_numbers)}")


def _remote(storage: ObjectStorage, at: str) -> Objects:
    return RemoteObjects(parse_lake_settings(storage.settings(at)))


def _read(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def test_what_was_put_is_listed_and_read(files: Objects) -> None:
    files.put({"a/one/x": b"1", "a/two/x": b"22", "a/two/y": b"", "ab/x": b"3"})
    assert files.listed("a") == {"a/one/x": 1, "a/two/x": 2, "a/two/y": 0}
    assert files.listed("") == {**files.listed("a"), "ab/x": 1}
    assert sorted(files.folders("a")) == ["one", "two"]
    assert sorted(files.folders("")) == ["a", "ab"]
    assert files.contents(["a/two/x", "a/none", "ab/x"]) == [b"22", None, b"3"]
    assert [_read(s) for s in files.sources(["a/two/x", "ab/x"])] == [b"22", b"3"]


def test_one_name_has_one_content(files: Objects) -> None:
    files.put({"a/x": b"old"})
    files.commit("a/x", b"new")
    assert files.contents(["a/x"]) == [b"new"]
    files.put({"a/x": b"newest"})
    assert files.listed("") == {"a/x": 6}


def test_what_is_not_there_is_nothing(files: Objects) -> None:
    assert files.listed("a") == {}
    assert files.folders("a") == []
    assert files.contents(["a/x"]) == [None]
    files.remove(["a/x"])
    files.remove([])
    files.remove_below("a")
    files.settle("a")
    assert files.recover("a") == 0
    with pytest.raises(FileNotFoundError):
        _ = [_read(source) for source in files.sources(["a/x", "a/y"])]


def test_what_was_removed_leaves_no_folder(files: Objects) -> None:
    files.put({"a/one/x": b"1", "a/one/y": b"2", "a/two/x": b"3", "a/two/b/c": b"4"})
    files.remove(["a/one/x"])
    assert sorted(files.folders("a")) == ["one", "two"]
    files.remove(["a/one/y"])
    assert files.folders("a") == ["two"]
    files.remove_below("a/two")
    assert files.listed("") == {}
    assert files.folders("a") == []


def test_names_that_begin_with_a_dot_are_nobodys(files: Objects) -> None:
    files.put({"a/.hidden": b"1", ".b/x": b"2", "a/x": b"3"})
    assert files.listed("") == {"a/x": 1}
    assert files.folders("") == ["a"]


def test_a_file_is_whole_or_it_is_said(files: Objects) -> None:
    files.put({"a/x.parquet": b"PAR1PAR1"})
    there = files.listed("a")
    assert files.is_whole("a/x.parquet", 8, there)
    assert not files.is_whole("a/x.parquet", 7, there)
    assert not files.is_whole("a/y.parquet", 8, there)


def test_more_names_than_one_answer_lists(files: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    names = {f"a/{n:04d}": b"" for n in range(25)}
    files.put(names)
    assert files.listed("a").keys() == names.keys()
    files.remove(list(names))
    assert files.listed("a") == {}


# ------------------------------------------------------------------ the lake in either place


def test_a_lake_is_the_same_in_either_place(files: Objects, record, taken_in) -> None:
    lake = Lake(files)
    assert (lake.records(), lake.version, lake.holds_anything()) == ([], 1, False)
    for number in (1, 2):
        lake.write_submission(record(f"a--b--{number}"), taken_in("v1-one", "v1-two"))
    lake.write_submission(record("a--b--3", problem="the file is empty"), None)
    assert [r.submission_id for r in lake.records()] == ["a--b--1", "a--b--2", "a--b--3"]
    rows = lake.rows("accepted", ["a--b--2", "a--b--1"], WHOSE)
    assert rows["arrived"].to_list() == [0, 0, 1, 1]
    assert lake.holding(["a--b--1", "a--b--3"], {"v1-two"}) == ["a--b--1"]
    assert lake.rows_of(["a--b--1", "a--b--2"], {"v1-two"}).height == 2
    lake.place("a--b--1", 7)
    assert [r.submission_id for r in lake.records()][-1] == "a--b--1"
    lake.forget("a--b--3")
    assert lake.count_folders() == 2
    back = lake.taken_in(record("a--b--1", rows_read=2))
    assert back.accepted.equals(taken_in("v1-one", "v1-two").accepted)
    with pytest.raises(FileNotFoundError):
        lake.rows("accepted", ["a--b--3"], WHOSE)


def test_a_replaced_submission_leaves_nothing_of_the_older_one(
    files: Objects, record, taken_in
) -> None:
    lake, older = Lake(files), taken_in("v1-one", "v1-two")
    waived = WAIVED.to_frame().clear(1)
    lake.write_submission(record("a--b--1"), replace(older, waived=waived))
    before = files.listed("submissions")
    lake.write_submission(record("a--b--1", fingerprint="new"), taken_in("v1-three"))
    after = files.listed("submissions")
    assert len(before) == 5
    # Two frames of no rows are what they were.
    assert len(after.keys() & before.keys()) == 3
    assert len(after) == 4
    assert lake.with_waived_rows(["a--b--1"]) == []
    assert lake.rows("accepted", ["a--b--1"], WHOSE)["participant_id"].to_list() == ["v1-three"]


class _Killed(BaseException):
    pass


class _Dying:
    """A place whose user is killed before the n-th time that it changes anything."""

    _CHANGES = ("put", "commit", "remove", "remove_below")

    def __init__(self, files: Objects, left: int) -> None:
        self._files, self._left = files, left

    def __getattr__(self, name: str) -> object:
        return self._each if name == "put" else self._counted(name)

    def _counted(self, name: str) -> object:
        act = getattr(self._files, name)
        if name not in self._CHANGES:
            return act

        def counted(*arguments: object) -> object:
            if not self._left:
                raise _Killed
            self._left -= 1
            return act(*arguments)

        return counted

    def _each(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            self._counted("commit")(name, content)  # type: ignore[operator]


def _killed_everywhere(act: Callable[[Lake], None], files: Objects) -> Iterator[bool]:
    """Do it over and over, killed before the first change, the second one, … until it ends."""
    for left in itertools.count():
        try:
            act(Lake(_Dying(files, left)))  # type: ignore[arg-type]
        except _Killed:
            yield True
        else:
            yield False
            return


def test_killed_anywhere_a_submission_is_the_older_or_the_newer_one(
    files: Objects, record, taken_in
) -> None:
    ids, lake = ["a--b--1"], Lake(files)
    one, other = ["v1-one", "v1-two"], ["v1-three"]
    lake.write_submission(record("a--b--1"), taken_in(*one))
    seen = []
    replaced = record("a--b--1", fingerprint="new")
    for killed in _killed_everywhere(
        lambda dying: dying.write_submission(replaced, taken_in(*other)), files
    ):
        (found,) = lake.records()
        rows = lake.rows("accepted", ids, WHOSE)["participant_id"].to_list()
        assert (found.fingerprint, rows) in [("0", one), ("new", other)]
        seen.append(found.fingerprint)
        lake.recover()
        assert lake.records() == [found], "what is mended is what was seen"
        assert len(files.listed("submissions")) == 4
        assert lake.recover() == 0
        if killed:
            lake.write_submission(record("a--b--1"), taken_in(*one))
    assert set(seen) == {"0", "new"}
    assert seen == sorted(seen)


def test_killed_anywhere_a_first_one_is_there_or_not(files: Objects, record, taken_in) -> None:
    lake, seen = Lake(files), []
    for _ in _killed_everywhere(
        lambda dying: dying.write_submission(record("a--b--1"), taken_in("v1-one")), files
    ):
        seen.append(len(lake.records()))
        lake.recover()
        assert len(files.listed("submissions")) == (4 if seen[-1] else 0)
        lake.forget("a--b--1")
    assert seen == [0, 0, 0, 0, 1, 1]


def test_a_rotation_takes_effect_by_its_last_put_wherever_it_is_killed(
    files: Objects, record, taken_in
) -> None:
    lake = Lake(files)
    made = [MadeWith("simulated", tuple("abc"[:version])) for version in (1, 2)]
    lake.write_submission(record("a--b--1"), taken_in("v1-one"))
    lake.put_down(made[0])

    def rotate(dying: Lake) -> None:
        with dying.carried_on_to(2) as copy:
            copy.take_over(
                dying,
                "a--b--1",
                lambda f: (
                    f.with_columns(participant_id=f["participant_id"].str.replace("1", "2"))
                    if "participant_id" in f.columns
                    else f
                ),
            )
            copy.put_down(made[1])
        dying.recover()

    versions = []
    for killed in _killed_everywhere(rotate, files):
        version = lake.version
        versions.append(version)
        names = lake.rows("accepted", ["a--b--1"], WHOSE)["participant_id"].to_list()
        assert names == [f"v{version}-one"]
        assert lake.made_with() == made[version - 1]
        lake.recover()
        assert lake.version == version
        assert all(name.startswith("v2/") == (version == 2) for name in files.listed(""))
        if killed and version == 2:
            files.remove_below("v2")
            lake.write_submission(record("a--b--1"), taken_in("v1-one"))
            lake.put_down(made[0])
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}


def test_a_lost_record_of_keys_lets_nothing_go(files: Objects, record, taken_in) -> None:
    lake = Lake(files)
    lake.put_down(MadeWith("simulated", ("a", "b")))
    assert lake.version == 2
    lake.write_submission(record("a--b--1"), taken_in("v2-one"))
    files.remove(["v2/key-checks.json"])
    assert (lake.version, lake.made_with()) == (2, None)
    lake.recover()
    assert [r.submission_id for r in lake.records()] == ["a--b--1"]


def test_readers_see_no_mixture_while_a_submission_is_replaced(
    files: Objects, record, taken_in
) -> None:
    lake, ended, wrong = Lake(files), threading.Event(), []
    states = {"0": ["v1-one", "v1-two"], "1": ["v1-three"]}
    lake.write_submission(record("a--b--1"), taken_in(*states["0"]))

    def look() -> None:
        while not ended.is_set():
            records = lake.records()
            rows = lake.rows("accepted", ["a--b--1"], WHOSE)["participant_id"].to_list()
            if len(records) != 1 or rows not in states.values():
                wrong.append((records, rows))

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(1, 13):
        fingerprint = str(number % 2)
        lake.write_submission(
            record("a--b--1", fingerprint=fingerprint), taken_in(*states[fingerprint])
        )
    ended.set()
    looking.join()
    assert wrong == []


def test_a_lake_of_before_frames_had_hashes_is_read(tmp_path: Path, record, taken_in) -> None:
    lake = Lake(LocalObjects(tmp_path))
    lake.write_submission(record("a--b--1"), taken_in("v1-one"))
    folder = tmp_path / "submissions" / "a--b--1"
    document = json.loads((folder / "submission.json").read_text())
    document["files"] = {f"{n.partition('-')[0]}.parquet": s for n, s in document["files"].items()}
    (folder / "submission.json").write_text(json.dumps(document))
    for path in folder.glob("*.parquet"):
        path.rename(folder / f"{path.name.partition('-')[0]}.parquet")
    assert [r.submission_id for r in lake.records()] == ["a--b--1"]
    assert lake.recover() == 0
    schema = ACCEPTED[Kind.ROSTER]
    assert lake.rows("accepted", ["a--b--1"], schema)["participant_id"].to_list() == ["v1-one"]
    lake.write_submission(record("a--b--1"), taken_in("v1-two"))
    assert len(list(folder.iterdir())) == 4


# ------------------------------------------------------------------ what may go wrong there


def test_one_request_in_twenty_that_fails_changes_nothing(
    storage: ObjectStorage, record, taken_in
) -> None:
    lake = Lake(_remote(storage, f"s3://simulated/failing-{os.getpid()}"))
    storage.failing, storage.failed = 0.05, 0
    try:
        for number in range(20):
            lake.write_submission(record(f"a--b--{number}"), taken_in(f"v1-{number}"))
        ids = [r.submission_id for r in lake.records()]
        rows = lake.rows("accepted", ids, WHOSE)
    finally:
        storage.failing = 0.0
    assert storage.failed > 3
    assert sorted(rows["participant_id"]) == sorted(f"v1-{number}" for number in range(20))


def test_small_files_are_asked_for_many_at_a_time(storage: ObjectStorage) -> None:
    files = _remote(storage, f"s3://simulated/many-{os.getpid()}")
    there: list[int] = []
    together, turn = threading.Barrier(8, timeout=20), threading.Lock()

    def met(name: str) -> int:
        together.wait()
        with turn:
            there.append(1)
        return len(name)

    assert files._at_once(met, ["a"] * 16) == [1] * 16  # type: ignore[attr-defined]
    assert len(there) == 16


def test_a_bucket_that_is_not_there_is_said(storage: ObjectStorage) -> None:
    files = _remote(storage, "s3://nobodys/lake")
    for ask in (
        lambda: files.listed(""),
        lambda: files.folders(""),
        lambda: files.contents(["a"]),
        lambda: files.put({"a": b""}),
        lambda: files.remove(["a"]),
    ):
        with pytest.raises(UnusableConfiguration, match="no bucket or container for s3://nobodys"):
            ask()


def test_refused_credentials_are_in_no_sentence(storage: ObjectStorage) -> None:
    files = _remote(storage, "s3://simulated/refused")
    storage.refusing = True
    try:
        for ask in (
            lambda: files.listed(""),
            lambda: files.contents(["a"]),
            lambda: files.put({"a": b""}),
        ):
            with pytest.raises(UnusableConfiguration, match="refuses access") as refused:
                ask()
            chain = (refused.value, refused.value.__cause__, refused.value.__context__)
            assert not any(word in repr(e) for word in (SECRET, KEY_ID) for e in chain)
    finally:
        storage.refusing = False


def test_a_server_that_is_not_there_is_said(
    storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.remote._RETRIES", 1)
    settings = storage.settings("s3://simulated/lake").replace(
        storage.endpoint, "http://127.0.0.1:9"
    )
    files = RemoteObjects(parse_lake_settings(settings))
    with pytest.raises(UnusableConfiguration, match="cannot be reached") as refused:
        files.listed("")
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "`at` is expected"),
        ("at: s3://bucket", "at: bucket and prefix are expected"),
        ("at: ftp://bucket/lake", "at: bucket and prefix are expected"),
        (f"at: s3://{KEY_ID}:{SECRET}@bucket/lake", "at: credentials never stand in a file"),
        (f"at: s3://bucket/lake?key={SECRET}", "at: credentials never stand in a file"),
        ("at: s3://b/lake\nendpoint: http://s3.example", "endpoint: rows would cross the network"),
        ("at: s3://b/lake\nendpoint: s3.example", "endpoint: an address is expected"),
        (
            f"at: s3://b/lake\nendpoint: https://{KEY_ID}:{SECRET}@s3.example",
            "endpoint: credentials never stand in a file",
        ),
        (f"at: s3://b/lake\nsecret: {SECRET}", "secret: there is no such field"),
        ("at: az://b/lake\nregion: uksouth", "region: a region is for s3:// alone"),
        ("at: [s3://b/lake", "is not valid YAML"),
    ],
)
def test_settings_that_cannot_be_used_are_said_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UnusableConfiguration, match=LAKE_FILE) as refused:
        parse_lake_settings(text)
    assert sentence in str(refused.value)
    assert SECRET not in str(refused.value)
    assert KEY_ID not in str(refused.value)

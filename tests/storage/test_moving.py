"""Moving the lake of a home: nothing is removed that the new place does not hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from object_storage import ObjectStorage, object_storage

from pipeline.privacy.key_checks import MadeWith
from pipeline.privacy.withdrawals import erasing
from pipeline.reference import example_programme
from pipeline.storage.erasing import finish_erasures
from pipeline.storage.home import Home
from pipeline.storage.lake import Lake
from pipeline.storage.moving import buckets_beside, move
from pipeline.storage.objects import LocalObjects
from pipeline.storage.remote import (
    LakeSettings,
    RemoteObjects,
    parse_lake_settings,
    remote_objects,
)
from pipeline.storage.rotation import rotate
from pipeline.written import UnusableConfiguration

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
SIGNED = {"steward": "simulated steward", "reason": "asked"}


def submissions(home: Home) -> list[str]:
    """What the lake of a home holds."""
    return [found.submission_id for found in home.lake.records()]


def places(storage: ObjectStorage, within: str, *names: str) -> list[LakeSettings]:
    """Places in the bucket of these tests."""
    return [parse_lake_settings(storage.settings(f"s3://moved/{within}/{name}")) for name in names]


def erase_somebody(home: Home) -> None:
    home.stewardship.enter([erasing(["v1-" + 20 * "1"], None, rows=0, **SIGNED)], NOW)
    finish_erasures(home)


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        storage.make_bucket("moved")
        yield storage


@pytest.mark.parametrize("otherwise", ["slash", "region", "endpoint"])
def test_a_place_that_is_only_written_otherwise_keeps_its_lake(
    storage: ObjectStorage, tmp_path: Path, record, taken_in, otherwise: str
) -> None:
    at = f"s3://moved/{otherwise}"
    there = parse_lake_settings(storage.settings(at))
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    move(home, there)
    before = storage.files("moved")
    changed = {
        "slash": {"at": at + "/"},
        "region": {"region": None},
        "endpoint": {"endpoint": str(there.endpoint).replace("127.0.0.1", "localhost")},
    }[otherwise]
    to = LakeSettings.model_validate(there.model_dump() | changed)
    assert move(Home(tmp_path), to).files == 0
    assert storage.files("moved") == before
    assert Home(tmp_path).lake_settings == to


def test_whoever_waited_for_a_move_looks_where_the_lake_is_now(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    waiting = Home(tmp_path)
    waiting.lake.write_submission(record("one"), taken_in())
    move(Home(tmp_path), parse_lake_settings(storage.settings("s3://moved/waited")))
    waiting.recover()
    assert submissions(waiting) == ["one"]


def test_what_a_killed_first_put_left_is_no_lake_in_two_places(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    half = tmp_path / "lake" / "submissions" / "two"
    half.mkdir()
    (half / ".writing-1-half.parquet").touch()
    move(home, parse_lake_settings(storage.settings("s3://moved/half")))
    assert submissions(Home(tmp_path)) == ["one"]


def test_a_lake_whose_files_have_the_same_names_is_not_written_over(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    to = parse_lake_settings(storage.settings("s3://moved/others"))
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    one.lake.put_down(MadeWith("one", ("1",)))
    other.lake.put_down(MadeWith("other", ("2",)))
    other.lake.write_submission(record("one"), taken_in())
    move(one, to)
    with pytest.raises(UnusableConfiguration, match="has 1 files that are not of this lake"):
        move(other, to)
    assert Home(one.root).lake.made_with() == MadeWith("one", ("1",))
    assert not (other.root / "lake.yaml").exists()


def test_a_move_that_was_killed_while_it_copied_begins_again(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    to = parse_lake_settings(storage.settings("s3://moved/again"))
    copied = sorted((tmp_path / "lake" / "submissions" / "one").iterdir())[:2]
    remote_objects(to).put({f"submissions/one/{path.name}": path.read_bytes() for path in copied})
    move(home, to)
    assert submissions(Home(tmp_path)) == ["one"]


class Killed(Exception):
    """Stands for a process that ended there."""


@contextmanager
def killed_at(name: str) -> Iterator[None]:
    """Let whatever is called in the block die where it would remove or settle a whole lake."""
    carried_out = getattr(RemoteObjects, name)

    def die(objects: RemoteObjects, what: Any) -> None:
        if not isinstance(what, str) and len(what) <= 1:
            # Not yet: a move removes leftovers first, and the file that tells two places apart.
            return carried_out(objects, what)
        raise Killed

    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(RemoteObjects, name, die)
        with pytest.raises(Killed):
            yield


@pytest.fixture
def killed_while_it_removed(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> tuple[Path, LakeSettings, LakeSettings]:
    """A home, the bucket it left with rows in it still, and the one it came to."""
    old, new = places(storage, tmp_path.name, "old", "new")
    home = Home(tmp_path)
    home.create(programme=example_programme())
    home.settle_keys(NOW)
    home.lake.write_submission(record("one"), taken_in())
    move(home, old)

    with killed_at("remove"):
        move(Home(tmp_path), new)
    assert Home(tmp_path).lake_settings == new
    assert remote_objects(old).listed("")
    return tmp_path, old, new


def test_what_a_killed_move_left_in_a_bucket_goes_with_the_same_move(
    killed_while_it_removed: tuple[Path, LakeSettings, LakeSettings],
) -> None:
    root, old, new = killed_while_it_removed
    assert [beside for beside in buckets_beside(Home(root)) if beside != new] == [old]
    assert move(Home(root), new).files == 0
    assert remote_objects(old).listed("") == {}
    assert buckets_beside(Home(root)) == []
    assert submissions(Home(root)) == ["one"]


@pytest.mark.parametrize("what", ["an erasure", "a rotation"])
def test_it_is_reached_by(
    killed_while_it_removed: tuple[Path, LakeSettings, LakeSettings], what: str
) -> None:
    root, old, _ = killed_while_it_removed
    home = Home(root)
    if what == "an erasure":
        erase_somebody(home)
    else:
        rotate(home, **SIGNED, now=NOW)
    assert remote_objects(old).listed("") == {}
    assert buckets_beside(Home(root)) == []


def test_a_lake_that_lies_by_now_where_a_killed_move_was_is_left_alone(
    killed_while_it_removed: tuple[Path, LakeSettings, LakeSettings],
) -> None:
    root, old, new = killed_while_it_removed
    Lake(remote_objects(old)).put_down(MadeWith("another", ("1",)))
    there = remote_objects(old).listed("")
    with pytest.raises(UnusableConfiguration, match=r"another lake lies at s3://moved/.* by now"):
        move(Home(root), new)
    assert remote_objects(old).listed("") == there


@pytest.mark.parametrize("by", ["the command", "hand"])
def test_the_lake_is_not_taken_for_what_is_left_where_its_place_is_written_otherwise(
    killed_while_it_removed: tuple[Path, LakeSettings, LakeSettings], by: str
) -> None:
    root, old, new = killed_while_it_removed
    otherwise = LakeSettings.model_validate(new.model_dump() | {"at": new.at + "/"})
    if by == "hand":
        (root / "lake.yaml").write_text(otherwise.written())
    else:
        move(Home(root), otherwise)
    home = Home(root)
    erase_somebody(home)
    assert remote_objects(old).listed("") == {}
    assert submissions(Home(root)) == ["one"]


def test_what_was_copied_goes_where_another_place_is_chosen_after_all(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    first, second = places(storage, "chosen", "first", "second")
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    with killed_at("settle"):
        move(home, first)
    assert remote_objects(first).listed("")
    move(Home(tmp_path), second)
    assert remote_objects(first).listed("") == {}
    assert buckets_beside(Home(tmp_path)) == []
    assert submissions(Home(tmp_path)) == ["one"]


def read(record: Any, name: str) -> Any:
    """What is kept of a file of its own that was read."""
    return record(name, sha256=name, rows_read=0, rows_accepted=0)


def in_a_bucket(
    storage: ObjectStorage, root: Path, record: Any, taken_in: Any
) -> tuple[LakeSettings, LakeSettings]:
    """Make a home whose lake lies in a bucket; returns where, and a place beside it."""
    there, beside = places(storage, root.name, "lake", "beside")
    home = Home(root)
    home.create(programme=example_programme())
    home.settle_keys(NOW)
    for name in ("one", "two"):
        home.lake.write_submission(read(record, name), taken_in())
    move(home, there)
    return there, beside


def test_what_a_killed_move_home_left_in_a_bucket_is_put_down_too(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    there, _ = in_a_bucket(storage, tmp_path, record, taken_in)
    with killed_at("remove"):
        move(Home(tmp_path), None)
    home = Home(tmp_path)
    assert home.lake_settings is None
    assert buckets_beside(home) == [there]
    rotate(home, **SIGNED, now=NOW)
    assert remote_objects(there).listed("") == {}
    assert submissions(Home(tmp_path)) == ["one", "two"]


@pytest.mark.parametrize("below", ["v2", "submissions", "submissions/new"])
def test_a_lake_is_not_moved_to_where_its_own_files_are(
    storage: ObjectStorage, tmp_path: Path, record, taken_in, below: str
) -> None:
    there, _ = in_a_bucket(storage, tmp_path, record, taken_in)
    before = storage.files("moved")
    to = LakeSettings.model_validate(there.model_dump() | {"at": f"{there.at}/{below}"})
    with pytest.raises(UnusableConfiguration, match="is a part of this lake"):
        move(Home(tmp_path), to)
    assert storage.files("moved") == before


@pytest.mark.parametrize("below", ["v2", "submissions", "new"])
def test_the_lake_is_not_removed_with_what_a_killed_move_left_around_it(
    storage: ObjectStorage, tmp_path: Path, record, taken_in, below: str
) -> None:
    there, _ = in_a_bucket(storage, tmp_path, record, taken_in)
    around = LakeSettings.model_validate(there.model_dump() | {"at": f"{there.at}-around"})
    to = LakeSettings.model_validate(there.model_dump() | {"at": f"{around.at}/{below}"})
    move(Home(tmp_path), to)
    remote_objects(around).put({"key-checks.json": b"{}"})
    (tmp_path / ".lake-beside").write_text(around.written())
    home = Home(tmp_path)
    erase_somebody(home)
    assert submissions(Home(tmp_path)) == ["one", "two"]


def test_a_bucket_that_has_more_than_the_lake_is_left_alone(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    there, _ = in_a_bucket(storage, tmp_path, record, taken_in)
    before = storage.files("moved")
    with killed_at("remove"):
        move(Home(tmp_path), None)
    home = Home(tmp_path)
    home.lake.forget("two")
    home.stewardship.enter([erasing(["v1-" + 20 * "1"], None, rows=0, **SIGNED)], NOW)
    with pytest.raises(UnusableConfiguration, match="has submissions that this lake has not"):
        finish_erasures(home)
    assert storage.files("moved") == before
    assert buckets_beside(home) == [there]


def test_a_move_that_was_killed_twice_still_ends(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    there, beside = in_a_bucket(storage, tmp_path, record, taken_in)
    with killed_at("remove"):
        move(Home(tmp_path), beside)
    # As of a move from home to the first place, which was killed as well.
    here = LocalObjects(tmp_path / "lake")
    for name, content in Home(tmp_path).lake.everything():
        here.put({name: content if isinstance(content, bytes) else content.read_bytes()})
    with pytest.raises(UnusableConfiguration, match="in the home folder has submissions too"):
        _ = Home(tmp_path).lake
    move(Home(tmp_path), beside)
    assert remote_objects(there).listed("") == {}
    assert submissions(Home(tmp_path)) == ["one", "two"]


def test_a_move_back_does_not_mind_what_it_left_there_before(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    there, beside = in_a_bucket(storage, tmp_path, record, taken_in)
    with killed_at("remove"):
        move(Home(tmp_path), beside)
    Home(tmp_path).lake.write_submission(read(record, "one"), taken_in("v1-" + 20 * "2"))
    move(Home(tmp_path), there)
    assert remote_objects(beside).listed("") == {}
    assert submissions(Home(tmp_path)) == ["one", "two"]


@pytest.mark.parametrize("written", [b"", b"\xff", b"at: [", b"at: s3://kept/lake\n---\n"])
def test_a_damaged_note_is_one_sentence(tmp_path: Path, written: bytes) -> None:
    (tmp_path / ".lake-beside").write_bytes(written)
    with pytest.raises(UnusableConfiguration, match=r"^.lake-beside cannot be read; [^.]*[.]$"):
        buckets_beside(Home(tmp_path))


def test_a_note_has_whole_places(tmp_path: Path) -> None:
    (tmp_path / ".lake-beside").write_text("at: s3://kept/lake---\n---\nat: s3://kept/other\n")
    places = [settings.place for settings in buckets_beside(Home(tmp_path))]
    assert places == ["s3://kept/lake---", "s3://kept/other"]


def test_a_bucket_that_cannot_be_looked_into_is_named(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    in_a_bucket(storage, tmp_path, record, taken_in)
    (tmp_path / ".lake-beside").write_text(storage.settings("s3://gone/lake"))
    with pytest.raises(UnusableConfiguration, match=r"do with s3://gone/lake; .*lake-beside"):
        rotate(Home(tmp_path), **SIGNED, now=NOW)

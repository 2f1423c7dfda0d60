"""The lake lists whole submissions only, and gives typed frames whatever it holds."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.intake import ACCEPTED, WAIVED, WHOSE
from pipeline.quality.comments import TEXTS
from pipeline.quality.profile import PROFILE
from pipeline.storage.lake import Lake
from pipeline.storage.objects import LocalObjects
from pipeline.submissions import Record
from pipeline.vocabulary import Kind

SCHEMA = ACCEPTED[Kind.ROSTER]


@pytest.fixture
def folder(lake, tmp_path, record, taken_in):
    """A complete submission's folder, and nothing else in the lake."""
    lake.write_submission(record("a--b--1"), taken_in("v1-one", "v1-two"))
    assert [r.submission_id for r in lake.records()] == ["a--b--1"]
    return tmp_path / "lake" / "submissions" / "a--b--1"


def test_a_submission_comes_back_as_it_was_written(lake, record, taken_in):
    written = record("a--b--1", file_name="*** roster.csv", columns_left_out=("Name", "Email"))
    rows = taken_in("v1-one")
    lake.write_submission(written, rows)
    assert lake.records() == [written]
    read = lake.rows("accepted", ["a--b--1"], SCHEMA)
    assert read.drop("submission_id", "arrived").equals(rows.accepted)


def test_more_submissions_are_read_than_there_may_be_threads(lake, record, taken_in, capfd):
    names = [f"a--b--{number}" for number in range(600)]
    rows = taken_in("v1-one", "v1-two")
    for name in names:
        lake.write_submission(record(name), rows)
    read = lake.rows("accepted", names, SCHEMA)
    assert read["submission_id"].unique(maintain_order=True).to_list() == names
    assert read.height == 2 * len(names)
    assert lake.holding(names, {"v1-two"}) == names
    assert capfd.readouterr().err == "", "Polars warns of threads that wait for each other"


def test_a_submission_that_could_not_be_read_has_a_record_alone(lake, record, tmp_path):
    lake.write_submission(record("a--b--1", problem="the file is empty"), None)
    (only,) = lake.records()
    assert only.problem == "the file is empty"
    written = [path.name for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert written == ["submission.json"]


def test_a_submission_is_replaced_as_a_whole(lake, record, taken_in):
    lake.write_submission(record("a--b--1"), taken_in("v1-one", "v1-two"))
    lake.write_submission(record("a--b--1", fingerprint="new"), taken_in("v1-three"))
    (only,) = lake.records()
    assert only.fingerprint == "new"
    assert lake.rows("accepted", ["a--b--1"], WHOSE)["participant_id"].to_list() == ["v1-three"]


@pytest.mark.parametrize("frame", ["accepted", "findings", "profile"])
@pytest.mark.parametrize("damage", ["short", "empty", "missing", "longer"])
def test_a_folder_with_a_damaged_file_is_not_listed(lake, folder, frame, damage):
    (path,) = folder.glob(f"{frame}-*.parquet")
    content = path.read_bytes()
    match damage:
        case "short":
            path.write_bytes(content[:-1])
        case "empty":
            path.write_bytes(b"")
        case "missing":
            path.unlink()
        case "longer":
            path.write_bytes(content + b"\0")
    assert lake.records() == []


@pytest.mark.parametrize("damage", ["missing", "short", "zeroed", "no record", "old record"])
def test_a_folder_without_a_sound_record_is_not_listed(lake, folder, damage):
    path = folder / "submission.json"
    content = path.read_text()
    match damage:
        case "missing":
            path.unlink()
        case "short":
            path.write_text(content[: len(content) // 2])
        case "zeroed":
            path.write_bytes(b"\0" * len(content))
        case "no record":
            path.write_text('{"files": {}}')
        case "old record":
            path.write_text(content.replace('"sha256"', '"md5"'))
    assert lake.records() == []


def test_leftovers_and_strangers_are_not_listed(lake, folder):
    folder.rename(folder.with_name(".writing-0123"))
    assert lake.records() == []
    (folder.parent / "notes").mkdir()
    (folder.parent / "file").write_text("{}")
    assert lake.records() == []


def test_an_incomplete_submission_stops_no_other_and_can_be_written_again(
    lake, folder, record, taken_in
):
    lake.write_submission(record("a--b--2"), taken_in("v1-three"))
    (accepted,) = folder.glob("accepted-*.parquet")
    accepted.write_bytes(b"PAR1")
    assert [r.submission_id for r in lake.records()] == ["a--b--2"]
    lake.write_submission(record("a--b--1"), taken_in("v1-one"))
    assert len(lake.records()) == 2


def test_an_empty_lake_has_no_records(lake):
    assert lake.records() == []
    assert not lake.holds_anything()


def test_records_come_in_the_order_of_arrival(lake, record):
    def at(day: int) -> datetime:
        return datetime(2025, 3, day, tzinfo=UTC)

    for name, received, modified in (
        ("d--b--4", 2, 1),
        ("c--b--3", 1, 2),
        ("b--b--2", 1, 1),
        ("a--b--1", 3, 1),
    ):
        lake.write_submission(
            record(name, received_at=at(received), modified_at=at(modified)), None
        )
    found = [r.submission_id for r in lake.records()]
    assert found == ["b--b--2", "c--b--3", "d--b--4", "a--b--1"]


@pytest.mark.parametrize("kind", Kind)
def test_no_submissions_give_a_typed_empty_frame(lake, kind):
    rows = lake.rows("accepted", [], ACCEPTED[kind])
    assert rows.is_empty()
    assert rows.schema == {
        **ACCEPTED[kind],
        "submission_id": pl.String(),
        "arrived": pl.Int32(),
    }


def test_rows_say_their_submission_and_its_place(lake, record, taken_in):
    lake.write_submission(record("a--b--1"), taken_in("v1-one", "v1-two"))
    lake.write_submission(record("a--b--2"), taken_in())
    lake.write_submission(record("a--b--3"), taken_in("v1-one"))
    rows = lake.rows("accepted", ["a--b--3", "a--b--2", "a--b--1"], WHOSE)
    assert rows.select("submission_id", "arrived", "participant_id").rows() == [
        ("a--b--3", 0, "v1-one"),
        ("a--b--1", 2, "v1-one"),
        ("a--b--1", 2, "v1-two"),
    ]
    assert rows.schema == lake.rows("accepted", [], WHOSE).schema


def test_an_incomplete_submission_counts_as_something_held(lake, folder):
    """Its pseudonyms exist, so its key must not be made anew."""
    (folder / "submission.json").unlink()
    assert lake.records() == []
    assert lake.holds_anything()
    folder.rename(folder.with_name(".writing-0123"))
    assert not lake.holds_anything()


def test_waived_rows_lie_beside_the_accepted_ones_until_none_is_waived(lake, record, taken_in):
    plain = taken_in("v1-one")
    waived = WAIVED.to_frame().clear(1).with_columns(pl.lit("v1-two").alias("participant_id"))
    lake.write_submission(record("a--b--1"), replace(plain, waived=waived))
    lake.write_submission(record("a--b--2"), plain)
    assert lake.with_waived_rows(["a--b--2", "a--b--1", "never taken in"]) == ["a--b--1"]
    read = lake.rows("waived", ["a--b--1"], WAIVED)
    assert read["participant_id"].to_list() == ["v1-two"]
    lake.write_submission(record("a--b--1"), plain)
    assert lake.with_waived_rows(["a--b--1"]) == []


def every(records: list[Record]) -> list[str]:
    return [record.submission_id for record in records]


def gone(lake: Lake, tmp_path: Path, name: str) -> None:
    """Remove the frame once all that is being read ahead was read."""
    assert lake._ahead._begun is not None
    lake._ahead._begun[1].result(timeout=60)
    (frame,) = (tmp_path / "lake" / "submissions" / name).glob("accepted-*.parquet")
    frame.unlink()


def test_what_was_read_ahead_is_handed_out_once(lake, record, taken_in, tmp_path):
    for name, officer in (("a--b--1", "v1-one"), ("a--b--2", "v1-two")):
        lake.write_submission(record(name), taken_in(officer))
    lake.read_ahead("accepted", lambda _: ["a--b--2"], WHOSE)
    gone(lake, tmp_path, "a--b--2")
    with pytest.raises(FileNotFoundError):
        lake.rows("accepted", ["a--b--2"], SCHEMA)
    read = lake.rows("accepted", ["a--b--1", "a--b--2"], WHOSE)
    assert read["participant_id"].to_list() == ["v1-one", "v1-two"]
    with pytest.raises(FileNotFoundError):
        lake.rows("accepted", ["a--b--1", "a--b--2"], WHOSE)


def test_what_was_replaced_since_is_not_what_was_read_ahead(lake, record, taken_in):
    lake.write_submission(record("a--b--1"), taken_in("v1-one"))
    lake.read_ahead("accepted", every, WHOSE)
    lake.write_submission(record("a--b--1", fingerprint="new"), taken_in("v1-two"))
    assert lake.rows("accepted", ["a--b--1"], WHOSE)["participant_id"].to_list() == ["v1-two"]


def test_reading_ahead_leaves_out_what_has_no_such_frame(lake, record, taken_in, tmp_path):
    lake.write_submission(record("a--b--1", problem="the file is empty"), None)
    lake.write_submission(record("a--b--2"), taken_in("v1-two"))
    lake.read_ahead("accepted", every, WHOSE)
    gone(lake, tmp_path, "a--b--2")
    assert lake.rows("accepted", ["a--b--2"], WHOSE)["participant_id"].to_list() == ["v1-two"]


def test_what_could_not_be_read_ahead_is_read_when_it_is_asked_for(lake, folder):
    (frame,) = folder.glob("accepted-*.parquet")
    content = frame.read_bytes()
    frame.write_bytes(b"cut short")
    lake.read_ahead("accepted", lambda _: ["a--b--1"], WHOSE)
    assert lake._ahead._begun is not None
    assert lake._ahead._begun[1].exception(timeout=60) is not None
    frame.write_bytes(content)
    read = lake.rows("accepted", ["a--b--1"], WHOSE)
    assert read["participant_id"].to_list() == ["v1-one", "v1-two"]


def test_what_cannot_be_chosen_is_not_read_ahead_and_nobody_hears_of_it(lake, folder):
    lake.read_ahead("accepted", lambda records: [records[1].submission_id], WHOSE)
    read = lake.rows("accepted", ["a--b--1"], WHOSE)
    assert read["participant_id"].to_list() == ["v1-one", "v1-two"]


def test_what_nobody_asked_for_is_let_go(lake, folder):
    lake.read_ahead("accepted", every, WHOSE)
    lake.forget_what_was_read_ahead()
    assert lake._ahead.taken(WHOSE.names()) == {}


def test_nothing_that_was_read_ahead_goes_to_another_process(lake, folder):
    lake.read_ahead("accepted", every, WHOSE)
    assert pickle.loads(pickle.dumps(lake._ahead)).taken(WHOSE.names()) == {}
    assert len(lake._ahead.taken(WHOSE.names())) == 1


def test_nobody_sees_the_rows_of_the_erased(lake, tmp_path, record, taken_in):
    lake.write_submission(record("a--b--1"), taken_in("v1-one", "v1-two"))
    lake.write_submission(record("a--b--2"), taken_in("v1-one"))
    erased = Lake(LocalObjects(tmp_path / "lake"), erased=lambda: {"v1-one"})
    for _ in ("asked for", "read ahead"):
        seen = erased.rows("accepted", ["a--b--1", "a--b--2"], WHOSE)
        assert seen["participant_id"].to_list() == ["v1-two"]
        erased.read_ahead("accepted", every, WHOSE)
    assert erased.rows("profile", ["a--b--1"], PROFILE).is_empty(), "nobody's rows are all seen"


def test_of_some_submissions_only_some_officers_are_read(lake, record, taken_in):
    for number in (1, 2):
        lake.write_submission(record(f"a--b--{number}"), taken_in("v1-one", "v1-two"))
    only = pl.DataFrame({"submission_id": ["a--b--1"], "participant_id": ["v1-two"]})
    seen = lake.rows("accepted", ["a--b--1", "a--b--2"], WHOSE, only=only)
    assert seen.select("submission_id", "participant_id").rows() == [
        ("a--b--1", "v1-two"),
        ("a--b--2", "v1-one"),
        ("a--b--2", "v1-two"),
    ]


def test_whose_submissions_and_rows_there_are_is_found(lake, record, taken_in):
    rows = taken_in("v1-one", "v1-two")
    finding = {"row_number": 9, "rule": "x", "severity": "reject", "participant_id": "v1-three"}
    warned = {**finding, "row_number": 8, "severity": "warn"}
    findings = pl.DataFrame([finding, finding, warned], schema=rows.findings.schema)
    lake.write_submission(record("a--b--1"), replace(rows, findings=findings))
    lake.write_submission(record("a--b--2"), taken_in("v1-two"))
    every = ["a--b--2", "a--b--1"]
    assert lake.holding(every, {"v1-two", "v1-none"}) == every
    assert lake.holding(every, {"v1-three"}) == ["a--b--1"]
    assert lake.holding(every, {"v1-none"}) == []
    found = lake.rows_of(every, {"v1-two", "v1-three"})
    assert sorted(found.select("submission_id", "row_number").rows()) == [
        ("a--b--1", 3),
        ("a--b--1", 9),
        ("a--b--2", 2),
    ]


def test_what_was_taken_in_comes_back_whole(lake, record, taken_in):
    rows = taken_in("v1-one", "v1-two")
    of = record("a--b--1", rows_in_file=2, rows_blank=0, rows_read=2, rows_withdrawn=0)
    lake.write_submission(of, rows)
    back = lake.taken_in(of)
    assert back.accepted.equals(rows.accepted)
    assert (back.rows_read, back.rows_quarantined, back.waived) == (2, 0, None)


def test_a_row_that_links_them_with_somebody_else_is_marked(lake, record, taken_in):
    kind = Kind.DEPARTURES
    moved = pl.DataFrame(
        {
            "row_number": [2, 3, 4],
            "participant_id": ["v1-one", "v1-two", "v1-three"],
            "new_participant_id": ["v1-two", "v1-four", None],
        }
    )
    frame = pl.concat(
        [ACCEPTED[kind].to_frame(), moved.cast({"row_number": pl.Int32})], how="diagonal"
    )
    lake.write_submission(record("a--b--1", kind=kind), replace(taken_in(), accepted=frame))

    def links(*names: str) -> dict[int, bool]:
        return dict(lake.rows_of(["a--b--1"], names).select("row_number", "links").iter_rows())

    assert links("v1-one", "v1-two") == {2: False, 3: True}
    assert links("v1-four") == {3: True}
    assert links("v1-three") == {4: False}


def test_texts_are_kept_where_a_mapping_names_any(lake, record, taken_in):
    text = pl.DataFrame({"row_number": [2], "text": ["it [name] helped"]})
    some = pl.concat([TEXTS.to_frame(), text.cast({"row_number": pl.Int32})], how="diagonal")
    lake.write_submission(record("a--b--1"), replace(taken_in("v1-one"), texts=some))
    lake.write_submission(record("a--b--2"), replace(taken_in("v1-one"), texts=TEXTS.to_frame()))
    lake.write_submission(record("a--b--3"), taken_in("v1-one"))
    with_texts = lake.with_texts(["a--b--1", "a--b--2", "a--b--3", "never taken in"])
    assert with_texts == ["a--b--1", "a--b--2"]
    assert lake.rows("texts", with_texts, TEXTS)["text"].to_list() == ["it [name] helped"]

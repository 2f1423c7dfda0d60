"""The home folder: made once, completed where something is missing, mappings as values."""

import stat
from datetime import UTC, datetime

import pytest

from pipeline.programme import UnusableConfiguration
from pipeline.programme_schema import (
    PROGRAMME_SCHEMA_FILE,
    PROGRAMME_SCHEMA_LINE,
    programme_schema,
)
from pipeline.reading.mapping import Mapping
from pipeline.reading.mapping_schema import SCHEMA_FILE, SCHEMA_LINE, mapping_schema
from pipeline.storage.home import Home, UnusableMapping

PROGRAMME = """
programme: home
title: Simulated
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: later}
waves: [{wave: baseline, due_after_days: 0}, {wave: later, due_after_days: 70}]
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
"""
MAPPING = """
organisation: simulated-force-01
source: roster
kind: roster
files: "roster*"
participant: Number
"""


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.create(PROGRAMME)
    folder = made.root / "sources" / "simulated-force-01"
    folder.mkdir()
    (folder / "roster.yaml").write_text(MAPPING)
    (made.landing / "simulated-force-01").mkdir()
    return made


def _land(home: Home, name: str, content: bytes = b"Number\nSIM00001\n") -> None:
    (home.landing / "simulated-force-01" / name).write_bytes(content)


def test_a_home_is_made_once_and_only_what_is_missing_is_made_again(tmp_path):
    home = Home(tmp_path / "home")
    made = home.create(PROGRAMME)
    assert set(made) >= {"landing/", "sources/", "secrets/", "programme.yaml", "secrets/key-1"}
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    key = (home.secrets / "key-1").read_bytes()
    assert home.create("another: programme") == []
    assert (home.root / "programme.yaml").read_text() == PROGRAMME
    home.landing.rmdir()
    assert home.create(PROGRAMME) == ["landing/"]
    assert (home.secrets / "key-1").read_bytes() == key


def test_the_schema_that_editors_complete_mappings_by_is_the_newest(home):
    schema = home.root / "sources" / SCHEMA_FILE
    assert schema.read_text("utf-8") == mapping_schema()
    schema.write_bytes(b"\xff of an older Muster")
    assert home.create(PROGRAMME) == [f"sources/{SCHEMA_FILE}"]
    assert schema.read_text("utf-8") == mapping_schema()
    line = SCHEMA_LINE.partition("$schema=")[2]
    assert (home.root / "sources" / "simulated-force-01" / line).resolve() == schema.resolve()
    assert len(home.mappings) == 1


def test_the_schema_that_editors_complete_the_programme_by_is_the_newest(home):
    schema = home.root / PROGRAMME_SCHEMA_FILE
    assert schema.read_text("utf-8") == programme_schema()
    schema.write_bytes(b"\xff of an older Muster")
    assert home.create(PROGRAMME) == [PROGRAMME_SCHEMA_FILE]
    assert schema.read_text("utf-8") == programme_schema()
    line = PROGRAMME_SCHEMA_LINE.partition("$schema=")[2]
    assert (home.root / line).resolve() == schema.resolve()


def test_a_home_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnusableConfiguration, match="the home folder does not exist"):
        _ = Home(tmp_path / "missing").programme
    with pytest.raises(UnusableConfiguration, match=r"programme\.yaml is missing"):
        _ = Home(tmp_path).programme


def test_an_unusable_mapping_is_a_value_and_stops_no_other(home):
    folder = home.root / "sources" / "simulated-force-01"
    (folder / "leavers.yaml").write_text(MAPPING)
    (folder / "other.yaml").write_text("kind: roster\n\tfiles: x\n")
    (folder / "latin.yaml").write_bytes("# café\n".encode("latin-1"))
    (folder / "sentence.yaml").write_text("only words")
    (folder / "nothing.yaml").write_text("")
    (folder / "gone.yaml").symlink_to("nowhere")
    (folder / "folder.yaml").mkdir()
    (folder / ".#roster.yaml").symlink_to("somebody@somewhere.4711")
    problems = {m.problem for m in home.mappings if isinstance(m, UnusableMapping)}
    assert [m.source for m in home.mappings if isinstance(m, Mapping)] == ["roster"]
    for part in (
        "sources/simulated-force-01/leavers.yaml: organisation and source must be called",
        "sources/simulated-force-01/other.yaml line 2: this is not valid YAML",
        "sources/simulated-force-01/latin.yaml: save it as UTF-8 text",
        "sources/simulated-force-01/sentence.yaml line 1",
        "sources/simulated-force-01/nothing.yaml line 1",
        "sources/simulated-force-01/gone.yaml: it cannot be read",
        "sources/simulated-force-01/folder.yaml: it cannot be read",
    ):
        assert len([problem for problem in problems if problem.startswith(part)]) == 1, part
    assert len(problems) == 7, "hidden files are no mappings"


def test_arrivals_are_matched_to_sources(home):
    _land(home, "roster march.csv")
    _land(home, "notes.csv", b"other bytes")
    (home.landing / "stray.csv").write_bytes(b"stray")
    found = {arrival.file.path.name: arrival for arrival in home.arrivals()}
    roster = found["roster march.csv"]
    assert (roster.organisation, roster.source) == ("simulated-force-01", "roster")
    assert roster.problem is None
    assert roster.submission_id.startswith("simulated-force-01--roster--")
    assert "no mapping in sources/simulated-force-01/" in found["notes.csv"].problem
    assert "the folder of a known organisation" in found["stray.csv"].problem


def test_a_file_name_is_shown_by_no_arrival(home):
    """Names of people occur in file names."""
    _land(home, "roster Jane Doe.csv")
    (arrival,) = home.arrivals()
    shown = repr(arrival.file) + arrival.submission_id + arrival.fingerprint
    assert "Doe" not in shown


def test_the_same_bytes_under_two_names_are_one_arrival(home):
    _land(home, "roster.csv")
    _land(home, "roster again.csv")
    assert len(home.arrivals()) == 1
    _land(home, "roster again.csv", b"Number\nSIM00002\n")
    assert len(home.arrivals()) == 2


def test_a_file_that_two_mappings_want_is_taken_by_neither(home):
    folder = home.root / "sources" / "simulated-force-01"
    (folder / "people.yaml").write_text(MAPPING.replace("source: roster", "source: people"))
    _land(home, "roster.csv")
    (arrival,) = Home(home.root).arrivals()
    assert arrival.mapping is None
    assert "the mappings people and roster" in arrival.problem


def test_a_home_from_before_the_stewardship_store_keeps_its_days_of_receipt(home, record):
    days = {
        "b--b--2": datetime(2025, 3, 1, tzinfo=UTC),
        "a--a--1": datetime(2025, 3, 2, tzinfo=UTC),
    }
    for submission_id, day in days.items():
        home.lake.write_submission(record(submission_id, received_at=day), None)
    home.adopt(home.lake.records())
    receipts = home.stewardship.receipts()
    assert {i: receipt.received_at for i, receipt in receipts.items()} == days
    assert list(receipts) == ["b--b--2", "a--a--1"], "in the order of arrival"
    later = datetime(2026, 1, 1, tzinfo=UTC)
    assert home.stewardship.receive([("a--a--1", later)], later)["a--a--1"].received_at.year == 2025
    home.adopt(home.lake.records())
    assert len(home.stewardship.receipts()) == 2


def test_what_was_taken_in_since_a_copy_of_the_store_keeps_place_and_day(home, record):
    """The store is put back from its copy; what arrives next comes after all of the lake."""
    before = datetime(2025, 3, 1, tzinfo=UTC)
    home.stewardship.receive([("a--a--1", before)], before)
    home.back_up(before.date())
    since = datetime(2025, 3, 2, tzinfo=UTC)
    places = home.stewardship.receive([(i, since) for i in ("c--c--3", "b--b--2")], since)
    for submission_id, receipt in places.items():
        home.lake.write_submission(
            record(submission_id, place=receipt.place, received_at=since), None
        )
    (copy,) = (home.root / "backups").iterdir()
    copy.replace(home.stewardship.path)
    home.adopt(home.lake.records())
    assert list(home.stewardship.receipts()) == ["a--a--1", "c--c--3", "b--b--2"]
    later = datetime(2025, 3, 3, tzinfo=UTC)
    found = home.stewardship.receive([("d--d--4", later), ("b--b--2", later)], later)
    assert found["d--d--4"].place > places["b--b--2"].place
    assert found["b--b--2"].received_at == since


def test_a_store_begun_anew_keeps_the_order_of_the_lake(home, record):
    for place, submission_id in ((3, "b--b--2"), (7, "a--a--1")):
        home.lake.write_submission(record(submission_id, place=place), None)
    assert home.create(PROGRAMME) == ["stewardship.sqlite"]
    home.adopt(home.lake.records())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert home.stewardship.receive([("c--c--3", now)], now)["c--c--3"].place == 8
    assert [receipt.place for receipt in home.stewardship.receipts().values()] == [3, 7, 8]


def test_what_was_taken_in_without_a_place_is_given_one(home, record):
    """Its file may be gone, and what is read again must not come before it for ever."""
    for day, submission_id in enumerate(("b--b--2", "a--a--1"), start=1):
        received = datetime(2025, 3, day, tzinfo=UTC)
        home.lake.write_submission(record(submission_id, received_at=received), None)
    home.adopt(home.lake.records())
    assert [(r.submission_id, r.place) for r in home.lake.records()] == [
        ("b--b--2", 1),
        ("a--a--1", 2),
    ]


@pytest.mark.parametrize("left", [None, b""])
def test_nothing_goes_on_without_the_store_that_runs_have_used(home, record, left):
    home.lake.write_submission(record("a--a--1", place=1), None)
    if left is not None:
        home.stewardship.path.write_bytes(left)
    with pytest.raises(UnusableConfiguration, match=r"stewardship\.sqlite is missing or empty"):
        home.adopt(home.lake.records())
    assert not home.stewardship.receipts()


def test_a_new_home_has_nothing_to_adopt(home):
    home.adopt(home.lake.records())
    assert not home.stewardship.path.exists()

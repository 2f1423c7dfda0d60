"""Tombstones carried out in lake and stages, once for those that there are."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipeline import reference
from pipeline.intake import WHOSE, TakenIn
from pipeline.privacy.withdrawals import erasing, leaving
from pipeline.programme import UnusableConfiguration
from pipeline.publishing.remembered import NAMES_ROW, SCHEMA
from pipeline.storage.erasing import finish_erasures
from pipeline.storage.home import Home
from pipeline.submissions import Record

NOW = datetime(2025, 3, 1, tzinfo=UTC)
SIGNED = {"steward": "simulated steward", "reason": "asked"}
ONE, TWO = (f"v1-{digit * 20}" for digit in "12")


@pytest.fixture
def home(tmp_path, record: Callable[..., Record], taken_in: Callable[..., TakenIn]) -> Home:
    """Two officers in two submissions, of one of them the second alone, and an unreadable one."""
    made = Home(tmp_path / "home")
    made.create(reference.example_programme())
    for name, people in (("a--b--1", (ONE, TWO)), ("a--b--2", (TWO,))):
        counts = {"rows_read": len(people), "rows_accepted": len(people)}
        of = record(name, rows_quarantined=0, rows_withdrawn=0, **counts)
        made.lake.write_submission(of, taken_in(*people))
    made.lake.write_submission(record("a--b--3", problem="the file is empty"), None)
    people_table = pl.DataFrame({"participant_id": [ONE, TWO]})
    made.stages.begin("people", reads=()).finish(({"people": people_table}, {}))
    return made


def erase(home: Home, name: str) -> None:
    home.stewardship.enter([erasing([name], None, rows=0, **SIGNED)], NOW)


def kept(home: Home) -> dict[str, tuple[int | None, ...]]:
    return {
        r.submission_id: (r.rows_read, r.rows_accepted, r.rows_withdrawn, r.erasures)
        for r in home.lake.records()
    }


def test_without_a_tombstone_nothing_is_looked_at(home: Home) -> None:
    home.stewardship.enter([leaving([ONE], date(2025, 1, 1), **SIGNED)], NOW)
    before = kept(home)
    assert finish_erasures(home) == 0
    assert (kept(home), home.stages.entry("people") is None) == (before, False)


def test_rows_and_tables_go_and_the_record_says_what_is_left(home: Home) -> None:
    erase(home, ONE)
    assert finish_erasures(home) == 1
    assert kept(home) == {
        "a--b--1": (2, 1, 1, 1),
        "a--b--2": (1, 1, 0, 0),
        "a--b--3": (None, None, None, 0),
    }
    assert home.stages.entry("people") is None
    assert finish_erasures(home) == 0
    erase(home, TWO)
    assert finish_erasures(home) == 2
    assert kept(home)["a--b--1"] == (2, 0, 2, 2)
    assert home.lake.rows("accepted", ["a--b--1", "a--b--2"], WHOSE).is_empty()


def test_rows_for_research_go_as_a_whole(home: Home) -> None:
    home.research.write_bytes(b"rows in which nobody can be found")
    assert finish_erasures(home) == 0
    assert home.research.exists()
    erase(home, ONE)
    finish_erasures(home)
    assert not home.research.exists()


def test_they_leave_what_is_kept_of_releases(home: Home) -> None:
    folder = home.root / "memberships"
    folder.mkdir()
    kept = pl.DataFrame(
        [
            {"measure": "n", "place": "all", "printed": True, "gone": 0, "members": [0, 1]},
            {"measure": NAMES_ROW, "gone": 0, "names": [ONE, TWO]},
        ],
        schema=SCHEMA,
    )
    kept.write_parquet(folder / "spring.parquet")
    erase(home, ONE)
    finish_erasures(home)
    left = home.releases.remembered("spring")
    assert left.select("gone", "members", "names").rows() == [
        (1, [1], None),
        (0, None, [None, TWO]),
    ]
    assert not [p for p in folder.iterdir() if ONE.encode() in p.read_bytes()]


def test_what_was_done_is_done_again_only_if_it_is_asked_for(
    home: Home, record: Callable[..., Record], taken_in: Callable[..., TakenIn]
) -> None:
    erase(home, ONE)
    finish_erasures(home)
    counts = {"rows_read": 1, "rows_accepted": 1, "rows_quarantined": 0, "rows_withdrawn": 0}
    home.lake.write_submission(record("a--b--4", **counts), taken_in(ONE))
    assert finish_erasures(home) == 0
    assert finish_erasures(home, anew=True) == 1


def test_a_folder_that_is_not_whole_is_not_left_to_hold_them(home: Home) -> None:
    folders = [home.root / "lake" / "submissions" / f"a--b--{number}" for number in (1, 2)]
    for folder in folders:
        next(folder.glob("profile-*.parquet")).unlink()
    erase(home, ONE)
    finish_erasures(home)
    assert [folder.exists() for folder in folders] == [False, True]


def test_acts_under_other_keys_stop_everything_in_one_sentence(home: Home) -> None:
    erase(home, ONE.replace("v1", "v2"))
    with pytest.raises(UnusableConfiguration, match="restore the keys from their backup"):
        home.withdrawals()

"""What makes a submission or the snapshot out of date, and what does not."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
from sound_keys import digits

from pipeline import tables
from pipeline.entries import Act
from pipeline.orchestration import state
from pipeline.orchestration.state import build_fingerprint, outdated, work_left
from pipeline.programme import UnusableConfiguration
from pipeline.quality.decisions import Ruling
from pipeline.storage.home import Home
from pipeline.storage.rotation import rotate
from pipeline.storage.warehouse import publish
from pipeline.submissions import Record
from pipeline.vocabulary import DecisionAction, EntryKind

TODAY = date(2025, 3, 1)
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
OTHER_PROGRAMME = ("2025-01-06", "2025-01-13")
"""A cohort's first session: it decides the ledger, and nothing that intake does."""


def _record(arrival, **changes) -> Record:
    return Record(
        **{
            "submission_id": arrival.submission_id,
            "organisation": arrival.organisation,
            "source": arrival.source,
            "kind": None,
            "delivery": None,
            "file_name": "answers.csv",
            "sha256": arrival.file.sha256,
            "received_at": datetime(2025, 3, 1, tzinfo=UTC),
            "modified_at": datetime(2025, 3, 1, tzinfo=UTC),
            "fingerprint": arrival.fingerprint,
            **changes,
        }
    )


def _replace(home: Home, path: str, old: str, new: str) -> Home:
    """The same home after somebody edited one of its files."""
    file = home.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return Home(home.root)


@pytest.fixture
def taken(home):
    """The record of the one arrival, as intake would have made it."""
    (arrival,) = home.arrivals()
    return _record(arrival)


def test_only_what_the_lake_lacks_is_outdated(home, taken):
    (arrival,) = home.arrivals()
    assert outdated([arrival], []) == [arrival]
    assert outdated([arrival], [taken]) == []
    assert outdated([arrival], [taken.model_copy(update={"fingerprint": "old"})]) == [arrival]
    assert outdated([], [taken]) == []


MAPPING = "sources/simulated-force-01/answers.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (MAPPING, "Start: baseline", "Begin: baseline"),
        (MAPPING, "columns: {completed_on: Done}", ""),
        (MAPPING, 'files: "answers*"', 'files: "other*"'),
        ("programme.yaml", "programme: small", "programme: another"),
        ("programme.yaml", "cohorts:", "duplicates: last\ncohorts:"),
        ("programme.yaml", "cohorts:", "identifiers: {default: {prefixes: [SIM]}}\ncohorts:"),
        ("landing/simulated-force-01/answers.csv", "0,1,2,3", "0,1,2,2"),
    ],
)
def test_what_decides_rows_makes_a_submission_outdated(home, taken, path, old, new):
    changed = _replace(home, path, old, new)
    assert len(outdated(changed.arrivals(), [taken])) == 1


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (MAPPING, "organisation:", "# a remark\norganisation:"),
        (MAPPING, "source: answers\nkind: questionnaire", "kind: questionnaire\nsource: answers"),
        ("programme.yaml", *OTHER_PROGRAMME),
        ("programme.yaml", "cohorts:", "thresholds: {quarantined_hold: 0.3}\ncohorts:"),
        ("programme.yaml", "title: Simulated", "title: Other"),
    ],
)
def test_what_does_not_decide_rows_leaves_a_submission_alone(home, taken, path, old, new):
    changed = _replace(home, path, old, new)
    assert outdated(changed.arrivals(), [taken]) == []


def test_a_touched_or_renamed_file_is_not_new(home, taken):
    path = home.landing / "simulated-force-01" / "answers.csv"
    os.utime(path, (0, 1_700_000_000))
    path.rename(path.with_name("answers again.csv"))
    assert outdated(home.arrivals(), [taken]) == []


def test_another_version_of_intake_takes_everything_in_again(home, taken, monkeypatch):
    monkeypatch.setattr("pipeline.storage.home.code_hash", lambda *_: "another")
    assert len(outdated(home.arrivals(), [taken])) == 1


def test_the_fingerprint_of_a_build_says_what_it_depends_on(home, taken):
    def made(*, on=home, records=(taken,), as_of=TODAY, known_at=None) -> str:
        return build_fingerprint(on, list(records), as_of, known_at)

    same = made()
    assert made() == same
    assert made(on=Home(home.root)) == same
    other_name = taken.model_copy(update={"file_name": "***.csv"})
    assert made(records=[other_name]) == same
    changed = {
        "as_of": made(as_of=date(2025, 3, 2)),
        "known_at": made(known_at=TODAY),
        "no submission": made(records=[]),
        "other rows": made(records=[taken.model_copy(update={"fingerprint": "1"})]),
        "other submission": made(records=[taken.model_copy(update={"submission_id": "x"})]),
        "one more": made(records=[taken, taken.model_copy(update={"submission_id": "x"})]),
    }
    assert same not in changed.values()
    assert len(set(changed.values())) == len(changed)


def test_dates_are_not_confused_with_each_other(home, taken):
    one = build_fingerprint(home, [taken], TODAY, None)
    two = build_fingerprint(home, [taken], TODAY, TODAY)
    assert one != two


@pytest.mark.parametrize(
    ("old", "new"),
    [
        OTHER_PROGRAMME,
        ("cohorts:", "thresholds: {quarantined_hold: 0.3}\ncohorts:"),
        ("cohorts:", "early_response_days: 7\ncohorts:"),
    ],
)
def test_settings_of_the_programme_make_a_build_out_of_date(home, taken, old, new):
    before = build_fingerprint(home, [taken], TODAY, None)
    changed = _replace(home, "programme.yaml", old, new)
    assert build_fingerprint(changed, [taken], TODAY, None) != before
    remark = _replace(changed, "programme.yaml", "programme:", "# a remark\nprogramme:")
    after = build_fingerprint(changed, [taken], TODAY, None)
    assert build_fingerprint(remark, [taken], TODAY, None) == after


def test_another_version_of_the_code_makes_a_build_out_of_date(home, taken, monkeypatch):
    before = build_fingerprint(home, [taken], TODAY, None)
    monkeypatch.setattr(state, "code_hash", lambda *_: "another")
    assert build_fingerprint(home, [taken], TODAY, None) != before


def _publish(home: Home, fingerprint: str) -> None:
    """A warehouse with nothing in it but what it says it was built from."""
    build = pl.DataFrame(
        {
            "fingerprint": [fingerprint],
            "programme": ["p"],
            "as_of": [TODAY],
            "models_pending": [False],
            "version": ["0"],
        }
    )
    frames = {
        table.name: table.conform(build) if table is tables.BUILD else table.empty()
        for table in tables.TABLES
    }
    home.stages.begin("everything", reads=()).finish((frames, {}))
    publish(home.warehouse, {table: home.stages.path(table.name) for table in tables.TABLES})


def test_work_is_left_until_lake_and_warehouse_say_the_same(home, taken):
    first = work_left(home, TODAY, None)
    assert [a.submission_id for a in first.to_take_in] == [taken.submission_id]
    assert not first.nothing

    home.lake.write_submission(taken, None)
    second = work_left(home, TODAY, None)
    assert second.to_take_in == []
    assert not second.nothing, "taken in, not yet built"

    _publish(home, build_fingerprint(home, home.lake.records(), TODAY, None))
    assert work_left(home, TODAY, None).nothing
    assert not work_left(home, date(2025, 3, 2), None).nothing
    assert not work_left(home, TODAY, TODAY).nothing
    home.warehouse.unlink()
    assert not work_left(home, TODAY, None).nothing, "there is no warehouse"


def test_a_file_that_left_landing_is_no_work(home, taken):
    home.lake.write_submission(taken, None)
    _publish(home, build_fingerprint(home, home.lake.records(), TODAY, None))
    (home.landing / "simulated-force-01" / "answers.csv").unlink()
    assert work_left(home, TODAY, None).nothing


def test_a_newer_key_takes_nothing_in_again_and_makes_the_snapshot_one_of_before(home, taken):
    """What was taken in is carried on to it, so files that have gone from landing are not lost."""
    home.lake.write_submission(taken, None)
    home.settle_keys(NOW)
    before = build_fingerprint(home, [taken], TODAY, None)
    assert rotate(home, "steward", "planned", NOW).version == 2
    home = Home(home.root)
    assert outdated(home.arrivals(), home.lake.records()) == []
    assert build_fingerprint(home, [taken], TODAY, None) != before


def test_nothing_is_looked_for_under_another_key(home, taken, monkeypatch):
    """Refused before landing is so much as listed."""
    home.lake.write_submission(taken, None)
    home.settle_keys(NOW)
    (home.secrets / "key-1").write_text(digits("ab"))
    monkeypatch.setattr(Home, "arrivals", lambda _: pytest.fail("landing was looked at"))
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is not the key"):
        work_left(home, TODAY, None)


def _decide(home, taken, **said):
    ruling = {"action": DecisionAction.ACCEPT, "steward": "data.steward", "reason": "explained"}
    rulings = [Ruling(submission_id=taken.submission_id, **{**ruling, **said})]
    home.stewardship.record(rulings, datetime(2025, 3, 1, 12, tzinfo=UTC))


def test_a_decision_makes_the_snapshot_one_of_before(home, taken):
    before = build_fingerprint(home, [taken], TODAY, None)
    as_known = build_fingerprint(home, [taken], TODAY, date(2025, 2, 28))
    heard = tables.DECISIONS.empty()
    _decide(home, taken)
    assert build_fingerprint(home, [taken], TODAY, None) != before
    # It was taken after the day of the report, or while the run was under way.
    assert build_fingerprint(home, [taken], TODAY, date(2025, 2, 28)) == as_known
    assert build_fingerprint(home, [taken], TODAY, None, heard) == before
    assert outdated(home.arrivals(), [taken]) == []


def test_a_judgement_of_a_text_makes_the_snapshot_one_of_before(home, taken):
    before = build_fingerprint(home, [taken], TODAY, None)
    act = Act(kind=EntryKind.TEXT_JUDGED, steward="data.steward", reason="", body={})
    other = replace(act, kind=EntryKind.RELEASED)
    home.stewardship.enter([other], datetime(2025, 3, 1, tzinfo=UTC))
    assert build_fingerprint(home, [taken], TODAY, None) == before
    home.stewardship.enter([act], datetime(2025, 3, 2, tzinfo=UTC))
    assert build_fingerprint(home, [taken], TODAY, None) != before
    assert build_fingerprint(home, [taken], TODAY, None, judged=[]) == before
    assert outdated(home.arrivals(), [taken]) == [], "no file is read again for it"


def test_a_waiver_makes_its_submission_outdated(home, taken):
    waiver = {"row_number": 2, "rule": "too_many_unanswered", "until": date(2025, 6, 30)}
    _decide(home, taken, action=DecisionAction.WAIVE, **waiver)
    (arrival,) = outdated(home.arrivals(), [taken])
    assert arrival.waived == {(2, "too_many_unanswered")}


def test_what_takes_long_to_get_ready_does_so_while_a_file_is_waited_for(home, monkeypatch):
    done, slept = [], []
    monkeypatch.setattr(state.time, "sleep", slept.append)
    work = state.work_left_when_still(home, TODAY, None, meanwhile=lambda: done.append(1))
    assert work.still_written == 1, "the fixture has just written it"
    assert done == [1]
    assert slept[0] <= state.SECONDS_STILL
    for path in home.landing.rglob("*.*"):
        os.utime(path, (0, 0))
    monkeypatch.setattr(state, "SECONDS_STILL", 0)
    assert state.work_left_when_still(home, TODAY, None, meanwhile=lambda: done.append(2))
    assert done == [1], "nothing is waited for, and what is called takes seconds"

"""What runs make of officers who left, stopped collection or were erased.

Two simulated forces and the unit of both, whose files of answers and rosters hold everything so
far. One officer changes from the first force to the second.
"""

import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from homes import files_holding, query, table_hashes

from pipeline.definitions import build_defs
from pipeline.entries import Act
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import work_left
from pipeline.privacy.withdrawals import erasing, leaving, same_officer, stopping
from pipeline.storage.erasing import finish_erasures, search_landing
from pipeline.storage.home import Home
from pipeline.storage.rotation import rotate
from pipeline.vocabulary import EntryKind

pytestmark = pytest.mark.filterwarnings("ignore")

ONE, TWO, UNIT = "simulated-force-01", "simulated-force-02", "simulated-unit"
AS_OF = date(2025, 9, 1)
SIGNED = {"steward": "simulated steward", "reason": "asked"}
PROGRAMME = f"""
programme: withdrawing
title: Simulated rows for tests
instruments: [phq4]
primary: {{instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}}
waves:
  - {{wave: baseline, due_after_days: 0}}
  - {{wave: session_10, due_after_days: 140}}
thresholds: {{unlinked_hold: 1.0, quarantined_hold: 0.9, quarantined_reject: 1.0}}
organisations:
  - {{organisation: {ONE}, name: Simulated Force 01, kind: police_force}}
  - {{organisation: {TWO}, name: Simulated Force 02, kind: police_force}}
  - {{organisation: {UNIT}, name: Simulated Unit, kind: violence_reduction_unit}}
cohorts:
  - {{organisation: {ONE}, cohort: all, starts_on: 2025-01-06}}
  - {{organisation: {TWO}, cohort: all, starts_on: 2025-01-06}}
"""
SOURCES = {
    "answers": (
        "kind: questionnaire\nwave: {column: Wave}\ninstruments: {phq4: {columns: 'Q{item}'}}\n"
        "columns: {completed_on: Done}\ndelivery: cumulative\n",
        "Number,Wave,Done,Q1,Q2,Q3,Q4",
    ),
    "roster": (
        "kind: roster\ncolumns: {session_group: Group, enrolled_on: Enrolled}\n"
        "delivery: cumulative\n",
        "Number,Group,Enrolled",
    ),
    "leavers": (
        "kind: departures\ndelivery: cumulative\ncolumns: {departed_on: Left, "
        "departure_kind: Why, new_force: To, new_number: New}\n"
        "values: {departure_kind: {left: left_organisation}}\n",
        "Number,Left,Why,To,New",
    ),
}
BASELINE = [f"SIMW{n:05d},baseline,2025-01-0{n},{n % 4},1,2,{n % 3}" for n in range(1, 7)]
SESSION_10 = [f"SIMW{n:05d},session_10,2025-05-2{n},{n % 3},0,1,{n % 4}" for n in range(1, 7)]
ROSTER = [f"SIMW{n:05d},G1,2025-01-02" for n in range(1, 7)]
NEWCOMER = "SIMW00007,G1,2025-01-02"
WHO, OTHER = "SIMW00003", "SIMW00004"
BAD = "SIMW00003,nowhen,2025-01-03,0,0,0,0"


class House:
    """A home in which one day follows another."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.day = datetime(2025, 6, 1, 12, tzinfo=UTC)
        home = Home(root)
        home.create(PROGRAMME)
        for force in (ONE, TWO):
            for source in SOURCES:
                self.map(force, source)
        house = self
        monkeypatch.setattr(HomeResource, "now", lambda _: house.day)
        monkeypatch.setattr("pipeline.storage.landing._SECONDS_UNTIL_CERTAIN", 0.0)

    @property
    def home(self) -> Home:
        return Home(self.root)

    def map(self, organisation: str, source: str, more: str = "") -> None:
        folder = self.root / "sources" / organisation
        folder.mkdir(exist_ok=True)
        (folder / f"{source}.yaml").write_text(
            f"organisation: {organisation}\nsource: {source}\nfiles: '{source}*'\n"
            f"participant: Number\n{SOURCES[source][0]}{more}"
        )

    def land(self, organisation: str, name: str, *rows: str, headings: str | None = None) -> None:
        source = name.partition(" ")[0]
        path = self.root / "landing" / organisation / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([headings or SOURCES[source][1], *rows]) + "\n")
        self.day += timedelta(days=1)
        os.utime(path, (self.day.timestamp(), self.day.timestamp()))

    def run(self, as_of: date = AS_OF, known_at: date | None = None) -> dict[str, str]:
        """Everything brought up to date; hashes of all tables but what is said of the build."""
        new = [a.submission_id for a in work_left(self.home, as_of, known_at).to_take_in]
        with instance_of(self.root) as instance:
            result = run_here(build_defs(self.root, as_of, known_at), instance, self.home, new)
        assert result.success, failure_of(result)
        hashes = table_hashes(self.home.warehouse)
        del hashes["meta.build"]
        return hashes

    def name(self, number: str, force: str = ONE) -> str:
        asked = pl.DataFrame({"home_force": [force], "identifier": [number]})
        return str(self.home.pseudonymiser().participants(asked).item())

    def names(self, number: str, force: str = ONE) -> frozenset[str]:
        aliases = self.home.stages.read("participant_alias")
        return same_officer(self.name(number, force), aliases, self.home.withdrawals())

    def enter(self, act: Act) -> None:
        self.home.stewardship.enter([act], self.day)

    def stop(self, number: str, force: str = ONE) -> None:
        newest = max(r.place for r in self.home.stewardship.receipts().values())
        self.enter(stopping(self.names(number, force), newest, **SIGNED))

    def erase(self, number: str, force: str = ONE) -> frozenset[str]:
        names = self.names(number, force)
        self.enter(erasing(names, force, rows=0, **SIGNED))
        finish_erasures(self.home)
        return names

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        return query(self.home.warehouse, sql).rows()

    def accounts(self) -> dict[str, tuple[int, ...]]:
        """Read, accepted, quarantined, superseded, held, withdrawn by source and place."""
        rows = self.ask(
            "SELECT organisation || ' ' || source || ' ' || row_number() OVER "
            "(PARTITION BY organisation, source ORDER BY received_at), rows_read, rows_accepted, "
            "rows_quarantined, rows_superseded, rows_held, rows_withdrawn FROM quality.submissions"
        )
        for _, read, *parts in rows:
            assert read == sum(parts)
        return {str(name): tuple(counts) for name, *counts in rows}

    def answered(self, number: str, force: str = ONE) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT wave, status, departed_on FROM core.participant_waves JOIN core.participants "
            f"USING (participant_id) WHERE participant_id = '{self.name(number, force)}' ORDER BY 1"
        )


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Six officers of one force on its roster, all of whom answered the first time."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(tmp_path_factory.mktemp("withdrawals") / "home", patch)
        house.land(ONE, "roster 1", *ROSTER)
        house.land(ONE, "answers 1", *BASELINE, BAD)
        house.run()
        return house


@pytest.fixture
def house(begun: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    shutil.copytree(begun.root, tmp_path / "home")
    copied = House(tmp_path / "home", monkeypatch)
    copied.day = begun.day
    return copied


def test_one_who_left_is_withdrawn_from_that_day_and_keeps_the_answers(house: House) -> None:
    house.enter(leaving(house.names(WHO), date(2025, 3, 1), **SIGNED))
    assert not work_left(house.home, AS_OF, None).nothing, "the next run hears it"
    house.run()
    gone = date(2025, 3, 1)
    assert house.answered(WHO) == [
        ("baseline", "completed", gone),
        ("session_10", "withdrawn", gone),
    ]
    assert house.answered(OTHER)[1] == ("session_10", "missed", None)
    assert work_left(house.home, AS_OF, None).nothing


def test_answers_after_the_day_of_leaving_are_as_if_a_list_had_named_it(house: House) -> None:
    house.enter(leaving(house.names(WHO), date(2025, 1, 2), **SIGNED))
    house.run()
    rules = house.ask(
        "SELECT rule FROM quality.quarantine WHERE severity = 'reject' AND rule <> 'wave_unknown'"
    )
    assert rules == [("completed_after_departure",)]


def test_after_a_stop_what_was_collected_stays_though_a_newer_file_replaces_it(
    house: House,
) -> None:
    house.stop(WHO)
    house.land(ONE, "roster 2", *ROSTER, NEWCOMER)
    house.land(ONE, "answers 2", *BASELINE, BAD, *SESSION_10)
    house.run()
    assert house.accounts() == {
        f"{ONE} roster 1": (6, 1, 0, 5, 0, 0),
        f"{ONE} roster 2": (7, 6, 0, 0, 0, 1),
        f"{ONE} answers 1": (7, 1, 1, 5, 0, 0),
        f"{ONE} answers 2": (13, 10, 0, 0, 0, 3),
    }
    stopped_on = date(2025, 6, 3)
    assert house.answered(WHO) == [
        ("baseline", "completed", stopped_on),
        ("session_10", "withdrawn", stopped_on),
    ]
    assert house.answered(OTHER)[1][1] == "completed"
    disappeared = "SELECT sum(rows_disappeared) FROM quality.submissions"
    assert house.ask(disappeared) == [(0,)], "what is kept out is not missing"


def test_one_who_stopped_has_no_open_wave(house: House) -> None:
    house.stop(WHO)
    house.run(date(2025, 6, 4))
    assert house.answered(OTHER)[1][1] == "open"
    assert house.answered(WHO)[1][1] == "withdrawn"


def test_a_stop_is_kept_when_an_earlier_file_is_read_again(house: House) -> None:
    house.stop(WHO)
    before = house.run()
    house.map(ONE, "answers", "leave_out: [Remarks]\n")
    assert work_left(house.home, AS_OF, None).to_take_in
    assert house.run() == before


def test_a_stopped_officer_is_kept_of_the_file_before_the_stop_however_many_follow(
    house: House,
) -> None:
    house.land(ONE, "answers 2", *BASELINE, *SESSION_10)
    house.run()
    house.stop(WHO)
    for number in (3, 4):
        house.land(ONE, f"answers {number}", *BASELINE, *SESSION_10, *[""] * number)
        house.run()
    assert [status for _, status, _ in house.answered(WHO)] == ["completed", "completed"]
    assert house.accounts()[f"{ONE} answers 2"] == (12, 2, 0, 10, 0, 0)
    assert house.accounts()[f"{ONE} answers 3"][-1] == 2


def test_erased_is_as_if_the_rows_had_never_been_let_in(house: House) -> None:
    before = house.accounts()
    (name,) = house.erase(WHO)
    assert files_holding(house.root, {name}, _MAY_HOLD) == {"warehouse.duckdb": {name}}
    erased = house.run()
    assert files_holding(house.root, {name}, _MAY_HOLD) == {}
    assert before[f"{ONE} answers 1"] == (7, 6, 1, 0, 0, 0)
    assert house.accounts() == {
        f"{ONE} roster 1": (6, 5, 0, 0, 0, 1),
        f"{ONE} answers 1": (7, 5, 0, 0, 0, 2),
    }
    # Read again, from bytes to tables, by another version of the mapping and with no lake at all.
    house.map(ONE, "answers", "leave_out: [Remarks]\n")
    assert house.run() == erased
    shutil.rmtree(house.root / "lake")
    assert house.run() == erased
    assert files_holding(house.root, {name}, _MAY_HOLD) == {}


_MAY_HOLD = {"landing", "stewardship.sqlite", "backups"}


def test_the_same_export_sent_again_does_not_bring_them_back(house: House) -> None:
    (name,) = house.erase(WHO)
    house.run()
    house.land(ONE, "roster 2", *ROSTER, NEWCOMER)
    house.land(ONE, "answers 2", *BASELINE, BAD, *SESSION_10)
    house.run()
    assert house.accounts()[f"{ONE} roster 2"] == (7, 6, 0, 0, 0, 1)
    assert house.accounts()[f"{ONE} answers 2"] == (13, 10, 0, 0, 0, 3)
    assert files_holding(house.root, {name}, _MAY_HOLD) == {}
    assert house.ask("SELECT DISTINCT severity FROM quality.quarantine") == [("warn",)]


def test_a_units_export_does_not_bring_them_back_either(house: House) -> None:
    house.erase(WHO)
    house.stop(OTHER)
    house.map(UNIT, "answers", "home_force: {column: Force}\n")
    headings = f"Force,{SOURCES['answers'][1]}"
    house.land(
        UNIT, "answers 1", *(f"Simulated Force 01,{row}" for row in SESSION_10), headings=headings
    )
    house.run()
    assert house.accounts()[f"{UNIT} answers 1"] == (6, 4, 0, 0, 0, 2)


def test_erased_officers_stay_in_the_flow_as_a_count(house: House) -> None:
    house.erase(WHO)
    house.run()
    flow = house.ask(
        "SELECT organisation, arm, denominator, stage, status, n FROM "
        "evaluation.participant_flow WHERE stage IN ('erased', 'enrolled') "
        "AND (arm, denominator) = ('all', 'enrolled')"
    )
    assert flow == [
        (organisation, "all", "enrolled", *stage)
        for organisation in (ONE, "all")
        for stage in (("erased", "erased", 1), ("enrolled", "roster", 5))
    ]


def test_a_lake_that_still_has_them_shows_them_to_nobody(house: House) -> None:
    """The tombstone is on record, and the process ended before anything was removed."""
    home, names = house.home, house.names(WHO)

    def held() -> list[str]:
        schema = pl.Schema({"participant_id": pl.String()})
        ids = [record.submission_id for record in home.lake.records()]
        rows = [home.lake.rows(name, ids, schema) for name in ("accepted", "findings")]
        return [name for name in pl.concat(rows)["participant_id"] if name in names]

    assert len(held()) == 3
    house.enter(erasing(names, ONE, rows=3, **SIGNED))
    assert held() == []
    assert not work_left(home, AS_OF, None).nothing
    assert files_holding(house.root / "lake", set(names), set()), "its bytes are still there"
    house.run()
    assert files_holding(house.root, set(names), _MAY_HOLD) == {}


def test_an_older_lake_that_is_put_back_is_cleaned_by_the_run_that_works_all_out(
    house: House, tmp_path: Path
) -> None:
    shutil.copytree(house.root / "lake" / "submissions", tmp_path / "older")
    names = house.erase(WHO)
    house.run()
    shutil.rmtree(house.root / "lake" / "submissions")
    shutil.copytree(tmp_path / "older", house.root / "lake" / "submissions")
    with instance_of(house.root) as instance:
        job = build_defs(house.root, AS_OF).resolve_job_def("work_out_anew")
        assert job.execute_in_process(instance=instance).success
    assert files_holding(house.root, set(names), _MAY_HOLD) == {}


def test_all_pseudonyms_of_one_who_changed_forces_are_erased(house: House) -> None:
    house.land(ONE, "leavers 1", f"{WHO},2025-03-01,left,{TWO},SIMX00009")
    house.land(TWO, "roster 1", "SIMX00009,G9,2025-03-02", "SIMX00001,G9,2025-03-02")
    house.land(TWO, "answers 1", "SIMX00009,session_10,2025-05-26,0,1,2,3")
    house.run()
    assert house.ask("SELECT count(*) FROM core.participant_alias") == [(1,)]
    names = house.erase("SIMX00009", TWO)
    assert names == {house.name(WHO), house.name("SIMX00009", TWO)}
    house.run()
    assert files_holding(house.root, set(names), _MAY_HOLD) == {}
    assert house.accounts()[f"{ONE} leavers 1"] == (1, 0, 0, 0, 0, 1)
    assert house.accounts()[f"{TWO} roster 1"] == (2, 1, 0, 0, 0, 1)
    assert house.accounts()[f"{TWO} answers 1"] == (1, 0, 0, 0, 0, 1)


def test_a_tombstone_and_a_stop_hold_under_a_newer_key(house: House) -> None:
    house.erase(WHO)
    house.stop(OTHER)
    house.run()
    accounts = house.accounts()
    rotate(house.home, "simulated steward", "regular", house.day)
    assert house.name(WHO).startswith("v2-")
    house.run()
    assert house.accounts() == accounts
    house.land(ONE, "answers 2", *BASELINE, BAD, *SESSION_10)
    house.run()
    assert house.accounts()[f"{ONE} answers 1"][1:] == (1, 0, 4, 0, 2)
    assert house.accounts()[f"{ONE} answers 2"] == (13, 8, 0, 0, 0, 5)
    assert files_holding(house.root, {house.name(WHO)}, _MAY_HOLD) == {}


def test_an_erasure_that_a_rotation_came_before_is_finished_under_the_newer_key(
    house: House,
) -> None:
    """The tombstone is on record under the older key, and no row was removed yet."""
    (old,) = house.names(WHO)
    house.enter(erasing([old], ONE, rows=3, **SIGNED))
    rotate(house.home, "simulated steward", "regular", house.day)
    new = house.name(WHO)
    assert files_holding(house.root / "lake", {new}, set())
    house.run()
    assert files_holding(house.root, {old, new}, _MAY_HOLD) == {}
    assert house.accounts()[f"{ONE} answers 1"] == (7, 5, 0, 0, 0, 2)


def test_a_past_state_says_that_it_is_not_what_was_known_then(house: House) -> None:
    today = house.day.date()
    changed = "SELECT changed_since FROM meta.build"
    before = house.run(today, today)
    house.day += timedelta(days=10)
    house.enter(leaving(house.names(OTHER), today - timedelta(days=30), **SIGNED))
    assert house.run(today, today) == before, "an act that was not known then changes nothing"
    assert house.ask(changed) == [(None,)]
    house.erase(WHO)
    assert house.run(today, today) != before
    assert house.ask(changed) == [("withdrawals",)]
    house.run(house.day.date())
    assert house.ask(changed) == [(None,)]


def test_landing_is_searched_for_rows_that_the_lake_never_had(house: House) -> None:
    house.stop(WHO)
    house.land(ONE, "answers 2", *BASELINE, *SESSION_10)
    house.land(ONE, "answers 3", "unreadable", headings="Mood")
    house.run()
    copy = house.root / "landing" / ONE / "answers again.csv"
    shutil.copy2(house.root / "landing" / ONE / "answers 2.csv", copy)
    names = house.erase(WHO)
    searched = search_landing(house.home, names)
    found = {file.submission_id.split("--")[1] + str(file.rows): file for file in searched.found}
    assert {name: file.copies for name, file in found.items()} == {
        "roster(4,)": 1,
        "answers(4, 8)": 1,
        "answers(4, 10)": 2,
    }
    assert all("SIM" not in file.file_name for file in searched.found)
    assert searched.not_searched == 1


def test_an_act_says_nothing_of_the_officer(house: House) -> None:
    house.erase(WHO)
    (act,) = house.home.stewardship.entries(EntryKind.ERASED)
    assert WHO not in f"{act.body} {act.reason}"
    assert set(act.body) == {"participants", "organisation", "rows"}

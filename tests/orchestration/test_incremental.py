"""What a run costs: what changed and what depends on it, and nothing besides."""

from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from small_programme import ROSTER

import assets.ledger as ledger_module
from checks.judge import answer
from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.orchestration.resources import WORKED_OUT, HomeResource
from pipeline.orchestration.state import work_left
from pipeline.quality.decisions import Ruling
from pipeline.storage.home import Home
from pipeline.storage.stages import Stages
from pipeline.storage.warehouse import query
from pipeline.vocabulary import DecisionAction

pytestmark = pytest.mark.filterwarnings("ignore")

AS_OF = date(2025, 3, 1)


class _House:
    """A home, and what each run on it opened and carried out."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = home.root
        self.opened: set[str] = set()
        self.carried_out: set[str] = set()
        self._noted(monkeypatch)

    def _noted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened, begin = Path.open, type(Home(self.root).stages).begin
        landing = self.root / "landing"
        house = self

        def noting_files(path: Path, *arguments, **options):
            if landing in path.parents:
                house.opened.add(path.name)
            return opened(path, *arguments, **options)

        def noting_stages(stages, name, **how):
            stage = begin(stages, name, **how)
            if not stage.is_current:
                house.carried_out.add(name)
            return stage

        monkeypatch.setattr(Path, "open", noting_files)
        monkeypatch.setattr("pipeline.storage.stages.Stages.begin", noting_stages)
        monkeypatch.setattr("pipeline.storage.landing._SECONDS_UNTIL_CERTAIN", 0.0)

    def run(self, as_of: date = AS_OF) -> dict[str, str]:
        """Whether each asset was worked out now or earlier, where it says so."""
        self.opened.clear()
        self.carried_out.clear()
        home = Home(self.root)
        new = [arrival.submission_id for arrival in work_left(home, as_of, None).to_take_in]
        with instance_of(home.root) as instance:
            result = run_here(build_defs(home.root, as_of), instance, home, new)
        assert result.success
        said = {}
        for event in result.get_asset_materialization_events():
            metadata = event.materialization.metadata
            if WORKED_OUT in metadata:
                said[event.asset_key.to_user_string()] = metadata[WORKED_OUT].value.split(":")[0]
        return said

    def land(self, name: str, text: str) -> None:
        (self.root / "landing" / "simulated-force-01" / name).write_text(text)


@pytest.fixture
def house(home, monkeypatch) -> _House:
    sources = home.root / "sources" / "simulated-force-01"
    (sources / "roster.yaml").write_text(ROSTER)
    made = _House(home, monkeypatch)
    rows = "".join(f"SIMCANARY{i:02d},G1,2025-01-01\n" for i in range(1, 9))
    made.land("roster.csv", f"Number,Group,Enrolled\n{rows}")
    said = made.run()
    assert set(said.values()) == {"now"}
    assert made.opened == {"roster.csv", "answers.csv"}
    return made


MORE = "Number,Wave,Done,Q1,Q2,Q3,Q4\nSIMCANARY05,Start,2025-01-08,1,0,2,1\n"


def test_nothing_new_opens_nothing_and_carries_nothing_out(house):
    assert set(house.run().values()) == {"earlier"}
    assert house.opened == set()
    assert house.carried_out == set()


def test_one_new_file_is_the_only_one_that_is_opened(house):
    house.land("answers two.csv", MORE)
    house.run()
    assert house.opened == {"answers two.csv"}
    # The roster's contract, and what the registers say, are left alone.
    assert house.carried_out.isdisjoint(
        {"checks_roster", "accepted_roster", "accepted_attendance", "accepted_departures"}
    )
    assert house.carried_out >= {"checks_questionnaire_phq4", "accepted_questionnaire", "scores"}


def test_a_register_that_says_the_same_leaves_responses_and_tables_alone(house):
    """Another file of the same roster: the rows that count are the same rows."""
    path = house.root / "landing" / "simulated-force-01" / "roster.csv"
    house.land("roster 2.csv", path.read_text().replace("\n", "\r\n"))
    house.run()
    assert house.opened == {"roster 2.csv"}
    assert "checks_questionnaire_phq4" not in house.carried_out
    assert "scores" not in house.carried_out
    assert "evaluation" not in house.carried_out


def test_a_roster_alone_leaves_what_comes_from_the_items_alone(house):
    """Who sits with whom changes the ledger and the tables, and no item is read for it."""
    path = house.root / "landing" / "simulated-force-01" / "roster.csv"
    house.land("roster 2.csv", path.read_text().replace(",G1,", ",G2,"))
    house.run()
    assert house.carried_out >= {"ledger", "evaluation"}
    assert "answers" not in house.carried_out


def test_days_that_pass_are_worked_out_without_reading_any_submission(house):
    house.run(date(2025, 3, 2))
    assert house.opened == set()
    assert house.carried_out.isdisjoint(
        {"profiles", "verdicts", "accepted_questionnaire", "accepted_roster"}
    )
    assert house.carried_out >= {"ledger", "evaluation"}


def test_a_decision_recomputes_what_it_touches(house):
    home = Home(house.root)
    (answers,) = [r for r in home.lake.records() if r.source == "answers"]
    ruling = Ruling(
        submission_id=answers.submission_id,
        action=DecisionAction.RETURN,
        steward="simulated steward",
        reason="for the test",
    )
    home.stewardship.record([ruling], datetime.now(UTC))
    house.run()
    assert house.opened == set(), "no export is read for it"
    assert "profiles" not in house.carried_out
    assert not any(name.startswith("checks_") for name in house.carried_out)
    assert house.carried_out >= {"verdicts", "accepted_questionnaire", "ledger", "accounting"}
    assert house.carried_out.isdisjoint(
        {"accepted_roster", "accepted_attendance", "accepted_departures"}
    )


def test_what_is_decided_in_mid_run_waits_whole_for_the_next(house, monkeypatch):
    """Measures and verdicts must not be worked out of two different sets of decisions."""
    home, rulings = Home(house.root), []
    (answers,) = [r for r in home.lake.records() if r.source == "answers"]

    def deciding(question):
        if not rulings:
            rulings.append(
                Ruling(
                    submission_id=answers.submission_id,
                    action=DecisionAction.RETURN,
                    steward="simulated steward",
                    reason="for the test",
                )
            )
            home.stewardship.record(rulings, datetime.now(UTC))
        return answer(question)

    monkeypatch.setattr("pipeline.definitions.answer", deciding)
    house.land("answers two.csv", MORE)

    def counted() -> list[int]:
        sql = "SELECT count(*) FROM core.responses UNION ALL SELECT count(*) FROM quality.decisions"
        return [n for (n,) in query(home.warehouse, sql).rows()]

    house.run()
    assert counted() == [5, 0]
    assert not work_left(Home(house.root), AS_OF, None).nothing
    house.run()
    assert counted() == [1, 1]
    assert work_left(Home(house.root), AS_OF, None).nothing


def test_a_changed_threshold_asks_the_contracts_again_and_reads_nothing(house):
    path = house.root / "programme.yaml"
    path.write_text(path.read_text() + "thresholds: {unlinked_hold: 0.5}\n")
    house.run()
    assert house.opened == set()
    assert "checks_roster" in house.carried_out
    assert "accepted_questionnaire" not in house.carried_out
    assert "scores" not in house.carried_out


def test_a_changed_mapping_reads_its_own_files_again(house):
    path = house.root / "sources" / "simulated-force-01" / "roster.yaml"
    path.write_text(path.read_text() + "leave_out: [Remarks]\n")
    house.run()
    assert house.opened == {"roster.csv"}
    assert "scores" not in house.carried_out


def _due(home: Home) -> date:
    return query(home.warehouse, "SELECT min(due_on) FROM core.participant_waves").item()


def _with_a_later_start(home: Home) -> None:
    path = home.root / "programme.yaml"
    path.write_text(path.read_text().replace("2025-01-06}", "2025-02-03}"))


def test_a_programme_that_is_edited_in_mid_run_waits_whole_for_the_next(house, monkeypatch):
    """Half the stages would know it, and the snapshot would say that it was made with it."""
    build = ledger_module.build_ledger

    def edited_meanwhile(**given):
        _with_a_later_start(Home(house.root))
        return build(**given)

    monkeypatch.setattr(ledger_module, "build_ledger", edited_meanwhile)
    house.land("answers more.csv", MORE)
    house.run()
    monkeypatch.setattr(ledger_module, "build_ledger", build)
    assert _due(Home(house.root)) == date(2025, 1, 6)
    assert not work_left(Home(house.root), AS_OF, None).nothing
    house.run()
    assert _due(Home(house.root)) == date(2025, 2, 3)
    assert work_left(Home(house.root), AS_OF, None).nothing


def test_a_run_that_begins_in_the_middle_does_not_say_that_all_is_done(house):
    """As Dagster's page can start one: the warehouse alone, or from a failed stage on."""
    home = Home(house.root)
    _with_a_later_start(home)
    with instance_of(home.root) as instance:
        job = build_defs(home.root, AS_OF).resolve_job_def("bring_up_to_date")
        warehouse = [dg.AssetKey("warehouse")]
        assert job.execute_in_process(instance=instance, asset_selection=warehouse).success
    assert _due(home) == date(2025, 1, 6)
    assert not work_left(Home(house.root), AS_OF, None).nothing
    house.run()
    assert _due(home) == date(2025, 2, 3)
    assert work_left(Home(house.root), AS_OF, None).nothing


def test_midnight_does_not_divide_a_run(home, monkeypatch):
    """Every look at the clock is a day later; the first is that of the whole run."""
    days = count(1)
    monkeypatch.setattr(
        HomeResource, "now", lambda _: datetime(2025, 3, next(days), 23, 59, tzinfo=UTC)
    )
    seen = set()
    begin = Stages.begin

    def noting(stages, name, *, reads, settings=()):
        seen.update(setting for setting in settings if isinstance(setting, date))
        return begin(stages, name, reads=reads, settings=settings)

    monkeypatch.setattr(Stages, "begin", noting)
    with instance_of(home.root) as instance:
        new = [arrival.submission_id for arrival in home.arrivals()]
        assert run_here(build_defs(home.root), instance, home, new).success
    assert seen == {date(2025, 3, 1)}


def test_a_file_that_can_be_opened_again_does_not_stay_refused(house, monkeypatch):
    """It was taken in before it was refused, so nothing is new when it can be opened again."""

    def refused(*_):
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.storage.landing.KnownHashes.of", refused)
        house.run()
    assert len(Home(house.root).lake.records()) == 4, "two files, each of them as refused besides"
    assert not work_left(Home(house.root), AS_OF, None).nothing
    house.run()
    home = Home(house.root)
    assert query(home.warehouse, "SELECT count(*) FROM quality.submissions").item() == 2
    assert work_left(home, AS_OF, None).nothing


def _renamed(house: _House, old: str, new: str, change: tuple[str, str] = ("", "")) -> None:
    folder = house.root / "sources" / "simulated-force-01"
    text = (folder / f"{old}.yaml").read_text()
    (folder / f"{old}.yaml").unlink()
    text = text.replace(f"source: {old}", f"source: {new}").replace(*change)
    (folder / f"{new}.yaml").write_text(text)


def test_a_source_that_is_renamed_does_not_count_twice(house):
    """Its mapping was corrected in the same stroke; the wrong wave must not stay beside it."""
    _renamed(house, "answers", "replies", ("Start: baseline, End: session_10", "Start: session_10"))
    house.run()
    waves = query(Home(house.root).warehouse, "SELECT DISTINCT wave FROM core.responses")
    assert waves["wave"].to_list() == ["session_10"]
    assert [r.source for r in Home(house.root).lake.records()] == ["roster", "replies"]
    assert work_left(Home(house.root), AS_OF, None).nothing


def test_a_source_without_a_mapping_stays_if_its_file_is_gone(house):
    """A programme that is over tidies up; what was taken in counts all the same."""
    (house.root / "landing" / "simulated-force-01" / "answers.csv").unlink()
    _renamed(house, "answers", "replies")
    house.run()
    assert query(Home(house.root).warehouse, "SELECT count(*) FROM core.responses").item() == 4


def test_a_wave_that_is_taken_out_of_the_programme_is_one_sentence(house):
    """With the export gone from landing the rows stay as they were read."""
    house.run()
    (house.root / "landing" / "simulated-force-01" / "answers.csv").unlink()
    path = house.root / "programme.yaml"
    path.write_text(path.read_text().replace("baseline", "start"))
    home = Home(house.root)
    with instance_of(home.root) as instance:
        result = run_here(build_defs(home.root, AS_OF), instance, home, [])
    assert not result.success
    assert failure_of(result) == (
        "programme.yaml does not declare the wave baseline any more, which 4 responses in the lake "
        "answer; declare it again, or return their files with `muster review return`."
    )


def test_what_the_weekly_run_finds_wrong_is_put_right_by_the_next(home, monkeypatch):
    """A stage that depends on more than it says: the run fails, the snapshot is known as old."""
    import assets.scores

    right = assets.scores.score

    def wrong(*arguments, **options):
        return right(*arguments, **options).with_columns(pl.col("raw_score") + 1)

    def total() -> float:
        return query(home.warehouse, "SELECT sum(raw_score) FROM core.scores").item()

    def run(job: str) -> bool:
        new = [arrival.submission_id for arrival in work_left(home, AS_OF, None).to_take_in]
        with instance_of(home.root) as instance:
            defs = build_defs(home.root, AS_OF)
            if job == "work_out_anew":
                resolved = defs.resolve_job_def(job)
                return resolved.execute_in_process(instance=instance, raise_on_error=False).success
            return run_here(defs, instance, home, new).success

    with monkeypatch.context() as patched:
        patched.setattr(assets.scores, "score", wrong)
        assert run("take_in")
    before = total()
    assert work_left(home, AS_OF, None).nothing, "nobody knows yet"
    assert not run("work_out_anew")
    assert total() == before
    assert not work_left(home, AS_OF, None).nothing
    assert run("take_in")
    assert total() < before
    assert work_left(home, AS_OF, None).nothing

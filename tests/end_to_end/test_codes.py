"""Officers who give codes in place of numbers, by the real command: linked, reviewed, reported."""

import json
from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from homes import Muster
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline.simulation import SimulationPlan, simulate
from pipeline.simulation.codes import ELEMENTS, Carelessness
from pipeline.storage.home import Home
from pipeline.vocabulary import LinkErrorMethod

AS_OF = date(2026, 6, 30)
PLAN = SimulationPlan(
    as_of=AS_OF,
    organisations=3,
    participants=260,
    seed=7,
    codes=Carelessness(slip=0.03, blank=0.01),
    waves=("baseline", "session_5", "session_10"),
)
WHY = ("--reason", "the facilitator asked them", "--steward", "data.steward")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Muster:
    muster = Muster(tmp_path_factory.mktemp("codes") / "home")
    for file in simulate(PLAN):
        path = muster.home / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    muster("init")
    muster("run", "--as-of", str(AS_OF))
    return muster


def given(home: Path) -> pl.DataFrame:
    """Each response's wave, its true officer, and the code's pseudonym where it has one."""
    truth = pl.read_csv(home / "truth" / "codes.csv", infer_schema=False)
    names = [element.name for element in ELEMENTS]
    rows = truth.select(
        pl.col("organisation").alias("home_force"),
        pl.concat_list(names).alias("code"),
        pl.format("{} proqol5", "wave").alias("occasion"),
        "wave",
        "officer_number",
        "organisation",
    )
    code, _ = Home(home).pseudonymiser().coded(rows, names)
    return rows.with_columns(code.alias("code_id")).drop_nulls("code_id")


def test_found_missed_and_wrong_links_are_as_estimated(evaluated: Muster) -> None:
    rows = given(evaluated.home)
    aliases = dict(
        evaluated.ask("SELECT alias_id, participant_id FROM core.participant_alias").iter_rows()
    )
    at: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for wave, officer, code in rows.select("wave", "officer_number", "code_id").iter_rows():
        at[wave][aliases.get(code, code)].add(officer)
    errors = evaluated.ask("FROM core.link_errors").filter(method=LinkErrorMethod.CHANCE_AND_ERRORS)
    rates = evaluated.ask("FROM core.link_rates")
    assert errors.height == 3
    for row in errors.iter_rows(named=True):
        earlier, later = at[row["from_wave"]], at[row["to_wave"]]
        both = earlier.keys() & later.keys()
        wrong = sum(earlier[name] != later[name] for name in both)
        named = {o: name for name, who in earlier.items() for o in who}
        again = {o: name for name, who in later.items() for o in who}
        missed = sum(named[o] != again[o] for o in named.keys() & again.keys())
        assert row["linked"] == len(both)
        assert row["wrong_low"] <= wrong <= row["wrong_high"]
        assert row["missed_low"] <= missed <= row["missed_high"]
        own = rates.filter(from_wave=row["from_wave"], to_wave=row["to_wave"])
        n = dict(own.select("tier", "n").iter_rows())
        assert n["exact"] + n["one_element"] == len(both)
        assert n["one_element"] > 0
        assert n["exact"] + n["one_element"] + n["earlier_only"] == len(earlier)
        assert n["exact"] + n["one_element"] + n["later_only"] == len(later)


def test_everything_downstream_sees_one_officer(evaluated: Muster) -> None:
    aliases = evaluated.ask("SELECT alias_id FROM core.participant_alias")["alias_id"]
    assert not aliases.is_empty()
    for table in ("core.participants", "core.responses", "core.scores", "core.participant_waves"):
        people = evaluated.ask(f"SELECT DISTINCT participant_id FROM {table}")["participant_id"]
        assert not people.is_in(aliases.implode()).any()
    (coded,) = evaluated.ask("SELECT DISTINCT organisation FROM core.link_rates")["organisation"]
    notes = evaluated.ask(
        f"SELECT DISTINCT note FROM evaluation.paired_change WHERE organisation = '{coded}'"
    )["note"]
    assert notes.str.contains("linked by codes: about").all()


def test_no_code_is_in_the_home(evaluated: Muster) -> None:
    """Elements are hashed one by one; none stands as it was given in what the lake keeps."""
    files = list((evaluated.home / "lake" / "submissions").glob("*/codes-*.parquet"))
    assert len(files) == 1
    kept = pl.read_parquet(files[0])
    hashes = kept["code"].explode().drop_nulls()
    assert hashes.str.contains(r"^v1-[0-9a-f]{20}$").all()
    assert kept["participant_id"].str.contains(r"^v1-[0-9a-f]{20}$").all()
    listed = evaluated.ask("FROM quality.link_review")
    assert "code" not in listed.columns


def test_a_steward_parts_and_links_and_the_next_run_honours_it(evaluated: Muster) -> None:
    every = json.loads(evaluated("review", "links", "list", "--all", "--json").stdout)["pairs"]
    linked = next(p for p in every if p["status"] == "linked" and len(p["differing"]) == 1)
    before = set(evaluated.ask("SELECT alias_id FROM core.participant_alias")["alias_id"])
    assert {linked["code_id"], linked["other_code_id"]} & before

    parted = evaluated("review", "links", "part", linked["pair"], *WHY)
    assert parted.stdout == f"Parted: {linked['pair']}. It waits for the next `muster run`.\n"
    assert "1 decisions on links wait" in evaluated("review", "links", "list").stdout
    again = evaluated("review", "links", "part", linked["pair"], *WHY, expected=2)
    assert again.stderr == "That was said of these two codes already, and it holds.\n"
    evaluated("run", "--as-of", str(AS_OF))
    now = evaluated.ask(f"FROM quality.link_review WHERE pair = '{linked['pair']}'")
    assert now["status"].to_list() == ["parted"]
    after = set(evaluated.ask("SELECT alias_id FROM core.participant_alias")["alias_id"])
    assert len(before - after) >= 1

    evaluated("review", "links", "link", linked["pair"], *WHY)
    evaluated("run", "--as-of", str(AS_OF))
    tiers = evaluated.ask("SELECT tier, sum(n) AS n FROM core.link_rates GROUP BY tier")
    assert dict(tiers.iter_rows())["judged"] > 0
    assert set(evaluated.ask("SELECT alias_id FROM core.participant_alias")["alias_id"]) >= (
        before - after
    )
    # With nothing new there is nothing to do: what was judged is part of the snapshot.
    assert "nothing" in evaluated("run", "--as-of", str(AS_OF)).stdout.lower()


FORCE = "simulated-force-01"
SMALL_CODE = "{mother: Mother, birthday: Day, school: School, eyes: Eyes}"
ROSTER_BY_CODE = ROSTER.replace("participant: Number", f"code: {SMALL_CODE}").replace(
    "session_group: Group, ", ""
)
ANSWERS_BY_CODE = MAPPING.replace("participant: Number", f"code: {SMALL_CODE}")
REGISTER_BY_CODE = f"""
organisation: {FORCE}
source: register
kind: attendance
files: "register*"
code: {SMALL_CODE}
columns: {{session_number: No, held_on: Held, attended: Came}}
"""
FILES = {
    "roster.csv": [
        "Mother,Day,School,Eyes,Enrolled",
        "An,7,St,blue,2025-01-02",
        "Be,9,Av,grey,2025-01-02",
    ],
    "register.csv": [
        "Mother,Day,School,Eyes,No,Held,Came",
        "an,07,St,Blue,1,2025-01-06,yes",
        "An,8,St,blue,2,2025-01-20,yes",
    ],
    "answers.csv": [
        "Mother,Day,School,Eyes,Wave,Done,Q1,Q2,Q3,Q4",
        "An,7,St,blue,Start,2025-01-06,0,1,2,3",
        "An,7,St,,End,2025-05-27,1,1,2,3",
        "Be,9,Av,grey,Start,2025-01-06,0,1,2,3",
        "Be,9,Av,grey,Start,2025-01-08,3,3,3,3",
        "Cy,1,Ra,hazel,Start,2025-01-06,0,1,2,3",
    ],
}


def test_roster_register_and_answers_by_code(muster: Muster) -> None:
    for folder in ("sources", "landing"):
        (muster.home / folder / FORCE).mkdir(parents=True)
    (muster.home / "programme.yaml").write_text(PROGRAMME)
    mappings = {"roster": ROSTER_BY_CODE, "register": REGISTER_BY_CODE, "answers": ANSWERS_BY_CODE}
    for source, mapping in mappings.items():
        (muster.home / "sources" / FORCE / f"{source}.yaml").write_text(mapping)
    for name, lines in FILES.items():
        (muster.home / "landing" / FORCE / name).write_text("\n".join(lines))
    muster("init")
    muster("run", "--as-of", "2025-12-01")
    found = muster.ask("SELECT row_number, rule FROM quality.quarantine WHERE severity = 'reject'")
    assert sorted(found.iter_rows()) == [
        (4, "code_shared"),
        (5, "code_shared"),
        (6, "participant_not_enrolled"),
    ]
    people = muster.ask("SELECT participant_id, sessions_attended FROM core.participants")
    assert sorted(people["sessions_attended"]) == [0, 2]
    answered = muster.ask("SELECT participant_id, wave FROM core.responses ORDER BY wave")
    assert answered["wave"].to_list() == ["baseline", "session_10"]
    assert answered["participant_id"].n_unique() == 1
    assert people.filter(sessions_attended=2)["participant_id"].item() in set(
        answered["participant_id"]
    )

    (answers,) = muster.ask(
        "SELECT submission_id FROM quality.submissions WHERE source = 'answers'"
    )["submission_id"]
    muster("review", "waive", answers, "--row", "4", "--until", "2099-01-01", *WHY)
    muster("run", "--as-of", "2025-12-01")
    assert muster.ask("FROM core.responses").height == 3

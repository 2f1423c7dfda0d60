"""Stewards' decisions by the real command, and what files that follow each other do."""

import json
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from homes import Muster
from small_programme import MAPPING, PROGRAMME

FORCE = "simulated-force-01"
HEADER = "Number,Wave,Done,Q1,Q2,Q3,Q4"
SOUND = [f"SIMR0000{n},Start,2025-01-06,0,1,2,{n % 4}" for n in range(1, 4)]
BLANK = ["SIMR00004,Start,2025-01-06,3,,,", "SIMR00005,Start,2025-01-06,3,,,"]
ROSTER = """
organisation: simulated-force-01
source: roster
kind: roster
files: "roster*"
delivery: cumulative
participant: Number
columns: {enrolled_on: Joined}
"""
AS_OF = "2025-03-01"
PARTS = ("accepted", "quarantined", "superseded", "held", "withdrawn")
WHY = ("--reason", "the force explained it", "--steward", "data.steward")


def prepared(muster: Muster) -> Muster:
    for folder in ("sources", "landing"):
        (muster.home / folder / FORCE).mkdir(parents=True)
    (muster.home / "programme.yaml").write_text(PROGRAMME)
    (muster.home / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    (muster.home / "sources" / FORCE / "roster.yaml").write_text(ROSTER)
    muster("init")
    return muster


def land(muster: Muster, name: str, lines: Iterable[str], day: int = 1) -> Path:
    """Put a file into landing as if it had been written on a day of January 2025."""
    path = muster.home / "landing" / FORCE / name
    path.write_text("\n".join(lines))
    written = (date(2025, 1, day) - date(1970, 1, 1)).total_seconds()
    os.utime(path, (written, written))
    return path


def rows(muster: Muster) -> dict[str, int]:
    """Rows of the one file of answers by what became of them, none left out."""
    columns = ", ".join(f"rows_{name}" for name in PARTS)
    found = muster.ask(f"SELECT rows_read, {columns} FROM quality.submissions")
    row = found.row(0, named=True)
    assert sum(row[f"rows_{name}"] for name in PARTS) == row["rows_read"]
    return {name: row[f"rows_{name}"] for name in PARTS if row[f"rows_{name}"]}


def stages(muster: Muster) -> dict[str, str]:
    """What each stage was last made from; one that is passed over keeps it."""
    catalogue = json.loads((muster.home / "lake" / "stages" / "catalogue.json").read_text())
    return {stage: entry["key"] for stage, entry in catalogue.items()}


def statuses(muster: Muster) -> list[tuple[int, str]]:
    sql = "SELECT row_number, status FROM quality.quarantine WHERE severity = 'reject'"
    return muster.ask(f"{sql} ORDER BY row_number, rule").rows()


def test_a_held_file_is_accepted_a_row_waived_and_the_file_returned(muster: Muster) -> None:
    prepared(muster)
    file = land(muster, "answers.csv", [HEADER, *SOUND, *BLANK])
    muster("run", "--as-of", AS_OF, expected=1)
    assert rows(muster) == {"held": 3, "quarantined": 2}
    (name,) = muster.ask("SELECT submission_id FROM quality.submissions").to_series()

    before = stages(muster)
    muster("review", "accept", name, *WHY)
    assert rows(muster) == {"held": 3, "quarantined": 2}, "a decision waits for the next run"
    until = datetime.now(UTC).date() + timedelta(days=30)
    waiving = ("review", "waive", name, "--until", str(until), *WHY)
    muster(*waiving, "--row", "5")
    assert "Waits for the next" in muster("review", "show", name).stdout
    muster("run", "--as-of", AS_OF)
    assert rows(muster) == {"accepted": 4, "quarantined": 1}
    assert statuses(muster) == [(5, "waived"), (6, "open")]
    after = stages(muster)
    carried_out = {stage for stage in after if after[stage] != before[stage]}
    assert {"decisions", "verdicts", "accepted_questionnaire", "scores"} <= carried_out
    untouched = {"accepted_roster", "accepted_attendance", "accepted_departures", "disappeared"}
    assert not carried_out & untouched, "a decision costs what it touches"
    assert not [stage for stage in carried_out if stage.startswith("checks_")]
    assert (
        muster.ask("SELECT flags FROM core.responses WHERE 'too_many_unanswered' IN flags")[
            "flags"
        ].len()
        == 1
    )
    decided = muster.ask("SELECT verdict, decided_by, reason FROM quality.submissions")
    assert decided.rows() == [("accepted", "data.steward", "the force explained it")]
    assert muster.ask("SELECT action, row_number FROM quality.decisions").rows() == [
        ("accept", None),
        ("waive", 5),
    ]
    assert "Waits for the next" not in muster("review", "show", name).stdout
    assert "Nothing new" in muster("run", "--as-of", AS_OF).stdout

    muster("run", "--as-of", str(until + timedelta(days=1)))
    assert rows(muster) == {"accepted": 3, "quarantined": 2}
    assert statuses(muster) == [(5, "expired"), (6, "open")]
    assert "waiver has ended" in muster("review", "list").stdout

    shutil.move(file, muster.home / "elsewhere.csv")
    refused = muster(*waiving, "--row", "6", expected=2)
    assert "not in landing any more" in refused.stderr
    muster("review", "return", name, *WHY)
    muster("run", "--as-of", AS_OF)
    assert rows(muster) == {"quarantined": 5}
    assert {status for _, status in statuses(muster)} == {"returned"}
    assert muster.ask("SELECT verdict FROM quality.submissions").item() == "rejected"
    assert "Nothing waits" in muster("review", "list").stdout


def roster(*officers: int) -> list[str]:
    return ["Number,Joined", *(f"SIMR0000{n},2025-01-02" for n in officers)]


def test_files_that_follow_each_other(muster: Muster) -> None:
    prepared(muster)
    land(muster, "roster 1.csv", roster(1, 2, 3, 4, 5, 6), day=1)
    land(muster, "roster 2.csv", roster(1, 2, 3, 4, 5), day=2)
    land(muster, "roster 2 again.csv", roster(1, 2, 3, 4, 5), day=3)
    nobody = ["Number,Joined", ",2025-01-02", ",2025-01-03", "SIMR00009,2025-01-02"]
    land(muster, "roster 3.csv", nobody, day=4)
    said = muster("run", "--as-of", AS_OF, expected=1)

    listed = muster.ask(
        "SELECT file_name, verdict, replaced_by IS NULL AS newest, rows_accepted, rows_superseded, "
        "rows_disappeared FROM quality.submissions ORDER BY received_at, file_name"
    )
    assert listed.height == 3, "the same bytes under two names are one submission"
    by_file = {row[0]: row[1:] for row in listed.rows()}
    assert by_file == {
        "roster 1.csv": ("accepted", False, 0, 6, None),
        "roster 2.csv": ("accepted", True, 5, 0, 1),
        "roster 3.csv": ("rejected", True, 0, 0, None),
    }
    assert muster.ask("SELECT count(*) FROM core.participants").item() == 5
    gone = muster.ask(
        "SELECT file_name, row_number, severity, q.status FROM quality.quarantine q "
        "JOIN quality.submissions USING (submission_id) WHERE rule = 'row_disappeared'"
    )
    assert gone.rows() == [("roster 1.csv", 7, "warn", "open")]
    assert "Rows of earlier files that are not in" in said.stdout

    land(muster, "roster 4.csv", roster(6, 5, 4, 3, 2, 1), day=5)
    muster("run", "--as-of", AS_OF)
    assert muster.ask("SELECT count(*) FROM core.participants").item() == 6
    counts = muster.ask(
        "SELECT rows_disappeared FROM quality.submissions WHERE replaced_by IS NULL"
    )
    assert counts.to_series().to_list() == [0]
    assert muster.ask(
        "SELECT count(*) FROM quality.quarantine WHERE rule = 'row_disappeared'"
    ).equals(pl.DataFrame({"count_star()": [0]}))

    newest = muster.ask(
        "SELECT submission_id FROM quality.submissions WHERE replaced_by IS NULL"
    ).item()
    muster("review", "return", newest, *WHY)
    empty = land(muster, "roster 5.csv", [], day=6)
    muster("run", "--as-of", AS_OF, expected=1)
    assert muster.ask("SELECT count(*) FROM core.participants").item() == 5
    held = "SELECT submission_id FROM quality.submissions WHERE verdict = 'held'"
    for waiting in ("roster 3.csv", empty.name):
        sql = f"SELECT submission_id FROM quality.submissions WHERE file_name = '{waiting}'"
        muster("review", "return", muster.ask(sql).item(), *WHY)
    muster("run", "--as-of", AS_OF)
    assert muster.ask(held).is_empty(), "what cannot be read can be returned too"
    assert muster.ask("SELECT count(*) FROM core.participants").item() == 5

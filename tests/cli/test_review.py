"""`muster review`: what waits, what may be decided, and one sentence where it may not."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest
from odd_answers import FILES, HEADER

from pipeline import cli
from pipeline.commands.review import review
from pipeline.quality.decisions import Ruling
from pipeline.storage.home import Home
from pipeline.storage.stewardship import Stewardship
from pipeline.vocabulary import DecisionAction

Muster = Callable[..., Any]
TOMORROW = str(datetime.now(UTC).date() + timedelta(days=1))
TODAY = str(datetime.now(UTC).date())
WHY = ("--reason", "the force explained it")
COMMANDS = [command.name for command in review.registered_commands]


def stored(home: Path) -> list[tuple[object, ...]]:
    if not (home / "stewardship.sqlite").exists():
        return []
    with sqlite3.connect(home / "stewardship.sqlite") as connection:
        return connection.execute(
            "SELECT submission_id, action, row_number, rule, steward, reason, until FROM decisions"
        ).fetchall()


def refused(said: Any, home: Path) -> str:
    """The one sentence of a command that changed nothing."""
    assert said.code == cli.Exit.UNUSABLE
    assert said.out == ""
    assert said.err.strip().endswith(".")
    assert len(said.err.strip().splitlines()) == 1
    assert stored(home) == []
    return said.err.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(muster: Muster, command: str) -> None:
    said = muster("review", command, "--help")
    assert said.code == 0
    assert f"Usage: muster review {command}" in said.out
    if command in {"accept", "return", "waive"}:
        assert "no officer's name" in " ".join(said.out.split())


def test_the_commands_are_those_that_are_known() -> None:
    assert {*COMMANDS} >= {"list", "show", "accept", "return", "waive", "pack"}


def test_what_waits_is_listed_with_its_sentence(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    said = muster("review", "list")
    assert said.code == 0
    for name in ("odd", "poor", "void"):
        assert names[name] in said.out
    assert names["good"] not in said.out
    assert "received today" in said.out
    assert "held: a large share of rows broke rules" in said.out
    assert "held: the file is empty" in said.out
    assert "rejected: most rows broke rules" in said.out


def test_a_script_gets_the_same_list(muster: Muster, reviewed: Path, names: dict[str, str]) -> None:
    muster("review", "accept", names["odd"], *WHY)
    listed = json.loads(muster("review", "list", "--json").out)
    assert listed["rows_whose_waiver_ended"] == {}
    by_name = {each["submission_id"]: each for each in listed["waiting"]}
    assert set(by_name) == {names[name] for name in ("odd", "poor", "void")}
    (decision,) = by_name[names["odd"]]["decisions"]
    assert decision["waits_for_the_next_run"]
    assert (decision["action"], decision["steward"]) == ("accept", "data.steward")
    assert by_name[names["odd"]]["days"] == 0
    assert by_name[names["poor"]]["decisions"] == []


def test_one_submission_is_shown_whole(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    muster("review", "accept", names["odd"], *WHY)
    said = muster("review", "show", names["odd"][-12:])
    assert said.code == 0
    assert "not_too_many_rows_quarantined (held, measured 0.4)" in said.out
    assert "2  too_many_unanswered (reject, open, may be waived)" in said.out
    assert "1  wave_unknown (reject, open): Add the spelling" in said.out
    assert "row      5: too_many_unanswered (baseline, phq4)" in said.out
    assert "data.steward: accept: the force explained it. Waits for the next" in said.out
    for word in ("SIMR", "2025-01-06"):
        assert word not in said.out


def test_the_rows_shown_are_as_many_as_asked(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    said = muster("review", "show", names["odd"], "--rows", "1")
    assert said.out.count("  row ") == 1
    assert "and 2 more" in said.out
    shown = json.loads(muster("review", "show", names["odd"], "--rows", "1", "--json").out)
    assert (len(shown["rows"]), shown["rows_in_all"]) == (1, 3)


@pytest.mark.parametrize("command", ["accept", "return"])
def test_a_decision_is_put_on_record_and_waits(
    command: str, muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    before = (reviewed / "warehouse.duckdb").read_bytes()
    said = muster("review", command, names["odd"], "--reason", "  it was\nexplained\x1b ")
    assert said.code == 0
    assert "waits for the next `muster run`" in said.out
    assert stored(reviewed) == [
        (names["odd"], command, None, None, "data.steward", "it was explained", None)
    ]
    assert (reviewed / "warehouse.duckdb").read_bytes() == before


def test_a_waiver_is_put_on_record_with_its_end(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    said = muster("review", "waive", names["odd"], "--row", "5", "--until", TOMORROW, *WHY)
    assert said.code == 0, said.err
    assert f"Waived until {TOMORROW}: too_many_unanswered, row 5" in said.out
    assert stored(reviewed) == [
        (names["odd"], "waive", 5, "too_many_unanswered", "data.steward", WHY[1], TOMORROW)
    ]


def test_without_a_name_the_one_logged_in_decides(
    muster: Muster, reviewed: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUSTER_STEWARD")
    monkeypatch.setattr("getpass.getuser", lambda: "logged.in")
    muster("review", "accept", names["odd"], *WHY)
    muster("review", "return", names["good"], *WHY, "--steward", "on the command line")
    assert [row[4] for row in stored(reviewed)] == ["logged.in", "on the command line"]


def test_where_nobody_is_logged_in_a_name_is_asked_for(
    muster: Muster, reviewed: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.delenv("MUSTER_STEWARD")
    monkeypatch.setattr("getpass.getuser", nobody)
    said = muster("review", "accept", names["odd"], *WHY)
    assert "--steward" in refused(said, reviewed)


def test_a_decision_may_be_undone_by_the_next(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    for command in ("return", "accept", "return"):
        assert muster("review", command, names["odd"], *WHY).code == 0
    assert [row[1] for row in stored(reviewed)] == ["return", "accept", "return"]


def test_who_decides_after_another_is_told_and_both_are_on_record(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    first = muster("review", "accept", names["odd"], *WHY, "--steward", "first.steward")
    second = muster("review", "return", names["odd"], "--reason", "no", "--steward", "second")
    assert first.err == ""
    assert "first.steward decided about it on" in second.err
    assert "accept: the force explained it. Both are on record; yours came later" in second.err
    assert [(row[1], row[4]) for row in stored(reviewed)] == [
        ("accept", "first.steward"),
        ("return", "second"),
    ]


def test_two_who_decide_at_once_are_both_on_record(reviewed: Path, names: dict[str, str]) -> None:
    """Whichever of the two processes comes second is told, or refused if it saw the first."""
    apart = Path(sys.executable).parent / "muster"
    deciding = [
        subprocess.Popen(
            [apart, "review", act, names["odd"], "--reason", why, "--steward", why],
            env={**os.environ, "MUSTER_HOME": str(reviewed)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for act, why in (("accept", "one"), ("return", "other"))
    ]
    said = [process.communicate(timeout=120) for process in deciding]
    assert [process.returncode for process in deciding] == [0, 0], said
    recorded = stored(reviewed)
    assert {(row[1], row[4]) for row in recorded} == {("accept", "one"), ("return", "other")}
    earlier, later = recorded[0][4], recorded[1][4]
    errors = dict(zip(("one", "other"), (err for _, err in said), strict=True))
    assert f"{earlier} decided about it" in errors[str(later)]
    assert errors[str(earlier)] == ""


def test_somebody_decides_between_looking_and_writing(
    muster: Muster, reviewed: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = Home(reviewed).stewardship, Stewardship.record

    def meanwhile(self: Stewardship, rulings: Any, now: datetime, **more: Any) -> Any:
        monkeypatch.setattr(Stewardship, "record", record)
        store.record(
            [
                Ruling(
                    submission_id=names["odd"],
                    action=DecisionAction.RETURN,
                    steward="quicker",
                    reason="<b>no</b>",
                )
            ],
            now,
        )
        return record(self, rulings, now, **more)

    monkeypatch.setattr(Stewardship, "record", meanwhile)
    said = muster("review", "accept", names["odd"], *WHY)
    assert said.code == 0
    assert "quicker decided about it" in said.err
    assert [row[1] for row in stored(reviewed)] == ["return", "accept"]


def test_a_submission_that_is_replaced_meanwhile_is_not_decided_about(
    muster: Muster, reviewed: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends between looking and writing: what was looked at does not hold any more."""
    record = Stewardship.record

    def meanwhile(self: Stewardship, rulings: Any, now: datetime, **more: Any) -> Any:
        monkeypatch.setattr(Stewardship, "record", record)
        _replaced(reviewed / "warehouse.duckdb", names["odd"], names["good"])
        return record(self, rulings, now, **more)

    monkeypatch.setattr(Stewardship, "record", meanwhile)
    said = muster("review", "accept", names["odd"], *WHY)
    sentence = refused(said, reviewed)
    assert f"The newer file {names['good']} has replaced it" in sentence


def _replaced(warehouse: Path, older: str, newer: str) -> None:
    """Put another snapshot in place, in which one submission has replaced another."""
    other = warehouse.with_suffix(".other")
    shutil.copy(warehouse, other)
    with duckdb.connect(other) as connection:
        connection.execute(
            "UPDATE quality.submissions SET replaced_by = ? WHERE submission_id = ?",
            [newer, older],
        )
        connection.execute("UPDATE meta.build SET fingerprint = 'another'")
    other.replace(warehouse)


@pytest.mark.parametrize("reason", ["=1+1", "<script>alert(1)</script>", "@SUM(A1)", "\t=x"])
def test_a_reason_is_kept_as_the_text_it_is(
    reason: str, muster: Muster, reviewed: Path, names: dict[str, str], tmp_path: Path
) -> None:
    """And no workbook or page that shows it carries it out."""
    assert muster("review", "return", names["odd"], "--reason", reason).code == 0
    kept = reason.strip()
    assert stored(reviewed)[0][5] == kept
    assert kept in muster("review", "show", names["odd"]).out
    to = tmp_path / "outbox"
    to.mkdir()
    assert muster("review", "pack", names["odd"], "--to", str(to)).code == 0
    (page,), (workbook,) = to.glob("*.html"), to.glob("*.xlsx")
    assert "<script" not in page.read_text("utf-8")
    with ZipFile(workbook) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        strings = re.findall(rb"<t[^>]*>([^<]*)</t>", parts.read("xl/sharedStrings.xml"))
    assert not [text for text in strings if text.lstrip().startswith((b"=", b"@"))]


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("good", "It counts already"),
        ("poor", "The contract questionnaire_phq4 rejects it"),
        ("void", "It has no rows to accept: the file is empty"),
    ],
)
def test_what_cannot_be_accepted(
    which: str, sentence: str, muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    assert sentence in refused(muster("review", "accept", names[which], *WHY), reviewed)


def test_no_row_of_a_file_that_cannot_count_is_waived(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    waiving = ("--row", "3", "--until", TOMORROW, *WHY)
    said = muster("review", "waive", names["poor"], *waiving)
    assert "rejects it, which no decision can change" in refused(said, reviewed)
    assert muster("review", "return", names["odd"], *WHY).code == 0
    said = muster("review", "waive", names["odd"], "--row", "5", "--until", TOMORROW, *WHY)
    assert said.code == cli.Exit.UNUSABLE
    assert "It was returned" in said.err


def test_the_same_is_not_decided_twice(
    muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    for command, word in (("accept", "accepted"), ("return", "returned")):
        assert muster("review", command, names["odd"], *WHY).code == 0
        again = muster("review", command, names["odd"], *WHY)
        assert again.code == cli.Exit.UNUSABLE
        assert f"It is {word} already" in again.err
    assert len(stored(reviewed)) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--row", "5", "--until", TODAY), "A waiver ends on a day after today"),
        (("--row", "2", "--until", TOMORROW), "Row 2 broke no rule"),
        (("--row", "99", "--until", TOMORROW), "Row 99 broke no rule"),
        (
            ("--row", "6", "--until", TOMORROW),
            "The rule wave_unknown cannot be waived: add the spelling",
        ),
        (
            ("--row", "5", "--until", TOMORROW, "--rule", "completed_in_future"),
            "Row 5 did not break that rule; it broke too_many_unanswered.",
        ),
    ],
)
def test_what_cannot_be_waived(
    arguments: tuple[str, ...],
    sentence: str,
    muster: Muster,
    reviewed: Path,
    names: dict[str, str],
) -> None:
    said = muster("review", "waive", names["odd"], *arguments, *WHY)
    assert sentence in refused(said, reviewed)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_row_is_waived_only_while_its_file_is_there(
    how: str, muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    file = reviewed / "landing" / "simulated-force-01" / "answers-odd.csv"
    if how == "gone":
        file.unlink()
    else:
        file.write_text("\n".join([HEADER, *FILES["answers-odd.csv"][:4]]))
    said = muster("review", "waive", names["odd"], "--row", "5", "--until", TOMORROW, *WHY)
    assert "not in landing any more, or has changed" in refused(said, reviewed)


@pytest.mark.parametrize("command", ["show", "accept", "return"])
def test_a_submission_is_named_well_enough(
    command: str, muster: Muster, reviewed: Path, names: dict[str, str]
) -> None:
    why = () if command == "show" else WHY
    unknown = muster("review", command, "simulated-force-02", *why)
    assert "No submission is called that" in refused(unknown, reviewed)
    assert "simulated-force-02" not in unknown.err
    several = muster("review", command, "simulated-force-01--answers", *why)
    assert "4 submissions begin like that" in refused(several, reviewed)


def test_a_reason_of_nothing_is_none(muster: Muster, reviewed: Path, names: dict[str, str]) -> None:
    said = muster("review", "return", names["odd"], "--reason", "  ")
    assert "Say why with --reason" in refused(said, reviewed)


@pytest.mark.parametrize("command", ["list", "show"])
def test_before_the_first_run_there_is_nothing_to_review(
    command: str, muster: Muster, home: Path
) -> None:
    assert muster("init").code == 0
    said = muster("review", command, *(["x"] if command == "show" else []))
    assert said.code == cli.Exit.UNUSABLE
    assert "`muster run` makes it" in said.err


def test_a_damaged_store_is_said(muster: Muster, reviewed: Path, names: dict[str, str]) -> None:
    (reviewed / "stewardship.sqlite").write_bytes(b"not a database, but long enough" * 50)
    for arguments in (("list",), ("return", names["odd"], *WHY)):
        said = muster("review", *arguments)
        assert said.code == cli.Exit.UNUSABLE
        assert "stewardship.sqlite is damaged" in said.err

"""`muster withdraw`: three acts on one officer, and one sentence where there can be none."""

import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from homes import Muster as MusterApart
from homes import files_holding, query
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import cli
from pipeline.commands import withdraw as withdraw_command
from pipeline.commands.withdraw import withdraw
from pipeline.storage.home import Home
from pipeline.storage.rotation import rotate

FORCE, WHO, OTHER = "simulated-force-01", "SIMT00002", "SIMT00003"
AS_OF = "2025-03-01"
HEADER = "Number,Wave,Done,Q1,Q2,Q3,Q4"
FILES = {
    "answers simname.csv": [
        HEADER,
        *(f"SIMT{n:05d},Start,2025-01-0{n},0,1,2,{n % 4}" for n in range(1, 7)),
    ],
    "answers odd.csv": [
        HEADER,
        *(f"SIMT{n:05d},End,2025-02-0{n},0,1,2,3" for n in range(3, 8)),
        f"{WHO},End,2025-02-02,9,1,2,3",
    ],
    "roster.csv": [
        "Number,Group,Enrolled",
        *(f"SIMT{n:05d},G1,2025-01-02" for n in range(1, 8)),
    ],
}
SIGNED = ("--force", FORCE, "--reason", "  they\nasked\x1b ", "--steward", "data.steward")
LEAVE = ("leave", "--on", "2025-02-01")
ACTS = [LEAVE, ("stop",), ("erase",)]
Withdraw = Callable[..., Any]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven officers on a roster, who answered once or twice; one answer is out of range."""
    home = tmp_path_factory.mktemp("withdraw") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    (home / "sources" / FORCE / "roster.yaml").write_text(ROSTER)
    for name, rows in FILES.items():
        (home / "landing" / FORCE / name).write_text("\n".join(rows))
    apart = MusterApart(home)
    apart("init")
    apart("run", "--as-of", AS_OF)
    return home


@pytest.fixture
def here(made: Path, home: Path) -> Path:
    """A copy of that home, where MUSTER_HOME points."""
    shutil.copytree(made, home)
    return home


@pytest.fixture
def withdraws(muster: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> Withdraw:
    """Runs `muster withdraw` as a script does, the number on standard input."""

    def run(number: str, *arguments: str) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{number}\n"))
        return muster("withdraw", *arguments)

    return run


def stored(home: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "stewardship.sqlite") as connection:
        rows = connection.execute(
            "SELECT kind, steward, reason, body FROM entries WHERE kind NOT LIKE 'key%'"
        ).fetchall()
    connection.close()
    return [(*row[:3], json.loads(row[3])) for row in rows]


def refused(said: Any, home: Path, *, entries: int = 0) -> str:
    """The one sentence of a command that changed nothing."""
    assert said.code == cli.Exit.UNUSABLE
    assert len(said.err.strip().splitlines()) == 1
    assert said.err.strip().endswith(".")
    assert "SIMT" not in said.out + said.err
    assert len(stored(home)) == entries
    return str(said.err)


@pytest.mark.parametrize("act", ["leave", "stop", "erase"])
def test_no_act_takes_the_number_as_an_argument(act: str, muster: Any) -> None:
    said = muster("withdraw", act, "--help")
    assert said.code == 0
    usage = next(line.strip() for line in said.out.splitlines() if "Usage:" in line)
    assert usage == f"Usage: muster withdraw {act} [OPTIONS]"
    wrong = muster("withdraw", act, *SIGNED, WHO)
    assert wrong.code == cli.Exit.UNUSABLE


def test_the_commands_are_those_that_are_known() -> None:
    names = [command.name for command in withdraw.registered_commands]
    assert names == ["leave", "stop", "erase", "list"]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act[0])
@pytest.mark.parametrize(
    ("number", "changed", "sentence"),
    [
        ("SIMT99999", {}, "Nothing has been taken in of an officer"),
        ("", {}, "That is no officer's number"),
        ("1.2E+06", {}, "That is no officer's number"),
        ("\udcff4711", {}, "That is no officer's number"),
        (WHO, {"--force": "simulated-force-09"}, "This force is neither"),
        (WHO, {"--reason": " \n "}, "Say why with --reason"),
        (WHO, {"--steward": ""}, "Say who decides"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    act: tuple[str, ...],
    number: str,
    changed: dict[str, str],
    sentence: str,
    *,
    withdraws: Withdraw,
    here: Path,
) -> None:
    options = dict(zip(SIGNED[::2], SIGNED[1::2], strict=True)) | changed
    given = [word for option in options.items() for word in option]
    assert sentence in refused(withdraws(number, *act, *given, "--yes"), here)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act[0])
def test_where_nobody_can_be_asked_nothing_is_done(
    act: tuple[str, ...], withdraws: Withdraw, here: Path
) -> None:
    said = withdraws(WHO, *act, *SIGNED)
    assert "nothing was done; a script says --yes" in said.err
    assert (said.code, stored(here)) == (cli.Exit.UNUSABLE, [])


def test_nobody_leaves_on_a_day_to_come(withdraws: Withdraw, here: Path) -> None:
    tomorrow = str(datetime.now(UTC).date() + timedelta(days=1))
    said = withdraws(WHO, "leave", "--on", tomorrow, *SIGNED, "--yes")
    assert "on a day that is to come" in refused(said, here)


def test_leaving_says_in_counts_what_it_does_and_waits_for_the_next_run(
    withdraws: Withdraw, here: Path
) -> None:
    before = (here / "warehouse.duckdb").read_bytes()
    said = withdraws(OTHER, *LEAVE, *SIGNED, "--yes")
    assert said.code == 0, said.err
    assert "3 rows of 3 submissions, answers to 2 waves." in said.out
    assert "quarantined as completed_after_departure: 1." in said.out
    assert "It waits for the next `muster run`." in said.out
    ((kind, steward, reason, body),) = stored(here)
    assert (kind, steward, reason) == ("left_programme", "data.steward", "they asked")
    assert body["on"] == "2025-02-01"
    assert (here / "warehouse.duckdb").read_bytes() == before
    again = withdraws(OTHER, *LEAVE, *SIGNED, "--yes")
    assert "on record already" in again.out
    assert len(stored(here)) == 1
    another = withdraws(OTHER, "leave", "--on", "2025-02-20", *SIGNED, "--yes")
    assert "this one takes its place" in another.out
    assert len(stored(here)) == 2


def test_a_stop_names_the_last_submission_that_counts(withdraws: Withdraw, here: Path) -> None:
    assert withdraws(f" simt-00003 {chr(13)}", "stop", *SIGNED, "--yes").code == 0
    ((kind, _, _, body),) = stored(here)
    assert (kind, body["after_place"]) == ("collection_stopped", 3)
    assert "stopped already" in withdraws(OTHER, "stop", *SIGNED, "--yes").out
    assert len(stored(here)) == 1


def test_somebody_who_is_never_to_be_taken_in(withdraws: Withdraw, here: Path) -> None:
    said = withdraws("SIMT00099", "stop", *SIGNED, "--yes", "--anyway")
    assert said.code == 0
    assert "0 rows of 0 submissions" in said.out
    path = here / "landing" / FORCE / "answers later.csv"
    path.write_text("\n".join([HEADER, *(f"SIMT{n:05d},Start,,0,0,0,0" for n in (98, 99))]))
    # The other of the two is on no roster.
    MusterApart(here)("run", "--as-of", AS_OF, expected=cli.Exit.NEEDS_A_STEWARD)
    counts = query(
        here / "warehouse.duckdb",
        "SELECT rows_withdrawn FROM quality.submissions WHERE rows_read = 2",
    )
    assert counts.item() == 1


def test_on_a_terminal_the_number_is_hidden_and_a_second_thought_changes_nothing(
    withdraws: Withdraw, muster: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(_: str, **how: Any) -> str:
        asked.append(how)
        return OTHER

    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(typer, "confirm", lambda _: False)
    said = muster("withdraw", "stop", *SIGNED)
    assert (said.code, asked) == (0, [{"hide_input": True}])
    assert said.out.endswith("Nothing was done.\n")
    assert stored(here) == []
    monkeypatch.setattr(typer, "confirm", lambda _: True)
    assert muster("withdraw", "stop", *SIGNED).code == 0
    assert len(stored(here)) == 1


def test_no_warehouse_is_said_to_be_without_them_where_there_is_none(
    muster: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    muster("init")
    (home / "programme.yaml").write_text(PROGRAMME)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{WHO}\n"))
    said = muster("withdraw", "erase", *SIGNED, "--yes", "--anyway")
    assert said.code == 0, said.err
    assert "On record" in said.out
    assert "The warehouse is without them." not in said.out


def test_an_erased_officer_is_gone_and_what_is_left_is_listed(
    withdraws: Withdraw, muster: Any, here: Path
) -> None:
    (here / "releases" / "first").mkdir(parents=True)
    said = withdraws(WHO, "erase", *SIGNED, "--yes")
    assert said.code == 0, said.err
    assert "3 rows of 3 submissions, answers to 2 waves" in said.out
    assert "The warehouse is without them." in said.out
    assert "(answers ***.csv): rows 3" in said.out
    assert "(roster.csv): rows 3" in said.out
    assert "Releases made earlier are left as they are: 1." in said.out
    assert "SIMT" not in said.out + said.err
    ((kind, _, _, body),) = stored(here)
    assert (kind, body["organisation"], body["rows"]) == ("erased", FORCE, 3)
    (name,) = body["participants"]
    may_hold = {"landing", "stewardship.sqlite", "backups"}
    assert files_holding(here, {name}, may_hold) == {}
    assert query(here / "warehouse.duckdb", "SELECT count(*) FROM core.participants").item() == 6
    dates = "SELECT as_of, known_at, changed_since FROM meta.build"
    assert query(here / "warehouse.duckdb", dates).rows() == [
        (datetime.fromisoformat(AS_OF).date(), None, "withdrawals")
    ]
    status = muster("status")
    assert "Changed since: withdrawals." in status.out

    again = withdraws(WHO, "erase", *SIGNED, "--yes")
    assert (again.code, len(stored(here))) == (0, 1)
    assert "erased already" in again.out
    assert "(roster.csv): rows 3" in again.out
    for act in (LEAVE, ("stop",)):
        assert "They were erased" in refused(
            withdraws(WHO, *act, *SIGNED, "--yes"), here, entries=1
        )

    listed = muster("withdraw", "list")
    assert "data.steward: they asked." in listed.out
    assert name not in listed.out + muster("withdraw", "list", "--json").out
    (act,) = json.loads(muster("withdraw", "list", "--json").out)
    assert (act["act"], act["steward"]) == ("erased", "data.steward")


def test_a_warehouse_that_cannot_be_made_again_is_said_and_made_by_the_next_run(
    withdraws: Withdraw, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdraw_command, "_warehouse_made_again", lambda _: "the disk is full")
    said = withdraws(WHO, "erase", *SIGNED, "--yes")
    assert said.code == cli.Exit.UNUSABLE
    assert "still has them; `muster run` makes it: the disk is full" in said.err
    assert "(roster.csv): rows 3" in said.out, "what is left is listed all the same"
    (name,) = stored(here)[0][3]["participants"]
    assert files_holding(here / "lake", {name}, set()) == {}
    MusterApart(here)("run", "--as-of", AS_OF)
    assert files_holding(here, {name}, {"landing", "stewardship.sqlite", "backups"}) == {}


LEAVERS = """
organisation: simulated-force-01
source: leavers
kind: departures
files: "leavers*"
participant: Number
columns: {departed_on: Day, departure_kind: How, new_force: To, new_number: New}
"""


@pytest.fixture
def with_a_second_number(here: Path) -> Path:
    """The home with a list that says that SIMT00003 became SIMT00009, as a roster has them."""
    (here / "sources" / FORCE / "leavers.yaml").write_text(LEAVERS)
    landing = here / "landing" / FORCE
    (landing / "leavers.csv").write_text(
        f"Number,Day,How,To,New\n{OTHER},2025-02-20,left_organisation,{FORCE},SIMT00009\n"
    )
    roster = [*FILES["roster.csv"], "SIMT00009,G1,2025-02-21"]
    (landing / "roster later.csv").write_text("\n".join(roster))
    MusterApart(here)("run", "--as-of", AS_OF)
    return here


def test_whoever_is_erased_before_the_tables_are_made_again_goes_under_every_number(
    withdraws: Withdraw, with_a_second_number: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure and a rotation take the last run's tables away; the next run makes others."""
    home = Home(with_a_second_number)
    monkeypatch.setattr(withdraw_command, "_warehouse_made_again", lambda _: "the disk is full")
    assert withdraws(WHO, "erase", *SIGNED, "--yes").code == cli.Exit.UNUSABLE
    rotate(home, "data.steward", "regular", datetime.now(UTC))
    assert "2 pseudonyms" in withdraws(OTHER, "erase", *SIGNED, "--yes").out
    body = stored(with_a_second_number)[-1][3]
    assert len(body["participants"]) == 2
    assert body["organisation"] == FORCE


def test_without_the_last_runs_tables_nobody_is_put_on_record(
    withdraws: Withdraw, here: Path
) -> None:
    rotate(Home(here), "data.steward", "regular", datetime.now(UTC))
    (here / "warehouse.duckdb").unlink()
    assert "`muster run` makes them" in refused(withdraws(OTHER, "stop", *SIGNED, "--yes"), here)


def test_a_home_that_was_never_run_can_be_told_whom_to_keep_out(
    withdraws: Withdraw, here: Path
) -> None:
    for gone in ("lake", "warehouse.duckdb"):
        path = here / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = withdraws(WHO, "erase", *SIGNED, "--yes", "--anyway")
    assert said.code == 0, said.err
    assert "Making the warehouse" not in said.out
    assert Home(here).withdrawals().erased


def test_nothing_on_record_is_said(muster: Any, here: Path) -> None:
    assert muster("withdraw", "list").out.startswith("No officer has left")
    assert json.loads(muster("withdraw", "list", "--json").out) == []

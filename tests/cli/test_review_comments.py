"""`muster review comments`: reading texts one at a time, and judging them, from file to table."""

import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from homes import Muster as MusterApart
from small_programme import MAPPING, PROGRAMME

from pipeline import cli
from pipeline.commands.review_comments import comments
from pipeline.privacy.withdrawals import erasing
from pipeline.storage.home import Home

Muster = Callable[..., Any]
FORCE = "simulated-force-01"
AS_OF = ("--as-of", "2025-03-01")
HEADER = "Number,Wave,Done,Q1,Q2,Q3,Q4,Full name,More"
ROWS = [
    "SIMC00001,Start,2025-01-06,0,1,2,3,Janet Simdough,ask Simdough about the red house",
    "SIMC00002,Start,2025-01-06,0,1,2,3,,\x1b[2Jit \x07helped",
    "SIMC00003,Start,2025-01-06,0,1,2,3,,",
    "SIMC00004,Start,2025-01-06,0,1,2,9,,a row that broke a rule",
    *(f"SIMC0001{i},Start,2025-01-06,0,1,2,3,," for i in range(9)),
]
WITH_COMMENTS = f"{MAPPING}comments: {{more: More}}\n"
COMMANDS = [command.name for command in comments.registered_commands]


def land(home: Path, name: str, rows: list[str]) -> None:
    (home / "landing" / FORCE / name).write_text("\n".join([HEADER, *rows]))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("comments") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(f"{PROGRAMME}themes: [houses, groups]\n")
    (home / "sources" / FORCE / "answers.yaml").write_text(WITH_COMMENTS)
    land(home, "answers.csv", ROWS)
    apart = MusterApart(home)
    apart("init")
    apart("run", *AS_OF)
    return home


@pytest.fixture
def read(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, where MUSTER_HOME points."""
    shutil.copytree(made, home)
    monkeypatch.setenv("MUSTER_STEWARD", "data.steward")
    return home


@pytest.fixture
def terminal(read: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch) -> Muster:
    """`muster` on a terminal."""

    def run(*arguments: str) -> Any:
        # The stream of the moment: pytest puts another in its place from phase to phase.
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        return muster(*arguments)

    return run


@pytest.fixture
def names(read: Path) -> dict[str, str]:
    """Names of the texts, by a word of each."""
    texts = Home(read).stages.read("texts").select("text", "comment_id").rows()
    return {
        word: name for text, name in texts for word in ("house", "helped", "rule") if word in text
    }


def entries(home: Path) -> list[tuple[str, str, dict[str, Any]]]:
    if not (home / "stewardship.sqlite").exists():
        return []
    with sqlite3.connect(home / "stewardship.sqlite") as connection:
        rows = connection.execute(
            "SELECT steward, reason, body FROM entries WHERE kind = 'text_judged'"
        ).fetchall()
    return [(steward, reason, json.loads(body)) for steward, reason, body in rows]


def published(home: Path) -> pl.DataFrame:
    MusterApart(home)("run", *AS_OF)
    return MusterApart(home).ask("FROM core.comments ORDER BY text")


def refused(said: Any, home: Path) -> str:
    assert said.code == cli.Exit.UNUSABLE
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert entries(home) == []
    return str(said.err.strip())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(muster: Muster, command: str) -> None:
    said = muster("review", "comments", command, "--help")
    assert said.code == 0
    assert f"Usage: muster review comments {command}" in said.out


def test_the_commands_are_those_that_are_known() -> None:
    assert COMMANDS == ["list", "next", "show", "approve", "redact", "reject"]


def test_texts_of_an_erased_officer_are_shown_to_nobody(
    muster: Muster, terminal: Muster, read: Path
) -> None:
    """From the moment of the act, whatever became of removing them."""
    here = Home(read)
    name = here.stages.read("texts").filter(pl.col("text").str.contains("house"))["known_as"].item()
    act = erasing([name], FORCE, rows=1, steward="data.steward", reason="asked")
    here.stewardship.enter([act], datetime.now(UTC))
    assert muster("review", "comments", "list").out.startswith(f"{FORCE}: 2 waiting")
    assert "house" not in terminal("review", "comments", "next").out


def test_what_waits_is_counted(muster: Muster, read: Path) -> None:
    said = muster("review", "comments", "list")
    assert said.out == f"{FORCE}: 3 waiting, 1 of rows in quarantine\n"
    (counted,) = json.loads(muster("review", "comments", "list", "--json").out)
    assert counted == {"organisation": FORCE, "state": "waiting", "texts": 3, "quarantined": 1}
    status = muster("status")
    assert "Comments that nobody has read yet: 3 (`muster review comments list`)" in status.out
    assert json.loads(muster("status", "--json").out)["comments_waiting"] == {FORCE: 3}


def test_nothing_is_in_the_table_before_a_steward_has_read_it(read: Path) -> None:
    assert MusterApart(read).ask("SELECT count(*) FROM core.comments").item() == 0


def test_a_text_is_shown_with_its_words_numbered(terminal: Muster, names: dict[str, str]) -> None:
    said = terminal("review", "comments", "next")
    assert said.code == 0
    assert f"{names['house']}  ({FORCE}, baseline, more; waiting)" in said.out
    assert "\nask [name] about the red house\n" in said.out
    assert "1:ask 2:[name] 3:about 4:the 5:red 6:house" in said.out
    assert "SIMC" not in said.out
    assert "v1-" not in said.out
    one = terminal("review", "comments", "show", names["rule"][:6])
    assert "Its row is in quarantine." in one.out


def test_nothing_in_a_text_steers_the_terminal(terminal: Muster, names: dict[str, str]) -> None:
    said = terminal("review", "comments", "show", names["helped"])
    assert "it helped" in said.out
    assert not {"\x1b", "\x07"} & {*said.out}


@pytest.mark.parametrize("command", [("next",), ("show", "aaaa")])
def test_texts_are_shown_on_a_terminal_only(
    muster: Muster, read: Path, command: tuple[str, ...]
) -> None:
    assert "on a terminal only" in refused(muster("review", "comments", *command), read)


def test_from_approval_to_the_table(muster: Muster, read: Path, names: dict[str, str]) -> None:
    assert muster("review", "comments", "approve", names["helped"][:8]).code == 0
    words = ("--words", "5-6", "--themes", "houses")
    assert muster("review", "comments", "redact", names["house"], *words).code == 0
    why = ("--reason", "names nobody, says little")
    said = muster("review", "comments", "reject", names["rule"], *why)
    assert said.out == "Rejected. It waits for the next `muster run`.\n"
    for steward, _, body in entries(read):
        assert steward == "data.steward"
        assert not {"house", "helped", "text"} & {*json.dumps(body).replace('"', " ").split()}
    made = published(read)
    assert made.select("wave", "question", "text", "themes", "approved_by").rows() == [
        ("baseline", "more", "[2Jit helped", [], "data.steward"),
        ("baseline", "more", "ask [name] about the [covered]", ["houses"], "data.steward"),
    ]
    known = MusterApart(read).ask(
        "SELECT count(*) FROM core.comments JOIN core.participants USING (participant_id)"
    )
    assert known.item() == 2
    counts = MusterApart(read).ask("FROM quality.comment_counts")
    assert counts.rows() == [(FORCE, "approved", 2, 0), (FORCE, "rejected", 1, 1)]
    assert "Comments that nobody" not in muster("status").out


def test_a_second_thought_is_a_second_judgement(
    muster: Muster, read: Path, names: dict[str, str]
) -> None:
    muster("review", "comments", "approve", names["house"])
    assert published(read).height == 1
    muster("review", "comments", "reject", names["house"], "--reason", "names the house")
    assert published(read).is_empty()
    assert len(entries(read)) == 2


def test_a_text_that_reads_otherwise_waits_again(
    muster: Muster, read: Path, names: dict[str, str]
) -> None:
    muster("review", "comments", "approve", names["house"])
    muster("review", "comments", "approve", names["helped"])
    # The officer wrote on; and the house has a name on file now.
    changed = [row.replace("red house", "Redhouse") for row in ROWS]
    changed[2] = changed[2].replace("3,,", "3,Redhouse,")
    land(read, "answers.csv", changed)
    (read / "sources" / FORCE / "answers.yaml").write_text(
        WITH_COMMENTS.replace("incremental", "cumulative")
    )
    assert published(read)["text"].to_list() == ["[2Jit helped"]
    assert muster("review", "comments", "list").out.splitlines() == [
        f"{FORCE}: 1 approved",
        f"{FORCE}: 2 waiting, 1 of rows in quarantine",
    ]


def test_a_past_snapshot_hears_the_judgements_of_its_time(
    muster: Muster, read: Path, names: dict[str, str]
) -> None:
    muster("review", "comments", "approve", names["house"])
    MusterApart(read)("run", *AS_OF, "--known-at", "2025-03-01")
    assert MusterApart(read).ask("SELECT count(*) FROM core.comments").item() == 0


def test_texts_go_with_an_erased_officer_and_stay_of_one_who_stopped(
    muster: Muster, read: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = read / "sources" / FORCE / "answers.yaml"
    mapping.write_text(WITH_COMMENTS.replace("incremental", "cumulative"))
    for name in names.values():
        muster("review", "comments", "approve", name)
    assert published(read).height == 3

    def withdraw(act: str, number: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{number}\n"))
        signed = ("--force", FORCE, "--reason", "asked", "--steward", "s", "--yes")
        assert muster("withdraw", act, *signed).code == 0

    withdraw("stop", "SIMC00002")
    land(read, "answers-2.csv", [row.replace("helped", "never helped") for row in ROWS])
    kept = ["[2Jit helped", "a row that broke a rule", "ask [name] about the red house"]
    assert published(read)["text"].to_list() == kept, "of the older file, and nothing newer"
    withdraw("erase", "SIMC00001")
    assert published(read)["text"].to_list() == kept[:2]
    left = [pl.read_parquet(path) for path in (read / "lake").rglob("*.parquet")]
    assert not any("house" in frame.write_json() for frame in left)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("approve", "zzzz"), "No text is called that"),
        (("approve", "HOUSE", "--themes", "house"), "perhaps `houses` is meant"),
        (("redact", "HOUSE", "--words", "red"), "Give the numbers of words"),
        (("redact", "HOUSE", "--words", "9"), "The text has the words 1 to 6"),
        (("reject", "HOUSE", "--reason", " "), "Say why with --reason"),
        (("approve", "HOUSE", "--steward", " "), "Say who decides"),
    ],
)
def test_what_may_not_be_done_is_one_sentence(
    muster: Muster, read: Path, names: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    told = [names["house"] if word == "HOUSE" else word for word in arguments]
    assert sentence in refused(muster("review", "comments", *told), read)


def test_of_a_home_in_which_nothing_was_run_it_says_so(muster: Muster, home: Path) -> None:
    muster("init")
    assert "No run has looked" in refused(muster("review", "comments", "list"), home)


def test_an_unknown_organisation_and_an_end_of_the_texts(
    terminal: Muster, read: Path, names: dict[str, str]
) -> None:
    assert "simulated-force-01` is meant" in refused(
        terminal("review", "comments", "next", "--organisation", "simulated-force-1"), read
    )
    for name in names.values():
        terminal("review", "comments", "approve", name)
    assert terminal("review", "comments", "next").out == "No text waits to be read.\n"

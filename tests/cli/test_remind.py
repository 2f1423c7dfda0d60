"""`muster remind`: a workbook for one contact, and one sentence where there can be none."""

import io
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import fastexcel
import polars as pl
import pytest
from homes import Muster as MusterApart
from homes import files_holding, query, readable_text, words_in
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline.commands import remind as remind_command
from pipeline.storage.home import Home
from pipeline.storage.warehouse import Build
from pipeline.vocabulary import EntryKind

Muster = Callable[..., Any]
FORCE, NO_ROSTER = "simulated-force-01", "simulated-force-02"
AS_OF = "2025-01-20"
NAME = f"reminders-{FORCE}-{AS_OF}.xlsx"
CONTACT, MAIL = "Simcontact Simsson", "simcontact@university.example"
TWO_FORCES = PROGRAMME.replace(
    "organisations:",
    f"organisations:\n  - {{organisation: {NO_ROSTER}, name: No Roster, kind: police_force}}",
)
CONTACTS = f"""
contacts:
  - {{organisation: {FORCE}, name: {CONTACT}, email: {MAIL}}}
  - {{organisation: {NO_ROSTER}, name: Another, email: another@university.example}}
"""
DEPARTURES = f"""
organisation: {FORCE}
source: departures
kind: departures
files: "departures*"
participant: Number
columns: {{departed_on: Day, departure_kind: What}}
"""
ENROLLED = [f"SIMCANARY{number:04d}" for number in range(1, 7)]
ANSWERED, WITHDREW = ENROLLED[1], ENROLLED[3]
GROUP = "simcanarygroup"
FILES = {
    "roster older simcanaryfile.csv": ["Number,Group,Enrolled"]
    + [f"{number},{GROUP},2025-01-02" for number in ENROLLED[:5]],
    # The newest: turned round, with one more, so the rows of the older file mean others now.
    "roster simcanaryfile.csv": ["Number,Group,Enrolled"]
    + [f"{number},{GROUP},2025-01-02" for number in reversed(ENROLLED)],
    "answers.csv": ["Number,Wave,Done,Q1,Q2,Q3,Q4", f"{ANSWERED},Start,2025-01-06,3,3,3,3"],
    "departures.csv": ["Number,Day,What", f"{WITHDREW},2025-01-15,withdrew"],
}
WAITING_ROWS = [2, 3, 5, 7]
"""Of the newest roster: everybody but those who answered (6) and withdrew (4)."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six officers, of whom one answered and one withdrew, and a force without a roster."""
    home = tmp_path_factory.mktemp("remind") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(TWO_FORCES + CONTACTS)
    for source, mapping in (("answers", MAPPING), ("roster", ROSTER), ("departures", DEPARTURES)):
        (home / "sources" / FORCE / f"{source}.yaml").write_text(mapping)
    apart = MusterApart(home)
    apart("init")
    for name, rows in FILES.items():
        (home / "landing" / FORCE / name).write_text("\n".join(rows))
        if name.startswith("roster older"):
            apart("run", "--as-of", AS_OF)
    apart("run", "--as-of", AS_OF)
    return home


@pytest.fixture
def remind(made: Path, muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Muster:
    """Runs `muster remind` on the home, in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: muster("remind", *arguments, "--home", str(made))


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copied"))


def _one_sentence(said: Any) -> str:
    assert said.code == 2, said
    assert said.err.count("\n") == 1, said.err
    assert said.out == ""
    assert not list(Path.cwd().glob("*")), "nothing is written"
    return str(said.err)


def _rows(workbook: Path) -> pl.DataFrame:
    loaded = fastexcel.read_excel(workbook).load_sheet("Reminders")
    return pl.DataFrame(loaded)


def test_it_lists_who_is_still_to_answer_by_the_rows_of_the_newest_roster(remind: Muster) -> None:
    said = remind(FORCE)
    assert said.code == 0
    assert f"Wrote {Path.cwd() / NAME}, 4 rows." in said.out
    assert f"It is for {CONTACT}, {MAIL}, and nobody else." in said.out
    assert "Left out because a list of departures or a steward names them: 0 officers." in said.out
    rows = _rows(Path(NAME))
    assert rows["Row"].to_list() == WAITING_ROWS
    assert rows["File name"].unique().to_list() == ["roster ***.csv"]
    assert rows["Wave"].unique().to_list() == ["baseline"]
    assert rows["State"].unique().to_list() == ["overdue"]
    assert rows["Last day"].cast(pl.Date).cast(pl.String).unique().to_list() == ["2025-02-03"]


def test_that_it_was_handed_out_is_on_record(remind: Muster, made: Path) -> None:
    remind(FORCE, "--steward", "data.steward", "--reason", "the first round")
    entry = Home(made).stewardship.entries(EntryKind.REMINDED)[-1]
    assert (entry.steward, entry.reason) == ("data.steward", "the first round")
    assert entry.body == {"organisation": FORCE, "as_of": AS_OF}


def test_only_its_owner_may_read_it(remind: Muster) -> None:
    remind(FORCE)
    assert [path.name for path in Path.cwd().iterdir()] == [NAME]
    assert stat.S_IMODE(Path(NAME).stat().st_mode) == 0o600


def test_it_holds_no_pseudonym_no_answer_and_no_officer(remind: Muster, made: Path) -> None:
    remind(FORCE)
    people = query(made / "warehouse.duckdb", "FROM core.participants")
    responses = query(made / "warehouse.duckdb", "FROM core.responses")
    secret = {
        *people["participant_id"],
        *(name.partition("-")[2] for name in people["participant_id"]),
        *people["session_group"],
        *map(str, responses["response_id"]),
        *ENROLLED,
        GROUP,
        "simcanaryfile",
        (made / "secrets" / "key-1").read_text().strip(),
    }
    assert min(map(len, secret)) > 6, "a shorter word could be met by chance"
    # What is looked for is where it should be, so that a search that finds nothing means something.
    assert words_in(str(people.rows()), secret) >= set(people["participant_id"])
    text = b"\n".join(readable_text(Path(NAME))).decode("utf-8", "replace")
    assert CONTACT in text
    assert words_in(text, secret) == set()
    with ZipFile(io.BytesIO(Path(NAME).read_bytes())) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 3, "no hidden sheet holds the rest"
    assert _rows(Path(NAME)).columns == [
        "File",
        "File name",
        "Row",
        "Wave",
        "Due on",
        "State",
        "Last day",
    ]


def test_the_contact_is_kept_in_the_programme_file_alone(remind: Muster, made: Path) -> None:
    remind(FORCE)
    found = files_holding(made, {CONTACT, MAIL}, set())
    assert found == {"programme.yaml": {CONTACT.lower(), MAIL.lower()}}


def test_another_contact_makes_nothing_be_worked_out_again(muster: Muster, copied: Path) -> None:
    path = copied / "programme.yaml"
    path.write_text(path.read_text().replace(CONTACT, "Somebody Else"))
    said = muster("run", "--as-of", AS_OF, "--home", str(copied))
    assert said.out.startswith("Nothing new")


def test_the_same_reminders_are_the_same_bytes(remind: Muster) -> None:
    remind(FORCE, "--to", "a.xlsx")
    remind(FORCE, "--to", "b.xlsx")
    assert Path("a.xlsx").read_bytes() == Path("b.xlsx").read_bytes()


def test_a_folder_may_be_named_and_an_older_workbook_is_replaced(remind: Muster) -> None:
    Path("sent").mkdir()
    (Path("sent") / NAME).write_bytes(b"older")
    assert remind(FORCE, "--to", "sent").code == 0
    assert _rows(Path("sent") / NAME).height == 4


def test_old_news_is_said_to_be_old(remind: Muster) -> None:
    said = remind(FORCE)
    assert f"The last run was as of {AS_OF}: who has answered or withdrawn since" in said.err


@pytest.mark.parametrize(
    ("known_at", "told"), [(None, False), (datetime(2025, 1, 1, tzinfo=UTC).date(), True)]
)
def test_news_of_today_are_old_only_if_not_everything_received_counts(
    remind: Muster, monkeypatch: pytest.MonkeyPatch, known_at: Any, told: bool
) -> None:
    build = Build("fingerprint", datetime.now(UTC).date(), known_at)
    monkeypatch.setattr(remind_command, "_build", lambda _: build)
    assert ("The last run was as of" in remind(FORCE).err) is told


def test_an_unknown_organisation_is_refused(remind: Muster) -> None:
    assert "neither in the reference list" in _one_sentence(remind("simulated-force-99"))


def test_no_contact_is_refused_with_what_to_add(remind: Muster) -> None:
    said = _one_sentence(remind("kent"))
    assert (
        "kent has no contact; add {organisation: kent, name: …, email: …} under `contacts` in "
        "programme.yaml."
    ) in said


def test_no_roster_is_refused(remind: Muster) -> None:
    assert "has sent no roster that counts" in _one_sentence(remind(NO_ROSTER))


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("list.csv", "a name that ends in .xlsx"),
        ("missing/list.xlsx", "no such folder"),
    ],
)
def test_a_place_that_cannot_be_is_refused(remind: Muster, to: str, why: str) -> None:
    assert why in _one_sentence(remind(FORCE, "--to", to))


@pytest.mark.parametrize("to", [".", "landing/list.xlsx", f"landing/{FORCE}"])
def test_nothing_is_put_into_the_home_folder(remind: Muster, made: Path, to: str) -> None:
    before = sorted(made.rglob("*"))
    assert "not kept in the home folder" in _one_sentence(remind(FORCE, "--to", str(made / to)))
    assert sorted(made.rglob("*")) == before


def test_a_place_that_may_not_be_written_is_refused(
    remind: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "simcanary")

    monkeypatch.setattr("pipeline.storage.atomic.write_bytes", refused)
    assert "choose another place with --to" in _one_sentence(remind(FORCE))


def test_a_run_that_did_not_end_is_refused(
    remind: Muster, muster: Muster, copied: Path, tmp_path: Path
) -> None:
    stages = Home(copied).stages
    stage = stages.begin("ledger", reads=["roster"], settings="another day")
    waves = stages.read("participant_waves")
    rest = ("participants", "memberships", "attendance_held")
    others = {name: stages.read(name) for name in rest}
    stage.finish(({**others, "participant_waves": waves.head(1)}, {}))
    said = muster("remind", FORCE, "--home", str(copied))
    assert "did not come to its end" in _one_sentence(said)


def test_before_the_first_run_there_is_nothing_to_say(
    remind: Muster, muster: Muster, home: Path
) -> None:
    assert muster("init").code == 0
    (home / "programme.yaml").write_text(TWO_FORCES + CONTACTS)
    assert "`muster run` makes it" in _one_sentence(muster("remind", FORCE))


def test_where_nobody_waits_nothing_is_written(
    remind: Muster, muster: Muster, copied: Path
) -> None:
    MusterApart(copied)("run", "--as-of", "2025-02-10")
    said = muster("remind", FORCE, "--home", str(copied))
    assert said.code == 0
    assert f"Nobody of {FORCE} is to be reminded" in said.out
    assert not list(Path.cwd().iterdir())


@pytest.fixture
def doubtful(copied: Path) -> Path:
    """A newer list of departures that waits for a steward.

    A sound row names the officer of row 7, and one without a day, in quarantine, that of row 5.
    """
    rows = [
        "Number,Day,What",
        f"{WITHDREW},2025-01-15,withdrew",
        f"{ENROLLED[0]},2025-01-16,withdrew",
        f"{ENROLLED[2]},soon,withdrew",
    ]
    (copied / "landing" / FORCE / "departures newer.csv").write_text("\n".join(rows))
    MusterApart(copied)("run", "--as-of", AS_OF, expected=1)
    return copied


def _newest_list(home: Path) -> dict[str, Any]:
    return query(
        home / "warehouse.duckdb",
        "SELECT submission_id, verdict, rows_quarantined FROM quality.submissions "
        "WHERE kind = 'departures' AND replaced_by IS NULL ORDER BY received_at DESC LIMIT 1",
    ).row(0, named=True)


@pytest.mark.parametrize("decision", [None, "return", "accept"])
def test_whoever_any_row_of_a_list_of_departures_names_is_left_out(
    remind: Muster, muster: Muster, doubtful: Path, decision: str | None
) -> None:
    verdict, code = "held", 1
    if decision is not None:
        apart = MusterApart(doubtful)
        submission = _newest_list(doubtful)["submission_id"]
        apart("review", decision, submission, "--reason", "as the force says", "--steward", "Sim")
        verdict, code = ("rejected", 0) if decision == "return" else ("accepted", 0)
        apart("run", "--as-of", AS_OF, expected=code)
    assert _newest_list(doubtful)["verdict"] == verdict
    said = muster("remind", FORCE, "--home", str(doubtful))
    assert said.code == 0
    assert (
        "Left out because a list of departures or a steward names them: under 10 officers."
        in said.out
    )
    assert _rows(Path(NAME))["Row"].to_list() == [2, 3]


def test_a_list_that_a_newer_one_replaced_spares_nobody(
    remind: Muster, muster: Muster, doubtful: Path
) -> None:
    rows = ["Number,Day,What", f"{WITHDREW},2025-01-15,withdrew"]
    newest = doubtful / "landing" / FORCE / "departures newest.csv"
    newest.write_text("\n".join([*rows, ""]))
    MusterApart(doubtful)("run", "--as-of", AS_OF)
    said = muster("remind", FORCE, "--home", str(doubtful))
    assert "names them: 0 officers." in said.out
    assert _rows(Path(NAME))["Row"].to_list() == WAITING_ROWS


MOVES = f"""
organisation: {FORCE}
source: moves
kind: departures
files: "moves*"
participant: Number
columns: {{departed_on: Day, departure_kind: What, new_force: Force, new_number: There}}
"""
THERE = "SIMCANARY9001"


def test_a_transferred_officer_is_reminded_by_the_force_where_they_are(
    remind: Muster, muster: Muster, copied: Path
) -> None:
    (copied / "sources" / FORCE / "moves.yaml").write_text(MOVES)
    move = f"{ENROLLED[0]},2025-01-10,left_organisation,{NO_ROSTER},{THERE}"
    (copied / "landing" / FORCE / "moves.csv").write_text(f"Number,Day,What,Force,There\n{move}")
    for folder in ("sources", "landing"):
        (copied / folder / NO_ROSTER).mkdir()
    mapping = ROSTER.replace(FORCE, NO_ROSTER)
    (copied / "sources" / NO_ROSTER / "roster.yaml").write_text(mapping)
    there = ["Number,Group,Enrolled", "", f"{THERE},{GROUP},2025-01-13"]
    (copied / "landing" / NO_ROSTER / "roster there.csv").write_text("\n".join(there))
    MusterApart(copied)("run", "--as-of", AS_OF)
    taken_up = query(copied / "warehouse.duckdb", "SELECT taken_up FROM core.participant_alias")
    assert taken_up.to_series().to_list() == [True]
    for organisation, rows in ((FORCE, [2, 3, 5]), (NO_ROSTER, [3])):
        said = muster("remind", organisation, "--to", "list.xlsx", "--home", str(copied))
        assert "names them: 0 officers." in said.out, said
        assert _rows(Path("list.xlsx"))["Row"].to_list() == rows
    people = query(copied / "warehouse.duckdb", "FROM core.participants")["participant_id"]
    names = {
        *people,
        *query(copied / "warehouse.duckdb", "FROM core.participant_alias")["alias_id"],
    }
    text = b"\n".join(readable_text(Path("list.xlsx"))).decode("utf-8", "replace")
    assert words_in(text, {*names, THERE, *ENROLLED}) == set()

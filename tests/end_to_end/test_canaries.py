"""Identifiers planted wherever an export could hold one leave landing by no way at all.

Each is searched for in every byte of the home folder, in all that commands print and in the folder
for temporary files: after a run that went well, one that failed, and one that was killed.
"""

import email.policy
import html
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import duckdb
import polars as pl
import pytest
import xlsxwriter
from clusters import running_cluster
from crashes import NEEDS_A_STEWARD
from desk_home import Served, add_account, hidden
from forked import AS_OF, RunServer
from homes import Muster, files_holding, query, words_in
from small_programme import MAPPING, PROGRAMME, ROSTER
from smtp_server import mail_server

from pipeline.storage.home import Home
from pipeline.vocabulary import Role

FORCE = "simulated-force-01"
HEADINGS = ["Number", "Wave", "Done", "Q1", "Q2", "Q3", "Q4"]
BESIDE = ["Full name", "E-mail", "Simheading Simsson"]
FORMS = (
    MAPPING.replace("source: answers", "source: forms")
    .replace('files: "answers*"', 'files: "forms*.xlsx"\nplatform: microsoft_forms')
    .replace("participant: Number", "participant: Collar")
)
TOLD = (
    MAPPING.replace("source: answers", "source: told").replace(
        'files: "answers*"', 'files: "told*"'
    )
    + 'comments: {more: More}\nconsent: {column: Agreed, agreed: ["yes"]}\n'
)
FULL_ROSTER = ROSTER.replace(
    "{session_group: Group,",
    "{session_group: Group, facilitator: Led by, rank: Rank, gender: Gender, "
    "ethnicity: Ethnicity, service_years: Years,",
)
ATTENDANCE = """
organisation: simulated-force-01
source: attendance
kind: attendance
files: "attendance*"
participant: Number
columns: {session_group: Group, session_number: Session, held_on: Day, attended: Came,
          minutes: Minutes, absence_reason: Apologies}
"""
DEATHS = [
    *(["write", n] for n in (3, 12, 30)),
    *(["table", n, 0.0] for n in (1, 9)),
    *(["after", seconds] for seconds in (0.7, 1.5)),
]


class Canaries:
    """Words that stand for people, each met nowhere else; `canary("rank")` is `simcanaryrank7`."""

    def __init__(self) -> None:
        self.words: set[str] = set()

    def __call__(self, place: str) -> str:
        word = f"simcanary{place.replace(' ', '')}{len(self.words):03d}"
        self.words.add(word)
        return word

    def phone(self) -> str:
        word = f"0770090{len(self.words):04d}"
        self.words.add(word)
        return word


def _csv(headings: list[str], *rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in [headings, *rows]).encode()


def _workbook(rows: list[list[str]], sheet: str, author: str) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        workbook.set_properties({"author": author, "title": author})
        worksheet = workbook.add_worksheet(sheet)
        for place, row in enumerate(rows):
            worksheet.write_row(place, 0, row)
    return buffer.getvalue()


def _exports(canary: Canaries) -> dict[str, bytes]:
    """Files of landing by path, with identifiers wherever somebody could put one."""
    answered: list[str] = []

    def sound() -> list[str]:
        answered.append(canary("officer"))
        return [answered[-1], "Start", "2025-01-06", "0", "1", "2", "3"]

    def but(place: int, value: str) -> list[str]:
        return [value if i == place else cell for i, cell in enumerate(sound())]

    beside = [[*sound(), canary("name"), f"{canary('mail')}@force.example", ""] for _ in range(9)]
    bad_cells = [
        but(2, canary("date")),
        but(1, canary("wave")),
        but(3, canary("answer")),
        but(6, f"{canary('quoted answer')}@force.example"),
        but(0, f'"{canary("two lines")}\n{canary("second line")}"'),
    ]
    forms = [
        ["ID", "Email", "Name", "Collar", *HEADINGS[1:], canary("question")],
        *(
            [str(i), canary("form mail"), canary("form name"), *sound(), canary("free text")]
            for i in range(40)
        ),
        ["41", "", "", *but(2, canary("form date")), ""],
        ["42", "", "", *but(4, canary("form answer")), ""],
    ]
    whole = _workbook(forms, canary("sheet"), canary("author"))
    met = [
        [canary("met"), canary("met group"), "1", "2025-01-13", "yes", "60", ""],
        [
            canary("absent"),
            canary("no group"),
            canary("number"),
            canary("day"),
            canary("came"),
            canary("minutes"),
            f"the funeral of {canary('late')}",
        ],
    ]
    phones = [canary.phone() for _ in range(3)]
    on_file = [canary("on file") for _ in range(4)]
    sat_there = [sound() for _ in range(5)]
    texts = [
        f"ask {on_file[1]} or {on_file[2].upper()}'s sergeant, not {on_file[0].title()}",
        f"With {sat_there[0][0]}. Write to {canary('told mail')}@force.police.uk, {phones[0]}",
        f"Sgt {canary('ranked').title()} and Mrs {canary('titled').title()} both know",
        f"my name is {canary('introduced')} and my number is {phones[1]}",
        f"see www.{canary('site')}.example or @{canary('handle')}",
    ]
    told = [
        [*row, "yes", on_file[place % 4], f'"{text}"']
        for place, (row, text) in enumerate(zip(sat_there, texts, strict=True))
    ]
    told.append([*but(6, "9"), "yes", "", f'"it broke a rule: {on_file[3]}, {phones[2]}"'])
    told.append([*sound(), "no", canary("not agreed"), f"not this {canary('unagreed')}"])
    told += [[*sound(), "yes", "", ""] for _ in range(20)]
    told_headings = [*HEADINGS, "Agreed", "Full name", "More"]
    cut = [[*sound(), "yes", "", canary("text of a cut file")], [*sound(), "yes", "", "x", "y"]]
    unclosed = [sound(), sound()]
    unclosed[1][1] = f'"{canary("unclosed")}'
    own = f"landing/{FORCE}"
    exports = {
        f"{own}/answers {canary('file')}.csv": _csv([*HEADINGS, *BESIDE], *beside),
        f"{own}/{canary('folder')}/answers.csv": _csv(HEADINGS, sound()),
        f"landing/{canary('stray folder')}/answers.csv": _csv(HEADINGS, sound()),
        f"{own}/answers cells.csv": _csv(HEADINGS, *(sound() for _ in range(60)), *bad_cells),
        f"{own}/answers ragged.csv": _csv(HEADINGS, sound(), [*sound(), canary("one too many")]),
        f"{own}/answers quote.csv": _csv(HEADINGS, *unclosed, sound()),
        f"{own}/answers columns.csv": _csv([canary("heading"), "Mood"], [canary("cell"), "low"]),
        f"{own}/answers twice.csv": _csv(
            [*HEADINGS, canary("twice"), "Number"], [*sound(), "", ""]
        ),
        f"{own}/answers coded.csv": _csv(HEADINGS, sound()).decode().encode("utf-16")[:-1],
        f"{own}/answers nothing.csv": b"\0\0\0" + canary("after nothing").encode(),
        f"{own}/{canary('no export')}.docx": f"{canary('letter')} called".encode(),
        f"{own}/forms {canary('form file')}.xlsx": whole,
        f"{own}/told.csv": _csv(told_headings, *told),
        f"{own}/told cut.csv": _csv(told_headings, *cut),
        f"{own}/forms cut.xlsx": whole[: len(whole) * 2 // 3],
        f"{own}/forms not.xlsx": b"PK\x03\x04" + canary("no workbook").encode() * 20,
        f"{own}/attendance.csv": _csv(
            ["Number", "Group", "Session", "Day", "Came", "Minutes", "Apologies"], *met
        ),
    }
    roster = ["Number", "Group", "Led by", "Rank", "Gender", "Ethnicity", "Years", "Enrolled"]
    known = [canary("group"), canary("leader"), "Constable", "", "", "4", "2025-01-02"]
    misfit = [canary(name) for name in ("odd", "odd group", "odd leader", "rank", "gender")]
    misfit += [canary("ethnicity"), canary("years"), canary("enrolled")]
    registered = [[officer, *known] for officer in answered]
    exports[f"{own}/roster {canary('roster')}.csv"] = _csv(roster, *registered, misfit)
    return exports


@dataclass(frozen=True)
class Planted:
    """A home folder in which nothing was run yet, and what must not leave its landing."""

    home: Path
    words: set[str]
    temporary: Path

    def copy(self, name: str) -> "Planted":
        """The same in another place, with a folder of its own for temporary files."""
        place = self.home.parent / name
        shutil.copytree(self.home, place / "home")
        (place / "temporary").mkdir()
        return Planted(place / "home", self.words, place / "temporary")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command that prints and leaves no identifier."""
        done = subprocess.run(
            command,
            env={
                **os.environ,
                "MUSTER_HOME": str(self.home),
                "TMPDIR": str(self.temporary),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert words_in(done.stdout, self.words) == set()
        assert words_in(done.stderr, self.words) == set()
        self.has_not_leaked()
        return done

    def on_a_terminal(self, *arguments: str) -> str:
        """What a command of `muster` shows where somebody reads it."""
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            done = subprocess.run(
                [str(Path(sys.executable).parent / "muster"), *arguments],
                env={**os.environ, "MUSTER_HOME": str(self.home), "COLUMNS": "200"},
                stdout=theirs,
                check=True,
                timeout=300,
            )
            shown = screen.read(65_536).decode()
            os.close(theirs)
        assert done.returncode == 0
        assert words_in(shown, self.words) == set()
        self.has_not_leaked()
        return shown

    def muster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).parent / "muster"), *arguments)

    def muster_where_headings_are_known(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Like `muster`, where a mapping names a heading: tables of the home may repeat it."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "muster"), *arguments],
            env={**os.environ, "MUSTER_HOME": str(self.home), "MUSTER_STEWARD": "s"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def has_not_leaked(self) -> None:
        assert files_holding(self.home, self.words, {"landing"}) == {}
        assert files_holding(self.temporary, self.words, set()) == {}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    home = tmp_path_factory.mktemp("canaries") / "home"
    canary = Canaries()
    (home / "sources" / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    mappings = {
        "answers": MAPPING,
        "forms": FORMS,
        "told": TOLD,
        "roster": FULL_ROSTER,
        "attendance": ATTENDANCE,
    }
    for source, mapping in mappings.items():
        (home / "sources" / FORCE / f"{source}.yaml").write_text(mapping)
    for path, content in _exports(canary).items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    Muster(home)("init")
    return Planted(home, canary.words, home.parent)


def test_every_canary_was_planted_and_would_be_found(planted: Planted) -> None:
    elsewhere = {path.name for path in planted.home.iterdir()} - {"landing"}
    found = files_holding(planted.home, planted.words, elsewhere)
    assert set().union(*found.values()) == planted.words
    assert len(planted.words) > 100


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(
            lambda at, word: (at / f"{word[-3:]}.txt").write_text(word.upper()), id="text"
        ),
        pytest.param(lambda at, word: (at / word).mkdir(), id="folder"),
        pytest.param(lambda at, word: (at / f"x {word}.csv").touch(), id="file name"),
        pytest.param(lambda at, word: _in_sqlite(at, f"row of {word}"), id="SQLite"),
        pytest.param(
            lambda at, word: _in_sqlite(at, zlib.compress(word.encode())),
            id="compressed in SQLite",
        ),
    ],
)
def test_the_search_finds_every_canary_wherever_it_might_be(
    planted: Planted, tmp_path: Path, leak: Callable[[Path, str], object]
) -> None:
    for word in planted.words:
        leak(tmp_path, word)
    assert set().union(*files_holding(tmp_path, planted.words, set()).values()) == planted.words


def test_the_search_finds_every_canary_in_cells(planted: Planted, tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": sorted(planted.words) * 9})
    frame.write_parquet(tmp_path / "a.parquet")
    with duckdb.connect(tmp_path / "a.duckdb") as database:
        database.execute(f"CREATE TABLE a AS FROM read_parquet('{tmp_path / 'a.parquet'}')")
    found = files_holding(tmp_path, planted.words, set())
    assert found == {"a.parquet": planted.words, "a.duckdb": planted.words}


def _in_sqlite(folder: Path, cell: str | bytes) -> None:
    database = sqlite3.connect(folder / "a.db")
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS a (cell)")
        database.execute("INSERT INTO a VALUES (?)", [cell])
    database.close()


def test_a_run_that_goes_well_and_what_is_said_of_it(planted: Planted) -> None:
    at = planted.copy("went well")
    assert at.muster("run", "--as-of", AS_OF, "--log-level", "debug").returncode == 1
    verdicts = dict(
        query(
            at.home / "warehouse.duckdb",
            "SELECT verdict, count(*) FROM quality.submissions GROUP BY verdict",
        ).iter_rows()
    )
    assert verdicts["held"] >= 8, "the unreadable ones"
    assert sum(verdicts.values()) == 18
    assert query(at.home / "warehouse.duckdb", "SELECT count(*) FROM core.responses").item() > 90
    rules = query(at.home / "warehouse.duckdb", "SELECT DISTINCT rule FROM quality.quarantine")
    assert len(rules) >= 5, "bad cells reached the rules"

    assert at.muster("status", "--json").returncode == 1
    assert at.muster("status", "--overdue").returncode == 0
    waiting = json.loads(at.muster("review", "list", "--json").stdout)["waiting"]
    for each in waiting[::4]:
        shown = at.muster("review", "show", each["submission_id"])
        assert shown.returncode == 0
    at.muster("review", "show", "no such", "--json")
    at.muster(
        "review", "accept", waiting[0]["submission_id"], "--reason", "asked", "--steward", "s"
    )
    assert at.muster("run", "--as-of", AS_OF, "--json").returncode == 1


def test_packs_notices_and_pages_name_nobody(planted: Planted, tmp_path: Path) -> None:
    """One mapping has a person's name as a heading: nothing that leaves the home shows it."""
    at = planted.copy("told")
    heading = next(word for word in planted.words if word.startswith("simcanaryheading"))
    named = at.home / "sources" / FORCE / "named.yaml"
    named.write_text(
        MAPPING.replace("source: answers", "source: named")
        .replace('files: "answers*"', 'files: "named*"')
        .replace("column: Wave", f"column: {heading}")
    )
    answered = ["SIMN0001,,2025-01-06,0,1,2,3", "SIMN0002,Start,2025-01-06,0,1,2,9"]
    text = "\n".join([f"Number,{heading},Done,Q1,Q2,Q3,Q4", *answered])
    (at.home / "landing" / FORCE / "named.csv").write_text(text)
    lacking = text.replace(heading, "Wave")
    (at.home / "landing" / FORCE / "named lacking.csv").write_text(lacking)
    with mail_server() as server:
        (at.home / "notices.yaml").write_text(
            f"{{host: localhost, port: {server.port}, tls: none, from: m@force.example, "
            "to: [s@force.example]}"
        )
        first = at.muster_where_headings_are_known("run", "--as-of", AS_OF)
        assert (first.returncode, "were not told" in first.stderr) == (1, False)
        assert len(server.mails) == 1
        (at.home / "landing" / FORCE / "answers empty.csv").write_bytes(b"")
        assert at.muster_where_headings_are_known("run", "--as-of", AS_OF).returncode == 1
    first_mail, second_mail = server.mails
    assert words_in(first_mail, planted.words) == words_in(second_mail, planted.words) == set()
    assert "the file has no column (not named here)" in _unfolded(first_mail)
    assert first_mail.count(f"{FORCE}--") >= 8
    assert second_mail.count(f"{FORCE}--") == 1, "each file is told of once"

    ids = query(at.home / "warehouse.duckdb", "SELECT submission_id FROM quality.submissions")
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    for submission_id in ids.to_series():
        done = at.muster_where_headings_are_known(
            "review", "pack", submission_id, "--to", str(outbox)
        )
        assert done.returncode == 0, done.stderr
    assert len([*outbox.iterdir()]) == 2 * ids.height
    assert files_holding(outbox, planted.words, set()) == {}
    assert at.muster_where_headings_are_known("review", "docs").returncode == 0
    assert files_holding(at.home / "contracts", planted.words, set()) == {}
    for command in ("submissions", "trail", "decisions"):
        at.muster_where_headings_are_known("review", command)


def _unfolded(mail: str) -> str:
    return email.message_from_string(mail, policy=email.policy.default).get_content()


def test_a_server_that_refuses_mail_fails_no_run(planted: Planted) -> None:
    at = planted.copy("no mail")
    (at.home / "notices.yaml").write_text(
        "{host: localhost, port: 1, tls: none, from: m@force.example, to: [s@force.example]}"
    )
    done = at.muster("run", "--as-of", AS_OF, "--log-level", "warning")
    assert done.returncode == 1
    assert "Stewards were not told by mail: the mail server cannot be reached" in done.stderr
    assert "Waits for a steward: held: " in done.stderr, "the log says what waits"


def test_free_text_is_read_and_approved_and_names_nobody(planted: Planted) -> None:
    at = planted.copy("free text")
    assert at.muster("run", "--as-of", AS_OF).returncode == 1
    review = ("review", "comments")
    (counted,) = json.loads(at.muster(*review, "list", "--json").stdout)
    assert (counted["state"], counted["texts"], counted["quarantined"]) == ("waiting", 6, 1)
    for left in range(6, 0, -1):
        shown = at.on_a_terminal(*review, "next")
        text = shown.split()[0]
        assert "[name]" in shown or "[collar number]" in shown or "[web address]" in shown, left
        assert "[" in at.on_a_terminal(*review, "show", text)
        assert at.muster(*review, "approve", text, "--steward", "s").returncode == 0
    assert "No text waits" in at.on_a_terminal(*review, "next")
    assert at.muster("run", "--as-of", AS_OF).returncode == 1
    found = query(at.home / "warehouse.duckdb", "SELECT text FROM core.comments").to_series()
    assert len(found) == 6
    assert "ask [collar number] or [collar number]'s sergeant, not [collar number]" in found
    assert "Sgt [name] and Mrs [name] both know" in found


def test_no_page_of_the_desk_shows_any(planted: Planted) -> None:
    """Every page that a link leads to, from the first one on, for one who may see most."""
    at = planted.copy("desk")
    assert at.muster("run", "--as-of", AS_OF).returncode == 1
    home = Home(at.home)
    add_account(home, "a.releaser", Role.RELEASER)
    seen, waiting = set(), ["/"]
    with Served(home).browser("a.releaser") as browser:
        while waiting:
            path = waiting.pop()
            page = browser.get(path)
            seen.add(path)
            assert page.status_code in {200, 303, 422 if path.endswith("/waive") else 200}, path
            assert words_in(page.text + str(page.headers), planted.words) == set(), path
            links = {html.unescape(link) for link in re.findall(r'href="([^"#]+)', page.text)}
            links |= {page.headers["location"]} if page.is_redirect else set()
            at_hand = {urljoin(path, link) for link in links if not link.startswith("/static/")}
            waiting += sorted(at_hand - seen - {*waiting})
        names = [path for path in seen if path.count("/") == 2 and "?" not in path]
        assert len([path for path in names if path.startswith("/submissions/")]) == 18
        assert any(path.startswith("/texts/") for path in names)
        for path in [path for path in seen if re.fullmatch(r"/submissions/[^/?]+", path)][:4]:
            for file in ("xlsx", "html"):
                form = hidden(browser.get("/account"))
                pack = browser.post(f"{path}/pack", {**form, "file": file})
                assert pack.status_code == 200, path
                assert words_in(pack.text, planted.words) == set()
    at.has_not_leaked()


_DEFECT = """
import os
from pathlib import Path
import {module} as module
def broken(*arguments, **named):
    quoted = str({quoted})
    Path(os.environ["QUOTED"]).write_text(quoted)
    raise RuntimeError(quoted) from ValueError(quoted)
module.{function} = broken
from pipeline import cli
cli.main()
"""
IN_A_STAGE = _DEFECT.format(
    module="pipeline.intake",
    function="_pseudonymised",
    quoted="arguments[0].select('identifier').rows()",
)
BEFORE_DAGSTER = _DEFECT.format(
    module="pipeline.storage.home",
    function="landing_files",
    quoted="list(Path(arguments[0]).rglob('*.csv'))",
)


@pytest.mark.parametrize(
    ("defect", "code"), [(IN_A_STAGE, 2), (BEFORE_DAGSTER, 3)], ids=["in a stage", "before Dagster"]
)
def test_a_defect_that_quotes_what_it_stumbled_on(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str, code: int
) -> None:
    at = planted.copy(f"defect {code}")
    monkeypatch.setenv("QUOTED", str(tmp_path / "quoted"))
    run = ("run", "--log-level", "debug", "--as-of", AS_OF)
    done = at.run(sys.executable, "-W", "ignore", "-c", defect, *run)
    assert words_in((tmp_path / "quoted").read_text(), planted.words), "the error did quote one"
    assert done.returncode == code, done.stderr
    assert "RuntimeError at " in done.stderr


def test_a_file_system_that_refuses_large_files(planted: Planted) -> None:
    at = planted.copy("no large files")
    muster = str(Path(sys.executable).parent / "muster")
    limited = f"ulimit -f 1500; exec '{muster}' run --log-level debug --as-of {AS_OF}"
    done = at.run("bash", "-c", limited)
    assert done.returncode == 2, done.stderr
    assert "the warehouse is as it was" in done.stderr
    assert at.muster("run", "--as-of", AS_OF).returncode == 1


def test_a_warehouse_that_cannot_be_put_in_its_place(planted: Planted) -> None:
    at = planted.copy("no place")
    (at.home / "warehouse.duckdb" / "in the way").mkdir(parents=True)
    done = at.muster("run", "--log-level", "debug", "--as-of", AS_OF)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        server = RunServer()
        yield server
        server.close()


def test_a_run_that_is_killed(planted: Planted, server: RunServer) -> None:
    at, killed = planted.copy("killed"), 0
    for dies in DEATHS:
        killed += server.run(at.home, dies)["killed"]
        at.has_not_leaked()
        assert files_holding(Path(os.environ["TMPDIR"]), planted.words, set()) == {}
    assert killed >= len(DEATHS) - 2
    assert server.run(at.home)["code"] == NEEDS_A_STEWARD
    at.has_not_leaked()


def test_workers_of_a_cluster_keep_nothing(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in their folders, in what they print, nor where one is killed and leaves its own."""
    copy = planted.copy("cluster")
    with running_cluster(tmp_path / "cluster", workers=2) as running:
        monkeypatch.setenv("MUSTER_CLUSTER", running.address)
        copy.muster("run", "--as-of", AS_OF)
        assert Home(copy.home).lake.count_folders() > 10
        running.workers[0].kill()
        running.workers[0].wait()
        left = sorted(path.name for path in running.folder.rglob("*"))
        assert [name for name in left if name.startswith("muster-worker-")], "nothing to look into"
        assert files_holding(running.folder, copy.words, set()) == {}
    assert words_in(running.said(), copy.words) == set()
    assert files_holding(running.folder, copy.words, set()) == {}

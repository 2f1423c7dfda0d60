"""A home folder as a run leaves it for the desk, without a run; and a browser on the desk's app.

Everything in it is simulated. Texts, codes and pseudonyms are planted, so that tests can look for
those that a page must not show.
"""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import tables
from pipeline.accounts import AccountChange
from pipeline.desk import passwords
from pipeline.desk.app import Settings, desk_app
from pipeline.desk.state import Desk
from pipeline.quality.comments import STANDING_TEXTS, comment_id
from pipeline.quality.decisions import decisions_table
from pipeline.storage.home import Home
from pipeline.storage.warehouse import publish
from pipeline.tables import Table
from pipeline.vocabulary import AccountAct, Role

FORCE = "simulated-force-01"
NOW = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
PASSWORD = "three unrelated words"
HELD = f"{FORCE}--roster--000000000001"
BEFORE = f"{FORCE}--roster--000000000000"
WARNED = f"{FORCE}--answers--000000000002"
REJECTED = f"{FORCE}--answers--000000000003"
PSEUDONYMS = tuple(f"v1-{n:x}facade0facade0facad" for n in range(4))
TEXT = "ask Canaryname in Mill Lane"
PAIR = "5e0a71c3"
REASON = "the file holds far fewer rows than the one before it, though each should hold all"


def submission(name: str, **but: Any) -> dict[str, Any]:
    organisation, source, _ = name.split("--")
    return {
        "submission_id": name,
        "organisation": organisation,
        "source": source,
        "kind": "roster" if source == "roster" else "questionnaire",
        "file_name": f"{source} ***.csv",
        "sha256": "0" * 64,
        "received_at": NOW.replace(tzinfo=None) - timedelta(days=3),
        "place": 2,
        "rows_in_file": 10,
        "rows_read": 10,
        "rows_accepted": 8,
        "rows_quarantined": 2,
        "rows_superseded": 0,
        "rows_held": 0,
        "rows_withdrawn": 0,
        "verdict": "accepted",
        "decided_by": "contract",
    } | but


def row(submission_id: str, number: int, **but: Any) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "row_number": number,
        "rule": "too_many_unanswered",
        "column_name": "Q3",
        "severity": "reject",
        "participant_id": PSEUDONYMS[0],
        "wave": "baseline",
        "instrument": "phq4",
        "status": "open",
    } | but


def check(submission_id: str, **but: Any) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "contract": "roster",
        "expectation": "not_shorter_than_before",
        "column_name": "share_of_previous_rows",
        "severity": "held",
        "passed": False,
        "observed": 0.5,
        "sentence": REASON,
    } | but


def usual_rows() -> dict[Table, list[dict[str, Any]]]:
    """What the tables hold that the desk reads; one of everything."""
    return {
        tables.BUILD: [
            {
                "fingerprint": "f",
                "programme": "small",
                "as_of": NOW.date(),
                "models_pending": False,
                "version": "0",
            }
        ],
        tables.SUBMISSIONS: [
            submission(
                BEFORE,
                received_at=datetime(2025, 1, 2),
                place=1,
                rows_read=20,
                rows_accepted=20,
                rows_quarantined=0,
            ),
            submission(HELD, verdict="held", reason=REASON, rows_accepted=0, rows_held=8),
            submission(WARNED, verdict="accepted_with_warnings", reason="some rows are out"),
            submission(
                REJECTED,
                verdict="rejected",
                reason="most rows broke rules",
                rows_accepted=0,
                rows_quarantined=10,
            ),
        ],
        tables.CHECKS: [
            check(HELD),
            check(HELD, expectation="no_unknown_columns", passed=True, observed=0.0),
            check(
                REJECTED,
                contract="questionnaire_phq4",
                expectation="most_rows_sound",
                severity="rejected",
                observed=1.0,
                sentence="most rows broke rules",
            ),
        ],
        tables.QUARANTINE: [
            row(HELD, 5, rule="participant_key_missing", column_name="Number"),
            *(row(WARNED, number) for number in range(4, 60)),
            row(WARNED, 70, rule="wave_unknown", column_name="Wave", wave=None),
        ],
        tables.DECISIONS: [],
        tables.LINK_REVIEW: [
            {
                "pair": PAIR,
                "home_force": FORCE,
                "code_id": PSEUDONYMS[1],
                "other_code_id": PSEUDONYMS[2],
                "status": "open",
                "doubt": "two_elements",
                "differing": ["mother", "school"],
                "elements": 6,
                "given_on": ["baseline phq4"],
                "other_given_on": ["session_10 phq4"],
            }
        ],
        tables.COMMENT_COUNTS: [
            {"organisation": FORCE, "state": "waiting", "texts": 2, "quarantined": 0}
        ],
        tables.FOLLOW_UP_DUE: [
            {
                "organisation": FORCE,
                "wave": "baseline",
                "expected": 60,
                "answered": 40,
                "due": 7,
                "overdue": 13,
                "closing": 3,
                "missed": 0,
                "not_yet_due": 0,
            }
        ],
    }


def text(row_number: int, **but: Any) -> dict[str, Any]:
    return {
        "submission_id": WARNED,
        "row_number": row_number,
        "organisation": FORCE,
        "participant_id": PSEUDONYMS[3],
        "known_as": PSEUDONYMS[3],
        "wave": "baseline",
        "completed_on": date(2025, 1, 6),
        "question": "anything_to_add",
        "text": TEXT,
        "digest": f"digest of row {row_number}",
        "quarantined": False,
    } | but


def publish_again(home: Home, rows: dict[Table, list[dict[str, Any]]]) -> None:
    """The next snapshot, as a run would leave it: it has heard every decision."""
    frames = {
        table: table.conform(pl.DataFrame(said, schema_overrides=_known(table, said)))
        if said
        else table.empty()
        for table, said in rows.items()
    }
    frames[tables.DECISIONS] = decisions_table(home.stewardship.decisions())
    publish(home.warehouse, frames)


def _known(table: Table, said: list[dict[str, Any]]) -> dict[str, pl.DataType]:
    return {name: dtype for name, dtype in table.frame_schema.items() if name in said[0]}


def made_home(root: Path, rows: dict[Table, list[dict[str, Any]]] | None = None) -> Home:
    """A home with a programme, a key, a snapshot and two texts; nothing lies in landing."""
    home = Home(root)
    home.create(PROGRAMME.replace("cohorts:", "themes: [workload, groups]\ncohorts:"))
    (root / "sources" / FORCE).mkdir()
    (root / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    (root / "sources" / FORCE / "roster.yaml").write_text(ROSTER)
    publish_again(home, rows or usual_rows())
    put_texts(home, "anything")
    return home


def put_texts(home: Home, settings: str, **but: Any) -> None:
    """The table of texts as a run leaves it; `but` changes the first of the two."""
    whose = [text(4, **but), text(5, text="nothing to add")]
    pseudonymiser = home.pseudonymiser()
    for each in whose:
        # The name of a text follows from whose it is and how it reads.
        each["comment_id"] = comment_id(
            pseudonymiser.carried_on(pl.Series([each["known_as"]]))[0],
            each["wave"],
            each["question"],
            each["digest"],
            submission_id=each["submission_id"],
            row_number=each["row_number"],
        )
    frame = pl.DataFrame(whose, schema=STANDING_TEXTS)
    home.stages.begin("comment_texts", reads=(), settings=settings).finish(({"texts": frame}, {}))


def add_account(home: Home, name: str, role: Role, password: str = PASSWORD) -> None:
    home.stewardship.change_account(
        AccountChange(
            name=name,
            act=AccountAct.ADDED,
            changed_by="tests",
            role=role,
            password_hash=passwords.hashed(password),
        ),
        NOW - timedelta(days=30),
    )


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Browser:
    """Somebody's browser on the app, in this process; it keeps cookies as browsers do."""

    def __init__(self, app: Any, agent: str = "a browser", host: str = "127.0.0.1:3001") -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=("127.0.0.1", 40_000)),
            base_url=f"http://{host}",
            headers={"User-Agent": agent},
        )

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **how))

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.send("GET", path, **how)

    def post(self, path: str, form: dict[str, Any], **how: Any) -> httpx.Response:
        return self.send("POST", path, data=form, **how)

    def follow(self, response: httpx.Response) -> httpx.Response:
        assert response.status_code == 303, f"{response.status_code}: {said(response)}"
        return self.get(response.headers["location"])

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        form = hidden(self.get("/sign-in"))
        return self.post("/sign-in", {**form, "name": name, "password": password})

    def fill(self, path: str, **fields: Any) -> httpx.Response:
        """Open a page and send its form."""
        page = self.get(path)
        assert page.status_code == 200, f"{page.status_code}: {said(page)}"
        return self.post(path, {**hidden(page), **fields})


@dataclass
class Served:
    """A home, its desk, and browsers on it."""

    home: Home
    clock: Clock = field(default_factory=Clock)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.desk = Desk(self.home.root, now=lambda: NOW)
        self.app = desk_app(self.desk, Settings(clock=self.clock, **self.settings))

    def browser(self, name: str | None = None, **how: Any) -> Browser:
        browser = Browser(self.app, **how)
        if name is not None:
            assert browser.sign_in(name).status_code == 303
        return browser


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the last form of a page, which is the one in its middle."""
    form = page.text.rpartition("<main")[2]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return dict(found)


def said(page: httpx.Response) -> str:
    """The words of a page's middle, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.rpartition("<main")[2]).split())

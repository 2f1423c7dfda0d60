"""The `muster` command: each command calls one function and says what came of it.

What stays out: logic. Imports that take long stand inside the commands, so that help and a run
with nothing to do are quick.
"""

import importlib
import json
import os
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.assurance import assurance
from pipeline.commands.backup import backup
from pipeline.commands.cluster import scheduler, worker
from pipeline.commands.console import DEFAULT_HOME, Exit, HomeOption, JsonOption
from pipeline.commands.console import opened as _opened
from pipeline.commands.console import stop as _stop
from pipeline.commands.desk import DEFAULT_PORT, desk, somebody_may_sign_in
from pipeline.commands.health import health
from pipeline.commands.inspect import inspect
from pipeline.commands.key import key
from pipeline.commands.lake import lake
from pipeline.commands.release import release
from pipeline.commands.remind import remind
from pipeline.commands.research import research
from pipeline.commands.review import review
from pipeline.commands.review_comments import comments
from pipeline.commands.review_docs import docs
from pipeline.commands.review_links import links
from pipeline.commands.review_look import add_to as add_looking_to
from pipeline.commands.review_pack import pack
from pipeline.commands.withdraw import withdraw

if TYPE_CHECKING:
    from pipeline.orchestration.mapper import Progress
    from pipeline.status import FollowUp, Status
    from pipeline.storage.home import Home


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


app = typer.Typer(
    name="muster",
    help="""Evaluates one programme in many police forces and violence reduction units.

    Exports arrive in the home folder's `landing/<organisation>/`; `muster run` takes them in and
    brings `warehouse.duckdb` up to date. New here? `muster demo` shows everything on simulated
    data in about a minute.

    Exit codes: 0 done, 1 something needs a steward, 2 wrong use or unusable configuration,
    3 a defect of Muster.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)

review.add_typer(comments)
review.add_typer(links)
add_looking_to(review)
review.command("pack")(pack)
review.command("docs")(docs)
app.add_typer(review)
app.add_typer(key)
app.add_typer(withdraw)
app.add_typer(release)
app.add_typer(desk)
app.add_typer(backup)
app.command()(health)
app.add_typer(lake)
app.command()(inspect)
app.command()(remind)
app.command()(research)
app.command()(assurance)
app.command()(scheduler)
app.command()(worker)
AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], help="Day for which statuses are worked out; today."
    ),
]


@app.command()
def init(home: HomeOption = DEFAULT_HOME) -> None:
    """Make the home folder, a key and an example programme."""
    from pipeline import reference

    made = _opened(home).create(reference.example_programme())
    if not made:
        typer.echo(f"{home} is complete already; nothing was changed.")
        return
    typer.echo(f"Made in {home}: {', '.join(made)}.")
    if "secrets/key-1" in made:
        typer.echo(
            "Back up secrets/ apart from the rest: without its key no later file can be linked."
        )
    typer.echo(
        "Next: edit programme.yaml, write a mapping in sources/<organisation>/, put exports into "
        "landing/<organisation>/, then `muster run`."
    )


@app.command()
def simulate(
    home: HomeOption = DEFAULT_HOME,
    organisations: Annotated[int, typer.Option(min=1, max=500)] = 12,
    participants: Annotated[int, typer.Option(min=10)] = 900,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
    as_of: AsOfOption = None,
    dropout: Annotated[bool, typer.Option(help="Let officers drop out and miss waves.")] = True,
    faults: Annotated[bool, typer.Option(help="Plant rows that break each rule.")] = True,
) -> None:
    """Write exports of simulated organisations into landing, with the truth beside it."""
    files = _simulate(
        _opened(home),
        organisations=organisations,
        participants=participants,
        seed=seed,
        as_of=_day(as_of),
        dropout=dropout,
        faults=faults,
    )
    typer.echo(f"Wrote {files} files to {home}: landing/ to take in, truth/ to compare with.")
    typer.echo(f"Next: `muster run --home {home} --as-of {_day(as_of)}`.")


@app.command()
def demo(
    home: HomeOption = DEFAULT_HOME,
    organisations: Annotated[int, typer.Option(min=2, max=500)] = 12,
    participants: Annotated[int, typer.Option(min=100)] = 900,
    seed: Annotated[int, typer.Option()] = 1,
    as_of: AsOfOption = None,
) -> None:
    """Simulate a dozen organisations, take their exports in and say what to look at."""
    if _opened(home).holds_simulation():
        typer.echo(f"{home} holds simulated organisations already; they stay as they are.")
    else:
        files = _simulate(
            _opened(home),
            organisations=organisations,
            participants=participants,
            seed=seed,
            as_of=_day(as_of),
            dropout=True,
            faults=True,
        )
        typer.echo(f"Simulated {files} files of {organisations} organisations in {home}.")
    status = _run(_opened(home), _day(as_of), None)
    _show(status)
    typer.echo(_WHERE_TO_LOOK.format(warehouse=home / "warehouse.duckdb", home=home))


_WHERE_TO_LOOK = """
The warehouse is {warehouse}. Ask it, for example in Python:

  import duckdb
  warehouse = duckdb.connect("{warehouse}", read_only=True)
  warehouse.sql(\"\"\"
      SELECT organisation, arm, n, mean_change, ci_low, ci_high
      FROM evaluation.paired_change
      WHERE named_beforehand ORDER BY organisation
  \"\"\").show()

Every table and column explains itself:  SELECT * FROM duckdb_columns() WHERE comment IS NOT NULL;
What needs a steward:  muster status --home {home}
Dagster's page:        muster up --home {home}"""


@app.command()
def run(
    home: HomeOption = DEFAULT_HOME,
    as_of: AsOfOption = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            "--known-at",
            formats=["%Y-%m-%d"],
            help="Last day of receipt that counts; everything. With --as-of it restores a report.",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel,
        typer.Option("--log-level", help="What to log to the screen; no log holds a value."),
    ] = LogLevel.CRITICAL,
    as_json: JsonOption = False,
) -> None:
    """Take in all that is new in landing and bring ledger, tables and warehouse up to date.

    Two runs on one home never meet: the second waits for the first, and so does one beside the
    daemon of `muster up`. A killed run is finished by the next one.
    """
    known = known_at.date() if known_at else None
    status = _run(_opened(home), _day(as_of), known, quiet=as_json, log_level=log_level.value)
    _report(status, as_json=as_json)


@app.command()
def status(
    home: HomeOption = DEFAULT_HOME,
    overdue: Annotated[
        bool,
        typer.Option(
            "--overdue",
            help="Say instead how many answers are due and overdue, in counts that managers may "
            "see.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what arrived, what became of it, and what needs a steward."""
    from pipeline.storage.warehouse import must_have_build

    opened = _opened(home)
    must_have_build(opened.warehouse)
    if overdue:
        _show_follow_up(opened, as_json=as_json)
        return
    _report(_status(opened), as_json=as_json)


@app.command()
def up(
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    desk_port: Annotated[
        int, typer.Option("--desk-port", min=1, max=65535, help="Port of the steward's desk.")
    ] = DEFAULT_PORT,
) -> None:
    """Serve Dagster's page and run its daemon, on this machine only, until Ctrl-C.

    Where stewards have accounts (`muster desk add-steward`), their desk is served beside it.
    """
    from pipeline.orchestration.serve import ServerFailed, serve

    opened = _opened(home)
    _checked(opened)
    has_desk = somebody_may_sign_in(opened)
    typer.echo(f"Starting Dagster's page and daemon{', and the desk' if has_desk else ''} …")
    try:
        serve(
            opened.root,
            port,
            lambda url: typer.echo(f"Open {url}  (Ctrl-C stops all)"),
            desk_port if has_desk else None,
        )
    except ServerFailed as failure:
        _stop(f"Muster stopped: {failure}.")
    typer.echo("Stopped.")


def main() -> None:
    """Run the command line; a configuration that cannot be used ends in one sentence."""
    try:
        app()
    except Exception as defect:  # noqa: BLE001 - a traceback could quote what people answered
        from pipeline.errors import place_of, refusal_of
        from pipeline.programme import UnusableConfiguration

        if isinstance(defect, UnusableConfiguration):
            _stop(str(defect))
        if refusal := refusal_of(defect):
            _stop(f"Muster stopped and the warehouse is as it was: {refusal}.")
        typer.echo(f"Muster failed, which is a defect of its own: {place_of(defect)}.", err=True)
        raise SystemExit(Exit.DEFECT) from None


def _checked(home: "Home") -> None:
    """Fail early, with one sentence, on a programme or a key that cannot be used."""
    _ = home.programme
    home.pseudonymiser()


def _day(chosen: datetime | None) -> date:
    return chosen.date() if chosen else datetime.now(UTC).date()


def _simulate(home: "Home", **plan: "int | bool | date") -> int:
    from pipeline.simulation import SimulationPlan, simulate

    written = 0
    try:
        chosen = SimulationPlan(**plan)  # type: ignore[arg-type]
    except ValueError as problem:
        _stop(f"{problem}.")
    for file in simulate(chosen):
        path = home.root / file.path
        if file.path.name == "programme.yaml" and path.exists():
            if path.read_bytes() != file.content:
                _stop(
                    f"{home.root} holds another programme already; simulate into a new folder "
                    "with --home."
                )
            continue
        home.put(file.path, file.content)
        written += 1
    home.create(programme="")
    return written


def _run(
    home: "Home",
    as_of: date,
    known_at: date | None,
    *,
    quiet: bool = False,
    log_level: str = "critical",
) -> "Status":
    from checks.judge import answer, get_ready
    from pipeline.orchestration.mapper import WorkFailed
    from pipeline.orchestration.processes import Ahead
    from pipeline.orchestration.spreading import mapper_of
    from pipeline.orchestration.state import work_left_when_still
    from pipeline.storage import locks

    _checked(home)
    home.sweep(datetime.now(UTC))
    with locks.held(home.lock, lambda: _tell(_ANOTHER_RUN)):
        # Where nothing is new no run follows that would do it.
        home.recover()
    with ExitStack() as during:

        @cache
        def judge_ahead() -> Ahead[Any, Any]:
            # Great Expectations and Dagster take seconds to import, so only where there is work,
            # and side by side.
            judge = during.enter_context(Ahead(answer, get_ready))
            importlib.import_module("pipeline.definitions")
            return judge

        work = work_left_when_still(home, as_of, known_at, meanwhile=judge_ahead)
        if work.still_written:
            _tell(f"{_files(work.still_written)} still being written; left for the next run.")
        if work.nothing:
            if not quiet:
                typer.echo("Nothing new: the warehouse is up to date.")
            return _status(home)
        if not quiet:
            typer.echo(f"{len(work.to_take_in)} new submissions to take in.")
        new = [arrival.submission_id for arrival in work.to_take_in]
        judging = judge_ahead() if new else None
        from pipeline.definitions import build_defs
        from pipeline.orchestration.launch import failure_of, instance_of, run_here, warnings_of

        instance = during.enter_context(instance_of(home.root))
        progress = during.enter_context(_progress(quiet))
        defs = build_defs(home.root, as_of, known_at, mapper_of(os.environ, progress), judging)
        try:
            result = run_here(defs, instance, home, new, log_level=log_level)
        except WorkFailed as failure:
            _stop(f"The run failed and {_warehouse_left(home)}: {failure}")
    if not result.success:
        _stop(f"The run failed and {_warehouse_left(home)}: {failure_of(result)}")
    for sentence in warnings_of(result):
        _tell(sentence)
    return _status(home)


def _warehouse_left(home: "Home") -> str:
    from pipeline.storage.warehouse import build_of

    build = build_of(home.warehouse)
    if build is not None and build.models_pending:
        return "the warehouse is without models"
    return "the warehouse is as it was"


_ANOTHER_RUN = "Another run is at work on this home; this one begins when that one ends."


def _files(n: int) -> str:
    return "1 file is" if n == 1 else f"{n} files are"


def _tell(sentence: str) -> None:
    """Say something that is no result: scripts read those on standard output."""
    typer.echo(sentence, err=True)


class _progress:  # noqa: N801 - reads as a verb where it is used
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._shown = sys.stderr.isatty() and not quiet

    def __enter__(self) -> "Progress | None":
        if not self._shown:
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
        )
        self._bar.start()
        task = self._bar.add_task("Taking in", total=None)

        def told(done: int, of: int) -> None:
            after = "Taking in" if done < of else "Ledger, tables, warehouse"
            self._bar.update(task, completed=done, total=of, description=after)

        return told

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._bar.stop()


def _status(home: "Home") -> "Status":
    from pipeline import tables
    from pipeline.status import status_of
    from pipeline.storage.warehouse import read_table

    return status_of(
        build=read_table(home.warehouse, tables.BUILD),
        submissions=read_table(home.warehouse, tables.SUBMISSIONS),
        quarantine=read_table(home.warehouse, tables.QUARANTINE),
        participant_flow=read_table(home.warehouse, tables.PARTICIPANT_FLOW),
        wave_names=home.programme.wave_names,
        comment_counts=read_table(home.warehouse, tables.COMMENT_COUNTS),
    )


def _show_follow_up(home: "Home", *, as_json: bool) -> None:
    from pipeline import tables
    from pipeline.status import follow_up_of
    from pipeline.storage.warehouse import read_table

    found = follow_up_of(
        build=read_table(home.warehouse, tables.BUILD),
        follow_up_due=read_table(home.warehouse, tables.FOLLOW_UP_DUE),
    )
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else _table_of(found))


def _table_of(found: "FollowUp") -> str:
    if not found.waves:
        return f"As of {found.as_of}\nNothing is due, now or later."
    closing = f"closing in {found.closing_within_days} days"
    rows = [
        ("organisation", "wave", "due", "overdue", closing, "next due"),
        *(
            (
                w.organisation,
                w.wave,
                str(w.due),
                str(w.overdue),
                str(w.closing),
                w.next_due_on or "",
            )
            for w in found.waves
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if 2 <= place <= 4 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    about = "Officers, rounded to 5; exact counts are in evaluation.follow_up_due."
    return "\n".join([f"As of {found.as_of}", *lines, about])


def _report(status: "Status", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(status.as_json(), indent=2))
    else:
        _show(status)
    if status.needs_a_steward:
        raise typer.Exit(Exit.NEEDS_A_STEWARD)


def _show(status: "Status") -> None:
    rows = status.rows
    verdicts = ", ".join(
        f"{n} {verdict.replace('_', ' ')}" for verdict, n in status.submissions.items()
    )
    typer.echo(f"As of {status.as_of}")
    if status.changed_since:
        typer.echo(
            f"Changed since: {status.changed_since}. Officers were erased after that day, so this "
            "is not what was known then."
        )
    typer.echo(f"Submissions: {verdicts or 'none'}")
    parts = ", ".join(f"{n:,} {name}" for name, n in rows.items() if name != "read")
    typer.echo(f"Rows: {rows['read']:,} read = {parts}")
    typer.echo(f"Enrolled: {status.enrolled:,} officers in {status.organisations} organisations")
    for wave, statuses in status.waves.items():
        shown = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in statuses.items())
        typer.echo(f"  {wave}: {shown}")
    if status.broken_rules:
        typer.echo("Rules broken (rows in quality.quarantine):")
    for broken in status.broken_rules:
        typer.echo(f"  {broken.rows:>6,}  {broken.severity:<6}  {broken.rule}: {broken.remedy}")
    for submission_id, n in status.disappeared.items():
        typer.echo(
            f"Rows of earlier files that are not in {submission_id}: {n:,} (row_disappeared in "
            "quality.quarantine). Ask for a complete file unless they were removed on purpose."
        )
    if status.comments_waiting:
        texts = sum(status.comments_waiting.values())
        typer.echo(f"Comments that nobody has read yet: {texts:,} (`muster review comments list`)")
    if status.waiting:
        typer.echo("Waiting for a steward (`muster review list` says more):")
    for waiting in status.waiting:
        typer.echo(
            f"  {waiting.verdict}: {waiting.organisation}, {waiting.file_name} "
            f"[{waiting.submission_id}]: {waiting.reason}."
        )

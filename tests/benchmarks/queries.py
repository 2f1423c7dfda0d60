"""The ten queries of the analysts' page on a warehouse of national size.

Usage: queries.py [--small]. Prints a section of docs/benchmarks.md. `MUSTER_BENCH_HOME` names a
home folder whose tables are taken; without it officers are simulated. Either is written anew first,
so that it has the views of now.
"""

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

import duckdb
import ledger
import numpy as np
import polars as pl
from homes import AS_OF
from measuring import spread
from small_warehouse import Content, evaluated, whole

from pipeline import tables
from pipeline.about import about
from pipeline.follow_up import build_ledger
from pipeline.programme import Programme, UnusableConfiguration, load_programme, parse_programme
from pipeline.reference import example_programme
from pipeline.storage.code import versions
from pipeline.storage.warehouse import publish, read_table

OFFICERS, FEW_OFFICERS = 250_000, 600
REPEATS = 15
REJECTED_OF_AN_OFFICER = 0.8
PAGE = Path(__file__).parents[2] / "docs" / "analysts.md"
SLOWER = {
    "which_waves_were_answered": "SELECT pattern, sum(n) FROM {} GROUP BY pattern",
    "when_answers_come": "FROM {}",
    "change_of_each_officer": "SELECT reliable, count(*) FROM {} GROUP BY reliable",
}
"""Views that go through every officer."""


def queries_of_the_page() -> dict[str, str]:
    """Heading and query of each example of the page."""
    examples = re.findall(r"### ([^\n]*)\n\n```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return dict(examples)


def simulated(officers: int, programme: Programme) -> Content:
    """Officers of the ledger's benchmark, with their evaluation and rejected rows."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        ledger.write_accepted(Path(name), officers)
        frames = {p.stem: pl.read_parquet(p) for p in Path(name).glob("*.parquet")}
    made = build_ledger(
        **frames,
        organisations_with_roster=frozenset(frames["roster"]["organisation"].unique()),
        programme=programme,
        as_of=AS_OF,
    )
    scores = frames["scores"].with_columns(band_system=pl.lit("proqol5_raw"))
    content = evaluated(made.participants, made.participant_waves, scores, programme, AS_OF)
    submissions = _submissions(made.participants)
    return whole(
        {
            **content,
            tables.ATTENDANCE: frames["attendance"],
            tables.SUBMISSIONS: submissions,
            tables.QUARANTINE: _quarantine(submissions, round(REJECTED_OF_AN_OFFICER * officers)),
        },
        programme,
    )


def of_home(home: Path) -> Content:
    """The tables of a home's warehouse, empty where it is of a version that lacks them."""
    of_itself = about(load_programme(home / "programme.yaml"), versions())

    def read(table: tables.Table) -> pl.DataFrame:
        try:
            return read_table(home / "warehouse.duckdb", table)
        except UnusableConfiguration:
            return table.empty()

    return {t: of_itself[t] if t in of_itself else read(t) for t in tables.TABLES}


def _submissions(people: pl.DataFrame) -> pl.DataFrame:
    return (
        people.select("organisation")
        .unique(maintain_order=True)
        .with_columns(
            submission_id=pl.col("organisation") + "--answers--0",
            source=pl.lit("answers"),
            kind=pl.lit("questionnaire"),
            sha256=pl.lit("0" * 64),
            received_at=pl.lit(AS_OF).cast(pl.Datetime),
            rows_accepted=pl.lit(1),
            verdict=pl.lit("accepted"),
            decided_by=pl.lit("contract"),
        )
    )


def _quarantine(submissions: pl.DataFrame, rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rules = ["answer_out_of_range", "wave_unknown", "arm_unknown", "too_many_unanswered"]
    place = rng.integers(0, submissions.height, rows)
    return pl.DataFrame(
        {
            "submission_id": submissions["submission_id"].gather(place),
            "row_number": np.arange(rows),
            "rule": pl.Series(rules).gather(rng.integers(0, len(rules), rows)),
        }
    ).with_columns(severity=pl.lit("reject"), status=pl.lit("open"))


def milliseconds(connection: duckdb.DuckDBPyConnection, sql: str) -> list[float]:
    """Each of REPEATS times, rows fetched."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        connection.execute(sql).fetchall()
        taken.append(1000 * (time.perf_counter() - started))
    return taken


def section(path: Path, content: Content, whose: str) -> str:
    publish(path, content)
    counts = [content[t].height for t in (tables.PARTICIPANTS, tables.PARTICIPANT_WAVES)]
    scores, rejected = content[tables.SCORES].height, content[tables.QUARANTINE].height
    with duckdb.connect(path, read_only=True) as connection:
        ten = {name: milliseconds(connection, q) for name, q in queries_of_the_page().items()}
        slower = {
            f"`{name}`": milliseconds(connection, asked.format(f"questions.{name}"))
            for name, asked in SLOWER.items()
        }
    rows = "\n".join(f"| {name} | {spread(ms, 1)} |" for name, ms in (ten | slower).items())
    slowest = max(statistics.median(ms) for ms in ten.values())
    return f"""## Questions of analysts

The ten queries of [the analysts' page](analysts.md) and the views that go through every officer, \
on a warehouse of {counts[0]:,} {whose} with {counts[1]:,} rows of officer and wave, {scores:,} \
scores and {rejected:,} rows in quarantine ({path.stat().st_size / 1e6:.0f} MB). One connection, \
rows fetched; medians of {REPEATS} with minimum and maximum. At most 50 ms are asked for of each \
of the ten; the slowest took {slowest:.1f}.

| question | milliseconds |
| --- | --- |
{rows}"""


def main() -> None:
    home = os.environ.get("MUSTER_BENCH_HOME")
    if home:
        content = of_home(Path(home))
        whose = "officers of a home"
    else:
        officers = FEW_OFFICERS if "--small" in sys.argv[1:] else OFFICERS
        content = simulated(officers, parse_programme(example_programme()))
        whose = "simulated officers of 66 organisations"
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        print(section(Path(folder) / "warehouse.duckdb", content, whose))


if __name__ == "__main__":
    main()

"""Pseudonyms of a million rows beside bare `hmac`, and rotating a lake of a million rows.

What stays out: reading the rows (`reading.py`). Run as a script it measures one pass:
`pseudonyms.py bare FILE`, `pseudonyms.py made FILE` or `pseudonyms.py rotate HOME`; prints
`seconds`, imports excluded.
"""

import hmac
import json
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from homes import SMALL, Size, landing_home
from measuring import Measured, peak, run_muster, run_script, spread

from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Identifiers
from pipeline.storage import locks
from pipeline.storage.home import Home
from pipeline.storage.rotation import rotate

OFFICERS, ROWS_EACH, FORCES = 250_000, 4, 43
AT_MOST = 1.5
_KEY = b"simulated" * 3 + b"12345"


def pseudonyms(size: Size) -> str:
    """Both in alternating pairs, and rotations one after the other."""
    officers = 400 if size is SMALL else OFFICERS
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        rows = Path(folder) / "rows.parquet"
        _rows(officers).write_parquet(rows)
        bare, made = [], []
        for pair in range(size.pairs):
            print(f"pseudonyms, pair {pair + 1} of {size.pairs}", file=sys.stderr, flush=True)
            bare.append(run_script(Path(__file__), "bare", str(rows)))
            made.append(run_script(Path(__file__), "made", str(rows)))
    ratios = [m.seconds / b.seconds for m, b in zip(made, bare, strict=True)]
    return f"""## Pseudonyms

{officers * ROWS_EACH:,} rows of {officers:,} simulated officers, a frame for each of {FORCES} \
forces as files come: normalising, hashing under one key, and handing every row its pseudonym. The \
reference is Python's `hmac.digest` once for each different officer, and nothing else: no \
normalising, no shortening, no rows. At most {AT_MOST} times that is asked for. Medians of \
{size.pairs} alternating pairs, with minimum and maximum; imports excluded.

| | seconds | peak, MiB |
| --- | --- | --- |
| `hmac.digest` of {officers:,} officers | {spread([m.seconds for m in bare])} | {peak(bare)} |
| `Pseudonymiser.participants`, {officers * ROWS_EACH:,} rows | \
{spread([m.seconds for m in made])} | {peak(made)} |
| ratio | **{spread(ratios)}** | |

{_rotation(size)}"""


def _rotation(size: Size) -> str:
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        root = Path(folder) / "home"
        held = landing_home(root, size, registers=False)
        run_muster("run", "--home", str(root), "--as-of", "2026-06-30")
        shutil.rmtree(root / "landing")
        rotated: list[Measured] = []
        for turn in range(size.pairs):
            print(f"rotation {turn + 1} of {size.pairs}", file=sys.stderr, flush=True)
            rotated.append(run_script(Path(__file__), "rotate", str(root)))
    return f"""### Rotating the key

A lake of {held.rows:,} responses in {held.files} submissions, landing removed: every pseudonym \
carried on to one more key, written beside, read again and compared with what it was, flushed to \
the disk and put in force. {size.pairs} rotations of the same home, one after the other, so the \
last went from key {size.pairs} to key {size.pairs + 1}.

| | seconds | peak, MiB |
| --- | --- | --- |
| `muster key rotate` | {spread([m.seconds for m in rotated], 1)} | {peak(rotated)} |"""


def _rows(officers: int) -> pl.DataFrame:
    """Every officer once a wave, in an order that is not theirs."""
    each = pl.select(number=pl.int_range(officers, dtype=pl.UInt32)).with_columns(
        home_force=pl.format("simulated-force-{}", pl.col("number") % FORCES),
        identifier=pl.format("SIM{}", (pl.col("number") + 100_000).cast(pl.String)),
    )
    rows = pl.concat([each] * ROWS_EACH)
    return rows.sample(fraction=1.0, shuffle=True, seed=1).drop("number")


def _bare(rows: pl.DataFrame) -> float:
    different = rows.unique()["identifier"].to_list()
    started = time.monotonic()
    _ = [hmac.digest(_KEY, identifier.encode(), "sha256") for identifier in different]
    return time.monotonic() - started


def _made(rows: pl.DataFrame) -> float:
    pseudonymiser = Pseudonymiser((_KEY,), "benchmark", Identifiers())
    frames = rows.partition_by("home_force")
    started = time.monotonic()
    made = [pseudonymiser.participants(frame) for frame in frames]
    seconds = time.monotonic() - started
    assert pl.concat(made).n_unique() * ROWS_EACH == rows.height
    return seconds


def _rotate(home: Home) -> float:
    started = time.monotonic()
    with locks.held(home.lock):
        home.recover()
        rotate(home, "benchmark", "measuring", datetime.now(UTC))
    return time.monotonic() - started


def main() -> None:
    how, place = sys.argv[1], Path(sys.argv[2])
    match how:
        case "bare":
            seconds = _bare(pl.read_parquet(place))
        case "made":
            seconds = _made(pl.read_parquet(place))
        case _:
            seconds = _rotate(Home(place))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()

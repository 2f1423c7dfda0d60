"""When the last run began, and how the last one that is over ended: one small file of the home.

What stays out: what runs did, which is in Dagster's history. Whoever is killed puts down no end, so
a beginning without one says that.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pipeline.storage import atomic


@dataclass(frozen=True, slots=True)
class LastRun:
    began: float | None = None
    """Seconds since 1970, as all times here."""
    ended: float | None = None
    """Of the last run that is over."""
    ended_well: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether one began that has put down no end."""
        return self.began is not None and (self.ended is None or self.ended < self.began)


def last_run(path: Path) -> LastRun:
    """What is put down; nothing, where it is not there or damaged."""
    try:
        said = LastRun(**json.loads(path.read_bytes()))
        _ = said.is_open
    except (OSError, ValueError, TypeError):
        return LastRun()
    return said


def begins(path: Path, now: datetime) -> None:
    """Put down that a run begins; for the one who holds the home's lock, as `ends`."""
    before = last_run(path)
    ended_well = False if before.is_open else before.ended_well
    _put_down(path, LastRun(now.timestamp(), before.ended, ended_well))


def ends(path: Path, now: datetime, *, well: bool) -> None:
    """Put down how the run that began last ended."""
    began = last_run(path).began
    # The clock may have been moved back meanwhile; the run is over all the same.
    _put_down(path, LastRun(began, max(now.timestamp(), began or 0.0), well))


def _put_down(path: Path, run: LastRun) -> None:
    atomic.write_bytes(path, json.dumps(asdict(run)).encode("ascii"))

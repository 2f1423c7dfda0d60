"""What a release prints: which group of officers each figure is about, and how to read the folder.

What belongs here: the published format, as anybody who holds a release can read it. What stays
out: what follows from the figures (`attacker.py`), and how a release is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import polars as pl

from pipeline.vocabulary import (
    BandLevel,
    Denominator,
    DropoutStage,
    EnrolmentSource,
    SessionsBand,
    WaveStatus,
)

ALL: Final = "all"

Row = Mapping[str, Any]
Key = tuple[tuple[str, str], ...]
Release = Mapping[str, pl.DataFrame]
"""Table -> its rows as printed."""


class Measure(NamedTuple):
    """A score at one wave, or the change from one to another."""

    waves: tuple[str, ...]
    instrument: str
    subscale: str


class Group(NamedTuple):
    """A set of officers that some table counts, or that is left when others are taken away."""

    kind: str
    organisation: str
    arm: str
    of: tuple[str, ...]

    def at(self, *, organisation: str | None = None, arm: str | None = None) -> "Group":
        return self._replace(organisation=organisation or self.organisation, arm=arm or self.arm)


class Cell(NamedTuple):
    """A group in a table, with the columns that say something about it."""

    table: str
    key: Key
    group: Group
    count: str
    mean: str | None = None
    sd: str | None = None
    interval: tuple[str, str] | None = None
    measure: Measure | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(
            column for column in (self.count, self.mean, self.sd, *(self.interval or ())) if column
        )


@dataclass(frozen=True)
class World:
    """What everybody knows: who takes part, when is measured, and between which scores lie."""

    organisations: tuple[str, ...]
    arms: tuple[str, ...]
    waves: tuple[str, ...]
    limits: Mapping[tuple[str, str], tuple[int, int]]
    """Instrument and subscale -> lowest and highest score."""
    pairs: tuple[tuple[str, str], ...]
    """Waves between which change is reported."""

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Every organisation and arm, totals included."""
        return tuple(product((*self.organisations, ALL), (*self.arms, ALL)))

    @property
    def stages(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Stages of the flow with their statuses."""
        yield "enrolled", tuple(EnrolmentSource)
        for wave in self.waves:
            yield wave, tuple(WaveStatus)
        yield "dropout", tuple(DropoutStage)


KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "participant_flow": ("organisation", "arm", "denominator", "stage", "status"),
    "wave_summary": ("organisation", "arm", "wave", "instrument", "subscale"),
    "paired_change": ("organisation", "arm", "from_wave", "to_wave", "instrument", "subscale"),
    "retention": ("organisation", "arm", "denominator", "time"),
    "attrition": ("organisation", "denominator", "instrument", "subscale"),
    "dose_response": ("organisation", "sessions_band", "wave", "instrument", "subscale"),
    "follow_up_due": ("organisation", "wave"),
}
"""Tables of counts and means, each with the columns that say which row it is."""

LEVELS: Final = tuple(BandLevel)
AT_TIMES: Final = ("n_at_risk", "n_left", "n_dropped_out", "n_left_organisation", "n_censored")
WAITING: Final = ("expected", "answered", "due", "overdue", "closing", "missed", "not_yet_due")
DENOMINATORS: Final = tuple(Denominator)


def cells_of(table: str, row: Row, first_wave: str) -> tuple[Cell, ...]:
    """The groups that one row of a table is about."""
    key = tuple((name, str(row[name])) for name in KEYS[table])
    return cells_at(table, key, first_wave)


def cells_at(table: str, key: Key, first_wave: str) -> tuple[Cell, ...]:
    """The groups that the row with this key is about."""
    at = dict(key)
    organisation, arm = at["organisation"], at.get("arm", ALL)

    def cell(kind: str, of: tuple[str, ...], count: str, *columns: Any) -> Cell:
        return Cell(table, key, Group(kind, organisation, arm, of), count, *columns)

    match table:
        case "participant_flow":
            return (cell("status", (at["denominator"], at["stage"], at["status"]), "n"),)
        case "wave_summary":
            of = (at["wave"], at["instrument"], at["subscale"])
            score = Measure((at["wave"],), at["instrument"], at["subscale"])
            return (
                cell("scored", of, "n", "mean", "sd", ("ci_low", "ci_high"), score),
                *(cell("band", (*of, level), f"n_{level}") for level in LEVELS),
            )
        case "paired_change":
            of = (at["from_wave"], at["to_wave"], at["instrument"], at["subscale"])
            change = Measure(of[:2], *of[2:])
            limits = ("ci_low", "ci_high")
            return (
                cell("paired", of, "n", "mean_change", "sd_change", limits, change),
                cell("better", of, "n_reliably_better"),
                cell("worse", of, "n_reliably_worse"),
            )
        case "retention":
            of = (at["denominator"], at["time"])
            return tuple(cell(column, of, column) for column in AT_TIMES)
        case "attrition":
            of = (at["denominator"], at["instrument"], at["subscale"])
            score = Measure((first_wave,), at["instrument"], at["subscale"])
            return tuple(
                cell(kind, of, f"n_{kind}", f"mean_{kind}", None, None, score)
                for kind in ("left", "stayed")
            )
        case "dose_response":
            of = (at["sessions_band"], at["wave"], at["instrument"], at["subscale"])
            change = Measure((first_wave, at["wave"]), at["instrument"], at["subscale"])
            return (
                cell("dose", of, "n", "mean_change", None, ("ci_low", "ci_high"), change),
            )
        case "follow_up_due":
            return tuple(cell(column, (at["wave"],), column) for column in WAITING)
    raise ValueError(f"{table}: not a table of counts and means")


def grid(world: World) -> Iterator[tuple[str, Key]]:
    """Every row that the tables could have, printed or not."""
    organisations = (*world.organisations, ALL)
    measured = tuple(world.limits)

    def keyed(table: str, *values: object) -> tuple[str, Key]:
        return table, tuple(zip(KEYS[table], map(str, values), strict=True))

    for organisation, arm in world.places:
        for denominator in DENOMINATORS:
            for stage, statuses in world.stages:
                for status in statuses:
                    yield keyed("participant_flow", organisation, arm, denominator, stage, status)
            for time in range(len(world.waves) + 1):
                yield keyed("retention", organisation, arm, denominator, time)
        for score in measured:
            for wave in world.waves:
                yield keyed("wave_summary", organisation, arm, wave, *score)
            for pair in world.pairs:
                yield keyed("paired_change", organisation, arm, *pair, *score)
    for organisation in organisations:
        for score in measured:
            for denominator in DENOMINATORS:
                yield keyed("attrition", organisation, denominator, *score)
            for band, wave in product(SessionsBand, world.waves[1:]):
                yield keyed("dose_response", organisation, band, wave, *score)
        for wave in world.waves:
            yield keyed("follow_up_due", organisation, wave)


def read_release(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a release folder, from its DuckDB file."""
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'release' ORDER BY 1"
        ).fetchall()
        return {
            name: connection.execute(f'SELECT * FROM release."{name}"').pl() for (name,) in names
        }

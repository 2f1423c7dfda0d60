"""What a release prints: which officers each figure is about, and how to read the folder.

What belongs here: the published format (docs/release.md), as anybody who holds a release can read
it. What stays out: what follows from the figures (`attacker.py`), and how a release is made.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import polars as pl

from pipeline.vocabulary import BandLevel, Denominator, DropoutStage, SessionsBand

ALL: Final = "all"
OTHERS: Final = "others"
UNKNOWN: Final = "unknown"
BESIDE: Final = "beside:"
ENROLLED: Final = Denominator.ENROLLED.value
TWO_SESSIONS: Final = Denominator.TWO_SESSIONS.value
DENOMINATORS: Final = (ENROLLED, TWO_SESSIONS)

LEVELS: Final = tuple(BandLevel)
OUTCOMES: Final = ("better", "unchanged", "worse")
BANDS: Final = tuple(SessionsBand)
STAGES: Final = tuple(DropoutStage)
STATUSES: Final = (
    "answered_otherwise",
    "withdrawn",
    "left_organisation",
    "not_scheduled",
    "not_yet_due",
    "open",
    "missed",
)
"""What may have become of an officer at a wave, other than to be scored."""

Row = Mapping[str, Any]
Key = tuple[tuple[str, str], ...]
Release = Mapping[str, pl.DataFrame]
"""Table -> its rows as printed."""


class Measure(NamedTuple):
    """A score at one wave, or the change from one to another."""

    waves: tuple[str, ...]
    subscale: str


class Group(NamedTuple):
    """A set of officers that some table counts, or that is left when others are taken away.

    `arm` is also where a value of a characteristic stands, as `gender:female`, and `organisation`
    all areas beside some, as `beside:force-1+force-2`.
    """

    kind: str
    organisation: str
    arm: str
    of: tuple[str, ...]

    def at(self, *, organisation: str | None = None, arm: str | None = None) -> "Group":
        return self._replace(organisation=organisation or self.organisation, arm=arm or self.arm)


class Cell(NamedTuple):
    """One group's figures in one row of a table."""

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
    instrument: str
    limits: Mapping[str, tuple[int, int]]
    """Subscale -> lowest and highest score."""
    bands: Mapping[str, tuple[int, int]]
    """Band -> lowest and highest score of it."""
    primary: tuple[str, str]
    """The two waves of the contrast that was named beforehand."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Characteristic -> its code list, `unknown` included."""
    silent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Characteristic -> organisations that say nobody's, which anybody may know."""

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Waves between which change is reported."""
        first = tuple((self.waves[0], later) for later in self.waves[1:])
        return first if self.primary in first else (*first, self.primary)


KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "participant_flow": ("organisation", "arm", "denominator", "stage", "status"),
    "follow_up": ("organisation", "wave"),
    "wave_summary": ("organisation", "arm", "wave", "instrument", "subscale"),
    "wave_bands": ("organisation", "arm", "wave", "instrument", "subscale", "band"),
    "paired_change": ("organisation", "arm", "from_wave", "to_wave", "instrument", "subscale"),
    "reliable_change": (
        "organisation",
        "arm",
        "from_wave",
        "to_wave",
        "instrument",
        "subscale",
        "outcome",
    ),
    "retention": ("organisation", "arm", "denominator", "time", "to_time"),
    "attrition": ("organisation", "denominator", "instrument", "subscale"),
    "dose_response": ("organisation", "sessions_band", "wave", "instrument", "subscale"),
    "equality_breakdown": ("characteristic", "value", "wave", "instrument", "subscale"),
}
"""Tables of counts and means, each with the columns that say which row it is."""

WITHOUT_PEOPLE: Final = frozenset(
    {
        "areas",
        "pilot_reconciliation",
        "attrition_model",
        "pooled_change",
        "organisation_change",
        "trajectory",
        "robustness",
        "reliability",
        "comparability",
        "data_quality",
    }
)
"""Tables that count nobody, or whose figures are copied, made of printed ones, or too coarse to be
read backwards."""


def cells_of(table: str, row: Row, world: World) -> Iterator[Cell]:
    """The groups that one row of a table is about."""
    key = tuple((name, str(row[name])) for name in KEYS[table])
    at = dict(key)

    def cell(kind: str, of: tuple[str, ...], count: str, *columns: Any) -> Cell:
        arm = (
            f"{at['characteristic']}:{at['value']}"
            if "characteristic" in at
            else at.get("arm", ALL)
        )
        group = Group(kind, at.get("organisation", ALL), arm, of)
        return Cell(table, key, group, count, *columns)

    return _READERS[table](at, cell, world)


Reader = Callable[[Mapping[str, str], Callable[..., Cell], World], Iterator[Cell]]


def _participant_flow(
    at: Mapping[str, str], cell: Callable[..., Cell], world: World
) -> Iterator[Cell]:
    stage, status, denominator = at["stage"], at["status"], at["denominator"]
    if stage == "enrolled":
        yield cell("enrolled", (denominator,), "n")
    elif stage == "dropout":
        yield cell("dropout", (status,), "n")
    elif status == "scored":
        yield cell("scored", (denominator, stage), "n")
    else:
        yield cell("status", (stage, status), "n")


def _follow_up(at: Mapping[str, str], cell: Callable[..., Cell], world: World) -> Iterator[Cell]:
    yield cell("enrolled", (ENROLLED,), "enrolled")
    yield cell("scored", (ENROLLED, at["wave"]), "scored")


def _wave_summary(at: Mapping[str, str], cell: Callable[..., Cell], world: World) -> Iterator[Cell]:
    score = Measure((at["wave"],), at["subscale"])
    yield cell("scored", (ENROLLED, at["wave"]), "n", "mean", "sd", ("ci_low", "ci_high"), score)


def _wave_bands(at: Mapping[str, str], cell: Callable[..., Cell], world: World) -> Iterator[Cell]:
    yield cell("band", (at["wave"], at["subscale"], at["band"]), "n")


def _paired_change(
    at: Mapping[str, str], cell: Callable[..., Cell], world: World
) -> Iterator[Cell]:
    waves, limits = (at["from_wave"], at["to_wave"]), ("ci_low", "ci_high")
    change = Measure(waves, at["subscale"])
    yield cell("paired", waves, "n", "mean_change", "sd_change", limits, change)


def _reliable_change(
    at: Mapping[str, str], cell: Callable[..., Cell], world: World
) -> Iterator[Cell]:
    of = (at["from_wave"], at["to_wave"], at["subscale"], at["outcome"])
    yield cell("outcome", of, "n")


def _retention(at: Mapping[str, str], cell: Callable[..., Cell], world: World) -> Iterator[Cell]:
    yield cell("at_risk", (at["denominator"], at["time"]), "n_at_risk")
    yield cell("events", (at["denominator"], at["time"], at["to_time"]), "n_left")


def _attrition(at: Mapping[str, str], cell: Callable[..., Cell], world: World) -> Iterator[Cell]:
    score = Measure(world.waves[:1], at["subscale"])
    for kind in ("left", "stayed"):
        yield cell(kind, (), f"n_{kind}", f"mean_{kind}", f"sd_{kind}", None, score)


def _dose_response(
    at: Mapping[str, str], cell: Callable[..., Cell], world: World
) -> Iterator[Cell]:
    change = Measure((world.waves[0], at["wave"]), at["subscale"])
    limits = ("ci_low", "ci_high")
    of = (at["wave"], at["sessions_band"])
    yield cell("dose", of, "n", "mean_change", "sd_change", limits, change)


def _equality_breakdown(
    at: Mapping[str, str], cell: Callable[..., Cell], world: World
) -> Iterator[Cell]:
    wave, subscale = at["wave"], at["subscale"]
    score = Measure((wave,), subscale)
    yield cell("scored", (ENROLLED, wave), "n", "mean", "sd", None, score)
    if wave == world.primary[1]:
        limits, change = ("ci_low", "ci_high"), Measure(world.primary, subscale)
        yield cell("paired", world.primary, "n_change", "mean_change", "sd_change", limits, change)


_READERS: Final[Mapping[str, Reader]] = {
    "participant_flow": _participant_flow,
    "follow_up": _follow_up,
    "wave_summary": _wave_summary,
    "wave_bands": _wave_bands,
    "paired_change": _paired_change,
    "reliable_change": _reliable_change,
    "retention": _retention,
    "attrition": _attrition,
    "dose_response": _dose_response,
    "equality_breakdown": _equality_breakdown,
}


def merged(label: str, atoms: tuple[str, ...]) -> tuple[str, ...]:
    """The bands that one label stands for: `low or moderate` for two.

    A band may have `or` in its own name, as `8 or more` has.
    """
    names = "|".join(re.escape(str(name)) for name in sorted(atoms, key=len, reverse=True))
    found = re.findall(rf"(?:^| or )({names})(?=$| or )", label)
    if " or ".join(found) != label:
        raise ValueError("a label that is not made of the table's bands")
    return tuple(found)


def areas(release: Release) -> dict[str, tuple[str, ...]]:
    """Areas with rows of their own -> the organisations in them."""
    found: dict[str, list[str]] = {}
    for organisation, shown_as in release["areas"].select("organisation", "shown_as").iter_rows():
        if shown_as is not None and shown_as != ALL:
            found.setdefault(shown_as, []).append(organisation)
    return {area: tuple(members) for area, members in found.items()}


def read_release(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a release folder, from its DuckDB file."""
    with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY 1"
        ).fetchall()
        return {
            name: pl.DataFrame(connection.sql(f'FROM release."{name}"').to_arrow_table())
            for (name,) in names
        }

"""Who is counted where: organisations and arms with their totals, and the clusters in each.

What belongs here: exact sums for every cell of a table, and the rule which interval a cell gets.
What stays out: formulas of intervals (`intervals.py`) and what is measured in a cell.

Sums are of whole numbers, so a figure is the same in whatever order officers come.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import polars as pl

from pipeline.evaluation.intervals import Interval, clustered_interval, t_interval
from pipeline.programme import TOTAL, Programme
from pipeline.vocabulary import Denominator

ALL: Final = TOTAL
"""Stands for the total in the columns `organisation` and `arm`."""

UNITS_PER_POINT: Final = 2520
"""Scores are summed in 1/2520 of a point, the least common multiple of 1 to 10.

Whole scores and scores prorated within a subscale of up to ten items are whole numbers of these
units, so their sums are exact. A score prorated within a longer subscale is rounded to one unit.
64 bits hold the sum of squares of ten million scores of 350 points.
"""

FEWEST_SESSIONS: Final = 2
"""Sessions attended by those whom the smaller denominator counts."""

FEWEST_SESSION_GROUPS: Final = 5
"""With fewer session groups than this, their number says too little about how groups differ."""

FEWEST_ORGANISATIONS: Final = 10
"""With fewer organisations than this, a clustered interval is itself imprecise."""

NEXT_TO_NOTHING: Final = 1e-9

NOTE_IGNORES_GROUPS: Final = "interval: t, ignores session groups (fewer than 5)"
NOTE_WITHOUT_GROUP: Final = "interval: an officer without a session group is a cluster alone"
NOTE_FEW_ORGANISATIONS: Final = "fewer than ten organisations: interval imprecise"
NOTE_ONE_ORGANISATION: Final = "one organisation: interval as within it"
NOTE_NO_WIDTH: Final = "interval of no width: clusters or values do not vary, which says little"
NOTE_ONE_OFFICER: Final = "one officer: no SD and no interval"


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, sum and sum of squares of scores or changes, in units of 1/2520 point; exact."""

    n: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        """Mean in points."""
        return self.total / (self.n * UNITS_PER_POINT)

    @property
    def scatter(self) -> int:
        """The sum of squared deviations times n, in squared units: whole, so nothing cancels."""
        return self.n * self.squares - self.total**2

    @property
    def sd(self) -> float | None:
        """Standard deviation (n - 1) in points; None for fewer than two values."""
        if self.n < 2:
            return None
        return math.sqrt(self.scatter / (self.n * (self.n - 1))) / UNITS_PER_POINT


@dataclass(frozen=True, slots=True)
class CellInterval:
    """The interval of a cell's mean, the clusters behind it, and what is to be said about it."""

    interval: Interval | None
    n_clusters: int | None
    notes: tuple[str, ...]

    @property
    def columns(self) -> dict[str, float | int | None]:
        found = self.interval
        return {
            "ci_low": found.low if found else None,
            "ci_high": found.high if found else None,
            "n_clusters": self.n_clusters,
        }


def cell_interval(cell: Mapping[str, Any], moments: Moments) -> CellInterval:
    """The interval that a cell of `cells` gets for the mean of `moments`.

    Over several organisations it is clustered by organisation. Within one it is clustered by
    session group where at least five groups have members in the cell; an officer without a group
    is then a cluster alone, since nothing says that such officers sit together. With fewer groups
    it is a plain t interval, and says so. An interval whose clusters, or values, do not differ has
    no width and says so: it is no proof that the mean is known.
    """
    sd = moments.sd
    if sd is None:
        return CellInterval(None, None, (NOTE_ONE_OFFICER,))
    notes = []
    organisations: int = cell["organisations"]
    if cell["organisation"] == ALL and organisations < FEWEST_ORGANISATIONS:
        notes.append(NOTE_FEW_ORGANISATIONS if organisations > 1 else NOTE_ONE_ORGANISATION)
    if organisations == 1:
        if cell["session_groups"] < FEWEST_SESSION_GROUPS:
            notes.append(NOTE_IGNORES_GROUPS)
            if not sd:
                notes.append(NOTE_NO_WIDTH)
            return CellInterval(t_interval(moments.n, moments.mean, sd), None, tuple(notes))
        if cell["without_group"]:
            notes.append(NOTE_WITHOUT_GROUP)
    sizes: list[int] = cell["cluster_sizes"]
    sums = [total / UNITS_PER_POINT for total in cell["cluster_sums"]]
    interval = clustered_interval(sizes, sums)
    if interval and has_no_width(interval.standard_error, sd / math.sqrt(moments.n)):
        notes.append(NOTE_NO_WIDTH)
    return CellInterval(interval, len(sizes), tuple(notes))


def has_no_width(clustered: float, plain: float) -> bool:
    """Whether a clustered standard error is 0 but for rounding, beside the plain one.

    Two clusters with one mean give that by chance, however much their officers differ.
    """
    return clustered <= NEXT_TO_NOTHING * plain


def joined_notes(notes: Iterable[str]) -> str | None:
    """Notes as one text, each once; None where there is nothing to say."""
    return "; ".join(dict.fromkeys(notes)) or None


def by_number(participants: pl.DataFrame, *others: pl.DataFrame) -> list[pl.DataFrame]:
    """All frames with a number (UInt32) for each officer in place of the pseudonym.

    Every table of the evaluation finds officers in frames of millions of rows, which by numbers
    takes a fraction of the time, and none of them shows one. Null stands for who is not among the
    `participants`.
    """
    names = pl.Enum(participants["participant_id"])
    number = pl.col("participant_id").cast(names, strict=False).to_physical().cast(pl.UInt32)
    return pl.collect_all([frame.lazy().with_columns(number) for frame in (participants, *others)])


def measurements(
    scores: pl.DataFrame, participants: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The scorable rows of a `tables.SCORES` frame, of officers where they are counted.

    The columns of `scored` and of `placed`, but for participant_id: `officer` is a number instead.
    And series: a number for the officer, instrument and subscale, of which there is one row a wave.
    Raises what those raise.
    """
    measured = placed(scored(scores, programme), participants).drop("participant_id")
    instruments, subscales = (
        len(cast(pl.Enum, measured.schema[name]).categories) for name in ("instrument", "subscale")
    )
    kind = pl.col("instrument").to_physical().cast(pl.Int64) * subscales
    kind += pl.col("subscale").to_physical()
    return measured.with_columns(series=pl.col("officer") * (instruments * subscales) + kind)


def scored(scores: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """The scorable rows of a `tables.SCORES` frame, ready to be summed.

    Columns: participant_id; wave, instrument and subscale as enums in the programme's order; band;
    score in units (Int64). Raises what `in_order` raises.
    """
    return (
        in_order(scores, programme)
        .filter(pl.col("raw_score").is_not_null())
        .select(
            "participant_id",
            "wave",
            "instrument",
            "subscale",
            "band",
            (pl.col("raw_score") * UNITS_PER_POINT).round().cast(pl.Int64).alias("score"),
        )
    )


def in_order(scores: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """A `tables.SCORES` frame with wave, instrument and subscale as enums in the programme's order.

    Raises ValueError for one that the programme does not have. A frame that has them so stays as
    it is: whoever makes several tables of millions of scores does this once.
    """
    subscales = [
        subscale
        for instrument in programme.instruments
        for subscale in programme.instrument(instrument).by_subscale
    ]
    order: dict[str, Sequence[str]] = {
        "wave": programme.wave_names,
        "instrument": programme.instruments,
        # Two instruments may each have a subscale of one name.
        "subscale": tuple(dict.fromkeys(subscales)),
    }
    known = {column: pl.Enum(names) for column, names in order.items()}
    if all(scores.schema[column] == enum for column, enum in known.items()):
        return scores
    ordered = scores.with_columns(
        pl.col(column).cast(enum, strict=False) for column, enum in known.items()
    )
    for column in known:
        if ordered[column].has_nulls():
            raise ValueError(f"scores: a {column} that the programme does not have")
    return ordered


def placed(measured: pl.DataFrame, participants: pl.DataFrame) -> pl.DataFrame:
    """`measured` with the organisation that enrolled the officer, the arm and the cluster.

    Adds the officer's number, organisation and arm (see `as_part`), has_group, and cluster: a
    number for the session
    group, or for the officer where there is none. Where an organisation has too few groups for
    clusters to count, its officers without one share the number 0. Raises ValueError if somebody
    measured is not a participant.
    """
    alone = pl.col("session_group").is_null()
    groups = pl.col("session_group").n_unique().over("organisation") - alone.any().over(
        "organisation"
    ).cast(pl.UInt32)
    places = participants.select(
        "participant_id",
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("officer"),
        *(as_part(participants, column) for column in ("organisation", "arm")),
        (~alone).alias("has_group"),
        # Numbers group faster than text. `has_group` keeps a group and an officer apart. And a
        # hundred thousand clusters of one, which no interval is made from, take long to count.
        pl.when(~alone)
        .then(pl.col("session_group").rank("dense"))
        .when(groups >= FEWEST_SESSION_GROUPS)
        .then(pl.int_range(pl.len(), dtype=pl.UInt32))
        .otherwise(0)
        .alias("cluster"),
    )
    together = measured.join(places, on="participant_id", how="left", maintain_order="left")
    if together["organisation"].has_nulls():
        raise ValueError("scores: of somebody who is not among the participants")
    return together


def cells(
    measured: pl.DataFrame,
    by: Sequence[str],
    figures: Sequence[str],
    mean_of: str,
    *,
    each_arm: bool = True,
) -> Iterator[dict[str, Any]]:
    """One dictionary a cell that occurs, ordered by organisation, arm and `by`, totals last.

    `measured` is a frame from `placed`. A cell is an organisation or `all`, an arm or `all`, and a
    value of each column of `by`; unless `each_arm`, of arms only `all`. `figures` are columns of
    whole numbers to be summed; `mean_of` is the one whose mean gets an interval. Keys:
    organisation, arm, `by`, n, the sum of each figure, and for `cell_interval` organisations,
    session_groups, without_group, cluster_sizes and cluster_sums.
    """
    sums = measured.group_by("organisation", "arm", *by, "cluster", "has_group").agg(
        pl.len().cast(pl.Int64).alias("n"), pl.col(figures).sum()
    )
    return cells_of(sums, by, figures, mean_of, each_arm=each_arm)


def cells_of(
    sums: pl.DataFrame,
    by: Sequence[str],
    figures: Sequence[str],
    mean_of: str,
    *,
    each_arm: bool = True,
) -> Iterator[dict[str, Any]]:
    """The same from sums over clusters: n and the sum of each figure (Int64).

    `sums` has organisation, arm (as `placed` has them), `by`, cluster and has_group.
    """
    within = _within_organisations(sums, by, figures, mean_of, each_arm=each_arm)
    return (
        pl.concat([within, _over_organisations(within, by, figures, mean_of)])
        .sort("organisation", "arm", *by)
        .iter_rows(named=True)
    )


def as_part(participants: pl.DataFrame, column: str) -> pl.Expr:
    """Organisation or arm as an enum of all that occur, in alphabetical order, and `all` last."""
    return pl.col(column).cast(pl.Enum([*participants[column].unique().sort(), ALL]))


def as_total(counted: pl.DataFrame, column: str) -> pl.DataFrame:
    """Every row under `all` in a column made by `as_part`, to be summed afterwards."""
    return counted.with_columns(pl.lit(ALL, counted.schema[column]).alias(column))


def came_twice() -> pl.Expr:
    """Whether an officer of a `tables.PARTICIPANTS` frame attended two sessions; NULL is no."""
    return (pl.col("sessions_attended") >= FEWEST_SESSIONS).fill_null(False).alias("came_twice")


def by_denominator(counted: pl.DataFrame) -> pl.DataFrame:
    """Every row under `enrolled`, and those that came_twice under `two_sessions` as well.

    The column came_twice becomes denominator, an enum, and rows are to be summed afterwards.
    """
    named = pl.Enum([term.value for term in Denominator])
    enrolled, two_sessions = (
        rows.with_columns(pl.lit(term.value, named).alias("denominator")).drop("came_twice")
        for rows, term in (
            (counted, Denominator.ENROLLED),
            (counted.filter("came_twice"), Denominator.TWO_SESSIONS),
        )
    )
    return pl.concat([enrolled, two_sessions])


def _within_organisations(
    one_arm: pl.DataFrame,
    by: Sequence[str],
    figures: Sequence[str],
    mean_of: str,
    *,
    each_arm: bool,
) -> pl.DataFrame:
    """Cells of one organisation each, from sums over its session groups."""
    sums = pl.col("n", *figures).sum()
    cluster = ["organisation", "arm", *by, "cluster", "has_group"]
    total = as_total(one_arm, "arm")
    return (
        # Summed again, since a session group with officers of two arms is one cluster of the total.
        (pl.concat([one_arm, total]) if each_arm else total)
        .group_by(cluster)
        .agg(sums)
        .group_by("organisation", "arm", *by)
        .agg(
            sums,
            pl.lit(1, pl.Int64).alias("organisations"),
            pl.col("has_group").sum().cast(pl.Int64).alias("session_groups"),
            (~pl.col("has_group")).any().alias("without_group"),
            pl.col("n").alias("cluster_sizes"),
            pl.col(mean_of).alias("cluster_sums"),
        )
    )


def _over_organisations(
    within: pl.DataFrame, by: Sequence[str], figures: Sequence[str], mean_of: str
) -> pl.DataFrame:
    """National cells; where only one organisation has members, its own cell with its groups."""
    alone = pl.len().over("arm", *by) == 1
    own, others = as_total(within.filter(alone), "organisation"), within.filter(~alone)
    several = (
        as_total(others, "organisation")
        .group_by("organisation", "arm", *by)
        .agg(
            pl.col("n", *figures, "organisations").sum(),
            pl.col("session_groups").sum(),
            pl.col("without_group").any(),
            pl.col("n").alias("cluster_sizes"),
            pl.col(mean_of).alias("cluster_sums"),
        )
    )
    return pl.concat([own, several.select(own.columns)])

"""A simulated motivated intruder: whom somebody who knows an officer could find, and learn what of.

What belongs here: what such a person knows, and what each thing they might get hold of gives away.
What stays out: making any of these things, and what is told to officers (`pipeline/assurance`).

The Information Commissioner's anonymisation guidance asks what a motivated intruder could do who is
competent, has time and knows somebody. Here it is a line manager, who knows of one officer the
force, rank group, gender and length of service, and which sessions they came to. Two things are
counted: *singled out*, only one row fits what is known; and *learnt*, all that fit have one burnout
band, whoever's they are. The intruder is taken to know that the officer takes part, and to be right
about everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress
from typing import Final

import polars as pl

from pipeline.privacy.research_view import (
    FIVE_YEARS_AND_OVER,
    TWO_OR_MORE,
    UNDER_FIVE_YEARS,
    UNDER_TWO,
    last_bands,
    published_bands,
)
from pipeline.programme import TOTAL, Programme

KNOWN: Final = ("organisation", "home_force", "rank_group", "gender", "service_band")
SESSIONS: Final = "sessions"
ROUNDED_BY: Final = 2
"""A published number of people is at most so far from the true one: it is rounded to five."""

_COULD_BE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "service_band": {
        UNDER_FIVE_YEARS: ("under_2_years", "2_to_4_years"),
        FIVE_YEARS_AND_OVER: ("5_to_9_years", "10_years_and_over"),
    },
    "sessions_band": {
        UNDER_TWO: ("none", "one"),
        TWO_OR_MORE: ("2 to 4", "5 to 7", "8 or more"),
    },
}


class Source(StrEnum):
    """What the intruder has got hold of."""

    WAREHOUSE = "warehouse"
    RESEARCH_VIEW = "research_view"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """A number of officers that somebody published.

    `people` says who is counted, by columns of `tables.PARTICIPANTS`; a column that is not named
    is all of its values. `band` is the burnout band that they have, if the cell says one. `n` is
    the number as printed, rounded to five; None where it is suppressed. Bands of one `wave` belong
    together.
    """

    people: Mapping[str, str]
    n: int | None
    band: str | None = None
    wave: str | None = None


def what_a_manager_knows(
    participants: pl.DataFrame, attendance: pl.DataFrame, scores: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """One row an officer: what their line manager knows, and the band they are after.

    `participants` has a column sessions_band. Columns: participant_id, those of KNOWN, sessions
    (the numbers of sessions attended as one text, NULL without a register), sessions_band, country
    of the home force, and band (NULL for one who has none).
    """
    came = (
        attendance.filter(pl.col("attended"))
        .group_by("participant_id")
        .agg(pl.col("session_number").unique().sort().cast(pl.String).alias("numbers"))
        .select("participant_id", pl.col("numbers").list.join(" ").alias(SESSIONS))
    )
    on_register = pl.col("participant_id").is_in(attendance["participant_id"].unique().implode())
    known = programme.known_organisations
    countries = {
        force: known[force].country if force in known else None
        for force in participants["home_force"].unique()
    }
    return (
        participants.join(came, on="participant_id", how="left")
        .join(last_bands(scores, programme), on="participant_id", how="left")
        .select(
            "participant_id",
            *KNOWN,
            pl.when(on_register).then(pl.col(SESSIONS).fill_null("")).alias(SESSIONS),
            pl.col("sessions_band").cast(pl.String),
            pl.col("home_force").replace_strict(countries, return_dtype=pl.String).alias("country"),
            "band",
        )
    )


def found_in_warehouse(known: pl.DataFrame) -> pl.DataFrame:
    """What the intruder finds in the warehouse, where nothing is coarser than it is.

    Takes and returns one row an officer: columns participant_id, organisation, candidates (rows
    that fit), bands (different ones among them) and has_band.
    """
    fits = [*KNOWN, SESSIONS]
    return known.select(
        "participant_id",
        "organisation",
        pl.len().over(fits).alias("candidates"),
        pl.col("band").drop_nulls().n_unique().over(fits).alias("bands"),
        pl.col("band").is_not_null().alias("has_band"),
    )


def found_in_research_view(
    known: pl.DataFrame, officers: pl.DataFrame, scores: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """The same in a research view, of which the intruder has the published frames alone.

    A row fits if nothing that it says contradicts what is known; what it does not say fits anybody.
    Whoever is not in the view fits rows too: the intruder cannot know that.
    """
    columns = ["country", *KNOWN, "sessions_band"]
    rows = officers.join(published_bands(scores, programme), on="officer", how="left").select(
        *columns, "band"
    )
    asked = known.select(columns).unique()
    # Rows that leave the same columns open are answered by one join.
    said = rows.with_columns(pl.col(name).is_not_null().alias(f"said {name}") for name in columns)
    found = pl.concat(
        [
            _fitting(asked, group, list(compress(columns, is_said)))
            for is_said, group in said.group_by(f"said {name}" for name in columns)
        ]
        or [_fitting(asked, rows, columns)]
    )
    seen = pl.col("seen").list.explode(keep_nulls=False, empty_as_null=False)
    per_question = found.group_by(columns).agg(
        pl.col("candidates").sum(), seen.drop_nulls().n_unique().alias("bands")
    )
    return known.join(per_question, on=columns, how="left", nulls_equal=True).select(
        "participant_id",
        "organisation",
        pl.col("candidates").fill_null(0),
        pl.col("bands").fill_null(0),
        pl.col("band").is_not_null().alias("has_band"),
    )


def found_in_release(known: pl.DataFrame, cells: Sequence[PublishedCell]) -> pl.DataFrame:
    """The same in published counts: the smallest group that an officer is known to be one of.

    A cell says something of an officer if the intruder knows every column that it names. Its
    candidates are the fewest people that its rounded number may stand for, the officer one of
    them. A band is learnt where
    the cells of one group are all printed and all but one of its bands are printed as nobody.
    Officers of whom no cell says anything have NULL candidates.
    """
    usable = [cell for cell in cells if set(cell.people) <= {*KNOWN, "country", "sessions_band"}]
    found = known.with_columns(pl.lit(None, pl.Int64).alias("candidates"), pl.lit(2).alias("bands"))
    for cell in usable:
        if cell.n is not None and cell.band is None:
            fewest = max(cell.n - ROUNDED_BY, 1)
            smaller = pl.min_horizontal("candidates", pl.lit(fewest))
            found = found.with_columns(
                pl.when(_is_one_of(cell.people))
                .then(smaller)
                .otherwise("candidates")
                .alias("candidates")
            )
    for people in _groups_of_one_band(usable):
        found = found.with_columns(
            pl.when(_is_one_of(people)).then(pl.lit(1)).otherwise("bands").alias("bands")
        )
    return found.select(
        "participant_id",
        "organisation",
        "candidates",
        "bands",
        pl.col("band").is_not_null().alias("has_band"),
    )


def smallest_published(cells: Iterable[PublishedCell]) -> int | None:
    """The smallest number of people that any cell prints; None where nothing is printed."""
    return min((cell.n for cell in cells if cell.n is not None), default=None)


def shares(found: pl.DataFrame) -> pl.DataFrame:
    """Per organisation, and `all`: officers, and the shares singled out and learnt (0 to 1).

    Columns: organisation, officers, singled_out, learnt, fewest (the smallest number of rows that
    fit anybody; NULL if none fits). Exact: for controlled access, not for handing on.
    """
    each = pl.concat([found, found.with_columns(pl.lit(TOTAL).alias("organisation"))])
    learnt = (pl.col("has_band") & (pl.col("bands") == 1)).fill_null(False)
    return (
        each.group_by("organisation")
        .agg(
            pl.len().alias("officers"),
            (pl.col("candidates") == 1).fill_null(False).mean().alias("singled_out"),
            learnt.mean().alias("learnt"),
            pl.col("candidates").filter(pl.col("candidates") > 0).min().alias("fewest"),
        )
        .sort(pl.col("organisation") == TOTAL, "organisation")
    )


def _fitting(asked: pl.DataFrame, rows: pl.DataFrame, said: Sequence[str]) -> pl.DataFrame:
    """For each question how many rows fit, and the bands seen; without a row where none does.

    An officer of whom a column is not recorded fits only rows that leave it open, as their own
    does.
    """
    for name, wider in _COULD_BE.items():
        if name in said:
            rows = _each_it_could_be(rows, name, wider)
    # Rows that say nothing at all are counted by a column that is the same for everybody.
    by = ["anybody", *said]
    counted = (
        rows.with_columns(anybody=True)
        .group_by(by)
        .agg(pl.len().cast(pl.Int64).alias("candidates"), pl.col("band").unique().alias("seen"))
    )
    return asked.with_columns(anybody=True).join(counted, on=by).drop("anybody")


def _each_it_could_be(
    rows: pl.DataFrame, name: str, wider: Mapping[str, tuple[str, ...]]
) -> pl.DataFrame:
    """A row with a wider band once for each band that it stands for; others as they are."""
    pairs = [(wide, narrow) for wide, narrows in wider.items() for narrow in narrows]
    stands_for = pl.DataFrame(pairs, schema=[name, "narrow"], orient="row")
    return (
        rows.join(stands_for, on=name, how="left")
        .with_columns(pl.coalesce("narrow", name).alias(name))
        .drop("narrow")
    )


def _is_one_of(people: Mapping[str, str]) -> pl.Expr:
    fits = pl.lit(True)
    for column, value in people.items():
        fits &= pl.col(column).eq_missing(pl.lit(value))
    return fits


def _groups_of_one_band(cells: Iterable[PublishedCell]) -> list[Mapping[str, str]]:
    groups: dict[tuple[str | None, tuple[tuple[str, str], ...]], list[PublishedCell]] = {}
    for cell in cells:
        if cell.band is not None:
            key = cell.wave, tuple(sorted(cell.people.items()))
            groups.setdefault(key, []).append(cell)
    return [
        dict(people)
        for (_, people), of_group in groups.items()
        if all(cell.n is not None for cell in of_group)
        and sum(bool(cell.n) for cell in of_group) == 1
        and len(of_group) > 1
    ]

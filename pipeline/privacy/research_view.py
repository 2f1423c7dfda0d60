"""The research view: one row an officer for researchers, in which nobody stands alone.

What belongs here: what a colleague can see of an officer, how coarsely each of it may be given and
at what cost, the tables that come out, and the proof that they keep their promise. What stays out:
the search itself (`alike.py`), files, keys, and bands of sessions (`evaluation/dose_response.py`).

A class is all rows alike in every column but the officer's id. Each has at least five rows, and if
anybody in it has a burnout band, at least two different ones: the band meant is that of the last
wave with one. What such a view cannot promise is in docs/research.md.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline import tables
from pipeline.privacy.alike import LEFT_OUT, PROTECTION, Codes, Protection, Settled, settled
from pipeline.programme import Programme
from pipeline.reference import SERVICE_BANDS
from pipeline.vocabulary import CoarserBecause, DepartureKind, SessionsBand

NOT_GIVEN: Final = "not given"
STAYED: Final = "stayed"
DEPARTED: Final = "departed"
UNDER_TWO: Final = "under 2"
TWO_OR_MORE: Final = "2 or more"
UNDER_FIVE_YEARS: Final = "under_5_years"
FIVE_YEARS_AND_OVER: Final = "5_years_and_over"
SENSITIVE: Final = "burnout"
_ID_BYTES: Final = 8
_BETWEEN: Final = "\x1f"


class NotProtected(Exception):
    """A view in which a class breaks its promise, which is a defect; holds counts, no value."""


@dataclass(frozen=True, slots=True)
class Level:
    """One way of giving an attribute: what it is called, what it costs, and its value.

    `value` is an expression on the frame of `_officers`; it decides who is alike at this level.
    """

    called: str
    cost: int
    value: pl.Expr


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something a colleague can see; its first level is as recorded and costs nothing."""

    name: str
    levels: tuple[Level, ...]


def _as_recorded(column: str) -> Level:
    return Level("as recorded", 0, pl.col(column))


def _not_given(cost: int) -> Level:
    return Level(NOT_GIVEN, cost, pl.lit(None, pl.String))


def _renamed(column: str, names: Mapping[str, str | None]) -> pl.Expr:
    return pl.col(column).replace_strict(names, return_dtype=pl.String)


_WIDER_SERVICE: Final = {
    band: UNDER_FIVE_YEARS if below <= 5 else FIVE_YEARS_AND_OVER
    for band, (_, below) in SERVICE_BANDS.items()
}
_WIDER_SESSIONS: Final = {
    band.value: UNDER_TWO if band in {SessionsBand.NONE, SessionsBand.ONE} else TWO_OR_MORE
    for band in SessionsBand
}
_DEPARTED_OR_STAYED: Final = {
    STAYED: STAYED,
    **{kind.value: DEPARTED for kind in DepartureKind},
}
_COUNTRY: Final = "country"
_NUMBER: Final = "number"
_LAST_ALONE: Final = "last alone"

ATTRIBUTES: Final = (
    Attribute("ethnicity_group", (_as_recorded("ethnicity_group"), _not_given(2))),
    Attribute(
        "service_band",
        (
            _as_recorded("service_band"),
            Level("under 5 years or over", 1, _renamed("service_band", _WIDER_SERVICE)),
            _not_given(3),
        ),
    ),
    Attribute("gender", (_as_recorded("gender"), _not_given(3))),
    Attribute(
        "departure",
        (
            _as_recorded("departure"),
            Level(
                "departed or stayed",
                1,
                pl.when(pl.col("departure") == STAYED)
                .then(pl.lit(STAYED))
                .otherwise(pl.lit(DEPARTED)),
            ),
            _not_given(4),
        ),
    ),
    Attribute("rank_group", (_as_recorded("rank_group"), _not_given(4))),
    Attribute(
        "sessions_band",
        (
            _as_recorded("sessions_band"),
            Level("under 2 or more", 3, _renamed("sessions_band", _WIDER_SESSIONS)),
            _not_given(6),
        ),
    ),
    Attribute(
        "force",
        (_as_recorded("force"), Level(_COUNTRY, 6, pl.col("country")), _not_given(7)),
    ),
    Attribute("arm", (_as_recorded("arm"), _not_given(9))),
    Attribute(
        "waves",
        (
            _as_recorded("pattern"),
            Level(_NUMBER, 6, pl.col("waves").list.len().cast(pl.String)),
            Level(_LAST_ALONE, 10, (pl.col("waves").list.len() > 0).cast(pl.String)),
        ),
    ),
)
"""What a colleague can see of an officer. A cost says how much an evaluation loses with the level:
least with ethnicity and service, most with the arm and with the waves that scores belong to."""

HIGHEST_COST: Final = sum(attribute.levels[-1].cost for attribute in ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class ResearchView:
    """Frames of `tables.RESEARCH_OFFICERS`, `RESEARCH_SCORES` and `RESEARCH_GENERALISED`."""

    officers: pl.DataFrame
    scores: pl.DataFrame
    generalised: pl.DataFrame
    enrolled: int
    """Officers enrolled, those left out included."""
    detail_kept: float
    """Mean over officers of 1 less cost over HIGHEST_COST; 0 for those left out."""


def protected_subscale(programme: Programme) -> tuple[str, str]:
    """Instrument and subscale whose band is protected: burnout, or else the one named beforehand.

    >>> from pipeline.programme import parse_programme
    >>> from pipeline.reference import example_programme
    >>> protected_subscale(parse_programme(example_programme()))
    ('proqol5', 'burnout')
    """
    for name in programme.instruments:
        if SENSITIVE in programme.instrument(name).by_subscale:
            return name, SENSITIVE
    return programme.primary.instrument, programme.primary.subscale


def row_ids(participant_ids: pl.Series, key: bytes, snapshot: str) -> pl.Series:
    """An id for each officer that holds for one snapshot only, 16 hexadecimal digits.

    HMAC-SHA256 under a key of the snapshot's own, itself the HMAC of `key` over the snapshot. The
    same snapshot gives the same ids again. Without the key nobody can tell which ids of two
    snapshots, or which pseudonym, are of one officer.
    """
    own = hmac.digest(key, f"research view {snapshot}".encode(), "sha256")
    ids = [
        hmac.digest(own, participant.encode(), "sha256")[:_ID_BYTES].hex()
        for participant in participant_ids
    ]
    return pl.Series("officer", ids, pl.String)


def research_view(
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    scores: pl.DataFrame,
    programme: Programme,
    *,
    ids: pl.Series,
    protection: Protection = PROTECTION,
) -> ResearchView:
    """The view of everybody who enrolled.

    `participants` is a `tables.PARTICIPANTS` frame with a column sessions_band (SessionsBand, NULL
    where sessions are not known); `participant_waves` and `scores` are frames of their tables, and
    `ids` has one id for each row of `participants`. A wave counts as answered where scores hold a
    response, scorable or not. Raises ValueError for a score of nobody who enrolled.
    """
    if scores.join(participants, on="participant_id", how="anti").height:
        raise ValueError("scores: of somebody who is not among the participants")
    officers = _officers(participants, scores, programme, ids)
    codes = [[_codes(officers, level.value) for level in a.levels] for a in ATTRIBUTES]
    costs = [[level.cost for level in attribute.levels] for attribute in ATTRIBUTES]
    found = settled(codes, costs, _codes(officers, pl.col("band")), protection)
    placed = officers.with_columns(
        pl.Series("class", found.classes),
        *(
            pl.Series(f"{attribute.name}_level", found.levels[:, place])
            for place, attribute in enumerate(ATTRIBUTES)
        ),
    ).filter(pl.col("class") != LEFT_OUT)
    answers = _answers(placed)
    weeks = _weeks(answers, participant_waves, protection)
    shown = _scores(answers, scores, weeks)
    return ResearchView(
        tables.RESEARCH_OFFICERS.conform(placed.select(_published())),
        tables.RESEARCH_SCORES.conform(shown),
        tables.RESEARCH_GENERALISED.conform(_written_down(found, weeks)),
        officers.height,
        _detail_kept(found),
    )


def assert_protected(
    officers: pl.DataFrame,
    scores: pl.DataFrame,
    programme: Programme,
    protection: Protection = PROTECTION,
) -> None:
    """Prove from what is published alone that no class breaks the promise; raises NotProtected.

    Looks at nothing that led to the view: neither levels nor classes of the search. The weeks of
    all waves together are part of what is said of an officer.
    """
    weeks = (
        scores.select("officer", "wave", "weeks_after_due")
        .unique()
        .sort("wave")
        .group_by("officer")
        .agg(_weeks_together("weeks_after_due"))
    )
    classes = (
        officers.join(published_bands(scores, programme), on="officer", how="left")
        .join(weeks, on="officer", how="left")
        .group_by([*(name for name in officers.columns if name != "officer"), "weeks_after_due"])
        .agg(pl.len(), bands=pl.col("band").drop_nulls().n_unique())
    )
    small = classes.filter(pl.col("len") < protection.alike).height
    uniform = classes.filter((pl.col("bands") > 0) & (pl.col("bands") < protection.bands)).height
    if small or uniform:
        raise NotProtected(
            f"the research view is not safe: {small} classes of fewer than {protection.alike}, "
            f"{uniform} with fewer than {protection.bands} bands; nothing was written"
        )


def last_bands(scores: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """participant_id, band and banded_wave: the last wave with a band of the protected subscale."""
    return (
        _with_band(scores, programme)
        .sort(pl.col("wave").cast(pl.Enum(programme.wave_names)))
        .group_by("participant_id")
        .agg(pl.col("band").last(), pl.col("wave").last().alias("banded_wave"))
    )


def published_bands(scores: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """Officer and band, the last in a `tables.RESEARCH_SCORES` frame, as a reader would find it."""
    # Of the last alone there is one and no occasion; elsewhere occasions are in the waves' order.
    return (
        _with_band(scores, programme)
        .sort("occasion")
        .group_by("officer")
        .agg(pl.col("band").last())
    )


def _with_band(scores: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    instrument, subscale = protected_subscale(programme)
    return scores.filter(
        (pl.col("instrument") == instrument)
        & (pl.col("subscale") == subscale)
        & pl.col("band").is_not_null()
    )


def _officers(
    participants: pl.DataFrame, scores: pl.DataFrame, programme: Programme, ids: pl.Series
) -> pl.DataFrame:
    """One row an officer: id, what a colleague can see, waves answered, and the last band.

    Columns beside those named: force (organisation and home force as one text), country, pattern
    (the waves as one text), last_wave (the last with a band, or the last answered if none has).
    """
    places = pl.Enum(programme.wave_names)
    answered = scores.group_by("participant_id").agg(
        pl.col("wave").cast(places).unique().sort().alias("waves")
    )
    banded = last_bands(scores, programme)
    known = programme.known_organisations
    countries = {
        force: known[force].country if force in known else None
        for force in participants["home_force"].unique()
    }
    return (
        participants.with_columns(
            ids.alias("officer"),
            _renamed("home_force", countries).alias("country"),
            pl.concat_str("organisation", "home_force", separator=_BETWEEN).alias("force"),
            pl.col("departure_kind").fill_null(STAYED).alias("departure"),
            pl.col("sessions_band").cast(pl.String),
        )
        .join(answered, on="participant_id", how="left", maintain_order="left")
        .join(banded, on="participant_id", how="left", maintain_order="left")
        .with_columns(pl.col("waves").cast(pl.List(pl.String)).fill_null([]))
        .with_columns(
            pl.col("waves").list.join(_BETWEEN).alias("pattern"),
            pl.coalesce("banded_wave", pl.col("waves").list.last()).alias("last_wave"),
        )
    )


def _codes(officers: pl.DataFrame, value: pl.Expr) -> Codes:
    """A whole number for each different value, in the order of the values, and 0 for NULL."""
    ranked = officers.with_columns(value.alias("value"))["value"].rank("dense")
    return np.asarray(ranked.cast(pl.Int64).fill_null(0).to_numpy(), np.int64)


def _level(name: str) -> pl.Expr:
    return pl.col(f"{name}_level")


def _published() -> list[pl.Expr]:
    """The columns of `tables.RESEARCH_OFFICERS` from officers with their levels."""
    plain = [
        _at_its_level(attribute).alias(attribute.name)
        for attribute in ATTRIBUTES
        if attribute.name not in {"force", "waves"}
    ]
    generalised = pl.concat_list(
        pl.when(_level(attribute.name) == place)
        .then(pl.lit([f"{attribute.name}: {level.called}"], pl.List(pl.String)))
        .otherwise(pl.lit([], pl.List(pl.String)))
        for attribute in ATTRIBUTES
        for place, level in enumerate(attribute.levels)
        if place
    )
    return [
        pl.col("officer"),
        *plain,
        pl.when(_level("force") <= 1).then("country").alias("country"),
        *(
            pl.when(_level("force") == 0).then(name).alias(name)
            for name in ("organisation", "home_force")
        ),
        pl.when(_level("waves") == 0).then("waves").alias("waves"),
        pl.when(_level("waves") <= 1).then(pl.col("waves").list.len()).alias("waves_answered"),
        (pl.col("waves").list.len() > 0).alias("answered"),
        generalised.alias("generalised"),
    ]


def _at_its_level(attribute: Attribute) -> pl.Expr:
    value = pl.lit(None, pl.String)
    for place, level in enumerate(attribute.levels):
        value = pl.when(_level(attribute.name) == place).then(level.value).otherwise(value)
    return value


def _answers(placed: pl.DataFrame) -> pl.DataFrame:
    """One row an officer and wave answered, with its place among the officer's waves, from 1."""
    return (
        placed.select(
            *("participant_id", "officer", "class", "band", "waves_level", "last_wave"),
            pl.col("waves").alias("wave"),
            pl.int_ranges(1, pl.col("waves").list.len() + 1).alias("occasion"),
        )
        .explode("wave", "occasion")
        .drop_nulls("wave")
    )


def _weeks(
    answers: pl.DataFrame, participant_waves: pl.DataFrame, protection: Protection
) -> pl.DataFrame:
    """Officer, wave and weeks_after_due of every answer whose wave is named; NULL if not given.

    A colleague may remember in which week somebody answered. So weeks are given for a class and
    wave where the officers of each week, and those whose week is not given, are protected as a
    class is; if those without a week are not, nobody of the class has one. Who remembers the weeks
    of several waves may know only one officer by all of them: where that could be, a class has the
    weeks of one wave, that with the most.
    """
    days = participant_waves.select("participant_id", "wave", "due_on", "completed_on")
    late = (pl.col("completed_on") - pl.col("due_on")).dt.total_days()
    of_each = (
        answers.filter(_level("waves") == 0)
        .join(days, on=["participant_id", "wave"], how="left")
        .with_columns(late.floordiv(7).cast(pl.Int32).alias("week"))
    )
    given = _where_protected(of_each, ["class", "wave", "week"], protection).with_columns(
        pl.when("protected").then("week").alias("week")
    )
    whole = _where_protected(given, ["class", "wave", "week"], protection).with_columns(
        pl.col("protected").all().over("class", "wave").alias("whole")
    )
    shown = whole.with_columns(pl.when("whole").then("week").alias("week"))
    together = _where_protected(
        shown.sort("wave").group_by("officer", "class", "band").agg(_weeks_together("week")),
        ["class", "week"],
        protection,
    )
    safe = together.group_by("class").agg(pl.col("protected").all().alias("safe together"))
    most = (
        shown.group_by("class", "wave")
        .agg(pl.col("week").count().alias("n"))
        .sort("class", "n", "wave", descending=[False, True, False])
        .unique("class", keep="first", maintain_order=True)
        .select("class", "wave", pl.lit(True).alias("most"))
    )
    return (
        shown.join(safe, on="class", how="left")
        .join(most, on=["class", "wave"], how="left")
        .select(
            *("officer", "wave"),
            pl.when(pl.col("safe together") | pl.col("most").fill_null(False))
            .then("week")
            .alias("weeks_after_due"),
        )
    )


def _weeks_together(column: str) -> pl.Expr:
    """One text for the weeks of all waves of an officer, in the order of the rows."""
    return pl.col(column).cast(pl.String).fill_null("-").str.join(" ")


def _where_protected(
    rows: pl.DataFrame, group: Sequence[str], protection: Protection
) -> pl.DataFrame:
    """Rows with a column `protected`: whether the officers of the row's group are."""
    bands = pl.col("band").drop_nulls().n_unique()
    various = (bands >= protection.bands) | (bands == 0)
    groups = rows.group_by(group).agg(((pl.len() >= protection.alike) & various).alias("protected"))
    return rows.drop("protected", strict=False).join(
        groups, on=list(group), how="left", nulls_equal=True
    )


def _scores(answers: pl.DataFrame, scores: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tables.RESEARCH_SCORES`: no more of waves than the officer's row says."""
    named, alone = _level("waves") == 0, _level("waves") == 2
    shown = answers.filter(~alone | (pl.col("wave") == pl.col("last_wave")))
    return (
        scores.join(
            shown.join(weeks, on=["officer", "wave"], how="left").select(
                *("participant_id", "officer", "wave", "weeks_after_due"),
                pl.when(named).then("wave").alias("named_wave"),
                pl.when(~alone).then("occasion").alias("occasion"),
            ),
            on=["participant_id", "wave"],
        )
        .drop("wave")
        .rename({"named_wave": "wave"})
    )


def _written_down(found: Settled, weeks: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tables.RESEARCH_GENERALISED`."""
    officers, left_out = len(found.classes), found.classes == LEFT_OUT
    given = int((~left_out).sum())
    rows = [
        (attribute, level, CoarserBecause.ALWAYS, given, officers) for attribute, level in _ALWAYS
    ]
    for reason, because in (
        (CoarserBecause.TOO_FEW, ~found.had_company),
        (CoarserBecause.ONE_BAND, found.had_company),
    ):
        rows += [
            (
                attribute.name,
                level.called,
                reason,
                int((because & ~left_out & (found.levels[:, column] == place)).sum()),
                officers,
            )
            for column, attribute in enumerate(ATTRIBUTES)
            for place, level in enumerate(attribute.levels)
            if place
        ]
        rows.append(("row", "left out", reason, int((because & left_out).sum()), officers))
    without = weeks["weeks_after_due"].null_count()
    rows.append(("weeks_after_due", NOT_GIVEN, CoarserBecause.WEEK_ALONE, without, weeks.height))
    return pl.DataFrame(
        [
            {
                "attribute": attribute,
                "level": level,
                "reason": reason.value,
                "rows_affected": n,
                "share": n / of,
            }
            for attribute, level, reason, n, of in rows
            if n
        ],
        schema=tables.RESEARCH_GENERALISED.frame_schema,
    )


_ALWAYS: Final = (
    ("sessions_attended", "bands"),
    ("completed_on", "weeks from the day due, at most"),
    *(
        (column, "left out")
        for column in (
            "participant_id",
            "unit",
            "session_group",
            "facilitator",
            "cohort",
            "enrolled_on",
            "departed_on",
            "dropout_stage",
            "items",
        )
    ),
)
"""What no view holds. The dropout stage follows from single sessions; answers to single items are
not needed for scores."""


def _detail_kept(found: Settled) -> float:
    if not len(found.classes):
        return 1.0
    costs = np.zeros(len(found.classes))
    for column, attribute in enumerate(ATTRIBUTES):
        costs += np.array([level.cost for level in attribute.levels])[found.levels[:, column]]
    costs[found.classes == LEFT_OUT] = HIGHEST_COST
    return float(1 - costs.mean() / HIGHEST_COST)

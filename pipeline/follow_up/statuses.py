"""What became of every wave of every enrolled officer: exactly one status each.

What belongs here: METHODS' order of precedence, from completed down to missed.
What stays out: when a wave is due (`calendar.py`), and what the statuses add up to.
"""

from datetime import date
from typing import Final

import polars as pl

from pipeline.follow_up.frames import last_of_each
from pipeline.programme import Programme
from pipeline.vocabulary import DepartureKind, WaveStatus

START_UNKNOWN: Final = "cohort start unknown"

ANSWERED: Final = (
    WaveStatus.COMPLETED.value,
    WaveStatus.COMPLETED_OUT_OF_WINDOW.value,
    WaveStatus.PARTIAL.value,
)
STATUS: Final = pl.Enum([status.value for status in WaveStatus])
"""How frames of millions of rows hold a status; codes are places in `WaveStatus`."""
SCORABLE: Final = (WaveStatus.COMPLETED.value, WaveStatus.COMPLETED_OUT_OF_WINDOW.value)


def participant_waves(
    due: pl.DataFrame,
    responses: pl.DataFrame,
    scores: pl.DataFrame,
    departed: pl.DataFrame,
    attendance: pl.DataFrame,
    *,
    programme: Programme,
    as_of: date,
) -> pl.DataFrame:
    """One row for each row of `due` (`calendar.due_dates`), as `core.participant_waves` has it.

    `responses` (`RESPONSES_SCHEMA`) and `attendance` (one row a session) hold nothing later than
    `as_of`; `departed` is `people.first_departures`; `scores` is `core.scores`. The first that
    applies is the status:

    1. a response, of the primary instrument or else the first of the programme's that has one:
       `partial` if no subscale of it could be scored; otherwise `completed_out_of_window` if its
       day lies outside the window, `completed` if it lies inside or either is unknown;
    2. gone by the last day of the window: `withdrawn` or `left_organisation`. A window without
       dates is not known to have closed before they went;
    3. the organisation does not hold the wave: `not_scheduled`;
    4. by the window: `not_yet_due` (also without dates, with that reason); `open` until its last
       day, or the last of the days of grace after it; `missed`.
    """
    waves = (
        due.join(
            _responses_that_count(responses, scores, programme),
            on=["participant_id", "wave"],
            how="left",
            maintain_order="left",
        )
        .join(departed, on="participant_id", how="left", maintain_order="left")
        .pipe(_with_not_held, programme)
        .with_columns(_status(as_of).alias("status"))
    )
    return (
        waves.join(
            _last_reasons(waves, attendance),
            on=["participant_id", "wave"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.when(pl.col("status") == WaveStatus.NOT_YET_DUE.value, pl.col("due_on").is_null())
            .then(pl.lit(START_UNKNOWN))
            .otherwise("absence_reason")
            .alias("reason")
        )
        .drop("absence_reason", "scorable", "departed_on", "departure_kind", "not_held")
    )


def _with_not_held(waves: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """`waves` with not_held: true where the organisation leaves the wave out."""
    not_held = pl.DataFrame(
        [(name, wave.wave) for wave in programme.waves for name in set(wave.not_held_by)],
        schema={"organisation": pl.String, "wave": waves.schema["wave"]},
        orient="row",
    ).with_columns(not_held=True)
    if not_held.is_empty():
        return waves.with_columns(not_held=False)
    return waves.join(not_held, on=["organisation", "wave"], how="left", maintain_order="left")


def _responses_that_count(
    responses: pl.DataFrame, scores: pl.DataFrame, programme: Programme
) -> pl.DataFrame:
    """One row for each participant and wave answered: response_id, completed_on, scorable."""
    preferred = dict.fromkeys((programme.primary.instrument, *programme.instruments))
    last_is_best = {name: -place for place, name in enumerate(preferred)}
    scored = scores.filter(pl.col("raw_score").is_not_null())["response_id"]
    # A response's scores stand together: a third of the million names is enough to look among.
    scorable = scored.filter(scored.ne_missing(scored.shift()))
    counting = last_of_each(
        responses.select(
            "participant_id",
            # A wave that the programme has no more is due to nobody.
            pl.col("wave").cast(pl.Enum(programme.wave_names), strict=False),
            "response_id",
            "completed_on",
            pl.col("instrument")
            .replace_strict(last_is_best, default=-len(preferred), return_dtype=pl.Int32)
            .alias("place"),
        ),
        ("participant_id", "wave"),
        ("place", "response_id"),
    )
    return counting.select(
        "participant_id",
        "wave",
        "response_id",
        "completed_on",
        pl.col("response_id").is_in(scorable.implode()).alias("scorable"),
    )


def _status(as_of: date) -> pl.Expr:
    opens, closes = pl.col("window_opens_on"), pl.col("window_closes_on")
    completed, departed = pl.col("completed_on"), pl.col("departed_on")
    outside = ((completed < opens) | (completed > closes)).fill_null(False)
    gone = departed.is_not_null() & (departed <= closes).fill_null(True)
    left = pl.col("departure_kind") == DepartureKind.LEFT_ORGANISATION.value

    def is_(status: WaveStatus) -> pl.Expr:
        return pl.lit(status.value, STATUS)

    return (
        pl.when(pl.col("response_id").is_not_null())
        .then(
            pl.when(~pl.col("scorable"))
            .then(is_(WaveStatus.PARTIAL))
            .when(outside)
            .then(is_(WaveStatus.COMPLETED_OUT_OF_WINDOW))
            .otherwise(is_(WaveStatus.COMPLETED))
        )
        .when(gone)
        .then(
            pl.when(left)
            .then(is_(WaveStatus.LEFT_ORGANISATION))
            .otherwise(is_(WaveStatus.WITHDRAWN))
        )
        .when(pl.col("not_held").fill_null(False))
        .then(is_(WaveStatus.NOT_SCHEDULED))
        .when(opens.is_null() | (opens > as_of))
        .then(is_(WaveStatus.NOT_YET_DUE))
        .when(pl.col("missed_after") >= as_of)
        .then(is_(WaveStatus.OPEN))
        .otherwise(is_(WaveStatus.MISSED))
    )


def _last_reasons(waves: pl.DataFrame, attendance: pl.DataFrame) -> pl.DataFrame:
    """The absence reason that stood when a window closed, for waves missed or open.

    It is the officer's latest reason up to the last day of the window, unless they have come to a
    session since: one who was ill in spring and back in summer did not miss the autumn for that.
    """
    # Hardly anybody ever gave a reason, and of the others there is nothing to tell.
    gave = attendance.filter(pl.col("absence_reason").is_not_null()).select("participant_id")
    wanting = (
        waves.filter(pl.col("status").is_in([WaveStatus.MISSED.value, WaveStatus.OPEN.value]))
        .join(gave, on="participant_id", how="semi")
        .select("participant_id", "wave", "window_closes_on")
    )
    told = (
        attendance.join(gave, on="participant_id", how="semi")
        .filter(
            pl.col("held_on").is_not_null(),
            pl.col("attended").fill_null(False) | pl.col("absence_reason").is_not_null(),
        )
        .select(
            "participant_id",
            "held_on",
            "session_number",
            pl.when(~pl.col("attended").fill_null(False))
            .then("absence_reason")
            .alias("absence_reason"),
        )
    )
    return (
        wanting.sort("window_closes_on")
        .join_asof(
            told.sort("held_on", "session_number").drop("session_number"),
            left_on="window_closes_on",
            right_on="held_on",
            by="participant_id",
            strategy="backward",
            check_sortedness=False,  # both are sorted; polars cannot tell within groups
        )
        .select("participant_id", "wave", "absence_reason")
    )

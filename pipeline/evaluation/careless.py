"""Signs that answers were given without care: flags, never a reason to drop anybody.

What belongs here: the signs with their thresholds, how often they occur, and whether the primary
change depends on those who bear one. What stays out: the two signs that row rules know already
(`pipeline/quality/rules.py`), which stand in `flags`.

- `straight_lining` and `answered_too_fast`: as the row rules say (J. A. Johnson 2005, Journal of
  Research in Personality 39; J. L. Huang et al. 2012, Journal of Business and Psychology 27: two
  seconds an item).
- `little_variation`: the SD of all answers of one response, as given, is below a tenth of the range
  of answers (individual response variability: A. M. Dunn et al. 2018, Journal of Business and
  Psychology 33). No threshold is in general use; this one is 0.4 for answers 1 to 5. It is asked
  only of instruments of ten items or more with items that point either way, since without such
  items an attentive officer may answer all of them alike.
- `contradictory`: in a subscale with two ordinary items and two reversed ones or more, the means of
  the two kinds, after reversal, lie half the range of answers apart or more (two points for answers
  1 to 5): agreement to a statement and to its contrary. No threshold is in general use here either.

Signs are confounded with severity: who is exhausted or has no symptom at all may answer alike
throughout. They say how fragile a figure is, not who is to be left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline import tables
from pipeline.evaluation.answers import UNANSWERED, InstrumentAnswers
from pipeline.evaluation.cells import ALL, Moments, as_total, cell_interval, cells_of, joined_notes
from pipeline.evaluation.named_beforehand import named_arm
from pipeline.evaluation.panel import MOMENTS, Figures, Key, Panel, cluster_sums, moments
from pipeline.programme import Programme
from pipeline.quality.rules import SHORTEST_INSTRUMENT_FOR_RUNS
from pipeline.reference import Instrument
from pipeline.vocabulary import Careless

SD_PARTS_OF_RANGE: Final = 10
"""An SD below this part of the range of answers is little variation."""
GAP_PARTS_OF_RANGE: Final = 2
"""Two means this part of the range apart are a contradiction."""
FEWEST_OF_A_KIND: Final = 2
"""Ordinary and reversed items that a subscale needs for a contradiction."""

_WHY_NOT: Final = {
    Careless.STRAIGHT_LINING: "the instrument has fewer than ten items",
    Careless.ANSWERED_TOO_FAST: "no time taken is recorded",
    Careless.LITTLE_VARIATION: "the instrument has fewer than ten items, or none that point the "
    "other way",
    Careless.CONTRADICTORY: "no subscale with two ordinary and two reversed items is answered in "
    "full",
    Careless.ANY: "none of the signs can be judged",
}
NOTE_NOBODY: Final = "nobody is left who answered both waves"

_SIGNS: Final = tuple(sign for sign in Careless if sign != Careless.ANY)
SIGNS: Final = pl.Schema({"response_id": pl.Int64(), "sign": pl.String()})
"""Responses that bear a sign, a row a sign, in no order that means anything."""

NOBODY: Final = "none"
"""Stands in `left_out` for nobody."""


def with_signs(answers: InstrumentAnswers) -> pl.DataFrame:
    """organisation, wave and response_id of each response, and a truth for every sign and for any.

    NULL where a sign cannot be judged, and for any where none can. `answers.about` needs
    response_id, flags and duration_seconds.
    """
    judged = {
        Careless.STRAIGHT_LINING: pl.lit(_long_enough(answers.instrument)),
        Careless.ANSWERED_TOO_FAST: pl.col("duration_seconds").is_not_null(),
    }
    by_rules = [
        pl.when(when).then(pl.col("flags").list.contains(sign).fill_null(False)).alias(sign)
        for sign, when in judged.items()
    ]
    return (
        answers.about.with_columns(
            *by_rules,
            _little_variation(answers).alias(Careless.LITTLE_VARIATION),
            _contradictory(answers).alias(Careless.CONTRADICTORY),
        )
        .with_columns(
            pl.when(pl.any_horizontal(pl.col(_SIGNS).is_not_null()))
            .then(pl.any_horizontal(_SIGNS).fill_null(False))
            .alias(Careless.ANY)
        )
        .select("organisation", "wave", "response_id", *Careless)
    )


def bearers(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The responses that bear a sign, of `SIGNS`, from frames of `with_signs`."""
    rows = [
        frame.filter(pl.col(sign).fill_null(False)).select(
            "response_id", pl.lit(sign.value).alias("sign")
        )
        for frame in found
        for sign in Careless
    ]
    return pl.concat([SIGNS.to_frame(), *rows])


def response_quality(found: Mapping[str, pl.DataFrame], programme: Programme) -> pl.DataFrame:
    """The rows of `tables.RESPONSE_QUALITY` from frames of `with_signs`, by instrument."""
    rows = [
        row
        for instrument, frame in found.items()
        for row in _counts(frame, programme.instrument(instrument))
    ]
    rows.sort(key=lambda row: (row["organisation"] == ALL, row["organisation"]))
    return pl.DataFrame(rows, schema=tables.RESPONSE_QUALITY.frame_schema)


def change_without_careless(
    of_officers: Panel,
    scores: pl.DataFrame,
    participants: pl.DataFrame,
    signs: pl.DataFrame,
    programme: Programme,
    *,
    quality: pl.DataFrame,
) -> pl.DataFrame:
    """The rows of `tables.CHANGE_WITHOUT_CARELESS`: the primary contrast over all organisations.

    Of the arm that it speaks of; see `named_beforehand.py`.
    With everybody, without those who bear one sign at either wave, without those who bear any.
    `signs` are rows of `bearers`, `quality` is a `tables.RESPONSE_QUALITY` frame of the same
    answers. Without a sign that could be judged of no response at these waves there is no figure:
    it would be that of everybody. The interval is that of `cells.cell_interval`.
    """
    primary = programme.primary
    series, waves = (primary.instrument, primary.subscale), (primary.from_wave, primary.to_wave)
    if series not in of_officers.scores:
        return tables.CHANGE_WITHOUT_CARELESS.empty()
    arm = named_arm(programme)
    change = of_officers.change(series, *waves)
    if arm != ALL:
        change = change.set(of_officers.officers["arm"] != arm, None)
    answered = scores.filter(
        pl.col("instrument") == primary.instrument,
        pl.col("subscale") == primary.subscale,
        pl.col("wave").is_in(waves),
    ).select("response_id", "participant_id")
    values: dict[Key, Figures] = {(NOBODY,): moments(change)}
    for sign in Careless:
        bearing = signs.filter(pl.col("sign") == sign)
        officers = answered.join(bearing, on="response_id", how="semi")["participant_id"]
        bears = participants["participant_id"].is_in(officers.unique().implode())
        values[sign.value,] = moments(change.set(bears, None))
    sums = cluster_sums(of_officers.officers, values, ("left_out",))
    national = {
        cell["left_out"]: cell
        for cell in cells_of(sums, ("left_out",), MOMENTS, "total", each_arm=False)
        if cell["organisation"] == ALL
    }
    everybody = len(change) - change.null_count()
    judged = _judged(quality, primary.instrument, waves) | {NOBODY}
    rows = [
        {
            "arm": arm,
            **primary.model_dump(),
            "left_out": left_out,
            **(
                _row(national.get(left_out), everybody)
                if left_out in judged
                else {"note": _WHY_NOT[Careless(left_out)]}
            ),
        }
        for (left_out,) in values
    ]
    return pl.DataFrame(rows, schema=tables.CHANGE_WITHOUT_CARELESS.frame_schema)


def _judged(quality: pl.DataFrame, instrument: str, waves: Sequence[str]) -> set[str]:
    """The signs that could be judged of any response to the instrument at these waves."""
    judged = quality.filter(
        pl.col("organisation") == ALL,
        pl.col("instrument") == instrument,
        pl.col("wave").is_in(waves),
        pl.col("n_judged") > 0,
    )
    return set(judged["flag"])


def _row(cell: Mapping[str, Any] | None, everybody: int) -> dict[str, Any]:
    if cell is None:
        return {"n": 0, "n_left_out": everybody, "note": NOTE_NOBODY}
    change = Moments(cell["n"], cell["total"], cell["squares"])
    interval = cell_interval(cell, change)
    return {
        "n": change.n,
        "n_left_out": everybody - change.n,
        "mean_change": change.mean,
        **interval.columns,
        "note": joined_notes(interval.notes),
    }


def _counts(frame: pl.DataFrame, instrument: Instrument) -> Iterator[dict[str, Any]]:
    sums = [
        figure.alias(f"{sign} {name}")
        for sign in Careless
        for name, figure in (("n", pl.col(sign).sum()), ("judged", pl.col(sign).count()))
    ]
    place = ["organisation", "wave"]
    within = frame.group_by(place).agg(pl.len().alias("responses"), *sums)
    counted = (
        pl.concat([within, as_total(within, "organisation")])
        .group_by(place)
        .agg(pl.exclude(place).sum())
        .sort(place)
    )
    for row in counted.iter_rows(named=True):
        for sign in Careless:
            judged = row[f"{sign} judged"]
            yield {
                "organisation": row["organisation"],
                "wave": row["wave"],
                "instrument": instrument.instrument,
                "flag": sign,
                "n": row[f"{sign} n"] if judged else None,
                "n_judged": judged,
                "note": None if judged else _WHY_NOT[sign],
            }


def _long_enough(instrument: Instrument) -> bool:
    return instrument.items >= SHORTEST_INSTRUMENT_FOR_RUNS


def _points_either_way(instrument: Instrument) -> bool:
    return bool(instrument.reversed) or len({each.better for each in instrument.subscales}) > 1


def _little_variation(answers: InstrumentAnswers) -> pl.Series:
    """Whether the SD (n - 1) over the items of a response is small, in whole numbers throughout."""
    instrument = answers.instrument
    responses = answers.given.shape[1]
    if not (_long_enough(instrument) and _points_either_way(instrument)):
        return pl.repeat(None, responses, dtype=pl.Boolean, eager=True)
    n, total, squares = np.zeros((3, responses), dtype=np.int32)
    for of_item in answers.given:
        answered = of_item != UNANSWERED
        known = (of_item * answered).astype(np.int32)
        n += answered
        total += known
        squares += known**2
    scatter = n * squares - total**2
    highest = (instrument.maximum - instrument.minimum) ** 2 * n * (n - 1)
    little = SD_PARTS_OF_RANGE**2 * scatter < highest
    return pl.Series(little).set(pl.Series(n < 2), None)


def _contradictory(answers: InstrumentAnswers) -> pl.Series:
    """Whether ordinary and reversed items lie far apart in any subscale answered in full."""
    responses = answers.given.shape[1]
    judged, contradictory = np.zeros((2, responses), dtype=bool)
    span = answers.instrument.maximum - answers.instrument.minimum
    for subscale in answers.instrument.subscales:
        reverse = [item for item in subscale.items if item in answers.instrument.reversed]
        ordinary = [item for item in subscale.items if item not in reverse]
        if min(len(reverse), len(ordinary)) < FEWEST_OF_A_KIND:
            continue
        complete = answers.complete(subscale.items)
        apart = np.abs(
            _sum(answers, ordinary) * len(reverse) - _sum(answers, reverse) * len(ordinary)
        )
        far = GAP_PARTS_OF_RANGE * apart >= span * len(reverse) * len(ordinary)
        judged |= complete
        contradictory |= complete & far
    return pl.Series(contradictory).set(pl.Series(~judged), None)


def _sum(answers: InstrumentAnswers, items: Sequence[int]) -> npt.NDArray[np.int32]:
    """Sum of some items after reversal, of no meaning where one of them is unanswered."""
    total = np.zeros(answers.given.shape[1], dtype=np.int32)
    for item in items:
        total += answers.keyed(item)
    return total

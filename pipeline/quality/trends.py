"""How a submission differs from what its organisation sent before.

What belongs here: comparing measures, columns and answers with those of earlier files. What stays
out: counting (`profile.py`), and from where on a difference matters (`checks/contracts/`). Of
answers only counts are compared; nobody's answers are known here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.programme import Thresholds
from pipeline.vocabulary import Delivery

TRENDS = pl.Schema(
    {
        "share_of_previous_rows": pl.Float64(),
        "rise_in_quarantined": pl.Float64(),
        "rise_in_unlinked": pl.Float64(),
        "columns_appeared": pl.Float64(),
        "columns_vanished": pl.Float64(),
        "item_shift": pl.Float64(),
    }
)
"""Measures that compare; NULL where there is nothing to compare with."""

FEWEST_COMPARED: Final = 30
"""Answers to an item, before and now: the means of fewer differ by chance alone."""

_LEAST_SPREAD: Final = 0.25
"""Of answers, in points: an item that everybody answered alike has no spread to measure by."""

Moments = npt.NDArray[np.float64]
"""Items by three: how many answered, the sum of answers, the sum of their squares. Arrays are of
one length, whatever the instrument: nobody answered the items that it has not."""


@dataclass(slots=True)
class _Source:
    """What is known of one source, and one instrument of it, from its sound files so far."""

    rows: int | None = None
    quarantined: float | None = None
    unlinked: float | None = None
    columns: frozenset[str] | None = None
    answers: dict[str, Moments] = field(default_factory=dict)
    """By wave: of the newest file if each holds everything, else of all of them."""


def trends(
    measured: pl.DataFrame,
    profiles: pl.DataFrame,
    waves: Sequence[str],
    thresholds: Thresholds | None,
    ruled: Mapping[str, bool],
) -> pl.DataFrame:
    """TRENDS for each row of `measured`, in its order.

    A file is compared with the last sound one of its source; its answers with those of every sound
    file that the organisation sent before, at the same wave or an earlier one. A file that is held
    for its trend or its quarantine is no measure for the next one: an export that broke and comes
    every night would be accepted on the second. What a steward accepted is one, whatever the
    thresholds say, and what a steward returned is none.

    Args:
        measured: submission_id, organisation, source, delivery, instrument, read, columns (a list
            of what its columns beside the mapping's are known by, null if that is not known),
            share_quarantined and share_unlinked, in the order of arrival.
        profiles: PROFILE with submission_id.
        waves: the programme's, in order.
        thresholds: beyond which a file is no measure; without them every file is.
        ruled: what stewards decided of whole submissions, true if they accepted one.

    """
    answers = moments_by_submission(profiles)
    sources: dict[tuple[str, str, str | None], _Source] = {}
    compared = []
    for row in measured.iter_rows(named=True):
        organisation, instrument = row["organisation"], row["instrument"]
        before = sources.setdefault((organisation, row["source"], instrument), _Source())
        own = answers.get((row["submission_id"], instrument), {})
        earlier = [
            source.answers
            for (of, _, about), source in sources.items()
            if of == organisation and about == instrument
        ]
        found = _compared(row, before)
        found["item_shift"] = item_shift(own, earlier, waves)
        compared.append(found)
        if ruled.get(row["submission_id"], _is_sound(row, found, thresholds)):
            _take_up(before, row, own)
    return pl.DataFrame(compared, schema=TRENDS, orient="row")


def _compared(row: dict[str, Any], before: _Source) -> dict[str, float | None]:
    is_cumulative = row["delivery"] == Delivery.CUMULATIVE
    columns = None if row["columns"] is None else frozenset(row["columns"])
    appeared = vanished = None
    if columns is not None and before.columns is not None:
        appeared = float(len(columns - before.columns))
        vanished = float(len(before.columns - columns))
    return {
        "share_of_previous_rows": (
            row["read"] / before.rows if is_cumulative and before.rows else None
        ),
        "rise_in_quarantined": _rise(row["share_quarantined"], before.quarantined),
        "rise_in_unlinked": _rise(row["share_unlinked"], before.unlinked),
        "columns_appeared": appeared,
        "columns_vanished": vanished,
    }


def _rise(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _is_sound(
    row: dict[str, Any], found: dict[str, float | None], thresholds: Thresholds | None
) -> bool:
    if thresholds is None:
        return True
    share, shift = found["share_of_previous_rows"], found["item_shift"]
    return (
        (share is None or share >= thresholds.rows_of_previous_hold)
        and (row["share_quarantined"] or 0) <= thresholds.quarantined_hold
        and (shift is None or shift <= thresholds.items_shifted_hold)
    )


def _take_up(source: _Source, row: dict[str, Any], own: dict[str, Moments]) -> None:
    source.rows = row["read"]
    source.quarantined, source.unlinked = row["share_quarantined"], row["share_unlinked"]
    if row["columns"] is not None:
        source.columns = frozenset(row["columns"])
    if row["delivery"] == Delivery.CUMULATIVE:
        source.answers = own
    else:
        source.answers = _added([source.answers, own])


def moments_by_submission(
    profiles: pl.DataFrame,
) -> dict[tuple[str, str | None], dict[str, Moments]]:
    """Moments of the answers by submission and instrument, then by wave."""
    said = pl.col("name").str.split_exact(" ", 1)
    counted = (
        profiles.filter(pl.col("measure") == "answer")
        .with_columns(
            said.struct[0].alias("wave"),
            said.struct[1].str.strip_prefix("item_").cast(pl.Int64, strict=False).alias("item"),
        )
        # Profiles of before waves were told apart name the item alone.
        .drop_nulls("item")
        .group_by(*_WAVE, "item")
        .agg(
            pl.col("n").sum(),
            (pl.col("n") * pl.col("value")).sum().alias("sum"),
            (pl.col("n") * pl.col("value") ** 2).sum().alias("squares"),
        )
    )
    if counted.is_empty():
        return {}
    waves = counted.select(_WAVE).unique(maintain_order=True).with_row_index("place")
    placed = counted.join(waves, on=_WAVE, nulls_equal=True)
    # One array for all, since a frame for each wave of each file takes longer than all else.
    items = placed["item"].to_numpy()
    moments = np.zeros((waves.height, items.max(), 3))
    moments[placed["place"].to_numpy(), items - 1] = placed.select("n", "sum", "squares").to_numpy()
    found: dict[tuple[str, str | None], dict[str, Moments]] = {}
    for place, submission_id, instrument, wave in waves.iter_rows():
        found.setdefault((submission_id, instrument), {})[wave] = moments[place]
    return found


_WAVE = ("submission_id", "instrument", "wave")


def item_shift(
    own: Mapping[str, Moments], earlier: Iterable[Mapping[str, Moments]], waves: Sequence[str]
) -> float | None:
    """How far the means of the items lie from what the organisation answered before.

    Of each wave that a file holds: the root mean square over items of the standardised difference
    between its answers and those of earlier files at that wave or before; where there are none, its
    own at earlier waves. What chance alone would give, 1/n + 1/m, is taken off. The largest over
    waves; None where fewer than FEWEST_COMPARED answers stand on either side.
    """
    before = _added(earlier)
    shifts = []
    for place, wave in enumerate(waves):
        if wave not in own:
            continue
        reference = _summed([before[w] for w in waves[: place + 1] if w in before])
        if reference is None:
            reference = _summed([own[w] for w in waves[:place] if w in own])
        if reference is not None:
            shifts.append(_shift(own[wave], reference))
    return max((shift for shift in shifts if shift is not None), default=None)


def _shift(own: Moments, reference: Moments) -> float | None:
    enough = (own[:, 0] >= FEWEST_COMPARED) & (reference[:, 0] >= FEWEST_COMPARED)
    if not enough.any():
        return None
    (n, total, squares), (m, total_before, squares_before) = own[enough].T, reference[enough].T
    mean, mean_before = total / n, total_before / m
    within = squares - n * mean**2 + squares_before - m * mean_before**2
    spread = np.maximum(np.sqrt(np.maximum(within, 0) / (n + m - 2)), _LEAST_SPREAD)
    by_chance = 1 / n + 1 / m
    return float(np.sqrt(max(np.mean(((mean - mean_before) / spread) ** 2 - by_chance), 0.0)))


def _added(parts: Iterable[Mapping[str, Moments]]) -> dict[str, Moments]:
    """Moments of the same waves added up."""
    made: dict[str, Moments] = {}
    for part in parts:
        for wave, of_wave in part.items():
            made[wave] = made[wave] + of_wave if wave in made else of_wave
    return made


def _summed(parts: Sequence[Moments]) -> Moments | None:
    return np.sum(parts, axis=0) if parts else None

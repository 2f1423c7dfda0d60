"""How many were still taking part after each wave, and whether organisations differ in it.

What belongs here: counts by time, and the notes that say why a figure is missing. What stays out:
formulas (`survival.py`), and what counts as dropping out (`taking_part.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, zip_longest
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import (
    ALL,
    as_part,
    as_total,
    by_denominator,
    came_twice,
    joined_notes,
)
from pipeline.evaluation.survival import Share, aalen_johansen, kaplan_meier, log_rank
from pipeline.programme import Programme
from pipeline.vocabulary import Denominator, Ending

NOTE_NOBODY: Final = "nobody came as far as this"
NOTE_UNDECIDED: Final = "nobody who came as far as this is at risk: what came next is not known"
NOTE_NOBODY_COUNTED: Final = "nobody is known to have attended two sessions"
NOTE_ALL_WENT: Final = "nobody was left: no standard error"
NOTE_AT_THE_EDGE: Final = "a share of 0 or 1 has no interval"
NOTE_ONE_GROUP: Final = "fewer than two organisations with officers: nothing to compare"
NOTE_NO_TEST: Final = "no dropout while officers of two organisations were at risk: no test"
NOTE_APART: Final = "some organisations were never at risk beside others: fewer degrees of freedom"

Curve = tuple[tuple[str, str, str], Mapping[Ending, Sequence[int]]]
"""Organisation, arm and denominator; how many ended in each way at each time from 0."""


def retention(officers: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.RETENTION` from a frame of `taking_part`.

    Times 0 to the number of waves, for each organisation and arm with somebody enrolled, their
    totals, and both denominators; whoever's sessions are not known is in the first only. `retained`
    is Kaplan-Meier with either event; dropped_out and
    left_organisation are Aalen-Johansen; see `survival.py`. A figure that cannot be had is NULL and
    the note says why.

    An event at a time is that the next wave held was not answered. Who came as far and of whom that
    is not known could not have had it, so they leave before the events of that time: as survfit in
    R has it, they are censored half a step earlier. Hence
    n_at_risk(t + 1) = n_at_risk(t) - n_left(t) - n_censored(t + 1); at time 0, n_at_risk and
    n_censored add up to all who are counted; after the last wave nothing is left to know, and
    n_at_risk are those who answered it.
    """
    curves = _curves(officers)
    rows = [row for curve in _as_counts(curves, programme) for row in _rows(curve, programme)]
    return pl.DataFrame(rows, schema=tables.RETENTION.frame_schema)


def retention_comparison(officers: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    """The rows of `tables.RETENTION_COMPARISON` from a frame of `taking_part`.

    The log-rank test of `survival.log_rank` on dropping out, over the organisations with officers
    in the arm and denominator. Whoever left the organisation is censored after the events of that
    time; of whom the next wave is not decided, before them, as in `retention`.
    """
    curves = _curves(officers)
    groups: dict[tuple[str, str], list[Mapping[Ending, Sequence[int]]]] = {}
    for (organisation, arm, denominator), ended in _as_counts(curves, programme):
        compared = groups.setdefault((arm, denominator), [])
        if organisation != ALL and any(map(any, ended.values())):
            compared.append(ended)
    rows = [
        {"arm": arm, "denominator": denominator, **_comparison(compared)}
        for (arm, denominator), compared in groups.items()
    ]
    return (
        pl.DataFrame(rows, schema=tables.RETENTION_COMPARISON.frame_schema)
        .with_columns(is_total=pl.col("arm") == ALL)
        .sort("is_total", "arm", "denominator")
        .drop("is_total")
    )


def _curves(officers: pl.DataFrame) -> pl.DataFrame:
    """Number of officers by organisation, arm, denominator, time and ending, in order."""
    counted = (
        officers.select(
            *(as_part(officers, name) for name in ("organisation", "arm")),
            "time",
            "ending",
            came_twice(),
        )
        .group_by(pl.all())
        .len("n")
    )
    parts = by_denominator(counted)
    over_arms = pl.concat([parts, as_total(parts, "arm")])
    key = ["organisation", "arm", "denominator", "time", "ending"]
    return (
        pl.concat([over_arms, as_total(over_arms, "organisation")])
        .group_by(key)
        .agg(pl.col("n").sum())
        .sort(key)
    )


def _as_counts(curves: pl.DataFrame, programme: Programme) -> Iterator[Curve]:
    """Each organisation and arm that occurs, under both denominators."""
    times = len(programme.wave_names) + 1
    counts: dict[tuple[str, str, str], dict[Ending, list[int]]] = {}
    for organisation, arm in (
        curves.select("organisation", "arm").unique(maintain_order=True).rows()
    ):
        for denominator in Denominator:
            counts[organisation, arm, denominator] = {ending: [0] * times for ending in Ending}
    for organisation, arm, denominator, time, ending, n in curves.iter_rows():
        counts[organisation, arm, denominator][Ending(ending)][time] = n
    yield from counts.items()


def _at_risk(ended: Mapping[Ending, Sequence[int]]) -> list[int]:
    """Those who came as far as each time and did not leave before its events."""
    at_each_time = [sum(counts) for counts in zip(*ended.values(), strict=True)]
    came = list(accumulate(reversed(at_each_time)))[::-1]
    return [n - censored for n, censored in zip(came, _censored(ended), strict=True)]


def _censored(ended: Mapping[Ending, Sequence[int]]) -> list[int]:
    """Those who leave before the events of each time; after the last wave nobody need."""
    return [*ended[Ending.CENSORED][:-1], 0]


def _rows(curve: Curve, programme: Programme) -> Iterator[dict[str, Any]]:
    (organisation, arm, denominator), ended = curve
    at_risk, censored = _at_risk(ended), _censored(ended)
    dropped, gone = ended[Ending.DROPPED_OUT], ended[Ending.LEFT_ORGANISATION]
    left = [d + g for d, g in zip(dropped, gone, strict=True)]
    # The estimates end where nobody is at risk; the times go on.
    estimates = zip_longest(
        range(len(at_risk)),
        kaplan_meier(at_risk, left),
        aalen_johansen(at_risk, dropped, gone),
        aalen_johansen(at_risk, gone, dropped),
    )
    for time, retained, dropped_out, left_organisation in estimates:
        row = {
            "organisation": organisation,
            "arm": arm,
            "denominator": denominator,
            "time": time,
            "wave": programme.wave_names[time - 1] if time else None,
            "n_at_risk": at_risk[time],
            "n_left": left[time],
            "n_dropped_out": dropped[time],
            "n_left_organisation": gone[time],
            "n_censored": censored[time],
        }
        if retained is None:
            anybody = at_risk[0] or censored[0]
            came = NOTE_UNDECIDED if censored[time] else NOTE_NOBODY
            yield row | {"note": came if anybody else NOTE_NOBODY_COUNTED}
            continue
        yield row | {
            "retained": retained.share,
            "standard_error": retained.standard_error,
            **_limits(retained, "ci"),
            "dropped_out": dropped_out.share,
            **_limits(dropped_out, "dropped_out"),
            "left_organisation": left_organisation.share,
            **_limits(left_organisation, "left_organisation"),
            "note": joined_notes(_notes(retained, (dropped_out, left_organisation))),
        }


def _limits(share: Share, name: str) -> dict[str, float | None]:
    low, high = share.interval or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _notes(retained: Share, shares: Iterable[Share]) -> Iterator[str]:
    if retained.standard_error is None:
        yield NOTE_ALL_WENT
    if any(share.interval is None for share in (retained, *shares)):
        yield NOTE_AT_THE_EDGE


def _comparison(groups: Sequence[Mapping[Ending, Sequence[int]]]) -> dict[str, Any]:
    row: dict[str, Any] = {"n_organisations": len(groups)}
    if len(groups) < 2:
        return row | {"note": NOTE_ONE_GROUP}
    at_risk = list(zip(*map(_at_risk, groups), strict=True))
    events = list(zip(*(ended[Ending.DROPPED_OUT] for ended in groups), strict=True))
    test = log_rank(at_risk, events)
    if test is None:
        return row | {"note": NOTE_NO_TEST}
    return row | {
        "chi_square": test.chi_square,
        "degrees_of_freedom": test.degrees_of_freedom,
        "p_value": test.p_value,
        "note": NOTE_APART if test.degrees_of_freedom < len(groups) - 1 else None,
    }

"""Formulas read backwards: what a printed figure says about the numbers it was made from.

What belongs here: one row at a time, no sums over groups. What stays out: facts that tie groups
together (`attacker.py`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from published import Group, Row
from scipy import stats

if TYPE_CHECKING:
    from attacker import Conventions, Printed

EXACT: Final = 1e-9
_PLACES: Final = (0, 1, 2, 3, 4)


def half_place(column: pl.Series) -> float:
    """Half of the last place that the column's figures are printed with; EXACT if they are not
    rounded to at most four places."""
    values = column.drop_nulls().to_list()
    for places in _PLACES:
        if all(abs(round(value, places) - value) < EXACT for value in values):
            # A little more, since binary fractions are not quite where decimals are.
            return 0.5 * 10**-places * (1 + 1e-6)
    return EXACT


# One row


def given_back(
    printed: Iterable["Printed"], conventions: "Conventions"
) -> dict[Group, frozenset[int]]:
    """Groups whose figures fit only some of the numbers that round to the printed one.

    An interval or effect size made from the printed figures themselves says nothing, so those are
    read backwards only if some row shows that they were made from exact ones.
    """
    rows = list(printed)
    decimals = conventions.decimals
    intervals = not all(_interval_is_of_printed(row, decimals) for row in rows)
    corrections = not all(_correction_is_of_printed(row, decimals) for row in rows)
    found = {}
    for row in rows:
        assert row.n is not None
        low, high = conventions.people(row.n)
        numbers = range(int(low), int(high) + 1)
        possible = frozenset(
            n
            for n in numbers
            if _sums_are_whole(row, n, decimals)
            and (not intervals or _interval_fits(row, n, decimals))
            and (not corrections or _correction_fits(row, n, decimals))
        )
        if possible and len(possible) < len(numbers):
            found[row.cell.group] = possible
    return found


def _sums_are_whole(row: "Printed", n: int, decimals: Mapping[tuple[str, str], float]) -> bool:
    """GRIM, and the same for sums of squares (GRIMMER): scores are whole, so their sums are."""
    mean = row.value(row.cell.mean)
    if mean is None or n == 0:
        return True
    half = decimals[row.cell.table, str(row.cell.mean)]
    lowest, highest = math.ceil((mean - half) * n - 1e-6), math.floor((mean + half) * n + 1e-6)
    if lowest > highest:
        return False
    sd = row.value(row.cell.sd)
    if sd is None or n < 2:
        return True
    half = decimals[row.cell.table, str(row.cell.sd)]
    for total in range(lowest, highest + 1):
        least = (n - 1) * max(sd - half, 0) ** 2 + total**2 / n
        most = (n - 1) * (sd + half) ** 2 + total**2 / n
        # The sum of whole squares is as odd or even as the sum of the numbers.
        first = math.ceil(least - 1e-6)
        first += (first - total) % 2
        if first <= most + 1e-6:
            return True
    return False


def _interval_is_of_printed(row: "Printed", decimals: Mapping[tuple[str, str], float]) -> bool:
    found = _interval(row)
    if found is None or row.n is None or row.n < 2:
        return True
    mean, sd, low, high = found
    half = decimals[row.cell.table, row.cell.interval[0]] if row.cell.interval else 0
    margin = _margin(int(row.n), sd)
    near = half * 2.001 + EXACT
    return abs(mean - margin - low) <= near and abs(mean + margin - high) <= near


def _interval_fits(row: "Printed", n: int, decimals: Mapping[tuple[str, str], float]) -> bool:
    """Whether the interval can be that of n officers, from exact figures."""
    found = _interval(row)
    if found is None or n < 2 or row.cell.interval is None:
        return True
    _, sd, low, high = found
    half_sd = decimals[row.cell.table, str(row.cell.sd)]
    half = decimals[row.cell.table, row.cell.interval[0]] + EXACT
    width = (high - low) / 2
    return _margin(n, max(sd - half_sd, 0)) - half <= width <= _margin(n, sd + half_sd) + half


def _interval(row: "Printed") -> tuple[float, float, float, float] | None:
    """Mean, SD and limits, where the row has them all and the interval is a t interval."""
    cell = row.cell
    if cell.interval is None or row.row.get("n_clusters") is not None:
        return None
    values = [row.value(column) for column in (cell.mean, cell.sd, *cell.interval)]
    if any(value is None for value in values):
        return None
    mean, sd, low, high = (float(value) for value in values if value is not None)
    return mean, sd, low, high


def _margin(n: int, sd: float) -> float:
    return float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)


def _correction_is_of_printed(row: "Printed", decimals: Mapping[tuple[str, str], float]) -> bool:
    found = _corrected(row)
    if found is None or row.n is None:
        return True
    d, g = found
    half = decimals[row.cell.table, "g_av"]
    half_d = decimals[row.cell.table, "d_av"]
    return abs(d * _correction(int(row.n)) - g) <= half + half_d + EXACT and half > EXACT


def _correction_fits(row: "Printed", n: int, decimals: Mapping[tuple[str, str], float]) -> bool:
    found = _corrected(row)
    if found is None or n < 3:
        return True
    d, g = (abs(value) for value in found)
    half, half_d = decimals[row.cell.table, "g_av"], decimals[row.cell.table, "d_av"]
    correction = _correction(n)
    return max(d - half_d, 0) * correction - half <= g <= (d + half_d) * correction + half


def _corrected(row: "Printed") -> tuple[float, float] | None:
    if row.cell.group.kind != "paired":
        return None
    d, g = row.value("d_av"), row.value("g_av")
    return None if d is None or g is None else (d, g)


def _correction(n: int) -> float:
    """Hedges' correction of an effect size."""
    return 1 - 3 / (4 * (n - 1) - 1)


# Survival steps


@dataclass(frozen=True)
class Step:
    """Of those at risk at a time, between which shares stayed."""

    low: float
    high: float


def survival_step(rows: Mapping[int, Row], time: int, half: float) -> Step | None:
    """The step at a time, if the share is printed at it and at the time before."""
    row, before = rows[time], rows.get(time - 1)
    share = row.get("retained")
    earlier = 1.0 if time == 0 else before.get("retained") if before else None
    if share is None or earlier is None or earlier <= 0:
        return None
    half_before = 0.0 if time == 0 else half
    return Step(
        max(share - half, 0) / (earlier + half_before),
        min(1.0, (share + half) / max(earlier - half_before, EXACT)),
    )


def events(step: Step, printed: float, people: tuple[float, float]) -> tuple[float, float]:
    """How many left, whether shares are made of exact counts or of rounded ones."""
    low, high = people
    least, most = (1 - step.high) * min(low, printed), (1 - step.low) * max(high, printed)
    # If of rounded ones, the number that left was itself rounded to five.
    return math.ceil(least - 2 - 1e-6), math.floor(most + 2 + 1e-6)


# Scatter


@dataclass(frozen=True)
class Moments:
    """A group's number, mean and SD as printed, with half of the last place of each."""

    fewest: int
    most: int
    mean: float
    half_mean: float
    sd: float
    half_sd: float

    def scatter(self, n: int, around: float) -> tuple[float, float]:
        """Limits of the sum of squared distances from a point."""
        far = abs(self.mean - around)
        nearest, furthest = max(far - self.half_mean, 0), far + self.half_mean
        return (
            (n - 1) * max(self.sd - self.half_sd, 0) ** 2 + n * nearest**2,
            (n - 1) * (self.sd + self.half_sd) ** 2 + n * furthest**2,
        )


def rest_by_spread(
    whole: Moments, parts: Sequence[Moments], n: int
) -> tuple[float, float] | None:
    """Limits of the mean of the n officers who are in the whole and in none of the parts.

    Their scatter around the whole's mean is what the parts leave of the whole's; None if that is
    negative, so that there cannot be n of them.
    """
    around = whole.mean
    if len(parts) == 1:
        # The numbers go together: one is the other and n.
        only = parts[0]
        pairs = [(m, m - n) for m in range(whole.fewest, whole.most + 1)]
        left = [
            whole.scatter(m, around)[1] - only.scatter(p, around)[0]
            for m, p in pairs
            if only.fewest <= p <= only.most
        ]
        most = max(left, default=-1.0)
    else:
        most = whole.scatter(whole.most, around)[1] - sum(
            part.scatter(part.fewest, around)[0] for part in parts
        )
    if most < 0:
        return None
    far = math.sqrt(most / n)
    return around - far, around + far


# Conventions


_LEFT_OUT: Final = frozenset(
    {"standard_error", "se", "se_clustered", "chi_square", "p_value", "variance", "tau2", "q", "q_p"}
)
_SHARES: Final = ("retained", "dropped_out", "left_organisation")


def too_fine(table: str, frame: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Columns with figures that the conventions leave out, or print with fewer places."""
    for column, dtype in frame.schema.items():
        if not dtype.is_numeric() or column in {"time", "rank"}:
            continue
        values = frame[column].drop_nulls()
        if values.is_empty():
            continue
        if column in _LEFT_OUT:
            yield column, "gives back numbers and is not to be printed"
        elif dtype.is_float() and half_place(values) < _allowed(table, column):
            yield column, "more places than allowed"


def _allowed(table: str, column: str) -> float:
    if table == "retention":
        return 0.005
    return 0.05


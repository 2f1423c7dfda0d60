"""Formulas read backwards: what printed figures of one row say about what they were made from.

What belongs here: one row at a time, or two rows that follow each other. What stays out: facts
that tie groups together (`attacker.py`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from published import KEYS, WITHOUT_PEOPLE, Group
from reading_release import EXACT, Line, Print, half_place
from scipy import stats

# Numbers behind a row


def given_back(print_: Print) -> dict[Group, frozenset[int]]:
    """Groups whose figures fit only some of the numbers that round to the printed one.

    An interval made from the printed mean, SD and count says nothing; it is read backwards only
    where some row shows that intervals are made of exact figures.
    """
    intervals = not all(
        interval_is_of_printed(line, print_)
        for shown in print_.groups.values()
        for line in shown.lines
    )
    found = {}
    for group, shown in print_.groups.items():
        if shown.n is None or shown.may_be_old:
            continue
        low, high = print_.people(shown.n)
        numbers = range(low, high + 1)
        possible = frozenset(
            n
            for n in numbers
            if all(
                _sums_are_whole(line, n, print_)
                and (not intervals or _interval_fits(line, n, print_))
                for line in shown.lines
            )
        )
        if possible and len(possible) < len(numbers):
            found[group] = possible
    return found


def _sums_are_whole(line: Line, n: int, print_: Print) -> bool:
    """GRIM, and the same for sums of squares: scores are whole numbers, and so are their sums."""
    mean, sd = line.value(line.cell.mean), line.value(line.cell.sd)
    if mean is None or n == 0:
        return True
    half = print_.half(line, str(line.cell.mean))
    totals = range(math.ceil((mean - half) * n - 1e-6), math.floor((mean + half) * n + 1e-6) + 1)
    if sd is None or n < 2:
        return len(totals) > 0
    half = print_.half(line, str(line.cell.sd))
    return any(_squares_are_whole(n, total, max(sd - half, 0), sd + half) for total in totals)


def _squares_are_whole(n: int, total: int, sd_low: float, sd_high: float) -> bool:
    """Whether some sum of n whole squares gives such an SD; it is as odd or even as the total."""
    least = math.ceil((n - 1) * sd_low**2 + total**2 / n - 1e-6)
    least += (least - total) % 2
    return least <= (n - 1) * sd_high**2 + total**2 / n + 1e-6


def _interval(line: Line) -> tuple[float, float, float, float] | None:
    """Mean, SD and limits, where the row has them all."""
    cell = line.cell
    if cell.interval is None:
        return None
    values = [line.value(column) for column in (cell.mean, cell.sd, *cell.interval)]
    mean, sd, low, high = values
    if mean is None or sd is None or low is None or high is None:
        return None
    return mean, sd, low, high


@cache
def _t(freedom: int) -> float:
    return float(stats.t.ppf(0.975, freedom))


def _margin(n: int, sd: float) -> float:
    return _t(n - 1) * sd / math.sqrt(n)


def interval_is_of_printed(line: Line, print_: Print) -> bool:
    """Whether the t interval of the printed mean, SD and count is the printed one."""
    found = _interval(line)
    if found is None or line.n is None or line.n < 2 or line.cell.interval is None:
        return True
    mean, sd, low, high = found
    margin = _margin(int(line.n), sd)
    near = print_.half(line, line.cell.interval[0]) * 1.01 + EXACT
    return abs(mean - margin - low) <= near and abs(mean + margin - high) <= near


def _interval_fits(line: Line, n: int, print_: Print) -> bool:
    """Whether the interval can be that of n officers, made of exact figures."""
    found = _interval(line)
    if found is None or n < 2 or line.cell.interval is None:
        return True
    _, sd, low, high = found
    half_sd = print_.half(line, str(line.cell.sd))
    half = print_.half(line, line.cell.interval[0]) + EXACT
    width = (high - low) / 2
    return _margin(n, max(sd - half_sd, 0)) - half <= width <= _margin(n, sd + half_sd) + half


# Figures that are to be made of those printed beside them


def not_of_printed(print_: Print) -> Iterator[tuple[Line, str]]:
    """Rows with a figure, and its column, that cannot be had from what the row prints."""
    for shown in print_.groups.values():
        for line in shown.lines:
            if not interval_is_of_printed(line, print_):
                yield line, str(line.cell.interval and line.cell.interval[0])
            for column, value in _from_printed(line).items():
                said = line.value(column)
                if said is None:
                    continue
                if value is None or abs(value - said) > print_.half(line, column) * 1.01 + EXACT:
                    yield line, column


def _from_printed(line: Line) -> dict[str, float | None]:
    """What the formulas of docs/release.md give for the row's effect sizes and shares."""
    match line.cell.table, line.cell.group.kind:
        case "paired_change", _:
            return _effect_sizes(line)
        case "attrition", "left":
            return {"standardised_difference": _standardised_difference(line)}
        case "follow_up", "scored":
            enrolled, scored = line.value("enrolled"), line.value("scored")
            known = enrolled is not None and scored is not None
            return {"scored_percent": _ratio(100 * scored, enrolled) if known else None}
    return {}


def _effect_sizes(line: Line) -> dict[str, float | None]:
    sd_from, sd_to = line.value("sd_from"), line.value("sd_to")
    change, sd = line.value("mean_change"), line.value("sd_change")
    if sd_from is None or sd_to is None or change is None or sd is None:
        return {"correlation": None, "d_av": None}
    return {
        "correlation": _ratio(sd_from**2 + sd_to**2 - sd**2, 2 * sd_from * sd_to),
        "d_av": _ratio(change, (sd_from + sd_to) / 2),
    }


def _standardised_difference(line: Line) -> float | None:
    left, stayed = line.value("mean_left"), line.value("mean_stayed")
    sd_left, sd_stayed = line.value("sd_left"), line.value("sd_stayed")
    if left is None or stayed is None or sd_left is None or sd_stayed is None:
        return None
    return _ratio(left - stayed, math.sqrt((sd_left**2 + sd_stayed**2) / 2))


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


# Survival steps


def share(line: Line, column: str, print_: Print) -> tuple[float, float] | None:
    """A printed share between 0 and 1 and half of its last place, whether printed in percent or
    not; None where it is not printed.
    """
    value = line.value(column)
    if value is None:
        return None
    half = print_.half(line, column)
    unit = 100.0 if half >= 0.5 else 1.0
    return value / unit, half / unit


def events(
    line: Line, before: tuple[float, float] | None, print_: Print
) -> tuple[float, float] | None:
    """How many left in a step of retention, from the shares printed after it and before it.

    Shares come with half of their last place. They may be made of exact counts or of rounded
    ones. None where something is not printed.
    """
    after, at_risk = share(line, "retained", print_), line.value("n_at_risk")
    if after is None or at_risk is None or before is None or before[0] <= 0:
        return None
    lowest = max(after[0] - after[1], 0) / (before[0] + before[1])
    highest = min(1.0, (after[0] + after[1]) / max(before[0] - before[1], EXACT))
    low, high = print_.people(at_risk)
    rounded = print_.counts_to // 2
    least = (1 - highest) * min(low, at_risk) - rounded
    most = (1 - lowest) * max(high, at_risk) + rounded
    return math.ceil(least - 1e-6), math.floor(most + 1e-6)


# Scatter


@dataclass(frozen=True, slots=True)
class Moments:
    """A group's number, mean and SD as printed, with half of the last place of each.

    The mean may be unknown.
    """

    fewest: int
    most: int
    mean: float | None
    half_mean: float
    sd: float
    half_sd: float

    def within(self, n: int) -> tuple[float, float]:
        """Limits of the sum of squared distances from the group's own mean."""
        return (n - 1) * max(self.sd - self.half_sd, 0) ** 2, (n - 1) * (
            self.sd + self.half_sd
        ) ** 2

    def between(self, n: int, around: float) -> tuple[float, float]:
        """Limits of what the distance of the mean from a point adds to the sum."""
        if self.mean is None:
            return 0.0, math.inf
        far = abs(self.mean - around)
        return n * max(far - self.half_mean, 0) ** 2, n * (far + self.half_mean) ** 2


def rest_by_spread(whole: Moments, parts: Sequence[Moments], n: int) -> tuple[float, float] | None:
    """Limits of the mean of the n officers who are in the whole and in none of the parts.

    Their scatter around the whole's mean is what the parts leave of the whole's; None if that is
    negative, so that there cannot be n of them.
    """
    if whole.mean is None:
        return -math.inf, math.inf
    around = whole.mean
    left = []
    if len(parts) == 1:
        # The numbers go together: the part is what the n leave of the whole.
        pairs = [(m, (m - n,)) for m in range(whole.fewest, whole.most + 1)]
        pairs = [(m, p) for m, p in pairs if parts[0].fewest <= p[0] <= parts[0].most]
    else:
        pairs = [(whole.most, tuple(part.fewest for part in parts))]
    for m, sizes in pairs:
        most = whole.within(m)[1] + whole.between(m, around)[1]
        for part, size in zip(parts, sizes, strict=True):
            most -= part.within(size)[0] + part.between(size, around)[0]
        if most >= 0:
            # Where the part's mean is unknown it lies on the other side, at a distance in
            # proportion: that takes its share of the scatter too.
            share = sizes[0] / m if len(parts) == 1 and parts[0].mean is None else 1.0
            left.append(math.sqrt(share * most / n))
    if not left:
        return None
    far = max(left) + whole.half_mean
    return around - far, around + far


# Conventions

_LEFT_OUT: Final = frozenset(
    {
        "standard_error",
        "se",
        "se_clustered",
        "chi_square",
        "p_value",
        "variance",
        "tau2",
        "q",
        "q_p",
    }
)
_PERCENT: Final = frozenset({"retained", "scored_percent"})
_ORDER: Final = frozenset({"time", "to_time"})


def too_fine(print_: Print) -> Iterator[tuple[str, str, str]]:
    """Table and column of figures that the conventions leave out, or print with fewer places."""
    for table, frame in print_.release.items():
        if table in WITHOUT_PEOPLE:
            continue
        if table not in KEYS:
            yield table, "*", "a table that is not described"
            continue
        for column, dtype in frame.schema.items():
            if not dtype.is_numeric() or column in _ORDER:
                continue
            values = frame[column].drop_nulls()
            if values.is_empty():
                continue
            if column in _LEFT_OUT:
                yield table, column, "gives back what was rounded"
            elif column in _PERCENT:
                if half_place(values) < 0.5 and half_place(values * 100) < 0.5:
                    yield table, column, "more than whole percent"
            elif dtype.is_float() and half_place(values) < 0.05:
                yield table, column, "more than one decimal"

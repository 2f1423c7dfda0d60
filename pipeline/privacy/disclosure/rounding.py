"""How exact figures become printed ones, and which exact ones a printed one leaves possible.

Counts are rounded to a base without ties (5), figures half away from zero, both in whole numbers:
floating point would round 20.25 now up, now down.
"""

import math

from pipeline.privacy.disclosure.rules import Rules


def printed_count(n: int, rules: Rules) -> int:
    """A count of people as it is printed: the nearest multiple of the base.

    >>> [printed_count(n, Rules()) for n in (12, 13, 17, 18)]
    [10, 15, 15, 20]
    """
    base = rules.rounded_to
    return base * ((2 * n + base) // (2 * base))


def possible_counts(printed: int, rules: Rules, *, changed: int = 0) -> tuple[int, int]:
    """The smallest and the largest exact count behind a printed one.

    `changed` is how many people may have come or gone since it was printed. Nothing is printed of
    fewer people than the threshold, which an attacker knows as well.
    """
    low = max(printed - rules.rounding_error, rules.fewest)
    return max(0, low - changed), printed + rules.rounding_error + changed


def tenths_of_mean(total: int, n: int, units: int) -> int:
    """The mean, total / (n * units), in tenths; half is rounded away from zero."""
    return _divided(10 * total, n * units)


def tenths(value: float) -> int:
    """A figure in tenths, rounded half away from zero, of what it is to nine decimals."""
    return _divided(round(value * 10**9), 10**8)


def steps(value: float, to: int) -> int:
    """The nearest multiple of `to`, half away from zero, of what a value is to nine decimals.

    >>> [steps(v, 5) for v in (2.4, 2.5, 97.5)]
    [0, 5, 100]
    """
    return to * _divided(round(value * 10**9), to * 10**9)


def two_figures(value: float) -> float:
    """A figure with two significant digits.

    >>> [two_figures(v) for v in (0.01234, 1.25, 187.0)]
    [0.012, 1.3, 190.0]
    """
    if not value:
        return 0.0
    # Of fifteen digits, so that 1.25, which no float is exactly, goes up as it does on paper.
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{_divided(round(value / scale * 10**9), 10**9) * scale:.12g}")


def _divided(numerator: int, denominator: int) -> int:
    """The nearest whole number, half away from zero; the denominator is positive."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))

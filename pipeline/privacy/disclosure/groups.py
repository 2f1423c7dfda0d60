"""Groups of people behind figures, how they add up, and what is printed of them.

What belongs here: counts and sums of scores as an attacker would set them up. What stays out: who
the people are. A group that no table shows, such as those enrolled and not scored, is a hidden one:
it is here because it can be worked out from the others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.privacy.disclosure.rounding import printed_count, tenths_of_mean
from pipeline.privacy.disclosure.rules import Rules


class Key(NamedTuple):
    """Names a group: what its people have in common, and where they are."""

    measure: str
    place: str


def labels_of(measure: str) -> tuple[str, frozenset[str]]:
    """Family and labels of a measure that was merged from several, as in `band … |low+moderate`."""
    family, bar, labels = measure.partition("|")
    return family, frozenset(labels.split("+")) if bar else frozenset()


class Scale(NamedTuple):
    """What one person's score can be, in points."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Sums:
    """The scores of a group's people in one quantity, in units of 1/`units` point; exact."""

    total: int
    squares: int = 0
    mean: bool = True
    """Whether their mean is for print; else it is known that they have one, and that is all."""
    sd: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """People who count together. `rank` says who gives way first: the highest."""

    key: Key
    n: int
    rank: int
    visible: bool = True
    sums: Mapping[str, Sums] = field(default_factory=dict)
    """By quantity, such as the score at one wave on one subscale."""
    told_if_empty: bool = True
    """Of a hidden group: that it is nobody shows, since two groups that differ by nobody have the
    same figures in print. Not so of one that is no difference of two."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A whole and the parts it falls into; nobody is in two."""

    whole: Key
    parts: tuple[Key, ...]
    follows: bool = False
    """It follows from the other partitions, so it adds nothing to them as an equation. It is here
    because subtracting one printed figure from another, step by step, goes along it."""
    detail: bool = False
    """The parts say more about the whole, and are not printed where it is not: several such
    partitions would give it back between them."""
    limit: bool = False
    """Its members are hidden and follow from four printed counts or more, so that rounding hides
    what remains of them; nobody's scores are summed in it. It is here because none of them can be
    fewer than nobody, which limits the groups that they are made of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A quantity of one group that is another quantity less a third, person by person."""

    group: Key
    change: str
    later: str
    earlier: str


@dataclass(frozen=True)
class Population:
    """Every group of a release. Raises ValueError where a partition does not add up."""

    groups: Mapping[Key, Group]
    partitions: tuple[Partition, ...]
    scales: Mapping[str, Scale]
    differences: tuple[Difference, ...] = ()
    units: int = 1

    def __post_init__(self) -> None:
        for partition in self.partitions:
            parts = sum(self.groups[part].n for part in partition.parts)
            if parts != self.groups[partition.whole].n:
                whole = partition.whole
                raise ValueError(f"the parts of {whole.measure} at {whole.place} do not add up")

    @property
    def subtractions(self) -> list[Partition]:
        """The partitions along which one figure less others may give a group away."""
        return [partition for partition in self.partitions if not partition.limit]

    @property
    def visible(self) -> list[Group]:
        return [group for group in self.groups.values() if group.visible]


@dataclass(frozen=True, slots=True)
class Print:
    """What is printed of one group."""

    count: int
    tenths: Mapping[str, int] = field(default_factory=dict)
    """Means and SDs in tenths, by name (`mean …`, `sd …`)."""
    others: Mapping[str, float] = field(default_factory=dict)
    """Figures of a model of the group's people, as they are printed."""
    changed: int = 0
    """The most people who may have come or gone since, where it is taken from an earlier release;
    0 for what describes the group as it is."""


def mean_of(quantity: str) -> str:
    return f"mean {quantity}"


def sd_of(quantity: str) -> str:
    return f"sd {quantity}"


def printed(group: Group, rules: Rules, units: int) -> Print:
    """What is printed of a group that may be shown."""
    figures: dict[str, int] = {}
    for quantity, sums in group.sums.items():
        if sums.mean:
            figures[mean_of(quantity)] = tenths_of_mean(sums.total, group.n, units)
        if sums.sd:
            figures[sd_of(quantity)] = _tenths_of_sd(sums, group.n, units)
    return Print(printed_count(group.n, rules), figures)


def _tenths_of_sd(sums: Sums, n: int, units: int) -> int:
    """The SD (n - 1) in tenths, by whole numbers: the largest t with t - 0.5 <= 10 SD."""
    if n < 2:
        return 0
    scatter = n * sums.squares - sums.total**2
    # (2t - 1)^2 n (n - 1) units^2 <= 400 scatter
    scale = n * (n - 1) * units**2
    return (math.isqrt(400 * scatter // scale) + 1) // 2

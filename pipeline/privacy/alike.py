"""Making officers alike: coarser values until each one shares what is said of them with others.

What belongs here: the search over levels of coarseness, whatever the attributes mean. What stays
out: which attributes there are and what a level publishes (`research_view.py`).

Every attribute has a few levels, from what is recorded to nothing, and each level a cost that is
fixed beforehand. The combinations of levels are a lattice, as in Samarati and Sweeney's
generalisation and in Optimal Lattice Anonymization (El Emam and others 2009, JAMIA 16:670-682).
It is gone through from cheap to dear. At each combination, officers who are alike there and
protected are settled; only the rest go on. So one rare officer does not cost everybody else their
detail: ARX (Prasser and others 2020, Software: Practice and Experience 50:1277-1304) calls it
local recoding, a full-domain search repeated for what was left over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""A whole number for each officer, the same for two officers of whom the same is said; from 0."""

NO_BAND: Final = 0
LEFT_OUT: Final = -1
_LARGEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Protection:
    """What makes a class of officers safe to show.

    `alike`: as many officers, at least, of whom the same is said (k-anonymity, Sweeney 2002).
    `bands`: as many different bands among them, at least (distinct l-diversity, Machanavajjhala
    and others 2007), so that knowing somebody's class does not give their band. Of a class in
    which nobody has a band there is none to learn.
    """

    alike: int = 5
    bands: int = 2


PROTECTION: Final = Protection()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of each officer: three arrays with one entry an officer.

    `levels`: officers by attributes, the level at which each attribute is given. `classes`: number
    of the officer's class, LEFT_OUT where no level protects them. `had_company`: whether enough
    officers were alike with everything as recorded, so that only bands were lacking, if anything.
    """

    levels: NDArray[np.int64]
    classes: Codes
    had_company: NDArray[np.bool_]


def settled(
    attributes: Sequence[Sequence[Codes]],
    costs: Sequence[Sequence[int]],
    bands: Codes,
    protection: Protection = PROTECTION,
) -> Settled:
    """The cheapest levels at which each officer is protected, in one pass from cheap to dear.

    `attributes` holds the codes of each attribute at each of its levels, as recorded first, and
    `costs` what each level costs, 0 first. `bands` is NO_BAND for an officer without one. Costs
    that are equal are ordered by how few attributes change, then by their place, so the outcome is
    a function of what goes in, whatever order officers come in but for the numbers of classes.
    """
    combinations = _cheapest_first(tuple(map(tuple, costs)))
    search = _Search(attributes, combinations, bands, protection)
    for place in range(len(combinations)):
        search.settle(place)
    search.take_in()
    search.take_company()
    recorded = search.alike(0, np.arange(len(bands)))
    had_company = np.bincount(recorded)[recorded] >= protection.alike
    return Settled(np.array(combinations)[search.places], search.classes, had_company)


class _Search:
    """Who is settled at which combination so far, and who is left."""

    def __init__(
        self,
        attributes: Sequence[Sequence[Codes]],
        combinations: Sequence[tuple[int, ...]],
        bands: Codes,
        protection: Protection,
    ) -> None:
        self._attributes = attributes
        self._sizes = [[int(codes.max(initial=0)) + 1 for codes in each] for each in attributes]
        self._combinations = combinations
        self._bands = bands
        self._protection = protection
        self.places = np.zeros(len(bands), np.int64)
        """Place of each officer's combination in the order of costs."""
        self.classes = np.full(len(bands), LEFT_OUT, np.int64)
        self._left = np.arange(len(bands))
        self._classes_found = 0

    def alike(self, place: int, officers: Codes) -> Codes:
        """One code for what is said of each of these officers at a combination, without gaps."""
        combination = self._combinations[place]
        chosen = zip(self._attributes, combination, strict=True)
        sizes = zip(self._sizes, combination, strict=True)
        return _together(
            [codes[level][officers] for codes, level in chosen],
            [size[level] for size, level in sizes],
        )

    def settle(self, place: int) -> None:
        """Let those who are left and protected at a combination be given by it."""
        if not self._left.size:
            return
        alike = self.alike(place, self._left)
        safe = _is_protected(alike, self._bands[self._left], self._protection)[alike]
        if safe.any():
            _, numbers = np.unique(alike[safe], return_inverse=True)
            self._give(self._left[safe], place, self._classes_found + numbers)
            self._classes_found += int(numbers.max()) + 1

    def take_in(self) -> None:
        """Let those who are left join the cheapest class that says what is true of them.

        They may be too few, or all of one band. A class that may have them is as safe with them.
        """
        for left, hosts in self._left_and_their_hosts():
            staying = left
            for place in np.unique(self.places[hosts]):
                members = np.flatnonzero(hosts & (self.places == place))
                alike = self.alike(place, np.concatenate([members, staying]))
                class_of = np.full(len(alike), LEFT_OUT, np.int64)
                class_of[alike[: members.size]] = self.classes[members]
                joined = class_of[alike[members.size :]]
                self._give(staying[joined != LEFT_OUT], place, joined[joined != LEFT_OUT])
                staying = staying[joined == LEFT_OUT]

    def take_company(self) -> None:
        """Bring a class down to the least that can be said, and let those who are left join it.

        It is the dearest of those that then say what is true of them. To leave out officers
        because they are all of one band would bend every figure on that band.
        """
        coarsest = len(self._combinations) - 1
        said = self.alike(coarsest, np.arange(len(self.classes)))
        for left, hosts in self._left_and_their_hosts():
            for each in np.unique(said[left]):
                there = np.flatnonzero((said == each) & hosts)
                if there.size:
                    dearest = there[self.places[there] == self.places[there].max()]
                    alike = self.alike(int(self.places[dearest[0]]), dearest)
                    company = self.classes == self.classes[dearest[np.argmin(alike)]]
                    joining = np.union1d(np.flatnonzero(company), left[said[left] == each])
                    host = self.classes[company][0]
                    self._give(joining, coarsest, np.full(joining.size, host))

    def _left_and_their_hosts(self) -> Iterator[tuple[Codes, NDArray[np.bool_]]]:
        """Officers who are left, and a mask of those in a class that may have them.

        One of enough different bands may have anybody; any may have officers without a band.
        """
        for bandless in (False, True):
            left = self._left[(self._bands[self._left] == NO_BAND) == bandless]
            if left.size:
                placed = np.flatnonzero(self.classes != LEFT_OUT)
                different = _different(self.classes[placed], self._bands[placed])
                hosts = np.zeros(len(self.classes), np.bool_)
                hosts[placed] = bandless | (
                    different[self.classes[placed]] >= self._protection.bands
                )
                yield left, hosts

    def _give(self, officers: Codes, place: int, classes: Codes) -> None:
        self.places[officers], self.classes[officers] = place, classes
        self._left = np.flatnonzero(self.classes == LEFT_OUT)


@cache
def _cheapest_first(costs: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
    """All combinations of levels, the cheapest first."""

    def dearness(combination: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        cost = sum(each[level] for each, level in zip(costs, combination, strict=True))
        return cost, sum(level > 0 for level in combination), combination

    return sorted(product(*(range(len(each)) for each in costs)), key=dearness)


def _together(attributes: Sequence[Codes], sizes: Sequence[int]) -> Codes:
    """One code for what all attributes say together, without gaps; codes are below `sizes`."""
    together, so_far = attributes[0], sizes[0]
    for codes, size in zip(attributes[1:], sizes[1:], strict=True):
        if so_far * size > _LARGEST:
            _, together = np.unique(together, return_inverse=True)
            so_far = int(together.max(initial=0)) + 1
        together, so_far = together * size + codes, so_far * size
    _, together = np.unique(together, return_inverse=True)
    return together


def _is_protected(alike: Codes, bands: Codes, protection: Protection) -> NDArray[np.bool_]:
    """For each class whether it is large enough, and its bands are various or none."""
    different = _different(alike, bands)
    large = np.bincount(alike) >= protection.alike
    protected: NDArray[np.bool_] = large & ((different >= protection.bands) | (different == 0))
    return protected


def _different(alike: Codes, bands: Codes) -> Codes:
    """For each class how many different bands occur in it."""
    classes = int(alike.max(initial=-1)) + 1
    different = np.zeros(classes, np.int64)
    for band in range(NO_BAND + 1, int(bands.max(initial=NO_BAND)) + 1):
        different += np.bincount(alike[bands == band], minlength=classes) > 0
    return different

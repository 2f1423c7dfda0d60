"""Figures of models in a release: who is behind them, and when they may be printed anew.

What belongs here: how few officers are too few for a model, rounding, and history. What stays out:
the models (`pipeline/evaluation`) and the rows (`model_rows.py`).

A model's estimate is of all officers at once, so it cannot be audited as a count or a mean is. What
keeps it from giving a few of them away is its rounding: an officer weighs at most about 1 / n in an
estimate of n, so a figure with one decimal, beside a mean with one decimal, leaves the total of any
of them uncertain by 0.2 n points: with 200 officers by 40, more than 4 points for each of nine.
docs/release.md has the argument.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipeline.privacy.disclosure.groups import Key, Print
from pipeline.privacy.disclosure.history import Before, Recorded
from pipeline.privacy.disclosure.members import Members, Places, places_of
from pipeline.privacy.disclosure.rules import Rules
from pipeline.publishing.officers import Mask

FEWEST_ESTIMATED: Final = 200
"""Officers at the wave of an estimate."""
FEWEST_COMPARED: Final = 400
"""Officers behind the robustness panel, where one may weigh twice as much as another."""
FEWEST_CLUSTERS: Final = 10
"""Organisations behind an interval: with few of them it says how one differs from the others."""


@dataclass(frozen=True, slots=True)
class Block:
    """Figures that are made of the same officers, and the officers by what is known of them.

    Somebody who answers one wave more, and was there before, has changed the figures too.
    """

    key: Key
    parts: Mapping[str, Mask]
    figures: Mapping[str, float]

    @property
    def part_keys(self) -> list[Key]:
        return [Key(f"{self.key.measure} {part}", self.key.place) for part in self.parts]


@dataclass(frozen=True, slots=True)
class Printed:
    """Figures of blocks as they are printed, and what is new among them for later releases."""

    figures: Mapping[Key, Mapping[str, float]]
    new: Mapping[Key, Print]
    """Those printed anew, by each part of the officers behind them: a group as others are kept."""
    members: Members[Recorded]
    """Of those parts, on the list of today's officers."""


def printed_blocks(
    blocks: Iterable[Block], ids: pl.Series, before: Before, rules: Rules
) -> Printed:
    """The figures of each block: as they are, or as they were last printed.

    As they were where one to nine officers changed since: came, went, or are in another part. `ids`
    are the officers of the masks.
    """
    figures: dict[Key, Mapping[str, float]] = {}
    new: dict[Key, Print] = {}
    members: dict[Recorded, Places] = {}
    then = before.members.listed_after(ids)
    for block in blocks:
        now = {
            Recorded(key, True): places_of(mask)
            for key, mask in zip(block.part_keys, block.parts.values(), strict=True)
        }
        earlier = next((before.prints[k] for k in block.part_keys if k in before.prints), None)
        if rules.history and earlier and 0 < _changed(now, then, before.gone) < rules.fewest:
            figures[block.key] = earlier.others
            continue
        figures[block.key] = block.figures
        new |= dict.fromkeys(block.part_keys, Print(0, {}, block.figures))
        members |= {at: who for at, who in now.items() if len(who)}
    return Printed(figures, new, Members(ids, members))


def _changed(
    now: Mapping[Recorded, Places], then: Members[Recorded], gone: Mapping[Recorded, int]
) -> int:
    """Officers who are in other parts than when the figures were last printed."""
    moved = np.zeros(len(then.names), dtype=bool)
    for at, who in now.items():
        moved[np.setxor1d(who, then[at])] = True
    # Of erased officers it is known how many went from each part, and not whether they are others.
    return int(np.count_nonzero(moved)) + max((gone.get(at, 0) for at in now), default=0)

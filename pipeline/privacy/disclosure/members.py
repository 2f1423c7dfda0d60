"""Who is in which groups, kept small: people by their place in one list of names.

What belongs here: sets of people by group, and bringing two lists of names together. What stays
out: what the groups are, and where they are kept. The groups of a country name its officers forty
million times over: as names that is gigabytes, as places 160 MB.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

Places = npt.NDArray[np.uint32]
"""People, by their places in a list of names."""

G = TypeVar("G", bound=Hashable)

NOBODY: Final[Places] = np.zeros(0, dtype=np.uint32)


@dataclass(frozen=True)
class Members(Generic[G]):
    """For each group that has anybody, the places of its people in `names`, each name once."""

    names: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    of: Mapping[G, Places] = field(default_factory=dict)

    def __getitem__(self, group: G) -> Places:
        return self.of.get(group, NOBODY)

    def named(self, group: G) -> list[str]:
        return self.names.gather(self[group]).to_list()

    def listed_after(self, names: pl.Series) -> "Members[G]":
        """The same, on a list that begins with `names`, each of them once."""
        if self.names.head(len(names)).equals(names):
            return self
        found = pl.concat([names, self.names]).unique(maintain_order=True)
        at = pl.DataFrame({"name": found}).with_row_index("place", offset=0)
        mine = pl.DataFrame({"name": self.names}).join(
            at, on="name", how="left", maintain_order="left"
        )
        places = mine["place"].cast(pl.UInt32).to_numpy()
        return Members(found, {group: places[who] for group, who in self.of.items()})


def places_of(mask: npt.NDArray[np.bool_]) -> Places:
    """The places at which a mask holds."""
    return np.flatnonzero(mask).astype(np.uint32)

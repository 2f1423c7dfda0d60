"""Carrying rows on to a newer key, and the proof that nothing else about them changed.

What belongs here: frames before and after, as values. What stays out: where they lie and how the
new ones take the place of the old (`pipeline/storage/rotation.py`).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipeline.privacy.pseudonyms import PSEUDONYM, Pseudonymiser

_OFFICERS = ("participant_id", "new_participant_id")
"""Columns whose pseudonyms are officers: one who went elsewhere may be in either."""


def carried_on(
    rows: pl.DataFrame, columns: Collection[str], pseudonymiser: Pseudonymiser
) -> pl.DataFrame:
    """The rows with every pseudonym in `columns` under the newest key; nothing else changes.

    Raises ValueError, which quotes nothing, for what is no pseudonym of these keys.
    """
    return rows.with_columns(
        _carried_on(rows[name], pseudonymiser).alias(name)
        for name in columns
        if name in rows.columns
    )


def _carried_on(cells: pl.Series, pseudonymiser: Pseudonymiser) -> pl.Series:
    if cells.dtype != pl.List(pl.String):
        return pseudonymiser.carried_on(cells)
    # The elements of a code are hashed one by one.
    before = cells.explode().unique().drop_nulls()
    newest = dict(zip(before, pseudonymiser.carried_on(before), strict=True))
    each = pl.element().replace_strict(newest, default=None, return_dtype=pl.String)
    return cells.list.eval(each)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rotation must leave as it was, counted over all that is kept of submissions."""

    rows: dict[tuple[str, str], int]
    """By submission and by what is kept of it: accepted rows, findings and so on."""
    named: dict[str, int]
    """Cells with a pseudonym, by column."""
    distinct: dict[str, int]
    """Different pseudonyms, by column; `officers` counts those of every column of officers."""
    links: dict[tuple[str, str], int]
    """Officers who answered both waves, for every pair; of a wave with itself, who answered it."""

    def differences(self, after: "Tally") -> list[str]:
        """What is not the same in another tally, in words that hold no pseudonym."""
        parts = {
            "the number of rows of a submission": (self.rows, after.rows),
            "the number of cells that name somebody": (self.named, after.named),
            "the number of officers or groups": (self.distinct, after.distinct),
            "the number of officers who answered two waves": (self.links, after.links),
        }
        return [what for what, (one, other) in parts.items() if one != other]


@dataclass
class Counting:
    """A tally in the making; frames are added one by one and not kept."""

    columns: Sequence[str]
    """Those that hold pseudonyms."""
    _rows: dict[tuple[str, str], int] = field(default_factory=dict)
    _named: Counter[str] = field(default_factory=Counter)
    _found: dict[str, list[pl.Series]] = field(default_factory=dict)
    _answered: list[pl.DataFrame] = field(default_factory=list)

    def add(self, submission_id: str, kept_as: str, rows: pl.DataFrame) -> None:
        """Count one frame of a submission; with a `wave` and `items` it holds answers."""
        self._rows[submission_id, kept_as] = rows.height
        for name in self.columns:
            if name in rows.columns:
                cells = rows[name]
                found = (cells.explode() if cells.dtype == pl.List else cells).drop_nulls()
                self._named[name] += len(found)
                self._found.setdefault(name, []).append(found.unique())
        if {"participant_id", "wave", "items"} <= set(rows.columns):
            self._answered.append(rows.select("participant_id", "wave").drop_nulls().unique())

    def tally(self) -> Tally:
        officers = [part for name in _OFFICERS for part in self._found.get(name, [])]
        groups = {**self._found, "officers": officers}
        return Tally(
            rows=dict(self._rows),
            named=dict(self._named),
            distinct={n: pl.concat(parts).n_unique() for n, parts in groups.items() if parts},
            links=_links(self._answered),
        )


def _links(answered: list[pl.DataFrame]) -> dict[tuple[str, str], int]:
    if not answered:
        return {}
    rows = pl.concat(answered).unique()
    waves = sorted(rows["wave"].unique())
    officer = rows["participant_id"].rank("dense").to_numpy() - 1
    wave = rows["wave"].cast(pl.Enum(waves)).to_physical().to_numpy()
    gave = np.zeros((rows["participant_id"].n_unique(), len(waves)), dtype=np.int64)
    gave[officer, wave] = 1
    both = gave.T @ gave
    return {
        (one, other): int(both[i, j])
        for i, one in enumerate(waves)
        for j, other in enumerate(waves)
        if i <= j
    }


def left_behind(rows: pl.DataFrame, version: int) -> list[str]:
    """Columns in which a whole text is a pseudonym of another version, whatever they are called."""
    behind = []
    for name, dtype in rows.schema.items():
        texts = rows[name].explode() if dtype == pl.List(pl.String) else rows[name]
        if texts.dtype == pl.String:
            versions = texts.str.extract(rf"^{PSEUDONYM}$")
            if (versions.drop_nulls() != str(version)).any():
                behind.append(name)
    return behind

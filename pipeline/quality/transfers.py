"""Transfers: which pseudonyms are one officer, who went from one force to another.

What belongs here: reading that from lists of departures, and giving such officers one pseudonym.
What stays out: hashing the new number (`pipeline/privacy`), and what a transfer means for the
follow-up of an officer (`pipeline/follow_up`).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

import polars as pl

from pipeline import tables

NEW_IDENTITY: Final = "new_participant_id"


class _Transfer(NamedTuple):
    on: date
    before: str
    after: str
    organisation: str


def participant_alias(departures: pl.DataFrame, seen: pl.Series) -> pl.DataFrame:
    """The rows of `tables.PARTICIPANT_ALIAS`: a row for each pseudonym that an officer took on.

    `departures` has the accepted rows of lists of departures, `arrived` with them: an
    organisation's newest row about an officer counts. `seen` are all pseudonyms under which
    anybody is on a roster or a register, or has answered: a transfer is taken up if the new
    pseudonym is among them. One that is not leaves the officer where they left.

    An officer keeps the pseudonym they had first through all transfers, back again included. A
    transfer that contradicts another is left out (`contradicting`).
    """
    newest = departures.sort("arrived", "row_number").unique(
        ["participant_id", "organisation"], keep="last"
    )
    transfers = sorted(
        _Transfer(*row)
        for row in _transfers_of(newest.filter(~contradicting(newest)))
        .select("departed_on", "participant_id", NEW_IDENTITY, "organisation")
        .iter_rows()
    )
    # Nobody has two new pseudonyms and none is two officers', so these are chains and rings.
    came_by: dict[str, _Transfer] = {}
    for transfer in transfers:
        came_by.setdefault(transfer.after, transfer)
    for transfer in transfers:
        # Whoever went round in a ring began where they first left.
        if _is_ring(transfer.before, came_by):
            del came_by[transfer.before]
    up_to = {name for alias in seen if alias in came_by for name in _back_from(alias, came_by)}
    rows = [
        (_first(alias, came_by), alias, transfer.organisation, transfer.on, alias in up_to)
        for alias, transfer in came_by.items()
    ]
    return tables.PARTICIPANT_ALIAS.conform(
        pl.DataFrame(rows, tables.PARTICIPANT_ALIAS.frame_schema, orient="row")
    )


def _is_ring(name: str, came_by: dict[str, _Transfer]) -> bool:
    return name in came_by and name in _back_from(came_by[name].before, came_by, until=name)


def _first(name: str, came_by: dict[str, _Transfer]) -> str:
    return _back_from(name, came_by)[-1]


def _back_from(name: str, came_by: dict[str, _Transfer], until: str | None = None) -> list[str]:
    """A pseudonym and all before it, latest first."""
    names = [name]
    while name != until and name in came_by:
        name = came_by[name].before
        names.append(name)
    return names


def contradicting(departures: pl.DataFrame) -> pl.Series:
    """True for transfers of two officers to one pseudonym, or of one officer to two.

    None of them is linked: to merge two officers is worse than to count one of them twice.
    """
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    for old, new in _pairs(_transfers_of(departures)):
        after[old].add(new)
        before[new].add(old)
    return pl.Series(
        "contradicting",
        [
            old != new and (len(after[old]) > 1 or len(before[new]) > 1)
            for old, new in _pairs(departures)
        ],
        pl.Boolean,
    )


def taken_up(departures: pl.DataFrame, aliases: pl.DataFrame) -> pl.Series:
    """True for departures that were a transfer within the programme, and so no end of it.

    The rows are as they came in, under the pseudonym of that time; `aliases` is
    `participant_alias` of them.
    """
    moved = aliases.filter("taken_up")
    kept = dict(moved.select("alias_id", "participant_id").iter_rows())
    # Whoever went back has the earlier pseudonym again.
    kept |= {name: name for name in kept.values()}
    return pl.Series(
        "taken_up",
        [
            old != new and new in kept and kept.get(old) == kept[new]
            for old, new in _pairs(departures)
        ],
        pl.Boolean,
    )


def under_one_name(rows: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the pseudonym that each officer keeps; the rows stay in their order."""
    if aliases.is_empty():
        return rows
    return rows.with_columns(
        pl.col("participant_id").replace(
            aliases["alias_id"].to_list(), aliases["participant_id"].to_list()
        )
    )


def _transfers_of(departures: pl.DataFrame) -> pl.DataFrame:
    old, new = pl.col("participant_id"), pl.col(NEW_IDENTITY)
    return departures.filter(new.is_not_null() & (old != new))


def _pairs(departures: pl.DataFrame) -> Iterator[tuple[str, str]]:
    return departures.select("participant_id", NEW_IDENTITY).iter_rows()

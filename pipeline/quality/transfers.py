"""Transfers: which pseudonyms are one officer, who went from one force to another.

What belongs here: reading that from lists of departures, and giving such officers one pseudonym.
What stays out: hashing the new number (`pipeline/privacy`), and what a transfer means for the
follow-up of an officer (`pipeline/follow_up`).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

import polars as pl

from pipeline import tables
from pipeline.vocabulary import DepartureKind

NEW_IDENTITY: Final = "new_participant_id"

SEEN: Final = pl.Schema({"participant_id": pl.String(), "day": pl.Date()})
"""Under which pseudonym somebody was on a roster, came to a session or answered, and when."""

LONGEST_OVERLAP: Final = timedelta(days=28)
"""So long before an officer left one force they may be seen in the next; leavers are told late."""

_ONE_DEPARTURE: Final = timedelta(days=31)

IN_DOUBT: Final = pl.Schema({"submission_id": pl.String(), "row_number": pl.Int32()})
"""Rows of lists of departures whose transfer contradicts something."""


class _Transfer(NamedTuple):
    on: date
    before: str
    after: str
    organisation: str


def participant_alias(departures: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """The rows of `tables.PARTICIPANT_ALIAS`: a row for each pseudonym that an officer took on.

    `departures` has the accepted rows of lists of departures, with submission_id and `arrived`: an
    organisation's newest row about an officer counts. `seen` (SEEN) is what was seen of those whom
    they name: a transfer is taken up if its new pseudonym was seen, or one that they took on later.
    One that is not leaves the officer where they left.

    An officer keeps the pseudonym they had first through all transfers, back again included. A
    transfer in doubt is left out.
    """
    transfers = _sound(departures, seen)
    # Nobody has two new pseudonyms and none is two officers', so these are chains and rings.
    came_by: dict[str, _Transfer] = {}
    for transfer in transfers:
        came_by.setdefault(transfer.after, transfer)
    for transfer in transfers:
        # Whoever went round in a ring began where they first left.
        if _is_ring(transfer.before, came_by):
            del came_by[transfer.before]
    names = seen["participant_id"].unique()
    up_to = {name for alias in names if alias in came_by for name in _back_from(alias, came_by)}
    rows = [
        (_first(alias, came_by), alias, transfer.organisation, transfer.on, alias in up_to)
        for alias, transfer in came_by.items()
    ]
    return tables.PARTICIPANT_ALIAS.conform(
        pl.DataFrame(rows, tables.PARTICIPANT_ALIAS.frame_schema, orient="row")
    )


def in_doubt(departures: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """IN_DOUBT: transfers that contradict another or what was seen. None of them is linked.

    Two officers are said to have taken on one pseudonym, or one officer two; an officer was seen
    under the new one long before they left, and never left from there; or they are first seen
    after they are said to have left. To merge two officers is worse than to count one twice.
    """
    newest = _newest(departures)
    sound = {(t.before, t.after) for t in _sound(departures, seen)}
    doubtful = [pair not in sound for pair in _pairs(newest)]
    return newest.filter(pl.Series(doubtful, dtype=pl.Boolean)).select(IN_DOUBT.names())


def _sound(departures: pl.DataFrame, seen: pl.DataFrame) -> list[_Transfer]:
    """Transfers that contradict nothing, earliest first; of one day, by who told it."""
    moved = _newest(departures).sort("departed_on", "organisation", maintain_order=True)
    told = [
        _Transfer(*row)
        for row in moved.select(
            "departed_on", "participant_id", NEW_IDENTITY, "organisation"
        ).iter_rows()
    ]
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    left: dict[str, date] = {}
    for transfer in told:
        after[transfer.before].add(transfer.after)
        before[transfer.after].add(transfer.before)
        left.setdefault(transfer.before, transfer.on)
    first_seen = dict(
        seen.drop_nulls("day").group_by("participant_id").agg(pl.col("day").min()).iter_rows()
    )

    def agrees(transfer: _Transfer) -> bool:
        came_back = left.get(transfer.after, date.max) <= transfer.on
        too_early = first_seen.get(transfer.after, date.max) < transfer.on - LONGEST_OVERLAP
        return (
            len(after[transfer.before]) == len(before[transfer.after]) == 1
            and (came_back or not too_early)
            and first_seen.get(transfer.before, date.min) <= transfer.on
        )

    return [transfer for transfer in told if agrees(transfer)]


def _newest(departures: pl.DataFrame) -> pl.DataFrame:
    """Rows that name a new pseudonym, of an organisation's newest rows about each officer."""
    old, new = pl.col("participant_id"), pl.col(NEW_IDENTITY)
    return (
        departures.sort("arrived", "row_number")
        .unique(["participant_id", "organisation"], keep="last", maintain_order=True)
        .filter(new.is_not_null() & (old != new))
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


def taken_up(departures: pl.DataFrame, aliases: pl.DataFrame) -> pl.Series:
    """True for departures that were a transfer within the programme, and so no end of it.

    The rows are as they came in, under the pseudonym of that time; `aliases` is
    `participant_alias` of them. Where two organisations tell of one transfer, the one that does
    not know the new number tells of it too: it says that the officer left within a month of it.
    """
    moved = aliases.filter("taken_up")
    kept = dict(moved.select("alias_id", "participant_id").iter_rows())
    # Whoever went back has the earlier pseudonym again.
    kept |= {name: name for name in kept.values()}
    told = departures.select("participant_id", NEW_IDENTITY, "departed_on", "departure_kind").rows()
    days: dict[str, list[date]] = defaultdict(list)
    for old, new, on, _ in told:
        if old != new and new in kept and kept.get(old) == kept[new]:
            days[old].append(on)

    def is_transfer(old: str, new: str | None, on: date, kind: str) -> bool:
        if new is None:
            left = kind == DepartureKind.LEFT_ORGANISATION.value
            return left and any(abs(on - day) <= _ONE_DEPARTURE for day in days.get(old, ()))
        return old != new and new in kept and kept.get(old) == kept[new]

    return pl.Series("taken_up", [is_transfer(*row) for row in told], pl.Boolean)


def under_one_name(rows: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the pseudonym that each officer keeps; the rows stay in their order."""
    if aliases.is_empty():
        return rows
    return rows.with_columns(
        pl.col("participant_id").replace(
            aliases["alias_id"].to_list(), aliases["participant_id"].to_list()
        )
    )


def _pairs(departures: pl.DataFrame) -> Iterator[tuple[str, str]]:
    return departures.select("participant_id", NEW_IDENTITY).iter_rows()

"""Officers who left the programme, stopped collection or were erased: what is on record of them.

What belongs here: entries of those three kinds as values, and which rows they keep out. What stays
out: keeping entries (`pipeline/storage/stewardship.py`) and removing rows
(`pipeline/storage/erasing.py`). An officer is known by every pseudonym that was theirs on the day
of the act: somebody who changed forces has several.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from pipeline.entries import Act, Entry
from pipeline.vocabulary import DepartureKind, EntryKind

KINDS: Final = (EntryKind.LEFT_PROGRAMME, EntryKind.COLLECTION_STOPPED, EntryKind.ERASED)
"""The three acts; each is another one, and none implies another."""

HEARD: Final = pl.Schema(
    {"entry": pl.Int64(), "kind": pl.String(), "entered_at": pl.Datetime("us")}
)
"""The acts that a snapshot was made with, one a row. `entered_at` is UTC."""

DEPARTED: Final = pl.Schema(
    {
        "participant_id": pl.String(),
        "departed_on": pl.Date(),
        "departure_kind": pl.String(),
        "taken_up": pl.Boolean(),
    }
)
"""Departures that no list of an organisation tells of, one a pseudonym; `taken_up` is never true,
since none of them is a transfer."""

STOPPED: Final = pl.Schema({"participant_id": pl.String(), "after_place": pl.Int64()})
"""Whose rows count no more in submissions that arrive after a place in the order of arrival."""

ERASED: Final = pl.Schema({"organisation": pl.String(), "n": pl.Int64()})
"""Enrolled officers who were erased, by the organisation that had enrolled them."""

Carrying = Callable[[pl.Series], pl.Series]
"""Pseudonyms of any version to the newest (`Pseudonymiser.carried_on`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """One act on one officer, as it is on record."""

    entry: int
    entered_at: datetime
    kind: EntryKind
    steward: str
    reason: str
    names: tuple[str, ...]
    """Every pseudonym of the officer: as they were entered, and under the newest key. Rows that no
    run has carried on yet are known by the first."""
    on: date | None = None
    """Day from which somebody who left counts as withdrawn."""
    after_place: int | None = None
    """Place of the last submission that counts of somebody who stopped collection."""
    organisation: str | None = None
    """That had enrolled somebody who was erased; None for one who was not enrolled."""


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """Every act on record, or those that were known by a day, in the order they were done."""

    acts: tuple[Withdrawal, ...] = ()

    def _names(self, kind: EntryKind) -> frozenset[str]:
        return frozenset(name for act in self.acts if act.kind == kind for name in act.names)

    def on(self, names: Collection[str], kind: EntryKind) -> list[Withdrawal]:
        """The acts of a kind on an officer of any of these pseudonyms."""
        return [
            act for act in self.acts if act.kind == kind and not set(names).isdisjoint(act.names)
        ]

    def known_by(self, day: date | None) -> "Withdrawals":
        """Acts entered up to the end of a day, and every erasure whenever it was entered.

        What was erased is gone from the past as well, so no state of the past is made with it.
        """
        return Withdrawals(
            tuple(
                act
                for act in self.acts
                if day is None or act.kind == EntryKind.ERASED or act.entered_at.date() <= day
            )
        )

    @property
    def erased(self) -> frozenset[str]:
        """Tombstones: pseudonyms of whom nothing may be kept."""
        return self._names(EntryKind.ERASED)

    @property
    def everybody(self) -> frozenset[str]:
        """Pseudonyms of all whom any act concerns: nobody asks them for an answer."""
        return frozenset(name for act in self.acts for name in act.names)

    @property
    def stopped(self) -> dict[str, int]:
        """By pseudonym, the place of the last submission that counts; the first stop decides."""
        stops: dict[str, int] = {}
        for act in self.acts:
            if act.kind == EntryKind.COLLECTION_STOPPED and act.after_place is not None:
                for name in act.names:
                    stops.setdefault(name, act.after_place)
        erased = self.erased
        return {name: place for name, place in stops.items() if name not in erased}

    def kept_out(self, place: int) -> frozenset[str]:
        """Pseudonyms whose rows count as withdrawn in the submission at a place of arrival."""
        late = {name for name, last in self.stopped.items() if last < place}
        return self.erased | late

    def is_kept_out(self, place: int, column: str = "participant_id") -> pl.Expr:
        """`is_one_of` for `kept_out`."""
        return is_one_of(self.kept_out(place), column)

    def is_erased(self, column: str = "participant_id") -> pl.Expr:
        """`is_one_of` for the tombstones: what every reader of rows filters by."""
        return is_one_of(self.erased, column)

    def departures(self) -> pl.DataFrame:
        """DEPARTED: who left, on the day that the newest act says, and who stopped collection.

        Somebody of whom nothing more is collected has no wave that is open or missed: nobody may
        ask them, and they did not fail to answer. The day is that of the act.
        """
        left: dict[str, date] = {}
        stopped: dict[str, date] = {}
        for act in self.acts:
            for name in act.names:
                if act.kind == EntryKind.LEFT_PROGRAMME and act.on is not None:
                    left[name] = act.on
                elif act.kind == EntryKind.COLLECTION_STOPPED:
                    stopped.setdefault(name, act.entered_at.date())
        rows = [
            (name, min(day for day in (left.get(name), stopped.get(name)) if day is not None))
            for name in sorted((left.keys() | stopped.keys()) - self.erased)
        ]
        days = {name: DEPARTED[name] for name in ("participant_id", "departed_on")}
        return (
            pl.DataFrame(rows, schema=days, orient="row")
            .with_columns(
                pl.lit(DepartureKind.WITHDREW.value).alias("departure_kind"),
                pl.lit(False).alias("taken_up"),
            )
            .select(DEPARTED.names())
        )

    def stops(self) -> pl.DataFrame:
        """`stopped` as STOPPED."""
        return pl.DataFrame(sorted(self.stopped.items()), schema=STOPPED, orient="row")

    def erased_officers(self) -> pl.DataFrame:
        """Counts of erased officers (ERASED)."""
        enrolled_by = [
            act.organisation
            for act in self.acts
            if act.kind == EntryKind.ERASED and act.organisation is not None
        ]
        counted = [(name, enrolled_by.count(name)) for name in sorted(set(enrolled_by))]
        return pl.DataFrame(counted, schema=ERASED, orient="row")

    def heard(self) -> pl.DataFrame:
        """HEARD."""
        return pl.DataFrame(
            [
                (act.entry, act.kind.value, act.entered_at.astimezone(UTC).replace(tzinfo=None))
                for act in self.acts
            ],
            schema=HEARD,
            orient="row",
        )


NOBODY: Final = Withdrawals()


def is_one_of(names: Collection[str], column: str = "participant_id") -> pl.Expr:
    """True for rows of these pseudonyms; never null, so a row that is nobody's stays."""
    return pl.col(column).is_in(sorted(names)).fill_null(False)


def without(rows: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Rows without those of these pseudonyms, and without the mention of one in the others.

    A list of departures mentions the pseudonym that an officer took on elsewhere.
    """
    if not names:
        return rows
    left = rows.filter(~is_one_of(names)) if "participant_id" in rows.columns else rows
    mentions = [name for name in ("new_participant_id",) if name in rows.columns]
    return left.with_columns(
        pl.when(~is_one_of(names, name)).then(pl.col(name)).alias(name) for name in mentions
    )


def withdrawals_of(entries: Iterable[Entry], carried_on: Carrying) -> Withdrawals:
    """What entries of KINDS say, pseudonyms under the newest key; entries of other kinds are not
    asked. Raises ValueError for a pseudonym of other keys.
    """
    acts = []
    for entry in entries:
        if entry.kind in KINDS:
            body = entry.body
            entered = pl.Series(body["participants"], dtype=pl.String)
            acts.append(
                Withdrawal(
                    entry=entry.entry,
                    entered_at=entry.entered_at,
                    kind=entry.kind,
                    steward=entry.steward,
                    reason=entry.reason,
                    names=tuple(dict.fromkeys([*entered, *carried_on(entered)])),
                    on=date.fromisoformat(body["on"]) if "on" in body else None,
                    after_place=body.get("after_place"),
                    organisation=body.get("organisation"),
                )
            )
    return Withdrawals(tuple(acts))


def leaving(names: Collection[str], on: date, *, steward: str, reason: str) -> Act:
    """An officer left the programme on a day; what they answered stays."""
    body = {"participants": sorted(names), "on": on.isoformat()}
    return Act(kind=EntryKind.LEFT_PROGRAMME, steward=steward, reason=reason, body=body)


def stopping(names: Collection[str], after_place: int, *, steward: str, reason: str) -> Act:
    """Nothing of an officer counts in submissions after a place in the order of arrival."""
    body = {"participants": sorted(names), "after_place": after_place}
    return Act(kind=EntryKind.COLLECTION_STOPPED, steward=steward, reason=reason, body=body)


def erasing(
    names: Collection[str], organisation: str | None, *, rows: int, steward: str, reason: str
) -> Act:
    """The tombstone of an officer: pseudonyms, who had enrolled them, how many rows there were."""
    body = {"participants": sorted(names), "organisation": organisation, "rows": rows}
    return Act(kind=EntryKind.ERASED, steward=steward, reason=reason, body=body)


def same_officer(name: str, aliases: pl.DataFrame, withdrawals: Withdrawals) -> frozenset[str]:
    """Every pseudonym of the officer who is called `name`.

    By `core.participant_alias`, and by acts on record, which remember what a transfer that was
    erased since had said.
    """
    groups = [set(act.names) for act in withdrawals.acts]
    groups += [set(pair) for pair in aliases.select("participant_id", "alias_id").iter_rows()]
    names = {name}
    while any(names & group and not group <= names for group in groups):
        names = names.union(*(group for group in groups if names & group))
    return frozenset(names)

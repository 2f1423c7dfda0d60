"""Entries of the audit trail: acts on record that are neither receipts nor decisions, as values.

What belongs here: what every entry has, whatever it is about. What stays out: keeping them
(`pipeline/storage/stewardship.py`), and what the body of a kind means (the room that enters it).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.vocabulary import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did, and why. No part of it holds an identifier or an answer.

    `body` is what JSON can hold. Pseudonyms in it stay under the key they were entered with, since
    nothing on record is ever changed: whoever reads them carries them on to the newest key.
    """

    kind: EntryKind
    steward: str
    reason: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Act):
    """An act as it was put on record; `entry` numbers them in the order they were done."""

    entry: int
    entered_at: datetime


def known_entries(entries: Iterable[Entry], known_at: date | None = None) -> list[Entry]:
    """Entries made up to the end of a day, in order; all of them if no day is given."""
    return [e for e in entries if known_at is None or e.entered_at.date() <= known_at]

"""Releases that somebody asked for and a second person approved, as values.

What belongs here: who may approve what, and what an approval allows. What stays out: keeping
entries (`pipeline/storage/stewardship.py`) and making releases (`pipeline/releasing.py`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from pipeline.accounts import key
from pipeline.entries import Act, Entry
from pipeline.review import NotPossible, one_line
from pipeline.vocabulary import EntryKind

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The newest wish for a release of one name, and who approved it, if anybody did."""

    release: str
    as_of: date
    """Day of the warehouse that is to be released."""
    asked_by: str
    asked_at: datetime
    reason: str
    entry: int
    approved_by: str | None = None
    approved_at: datetime | None = None

    @property
    def version(self) -> str:
        return f"{self.entry}-{self.approved_by or 'open'}"

    def is_by(self, name: str) -> bool:
        return key(self.asked_by) == key(name)


def requests_of(entries: Iterable[Entry]) -> dict[str, Request]:
    """The newest request for each release, with its approval; entries of other kinds are left out.

    Whoever asks anew, for another day, has to be approved anew. An approval by the person who asked
    approves nothing, however it came on record.
    """
    newest: dict[str, Request] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == EntryKind.RELEASE_ASKED:
            newest.pop(body["release"], None)
            newest[body["release"]] = Request(
                release=body["release"],
                as_of=date.fromisoformat(body["as_of"]),
                asked_by=entry.steward,
                asked_at=entry.entered_at,
                reason=entry.reason,
                entry=entry.entry,
            )
        elif entry.kind == EntryKind.RELEASE_APPROVED:
            asked = newest.get(body["release"])
            fits = asked is not None and asked.entry == body["request"]
            if asked is not None and fits and not asked.is_by(entry.steward):
                newest[asked.release] = replace(
                    asked, approved_by=entry.steward, approved_at=entry.entered_at
                )
    return newest


def request(release: str, as_of: date, *, asked_by: str, reason: str) -> Act:
    """What is put on record when somebody asks for a release; else NotPossible."""
    why = one_line(reason)
    if not _NAME.fullmatch(release):
        raise NotPossible(
            "A release is called by letters, digits, `_` and hyphens, as in 2026-autumn."
        )
    if not why:
        raise NotPossible("Say what the release is for.")
    return Act(
        kind=EntryKind.RELEASE_ASKED,
        steward=asked_by,
        reason=why,
        body={"release": release, "as_of": as_of.isoformat()},
    )


def approval(asked: Request, *, approved_by: str, reason: str) -> Act:
    """What is put on record when a second person approves a release; else NotPossible."""
    why = one_line(reason)
    if asked.is_by(approved_by):
        raise NotPossible("You asked for it yourself; another person has to approve it.")
    if not why:
        raise NotPossible("Say what you looked at before you approved it.")
    return Act(
        kind=EntryKind.RELEASE_APPROVED,
        steward=approved_by,
        reason=why,
        body={
            "release": asked.release,
            "as_of": asked.as_of.isoformat(),
            "request": asked.entry,
            "asked_by": asked.asked_by,
        },
    )


def approved(entries: Iterable[Entry], release: str, as_of: date) -> Request | None:
    """The approved request for a release of the warehouse of a day; None where there is none."""
    found = requests_of(entries).get(release)
    return found if found and found.approved_by and found.as_of == as_of else None

"""Check values: whether a key is the one that pseudonyms were made with, without showing it.

What belongs here: making check values, and comparing those of the keys in use with those on record.
What stays out: where keys and records lie (`pipeline/storage/keys.py`, `pipeline/storage/home.py`).

The check value of key n is the HMAC-SHA256 of key n over a fixed text, the programme's name and n,
each with its length in front: no pseudonym is made of such a message, and without the key it says
nothing. The name is part of it since every pseudonym depends on that too.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Final

from pipeline.entries import Entry
from pipeline.privacy.pseudonyms import with_length
from pipeline.programme import UnusableConfiguration
from pipeline.vocabulary import EntryKind, KeyState

_FIXED_TEXT: Final = "key check"
ON_RECORD: Final = (EntryKind.KEY_RECORDED, EntryKind.KEY_ROTATED)
"""The kinds of entry that say which keys a home was made with."""

_A_NEW_PERSON = "with another key every officer would be a new person"


@dataclass(frozen=True, slots=True)
class Key:
    """One key and where it was found, as sentences may say it; the key itself is never shown."""

    version: int
    place: str
    secret: bytes = field(repr=False)

    def check_value(self, programme: str) -> str:
        """64 hexadecimal digits."""
        message = b"".join(with_length(t) for t in (_FIXED_TEXT, programme, str(self.version)))
        return hmac.digest(self.secret, message, "sha256").hex()


_FEWEST_DIFFERENT: Final = 16
"""Different bytes in a key; of 32 random ones about thirty are, and fewer than 16 never."""
_LONGEST_RUN: Final = 7
_PRINTABLE: Final = range(0x20, 0x7F)


def weakness(secret: bytes) -> str | None:
    """Why a key of 32 bytes cannot be random, such as one that was typed; None if it may be.

    A random key is taken for weak less than once in 10 to the 13th.
    """
    steps = {(after - before) % 256 for before, after in pairwise(secret)}
    if any(secret[p:] == secret[:-p] for p in range(1, len(secret) // 2 + 1)):
        return "the same bytes again and again"
    if len(steps) == 1:
        return "one byte after the other"
    if all(byte in _PRINTABLE for byte in secret):
        return "text that somebody typed"
    if len(set(secret)) < _FEWEST_DIFFERENT or _longest_run(secret) > _LONGEST_RUN:
        return "far fewer than 32 random bytes"
    return None


def _longest_run(secret: bytes) -> int:
    return max(len(list(same)) for _, same in groupby(secret))


@dataclass(frozen=True, slots=True)
class MadeWith:
    """Which keys pseudonyms were made with, as lake or stewardship store say it, oldest first."""

    programme: str
    check_values: tuple[str, ...]

    @property
    def version(self) -> int:
        return len(self.check_values)

    def begins(self, other: "MadeWith") -> bool:
        """Whether `other` says the same, and perhaps of newer keys besides."""
        return (
            self.programme == other.programme
            and self.check_values == other.check_values[: self.version]
        )


def made_with(keys: Iterable[Key], programme: str) -> MadeWith:
    """What to keep of the keys in use, oldest first."""
    return MadeWith(programme, tuple(key.check_value(programme) for key in keys))


def on_record(entries: Iterable[Entry]) -> MadeWith | None:
    """What the audit trail says; None where no key is on record.

    A key that was put on record again, after the store was put back from a copy, says the same.
    """
    found: dict[int, str] = {}
    programme = ""
    for entry in entries:
        if entry.kind in ON_RECORD:
            found.setdefault(entry.body["version"], entry.body["check_value"])
            programme = programme or entry.body["programme"]
    if not found:
        return None
    return MadeWith(programme, tuple(found[version] for version in sorted(found)))


def known(lake: MadeWith | None, store: MadeWith | None) -> MadeWith | None:
    """What lake and store say together: either may be older than the other, or not there.

    Raises UnusableConfiguration where they contradict each other.
    """
    if lake is None or store is None:
        return lake or store
    if lake.begins(store):
        return store
    if store.begins(lake):
        return lake
    raise UnusableConfiguration(
        "lake/ and stewardship.sqlite were made with different keys or for different programmes; "
        "put back those that belong together, from one backup."
    )


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """What is to be said of one version of the keys."""

    version: int
    place: str
    state: KeyState


def compared(
    keys: Sequence[Key], programme: str, known: MadeWith | None, *, missing: str = "secrets/key-{}"
) -> list[KeyFinding]:
    """What is to be said of each version that is there or should be.

    `known` says which keys are the right ones; without it none can be wrong. `missing` is how the
    place of a key that is not there is said.
    """
    by_version = {key.version: key for key in keys}
    expected = known.version if known else 0
    findings = []
    for version in range(1, max([1, expected, *by_version]) + 1):
        key = by_version.get(version)
        if key is None:
            state = KeyState.MISSING
        elif known is None:
            state = KeyState.NOTHING_TO_COMPARE
        elif version > expected:
            state = KeyState.NOT_TAKEN_UP
        elif hmac.compare_digest(key.check_value(programme), known.check_values[version - 1]):
            state = KeyState.RIGHT
        else:
            state = KeyState.WRONG
        place = key.place if key else missing.format(version)
        findings.append(KeyFinding(version, place, state))
    return findings


def must_be_right(keys: Sequence[Key], programme: str, known: MadeWith | None) -> None:
    """Refuse keys that are not those of `known`, and another programme; UnusableConfiguration."""
    must_be_of(programme, known)
    for finding in compared(keys, programme, known):
        sentence = _REFUSALS.get(finding.state)
        if sentence is not None:
            raise UnusableConfiguration(sentence.format(place=finding.place))


def must_be_of(programme: str, known: MadeWith | None) -> None:
    """Refuse a programme that was renamed since; UnusableConfiguration."""
    if known is not None and known.programme != programme:
        raise UnusableConfiguration(
            f"programme.yaml calls the programme {programme}, but the pseudonyms here were made "
            f"for {known.programme} and depend on that name; call it {known.programme} again, or "
            "begin another programme in a home folder of its own."
        )


_REFUSALS = {
    KeyState.MISSING: (
        "{place} is missing; restore it from its backup, since " + _A_NEW_PERSON + "."
    ),
    KeyState.WRONG: (
        "{place} is not the key that the pseudonyms here were made with; restore that one from its "
        "backup, since " + _A_NEW_PERSON + "."
    ),
    KeyState.NOT_TAKEN_UP: (
        "{place} is there, but the pseudonyms here were not carried on by it; run `muster key "
        "rotate`, which does that, or take the key away."
    ),
}

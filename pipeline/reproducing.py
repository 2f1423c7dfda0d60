"""Making a release again from the lake, to see whether it comes out as it was.

What belongs here: the state of that day, worked out beside the home; comparing contents by hash;
and saying what changed since. What stays out: how a release is made (`releasing.py`), the account
of what it is made from (`pipeline/publishing/provenance.py`) and what a person is told
(`pipeline/commands/release.py`).

The lake knows the day on which everything was received, and the stewardship store that of every
decision, so `as_of` and `known_at` give that state back on any later day. What a release printed
depends on the releases before it as well: it is made with what the one before it left, which lies
in memberships/.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.definitions import build_defs
from pipeline.orchestration.launch import failure_of, instance_of, run_here
from pipeline.privacy.disclosure.audit import Progress
from pipeline.privacy.disclosure.control import Unsafe
from pipeline.privacy.disclosure.rules import RULES
from pipeline.programme import UnusableConfiguration
from pipeline.publishing.provenance import changed_since, content_hash
from pipeline.publishing.release import Release
from pipeline.releasing import account_of, audited, names_of_releases
from pipeline.storage import locks
from pipeline.storage.aside import home_aside
from pipeline.storage.home import Home
from pipeline.storage.releases import read_manifest
from pipeline.vocabulary import EntryKind

_NEEDED: Final = ("as_of", "made_at", "programme", "tables", "inputs", "code", "software", "rules")

_COUNTING: Final = frozenset(
    {
        EntryKind.LEFT_PROGRAMME,
        EntryKind.COLLECTION_STOPPED,
        EntryKind.LINK_JUDGED,
        EntryKind.TEXT_JUDGED,
    }
)
"""Acts that decide what counts, beside erasures."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A release beside the same made again."""

    release: str
    differing: tuple[str, ...]
    """Tables whose contents are others."""
    changed: tuple[str, ...]
    """Sentences on what is not as it was then, whether it made a difference or not."""
    refused: bool = False
    """The audit did not pass, so there is nothing to compare."""

    @property
    def identical(self) -> bool:
        return not self.differing


def reproduce(
    home: Home,
    manifest: Path,
    waiting: Callable[[], None],
    progress: Progress | None = None,
) -> Compared:
    """Make the release of a manifest again and compare every table of it.

    `waiting` is called if a run has to be waited for. Nothing in the home is changed. Raises
    UnusableConfiguration where the manifest is none of this home's, what the release before it left
    is lost, or the state of that day cannot be worked out.
    """
    then = _manifest(home, manifest)
    earlier = _earlier(home, then)
    as_of, known_at = _dates(then)
    with ExitStack() as aside:
        with locks.held(home.lock, waiting):
            home.recover()
            there = aside.enter_context(home_aside(home))
        _work_out(there, as_of, known_at)
        now = account_of(home, there.warehouse, RULES)
        changed = (*_entered_since(home, then, known_at), *changed_since(then, now))
        try:
            release = audited(home, there.warehouse, as_of, earlier, progress)
        except Unsafe:
            return Compared(then["release"], tuple(then["tables"]), changed, refused=True)
    return Compared(then["release"], _differing(then, release), changed)


def _work_out(home: Home, as_of: date, known_at: date) -> None:
    """Everything after intake, anew."""
    with instance_of(home.root, in_files=True) as instance:
        result = run_here(build_defs(home.root, as_of, known_at), instance, home, [])
    if not result.success:
        raise UnusableConfiguration(
            f"The state of that day cannot be worked out: {failure_of(result)}"
        )


def _manifest(home: Home, path: Path) -> dict[str, Any]:
    then = read_manifest(path)
    if missing := [name for name in _NEEDED if name not in then]:
        raise UnusableConfiguration(
            f"{path.parent.name}: manifest.json does not say {', '.join(missing)}; it is of an "
            "older Muster, which could not make a release again."
        )
    if then["programme"] != home.programme.programme:
        raise UnusableConfiguration(
            f"{path.parent.name} is a release of the programme {then['programme']}, and this home "
            f"is of {home.programme.programme}; --home says where the other one is."
        )
    return then


def _earlier(home: Home, then: Mapping[str, Any]) -> list[str]:
    """The releases that came before, by name; the one of the manifest need not be here itself."""
    earlier = names_of_releases(home)[: int(then["number"]) - 1]
    before = then["previous"]["release"] if then["previous"] else None
    if (earlier[-1] if earlier else None) != before or len(earlier) != then["number"] - 1:
        raise UnusableConfiguration(
            f"{then['release']} was made after {before}, which this home does not know as the "
            "release before it; put stewardship.sqlite and memberships/ back from where it was "
            "made, since what a release prints depends on those before it."
        )
    return earlier


def _dates(then: Mapping[str, Any]) -> tuple[date, date]:
    """As of which day, and what had been received by which."""
    known_at = then["known_at"] or then["made_at"]
    return date.fromisoformat(then["as_of"]), date.fromisoformat(known_at[:10])


def _differing(then: Mapping[str, Any], release: Release) -> tuple[str, ...]:
    now = {name: content_hash(frame) for name, frame in release.tables.items()}
    return tuple(
        name
        for name in dict.fromkeys([*then["tables"], *now])
        if then["tables"].get(name, {}).get("sha256") != now.get(name)
    )


def _entered_since(home: Home, then: Mapping[str, Any], known_at: date) -> Iterator[str]:
    """What was put on record after the release was made and reaches back to its day."""
    made_at = datetime.fromisoformat(then["made_at"])
    entries = home.stewardship.entries()
    erased = sum(e.kind is EntryKind.ERASED and e.entered_at > made_at for e in entries)
    if erased:
        yield f"Withdrawals: {erased} erased since, of whom nothing is left to count"
    same_day = sum(
        e.entered_at > made_at and e.entered_at.date() <= known_at and e.kind in _COUNTING
        for e in entries
    )
    if same_day:
        yield f"Entered after the release was made, on a day that counts: {same_day} acts on record"
    decided = sum(
        d.decided_at > made_at and d.decided_at.date() <= known_at
        for d in home.stewardship.decisions()
    )
    if decided:
        yield f"Decided after the release was made, on a day that counts: {decided} decisions"

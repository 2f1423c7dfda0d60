"""Bringing the lake of a home to object storage, to another bucket, or back to the home folder.

What belongs here: the order of the steps. What stays out: what a lake is (`lake.py`) and what the
places do (`objects.py`, `remote.py`).

All is copied and read again before `lake.yaml` says the new place, and what it was copied from goes
after that. Killed before, the lake lies where it lay, and the same command begins again. Buckets
that a move has to do with are put down first: of a killed one, rows are left in a bucket where no
erasure and no rotation would look for them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic
from pipeline.storage.home import Home
from pipeline.storage.lake import Lake
from pipeline.storage.objects import LocalObjects, Objects, in_parts
from pipeline.storage.remote import (
    LAKE_FILE,
    LakeSettings,
    parse_lake_settings,
    remote_objects,
)

_AT_A_TIME: Final = 100
_OF_A_LAKE: Final = re.compile(r"(v\d+/)?(submissions/.+|key-checks\.json|erased\.json)")
"""Beside these the home folder's `lake/` has what never leaves this machine."""
_BESIDE: Final = ".lake-beside"
_NEXT: Final = "---\n"
"""As YAML parts documents."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How much was moved, and where to."""

    files: int
    size: int
    place: str


def move(home: Home, to: LakeSettings | None) -> Moved:
    """Bring the lake to another place, the home folder if none is given.

    Only for the one who holds the home's lock. Raises UnusableConfiguration where the lake lies
    there already, where other files lie, or where the place cannot be used.
    """
    left = empty_beside(home, going_on_to=to)
    here, now = LocalObjects(home.root / "lake"), home.lake_settings
    place = to.place if to else "lake/ in the home folder"
    target = remote_objects(to) if to else here
    left_here = _files_of(here)
    if now == to and not (to and left_here):
        if left:
            return Moved(0, 0, place)
        raise UnusableConfiguration(f"the lake lies at {place} already.")
    # A move that was killed once the new place counted has left what it was copied from.
    source = here if now is None or now == to else remote_objects(now)
    if to and _are_one(source, target):
        # A region was added, or the place is written otherwise: removing would remove the lake.
        home.remember_place(to)
        atomic.write_bytes(home.root / LAKE_FILE, to.written().encode("utf-8"))
        return Moved(0, 0, place)
    Lake(source).recover()
    files, size = 0, 0
    names = _files_of(source)
    there = _files_of(target)
    strangers = there.keys() - names.keys()
    if to and now != to:
        # Every lake calls its record of keys alike; what a killed move had copied is the same.
        strangers |= {name for name in there if not _same(source, target, [name])}
    if strangers and not (now == to and _same(source, target, list(names))):
        raise UnusableConfiguration(
            f"{place} has {len(strangers)} files that are not of this lake; choose a place with "
            "nothing in it."
        )
    _put_down_beside(home, [settings for settings in (now, to) if settings])
    for some in in_parts(list(names), _AT_A_TIME):
        contents = dict(zip(some, _read(source, some), strict=True))
        target.put(contents)
        if _read(target, some) != list(contents.values()):
            raise UnusableConfiguration(
                f"{place} does not give back what was put there; nothing was changed."
            )
        files, size = files + len(some), size + sum(map(len, contents.values()))
    for folder in {name.partition("/")[0] for name in names if "/" in name}:
        target.settle(folder)
    home.remember_place(to)
    if to:
        atomic.write_bytes(home.root / LAKE_FILE, to.written().encode("utf-8"))
    else:
        atomic.remove(home.root / LAKE_FILE)
    source.remove(list(names))
    atomic.remove(home.root / _BESIDE)
    return Moved(files, size, place)


def empty_beside(home: Home, *, going_on_to: LakeSettings | None = None) -> int:
    """Remove what killed moves left in buckets where the lake does not lie; returns how many files.

    Only for the one who holds the home's lock. What was copied to `going_on_to` stays, since the
    move goes on. Raises UnusableConfiguration where a bucket cannot be used, or has the lake of
    others by now.
    """
    noted, in_use = buckets_beside(home), (home.lake_settings, going_on_to)
    removed = 0
    for settings in noted:
        if settings in in_use or _is_the_lakes(home, settings):
            continue
        objects = remote_objects(settings)
        keys, theirs = home.lake.made_with(), Lake(objects).made_with()
        if theirs and not (keys and keys.go_on_from(theirs)):
            raise UnusableConfiguration(
                f"a move that was killed had to do with {settings.place}, where another lake lies "
                f"by now; see that nothing of this one is there, then remove {_BESIDE} from the "
                "home folder."
            )
        names = list(_files_of(objects))
        objects.remove(names)
        removed += len(names)
    _put_down_beside(home, [settings for settings in noted if settings in in_use])
    return removed


def buckets_beside(home: Home) -> list[LakeSettings]:
    """Buckets of a move that was killed, that of the lake among them perhaps."""
    try:
        text = (home.root / _BESIDE).read_text("utf-8")
    except FileNotFoundError:
        return []
    return [parse_lake_settings(each) for each in text.split(_NEXT)]


def _is_the_lakes(home: Home, settings: LakeSettings) -> bool:
    """Whether the lake lies there under another spelling, which its settings may have got since."""
    now = home.lake_settings
    return now is not None and _are_one(remote_objects(now), remote_objects(settings))


def _put_down_beside(home: Home, buckets: Sequence[LakeSettings]) -> None:
    """Keep which buckets a move has to do with, if any is not that of the lake."""
    if all(settings == home.lake_settings for settings in buckets):
        atomic.remove(home.root / _BESIDE)
    else:
        text = _NEXT.join(settings.written() for settings in buckets)
        atomic.write_bytes(home.root / _BESIDE, text.encode("utf-8"))


def _files_of(objects: Objects) -> dict[str, int]:
    return {n: size for n, size in objects.listed("").items() if _OF_A_LAKE.fullmatch(n)}


def _are_one(source: Objects, target: Objects) -> bool:
    """Whether what is put into the one is found in the other: one place has many spellings."""
    name = f"moving-{uuid4().hex}"
    target.put({name: name.encode("ascii")})
    try:
        return source.contents([name]) != [None]
    finally:
        target.remove([name])


def _same(one: Objects, other: Objects, names: Sequence[str]) -> bool:
    return all(one.contents(some) == other.contents(some) for some in in_parts(names, _AT_A_TIME))


def _read(objects: Objects, names: Sequence[str]) -> list[bytes]:
    sources = objects.sources(names)
    return [source if isinstance(source, bytes) else source.read_bytes() for source in sources]

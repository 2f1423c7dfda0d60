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
"""As YAML parts documents; a line of its own."""


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
    left = empty_beside(home)
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
    below = _below(source, target) if to else None
    if to and below == "":
        # A region was added, or the place is written otherwise: removing would remove the lake.
        home.remember_place(to)
        atomic.write_bytes(home.root / LAKE_FILE, to.written().encode("utf-8"))
        return Moved(0, 0, place)
    if _is_of_a_lake(below):
        # What is copied there would be taken for the lake's own from the first file on.
        raise UnusableConfiguration(f"{place} is a part of this lake; choose another place.")
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


def empty_beside(home: Home) -> int:
    """Remove what killed moves left in buckets where the lake does not lie; returns how many files.

    Only for the one who holds the home's lock. Raises UnusableConfiguration where a bucket cannot
    be used, or has by now what this lake has not.
    """
    noted = [settings for settings in buckets_beside(home) if settings != home.lake_settings]
    removed = 0
    for settings in noted:
        try:
            removed += _emptied(home, settings)
        except UnusableConfiguration as refusal:
            raise UnusableConfiguration(
                f"{refusal} A move that was killed had to do with {settings.place}; where nothing "
                f"of this lake is left there, remove {_BESIDE} from the home folder."
            ) from None
    atomic.remove(home.root / _BESIDE)
    return removed


def buckets_beside(home: Home) -> list[LakeSettings]:
    """Buckets of a move that was killed, that of the lake among them perhaps."""
    try:
        text = (home.root / _BESIDE).read_text("utf-8")
        return [parse_lake_settings(each) for each in re.split(f"(?m)^{_NEXT}", text)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, UnusableConfiguration):
        raise UnusableConfiguration(
            f"{_BESIDE} cannot be read; see that a move that was killed left nothing of this lake "
            "in a bucket where it does not lie, then remove the file from the home folder."
        ) from None


def _emptied(home: Home, settings: LakeSettings) -> int:
    """Remove what a killed move left in a bucket, if the lake has all of it."""
    objects, now = remote_objects(settings), home.lake_settings
    if now and _is_of_a_lake(_below(objects, remote_objects(now))):
        # The lake itself: its place is written otherwise since.
        return 0
    left, lake = Lake(objects), _in_use(home)
    keys, theirs = lake.made_with(), left.made_with()
    if theirs and not (keys and theirs.begins(keys)):
        raise UnusableConfiguration(f"another lake lies at {settings.place} by now.")
    # By their bytes, since a source may have been given another name meanwhile.
    if _read_by(left) - _read_by(lake):
        raise UnusableConfiguration(
            f"{settings.place} has submissions that this lake has not; see that {LAKE_FILE} says "
            "where the lake lies."
        )
    names = list(_files_of(objects))
    objects.remove(names)
    return len(names)


def _in_use(home: Home) -> Lake:
    """The lake where its settings say, though a killed move has left some of it at home too."""
    here, settings = Lake(LocalObjects(home.root / "lake")), home.lake_settings
    return Lake(remote_objects(settings)) if settings and here.holds_anything() else home.lake


def _read_by(lake: Lake) -> set[tuple[str, str]]:
    """Organisation and hash of the files whose rows a lake has."""
    return {(r.organisation, r.sha256) for r in lake.records() if r.rows_read is not None}


def _put_down_beside(home: Home, buckets: Sequence[LakeSettings]) -> None:
    """Keep which buckets a move has to do with."""
    text = _NEXT.join(settings.written() for settings in buckets)
    atomic.write_bytes(home.root / _BESIDE, text.encode("utf-8"))


def _files_of(objects: Objects) -> dict[str, int]:
    return {n: size for n, size in objects.listed("").items() if _OF_A_LAKE.fullmatch(n)}


def _below(place: Objects, other: Objects) -> str | None:
    """What the names of one place begin with in another: nothing where they are one place, which
    has many spellings; None where the one is not in the other.
    """
    name = f"moving-{uuid4().hex}"
    other.put({name: name.encode("ascii")})
    try:
        found = [there for there in place.listed("") if there.endswith(name)]
    finally:
        other.remove([name])
    return found[0].removesuffix(name) if found else None


def _is_of_a_lake(below: str | None) -> bool:
    """Whether files of a lake that lies below there are called as those of the lake around it."""
    return below is not None and _OF_A_LAKE.fullmatch(f"{below}submissions/one") is not None


def _same(one: Objects, other: Objects, names: Sequence[str]) -> bool:
    return all(one.contents(some) == other.contents(some) for some in in_parts(names, _AT_A_TIME))


def _read(objects: Objects, names: Sequence[str]) -> list[bytes]:
    sources = objects.sources(names)
    return [source if isinstance(source, bytes) else source.read_bytes() for source in sources]

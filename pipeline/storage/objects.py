"""Files under names: what the lake asks of the place it lies in, and a folder as such a place.

What belongs here: the few acts that a lake is made of, and how this machine's disk does them. What
stays out: what the files mean (`lake.py`), and object storage (`remote.py`).

Only single files are put whole. No act moves or replaces several at once, since object storage has
none; so whatever counts is named by one file, which is put last.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Protocol, TypeVar

from pipeline.storage import atomic

T = TypeVar("T")

_PARQUET = b"PAR1"


class Objects(Protocol):
    """Files by name, such as `submissions/one/submission.json`; a name that begins with a dot, or
    has a part that does, is nobody's.

    `below` is a part of names up to a `/`, without it; empty for all.
    """

    def listed(self, below: str) -> dict[str, int]:
        """Bytes of every file below, by its whole name."""
        ...

    def folders(self, below: str) -> list[str]:
        """The next part of the names of what lies below, where it is not their last."""
        ...

    def sources(self, names: Sequence[str]) -> list[Path | bytes]:
        """What the files can be read from: where each lies, or what it holds.

        Raises FileNotFoundError for one that is not there, if only as it is read.
        """
        ...

    def contents(self, names: Sequence[str]) -> list[bytes | None]:
        """What the files hold; None for one that is not there or cannot be read."""
        ...

    def is_whole(self, name: str, size: int, listed: Mapping[str, int]) -> bool:
        """Whether a Parquet file has that many bytes and its end, going by what was listed."""
        ...

    def put(self, files: Mapping[str, bytes]) -> None:
        """Put each of the files whole, in the place of one of its name.

        They outlive a power cut once `settle` was called, and as they are or cut short before.
        """
        ...

    def settle(self, below: str) -> None:
        """Let all that was put below outlive a power cut."""
        ...

    def commit(self, name: str, content: bytes) -> None:
        """Put one file that outlives a power cut from now on."""
        ...

    def remove(self, names: Collection[str]) -> None:
        """Remove files; one that is not there is removed already."""
        ...

    def remove_below(self, below: str) -> None:
        """Remove all below, whatever its names."""
        ...

    def recover(self, below: str) -> int:
        """Remove what killed writers left below that has no name; returns how much it was."""
        ...


class LocalObjects:
    """Files of one folder of this machine. One process at a time writes to a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self, below: str) -> dict[str, int]:
        found: dict[str, int] = {}
        left = [below]
        while left:
            folder = left.pop()
            for entry in self._entries(folder):
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir():
                    left.append(name)
                else:
                    # It may be removed between two looks.
                    with suppress(FileNotFoundError):
                        found[name] = entry.stat().st_size
        return found

    def folders(self, below: str) -> list[str]:
        return [entry.name for entry in self._entries(below) if entry.is_dir()]

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder / folder) as entries:
                return [entry for entry in entries if not entry.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def sources(self, names: Sequence[str]) -> list[Path | bytes]:
        return [self._folder / name for name in names]

    def contents(self, names: Sequence[str]) -> list[bytes | None]:
        root = str(self._folder)
        return [_content(f"{root}/{name}") for name in names]

    def is_whole(self, name: str, size: int, listed: Mapping[str, int]) -> bool:
        return listed.get(name) == size and is_whole_parquet(self._folder / name, size)

    def put(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.temporary(path.parent, path.suffix) as written:
                written.write_bytes(content)
                written.replace(path)

    def settle(self, below: str) -> None:
        if (self._folder / below).is_dir():
            atomic.flush_all(self._folder / below)

    def commit(self, name: str, content: bytes) -> None:
        atomic.write_bytes(self._folder / name, content)

    def remove(self, names: Collection[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
        for folder in {(self._folder / name).parent for name in names}:
            # As on object storage, what holds nothing is not there.
            with suppress(OSError):
                for empty in (folder, *folder.parents):
                    if empty == self._folder:
                        break
                    empty.rmdir()

    def remove_below(self, below: str) -> None:
        rmtree(self._folder / below, ignore_errors=True)

    def recover(self, below: str) -> int:
        left = atomic.recover(self._folder / below)
        for name in self.folders(below):
            # One that was killed at its first file; as on object storage, it is not there.
            with suppress(OSError):
                (self._folder / below / name).rmdir()
        return left


def is_whole_parquet(path: Path, size: int) -> bool:
    """Whether a file has its size and a Parquet file's last bytes, which a power cut leaves out."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_PARQUET), 2)
            return file.read() == _PARQUET and file.tell() == size
    except (OSError, ValueError):
        return False


def in_parts(each: Sequence[T], at_a_time: int) -> Iterator[Sequence[T]]:
    """The same in their order, no more than so many at a time."""
    for first in range(0, len(each), at_a_time):
        yield each[first : first + at_a_time]


def parquet_below(names: Iterable[str]) -> list[str]:
    """Those of the names that frames have."""
    return [name for name in names if name.endswith(".parquet")]


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path takes as long as it
            return file.read()
    except OSError:
        return None

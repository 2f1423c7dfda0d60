"""A home beside the home, in which a past state can be worked out without touching anything.

What belongs here: making and removing it. What stays out: what is worked out there. It has the
submissions, keys, settings and decisions of its home and nothing that follows from them; landing is
not there, so nothing can be read or taken in.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.storage import atomic
from pipeline.storage.home import Home

_TAKEN_ALONG: Final = ("secrets", "sources")


@contextmanager
def home_aside(home: Home) -> Iterator[Home]:
    """A private copy in the home folder, gone when the block ends; for who holds the home's lock
    until this has been entered.

    Files are shared with the home, which never writes into one that is there. What stages made is
    to be worked out again, not to be taken at its word, so it is not taken along.
    """
    with atomic.temporary_folder(home.root) as root:
        for folder in _TAKEN_ALONG:
            if (home.root / folder).is_dir():
                shutil.copytree(
                    home.root / folder,
                    root / folder,
                    ignore=_unfinished,
                    copy_function=_shared,
                )
        for folder in ("lake", "dagster", "releases"):
            (root / folder).mkdir(mode=0o700)
        for name, source in home.lake.everything():
            _put(source, root / "lake" / name)
        shutil.copyfile(home.root / "programme.yaml", root / "programme.yaml")
        home.stewardship.backup(root / "stewardship.sqlite")
        yield Home(root)


def _put(source: Path | bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, bytes):
        target.write_bytes(source)
    else:
        _shared(str(source), str(target))


def _unfinished(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}


def _shared(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        # Another file system, or one without links.
        shutil.copy2(source, target)

"""Who is at work on a home folder: locks that the operating system lets go of with the process.

What belongs here: taking, waiting for and looking at a lock. What stays out: what is done under
it. A file that merely says `locked` would outlive a killed process; the lock on it does not.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS_BETWEEN_TRIES = 0.1


@contextmanager
def held(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock `path` while the block runs; waits for whoever holds it.

    `waiting` is called once if there is somebody to wait for. A process that is started meanwhile
    and told to keep open files (`close_fds=False`) holds the lock too, until it ends. Raises
    OSError where the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _taken(handle):
            if waiting is not None:
                waiting()
                waiting = None
            time.sleep(_SECONDS_BETWEEN_TRIES)
        os.set_inheritable(handle, True)
        yield
    finally:
        # Closing lets the lock go. The file stays: another may wait for it by this very name.
        os.close(handle)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock; a moment later somebody may."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _taken(handle)
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

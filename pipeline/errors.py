"""What may be said of an error whose message could quote a cell: its kind and its place, and of
what the operating system refused, why.

What stays out: Dagster (`pipeline/orchestration/guard.py`), and Muster's own sentences.
"""

import errno
import os
import sqlite3
from pathlib import Path

_ROOMS = frozenset({"pipeline", "assets", "checks"})


def place_of(error: BaseException) -> str:
    """Kind of an error and the last line of Muster's own code that it passed."""
    place = "an unknown place"
    step = error.__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if _ROOMS & {path.parent.name, path.parent.parent.name}:
            place = f"{path.parent.name}/{path.name} line {step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__} at {place}"


_REFUSALS = {
    errno.ENOSPC: "the disk is full; make room and run again",
    errno.EDQUOT: "the disk quota is used up; make room and run again",
    errno.EFBIG: "a file would be larger than this account may write; raise its limit",
    errno.EACCES: "permission denied; let Muster write to the home folder and read landing",
    errno.EPERM: "permission denied; let Muster write to the home folder and read landing",
    errno.EROFS: "the home folder lies on a disk that can only be read; mount it for writing",
    errno.EMFILE: "too many files are open at once; raise the limit of open files",
    errno.ENOENT: "a file or folder vanished during the run; run again",
}
_PASSING = frozenset(
    {
        errno.EIO,
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ENOLCK,
        errno.ENFILE,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ECONNRESET,
    }
)
"""What a network share says while it is away for a moment."""


_OF_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}
"""What SQLite, which keeps Dagster's history, makes of the same refusals."""


_WITHOUT_A_NUMBER = frozenset({"IOException", "ComputeError"})
"""Errors of DuckDB and Polars that hand on what the operating system said only as its words."""


def refusal_of(error: BaseException) -> str | None:
    """Why the operating system refused something and what to do; None for any other error.

    Made from the error's number, or from words of the operating system that stand for one: its
    message names a file, and file names name people. An error that was raised because of a refusal
    counts as one.
    """
    cause: BaseException | None = error
    while cause is not None:
        number = None
        if isinstance(cause, OSError):
            number = cause.errno
        elif isinstance(cause, sqlite3.Error):
            # The extended code's lowest byte is the kind of failure.
            number = _OF_SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        elif type(cause).__name__ in _WITHOUT_A_NUMBER:
            said = str(cause)
            number = next((n for n in _REFUSALS if os.strerror(n) in said), None)
        if number is not None:
            return _REFUSALS.get(number) or os.strerror(number).lower()
        cause = cause.__cause__ or cause.__context__
    return None


def may_pass(error: BaseException) -> bool:
    """Whether the same again, a little later, may well succeed."""
    return isinstance(error, OSError) and error.errno in _PASSING

"""Runs `muster` commands over and over without importing all of it each time; dies where told to.

Reads one request a line (JSON) and answers one line. Each run is a fork of this process, which has
imported all and used nothing, so a fork has no threads to lose. It has the environment and the
folder that it is given, and judges itself, where a command would start a process for that, unless
it spreads intake over processes. It waits for no file to be still. Where a run dies:

    null             nowhere
    ["write", n]     before its n-th change of the home folder that Python makes: a file opened
                     for writing, renamed or removed, a folder made
    ["table", n, s]  s seconds after DuckDB began to fill its n-th table
    ["after", s]     s seconds after it began
    ["spread", s]    the same, with intake spread over two processes
"""

import atexit
import io
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: F401
    from great_expectations.expectations.core import (  # noqa: F401
        expect_column_values_to_be_between,
        expect_column_values_to_not_be_null,
    )

    import pipeline.definitions
    import pipeline.orchestration.launch
    import pipeline.status
    import pipeline.storage.erasing  # noqa: F401
    from pipeline import cli
    from pipeline.orchestration import liveness, processes, state
    from pipeline.storage import warehouse

T = TypeVar("T")
R = TypeVar("R")

_MOST_SECONDS = 600
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate"}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_in(seconds: float) -> None:
    def wait() -> None:
        time.sleep(seconds)
        _die()

    threading.Thread(target=wait, daemon=True).start()


def _watch(home: str, last: int | None, count: list[int]) -> None:
    """Count changes of the home folder; the `last` one is not made."""

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = (mode and mode[0] in "wax") or flags & (os.O_WRONLY | os.O_RDWR)
            changes = writes and isinstance(path, str | os.PathLike)
        else:
            changes = event in _CHANGES
            path = arguments[0] if arguments else ""
        if changes and str(path).startswith(home):
            count[0] += 1
            if count[0] == last:
                _die()

    sys.addaudithook(hook)


def _die_at_table(number: int, seconds: float) -> None:
    fill, filled = warehouse._fill, [0]

    def counting(*arguments) -> None:
        filled[0] += 1
        if filled[0] == number:
            _die_in(seconds)
        fill(*arguments)

    warehouse._fill = counting


class _JudgeHere(Generic[T, R]):
    """In place of a process that imports Great Expectations anew for every run."""

    def __init__(self, function: Callable[[T], R], get_ready: Callable[[], object]) -> None:
        self._function = function
        get_ready()

    def __call__(self, item: T) -> R:
        return self._function(item)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


def _run(request: dict[str, Any], out: int, printed: tuple[int, int]) -> None:
    count = [0]
    dies = request["dies"]
    signal.alarm(_MOST_SECONDS)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.stdin = io.StringIO(request["typed"])
    sys.argv = ["muster", *request["arguments"]]
    for stream, taken in zip((1, 2), printed, strict=True):
        os.dup2(taken, stream)
    match dies:
        case ["table", number, seconds]:
            _die_at_table(number, seconds)
        case ["after", seconds]:
            _die_in(seconds)
        case ["spread", seconds]:
            processes.WORTH_IT = 1
            _die_in(seconds)
    if not dies or dies[0] != "spread":
        processes.Ahead = _JudgeHere  # type: ignore[assignment, misc]
    state.SECONDS_STILL = liveness._SECONDS_AFTER_ITS_LOCK = 0.0
    _watch(
        request["environment"]["MUSTER_HOME"],
        dies[1] if dies and dies[0] == "write" else None,
        count,
    )
    code = 0
    try:
        cli.main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(out, json.dumps({"code": code, "writes": count[0]}).encode())
    atexit._run_exitfuncs()
    os._exit(0)


def _text(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), encoding="utf-8") as printed:
        return printed.read()


def main() -> None:
    answers = os.dup(1)
    for line in sys.stdin:
        request = json.loads(line)
        into, out = os.pipe()
        began = time.monotonic()
        with tempfile.TemporaryFile() as said_out, tempfile.TemporaryFile() as said_err:
            printed = said_out.fileno(), said_err.fileno()
            child = os.fork()
            if child == 0:
                os.close(into)
                _run(request, out, printed)
            os.close(out)
            said = b""
            while part := os.read(into, 65536):
                said += part
            os.close(into)
            _, status = os.waitpid(child, 0)
            answer = json.loads(said) if said else {"code": None, "writes": None}
            answer["out"], answer["err"] = map(_text, printed)
        answer["killed"] = os.WIFSIGNALED(status)
        answer["seconds"] = time.monotonic() - began
        os.write(answers, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main()

"""Runs `muster` commands over and over without importing all of it each time; dies where told to.

Reads one request a line (JSON) and answers one line. Each run is a fork of this process, which has
imported all and used nothing, so a fork has no threads to lose. Where a run dies:

    null             nowhere
    ["write", n]     before its n-th change of the home folder that Python makes: a file opened
                     for writing, renamed or removed, a folder made
    ["table", n, s]  s seconds after DuckDB began to fill its n-th table
    ["after", s]     s seconds after it began
    ["spread", s]    the same, with intake spread over two processes
"""

import io
import json
import os
import signal
import sys
import threading
import time
import warnings

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


def _run(home: str, arguments: list[str], typed: str, dies: list | None, out: int) -> None:
    count = [0]
    sys.stdin = io.StringIO(typed)
    os.environ["MUSTER_HOME"] = home
    state.SECONDS_STILL = liveness._SECONDS_AFTER_ITS_LOCK = 0.0
    sys.argv = ["muster", *arguments]
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    match dies:
        case ["table", number, seconds]:
            _die_at_table(number, seconds)
        case ["after", seconds]:
            _die_in(seconds)
        case ["spread", seconds]:
            processes.WORTH_IT = 1
            _die_in(seconds)
    _watch(home, dies[1] if dies and dies[0] == "write" else None, count)
    code = 0
    try:
        cli.main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    os.write(out, json.dumps({"code": code, "writes": count[0]}).encode())
    os._exit(0)


def main() -> None:
    answers = os.dup(1)
    for line in sys.stdin:
        request = json.loads(line)
        into, out = os.pipe()
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            os.close(into)
            _run(*(request["home"], request["arguments"], request["typed"]), request["dies"], out)
        os.close(out)
        said = b""
        while part := os.read(into, 65536):
            said += part
        os.close(into)
        _, status = os.waitpid(child, 0)
        answer = json.loads(said) if said else {"code": None, "writes": None}
        answer["killed"] = os.WIFSIGNALED(status)
        answer["seconds"] = time.monotonic() - began
        os.write(answers, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main()

"""`muster` in forks of a process that has imported all of it: half of what a small run takes.

What stays out: what that process does (`run_server.py`).
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

AS_OF = "2025-09-01"
RUN = ("run", "--as-of", AS_OF)
_PROJECT = Path(__file__).parents[2]


class RunServer:
    """`run_server.py` as a process that this one talks to."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "run_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_PROJECT,
            env={**os.environ, "PYTHONPATH": str(_PROJECT)},
        )

    def run(
        self,
        home: Path,
        dies: list[Any] | None = None,
        arguments: Sequence[str] = RUN,
        typed: str = "",
    ) -> dict[str, Any]:
        """What came of a command: code, out, err, writes, killed, seconds.

        `typed` is what it finds on standard input.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "environment": {**os.environ, "MUSTER_HOME": str(home), "COLUMNS": "200"},
            "folder": str(Path.cwd()),
            "dies": dies,
            "arguments": list(arguments),
            "typed": typed,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@cache
def run_server() -> RunServer:
    """One for all tests of this process."""
    server = RunServer()
    atexit.register(server.close)
    return server

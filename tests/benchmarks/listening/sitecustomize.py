"""Writes down which files a process opens below a folder; put on PYTHONPATH to be imported first.

MUSTER_LISTEN_BELOW is the folder, MUSTER_LISTEN_TO the file that gets one path a line. Files that
compiled libraries open by themselves are not heard; landing files are only ever opened by Python.
"""

import os
import sys

_BELOW = os.environ["MUSTER_LISTEN_BELOW"]
_TO = os.open(os.environ["MUSTER_LISTEN_TO"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.fsdecode(arguments[0])
        if path.startswith(_BELOW):
            os.write(_TO, f"{path}\n".encode())


sys.addaudithook(_hear)

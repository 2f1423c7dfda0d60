"""`muster up` as a process of its own, and whether anything of it is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.orchestration.serve import HOST

SECONDS_TO_END = 90

CAN_LIST_PROCESSES = Path("/proc/self/stat").exists()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def stat(pid: int) -> tuple[int, str, str] | None:
    """Parent, state and start of a process; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], fields[19]


def descendants(pid: int) -> dict[int, str]:
    """Children, their children and so on, with their start, by which a process is known."""
    running = {int(p.name): stat(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()}
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child, about in running.items():
            if about and about[0] == parent and child not in found:
                found[child] = about[2]
                waiting.append(child)
    return found


def alive(processes: dict[int, str]) -> list[int]:
    return [
        pid
        for pid, start in processes.items()
        if (about := stat(pid)) and about[2] == start and about[1] != "Z"
    ]


def ended(processes: dict[int, str], seconds: float = SECONDS_TO_END) -> bool:
    """Whether all of them are gone before long."""
    deadline = time.monotonic() + seconds
    while alive(processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextmanager
def up(home: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`muster up` in a session of its own; whatever it leaves is ended by its id."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "up", "--port", str(port), *more],
        env={**os.environ, "MUSTER_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        left = descendants(process.pid)
        for pid in (process.pid, *alive(left)):
            if process.poll() is None or pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        process.communicate()


@contextmanager
def desk_of(home: Path) -> Iterator[str]:
    """`muster desk` of a home as a process of its own; its address."""
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "desk", "--port", str(port)],
        env={**os.environ, "MUSTER_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Open ")
    yield f"http://{HOST}:{port}"
    process.terminate()
    process.communicate(timeout=60)

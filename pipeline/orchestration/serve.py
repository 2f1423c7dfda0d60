"""Dagster's page and daemon together, on loopback, started and stopped as one; the desk too.

What stays out: what they run (`pipeline/definitions.py`).
"""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from os import environ, getpid
from pathlib import Path
from types import FrameType

from pipeline.orchestration import tied
from pipeline.orchestration.launch import PROJECT, dagster_environment, instance_of
from pipeline.storage import locks

HOST = "127.0.0.1"
_SECONDS_TO_START = 120
_SECONDS_TO_STOP = 20
_TIED = (sys.executable, "-I", "-S", tied.__file__)
"""Starts a program that does not outlive this process, however this one ends."""


class ServerFailed(Exception):
    """The page or the daemon ended by itself; the message says which."""


def serve(
    home: Path, port: int, when_ready: Callable[[str], None], desk_port: int | None = None
) -> None:
    """Run page and daemon until interrupted; raises ServerFailed if one ends by itself.

    With `desk_port` the steward's desk runs beside them, a process of its own like the others.
    """
    _must_be_free(port, "--port")
    if desk_port is not None:
        _must_be_free(desk_port, "--desk-port")
    environment = {**environ, **dagster_environment(home)}
    with ExitStack() as running:
        # Two daemons on one home would each ask for the same runs.
        running.enter_context(locks.held(home / "dagster" / ".up", _refuse))
        with instance_of(home):
            pass  # It makes the tables of a new home, which page and daemon would both begin with.
        _serve(port, environment, when_ready, desk_port)


def _refuse() -> None:
    raise ServerFailed("another `muster up` is at work on this home; end that one first")


def _serve(
    port: int,
    environment: dict[str, str],
    when_ready: Callable[[str], None],
    desk_port: int | None,
) -> None:
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    commands = {
        "page": ["dagster-webserver", *workspace, "-h", HOST, "-p", str(port)],
        "daemon": ["dagster-daemon", "run", *workspace],
    }
    ready = {f"http://{HOST}:{port}": "/server_info"}
    if desk_port is not None:
        commands["desk"] = ["muster", "desk", "--port", str(desk_port)]
        ready[f"http://{HOST}:{desk_port}"] = "/sign-in"
    with _stopping_on_signals(), _running(commands, environment) as processes:
        for address, page in ready.items():
            _wait_until_ready(f"{address}{page}", processes)
            when_ready(address)
        while True:
            _all_must_run(processes)
            time.sleep(0.5)


def _must_be_free(port: int, option: str) -> None:
    """Something else on the port would answer as if it were the page."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ServerFailed(
                f"port {port} is taken; `muster up {option}` chooses another"
            ) from None


@contextmanager
def _running(
    commands: dict[str, list[str]], environment: dict[str, str]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, (program, *arguments) in commands.items():
            beside_python = Path(sys.executable).parent / program
            processes[name] = subprocess.Popen(
                [*_TIED, str(getpid()), str(beside_python), *arguments],
                env=environment,
                # Not the project folder, whose .env is for bare `dagster` commands.
                cwd=environment["MUSTER_HOME"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            try:
                process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """Let a polite end (systemd's SIGTERM) take the same way out as Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_until_ready(address: str, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        _all_must_run(processes)
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise ServerFailed(f"the page did not answer within {_SECONDS_TO_START} seconds")


def _all_must_run(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise ServerFailed(f"the {name} ended by itself (exit code {process.returncode})")

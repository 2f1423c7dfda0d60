"""Dagster's page and daemon with one code server, on loopback, started and stopped as one; the
desk too.

What stays out: what they run (`pipeline/definitions.py`).
"""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from os import environ, getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Self

from pipeline.orchestration import tied
from pipeline.orchestration.launch import dagster_environment, instance_of
from pipeline.storage import atomic, locks

HOST = "127.0.0.1"
_LOCATION = "muster"
"""What workspace.yaml calls the definitions; what Dagster keeps about them goes by this name."""
_WORKSPACE = "workspace.yaml"
"""In Dagster's folder of the home; the daemon reads it again and again. JSON is YAML as well."""
_SECONDS_TO_START = 120
_SECONDS_TO_STOP = 20
_SECONDS_FOR_NO_RUN = 3
_CODE_SERVER = "code server"
_TIED = (sys.executable, "-I", "-S", tied.__file__)
"""Starts a program that does not outlive this process, however this one ends."""


class ServerFailed(Exception):
    """One of the processes ended by itself; the message says which."""


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
    with (
        _stopping_on_signals(),
        # In a folder of its own: a socket's path must be short, and nobody else may ask for runs.
        TemporaryDirectory(prefix="muster-", ignore_cleanup_errors=True) as folder,
        _Processes(environment) as processes,
    ):
        code, leads_there = Path(folder, "code"), Path(environment["MUSTER_DAGSTER"], _WORKSPACE)
        location = {"socket": str(code), "location_name": _LOCATION}
        text = json.dumps({"load_from": [{"grpc_server": location}]})
        atomic.write_bytes(leads_there, text.encode("utf-8"))
        _start_code_server(code, processes)
        workspace = ["-w", str(leads_there)]
        processes.start("page", "dagster-webserver", *workspace, "-h", HOST, "-p", str(port))
        processes.start("daemon", "dagster-daemon", "run", *workspace)
        ready = {f"http://{HOST}:{port}": "/server_info"}
        if desk_port is not None:
            processes.start("desk", "muster", "desk", "--port", str(desk_port))
            ready[f"http://{HOST}:{desk_port}"] = "/sign-in"
        for address, page in ready.items():
            _wait_until("the page", partial(_answers, f"{address}{page}"), processes)
            when_ready(address)
        while True:
            processes.must_all_run()
            time.sleep(0.5)


def _start_code_server(address: Path, processes: "_Processes") -> None:
    """Start what holds the definitions for page and daemon, and wait until it can be asked.

    Left to themselves each of them starts one, and the daemon another one every minute.
    """
    processes.start(
        _CODE_SERVER,
        *("dagster", "api", "grpc", "--socket", str(address), "--location-name", _LOCATION),
        *("--module-name", "pipeline.definitions", "--empty-working-directory"),
    )
    _wait_until(f"the {_CODE_SERVER}", address.exists, processes)


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


class _Processes:
    """Processes that run beside each other and are ended together."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, program: str, *arguments: str) -> None:
        beside_python = Path(sys.executable).parent / program
        self._running[name] = subprocess.Popen(
            [*_TIED, str(getpid()), str(beside_python), *arguments],
            env=self._environment,
            # Not the project folder, whose .env is for bare `dagster` commands.
            cwd=self._environment["MUSTER_HOME"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def must_all_run(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ServerFailed(f"the {name} ended by itself (exit code {process.returncode})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.terminate()
        for name, process in reversed(self._running.items()):
            try:
                # A code server waits for its runs, which go on to their end without it as well.
                process.wait(_SECONDS_TO_STOP if name != _CODE_SERVER else _SECONDS_FOR_NO_RUN)
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


def _wait_until(what: str, is_ready: Callable[[], bool], processes: _Processes) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        processes.must_all_run()
        if is_ready():
            return
        time.sleep(0.1)
    raise ServerFailed(f"{what} did not answer within {_SECONDS_TO_START} seconds")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
            return True
    except (urllib.error.URLError, OSError):
        return False

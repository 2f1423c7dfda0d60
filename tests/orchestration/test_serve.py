"""`muster up`: the page answers on loopback, and nothing outlives a polite end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.orchestration import serve as serving
from pipeline.orchestration.serve import HOST, ServerFailed, serve

SECONDS_TO_START = 120
SECONDS_TO_END = 30
QUERY = """{
  assetNodes { assetKey { path } dependencyKeys { path } isPartitioned }
  workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { ... on PythonError { message } }
  } } }
}"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _stat(pid: int) -> tuple[int, str, str] | None:
    """Parent, state and start of a process; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], fields[19]


def _descendants(pid: int) -> dict[int, str]:
    """Children, their children and so on, with their start, by which a process is known."""
    running = {int(p.name): _stat(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()}
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child, about in running.items():
            if about and about[0] == parent and child not in found:
                found[child] = about[2]
                waiting.append(child)
    return found


def _alive(processes: dict[int, str]) -> list[int]:
    return [
        pid
        for pid, start in processes.items()
        if (about := _stat(pid)) and about[2] == start and about[1] != "Z"
    ]


def _ended(processes: dict[int, str]) -> bool:
    deadline = time.monotonic() + SECONDS_TO_END
    while _alive(processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextmanager
def _up(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`muster up` in a session of its own; whatever it leaves is ended by its id."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "up", "--port", str(port)],
        env={**os.environ, "MUSTER_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        left = _descendants(process.pid)
        for pid in (process.pid, *_alive(left)):
            if process.poll() is None or pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def _ask(port: int, query: str) -> dict:
    request = urllib.request.Request(
        f"http://{HOST}:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc lists processes")
def test_page_and_daemon_start_show_every_stage_and_end_together(home):
    port = _free_port()
    with _up(home.root, port) as muster:
        assert muster.stdout.readline().startswith("Starting")
        assert muster.stdout.readline().startswith(f"Open http://127.0.0.1:{port} ")

        found = _ask(port, QUERY)["data"]
        nodes = found["assetNodes"]
        graph = {
            node["assetKey"]["path"][0]: {key["path"][0] for key in node["dependencyKeys"]}
            for node in nodes
        }
        assert graph == {
            "intake": set(),
            "profiles": {"intake"},
            "verdicts": {"profiles"},
            "accepted": {"verdicts"},
            "scores": {"accepted"},
            "ledger": {"scores"},
            "evaluation": {"ledger"},
            "accounting": {"accepted"},
            "warehouse": {"accounting", "evaluation"},
        }, found["workspaceOrError"]
        assert [n["assetKey"]["path"] for n in nodes if n["isPartitioned"]] == [["intake"]]
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=30) as page:
            assert b"dagster" in page.read().lower()
        _is_on_loopback_only(port)

        children = _descendants(muster.pid)
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children]
        for program in (b"dagster-webserver", b"dagster-daemon"):
            assert any(program in command for command in commands), program
        muster.send_signal(signal.SIGTERM)
        assert muster.wait(SECONDS_TO_END) == 0
        assert muster.stdout.read() == "Stopped.\n"
        assert _ended(children), "a process outlived `muster up`"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((HOST, port), timeout=5)


def _is_on_loopback_only(port: int) -> None:
    """No line of the kernel's table of listeners has the port on another address."""
    listening = [
        line.split()[1].split(":")[0]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port
    ]
    assert listening == ["0100007F"]


def _program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A stand-in for the folder that Dagster's commands are started from."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(serving.sys, "executable", str(folder / "python"))
    return folder


def test_a_page_that_cannot_start_is_said_at_once(home, programs):
    _program(programs, "dagster-webserver", "exit 1")
    _program(programs, "dagster-daemon", "exec sleep 60")
    with pytest.raises(ServerFailed, match=r"the page ended by itself \(exit code 1\)"):
        serve(home.root, _free_port(), lambda url: pytest.fail("it was never ready"))


def test_dagsters_tables_are_there_before_page_and_daemon_start(home, programs):
    """Both would make those of a new home, and now and then each makes half of them."""
    look = f"find \"$MUSTER_DAGSTER\" -name '*.db' > {programs}/found; exit 1"
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, look)
    with pytest.raises(ServerFailed):
        serve(home.root, _free_port(), lambda url: None)
    found = {Path(line).name for line in (programs / "found").read_text().splitlines()}
    assert found >= {"runs.db", "index.db", "schedules.db"}


def test_a_polite_end_before_the_page_is_ready_ends_both(home, programs):
    for name in ("dagster-webserver", "dagster-daemon"):
        polite = f"trap 'touch {programs}/{name}.bye; exit 0' TERM; echo $$ > {programs}/{name}.pid"
        _program(programs, name, f"{polite}; for _ in $(seq 600); do sleep 0.1; done")

    def end() -> None:
        pids = [programs / f"dagster-{name}.pid" for name in ("webserver", "daemon")]
        while not all(pid.exists() and pid.read_text() for pid in pids):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    serve(home.root, _free_port(), lambda url: pytest.fail("it was never ready"))
    ending.join()
    for pid in programs.glob("*.pid"):
        assert _stat(int(pid.read_text())) is None
        assert pid.with_suffix(".bye").exists(), "it was given time to end by itself"


def test_where_the_daemon_ends_the_page_ends_too(home, programs):
    _program(programs, "dagster-webserver", f"echo $$ > {programs}/page.pid; exec sleep 60")
    _program(programs, "dagster-daemon", f"until [ -s {programs}/page.pid ]; do :; done; exit 3")
    with pytest.raises(ServerFailed, match=r"the daemon ended by itself \(exit code 3\)"):
        serve(home.root, _free_port(), lambda url: pytest.fail("it was never ready"))
    assert _stat(int((programs / "page.pid").read_text())) is None


def test_a_process_that_ignores_a_polite_end_is_ended_all_the_same(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_STOP", 0.2)
    deaf = f"trap '' TERM; echo $$ > {programs}/page.pid; for _ in $(seq 600); do sleep 0.1; done"
    _program(programs, "dagster-webserver", deaf)
    _program(programs, "dagster-daemon", f"until [ -s {programs}/page.pid ]; do :; done; exit 1")
    with pytest.raises(ServerFailed, match="the daemon ended"):
        serve(home.root, _free_port(), lambda url: None)
    assert _stat(int((programs / "page.pid").read_text())) is None


def test_a_page_that_never_answers_is_given_up(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_START", 0.5)
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, "exec sleep 60")
    with pytest.raises(ServerFailed, match="did not answer within"):
        serve(home.root, _free_port(), lambda url: None)


def test_the_handler_of_polite_ends_is_put_back(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_START", 0)
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, "exec sleep 60")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ServerFailed):
        serve(home.root, _free_port(), lambda url: None)
    assert signal.getsignal(signal.SIGTERM) is before

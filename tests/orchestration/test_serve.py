"""`muster up`: the page answers on loopback, and nothing outlives a polite end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from serving import (
    CAN_LIST_PROCESSES,
    SECONDS_TO_END,
    descendants,
    ended,
    free_port,
    stat,
    up,
)

from pipeline.orchestration import serve as serving
from pipeline.orchestration.serve import HOST, ServerFailed, serve
from pipeline.storage import locks

PYTHON = sys.executable
QUERY = """{
  assetNodes { assetKey { path } dependencyKeys { path } isPartitioned }
  workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { ... on PythonError { message } }
  } } }
}"""


def _ask(port: int, query: str) -> dict:
    request = urllib.request.Request(
        f"http://{HOST}:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.skipif(not CAN_LIST_PROCESSES, reason="/proc lists processes")
def test_page_and_daemon_start_show_every_stage_and_end_together(home):
    port = free_port()
    with up(home.root, port) as muster:
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
            "answers": {"ledger"},
            "evaluation": {"ledger", "answers"},
            "accounting": {"accepted"},
            "comments": {"accepted"},
            "early_warehouse": {"accounting", "comments", "evaluation"},
            "models": {"early_warehouse"},
            "warehouse": {"models"},
            "notices": {"warehouse"},
        }, found["workspaceOrError"]
        assert [n["assetKey"]["path"] for n in nodes if n["isPartitioned"]] == [["intake"]]
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=30) as page:
            assert b"dagster" in page.read().lower()
        _is_on_loopback_only(port)

        children = descendants(muster.pid)
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children]
        for program in (b"dagster-webserver", b"dagster-daemon"):
            assert any(program in command for command in commands), program
        muster.send_signal(signal.SIGTERM)
        assert muster.wait(SECONDS_TO_END) == 0
        assert muster.stdout.read() == "Stopped.\n"
        assert ended(children), "a process outlived `muster up`"
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
        serve(home.root, free_port(), lambda url: pytest.fail("it was never ready"))


def test_dagsters_tables_are_there_before_page_and_daemon_start(home, programs):
    """Both would make those of a new home, and now and then each makes half of them."""
    look = f"find \"$MUSTER_DAGSTER\" -name '*.db' > {programs}/found; exit 1"
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, look)
    with pytest.raises(ServerFailed):
        serve(home.root, free_port(), lambda url: None)
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
    serve(home.root, free_port(), lambda url: pytest.fail("it was never ready"))
    ending.join()
    for pid in programs.glob("*.pid"):
        assert stat(int(pid.read_text())) is None
        assert pid.with_suffix(".bye").exists(), "it was given time to end by itself"


def test_where_the_daemon_ends_the_page_ends_too(home, programs):
    _program(programs, "dagster-webserver", f"echo $$ > {programs}/page.pid; exec sleep 60")
    _program(programs, "dagster-daemon", f"until [ -s {programs}/page.pid ]; do :; done; exit 3")
    with pytest.raises(ServerFailed, match=r"the daemon ended by itself \(exit code 3\)"):
        serve(home.root, free_port(), lambda url: pytest.fail("it was never ready"))
    assert stat(int((programs / "page.pid").read_text())) is None


def test_a_process_that_ignores_a_polite_end_is_ended_all_the_same(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_STOP", 0.2)
    deaf = f"trap '' TERM; echo $$ > {programs}/page.pid; for _ in $(seq 600); do sleep 0.1; done"
    _program(programs, "dagster-webserver", deaf)
    _program(programs, "dagster-daemon", f"until [ -s {programs}/page.pid ]; do :; done; exit 1")
    with pytest.raises(ServerFailed, match="the daemon ended"):
        serve(home.root, free_port(), lambda url: None)
    assert stat(int((programs / "page.pid").read_text())) is None


_SERVING = """
import sys
from pathlib import Path
from pipeline.orchestration.serve import serve
sys.executable = sys.argv[1]
serve(Path(sys.argv[2]), int(sys.argv[3]), lambda url: None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_where_muster_is_killed_page_and_daemon_are_told_to_end(home, programs):
    for name in ("dagster-webserver", "dagster-daemon"):
        polite = f"trap 'touch {programs}/{name}.bye; exit 0' TERM; echo $$ > {programs}/{name}.pid"
        _program(programs, name, f"{polite}; for _ in $(seq 600); do sleep 0.1; done")
    pids = [programs / f"dagster-{name}.pid" for name in ("webserver", "daemon")]
    command = [PYTHON, "-W", "ignore", "-c", _SERVING]
    muster = subprocess.Popen([*command, programs / "python", home.root, str(free_port())])
    while not all(pid.exists() and pid.read_text() for pid in pids):
        assert muster.poll() is None
        time.sleep(0.05)
    children = descendants(muster.pid)
    muster.kill()
    muster.wait()
    assert ended(children, seconds=10)
    assert all(pid.with_suffix(".bye").exists() for pid in pids), "they may end as they like to"


def test_a_page_that_never_answers_is_given_up(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_START", 0.5)
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, "exec sleep 60")
    with pytest.raises(ServerFailed, match="did not answer within"):
        serve(home.root, free_port(), lambda url: None)


def test_the_handler_of_polite_ends_is_put_back(home, programs, monkeypatch):
    monkeypatch.setattr(serving, "_SECONDS_TO_START", 0)
    for name in ("dagster-webserver", "dagster-daemon"):
        _program(programs, name, "exec sleep 60")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ServerFailed):
        serve(home.root, free_port(), lambda url: None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_house_on_one_home_is_refused_whatever_its_port(home, programs):
    with (
        locks.held(home.dagster / ".up"),
        pytest.raises(ServerFailed, match="another `muster up` is at work on this home"),
    ):
        serve(home.root, free_port(), lambda url: pytest.fail("it was never ready"))

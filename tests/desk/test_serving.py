"""The desk as a process: on loopback alone, ended politely, and beside Dagster's page."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from desk_home import add_account, hidden, made_home
from serving import CAN_LIST_PROCESSES, SECONDS_TO_END, descendants, ended, free_port, up

from pipeline.desk.attempts import PER_ADDRESS
from pipeline.storage.home import Home
from pipeline.vocabulary import Role


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = made_home(tmp_path / "home")
    add_account(home, "a.steward", Role.STEWARD)
    return home


@contextmanager
def desk(home: Home, port: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "desk", "--port", str(port)],
        env={**os.environ, "MUSTER_HOME": str(home.root), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert (
            process.stdout.readline() == f"Open http://127.0.0.1:{port}  (Ctrl-C stops the desk)\n"
        )
        yield process
    finally:
        process.kill()
        process.communicate()


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def status_line(answer: bytes) -> bytes:
    return answer.split(b"\r\n", 1)[0]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_on_loopback_and_ends_when_it_is_told_to(
    home: Home, how: signal.Signals
) -> None:
    port = free_port()
    with desk(home, port) as process:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=60) as page:
            assert b"Sign in" in page.read()
            assert "server" not in {name.lower() for name in page.headers}
        listening = [
            line.split()[1].split(":")[0]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port
        ]
        assert listening == ["0100007F"]
        process.send_signal(how)
        assert process.wait(SECONDS_TO_END) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "Stopped.\n"
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_what_no_browser_sends_is_refused_on_the_wire(home: Home) -> None:
    port = free_port()
    host = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n".encode()
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    with desk(home, port):
        # The 100 MB are announced and never sent: whoever waited for them would time out.
        large = b"POST /sign-in HTTP/1.1\r\n" + host + form + b"Content-Length: 104857600\r\n\r\n"
        assert b" 413 " in status_line(raw(port, large))
        chunked = b"POST /sign-in HTTP/1.1\r\n" + host + form
        chunked += b"Transfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n0\r\n\r\n"
        assert b" 411 " in status_line(raw(port, chunked))
        for path in (b"/static/../../../etc/passwd", b"/../../../../etc/passwd", b"//etc/passwd"):
            answer = raw(port, b"GET " + path + b" HTTP/1.1\r\n" + host + b"\r\n")
            assert b" 404 " in status_line(answer), path
        rebound = b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        assert b" 421 " in status_line(raw(port, rebound))


def test_nobody_gets_more_guesses_by_saying_that_they_come_from_elsewhere(home: Home) -> None:
    port = free_port()
    with desk(home, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

        def guessed(n: int) -> int:
            elsewhere = {"X-Forwarded-For": f"10.0.0.{n}"}
            form = hidden(client.get("/sign-in", headers=elsewhere))
            form |= {"name": f"name-{n}", "password": "a wrong password"}
            return client.post("/sign-in", data=form, headers=elsewhere).status_code

        assert [guessed(n) for n in range(PER_ADDRESS)] == [403] * PER_ADDRESS
        assert guessed(PER_ADDRESS) == 429


@pytest.mark.skipif(not CAN_LIST_PROCESSES, reason="/proc lists processes")
def test_muster_up_starts_it_where_somebody_may_sign_in(home: Home, tmp_path: Path) -> None:
    port, desk_port = free_port(), free_port()
    with up(home.root, port, "--desk-port", str(desk_port)) as muster:
        assert muster.stdout is not None
        assert "and the desk" in muster.stdout.readline()
        opened = {muster.stdout.readline().split()[1] for _ in range(2)}
        assert opened == {f"http://127.0.0.1:{port}", f"http://127.0.0.1:{desk_port}"}
        with urllib.request.urlopen(f"http://127.0.0.1:{desk_port}/sign-in", timeout=60) as page:
            assert page.status == 200
        children = descendants(muster.pid)
        muster.send_signal(signal.SIGTERM)
        assert muster.wait(SECONDS_TO_END) == 0
        assert ended(children), "a process outlived `muster up`"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", desk_port), timeout=5)

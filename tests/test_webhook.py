"""Telling a webhook once of each file: one that takes, refuses, redirects, hangs, is not there."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from homes import Muster
from small_programme import PROGRAMME

from pipeline import posting
from pipeline.notices import MOST_NAMED, TOKEN, Held, call, parse_notices, parse_webhook
from pipeline.notifying import WEBHOOK, Told, call_webhook, notify, told_before
from pipeline.programme import UnusableConfiguration
from pipeline.storage.home import Home

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ONE = Held("simulated-force-01--answers--000000000001", "simcanary.csv", "held", "simcanary rows")
TWO = Held("simulated-force-01--answers--000000000002", "answers.csv", "rejected", "most rows")
SECRET = "simcanarysecret"


class _Hook(ThreadingHTTPServer):
    def __init__(self, status: int, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.seconds = status, seconds
        self.signs = 0
        """Of a header, each a moment after the other."""
        self.asked: list[tuple[dict[str, Any], str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{SECRET}"


class _Answer(BaseHTTPRequestHandler):
    server: _Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((json.loads(body), self.headers["authorization"]))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.flush_headers()
        with suppress(OSError):
            for _ in range(self.server.signs):
                self.wfile.write(b"X")
                time.sleep(0.05)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hook(status: int = 200, seconds: float = 0) -> Iterator[_Hook]:
    with _Hook(status, seconds) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    return Home(tmp_path)


def told(home: Home, *held: Held, **environment: str) -> Told:
    found = call_webhook(home, held, NOW, environment)
    assert found is not None
    assert SECRET not in found.said
    return found


def test_each_file_is_told_of_once_and_mails_are_none_of_its_business(home: Home):
    with hook() as server:
        home.notices.write_text(f"webhook: {server.address}")
        assert told(home, ONE, **{TOKEN: "t0ken"}) == Told("Told the webhook of 1.")
        assert told(home, ONE).said.startswith("No call")
        assert told(home, ONE, TWO).said == "Told the webhook of 1."
    (first, token), (second, none) = server.asked
    assert token == "Bearer t0ken"
    assert none is None
    assert first == {
        "text": "Muster: 1 file waits for a steward.",
        "waiting": 1,
        "submissions": [{"submission_id": ONE.submission_id, "verdict": "held"}],
    }
    assert second["submissions"][0]["submission_id"] == TWO.submission_id
    assert "simcanary" not in json.dumps([first, second])
    assert told_before(home, WEBHOOK) == {ONE.submission_id, TWO.submission_id}
    assert told_before(home) == set()
    assert notify(home, [ONE], NOW, {}).said.endswith("names a webhook alone.")


@pytest.mark.parametrize(
    ("status", "seconds", "sentence"),
    [
        (500, 0, "the webhook answered with status 500"),
        (401, 0, "the webhook answered with status 401"),
        (302, 0, "the webhook answered with status 302"),
        (200, 1, "the webhook did not answer within"),
    ],
)
def test_a_failing_webhook_is_one_sentence_and_the_next_run_tries_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, status: int, seconds: float, sentence: str
):
    monkeypatch.setattr(posting, "SECONDS_TO_WAIT", 0.3)
    with hook(status, seconds) as server:
        home.notices.write_text(f"webhook: {server.address}")
        found = told(home, ONE)
        assert found.went_wrong
        assert sentence in found.said
        assert found.said.endswith("; the next run with work to do tries again.")
        assert len(server.asked) == 1, "a redirect was followed"
        assert told_before(home, WEBHOOK) == set()
        server.status, server.seconds = 204, 0
        assert not told(home, ONE).went_wrong


def test_a_webhook_that_answers_a_sign_at_a_time_keeps_no_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posting, "SECONDS_TO_WAIT", 0.2)
    with hook() as server:
        server.signs = 100
        home.notices.write_text(f"webhook: {server.address}")
        began = time.monotonic()
        assert "the webhook did not answer within" in told(home, ONE).said
        assert time.monotonic() - began < 3
        assert told_before(home, WEBHOOK) == set()
        server.signs = 0


def test_nobody_there_and_a_token_that_is_none(home: Home):
    home.notices.write_text(f"webhook: http://127.0.0.1:1/{SECRET}")
    assert "the webhook cannot be reached" in told(home, ONE).said
    found = told(home, ONE, **{TOKEN: "two\nlines"})
    assert "signs that no header takes" in found.said
    assert "two" not in found.said


@pytest.mark.parametrize(
    "address",
    [
        "http://chat.example/simcanarysecret",
        "ftp://127.0.0.1/simcanarysecret",
        "https://user:simcanarysecret@chat.example/",
        "https://:99999/simcanarysecret",
        "https://",
        "simcanarysecret",
        "[simcanarysecret]",
        "7",
    ],
)
def test_an_address_that_may_not_be_called_is_one_sentence_that_does_not_quote_it(
    home: Home, address: str
):
    home.notices.write_text(f"webhook: {address}")
    found = told(home, ONE)
    assert found.went_wrong
    assert "an https:// address without a user is expected" in found.said


def test_what_the_file_may_say():
    assert parse_webhook("host: a\n") is None
    assert parse_webhook("webhook: https://a.example/x") == "https://a.example/x"
    assert parse_notices("webhook: https://a.example/x") is None
    both = "webhook: https://a.example\nhost: a\nfrom: a@b.c\nto: [a@b.c]"
    assert parse_notices(both) is not None
    with pytest.raises(UnusableConfiguration, match="hook"):
        parse_notices("hook: https://a.example")


def test_of_very_many_the_first_are_named():
    said = call([ONE] * (MOST_NAMED + 7))
    assert said["waiting"] == MOST_NAMED + 7
    assert len(said["submissions"]) == MOST_NAMED


def test_the_command_says_so_and_tries_it(home: Home):
    muster = Muster(home.root)
    with hook() as server:
        home.notices.write_text(f"webhook: {server.address}")
        said = muster("review", "notices", "--test").stdout
        assert said == "A webhook is called; of 0 files it was told.\nCalled it with a test.\n"
        assert server.asked[0][0]["text"] == "Muster: a test."
        server.status = 500
        refused = muster("review", "notices", "--test", expected=2).stderr
    assert refused == "The test was not sent: the webhook answered with status 500.\n"


def test_without_a_webhook_there_is_nothing_to_say(home: Home):
    assert call_webhook(home, [ONE], NOW, {}) is None
    home.notices.write_text("host: a\nfrom: a@b.example\nto: [a@b.example]")
    assert call_webhook(home, [ONE], NOW, {}) is None

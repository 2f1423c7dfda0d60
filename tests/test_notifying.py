"""Telling stewards once of each file: against a mail server that takes, refuses, breaks, hangs."""

import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_programme import PROGRAMME
from smtp_server import MailServer, mail_server

from pipeline import posting
from pipeline.notices import PASSWORD, Held
from pipeline.notifying import Told, notify, told_before
from pipeline.storage.home import Home

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ONE = Held("simulated-force-01--answers--000000000001", "answers.csv", "held", "many rows")
TWO = Held("simulated-force-01--answers--000000000002", "answers.csv", "rejected", "most rows")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    return Home(tmp_path)


def configured(home: Home, port: int, *more: str) -> None:
    lines = [
        "host: 127.0.0.1",
        f"port: {port}",
        "from: muster@force.example",
        "to: [one@force.example, two@force.example]",
        *(more or ("tls: none",)),
    ]
    home.notices.write_text("\n".join(lines))


def told(home: Home, *held: Held, **environment: str) -> Told:
    return notify(home, held, NOW, environment)


def test_each_file_is_told_of_once(home: Home) -> None:
    with mail_server() as server:
        configured(home, server.port)
        first = told(home, ONE)
        again = told(home, ONE)
        both = told(home, ONE, TWO)
    assert (first.said, first.went_wrong) == ("Told 2 recipients by mail of 1.", False)
    assert again.said.startswith("No mail")
    assert both.said == "Told 2 recipients by mail of 1."
    assert len(server.mails) == 2
    assert ONE.submission_id in server.mails[0]
    assert ONE.submission_id not in server.mails[1]
    assert told_before(home) == {ONE.submission_id, TWO.submission_id}


def test_without_a_file_nothing_is_sent_and_nothing_is_wrong(home: Home) -> None:
    assert told(home, ONE) == Told("No mail is sent: there is no notices.yaml.")
    assert told_before(home) == set()


def test_where_nothing_waits_no_server_is_asked(home: Home) -> None:
    configured(home, 1)
    assert not told(home).went_wrong


@pytest.mark.parametrize(
    ("server", "more", "sentence"),
    [
        ({"refuses": frozenset({"AUTH"}), "offers": ("AUTH PLAIN",)}, ("user: u", "tls: none"),
         "the mail server refused user or password"),
        ({}, ("user: u", "tls: none"), "does not offer"),
        ({}, ("tls: starttls",), "does not offer"),
        ({}, ("tls: implicit",), "no encrypted connection"),
        ({"refuses": frozenset({"MAIL"})}, (), "the mail server refused the sender"),
        ({"refuses": frozenset({"DATA"})}, (), "broke off, or refused"),
        ({"refused_recipients": frozenset({"one@force.example", "two@force.example"})}, (),
         "refused every recipient"),
        *(({"hangs_up_at": verb}, (), "the mail server") for verb in ("EHLO", "MAIL", "DATA")),
        ({"silent": True}, (), "did not answer in time"),
    ],
)  # fmt: skip
def test_a_failing_server_is_one_sentence_and_the_next_run_tries_again(
    server: dict[str, Any],
    more: tuple[str, ...],
    sentence: str,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "SECONDS_TO_WAIT", 0.5 if "silent" in server else 10.0)
    with mail_server(**server) as running:
        configured(home, running.port, *more)
        failed = told(home, ONE, **{PASSWORD: "swordfish"})
    assert failed.went_wrong
    assert sentence in failed.said
    assert "tries again" in failed.said
    for private in ("force.example", "swordfish", "127.0.0.1"):
        assert private not in failed.said
    assert told_before(home) == set()
    with mail_server() as running:
        configured(home, running.port)
        assert not told(home, ONE).went_wrong


def test_a_server_that_is_not_there_is_one_sentence(home: Home) -> None:
    with mail_server() as server:
        port = server.port
    configured(home, port)
    assert "cannot be reached" in told(home, ONE).said


def test_a_recipient_who_is_refused_is_counted_and_the_others_are_told(home: Home) -> None:
    with mail_server(refused_recipients=frozenset({"two@force.example"})) as server:
        configured(home, server.port)
        said = told(home, ONE)
    assert said == Told("Told by mail of 1, but the server refused 1 of 2 recipients.", True)
    assert len(server.mails) == 1
    assert told_before(home) == {ONE.submission_id}


def test_an_unusable_file_is_one_sentence(home: Home) -> None:
    home.notices.write_text("host: [")
    said = told(home, ONE)
    assert said.went_wrong
    assert "notices.yaml line" in said.said
    home.notices.write_bytes(b"host: \xff\xfe")
    assert "save it as UTF-8" in told(home, ONE).said


def test_a_defect_of_its_own_is_told_by_its_place(home: Home) -> None:
    configured(home, 1)

    def broken(*_: object) -> int:
        raise ZeroDivisionError("PC 4711")

    said = notify(home, [ONE], NOW, {}, broken)
    assert said.went_wrong
    assert "ZeroDivisionError at " in said.said
    assert "4711" not in said.said


def test_who_dies_after_sending_tells_once_more_and_no_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with mail_server() as server:
        configured(home, server.port)
        with monkeypatch.context() as dying:
            dying.setattr("pipeline.storage.stewardship.Stewardship.enter", killed)
            with pytest.raises(Killed):
                told(home, ONE)
        told(home, ONE)
        told(home, ONE)
    assert len(server.mails) == 2


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, so there is no certificate to encrypt with")
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
         str(key), "-out", str(made)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context


def test_a_password_goes_over_an_encrypted_connection_alone(
    home: Home, certificate: ssl.SSLContext
) -> None:
    server: MailServer
    offers = ("STARTTLS", "AUTH PLAIN")
    with mail_server(context=certificate, offers=offers) as server:
        configured(home, server.port, "user: muster", "tls: starttls")
        assert told(home, ONE, **{PASSWORD: "swordfish"}) == Told("Told 2 recipients by mail of 1.")
    assert server.encrypted == [True]
    assert len(server.users) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(
    home: Home, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server(context=certificate, offers=("STARTTLS",)) as server:
        configured(home, server.port, "tls: starttls")
        said = told(home, ONE)
    assert "no encrypted connection" in said.said
    assert server.mails == []

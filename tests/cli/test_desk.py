"""`muster desk`: who may sign in, and what is refused in one sentence."""

import json
import os
import pty
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from small_programme import PROGRAMME

from pipeline.accounts import accounts_of
from pipeline.desk.passwords import is_right
from pipeline.storage.home import Home

PASSWORD = "three unrelated words"


@pytest.fixture
def here(home: Path) -> Home:
    here = Home(home)
    here.create(PROGRAMME)
    return here


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


def accounts(home: Home):
    return accounts_of(home.stewardship.account_changes())


def test_an_account_is_made_listed_closed_and_opened_again(muster, here, file) -> None:
    assert "muster desk add-steward NAME" in muster("desk", "list-stewards").out
    add = ("desk", "add-steward", "a.steward", "--password-file", str(file), "--steward", "chief")
    assert muster(*add).out == "a.steward may sign in at the desk as steward.\n"
    (account,) = accounts(here).values()
    assert is_right(PASSWORD, account.password_hash)
    assert not is_right(PASSWORD + " ", account.password_hash)
    assert PASSWORD.encode() not in (here.root / "stewardship.sqlite").read_bytes()

    again = muster(*add)
    assert (again.code, "There is such an account already" in again.err) == (2, True)
    assert muster(*add[:2], "A.Steward", *add[3:]).code == 2, "another spelling is no other name"

    closed = muster("desk", "disable-steward", "A.STEWARD")
    assert closed.code == 0
    assert muster("desk", "disable-steward", "a.steward").code == 2
    assert "closed" in muster("desk", "list-stewards").out
    assert muster(*add, "--role", "releaser").code == 0
    (listed,) = json.loads(muster("desk", "list-stewards", "--json").out)
    assert (listed["name"], listed["role"], listed["is_active"]) == ("a.steward", "releaser", True)
    assert [c.act for c in here.stewardship.account_changes()] == ["added", "disabled", "added"]
    assert here.stewardship.account_changes()[0].changed_by == "chief"


@pytest.mark.parametrize(
    "refused",
    [
        ("a steward", PASSWORD, "A name has letters"),
        ("<b>", PASSWORD, "A name has letters"),
        ("=cmd", PASSWORD, "A name has letters"),
        ("x" * 65, PASSWORD, "A name has letters"),
        ("Contract", PASSWORD, "nobody decided"),
        ("a.steward", "short", "12 characters or more"),
        ("a.steward", "x" * 257, "256 characters at most"),
        ("a.steward", "ababababababab", "different characters"),
        ("a.steward", "the A.Steward's words", "does not contain the name"),
    ],
)
def test_what_is_no_account(muster, here, file, refused: tuple[str, str, str]) -> None:
    name, password, sentence = refused
    file.write_text(password)
    said = muster("desk", "add-steward", name, "--password-file", str(file))
    assert said.code == 2
    assert sentence in said.err
    assert password not in said.err + said.out
    assert accounts(here) == {}


def test_a_password_file_that_is_none(muster, here, tmp_path) -> None:
    said = muster("desk", "add-steward", "a.steward", "--password-file", str(tmp_path / "none"))
    assert (said.code, "cannot be read" in said.err) == (2, True)


def test_a_password_is_asked_for_twice_and_not_shown(here: Home) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "desk", "add-steward", "a.steward"],
        env={**os.environ, "MUSTER_HOME": str(here.root)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen = b""
    # The space comes once the terminal shows nothing more of what is typed.
    for question in (b"Password: ", b"Repeat for confirmation: "):
        while question not in screen:
            assert select.select([ours], [], [], 60)[0], screen
            screen += os.read(ours, 1024)
        os.write(ours, f"{PASSWORD}\n".encode())
    assert process.wait(60) == 0
    os.close(ours)
    assert PASSWORD.encode() not in screen
    assert list(accounts(here)) == ["a.steward"]


def test_a_desk_that_nobody_could_enter_is_not_served(muster, here) -> None:
    said = muster("desk")
    assert (said.code, "Nobody can sign in yet" in said.err) == (2, True)


def test_a_port_that_is_taken(muster, here, file) -> None:
    muster("desk", "add-steward", "a.steward", "--password-file", str(file))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        said = muster("desk", "--port", port)
    assert (said.code, f"Port {port} is taken" in said.err) == (2, True)


def test_a_home_that_is_none(muster, home) -> None:
    assert muster("desk").code == 2
    assert not (home / "stewardship.sqlite").exists()

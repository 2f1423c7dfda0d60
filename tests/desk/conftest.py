"""The desk on one small home, with an account of each role. Hashing is cheap here, for speed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from desk_home import Browser, Served, add_account, made_home

from pipeline.desk import passwords
from pipeline.vocabulary import Role

NAMES = {
    "a.viewer": Role.VIEWER,
    "a.steward": Role.STEWARD,
    "b.steward": Role.STEWARD,
    "a.releaser": Role.RELEASER,
    "b.releaser": Role.RELEASER,
}


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", cheap)
    monkeypatch.setattr(passwords, "_NOBODYS", cheap.hash("nobody's"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    home = made_home(tmp_path / "home")
    for name, role in NAMES.items():
        add_account(home, name, role)
    served = Served(home)
    yield served
    served.desk.close()


@pytest.fixture
def steward(served: Served) -> Iterator[Browser]:
    with served.browser("a.steward") as browser:
        yield browser


@pytest.fixture
def viewer(served: Served) -> Iterator[Browser]:
    with served.browser("a.viewer") as browser:
        yield browser

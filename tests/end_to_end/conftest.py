"""Homes for tests of the whole way: the real `muster` command on real folders."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import PROJECT, SHARED, Muster


@pytest.fixture
def muster(tmp_path: Path) -> Muster:
    return Muster(tmp_path / "home")


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder with real exports and reference figures is not beside the project")
    return SHARED


@pytest.fixture
def from_example(tmp_path: Path) -> Callable[[str], Muster]:
    """A home made from one of the examples, with its folders and key."""

    def made(example: str) -> Muster:
        home = tmp_path / example
        shutil.copytree(PROJECT / "examples" / example, home)
        on_it = Muster(home)
        on_it("init")
        return on_it

    return made

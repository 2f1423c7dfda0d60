"""Homes for tests of the whole way: the real `muster` command on real folders."""

from pathlib import Path

import pytest
from homes import SHARED, Muster


@pytest.fixture
def muster(tmp_path: Path) -> Muster:
    return Muster(tmp_path / "home")


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder with real exports and reference figures is not beside the project")
    return SHARED

"""Who may read what is written: the owner, or the group that the home folder is open to."""

import os
import stat
from collections.abc import Iterator

import pytest

from pipeline.storage.access import keep_from_others, masked
from pipeline.storage.home import Home


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o700, 0o077),
        (0o750, 0o027),
        (0o2770, 0o027),
        # May enter, may not list: the group is not let in.
        (0o710, 0o077),
        # Everybody may enter: that was never decided.
        (0o755, 0o077),
        (0o777, 0o077),
        (0o751, 0o077),
    ],
)
def test_the_home_folder_says_who_may_read(tmp_path, mode, expected):
    tmp_path.chmod(mode)
    assert masked(tmp_path) == expected
    keep_from_others(tmp_path)
    (tmp_path / "file").write_text("")
    assert _mode(tmp_path / "file") == 0o666 & ~expected


def test_a_home_that_is_not_there_lets_nobody_in(tmp_path):
    assert masked(tmp_path / "nowhere") == 0o077


def test_a_tighter_mask_stays(tmp_path):
    tmp_path.chmod(0o750)
    os.umask(0o077)
    keep_from_others(tmp_path)
    (tmp_path / "file").write_text("")
    assert _mode(tmp_path / "file") == 0o600


def test_a_new_home_is_its_owners(tmp_path):
    home = Home(tmp_path / "deep" / "home")
    home.create("programme: new\n")
    assert _mode(home.root) == 0o700
    assert {_mode(home.root / name) for name in ("secrets", "lake", "dagster")} == {0o700}


def test_an_older_home_is_closed_by_the_next_writer(tmp_path):
    home = Home(tmp_path)
    home.create("programme: older\n")
    for name in ("lake", "memberships", "backups"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name).chmod(0o755)
    home.recover()
    assert {_mode(tmp_path / name) for name in ("lake", "memberships", "backups")} == {0o700}

"""Keys: missing, open to others, damaged, several versions; and never made twice."""

import stat

import pytest

from pipeline.programme import UnusableConfiguration
from pipeline.storage.keys import create_first_key, load_keys


def _key(folder, version: int, content: str | bytes, mode: int = 0o600):
    path = folder / f"key-{version}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_the_first_key_is_made_once_and_for_its_owner_only(tmp_path):
    folder = tmp_path / "secrets"
    assert create_first_key(folder, in_use=False)
    key = (folder / "key-1").read_bytes()
    assert not create_first_key(folder, in_use=False)
    assert (folder / "key-1").read_bytes() == key
    assert stat.S_IMODE((folder / "key-1").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["key-1"]


def test_two_homes_never_share_a_key(tmp_path):
    for name in ("one", "two"):
        create_first_key(tmp_path / name, in_use=False)
    (one,), (two,) = load_keys(tmp_path / "one"), load_keys(tmp_path / "two")
    assert one != two
    assert len(one) == len(two) == 32


def test_keys_are_loaded_oldest_first(tmp_path):
    for version in range(1, 13):
        _key(tmp_path, version, f"{version:02x}" * 32)
    assert load_keys(tmp_path) == tuple(bytes([version]) * 32 for version in range(1, 13))


def test_a_trailing_newline_from_an_editor_does_no_harm(tmp_path):
    _key(tmp_path, 1, "ab" * 32 + "\n")
    assert load_keys(tmp_path) == (b"\xab" * 32,)


def test_a_lost_key_is_not_replaced_while_pseudonyms_of_it_exist(tmp_path):
    with pytest.raises(UnusableConfiguration, match="every officer a new person"):
        create_first_key(tmp_path / "secrets", in_use=True)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_missing_key_is_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is missing; restore it"):
        load_keys(tmp_path / folder)


def test_a_later_key_does_not_stand_in_for_the_first(tmp_path):
    _key(tmp_path, 2, "ab" * 32)
    with pytest.raises(UnusableConfiguration, match="key-1 is missing"):
        load_keys(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o610, 0o666])
def test_a_key_open_to_others_is_refused(tmp_path, mode):
    _key(tmp_path, 1, "ab" * 32)
    assert len(load_keys(tmp_path)) == 1
    _key(tmp_path, 2, "cd" * 32, mode)
    with pytest.raises(UnusableConfiguration, match="secrets/key-2 can be read by others"):
        load_keys(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"ab" * 31, b"ab" * 33, b"zz" * 32, b"\xff" * 64, "é".encode() * 32, b"\x00" * 64],
    ids=["empty", "short", "long", "not hex", "not text", "not ascii", "zeroed by a power cut"],
)
def test_a_damaged_key_is_refused_and_never_shown(tmp_path, content):
    _key(tmp_path, 1, content)
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is not a key") as raised:
        load_keys(tmp_path)
    if content:
        assert content.decode("latin-1")[:8] not in str(raised.value)
    assert "restore it from its backup" in str(raised.value)

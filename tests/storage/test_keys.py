"""Keys: missing, open to others, damaged, several versions, twice; and never made twice."""

import stat

import pytest
from sound_keys import digits, secret

from pipeline.privacy.key_checks import weakness
from pipeline.programme import UnusableConfiguration
from pipeline.storage import keys
from pipeline.storage.keys import await_key, load_backup, settle_awaited


def create_first_key(folder, *, in_use: bool, environment=None) -> bool:
    return keys.create_first_key(folder, environment or {}, in_use=in_use)


def load_keys(folder, environment=None, *, in_force: int = 1) -> tuple[bytes, ...]:
    loaded = keys.load_keys(folder, environment or {}, in_force=in_force)
    assert [key.version for key in loaded] == sorted(key.version for key in loaded)
    return tuple(key.secret for key in loaded)


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
        _key(tmp_path, version, digits(f"{version:02x}"))
    assert load_keys(tmp_path) == tuple(secret(f"{version:02x}") for version in range(1, 13))


def test_a_trailing_newline_from_an_editor_does_no_harm(tmp_path):
    _key(tmp_path, 1, digits("ab") + "\n")
    assert load_keys(tmp_path) == (secret("ab"),)


def test_a_lost_key_is_not_replaced_while_pseudonyms_of_it_exist(tmp_path):
    with pytest.raises(UnusableConfiguration, match="every officer a new person"):
        create_first_key(tmp_path / "secrets", in_use=True)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_missing_key_is_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is missing; restore it"):
        load_keys(tmp_path / folder)


def test_a_later_key_is_not_followed_by_a_new_first_one(tmp_path):
    _key(tmp_path, 2, digits("ab"))
    with pytest.raises(UnusableConfiguration, match="key-1 is missing"):
        create_first_key(tmp_path, in_use=False)


def test_keys_may_come_from_the_environment(tmp_path):
    given = {
        "MUSTER_KEY_1": digits("ab"),
        "MUSTER_KEY_2": " " + digits("cd").upper() + "\n",
        "OTHER": "x",
    }
    assert load_keys(tmp_path, given) == (secret("ab"), secret("cd"))
    assert not create_first_key(tmp_path / "secrets", in_use=True, environment=given)
    assert not (tmp_path / "secrets").exists()
    _key(tmp_path, 1, digits("ab"))
    _key(tmp_path, 3, digits("ef"))
    assert load_keys(tmp_path, given) == (secret("ab"), secret("cd"), secret("ef"))


def test_a_file_and_the_environment_that_differ_are_refused(tmp_path):
    _key(tmp_path, 1, digits("ab"))
    sentence = r"^secrets/key-1 and MUSTER_KEY_1 are two different keys"
    with pytest.raises(UnusableConfiguration, match=sentence) as raised:
        load_keys(tmp_path, {"MUSTER_KEY_1": digits("cd")})
    assert "abab" not in str(raised.value)
    assert "cdcd" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "ab" * 31, "not a key"])
def test_a_damaged_key_of_the_environment_is_refused_even_beside_a_sound_file(tmp_path, text):
    _key(tmp_path, 1, digits("ab"))
    with pytest.raises(UnusableConfiguration, match=r"^MUSTER_KEY_1 is not a key of 32 bytes"):
        load_keys(tmp_path, {"MUSTER_KEY_1": text})


def test_keys_are_never_shown(tmp_path):
    _key(tmp_path, 1, digits("5a"))
    (key,) = keys.load_keys(tmp_path, {}, in_force=1)
    assert "secrets/key-1" in repr(key)
    assert "ZZ" not in repr(key)
    assert "5a5a" not in repr(key)


def test_an_awaited_key_counts_once_its_pseudonyms_are_in_force(tmp_path):
    _key(tmp_path, 1, digits("ab"))
    awaited = await_key(tmp_path, 2)
    assert awaited.place == "secrets/key-2"
    assert stat.S_IMODE((tmp_path / "next-key-2").stat().st_mode) == 0o600
    assert load_keys(tmp_path) == (secret("ab"),)
    assert load_keys(tmp_path, in_force=2) == (secret("ab"), awaited.secret)
    settle_awaited(tmp_path, in_force=2)
    assert load_keys(tmp_path, in_force=2) == (secret("ab"), awaited.secret)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key-1", "key-2"]


def test_an_awaited_key_goes_where_its_pseudonyms_never_came_into_force(tmp_path):
    _key(tmp_path, 1, digits("ab"))
    await_key(tmp_path, 2)
    (tmp_path / "next-key-notes").write_text("somebody's")
    settle_awaited(tmp_path, in_force=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key-1", "next-key-notes"]


def test_a_backup_may_lie_where_nobody_can_be_shut_out(tmp_path):
    """Sticks and shares often know no owner."""
    _key(tmp_path, 1, digits("ab"), 0o777)
    (key,) = load_backup(tmp_path)
    assert (key.place, key.secret) == ("backup/key-1", secret("ab"))
    _key(tmp_path, 2, "ab" * 31, 0o777)
    with pytest.raises(UnusableConfiguration, match=r"^backup/key-2 is not a key"):
        load_backup(tmp_path)
    with pytest.raises(UnusableConfiguration, match="no key in the backup folder"):
        load_backup(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o610, 0o666])
def test_a_key_open_to_others_is_refused(tmp_path, mode):
    _key(tmp_path, 1, digits("ab"))
    assert len(load_keys(tmp_path)) == 1
    _key(tmp_path, 2, digits("cd"), mode)
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


_NOT_RANDOM = {
    "all zeros": bytes(32),
    "one byte": b"\xab" * 32,
    "a short pattern": bytes.fromhex("deadbeef") * 8,
    "hexadecimal digits in order": bytes.fromhex("0123456789abcdef" * 4),
    "half a key, twice": secret("half")[:16] * 2,
    "a key and a half": (secret("half")[:15] * 3)[:32],
    "counted up": bytes(range(32)),
    "counted down by threes": bytes((-3 * i) % 256 for i in range(32)),
    "a sentence": b"correct horse battery staple 123",
    "a sample key": b"change-me-change-me-please-now-1",
    "eight random bytes, then zeros": secret("short")[:8] + bytes(24),
    "24 random bytes, then zeros": secret("short")[:24] + bytes(8),
    "few different bytes": (secret("few")[:5] + bytes(reversed(secret("few")[:9]))) * 2 + b"abcd",
}


@pytest.mark.parametrize("weak", _NOT_RANDOM.values(), ids=_NOT_RANDOM)
@pytest.mark.parametrize("in_environment", [False, True])
def test_a_key_that_could_be_guessed_is_refused(tmp_path, weak: bytes, in_environment: bool):
    given = {"MUSTER_KEY_1": weak.hex()} if in_environment else {}
    if not in_environment:
        _key(tmp_path, 1, weak.hex())
    place = "MUSTER_KEY_1" if in_environment else "secrets/key-1"
    with pytest.raises(UnusableConfiguration, match=f"^{place} could be guessed") as raised:
        load_keys(tmp_path, given)
    assert weak.hex()[:8] not in str(raised.value)


def test_random_keys_are_taken():
    # Hashes of numbers are as good as random, and the same every time.
    assert [weakness(secret(str(number))) for number in range(2_000)] == [None] * 2_000

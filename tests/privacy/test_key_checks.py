"""Check values against HMAC by hand, and which keys are refused with which sentence."""

import hmac
from datetime import UTC, datetime

import pytest

from pipeline.entries import Entry
from pipeline.privacy.key_checks import (
    Key,
    MadeWith,
    compared,
    known,
    made_with,
    must_be_right,
    on_record,
)
from pipeline.programme import UnusableConfiguration
from pipeline.vocabulary import EntryKind, KeyState

PROGRAMME = "supervision"


def key(version: int, byte: str = "") -> Key:
    secret = (byte or str(version)).encode() * 32
    return Key(version, f"secrets/key-{version}", secret)


ONE, TWO, THREE = (made_with([key(v) for v in range(1, n + 1)], PROGRAMME) for n in (1, 2, 3))
OTHER = made_with([key(1, "x")], PROGRAMME)


def test_a_known_check_value() -> None:
    fields = ("key check", PROGRAMME, "1")
    message = b"".join(len(f).to_bytes(4, "big") + f.encode() for f in fields)
    assert key(1).check_value(PROGRAMME) == hmac.new(b"1" * 32, message, "sha256").hexdigest()


def test_another_key_version_or_programme_has_another_check_value() -> None:
    values = {
        key(1).check_value(PROGRAMME),
        key(1, "x").check_value(PROGRAMME),
        key(2, "1").check_value(PROGRAMME),
        key(1).check_value("other"),
    }
    assert len(values) == 4


def test_keys_that_are_right_pass() -> None:
    must_be_right([key(1), key(2)], PROGRAMME, TWO)
    must_be_right([key(1)], PROGRAMME, None)


@pytest.mark.parametrize(
    ("keys", "expected", "sentence"),
    [
        ([key(1, "x")], ONE, "^secrets/key-1 is not the key that the pseudonyms here were made"),
        ([key(1), key(2, "x")], TWO, "^secrets/key-2 is not the key"),
        ([key(1, "2"), key(2, "1")], TWO, "^secrets/key-1 is not the key"),
        ([key(1)], TWO, "^secrets/key-2 is missing; restore it from its backup"),
        ([key(2)], TWO, "^secrets/key-1 is missing; restore it from its backup"),
        ([key(1), key(3)], THREE, "^secrets/key-2 is missing"),
        ([key(1), key(3)], None, "^secrets/key-2 is missing"),
        ([key(1), key(2)], ONE, "^secrets/key-2 is there, but .* run `muster key rotate`"),
    ],
)
def test_keys_that_are_not_those_on_record_are_refused(
    keys: list[Key], expected: MadeWith | None, sentence: str
) -> None:
    with pytest.raises(UnusableConfiguration, match=sentence) as raised:
        must_be_right(keys, PROGRAMME, expected)
    assert not any(k.secret.hex()[:8] in str(raised.value) for k in keys)


def test_a_renamed_programme_is_refused_by_name() -> None:
    sentence = r"^programme\.yaml calls the programme renamed, .* made for supervision"
    with pytest.raises(UnusableConfiguration, match=sentence):
        must_be_right([key(1)], "renamed", ONE)


def test_each_version_is_spoken_of() -> None:
    found = compared([key(1, "x"), key(3), key(4)], PROGRAMME, THREE, missing="backup/key-{}")
    assert [(f.place, f.state) for f in found] == [
        ("secrets/key-1", KeyState.WRONG),
        ("backup/key-2", KeyState.MISSING),
        ("secrets/key-3", KeyState.RIGHT),
        ("secrets/key-4", KeyState.NOT_TAKEN_UP),
    ]
    assert [f.state for f in compared([key(1)], PROGRAMME, None)] == [KeyState.NOTHING_TO_COMPARE]


@pytest.mark.parametrize(
    ("lake", "store", "together"),
    [
        (None, None, None),
        (ONE, None, ONE),
        (None, ONE, ONE),
        (ONE, ONE, ONE),
        (TWO, ONE, TWO),
        (ONE, TWO, TWO),
    ],
)
def test_lake_and_store_may_each_be_older_or_not_there(
    lake: MadeWith | None, store: MadeWith | None, together: MadeWith | None
) -> None:
    assert known(lake, store) == together


@pytest.mark.parametrize("other", [OTHER, MadeWith("another", ONE.check_values)])
def test_a_lake_and_a_store_of_two_homes_are_refused(other: MadeWith) -> None:
    for lake, store in ((ONE, other), (other, TWO)):
        with pytest.raises(UnusableConfiguration, match="put back those that belong together"):
            known(lake, store)


def entry(number: int, version: int, kind: EntryKind) -> Entry:
    body = {
        "programme": PROGRAMME,
        "version": version,
        "check_value": THREE.check_values[version - 1],
    }
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    return Entry(
        entry=number, entered_at=moment, kind=kind, steward="s", reason="because", body=body
    )


def test_the_audit_trail_says_which_keys_there_were() -> None:
    recorded, rotated = EntryKind.KEY_RECORDED, EntryKind.KEY_ROTATED
    trail = [entry(1, 1, recorded), entry(2, 2, rotated), entry(3, 2, recorded)]
    assert on_record(trail) == TWO
    assert on_record([]) is None

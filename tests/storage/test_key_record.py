"""Which keys a home was made with, as lake and stewardship store say, whichever of them is lost."""

import shutil
from datetime import UTC, datetime

import pytest
from sound_keys import digits

from pipeline.entries import Act
from pipeline.programme import UnusableConfiguration
from pipeline.storage.home import Home
from pipeline.storage.rotation import rotate
from pipeline.vocabulary import EntryKind

PROGRAMME = """
programme: home
title: Simulated
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: later}
waves: [{wave: baseline, due_after_days: 0}, {wave: later, due_after_days: 70}]
"""
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
OFFICERS = ("SIM1", "SIM2")


@pytest.fixture
def new(tmp_path) -> Home:
    home = Home(tmp_path / "home")
    home.create(PROGRAMME)
    return home


@pytest.fixture
def home(new, record, taken_in) -> Home:
    """A home with one submission, taken in as a run does it."""
    new.settle_keys(NOW)
    _take_in(new, record, taken_in, "a--a--1")
    return new


def _take_in(home: Home, record, taken_in, submission_id: str) -> None:
    import polars as pl

    rows = pl.DataFrame({"home_force": ["f", "f"], "identifier": OFFICERS})
    pseudonyms = home.pseudonymiser().participants(rows)
    home.lake.write_submission(record(submission_id, rows_read=2), taken_in(*pseudonyms))


def _again(home: Home, programme: str = PROGRAMME) -> Home:
    """The home as another process finds it."""
    (home.root / "programme.yaml").write_text(programme)
    return Home(home.root)


def _other_key(home: Home, version: int = 1) -> None:
    path = home.secrets / f"key-{version}"
    path.write_text(digits("ab"))
    path.chmod(0o600)


def _forget_lake(home: Home) -> None:
    shutil.rmtree(home.root / "lake")


def _forget_store(home: Home) -> None:
    home.stewardship.path.unlink()


def _forget_nothing(home: Home) -> None:
    pass


EITHER = pytest.mark.parametrize("lost", [_forget_nothing, _forget_lake, _forget_store])


@EITHER
def test_the_keys_of_the_home_are_taken_and_another_is_refused(home, lost):
    lost(home)
    assert len(_again(home).proven_keys()) == 1
    _other_key(home)
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is not the key"):
        _again(home).pseudonymiser()
    (home.secrets / "key-1").unlink()
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is missing"):
        _again(home).pseudonymiser()


@EITHER
def test_a_renamed_programme_is_refused_while_there_are_pseudonyms(home, lost):
    lost(home)
    renamed = PROGRAMME.replace("programme: home", "programme: house")
    with pytest.raises(UnusableConfiguration, match=r"calls the programme house, .* for home"):
        _again(home, renamed).proven_keys()
    assert len(_again(home, PROGRAMME.replace("Simulated", "Another title")).proven_keys()) == 1


@EITHER
def test_no_second_first_key_is_made(home, lost):
    lost(home)
    (home.secrets / "key-1").unlink()
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is missing; restore it"):
        home.create_first_key()
    assert not (home.secrets / "key-1").exists()


def test_before_the_first_pseudonym_key_and_name_may_change(new):
    _other_key(new)
    assert (
        len(_again(new, PROGRAMME.replace("programme: home", "programme: house")).proven_keys())
        == 1
    )


def test_what_one_of_them_lost_the_other_gives_back(home):
    made = home.lake.made_with()
    assert made is not None
    (home.root / "lake" / "key-checks.json").write_bytes(b"{cut sho")
    assert home.lake.made_with() is None
    home.settle_keys(NOW)
    assert home.lake.made_with() == made
    _forget_store(home)
    home.settle_keys(NOW)
    assert [e.kind for e in home.stewardship.entries()] == [EntryKind.KEY_RECORDED]
    home.settle_keys(NOW)
    assert len(home.stewardship.entries()) == 1, "once is enough"


def test_neither_holds_a_key(home):
    secret = (home.secrets / "key-1").read_text()
    for path in (home.root / "lake" / "key-checks.json", home.stewardship.path):
        content = path.read_bytes()
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content


def test_a_home_from_before_check_values_is_taken_at_its_word_once(new, record, taken_in):
    _take_in(new, record, taken_in, "a--a--1")
    assert new.keys_known() is None
    _other_key(new)
    new.settle_keys(NOW)
    _other_key(new)
    assert len(_again(new).proven_keys()) == 1
    (new.secrets / "key-1").write_text(digits("cd"))
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is not the key"):
        _again(new).proven_keys()


def test_a_key_that_nothing_was_carried_on_by_is_refused(home):
    _other_key(home, 2)
    with pytest.raises(
        UnusableConfiguration, match=r"secrets/key-2 is there, but .*`muster key rotate`"
    ):
        home.proven_keys()


def test_a_lake_and_a_store_of_two_homes_are_refused(home, tmp_path):
    other = Home(tmp_path / "other")
    other.create(PROGRAMME)
    other.settle_keys(NOW)
    shutil.copy(other.stewardship.path, home.stewardship.path)
    with pytest.raises(UnusableConfiguration, match="put back those that belong together"):
        home.proven_keys()


def test_a_store_put_back_from_before_a_rotation_is_told_of_it(home):
    home.back_up(NOW.date())
    rotate(home, "data.steward", "planned", NOW)
    (backup,) = (home.root / "backups").iterdir()
    shutil.copy(backup, home.stewardship.path)
    assert len(_again(home).proven_keys()) == 2
    home.settle_keys(NOW)
    first, second = home.stewardship.entries()
    assert (first.kind, second.kind) == (EntryKind.KEY_RECORDED, EntryKind.KEY_ROTATED)
    assert (second.steward, second.reason) == ("data.steward", "planned")
    assert second.body["officers"] == 2


def test_a_lake_that_lost_its_check_values_beside_a_store_from_before_is_taken_at_its_word(home):
    home.back_up(NOW.date())
    rotate(home, "data.steward", "planned", NOW)
    made = home.lake.made_with()
    (backup,) = (home.root / "backups").iterdir()
    shutil.copy(backup, home.stewardship.path)
    (home.root / "lake" / "v2" / "key-checks.json").unlink()
    home.settle_keys(NOW)
    assert home.lake.made_with() == made == home.keys_known()
    assert rotate(home, "data.steward", "again", NOW).version == 3


def test_a_lake_put_back_from_before_a_rotation_is_carried_on(home, tmp_path):
    shutil.copytree(home.root / "lake", tmp_path / "copy")
    rotate(home, "data.steward", "planned", NOW)
    expected = _participants(home)
    keys = [key.secret for key in home.proven_keys()]
    _forget_lake(home)
    shutil.copytree(tmp_path / "copy", home.root / "lake")
    with pytest.raises(UnusableConfiguration, match="lake/ are of key 1, but key 2 is on record"):
        home.proven_keys()
    assert rotate(home, "data.steward", "again", NOW).version == 2
    assert _participants(home) == expected
    assert [key.secret for key in home.proven_keys()] == keys, "no third key was made"
    assert len(home.stewardship.entries(EntryKind.KEY_ROTATED)) == 1


def test_a_lake_made_anew_after_a_rotation_belongs_to_every_key(home, record, taken_in):
    rotate(home, "data.steward", "planned", NOW)
    expected = _participants(home)
    _forget_lake(home)
    home.settle_keys(NOW)
    _take_in(home, record, taken_in, "a--a--1")
    assert home.lake.version == 2
    assert _participants(home) == expected


def _participants(home: Home) -> set[str]:
    frames = dict(home.lake.frames("a--a--1"))
    return set(frames["accepted"]["participant_id"])


def test_entries_of_other_kinds_say_nothing_of_keys(new):
    act = Act(kind=EntryKind.RELEASED, steward="s", reason="r", body={"version": 9})
    new.stewardship.enter([act], NOW)
    assert new.keys_known() is None

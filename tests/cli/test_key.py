"""`muster key`: what it says, with which exit code, and that no command shows a key."""

import json
import shutil

import pytest
from sound_keys import digits

from pipeline.storage.home import Home

AS_OF = "2025-03-01"


@pytest.fixture
def taken_in(evaluated, home):
    """A copy of the evaluated home, where MUSTER_HOME points."""
    shutil.copytree(evaluated.home, home)
    return home


def _put_key(home, text: str, name: str = "key-1", mode: int = 0o600) -> None:
    path = home / "secrets" / name
    path.write_text(text)
    path.chmod(mode)


def test_init_makes_the_first_key_once(muster, home):
    muster("init")
    (home / "secrets" / "key-1").unlink()
    said = muster("key", "init")
    assert (said.code, said.out[:19]) == (0, "Made secrets/key-1.")
    key = (home / "secrets" / "key-1").read_text()
    said = muster("key", "init")
    assert (said.code, said.out) == (0, "The first key is there already; nothing was changed.\n")
    assert (home / "secrets" / "key-1").read_text() == key


def test_init_makes_none_where_there_are_pseudonyms(muster, taken_in):
    (taken_in / "secrets" / "key-1").unlink()
    for command in (("key", "init"), ("init",)):
        said = muster(*command)
        assert said.code == 2
        assert said.err.startswith("secrets/key-1 is missing; restore it from its backup")
    assert not (taken_in / "secrets" / "key-1").exists()


@pytest.mark.parametrize("command", [("init",), ("check",), ("rotate",)])
def test_without_a_home_each_says_so(muster, home, command):
    said = muster("key", *command)
    assert (said.code, said.out) == (2, "")
    assert "the home folder does not exist" in said.err


def test_check_says_of_each_key_whether_it_is_the_right_one(muster, taken_in):
    said = muster("key", "check")
    right = "secrets/key-1: It is the key that the pseudonyms were made with.\n"
    assert (said.code, said.out) == (0, right)
    _put_key(taken_in, digits("ab"))
    said = muster("key", "check")
    assert (said.code, said.out) == (2, "secrets/key-1: It is another key.\n")
    assert said.err.startswith("secrets/key-1 is not the key that the pseudonyms here were made")


def test_check_of_a_home_that_took_nothing_in(muster, home):
    muster("init")
    said = muster("key", "check", "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert [key["state"] for key in found["keys"]] == ["nothing_to_compare"]
    assert (found["sound"], found["backup"], found["backed_up"]) == (True, None, False)


def test_check_of_a_backup(muster, taken_in, tmp_path):
    backup = tmp_path / "stick"
    shutil.copytree(taken_in / "secrets", backup)
    said = muster("key", "check", "--backup", str(backup))
    assert said.code == 0
    assert said.out.splitlines()[1].startswith("backup/key-1: It is the key that")
    assert muster("key", "rotate").code == 0
    said = muster("key", "check", "--backup", str(backup), "--json")
    assert said.code == 1, "the copy is older than the rotation"
    found = json.loads(said.out)
    assert [(key["place"], key["state"]) for key in found["backup"]] == [
        ("backup/key-1", "right"),
        ("backup/key-2", "missing"),
    ]
    assert (found["sound"], found["backed_up"]) == (True, False)
    shutil.copy(taken_in / "secrets" / "key-2", backup)
    assert json.loads(muster("key", "check", "--backup", str(backup), "--json").out)["backed_up"]
    (backup / "key-1").write_text(digits("cd"))
    said = muster("key", "check", "--backup", str(backup))
    assert said.code == 1
    assert "backup/key-1: It is another key." in said.out


def test_a_backup_of_a_home_that_took_nothing_in_must_be_of_its_key(muster, home, tmp_path):
    muster("init")
    (tmp_path / "key-1").write_text(digits("ab"))
    said = muster("key", "check", "--backup", str(tmp_path))
    assert said.code == 1
    assert "backup/key-1: It is another key." in said.out
    shutil.copy(home / "secrets" / "key-1", tmp_path)
    assert muster("key", "check", "--backup", str(tmp_path)).code == 0


@pytest.mark.parametrize("content", [None, "short"])
def test_a_backup_that_holds_no_key_is_one_sentence(muster, taken_in, tmp_path, content):
    (tmp_path / "stick").mkdir()
    if content:
        (tmp_path / "stick" / "key-1").write_text(content)
    said = muster("key", "check", "--backup", str(tmp_path / "stick"))
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert ("backup/key-1 is not a key" if content else "no key in the backup") in said.err


def test_check_refuses_what_a_run_refuses(muster, taken_in, tmp_path):
    """A lake from before a rotation has the right keys, and still no run begins."""
    shutil.copytree(taken_in / "lake", tmp_path / "lake")
    assert muster("key", "rotate").code == 0
    shutil.rmtree(taken_in / "lake")
    shutil.copytree(tmp_path / "lake", taken_in / "lake")
    said = muster("key", "check", "--json")
    assert said.code == 2
    found = json.loads(said.out)
    assert [key["state"] for key in found["keys"]] == ["right", "right"]
    assert not found["sound"]
    assert found["refusal"] + "\n" == muster("run", "--as-of", AS_OF).err
    (taken_in / "secrets" / "key-2").chmod(0o644)
    said = muster("key", "check", "--json")
    assert said.code == 2
    assert "can be read by others" in json.loads(said.out)["refusal"]


REFUSED = {
    "wrong": (lambda home: _put_key(home, digits("ab")), "secrets/key-1 is not the key that"),
    "open": (lambda home: (home / "secrets/key-1").chmod(0o644), "can be read by others"),
    "missing": (lambda home: (home / "secrets/key-1").unlink(), "secrets/key-1 is missing"),
    "damaged": (lambda home: _put_key(home, "x"), "secrets/key-1 is not a key of 32 bytes"),
    "not taken up": (lambda home: _put_key(home, digits("ab"), "key-2"), "muster key rotate"),
    "renamed": (
        lambda home: (home / "programme.yaml").write_text(
            (home / "programme.yaml").read_text().replace("programme: small", "programme: large")
        ),
        "programme.yaml calls the programme large, but the pseudonyms here were made for small",
    ),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("command", [("run", "--as-of", AS_OF), ("up",)])
def test_a_run_is_refused_in_one_sentence_before_anything_is_read(
    muster, taken_in, monkeypatch, spoil, command
):
    change, sentence = spoil
    change(taken_in)
    (taken_in / "landing" / "simulated-force-01" / "answers two.csv").write_text("Number\n")
    monkeypatch.setattr(Home, "arrivals", lambda _: pytest.fail("landing was looked at"))
    said = muster(*command)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_keys_of_the_environment_do_as_well(muster, taken_in, monkeypatch):
    key = taken_in / "secrets" / "key-1"
    monkeypatch.setenv("MUSTER_KEY_1", key.read_text())
    assert muster("run", "--as-of", AS_OF).code == 0
    key.unlink()
    assert muster("run", "--as-of", AS_OF).out.startswith("Nothing new")
    assert muster("key", "check").out.startswith("MUSTER_KEY_1: It is the key")
    monkeypatch.setenv("MUSTER_KEY_1", digits("ab"))
    said = muster("run", "--as-of", AS_OF)
    assert said.code == 2
    assert said.err.startswith("MUSTER_KEY_1 is not the key that the pseudonyms here were made")


def test_rotate_says_what_it_did_and_what_to_do_next(muster, taken_in):
    said = muster("key", "rotate", "--reason", "a laptop was lost", "--steward", "data.steward")
    assert said.code == 0
    assert "Carried on to secrets/key-2: 3 officers in 3 accepted rows of 1 submissions" in said.out
    assert "Back up secrets/key-2 apart from the rest, and keep the copies of the keys" in said.out
    (entry,) = [e for e in Home(taken_in).stewardship.entries() if e.kind == "key_rotated"]
    assert (entry.steward, entry.reason) == ("data.steward", "a laptop was lost")
    said = muster("key", "rotate", "--json")
    found = json.loads(said.out)
    assert (found["version"], found["officers"], found["incomplete"]) == (3, 3, 0)
    assert found["links"] == []
    for path in (taken_in / "secrets").iterdir():
        assert path.read_text() not in said.out


def test_a_rotation_that_is_not_proven_is_a_defect_and_changes_nothing(
    muster, taken_in, monkeypatch
):
    from pipeline.storage import rotation

    monkeypatch.setattr(rotation, "carried_on", lambda rows, *_: rows)
    said = muster("key", "rotate")
    assert said.code == 3
    assert said.err.startswith("The key was not rotated and nothing was changed: participant_id of")
    monkeypatch.undo()
    monkeypatch.setenv("MUSTER_HOME", str(taken_in))
    assert len(Home(taken_in).proven_keys()) == 1

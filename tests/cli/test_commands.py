"""Each command: its help, its exit code, and one sentence where it cannot go on."""

import json
import stat

import pytest

from pipeline import cli
from pipeline.orchestration import serve as serving
from pipeline.programme import parse_programme
from pipeline.status import FollowUp, WaveDue

COMMANDS = [command.callback.__name__ for command in cli.app.registered_commands]
AS_OF = "2025-03-01"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    """What should be refused must not serve until somebody presses Ctrl-C."""

    def started(*_: object) -> None:
        pytest.fail("page and daemon would have been started")

    monkeypatch.setattr(serving, "serve", started)


def test_the_commands_are_those_that_are_known():
    assert set(COMMANDS) >= {"init", "simulate", "demo", "run", "status", "up"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(muster, command):
    said = muster(command, "--help")
    assert said.code == 0
    assert f"Usage: muster {command}" in said.out
    callback = next(
        c.callback for c in cli.app.registered_commands if c.callback.__name__ == command
    )
    assert callback.__doc__.split(".")[0].strip() in " ".join(said.out.split())
    # Machines of a cluster have no home folder.
    has_home = command not in {"scheduler", "worker"}
    assert ("--home" in said.out) == has_home
    assert ("MUSTER_HOME" in said.out) == has_home


def test_help_names_every_command_and_the_exit_codes(muster):
    said = muster("--help")
    assert said.code == 0
    assert not [command for command in COMMANDS if f" {command} " not in said.out]
    assert "Exit codes: 0 done, 1 something needs a steward, 2 wrong use" in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("tidy",),
        ("run", "--as-of", "01/03/2025"),
        ("run", "--as-of", "2025-02-30"),
        ("run", "--known-at", "yesterday"),
        ("run", "--fast"),
        ("up", "--port", "0"),
        ("up", "--port", "65536"),
        ("simulate", "--organisations", "0"),
        ("demo", "--participants", "none"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_and_does_nothing(muster, home, arguments):
    said = muster(*arguments)
    assert said.code == 2
    assert "Usage: muster" in said.err
    assert not home.exists()


def test_init_makes_a_home_that_can_be_used_and_changes_nothing_twice(muster, home):
    first = muster("init")
    assert first.code == 0
    assert "secrets/key-1" in first.out
    assert "Back up secrets/" in first.out
    assert stat.S_IMODE((home / "secrets" / "key-1").stat().st_mode) == 0o600
    parse_programme((home / "programme.yaml").read_text(), "programme.yaml")
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    second = muster("init")
    assert second.code == 0
    assert "nothing was changed" in second.out
    assert {p: p.read_bytes() for p in home.rglob("*") if p.is_file()} == before


def test_the_option_for_the_home_counts_more_than_the_environment(muster, home, tmp_path):
    assert muster("init", "--home", str(tmp_path / "other")).code == 0
    assert (tmp_path / "other" / "programme.yaml").exists()
    assert not home.exists()


@pytest.fixture
def made(muster, home):
    assert muster("init").code == 0
    return home


def _one_sentence(said) -> str:
    assert said.code == 2, said
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize("command", ["run", "up"])
def test_no_home_is_refused(muster, home, command):
    assert "the home folder does not exist; `muster init`" in _one_sentence(muster(command))
    assert not home.exists(), "a wrong path must not become a home"


def test_there_is_no_status_before_the_first_run(muster, home):
    assert "`muster run` makes it" in _one_sentence(muster("status"))
    assert not home.exists()


@pytest.mark.parametrize("command", ["run", "up"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "programme.yaml line 1: "),
        ("only words", "programme.yaml line 1: "),
        ("programme: x\n\ttitle: y\n", "programme.yaml line 2: this is not valid YAML"),
        ("programme: x\ntitle: y\n", "programme.yaml line 1: "),
        ("instruments: [moodring]", "programme.yaml line 1: "),
    ],
    ids=["empty", "no keys", "not YAML", "incomplete", "unknown instrument"],
)
def test_a_broken_programme_is_refused(muster, made, command, content, said):
    (made / "programme.yaml").write_text(content)
    assert _one_sentence(muster(command)).startswith(said)


def test_a_setting_that_does_not_exist_is_named(muster, made):
    path = made / "programme.yaml"
    path.write_text(path.read_text() + "\nduplicate: last\n")
    assert "duplicate" in _one_sentence(muster("run"))


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_missing_programme_is_refused(muster, made, command):
    (made / "programme.yaml").unlink()
    assert "programme.yaml is missing" in _one_sentence(muster(command))


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_missing_key_is_refused(muster, made, command):
    (made / "secrets" / "key-1").unlink()
    assert "secrets/key-1 is missing; restore it" in _one_sentence(muster(command))
    assert not (made / "secrets" / "key-1").exists(), "a run must never make a key"


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_key_open_to_others_is_refused(muster, made, command):
    (made / "secrets" / "key-1").chmod(0o640)
    assert "secrets/key-1 can be read by others" in _one_sentence(muster(command))


def test_a_damaged_key_is_refused_and_not_shown(muster, made):
    path = made / "secrets" / "key-1"
    key = path.read_text()
    path.write_text(key[:-2])
    said = _one_sentence(muster("run"))
    assert "secrets/key-1 is not a key" in said
    assert key[:8] not in said


def test_a_server_that_fails_ends_in_one_sentence(muster, made, monkeypatch):
    def fail(*_: object) -> None:
        raise serving.ServerFailed("the page ended by itself (exit code 1)")

    monkeypatch.setattr(serving, "serve", fail)
    assert "Muster stopped: the page ended by itself" in _one_sentence(muster("up"))


def test_simulating_into_another_programmes_home_is_refused(muster, made):
    before = (made / "programme.yaml").read_bytes()
    said = muster("simulate", "--organisations", "1", "--participants", "10", "--as-of", AS_OF)
    assert "holds another programme already" in _one_sentence(said)
    assert (made / "programme.yaml").read_bytes() == before


def test_a_run_says_everything_in_json_and_nothing_else(evaluated):
    done = evaluated.first_run
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["as_of"] == AS_OF
    assert status["submissions"] == {"accepted": 1}
    assert status["rows"]["read"] == status["rows"]["accepted"] == 3
    assert status["waves"]["baseline"] == {"completed": 3}
    assert done.stderr == ""


def test_the_status_is_that_of_the_run(muster, evaluated):
    said = muster("status", "--home", str(evaluated.home), "--json")
    assert said.code == 0
    assert json.loads(said.out) == json.loads(evaluated.first_run.stdout)
    shown = muster("status", "--home", str(evaluated.home))
    assert shown.code == 0
    assert "Submissions: 1 accepted" in shown.out
    assert "Rows: 3 read = 3 accepted" in shown.out


def test_a_run_with_nothing_new_says_so_and_leaves_the_warehouse_alone(muster, evaluated):
    before = (evaluated.home / "warehouse.duckdb").stat()
    said = muster("run", "--home", str(evaluated.home), "--as-of", AS_OF)
    assert said.code == 0
    assert said.out.startswith("Nothing new: the warehouse is up to date.\n")
    quiet = muster("run", "--home", str(evaluated.home), "--as-of", AS_OF, "--json")
    assert quiet.code == 0
    assert json.loads(quiet.out) == json.loads(evaluated.first_run.stdout)
    after = (evaluated.home / "warehouse.duckdb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_exit_code_says_that_a_steward_is_needed(muster, monkeypatch):
    class Status:
        needs_a_steward = True

        def as_json(self) -> dict:
            return {"waiting": 1}

    monkeypatch.setattr(cli, "_run", lambda *_, **__: Status())
    said = muster("run", "--json")
    assert said.code == 1
    assert json.loads(said.out) == {"waiting": 1}
    Status.needs_a_steward = False
    assert muster("run", "--json").code == 0


def test_a_defect_is_told_apart_from_held_files_and_quotes_nothing(muster, monkeypatch):
    def broken(*_: object) -> None:
        raise ValueError("could not parse PC 4711 Doe")

    monkeypatch.setattr(cli, "_opened", broken)
    said = muster("run")
    assert said.code == 3
    assert "ValueError at pipeline/cli.py line " in said.err
    assert "4711" not in said.out + said.err
    assert said.err.count("\n") == 1


def test_every_outcome_has_an_exit_code_of_its_own():
    assert {code.name: int(code) for code in cli.Exit} == {
        "DONE": 0,
        "NEEDS_A_STEWARD": 1,
        "UNUSABLE": 2,
        "DEFECT": 3,
    }


def test_what_is_overdue_is_said_in_counts_that_managers_may_see(muster, evaluated):
    home = ("--home", str(evaluated.home))
    said = muster("status", "--overdue", *home, "--json")
    assert said.code == 0
    waves = json.loads(said.out)["waves"]
    assert [(w["organisation"], w["wave"], w["next_due_on"]) for w in waves] == [
        ("simulated-force-01", "session_10", "2025-05-26"),
        ("all", "session_10", "2025-05-26"),
    ]
    shown = muster("status", "--overdue", *home).out.splitlines()
    assert shown[0] == f"As of {AS_OF}"
    assert " ".join(shown[1].split()) == (
        "organisation wave due overdue closing in 14 days next due"
    )
    assert shown[2].split() == ["simulated-force-01", "session_10", "0", "0", "0", "2025-05-26"]
    assert "rounded to 5" in shown[-1]
    assert {len(line.rstrip()) for line in shown[2:4]} == {len(shown[2])}


def test_few_who_are_overdue_are_not_counted_on_the_screen():
    row = WaveDue("kent", "baseline", 0, "under 10", 120, None)
    shown = cli._table_of(FollowUp("2026-06-30", 14, [row])).splitlines()
    assert shown[2] == "kent          baseline    0  under 10                 120"
    nothing = cli._table_of(FollowUp("2026-06-30", 14, []))
    assert nothing == "As of 2026-06-30\nNothing is due, now or later."

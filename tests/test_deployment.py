"""Examples of deployment and the operators' pages: every command and variable they name exists.

What stays out: running containers and units, which needs docker and systemd.
"""

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from homes import PROJECT

from pipeline.cli import app

DEPLOYMENT = PROJECT / "examples" / "deployment"
UNITS = sorted(DEPLOYMENT.glob("*.service"))
PAGES = [PROJECT / "docs" / name for name in ("operations.md", "cluster.md")]
_VARIABLE = re.compile(r"\bMUSTER_[A-Z0-9_]+\b")
_SETTING = re.compile(r"[A-Z_]+=")
_OF_COMPOSE = {"MUSTER_HOME_ON_HOST", "MUSTER_SECRETS_ON_HOST"}
"""Read by compose.yaml itself."""


def problem_of(words: list[str]) -> str | None:
    """What is wrong with the arguments of `muster`; None if such a command and options exist."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if word.startswith("-"):
            name = word.partition("=")[0]
            known = {"--help", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
            if name not in known:
                return f"{command.name} has no option {name}"
        elif isinstance(command, click.Group) or hasattr(command, "commands"):
            if word not in command.commands:
                return f"{command.name} has no command {word}"
            command = command.commands[word]
    return None


def commands_of(text: str) -> Iterator[list[str]]:
    """The arguments of every `muster …` in fenced blocks and between backticks."""
    for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            said = re.sub(r"(^|\s)#.*", "", line)
            for part in re.split(r"\||&&|;|\$\(|\)", said):
                words = [w for w in part.removeprefix("$ ").split() if not _SETTING.match(w)]
                if words[:1] == ["muster"]:
                    yield words[1:]
    inline = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for said in re.findall(r"`(muster [^`]+)`", inline):
        yield said.split()[1:]


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser["Service"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_commands_that_exist_with_no_more_rights_than_needed(path: Path):
    service = unit(path)
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/muster/.venv/bin/muster"
    assert problem_of(words) is None
    assert service["User"] == "muster"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text())


def test_compose_starts_commands_that_exist(compose: dict[str, Any]):
    assert compose["services"].keys() == {"muster", "postgres", "scheduler", "worker"}
    ours = {name: s for name, s in compose["services"].items() if s["image"] == "muster"}
    assert ours.keys() == {"muster", "scheduler", "worker"}
    for service in ours.values():
        assert problem_of(service["command"]) is None
    check = compose["services"]["muster"]["healthcheck"]["test"][1]
    assert problem_of(check.partition(" || ")[0].split()[1:]) is None
    assert {name for name, s in ours.items() if "profiles" in s} == {"scheduler", "worker"}


def test_compose_gives_no_service_more_than_it_needs(compose: dict[str, Any]):
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["user"] in {"10001:10001", "postgres"}
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        # With the host's network, what listens on loopback is on the host's loopback, not beyond.
        assert service["network_mode"] == "host"
        assert "ports" not in service
        assert "0.0.0.0" not in str(service)
    assert "listen_addresses=127.0.0.1" in compose["services"]["postgres"]["command"]
    for secret in ("POSTGRES_PASSWORD", "PGPASSWORD"):
        assert all(secret not in s.get("environment", {}) for s in compose["services"].values())


def test_what_the_image_is_made_of_is_there():
    text = (DEPLOYMENT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert [name for name in sources if not (PROJECT / name).exists()] == []
    assert "USER 10001:10001" in text
    assert 'ENTRYPOINT ["muster"]' in text


def test_every_variable_that_is_named_is_read_somewhere():
    read = set()
    for folder in ("pipeline", "assets", "checks"):
        for path in (PROJECT / folder).rglob("*.py"):
            read |= set(_VARIABLE.findall(path.read_text()))
    read |= set(_VARIABLE.findall((PROJECT / "dagster.yaml").read_text()))
    named = {
        name
        for path in [*DEPLOYMENT.iterdir(), *PAGES]
        for name in _VARIABLE.findall(path.read_text())
        if not re.fullmatch(r"MUSTER_KEY_\d", name)
    }
    assert named - read - _OF_COMPOSE == set()
    assert {"MUSTER_CLUSTER", "MUSTER_POSTGRES_URL", "MUSTER_HOME"} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_on_the_pages_exist(page: Path):
    commands = list(commands_of(page.read_text()))
    assert len(commands) > 8
    assert [p for words in commands if (p := problem_of(words)) is not None] == []


def test_a_command_that_is_none_would_be_seen():
    assert problem_of(["upp"]) == "muster has no command upp"
    assert problem_of(["run", "--quick"]) == "run has no option --quick"
    assert problem_of(["backup", "made"]) == "backup has no command made"
    assert list(commands_of("see `muster upp` and\n```\nA=1 muster rum --x  # so\n```")) == [
        ["rum", "--x"],
        ["upp"],
    ]

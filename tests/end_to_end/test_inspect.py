"""From a file that somebody sent to accepted rows, without a mapping written by hand."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from homes import Muster
from typer.testing import CliRunner

from pipeline import cli
from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.storage.home import Home
from pipeline.storage.warehouse import query

AS_OF = date(2026, 6, 30)
REGISTERS = ("roster", "attendance", "departures")
PLAN = SimulationPlan(as_of=AS_OF, organisations=12, participants=240, seed=5, faults=False)
SCORES = """
    SELECT participant_id, organisation, wave, subscale, raw_score, band
    FROM core.scores ORDER BY ALL
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two homes with the same exports: one with the simulation's mappings, one with proposals."""
    told, proposed = (tmp_path_factory.mktemp("inspect") / name for name in ("told", "proposed"))
    for root in (told, proposed):
        home = Home(root)
        for file in simulate(PLAN):
            is_mapping = file.path.parts[0] == "sources"
            if root == told or not is_mapping or file.path.stem in REGISTERS:
                home.put(file.path, file.content)
        home.create("")
    key = (told / "secrets" / "key-1").read_bytes()
    (proposed / "secrets" / "key-1").write_bytes(key)
    return told, proposed


def questionnaires(root: Path) -> list[Path]:
    return [
        path for path in sorted(root.glob("landing/*/*")) if not path.name.startswith(REGISTERS)
    ]


@pytest.fixture(scope="module")
def said(folders: tuple[Path, Path]) -> dict[Path, str]:
    """What `muster inspect --write` says of each questionnaire."""
    _, proposed = folders
    told = {}
    for path in questionnaires(proposed):
        done = CliRunner().invoke(
            cli.app, ["inspect", str(path), "--write", "--home", str(proposed)]
        )
        assert done.exit_code == 0, (path.name, done.output)
        told[path] = done.output
    return told


def test_what_is_proposed_for_every_platform_gives_the_scores_of_its_own_mapping(
    folders: tuple[Path, Path], said: dict[Path, str]
) -> None:
    told, proposed = folders
    mappings = [yaml.safe_load(path.read_text()) for path in proposed.glob("sources/*/*.yaml")]
    platforms = {m["platform"] for m in mappings if m["kind"] == "questionnaire"}
    # Qualtrics has two layouts, and a plain CSV is wide.
    assert len(platforms) == len(Layout) - 1
    assert len(said) > len(Layout)
    for root in (told, proposed):
        Muster(root)("run", "--as-of", AS_OF.isoformat())
    expected = query(told / "warehouse.duckdb", SCORES)
    assert expected.height > 500
    assert query(proposed / "warehouse.duckdb", SCORES).equals(expected)


def test_proposals_name_nobody(folders: tuple[Path, Path], said: dict[Path, str]) -> None:
    _, proposed = folders
    people = pl.read_csv(proposed / "truth" / "people.csv", infer_schema=False)
    # Half names occur in the made-up names of others; whole ones and numbers are nobody else's.
    known = {
        cell
        for name in ("number", "name", "email", "ip", "family")
        if name in people.columns
        for cell in people[name].drop_nulls()
    }
    assert len(known) > 2 * people.height
    written = [path.read_text() for path in proposed.glob("sources/*/*.yaml")]
    shown = [text.replace(str(proposed), "") for text in said.values()]
    for text in [*written, *shown]:
        assert not [identifier for identifier in known if identifier in text]


def test_nothing_is_written_over_and_nothing_half_told(
    folders: tuple[Path, Path], said: dict[Path, str]
) -> None:
    _, proposed = folders
    path = questionnaires(proposed)[0]
    again = CliRunner().invoke(cli.app, ["inspect", str(path), "--write", "--home", str(proposed)])
    assert again.exit_code == 2
    assert "is there already" in again.output
    strange = proposed / "strange.csv"
    strange.write_text("Nickname,Q1,Q2\nowl,1,2\n")
    refused = CliRunner().invoke(
        cli.app, ["inspect", str(strange), "--write", "--home", str(proposed)]
    )
    assert refused.exit_code == 2
    assert "neither a questionnaire nor a register" in refused.output
    assert not list(proposed.glob("sources/*/strange*"))

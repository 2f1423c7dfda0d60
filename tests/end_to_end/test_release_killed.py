"""`muster release make` killed at random points: no half release, and the next one works."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from crashes import places_to_die
from forked import RunServer
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import reference
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.storage.home import Home
from pipeline.storage.releases import changed_files, read_tables
from pipeline.vocabulary import EntryKind

FORCE = "simulated-force-01"
AS_OF = "2025-09-01"
TRIALS, SEED = 12, 20261126


def _make(name: str) -> list[str]:
    return ["release", "make", "--name", name, "--as-of", AS_OF]


@dataclass(frozen=True)
class Kept:
    """A home that was evaluated and released once, and what making another release takes."""

    root: Path
    server: RunServer
    writes: int
    seconds: float

    def copied(self, to: Path) -> Home:
        shutil.copytree(self.root, to)
        return Home(to)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    root = tmp_path_factory.mktemp("killed") / "home"
    server = RunServer()
    sources, landing = root / "sources" / FORCE, root / "landing" / FORCE
    for folder in (sources, landing):
        folder.mkdir(parents=True)
    (root / "programme.yaml").write_text(PROGRAMME)
    for source, mapping in (("answers", MAPPING), ("roster", ROSTER)):
        (sources / f"{source}.yaml").write_text(mapping)
    Home(root).create(reference.example_programme())
    numbers = [f"SIMR{i:06d}" for i in range(90)]
    roster = [f"{n},G{i % 3},2025-01-02" for i, n in enumerate(numbers)]
    (landing / "roster.csv").write_text("\n".join(["Number,Group,Enrolled", *roster]))
    answers = [
        f"{n},{wave},{day},{i % 4},{i % 3},{(i + at) % 4},{i % 2}"
        for at, (wave, day) in enumerate((("Start", "2025-01-06"), ("End", "2025-05-26")))
        for i, n in enumerate(numbers[: 80 - 30 * at])
    ]
    (landing / "answers.csv").write_text("\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *answers]))
    assert server.run(root, arguments=["run", "--as-of", AS_OF])["code"] == 0
    assert server.run(root, arguments=_make("first"))["code"] == 0
    undisturbed = root.with_name("undisturbed")
    shutil.copytree(root, undisturbed)
    answer = server.run(undisturbed, arguments=_make("second"))
    assert answer["code"] == 0, answer
    yield Kept(root, server, answer["writes"], answer["seconds"])
    server.close()
    for folder in root.parent.glob("*/releases/*"):
        folder.chmod(0o755)


def _is_whole(home: Home, name: str) -> bool:
    folder = home.releases.folder / name
    return not changed_files(folder) and len(read_tables(folder)) == len(RELEASE_TABLES)


def test_killed_anywhere_a_release_is_there_whole_or_not_at_all(kept: Kept, tmp_path: Path) -> None:
    first = read_tables(kept.root / "releases" / "first")
    outcomes = set()
    for i, dies in enumerate(places_to_die(TRIALS, SEED, kept.writes, kept.seconds)):
        home = kept.copied(tmp_path / str(i))
        killed = kept.server.run(home.root, dies, _make("second"))["killed"]
        listed = [made.name for made in home.releases.made()]
        assert listed in (["first"], ["first", "second"]), dies
        assert all(_is_whole(home, name) for name in listed), dies
        outcomes.add((killed, len(listed)))

        following = "third" if "second" in listed else "second"
        answer = kept.server.run(home.root, None, _make(following))
        assert answer["code"] == 0, dies
        names = [made.name for made in home.releases.made()]
        assert names == [*listed, following], dies
        assert [made.number for made in home.releases.made()] == [*range(1, len(names) + 1)]
        entries = home.stewardship.entries(EntryKind.RELEASED)
        assert [entry.body["release"] for entry in entries] == names, dies
        assert all(home.releases.remembered(name).height for name in names)
        # Nothing changed since the first, so the one after a kill prints the same.
        assert all(
            read_tables(home.releases.folder / following)[name].equals(table)
            for name, table in first.items()
        ), dies
        left = [p for p in home.root.rglob(".writing-*") if "dagster" not in p.parts]
        assert left == [], dies
        for folder in home.releases.folder.iterdir():
            folder.chmod(0o755)
        shutil.rmtree(home.root)
    assert (True, 1) in outcomes, "none died in the midst of it"

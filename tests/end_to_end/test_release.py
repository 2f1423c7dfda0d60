"""`muster release` on the home that `muster demo` makes: made, listed, verified, refused."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from folder import more_than_the_tables
from homes import Muster

from pipeline.programme import load_programme
from pipeline.publishing.outsider import breaches
from pipeline.publishing.report.context import About
from pipeline.storage.releases import read_tables
from pipeline.vocabulary import EntryKind


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Muster]:
    home = tmp_path_factory.mktemp("release") / "home"
    muster = Muster(home)
    muster("demo", "--organisations", "6", "--participants", "400", expected=0)
    yield muster
    for folder in (home / "releases").glob("*"):
        folder.chmod(0o755)


def _json(muster: Muster, *arguments: str, expected: int = 0) -> dict:
    return json.loads(muster(*arguments, "--json", expected=expected).stdout)


def _says_no_more_than_its_tables(folder: Path, home: Path) -> None:
    assert breaches(read_tables(folder)) == []
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    about = About(
        release="first",
        as_of=date.fromisoformat(manifest["as_of"]),
        version=manifest["version"],
        simulated=True,
    )
    programme = load_programme(home / "programme.yaml")
    assert more_than_the_tables(folder, programme, about) == []


def test_a_release_is_made_listed_and_verified(muster: Muster) -> None:
    made = _json(muster, "release", "make", "--name", "first")
    assert made["release"] == "first"
    assert made["number"] == 1
    folder = muster.home / "releases" / "first"
    for name in ("participant_flow", "wave_summary", "paired_change", "retention"):
        assert made["tables"][name]["published"] > 0.2, name
    _says_no_more_than_its_tables(folder, muster.home)
    listed = json.loads(muster("release", "list", "--json").stdout)
    assert [each["release"] for each in listed] == ["first"]
    assert "outsider" in muster("release", "verify", "first").stdout

    # The next one, with nothing changed, prints the same.
    muster("release", "make", "--name", "second")
    second = muster.home / "releases" / "second"
    for path in folder.glob("*.parquet"):
        assert pl.read_parquet(path).equals(pl.read_parquet(second / path.name)), path.name
    both = _json(muster, "release", "verify", "first", str(second))
    assert both == {"problems": [], "printed_in_one_only": []}

    # Made again from the lake, both are the same; of other contents it says in which table.
    for name in ("first", "second"):
        again = _json(muster, "release", "reproduce", name)
        assert (again["release"], again["identical"], again["changed"]) == (name, True, [])
    edited = json.loads((folder / "manifest.json").read_text())
    edited["tables"]["areas"]["sha256"] = "another"
    (muster.home.parent / "manifest.json").write_text(json.dumps(edited))
    other = muster("release", "reproduce", str(muster.home.parent / "manifest.json"), expected=1)
    assert "other contents in areas" in other.stdout
    (muster.home.parent / "manifest.json").write_text("{}")
    none = muster("release", "reproduce", str(muster.home.parent / "manifest.json"), expected=2)
    assert "manifest.json is missing or damaged" in none.stderr

    # It is on record, and no officer is in any of it.
    from pipeline.storage.home import Home

    entries = Home(muster.home).stewardship.entries(EntryKind.RELEASED)
    assert [entry.body["release"] for entry in entries] == ["first", "second"]
    officers = muster.ask("SELECT participant_id FROM core.participants").to_series().to_list()
    for path in (*folder.iterdir(), *second.iterdir()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += pl.read_parquet(path).write_json().encode()
        assert not any(officer.encode() in content for officer in officers), path.name

    # What cannot be made again has a copy, and nobody else may read any of the home.
    for name in ("first", "second"):
        kept = (muster.home / "memberships" / f"{name}.parquet").read_bytes()
        assert (muster.home / "backups" / "memberships" / f"{name}.parquet").read_bytes() == kept
    may_be_open = {muster.home / "releases" / name for name in ("first", "second")}
    assert not [
        path
        for path in (muster.home, *muster.home.rglob("*"))
        if path.stat().st_mode & 0o077 and not may_be_open & {path, path.parent}
    ]

    # Refusals, each in one sentence.
    taken = muster("release", "make", "--name", "first", expected=2)
    assert "never changed" in taken.stderr
    other_day = muster("release", "make", "--name", "third", "--as-of", "2020-01-01", expected=2)
    assert "The warehouse is as of" in other_day.stderr
    (muster.home / "memberships" / "second.parquet").rename(muster.home / "kept")
    lost = muster("release", "make", "--name", "third", expected=2)
    assert "memberships/second.parquet" in lost.stderr
    (muster.home / "kept").rename(muster.home / "memberships" / "second.parquet")
    landed = next((muster.home / "landing").glob("*/*.csv"))
    shutil.copy(landed, landed.with_name(f"copy-{landed.name}"))
    Path(landed.with_name(f"copy-{landed.name}")).write_text("Number\n1\n")
    stale = muster("release", "make", "--name", "third", expected=2)
    assert "muster run" in stale.stderr
    assert not (muster.home / "releases" / "third").exists()

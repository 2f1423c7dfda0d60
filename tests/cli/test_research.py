"""`muster research` and `muster assurance`: files from the last run, or one sentence why not."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from homes import Muster as MusterApart
from homes import files_holding, query, readable_text, words_in
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import research as module
from pipeline.privacy.research_view import NotProtected
from pipeline.privacy.withdrawals import erasing
from pipeline.storage import atomic, warehouse
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind

Muster = Callable[..., Any]
FORCE = "simulated-force-01"
AS_OF = "2025-08-01"
OFFICERS = [f"SIMCANARY{number:04d}" for number in range(1, 41)]
GROUP = "simcanarygroup"
CONTACT = "Simcontact Simsson"
CONTACTS = f"""
contacts:
  - {{organisation: {FORCE}, name: {CONTACT}, email: simcontact@university.example}}
"""
FILES = {
    "roster.csv": ["Number,Group,Enrolled"] + [f"{n},{GROUP},2025-01-02" for n in OFFICERS],
    "answers.csv": ["Number,Wave,Done,Q1,Q2,Q3,Q4"]
    + [f"{n},Start,2025-01-0{6 + i % 3},{i % 4},3,0,{i % 3}" for i, n in enumerate(OFFICERS[:35])]
    + [f"{n},End,2025-05-26,{i % 3},{i % 4},0,1" for i, n in enumerate(OFFICERS[:20])],
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty officers on a roster, of whom most answered once or twice."""
    home = tmp_path_factory.mktemp("research") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME + CONTACTS)
    for source, mapping in (("answers", MAPPING), ("roster", ROSTER)):
        (home / "sources" / FORCE / f"{source}.yaml").write_text(mapping)
    apart = MusterApart(home)
    apart("init")
    for name, rows in FILES.items():
        (home / "landing" / FORCE / name).write_text("\n".join(rows))
    apart("run", "--as-of", AS_OF)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, with an empty folder to stand in."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    copied = Path(shutil.copytree(made, tmp_path / "home"))
    monkeypatch.setenv("MUSTER_HOME", str(copied))
    return copied


def _one_sentence(said: Any) -> str:
    assert said.code == 2, said
    assert said.err.count("\n") == 1, said.err
    assert said.out == ""
    return str(said.err)


def _view(home: Path, table: str) -> pl.DataFrame:
    return query(home / "research_view.duckdb", f"FROM research.{table}")


def test_it_writes_rows_for_everybody_and_what_was_made_coarser(home: Path, muster: Muster) -> None:
    said = muster("research")
    assert said.code == 0
    assert f"Wrote {home / 'research_view.duckdb'}, as of {AS_OF}." in said.out
    assert "40 of 40 officers enrolled" in said.out
    officers, build = _view(home, "officers"), _view(home, "build").row(0, named=True)
    assert officers.height == build["rows_given"] == build["officers"] == 40
    assert (build["alike"], build["bands"]) == (5, 2)
    assert (build["protected_instrument"], build["protected_subscale"]) == ("phq4", "anxiety")
    classes = officers.group_by([c for c in officers.columns if c != "officer"]).len()
    assert classes["len"].min() >= 5
    coarser = _view(home, "generalised").filter(pl.col("reason") != "always")
    for row in coarser.iter_rows(named=True):
        assert f"{row['attribute']}: {row['level']} ({row['reason']})" in said.out


def test_who_made_an_extract_and_why_is_on_record_before_it_is_there(
    home: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    muster("research", "--steward", "data.steward", "--reason", "asked by the university")
    (entry,) = Home(home).stewardship.entries(EntryKind.EXTRACTED)
    assert (entry.steward, entry.reason) == ("data.steward", "asked by the university")
    assert entry.body == {
        "snapshot": _view(home, "build")["snapshot"].item(),
        "as_of": AS_OF,
        "rows_given": 40,
    }
    # Had it been killed while it wrote, it would be on record all the same.
    (home / "research_view.duckdb").unlink()
    monkeypatch.setattr(module, "publish", _killed)
    muster("research")
    assert len(Home(home).stewardship.entries(EntryKind.EXTRACTED)) == 2
    assert not (home / "research_view.duckdb").exists()


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_it_is_its_owners_alone_though_the_home_lets_a_group_in(home: Path, muster: Muster) -> None:
    home.chmod(0o750)
    muster("research")
    assert (home / "research_view.duckdb").stat().st_mode & 0o777 == 0o600


def test_an_officer_whose_erasure_was_cut_short_is_in_no_view(home: Path, muster: Muster) -> None:
    here = Home(home)
    # Of somebody who answered: of the five who never did four would be too few to be shown.
    name = str(here.stages.read("responses", ["participant_id"]).item(0, 0))
    act = erasing([name], FORCE, rows=2, steward="data.steward", reason="asked")
    here.stewardship.enter([act], datetime.now(UTC))
    assert "`muster run`" in _one_sentence(muster("research"))
    assert not here.research.exists()
    MusterApart(home)("run", "--as-of", AS_OF)
    assert muster("research").code == 0
    assert _view(home, "officers").height == 39


def test_the_file_can_be_asked_by_schema_and_explains_itself(home: Path, muster: Muster) -> None:
    muster("research")
    with duckdb.connect(home / "research_view.duckdb", read_only=True) as connection:
        unexplained = connection.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
        ).fetchone()
        schemas = connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()
    assert unexplained == (0,)
    assert schemas == [("research",)], "nothing of the warehouse lies beside it"


def test_nobody_is_named_and_nothing_leads_back(home: Path, muster: Muster) -> None:
    muster("research")
    people = query(home / "warehouse.duckdb", "FROM core.participants")
    secret = {
        *people["participant_id"],
        *(name.partition("-")[2] for name in people["participant_id"]),
        *people["session_group"],
        *OFFICERS,
        GROUP,
    }
    assert words_in(str(people.rows()), secret) >= set(people["participant_id"])
    held = "\n".join(str(_view(home, table).rows()) for table in ("officers", "scores", "build"))
    assert words_in(held, secret) == set()
    fingerprint = query(home / "warehouse.duckdb", "FROM meta.build")["fingerprint"].item()
    assert fingerprint not in held
    text = b"\n".join(readable_text(home / "research_view.duckdb")).decode("utf-8", "replace")
    assert words_in(text, secret) == set()


def test_the_same_snapshot_gives_the_same_rows_and_another_day_other_ids(
    home: Path, muster: Muster
) -> None:
    muster("research")
    first = {table: _view(home, table) for table in ("officers", "scores", "generalised")}
    muster("research")
    for table, rows in first.items():
        assert _view(home, table).equals(rows)
    MusterApart(home)("run", "--as-of", "2025-08-02")
    muster("research")
    assert not set(_view(home, "officers")["officer"]) & set(first["officers"]["officer"])


def test_json_says_the_same(home: Path, muster: Muster) -> None:
    said = json.loads(muster("research", "--json").out)
    assert (said["officers"], said["rows_given"], said["as_of"]) == (40, 40, AS_OF)
    assert {row["reason"] for row in said["generalised"]} <= {
        *("always", "too_few", "one_band", "week_alone")
    }


def test_it_holds_the_lock_while_it_works(
    home: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.storage import locks
    from pipeline.storage.home import Home

    free = []
    publish = warehouse.publish

    def watched(path: Path, rows: Any, **how: Any) -> None:
        free.append(locks.is_free(Home(home).lock))
        publish(path, rows, **how)

    monkeypatch.setattr(module, "publish", watched)
    assert muster("research").code == 0
    assert free == [False]


def test_a_view_that_is_not_safe_is_not_written(
    home: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise NotProtected("the research view is not safe: 1 class; nothing was written")

    monkeypatch.setattr(module, "assert_protected", fails)
    said = muster("research")
    assert said.code == 3
    assert "not safe" in said.err
    assert not (home / "research_view.duckdb").exists()


def test_a_disk_that_refuses_leaves_the_view_as_it_was(
    home: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    muster("research")
    before = (home / "research_view.duckdb").read_bytes()

    def refuses(written: Path, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "put", refuses)
    said = muster("research")
    assert said.code == 2
    assert "the disk is full" in said.err
    assert (home / "research_view.duckdb").read_bytes() == before
    assert not list(home.glob(".writing-*"))


@pytest.mark.parametrize("command", [("research",), ("assurance", FORCE)])
def test_without_a_warehouse_or_after_half_a_run_it_is_refused(
    command: tuple[str, ...], home: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.stages.Stages.is_settled", lambda *_: False)
    assert "did not come to its end" in _one_sentence(muster(*command))
    (home / "warehouse.duckdb").unlink()
    assert "There is no warehouse" in _one_sentence(muster(*command))
    assert not (home / "research_view.duckdb").exists()


def test_the_card_is_written_where_one_stands(home: Path, muster: Muster) -> None:
    said = muster("assurance", FORCE)
    name = f"assurance-{FORCE}-{AS_OF}.html"
    assert said.code == 0
    assert f"Wrote {Path.cwd() / name}, as of {AS_OF}." in said.out
    page = Path(name).read_text("utf-8")
    assert "Simulated Force 01" in page
    assert CONTACT in page
    assert "in 100" in page
    assert "no tables for publication have been made" in " ".join(page.split())
    (home / "releases" / "first").mkdir()
    muster("assurance", FORCE, "--to", "card.html")
    assert "Figures about groups of officers" in Path("card.html").read_text("utf-8")
    assert not (home / "research_view.duckdb").exists(), "a card needs no extract"


def test_the_card_has_the_figures_of_the_releases(home: Path, muster: Muster) -> None:
    assert muster("release", "make", "--name", "first", "--as-of", AS_OF).code == 0
    muster("assurance", FORCE, "--to", "card.html")
    page = " ".join(re.sub(r"<[^>]+>", " ", Path("card.html").read_text("utf-8")).split())
    said = re.search(r"The smallest group in any published table has (\d+) people", page)
    assert said is not None
    assert int(said[1]) >= 10
    assert "the published figures nobody nobody" in page

    folder = home / "releases" / "first"
    folder.chmod(0o755)
    (folder / "areas.parquet").chmod(0o644)
    (folder / "areas.parquet").write_bytes(b"other")
    Path("card.html").unlink()
    assert "`muster release verify first`" in _one_sentence(muster("assurance", FORCE))
    assert not list(Path.cwd().glob("*"))


def test_the_card_names_nobody_of_those_it_is_for(home: Path, muster: Muster) -> None:
    muster("assurance", FORCE, "--to", "card.html")
    people = query(home / "warehouse.duckdb", "FROM core.participants")
    secret = {*people["participant_id"], *people["session_group"], *OFFICERS, GROUP}
    assert not files_holding(Path.cwd(), secret, set())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "neither in the reference list nor declared"),
        ((FORCE, "--to", "card.pdf"), "a name that ends in .html"),
        ((FORCE, "--to", "gone/card.html"), "there is no such folder"),
    ],
)
def test_wrong_use_of_the_card_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, home: Path, muster: Muster
) -> None:
    assert sentence in _one_sentence(muster("assurance", *arguments))
    assert not list(Path.cwd().glob("*"))


def test_the_card_is_not_kept_in_the_home_folder(home: Path, muster: Muster) -> None:
    assert "not kept in the home folder" in _one_sentence(
        muster("assurance", FORCE, "--to", str(home / "card.html"))
    )

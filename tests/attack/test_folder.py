"""The whole folder of a release against the attacker: no file says more than the tables do."""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from attacker import Approach, attack
from folder import more_than_the_tables, tables_of_csv, tables_of_pages, tables_of_workbook
from judge import Judge
from programmes import Snapshot
from published import read_release
from truth import Truth

from pipeline.publishing.documents import documents_of
from pipeline.publishing.provenance import content_hash
from pipeline.publishing.release import Release, release_of
from pipeline.publishing.remembered import as_frame
from pipeline.publishing.report.context import About
from pipeline.storage.releases import Releases, manifest_of

SEED = 0
LEAK = "4317"
"""A number that is in no table."""

States = Callable[[int], tuple[list[Snapshot], list[Truth]]]


@pytest.fixture(scope="module")
def state(states: States) -> tuple[Snapshot, Truth]:
    snapshots, truths = states(SEED)
    return snapshots[0], truths[0]


def _released(state: Snapshot, order: list[int] | None = None) -> Release:
    people = state.participants
    return release_of(
        people if order is None else people[order],
        state.participant_waves,
        state.scores,
        state.programme,
        state.as_of,
    )


@pytest.fixture(scope="module")
def about(state: tuple[Snapshot, Truth]) -> About:
    return About(release="first", as_of=state[0].as_of, version="0.1.0", simulated=True)


@pytest.fixture(scope="module")
def written(
    state: tuple[Snapshot, Truth], about: About, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("folder")
    release = _released(state[0])
    said = {
        "as_of": str(about.as_of),
        "tables": {
            name: {**release.shares[name], "sha256": content_hash(frame)}
            for name, frame in release.tables.items()
        },
        "rules": release.rules.as_numbers(),
    }
    Releases(root / "releases", root / "memberships", root / "backups").write(
        about.release,
        release.tables,
        manifest_of(about.release, 1, said, datetime(2026, 1, 2, tzinfo=UTC)),
        as_frame(release.next),
        documents_of(release.tables, state[0].programme, about),
    )
    yield root / "releases" / about.release
    (root / "releases" / about.release).chmod(0o755)


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy that can be changed."""
    copy = tmp_path / "first"
    shutil.copytree(written, copy)
    copy.chmod(0o755)
    for path in copy.iterdir():
        path.chmod(0o644)
    return copy


def test_no_file_says_more_than_the_tables(
    written: Path, state: tuple[Snapshot, Truth], about: About
) -> None:
    found = more_than_the_tables(written, state[0].programme, about)
    assert "\n".join(found) == ""


def test_every_kind_of_file_gives_the_attacker_the_same_limits(
    written: Path, state: tuple[Snapshot, Truth], effort: int | None
) -> None:
    snapshot, truth = state
    tables = read_release(written)
    judge = Judge([tables], snapshot.world, [truth])

    def limits(release: dict[str, pl.DataFrame]) -> list[str]:
        approach = Approach(judge.wanted, effort, judge.knows)
        return sorted(map(str, attack([release], snapshot.world, approach)))

    of_tables = limits(tables)
    assert of_tables
    for read in (tables_of_csv, tables_of_workbook, tables_of_pages):
        assert limits(read(written)) == of_tables, read.__name__


def test_a_figure_that_a_page_has_otherwise_moves_the_limits(folder: Path) -> None:
    """Else the attacker would not have read the pages at all."""
    page = folder / "report.html"
    text = page.read_text("utf-8")
    found = re.search(r'data-from="(participant_flow\.\d+\.n)"[^>]*>(\d+)<', text)
    assert found is not None
    page.write_text(text.replace(found[0], found[0].replace(f">{found[2]}<", ">4315<")), "utf-8")
    assert 4315 in tables_of_pages(folder)["participant_flow"]["n"].to_list()


def test_rows_do_not_stand_in_the_order_in_which_officers_came(
    state: tuple[Snapshot, Truth],
) -> None:
    snapshot = state[0]
    backwards = list(reversed(range(snapshot.participants.height)))
    tables, again = _released(snapshot).tables, _released(snapshot, backwards).tables
    assert [name for name, frame in tables.items() if not frame.equals(again[name])] == []


# ------------------------------------------------------------------ what is planted is found


def _in_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def planted(folder: Path) -> None:
        path = folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        _hashed_anew(folder, name)

    return planted


def _in_part(part: str, old: str, new: str) -> Callable[[Path], None]:
    """In a part of the workbook."""

    def planted(folder: Path) -> None:
        path = folder / "tables.xlsx"
        with zipfile.ZipFile(path) as before:
            parts = {name: before.read(name) for name in before.namelist()}
        assert old.encode() in parts[part]
        parts[part] = parts[part].replace(old.encode(), new.encode(), 1)
        with zipfile.ZipFile(path, "w") as after:
            for name, content in parts.items():
                after.writestr(name, content)
        _hashed_anew(folder, path.name)

    return planted


def _in_manifest(**said: object) -> Callable[[Path], None]:
    def planted(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | said), "utf-8")

    return planted


def _hashed_anew(folder: Path, name: str) -> None:
    """So that it is not the hash alone that tells."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest), "utf-8")


def _in_metadata(folder: Path) -> None:
    path = folder / "wave_summary.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"officers": LEAK.encode()}), path)
    _hashed_anew(folder, path.name)


def _in_free_blocks(folder: Path) -> None:
    path = folder / "release.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE release.exact AS SELECT range n FROM range({LEAK}00)")
        connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE release.exact")
        connection.execute("CHECKPOINT")
    _hashed_anew(folder, path.name)


def _more_files(folder: Path) -> None:
    (folder / "exact.csv").write_text(f"n\n{LEAK}\n")


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_in_text("report.html", "</p>", f" {LEAK}</p>"), "report.html: not marked"),
        (_in_text("report.html", "</desc>", f" {LEAK}</desc>"), "not what the tables alone make"),
        (_in_text("report.html", "<svg ", f'<svg aria-label="{LEAK}" '), "in aria-label"),
        (_in_text("report.html", "</main>", f"<!-- {LEAK} --></main>"), "what nobody sees"),
        (
            _in_text("report.html", "</svg>", '<path d="M0,0h4317"/></svg>'),
            "not what the tables alone make",
        ),
        (_in_text("wave_summary.csv", "\n", f"\n{LEAK}"), "wave_summary.csv: not the cells"),
        (
            _in_part("xl/sharedStrings.xml", "Simulated", f"Simulated {LEAK}"),
            "beside the table",
        ),
        (_in_part("docProps/core.xml", "Release first", f"Release {LEAK}"), "docProps/core.xml"),
        (_in_part("xl/worksheets/sheet5.xml", "<v>1", "<v>91"), "not the cells"),
        (
            _in_part("xl/worksheets/sheet5.xml", 'customWidth="1"', 'customWidth="1" style="1"'),
            "not what the tables alone make",
        ),
        (_in_manifest(officers=int(LEAK)), "manifest.json: officers"),
        (_in_manifest(left_out_for_the_audit=int(LEAK)), "manifest.json: left_out"),
        (_in_metadata, "metadata beside the schema"),
        (_in_free_blocks, "free blocks"),
        (_more_files, "a file of its own"),
    ],
    ids=[
        "paragraph", "text of a chart", "attribute", "comment", "shape of a chart", "csv",
        "text of the workbook", "properties", "number of the workbook", "width", "manifest",
        "count of the audit", "metadata", "free blocks", "file",
    ],
)  # fmt: skip
def test_a_number_that_is_planted_is_found(
    plant: Callable[[Path], None],
    found: str,
    folder: Path,
    state: tuple[Snapshot, Truth],
    about: About,
) -> None:
    plant(folder)
    said = more_than_the_tables(folder, state[0].programme, about)
    assert any(found in sentence for sentence in said), said

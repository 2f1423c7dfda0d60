"""The desk's readers see one state each, and the newest as soon as it is in its place."""

import threading
from pathlib import Path

import polars as pl
import pytest

from pipeline import tables
from pipeline.programme import UnusableConfiguration
from pipeline.storage.desk_queries import AGES, Snapshots, Sought
from pipeline.storage.warehouse import publish

READERS = 8
PUBLISHES = 12


def put(path: Path, number: int) -> None:
    """As many submissions and decisions as the number says."""
    made = range(number)
    submissions = pl.DataFrame(
        {
            "submission_id": [f"kent--roster--{n:012x}" for n in made],
            "organisation": "kent",
            "source": "roster",
            "sha256": "0",
            "received_at": "2025-01-01",
            "verdict": "held",
            "decided_by": "contract",
        }
    ).with_columns(pl.col("received_at").str.to_datetime())
    decisions = pl.DataFrame(
        {
            "decision": list(made),
            "decided_at": "2025-01-01",
            "submission_id": "x",
            "action": "return",
            "steward": "s",
            "reason": "r",
        }
    ).with_columns(pl.col("decided_at").str.to_datetime())
    publish(
        path,
        {
            tables.SUBMISSIONS: tables.SUBMISSIONS.conform(submissions),
            tables.DECISIONS: tables.DECISIONS.conform(decisions),
        },
    )


def test_the_file_before_is_the_one_that_arrived_before_whatever_it_is_called(tmp_path: Path):
    arrived = ["kent--roster--c", "kent--roster--a", "kent--roster--b"]
    submissions = pl.DataFrame(
        {
            "submission_id": [*arrived, "kent--answers--d"],
            "organisation": "kent",
            "source": ["roster", "roster", "roster", "answers"],
            "sha256": "0",
            # All in one run: the moment does not tell them apart.
            "received_at": "2025-01-01",
            "place": [1, 2, 4, 3],
            "verdict": "held",
            "decided_by": "contract",
        }
    ).with_columns(pl.col("received_at").str.to_datetime())
    publish(
        tmp_path / "warehouse.duckdb",
        {tables.SUBMISSIONS: tables.SUBMISSIONS.conform(submissions)},
    )
    snapshots = Snapshots(tmp_path / "warehouse.duckdb")
    with snapshots.newest() as snapshot:
        rows = {row["submission_id"]: row for row in submissions.iter_rows(named=True)}
        before = [snapshot.last_of_the_source(rows[name]) for name in arrived]
    snapshots.close()
    assert [row and row["submission_id"] for row in before] == [None, *arrived[:2]]


def seen(snapshots: Snapshots) -> tuple[int, int]:
    with snapshots.newest() as snapshot:
        return snapshot.count(Sought()), snapshot.decisions().height


def test_a_file_that_was_replaced_is_read_at_once_and_the_old_one_to_its_end(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    put(path, 1)
    snapshots = Snapshots(path)
    with snapshots.newest() as old:
        assert old.count(Sought()) == 1
        put(path, 2)
        assert seen(snapshots) == (2, 2)
        assert old.decisions().height == 1, "who had begun goes on with what they had"
    assert seen(snapshots) == (2, 2)
    snapshots.close()


def test_what_is_asked_again_of_one_snapshot_is_not_asked_of_the_file(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    put(path, 3)
    snapshots = Snapshots(path)
    count = "SELECT count(*) AS n FROM quality.submissions WHERE submission_id <= ?"
    with snapshots.newest() as first, snapshots.newest() as second:
        first.rows(count, ["z"])[0]["n"] = "what a page did with its row"
        first._cursor.close()
        assert first.rows(count, ["z"]) == [{"n": 3}], "kept as it was"
        with pytest.raises(UnusableConfiguration):
            first.rows(count, ["another question"])
        assert second.rows(count, ["a"]) == [{"n": 0}], "each parameter has its own answer"
    put(path, 2)
    with snapshots.newest() as newer:
        assert newer.rows(count, ["z"]) == [{"n": 2}], "nothing is kept of what was replaced"
    snapshots.close()


def test_long_answers_and_old_ones_are_not_kept(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    put(path, 1)
    snapshots = Snapshots(path)
    with snapshots.newest() as snapshot:
        assert len(snapshot.rows("SELECT * FROM range(201)")) == 201
        assert not snapshot._answers._kept
        for n in range(600):
            snapshot.rows("SELECT ? AS n", [n])
        assert len(snapshot._answers._kept) == 512
        snapshot._cursor.close()
        assert snapshot.rows("SELECT ? AS n", [599]) == [{"n": 599}]
        with pytest.raises(UnusableConfiguration):
            snapshot.rows("SELECT ? AS n", [0])
    snapshots.close()


def test_readers_at_once_while_the_file_is_replaced(tmp_path: Path):
    path, states, end = tmp_path / "warehouse.duckdb", set(), threading.Event()
    put(path, 1)
    snapshots = Snapshots(path)

    def read() -> None:
        while not end.is_set():
            states.add(seen(snapshots))

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for number in range(2, PUBLISHES + 1):
        put(path, number)
    end.set()
    for reader in readers:
        reader.join()
    assert seen(snapshots) == (PUBLISHES, PUBLISHES)
    assert all(submissions == decisions for submissions, decisions in states), "a mixed state"
    assert len(states) > 1
    snapshots.close()


def test_nothing_is_written_beside_the_file(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    put(path, 3)
    before = path.read_bytes()
    snapshots = Snapshots(path)
    seen(snapshots)
    with snapshots.newest() as snapshot, pytest.raises(UnusableConfiguration):
        snapshot.rows("DELETE FROM quality.submissions")
    snapshots.close()
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == before


def test_no_other_file_can_be_read_through_it(tmp_path: Path):
    path, other = tmp_path / "warehouse.duckdb", tmp_path / "other.csv"
    put(path, 1)
    other.write_text("a\n1\n")
    snapshots = Snapshots(path)
    with snapshots.newest() as snapshot, pytest.raises(UnusableConfiguration):
        snapshot.rows(f"SELECT * FROM read_csv('{other}')")
    snapshots.close()


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 1000])
def test_what_is_no_warehouse_is_one_sentence(tmp_path: Path, content: bytes | None):
    path = tmp_path / "warehouse.duckdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableConfiguration, match="muster run"):
        seen(Snapshots(path))


def test_ages_have_no_gap():
    assert AGES[0][0] == 0
    assert AGES[-1][1] is None
    assert [first for first, _ in AGES[1:]] == [
        last + 1 for _, last in AGES[:-1] if last is not None
    ]

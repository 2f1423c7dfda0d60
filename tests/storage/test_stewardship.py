"""The stewardship store: it only grows, keeps its order, and says why it cannot be used."""

import sqlite3
import stat
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.accounts import AccountChange
from pipeline.entries import Act
from pipeline.programme import UnusableConfiguration
from pipeline.quality.decisions import Ruling
from pipeline.storage import stewardship
from pipeline.storage.stewardship import SCHEMA_VERSION, Stewardship
from pipeline.vocabulary import AccountAct, DecisionAction, EntryKind, Role

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
MODIFIED = datetime(2026, 3, 1, 9, 30, 0, 654321, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path / "stewardship.sqlite")


def accepting(submission_id: str = "a") -> Ruling:
    return Ruling(
        submission_id=submission_id,
        action=DecisionAction.ACCEPT,
        steward="data.steward",
        reason="the force confirmed that the file is complete",
    )


WAIVING = Ruling(
    submission_id="a",
    action=DecisionAction.WAIVE,
    steward="data.steward",
    reason="the answers were real",
    row_number=7,
    rule="preview_or_test_row",
    until=date(2026, 12, 31),
)


def rows(store: Stewardship, sql: str) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(sql)
        connection.commit()


def test_reading_where_nothing_was_written_finds_and_makes_nothing(store: Stewardship) -> None:
    assert store.receipts() == {}
    assert store.decisions() == []
    assert store.receive([], NOON) == {}
    assert not store.backup(store.path.with_name("copy.sqlite"))
    assert list(store.path.parent.iterdir()) == []


def test_submissions_are_received_in_the_order_given(store: Stewardship) -> None:
    receipts = store.receive([("b", MODIFIED), ("a", MODIFIED)], NOON)
    assert [receipts["b"].place, receipts["a"].place] == [1, 2]
    assert list(store.receipts()) == ["b", "a"]
    assert receipts["a"].received_at == NOON
    assert receipts["a"].modified_at == MODIFIED
    assert receipts["a"].received_at.tzinfo is not None


def test_a_submission_is_received_once(store: Stewardship) -> None:
    first = store.receive([("a", MODIFIED)], NOON)
    later = store.receive([("a", MODIFIED + HOUR), ("b", MODIFIED)], NOON + HOUR)
    assert later["a"] == first["a"]
    assert later["b"].received_at == NOON + HOUR
    assert store.receive([("b", MODIFIED), ("b", MODIFIED)], NOON) == {"b": later["b"]}


def test_a_submission_named_twice_keeps_its_first_file(store: Stewardship) -> None:
    receipts = store.receive([("a", MODIFIED), ("a", MODIFIED + HOUR)], NOON)
    assert receipts["a"].modified_at == MODIFIED


def test_a_clock_moved_back_reorders_nothing(store: Stewardship) -> None:
    store.receive([("a", MODIFIED)], NOON)
    earlier = store.receive([("b", MODIFIED)], NOON - HOUR)
    assert earlier["b"].received_at == NOON
    assert earlier["b"].place > store.receipts()["a"].place
    store.record([accepting()], NOON)
    assert store.record([accepting()], NOON - HOUR)[0].decided_at == NOON


def test_moments_of_other_time_zones_are_kept_in_utc(store: Stewardship) -> None:
    zone = datetime.fromisoformat("2026-03-02T14:00:00+02:00")
    assert store.receive([("a", zone)], zone)["a"].received_at.isoformat() == (
        "2026-03-02T12:00:00+00:00"
    )


def test_decisions_come_back_as_they_were_taken(store: Stewardship) -> None:
    first, second = store.record([accepting(), WAIVING], NOON)
    assert store.decisions() == [first, second]
    assert (first.decision, second.decision) == (1, 2)
    assert first.decided_at == NOON
    for field in ("submission_id", "action", "steward", "reason", "row_number", "rule", "until"):
        assert getattr(second, field) == getattr(WAIVING, field)


LEAVING = Act(
    kind=EntryKind.LEFT_PROGRAMME,
    steward="data.steward",
    reason="the officer wrote to us",
    body={"participant_id": "v1-00", "rows": [1, 2]},
)


def test_entries_come_back_as_they_were_made_and_by_kind(store: Stewardship) -> None:
    assert store.entries() == []
    erased = replace(LEAVING, kind=EntryKind.ERASED, body={})
    first, second = store.enter([LEAVING, erased], NOON)
    assert store.entries() == [first, second]
    assert store.entries(EntryKind.ERASED) == [second]
    assert (first.entry, first.entered_at, first.body) == (1, NOON, LEAVING.body)
    assert store.enter([LEAVING], NOON - HOUR)[0].entered_at == NOON


def test_a_store_of_the_first_version_is_read_and_brought_up_to_date(store: Stewardship) -> None:
    for statement in stewardship._VERSION_1:
        rows(store, statement)
    rows(store, "PRAGMA user_version = 1")
    rows(store, "INSERT INTO receipts VALUES (7, 'a', '2026-03-02', '2026-03-01')")
    assert store.entries() == []
    assert list(store.receipts()) == ["a"]
    store.enter([LEAVING], NOON)
    assert [entry.kind for entry in store.entries()] == [EntryKind.LEFT_PROGRAMME]
    assert store.receipts()["a"].place == 7
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


ADDED = AccountChange(
    name="a.steward",
    act=AccountAct.ADDED,
    changed_by="chief",
    role=Role.STEWARD,
    password_hash="$argon2id$",
)


def test_a_store_of_the_second_version_is_read_and_brought_up_to_date(store: Stewardship) -> None:
    for statement in (*stewardship._VERSION_1, *stewardship._VERSION_2):
        rows(store, statement)
    rows(store, "PRAGMA user_version = 2")
    assert store.account_changes() == []
    assert store.trail(about=None, by=None, limit=9, offset=0) == []
    store.change_account(ADDED, NOON)
    (found,) = store.account_changes()
    assert (found.change, found.changed_at, found.name, found.role) == (
        1,
        NOON,
        "a.steward",
        Role.STEWARD,
    )


def test_what_must_hold_is_asked_before_anything_is_written(store: Stewardship) -> None:
    store.record([accepting()], NOON)
    store.enter([LEAVING], NOON)
    store.change_account(ADDED, NOON)
    before = store.path.read_bytes()
    asked = []

    def refuse(known: Sequence[object]) -> None:
        asked.append(len(known))
        raise LookupError

    with pytest.raises(LookupError):
        store.record([accepting()], NOON, must_hold=refuse)
    with pytest.raises(LookupError):
        store.enter([LEAVING], NOON, must_hold=refuse)
    with pytest.raises(LookupError):
        store.change_account(ADDED, NOON, must_hold=refuse)
    assert asked == [1, 1, 1]
    assert store.path.read_bytes() == before


def test_the_trail_has_everything_once_and_in_pages(store: Stewardship) -> None:
    store.change_account(ADDED, NOON)
    store.record([accepting(), WAIVING], NOON + HOUR)
    store.enter([LEAVING], NOON + 2 * HOUR)
    whole = store.trail(about=None, by=None, limit=9, offset=0)
    assert [line.act for line in whole] == ["left_programme", "waive", "accept", "added"]
    paged = [line for n in range(4) for line in store.trail(about=None, by=None, limit=1, offset=n)]
    assert paged == whole
    assert [line.by for line in store.trail(about="added", by=None, limit=9, offset=0)] == ["chief"]
    assert store.trail(about=None, by="nobody", limit=9, offset=0) == []
    assert "argon2" not in repr(whole)


def test_every_change_gives_the_store_another_state(store: Stewardship) -> None:
    states = [store.state()]
    for act in (lambda: store.record([accepting()], NOON), lambda: store.enter([LEAVING], NOON)):
        act()
        states.append(store.state())
    assert store.decisions()
    assert store.state() == states[-1], "reading changes nothing"
    assert len(set(states)) == 3


@pytest.mark.parametrize("table", ["receipts", "decisions", "entries", "accounts"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {table} SET rowid = 9",
        "DELETE FROM {table}",
        "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    ],
)
def test_nothing_on_record_can_be_changed(table: str, change: str, store: Stewardship) -> None:
    store.receive([("a", MODIFIED)], NOON)
    store.record([accepting()], NOON)
    store.enter([LEAVING], NOON)
    store.change_account(ADDED, NOON)
    with pytest.raises(sqlite3.IntegrityError, match="only ever grow"):
        rows(store, change.format(table=table))
    assert list(store.receipts()) == ["a"]
    assert len(store.decisions()) == 1
    assert len(store.entries()) == 1


def test_an_action_that_is_none_is_refused_by_the_file(store: Stewardship) -> None:
    store.record([accepting()], NOON)
    with pytest.raises(sqlite3.IntegrityError):
        rows(
            store,
            "INSERT INTO decisions (decided_at, submission_id, action, steward, reason) "
            "VALUES ('2026-01-01', 'a', 'delete', 's', 'r')",
        )


def test_a_write_that_fails_leaves_nothing_of_itself(store: Stewardship) -> None:
    store.record([accepting("a")], NOON)
    broken = accepting(None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        store.record([accepting("b"), broken], NOON)
    assert [decision.submission_id for decision in store.decisions()] == ["a"]


def test_the_file_is_for_its_owner_only(store: Stewardship) -> None:
    store.receive([("a", MODIFIED)], NOON)
    store.backup(store.path.with_name("copy.sqlite"))
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_backup_is_a_store_of_its_own(store: Stewardship, tmp_path: Path) -> None:
    store.receive([("a", MODIFIED)], NOON)
    store.record([WAIVING], NOON)
    copy = Stewardship(tmp_path / "backups" / "copy.sqlite")
    assert store.backup(copy.path)
    assert (copy.receipts(), copy.decisions()) == (store.receipts(), store.decisions())
    assert [path.name for path in copy.path.parent.iterdir()] == ["copy.sqlite"]
    store.receive([("b", MODIFIED)], NOON)
    assert list(copy.receipts()) == ["a"]
    with pytest.raises(sqlite3.IntegrityError, match="only ever grow"):
        rows(copy, "DELETE FROM receipts")


def test_a_writer_killed_before_its_first_table_left_nothing(store: Stewardship) -> None:
    store.path.touch(0o600)
    assert store.receipts() == {}
    assert store.receive([("a", MODIFIED)], NOON)["a"].place == 1


def test_writers_at_once_all_get_in_and_agree(store: Stewardship) -> None:
    mine = [[(f"{writer}-{i}", MODIFIED) for i in range(5)] for writer in range(8)]
    got: list[dict[str, stewardship.Receipt]] = []
    both = [("shared", MODIFIED)]
    threads = [
        threading.Thread(target=lambda ids=ids: got.append(store.receive([*ids, *both], NOON)))
        for ids in mine
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({receipts["shared"] for receipts in got}) == 1
    assert [r.place for r in store.receipts().values()] == list(range(1, 42))


def test_the_version_is_written_down(store: Stewardship) -> None:
    store.receive([("a", MODIFIED)], NOON)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def refused(store: Stewardship) -> list[str]:
    """The sentences with which every use of a store is refused."""
    sentences = []
    for use in (
        store.receipts,
        store.decisions,
        lambda: store.receive([("z", MODIFIED)], NOON),
        lambda: store.record([accepting()], NOON),
        lambda: store.backup(store.path.with_name("copy.sqlite")),
    ):
        with pytest.raises(UnusableConfiguration) as problem:
            use()
        assert problem.value.__suppress_context__ or problem.value.__context__ is None
        sentences.append(str(problem.value))
    assert not store.path.with_name("copy.sqlite").exists()
    return sentences


def test_a_newer_version_is_refused(store: Stewardship) -> None:
    store.receive([("a", MODIFIED)], NOON)
    rows(store, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert all("was written by a newer Muster" in sentence for sentence in refused(store))


def test_what_is_no_database_is_refused(store: Stewardship) -> None:
    store.path.write_bytes(b"this was a database once, long enough for a header" * 100)
    assert all("put its backup in its place" in sentence for sentence in refused(store))


def test_a_database_of_something_else_is_refused(store: Stewardship) -> None:
    rows(store, "CREATE TABLE other (number INTEGER)")
    assert all("is not Muster's" in sentence for sentence in refused(store))


def test_a_damaged_page_is_refused(store: Stewardship) -> None:
    store.receive([(f"submission-{i}", MODIFIED) for i in range(500)], NOON)
    content = bytearray(store.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(UnusableConfiguration, match="put its backup in its place"):
        store.receipts()


def test_a_folder_in_its_place_is_refused(store: Stewardship) -> None:
    store.path.mkdir()
    with pytest.raises(UnusableConfiguration, match="cannot be read or written"):
        store.receipts()
    with pytest.raises(UnusableConfiguration, match="cannot be read or written"):
        store.receive([("a", MODIFIED)], NOON)


def test_a_store_that_somebody_else_keeps_busy_says_so(
    store: Stewardship, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.receive([("a", MODIFIED)], NOON)
    monkeypatch.setattr(stewardship, "_SECONDS_TO_WAIT", 0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnusableConfiguration, match="in use by something else"):
            store.receive([("b", MODIFIED)], NOON)

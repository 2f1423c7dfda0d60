"""Rotating a small home: all of it or nothing, proven, and without a landing file."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from sound_keys import digits, secret

from pipeline.intake import ACCEPTED, WAIVED, TakenIn
from pipeline.privacy import rotation as rows_of
from pipeline.programme import UnusableConfiguration
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.profile import PROFILE
from pipeline.storage import rotation
from pipeline.storage.home import Home
from pipeline.storage.rotation import RotationFailed, rotate
from pipeline.vocabulary import EntryKind, Kind

PROGRAMME = """
programme: home
title: Simulated
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: later}
waves: [{wave: baseline, due_after_days: 0}, {wave: later, due_after_days: 70}]
"""
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, record) -> Home:
    """A roster, answers of two waves with quarantined and waived rows, a list of departures."""
    made = Home(tmp_path / "home")
    made.create(PROGRAMME)
    made.settle_keys(NOW)
    roster = {
        "participant_id": _named(made, "a", "b", "c"),
        "session_group": _groups(made, "g", "g", "h"),
        "facilitator": _groups(made, "f", None, "f"),
    }
    _put(made, record, Kind.ROSTER, "roster", roster)
    for wave, people in (("baseline", ("a", "b", "c")), ("later", ("a", "c"))):
        answers = {
            "participant_id": _named(made, *people),
            "wave": [wave] * len(people),
            "items": [[1, 2, 3, 0]] * len(people),
        }
        _put(made, record, Kind.QUESTIONNAIRE, wave, answers, found=("b", None), waived=("b",))
    moved = {
        "participant_id": _named(made, "a"),
        "new_participant_id": _named(made, "z"),
        "departed_on": [date(2025, 2, 1)],
    }
    _put(made, record, Kind.DEPARTURES, "departures", moved)
    made.lake.write_submission(record("unreadable--1", problem="it cannot be read"), None)
    return made


def _named(home: Home, *identifiers: str | None) -> pl.Series:
    rows = pl.DataFrame({"identifier": identifiers}).with_columns(home_force=pl.lit("f"))
    return home.pseudonymiser().participants(rows)


def _groups(home: Home, *labels: str | None) -> pl.Series:
    return home.pseudonymiser().labels(
        pl.DataFrame({"session_group": labels}), "session_group", "f"
    )


def _put(home: Home, record, kind: Kind, source: str, rows, *, found=(), waived=()) -> None:
    accepted = _fitted(rows, ACCEPTED[kind])
    taken_in = TakenIn(
        rows_in_file=accepted.height,
        rows_blank=0,
        rows_read=accepted.height,
        rows_withdrawn=0,
        columns_left_out=(),
        columns_unknown=0,
        accepted=accepted,
        findings=_fitted({"participant_id": _named(home, *found)}, FINDINGS)
        if found
        else FINDINGS.to_frame(),
        profile=PROFILE.to_frame(),
        waived=_fitted({"participant_id": _named(home, *waived)}, WAIVED) if waived else None,
    )
    home.lake.write_submission(record(f"{source}--1", source=source, kind=kind), taken_in)


def _fitted(columns, schema: pl.Schema) -> pl.DataFrame:
    frame = pl.DataFrame(columns)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    )


def _everything(home: Home) -> dict[tuple[str, str], pl.DataFrame]:
    return {
        (record.submission_id, name): frame
        for record in home.lake.records()
        if record.problem is None
        for name, frame in home.lake.frames(record.submission_id)
    }


def _files(home: Home) -> dict[str, bytes]:
    return {
        path.relative_to(home.root).as_posix(): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_everything_is_carried_on_and_nothing_else_changes(home):
    before, records = _everything(home), home.lake.records()
    rotated = rotate(home, "data.steward", "planned", NOW)
    after = _everything(home)
    newest = home.pseudonymiser()
    assert len(newest.keys) == rotated.version == 2
    assert before.keys() == after.keys()
    columns = [c for frame in before.values() for c in frame.columns if c in rotation.PSEUDONYMS]
    # Elements of codes have a test of their own (tests/privacy/test_rotation.py).
    assert {*columns, "code"} == set(rotation.PSEUDONYMS), "the home holds every other kind"
    for place, frame in before.items():
        assert after[place].equals(rows_of.carried_on(frame, rotation.PSEUDONYMS, newest)), place
    assert home.lake.records() == records
    assert rotated.tally.links[("baseline", "later")] == 2
    assert rotated.counts == {"submissions": 5, "rows": 9, "officers": 4}


def test_no_pseudonym_of_the_older_key_stays_in_the_lake(home):
    (home.root / "lake" / "stages").mkdir()
    (home.root / "lake" / "stages" / "catalogue.json").write_text("{}")
    rotate(home, "data.steward", "planned", NOW)
    assert [path.name for path in (home.root / "lake").iterdir()] == ["v2"]
    assert home.stages.entry("anything") is None
    rotate(home, "data.steward", "planned again", NOW)
    assert [path.name for path in (home.root / "lake").iterdir()] == ["v3"]
    assert all("v3-" in p for frame in _everything(home).values() for p in _texts(frame))


def _texts(frame: pl.DataFrame) -> list[str]:
    there = [c for c in rotation.PSEUDONYMS if c in frame.columns]
    return [text for column in there for text in frame[column].drop_nulls()]


def test_the_act_is_on_record_with_counts_and_without_the_key(home):
    rotate(home, "data.steward", "a laptop was lost", NOW)
    (entry,) = home.stewardship.entries(EntryKind.KEY_ROTATED)
    assert (entry.steward, entry.reason) == ("data.steward", "a laptop was lost")
    assert entry.body["version"] == 2
    assert entry.body["officers"] == 4
    secret = (home.secrets / "key-2").read_text()
    assert secret not in json.dumps(dict(entry.body))
    assert set(entry.body) == {
        "programme",
        "version",
        "check_value",
        "submissions",
        "rows",
        "officers",
    }


def test_what_is_on_record_under_the_older_key_is_found_under_the_newer(home):
    before = _named(home, "a", "c")
    rotate(home, "data.steward", "planned", NOW)
    assert home.pseudonymiser().carried_on(before).to_list() == _named(home, "a", "c").to_list()


def test_an_empty_home_may_be_rotated(tmp_path):
    home = Home(tmp_path / "home")
    home.create(PROGRAMME)
    rotated = rotate(home, "data.steward", "planned", NOW)
    assert (rotated.version, rotated.submissions, rotated.tally.links) == (2, 0, {})
    assert len(Home(home.root).proven_keys()) == 2


def test_keys_of_the_environment_are_rotated_to_the_next_one_there(home, monkeypatch):
    monkeypatch.setenv("MUSTER_KEY_1", (home.secrets / "key-1").read_text())
    (home.secrets / "key-1").unlink()
    before = _files(home)
    with pytest.raises(UnusableConfiguration, match="set MUSTER_KEY_2 to 64 random"):
        rotate(home, "data.steward", "planned", NOW)
    assert _files(home) == before
    monkeypatch.setenv("MUSTER_KEY_2", digits("cd"))
    rotated = rotate(home, "data.steward", "planned", NOW)
    assert (rotated.version, rotated.place) == (2, "MUSTER_KEY_2")
    assert list(home.secrets.iterdir()) == []
    assert len(home.proven_keys()) == 2


def test_a_key_that_somebody_put_there_is_taken_up(home):
    path = home.secrets / "key-2"
    path.write_text(digits("cd"))
    path.chmod(0o600)
    rotate(home, "data.steward", "planned", NOW)
    assert [key.secret for key in home.proven_keys()][1] == secret("cd")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda rows: rows.head(1), "other columns of"),
        (lambda rows: rows.with_columns(row_number=pl.lit(9, pl.Int32)), "other columns of"),
        (
            lambda rows: rows.with_columns(participant_id=pl.col("participant_id").first()),
            "officers who answered two waves would change",
        ),
        (
            lambda rows: rows.with_columns(pl.lit(None, pl.String).alias("participant_id")),
            "cells that name somebody",
        ),
    ],
    ids=["rows", "other columns", "merged", "unnamed"],
)
def test_what_is_not_as_it_was_is_never_put_in_force(home, monkeypatch, spoil, sentence):
    sound = rotation.carried_on

    def spoilt(rows, columns, pseudonymiser):
        after = sound(rows, columns, pseudonymiser)
        return spoil(after) if after.height > 1 and "items" in after.columns else after

    monkeypatch.setattr(rotation, "carried_on", spoilt)
    before = _files(home)
    with pytest.raises(RotationFailed, match=sentence) as raised:
        rotate(home, "data.steward", "planned", NOW)
    assert "v1-" not in str(raised.value)
    assert _files(home) == before
    monkeypatch.undo()
    assert rotate(home, "data.steward", "planned", NOW).version == 2


def test_a_column_that_nobody_said_holds_pseudonyms_stops_it(home, monkeypatch):
    monkeypatch.setattr(rotation, "PSEUDONYMS", ("participant_id", "new_participant_id"))
    before = _files(home)
    with pytest.raises(RotationFailed, match=r"session_group, facilitator of roster--1 would stay"):
        rotate(home, "data.steward", "planned", NOW)
    assert _files(home) == before


def test_what_is_no_pseudonym_stops_it_unquoted(home, record):
    rows = {"participant_id": ["PC 4711"]}
    _put(home, record, Kind.ROSTER, "strange", rows)
    before = _files(home)
    with pytest.raises(RotationFailed, match=r"^strange--1 holds what is no pseudonym") as raised:
        rotate(home, "data.steward", "planned", NOW)
    assert "4711" not in str(raised.value)
    assert _files(home) == before


def test_another_key_is_not_rotated_on(home):
    (home.secrets / "key-1").write_text(digits("ab"))
    before = _files(home)
    with pytest.raises(UnusableConfiguration, match="secrets/key-1 is not the key"):
        rotate(home, "data.steward", "planned", NOW)
    assert _files(home) == before


def test_a_folder_that_a_power_cut_left_short_is_counted_and_not_carried_on(home):
    (path,) = (home.root / "lake" / "submissions" / "later--1").glob("accepted-*.parquet")
    path.write_bytes(path.read_bytes()[:-8])
    rotated = rotate(home, "data.steward", "planned", NOW)
    assert (rotated.submissions, rotated.incomplete) == (4, 1)
    assert ("baseline", "later") not in rotated.tally.links


def test_a_disk_that_is_full_leaves_everything_as_it_was(home, monkeypatch):
    import errno

    from pipeline.storage.objects import LocalObjects

    written, before = [0], _files(home)
    put = LocalObjects.put

    def full(self, files):
        written[0] += 1
        if written[0] == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(self, files)

    monkeypatch.setattr(LocalObjects, "put", full)
    with pytest.raises(OSError, match="No space left"):
        rotate(home, "data.steward", "planned", NOW)
    assert _files(home) == before


def test_killed_after_it_took_effect_it_is_finished_by_whoever_comes_next(home, monkeypatch):
    """The moment between the one rename and all that follows."""

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    expected = {p: f.height for p, f in _everything(home).items()}
    with monkeypatch.context() as patched:
        patched.setattr(Home, "recover", die)
        with pytest.raises(Killed):
            rotate(home, "data.steward", "planned", NOW)
    assert (home.secrets / "next-key-2").exists()
    assert (home.root / "lake" / "submissions").exists()
    # A reader without the lock sees the new state whole, and changes nothing.
    reader, before = Home(home.root), _files(home)
    assert len(reader.proven_keys()) == 2
    assert {p: f.height for p, f in _everything(reader).items()} == expected
    assert all("v2-" in p for frame in _everything(reader).values() for p in _texts(frame))
    assert _files(home) == before
    reader.recover()
    reader.settle_keys(NOW)
    assert sorted(path.name for path in home.secrets.iterdir()) == ["key-1", "key-2"]
    assert [path.name for path in (home.root / "lake").iterdir()] == ["v2"]
    (entry,) = home.stewardship.entries(EntryKind.KEY_ROTATED)
    assert (entry.steward, entry.body["officers"]) == ("data.steward", 4)

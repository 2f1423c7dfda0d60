"""Moving the lake of a home: nothing is removed that the new place does not hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from object_storage import ObjectStorage, object_storage

from pipeline.privacy.key_checks import MadeWith
from pipeline.storage.home import Home
from pipeline.storage.moving import move
from pipeline.storage.remote import LakeSettings, parse_lake_settings, remote_objects
from pipeline.written import UnusableConfiguration


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        storage.make_bucket("moved")
        yield storage


@pytest.mark.parametrize("otherwise", ["slash", "region", "endpoint"])
def test_a_place_that_is_only_written_otherwise_keeps_its_lake(
    storage: ObjectStorage, tmp_path: Path, record, taken_in, otherwise: str
) -> None:
    at = f"s3://moved/{otherwise}"
    there = parse_lake_settings(storage.settings(at))
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    move(home, there)
    before = storage.files("moved")
    changed = {
        "slash": {"at": at + "/"},
        "region": {"region": None},
        "endpoint": {"endpoint": str(there.endpoint).replace("127.0.0.1", "localhost")},
    }[otherwise]
    to = LakeSettings.model_validate(there.model_dump() | changed)
    assert move(Home(tmp_path), to).files == 0
    assert storage.files("moved") == before
    assert Home(tmp_path).lake_settings == to


def test_whoever_waited_for_a_move_looks_where_the_lake_is_now(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    waiting = Home(tmp_path)
    waiting.lake.write_submission(record("one"), taken_in())
    move(Home(tmp_path), parse_lake_settings(storage.settings("s3://moved/waited")))
    waiting.recover()
    assert [found.submission_id for found in waiting.lake.records()] == ["one"]


def test_what_a_killed_first_put_left_is_no_lake_in_two_places(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    half = tmp_path / "lake" / "submissions" / "two"
    half.mkdir()
    (half / ".writing-1-half.parquet").touch()
    move(home, parse_lake_settings(storage.settings("s3://moved/half")))
    assert [found.submission_id for found in Home(tmp_path).lake.records()] == ["one"]


def test_a_lake_whose_files_have_the_same_names_is_not_written_over(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    to = parse_lake_settings(storage.settings("s3://moved/others"))
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    one.lake.put_down(MadeWith("one", ("1",)))
    other.lake.put_down(MadeWith("other", ("2",)))
    other.lake.write_submission(record("one"), taken_in())
    move(one, to)
    with pytest.raises(UnusableConfiguration, match="has 1 files that are not of this lake"):
        move(other, to)
    assert Home(one.root).lake.made_with() == MadeWith("one", ("1",))
    assert not (other.root / "lake.yaml").exists()


def test_a_move_that_was_killed_while_it_copied_begins_again(
    storage: ObjectStorage, tmp_path: Path, record, taken_in
) -> None:
    home = Home(tmp_path)
    home.lake.write_submission(record("one"), taken_in())
    to = parse_lake_settings(storage.settings("s3://moved/again"))
    copied = sorted((tmp_path / "lake" / "submissions" / "one").iterdir())[:2]
    remote_objects(to).put({f"submissions/one/{path.name}": path.read_bytes() for path in copied})
    move(home, to)
    assert [found.submission_id for found in Home(tmp_path).lake.records()] == ["one"]

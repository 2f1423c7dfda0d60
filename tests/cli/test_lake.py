"""`muster lake`: where the lake lies; wrong places are refused and change nothing."""

import shutil

import pytest
from object_storage import REGION, object_storage


@pytest.fixture
def new_home(muster, home):
    muster("init")
    return home


def test_it_says_where_the_lake_lies(muster, reviewed):
    said = muster("lake", "where")
    assert said.code == 0
    assert said.out == f"{reviewed / 'lake'}: 4 submissions.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "home"], "the lake lies at lake/ in the home folder already"),
        (["--to", "evaluation"], "at: bucket and prefix are expected"),
        (["--to", "s3://evaluation"], "at: bucket and prefix are expected"),
        (["--to", "s3://evaluation/lake", "--endpoint", "http://s3.example"], "cross the network"),
        (["--to", "s3://simkey:simsecret@b/lake"], "credentials never stand in a file"),
    ],
)
def test_a_place_that_cannot_be_used_is_said_and_nothing_is_written(
    muster, new_home, arguments, sentence
):
    said = muster("lake", "move", *arguments)
    assert said.code == 2
    assert sentence in said.err
    assert "simsecret" not in said.err + said.out
    assert not (new_home / "lake.yaml").exists()


@pytest.mark.parametrize("content", [b"at: \xff\xfe", b"", b"at: s3://a/b\nat: s3://c/d\n"])
def test_settings_that_are_no_settings_end_every_command_in_one_sentence(muster, new_home, content):
    (new_home / "lake.yaml").write_bytes(content)
    for command in (["lake", "where"], ["run"], ["key", "check"]):
        said = muster(*command)
        assert said.code == 2, command
        assert said.err.startswith("lake.yaml")
        assert said.err.count("\n") == 1


@pytest.fixture(scope="module")
def storage():
    with object_storage() as storage:
        storage.make_bucket("kept")
        yield storage


@pytest.fixture
def moved(muster, reviewed, storage):
    """The home that was evaluated, its lake in a bucket and its landing files put away."""
    place = ["--to", f"s3://kept/{reviewed.parent.name}", "--endpoint", storage.endpoint]
    assert muster("lake", "move", *place, "--region", REGION, "--allow-http").code == 0
    for path in (reviewed / "landing").glob("*/*"):
        path.unlink()
    return reviewed


@pytest.mark.parametrize("wrong", ["gone", "another prefix"])
def test_no_run_begins_another_lake_where_the_settings_are_lost(muster, moved, wrong):
    settings = moved / "lake.yaml"
    right = settings.read_text()
    before = (moved / "warehouse.duckdb").read_bytes()
    if wrong == "gone":
        settings.unlink()
    else:
        settings.write_text(right.replace("s3://kept/", "s3://kept/not-"))
    for command in (["run"], ["lake", "where"], ["key", "check"], ["init"]):
        said = muster(*command)
        assert said.code == 2, command
        assert f"and the lake lay at s3://kept/{moved.parent.name}" in said.err
        assert said.err.count("\n") == 1
    assert (moved / "warehouse.duckdb").read_bytes() == before
    settings.write_text(right)
    assert "4 submissions" in muster("lake", "where").out


def test_a_lake_that_was_moved_back_is_no_lost_one(muster, moved):
    assert muster("lake", "move", "--to", "home").code == 0
    assert "4 submissions" in muster("lake", "where").out
    shutil.rmtree(moved / "lake" / "submissions")
    assert "0 submissions" in muster("lake", "where").out


def test_it_says_where_a_killed_move_may_have_left_rows(muster, moved):
    settings = (moved / "lake.yaml").read_text()
    left = settings.replace("s3://kept/", "s3://kept/left-")
    (moved / ".lake-beside").write_text(f"{left}---\n{settings}")
    said = muster("lake", "where").out.splitlines()
    assert said[0].endswith("4 submissions.")
    assert said[1].startswith(
        f"A move was killed and may have left rows at s3://kept/left-{moved.parent.name}; "
    )
    assert len(said) == 2

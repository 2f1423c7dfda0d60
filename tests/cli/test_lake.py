"""`muster lake`: where the lake lies; wrong places are refused and change nothing."""

import pytest


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

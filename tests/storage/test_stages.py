"""A stage is carried out when something it is made from changed, and at no other time."""

import json
import pickle
from pathlib import Path

import polars as pl
import pytest

from pipeline.storage.stages import NotDeclared, Recent, Stages, Stray

N1, N2 = pl.DataFrame({"n": [1]}), pl.DataFrame({"n": [2]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "stages"


@pytest.fixture
def stages(folder: Path) -> Stages:
    return Stages(folder, "code")


def _made(stages: Stages, name: str = "first", frame: pl.DataFrame = N1, **how) -> None:
    """Carry a stage out; another frame comes of other settings, unless they are given."""
    how = {"reads": (), "settings": frame.rows(), **how}
    stages.begin(name, **how).finish(({f"{name}_table": frame}, {"rows": 1}))


def test_a_stage_is_current_once_it_was_carried_out(stages):
    assert not stages.begin("first", reads=(), settings=N1.rows()).is_current
    _made(stages)
    stage = stages.begin("first", reads=(), settings=N1.rows())
    assert stage.is_current
    assert stage.summary == {"rows": 1}
    assert stages.read("first_table").equals(N1)


@pytest.mark.parametrize(
    "change", ["settings", "code", "a table", "another table", "a lost file", "a short file"]
)
def test_any_change_of_what_it_is_made_from_asks_for_it_again(stages, folder, change):
    _made(stages)
    _made(stages, "other")
    _made(stages, "second", reads=["first_table"], settings=["a"])
    assert stages.begin("second", reads=["first_table"], settings=["a"]).is_current
    settings, reads = ["a"], ["first_table"]
    match change:
        case "settings":
            settings = ["b"]
        case "code":
            stages = Stages(folder, "other code")
        case "a table":
            _made(stages, frame=N2)
        case "another table":
            reads = ["first_table", "other_table"]
        case "a lost file":
            stages.path("second_table").unlink()
        case "a short file":
            path = stages.path("second_table")
            path.write_bytes(path.read_bytes()[:-1])
    assert not stages.begin("second", reads=reads, settings=settings).is_current


def test_the_same_table_again_leaves_what_is_behind_it_alone(stages):
    _made(stages, settings=["a"])
    _made(stages, "second", reads=["first_table"])
    _made(stages, settings=["b"])
    assert stages.begin("second", reads=["first_table"], settings=N1.rows()).is_current
    assert stages.up_to_date("second")
    _made(stages, frame=N2)
    assert not stages.up_to_date("second")
    assert not stages.up_to_date("never carried out")


def test_what_is_not_declared_cannot_be_read(stages):
    _made(stages)
    with pytest.raises(NotDeclared, match="second does not say that it reads first_table"):
        stages.begin("second", reads=()).read("first_table")
    with pytest.raises(LookupError, match="no stage has made the table other"):
        stages.begin("second", reads=["other"]).read("other")


def test_a_table_that_comes_out_otherwise_for_no_reason_is_a_defect(stages):
    _made(stages)
    stage = stages.begin("first", reads=(), settings=N1.rows())
    with pytest.raises(Stray, match="first_table came out otherwise"):
        stage.finish(({"first_table": N2}, {}))
    assert stages.read("first_table").equals(N2)


def test_what_is_provisional_is_made_again(stages):
    stage = stages.begin("first", reads=())
    stage.is_provisional()
    stage.finish(({"first_table": N1}, {}))
    assert not stages.begin("first", reads=()).is_current
    assert not stages.all_final()
    _made(stages)
    assert stages.all_final()


def test_only_the_newest_of_a_table_is_kept(stages, folder):
    _made(stages)
    _made(stages, frame=N2)
    assert len(list(folder.glob("*.parquet"))) == 1
    (folder / ".writing-0123-.parquet").write_bytes(b"of a killed writer")
    _made(stages, "second")
    assert len(list(folder.glob("[!.]*.parquet"))) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "3", '{"first": {}}', '{"first": {"key": "", "reads": {}, "t": 1}}']
)
def test_a_damaged_catalogue_has_everything_worked_out_again(stages, folder, damage):
    _made(stages)
    (folder / "catalogue.json").write_text(damage)
    assert not stages.begin("first", reads=(), settings=N1.rows()).is_current
    _made(stages)
    assert stages.read("first_table").equals(N1)


def test_a_stage_that_fails_leaves_everything_as_it_was(stages, folder):
    _made(stages)
    before = sorted(folder.iterdir())
    with pytest.raises(pl.exceptions.PolarsError):
        _made(stages, frame=pl.DataFrame({"n": pl.Series([object()], dtype=pl.Object)}))
    assert sorted(folder.iterdir()) == before
    assert stages.read("first_table").equals(N1)


def test_the_catalogue_can_be_read_by_people(stages, folder):
    _made(stages, "second")
    catalogue = json.loads((folder / "catalogue.json").read_text())
    assert set(catalogue["second"]) == {"key", "reads", "tables", "summary"}


def test_a_stage_is_settled_while_all_it_comes_from_is_in_force(stages):
    assert stages.is_settled("third"), "never carried out"
    _made(stages)
    _made(stages, "second", reads=["first_table"])
    _made(stages, "third", reads=["second_table"])
    _made(stages, "stranger")
    assert stages.is_settled("third")
    _made(stages, "stranger", N2)
    assert stages.is_settled("third")
    _made(stages, frame=N2)
    assert not stages.is_settled("third"), "the second stage was made of another table"
    _made(stages, "second", reads=["first_table"])
    assert stages.is_settled("third"), "and comes out the same"
    _made(stages, "second", N2, reads=["first_table"])
    assert not stages.is_settled("third")


def test_stages_that_hold_a_text_are_forgotten_and_their_tables_removed(stages, folder):
    who = pl.DataFrame({"participant_id": ["v1-a", None], "n": [1, 2]})
    ranked = who.select(pl.col("participant_id").cast(pl.Categorical))
    stages.begin("people", reads=(), settings=1).finish(({"who": who, "beside": N1}, {}))
    stages.begin("ranks", reads=(), settings=1).finish(({"ranked": ranked}, {}))
    _made(stages)
    assert stages.forget_holding({"v1-b"}) == []
    assert sorted(stages.forget_holding({"v1-a", "v1-b"})) == ["people", "ranks"]
    assert stages.entry("people") is None
    assert stages.read("first_table").equals(N1)
    assert [path.name.partition("-")[0] for path in folder.glob("*.parquet")] == ["first_table"]


def test_a_table_that_cannot_be_read_is_not_taken_to_hold_nothing(stages):
    _made(stages)
    stages.path("first_table").write_bytes(b"PAR1 but no more")
    assert stages.forget_holding({"v1-a"}) == ["first"]


def test_what_a_run_has_just_made_need_not_be_read_again(folder):
    recent, two = Recent(), pl.DataFrame({"n": [1], "m": ["a"]})
    running, another = Stages(folder, "code", recent), Stages(folder, "code")
    _made(running, frame=two)
    for stages in (running, another):
        assert stages.read("first_table").equals(two)
        assert stages.read("first_table", ["m"]).equals(two.select("m"))
    assert running.read("first_table") is two
    assert another.read("first_table") is not two
    _made(running, frame=N2)
    assert running.read("first_table").equals(N2), "the catalogue says which one is in force"
    assert recent.get(running.path("first_table").name) is N2
    assert len(recent._kept) == 1, "nothing is kept of what is in force no more"
    assert pickle.loads(pickle.dumps(recent)).get(running.path("first_table").name) is None


def test_of_what_was_made_the_newest_is_kept_up_to_a_limit(folder):
    frames = [pl.DataFrame({"n": pl.Series([n] * 1_000, dtype=pl.Int64)}) for n in range(4)]
    recent = Recent(limit=2 * frames[0].estimated_size())
    stages = Stages(folder, "code", recent)
    for number, frame in enumerate(frames):
        _made(stages, f"stage_{number}", frame=frame)
    kept = [recent.get(stages.path(f"stage_{n}_table").name) is not None for n in range(4)]
    assert kept == [False, False, True, True]
    for number, frame in enumerate(frames):
        assert stages.read(f"stage_{number}_table").equals(frame), "the others come from the disk"

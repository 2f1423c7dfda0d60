"""A release made again on another day: the same, cell by cell, or a sentence says why not.

One simulated home, in which time goes on: a release, more answers and a decision, another release.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from homes import table_hashes
from small_programme import MAPPING, PROGRAMME, ROSTER

from pipeline import releasing
from pipeline.definitions import build_defs
from pipeline.intake import WHOSE
from pipeline.orchestration.launch import instance_of, run_here
from pipeline.orchestration.resources import HomeResource
from pipeline.orchestration.state import work_left
from pipeline.privacy.withdrawals import erasing
from pipeline.programme import UnusableConfiguration
from pipeline.quality.decisions import Ruling
from pipeline.releasing import Order, make_release
from pipeline.reproducing import Compared, reproduce
from pipeline.storage.erasing import finish_erasures
from pipeline.storage.home import Home
from pipeline.storage.lake import Lake
from pipeline.storage.objects import LocalObjects
from pipeline.vocabulary import DecisionAction

pytestmark = pytest.mark.filterwarnings("ignore")

FORCE = "simulated-force-01"
AS_OF = date(2025, 9, 1)
FIRST, SECOND, LATER = (datetime(2025, 9, day, 12, tzinfo=UTC) for day in (1, 8, 15))


class Clock:
    now = FIRST


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HomeResource, "now", lambda self: clock.now)
        yield clock


def _run(home: Home) -> None:
    new = [a.submission_id for a in work_left(home, AS_OF, None).to_take_in]
    with instance_of(home.root) as instance:
        assert run_here(build_defs(home.root, AS_OF), instance, home, new).success


def _release(home: Home, name: str, now: datetime) -> None:
    order = Order(name=name, as_of=AS_OF, steward="s", reason="tests")
    make_release(home, order, lambda: now, lambda: None)


def _answers(numbers: list[str]) -> str:
    rows = [
        f"{n},{wave},{day},{i % 4},{i % 3},{(i + at) % 4},{i % 2}"
        for at, (wave, day) in enumerate((("Start", "2025-01-06"), ("End", "2025-05-26")))
        for i, n in enumerate(numbers[: len(numbers) - len(numbers) // 4 * at])
    ]
    return "\n".join(["Number,Wave,Done,Q1,Q2,Q3,Q4", *rows])


def _land(home: Home, numbers: list[str]) -> None:
    landing = home.landing / FORCE
    roster = [f"{n},G{i % 3},2025-01-02" for i, n in enumerate(numbers)]
    (landing / "roster.csv").write_text("\n".join(["Number,Group,Enrolled", *roster]))
    (landing / "answers.csv").write_text(_answers(numbers))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Home]:
    """Two releases a week apart, with twenty more officers in the second."""
    home = Home(tmp_path_factory.mktemp("reproducing") / "home")
    home.create(PROGRAMME)
    for folder in ("sources", "landing"):
        (home.root / folder / FORCE).mkdir()
    for source, mapping in (("answers", MAPPING), ("roster", ROSTER)):
        (home.root / "sources" / FORCE / f"{source}.yaml").write_text(mapping)
    numbers = [f"SIMR{i:06d}" for i in range(120)]
    _land(home, numbers[:90])
    _run(home)
    _release(home, "first", FIRST)
    clock.now = SECOND
    _land(home, numbers)
    _run(home)
    _release(home, "second", SECOND)
    clock.now = LATER
    yield home
    _make_writable(home.root.parent)


def _make_writable(folder: Path) -> None:
    for release in folder.glob("*/releases/*"):
        release.chmod(0o755)


@pytest.fixture
def copy(kept: Home, tmp_path: Path) -> Iterator[Home]:
    yield Home(Path(shutil.copytree(kept.root, tmp_path / "copy")))
    _make_writable(tmp_path)


def _again(home: Home, name: str) -> Compared:
    return reproduce(home, home.releases.folder / name / "manifest.json", lambda: None)


def _edited(home: Home, name: str, edit: Callable[[dict], None]) -> Path:
    """A manifest as somebody else has it."""
    manifest = json.loads((home.releases.folder / name / "manifest.json").read_text())
    edit(manifest)
    path = home.root / f"{name}-manifest.json"
    path.write_text(json.dumps(manifest))
    return path


def test_both_are_the_same_a_week_later_and_nothing_is_touched(kept: Home) -> None:
    before = {
        path: path.read_bytes()
        for path in kept.root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    first, second = (_again(kept, name) for name in ("first", "second"))
    assert (first.differing, first.changed) == ((), ())
    assert (second.differing, second.changed) == ((), ())
    tables = {
        name: json.loads((kept.releases.folder / name / "manifest.json").read_text())["tables"]
        for name in ("first", "second")
    }
    assert tables["first"]["wave_summary"]["sha256"] != tables["second"]["wave_summary"]["sha256"]
    after = {
        path: path.read_bytes()
        for path in kept.root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    assert after == before
    assert not list(kept.root.glob(".writing-*"))


def test_a_copy_without_landing_or_warehouse_gives_the_same(copy: Home) -> None:
    shutil.rmtree(copy.landing)
    shutil.rmtree(copy.root / "lake" / "stages")
    hashes = table_hashes(copy.warehouse)
    assert hashes
    copy.warehouse.unlink()
    found = _again(copy, "first")
    assert (found.identical, found.changed) == (True, ())
    assert not copy.warehouse.exists()


def test_the_account_names_every_input_by_the_hash_of_its_bytes(kept: Home) -> None:
    manifest = json.loads((kept.releases.folder / "second" / "manifest.json").read_text())
    records = {r.submission_id: r.sha256 for r in kept.lake.records()}
    assert {i["submission_id"]: i["sha256"] for i in manifest["inputs"]} == records
    assert manifest["previous"]["release"] == "first"
    assert manifest["code"]["version"] == manifest["version"]
    assert manifest["software"].keys() >= {"python", "polars", "duckdb"}
    assert "file_name" not in manifest["inputs"][0]


def test_after_an_erasure_it_says_so(copy: Home) -> None:
    everybody = sorted(_accepted(copy))
    erased = everybody[:15]
    copy.stewardship.enter(
        [erasing([name], FORCE, rows=2, steward="s", reason="asked") for name in erased], LATER
    )
    finish_erasures(copy)
    found = _again(copy, "first")
    assert "Withdrawals: 15 erased since, of whom nothing is left to count" in found.changed
    assert not found.identical


def _accepted(home: Home) -> set[str]:
    lake = Lake(LocalObjects(home.root / "lake"))
    ids = [record.submission_id for record in lake.records()]
    return set(lake.rows("accepted", ids, WHOSE)["participant_id"].drop_nulls())


def test_another_code_is_named_even_where_nothing_differs(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "release_code_hash", lambda: "0" * 64)
    monkeypatch.setattr(releasing, "__version__", "9.9.9")
    found = _again(copy, "first")
    assert found.identical
    (sentence,) = found.changed
    assert "Muster is another" in sentence
    assert "9.9.9" in sentence


def test_a_submission_decided_otherwise_the_same_day_is_named(copy: Home) -> None:
    answers = next(r for r in copy.lake.records() if r.source == "answers")
    copy.stewardship.record(
        [
            Ruling(
                submission_id=answers.submission_id,
                action=DecisionAction.RETURN,
                steward="s",
                reason="tests",
            )
        ],
        FIRST + timedelta(hours=2),
    )
    found = _again(copy, "first")
    assert any(s.startswith("Decided after the release was made") for s in found.changed)
    assert any("Verdicts that are others now" in s for s in found.changed)
    assert "wave_summary" in found.differing


def test_a_decision_of_a_later_day_changes_nothing(copy: Home) -> None:
    answers = next(r for r in copy.lake.records() if r.source == "answers")
    copy.stewardship.record(
        [
            Ruling(
                submission_id=answers.submission_id,
                action=DecisionAction.RETURN,
                steward="s",
                reason="tests",
            )
        ],
        LATER,
    )
    found = _again(copy, "first")
    assert (found.identical, found.changed) == (True, ())


def test_an_edited_programme_and_mapping_are_named(copy: Home) -> None:
    programme = copy.root / "programme.yaml"
    programme.write_text(programme.read_text().replace("Simulated rows", "Other rows"))
    mapping = copy.root / "sources" / FORCE / "roster.yaml"
    mapping.write_text(mapping.read_text() + "# a remark\n")
    found = _again(Home(copy.root), "first")
    assert any(sentence.startswith("programme.yaml was edited") for sentence in found.changed)
    assert f"Mapping files that were edited: {FORCE}/roster" in found.changed


def test_what_lake_lacks_and_what_other_tables_hold_is_named(copy: Home) -> None:
    path = _edited(
        copy,
        "first",
        lambda manifest: manifest["inputs"].append(
            {**manifest["inputs"][0], "submission_id": "simulated-force-01--answers--gone"}
        ),
    )
    found = reproduce(copy, path, lambda: None)
    assert found.identical
    (sentence,) = found.changed
    assert sentence == (
        "Submissions that are not in the lake any more: simulated-force-01--answers--gone"
    )
    path = _edited(
        copy, "first", lambda manifest: manifest["tables"]["areas"].update(sha256="other")
    )
    assert reproduce(copy, path, lambda: None).differing == ("areas",)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda m: m.pop("inputs"), "older Muster"),
        (lambda m: m.update(programme="another"), "this home is of"),
        (lambda m: m.update(number=3), "was made after"),
        (lambda m: m["previous"].update(release="another"), "was made after another"),
        (lambda m: m.pop("files"), "missing or damaged"),
    ],
)
def test_a_manifest_that_will_not_do(
    kept: Home, tmp_path: Path, edit: Callable[[dict], None], sentence: str
) -> None:
    manifest = json.loads((kept.releases.folder / "second" / "manifest.json").read_text())
    edit(manifest)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(UnusableConfiguration, match=sentence):
        reproduce(kept, path, lambda: None)


def test_without_what_the_release_before_left_it_cannot_be_made(copy: Home) -> None:
    (copy.root / "memberships" / "first.parquet").unlink()
    with pytest.raises(UnusableConfiguration, match=r"memberships/first\.parquet"):
        _again(copy, "second")

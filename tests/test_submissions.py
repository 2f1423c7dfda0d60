"""Which source a landing file belongs to, and what makes two arrivals one."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import reference
from pipeline.programme import Limits, Programme, parse_programme
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.submissions import (
    Arrival,
    LandingFile,
    Record,
    arrivals,
    fingerprint,
    newest_of_each,
)
from pipeline.vocabulary import Delivery, Kind

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
EXAMPLE = reference.example_programme()


@pytest.fixture(scope="module")
def programme() -> Programme:
    return parse_programme(EXAMPLE)


MADE_BY = {"code": "this code"}


def mapping(programme: Programme, source: str, files: str, organisation: str = "kent") -> Mapping:
    said = {
        "organisation": organisation,
        "source": source,
        "kind": "roster",
        "files": files,
        "participant": "id",
    }
    return parse_mapping(yaml.safe_dump(said), f"{source}.yaml", programme)


def landed(
    name: str, folder: str | None = "kent", content: bytes = b"a", later: int = 0
) -> LandingFile:
    return LandingFile(
        folder=folder,
        path=Path("landing") / (folder or "") / name,
        sha256=hashlib.sha256(content).hexdigest(),
        modified_at=MONDAY + timedelta(days=later),
        changed_at=MONDAY,
    )


def one(
    programme: Programme,
    file: LandingFile,
    *mappings: Mapping,
    code: str = "this code",
    **problems: str,
) -> Arrival:
    found = arrivals([file], mappings, problems, programme, code=code)
    assert len(found) == 1
    return found[0]


def test_a_file_is_matched_by_folder_and_name(programme: Programme) -> None:
    roster = mapping(programme, "roster", "roster*")
    others = (
        mapping(programme, "staff", "staff*"),
        mapping(programme, "roster", "roster*", organisation="essex"),
    )
    arrival = one(programme, landed("Roster 1.csv"), roster, *others)
    assert arrival.mapping is roster
    assert arrival.problem is None
    short = hashlib.sha256(b"a").hexdigest()[:12]
    assert arrival.submission_id == f"kent--roster--{short}"


@pytest.mark.parametrize(("size", "held"), [(2_000_000, False), (2_000_001, True)])
def test_a_file_over_the_limit_keeps_its_source_and_is_not_to_be_read(
    size: int, held: bool, programme: Programme
) -> None:
    small = programme.model_copy(update={"limits": Limits(file_megabytes=2)})
    roster = mapping(programme, "roster", "roster*")
    arrival = one(small, replace(landed("roster.csv"), size=size), roster)
    assert arrival.mapping is roster
    assert arrival.problem == (
        "the file is larger than 2 MB; send it in parts, or raise limits.file_megabytes in "
        "programme.yaml"
        if held
        else None
    )


def test_a_limit_that_is_raised_lets_a_file_be_tried_again(programme: Programme) -> None:
    roster = mapping(programme, "roster", "roster*")
    raised = programme.model_copy(update={"limits": Limits(rows=7)})
    before, after = (one(each, landed("roster.csv"), roster) for each in (programme, raised))
    assert before.submission_id == after.submission_id
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize("folder", [None, "narnia", "Jane Doe"])
def test_a_file_outside_the_known_folders(folder: str | None, programme: Programme) -> None:
    arrival = one(programme, landed("roster.csv", folder), mapping(programme, "roster", "*"))
    assert (arrival.organisation, arrival.source, arrival.mapping) == ("unknown", "unmapped", None)
    assert arrival.problem is not None
    assert "move it into landing/<organisation>/" in arrival.problem
    assert str(folder) not in arrival.problem


def test_a_file_that_no_mapping_takes_in(programme: Programme) -> None:
    arrival = one(programme, landed("Jane Doe.csv"), mapping(programme, "roster", "roster*"))
    assert (arrival.organisation, arrival.source) == ("kent", "unmapped")
    assert arrival.problem is not None
    assert "no mapping in sources/kent/ takes in a file of this name" in arrival.problem
    assert "Jane" not in arrival.problem


def test_an_unusable_mapping_of_the_organisation_is_the_problem(programme: Programme) -> None:
    arrival = one(programme, landed("x.csv"), kent="roster.yaml line 3: wrong.")
    assert arrival.problem == "roster.yaml line 3: wrong."
    other = one(programme, landed("x.csv"), essex="roster.yaml line 3: wrong.")
    assert other.problem != arrival.problem


def test_a_sound_mapping_is_used_beside_an_unusable_one(programme: Programme) -> None:
    roster = mapping(programme, "roster", "roster*")
    arrival = one(programme, landed("roster.csv"), roster, kent="other.yaml line 3: wrong.")
    assert arrival.mapping is roster
    assert arrival.problem is None


def test_two_mappings_that_claim_a_file(programme: Programme) -> None:
    claims = (mapping(programme, "one", "*.csv"), mapping(programme, "two", "r*"))
    arrival = one(programme, landed("r.csv"), *claims)
    assert arrival.mapping is None
    assert arrival.problem is not None
    assert "one and two of kent" in arrival.problem
    assert "exclude each other" in arrival.problem


def test_a_file_that_cannot_be_opened_belongs_to_no_source(programme: Programme) -> None:
    file = replace(landed("roster.csv"), problem="the file cannot be opened")
    arrival = one(programme, file, mapping(programme, "roster", "*"))
    assert (arrival.mapping, arrival.problem) == (None, "the file cannot be opened")
    assert arrival.organisation == "kent"


def test_arrivals_come_oldest_first(programme: Programme) -> None:
    files = [landed(f"{day}.csv", content=bytes([day]), later=day) for day in (3, 1, 2)]
    found = arrivals(files, [mapping(programme, "roster", "*")], {}, programme, code="")
    assert [arrival.file.path.name for arrival in found] == ["1.csv", "2.csv", "3.csv"]


def test_the_same_bytes_of_one_source_arrive_once(programme: Programme) -> None:
    files = [
        landed("second.csv", later=1),
        landed("first.csv"),
        landed("other", content=b"b", later=2),
    ]
    found = arrivals(files, [mapping(programme, "roster", "*")], {}, programme, code="")
    assert [arrival.file.path.name for arrival in found] == ["first.csv", "other"]


def test_the_same_bytes_of_two_organisations_are_two_arrivals(programme: Programme) -> None:
    mappings = [mapping(programme, "r", "*"), mapping(programme, "r", "*", organisation="essex")]
    found = arrivals([landed("a"), landed("a", "essex")], mappings, {}, programme, code="")
    assert len({arrival.submission_id for arrival in found}) == 2


def test_a_landing_file_does_not_show_its_path() -> None:
    file = landed("Jane Doe.csv", "Doe folder")
    assert "Doe" not in repr(file)
    assert "Doe" not in f"{file}"


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("duplicates: first_complete", "duplicates: last", True),
        ("planned: 10", "planned: 11", True),
        ("arms: [programme]", "arms: [programme, waiting_list]", True),
        ("due_after_days: 70", "due_after_days: 71", True),
        ("title: Trauma", "title: Other", False),
        ("duplicates: first_complete", "thresholds: {quarantined_hold: 0.5}", False),
        ("duplicates: first_complete", "early_response_days: 3", False),
    ],
)
def test_what_makes_a_file_be_taken_in_again(
    old: str, new: str, differs: bool, programme: Programme
) -> None:
    assert old in EXAMPLE
    changed = parse_programme(EXAMPLE.replace(old, new))
    prints = [
        one(p, landed("roster.csv"), mapping(p, "roster", "*")).fingerprint
        for p in (programme, changed)
    ]
    assert (prints[0] != prints[1]) is differs


def test_another_mapping_makes_a_file_be_taken_in_again(programme: Programme) -> None:
    prints = {
        one(programme, landed("roster.csv"), mapping(programme, "roster", files)).fingerprint
        for files in ("*", "roster*")
    }
    assert len(prints) == 2


def test_other_code_makes_a_file_be_taken_in_again(programme: Programme) -> None:
    roster = mapping(programme, "roster", "*")
    made = {
        one(programme, landed("roster.csv"), roster, code=code).fingerprint
        for code in ("this code", "other code")
    }
    assert len(made) == 2


@pytest.mark.parametrize(
    ("seconds_ago", "still"), [(0, False), (0.9, False), (1, True), (60, True), (-5, True)]
)
def test_a_file_is_still_once_nobody_wrote_to_it_for_a_while(seconds_ago: float, still: bool):
    """A change that lies ahead was made before the clock was moved back."""
    now = MONDAY + timedelta(seconds=seconds_ago)
    assert landed("roster.csv").is_still(now, for_seconds=1) is still


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((1, {"a": 1, "b": 2}), (1, {"b": 2, "a": 1}), True),
        ((1, None), (1, "None"), False),
        (("ab", "c"), ("a", "bc"), False),
        (([1, 2],), ([2, 1],), False),
    ],
)
def test_fingerprints(one: tuple[Any, ...], other: tuple[Any, ...], same: bool) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) is same


def record(submission_id: str, delivery: Delivery, problem: str | None = None) -> Record:
    organisation, source, _ = submission_id.split("--")
    return Record(
        submission_id=submission_id,
        organisation=organisation,
        source=source,
        kind=Kind.QUESTIONNAIRE,
        delivery=delivery,
        file_name="answers.csv",
        sha256="0" * 64,
        received_at=MONDAY,
        modified_at=MONDAY,
        fingerprint="0",
        problem=problem,
    )


def test_of_a_cumulative_source_the_newest_that_could_be_read_is_the_newest() -> None:
    whole, more = Delivery.CUMULATIVE, Delivery.INCREMENTAL
    records = [
        record("kent--all--1", whole),
        record("kent--some--2", more),
        record("essex--all--3", whole),
        record("kent--all--4", whole),
        record("kent--some--5", more),
        record("kent--all--6", whole, problem="the file is empty"),
        record("kent--some--7", more, problem="the file is empty"),
    ]
    newest = {each.submission_id for each in newest_of_each(records)}
    assert newest == {"kent--some--2", "essex--all--3", "kent--all--4", "kent--some--5"}


def test_a_waiver_makes_its_own_file_be_taken_in_again_and_no_other(programme: Programme) -> None:
    files = [landed("a", content=b"a"), landed("b", content=b"b")]
    roster = [mapping(programme, "roster", "*")]
    before = arrivals(files, roster, {}, programme, **MADE_BY)
    name = before[0].submission_id
    waived = {name: frozenset({(7, "too_many_unanswered")}), "unknown": frozenset({(1, "x")})}
    after = arrivals(files, roster, {}, programme, **MADE_BY, waived=waived)
    assert [a.submission_id for a in after] == [a.submission_id for a in before]
    assert [a.fingerprint == b.fingerprint for a, b in zip(after, before, strict=True)] == [
        False,
        True,
    ]
    assert [a.waived for a in after] == [waived[name], frozenset()]

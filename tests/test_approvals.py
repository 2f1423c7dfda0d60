"""A release is approved by a second person, for one name and one day."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipeline.approvals import approval, approved, request, requests_of
from pipeline.entries import Act, Entry
from pipeline.review import NotPossible

DAY, NEXT = date(2025, 3, 1), date(2025, 3, 2)


def on_record(*acts: Act) -> list[Entry]:
    return [
        Entry(
            entry=number,
            entered_at=datetime(2025, 3, 1, number, tzinfo=UTC),
            kind=act.kind,
            steward=act.steward,
            reason=act.reason,
            body=act.body,
        )
        for number, act in enumerate(acts, start=1)
    ]


def ask(by: str = "one", day: date = DAY) -> Act:
    return request("spring", day, asked_by=by, reason="for the board")


def agree(by: str = "two", *before: Act) -> Act:
    asked = requests_of(on_record(*(before or (ask(),))))["spring"]
    return approval(asked, approved_by=by, reason="looked at it")


def test_two_people_make_an_approval() -> None:
    entries = on_record(ask(), agree())
    found = approved(entries, "spring", DAY)
    assert found is not None
    assert (found.asked_by, found.approved_by) == ("one", "two")
    assert approved(entries, "spring", NEXT) is None, "another day is another release"
    assert approved(entries, "autumn", DAY) is None
    assert approved(on_record(ask()), "spring", DAY) is None


@pytest.mark.parametrize("by", ["one", "ONE", " one "])
def test_nobody_approves_what_they_asked_for(by: str) -> None:
    with pytest.raises(NotPossible, match="another person"):
        agree(by)


def test_an_approval_by_the_one_who_asked_approves_nothing_however_it_came_on_record() -> None:
    forged = Act(kind=agree().kind, steward="One", reason="x", body=agree().body)
    assert approved(on_record(ask(), forged), "spring", DAY) is None


def test_who_asks_anew_is_approved_anew() -> None:
    before = (ask(), agree(), ask(day=NEXT))
    assert approved(on_record(*before), "spring", DAY) is None
    assert approved(on_record(*before), "spring", NEXT) is None
    assert approved(on_record(*before, agree("two", *before)), "spring", NEXT) is not None


def test_an_approval_of_the_older_request_is_none_of_the_newer() -> None:
    assert approved(on_record(ask(), ask("three"), agree()), "spring", DAY) is None


@pytest.mark.parametrize(
    "wrong",
    [{"release": "../x"}, {"release": ""}, {"release": "a b"}, {"reason": " "}],
)
def test_what_is_no_request(wrong: dict[str, Any]) -> None:
    said = {"release": "spring", "reason": "why", **wrong}
    with pytest.raises(NotPossible):
        request(said["release"], DAY, asked_by="one", reason=said["reason"])

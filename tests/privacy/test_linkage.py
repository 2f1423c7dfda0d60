"""Which codes are one officer's: situation by situation, and against a second, naive reading."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product
from typing import Any

import polars as pl
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from pipeline import tables
from pipeline.entries import Entry
from pipeline.privacy.linkage import (
    CODES,
    Judged,
    Linked,
    facts_agree,
    judgements,
    link,
    name_of_pair,
    pair_of,
)
from pipeline.vocabulary import EntryKind, LinkDoubt, LinkJudgement, LinkStatus

ELEMENTS = ("birthday", "eyes", "mother", "school", "town")
BASELINE, SESSION_5, SESSION_10 = "baseline proqol5", "session_5 proqol5", "session_10 proqol5"
WAVES = (BASELINE, SESSION_5, SESSION_10)
DAYS = {occasion: date(2026, 1, 5) + timedelta(days=70 * i) for i, occasion in enumerate(WAVES)}


def row(code: str, occasion: str = BASELINE, **more: Any) -> dict[str, Any]:
    """A row whose code has a letter an element, `-` for one that is missing."""
    return {
        "participant_id": f"{code}@{occasion}" if "-" in code else code,
        "home_force": "kent",
        "organisation": "kent",
        "elements": list(ELEMENTS),
        "code": [
            None if sign == "-" else f"{e}={sign}" for e, sign in zip(ELEMENTS, code, strict=True)
        ],
        "occasion": occasion,
        "wave": occasion.split(maxsplit=1)[0] if occasion in WAVES else None,
        "day": DAYS.get(occasion, date(2026, 1, 1)),
        **more,
    }


def frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=CODES)


def linked(*rows: dict[str, Any], judged: Sequence[Judged] = ()) -> Linked:
    return link(frame(rows), judged)


def officers(made: Linked) -> set[frozenset[str]]:
    groups = made.members.group_by("participant_id").agg("code_id")["code_id"]
    return {frozenset(group) for group in groups}


def status(made: Linked) -> dict[tuple[str, str], tuple[str, str | None]]:
    rows = made.review.select("code_id", "other_code_id", "status", "doubt").iter_rows()
    return {(one, other): (said, doubt) for one, other, said, doubt in rows}


def test_one_element_that_differs_is_linked_and_the_first_code_is_kept() -> None:
    made = linked(row("aaaaa"), row("aaaab", SESSION_5))
    assert made.aliases.rows() == [("aaaaa", "aaaab", "kent", None, True)]
    assert status(made) == {("aaaaa", "aaaab"): (LinkStatus.LINKED, None)}
    assert made.review["differing"].to_list() == [["town"]]


def test_the_code_of_a_roster_is_kept() -> None:
    made = linked(row("aaaaa"), row("aaaab", "roster", day=date(2026, 3, 1)))
    assert made.aliases["participant_id"].to_list() == ["aaaab"]


@pytest.mark.parametrize(
    ("one", "other", "linked_"),
    [
        ("aaaa-", "aaaab", True),
        ("aaaa-", "aaaa-", True),  # No tier that needs every element: here it is the fourth.
        ("aaaa-", "aaab-", False),
        ("aaaa-", "aaabb", False),
        ("aaaa-", "-aaab", False),
        ("aaaaa", "aaabb", False),
    ],
)
def test_a_missing_element_counts_as_one_that_differs(one: str, other: str, linked_: bool) -> None:
    made = linked(row(one), row(other, SESSION_5))
    assert (made.aliases.height == 1) == linked_


def test_two_codes_of_one_wave_are_two_officers() -> None:
    made = linked(row("aaaaa"), row("aaaab"))
    assert made.aliases.is_empty()
    assert made.review.is_empty()


def test_two_rosters_of_one_force_are_two_officers() -> None:
    assert linked(
        row("aaaaa", "roster"), row("aaaab", "roster", organisation="kent-vru")
    ).aliases.is_empty()


def test_where_two_codes_could_be_meant_none_is() -> None:
    made = linked(row("aaaaa"), row("aaaab", SESSION_5), row("aaaac", SESSION_5))
    assert made.aliases.is_empty()
    assert {*status(made).values()} == {(LinkStatus.OPEN, LinkDoubt.SEVERAL_CODES)}


def test_a_code_that_was_there_itself_is_no_other_that_could_be_meant() -> None:
    made = linked(row("aaaaa"), row("aaaab", SESSION_5), row("aaaac"), row("aaaac", SESSION_5))
    assert officers(made) == {frozenset({"aaaaa", "aaaab"}), frozenset({"aaaac"})}


def test_a_code_may_be_the_centre_of_others_but_there_are_no_chains() -> None:
    star = linked(row("aaaaa"), row("aaaab", SESSION_5), row("aaaba", SESSION_10))
    assert officers(star) == {frozenset({"aaaaa", "aaaab", "aaaba"})}
    chain = linked(
        row("aaaaa"), row("aaaab", SESSION_5), row("aaabb", SESSION_10), row("aabbb", "session 1")
    )
    assert chain.aliases.is_empty()
    assert {doubt for _, doubt in status(chain).values()} == {
        LinkDoubt.NO_CENTRE,
        LinkDoubt.TWO_ELEMENTS,
    }


def test_codes_of_two_forces_are_never_compared() -> None:
    assert linked(row("aaaaa"), row("aaaab", SESSION_5, home_force="essex")).review.is_empty()


@pytest.mark.parametrize(
    ("earlier", "later", "agree"),
    [
        ({"gender": "female"}, {"gender": "female"}, True),
        ({"gender": "female"}, {"gender": "male"}, False),
        ({"gender": "female"}, {}, True),
        ({"gender": "not_stated"}, {"gender": "male"}, True),
        ({"ethnicity_group": "white"}, {"ethnicity_group": "asian"}, False),
        ({"rank_group": "constable"}, {"rank_group": "sergeant"}, True),
        ({"rank_group": "sergeant"}, {"rank_group": "constable"}, False),
        ({"rank_group": "sergeant"}, {"rank_group": "staff_and_others"}, True),
        ({"service_band": "5_to_9_years"}, {"service_band": "2_to_4_years"}, False),
        ({"service_band": "under_2_years"}, {"service_band": "2_to_4_years"}, True),
    ],
)
def test_stable_facts(earlier: dict[str, str], later: dict[str, str], agree: bool) -> None:
    made = linked(row("aaaaa", **earlier), row("aaaab", SESSION_5, **later))
    assert (made.aliases.height == 1) == agree
    if not agree:
        assert {*status(made).values()} == {(LinkStatus.OPEN, LinkDoubt.FACTS_DIFFER)}


def test_facts_without_a_day_say_nothing_about_what_rose() -> None:
    assert facts_agree([("rank_group", None, "sergeant")], [("rank_group", None, "constable")])


def test_a_steward_links_what_differs_in_two_elements() -> None:
    rows = row("aaaaa"), row("aaabb", SESSION_5)
    assert status(linked(*rows)) == {("aaaaa", "aaabb"): (LinkStatus.OPEN, LinkDoubt.TWO_ELEMENTS)}
    made = linked(*rows, judged=[Judged(("aaaaa", "aaabb"), LinkJudgement.LINK)])
    assert officers(made) == {frozenset({"aaaaa", "aaabb"})}
    assert made.members["record"].n_unique() == 1
    assert status(made) == {("aaaaa", "aaabb"): (LinkStatus.JOINED, None)}


def test_a_steward_parts_what_was_linked_and_so_makes_the_other_clear() -> None:
    parted = Judged(("aaaaa", "aaaab"), LinkJudgement.PART)
    made = linked(row("aaaaa"), row("aaaab", SESSION_5), judged=[parted])
    assert made.aliases.is_empty()
    rows = row("aaaaa"), row("aaaab", SESSION_5), row("aaaac", SESSION_5)
    assert officers(linked(*rows, judged=[parted])) == {
        frozenset({"aaaaa", "aaaac"}),
        frozenset({"aaaab"}),
    }


def test_a_link_that_came_to_contradict_is_not_made() -> None:
    judged = [Judged(("aaaaa", "aaabb"), LinkJudgement.LINK)]
    made = linked(row("aaaaa"), row("aaabb"), judged=judged)
    assert made.aliases.is_empty()
    assert status(made) == {("aaaaa", "aaabb"): (LinkStatus.CONTRADICTED, None)}


def test_judgements_are_carried_on_and_the_newest_on_a_pair_counts() -> None:
    def entry(number: int, codes: list[str], says: LinkJudgement) -> Entry:
        return Entry(
            kind=EntryKind.LINK_JUDGED,
            steward="S",
            reason="asked",
            body={"codes": codes, "judgement": says.value},
            entry=number,
            entered_at=datetime(2026, 1, number, tzinfo=UTC),
        )

    told = [
        entry(1, ["v1-b", "v1-a"], LinkJudgement.LINK),
        entry(2, ["v1-c", "v1-a"], LinkJudgement.LINK),
        entry(3, ["v2-a", "v1-b"], LinkJudgement.PART),
    ]
    assert judgements(told, lambda names: names.str.replace("v1", "v2")) == [
        Judged(("v2-a", "v2-c"), LinkJudgement.LINK),
        Judged(("v2-a", "v2-b"), LinkJudgement.PART),
    ]
    assert judgements([], lambda names: names) == []


def test_nothing_given_gives_empty_tables() -> None:
    made = link(CODES.to_frame())
    assert made.members.is_empty()
    assert made.aliases.schema == tables.PARTICIPANT_ALIAS.frame_schema
    assert made.review.is_empty()


# ------------------------------------------------------------------ a second, naive reading


def naive_officers(rows: Sequence[dict[str, Any]]) -> set[frozenset[str]]:
    """The same by looking at every pair and triple, for rows without judgements or facts."""
    codes = {r["participant_id"]: r["code"] for r in rows}
    asked = {name: {r["occasion"] for r in rows if r["participant_id"] == name} for name in codes}

    def near(one: str, other: str) -> bool:
        alike = sum(a == b and a is not None for a, b in zip(codes[one], codes[other], strict=True))
        return one != other and alike >= len(ELEMENTS) - 1

    def could_be(one: str, other: str) -> bool:
        return near(one, other) and not asked[one] & asked[other]

    def is_clear(one: str, other: str) -> bool:
        return could_be(one, other) and not any(
            (could_be(one, c) and asked[c] & asked[other])
            or (could_be(other, c) and asked[c] & asked[one])
            for c in codes
            if c not in {one, other}
        )

    clear = {frozenset(pair) for pair in combinations(codes, 2) if is_clear(*pair)}
    groups = [{name} for name in codes]
    for pair in clear:
        touched = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair] + [set().union(*touched)]
    found: set[frozenset[str]] = set()
    for group in groups:
        centred = any(all(frozenset({c, o}) in clear for o in group - {c}) for c in group)
        apart = all(not asked[a] & asked[b] for a, b in combinations(group, 2))
        found |= {frozenset(group)} if centred and apart else {frozenset({name}) for name in group}
    return found


CODE = st.text("ab-", min_size=5, max_size=5).filter(lambda code: code.count("-") < 2)
ROWS = st.lists(
    st.builds(row, CODE, st.sampled_from([*WAVES, "roster", "session 1"])), min_size=1, max_size=12
)


@examples(ROWS, st.randoms(use_true_random=False))
def test_as_read_naively_in_any_order(rows: list[dict[str, Any]], random: Any) -> None:
    made = linked(*rows)
    assert officers(made) == naive_officers(rows)
    random.shuffle(rows)
    again = linked(*rows)
    for name in ("members", "aliases", "review"):
        assert getattr(again, name).equals(getattr(made, name))


JUDGED = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from(LinkJudgement)), max_size=4
)


@examples(ROWS, JUDGED)
def test_whatever_stewards_say_no_officer_contradicts(
    rows: list[dict[str, Any]], said: list[tuple[int, int, LinkJudgement]]
) -> None:
    names = [r["participant_id"] for r in rows]
    newest = {
        pair_of(names[a % len(names)], names[b % len(names)]): says
        for a, b, says in said
        if names[a % len(names)] != names[b % len(names)]
    }
    made = linked(*rows, judged=[Judged(pair, says) for pair, says in newest.items()])
    asked = {(r["participant_id"], r["occasion"]) for r in rows}
    of = dict(made.members.select("code_id", "participant_id").iter_rows())
    given = {(of[name], occasion): set() for name, occasion in asked}
    for name, occasion in asked:
        given[of[name], occasion].add(name)
    assert all(len(codes) == 1 for codes in given.values()), "one officer, one code an occasion"
    for (one, other), says in newest.items():
        if says == LinkJudgement.PART:
            assert of[one] != of[other]
    for (one, other), (kind, _) in status(made).items():
        assert (of[one] == of[other]) == (kind in {LinkStatus.LINKED, LinkStatus.JOINED}) or (
            kind == LinkStatus.OPEN and of[one] == of[other]
        )
    assert made.review["pair"].to_list() == sorted(name_of_pair(pair) for pair in status(made))


def test_every_pair_of_codes_that_differ_in_two_is_looked_at_once() -> None:
    rows = [
        row("aaa" + "".join(end), WAVES[i % 2]) for i, end in enumerate(product("ab", repeat=2))
    ]
    made = linked(*rows)
    assert made.review["pair"].n_unique() == made.review.height

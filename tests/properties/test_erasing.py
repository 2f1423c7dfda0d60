"""Removing an officer from what was kept of a file is as if the file had come without them."""

import csv
import io
from datetime import date

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.intake import TakenIn, erased_from, rows_of, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import parse_programme
from pipeline.reading.mapping import Mapping, parse_mapping

PROGRAMME = parse_programme(
    reference.example_programme().replace("[proqol5]", "[phq4, pss10, proqol5]")
)
PSEUDONYMISER = Pseudonymiser((b"k" * 32,), "test", PROGRAMME.identifiers)
NUMBERS = ("4711", "4712", "4713")
NAMES = dict(
    zip(
        NUMBERS,
        PSEUDONYMISER.participants(
            pl.DataFrame({"home_force": ["kent"] * 3, "identifier": list(NUMBERS)})
        ),
        strict=True,
    )
)
RECEIVED = date(2026, 6, 30)

_numbers = st.sampled_from([*NUMBERS, ""])
_consent = st.sampled_from(["y", "y", "y", "n"])
_days = st.sampled_from(["2026-06-01", "2026-06-02", "2026-07-02", "soon", ""])
_answers = st.sampled_from(["0", "1", "2", "3", "3", "", "9", "never"])
_several = st.lists(_answers, min_size=4, max_size=4)
_whom = st.sets(st.sampled_from(NUMBERS), min_size=1, max_size=2)


def mapped(kind: str, **said: object) -> Mapping:
    declared = {
        "organisation": "kent",
        "source": "sent",
        "kind": kind,
        "files": "*",
        "participant": "id",
        "date_format": "%Y-%m-%d",
        **said,
    }
    return parse_mapping(yaml.safe_dump(declared, sort_keys=False), "sent.yaml", PROGRAMME)


def written(*rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def both_ways(content: bytes, mapping: Mapping, whom: set[str]) -> tuple[TakenIn, TakenIn]:
    """Removed afterwards, and never let in. Some rows are waived, some of them in vain."""
    waived = [(row, rule) for row in range(2, 9) for rule in ("completed_in_future", "no rule")]
    names = {NAMES[number] for number in whom}

    def taken(kept_out: set[str]) -> TakenIn:
        return take_in(
            content, mapping, PROGRAMME, PSEUDONYMISER, RECEIVED, waived=waived, kept_out=kept_out
        )

    return erased_from(taken(set()), names), taken(names)


def assert_same(removed: TakenIn, never_there: TakenIn) -> None:
    for counted in ("rows_in_file", "rows_blank", "rows_read", "rows_withdrawn"):
        assert getattr(removed, counted) == getattr(never_there, counted)
    assert removed.rows_quarantined == never_there.rows_quarantined
    for name in ("accepted", "findings", "profile"):
        assert getattr(removed, name).equals(getattr(never_there, name)), name
    rows = [() if t.waived is None else t.waived.rows() for t in (removed, never_there)]
    assert list(rows[0]) == list(rows[1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_numbers, _consent, _days, _several, _several), min_size=1), _whom)
def test_answers_to_two_instruments_in_a_wide_file(
    rows: list[tuple[str, str, str, list[str], list[str]]], whom: set[str]
) -> None:
    mapping = mapped(
        "questionnaire",
        wave={"suffixes": {"pre": "baseline", "post": "session_10"}},
        instruments={"phq4": {"columns": "Q{item}_{wave}"}, "pss10": {"columns": "S{item}_{wave}"}},
        columns={"completed_on": "day"},
        consent={"column": "ok", "agreed": ["y"]},
    )
    headings = [f"Q{n}_{w}" for w in ("pre", "post") for n in range(1, 5)]
    headings += [f"S{n}_{w}" for w in ("pre", "post") for n in range(1, 11)]
    listed = [
        [number, ok, day, *one, *two, *(two * 3)[:10], *(one * 3)[:10]]
        for number, ok, day, one, two in rows
    ]
    content = written(["id", "ok", "day", *headings], *listed)
    if any(any(row) for row in listed):
        assert_same(*both_ways(content, mapping, whom))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NUMBERS),
            st.sampled_from(["2026-05-01", "soon"]),
            st.sampled_from(["withdrew", "left", "?"]),
            st.sampled_from(["kent", ""]),
            _numbers,
        ),
        min_size=1,
    ),
    _whom,
)
def test_departures_that_mention_other_officers(
    rows: list[tuple[str, ...]], whom: set[str]
) -> None:
    mapping = mapped(
        "departures",
        columns={
            "departed_on": "on",
            "departure_kind": "why",
            "new_force": "to",
            "new_number": "new",
        },
        values={"departure_kind": {"withdrew": "withdrew", "left": "left_organisation"}},
    )
    content = written(["id", "on", "why", "to", "new"], *map(list, rows))
    removed, never_there = both_ways(content, mapping, whom)
    assert_same(removed, never_there)
    names = {NAMES[number] for number in whom}
    kept = removed.accepted.write_json() + removed.findings.write_json()
    assert not any(name in kept for name in names)


def test_the_comparison_would_see_a_row_too_many() -> None:
    mapping = mapped(
        "questionnaire",
        wave={"constant": "baseline"},
        instruments={"phq4": {"columns": "Q{item}"}},
    )
    content = written(["id", "Q1", "Q2", "Q3", "Q4"], *([number, *"0123"] for number in NUMBERS))
    removed, _ = both_ways(content, mapping, {"4711"})
    _, never_there = both_ways(content, mapping, {"4712"})
    with pytest.raises(AssertionError, match="accepted"):
        assert_same(removed, never_there)


def test_rows_are_found_by_number_whether_they_agreed_or_are_only_mentioned() -> None:
    names = {NAMES["4711"]}
    answers = mapped(
        "questionnaire",
        wave={"constant": "baseline"},
        instruments={"phq4": {"columns": "Q{item}"}},
        consent={"column": "ok", "agreed": ["y"]},
    )
    content = written(
        ["id", "ok", "Q1", "Q2", "Q3", "Q4"],
        ["4711", "n", *"0123"],
        ["4712", "y", *"0123"],
        ["PC 47-11", "y", *"0129"],
    )
    programme = PROGRAMME.model_copy(
        update={
            "identifiers": PROGRAMME.identifiers.model_copy(
                update={
                    "default": PROGRAMME.identifiers.default.model_copy(
                        update={"prefixes": ("PC",)}
                    )
                }
            )
        }
    )
    spelt = Pseudonymiser((b"k" * 32,), "test", programme.identifiers)
    assert rows_of(content, answers, programme, spelt, names) == [2, 4]
    leavers = mapped(
        "departures",
        columns={
            "departed_on": "on",
            "departure_kind": "why",
            "new_force": "to",
            "new_number": "new",
        },
    )
    content = written(
        ["id", "on", "why", "to", "new"], ["4712", "2026-05-01", "withdrew", "kent", "4711"]
    )
    assert rows_of(content, leavers, PROGRAMME, PSEUDONYMISER, names) == [2]

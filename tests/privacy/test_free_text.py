"""What is covered by its form, what stays, and how texts are tidied before that."""

import re
from pathlib import Path

import pytest

from pipeline.privacy.free_text import (
    _forms,
    covered_in,
    redacted,
    text_digest,
    tidied,
    with_covered,
)
from pipeline.privacy.people import NOBODY, Span, people_of
from pipeline.vocabulary import Covered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ring Sgt Jones on 07700 900123", "Ring Sgt [name] on [phone]"),
        ("PC 4711 Smith was there", "PC [collar number] [name] was there"),
        ("jane@kent.police.uk or 07700900123.", "[e-mail] or [phone]."),
        ("log 12 of 3", "log 12 of 3"),
        ("on 3 May 2024, not in May 2024", "on [date], not in May 2024"),
        ("Mr Jones-Smith and Mrs O'Neill", "Mr [name] and Mrs [name]"),
        ("I have 4711 reasons", "I have 4711 reasons"),
        ("", ""),
        ("SW1A\r\n1AA or QQ-12-34-56-C", "[postcode] or [insurance number]"),
        ("fred.dough at kent.police.uk said", "[e-mail] said"),
        ("fred dot dough at kent dot police dot uk", "[e-mail]"),
        ("I looked at bbc.co.uk", "I looked at [web address]"),
        ("ab12 cde or AB 12 CDE or AB12-CDE", "[vehicle] or [vehicle] or [vehicle]"),
        ("pc12 had to, WE HAD 12 NEW", "pc[collar number] had to, WE HAD 12 NEW"),
        ("DS van der Dough, Insp. R. K. Dough", "DS [name], Insp. [name]"),
        ("mr dough and mrs o'dough said", "mr [name] and mrs [name] said"),
    ],
)
def test_by_its_form(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_everything_that_may_be_covered_has_a_word_of_its_own() -> None:
    assert all(redacted(f"see [{what}] there") == f"see [{what}] there" for what in Covered)


@pytest.mark.parametrize(
    "hidden",
    [
        "ja\u200bne@kent.police.uk",  # a space of no width
        "ja\u00adne@kent.police.uk",  # a hyphen that is seen at the end of a line only
        "\uff4a\uff41\uff4e\uff45@kent.police.uk",  # full-width letters
        "jane\u2060@kent.police.uk",
    ],
)
def test_signs_that_are_not_seen_hide_nothing(hidden: str) -> None:
    assert redacted(f"write to {hidden} soon") == "write to [e-mail] soon"


def test_what_steers_a_terminal_and_ends_a_line_is_taken_out() -> None:
    assert tidied("a\x1b[2Jb\nc\x07\u202edone") == "a [2Jb c done"
    assert tidied("  both\u2013sides\u2019s  ") == "both-sides's"


def test_names_in_a_row_become_one() -> None:
    people = people_of([("Name", ["Jane Mary Doe"])])
    assert redacted("Mary, Jane and Doe; Jane Mary", people) == "[name] and [name]; [name]"


def test_pieces_that_overlap_are_covered_as_one_and_named_as_the_longest() -> None:
    people = people_of([("Name", ["Jane Doe"])])
    text = "jane.doe@kent.police.uk"
    (span,) = covered_in(text, people)
    assert (text[span.start : span.end], span.what) == (text, "e-mail")


def test_pieces_are_replaced_in_whatever_order_they_come() -> None:
    spans = [Span(4, 7, "b"), Span(0, 3, "a")]
    assert with_covered("one two three", spans) == "[a] [b] three"


def test_a_digest_needs_the_key() -> None:
    first, second = text_digest("None", b"1" * 32), text_digest("None", b"2" * 32)
    assert first == text_digest("None", b"1" * 32)
    assert first != second
    assert first != text_digest("none", b"1" * 32)
    assert len(first) == 32


def test_nobody_is_found_where_nobody_is_on_file() -> None:
    assert [*NOBODY.found_in("Jane Doe 4711")] == []


def test_no_form_is_in_a_text_without_its_sign():
    """A form is looked for only where its sign is, so a wrong sign would leave identifiers open."""
    corpus = Path(__file__).parent / "comments"
    lines = [
        tidied(re.sub(r"\{\w+:(.*?)\}", r"\1", line))
        for name in ("with_identifiers.txt", "harmless.txt")
        for line in (corpus / name).read_text("utf-8").splitlines()
    ]
    met = set()
    for line in [*lines, *map(str.upper, lines), *map(str.lower, lines)]:
        for place, form in enumerate(_forms()):
            if form.pattern.search(line):
                met.add(place)
                assert form.sign.search(line), (form.what, form.sign.pattern)
    assert len(met) > len(_forms()) * 3 / 4

"""What a steward may do with a text, and the sentence for what may not be done."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.comments import STANDING_TEXTS
from pipeline.review import NotPossible
from pipeline.review_comments import (
    Text,
    counted,
    find_text,
    judgement,
    next_waiting,
    spans_of,
    themes_of,
)


def texts(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {
        "comment_id": "aaaa1111",
        "submission_id": "kent--phq--1",
        "row_number": 2,
        "organisation": "kent",
        "participant_id": "v1-kept",
        "known_as": "v1-known",
        "wave": "baseline",
        "question": "more",
        "text": "the red house in Mill Lane",
        "digest": "d1",
        "quarantined": False,
        "state": "waiting",
    }
    return pl.DataFrame(
        [usual | row for row in rows], schema={**STANDING_TEXTS, "state": pl.String()}
    )


@pytest.fixture
def text() -> Text:
    return find_text("aaaa", texts({}))


def test_a_text_goes_by_as_much_of_its_name_as_is_its_own() -> None:
    several = texts({}, {"comment_id": "aaaa2222"}, {"comment_id": "bbbb1111"})
    assert find_text("aaaa1", several).comment_id == "aaaa1111"
    with pytest.raises(NotPossible, match="2 texts begin like that"):
        find_text("aaaa", several)
    for given_name in ("cccc", "aaa", ""):
        with pytest.raises(NotPossible, match="No text is called that"):
            find_text(given_name, several)


def test_the_next_is_the_first_that_waits() -> None:
    several = texts(
        {"state": "approved"},
        {"comment_id": "bbbb", "organisation": "cumbria"},
        {"comment_id": "cccc"},
    )
    assert next_waiting(several, None).comment_id == "bbbb"
    assert next_waiting(several, "kent").comment_id == "cccc"
    assert next_waiting(several.filter(state="approved"), "kent") is None
    with pytest.raises(NotPossible, match="perhaps `kent` is meant"):
        next_waiting(several, "kentt")


def test_texts_are_counted_by_organisation_and_state() -> None:
    several = texts({}, {"quarantined": True}, {"state": "approved"}, {"organisation": "avon"})
    assert [(c.organisation, c.state, c.texts, c.quarantined) for c in counted(several)] == [
        ("avon", "waiting", 1, 0),
        ("kent", "approved", 1, 0),
        ("kent", "waiting", 2, 1),
    ]


def test_what_is_put_on_record_holds_no_word_of_the_text(text: Text) -> None:
    act = judgement(
        text, approved=True, steward=" a  steward ", themes=["groups"], spans=spans_of("2-3", text)
    )
    assert (act.kind, act.steward, act.reason) == ("text_judged", "a steward", "")
    assert act.body == {
        "submission_id": "kent--phq--1",
        "row_number": 2,
        "participant_id": "v1-known",
        "wave": "baseline",
        "question": "more",
        "digest": "d1",
        "approved": True,
        "themes": ["groups"],
        "spans": [[4, 13]],
    }


def test_a_rejection_needs_a_reason_and_everything_a_name(text: Text) -> None:
    with pytest.raises(NotPossible, match="Say why with --reason"):
        judgement(text, approved=False, steward="s", reason=" \n ")
    with pytest.raises(NotPossible, match="Say who decides"):
        judgement(text, approved=True, steward=" ")


@pytest.mark.parametrize(
    ("said", "spans"),
    [
        ("1", ((0, 3),)),
        ("2,3", ((4, 13),)),
        ("3, 2", ((4, 13),)),
        ("1,5-6", ((0, 3), (17, 26))),
        ("1-6", ((0, 26),)),
        ("2,2-2", ((4, 7),)),
    ],
)
def test_words_are_chosen_by_their_numbers(
    text: Text, said: str, spans: tuple[tuple[int, int], ...]
) -> None:
    assert spans_of(said, text) == spans


@pytest.mark.parametrize("said", ["red", "", "1,", "1-", "-2", "1;2", "9999999"])
def test_words_themselves_are_no_numbers(text: Text, said: str) -> None:
    with pytest.raises(NotPossible, match="Give the numbers of words"):
        spans_of(said, text)


@pytest.mark.parametrize("said", ["0", "7", "5-3", "2-7"])
def test_numbers_are_those_of_the_text(text: Text, said: str) -> None:
    with pytest.raises(NotPossible, match="The text has the words 1 to 6"):
        spans_of(said, text)


def test_themes_are_those_of_the_programme() -> None:
    assert themes_of(" groups, workload,groups ,", ["groups", "workload"]) == ("groups", "workload")
    assert themes_of(None, []) == ()
    with pytest.raises(NotPossible, match="The programme has no themes"):
        themes_of("groups", [])
    with pytest.raises(NotPossible, match="perhaps `groups` is meant"):
        themes_of("group", ["groups", "workload"])


@given(st.lists(st.text("abc[] ", min_size=1).filter(str.strip), min_size=1, max_size=9), st.data())
def test_chosen_words_are_gone_and_the_others_stay(words: list[str], data: st.DataObject) -> None:
    text = find_text("aaaa", texts({"text": "  ".join(words)}))
    numbers = [word.number for word in text.words]
    chosen = data.draw(st.sets(st.sampled_from(numbers), min_size=1))
    shown = text.covering(spans_of(",".join(map(str, chosen)), text))
    left = [word for word in shown.split() if word != "[covered]"]
    assert left == [word for number, word in text.words if number not in chosen]

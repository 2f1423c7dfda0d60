"""Mistakes seen in other people's ProQOL 5 scoring code, one test each.

Every test has answers on which the mistake would show, and says what the mistake would give.
"""

from collections.abc import Callable

import polars as pl

from pipeline import reference
from pipeline.scoring.scores import score

Responses = Callable[..., pl.DataFrame]
PROQOL5 = reference.instruments()["proqol5"]
COMPASSION, BURNOUT, TRAUMA = (
    "compassion_satisfaction",
    "burnout",
    "secondary_traumatic_stress",
)


def _answers(usual: int, **others: int | None) -> list[int | None]:
    """`usual` to every item but those named, such as item_29=1."""
    return [others.get(f"item_{number}", usual) for number in range(1, 31)]


def _scores(
    responses: Responses, answers: list[int | None], *, prorate: bool = False
) -> dict[str, dict[str, object]]:
    found = score(responses("proqol5", [answers]), PROQOL5, prorate=prorate)
    return {row["subscale"]: row for row in found.to_dicts()}


def test_42_is_high_not_moderate(responses: Responses) -> None:
    answers = _answers(4, item_3=5, item_6=5)
    row = _scores(responses, answers)[COMPASSION]
    assert (row["raw_score"], row["band"]) == (42, "high")


def test_burnout_has_item_29_and_not_27(responses: Responses) -> None:
    # With 27 in its place burnout would be 30 + 2 or, reversed, 30 - 2.
    assert _scores(responses, _answers(3, item_27=5))[BURNOUT]["raw_score"] == 30
    assert _scores(responses, _answers(3, item_27=5))[COMPASSION]["raw_score"] == 32
    assert _scores(responses, _answers(3, item_29=5))[BURNOUT]["raw_score"] == 28
    assert _scores(responses, _answers(3, item_29=5))[COMPASSION]["raw_score"] == 30


def test_item_4_is_reversed(responses: Responses) -> None:
    # Unreversed it would give 32.
    assert _scores(responses, _answers(3, item_4=5))[BURNOUT]["raw_score"] == 28


def test_item_19_is_not_reversed(responses: Responses) -> None:
    # Reversed it would give 28.
    assert _scores(responses, _answers(3, item_19=5))[BURNOUT]["raw_score"] == 32


def test_a_blank_counts_neither_as_0_nor_as_1(responses: Responses) -> None:
    # As 0 they would give 27, or 33 for the reversed item 29; as 1, 28 or 32.
    answers = _answers(3, item_3=None, item_29=None, item_2=None)
    for row in _scores(responses, answers).values():
        assert (row["raw_score"], row["band"], row["items_answered"]) == (None, None, 9)
    for row in _scores(responses, answers, prorate=True).values():
        assert (row["raw_score"], row["prorated"]) == (30, True)


def test_burnout_is_not_reversed_as_a_whole(responses: Responses) -> None:
    # Weary in every item that says so, and well in none: 50, not 10.
    weary = _answers(5, item_1=1, item_4=1, item_15=1, item_17=1, item_29=1)
    row = _scores(responses, weary)[BURNOUT]
    assert (row["raw_score"], row["band"]) == (50, "high")


def test_scores_are_not_standardised_within_a_wave(responses: Responses) -> None:
    # Standardised, both waves would have the same scores and no officer would have changed.
    before, after = (
        score(responses("proqol5", [_answers(low), _answers(low + 1)], wave), PROQOL5)
        .filter(pl.col("subscale") == TRAUMA)["raw_score"]
        .to_list()
        for wave, low in (("baseline", 3), ("session_10", 2))
    )
    assert (before, after) == ([30, 40], [20, 30])

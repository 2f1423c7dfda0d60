"""What a steward may say about two codes, and the sentence where it may not be said."""

from typing import Any

import polars as pl
import pytest

from pipeline import tables
from pipeline.privacy.linkage import Judged
from pipeline.review import NotPossible
from pipeline.review_links import CodePair, code_pairs, find_pair, judge
from pipeline.vocabulary import EntryKind, LinkDoubt, LinkJudgement, LinkStatus


def review(*pairs: str, **more: Any) -> pl.DataFrame:
    rows = [
        {
            "pair": pair,
            "home_force": "kent",
            "code_id": f"v1-{place}",
            "other_code_id": f"v1-{place}0",
            "status": LinkStatus.OPEN,
            "doubt": LinkDoubt.TWO_ELEMENTS,
            "differing": ["eyes", "town"],
            "elements": 6,
            "given_on": ["baseline proqol5"],
            "other_given_on": ["session_5 proqol5"],
            **more,
        }
        for place, pair in enumerate(pairs)
    ]
    return tables.LINK_REVIEW.conform(pl.DataFrame(rows))


def one(**more: Any) -> CodePair:
    return code_pairs(review("abcd0001", **more), [*LinkStatus])[0]


def said(pair: CodePair, says: LinkJudgement = LinkJudgement.LINK, **how: Any) -> Any:
    return judge(pair, says, **{"steward": "S", "reason": "asked them", **how})


def test_a_pair_is_told_in_words_without_an_element() -> None:
    assert one().sentence == (
        "4 of 6 elements are the same, not eyes and town; given at baseline proqol5 and at "
        "session_5 proqol5. Not taken for one officer's; a steward may say that they are. "
        "Two elements differ or are missing."
    )


def test_what_is_put_on_record() -> None:
    act = said(one(), steward=" S \n", reason="asked\nthem")
    assert (act.kind, act.steward, act.reason) == (EntryKind.LINK_JUDGED, "S", "asked them")
    assert act.body == {"codes": ["v1-0", "v1-00"], "judgement": "link"}


@pytest.mark.parametrize(
    ("pair", "how", "sentence"),
    [
        ({}, {"reason": " "}, "Say why with --reason"),
        ({}, {"steward": ""}, "Say who decides"),
        (
            {},
            {"before": [Judged(("v1-0", "v1-00"), LinkJudgement.LINK)]},
            "That was said of these two codes already",
        ),
        (
            {"other_given_on": ["baseline proqol5"]},
            {},
            "Both codes were given at baseline proqol5, where one officer gives one",
        ),
    ],
)
def test_what_may_not_be_said(pair: dict[str, Any], how: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotPossible, match=sentence):
        said(one(**pair), **how)


def test_a_second_thought_is_a_second_judgement() -> None:
    before = [Judged(("v1-0", "v1-00"), LinkJudgement.LINK)]
    assert said(one(), LinkJudgement.PART, before=before).body["judgement"] == "part"


def test_a_pair_goes_by_the_beginning_of_its_name() -> None:
    listed = review("abcd0001", "abff0002")
    assert find_pair("abc", listed).pair == "abcd0001"
    for given, sentence in (
        ("ab", "2 pairs begin like that"),
        ("x", "is called that"),
        ("", "is called"),
    ):
        with pytest.raises(NotPossible, match=sentence):
            find_pair(given, listed)


def test_pairs_by_status() -> None:
    assert code_pairs(review("a", status=LinkStatus.LINKED, doubt=None), [LinkStatus.OPEN]) == []

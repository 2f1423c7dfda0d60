"""The logistic model of dropping out: its terms, its groups, and what it says without a fit."""

import math
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline import tables
from pipeline.evaluation import attrition_model as module
from pipeline.evaluation.attrition_model import attrition_model
from pipeline.evaluation.logistic import NoFit
from pipeline.evaluation.taking_part import taking_part
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
AS_OF = date(2026, 1, 1)
Officer = tuple[str, str | None, bool]
SUBSCALES = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")


@pytest.fixture(scope="session")
def frames(
    participants: Frames, scores: Frames, ledger: Frames, programme: Programme
) -> Callable[[Iterable[Officer]], tuple[pl.DataFrame, pl.DataFrame]]:
    """From (organisation, rank group, dropped out); scores at the first wave are drawn."""

    def make(officers: Iterable[Officer]) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = {f"p{i:03}": officer for i, officer in enumerate(officers)}
        random = np.random.default_rng(20261126)
        drawn = random.integers(10, 51, (len(named), 3)).tolist()
        enrolled = participants({name: (o[0], "programme", None) for name, o in named.items()})
        ranks = {name: officer[1] for name, officer in named.items()}
        enrolled = enrolled.with_columns(
            rank_group=pl.col("participant_id").replace_strict(ranks, return_dtype=pl.String)
        )
        waves = ledger(
            {
                name: ("completed", *["missed" if dropped else "completed"] * 2)
                for name, (_, _, dropped) in named.items()
            }
        )
        measured = scores(
            (name, "baseline", "proqol5", subscale, score)
            for name, row in zip(named, drawn, strict=True)
            for subscale, score in zip(SUBSCALES, row, strict=True)
        )
        return measured, taking_part(enrolled, waves, programme, AS_OF)

    return make


def _group(where: str, rank: str | None, n: int, dropped: int) -> list[Officer]:
    return [(where, rank, i < dropped) for i in range(n)]


def _terms(made: pl.DataFrame) -> list[str]:
    return tables.ATTRITION_MODEL.conform(made)["term"].to_list()


def _row(made: pl.DataFrame, term: str) -> dict[str, Any]:
    return made.filter(term=term).row(0, named=True)


def test_groups_stand_against_the_largest(frames: Callable[..., Any], programme: Programme) -> None:
    officers = [
        *_group("north", "constable", 30, 10),
        *_group("south", "sergeant", 14, 5),
        *_group("south", "constable", 12, 4),
        *_group("west", None, 20, 9),
        *_group("north", None, 12, 4),
    ]
    made = attrition_model(*frames(officers), programme)
    assert _terms(made) == [
        "intercept",
        *SUBSCALES,
        "rank_group: sergeant",
        "rank_group: unknown",
        "organisation: south",
        "organisation: west",
    ]
    assert made["n"].unique().to_list() == [88]
    assert "reference: rank_group: constable" in _row(made, "intercept")["note"]
    assert "reference: organisation: north" in _row(made, "intercept")["note"]
    for row in made.to_dicts():
        assert row["odds_ratio"] == pytest.approx(math.exp(row["estimate"]))
        assert math.log(row["ci_high"]) - row["estimate"] == pytest.approx(1.959964 * row["se"])
        assert math.log(row["ci_low"]) - row["estimate"] == pytest.approx(-1.959964 * row["se"])
        assert module.NOTE_PLAIN in row["note"]


def test_a_group_that_is_others_together_has_no_estimate_of_its_own(
    frames: Callable[..., Any], programme: Programme
) -> None:
    """An organisation without a roster, whose officers alone have no known rank."""
    officers = [
        *_group("north", "constable", 40, 14),
        *_group("north", "sergeant", 20, 9),
        *_group("south", "constable", 30, 12),
        *_group("west", None, 25, 10),
    ]
    made = attrition_model(*frames(officers), programme)
    unknown, west = (_row(made, f"{g}") for g in ("rank_group: unknown", "organisation: west"))
    assert west["estimate"] is west["odds_ratio"] is None
    assert module.NOTE_OTHERS_TOGETHER in west["note"]
    assert unknown["estimate"] is not None
    # The others are what they are without the second name for those officers.
    alone = attrition_model(*frames(officers), programme, groups=["rank_group"])
    kept = made.filter(pl.col("term") != "organisation: west")
    assert kept["estimate"].null_count() == 0
    assert kept["n"].unique().to_list() == [115]
    assert alone.height == kept.height - 1


def test_scores_that_are_all_the_same_have_no_estimates(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, came = frames([*_group("north", None, 40, 16), *_group("south", None, 30, 20)])
    made = attrition_model(scores.with_columns(raw_score=20.0), came, programme)
    assert made["estimate"].is_null().all()
    assert all(NoFit.COLLINEAR.value in note for note in made["note"])


@pytest.mark.parametrize(
    "thin",
    [
        _group("thin", "constable", 9, 4),
        _group("thin", "constable", 12, 12),
        _group("thin", "constable", 12, 0),
    ],
    ids=["few", "all_dropped_out", "nobody_dropped_out"],
)
def test_groups_that_say_too_little_are_merged_or_left_out(
    frames: Callable[..., Any], programme: Programme, thin: list[Officer]
) -> None:
    large = [*_group("north", "constable", 40, 15), *_group("south", "constable", 30, 10)]
    alone = attrition_model(*frames([*large, *thin]), programme)
    assert _terms(alone) == ["intercept", *SUBSCALES, "organisation: south"]
    assert alone["n"].unique().to_list() == [70]
    assert module.NOTE_LEFT_OUT in _row(alone, "intercept")["note"]

    also_thin = _group("another", "constable", 9, 5)
    merged = attrition_model(*frames([*large, *thin, *also_thin]), programme)
    assert _terms(merged) == [
        "intercept",
        *SUBSCALES,
        "organisation: other",
        "organisation: south",
    ]
    assert merged["n"].unique().to_list() == [79 + len(thin)]
    assert module.NOTE_OTHER in _row(merged, "organisation: other")["note"]
    assert module.NOTE_LEFT_OUT not in _row(merged, "intercept")["note"]


def test_the_intercept_explains_other_where_it_is_the_largest(
    frames: Callable[..., Any], programme: Programme
) -> None:
    small = [officer for i in range(5) for officer in _group(f"small_{i}", "constable", 9, 4)]
    made = attrition_model(*frames([*_group("north", "constable", 30, 10), *small]), programme)
    assert _terms(made) == ["intercept", *SUBSCALES, "organisation: north"]
    note = _row(made, "intercept")["note"]
    assert "reference: organisation: other" in note
    assert module.NOTE_OTHER in note
    assert module.NOTE_OTHER not in _row(made, "organisation: north")["note"]


def test_groups_are_looked_at_again_where_officers_were_left_out(
    frames: Callable[..., Any], programme: Programme
) -> None:
    """Without its chief officers, who are too few, the west has nine officers."""
    officers = [
        *_group("north", "constable", 40, 15),
        *_group("south", "constable", 30, 10),
        *_group("west", "constable", 9, 4),
        *_group("west", "chief_officer", 5, 2),
    ]
    made = attrition_model(*frames(officers), programme)
    assert _terms(made) == ["intercept", *SUBSCALES, "organisation: south"]
    assert made["n"].unique().to_list() == [70]


@pytest.mark.parametrize("dropped", [0, 30], ids=["none", "all"])
def test_without_two_outcomes_there_are_no_estimates(
    frames: Callable[..., Any], programme: Programme, dropped: int
) -> None:
    made = attrition_model(*frames(_group("north", "constable", 30, dropped)), programme)
    assert _terms(made) == ["intercept", *SUBSCALES]
    assert made["estimate"].is_null().all()
    assert made["n"].unique().to_list() == [0]
    assert all(module.NOTE_LEFT_OUT in note for note in made["note"])
    scores_alone = attrition_model(
        *frames(_group("north", "constable", 30, dropped)), programme, groups=[]
    )
    assert scores_alone["estimate"].is_null().all()
    assert scores_alone["n"].unique().to_list() == [30]
    assert all(NoFit.SEPARATED.value in note for note in scores_alone["note"])


def test_scores_that_tell_the_outcomes_apart_have_no_estimates(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, came = frames(_group("north", "constable", 40, 20))
    dropped = came.select("participant_id", dropped=pl.col("ending") == "dropped_out")
    apart = scores.join(dropped, on="participant_id").with_columns(
        raw_score=pl.when(subscale="burnout", dropped=True).then(50.0).otherwise("raw_score")
    )
    apart = apart.with_columns(
        raw_score=pl.when(subscale="burnout", dropped=False)
        .then(pl.col("raw_score").clip(upper_bound=40))
        .otherwise("raw_score")
    )
    made = attrition_model(apart, came, programme)
    assert made["estimate"].is_null().all()
    assert made["odds_ratio"].is_null().all()
    assert made["n"].unique().to_list() == [40]
    assert all(NoFit.SEPARATED.value in note for note in made["note"])


def test_an_odds_ratio_that_cannot_be_written_is_missing_and_the_note_says_so(
    frames: Callable[..., Any], programme: Programme
) -> None:
    """With burnout at 40 for all but two, the odds at 0 are a matter of hundreds of logs."""
    scores, came = frames(_group("north", "constable", 40, 20))
    # One of the two dropped out.
    apart = pl.col("participant_id").is_in(["p000", "p039"])
    burnout = pl.when(apart).then(40 + 1 / 9).otherwise(40.0)
    flat = scores.with_columns(
        raw_score=pl.when(subscale="burnout").then(burnout).otherwise("raw_score")
    )
    made = attrition_model(flat, came, programme)
    intercept = _row(made, "intercept")
    assert intercept["estimate"] is not None
    assert 1.96 * intercept["se"] > 1000
    assert (intercept["ci_low"], intercept["ci_high"]) == (None, None)
    assert module.NOTE_TOO_FAR in intercept["note"]
    secondary = _row(made, "secondary_traumatic_stress")
    assert secondary["ci_high"] == pytest.approx(
        math.exp(secondary["estimate"] + 1.959964 * secondary["se"])
    )
    assert module.NOTE_TOO_FAR not in secondary["note"]


def test_nobody_gives_terms_without_estimates(
    frames: Callable[..., Any], programme: Programme
) -> None:
    made = attrition_model(*frames([]), programme)
    assert _terms(made) == ["intercept", *SUBSCALES]
    assert made["n"].unique().to_list() == [0]
    assert made["note"].unique().to_list() == [module.NOTE_NOBODY]


def test_an_officer_without_one_of_the_scores_is_not_counted(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, came = frames([*_group("north", None, 40, 15), *_group("south", None, 30, 10)])
    blank = (pl.col("participant_id") == "p003") & (pl.col("subscale") == "burnout")
    unscorable = scores.with_columns(raw_score=pl.when(~blank).then("raw_score"))
    made = attrition_model(unscorable, came, programme)
    assert made["n"].unique().to_list() == [69]
    assert made["estimate"].is_not_null().all()


def test_neither_order_nor_pseudonyms_matter(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, came = frames([*_group("north", None, 40, 15), *_group("south", "pcso", 30, 10)])
    made = attrition_model(scores, came, programme)
    renamed = "v2_" + pl.col("participant_id").str.reverse()
    again = attrition_model(
        scores.with_columns(participant_id=renamed).reverse(),
        came.with_columns(participant_id=renamed).sort("participant_id"),
        programme,
    )
    assert again.equals(made)

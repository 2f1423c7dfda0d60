"""Estimates of wrong and missed links against officers whose codes are known to be theirs."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from coded_officers import WAVES, coded_officers

from pipeline import tables
from pipeline.privacy.link_errors import (
    _SideBySide,
    agreement_of_one,
    link_errors,
    of_one_officer,
    slips_of,
)
from pipeline.privacy.link_rates import compared, link_rates
from pipeline.privacy.linkage import CODES, link
from pipeline.simulation.codes import Carelessness
from pipeline.vocabulary import LinkErrorMethod, LinkTier

SEEDS = range(24)


def estimates(
    seed: int, officers: int, careless: Carelessness
) -> list[tuple[str, int, int, dict[str, float]]]:
    """For each pair of waves and method: what is true, and what was estimated."""
    coded = coded_officers(seed, officers, careless)
    made = link(coded.given)
    rows = link_errors(compared(coded.given, made, WAVES)).drop_nulls("missed")
    return [
        (row["method"], *coded.truth(made, row["from_wave"], row["to_wave"]), row)
        for row in rows.iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    ("officers", "careless", "methods"),
    [
        (80, Carelessness(slip=0.03, blank=0.01), {LinkErrorMethod.CHANCE_AND_ERRORS}),
        (160, Carelessness(slip=0.03, blank=0.01), {*LinkErrorMethod}),
        (160, Carelessness(slip=0.06, blank=0.02), {*LinkErrorMethod}),
    ],
)
def test_what_is_true_lies_within_what_is_estimated(
    officers: int, careless: Carelessness, methods: set[LinkErrorMethod]
) -> None:
    made = [each for seed in SEEDS for each in estimates(seed, officers, careless)]
    for method in methods:
        of_method = [(w, m, row) for name, w, m, row in made if name == method]
        assert len(of_method) >= 20
        within = Counter[str]()
        for wrong, missed, row in of_method:
            within["wrong"] += row["wrong_low"] <= wrong <= row["wrong_high"]
            within["missed"] += row["missed_low"] <= missed <= row["missed_high"]
        # The pairs of waves of one simulation hang together; most of 95 in a hundred is asked.
        assert within["wrong"] >= 0.9 * len(of_method)
        assert within["missed"] >= 0.9 * len(of_method)
        true, expected = (
            sum(pair) for pair in zip(*((m, row["missed"]) for _, m, row in of_method), strict=True)
        )
        assert 0.75 * true < expected < 1.35 * true


def test_wrong_links_are_expected_where_officers_have_much_in_common() -> None:
    """With two elements that all share and two that say little, codes meet by chance."""
    found = expected = 0.0
    for seed in SEEDS:
        coded = coded_officers(seed, 120, Carelessness(slip=0.03, blank=0.0))
        few = coded.given.with_columns(
            pl.col("elements").list.gather([1, 2, 4, 5]), pl.col("code").list.gather([1, 2, 4, 5])
        ).with_columns(participant_id=pl.col("code").list.join("|"))
        owners: dict[tuple[str, str], set[int]] = {}
        for (code, wave), who in coded.owners.items():
            kept = "|".join(
                f"{element} {value}"
                for element, value in zip(
                    ("birthplace", "middle_initial", "older_siblings", "school"),
                    [code.split("-")[place] for place in (1, 2, 4, 5)],
                    strict=True,
                )
            )
            owners.setdefault((kept, wave), set()).update(who)
        made = link(few)
        weak = type(coded)(few, owners)
        for row in link_errors(compared(few, made, WAVES)).iter_rows(named=True):
            if row["method"] == LinkErrorMethod.CHANCE_AND_ERRORS:
                found += weak.truth(made, row["from_wave"], row["to_wave"])[0]
                expected += row["wrong"]
    assert found > 20
    assert 0.5 * found < expected < 2 * found


def test_rates_count_everybody_once_at_each_wave() -> None:
    coded = coded_officers(1, 80, Carelessness())
    made = link(coded.given)
    rates = tables.LINK_RATES.conform(link_rates(compared(coded.given, made, WAVES)))
    assert rates.height == 6 * len(LinkTier)
    unlinked = {LinkTier.EARLIER_ONLY, LinkTier.LATER_ONLY}
    for (from_wave, to_wave), own in rates.group_by("from_wave", "to_wave"):
        n = {LinkTier(tier): count for tier, count in own.select("tier", "n").iter_rows()}
        linked = sum(count for tier, count in n.items() if tier not in unlinked)
        for wave, alone in ((from_wave, LinkTier.EARLIER_ONLY), (to_wave, LinkTier.LATER_ONLY)):
            given = {c for (c, w), owners in coded.owners.items() if w == wave and len(owners) == 1}
            assert linked + n[alone] == len(given)


def test_slips_are_told_from_linked_codes_and_none_where_nobody_is_linked() -> None:
    careless = Carelessness(slip=0.04, blank=0.0)
    coded = coded_officers(1, 400, careless)
    made = link(coded.given)
    slips = slips_of(compared(coded.given, made, WAVES)[0])
    assert slips is not None
    # Two codes of one officer differ in an element if either of them slipped.
    odds = 1 / (1 - careless.slip) ** 2 - 1
    assert sum(slips.low) < 6 * odds < sum(slips.high)
    alone = coded.given.filter(pl.col("wave") == "baseline")
    assert slips_of(compared(alone, link(alone), WAVES)[0]) is None


def test_nobody_slipped() -> None:
    coded = coded_officers(1, 30, Carelessness(slip=0.0, blank=0.0))
    slips = slips_of(compared(coded.given, link(coded.given), WAVES)[0])
    assert slips is not None
    assert sum(slips.expected) == 0 < sum(slips.high)


def _given(*codes: str) -> pl.DataFrame:
    """Rows of CODES: one officer's code of four letters at each wave, in order."""
    rows = [
        {
            "participant_id": code,
            "home_force": "cumbria",
            "organisation": "cumbria",
            "elements": ["a", "b", "c", "d"],
            "code": [*code],
            "occasion": f"{wave} proqol5",
            "wave": wave,
        }
        for wave, code in zip(WAVES, codes, strict=False)
    ]
    return pl.DataFrame(rows, schema=CODES)


@pytest.mark.parametrize("officers", [["ABCD"], ["ABCD", "KLMN"]])
def test_a_few_who_slip_equally_often_are_no_certainty(officers: list[str]) -> None:
    given = pl.concat([_given(code, code, f"{code[:3]}{code[3].lower()}") for code in officers])
    slips = slips_of(compared(given, link(given), WAVES)[0])
    assert slips is not None
    assert sum(slips.low) < 1 < sum(slips.high)
    assert sum(slip > 0 for slip in slips.high) == 4, "another element may slip, too"


def test_where_every_code_slipped_nobody_says_that_none_is_linked() -> None:
    given = _given("ABCD", "ABCX")
    (row, _) = link_errors(compared(given, link(given), WAVES)).rows(named=True)
    assert (row["linked"], row["missed"]) == (1, None)
    assert row["note"] == "nobody gave the same code at two waves"


def test_the_mixture_finds_what_was_mixed() -> None:
    rng = np.random.default_rng(1)
    chance, agreement = np.array([0.03, 0.05, 0.1, 0.2]), np.array([0.95, 0.9, 0.97, 0.85])
    one = rng.random((300, 4)) < agreement
    two = rng.random((60_000, 4)) < chance
    patterns, counts = np.unique(np.vstack([one, two]).astype(np.int64), axis=0, return_counts=True)
    fitted = agreement_of_one(patterns, counts.astype(float), chance)
    assert fitted == pytest.approx(agreement, abs=0.05)
    found = of_one_officer(patterns, counts.astype(float), fitted, chance)
    assert found == pytest.approx(300, rel=0.15)
    assert of_one_officer(patterns[:0], counts[:0].astype(float), fitted, chance) == 0


@pytest.mark.parametrize(
    ("agreement", "missing", "expected"),
    [
        ([0.9, 0.8, 0.5], [], 1 - 0.36 - (0.1 * 0.4 + 0.2 * 0.45 + 0.5 * 0.72)),
        ([0.9, 0.8, 0.5], [0], 1 - 0.4),
        ([0.9, 0.8, 0.5], [0, 2], 1.0),
        ([1.0, 1.0, 1.0], [], 0.0),
    ],
    ids=["none missing", "one missing in every pair", "two missing in every pair", "no slip"],
)
def test_how_many_pairs_differ_in_two_elements(
    agreement: list[float], missing: list[int], expected: float
) -> None:
    """A pair that is missing an element does not agree in it, in every pair or in some."""
    digits = [2 if place in missing else 1 for place in range(3)]
    pattern = np.full(4, digits[0] * 9 + digits[1] * 3 + digits[2])
    none = np.zeros(4, dtype=bool)
    pairs = _SideBySide(pattern, 3, none, none)
    assert pairs.share_far(np.array(agreement)) == pytest.approx(expected)


def test_too_few_officers_for_a_mixture_is_said() -> None:
    coded = coded_officers(1, 20, Carelessness())
    rows = link_errors(compared(coded.given, link(coded.given), WAVES))
    told = rows.filter(method=LinkErrorMethod.FELLEGI_SUNTER)
    assert told["wrong"].null_count() == told.height
    assert told["note"].unique().to_list() == ["fewer than 50 officers are linked"]

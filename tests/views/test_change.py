"""Questions about scores and changes, asked once more with plain loops."""

from collections import Counter, defaultdict

import pytest
from small_evaluation import SUBSCALES, WAVES

from pipeline import tables
from pipeline.views import QUESTIONS

HIGHER_IS_BETTER = {
    "compassion_satisfaction": True,
    "burnout": False,
    "secondary_traumatic_stress": False,
}
BANDS = ["low", "moderate", "high"]


def _direction(subscale: str, change: float) -> str:
    if change == 0:
        return "same"
    return "better" if (change > 0) == HIGHER_IS_BETTER[subscale] else "worse"


def _totals_last(row: dict, *names: str) -> tuple:
    return tuple((row[name] == "all", row[name]) for name in names)


def test_no_view_names_a_subscale_or_an_instrument():
    for view in QUESTIONS:
        assert not any(word in view.sql for word in (*SUBSCALES, "proqol")), view.name


def test_levels_have_shares_of_those_with_a_band(answer, rows):
    bands = defaultdict(Counter)
    people = {p["participant_id"]: p for p in rows(tables.PARTICIPANTS)}
    for score in rows(tables.SCORES):
        person = people[score["participant_id"]]
        for organisation in (person["organisation"], "all"):
            for arm in (person["arm"], "all"):
                bands[organisation, arm, score["wave"], score["subscale"]][score["band"]] += 1
    found = answer("level_by_wave")
    assert len(found) == len(rows(tables.WAVE_SUMMARY))
    for row in found:
        counted = bands[row["organisation"], row["arm"], row["wave"], row["subscale"]]
        if not row["n"]:
            assert row["share_low"] is None
            continue
        for band in BANDS:
            assert row[f"share_{band}"] == pytest.approx(counted[band] / row["n"])
        assert row["better"] == ("higher" if HIGHER_IS_BETTER[row["subscale"]] else "lower")
    keys = [
        (
            *_totals_last(row, "organisation", "arm"),
            SUBSCALES.index(row["subscale"]),
            WAVES.index(row["wave"]),
        )
        for row in found
    ]
    assert keys == sorted(keys)


def test_the_change_named_beforehand_has_names_and_directions(answer, rows):
    named = [row for row in rows(tables.PAIRED_CHANGE) if row["named_beforehand"]]
    found = answer("primary_change")
    assert len(found) == len(named) > 0
    source = {(row["organisation"], row["arm"]): row for row in named}
    for row in found:
        figures = source[row["organisation"], row["arm"]]
        total = row["organisation"] == "all"
        assert row["name"] == (None if total else f"{row['organisation']} (simulated)")
        assert (row["subscale"], row["to_wave"]) == ("burnout", WAVES[-1])
        _is_paired_change(row, figures)
    keys = [_totals_last(row, "organisation", "arm") for row in found]
    assert keys == sorted(keys)


def _is_paired_change(row: dict, figures: dict) -> None:
    for name in ("n", "mean_change", "sd_change", "ci_low", "ci_high", "g_av", "note"):
        assert row[name] == figures[name]
    change = figures["mean_change"]
    went = None if not change else _direction(row["subscale"], change) == "better"
    assert row["went_better"] is went
    for which in ("better", "worse"):
        n = figures[f"n_reliably_{which}"]
        share = row[f"share_reliably_{which}"]
        assert share == (None if n is None or not row["n"] else pytest.approx(n / row["n"]))


def test_changes_of_organisations_are_those_of_all_arms(answer, rows):
    every = {
        (row["organisation"], row["subscale"], row["from_wave"], row["to_wave"]): row
        for row in rows(tables.PAIRED_CHANGE)
        if row["arm"] == "all"
    }
    found = answer("change_by_organisation")
    assert len(found) == len(every)
    for row in found:
        key = row["organisation"], row["subscale"], row["from_wave"], row["to_wave"]
        _is_paired_change(row, every[key])
    keys = [
        (
            *_totals_last(row, "organisation"),
            SUBSCALES.index(row["subscale"]),
            WAVES.index(row["to_wave"]),
        )
        for row in found
    ]
    assert keys == sorted(keys)


def test_changes_of_officers_add_up_to_those_of_organisations(answer, rows):
    scores = {
        (s["participant_id"], s["subscale"], s["wave"]): s["raw_score"] for s in rows(tables.SCORES)
    }
    found = answer("change_of_each_officer")
    expected = {
        (participant, subscale, wave): score - scores[participant, subscale, WAVES[0]]
        for (participant, subscale, wave), score in scores.items()
        if wave != WAVES[0] and (participant, subscale, WAVES[0]) in scores
    }
    assert {
        (r["participant_id"], r["subscale"], r["to_wave"]): r["change"] for r in found
    } == expected
    reliably = Counter(
        (r["organisation"], r["subscale"], r["to_wave"], r["reliable"]) for r in found
    )
    for row in rows(tables.PAIRED_CHANGE):
        if row["arm"] == "all" and row["organisation"] != "all":
            for which in ("better", "worse"):
                key = row["organisation"], row["subscale"], row["to_wave"], which
                assert reliably[key] == (row[f"n_reliably_{which}"] or 0)
    assert {r["reliable"] for r in found} == {"better", "worse", "no"}
    keys = [
        (r["participant_id"], SUBSCALES.index(r["subscale"]), WAVES.index(r["to_wave"]))
        for r in found
    ]
    assert keys == sorted(keys)


def test_moves_between_bands_follow_the_better_direction(answer, rows):
    people = {p["participant_id"]: p["organisation"] for p in rows(tables.PARTICIPANTS)}
    bands = {
        (s["participant_id"], s["subscale"], s["wave"]): s["band"] for s in rows(tables.SCORES)
    }
    expected, from_band = Counter(), Counter()
    for (participant, subscale, wave), band in bands.items():
        before = bands.get((participant, subscale, WAVES[0]))
        if wave != WAVES[0] and before:
            for organisation in (people[participant], "all"):
                expected[organisation, subscale, wave, before, band] += 1
                from_band[organisation, subscale, wave, before] += 1
    found = answer("moves_between_bands")
    assert {
        tuple(r[k] for k in ("organisation", "subscale", "to_wave", "from_band", "to_band")): r["n"]
        for r in found
    } == expected
    for row in found:
        all_of = from_band[row["organisation"], row["subscale"], row["to_wave"], row["from_band"]]
        assert row["share"] == pytest.approx(row["n"] / all_of)
        steps = BANDS.index(row["to_band"]) - BANDS.index(row["from_band"])
        assert row["moved"] == _direction(row["subscale"], steps)
    assert {row["moved"] for row in found} == {"better", "worse", "same"}


def test_characteristics_leave_out_the_first_wave_and_flag_the_few(answer, rows):
    source = {
        (r["characteristic"], r["value"], r["wave"], r["subscale"]): r
        for r in rows(tables.EQUALITY_BREAKDOWN)
        if r["wave"] != WAVES[0]
    }
    found = answer("change_by_characteristic")
    assert len(found) == len(source)
    for row in found:
        figures = source[row["characteristic"], row["value"], row["wave"], row["subscale"]]
        assert row["mean_change"] == figures["mean_change"]
        assert row["few"] is ((figures["n_change"] or 0) < 10)
    keys = [
        (
            r["characteristic"],
            SUBSCALES.index(r["subscale"]),
            WAVES.index(r["wave"]),
            r["value"],
        )
        for r in found
    ]
    assert keys == sorted(keys)


def test_arms_are_favoured_by_the_better_direction_alone(answer, rows):
    found = answer("do_arms_differ")
    assert len(found) == len(rows(tables.ARM_CONTRAST))
    for row in found:
        if row["arm"] == "all" or not row["estimate"]:
            assert row["favours"] is None
        else:
            went = _direction(row["subscale"], row["estimate"])
            assert row["favours"] == ("programme" if went == "better" else "waiting_list")
    assert {row["favours"] for row in found} == {"programme", "waiting_list", None}
    waves = [r["wave"] for r in found if r["subscale"] == "burnout"]
    assert waves == ["all", *WAVES[1:]], "by arm, then in the programme's order"


def test_leavers_began_better_or_worse_by_the_better_direction(answer, rows):
    found = answer("did_leavers_differ")
    source = {
        (r["organisation"], r["denominator"], r["subscale"]): r for r in rows(tables.ATTRITION)
    }
    assert len(found) == len(source)
    for row in found:
        figures = source[row["organisation"], row["denominator"], row["subscale"]]
        left, stayed = figures["mean_left"], figures["mean_stayed"]
        known = left is not None and stayed is not None
        began = _direction(row["subscale"], left - stayed) if known else None
        assert row["leavers_began"] == began
        assert row["standardised_difference"] == figures["standardised_difference"]


def test_methods_are_compared_with_the_complete_cases(answer, rows):
    found = answer("does_dropout_explain_it")
    source = {
        (r["to_wave"], r["subscale"], r["method"]): r["estimate"] for r in rows(tables.ROBUSTNESS)
    }
    assert len(found) == len(source)
    for row in found:
        estimate = source[row["to_wave"], row["subscale"], row["method"]]
        complete = source[row["to_wave"], row["subscale"], "complete_cases"]
        difference = None if estimate is None else pytest.approx(estimate - complete)
        assert row["from_complete_cases"] == difference
    methods = [row["method"] for row in found[:4]]
    assert methods == ["complete_cases", "mixed_model", "delta_minus", "tipping_point"]


def test_distances_are_from_the_pooled_change(answer, rows):
    pooled = {(r["to_wave"], r["subscale"]): r["estimate"] for r in rows(tables.POOLED_CHANGE)}
    source = {
        (r["to_wave"], r["subscale"], r["organisation"]): r
        for r in rows(tables.ORGANISATION_CHANGE)
    }
    found = answer("organisations_unlike_others")
    assert len(found) == len(source)
    for row in found:
        figures = source[row["to_wave"], row["subscale"], row["organisation"]]
        together = pooled[row["to_wave"], row["subscale"]]
        assert row["pooled"] == together
        for name, less in (("distance", "estimate"), ("moves_pooled_by", "estimate_without")):
            other = figures[less]
            sign = 1 if name == "distance" else -1
            expected = None if other is None or together is None else sign * (other - together)
            assert row[name] == (None if expected is None else pytest.approx(expected))
    one = [r for r in found if (r["to_wave"], r["subscale"]) == (WAVES[-1], "burnout")]
    entering = [abs(r["distance"]) for r in one if r["weight"] is not None]
    assert entering == sorted(entering, reverse=True)
    assert len(one) > len(entering) > 1, "those left out come last"
    assert all(r["weight"] is None for r in one[len(entering) :])

"""Attrition weights: by hand, against R, against a plain loop, and where there are none."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_officers import AS_OF, SUBSCALES, WAVES, Answer, Frames, Officer, drawn, frames, read

from pipeline.evaluation import attrition_weights as module
from pipeline.evaluation.attrition_weights import (
    NOTE_NOBODY_ANSWERED,
    NOTE_WITHOUT_GROUPS,
    NOTE_WITHOUT_RANK,
    AttritionWeights,
    attrition_weights,
)
from pipeline.evaluation.followed import Followed, followed
from pipeline.evaluation.logistic import NoFit
from pipeline.evaluation.weighted_interval import effective_number, weighted_mean

REFERENCE = Path(__file__).parent / "reference"
LAST = len(WAVES) - 1


def _followed(made: Frames) -> Followed:
    return followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
    )


def _weights(officers: list[Officer], wave: int = LAST) -> tuple[Followed, AttritionWeights]:
    base = _followed(frames(officers))
    found = attrition_weights(base, wave)
    assert isinstance(found, AttritionWeights)
    return base, found


def _answer(burnout: float) -> Answer:
    return (40.0, burnout, 20.0)


def _stays(burnout: float, *, n: int, gone_after: int | None = None) -> list[Officer]:
    kept = len(WAVES) if gone_after is None else gone_after
    return [
        Officer([_answer(burnout) if wave < kept else None for wave in range(len(WAVES))])
        for _ in range(n)
    ]


def test_two_kinds_of_officers_get_the_inverse_of_their_shares() -> None:
    # Of 20 with burnout 20 five leave after the first wave, of 20 with burnout 30 ten.
    officers = [
        *_stays(20, n=15),
        *_stays(20, n=5, gone_after=1),
        *_stays(30, n=10),
        *_stays(30, n=10, gone_after=1),
    ]
    base, found = _weights(officers)
    burnout = base.points[:, 0, 1]
    came = base.answered[:, LAST]
    # 25 of 40 came: 0.625 / 0.75 and 0.625 / 0.5.
    assert found.weights[came & (burnout == 20)] == pytest.approx(0.625 / 0.75)
    assert found.weights[came & (burnout == 30)] == pytest.approx(0.625 / 0.5)
    assert found.weights[~came].tolist() == [0.0] * 15
    assert found.weights.sum() == pytest.approx(25)


def test_arms_that_lose_more_weigh_more() -> None:
    officers = [
        *_stays(20, n=15),
        *_stays(20, n=5, gone_after=1),
        *(replace(o, arm="waiting_list") for o in _stays(20, n=10)),
        *(replace(o, arm="waiting_list") for o in _stays(20, n=10, gone_after=1)),
    ]
    base, found = _weights(officers)
    came = base.answered[:, LAST]
    waiting = base.arm == base.arm.max()
    assert found.weights[came & ~waiting] == pytest.approx(0.625 / 0.75)
    assert found.weights[came & waiting] == pytest.approx(0.625 / 0.5)


def test_who_misses_a_wave_and_returns_has_not_left() -> None:
    officers = [
        *_stays(20, n=15),
        *_stays(20, n=5, gone_after=1),
        # Away at two waves, back at the last: one step, from the first wave to the last.
        *[Officer([_answer(20), None, None, _answer(20)]) for _ in range(5)],
    ]
    base, found = _weights(officers)
    assert found.weights[base.answered[:, LAST]] == pytest.approx(np.full(20, 1.0))


def test_without_any_loss_all_weigh_the_same() -> None:
    base, found = _weights(_stays(20, n=8))
    assert found.weights.tolist() == [1.0] * base.n


def test_officers_whose_wave_is_not_over_do_not_count() -> None:
    waiting = [
        Officer(
            [_answer(45), None, None, None],
            statuses=["completed", "missed", "missed", "open"],
        )
        for _ in range(30)
    ]
    officers = [
        *_stays(20, n=15),
        *_stays(20, n=5, gone_after=1),
        *_stays(30, n=9),
        *_stays(30, n=2, gone_after=1),
    ]
    _, alone = _weights(officers)
    _, beside = _weights([*officers, *waiting])
    assert sorted(alone.weights) == pytest.approx(sorted(beside.weights)[30:])


def test_weights_are_truncated_at_their_first_and_last_percentile() -> None:
    base, found = _weights(drawn([120, 150, 90], 5, leaving=0.3))
    kept = found.weights[base.answered[:, LAST]]
    assert found.truncated >= 2
    assert np.sum(kept == kept.max()) == np.sum(kept == kept.min()) == found.truncated / 2


def test_nobody_came() -> None:
    base = _followed(frames(_stays(20, n=8, gone_after=1)))
    assert attrition_weights(base, LAST) == NOTE_NOBODY_ANSWERED


def test_scores_that_tell_without_error_who_left_give_no_weights() -> None:
    officers = [*_stays(20, n=15), *_stays(21, n=8), *_stays(40, n=12, gone_after=1)]
    base = _followed(frames(officers))
    why = attrition_weights(base, LAST)
    assert isinstance(why, str)
    assert why == f"weights for attrition after baseline: {NoFit.SEPARATED.value}"


def test_groups_that_cross_are_left_out_before_the_weights_are_given_up() -> None:
    """Sergeants of the south all stay, and neither sergeants nor the south do elsewhere."""

    def some(where: str, rank: str, stay: int, leave: int) -> list[Officer]:
        made = []
        for number in range(stay + leave):
            answers = _stays(20 + number % 5, n=1, gone_after=None if number < stay else 1)[
                0
            ].answers
            made.append(Officer(answers, where, rank_group=rank))
        return made

    officers = [
        *some("north", "constable", 0, 12),
        *some("north", "sergeant", 12, 12),
        *some("south", "constable", 12, 12),
        *some("south", "sergeant", 12, 0),
    ]
    _, found = _weights(officers)
    assert NOTE_WITHOUT_RANK in found.notes


def test_without_any_group_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = module.fit_logistic
    monkeypatch.setattr(
        module,
        "fit_logistic",
        lambda design, y: NoFit.SEPARATED if design.shape[1] > 4 else fit(design, y),
    )
    _, found = _weights(drawn([60, 60, 60], 5))
    assert NOTE_WITHOUT_GROUPS in found.notes


@pytest.mark.parametrize("constant", [0, 1, 2])
def test_a_subscale_that_says_nothing_is_no_obstacle(constant: int) -> None:
    same = [
        Officer(
            [
                None if a is None else tuple(20.0 if s == constant else x for s, x in enumerate(a))
                for a in officer.answers
            ],
            officer.organisation,
        )
        for officer in drawn([80], 3)
    ]
    _, found = _weights(same)
    assert np.isfinite(found.weights).all()


def _naive_weights(officers: list[Officer]) -> dict[int, float]:
    """Officer by officer, with a logit on scores alone fitted by plain gradient steps."""
    n, last_wave = len(officers), LAST
    answers = [o.answers for o in officers]
    chance = dict.fromkeys(range(n), 1.0)
    for earlier in range(last_wave):
        risk = [i for i in range(n) if answers[i][0] and answers[i][earlier]]
        again = [any(answers[i][w] for w in range(earlier + 1, last_wave + 1)) for i in risk]
        rows = [[1.0, *[float(x or 0) for x in answers[i][earlier] or ()]] for i in risk]
        x, y = np.array(rows), np.array(again, dtype=float)
        scale = np.abs(x).max(axis=0)
        b = np.zeros(x.shape[1])
        for _ in range(60):
            p = 1 / (1 + np.exp(-(x / scale) @ b))
            hessian = (x / scale).T @ ((p * (1 - p))[:, None] * (x / scale))
            b += np.linalg.solve(hessian, (x / scale).T @ (y - p))
        for i, row in zip(risk, x / scale, strict=True):
            chance[i] *= 1 / (1 + math.exp(-float(row @ b)))
    base = [i for i in range(n) if answers[i][0]]
    came = [i for i in base if answers[i][last_wave]]
    raw = {i: len(came) / len(base) / chance[i] for i in came}
    low, high = np.quantile(list(raw.values()), [0.01, 0.99])
    return {i: float(min(max(w, low), high)) for i, w in raw.items()}


def test_it_agrees_with_a_plain_loop() -> None:
    officers = [
        Officer(o.answers, "together") for o in drawn([60, 80, 90], 11, leaving=0.2, blank=0.0)
    ]
    base, found = _weights(officers)
    expected = _naive_weights(officers)
    assert sorted(found.weights[found.weights > 0]) == pytest.approx(
        sorted(expected.values()), rel=1e-6
    )
    assert base.n == sum(1 for o in officers if o.answers[0])


def _of_r() -> Any:
    return json.loads((REFERENCE / "robustness.json").read_text("utf-8"))


@pytest.mark.parametrize("row", range(9))
def test_weights_and_weighted_means_agree_with_r(row: int) -> None:
    expected = _of_r()["weighted"][row]
    base = _followed(frames(read(REFERENCE / "robustness.csv")))
    wave = WAVES.index(expected["wave"])
    weights = attrition_weights(base, wave)
    assert isinstance(weights, AttritionWeights)
    points = base.points[:, :, SUBSCALES.index(expected["subscale"])]
    change = points[:, wave] - points[:, 0]
    kept = ~np.isnan(change) & (weights.weights > 0)
    found = weighted_mean(change[kept], weights.weights[kept], base.clusters(kept).codes)
    assert kept.sum() == expected["n"]
    assert found.interval is not None
    assert found.mean == pytest.approx(expected["estimate"], abs=1e-6)
    assert found.interval.standard_error == pytest.approx(expected["se"], abs=1e-6)
    assert found.interval.degrees_of_freedom == pytest.approx(expected["df"], abs=1e-6)
    assert found.interval.low == pytest.approx(expected["ci_low"], abs=1e-6)
    assert found.interval.high == pytest.approx(expected["ci_high"], abs=1e-6)
    assert effective_number(weights.weights[kept]) == pytest.approx(
        expected["effective_n"], abs=1e-6
    )

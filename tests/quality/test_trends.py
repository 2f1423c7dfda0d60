"""What differs from earlier files: by hand, against a plain second reckoning, and by chance."""

from statistics import fmean, variance
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.programme import Thresholds
from pipeline.quality.profile import PROFILE
from pipeline.quality.trends import FEWEST_COMPARED, TRENDS, moments_by_submission, trends

WAVES = ("baseline", "session_5", "session_10")
Answers = list[list[int | None]]
"""Rows of answers."""


def file(name: str, **said: Any) -> dict[str, Any]:
    return {
        "submission_id": name,
        "organisation": "cumbria",
        "source": "phq",
        "delivery": "cumulative",
        "instrument": "phq4",
        "read": 100,
        "columns": ["a", "b"],
        "share_quarantined": 0.0,
        "share_unlinked": None,
        **said,
    }


def profile(name: str, **by_wave: Answers) -> pl.DataFrame:
    rows = [
        (name, "phq4", "answer", f"{wave} item_{item}", answer, 1)
        for wave, responses in by_wave.items()
        for response in responses
        for item, answer in enumerate(response, start=1)
        if answer is not None
    ]
    schema = {"submission_id": pl.String(), **PROFILE}
    return pl.DataFrame(rows, schema=schema, orient="row")


def compared(
    files: list[dict[str, Any]],
    *profiles: pl.DataFrame,
    thresholds: Thresholds | None = None,
    ruled: dict[str, bool] | None = None,
) -> pl.DataFrame:
    types = {
        "columns": pl.List(pl.String),
        "share_quarantined": pl.Float64,
        "share_unlinked": pl.Float64,
    }
    frame = pl.DataFrame(files, schema_overrides=types, infer_schema_length=None)
    found = trends(frame, pl.concat([profile("-"), *profiles]), WAVES, thresholds, ruled or {})
    assert found.schema == TRENDS
    return found


def responses(seed: int, n: int, mean: float = 1.2) -> Answers:
    """Simulated PHQ-4 answers, 0 to 3."""
    drawn = np.random.default_rng(seed).normal(mean, 0.8, (n, 4))
    return np.clip(drawn.round(), 0, 3).astype(int).tolist()


def backwards(answers: Answers) -> Answers:
    return [[3 - answer for answer in response if answer is not None] for response in answers]


def test_a_first_file_is_compared_with_nothing() -> None:
    found = compared([file("a")], profile("a", baseline=responses(1, 50)))
    assert found.row(0) == (None,) * len(TRENDS)


def test_shares_are_compared_with_the_last_sound_file_of_the_source() -> None:
    files = [
        file("a", share_quarantined=0.02, share_unlinked=0.1),
        file("elsewhere", source="other", share_quarantined=0.9),
        file("b", share_quarantined=0.30, share_unlinked=0.05),
        file("c", share_quarantined=0.10, share_unlinked=0.3),
    ]
    found = compared(files, thresholds=Thresholds())
    # b is held for its quarantine, so c is compared with a.
    assert found["rise_in_quarantined"].to_list() == pytest.approx([None, None, 0.28, 0.08])
    assert found["rise_in_unlinked"].to_list() == pytest.approx([None, None, -0.05, 0.2])
    ruled = compared(files, thresholds=Thresholds(), ruled={"b": True})
    assert ruled["rise_in_quarantined"][3] == pytest.approx(-0.2)


def test_columns_that_came_and_went_are_counted() -> None:
    files = [
        file("a"),
        file("b", columns=["b", "c", "d"]),
        file("c", columns=["d", "c", "b"]),
        file("old", columns=None),
        file("e", columns=["b"], delivery="incremental"),
    ]
    found = compared(files).select("columns_appeared", "columns_vanished")
    assert found.rows() == [(None, None), (2.0, 1.0), (0.0, 0.0), (None, None), (0.0, 2.0)]


def test_an_export_that_turned_its_coding_round_is_seen() -> None:
    before, now = responses(1, 60), responses(2, 60)
    files = [file("a"), file("b", source="survey-2")]
    same = compared(files, profile("a", baseline=before), profile("b", session_5=now))
    turned = compared(files, profile("a", baseline=before), profile("b", session_5=backwards(now)))
    assert same["item_shift"][1] < 0.3
    assert turned["item_shift"][1] > 0.8


def test_the_first_file_is_compared_with_its_own_earlier_waves() -> None:
    rounded = profile("a", baseline=responses(1, 60), session_10=backwards(responses(2, 60)))
    assert compared([file("a")], rounded)["item_shift"][0] > 0.8


def test_later_waves_are_no_measure_for_earlier_ones() -> None:
    files = [file("a", source="late"), file("b")]
    late, early = (
        profile("a", session_10=responses(1, 60, 3)),
        profile("b", baseline=responses(2, 60)),
    )
    assert compared(files, late, early)["item_shift"].to_list() == [None, None]


@pytest.mark.parametrize(("n", "is_compared"), [(FEWEST_COMPARED - 1, False), (30, True)])
def test_few_answers_are_not_compared(n: int, is_compared: bool) -> None:
    files = [file("a"), file("b")]
    many, few = profile("a", baseline=responses(1, 90)), profile("b", baseline=responses(2, n))
    for before, now in ((many, few), (few, many)):
        one, other = (
            before.with_columns(submission_id=pl.lit("a")),
            now.with_columns(submission_id=pl.lit("b")),
        )
        assert (compared(files, one, other)["item_shift"][1] is not None) == is_compared


def test_files_of_another_organisation_and_instrument_are_left_alone() -> None:
    files = [file("a", organisation="kent"), file("b", instrument="pss10"), file("c")]
    strangers = [profile(name, baseline=responses(3, 60, 3)) for name in ("a", "b")]
    strangers[1] = strangers[1].with_columns(instrument=pl.lit("pss10"))
    found = compared(files, *strangers, profile("c", baseline=responses(1, 60)))
    assert found["item_shift"].to_list() == [None, None, None]


def test_a_file_held_for_its_answers_is_no_measure_for_the_next() -> None:
    turned = backwards(responses(2, 60))
    files = [file("a"), file("b"), file("c")]
    sent = [profile("a", baseline=responses(1, 60)), *(profile(n, baseline=turned) for n in "bc")]
    limits = Thresholds()
    found = compared(files, *sent, thresholds=limits)["item_shift"]
    assert found[1] == found[2] > limits.items_shifted_hold
    accepted = compared(files, *sent, thresholds=limits, ruled={"b": True})["item_shift"]
    assert accepted[2] == 0


def test_incremental_files_add_up() -> None:
    files = [file(name, delivery="incremental") for name in "abc"]
    sent = [profile(name, baseline=responses(seed, 20)) for seed, name in enumerate("abc")]
    # Neither a nor b alone has enough answers.
    found = compared(files, *sent[:2], profile("c", baseline=responses(7, 40)))["item_shift"]
    assert (found[1], found[2] is not None) == (None, True)


def test_an_older_profile_that_tells_no_waves_is_no_measure() -> None:
    old = profile("a", baseline=responses(1, 60)).with_columns(
        pl.col("name").str.split(" ").list[1]
    )
    assert moments_by_submission(old) == {}


def _naive(before: Answers, now: Answers) -> float:
    """The measure, written out for two files of one wave in plain Python."""
    squared = []
    for one, other in zip(zip(*before, strict=True), zip(*now, strict=True), strict=True):
        n, m = len(one), len(other)
        pooled = ((n - 1) * variance(one) + (m - 1) * variance(other)) / (n + m - 2)
        d = (fmean(other) - fmean(one)) / max(pooled**0.5, 0.25)
        squared.append(d * d - 1 / n - 1 / m)
    return max(fmean(squared), 0.0) ** 0.5


_response = st.lists(st.integers(0, 3), min_size=4, max_size=4)
_file = st.lists(_response, min_size=30, max_size=45)


@given(before=_file, now=_file)
def test_it_equals_a_plain_second_reckoning(before: Answers, now: Answers) -> None:
    files = [file("a"), file("b")]
    found = compared(files, profile("a", baseline=before), profile("b", baseline=now))
    assert found["item_shift"][1] == pytest.approx(_naive(before, now), abs=1e-6)


def test_chance_alone_hardly_ever_warns() -> None:
    """Two simulated files of thirty officers who answer alike: 400 draws, items correlated."""
    rng, above = np.random.default_rng(20), 0
    for _ in range(400):
        level = rng.normal(1.2, 0.5, (60, 1))
        drawn = np.clip((level + rng.normal(0, 0.6, (60, 4))).round(), 0, 3).astype(int).tolist()
        found = compared(
            [file("a"), file("b")],
            profile("a", baseline=drawn[:30]),
            profile("b", baseline=drawn[30:]),
        )
        above += found["item_shift"][1] > Thresholds().items_shifted_warn
    assert above <= 8, above

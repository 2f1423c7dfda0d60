"""Change by sessions attended: bands, cells, and that every row says what it is not."""

import statistics
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import dose_response as module
from pipeline.evaluation.dose_response import dose_response, sessions_band
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
Officer = tuple[str, str, str | None, int | None, tuple[int | None, int | None, int | None]]

WAVES = ("baseline", "session_7", "session_10")
_score = st.none() | st.integers(10, 50)
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "north", "south"]),
        st.sampled_from(["programme", "waiting_list"]),
        st.sampled_from([None, "g1", "g2", "g3", "g4", "g5", "g6"]),
        st.none() | st.integers(0, 10),
        st.tuples(_score, _score, _score),
    ),
    max_size=24,
)
_a_few_populations = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="session")
def frames(
    participants: Frames, scores: Frames, attended: Frames
) -> Callable[[list[Officer]], tuple[pl.DataFrame, pl.DataFrame]]:
    def make(officers: list[Officer]) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = {f"p{i}": officer for i, officer in enumerate(officers)}
        enrolled = participants({name: officer[:3] for name, officer in named.items()})
        measured = scores(
            (name, wave, "proqol5", "burnout", score)
            for name, officer in named.items()
            for wave, score in zip(WAVES, officer[4], strict=True)
        )
        return measured, attended(enrolled, {name: o[3] for name, o in named.items()})

    return make


def _naive_band(sessions: int) -> str:
    if sessions < 2:
        return ("none", "one")[sessions]
    return "2 to 4" if sessions < 5 else "5 to 7" if sessions < 8 else "8 or more"


def test_bands_begin_where_they_say() -> None:
    made = pl.DataFrame({"n": [*range(12), None]}).select(sessions_band(pl.col("n"))).to_series()
    assert made.to_list() == [*map(_naive_band, range(12)), None]


def _made(frames: tuple[pl.DataFrame, pl.DataFrame], programme: Programme) -> pl.DataFrame:
    scores, enrolled = frames
    return dose_response(panel(scores, enrolled, programme), enrolled, programme)


@_a_few_populations
@given(_officers)
def test_agrees_with_counting_one_officer_after_another(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    changes: dict[tuple[str, str, str], list[int]] = {}
    for where, _, _, sessions, (first, *later) in officers:
        for wave, score in zip(WAVES[1:], later, strict=True):
            if first is not None and score is not None and sessions is not None:
                for organisation in (where, "all"):
                    cell = (organisation, _naive_band(sessions), wave)
                    changes.setdefault(cell, []).append(score - first)
    made = tables.DOSE_RESPONSE.conform(_made(frames(officers), programme))
    found = {row[:3]: made.row(i, named=True) for i, row in enumerate(made.iter_rows())}
    assert found.keys() == changes.keys()
    unknown = {where for where, _, _, sessions, _ in officers if sessions is None}
    unknown |= {"all"} if unknown else set()
    for cell, values in changes.items():
        row = found[cell]
        assert row["n"] == len(values)
        assert row["mean_change"] == pytest.approx(statistics.mean(values))
        assert (row["ci_low"] is None) == (len(values) < 2)
        assert row["note"].startswith(module.NOTE_DESCRIPTIVE)
        assert (module.NOTE_UNKNOWN in row["note"]) == (cell[0] in unknown)


@_a_few_populations
@given(_officers)
def test_officers_of_one_band_have_the_interval_of_paired_change(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer]
) -> None:
    same = [(where, arm, group, 3, scores) for where, arm, group, _, scores in officers]
    frames_of_all = frames(same)
    figures = ["n", "mean_change", "ci_low", "ci_high", "n_clusters"]
    made = _made(frames_of_all, programme).sort("wave", maintain_order=True)
    change = paired_change(panel(*frames_of_all, programme), programme).filter(
        pl.col("arm") == "all", pl.col("from_wave") == "baseline"
    )
    assert made.select("organisation", "wave", *figures).equals(
        change.select("organisation", pl.col("to_wave").alias("wave"), *figures).sort(
            "wave", maintain_order=True
        )
    )
    assert made["sessions_band"].unique().to_list() == (["2 to 4"] if made.height else [])


def test_bands_and_waves_come_in_their_own_order(
    frames: Callable[..., Any], programme: Programme
) -> None:
    officers: list[Officer] = [
        ("north", "programme", None, sessions, (20, 21, 22)) for sessions in (9, 6, 3, 1, 0)
    ]
    made = _made(frames(officers), programme)
    first = made.filter(organisation="north").select("sessions_band", "wave").rows()
    bands = ["none", "one", "2 to 4", "5 to 7", "8 or more"]
    assert first == [(band, wave) for band in bands for wave in WAVES[1:]]
    assert made["organisation"].unique(maintain_order=True).to_list() == ["north", "all"]


@_a_few_populations
@given(_officers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    frames: Callable[..., Any], programme: Programme, officers: list[Officer], shuffler: Any
) -> None:
    scores, enrolled = frames(officers)
    rows = list(range(scores.height))
    shuffler.shuffle(rows)
    shuffled = _made((scores[rows], enrolled.reverse()), programme)
    assert _made((scores, enrolled), programme).equals(shuffled)


def test_refuses_a_score_of_nobody_enrolled(
    frames: Callable[..., Any], programme: Programme
) -> None:
    scores, enrolled = frames([("north", "programme", None, 2, (20, 21, 22))])
    with pytest.raises(ValueError, match="not among the participants"):
        _made((scores, enrolled.clear()), programme)

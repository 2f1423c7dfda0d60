"""Levels and changes by characteristic against plain loops, and the clusters behind intervals."""

import statistics
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation import equality_breakdown as module
from pipeline.evaluation.equality_breakdown import CHARACTERISTICS, equality_breakdown
from pipeline.evaluation.paired_change import paired_change
from pipeline.evaluation.panel import panel
from pipeline.programme import Programme

Frames = Callable[..., pl.DataFrame]
Officer = tuple[str, str | None, str | None, str | None, tuple[int | None, ...]]

_score = st.none() | st.integers(10, 50)
_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "north", "south", "west"]),
        st.sampled_from([None, "g1", "g2", "g3", "g4", "g5", "g6"]),
        st.sampled_from([None, "female", "male"]),
        st.sampled_from([None, "constable", "sergeant"]),
        st.tuples(_score, _score, _score),
    ),
    max_size=30,
)


@pytest.fixture(scope="session")
def frames(
    participants: Frames, scores: Frames
) -> Callable[[list[Officer]], tuple[pl.DataFrame, pl.DataFrame]]:
    def make(officers: list[Officer]) -> tuple[pl.DataFrame, pl.DataFrame]:
        of_officer = pl.DataFrame(
            [(f"p{i}", o[2], o[3]) for i, o in enumerate(officers)],
            schema={"participant_id": pl.String, "gender": pl.String, "rank_group": pl.String},
            orient="row",
        )
        enrolled = (
            participants({f"p{i}": (o[0], "programme", o[1]) for i, o in enumerate(officers)})
            .drop("gender", "rank_group")
            .join(of_officer, on="participant_id", how="left", maintain_order="left")
        )
        measured = scores(
            (f"p{i}", wave, "proqol5", "burnout", score)
            for i, o in enumerate(officers)
            for wave, score in zip(("baseline", "session_7", "session_10"), o[4], strict=True)
        )
        return measured, enrolled

    return make


def _made(measured: pl.DataFrame, enrolled: pl.DataFrame, programme: Programme) -> pl.DataFrame:
    made = equality_breakdown(panel(measured, enrolled, programme), enrolled, programme)
    return tables.EQUALITY_BREAKDOWN.conform(made)


@settings(max_examples=60, deadline=None)
@given(_officers)
def test_every_cell(frames: Any, programme: Programme, officers: list[Officer]) -> None:
    measured, enrolled = frames(officers)
    made = _made(measured, enrolled, programme)
    found = {(r["characteristic"], r["value"], r["wave"]): r for r in made.to_dicts()}
    expected = set()
    for characteristic, place in (("gender", 2), ("rank_group", 3)):
        for value in {o[place] for o in officers}:
            those = [o for o in officers if o[place] == value]
            for at, wave in enumerate(programme.wave_names):
                held = [o[4][at] for o in those if o[4][at] is not None]
                if not held:
                    continue
                key = (characteristic, value or "unknown", wave)
                expected.add(key)
                row = found[key]
                assert row["n"] == len(held)
                assert row["mean"] == pytest.approx(statistics.mean(held))
                assert row["sd"] == (
                    pytest.approx(statistics.stdev(held)) if len(held) > 1 else None
                )
                assert (module.NOTE_NO_SD in (row["note"] or "")) is (len(held) == 1)
                _check_change(row, those, at, frames, programme)
    of_these = {key for key in found if key[0] in ("gender", "rank_group")}
    assert of_these == expected


def _check_change(
    row: dict[str, Any], those: list[Officer], at: int, frames: Any, programme: Programme
) -> None:
    """The change is that of `paired_change` of these officers alone, clusters included."""
    if at == 0:
        assert (row["n_change"], row["mean_change"]) == (0, None)
        assert module.NOTE_FIRST_WAVE in row["note"]
        return
    measured, enrolled = frames(those)
    alone = paired_change(panel(measured, enrolled, programme), programme).filter(
        organisation="all", arm="all", to_wave=row["wave"]
    )
    if alone.is_empty():
        assert row["n_change"] == 0
        assert module.NOTE_NO_CHANGE in row["note"]
        return
    assert row["n_change"] == alone["n"].item()
    assert row["mean_change"] == pytest.approx(alone["mean_change"].item())
    # Whether officers without a group count alone is settled among all officers, not among these.
    if not row["note"] or "session group" not in row["note"]:
        assert row["n_clusters"] == alone["n_clusters"].item()
        assert row["ci_low"] == pytest.approx(alone["ci_low"].item())


def test_all_characteristics_and_unknown_last(frames: Any, programme: Programme) -> None:
    officers: list[Officer] = [
        ("north", None, gender, None, (20, None, 18)) for gender in (None, "male", "female")
    ]
    made = _made(*frames(officers), programme)
    assert made["characteristic"].unique(maintain_order=True).to_list() == list(CHARACTERISTICS)
    of_gender = made.filter(characteristic="gender")
    assert of_gender["value"].unique(maintain_order=True).to_list() == ["female", "male", "unknown"]
    assert of_gender["wave"].to_list() == ["baseline", "session_10"] * 3


def test_a_value_found_in_one_force_is_clustered_by_its_session_groups(
    frames: Any, programme: Programme
) -> None:
    rare: list[Officer] = [
        ("north", f"g{i % 5}", "other", None, (20, None, 20 - i % 7)) for i in range(20)
    ]
    common: list[Officer] = [
        (force, f"{force}-{i % 5}", "male", None, (20, None, 18 + i % 3))
        for force in ("north", "south")
        for i in range(10)
    ]
    made = _made(*frames(rare + common), programme).filter(
        characteristic="gender", wave="session_10"
    )
    clusters = dict(made.select("value", "n_clusters").iter_rows())
    assert clusters == {"other": 5, "male": 2}
    alone = paired_change(panel(*frames(rare), programme), programme).filter(
        organisation="all", arm="all", to_wave="session_10"
    )
    row = made.filter(value="other").row(0, named=True)
    assert row["ci_low"] == pytest.approx(alone["ci_low"].item())


def test_nobody_answered(frames: Any, programme: Programme) -> None:
    assert _made(*frames([]), programme).is_empty()
    assert _made(*frames([("north", None, "male", None, (None,) * 3)]), programme).is_empty()


@settings(max_examples=20, deadline=None)
@given(_officers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    frames: Any, programme: Programme, officers: list[Officer], shuffler: Any
) -> None:
    measured, enrolled = frames(officers)
    rows = list(range(measured.height))
    shuffler.shuffle(rows)
    again = _made(measured[rows], enrolled.reverse(), programme)
    assert _made(measured, enrolled, programme).equals(again)

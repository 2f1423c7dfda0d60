"""The number of a response: the same in every snapshot, one a measurement, in order."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality.response_ids import with_response_ids

measurements = st.tuples(
    st.binary(min_size=10, max_size=10).map(lambda digest: f"v1-{digest.hex()}"),
    st.sampled_from(["baseline", "session_5", "session_10"]),
    st.sampled_from(["proqol5", "phq4"]),
)
KEY = ["participant_id", "wave", "instrument"]


def frame(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(KEY, pl.String()), orient="row")


@given(st.lists(measurements, unique=True), st.lists(measurements, unique=True))
def test_a_measurement_has_one_number_whatever_else_there_is(
    some: list[tuple[str, str, str]], others: list[tuple[str, str, str]]
) -> None:
    alone = with_response_ids(frame(some))
    together = with_response_ids(frame(list(dict.fromkeys([*others, *some]))))
    assert alone.join(together, on=[*KEY, "response_id"], how="semi").height == len(some)
    assert together["response_id"].n_unique() == together.height
    assert together.rows() == together.sort(KEY).rows()
    assert together["response_id"].dtype == pl.Int64
    assert (together["response_id"] >= 0).all()


def test_numbers_stay_what_they_were() -> None:
    """Analysts keep them: a change here is a change of every table that carries them."""
    rows = with_response_ids(frame([("v1-00112233445566778899", "baseline", "proqol5")]))
    assert rows["response_id"].item() == 4534592973432754218


def test_two_responses_to_one_measurement_are_refused() -> None:
    twice = [("v1-00112233445566778899", "baseline", "proqol5")] * 2
    with pytest.raises(ValueError, match="two responses have one response_id"):
        with_response_ids(frame(twice))

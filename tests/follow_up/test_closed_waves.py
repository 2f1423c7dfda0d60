"""Closed windows: who was expected, who answered, and from where on that is too few."""

from collections import Counter
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tables
from pipeline.follow_up.closed_waves import (
    CLOSED_WAVES,
    FEWEST_EXPECTED,
    closed_waves,
    poorly_answered,
)
from pipeline.vocabulary import WaveStatus

AS_OF = date(2026, 6, 30)
ANSWERED = {WaveStatus.COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW, WaveStatus.PARTIAL}
GONE = {WaveStatus.WITHDRAWN, WaveStatus.LEFT_ORGANISATION, WaveStatus.NOT_SCHEDULED}
Officer = tuple[str, str | None, int | None, WaveStatus]
"""Organisation, cohort, day on which the window closes counted from AS_OF, status."""


def closed(*officers: Officer) -> pl.DataFrame:
    names = [f"p{i:02}" for i in range(len(officers))]
    people = pl.DataFrame(
        [
            {"participant_id": name, "organisation": organisation, "cohort": cohort}
            for name, (organisation, cohort, _, _) in zip(names, officers, strict=True)
        ],
        tables.PARTICIPANTS.frame_schema,
    )
    waves = pl.DataFrame(
        [
            {
                "participant_id": name,
                "organisation": organisation,
                "wave": "start",
                "window_closes_on": None if day is None else AS_OF + timedelta(days=day),
                "status": status.value,
            }
            for name, (organisation, _, day, status) in zip(names, officers, strict=True)
        ],
        tables.PARTICIPANT_WAVES.frame_schema,
    )
    made = closed_waves(people, waves, AS_OF)
    assert made.schema == CLOSED_WAVES
    return made


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["north", "south"]),
            st.sampled_from([None, "a", "b"]),
            st.one_of(st.none(), st.integers(-3, 1)),
            st.sampled_from(WaveStatus),
        ),
        max_size=40,
    )
)
def test_agrees_with_counting_one_officer_after_another(officers: list[Officer]) -> None:
    expected: Counter[tuple[str, str | None, int]] = Counter()
    answered: Counter[tuple[str, str | None, int]] = Counter()
    for organisation, cohort, day, status in officers:
        if day is not None and day < 0 and status not in GONE:
            expected[organisation, cohort, day] += 1
            answered[organisation, cohort, day] += status in ANSWERED
    found = closed(*officers)
    assert sorted(found.rows()) == sorted(
        (organisation, "start", AS_OF + timedelta(days=day), n, answered[organisation, cohort, day])
        for (organisation, cohort, day), n in expected.items()
    )
    assert found["closed_on"].to_list() == sorted(found["closed_on"], reverse=True)
    assert closed(*officers[::-1]).equals(found)


def test_the_last_day_of_a_window_still_belongs_to_it() -> None:
    assert closed(("north", "a", 0, WaveStatus.OPEN)).is_empty()
    assert closed(("north", "a", -1, WaveStatus.MISSED)).height == 1


@pytest.mark.parametrize(
    ("answered", "missed", "poor"),
    [(4, 6, True), (5, 5, False), (5, 6, True), (0, 10, True), (0, 9, False), (10, 0, False)],
)
def test_half_of_ten_is_enough(answered: int, missed: int, poor: bool) -> None:
    found = closed(
        *[("north", "a", -1, WaveStatus.PARTIAL)] * answered,
        *[("north", "a", -1, WaveStatus.MISSED)] * missed,
        *[("north", "a", -1, WaveStatus.WITHDRAWN)] * 20,
    )
    assert FEWEST_EXPECTED == 10
    assert (poorly_answered(found).height == 1) is poor

"""Carrying on equals taking in again: the chain gives the pseudonyms that all keys give at once."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.rotation import Counting, carried_on
from pipeline.programme import Identifiers

COLUMNS = ("participant_id",)
officers = st.none() | st.sampled_from([f"SIM{n}" for n in range(9)]) | st.text(max_size=4)
rows = st.lists(st.tuples(officers, st.sampled_from(["start", "middle", "end"])), max_size=12)


def taken_in(people: list[tuple[str | None, str]], keys: int) -> pl.DataFrame:
    pseudonymiser = Pseudonymiser(
        tuple(bytes([n]) * 32 for n in range(keys)), "test", Identifiers()
    )
    frame = pl.DataFrame(
        people, schema={"identifier": pl.String, "wave": pl.String}, orient="row"
    ).with_columns(home_force=pl.lit("kent"), items=pl.lit([1]))
    return frame.with_columns(participant_id=pseudonymiser.participants(frame)).drop("identifier")


@settings(deadline=None, max_examples=100)
@given(rows, st.integers(1, 3), st.integers(0, 2))
def test_carried_on_is_as_taken_in_again_with_every_key(
    people: list[tuple[str | None, str]], before: int, rotations: int
) -> None:
    keys = before + rotations
    newest = Pseudonymiser(tuple(bytes([n]) * 32 for n in range(keys)), "test", Identifiers())
    old = taken_in(people, before)
    new = carried_on(old, COLUMNS, newest)
    assert new.equals(taken_in(people, keys))
    one, other = Counting(COLUMNS), Counting(COLUMNS)
    one.add("s", "accepted", old)
    other.add("s", "accepted", new)
    assert one.tally().differences(other.tally()) == []


@settings(deadline=None, max_examples=100)
@given(rows)
def test_links_are_those_that_python_counts(people: list[tuple[str | None, str]]) -> None:
    frame = taken_in(people, 1)
    counting = Counting(COLUMNS)
    counting.add("s", "accepted", frame)
    by_wave: dict[str, set[str]] = {}
    for participant, wave in frame.select("participant_id", "wave").drop_nulls().iter_rows():
        by_wave.setdefault(wave, set()).add(participant)
    assert counting.tally().links == {
        (one, other): len(by_wave[one] & by_wave[other])
        for one in by_wave
        for other in by_wave
        if one <= other
    }

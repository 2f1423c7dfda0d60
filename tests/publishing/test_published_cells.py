"""Counts of a release as an intruder reads them: who is counted, how many, in which band."""

import polars as pl
import pytest
from small_evaluation import frames, officers

from pipeline.privacy.intruder import (
    KNOWN,
    PublishedCell,
    found_in_release,
    shares,
    smallest_published,
)
from pipeline.publishing.published_cells import published_cells
from pipeline.publishing.release import Release


@pytest.fixture(scope="module")
def release() -> Release:
    people = officers({"north": 60, "south": 45, "west": 12, "east": 25}, 1)
    return frames(people).release()


@pytest.fixture(scope="module")
def cells(release: Release) -> list[PublishedCell]:
    return published_cells(release.tables, "proqol5", "burnout")


def test_each_organisation_behind_an_area_is_one_of_those_it_counts(
    release: Release, cells: list[PublishedCell]
) -> None:
    areas = dict(release.tables["areas"].select("organisation", "shown_as").iter_rows())
    assert areas["west"] == areas["east"] == "others"
    scored = release.tables["follow_up"].drop_nulls("scored")
    assert "others" in scored["organisation"]
    for organisation, area in areas.items():
        said = {cell.n for cell in cells if cell.people == {"organisation": organisation}}
        assert set(scored.filter(organisation=area)["scored"]) <= said


def test_every_printed_count_is_there_and_the_smallest_is_found(
    release: Release, cells: list[PublishedCell]
) -> None:
    counts = [
        release.tables[table][column].drop_nulls().to_list()
        for table, column in (
            ("participant_flow", "n"),
            ("follow_up", "scored"),
            ("wave_bands", "n"),
            ("retention", "n_left"),
            ("attrition", "n_stayed"),
            ("dose_response", "n"),
        )
    ]
    printed = {n for column in counts for n in column}
    assert printed <= {cell.n for cell in cells}
    assert smallest_published(cells) == min(printed) >= 10


def test_bands_are_those_of_the_subscale_and_by_wave(
    release: Release, cells: list[PublishedCell]
) -> None:
    bands = release.tables["wave_bands"].filter(subscale="burnout")
    said = [(cell.wave, cell.band, cell.n) for cell in cells if cell.band is not None]
    assert sorted(said, key=str) == sorted(bands.select("wave", "band", "n").iter_rows(), key=str)


def test_nobody_is_singled_out_of_a_release(cells: list[PublishedCell]) -> None:
    row = dict.fromkeys((*KNOWN, "country", "sessions_band"), "any") | {
        "participant_id": "v1-a",
        "organisation": "north",
        "band": "high",
    }
    found = shares(found_in_release(pl.DataFrame([row]), cells)).filter(organisation="north")
    assert found["singled_out"].item() == found["learnt"].item() == 0
    assert found["fewest"].item() >= 8


def test_a_wave_of_which_one_band_alone_is_printed_is_told() -> None:
    """Were the bands of two waves taken for one group's, nobody could see it."""
    known = pl.DataFrame(
        [
            dict.fromkeys((*KNOWN, "country", "sessions_band"), "any")
            | {"participant_id": "v1-a", "band": "high"}
        ]
    )
    cells = [
        PublishedCell({}, 20, "high", "baseline"),
        PublishedCell({}, 0, "low", "baseline"),
        PublishedCell({}, 15, "high", "session_7"),
        PublishedCell({}, 10, "low", "session_7"),
    ]
    assert shares(found_in_release(known, cells))["learnt"].to_list() == [1.0, 1.0]
    assert shares(found_in_release(known, cells[2:]))["learnt"].to_list() == [0.0, 0.0]

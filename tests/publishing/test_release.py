"""Whole releases of simulated officers: what is printed, what is not, and what the next one shows."""

import pytest
from small_evaluation import Officer, frames, officers

from pipeline.publishing.outsider import breaches
from pipeline.publishing.release import Release

SIZES = {"north": 60, "south": 45, "east": 80, "west": 34, "small": 12, "tiny": 3}


@pytest.fixture(scope="module")
def people() -> list[Officer]:
    return officers(SIZES, 7)


@pytest.fixture(scope="module")
def release(people: list[Officer]) -> Release:
    return frames(people).release()


def test_it_keeps_to_every_rule_that_can_be_seen(release: Release) -> None:
    assert breaches(release.tables) == []
    assert release.audit.passed
    print({k: v["published"] for k, v in release.shares.items()})


def test_no_headline_table_is_empty(release: Release) -> None:
    for name in ("participant_flow", "follow_up", "wave_summary", "paired_change", "retention"):
        assert release.shares[name]["published"] > 0.3, name

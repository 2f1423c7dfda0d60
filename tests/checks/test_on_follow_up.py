"""Dagster's check on answers that never came: it warns, names waves, and no officer."""

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest

from checks.on_follow_up import CHECKS, half_answered
from pipeline.definitions import build_defs
from pipeline.follow_up.closed_waves import CLOSED_WAVES
from pipeline.orchestration.resources import HomeResource

CLOSED_ON = date(2026, 6, 1)


@pytest.fixture
def home(tmp_path) -> HomeResource:
    return HomeResource(root=str(tmp_path))


def _checked(home: HomeResource, *rows: tuple[str, date, int, int]) -> dg.AssetCheckResult:
    closed = pl.DataFrame(
        [(name, "baseline", day, expected, answered) for name, day, expected, answered in rows],
        CLOSED_WAVES,
        orient="row",
    )
    home.stage("ledger", lambda _: ({"closed_waves": closed}, {}), settings=closed.rows())
    result = half_answered(home=home)
    assert isinstance(result, dg.AssetCheckResult)
    assert result.severity == dg.AssetCheckSeverity.WARN
    return result


def test_it_stops_nothing_and_is_one_of_the_definitions(tmp_path):
    (spec,) = [spec for check in CHECKS for spec in check.check_specs]
    assert (spec.asset_key.to_user_string(), spec.name) == ("ledger", "half_answered")
    assert not spec.blocking
    assert spec.key in build_defs(tmp_path).resolve_asset_graph().asset_check_keys


def test_half_is_enough(home):
    result = _checked(home, ("kent", CLOSED_ON, 10, 5), ("surrey", CLOSED_ON, 9, 0))
    assert result.passed is True
    assert result.metadata["cohorts and waves closed"].value == 2
    assert result.metadata["under half answered"].value == 0


def test_less_is_said_with_the_wave_and_the_counts(home):
    result = _checked(home, ("kent", CLOSED_ON, 10, 4), ("surrey", CLOSED_ON, 40, 30))
    assert result.passed is False
    assert {name: value.value for name, value in result.metadata.items()} == {
        "cohorts and waves closed": 2,
        "under half answered": 1,
        "which, newest first": ["kent, baseline, closed on 2026-06-01: 4 of 10"],
    }


def test_of_very_many_the_newest_are_listed(home):
    rows = [("kent", CLOSED_ON - timedelta(days=n), 10, 0) for n in range(60)]
    result = _checked(home, *rows)
    assert result.metadata["under half answered"].value == 60
    listed = result.metadata["which, newest first"].value
    assert len(listed) == 50
    assert listed[0] == "kent, baseline, closed on 2026-06-01: 0 of 10"


def test_no_window_has_closed_yet(home):
    assert _checked(home).passed is True

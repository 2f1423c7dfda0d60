"""A monitor asks the desk without signing in, and learns no more than it has to."""

import os

import httpx
import pytest
from desk_home import Served

from pipeline.desk import app
from pipeline.programme import UnusableConfiguration
from pipeline.storage.condition import HOURS

TOLD = {"status", "warehouse_age_hours", "last_run_ended_well", "run_at_work", "disk_is_low"}


def asked(served: Served) -> httpx.Response:
    with served.browser() as browser:
        return browser.get("/healthz")


def _age(served: Served, hours: float) -> None:
    made = served.desk.now().timestamp() - 3600 * hours
    os.utime(served.home.warehouse, (made, made))


def test_all_is_well_and_nothing_else_is_said(served: Served):
    _age(served, 25)
    answer = asked(served)
    assert answer.status_code == 200
    assert answer.json().keys() == TOLD
    assert answer.json()["status"] == "ok"
    assert "set-cookie" not in answer.headers


def test_an_old_warehouse_is_late(served: Served):
    _age(served, 27)
    answer = asked(served)
    assert answer.status_code == 503
    assert answer.json()["status"] == "late"
    assert answer.json()["warehouse_age_hours"] == 27.0


def test_a_home_that_is_gone_is_no_traceback(served: Served, monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object) -> None:
        raise OSError("simcanary")

    monkeypatch.setattr(app, "health", gone)
    answer = asked(served)
    assert answer.status_code == 503
    assert answer.json() == {"status": "unknown"}


def test_a_limit_that_is_none_is_refused_at_the_start(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(HOURS, "a day")
    with pytest.raises(UnusableConfiguration, match="must be a whole number"):
        app.desk_app(served.desk)

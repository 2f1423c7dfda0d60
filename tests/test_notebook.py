"""The notebook for analysts: it runs from end to end, and says what to do where it cannot."""

import importlib.util
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from homes import PROJECT
from serving import free_port
from small_warehouse import written

NOTEBOOK = PROJECT / "examples" / "notebook" / "warehouse.py"
CHARTS = {"flow", "curve", "forest", "panel"}
"""Those of which the small warehouse has rows; it has no models."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    written(folder / "warehouse.duckdb")
    return folder


def _run(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, Any]]:
    """What its cells show, and what they define."""
    monkeypatch.setenv("MUSTER_HOME", str(home))
    spec = importlib.util.spec_from_file_location("notebook", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs, defined = module.app.run()
    return outputs, dict(defined)


def test_it_draws_every_chart_from_the_warehouse_and_leaves_it_as_it_was(home, monkeypatch):
    before = (home / "warehouse.duckdb").read_bytes()
    _, defined = _run(home, monkeypatch)
    drawn = {
        name: sum(len(rows) for rows in defined[name].to_dict()["datasets"].values())
        for name in CHARTS
    }
    assert min(drawn.values()) >= 3, drawn
    assert defined["chosen"].value == "proqol5: burnout"
    assert (home / "warehouse.duckdb").read_bytes() == before
    assert [path.name for path in home.iterdir()] == ["warehouse.duckdb"]


def test_without_a_warehouse_it_says_how_to_get_one(tmp_path, monkeypatch):
    outputs, defined = _run(tmp_path / "nowhere", monkeypatch)
    shown = " ".join(output.text for output in outputs if output is not None)
    assert "There is no warehouse at" in shown
    assert "muster demo" in shown
    assert "MUSTER_HOME" in shown
    assert "ask" not in defined
    assert not (tmp_path / "nowhere").exists(), "looking makes no folder"


def test_it_names_no_subscale_and_no_wave():
    text = NOTEBOOK.read_text("utf-8")
    assert not re.search(r"burnout|compassion|proqol|baseline|session_\d", text, re.IGNORECASE)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "marimo", "run", "--headless", "--no-token", "--port", port]
    with subprocess.Popen(
        [*map(str, command), str(NOTEBOOK)],
        env={**os.environ, "MUSTER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield _answering(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def _answering(address: str) -> str:
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return address
    raise TimeoutError("the notebook was not served within half a minute")


def test_reading_it_asks_no_other_machine(home):
    asked: list[str] = []
    with opened("about:blank") as page, _served(home) as address:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_role("heading", name="by how dropout is treated").wait_for(timeout=60_000)
        assert page.get_by_text("There is no warehouse").count() == 0
    ours = (address, address.replace("http", "ws"), "data:", "blob:", "about:")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(ours)] == []

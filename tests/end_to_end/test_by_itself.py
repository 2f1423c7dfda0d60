"""`muster up` by itself: what arrives is taken in and what is wrong is said, without a command."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from browser import opened
from homes import Muster, files_holding
from serving import CAN_LIST_PROCESSES, SECONDS_TO_END, descendants, ended, free_port, up
from small_programme import MAPPING, PROGRAMME

from pipeline.orchestration.launch import instance_of
from pipeline.orchestration.sensors import SECONDS_BETWEEN_LOOKS
from pipeline.storage import locks

pytestmark = pytest.mark.skipif(not CAN_LIST_PROCESSES, reason="/proc lists processes")

FORCE = "simulated-force-01"
HEADINGS = "Number,Wave,Done,Q1,Q2,Q3,Q4"
SECONDS_TO_TAKE_IN = 120
"""Far more than a look, a file's stillness and a run take, for machines with much else to do."""


@dataclass
class House:
    """A home folder with daemon and page at work on it."""

    muster: Muster
    process: subprocess.Popen[str]
    port: int
    writing: threading.Thread | None = None
    written: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def landing(self) -> Path:
        return self.muster.home / "landing" / FORCE

    def land(self, name: str, officers: range) -> None:
        (self.landing / name).write_text("\n".join([HEADINGS, *map(_row, officers)]) + "\n")

    def write_slowly(self, name: str, first: int) -> None:
        """A row a second, until told to stop: a large file on its way over a slow line."""
        with (self.landing / name).open("w") as file:
            file.write(HEADINGS + "\n")
            while not self.stop.is_set():
                file.write(_row(first + self.written) + "\n")
                file.flush()
                self.written += 1
                self.stop.wait(1)

    def officers(self) -> set[int]:
        """Officers by what they answered: each answers otherwise."""
        answers = self.muster.ask("SELECT items FROM core.responses").to_series()
        return {sum(4**place * answer for place, answer in enumerate(items)) for items in answers}

    def verdicts(self) -> dict[str, str]:
        return dict(
            self.muster.ask("SELECT file_name, verdict FROM quality.submissions").iter_rows()
        )

    def at_work(self) -> bool:
        """Whether a run is under way."""
        return not locks.is_free(self.muster.home / ".lock")


def _row(officer: int) -> str:
    answers = [officer // 4**place % 4 for place in range(4)]
    return ",".join([f"SIMB{officer:06d}", "Start", "2025-01-06", *map(str, answers)])


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_TAKE_IN
    while not what():
        assert time.monotonic() < deadline, "nothing happened by itself"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A sound file and one with wrong columns lie there from the beginning, a third grows."""
    home = tmp_path_factory.mktemp("by itself") / "home"
    for folder in ("sources", "landing"):
        (home / folder / FORCE).mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / FORCE / "answers.yaml").write_text(MAPPING)
    muster = Muster(home)
    muster("init")
    port = free_port()
    with up(home, port) as process:
        house = House(muster, process, port)
        house.land("answers 1.csv", range(20))
        (house.landing / "answers 2.csv").write_text("Staff,Mood\nSIMB000099,low\n")
        house.writing = threading.Thread(target=house.write_slowly, args=("answers 3.csv", 20))
        house.writing.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Starting")
            assert process.stdout.readline().startswith("Open ")
            _until(lambda: (home / "warehouse.duckdb").exists() and bool(house.verdicts()))
            yield house
        finally:
            house.stop.set()
            house.writing.join()
            children = descendants(process.pid)
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS_TO_END)
            assert ended(children), "a process outlived `muster up`"


def test_a_sound_file_is_taken_in_and_a_bad_one_stops_nothing(house: House) -> None:
    verdicts = house.verdicts()
    assert verdicts["answers 1.csv"] == "accepted"
    assert verdicts["answers 2.csv"] == "held"
    assert house.officers() >= set(range(20))


def test_a_steward_reads_on_the_page_why_a_file_is_held(house: House) -> None:
    sentence = "the file has no column Number and 6 more that the mapping names"
    with opened(f"http://127.0.0.1:{house.port}/assets/verdicts") as page:
        item = page.get_by_role("listitem").filter(has_text=sentence)
        item.wait_for(timeout=60_000)
        assert item.is_visible()
        told = item.inner_text()
        assert told.startswith("held: answers 2.csv: ")
        assert "send the usual export" in told
        assert "SIMB" not in page.content(), "a number of an officer is on the page"
        assert "community" not in page.inner_text("body"), "a form lies over it"


def test_a_file_that_grows_is_left_alone_and_a_run_by_hand_does_no_harm(house: House) -> None:
    time.sleep(max(0, SECONDS_BETWEEN_LOOKS + 5 - house.written))
    assert "answers 3.csv" not in house.verdicts(), "it was taken in before it was whole"
    assert house.writing is not None
    house.stop.set()
    house.writing.join()
    _until(house.at_work)
    # Which of the two takes the file in is a matter of moments; one of them does, and once.
    house.muster("run", expected=1)
    assert house.officers() >= set(range(20 + house.written))


def test_a_run_by_hand_may_come_first(house: House) -> None:
    house.land("answers 4.csv", range(200, 220))
    done = house.muster("run", expected=1)
    assert "1 new submissions to take in" in done.stdout
    assert house.officers() >= set(range(200, 220))


def test_a_second_one_on_the_same_port_is_refused_in_one_sentence(house: House) -> None:
    done = house.muster("up", "--port", str(house.port), expected=2)
    assert done.stderr == (
        f"Muster stopped: port {house.port} is taken; `muster up --port` chooses another.\n"
    )
    assert house.process.poll() is None


def test_every_run_had_something_to_do_and_did_it(house: House) -> None:
    with instance_of(house.muster.home) as instance:
        _until(lambda: all(run.is_finished for run in instance.get_runs()))
        runs = instance.get_runs()
    assert {run.status.value for run in runs} == {"SUCCESS"}
    # One run a file at most, one for the still empty home, and one that came second to the other.
    assert len(runs) <= len(house.verdicts()) + 2


def test_no_officers_number_leaves_landing(house: House) -> None:
    """Neither by the daemon's runs, nor by what the sensor says of its looks."""
    numbers = {f"SIMB{officer:06d}" for officer in [*range(20), 99, *range(200, 220)]}
    assert files_holding(house.muster.home, numbers, {"landing"}) == {}


def test_nothing_outlives_it_when_it_is_killed(house: House) -> None:
    children = descendants(house.process.pid)
    assert len(children) >= 4, "page, daemon and a code server of each"
    house.process.kill()
    house.process.wait()
    assert ended(children)

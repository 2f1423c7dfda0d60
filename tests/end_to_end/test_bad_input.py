"""Bad files get one sentence each, stop nothing else, lose nothing and give exit code 1."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

ITEMS = [f"Q{i}" for i in range(1, 31)]
HEADINGS = ["Number", "Wave", "Done", *ITEMS]

PROGRAMME = """
programme: bad-input
title: Simulated rows for tests
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 140}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
cohorts:
  - {organisation: simulated-force-01, cohort: all, starts_on: 2025-01-06}
"""
MAPPING = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "answers*"
delivery: incremental
participant: Number
wave: {column: Wave, values: {Start: baseline, End: session_10}}
instruments: {proqol5: {columns: "Q{item}"}}
columns: {completed_on: Done}
"""
FORMS_MAPPING = MAPPING.replace("source: answers", "source: forms").replace(
    'files: "answers*"', 'files: "forms*.xlsx"\nplatform: microsoft_forms'
)
SOUND = [str(1 + (i * 7) % 5) for i in range(30)]


def _row(number: str, wave: str = "Start", answers: list[str] | None = None) -> list[str]:
    return [number, wave, "2025-01-06", *(answers or SOUND)]


def _csv(*rows: list[str], headings: list[str] | None = None) -> bytes:
    lines = [",".join(headings or HEADINGS), *(",".join(row) for row in rows)]
    return "\n".join(lines).encode()


def _workbook() -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for place, row in enumerate([HEADINGS, _row("SIMX000001")]):
            sheet.write_row(place, 0, row)
    return buffer.getvalue()


@pytest.fixture
def home(muster):
    root = muster.home
    folder = root / "sources" / "simulated-force-01"
    folder.mkdir(parents=True)
    (root / "programme.yaml").write_text(PROGRAMME)
    (folder / "answers.yaml").write_text(MAPPING)
    (folder / "forms.yaml").write_text(FORMS_MAPPING)
    (root / "landing" / "simulated-force-01").mkdir(parents=True)
    muster("init")
    return muster


def _land(home, name: str, content: bytes, organisation: str = "simulated-force-01") -> None:
    path = home.home / "landing" / organisation / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def test_each_bad_file_gets_one_sentence_and_stops_nothing(home):
    sound = _csv(_row("SIMA000001"), _row("SIMA000002"), _row("SIMA000003", "End"))
    seven = [*SOUND[:4], "7", *SOUND[5:]]
    _land(home, "answers sound.csv", sound)
    _land(home, "answers empty.csv", b"")
    _land(home, "answers wrong columns.csv", _csv(["SIMB000001", "x"], headings=["Staff", "Mood"]))
    _land(home, "answers ragged.csv", _csv(_row("SIMC000001"), [*_row("SIMC000002"), "more"]))
    _land(home, "forms cut short.xlsx", _workbook()[:700])
    _land(home, "notes.txt", b"SIMD000001 called")
    _land(home, "answers.csv", _csv(_row("SIMF000001")), organisation="Simone Simsson")
    rows = [_row(f"SIME{i:06d}") for i in range(20)]
    rows[4] = _row("SIME000004", answers=seven)
    rows[9] = _row("")
    _land(home, "answers faults.csv", _csv(*rows))

    done = home("run", expected=1)
    assert "Traceback" not in done.stdout + done.stderr

    status = home.status()
    reasons = [waiting["reason"] for waiting in status["waiting"]]
    assert len(reasons) == 6, "one sentence each, and none for the sound file"
    for part in (
        "the file is empty",
        "the file has no column `Number` and 32 more",
        "row 3 has 34 cells where the first row has 33",
        "the workbook is damaged or cut short",
        "no mapping in sources/simulated-force-01/ takes in a file of this name",
        "does not lie in the folder of a known organisation",
    ):
        assert len([reason for reason in reasons if part in reason]) == 1, part
    # The rest of the run went on, and the bad rows are where a steward finds them.
    accepted = home.ask("SELECT count(*) FROM core.responses").item()
    assert accepted == 3 + 18
    quarantined = home.ask(
        "SELECT row_number, rule, column_name FROM quality.quarantine "
        "WHERE severity = 'reject' ORDER BY row_number"
    )
    assert quarantined.rows() == [
        (6, "answer_out_of_range", "item_5"),
        (11, "participant_key_missing", "participant"),
    ]
    _accounting_holds(home)
    printed = (done.stdout + done.stderr).lower()
    assert "sim" not in printed.replace("simulated", ""), "a name or number was printed"


def test_a_file_over_the_limit_is_held_until_the_limit_is_raised(home):
    programme = home.home / "programme.yaml"
    programme.write_text(PROGRAMME + "limits: {file_megabytes: 1}\n")
    long = _csv(*(_row(f"SIMA{n:06d}") for n in range(13_000)))
    assert len(long) > 1_000_000
    _land(home, "answers long.csv", long)
    _land(home, "answers short.csv", _csv(_row("SIMB000001")))
    home("run", expected=1)
    (waiting,) = home.status()["waiting"]
    assert "the file is larger than 1 MB" in waiting["reason"]
    assert home.ask("SELECT count(*) FROM core.responses").item() == 1
    programme.write_text(PROGRAMME)
    home("run")
    assert home.ask("SELECT count(*) FROM core.responses").item() == 13_001
    assert home.ask("SELECT count(*) FROM quality.submissions").item() == 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells of memory")
def test_a_file_of_two_gigabytes_is_held_and_never_held_in_memory(home):
    _land(home, "answers short.csv", _csv(_row("SIMB000001")))
    _land(home, "answers long.csv", _csv())
    # Nothing but zeros behind the headings, so that the disk need not hold them.
    os.truncate(home.home / "landing" / "simulated-force-01" / "answers long.csv", 2_000_000_000)
    running = subprocess.Popen(
        [str(Path(sys.executable).parent / "muster"), "run"],
        env={**os.environ, "MUSTER_HOME": str(home.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0
    while running.poll() is None:
        # Asked again and again: what is told of a process that ended counts the one it came from.
        for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                most = int(line.split()[1])
        time.sleep(0.02)
    assert running.returncode == 1
    assert 100_000 < most < 1_000_000, "kilobytes"
    (waiting,) = home.status()["waiting"]
    assert "the file is larger than 200 MB; send it in parts" in waiting["reason"]
    assert home.ask("SELECT count(*) FROM core.responses").item() == 1


def test_a_corrected_file_replaces_the_held_one(home):
    mapping = home.home / "sources" / "simulated-force-01" / "answers.yaml"
    mapping.write_text(MAPPING.replace("incremental", "cumulative"))
    _land(home, "answers.csv", _csv(["SIMB000001", "x"], headings=["Staff", "Mood"]))
    home("run", expected=1)
    _land(home, "answers.csv", _csv(_row("SIMA000001")))
    home("run")
    verdicts = home.ask(
        "SELECT verdict, replaced_by IS NOT NULL AS replaced FROM quality.submissions "
        "ORDER BY received_at"
    )
    assert verdicts.rows() == [("held", True), ("accepted", False)]


def test_a_mapping_that_does_not_work_holds_its_files_until_it_is_mended(home):
    mapping = home.home / "sources" / "simulated-force-01" / "answers.yaml"
    mapping.write_text(MAPPING.replace("kind: questionnaire", "kind: questionaire"))
    _land(home, "answers.csv", _csv(_row("SIMA000001")))
    home("run", expected=1)
    (waiting,) = home.status()["waiting"]
    assert waiting["reason"].startswith("sources/simulated-force-01/answers.yaml line 4: kind:")
    mapping.write_text(MAPPING)
    home("run")
    assert home.ask("SELECT count(*) FROM quality.submissions").item() == 1
    assert home.ask("SELECT count(*) FROM core.responses").item() == 1


def test_a_home_that_cannot_be_used_is_refused_in_one_sentence(home):
    (home.home / "programme.yaml").write_text("programme: x\ntitle: y\n")
    done = home("run", expected=2)
    assert done.stderr.startswith("programme.yaml line 1: ")
    assert done.stderr.count("\n") == 1
    (home.home / "programme.yaml").write_text(PROGRAMME)
    shutil.rmtree(home.home / "secrets")
    assert "secrets/key-1 is missing" in home("run", expected=2).stderr


def test_files_that_only_change_their_names_are_one_submission(home):
    sound = _csv(_row("SIMA000001"))
    _land(home, "answers.csv", sound)
    home("run")
    _land(home, "answers again.csv", sound)
    assert "Nothing new" in home("run").stdout
    assert home.ask("SELECT count(*) FROM quality.submissions").item() == 1


def _accounting_holds(home) -> None:
    rows: pl.DataFrame = home.ask(
        "SELECT rows_read, rows_accepted + rows_quarantined + rows_superseded + rows_held "
        "+ rows_withdrawn AS accounted FROM quality.submissions"
    )
    assert rows.filter(rows["rows_read"] != rows["accounted"]).is_empty()
    unreadable = home.ask("SELECT * FROM quality.submissions WHERE rows_read IS NULL")
    assert set(unreadable["verdict"]) == {"held"}

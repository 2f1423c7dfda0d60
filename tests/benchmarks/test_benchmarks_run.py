"""Every benchmark runs, in a size of seconds, so that none is found broken when it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("run.py")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("landing", ["## From landing to core", "heard no earlier export opened", "nothing new"]),
        ("reading", ["## Reading and mapping choice text", "| ratio |"]),
        ("pseudonyms", ["1,600 rows of 400 simulated officers", "| `muster key rotate` |"]),
        ("registers", ["## From landing to core, with registers"]),
        ("ledger", ["## The follow-up ledger", "| 80 |"]),
        ("evaluation", ["## Evaluation tables by number of officers", "| 120 |", "trajectory"]),
        ("formats", ["## Other formats", "| choice text, XLSX |", "| numbers, SPSS |"]),
        ("growth", ["## Growth", "| microseconds a response |"]),
        ("peers", ["## Beside scripts of an analyst", "| pandas and Great Expectations |"]),
        ("small_files", ["12 files of 10 responses"]),
        ("cluster", ["## Intake over a cluster", "scheduler and 2 workers", "| 128 |"]),
        ("release", ["## A release", "| with the audit |", "| wave_summary |"]),
        ("report", ["## Reports, workbook and CSV", "| all of them |"]),
        ("desk", ["## The desk", "2,000 rows in quarantine", "| `/trail` |"]),
        ("queries", ["## Questions of analysts", "| `change_of_each_officer` |"]),
        ("killed", ["| all | 4 | 4 |"]),
        ("parity", ["**All 20 verdicts are the same.**"]),
        ("intervals", ["| 20 draws, nobody drops out |"]),
        ("mixed_model", ["## The mixed model", "| 200 |", "gls", "`trajectory`"]),
        ("robustness", ["## The robustness panel", "| 400 |"]),
        ("soak", ["## Soak", "| files missed | **0** |"]),
        ("dropout", ["20 draws", "| multiple_imputation |", "| delta_plus |"]),
    ],
)
def test_a_benchmark_runs(part: str, expected: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--small", "--print", part],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    for text in expected:
        assert text in done.stdout

"""Random submissions judged on profiles and, by Great Expectations, on rows: are verdicts the same?

In a process of its own, since what it shares with the tests has names that are taken in `run.py`.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from row_level import WORST_LAST, judged_both_ways

SEED = 20


def parity(n: int) -> str:
    began = time.monotonic()
    found = judged_both_ways(SEED, n)
    seconds = time.monotonic() - began
    if found.differing:
        raise SystemExit(f"{len(found.differing)} of {n} verdicts differ")
    counts = "\n".join(f"| {verdict} | {found.count(verdict):,} |" for verdict in WORST_LAST)
    return f"""## Verdicts on profiles and on rows

{n:,} random simulated submissions of one to twenty-five officers, judged by contracts on their
profiles, and by Great Expectations on their rows with expectations written for the test alone.
**All {n:,} verdicts are the same.** Both ways together took {seconds:.0f} s.

| verdict | submissions |
| --- | --- |
{counts}"""


if __name__ == "__main__":
    print(parity(20 if "--small" in sys.argv else 1_000))

"""A hundred kills: `muster run` at eighty random points, Dagster's daemon at twenty.

Usage: killed.py [--small]. Prints a section of docs/benchmarks.md; a trial counts as equal if
every table of the warehouse has the hash that an undisturbed run gives it.
"""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from crashes import CrashHouse, Trial
from forked import RunServer

SEED = 20261125
RUNS, DAEMONS = 80, 20
LONGEST_LIFE = 4.0
"""Seconds that a daemon's run is left at work at most; it takes about as long."""


def trials(runs: int, daemons: int) -> list[Trial]:
    server = RunServer()
    try:
        with tempfile.TemporaryDirectory(prefix="muster-killed-") as folder:
            house = CrashHouse(Path(folder), server)
            made = []
            for place, point in enumerate(house.points(runs, SEED), start=1):
                print(f"killed run {place} of {runs}", file=sys.stderr)
                made.append(house.trial(point))
            luck = random.Random(SEED)
            for place in range(1, daemons + 1):
                print(f"killed daemon {place} of {daemons}", file=sys.stderr)
                made.append(house.daemon_trial(luck.uniform(0, LONGEST_LIFE)))
            return made
    finally:
        server.close()


_WHERE = {
    "write": "before a change of a file or folder that Python makes",
    "table": "while DuckDB writes",
    "after": "at any moment of `muster run`",
    "daemon": "the daemon with all its processes, while its run is at work",
}


def section(*, small: bool = False) -> str:
    made = trials(4, 0) if small else trials(RUNS, DAEMONS)
    tried, equal = Counter(t.dies[0] for t in made), Counter(t.dies[0] for t in made if t.equal)
    clean = sum(not trial.left_over for trial in made)
    rows = "\n".join(
        f"| {said} | {tried[kind]} | {equal[kind]} |"
        for kind, said in _WHERE.items()
        if tried[kind]
    )
    return f"""## Killed

{len(made)} runs killed with SIGKILL at random points (seed {SEED}), each followed by one more run.
A home that was evaluated before is given a new file, a longer one in the place of another, one that
cannot be read, and a mapping that takes everything in again. Equal means that every table of the
warehouse has the hash that an undisturbed run gives it.

| killed | trials | equal after one more run |
| --- | --- | --- |
{rows}
| all | {len(made)} | {sum(equal.values())} |

No trial counts that was not run again; {sum(t.killed for t in made)} of the processes were still at
work when they were killed. Leftovers of writers in the home afterwards: {len(made) - clean}."""


if __name__ == "__main__":
    print(section(small="--small" in sys.argv))

"""All benchmarks; writes docs/benchmarks.md.

make bench                                          # everything, about an hour
python tests/benchmarks/run.py --print landing      # one part, shown, nothing written
python tests/benchmarks/run.py --small --print      # seconds: whether the benchmarks work at all
"""

import argparse
import subprocess
import sys
from pathlib import Path

from cluster import cluster
from coverage import SIZES, coverage
from coverage_of_change import coverage_with_dropout
from desk import desk
from evaluation_curve import evaluation_curve
from growth import formats, growth
from homes import FULL, SMALL, Size
from landing import landing_to_core, small_files, with_registers
from ledger import ledger
from measuring import machine
from mixed_model import mixed_model
from peers_beside import peers
from pseudonyms import pseudonyms
from reading import reading
from release import release
from report import report
from robustness_panel import robustness_panel
from soak import soak

HERE = Path(__file__).parent


def intervals(size: Size) -> str:
    print("coverage of intervals", file=sys.stderr)
    few = coverage(size.draws, dropout=False)
    many = coverage(size.many_draws, dropout=False, first_seed=10_001)
    gone = coverage(size.many_draws, dropout=True, first_seed=10_001)
    rows = [
        (f"{few.draws:,} draws, nobody drops out", few),
        (f"{many.draws:,} other draws, nobody drops out", many),
        (f"the same {gone.draws:,}, dropout depends on the last burnout score", gone),
    ]
    table = "\n".join(
        f"| {name} | {c.clustered:.1%} | {c.plain:.1%} | {c.bias:+.2f} |" for name, c in rows
    )
    error = 1.96 * (0.95 * 0.05 / many.draws) ** 0.5
    return f"""## Coverage of intervals

Change of burnout from baseline to session 10 over all organisations: {sum(SIZES)} simulated
officers in {len(SIZES)} organisations of {min(SIZES)} to {max(SIZES)}, organisation effects (SD
0.12 per item) and session-group effects. The truth is the exact expected change of the model.
With {many.draws:,} draws an interval that covers 95% is seen to cover between {0.95 - error:.1%}
and {0.95 + error:.1%} nineteen times in twenty.

| | published intervals (clustered, CR2) | plain t intervals | mean error of the change, points |
| --- | --- | --- | --- |
{table}

Where dropout depends on burnout the officers who answered both waves are not those who began: the
last row shows what that does to a change computed from complete pairs alone. The mixed model,
further down, allows for it."""


def _by_itself(script: str, size: Size) -> str:
    """In a process of its own: what it shares with the tests has names that are taken here."""
    command = [sys.executable, str(HERE / script), *(["--small"] if size is SMALL else [])]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def killed(size: Size) -> str:
    return _by_itself("killed.py", size)


def parity(size: Size) -> str:
    return _by_itself("parity.py", size)


def queries(size: Size) -> str:
    return _by_itself("queries.py", size)


PARTS = {
    "reading": reading,
    "pseudonyms": pseudonyms,
    "landing": landing_to_core,
    "registers": with_registers,
    "formats": formats,
    "growth": growth,
    "peers": peers,
    "ledger": ledger,
    "evaluation": evaluation_curve,
    "small_files": small_files,
    "cluster": cluster,
    "release": release,
    "report": report,
    "queries": queries,
    "killed": killed,
    "parity": parity,
    "desk": desk,
    "intervals": intervals,
    "mixed_model": mixed_model,
    "robustness": robustness_panel,
    "dropout": coverage_with_dropout,
    "soak": soak,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmarks of Muster.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which; all of them if none")
    parser.add_argument("--small", action="store_true", help="a size that takes seconds")
    parser.add_argument("--print", action="store_true", help="show, write nothing")
    asked = parser.parse_args()
    if not asked.print and (asked.small or asked.parts):
        parser.error("docs/benchmarks.md holds all parts in full size; use --print")
    size = SMALL if asked.small else FULL
    document = "\n\n".join(
        [
            "# Benchmarks",
            "For operators who size a machine: how long Muster takes, and how often its intervals "
            f"hold the truth. Written by `make bench` on {machine()}. Everything measured is "
            "simulated data.",
            *(PARTS[part](size) for part in asked.parts or PARTS),
        ]
    )
    if asked.print:
        print(document)
    else:
        (HERE.parents[1] / "docs" / "benchmarks.md").write_text(document + "\n", "utf-8")


if __name__ == "__main__":
    main()

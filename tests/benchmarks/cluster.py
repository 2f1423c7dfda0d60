"""Intake over a cluster of two workers on this machine, beside one process and several.

Called as a script with `alone`, `processes`, `cluster` or `parts` and a home folder it measures
that one. What a larger cluster would do is worked out from measured parts, and marked as a model.
"""

import importlib
import json
import os
import pickle
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homes import Size, landing_home
from measuring import Measured, as_new, peak, run_script, spread

from pipeline.orchestration.mapper import InThisProcess, SubmissionMapper
from pipeline.orchestration.processes import InProcesses
from pipeline.storage.home import Home
from pipeline.storage.taking_in import TakeInOne
from pipeline.submissions import Arrival

ADDRESS = "MUSTER_CLUSTER"
WORKERS = 2
ROUNDS = 3
LARGER = (2, 8, 32, 128)
TIMES = (1, 10, 100)
BYTES_A_SECOND = 125e6
"""What a network of 1 Gbit/s carries at most; given, not measured."""


@dataclass(frozen=True)
class Parts:
    """Means for one submission: seconds of processor time, and bytes on the wire."""

    submissions: int
    worker: float
    client: float
    scheduler: float
    wire: float

    def seconds(self, workers: int, times: int) -> float:
        """What a cluster would take: whatever is slowest holds up the rest."""
        return self.submissions * times * max(self.each(workers).values())

    def each(self, workers: int) -> dict[str, float]:
        return {
            "the workers": self.worker / workers,
            "the run": self.client,
            "the scheduler": self.scheduler,
            "the network": self.wire / BYTES_A_SECOND,
        }

    def bound(self, workers: int) -> str:
        each = self.each(workers)
        return max(each, key=lambda name: each[name])


def cluster(size: Size) -> str:
    """A table of three ways, in alternating rounds, and the model."""
    rounds = min(ROUNDS, size.pairs)
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        root = Path(folder) / "home"
        held = landing_home(root, size, registers=False)
        with _running(Path(folder) / "cluster") as running:
            os.environ[ADDRESS] = running.address
            ways: dict[str, list[Measured]] = {"alone": [], "processes": [], "cluster": []}
            beside: list[float] = []
            """Processor seconds of scheduler and workers, by round."""
            for number in range(rounds):
                for way, measured in ways.items():
                    print(f"cluster, {way}, round {number + 1} of {rounds}", file=sys.stderr)
                    others = [running.scheduler, *running.workers]
                    before = [_cpu(process.pid) for process in others]
                    as_new(root)
                    measured.append(run_script(Path(__file__), way, str(root)))
                    if way == "cluster":
                        used = [_cpu(p.pid) - b for p, b in zip(others, before, strict=True)]
                        scheduler = used[0]
                        beside.append(sum(used))
            peaks = [_peak(p.pid) for p in running.workers]
            of_scheduler = _peak(running.scheduler.pid)
            del os.environ[ADDRESS]
        as_new(root)
        parts = run_script(Path(__file__), "parts", str(root)).said
    found = Parts(
        submissions=parts["submissions"],
        worker=parts["worker"],
        client=statistics.median(m.said["cpu"] for m in ways["cluster"]) / parts["submissions"],
        scheduler=scheduler / parts["submissions"],
        wire=parts["out"] + parts["back"],
    )
    alone = [m.said["cpu"] for m in ways["alone"]]
    spent = [m.said["cpu"] + b for m, b in zip(ways["cluster"], beside, strict=True)]
    times_as_much = [s / a for s, a in zip(spent, alone, strict=True)]
    rows = "\n".join(
        f"| {name} | {spread([m.seconds for m in ways[way]])} | {_ratios(ways, way)} | {cpu} "
        f"| {memory} |"
        for name, way, cpu, memory in (
            ("one process", "alone", spread(alone), f"{peak(ways['alone'])}"),
            ("processes of this machine", "processes", "", f"{peak(ways['processes'])} the run"),
            (
                f"scheduler and {WORKERS} workers",
                "cluster",
                f"{spread(spent)}, **{spread(times_as_much)}**",
                f"{peak(ways['cluster'])} the run, {of_scheduler:.0f} the scheduler, "
                f"{max(peaks):.0f} a worker",
            ),
        )
    )
    return f"""## Intake over a cluster

{held.rows:,} simulated responses in {held.files} files ({held.megabytes:.0f} MB), from landing \
into the lake: one process, the processes that intake starts by itself, and a scheduler with \
{WORKERS} workers, all of them on this machine and over loopback. Medians of {rounds} alternating \
rounds, with minimum and maximum; starting scheduler and workers excluded. Ratios are to one \
process. Processor seconds, of all processes together, depend less on what else a machine does. \
Memory is the highest peak.

| | seconds | ratio | processor seconds, ratio | MiB |
| --- | --- | --- | --- | --- |
{rows}

**A model of larger clusters**, worked out from what was measured and tried on none. For each of \
the {found.submissions} submissions a worker took {found.worker:.3f} s of processor time, the run \
{found.client:.3f} s (reading, handing out, writing), the scheduler {found.scheduler:.3f} s; \
{parts["out"] / 1e6:.2f} MB went out and {parts["back"] / 1e6:.2f} MB came back. With *S* \
submissions and *N* workers on machines like this one

seconds = *S* * max({found.worker:.3f} / *N*, {found.client:.3f}, {found.scheduler:.3f}, \
{found.wire / 1e6:.2f} MB / 125 MB a second)

where 125 MB a second is a network of 1 Gbit/s, which was given and not measured. Seconds for so \
many times these files, and what bounds them:

| workers | {" | ".join(f"{times} times" for times in TIMES)} | bound by |
| --- |{" --- |" * (len(TIMES) + 1)}
{_modelled(found)}"""


def _modelled(found: Parts) -> str:
    return "\n".join(
        f"| {n} | {' | '.join(f'{found.seconds(n, t):,.0f}' for t in TIMES)} | {found.bound(n)} |"
        for n in LARGER
    )


def _ratios(ways: dict[str, list[Measured]], way: str) -> str:
    if way == "alone":
        return ""
    pairs = zip(ways[way], ways["alone"], strict=True)
    return f"**{spread([m.seconds / alone.seconds for m, alone in pairs])}**"


def _running(folder: Path) -> Any:
    # Shared with the tests; only here, where their folder has to be found.
    sys.path.append(str(Path(__file__).parents[1] / "support"))
    clusters = importlib.import_module("clusters")
    return clusters.running_cluster(folder, WORKERS)


def _cpu(process: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: int) -> float:
    """The most memory that a process has had, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell")


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _mapper(way: str) -> SubmissionMapper:
    if way == "alone":
        return InThisProcess()
    if way == "processes":
        return InProcesses()
    from pipeline.orchestration.cluster import OnCluster

    return OnCluster(os.environ[ADDRESS])


def _parts(one: TakeInOne, arrivals: list[Arrival]) -> dict[str, float]:
    """Part by part, each as it is sealed and opened on its way."""
    work, worker, out, back = one.long, 0.0, 0, 0
    for arrival in arrivals:
        order, _ = one.first(arrival)
        sealed = pickle.dumps(order)
        began = time.process_time()
        answer = pickle.dumps(work(pickle.loads(sealed)))
        worker += time.process_time() - began
        out += len(sealed) + len(pickle.dumps(work)) // len(arrivals)
        back += len(answer)
        one.last(arrival, pickle.loads(answer))
    n = len(arrivals)
    return {"worker": worker / n, "out": out / n, "back": back / n}


def main() -> None:
    way, here = sys.argv[1], Home(Path(sys.argv[2]).resolve())
    now = datetime.now(UTC)
    arrivals = here.arrivals()
    receipts = here.stewardship.receive(
        [(a.submission_id, a.file.modified_at) for a in arrivals], now
    )
    here.settle_keys(now)
    one = TakeInOne(here, here.pseudonymiser(), receipts, here.withdrawals())
    said: dict[str, float] = {"submissions": len(arrivals)}
    started, cpu = time.monotonic(), _own_cpu()
    if way == "parts":
        said |= _parts(one, arrivals)
    else:
        said["rows"] = sum(r.rows_read or 0 for r in _mapper(way).map(one, arrivals) if r)
    print(json.dumps({"seconds": time.monotonic() - started, "cpu": _own_cpu() - cpu, **said}))


if __name__ == "__main__":
    main()

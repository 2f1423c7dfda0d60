"""A scheduler and workers on loopback, each the real command in a process of its own, and work
for them that fails.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving import free_port

SECONDS_TO_START = 180
MUSTER = str(Path(sys.executable).with_name("muster"))


@dataclass
class RunningCluster:
    """Scheduler and workers whose working folder, scratch files and output lie below `folder`."""

    folder: Path
    address: str
    environment: dict[str, str] = field(default_factory=dict)
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    def start_scheduler(self) -> None:
        self.scheduler = self.start(MUSTER, "scheduler", "--listen", self.address)

    def start_worker(self) -> subprocess.Popen[bytes]:
        worker = self.start(MUSTER, "worker", "--cluster", self.address)
        self.workers.append(worker)
        return worker

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program below the folder, which takes all that it writes."""
        self.started += 1
        place = self.folder / f"process-{self.started}"
        place.mkdir(parents=True)
        with (place / "said").open("wb") as said:
            return subprocess.Popen(
                command,
                cwd=place,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "TMPDIR": str(place),
                    "PYTHONPATH": str(Path(__file__).parent),
                    **self.environment,
                },
            )

    def wait_for_workers(self, n: int) -> None:
        """Until the scheduler has as many."""
        from pipeline.orchestration import cluster_library

        distributed = cluster_library.imported()
        deadline = time.monotonic() + SECONDS_TO_START
        security = cluster_library.security(self.address, "client")
        with distributed.Client(
            self.address, timeout=SECONDS_TO_START, set_as_default=False, security=security
        ) as client:
            while len(client.nthreads()) != n:
                assert time.monotonic() < deadline, f"{n} workers were waited for"
                time.sleep(0.1)

    def said(self) -> str:
        """All that its processes printed."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*/said")))

    def stop(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running_cluster(
    folder: Path, workers: int, scheme: str = "tcp", environment: dict[str, str] | None = None
) -> Iterator[RunningCluster]:
    cluster = RunningCluster(folder, f"{scheme}://127.0.0.1:{free_port()}", environment or {})
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        cluster.wait_for_workers(workers)
        yield cluster
    finally:
        cluster.stop()


def doubled(number: int) -> int:
    return 2 * number


def quoting(number: int) -> int:
    raise ValueError(f"simcanary{number:03d} is no number")


def dying(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleeping(number: int) -> int:
    time.sleep(0.3)
    return number


@dataclass(frozen=True)
class Parts:
    """A function in parts: odd items alone have a long one."""

    long: Any = doubled
    before: list[int] = field(default_factory=list)
    """Items whose first part was done."""

    def __call__(self, item: int) -> int:
        order, settled = self.first(item)
        return settled if order is None else self.last(item, self.long(order))

    def first(self, item: int) -> tuple[int | None, int]:
        self.before.append(item)
        return (item, 0) if item % 2 else (None, -item)

    def last(self, item: int, answer: int) -> int:
        return 100 * item + answer


def certificates(folder: Path) -> dict[str, str]:
    """Settings of dask for certificates of an authority of its own, made with openssl."""
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made: Sequence[str] = (
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=muster-test"),
    )
    subprocess.run(made, check=True, capture_output=True)
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    return {
        f"{tls}CA_FILE": str(certificate),
        **{
            f"{tls}{role}__{what}": str(path)
            for role in ("CLIENT", "SCHEDULER", "WORKER")
            for what, path in (("KEY", key), ("CERT", certificate))
        },
    }

"""Scheduler and workers of a cluster, each a process that runs until it is told to end.

What belongs here: starting them so that nothing they hold reaches a disk, a log or a page. What
stays out: what a worker does (`cluster_work.py`), and who hands it out (`cluster.py`).
"""

import asyncio
import importlib
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.orchestration import cluster_library
from pipeline.programme import UnusableConfiguration

_NO_PAGE: Final = "127.0.0.1:0"
"""The library opens a port for its pages in any case: one that nobody else reaches, without any."""
_SECONDS_BETWEEN_TRIES: Final = 1.0

Told = Callable[[str], None]


def serve_scheduler(listen: str, told: Told) -> None:
    """Hand out work from an address until interrupted; UnusableConfiguration where it cannot."""
    cluster_library.checked(listen, os.environ)
    _keep_to_itself()
    distributed = cluster_library.imported()
    security = cluster_library.security(listen, "scheduler")

    async def until_stopped(stopped: asyncio.Event) -> None:
        try:
            scheduler = await distributed.Scheduler(
                host=listen, security=security, dashboard=False, dashboard_address=_NO_PAGE
            )
        except (OSError, ValueError, TypeError, RuntimeError):
            raise UnusableConfiguration(
                f"nothing can be served at {listen}: the address is not this machine's, its port "
                "is taken, or the certificates do not fit."
            ) from None
        told(f"Workers and runs are waited for at {scheduler.address}  (Ctrl-C stops)")
        await _first_of(stopped.wait(), scheduler.finished())
        await scheduler.close(reason="told to end")

    _run(until_stopped)


def serve_worker(address: str, told: Told, host: str | None = None) -> None:
    """Do what the scheduler at an address hands out until interrupted.

    One submission at a time: a machine gives as many workers as it has cores to spare. Waits for a
    scheduler that is not there yet, or not any more. `host` is where this machine is reached, if
    not the way by which it reaches the scheduler.
    """
    cluster_library.checked(address, os.environ)
    parts = urlsplit(address)
    if host is None and cluster_library.is_loopback(parts.hostname or ""):
        # Left to itself it would listen on every interface.
        host = parts.hostname
    if host is not None:
        cluster_library.checked(f"{parts.scheme}://{host}:0", os.environ)
    # Before Polars is imported: each worker has a core to itself.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    _keep_to_itself()
    # What work needs takes seconds to import, which the first submissions would wait for.
    importlib.import_module("pipeline.storage.taking_in")
    distributed = cluster_library.imported()
    security = cluster_library.security(address, "worker")

    async def until_stopped(stopped: asyncio.Event) -> None:
        told(f"Work is waited for from {address}  (Ctrl-C stops)")
        while not stopped.is_set():
            with tempfile.TemporaryDirectory(prefix="muster-worker-") as scratch:
                worker = distributed.Worker(
                    address,
                    nthreads=1,
                    # Without a limit there is nothing that would be spilled at it.
                    memory_limit=0,
                    local_directory=scratch,
                    security=security,
                    host=host,
                    dashboard=False,
                    dashboard_address=_NO_PAGE,
                )
                with suppress(OSError, ValueError, RuntimeError):
                    await _first_of(stopped.wait(), _until_gone(worker))
                with suppress(Exception):
                    await worker.close(timeout=5, reason="told to end", nanny=False)
            if not stopped.is_set():
                await _first_of(stopped.wait(), asyncio.sleep(_SECONDS_BETWEEN_TRIES))

    _run(until_stopped)


async def _until_gone(worker: Any) -> None:
    await worker
    await worker.finished()


def _keep_to_itself() -> None:
    """No file of this process is for others, and none shows its memory should it crash."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(until_stopped: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    async def with_signals() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        await until_stopped(stopped)

    asyncio.run(with_signals())


async def _first_of(*waited_for: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(each) for each in waited_for]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()

"""The library `distributed` as Muster uses it: quiet, without pages, with nothing put on a disk.

What belongs here: importing it, which is done only where a cluster is configured, its settings, and
which addresses are safe. What stays out: handing out work (`cluster.py`), scheduler and workers
(`cluster_serving.py`).

What operators set for dask itself (certificates above all) is read as dask reads it; only what
could write down or show what workers hold is set here, over all of it.
"""

import ipaddress
import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.programme import UnusableConfiguration

ADDRESS: Final = "MUSTER_CLUSTER"
"""Environment variable: the scheduler that intake is handed to; this machine works alone without
it."""
PLAIN: Final = "MUSTER_CLUSTER_PLAIN"
"""Environment variable: `allowed` lets identifiers and keys travel unencrypted."""

SETTINGS: Final[Mapping[str, Any]] = {
    # Nothing that a worker holds is put on a disk, however little memory is left.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # No page: dask's own show tasks, their errors and where workers are to anybody who asks.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    # Files are handed out as they are; that a large one is large is no news.
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    "distributed.admin.pdb-on-err": False,
}


def imported() -> Any:
    """The library, set and silenced; UnusableConfiguration where it is not installed."""
    try:
        import dask.config  # noqa: PLC0415 - an extra, and slow to import
        import distributed  # noqa: PLC0415
    except ImportError:
        raise UnusableConfiguration(
            f"{ADDRESS} is set, but the library for clusters is not installed; install Muster with "
            f"its extra `cluster` on every machine, or unset {ADDRESS}."
        ) from None
    dask.config.set(SETTINGS)
    # What it logs of a failed task quotes its arguments; what has to be said Muster says itself.
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed


def security(address: str, role: str) -> Any:
    """Certificates as dask is configured to use them; with tls:// nothing else is spoken.

    `role` is `client`, `scheduler` or `worker`. Raises UnusableConfiguration where tls:// is asked
    for and they are missing or do not work.
    """
    library: Any = imported()
    encrypted = address.startswith("tls://")
    found = library.Security(require_encryption=encrypted)
    if encrypted:
        try:
            context = found.get_connection_args(role)["ssl_context"]
        except (OSError, TypeError, ValueError):
            context = None
        if context is None:
            raise UnusableConfiguration(_NO_CERTIFICATES)
    return found


_NO_CERTIFICATES = (
    "an address with tls:// needs certificates; set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and the "
    "certificate and key of client, scheduler or worker as docs/cluster.md says."
)


def checked(address: str, environment: Mapping[str, str]) -> str:
    """An address that may be used: tls://host:port, or tcp:// on this machine.

    What is handed out holds identifiers and the key of pseudonyms, so it travels unencrypted to
    another machine only where somebody has said so. Raises UnusableConfiguration.
    """
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in {"tcp", "tls"} or not parts.hostname or port is None:
        raise UnusableConfiguration(
            f"{ADDRESS} must be an address such as tls://scheduler.example:8786, or "
            "tcp://127.0.0.1:8786 on this machine."
        )
    is_open = parts.scheme == "tcp" and not is_loopback(parts.hostname)
    if is_open and environment.get(PLAIN) != "allowed":
        raise UnusableConfiguration(
            "identifiers and the key of pseudonyms would travel unencrypted; use tls:// "
            f"(docs/cluster.md), or set {PLAIN}=allowed where the network itself is encrypted."
        )
    return address


def is_loopback(host: str) -> bool:
    """Whether a name or address reaches this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

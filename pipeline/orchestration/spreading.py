"""How intake is spread: over the cluster that is configured, else over this machine's cores.

What stays out: the ways themselves (`cluster.py`, `processes.py`).
"""

from collections.abc import Mapping

from pipeline.orchestration.cluster import OnCluster
from pipeline.orchestration.cluster_library import ADDRESS
from pipeline.orchestration.mapper import Progress, SubmissionMapper
from pipeline.orchestration.processes import InProcesses


def mapper_of(environment: Mapping[str, str], progress: Progress | None = None) -> SubmissionMapper:
    """The mapper that MUSTER_CLUSTER asks for; what is wrong with it is said when it is used."""
    address = environment.get(ADDRESS)
    return OnCluster(address, progress) if address else InProcesses(progress)

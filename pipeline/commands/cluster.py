"""The commands of a cluster: its scheduler, and workers that do what runs hand out.

What stays out: what they do (`pipeline/orchestration/cluster_serving.py`).
"""

from typing import Annotated

import typer


def scheduler(
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="ADDRESS",
            help="Where runs and workers reach it; tls:// for other machines.",
        ),
    ] = "tcp://127.0.0.1:8786",
) -> None:
    """Serve the scheduler of a cluster, through which runs hand out intake, until Ctrl-C.

    Runs use it where MUSTER_CLUSTER names its address: docs/cluster.md.
    """
    from pipeline.orchestration.cluster_serving import serve_scheduler

    serve_scheduler(listen, typer.echo)
    typer.echo("Stopped.")


def worker(
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster",
            envvar="MUSTER_CLUSTER",
            metavar="ADDRESS",
            help="The scheduler's address, as runs have it.",
        ),
    ],
    host: Annotated[
        str | None,
        typer.Option("--host", help="Name or address by which the scheduler reaches this machine."),
    ] = None,
) -> None:
    """Work out submissions that runs hand out through a scheduler, one at a time, until Ctrl-C.

    It needs no home folder and puts nothing on its disk. Start one for each core that it may use.
    """
    from pipeline.orchestration.cluster_serving import serve_worker

    serve_worker(cluster, typer.echo, host)
    typer.echo("Stopped.")

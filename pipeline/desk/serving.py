"""Running the desk on this machine's loopback, until it is told to end.

What stays out: the application (`app.py`), and Dagster's page beside it
(`pipeline/orchestration/serve.py`).
"""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_SECONDS_TO_END = 5
_SECONDS_KEPT_OPEN = 75
"""Longer than browsers and proxies keep a connection that nobody uses: whoever ends it first must
not be the one who is about to be asked."""


class PortTaken(Exception):
    """Something else answers on the port."""


def serve(app: ASGIApp, port: int, when_ready: Callable[[str], None], *, proxied: bool) -> None:
    """Serve until Ctrl-C or SIGTERM; nothing is logged, since addresses name texts.

    Args:
        app: what `desk_app` made.
        port: on loopback; PortTaken where somebody else has it.
        when_ready: called with the address.
        proxied: whether a proxy on this machine says who its visitors are (`X-Forwarded-For`).
            Without one, whoever is on this machine could say so, and try passwords without end.

    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError:
            raise PortTaken from None
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=proxied,
            forwarded_allow_ips=HOST,
            timeout_graceful_shutdown=_SECONDS_TO_END,
            timeout_keep_alive=_SECONDS_KEPT_OPEN,
            h11_max_incomplete_event_size=16 * 1024,
            limit_concurrency=200,
        )
        when_ready(f"http://{HOST}:{port}")
        with _ending_politely():
            uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _ending_politely() -> Iterator[None]:
    """Let both ways of ending be no failure: uvicorn, once it has ended, sends itself the signal
    again that ended it.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)

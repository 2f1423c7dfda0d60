"""Something else answers on the port: its page is not announced as Muster's own."""

import http.server
import threading
from pathlib import Path

import pytest

from pipeline.orchestration.serve import ServerFailed, serve


class SomebodyElse(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"somebody else's page")

    def log_message(self, *_: object) -> None:
        pass


def test_a_strange_page_is_not_announced(tmp_path: Path):
    announced: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SomebodyElse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        try:
            with pytest.raises(ServerFailed, match=f"port {port} is taken"):
                serve(tmp_path, port, announced.append)
        finally:
            server.shutdown()
    assert announced == []

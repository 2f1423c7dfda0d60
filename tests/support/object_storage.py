"""Object storage on this machine, which may fail now and then: an emulator of S3 behind a door.

The door counts requests and answers some of them itself. Nothing of it reaches the network.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import obstore.store
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "SIMSECRETOFTHESTORE"
KEY_ID = "SIMKEYIDOFTHESTORE"
REGION = "eu-west-2"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Requests are counted, not printed."""


@dataclass
class ObjectStorage:
    """A running server. `failing` is the share of requests that it answers with an error."""

    endpoint: str = ""
    failing: float = 0.0
    refusing: bool = False
    """Answer as S3 does where it does not know the credentials, which it repeats."""
    asked: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    _luck: random.Random = field(default_factory=lambda: random.Random(20261127))
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def is_down(self) -> bool:
        with self._turn:
            self.failed += (down := self._luck.random() < self.failing)
            return down

    def make_bucket(self, bucket: str) -> None:
        import urllib.request

        request = urllib.request.Request(f"{self.endpoint}/{bucket}", method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def settings(self, at: str) -> str:
        """What `lake.yaml` says."""
        return f"at: {at}\nendpoint: {self.endpoint}\nregion: {REGION}\nallow_http: true\n"

    def files(self, bucket: str) -> dict[str, bytes]:
        """Every object of a bucket, by its name."""
        store = obstore.store.S3Store(
            bucket,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        names = [file["path"] for page in store.list() for file in page]
        return {name: bytes(store.get(name).bytes()) for name in names}


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """A server of its own on a free port, with nothing in it but what other ones of this process
    were given: buckets have names of their own.
    """
    behind, door = DomainDispatcherApplication(create_backend_app), ObjectStorage()

    def answer(environ: dict[str, Any], start: Any) -> Any:
        door.asked[environ["REQUEST_METHOD"]] += 1
        if door.refusing or door.is_down():
            # What is left unread would be taken for the next request.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            if door.refusing:
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [
                    b"<Error><Code>SignatureDoesNotMatch</Code>"
                    b"<AWSAccessKeyId>%b</AWSAccessKeyId><StringToSign>%b</StringToSign></Error>"
                    % (KEY_ID.encode(), SECRET.encode())
                ]
            status = "503 Slow Down" if door.failed % 2 else "500 Internal Server Error"
            start(status, [("Content-Type", "text/plain")])
            return [b"try again"]
        return behind(environ, start)

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=_Quiet)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    door.endpoint = f"http://127.0.0.1:{server.server_port}"
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield door
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        server.shutdown()
        serving.join()
        server.server_close()

"""What stands before every page: which requests are looked at, and headers of every answer.

What stays out: who is signed in (`sessions.py`), and what pages say.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY: Final = 64 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
FORM: Final = "application/x-www-form-urlencoded"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), "
        "payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_OWN_PAGES: Final = frozenset({"same-origin", "none"})

_Refusal = tuple[int, str]
"""Status, and one sentence."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses what no page of the desk sends, before a byte of its body is read.

    `hosts` are the names under which the desk is called. A page of another site whose name was
    made to point to this machine calls it by that name, and is not answered (DNS rebinding).
    """

    app: ASGIApp
    hosts: Collection[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is None:
            await self.app(scope, receive, with_headers)
            return
        status, sentence = refusal
        # The body that was not read cannot be followed by another request.
        answer = PlainTextResponse(sentence, status, {"Connection": "close"})
        await answer(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> _Refusal | None:
        if _name_of(headers.get("host", "")) not in self.hosts:
            return 421, "The desk is not called that; use the address that it was started with."
        if method not in _METHODS:
            return 405, "The desk knows GET and POST."
        return _wrong_length(method, headers) or (
            _wrong_form(headers) if method == "POST" else None
        )


def _wrong_length(method: str, headers: Headers) -> _Refusal | None:
    length = headers.get("content-length")
    if "transfer-encoding" in headers or (length is None and method == "POST"):
        return 411, "Say how long the form is."
    if length is not None and not (length.isascii() and length.isdigit()):
        return 400, "Say how long the form is."
    if int(length or 0) > LARGEST_BODY:
        return 413, "No form of the desk is that large."
    return None


def _wrong_form(headers: Headers) -> _Refusal | None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return 415, "The desk takes its own forms."
    if headers.get("sec-fetch-site", "same-origin") not in _OWN_PAGES:
        return 403, "The form was not sent by the desk's own page."
    return None


def _name_of(host: str) -> str:
    """A Host header without the port.

    >>> [_name_of(host) for host in ("localhost:3001", "[::1]:3001", "127.0.0.1")]
    ['localhost', '[::1]', '127.0.0.1']
    """
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdigit() else host.lower()

"""A mail server of a few lines on 127.0.0.1, for tests to send to; it keeps what it was sent."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What the server does, and what came in. `refuses` has the verbs that it says no to."""

    port: int = 0
    refuses: frozenset[str] = frozenset()
    refused_recipients: frozenset[str] = frozenset()
    hangs_up_at: str | None = None
    silent: bool = False
    offers: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None
    mails: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


class _Talk:
    """One connection, from greeting to goodbye."""

    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.lines = connection.makefile("rb")
        self.encrypted = False

    def say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    def close(self) -> None:
        self.lines.close()
        self.connection.close()

    def until_the_end(self) -> None:
        if self.server.silent:
            # Until the other side gives up.
            self.lines.read()
            return
        self.say("220 simulated.example ESMTP")
        while line := self.lines.readline():
            said = line.decode("latin-1").strip()
            verb = said.split(" ")[0].split(":")[0].upper()
            if verb == self.server.hangs_up_at:
                return
            if verb in self.server.refuses:
                self.say("535 5.7.8 <stewards@force.example> is not wanted here")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                getattr(self, f"_{verb.lower()}", self._other)(said)

    def _other(self, _: str) -> None:
        self.say("250 yes")

    def _ehlo(self, _: str) -> None:
        for offer in ("simulated.example", *self.server.offers):
            self.say(f"250-{offer}")
        self.say("250 8BITMIME")

    def _starttls(self, _: str) -> None:
        assert self.server.context is not None
        self.say("220 go on")
        self.lines.close()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.lines, self.encrypted = self.connection.makefile("rb"), True

    def _auth(self, said: str) -> None:
        self.server.users.append(said)
        self.say("235 welcome")

    def _rcpt(self, said: str) -> None:
        address = said.partition("<")[2].rstrip(">")
        refused = address in self.server.refused_recipients
        self.say(f"550 no {address}" if refused else "250 yes")

    def _data(self, _: str) -> None:
        self.say("354 go on")
        text = []
        while (part := self.lines.readline()) not in (b".\r\n", b""):
            text.append(part.decode())
        self.server.mails.append("".join(text))
        self.server.encrypted.append(self.encrypted)
        self.say("250 taken")


@contextmanager
def mail_server(**said: object) -> Iterator[MailServer]:
    """A server that runs until the block ends."""
    server = MailServer(**said)  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.settimeout(20)
                with closing(_Talk(server, connection)) as talk, suppress(OSError):
                    talk.until_the_end()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        # Closing alone does not wake one that waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=20)

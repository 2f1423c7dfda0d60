"""Handing a mail to a server, and calling a webhook.

What stays out: what they say (`pipeline/notices.py`). An answer of the server may quote
addresses and more, so of what went wrong only its kind is told.
"""

import http.client
import json
import smtplib
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, Final

from pipeline.notices import Notices, Tls

SECONDS_TO_WAIT: Final = 10.0
"""For each answer of the server: a run waits for it."""
_ANSWERS: Final = 3
"""So often that time may pass while a webhook is called: address, connection, answer."""


class NotSent(Exception):
    """The mail was not handed over; the message is a sentence without its full stop."""


def post(message: EmailMessage, notices: Notices, password: str | None) -> int:
    """Hand over a mail; returns how many of its recipients the server refused. Raises NotSent."""
    try:
        with _connected(notices) as server:
            if notices.user is not None:
                server.login(notices.user, password or "")
            return len(server.send_message(message))
    except smtplib.SMTPAuthenticationError:
        problem = "the mail server refused user or password"
    except smtplib.SMTPNotSupportedError:
        problem = (
            "the mail server does not offer what notices.yaml asks of it (starttls, or a user)"
        )
    except smtplib.SMTPRecipientsRefused:
        problem = "the mail server refused every recipient"
    except smtplib.SMTPSenderRefused:
        problem = "the mail server refused the sender"
    except smtplib.SMTPException:
        problem = "the mail server did not answer in time, broke off, or refused the mail"
    except ssl.SSLError:
        problem = "no encrypted connection to the mail server came about; see tls in notices.yaml"
    except TimeoutError:
        problem = f"the mail server did not answer within {SECONDS_TO_WAIT:.0f} seconds"
    except OSError:
        problem = "the mail server cannot be reached"
    except ValueError:
        problem = "user or password have signs that the mail server does not take"
    # Outside the handler, so that what the server said is not even the context.
    raise NotSent(problem)


def _connected(notices: Notices) -> smtplib.SMTP:
    if notices.tls == Tls.IMPLICIT:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(
            notices.host, notices.port, timeout=SECONDS_TO_WAIT, context=context
        )
    server = smtplib.SMTP(notices.host, notices.port, timeout=SECONDS_TO_WAIT)
    if notices.tls == Tls.STARTTLS:
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would hand the token to another address, perhaps unencrypted."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post_to_webhook(address: str, said: Mapping[str, Any], token: str | None) -> None:
    """Call a webhook with JSON; raises NotSent, whose sentence does not name the address."""
    came: list[str | Exception | None] = []

    def ask() -> None:
        try:
            came.append(_problem_with(address, said, token))
        except Exception as defect:  # noqa: BLE001 - raised again by whoever waits
            came.append(defect)

    # Whoever answers a sign at a time is never late with one: the whole call has an end, too.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_ANSWERS * SECONDS_TO_WAIT)
    found = came[0] if came else _late(_ANSWERS * SECONDS_TO_WAIT)
    if isinstance(found, Exception):
        raise found
    if found is not None:
        raise NotSent(found)


def _late(seconds: float) -> str:
    return f"the webhook did not answer within {seconds:.0f} seconds"


def _problem_with(  # noqa: PLR0911 - one for each way to fail
    address: str, said: Mapping[str, Any], token: str | None
) -> str | None:
    """Call it; what went wrong, without anything that the other side said."""
    headers = {"Content-Type": "application/json", "User-Agent": "muster"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # Straight there: a proxy of the environment would be told the address.
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(  # noqa: S310 - https, or this machine (notices.py)
            address, json.dumps(said).encode("utf-8"), headers, method="POST"
        )
        with opener.open(request, timeout=SECONDS_TO_WAIT):
            return None
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return f"the webhook answered with status {refusal.code}"
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            return "no encrypted connection to the webhook came about"
        if isinstance(error.reason, TimeoutError):
            return _late(SECONDS_TO_WAIT)
        return "the webhook cannot be reached"
    except TimeoutError:
        return _late(SECONDS_TO_WAIT)
    except (OSError, http.client.HTTPException):
        return "the webhook broke off"
    except ValueError:
        return "the webhook's token has signs that no header takes"

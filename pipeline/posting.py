"""Handing a mail to a server.

What stays out: what the mail says (`pipeline/notices.py`). An answer of the server may quote
addresses and more, so of what went wrong only its kind is told.
"""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Final

from pipeline.notices import Notices, Tls

SECONDS_TO_WAIT: Final = 10.0
"""For each answer of the server: a run waits for it."""


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

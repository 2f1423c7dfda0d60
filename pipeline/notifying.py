"""Telling stewards once of each file that waits for them, and remembering that they were told.

What stays out: what a notice says (`pipeline/notices.py`) and how it is sent
(`pipeline/posting.py`). Only the one who holds the home's lock may notify.

A mail is put on record after the server took it: a process that dies between the two tells of the
same files again. The other order could tell of them never.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, TypeVar

from pipeline.entries import Act
from pipeline.errors import place_of
from pipeline.notices import (
    NOTICES_FILE,
    PASSWORD,
    TOKEN,
    Held,
    Notices,
    call,
    mail,
    parse_notices,
    parse_webhook,
)
from pipeline.posting import NotSent, post, post_to_webhook
from pipeline.programme import UnusableConfiguration
from pipeline.storage.home import Home
from pipeline.vocabulary import EntryKind

T = TypeVar("T")

Post = Callable[[EmailMessage, Notices, str | None], int]
_MAIL, WEBHOOK = "mail", "webhook"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of notifying."""

    said: str
    """One sentence about the mail, for a page or a log."""
    went_wrong: bool = False


def settings_of(home: Home) -> Notices | None:
    """How notices.yaml sends mails; None without one. Raises UnusableConfiguration."""
    text = _text_of(home)
    return None if text is None else parse_notices(text)


def webhook_of(home: Home) -> str | None:
    """The webhook that notices.yaml names, if any. Raises UnusableConfiguration."""
    text = _text_of(home)
    return None if text is None else parse_webhook(text)


def _text_of(home: Home) -> str | None:
    try:
        return home.notices.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UnusableConfiguration(f"{NOTICES_FILE}: save it as UTF-8 text.") from None
    except OSError:
        raise UnusableConfiguration(
            f"{NOTICES_FILE} cannot be read; give Muster the permission, or remove it."
        ) from None


def told_before(home: Home, by: str = _MAIL) -> set[str]:
    """Submissions that a mail told of, or the webhook if `by` says so."""
    return {
        submission_id
        for entry in home.stewardship.entries(EntryKind.NOTICE_SENT)
        if entry.body.get("by", _MAIL) == by
        for submission_id in entry.body["submissions"]
    }


def notify(
    home: Home,
    held: Sequence[Held],
    now: datetime,
    environment: Mapping[str, str],
    send: Post = post,
) -> Told:
    """Tell by mail of what waits and was not told of yet. Never raises: a run goes on without."""
    return _told_or_why(
        "Stewards were not told by mail", lambda: _notify(home, held, now, environment, send)
    )


def _notify(
    home: Home,
    held: Sequence[Held],
    now: datetime,
    environment: Mapping[str, str],
    send: Post,
) -> Told:
    settings = settings_of(home)
    if settings is None:
        if home.notices.exists():
            return Told(f"No mail is sent: {NOTICES_FILE} names a webhook alone.")
        return Told(f"No mail is sent: there is no {NOTICES_FILE}.")
    new = _untold(home, held, _MAIL)
    if not new:
        return Told("No mail: nothing waits that stewards were not told of.")
    refused = send(mail(settings, new, home.programme.title), settings, environment.get(PASSWORD))
    _put_down(home, new, now, _MAIL)
    if refused:
        return Told(
            f"Told by mail of {len(new)}, but the server refused {refused} of "
            f"{len(settings.to)} recipients.",
            went_wrong=True,
        )
    return Told(f"Told {len(settings.to)} recipients by mail of {len(new)}.")


def call_webhook(
    home: Home,
    held: Sequence[Held],
    now: datetime,
    environment: Mapping[str, str],
    send: Callable[[str, Mapping[str, Any], str | None], None] = post_to_webhook,
) -> Told | None:
    """Tell the webhook of what waits and it was not told of yet; None where none is named.

    Never raises, and names its address in no sentence.
    """
    return _told_or_why(
        "The webhook was not told", lambda: _call_webhook(home, held, now, environment, send)
    )


def _call_webhook(
    home: Home,
    held: Sequence[Held],
    now: datetime,
    environment: Mapping[str, str],
    send: Callable[[str, Mapping[str, Any], str | None], None],
) -> Told | None:
    address = webhook_of(home)
    if address is None:
        return None
    new = _untold(home, held, WEBHOOK)
    if not new:
        return Told("No call: nothing waits that the webhook was not told of.")
    send(address, call(new), environment.get(TOKEN))
    _put_down(home, new, now, WEBHOOK)
    return Told(f"Told the webhook of {len(new)}.")


def _told_or_why(not_told: str, tell: Callable[[], T]) -> T | Told:
    """What came of telling; why nothing did, in a sentence that begins with `not_told`."""
    try:
        return tell()
    except UnusableConfiguration as problem:
        return Told(f"{not_told}: {problem}", went_wrong=True)
    except NotSent as problem:
        return Told(f"{not_told}: {problem}; the next run with work to do tries again.", True)
    except Exception as defect:  # noqa: BLE001 - a notice is not worth a run
        return Told(f"{not_told}: {place_of(defect)}.", went_wrong=True)


def _untold(home: Home, held: Sequence[Held], by: str) -> list[Held]:
    before = told_before(home, by)
    return [each for each in held if each.submission_id not in before]


def _put_down(home: Home, told: Sequence[Held], now: datetime, by: str) -> None:
    act = Act(
        kind=EntryKind.NOTICE_SENT,
        steward="muster",
        reason="files wait for a steward",
        body={
            "submissions": [each.submission_id for each in told],
            # Nothing, as it has always been, for a mail.
            **({} if by == _MAIL else {"by": by}),
        },
    )
    home.stewardship.enter([act], now)

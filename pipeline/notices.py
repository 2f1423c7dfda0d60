"""Notices: telling stewards that files wait for them, by mail or through a webhook.

What belongs here: what `notices.yaml` may say, and what a mail or a call says. What stays out:
sending it (`pipeline/posting.py`), and remembering of what was told (`pipeline/notifying.py`).

A mail names submissions and reasons. File names stay masked in it, headings that could name a
person are left out, and no cell of a file is there to be told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.privacy.headings import without_headings
from pipeline.written import UnusableConfiguration, Written, wrong

NOTICES_FILE: Final = "notices.yaml"
PASSWORD: Final = "MUSTER_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable that holds the password: no file of Muster's does."""

TOKEN: Final = "MUSTER_WEBHOOK_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable that holds what the webhook is shown as a bearer token."""
_WEBHOOK: Final = "webhook"

MOST_NAMED: Final = 50
"""Submissions in one notice; the command line has all of them."""

_ADDRESS = re.compile(r"[^@\s<>,;\"()]+@[^@\s<>,;\"()]+")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Tls(StrEnum):
    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _is_an_address(said: str) -> str:
    if not _ADDRESS.fullmatch(said) or not said.isascii():
        raise wrong("an address such as stewards@force.example is expected, and nothing else")
    return said


Address = Annotated[str, AfterValidator(_is_an_address)]


class Notices(BaseModel):
    """Where notices go. Without this file none are sent."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    host: str = Field(min_length=1, pattern=r"^[A-Za-z0-9.:-]+$")
    """The mail server."""
    port: int = Field(587, ge=1, le=65_535)
    """587 with starttls, 465 with implicit, as a rule."""
    tls: Tls = Tls.STARTTLS
    """`starttls`, `implicit`, or `none` for a server on this machine."""
    user: str | None = None
    """Whom to log in as; its password stands in MUSTER_SMTP_PASSWORD."""
    sender: Address = Field(alias="from")
    """Whom notices come from."""
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)
    """Whom they go to."""

    @model_validator(mode="after")
    def _hides_the_password(self) -> Self:
        if self.tls == Tls.NONE and self.host not in _HERE:
            raise wrong("`none` is for a server on this machine; write starttls or implicit", "tls")
        return self


def parse_notices(text: str) -> Notices | None:
    """How mails are sent; None where the file names a webhook alone.

    Raises UnusableConfiguration with one sentence.
    """
    written, said = _said(text)
    for_mail = {name: value for name, value in said.items() if name != _WEBHOOK}
    if not for_mail and _WEBHOOK in said:
        return None
    try:
        return Notices.model_validate(for_mail)
    except ValidationError as error:
        raise written.refused(error, Notices) from None


def parse_webhook(text: str) -> str | None:
    """The address that is called; None where the file names none.

    Raises UnusableConfiguration with one sentence that does not quote it: such an address is often
    a secret by itself.
    """
    written, said = _said(text)
    if _WEBHOOK not in said:
        return None
    address = said[_WEBHOOK]
    if not isinstance(address, str) or not _may_be_called(address):
        raise written.unusable(
            (_WEBHOOK,),
            "webhook: an https:// address without a user is expected, or http:// on this machine",
        )
    return address


def _said(text: str) -> tuple[Written, dict[str, Any]]:
    written = Written.of(text, NOTICES_FILE)
    if not isinstance(written.said, dict):
        raise written.unusable((), "host, from and to are expected; see docs/stewards.md")
    if "password" in written.said:
        raise UnusableConfiguration(
            f"{NOTICES_FILE}: a password never stands in a file; take it out, change it where it "
            f"is used, and set {PASSWORD}."
        )
    return written, written.said


def _may_be_called(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
    plain = address.isascii() and address.isprintable() and " " not in address
    return bool(is_safe and plain and parts.hostname and parts.username is None)


@dataclass(frozen=True, slots=True)
class Held:
    """A submission that waits for a steward, as it may be told to anybody."""

    submission_id: str
    file_name: str
    verdict: str
    reason: str

    @property
    def sentence(self) -> str:
        """One line; a heading that could name a person is not in it."""
        said = without_headings(self.reason).rstrip(".")
        return f"{self.verdict}: {self.submission_id} ({self.file_name}): {said}."


def trial(notices: Notices) -> EmailMessage:
    """A mail that shows whether notices arrive."""
    message = _addressed(notices, "Muster: a test")
    message.set_content("Notices of files that wait for a steward will arrive like this one.")
    return message


def mail(notices: Notices, held: Sequence[Held], programme: str) -> EmailMessage:
    """The mail that tells of files which nobody was told of yet."""
    files = "1 file waits" if len(held) == 1 else f"{len(held)} files wait"
    message = _addressed(notices, f"Muster: {files} for a steward")
    more = len(held) - MOST_NAMED
    lines = [
        f"{programme}: {files} for a steward.",
        "",
        *(f"- {each.sentence}" for each in held[:MOST_NAMED]),
        *([f"- and {more} more"] if more > 0 else []),
        "",
        "`muster review list` says what waits, `muster review show SUBMISSION` why. You are told",
        "of each file once. No answer and no officer is named here; please keep it so in replies.",
    ]
    message.set_content("\n".join(lines))
    return message


def call(held: Sequence[Held]) -> dict[str, Any]:
    """What a webhook is told: how many files nobody was told of yet, and which; no reason."""
    files = "1 file waits" if len(held) == 1 else f"{len(held)} files wait"
    return {
        "text": f"Muster: {files} for a steward.",
        "waiting": len(held),
        "submissions": [
            {"submission_id": each.submission_id, "verdict": each.verdict}
            for each in held[:MOST_NAMED]
        ],
    }


def _addressed(notices: Notices, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = notices.sender
    message["To"] = ", ".join(notices.to)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    return message

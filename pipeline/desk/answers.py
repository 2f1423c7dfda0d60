"""What a page is asked and what it answers, as values: pages know nothing of HTTP.

What stays out: turning them into requests and responses (`app.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.accounts import Account
from pipeline.vocabulary import Role

if TYPE_CHECKING:
    from pipeline.desk.state import Desk


@dataclass(frozen=True, slots=True)
class Page:
    """A template of `templates/` with what it says."""

    template: str
    context: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What was asked for is done; another page of the desk says so."""

    path: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file for somebody to keep; the desk keeps none."""

    content: bytes
    name: str
    media: str


Answer = Page | Elsewhere | Download


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody who is signed in, and what they ask for."""

    account: Account
    desk: "Desk"
    path: Mapping[str, str] = field(default_factory=dict)
    """What the address names, such as a submission."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def said(self, name: str) -> str:
        """One field of the form; empty where it was left out."""
        return (self.form.get(name) or [""])[-1].strip()

    def chosen(self, name: str) -> list[str]:
        """Every value of a field that may be given several times."""
        return list(self.form.get(name) or ())

    def may(self, role: Role) -> bool:
        return self.account.role.may(role)

    def asked(self, name: str) -> str | None:
        """One part of the query; None where it is missing or empty."""
        return self.query.get(name) or None


class NotFound(Exception):
    """There is no such page, or nothing of that name any more."""


class Refused(Exception):
    """A form that cannot be put on record as it is; the message is one sentence."""


class Stale(Exception):
    """What a decision was about has changed since its page was shown."""

    def __init__(self, changes: Sequence[str], back: str) -> None:
        super().__init__("it has changed meanwhile")
        self.changes = tuple(changes)
        self.back = back
        """The page that shows it as it is now."""

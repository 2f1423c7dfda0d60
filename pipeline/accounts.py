"""Accounts of the desk as values: what was changed of them, and what they are by now.

What belongs here: names, roles and what makes a password too weak. What stays out: keeping changes
(`pipeline/storage/stewardship.py`), hashing passwords and signing in (`pipeline/desk/`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.vocabulary import AccountAct, Role

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 256
_FEWEST_DIFFERENT: Final = 6
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_NOBODYS: Final = frozenset({"contract", "muster"})
"""What tables call what nobody decided."""


class NoAccount(Exception):
    """An account that cannot be made or changed so; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What is done to an account, and by whom. `password_hash` is never the password."""

    name: str
    act: AccountAct
    changed_by: str
    role: Role | None = None
    password_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOnRecord(AccountChange):
    """A change as it was put on record; `change` numbers them in their order."""

    change: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in, or might once."""

    name: str
    role: Role
    password_hash: str
    is_active: bool
    last_change: int
    """Number of the newest change; whoever signed in before it has to sign in again."""
    added_at: datetime


def accounts_of(changes: Iterable[ChangeOnRecord]) -> dict[str, Account]:
    """Accounts by `key`, as the changes left them."""
    accounts: dict[str, Account] = {}
    for change in changes:
        before = accounts.get(key(change.name))
        role = change.role or (before.role if before else None)
        password = change.password_hash or (before.password_hash if before else None)
        if role is None or password is None:
            continue  # A change of an account that nobody added means nothing.
        accounts[key(change.name)] = Account(
            name=before.name if before else change.name,
            role=role,
            password_hash=password,
            is_active=change.act == AccountAct.ADDED
            or (before is not None and before.is_active and change.act != AccountAct.DISABLED),
            last_change=change.change,
            added_at=before.added_at if before else change.changed_at,
        )
    return accounts


def key(name: str) -> str:
    """What two spellings of one name have in common.

    >>> key("A.Steward ") == key("a.steward")
    True
    """
    return name.strip().casefold()


def check_name(name: str) -> None:
    """Raises NoAccount for a name that cannot stand beside a decision."""
    if not _NAME.fullmatch(name):
        raise NoAccount(
            "A name has letters, digits, dots, hyphens and underscores between two letters or "
            "digits, 64 at most, as in a.steward."
        )
    if key(name) in _NOBODYS:
        raise NoAccount(f"`{key(name)}` is what tables call what nobody decided; choose another.")


def check_password(password: str, name: str) -> None:
    """Raises NoAccount for a password that would soon be guessed; it is never quoted."""
    if len(password) < SHORTEST_PASSWORD:
        raise NoAccount(
            f"A password has {SHORTEST_PASSWORD} characters or more; three unrelated words will do."
        )
    if len(password) > LONGEST_PASSWORD:
        raise NoAccount(f"A password has {LONGEST_PASSWORD} characters at most.")
    if len(set(password.casefold())) < _FEWEST_DIFFERENT:
        raise NoAccount(f"A password has {_FEWEST_DIFFERENT} different characters or more.")
    if key(name) in password.casefold():
        raise NoAccount("A password does not contain the name of the account.")


def must_be_free(name: str, accounts: dict[str, Account]) -> None:
    """Raises NoAccount where somebody can sign in under that name already."""
    known = accounts.get(key(name))
    if known is not None and known.is_active:
        raise NoAccount(
            "There is such an account already; `muster desk disable-steward` closes it, and then "
            "it may be added again with another role or password."
        )


def must_be_active(name: str, accounts: dict[str, Account]) -> Account:
    """The account of that name; NoAccount where nobody can sign in under it."""
    known = accounts.get(key(name))
    if known is None or not known.is_active:
        raise NoAccount("No active account is called that; `muster desk list-stewards` names them.")
    return known

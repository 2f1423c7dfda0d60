"""Hashing passwords with argon2id, and checking them without telling which names exist.

What stays out: what makes a password too weak (`pipeline/accounts.py`), and how often somebody may
try (`attempts.py`).
"""

import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_NOBODYS: Final = _HASHER.hash("what nobody types")
"""Checked where there is no such account, so that an answer takes as long as if there were."""

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Each check takes 64 MiB, and whoever guesses in parallel would take all there is."""


def hashed(password: str) -> str:
    """The password as argon2id keeps it, with salt and parameters (RFC 9106)."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether it is the password behind a hash; None for an account that does not exist."""
    with _AT_ONCE:
        try:
            _HASHER.verify(password_hash or _NOBODYS, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None

"""How often somebody may try to sign in, by account and by address.

What stays out: the clock, which is an argument, and what a password is compared with.
"""

import threading
from dataclasses import dataclass, field
from typing import Final

PER_ACCOUNT: Final = 5
PER_ADDRESS: Final = 30
"""Several stewards may come through one tunnel or proxy."""

WITHIN_SECONDS: Final = 15 * 60
_MOST_KEPT: Final = 10_000


@dataclass(slots=True)
class Attempts:
    """Attempts that count: those that failed, and those that nobody has answered yet.

    An attempt is counted before the password is looked at, so that a hundred guesses sent at once
    are a hundred attempts and not one. Whoever succeeds takes theirs back.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _by: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def begin(self, account: str, address: str, now: float) -> bool:
        """Count an attempt; False, without counting it, where there were too many.

        `account` need not exist: a name that nobody has is locked like any other. `now` is in
        seconds of a clock that is never moved back.
        """
        limits = {("account", account): PER_ACCOUNT, ("address", address): PER_ADDRESS}
        with self._lock:
            self._forget(now)
            if any(len(self._by.get(whose, ())) >= most for whose, most in limits.items()):
                return False
            if len(self._by) >= _MOST_KEPT:
                return False
            for whose in limits:
                self._by.setdefault(whose, []).append(now)
            return True

    def succeeded(self, account: str, address: str) -> None:
        """Take back what was counted: all of the account, the newest of the address."""
        with self._lock:
            self._by.pop(("account", account), None)
            of_address = self._by.get(("address", address))
            if of_address:
                of_address.pop()

    def _forget(self, now: float) -> None:
        for whose, moments in list(self._by.items()):
            young = [moment for moment in moments if now - moment < WITHIN_SECONDS]
            if young:
                self._by[whose] = young
            else:
                del self._by[whose]

"""Who is signed in: sessions in memory, which end by themselves, by sign-out and with the desk.

What stays out: accounts and passwords, the clock, and cookies (`app.py`).
"""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import Final

IDLE_SECONDS: Final = 30 * 60
LONGEST_SECONDS: Final = 10 * 60 * 60


@dataclass(slots=True)
class Session:
    """One sign-in of one account in one browser."""

    account: str
    last_change: int
    """Of the account, when it signed in: after a later one it has to sign in again."""
    token: str
    """What every form of this session carries, so that no other page can send one."""
    browser: str
    begun: float
    seen: float


@dataclass(slots=True)
class Sessions:
    """Sessions by the digest of their cookie, which is kept nowhere.

    A cookie that is shown by another browser than the one that signed in was stolen, and ends the
    session for both.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _by: dict[str, Session] = field(default_factory=dict)

    def begin(self, account: str, last_change: int, browser: str, now: float) -> str:
        """Begin a session; returns its cookie. `now` is of a clock that is never moved back."""
        cookie = secrets.token_urlsafe(32)
        with self._lock:
            self._by = {key: s for key, s in self._by.items() if _is_alive(s, now)}
            self._by[_digest(cookie)] = Session(
                account, last_change, secrets.token_urlsafe(32), _digest(browser), now, now
            )
        return cookie

    def of(self, cookie: str | None, browser: str, now: float) -> Session | None:
        """The session of a cookie, seen now; None where there is none any more."""
        if not cookie:
            return None
        key = _digest(cookie)
        with self._lock:
            session = self._by.get(key)
            if session is None:
                return None
            if not _is_alive(session, now) or session.browser != _digest(browser):
                del self._by[key]
                return None
            session.seen = now
            return session

    def end(self, cookie: str | None) -> None:
        with self._lock:
            self._by.pop(_digest(cookie or ""), None)


def is_token(session: Session, given: str) -> bool:
    """Whether a form carries the session's own token."""
    return hmac.compare_digest(session.token.encode(), given.encode())


def _is_alive(session: Session, now: float) -> bool:
    return now - session.seen < IDLE_SECONDS and now - session.begun < LONGEST_SECONDS


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

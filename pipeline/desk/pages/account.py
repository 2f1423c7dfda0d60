"""Your account: choosing another password.

What stays out: sessions, of which all others end by it (`pipeline/desk/app.py`).
"""

from collections.abc import Sequence

from pipeline.accounts import (
    Account,
    AccountChange,
    ChangeOnRecord,
    NoAccount,
    accounts_of,
    check_password,
    key,
)
from pipeline.desk import passwords
from pipeline.desk.answers import Refused
from pipeline.desk.state import Desk
from pipeline.vocabulary import AccountAct


def changed_password(desk: Desk, account: Account, old: str, new: str, again: str) -> None:
    """Put another password on record; Refused with one sentence where it cannot be."""
    if not passwords.is_right(old, account.password_hash):
        raise Refused("The password that you have now is another one.")
    if new != again:
        raise Refused("The new password was typed in two ways.")
    if new == old:
        raise Refused("The new password is the one that you have.")
    try:
        check_password(new, account.name)
    except NoAccount as problem:
        raise Refused(str(problem)) from None

    def nobody_changed_it(changes: Sequence[ChangeOnRecord]) -> None:
        now = accounts_of(changes).get(key(account.name))
        if now is None or now.last_change != account.last_change:
            raise Refused("The account was changed meanwhile. Sign in again.")

    desk.change_account(
        AccountChange(
            name=account.name,
            act=AccountAct.PASSWORD_CHANGED,
            changed_by=account.name,
            password_hash=passwords.hashed(new),
        ),
        nobody_changed_it,
    )

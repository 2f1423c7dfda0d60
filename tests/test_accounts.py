"""Accounts follow from what was changed of them, in order."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounts import ChangeOnRecord, accounts_of
from pipeline.vocabulary import AccountAct, Role


def change(number: int, act: AccountAct, name: str = "a.steward", **but: object) -> ChangeOnRecord:
    return ChangeOnRecord(
        **{
            "name": name,
            "act": act,
            "changed_by": "tests",
            "role": Role.STEWARD if act == AccountAct.ADDED else None,
            "password_hash": None if act == AccountAct.DISABLED else f"hash {number}",
            "change": number,
            "changed_at": datetime(2025, 1, number, tzinfo=UTC),
            **but,
        }
    )


def test_the_newest_password_and_role_count() -> None:
    changes = [
        change(1, AccountAct.ADDED),
        change(2, AccountAct.PASSWORD_CHANGED, "A.Steward"),
        change(3, AccountAct.DISABLED),
        change(4, AccountAct.ADDED, role=Role.VIEWER),
    ]
    after = [accounts_of(changes[:n]).get("a.steward") for n in range(5)]
    assert after[0] is None
    assert [(a.is_active, a.role, a.password_hash, a.last_change) for a in after if a] == [
        (True, Role.STEWARD, "hash 1", 1),
        (True, Role.STEWARD, "hash 2", 2),
        (False, Role.STEWARD, "hash 2", 3),
        (True, Role.VIEWER, "hash 4", 4),
    ]


def test_a_closed_account_is_not_opened_by_another_password() -> None:
    changes = [
        change(1, AccountAct.ADDED),
        change(2, AccountAct.DISABLED),
        change(3, AccountAct.PASSWORD_CHANGED),
    ]
    assert not accounts_of(changes)["a.steward"].is_active


def test_what_is_said_of_nobody_makes_nobody() -> None:
    assert accounts_of([change(1, AccountAct.PASSWORD_CHANGED)]) == {}
    assert accounts_of([change(1, AccountAct.DISABLED)]) == {}


@given(st.lists(st.sampled_from([*AccountAct]), max_size=8))
def test_an_account_is_open_if_it_was_added_since_it_was_last_closed(
    acts: list[AccountAct],
) -> None:
    changes = [change(n, act) for n, act in enumerate(acts, start=1)]
    account = accounts_of(changes).get("a.steward")
    last = [act for act in acts if act != AccountAct.PASSWORD_CHANGED][-1:]
    assert (account is not None and account.is_active) == (last == [AccountAct.ADDED])


def test_roles_are_a_ladder() -> None:
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]

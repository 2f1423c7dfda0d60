"""The `muster desk` commands: serving the steward's desk, and who may sign in there.

What stays out: the desk itself (`pipeline/desk/`), and what an account is (`pipeline/accounts.py`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    StewardOption,
    opened,
    steward_name,
    stop,
)
from pipeline.vocabulary import AccountAct, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.accounts import Account, AccountChange, ChangeOnRecord
    from pipeline.desk.state import Limits
    from pipeline.programme import Thresholds
    from pipeline.storage.home import Home

DEFAULT_PORT = 3001
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")]

desk = typer.Typer(
    name="desk",
    help="""Serve the steward's web desk, and say who may sign in there.

    `muster desk` serves it on this machine alone until Ctrl-C. Each steward has an account of their
    own, since decisions are put on record under its name: docs/desk.md.""",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As decisions will be signed.")]


@desk.callback()
def serve_desk(
    context: typer.Context,
    home: HomeOption = DEFAULT_HOME,
    port: PortOption = DEFAULT_PORT,
    public_name: Annotated[
        str | None,
        typer.Option(
            "--public-name",
            metavar="NAME",
            help="Name under which a proxy with TLS on this machine passes requests on.",
        ),
    ] = None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    from pipeline.desk.app import Settings, desk_app
    from pipeline.desk.serving import PortTaken, serve
    from pipeline.desk.state import Desk

    here = opened(home)
    _ = here.programme
    if not somebody_may_sign_in(here):
        stop("Nobody can sign in yet; `muster desk add-steward NAME` makes the first account.")
    app = desk_app(Desk(here.root, _limits), Settings(public_name))
    try:
        serve(
            app,
            port,
            lambda url: typer.echo(f"Open {url}  (Ctrl-C stops the desk)"),
            proxied=public_name is not None,
        )
    except PortTaken:
        stop(f"Port {port} is taken; `muster desk --port` chooses another.")
    typer.echo("Stopped.")


@desk.command("add-steward")
def add_steward(
    name: NameArgument,
    role: Annotated[Role, typer.Option("--role", help="What the account may do.")] = Role.STEWARD,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="A file whose first line is the password; it is asked for twice if not given.",
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    steward: StewardOption = None,
) -> None:
    """Make an account, or open a closed one again with another role and password."""
    from pipeline.accounts import AccountChange, check_name, check_password, must_be_free
    from pipeline.desk.passwords import hashed

    here = opened(home)
    _ = here.programme

    def change() -> "AccountChange":
        check_name(name)
        must_be_free(name, _accounts(here))
        password = _password(password_file)
        check_password(password, name)
        return AccountChange(
            name=name,
            act=AccountAct.ADDED,
            changed_by=steward_name(steward) or "muster",
            role=role,
            password_hash=hashed(password),
        )

    _carried_out(here, change, lambda accounts: must_be_free(name, accounts))
    typer.echo(f"{name} may sign in at the desk as {role}.")


@desk.command("list-stewards")
def list_stewards(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List every account there ever was, with its role and whether it is open."""
    accounts = sorted(_accounts(opened(home)).values(), key=lambda account: account.name)
    if as_json:
        listed = [
            {
                "name": account.name,
                "role": account.role.value,
                "is_active": account.is_active,
                "added_on": str(account.added_at.date()),
            }
            for account in accounts
        ]
        typer.echo(json.dumps(listed, indent=2))
        return
    if not accounts:
        typer.echo("There are no accounts; `muster desk add-steward NAME` makes the first one.")
    for account in accounts:
        closed = "" if account.is_active else ", closed"
        typer.echo(f"{account.name}  ({account.role}{closed}, since {account.added_at.date()})")


@desk.command("disable-steward")
def disable_steward(
    name: NameArgument, home: HomeOption = DEFAULT_HOME, steward: StewardOption = None
) -> None:
    """Close an account at once: whoever is signed in with it is signed out by the next page."""
    from pipeline.accounts import AccountChange, must_be_active

    here = opened(home)

    def change() -> "AccountChange":
        return AccountChange(
            name=must_be_active(name, _accounts(here)).name,
            act=AccountAct.DISABLED,
            changed_by=steward_name(steward) or "muster",
        )

    _carried_out(here, change, lambda accounts: must_be_active(name, accounts))
    typer.echo(f"{name} cannot sign in any more. What they decided stays on record.")


def somebody_may_sign_in(home: "Home") -> bool:
    """Whether any account is open."""
    return any(account.is_active for account in _accounts(home).values())


def _accounts(home: "Home") -> "dict[str, Account]":
    from pipeline.accounts import accounts_of

    return accounts_of(home.stewardship.account_changes())


def _carried_out(
    home: "Home",
    change: "Callable[[], AccountChange]",
    must_hold: "Callable[[dict[str, Account]], object]",
) -> None:
    """Put a change of an account on record, or end in the sentence that says why it cannot be."""
    from pipeline.accounts import NoAccount, accounts_of

    def asked(changes: "Sequence[ChangeOnRecord]") -> None:
        must_hold(accounts_of(changes))

    try:
        home.stewardship.change_account(change(), datetime.now(UTC), must_hold=asked)
    except NoAccount as problem:
        stop(str(problem))


def _password(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        return file.read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError):
        stop("--password-file: it cannot be read, or is not UTF-8 text.")


def _limits(thresholds: "Thresholds") -> "Limits":
    from checks.contract import limits

    return limits(thresholds)

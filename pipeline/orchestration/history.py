"""Where Dagster keeps its history: files in the home folder, or PostgreSQL where it is configured.

What belongs here: choosing, and saying in one sentence what is wrong with a database. What stays
out: everything else in `dagster.yaml`, which is the same for both. The address stands in the
environment and in no file of Muster's; the password in neither, if libpq's own means are used.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import dagster as dg
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from pipeline.programme import UnusableConfiguration
from pipeline.storage import atomic

if TYPE_CHECKING:
    from dagster_postgres import DagsterPostgresStorage

POSTGRES: Final = "MUSTER_POSTGRES_URL"
"""Environment variable: `postgresql://user@host:port/database`; files in the home without it."""

_HOME: Final = "muster/home"
"""Under this name a database knows whose history it keeps."""
_RETRYING: Final = "Retrying failed database"
_OF_THE_DATABASE: Final = ("sqlalchemy", "psycopg2", "dagster_postgres")


class History(DagsterSqliteStorage):
    """What `dagster.yaml` names: it becomes the one or the other storage."""

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> DagsterStorage:
        """Raises UnusableConfiguration where PostgreSQL is configured and cannot be used."""
        address = os.environ.get(POSTGRES)
        if address:
            return _in_postgres(address, inst_data)
        return DagsterSqliteStorage.from_local(config_value["base_dir"], inst_data=inst_data)


def _in_postgres(address: str, inst_data: ConfigurableClassData) -> "DagsterPostgresStorage":
    try:
        from dagster_postgres import DagsterPostgresStorage  # noqa: PLC0415 - an extra
    except ImportError:
        raise UnusableConfiguration(
            f"{POSTGRES} is set, but what PostgreSQL needs is not installed; install Muster with "
            f"its extra `postgres`, or unset {POSTGRES}."
        ) from None
    scheme, separator, rest = address.partition("://")
    if scheme not in {"postgresql", "postgres"} or not separator:
        raise UnusableConfiguration(
            f"{POSTGRES} must be an address such as postgresql://muster@127.0.0.1:5432/muster."
        )
    # Each try would be told on standard error, with host and user; the last one is told below.
    logging.getLogger().addFilter(_is_no_retry)
    try:
        # Named, since SQLAlchemy would take another driver than the one Dagster brings.
        return DagsterPostgresStorage(f"postgresql+psycopg2://{rest}", inst_data=inst_data)
    except Exception as error:
        if not is_of_the_database(error):
            raise
    # Outside the handler: what the server said may name hosts and users.
    raise UnusableConfiguration(
        f"PostgreSQL cannot be used as {POSTGRES} says: it does not run, cannot be reached, "
        "refuses user or password, or has no such database. See that it runs; `psql` says more."
    )


def _is_no_retry(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_RETRYING)


def is_of_the_database(error: BaseException) -> bool:
    """Whether an error, or what it was raised because of, is of the connection to PostgreSQL."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__module__.split(".")[0] in _OF_THE_DATABASE:
            return bool(os.environ.get(POSTGRES))
        cause = cause.__cause__ or cause.__context__
    return False


GONE: Final = (
    "PostgreSQL went away during the run; see that it runs, and run again: the next run goes on "
    "where this one ended."
)


def must_be_of(home: Path, instance: dg.DagsterInstance) -> None:
    """Refuse a database that keeps the history of another home; mark one that is new as this one's.

    Runs of another home would be taken for dead, since their locks lie there. Raises
    UnusableConfiguration. Only for the one who holds the lock on the tables.
    """
    if not os.environ.get(POSTGRES):
        return
    mark = home / "dagster" / "home-id"
    own = mark.read_text("ascii") if mark.exists() else None
    storage: Any = instance.run_storage
    kept = storage.get_cursor_values({_HOME}).get(_HOME)
    if kept is None:
        own = own or uuid4().hex
        atomic.write_bytes(mark, own.encode("ascii"))
        storage.set_cursor_values({_HOME: own})
    elif kept != own:
        raise UnusableConfiguration(
            f"the database that {POSTGRES} names keeps the history of another home folder; make "
            "one for this home alone (`createdb`), also where it was restored from a backup."
        )

"""Dagster's event log written through connections that stay open for as long as a run lasts.

What stays out: what is written. Dagster opens and closes a connection for each of the three
transactions that an event of a partition takes; every close writes SQLite's log back into the file
and waits for the disk. In a run of 250 submissions that was 10 seconds, and is 2.5 this way.

Only this process's own instance is treated so: pages and daemons watch those files for changes,
and live for days.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, create_engine, event

_PATIENCE = 60
"""Seconds to wait for another process that is writing, as Dagster does."""


@contextmanager
def kept_open(instance: dg.DagsterInstance) -> Iterator[None]:
    """Let the instance's event log keep its connections until the block ends."""
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        with _files_kept_open(storage):
            yield
    elif type(storage).__name__ == "PostgresEventLogStorage":
        with _connection_kept(storage):
            yield
    else:
        yield


@contextmanager
def _connection_kept(storage: Any) -> Iterator[None]:
    """PostgreSQL starts a process for each connection; one that was lost is made again."""
    before = storage._engine
    kept = create_engine(
        storage.postgres_url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
    )
    storage._engine = kept
    try:
        yield
    finally:
        storage._engine = before
        kept.dispose()


@contextmanager
def _files_kept_open(storage: SqliteEventLogStorage) -> Iterator[None]:
    with ExitStack() as closing:
        engines: dict[str, Any] = {}

        def engine_of(shard: str) -> Any:
            if shard not in engines:
                engine = create_engine(
                    storage.conn_string_for_shard(shard),
                    pool_size=1,
                    connect_args={"timeout": _PATIENCE},
                )
                # The log is not waited for at every event: a power cut costs the last of a run's
                # history, never what the run made, and never the file.
                event.listen(engine, "connect", _do_not_wait)
                closing.callback(engine.dispose)
                engines[shard] = engine
            return engines[shard]

        @contextmanager
        def connect(shard: str) -> Iterator[Connection]:
            with storage._db_lock:
                engine = engine_of(shard)
                if shard not in storage._initialized_dbs:
                    storage._initdb(engine)
                    storage._initialized_dbs.add(shard)
                with engine.connect() as connection, connection.begin():
                    yield connection

        of_the_run = {"_connect": connect, **_asked_once(storage)}
        for name, call in of_the_run.items():
            setattr(storage, name, call)
        try:
            yield
        finally:
            for name in of_the_run:
                delattr(storage, name)


def _asked_once(storage: SqliteEventLogStorage) -> dict[str, Callable[..., bool]]:
    """Methods that look for a table or a column at every event, which stays what it is in a run."""
    has_columns = storage.has_asset_key_index_cols()
    return {
        "has_table": cache(storage.has_table),
        "_has_asset_key_index_cols_on_connection": lambda _: has_columns,
    }


def _do_not_wait(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")

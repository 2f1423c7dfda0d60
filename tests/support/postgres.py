"""A PostgreSQL server of one test's own, on loopback, from the system's own packages."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving import free_port

PASSWORD = "simcanarypassword"
USER = "muster"


def _programs() -> Path | None:
    """The newest that is there whole."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    places = sorted(found, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("pg_ctl")
    places += [Path(on_path).parent] if on_path else []
    needed = ("initdb", "pg_ctl", "psql", "pg_dump")
    return next((p for p in places if all((p / name).exists() for name in needed)), None)


@dataclass
class Server:
    """The server; `url` names a database of it with its password."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._run(
            "pg_ctl", "-D", f"{self.folder}/data", "-w", "-o", options, "-l", self.log, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", *self._data, "-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def create(self, database: str) -> str:
        """A new database; its address."""
        self.psql("postgres", f"CREATE DATABASE {database}")
        return self.url_of(database)

    def psql(self, database: str, sql: str) -> str:
        done = subprocess.run(
            [self.programs / "psql", "-qAt", self.url_of(database), "-c", sql],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def dump(self, database: str) -> str:
        """Everything that a database holds, as text."""
        done = subprocess.run(
            [self.programs / "pg_dump", self.url_of(database)],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    @property
    def _data(self) -> tuple[str, str]:
        return "-D", f"{self.folder}/data"

    @property
    def log(self) -> str:
        return f"{self.folder}/log"

    def initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(self.folder, "nobody")
            shutil.chown(secret, "nobody")
        self._run(
            *("initdb", *self._data, "-U", USER, "-E", "UTF8", "--locale=C"),
            *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        prefix = as_nobody if os.geteuid() == 0 else []
        done = subprocess.run(
            [*prefix, str(self.programs / program), *arguments],
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@contextmanager
def postgres_server() -> Iterator[Server]:
    """A running server; skips the test, saying so, where the system has none."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    # Not below pytest's folder, which another account may not enter.
    with tempfile.TemporaryDirectory(prefix="muster-postgres-") as folder:
        server = Server(programs, Path(folder), free_port())
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()

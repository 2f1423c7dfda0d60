"""The reference: DuckDB loads the same CSV files into one table of a database file, as text.

Usage: bare_load.py HOME. Prints the seconds, imports excluded.
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb

REGISTERS = ("roster", "attendance", "departures")
files = [
    str(path)
    for path in sorted(Path(sys.argv[1]).glob("landing/*/*.csv"))
    if not path.name.startswith(REGISTERS)
]
with tempfile.TemporaryDirectory() as folder:
    started = time.monotonic()
    with duckdb.connect(Path(folder) / "bare.duckdb") as connection:
        connection.execute(
            "CREATE TABLE answers AS SELECT * FROM read_csv(?, all_varchar=true, header=true)",
            [files],
        )
    print(time.monotonic() - started)

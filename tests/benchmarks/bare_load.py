"""The reference: DuckDB loads the same CSV files into a database file, as text.

Usage: bare_load.py HOME [KIND]. One table for all questionnaire files, and one for the registers of
each kind where the home has any; of one kind alone if it is said (`answers` for questionnaires).
Prints the seconds, imports excluded.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb

REGISTERS = ("roster", "attendance", "departures")


def encoding(path: Path) -> str:
    """DuckDB has to be told; one organisation writes windows-1252."""
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


files: dict[tuple[str, str], list[str]] = {}
for path in sorted(Path(sys.argv[1]).glob("landing/*/*.csv")):
    kind = next((kind for kind in REGISTERS if path.name.startswith(kind)), "answers")
    if kind in (sys.argv[2:] or [kind]):
        files.setdefault((kind, encoding(path)), []).append(str(path))
with tempfile.TemporaryDirectory() as folder:
    started = time.monotonic()
    with duckdb.connect(Path(folder) / "bare.duckdb") as connection:
        for number, ((kind, written_in), paths) in enumerate(files.items()):
            connection.execute(
                f"CREATE TABLE {kind}_{number} AS SELECT * FROM read_csv("
                "?, all_varchar=true, header=true, encoding=?, union_by_name=?)",
                # Every clerk heads registers in another way; questionnaires are all alike.
                [paths, written_in, kind != "answers"],
            )
    print(json.dumps({"seconds": time.monotonic() - started}))

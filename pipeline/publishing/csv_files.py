"""Release tables as CSV: UTF-8, lines that end in LF, columns as in the other files.

What stays out: which tables there are, and writing them down.
"""

from collections.abc import Iterator, Mapping

import polars as pl


def csv_files(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, bytes]]:
    """File name and content of every table. A figure that is left out is an empty field."""
    for name, frame in tables.items():
        yield f"{name}.csv", frame.write_csv(line_terminator="\n").encode("utf-8")

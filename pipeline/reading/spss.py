"""SPSS files (.sav, .zsav): variables as columns, with their value labels and missing values.

Answers that the mapping reads as numbers are codes; every other cell with a value label is read as
its label. What the file declares as missing is blank. Rows are numbered as in a table that has the
names of the variables in its first row: SPSS's own case 1 is row 2.
"""

import io
from typing import Final

import polars as pl

from pipeline.programme import Limits
from pipeline.reading.jisc import IDENTIFYING as _OF_JISC
from pipeline.reading.qualtrics import IDENTIFYING as _OF_QUALTRICS
from pipeline.reading.records import Records, Unreadable, distinct
from pipeline.reading.table import Table

MARKS: Final = (b"$FL2", b"$FL3")


class _Variables(Records):
    """Records of an SPSS file, its variables' names first."""

    def __init__(self, frame: pl.DataFrame, labels: list[dict[str, str]]) -> None:
        super().__init__(frame, "an SPSS file")
        self._labels = labels

    @property
    def labels(self) -> list[dict[str, str]]:
        return self._labels


def records(content: bytes, limits: Limits) -> Records:
    """Records of an SPSS file's bytes; raises Unreadable with one sentence."""
    # It costs a third of a second, so it is imported where such a file comes.
    import pyreadstat  # noqa: PLC0415

    try:
        _, about = pyreadstat.read_sav(io.BytesIO(content), metadataonly=True)
        for what, found, limit in (
            ("columns", about.number_columns, limits.columns),
            ("rows", about.number_rows, limits.rows),
        ):
            if (found or 0) > limit:
                raise Unreadable(limits.too_many(what, found, limit))
        cases, told = pyreadstat.read_sav(io.BytesIO(content), output_format="polars")
    except (Unreadable, MemoryError):
        raise
    except OverflowError:
        raise Unreadable(
            "a date in the SPSS file lies after the year 9999; correct it and send the file again"
        ) from None
    except Exception:  # noqa: BLE001 - the library raises what it likes
        raise Unreadable(
            "the SPSS file is damaged or cut short; ask for the export again"
        ) from None
    if not cases.width:
        raise Unreadable("the SPSS file has no variables; ask for the export again")
    text = cases.select(_as_text(name, dtype) for name, dtype in cases.schema.items())
    names = pl.DataFrame({name: [name] for name in cases.columns})
    frame = pl.concat([names, text])
    labels = [
        {_code(code): str(label) for code, label in known.items()}
        for known in (told.variable_value_labels.get(name, {}) for name in cases.columns)
    ]
    return _Variables(
        frame.rename({name: f"field_{place}" for place, name in enumerate(frame.columns)}), labels
    )


def read(records: Records) -> Table:
    return Table(
        columns=distinct(records.header(0)),
        records=records,
        header_records=1,
        # Platforms that write SPSS files keep their own names in them.
        identifying=_OF_JISC | _OF_QUALTRICS,
    )


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_float():
        # SPSS has no whole numbers: 4 is 4.0 in the file.
        whole = column.cast(pl.Int64, strict=False)
        text = (
            pl.when(whole == column).then(whole.cast(pl.String)).otherwise(column.cast(pl.String))
        )
    elif isinstance(dtype, pl.Datetime):
        # A day is all that is asked of a time, and mappings expect a day unless they say otherwise.
        text = column.dt.strftime("%Y-%m-%d")
    elif isinstance(dtype, pl.Time):
        text = column.dt.strftime("%H:%M:%S")
    else:
        text = column.cast(pl.String)
    return text.alias(name)


def _code(code: object) -> str:
    return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)

"""What survey platforms and registers write: one sheet -> the file's bytes and its mapping.

What belongs here: columns, headings, spellings, date formats and encodings of each layout, one
module a platform, and the dangerous places in which real files hold identifiers. What stays out:
what the rows say.
"""

from datetime import date

from pipeline.simulation.exports import microsoft_forms, qualtrics, registers, wide_csv
from pipeline.simulation.exports.writing import Export
from pipeline.simulation.plan import Layout
from pipeline.simulation.records import Sheet

__all__ = ["Export", "export"]


def export(sheet: Sheet, as_of: date, seed: int) -> Export:
    """The file of a sheet, the mapping that reads it, and the row a spreadsheet shows for each."""
    match sheet.layout:
        case None:
            return registers.write(sheet)
        case Layout.MICROSOFT_FORMS:
            return microsoft_forms.write(sheet, as_of)
        case Layout.WIDE_CSV:
            return wide_csv.write(sheet)
        case _:
            return qualtrics.write(sheet, seed)

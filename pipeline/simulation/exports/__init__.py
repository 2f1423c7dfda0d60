"""What survey platforms and registers write: one sheet -> the file's bytes and its mapping.

What belongs here: columns, headings, spellings, date formats and encodings of each layout, one
module a platform, and the dangerous places in which real files hold identifiers. What stays out:
what the rows say.
"""

from datetime import date
from typing import Final

from pipeline.simulation.exports import (
    jisc,
    limesurvey,
    microsoft_forms,
    qualtrics,
    redcap,
    registers,
    spss,
    surveymonkey,
    web_forms,
    wide_csv,
)
from pipeline.simulation.exports.writing import Export
from pipeline.simulation.plan import Layout
from pipeline.simulation.records import Sheet

__all__ = ["Export", "export"]


def export(sheet: Sheet, as_of: date, seed: int) -> Export:
    """The file of a sheet, the mapping that reads it, and the row a spreadsheet shows for each."""
    match sheet.layout:
        case None:
            return registers.write(sheet)
        case Layout.QUALTRICS_NUMERIC | Layout.QUALTRICS_LABELS:
            return qualtrics.write(sheet, seed)
        case Layout.MICROSOFT_FORMS:
            return microsoft_forms.write(sheet, as_of)
        case Layout.SPSS:
            return spss.write(sheet, as_of)
        case layout:
            return _WRITERS[layout](sheet)


_WRITERS: Final = {
    Layout.WIDE_CSV: wide_csv.write,
    Layout.REDCAP: redcap.write,
    Layout.JISC: jisc.write,
    Layout.SURVEYMONKEY: surveymonkey.write,
    Layout.LIMESURVEY: limesurvey.write,
    Layout.SMARTSURVEY: web_forms.write_smartsurvey,
    Layout.GOOGLE_FORMS: web_forms.write_google_forms,
}

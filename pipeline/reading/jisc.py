"""Jisc Online Surveys: one header record, codes or labels as the export's options say.

The URN (356806-356797-33882794) is the response's own and identifies it; where waves were merged it
stands there once a wave. Answers in codes count from one: see `offset` of the mapping.
"""

import re

from pipeline.reading.plain import IDENTIFYING as _USUAL
from pipeline.reading.records import Records, distinct
from pipeline.reading.table import Table

IDENTIFYING = _USUAL | {"urn", "unique response number", "respondent email", "respondent name"}
_URN_OF_A_WAVE = re.compile(r"urn[_. ]\w+")
_METADATA = frozenset({"StartDate", "CompletionDate", "Start date", "Completion date"})


def read(records: Records) -> Table:
    columns = distinct(records.header(0))
    waves = {name.lower() for name in columns if _URN_OF_A_WAVE.fullmatch(name.lower())}
    return Table(
        columns=columns,
        records=records,
        header_records=1,
        identifying=IDENTIFYING | waves,
        expected=_METADATA,
    )

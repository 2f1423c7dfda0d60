"""Where changes say how good their links are."""

import polars as pl

from pipeline import tables
from pipeline.evaluation.linked_by_codes import with_link_notes
from pipeline.vocabulary import LinkErrorMethod

CHANGES = pl.DataFrame(
    {
        "organisation": ["kent", "kent", "essex", "all"],
        "from_wave": "baseline",
        "to_wave": ["session_5", "session_7", "session_5", "session_5"],
        "note": [None, "why", "because", "because"],
    },
    {"organisation": pl.String, "from_wave": pl.String, "to_wave": pl.String, "note": pl.String},
)


def errors(*rows: tuple[str, str, int, float, float | None]) -> pl.DataFrame:
    made = [
        {
            "organisation": organisation,
            "from_wave": "baseline",
            "to_wave": to_wave,
            "method": method.value,
            "linked": linked,
            "wrong": wrong,
            "wrong_low": 0.0,
            "wrong_high": 2.0,
            "missed": missed,
            "missed_low": None if missed is None else 1.0,
            "missed_high": None if missed is None else 6.0,
        }
        for organisation, to_wave, linked, wrong, missed in rows
        for method in LinkErrorMethod
    ]
    return pl.DataFrame(made, tables.LINK_ERRORS.frame_schema)


def test_the_note_stands_with_the_organisation_and_in_the_total() -> None:
    told = with_link_notes(
        CHANGES,
        errors(
            ("kent", "session_5", 40, 0.42, 3.0),
            ("kent", "session_7", 30, 0.0, None),
            ("surrey", "session_5", 10, 0.2, 1.0),
        ),
    )
    assert told.columns == CHANGES.columns
    assert told["note"].to_list() == [
        "40 linked by codes: about 0.4 (0 to 2) of the links may be wrong, about 3.0 (1 to 6) "
        "missed",
        "why; 30 linked by codes: about 0.0 (0 to 2) of the links may be wrong, an unknown number "
        "missed",
        "because",
        "because; 50 of the officers linked by codes: about 0.6 of the links may be wrong, 4.0 "
        "missed",
    ]


def test_nothing_is_said_where_nobody_gives_a_code() -> None:
    assert with_link_notes(CHANGES, tables.LINK_ERRORS.empty()).equals(CHANGES)

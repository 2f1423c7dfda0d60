"""Tables of the schema `quality`: what came in, what was held, who decided, what checks found.

What stays out: cells of a file; none is kept.
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    ORGANISATION,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

SUBMISSIONS = Table(
    "quality",
    "submissions",
    "one submission",
    "What arrived and what became of it. rows_read is the sum of rows_accepted, rows_quarantined, "
    "rows_superseded, rows_held and rows_withdrawn.",
    ("submission_id",),
    (
        text("submission_id", "Organisation, source and start of the hash.", nullable=False),
        ORGANISATION,
        text("source", "Source of the organisation, as its mapping is named.", nullable=False),
        text("kind", one_of(vocabulary.Kind)),
        text("file_name", "File name with every word that could name a person masked."),
        text("sha256", "SHA-256 of the file's bytes.", nullable=False),
        Column("received_at", Type.MOMENT, "When Muster first saw the file (UTC).", nullable=False),
        Column(
            "place",
            Type.WHOLE,
            "Place in the order of arrival, from 1; it orders what was received at one moment.",
        ),
        count("rows_in_file", "Data rows in the file; NULL if it could not be read.", "rows"),
        count(
            "rows_read",
            "Rows after a wide file is unfolded to one row an officer, wave and instrument, or an "
            "officer and session; NULL if the file could not be read.",
            "rows",
        ),
        count("rows_accepted", "Rows that count.", "rows"),
        count("rows_quarantined", "Rows that broke a rule of severity reject.", "rows"),
        count("rows_superseded", "Sound rows that a newer or other row replaces.", "rows"),
        count("rows_held", "Sound rows that wait for a steward.", "rows"),
        count(
            "rows_withdrawn",
            "Rows without consent, of officers who had stopped collection, or of erased ones; "
            "nothing of them is kept.",
            "rows",
        ),
        count(
            "rows_disappeared",
            "Rows of the files it replaced that it does not hold any more; NULL if it replaced "
            "none. They are no part of rows_read.",
            "rows",
        ),
        text("verdict", one_of(vocabulary.Verdict), nullable=False),
        text("reason", "Why, in one sentence; NULL if accepted without remark."),
        text("replaced_by", "Newer submission of the same cumulative source."),
        text("decided_by", "`contract`, or the steward who decided.", nullable=False),
    ),
    sort=("organisation", "source", "received_at", "submission_id"),
)

QUARANTINE = Table(
    "quality",
    "quarantine",
    "one row of a file and one rule it broke",
    "Rows that do not count, and the warnings of rows that do. No cell of a row is kept.",
    (
        *("submission_id", "row_number", "wave", "instrument", "session_number"),
        *("rule", "column_name"),
    ),
    (
        text("submission_id", "Submission the row came with.", nullable=False),
        Column("row_number", Type.WHOLE, "Row as a spreadsheet counts it.", nullable=False),
        text("rule", "Rule that the row broke.", nullable=False),
        text("column_name", "Column concerned, where one is."),
        text("severity", one_of(vocabulary.Severity), nullable=False),
        text("participant_id", "Pseudonym, where the row has one."),
        text("wave", "Wave, where the row has one."),
        text("instrument", "Instrument, where the row has one."),
        Column("session_number", Type.WHOLE, "Session, where the row is of a register."),
        text("status", one_of(vocabulary.QuarantineStatus), nullable=False),
    ),
)

LINK_REVIEW = Table(
    "quality",
    "link_review",
    "two codes of one force that are nearly the same",
    "Codes that may be one officer's: what was taken for one, and what waits for a steward.",
    ("pair",),
    (
        text("pair", "What the two are called in `muster review links`.", nullable=False),
        text("home_force", "Police force the officers belong to.", nullable=False),
        text("code_id", "Pseudonym of one code.", nullable=False),
        text("other_code_id", "Pseudonym of the other.", nullable=False),
        text("status", one_of(vocabulary.LinkStatus), nullable=False),
        text("doubt", one_of(vocabulary.LinkDoubt)),
        Column("differing", Type.TEXTS, "Elements that differ or are missing.", nullable=False),
        count("elements", "Elements that the codes have between them.", "elements"),
        Column("given_on", Type.TEXTS, "Where the first code was given.", nullable=False),
        Column("other_given_on", Type.TEXTS, "Where the other was given.", nullable=False),
    ),
)

DECISIONS = Table(
    "quality",
    "decisions",
    "one decision of a steward",
    "What stewards decided, oldest first: a copy of stewardship.sqlite, where nothing is changed.",
    ("decision",),
    (
        count("decision", "Number of the decision, in the order in which they were taken."),
        Column("decided_at", Type.MOMENT, "When it was taken (UTC).", nullable=False),
        text("submission_id", "Submission it concerns.", nullable=False),
        count("row_number", "Row it concerns; NULL for the whole submission."),
        text("rule", "Rule that is waived; NULL unless one is."),
        text("action", one_of(vocabulary.DecisionAction), nullable=False),
        text("steward", "Who decided.", nullable=False),
        text("reason", "Why, in the steward's words.", nullable=False),
        Column("until", Type.DAY, "Last day on which a waiver holds."),
    ),
)

COMMENT_COUNTS = Table(
    "quality",
    "comment_counts",
    "organisation and state",
    "Free texts of submissions that count, by what became of them; no text is here.",
    ("organisation", "state"),
    (
        text("organisation", "Organisation that sent the texts.", nullable=False),
        text("state", one_of(vocabulary.CommentState), nullable=False),
        count("texts", "Texts, the same text of one officer once.", "texts"),
        count("quarantined", "Of these, texts of rows that are in quarantine.", "texts"),
    ),
)

CHECKS = Table(
    "quality",
    "checks",
    "one expectation of a contract on one submission",
    "What each contract found. Aggregates only.",
    ("submission_id", "contract", "expectation"),
    (
        text("submission_id", "Submission that was judged.", nullable=False),
        text("contract", "Contract of the kind or instrument.", nullable=False),
        text("expectation", "Name of the expectation.", nullable=False),
        text("column_name", "Measure of the profile that was judged.", nullable=False),
        text("severity", "Verdict that a failure leads to.", nullable=False),
        Column("passed", Type.TRUTH, "Held or not; NULL if the check itself broke."),
        number("observed", "Value of the measure."),
        text("sentence", "What a failure means, and what to do about it."),
    ),
)

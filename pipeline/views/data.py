"""Questions about the data themselves, and answers item by item.

What stays out: what stewards decide (`pipeline/review.py`).
"""

from typing import Final

from pipeline import tables
from pipeline.tables.columns import count
from pipeline.tables.table import Column, Type
from pipeline.views.view import SCHEMA, View, columns_of
from pipeline.vocabulary import Verdict

ITEM_RESPONSES = View(
    "core",
    "item_responses",
    "The answers of core.responses, one to a row.",
    "NULL is unanswered; reversed items are as given.",
    "a response and item",
    (tables.RESPONSES,),
    (
        *columns_of(
            tables.RESPONSES,
            "response_id",
            "submission_id",
            "participant_id",
            "organisation",
            "wave",
            "instrument",
        ),
        count("item", "Number of the item, from 1."),
        Column("answer", Type.ANSWER, "Answer as given; NULL is unanswered."),
    ),
    """
SELECT response_id, submission_id, participant_id, organisation, wave, instrument,
       unnest(range(1, len(items) + 1))::INTEGER AS item, unnest(items) AS answer
FROM core.responses
""",
)

WHY_ROWS_WERE_REJECTED = View(
    SCHEMA,
    "why_rows_were_rejected",
    "Which rules did rows break, in whose files, and what became of them?",
    "A row may break several rules, so rows of several lines do not add up.",
    "organisation, source, rule, column, severity and status",
    (tables.QUARANTINE, tables.SUBMISSIONS),
    (
        *columns_of(tables.SUBMISSIONS, "organisation", "source"),
        *columns_of(tables.QUARANTINE, "severity", "rule", "column_name", "status"),
        count("n_rows", "Rows of files.", "rows"),
        count("n_submissions", "Submissions with such a row.", "submissions"),
    ),
    """
WITH of_submissions AS (
  SELECT submission_id, severity, rule, column_name, status, count(DISTINCT row_number) AS n_rows
  FROM quality.quarantine
  GROUP BY ALL
)
SELECT s.organisation, s.source, q.severity, q.rule, q.column_name, q.status,
       sum(q.n_rows)::INTEGER AS n_rows, count(*)::INTEGER AS n_submissions
FROM of_submissions AS q
JOIN quality.submissions AS s USING (submission_id)
GROUP BY ALL
ORDER BY s.organisation, s.source, q.severity, n_rows DESC, q.rule, q.column_name NULLS LAST,
         q.status
""",
)

FILES_BEHIND_THIS_SNAPSHOT = View(
    SCHEMA,
    "files_behind_this_snapshot",
    "Which files do the figures come from?",
    "For a methods section or a request to make the figures again: with these files, the keys and "
    "the stewards' decisions the same tables come out.",
    "submission of which a row counts",
    (tables.SUBMISSIONS,),
    columns_of(
        tables.SUBMISSIONS,
        "submission_id",
        "organisation",
        "source",
        "kind",
        "received_at",
        "sha256",
        "rows_read",
        "rows_accepted",
        "verdict",
        "decided_by",
    ),
    f"""
SELECT submission_id, organisation, source, kind, received_at, sha256, rows_read, rows_accepted,
       verdict, decided_by
FROM quality.submissions
WHERE verdict IN ('{Verdict.ACCEPTED}', '{Verdict.ACCEPTED_WITH_WARNINGS}') AND rows_accepted > 0
ORDER BY organisation, source, received_at, submission_id
""",
)

DATA: Final = (WHY_ROWS_WERE_REJECTED, FILES_BEHIND_THIS_SNAPSHOT)

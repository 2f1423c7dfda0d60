"""Tables of the schema `meta`: what a snapshot was made from, and what its words mean.

What stays out: how their rows are made (`pipeline/about.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    INSTRUMENT,
    SUBSCALE,
    WAVE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

BUILD = Table(
    "meta",
    "build",
    "one snapshot",
    "What this snapshot was made from.",
    ("fingerprint",),
    (
        text("fingerprint", "Hash of submissions, configuration, dates and code.", nullable=False),
        text("programme", "Programme evaluated.", nullable=False),
        Column("as_of", Type.DAY, "Day for which statuses are worked out.", nullable=False),
        Column("known_at", Type.DAY, "Last day of receipt that counts; NULL for everything."),
        text(
            "changed_since",
            "`withdrawals` if officers were erased after the day that it speaks of, so that it is "
            "not what was known then; else NULL.",
        ),
        Column(
            "models_pending",
            Type.TRUTH,
            "The run is still at work on the models: trajectory, arm_contrast, icc, design and "
            "robustness are empty until it replaces this snapshot by the next.",
            nullable=False,
        ),
        text("version", "Version of Muster.", nullable=False),
    ),
)

DICTIONARY = Table(
    "meta",
    "dictionary",
    "one column of a table or view",
    "Every column of this file with its meaning, for tools that do not show comments.",
    ("schema_name", "table_name", "column_name"),
    (
        text("schema_name", "Schema of the table or view.", nullable=False),
        text("table_name", "Its name.", nullable=False),
        text("kind", "`table`, or `view`, which is worked out when it is asked.", nullable=False),
        text("about", "What the table or view holds, and what one row is.", nullable=False),
        Column("place", Type.WHOLE, "Place of the column, from 1.", nullable=False),
        text("column_name", "Name of the column.", nullable=False),
        text("type", "Its type, as DuckDB calls it.", nullable=False),
        Column("may_be_null", Type.TRUTH, "Whether a cell may be NULL.", nullable=False),
        text("unit", "What its numbers count or measure, where they have a unit."),
        text("description", "What the column means.", nullable=False),
    ),
    sort=("schema_name", "table_name", "place"),
)

QUESTIONS = Table(
    "meta",
    "questions",
    "one view of the schema `questions`",
    "What the views of the schema `questions` answer, and how to read the answer.",
    ("view",),
    (
        Column("place", Type.WHOLE, "Place among the questions, from 1.", nullable=False),
        text("view", "Name of the view, in the schema `questions`.", nullable=False),
        text("question", "What it answers.", nullable=False),
        text("caution", "How to read the answer, and what not to conclude.", nullable=False),
        text("sql", "The query behind it, to be copied and changed.", nullable=False),
    ),
    sort=("place",),
)

WAVES = Table(
    "meta",
    "waves",
    "one wave of the programme",
    "Measuring points as the programme file declares them, in order.",
    ("wave",),
    (
        Column(
            "place", Type.WHOLE, "Place in the programme, from 1: sort by this.", nullable=False
        ),
        WAVE,
        count("due_after_days", "Due so long after the cohort's first session.", "days"),
        count("opens_after_days", "First day of the window, counted likewise.", "days"),
        count("closes_after_days", "Last day of the window, counted likewise.", "days"),
        count("grace_days", "So long after that an answer is still waited for.", "days"),
        Column("follow_up", Type.TRUTH, "Whether it lies after the programme.", nullable=False),
        Column(
            "not_held_by",
            Type.TEXTS,
            "Organisations whose programme leaves it out.",
            nullable=False,
        ),
    ),
    sort=("place",),
)

INSTRUMENTS = Table(
    "meta",
    "instruments",
    "one subscale of an instrument in use",
    "Questionnaires of the programme with their scoring keys and sources; no wording of items.",
    ("instrument", "subscale"),
    (
        INSTRUMENT,
        text("title", "Its title.", nullable=False),
        SUBSCALE,
        Column("place", Type.WHOLE, "Place of the subscale, from 1.", nullable=False),
        Column(
            "primary_subscale",
            Type.TRUTH,
            "Whether the comparison named beforehand is of this subscale.",
            nullable=False,
        ),
        text("better", f"{one_of(vocabulary.Better)}.", nullable=False),
        Column("items", Type.WHOLES, "Numbers of its items.", nullable=False),
        Column("reversed_items", Type.WHOLES, "Of these, the reversed ones.", nullable=False),
        count("lowest_answer", "Lowest possible answer to an item."),
        count("highest_answer", "Highest possible answer to an item."),
        count("lowest_score", "Lowest possible score of the subscale.", "points on the subscale"),
        count("highest_score", "Highest possible score of it.", "points on the subscale"),
        number("alpha_in_print", "Cronbach's alpha that reliable change is worked out from."),
        text("alpha_source", "Where that was printed."),
        text("band_system", "Whose bands scores are put into.", nullable=False),
        text("source", "Where the scoring key comes from.", nullable=False),
        text("licence", "On which terms the questionnaire may be used.", nullable=False),
    ),
    sort=("instrument", "place"),
)

BANDS = Table(
    "meta",
    "bands",
    "band of a subscale",
    "Limits of the bands that scores are put into.",
    ("instrument", "subscale", "band"),
    (
        INSTRUMENT,
        SUBSCALE,
        text("band_system", "Whose bands they are.", nullable=False),
        Column("place", Type.WHOLE, "Place of the band, from 1 for the lowest.", nullable=False),
        text("band", "Name of the band.", nullable=False),
        text("level", f"{one_of(vocabulary.BandLevel)}.", nullable=False),
        count("lowest", "Lowest score of the band.", "points on the subscale"),
        count("highest", "Highest score of it.", "points on the subscale"),
    ),
    sort=("instrument", "subscale", "place"),
)

THRESHOLDS = Table(
    "meta",
    "thresholds",
    "one limit",
    "Limits at which a figure is flagged, left out or called something, with their values here.",
    ("threshold",),
    (
        text("threshold", "Name of the limit.", nullable=False),
        text("concerns", "Table that shows what it does.", nullable=False),
        Column("value", Type.NUMBER, "Its value.", nullable=False),
        text("unit", "What the value counts or measures.", nullable=False),
        text("set_by", "`programme` for the programme file, else `method`.", nullable=False),
        text("meaning", "What happens beyond it.", nullable=False),
    ),
    sort=("concerns", "threshold"),
)

SOFTWARE = Table(
    "meta",
    "software",
    "one program or library",
    "Versions of what made this snapshot.",
    ("component",),
    (
        text("component", "Program or library.", nullable=False),
        text("version", "Its version.", nullable=False),
    ),
)

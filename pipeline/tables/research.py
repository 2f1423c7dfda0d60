"""Tables of `research_view.duckdb`: who may read that file may not read the warehouse."""

from pipeline import vocabulary
from pipeline.tables.columns import (
    INSTRUMENT,
    OFFICERS,
    POINTS,
    SUBSCALE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

_RESEARCH_OFFICER = text(
    "officer",
    "The officer in this extract alone: another extract calls them otherwise, so that two cannot "
    "be joined by it.",
    nullable=False,
)

RESEARCH_OFFICERS = Table(
    "research",
    "officers",
    "one officer whose row could be protected",
    "Officers without name, pseudonym, unit, session group, facilitator, cohort or date. At least "
    "five rows are alike in every column but the first, and their last burnout bands are not all "
    "one. NULL is not known, or not given where `generalised` says so.",
    ("officer",),
    (
        _RESEARCH_OFFICER,
        text("country", "Country of the home force."),
        text("organisation", "Organisation that enrolled the officer first."),
        text("home_force", "Police force the officer belongs to."),
        text("arm", "Arm of the programme."),
        text("rank_group", "Group of ranks."),
        text("service_band", "Length of service in bands, or in two wider ones."),
        text("gender", "Gender, in the usual words or the mapping's own."),
        text("ethnicity_group", "Group of ethnicity, self-defined or as observed (IC codes)."),
        text("sessions_band", "Sessions attended in bands, or `under 2` and `2 or more`."),
        text(
            "departure",
            "`stayed`, `withdrew`, `left_organisation`; or `departed` for either of the last two.",
        ),
        Column("waves", Type.TEXTS, "Waves answered, in the programme's order."),
        count("waves_answered", "How many waves were answered.", "waves"),
        Column("answered", Type.TRUTH, "Whether any wave was answered.", nullable=False),
        Column(
            "generalised",
            Type.TEXTS,
            "What is given more coarsely than recorded in this row, and how.",
            nullable=False,
        ),
    ),
)

RESEARCH_SCORES = Table(
    "research",
    "scores",
    "one officer, wave or occasion, instrument and subscale",
    "Subscale scores of the officers in research.officers, as far as their row says which waves "
    "they answered: all waves by name; all in order, without names; or the last with a band alone.",
    ("officer", "occasion", "instrument", "subscale"),
    (
        _RESEARCH_OFFICER,
        text("wave", "Measuring point; NULL where waves are not given."),
        count("occasion", "Place among the waves the officer answered, from 1."),
        count(
            "weeks_after_due",
            "Whole weeks from the day due to the answer, below 0 if early. Given only where at "
            "least five officers alike answered this wave in that week, in more than one band.",
            "weeks",
        ),
        INSTRUMENT,
        SUBSCALE,
        number("raw_score", "Sum of the items after reversal; NULL if not scorable.", POINTS),
        Column("prorated", Type.TRUTH, "Scored from the answered items, as the programme allows."),
        text("band", "Band of the score; NULL if not scorable."),
        text("band_system", "Whose bands they are.", nullable=False),
    ),
)

RESEARCH_GENERALISED = Table(
    "research",
    "generalised",
    "attribute, level and reason",
    "What was made coarser or left out so that no row stands alone, and in how many rows.",
    ("attribute", "level", "reason"),
    (
        text("attribute", "What is said of officers; `row` is the whole officer.", nullable=False),
        text("level", "How it is given instead.", nullable=False),
        text("reason", one_of(vocabulary.CoarserBecause), nullable=False),
        count("rows_affected", "Rows that have it so.", "rows"),
        number("share", "Of all officers or, for weeks, of all answers.", "share"),
    ),
)

RESEARCH_BUILD = Table(
    "research",
    "build",
    "one extract",
    "What this extract was made from, and what it promises.",
    ("snapshot",),
    (
        text("snapshot", "Start of a hash of the warehouse's fingerprint.", nullable=False),
        text("programme", "Programme evaluated.", nullable=False),
        Column("as_of", Type.DAY, "Day for which statuses are worked out.", nullable=False),
        Column("known_at", Type.DAY, "Last day of receipt that counts; NULL for everything."),
        text("version", "Version of Muster.", nullable=False),
        count("alike", "Rows of a class, at least.", "rows"),
        count("bands", "Different bands of a class with any band, at least.", "bands"),
        text("protected_instrument", "Questionnaire of the band that is protected."),
        text("protected_subscale", "Subscale of the band that is protected."),
        count("officers", "Officers enrolled.", OFFICERS),
        count("rows_given", "Officers whose row is given.", "rows"),
        number(
            "detail_kept",
            "Mean over officers of 1 less cost over the highest cost, with the costs of "
            "docs/research.md: 1 is everything as recorded, 0 nothing.",
            "share",
        ),
    ),
)

"""Tables of the schema `core`: who enrolled, what they answered, when they came; who was linked.

What stays out: figures about groups (`evaluation.py`, `follow_up.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    FROM_WAVE,
    INSTRUMENT,
    NOTE,
    OFFICERS,
    ORGANISATION,
    PARTICIPANT,
    POINTS,
    RESPONSE,
    SUBSCALE,
    TO_WAVE,
    WAVE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

ORGANISATIONS = Table(
    "core",
    "organisations",
    "one organisation",
    "Organisations that sent something, or that somebody who enrolled belongs to.",
    ("organisation",),
    (
        ORGANISATION,
        text("name", "Full name.", nullable=False),
        text("kind", one_of(vocabulary.OrganisationKind), nullable=False),
        text("country", "Country.", nullable=False),
        text("police_force_area_code", "Police force area code of the ONS, where there is one."),
    ),
)

PARTICIPANTS = Table(
    "core",
    "participants",
    "one enrolled officer",
    "Everybody who enrolled, whether they came, answered, left or not.",
    ("participant_id",),
    (
        PARTICIPANT,
        text("organisation", "Organisation that enrolled the officer first.", nullable=False),
        text("home_force", "Police force the officer belongs to.", nullable=False),
        text("unit", "Unit as the roster names it."),
        text("session_group", "Pseudonym of the group the officer sits with."),
        text("facilitator", "Pseudonym of the group's facilitator."),
        text("cohort", "Officers of one organisation who begin together."),
        text("arm", "Arm of the programme.", nullable=False),
        text("rank_group", "Group of ranks."),
        text("service_band", "Length of service in bands.", nullable=True),
        text("gender", "Gender, in the usual words or the mapping's own."),
        text("ethnicity_group", "Group of ethnicity, self-defined or as observed (IC codes)."),
        Column("enrolled_on", Type.DAY, "Day of enrolment, where it is known."),
        text("enrolment_source", one_of(vocabulary.EnrolmentSource), nullable=False),
        Column("departed_on", Type.DAY, "Day the officer withdrew or left."),
        text("departure_kind", one_of(vocabulary.DepartureKind)),
        count("sessions_attended", "Sessions attended up to the as-of date.", "sessions"),
        text("dropout_stage", one_of(vocabulary.DropoutStage), nullable=False),
        text("last_wave_completed", "Last wave with a scorable response."),
    ),
)

MEMBERSHIPS = Table(
    "core",
    "memberships",
    "one officer in one organisation",
    "Which organisations reported an officer, and when.",
    ("participant_id", "organisation"),
    (
        PARTICIPANT,
        ORGANISATION,
        Column("first_seen_on", Type.DAY, "First day on which the organisation reported them."),
        Column("last_seen_on", Type.DAY, "Last day on which the organisation reported them."),
    ),
)

PARTICIPANT_ALIAS = Table(
    "core",
    "participant_alias",
    "one pseudonym that an officer took on",
    "Officers who went to another force, with a new number and hence a new pseudonym, and officers "
    "whose self-generated codes differ here and there. Every other table has them under "
    "participant_id alone.",
    ("alias_id",),
    (
        text("participant_id", "Pseudonym that the officer keeps: their first.", nullable=False),
        text(
            "alias_id", "Pseudonym by their number in the new force, or of a code.", nullable=False
        ),
        text(
            "organisation",
            "Organisation that reported the transfer, or sent the code.",
            nullable=False,
        ),
        Column("transferred_on", Type.DAY, "Day they left the force before; NULL for codes."),
        Column(
            "taken_up",
            Type.TRUTH,
            "Anything came in under the new pseudonym, so they go on taking part; else they count "
            "as having left.",
            nullable=False,
        ),
    ),
)

LINK_RATES = Table(
    "core",
    "link_rates",
    "organisation, pair of waves and tier",
    "Officers known by codes: how many were linked between two waves, by what, and how many not.",
    ("organisation", "from_wave", "to_wave", "tier"),
    (
        text("organisation", "Organisation that sent the answers.", nullable=False),
        FROM_WAVE,
        TO_WAVE,
        text("tier", one_of(vocabulary.LinkTier), nullable=False),
        count("n", "Officers, as far as the links are right.", OFFICERS),
    ),
)

LINK_ERRORS = Table(
    "core",
    "link_errors",
    "organisation, pair of waves and method",
    "Officers known by codes: estimates of how many links between two waves are wrong, and how "
    "many officers who answered both were not linked.",
    ("organisation", "from_wave", "to_wave", "method"),
    (
        text("organisation", "Organisation that sent the answers.", nullable=False),
        FROM_WAVE,
        TO_WAVE,
        text("method", one_of(vocabulary.LinkErrorMethod), nullable=False),
        count("linked", "Officers linked between the waves, of every tier.", OFFICERS),
        number("wrong", "Expected number of links of two officers.", OFFICERS),
        number("wrong_low", "Lower limit of the 95% interval of that number.", OFFICERS),
        number("wrong_high", "Upper limit of it.", OFFICERS),
        number("missed", "Expected number of officers not linked to themselves.", OFFICERS),
        number("missed_low", "Lower limit of the 95% interval of that number.", OFFICERS),
        number("missed_high", "Upper limit of it.", OFFICERS),
        NOTE,
    ),
)

RESPONSES = Table(
    "core",
    "responses",
    "one officer, wave and instrument",
    "Accepted answers. No timestamps, no free text. `core.item_responses` has one row an item.",
    ("participant_id", "wave", "instrument"),
    (
        RESPONSE,
        text("submission_id", "Submission the answers came with.", nullable=False),
        PARTICIPANT,
        text("organisation", "Organisation that sent the answers.", nullable=False),
        WAVE,
        INSTRUMENT,
        Column("completed_on", Type.DAY, "Day of completion, where the export says it."),
        Column("items", Type.ANSWERS, "Answers as given, item 1 first; NULL is unanswered."),
        count("items_answered", "Number of items answered.", "items"),
        count("duration_seconds", "Time taken, where the platform records it.", "seconds"),
        Column(
            "flags",
            Type.TEXTS,
            "Rules of severity warn that the response broke, and rules that a steward waived.",
        ),
    ),
)

SCORES = Table(
    "core",
    "scores",
    "one response and subscale",
    "Subscale scores of the responses that count.",
    ("participant_id", "wave", "instrument", "subscale"),
    (
        RESPONSE,
        PARTICIPANT,
        text("organisation", "Organisation that sent the answers.", nullable=False),
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        number("raw_score", "Sum of the items after reversal; NULL if not scorable.", POINTS),
        count("items_answered", "Items of the subscale that were answered.", "items"),
        Column("prorated", Type.TRUTH, "Scored from the answered items, as the programme allows."),
        text("band", "Band of the score; NULL if not scorable."),
        text("band_system", "Whose bands they are.", nullable=False),
    ),
)

ATTENDANCE = Table(
    "core",
    "attendance",
    "one officer and session",
    "Who came to which session.",
    ("participant_id", "session_number"),
    (
        PARTICIPANT,
        text("organisation", "Organisation that kept the register.", nullable=False),
        text("session_group", "Pseudonym of the group that met."),
        Column("session_number", Type.WHOLE, "Number of the session, from 1.", nullable=False),
        Column("held_on", Type.DAY, "Day of the session."),
        Column("cancelled", Type.TRUTH, "The session was not held.", nullable=False),
        Column("attended", Type.TRUTH, "The officer came; NULL if the session was cancelled."),
        count("minutes", "Time attended.", "minutes"),
        text("absence_reason", "Reason of absence, in the usual words or the mapping's own."),
    ),
)

PARTICIPANT_WAVES = Table(
    "core",
    "participant_waves",
    "one enrolled officer and wave",
    "What became of every measurement that was to happen.",
    ("participant_id", "wave"),
    (
        PARTICIPANT,
        text("organisation", "Organisation that enrolled the officer first.", nullable=False),
        WAVE,
        Column("due_on", Type.DAY, "Day the wave falls due for the officer's cohort."),
        Column("window_opens_on", Type.DAY, "First day of the window."),
        Column("window_closes_on", Type.DAY, "Last day of the window."),
        Column(
            "missed_after",
            Type.DAY,
            "Last day on which an answer is waited for: the window's, and the days of grace.",
        ),
        text("status", one_of(vocabulary.WaveStatus), nullable=False),
        text("reason", "What is known about why, such as long absence."),
        Column("completed_on", Type.DAY, "Day of completion, where the export says it."),
        Column("response_id", Type.KEY, "Response that counts, if there is one."),
    ),
)

COMMENTS = Table(
    "core",
    "comments",
    "one text of one officer, wave and question",
    "Free text that a steward has read and approved, redacted. No other text is in any table, and "
    "none of it is released by default.",
    ("comment_id",),
    (
        text("comment_id", "The text, the same in every snapshot under one key.", nullable=False),
        text("participant_id", "Pseudonym of the officer; NULL if the row names nobody."),
        text("organisation", "Organisation that sent the text.", nullable=False),
        text("wave", "Measuring point; NULL if the text is of no one wave."),
        text("question", "Question, as the mapping names it.", nullable=False),
        text(
            "text",
            "The text; words in brackets, such as [name], stand for what was covered.",
            nullable=False,
        ),
        Column("themes", Type.TEXTS, "Themes that the steward gave it.", nullable=False),
        text("approved_by", "Steward who approved it last.", nullable=False),
        Column("approved_on", Type.DAY, "Day of that.", nullable=False),
    ),
)

"""Tables of the schema `evaluation` about taking part: flow, retention, attrition, what is due.

What stays out: scores and how they changed (`evaluation.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    ALL_ARMS,
    ALL_ORGANISATIONS,
    INSTRUMENT,
    NOTE,
    OFFICERS,
    POINTS,
    SUBSCALE,
    WAVE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

_DENOMINATOR = text("denominator", one_of(vocabulary.Denominator), nullable=False)

PARTICIPANT_FLOW = Table(
    "evaluation",
    "participant_flow",
    "organisation, arm, denominator, stage and status",
    "What a STROBE flow chart shows; at every wave the statuses add up to the enrolled. Choose one "
    "denominator: the officers of the second are among those of the first. Officers who were "
    "erased are counted at the stage `erased`, by organisation, and nowhere else.",
    ("organisation", "arm", "denominator", "stage", "status"),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        _DENOMINATOR,
        text("stage", "`erased`, `enrolled`, `dropout`, or a wave.", nullable=False),
        text(
            "status",
            "Enrolment source, dropout stage or status at the wave; `erased` at that stage.",
            nullable=False,
        ),
        count("n", "Officers.", OFFICERS),
        NOTE,
    ),
    keeps_order=True,
)

RETENTION = Table(
    "evaluation",
    "retention",
    "organisation, arm, denominator and time",
    "How many were still taking part after each wave: Kaplan-Meier over waves. Dropping out and "
    "leaving the organisation compete (Aalen-Johansen): retained, dropped_out and "
    "left_organisation add up to 1.",
    ("organisation", "arm", "denominator", "time"),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        _DENOMINATOR,
        Column(
            "time",
            Type.WHOLE,
            "Place of the last wave answered in the programme, from 1; 0 is enrolment.",
            nullable=False,
        ),
        text("wave", "The wave at that place; NULL at enrolment."),
        count(
            "n_at_risk",
            "Officers who came as far as this and of whom the next wave held is decided; after "
            "the last wave, all who answered it. n_at_risk less n_left, less n_censored one time "
            "later, is n_at_risk one time later.",
            OFFICERS,
        ),
        count("n_left", "Those who came no further: dropped out or left.", OFFICERS),
        count(
            "n_dropped_out",
            "Of these, missed the next wave or withdrew, and it has closed.",
            OFFICERS,
        ),
        count(
            "n_left_organisation",
            "Of these, left the organisation, and the next wave has closed.",
            OFFICERS,
        ),
        count(
            "n_censored",
            "Came as far as this and are not in n_at_risk: no later wave is held, or the next has "
            "not closed, also for those who have departed since. None after the last wave.",
            OFFICERS,
        ),
        number("retained", "Share still taking part afterwards.", "share"),
        number("standard_error", "Greenwood's standard error of retained.", "share"),
        number("ci_low", "Lower limit of the 95% interval (log-log).", "share"),
        number("ci_high", "Upper limit of the 95% interval (log-log).", "share"),
        number("dropped_out", "Cumulative incidence of dropping out.", "share"),
        number("dropped_out_low", "Lower limit of its 95% interval (log-log).", "share"),
        number("dropped_out_high", "Upper limit of its 95% interval (log-log).", "share"),
        number("left_organisation", "Cumulative incidence of leaving.", "share"),
        number("left_organisation_low", "Lower limit of its 95% interval (log-log).", "share"),
        number("left_organisation_high", "Upper limit of its 95% interval (log-log).", "share"),
        NOTE,
    ),
    keeps_order=True,
)

RETENTION_COMPARISON = Table(
    "evaluation",
    "retention_comparison",
    "arm and denominator",
    "Whether organisations differ in how many drop out: log-rank test over all of them.",
    ("arm", "denominator"),
    (
        ALL_ARMS,
        _DENOMINATOR,
        count("n_organisations", "Organisations compared.", "organisations"),
        number("chi_square", "Log-rank statistic."),
        count("degrees_of_freedom", "Its degrees of freedom."),
        number("p_value", "Its p value."),
        NOTE,
    ),
    keeps_order=True,
)

ATTRITION = Table(
    "evaluation",
    "attrition",
    "organisation, denominator, instrument and subscale",
    "Scores at the first wave of those who dropped out later and of those who stayed.",
    ("organisation", "denominator", "instrument", "subscale"),
    (
        ALL_ORGANISATIONS,
        _DENOMINATOR,
        INSTRUMENT,
        SUBSCALE,
        count("n_left", "Officers who dropped out after the first wave.", OFFICERS),
        count("n_stayed", "Officers who had not, could have, and have not departed.", OFFICERS),
        number("mean_left", "Mean score at the first wave of those who left.", POINTS),
        number("mean_stayed", "Mean score at the first wave of those who stayed.", POINTS),
        number(
            "standardised_difference",
            "Left minus stayed, over the root of the mean of their variances.",
            "standard deviations",
        ),
        text("flag", one_of(vocabulary.Imbalance)),
        NOTE,
    ),
    keeps_order=True,
)

ATTRITION_MODEL = Table(
    "evaluation",
    "attrition_model",
    "term of the model",
    "Logistic regression of dropping out after the first wave on the scores there, rank group and "
    "organisation; all organisations together.",
    ("term",),
    (
        text("term", "Intercept, subscale, or group against the largest.", nullable=False),
        number("estimate", "Change of the log odds of dropping out."),
        number("se", "Its standard error."),
        number("odds_ratio", "exp(estimate)."),
        number("ci_low", "Lower limit of the 95% interval of the odds ratio."),
        number("ci_high", "Upper limit of the 95% interval of the odds ratio."),
        count("n", "Officers in the model.", OFFICERS),
        NOTE,
    ),
    keeps_order=True,
)

DOSE_RESPONSE = Table(
    "evaluation",
    "dose_response",
    "organisation, band of sessions, wave, instrument and subscale",
    "Change since the first wave by sessions attended. Descriptive: those who stay longer differ "
    "from those who leave.",
    ("organisation", "sessions_band", "wave", "instrument", "subscale"),
    (
        ALL_ORGANISATIONS,
        text("sessions_band", one_of(vocabulary.SessionsBand), nullable=False),
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("n", "Officers with a score at both waves.", OFFICERS),
        number("mean_change", "Mean of later minus first.", POINTS),
        number("ci_low", "Lower limit of the 95% interval of the mean change.", POINTS),
        number("ci_high", "Upper limit of the 95% interval of the mean change.", POINTS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

FOLLOW_UP_DUE = Table(
    "evaluation",
    "follow_up_due",
    "organisation and wave",
    "Measurements that wait for an answer on the as-of date, and those that come next.",
    ("organisation", "wave"),
    (
        ALL_ORGANISATIONS,
        WAVE,
        count(
            "expected",
            "Officers asked, by now or later: all but those who had gone without an answer and "
            "those whose programme leaves the wave out. The sum of answered, due, overdue, missed "
            "and not_yet_due.",
            OFFICERS,
        ),
        count("answered", "Of these, answered.", OFFICERS),
        count("due", "Window open, day due not yet passed, no answer.", OFFICERS),
        count("overdue", "Window open, day due passed, no answer.", OFFICERS),
        count("closing", "Of due and overdue, the window closes within 14 days.", OFFICERS),
        count("missed", "Window closed, no answer.", OFFICERS),
        count("not_yet_due", "Window not yet open, or its dates not known.", OFFICERS),
        Column(
            "next_due_on",
            Type.DAY,
            "Earliest day due of windows that have not opened; NULL if none is left.",
        ),
        Column(
            "next_closing_on",
            Type.DAY,
            "Earliest last day of windows that are open and wait for somebody; NULL if none.",
        ),
        NOTE,
    ),
    keeps_order=True,
)

"""Tables of the schema `evaluation` that models give: trajectories, arms, likeness, design.

What stays out: what is counted and averaged without a model (`evaluation.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    ALL_ARMS,
    FROM_WAVE,
    INSTRUMENT,
    NAMED_BEFOREHAND,
    NOTE,
    OFFICERS,
    POINTS,
    SUBSCALE,
    TO_WAVE,
    WAVE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Table, Type

TRAJECTORY = Table(
    "evaluation",
    "trajectory",
    "arm, pair of waves, instrument and subscale",
    "Level and change by a mixed model for repeated measures of everybody with any score, those "
    "who left early included; all organisations together. A change, not an effect.",
    ("arm", "from_wave", "wave", "instrument", "subscale"),
    (
        ALL_ARMS,
        text(
            "from_wave",
            "Wave that the change is counted from: the programme's first, or the earlier one of "
            "the primary contrast.",
            nullable=False,
        ),
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        NAMED_BEFOREHAND,
        number("estimate", "Mean score, had everybody in the model answered this wave.", POINTS),
        number("se", "Standard error if officers were independent of each other.", POINTS),
        number("se_clustered", "Standard error clustered by the clusters of n_clusters.", POINTS),
        number("ci_low", "Lower limit of the 95% interval, clustered.", POINTS),
        number("ci_high", "Upper limit of the 95% interval, clustered.", POINTS),
        number("change", "Estimate less that of from_wave.", POINTS),
        number("change_se", "Standard error if officers were independent of each other.", POINTS),
        number("change_se_clustered", "Standard error of the change, clustered.", POINTS),
        number("change_ci_low", "Lower limit of the change's 95% interval, clustered.", POINTS),
        number("change_ci_high", "Upper limit of the change's 95% interval, clustered.", POINTS),
        count("n", "Officers with a score at this wave.", OFFICERS),
        count("n_clusters", "Organisations or session groups behind the intervals.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

ARM_CONTRAST = Table(
    "evaluation",
    "arm_contrast",
    "pair of arms, pair of waves, instrument and subscale",
    "Change of one arm less that of another, by the model of trajectory, and all who have begun "
    "less all who have not where arms begin in steps. An effect only where arms were made alike, "
    "as by allocation at random.",
    ("arm", "reference_arm", "from_wave", "wave", "instrument", "subscale"),
    (
        text("arm", "Arm that begins earlier; `all` where arms begin in steps.", nullable=False),
        text("reference_arm", "Arm that begins later or never, or `all`.", nullable=False),
        text(
            "from_wave",
            "Wave that changes are counted from: the programme's first, or the earlier one of the "
            "primary contrast; `all` where arms begin in steps.",
            nullable=False,
        ),
        text("wave", "Measuring point; `all` where arms begin in steps.", nullable=False),
        INSTRUMENT,
        SUBSCALE,
        text("compared", one_of(vocabulary.ComparedArms), nullable=False),
        Column(
            "named_beforehand",
            Type.TRUTH,
            "The primary contrast of the programme file, of its arm less the first one listed that "
            "has not begun by then; every other row is secondary.",
            nullable=False,
        ),
        number("estimate", "Change since from_wave less that of the reference.", POINTS),
        number("se", "Standard error if officers were independent of each other.", POINTS),
        number("se_clustered", "Standard error clustered by the clusters of n_clusters.", POINTS),
        number("ci_low", "Lower limit of the 95% interval, clustered.", POINTS),
        number("ci_high", "Upper limit of the 95% interval, clustered.", POINTS),
        count("n", "Officers of the arm with a score at the wave.", OFFICERS),
        count("n_reference", "Officers of the reference arm with a score at the wave.", OFFICERS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

ICC = Table(
    "evaluation",
    "icc",
    "measure, level, instrument and subscale",
    "How far officers of one session group, and of one organisation, are alike: intraclass "
    "correlations over all organisations and arms.",
    ("measure", "level", "instrument", "subscale"),
    (
        text("measure", one_of(vocabulary.Measure), nullable=False),
        text("level", one_of(vocabulary.ClusterLevel), nullable=False),
        INSTRUMENT,
        SUBSCALE,
        number("icc", "Intraclass correlation: 0 for officers who are no more alike than any."),
        number("ci_low", "Lower limit of its 95% interval."),
        number("ci_high", "Upper limit of its 95% interval."),
        number(
            "sd",
            "Standard deviation of all values: n less the number of means (of arms) taken off.",
            POINTS,
        ),
        count("n", "Officers with the value.", OFFICERS),
        count("n_clusters", "Session groups or organisations that they belong to.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

DESIGN = Table(
    "evaluation",
    "design",
    "instrument, subscale, change and power",
    "Officers, session groups and organisations that another evaluation would need to see a "
    "stated change without a comparison group, if they are like those observed.",
    ("instrument", "subscale", "change", "power"),
    (
        INSTRUMENT,
        SUBSCALE,
        FROM_WAVE,
        TO_WAVE,
        Column("change", Type.NUMBER, "Change to be seen, of either sign.", POINTS, nullable=False),
        Column(
            "power",
            Type.NUMBER,
            "Probability of seeing it: of a two-sided test at 5% that tells it from no change.",
            nullable=False,
        ),
        number("sd_change", "Standard deviation of the change, as observed.", POINTS),
        number("icc_group", "Correlation of the change of two officers of one session group."),
        number("icc_organisation", "Correlation of the change of two of one organisation."),
        number("design_effect", "Times as many officers as if they were independent."),
        number("share_with_both", "Share of enrolled officers who gave both scores."),
        count("n_officers", "Officers to enrol.", OFFICERS),
        count("n_groups", "Session groups they would sit in.", "session groups"),
        count("n_organisations", "Organisations they would come from.", "organisations"),
        number("power_now", "Power of a study as large as this one."),
        NOTE,
    ),
    keeps_order=True,
)

ROBUSTNESS = Table(
    "evaluation",
    "robustness",
    "pair of waves, instrument, subscale and method",
    "Change of all organisations, of the arm that the primary contrast speaks of, by methods that "
    "treat dropout differently. A change, not an effect.",
    ("from_wave", "to_wave", "instrument", "subscale", "method"),
    (
        text(
            "arm",
            "Arm whose officers are counted, the same in every row; `all` is everybody.",
            nullable=False,
        ),
        text(
            "from_wave",
            "Wave that the change is counted from: the programme's first, or the earlier one of "
            "the primary contrast.",
            nullable=False,
        ),
        TO_WAVE,
        INSTRUMENT,
        SUBSCALE,
        text("method", one_of(vocabulary.RobustnessMethod), nullable=False),
        NAMED_BEFOREHAND,
        number("estimate", "Mean of later minus earlier.", POINTS),
        number("ci_low", "Lower limit of its 95% interval.", POINTS),
        number("ci_high", "Upper limit of its 95% interval.", POINTS),
        count("n", "Officers whose change is counted, imputed ones included.", OFFICERS),
        count("n_imputed", "Of them, those whose later score is imputed.", OFFICERS),
        number("effective_n", "Officers of one weight that would be as precise.", OFFICERS),
        number("delta", "Shift of the scores of those who did not answer.", "baseline SDs"),
        number(
            "tipping_delta",
            "The shift nearest to 0 at which the interval includes 0.",
            "baseline SDs",
        ),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        number(
            "r_hat",
            "Of the imputation's chain, how far its two halves differ: near 1 if they do not, and "
            "the note says so above 1.1.",
        ),
        text("outcome", one_of(vocabulary.RobustnessOutcome), nullable=False),
        NOTE,
    ),
    keeps_order=True,
)

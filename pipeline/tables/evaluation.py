"""Tables of the schema `evaluation` about scores: level, change, and how sure they are.

What stays out: who took part, who left and who is due (`follow_up.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    ALL_ARMS,
    ALL_ORGANISATIONS,
    FROM_WAVE,
    INSTRUMENT,
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

WAVE_SUMMARY = Table(
    "evaluation",
    "wave_summary",
    "organisation, arm, wave, instrument and subscale",
    "Scores at each wave, of everybody who answered it. Read changes from paired_change.",
    ("organisation", "arm", "wave", "instrument", "subscale"),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("n", "Officers with a score.", OFFICERS),
        number("mean", "Mean score.", POINTS),
        number("sd", "Standard deviation, n - 1.", POINTS),
        number("ci_low", "Lower limit of the 95% interval of the mean.", POINTS),
        number("ci_high", "Upper limit of the 95% interval of the mean.", POINTS),
        count("n_low", "Officers in the lowest band.", OFFICERS),
        count("n_moderate", "Officers in the bands between.", OFFICERS),
        count("n_high", "Officers in the highest band.", OFFICERS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

PAIRED_CHANGE = Table(
    "evaluation",
    "paired_change",
    "organisation, arm, pair of waves, instrument and subscale",
    "Change of the officers who answered both waves: later minus earlier. A change, not an effect.",
    ("organisation", "arm", "from_wave", "to_wave", "instrument", "subscale"),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        text("from_wave", "Earlier wave.", nullable=False),
        text("to_wave", "Later wave.", nullable=False),
        INSTRUMENT,
        SUBSCALE,
        Column(
            "named_beforehand",
            Type.TRUTH,
            "The primary contrast of the programme file; every other row is secondary.",
            nullable=False,
        ),
        count("n", "Officers with a score at both waves.", OFFICERS),
        number("mean_change", "Mean of later minus earlier.", POINTS),
        number("sd_change", "Standard deviation of the change, n - 1.", POINTS),
        number("ci_low", "Lower limit of the 95% interval of the mean change.", POINTS),
        number("ci_high", "Upper limit of the 95% interval of the mean change.", POINTS),
        number("correlation", "Pearson correlation of the two scores."),
        number("d_av", "Mean change over the mean of the two SDs.", "standard deviations"),
        number("d_rm", "Effect size for repeated measures.", "standard deviations"),
        number("g_av", "d_av with Hedges' correction.", "standard deviations"),
        count("n_reliably_better", "Reliable change (Jacobson and Truax 1991), better.", "people"),
        count("n_reliably_worse", "Reliable change (Jacobson and Truax 1991), worse.", "people"),
        number("reliable_change", "Smallest change that counts as reliable.", POINTS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

TRAJECTORY = Table(
    "evaluation",
    "trajectory",
    "arm, wave, instrument and subscale",
    "Level and change by a mixed model for repeated measures of everybody with any score, those "
    "who left early included; all organisations together. A change, not an effect.",
    ("arm", "wave", "instrument", "subscale"),
    (
        ALL_ARMS,
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        Column(
            "named_beforehand",
            Type.TRUTH,
            "The primary contrast of the programme file; every other row is secondary.",
            nullable=False,
        ),
        number("estimate", "Mean score, had everybody in the model answered this wave.", POINTS),
        number("se", "Standard error if officers were independent of each other.", POINTS),
        number("se_clustered", "Standard error clustered by the clusters of n_clusters.", POINTS),
        number("ci_low", "Lower limit of the 95% interval, clustered.", POINTS),
        number("ci_high", "Upper limit of the 95% interval, clustered.", POINTS),
        number("change", "Estimate less that of the first wave.", POINTS),
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
    "pair of arms, wave, instrument and subscale",
    "Change of one arm less that of another, by the model of trajectory, and all who have begun "
    "less all who have not where arms begin in steps. An effect only where arms were made alike, "
    "as by allocation at random.",
    ("arm", "reference_arm", "wave", "instrument", "subscale"),
    (
        text("arm", "Arm that begins earlier; `all` where arms begin in steps.", nullable=False),
        text("reference_arm", "Arm that begins later or never, or `all`.", nullable=False),
        text("wave", "Measuring point; `all` where arms begin in steps.", nullable=False),
        INSTRUMENT,
        SUBSCALE,
        text("compared", one_of(vocabulary.ComparedArms), nullable=False),
        Column(
            "named_beforehand",
            Type.TRUTH,
            "Of the primary contrast of the programme file; every other row is secondary.",
            nullable=False,
        ),
        number("estimate", "Change since the first wave less that of the reference.", POINTS),
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
        number("sd", "Standard deviation of all values, n - 1.", POINTS),
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

PILOT_RECONCILIATION = Table(
    "evaluation",
    "pilot_reconciliation",
    "wave and subscale of the pilot",
    "The pilot's published means, whether they are possible, and the national mean beside them.",
    ("wave", "subscale"),
    (
        WAVE,
        SUBSCALE,
        count("n_reported", "Officers as the pilot reports.", OFFICERS),
        text("mean_reported", "Mean as printed.", nullable=False),
        Column("grim_possible", Type.TRUTH, "Whether whole scores of n_reported can give it."),
        count(
            "smallest_consistent_n",
            "Smallest n at which all of the wave's printed means are possible.",
            OFFICERS,
        ),
        text("band_reported", "Band as the pilot reports."),
        text("band_computed", "Band of the mean by the same limits (22 and below, 42 and above)."),
        number("national_mean", "Mean of all organisations at the same wave.", POINTS),
        number("national_ci_low", "Lower limit of its 95% interval.", POINTS),
        number("national_ci_high", "Upper limit of its 95% interval.", POINTS),
        NOTE,
    ),
    keeps_order=True,
)

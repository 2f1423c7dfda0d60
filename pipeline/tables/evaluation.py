"""Tables of the schema `evaluation` about scores: level, change, and how sure they are.

What stays out: who took part, who left and who is due (`follow_up.py`).
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

ROBUSTNESS = Table(
    "evaluation",
    "robustness",
    "later wave, instrument, subscale and method",
    "Change from the first wave, of all organisations and arms, by methods that treat dropout "
    "differently. A change, not an effect.",
    ("to_wave", "instrument", "subscale", "method"),
    (
        text("to_wave", "Later wave; the earlier is the programme's first.", nullable=False),
        INSTRUMENT,
        SUBSCALE,
        text("method", one_of(vocabulary.RobustnessMethod), nullable=False),
        Column(
            "named_beforehand",
            Type.TRUTH,
            "The primary contrast of the programme file; every other row is secondary.",
            nullable=False,
        ),
        number("estimate", "Mean of later minus first.", POINTS),
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
        text("outcome", one_of(vocabulary.RobustnessOutcome), nullable=False),
        NOTE,
    ),
    keeps_order=True,
)

"""Tables of the schema `evaluation` about scores: level, change, and how sure they are.

What stays out: who took part, who left and who is due (`follow_up.py`).
"""

from pipeline import vocabulary
from pipeline.tables.columns import (
    ALL_ARMS,
    ALL_ORGANISATIONS,
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
        NAMED_BEFOREHAND,
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

_ENROLLING = text("organisation", "Organisation that enrolled the officers.", nullable=False)
_SQUARED = "points on the subscale, squared"

POOLED_CHANGE = Table(
    "evaluation",
    "pooled_change",
    "pair of waves, instrument and subscale",
    "Change over organisations that differ: random effects, REML, Hartung-Knapp. A change, not an "
    "effect. Which organisations enter, and with which weight, is in organisation_change.",
    ("from_wave", "to_wave", "instrument", "subscale"),
    (
        FROM_WAVE,
        TO_WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("k", "Organisations in the model.", "organisations"),
        count("k_left_out", "Organisations with a change that is not in it.", "organisations"),
        number("estimate", "Mean over organisations of later minus earlier.", POINTS),
        number("ci_low", "Lower limit of its 95% interval, multiplier at least 1.", POINTS),
        number("ci_high", "Upper limit of it.", POINTS),
        number("ci_low_unfloored", "The same with the multiplier as it is.", POINTS),
        number("ci_high_unfloored", "The same with the multiplier as it is.", POINTS),
        number(
            "prediction_low",
            "Lower limit of the 95% interval for the true change of another organisation.",
            POINTS,
        ),
        number("prediction_high", "Upper limit of it.", POINTS),
        number("tau2", "Variance of the true change between organisations.", _SQUARED),
        number("tau2_low", "Lower limit of its 95% interval (Q profile).", _SQUARED),
        number("tau2_high", "Upper limit of it.", _SQUARED),
        number("i2", "Part of the spread that lies between organisations.", "share"),
        number("q", "Cochran's Q: spread of the changes, in units of their variances."),
        number("q_p", "p value of Q if no organisation differed from another."),
        NOTE,
    ),
    keeps_order=True,
)

ORGANISATION_CHANGE = Table(
    "evaluation",
    "organisation_change",
    "pair of waves, instrument, subscale and organisation",
    "What each organisation brings to pooled_change, and what that would be without it.",
    ("from_wave", "to_wave", "instrument", "subscale", "organisation"),
    (
        FROM_WAVE,
        TO_WAVE,
        INSTRUMENT,
        SUBSCALE,
        _ENROLLING,
        count("n", "Officers with a score at both waves.", OFFICERS),
        number("estimate", "Mean of later minus earlier.", POINTS),
        number("variance", "Square of its standard error, as in paired_change.", _SQUARED),
        number("weight", "Part in the pooled change; NULL if left out.", "share"),
        text("left_out", f"NULL if it enters. {one_of(vocabulary.LeftOut)}"),
        number("estimate_without", "The pooled change without this organisation.", POINTS),
        number("ci_low_without", "Lower limit of its 95% interval.", POINTS),
        number("ci_high_without", "Upper limit of it.", POINTS),
        number("tau2_without", "tau2 without this organisation.", _SQUARED),
        NOTE,
    ),
    keeps_order=True,
)

RELIABILITY = Table(
    "evaluation",
    "reliability",
    "organisation, wave, instrument and subscale",
    "How far the items of a subscale agree, in responses with all of them answered.",
    ("organisation", "wave", "instrument", "subscale"),
    (
        ALL_ORGANISATIONS,
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("n", "Responses with every item of the subscale answered.", "responses"),
        number("alpha", "Cronbach's alpha."),
        number("alpha_low", "Lower limit of its 95% interval (Feldt)."),
        number("alpha_high", "Upper limit of its 95% interval (Feldt)."),
        number("omega", "McDonald's omega, of one factor fitted by maximum likelihood."),
        NOTE,
    ),
    keeps_order=True,
)

COMPARABILITY = Table(
    "evaluation",
    "comparability",
    "organisation, wave, instrument and subscale",
    "Whether an organisation's answers can be compared with others'; if not they are left out of "
    "pooled_change. Who passes was not shown to differ.",
    ("organisation", "wave", "instrument", "subscale"),
    (
        _ENROLLING,
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("n", "Responses with every item of the subscale answered.", "responses"),
        number("alpha", "Cronbach's alpha."),
        number("alpha_high", "Upper limit of its 95% interval."),
        number("omega", "McDonald's omega."),
        number("omega_high", "Upper limit of its 95% interval, approximate."),
        number(
            "largest_shift",
            "Of all items, the largest difference of level from what the rest of the subscale lets "
            "expect, as in the other organisations.",
            "standard deviations",
        ),
        number(
            "largest_correlation_difference",
            "Of all items, the largest difference from the others' correlation with the rest.",
            "Fisher's z",
        ),
        text(
            "items_differing",
            "Items that clearly differ, as the instrument numbers them; NULL if none does.",
        ),
        Column("comparable", Type.TRUTH, "Whether they can be compared.", nullable=False),
        text("reason", f"Why not. {one_of(vocabulary.Incomparable)}"),
        NOTE,
    ),
    keeps_order=True,
)

RESPONSE_QUALITY = Table(
    "evaluation",
    "response_quality",
    "organisation, wave, instrument and sign of carelessness",
    "Responses that bear a sign of careless answering. Signs are confounded with severity, and "
    "nobody is left out of a figure for one.",
    ("organisation", "wave", "instrument", "flag"),
    (
        ALL_ORGANISATIONS,
        WAVE,
        INSTRUMENT,
        text("flag", one_of(vocabulary.Careless), nullable=False),
        count("n", "Responses that bear it.", "responses"),
        count("n_judged", "Responses of which it can be said.", "responses"),
        NOTE,
    ),
    keeps_order=True,
)

CHANGE_WITHOUT_CARELESS = Table(
    "evaluation",
    "change_without_careless",
    "sign of carelessness",
    "The change named beforehand, over all organisations, with everybody and without officers "
    "whose response at either wave bears a sign. The figures of paired_change are with everybody.",
    ("left_out",),
    (
        text(
            "arm",
            "Arm that the change named beforehand is of; `all` is everybody.",
            nullable=False,
        ),
        INSTRUMENT,
        SUBSCALE,
        FROM_WAVE,
        TO_WAVE,
        text("left_out", f"`none`: nobody. {one_of(vocabulary.Careless)}", nullable=False),
        count("n", "Officers with a score at both waves who are not left out.", OFFICERS),
        count("n_left_out", "Officers with a score at both waves who are.", OFFICERS),
        number("mean_change", "Mean of later minus earlier.", POINTS),
        number("ci_low", "Lower limit of its 95% interval.", POINTS),
        number("ci_high", "Upper limit of its 95% interval.", POINTS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        NOTE,
    ),
    keeps_order=True,
)

BAND_TRANSITIONS = Table(
    "evaluation",
    "band_transitions",
    "organisation, pair of waves, instrument, subscale, earlier and later band",
    "From which band to which officers moved who answered both waves. A point may change a band; "
    "how many changed reliably is in paired_change.",
    ("organisation", "from_wave", "to_wave", "instrument", "subscale", "from_band", "to_band"),
    (
        ALL_ORGANISATIONS,
        FROM_WAVE,
        TO_WAVE,
        INSTRUMENT,
        SUBSCALE,
        text("from_band", "Band at the earlier wave.", nullable=False),
        text("to_band", "Band at the later wave.", nullable=False),
        count("n", "Officers; a move that nobody made has no row.", OFFICERS),
        count("n_from", "Officers in from_band at the earlier wave, of any later band.", OFFICERS),
        NOTE,
    ),
    keeps_order=True,
)

EQUALITY_BREAKDOWN = Table(
    "evaluation",
    "equality_breakdown",
    "characteristic, value, wave, instrument and subscale",
    "Levels, and changes since the first wave, by one characteristic of officers at a time; all "
    "organisations and arms together.",
    ("characteristic", "value", "wave", "instrument", "subscale"),
    (
        text(
            "characteristic",
            "`rank_group`, `service_band`, `gender` or `ethnicity_group`.",
            nullable=False,
        ),
        text("value", "Its value; `unknown` where no export said it.", nullable=False),
        WAVE,
        INSTRUMENT,
        SUBSCALE,
        count("n", "Officers with a score at the wave.", OFFICERS),
        number("mean", "Their mean score.", POINTS),
        number("sd", "Its standard deviation, n - 1.", POINTS),
        count("n_change", "Of these, officers with a score at the first wave too.", OFFICERS),
        number("mean_change", "Mean of the wave minus the first, of those.", POINTS),
        number("ci_low", "Lower limit of the 95% interval of the mean change.", POINTS),
        number("ci_high", "Upper limit of the 95% interval of the mean change.", POINTS),
        count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
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
        number(
            "dropout_alone_low",
            "Lowest mean that those who stayed can have had if nobody's score changed, whoever "
            "left; NULL at the first wave.",
            POINTS,
        ),
        number("dropout_alone_high", "Highest such mean.", POINTS),
        Column(
            "dropout_alone_possible",
            Type.TRUTH,
            "Whether leaving alone, without any change, can have given mean_reported.",
        ),
        number("national_mean", "Mean of all organisations at the same wave.", POINTS),
        number("national_ci_low", "Lower limit of its 95% interval.", POINTS),
        number("national_ci_high", "Upper limit of its 95% interval.", POINTS),
        NOTE,
    ),
    keeps_order=True,
)

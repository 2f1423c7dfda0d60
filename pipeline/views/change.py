"""Questions about scores: levels, changes, and whether dropout could explain a change.

What stays out: who answered at all (`follow_up.py`). Without a comparison group a change is a
change, not an effect; each view says so where it matters.
"""

from typing import Final

from pipeline import tables
from pipeline.programme import TOTAL
from pipeline.tables.columns import POINTS, number, one_of, text
from pipeline.tables.table import Column, Type
from pipeline.views.view import SCHEMA, TOTALS_LAST, View, columns_of, words
from pipeline.vocabulary import Better, RobustnessMethod

_PLACE: Final = "s.instrument, i.place"
_BETTER: Final = text("better", f"{one_of(Better)}.", nullable=False)
_CHANGE_IS_NO_EFFECT: Final = "A change, not an effect."

LEVEL_BY_WAVE = View(
    SCHEMA,
    "level_by_wave",
    "How high are scores at each wave, and how many officers lie in which band?",
    "Each wave has other officers in it: read a change from change_by_organisation.",
    "organisation, arm, wave, instrument and subscale",
    (tables.WAVE_SUMMARY, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.WAVE_SUMMARY, "organisation", "arm", "wave", "instrument", "subscale", "n"
        ),
        *columns_of(tables.WAVE_SUMMARY, "mean", "sd", "ci_low", "ci_high"),
        number("share_low", "Officers in the lowest band, of those with a band.", "share"),
        number("share_moderate", "Officers in the bands between, likewise.", "share"),
        number("share_high", "Officers in the highest band, likewise.", "share"),
        _BETTER,
        *columns_of(tables.WAVE_SUMMARY, "note"),
    ),
    f"""
SELECT s.organisation, s.arm, s.wave, s.instrument, s.subscale, s.n, s.mean, s.sd, s.ci_low,
       s.ci_high,
       s.n_low / nullif(s.n_low + s.n_moderate + s.n_high, 0) AS share_low,
       s.n_moderate / nullif(s.n_low + s.n_moderate + s.n_high, 0) AS share_moderate,
       s.n_high / nullif(s.n_low + s.n_moderate + s.n_high, 0) AS share_high,
       i.better, s.note
FROM evaluation.wave_summary AS s
JOIN meta.waves AS w USING (wave)
JOIN meta.instruments AS i USING (instrument, subscale)
ORDER BY s.{TOTALS_LAST}, s.organisation, s.arm = '{TOTAL}', s.arm, {_PLACE}, w.place
""",
)

_PAIRED: Final = (
    *columns_of(tables.PAIRED_CHANGE, "n", "mean_change", "sd_change", "ci_low", "ci_high"),
    _BETTER,
    Column(
        "went_better",
        Type.TRUTH,
        "Whether the mean moved in the better direction, by however little; NULL if it did not.",
    ),
    *columns_of(tables.PAIRED_CHANGE, "g_av", "n_reliably_better", "n_reliably_worse"),
    number("share_reliably_better", "n_reliably_better of n.", "share"),
    number("share_reliably_worse", "n_reliably_worse of n.", "share"),
    *columns_of(tables.PAIRED_CHANGE, "n_clusters", "note"),
)
_PAIRED_SQL: Final = f"""s.n, s.mean_change, s.sd_change, s.ci_low, s.ci_high, i.better,
       CASE WHEN s.mean_change <> 0
            THEN (s.mean_change > 0) = (i.better = '{Better.HIGHER}') END AS went_better,
       s.g_av, s.n_reliably_better, s.n_reliably_worse,
       s.n_reliably_better / nullif(s.n, 0) AS share_reliably_better,
       s.n_reliably_worse / nullif(s.n, 0) AS share_reliably_worse,
       s.n_clusters, s.note"""

PRIMARY_CHANGE = View(
    SCHEMA,
    "primary_change",
    "What is the change that was named before any data were seen, by organisation?",
    f"{_CHANGE_IS_NO_EFFECT} Of the arm that it speaks of; every other change is secondary, "
    "however it looks.",
    "organisation",
    (tables.PAIRED_CHANGE, tables.ORGANISATIONS, tables.INSTRUMENTS),
    (
        *columns_of(tables.PAIRED_CHANGE, "organisation"),
        text("name", "Full name of the organisation; NULL for the total."),
        *columns_of(tables.PAIRED_CHANGE, "arm", "from_wave", "to_wave", "instrument", "subscale"),
        *_PAIRED,
    ),
    f"""
SELECT s.organisation, o.name, s.arm, s.from_wave, s.to_wave, s.instrument, s.subscale,
       {_PAIRED_SQL}
FROM evaluation.paired_change AS s
LEFT JOIN core.organisations AS o USING (organisation)
JOIN meta.instruments AS i USING (instrument, subscale)
WHERE s.named_beforehand
ORDER BY s.{TOTALS_LAST}, s.organisation, s.arm = '{TOTAL}', s.arm
""",
)

CHANGE_BY_ORGANISATION = View(
    SCHEMA,
    "change_by_organisation",
    "How much did the scores of those who answered twice change, in each organisation?",
    f"{_CHANGE_IS_NO_EFFECT} Of officers with both scores alone: who left is not in it, and "
    "did_leavers_differ says whether that matters. All arms together.",
    "organisation, pair of waves, instrument and subscale",
    (tables.PAIRED_CHANGE, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.PAIRED_CHANGE,
            "organisation",
            "from_wave",
            "to_wave",
            "instrument",
            "subscale",
            "named_beforehand",
        ),
        *_PAIRED,
    ),
    f"""
SELECT s.organisation, s.from_wave, s.to_wave, s.instrument, s.subscale, s.named_beforehand,
       {_PAIRED_SQL}
FROM evaluation.paired_change AS s
JOIN meta.waves AS w ON w.wave = s.to_wave
JOIN meta.waves AS f ON f.wave = s.from_wave
JOIN meta.instruments AS i USING (instrument, subscale)
WHERE s.arm = '{TOTAL}'
ORDER BY s.{TOTALS_LAST}, s.organisation, {_PLACE}, w.place, f.place
""",
)

CHANGE_OF_EACH_OFFICER = View(
    SCHEMA,
    "change_of_each_officer",
    "How did each officer's scores change since the first wave?",
    "For analyses over many officers. One officer's change is mostly noise unless it is reliable, "
    "and nobody is to be treated by it.",
    "officer, later wave, instrument and subscale",
    (
        tables.SCORES,
        tables.PARTICIPANTS,
        tables.PAIRED_CHANGE,
        tables.WAVES,
        tables.INSTRUMENTS,
    ),
    (
        *columns_of(tables.PARTICIPANTS, "participant_id", "organisation", "session_group", "arm"),
        *columns_of(tables.PAIRED_CHANGE, "instrument", "subscale"),
        text("from_wave", "The programme's first wave.", nullable=False),
        *columns_of(tables.PAIRED_CHANGE, "to_wave"),
        number("score_before", "Score at the first wave.", POINTS),
        number("score_after", "Score at the later wave.", POINTS),
        number("change", "Later minus first.", POINTS),
        text("band_before", "Band at the first wave."),
        text("band_after", "Band at the later wave."),
        text(
            "reliable",
            "`better` or `worse` if the change is larger than reliable_change of paired_change, "
            "else `no`; NULL where no such limit is known.",
        ),
    ),
    f"""
WITH first AS (SELECT wave FROM meta.waves WHERE place = 1),
limits AS (
  SELECT instrument, subscale, max(reliable_change) AS reliable_change
  FROM evaluation.paired_change
  WHERE organisation = '{TOTAL}' AND arm = '{TOTAL}'
  GROUP BY ALL
)
SELECT p.participant_id, p.organisation, p.session_group, p.arm, s.instrument, s.subscale,
       b.wave AS from_wave, s.wave AS to_wave,
       b.raw_score AS score_before, s.raw_score AS score_after,
       s.raw_score - b.raw_score AS change, b.band AS band_before, s.band AS band_after,
       CASE WHEN l.reliable_change IS NULL THEN NULL
            WHEN abs(s.raw_score - b.raw_score) <= l.reliable_change THEN 'no'
            WHEN (s.raw_score > b.raw_score) = (i.better = '{Better.HIGHER}') THEN 'better'
            ELSE 'worse' END AS reliable
FROM core.scores AS s
JOIN core.scores AS b
  ON b.participant_id = s.participant_id AND b.instrument = s.instrument
  AND b.subscale = s.subscale AND b.wave = (SELECT wave FROM first)
JOIN core.participants AS p ON p.participant_id = s.participant_id
JOIN meta.waves AS w ON w.wave = s.wave AND w.place > 1
JOIN meta.instruments AS i ON i.instrument = s.instrument AND i.subscale = s.subscale
LEFT JOIN limits AS l ON l.instrument = s.instrument AND l.subscale = s.subscale
WHERE s.raw_score IS NOT NULL AND b.raw_score IS NOT NULL
ORDER BY p.participant_id, {_PLACE}, w.place
""",
)

MOVES_BETWEEN_BANDS = View(
    SCHEMA,
    "moves_between_bands",
    "From which band to which did officers move?",
    "One point may change a band; how many changed reliably is in change_by_organisation.",
    "organisation, pair of waves, instrument, subscale, earlier and later band",
    (tables.BAND_TRANSITIONS, tables.BANDS, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.BAND_TRANSITIONS,
            "organisation",
            "from_wave",
            "to_wave",
            "instrument",
            "subscale",
            "from_band",
            "to_band",
            "n",
            "n_from",
        ),
        number("share", "n of n_from.", "share"),
        text("moved", "`better`, `worse` or `same`, by the better direction of the subscale."),
        *columns_of(tables.BAND_TRANSITIONS, "note"),
    ),
    f"""
SELECT s.organisation, s.from_wave, s.to_wave, s.instrument, s.subscale, s.from_band, s.to_band,
       s.n, s.n_from, s.n / nullif(s.n_from, 0) AS share,
       CASE WHEN t.place = f.place THEN 'same'
            WHEN (t.place > f.place) = (i.better = '{Better.HIGHER}') THEN 'better'
            ELSE 'worse' END AS moved,
       s.note
FROM evaluation.band_transitions AS s
JOIN meta.instruments AS i USING (instrument, subscale)
JOIN meta.bands AS f
  ON f.instrument = s.instrument AND f.subscale = s.subscale AND f.band = s.from_band
JOIN meta.bands AS t
  ON t.instrument = s.instrument AND t.subscale = s.subscale AND t.band = s.to_band
JOIN meta.waves AS w ON w.wave = s.to_wave
JOIN meta.waves AS v ON v.wave = s.from_wave
ORDER BY s.{TOTALS_LAST}, s.organisation, {_PLACE}, w.place, v.place, f.place, t.place
""",
)

CHANGE_BY_CHARACTERISTIC = View(
    SCHEMA,
    "change_by_characteristic",
    "Do officers of different rank, service, gender or ethnicity change alike?",
    f"{_CHANGE_IS_NO_EFFECT} Groups under ten are people, not results; and of many groups some "
    "differ by chance.",
    "characteristic, value, wave, instrument and subscale",
    (tables.EQUALITY_BREAKDOWN, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.EQUALITY_BREAKDOWN,
            "characteristic",
            "value",
            "wave",
            "instrument",
            "subscale",
            "n_change",
            "mean_change",
            "ci_low",
            "ci_high",
        ),
        _BETTER,
        Column("few", Type.TRUTH, "Fewer than ten officers: not to be passed on.", nullable=False),
        *columns_of(tables.EQUALITY_BREAKDOWN, "note"),
    ),
    f"""
SELECT s.characteristic, s.value, s.wave, s.instrument, s.subscale, s.n_change, s.mean_change,
       s.ci_low, s.ci_high, i.better, coalesce(s.n_change, 0) < 10 AS few, s.note
FROM evaluation.equality_breakdown AS s
JOIN meta.waves AS w ON w.wave = s.wave AND w.place > 1
JOIN meta.instruments AS i USING (instrument, subscale)
ORDER BY s.characteristic, {_PLACE}, w.place, s.value
""",
)

DO_ARMS_DIFFER = View(
    SCHEMA,
    "do_arms_differ",
    "Do officers of one arm change otherwise than those of another?",
    "An effect only where arms were made alike, as by allocation at random, and only in rows that "
    "compare those who have begun with those who have not.",
    "pair of arms, pair of waves, instrument and subscale",
    (tables.ARM_CONTRAST, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.ARM_CONTRAST,
            "arm",
            "reference_arm",
            "compared",
            "from_wave",
            "wave",
            "instrument",
            "subscale",
            "named_beforehand",
            "estimate",
            "ci_low",
            "ci_high",
        ),
        _BETTER,
        text("favours", "The arm that changed for the better beside the other, by however little."),
        *columns_of(tables.ARM_CONTRAST, "n", "n_reference", "n_clusters", "note"),
    ),
    f"""
SELECT s.arm, s.reference_arm, s.compared, s.from_wave, s.wave, s.instrument, s.subscale,
       s.named_beforehand, s.estimate, s.ci_low, s.ci_high, i.better,
       CASE WHEN s.estimate = 0 OR s.estimate IS NULL OR s.arm = s.reference_arm THEN NULL
            WHEN (s.estimate > 0) = (i.better = '{Better.HIGHER}') THEN s.arm
            ELSE s.reference_arm END AS favours,
       s.n, s.n_reference, s.n_clusters, s.note
FROM evaluation.arm_contrast AS s
JOIN meta.instruments AS i USING (instrument, subscale)
LEFT JOIN meta.waves AS w ON w.wave = s.wave
LEFT JOIN meta.waves AS v ON v.wave = s.from_wave
ORDER BY {_PLACE}, s.arm, s.reference_arm, w.place NULLS LAST, v.place
""",
)

DID_LEAVERS_DIFFER = View(
    SCHEMA,
    "did_leavers_differ",
    "Had those who dropped out other scores at the first wave than those who stayed?",
    "It shows that they differed beforehand, not why they left. Where they did, read "
    "does_dropout_explain_it.",
    "organisation, denominator, instrument and subscale",
    (tables.ATTRITION, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.ATTRITION,
            "organisation",
            "denominator",
            "instrument",
            "subscale",
            "n_left",
            "n_stayed",
            "mean_left",
            "mean_stayed",
            "standardised_difference",
            "flag",
        ),
        _BETTER,
        text("leavers_began", "`better`, `worse` or `same` as those who stayed; NULL if unknown."),
        *columns_of(tables.ATTRITION, "note"),
    ),
    f"""
SELECT s.organisation, s.denominator, s.instrument, s.subscale, s.n_left, s.n_stayed, s.mean_left,
       s.mean_stayed, s.standardised_difference, s.flag, i.better,
       CASE WHEN s.mean_left = s.mean_stayed THEN 'same'
            WHEN s.mean_left IS NULL OR s.mean_stayed IS NULL THEN NULL
            WHEN (s.mean_left > s.mean_stayed) = (i.better = '{Better.HIGHER}') THEN 'better'
            ELSE 'worse' END AS leavers_began,
       s.note
FROM evaluation.attrition AS s
JOIN meta.instruments AS i USING (instrument, subscale)
ORDER BY s.{TOTALS_LAST}, s.organisation, s.denominator, {_PLACE}
""",
)

DOES_DROPOUT_EXPLAIN_IT = View(
    SCHEMA,
    "does_dropout_explain_it",
    "Does the change stay when dropout is treated differently?",
    "Methods that agree show that the assumptions tried do not matter, not that none would.",
    "pair of waves, instrument, subscale and method",
    (tables.ROBUSTNESS, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.ROBUSTNESS,
            "arm",
            "from_wave",
            "to_wave",
            "instrument",
            "subscale",
            "named_beforehand",
            "method",
            "estimate",
            "ci_low",
            "ci_high",
            "n",
        ),
        number("from_complete_cases", "Estimate less that of the complete cases.", POINTS),
        *columns_of(tables.ROBUSTNESS, "outcome", "tipping_delta", "note"),
    ),
    f"""
SELECT s.arm, s.from_wave, s.to_wave, s.instrument, s.subscale, s.named_beforehand, s.method,
       s.estimate, s.ci_low, s.ci_high, s.n,
       s.estimate - first_value(s.estimate) OVER (
         PARTITION BY s.from_wave, s.to_wave, s.instrument, s.subscale
         ORDER BY s.method <> '{RobustnessMethod.COMPLETE_CASES}'
       ) AS from_complete_cases,
       s.outcome, s.tipping_delta, s.note
FROM evaluation.robustness AS s
JOIN meta.waves AS w ON w.wave = s.to_wave
JOIN meta.waves AS v ON v.wave = s.from_wave
JOIN meta.instruments AS i USING (instrument, subscale)
ORDER BY {_PLACE}, w.place, v.place, list_position({words(RobustnessMethod)}, s.method)
""",
)

ORGANISATIONS_UNLIKE_OTHERS = View(
    SCHEMA,
    "organisations_unlike_others",
    "Which organisations change otherwise than the rest, and how much hangs on each?",
    "The furthest lies far by chance too. Names are for asking what differed there, not for "
    "ranking. Those left out of the pooled change say why.",
    "pair of waves, instrument, subscale and organisation",
    (tables.ORGANISATION_CHANGE, tables.POOLED_CHANGE, tables.WAVES, tables.INSTRUMENTS),
    (
        *columns_of(
            tables.ORGANISATION_CHANGE,
            "from_wave",
            "to_wave",
            "instrument",
            "subscale",
            "organisation",
            "n",
            "estimate",
            "weight",
        ),
        number("pooled", "The pooled change of all organisations that enter.", POINTS),
        number("distance", "Estimate less the pooled change.", POINTS),
        number("moves_pooled_by", "Pooled change less what it would be without it.", POINTS),
        *columns_of(tables.ORGANISATION_CHANGE, "left_out", "note"),
    ),
    f"""
SELECT s.from_wave, s.to_wave, s.instrument, s.subscale, s.organisation, s.n, s.estimate, s.weight,
       p.estimate AS pooled, s.estimate - p.estimate AS distance,
       p.estimate - s.estimate_without AS moves_pooled_by, s.left_out, s.note
FROM evaluation.organisation_change AS s
JOIN evaluation.pooled_change AS p USING (from_wave, to_wave, instrument, subscale)
JOIN meta.instruments AS i USING (instrument, subscale)
JOIN meta.waves AS w ON w.wave = s.to_wave
JOIN meta.waves AS v ON v.wave = s.from_wave
ORDER BY {_PLACE}, w.place, v.place, s.weight IS NULL, abs(s.estimate - p.estimate) DESC NULLS LAST,
         s.organisation
""",
)

CHANGE: Final = (
    PRIMARY_CHANGE,
    CHANGE_BY_ORGANISATION,
    CHANGE_OF_EACH_OFFICER,
    LEVEL_BY_WAVE,
    MOVES_BETWEEN_BANDS,
    CHANGE_BY_CHARACTERISTIC,
    DO_ARMS_DIFFER,
    DID_LEAVERS_DIFFER,
    DOES_DROPOUT_EXPLAIN_IT,
    ORGANISATIONS_UNLIKE_OTHERS,
)

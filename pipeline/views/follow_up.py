"""Questions about follow-up: who answered, who is overdue, who dropped out and when.

What stays out: scores (`change.py`), files and rows that do not count (`data.py`).
"""

from typing import Final

from pipeline import tables
from pipeline.programme import DROPOUT, TOTAL
from pipeline.tables.columns import (
    ALL_ARMS,
    ALL_ORGANISATIONS,
    OFFICERS,
    WAVE,
    count,
    number,
    one_of,
    text,
)
from pipeline.tables.table import Column, Type
from pipeline.views.view import SCHEMA, TOTALS_LAST, View, columns_of, words
from pipeline.vocabulary import Denominator, DropoutStage, WaveStatus

_SCORABLE: Final = words((WaveStatus.COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW))
_ANSWERED: Final = words(
    (WaveStatus.COMPLETED, WaveStatus.COMPLETED_OUT_OF_WINDOW, WaveStatus.PARTIAL)
)
_WAITED_FOR: Final = words((WaveStatus.OPEN, WaveStatus.NOT_YET_DUE))
_DENOMINATOR: Final = text("denominator", one_of(Denominator), nullable=False)
_DENOMINATORS: Final = words(Denominator)

WHO_IS_OVERDUE = View(
    SCHEMA,
    "who_is_overdue",
    "Who has not answered a wave that is past its due day and still open?",
    "For planning reminders by session group or force; who may be told who has not answered is a "
    "question of consent, not of access.",
    "officer and wave",
    (tables.PARTICIPANT_WAVES, tables.PARTICIPANTS, tables.WAVES, tables.BUILD),
    (
        *columns_of(
            tables.PARTICIPANTS, "organisation", "home_force", "session_group", "cohort", "arm"
        ),
        *columns_of(tables.PARTICIPANT_WAVES, "participant_id", "wave", "due_on", "missed_after"),
        count("days_overdue", "Days from the day due to the as-of date.", "days"),
        count("days_left", "Days from the as-of date to missed_after.", "days"),
        *columns_of(tables.PARTICIPANT_WAVES, "reason"),
    ),
    f"""
WITH overdue AS MATERIALIZED (
  SELECT participant_id, wave, due_on, missed_after, reason,
         (b.as_of - due_on)::INTEGER AS days_overdue, (missed_after - b.as_of)::INTEGER AS days_left
  FROM core.participant_waves
  CROSS JOIN meta.build AS b
  WHERE status = '{WaveStatus.OPEN}' AND due_on < b.as_of
)
SELECT p.organisation, p.home_force, p.session_group, p.cohort, p.arm,
       o.participant_id, o.wave, o.due_on, o.missed_after, o.days_overdue, o.days_left, o.reason
FROM overdue AS o
JOIN core.participants AS p USING (participant_id)
JOIN meta.waves AS w USING (wave)
ORDER BY p.organisation, w.place, o.due_on, o.participant_id
""",
)

HOW_MANY_ANSWERED = View(
    SCHEMA,
    "how_many_answered",
    "How many of those who were asked answered each wave, and how many still may?",
    "The share is of those of whom it is decided; a wave with many open windows will change. Who "
    "withdrew or left without an answer is not among the expected.",
    "organisation and wave",
    (tables.FOLLOW_UP_DUE, tables.WAVES),
    (
        *columns_of(tables.FOLLOW_UP_DUE, "organisation", "wave", "expected", "answered", "missed"),
        number(
            "share_answered",
            "Answered, of those who answered or missed it; NULL if there are none.",
            "share",
        ),
        *columns_of(
            tables.FOLLOW_UP_DUE,
            "due",
            "overdue",
            "closing",
            "not_yet_due",
            "next_due_on",
            "next_closing_on",
            "note",
        ),
    ),
    f"""
SELECT f.organisation, f.wave, f.expected, f.answered, f.missed,
       f.answered / nullif(f.answered + f.missed, 0) AS share_answered,
       f.due, f.overdue, f.closing, f.not_yet_due, f.next_due_on, f.next_closing_on, f.note
FROM evaluation.follow_up_due AS f
JOIN meta.waves AS w USING (wave)
ORDER BY {TOTALS_LAST}, f.organisation, w.place
""",
)

WHAT_BECAME_OF_THE_ENROLLED = View(
    SCHEMA,
    "what_became_of_the_enrolled",
    "What became of everybody who enrolled, at each wave?",
    "Choose one denominator and either the totals or their parts, or officers are counted twice.",
    "organisation, arm, denominator, wave and status",
    (tables.PARTICIPANT_FLOW, tables.WAVES),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        _DENOMINATOR,
        WAVE,
        text("status", one_of(WaveStatus), nullable=False),
        count("n", "Officers with the status.", OFFICERS),
        count("n_enrolled", "Officers of any status: all of the denominator.", OFFICERS),
        number("share", "n of n_enrolled.", "share"),
    ),
    f"""
SELECT f.organisation, f.arm, f.denominator, w.wave, f.status, f.n,
       (sum(f.n) OVER everybody)::INTEGER AS n_enrolled,
       f.n / nullif(sum(f.n) OVER everybody, 0) AS share
FROM evaluation.participant_flow AS f
JOIN meta.waves AS w ON w.wave = f.stage
WINDOW everybody AS (PARTITION BY f.organisation, f.arm, f.denominator, w.wave)
ORDER BY {TOTALS_LAST}, f.organisation, f.arm = '{TOTAL}', f.arm,
         list_position({_DENOMINATORS}, f.denominator), w.place,
         list_position({words(WaveStatus)}, f.status)
""",
)

WHERE_OFFICERS_DROP_OUT = View(
    SCHEMA,
    "where_officers_drop_out",
    "At which stage did officers drop out?",
    "Who missed a wave and came back has not dropped out; `too_early` may become any other stage.",
    "organisation, arm, denominator and stage of dropout",
    (tables.PARTICIPANT_FLOW,),
    (
        ALL_ORGANISATIONS,
        ALL_ARMS,
        _DENOMINATOR,
        text("dropout_stage", one_of(DropoutStage), nullable=False),
        count("n", "Officers of the stage.", OFFICERS),
        count("n_enrolled", "Officers of any stage: all of the denominator.", OFFICERS),
        number("share", "n of n_enrolled.", "share"),
    ),
    f"""
SELECT organisation, arm, denominator, status AS dropout_stage, n,
       (sum(n) OVER everybody)::INTEGER AS n_enrolled,
       n / nullif(sum(n) OVER everybody, 0) AS share
FROM evaluation.participant_flow
WHERE stage = '{DROPOUT}'
WINDOW everybody AS (PARTITION BY organisation, arm, denominator)
ORDER BY {TOTALS_LAST}, organisation, arm = '{TOTAL}', arm,
         list_position({_DENOMINATORS}, denominator),
         list_position({words(DropoutStage)}, status)
""",
)

WHICH_WAVES_WERE_ANSWERED = View(
    SCHEMA,
    "which_waves_were_answered",
    "In which patterns do officers answer some waves and miss others?",
    "A gap before a later answer is no dropout. Rare patterns are few people: do not pass them on.",
    "organisation, arm and pattern",
    (tables.PARTICIPANT_WAVES, tables.PARTICIPANTS, tables.WAVES),
    (
        *columns_of(tables.PARTICIPANTS, "organisation", "arm"),
        text(
            "pattern",
            "One sign a wave, in the programme's order: `x` answered with a score, `-` not, `.` "
            "still waited for, `n` not held.",
        ),
        count("waves_answered", "How many waves are `x`.", "waves"),
        Column("came_back", Type.TRUTH, "Whether a wave that was not answered lies before an `x`."),
        count("n", "Officers with the pattern.", OFFICERS),
    ),
    f"""
WITH places AS (SELECT max(place) AS last FROM meta.waves),
officers AS (
  SELECT pw.participant_id,
         sum(1::BIGINT << w.place) FILTER (WHERE pw.status IN {_SCORABLE}) AS answered,
         sum(1::BIGINT << w.place) FILTER (WHERE pw.status IN {_WAITED_FOR}) AS waited_for,
         sum(1::BIGINT << w.place) FILTER (WHERE pw.status = '{WaveStatus.NOT_SCHEDULED}')
           AS not_held
  FROM core.participant_waves AS pw
  JOIN meta.waves AS w USING (wave)
  GROUP BY ALL
),
sets AS (
  SELECT p.organisation, p.arm, coalesce(o.answered, 0)::BIGINT AS answered,
         coalesce(o.waited_for, 0)::BIGINT AS waited_for,
         coalesce(o.not_held, 0)::BIGINT AS not_held, count(*)::INTEGER AS n
  FROM officers AS o
  JOIN core.participants AS p USING (participant_id)
  GROUP BY ALL
),
patterns AS (
  SELECT organisation, arm, n, bit_count(answered)::INTEGER AS waves_answered,
         array_to_string([
           CASE WHEN (answered >> i) & 1 = 1 THEN 'x' WHEN (waited_for >> i) & 1 = 1 THEN '.'
                WHEN (not_held >> i) & 1 = 1 THEN 'n' ELSE '-' END
           FOR i IN range(1, last + 1)], '') AS pattern
  FROM sets CROSS JOIN places
)
SELECT organisation, arm, pattern, waves_answered,
       regexp_matches(pattern, '-.*x') AS came_back, n
FROM patterns
ORDER BY organisation, arm, n DESC, pattern
""",
)

HOW_MANY_STILL_TAKE_PART = View(
    SCHEMA,
    "how_many_still_take_part",
    "How many were still taking part after each wave, and how were the others lost?",
    "A share of those under observation, not of people at one date; that is in "
    "what_became_of_the_enrolled.",
    "organisation, arm, denominator and wave",
    (tables.RETENTION,),
    (
        *columns_of(tables.RETENTION, "organisation", "arm", "denominator", "time"),
        text("after", "`enrolment`, or the last wave answered.", nullable=False),
        *columns_of(
            tables.RETENTION,
            "n_at_risk",
            "n_left",
            "retained",
            "ci_low",
            "ci_high",
            "dropped_out",
            "left_organisation",
            "note",
        ),
    ),
    f"""
SELECT organisation, arm, denominator, time, coalesce(wave, 'enrolment') AS after,
       n_at_risk, n_left, retained, ci_low, ci_high, dropped_out, left_organisation, note
FROM evaluation.retention
ORDER BY {TOTALS_LAST}, organisation, arm = '{TOTAL}', arm,
         list_position({_DENOMINATORS}, denominator), time
""",
)

WHEN_ANSWERS_COME = View(
    SCHEMA,
    "when_answers_come",
    "How long after the day due do answers come?",
    "Only answers whose day is known count; windows that are open may still bring late ones.",
    "organisation and wave",
    (tables.PARTICIPANT_WAVES, tables.WAVES),
    (
        ALL_ORGANISATIONS,
        WAVE,
        count("n", "Answers with a known day of completion and day due.", "answers"),
        number("quarter_by", "A quarter came so long after the day due; below 0 early.", "days"),
        number("half_by", "Half came so long after the day due.", "days"),
        number("three_quarters_by", "Three quarters came so long after the day due.", "days"),
        number("share_in_window", "Of these answers, those that came in the window.", "share"),
    ),
    f"""
WITH answers AS (
  SELECT organisation, wave, completed_on - due_on AS days,
         completed_on BETWEEN window_opens_on AND window_closes_on AS in_window
  FROM core.participant_waves
  WHERE status IN {_ANSWERED} AND completed_on IS NOT NULL AND due_on IS NOT NULL
),
summed AS (
  SELECT CASE WHEN grouping(organisation) = 1 THEN '{TOTAL}' ELSE organisation END AS organisation,
         wave, count(*)::INTEGER AS n, quantile_cont(days, [0.25, 0.5, 0.75]) AS quartiles,
         count(*) FILTER (WHERE in_window) / count(*) AS share_in_window
  FROM answers
  GROUP BY GROUPING SETS ((organisation, wave), (wave))
)
SELECT s.organisation, s.wave, s.n, s.quartiles[1] AS quarter_by, s.quartiles[2] AS half_by,
       s.quartiles[3] AS three_quarters_by, s.share_in_window
FROM summed AS s
JOIN meta.waves AS w USING (wave)
ORDER BY s.{TOTALS_LAST}, s.organisation, w.place
""",
)

ATTENDANCE_BY_SESSION = View(
    SCHEMA,
    "attendance_by_session",
    "How many came to each session?",
    "Of officers in the registers: where an organisation sends none, nothing is said of it.",
    "organisation and session",
    (tables.ATTENDANCE,),
    (
        text("organisation", "Organisation that kept the register; `all` is the total."),
        *columns_of(tables.ATTENDANCE, "session_number"),
        count("n_registered", "Officers of whom the register says whether they came.", OFFICERS),
        count("n_attended", "Of these, those who came.", OFFICERS),
        number("share_attended", "n_attended of n_registered.", "share"),
        count("n_cancelled", "Officers whose session was cancelled.", OFFICERS),
        number("median_minutes", "Median of the time attended, where it is known.", "minutes"),
    ),
    f"""
SELECT CASE WHEN grouping(organisation) = 1 THEN '{TOTAL}' ELSE organisation END AS organisation,
       session_number,
       count(*) FILTER (WHERE NOT cancelled AND attended IS NOT NULL)::INTEGER AS n_registered,
       count(*) FILTER (WHERE NOT cancelled AND attended)::INTEGER AS n_attended,
       n_attended / nullif(n_registered, 0) AS share_attended,
       count(*) FILTER (WHERE cancelled)::INTEGER AS n_cancelled,
       quantile_cont(minutes, 0.5) FILTER (WHERE NOT cancelled AND attended) AS median_minutes
FROM core.attendance
GROUP BY GROUPING SETS ((organisation, session_number), (session_number))
ORDER BY grouping(organisation), organisation, session_number
""",
)

FOLLOW_UP: Final = (
    WHO_IS_OVERDUE,
    HOW_MANY_ANSWERED,
    WHAT_BECAME_OF_THE_ENROLLED,
    WHERE_OFFICERS_DROP_OUT,
    WHICH_WAVES_WERE_ANSWERED,
    HOW_MANY_STILL_TAKE_PART,
    WHEN_ANSWERS_COME,
    ATTENDANCE_BY_SESSION,
)

"""The catalogue of row rules: one named, vectorised expression each, with its severity and remedy.

What belongs here: what makes a single row unsound. What stays out: applying them
(`pipeline/quality/judgement.py`) and contracts on whole submissions (`checks/`).

A rule's expression is true where the row breaks it and never null: a null that should count as
broken says so itself. Rules on answers speak of the counts that `answers.with_counts` adds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from pipeline.programme import Programme
from pipeline.quality.answers import item_columns
from pipeline.reading.cells import CODE_INCOMPLETE, CODE_UNUSABLE, NOBODYS_ROW, UNRECOGNISED
from pipeline.reference import Instrument
from pipeline.vocabulary import Kind, Severity

FASTEST_SECONDS_PER_ITEM: Final = 2
LONGEST_RUN_SHARE: Final = 0.5
SHORTEST_INSTRUMENT_FOR_RUNS: Final = 10
"""A run of equal answers says nothing about an instrument of four items."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a rule may ask about beside the row."""

    programme: Programme
    received_on: date
    answered: Instrument | None = None
    coded: bool = False
    """Whether officers are known by codes, which two of them may share."""

    @property
    def instrument(self) -> Instrument:
        if self.answered is None:
            raise LookupError("a rule on answers was asked about rows that hold none")
        return self.answered

    @property
    def item_columns(self) -> list[str]:
        return item_columns(self.instrument)


Expression = Callable[[Circumstances], pl.Expr]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row rule. `column` names the canonical column concerned; None where it is the whole row."""

    name: str
    kinds: frozenset[Kind]
    severity: Severity
    meaning: str
    remedy: str
    column: str | Expression | None = None
    breaks: Expression | None = None
    """None for the rules that need other rows or other submissions."""
    waivable: bool = False
    """Whether a steward may let a row count that broke it. Only rules that leave a row usable: an
    unknown officer, wave or answer leaves nothing to count, and what a mapping, a roster or a
    corrected file puts right must be put right there, for every row at once."""


def _unrecognised(field: str) -> Expression:
    return lambda _: pl.col("unrecognised").list.contains(field).fill_null(False)


def _first_item(broken: Callable[[str, Circumstances], pl.Expr]) -> Expression:
    """Name of the first item column for which `broken` holds."""

    def column(circumstances: Circumstances) -> pl.Expr:
        return pl.coalesce(
            pl.when(broken(item, circumstances)).then(pl.lit(item))
            for item in circumstances.item_columns
        )

    return column


def _is_unrecognised(item: str, _: Circumstances) -> pl.Expr:
    return pl.col(item) == UNRECOGNISED


def _is_out_of_range(item: str, circumstances: Circumstances) -> pl.Expr:
    instrument = circumstances.instrument
    inside = pl.col(item).is_between(instrument.minimum, instrument.maximum)
    return ~inside & (pl.col(item) != UNRECOGNISED)


def _too_many_unanswered(circumstances: Circumstances) -> pl.Expr:
    instrument = circumstances.instrument
    return pl.col("items_answered") < instrument.items - instrument.unanswered_allowed


def _straight_lining(circumstances: Circumstances) -> pl.Expr:
    """True where one answer is repeated for half of the instrument's items or more in a row."""
    instrument = circumstances.instrument
    if instrument.items < SHORTEST_INSTRUMENT_FOR_RUNS:
        return pl.lit(False)
    return pl.col("longest_run") >= int(instrument.items * LONGEST_RUN_SHARE)


def _answered_too_fast(circumstances: Circumstances) -> pl.Expr:
    fastest = FASTEST_SECONDS_PER_ITEM * circumstances.instrument.items
    return (pl.col("duration_seconds") < fastest).fill_null(False)


def _is_without_participant(_: Circumstances) -> pl.Expr:
    said_why = [
        pl.col("unrecognised").list.contains(mark).fill_null(False)
        for mark in ("participant", NOBODYS_ROW, CODE_UNUSABLE)
    ]
    return pl.col("participant_id").is_null() & ~pl.any_horizontal(said_why)


def _session_number_unknown(circumstances: Circumstances) -> pl.Expr:
    planned = circumstances.programme.sessions.planned
    return ~pl.col("session_number").is_between(1, planned).fill_null(False)


def _came_in_future(circumstances: Circumstances) -> pl.Expr:
    """Registers are printed for sessions ahead; that somebody came to one is a slip."""
    ahead = pl.col("held_on") > circumstances.received_on
    return (ahead & pl.col("attended")).fill_null(False)


_EVERY = frozenset(Kind)
_ANSWERS = frozenset({Kind.QUESTIONNAIRE})
_ROSTER = frozenset({Kind.ROSTER})
_ATTENDANCE = frozenset({Kind.ATTENDANCE})
_DEPARTURES = frozenset({Kind.DEPARTURES})
_WITH_CODES = _ANSWERS | _ROSTER | _ATTENDANCE

ROW_RULES: tuple[Rule, ...] = (
    Rule(
        "participant_key_missing",
        _EVERY,
        Severity.REJECT,
        "The row does not say whose it is.",
        "Fill in the officer's number and send the file again.",
        "participant",
        _is_without_participant,
    ),
    Rule(
        "participant_key_lost_digits",
        _EVERY,
        Severity.REJECT,
        "A spreadsheet wrote the officer's number as 1.2E+06, and its last digits are lost.",
        "Ask for the export before it was opened there, or with the column formatted as text.",
        "participant",
        _unrecognised("participant"),
    ),
    Rule(
        "code_elements_missing",
        _WITH_CODES,
        Severity.REJECT,
        "The officer's code lacks two elements or more, so nobody can tell whose row it is.",
        "Nothing to do; ask for every element in the next survey.",
        "code",
        _unrecognised(CODE_UNUSABLE),
    ),
    Rule(
        "code_incomplete",
        _WITH_CODES,
        Severity.WARN,
        "The officer's code lacks one element; the row is linked to others only as a code that "
        "differs in that one.",
        "Nothing to do; ask for every element in the next survey.",
        "code",
        _unrecognised(CODE_INCOMPLETE),
    ),
    Rule(
        "totals_or_headings",
        _EVERY,
        Severity.REJECT,
        "The row sums up others or repeats the headings; it is nobody's.",
        "Nothing to do; leave such rows out of the next export.",
        "participant",
        _unrecognised(NOBODYS_ROW),
    ),
    Rule(
        "preview_or_test_row",
        _ANSWERS,
        Severity.REJECT,
        "The row was made by a preview, a test or a spam filter.",
        "Nothing to do; if it was a real answer, waive the row.",
        None,
        lambda _: pl.col("is_test"),
        waivable=True,
    ),
    Rule(
        "wave_unknown",
        _ANSWERS,
        Severity.REJECT,
        "The row does not say its wave, or says it in words that the mapping does not know.",
        "Add the spelling to the mapping's wave values, or fill in the wave.",
        "wave",
        lambda _: pl.col("wave").is_null(),
    ),
    Rule(
        "answer_not_recognised",
        _ANSWERS,
        Severity.REJECT,
        "An answer is neither a number nor one of the labels that the mapping knows.",
        "Add the label to the mapping, or correct the cell; if a spreadsheet made 25-Jun of 25-6, "
        "ask for the export before it was opened there.",
        _first_item(_is_unrecognised),
        lambda _: pl.col("items_unrecognised") > 0,
    ),
    Rule(
        "answer_out_of_range",
        _ANSWERS,
        Severity.REJECT,
        "An answer lies outside the range of the instrument.",
        "Correct the cell; if every row has it, set the mapping's offset.",
        _first_item(_is_out_of_range),
        lambda _: pl.col("items_out_of_range") > 0,
    ),
    Rule(
        "too_many_unanswered",
        _ANSWERS,
        Severity.REJECT,
        "More items are blank than the instrument allows.",
        "Nothing to do, unless the answers were lost on the way.",
        None,
        _too_many_unanswered,
        waivable=True,
    ),
    Rule(
        "completed_in_future",
        _ANSWERS,
        Severity.REJECT,
        "The day of completion lies after the day the file was received.",
        "Correct the date.",
        "completed_on",
        lambda c: (pl.col("completed_on") > c.received_on).fill_null(False),
        waivable=True,
    ),
    Rule(
        "completed_on_not_recognised",
        _ANSWERS,
        Severity.WARN,
        "The day of completion is not a date in the mapping's format; it counts as unknown.",
        "Set the mapping's date_format, or correct the cell.",
        "completed_on",
        _unrecognised("completed_on"),
    ),
    Rule(
        "duration_not_recognised",
        _ANSWERS,
        Severity.WARN,
        "The time taken is not a number of seconds that anybody could take; it counts as unknown.",
        "Correct the cell.",
        "duration_seconds",
        _unrecognised("duration_seconds"),
    ),
    Rule(
        "straight_lining",
        _ANSWERS,
        Severity.WARN,
        "One answer is repeated for half of the items or more in a row.",
        "Nothing to do; analyses can be repeated without such responses.",
        None,
        _straight_lining,
    ),
    Rule(
        "answered_too_fast",
        _ANSWERS,
        Severity.WARN,
        "Less than two seconds were taken for each item.",
        "Nothing to do; analyses can be repeated without such responses.",
        "duration_seconds",
        _answered_too_fast,
    ),
    Rule(
        "arm_unknown",
        _ROSTER | _ANSWERS,
        Severity.REJECT,
        "The arm is not one that the programme file declares.",
        "Add the spelling to the mapping's values for arm, or correct the cell.",
        "arm",
        _unrecognised("arm"),
    ),
    Rule(
        "enrolled_on_not_recognised",
        _ROSTER,
        Severity.WARN,
        "The day of enrolment is blank or not a date in the mapping's format.",
        "Set the mapping's date_format, or fill in the date.",
        "enrolled_on",
        _unrecognised("enrolled_on"),
    ),
    Rule(
        "rank_not_recognised",
        _ROSTER | _ANSWERS,
        Severity.WARN,
        "The rank is not in the list of ranks; it counts as unknown.",
        "Add the spelling to the mapping's values for rank.",
        "rank",
        _unrecognised("rank"),
    ),
    Rule(
        "gender_not_recognised",
        _ROSTER | _ANSWERS,
        Severity.WARN,
        "The gender is not a usual word or one that the mapping declares; it counts as unknown.",
        "Add the spelling to the mapping's values for gender.",
        "gender",
        _unrecognised("gender"),
    ),
    Rule(
        "ethnicity_not_recognised",
        _ROSTER | _ANSWERS,
        Severity.WARN,
        "The ethnicity is not in the list of codes, labels and groups; it counts as unknown.",
        "Add the spelling to the mapping's values for ethnicity.",
        "ethnicity",
        _unrecognised("ethnicity"),
    ),
    Rule(
        "service_years_not_recognised",
        _ROSTER | _ANSWERS,
        Severity.WARN,
        "The service is neither years from 0 to 60, nor a band that lies in one of those used, nor "
        "a day of joining before enrolment; it counts as unknown.",
        "Correct the cell, or add the band to the mapping's values for service_years; a "
        "spreadsheet makes a date such as 10-May of a band such as 5-10.",
        "service_years",
        _unrecognised("service_years"),
    ),
    Rule(
        "session_number_unknown",
        _ATTENDANCE,
        Severity.REJECT,
        "The session number is missing or not one of the programme's sessions.",
        "Correct the number.",
        "session_number",
        _session_number_unknown,
    ),
    Rule(
        "attended_not_recognised",
        _ATTENDANCE,
        Severity.REJECT,
        "It is not clear whether the officer came.",
        "Add the spelling to the mapping's values for attended, or fill in the cell.",
        "attended",
        lambda _: ~pl.col("cancelled") & pl.col("attended").is_null(),
    ),
    Rule(
        "cancelled_not_recognised",
        _ATTENDANCE,
        Severity.WARN,
        "It is not clear whether the session was cancelled; it counts as held.",
        "Add the spelling to the mapping's values for cancelled, or correct the cell.",
        "cancelled",
        _unrecognised("cancelled"),
    ),
    Rule(
        "absence_reason_not_recognised",
        _ATTENDANCE,
        Severity.WARN,
        "The reason of absence is not a usual one or one that the mapping declares.",
        "Add the spelling to the mapping's values for absence_reason; sentences are not kept.",
        "absence_reason",
        _unrecognised("absence_reason"),
    ),
    Rule(
        "held_on_not_recognised",
        _ATTENDANCE,
        Severity.WARN,
        "The day of the session is not a date in the mapping's format; it counts as unknown.",
        "Set the mapping's date_format, or correct the cell.",
        "held_on",
        _unrecognised("held_on"),
    ),
    Rule(
        "held_in_future",
        _ATTENDANCE,
        Severity.REJECT,
        "The officer is said to have come to a session after the day the file was received.",
        "Correct the date, or whether the officer came.",
        "held_on",
        _came_in_future,
    ),
    Rule(
        "minutes_not_recognised",
        _ATTENDANCE,
        Severity.WARN,
        "The minutes are not a whole number; they count as unknown.",
        "Correct the cell.",
        "minutes",
        _unrecognised("minutes"),
    ),
    Rule(
        "departed_on_not_recognised",
        _DEPARTURES,
        Severity.REJECT,
        "The day of departure is missing or not a date in the mapping's format.",
        "Set the mapping's date_format, or fill in the date.",
        "departed_on",
        lambda _: pl.col("departed_on").is_null(),
    ),
    Rule(
        "departure_kind_unknown",
        _DEPARTURES,
        Severity.REJECT,
        "It is not clear whether the officer withdrew or left the organisation.",
        "Add the spelling to the mapping's values for departure_kind, or fill in the cell.",
        "departure_kind",
        lambda _: pl.col("departure_kind").is_null(),
    ),
    Rule(
        "new_force_unknown",
        _DEPARTURES,
        Severity.WARN,
        "The force that the officer went to is not one that is known; the transfer is not linked.",
        "Add the spelling to the mapping's values for new_force, or correct the cell.",
        "new_force",
        _unrecognised("new_force"),
    ),
    Rule(
        "new_number_lost_digits",
        _DEPARTURES,
        Severity.WARN,
        "A spreadsheet wrote the new number as 1.2E+06, and its last digits are lost; the transfer "
        "is not linked.",
        "Ask for the list before it was opened there, or with the column formatted as text.",
        "new_number",
        _unrecognised("new_number"),
    ),
)
"""Rules that a row breaks by itself."""

DUPLICATE_RULES: dict[Kind, Rule] = {
    Kind.QUESTIONNAIRE: Rule(
        "duplicate_response",
        _ANSWERS,
        Severity.REJECT,
        "The file holds another response of the same officer, wave and instrument, which counts.",
        "Nothing to do; the programme's policy says which one stays.",
    ),
    Kind.ROSTER: Rule(
        "duplicate_enrolment",
        _ROSTER,
        Severity.REJECT,
        "The roster names the same officer more than once; the first row counts.",
        "Remove the extra row.",
    ),
    Kind.ATTENDANCE: Rule(
        "duplicate_attendance",
        _ATTENDANCE,
        Severity.REJECT,
        "The register holds the same officer and session more than once; the last row counts.",
        "Remove the extra row.",
    ),
    Kind.DEPARTURES: Rule(
        "duplicate_departure",
        _DEPARTURES,
        Severity.REJECT,
        "The file holds more than one departure of the same officer; the last row counts.",
        "Remove the extra row.",
    ),
}
"""Rows that give way to another row of their file."""

NUMBER_OF_TWO_OFFICERS = Rule(
    "number_of_two_officers",
    _ROSTER,
    Severity.REJECT,
    "The roster has the number more than once, with another gender, ethnicity or years of service: "
    "two officers may be listed under one number, for example one that was given out again.",
    "Ask the force which of them has the number, and for the other's; or correct the details.",
    "participant",
)
"""Rows that would make one officer of two people. None of them counts, where of a plain repetition
the first does."""

FILE_RULES: tuple[Rule, ...] = (*DUPLICATE_RULES.values(), NUMBER_OF_TWO_OFFICERS)
"""Rules on several rows of one file, judged among the rows that are sound by themselves."""

STANDING_RULES: tuple[Rule, ...] = (
    Rule(
        "participant_not_enrolled",
        _ANSWERS | _ATTENDANCE | _DEPARTURES,
        Severity.REJECT,
        "The organisation sends rosters, and none of them names the officer.",
        "Correct the number, or send a roster that names the officer.",
        "participant",
    ),
    Rule(
        "completed_after_departure",
        _ANSWERS,
        Severity.REJECT,
        "The response was completed after the officer withdrew or left.",
        "Correct the date of the response or of the departure.",
        "completed_on",
        waivable=True,
    ),
    Rule(
        "completed_before_enrolment",
        _ANSWERS,
        Severity.REJECT,
        "The response was completed earlier before enrolment than the programme allows.",
        "Correct the date of the response or of the enrolment.",
        "completed_on",
        waivable=True,
    ),
    Rule(
        "completed_shortly_before_enrolment",
        _ANSWERS,
        Severity.WARN,
        "The response was completed before enrolment, but within the days the programme allows.",
        "Nothing to do: baselines are often answered early.",
        "completed_on",
    ),
    Rule(
        "transfers_contradict",
        _DEPARTURES,
        Severity.WARN,
        "Two officers are said to have taken on one new number, or one officer two; or whoever has "
        "it was there long before, or the officer was first seen after leaving. It is not linked.",
        "Ask the organisations for the new number; the officers count as left there and new here.",
        "new_number",
    ),
    Rule(
        "departed_before_enrolment",
        _DEPARTURES,
        Severity.REJECT,
        "The officer is said to have gone before the day of enrolment.",
        "Correct the date of the departure or of the enrolment.",
        "departed_on",
    ),
    Rule(
        "code_shared",
        _ANSWERS,
        Severity.REJECT,
        "The officer's code answered the same wave on another day too: two officers may share it, "
        "or one answered twice, and nobody can tell whose other waves are.",
        "If it is one officer, waive the row that is to count.",
        "code",
        waivable=True,
    ),
    Rule(
        "session_on_two_days",
        _ATTENDANCE,
        Severity.WARN,
        "The register has the group's session on an earlier day too; the first session begins the "
        "calendar of the cohort with its earliest day.",
        "Number a session that was repeated as one of its own, or correct the date.",
        "held_on",
    ),
)
"""Rules that need what other submissions say; they are judged anew whenever those change."""

ROW_DISAPPEARED = Rule(
    "row_disappeared",
    _EVERY,
    Severity.WARN,
    "The newest file of the source should hold everything so far, but not this row any more.",
    "Nothing to do if it was corrected or removed on purpose; else ask for a complete file.",
)
"""What is said of a row of an older file; it judges no row that counts, so it is not in RULES."""

RULES: dict[str, Rule] = {rule.name: rule for rule in (*ROW_RULES, *FILE_RULES, *STANDING_RULES)}


def is_waivable(name: str) -> bool:
    """Whether a steward may waive what is called so; a rule of an older Muster may be gone."""
    return name in RULES and RULES[name].waivable

"""Planted faults: rows that break exactly one row rule each, and are otherwise sound.

What belongs here: one entry a rule and kind, saying which rows can be made to break it and how.
What stays out: how a layout spells an unreadable cell (`exports/`, by the row's `fault`).

Few enough are planted that no file is held back for them: under a tenth of its rows, whatever its
size. Each officer bears at most one, so that no fault touches another.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import isqrt
from typing import Final

import numpy as np
import polars as pl

from pipeline.quality.rules import RULES
from pipeline.simulation import identities
from pipeline.simulation.plan import SESSIONS, Layout
from pipeline.simulation.population import Population, stream
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import DepartureKind, Kind, Severity

# Words that no programme, list or mapping knows.
UNKNOWN_ARM: Final = "undecided"
UNKNOWN_RANK: Final = "Watch commander"
UNKNOWN_ETHNICITY: Final = "ZZ9"
UNKNOWN_GENDER: Final = "Q"
UNKNOWN_FORCE: Final = "Narnia Constabulary"
UNKNOWN_WAVE: Final = "some time in spring"
UNREADABLE_ITEM: Final = "item_7"
_MISPRINTED_ITEM: Final = "item_12"
_EARLY_DAYS: Final = 28
_LATEST_AFTER_DEPARTURE: Final = 20
_LATEST_DUPLICATE: Final = 5

_ALL_LAYOUTS: Final = frozenset(Layout)
_QUALTRICS: Final = frozenset({Layout.QUALTRICS_NUMERIC, Layout.QUALTRICS_LABELS})
_WAVE_BY_HAND: Final = frozenset(
    {
        Layout.QUALTRICS_LABELS,
        Layout.MICROSOFT_FORMS,
        Layout.JISC,
        Layout.SURVEYMONKEY,
        Layout.LIMESURVEY,
        Layout.SMARTSURVEY,
        Layout.GOOGLE_FORMS,
    }
)
_NUMBERS: Final = frozenset(
    {
        Layout.QUALTRICS_NUMERIC,
        Layout.WIDE_CSV,
        Layout.REDCAP,
        Layout.JISC,
        Layout.SPSS,
        Layout.SMARTSURVEY,
    }
)
_TEXT: Final = _ALL_LAYOUTS - {Layout.SPSS}
_ONE_ROW_A_RESPONSE: Final = _ALL_LAYOUTS - {Layout.WIDE_CSV}

_MOST_OF_ONE_RULE: Final = 2
"""On average over the rules of a severity that a file can break."""

_ALWAYS: Final = pl.lit(True)
_AFTER: Final = 0.5
_BEFORE: Final = -0.5


@dataclass(frozen=True, slots=True)
class Fault:
    """How a sound row is made to break one rule.

    `changes` are applied to a row for which `fits` holds, in its place; with `beside` the sound
    row stays and the broken one stands just before or after it.
    """

    rule: str
    changes: Mapping[str, pl.Expr] = field(default_factory=dict)
    fits: pl.Expr = _ALWAYS
    beside: float | None = None
    layouts: frozenset[Layout] = _ALL_LAYOUTS
    registers: bool | None = None
    """Whether the organisation must (True) or must not (False) send rosters; None: either."""
    whole_officer: bool = False
    """In a wide file the fault is in a cell that all of the officer's waves share."""

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity


def _days(amount: pl.Expr | int) -> pl.Expr:
    return pl.duration(days=amount)


def _between(lowest: int, highest: int) -> pl.Expr:
    """A whole number between the two, by the row's luck."""
    return lowest + (pl.col("luck") * (highest - lowest + 1)).floor().cast(pl.Int32)


_FAR_AHEAD: Final = date(2099, 1, 1)
_NO_NUMBER = {"number": pl.lit(None, pl.String)}
_LOST_DIGITS = {"number": pl.lit("4.7E+06")}
_SUMS_UP = {"number": pl.lit("Total")}
_STRANGER = {"number": pl.col("stranger")}
_TRANSFERRED = pl.col("new_force").is_not_null()
_HELD = ~pl.col("cancelled")
_CAME = pl.col("attended") & _HELD
_DID_NOT_COME = ~pl.col("attended") & _HELD

_ROSTER: Final = (
    Fault("participant_key_missing", _NO_NUMBER, beside=_AFTER),
    Fault("participant_key_lost_digits", _LOST_DIGITS, beside=_AFTER),
    Fault("totals_or_headings", _SUMS_UP, beside=_AFTER),
    Fault("arm_unknown", {**_STRANGER, "arm": pl.lit(UNKNOWN_ARM)}, beside=_AFTER),
    Fault("duplicate_enrolment", beside=_AFTER),
    Fault("enrolled_on_not_recognised"),
    Fault("rank_not_recognised", {"rank": pl.lit(UNKNOWN_RANK)}),
    Fault("ethnicity_not_recognised", {"ethnicity": pl.lit(UNKNOWN_ETHNICITY)}),
    Fault("gender_not_recognised", {"gender": pl.lit(UNKNOWN_GENDER)}),
    Fault("service_years_not_recognised", {"service_years": pl.lit(99)}),
)
_ATTENDANCE: Final = (
    Fault("participant_key_missing", _NO_NUMBER, beside=_AFTER),
    Fault("participant_key_lost_digits", _LOST_DIGITS, beside=_AFTER),
    Fault("totals_or_headings", _SUMS_UP, beside=_AFTER),
    Fault("participant_not_enrolled", _STRANGER, beside=_AFTER),
    Fault(
        "session_number_unknown", {"session_number": pl.lit(SESSIONS.planned + 1)}, beside=_AFTER
    ),
    # Where nobody came, the lost row does not change how many sessions an officer attended.
    Fault("attended_not_recognised", fits=_DID_NOT_COME),
    # What is not understood counts as held, so the session was.
    Fault("cancelled_not_recognised", fits=_HELD),
    Fault("held_on_not_recognised", fits=_DID_NOT_COME),
    Fault("held_in_future", {"held_on": pl.lit(_FAR_AHEAD)}, _CAME, beside=_AFTER),
    # Registers give minutes only to those who came.
    Fault("minutes_not_recognised", fits=_CAME),
    Fault("absence_reason_not_recognised", fits=_DID_NOT_COME),
    # The last row counts: the wrong one stands before.
    Fault(
        "duplicate_attendance",
        {"attended": ~pl.col("attended")},
        fits=_HELD,
        beside=_BEFORE,
    ),
)
_DEPARTURES: Final = (
    Fault("participant_key_missing", _NO_NUMBER, beside=_AFTER),
    Fault("participant_not_enrolled", _STRANGER, beside=_AFTER),
    Fault("departed_on_not_recognised", beside=_AFTER),
    Fault("departure_kind_unknown", beside=_AFTER),
    Fault("new_force_unknown", {"new_force": pl.lit(UNKNOWN_FORCE)}, _TRANSFERRED),
    Fault("new_number_lost_digits", {"new_number": pl.lit("4.7E+06")}, _TRANSFERRED),
    Fault(
        "duplicate_departure",
        {
            "departed_on": pl.col("departed_on") - _days(3),
            "departure_kind": pl.lit(DepartureKind.WITHDREW.value),
        },
        beside=_BEFORE,
    ),
)


def _responses(population: Population) -> tuple[Fault, ...]:
    as_of = pl.lit(population.plan.as_of)
    stayed = pl.col("departed_on").is_null()
    answered = {item: pl.col(item) for item in ITEM_COLUMNS}
    return (
        Fault("participant_key_missing", _NO_NUMBER, stayed, whole_officer=True),
        Fault("participant_key_lost_digits", _LOST_DIGITS, stayed, whole_officer=True),
        Fault("totals_or_headings", _SUMS_UP, stayed, whole_officer=True),
        Fault("participant_not_enrolled", _STRANGER, stayed, registers=True, whole_officer=True),
        Fault(
            "preview_or_test_row",
            {"is_preview": pl.lit(True)},
            stayed,
            beside=_AFTER,
            layouts=_QUALTRICS,
        ),
        Fault("wave_unknown", {"wave": pl.lit("")}, stayed, layouts=_WAVE_BY_HAND),
        Fault("answer_not_recognised", {}, stayed, layouts=_TEXT),
        Fault("answer_out_of_range", {_MISPRINTED_ITEM: pl.lit(9)}, stayed, layouts=_NUMBERS),
        Fault(
            "too_many_unanswered",
            {item: pl.lit(None) for item in ITEM_COLUMNS[4:]},
            stayed & pl.any_horizontal(pl.col(item).is_not_null() for item in ITEM_COLUMNS[:4]),
        ),
        Fault(
            "completed_in_future",
            {"completed_on": pl.lit(population.plan.as_of + timedelta(days=3_653))},
            stayed,
        ),
        Fault("completed_on_not_recognised", {}, stayed),
        Fault("duration_not_recognised", {}, stayed, layouts=_QUALTRICS),
        Fault("straight_lining", dict.fromkeys(ITEM_COLUMNS, pl.lit(3)), stayed),
        Fault(
            "answered_too_fast", {"duration_seconds": _between(15, 59)}, stayed, layouts=_QUALTRICS
        ),
        Fault(
            "arm_unknown",
            {"arm": pl.lit(UNKNOWN_ARM)},
            stayed,
            layouts=_ONE_ROW_A_RESPONSE,
            registers=False,
        ),
        # The first complete response counts: both are complete and the second came later. Its
        # answers are the first's in reverse, which makes no longer run of equal ones.
        Fault(
            "duplicate_response",
            {
                **dict(zip(answered, reversed(answered.values()), strict=True)),
                "completed_on": pl.col("completed_on") + _days(_between(1, _LATEST_DUPLICATE)),
            },
            stayed
            & pl.col("complete")
            & (pl.col("completed_on") + _days(_LATEST_DUPLICATE) <= as_of),
            beside=_AFTER,
            layouts=_ONE_ROW_A_RESPONSE,
        ),
        Fault(
            "completed_after_departure",
            {"completed_on": pl.col("departed_on") + _days(_between(1, _LATEST_AFTER_DEPARTURE))},
            (pl.col("departed_on") + _days(_LATEST_AFTER_DEPARTURE) <= as_of).fill_null(False),
            registers=True,
        ),
        Fault(
            "completed_before_enrolment",
            {"completed_on": pl.col("enrolled_on") - _days(_between(_EARLY_DAYS + 5, 200))},
            stayed,
            registers=True,
        ),
        Fault(
            "completed_shortly_before_enrolment",
            {"completed_on": pl.col("enrolled_on") - _days(_between(1, _EARLY_DAYS))},
            stayed,
            registers=True,
        ),
    )


class FaultPlanter:
    """Deals faults to the files of a population, the rule planted least often first."""

    def __init__(self, population: Population) -> None:
        self._seed = population.plan.seed
        self._catalogue: dict[Kind, tuple[Fault, ...]] = {
            Kind.ROSTER: _ROSTER,
            Kind.ATTENDANCE: _ATTENDANCE,
            Kind.DEPARTURES: _DEPARTURES,
            Kind.QUESTIONNAIRE: _responses(population),
        }
        self._first_stranger = population.plan.participants
        self._planted: Counter[tuple[Kind, str]] = Counter()
        self._spared: set[int] = set()

    def plant(self, sheet: Sheet) -> Sheet:
        """The sheet with faults; its rows in the order in which they are written."""
        usable = [fault for fault in self._catalogue[sheet.kind] if _possible(fault, sheet)]
        # What a roster's fault does to enrolment must not meet a response's fault.
        shared = sheet.kind in {Kind.ROSTER, Kind.QUESTIONNAIRE}
        borne = self._spared if shared else set()
        broken, replaced = [], np.zeros(sheet.rows.height, dtype=np.bool_)
        for fault, chosen in self._deal(sheet, usable, borne):
            rows = _rows_of_officers(sheet, fault, chosen)
            if fault.beside is None:
                replaced[rows] = True
            broken.append(self._broken(sheet.rows[rows], fault))
        kept = sheet.rows.filter(~replaced)
        return replace(sheet, rows=pl.concat([kept, *broken]).sort("place", maintain_order=True))

    def _deal(
        self, sheet: Sheet, usable: list[Fault], borne: set[int]
    ) -> Iterable[tuple[Fault, list[int]]]:
        rng = stream(self._seed, f"faults of {sheet.organisation.organisation} {sheet.source}")
        order = rng.permutation(sheet.rows.height)
        fits = sheet.rows.select(
            (fault.fits & ~pl.col("reported_twice")).alias(fault.rule) for fault in usable
        )
        officers = sheet.rows["officer"].to_numpy()
        left = {
            fault.rule: iter(order[fits[fault.rule].to_numpy()[order]].tolist()) for fault in usable
        }
        chosen: dict[str, list[int]] = {}
        for severity in Severity:
            open_faults = [fault for fault in usable if fault.severity == severity]
            budget = min(_budget(sheet), _MOST_OF_ONE_RULE * len(open_faults))
            while budget and open_faults:
                fault = min(open_faults, key=lambda f: self._planted[sheet.kind, f.rule])
                row = next((i for i in left[fault.rule] if officers[i] not in borne), None)
                if row is None:
                    open_faults.remove(fault)
                    continue
                borne.add(int(officers[row]))
                chosen.setdefault(fault.rule, []).append(row)
                self._planted[sheet.kind, fault.rule] += 1
                budget -= 1
        return [(fault, chosen[fault.rule]) for fault in usable if fault.rule in chosen]

    def _broken(self, rows: pl.DataFrame, fault: Fault) -> pl.DataFrame:
        strangers = rows["officer"].to_numpy().astype(np.int64) + self._first_stranger
        return (
            rows.with_columns(identities.officer_numbers(self._seed, strangers).alias("stranger"))
            .with_columns(
                pl.lit(fault.rule).alias("fault"),
                pl.col("place") + (fault.beside or 0.0),
                **fault.changes,
            )
            .select(rows.columns)
            .cast(rows.schema)
        )


def _rows_of_officers(sheet: Sheet, fault: Fault, chosen: list[int]) -> list[int]:
    """The chosen rows, and in a wide file every row that shares the broken cell with them."""
    if not (fault.whole_officer and sheet.layout == Layout.WIDE_CSV):
        return chosen
    officers = sheet.rows["officer"][chosen].implode()
    return sheet.rows["officer"].is_in(officers).arg_true().to_list()


def _possible(fault: Fault, sheet: Sheet) -> bool:
    if sheet.layout is not None and sheet.layout not in fault.layouts:
        return False
    return fault.registers is None or fault.registers == sheet.organisation.has_registers


def _budget(sheet: Sheet) -> int:
    """How many faults of one severity a file bears: few, growing mildly with its size."""
    rows = (
        sheet.rows["officer"].n_unique() if sheet.layout == Layout.WIDE_CSV else sheet.rows.height
    )
    return min((rows - 1) // 11, 2 + isqrt(rows) // 4)


def accepted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are accepted: sound ones, and those that break a rule which only warns."""
    warned = [name for name, rule in RULES.items() if rule.severity == Severity.WARN]
    return rows.filter(pl.col("fault").is_null() | pl.col("fault").is_in(warned))

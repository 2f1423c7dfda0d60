"""What a warehouse says of itself: its dictionary, questions, waves, instruments and limits.

What belongs here: rows of the schema `meta` that follow from the programme and the code. What stays
out: what they mean (`pipeline/tables/meta.py`), and `meta.build`, which is of one snapshot.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipeline import tables
from pipeline.evaluation import (
    attrition,
    band_transitions,
    cells,
    comparability,
    delta_adjustment,
    follow_up_due,
    imputation,
    paired_change,
    pooled_change,
)
from pipeline.follow_up import dropout
from pipeline.programme import Programme, Thresholds
from pipeline.quality import rules
from pipeline.tables import TABLES, Table
from pipeline.views import QUESTIONS, VIEWS, View


def about(programme: Programme, versions: Mapping[str, str]) -> dict[Table, pl.DataFrame]:
    """The frames of every table of `meta` but `meta.build`, each as its table has it.

    `versions` names programs and libraries with the versions that are at work.
    """
    rows: dict[Table, Iterable[Mapping[str, Any]]] = {
        tables.WAVES: _waves(programme),
        tables.INSTRUMENTS: _instruments(programme),
        tables.BANDS: _bands(programme),
        tables.THRESHOLDS: _limits(programme),
        tables.SOFTWARE: [{"component": c, "version": v} for c, v in versions.items()],
        tables.QUESTIONS: _questions(),
        tables.DICTIONARY: _dictionary(),
    }
    return {
        table: table.conform(pl.DataFrame(list(each), schema=table.frame_schema))
        for table, each in rows.items()
    }


def _waves(programme: Programme) -> Iterable[dict[str, Any]]:
    for place, wave in enumerate(programme.waves, start=1):
        yield {
            "place": place,
            "wave": wave.wave,
            "due_after_days": wave.due_after_days,
            "opens_after_days": wave.opens_after_days,
            "closes_after_days": wave.closes_after_days,
            "grace_days": programme.grace_days if wave.grace_days is None else wave.grace_days,
            "follow_up": wave.follow_up,
            "not_held_by": list(wave.not_held_by),
        }


def _instruments(programme: Programme) -> Iterable[dict[str, Any]]:
    primary = (programme.primary.instrument, programme.primary.subscale)
    for name in programme.instruments:
        instrument = programme.instrument(name)
        for place, subscale in enumerate(instrument.subscales, start=1):
            lowest, highest = instrument.range_of(subscale)
            yield {
                "instrument": name,
                "title": instrument.title,
                "subscale": subscale.subscale,
                "place": place,
                "primary_subscale": (name, subscale.subscale) == primary,
                "better": subscale.better.value,
                "items": list(subscale.items),
                "reversed_items": [item for item in subscale.items if item in instrument.reversed],
                "lowest_answer": instrument.minimum,
                "highest_answer": instrument.maximum,
                "lowest_score": lowest,
                "highest_score": highest,
                "alpha_in_print": subscale.alpha,
                "alpha_source": instrument.reliability_source if subscale.alpha else None,
                "band_system": instrument.band_system,
                "source": instrument.source,
                "licence": instrument.licence,
            }


def _bands(programme: Programme) -> Iterable[dict[str, Any]]:
    for name in programme.instruments:
        instrument = programme.instrument(name)
        for subscale in instrument.subscales:
            for place, band in enumerate(instrument.bands_of(subscale), start=1):
                yield {
                    "instrument": name,
                    "subscale": subscale.subscale,
                    "band_system": instrument.band_system,
                    "place": place,
                    "band": band.band,
                    "level": band.level.value,
                    "lowest": band.lowest,
                    "highest": band.highest,
                }


def _limits(programme: Programme) -> Iterable[dict[str, Any]]:
    for name, concerns, value, unit, meaning in _METHOD_LIMITS:
        yield {
            "threshold": name,
            "concerns": concerns.qualified_name,
            "value": float(value),
            "unit": unit,
            "set_by": "method",
            "meaning": meaning,
        }
    for name, field in Thresholds.model_fields.items():
        yield {
            "threshold": name,
            "concerns": tables.SUBMISSIONS.qualified_name,
            "value": float(getattr(programme.thresholds, name)),
            "unit": "share of rows",
            "set_by": "programme",
            "meaning": field.description,
        }
    yield {
        "threshold": "early_response_days",
        "concerns": tables.QUARANTINE.qualified_name,
        "value": float(programme.early_response_days),
        "unit": "days",
        "set_by": "programme",
        "meaning": "A response earlier before enrolment is rejected, a later one kept and flagged.",
    }


_METHOD_LIMITS: tuple[tuple[str, Table, float, str, str], ...] = (
    (
        "reliable_change_z",
        tables.PAIRED_CHANGE,
        paired_change.RELIABLE,
        "standard errors of a difference",
        "A larger change of one officer is reliable.",
    ),
    (
        "session_groups_for_clusters",
        tables.WAVE_SUMMARY,
        cells.FEWEST_SESSION_GROUPS,
        "session groups",
        "With fewer the interval of one organisation is a plain t interval.",
    ),
    (
        "organisations_for_precision",
        tables.WAVE_SUMMARY,
        cells.FEWEST_ORGANISATIONS,
        "organisations",
        "With fewer a clustered interval is called imprecise.",
    ),
    (
        "sessions_of_two_sessions",
        tables.PARTICIPANT_FLOW,
        cells.FEWEST_SESSIONS,
        "sessions",
        "Officers who came to fewer are not in the denominator `two_sessions`.",
    ),
    (
        "officers_to_be_pooled",
        tables.ORGANISATION_CHANGE,
        pooled_change.FEWEST_OFFICERS,
        "officers",
        "An organisation with fewer is left out of the pooled change.",
    ),
    (
        "organisations_to_be_precise",
        tables.POOLED_CHANGE,
        pooled_change.FEWEST_ORGANISATIONS,
        "organisations",
        "With fewer the pooled change is called imprecise.",
    ),
    (
        "attrition_notable",
        tables.ATTRITION,
        attrition.NOTABLE,
        "standard deviations",
        "A larger standardised difference is called notable.",
    ),
    (
        "attrition_serious",
        tables.ATTRITION,
        attrition.SERIOUS,
        "standard deviations",
        "A larger standardised difference is called serious.",
    ),
    (
        "reliability_adequate",
        tables.COMPARABILITY,
        comparability.ADEQUATE,
        "alpha or omega",
        "An organisation whose upper limit lies below it is not comparable.",
    ),
    (
        "responses_to_compare",
        tables.COMPARABILITY,
        comparability.FEWEST_RESPONSES,
        "responses",
        "An organisation with fewer is not comparable.",
    ),
    (
        "item_shift_large",
        tables.COMPARABILITY,
        comparability.LARGE_SHIFT,
        "standard deviations",
        "An item whose level clearly differs by more is one that differs.",
    ),
    (
        "item_correlation_difference_large",
        tables.COMPARABILITY,
        comparability.LARGE_CORRELATION_DIFFERENCE,
        "Fisher's z",
        "An item whose correlation clearly differs by more is one that differs.",
    ),
    (
        "officers_in_a_band",
        tables.BAND_TRANSITIONS,
        band_transitions.FEWEST_OFFICERS,
        "officers",
        "With fewer in the earlier band a note says that shares say little.",
    ),
    (
        "delta",
        tables.ROBUSTNESS,
        delta_adjustment.DELTA,
        "baseline SDs",
        "Scores of those who did not answer are moved by so much, either way.",
    ),
    (
        "scores_to_impute",
        tables.ROBUSTNESS,
        imputation.FEWEST_ANSWERS,
        "scores",
        "A wave and subscale with fewer is not imputed.",
    ),
    (
        "closes_soon_days",
        tables.FOLLOW_UP_DUE,
        follow_up_due.CLOSES_SOON_DAYS,
        "days",
        "A window that closes within so many days is counted as closing.",
    ),
    (
        "sessions_held_since_first",
        tables.PARTICIPANTS,
        dropout.HELD_SINCE_FIRST,
        "sessions",
        "So many must have been held since before one who came once counts as dropped out.",
    ),
    (
        "sessions_missed_in_a_row",
        tables.PARTICIPANTS,
        dropout.MISSED_IN_A_ROW,
        "sessions",
        "So many of the latest must be missed before one who came twice counts as dropped out.",
    ),
    (
        "seconds_an_item",
        tables.RESPONSE_QUALITY,
        rules.FASTEST_SECONDS_PER_ITEM,
        "seconds",
        "A response that took less for each item was answered too fast.",
    ),
    (
        "longest_run",
        tables.RESPONSE_QUALITY,
        rules.LONGEST_RUN_SHARE,
        "share of items",
        "One answer repeated in a row for so many items or more is straight-lining.",
    ),
)


def _questions() -> Iterable[dict[str, Any]]:
    for place, view in enumerate(QUESTIONS, start=1):
        yield {
            "place": place,
            "view": view.name,
            "question": view.asks,
            "caution": view.caution,
            "sql": view.sql.strip(),
        }


def _dictionary() -> Iterable[dict[str, Any]]:
    described: tuple[Table | View, ...] = (*TABLES, *VIEWS)
    for table in described:
        for place, column in enumerate(table.columns, start=1):
            yield {
                "schema_name": table.schema,
                "table_name": table.name,
                "kind": "table" if isinstance(table, Table) else "view",
                "about": table.about,
                "place": place,
                "column_name": column.name,
                "type": column.type.sql,
                "may_be_null": column.nullable,
                "unit": column.unit,
                "description": column.description,
            }

"""The tables of a release as data: columns, what kind of figure each is, and what it is made from.

A new table is an entry here and a function in `rows.py` that reads printed figures. What stays out:
the rows. DDL and comments are made by `pipeline/tables/` from what stands here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import polars as pl

from pipeline.tables import Column, Table, Type
from pipeline.tables.columns import one_of
from pipeline.vocabulary import RobustnessMethod, RobustnessOutcome, Term, Verdict

SCHEMA: Final = "main"
"""DuckDB calls a database after its file, here `release`, and `release.wave_summary` could not be
told from a schema's of that name."""


class Note(Term):
    """Why a figure of a release is NULL, in the signs of UK statistical spreadsheets."""

    CONFIDENTIAL = "c", "Confidential: left out so that nobody can be traced."
    NOT_AVAILABLE = "x", "Not available: it cannot be computed."
    NOT_APPLICABLE = "z", "Not applicable to this row."


class NotPooled(Term):
    """Why an area does not enter a pooled change of a release."""

    NOT_PRINTED = "not_printed", "Its change is confidential."
    SEVERAL = "several", "It stands for several organisations."
    NO_SPREAD = "no_spread", "The printed SD of its change is 0: no variance."


class Kind(Enum):
    """What a column of a release is, and by which rule it is printed."""

    KEY = "part of the row's name"
    FACT = "no figure of officers: from the programme, the pilot or reference data"
    COUNT = "officers, rounded once from the exact count"
    MEAN = "mean to one decimal"
    SD = "SD (n - 1) to one decimal"
    INTERVAL = "limit of a 95% t interval, from the printed mean, SD and count"
    PERCENT = "whole percent, from printed counts"
    EFFECT = "to one decimal, from printed means and SDs"
    FLAG = "from a printed effect"
    MODEL = "model of all officers, two significant figures"
    POOLED = "to one decimal, by a model of printed changes of organisations"
    ESTIMATE = "model of all officers, to one decimal"
    OUTCOME = "by the rule of the robustness panel"
    AGREEMENT = "to one decimal"
    ROWS = "rows of files, to the nearest hundred"
    STEPS = "percent in steps of 5, where there are 200 rows"
    SHARE = "share in steps of 0.05 (weights) or 0.1 (I2), by the same model"


_TYPES: Final[Mapping[Kind, Type]] = {
    Kind.KEY: Type.TEXT,
    Kind.FACT: Type.TEXT,
    Kind.COUNT: Type.WHOLE,
    Kind.PERCENT: Type.WHOLE,
    Kind.FLAG: Type.TEXT,
    Kind.OUTCOME: Type.TEXT,
    Kind.ROWS: Type.WHOLE,
    Kind.STEPS: Type.WHOLE,
}

Value = float | int | str | bool | Note | None
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    description: str
    type: Type | None = None

    @property
    def is_figure(self) -> bool:
        return self.kind not in {Kind.KEY, Kind.FACT}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The column in the file, and its note where it is a figure."""
        sql = self.type or _TYPES.get(self.kind, Type.NUMBER)
        if not self.is_figure:
            return (Column(self.name, sql, self.description),)
        about = f"{self.description} {self.kind.value[:1].upper()}{self.kind.value[1:]}."
        note = Column(f"{self.name}_note", Type.TEXT, f"Why {self.name} is NULL. {one_of(Note)}.")
        return Column(self.name, sql, about), note


@dataclass(frozen=True, slots=True)
class ReleaseTable:
    """One table of a release; its rows keep the order in which they are made."""

    name: str
    grain: str
    description: str
    fields: tuple[Field, ...]

    @property
    def table(self) -> Table:
        return Table(
            SCHEMA,
            self.name,
            self.grain,
            self.description,
            tuple(field.name for field in self.fields if field.kind is Kind.KEY),
            tuple(column for field in self.fields for column in field.columns),
            keeps_order=True,
        )

    def frame(self, rows: Iterable[Row]) -> pl.DataFrame:
        """Rows with a value or a note a figure -> the columns of the file.

        Raises ValueError for a row that lacks a figure or says neither value nor note.
        """
        made = [self._with_notes(row) for row in rows]
        schema = self.table.frame_schema
        return self.table.conform(pl.DataFrame(made, schema=schema, orient="row"))

    def rows(self, frame: pl.DataFrame) -> list[Row]:
        """What `frame` was made from: a value or a note a figure."""
        figures = [field.name for field in self.fields if field.is_figure]
        return [
            {
                field.name: row[field.name]
                if field.name not in figures or row[field.name] is not None
                else Note(row[f"{field.name}_note"])
                for field in self.fields
            }
            for row in frame.iter_rows(named=True)
        ]

    def _with_notes(self, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in self.fields:
            value = row.get(field.name)
            if not field.is_figure:
                found[field.name] = value
                continue
            if value is None:
                raise ValueError(f"{SCHEMA}.{self.name}.{field.name} has neither value nor note")
            note = value if isinstance(value, Note) else None
            found[field.name] = value if note is None else None
            found[f"{field.name}_note"] = note.value if note else None
        return found


def shares(frames: Mapping[str, pl.DataFrame], tables: Sequence[ReleaseTable]) -> dict[str, Any]:
    """Of each table how many rows and figures it has, and how many figures are printed."""
    found = {}
    for table in tables:
        frame = frames[table.name]
        figures = [field.name for field in table.fields if field.is_figure]
        cells = frame.height * len(figures)
        printed = sum(frame.height - frame[name].null_count() for name in figures)
        found[table.name] = {
            "rows": frame.height,
            "cells": cells,
            "published": round(printed / cells, 3) if cells else 1.0,
        }
    return found


def _key(name: str, description: str, type_: Type | None = None) -> Field:
    return Field(name, Kind.KEY, description, type_)


_ORGANISATION = _key("organisation", "Organisation, `others` (see areas) or `all`.")
_ARM = _key("arm", "Arm of the programme, or `all`.")
_WAVE = _key("wave", "Measuring point.")
_INSTRUMENT = _key("instrument", "Questionnaire.")
_SUBSCALE = _key("subscale", "Subscale of the instrument.")
_FROM = _key("from_wave", "Earlier wave.")
_TO = _key("to_wave", "Later wave.")
_DENOMINATOR = _key("denominator", "`enrolled`, or `two_sessions`: who attended two or more.")
_NAMED_BEFOREHAND = Field(
    "named_beforehand", Kind.FACT, "The primary contrast of the programme.", Type.TRUTH
)
_CI = (
    Field("ci_low", Kind.INTERVAL, "Lower limit; ignores that officers come in clusters."),
    Field("ci_high", Kind.INTERVAL, "Upper limit; ignores that officers come in clusters."),
)

AREAS = ReleaseTable(
    "areas",
    "one organisation",
    "Where each organisation stands in this release.",
    (
        _key("organisation", "Organisation."),
        Field("name", Kind.FACT, "Its full name."),
        Field("shown_as", Kind.FACT, "Itself, `others`, or `all` where there are no areas."),
    ),
)

PARTICIPANT_FLOW = ReleaseTable(
    "participant_flow",
    "arm, denominator, stage and status",
    "Who enrolled, and what became of them at every wave.",
    (
        _ORGANISATION,
        _ARM,
        _DENOMINATOR,
        _key("stage", "`enrolled`, `dropout`, or a wave."),
        _key("status", "`enrolled`, dropout stage, or status at the wave."),
        Field("n", Kind.COUNT, "Officers."),
    ),
)

FOLLOW_UP = ReleaseTable(
    "follow_up",
    "organisation and wave",
    "How many of the enrolled were scored at each wave, on the primary instrument.",
    (
        _ORGANISATION,
        _WAVE,
        Field("enrolled", Kind.COUNT, "Officers enrolled."),
        Field("scored", Kind.COUNT, "Officers scored on every subscale."),
        Field("scored_percent", Kind.PERCENT, "Scored of enrolled."),
    ),
)

WAVE_SUMMARY = ReleaseTable(
    "wave_summary",
    "organisation or arm, wave, instrument and subscale",
    "Scores at each wave, of officers scored on every subscale of the instrument.",
    (
        _ORGANISATION,
        _ARM,
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        Field("n", Kind.COUNT, "Officers scored."),
        Field("mean", Kind.MEAN, "Mean score."),
        Field("sd", Kind.SD, "Spread of the scores."),
        *_CI,
    ),
)

WAVE_BANDS = ReleaseTable(
    "wave_bands",
    "arm, wave, instrument, subscale and band",
    "Officers by band of their score; adjacent bands merged until each is large enough.",
    (
        _ORGANISATION,
        _ARM,
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        _key("band", "Band, or adjacent bands joined by `or`."),
        Field("n", Kind.COUNT, "Officers in the band."),
    ),
)

PAIRED_CHANGE = ReleaseTable(
    "paired_change",
    "organisation or arm, pair of waves, instrument and subscale",
    "Change of officers scored at both waves, later minus earlier. A change, not an effect.",
    (
        _ORGANISATION,
        _ARM,
        _FROM,
        _TO,
        _INSTRUMENT,
        _SUBSCALE,
        _NAMED_BEFOREHAND,
        Field("n", Kind.COUNT, "Officers scored at both waves."),
        Field("mean_change", Kind.MEAN, "Mean of later minus earlier."),
        Field("sd_change", Kind.SD, "Spread of the change."),
        *_CI,
        Field("sd_from", Kind.SD, "Spread of their scores at the earlier wave."),
        Field("sd_to", Kind.SD, "Spread of their scores at the later wave."),
        Field("correlation", Kind.EFFECT, "Of the two scores."),
        Field("d_av", Kind.EFFECT, "Mean change over the mean of the two SDs."),
    ),
)

RELIABLE_CHANGE = ReleaseTable(
    "reliable_change",
    "arm, pair of waves, instrument, subscale and outcome",
    "Officers by reliable change (Jacobson and Truax 1991); adjacent outcomes merged.",
    (
        _ORGANISATION,
        _ARM,
        _FROM,
        _TO,
        _INSTRUMENT,
        _SUBSCALE,
        _key("outcome", "`worse`, `unchanged`, `better`, or adjacent ones joined by `or`."),
        Field("n", Kind.COUNT, "Officers."),
    ),
)

RETENTION = ReleaseTable(
    "retention",
    "denominator and step",
    "How many were still taking part: steps from one wave to a later one, merged until each has "
    "events enough.",
    (
        _ORGANISATION,
        _ARM,
        _DENOMINATOR,
        _key("time", "Place of the wave at which the step begins; 0 is enrolment.", Type.WHOLE),
        Field("wave", Kind.FACT, "The wave at that place; NULL at enrolment."),
        Field("to_time", Kind.FACT, "Place of the wave at which it ends.", Type.WHOLE),
        Field("n_at_risk", Kind.COUNT, "Officers who came as far as its beginning, if decided."),
        Field("n_left", Kind.COUNT, "Of these, dropped out or left during the step."),
        Field("retained", Kind.PERCENT, "Product of 1 - n_left / n_at_risk of all steps so far."),
    ),
)

ATTRITION = ReleaseTable(
    "attrition",
    "instrument and subscale",
    "Scores at the first wave of those who dropped out later and of those who stayed.",
    (
        _ORGANISATION,
        _DENOMINATOR,
        _INSTRUMENT,
        _SUBSCALE,
        Field("n_left", Kind.COUNT, "Officers who dropped out later."),
        Field("n_stayed", Kind.COUNT, "Officers who had not and could have."),
        Field("mean_left", Kind.MEAN, "Mean score of those who left."),
        Field("mean_stayed", Kind.MEAN, "Mean score of those who stayed."),
        Field("sd_left", Kind.SD, "Spread of those who left."),
        Field("sd_stayed", Kind.SD, "Spread of those who stayed."),
        Field("standardised_difference", Kind.EFFECT, "Left minus stayed, over their SD."),
        Field("flag", Kind.FLAG, "Small up to 0.10, notable up to 0.25, else serious."),
    ),
)

ATTRITION_MODEL = ReleaseTable(
    "attrition_model",
    "term of the model",
    "Logistic regression of dropping out on the scores of the first wave and on rank group.",
    (
        _key("term", "Subscale (a point), or rank group against the largest."),
        Field("odds_ratio", Kind.MODEL, "Odds ratio of dropping out."),
        Field("ci_low", Kind.MODEL, "Lower limit of its 95% interval."),
        Field("ci_high", Kind.MODEL, "Upper limit of its 95% interval."),
    ),
)

_CONTRAST = (_FROM, _TO, _INSTRUMENT, _SUBSCALE)

POOLED_CHANGE = ReleaseTable(
    "pooled_change",
    "pair of waves, instrument and subscale",
    "Change over organisations that differ, of the printed changes of paired_change: random "
    "effects, REML, Hartung-Knapp. A change, not an effect.",
    (
        *_CONTRAST,
        _NAMED_BEFOREHAND,
        Field("k", Kind.FACT, "Organisations in the model.", Type.WHOLE),
        Field("k_left_out", Kind.FACT, "Areas that are not; see organisation_change.", Type.WHOLE),
        Field("estimate", Kind.POOLED, "Mean over organisations of later minus earlier."),
        Field("ci_low", Kind.POOLED, "Lower limit of its 95% interval, multiplier at least 1."),
        Field("ci_high", Kind.POOLED, "Upper limit of it."),
        Field(
            "prediction_low",
            Kind.POOLED,
            "Lower limit of the 95% interval for the true change of another organisation.",
        ),
        Field("prediction_high", Kind.POOLED, "Upper limit of it."),
        Field("tau2", Kind.POOLED, "Variance of the true change between organisations."),
        Field("i2", Kind.SHARE, "Part of the spread that lies between organisations."),
    ),
)

ORGANISATION_CHANGE = ReleaseTable(
    "organisation_change",
    "pair of waves, instrument, subscale and area",
    "What each organisation brings to pooled_change.",
    (
        *_CONTRAST,
        _ORGANISATION,
        Field(
            "left_out",
            Kind.FACT,
            f"NULL if it enters. {one_of(NotPooled)}.",
        ),
        Field("n", Kind.COUNT, "Officers scored at both waves."),
        Field("estimate", Kind.MEAN, "Mean of later minus earlier, as in paired_change."),
        Field("weight", Kind.SHARE, "Part in the pooled change."),
    ),
)

DOSE_RESPONSE = ReleaseTable(
    "dose_response",
    "band of sessions, wave, instrument and subscale",
    "Change since the first wave by sessions attended. Descriptive: those who stay longer differ "
    "from those who leave.",
    (
        _ORGANISATION,
        _key("sessions_band", "Sessions attended; adjacent bands joined by `or`."),
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        Field("n", Kind.COUNT, "Officers scored at both waves."),
        Field("mean_change", Kind.MEAN, "Mean of later minus first."),
        Field("sd_change", Kind.SD, "Spread of the change."),
        *_CI,
    ),
)

EQUALITY_BREAKDOWN = ReleaseTable(
    "equality_breakdown",
    "characteristic, value, wave, instrument and subscale",
    "Levels, and the change of the primary contrast, by one characteristic of officers at a time; "
    "all organisations and arms together, primary instrument. No comparison of groups.",
    (
        _key("characteristic", "`rank_group`, `service_band`, `gender` or `ethnicity_group`."),
        _key("value", "Its value, `unknown` where no export said it; every one that there may be."),
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        Field("n", Kind.COUNT, "Officers scored."),
        Field("mean", Kind.MEAN, "Mean score."),
        Field("sd", Kind.SD, "Spread of the scores."),
        Field("n_change", Kind.COUNT, "Of these, scored at the contrast's earlier wave too."),
        Field("mean_change", Kind.MEAN, "Mean of later minus earlier, of those."),
        Field("sd_change", Kind.SD, "Spread of that change."),
        *_CI,
    ),
)

_CLUSTERED = "clustered; of ten organisations or more"

TRAJECTORY = ReleaseTable(
    "trajectory",
    "arm, wave, instrument and subscale",
    "Level and change by a mixed model that officers who left early are part of. A change, not an "
    "effect.",
    (
        _ARM,
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        _NAMED_BEFOREHAND,
        Field("n", Kind.COUNT, "Officers scored at this wave."),
        Field("estimate", Kind.ESTIMATE, "Mean at this wave, by the model."),
        Field("ci_low", Kind.ESTIMATE, f"Lower limit of its 95% interval, {_CLUSTERED}."),
        Field("ci_high", Kind.ESTIMATE, f"Upper limit of it, {_CLUSTERED}."),
        Field("change", Kind.ESTIMATE, "Printed estimate less that of the first wave."),
        Field("change_ci_low", Kind.ESTIMATE, f"Lower limit of its 95% interval, {_CLUSTERED}."),
        Field("change_ci_high", Kind.ESTIMATE, f"Upper limit of it, {_CLUSTERED}."),
    ),
)

ROBUSTNESS = ReleaseTable(
    "robustness",
    "subscale and method",
    "The change of the primary contrast by methods that treat dropout differently. A change, not "
    "an effect.",
    (
        _ARM,
        _TO,
        _INSTRUMENT,
        _SUBSCALE,
        _key("method", one_of(RobustnessMethod)),
        _NAMED_BEFOREHAND,
        Field("n", Kind.COUNT, "Officers scored at both waves, or at the later (mixed model)."),
        Field("estimate", Kind.ESTIMATE, "Mean of later minus first."),
        Field("ci_low", Kind.ESTIMATE, f"Lower limit of its 95% interval, {_CLUSTERED}."),
        Field("ci_high", Kind.ESTIMATE, f"Upper limit of it, {_CLUSTERED}."),
        Field("tipping_delta", Kind.ESTIMATE, "Smallest shift, in baseline SDs, that includes 0."),
        Field("outcome", Kind.OUTCOME, one_of(RobustnessOutcome)),
    ),
)

RELIABILITY = ReleaseTable(
    "reliability",
    "organisation, wave, instrument and subscale",
    "How far the items of a subscale agree.",
    (
        _ORGANISATION,
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        Field("n", Kind.COUNT, "Officers scored; nearly all of them answered every item."),
        Field("alpha", Kind.AGREEMENT, "Cronbach's alpha."),
        Field("omega", Kind.AGREEMENT, "McDonald's omega."),
    ),
)

COMPARABILITY = ReleaseTable(
    "comparability",
    "wave, instrument and subscale",
    "How many organisations have answers that can be compared with others', of those whose scores "
    "are printed in wave_summary.",
    (
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        Field("organisations", Kind.FACT, "Organisations of which it is known.", Type.WHOLE),
        Field("comparable", Kind.FACT, "Of these, with comparable answers.", Type.WHOLE),
        Field("not_comparable", Kind.FACT, "Of these, with answers that are not.", Type.WHOLE),
    ),
)

DATA_QUALITY = ReleaseTable(
    "data_quality",
    "organisation",
    "What was sent: files by verdict, and rows; whose they are, no figure says.",
    (
        _ORGANISATION,
        Field("files", Kind.FACT, "Files that were received.", Type.WHOLE),
        *(
            Field(f"files_{verdict}", Kind.FACT, f"Of these: {verdict.meaning}", Type.WHOLE)
            for verdict in Verdict
        ),
        Field("rows_read", Kind.ROWS, "Rows of all kinds of files."),
        Field("quarantined_percent", Kind.STEPS, "Of the rows, those that broke a rule."),
    ),
)

PILOT_RECONCILIATION = ReleaseTable(
    "pilot_reconciliation",
    "wave and subscale of the pilot",
    "The pilot's printed means, whether they are possible, and the national mean beside them.",
    (
        _WAVE,
        _SUBSCALE,
        Field("n_reported", Kind.FACT, "Officers as the pilot reports.", Type.WHOLE),
        Field("mean_reported", Kind.FACT, "Mean as printed."),
        Field("grim_possible", Kind.FACT, "Whether whole scores can give it.", Type.TRUTH),
        Field(
            "smallest_consistent_n",
            Kind.FACT,
            "Smallest n at which all of the wave's printed means are possible.",
            Type.WHOLE,
        ),
        Field("band_reported", Kind.FACT, "Band as the pilot reports."),
        Field("band_computed", Kind.FACT, "Band of the mean by the same limits."),
        Field("national_mean", Kind.MEAN, "Mean of all, from wave_summary."),
        Field("national_ci_low", Kind.INTERVAL, "Its lower limit."),
        Field("national_ci_high", Kind.INTERVAL, "Its upper limit."),
    ),
)

RELEASE_TABLES: Final = (
    AREAS,
    PARTICIPANT_FLOW,
    FOLLOW_UP,
    WAVE_SUMMARY,
    WAVE_BANDS,
    PAIRED_CHANGE,
    POOLED_CHANGE,
    ORGANISATION_CHANGE,
    RELIABLE_CHANGE,
    RETENTION,
    ATTRITION,
    ATTRITION_MODEL,
    DOSE_RESPONSE,
    EQUALITY_BREAKDOWN,
    TRAJECTORY,
    ROBUSTNESS,
    RELIABILITY,
    COMPARABILITY,
    DATA_QUALITY,
    PILOT_RECONCILIATION,
)

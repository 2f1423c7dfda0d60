"""Every published table: grain, columns, types, units and meaning, in one place.

DDL, comments, the data dictionary and the frames that rooms hand to each other are all made from
here, so a column cannot mean two things. What stays out: IO, and how a figure is computed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import polars as pl

from pipeline import vocabulary


class Type(Enum):
    """A column type as DuckDB and Polars spell it."""

    TEXT = ("VARCHAR", pl.String())
    WHOLE = ("INTEGER", pl.Int32())
    KEY = ("BIGINT", pl.Int64())
    NUMBER = ("DOUBLE", pl.Float64())
    TRUTH = ("BOOLEAN", pl.Boolean())
    DAY = ("DATE", pl.Date())
    MOMENT = ("TIMESTAMP", pl.Datetime("us"))
    ANSWERS = ("UTINYINT[]", pl.List(pl.UInt8()))
    TEXTS = ("VARCHAR[]", pl.List(pl.String()))

    def __init__(self, sql: str, dtype: pl.DataType) -> None:
        self.sql = sql
        self.dtype = dtype


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: Type
    description: str
    unit: str | None = None
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A published table. `key` is its grain; rows are sorted by `sort`, or by the key.

    An evaluation table keeps the order in which it was made, waves as the programme has them.
    """

    schema: str
    name: str
    grain: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    sort: tuple[str, ...] = ()
    keeps_order: bool = False

    @property
    def frame_schema(self) -> pl.Schema:
        return pl.Schema({column.name: column.type.dtype for column in self.columns})

    @property
    def qualified_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema=self.frame_schema)

    def _fitted(self, cells: pl.Series, column: Column) -> pl.Series:
        try:
            return cells.cast(column.type.dtype)
        except pl.exceptions.PolarsError:
            pass
        # Outside the handler: Polars quotes the cell, and a context would carry it on.
        raise ValueError(f"{self.qualified_name}.{column.name} is not {column.type.sql}")

    def _repeats_a_key(self, fitted: pl.DataFrame) -> bool:
        return bool(fitted.select(pl.struct(self.key).is_duplicated().any()).item())

    def _is_in_order(self, fitted: pl.DataFrame) -> bool:
        """Whether keys ascend, each above the one before, in a table that is sorted by its key.

        Looking costs a fraction of sorting and hashing millions of rows that are in order already.
        """
        if self.keeps_order or self.sort:
            return False
        ascends = pl.lit(False)
        for name in reversed(self.key):
            this, before = pl.col(name), pl.col(name).shift()
            ascends = (this > before) | ((this == before) & ascends)
        return bool(fitted.select(ascends.slice(1).fill_null(False).all()).item())

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this table's columns, types and row order.

        A column that the frame lacks becomes NULL if the table allows it. Raises ValueError naming
        table and column (never a value) for a NULL where none is allowed or a repeated key.
        """
        nothing = [
            pl.lit(None, column.type.dtype).alias(column.name)
            for column in self.columns
            if column.name not in frame.columns
        ]
        whole = frame.with_columns(nothing)
        fitted = pl.DataFrame([self._fitted(whole[column.name], column) for column in self.columns])
        in_order = self._is_in_order(fitted)
        if not in_order and not self.keeps_order:
            fitted = fitted.sort(self.sort or self.key, nulls_last=True)
        for column in self.columns:
            if not column.nullable and fitted[column.name].has_nulls():
                raise ValueError(f"{self.qualified_name}.{column.name} holds a NULL")
        if not in_order and self._repeats_a_key(fitted):
            raise ValueError(f"{self.qualified_name} has two rows for one {', '.join(self.key)}")
        return fitted


def ddl(table: Table) -> str:
    """The CREATE TABLE statement of a table."""
    columns = ",\n  ".join(
        f"{column.name} {column.type.sql}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    )
    return f"CREATE TABLE {table.qualified_name} (\n  {columns}\n)"


def comments(table: Table) -> list[str]:
    """The COMMENT ON statements of a table and of each of its columns."""
    about = f"{table.description} One row: {table.grain}."
    statements = [f"COMMENT ON TABLE {table.qualified_name} IS {_literal(about)}"]
    for column in table.columns:
        unit = f" Unit: {column.unit}." if column.unit else ""
        statements.append(
            f"COMMENT ON COLUMN {table.qualified_name}.{column.name} IS "
            f"{_literal(column.description + unit)}"
        )
    return statements


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _one_of(terms: Iterable[vocabulary.Term]) -> str:
    return "; ".join(f"{term}: {term.meaning.rstrip('.')}" for term in terms)


def _text(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, Type.TEXT, description, nullable=nullable)


def _count(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, Type.WHOLE, description, unit)


def _number(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, Type.NUMBER, description, unit)


_POINTS = "points on the subscale"
_OFFICERS = "officers"
_ORGANISATION = _text("organisation", "Police force or violence reduction unit.", nullable=False)
_PARTICIPANT = _text(
    "participant_id", "Pseudonym of an officer, with its key version in front.", nullable=False
)
_WAVE = _text("wave", "Measuring point, as the programme names it.", nullable=False)
_INSTRUMENT = _text("instrument", "Questionnaire.", nullable=False)
_RESPONSE = Column(
    "response_id",
    Type.KEY,
    "Participant, wave and instrument in one number, the same in every snapshot.",
    nullable=False,
)
_SUBSCALE = _text("subscale", "Subscale of the instrument.", nullable=False)
_ALL_ORGANISATIONS = _text(
    "organisation", "Organisation that enrolled the officers; `all` is the total.", nullable=False
)
_ALL_ARMS = _text("arm", "Arm of the programme; `all` is the total.", nullable=False)
_NOTE = _text(
    "note", "Why a figure is NULL, and how the interval was made where that is not the default."
)

ORGANISATIONS = Table(
    "core",
    "organisations",
    "one organisation",
    "Organisations that sent something, or that somebody who enrolled belongs to.",
    ("organisation",),
    (
        _ORGANISATION,
        _text("name", "Full name.", nullable=False),
        _text("kind", _one_of(vocabulary.OrganisationKind), nullable=False),
        _text("country", "Country.", nullable=False),
        _text("police_force_area_code", "Police force area code of the ONS, where there is one."),
    ),
)

PARTICIPANTS = Table(
    "core",
    "participants",
    "one enrolled officer",
    "Everybody who enrolled, whether they came, answered, left or not.",
    ("participant_id",),
    (
        _PARTICIPANT,
        _text("organisation", "Organisation that enrolled the officer first.", nullable=False),
        _text("home_force", "Police force the officer belongs to.", nullable=False),
        _text("unit", "Unit as the roster names it."),
        _text("session_group", "Pseudonym of the group the officer sits with."),
        _text("facilitator", "Pseudonym of the group's facilitator."),
        _text("cohort", "Officers of one organisation who begin together."),
        _text("arm", "Arm of the programme.", nullable=False),
        _text("rank_group", "Group of ranks."),
        _text("service_band", "Length of service in bands.", nullable=True),
        _text("gender", "Gender, in the usual words or the mapping's own."),
        _text("ethnicity_group", "Group of ethnicity, self-defined or as observed (IC codes)."),
        Column("enrolled_on", Type.DAY, "Day of enrolment, where it is known."),
        _text("enrolment_source", _one_of(vocabulary.EnrolmentSource), nullable=False),
        Column("departed_on", Type.DAY, "Day the officer withdrew or left."),
        _text("departure_kind", _one_of(vocabulary.DepartureKind)),
        _count("sessions_attended", "Sessions attended up to the as-of date.", "sessions"),
        _text("dropout_stage", _one_of(vocabulary.DropoutStage), nullable=False),
        _text("last_wave_completed", "Last wave with a scorable response."),
    ),
)

MEMBERSHIPS = Table(
    "core",
    "memberships",
    "one officer in one organisation",
    "Which organisations reported an officer, and when.",
    ("participant_id", "organisation"),
    (
        _PARTICIPANT,
        _ORGANISATION,
        Column("first_seen_on", Type.DAY, "First day on which the organisation reported them."),
        Column("last_seen_on", Type.DAY, "Last day on which the organisation reported them."),
    ),
)

PARTICIPANT_ALIAS = Table(
    "core",
    "participant_alias",
    "one pseudonym that an officer took on",
    "Officers who went to another force, with a new number and hence a new pseudonym, and officers "
    "whose self-generated codes differ here and there. Every other table has them under "
    "participant_id alone.",
    ("alias_id",),
    (
        _text("participant_id", "Pseudonym that the officer keeps: their first.", nullable=False),
        _text(
            "alias_id", "Pseudonym by their number in the new force, or of a code.", nullable=False
        ),
        _text(
            "organisation",
            "Organisation that reported the transfer, or sent the code.",
            nullable=False,
        ),
        Column("transferred_on", Type.DAY, "Day they left the force before; NULL for codes."),
        Column(
            "taken_up",
            Type.TRUTH,
            "Anything came in under the new pseudonym, so they go on taking part; else they count "
            "as having left.",
            nullable=False,
        ),
    ),
)

_FROM_WAVE = _text("from_wave", "Earlier wave.", nullable=False)
_TO_WAVE = _text("to_wave", "Later wave.", nullable=False)

LINK_RATES = Table(
    "core",
    "link_rates",
    "organisation, pair of waves and tier",
    "Officers known by codes: how many were linked between two waves, by what, and how many not.",
    ("organisation", "from_wave", "to_wave", "tier"),
    (
        _text("organisation", "Organisation that sent the answers.", nullable=False),
        _FROM_WAVE,
        _TO_WAVE,
        _text("tier", _one_of(vocabulary.LinkTier), nullable=False),
        _count("n", "Officers, as far as the links are right.", _OFFICERS),
    ),
)

LINK_ERRORS = Table(
    "core",
    "link_errors",
    "organisation, pair of waves and method",
    "Officers known by codes: estimates of how many links between two waves are wrong, and how "
    "many officers who answered both were not linked.",
    ("organisation", "from_wave", "to_wave", "method"),
    (
        _text("organisation", "Organisation that sent the answers.", nullable=False),
        _FROM_WAVE,
        _TO_WAVE,
        _text("method", _one_of(vocabulary.LinkErrorMethod), nullable=False),
        _count("linked", "Officers linked between the waves, of every tier.", _OFFICERS),
        _number("wrong", "Expected number of links of two officers.", _OFFICERS),
        _number("wrong_low", "Lower limit of the 95% interval of that number.", _OFFICERS),
        _number("wrong_high", "Upper limit of it.", _OFFICERS),
        _number("missed", "Expected number of officers not linked to themselves.", _OFFICERS),
        _number("missed_low", "Lower limit of the 95% interval of that number.", _OFFICERS),
        _number("missed_high", "Upper limit of it.", _OFFICERS),
        _NOTE,
    ),
)

RESPONSES = Table(
    "core",
    "responses",
    "one officer, wave and instrument",
    "Accepted answers. No timestamps, no free text. `core.item_responses` has one row an item.",
    ("participant_id", "wave", "instrument"),
    (
        _RESPONSE,
        _text("submission_id", "Submission the answers came with.", nullable=False),
        _PARTICIPANT,
        _text("organisation", "Organisation that sent the answers.", nullable=False),
        _WAVE,
        _INSTRUMENT,
        Column("completed_on", Type.DAY, "Day of completion, where the export says it."),
        Column("items", Type.ANSWERS, "Answers as given, item 1 first; NULL is unanswered."),
        _count("items_answered", "Number of items answered.", "items"),
        _count("duration_seconds", "Time taken, where the platform records it.", "seconds"),
        Column(
            "flags",
            Type.TEXTS,
            "Rules of severity warn that the response broke, and rules that a steward waived.",
        ),
    ),
)

SCORES = Table(
    "core",
    "scores",
    "one response and subscale",
    "Subscale scores of the responses that count.",
    ("participant_id", "wave", "instrument", "subscale"),
    (
        _RESPONSE,
        _PARTICIPANT,
        _text("organisation", "Organisation that sent the answers.", nullable=False),
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        _number("raw_score", "Sum of the items after reversal; NULL if not scorable.", _POINTS),
        _count("items_answered", "Items of the subscale that were answered.", "items"),
        Column("prorated", Type.TRUTH, "Scored from the answered items, as the programme allows."),
        _text("band", "Band of the score; NULL if not scorable."),
        _text("band_system", "Whose bands they are.", nullable=False),
    ),
)

ATTENDANCE = Table(
    "core",
    "attendance",
    "one officer and session",
    "Who came to which session.",
    ("participant_id", "session_number"),
    (
        _PARTICIPANT,
        _text("organisation", "Organisation that kept the register.", nullable=False),
        _text("session_group", "Pseudonym of the group that met."),
        Column("session_number", Type.WHOLE, "Number of the session, from 1.", nullable=False),
        Column("held_on", Type.DAY, "Day of the session."),
        Column("cancelled", Type.TRUTH, "The session was not held.", nullable=False),
        Column("attended", Type.TRUTH, "The officer came; NULL if the session was cancelled."),
        _count("minutes", "Time attended.", "minutes"),
        _text("absence_reason", "Reason of absence, in the usual words or the mapping's own."),
    ),
)

PARTICIPANT_WAVES = Table(
    "core",
    "participant_waves",
    "one enrolled officer and wave",
    "What became of every measurement that was to happen.",
    ("participant_id", "wave"),
    (
        _PARTICIPANT,
        _text("organisation", "Organisation that enrolled the officer first.", nullable=False),
        _WAVE,
        Column("due_on", Type.DAY, "Day the wave falls due for the officer's cohort."),
        Column("window_opens_on", Type.DAY, "First day of the window."),
        Column("window_closes_on", Type.DAY, "Last day of the window."),
        Column(
            "missed_after",
            Type.DAY,
            "Last day on which an answer is waited for: the window's, and the days of grace.",
        ),
        _text("status", _one_of(vocabulary.WaveStatus), nullable=False),
        _text("reason", "What is known about why, such as long absence."),
        Column("completed_on", Type.DAY, "Day of completion, where the export says it."),
        Column("response_id", Type.KEY, "Response that counts, if there is one."),
    ),
)

COMMENTS = Table(
    "core",
    "comments",
    "one text of one officer, wave and question",
    "Free text that a steward has read and approved, redacted. No other text is in any table, and "
    "none of it is released by default.",
    ("comment_id",),
    (
        _text("comment_id", "The text, the same in every snapshot under one key.", nullable=False),
        _text("participant_id", "Pseudonym of the officer; NULL if the row names nobody."),
        _text("organisation", "Organisation that sent the text.", nullable=False),
        _text("wave", "Measuring point; NULL if the text is of no one wave."),
        _text("question", "Question, as the mapping names it.", nullable=False),
        _text(
            "text",
            "The text; words in brackets, such as [name], stand for what was covered.",
            nullable=False,
        ),
        Column("themes", Type.TEXTS, "Themes that the steward gave it.", nullable=False),
        _text("approved_by", "Steward who approved it last.", nullable=False),
        Column("approved_on", Type.DAY, "Day of that.", nullable=False),
    ),
)

SUBMISSIONS = Table(
    "quality",
    "submissions",
    "one submission",
    "What arrived and what became of it. rows_read is the sum of rows_accepted, rows_quarantined, "
    "rows_superseded, rows_held and rows_withdrawn.",
    ("submission_id",),
    (
        _text("submission_id", "Organisation, source and start of the hash.", nullable=False),
        _ORGANISATION,
        _text("source", "Source of the organisation, as its mapping is named.", nullable=False),
        _text("kind", _one_of(vocabulary.Kind)),
        _text("file_name", "File name with every word that could name a person masked."),
        _text("sha256", "SHA-256 of the file's bytes.", nullable=False),
        Column("received_at", Type.MOMENT, "When Muster first saw the file (UTC).", nullable=False),
        _count("rows_in_file", "Data rows in the file; NULL if it could not be read.", "rows"),
        _count(
            "rows_read",
            "Rows after a wide file is unfolded to one row an officer, wave and instrument, or an "
            "officer and session; NULL if the file could not be read.",
            "rows",
        ),
        _count("rows_accepted", "Rows that count.", "rows"),
        _count("rows_quarantined", "Rows that broke a rule of severity reject.", "rows"),
        _count("rows_superseded", "Sound rows that a newer or other row replaces.", "rows"),
        _count("rows_held", "Sound rows that wait for a steward.", "rows"),
        _count(
            "rows_withdrawn",
            "Rows without consent, of officers who had stopped collection, or of erased ones; "
            "nothing of them is kept.",
            "rows",
        ),
        _count(
            "rows_disappeared",
            "Rows of the files it replaced that it does not hold any more; NULL if it replaced "
            "none. They are no part of rows_read.",
            "rows",
        ),
        _text("verdict", _one_of(vocabulary.Verdict), nullable=False),
        _text("reason", "Why, in one sentence; NULL if accepted without remark."),
        _text("replaced_by", "Newer submission of the same cumulative source."),
        _text("decided_by", "`contract`, or the steward who decided.", nullable=False),
    ),
    sort=("organisation", "source", "received_at", "submission_id"),
)

QUARANTINE = Table(
    "quality",
    "quarantine",
    "one row of a file and one rule it broke",
    "Rows that do not count, and the warnings of rows that do. No cell of a row is kept.",
    (
        *("submission_id", "row_number", "wave", "instrument", "session_number"),
        *("rule", "column_name"),
    ),
    (
        _text("submission_id", "Submission the row came with.", nullable=False),
        Column("row_number", Type.WHOLE, "Row as a spreadsheet counts it.", nullable=False),
        _text("rule", "Rule that the row broke.", nullable=False),
        _text("column_name", "Column concerned, where one is."),
        _text("severity", _one_of(vocabulary.Severity), nullable=False),
        _text("participant_id", "Pseudonym, where the row has one."),
        _text("wave", "Wave, where the row has one."),
        _text("instrument", "Instrument, where the row has one."),
        Column("session_number", Type.WHOLE, "Session, where the row is of a register."),
        _text("status", _one_of(vocabulary.QuarantineStatus), nullable=False),
    ),
)

LINK_REVIEW = Table(
    "quality",
    "link_review",
    "two codes of one force that are nearly the same",
    "Codes that may be one officer's: what was taken for one, and what waits for a steward.",
    ("pair",),
    (
        _text("pair", "What the two are called in `muster review links`.", nullable=False),
        _text("home_force", "Police force the officers belong to.", nullable=False),
        _text("code_id", "Pseudonym of one code.", nullable=False),
        _text("other_code_id", "Pseudonym of the other.", nullable=False),
        _text("status", _one_of(vocabulary.LinkStatus), nullable=False),
        _text("doubt", _one_of(vocabulary.LinkDoubt)),
        Column("differing", Type.TEXTS, "Elements that differ or are missing.", nullable=False),
        _count("elements", "Elements that the codes have between them.", "elements"),
        Column("given_on", Type.TEXTS, "Where the first code was given.", nullable=False),
        Column("other_given_on", Type.TEXTS, "Where the other was given.", nullable=False),
    ),
)

DECISIONS = Table(
    "quality",
    "decisions",
    "one decision of a steward",
    "What stewards decided, oldest first: a copy of stewardship.sqlite, where nothing is changed.",
    ("decision",),
    (
        _count("decision", "Number of the decision, in the order in which they were taken."),
        Column("decided_at", Type.MOMENT, "When it was taken (UTC).", nullable=False),
        _text("submission_id", "Submission it concerns.", nullable=False),
        _count("row_number", "Row it concerns; NULL for the whole submission."),
        _text("rule", "Rule that is waived; NULL unless one is."),
        _text("action", _one_of(vocabulary.DecisionAction), nullable=False),
        _text("steward", "Who decided.", nullable=False),
        _text("reason", "Why, in the steward's words.", nullable=False),
        Column("until", Type.DAY, "Last day on which a waiver holds."),
    ),
)

COMMENT_COUNTS = Table(
    "quality",
    "comment_counts",
    "organisation and state",
    "Free texts of submissions that count, by what became of them; no text is here.",
    ("organisation", "state"),
    (
        _text("organisation", "Organisation that sent the texts.", nullable=False),
        _text("state", _one_of(vocabulary.CommentState), nullable=False),
        _count("texts", "Texts, the same text of one officer once.", "texts"),
        _count("quarantined", "Of these, texts of rows that are in quarantine.", "texts"),
    ),
)

CHECKS = Table(
    "quality",
    "checks",
    "one expectation of a contract on one submission",
    "What each contract found. Aggregates only.",
    ("submission_id", "contract", "expectation"),
    (
        _text("submission_id", "Submission that was judged.", nullable=False),
        _text("contract", "Contract of the kind or instrument.", nullable=False),
        _text("expectation", "Name of the expectation.", nullable=False),
        _text("column_name", "Measure of the profile that was judged.", nullable=False),
        _text("severity", "Verdict that a failure leads to.", nullable=False),
        Column("passed", Type.TRUTH, "Held or not; NULL if the check itself broke."),
        _number("observed", "Value of the measure."),
        _text("sentence", "What a failure means, and what to do about it."),
    ),
)

WAVE_SUMMARY = Table(
    "evaluation",
    "wave_summary",
    "organisation, arm, wave, instrument and subscale",
    "Scores at each wave, of everybody who answered it. Read changes from paired_change.",
    ("organisation", "arm", "wave", "instrument", "subscale"),
    (
        _ALL_ORGANISATIONS,
        _ALL_ARMS,
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        _count("n", "Officers with a score.", _OFFICERS),
        _number("mean", "Mean score.", _POINTS),
        _number("sd", "Standard deviation, n - 1.", _POINTS),
        _number("ci_low", "Lower limit of the 95% interval of the mean.", _POINTS),
        _number("ci_high", "Upper limit of the 95% interval of the mean.", _POINTS),
        _count("n_low", "Officers in the lowest band.", _OFFICERS),
        _count("n_moderate", "Officers in the bands between.", _OFFICERS),
        _count("n_high", "Officers in the highest band.", _OFFICERS),
        _count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        _NOTE,
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
        _ALL_ORGANISATIONS,
        _ALL_ARMS,
        _text("from_wave", "Earlier wave.", nullable=False),
        _text("to_wave", "Later wave.", nullable=False),
        _INSTRUMENT,
        _SUBSCALE,
        Column(
            "named_beforehand",
            Type.TRUTH,
            "The primary contrast of the programme file; every other row is secondary.",
            nullable=False,
        ),
        _count("n", "Officers with a score at both waves.", _OFFICERS),
        _number("mean_change", "Mean of later minus earlier.", _POINTS),
        _number("sd_change", "Standard deviation of the change, n - 1.", _POINTS),
        _number("ci_low", "Lower limit of the 95% interval of the mean change.", _POINTS),
        _number("ci_high", "Upper limit of the 95% interval of the mean change.", _POINTS),
        _number("correlation", "Pearson correlation of the two scores."),
        _number("d_av", "Mean change over the mean of the two SDs.", "standard deviations"),
        _number("d_rm", "Effect size for repeated measures.", "standard deviations"),
        _number("g_av", "d_av with Hedges' correction.", "standard deviations"),
        _count("n_reliably_better", "Reliable change (Jacobson and Truax 1991), better.", "people"),
        _count("n_reliably_worse", "Reliable change (Jacobson and Truax 1991), worse.", "people"),
        _number("reliable_change", "Smallest change that counts as reliable.", _POINTS),
        _count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        _NOTE,
    ),
    keeps_order=True,
)

_DENOMINATOR = _text("denominator", _one_of(vocabulary.Denominator), nullable=False)

PARTICIPANT_FLOW = Table(
    "evaluation",
    "participant_flow",
    "organisation, arm, denominator, stage and status",
    "What a STROBE flow chart shows; at every wave the statuses add up to the enrolled. Choose one "
    "denominator: the officers of the second are among those of the first. Officers who were "
    "erased are counted at the stage `erased`, by organisation, and nowhere else.",
    ("organisation", "arm", "denominator", "stage", "status"),
    (
        _ALL_ORGANISATIONS,
        _ALL_ARMS,
        _DENOMINATOR,
        _text("stage", "`erased`, `enrolled`, `dropout`, or a wave.", nullable=False),
        _text(
            "status",
            "Enrolment source, dropout stage or status at the wave; `erased` at that stage.",
            nullable=False,
        ),
        _count("n", "Officers.", _OFFICERS),
        _NOTE,
    ),
    keeps_order=True,
)

RETENTION = Table(
    "evaluation",
    "retention",
    "organisation, arm, denominator and time",
    "How many were still taking part after each wave: Kaplan-Meier over waves. Dropping out and "
    "leaving the organisation compete (Aalen-Johansen): retained, dropped_out and "
    "left_organisation add up to 1.",
    ("organisation", "arm", "denominator", "time"),
    (
        _ALL_ORGANISATIONS,
        _ALL_ARMS,
        _DENOMINATOR,
        Column(
            "time",
            Type.WHOLE,
            "Place of the last wave answered in the programme, from 1; 0 is enrolment.",
            nullable=False,
        ),
        _text("wave", "The wave at that place; NULL at enrolment."),
        _count(
            "n_at_risk",
            "Officers who came as far as this and of whom the next wave held is decided; after "
            "the last wave, all who answered it. n_at_risk less n_left, less n_censored one time "
            "later, is n_at_risk one time later.",
            _OFFICERS,
        ),
        _count("n_left", "Those who came no further: dropped out or left.", _OFFICERS),
        _count(
            "n_dropped_out",
            "Of these, missed the next wave or withdrew, and it has closed.",
            _OFFICERS,
        ),
        _count(
            "n_left_organisation",
            "Of these, left the organisation, and the next wave has closed.",
            _OFFICERS,
        ),
        _count(
            "n_censored",
            "Came as far as this and are not in n_at_risk: no later wave is held, or the next has "
            "not closed, also for those who have departed since. None after the last wave.",
            _OFFICERS,
        ),
        _number("retained", "Share still taking part afterwards.", "share"),
        _number("standard_error", "Greenwood's standard error of retained.", "share"),
        _number("ci_low", "Lower limit of the 95% interval (log-log).", "share"),
        _number("ci_high", "Upper limit of the 95% interval (log-log).", "share"),
        _number("dropped_out", "Cumulative incidence of dropping out.", "share"),
        _number("dropped_out_low", "Lower limit of its 95% interval (log-log).", "share"),
        _number("dropped_out_high", "Upper limit of its 95% interval (log-log).", "share"),
        _number("left_organisation", "Cumulative incidence of leaving.", "share"),
        _number("left_organisation_low", "Lower limit of its 95% interval (log-log).", "share"),
        _number("left_organisation_high", "Upper limit of its 95% interval (log-log).", "share"),
        _NOTE,
    ),
    keeps_order=True,
)

RETENTION_COMPARISON = Table(
    "evaluation",
    "retention_comparison",
    "arm and denominator",
    "Whether organisations differ in how many drop out: log-rank test over all of them.",
    ("arm", "denominator"),
    (
        _ALL_ARMS,
        _DENOMINATOR,
        _count("n_organisations", "Organisations compared.", "organisations"),
        _number("chi_square", "Log-rank statistic."),
        _count("degrees_of_freedom", "Its degrees of freedom."),
        _number("p_value", "Its p value."),
        _NOTE,
    ),
    keeps_order=True,
)

ATTRITION = Table(
    "evaluation",
    "attrition",
    "organisation, denominator, instrument and subscale",
    "Scores at the first wave of those who dropped out later and of those who stayed.",
    ("organisation", "denominator", "instrument", "subscale"),
    (
        _ALL_ORGANISATIONS,
        _DENOMINATOR,
        _INSTRUMENT,
        _SUBSCALE,
        _count("n_left", "Officers who dropped out after the first wave.", _OFFICERS),
        _count("n_stayed", "Officers who had not, could have, and have not departed.", _OFFICERS),
        _number("mean_left", "Mean score at the first wave of those who left.", _POINTS),
        _number("mean_stayed", "Mean score at the first wave of those who stayed.", _POINTS),
        _number(
            "standardised_difference",
            "Left minus stayed, over the root of the mean of their variances.",
            "standard deviations",
        ),
        _text("flag", _one_of(vocabulary.Imbalance)),
        _NOTE,
    ),
    keeps_order=True,
)

ATTRITION_MODEL = Table(
    "evaluation",
    "attrition_model",
    "term of the model",
    "Logistic regression of dropping out after the first wave on the scores there, rank group and "
    "organisation; all organisations together.",
    ("term",),
    (
        _text("term", "Intercept, subscale, or group against the largest.", nullable=False),
        _number("estimate", "Change of the log odds of dropping out."),
        _number("se", "Its standard error."),
        _number("odds_ratio", "exp(estimate)."),
        _number("ci_low", "Lower limit of the 95% interval of the odds ratio."),
        _number("ci_high", "Upper limit of the 95% interval of the odds ratio."),
        _count("n", "Officers in the model.", _OFFICERS),
        _NOTE,
    ),
    keeps_order=True,
)

DOSE_RESPONSE = Table(
    "evaluation",
    "dose_response",
    "organisation, band of sessions, wave, instrument and subscale",
    "Change since the first wave by sessions attended. Descriptive: those who stay longer differ "
    "from those who leave.",
    ("organisation", "sessions_band", "wave", "instrument", "subscale"),
    (
        _ALL_ORGANISATIONS,
        _text("sessions_band", _one_of(vocabulary.SessionsBand), nullable=False),
        _WAVE,
        _INSTRUMENT,
        _SUBSCALE,
        _count("n", "Officers with a score at both waves.", _OFFICERS),
        _number("mean_change", "Mean of later minus first.", _POINTS),
        _number("ci_low", "Lower limit of the 95% interval of the mean change.", _POINTS),
        _number("ci_high", "Upper limit of the 95% interval of the mean change.", _POINTS),
        _count("n_clusters", "Organisations or session groups behind the interval.", "clusters"),
        _NOTE,
    ),
    keeps_order=True,
)

FOLLOW_UP_DUE = Table(
    "evaluation",
    "follow_up_due",
    "organisation and wave",
    "Measurements that wait for an answer on the as-of date, and those that come next.",
    ("organisation", "wave"),
    (
        _ALL_ORGANISATIONS,
        _WAVE,
        _count(
            "expected",
            "Officers asked, by now or later: all but those who had gone without an answer and "
            "those whose programme leaves the wave out. The sum of answered, due, overdue, missed "
            "and not_yet_due.",
            _OFFICERS,
        ),
        _count("answered", "Of these, answered.", _OFFICERS),
        _count("due", "Window open, day due not yet passed, no answer.", _OFFICERS),
        _count("overdue", "Window open, day due passed, no answer.", _OFFICERS),
        _count("closing", "Of due and overdue, the window closes within 14 days.", _OFFICERS),
        _count("missed", "Window closed, no answer.", _OFFICERS),
        _count("not_yet_due", "Window not yet open, or its dates not known.", _OFFICERS),
        Column(
            "next_due_on",
            Type.DAY,
            "Earliest day due of windows that have not opened; NULL if none is left.",
        ),
        Column(
            "next_closing_on",
            Type.DAY,
            "Earliest last day of windows that are open and wait for somebody; NULL if none.",
        ),
        _NOTE,
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
        _WAVE,
        _SUBSCALE,
        _count("n_reported", "Officers as the pilot reports.", _OFFICERS),
        _text("mean_reported", "Mean as printed.", nullable=False),
        Column("grim_possible", Type.TRUTH, "Whether whole scores of n_reported can give it."),
        _count(
            "smallest_consistent_n",
            "Smallest n at which all of the wave's printed means are possible.",
            _OFFICERS,
        ),
        _text("band_reported", "Band as the pilot reports."),
        _text("band_computed", "Band of the mean by the same limits (22 and below, 42 and above)."),
        _number("national_mean", "Mean of all organisations at the same wave.", _POINTS),
        _number("national_ci_low", "Lower limit of its 95% interval.", _POINTS),
        _number("national_ci_high", "Upper limit of its 95% interval.", _POINTS),
        _NOTE,
    ),
    keeps_order=True,
)

BUILD = Table(
    "meta",
    "build",
    "one snapshot",
    "What this snapshot was made from.",
    ("fingerprint",),
    (
        _text("fingerprint", "Hash of submissions, configuration, dates and code.", nullable=False),
        _text("programme", "Programme evaluated.", nullable=False),
        Column("as_of", Type.DAY, "Day for which statuses are worked out.", nullable=False),
        Column("known_at", Type.DAY, "Last day of receipt that counts; NULL for everything."),
        _text(
            "changed_since",
            "`withdrawals` if officers were erased after the day that it speaks of, so that it is "
            "not what was known then; else NULL.",
        ),
        _text("version", "Version of Muster.", nullable=False),
    ),
)

TABLES: tuple[Table, ...] = (
    ORGANISATIONS,
    PARTICIPANTS,
    MEMBERSHIPS,
    PARTICIPANT_ALIAS,
    LINK_RATES,
    LINK_ERRORS,
    RESPONSES,
    SCORES,
    ATTENDANCE,
    PARTICIPANT_WAVES,
    COMMENTS,
    SUBMISSIONS,
    QUARANTINE,
    LINK_REVIEW,
    DECISIONS,
    COMMENT_COUNTS,
    CHECKS,
    WAVE_SUMMARY,
    PAIRED_CHANGE,
    PARTICIPANT_FLOW,
    RETENTION,
    RETENTION_COMPARISON,
    ATTRITION,
    ATTRITION_MODEL,
    DOSE_RESPONSE,
    FOLLOW_UP_DUE,
    PILOT_RECONCILIATION,
    BUILD,
)

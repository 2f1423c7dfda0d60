"""Canonical rows of one submission -> what counts and what was found wrong.

What belongs here: applying the rules that a file alone can answer. What stays out: rules that need
other submissions (`standing.py`), and any verdict on the submission as a whole.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.quality.answers import with_counts
from pipeline.quality.rules import (
    DUPLICATE_RULES,
    NUMBER_OF_TWO_OFFICERS,
    ROW_RULES,
    Circumstances,
    Rule,
    is_waivable,
)
from pipeline.vocabulary import DuplicatePolicy, Kind, Severity

FINDINGS = pl.Schema(
    {
        "row_number": pl.Int32(),
        "rule": pl.String(),
        "column_name": pl.String(),
        "severity": pl.String(),
        "participant_id": pl.String(),
        "wave": pl.String(),
        "instrument": pl.String(),
        "session_number": pl.Int32(),
    }
)
"""One row for each rule that a row broke. No cell of the row.

Wave and instrument, or the session, tell the rows apart that one row of a wide file becomes.
"""

ROW = ("row_number", "wave", "instrument", "session_number")
"""What tells one row of a file from another."""


@dataclass(frozen=True, slots=True)
class Split:
    """Rows that count, with `flags` (rules of severity warn they broke), and all findings."""

    accepted: pl.DataFrame
    findings: pl.DataFrame
    waived: pl.DataFrame
    """Quarantined rows that count while waivers hold: `needs_waiver` names every rule that must
    be waived for that, and they stand in `flags` too."""


Waived = Collection[tuple[int, str]]
"""Row numbers of a file and the rules that were waived for them at any time."""


def split(
    rows: pl.DataFrame, kind: Kind, circumstances: Circumstances, waived: Waived = ()
) -> Split:
    """Judge pseudonymised rows of one kind; every row is accepted or breaks a rejecting rule.

    What was waived changes nothing about that: whether a waiver holds depends on the day, so such
    rows are handed on beside the accepted ones. They are not compared with other rows here.
    """
    if circumstances.answered is not None:
        rows = with_counts(rows, circumstances.answered)
    rules = [rule for rule in ROW_RULES if kind in rule.kinds and rule.breaks is not None]
    broken = rows.select(
        rule.breaks(circumstances).alias(rule.name) for rule in rules if rule.breaks is not None
    )
    rejecting = [rule.name for rule in rules if rule.severity == Severity.REJECT]
    warning = [rule.name for rule in rules if rule.severity == Severity.WARN]
    unsound = broken.select(pl.any_horizontal(rejecting)).to_series()
    flags = names_of_broken(broken, warning)
    findings = [
        findings_of(rows.filter(broken[rule.name]), rule, circumstances)
        for rule in rules
        if broken[rule.name].any()
    ]
    sound = rows.with_columns(flags.alias("flags")).filter(~unsound)
    if kind == Kind.ROSTER:
        of_two = _of_two_officers(sound)
        findings.append(findings_of(sound.filter(of_two), NUMBER_OF_TWO_OFFICERS, circumstances))
        sound = sound.filter(~of_two)
    extra = _repeated(sound, kind, circumstances)
    if extra.any():
        findings.append(findings_of(sound.filter(extra), DUPLICATE_RULES[kind], circumstances))
    return Split(
        accepted=sound.filter(~extra),
        findings=pl.concat([FINDINGS.to_frame(), *findings]),
        waived=_waived(rows.with_columns(flags.alias("flags")), broken, rejecting, waived),
    )


def _waived(
    rows: pl.DataFrame, broken: pl.DataFrame, rejecting: list[str], waived: Waived
) -> pl.DataFrame:
    """Rows that broke rejecting rules, every one of which can be and was waived for them."""
    rules_of: dict[int, set[str]] = {}
    for row_number, rule in waived:
        rules_of.setdefault(row_number, set()).add(rule)
    if not rules_of:
        return rows.clear().with_columns(pl.lit(None, pl.List(pl.String)).alias("needs_waiver"))
    asked = rows["row_number"].is_in(sorted(rules_of))
    needs = names_of_broken(broken.filter(asked), rejecting)
    numbers = rows["row_number"].filter(asked)
    lets_in = [
        bool(needed) and set(needed) <= rules_of[number] and all(map(is_waivable, needed))
        for number, needed in zip(numbers, needs.to_list(), strict=True)
    ]
    return (
        rows.filter(asked)
        .with_columns(needs.alias("needs_waiver"))
        .filter(pl.Series(lets_in, dtype=pl.Boolean))
        .with_columns(pl.col("flags").list.concat("needs_waiver"))
    )


def names_of_broken(broken: pl.DataFrame, names: list[str]) -> pl.Series:
    """For each row the list of those rules among `names` that it broke."""
    marks = [pl.when(pl.col(name)).then(pl.lit(name)) for name in names if broken[name].any()]
    listed = pl.concat_list(marks).list.drop_nulls() if marks else pl.lit([], pl.List(pl.String))
    return broken.with_columns(listed.alias("flags"))["flags"]


def findings_of(rows: pl.DataFrame, rule: Rule, circumstances: Circumstances) -> pl.DataFrame:
    """Findings for rows that all break one rule."""
    column = rule.column(circumstances) if callable(rule.column) else pl.lit(rule.column)
    return as_findings(rows, pl.lit(rule.name), column, rule.severity)


def as_findings(
    rows: pl.DataFrame, rule: pl.Expr, column: pl.Expr, severity: Severity
) -> pl.DataFrame:
    """Where rows stand and what is wrong with them (FINDINGS), with their submission if known.

    Rows of registers have no wave and no instrument, and only those of attendance a session.
    """
    nothing = pl.lit(None, pl.String)
    session = pl.col("session_number") if "session_number" in rows.columns else pl.lit(None)
    return rows.select(
        *(["submission_id"] if "submission_id" in rows.columns else []),
        pl.col("row_number"),
        rule.alias("rule"),
        column.cast(pl.String).alias("column_name"),
        pl.lit(severity.value).alias("severity"),
        pl.col("participant_id"),
        pl.col("wave") if "wave" in rows.columns else nothing.alias("wave"),
        pl.col("instrument") if "instrument" in rows.columns else nothing.alias("instrument"),
        session.cast(pl.Int32).alias("session_number"),
    )


def best_response_first(
    policy: DuplicatePolicy, order: Sequence[str]
) -> tuple[list[str], list[bool]]:
    """Sort keys that bring the response that stays to the front, and which of them descend.

    Needs `complete`, `items_answered` and `completed_on`; `order` names the columns that say in
    which order rows came, for responses of the same day.
    """
    when = ["completed_on", *order]
    match policy:
        case DuplicatePolicy.FIRST_COMPLETE:
            return ["complete", *when], [True, *(False for _ in when)]
        case DuplicatePolicy.LAST:
            return when, [True for _ in when]
        case DuplicatePolicy.MOST_COMPLETE:
            return ["items_answered", *when], [True, *(False for _ in when)]


_STABLE = ("gender", "ethnicity_group", "service_band")
"""What two rows of one roster tell alike if they are about one officer."""


def _of_two_officers(sound: pl.DataFrame) -> pl.Series:
    """True for rows of a roster whose number is also told with other stable facts."""
    return sound.select(
        pl.any_horizontal(
            pl.col(fact).drop_nulls().n_unique().over("participant_id") > 1 for fact in _STABLE
        )
    ).to_series()


def _repeated(sound: pl.DataFrame, kind: Kind, circumstances: Circumstances) -> pl.Series:
    """True for the rows that give way to another row of the same file."""
    match kind:
        case Kind.QUESTIONNAIRE:
            key = ["participant_id", "wave", "instrument"]
            if circumstances.coded:
                # Another day may be another officer: that is judged across submissions.
                key.append("completed_on")
            every = circumstances.instrument.items
            judged = sound.with_columns((pl.col("items_answered") == every).alias("complete"))
            policy = circumstances.programme.duplicates
            keys, descending = best_response_first(policy, ["row_number"])
        case Kind.ROSTER:
            key, judged = ["participant_id"], sound
            keys, descending = ["row_number"], [False]
        case Kind.ATTENDANCE:
            key, judged = ["participant_id", "session_number"], sound
            keys, descending = ["row_number"], [True]
        case Kind.DEPARTURES:
            key, judged = ["participant_id"], sound
            keys, descending = ["row_number"], [True]
    if not sound.select(pl.struct(key).is_duplicated().any()).item():
        return pl.repeat(False, sound.height, dtype=pl.Boolean, eager=True)
    staying = (
        judged.with_row_index("place")
        .sort(keys, descending=descending, nulls_last=True, maintain_order=True)
        .unique(key, keep="first", maintain_order=True)["place"]
    )
    places = pl.int_range(sound.height, dtype=pl.UInt32, eager=True)
    return ~places.is_in(staying.implode())

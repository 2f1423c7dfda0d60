"""What a home folder's newest snapshot says about itself, as values for screens and scripts.

What belongs here: counts and sentences for `muster status` and the end of `muster run`. What stays
out: how they are shown (`pipeline/cli.py`) and where the frames come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from pipeline.evaluation.follow_up_due import CLOSES_SOON_DAYS
from pipeline.privacy.rough_counts import RoughCount, rough_count
from pipeline.programme import ENROLLED, ERASED, TOTAL
from pipeline.quality.rules import RULES
from pipeline.quality.verdicts import CONTRACT
from pipeline.vocabulary import (
    CommentState,
    Denominator,
    QuarantineStatus,
    Severity,
    Verdict,
    WaveStatus,
)

_NEEDS_DECISION = (Verdict.HELD.value, Verdict.REJECTED.value)
_UNSETTLED = (QuarantineStatus.OPEN.value, QuarantineStatus.EXPIRED.value)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission that a steward has to look at."""

    submission_id: str
    organisation: str
    file_name: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class BrokenRule:
    rule: str
    severity: str
    rows: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Status:
    as_of: str
    changed_since: str | None
    """What keeps a state of the past from being what was known then, such as `withdrawals`."""
    organisations: int
    enrolled: int
    submissions: dict[str, int]
    """Number of submissions by verdict."""
    rows: dict[str, int]
    """Rows read, accepted, quarantined, superseded, held and withdrawn."""
    waves: dict[str, dict[str, int]]
    """Officers by wave and status."""
    waiting: list[Waiting]
    broken_rules: list[BrokenRule]
    comments_waiting: dict[str, int]
    """Free texts that wait to be read, by organisation."""
    disappeared: dict[str, int]
    """Rows of earlier files that the newest of a cumulative source does not hold any more."""

    @property
    def needs_a_steward(self) -> bool:
        return bool(self.waiting)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WaveDue:
    """One wave of an organisation, with counts of officers that anybody may see."""

    organisation: str
    wave: str
    due: RoughCount
    overdue: RoughCount
    closing: RoughCount
    next_due_on: str | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    as_of: str
    closing_within_days: int
    waves: list[WaveDue]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def follow_up_of(build: pl.DataFrame, follow_up_due: pl.DataFrame) -> FollowUp:
    """What is due and overdue from the tables of the same names, in their order.

    Managers see it, so counts are rough (`rough_count`). A wave for which nobody is or will be
    asked any more is left out.
    """
    left = follow_up_due.filter(
        (pl.col("due") + pl.col("overdue") > 0) | pl.col("next_due_on").is_not_null()
    )
    return FollowUp(
        as_of=str(build["as_of"].item()),
        closing_within_days=CLOSES_SOON_DAYS,
        waves=[
            WaveDue(
                organisation=row["organisation"],
                wave=row["wave"],
                **{name: rough_count(row[name]) for name in ("due", "overdue", "closing")},
                next_due_on=str(row["next_due_on"]) if row["next_due_on"] else None,
            )
            for row in left.iter_rows(named=True)
        ],
    )


def waiting_for_a_steward(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Submissions that nothing newer replaced, and of which nothing counts by contract alone.

    `verdicts` has verdict, replaced_by and decided_by. What a steward sent back waits for the
    organisation, not for a steward.
    """
    return verdicts.filter(
        pl.col("verdict").is_in(_NEEDS_DECISION)
        & pl.col("replaced_by").is_null()
        & (pl.col("decided_by") == CONTRACT)
    )


def waiting_lines(verdicts: pl.DataFrame, file_names: Mapping[str, str]) -> list[str]:
    """One sentence of Markdown for each submission that a steward has to look at.

    From the verdicts, and from file names by submission, as they are shown.
    """
    waiting = waiting_for_a_steward(verdicts)
    return [
        f"**{verdict}**: {_as_code(file_names[submission_id])}: {reason}. {_as_code(submission_id)}"
        for verdict, submission_id, reason in waiting.select(
            "verdict", "submission_id", "reason"
        ).iter_rows()
    ]


def _as_code(text: str) -> str:
    """Text that Markdown shows as it is; only a backtick would end it."""
    return "`" + text.replace("`", "'") + "`"


def status_of(
    build: pl.DataFrame,
    submissions: pl.DataFrame,
    quarantine: pl.DataFrame,
    participant_flow: pl.DataFrame,
    wave_names: Sequence[str],
    *,
    comment_counts: pl.DataFrame | None = None,
) -> Status:
    """Status from the tables of the same names; `wave_names` in the programme's order.

    Of officers only counts are asked for, and `evaluation.participant_flow` has them: reading a
    million rows of the ledger would take longer than all else that a run with nothing to do does.
    """
    current = submissions.filter(pl.col("replaced_by").is_null())
    replaced = submissions.filter(pl.col("replaced_by").is_not_null())
    waiting = waiting_for_a_steward(submissions)
    gone = current.filter(pl.col("rows_disappeared") > 0)
    counts = ("read", "accepted", "quarantined", "superseded", "held", "withdrawn")
    in_all = participant_flow.filter(
        organisation=TOTAL, arm=TOTAL, denominator=Denominator.ENROLLED.value
    )
    by_stage = {
        (stage, status): n for stage, status, n in in_all.select("stage", "status", "n").iter_rows()
    }
    places = participant_flow.filter(
        (pl.col("organisation") != TOTAL) & (pl.col("stage") != ERASED)
    )["organisation"]
    return Status(
        as_of=str(build["as_of"].item()),
        changed_since=build["changed_since"].item(),
        organisations=places.n_unique(),
        enrolled=int(in_all.filter(stage=ENROLLED)["n"].sum()),
        submissions=dict(submissions["verdict"].value_counts().sort("verdict").iter_rows()),
        rows={name: int(submissions[f"rows_{name}"].sum()) for name in counts},
        waves={
            wave: {s.value: by_stage[wave, s] for s in WaveStatus if (wave, s) in by_stage}
            for wave in wave_names
        },
        waiting=[
            Waiting(**row)
            for row in waiting.select(
                "submission_id", "organisation", "file_name", "verdict", "reason"
            ).iter_rows(named=True)
        ],
        broken_rules=_broken_rules(
            quarantine.filter(~pl.col("submission_id").is_in(replaced["submission_id"].implode()))
        ),
        comments_waiting={} if comment_counts is None else _waiting_texts(comment_counts),
        disappeared=dict(gone.select("submission_id", "rows_disappeared").iter_rows()),
    )


def _waiting_texts(comment_counts: pl.DataFrame) -> dict[str, int]:
    waiting = comment_counts.filter(pl.col("state") == CommentState.WAITING)
    return dict(waiting.sort("organisation").select("organisation", "texts").iter_rows())


def _broken_rules(quarantine: pl.DataFrame) -> list[BrokenRule]:
    counted = (
        quarantine.filter(pl.col("status").is_in(_UNSETTLED))
        .group_by("rule", "severity")
        .len("rows")
        .sort(pl.col("severity") != Severity.REJECT, -pl.col("rows").cast(pl.Int64), "rule")
    )
    return [
        BrokenRule(
            rule, severity, rows, RULES[rule].remedy if rule in RULES else "See the submission."
        )
        for rule, severity, rows in counted.iter_rows()
    ]

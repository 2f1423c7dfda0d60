"""What somebody saw when they decided, and what has changed of it since, in sentences.

What stays out: refusing the decision (`pages/`) and the transaction in which it is looked at
(`pipeline/storage/stewardship.py`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.desk.answers import Refused
from pipeline.quality.decisions import Decision
from pipeline.vocabulary import DecisionAction

_PAST = {
    DecisionAction.ACCEPT: "accepted it",
    DecisionAction.RETURN: "returned it",
    DecisionAction.WAIVE: "waived a row of it",
}


@dataclass(frozen=True, slots=True)
class Version:
    """A submission as a page showed it: the newest decision on it, and its place in the tables."""

    decision: int
    state: str

    def __str__(self) -> str:
        return f"{self.decision}-{self.state}"

    @classmethod
    def read(cls, said: str) -> Self:
        """The version that a form carries; Refused where it carries none."""
        decision, _, state = said.partition("-")
        if not (decision.isascii() and decision.isdigit() and len(decision) < 19 and state):
            raise Refused("The page was not complete. Open it again and decide.")
        return cls(int(decision), state)


def version_of(submission: Mapping[str, Any], decisions: Iterable[Decision]) -> Version:
    """The version of one row of `quality.submissions`, given every decision."""
    own = [d.decision for d in decisions if d.submission_id == submission["submission_id"]]
    return Version(max(own, default=0), _state_of(submission))


def changes_since(
    shown: Version, submission: Mapping[str, Any], decisions: Iterable[Decision]
) -> list[str]:
    """What is otherwise than a page showed it, in sentences; nothing where it is the same."""
    changes = [
        f"{d.steward} {_PAST[d.action]} on {d.decided_at:%Y-%m-%d at %H:%M} (UTC): {d.reason}"
        for d in decisions
        if d.submission_id == submission["submission_id"] and d.decision > shown.decision
    ]
    if _state_of(submission) != shown.state:
        verdict = submission["verdict"].replace("_", " ")
        changes.append(f"A run has ended since. The submission is now {verdict}.")
        if submission["replaced_by"] is not None:
            changes.append(
                f"The newer file {submission['replaced_by']} has replaced it, so nothing of it "
                "counts."
            )
    return changes


def _state_of(submission: Mapping[str, Any]) -> str:
    seen = [submission[name] for name in ("verdict", "replaced_by", "decided_by", "reason")]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]

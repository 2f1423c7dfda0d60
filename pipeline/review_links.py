"""What a steward may say about two codes that are nearly the same, with the sentences for both.

What belongs here: finding a pair, and turning what a steward says into an act. What stays out:
where tables and entries come from and go to, what a judgement does (`pipeline/privacy/linkage.py`),
and how all of it is shown (`pipeline/commands/review_links.py`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.entries import Act, Entry
from pipeline.privacy.linkage import Judged
from pipeline.review import NotPossible, signed
from pipeline.vocabulary import EntryKind, LinkDoubt, LinkJudgement, LinkStatus


@dataclass(frozen=True, slots=True)
class CodePair:
    """Two codes as a steward sees them: no element, and nothing that was answered."""

    pair: str
    home_force: str
    code_id: str
    other_code_id: str
    status: LinkStatus
    doubt: LinkDoubt | None
    differing: tuple[str, ...]
    elements: int
    given_on: tuple[str, ...]
    other_given_on: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """How the two codes compare, and why they are linked or not."""
        alike = self.elements - len(self.differing)
        where = ", ".join(self.given_on), ", ".join(self.other_given_on)
        why = f" {self.doubt.meaning}" if self.doubt else ""
        return (
            f"{alike} of {self.elements} elements are the same, not {' and '.join(self.differing)};"
            f" given at {where[0]} and at {where[1]}. {self.status.meaning}{why}"
        )


def code_pairs(link_review: pl.DataFrame, statuses: Collection[LinkStatus]) -> list[CodePair]:
    """Pairs of `quality.link_review` with one of these statuses, in the table's order."""
    found = []
    for row in link_review.iter_rows(named=True):
        if row["status"] in statuses:
            told: dict[str, Any] = {
                name: tuple(said) if isinstance(said, list) else said for name, said in row.items()
            }
            told["status"] = LinkStatus(row["status"])
            told["doubt"] = LinkDoubt(row["doubt"]) if row["doubt"] else None
            found.append(CodePair(**told))
    return found


def find_pair(given: str, link_review: pl.DataFrame) -> CodePair:
    """The one pair whose name begins as given; else NotPossible."""
    found = [
        p for p in code_pairs(link_review, [*LinkStatus]) if given and p.pair.startswith(given)
    ]
    if not found:
        raise NotPossible(
            "No pair of codes is called that; `muster review links list --all` names every one."
        )
    if len(found) > 1:
        raise NotPossible(f"{len(found)} pairs begin like that; give more of the name.")
    return found[0]


def judge(
    pair: CodePair,
    says: LinkJudgement,
    *,
    steward: str,
    reason: str,
    before: Iterable[Judged] = (),
) -> Act:
    """What is put on record; else NotPossible with one sentence.

    `before` is everything that was judged so far, heard by a run or not.
    """
    who, why = signed(steward, reason)
    names = {pair.code_id, pair.other_code_id}
    if any({*judged.pair} == names and judged.says == says for judged in before):
        raise NotPossible("That was said of these two codes already, and it holds.")
    together = sorted({*pair.given_on} & {*pair.other_given_on})
    if says == LinkJudgement.LINK and together:
        raise NotPossible(
            f"Both codes were given at {together[0]}, where one officer gives one; they cannot be "
            "linked."
        )
    return Act(
        kind=EntryKind.LINK_JUDGED,
        steward=who,
        reason=why,
        body={"codes": sorted(names), "judgement": says.value},
    )


def unheard_of(entries: Iterable[Entry], heard: Collection[int]) -> list[Entry]:
    """Judgements that the snapshot was made without."""
    return [entry for entry in entries if entry.entry not in heard]

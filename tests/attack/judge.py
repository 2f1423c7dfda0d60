"""Whether an attacker's claims are true, and whether they do harm.

What belongs here: the promise of docs/release.md as conditions on what is possible and what is
printed, with the officers themselves at hand. What stays out: how claims are reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from claims import Claim, Kind
from published import ALL, OTHERS, Group, World
from reading_release import Print, read
from structure import Relation, relations
from sums import SMALL, STALE_BY, WIDE_ENOUGH, Target
from truth import Mask, Truth

FEWEST = 10
FEWEST_ENROLLED = 30
NARROWEST = 9


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that a release does not keep."""

    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"


class Judge:
    """Knows the officers behind releases in a row."""

    def __init__(
        self,
        releases: Sequence[Mapping[str, pl.DataFrame]],
        world: World,
        truths: Sequence[Truth],
    ) -> None:
        self.truths = truths
        self.prints: list[Print] = []
        self.relations: list[list[Relation]] = []
        for release, truth in zip(releases, truths, strict=True):
            print_ = read(release, world, self.prints[-1] if self.prints else None)
            truth.areas = print_.areas
            self.prints.append(print_)
            self.relations.append(list(relations(world, print_.areas, print_.groups)))

    def wanted(self, release: int, target: Target) -> bool:
        """Suppressed cells, and means of groups of one to nine officers, are worth asking about."""
        if len(target) == 1 and target[0] in self.prints[release].groups:
            return True
        return self.truths[release].n(target) in SMALL

    def knows(self, then: int, now: int, group: Group) -> bool:
        """What somebody inside may know: that hardly anybody came to a group or left it."""
        changed = self.truths[then].members(group) ^ self.truths[now].members(group)
        return int(changed.sum()) <= STALE_BY

    def untrue(self, claims: Sequence[Claim]) -> list[str]:
        """Claims that the truth contradicts: faults of the attacker, or of the figures."""
        return [str(claim) for claim in claims if not self._holds(claim)]

    def breaches(self, claims: Sequence[Claim]) -> list[Breach]:
        """Claims that do harm, and promises about what is printed that are not kept."""
        found = [breach for claim in claims if (breach := self._harm(claim)) is not None]
        for release in range(len(self.prints)):
            found += [*self._too_few(release), *self._left_over(release), *self._too_old(release)]
            found += self._left_over_of_change(release) if release else []
        return found

    # Claims

    def _holds(self, claim: Claim) -> bool:
        truth = self.truths[claim.release]
        match claim.kind:
            case Kind.COUNT | Kind.GIVEN_BACK:
                n = truth.n(claim.groups)
                among = SMALL if claim.kind is Kind.COUNT else [n]
                return claim.low <= n <= claim.high and (n not in among or n in claim.possible)
            case Kind.MEAN:
                members = truth.union(claim.groups)
                n = int(members.sum())
                assert claim.measure is not None
                if n not in SMALL:
                    return True
                # Once wide enough, no further number of officers is asked about.
                if claim.high - claim.low >= WIDE_ENOUGH:
                    return True
                mean = float(truth.values(members, claim.measure).mean())
                near = 1e-4
                return n in claim.possible and claim.low - near <= mean <= claim.high + near
        return True

    def _harm(self, claim: Claim) -> Breach | None:
        n = self.truths[claim.release].n(claim.groups) if claim.groups else 0
        rule = None
        match claim.kind:
            case Kind.COUNT if n < FEWEST and not claim.possible.issuperset(SMALL):
                rule = "a small group's number is narrowed"
            case Kind.COUNT if n >= FEWEST and claim.high - claim.low < NARROWEST:
                rule = "a left-out number is narrowed"
            case Kind.MEAN if n in SMALL and claim.high - claim.low < WIDE_ENOUGH:
                rule = "a small group's mean is narrowed"
            case Kind.GIVEN_BACK if len(claim.possible) < 3:
                rule = "a rounded number is given back"
            case Kind.CHANGED if 0 < self._came_or_went(claim) < FEWEST:
                rule = "a small change shows"
            case Kind.NOT_OF_PRINTED | Kind.TOO_FINE:
                rule = claim.kind.value
        return Breach(rule, f"{claim} (they are {n})") if rule else None

    def _came_or_went(self, claim: Claim) -> int:
        """How many officers differ from those behind the group's last publication, at most."""
        now, group = self.truths[claim.release].members(claim.groups[0]), claim.groups[0]
        return max(int((then ^ now).sum()) for then in self._behind_last(claim.release, group))

    def _behind_last(self, release: int, group: Group) -> Iterator[Mask]:
        """Who may have been behind the group's last publication before this release.

        Figures that did not change may be those of any release in a row that printed them and that
        they fit.
        """
        at, shown = self.prints[release - 1].last[group]
        fitting = []
        while True:
            members = self.truths[at].members(group)
            assert shown.n is not None
            if abs(int(members.sum()) - shown.n) <= self.prints[at].counts_to // 2:
                fitting.append(members)
            if not shown.may_be_old:
                break
            at, shown = self.prints[at - 1].last[group]
        yield from fitting or [members]

    # What is printed

    def _fresh(self, release: int, group: Group) -> bool:
        print_ = self.prints[release]
        return print_.is_printed(group) and not print_.groups[group].may_be_old

    def _too_few(self, release: int) -> Iterator[Breach]:
        """Printed groups of fewer than ten, and areas of fewer than thirty."""
        print_, truth = self.prints[release], self.truths[release]
        small = {
            area
            for area, members in print_.areas.items()
            if sum(truth.enrolled[name] for name in members) < FEWEST_ENROLLED
        }
        shares = [truth.enrolled[name] for name in print_.areas.get(OTHERS, ())]
        if shares and (len(shares) < 2 or max(shares) > 0.8 * sum(shares)):
            yield Breach("others are not several", f"release {release}: {len(shares)} pooled")
        for group in print_.groups:
            if not self._fresh(release, group):
                continue
            n = truth.n([group])
            printed = print_.groups[group].n
            assert printed is not None
            if n < FEWEST:
                yield Breach("a group under ten is printed", f"release {release}: {group}: {n}")
            if group.organisation in small and group.organisation != ALL:
                yield Breach("an area under thirty is printed", f"release {release}: {group}")
            if abs(n - printed) > print_.counts_to // 2:
                yield Breach("a printed number is wrong", f"release {release}: {group}: {n}")

    def _too_old(self, release: int) -> Iterator[Breach]:
        """Figures of groups as they were, although ten officers or more came and went since."""
        print_ = self.prints[release]
        for group, shown in print_.groups.items():
            if shown.n is None or not shown.may_be_old:
                continue
            now = self.truths[release].members(group)
            since = [
                int(then.sum())
                for truth in self.truths[: release + 1]
                for then in [truth.members(group)]
                if int((then ^ now).sum()) <= STALE_BY
            ]
            if not any(abs(n - shown.n) <= print_.counts_to // 2 for n in since):
                yield Breach(
                    "a figure is kept for too long",
                    f"release {release}: {group}: {shown.n:.0f} is printed, {int(now.sum())} it is",
                )

    def _left_over(self, release: int) -> Iterator[Breach]:
        """What is left of a printed group without its printed parts is nobody, or ten at least."""
        truth = self.truths[release]
        for relation in self.relations[release]:
            if not self._fresh(release, relation.total):
                continue
            shown = [p for p in relation.parts if self.prints[release].is_printed(p)]
            if not shown or not all(self._fresh(release, part) for part in shown):
                continue
            rest = truth.members(relation.total) & ~truth.union(shown)
            if 0 < int(rest.sum()) < FEWEST:
                names = " and ".join(str(tuple(part)) for part in shown)
                yield Breach(
                    "a small difference is printed",
                    f"release {release}: {tuple(relation.total)} without {names}: "
                    f"{int(np.sum(rest))}",
                )

    def _left_over_of_change(self, release: int) -> Iterator[Breach]:
        """What is left of a total's change without that of its parts is of nobody, or of ten."""
        then, now = release - 1, release
        for relation in self.relations[release]:
            told = [p for p in relation.parts if self._fresh(then, p) and self._fresh(now, p)]
            if not told or not all(self._fresh(at, relation.total) for at in (then, now)):
                continue
            rests = [
                self.truths[at].members(relation.total) & ~self.truths[at].union(told)
                for at in (then, now)
            ]
            changed = int((rests[0] ^ rests[1]).sum())
            if 0 < changed < FEWEST:
                yield Breach(
                    "a small change is left over",
                    f"release {release}: {tuple(relation.total)} without {len(told)} parts: "
                    f"{changed}",
                )

"""The groups of a release: who counts together, how groups add up, and who gives way first.

What belongs here: what the tables are about, written once, so that the same group behind two tables
is one group. What stays out: what is printed of it, and how a table looks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from pipeline.evaluation.cells import ALL, UNITS_PER_POINT
from pipeline.evaluation.equality_breakdown import UNKNOWN
from pipeline.privacy.disclosure.groups import (
    Difference,
    Group,
    Key,
    Partition,
    Population,
    Scale,
    Sums,
)
from pipeline.privacy.disclosure.history import Before
from pipeline.privacy.disclosure.members import Members, Places, places_of
from pipeline.privacy.disclosure.merging import merged
from pipeline.privacy.disclosure.rules import Rules
from pipeline.publishing.characteristics import code_list, place_of
from pipeline.publishing.officers import NOBODY, Codes, Mask, Officers, Units
from pipeline.vocabulary import Denominator, DropoutStage, SessionsBand, WaveStatus

AREA: Final = "organisation:"
ARM: Final = "arm:"

ENROLLED: Final = "enrolled"
TWO_SESSIONS: Final = "two_sessions"
ANSWERED_OTHERWISE: Final = "answered_otherwise"
SCORED: Final = "scored"

STATUSES: Final = (
    SCORED,
    ANSWERED_OTHERWISE,
    *(
        s.value
        for s in WaveStatus
        if s.value not in {"completed", "completed_out_of_window"} and s is not WaveStatus.PARTIAL
    ),
)
"""What a release tells apart of what became of a wave."""

_ANSWERED: Final = (
    WaveStatus.COMPLETED.value,
    WaveStatus.COMPLETED_OUT_OF_WINDOW.value,
    WaveStatus.PARTIAL.value,
)


_Quantity = tuple[Units, bool, bool]
"""Scores of all officers, whether the mean of a group is printed, and its SD."""


class Rank:
    """Who gives way first: the highest. docs/release.md says the order in words."""

    ENROLLED_OF_ALL: Final = 0
    SCORED_OF_ALL: Final = 1
    PRIMARY_PAIR: Final = 2
    FIRST_WAVE: Final = 3
    PRIMARY_WAVES: Final = 4
    OTHER_WAVES: Final = 5
    ENROLLED_OF_PART: Final = 6
    OTHER_PAIRS: Final = 7
    STATUS: Final = 8
    TWO_SESSIONS: Final = 9
    DETAIL: Final = 10
    DETAIL_OF_ARM: Final = 11
    CHARACTERISTIC: Final = 12
    """By a characteristic, at the waves of the primary contrast."""
    CHANGE_BY_CHARACTERISTIC: Final = 13
    CHARACTERISTIC_AT_OTHER_WAVES: Final = 14


def scored_at(wave: str, instrument: str) -> str:
    return f"scored {wave} {instrument}"


def paired_over(from_wave: str, to_wave: str, instrument: str) -> str:
    return f"paired {from_wave} {to_wave} {instrument}"


def two_sessions_and(measure: str) -> str:
    return f"two_sessions {measure}"


def score_of(wave: str, instrument: str, subscale: str) -> str:
    return f"score {wave} {instrument} {subscale}"


def change_of(from_wave: str, to_wave: str, instrument: str, subscale: str) -> str:
    return f"change {from_wave} {to_wave} {instrument} {subscale}"


def left_after(instrument: str) -> str:
    return f"left {instrument}"


def stayed_after(instrument: str) -> str:
    return f"stayed {instrument}"


def modelled(instrument: str) -> str:
    """Those who left and those who stayed, as the model of dropping out has them."""
    return f"modelled {instrument}"


def dropped(stage: str) -> str:
    return f"dropout {stage}"


def with_status(wave: str, status: str) -> str:
    return f"status {wave} {status}"


def band_family(wave: str, instrument: str, subscale: str) -> str:
    return f"band {wave} {instrument} {subscale}"


def outcome_family(from_wave: str, to_wave: str, instrument: str, subscale: str) -> str:
    return f"outcome {from_wave} {to_wave} {instrument} {subscale}"


def dose_family(wave: str, instrument: str) -> str:
    return f"dose {wave} {instrument}"


def joined(family: str, labels: Iterable[str]) -> str:
    """The measure of one part of a family, merged from the labels."""
    return f"{family}|{'+'.join(labels)}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where officers are counted: codes by officer, and the places they stand for."""

    keys: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True)
class Layout:
    """What a release has rows of, as the data and the programme have it."""

    areas: tuple[str, ...]
    arms: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    """Waves compared, the primary contrast among them."""
    bands: Mapping[tuple[str, str, str], tuple[tuple[str, ...], ...]]
    """By wave, instrument and subscale: levels merged into the bands that are shown."""
    outcomes: Mapping[tuple[str, str, str, str], tuple[tuple[str, ...], ...]]
    doses: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]]
    """By later wave and instrument."""
    characteristics: tuple[str, ...]
    """Those that there are rows of."""
    steps: tuple[tuple[int, int], ...]
    """Of retention: from one time to another."""
    merged: frozenset[Key]
    """Parts made by merging, at the places where they are shown."""


@dataclass(frozen=True)
class Described:
    """The groups of a release with those who are in them."""

    population: Population
    members: Members[Key]
    """Of the visible groups and of what remains of them, by the order of the officers."""
    layout: Layout


def describe(
    officers: Officers,
    areas: Mapping[str, str] | None,
    before: Before,
    rules: Rules,
    characteristics: Collection[str] = (),
) -> Described:
    """All groups of a release. `areas` as `disclosure.areas` gives them; None: national rows only.

    `characteristics` are those to be shown. Raises ValueError for frames that do not fit each
    other, as the evaluation does.
    """
    return _Describing(officers, areas, before, rules, characteristics).done()


@dataclass
class _Describing:
    officers: Officers
    areas: Mapping[str, str] | None
    before: Before
    rules: Rules
    characteristics: Collection[str]
    groups: dict[Key, Group] = field(default_factory=dict)
    partitions: list[Partition] = field(default_factory=list)
    scales: dict[str, Scale] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    people: dict[Key, Places] = field(default_factory=dict)
    rests: dict[Key, Places] = field(default_factory=dict)
    """Who is in the hidden groups that follow from visible ones."""

    def __post_init__(self) -> None:
        everybody = np.zeros(self.officers.n, dtype=np.int64)
        self.programme = self.officers.programme
        self.national = Place((ALL,), everybody)
        names, codes = self.officers.named("organisation")
        shown = sorted(set(self.areas.values())) if self.areas else []
        area_of = np.array([shown.index(self.areas[n]) if self.areas else NOBODY for n in names])
        self.by_area = Place(tuple(AREA + name for name in shown), _looked_up(area_of, codes))
        arms, arm_codes = self.officers.named("arm")
        # One arm is everybody: a row of its own would be the same row twice.
        self.by_arm = Place(tuple(ARM + arm for arm in arms) if len(arms) > 1 else (), arm_codes)
        self.by_value = {
            characteristic: self._places_of(characteristic)
            for characteristic in self.characteristics
        }
        self.first, *self.later = self.programme.wave_names
        primary = self.programme.primary
        self.primary_pair = (primary.from_wave, primary.to_wave)
        pairs = [(self.first, wave) for wave in self.later]
        if self.primary_pair not in pairs:
            pairs.append(self.primary_pair)
        self.pairs = tuple(pairs)
        self.primary_instrument = primary.instrument

    def _places_of(self, characteristic: str) -> Place:
        names, codes = self.officers.named(characteristic, UNKNOWN)
        values = code_list()[characteristic]
        keys = tuple(place_of(characteristic, value) for value in values)
        return Place(keys, _looked_up(np.array([values.index(name) for name in names]), codes))

    def done(self) -> Described:
        self._enrolled()
        for instrument in self.programme.instruments:
            for wave in self.programme.wave_names:
                self._scored(wave, instrument)
            for from_wave, to_wave in self.pairs:
                self._paired(from_wave, to_wave, instrument)
            self._left_and_stayed(instrument)
        self._statuses()
        self._two_sessions()
        steps = self._retention()
        bands, outcomes, doses = self._bands(), self._outcomes(), self._doses()
        layout = Layout(
            areas=tuple(key.removeprefix(AREA) for key in self.by_area.keys),
            arms=tuple(key.removeprefix(ARM) for key in self.by_arm.keys),
            pairs=self.pairs,
            bands=bands,
            outcomes=outcomes,
            doses=doses,
            characteristics=tuple(self.by_value),
            steps=steps,
            merged=frozenset(key for key in self.people if "|" in key.measure),
        )
        population = Population(
            self.groups,
            tuple(self.partitions),
            self.scales,
            tuple(self.differences),
            UNITS_PER_POINT,
        )
        return Described(population, self._members(), layout)

    # ------------------------------------------------------------- building

    def _add(
        self,
        measure: str,
        mask: Mask,
        rank: int,
        places: Sequence[Place],
        quantities: Mapping[str, _Quantity] | None = None,
        *,
        visible: bool = True,
        rank_of_all: int | None = None,
    ) -> None:
        """A group at each place, and the partitions of all into areas and into arms.

        Quantities by name: scores of all officers, whether the mean is printed, and the SD.
        """
        values = quantities or {}
        for place in places:
            if not place.keys:
                continue
            officers = places_of(mask)
            codes = place.codes[officers]
            counts = np.bincount(codes, minlength=len(place.keys))
            # Stable, so that within a place they stand in the order of the officers.
            ends = np.cumsum(counts)[:-1]
            split = np.split(officers[np.argsort(codes, kind="stable")], ends)
            sums = {
                name: (_sums(units[mask], codes, place), _sums(units[mask] ** 2, codes, place))
                for name, (units, *_) in values.items()
            }
            for i, key in enumerate(place.keys):
                of_all = place is self.national and rank_of_all is not None
                group = Group(
                    Key(measure, key),
                    int(counts[i]),
                    rank_of_all if of_all and rank_of_all is not None else rank,
                    visible,
                    {
                        name: Sums(int(sums[name][0][i]), int(sums[name][1][i]), mean, sd)
                        for name, (_, mean, sd) in values.items()
                    },
                    told_if_empty=visible,
                )
                self.groups[group.key] = group
                of = self.people if visible else self.rests
                of[group.key] = split[i]
            if place is not self.national:
                # Four characteristics would give their whole back between them.
                detail = any(place is other for other in self.by_value.values())
                self._part(measure, ALL, [Key(measure, key) for key in place.keys], detail=detail)
        if visible and places is self._everywhere:
            self._two_ways(measure, mask, values, (self.by_area, self.by_arm), "arms")

    def _part(
        self,
        measure: str,
        place: str,
        parts: Sequence[Key],
        *,
        follows: bool = False,
        detail: bool = False,
        limit: bool = False,
    ) -> None:
        whole = Key(measure, place)
        self.partitions.append(Partition(whole, tuple(parts), follows, detail, limit))

    def _nested(self, outer: str, inner: str, places: Sequence[Place]) -> None:
        """A measure whose people are all among those of another: the rest is a hidden group."""
        self._add_rest(_without(outer, inner), outer, [inner], places)

    def _crossed(
        self, outer: str, first: str, second: str, both: str, places: Sequence[Place]
    ) -> None:
        """Two measures nested in a third, and a fourth of those in both: some are in neither.

        That those in neither cannot be fewer than nobody follows from none of the four nestings.
        """
        self._add_rest(
            f"{outer} with neither {first} nor {second}",
            _without(outer, first),
            [_without(second, both)],
            places,
            limit=True,
        )

    def _add_rest(
        self,
        rest: str,
        whole: str,
        parts: Sequence[str],
        places: Sequence[Place],
        *,
        detail: bool = False,
        limit: bool = False,
    ) -> None:
        """What of a whole is in none of the parts, as a hidden group, and the partition."""
        for place in places:
            for key in place.keys:
                outer = self.groups[Key(whole, key)]
                inner = [self.groups[Key(part, key)] for part in parts]
                shared = set(outer.sums).intersection(*(set(g.sums) for g in inner))
                sums = {
                    name: Sums(
                        outer.sums[name].total - sum(g.sums[name].total for g in inner),
                        mean=False,
                        sd=False,
                    )
                    for name in sorted(shared)
                }
                n = outer.n - sum(g.n for g in inner)
                self.groups[Key(rest, key)] = Group(Key(rest, key), n, 0, False, sums)
                self.rests[Key(rest, key)] = self._outside(outer.key, [g.key for g in inner])
                members = [*(g.key for g in inner), Key(rest, key)]
                self._part(whole, key, members, detail=detail, limit=limit)
            if place is not self.national and place.keys and not limit:
                self._part(rest, ALL, [Key(rest, key) for key in place.keys], follows=True)

    def _people(self, key: Key) -> Places:
        return self.people[key] if key in self.people else self.rests[key]

    def _outside(self, whole: Key, parts: Sequence[Key]) -> Places:
        """Who of a whole is in none of its parts; ValueError for a part that is not within it."""
        everybody = self._people(whole)
        is_left = np.zeros(self.officers.n, dtype=bool)
        is_left[everybody] = True
        inside = np.concatenate([self._people(part) for part in parts])
        if not is_left[inside].all():
            raise ValueError(f"{whole.measure}: somebody in a part of it is not in it")
        is_left[inside] = False
        return everybody[is_left[everybody]]

    def _two_ways(
        self,
        measure: str,
        mask: Mask,
        values: Mapping[str, _Quantity],
        crossing: tuple[Place, Place],
        name: str,
    ) -> None:
        """Where whole rows are in some columns only, rows give columns and the other way round.

        As where forces are areas and some have one arm, or one did not say anybody's gender. Rows
        with the same columns are taken together: within them any split over the columns is
        possible, so single rows would add unknowns and no knowledge.
        """
        rows, columns = crossing
        if not rows.keys or not columns.keys:
            return
        pattern = self._pattern(rows, columns, name)
        patterns, of_row = np.unique(pattern, axis=0, return_inverse=True)
        if len(patterns) < 2:
            return
        of_officer = of_row[rows.codes]
        for p, those in enumerate(patterns):
            cell = _where_columns_are(measure, name, p)
            inside = mask & (of_officer == p)
            self._add_hidden(Key(cell, ALL), inside, values)
            parts = [Key(cell, columns.keys[column]) for column in np.flatnonzero(those)]
            for column, part in zip(np.flatnonzero(those), parts, strict=True):
                self._add_hidden(part, inside & (columns.codes == column), values)
            self._part(cell, ALL, parts)
            here = np.flatnonzero(of_row == p)
            self._part(cell, ALL, [Key(measure, rows.keys[row]) for row in here])
        for i, column_key in enumerate(columns.keys):
            cells = [
                Key(_where_columns_are(measure, name, int(p)), column_key)
                for p in np.flatnonzero(patterns[:, i])
            ]
            self._part(measure, column_key, cells)

    def _pattern(self, rows: Place, columns: Place, name: str) -> Mask:
        """Which columns anybody of a row is in; of characteristics, whether all are in one."""
        pattern = np.zeros((len(rows.keys), len(columns.keys)), dtype=bool)
        pattern[rows.codes, columns.codes] = True
        if name in self.by_value:
            # Who is of which rank, by area, nobody outside knows; that a force said none, many do.
            pattern[pattern.sum(axis=1) > 1] = True
        return pattern

    def _add_hidden(self, key: Key, mask: Mask, values: Mapping[str, _Quantity]) -> None:
        sums = {
            name: Sums(int(units[mask].sum()), mean=False, sd=False)
            for name, (units, *_) in values.items()
        }
        self.groups[key] = Group(key, int(mask.sum()), 0, False, sums)

    def _members(self) -> Members[Key]:
        every = self.people | self.rests
        return Members(
            self.officers.participants["participant_id"],
            {key: who for key, who in every.items() if len(who)},
        )

    @cached_property
    def _everywhere(self) -> tuple[Place, ...]:
        return self.national, self.by_area, self.by_arm

    @cached_property
    def _national_and_arms(self) -> tuple[Place, ...]:
        return self.national, self.by_arm

    def _subscales(self, instrument: str) -> list[str]:
        return list(self.programme.instrument(instrument).by_subscale)

    def _scale(self, instrument: str, subscale: str) -> Scale:
        known = self.programme.instrument(instrument)
        return Scale(*known.range_of(known.by_subscale[subscale]))

    # ------------------------------------------------------------- groups

    def _enrolled(self) -> None:
        self._add(
            ENROLLED,
            self.officers.everybody,
            Rank.ENROLLED_OF_PART,
            self._everywhere,
            rank_of_all=Rank.ENROLLED_OF_ALL,
        )
        if self.by_value:
            places = list(self.by_value.values())
            self._add(ENROLLED, self.officers.everybody, 0, places, visible=False)
        stages = self.officers.participants["dropout_stage"].to_numpy()
        for stage in DropoutStage:
            self._add(dropped(stage), stages == stage.value, Rank.STATUS, [self.national])
        self._part(ENROLLED, ALL, [Key(dropped(stage), ALL) for stage in DropoutStage])

    def _scored(self, wave: str, instrument: str) -> None:
        rank = Rank.OTHER_WAVES
        if wave == self.first:
            rank = Rank.FIRST_WAVE
        elif wave in self.primary_pair:
            rank = Rank.PRIMARY_WAVES
        quantities = {}
        for subscale in self._subscales(instrument):
            name = score_of(wave, instrument, subscale)
            self.scales[name] = self._scale(instrument, subscale)
            quantities[name] = (self.officers.score(wave, instrument, subscale), True, True)
        measure = scored_at(wave, instrument)
        mask = self.officers.scored(wave, instrument)
        self._add(measure, mask, rank, self._everywhere, quantities, rank_of_all=Rank.SCORED_OF_ALL)
        self._nested(ENROLLED, measure, self._everywhere)
        if instrument == self.primary_instrument:
            is_primary = wave in self.primary_pair
            rank = Rank.CHARACTERISTIC if is_primary else Rank.CHARACTERISTIC_AT_OTHER_WAVES
            self._of_values(measure, mask, rank, quantities)
            self._nested(ENROLLED, measure, list(self.by_value.values()))

    def _of_values(
        self, measure: str, mask: Mask, rank: int, quantities: Mapping[str, _Quantity]
    ) -> None:
        """The groups of a measure by one characteristic at a time."""
        for characteristic, place in self.by_value.items():
            self._add(measure, mask, rank, [place], quantities)
            for rows in (self.by_area, self.by_arm):
                self._two_ways(measure, mask, quantities, (rows, place), characteristic)

    def _paired(self, from_wave: str, to_wave: str, instrument: str) -> None:
        is_primary = (from_wave, to_wave, instrument) == (
            *self.primary_pair,
            self.primary_instrument,
        )
        places = self._everywhere if is_primary else self._national_and_arms
        quantities = {}
        for subscale in self._subscales(instrument):
            earlier = self.officers.score(from_wave, instrument, subscale)
            later = self.officers.score(to_wave, instrument, subscale)
            lowest, highest = self._scale(instrument, subscale)
            change = change_of(from_wave, to_wave, instrument, subscale)
            self.scales[change] = Scale(lowest - highest, highest - lowest)
            quantities[change] = (later - earlier, True, True)
            quantities[score_of(from_wave, instrument, subscale)] = (earlier, False, True)
            quantities[score_of(to_wave, instrument, subscale)] = (later, False, True)
        measure = paired_over(from_wave, to_wave, instrument)
        mask = self._paired_mask(from_wave, to_wave, instrument)
        self._add(
            measure,
            mask,
            Rank.PRIMARY_PAIR if is_primary else Rank.OTHER_PAIRS,
            places,
            quantities,
        )
        if is_primary:
            # Nothing is printed of the scores that the change is made of.
            printed = {name: (units, of, sd and of) for name, (units, of, sd) in quantities.items()}
            self._of_values(measure, mask, Rank.CHANGE_BY_CHARACTERISTIC, printed)
            places = (*places, *self.by_value.values())
        earlier_wave, later_wave = (scored_at(wave, instrument) for wave in (from_wave, to_wave))
        for scored in (earlier_wave, later_wave):
            self._nested(scored, measure, places)
        self._crossed(ENROLLED, earlier_wave, later_wave, measure, places)
        self.differences += [
            Difference(
                Key(measure, key),
                change_of(from_wave, to_wave, instrument, subscale),
                score_of(to_wave, instrument, subscale),
                score_of(from_wave, instrument, subscale),
            )
            for place in places
            for key in place.keys
            for subscale in self._subscales(instrument)
        ]

    def _paired_mask(self, from_wave: str, to_wave: str, instrument: str) -> Mask:
        return self.officers.scored(from_wave, instrument) & self.officers.scored(
            to_wave, instrument
        )

    def _left_and_stayed(self, instrument: str) -> None:
        whole = self.officers.scored(self.first, instrument)
        quantities = {
            score_of(self.first, instrument, subscale): (
                self.officers.score(self.first, instrument, subscale),
                True,
                True,
            )
            for subscale in self._subscales(instrument)
        }
        names = [left_after(instrument), stayed_after(instrument)]
        for name, mask in zip(names, self.officers.left_or_stayed, strict=True):
            self._add(name, mask & whole, Rank.DETAIL, [self.national], quantities)
        left, stayed = self.officers.left_or_stayed
        self._add(modelled(instrument), (left | stayed) & whole, Rank.DETAIL, [self.national])
        self._part(modelled(instrument), ALL, [Key(name, ALL) for name in names], detail=True)
        outer = scored_at(self.first, instrument)
        rest = f"neither left nor stayed {instrument}"
        self._add_rest(rest, outer, names, [self.national], detail=True)

    def _statuses(self) -> None:
        for wave in self.programme.wave_names:
            found = self.officers.statuses[wave].cast(pl.String)
            scored = self.officers.scored(wave, self.primary_instrument)
            parts = [Key(scored_at(wave, self.primary_instrument), ALL)]
            for status in STATUSES[1:]:
                words = _ANSWERED if status == ANSWERED_OTHERWISE else (status,)
                mask = found.is_in(words).to_numpy() & ~scored
                self._add(with_status(wave, status), mask, Rank.STATUS, [self.national])
                parts.append(Key(with_status(wave, status), ALL))
            self._part(ENROLLED, ALL, parts)

    def _two_sessions(self) -> None:
        twice = self.officers.came_twice
        self._add(TWO_SESSIONS, twice, Rank.TWO_SESSIONS, [self.national])
        self._nested(ENROLLED, TWO_SESSIONS, [self.national])
        self._nested(TWO_SESSIONS, dropped(DropoutStage.DURING_PROGRAMME), [self.national])
        self._add_rest(
            "came once otherwise",
            _without(ENROLLED, TWO_SESSIONS),
            [dropped(DropoutStage.NEVER_ATTENDED), dropped(DropoutStage.AFTER_FIRST_SESSION)],
            [self.national],
            limit=True,
        )
        for wave in self.programme.wave_names:
            whole = scored_at(wave, self.primary_instrument)
            mask = self.officers.scored(wave, self.primary_instrument) & twice
            measure = two_sessions_and(whole)
            self._add(measure, mask, Rank.TWO_SESSIONS, [self.national])
            self._nested(whole, measure, [self.national])
            self._nested(TWO_SESSIONS, measure, [self.national])
            self._crossed(ENROLLED, TWO_SESSIONS, whole, measure, [self.national])

    # ------------------------------------------------------------- merged groups

    def _cut(
        self, family: str, parts: Sequence[tuple[str, Mask]], within: Mask, places: Sequence[Place]
    ) -> tuple[tuple[str, ...], ...]:
        """Adjacent parts merged until each is large enough at every place; finer never again."""
        sizes = [
            [
                int(n)
                for place in places
                for n in np.bincount(place.codes[mask & within], minlength=len(place.keys))
            ]
            for _, mask in parts
        ]
        names = [name for name, _ in parts]
        return merged(names, sizes, self.rules, self.before.cuts(family, ALL))

    def _add_merged(
        self,
        whole: str,
        family: str,
        parts: Sequence[tuple[str, Mask]],
        quantities: Mapping[str, _Quantity] | None = None,
        *,
        arms_too: bool = True,
        complete: bool = True,
    ) -> tuple[tuple[str, ...], ...]:
        """The parts of a whole, merged; none if all would be one.

        Unless they are complete, who is in no part is a hidden rest. Whoever reads the tables knows
        which it is, so a rest that cannot be would make the attacker look weaker than they are.
        """
        within = self._whole_mask(whole)
        by_name = dict(parts)
        cut = self._cut(family, parts, within, [self.national])
        if len(cut) < 2:
            return ()
        places: tuple[Place, ...] = (self.national,)
        if arms_too and self._fit_every_arm(cut, by_name, within):
            places = self._national_and_arms
        names = []
        for labels in cut:
            mask = np.logical_or.reduce([by_name[label] for label in labels]) & within
            names.append(joined(family, labels))
            self._add(
                names[-1],
                mask,
                Rank.DETAIL_OF_ARM,
                places,
                quantities,
                rank_of_all=Rank.DETAIL,
            )
        if complete:
            for key in (key for place in places for key in place.keys):
                self._part(whole, key, [Key(name, key) for name in names], detail=True)
        else:
            self._add_rest(f"{whole} outside {family}", whole, names, places, detail=True)
        return cut

    def _fit_every_arm(
        self, cut: Sequence[Sequence[str]], by_name: Mapping[str, Mask], within: Mask
    ) -> bool:
        return all(
            (
                np.bincount(
                    self.by_arm.codes[
                        np.logical_or.reduce([by_name[label] for label in labels]) & within
                    ],
                    minlength=len(self.by_arm.keys),
                )
                >= self.rules.fewest
            ).all()
            for labels in cut
        )

    def _whole_mask(self, measure: str) -> Mask:
        mask = np.zeros(self.officers.n, dtype=bool)
        mask[self._people(Key(measure, ALL))] = True
        return mask

    def _bands(self) -> dict[tuple[str, str, str], tuple[tuple[str, ...], ...]]:
        return {
            (wave, instrument, subscale): self._add_merged(
                scored_at(wave, instrument),
                band_family(wave, instrument, subscale),
                self.officers.levels(wave, instrument, subscale),
            )
            for wave in self.programme.wave_names
            for instrument in self.programme.instruments
            for subscale in self._subscales(instrument)
        }

    def _outcomes(self) -> dict[tuple[str, str, str, str], tuple[tuple[str, ...], ...]]:
        found = {}
        for from_wave, to_wave in self.pairs:
            for instrument in self.programme.instruments:
                for subscale in self._subscales(instrument):
                    parts = self.officers.outcomes(from_wave, to_wave, instrument, subscale)
                    if parts:
                        found[from_wave, to_wave, instrument, subscale] = self._add_merged(
                            paired_over(from_wave, to_wave, instrument),
                            outcome_family(from_wave, to_wave, instrument, subscale),
                            parts,
                        )
        return found

    def _doses(self) -> dict[tuple[str, str], tuple[tuple[str, ...], ...]]:
        bands = self.officers.sessions_bands
        parts = [(band.value, bands == i) for i, band in enumerate(SessionsBand)]
        found = {}
        for instrument in self.programme.instruments:
            for wave in self.later:
                quantities = {
                    change_of(self.first, wave, instrument, subscale): (
                        self.officers.score(wave, instrument, subscale)
                        - self.officers.score(self.first, instrument, subscale),
                        True,
                        True,
                    )
                    for subscale in self._subscales(instrument)
                }
                found[wave, instrument] = self._add_merged(
                    paired_over(self.first, wave, instrument),
                    dose_family(wave, instrument),
                    parts,
                    quantities,
                    arms_too=False,
                    complete=False,
                )
        return found

    # ------------------------------------------------------------- retention

    def _retention(self) -> tuple[tuple[int, int], ...]:
        """At risk at the beginning of each step, and those who left during it."""
        steps = self._steps()
        for denominator, mask in (
            (Denominator.ENROLLED, self.officers.everybody),
            (Denominator.TWO_SESSIONS, self.officers.came_twice),
        ):
            whole = ENROLLED if denominator is Denominator.ENROLLED else TWO_SESSIONS
            for i, step in enumerate(steps):
                self._add(
                    at_risk(denominator, step[0]),
                    self._at_risk(step[0]) & mask,
                    Rank.DETAIL,
                    [self.national],
                )
                self._add(
                    left_during(denominator, step),
                    self._left(step) & mask,
                    Rank.DETAIL,
                    [self.national],
                )
                outer = at_risk(denominator, steps[i - 1][0]) if i else whole
                before = [left_during(denominator, steps[i - 1])] if i else []
                self._add_rest(
                    f"not decided before {at_risk(denominator, step[0])}",
                    outer,
                    [*before, at_risk(denominator, step[0])],
                    [self.national],
                )
            if steps:
                self._add_rest(
                    f"came through {denominator}",
                    at_risk(denominator, steps[-1][0]),
                    [left_during(denominator, steps[-1])],
                    [self.national],
                )
        self._retention_of_once(steps)
        return steps

    def _retention_of_once(self, steps: Sequence[tuple[int, int]]) -> None:
        """What became of those who are in one denominator and not in the other.

        None of it is printed. It follows from the two curves, and there must be enough who came
        once for all who, by the curves, came once and were still at risk.
        """
        everybody, twice = Denominator.ENROLLED, Denominator.TWO_SESSIONS
        for step in steps:
            self._nested(at_risk(everybody, step[0]), at_risk(twice, step[0]), [self.national])
            self._nested(left_during(everybody, step), left_during(twice, step), [self.national])
        once = [
            (
                _without(at_risk(everybody, step[0]), at_risk(twice, step[0])),
                _without(left_during(everybody, step), left_during(twice, step)),
            )
            for step in steps
        ]
        whole, gone = _without(ENROLLED, TWO_SESSIONS), list[str]()
        for step, (still, left) in zip(steps, once, strict=True):
            rest = f"came once, not decided before {step[0]}"
            self._add_rest(rest, whole, [*gone, still], [self.national], limit=True)
            whole, gone = still, [left]
        if steps:
            rest = "came once and came through"
            self._add_rest(rest, whole, gone, [self.national], limit=True)

    def _at_risk(self, time: int) -> Mask:
        came, decided = self.officers.time, self.officers.decided
        still: Mask = (came > time) | ((came == time) & decided)
        return still

    def _left(self, step: tuple[int, int]) -> Mask:
        came = self.officers.time
        return (came >= step[0]) & (came < step[1]) & self.officers.decided

    def _steps(self) -> tuple[tuple[int, int], ...]:
        """Steps with events enough, and with nobody or enough not decided on the way."""
        end = len(self.programme.wave_names)
        earlier = [
            (min(map(int, times)), max(map(int, times)) + 1)
            for times in self.before.cuts(_LEFT.format(denominator=Denominator.ENROLLED), ALL)
        ]
        allowed = {start for start, _ in earlier} | set(
            range(max((stop for _, stop in earlier), default=0), end + 1)
        )
        steps: list[tuple[int, int]] = []
        start = 0
        for stop in range(1, end + 1):
            if stop in allowed and self._is_enough((start, stop)):
                steps.append((start, stop))
                start = stop
        return tuple(steps)

    def _is_enough(self, step: tuple[int, int]) -> bool:
        start, stop = (int(self._at_risk(time).sum()) for time in step)
        events = int(self._left(step).sum())
        undecided = start - events - stop
        fewest = self.rules.fewest
        return events >= fewest and (undecided == 0 or undecided >= fewest)


def _without(outer: str, inner: str) -> str:
    """What of a measure is not in one nested in it; not read as labels of a merged measure."""
    return f"{outer} without {inner}".replace("|", "/")


_LEFT: Final = "left {denominator}"


def at_risk(denominator: Denominator, time: int) -> str:
    return f"at_risk {denominator} {time}"


def left_during(denominator: Denominator, step: tuple[int, int]) -> str:
    return joined(_LEFT.format(denominator=denominator), map(str, range(*step)))


def _where_columns_are(measure: str, name: str, pattern: int) -> str:
    return f"{measure} where {name} are {pattern}"


def _looked_up(of_name: Codes, codes: Codes) -> Codes:
    found: Codes = of_name[codes] if len(of_name) else codes
    return found


def _sums(values: Units, codes: Codes, place: Place) -> Units:
    found = np.zeros(len(place.keys), dtype=np.int64)
    np.add.at(found, codes, values)
    return found

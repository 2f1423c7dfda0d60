"""The officers themselves: who is in each group, and what they scored.

What belongs here: membership by what docs/release.md says each group is, straight from core. What
stays out: anything an attacker or a release could use.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from programmes import Snapshot
from published import (
    ALL,
    BANDS,
    BESIDE,
    ENROLLED,
    LEVELS,
    OUTCOMES,
    TWO_SESSIONS,
    UNKNOWN,
    Group,
    Measure,
    World,
    merged,
)

from pipeline.evaluation.dose_response import sessions_band
from pipeline.evaluation.paired_change import RELIABLE, standard_error_of_difference
from pipeline.evaluation.taking_part import dropped_out_later, taking_part
from pipeline.follow_up.statuses import ANSWERED
from pipeline.vocabulary import Better, Ending

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

_ALL_BANDS: Final = " or ".join(BANDS)
_EVENTS: Final = (Ending.DROPPED_OUT.value, Ending.LEFT_ORGANISATION.value)


class Truth:
    """Officers of one snapshot, as masks over everybody who was ever there."""

    def __init__(self, snapshot: Snapshot, everybody: Sequence[str]) -> None:
        self.world: World = snapshot.world
        self.areas: Mapping[str, Sequence[str]] = {}
        """Set to what a release calls its areas before groups of them are asked for."""
        self._snapshot = snapshot
        officers = taking_part(
            snapshot.participants, snapshot.participant_waves, snapshot.programme, snapshot.as_of
        ).with_columns(
            left_later=dropped_out_later(), band=sessions_band(pl.col("sessions_attended"))
        )
        self._order = pl.DataFrame({"participant_id": list(everybody)})
        self._officers = self._order.join(
            officers, on="participant_id", how="left", maintain_order="left"
        )
        self._known: dict[tuple[Group, Sequence[str]], Mask] = {}

    def members(self, group: Group) -> Mask:
        # What releases call an area differs: `others` of one are not those of another.
        within = tuple(self.areas.get(group.organisation, (group.organisation,)))
        if (group, within) not in self._known:
            place = self._place(group, within)
            self._known[group, within] = place & self._of_kind(group.kind, group.of)
        return self._known[group, within]

    def n(self, groups: Sequence[Group]) -> int:
        return int(self.union(groups).sum())

    def union(self, groups: Sequence[Group]) -> Mask:
        return np.logical_or.reduce([self.members(group) for group in groups])

    def values(self, members: Mask, measure: Measure) -> Floats:
        """Scores or changes of officers who have them."""
        later = self._scores[measure.waves[-1], measure.subscale]
        if len(measure.waves) == 1:
            return later[members]
        return (later - self._scores[measure.waves[0], measure.subscale])[members]

    @cached_property
    def enrolled(self) -> Mapping[str, int]:
        """How many each organisation enrolled."""
        found = self._column("organisation")
        return {name: int((found == name).sum()) for name in self.world.organisations}

    def _place(self, group: Group, within: Sequence[str]) -> Mask:
        everybody = self._mask(self._column("organisation") != None)  # noqa: E711
        if ":" in group.arm:
            everybody = everybody & self._with_value(*group.arm.split(":"))
        elif group.arm != ALL:
            everybody = everybody & self._mask(self._column("arm") == group.arm)
        if group.organisation == ALL:
            return everybody
        if group.organisation.startswith(BESIDE):
            areas = group.organisation.removeprefix(BESIDE).split("+")
            within = [name for area in areas for name in self.areas.get(area, (area,))]
            return everybody & ~np.isin(self._column("organisation").astype(str), within)
        return everybody & self._mask(np.isin(self._column("organisation").astype(str), within))

    def _with_value(self, characteristic: str, value: str) -> Mask:
        return self._mask(self._officers[characteristic].fill_null(UNKNOWN) == value)

    def _of_kind(self, kind: str, of: tuple[str, ...]) -> Mask:
        return _OF_KIND.get(kind, lambda truth, of: truth._in_time(kind, of))(self, of)

    def _paired(self, before: str, after: str) -> Mask:
        return self._scored(before) & self._scored(after)

    def _paired_since_first(self, after: str) -> Mask:
        return self._paired(self.world.waves[0], after)

    def _in_sessions_bands(self, label: str) -> Mask:
        return self._mask(np.isin(self._column("band").astype(str), merged(label, BANDS)))

    def _dropout(self, *stages: str) -> Mask:
        return self._mask(np.isin(self._column("dropout_stage").astype(str), stages))

    def _in_time(self, kind: str, of: tuple[str, ...]) -> Mask:
        time, last = self._time, len(self.world.waves)
        event = np.isin(self._column("ending").astype(str), _EVENTS)
        censored = ~event & (time < last)
        if kind == "gone_later":
            return event & (time >= 1)
        if kind == "gone_otherwise":
            return event & (time >= 1) & ~self._fate("left")
        among = {"once": ~self._twice, TWO_SESSIONS: self._twice, ENROLLED: self._everybody}[of[0]]
        at = int(of[1])
        match kind:
            case "at_risk":
                return among & ((time > at) | ((time == at) & ~censored))
            case "censored":
                return among & (time == at) & censored
            case "event":
                return among & event & (time == at)
            case "events":
                return among & event & (time >= at) & (time < int(of[2]))
        raise ValueError("a kind of group that is not known")

    @cached_property
    def _everybody(self) -> Mask:
        return np.ones(self._order.height, dtype=bool)

    @cached_property
    def _twice(self) -> Mask:
        return self._mask((self._officers["sessions_attended"] >= 2).fill_null(value=False))

    @cached_property
    def _time(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return self._officers["time"].fill_null(-1).to_numpy().astype(np.int64)

    @cached_property
    def _scores(self) -> Mapping[tuple[str, str], Floats]:
        found = {}
        scores = self._snapshot.scores
        for wave in self.world.waves:
            for subscale in self.world.limits:
                own = scores.filter(wave=wave, subscale=subscale).select(
                    "participant_id", "raw_score"
                )
                joined = self._order.join(
                    own, on="participant_id", how="left", maintain_order="left"
                )
                found[wave, subscale] = joined["raw_score"].fill_null(np.nan).to_numpy()
        return found

    def _scored(self, wave: str) -> Mask:
        every = [~np.isnan(self._scores[wave, subscale]) for subscale in self.world.limits]
        return np.logical_and.reduce(every)

    def _band(self, wave: str, subscale: str, label: str) -> Mask:
        scores = self._scores[wave, subscale]
        limits = [self.world.bands[band] for band in merged(label, LEVELS)]
        within = [(scores >= low) & (scores <= high) for low, high in limits]
        return self._scored(wave) & np.logical_or.reduce(within)

    def _outcome(self, before: str, after: str, subscale: str, label: str) -> Mask:
        programme = self._snapshot.programme
        scale = programme.instrument(self.world.instrument).by_subscale[subscale]
        sd = programme.baseline_sd[self.world.instrument][subscale]
        assert scale.alpha is not None
        s_diff = standard_error_of_difference(sd, scale.alpha)
        sign = 1 if scale.better is Better.HIGHER else -1
        gain = sign * (self._scores[after, subscale] - self._scores[before, subscale]) / s_diff
        found = {"better": gain > RELIABLE, "worse": gain < -RELIABLE}
        found["unchanged"] = ~found["better"] & ~found["worse"]
        chosen = np.logical_or.reduce([found[name] for name in merged(label, OUTCOMES)])
        return self._paired(before, after) & chosen

    def _status(self, wave: str, status: str) -> Mask:
        column = self._statuses[wave]
        answered = np.isin(column, list(ANSWERED))
        chosen = answered if status == "answered_otherwise" else column == status
        return chosen & ~self._scored(wave)

    @cached_property
    def _statuses(self) -> Mapping[str, np.ndarray[tuple[int], np.dtype[np.str_]]]:
        found = {}
        for wave in self.world.waves:
            own = self._snapshot.participant_waves.filter(wave=wave)
            joined = self._order.join(
                own.select("participant_id", "status"),
                on="participant_id",
                how="left",
                maintain_order="left",
            )
            found[wave] = joined["status"].fill_null("").to_numpy().astype(str)
        return found

    def _fate(self, kind: str) -> Mask:
        later = self._officers["left_later"]
        left = self._mask((later == True).fill_null(value=False))  # noqa: E712
        stayed = self._mask((later == False).fill_null(value=False))  # noqa: E712
        fate = {"left": left, "stayed": stayed, "other_fate": ~left & ~stayed}[kind]
        return fate & self._scored(self.world.waves[0])

    def _column(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        return self._officers[name].cast(pl.String).to_numpy().astype(object)

    @staticmethod
    def _mask(found: object) -> Mask:
        if isinstance(found, pl.Series):
            return found.to_numpy().astype(bool)
        return np.asarray(found, dtype=bool)


_OF_KIND: Final[Mapping[str, Callable[[Truth, tuple[str, ...]], Mask]]] = {
    "enrolled": lambda t, of: t._twice if of == (TWO_SESSIONS,) else t._everybody,
    "once": lambda t, of: ~t._twice,
    "scored": lambda t, of: t._scored(of[1]) & t._of_kind("enrolled", of[:1]),
    "unscored": lambda t, of: ~t._scored(of[0]),
    "once_scored": lambda t, of: ~t._twice & t._scored(of[0]),
    "twice_unscored": lambda t, of: t._twice & ~t._scored(of[0]),
    "once_unscored": lambda t, of: ~t._twice & ~t._scored(of[0]),
    "paired": lambda t, of: t._paired(*of),
    "only_from": lambda t, of: t._scored(of[0]) & ~t._scored(of[1]),
    "only_to": lambda t, of: ~t._scored(of[0]) & t._scored(of[1]),
    "neither": lambda t, of: ~t._scored(of[0]) & ~t._scored(of[1]),
    "paired_twice": lambda t, of: t._twice & t._paired_since_first(of[0]),
    "paired_not": lambda t, of: t._twice & t._scored(of[1]) & ~t._paired_since_first(of[0]),
    "band": lambda t, of: t._band(*of),
    "outcome": lambda t, of: t._outcome(*of),
    "dose": lambda t, of: t._in_sessions_bands(of[1]) & t._paired_since_first(of[0]),
    "sessions_unknown": lambda t, of: (
        ~t._in_sessions_bands(_ALL_BANDS) & t._paired_since_first(of[0])
    ),
    "status": lambda t, of: t._status(*of),
    "dropout": lambda t, of: t._dropout(*of),
    "once_otherwise": lambda t, of: (
        ~t._twice & ~t._dropout("never_attended", "after_first_session")
    ),
    "twice_otherwise": lambda t, of: t._twice & ~t._dropout("during_programme"),
    "left": lambda t, of: t._fate("left"),
    "stayed": lambda t, of: t._fate("stayed"),
    "other_fate": lambda t, of: t._fate("other_fate"),
}
"""Who is in a group of each kind, wherever it is; what has to do with time is `_in_time`."""


def truths(history: Sequence[Snapshot]) -> list[Truth]:
    """The truth of every snapshot, over the same officers."""
    everybody = pl.concat([s.participants.select("participant_id") for s in history])
    order = everybody["participant_id"].unique().sort().to_list()
    return [Truth(snapshot, order) for snapshot in history]

"""Who takes part and what they answer: groups, latent traits, programme change, dropout, sessions.

What belongs here: the model and its draws, and what is expected under it. What stays out: how an
organisation writes any of it down (`exports.py`), and rows that are wrong (`faults.py`).

Model, on a latent scale per officer and subscale: trait (SD 1, correlated) + state of the day
(SD 0.45) + programme change, which grows with the days since the officer's first session and is
complete after 140. An answer is the item's base + 0.75 x level + noise (SD 0.8), rounded and held
within 1 to 5. From the second wave on, each organisation and session group adds its own shift.
Dropout is at random given the last observed burnout score: logit = -2.3 + 0.10 (score - 25).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from pipeline import reference
from pipeline.programme import Wave
from pipeline.simulation import identities
from pipeline.simulation.plan import (
    INSTRUMENT,
    PROGRAMME_ARM,
    SESSIONS,
    WAITING_DAYS,
    WAITING_LIST_ARM,
    WAVES,
    SimulatedOrganisation,
    SimulationPlan,
    organisations_of,
)
from pipeline.vocabulary import DepartureKind

Whole = npt.NDArray[np.int64]
Number = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]

_PROQOL = reference.instruments()[INSTRUMENT]
SUBSCALES: Final = ("compassion_satisfaction", "burnout", "secondary_traumatic_stress")
ITEMS: Final = _PROQOL.items
_BURNOUT: Final = SUBSCALES.index("burnout")
_ITEMS_OF: Final = [np.array(_PROQOL.by_subscale[name].items) - 1 for name in SUBSCALES]
_REVERSED: Final = np.isin(np.arange(1, ITEMS + 1), _PROQOL.reversed)
_SUBSCALE_OF_ITEM: Final = np.array(
    [next(s for s, items in enumerate(_ITEMS_OF) if item in items) for item in range(ITEMS)]
)

_BASE: Final = np.array([3.7, 2.4, 2.0])
_LOADING: Final = 0.75
_ITEM_SD: Final = 0.8
_STATE_SD: Final = 0.45
_CHANGE: Final = np.array([0.0, -0.35, -0.25])
_TRAIT_CORRELATION: Final = np.array([[1.0, -0.6, -0.3], [-0.6, 1.0, 0.6], [-0.3, 0.6, 1.0]])
DAYS_TO_FULL_CHANGE: Final = 140

ORGANISATION_SD: Final = 0.12
"""Between organisations, in points per burnout item before rounding, after the first session."""
SESSION_GROUP_SD: Final = 0.08
_SHIFT_ON: Final = np.array([0.0, 1.0, 0.5])
"""An organisation's and a group's shift by subscale, relative to burnout."""

_LEAVING_INTERCEPT: Final = -2.3
_LEAVING_SLOPE: Final = 0.10
_LEAVING_CENTRE: Final = 25
_ABSENT_SHARE: Final = 0.04
_BLANK_SHARE: Final = 0.002
_NEVER_BEGAN_SHARE: Final = 0.03
_LONGEST_SOUND_RUN: Final = 14
"""Fifteen equal answers in a row would be flagged as straight-lining."""

_SESSION_MISSED_SHARE: Final = 0.08
_SESSION_CANCELLED_SHARE: Final = 0.02
_LATE_SHARE: Final = 0.02
_DEPARTURE_RECORDED_SHARE: Final = 0.6
_LEFT_ORGANISATION_SHARE: Final = 0.25
_EPOCH: Final = date(1970, 1, 1)


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A stream of random numbers of its own, so that one stage's draws never move another's."""
    return np.random.default_rng([seed, *purpose.encode()])


# ---------------------------------------------------------------- the model of answers


@dataclass(frozen=True, slots=True)
class Seats:
    """Where each of n officers sits: organisation and session group from 0, and the arm."""

    organisation: Whole
    session_group: Whole
    waiting: Truth


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of n officers at w waves.

    `items` (n, w, 30) as ticked, 1 to 5, 0 where left blank; drawn for every officer and wave,
    whether given or not. `left_at` (n,) is the first wave missed for good, w for those who stay.
    `absent` (n, w) marks a wave missed by one who returns.
    """

    items: npt.NDArray[np.uint8]
    left_at: Whole
    absent: Truth
    organisation_shift: Number
    """Shift of each organisation in points per burnout item."""

    @property
    def given(self) -> Truth:
        waves = np.arange(self.items.shape[1])
        return (waves < self.left_at[:, None]) & ~self.absent


def _programme_share(wave: Wave, waiting: Truth) -> Number:
    """Share of the programme's full change that has been reached at a wave."""
    days = wave.due_after_days - WAITING_DAYS * waiting
    return np.clip(days / DAYS_TO_FULL_CHANGE, 0.0, 1.0)


def scores_of(items: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Raw scores (…, 3) in the order of SUBSCALES from items (…, 30) as ticked, 0 for blank.

    -1 where one of a subscale's ten items is blank. Written apart from `pipeline/scoring`, so
    that the two can be held against each other.
    """
    # 6 - x for the reversed items, in one multiply and add on small integers.
    turned = items.astype(np.int8) * np.where(_REVERSED, -1, 1).astype(np.int8)
    turned += np.where(_REVERSED, 6, 0).astype(np.int8)
    scores = np.stack([turned[..., of].sum(axis=-1, dtype=np.int16) for of in _ITEMS_OF], axis=-1)
    blank = np.stack([(items[..., of] == 0).any(axis=-1) for of in _ITEMS_OF], axis=-1)
    scores[blank] = -1
    return scores


def draw_answers(
    rng: np.random.Generator, seats: Seats, waves: Sequence[Wave], *, dropout: bool
) -> Answers:
    """Answers of every officer at every wave; dropout is decided once for each wave listed."""
    shift_rng, trait_rng, answer_rng, leaving_rng = rng.spawn(4)
    n, w = len(seats.organisation), len(waves)
    organisation_shift = shift_rng.normal(0, ORGANISATION_SD, seats.organisation.max() + 1)
    group_shift = shift_rng.normal(0, SESSION_GROUP_SD, seats.session_group.max() + 1)
    shift = organisation_shift[seats.organisation] + group_shift[seats.session_group]
    factor = np.linalg.cholesky(_TRAIT_CORRELATION)
    trait = trait_rng.standard_normal((n, 3)) @ factor.T

    items = np.empty((n, w, ITEMS), dtype=np.uint8)
    left_at = np.full(n, w)
    absent = np.zeros((n, w), dtype=np.bool_)
    last_burnout = np.full(n, np.nan)
    if dropout:
        left_at[leaving_rng.random(n) < _NEVER_BEGAN_SHARE] = 0
    for t, wave in enumerate(waves):
        level = trait + answer_rng.normal(0, _STATE_SD, (n, 3))
        level += _programme_share(wave, seats.waiting)[:, None] * _CHANGE
        if wave.due_after_days > 0:
            level += (shift / _LOADING)[:, None] * _SHIFT_ON
        drawn = answer_rng.standard_normal((n, ITEMS), dtype=np.float32) * np.float32(_ITEM_SD)
        drawn += (_BASE + _LOADING * level).astype(np.float32)[:, _SUBSCALE_OF_ITEM]
        answers = np.clip(np.rint(drawn), 1, 5).astype(np.uint8)
        answers[:, _REVERSED] = 6 - answers[:, _REVERSED]
        _break_runs(answers)
        if dropout and t > 0:
            chance = 1 / (
                1 + np.exp(-_LEAVING_INTERCEPT - _LEAVING_SLOPE * (last_burnout - _LEAVING_CENTRE))
            )
            # NaN, for those who never began, compares as false.
            leaves = (left_at == w) & (leaving_rng.random(n) < chance)
            left_at[leaves] = t
            if t < w - 1:
                absent[:, t] = leaving_rng.random(n) < _ABSENT_SHARE
        present = (left_at > t) & ~absent[:, t]
        last_burnout[present] = scores_of(answers)[present, _BURNOUT]
        # Leaving depends on the whole score: single blanks come after.
        answers[answer_rng.random((n, ITEMS), dtype=np.float32) < _BLANK_SHARE] = 0
        items[:, t] = answers
    return Answers(items, left_at, absent, organisation_shift)


def _break_runs(answers: npt.NDArray[np.uint8]) -> None:
    """Move the one answer that would complete a straight run; about one row in a hundred thousand.

    In place: redrawing the row instead would never end for a very even officer.
    """
    run = np.ones(len(answers), dtype=np.uint8)
    for item in range(1, ITEMS):
        same = answers[:, item] == answers[:, item - 1]
        run = np.where(same, run + 1, 1).astype(np.uint8)
        long = run > _LONGEST_SOUND_RUN
        if long.any():
            answers[long, item] = np.where(answers[long, item] < 5, answers[long, item] + 1, 4)
            run[long] = 1


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of n officers at w waves, without people or files around them.

    `scores` (n, w, 3) whole raw scores in the order of SUBSCALES, drawn whether given or not, -1
    where an item is blank; `given` (n, w) says which of them an evaluation would have.
    """

    organisation: Whole
    session_group: Whole
    scores: npt.NDArray[np.int16]
    given: Truth


def draw_scores(
    rng: np.random.Generator,
    sizes: Sequence[int],
    *,
    waves: Sequence[str] = ("baseline", "session_10"),
    officers_in_group: int = 10,
    dropout: bool = True,
) -> Scores:
    """One draw for a coverage study: organisations of the given sizes, all in the programme.

    Dropout is decided once for each wave listed after the first, on the last observed burnout
    score; list the waves between as well for the attrition of the full simulation.
    """
    organisation = np.repeat(np.arange(len(sizes)), sizes)
    groups, first_group = [], 0
    for size in sizes:
        count = max(1, round(size / officers_in_group))
        groups.append(first_group + np.arange(size) * count // size)
        first_group += count
    seats = Seats(organisation, np.concatenate(groups), np.zeros(len(organisation), dtype=np.bool_))
    drawn = draw_answers(rng, seats, [_wave(name) for name in waves], dropout=dropout)
    return Scores(organisation, seats.session_group, scores_of(drawn.items), drawn.given)


def expected_score(
    subscale: str,
    wave: str,
    *,
    arm: str = PROGRAMME_ARM,
    organisation_shift: float | None = None,
) -> float:
    """Expected raw score under the model if nobody drops out, in points on the subscale.

    An answer rounds a normal variable, so its mean is 1 + the sum over k = 1…4 of
    P(variable > k + 0.5). Without `organisation_shift` (points per burnout item) the expectation
    is over organisations that might have been drawn; session groups are always averaged over.
    """
    place = SUBSCALES.index(subscale)
    measured = _wave(wave)
    share = float(_programme_share(measured, np.array([arm == WAITING_LIST_ARM]))[0])
    mean = _BASE[place] + _LOADING * _CHANGE[place] * share
    variance = _LOADING**2 * (1 + _STATE_SD**2) + _ITEM_SD**2
    if measured.due_after_days > 0:
        between = SESSION_GROUP_SD**2
        if organisation_shift is None:
            between += ORGANISATION_SD**2
        else:
            mean += _SHIFT_ON[place] * organisation_shift
        variance += _SHIFT_ON[place] ** 2 * between
    boundaries = np.arange(1.5, 5.0)
    answer = 1 + ndtr((mean - boundaries) / np.sqrt(variance)).sum()
    return float(len(_ITEMS_OF[place]) * answer)


def expected_change(
    subscale: str,
    from_wave: str,
    to_wave: str,
    *,
    arm: str = PROGRAMME_ARM,
    organisation_shift: float | None = None,
) -> float:
    """Expected change of a subscale between two waves under the model if nobody drops out."""
    before, after = (
        expected_score(subscale, wave, arm=arm, organisation_shift=organisation_shift)
        for wave in (from_wave, to_wave)
    )
    return after - before


def _wave(name: str) -> Wave:
    found = next((wave for wave in WAVES if wave.wave == name), None)
    if found is None:
        raise ValueError(f"{name} is not a wave of the simulated programme")
    return found


# ---------------------------------------------------------------- the people


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody who is simulated, with what they would answer and when.

    `officers` has one row an officer, in the order of the first axis of every array; the officers
    of an organisation stand together. Days are counted from 1970-01-01.
    """

    plan: SimulationPlan
    organisations: tuple[SimulatedOrganisation, ...]
    officers: pl.DataFrame
    answers: Answers
    answered: Truth
    """(n, w): given, and the wave's window has closed."""
    completed_on: Whole
    """(n, w): day of completion where answered."""
    held_on: Whole
    """(n, sessions): day of the session of the officer's group."""
    cancelled: Truth
    attended: Truth

    def rows_of(self, organisation: SimulatedOrganisation) -> slice:
        first = sum(o.size for o in self.organisations[: organisation.place])
        return slice(first, first + organisation.size)


def draw_population(plan: SimulationPlan) -> Population:
    """The people of a plan; deterministic by its seed."""
    organisations = organisations_of(plan)
    seats, groups, places = _seated(plan, organisations)
    waves = plan.programme_waves
    answers = draw_answers(stream(plan.seed, "answers"), seats, waves, dropout=plan.dropout)
    as_of = _day(plan.as_of)
    starts = places["starts_on"].to_physical().to_numpy().astype(np.int64)

    answered, completed_on = _completions(plan, answers, starts, as_of)
    due = _windows_closed(waves, starts, as_of)
    # One whose next wave is still to come has not been lost yet.
    lost = (answers.left_at < len(waves)) & due[
        np.arange(len(starts)), np.minimum(answers.left_at, len(waves) - 1)
    ]
    left_at = np.where(lost, answers.left_at, len(waves))
    held_on, cancelled, attended = _sessions(plan, seats, groups, starts, left_at)
    departed_on, departure_kind = _departures(
        plan, left_at, starts, np.where(answered, completed_on, 0), np.where(attended, held_on, 0)
    )
    officers = (
        places.with_columns(_who_they_are(plan, len(starts)).get_columns())
        .with_columns(_enrolment(plan, organisations, places))
        .with_columns(
            _days(departed_on, departed_on > 0).alias("departed_on"),
            departure_kind.alias("departure_kind"),
            pl.Series("left_at", [*(wave.wave for wave in waves), None]).gather(left_at),
            pl.Series("sessions_attended", attended.sum(axis=1)),
            pl.Series("waves_answered", answered.sum(axis=1)),
        )
    )
    return Population(
        plan=plan,
        organisations=organisations,
        officers=officers,
        answers=answers,
        answered=answered,
        completed_on=completed_on,
        held_on=held_on,
        cancelled=cancelled,
        attended=attended,
    )


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _days(days: Whole, known: Truth) -> pl.Series:
    """Day numbers as dates, null where not known."""
    dates = pl.Series("day", days).cast(pl.Int32).cast(pl.Date)
    return pl.select(pl.when(pl.Series(known)).then(dates)).to_series()


def _seated(
    plan: SimulationPlan, organisations: tuple[SimulatedOrganisation, ...]
) -> tuple[Seats, pl.DataFrame, pl.DataFrame]:
    """Seats, one row a session group, and one row an officer with where they sit."""
    groups: list[dict[str, Any]] = []
    of_officer: list[Whole] = []
    for organisation in organisations:
        number = 0
        blocks = np.array_split(np.arange(organisation.size), len(organisation.cohorts))
        for (cohort, starts_on), block in zip(organisation.cohorts.items(), blocks, strict=True):
            # Groups of 8 to 12, as near to ten as an even split comes.
            count = max(1, round(len(block) / 10))
            of_officer.append(len(groups) + np.arange(len(block)) * count // max(len(block), 1))
            for _ in range(count):
                number += 1
                waiting = organisation.has_waiting_list and number % 3 == 2
                groups.append(
                    {
                        "place": organisation.place,
                        "cohort": cohort,
                        "starts_on": starts_on,
                        "session_group": f"{organisation.code}-{number:03d}",
                        "arm": WAITING_LIST_ARM if waiting else PROGRAMME_ARM,
                    }
                )
    frame = pl.DataFrame(groups)
    facilitators = identities.names(plan.seed, plan.participants + np.arange(frame.height))
    frame = frame.with_columns(facilitators["name"].alias("facilitator"))
    group = np.concatenate(of_officer)
    places = frame[group]
    seats = Seats(
        places["place"].to_numpy().astype(np.int64),
        group.astype(np.int64),
        (places["arm"] == WAITING_LIST_ARM).to_numpy(),
    )
    return seats, frame, places


def _windows_closed(waves: Sequence[Wave], starts: Whole, as_of: int) -> Truth:
    closes = np.array([wave.due_after_days + wave.closes_days_after for wave in waves])
    return np.asarray(starts[:, None] + closes <= as_of)


def _completions(
    plan: SimulationPlan, answers: Answers, starts: Whole, as_of: int
) -> tuple[Truth, Whole]:
    """Which waves were answered, and on which day: within the window but for a small share."""
    rng = stream(plan.seed, "completions")
    waves = plan.programme_waves
    due, opens, closes = (
        np.array(days)
        for days in zip(
            *((w.due_after_days, w.opens_days_before, w.closes_days_after) for w in waves),
            strict=True,
        )
    )
    answered = answers.given & _windows_closed(waves, starts, as_of)
    shape = answered.shape
    # The middle three quarters of the window on either side of the due date.
    offset = np.floor(0.75 * (rng.random(shape) * (opens + closes) - opens)).astype(np.int64)
    late = rng.random(shape) < _LATE_SHARE
    offset = np.where(late, closes + 1 + rng.integers(0, 7, shape), offset)
    return answered, np.minimum(starts[:, None] + due + offset, as_of)


def _sessions_begun_by(wave: Wave, waiting: int) -> int:
    """Sessions that a group has had when a wave falls due."""
    days = wave.due_after_days - WAITING_DAYS * waiting
    return int(np.clip(-(-days // SESSIONS.days_between), 0, SESSIONS.planned))


def _sessions(
    plan: SimulationPlan, seats: Seats, groups: pl.DataFrame, starts: Whole, left_at: Whole
) -> tuple[Whole, Truth, Truth]:
    """Day of each session, whether it was cancelled, and who came.

    Somebody who leaves before a wave attends a last session between the wave before and that one,
    and none later.
    """
    rng = stream(plan.seed, "sessions")
    n, planned = len(starts), SESSIONS.planned
    numbers = np.arange(planned)
    weekday = rng.integers(0, 4, groups.height)[seats.session_group]
    held_on = (starts + weekday + WAITING_DAYS * seats.waiting)[:, None] + (
        SESSIONS.days_between * numbers
    )
    cancelled_in_group = rng.random((groups.height, planned)) < _SESSION_CANCELLED_SHARE
    cancelled_in_group[:, 0] = False
    cancelled = cancelled_in_group[seats.session_group]

    waves = plan.programme_waves
    begun = np.array([[_sessions_begun_by(wave, arm) for wave in waves] for arm in (0, 1)])
    # A column for those who stay: they may attend everything.
    most = np.column_stack([begun, np.full(2, planned + 1)])
    fewest = np.column_stack([np.zeros(2, dtype=np.int64), begun[:, :-1], [planned, planned]])
    arm = seats.waiting.astype(np.int64)
    low, high = fewest[arm, left_at], most[arm, left_at]
    last = low + np.floor(rng.random(n) * (high - low)).astype(np.int64)
    last[left_at == 0] = 0
    # Leaving after the first session is what a pilot could not follow up: it happens often.
    once = (left_at > 0) & (low == 0) & (high > 2) & (rng.random(n) < 0.25)
    last[once] = 1
    came = rng.random((n, planned)) >= _SESSION_MISSED_SHARE
    came[:, 0] = True
    came[np.arange(n), np.maximum(last - 1, 0)] = True
    attended = came & (numbers < last[:, None]) & ~cancelled & (held_on <= _day(plan.as_of))
    return held_on, cancelled, attended


def _departures(
    plan: SimulationPlan, left_at: Whole, starts: Whole, completed_on: Whole, attended_on: Whole
) -> tuple[Whole, pl.Series]:
    """Day of departure (0: none recorded) after everything the officer did, and its kind."""
    rng = stream(plan.seed, "departures")
    n, w = completed_on.shape
    last_seen = np.maximum(completed_on.max(axis=1), attended_on.max(axis=1))
    last_seen = np.maximum(last_seen, starts)
    day = last_seen + rng.integers(1, 15, n)
    recorded = (left_at < w) & (rng.random(n) < _DEPARTURE_RECORDED_SHARE)
    recorded &= day <= _day(plan.as_of)
    left = rng.random(n) < _LEFT_ORGANISATION_SHARE
    kind = pl.select(
        pl.when(pl.Series(recorded & left))
        .then(pl.lit(DepartureKind.LEFT_ORGANISATION.value))
        .when(pl.Series(recorded))
        .then(pl.lit(DepartureKind.WITHDREW.value))
    ).to_series()
    return np.where(recorded, day, 0), kind


_RANKS: Final = ("constable", "sergeant", "inspector", "senior_officer", "staff_and_others")
_ETHNICITIES: Final = ("W1", "W2", "W9", "M1", "M3", "A1", "A2", "A9", "B1", "B2", "O9", "NS")
_ETHNICITY_SHARES: Final = (0.78, 0.03, 0.04, 0.015, 0.015, 0.02, 0.02, 0.015, 0.02, 0.015, 0.01)
_UNITS: Final = ("Neighbourhoods", "Response", "Investigations", "Safeguarding")


def _who_they_are(plan: SimulationPlan, n: int) -> pl.DataFrame:
    rng = stream(plan.seed, "people")
    serials = np.arange(n)
    shares = [*_ETHNICITY_SHARES, 1 - sum(_ETHNICITY_SHARES)]
    rank = rng.choice(len(_RANKS), n, p=[0.70, 0.15, 0.06, 0.02, 0.07])
    service = np.minimum(np.floor(rng.gamma(2.0, 4.0, n)) + 2 * np.minimum(rank, 3), 38)
    return pl.DataFrame(
        {
            "officer": serials,
            "number": identities.officer_numbers(plan.seed, serials),
            "unit": pl.Series(_UNITS).gather(rng.integers(0, len(_UNITS), n)),
            "rank": pl.Series(_RANKS).gather(rank),
            "service_years": service.astype(np.int64),
            "gender": pl.Series(("male", "female", "other")).gather(
                rng.choice(3, n, p=[0.64, 0.34, 0.02])
            ),
            "ethnicity": pl.Series(_ETHNICITIES).gather(rng.choice(12, n, p=shares)),
        }
    ).hstack(identities.names(plan.seed, serials))


def _enrolment(
    plan: SimulationPlan, organisations: tuple[SimulatedOrganisation, ...], places: pl.DataFrame
) -> list[pl.Series]:
    """Home force, day of enrolment, and for a few officers the unit that reports them as well.

    Everybody enrols before the baseline's window opens. A unit reports some officers of its home
    forces earlier than the force does, some on the same day, some later.
    """
    rng = stream(plan.seed, "enrolment")
    place = places["place"].to_numpy().astype(np.int64)
    n = len(place)
    home = place.copy()
    unit = np.full(n, -1)
    earlier = np.zeros(n, dtype=np.int64)
    for organisation in organisations:
        if not organisation.is_unit:
            continue
        own = np.flatnonzero(place == organisation.place)
        home[own] = np.array(organisation.home_forces)[np.arange(len(own)) % 2]
        for force in dict.fromkeys(organisation.home_forces):
            candidates = np.flatnonzero(
                (place == force) & (places["arm"] == PROGRAMME_ARM).to_numpy() & (unit < 0)
            )
            count = min(max(2, organisation.size // 20), 10, len(candidates) // 3)
            chosen = rng.choice(candidates, count, replace=False)
            unit[chosen] = organisation.place
            earlier[chosen] = np.resize(np.array([20, 0, -20]), count)
    opens = max(wave.opens_days_before for wave in WAVES)
    starts = places["starts_on"].to_physical().to_numpy().astype(np.int64)
    enrolled = starts - opens - rng.integers(15, 60, n)
    names = pl.Series([o.organisation for o in organisations])
    own_name, unit_name = names.gather(place), names.gather(np.maximum(unit, 0))
    in_unit = pl.Series(unit >= 0)
    enrolled_first_by_unit = pl.Series((unit >= 0) & (earlier > 0))
    # With both on one day the name decides, and a force's comes before a unit's.
    return [
        names.gather(home).alias("home_force"),
        _days(enrolled, np.ones(n, dtype=np.bool_)).alias("enrolled_on"),
        pl.Series("unit_place", unit),
        _days(enrolled - earlier, unit >= 0).alias("enrolled_by_unit_on"),
        unit_name.zip_with(enrolled_first_by_unit, own_name).alias("organisation"),
        pl.select(pl.when(in_unit).then(own_name.zip_with(enrolled_first_by_unit, unit_name)))
        .to_series()
        .alias("also_reported_by"),
    ]

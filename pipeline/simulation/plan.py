"""What is to be simulated: the plan, the organisations it needs and the programme they follow.

What belongs here: everything that is settled before anybody is drawn. What stays out: people,
files and faults.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from pipeline.programme import (
    Arm,
    Cohort,
    Contrast,
    DeclaredOrganisation,
    Programme,
    Sessions,
    Wave,
)
from pipeline.simulation.codes import Carelessness
from pipeline.vocabulary import ArmRole, OrganisationKind, Term


class Layout(Term):
    """How an organisation's survey platform writes its questionnaires."""

    QUALTRICS_NUMERIC = (
        "qualtrics_numeric",
        "Qualtrics CSV with every metadata column and numbers for answers, one file a wave.",
    )
    QUALTRICS_LABELS = (
        "qualtrics_labels",
        "Qualtrics CSV with choice text for answers, one file with a column for the wave.",
    )
    MICROSOFT_FORMS = (
        "microsoft_forms",
        "Microsoft Forms workbook; officers name the wave in their own words.",
    )
    WIDE_CSV = "wide_csv", "Plain CSV with one row an officer and a set of columns a wave."
    REDCAP = "redcap", "REDCap, raw codes; the officer stands on the first event of a record."
    JISC = "jisc", "Jisc Online Surveys, coded."
    SURVEYMONKEY = "surveymonkey", "SurveyMonkey CSV with two header records and choice text."
    SPSS = "spss", "SPSS file with value labels; unanswered is a missing value of its own."
    LIMESURVEY = "limesurvey", "LimeSurvey CSV with question and answer codes."
    SMARTSURVEY = "smartsurvey", "SmartSurvey CSV, answers as numbers; waves in own words."
    GOOGLE_FORMS = "google_forms", "Google Forms CSV, choice text; waves in own words."


INSTRUMENT: Final = "proqol5"
PROGRAMME_ARM: Final = "programme"
WAITING_LIST_ARM: Final = "waiting_list"
SESSIONS: Final = Sessions(planned=10, days_between=14)
WAITING_DAYS: Final = 140
"""The waiting list begins its own sessions when the others have finished theirs."""

WAVES: Final = (
    Wave(wave="baseline", due_after_days=0, opens_days_before=42, closes_days_after=14),
    Wave(wave="session_5", due_after_days=70),
    Wave(wave="session_7", due_after_days=98),
    Wave(wave="session_10", due_after_days=140),
    *(
        Wave(
            wave=name,
            due_after_days=days,
            opens_days_before=14,
            closes_days_after=42,
            follow_up=True,
        )
        for name, days in (
            ("follow_up_3m", 231),
            ("follow_up_6m", 322),
            ("follow_up_12m", 504),
        )
    ),
)

MOST_RESPONSES_IN_A_WORKBOOK: Final = 2_000
"""Workbooks are slow to write; larger organisations of that layout send Qualtrics labels."""

# Officers per organisation in proportion, and days since the first cohort began. Both lists are
# in an order that keeps size and progress apart, and repeat for more organisations.
_RELATIVE_SIZES = (60, 24, 88, 36, 30, 102, 18, 66, 42, 48, 52, 74)
_STARTED_DAYS_AGO = (660, 300, 640, 210, 650, 420, 670, 130, 655, 250, 645, 385)
_DAYS_BETWEEN_COHORTS = 42
_UNIT_EVERY = 5
_PLACES_WITH_WAITING_LIST = (2, 5)
_PLACE_WRITING_WINDOWS_1252 = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """What to simulate; the same plan gives the same bytes. Raises ValueError if it cannot be."""

    as_of: date
    organisations: int = 12
    participants: int = 900
    seed: int = 1
    dropout: bool = True
    """False: everybody answers every wave that is due."""
    faults: bool = True
    """Plant rows that break the row rules, recorded in `truth/faults.csv`."""
    layouts: tuple[Layout, ...] = tuple(Layout)
    """Dealt to the organisations in turn."""
    waves: tuple[str, ...] | None = None
    """A subset of the simulated programme's waves; all of them if None."""
    a_file_a_wave: bool = False
    """True: every organisation asks each wave with a survey of its own; no wide files then."""

    codes: Carelessness | None = None
    """How carefully the officers of the organisation without registers fill in codes of their own
    making, which identify them there; None: they give their numbers, as everybody does."""

    def __post_init__(self) -> None:
        if self.organisations < 1 or self.seed < 0:
            raise ValueError("organisations must be at least 1 and seed at least 0")
        if self.participants < 3 * self.organisations:
            raise ValueError("participants: at least three are needed for each organisation")
        if not self.layouts:
            raise ValueError("layouts: at least one is needed")
        if self.a_file_a_wave and Layout.WIDE_CSV in self.layouts:
            raise ValueError("layouts: a wide file has every wave; a_file_a_wave cannot be")
        known = [wave.wave for wave in WAVES]
        if self.waves is not None and (not self.waves or not set(self.waves) <= set(known)):
            raise ValueError(f"waves: choose among {', '.join(known)}")

    @property
    def programme_waves(self) -> tuple[Wave, ...]:
        """The waves simulated, in the order in which they fall due."""
        return tuple(w for w in WAVES if self.waves is None or w.wave in self.waves)


@dataclass(frozen=True, slots=True)
class SimulatedOrganisation:
    """One organisation: what it is, how many officers it enrols and how its files look."""

    place: int
    """Its place in the plan, from 0; also decides which register style it keeps."""
    organisation: str
    name: str
    kind: OrganisationKind
    code: str
    """Stands in front of the names of its cohorts and session groups, such as F01."""
    layout: Layout
    size: int
    cohorts: dict[str, date]
    """Cohort -> day of its first session."""
    home_forces: tuple[int, ...]
    """Places of the forces that the officers of a violence reduction unit belong to."""
    has_registers: bool
    """False: no roster, attendance or departures; only its questionnaires are known."""
    has_waiting_list: bool
    file_named_after_officer: bool
    """Its questionnaire file carries a person's name, as files sent by e-mail do."""
    writes_windows_1252: bool
    gives_codes: bool
    """Its officers give self-generated codes in place of their numbers."""
    counts_from_zero: bool
    """Its answers are coded one lower than the instrument's."""

    @property
    def is_unit(self) -> bool:
        return self.kind == OrganisationKind.VIOLENCE_REDUCTION_UNIT


def organisations_of(plan: SimulationPlan) -> tuple[SimulatedOrganisation, ...]:
    """The organisations of a plan; their sizes add up to its participants."""
    sizes = _sizes(plan)
    places = range(plan.organisations)
    units = [place for place in places if place % _UNIT_EVERY == _UNIT_EVERY - 1]
    forces = [place for place in places if place not in units]
    homes = {
        unit: (forces[2 * i % len(forces)], forces[(2 * i + 1) % len(forces)])
        for i, unit in enumerate(units)
    }
    cohorts = {place: _cohort_starts(plan, place, sizes[place]) for place in places}
    layouts = {place: _layout(plan, place, sizes[place], cohorts[place]) for place in places}
    without_registers = _without_registers(forces, homes, layouts)
    coded = without_registers if plan.codes else None
    single_csv = [p for p in places if layouts[p] in {Layout.QUALTRICS_LABELS, Layout.WIDE_CSV}]
    wide = [place for place in places if layouts[place] == Layout.WIDE_CSV]
    found = []
    for place in places:
        is_unit = place in units
        number = (units if is_unit else forces).index(place) + 1
        code = f"{'V' if is_unit else 'F'}{number:02d}"
        has_registers = place != without_registers
        found.append(
            SimulatedOrganisation(
                place=place,
                organisation=f"simulated-{'vru' if is_unit else 'force'}-{number:02d}",
                name=f"Simulated {'Violence Reduction Unit' if is_unit else 'Force'} {number:02d}",
                kind=(
                    OrganisationKind.VIOLENCE_REDUCTION_UNIT
                    if is_unit
                    else OrganisationKind.POLICE_FORCE
                ),
                code=code,
                layout=Layout.GOOGLE_FORMS if place == coded else layouts[place],
                size=sizes[place],
                # Without a roster nobody's cohort is known, so one start holds for all.
                cohorts=(
                    {f"{code}-{'ABC'[i]}": start for i, start in enumerate(cohorts[place])}
                    if has_registers
                    else {"all": cohorts[place][0]}
                ),
                home_forces=homes.get(place, ()),
                has_registers=has_registers,
                has_waiting_list=place in _PLACES_WITH_WAITING_LIST and has_registers,
                file_named_after_officer=place in single_csv[:1],
                writes_windows_1252=place == _PLACE_WRITING_WINDOWS_1252 and has_registers,
                gives_codes=place == coded,
                counts_from_zero=place in wide[1::2],
            )
        )
    return tuple(found)


def programme_of(
    plan: SimulationPlan, organisations: tuple[SimulatedOrganisation, ...]
) -> Programme:
    """The programme file's content: waves, cohorts and the organisations, all simulated."""
    waves = plan.programme_waves
    names = [wave.wave for wave in waves]
    cohorts = [(o.organisation, c, day) for o in organisations for c, day in o.cohorts.items()]
    # An officer whom the unit enrolled first sits in a cohort of the force.
    cohorts += [
        (unit.organisation, cohort, day)
        for unit in organisations
        for home in unit.home_forces
        for cohort, day in organisations[home].cohorts.items()
    ]
    return Programme(
        programme="simulated-reflective-supervision",
        title="Simulated reflective supervision: no real officer, no real organisation",
        instruments=(INSTRUMENT,),
        primary=Contrast(
            instrument=INSTRUMENT,
            subscale="burnout",
            from_wave="baseline" if "baseline" in names else names[0],
            to_wave="session_10" if "session_10" in names else names[-1],
        ),
        sessions=SESSIONS,
        waves=waves,
        cohorts=tuple(Cohort(organisation=o, cohort=c, starts_on=day) for o, c, day in cohorts),
        organisations=tuple(
            DeclaredOrganisation(organisation=o.organisation, name=o.name, kind=o.kind)
            for o in organisations
        ),
        arms=(
            PROGRAMME_ARM,
            Arm(arm=WAITING_LIST_ARM, role=ArmRole.WAITING_LIST, begins_after_days=WAITING_DAYS),
        ),
    )


def _sizes(plan: SimulationPlan) -> list[int]:
    """Largest-remainder shares, so that they add up exactly."""
    weights = np.resize(np.array(_RELATIVE_SIZES), plan.organisations)
    # In whole numbers: a share of a float could fall on either side of a boundary.
    whole, rest = np.divmod(weights * plan.participants, weights.sum())
    order = np.argsort(-rest, kind="stable")
    whole[order[: plan.participants - whole.sum()]] += 1
    # Nobody is left empty in a very small plan; the largest gives.
    while (whole == 0).any():
        whole[np.argmax(whole)] -= 1
        whole[np.argmin(whole)] += 1
    return [int(size) for size in whole]


def _cohort_starts(plan: SimulationPlan, place: int, size: int) -> list[date]:
    first = plan.as_of - timedelta(days=_STARTED_DAYS_AGO[place % len(_STARTED_DAYS_AGO)])
    count = 1 if size < 50 else 2 if size < 400 else 3
    return [first + timedelta(days=i * _DAYS_BETWEEN_COHORTS) for i in range(count)]


def _layout(plan: SimulationPlan, place: int, size: int, starts: list[date]) -> Layout:
    dealt = plan.layouts[place % len(plan.layouts)]
    ago = (plan.as_of - starts[0]).days
    due = sum(w.due_after_days + w.closes_days_after <= ago for w in plan.programme_waves)
    if dealt == Layout.MICROSOFT_FORMS and size * due > MOST_RESPONSES_IN_A_WORKBOOK:
        return Layout.QUALTRICS_LABELS
    return dealt


def _without_registers(
    forces: list[int], homes: dict[int, tuple[int, int]], layouts: dict[int, Layout]
) -> int | None:
    """The one force that sends questionnaires only: no unit's home, and with room for an arm."""
    taken = {home for pair in homes.values() for home in pair}
    free = [place for place in reversed(forces) if place not in taken]
    fitting = [place for place in free if layouts[place] != Layout.WIDE_CSV]
    return next(iter(fitting or free), None) if len(forces) >= 3 else None

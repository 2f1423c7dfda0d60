"""The programme file: sessions, waves and their windows, cohorts, arms, policies and thresholds.

What belongs here: what one evaluation fixes beforehand and every room may ask about.
What stays out: how an organisation's files look (`pipeline/reading/mapping.py`), the words for what
is wrong with YAML (`pipeline/written.py`), the schema that editors complete the file by
(`programme_schema.py`), which shows the sentences below fields, and any IO beyond loading this one
file.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from pipeline import reference, written
from pipeline.reference import Instrument, Organisation
from pipeline.vocabulary import ArmRole, DuplicatePolicy, OrganisationKind
from pipeline.written import CHOSEN_FORM, Written, meant, perhaps, wrong

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
AnyText = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
"""Text as written; editors need not insist on quotes around numbers."""
Text = Annotated[
    str, Field(min_length=1), WithJsonSchema({"type": ["string", "number"], "minLength": 1})
]
"""The same, and not empty."""

_TEXT, _, _ENTRIES = CHOSEN_FORM
_LONGEST = 3_650
"""Days, ten years: more is a slip of the hand, and far more is no day of any calendar."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def _is_written_as_a_day(said: object) -> object:
    """20260105 would be taken for seconds since 1970, as a number and as text."""
    number = isinstance(said, bool | int | float)
    if number or (isinstance(said, str) and said.strip("+-").replace(".", "", 1).isdigit()):
        raise wrong("write the day as 2026-01-05, with hyphens")
    return said


Day = Annotated[date, BeforeValidator(_is_written_as_a_day)]
"""A day in a file that somebody writes by hand."""

ERASED, ENROLLED, DROPOUT = "erased", "enrolled", "dropout"
STAGES = frozenset({ERASED, ENROLLED, DROPOUT})
"""Stages of the participant flow beside the waves."""

MOST_SESSIONS = 60
"""A programme has no more, so that 64 bits hold a set of them."""

TOTAL = "all"
"""What tables call all organisations, or all arms, together."""


UnusableConfiguration = written.UnusableConfiguration
"""What loading a programme raises."""


class _Declared(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


class Sessions(_Declared):
    """How many sessions there are, and how far apart."""

    planned: int = Field(10, ge=0, le=MOST_SESSIONS)
    """How many sessions there are; 0 where an evaluation has none."""
    days_between: int = Field(14, ge=1, le=_LONGEST)
    """Days from one session to the next, as planned."""


class Wave(_Declared):
    """A measuring point, counted in days from the cohort's first session."""

    wave: Name
    """The wave's name, as tables and mappings call it."""
    due_after_days: int = Field(ge=-_LONGEST, le=10 * _LONGEST)
    """How many days after the cohort's first session it falls due; below 0 for days before."""
    opens_days_before: int = Field(14, ge=0, le=_LONGEST)
    """The window opens so many days before the wave falls due."""
    closes_days_after: int = Field(28, ge=0, le=_LONGEST)
    """The window closes so many days after the wave falls due; that day belongs to it."""
    grace_days: int | None = Field(None, ge=0, le=_LONGEST)
    """So many days after the window has closed an answer is still waited for, as out of window;
    without it the programme's `grace_days` count."""
    follow_up: bool = False
    """True for a wave after the programme; who misses it and all later ones dropped out then."""
    not_held_by: tuple[Name, ...] = ()
    """Organisations whose programme leaves this wave out."""

    @property
    def opens_after_days(self) -> int:
        return self.due_after_days - self.opens_days_before

    @property
    def closes_after_days(self) -> int:
        return self.due_after_days + self.closes_days_after


class Cohort(_Declared):
    """The officers of one organisation who begin together."""

    organisation: Name
    """Whose cohort it is."""
    cohort: Text
    """What rosters call the cohort; `all` for every cohort that is not listed by itself."""
    starts_on: Day
    """The day of the cohort's first session, such as 2026-09-07."""

    @model_validator(mode="after")
    def _starts_in_our_time(self) -> Self:
        if not _FIRST_YEAR <= self.starts_on.year <= _LAST_YEAR:
            raise wrong(
                f"{self.starts_on.year} cannot be meant; a year from {_FIRST_YEAR} to {_LAST_YEAR} "
                "is expected",
                "starts_on",
            )
        return self


class Arm(_Declared):
    """A group of officers that is compared with others."""

    arm: ArmName
    """What rosters and tables call the group."""
    role: ArmRole = ArmRole.PROGRAMME
    """Whether the group's officers come to sessions."""
    begins_after_days: int = Field(0, ge=0, le=_LONGEST)
    """The group's sessions begin so many days after the cohort's first session. Its waves do not
    move: they are measured together with those of the others."""

    @model_validator(mode="after")
    def _begins_as_its_role_says(self) -> Self:
        if self.role == ArmRole.COMPARISON and self.begins_after_days:
            raise wrong(
                "a comparison group holds no sessions that could begin; take the entry out, or "
                "write role: waiting_list",
                "begins_after_days",
            )
        if self.role == ArmRole.WAITING_LIST and not self.begins_after_days:
            raise wrong(
                "a waiting list begins later than the others; write begins_after_days, or "
                "role: comparison if it never does",
                "role",
            )
        return self


Arms = Annotated[
    tuple[
        Annotated[
            Annotated[ArmName, Tag(_TEXT)] | Annotated[Arm, Tag(_ENTRIES)],
            Discriminator(lambda said: _ENTRIES if isinstance(said, dict | Arm) else _TEXT),
        ],
        ...,
    ],
    Field(min_length=1),
]
"""A bare name is a group that follows the programme from the cohort's first session."""


class Contact(_Declared):
    """The one person of an organisation, nobody's line manager, who may ask officers to answer."""

    organisation: Name
    """Whose officers the person may ask."""
    name: Text
    """What the person is called."""
    email: Text
    """Where reminders are sent."""


class Contrast(_Declared):
    """The comparison named before any data were seen; everything else is secondary."""

    instrument: Name
    """The questionnaire, one of the programme's `instruments`."""
    subscale: Name
    """The subscale of that questionnaire."""
    from_wave: Name
    """The earlier wave."""
    to_wave: Name
    """The later wave."""


class DeclaredOrganisation(_Declared):
    """An organisation that the reference list does not hold, simulated ones included."""

    organisation: Name
    """What its folders and tables call it."""
    name: Text
    """Its name in full."""
    kind: OrganisationKind
    """What it is; officers belong to all kinds but violence reduction units."""
    country: str = "England"
    """The country it lies in."""


class IdentifierSettings(_Declared):
    """How officers' identifiers of one force are brought to one spelling before they are hashed."""

    prefixes: tuple[AnyText, ...] = ()
    """What may stand before a number and says nothing, such as PC."""
    strip_leading_zeros: bool = False
    """Whether 0123 and 123 are one officer."""


class Identifiers(_Declared):
    """How officers' identifiers are brought to one spelling."""

    default: IdentifierSettings = IdentifierSettings()
    """For every force that is not named below."""
    forces: Mapping[Name, IdentifierSettings] = {}
    """Force -> its own settings; the default does not count for it then."""

    def of(self, force: str) -> IdentifierSettings:
        return self.forces.get(force, self.default)


class Thresholds(_Declared):
    """Where a contract starts to warn, hold or reject a submission; shares of the rows read."""

    quarantined_warn: float = Field(0.0, ge=0, le=1)
    """A larger share of rows in quarantine is warned of."""
    quarantined_hold: float = Field(0.25, ge=0, le=1)
    """A submission with a larger share of rows in quarantine waits for a steward."""
    quarantined_reject: float = Field(0.60, ge=0, le=1)
    """A submission with a larger share of rows in quarantine is rejected."""
    unlinked_hold: float = Field(0.20, ge=0, le=1)
    """A larger share of rows whose officers are on no roster waits for a steward."""
    rows_of_previous_hold: float = Field(0.80, ge=0, le=1)
    """A cumulative file with fewer rows than this share of the one before is held."""
    quarantined_rise_warn: float = Field(0.10, ge=0, le=1)
    """A share of rows in quarantine that is by more than this above the last file's is warned
    of."""
    unlinked_rise_warn: float = Field(0.10, ge=0, le=1)
    """A share of officers on no roster that is by more than this above the last file's is warned
    of."""
    items_shifted_warn: float = Field(0.5, ge=0, le=10)
    """Answers whose means lie further from the organisation's earlier ones, in standard deviations,
    are warned of."""
    items_shifted_hold: float = Field(0.8, ge=0, le=10)
    """A submission with answers that lie further off waits for a steward."""

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        for lower, higher in (
            *pairwise(("quarantined_warn", "quarantined_hold", "quarantined_reject")),
            ("items_shifted_warn", "items_shifted_hold"),
        ):
            if getattr(self, lower) > getattr(self, higher):
                # The line of the one that was written; the other may be a default.
                place = higher if higher in self.model_fields_set else lower
                raise wrong(
                    f"{higher} ({getattr(self, higher):g}) is less than {lower} "
                    f"({getattr(self, lower):g}); limits must not fall from warn to hold to reject",
                    place,
                )
        return self


class Limits(_Declared):
    """The largest file that is taken in; a larger one is held, with a sentence that says so."""

    file_megabytes: int = Field(200, ge=1)
    """Of the file as it arrives."""
    unpacked_megabytes: int = Field(500, ge=1)
    """Of an archive or a workbook, which are packed: a small file may unpack to a huge one."""
    rows: int = Field(1_000_000, ge=1)
    """Of one file."""
    columns: int = Field(5_000, ge=1)
    """Of one file."""
    workbook_cells: int = Field(20_000_000, ge=1)
    """Rows times columns of one sheet: the cells between two that lie far apart are held too."""

    @property
    def file_bytes(self) -> int:
        return self.file_megabytes * 1_000_000

    @property
    def unpacked_bytes(self) -> int:
        return self.unpacked_megabytes * 1_000_000

    @staticmethod
    def too_many(what: str, found: int | None, limit: int) -> str:
        """The sentence for a file with more than a limit allows."""
        counted = f"{found:,}" if found is not None else f"more than {limit:,}"
        return (
            f"the file has {counted} {what.replace('workbook_', '')}, and at most {limit:,} are "
            f"taken in; send it in parts, or raise limits.{what} in programme.yaml"
        )


class Programme(_Declared):
    """What one evaluation fixes before the first files arrive."""

    programme: Name
    """A short name for the evaluation; pseudonyms depend on it, so it never changes."""
    title: Text
    """What reports call the evaluation."""
    instruments: tuple[Name, ...] = Field(min_length=1)
    """The questionnaires in use."""
    primary: Contrast
    """The one comparison that is named before any data are seen."""
    sessions: Sessions = Sessions()
    """The sessions that every session group holds."""
    waves: tuple[Wave, ...] = Field(min_length=1)
    """The measuring points, in the order in which they fall due."""
    grace_days: int = Field(0, ge=0, le=_LONGEST)
    """So many days after a window has closed an answer is still waited for, unless the wave says
    otherwise."""
    cohorts: tuple[Cohort, ...] = ()
    """First sessions, where the attendance registers do not say them."""
    organisations: tuple[DeclaredOrganisation, ...] = ()
    """Organisations that the reference list does not hold."""
    contacts: tuple[Contact, ...] = Field((), exclude=True)
    """The one person of each organisation who may ask officers to answer."""
    arms: Arms = ("programme",)
    """The groups that are compared. Officers of whom no group is known are put into the first."""
    duplicates: DuplicatePolicy = DuplicatePolicy.FIRST_COMPLETE
    """Which response stays where one officer answered a wave twice."""
    early_response_days: int = Field(28, ge=0, le=_LONGEST)
    """A response up to this many days before enrolment is kept and flagged."""
    identifiers: Identifiers = Identifiers()
    """How officers' numbers are brought to one spelling before they are hashed."""
    prorate: bool = False
    """Score a subscale with up to half of its items blank from the answered ones."""
    baseline_sd: Mapping[
        Name, Mapping[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    ] = {}
    """Baseline SDs by instrument and subscale, frozen for reliable change."""
    thresholds: Thresholds = Thresholds()
    """Where a submission is warned of, held or rejected."""
    limits: Limits = Limits()
    """The largest file that is taken in."""
    themes: tuple[Name, ...] = ()
    """Themes that stewards may give to free texts; see `comments` in mappings."""
    releases_need_two: bool = Field(False, exclude=True)
    """Whether a release is only made once two people at the desk have asked for and approved it."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        self._check_instruments()
        self._check_waves()
        self._check_windows()
        self._check_primary()
        self._check_organisations()
        self._check_cohorts()
        self._check_arms()
        self._check_contacts()
        for place in _said_before(self.themes):
            raise wrong(f"{self.themes[place]} is listed twice; keep one of them", "themes", place)
        return self

    def _check_instruments(self) -> None:
        known = reference.instruments()
        for place, name in enumerate(self.instruments):
            if name not in known:
                raise wrong(
                    f"{name} is not an instrument that Muster has; {meant(name, known)}",
                    "instruments",
                    place,
                )
        for place in _said_before(self.instruments):
            problem = f"{self.instruments[place]} is listed twice; keep one of them"
            raise wrong(problem, "instruments", place)
        for name, sds in self.baseline_sd.items():
            if name not in known:
                problem = f"{name} is not an instrument that Muster has; {meant(name, known)}"
                raise wrong(problem, "baseline_sd", name)
            subscales = known[name].by_subscale
            for subscale in sds:
                if subscale not in subscales:
                    problem = f"{name} has no subscale {subscale}; {meant(subscale, subscales)}"
                    raise wrong(problem, "baseline_sd", name, subscale)

    def _check_waves(self) -> None:
        for place in _said_before(self.wave_names):
            problem = f"{self.wave_names[place]} is another wave's name already; choose another"
            raise wrong(problem, "waves", place, "wave")
        for place, wave in enumerate(self.waves):
            if wave.wave in STAGES:
                problem = f"{wave.wave} is what tables call another stage; choose another name"
                raise wrong(problem, "waves", place, "wave")
            for position, organisation in enumerate(wave.not_held_by):
                self._check_is_known(organisation, "waves", place, "not_held_by", position)
            for position in _said_before(wave.not_held_by):
                problem = f"{wave.not_held_by[position]} is listed twice; keep one of them"
                raise wrong(problem, "waves", place, "not_held_by", position)

    def _check_windows(self) -> None:
        """Refuse windows of which one lies within another, or that come in another order.

        That two windows share days is no harm: a response says itself which wave it answers, and
        the window only says whether it came in time. But if one lay within the other, an answer
        too late for the later wave would still be in time for the earlier. Comparing
        neighbours is enough: later than the wave before is later than all before it.
        """
        for place, (before, wave) in enumerate(pairwise(self.waves), start=1):
            if wave.due_after_days < before.due_after_days:
                raise wrong(
                    f"{wave.wave} falls due before {before.wave}, which stands above it; list "
                    "waves in the order in which they fall due",
                    "waves",
                    place,
                    "due_after_days",
                )
            if wave.due_after_days == before.due_after_days:
                raise wrong(
                    f"{wave.wave} falls due on the same day as {before.wave}; each wave needs a "
                    "day of its own",
                    "waves",
                    place,
                    "due_after_days",
                )
            if wave.opens_after_days <= before.opens_after_days:
                most = wave.due_after_days - before.opens_after_days - 1
                raise wrong(
                    f"{wave.wave} would open no later than {before.wave}, the wave before it; "
                    f"write at most {most} here, or let {before.wave} open earlier",
                    "waves",
                    place,
                    "opens_days_before",
                )
            if wave.closes_after_days <= before.closes_after_days:
                least = before.closes_after_days - wave.due_after_days + 1
                raise wrong(
                    f"{wave.wave} would close no later than {before.wave}, the wave before it; "
                    f"write at least {least} here, or let {before.wave} close earlier",
                    "waves",
                    place,
                    "closes_days_after",
                )

    def _check_primary(self) -> None:
        said, names = self.primary, self.wave_names
        for end in ("from_wave", "to_wave"):
            wave = getattr(said, end)
            if wave not in names:
                problem = f"{wave} is not one of the waves; {meant(wave, names)}"
                raise wrong(problem, "primary", end)
        if names.index(said.from_wave) >= names.index(said.to_wave):
            raise wrong(
                f"{said.to_wave} does not come after {said.from_wave}, which is from_wave; name a "
                "later wave",
                "primary",
                "to_wave",
            )
        if said.instrument not in self.instruments:
            raise wrong(
                f"{said.instrument} is not among the programme's instruments; "
                f"{meant(said.instrument, self.instruments)}",
                "primary",
                "instrument",
            )
        subscales = self.instrument(said.instrument).by_subscale
        if said.subscale not in subscales:
            raise wrong(
                f"{said.instrument} has no subscale {said.subscale}; "
                f"{meant(said.subscale, subscales)}",
                "primary",
                "subscale",
            )

    def _check_organisations(self) -> None:
        names = [entry.organisation for entry in self.organisations]
        for place in _said_before(names):
            problem = f"{names[place]} is declared twice; keep one of them"
            raise wrong(problem, "organisations", place, "organisation")
        if TOTAL in names:
            place = names.index(TOTAL)
            problem = f"`{TOTAL}` is what tables call the total; choose another name"
            raise wrong(problem, "organisations", place, "organisation")
        for force in self.identifiers.forces:
            self._check_is_known(force, "identifiers", "forces", force)

    def _check_cohorts(self) -> None:
        for place, cohort in enumerate(self.cohorts):
            self._check_is_known(cohort.organisation, "cohorts", place, "organisation")
        named = [(cohort.organisation, cohort.cohort) for cohort in self.cohorts]
        for place in _said_before(named):
            organisation, cohort_name = named[place]
            raise wrong(
                f"cohort {cohort_name} of {organisation} is declared twice; keep one of them",
                "cohorts",
                place,
                "cohort",
            )

    def _check_is_known(self, organisation: str, *place: int | str) -> None:
        if organisation not in self.known_organisations:
            raise wrong(
                f"{organisation} is neither in the reference list nor declared under "
                f"`organisations`{perhaps(organisation, self.known_organisations)}",
                *place,
            )

    def _check_arms(self) -> None:
        names = [name.casefold() for name in self.arm_names]
        for place in _said_before(names):
            problem = f"{self.arm_names[place]} is another arm's name already; choose another"
            raise wrong(problem, "arms", place)
        if TOTAL in names:
            problem = f"`{TOTAL}` is what tables call the total; choose another name"
            raise wrong(problem, "arms", names.index(TOTAL))
        first = self.arm_declared(self.arm_names[0])
        if first.role != ArmRole.PROGRAMME:
            raise wrong(
                "officers of whom no arm is known are put into the first one; list one of role "
                "programme first",
                "arms",
                0,
                "role",
            )

    def _check_contacts(self) -> None:
        whose = [contact.organisation for contact in self.contacts]
        for place, organisation in enumerate(whose):
            self._check_is_known(organisation, "contacts", place, "organisation")
        for place in _said_before(whose):
            raise wrong(
                f"{whose[place]} has two contacts, and reminders go to one person only",
                "contacts",
                place,
                "organisation",
            )

    @cached_property
    def wave_names(self) -> tuple[str, ...]:
        return tuple(wave.wave for wave in self.waves)

    @cached_property
    def arm_names(self) -> tuple[str, ...]:
        return tuple(arm if isinstance(arm, str) else arm.arm for arm in self.arms)

    def arm_declared(self, arm: str) -> Arm:
        """What is said of an arm; of a bare name what `Arm` says by itself."""
        return self._arms_declared[arm]

    @cached_property
    def _arms_declared(self) -> dict[str, Arm]:
        entries = (Arm(arm=arm) if isinstance(arm, str) else arm for arm in self.arms)
        return {arm.arm: arm for arm in entries}

    @cached_property
    def known_organisations(self) -> dict[str, Organisation]:
        """The reference list with what this programme declares beside it."""
        declared = {
            entry.organisation: Organisation(
                entry.organisation, entry.name, entry.kind, entry.country, None
            )
            for entry in self.organisations
        }
        return {**reference.organisations(), **declared}

    @cached_property
    def known_forces(self) -> dict[str, Organisation]:
        """Those that officers belong to: a violence reduction unit has officers of several."""
        return {
            name: organisation
            for name, organisation in self.known_organisations.items()
            if organisation.kind != OrganisationKind.VIOLENCE_REDUCTION_UNIT
        }

    def instrument(self, name: str) -> Instrument:
        return reference.instruments()[name]

    def cohort_start(self, organisation: str, cohort: str | None) -> date | None:
        """First session of a cohort as declared here, or None where it is not declared."""
        return self._cohort_starts.get((organisation, cohort or "")) or self._cohort_starts.get(
            (organisation, "all")
        )

    @cached_property
    def _cohort_starts(self) -> dict[tuple[str, str], date]:
        return {(c.organisation, c.cohort): c.starts_on for c in self.cohorts}

    def window(self, wave: Wave, starts_on: date) -> tuple[date, date, date]:
        """Due date, first and last day of the window of a wave for a cohort."""
        return (
            starts_on + timedelta(days=wave.due_after_days),
            starts_on + timedelta(days=wave.opens_after_days),
            starts_on + timedelta(days=wave.closes_after_days),
        )

    def missed_after(self, wave: Wave, starts_on: date) -> date:
        """Last day on which an answer is still waited for: the window's, and the days of grace."""
        grace = self.grace_days if wave.grace_days is None else wave.grace_days
        return starts_on + timedelta(days=wave.closes_after_days + grace)


def _said_before(said: Iterable[object]) -> list[int]:
    """Places, from 0, of what stands further up too."""
    first: dict[object, int] = {}
    return [place for place, entry in enumerate(said) if first.setdefault(entry, place) != place]


def parse_programme(text: str, name: str = "programme.yaml") -> Programme:
    """A checked programme from YAML text; raises UnusableConfiguration with one sentence."""
    said = Written.of(text, name)
    if not isinstance(said.said, dict):
        problem = "a programme is expected, with `programme:` first; see docs/programme.md"
        raise said.unusable((), problem)
    try:
        return Programme.model_validate(said.said)
    except ValidationError as error:
        raise said.refused(error, Programme) from None


def load_programme(path: Path) -> Programme:
    """The programme that a file says; raises UnusableConfiguration with one sentence."""
    try:
        return parse_programme(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        raise UnusableConfiguration(
            f"{path.name} is missing from the home folder; `muster init` makes one."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UnusableConfiguration(f"{path.name} line {line}: save it as UTF-8 text.") from None

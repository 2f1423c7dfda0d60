"""The programme file: sessions, waves and their windows, cohorts, arms, policies and thresholds.

What belongs here: what one evaluation fixes beforehand and every room may ask about.
What stays out: how an organisation's files look (`pipeline/reading/mapping.py`), and any IO beyond
loading this one file.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline import reference, written
from pipeline.reference import Instrument, Organisation
from pipeline.vocabulary import DuplicatePolicy, OrganisationKind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]


def _is_written_as_a_day(said: object) -> object:
    """YAML takes 20260105 for a number, and a number would be taken for seconds since 1970."""
    if isinstance(said, bool | int | float):
        raise ValueError("write the day as 2026-01-05, with hyphens")
    return said


Day = Annotated[date, BeforeValidator(_is_written_as_a_day)]
"""A day in a file that somebody writes by hand."""

ENROLLED, DROPOUT = "enrolled", "dropout"
STAGES = frozenset({ENROLLED, DROPOUT})
"""Stages of the participant flow beside the waves."""

TOTAL = "all"
"""What tables call all organisations, or all arms, together."""


UnusableConfiguration = written.UnusableConfiguration
"""What loading a programme raises."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sessions(_Declared):
    planned: int = Field(10, ge=0)
    days_between: int = Field(14, ge=1)


class Wave(_Declared):
    """A measuring point, counted in days from the cohort's first session."""

    wave: Name
    due_after_days: int
    opens_days_before: int = Field(14, ge=0)
    closes_days_after: int = Field(28, ge=0)
    follow_up: bool = False
    not_held_by: tuple[Name, ...] = ()
    """Organisations whose programme leaves this wave out."""


class Cohort(_Declared):
    """The officers of one organisation who begin together."""

    organisation: Name
    cohort: str
    starts_on: Day


class Contrast(_Declared):
    """The comparison named before any data were seen; everything else is secondary."""

    instrument: Name
    subscale: Name
    from_wave: Name
    to_wave: Name


class DeclaredOrganisation(_Declared):
    """An organisation that the reference list does not hold, simulated ones included."""

    organisation: Name
    name: str
    kind: OrganisationKind
    country: str = "England"


class IdentifierSettings(_Declared):
    """How officers' identifiers of one force are brought to one spelling before they are hashed."""

    prefixes: tuple[str, ...] = ()
    strip_leading_zeros: bool = False


class Identifiers(_Declared):
    default: IdentifierSettings = IdentifierSettings()
    forces: Mapping[Name, IdentifierSettings] = {}

    def of(self, force: str) -> IdentifierSettings:
        return self.forces.get(force, self.default)


class Thresholds(_Declared):
    """Where a contract starts to warn, hold or reject a submission; shares of the rows read."""

    quarantined_warn: float = Field(0.0, ge=0, le=1)
    quarantined_hold: float = Field(0.25, ge=0, le=1)
    quarantined_reject: float = Field(0.60, ge=0, le=1)
    unlinked_hold: float = Field(0.20, ge=0, le=1)
    rows_of_previous_hold: float = Field(0.80, ge=0, le=1)
    """A cumulative file with fewer rows than this share of the one before is held."""

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        if not self.quarantined_warn <= self.quarantined_hold <= self.quarantined_reject:
            raise ValueError("quarantined_warn, _hold and _reject must not fall in this order")
        return self


class Limits(_Declared):
    """The largest file that is taken in; a larger one is held, with a sentence that says so."""

    file_megabytes: int = Field(200, ge=1)
    unpacked_megabytes: int = Field(500, ge=1)
    """Of an archive or a workbook, which are packed: a small file may unpack to a huge one."""
    rows: int = Field(1_000_000, ge=1)
    columns: int = Field(5_000, ge=1)
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
    programme: Name
    title: str
    instruments: tuple[Name, ...]
    primary: Contrast
    sessions: Sessions = Sessions()
    waves: tuple[Wave, ...]
    cohorts: tuple[Cohort, ...] = ()
    organisations: tuple[DeclaredOrganisation, ...] = ()
    arms: tuple[ArmName, ...] = ("programme",)
    duplicates: DuplicatePolicy = DuplicatePolicy.FIRST_COMPLETE
    early_response_days: int = Field(28, ge=0)
    """A response up to this many days before enrolment is kept and flagged."""
    identifiers: Identifiers = Identifiers()
    prorate: bool = False
    """Score a subscale with up to half of its items blank from the answered ones."""
    baseline_sd: Mapping[Name, Mapping[Name, float]] = {}
    """Baseline SDs by instrument and subscale, frozen for reliable change."""
    thresholds: Thresholds = Thresholds()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _measures_what_it_names(self) -> Self:
        known = reference.instruments()
        for instrument in self.instruments:
            if instrument not in known:
                raise ValueError(
                    f"instruments: {instrument} is not an instrument Muster has; "
                    f"choose among {', '.join(known)}"
                )
        names = [wave.wave for wave in self.waves]
        if len(set(names)) != len(names) or not names:
            raise ValueError("waves: at least one is needed and each name may occur once")
        if [w.due_after_days for w in self.waves] != sorted(w.due_after_days for w in self.waves):
            raise ValueError("waves: list them in the order in which they fall due")
        for end in (self.primary.from_wave, self.primary.to_wave):
            if end not in names:
                raise ValueError(f"primary: {end} is not one of the waves")
        if names.index(self.primary.from_wave) >= names.index(self.primary.to_wave):
            raise ValueError("primary: from_wave must come before to_wave")
        if self.primary.instrument not in self.instruments:
            raise ValueError("primary: its instrument is not among the programme's instruments")
        if self.primary.subscale not in known[self.primary.instrument].by_subscale:
            raise ValueError(
                f"primary: {self.primary.instrument} has no subscale {self.primary.subscale}"
            )
        for name, sds in self.baseline_sd.items():
            subscales = known[name].by_subscale if name in known else {}
            if not set(sds) <= set(subscales) or min(sds.values(), default=1) <= 0:
                raise ValueError(
                    f"baseline_sd.{name}: name subscales of the instrument and SDs above zero"
                )
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        if not self.arms or len({arm.casefold() for arm in self.arms}) != len(self.arms):
            raise ValueError("arms: at least one is needed and each name may occur once")
        if len(set(self.instruments)) != len(self.instruments):
            raise ValueError("instruments: each may be named once")
        for wave in self.waves:
            if wave.wave in STAGES:
                raise ValueError(f"waves: {wave.wave} is what tables call another stage")
        mentioned = [cohort.organisation for cohort in self.cohorts]
        mentioned += [name for wave in self.waves for name in wave.not_held_by]
        for name in mentioned:
            if name not in self.known_organisations:
                raise ValueError(
                    f"cohorts, waves: {name} is neither in the reference list nor declared under "
                    "`organisations`"
                )
        declared = (o.organisation for o in self.organisations)
        if TOTAL in {*(arm.casefold() for arm in self.arms), *declared}:
            raise ValueError(f"arms, organisations: `{TOTAL}` is what tables call the total")
        return self

    @cached_property
    def wave_names(self) -> tuple[str, ...]:
        return tuple(wave.wave for wave in self.waves)

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
        due = starts_on + timedelta(days=wave.due_after_days)
        return (
            due,
            due - timedelta(days=wave.opens_days_before),
            due + timedelta(days=wave.closes_days_after),
        )


# The C loader is ten times faster, and a national home has hundreds of mappings.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, name: str) -> Any:
    """What YAML text says; raises UnusableConfiguration naming the line where it breaks."""
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - safe loaders only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        last = max(len(text.splitlines()), 1)
        where = f" line {min(mark.line + 1, last)}" if mark else ""
        raise UnusableConfiguration(
            f"{name}{where}: this is not valid YAML; check indentation and quotes there."
        ) from None
    except ValueError:
        # What looks like a date and is none, such as 2025-02-30.
        raise UnusableConfiguration(
            f"{name}: a date in it does not exist; dates are written as 2026-09-30."
        ) from None


def parse_programme(text: str, name: str = "programme.yaml") -> Programme:
    """A checked programme from YAML text; raises UnusableConfiguration with one sentence."""
    declared = parse_yaml(text, name)
    if not isinstance(declared, dict):
        raise UnusableConfiguration(f"{name}: a programme is expected, with `programme:` first.")
    try:
        return Programme.model_validate(declared)
    except ValidationError as error:
        raise UnusableConfiguration(f"{name}: {first_problem(error)[1]}") from None


def load_programme(path: Path) -> Programme:
    try:
        return parse_programme(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        raise UnusableConfiguration(
            f"{path.name} is missing from the home folder; `muster init` makes one."
        ) from None
    except UnicodeDecodeError:
        raise UnusableConfiguration(f"{path.name}: save it as UTF-8 text.") from None


def first_problem(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Place and sentence of the problem that pydantic found and that helps most.

    A misspelt field is both missing and unknown; to say that it is unknown shows the misspelling.
    """
    problems = error.errors(include_url=False, include_context=False)
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "There is no such field; check its spelling"
    return problem["loc"], f"{place + ': ' if place else ''}{message[:1].lower()}{message[1:]}."

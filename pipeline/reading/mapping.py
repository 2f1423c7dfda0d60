"""What a mapping file may say: how one layout of one organisation becomes canonical rows.

What belongs here: the model of `sources/<organisation>/<source>.yaml` and its checks.
What stays out: files and folders; a mapping arrives here as text.
"""

import fnmatch
from collections.abc import Collection
from collections.abc import Mapping as Dictionary
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.programme import Programme, UnusableConfiguration, first_problem, parse_yaml
from pipeline.reference import ethnicity_groups, rank_groups
from pipeline.vocabulary import Delivery, DepartureKind, Kind, OrganisationKind, Platform

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*(-[a-z0-9_]+)*$", max_length=60)]

ROSTER_FIELDS = (
    "unit",
    "session_group",
    "facilitator",
    "cohort",
    "arm",
    "rank",
    "service_years",
    "gender",
    "ethnicity",
    "enrolled_on",
)
ATTENDANCE_FIELDS = (
    "session_group",
    "session_number",
    "held_on",
    "cancelled",
    "attended",
    "minutes",
    "absence_reason",
)
DEPARTURE_FIELDS = ("departed_on", "departure_kind")
QUESTIONNAIRE_FIELDS = ("arm", "gender", "completed_on", "duration_seconds")
FIELDS: Dictionary[Kind, tuple[str, ...]] = {
    Kind.QUESTIONNAIRE: QUESTIONNAIRE_FIELDS,
    Kind.ROSTER: ROSTER_FIELDS,
    Kind.ATTENDANCE: ATTENDANCE_FIELDS,
    Kind.DEPARTURES: DEPARTURE_FIELDS,
}
REQUIRED: Dictionary[Kind, tuple[str, ...]] = {
    Kind.QUESTIONNAIRE: (),
    Kind.ROSTER: (),
    Kind.ATTENDANCE: ("session_number", "attended"),
    Kind.DEPARTURES: ("departed_on", "departure_kind"),
}

_KNOWN_MEANINGS: Dictionary[str, frozenset[str]] = {
    "rank": frozenset(rank_groups()),
    "ethnicity": frozenset(ethnicity_groups()),
    "departure_kind": frozenset(DepartureKind),
    "attended": frozenset({"true", "false", "yes", "no", "1", "0"}),
    "cancelled": frozenset({"true", "false", "yes", "no", "1", "0"}),
}
"""What the spellings of a field may be said to mean, in lower case."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnValues(_Declared):
    """A column, and what its spellings mean; spellings are compared without case."""

    column: str
    values: Dictionary[str, str] = {}


class Wave(_Declared):
    """Where the wave of a row is found: exactly one of the three."""

    constant: str | None = None
    column: str | None = None
    values: Dictionary[str, str] = {}
    suffixes: Dictionary[str, str] = {}
    """Wide files: what `{wave}` in a column pattern is replaced by -> wave."""

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        if sum(map(bool, (self.constant, self.column, self.suffixes))) != 1:
            raise ValueError("give exactly one of `constant`, `column` or `suffixes`")
        if len(set(self.suffixes.values())) != len(self.suffixes):
            raise ValueError("two suffixes stand for one wave")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        if self.constant:
            return (self.constant,)
        return tuple((self.suffixes or self.values).values())


class Answers(_Declared):
    """Where the answers to one instrument stand and how they are coded."""

    columns: str
    """A column name with `{item}` for the item number, and `{wave}` in wide files."""
    coding: Literal["numeric", "labels"] = "numeric"
    offset: int = 0
    """Added to a number read, where an export counts from another number than the instrument."""
    labels: Dictionary[str, int] = {}
    """Choice text -> answer; without it the instrument's anchors count."""

    @model_validator(mode="after")
    def _names_items(self) -> Self:
        if "{item}" not in self.columns:
            raise ValueError("`columns` needs {item} where the item number stands, as in Q4_{item}")
        return self


class Consent(_Declared):
    """Rows whose column says anything but one of `agreed` are dropped and counted."""

    column: str
    agreed: tuple[str, ...]


class Mapping(_Declared):
    """One source of one organisation."""

    organisation: str
    source: SourceName
    kind: Kind
    platform: Platform = Platform.CSV
    files: str
    """Shell pattern of the file names in the organisation's landing folder."""
    delivery: Delivery = Delivery.CUMULATIVE
    participant: str
    """The column that identifies an officer; it is hashed before anything is written."""
    home_force: str | ColumnValues | None = None
    """The force whose numbering `participant` follows; the organisation itself if it is a force."""
    wave: Wave | None = None
    instruments: Dictionary[str, Answers] = {}
    columns: Dictionary[str, str] = {}
    """Canonical field -> column name, `{wave}` allowed in wide files."""
    values: Dictionary[str, Dictionary[str, str]] = {}
    """Canonical field -> what its spellings mean."""
    date_format: str = "%Y-%m-%d"
    """As strptime writes it; `auto` where the file itself shows whether day or month is first."""
    sheet: str | None = None
    """The sheet of a workbook that counts; without it there may be one with content."""
    consent: Consent | None = None
    missing: tuple[str, ...] = ("", "NA")
    leave_out: tuple[str, ...] = ()
    """Columns known and deliberately not carried, as patterns; they raise no notice."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        unknown = sorted(set(self.columns) - set(FIELDS[self.kind]))
        if unknown:
            raise ValueError(
                f"columns: {unknown[0]} is not a field of kind {self.kind}; "
                f"it has {', '.join(FIELDS[self.kind])}"
            )
        strangers = sorted(set(self.values) - set(self.columns))
        if strangers:
            raise ValueError(f"values: {strangers[0]} is not among this mapping's columns")
        for field, known in _KNOWN_MEANINGS.items():
            for meaning in self.values.get(field, {}).values():
                if meaning.lower() not in known:
                    raise ValueError(f"values: {field} cannot mean {meaning}")
        if "%" not in self.date_format and self.date_format != "auto":
            raise ValueError("date_format: write it with percent signs, as in %d/%m/%Y")
        if self.source == "unmapped":
            raise ValueError("source: `unmapped` is what files without a mapping are called")
        missing = [field for field in REQUIRED[self.kind] if field not in self.columns]
        if missing:
            raise ValueError(f"columns: kind {self.kind} needs {missing[0]}")
        if (self.kind == Kind.QUESTIONNAIRE) != bool(self.instruments):
            raise ValueError("instruments: a questionnaire names at least one, other kinds none")
        if (self.kind == Kind.QUESTIONNAIRE) != (self.wave is not None):
            raise ValueError("wave: a questionnaire says where its wave is found, other kinds not")
        wide = self.wave is not None and bool(self.wave.suffixes)
        for name, answers in self.instruments.items():
            if ("{wave}" in answers.columns) != wide:
                raise ValueError(
                    f"instruments.{name}: {{wave}} stands in `columns` exactly when "
                    "`wave` gives `suffixes`"
                )
        return self

    @property
    def missing_codes(self) -> frozenset[str]:
        """Texts that stand for an empty cell, without spaces around them."""
        return frozenset({"", *(code.strip() for code in self.missing)})

    def takes_in(self, file_name: str) -> bool:
        return fnmatch.fnmatch(file_name.lower(), self.files.lower())


def parse_mapping(text: str, name: str, programme: Programme) -> Mapping:
    """A checked mapping from YAML text; raises UnusableConfiguration with one sentence.

    `name` is how the sentence calls the file, for example `sources/kent/proqol.yaml`.
    """
    try:
        mapping = Mapping.model_validate(parse_yaml(text, name))
    except ValidationError as error:
        place, problem = first_problem(error)
        line = _line_of(text, place)
        raise UnusableConfiguration(f"{name} line {line}: {problem}") from None
    contradiction = _problem_with(mapping, programme)
    if contradiction:
        place, problem = contradiction
        raise UnusableConfiguration(f"{name} line {_line_of(text, place)}: {problem}.")
    return mapping


_Problem = tuple[tuple[str, ...], str]
"""Place in the file, and the sentence without its full stop."""


def _problem_with(mapping: Mapping, programme: Programme) -> _Problem | None:
    """The first thing that cannot be with this programme."""
    if mapping.organisation not in programme.known_organisations:
        return ("organisation",), (
            f"organisation: {mapping.organisation} is neither in the reference list nor declared "
            "under `organisations` in programme.yaml"
        )
    arms = {arm.lower() for arm in programme.arms}
    named: list[tuple[tuple[str, ...], Collection[str], Collection[str]]] = [
        (("instruments",), mapping.instruments, programme.instruments),
        (("wave",), mapping.wave.names if mapping.wave else (), programme.wave_names),
        (("values", "arm"), [a.lower() for a in mapping.values.get("arm", {}).values()], arms),
    ]
    for place, names, known in named:
        for name in names:
            if name not in known:
                return (*place, name), (
                    f"{'.'.join(place)}: {name} is not one that the programme file declares"
                )
    return _problem_with_home_force(mapping, programme)


def _problem_with_home_force(mapping: Mapping, programme: Programme) -> _Problem | None:
    forces = {
        name
        for name, organisation in programme.known_organisations.items()
        if organisation.kind != OrganisationKind.VIOLENCE_REDUCTION_UNIT
    }
    given = mapping.home_force
    if given is None and mapping.organisation not in forces:
        return ("organisation",), (
            "home_force: a violence reduction unit's source says which force its officers are of"
        )
    named = given.values.values() if isinstance(given, ColumnValues) else [given] if given else []
    for force in named:
        if force not in forces:
            return ("home_force",), f"home_force: {force} is not a force that is known"
    return None


def _line_of(text: str, place: tuple[int | str, ...]) -> int:
    """Line, counted from 1, of the deepest part of `place` that the YAML text has."""
    node = yaml.compose(text)
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    node, line = value, key.start_mark.line + 1
                    break
            else:
                return line
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line

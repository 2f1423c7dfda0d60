"""What a mapping file may say: how one layout of one organisation becomes canonical rows.

What belongs here: the model of `sources/<organisation>/<source>.yaml` and its checks. What stays
out: files and folders, since a mapping arrives here as text; the words for what is wrong with that
text (`pipeline/written.py`); and the schema that editors complete it by (`mapping_schema.py`),
which shows the sentences below fields.
"""

import fnmatch
import re
import string
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Dictionary
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from pipeline.programme import Day, Name, Programme
from pipeline.reference import SERVICE_BANDS, Instrument, ethnicity_groups, rank_groups
from pipeline.vocabulary import Delivery, DepartureKind, Kind, Platform
from pipeline.written import CHOSEN_FORM, Written, meant, perhaps, wrong

_NAME = r"^[a-z0-9][a-z0-9_]*(-[a-z0-9_]+)*$"
SourceName = Annotated[str, Field(pattern=_NAME, max_length=60)]
ElementName = Annotated[str, Field(pattern=_NAME, max_length=40)]

ROSTER_FIELDS = (
    "unit",
    "session_group",
    "facilitator",
    "cohort",
    "arm",
    "rank",
    "service_years",
    "joined_on",
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
DEPARTURE_FIELDS = ("departed_on", "departure_kind", "new_force", "new_number")
QUESTIONNAIRE_FIELDS = ("arm", "gender", "completed_on", "duration_seconds")
FIELDS: Dictionary[Kind, tuple[str, ...]] = {
    Kind.QUESTIONNAIRE: QUESTIONNAIRE_FIELDS,
    Kind.ROSTER: ROSTER_FIELDS,
    Kind.ATTENDANCE: ATTENDANCE_FIELDS,
    Kind.DEPARTURES: DEPARTURE_FIELDS,
}
FACTS_BESIDE_A_CODE = ("rank", "service_years", "ethnicity")
"""What a questionnaire with a code may say of an officer too, for its code to be compared."""
FEWEST_ELEMENTS = 4
"""Of a code: two officers agree on three elements by chance too often to link what differs in one.
"""
SESSION_MARKS = ("attended", "cancelled", "absence_reason")
"""What the cell of a session says in a wide register."""
REQUIRED: Dictionary[Kind, tuple[str, ...]] = {
    Kind.QUESTIONNAIRE: (),
    Kind.ROSTER: (),
    Kind.ATTENDANCE: ("session_number", "attended"),
    Kind.DEPARTURES: ("departed_on", "departure_kind"),
}

_KNOWN_MEANINGS: Dictionary[str, frozenset[str]] = {
    "rank": frozenset(rank_groups()),
    "ethnicity": frozenset(ethnicity_groups()),
    "service_years": frozenset(SERVICE_BANDS),
    "departure_kind": frozenset(DepartureKind),
    "attended": frozenset({"true", "false", "yes", "no", "1", "0"}),
    "cancelled": frozenset({"true", "false", "yes", "no", "1", "0"}),
}
"""What the spellings of a field may be said to mean, in lower case."""


TRANSLATED = frozenset({*_KNOWN_MEANINGS, "arm", "gender", "absence_reason", "new_force"})
"""Fields whose cells are words that `values` may explain; other cells are days, numbers, names."""

_TEXT, _LIST, _ENTRIES = CHOSEN_FORM
_PLACEHOLDER = re.compile(r"\{(\w*)(?::0[2-9])?\}")
_ITEM = re.compile(r"\{item(?::0([2-9]))?\}")
_DAY_CODES = (("%d", "%e", "%j"), ("%m", "%b", "%B", "%h", "%j"), ("%Y", "%y"))
_CODE = re.compile(r"%[-_0.:#]*\d?(.?)")
_CODES = frozenset("aAbBcCdDeFfGghHIjklmMnpPrRsStTuUvVwWxXyYzZ%+")
_WHOLE_DAY_CODES = ("%F", "%D", "%x", "%v", "%c", "%s", "%+")


def _form(said: object) -> str:
    return (
        _ENTRIES if isinstance(said, dict) else _LIST if isinstance(said, list | tuple) else _TEXT
    )


Spelling = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""What a cell holds. Text as written; editors need not insist on quotes around numbers."""

Column = Annotated[
    str, Field(min_length=1), WithJsonSchema({"type": ["string", "number"], "minLength": 1})
]
Columns = Annotated[
    Annotated[Column, Tag(_TEXT)]
    | Annotated[Annotated[tuple[Column, ...], Field(min_length=1)], Tag(_LIST)],
    Discriminator(lambda said: _LIST if _form(said) == _LIST else _TEXT),
]


class _Declared(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


class ColumnValues(_Declared):
    """A column, and what its spellings mean; spellings are compared without case."""

    column: Column
    """The column's heading, or `#3` for the third column."""
    values: Dictionary[str, str] = {}
    """Spelling -> what it means."""


class Window(_Declared):
    """The days on which a wave was answered, both included."""

    first_day: Day = Field(alias="from")
    """The first day, such as 2026-01-05."""
    last_day: Day = Field(alias="to")
    """The last day, such as 2026-02-01."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.last_day < self.first_day:
            raise wrong("`to` lies before `from`; write the earlier day as `from`", "to")
        return self


class Wave(_Declared):
    """Where the wave of a row is found: exactly one of four ways."""

    constant: str | None = None
    """The one wave that every row of the file is of."""
    column: Column | None = None
    """The column that says the wave."""
    values: Dictionary[str, str] = {}
    """What the column's spellings mean; the programme's own names of waves need no entry."""
    suffixes: Dictionary[str, str] = {}
    """Wide files: what `{wave}` in a column pattern is replaced by -> wave."""
    windows: Dictionary[str, Window] = {}
    """Wave -> the days on which it was answered. A response belongs to the wave within whose days
    `completed_on` lies; to none, if it lies in no window."""

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        ways = (self.constant, self.column, self.suffixes, self.windows)
        if sum(map(bool, ways)) != 1:
            raise wrong("give exactly one of `constant`, `column`, `suffixes` or `windows`")
        if self.values and not self.column:
            raise wrong(
                "`values` explain a column; name it with `column`, or take them out", "values"
            )
        if len(set(self.suffixes.values())) != len(self.suffixes):
            raise wrong("two suffixes stand for one wave; give each wave one", "suffixes")
        spans = sorted(self.windows.items(), key=lambda entry: entry[1].first_day)
        for (before, earlier), (after, later) in pairwise(spans):
            if later.first_day <= earlier.last_day:
                raise wrong(
                    f"the days of {after} begin before those of {before} end; a day belongs to one "
                    "wave",
                    "windows",
                    after,
                )
        return self

    @property
    def named(self) -> list[tuple[tuple[str, ...], str]]:
        """Every wave that is named, and where."""
        if self.constant:
            return [(("constant",), self.constant)]
        if self.windows:
            return [(("windows", wave), wave) for wave in self.windows]
        way, entries = ("suffixes", self.suffixes) if self.suffixes else ("values", self.values)
        return [((way, key), wave) for key, wave in entries.items()]


class Answers(_Declared):
    """Where the answers to one instrument stand and how they are coded."""

    columns: Columns
    """A column name with `{item}` for the item's number (`Q4_{item}`; `Q4_{item:02}` where it has
    two digits, as in Q4_01), or `{letter}` for a, b, c (`Q1_1_{letter}`), and `{wave}` in wide
    files; or a list of the columns, one for each item."""
    first: int = Field(1, ge=0)
    """The number that `{item}` begins with, where the first item is not number 1."""
    coding: Literal["numeric", "labels"] = "numeric"
    """Whether cells hold numbers or choice texts."""
    offset: int = 0
    """Added to a number read, where an export counts from another number than the instrument."""
    reversed: bool = False
    """True where an export counts backwards: its highest number is the instrument's lowest."""
    labels: Dictionary[str, int] = {}
    """Choice text -> answer; without it the instrument's anchors count."""

    @model_validator(mode="after")
    def _names_items(self) -> Self:
        if isinstance(self.columns, tuple):
            return self._lists_items(self.columns)
        found = set(_PLACEHOLDER.findall(self.columns))
        if len(found & {"item", "letter"}) != 1:
            raise wrong(
                "{item} is needed where the item number stands, as in Q4_{item}, or {letter}, or a "
                "list of the columns",
                "columns",
            )
        if "letter" in found and self.first != 1:
            raise wrong("`first` is for {item}; letters begin with a", "first")
        return self

    def _lists_items(self, columns: tuple[str, ...]) -> Self:
        if self.first != 1:
            raise wrong("`first` is for {item}; a list says each column", "first")
        for place, column in enumerate(columns):
            if column in columns[:place]:
                raise wrong(f"`{column}` is listed twice; each item has its own", "columns", place)
            if {"item", "letter"} & {*_PLACEHOLDER.findall(column)}:
                raise wrong("a list names each column; {item} is for a single pattern", "columns")
        return self

    @model_validator(mode="after")
    def _is_coded_in_one_way(self) -> Self:
        if self.labels and self.coding == "numeric":
            raise wrong("labels are given, so `coding: labels` is needed", "labels")
        if self.coding == "labels":
            for name, given in (("offset", self.offset), ("reversed", self.reversed)):
                if given:
                    raise wrong(f"`{name}` is for numbers; `labels` say the answers", name)
        answers: dict[str, int] = {}
        for label, answer in self.labels.items():
            said = " ".join(label.lower().split())
            if answers.setdefault(said, answer) != answer:
                raise wrong("the label is given two answers; keep one of them", "labels", label)
        return self

    @property
    def is_wide(self) -> bool:
        """Whether every column has `{wave}` in its name."""
        patterns = self.columns if isinstance(self.columns, tuple) else (self.columns,)
        return all("{wave}" in pattern for pattern in patterns)

    @property
    def mentions_wave(self) -> bool:
        return "{wave}" in "".join(self.columns)

    def item_columns(self, items: int) -> list[str]:
        """The columns of the items in their order, `{wave}` still in them."""
        if isinstance(self.columns, tuple):
            return list(self.columns)
        letters = string.ascii_lowercase[:items]
        pattern = self.columns

        def column(place: int) -> str:
            number = str(self.first + place)
            numbered = _ITEM.sub(lambda item: number.zfill(int(item[1] or 1)), pattern)
            return numbered.replace("{letter}", letters[place : place + 1])

        return [column(place) for place in range(items)]


class Sessions(_Declared):
    """A wide register: a row an officer, and a column a session in which cells say who came."""

    columns: Annotated[
        Annotated[Column, Tag(_TEXT)] | Annotated[Dictionary[int, Column], Tag(_ENTRIES)],
        Discriminator(lambda said: _ENTRIES if _form(said) == _ENTRIES else _TEXT),
    ]
    """A column name with `{session}` for the session's number, or number -> column name."""
    dates: Dictionary[int, Day] = {}
    """Number of a session -> day on which it was held, where no column says it."""

    @model_validator(mode="after")
    def _names_sessions(self) -> Self:
        if isinstance(self.columns, str) and "{session}" not in self.columns:
            raise wrong(
                "{session} is needed where the session's number stands, as in Session {session}",
                "columns",
            )
        return self

    @property
    def numbered(self) -> tuple[tuple[str, int], ...]:
        """The sessions that the mapping itself numbers, and where."""
        named = () if isinstance(self.columns, str) else tuple(self.columns)
        return (*(("columns", n) for n in named), *(("dates", n) for n in self.dates))

    def column(self, number: int) -> str | None:
        """What the column of a session is called, if it has one."""
        if isinstance(self.columns, str):
            return self.columns.replace("{session}", str(number))
        return self.columns.get(number)


class Consent(_Declared):
    """Rows whose column says anything but one of `agreed` are dropped and counted."""

    column: Column
    """The column's heading, or `#3` for the third column."""
    agreed: tuple[Spelling, ...] = Field(min_length=1)
    """What cells say of those who agreed; compared without case."""


class Mapping(_Declared):
    """One source of one organisation."""

    organisation: str
    """Who sends the files, as its folder in `sources/` is called."""
    source: SourceName
    """What the source is called, as this file is."""
    kind: Kind
    """What a row is about."""
    platform: Platform = Platform.CSV
    """What wrote the files."""
    files: str = Field(min_length=1)
    """Shell pattern of file names in the organisation's landing folder, such as "proqol*.csv"."""
    delivery: Delivery = Delivery.CUMULATIVE
    """Whether each file holds everything so far or only what is new."""
    participant: Columns = ()
    """The column that identifies an officer. It is hashed before anything is written. A list of
    several columns is one number written in parts, joined as it stands; a row names nobody if one
    of them is blank."""
    code: Dictionary[ElementName, Column] = {}
    """In place of `participant`, a code that officers make up of answers only they know: element ->
    column. Each element is hashed by itself before anything is written."""
    home_force: (
        Annotated[
            Annotated[str, Tag(_TEXT)] | Annotated[ColumnValues, Tag(_ENTRIES)],
            Discriminator(lambda said: _TEXT if isinstance(said, str) else _ENTRIES),
        ]
        | None
    ) = None
    """The force whose numbering `participant` follows; the organisation itself if it is a force."""
    wave: Wave | None = None
    """Where the wave of a row is found; for questionnaires alone."""
    instruments: Dictionary[str, Answers] = {}
    """Instrument -> where its answers stand and how they are coded."""
    sessions: Sessions | None = None
    """Wide registers of attendance; without it each row is one officer and session."""
    columns: Dictionary[str, Column] = {}
    """Field -> column: its heading, `#3` for the third column, `{wave}` or `{session}` allowed in
    wide files."""
    comments: Dictionary[Name, Column] = {}
    """Question -> column of free text; `{wave}` allowed in wide files; for questionnaires alone.
    Texts are redacted before anything is written, and count when a steward has approved them."""
    values: Dictionary[str, Dictionary[str, Spelling]] = {}
    """Field -> what its spellings mean."""
    date_format: str = "%Y-%m-%d"
    """As strptime writes it; `auto` where the file itself shows whether day or month is first."""
    sheet: str | None = None
    """The sheet of a workbook that counts; without it there may be one with content."""
    consent: Consent | None = None
    """The column that says who agreed; without it all rows count."""
    missing: tuple[Spelling, ...] = ("", "NA")
    """What cells of any column hold where nothing was said, such as NA or -99."""
    missing_in: Dictionary[str, tuple[Spelling, ...]] = {}
    """Pattern of columns -> what else means that nothing was said there, such as "Q4_*": [999]."""
    leave_out: tuple[str, ...] = ()
    """Columns known and deliberately not carried, as patterns; they raise no notice."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.source == "unmapped":
            raise wrong("`unmapped` is what files without a mapping are called", "source")
        if "/" in self.files:
            raise wrong("name the files without a folder, as in proqol*.csv", "files")
        self._check_whose()
        self._check_fields()
        self._check_date_format()
        if (self.kind == Kind.QUESTIONNAIRE) != bool(self.instruments):
            raise wrong("a questionnaire names at least one, other kinds none", "instruments")
        if (self.kind == Kind.QUESTIONNAIRE) != (self.wave is not None):
            raise wrong("a questionnaire says where its wave is found, other kinds not", "wave")
        if self.wave is not None:
            self._check_waves(self.wave)
        self._check_columns()
        self._check_kind()
        return self

    def _check_whose(self) -> None:
        if not self.participant and not self.code:
            raise wrong(
                "it is missing: the column that identifies an officer; where officers give a code "
                "instead, name its elements under `code`",
                "participant",
            )
        if self.participant and self.code:
            raise wrong("an officer is known by `participant` or by a code; keep one", "code")
        if self.code and self.kind == Kind.DEPARTURES:
            raise wrong("a list of departures names officers by `participant`", "code")
        if self.code and len(self.code) < FEWEST_ELEMENTS:
            raise wrong(
                f"a code has at least {FEWEST_ELEMENTS} elements; with fewer, two officers often "
                "have the same",
                "code",
            )
        taken: dict[str, str] = {}
        for element, column in self.code.items():
            if column in taken:
                raise wrong(
                    f"`{column}` is the column of {taken[column]} already; each column is one "
                    "element",
                    "code",
                    element,
                )
            taken[column] = element
            if {"item", "letter", "wave", "session"} & {*_PLACEHOLDER.findall(column)}:
                raise wrong(
                    "a code stands once a row; name its column as it is called", "code", element
                )

    def _check_fields(self) -> None:
        known = FIELDS[self.kind]
        if self.code and self.kind == Kind.QUESTIONNAIRE:
            known = (*known, *FACTS_BESIDE_A_CODE)
        for field in self.columns:
            if field not in known:
                raise wrong(
                    f"{field} is not a field of kind {self.kind}; {meant(field, known)}",
                    "columns",
                    field,
                )
        for field in () if self.sessions else REQUIRED[self.kind]:
            if field not in self.columns:
                raise wrong(f"kind {self.kind} needs {field}; name its column", "columns")
        told = SESSION_MARKS if self.sessions else ()
        for field, spellings in self.values.items():
            if field not in self.columns and field not in told:
                raise wrong(f"{field} is not among this mapping's columns", "values", field)
            if field not in TRANSLATED:
                raise wrong(f"cells of {field} are no words; take the entry out", "values", field)
            meanings = _KNOWN_MEANINGS.get(field)
            for spelling, meaning in spellings.items():
                if meanings is not None and meaning.lower() not in meanings:
                    raise wrong(
                        f"{field} cannot mean {meaning}; {_near(meaning, meanings)}",
                        "values",
                        field,
                        spelling,
                    )

    def _check_date_format(self) -> None:
        said = self.date_format
        for code in _CODE.finditer(said):
            if code[1] not in _CODES:
                raise wrong(f"{code[0]} is no code; %d, %m and %Y are expected", "date_format")
        if said == "auto" or any(code in said for code in _WHOLE_DAY_CODES):
            return
        if "%" not in said:
            raise wrong("write it with percent signs, as in %d/%m/%Y, or auto", "date_format")
        plain = said.replace("%-", "%")
        for codes, what in zip(_DAY_CODES, ("day", "month", "year"), strict=True):
            if not any(code in plain for code in codes):
                raise wrong(f"it has no {what}; %d, %m and %Y are expected", "date_format")

    def _check_waves(self, wave: Wave) -> None:
        for name, answers in self.instruments.items():
            if (
                answers.mentions_wave != bool(wave.suffixes)
                or answers.mentions_wave != answers.is_wide
            ):
                raise wrong(
                    "{wave} stands in `columns` exactly when `wave` gives `suffixes`",
                    "instruments",
                    name,
                    "columns",
                )
        if wave.windows and "completed_on" not in self.columns:
            raise wrong(
                "windows need the day of each response; name completed_on under `columns`",
                "wave",
                "windows",
            )

    def _check_columns(self) -> None:
        wide = self.wave is not None and bool(self.wave.suffixes)
        for part, named in (("columns", self.columns), ("comments", self.comments)):
            for field, column in named.items():
                if "{wave}" in column and not wide:
                    raise wrong(
                        "{wave} is for wide files, whose `wave` gives `suffixes`", part, field
                    )
                if {"item", "letter"} & {*_PLACEHOLDER.findall(column)}:
                    raise wrong("{item} is for the columns of an instrument", part, field)
        for place, column in self._single_columns():
            if column == "#0":
                raise wrong("columns are counted from 1, as in #1", *place)

    def _single_columns(self) -> Iterable[tuple[tuple[int | str, ...], str]]:
        """Every column that is named by itself, and where."""
        yield from ((("participant",), column) for column in self.participants)
        yield from ((("code", element), column) for element, column in self.code.items())
        if isinstance(self.home_force, ColumnValues):
            yield ("home_force", "column"), self.home_force.column
        if self.consent:
            yield ("consent", "column"), self.consent.column
        if self.wave and self.wave.column:
            yield ("wave", "column"), self.wave.column
        yield from ((("columns", field), column) for field, column in self.columns.items())
        yield from ((("comments", said), column) for said, column in self.comments.items())

    def _check_kind(self) -> None:
        """What belongs together in one kind."""
        if self.comments and self.kind != Kind.QUESTIONNAIRE:
            raise wrong("only a questionnaire has free text that is taken in", "comments")
        if ("new_force" in self.columns) != ("new_number" in self.columns):
            raise wrong(
                "new_force and new_number are given together; a number is one officer's only "
                "within a force",
                "columns",
            )
        if "joined_on" in self.columns:
            if "service_years" in self.columns:
                raise wrong("give service_years or joined_on, not both", "columns", "joined_on")
            if "enrolled_on" not in self.columns:
                raise wrong(
                    "it needs enrolled_on, the day up to which service counts",
                    "columns",
                    "joined_on",
                )
        if self.sessions is not None:
            self._check_sessions(self.sessions)

    def _check_sessions(self, sessions: Sessions) -> None:
        if self.kind != Kind.ATTENDANCE:
            raise wrong("only a register of attendance has a column a session", "sessions")
        for field, column in self.columns.items():
            if field in {"session_number", "attended", "cancelled"}:
                raise wrong(f"{field} is what a session's own column says", "columns", field)
            if field != "session_group" and "{session}" not in column:
                raise wrong(
                    "{session} is needed where the session's number stands", "columns", field
                )
        if sessions.dates and "held_on" in self.columns:
            raise wrong("give dates, or a column for held_on, not both", "sessions", "dates")

    @property
    def participants(self) -> tuple[str, ...]:
        """The columns that together identify an officer; nearly always one."""
        return self.participant if isinstance(self.participant, tuple) else (self.participant,)

    @property
    def elements(self) -> dict[str, str]:
        """The elements of the code and their columns, in one order whatever the file's."""
        return dict(sorted(self.code.items()))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What `{wave}` stands for, one after the other; one empty text unless the file is wide."""
        return tuple(self.wave.suffixes) if self.wave and self.wave.suffixes else ("",)

    @property
    def missing_everywhere(self) -> frozenset[str]:
        """Texts that stand for an empty cell of any column, without spaces around them."""
        return frozenset({"", *(code.strip() for code in self.missing)})

    def missing_codes(self, column: str) -> frozenset[str]:
        """Texts that stand for an empty cell of one column."""
        more = (
            codes
            for pattern, codes in self.missing_in.items()
            if fnmatch.fnmatchcase(column, pattern)
        )
        return self.missing_everywhere.union(*({code.strip() for code in codes} for codes in more))

    def takes_in(self, file_name: str) -> bool:
        return fnmatch.fnmatch(file_name.lower(), self.files.lower())


def parse_mapping(text: str, name: str, programme: Programme) -> Mapping:
    """A checked mapping from YAML text; raises UnusableConfiguration with one sentence.

    `name` is how the sentence calls the file, for example `sources/kent/proqol.yaml`.
    """
    written = Written.of(text, name)
    if not isinstance(written.said, dict):
        problem = "a mapping is expected, with `organisation:` first; see docs/mappings.md"
        raise written.unusable((), problem)
    try:
        mapping = Mapping.model_validate(written.said)
    except ValidationError as error:
        raise written.refused(error, Mapping) from None
    contradiction = _problem_with(mapping, programme)
    if contradiction:
        place, problem = contradiction
        raise written.unusable(place, f"{'.'.join(place)}: {problem}")
    return mapping


def _near(word: str, known: Collection[str]) -> str:
    """Like `meant`, for lists too long to print."""
    told = meant(word, sorted(known))
    return (
        told
        if told.startswith("perhaps") or len(known) < 10
        else "see docs/mappings.md for the words"
    )


_Problem = tuple[tuple[str, ...], str]
"""Place in the file, and the sentence about it without its full stop."""


def _problem_with(mapping: Mapping, programme: Programme) -> _Problem | None:
    """The first thing that cannot be with this programme."""
    said, known_organisations = mapping.organisation, programme.known_organisations
    if said not in known_organisations:
        return ("organisation",), (
            f"{said} is neither in the reference list nor declared under `organisations` in "
            f"programme.yaml{perhaps(said, known_organisations)}"
        )
    arms = {arm.lower(): arm for arm in programme.arm_names}
    named: list[tuple[tuple[str, ...], str, Collection[str]]] = [
        *((("instruments", name), name, programme.instruments) for name in mapping.instruments),
        *(
            (("wave", *place), wave, programme.wave_names)
            for place, wave in (mapping.wave.named if mapping.wave else ())
        ),
        *(
            (("values", "arm", spelling), arm.lower(), arms)
            for spelling, arm in mapping.values.get("arm", {}).items()
        ),
    ]
    for place, name, known in named:
        if name not in known:
            return (
                place,
                f"{name} is not one that the programme file declares; {meant(name, known)}",
            )
    for name, answers in mapping.instruments.items():
        problem = _problem_with_answers(answers, programme.instrument(name))
        if problem:
            return ("instruments", name, *problem[0]), problem[1]
    return (
        _problem_with_shared_columns(mapping, programme)
        or _problem_with_sessions(mapping, programme)
        or _problem_with_forces(mapping, programme)
    )


def _problem_with_answers(answers: Answers, instrument: Instrument) -> _Problem | None:
    name, items = instrument.instrument, instrument.items
    if isinstance(answers.columns, tuple) and len(answers.columns) != items:
        return (
            "columns",
        ), f"{len(answers.columns)} columns are listed, and {name} has {items} items"
    if "{letter}" in answers.columns and items > len(string.ascii_lowercase):
        return ("columns",), f"{name} has {items} items, more than letters; list its columns"
    for label, answer in answers.labels.items():
        if not instrument.minimum <= answer <= instrument.maximum:
            return ("labels", label), (
                f"{answer} is no answer of {name}, which has {instrument.minimum} to "
                f"{instrument.maximum}"
            )
    return None


def _problem_with_shared_columns(mapping: Mapping, programme: Programme) -> _Problem | None:
    """Columns that are to hold two things of which one must be wrong."""
    taken = dict.fromkeys(mapping.participants, "participant")
    taken |= {column: element for element, column in mapping.code.items()}
    for name, answers in mapping.instruments.items():
        for column in answers.item_columns(programme.instrument(name).items):
            if column in taken:
                return ("instruments", name, "columns"), (
                    f"`{column}` is the column of {taken[column]} already; each column is one thing"
                )
        taken |= dict.fromkeys(answers.item_columns(programme.instrument(name).items), name)
    # What is hashed or translated must not be kept as text beside that.
    taken |= {column: name for name, column in mapping.columns.items()}
    for question, column in mapping.comments.items():
        if column in taken:
            return ("comments", question), (
                f"`{column}` is the column of {taken[column]} already; each column is one thing"
            )
        taken[column] = question
    return None


def _problem_with_sessions(mapping: Mapping, programme: Programme) -> _Problem | None:
    for place, number in mapping.sessions.numbered if mapping.sessions else ():
        if not 1 <= number <= programme.sessions.planned:
            return ("sessions", place, str(number)), (
                f"{number} is not one of the programme's {programme.sessions.planned} sessions"
            )
    return None


def _problem_with_forces(mapping: Mapping, programme: Programme) -> _Problem | None:
    forces = {*programme.known_forces}
    given = mapping.home_force
    if given is None and mapping.organisation not in forces:
        return ("home_force",), (
            "a violence reduction unit's source says which force its officers are of"
        )
    named: list[tuple[tuple[str, ...], str]] = []
    if isinstance(given, ColumnValues):
        named = [(("values", spelling), force) for spelling, force in given.values.items()]
    elif given:
        named = [((), given)]
    for place, force in named:
        if force not in forces:
            return ("home_force", *place), (
                f"{force} is not a force that is known; {_near(force, forces)}"
            )
    for spelling, force in mapping.values.get("new_force", {}).items():
        if force not in forces:
            return ("values", "new_force", spelling), (
                f"{force} is not a force that is known; {_near(force, forces)}"
            )
    return None

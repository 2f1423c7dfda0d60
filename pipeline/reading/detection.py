"""What a file seems to be, and the mapping that would read it: proposed, never applied unseen.

What belongs here: telling platforms by their headings, instruments by how many columns hold their
answers, waves, officers and days by what columns are called and hold. What stays out: reading with
the mapping (`canonical.py`), and writing it down. A cell is only ever counted or matched; what a
proposal quotes are headings, and spellings that name a wave, a force or an arm.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipeline.programme import Programme
from pipeline.reading import detected_registers
from pipeline.reading.canonical import READERS
from pipeline.reading.cells import AUTO, UNRECOGNISED, answers, as_day, forces, tidy
from pipeline.reading.mapping import Answers
from pipeline.reading.patterns import differing_parts, numbered_groups
from pipeline.reading.platforms import platform_of
from pipeline.reading.records import Unreadable
from pipeline.reading.table import Table
from pipeline.reading.tabular import read_records
from pipeline.reading.wave_words import wave_meant
from pipeline.reference import Instrument
from pipeline.vocabulary import Kind, Platform

_MOST: Final = 0.8
"""Of the cells of a column that hold anything: enough to say what the column is about."""

_DATE_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
)
_TWISTED: Final = re.compile(r"%d/%m|%m/%d")
_OFFICER: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"collar|warrant|shoulder (?:number|no)",
        r"officer.*(?:number|no\b|n°|id\b)|(?:number|id) of (?:the )?officer",
        r"(?:staff|employee|payroll|pay|force|service|personnel).{0,3}(?:number|no\b|id\b)",
        r"^officer$|^number$|^officer_?number$",
        r"external ?(?:data ?)?reference",
        r"participant|pseudonym|unique code|personal code",
        r"^custom data 1$",
    )
)
"""What a column that says whose a row is may be called, the surest first."""

_LOOKS_LIKE_A_NUMBER: Final = r"^[A-Za-z]{0,4}[ -]?(?:\d{2,}[A-Za-z]?|[A-Z0-9]{5,10})$"
_ADDRESS: Final = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
_PHONE: Final = r"^\+?[\d ()-]{10,16}$"
_NAMED_SO: Final = re.compile(
    r"\b(?:name|surname|forename|e-?mail|phone|mobile|address|postcode|birth|dob|ip)\b"
)
_COMPLETED: Final = (
    "RecordedDate",
    "Completion time",
    "CompletionDate",
    "Completion date",
    "End Date",
    "EndDate",
    "submitdate",
    "Date submitted",
    "Timestamp",
    "Ended",
)
"""What platforms call the moment of completion; where there are two, the first of these."""

_COMPLETED_WORDS: Final = re.compile(r"complet|submit|_timestamp$|finished|answered on|\bdate\b")


@dataclass(frozen=True, slots=True)
class Items:
    """Columns that hold the answers to one instrument, and how they are coded."""

    instrument: str
    pattern: str
    columns: tuple[str, ...]
    coding: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a file seems to be. `mapping` is what it says so far; `open` what it cannot say."""

    form: str
    platform: Platform
    header_records: int
    rows: int
    columns: int
    kind: Kind | None
    items: tuple[Items, ...]
    waves: str
    identifying: tuple[str, ...]
    mapping: dict[str, Any]
    open: tuple[str, ...]


def propose(
    content: bytes,
    programme: Programme,
    *,
    organisation: str | None,
    source: str,
    files: str,
    words: str = "",
    wave: str | None = None,
    participant: str | None = None,
    sheet: str | None = None,
) -> Proposal:
    """A proposal for one file; raises Unreadable if the file cannot be taken for any export.

    Args:
        content: the file's bytes.
        programme: whose waves, instruments, arms and organisations are looked for.
        organisation: who sent it, if that is known.
        source: what the source is to be called.
        files: the pattern of file names that are to belong to it.
        words: the file's name, which may name a wave.
        wave: the wave of every row, where the person who asks says it.
        participant: the column that says whose a row is, where they say it.
        sheet: of a workbook, where they say it.

    """
    records = read_records(content, programme.limits, sheet)
    platform = platform_of(records)
    table = READERS[platform](records)
    if any(re.search(_ADDRESS, name) for name in table.columns):
        # A proposal quotes headings, so it must not be made from somebody's answers.
        raise Unreadable(
            "the first row seems to hold somebody's data and no headings; ask for the export with "
            "its headings"
        )
    rows = _all_rows(table)
    mapping: dict[str, Any] = {
        "organisation": organisation,
        "source": source,
        "kind": None,
        "platform": platform.value,
        "files": files,
    }
    if sheet:
        mapping["sheet"] = sheet
    looking = _Look(table, rows, programme)
    looking.identify(organisation, participant, mapping)
    items = tuple(looking.items())
    kind = Kind.QUESTIONNAIRE if items else detected_registers.kind_of(table.columns)
    mapping["kind"] = kind.value if kind else None
    waves = ""
    if kind == Kind.QUESTIONNAIRE:
        waves = looking.questionnaire(items, words, wave, mapping)
    elif kind is not None:
        looking.register(kind, mapping)
    else:
        looking.open.append(
            "what it holds, since none of the programme's instruments was found in it "
            f"({', '.join(programme.instruments)}) and its headings are no register's"
        )
    identifying = looking.identifying(mapping)
    looking.leave_out(mapping, identifying)
    return Proposal(
        form=records.form,
        platform=platform,
        header_records=table.header_records,
        rows=rows.height,
        columns=len(table.columns),
        kind=kind,
        items=items,
        waves=waves,
        identifying=tuple(identifying),
        mapping={name: said for name, said in mapping.items() if said not in (None, {}, [])},
        open=tuple(looking.open),
    )


def _all_rows(table: Table) -> pl.DataFrame:
    """Every column that a mapping may name, by that name, of every row that is not blank."""
    names = [*dict.fromkeys([*table.columns, *table.derived])]
    rows = table.rows(names, table.body())
    if rows.is_empty():
        raise Unreadable("the file has headings but no rows; ask for the export again")
    text = pl.col(pl.String).str.strip_chars()
    return rows.select(names).with_columns(pl.when(~text.is_in(["", "NA"])).then(text))


class _Look:
    """One look at the rows of a file; what could not be told is collected in `open`."""

    def __init__(self, table: Table, rows: pl.DataFrame, programme: Programme) -> None:
        self._table, self._rows, self._programme = table, rows, programme
        self._used: set[str] = set()
        self._elsewhere: dict[str, str] = {}
        self.open: list[str] = []

    # Whose a row is.

    def identify(
        self, organisation: str | None, participant: str | None, mapping: dict[str, Any]
    ) -> None:
        chosen = participant or self._officer()
        if participant and participant not in self._rows.columns:
            raise Unreadable(f"the file has no column `{participant}`; name one of its headings")
        if chosen is None:
            self.open.append("which column says whose a row is (--participant COLUMN)")
        else:
            self._used.add(chosen)
            mapping["participant"] = chosen
        if organisation is None:
            self.open.append("which organisation sent it (--organisation NAME)")
        # A column of forces may say where officers went, which is not whose numbers they have.
        self._elsewhere = detected_registers.transfer_of(self._table.columns, self._used)
        self._used |= {*self._elsewhere.values()}
        force = self._first(forces(self._programme).__contains__, whole=True)
        self._used -= {*self._elsewhere.values()}
        if force is not None:
            self._used.add(force)
            mapping["home_force"] = {"column": force}
        elif organisation is not None and organisation not in self._programme.known_forces:
            self.open.append("which force the officers are of (home_force in the mapping)")

    def _officer(self) -> str | None:
        headings = [name for name in self._table.columns if self._filled(name) > 0]
        for pattern in _OFFICER:
            for name in headings:
                if pattern.search(name.lower()):
                    return name
        known = {*self._table.left_out(set())}
        named = (name for name in headings if not name.startswith("#") and name not in known)
        return next((name for name in named if self._holds_officers(name)), None)

    def _holds_officers(self, name: str) -> bool:
        if self._share(name, _LOOKS_LIKE_A_NUMBER) < _MOST:
            return False
        cells = self._rows[name].drop_nulls()
        # Answers and codes repeat; numbers of officers come at most once a wave.
        most = 2 * len(self._programme.waves) * cells.n_unique()
        return len(cells) <= most and cells.n_unique() >= _FEWEST_OFFICERS

    def identifying(self, mapping: dict[str, Any]) -> list[str]:
        """Columns that seem to identify people, the platform's and those that hold such cells."""
        named = {mapping.get("participant")}
        found = [name for name in self._table.left_out(set()) if name not in named]
        for name in self._table.columns:
            if name in named or name in found or name in self._used or not self._filled(name):
                continue
            called = _NAMED_SO.search(re.sub(r"[_.]", " ", name.lower()))
            held = max(self._share(name, _ADDRESS), self._share(name, _PHONE))
            if called or held > 1 - _MOST:
                found.append(name)
        return found

    def leave_out(self, mapping: dict[str, Any], identifying: Iterable[str]) -> None:
        """Name what is not carried, so that a column that appears later is noticed."""
        unknown = [name for name in self._table.unknown(self._used) if self._filled(name)]
        left = [*dict.fromkeys([*unknown, *identifying])]
        platform = set(self._table.left_out(self._used))
        mapping["leave_out"] = [_escaped(name) for name in left if name not in platform]

    # Registers.

    def register(self, kind: Kind, mapping: dict[str, Any]) -> None:
        columns = detected_registers.columns_of(kind, self._table.columns, self._used)
        if kind == Kind.DEPARTURES and len(self._elsewhere) > 1:
            columns |= self._elsewhere
        mapping["columns"] = columns
        self._used |= {*columns.values()}
        missing = detected_registers.missing(kind, columns)
        self.open += [f"which column has {field} (columns in the mapping)" for field in missing]
        mapping["date_format"] = self._date_format(
            [columns[name] for name in detected_registers.DAYS if name in columns]
        )

    # Questionnaires.

    def items(self) -> list[Items]:
        found: list[Items] = []
        taken: set[str] = set()
        groups = numbered_groups([*self._table.columns, *self._table.derived])
        for name in self._programme.instruments:
            instrument = self._programme.instrument(name)
            for pattern, columns in groups:
                if len(columns) != instrument.items or taken & self._table.columns_behind(columns):
                    continue
                coding = self._coding(columns, instrument)
                if coding is not None:
                    found.append(Items(name, pattern, tuple(columns), coding))
                    taken |= self._table.columns_behind(columns)
        self._used |= taken
        return found

    def _coding(self, columns: Sequence[str], instrument: Instrument) -> dict[str, Any] | None:
        """How the cells are coded, if most of them are answers to the instrument."""
        cells = pl.concat([self._rows[name].rename("cell") for name in columns]).drop_nulls()
        if cells.is_empty():
            return None
        ways: list[dict[str, Any]] = [{"coding": "numeric"}, {"coding": "labels"}]
        highest, lowest = instrument.maximum, instrument.minimum
        codes = {f"A{place}": answer for place, answer in enumerate(_span(instrument), start=1)}
        ways.append({"coding": "labels", "labels": codes})
        read = {}
        for place, way in enumerate(ways):
            parsed = answers(
                cells.to_frame(), Answers(columns="{item}", **way), instrument
            ).to_series()
            read[place] = parsed.filter(parsed != UNRECOGNISED)
        best = max(read, key=lambda place: len(read[place]))
        if len(read[best]) < _MOST * len(cells):
            return None
        chosen = ways[best]
        if chosen["coding"] == "numeric":
            low, high = _usual_range(read[best])
            offset = lowest - low if high - low == highest - lowest else 0
            if not lowest <= low + offset <= high + offset <= highest:
                return None
            return {"offset": offset} if offset else {}
        return chosen

    def questionnaire(
        self, items: Sequence[Items], words: str, wave: str | None, mapping: dict[str, Any]
    ) -> str:
        instruments: dict[str, dict[str, Any]]
        suffixes: dict[str, str] = {}
        wide = self._wide(items)
        if wide is not None:
            instruments, suffixes = wide
            mapping["wave"] = {"suffixes": suffixes}
            said = f"side by side: {', '.join(suffixes.values())}"
        else:
            instruments = {}
            for each in items:
                if each.instrument in instruments:
                    self.open.append(
                        f"which columns have {each.instrument}, since several seem to "
                        "(instruments in the mapping)"
                    )
                instruments.setdefault(each.instrument, {"columns": each.pattern} | each.coding)
            mapping["wave"], said = self._wave(words, wave)
        mapping["instruments"] = instruments
        columns: dict[str, str] = {}
        completed = self._completed(suffixes)
        if completed:
            columns["completed_on"] = completed
        if "Duration (in seconds)" in self._table.columns:
            columns["duration_seconds"] = "Duration (in seconds)"
        arms = {arm.lower() for arm in self._programme.arm_names}
        arm = self._first(arms.__contains__)
        if arm:
            columns["arm"] = arm
        mapping["columns"] = columns
        days = [completed.replace("{wave}", s) for s in suffixes or [""]] if completed else []
        mapping["date_format"] = self._date_format(days)
        self._used |= {*columns.values(), *days}
        return said

    def _wide(
        self, items: Sequence[Items]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, str]] | None:
        """Instruments with `{wave}` in their patterns, and what it stands for."""
        by_instrument: dict[str, list[Items]] = defaultdict(list)
        for each in items:
            by_instrument[each.instrument].append(each)
        if not by_instrument or any(len(found) < 2 for found in by_instrument.values()):
            return None
        instruments: dict[str, dict[str, Any]] = {}
        suffixes: dict[str, str] = {}
        for name, found in by_instrument.items():
            before, middles, after = differing_parts([each.pattern for each in found])
            waves = {middle: self._meant(middle) for middle in middles}
            if None in waves.values() or len({*waves.values()}) != len(waves):
                return None
            instruments[name] = {"columns": f"{before}{{wave}}{after}"} | found[0].coding
            suffixes |= {middle: wave for middle, wave in waves.items() if wave}
        return instruments, suffixes

    def _wave(self, words: str, wave: str | None) -> tuple[dict[str, Any] | None, str]:
        if wave is not None:
            return {"constant": wave}, f"{wave}, as you say"
        column = self._first(lambda text: self._meant(text) is not None)
        if column is not None:
            self._used.add(column)
            texts = sorted(self._rows[column].drop_nulls().unique().to_list())
            values = {text: meant for text in texts if (meant := self._meant(text))}
            plain = {text: m for text, m in values.items() if tidy(text) != m.lower()}
            distinct = {tidy(text): (text, meant) for text, meant in plain.items()}
            values = dict(distinct.values())
            return {"column": column} | ({"values": values} if values else {}), f"column `{column}`"
        meant = self._meant(words)
        if meant is not None:
            return {"constant": meant}, f"{meant}, as the file's name says"
        self.open.append("which wave it is (--wave NAME)")
        return None, ""

    def _meant(self, text: str) -> str | None:
        return wave_meant(text, self._programme.wave_names)

    def _completed(self, suffixes: Dictionary[str, str]) -> str | None:
        names = self._table.columns
        if suffixes:
            for name in names:
                for suffix in suffixes:
                    pattern = name.replace(suffix, "{wave}")
                    spelled = [pattern.replace("{wave}", each) for each in suffixes]
                    if pattern != name and {*spelled} <= {*names} and self._is_day(name):
                        return pattern
        for name in _COMPLETED:
            if name in names:
                return name
        return next(
            (n for n in names if _COMPLETED_WORDS.search(n.lower()) and self._is_day(n)), None
        )

    def _is_day(self, name: str) -> bool:
        return self._date_format([name]) is not None

    def _date_format(self, names: Sequence[str]) -> str | None:
        """The format in which most cells are days; `auto` where day and month may be either."""
        if not names:
            return None
        cells = pl.concat([self._rows[name].rename("cell") for name in names]).drop_nulls()
        if cells.is_empty():
            return None
        frame = cells.unique().to_frame()
        fitting = []
        for pattern in _DATE_FORMATS:
            days = frame.select(as_day("cell", pattern))["cell"]
            if len(days) - days.null_count() >= _MOST * len(days):
                fitting.append((days.null_count(), pattern))
        if not fitting:
            return None
        # Days with the year first are understood under every format.
        for _, pattern in fitting:
            if pattern.startswith("%Y"):
                return pattern
        fewest = min(nulls for nulls, _ in fitting)
        best = [pattern for nulls, pattern in fitting if nulls == fewest]
        twisted = {_TWISTED.sub("", pattern) for pattern in best if _TWISTED.search(pattern)}
        both = any(
            sum(_TWISTED.sub("", pattern) == rest for pattern in best) > 1 for rest in twisted
        )
        return AUTO if both else best[0]

    # Cells.

    def _filled(self, name: str) -> int:
        return self._rows.height - self._rows[name].null_count()

    def _share(self, name: str, pattern: str) -> float:
        cells = self._rows[name].drop_nulls()
        return float(cells.str.contains(pattern).sum()) / len(cells) if len(cells) else 0.0

    def _first(self, meant: Callable[[str], bool], *, whole: bool = False) -> str | None:
        """The first column most of whose cells mean something, by their spellings."""
        for name in self._table.columns:
            if name in self._used:
                continue
            counted = self._rows[name].drop_nulls().str.to_lowercase().value_counts()
            if counted.is_empty() or counted.height > _MOST_SPELLINGS:
                continue
            told = sum(n for text, n in counted.iter_rows() if meant(tidy(text)))
            if told >= (0.5 if whole else _MOST) * sum(counted["count"]):
                return name
        return None


_FEWEST_OFFICERS: Final = 4
"""By whom a column of numbers is told from one of codes, where its heading does not say it."""

_MOST_SPELLINGS: Final = 200
"""Of a column that names waves, forces or arms; one with more holds something else."""


def _span(instrument: Instrument) -> range:
    return range(instrument.minimum, instrument.maximum + 1)


def _usual_range(numbers: pl.Series) -> tuple[int, int]:
    """Lowest and highest of the numbers that are more than slips."""
    counted = numbers.value_counts()
    column = numbers.name
    common = counted.filter(pl.col("count") * 500 >= len(numbers))[column]
    return int(common.min()), int(common.max())  # type: ignore[arg-type]


def _escaped(name: str) -> str:
    """A heading as a pattern that fits nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", name)

"""The tables that stages hand to each other, and whether a stage has anything to do.

What belongs here: one Parquet file a table, named by its content, and one catalogue that says which
files are in force and what they were made from. What stays out: what a stage does, and the folders
of submissions (`lake.py`).

A stage is a pure function of the tables it reads, its settings and the code. It is passed over
where none of these changed; and since tables are known by their content, a stage that was carried
out and made the same table as before leaves everything behind it alone. The catalogue is replaced
in one step when a stage ends, so a killed run leaves the state before that stage or after it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.side_by_side import side_by_side
from pipeline.storage import atomic
from pipeline.storage.objects import is_whole_parquet

_CATALOGUE = "catalogue.json"
_PROVISIONAL = ""
_TEXT = (pl.String, pl.Categorical, pl.Enum)
_ROWS_OF_A_GROUP = 122_880
"""As many as DuckDB keeps together: it then takes groups over as they come. With others it writes
twice what it needs, and takes twice the time."""

_RECENT_BYTES = 1 << 30

Summary = dict[str, Any]
"""Counts and ids for people to look at: no value of a row."""

_Catalogue = dict[str, dict[str, Any]]
"""By stage: its key, the files it read and made, and what is said of it."""

Made = tuple[Mapping[str, pl.DataFrame], Summary]
"""The tables that a stage made, and what to say of them."""


class NotDeclared(Exception):
    """A stage asked for a table that it does not say it reads: a defect."""


class Stray(Exception):
    """A table depends on something that its stage does not declare; names tables, no values."""


@dataclass(frozen=True, slots=True)
class _Table:
    file: str
    size: int

    def is_whole(self, folder: Path) -> bool:
        return is_whole_parquet(folder / self.file, self.size)


class Recent:
    """Tables that this run has just made, for its later stages: reading them takes longer.

    What is on the disk decides; here lies the same under the same name, the newest up to `limit`
    bytes. Empty in another process.
    """

    def __init__(self, limit: int = _RECENT_BYTES) -> None:
        self._limit = limit
        self._kept: dict[str, pl.DataFrame] = {}

    def __reduce__(self) -> tuple[type["Recent"], tuple[int]]:
        return Recent, (self._limit,)

    def keep(self, file: str, frame: pl.DataFrame) -> None:
        self._kept.pop(file, None)
        self._kept[file] = frame
        while sum(kept.estimated_size() for kept in self._kept.values()) > self._limit:
            del self._kept[next(iter(self._kept))]

    def get(self, file: str) -> pl.DataFrame | None:
        return self._kept.get(file)

    def keep_only(self, files: Collection[str]) -> None:
        self._kept = {name: kept for name, kept in self._kept.items() if name in files}


class Stages:
    """The stages folder of one home; one run at a time writes here (`locks.py`)."""

    def __init__(self, folder: Path, code: str, recent: Recent | None = None) -> None:
        self._folder = folder
        self._code = code
        self._recent = recent or Recent(limit=0)

    def begin(self, name: str, *, reads: Collection[str], settings: object = ()) -> "Stage":
        """A stage that is about to be carried out, or passed over if it `is_current`.

        `settings` is everything beside tables and code that decides the outcome, as JSON can
        hold it.
        """
        tables = _tables(self._catalogue())
        digests = {table: tables[table].file for table in reads if table in tables}
        parts = json.dumps([self._code, name, digests, settings], sort_keys=True, default=str)
        key = hashlib.sha256(parts.encode("utf-8")).hexdigest()
        return Stage(self, name, frozenset(reads), key)

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        chosen = None if columns is None else list(columns)
        path = self.path(table)
        recent = self._recent.get(path.name)
        if recent is not None:
            return recent if chosen is None else recent.select(chosen)
        return pl.read_parquet(path, columns=chosen, glob=False)

    def path(self, table: str) -> Path:
        """The file that holds a table. Raises LookupError if no stage has made it."""
        tables = _tables(self._catalogue())
        if table not in tables:
            raise LookupError(f"no stage has made the table {table} yet")
        return self._folder / tables[table].file

    def entry(self, stage: str) -> dict[str, Any] | None:
        """What the catalogue says of a stage; None unless every table of it is whole."""
        return self._whole_entry(self._catalogue(), stage)

    def _whole_entry(self, catalogue: _Catalogue, stage: str) -> dict[str, Any] | None:
        entry = catalogue.get(stage)
        if entry is None:
            return None
        whole = all(_Table(**table).is_whole(self._folder) for table in entry["tables"].values())
        return entry if whole else None

    def up_to_date(self, stage: str) -> bool:
        """Whether every table that a stage read when it was carried out is still the same."""
        return self._is_up_to_date(self._catalogue(), stage)

    def _is_up_to_date(self, catalogue: _Catalogue, stage: str) -> bool:
        entry, tables = self._whole_entry(catalogue, stage), _tables(catalogue)
        return entry is not None and all(
            table in tables and tables[table].file == file for table, file in entry["reads"].items()
        )

    def all_final(self) -> bool:
        """Whether no stage has to be carried out again whatever happens."""
        return all(entry["key"] != _PROVISIONAL for entry in self._catalogue().values())

    def behind(self, tables: Collection[str]) -> set[str]:
        """The stages that these tables come from, by whatever way."""
        return _behind(self._catalogue(), tables)

    def is_settled(self, stage: str) -> bool:
        """Whether a stage, and all it comes from, was made of the tables that are in force now.

        Not so after a run that ended between two stages. True of a stage that was never carried
        out: nothing was made of anything else.
        """
        catalogue = self._catalogue()
        entry = catalogue.get(stage)
        return entry is None or all(
            self._is_up_to_date(catalogue, each)
            for each in {stage, *_behind(catalogue, entry["reads"])}
        )

    def put(
        self,
        stage: str,
        key: str,
        reads: Collection[str],
        made: Made,
    ) -> dict[str, Any]:
        """Put a stage's tables and its entry in the catalogue; returns the entry."""
        tables, summary = made
        written = side_by_side(
            {name: partial(self._written, name, frame) for name, frame in tables.items()}
        )
        for name, table in written.items():
            self._recent.keep(table.file, tables[name])
        catalogue = self._catalogue()
        there = _tables(catalogue)
        entry = {
            "key": key,
            "reads": {name: there[name].file for name in sorted(reads) if name in there},
            "tables": {name: asdict(table) for name, table in written.items()},
            "summary": summary,
        }
        catalogue[stage] = entry
        text = json.dumps(catalogue, indent=1)
        atomic.write_bytes(self._folder / _CATALOGUE, text.encode("utf-8"))
        self._remove_all_but(catalogue)
        return entry

    def forget_holding(self, texts: Collection[str]) -> list[str]:
        """Take stages out of the catalogue of which any table holds any of these texts in a cell.

        Their tables are removed at once. Returns the names of the stages; the next run carries
        them out, since what is not there is not current.
        """
        catalogue = self._catalogue()
        holding = [
            stage
            for stage, entry in catalogue.items()
            if any(
                _holds(self._folder / table["file"], texts) for table in entry["tables"].values()
            )
        ]
        if holding:
            kept = {stage: entry for stage, entry in catalogue.items() if stage not in holding}
            text = json.dumps(kept, indent=1)
            atomic.write_bytes(self._folder / _CATALOGUE, text.encode("utf-8"))
            catalogue = kept
        self._remove_all_but(catalogue)
        return holding

    def _written(self, name: str, frame: pl.DataFrame) -> _Table:
        """Put a table under a name that its content decides; the same content is not put twice."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with atomic.temporary(self._folder, ".parquet") as written:
            frame.write_parquet(
                written,
                # Larger than zstd by two thirds, and written and read in two.
                compression="lz4",
                # Whoever reads a table reads all of its rows; working them out takes a quarter of
                # the time.
                statistics=False,
                row_group_size=_ROWS_OF_A_GROUP,
            )
            with written.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:24]
            table = _Table(f"{name}-{digest}.parquet", written.stat().st_size)
            if not table.is_whole(self._folder):
                atomic.put(written, self._folder / table.file)
        return table

    def _remove_all_but(self, catalogue: _Catalogue) -> None:
        kept = {table.file for table in _tables(catalogue).values()}
        self._recent.keep_only(kept)
        for path in self._folder.glob("[!.]*.parquet"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _catalogue(self) -> _Catalogue:
        """Everything is worked out again where the catalogue is lost or damaged."""
        try:
            found = dict(json.loads((self._folder / _CATALOGUE).read_bytes()))
            for entry in found.values():
                _ = entry["key"], entry["reads"], entry["summary"]
            _ = _tables(found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return found


def _tables(catalogue: _Catalogue) -> dict[str, _Table]:
    """The tables in force, by name."""
    return {
        name: _Table(**table)
        for entry in catalogue.values()
        for name, table in entry["tables"].items()
    }


def _behind(catalogue: _Catalogue, tables: Iterable[str]) -> set[str]:
    made_by = {table: stage for stage, entry in catalogue.items() for table in entry["tables"]}
    found: set[str] = set()
    left = [made_by[table] for table in tables if table in made_by]
    while left:
        stage = left.pop()
        if stage not in found:
            found.add(stage)
            left += [made_by[table] for table in catalogue[stage]["reads"] if table in made_by]
    return found


class Stage:
    """One stage of one run: what it may read, and whether it has to be carried out."""

    def __init__(self, stages: Stages, name: str, reads: frozenset[str], key: str) -> None:
        self.name = name
        self._stages = stages
        self._reads = reads
        self._key = key
        self._before = stages.entry(name)

    def is_provisional(self) -> None:
        """Say that what is made now has to be made again next time: a tool broke, for example."""
        self._key = _PROVISIONAL

    @property
    def is_current(self) -> bool:
        """Whether tables, settings and code are those of the last time, and the result is whole."""
        return self._before is not None and self._before["key"] == self._key != _PROVISIONAL

    @property
    def summary(self) -> Summary:
        """What was said of the stage when it was last carried out."""
        return dict(self._before["summary"]) if self._before else {}

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One of the tables that the stage reads, or some of its columns."""
        if table not in self._reads:
            raise NotDeclared(f"stage {self.name} does not say that it reads {table}")
        return self._stages.read(table, columns)

    def finish(self, made: Made) -> None:
        """Put what the stage made in the place of what it made before, all of it in one step.

        Raises Stray if a table came out otherwise though nothing it is made from had changed; it
        is put in place all the same.
        """
        before, was_current = self._before, self.is_current
        entry = self._stages.put(self.name, self._key, self._reads, made)
        self._before = entry
        if before and was_current:
            strays = [n for n, table in entry["tables"].items() if table != before["tables"].get(n)]
            if strays:
                raise Stray(
                    f"{', '.join(sorted(strays))} came out otherwise than before though nothing it "
                    "is made from changed; earlier figures may be wrong, a defect of Muster"
                )


def _holds(path: Path, texts: Collection[str]) -> bool:
    """Whether a cell of a table is one of the texts; of a file that is not whole, too."""
    try:
        scan = pl.scan_parquet(path, glob=False)
        columns = [name for name, dtype in scan.collect_schema().items() if dtype in _TEXT]
        if not columns:
            return False
        asked = pl.col(columns).cast(pl.String).is_in(sorted(texts)).any()
        return any(scan.select(asked).collect().row(0))
    except (OSError, pl.exceptions.PolarsError):
        return True

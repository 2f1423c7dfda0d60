"""The home folder: where everything of one evaluation lies.

What belongs here: paths, and loading configuration from them. What stays out: Parquet and SQL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath

from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme, UnusableConfiguration, load_programme
from pipeline.programme_schema import PROGRAMME_SCHEMA_FILE, programme_schema
from pipeline.quality.decisions import ever_waived
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.reading.mapping_schema import SCHEMA_FILE, mapping_schema
from pipeline.storage import atomic
from pipeline.storage.code import EVERYTHING, INTAKE, code_hash
from pipeline.storage.keys import create_first_key, load_keys, newest_version
from pipeline.storage.lake import Lake
from pipeline.storage.landing import KnownHashes, landing_files
from pipeline.storage.releases import Releases
from pipeline.storage.stages import Stages
from pipeline.storage.stewardship import Receipt, Stewardship
from pipeline.submissions import (
    CANNOT_BE_OPENED,
    UNMAPPED,
    Arrival,
    Record,
    arrivals,
    outlived,
)

_STILL_WRITING = timedelta(hours=1)
_BACKUPS_KEPT = 30


@dataclass(frozen=True, slots=True)
class UnusableMapping:
    """A mapping file that does not work, with the sentence that says why."""

    organisation: str
    problem: str


@dataclass(frozen=True)
class Home:
    root: Path

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def stages(self) -> Stages:
        return Stages(self.root / "lake" / "stages", code_hash(*EVERYTHING))

    @property
    def lock(self) -> Path:
        """Held by the one run that may write to lake and warehouse."""
        return self.root / ".lock"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def stewardship(self) -> Stewardship:
        return Stewardship(self.root / "stewardship.sqlite")

    @property
    def releases(self) -> Releases:
        return Releases(self.root / "releases", self.root / "memberships")

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @cached_property
    def programme(self) -> Programme:
        if not self.root.is_dir():
            raise UnusableConfiguration(
                "the home folder does not exist; `muster init` makes one, and MUSTER_HOME or "
                "--home says where it is."
            )
        return load_programme(self.root / "programme.yaml")

    @cached_property
    def sources(self) -> frozenset[tuple[str, str]]:
        """Organisation and source of every mapping file, whether it works or not."""
        return frozenset((path.parent.name, path.stem) for path in self._mapping_files())

    def _mapping_files(self) -> list[Path]:
        # Editors and file shares put hidden files beside the one that is meant.
        return sorted((self.root / "sources").glob("*/[!.]*.y*ml"))

    @cached_property
    def mappings(self) -> tuple[Mapping | UnusableMapping, ...]:
        """Every mapping file; one that does not work is a value, so that it stops no other."""
        found: list[Mapping | UnusableMapping] = []
        for path in self._mapping_files():
            name = path.relative_to(self.root).as_posix()
            organisation = path.parent.name
            try:
                mapping = parse_mapping(path.read_text("utf-8"), name, self.programme)
                if (mapping.organisation, mapping.source) != (organisation, path.stem):
                    raise UnusableConfiguration(
                        f"{name}: organisation and source must be called as folder and file are, "
                        f"{organisation} and {path.stem}."
                    )
                found.append(mapping)
            except UnusableConfiguration as refusal:
                found.append(UnusableMapping(organisation, str(refusal)))
            except UnicodeDecodeError:
                found.append(UnusableMapping(organisation, f"{name}: save it as UTF-8 text."))
            except OSError:
                problem = f"{name}: it cannot be read; give Muster the permission, or remove it."
                found.append(UnusableMapping(organisation, problem))
        return tuple(found)

    def pseudonymiser(self) -> Pseudonymiser:
        return Pseudonymiser(
            load_keys(self.secrets), self.programme.programme, self.programme.identifiers
        )

    def arrivals(self) -> list[Arrival]:
        """What lies in landing, matched to sources, oldest first.

        Raises UnusableConfiguration where landing itself is gone: a share that is not mounted
        is not the same as an empty one.
        """
        if not self.landing.is_dir():
            raise UnusableConfiguration(
                "landing/ is missing from the home folder; mount it or make it again, since "
                "exports arrive there."
            )
        problems: dict[str, str] = {}
        usable = []
        for mapping in self.mappings:
            if isinstance(mapping, UnusableMapping):
                problems.setdefault(mapping.organisation, mapping.problem.rstrip("."))
            else:
                usable.append(mapping)
        files = landing_files(self.landing, KnownHashes(self.root / "lake" / "landing.json"))
        return arrivals(
            files,
            usable,
            problems,
            self.programme,
            key_version=newest_version(self.secrets),
            code=code_hash(*INTAKE),
            waived=ever_waived(self.stewardship.decisions()),
        )

    def holds_simulation(self) -> bool:
        """Whether all that lies here was simulated: the truth is beside its own programme."""
        return (self.root / "truth" / "README.md").exists() and (
            self.root / "programme.yaml"
        ).exists()

    def create(self, programme: str) -> list[str]:
        """Make what is missing of a home folder; returns what was made."""
        made = []
        if self.root.exists() and not self.root.is_dir():
            raise UnusableConfiguration(
                "the home folder cannot be made: a file has its name; choose another with --home."
            )
        for folder in ("landing", "sources", "secrets", "lake", "releases", "dagster"):
            path = self.root / folder
            if not path.exists():
                path.mkdir(parents=True, mode=0o700 if folder == "secrets" else 0o777)
                made.append(f"{folder}/")
        if not (self.root / "programme.yaml").exists():
            atomic.write_bytes(self.root / "programme.yaml", programme.encode("utf-8"))
            made.append("programme.yaml")
        for name, schema in (
            (PROGRAMME_SCHEMA_FILE, programme_schema()),
            (f"sources/{SCHEMA_FILE}", mapping_schema()),
        ):
            path, newest = self.root / name, schema.encode("utf-8")
            if not path.exists() or path.read_bytes() != newest:
                # Editors complete files by it; that of an older Muster is replaced.
                atomic.write_bytes(path, newest)
                made.append(name)
        if create_first_key(self.secrets, in_use=self.lake.holds_anything()):
            made.append("secrets/key-1")
        if self.lake.holds_anything() and not self.stewardship.is_there():
            self.stewardship.adopt({})
            made.append("stewardship.sqlite")
        return made

    def recover(self) -> int:
        """Undo what killed runs left half done; only for the one who holds the lock.

        Beside the lake others write too, so leftovers there are those of writers that do not run
        any more; those of the warehouse are nobody's but the holder's.
        """
        return (
            atomic.recover(self.root / "lake" / "submissions")
            + atomic.recover(self.root / "lake" / "stages")
            + atomic.recover(self.root / "releases")
            + atomic.recover(self.root / "memberships")
            + atomic.sweep(self.root, atomic.AT_ANY_TIME, below=False, suffix=self.warehouse.suffix)
            + atomic.sweep_of_the_dead(self.root)
            + atomic.sweep_of_the_dead(self.root / "lake")
        )

    def must_have_its_store(self, records: Iterable[Record]) -> None:
        """Refuse to go on as if no steward had ever decided anything; UnusableConfiguration."""
        if any(record.place for record in records) and not self.stewardship.is_there():
            raise UnusableConfiguration(
                "stewardship.sqlite is missing or empty, though runs have used it; put the newest "
                "copy from backups/ in its place, or run `muster init` to go on without earlier "
                "decisions."
            )

    def adopt(self, records: Sequence[Record]) -> None:
        """Put receipts on record that the lake knows and the stewardship store does not.

        It does not where it was put back from a copy or begun anew, and in a home from before
        there was one. What arrives next must come after them, and a file that is read again must
        keep its day of receipt. Only for the one who holds the lock.
        """
        self.must_have_its_store(records)
        known = self.stewardship.receipts()
        unknown = {
            r.submission_id: Receipt(r.place, r.received_at, r.modified_at)
            for r in records
            if r.submission_id not in known
        }
        if unknown:
            self.stewardship.adopt(unknown)
            known = self.stewardship.receipts()
        for record in records:
            if not record.place:
                self.lake.place(record.submission_id, known[record.submission_id].place)

    def forget_outlived(self, records: Sequence[Record]) -> None:
        """Remove from the lake what is another submission by now (`submissions.outlived`).

        Only for the one who holds the lock. A landing that is not there says nothing.
        """
        suspect = any(
            r.problem == CANNOT_BE_OPENED
            or (r.source != UNMAPPED and (r.organisation, r.source) not in self.sources)
            for r in records
        )
        if suspect and self.landing.is_dir():
            for submission_id in outlived(records, self.arrivals(), self.sources):
                self.lake.forget(submission_id)

    def sweep(self, now: datetime) -> int:
        """Remove what other writers that were killed an hour ago or more left; returns how many."""
        before = (now - _STILL_WRITING).timestamp()
        return sum(
            atomic.sweep(folder, before, below=False)
            for folder in (self.root, self.root / "lake", self.secrets)
        )

    def back_up(self, day: date) -> None:
        """Copy the stewardship store aside, one copy a day, and remove the oldest copies."""
        folder = self.root / "backups"
        if self.stewardship.backup(folder / f"stewardship-{day.isoformat()}.sqlite"):
            copies = sorted(folder.glob("stewardship-*.sqlite"))
            for old in copies[:-_BACKUPS_KEPT]:
                old.unlink(missing_ok=True)

    def put(self, path: PurePosixPath, content: bytes) -> None:
        """Write one file of the home folder, named relative to it."""
        atomic.write_bytes(self.root / path, content)

"""The home folder: where everything of one evaluation lies.

What belongs here: paths, and loading configuration from them. What stays out: Parquet and SQL.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath

from pipeline.entries import Act
from pipeline.privacy.key_checks import (
    ON_RECORD,
    Key,
    MadeWith,
    known,
    made_with,
    must_be_right,
    on_record,
)
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.withdrawals import KINDS, NOBODY, Withdrawals, withdrawals_of
from pipeline.programme import Programme, UnusableConfiguration, load_programme
from pipeline.programme_schema import PROGRAMME_SCHEMA_FILE, programme_schema
from pipeline.quality.decisions import ever_waived
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.reading.mapping_schema import SCHEMA_FILE, mapping_schema
from pipeline.storage import atomic
from pipeline.storage.code import EVERYTHING, INTAKE, code_hash
from pipeline.storage.keys import create_first_key, load_keys, settle_awaited
from pipeline.storage.lake import Lake
from pipeline.storage.landing import KnownHashes, landing_files
from pipeline.storage.objects import LocalObjects, Objects
from pipeline.storage.reading_ahead import ReadAhead
from pipeline.storage.releases import Releases
from pipeline.storage.remote import (
    LAKE_FILE,
    LakeSettings,
    parse_lake_settings,
    remote_objects,
)
from pipeline.storage.stages import Recent, Stages
from pipeline.storage.stewardship import Receipt, Stewardship
from pipeline.submissions import (
    CANNOT_BE_OPENED,
    UNMAPPED,
    Arrival,
    Record,
    arrivals,
    outlived,
)
from pipeline.vocabulary import EntryKind

_PLACE_FILE = ".lake-place"
_STILL_WRITING = timedelta(hours=1)
_BACKUPS_KEPT = 30
_PRIVATE = 0o700
_PRIVATE_FOLDERS = ("secrets", "lake", "memberships", "backups", "dagster")
"""What nobody but Muster has to read, whoever is let into the home folder."""


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
        return Lake(
            self._objects(), erased=lambda: self.withdrawals().erased, ahead=self._read_ahead
        )

    @cached_property
    def _read_ahead(self) -> ReadAhead:
        return ReadAhead()

    def _objects(self) -> Objects:
        """Where the lake lies.

        Raises UnusableConfiguration where it lies in two places, and where nothing lies though it
        has lain elsewhere: a run would begin another lake, and publish what is in that.
        """
        here, settings = LocalObjects(self._lake_folder), self.lake_settings
        if settings is not None and Lake(here).holds_anything():
            raise UnusableConfiguration(
                f"{LAKE_FILE} says that the lake lies at {settings.place}, and lake/ in the home "
                "folder has submissions too; `muster lake move` brings all of it to one place."
            )
        found = remote_objects(settings) if settings else here
        lay = self._place_before()
        if lay and lay != (settings and settings.place) and not Lake(found).holds_anything():
            says = f"says {settings.place}, where nothing lies" if settings else "is missing"
            raise UnusableConfiguration(
                f"{LAKE_FILE} {says}, and the lake lay at {lay}; put {LAKE_FILE} right, or remove "
                f"{_PLACE_FILE} from the home folder to begin another lake."
            )
        return found

    def _place_before(self) -> str | None:
        """Where on object storage the lake lay when a run last wrote to it, if it did."""
        try:
            return (self.root / _PLACE_FILE).read_text("utf-8") or None
        except (OSError, UnicodeDecodeError):
            return None

    def remember_place(self, settings: LakeSettings | None) -> None:
        """Keep where the lake lies, so that lost settings are noticed; for who holds the lock."""
        if settings is None:
            (self.root / _PLACE_FILE).unlink(missing_ok=True)
        elif self._place_before() != settings.place:
            atomic.write_bytes(self.root / _PLACE_FILE, settings.place.encode("utf-8"))

    @cached_property
    def lake_settings(self) -> LakeSettings | None:
        """Where the lake lies on object storage; None where it lies in the home folder."""
        try:
            text = (self.root / LAKE_FILE).read_text("utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise UnusableConfiguration(f"{LAKE_FILE}: save it as UTF-8 text.") from None
        except OSError:
            raise UnusableConfiguration(
                f"{LAKE_FILE}: it cannot be read; give Muster the permission, or remove it."
            ) from None
        return parse_lake_settings(text)

    @property
    def _lake_folder(self) -> Path:
        """Where the lake lies, and what goes with it that is only ever of this machine."""
        return self.root / "lake"

    @property
    def known_hashes(self) -> KnownHashes:
        return KnownHashes(self._lake_folder / "landing.json")

    @property
    def stages(self) -> Stages:
        folder = self._stages_folder(self.lake.version)
        return Stages(folder, code_hash(*EVERYTHING), self._recent)

    @cached_property
    def _recent(self) -> Recent:
        return Recent()

    def _stages_folder(self, version: int) -> Path:
        """Of the tables that hold pseudonyms of one key."""
        of_the_key = self._lake_folder if version == 1 else self._lake_folder / f"v{version}"
        return of_the_key / "stages"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write to lake and warehouse."""
        return self.root / ".lock"

    @property
    def last_run(self) -> Path:
        """When the last run began and how the last one ended, for monitors."""
        return self.dagster / "last-run.json"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def research(self) -> Path:
        """Rows for researchers, apart from the warehouse: who may read one may not read both.

        Called otherwise than its schema, `research`: DuckDB names a database after its file, and
        then could not tell the two apart.
        """
        return self.root / "research_view.duckdb"

    @property
    def contract_pages(self) -> Path:
        """What contracts say and found, as pages to read; made on demand, and anew each time."""
        return self.root / "contracts"

    @property
    def notices(self) -> Path:
        """Where notices are sent to, if anywhere; no figure depends on it."""
        return self.root / "notices.yaml"

    @property
    def stewardship(self) -> Stewardship:
        return Stewardship(self.root / "stewardship.sqlite")

    @property
    def releases(self) -> Releases:
        return Releases(self.root / "releases", self.root / "memberships", self._membership_copies)

    @property
    def _backups(self) -> Path:
        """Daily copies of what cannot be made again."""
        return self.root / "backups"

    @property
    def _membership_copies(self) -> Path:
        return self._backups / "memberships"

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

    def mapping_hashes(self) -> dict[tuple[str, str], str]:
        """SHA-256 of every mapping file, by organisation and source."""
        return {
            (path.parent.name, path.stem): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self._mapping_files()
        }

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

    def proven_keys(self) -> tuple[Key, ...]:
        """Every key, oldest first, each of them the one that the pseudonyms here were made with.

        Raises UnusableConfiguration where one is missing, open to others, damaged or another, or
        the programme has another name than it had then. A home from before check values were kept
        is taken at its word once.
        """
        while True:
            version = self.lake.version
            try:
                return self._right_keys(version)
            except UnusableConfiguration:
                # A rotation may have taken effect between two looks.
                if self.lake.version == version:
                    raise

    def _right_keys(self, version: int) -> tuple[Key, ...]:
        keys = load_keys(self.secrets, os.environ, in_force=version)
        made = self.taken_up(keys)
        must_be_right(keys, self.programme.programme, made)
        if made is not None and version < made.version and self.lake.holds_anything():
            raise UnusableConfiguration(
                f"the pseudonyms in lake/ are of key {version}, but key {made.version} is on "
                "record; run `muster key rotate`, which carries them on."
            )
        return keys

    def keys_known(self) -> MadeWith | None:
        """What lake and stewardship store say of the keys that pseudonyms were made with."""
        return known(self.lake.made_with(), on_record(self.stewardship.entries(*ON_RECORD)))

    def taken_up(self, keys: Sequence[Key]) -> MadeWith | None:
        """What is known; a lake that is of more keys than that is taken at the word of `keys`."""
        made, version = self.keys_known(), self.lake.version
        if self.lake.holds_anything() and (made is None or made.version < version):
            said = made_with(keys[:version], self.programme.programme)
            return said if made is None or made.begins(said) else made
        return made

    def settle_keys(self, now: datetime) -> None:
        """Let lake and stewardship store both say with which keys pseudonyms are made.

        Either may have been lost or put back from a copy since. Done before the first pseudonym is
        written. Only for the one who holds the lock. Raises what `proven_keys` raises.
        """
        made, lake = made_with(self.proven_keys(), self.programme.programme), self.lake
        self.remember_place(self.lake_settings)
        if lake.made_with() != made:
            lake.put_down(made, lake.how_rotated())
        recorded = on_record(self.stewardship.entries(*ON_RECORD))
        missing = range((recorded.version if recorded else 0) + 1, made.version + 1)
        if missing:
            self.stewardship.enter([self._key_act(made, version) for version in missing], now)

    def _key_act(self, made: MadeWith, version: int) -> Act:
        rotation = self.lake.how_rotated() if version == made.version else {}
        return Act(
            kind=EntryKind.KEY_ROTATED if rotation else EntryKind.KEY_RECORDED,
            steward=rotation.get("steward", "muster"),
            reason=rotation.get("reason", "pseudonyms are made with it"),
            body={
                "programme": made.programme,
                "version": version,
                "check_value": made.check_values[version - 1],
                **rotation.get("counts", {}),
            },
        )

    def pseudonymiser(self) -> Pseudonymiser:
        secrets = tuple(key.secret for key in self.proven_keys())
        return Pseudonymiser(secrets, self.programme.programme, self.programme.identifiers)

    def withdrawals(self) -> Withdrawals:
        """Acts on officers as they are on record at this moment, under the newest key."""
        entries = self.stewardship.entries(*KINDS)
        if not entries:
            return NOBODY
        carried_on = self.pseudonymiser().carried_on
        try:
            return withdrawals_of(entries, carried_on)
        except ValueError:
            raise UnusableConfiguration(
                "stewardship.sqlite has officers who withdrew under keys that are not in secrets/; "
                "restore the keys from their backup, since nobody could be kept out without them."
            ) from None

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
        files = landing_files(self.landing, self.known_hashes)
        return arrivals(
            files,
            usable,
            problems,
            self.programme,
            code=code_hash(*INTAKE),
            waived=ever_waived(self.stewardship.decisions()),
        )

    def holds_simulation(self) -> bool:
        """Whether all that lies here was simulated: the truth is beside its own programme."""
        return (self.root / "truth" / "README.md").exists() and (
            self.root / "programme.yaml"
        ).exists()

    def has_released(self) -> bool:
        """Whether any release was made, whole or not."""
        return any((self.root / "releases").glob("[!.]*"))

    def create(self, programme: str) -> list[str]:
        """Make what is missing of a home folder; returns what was made."""
        made = []
        if self.root.exists() and not self.root.is_dir():
            raise UnusableConfiguration(
                "the home folder cannot be made: a file has its name; choose another with --home."
            )
        if not self.root.exists():
            self.root.mkdir(parents=True, mode=_PRIVATE)
        for folder in ("landing", "sources", "secrets", "lake", "releases", "dagster"):
            path = self.root / folder
            if not path.exists():
                path.mkdir(mode=_PRIVATE if folder in _PRIVATE_FOLDERS else 0o777)
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
        if self.create_first_key():
            made.append("secrets/key-1")
        if self.lake.holds_anything() and not self.stewardship.is_there():
            self.stewardship.adopt({})
            made.append("stewardship.sqlite")
        return made

    def create_first_key(self) -> bool:
        """Make key 1 unless there is one; returns whether it was made.

        Raises UnusableConfiguration where there are pseudonyms, which need theirs.
        """
        in_use = self.lake.holds_anything() or self.keys_known() is not None
        return create_first_key(self.secrets, os.environ, in_use=in_use)

    def recover(self) -> int:
        """Undo what killed runs left half done; only for the one who holds the lock.

        A rotation of the key that took effect is brought to its end instead. Beside the lake others
        write too, so leftovers there are those of writers that do not run any more; those of the
        warehouse are nobody's but the holder's.
        """
        # It may have been moved while the lock was waited for.
        self.__dict__.pop("lake_settings", None)
        if self.lake.holds_anything():
            self.remember_place(self.lake_settings)
        for folder in _PRIVATE_FOLDERS:
            # Those of a home from before they were made so.
            with suppress(OSError):
                (self.root / folder).chmod(_PRIVATE)
        made = self.keys_known()
        settle_awaited(self.secrets, max(self.lake.version, made.version if made else 0))
        version = self.lake.version
        for stages in (self._stages_folder(1), *self._lake_folder.glob("v*/stages")):
            if stages != self._stages_folder(version):
                shutil.rmtree(stages, ignore_errors=True)
        return (
            self.lake.recover()
            + atomic.recover(self._stages_folder(version))
            + atomic.recover(self.root / "releases")
            + atomic.recover(self.root / "memberships")
            + atomic.sweep(self.root, atomic.AT_ANY_TIME, below=False, suffix=self.warehouse.suffix)
            + sum(map(atomic.sweep_of_the_dead, self._written_by_others))
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
        return sum(atomic.sweep(folder, before, below=False) for folder in self._written_by_others)

    @property
    def _written_by_others(self) -> tuple[Path, ...]:
        """Folders in which files are put while somebody else holds the lock."""
        copies = self._backups, self._membership_copies
        return self.root, self._lake_folder, self.secrets, *copies

    def back_up(self, day: date) -> None:
        """Copy aside what cannot be made again, the keys excepted.

        Of the stewardship store one copy a day, without the oldest; of the memberships of releases
        one, since they are written once.
        """
        self.releases.back_up()
        folder = self._backups
        if self.stewardship.backup(folder / f"stewardship-{day.isoformat()}.sqlite"):
            copies = sorted(folder.glob("stewardship-*.sqlite"))
            for old in copies[:-_BACKUPS_KEPT]:
                old.unlink(missing_ok=True)

    def put(self, path: PurePosixPath, content: bytes) -> None:
        """Write one file of the home folder, named relative to it."""
        atomic.write_bytes(self.root / path, content)

"""The lake: Parquet, one folder a submission.

What belongs here: writing whole folders, and finding what is complete. What stays out: what the
frames mean, and the tables of stages (`stages.py`). No frame that comes here holds an identifier
(`pipeline/intake.py`).

Everything with pseudonyms under key 1 lies in `lake/` itself, what was carried on to key 2 in
`lake/v2/`, and so on; the newest such folder is in force. So a rotation takes effect by one rename,
and what says with which keys a folder was made (`key-checks.json`) goes where the folder goes.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from pipeline.intake import TakenIn
from pipeline.privacy.key_checks import MadeWith
from pipeline.privacy.withdrawals import is_one_of, without
from pipeline.quality.judgement import ROW
from pipeline.storage import atomic
from pipeline.storage.stages import is_whole_parquet
from pipeline.submissions import Record
from pipeline.vocabulary import Severity

_RECORD = "submission.json"
_FRAMES = ("accepted", "findings", "profile", "waived", "codes", "texts")
_OF_ROWS = ("accepted", "findings", "waived")
"""Those that say which rows of a file are of whom."""
_KEY_CHECKS = "key-checks.json"
_CARRIED_ON = re.compile(r"v([2-9]|[1-9]\d+)")
_WHOSE = ("participant_id", "new_participant_id")
_ROW: dict[str, pl.DataType] = {
    "row_number": pl.Int32(),
    "wave": pl.String(),
    "instrument": pl.String(),
    "session_number": pl.Int32(),
    "completed_on": pl.Date(),
}


class Lake:
    """The lake folder of one home, or the copy of it that is being carried on to a newer key.

    `erased` is asked for the pseudonyms of erased officers whenever rows are read, so that nobody
    sees one whose rows could not be removed yet.
    """

    def __init__(
        self,
        folder: Path,
        erased: Callable[[], Collection[str]] = frozenset,
        *,
        copy: Path | None = None,
    ) -> None:
        self._folder = folder
        self._erased = erased
        self._copy = copy

    @property
    def version(self) -> int:
        """Of the newest key that the pseudonyms here went through."""
        return max(_versions(self._folder), default=1)

    @property
    def in_force(self) -> Path:
        """The folder of submissions and stages that counts; another one once a key is rotated."""
        return self._copy or self._of_version(self.version)

    @property
    def _submissions(self) -> Path:
        return self.in_force / "submissions"

    def _of_version(self, version: int) -> Path:
        return self._folder if version == 1 else self._folder / f"v{version}"

    def made_with(self) -> MadeWith | None:
        """The keys that the pseudonyms here were made with; None where it was never put down."""
        document = self._key_checks()
        made = document.get("made_with")
        return MadeWith(made["programme"], tuple(made["check_values"])) if made else None

    def how_rotated(self) -> dict[str, Any]:
        """What was put down about the rotation that made this folder; empty if none did."""
        return dict(self._key_checks().get("rotation", {}))

    def put_down(self, made: MadeWith, rotation: dict[str, Any] | None = None) -> None:
        """Keep with which keys pseudonyms are made, and how it came to the newest of them.

        Of a new lake the folder is made that belongs to the newest key.
        """
        text = json.dumps({"made_with": asdict(made), "rotation": rotation or {}}, indent=2)
        if self._copy or self.holds_anything() or made.version == self.version:
            atomic.write_bytes(self.in_force / _KEY_CHECKS, text.encode("utf-8"))
            return
        with atomic.new_folder(self._of_version(made.version)) as new:
            (new / _KEY_CHECKS).write_text(text, "utf-8")

    def _key_checks(self) -> dict[str, Any]:
        """A lost or damaged file says nothing; the stewardship store says the same."""
        try:
            document = json.loads((self.in_force / _KEY_CHECKS).read_bytes())
            made = document["made_with"]
            _ = made["programme"], made["check_values"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return dict(document)

    @contextmanager
    def carried_on_to(self, version: int) -> Iterator["Lake"]:
        """An empty lake beside this one; it takes its place when the block ends well.

        Only for the one who holds the home's lock. The older one stays until `forget_older`.
        """
        with atomic.new_folder(self._of_version(version)) as copy:
            (copy / "submissions").mkdir()
            yield Lake(self._folder, self._erased, copy=copy)

    def take_over(
        self, other: "Lake", submission_id: str, change: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> None:
        """Put a changed copy of a submission of another lake into this one."""
        source, target = (lake._submissions / submission_id for lake in (other, self))
        document = json.loads((source / _RECORD).read_text("utf-8"))
        target.mkdir()
        for name in document["files"]:
            _write(change(pl.read_parquet(source / name, glob=False)), target / name)
            document["files"][name] = (target / name).stat().st_size
        (target / _RECORD).write_text(json.dumps(document, indent=2), "utf-8")
        self.in_force.touch()

    def frames(self, submission_id: str) -> Iterator[tuple[str, pl.DataFrame]]:
        """Everything that is kept of a complete submission, by name."""
        folder = self._submissions / submission_id
        for name in json.loads((folder / _RECORD).read_text("utf-8"))["files"]:
            yield name.removesuffix(".parquet"), pl.read_parquet(folder / name, glob=False)

    def forget_older(self) -> None:
        """Remove what was carried on to a newer key since; only for the one who holds the lock."""
        newest = self.version
        for version in _versions(self._folder):
            if version < newest:
                shutil.rmtree(self._of_version(version), ignore_errors=True)
        if newest > 1:
            (self._folder / _KEY_CHECKS).unlink(missing_ok=True)
            for name in ("submissions", "stages"):
                shutil.rmtree(self._folder / name, ignore_errors=True)

    def write_submission(self, record: Record, taken_in: TakenIn | None) -> None:
        """Put a submission's folder in place, all of it or nothing."""

        def fill(folder: Path) -> None:
            sizes = {}
            for name in _FRAMES if taken_in else ():
                frame: pl.DataFrame | None = getattr(taken_in, name)
                if frame is not None:
                    path = folder / f"{name}.parquet"
                    _write(frame, path)
                    sizes[path.name] = path.stat().st_size
            document = {"record": record.model_dump(mode="json"), "files": sizes}
            (folder / _RECORD).write_text(json.dumps(document, indent=2), "utf-8")

        atomic.replace_folder(self._submissions / record.submission_id, fill)

    def place(self, submission_id: str, place: int) -> None:
        """Give a submission that was taken in without one its place in the order of arrival."""
        path = self._submissions / submission_id / _RECORD
        document = json.loads(path.read_text("utf-8"))
        document["record"]["place"] = place
        atomic.write_bytes(path, json.dumps(document, indent=2).encode("utf-8"))

    def forget(self, submission_id: str) -> None:
        """Remove the folder of what was never read and is no submission any more."""
        shutil.rmtree(self._submissions / submission_id, ignore_errors=True)

    def forget_incomplete(self, names: Collection[str]) -> None:
        """Remove folders that a power cut left short, if a frame of theirs holds a pseudonym.

        No reader counts them. Others stay: what cannot be read now may only be away for a moment.
        """
        complete = {record.submission_id for record in self.records()}
        for path in self._submissions.glob("[!.]*"):
            if path.name not in complete:
                with contextlib.suppress(OSError, pl.exceptions.PolarsError):
                    if self.holding([path.name], names):
                        self.forget(path.name)

    def holds_anything(self) -> bool:
        """Whether any submission was ever put here, complete or not."""
        return any(self._submissions.glob("[!.]*"))

    def count_folders(self) -> int:
        """How many submissions were ever put here, complete or not."""
        return sum(1 for _ in self._submissions.glob("[!.]*"))

    def records(self) -> list[Record]:
        """Records of every submission whose folder is complete, oldest first."""
        folder = self._submissions
        found = [
            record
            for path in folder.glob(f"[!.]*/{_RECORD}")
            if (record := _complete_record(path)) is not None
        ]
        if folder != self._submissions:
            # A rotation took effect meanwhile, and what was looked at may have been removed.
            return self.records()
        return sorted(
            found,
            key=lambda r: (r.place, r.received_at, r.modified_at, r.organisation, r.submission_id),
        )

    def with_waived_rows(self, submission_ids: Iterable[str]) -> list[str]:
        """Those of the submissions that have rows which count while waivers hold."""
        return self._having("waived", submission_ids)

    def with_texts(self, submission_ids: Iterable[str]) -> list[str]:
        """Those of the submissions whose mapping names free text."""
        return self._having("texts", submission_ids)

    def with_codes(self, submission_ids: Iterable[str]) -> list[str]:
        """Those of the submissions in which officers are known by codes."""
        return self._having("codes", submission_ids)

    def _having(self, name: str, submission_ids: Iterable[str]) -> list[str]:
        folder = self._submissions
        return [i for i in submission_ids if (folder / i / f"{name}.parquet").exists()]

    def taken_in(self, record: Record) -> TakenIn:
        """What a submission that could be read became, erased officers included."""
        frames = {
            name: pl.read_parquet(path, glob=False)
            for name in _FRAMES
            if (path := self._submissions / record.submission_id / f"{name}.parquet").exists()
        }
        return TakenIn(
            rows_in_file=record.rows_in_file or 0,
            rows_blank=record.rows_blank or 0,
            rows_read=record.rows_read or 0,
            rows_withdrawn=record.rows_withdrawn or 0,
            columns_left_out=record.columns_left_out,
            columns_unknown=record.columns_unknown,
            columns_beside=record.columns_beside,
            **frames,
        )

    def holding(self, submission_ids: Iterable[str], names: Collection[str]) -> list[str]:
        """Those of the submissions that any frame of holds any of the pseudonyms, in order."""
        listed = list(submission_ids)
        scans = [
            (submission_id, scan)
            for submission_id in listed
            for scan in self._scans_of(submission_id, _FRAMES)
        ]
        found = pl.collect_all(
            scan.select(pl.any_horizontal(is_one_of(names, c).any() for c in columns))
            for _, (scan, columns) in scans
        )
        held = {i for (i, _), answer in zip(scans, found, strict=True) if answer.item()}
        return [submission_id for submission_id in listed if submission_id in held]

    def rows_of(self, submission_ids: Iterable[str], names: Collection[str]) -> pl.DataFrame:
        """What is kept of these pseudonyms: a row for each row of a file, accepted or quarantined.

        Columns submission_id, row_number, wave, instrument, session_number and completed_on, the
        last four null where a row has none; completed_on is of accepted rows. Rows that only
        mention one of the pseudonyms are among them. `links` is true of a row that says that one of
        them and another one are the same officer.
        """
        scans = []
        for submission_id in submission_ids:
            for scan, columns in self._scans_of(submission_id, _OF_ROWS):
                there = scan.collect_schema()
                rows = scan.filter(pl.any_horizontal(is_one_of(names, c) for c in columns))
                if "severity" in there:
                    rows = rows.filter(pl.col("severity") == Severity.REJECT.value)
                scans.append(
                    rows.select(
                        pl.lit(submission_id).alias("submission_id"),
                        *(
                            (pl.col(n) if n in there else pl.lit(None)).cast(dtype).alias(n)
                            for n, dtype in _ROW.items()
                        ),
                        _links(columns, names).alias("links"),
                    )
                )
        nothing = pl.DataFrame(schema={"submission_id": pl.String(), **_ROW, "links": pl.Boolean()})
        found = pl.concat([nothing, *pl.collect_all(scans)])
        return found.sort("completed_on", nulls_last=True).unique(
            ["submission_id", *ROW], keep="first", maintain_order=True
        )

    def _scans_of(
        self, submission_id: str, names: Iterable[str]
    ) -> list[tuple[pl.LazyFrame, list[str]]]:
        """The frames of a submission that say whose their rows are, and in which columns."""
        found = []
        for name in names:
            path = self._submissions / submission_id / f"{name}.parquet"
            if path.exists():
                scan = pl.scan_parquet(path, hive_partitioning=False, glob=False)
                there = scan.collect_schema()
                present = [column for column in _WHOSE if column in there]
                if present:
                    found.append((scan, present))
        return found

    def rows(
        self,
        name: str,
        submission_ids: list[str],
        schema: pl.Schema,
        *,
        only: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """The columns of `schema` of one frame of several submissions, one below the other.

        `name` is `accepted`, `findings`, `profile`, `waived`, `codes` or `texts`. Adds
        `submission_id`, and `arrived`, the place of the submission in the list. Of a submission
        that `only` (submission_id, participant_id) names, no other officers' rows. Rows of erased
        officers are left out.
        """
        folder = self._submissions
        erased = self._erased()
        restricted = {} if only is None else _by_submission(only)
        scans = [
            pl.scan_parquet(
                folder / submission_id / f"{name}.parquet",
                hive_partitioning=False,
                glob=False,
            ).select(schema.names())
            for submission_id in submission_ids
        ]
        # All at once: read one by one they take twice as long.
        frames = [
            _seen(frame, erased, restricted.get(submission_id)).with_columns(
                pl.lit(submission_id).alias("submission_id"),
                pl.lit(place, pl.Int32).alias("arrived"),
            )
            for place, (submission_id, frame) in enumerate(
                zip(submission_ids, pl.collect_all(scans), strict=True)
            )
        ]
        nothing = pl.DataFrame(
            schema={**schema, "submission_id": pl.String(), "arrived": pl.Int32()}
        )
        return pl.concat([nothing, *frames])


def _versions(folder: Path) -> list[int]:
    """Of the keys beyond the first that the lake was carried on to."""
    named = [(_CARRIED_ON.fullmatch(path.name), path) for path in folder.glob("v*")]
    return [int(name[1]) for name, path in named if name and path.is_dir()]


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=1)


def _links(columns: Collection[str], names: Collection[str]) -> pl.Expr:
    if set(columns) != set(_WHOSE):
        return pl.lit(False)
    both = pl.all_horizontal(pl.col(name).is_not_null() for name in _WHOSE)
    return both & ~pl.all_horizontal(is_one_of(names, name) for name in _WHOSE)


def _by_submission(only: pl.DataFrame) -> dict[str, list[str]]:
    return dict(only.group_by("submission_id").agg("participant_id").iter_rows())


def _seen(
    frame: pl.DataFrame, erased: Collection[str], only: Collection[str] | None
) -> pl.DataFrame:
    seen = without(frame, erased)
    return seen if only is None else seen.filter(is_one_of(only))


def _complete_record(path: Path) -> Record | None:
    """The record of a folder, or None if a power cut left it or one of its files short."""
    try:
        document = json.loads(path.read_text("utf-8"))
        record = Record.model_validate(document["record"])
        complete = all(
            is_whole_parquet(path.parent / name, size) for name, size in document["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    return record if complete else None

"""The lake: Parquet, one folder a submission.

What belongs here: what is put in which order, so that readers find a submission whole or as it was
before, and finding what is complete. What stays out: what the frames mean, where the lake lies
(`objects.py`), and the tables of stages (`stages.py`). No frame that comes here holds an identifier
(`pipeline/intake.py`).

A frame's name has a hash of its content, and `submission.json` says which frames a submission has.
So new frames lie beside those they replace, one put of the record lets them count, and what no
record names is removed.

Everything with pseudonyms under key 1 lies in the lake itself, what was carried on to key 2 in
`v2/`, and so on. What says with which keys a folder was made (`key-checks.json`) is put there last:
the newest folder that has it is in force, so a rotation takes effect by one put.
"""

import contextlib
import errno
import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import polars as pl
from pydantic import ValidationError

from pipeline.intake import TakenIn
from pipeline.privacy.key_checks import MadeWith
from pipeline.privacy.withdrawals import is_one_of, without
from pipeline.quality.judgement import ROW
from pipeline.storage.objects import Objects, in_parts, parquet_below
from pipeline.storage.reading_ahead import ReadAhead
from pipeline.submissions import Record
from pipeline.vocabulary import Severity

P = ParamSpec("P")
R = TypeVar("R")

_SUBMISSIONS = "submissions"
_RECORD = "submission.json"
_FRAMES = ("accepted", "findings", "profile", "waived", "codes", "texts")
_OF_ROWS = ("accepted", "findings", "waived")
"""Those that say which rows of a file are of whom."""
_KEY_CHECKS = "key-checks.json"
_ERASED = "erased.json"
_CARRIED_ON = re.compile(r"v([2-9]|[1-9]\d+)")
_WHOSE = ("participant_id", "new_participant_id")
_ROW: dict[str, pl.DataType] = {
    "row_number": pl.Int32(),
    "wave": pl.String(),
    "instrument": pl.String(),
    "session_number": pl.Int32(),
    "completed_on": pl.Date(),
}
_AT_A_TIME = 200
"""Files that are held in memory together, at most, where all are asked for; and scans that are
collected together, since Polars keeps a thread for each file that it waits for, 512 at most."""
_LOOKS = 5
"""A submission is not replaced as often as that while one reader looks."""


def _as_it_stands(
    read: Callable[Concatenate["Lake", P], R],
) -> Callable[Concatenate["Lake", P], R]:
    """Look again where a submission was replaced meanwhile: its older frames are gone then."""

    @functools.wraps(read)
    def reading(lake: "Lake", /, *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_LOOKS - 1):
            with contextlib.suppress(FileNotFoundError):
                return read(lake, *args, **kwargs)
        return read(lake, *args, **kwargs)

    return reading


class Lake:
    """The lake of one home, or the copy of it that is being carried on to a newer key.

    `erased` is asked for the pseudonyms of erased officers whenever rows are read, so that nobody
    sees one whose rows could not be removed yet. What is begun to be read ahead is kept in `ahead`,
    which several of the same lake may share.
    """

    def __init__(
        self,
        files: Objects,
        erased: Callable[[], Collection[str]] = frozenset,
        *,
        copy: int | None = None,
        ahead: ReadAhead | None = None,
    ) -> None:
        self._files = files
        self._erased = erased
        self._copy = copy
        self._ahead = ahead or ReadAhead()

    @property
    def version(self) -> int:
        """Of the newest key that the pseudonyms here went through."""
        begun = self._begun()
        for version in begun:
            if self._files.contents([_named(version, _KEY_CHECKS)])[0] is not None:
                return version
        # A lost file must not let what there is go for what a killed rotation left.
        holding = (v for v in (1, *reversed(begun)) if self._files.folders(_named(v, _SUBMISSIONS)))
        return next(holding, 1) if begun else 1

    def _begun(self) -> list[int]:
        """The keys beyond the first that the lake is or was being carried on to, newest first."""
        named = map(_CARRIED_ON.fullmatch, self._files.folders(""))
        return sorted((int(name[1]) for name in named if name), reverse=True)

    def _place(self, name: str) -> str:
        """The whole name of what counts."""
        return _named(self._copy or self.version, name)

    def made_with(self) -> MadeWith | None:
        """The keys that the pseudonyms here were made with; None where it was never put down."""
        document = self._key_checks()
        made = document.get("made_with")
        return MadeWith(made["programme"], tuple(made["check_values"])) if made else None

    def how_rotated(self) -> dict[str, Any]:
        """What was put down about the rotation that made this lake; empty if none did."""
        return dict(self._key_checks().get("rotation", {}))

    def put_down(self, made: MadeWith, rotation: dict[str, Any] | None = None) -> None:
        """Keep with which keys pseudonyms are made, and how it came to the newest of them.

        A new lake then belongs to the newest key, and a copy takes the place of what it is of.
        """
        text = json.dumps({"made_with": asdict(made), "rotation": rotation or {}}, indent=2)
        version = self._copy or self.version
        if self._copy:
            self._files.settle(_named(version, _SUBMISSIONS))
        elif made.version != version and not self.holds_anything():
            version = made.version
        self._files.commit(_named(version, _KEY_CHECKS), text.encode("utf-8"))

    def _key_checks(self) -> dict[str, Any]:
        """A lost or damaged file says nothing; the stewardship store says the same."""
        (content,) = self._files.contents([self._place(_KEY_CHECKS)])
        try:
            document = json.loads(content or b"")
            made = document["made_with"]
            _ = made["programme"], made["check_values"]
        except (ValueError, KeyError, TypeError):
            return {}
        return dict(document)

    def is_rid_of(self, mark: bytes) -> bool:
        """Whether what `mark` stands for was removed (`got_rid_of`)."""
        return self._files.contents([self._place(_ERASED)]) == [mark]

    def got_rid_of(self, mark: bytes) -> None:
        """Keep that all whom `mark` stands for were removed from here."""
        self._files.commit(self._place(_ERASED), mark)

    @contextmanager
    def carried_on_to(self, version: int) -> Iterator["Lake"]:
        """An empty lake beside this one, which takes its place with `put_down`.

        Only for the one who holds the home's lock. The older one stays until `forget_older`, and so
        does what was begun and not put down.
        """
        self._files.remove_below(f"v{version}")
        yield Lake(self._files, self._erased, copy=version)

    def take_over(
        self, other: "Lake", submission_id: str, change: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> None:
        """Put a changed copy of a submission of another lake into this one."""
        document = other._document(submission_id)
        frames = {name: change(frame) for name, frame in other.frames(submission_id)}
        self._put(submission_id, document["record"], frames)

    @_as_it_stands
    def frames(self, submission_id: str) -> list[tuple[str, pl.DataFrame]]:
        """Everything that is kept of a complete submission, by name."""
        (named,) = self._named_by([submission_id])
        sources = self._files.sources(list(named.values()))
        return [
            (name, pl.read_parquet(source, glob=False))
            for name, source in zip(named, sources, strict=True)
        ]

    def everything(self) -> Iterator[tuple[str, Path | bytes]]:
        """Every file that counts, by its name in a lake: where it lies, or what it holds.

        Only for the one who holds the home's lock.
        """
        version = self.version
        names = [
            *(_named(version, name) for name in (_KEY_CHECKS, _ERASED)),
            *self._files.listed(_named(version, _SUBMISSIONS)),
        ]
        for name, content in zip(names[:2], self._files.contents(names[:2]), strict=True):
            if content is not None:
                yield name, content
        for some in in_parts(names[2:], _AT_A_TIME):
            yield from zip(some, self._files.sources(some), strict=True)

    def recover(self) -> int:
        """Remove what killed writers left; only for the one who holds the lock.

        What is older than the key in force goes too, and what a rotation began and did not end.
        Returns how many leftovers there were. Frames beside a record that cannot be read stay: what
        cannot be read now may only be away for a moment.
        """
        version = self.version
        for other in {1, *self._begun()} - {version}:
            self._forget_version(other)
        folder = _named(version, _SUBMISSIONS)
        left = self._files.recover(folder)
        there = self._files.listed(folder)
        records = {name.rpartition("/")[0]: name for name in there if name.endswith(f"/{_RECORD}")}
        contents = dict(zip(records, self._files.contents(list(records.values())), strict=True))
        strays = []
        for name in parquet_below(there):
            folder = name.rpartition("/")[0]
            named = _files_named_by(contents[folder]) if folder in records else {}
            if named is not None and name.rpartition("/")[2] not in named:
                strays.append(name)
        self._files.remove(strays)
        return left + len(strays)

    def _forget_version(self, version: int) -> None:
        if version > 1:
            self._files.remove_below(f"v{version}")
            return
        # Beside it lies what is no version's.
        self._files.remove([_KEY_CHECKS, _ERASED])
        self._files.remove_below(_SUBMISSIONS)

    def write_submission(self, record: Record, taken_in: TakenIn | None) -> None:
        """Put a submission in place, all of it or nothing."""
        frames = {name: getattr(taken_in, name) for name in _FRAMES if taken_in}
        there = {name: frame for name, frame in frames.items() if frame is not None}
        self._put(record.submission_id, record.model_dump(mode="json"), there)

    def _put(
        self, submission_id: str, record: dict[str, Any], frames: Mapping[str, pl.DataFrame]
    ) -> None:
        folder = self._place(f"{_SUBMISSIONS}/{submission_id}")
        before = parquet_below(self._files.listed(folder))
        files = {}
        for name, frame in frames.items():
            content = _written(frame)
            digest = hashlib.sha256(content).hexdigest()[:24]
            files[f"{folder}/{name}-{digest}.parquet"] = content
        sizes = {name.rpartition("/")[2]: len(content) for name, content in files.items()}
        document = json.dumps({"record": record, "files": sizes}, indent=2)
        self._files.put(files)
        self._files.put({f"{folder}/{_RECORD}": document.encode("utf-8")})
        self._files.remove([name for name in before if name not in files])

    def place(self, submission_id: str, place: int) -> None:
        """Give a submission that was taken in without one its place in the order of arrival."""
        document = self._document(submission_id)
        document["record"]["place"] = place
        name = self._place(f"{_SUBMISSIONS}/{submission_id}/{_RECORD}")
        self._files.commit(name, json.dumps(document, indent=2).encode("utf-8"))

    def forget(self, submission_id: str) -> None:
        """Remove the folder of what was never read and is no submission any more."""
        folder = self._place(f"{_SUBMISSIONS}/{submission_id}")
        self._files.remove([f"{folder}/{_RECORD}"])
        self._files.remove_below(folder)

    def forget_incomplete(self, names: Collection[str]) -> None:
        """Remove folders that a power cut left short, if a frame of theirs holds a pseudonym.

        No reader counts them. Others stay: what cannot be read now may only be away for a moment.
        """
        complete = {record.submission_id for record in self.records()}
        folder = self._place(_SUBMISSIONS)
        for submission_id in self._files.folders(folder):
            if submission_id not in complete:
                with contextlib.suppress(OSError, pl.exceptions.PolarsError):
                    inside = parquet_below(self._files.listed(f"{folder}/{submission_id}"))
                    if any(_hold(self._whose(inside), names)):
                        self.forget(submission_id)

    def holds_anything(self) -> bool:
        """Whether any submission was ever put here, complete or not."""
        return self.count_folders() > 0

    def count_folders(self) -> int:
        """How many submissions were ever put here, complete or not."""
        return len(self._files.folders(self._place(_SUBMISSIONS)))

    def records(self) -> list[Record]:
        """Records of every submission that is complete, oldest first."""
        folder = self._place(_SUBMISSIONS)
        there = self._files.listed(folder)
        names = [n for n in there if n.endswith(f"/{_RECORD}") and n.count("/", len(folder)) == 2]
        contents = self._files.contents(names)
        looked = [
            self._complete(name, content, there) or self._complete_at_another_look(name)
            for name, content in zip(names, contents, strict=True)
        ]
        if folder != self._place(_SUBMISSIONS):
            # A rotation took effect meanwhile, and what was looked at may have been removed.
            return self.records()
        return sorted(
            (record for record in looked if record is not None),
            key=lambda r: (r.place, r.received_at, r.modified_at, r.organisation, r.submission_id),
        )

    def _complete_at_another_look(self, name: str) -> Record | None:
        """The same for a submission that may have been replaced between two looks."""
        (content,) = self._files.contents([name])
        return self._complete(name, content, self._files.listed(name.rpartition("/")[0]))

    def _complete(
        self, name: str, content: bytes | None, there: Mapping[str, int]
    ) -> Record | None:
        """A record, or None if it or one of its frames was left short or is not there."""
        folder = name.rpartition("/")[0]
        try:
            document = json.loads(content or b"")
            record = Record.model_validate(document["record"])
            complete = all(
                self._files.is_whole(f"{folder}/{frame}", size, there)
                for frame, size in document["files"].items()
            )
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
            return None
        return record if complete else None

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
        listed = list(submission_ids)
        return [i for i, named in zip(listed, self._named_by(listed), strict=True) if name in named]

    def _named_by(self, submission_ids: Sequence[str]) -> list[dict[str, str]]:
        """Of each submission the frames that its record names: name to whole name.

        None of a submission that is not there.
        """
        folder = self._place(_SUBMISSIONS)
        contents = self._files.contents([f"{folder}/{i}/{_RECORD}" for i in submission_ids])
        return [
            {_frame_of(file): f"{folder}/{i}/{file}" for file in _files_named_by(content) or ()}
            for i, content in zip(submission_ids, contents, strict=True)
        ]

    def _document(self, submission_id: str) -> dict[str, Any]:
        """What `submission.json` of a complete submission says."""
        name = self._place(f"{_SUBMISSIONS}/{submission_id}/{_RECORD}")
        (content,) = self._files.contents([name])
        return dict(json.loads(content or b"{}"))

    def taken_in(self, record: Record) -> TakenIn:
        """What a submission that could be read became, erased officers included."""
        frames = dict(self.frames(record.submission_id))
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

    @_as_it_stands
    def holding(self, submission_ids: Collection[str], names: Collection[str]) -> list[str]:
        """Those of the submissions that any frame of holds any of the pseudonyms, in order."""
        listed = list(submission_ids)
        of = [
            (submission_id, name)
            for submission_id, named in zip(listed, self._named_by(listed), strict=True)
            for name in named.values()
        ]
        found = _hold(self._whose([name for _, name in of]), names)
        held = {i for (i, _), holds in zip(of, found, strict=True) if holds}
        return [submission_id for submission_id in listed if submission_id in held]

    @_as_it_stands
    def rows_of(self, submission_ids: Collection[str], names: Collection[str]) -> pl.DataFrame:
        """What is kept of these pseudonyms: a row for each row of a file, accepted or quarantined.

        Columns submission_id, row_number, wave, instrument, session_number and completed_on, the
        last four null where a row has none; completed_on is of accepted rows. Rows that only
        mention one of the pseudonyms are among them. `links` is true of a row that says that one of
        them and another one are the same officer.
        """
        scans = []
        listed = list(submission_ids)
        for submission_id, named in zip(listed, self._named_by(listed), strict=True):
            of_rows = [named[name] for name in _OF_ROWS if name in named]
            for scan, columns in self._whose(of_rows):
                if not columns:
                    continue
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
        found = pl.concat([nothing, *_collected(scans)])
        return found.sort("completed_on", nulls_last=True).unique(
            ["submission_id", *ROW], keep="first", maintain_order=True
        )

    def _whose(self, names: Sequence[str]) -> list[tuple[pl.LazyFrame, list[str]]]:
        """The frames, each with the columns that say whose its rows are, if any does."""
        found = []
        for source in self._files.sources(names):
            scan = pl.scan_parquet(source, hive_partitioning=False, glob=False)
            there = scan.collect_schema()
            found.append((scan, [column for column in _WHOSE if column in there]))
        return found

    @_as_it_stands
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
        erased = self._erased()
        restricted = {} if only is None else _by_submission(only)
        names, columns = self._of_each(name, submission_ids), schema.names()
        found = self._ahead.taken(columns)
        found = {**found, **self._read([n for n in names if n not in found], columns)}
        frames = [
            _seen(found[whole], erased, restricted.get(submission_id)).with_columns(
                pl.lit(submission_id).alias("submission_id"),
                pl.lit(place, pl.Int32).alias("arrived"),
            )
            for place, (submission_id, whole) in enumerate(zip(submission_ids, names, strict=True))
        ]
        nothing = pl.DataFrame(
            schema={**schema, "submission_id": pl.String(), "arrived": pl.Int32()}
        )
        return pl.concat([nothing, *frames])

    def read_ahead(
        self, name: str, chosen: Callable[[list[Record]], list[str]], schema: pl.Schema
    ) -> None:
        """Begin to read in a thread what `rows` will be asked for, of `chosen` among all records.

        Nobody hears of what goes wrong there; `rows` reads for itself then, and says it.
        """
        columns = schema.names()

        def read() -> dict[str, pl.DataFrame]:
            named = self._named_by(chosen(self.records()))
            return self._read([each[name] for each in named if name in each], columns)

        self._ahead.begin(columns, read)

    def forget_what_was_read_ahead(self) -> None:
        """Let go of what was read ahead and not asked for."""
        self._ahead.forget()

    def _read(self, names: Sequence[str], columns: Sequence[str]) -> dict[str, pl.DataFrame]:
        scans = [
            pl.scan_parquet(source, hive_partitioning=False, glob=False).select(columns)
            for source in self._files.sources(names)
        ]
        return dict(zip(names, _collected(scans), strict=True))

    def _of_each(self, name: str, submission_ids: Sequence[str]) -> list[str]:
        """The whole names of one frame of each; FileNotFoundError where one has none."""
        found = [named.get(name) for named in self._named_by(submission_ids)]
        if None in found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return [whole for whole in found if whole is not None]


def _named(version: int, name: str) -> str:
    return name if version == 1 else f"v{version}/{name}"


def _frame_of(file: str) -> str:
    """Of `accepted-<hash>.parquet`, and of `accepted.parquet` as it was called before."""
    return file.removesuffix(".parquet").partition("-")[0]


def _files_named_by(record: bytes | None) -> Mapping[str, int] | None:
    """Files and sizes that the content of `submission.json` names; None if it is no record."""
    try:
        files = json.loads(record or b"")["files"]
    except (ValueError, KeyError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _written(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=1)
    return content.getvalue()


def _collected(scans: Sequence[pl.LazyFrame]) -> list[pl.DataFrame]:
    """What the scans give: many at once, which takes half as long as one by one, and not all."""
    return [frame for some in in_parts(scans, _AT_A_TIME) for frame in pl.collect_all(some)]


def _hold(scans: Sequence[tuple[pl.LazyFrame, list[str]]], names: Collection[str]) -> list[bool]:
    """Whether each frame has any of the pseudonyms in any of its columns."""
    asked = [(i, scan, columns) for i, (scan, columns) in enumerate(scans) if columns]
    found = _collected(
        [
            scan.select(pl.any_horizontal(is_one_of(names, c).any() for c in columns))
            for _, scan, columns in asked
        ]
    )
    holding = {i for (i, _, _), answer in zip(asked, found, strict=True) if answer.item()}
    return [i in holding for i in range(len(scans))]


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

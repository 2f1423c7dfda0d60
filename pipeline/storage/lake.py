"""The lake: Parquet, one folder a submission.

What belongs here: writing whole folders, and finding what is complete. What stays out: what the
frames mean, and the tables of stages (`stages.py`). No frame that comes here holds an identifier
(`pipeline/intake.py`).
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from pipeline.intake import TakenIn
from pipeline.storage import atomic
from pipeline.storage.stages import is_whole_parquet
from pipeline.submissions import Record

_RECORD = "submission.json"
_FRAMES = ("accepted", "findings", "profile", "waived", "texts")


class Lake:
    """The lake folder of one home."""

    def __init__(self, folder: Path) -> None:
        self._submissions = folder / "submissions"

    def write_submission(self, record: Record, taken_in: TakenIn | None) -> None:
        """Put a submission's folder in place, all of it or nothing."""

        def fill(folder: Path) -> None:
            sizes = {}
            for name in _FRAMES if taken_in else ():
                frame: pl.DataFrame | None = getattr(taken_in, name)
                if frame is not None:
                    path = folder / f"{name}.parquet"
                    frame.write_parquet(path, compression="zstd", compression_level=1)
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

    def holds_anything(self) -> bool:
        """Whether any submission was ever put here, complete or not."""
        return any(self._submissions.glob("[!.]*"))

    def records(self) -> list[Record]:
        """Records of every submission whose folder is complete, oldest first."""
        found = [
            record
            for path in self._submissions.glob(f"[!.]*/{_RECORD}")
            if (record := _complete_record(path)) is not None
        ]
        return sorted(
            found,
            key=lambda r: (r.place, r.received_at, r.modified_at, r.organisation, r.submission_id),
        )

    def with_waived_rows(self, submission_ids: Iterable[str]) -> list[str]:
        """Those of the submissions that have rows which count while waivers hold."""
        return self._with("waived", submission_ids)

    def with_texts(self, submission_ids: Iterable[str]) -> list[str]:
        """Those of the submissions whose mapping names free text."""
        return self._with("texts", submission_ids)

    def _with(self, name: str, submission_ids: Iterable[str]) -> list[str]:
        return [i for i in submission_ids if (self._submissions / i / f"{name}.parquet").exists()]

    def rows(self, name: str, submission_ids: list[str], schema: pl.Schema) -> pl.DataFrame:
        """The columns of `schema` of one frame of several submissions, one below the other.

        `name` is `accepted`, `findings`, `profile`, `waived` or `texts`. Adds `submission_id`, and
        `arrived`, the place of the submission in the list.
        """
        scans = [
            pl.scan_parquet(
                self._submissions / submission_id / f"{name}.parquet",
                hive_partitioning=False,
                glob=False,
            ).select(schema.names())
            for submission_id in submission_ids
        ]
        # All at once: read one by one they take twice as long.
        frames = [
            frame.with_columns(
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

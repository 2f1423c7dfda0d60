"""Submissions: which source a landing file belongs to, and what is kept about each.

What belongs here: names, hashes and matching, as values. What stays out: reading files or folders
(`pipeline/storage/landing.py`, `pipeline/storage/lake.py`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipeline.programme import Programme
from pipeline.reading.mapping import Mapping
from pipeline.vocabulary import Delivery, Kind

UNKNOWN = "unknown"
UNMAPPED = "unmapped"
_HASH_CHARACTERS = 12


_TOO_LARGE = (
    "the file is larger than {} MB; send it in parts, or raise limits.file_megabytes in "
    "programme.yaml"
)
CANNOT_BE_OPENED = "the file cannot be opened; give Muster the permission to read it"


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A file as it lies in landing. Its path may name people and is never written anywhere."""

    folder: str | None
    path: Path
    sha256: str
    modified_at: datetime
    changed_at: datetime
    """When its bytes, name or permissions last changed, by the clock of the file system: unlike
    `modified_at`, which a copy may bring along."""
    problem: str | None = None
    """Why it cannot be opened, in one sentence; its hash is then not of its bytes."""
    size: int = 0
    """In bytes, as it was hashed."""

    def is_still(self, now: datetime, for_seconds: float) -> bool:
        """Whether nobody has written to it for a while; a change that lies ahead is none."""
        return not 0 <= (now - self.changed_at).total_seconds() < for_seconds

    def __repr__(self) -> str:
        return f"LandingFile(sha256={self.sha256[:_HASH_CHARACTERS]})"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A landing file with the source it belongs to, or the sentence that says why it has none.

    A file that is too large has both: it is not read.
    """

    submission_id: str
    organisation: str
    source: str
    file: LandingFile
    mapping: Mapping | None
    problem: str | None
    fingerprint: str
    """Hash of everything beside the bytes that decides what they become."""
    waived: frozenset[tuple[int, str]] = frozenset()
    """Row numbers and rules that stewards waived at any time."""

    @property
    def is_to_be_read(self) -> bool:
        return self.mapping is not None and self.problem is None


class Record(BaseModel):
    """What is kept about one submission beside its rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    submission_id: str
    organisation: str
    source: str
    kind: Kind | None
    delivery: Delivery | None
    file_name: str
    sha256: str
    place: int = 0
    """Its place in the order of arrival."""
    received_at: datetime
    modified_at: datetime
    fingerprint: str
    problem: str | None = None
    rows_in_file: int | None = None
    rows_blank: int | None = None
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_quarantined: int | None = None
    rows_withdrawn: int | None = None
    columns_left_out: tuple[str, ...] = ()
    columns_unknown: int = 0
    columns_beside: tuple[str, ...] | None = None
    """Keyed digests of the headings that the mapping neither takes nor leaves out, to see whether
    columns appeared or vanished; None if it was read before they were kept."""
    erasures: int = 0
    """How often rows of erased officers were removed since the file was read."""


def versions(records: Iterable[Record]) -> list[tuple[str, str, str, int]]:
    """What decides the rows that are kept of each submission, and their order."""
    return [
        (r.submission_id, r.fingerprint, r.received_at.isoformat(), r.erasures) for r in records
    ]


def newest_of_each(records: Iterable[Record]) -> list[Record]:
    """Of each cumulative source the newest record that could be read, of others every such one.

    These are the ones that count where no contract and no steward has anything against them.
    `records` come in the order of arrival.
    """
    found: dict[tuple[str, ...], Record] = {}
    for record in records:
        if record.problem is None:
            source = (record.organisation, record.source)
            adds_up = record.delivery == Delivery.INCREMENTAL
            found[(record.submission_id,) if adds_up else source] = record
    return list(found.values())


def arrivals(
    files: Iterable[LandingFile],
    mappings: Iterable[Mapping],
    problems: dict[str, str],
    programme: Programme,
    *,
    code: str,
    waived: dict[str, frozenset[tuple[int, str]]] | None = None,
) -> list[Arrival]:
    """Match landing files to sources, oldest first; the same bytes of one source are one arrival.

    `problems` has the sentence of the first unusable mapping of an organisation. Other `code` gives
    other rows, so it is part of what an arrival becomes; so are the rows and rules that were
    `waived`, by submission. A newer key is not: what was taken in is carried on to it.
    """
    by_organisation: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        by_organisation.setdefault(mapping.organisation, []).append(mapping)
    # Worked out once: there are thousands of files, and these are long texts.
    shared = fingerprint(code, programme.model_dump(mode="json", include=_DECIDING_ROWS))
    of_mapping = {
        (m.organisation, m.source): fingerprint(m.model_dump(mode="json"))
        for each in by_organisation.values()
        for m in each
    }
    found: dict[str, Arrival] = {}
    for file in sorted(files, key=lambda file: (file.modified_at, file.sha256)):
        is_known = file.folder in programme.known_organisations
        organisation = file.folder if file.folder and is_known else UNKNOWN
        chosen, problem = _mapping_of(file, organisation, by_organisation, problems)
        if chosen is not None and file.size > programme.limits.file_bytes:
            # Said before anything reads it, so that it is never in memory.
            problem = _TOO_LARGE.format(programme.limits.file_megabytes)
        source = chosen.source if chosen else UNMAPPED
        submission_id = f"{organisation}--{source}--{file.sha256[:_HASH_CHARACTERS]}"
        own_waived = (waived or {}).get(submission_id, frozenset())
        arrival = Arrival(
            submission_id=submission_id,
            organisation=organisation,
            source=source,
            file=file,
            mapping=chosen,
            problem=problem,
            waived=own_waived,
            fingerprint=fingerprint(
                shared, problem, sorted(own_waived), of_mapping.get((organisation, source))
            ),
        )
        found.setdefault(submission_id, arrival)
    return list(found.values())


_DECIDING_ROWS = {
    "programme",
    "instruments",
    "sessions",
    "waves",
    "arms",
    "duplicates",
    "identifiers",
    "organisations",
    "limits",
}
"""What of the programme file decides which rows come out of a file's bytes."""


def _mapping_of(
    file: LandingFile,
    organisation: str,
    by_organisation: dict[str, list[Mapping]],
    problems: dict[str, str],
) -> tuple[Mapping | None, str | None]:
    """The mapping that takes a file in, or the sentence that says why none does."""
    if file.problem is not None:
        return None, file.problem
    if organisation == UNKNOWN:
        # The folder's name is not repeated: it could be anything, a person's name included.
        return None, (
            "the file does not lie in the folder of a known organisation; move it into "
            "landing/<organisation>/, or declare the organisation in programme.yaml"
        )
    mappings = by_organisation.get(organisation, [])
    candidates = [mapping for mapping in mappings if mapping.takes_in(file.path.name)]
    if len(candidates) == 1:
        return candidates[0], None
    if candidates:
        names = " and ".join(sorted(mapping.source for mapping in candidates))
        return None, (
            f"the mappings {names} of {organisation} both take in a file of this name; "
            "make their `files` patterns exclude each other"
        )
    return None, problems.get(organisation) or (
        f"no mapping in sources/{organisation}/ takes in a file of this name; "
        "write one, or correct the `files` pattern of the one meant for it"
    )


def outlived(
    records: Iterable[Record], landed: Iterable[Arrival], sources: Collection[tuple[str, str]]
) -> list[str]:
    """Records of what is another submission by now, and would otherwise count beside it.

    That are files that could not be opened and are not in landing as such any more, since their
    hash was not of their bytes; and submissions of a source that has no mapping any more, whose
    bytes now arrive under another source of the same organisation: the source was renamed.
    `sources` has organisation and source of every mapping file, whether it works or not.
    """
    present, taken_in = set(), set()
    for arrival in landed:
        present.add(arrival.submission_id)
        if arrival.mapping is not None:
            taken_in.add((arrival.organisation, arrival.file.sha256))
    return [
        record.submission_id
        for record in records
        if record.submission_id not in present
        and (
            record.problem == CANNOT_BE_OPENED
            or (
                record.source != UNMAPPED
                and (record.organisation, record.source) not in sources
                and (record.organisation, record.sha256) in taken_in
            )
        )
    ]


def fingerprint(*parts: object) -> str:
    """A short hash of values that JSON can hold."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

"""One file from landing to its folder in the lake.

What belongs here: reading the file, handing it on in memory, writing what may be kept, and the
record of it. What stays out: what happens in memory (`pipeline/intake.py`), and which files are
taken in when (`assets/intake.py`).

Three parts: the file is read, its rows are worked out, they are written. The middle one takes
nearly all the time and touches no file, so that it may be done on a machine that sees no home
folder; what is written is written by whoever holds the home's lock.
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import date

from pipeline.intake import TakenIn, take_in
from pipeline.privacy.file_names import masked_file_name
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.withdrawals import Withdrawals
from pipeline.programme import Programme
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable
from pipeline.storage.home import Home
from pipeline.storage.landing import read_landing_file
from pipeline.storage.stewardship import Receipt
from pipeline.submissions import Arrival, Record


@dataclass(frozen=True, slots=True)
class Read:
    """The bytes of a landing file, and what else decides its rows; never shown."""

    content: bytes = field(repr=False)
    mapping: Mapping
    received_on: date
    waived: frozenset[tuple[int, str]]
    kept_out: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RowsOf:
    """Works out the rows of what was read; the sentence that says why not, if it cannot be."""

    programme: Programme
    pseudonymiser: Pseudonymiser

    def __call__(self, read: Read) -> TakenIn | str:
        try:
            return take_in(
                read.content,
                read.mapping,
                self.programme,
                self.pseudonymiser,
                read.received_on,
                waived=read.waived,
                kept_out=read.kept_out,
            )
        except Unreadable as unreadable:
            return str(unreadable)


@dataclass(frozen=True, slots=True)
class TakeInOne:
    """Puts one submission into the lake; None where its file has gone or changed meanwhile.

    `withdrawals` are those on record once the receipts were: a stop names the last of these.
    """

    home: Home
    pseudonymiser: Pseudonymiser
    receipts: MappingOf[str, Receipt]
    withdrawals: Withdrawals

    def __call__(self, arrival: Arrival) -> Record | None:
        read, settled = self.first(arrival)
        return settled if read is None else self.last(arrival, self.long(read))

    @property
    def long(self) -> RowsOf:
        """The part that takes long and touches no file."""
        return RowsOf(self.home.programme, self.pseudonymiser)

    def first(self, arrival: Arrival) -> tuple[Read | None, Record | None]:
        """The file as it was read; None and what came of it where nothing is to be worked out."""
        if arrival.mapping is None or not arrival.is_to_be_read:
            return None, self._kept(arrival, arrival.problem, None)
        content = read_landing_file(arrival.file)
        if content is None:
            return None, None
        receipt = self.receipts[arrival.submission_id]
        kept_out = self.withdrawals.kept_out(receipt.place)
        received_on = receipt.received_at.date()
        return Read(content, arrival.mapping, received_on, arrival.waived, kept_out), None

    def last(self, arrival: Arrival, answer: TakenIn | str) -> Record:
        """Write what was worked out; the record of it."""
        if isinstance(answer, str):
            return self._kept(arrival, answer, None)
        return self._kept(arrival, arrival.problem, answer)

    def _kept(self, arrival: Arrival, problem: str | None, taken_in: TakenIn | None) -> Record:
        receipt = self.receipts[arrival.submission_id]
        record = _record(arrival, self.home, receipt, problem, taken_in)
        self.home.lake.write_submission(record, taken_in)
        return record


def _record(
    arrival: Arrival,
    home: Home,
    receipt: Receipt,
    problem: str | None,
    taken_in: TakenIn | None,
) -> Record:
    known = (arrival.organisation, arrival.source, *home.programme.wave_names)
    counts = {}
    if taken_in is not None:
        counts = {
            "rows_in_file": taken_in.rows_in_file,
            "rows_blank": taken_in.rows_blank,
            "rows_read": taken_in.rows_read,
            "rows_accepted": taken_in.accepted.height,
            "rows_quarantined": taken_in.rows_quarantined,
            "rows_withdrawn": taken_in.rows_withdrawn,
            "columns_left_out": taken_in.columns_left_out,
            "columns_unknown": taken_in.columns_unknown,
            "columns_beside": taken_in.columns_beside,
        }
    return Record(
        submission_id=arrival.submission_id,
        organisation=arrival.organisation,
        source=arrival.source,
        kind=arrival.mapping.kind if arrival.mapping else None,
        delivery=arrival.mapping.delivery if arrival.mapping else None,
        file_name=masked_file_name(arrival.file.path.name, known),
        sha256=arrival.file.sha256,
        place=receipt.place,
        received_at=receipt.received_at,
        modified_at=receipt.modified_at,
        fingerprint=arrival.fingerprint,
        problem=problem,
        **counts,
    )

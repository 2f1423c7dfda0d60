"""One file from landing to its folder in the lake.

What belongs here: reading the file, handing it on in memory, writing what may be kept, and the
record of it. What stays out: what happens in memory (`pipeline/intake.py`), and which files are
taken in when (`assets/intake.py`).
"""

from pipeline.intake import TakenIn, take_in
from pipeline.privacy.file_names import masked_file_name
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.withdrawals import Withdrawals
from pipeline.reading.tabular import Unreadable
from pipeline.storage.home import Home
from pipeline.storage.landing import read_landing_file
from pipeline.storage.stewardship import Receipt
from pipeline.submissions import Arrival, Record


def take_in_one(
    home: Home,
    pseudonymiser: Pseudonymiser,
    receipts: dict[str, Receipt],
    withdrawals: Withdrawals,
    arrival: Arrival,
) -> Record | None:
    """Put one submission into the lake; None where its file has gone or changed meanwhile.

    `withdrawals` are those on record once the receipts were: a stop names the last of these.
    """
    receipt = receipts[arrival.submission_id]
    problem, taken_in = arrival.problem, None
    if arrival.mapping is not None and arrival.is_to_be_read:
        content = read_landing_file(arrival.file)
        if content is None:
            return None
        try:
            taken_in = take_in(
                content,
                arrival.mapping,
                home.programme,
                pseudonymiser,
                receipt.received_at.date(),
                waived=arrival.waived,
                kept_out=withdrawals.kept_out(receipt.place),
            )
        except Unreadable as unreadable:
            problem = str(unreadable)
    record = _record(arrival, home, receipt, problem, taken_in)
    home.lake.write_submission(record, taken_in)
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

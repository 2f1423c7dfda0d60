"""Removing what is kept of erased officers, and finding what is left of them elsewhere.

What belongs here: carrying out tombstones in the lake and in the tables of stages, and looking for
an officer's rows in landing, which is only ever read. What stays out: the tombstones themselves
(`pipeline/privacy/withdrawals.py`), and making the warehouse again, which is a run's work.

An erasure is done in the moment its tombstone is on record: from then on no reader of the lake sees
the officer, and whoever next holds the home's lock removes what is still there.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from pipeline.intake import erased_from, rows_of
from pipeline.privacy.file_names import masked_file_name
from pipeline.reading.tabular import Unreadable
from pipeline.storage.home import Home
from pipeline.storage.landing import landing_files, read_landing_file
from pipeline.storage.moving import empty_beside
from pipeline.submissions import fingerprint


@dataclass(frozen=True, slots=True)
class InLanding:
    """Rows of an officer in one file of landing."""

    submission_id: str
    file_name: str
    """With every word masked that could name a person."""
    rows: tuple[int, ...]
    """As a spreadsheet counts them."""
    copies: int
    """How many files of landing have the same bytes."""


@dataclass(frozen=True, slots=True)
class Searched:
    found: tuple[InLanding, ...]
    not_searched: int
    """Files that cannot be read, so nobody knows whom they hold."""


def finish_erasures(home: Home, *, anew: bool = False) -> int:
    """Remove what lake and stages still keep of erased officers; returns how many submissions
    held something.

    Only for the one who holds the home's lock. Done once for the tombstones that there are, unless
    `anew`: somebody may have put an older lake back.
    """
    erased = home.withdrawals().erased
    mark = json.dumps(fingerprint(sorted(erased))).encode()
    if not erased or (not anew and home.lake.is_rid_of(mark)):
        return 0
    home.lake.forget_incomplete(erased)
    records = {r.submission_id: r for r in home.lake.records() if r.problem is None}
    holding = home.lake.holding(records, erased)
    for submission_id in holding:
        record = records[submission_id]
        left = erased_from(home.lake.taken_in(record), erased)
        counts = {
            "rows_accepted": left.accepted.height,
            "rows_quarantined": left.rows_quarantined,
            "rows_withdrawn": left.rows_withdrawn,
            "erasures": record.erasures + 1,
        }
        home.lake.write_submission(record.model_copy(update=counts), left)
    home.stages.forget_holding(erased)
    home.releases.forget(erased, home.pseudonymiser().carried_on)
    # Nobody can be found in it by pseudonym, so all of it goes; `muster research` makes another.
    home.research.unlink(missing_ok=True)
    # Last, since a bucket that cannot be reached ends it here.
    empty_beside(home)
    home.lake.got_rid_of(mark)
    return len(holding)


def search_landing(home: Home, names: Collection[str]) -> Searched:
    """Every file of landing that holds a row of these pseudonyms, taken in or not.

    Each is read again, since the lake does not know the rows that were dropped for want of consent,
    or since collection stopped.
    """
    pseudonymiser, programme = home.pseudonymiser(), home.programme
    files = landing_files(home.landing, home.known_hashes)
    copies = Counter((file.folder, file.sha256) for file in files)
    found, not_searched = [], 0
    for arrival in home.arrivals():
        content = None
        if arrival.mapping is not None and arrival.problem is None:
            content = read_landing_file(arrival.file)
        if content is None or arrival.mapping is None:
            not_searched += 1
            continue
        try:
            rows = rows_of(content, arrival.mapping, programme, pseudonymiser, names)
        except Unreadable:
            not_searched += 1
            continue
        if rows:
            known = (arrival.organisation, arrival.source, *programme.wave_names)
            found.append(
                InLanding(
                    arrival.submission_id,
                    masked_file_name(arrival.file.path.name, known),
                    tuple(rows),
                    copies[arrival.file.folder, arrival.file.sha256],
                )
            )
    return Searched(tuple(found), not_searched)

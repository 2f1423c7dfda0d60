"""Officers who stopped collection: what was collected before stays, whatever arrives later.

What belongs here: which rows of a replaced file go on counting. What stays out: keeping rows of
later files out (`pipeline/intake.py`).

A newer file of a cumulative source replaces the older one, and has none of their rows that counts.
So theirs are taken from the newest file that arrived before they stopped.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.quality.verdicts import good
from pipeline.submissions import Record
from pipeline.vocabulary import Delivery

KEPT = pl.Schema({"submission_id": pl.String(), "participant_id": pl.String()})
"""Whose rows of a replaced submission count all the same."""


def kept_rows(
    records: Sequence[Record], verdicts: pl.DataFrame, stopped: pl.DataFrame
) -> pl.DataFrame:
    """KEPT, for all who stopped (STOPPED); whether they have rows there is not asked.

    `records` are in the order of arrival, `verdicts` is VERDICTS.
    """
    replaced_by = dict(good(verdicts).select("submission_id", "replaced_by").iter_rows())
    sound = [
        record
        for record in records
        if record.delivery == Delivery.CUMULATIVE and record.submission_id in replaced_by
    ]
    kept = []
    for name, last in stopped.iter_rows():
        newest = {(r.organisation, r.source): r for r in sound if r.place <= last}
        kept += [
            (record.submission_id, name)
            for record in newest.values()
            if replaced_by[record.submission_id] is not None
        ]
    return pl.DataFrame(sorted(kept), schema=KEPT, orient="row")


def not_missing(
    rows: pl.DataFrame, replaced_at: Mapping[str, int], stopped: pl.DataFrame
) -> pl.DataFrame:
    """Rows of replaced files without those of officers who had stopped when the newer one came.

    That it does not hold them is no loss: they were kept out. `replaced_at` has the place of the
    newer file by the older one.
    """
    if stopped.is_empty():
        return rows
    replaced = pl.DataFrame(
        list(replaced_at.items()),
        schema={"submission_id": pl.String, "replaced_at": pl.Int64},
        orient="row",
    )
    late = stopped.join(replaced, how="cross").filter(pl.col("after_place") < pl.col("replaced_at"))
    return rows.join(
        late, on=["submission_id", "participant_id"], how="anti", maintain_order="left"
    )

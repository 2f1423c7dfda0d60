"""What a release leaves for the next one, as a frame that can be kept: one row a group.

What belongs here: the layout of that frame, and what erasing somebody does to it. What stays out:
where it is kept (`pipeline/storage/releases.py`). Members are pseudonyms; none of it is published.
"""

import json
from collections.abc import Callable, Collection
from typing import Final

import polars as pl

from pipeline.privacy.disclosure.groups import Key, Print
from pipeline.privacy.disclosure.history import MEMBERS_SCHEMA, Before

AREA_ROW: Final = "area"
"""Measure of the rows that say where an organisation stood, which is its own member."""

SCHEMA: Final = pl.Schema(
    {
        "measure": pl.String,
        "place": pl.String,
        "count": pl.Int64,
        "figures": pl.String,
        "gone": pl.Int64,
        "members": pl.List(pl.String),
    }
)


def as_frame(before: Before) -> pl.DataFrame:
    """One row a group: what was printed of it the last time, if anything, and who was in it."""
    recorded = set(before.recorded) | set(before.prints)
    rows = [
        {
            "measure": key.measure,
            "place": key.place,
            "count": seen.count if seen else None,
            "figures": json.dumps({"tenths": {**seen.tenths}, "others": {**seen.others}})
            if seen
            else None,
            "gone": before.gone.get(key, 0),
        }
        for key in sorted(recorded)
        for seen in [before.prints.get(key)]
    ]
    groups = pl.DataFrame(
        rows, schema=pl.Schema({k: v for k, v in SCHEMA.items() if k != "members"})
    )
    members = before.members.group_by("measure", "place").agg(
        pl.col("participant_id").sort().alias("members")
    )
    areas = pl.DataFrame(
        [
            {"measure": AREA_ROW, "place": place, "gone": 0, "members": [organisation]}
            for organisation, place in sorted(before.areas.items())
        ],
        schema=SCHEMA,
    )
    return pl.concat([groups.join(members, on=["measure", "place"], how="left"), areas])


def from_frame(kept: pl.DataFrame, carried_on: Callable[[pl.Series], pl.Series]) -> Before:
    """What `as_frame` made, with pseudonyms of older keys carried on to the newest."""
    groups = kept.filter(pl.col("measure") != AREA_ROW)
    members = (
        groups.select("measure", "place", participant_id="members")
        .explode("participant_id")
        .drop_nulls("participant_id")
    )
    return Before(
        prints={
            Key(measure, place): Print(count, **json.loads(figures))
            for measure, place, count, figures in groups.filter(pl.col("count").is_not_null())
            .select("measure", "place", "count", "figures")
            .iter_rows()
        },
        members=members.with_columns(carried_on(members["participant_id"])).cast(MEMBERS_SCHEMA),
        gone={
            Key(measure, place): gone
            for measure, place, gone in groups.filter(pl.col("gone") > 0)
            .select("measure", "place", "gone")
            .iter_rows()
        },
        areas=dict(
            kept.filter(measure=AREA_ROW).explode("members").select("members", "place").iter_rows()
        ),
    )


def without(kept: pl.DataFrame, erased: Collection[str]) -> pl.DataFrame:
    """The frame with some pseudonyms taken out; each counts as one that went from its groups.

    Without that count a release after an erasure would look as if nobody had gone, so new figures
    would be printed beside the old ones, and their difference would be the erased officer.
    """
    gone = pl.col("members").list.set_intersection(list(erased)).list.len().fill_null(0)
    of_groups = pl.col("measure") != AREA_ROW
    return kept.with_columns(
        gone=pl.when(of_groups).then(pl.col("gone") + gone).otherwise("gone"),
        members=pl.when(of_groups)
        .then(pl.col("members").list.set_difference(list(erased)))
        .otherwise("members"),
    )

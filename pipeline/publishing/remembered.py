"""What a release leaves for the next one, as a frame that can be kept: one row a group.

What belongs here: the layout of that frame, and what erasing somebody does to it. What stays out:
where it is kept (`pipeline/storage/releases.py`). Members are pseudonyms; none of it is published.
"""

import json
from collections.abc import Callable, Collection
from typing import Any, Final

import polars as pl

from pipeline.privacy.disclosure.groups import Key, Print
from pipeline.privacy.disclosure.history import RECORDED_SCHEMA, Before, Recorded

AREA_ROW: Final = "area"
"""Measure of the rows that say where an organisation stood, which is its own member."""

SCHEMA: Final = pl.Schema(
    {
        "measure": pl.String(),
        "place": pl.String(),
        "printed": pl.Boolean(),
        "count": pl.Int64(),
        "figures": pl.String(),
        "gone": pl.Int64(),
        "members": pl.List(pl.String()),
    }
)
_KEY: Final = ["measure", "place", "printed"]


def as_frame(before: Before) -> pl.DataFrame:
    """One row a group as it was last printed, or last left out, with who was in it."""
    groups = pl.DataFrame([_row(at, before) for at in sorted(before.recorded)], schema=SCHEMA).drop(
        "members"
    )
    members = before.members.group_by(_KEY).agg(pl.col("participant_id").sort().alias("members"))
    areas = pl.DataFrame(
        [
            {"measure": AREA_ROW, "place": place, "gone": 0, "members": [organisation]}
            for organisation, place in sorted(before.areas.items())
        ],
        schema=SCHEMA,
    )
    return pl.concat([groups.join(members, on=_KEY, how="left"), areas])


def _row(at: Recorded, before: Before) -> dict[str, Any]:
    row = {**dict(zip(_KEY, (*at.key, at.printed), strict=True)), "gone": before.gone.get(at, 0)}
    if at.printed:
        seen = before.prints[at.key]
        figures = {"tenths": dict(seen.tenths), "others": dict(seen.others)}
        row |= {"count": seen.count, "figures": json.dumps(figures, sort_keys=True)}
    return row


def from_frame(kept: pl.DataFrame, carried_on: Callable[[pl.Series], pl.Series]) -> Before:
    """What `as_frame` made, with pseudonyms of older keys carried on to the newest."""
    groups = kept.filter(pl.col("measure") != AREA_ROW)
    members = groups.select(*_KEY, participant_id="members").explode("participant_id").drop_nulls()
    newest = carried_on(members["participant_id"])
    printed = groups.filter("printed").select("measure", "place", "count", "figures")
    gone = groups.filter(pl.col("gone") > 0).select(*_KEY, "gone")
    areas = kept.filter(pl.col("measure") == AREA_ROW).explode("members")
    return Before(
        prints={
            Key(measure, place): Print(count, **json.loads(figures))
            for measure, place, count, figures in printed.iter_rows()
        },
        members=members.with_columns(newest).select(RECORDED_SCHEMA.names()),
        gone={
            Recorded(Key(measure, place), printed): n
            for measure, place, printed, n in gone.iter_rows()
        },
        areas=dict(areas.select("members", "place").iter_rows()),
    )


def without(kept: pl.DataFrame, erased: Collection[str]) -> pl.DataFrame:
    """The frame with some pseudonyms taken out; each counts as one that went from its groups.

    Without that count a release after an erasure would look as if nobody had gone, so new figures
    would be printed beside the old ones, and their difference would be the erased officer.
    """
    gone = pl.col("members").list.set_intersection(list(erased)).list.len().fill_null(0)
    is_group = pl.col("measure") != AREA_ROW
    return kept.with_columns(
        gone=pl.when(is_group).then(pl.col("gone") + gone).otherwise("gone"),
        members=pl.when(is_group)
        .then(pl.col("members").list.set_difference(list(erased)))
        .otherwise("members"),
    )

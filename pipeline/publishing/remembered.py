"""What a release leaves for the next one, as a frame that can be kept: one row a group.

What belongs here: the layout of that frame, and what erasing somebody does to it. What stays out:
where it is kept (`pipeline/storage/releases.py`). Members are pseudonyms; none of it is published.
"""

import json
from collections.abc import Callable, Collection
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.privacy.disclosure.groups import Key, Print
from pipeline.privacy.disclosure.history import Before, Recorded
from pipeline.privacy.disclosure.members import Members

AREA_ROW: Final = "area"
"""Measure of the rows that say where an organisation stood; its name is in `names`."""

NAMES_ROW: Final = "names"
"""Measure of the row with the list of names that members are places in, from 0."""

SCHEMA: Final = pl.Schema(
    {
        "measure": pl.String(),
        "place": pl.String(),
        "printed": pl.Boolean(),
        "count": pl.Int64(),
        "figures": pl.String(),
        "gone": pl.Int64(),
        "members": pl.List(pl.UInt32()),
        "names": pl.List(pl.String()),
    }
)
_KEY: Final = ["measure", "place", "printed"]


def as_frame(before: Before) -> pl.DataFrame:
    """One row a group as it was last printed, or last left out, with who was in it.

    Members are places in one list of names, in a row of its own: names in every group would be
    gigabytes of a country. Nobody is in that list who is in no group.
    """
    at = sorted(before.recorded)
    is_used = np.zeros(len(before.members.names), dtype=bool)
    for who in before.members.of.values():
        is_used[who] = True
    place = (np.cumsum(is_used) - 1).astype(np.uint32)
    members = [pl.Series(place[before.members[each]], dtype=pl.UInt32) for each in at]
    groups = pl.DataFrame(
        [_row(each, before) for each in at], schema={**SCHEMA, "members": pl.Null()}
    ).with_columns(members=pl.Series(members, dtype=SCHEMA["members"]))
    names = before.members.names.filter(pl.Series(is_used))
    others = [{"measure": NAMES_ROW, "gone": 0, "names": names.to_list()}] if at else []
    others += [
        {"measure": AREA_ROW, "place": place, "gone": 0, "names": [organisation]}
        for organisation, place in sorted(before.areas.items())
    ]
    return pl.concat([groups, pl.DataFrame(others, schema=SCHEMA)])


def in_newest_layout(kept: pl.DataFrame) -> pl.DataFrame:
    """The frame of an earlier version, which had names in place of numbers, as it is now."""
    if "names" in kept.columns:
        return kept
    is_area = pl.col("measure") == AREA_ROW
    names = kept.filter(~is_area)["members"].explode().drop_nulls().unique(maintain_order=True)
    numbers = dict(zip(names, range(len(names)), strict=True))
    place = pl.element().replace_strict(numbers, default=None, return_dtype=pl.UInt32)
    return pl.concat(
        [
            kept.filter(~is_area).with_columns(
                pl.col("members").list.eval(place), names=pl.lit(None, SCHEMA["names"])
            ),
            pl.DataFrame(
                [{"measure": NAMES_ROW, "gone": 0, "names": names.to_list()}], schema=SCHEMA
            ),
            kept.filter(is_area).with_columns(
                members=pl.lit(None, SCHEMA["members"]), names="members"
            ),
        ]
    )


def _row(at: Recorded, before: Before) -> dict[str, Any]:
    row = {**dict(zip(_KEY, (*at.key, at.printed), strict=True)), "gone": before.gone.get(at, 0)}
    if at.printed:
        seen = before.prints[at.key]
        figures = {"tenths": dict(seen.tenths), "others": dict(seen.others)}
        row |= {"count": seen.count, "figures": json.dumps(figures, sort_keys=True)}
    return row


def from_frame(kept: pl.DataFrame, carried_on: Callable[[pl.Series], pl.Series]) -> Before:
    """What `as_frame` made, with pseudonyms of older keys carried on to the newest."""
    groups = kept.filter(_is_group())
    at = [
        Recorded(Key(measure, place), printed)
        for measure, place, printed in groups.select(*_KEY).iter_rows()
    ]
    members = zip(at, groups["members"], strict=True)
    names = _names(kept)
    # Places of who was erased are nobody's.
    place = (names.is_not_null().cum_sum() - 1).cast(pl.UInt32).to_numpy()
    printed = groups.filter("printed").select("measure", "place", "count", "figures")
    gone = zip(at, groups["gone"], strict=True)
    areas = kept.filter(pl.col("measure") == AREA_ROW).explode("names")
    return Before(
        prints={
            Key(measure, place): Print(count, **json.loads(figures))
            for measure, place, count, figures in printed.iter_rows()
        },
        members=Members(
            carried_on(names.drop_nulls()),
            {each: place[who.to_numpy()] for each, who in members if who is not None and len(who)},
        ),
        gone={each: n for each, n in gone if n > 0},
        areas=dict(areas.select("names", "place").iter_rows()),
    )


def without(
    kept: pl.DataFrame, erased: Collection[str], carried_on: Callable[[pl.Series], pl.Series]
) -> pl.DataFrame:
    """The frame with some pseudonyms taken out; each counts as one that went from its groups.

    `erased` are of the newest key, to which `carried_on` brings those of the frame. Without that
    count a release after an erasure would look as if nobody had gone, so new figures would be
    printed beside the old ones, and their difference would be the erased officer. Their place in
    the list of names stays empty, so that everybody else's is what it was.
    """
    names = _names(kept)
    is_erased = carried_on(names).is_in(list(erased)).fill_null(value=False)
    taken_out = is_erased.arg_true().cast(pl.UInt32).to_list()
    if not taken_out:
        return kept
    left = names.to_frame("name").select(pl.when(~is_erased).then("name")).to_series().to_list()
    numbers = pl.lit(taken_out, SCHEMA["members"])
    gone = pl.col("members").list.set_intersection(numbers).list.len().fill_null(0)
    return kept.with_columns(
        gone=pl.when(_is_group()).then(pl.col("gone") + gone).otherwise("gone"),
        members=pl.col("members").list.set_difference(numbers),
        names=pl.when(measure=NAMES_ROW).then(pl.lit(left, SCHEMA["names"])).otherwise("names"),
    )


def _is_group() -> pl.Expr:
    return ~pl.col("measure").is_in([AREA_ROW, NAMES_ROW])


def _names(kept: pl.DataFrame) -> pl.Series:
    return kept.filter(measure=NAMES_ROW).select(pl.col("names").explode()).to_series()

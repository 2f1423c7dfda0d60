"""Who took part: the flow of officers, and how many of each organisation answered.

What stays out: who stayed (`retention.py`).
"""

from pipeline.programme import DROPOUT, ENROLLED
from pipeline.publishing.report.blocks import Block, Box, DataTable, Flow, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Part, passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    areas_of,
    in_midst,
    missing,
    named,
    organisation_name,
)
from pipeline.publishing.report.words import short

_ASIDE = {
    "answered_otherwise": "answered but not scored",
    "withdrawn": "withdrew",
    "left_organisation": "left the organisation",
    "missed": "missed",
    "open": "may still answer",
    "not_yet_due": "not due yet",
    "not_scheduled": "not held there",
}
_STAGES = {
    "never_attended": "came to no session",
    "after_first_session": "left after the first session",
    "during_programme": "left during the programme",
    "during_follow_up": "left during follow-up",
    "none": "still taking part, or took part to the end",
    "too_early": "too early to say",
}


def flow(context: Context) -> Section:
    title = passage("Who took part")
    if not context.printed.has("participant_flow"):
        return Section("flow", title, [missing("the flow of officers")])
    blocks: list[Block] = [
        Flow(
            passage(
                "Officers enrolled, how many of them were scored at each measuring point, and what "
                "became of the others. Counts are rounded to ",
                Fixed("5"),
                "; ",
                Fixed("[c]"),
                " is a count that is left out.",
            ),
            [_enrolled(context), *(_wave(context, wave) for wave in context.waves)],
        )
    ]
    if answered := _by_organisation(context):
        blocks.append(answered)
    return Section("flow", title, blocks)


def _enrolled(context: Context) -> Box:
    here = {"organisation": ALL, "arm": ALL, "denominator": "enrolled"}
    row = context.printed.first("participant_flow", **here, stage=ENROLLED)
    stages = context.printed.rows("participant_flow", **here, stage=DROPOUT)
    named_stages = [
        (_STAGES.get(stage.text("status"), stage.text("status")), stage) for stage in stages
    ]
    return Box(
        "Enrolled", row.figure("n") if row else Fixed("[x]"), "officers", *_asides(named_stages)
    )


def _wave(context: Context, wave: str) -> Box:
    rows = context.printed.rows(
        "participant_flow", organisation=ALL, arm=ALL, denominator="enrolled", stage=wave
    )
    by_status = {row.text("status"): row for row in rows}
    scored = by_status.get("scored")
    found = [(said, by_status[status]) for status, said in _ASIDE.items() if status in by_status]
    return Box(
        named(wave), scored.figure("n") if scored else Fixed("[x]"), "scored", *_asides(found)
    )


def _asides(rows: list[tuple[str, Row]]) -> tuple[list[tuple[str, Part]], list[str]]:
    """What became of others with how many, and what did of which the count is left out."""
    printed = [(said, row.figure("n")) for said, row in rows if row.has("n")]
    return [*printed], [said for said, row in rows if not row.has("n")]


def _by_organisation(context: Context) -> DataTable | None:
    areas = areas_of(context)
    rows = []
    for area in [*areas, ALL]:
        found = {
            row.text("wave"): row for row in context.printed.rows("follow_up", organisation=area)
        }
        if not found:
            continue
        first = next(iter(found.values()))
        rows.append(
            [
                organisation_name(context, area),
                first.figure("enrolled"),
                *(
                    found[wave].figure("scored_percent") if wave in found else Fixed("[x]")
                    for wave in context.waves
                ),
            ]
        )
    if not rows:
        return None
    return DataTable(
        passage(
            "Officers enrolled, and how many of a hundred enrolled were scored at each measuring "
            "point, by organisation (",
            in_midst(context.programme.primary.instrument),
            ")",
        ),
        ["Organisation", "Enrolled", *(short(wave) for wave in context.waves)],
        rows,
        folded=True,
    )

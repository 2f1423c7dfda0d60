"""The answers first: what changed, for whom, how sure that is, and what cannot be said.

What stays out: everything that needs a table to be read.
"""

from collections.abc import Iterable

from pipeline.publishing.report.blocks import Block, Heading, Paragraph, Points, Remark, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Passage, passage
from pipeline.publishing.report.printed import ALL, Row
from pipeline.publishing.report.sections.common import (
    excludes_zero,
    in_midst,
    interval,
    interval_of_size,
    is_better,
    missing,
    named,
    primary_pair,
)
from pipeline.vocabulary import RobustnessMethod, RobustnessOutcome

_HERE = {"organisation": ALL, "arm": ALL}


def named_arm(context: Context) -> str:
    """The arm whose change was named beforehand, as the release marks it."""
    row = context.printed.first("paired_change", organisation=ALL, named_beforehand=True)
    return row.text("arm") if row else ALL


def headlines(context: Context) -> Section:
    blocks: list[Block] = []
    arm, subscale = named_arm(context), context.programme.primary.subscale
    rows = _changes(context, arm)
    if subscale not in rows and arm != ALL:
        together = _changes(context, ALL)
        if subscale in together:
            # A group may be left out where all of them together need not be.
            alone = passage("the change named beforehand, of the “", in_midst(arm), "” group alone")
            blocks.append(missing(alone))
            arm, rows = ALL, together
    primary = rows.get(subscale)
    if primary:
        blocks.append(Paragraph(change(context, primary), lead=True))
    else:
        blocks.append(missing("the change named beforehand"))
    blocks.append(Remark(_change_or_effect(context, arm)))
    if rows and not _allow_for_clusters(rows.values()):
        blocks.append(
            Remark(
                passage(
                    "The intervals here ignore that officers of one organisation are alike, so "
                    "they are too short; those that allow for it are not in this release."
                )
            )
        )
    points = [change(context, row) for name, row in rows.items() if row is not primary]
    further = (_pooled, _robust, _answered, _stayed)
    points += [said for say in further if (said := say(context))]
    points += _who_left(context)
    if points:
        blocks.append(Points(points))
    blocks.append(Heading(passage("What these figures cannot say")))
    blocks.append(Points(_cannot_be_said(context)))
    return Section("answers", passage("What was found"), blocks)


def _changes(context: Context, arm: str) -> dict[str, Row]:
    """Of each subscale the change of an arm between the waves of the primary contrast.

    With the interval that allows for officers of one organisation being alike where the release has
    it (the complete cases of the robustness panel), else with that of the printed mean and spread.
    """
    pair = primary_pair(context)
    robust = context.printed.rows(
        "robustness",
        arm=arm,
        instrument=pair["instrument"],
        to_wave=pair["to_wave"],
        method=RobustnessMethod.COMPLETE_CASES,
    )
    plain = context.printed.rows("paired_change", organisation=ALL, arm=arm, **pair)
    return {
        row.text("subscale"): row
        for row in (*plain, *robust)
        if row.has(value_of(row), "ci_low", "ci_high", "n")
    }


def _allow_for_clusters(rows: Iterable[Row]) -> bool:
    return all(row.table == "robustness" for row in rows)


def value_of(row: Row) -> str:
    """The column of a row of `paired_change` or `robustness` that has the change."""
    return "estimate" if row.table == "robustness" else "mean_change"


def change(context: Context, row: Row) -> Passage:
    """One change in a sentence, with its interval and of how many."""
    value = value_of(row)
    subscale = row.text("subscale")
    primary = context.programme.primary
    when = (" from ", in_midst(primary.from_wave), " to ", in_midst(primary.to_wave))
    of = (
        ", among about ",
        row.figure("n"),
        " officers ",
        *_of_arm(row.text("arm")),
        "who answered both times.",
    )
    if not excludes_zero(row):
        return passage(
            named(subscale),
            " did not clearly change",
            *when,
            ": ",
            row.figure(value, signed=True),
            " points (",
            *interval(row),
            ")",
            *of,
        )
    rose = row[value] > 0
    better = is_better(context, subscale, row[value])
    return passage(
        named(subscale),
        " rose by " if rose else " fell by ",
        row.figure(value, size=True),
        " points",
        *when,
        " (",
        *interval_of_size(row),
        ")",
        ", a change for the better" if better else ", a change for the worse",
        *of,
    )


def _of_arm(arm: str) -> tuple[str | Fixed, ...]:
    return () if arm == ALL else ("of the “", in_midst(arm), "” group ")


def _change_or_effect(context: Context, arm: str) -> Passage:
    if context.has_comparison and arm != ALL:
        return passage(
            "A change, not an effect: these figures are of the group whose sessions begin first. "
            "Groups are shown apart below where enough answered, and may differ from the start."
        )
    if context.has_comparison:
        return passage(
            "A change, not an effect: these figures are of all groups together, whether their "
            "sessions had begun or not. Groups are shown apart below where enough answered."
        )
    return passage(
        "A change, not an effect: nobody was measured who did not follow the programme, so what "
        "else happened in that time may have done it."
    )


def _pooled(context: Context) -> Passage | None:
    row = context.printed.first(
        "pooled_change", **primary_pair(context), subscale=context.programme.primary.subscale
    )
    if row is None or not row.has("estimate", "ci_low", "ci_high"):
        return None
    said = passage(
        "Across organisations the average change of ",
        in_midst(row.text("subscale")),
        " is " if named_arm(context) == ALL else ", all groups together, is ",
        row.figure("estimate", signed=True),
        " points (",
        *interval(row),
        "), allowing for organisations that differ.",
    )
    if row.has("prediction_low", "prediction_high"):
        said += passage(
            " In one more organisation like these, a change between ",
            row.figure("prediction_low"),
            " and ",
            row.figure("prediction_high"),
            " is to be expected.",
        )
    return said


def _robust(context: Context) -> Passage | None:
    """Whether methods that treat dropout differently agree, by the rule of the table."""
    primary = context.programme.primary
    outcomes = [
        row.text("outcome")
        for row in context.printed.rows(
            "robustness", to_wave=primary.to_wave, subscale=primary.subscale
        )
        if row.has("outcome") and row["outcome"] != RobustnessOutcome.REFERENCE
    ]
    if not outcomes:
        return None
    if set(outcomes) == {RobustnessOutcome.SIGN_AND_INTERVAL_AGREE}:
        return passage("Methods that treat dropout in different ways agree on that change.")
    return passage(
        "Methods that treat dropout in different ways do not all agree on that change; see “Could "
        "dropout explain it?”."
    )


def _answered(context: Context) -> Passage | None:
    row = context.printed.first(
        "follow_up", organisation=ALL, wave=context.programme.primary.to_wave
    )
    if row is None or not row.has("enrolled", "scored", "scored_percent"):
        return None
    return passage(
        "Of about ",
        row.figure("enrolled"),
        " officers enrolled, about ",
        row.figure("scored"),
        " (",
        row.figure("scored_percent"),
        Fixed("%"),
        ") have answered at ",
        in_midst(row.text("wave")),
        " so far.",
    )


def _stayed(context: Context) -> Passage | None:
    rows = [
        row
        for row in context.printed.rows("retention", denominator="enrolled")
        if row.has("retained")
    ]
    if not rows:
        return None
    last = rows[-1]
    place = int(last["to_time"])
    waves = context.waves
    until = (
        passage("at ", in_midst(waves[place - 1])) if place <= len(waves) else passage("at the end")
    )
    return passage(
        "An estimated ",
        last.figure("retained"),
        Fixed("%"),
        " were still taking part ",
        *until,
        ", officers counted as lost when they withdrew, left, or stopped answering.",
    )


def _who_left(context: Context) -> list[Passage]:
    primary = context.programme.primary
    row = context.printed.first(
        "attrition",
        denominator="enrolled",
        instrument=primary.instrument,
        subscale=primary.subscale,
    )
    if row is None or not row.has("mean_left", "mean_stayed", "flag"):
        return []
    if row["flag"] == "small":
        return [
            passage(
                "Those who left had begun with much the same ",
                in_midst(primary.subscale),
                " as those who stayed: ",
                row.figure("mean_left"),
                " against ",
                row.figure("mean_stayed"),
                ".",
            )
        ]
    more = "more" if row["mean_left"] > row["mean_stayed"] else "less"
    return [
        passage(
            f"Those who left had begun with {more} ",
            in_midst(primary.subscale),
            " than those who stayed: ",
            row.figure("mean_left"),
            " against ",
            row.figure("mean_stayed"),
            ". Officers who answered both times are therefore not those who began.",
        )
    ]


def _cannot_be_said(context: Context) -> list[Passage]:
    said = []
    if not context.has_comparison:
        said.append(
            passage("Whether the programme caused the change. That needs a comparison group.")
        )
    said.append(
        passage(
            "How officers who stopped answering feel now. What can be done about that is under ",
            "“Could dropout explain it?”.",
        )
    )
    later = [
        wave
        for wave in context.waves
        if not any(
            row.has("mean") for row in context.printed.rows("wave_summary", **_HERE, wave=wave)
        )
    ]
    if later:
        said.append(
            passage(
                "Anything about ",
                *_listed(later),
                ": it is not due yet, too few have answered, or its figures are left out because "
                "they would give away others.",
            )
        )
    said.append(
        passage(
            "Anything about one officer. Counts are rounded, and groups of fewer than ",
            Fixed("10"),
            " are left out.",
        )
    )
    return said


def _listed(waves: list[str]) -> list[str | Fixed]:
    found: list[str | Fixed] = []
    for place, wave in enumerate(waves):
        if place:
            found.append(" or " if place == len(waves) - 1 else ", ")
        found.append(in_midst(wave))
    return found

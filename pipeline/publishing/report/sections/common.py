"""What several sections say alike: names, intervals, tables of rows, what is missing.

What stays out: what one section alone says.
"""

from collections.abc import Iterable, Sequence

from pipeline.publishing.report.blocks import DataTable, Remark
from pipeline.publishing.report.charts import Point
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Part, Passage, passage
from pipeline.publishing.report.printed import ALL, Row, name_of
from pipeline.publishing.report.words import lower, number, readable, short
from pipeline.vocabulary import Better

INTERVAL = Fixed("95%")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_WAVES = frozenset({"wave", "from_wave", "to_wave"})


def named(name: str) -> Fixed:
    return Fixed(readable(name))


def in_midst(name: str) -> Fixed:
    return Fixed(lower(name))


def primary_pair(context: Context) -> dict[str, str]:
    primary = context.programme.primary
    return {
        "instrument": primary.instrument,
        "from_wave": primary.from_wave,
        "to_wave": primary.to_wave,
    }


def is_better(context: Context, subscale: str, change: float) -> bool:
    instrument = context.programme.instrument(context.programme.primary.instrument)
    better = instrument.by_subscale[subscale].better
    return (change > 0) == (better is Better.HIGHER)


def direction(context: Context, subscale: str) -> str:
    """What a panel says of its subscale."""
    instrument = context.programme.instrument(context.programme.primary.instrument)
    better = instrument.by_subscale[subscale].better
    return "higher is better" if better is Better.HIGHER else "lower is better"


def interval(row: Row, low: str = "ci_low", high: str = "ci_high") -> Passage:
    """`95% interval 1.2 to 2.6`."""
    return passage(INTERVAL, " interval ", row.figure(low), " to ", row.figure(high))


def interval_of_size(row: Row, low: str = "ci_low", high: str = "ci_high") -> Passage:
    """The same of a change whose direction the sentence has said, the nearer end first."""
    nearer, farther = (low, high) if (row.number(low) or 0) > 0 else (high, low)
    return passage(
        INTERVAL,
        " interval ",
        row.figure(nearer, size=True),
        " to ",
        row.figure(farther, size=True),
    )


def excludes_zero(row: Row, low: str = "ci_low", high: str = "ci_high") -> bool:
    lower_end, upper_end = row.number(low), row.number(high)
    return lower_end is not None and upper_end is not None and (lower_end > 0 or upper_end < 0)


def point(
    row: Row,
    label: str,
    value: str,
    low: str = "ci_low",
    high: str = "ci_high",
    *,
    is_total: bool = False,
    said: bool = False,
) -> Point:
    """A row as a point of a chart; its value must be printed."""
    lower_end, upper_end = row.number(low), row.number(high)
    both = lower_end is not None and upper_end is not None
    return Point(
        label,
        row[value],
        lower_end if both else None,
        upper_end if both else None,
        row.source(value),
        is_total=is_total,
        said=f"{number(row[low])} to {number(row[high])}" if said and both else "",
        said_source=f"{row.source(low)} {row.source(high)}",
    )


def table_of(
    caption: Passage,
    rows: Iterable[Row],
    stubs: Sequence[tuple[str, str]],
    figures: Sequence[tuple[str, str]],
    *,
    folded: bool = True,
) -> DataTable:
    """A table of rows: pairs of heading and column, names of rows first."""
    return DataTable(
        caption,
        [heading for heading, _ in (*stubs, *figures)],
        [
            [
                *(_stub(row, column) for _, column in stubs),
                *(row.figure(column) for _, column in figures),
            ]
            for row in rows
        ],
        stubs=len(stubs),
        folded=folded,
    )


def _stub(row: Row, column: str) -> Part:
    found = row.text(column)
    if not found:
        return "Start"
    return Fixed(short(found).replace(" ", _NO_BREAK) if column in _WAVES else readable(found))


def missing(*what: str | Passage) -> Remark:
    """The remark in place of what has no table in the release, or a table with nothing printed."""
    parts: list[Part] = []
    for each in what:
        parts += ["; "] if parts else []
        parts += [each] if isinstance(each, str) else each
    return Remark(
        passage(
            "Not in this release: ",
            *parts,
            ". Either nothing has been measured yet, or figures are left out since they are of few "
            "officers, or would give away others that are.",
        ),
        "missing",
    )


def organisation_name(context: Context, organisation: str) -> Fixed:
    return name_of(context.printed, organisation)


def areas_of(context: Context) -> list[str]:
    """Organisations with rows of their own, `others` last; empty where there are only totals."""
    found = dict.fromkeys(row.text("organisation") for row in context.printed.rows("follow_up"))
    areas = [name for name in found if name not in {ALL, "others"}]
    return [*areas, *(["others"] if "others" in found else [])]

"""What somebody without the warehouse can check of releases: form, rounding, what follows.

What belongs here: checks on printed tables alone. What stays out: the audit, which knows who is in
a group. That nothing is found here does not say that a release is safe.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from pipeline.evaluation.intervals import t_interval
from pipeline.privacy.disclosure.rounding import tenths
from pipeline.privacy.disclosure.rules import RULES
from pipeline.publishing.pooled_rows import organisation_change, pooled_change
from pipeline.publishing.release_tables import (
    ORGANISATION_CHANGE,
    PAIRED_CHANGE,
    POOLED_CHANGE,
    RELEASE_TABLES,
    Field,
    Kind,
    Note,
    ReleaseTable,
)

_IN_TENTHS: Final = (
    Kind.MEAN,
    Kind.SD,
    Kind.INTERVAL,
    Kind.EFFECT,
    Kind.POOLED,
    Kind.ESTIMATE,
    Kind.AGREEMENT,
)
_CENTRE: Final = (("mean", "sd"), ("mean_change", "sd_change"))

Key = tuple[Any, ...]


def breaches(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Where printed tables break a rule that can be seen, a sentence each."""
    found = []
    for table in RELEASE_TABLES:
        if table.name not in tables:
            found.append(f"{table.name} is missing")
            continue
        if tables[table.name].schema != table.table.frame_schema:
            found.append(f"{table.name} has other columns than a release of this version has")
            continue
        for row in tables[table.name].iter_rows(named=True):
            found += [f"{table.name}, {_named(table, row)}: {why}" for why in _of_row(table, row)]
    return found or list(_not_of_printed(tables))


def _not_of_printed(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Tables that are made of another, which are not what that one gives."""
    paired = PAIRED_CHANGE.rows(tables[PAIRED_CHANGE.name])
    for table, make in (
        (POOLED_CHANGE, pooled_change),
        (ORGANISATION_CHANGE, organisation_change),
    ):
        if not table.frame(make(paired)).equals(tables[table.name]):
            yield f"{table.name} does not follow from {PAIRED_CHANGE.name}"


def appeared_and_vanished(
    earlier: Mapping[str, pl.DataFrame], later: Mapping[str, pl.DataFrame]
) -> list[str]:
    """Figures that are confidential in one release and printed in the other, a sentence each.

    Where the group hardly changed meanwhile, the printed one says what the other does not.
    """
    found = []
    for table in RELEASE_TABLES:
        if table.name not in earlier or table.name not in later:
            continue
        before, after = (_by_key(table, tables[table.name]) for tables in (earlier, later))
        for key in before.keys() & after.keys():
            for field in _figures(table):
                then, now = (rows[key][f"{field.name}_note"] for rows in (before, after))
                if (then == Note.CONFIDENTIAL) != (now == Note.CONFIDENTIAL):
                    where = "earlier" if now == Note.CONFIDENTIAL else "later"
                    name = _named(table, after[key])
                    found.append(
                        f"{table.name}, {name}: {field.name} is printed in the {where} one only"
                    )
    return sorted(found)


def _figures(table: ReleaseTable) -> list[Field]:
    return [field for field in table.fields if field.is_figure]


def _by_key(table: ReleaseTable, frame: pl.DataFrame) -> dict[Key, dict[str, Any]]:
    return {
        tuple(row[name] for name in table.table.key): row for row in frame.iter_rows(named=True)
    }


def _named(table: ReleaseTable, row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in table.table.key)


def _of_row(table: ReleaseTable, row: Mapping[str, Any]) -> Iterator[str]:
    for field in _figures(table):
        value, note = row[field.name], row[f"{field.name}_note"]
        if (value is None) == (note is None):
            yield f"{field.name} must have either a value or a note"
        elif value is None:
            if note not in set(Note):
                yield f"{field.name}_note is none of c, x and z"
        elif field.kind is Kind.COUNT and (value % RULES.rounded_to or value < RULES.fewest):
            yield f"{field.name} is not rounded to {RULES.rounded_to}, or below {RULES.fewest}"
        elif field.kind in _IN_TENTHS and abs(10 * value - round(10 * value)) > 1e-6:
            yield f"{field.name} has more than one decimal"
    yield from _intervals(row)


def _intervals(row: Mapping[str, Any]) -> Iterator[str]:
    for mean, sd in _CENTRE:
        given = [row.get(name) for name in ("n", mean, sd, "ci_low", "ci_high")]
        match given:
            case int(n), float(centre), float(spread), float(low), float(high):
                interval = t_interval(n, centre, spread)
            case _:
                continue
        printed = (round(10 * low), round(10 * high))
        if interval is None or (tenths(interval.low), tenths(interval.high)) != printed:
            yield f"the interval does not follow from n, {mean} and {sd}"

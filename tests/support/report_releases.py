"""Releases for tests of what is made of them: ordinary ones, and those at the edge of nothing."""

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl
from small_evaluation import frames, officers

from pipeline.programme import Programme, parse_programme
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.report.context import About

ABOUT = About(release="2026-spring", as_of=date(2026, 1, 1), version="0.1.0", simulated=True)
SIZES = {"north": 60, "south": 45, "east": 80, "west": 34, "small": 12, "tiny": 3}

Tables = Mapping[str, pl.DataFrame]


@cache
def ordinary() -> Tables:
    """Four organisations with rows of their own, two pooled, three waves, two arms."""
    return frames(officers(SIZES, 7)).release().tables


def nothing_yet() -> Tables:
    """Every table is there and none has a row."""
    return {table.name: table.table.empty() for table in RELEASE_TABLES}


def all_left_out() -> Tables:
    """The same rows, every figure confidential."""
    return {
        name: frame.with_columns(
            *(
                pl.lit(None, dtype=frame.schema[figure]).alias(figure)
                for figure in frame.columns
                if f"{figure}_note" in frame.columns
            ),
            *(pl.lit("c").alias(note) for note in frame.columns if note.endswith("_note")),
        )
        for name, frame in ordinary().items()
    }


def only_baseline() -> Tables:
    """Nobody has answered at any later wave."""
    people = officers(SIZES, 7, answering=(0.9, 0.0, 0.0))
    return frames(people).release().tables


def renamed(name: str, organisation: str = "east") -> Tables:
    """An organisation whose full name is this."""
    areas = ordinary()["areas"].with_columns(
        name=pl.when(organisation=organisation).then(pl.lit(name)).otherwise("name")
    )
    return {**ordinary(), "areas": areas}


def many(n: int = 66) -> Tables:
    """So many organisations, each with rows of its own, their names as long as real ones are."""
    tables = {}
    areas = [f"force-{i:02d}" for i in range(n)]
    for table, frame in ordinary().items():
        if "organisation" not in frame.columns or table in {"areas", "organisation_change"}:
            tables[table] = frame
            continue
        one = frame.filter(organisation="east")
        rest = frame.filter(pl.col("organisation") != "east")
        copies = [
            _moved(one.with_columns(organisation=pl.lit(area)), i) for i, area in enumerate(areas)
        ]
        tables[table] = pl.concat([*copies, rest])
    tables["areas"] = pl.DataFrame(
        {
            "organisation": areas,
            "name": [f"Simulated {area.capitalize()} Constabulary" for area in areas],
            "shown_as": areas,
        }
    )
    return tables


def _moved(frame: pl.DataFrame, by: int) -> pl.DataFrame:
    """Changes a little different in each organisation, so that a chart has something to sort."""
    shift = (by * 7 % 31 - 15) / 10
    moved = [c for c in ("mean_change", "ci_low", "ci_high") if "mean_change" in frame.columns]
    return frame.with_columns(pl.col(c) + shift for c in moved).with_columns(
        pl.col(c).round(1) for c in moved
    )


def without_comparison() -> Programme:
    return parse_programme(
        """
programme: supervision
title: Simulated supervision
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 70}
  - {wave: session_10, due_after_days: 140}
"""
    )

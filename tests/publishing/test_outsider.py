"""What an outsider's check finds in printed tables."""

from collections.abc import Mapping

import polars as pl
import pytest
from small_evaluation import frames, officers

from pipeline.publishing.outsider import appeared_and_vanished, breaches

Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return frames(officers({"north": 90, "south": 70}, 3)).release().tables


def _first_changed(tables: Tables, **columns: float | str | None) -> dict[str, pl.DataFrame]:
    """Other cells in the first row of wave_summary that is printed."""
    summary = tables["wave_summary"]
    first = pl.int_range(pl.len()) == summary["n"].is_not_null().arg_max()
    return {
        **tables,
        "wave_summary": summary.with_columns(
            pl.when(first)
            .then(pl.lit(value))
            .otherwise(name)
            .cast(summary.schema[name])
            .alias(name)
            for name, value in columns.items()
        ),
    }


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"n": 53}, "n is not rounded to 5, or below 10"),
        ({"n": 5}, "n is not rounded to 5, or below 10"),
        ({"mean": 25.25}, "mean has more than one decimal"),
        ({"sd": 49.0}, "the interval does not follow from n, mean and sd"),
        ({"n": None}, "n must have either a value or a note"),
        ({"mean_note": "c"}, "mean must have either a value or a note"),
        ({"n": None, "n_note": "q"}, "n_note is none of c, x and z"),
    ],
)
def test_a_broken_rule_is_a_sentence(
    tables: Tables, columns: dict[str, float | str | None], sentence: str
) -> None:
    assert breaches(tables) == []
    found = breaches(_first_changed(tables, **columns))
    assert any(found_.endswith(sentence) for found_ in found)


def test_missing_and_foreign_tables(tables: Tables) -> None:
    less = {name: table for name, table in tables.items() if name != "retention"}
    assert breaches(less) == ["retention is missing"]
    other = {**tables, "areas": tables["areas"].rename({"name": "nom"})}
    assert breaches(other) == ["areas has other columns than a release of this version has"]


def test_a_table_that_does_not_follow_from_its_source() -> None:
    sizes = {"north": 200, "south": 180, "east": 190}
    tables = frames(officers(sizes, 3, answering=(0.9, 0.8, 0.6))).release().tables
    assert breaches(tables) == []
    pooled = tables["pooled_change"]
    assert pooled["estimate"].is_not_null().any()
    other = {**tables, "pooled_change": pooled.with_columns(pl.col("estimate") + 0.1)}
    assert breaches(other) == ["pooled_change does not follow from paired_change"]


def test_what_is_printed_in_one_release_only(tables: Tables) -> None:
    assert appeared_and_vanished(tables, tables) == []
    other = _first_changed(tables, n=None, n_note="c")
    assert len(appeared_and_vanished(tables, other)) == 1
    assert "in the earlier one only" in appeared_and_vanished(tables, other)[0]
    assert "in the later one only" in appeared_and_vanished(other, tables)[0]

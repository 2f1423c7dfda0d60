"""Accounts of what releases were made from: hashes of contents, and sentences on differences."""

import copy
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import tables
from pipeline.publishing.provenance import changed_since, content_hash, inputs_of, settings_hash

ACCOUNT: dict[str, Any] = {
    "inputs": [
        {
            "submission_id": f"north--answers--{i}",
            "organisation": "north",
            "source": "answers",
            "kind": "questionnaire",
            "sha256": f"{i}" * 64,
            "verdict": "accepted",
            "mapping_sha256": "a",
        }
        for i in range(12)
    ],
    "programme_sha256": "p",
    "rules": {"fewest": 10, "rounded_to": 5},
    "code": {"version": "1.0", "commit": None, "sha256": "c" * 64},
    "software": {"python": "3.11.9", "polars": "2.1.0"},
}


def _first(account: dict[str, Any], **other: str) -> None:
    account["inputs"][0].update(other)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda a: a["inputs"].pop(), "Submissions that are not in the lake any more: north--"),
        (lambda a: _first(a, verdict="held"), "(was accepted, is held)"),
        (lambda a: _first(a, mapping_sha256="b"), "Mapping files that were edited: north/answers"),
        (lambda a: a.update(programme_sha256="q"), "programme.yaml was edited"),
        (lambda a: a["rules"].update(fewest=5), "The rules of disclosure control are others: fewe"),
        (lambda a: a["code"].update(sha256="d" * 64, commit="e" * 40), "commit eeeeeeeeeeee"),
        (lambda a: a["software"].update(polars="2.2.0"), "polars (was 2.1.0, is 2.2.0)"),
        (lambda a: a["inputs"].clear(), "and 4 more"),
    ],
)
def test_a_difference_is_a_sentence(edit: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    now = copy.deepcopy(ACCOUNT)
    edit(now)
    assert changed_since(ACCOUNT, ACCOUNT) == []
    (found,) = changed_since(ACCOUNT, now)
    assert sentence in found


def test_a_later_submission_that_counts_is_named() -> None:
    before = copy.deepcopy(ACCOUNT)
    gone = before["inputs"].pop()
    (found,) = changed_since(before, ACCOUNT)
    assert found.endswith(f"count for that day: {gone['submission_id']}")


def test_inputs_have_the_hash_of_the_file_and_no_name_of_it() -> None:
    row = {
        "submission_id": "north--answers--0123",
        "organisation": "north",
        "source": "answers",
        "sha256": "0123",
        "file_name": "a-name-of-somebody.csv",
        "received_at": datetime(2026, 1, 1),
        "rows_read": 7,
        "verdict": "accepted",
        "decided_by": "contract",
    }
    submissions = tables.SUBMISSIONS.conform(pl.DataFrame([row]))
    (found,) = inputs_of(submissions, {("north", "answers"): "of the mapping"})
    assert found["sha256"] == "0123"
    assert found["mapping_sha256"] == "of the mapping"
    assert not {"file_name", "rows_read"} & found.keys()
    (unmapped,) = inputs_of(submissions, {})
    assert unmapped["mapping_sha256"] is None


@given(st.lists(st.tuples(st.integers(0, 99), st.floats(-9, 9).map(lambda f: round(f, 1)))))
def test_contents_have_one_hash_whatever_holds_them(rows: list[tuple[int, float]]) -> None:
    schema = {"n": pl.Int32, "mean": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    for compression in ("zstd", "lz4"):
        file = BytesIO()
        frame.write_parquet(file, compression=compression)
        file.seek(0)
        assert content_hash(pl.read_parquet(file)) == content_hash(frame)
    more = pl.concat([frame, pl.DataFrame([(1, None)], schema=schema, orient="row")])
    assert content_hash(more) != content_hash(frame)


def test_settings_are_the_same_in_another_order() -> None:
    assert settings_hash({"a": 1, "b": [2]}) == settings_hash({"b": [2], "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})

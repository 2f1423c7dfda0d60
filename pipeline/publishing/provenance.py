"""What a release was made from, as its manifest says it, and how two such accounts differ.

What belongs here: hashes of contents, and sentences about what is not the same any more. What stays
out: hashing files (`pipeline/storage/releases.py`) and working a past state out
(`pipeline/reproducing.py`). No count of rows or officers is in an account: it is handed on.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

Account = Mapping[str, Any]
"""The part of a manifest that says from what a release was made."""

_INPUT: Final = ("submission_id", "organisation", "source", "kind", "sha256", "verdict")


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 of a table's cells as text: the same whatever wrote the file they lie in."""
    return hashlib.sha256(frame.write_csv(null_value="").encode("utf-8")).hexdigest()


def settings_hash(settings: object) -> str:
    """SHA-256 of settings as JSON can hold them, whatever their comments and layout."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def inputs_of(
    submissions: pl.DataFrame, mappings: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """One entry a submission of `tables.SUBMISSIONS`, with the hash of its landing file.

    `mappings` is the hash of each mapping file by organisation and source. File names stay out:
    names of people occur in them.
    """
    return [
        {**row, "mapping_sha256": mappings.get((row["organisation"], row["source"]))}
        for row in submissions.select(_INPUT).sort("submission_id").iter_rows(named=True)
    ]


def changed_since(then: Account, now: Account) -> list[str]:
    """Sentences on what is not as it was when a release was made; empty if nothing is."""
    return [
        *_of_inputs(then["inputs"], now["inputs"]),
        *_of_settings(then, now),
        *_of_code(then, now),
    ]


def _of_inputs(
    then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    before, after = ({row["submission_id"]: row for row in rows} for rows in (then, now))
    if gone := sorted(before.keys() - after.keys()):
        yield f"Submissions that are not in the lake any more: {_listed(gone)}"
    if new := sorted(after.keys() - before.keys()):
        yield f"Submissions that came later but count for that day: {_listed(new)}"
    both = sorted(before.keys() & after.keys())
    decided = [
        f"{name} (was {before[name]['verdict']}, is {after[name]['verdict']})"
        for name in both
        if before[name]["verdict"] != after[name]["verdict"]
    ]
    if decided:
        yield f"Verdicts that are others now: {_listed(decided)}"
    mapped = sorted(
        {
            f"{after[name]['organisation']}/{after[name]['source']}"
            for name in both
            if before[name]["mapping_sha256"] != after[name]["mapping_sha256"]
        }
    )
    if mapped:
        yield f"Mapping files that were edited: {_listed(mapped)}"


def _of_settings(then: Account, now: Account) -> Iterator[str]:
    if then["programme_sha256"] != now["programme_sha256"]:
        yield "programme.yaml was edited; put the one of that day in its place to compare"
    if then["rules"] != now["rules"]:
        names = sorted(
            name
            for name in then["rules"].keys() | now["rules"].keys()
            if then["rules"].get(name) != now["rules"].get(name)
        )
        yield f"The rules of disclosure control are others: {_listed(names)}"


def _of_code(then: Account, now: Account) -> Iterator[str]:
    if then["code"]["sha256"] != now["code"]["sha256"]:
        yield (
            f"Muster is another: the release was made by {_version(then['code'])}, this is "
            f"{_version(now['code'])}"
        )
    software = [
        f"{name} (was {then['software'].get(name)}, is {version})"
        for name, version in now["software"].items()
        if then["software"].get(name) != version
    ]
    if software:
        yield f"Libraries of other versions: {_listed(software)}"


def _version(code: Mapping[str, Any]) -> str:
    commit = f", commit {code['commit'][:12]}" if code["commit"] else ""
    return f"version {code['version']}{commit} (code {code['sha256'][:12]})"


_LISTED: Final = 8


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")

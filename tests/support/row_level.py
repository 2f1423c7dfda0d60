"""Random simulated submissions, judged twice: by contracts on profiles, and by Great Expectations
on their rows.

The second way knows no rule, profile or contract of Muster's: what a sound row is and what share of
unsound ones is too large is written out here again. Great Expectations looks at the rows of all
submissions in one run, since each run costs half a second, and says which rows fail; a row may fail
several expectations and counts once.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from checks.contract import contracts
from checks.judge import judge
from pipeline.intake import take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Thresholds, parse_programme
from pipeline.quality.profile import measures
from pipeline.quality.standing import enrolment_of, shares_unlinked
from pipeline.quality.verdicts import verdicts_of
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.submissions import Record

RECEIVED_ON = date(2025, 3, 1)
PROGRAMME = """
programme: parity
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 140}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
"""
ANSWERS = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "*"
delivery: incremental
participant: Number
wave: {column: Wave, values: {Start: baseline, End: session_10}}
instruments: {phq4: {columns: "Q{item}"}}
columns: {completed_on: Done}
consent: {column: Agreed, agreed: ["yes"]}
"""
ROSTER = """
organisation: simulated-force-01
source: roster
kind: roster
files: "*"
participant: Number
columns: {enrolled_on: Joined}
"""
ON_ROSTER = [f"SIM{n:05d}" for n in range(400)]
WORST_LAST = ("accepted", "accepted_with_warnings", "held", "rejected")

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Judged:
    """Verdict of each submission, by name, in both ways."""

    by_profile: dict[str, str]
    by_row: dict[str, str]

    @property
    def differing(self) -> list[str]:
        return [name for name, verdict in self.by_profile.items() if self.by_row[name] != verdict]

    def count(self, verdict: str) -> int:
        return list(self.by_row.values()).count(verdict)


def random_submissions(seed: int, n: int) -> dict[str, Rows]:
    """Files of one to twenty-five officers; in some nothing is wrong, in others nearly all is."""
    rng = np.random.default_rng(seed)
    return {f"{place:06d}": _submission(rng) for place in range(n)}


def _submission(rng: np.random.Generator) -> Rows:
    size, bad = int(rng.integers(1, 26)), float(rng.choice([0, 0, 0.03, 0.2, 0.3, 0.7]))
    strangers, refusals = rng.choice([0, 0, 0.1, 0.4]), rng.choice([0, 0, 0.2, 1])
    numbers = rng.choice(len(ON_ROSTER), size, replace=False)
    has_more = rng.random() < 0.2
    rows = []
    for place, number in enumerate(numbers):
        row = {
            "Number": ON_ROSTER[number] if rng.random() >= strangers else f"SIM9{place:04d}",
            "Wave": str(rng.choice(["Start", "End"])),
            "Done": str(rng.choice(["2025-01-06", "2025-03-01", ""])),
            **{f"Q{item}": str(rng.integers(0, 4)) for item in range(1, 5)},
            "Agreed": "yes" if rng.random() >= refusals else str(rng.choice(["no", ""])),
            "Extra": "said more" if has_more else "",
        }
        rows.append({**row, **(_faults(rng) if rng.random() < bad else {})})
    return rows


def _faults(rng: np.random.Generator) -> dict[str, str]:
    """One or two faults of a row, and so many blank items that they are one or are none."""
    faults = [
        [("Number", "")],
        [("Wave", str(rng.choice(["", "Middle"])))],
        [("Done", "2025-03-02")],
        [(f"Q{rng.integers(1, 5)}", str(rng.choice(["4", "-1", "12"])))],
        [(f"Q{item}", "") for item in range(1, int(rng.integers(2, 6)))],
    ]
    chosen = rng.choice(len(faults), int(rng.integers(1, 3)), replace=False)
    return {column: cell for place in chosen for column, cell in faults[place]}


def judged_both_ways(seed: int, n: int, row_limits: dict[str, float] | None = None) -> Judged:
    """`n` random submissions; `row_limits` takes the place of the limits of the second way."""
    submissions = random_submissions(seed, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Great Expectations itself imports
        return Judged(by_profile(submissions), by_row(submissions, row_limits or LIMITS))


def _record(name: str) -> Record:
    return Record.model_validate(
        {
            "submission_id": name,
            "organisation": "simulated-force-01",
            # Each is the first file of its source: trends compare files, and rows know no others.
            "source": f"answers-{name}",
            "kind": "questionnaire",
            "delivery": "incremental",
            "file_name": "answers.csv",
            "sha256": "0" * 64,
            "received_at": datetime(2025, 3, 1, tzinfo=UTC),
            "modified_at": datetime(2025, 3, 1, tzinfo=UTC),
            "fingerprint": "0",
        }
    )


def by_profile(submissions: dict[str, Rows]) -> dict[str, str]:
    """What Muster makes of the files: read, pseudonymised, judged, profiled, held to a contract."""
    programme = parse_programme(PROGRAMME, "programme.yaml")
    key = Pseudonymiser((bytes(32),), "parity", programme.identifiers)

    def mapped(text: str) -> Mapping:
        return parse_mapping(text, "sources/simulated-force-01/x.yaml", programme)

    listed = "\n".join(["Number,Joined", *(f"{number},2025-01-02" for number in ON_ROSTER)])
    roster = take_in(listed.encode(), mapped(ROSTER), programme, key, RECEIVED_ON).accepted
    enrolment = enrolment_of(roster.with_columns(known_as="participant_id"))
    mapping = mapped(ANSWERS)
    records, profiles, sent = [], [], []
    for name, rows in submissions.items():
        has = [heading for heading in rows[0] if heading != "Extra" or rows[0]["Extra"]]
        lines = [has, *([row[heading] for heading in has] for row in rows)]
        text = "\n".join(",".join(line) for line in lines)
        taken = take_in(text.encode(), mapping, programme, key, RECEIVED_ON)
        here = pl.lit(name).alias("submission_id")
        records.append(_record(name).model_copy(update={"columns_unknown": taken.columns_unknown}))
        profiles.append(taken.profile.with_columns(here))
        sent.append(taken.accepted.select("participant_id", "organisation").with_columns(here))
    frame = pl.DataFrame([record.model_dump(mode="json") for record in records])
    frame = frame.with_columns(pl.lit(None, pl.List(pl.String)).alias("columns_beside"))
    measured = measures(
        frame, pl.concat(profiles), shares_unlinked(pl.concat(sent), enrolment), waves=["baseline"]
    )
    (contract,) = [c for c in contracts() if c.contract == "questionnaire_phq4"]
    results = judge(contract, measured, programme.thresholds)
    expected = frame.select("submission_id", pl.lit(contract.contract).alias("contract"))
    verdicts = verdicts_of(records, results, expected)
    return dict(verdicts.select("submission_id", "verdict").iter_rows())


LIMITS = {"warn": 0.0, "hold": 0.25, "reject": 0.60, "unlinked": 0.20}
"""The limits of a new programme, written out again."""


def by_row(submissions: dict[str, Rows], limits: dict[str, float]) -> dict[str, str]:
    """What Great Expectations makes of the rows, all submissions in one frame and one run."""
    frame = pl.DataFrame(
        [
            {"submission": name, "row": place, **row}
            for name, rows in submissions.items()
            for place, row in enumerate(rows)
        ]
    ).with_columns(pl.col(pl.String).replace("", None))
    agreed = frame.filter(Agreed="yes")
    items = [pl.col(f"Q{item}").cast(pl.Int64) for item in range(1, 5)]
    cells = agreed.with_columns(
        *items,
        pl.col("Done").str.to_datetime("%Y-%m-%d"),
        pl.sum_horizontal(item.is_not_null() for item in items).alias("Answered"),
    )
    unsound = _failing_rows(cells, _of_rows())
    sound = cells.join(
        pl.DataFrame(sorted(unsound), {"submission": pl.String, "row": pl.Int64}, orient="row"),
        on=["submission", "row"],
        how="anti",
    )
    unlinked = _failing_rows(sound, _of_sound_rows())
    more = _failing_rows(frame, _of_files())
    return {
        name: _verdict(
            judged=agreed.filter(submission=name).height,
            unsound=sum(1 for submission, _ in unsound if submission == name),
            unlinked=sum(1 for submission, _ in unlinked if submission == name),
            has_more=any(submission == name for submission, _ in more),
            limits=limits,
        )
        for name in submissions
    }


def _verdict(
    *, judged: int, unsound: int, unlinked: int, has_more: bool, limits: dict[str, float]
) -> str:
    share = unsound / judged if judged else 0.0
    strangers = unlinked / (judged - unsound) if judged > unsound else 0.0
    if judged == 0 or share > limits["reject"]:
        return "rejected"
    if share > limits["hold"] or strangers > limits["unlinked"]:
        return "held"
    return "accepted_with_warnings" if share > limits["warn"] or has_more else "accepted"


def _of_rows() -> list[Any]:
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToNotBeNull(column="Number"),
        gxe.ExpectColumnValuesToNotBeNull(column="Wave"),
        gxe.ExpectColumnValuesToBeInSet(column="Wave", value_set=["Start", "End"]),
        gxe.ExpectColumnValuesToBeBetween(column="Done", max_value=datetime(2025, 3, 1)),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=f"Q{item}", min_value=0, max_value=3)
            for item in range(1, 5)
        ),
        gxe.ExpectColumnValuesToBeBetween(column="Answered", min_value=2),
    ]


def _of_sound_rows() -> list[Any]:
    import great_expectations.expectations as gxe

    return [gxe.ExpectColumnValuesToBeInSet(column="Number", value_set=ON_ROSTER)]


def _of_files() -> list[Any]:
    import great_expectations.expectations as gxe

    return [gxe.ExpectColumnValuesToBeNull(column="Extra")]


def _failing_rows(cells: pl.DataFrame, expectations: list[Any]) -> set[tuple[str, int]]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("rows")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("rows")
        .get_batch(batch_parameters={"dataframe": cells.to_pandas()})
    )
    result = batch.validate(
        gx.ExpectationSuite(name="rows", expectations=expectations),
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["submission", "row"],
        },
    )
    failing: set[tuple[str, int]] = set()
    for outcome in result.results:
        assert outcome.exception_info.get("raised_exception") is False, outcome.exception_info
        for index in outcome.result.get("unexpected_index_list") or ():
            failing.add((index["submission"], int(index["row"])))
    return failing


def thresholds_are_those_of_a_new_programme() -> bool:
    """Whether LIMITS says what Muster's defaults say."""
    new = Thresholds()
    return (new.quarantined_warn, new.quarantined_hold, new.quarantined_reject) == (
        LIMITS["warn"],
        LIMITS["hold"],
        LIMITS["reject"],
    ) and new.unlinked_hold == LIMITS["unlinked"]

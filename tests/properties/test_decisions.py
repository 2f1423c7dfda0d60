"""Whatever stewards decide: every row of every submission is accounted for, and rules hold."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import canonical_rows
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import reference
from pipeline.intake import ACCEPTED, WAIVED
from pipeline.programme import parse_programme
from pipeline.quality.decisions import (
    Decision,
    ever_waived,
    known_decisions,
    let_in_by,
    waivers_in_force,
    waivers_of,
)
from pipeline.quality.disappeared import KEYS, counts, disappeared, replaced_files
from pipeline.quality.judgement import Split, split
from pipeline.quality.rules import RULES, Circumstances, is_waivable
from pipeline.quality.standing import STANDING_FINDINGS, Enrolment, standing_responses
from pipeline.quality.verdicts import (
    CHECK_RESULTS,
    counting,
    quarantine,
    rejected_rows,
    submissions,
    verdicts_of,
)
from pipeline.submissions import Record
from pipeline.vocabulary import DecisionAction, Kind, Severity, Verdict

PROGRAMME = parse_programme(reference.example_programme().replace("[proqol5]", "[proqol5, phq4]"))
PHQ4 = reference.instruments()["phq4"]
RECEIVED = date(2026, 6, 30)
LEFT_ON = date(2026, 6, 15)
FILES = ("a", "b", "c")

ENROLMENT = Enrolment(
    pl.DataFrame({"participant_id": ["v1-a", "v1-b"], "enrolled_on": [date(2026, 1, 1)] * 2}),
    frozenset({"cumbria"}),
)
LEFT = pl.DataFrame({"participant_id": ["v1-b"], "departed_on": [LEFT_ON]})

rows = st.fixed_dictionaries(
    {
        "participant_id": st.sampled_from(["v1-b", "v1-b", "v1-a", "v1-unknown", None]),
        "is_test": st.sampled_from([False, False, False, True]),
        "wave": st.sampled_from(["baseline", "baseline", "baseline", "session_5", None]),
        "completed_on": st.sampled_from(
            [date(2026, 6, 20), date(2026, 6, 1), date(2026, 7, 2), date(2025, 1, 1), None]
        ),
        "items": st.sampled_from(
            [(0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3), (0, None, None, None), (9, 1, 2, 3)]
        ),
    }
)
files = st.fixed_dictionaries(
    {
        "rows": st.lists(rows, max_size=4),
        "failed": st.sampled_from([None, None, None, "accepted_with_warnings", "held", "rejected"]),
        "unreadable": st.sampled_from([False, False, False, True]),
    }
)
WAIVABLE = tuple(sorted(name for name in RULES if is_waivable(name)))
waivers_of_a_row = st.sampled_from(
    [(), WAIVABLE, (*WAIVABLE, "participant_not_enrolled", "wave_unknown"), WAIVABLE[:3]]
)
whole = st.sampled_from([None, None, None, DecisionAction.ACCEPT, DecisionAction.RETURN])
ends = st.sampled_from([date(2026, 7, 31), date(2026, 12, 31)])


@st.composite
def rulings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What was said of each file and of each row, in any order."""
    said: list[dict[str, Any]] = []
    for submission_id in FILES:
        action = draw(whole)
        if action is not None:
            said.append({"submission_id": submission_id, "action": action})
        for row_number in range(2, 6):
            until = draw(ends)
            said += [
                {
                    "submission_id": submission_id,
                    "action": DecisionAction.WAIVE,
                    "row_number": row_number,
                    "rule": rule,
                    "until": until,
                }
                for rule in draw(waivers_of_a_row)
            ]
    return draw(st.permutations(said))


def judged(said: dict[str, Any], waived: frozenset[tuple[int, str]]) -> Split:
    made = [
        {
            **{name: row[name] for name in ("participant_id", "is_test", "wave", "completed_on")},
            "row_number": number,
            "home_force": "cumbria",
            "unrecognised": [],
            "duration_seconds": None,
            "instrument": "phq4",
            **{f"item_{n}": item for n, item in enumerate(row["items"], start=1)},
        }
        for number, row in enumerate(said["rows"], start=2)
    ]
    circumstances = Circumstances(PROGRAMME, RECEIVED, PHQ4)
    frame = pl.DataFrame(made, schema=canonical_rows.TYPES)
    return split(frame, Kind.QUESTIONNAIRE, circumstances, waived)


def stored(frame: pl.DataFrame, schema: pl.Schema, submission_id: str) -> pl.DataFrame:
    items = [f"item_{number}" for number in range(1, 5)]
    return frame.with_columns(
        pl.lit("cumbria").alias("organisation"),
        pl.lit(None, pl.String).alias("arm"),
        pl.lit(None, pl.String).alias("gender"),
        pl.concat_list(pl.col(items).cast(pl.UInt8, strict=False)).alias("items"),
        pl.sum_horizontal(pl.col(items).is_not_null().cast(pl.Int32)).alias("items_answered"),
    ).select(
        *(pl.col(name).cast(dtype) for name, dtype in schema.items()),
        pl.lit(submission_id).alias("submission_id"),
        pl.lit(FILES.index(submission_id), pl.Int32).alias("arrived"),
    )


def record_of(submission_id: str, said: dict[str, Any], split_: Split, delivery: str) -> Record:
    unreadable = said["unreadable"]
    read, sound = len(said["rows"]), split_.accepted.height
    return Record.model_validate(
        {
            "submission_id": submission_id,
            "organisation": "cumbria",
            "source": "phq",
            "kind": "questionnaire",
            "delivery": delivery,
            "file_name": "***.csv",
            "sha256": submission_id,
            "received_at": datetime(2026, 6, 30, tzinfo=UTC),
            "modified_at": datetime(2026, 6, 30, tzinfo=UTC),
            "fingerprint": "f",
            "problem": "the file is empty" if unreadable else None,
            "rows_read": None if unreadable else read,
            "rows_accepted": None if unreadable else sound,
            "rows_quarantined": None if unreadable else read - sound,
            "rows_withdrawn": None if unreadable else 0,
        }
    )


def contract_results(said: dict[str, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "submission_id": submission_id,
                "contract": "phq",
                "expectation": "e",
                "column_name": "m",
                "severity": file["failed"] or "held",
                "passed": file["failed"] is None,
                "sentence": "why",
            }
            for submission_id, file in said.items()
            if not file["unreadable"]
        ],
        schema=CHECK_RESULTS,
    )


@settings(deadline=None, max_examples=150)
@given(
    st.lists(files, min_size=1, max_size=3),
    rulings(),
    st.sampled_from(["cumulative", "incremental"]),
    st.sampled_from([date(2026, 7, 1), date(2026, 8, 15), date(2027, 1, 1)]),
    st.sampled_from([None, None, 0, 1]),
)
def test_every_row_is_accounted_for_whatever_is_decided(
    given_files: list[dict[str, Any]],
    given_rulings: list[dict[str, Any]],
    delivery: str,
    as_of: date,
    known_days: int | None,
) -> None:
    said = dict(zip(FILES, given_files, strict=False))
    every = [
        Decision(
            decision=number,
            decided_at=datetime(2026, 7, 1, number // 60, number % 60, tzinfo=UTC),
            steward="data.steward",
            reason="because",
            **ruling,
        )
        for number, ruling in enumerate(given_rulings, start=1)
    ]
    known_at = None if known_days is None else RECEIVED + timedelta(days=known_days)
    known = known_decisions(every, known_at)
    waivers = waivers_in_force(known, as_of)
    splits = {i: judged(file, ever_waived(every).get(i, frozenset())) for i, file in said.items()}
    records = [record_of(i, said[i], splits[i], delivery) for i in said]

    results = contract_results(said)
    verdicts = verdicts_of(records, results, results.select("submission_id", "contract"), known)
    count = counting(verdicts)
    accepted = {i: stored(splits[i].accepted, ACCEPTED[Kind.QUESTIONNAIRE], i) for i in said}
    schema = {**ACCEPTED[Kind.QUESTIONNAIRE], "submission_id": pl.String(), "arrived": pl.Int32()}
    nothing = pl.DataFrame(schema=schema)
    let_in = let_in_by(
        waivers,
        pl.concat(
            [
                stored(splits[i].waived, WAIVED, i)
                if splits[i].waived.height
                else pl.DataFrame(
                    schema={**WAIVED, "submission_id": pl.String(), "arrived": pl.Int32()}
                )
                for i in count
            ]
            or [pl.DataFrame(schema={**schema, "needs_waiver": pl.List(pl.String)})]
        ),
    )
    standing = standing_responses(
        pl.concat([nothing, *(accepted[i] for i in count)]),
        ENROLMENT,
        LEFT,
        PROGRAMME,
        waivers=waivers,
        let_in=let_in,
    )
    replaced = replaced_files(verdicts)
    readable = [i for i in said if not said[i]["unreadable"]]
    findings = {
        i: splits[i].findings.with_columns(pl.lit(i).alias("submission_id")) for i in readable
    }
    key = ["submission_id", "arrived", "row_number", *KEYS[Kind.QUESTIONNAIRE]]
    newest = sorted(set(replaced.values()))
    gone = disappeared(
        Kind.QUESTIONNAIRE,
        pl.concat([nothing, *(accepted[i] for i in replaced)]).select(key),
        pl.concat([nothing, *(accepted[i] for i in newest)]).select(key),
        pl.concat(
            [STANDING_FINDINGS.to_frame()]
            + [findings[i].select(STANDING_FINDINGS.names()) for i in newest]
        ),
        replaced,
    )

    listed = submissions(
        records,
        verdicts,
        standing.findings,
        standing.superseded,
        standing.counting.group_by("submission_id").len("rows_accepted"),
        waivers=waivers,
        let_in=let_in,
        disappeared=counts(gone, replaced),
    )

    parts = ("accepted", "quarantined", "superseded", "held", "withdrawn")
    for row in listed.iter_rows(named=True):
        if row["rows_read"] is None:
            assert {row[f"rows_{name}"] for name in parts} == {None}
        else:
            assert min(row[f"rows_{name}"] for name in parts) >= 0
            assert sum(row[f"rows_{name}"] for name in parts) == row["rows_read"]

    rejected = verdicts.filter(pl.col("verdict") == Verdict.REJECTED)["submission_id"]
    kept = quarantine(
        [
            standing.findings,
            gone,
            *findings.values(),
            rejected_rows(
                verdicts,
                pl.concat([nothing, *(accepted[i] for i in rejected if i in readable)]),
            ),
        ],
        standing.counting,
        verdicts,
        ever_waived=waivers_of(known),
        waivers=waivers,
        let_in=let_in,
    )
    in_force = set(waivers.iter_rows())
    for row in standing.counting.iter_rows(named=True):
        place = (row["submission_id"], row["row_number"])
        broke = kept.filter(
            (pl.col("submission_id") == place[0])
            & (pl.col("row_number") == place[1])
            & (pl.col("severity") == Severity.REJECT)
        )
        assert set(broke["status"]) <= {"waived"}
        for rule in broke["rule"]:
            assert is_waivable(rule)
            assert (*place, rule) in in_force
            assert rule in row["flags"]
    assert not standing.counting.select("participant_id", "wave").is_duplicated().any()

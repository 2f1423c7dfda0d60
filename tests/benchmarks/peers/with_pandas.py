"""A peer: what an analyst would write with pandas and Great Expectations, a file at a time.

Usage: with_pandas.py HOME. Every questionnaire file is read, its answers are turned into numbers,
officers' numbers are hashed under a key, Great Expectations validates the frame, sound rows are
scored, the newest answer of an officer and wave counts, and groups are summed up and written to
Parquet. No follow-up, no quarantine, no privacy beyond the hash, nothing incremental: less than
Muster does. Prints the seconds, imports excluded, and what was read, for comparison.
"""

import hashlib
import hmac
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig

KEY = b"a key of this benchmark alone"
WORDS = {"never": 1, "rarely": 2, "sometimes": 3, "often": 4, "very often": 5}
ITEMS = [f"Q4_{item}" for item in range(1, 31)]
REVERSED = [1, 4, 15, 17, 29]
SUBSCALES = {
    "compassion_satisfaction": [3, 6, 12, 16, 18, 20, 22, 24, 27, 30],
    "burnout": [1, 4, 8, 10, 15, 17, 19, 21, 26, 29],
    "secondary_traumatic_stress": [2, 5, 7, 9, 11, 13, 14, 23, 25, 28],
}
WAVES = {
    "Baseline": "baseline",
    "Session 5": "session_5",
    "Session 7": "session_7",
    "Session 10": "session_10",
}


def read(path: Path) -> pd.DataFrame:
    how = {"dtype": str, "keep_default_na": False}
    try:
        rows = pd.read_csv(path, encoding="utf-8", **how)
    except UnicodeDecodeError:
        rows = pd.read_csv(path, encoding="latin-1", **how)
    # The second and third records of a Qualtrics file are the questions and its own names.
    rows = rows.iloc[2:].reset_index(drop=True)
    rows.insert(0, "organisation", path.parent.name)
    return rows


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "organisation": rows["organisation"],
            "participant_id": [
                hmac.new(KEY, number.strip().upper().encode(), hashlib.sha256).hexdigest()[:20]
                for number in rows["ExternalReference"]
            ],
            "wave": rows["Wave"].str.strip().map(WAVES),
            "completed_on": pd.to_datetime(
                rows["RecordedDate"], format="%d/%m/%Y %H:%M", errors="coerce"
            ),
        }
    )
    answers = rows[ITEMS].apply(
        lambda column: column.str.strip().str.lower().map(WORDS).astype("float64")
    )
    return pd.concat([made, answers], axis=1)


def contract() -> tuple[BatchDefinition, gx.ExpectationSuite]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("exports")
        .add_dataframe_asset("export")
        .add_batch_definition_whole_dataframe("whole")
    )
    suite = gx.ExpectationSuite(
        name="questionnaire",
        expectations=[
            gx.expectations.ExpectTableRowCountToBeBetween(min_value=1),
            gx.expectations.ExpectColumnValuesToNotBeNull(column="participant_id"),
            gx.expectations.ExpectColumnValuesToNotBeNull(column="wave", mostly=0.9),
            gx.expectations.ExpectColumnValuesToBeInSet(
                column="wave", value_set=list(WAVES.values())
            ),
            gx.expectations.ExpectColumnValuesToNotBeNull(column="completed_on", mostly=0.9),
            *(
                gx.expectations.ExpectColumnValuesToBeBetween(column=item, min_value=1, max_value=5)
                for item in ITEMS
            ),
        ],
    )
    return batch, context.suites.add(suite)


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    keyed = rows[ITEMS].copy()
    for item in REVERSED:
        keyed[f"Q4_{item}"] = 6 - keyed[f"Q4_{item}"]
    for subscale, items in SUBSCALES.items():
        rows[subscale] = keyed[[f"Q4_{item}" for item in items]].sum(axis=1, skipna=False)
    return rows


def main() -> None:
    warnings.simplefilter("ignore")
    files = sorted(Path(sys.argv[1]).glob("landing/*/*.csv"))
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        batch, suite = contract()
        frames, failed, read_rows = [], 0, 0
        for path in files:
            frame = prepared(read(path))
            read_rows += len(frame)
            result = batch.get_batch({"dataframe": frame}).validate(suite)
            failed += not result.success
            frames.append(frame[frame["wave"].notna() & frame["completed_on"].notna()])
        rows = scored(pd.concat(frames, ignore_index=True))
        counting = rows.sort_values("completed_on").drop_duplicates(
            ["participant_id", "wave"], keep="last"
        )
        counting.to_parquet(Path(folder) / "responses.parquet")
        summary = (
            counting.melt(
                id_vars=["organisation", "wave"], value_vars=[*SUBSCALES], var_name="subscale"
            )
            .groupby(["organisation", "wave", "subscale"])["value"]
            .agg(["count", "mean", "std"])
        )
        summary.to_parquet(Path(folder) / "summary.parquet")
        seconds = time.monotonic() - started
    print(
        json.dumps(
            {
                "seconds": seconds,
                "files": len(files),
                "rows": read_rows,
                "responses": len(counting),
                "failed": failed,
                "burnout": float(counting["burnout"].mean()),
            }
        )
    )


if __name__ == "__main__":
    main()

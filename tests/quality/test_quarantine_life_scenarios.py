"""The life of a quarantined row over days, as a domain expert can read (quarantine_life)."""

import csv
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.intake import ACCEPTED, WAIVED, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme
from pipeline.quality.decisions import (
    Decision,
    ever_waived,
    let_in_by,
    waivers_in_force,
    waivers_of,
)
from pipeline.quality.judgement import FINDINGS
from pipeline.quality.standing import enrolment_of, standing_registers, standing_responses
from pipeline.quality.verdicts import (
    CHECK_RESULTS,
    REGISTERED,
    counting,
    quarantine,
    verdicts_of,
)
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.submissions import Record
from pipeline.vocabulary import DecisionAction, Delivery, Kind, QuarantineStatus

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "quarantine_life"
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
COLUMNS = {
    "completed": "completed_on",
    "enrolled": "enrolled_on",
    "gender": "gender",
    "session": "session_number",
    "attended": "attended",
    "departed": "departed_on",
    "why": "departure_kind",
}
DONE = {
    "waived": DecisionAction.WAIVE,
    "returned": DecisionAction.RETURN,
    "accepted": DecisionAction.ACCEPT,
}
NO_CONTRACTS = pl.DataFrame(schema={"submission_id": pl.String, "contract": pl.String})
NOBODY = pl.DataFrame(
    schema={"participant_id": pl.String, "known_as": pl.String, "organisation": pl.String}
    | {"enrolled_on": pl.Date}
)
NOBODY_LEFT = pl.DataFrame(schema={"participant_id": pl.String, "departed_on": pl.Date})


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


class Life:
    """One source, day by day: what a run of that day makes of what is known by then."""

    def __init__(self, folder: Path, programme: Programme) -> None:
        self.programme = programme
        self.files = {f.stem.partition("-")[0]: f for f in folder.glob("[0-9]*.csv")}
        (kind,) = {f.stem.partition("-")[2] for f in self.files.values()}
        self.kind = Kind(kind)
        self.mapping = self._mapping()
        self.records: list[Record] = []
        self.decisions: list[Decision] = []
        first = rows_of(self.files["1"])
        (self.row,) = [n for n, row in enumerate(first, start=2) if row["followed"]]
        self.rule: str | None = None

    def _mapping(self) -> Mapping:
        said: dict[str, Any] = {
            "organisation": "cumbria",
            "source": self.kind.value,
            "kind": self.kind.value,
            "files": "*",
            "participant": "officer",
        }
        headings = rows_of(self.files["1"])[0]
        said["columns"] = {COLUMNS[name]: name for name in headings if name in COLUMNS}
        if self.kind == Kind.QUESTIONNAIRE:
            said["instruments"] = {"phq4": {"columns": "q{item}"}}
            spellings = {"baseline": "baseline", "after session 5": "session_5"}
            said["wave"] = {"column": "wave", "values": spellings}
        return parse_mapping(yaml.safe_dump(said), "life", self.programme)

    def happens(self, what: str, until: str, day: date) -> None:
        name, _, act = what.partition(" ")
        moment = datetime.combine(day, time(9), UTC)
        if act == "arrives":
            self.records.append(
                Record(
                    submission_id=name,
                    organisation="cumbria",
                    source=self.kind.value,
                    kind=self.kind,
                    delivery=Delivery.CUMULATIVE,
                    file_name="x.csv",
                    sha256=name,
                    received_at=moment,
                    modified_at=moment,
                    fingerprint=name,
                )
            )
        elif act:
            of_a_row = act == "waived"
            self.decisions.append(
                Decision(
                    decision=len(self.decisions) + 1,
                    decided_at=moment,
                    submission_id=name,
                    action=DONE[act],
                    steward="a.steward",
                    reason="as the scenario says",
                    row_number=self.row if of_a_row else None,
                    rule=self.rule if of_a_row else None,
                    until=date.fromisoformat(until) if until else None,
                )
            )

    def status(self, day: date) -> str:
        """The status of the row that is followed, after a run of that day."""
        key = Pseudonymiser((b"k" * 32,), "life", self.programme.identifiers)
        lets_in = ever_waived(self.decisions)
        taken = {
            record.submission_id: take_in(
                self.files[record.submission_id].read_bytes(),
                self.mapping,
                self.programme,
                key,
                record.received_at.date(),
                waived=lets_in.get(record.submission_id, frozenset()),
            )
            for record in self.records
        }
        verdicts = verdicts_of(self.records, CHECK_RESULTS.to_frame(), NO_CONTRACTS, self.decisions)
        ids = counting(verdicts)

        def of(name: str, schema: pl.Schema, submissions: list[str]) -> pl.DataFrame:
            frames = [
                frame.select(schema.names()).with_columns(
                    pl.lit(i).alias("submission_id"), pl.lit(place, pl.Int32).alias("arrived")
                )
                for place, i in enumerate(submissions)
                if (frame := getattr(taken[i], name)) is not None
            ]
            nothing = pl.DataFrame(
                schema={**schema, "submission_id": pl.String, "arrived": pl.Int32}
            )
            return pl.concat([nothing, *frames])

        waivers = waivers_in_force(self.decisions, day)
        accepted = of("accepted", ACCEPTED[self.kind], ids)
        let_in = let_in_by(waivers, of("waived", WAIVED, ids))
        responses = of("accepted", ACCEPTED[Kind.QUESTIONNAIRE], [])
        registers = REGISTERED.to_frame()
        if self.kind == Kind.QUESTIONNAIRE:
            standing = standing_responses(
                accepted,
                enrolment_of(NOBODY),
                NOBODY_LEFT,
                self.programme,
                waivers=waivers,
                let_in=let_in,
            )
            responses = standing.counting
        else:
            known = accepted.with_columns(known_as="participant_id", contradicting=False)
            roster = known if self.kind == Kind.ROSTER else self._enrolled(known)
            standing = standing_registers(self.kind, known, enrolment_of(roster))
            session = (
                pl.col("session_number") if self.kind == Kind.ATTENDANCE else pl.lit(None, pl.Int32)
            )
            registers = standing.counting.with_columns(
                pl.lit(self.kind.value).alias("kind"), session.alias("session_number")
            ).select(REGISTERED.names())
        found = of("findings", FINDINGS, [r.submission_id for r in self.records])
        kept = quarantine(
            [found, standing.findings],
            responses,
            verdicts,
            ever_waived=waivers_of(self.decisions),
            waivers=waivers,
            let_in=let_in,
            registers=registers,
            sources=verdicts.select(
                "submission_id",
                pl.lit("cumbria").alias("organisation"),
                pl.lit(self.kind.value).alias("kind"),
            ),
        )
        followed = kept.filter(submission_id="1", row_number=self.row, severity="reject")
        (self.rule,) = followed["rule"].unique()
        (status,) = followed["status"].unique()
        return str(status)

    def _enrolled(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(enrolled_on=date(2026, 1, 2))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_row_has_each_day_the_status_listed(folder: Path, programme: Programme) -> None:
    life = Life(folder, programme)
    found, listed = [], []
    for line in rows_of(folder / "life.csv"):
        day = date.fromisoformat(line["day"])
        life.happens(line["happens"], line["until"], day)
        found.append((line["day"], life.status(day)))
        listed.append((line["day"], line["status"]))
    assert found == listed


def test_the_scenarios_cover_every_status_decision_and_kind() -> None:
    assert len(FOLDERS) == 14
    lines = [line for folder in FOLDERS for line in rows_of(folder / "life.csv")]
    assert {line["status"] for line in lines} == {*QuarantineStatus}
    assert {line["happens"].partition(" ")[2] for line in lines} == {"", "arrives", *DONE}
    kinds = {file.stem.partition("-")[2] for file in SCENARIOS.glob("*/[0-9]*.csv")}
    assert kinds == {*Kind}

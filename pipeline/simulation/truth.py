"""What is true of a simulation: people, faults, realised and expected changes.

What belongs here: the answers that a pipeline's results are held against, worked out without any
of its rooms. What stays out: anything a pipeline may read; the truth lies beside landing.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.quality.rules import RULES
from pipeline.reference import ethnicity_groups
from pipeline.simulation.codes import ELEMENTS
from pipeline.simulation.faults import accepted
from pipeline.simulation.plan import INSTRUMENT, PROGRAMME_ARM, WAITING_LIST_ARM
from pipeline.simulation.population import SUBSCALES, Population, expected_change, scores_of
from pipeline.simulation.records import ITEM_COLUMNS, Sheet
from pipeline.vocabulary import EnrolmentSource, Kind

_ARMS: Final = (PROGRAMME_ARM, WAITING_LIST_ARM)

README: Final = """# Truth of the simulated exports

Nothing here is real, and nothing here is read by `muster run`. It holds identifiers (invented
ones) so that a search for them can show where they must not be.

| file | one row | holds |
| --- | --- | --- |
| `people.csv` | an officer | every identifier, where they are enrolled, what became of them |
| `faults.csv` | a row that breaks a row rule, for each wave concerned | where, and which rule |
| `changes.csv` | organisation, arm, wave and subscale | mean change among those with both scores |
| `codes.csv` | a response of an officer who gives a code | whose it is, and the code as written |
| `expected.json` | | expected change under the model if nobody drops out |

- `people.csv`: `organisation` enrols the officer: the earlier of two rosters, on the same day the
  first by name. `also_reported_by` lists the officer too; only the force's questionnaires hold
  their answers. `enrolment_source` is blank for those whom nobody can see: an organisation without
  a roster, and no sound answer. `left_at` is the first wave missed for good, where it is over.
  `named_in_file` is true for the officer whose name stands in a file's name. `enrolled_on` is
  blank where the only roster's cell is unreadable.
- `faults.csv`: `row_number` is the number a spreadsheet shows; header records count. The row that
  is named is the one that loses: the later of two responses (the first complete one counts), the
  later of two enrolments, the earlier of two attendances or departures (the last row counts).
  In a wide file one row stands for several waves, each on its own line. `wave` is blank where the
  row does not say it. Rows that break a `warn` rule are accepted. `officer_number` is as written.
- `changes.csv`: later minus earlier raw score of sound accepted responses with all ten items
  answered at both waves; digits enough to give back the exact number.
- `expected.json`: `in_general` is over organisations that might have been drawn, `organisations`
  given the shift each one did draw; session groups are averaged over in both.

Identifiers also stand where nobody would look for them: in the name of a questionnaire file, in a
column `Remarks` of wide files, in comments (which mappings name, so that they are redacted and wait
for a steward), and beside the officer's number in registers.
"""


class TruthKeeper:
    """Collects, file by file, what is known to be true."""

    def __init__(self, population: Population) -> None:
        self._population = population
        waves = population.plan.programme_waves
        self._waves = [wave.wave for wave in waves]
        self._scores = np.full(
            (population.officers.height, len(waves), len(SUBSCALES)), -1, dtype=np.int16
        )
        self._responded = np.zeros(population.officers.height, dtype=np.bool_)
        self._unreadable_enrolment: list[int] = []
        self._named_in_file: list[str] = []
        self._faults: list[pl.DataFrame] = []
        self._codes: list[pl.DataFrame] = []

    def note(self, sheet: Sheet, row_numbers: pl.Series) -> None:
        """Remember a sheet as it was written, with the row number of each of its rows."""
        if sheet.kind == Kind.QUESTIONNAIRE:
            rows = accepted(sheet.rows)
            officer, wave = rows["officer"].to_numpy(), rows["wave_place"].to_numpy()
            items = rows.select(pl.col(ITEM_COLUMNS).fill_null(0).cast(pl.UInt8)).to_numpy()
            self._scores[officer, wave] = scores_of(items)
            self._responded[officer] = True
            if sheet.organisation.gives_codes:
                self._codes.append(_codes_of(sheet, row_numbers))
            if sheet.organisation.file_named_after_officer:
                self._named_in_file += [n for n in rows["name"].unique() if n in sheet.file_name]
        if sheet.kind == Kind.ROSTER:
            unreadable = sheet.rows.filter(fault="enrolled_on_not_recognised")
            self._unreadable_enrolment += unreadable["officer"].to_list()
        self._faults.append(_faults_of(sheet, row_numbers))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every file of the truth folder."""
        yield "README.md", README.encode()
        yield "people.csv", self._people().write_csv().encode()
        yield "faults.csv", pl.concat(self._faults).write_csv().encode()
        if self._codes:
            yield "codes.csv", pl.concat(self._codes).write_csv().encode()
        yield "changes.csv", self._changes().write_csv().encode()
        expected = json.dumps(self._expected(), indent=2) + "\n"
        yield "expected.json", expected.encode()

    def _people(self) -> pl.DataFrame:
        rosters = [o.has_registers for o in self._population.organisations]
        listed = self._population.officers["place"].replace_strict(
            list(range(len(rosters))), rosters, return_dtype=pl.Boolean
        )
        source = (
            pl.when(listed)
            .then(pl.lit(EnrolmentSource.ROSTER.value))
            .when(pl.Series(self._responded))
            .then(pl.lit(EnrolmentSource.FIRST_RESPONSE.value))
        )
        readable = ~pl.col("officer").is_in(self._unreadable_enrolment) & listed
        return self._population.officers.select(
            pl.col("number").alias("officer_number"),
            "name",
            "email",
            "ip",
            "organisation",
            "home_force",
            "also_reported_by",
            "unit",
            "session_group",
            "facilitator",
            "cohort",
            "arm",
            pl.col("rank").alias("rank_group"),
            "service_years",
            "gender",
            pl.col("ethnicity")
            .str.to_lowercase()
            .replace_strict(dict(ethnicity_groups()))
            .alias("ethnicity_group"),
            source.alias("enrolment_source"),
            # The enrolling roster's day, which is the earliest.
            pl.when(readable)
            .then(pl.min_horizontal("enrolled_on", "enrolled_by_unit_on"))
            .alias("enrolled_on"),
            pl.when(listed).then("departed_on").alias("departed_on"),
            pl.when(listed).then("departure_kind").alias("departure_kind"),
            pl.when(listed).then("sessions_attended").alias("sessions_attended"),
            "waves_answered",
            "left_at",
            pl.col("name").is_in(self._named_in_file).alias("named_in_file"),
        )

    def _changes(self) -> pl.DataFrame:
        officers = self._population.officers
        names = sorted(o.organisation for o in self._population.organisations)
        place = officers["organisation"].replace_strict(
            names, list(range(len(names))), return_dtype=pl.Int64
        )
        cell = place.to_numpy() * 2 + (officers["arm"] == WAITING_LIST_ARM).to_numpy()
        frames = []
        for w in range(1, len(self._waves)):
            for s, subscale in enumerate(SUBSCALES):
                before, after = self._scores[:, 0, s], self._scores[:, w, s]
                both = (before >= 0) & (after >= 0)
                change = (after - before)[both].astype(np.int64)
                n = np.bincount(cell[both], minlength=2 * len(names))
                # Whole numbers far below 2**53: these float sums are exact.
                total = np.bincount(cell[both], change, 2 * len(names)).astype(np.int64)
                frames.append(
                    _with_totals(names, n, total).with_columns(
                        pl.lit(self._waves[0]).alias("from_wave"),
                        pl.lit(self._waves[w]).alias("to_wave"),
                        pl.lit(subscale).alias("subscale"),
                    )
                )
        if not frames:
            return pl.DataFrame(schema=dict.fromkeys(_CHANGES, pl.String))
        mean = (pl.col("total") / pl.col("n")).map_elements(
            lambda value: f"{value:.17g}", return_dtype=pl.String
        )
        return pl.concat(frames).with_columns(mean.alias("mean_change")).select(_CHANGES)

    def _expected(self) -> dict[str, Any]:
        population = self._population
        later = self._waves[1:]
        shifts = population.answers.organisation_shift
        return {
            "instrument": INSTRUMENT,
            "from_wave": self._waves[0],
            "assumes": "the simulated model, with nobody dropping out",
            "in_general": [
                {
                    "arm": arm,
                    "to_wave": wave,
                    "subscale": subscale,
                    "expected_change": expected_change(subscale, self._waves[0], wave, arm=arm),
                }
                for arm in _ARMS
                for wave in later
                for subscale in SUBSCALES
            ],
            "organisations": [
                {
                    "organisation": organisation.organisation,
                    "arm": arm,
                    "shift_per_burnout_item": float(shift),
                    "to_wave": wave,
                    "subscale": subscale,
                    "expected_change": expected_change(
                        subscale, self._waves[0], wave, arm=arm, organisation_shift=float(shift)
                    ),
                }
                for organisation, shift in zip(population.organisations, shifts, strict=True)
                for arm in (_ARMS if organisation.has_waiting_list else _ARMS[:1])
                for wave in later
                for subscale in SUBSCALES
            ],
        }


_CHANGES: Final = ("organisation", "arm", "from_wave", "to_wave", "subscale", "n", "mean_change")


def _with_totals(
    names: list[str], n: npt.NDArray[np.int64], total: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """Counts and sums by organisation and arm, `all` included; only those with anybody."""
    by_arm = pl.DataFrame(
        {
            "organisation": np.repeat(names, 2),
            "arm": np.tile(_ARMS, len(names)),
            "n": n,
            "total": total,
        }
    )
    frames = [by_arm]
    for totals in ({"arm"}, {"organisation"}, {"organisation", "arm"}):
        lit = [pl.lit("all").alias(name) for name in sorted(totals)]
        frames.append(
            by_arm.with_columns(lit)
            .group_by("organisation", "arm", maintain_order=True)
            .agg(pl.col("n", "total").sum())
        )
    return pl.concat(frames).filter(pl.col("n") > 0).sort("organisation", "arm")


def _codes_of(sheet: Sheet, row_numbers: pl.Series) -> pl.DataFrame:
    return sheet.rows.select(
        pl.lit(sheet.organisation.organisation).alias("organisation"),
        pl.lit(sheet.source).alias("source"),
        row_numbers.alias("row_number"),
        "wave",
        pl.col("number").alias("officer_number"),
        *(element.name for element in ELEMENTS),
    )


def _faults_of(sheet: Sheet, row_numbers: pl.Series) -> pl.DataFrame:
    answers = sheet.kind == Kind.QUESTIONNAIRE
    severities = {name: rule.severity.value for name, rule in RULES.items()}
    known_wave = pl.when(pl.col("wave") != "").then("wave") if answers else pl.lit(None, pl.String)
    return (
        sheet.rows.with_columns(row_numbers.alias("row_number"))
        .filter(pl.col("fault").is_not_null())
        .select(
            pl.lit(sheet.organisation.organisation).alias("organisation"),
            pl.lit(sheet.source).alias("source"),
            pl.lit(sheet.file_name).alias("file"),
            "row_number",
            known_wave.alias("wave"),
            pl.lit(INSTRUMENT if answers else None, pl.String).alias("instrument"),
            pl.col("fault").alias("rule"),
            pl.col("fault").replace_strict(severities).alias("severity"),
            pl.col("number").alias("officer_number"),
        )
        .sort("row_number", "wave", "rule", nulls_last=True)
    )

"""What one organisation knows, one frame a kind, before it is spelled in anybody's layout.

What belongs here: neutral rows and which file each goes into. What stays out: columns and
spellings of an export (`exports.py`), and rows that are wrong (`faults.py`).

Every frame has `officer` (row of the population), `number`, `home_force`, `luck` (uniform, 0 to 1,
for spellings), `reported_twice`, and what `faults.py` fills in: `place` (order in the file) and
`fault` (the rule that the row breaks, null if it is sound).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.simulation import identities
from pipeline.simulation.codes import draw_codes, given_codes, in_words
from pipeline.simulation.plan import INSTRUMENT, Layout, SimulatedOrganisation
from pipeline.simulation.population import ITEMS, Population, stream
from pipeline.vocabulary import DepartureKind, Kind

ITEM_COLUMNS = tuple(f"item_{number}" for number in range(1, ITEMS + 1))


_SUFFIXES = {Layout.MICROSOFT_FORMS: "xlsx", Layout.SPSS: "sav"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one file to be written. `waves` are those that its layout has room for."""

    organisation: SimulatedOrganisation
    kind: Kind
    source: str
    file_name: str
    pattern: str
    rows: pl.DataFrame
    waves: tuple[str, ...] = field(default=())

    @property
    def layout(self) -> Layout | None:
        """The survey platform's layout; None for registers."""
        return self.organisation.layout if self.kind == Kind.QUESTIONNAIRE else None


def sheets_of(population: Population, organisation: SimulatedOrganisation) -> Iterator[Sheet]:
    """Every file that an organisation sends, registers first; none without rows."""
    if organisation.has_registers:
        for kind, rows in (
            (Kind.ROSTER, _roster(population, organisation)),
            (Kind.ATTENDANCE, _attendance(population, organisation)),
            (Kind.DEPARTURES, _departures(population, organisation)),
        ):
            if rows.height:
                name = kind.value
                yield Sheet(organisation, kind, name, f"{name}.csv", f"{name}*.csv", rows)
    responses = _responses(population, organisation)
    if responses.is_empty():
        return
    waves = tuple(wave.wave for wave in population.plan.programme_waves)
    suffix = _SUFFIXES.get(organisation.layout, "csv")
    if organisation.layout == Layout.QUALTRICS_NUMERIC or population.plan.a_file_a_wave:
        for wave in waves:
            of_wave = _in_order(responses.filter(wave=wave), "completed_on", "officer")
            if of_wave.height:
                yield Sheet(
                    organisation,
                    Kind.QUESTIONNAIRE,
                    f"{INSTRUMENT}-{wave}",
                    f"{INSTRUMENT}_{wave}.{suffix}",
                    f"{INSTRUMENT}_{wave}*.{suffix}",
                    of_wave,
                    (wave,),
                )
        return
    wide = organisation.layout == Layout.WIDE_CSV
    ordered = _in_order(responses, *(("officer",) if wide else ("completed_on", "officer")))
    file_name, pattern = f"{INSTRUMENT}.{suffix}", f"{INSTRUMENT}*.{suffix}"
    if organisation.file_named_after_officer:
        person = responses.row(0, named=True)["name"]
        file_name, pattern = f"ProQOL export {person}.{suffix}", f"ProQOL export *.{suffix}"
    yield Sheet(organisation, Kind.QUESTIONNAIRE, INSTRUMENT, file_name, pattern, ordered, waves)


def _in_order(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    if by:
        rows = rows.sort(by, maintain_order=True)
    return rows.with_columns(
        pl.int_range(pl.len()).cast(pl.Float64).alias("place"),
        pl.lit(None, pl.String).alias("fault"),
    )


def _with_luck(
    rows: pl.DataFrame, population: Population, organisation: SimulatedOrganisation, kind: Kind
) -> pl.DataFrame:
    rng = stream(population.plan.seed, f"{kind} of {organisation.organisation}")
    return rows.with_columns(pl.Series("luck", rng.random(rows.height)))


def _officers(population: Population, organisation: SimulatedOrganisation) -> pl.DataFrame:
    rows = population.rows_of(organisation)
    return population.officers[rows].with_columns(
        (pl.col("unit_place") >= 0).alias("reported_twice")
    )


def _roster(population: Population, organisation: SimulatedOrganisation) -> pl.DataFrame:
    own = _officers(population, organisation)
    # Officers whom the force reports as well, with the group of the force they sit in.
    shared = population.officers.filter(unit_place=organisation.place).with_columns(
        pl.col("enrolled_by_unit_on").alias("enrolled_on"), pl.lit(True).alias("reported_twice")
    )
    rows = pl.concat([own, shared]).select(
        "officer",
        "number",
        "home_force",
        "reported_twice",
        "name",
        "email",
        "unit",
        "session_group",
        "facilitator",
        "cohort",
        "arm",
        "rank",
        "service_years",
        "gender",
        "ethnicity",
        "enrolled_on",
    )
    return _in_order(_with_luck(rows, population, organisation, Kind.ROSTER))


def _attendance(population: Population, organisation: SimulatedOrganisation) -> pl.DataFrame:
    """A row for every officer and session that was due to be held by the as-of date."""
    own = population.rows_of(organisation)
    held_on = population.held_on[own]
    as_of = np.datetime64(population.plan.as_of).astype(np.int64)
    officer, session = np.nonzero(held_on <= as_of)
    rows = _officers(population, organisation)[officer].select(
        "officer",
        "number",
        "home_force",
        "reported_twice",
        "name",
        "session_group",
        pl.Series("session_number", session + 1),
        pl.Series("held_on", held_on[officer, session]).cast(pl.Int32).cast(pl.Date),
        pl.Series("cancelled", population.cancelled[own][officer, session]),
        pl.Series("attended", population.attended[own][officer, session]),
    )
    lucky = _with_luck(rows, population, organisation, Kind.ATTENDANCE)
    return _in_order(lucky, "held_on", "officer")


_TRANSFERRED: Final = 0.5
"""Of those who leave an organisation, the share whose list says where they went."""


def _departures(population: Population, organisation: SimulatedOrganisation) -> pl.DataFrame:
    forces = [o.organisation for o in population.organisations if not o.is_unit]
    rows = (
        _officers(population, organisation)
        .filter(pl.col("departed_on").is_not_null())
        .select(
            "officer",
            "number",
            "home_force",
            "reported_twice",
            "name",
            "departed_on",
            "departure_kind",
        )
    )
    lucky = _with_luck(rows, population, organisation, Kind.DEPARTURES)
    # Nobody else is numbered so: strangers in faults take the serials in between.
    serials = lucky["officer"].to_numpy().astype(np.int64) + 2 * population.plan.participants
    went = (pl.col("departure_kind") == DepartureKind.LEFT_ORGANISATION) & (
        pl.col("luck") < _TRANSFERRED
    )
    force = pl.Series([forces[i % len(forces)] for i in serials.tolist()], dtype=pl.String)
    number = identities.officer_numbers(population.plan.seed, serials)
    return _in_order(
        lucky.with_columns(
            pl.when(went).then(force).alias("new_force"),
            pl.when(went).then(number).alias("new_number"),
        ),
        "departed_on",
        "officer",
    )


def _responses(population: Population, organisation: SimulatedOrganisation) -> pl.DataFrame:
    """A row for every officer and wave answered, with the facts that faults turn on."""
    own = population.rows_of(organisation)
    officer, wave = np.nonzero(population.answered[own])
    items = population.answers.items[own][officer, wave]
    rng = stream(population.plan.seed, f"clock of {organisation.organisation}")
    n = len(officer)
    names = pl.Series([w.wave for w in population.plan.programme_waves], dtype=pl.String)
    answers = pl.DataFrame(items, schema=list(ITEM_COLUMNS), orient="row").cast(pl.Int16)
    rows = (
        _officers(population, organisation)[officer]
        .select(
            "officer",
            "number",
            "home_force",
            "reported_twice",
            "given",
            "family",
            "name",
            "email",
            "ip",
            "facilitator",
            "arm",
            "enrolled_on",
            "departed_on",
            names.gather(wave).alias("wave"),
            pl.Series("wave_place", wave),
            pl.Series("completed_on", population.completed_on[own][officer, wave])
            .cast(pl.Int32)
            .cast(pl.Date),
            # Seconds since midnight, in working hours; 30 items take a sound reader minutes.
            pl.Series("clock", rng.integers(8 * 3600, 19 * 3600, n)),
            pl.Series("duration_seconds", rng.integers(150, 900, n)),
            pl.Series("complete", (items > 0).all(axis=1)),
            pl.lit(False).alias("is_preview"),
        )
        .hstack(
            answers.select(
                pl.when(pl.col(item) > 0).then(pl.col(item)).alias(item) for item in ITEM_COLUMNS
            )
        )
    )
    if organisation.gives_codes:
        rows = rows.hstack(in_words(_codes(population, organisation)[officer, wave]))
    return _with_luck(rows, population, organisation, Kind.QUESTIONNAIRE)


def _codes(population: Population, organisation: SimulatedOrganisation) -> npt.NDArray[np.int64]:
    """(officers, waves, elements): the code that each officer would give at each wave."""
    plan = population.plan
    if plan.codes is None:
        raise ValueError("only a plan with codes has officers who give them")
    rng = stream(plan.seed, f"codes of {organisation.organisation}")
    return given_codes(
        rng, draw_codes(rng, organisation.size), len(plan.programme_waves), plan.codes
    )

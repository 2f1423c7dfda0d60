"""Realistic exports with known truth, for the demo, for tests and for benchmarks.

What belongs here: invented people, what they would answer, and the files that survey platforms
would write about them. What stays out: the disk (`simulate` yields files) and the clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from pipeline.programme_schema import PROGRAMME_SCHEMA_LINE
from pipeline.reading.mapping_schema import SCHEMA_LINE
from pipeline.simulation.exports import export
from pipeline.simulation.faults import FaultPlanter
from pipeline.simulation.plan import Layout, SimulationPlan, organisations_of, programme_of
from pipeline.simulation.population import (
    Scores,
    draw_population,
    draw_scores,
    expected_change,
    expected_score,
)
from pipeline.simulation.records import sheets_of
from pipeline.simulation.truth import TruthKeeper

__all__ = [
    "Layout",
    "Scores",
    "SimulatedFile",
    "SimulationPlan",
    "draw_scores",
    "expected_change",
    "expected_score",
    "simulate",
]


@dataclass(frozen=True, slots=True)
class SimulatedFile:
    """A file and where it belongs, relative to the home folder."""

    path: PurePosixPath
    content: bytes


def simulate(plan: SimulationPlan) -> Iterator[SimulatedFile]:
    """Every file of a simulated home folder; the same plan gives the same bytes.

    Yields `programme.yaml`, then for each organisation its mappings under `sources/` and its
    exports under `landing/`, then `truth/`, which says what a pipeline should find in them.
    """
    programme = programme_of(plan, organisations_of(plan))
    declared = _yaml(programme.model_dump(mode="json", exclude_unset=True))
    yield _file("programme.yaml", f"{PROGRAMME_SCHEMA_LINE}\n".encode() + declared)
    population = draw_population(plan)
    planter, truth = FaultPlanter(population), TruthKeeper(population)
    for organisation in population.organisations:
        name = organisation.organisation
        for sound in sheets_of(population, organisation):
            sheet = planter.plant(sound) if plan.faults and not organisation.gives_codes else sound
            written = export(sheet, plan.as_of, plan.seed)
            truth.note(sheet, written.row_numbers)
            mapping = f"{SCHEMA_LINE}\n".encode() + _yaml(written.mapping)
            yield _file(f"sources/{name}/{sheet.source}.yaml", mapping)
            yield _file(f"landing/{name}/{sheet.file_name}", written.content)
    for file_name, content in truth.files():
        yield _file(f"truth/{file_name}", content)


def _file(path: str, content: bytes) -> SimulatedFile:
    return SimulatedFile(PurePosixPath(path), content)


def _yaml(declared: object) -> bytes:
    return yaml.safe_dump(declared, sort_keys=False, allow_unicode=True).encode()

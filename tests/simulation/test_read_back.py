"""Every layout that is simulated reads back as what was drawn, whatever its size and encoding."""

import struct
from datetime import date

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.programme import Programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.mapping import parse_mapping
from pipeline.simulation.exports import Export, export
from pipeline.simulation.plan import Layout, SimulationPlan, organisations_of, programme_of
from pipeline.simulation.population import draw_population
from pipeline.simulation.records import ITEM_COLUMNS, Sheet, sheets_of
from pipeline.vocabulary import Kind

AS_OF = date(2026, 6, 30)
BINARY = {Layout.MICROSOFT_FORMS, Layout.SPSS}
FACTS = ["row_number", "identifier", "wave", "completed_on", *ITEM_COLUMNS]


def files(layout: Layout, participants: int, seed: int) -> list[tuple[Sheet, Export, Programme]]:
    plan = SimulationPlan(
        as_of=AS_OF,
        organisations=5,
        participants=participants,
        seed=seed,
        faults=False,
        layouts=(layout,),
    )
    population = draw_population(plan)
    programme = programme_of(plan, organisations_of(plan))
    return [
        (sheet, export(sheet, AS_OF, seed), programme)
        for organisation in population.organisations
        for sheet in sheets_of(population, organisation)
        if sheet.kind == Kind.QUESTIONNAIRE
    ]


def read_back(content: bytes, written: Export, programme: Programme) -> Reading:
    mapping = parse_mapping(yaml.safe_dump(written.mapping), "sources/x.yaml", programme)
    return read(content, mapping, programme)


def drawn(sheet: Sheet, written: Export) -> list[tuple[object, ...]]:
    rows = sheet.rows.with_columns(written.row_numbers.alias("row_number"))
    return in_order(rows.rename({"number": "identifier"}))


def found(reading: Reading) -> list[tuple[object, ...]]:
    return in_order(pl.concat(block.rows for block in reading.blocks))


def in_order(rows: pl.DataFrame) -> list[tuple[object, ...]]:
    return rows.select(FACTS).sort("row_number", "wave").rows()


@pytest.mark.parametrize("layout", Layout)
@settings(max_examples=4, deadline=None)
@given(participants=st.integers(15, 90), seed=st.integers(0, 2**16))
def test_every_answer_reads_back(layout: Layout, participants: int, seed: int) -> None:
    compared = 0
    for sheet, written, programme in files(layout, participants, seed):
        reading = read_back(written.content, written, programme)
        assert found(reading) == drawn(sheet, written)
        assert not any(block.rows["is_test"].any() for block in reading.blocks)
        compared += sheet.rows.height
    assert compared


@pytest.mark.parametrize("layout", [layout for layout in Layout if layout not in BINARY])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_and_so_it_does_in_every_encoding(layout: Layout, encoding: str, ends: str) -> None:
    for sheet, written, programme in files(layout, 20, seed=7):
        text = written.content.decode().replace("\n", ends)
        reading = read_back(text.encode(encoding), written, programme)
        assert found(reading) == drawn(sheet, written)


def test_an_spss_file_carries_no_clock_and_its_header_is_whole() -> None:
    for _, written, _ in files(Layout.SPSS, 20, seed=7):
        # After 84 bytes: the bias of compression, a number; then day and time of creation.
        assert struct.unpack_from("<d", written.content, 84) == (100.0,)
        assert written.content[92:109] == b"30 Jun 2600:00:00"


def test_the_comparison_would_see_one_answer_that_is_not_the_one_drawn() -> None:
    sheet, written, programme = files(Layout.JISC, 20, seed=7)[0]
    cells = written.content.decode().splitlines()
    first = cells[1].rpartition(",")
    cells[1] = f"{first[0]},{1 + int(first[2] or 0) % 5}"
    reading = read_back("\n".join(cells).encode(), written, programme)
    assert found(reading) != drawn(sheet, written)

"""What tests of reading share: a programme, workbooks, and files made of rows."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from odd_files import Cell, book

from pipeline import reference
from pipeline.programme import Programme, parse_programme
from pipeline.reading.mapping import Mapping, parse_mapping


@pytest.fixture(scope="session")
def programme() -> Programme:
    text = (
        reference.example_programme()
        .replace("[proqol5]", "[proqol5, phq4]")
        .replace("arms: [programme]", "arms: [programme, Waiting-List]")
    )
    return parse_programme(text)


@pytest.fixture(scope="session")
def mapped(programme: Programme) -> Callable[[str], Mapping]:
    def parse(text: str) -> Mapping:
        return parse_mapping(text, "sources/cumbria/test.yaml", programme)

    return parse


@pytest.fixture(scope="session")
def workbook() -> Callable[..., bytes]:
    def make(rows: Sequence[Sequence[Cell]], day_format: str = "dd/mm/yyyy") -> bytes:
        return book(rows, day_format=day_format)

    return make


@pytest.fixture(scope="session")
def delimited() -> Callable[..., bytes]:
    def make(rows: Sequence[Sequence[str]], delimiter: str = ",") -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows(rows)
        return text.getvalue().encode()

    return make


@pytest.fixture(scope="session")
def real_export() -> Callable[[str], bytes]:
    """A real export of a survey platform, where this machine has them."""

    def read(name: str) -> bytes:
        path = Path(__file__).parents[2] / "../shared/exports" / name
        if not path.exists():
            pytest.skip(f"the real export {name} is not on this machine")
        return path.read_bytes()

    return read

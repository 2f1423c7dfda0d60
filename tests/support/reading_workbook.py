"""Reading a workbook as a test does: cells by place, and what there is beside cells."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from xml.etree import ElementTree as ET

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Sheet:
    """Cells by place, text or number, and what there is beside cells."""

    cells: Mapping[tuple[int, int], str | float]
    merged: int
    frozen_rows: int
    widths: int
    tables: list[tuple[int, int, int, int]]
    formulas: int

    def head(self) -> list[str]:
        """Headings of the one table, notes and units taken off."""
        top, left, _, right = self.tables[0]
        return [str(self.cells[top, c]).partition("\n")[0] for c in range(left, right + 1)]


def _place(reference: str) -> tuple[int, int]:
    letters, digits = re.match(r"([A-Z]+)(\d+)", reference).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(digits), column


def sheets_of(content: bytes) -> Mapping[str, Sheet]:
    """Read with nothing but a zip and XML reader, so that no library's kindness hides a fault."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        texts = [
            "".join(t.text or "" for t in item.iter(f"{MAIN}t"))
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        book = ET.fromstring(archive.read("xl/workbook.xml"))
        found = {}
        for number, sheet in enumerate(book.iter(f"{MAIN}sheet"), start=1):
            root = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            relations = f"xl/worksheets/_rels/sheet{number}.xml.rels"
            tables = []
            if relations in archive.namelist():
                for relation in ET.fromstring(archive.read(relations)):
                    if relation.get("Type", "").endswith("/table"):
                        target = "xl/" + relation.get("Target", "").removeprefix("../")
                        first, last = ET.fromstring(archive.read(target)).get("ref", "").split(":")
                        tables.append((*_place(first), *_place(last)))
            found[sheet.get("name", "")] = _sheet(root, texts, tables)
    return found


def _sheet(root: ET.Element, texts: list[str], tables: list[tuple[int, int, int, int]]) -> Sheet:
    cells: dict[tuple[int, int], str | float] = {}
    for cell in root.iter(f"{MAIN}c"):
        value = cell.find(f"{MAIN}v")
        if value is not None and value.text is not None:
            is_text = cell.get("t") == "s"
            cells[_place(cell.get("r", ""))] = (
                texts[int(value.text)] if is_text else float(value.text)
            )
    pane = next(root.iter(f"{MAIN}pane"), None)
    return Sheet(
        cells,
        len(list(root.iter(f"{MAIN}mergeCell"))),
        int(pane.get("ySplit", "0")) if pane is not None else 0,
        sum(int(c.get("max", "0")) - int(c.get("min", "0")) + 1 for c in root.iter(f"{MAIN}col")),
        tables,
        len(list(root.iter(f"{MAIN}f"))),
    )

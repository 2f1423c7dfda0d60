"""What a page is made of: sections of paragraphs, lists, pictures and tables.

What stays out: markup (`page.py` and its templates) and what they say (`sections/`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.publishing.report.passages import Part, Passage


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Passage
    lead: bool = False
    """Set larger: the sentence to take away."""


@dataclass(frozen=True, slots=True)
class Heading:
    text: Passage


@dataclass(frozen=True, slots=True)
class Points:
    items: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of figures; the first `stubs` columns name the row."""

    caption: Passage
    head: Sequence[str]
    rows: Sequence[Sequence[Part]]
    stubs: int = 1
    folded: bool = False
    """Behind a summary that opens it; always open on paper."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as SVG in two shapes, for wide and narrow pages."""

    wide: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with the table of what it shows."""

    caption: Passage
    drawing: Drawing
    table: DataTable


@dataclass(frozen=True, slots=True)
class Box:
    """A stage of the flow: who came so far, and what became of the rest."""

    title: Part
    n: Part
    said: str
    aside: Sequence[tuple[str, Part]] = ()
    left_out: Sequence[str] = ()
    """What else became of officers, of which the count is left out."""


@dataclass(frozen=True, slots=True)
class Flow:
    caption: Passage
    boxes: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Checklist:
    """Items of a reporting guideline by number, in own words, with where the answer is."""

    caption: str
    source: str
    items: Sequence[tuple[str, str, Passage]]


@dataclass(frozen=True, slots=True)
class Remark:
    """What must not be overlooked, or what is missing."""

    text: Passage
    kind: Literal["limit", "missing"] = "limit"


Block = Heading | Paragraph | Points | DataTable | Picture | Flow | Checklist | Remark


@dataclass(frozen=True, slots=True)
class Section:
    anchor: str
    title: Passage
    blocks: Sequence[Block] = field(default=())

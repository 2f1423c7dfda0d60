"""The pages of a release as HTML: one for all organisations, one for each that has rows of its own.

What belongs here: which sections stand in which order, and markup. What stays out: what they say.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import jinja2
import polars as pl
from markupsafe import Markup, escape

from pipeline.programme import Programme
from pipeline.publishing.report.blocks import DataTable, Section
from pipeline.publishing.report.context import About, Context
from pipeline.publishing.report.passages import Figure, Fixed, Part, Passage, in_words
from pipeline.publishing.report.printed import NOTES, Printed, name_of
from pipeline.publishing.report.sections import (
    bands,
    checklists,
    equality,
    flow,
    headlines,
    organisations,
    own,
    pilot,
    quality,
    retention,
    robustness,
    suppression,
    trajectories,
)
from pipeline.publishing.report.sections.common import areas_of
from pipeline.publishing.report.words import MINUS

REPORT: Final = "report.html"

_NATIONAL: Final[Sequence[Callable[[Context], Section]]] = (
    headlines.headlines,
    flow.flow,
    retention.retention,
    trajectories.trajectories,
    organisations.organisations,
    bands.bands,
    robustness.robustness,
    equality.equality,
    quality.quality,
    suppression.suppression,
)
_AFTER_METHODS: Final = (pilot.pilot, checklists.checklists)
_OWN: Final = (own.own_answers, own.own_scores, organisations.organisations)


def reports(
    tables: Mapping[str, pl.DataFrame], programme: Programme, about: About
) -> Iterator[tuple[str, bytes]]:
    """Every page of a release with its file name: the national one, then one an organisation.

    Made of the release's tables and the programme's own words alone. The same tables give the same
    bytes with the same version of the chart library.
    """
    printed = Printed(tables)
    whole = Context(printed, programme, about)
    yield REPORT, _page(whole, _made(_NATIONAL, whole), _made(_AFTER_METHODS, whole))
    for area in areas_of(whole):
        if area != "others":
            here = Context(printed, programme, about, area)
            yield f"report-{area}.html", _page(here, _made(_OWN, here), ())


def _made(sections: Sequence[Callable[[Context], Section]], context: Context) -> list[Section]:
    return [section(context) for section in sections]


def _page(context: Context, before: Sequence[Section], after: Sequence[Section]) -> bytes:
    name = name_of(context.printed, context.organisation).text if context.organisation else None
    text = _template().render(
        about=context.about,
        programme=context.programme,
        organisation=name,
        before=before,
        after=after,
        has_comparison=context.has_comparison,
    )
    return text.encode("utf-8")


def marked(text: Passage) -> Markup:
    """A passage as markup: a figure says where it is from, other digits that they are fixed."""
    return Markup("").join(_marked_part(part) for part in text)


def _marked_part(part: Part) -> Markup:
    match part:
        case Figure():
            return Markup("<span{}{}>{}</span>").format(
                _source(part), Markup(' class="sign"') if part.text in _SIGNS else "", part.text
            )
        case Fixed():
            return _fixed(part.text)
        case _:
            return escape(part.replace("'", _APOSTROPHE))


def _fixed(text: str) -> Markup:
    if any(character.isdigit() for character in text):
        return Markup("<span data-static>{}</span>").format(text)
    return escape(text)


def cell_attributes(part: Part) -> Markup:
    """Attributes of a table's cell: where its figure is from, and how it is set."""
    if isinstance(part, Figure):
        return _source(part) + (Markup(' class="n"') if _is_number(part) else "")
    has_digit = isinstance(part, Fixed) and any(c.isdigit() for c in part.text)
    return Markup(" data-static") if has_digit else Markup("")


def head_attributes(table: DataTable, column: int) -> Markup:
    """Set like the numbers below it, where there are any."""
    return (
        Markup(' class="n"') if any(_is_number(row[column]) for row in table.rows) else Markup("")
    )


def _is_number(part: Part) -> bool:
    if not isinstance(part, Figure):
        return False
    return part.text in _SIGNS or part.text.lstrip(f"+{MINUS}")[:1].isdigit()


def text_of(part: Part) -> str:
    return part if isinstance(part, str) else part.text


def _source(figure: Figure) -> Markup:
    return Markup(' data-from="{}"').format(figure.source)


_APOSTROPHE: Final = "\N{RIGHT SINGLE QUOTATION MARK}"
_SIGNS: Final = frozenset(NOTES.values())


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.publishing", "report/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"marked": marked, "fixed": _fixed, "in_words": in_words, "svg": Markup}
    environment.globals |= {
        "cell": cell_attributes,
        "head_attributes": head_attributes,
        "text_of": text_of,
    }
    environment.tests["block"] = lambda block, kind: type(block).__name__ == kind
    return environment.get_template("report.html")

"""The assurance card: one page that tells an organisation's officers who sees what.

What belongs here: which words and rounded shares go on the page. What stays out: what it looks like
(`card.html`) and exact numbers: whoever reads the page knows some of those it speaks of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import jinja2
import polars as pl

from pipeline.privacy.alike import PROTECTION
from pipeline.privacy.intruder import Source
from pipeline.programme import TOTAL

FEWEST_OFFICERS: Final = 30
"""With fewer than this in an organisation a share, even rounded, would count its people."""

ROUNDED_TO: Final = 10
"""Shares are given in steps of so many in a hundred: with thirty officers each step is three."""

Shares = Mapping[Source, pl.DataFrame]
"""Frames of `intruder.shares`, by what the intruder has got hold of."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the page says of organisation and evaluation."""

    programme: str
    organisation: str
    as_of: date
    instruments: tuple[str, ...]
    contact_name: str | None
    contact_email: str | None
    published: bool
    """Whether tables for publication have been made."""
    simulated: bool


def share_in_words(share: float) -> str:
    """A share from 0 to 1 as an officer reads it, rounded so that it counts nobody.

    >>> [share_in_words(share) for share in (0.0, 0.01, 0.62, 0.99)]
    ['fewer than 5 in 100', 'fewer than 5 in 100', 'about 60 in 100', 'more than 95 in 100']
    """
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0 and 1")
    rounded = ROUNDED_TO * round(share * 100 / ROUNDED_TO)
    if rounded == 0:
        return f"fewer than {ROUNDED_TO // 2} in 100"
    if rounded == 100:
        return f"more than {100 - ROUNDED_TO // 2} in 100"
    return f"about {rounded} in 100"


def assurance_card(
    cover: Cover, organisation: str, shares: Shares, smallest_published: int | None = None
) -> str:
    """The page as HTML that needs nothing else: no script, font, picture or address elsewhere.

    `shares` has the warehouse and the research view, and the release where there is one;
    `smallest_published` is the smallest group in any published table, None where none is known.
    Shares are the organisation's, or of all together where it has fewer than
    FEWEST_OFFICERS; where all together are fewer, none is given.
    """
    whose = _whose_shares(shares[Source.WAREHOUSE], organisation)
    return _TEMPLATE.render(
        cover=cover,
        alike=PROTECTION.alike,
        others=PROTECTION.alike - 1,
        fewest_officers=FEWEST_OFFICERS,
        of_all=whose == TOTAL,
        warehouse=_row(shares[Source.WAREHOUSE], whose),
        research=_row(shares[Source.RESEARCH_VIEW], whose),
        release=_row(shares[Source.RELEASE], whose) if Source.RELEASE in shares else None,
        published=cover.published,
        smallest_published=smallest_published,
    )


def _whose_shares(shares: pl.DataFrame, organisation: str) -> str | None:
    """Whose shares may be given: the organisation's, those of all, or nobody's."""
    officers = dict(shares.select("organisation", "officers").iter_rows())
    for whose in (organisation, TOTAL):
        if officers.get(whose, 0) >= FEWEST_OFFICERS:
            return whose
    return None


def _row(shares: pl.DataFrame, whose: str | None) -> dict[str, object] | None:
    """Shares in words; `none` says that nobody was found at all, which counts nobody either."""
    if whose is None:
        return None
    row = shares.row(by_predicate=pl.col("organisation") == whose, named=True)
    return {
        "singled_out": share_in_words(row["singled_out"]),
        "learnt": share_in_words(row["learnt"]),
        "none": row["singled_out"] == row["learnt"] == 0,
    }


_TEMPLATE: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("pipeline", "assurance"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("card.html")

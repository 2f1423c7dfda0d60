"""Between stages 3 and 4: which self-generated codes are one officer's.

A stage of the asset `accepted`: what it finds is what officers are called from there on.
"""

from collections.abc import Sequence
from functools import partial

import polars as pl

from pipeline import tables
from pipeline.orchestration.resources import HomeResource
from pipeline.privacy.link_errors import link_errors
from pipeline.privacy.link_rates import compared, link_rates
from pipeline.privacy.linkage import CODES, Judged, judgements, link
from pipeline.storage.home import Home
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import Record, versions
from pipeline.vocabulary import EntryKind

CODE_LINKS = "code_links"
"""Every code that was given, and the code that its officer keeps."""
CODE_ALIASES = "code_aliases"
HEARD_LINKS = "link_judgements"
"""Entries that the links were made with: `muster review links` says which wait for the next run."""


def stage_links(home: HomeResource, counting: Sequence[Record]) -> None:
    """Link the codes of the submissions that count, as far as stewards have judged them."""
    here = home.open()
    coded = here.lake.with_codes(record.submission_id for record in counting)
    heard = home.entries(EntryKind.LINK_JUDGED)
    judged = judgements(heard, here.pseudonymiser().carried_on) if heard else []
    entries = pl.DataFrame({"entry": [entry.entry for entry in heard]}, {"entry": pl.Int64})
    home.stage(
        HEARD_LINKS,
        lambda _: ({HEARD_LINKS: entries}, {"heard": entries.height}),
        settings=entries.rows(),
    )
    home.stage(
        "links",
        partial(_links, here, coded, judged),
        settings=[
            versions(record for record in counting if record.submission_id in {*coded}),
            [(*each.pair, each.says) for each in judged],
            here.programme.wave_names,
        ],
    )


def _links(here: Home, coded: list[str], judged: list[Judged], _: Stage) -> Made:
    given = here.lake.rows("codes", coded, CODES).select(CODES.names())
    made = link(given, judged)
    pairs = compared(given, made, here.programme.wave_names)
    return {
        CODE_LINKS: made.members,
        CODE_ALIASES: made.aliases,
        tables.LINK_REVIEW.name: made.review,
        tables.LINK_RATES.name: tables.LINK_RATES.conform(link_rates(pairs)),
        tables.LINK_ERRORS.name: tables.LINK_ERRORS.conform(link_errors(pairs)),
    }, {"codes": made.members.height, "linked": made.aliases.height}

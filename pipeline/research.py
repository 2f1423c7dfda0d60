"""Making the research view of a home folder: load, one domain call, proof, write.

What stays out: what the view holds (`pipeline/privacy/research_view.py`) and what a person is told
(`pipeline/commands/research.py`). It is made when asked for, not with every run: each extract shows
the same officers once more, and two of different days say more than either.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline import __version__, tables
from pipeline.entries import Act
from pipeline.evaluation.dose_response import sessions_band
from pipeline.orchestration.state import WAREHOUSE
from pipeline.privacy.alike import PROTECTION
from pipeline.privacy.intruder import (
    PublishedCell,
    Source,
    found_in_release,
    found_in_research_view,
    found_in_warehouse,
    shares,
    what_a_manager_knows,
)
from pipeline.privacy.research_view import (
    ResearchView,
    assert_protected,
    protected_subscale,
    research_view,
    row_ids,
)
from pipeline.programme import UnusableConfiguration
from pipeline.publishing.published_cells import published_cells
from pipeline.storage import locks
from pipeline.storage.erasing import finish_erasures
from pipeline.storage.home import Home
from pipeline.storage.releases import changed_files, read_tables
from pipeline.storage.warehouse import Build, must_have_build, publish
from pipeline.vocabulary import EntryKind

_SNAPSHOT = 16
_OWNER_ALONE = 0o600
"""Analysts whom the home folder lets in read the warehouse; nobody reads both."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What was made: one row of `tables.RESEARCH_BUILD`, and `tables.RESEARCH_GENERALISED`."""

    build: pl.DataFrame
    generalised: pl.DataFrame


def make_extract(
    home: Home, waiting: Callable[[], None], steward: str, reason: str, now: datetime
) -> Extract:
    """Write the home's research view from the last run's tables, in one step, under its lock.

    Who made it, when and why is put on record before it is there: it cannot be there without.
    Kept nowhere else, so that removing the file is enough when somebody's rows must go. `waiting`
    is called if a run has to be waited for. The same snapshot gives the same rows. Raises
    UnusableConfiguration without a warehouse that is whole, and NotProtected, with nothing written,
    if the proof fails.
    """
    with locks.held(home.lock, waiting):
        # An erasure that was cut short is finished first: nobody who was erased is shown again.
        home.recover()
        finish_erasures(home)
        build = settled_build(home)
        made = view_of(home, build)
        extract = Extract(_build_row(home, build, made), made.generalised)
        home.stewardship.enter([_act(extract, steward, reason)], now)
        publish(
            home.research,
            {
                tables.RESEARCH_OFFICERS: made.officers,
                tables.RESEARCH_SCORES: made.scores,
                tables.RESEARCH_GENERALISED: made.generalised,
                tables.RESEARCH_BUILD: extract.build,
            },
            mode=_OWNER_ALONE,
        )
    return extract


def _act(extract: Extract, steward: str, reason: str) -> Act:
    build = extract.build.row(0, named=True)
    body = {
        "snapshot": build["snapshot"],
        "as_of": str(build["as_of"]),
        "rows_given": build["rows_given"],
    }
    return Act(kind=EntryKind.EXTRACTED, steward=steward, reason=reason, body=body)


def settled_build(home: Home) -> Build:
    """What the warehouse was built from; UnusableConfiguration if it is not there or not whole."""
    build = must_have_build(home.warehouse)
    if home.stages.entry(WAREHOUSE) is None or not home.stages.is_settled(WAREHOUSE):
        raise UnusableConfiguration(
            "The last run did not come to its end, so its tables do not fit together; `muster run`."
        )
    return build


def view_of(home: Home, build: Build) -> ResearchView:
    """The research view of the last run's tables, with the proof that it keeps its promise."""
    stages, programme = home.stages, home.programme
    participants = _with_sessions_band(stages.read("participants"))
    key = home.pseudonymiser().keys[-1]
    made = research_view(
        participants,
        stages.read("participant_waves"),
        stages.read("scores"),
        programme,
        ids=row_ids(participants["participant_id"], key, build.fingerprint),
    )
    assert_protected(made.officers, made.scores, programme)
    return made


def tried_by_an_intruder(
    home: Home, build: Build, published: Sequence[PublishedCell]
) -> dict[Source, pl.DataFrame]:
    """What a simulated line manager could find in what there is: `intruder.shares`.

    The view is that of the last run's tables, whether one has been written or not; the release is
    all that is `published`, if anything is.
    """
    stages, programme, scores = home.stages, home.programme, home.stages.read("scores")
    view = view_of(home, build)
    known = what_a_manager_knows(
        _with_sessions_band(stages.read("participants")),
        stages.read("attendance_held"),
        scores,
        programme,
    )
    in_view = found_in_research_view(known, view.officers, view.scores, programme)
    found = {
        Source.WAREHOUSE: found_in_warehouse(known),
        Source.RESEARCH_VIEW: in_view,
    }
    if published:
        found[Source.RELEASE] = found_in_release(known, published)
    return {source: shares(each) for source, each in found.items()}


def published_by(home: Home) -> list[PublishedCell]:
    """Every number of officers in the home's releases.

    Raises UnusableConfiguration where a release is not as it was written: then nobody knows what
    was published.
    """
    cells: list[PublishedCell] = []
    instrument, subscale = protected_subscale(home.programme)
    for made in home.releases.made():
        folder = home.releases.folder / made.name
        if changed_files(folder):
            raise UnusableConfiguration(
                f"releases/{made.name} is not as it was written; `muster release verify "
                f"{made.name}` says what differs. Put it back from where it was handed on."
            )
        cells += published_cells(read_tables(folder), instrument, subscale)
    return cells


def _with_sessions_band(participants: pl.DataFrame) -> pl.DataFrame:
    return participants.with_columns(sessions_band=sessions_band(pl.col("sessions_attended")))


def _build_row(home: Home, build: Build, made: ResearchView) -> pl.DataFrame:
    instrument, subscale = protected_subscale(home.programme)
    # Not the fingerprint itself: that is part of what the ids of officers are made from.
    snapshot = hashlib.sha256(f"snapshot {build.fingerprint}".encode()).hexdigest()[:_SNAPSHOT]
    row = {
        "snapshot": snapshot,
        "programme": home.programme.programme,
        "as_of": build.as_of,
        "known_at": build.known_at,
        "version": __version__,
        "alike": PROTECTION.alike,
        "bands": PROTECTION.bands,
        "protected_instrument": instrument,
        "protected_subscale": subscale,
        "officers": made.enrolled,
        "rows_given": made.officers.height,
        "detail_kept": made.detail_kept,
    }
    return tables.RESEARCH_BUILD.conform(
        pl.DataFrame([row], schema=tables.RESEARCH_BUILD.frame_schema)
    )

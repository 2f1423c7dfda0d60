"""What assets are given: the home folder with the dates of the report, and how to spread intake.

What stays out: what is done with them. The clock is read here and nowhere below.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import PrivateAttr

from pipeline.entries import Entry, known_entries
from pipeline.orchestration.guard import value_free
from pipeline.orchestration.liveness import ANEW, alive
from pipeline.privacy.withdrawals import Withdrawals
from pipeline.quality.decisions import Decision, known_decisions
from pipeline.storage import locks
from pipeline.storage.access import keep_from_others
from pipeline.storage.erasing import finish_erasures
from pipeline.storage.home import Home
from pipeline.storage.last_run import begins, ends
from pipeline.storage.stages import Made, Stage
from pipeline.storage.warehouse import Ahead, publish
from pipeline.submissions import Record
from pipeline.tables import Table
from pipeline.vocabulary import EntryKind

Work = Callable[[Stage], Made]
"""What a stage does: from the tables it reads to the tables it makes, and what to say of them."""

WORKED_OUT = "worked out"


@dataclass
class _Run:
    """What is one and the same for as long as a run lasts."""

    home: Home
    day: date
    anew: bool
    """Carry every stage out, whether anything changed or not."""
    ahead: Ahead
    seen_to: set[str] = field(default_factory=set)

    @cached_property
    def records(self) -> list[Record]:
        return self.home.lake.records()

    @cached_property
    def decisions(self) -> list[Decision]:
        return self.home.stewardship.decisions()

    @cached_property
    def withdrawals(self) -> Withdrawals:
        return self.home.withdrawals()

    @cached_property
    def entries(self) -> list[Entry]:
        return self.home.stewardship.entries()


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The home folder, and the two dates of a report.

    For as long as a run lasts it holds the home's lock, so that two runs never write to one home:
    not `muster run` beside the daemon, and not two of either. Dagster's own limits know only of
    the runs that its daemon queues.

    A run has one programme, one set of mappings and one day: what is edited meanwhile, and
    midnight, wait for the next one.
    """

    root: str
    as_of: str | None = None
    """Day for which statuses are worked out; today if not given."""
    known_at: str | None = None
    """Last day of receipt that counts; everything if not given."""
    _run: _Run | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeResource"]:
        if context.run is None:
            yield self
            return
        here = Home(Path(self.root))
        keep_from_others(here.root)
        with alive(here, context.run.run_id), locks.held(here.lock):
            now, anew = self.now(), ANEW in context.run.tags
            begins(here.last_run, now)
            _prepare(here, now, anew=anew)
            with Ahead(here.warehouse) as ahead:
                self._run = _Run(here, now.date(), anew, ahead)
                yield self
            ends(here.last_run, self.now(), well=_went_well(context))

    def open(self) -> Home:
        return self._run.home if self._run else Home(Path(self.root))

    def as_of_date(self) -> date:
        if self.as_of:
            return date.fromisoformat(self.as_of)
        return self._run.day if self._run else self.now().date()

    def known_at_date(self) -> date | None:
        return date.fromisoformat(self.known_at) if self.known_at else None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def records(self) -> list[Record]:
        """Records of the lake as intake left them; read once in a run, which alone writes there."""
        return self._run.records if self._run else self.open().lake.records()

    def decisions(self) -> list[Decision]:
        """What stewards decided, known by the date that counts.

        Heard once in a run: what is decided meanwhile waits whole for the next one.
        """
        taken = self._run.decisions if self._run else self.open().stewardship.decisions()
        return known_decisions(taken, self.known_at_date())

    def withdrawals(self) -> Withdrawals:
        """Acts on officers, known by the date that counts; heard once in a run, as decisions are.

        Erasures are of any date. Whose rows intake keeps out is not asked here: that is what is on
        record when a submission is received.
        """
        acts = self._run.withdrawals if self._run else self.open().withdrawals()
        return acts.known_by(self.known_at_date())

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        """Acts on record of these kinds, known by the date that counts; heard once in a run."""
        entered = self._run.entries if self._run else self.open().stewardship.entries()
        return [e for e in known_entries(entered, self.known_at_date()) if e.kind in kinds]

    def carry_out(
        self, name: str, work: Work, *, reads: Collection[str] = (), settings: object = ()
    ) -> dg.MaterializeResult[None]:
        """Carry a stage out, unless nothing it is made from has changed since the last time."""
        stage, was_carried_out = self.stage(name, work, reads=reads, settings=settings)
        return dg.MaterializeResult(
            metadata={
                **{name: _shown(value) for name, value in stage.summary.items()},
                WORKED_OUT: "now" if was_carried_out else "earlier: nothing it depends on changed",
            }
        )

    def stage(
        self, name: str, work: Work, *, reads: Collection[str] = (), settings: object = ()
    ) -> tuple[Stage, bool]:
        """The stage, carried out if need be, and whether it was."""
        stage = self.open().stages.begin(name, reads=reads, settings=settings)
        if self._run:
            self._run.seen_to.add(name)
        if stage.is_current and not (self._run and self._run.anew):
            return stage, False
        stage.finish(work(stage))
        return stage, True

    def fill_ahead(self, table: Table, stage_table: str) -> None:
        """Begin to fill a table of the warehouse while later stages are worked out."""
        if self._run:
            self._run.ahead.fill(table, self.open().stages.path(stage_table))

    def publish(self, published: Mapping[Table, Path | pl.DataFrame]) -> None:
        """Replace the warehouse."""
        if self._run:
            self._run.ahead.publish(published)
        else:
            publish(self.open().warehouse, published)

    def has_seen_to_all_behind(self, tables: Collection[str]) -> bool:
        """Whether this run asked of every stage that these tables come from if it is up to date.

        One that was started on Dagster's page may have begun in the middle.
        """
        seen_to = self._run.seen_to if self._run else set()
        return self.open().stages.behind(tables) <= seen_to


def _went_well(context: dg.InitResourceContext) -> bool:
    """Whether no stage failed; what was raised in a stage does not come past here."""
    if context.instance is None or context.run is None:
        return False
    failed = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1
    )
    return not failed.records


@value_free
def _prepare(home: Home, now: datetime, *, anew: bool) -> None:
    """What a run begins with, whatever started it."""
    home.recover()
    home.proven_keys()
    finish_erasures(home, anew=anew)
    records = home.lake.records()
    home.adopt(records)
    if any(record.rows_read is not None for record in records):
        home.settle_keys(now)
    home.forget_outlived(records)


def _shown(value: Any) -> Any:
    """Lines of text as a list that Dagster's page lays out as one."""
    is_list = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in value)) if is_list else value

"""Stage 4: the rows that count, from every submission that was accepted and not replaced."""

from functools import partial

import dagster as dg
import polars as pl

from assets.links import CODE_ALIASES, CODE_LINKS, stage_links
from assets.snapshots import fill_ahead
from assets.verdicts import verdicts
from pipeline import tables
from pipeline.intake import ACCEPTED, WAIVED
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality.decisions import let_in_by
from pipeline.quality.response_ids import with_response_ids
from pipeline.quality.standing import (
    Standing,
    enrolment_of,
    standing_registers,
    standing_responses,
)
from pipeline.quality.stopped import kept_rows
from pipeline.quality.transfers import (
    IN_DOUBT,
    NEW_IDENTITY,
    SEEN,
    in_doubt,
    participant_alias,
    taken_up,
    under_one_name,
)
from pipeline.quality.verdicts import counting
from pipeline.storage.home import Home
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import versions
from pipeline.vocabulary import Kind

REGISTERS = (Kind.ROSTER, Kind.ATTENDANCE, Kind.DEPARTURES)

_ALIAS = tables.PARTICIPANT_ALIAS.name
_READS = {
    Kind.ROSTER: (_ALIAS,),
    Kind.ATTENDANCE: (_ALIAS, "roster"),
    Kind.DEPARTURES: (_ALIAS, "transfers_in_doubt", "roster", "departed_on_record"),
    Kind.QUESTIONNAIRE: (_ALIAS, CODE_LINKS, "roster", "departures", "left_on_record", "waivers"),
}
"""What each kind is judged against; in this order, so that a new register does not concern a
million responses unless it changes who enrolled or left."""


@dg.asset(
    deps=[verdicts],
    group_name="quality",
    retry_policy=AGAIN,
    description="Rosters, attendance, departures and responses after rules across submissions.",
)
@value_free
def accepted(home: HomeResource) -> dg.MaterializeResult[None]:
    here = home.open()
    records = {record.submission_id: record for record in home.records()}
    decided, stopped = here.stages.read("verdicts"), here.stages.read("stopped")
    kept = kept_rows(list(records.values()), decided, stopped)
    home.stage("kept", lambda _: ({"kept": kept}, {"rows": kept.height}), settings=kept.rows())
    listed = {*counting(decided), *kept["submission_id"]}
    count = [record for record in records.values() if record.submission_id in listed]
    ids = {kind: [r.submission_id for r in count if r.kind == kind] for kind in Kind}
    stage_links(home, count)
    home.stage(
        "transfers",
        partial(_transfers, here, ids),
        reads=["kept", CODE_ALIASES],
        settings=versions(count),
    )
    rows = {}
    for kind, reads in _READS.items():
        of_kind = [record for record in count if record.kind == kind]
        work = _responses if kind == Kind.QUESTIONNAIRE else partial(_register, kind)
        stage, _ = home.stage(
            f"accepted_{kind}",
            partial(work, here, ids[kind]),
            reads=[*reads, "kept"],
            settings=[
                versions(of_kind),
                here.programme.model_dump(mode="json", include=_DECIDES),
                here.programme.wave_names,
            ],
        )
        rows[kind.value] = stage.summary["rows"]
    # Of a file that is held, for example, nothing was asked for.
    here.lake.forget_what_was_read_ahead()
    fill_ahead(home, tables.RESPONSES)
    return dg.MaterializeResult(metadata=rows)


_DECIDES = {"duplicates", "early_response_days", "instruments"}
"""What of the programme file decides which rows count once they are sound."""


_SEEN_ON = {
    Kind.ROSTER: "enrolled_on",
    Kind.ATTENDANCE: "held_on",
    Kind.QUESTIONNAIRE: "completed_on",
}


def _transfers(here: Home, ids: dict[Kind, list[str]], stage: Stage) -> Made:
    kept, of_departures = stage.read("kept"), ACCEPTED[Kind.DEPARTURES]
    departures = here.lake.rows("accepted", ids[Kind.DEPARTURES], of_departures, only=kept)
    moved = departures.filter(pl.col(NEW_IDENTITY).is_not_null())
    names = pl.concat([moved["participant_id"], moved[NEW_IDENTITY]]).unique().implode()
    seen = [SEEN.to_frame()]
    # Most lists name no new number, and then nobody's rows need be looked through.
    for kind, day in _SEEN_ON.items() if moved.height else ():
        columns = ["participant_id", day, *(["attended"] if kind == Kind.ATTENDANCE else [])]
        schema = pl.Schema({name: ACCEPTED[kind][name] for name in columns})
        rows = here.lake.rows("accepted", ids[kind], schema, only=kept).filter(
            pl.col("participant_id").is_in(names)
        )
        if kind == Kind.ATTENDANCE:
            # Registers list whoever is expected.
            rows = rows.filter(pl.col("attended").fill_null(False))
        seen.append(rows.select("participant_id", day=day).unique())
    known = pl.concat(seen)
    aliases = participant_alias(departures, known)
    # Nobody is known by a number here and a code there, so neither list leads into the other.
    every = pl.concat([aliases, stage.read(CODE_ALIASES)])
    return {
        _ALIAS: tables.PARTICIPANT_ALIAS.conform(every),
        "transfers_in_doubt": in_doubt(departures, known),
    }, {"transfers": aliases.height}


def _register(kind: Kind, here: Home, ids: list[str], stage: Stage) -> Made:
    kept, aliases = stage.read("kept"), stage.read(_ALIAS)
    rows = here.lake.rows("accepted", ids, ACCEPTED[kind], only=kept)
    beside = {}
    if kind == Kind.DEPARTURES:
        doubt = stage.read("transfers_in_doubt").with_columns(contradicting=True)
        rows = rows.with_columns(taken_up(rows, aliases)).join(
            doubt, on=IN_DOUBT.names(), how="left", maintain_order="left"
        )
        rows = rows.with_columns(pl.col("contradicting").fill_null(False))
        beside["left_on_record"] = under_one_name(stage.read("departed_on_record"), aliases)
    rows = under_one_name(rows.with_columns(known_as="participant_id"), aliases)
    roster = rows if kind == Kind.ROSTER else stage.read("roster")
    made = standing_registers(kind, rows, enrolment_of(roster))
    tables_made = {kind.value: made.counting, **_beside(kind, made), **beside}
    return tables_made, {"rows": made.counting.height}


def _responses(here: Home, ids: list[str], stage: Stage) -> Made:
    kind, kept = Kind.QUESTIONNAIRE, stage.read("kept")
    whom_when = ("participant_id", "departed_on", "taken_up")
    left = (
        pl.concat(stage.read(table, whom_when) for table in ("departures", "left_on_record"))
        .filter(~pl.col("taken_up"))
        .group_by("participant_id")
        .agg(pl.col("departed_on").min())
    )
    waivers, aliases = stage.read("waivers"), stage.read(_ALIAS)
    let_in = under_one_name(_let_in(here, ids, waivers, kept), aliases)
    made = standing_responses(
        under_one_name(here.lake.rows("accepted", ids, ACCEPTED[kind], only=kept), aliases),
        enrolment_of(stage.read("roster")),
        left,
        here.programme,
        waivers=waivers,
        let_in=let_in,
        coded=stage.read(CODE_LINKS, ["participant_id"])["participant_id"].unique(),
    )
    responses = with_response_ids(made.counting)
    origins = responses.select("response_id", "home_force", "arm", "gender")
    return {
        "responses": tables.RESPONSES.conform(responses),
        "response_origins": origins,
        "let_in": let_in.select("submission_id", "row_number", "wave", "instrument"),
        **_beside(kind, made),
    }, {"rows": responses.height}


def _let_in(here: Home, ids: list[str], waivers: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Quarantined rows of these submissions that count while the waivers hold."""
    waived = set(waivers["submission_id"])
    held = here.lake.with_waived_rows(i for i in ids if i in waived)
    places = pl.Series("arrived", [ids.index(i) for i in held], pl.Int32)
    rows = here.lake.rows("waived", held, WAIVED, only=kept)
    return let_in_by(waivers, rows.with_columns(arrived=places.gather(rows["arrived"])))


def _beside(kind: Kind, made: Standing) -> dict[str, pl.DataFrame]:
    return {f"findings_{kind}": made.findings, f"superseded_{kind}": made.superseded}

"""Free texts of the submissions that count, and those of them that stewards approved."""

import dagster as dg

from assets.accepted import accepted
from pipeline import tables
from pipeline.orchestration.guard import AGAIN, value_free
from pipeline.orchestration.resources import HomeResource
from pipeline.quality import comments as texts
from pipeline.quality.verdicts import counting
from pipeline.storage.stages import Made, Stage
from pipeline.submissions import versions
from pipeline.vocabulary import Kind


@dg.asset(
    deps=[accepted],
    group_name="quality",
    retry_policy=AGAIN,
    description="Free texts, redacted: those that wait for a steward, and core.comments.",
)
@value_free
def comments(home: HomeResource) -> dg.MaterializeResult[None]:
    here, as_of = home.open(), home.as_of_date()
    # Of whoever stopped collection, earlier files hold the texts that still count.
    listed = {*counting(here.stages.read("verdicts")), *here.stages.read("kept")["submission_id"]}
    records = {
        record.submission_id: record
        for record in home.records()
        if record.kind == Kind.QUESTIONNAIRE and record.submission_id in listed
    }
    with_texts = here.lake.with_texts(records)

    def gather(stage: Stage) -> Made:
        standing = texts.standing_texts(
            here.lake.rows("texts", with_texts, texts.TEXTS, only=stage.read("kept")),
            stage.read(f"findings_{Kind.QUESTIONNAIRE}"),
            stage.read(tables.PARTICIPANT_ALIAS.name),
        )
        return {"texts": standing}, {"texts": standing.height}

    home.stage(
        "texts",
        gather,
        reads=[f"findings_{Kind.QUESTIONNAIRE}", tables.PARTICIPANT_ALIAS.name, "kept"],
        settings=versions([records[submission_id] for submission_id in with_texts]),
    )
    judged = home.entries(*texts.JUDGED)

    def publish(stage: Stage) -> Made:
        there = texts.written_by(stage.read("texts"), as_of)
        judgements = texts.judgements_of(judged, here.pseudonymiser())
        counts = texts.comment_counts(there, judgements)
        by_state = counts.group_by("state").agg("texts").sort("state")
        return {
            tables.COMMENTS.name: texts.comments(there, judgements),
            tables.COMMENT_COUNTS.name: counts,
        }, {state: sum(n) for state, n in by_state.iter_rows()}

    return home.carry_out(
        "comments",
        publish,
        reads=["texts"],
        settings=[as_of, [(entry.entry, entry.entered_at) for entry in judged]],
    )

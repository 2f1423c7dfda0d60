"""The flow of participants adds up at every stage, in every organisation and arm."""

from collections import Counter
from collections.abc import Callable
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.evaluation.participant_flow import participant_flow
from pipeline.programme import Programme
from pipeline.vocabulary import DropoutStage, EnrolmentSource, WaveStatus

Participants = Callable[..., pl.DataFrame]
Officer = tuple[str, str, EnrolmentSource, DropoutStage, int | None, tuple[WaveStatus, ...]]

_officers = st.lists(
    st.tuples(
        st.sampled_from(["north", "south"]),
        st.sampled_from(["programme", "waiting_list"]),
        st.sampled_from(EnrolmentSource),
        st.sampled_from(DropoutStage),
        st.none() | st.integers(0, 3),
        st.tuples(*[st.sampled_from(WaveStatus)] * 3),
    ),
    max_size=12,
)


def _frames(
    participants: Participants, programme: Programme, officers: list[Officer]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    enrolled = participants(
        {f"p{i}": (organisation, arm, None) for i, (organisation, arm, *_) in enumerate(officers)}
    )
    facts = pl.DataFrame(
        [
            (f"p{i}", source, stage, sessions)
            for i, (_, _, source, stage, sessions, _) in enumerate(officers)
        ],
        schema={
            "participant_id": pl.String,
            "enrolment_source": pl.String,
            "dropout_stage": pl.String,
            "sessions_attended": pl.Int32,
        },
        orient="row",
    )
    ledger = pl.DataFrame(
        [
            {"participant_id": f"p{i}", "organisation": organisation, "wave": w, "status": status}
            for i, (organisation, *_, statuses) in enumerate(officers)
            for w, status in zip(programme.wave_names, statuses, strict=True)
        ],
        schema=tables.PARTICIPANT_WAVES.frame_schema,
    )
    enrolled = enrolled.drop(facts.columns[1:]).join(facts, on="participant_id")
    return enrolled, tables.PARTICIPANT_WAVES.conform(ledger)


@settings(deadline=None)
@given(_officers)
def test_agrees_with_counting_one_officer_after_another(
    participants: Participants, programme: Programme, officers: list[Officer]
) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    for organisation, arm, source, dropout, sessions, statuses in officers:
        denominators = ["enrolled"] + ["two_sessions"] * (sessions is not None and sessions >= 2)
        for cell in product((organisation, "all"), (arm, "all"), denominators):
            expected[*cell, "enrolled", source] += 1
            expected[*cell, "dropout", dropout] += 1
            for wave, status in zip(programme.wave_names, statuses, strict=True):
                expected[*cell, wave, status] += 1
    flow = participant_flow(*_frames(participants, programme, officers), programme)
    conformed = tables.PARTICIPANT_FLOW.conform(flow)
    found = {row[:5]: row[5] for row in conformed.select(pl.exclude("note")).iter_rows()}
    assert found == expected


@settings(deadline=None)
@given(_officers)
def test_every_stage_adds_up_to_the_enrolled_and_every_total_to_its_parts(
    participants: Participants, programme: Programme, officers: list[Officer]
) -> None:
    flow = participant_flow(*_frames(participants, programme, officers), programme)
    cell = ["organisation", "arm", "denominator"]
    stages = flow.group_by(*cell, "stage").agg(pl.col("n").sum())
    of_a_cell = stages.group_by(cell).agg(pl.len(), pl.col("n").n_unique())
    assert of_a_cell["n"].eq(1).all()
    assert of_a_cell["len"].eq(len(programme.wave_names) + 2).all()
    for total in ("organisation", "arm"):
        rest = [name for name in flow.columns if name not in {total, "n", "note"}]
        summed = flow.group_by(*rest, (pl.col(total) == "all").alias("is_total")).agg(
            pl.col("n").sum()
        )
        assert (
            summed.group_by(rest)
            .agg(pl.len(), pl.col("n").n_unique())
            .filter((pl.col("len") != 2) | (pl.col("n") != 1))
            .is_empty()
        )
    smaller, larger = (
        flow.filter(denominator=which).drop("denominator", "note")
        for which in ("two_sessions", "enrolled")
    )
    both = smaller.join(larger, on=[*cell[:2], "stage", "status"])
    assert both.height == smaller.height
    assert (both["n"] <= both["n_right"]).all()


def test_stages_and_statuses_come_in_their_own_order(
    participants: Participants, programme: Programme
) -> None:
    officer: Officer = (
        "north",
        "programme",
        EnrolmentSource.ROSTER,
        DropoutStage.NONE,
        1,
        (WaveStatus.COMPLETED, WaveStatus.MISSED, WaveStatus.OPEN),
    )
    missing: Officer = (*officer[:5], (WaveStatus.MISSED, WaveStatus.MISSED, WaveStatus.OPEN))
    flow = participant_flow(*_frames(participants, programme, [missing, officer]), programme)
    first = flow.filter(organisation="north", arm="programme")
    assert first.select("stage", "status", "n").rows() == [
        ("enrolled", "roster", 2),
        ("baseline", "completed", 1),
        ("baseline", "missed", 1),
        ("session_7", "missed", 2),
        ("session_10", "open", 2),
        ("dropout", "none", 2),
    ]
    assert flow["organisation"].unique(maintain_order=True).to_list() == ["north", "all"]


def test_says_what_the_absence_of_a_roster_means(
    participants: Participants, programme: Programme
) -> None:
    officer: Officer = (
        "north",
        "programme",
        EnrolmentSource.FIRST_RESPONSE,
        DropoutStage.NONE,
        1,
        (WaveStatus.COMPLETED,) * 3,
    )
    flow = participant_flow(*_frames(participants, programme, [officer]), programme)
    assert flow.filter(pl.col("note").is_not_null())["stage"].unique().to_list() == ["enrolled"]
    assert "invisible" in flow["note"].drop_nulls()[0]


def test_nobody_enrolled_gives_no_rows(participants: Participants, programme: Programme) -> None:
    flow = participant_flow(*_frames(participants, programme, []), programme)
    assert tables.PARTICIPANT_FLOW.conform(flow).equals(tables.PARTICIPANT_FLOW.empty())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ledger: ledger.head(5),
        lambda ledger: pl.concat([ledger, ledger.head(1)]),
        lambda ledger: pl.concat([ledger.head(5), ledger.head(1)]),
        lambda ledger: ledger.with_columns(wave=pl.col("wave").replace("session_7", "session_8")),
        lambda ledger: ledger.with_columns(pl.col("participant_id").replace("p1", "stranger")),
    ],
    ids=["row_missing", "row_added", "row_repeated", "wave_unknown", "nobody_enrolled"],
)
def test_refuses_a_ledger_that_does_not_add_up(
    participants: Participants,
    programme: Programme,
    spoil: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    officer: Officer = (
        "north",
        "programme",
        EnrolmentSource.ROSTER,
        DropoutStage.NONE,
        1,
        (WaveStatus.COMPLETED,) * 3,
    )
    enrolled, ledger = _frames(participants, programme, [officer, officer])
    with pytest.raises(ValueError, match="participant_waves"):
        participant_flow(enrolled, spoil(ledger), programme)


def test_the_erased_are_a_stage_of_their_own_and_move_no_other_count(
    participants: Participants, programme: Programme
) -> None:
    officers: list[Officer] = [
        (
            "north",
            "programme",
            EnrolmentSource.ROSTER,
            DropoutStage.NONE,
            3,
            (WaveStatus.COMPLETED,) * 3,
        )
    ]
    frames = _frames(participants, programme, officers)
    erased = pl.DataFrame({"organisation": ["north", "west"], "n": [2, 1]})
    without = tables.PARTICIPANT_FLOW.conform(participant_flow(*frames, programme))
    flow = tables.PARTICIPANT_FLOW.conform(participant_flow(*frames, programme, erased))
    gone = flow.filter(stage="erased")
    assert flow.filter(pl.col("stage") != "erased").equals(without)
    assert gone.select("organisation", "arm", "denominator", "status", "n").rows() == [
        (name, "all", "enrolled", "erased", n)
        for name, n in (("north", 2), ("west", 1), ("all", 3))
    ]
    assert gone["note"].null_count() == 0
    assert (
        flow.filter(organisation="all", arm="all", denominator="enrolled")["stage"][0] == "erased"
    )

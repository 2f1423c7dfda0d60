"""Whom the robustness panel counts, and for which waves it is known that they came or did not."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from panel_officers import AS_OF, OVER, Answer, Frames, Officer, drawn, frames

from pipeline.evaluation.cells import NOTE_IGNORES_GROUPS, NOTE_ONE_ORGANISATION
from pipeline.evaluation.followed import Followed, followed

SCORES: Answer = (40.0, 20.0, 20.0)
WAITING = date(2026, 1, 1)


def _followed(made: Frames) -> Followed:
    return followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
    )


@pytest.mark.parametrize(
    ("status", "answered", "missed_after", "decided"),
    [
        ("completed", True, OVER, True),
        ("completed_out_of_window", True, OVER, True),
        ("completed", True, WAITING, False),
        ("completed", True, None, True),
        ("partial", False, OVER, True),
        ("missed", False, OVER, True),
        ("withdrawn", False, OVER, True),
        ("withdrawn", False, WAITING, False),
        ("withdrawn", False, None, False),
        ("left_organisation", False, OVER, True),
        ("open", False, WAITING, False),
        ("not_yet_due", False, WAITING, False),
        ("not_scheduled", False, None, False),
    ],
)
def test_a_wave_is_decided_once_nothing_is_waited_for(
    status: str, answered: bool, missed_after: date | None, decided: bool
) -> None:
    officer = Officer(
        [SCORES, None, None, SCORES if answered else None],
        statuses=["completed", "missed", "missed", status],
        missed_after=[OVER, OVER, OVER, missed_after],
    )
    assert _followed(frames([officer])).decided.tolist() == [[True, True, True, decided]]


@pytest.mark.parametrize(
    ("status", "came"),
    [("completed", True), ("completed_out_of_window", True), ("partial", True), ("missed", False)],
)
def test_who_answered_a_wave_without_a_score_has_come(status: str, came: bool) -> None:
    officer = Officer(
        [SCORES, None, SCORES, None], statuses=["completed", "missed", "missed", status]
    )
    base = _followed(frames([officer]))
    # A score that the ledger knows nothing of is an answer too.
    assert base.came.tolist() == [[True, False, True, came]]
    assert base.answered.tolist() == [[True, False, True, False]]


def test_waves_before_the_one_asked_for_are_left_out() -> None:
    made = frames([Officer([SCORES, None, SCORES, None]), Officer([None, SCORES, SCORES, SCORES])])
    base = followed(
        made.scores,
        made.participants,
        made.participant_waves,
        made.programme,
        instrument="proqol5",
        as_of=AS_OF,
        since="session_5",
    )
    assert base.waves == ("session_5", "session_7", "session_10")
    assert base.answered.tolist() == [[True, True, True]]


def test_who_has_no_first_score_is_not_counted() -> None:
    base = _followed(
        frames(
            [
                Officer([None, SCORES, SCORES, SCORES]),
                Officer([(None, 22.0, None), None, None, SCORES]),
                Officer([None, None, None, None]),
            ]
        )
    )
    assert base.n == 1
    assert base.points[0, 0, 1] == 22.0
    assert base.answered.tolist() == [[True, False, False, True]]


def test_a_score_of_nobody_enrolled_is_refused() -> None:
    made = frames([Officer([SCORES] * 4), Officer([SCORES] * 4)])
    fewer = Frames(made.scores, made.participants.head(1), made.participant_waves, made.programme)
    with pytest.raises(ValueError, match="not among the participants"):
        _followed(fewer)


def test_names_and_order_of_rows_do_not_matter() -> None:
    made = frames(drawn([12, 20], 1))
    names = made.participants["participant_id"]
    other = dict(zip(names, names.reverse(), strict=True))
    renamed = Frames(
        *(
            frame.with_columns(pl.col("participant_id").replace_strict(other))
            for frame in (made.scores, made.participants, made.participant_waves)
        ),
        made.programme,
    )
    first, second = _followed(made), _followed(renamed.shuffled(3))
    assert np.array_equal(first.units, second.units, equal_nan=True)
    assert np.array_equal(first.organisation, second.organisation)
    assert np.array_equal(first.decided, second.decided)


def test_clusters_are_organisations_where_there_are_several() -> None:
    base = _followed(frames(drawn([6, 9, 7], 2)))
    found = base.clusters(np.ones(base.n, dtype=bool))
    assert found.number == 3
    assert np.bincount(found.codes).tolist() == [6, 9, 7]


def test_within_one_organisation_clusters_are_its_groups_if_there_are_five() -> None:
    base = _followed(frames(drawn([48], 2)))
    found = base.clusters(np.ones(base.n, dtype=bool))
    assert found.number == 6
    assert found.notes == (NOTE_ONE_ORGANISATION,)
    few = _followed(frames(drawn([30], 2)))
    found = few.clusters(np.ones(few.n, dtype=bool))
    assert found.number is None
    assert found.notes == (NOTE_ONE_ORGANISATION, NOTE_IGNORES_GROUPS)


def test_an_officer_without_a_group_is_a_cluster_alone() -> None:
    with_groups = drawn([48], 2)
    base = _followed(frames([*with_groups, *(Officer([SCORES] * 4, "organisation-00"),) * 2]))
    assert base.clusters(np.ones(base.n, dtype=bool)).number == 8

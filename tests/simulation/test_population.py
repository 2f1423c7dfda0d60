"""The model: what it expects, who leaves, and that people add up."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.reference import instruments
from pipeline.simulation import SimulationPlan, draw_scores, expected_change, expected_score
from pipeline.simulation.plan import WAITING_LIST_ARM, WAVES, organisations_of, programme_of
from pipeline.simulation.population import ITEMS, SUBSCALES, draw_population, scores_of

AS_OF = date(2026, 11, 23)


@pytest.mark.parametrize("to_wave", ["session_5", "session_10"])
def test_the_expected_change_is_the_mean_of_a_large_draw(to_wave: str) -> None:
    # Organisations of ten are one session group each, so their means are independent.
    size, organisations = 10, 12_000
    drawn = draw_scores(
        np.random.default_rng(7),
        [size] * organisations,
        waves=("baseline", to_wave),
        dropout=False,
    )
    assert drawn.given.all()
    for place, subscale in enumerate(SUBSCALES):
        before, after = drawn.scores[:, 0, place], drawn.scores[:, 1, place]
        both = (before >= 0) & (after >= 0)
        change = np.where(both, after - before, 0).reshape(organisations, size).sum(axis=1)
        count = both.reshape(organisations, size).sum(axis=1)
        mean = change.sum() / count.sum()
        error = (change - mean * count).std() / count.mean() / np.sqrt(organisations)
        assert abs(mean - expected_change(subscale, "baseline", to_wave)) < 4 * error
        # The comparison could tell a change that is a tenth of a point off.
        assert error < 0.025


def test_the_programme_lowers_burnout_gradually_and_the_waiting_list_waits() -> None:
    burnout = [expected_score("burnout", wave.wave) for wave in WAVES]
    assert burnout[0] > burnout[1] > burnout[2] > burnout[3]
    assert burnout[3] == burnout[4] == burnout[6]
    waiting = [
        expected_change("burnout", "baseline", wave.wave, arm=WAITING_LIST_ARM) for wave in WAVES
    ]
    # Between organisations the scores spread more later, which rounding turns into a trace.
    assert abs(waiting[3]) < 0.05
    assert waiting[6] == pytest.approx(burnout[6] - burnout[0])


def test_an_organisations_shift_moves_all_ten_items_of_burnout() -> None:
    shifted = expected_score("burnout", "session_10", organisation_shift=0.1)
    unshifted = expected_score("burnout", "session_10", organisation_shift=0.0)
    # Ten times a tenth, of which the lower limit of the answers swallows some.
    assert 0.8 < shifted - unshifted < 1.0


def test_the_scorer_agrees_with_one_that_reads_the_key() -> None:
    proqol = instruments()["proqol5"]
    rows = np.random.default_rng(3).integers(0, 6, (200, ITEMS)).astype(np.uint8)
    rows[:100] = np.maximum(rows[:100], 1)
    for row, scores in zip(rows, scores_of(rows), strict=True):
        for subscale, score in zip(SUBSCALES, scores, strict=True):
            answers = [
                (6 - int(row[i - 1]) if i in proqol.reversed else int(row[i - 1]), int(row[i - 1]))
                for i in proqol.by_subscale[subscale].items
            ]
            blank = any(ticked == 0 for _, ticked in answers)
            assert score == (-1 if blank else sum(turned for turned, _ in answers))


def test_officers_with_much_burnout_leave_more_often() -> None:
    drawn = draw_scores(np.random.default_rng(5), [60] * 200)
    baseline = drawn.scores[:, 0, SUBSCALES.index("burnout")]
    began = drawn.given[:, 0] & (baseline >= 0)
    left = began & ~drawn.given[:, 1]
    high, low = began & (baseline >= 28), began & (baseline <= 20)
    assert left[high].mean() > 2 * left[low].mean()
    # Logit -2.3 + 0.10 (score - 25), against the share observed at one score.
    at_25 = began & (baseline == 25)
    expected = 1 / (1 + np.exp(2.3))
    error = np.sqrt(expected * (1 - expected) / at_25.sum())
    assert abs(left[at_25].mean() - expected) < 4 * error


def test_complete_cases_differ_from_everybody_in_the_same_draw() -> None:
    waves = ("baseline", "session_5", "session_7", "session_10")
    drawn = draw_scores(np.random.default_rng(11), [60] * 400, waves=waves)
    burnout = drawn.scores[:, :, SUBSCALES.index("burnout")]
    sound = (burnout[:, 0] >= 0) & (burnout[:, -1] >= 0)
    change = (burnout[:, -1] - burnout[:, 0])[sound]
    both = (drawn.given[:, 0] & drawn.given[:, -1])[sound]
    error = change.std() / np.sqrt(both.sum())
    assert change[both].mean() - change.mean() > 4 * error


def test_without_dropout_everybody_answers_what_is_due() -> None:
    plan = SimulationPlan(as_of=AS_OF, participants=300, dropout=False)
    people = draw_population(plan)
    due = np.array([w.due_after_days + w.closes_days_after for w in plan.programme_waves])
    age = (pl.lit(AS_OF) - pl.col("starts_on")).dt.total_days()
    days = people.officers.select(age).to_series().to_numpy()
    assert (people.answered == (days[:, None] >= due)).all()
    assert people.officers["departed_on"].null_count() == 300
    with_dropout = draw_population(SimulationPlan(as_of=AS_OF, participants=300))
    assert with_dropout.answered.sum() < 0.9 * people.answered.sum()


def test_those_who_left_neither_answer_nor_attend_nor_depart_earlier() -> None:
    plan = SimulationPlan(as_of=AS_OF, participants=4_000)
    people = draw_population(plan)
    officers = people.officers
    waves = [wave.wave for wave in plan.programme_waves]
    left = officers["left_at"].replace_strict(
        waves, range(len(waves)), default=len(waves), return_dtype=pl.Int64
    )
    assert not (people.answered & (np.arange(len(waves)) >= left.to_numpy()[:, None])).any()
    due = np.array([*(w.due_after_days for w in plan.programme_waves), 10_000])
    starts = officers["starts_on"].to_physical().to_numpy()
    last_day = starts + due[left.to_numpy()]
    gone = (left < len(waves)).to_numpy()
    held = people.held_on < last_day[:, None] + 4  # groups meet up to three days into the week
    assert not (people.attended & ~held)[gone].any()
    departed = officers["departed_on"].to_physical().fill_null(10_000_000).to_numpy()
    assert (np.where(people.answered, people.completed_on, 0).max(axis=1) < departed).all()
    assert (np.where(people.attended, people.held_on, 0).max(axis=1) < departed).all()
    # Every kind of leaving occurs.
    sessions = officers["sessions_attended"].to_numpy()
    assert (gone & (sessions == 0)).sum() > 20
    assert (gone & (sessions == 1)).sum() > 20
    assert (gone & (sessions >= 2) & (sessions < 9)).sum() > 20
    assert set(officers["departure_kind"].drop_nulls()) == {"withdrew", "left_organisation"}


def test_no_sound_response_is_a_straight_line() -> None:
    items = draw_population(SimulationPlan(as_of=AS_OF, participants=20_000)).answers.items
    rows = items.reshape(-1, ITEMS).astype(np.int8)
    same = (np.diff(rows, axis=1) == 0) & (rows[:, 1:] > 0)
    run, longest = np.zeros(len(rows), dtype=np.int8), 0
    for column in same.T:
        run = np.where(column, run + 1, 0).astype(np.int8)
        longest = max(longest, int(run.max()))
    assert longest + 1 <= 14


def test_responses_fall_into_their_windows_but_for_a_few() -> None:
    plan = SimulationPlan(as_of=AS_OF, participants=5_000)
    people = draw_population(plan)
    starts = people.officers["starts_on"].to_physical().to_numpy()[:, None]
    waves = plan.programme_waves
    opens = starts + np.array([w.due_after_days - w.opens_days_before for w in waves])
    closes = starts + np.array([w.due_after_days + w.closes_days_after for w in waves])
    answered, day = people.answered, people.completed_on
    outside = ((day < opens) | (day > closes))[answered].mean()
    assert 0.01 < outside < 0.03
    assert day[answered].max() <= (AS_OF - date(1970, 1, 1)).days
    enrolled = people.officers["enrolled_on"].to_physical().to_numpy()[:, None]
    assert (day >= enrolled)[answered].all()


@pytest.mark.parametrize(
    ("organisations", "participants"), [(1, 3), (2, 7), (5, 41), (12, 900), (66, 4_001)]
)
def test_sizes_add_up(organisations: int, participants: int) -> None:
    plan = SimulationPlan(as_of=AS_OF, organisations=organisations, participants=participants)
    settled = organisations_of(plan)
    assert len(settled) == organisations
    assert sum(o.size for o in settled) == participants
    assert min(o.size for o in settled) >= 1
    people = draw_population(plan)
    assert people.officers.height == participants
    assert people.officers["number"].n_unique() == participants
    assert people.officers["name"].n_unique() == participants
    assert people.officers["number"].str.len_chars().min() >= 9
    assert people.officers["family"].str.len_chars().min() >= 10


def test_a_few_organisations_are_units_whose_officers_belong_to_two_forces() -> None:
    plan = SimulationPlan(as_of=AS_OF)
    people = draw_population(plan)
    units = [o for o in people.organisations if o.is_unit]
    assert [o.organisation for o in units] == ["simulated-vru-01", "simulated-vru-02"]
    for unit in units:
        own = people.officers[people.rows_of(unit)]
        assert own["home_force"].n_unique() == 2
        assert not set(own["home_force"]) & {o.organisation for o in units}
    twice = people.officers.filter(pl.col("also_reported_by").is_not_null())
    # Some were enrolled by the unit first, some by the force first, some on one day.
    by_unit = twice["organisation"].str.contains("vru")
    assert 0 < by_unit.sum() < twice.height
    same_day = twice.filter(pl.col("enrolled_on") == pl.col("enrolled_by_unit_on"))
    assert not same_day.is_empty()
    assert not same_day["organisation"].str.contains("vru").any()


def test_some_organisations_are_finished_and_some_in_the_middle() -> None:
    plan = SimulationPlan(as_of=AS_OF)
    last = WAVES[-1]
    ends = [
        max(o.cohorts.values()) + timedelta(days=last.due_after_days + last.closes_days_after)
        for o in organisations_of(plan)
    ]
    finished = sum(end <= AS_OF for end in ends)
    assert 3 <= finished <= 9


def test_a_programme_of_some_waves_is_one_too() -> None:
    plan = SimulationPlan(as_of=AS_OF, waves=("session_10", "baseline"))
    programme = programme_of(plan, organisations_of(plan))
    assert programme.wave_names == ("baseline", "session_10")
    assert "imulated" in programme.title


@pytest.mark.parametrize(
    "wrong",
    [{"participants": 20}, {"organisations": 0}, {"waves": ("week_3",)}, {"layouts": ()}],
)
def test_an_impossible_plan_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SimulationPlan(as_of=AS_OF, **wrong)  # type: ignore[arg-type]

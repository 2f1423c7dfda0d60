"""Figures of models in a release: from how many officers on, how fine, and when they stay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_evaluation import AS_OF, SUBSCALES, WAVES, Frames, Officer, frames, officers, programme

from pipeline import tables
from pipeline.evaluation.arm_wave_model import arm_wave_models
from pipeline.evaluation.robustness import robustness
from pipeline.evaluation.trajectory import trajectory
from pipeline.privacy.disclosure.groups import Key
from pipeline.privacy.disclosure.history import Before
from pipeline.privacy.disclosure.rules import RULES
from pipeline.publishing.modelled import FEWEST_ESTIMATED, Block, printed_blocks
from pipeline.publishing.outsider import breaches
from pipeline.publishing.release import Release
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.remembered import as_frame, from_frame, without
from pipeline.vocabulary import Verdict

# Ten organisations, so that there are intervals; at the last wave fewer than 200 are scored.
SIZES = {f"force-{i}": 60 for i in range(10)}
ANSWERING = (0.95, 0.9, 0.3)


def _evaluated(made: Frames) -> dict[str, pl.DataFrame]:
    held = programme()
    modelled = trajectory(arm_wave_models(made.scores, made.participants, held), held)
    panel = robustness(
        made.scores, made.participants, made.participant_waves, held, modelled, as_of=AS_OF
    )
    found = {"trajectory": tables.TRAJECTORY.conform(modelled)}
    found["robustness"] = tables.ROBUSTNESS.conform(panel)
    return found | {"reliability": _reliability(), "comparability": _comparability()}


def _reliability() -> pl.DataFrame:
    rows = [
        {"organisation": place, "wave": wave, "instrument": "proqol5", "subscale": subscale}
        | {"n": 50, "alpha": 0.8449, "omega": 0.851}
        for place in ("all", *SIZES)
        for wave in WAVES
        for subscale in SUBSCALES
    ]
    return tables.RELIABILITY.conform(pl.DataFrame(rows))


def _comparability() -> pl.DataFrame:
    rows = [
        {"organisation": place, "wave": wave, "instrument": "proqol5", "subscale": subscale}
        | {"comparable": place != "force-3", "reason": None}
        for place in SIZES
        for wave in WAVES
        for subscale in SUBSCALES
    ]
    return tables.COMPARABILITY.conform(pl.DataFrame(rows))


def _submission(organisation: str, verdict: Verdict, rows: int, quarantined: int) -> dict[str, Any]:
    name = f"{organisation}--wellbeing--{verdict}-{rows}"
    return {
        "submission_id": name,
        "organisation": organisation,
        "source": "wellbeing",
        "sha256": "0",
        "received_at": datetime(2026, 1, 1),
        "rows_read": rows,
        "rows_quarantined": quarantined,
        "verdict": verdict.value,
        "decided_by": "contract",
    }


@pytest.fixture(scope="module")
def people() -> list[Officer]:
    return officers(SIZES, 11, answering=ANSWERING)


@pytest.fixture(scope="module")
def evaluated(people: list[Officer]) -> Mapping[str, pl.DataFrame]:
    return _evaluated(frames(people))


@pytest.fixture(scope="module")
def release(people: list[Officer], evaluated: Mapping[str, pl.DataFrame]) -> Release:
    return frames(people).release(evaluated=evaluated)


def _row(release: Release, table: str, **where: str) -> dict[str, Any]:
    return release.tables[table].filter(**where).row(0, named=True)


def _estimate(release: Release, wave: str, arm: str = "all") -> dict[str, Any]:
    return _row(release, "trajectory", arm=arm, wave=wave, subscale="burnout")


def test_it_keeps_to_every_rule_that_can_be_seen(release: Release) -> None:
    assert breaches(release.tables) == []


def test_an_estimate_has_one_decimal_and_the_count_of_wave_summary(
    release: Release, evaluated: Mapping[str, pl.DataFrame]
) -> None:
    exact = evaluated["trajectory"].filter(arm="all", wave="session_5", subscale="burnout")
    found = _estimate(release, "session_5")
    assert found["estimate"] == round(exact["estimate"].item(), 1) != exact["estimate"].item()
    assert found["ci_low"] == round(exact["ci_low"].item(), 1)
    summary = release.tables["wave_summary"].filter(
        organisation="all", arm="all", wave="session_5", subscale="burnout"
    )
    assert found["n"] == summary["n"].item() >= FEWEST_ESTIMATED
    first = _estimate(release, "baseline")
    assert found["change"] == pytest.approx(found["estimate"] - first["estimate"])
    assert first["change_note"] == "z"


def test_too_few_at_the_wave_or_of_an_arm_have_no_estimate(release: Release) -> None:
    last = _estimate(release, "session_10")
    assert last["n"] is not None
    assert last["n"] < FEWEST_ESTIMATED
    assert (last["estimate_note"], last["change_note"]) == ("c", "c")
    waiting = _estimate(release, "baseline", "waiting_list")
    assert waiting["n"] is None or waiting["n"] >= FEWEST_ESTIMATED or waiting["estimate"] is None


def test_few_organisations_have_an_estimate_and_no_interval() -> None:
    some = frames(officers({"north": 200, "south": 190, "east": 180}, 3))
    found = some.release(evaluated=_evaluated(some))
    baseline = _estimate(found, "baseline")
    assert baseline["estimate"] is not None
    assert (baseline["ci_low_note"], baseline["ci_high_note"]) == ("c", "c")


def test_the_panel_is_printed_of_many_only(release: Release) -> None:
    assert set(release.tables["robustness"]["estimate_note"]) == {"c"}
    many = frames(officers(dict.fromkeys(SIZES, 80), 5, answering=(0.95, 0.9, 0.8)))
    found = many.release(evaluated=_evaluated(many))
    complete = _row(found, "robustness", subscale="burnout", method="complete_cases")
    paired = _row(
        found,
        "paired_change",
        organisation="all",
        arm=complete["arm"],
        to_wave="session_10",
        subscale="burnout",
    )
    # The waiting list had not begun by session 10: the change named is that of the programme's arm.
    assert (complete["arm"], paired["named_beforehand"]) == ("programme", True)
    assert (complete["n"], complete["estimate"]) == (paired["n"], paired["mean_change"])
    assert complete["outcome"] == "reference"
    imputed = _row(found, "robustness", subscale="burnout", method="multiple_imputation")
    assert imputed["estimate"] == round(imputed["estimate"], 1)
    assert imputed["n_note"] == imputed["tipping_delta_note"] == "z"
    assert breaches(found.tables) == []


def test_without_the_evaluation_there_are_no_figures(people: list[Officer]) -> None:
    found = frames(people).release()
    assert found.tables["trajectory"]["estimate"].is_null().all()
    assert found.tables["data_quality"].is_empty()
    assert found.tables.keys() == {table.name for table in RELEASE_TABLES}


def _shifted(made: Frames, whose: set[str], points: int) -> Frames:
    moved = pl.col("raw_score") + pl.when(pl.col("participant_id").is_in(list(whose))).then(
        points
    ).otherwise(0)
    return Frames(made.participants, made.participant_waves, made.scores.with_columns(moved))


def _exact(made: Frames) -> dict[str, float]:
    held = programme()
    found = trajectory(arm_wave_models(made.scores, made.participants, held), held)
    chosen = found.filter(arm="all", subscale="burnout")
    return dict(zip(chosen["wave"], chosen["estimate"], strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_nine_officers_hide_in_an_estimate_of_enough(seed: int) -> None:
    """Their scores could all be four points others, and the figures printed the same.

    What is printed of the estimate and of the mean beside it has room for 0.2 points together. With
    officers fewer than the rule asks for there is none.
    """
    rng = np.random.default_rng(seed)

    def moves(size: int) -> float:
        made = frames(officers({"north": size}, seed, answering=(1.0, 1.0, 1.0)))
        # A few who came to the first wave only weigh most in the later ones, for what they lack.
        names = [f"north-{i:04d}" for i in rng.choice(size, 9, replace=False)]
        early = pl.col("participant_id").is_in(names) & (pl.col("wave") != "baseline")
        made = Frames(made.participants, made.participant_waves, made.scores.filter(~early))
        before, after = _exact(made), _exact(_shifted(made, set(names), 4))
        return max(abs(after[wave] - before[wave]) for wave in WAVES)

    assert moves(FEWEST_ESTIMATED + 9) <= 0.2
    assert moves(60) > 0.2


# ------------------------------------------------------------------ releases in a row


def _again(people: list[Officer], before: Before) -> Release:
    made = frames(people)
    return made.release(evaluated=_evaluated(made), before=before)


def _late(people: list[Officer], n: int) -> list[Officer]:
    """The same officers, of whom n more answer the second wave, with high scores."""
    missing = [o for o in people if "session_5" not in o.scores and "baseline" in o.scores][:n]
    assert len(missing) == n
    changed = {
        o.name: Officer(o.name, o.organisation, o.arm, o.sessions, {**o.scores, "session_5": 48})
        for o in missing
    }
    return [changed.get(o.name, o) for o in people]


@pytest.mark.parametrize("n", [1, 9])
def test_a_few_more_answers_change_no_estimate_of_any_wave(
    people: list[Officer], release: Release, n: int
) -> None:
    later = _again(_late(people, n), release.next)
    for wave in ("baseline", "session_5"):
        assert _estimate(later, wave) == _estimate(release, wave)


def test_many_more_answers_do(people: list[Officer], release: Release) -> None:
    later = _again(_late(people, 30), release.next)
    assert _estimate(later, "session_5")["estimate"] != _estimate(release, "session_5")["estimate"]


def _block(*parts: list[bool], figure: float) -> Block:
    masks = {f"wave {i}": np.array(mask) for i, mask in enumerate(parts)}
    return Block(Key("model of something", "all"), masks, {"estimate": figure})


def _printed(block: Block, before: Before) -> tuple[float, Before]:
    ids = pl.Series("participant_id", [f"v1-{i:03d}" for i in range(40)])
    found = printed_blocks([block], ids, before, RULES)
    kept = Before(prints={**before.prints, **found.new}, members=before.members)
    if found.new:
        kept = Before(prints=found.new, members=found.members)
    return found.figures[block.key]["estimate"], kept


def test_officers_in_another_part_count_as_changed_and_small_steps_add_up() -> None:
    everybody, half = [True] * 40, [i < 20 for i in range(40)]
    figure, before = _printed(_block(everybody, half, figure=1.0), Before())
    assert figure == 1.0
    six, twelve = ([i < 20 + n for i in range(40)] for n in (6, 12))
    figure, second = _printed(_block(everybody, six, figure=2.0), before)
    assert figure == 1.0
    figure, _ = _printed(_block(everybody, twelve, figure=3.0), second)
    assert figure == 3.0


def test_erased_officers_count_as_gone(people: list[Officer], release: Release) -> None:
    gone = [o.name for o in people if set(o.scores) == set(WAVES)][:3]
    rest = [o for o in people if o.name not in gone]
    kept = without(as_frame(release.next), gone, lambda names: names)
    before = from_frame(kept, lambda names: names)
    assert _estimate(_again(rest, before), "session_5") == _estimate(release, "session_5")


# ------------------------------------------------------------------ items and files


def test_agreement_has_one_decimal_and_stands_where_scores_are_printed(release: Release) -> None:
    printed = release.tables["reliability"].filter(pl.col("n").is_not_null())
    assert set(printed["alpha"].drop_nulls()) == {0.8}
    assert set(printed["omega"].drop_nulls()) == {0.9}
    assert set(printed.filter(organisation="all")["alpha"]) == {0.8}
    left_out = release.tables["reliability"].filter(pl.col("n").is_null())
    assert left_out["alpha"].is_null().all()
    assert set(left_out["alpha_note"]) <= {"c"}


def test_comparable_organisations_are_counted_where_scores_are_printed(release: Release) -> None:
    found = _row(release, "comparability", wave="baseline", subscale="burnout")
    shown = release.tables["wave_summary"].filter(
        pl.col("organisation") != "all",
        pl.col("n").is_not_null(),
        wave="baseline",
        subscale="burnout",
    )["organisation"]
    assert found["organisations"] == len(shown)
    assert found["not_comparable"] == int("force-3" in set(shown))


def test_rows_are_to_the_nearest_hundred_and_shares_in_steps() -> None:
    sizes = {"north": 60, "south": 45, "east": 80}
    files = [
        _submission("north", Verdict.ACCEPTED, 360, 9),
        _submission("north", Verdict.HELD, 20, 20),
        _submission("south", Verdict.ACCEPTED, 40, 1),
        _submission("nobody", Verdict.REJECTED, 10, 10),
    ]
    found = frames(officers(sizes, 3)).release(
        evaluated={"submissions": tables.SUBMISSIONS.conform(pl.DataFrame(files))}
    )
    rows = {row["organisation"]: row for row in found.tables["data_quality"].to_dicts()}
    assert (rows["north"]["files"], rows["north"]["files_held"]) == (2, 1)
    assert (rows["north"]["rows_read"], rows["north"]["quarantined_percent"]) == (400, 10)
    assert (rows["south"]["rows_read_note"], rows["south"]["quarantined_percent_note"]) == (
        "c",
        "c",
    )
    assert rows["east"]["files"] == 0
    assert (rows["all"]["files"], rows["all"]["rows_read"]) == (4, 400)

"""Whole releases of simulated officers: what is printed, and what a second one may show."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from small_evaluation import AS_OF, WAVES, Frames, Officer, frames, officers, programme

from pipeline import tables
from pipeline.privacy.disclosure.audit import audit
from pipeline.privacy.disclosure.groups import Key, Partition, Population, Print, printed
from pipeline.privacy.disclosure.history import Before
from pipeline.privacy.disclosure.rules import RULES, Rules
from pipeline.privacy.disclosure.suppression import left_out
from pipeline.publishing.characteristics import code_list
from pipeline.publishing.officers import Officers
from pipeline.publishing.outsider import appeared_and_vanished, breaches
from pipeline.publishing.populations import describe
from pipeline.publishing.release import Release
from pipeline.publishing.release_tables import RELEASE_TABLES
from pipeline.publishing.remembered import as_frame, from_frame, without

SIZES = {"north": 60, "south": 45, "east": 80, "west": 34, "small": 12, "tiny": 3}


@pytest.fixture(scope="module")
def people() -> list[Officer]:
    return officers(SIZES, 7)


@pytest.fixture(scope="module")
def release(people: list[Officer]) -> Release:
    return frames(people).release()


def _summary(release: Release, **where: str) -> dict[str, object]:
    table = release.tables["wave_summary"]
    chosen = {"organisation": "all", "arm": "all", "wave": "baseline", "subscale": "burnout"}
    return table.filter(**(chosen | where)).row(0, named=True)


def test_it_keeps_to_every_rule_that_can_be_seen(release: Release) -> None:
    assert breaches(release.tables) == []
    assert release.audit.passed


def test_no_headline_table_is_empty(release: Release) -> None:
    for name in ("participant_flow", "follow_up", "wave_summary", "paired_change", "retention"):
        assert release.shares[name]["published"] > 0.25, name


def test_every_table_is_there_with_its_columns(release: Release) -> None:
    for table in RELEASE_TABLES:
        assert release.tables[table.name].schema == table.table.frame_schema
        assert not release.tables[table.name].select(table.table.key).is_duplicated().any()


def test_small_organisations_have_no_rows(release: Release) -> None:
    shown = set(release.tables["wave_summary"]["organisation"])
    assert not shown & {"small", "tiny"}
    areas = dict(release.tables["areas"].select("organisation", "shown_as").iter_rows())
    assert areas["small"] == areas["tiny"] == "others"


def test_the_same_people_have_the_same_count_everywhere(release: Release) -> None:
    flow = release.tables["participant_flow"].filter(
        arm="all", denominator="enrolled", status="scored"
    )
    for wave, n in flow.select("stage", "n").iter_rows():
        assert _summary(release, wave=wave)["n"] == n
        follow_up = release.tables["follow_up"].filter(organisation="all", wave=wave)
        assert follow_up["scored"].item() == n


def test_figures_are_those_of_officers_scored_on_all_subscales(
    people: list[Officer], release: Release
) -> None:
    scores = [o.scores["baseline"] for o in people if "baseline" in o.scores]
    found = _summary(release, subscale="compassion_satisfaction")
    assert found["mean"] == pytest.approx(round(sum(scores) / len(scores), 1), abs=0.051)
    assert abs(found["n"] - len(scores)) <= 2


def test_officers_in_any_order_give_the_same_release(
    people: list[Officer], release: Release
) -> None:
    other = frames(people[::-1]).release()
    assert all(other.tables[name].equals(table) for name, table in release.tables.items())


def test_parts_that_are_not_inside_their_whole_are_refused(people: list[Officer]) -> None:
    found = frames(people)
    contradicting = found.participants.with_columns(dropout_stage=pl.lit("during_programme"))
    with pytest.raises(ValueError, match="somebody in a part of it is not in it"):
        replace(found, participants=contradicting).release()


# ------------------------------------------------------------------ each protection switched off


def _without(people: Sequence[Officer], weaker: Rules) -> tuple[Population, dict[Key, Print]]:
    """What weaker rules would print of officers, every organisation by itself."""
    found = frames(people)
    made = Officers(found.participants, found.participant_waves, found.scores, programme(), AS_OF)
    population = describe(made, {o: o for o in SIZES}, Before(), RULES).population
    gone = left_out(population, weaker)
    return population, {
        g.key: printed(g, weaker, population.units)
        for g in population.visible
        if g.key not in gone and g.n
    }


def _printed_nested_closely(population: Population, prints: dict[Key, Print]) -> list[Partition]:
    """Printed groups that hold all but a few of another printed one."""
    return [
        partition
        for partition in population.partitions
        if len(partition.parts) == 2
        and partition.whole in prints
        and partition.parts[0] in prints
        and not population.groups[partition.parts[1]].visible
        and 0 < population.groups[partition.parts[1]].n < RULES.fewest
    ]


def test_the_audit_finds_what_missing_suppression_gives_away(people: list[Officer]) -> None:
    population, prints = _without(people, Rules(complementary=False))
    assert not audit(population, prints, RULES).passed
    population, prints = _without(people, RULES)
    assert audit(population, prints, RULES).passed


def test_nested_groups_are_not_printed_side_by_side(people: list[Officer]) -> None:
    assert _printed_nested_closely(*_without(people, Rules(nesting=False)))
    assert not _printed_nested_closely(*_without(people, RULES))


def test_without_the_threshold_small_groups_are_printed(people: list[Officer]) -> None:
    population, prints = _without(people, Rules(fewest=1))
    assert any(population.groups[key].n < RULES.fewest for key in prints)
    population, prints = _without(people, RULES)
    assert all(population.groups[key].n >= RULES.fewest for key in prints)


# ------------------------------------------------------------------ releases in a row


def _newcomers(n: int, score: int) -> list[Officer]:
    scores = dict.fromkeys(WAVES, score)
    return [Officer(f"new-{i}", "east", "programme", 8, scores) for i in range(n)]


def _next(people: Sequence[Officer], before: Before) -> Release:
    return frames(people).release(before=before)


def test_nothing_new_is_the_same_release(people: list[Officer], release: Release) -> None:
    again = _next(people, release.next)
    assert all(again.tables[name].equals(table) for name, table in release.tables.items())


@pytest.mark.parametrize("n", [1, 9])
def test_a_few_newcomers_change_no_figure_of_their_groups(
    people: list[Officer], release: Release, n: int
) -> None:
    later = _next([*people, *_newcomers(n, 48)], release.next)
    for where in ({}, {"organisation": "east"}, {"arm": "programme"}):
        assert _summary(later, **where) == _summary(release, **where)
    without_history = _next([*people, *_newcomers(n, 48)], Before())
    assert n == 1 or _summary(without_history)["mean"] != _summary(release)["mean"]


def test_ten_newcomers_change_them(people: list[Officer], release: Release) -> None:
    later = _next([*people, *_newcomers(12, 48)], release.next)
    assert _summary(later)["mean"] != _summary(release)["mean"]


def test_small_steps_add_up_until_they_may_show(people: list[Officer], release: Release) -> None:
    second = _next([*people, *_newcomers(6, 48)], release.next)
    assert _summary(second) == _summary(release)
    third = _next([*people, *_newcomers(12, 48)], second.next)
    assert _summary(third)["mean"] != _summary(release)["mean"]


def test_one_in_and_one_out_is_a_change_of_two(people: list[Officer], release: Release) -> None:
    gone = next(o for o in people if o.organisation == "east" and "baseline" in o.scores)
    swapped = [*(o for o in people if o is not gone), *_newcomers(1, 48)]
    later = _next(swapped, release.next)
    assert _summary(later, organisation="east") == _summary(release, organisation="east")


def test_an_erased_officer_counts_as_gone(people: list[Officer], release: Release) -> None:
    gone = next(o for o in people if o.organisation == "east" and "baseline" in o.scores)
    rest = [o for o in people if o is not gone]
    kept = without(as_frame(release.next), [gone.name], lambda names: names)
    assert gone.name not in kept.select(pl.col("names").explode()).to_series().to_list()
    before = from_frame(kept, lambda names: names)
    assert _summary(_next(rest, before)) == _summary(release)
    # Had they not been counted, the figures without them would stand beside those with them.
    forgotten = replace(before, gone={})
    held = _next(rest, forgotten)
    assert held.next.prints.keys() == _next(rest, before).next.prints.keys()


def test_what_is_left_out_stays_so_while_nobody_changes(
    people: list[Officer], release: Release
) -> None:
    later = _next([*people, *_newcomers(12, 48)], release.next)
    for before, after in ((release, later),):
        sentences = appeared_and_vanished(before.tables, after.tables)
        shown = [s for s in sentences if "west" in s or "south" in s or "north" in s]
        assert shown == []


def test_changes_of_nested_groups_leave_over_nobody_or_ten(
    people: list[Officer], release: Release
) -> None:
    # Twelve more are scored at baseline and eleven of them again: the one who was not would be the
    # difference of the two differences.
    newcomers = _newcomers(12, 30)
    newcomers[0] = replace(newcomers[0], scores={"baseline": 48})
    later = _next([*people, *newcomers], release.next)
    paired = later.tables["paired_change"].filter(
        organisation="all", arm="all", to_wave="session_10", subscale="burnout"
    )
    before = release.tables["paired_change"].filter(
        organisation="all", arm="all", to_wave="session_10", subscale="burnout"
    )
    assert before["n"].item() is not None
    scored = _summary(later)
    assert scored["n_note"] == "c" or paired["n_note"].item() == "c"


def test_what_is_remembered_comes_back_from_its_frame(release: Release) -> None:
    before = from_frame(as_frame(release.next), lambda names: names)
    assert before.prints == release.next.prints
    assert before.areas == release.next.areas
    assert before.recorded == release.next.recorded
    assert Key("enrolled", "all") in before.prints


# ------------------------------------------------------------------ characteristics


def test_every_value_that_there_may_be_has_rows(release: Release) -> None:
    table = release.tables["equality_breakdown"]
    shown = {name: set(rows["value"]) for (name,), rows in table.group_by("characteristic")}
    # Nobody says a gender here: a characteristic with one value is not shown.
    assert shown == {"rank_group": set(code_list()["rank_group"])}
    printed = table.filter(pl.col("n").is_not_null())
    # Of two ranks one gives way, since what is left would be the four that nobody has.
    assert set(printed["value"]) == {"constable"}
    nobody = table.filter(value="inspector")
    assert set(nobody["n_note"]) == {"c"}


def test_the_change_stands_at_the_later_wave_of_the_primary_contrast(release: Release) -> None:
    table = release.tables["equality_breakdown"]
    other_waves = table.filter(pl.col("wave") != "session_10")
    assert set(other_waves["n_change_note"]) == {"z"}
    assert "z" not in set(table.filter(wave="session_10")["n_change_note"])


def test_forces_that_say_nothing_are_not_taken_from_those_unknown() -> None:
    def unsaid(people: Sequence[Officer], silent: str, few: int) -> Frames:
        """Genders of all but a force, and of a few of another."""
        made = frames(people)
        others = [o.name for o in people if o.organisation != silent]
        missing = {o.name for o in people if o.organisation == silent} | set(others[:few])
        gender = [
            None if o.name in missing else ("female", "male")[i % 2] for i, o in enumerate(people)
        ]
        by_name = pl.DataFrame({"participant_id": [o.name for o in people], "gender": gender})
        participants = made.participants.drop("gender").join(by_name, on="participant_id")
        return replace(made, participants=tables.PARTICIPANTS.conform(participants))

    people = officers({"north": 160, "south": 145, "east": 180}, 7, answering=(0.8, 0.7, 0.6))
    for few, both in ((6, False), (30, True)):
        found = unsaid(people, "east", few).release()
        value = found.tables["equality_breakdown"].filter(
            value="unknown", characteristic="gender", wave="baseline", subscale="burnout"
        )
        area = _summary(found, organisation="east")
        assert (value["n"].item() is not None and area["n"] is not None) == both


def test_a_value_that_the_code_list_does_not_have_is_refused(people: list[Officer]) -> None:
    found = frames(people)
    other = found.participants.with_columns(gender=pl.lit("something else"))
    with pytest.raises(ValueError, match="a gender that the code list does not have") as refusal:
        replace(found, participants=other).release()
    assert "something else" not in str(refusal.value)

"""The partitions an attacker relies on, against officers of random programmes."""

from collections.abc import Callable

import pytest
from programmes import Snapshot
from published import ALL, BANDS, LEVELS, Group, merged
from structure import relations
from truth import Truth

from pipeline.evaluation.participant_flow import participant_flow
from pipeline.evaluation.retention import retention
from pipeline.evaluation.taking_part import taking_part

States = Callable[[int], tuple[list[Snapshot], list[Truth]]]


def test_parts_share_nobody_and_make_up_their_total(seeds: range, states: States) -> None:
    tried = 0
    for seed in seeds:
        snapshots, found = states(seed)
        world = snapshots[0].world
        areas = {name: (name,) for name in world.organisations}
        labels = [
            Group("band", ALL, ALL, (world.waves[0], "burnout", "low or moderate")),
            Group("dose", ALL, ALL, (world.waves[-1], "none or one or 2 to 4")),
            Group("events", ALL, ALL, ("two_sessions", "0", "2")),
        ]
        for truth in found:
            truth.areas = areas
            for relation in relations(world, areas, labels):
                members = truth.members(relation.total)
                assert (truth.union(relation.parts) == members).all(), relation
                assert sum(truth.n([part]) for part in relation.parts) == members.sum(), relation
                tried += 1
    assert tried > 1_000


def test_groups_are_those_of_the_warehouse(seeds: range, states: States) -> None:
    for seed in seeds:
        snapshots, found = states(seed)
        for snapshot, truth in zip(snapshots, found, strict=True):
            people = snapshot.participants, snapshot.participant_waves
            officers = taking_part(*people, snapshot.programme, snapshot.as_of)
            for row in retention(officers, snapshot.programme).iter_rows(named=True):
                if row["organisation"] == ALL:
                    of = (row["denominator"], str(row["time"]))
                    for kind, column in (("at_risk", "n_at_risk"), ("event", "n_left")):
                        assert truth.n([Group(kind, ALL, row["arm"], of)]) == row[column]
            for row in participant_flow(*people, snapshot.programme).iter_rows(named=True):
                counted = row["organisation"], row["denominator"], row["stage"]
                if counted == (ALL, "enrolled", "dropout"):
                    group = Group("dropout", ALL, row["arm"], (row["status"],))
                    assert truth.n([group]) == row["n"]


@pytest.mark.parametrize(
    ("label", "atoms", "expected"),
    [
        ("low", LEVELS, ("low",)),
        ("low or moderate", LEVELS, ("low", "moderate")),
        ("8 or more", BANDS, ("8 or more",)),
        ("5 to 7 or 8 or more", BANDS, ("5 to 7", "8 or more")),
        ("none or one or 2 to 4", BANDS, ("none", "one", "2 to 4")),
    ],
)
def test_merged_labels_are_read(
    label: str, atoms: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert merged(label, atoms) == expected


def test_other_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="bands"):
        merged("low or lower", LEVELS)

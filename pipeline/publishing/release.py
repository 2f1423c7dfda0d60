"""A release in memory: from the core frames to tables for handing on, and what must be remembered.

What belongs here: the order of things. What stays out: writing it down
(`pipeline/storage/releases.py`), and every rule (`pipeline/privacy/disclosure`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import polars as pl

from pipeline import reference
from pipeline.evaluation.attrition_model import OTHER, attrition_model
from pipeline.evaluation.cells import ALL
from pipeline.evaluation.pilot import pilot_reconciliation
from pipeline.evaluation.taking_part import dropped_out_later
from pipeline.privacy.disclosure.areas import areas
from pipeline.privacy.disclosure.audit import Audit, Progress
from pipeline.privacy.disclosure.control import controlled
from pipeline.privacy.disclosure.groups import Key, Print
from pipeline.privacy.disclosure.history import (
    Before,
    Held,
    Recorded,
    held_back,
)
from pipeline.privacy.disclosure.members import Members
from pipeline.privacy.disclosure.rounding import two_figures
from pipeline.privacy.disclosure.rules import RULES, Rules
from pipeline.programme import Programme
from pipeline.publishing import model_rows, pooled_rows, release_tables, rows
from pipeline.publishing.characteristics import shown_characteristics
from pipeline.publishing.model_rows import Evaluated, Models
from pipeline.publishing.modelled import Printed, printed_blocks
from pipeline.publishing.officers import Officers
from pipeline.publishing.populations import AREA, Described, describe, scored_at
from pipeline.publishing.populations import modelled as modelled_as
from pipeline.publishing.release_tables import RELEASE_TABLES, Row
from pipeline.publishing.rows import Shown
from pipeline.tables import WAVE_SUMMARY

FEWEST_MODELLED: Final = 30
_TERM_OF_ALL: Final = "intercept"


@dataclass(frozen=True)
class Release:
    """Tables by name, and the groups behind them for the releases to come."""

    tables: Mapping[str, pl.DataFrame]
    shares: Mapping[str, Any]
    """Of each table its rows, its figures, and the share of them that is printed."""
    audit: Audit
    for_the_audit: tuple[Key, ...]
    rules: Rules
    next: Before
    """What the next release has to know: the prints and members of this one and of those before."""


def release_of(
    participants: pl.DataFrame,
    participant_waves: pl.DataFrame,
    scores: pl.DataFrame,
    programme: Programme,
    as_of: date,
    *,
    evaluated: Evaluated | None = None,
    before: Before | None = None,
    rules: Rules = RULES,
    progress: Progress | None = None,
) -> Release:
    """The tables of a release from frames of `tables.PARTICIPANTS`, PARTICIPANT_WAVES and SCORES.

    `evaluated` are tables of the evaluation, for what only models say; without them those tables
    have no figures. `before` is `Release.next` of the release before. Raises `control.Unsafe` where
    the audit does not pass, and ValueError for frames that do not fit each other.
    """
    earlier = before or Before()
    # Brought to today's list once: whoever asks for it again finds it so.
    earlier = replace(earlier, members=earlier.members.listed_after(participants["participant_id"]))
    officers = Officers(participants, participant_waves, scores, programme, as_of)
    enrolled = dict(participants.group_by("organisation").len().iter_rows())
    stood = {name: place.removeprefix(AREA) for name, place in earlier.areas.items()}
    shown_as = areas(enrolled, rules, stood)
    characteristics = shown_characteristics(participants, rules)
    described = describe(officers, shown_as, earlier, rules, characteristics)
    places = {name: AREA + area for name, area in (shown_as or {}).items()}
    held = held_back(described.population, described.members, places, earlier, rules)
    made = controlled(described.population, rules, held, progress)
    known = evaluated or {}
    prints = _with_model(made.prints, held, officers, rules)
    prints = _with_agreement(prints, held, known)
    modelled = printed_blocks(
        model_rows.blocks(officers, known, described.layout),
        participants["participant_id"],
        earlier,
        rules,
    )
    shown = Shown(prints, described.layout, programme)
    tables = _tables(shown, Models(modelled.figures, known), enrolled, shown_as)
    return Release(
        tables,
        release_tables.shares(tables, RELEASE_TABLES),
        made.audit,
        made.for_the_audit,
        rules,
        replace(
            _remembered(described, prints, held, earlier, modelled),
            areas={**earlier.areas, **places},
        ),
    )


def _tables(
    shown: Shown, models: Models, organisations: Iterable[str], shown_as: Mapping[str, str] | None
) -> dict[str, pl.DataFrame]:
    summary, paired = list(rows.wave_summary(shown)), list(rows.paired_change(shown))
    made: dict[str, Iterable[Row]] = {
        "areas": _areas(shown.programme, organisations, shown_as),
        "participant_flow": rows.participant_flow(shown),
        "follow_up": rows.follow_up(shown),
        "wave_summary": summary,
        "wave_bands": rows.wave_bands(shown),
        "paired_change": paired,
        "pooled_change": pooled_rows.pooled_change(paired),
        "organisation_change": pooled_rows.organisation_change(paired),
        "reliable_change": rows.reliable_change(shown),
        "retention": rows.retention(shown),
        "attrition": rows.attrition(shown),
        "attrition_model": rows.attrition_model(shown),
        "dose_response": rows.dose_response(shown),
        "equality_breakdown": rows.equality_breakdown(shown),
        "trajectory": model_rows.trajectory(shown, models),
        "robustness": model_rows.robustness(shown, models),
        "reliability": model_rows.reliability(shown),
        "comparability": model_rows.comparability(shown),
        "data_quality": model_rows.data_quality(models.evaluated, shown_as or {}),
        "pilot_reconciliation": rows.pilot_reconciliation(_pilot(), summary),
    }
    return {table.name: table.frame(made[table.name]) for table in RELEASE_TABLES}


def _areas(
    programme: Programme, organisations: Iterable[str], shown_as: Mapping[str, str] | None
) -> list[Row]:
    known = programme.known_organisations
    return [
        {
            "organisation": name,
            "name": known[name].name if name in known else name,
            "shown_as": shown_as[name] if shown_as else ALL,
        }
        for name in sorted(organisations)
    ]


def _pilot() -> Sequence[Mapping[str, Any]]:
    instruments = {(m.wave, m.subscale): m.instrument for m in reference.pilot_means()}
    return [
        {"instrument": instruments[row["wave"], row["subscale"]], **row}
        for row in pilot_reconciliation(WAVE_SUMMARY.empty()).iter_rows(named=True)
    ]


def _with_model(
    prints: Mapping[Key, Print], held: Held, officers: Officers, rules: Rules
) -> dict[Key, Print]:
    """The prints with the model's figures, where its people are printed and not held back."""
    found = dict(prints)
    key = Key(modelled_as(officers.programme.primary.instrument), ALL)
    if key in found and key not in held.standing:
        found[key] = replace(found[key], others=_model(officers, rules))
    return found


def _with_agreement(
    prints: Mapping[Key, Print], held: Held, evaluated: Evaluated
) -> dict[Key, Print]:
    """The prints with alpha and omega of who is scored, where that group is printed anew."""
    found = dict(prints)
    for (organisation, wave, instrument), figures in model_rows.agreement(evaluated).items():
        place = ALL if organisation == ALL else AREA + organisation
        key = Key(scored_at(wave, instrument), place)
        if key in found and key not in held.standing:
            found[key] = replace(found[key], others=figures)
    return found


def _model(officers: Officers, rules: Rules) -> dict[str, float]:
    """Odds ratios with their limits, named `<term> <figure>`; none where a group is too small."""
    programme = officers.programme
    counted = officers.followed.with_columns(left=dropped_out_later()).filter(
        pl.Series(officers.scored(programme.wave_names[0], programme.primary.instrument))
        & pl.col("left").is_not_null()
    )
    n_left = int(counted["left"].sum())
    fewest = min(n_left, counted.height - n_left)
    if counted.height < FEWEST_MODELLED or fewest < rules.fewest:
        return {}
    ranks = _large_rank_groups(counted, rules)
    groups = ("rank_group",) if ranks["rank_group"].n_unique() > 1 else ()
    made = attrition_model(officers.scores, ranks, programme, groups=groups)
    return {
        f"{row['term']} {name}": two_figures(row[name])
        for row in made.iter_rows(named=True)
        if row["term"] != _TERM_OF_ALL
        for name in ("odds_ratio", "ci_low", "ci_high")
        if row[name] is not None
    }


def _large_rank_groups(counted: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Rank groups with enough who left and enough who stayed; all others are one.

    Where those together are too few, the smallest of the large ones joins them: nobody is left out.
    """
    sizes = (
        counted.with_columns(pl.col("rank_group").fill_null("unknown"))
        .group_by("rank_group")
        .agg(n_left=pl.col("left").sum(), n=pl.len())
        .with_columns(n_stayed=pl.col("n").cast(pl.Int64) - pl.col("n_left").cast(pl.Int64))
        .sort("n", "rank_group")
    )
    small = {
        name: (left, stayed)
        for name, left, stayed in sizes.select("rank_group", "n_left", "n_stayed").iter_rows()
        if min(left, stayed) < rules.fewest
    }
    for name, left, stayed in sizes.select("rank_group", "n_left", "n_stayed").iter_rows():
        together = [sum(column) for column in zip(*small.values(), strict=True)]
        if not small or min(together) >= rules.fewest:
            break
        small.setdefault(name, (left, stayed))
    return counted.with_columns(
        pl.col("rank_group").fill_null("unknown").replace(dict.fromkeys(small, OTHER))
    )


def _remembered(
    described: Described,
    prints: Mapping[Key, Print],
    held: Held,
    earlier: Before,
    modelled: Printed,
) -> Before:
    """Prints and members as of this release, and those of before where nothing newer took place."""
    new = {
        Recorded(group.key, group.key in prints)
        for group in described.population.groups.values()
        if group.key not in held.standing
    } | {Recorded(key, True) for key in modelled.new}
    today = {
        at: who
        for key, who in described.members.of.items()
        if (at := Recorded(key, key in prints)) in new
    }
    kept = earlier.members.listed_after(described.members.names)
    members = {at: who for at, who in kept.of.items() if at not in new}
    printed = {**prints, **modelled.new}
    newly_printed = {key for key, printed in new if printed}
    return Before(
        prints={**earlier.prints, **{key: printed[key] for key in newly_printed}},
        members=Members(kept.names, {**members, **today, **modelled.members.of}),
        gone={at: n for at, n in earlier.gone.items() if at not in new},
    )

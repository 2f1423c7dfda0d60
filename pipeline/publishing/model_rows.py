"""Rows of release tables about models: trajectory, robustness, reliability, and what they rest on.

What belongs here: which figures of the evaluation are asked for, and where they stand. What stays
out: when they may be printed (`modelled.py`), and every other table (`rows.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pipeline import tables
from pipeline.evaluation.cells import ALL
from pipeline.evaluation.named_beforehand import is_named_beforehand, named_arm
from pipeline.privacy.disclosure.groups import Key
from pipeline.privacy.disclosure.rounding import steps, tenths
from pipeline.programme import Contrast, Programme
from pipeline.publishing.modelled import (
    FEWEST_CLUSTERS,
    FEWEST_COMPARED,
    FEWEST_ESTIMATED,
    Block,
)
from pipeline.publishing.officers import Officers
from pipeline.publishing.populations import ARM, Layout, change_of, paired_over, scored_at
from pipeline.publishing.release_tables import Note, Row, Value
from pipeline.publishing.rows import Shown
from pipeline.vocabulary import RobustnessMethod, RobustnessOutcome, Verdict

Evaluated = Mapping[str, pl.DataFrame]
"""Tables of the evaluation by name, as the warehouse has them; what is not there has no figures."""

_LIMITS: Final = {"estimate": ("ci_low", "ci_high"), "change": ("change_ci_low", "change_ci_high")}
ROWS_TO: Final = 100
PERCENT_TO: Final = 5
"""Of two hundred rows a step is ten."""
_OUTCOMES: Final = list(RobustnessOutcome)


@dataclass(frozen=True)
class Models:
    """What there is for one release beside its groups: printed figures by block, and the rest."""

    figures: Mapping[Key, Mapping[str, float]]
    evaluated: Evaluated

    def figure(self, key: Key, name: str) -> float | Note:
        found = self.figures.get(key)
        return Note.CONFIDENTIAL if found is None else found.get(name, Note.NOT_AVAILABLE)


def blocks(officers: Officers, evaluated: Evaluated, layout: Layout) -> list[Block]:
    """Every block of figures that a release may print."""
    programme = officers.programme
    made = []
    modelled, first = _rows(evaluated, tables.TRAJECTORY), programme.wave_names[0]
    names, codes = officers.named("arm")
    for instrument in programme.instruments:
        answered = {w: officers.any_score(w, instrument) for w in programme.wave_names}
        for arm in (*layout.arms, ALL):
            place = ALL if arm == ALL else ARM + arm
            inside = officers.everybody if arm == ALL else codes == names.index(arm)
            figures = {
                f"{row['wave']} {row['subscale']} {name}": value
                for row in modelled
                if (row["arm"], row["instrument"], row["from_wave"]) == (arm, instrument, first)
                for name, value in _trajectory_figures(row).items()
            }
            parts = {wave: mask & inside for wave, mask in answered.items()}
            made.append(Block(_trajectory_key(instrument, place), parts, figures))
    return [*made, _robustness_block(officers, evaluated, layout)]


def _trajectory_key(instrument: str, place: str) -> Key:
    return Key(f"model trajectory {instrument}", place)


def _robustness_key(programme: Programme, layout: Layout) -> Key:
    """Of the arm that the primary contrast speaks of; with one arm in use there is only `all`."""
    arm = named_arm(programme)
    place = ALL if arm == ALL or not layout.arms else ARM + arm
    return Key(f"model robustness {programme.primary.instrument}", place)


def _trajectory_figures(row: Mapping[str, Any]) -> dict[str, float]:
    """To one decimal; limits only where there are organisations enough."""
    asked = ["estimate"]
    if (row["n_clusters"] or 0) >= FEWEST_CLUSTERS:
        asked += [limit for limits in _LIMITS.values() for limit in limits]
    return {name: tenths(row[name]) / 10 for name in asked if row[name] is not None}


def _robustness_block(officers: Officers, evaluated: Evaluated, layout: Layout) -> Block:
    primary, arm = officers.programme.primary, named_arm(officers.programme)
    asked_for = (arm, primary.from_wave, primary.to_wave, primary.instrument)
    figures: dict[str, float] = {}
    for row in _rows(evaluated, tables.ROBUSTNESS):
        if (row["arm"], row["from_wave"], row["to_wave"], row["instrument"]) != asked_for:
            continue
        asked = ["estimate", "tipping_delta"]
        if (row["n_clusters"] or 0) >= FEWEST_CLUSTERS:
            asked += ["ci_low", "ci_high"]
        named = f"{row['subscale']} {row['method']}"
        figures |= {f"{named} {x}": tenths(row[x]) / 10 for x in asked if row[x] is not None}
        figures[f"{named} outcome"] = _OUTCOMES.index(RobustnessOutcome(row["outcome"]))
    names, codes = officers.named("arm")
    if arm == ALL:
        inside = officers.everybody
    else:
        inside = codes == names.index(arm) if arm in names else ~officers.everybody
    parts = {
        wave: officers.any_score(wave, primary.instrument) & inside
        for wave in officers.programme.wave_names
    }
    parts["enrolled"] = inside
    return Block(_robustness_key(officers.programme, layout), parts, figures)


def trajectory(shown: Shown, models: Models) -> Iterator[Row]:
    """Estimates at waves with officers enough; change is the difference of two printed ones."""
    programme = shown.programme
    first = programme.wave_names[0]
    for place in shown.arms:
        for instrument, subscale in shown.subscales():
            levels = {
                w: _level(shown, models, (w, instrument, subscale), place)
                for w in programme.wave_names
            }
            for wave, level in levels.items():
                since = levels[first] if wave != first else None
                yield {
                    "arm": place.removeprefix(ARM) if place != ALL else ALL,
                    "wave": wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    "named_beforehand": is_named_beforehand(
                        programme,
                        Contrast(
                            instrument=instrument, subscale=subscale, from_wave=first, to_wave=wave
                        ),
                        place.removeprefix(ARM),
                    ),
                    "n": shown.count(scored_at(wave, instrument), place),
                    **{name: level[name] for name in ("estimate", *_LIMITS["estimate"])},
                    **_change(level, since),
                }


def _level(
    shown: Shown, models: Models, of: tuple[str, str, str], place: str
) -> Mapping[str, Value]:
    """The figures of a wave; confidential where too few are printed there."""
    wave, instrument, subscale = of
    n = shown.count(scored_at(wave, instrument), place)
    names = ("estimate", *_LIMITS["estimate"], *_LIMITS["change"])
    if isinstance(n, Note) or n < FEWEST_ESTIMATED:
        return dict.fromkeys(names, Note.CONFIDENTIAL)
    key = _trajectory_key(instrument, place)
    found = {name: models.figure(key, f"{wave} {subscale} {name}") for name in names}
    limits = [name for pair in _LIMITS.values() for name in pair]
    if not isinstance(found["estimate"], Note):
        # There is an interval, and too few organisations to print it.
        found |= {x: Note.CONFIDENTIAL for x in limits if isinstance(found[x], Note)}
    return found


def _change(level: Mapping[str, Value], since: Mapping[str, Value] | None) -> Row:
    names = ("change", *_LIMITS["change"])
    if since is None:
        return dict.fromkeys(names, Note.NOT_APPLICABLE)
    now, then = level["estimate"], since["estimate"]
    for estimate in (now, then):
        if isinstance(estimate, Note):
            return dict.fromkeys(names, estimate)
    return {
        "change": tenths(float(str(now)) - float(str(then))) / 10,
        **{name: level[name] for name in _LIMITS["change"]},
    }


def robustness(shown: Shown, models: Models) -> Iterator[Row]:
    """The primary contrast by every method, on every subscale of its instrument.

    Of the arm that the contrast speaks of; confidential where the release has no rows of it.
    """
    primary = shown.programme.primary
    if primary.from_wave != shown.programme.wave_names[0]:
        return
    waves, instrument = (primary.from_wave, primary.to_wave), primary.instrument
    key = _robustness_key(shown.programme, shown.layout)
    is_shown = key.place in shown.arms

    def count(measure: str) -> int | Note:
        return shown.count(measure, key.place) if is_shown else Note.CONFIDENTIAL

    paired = count(paired_over(*waves, instrument))
    enough = not isinstance(paired, Note) and paired >= FEWEST_COMPARED
    counts = {
        RobustnessMethod.COMPLETE_CASES: paired,
        RobustnessMethod.MIXED_MODEL: count(scored_at(primary.to_wave, instrument)),
    }
    for subscale in shown.programme.instrument(instrument).by_subscale:
        for method in RobustnessMethod:
            named = f"{subscale} {method}"

            def figure(name: str, named: str = named) -> float | Note:
                return models.figure(key, f"{named} {name}") if enough else Note.CONFIDENTIAL

            estimate, outcome = figure("estimate"), figure("outcome")
            if method is RobustnessMethod.COMPLETE_CASES and enough:
                change = change_of(*waves, instrument, subscale)
                estimate = shown.mean(paired_over(*waves, instrument), key.place, change)
            limits = {name: figure(name) for name in _LIMITS["estimate"]}
            if not isinstance(estimate, Note):
                limits = {
                    x: Note.CONFIDENTIAL if isinstance(v, Note) else v for x, v in limits.items()
                }
            yield {
                "arm": key.place.removeprefix(ARM),
                "to_wave": primary.to_wave,
                "instrument": instrument,
                "subscale": subscale,
                "method": method.value,
                "named_beforehand": subscale == primary.subscale,
                "n": counts.get(method, Note.NOT_APPLICABLE),
                "estimate": estimate,
                **limits,
                "tipping_delta": figure("tipping_delta")
                if method is RobustnessMethod.TIPPING_POINT
                else Note.NOT_APPLICABLE,
                "outcome": outcome
                if isinstance(outcome, Note)
                else _OUTCOMES[round(outcome)].value,
            }


def agreement(evaluated: Evaluated) -> dict[tuple[str, str, str], dict[str, float]]:
    """What is said of the items of each subscale, by organisation, wave and instrument.

    Alpha and omega to one decimal, and whether answers are comparable with others' (1 or 0).
    """
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in _rows(evaluated, tables.COMPARABILITY):
        of = found.setdefault((row["organisation"], row["wave"], row["instrument"]), {})
        of[f"comparable {row['subscale']}"] = int(row["comparable"])
    for row in _rows(evaluated, tables.RELIABILITY):
        of = found.setdefault((row["organisation"], row["wave"], row["instrument"]), {})
        for name in ("alpha", "omega"):
            if row[name] is not None:
                of[f"{name} {row['subscale']}"] = tenths(row[name]) / 10
    return found


def reliability(shown: Shown) -> Iterator[Row]:
    """Of all, and of organisations that stand alone, where officers enough are printed."""
    for place in shown.areas:
        area = place.partition(":")[2] or ALL
        for wave in shown.programme.wave_names:
            for instrument, subscale in shown.subscales():
                found = shown.prints.get(Key(scored_at(wave, instrument), place))
                others: Mapping[str, float] = found.others if found else {}
                why = Note.NOT_AVAILABLE if found else Note.CONFIDENTIAL
                yield {
                    "organisation": area,
                    "wave": wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    "n": found.count if found else why,
                    "alpha": others.get(f"alpha {subscale}", why),
                    "omega": others.get(f"omega {subscale}", why),
                }


def comparability(shown: Shown) -> Iterator[Row]:
    """Of organisations with printed scores, how many have answers that can be compared."""
    for wave in shown.programme.wave_names:
        for instrument, subscale in shown.subscales():
            said = [
                found.others[f"comparable {subscale}"]
                for place in shown.areas[:-1]
                if (found := shown.prints.get(Key(scored_at(wave, instrument), place)))
                and f"comparable {subscale}" in found.others
            ]
            yield {
                "wave": wave,
                "instrument": instrument,
                "subscale": subscale,
                "organisations": len(said),
                "comparable": sum(map(round, said)),
                "not_comparable": len(said) - sum(map(round, said)),
            }


def data_quality(evaluated: Evaluated, shown_as: Mapping[str, str]) -> Iterator[Row]:
    """Files by verdict, and rows to the nearest hundred, of all and of every area.

    `shown_as` is the area of each organisation. A file that nobody's mapping knows counts in `all`.
    """
    files = list(_rows(evaluated, tables.SUBMISSIONS))
    if not files:
        return
    for area in (*sorted(set(shown_as.values())), ALL):
        here = [f for f in files if area in {ALL, shown_as.get(f["organisation"])}]
        verdicts = [f["verdict"] for f in here]
        rows, quarantined = (
            sum(f[name] or 0 for f in here) for name in ("rows_read", "rows_quarantined")
        )
        printed = steps(rows, ROWS_TO)
        yield {
            "organisation": area,
            "files": len(here),
            **{f"files_{verdict}": verdicts.count(verdict.value) for verdict in Verdict},
            "rows_read": printed or Note.CONFIDENTIAL,
            "quarantined_percent": steps(100 * quarantined / rows, PERCENT_TO)
            if printed >= 2 * ROWS_TO
            else Note.CONFIDENTIAL,
        }


def _rows(evaluated: Evaluated, table: tables.Table) -> Iterable[Mapping[str, Any]]:
    frame = evaluated.get(table.name)
    return [] if frame is None else list(frame.iter_rows(named=True))

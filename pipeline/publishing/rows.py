"""Rows of release tables, made from printed figures and from nothing else.

What belongs here: which printed figure stands where, and what follows from printed figures. What
stays out: exact figures. No function here sees one, so none can give one away.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.evaluation.attrition import imbalance
from pipeline.evaluation.cells import ALL
from pipeline.evaluation.intervals import t_interval
from pipeline.evaluation.named_beforehand import is_named_beforehand
from pipeline.privacy.disclosure.groups import Key, Print, mean_of, sd_of
from pipeline.privacy.disclosure.rounding import tenths
from pipeline.programme import DROPOUT, Contrast, Programme
from pipeline.programme import ENROLLED as ENROLLED_STAGE
from pipeline.publishing import populations as groups
from pipeline.publishing.characteristics import code_list, place_of
from pipeline.publishing.populations import AREA, ARM, Layout
from pipeline.publishing.release_tables import Note, Row, Value
from pipeline.vocabulary import Denominator, DropoutStage

_OR: Final = " or "


@dataclass(frozen=True)
class Shown:
    """Printed figures by group, and the places that there are rows of."""

    prints: Mapping[Key, Print]
    layout: Layout
    programme: Programme

    def count(self, measure: str, place: str = ALL) -> int | Note:
        found = self.prints.get(Key(measure, place))
        return found.count if found else Note.CONFIDENTIAL

    def tenth(self, measure: str, place: str, name: str) -> float | Note:
        found = self.prints.get(Key(measure, place))
        return found.tenths[name] / 10 if found else Note.CONFIDENTIAL

    def mean(self, measure: str, place: str, quantity: str) -> float | Note:
        return self.tenth(measure, place, mean_of(quantity))

    def sd(self, measure: str, place: str, quantity: str) -> float | Note:
        return self.tenth(measure, place, sd_of(quantity))

    @property
    def arms(self) -> list[str]:
        return [*(ARM + arm for arm in self.layout.arms), ALL]

    @property
    def areas(self) -> list[str]:
        return [*(AREA + area for area in self.layout.areas), ALL]

    @property
    def everywhere(self) -> list[str]:
        return [*self.areas[:-1], *self.arms]

    def subscales(self) -> Iterator[tuple[str, str]]:
        for instrument in self.programme.instruments:
            for subscale in self.programme.instrument(instrument).by_subscale:
                yield instrument, subscale


def place_columns(place: str) -> Row:
    """`organisation` and `arm` of a place."""
    return {
        "organisation": place.removeprefix(AREA) if place.startswith(AREA) else ALL,
        "arm": place.removeprefix(ARM) if place.startswith(ARM) else ALL,
    }


def participant_flow(shown: Shown) -> Iterator[Row]:
    primary = shown.programme.primary.instrument
    waves = shown.programme.wave_names

    def row(place: str, denominator: str, stage: str, status: str, measure: str) -> Row:
        return place_columns(place) | {
            "denominator": denominator,
            "stage": stage,
            "status": status,
            "n": shown.count(measure, place),
        }

    enrolled, twice = Denominator.ENROLLED.value, Denominator.TWO_SESSIONS.value
    for place in shown.arms:
        yield row(place, enrolled, ENROLLED_STAGE, groups.ENROLLED, groups.ENROLLED)
        for wave in waves:
            scored = groups.scored_at(wave, primary)
            yield row(place, enrolled, wave, groups.SCORED, scored)
            if place == ALL:
                for status in groups.STATUSES[1:]:
                    measure = groups.with_status(wave, status)
                    yield row(ALL, enrolled, wave, status, measure)
    for stage in DropoutStage:
        yield row(ALL, enrolled, DROPOUT, stage.value, groups.dropped(stage))
    yield row(ALL, twice, ENROLLED_STAGE, groups.ENROLLED, groups.TWO_SESSIONS)
    for wave in waves:
        measure = groups.two_sessions_and(groups.scored_at(wave, primary))
        yield row(ALL, twice, wave, groups.SCORED, measure)


def follow_up(shown: Shown) -> Iterator[Row]:
    primary = shown.programme.primary.instrument
    for place in shown.areas:
        for wave in shown.programme.wave_names:
            enrolled = shown.count(groups.ENROLLED, place)
            scored = shown.count(groups.scored_at(wave, primary), place)
            yield {
                "organisation": place_columns(place)["organisation"],
                "wave": wave,
                "enrolled": enrolled,
                "scored": scored,
                "scored_percent": _from(lambda n, of: _percent(n / of), scored, enrolled),
            }


def wave_summary(shown: Shown) -> Iterator[Row]:
    for place in shown.everywhere:
        for wave in shown.programme.wave_names:
            for instrument, subscale in shown.subscales():
                measure = groups.scored_at(wave, instrument)
                quantity = groups.score_of(wave, instrument, subscale)
                yield place_columns(place) | {
                    "wave": wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    **_summary(shown, measure, place, quantity),
                }


def wave_bands(shown: Shown) -> Iterator[Row]:
    for place in shown.arms:
        for (wave, instrument, subscale), cut in shown.layout.bands.items():
            family = groups.band_family(wave, instrument, subscale)
            for labels, n in _parts(shown, family, cut, place):
                yield place_columns(place) | {
                    "wave": wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    "band": labels,
                    "n": n,
                }


def paired_change(shown: Shown) -> Iterator[Row]:
    primary = shown.programme.primary
    for place in shown.everywhere:
        for from_wave, to_wave in shown.layout.pairs:
            for instrument, subscale in shown.subscales():
                is_primary = (from_wave, to_wave, instrument) == (
                    primary.from_wave,
                    primary.to_wave,
                    primary.instrument,
                )
                if place.startswith(AREA) and not is_primary:
                    continue
                yield {
                    **place_columns(place),
                    "from_wave": from_wave,
                    "to_wave": to_wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    "named_beforehand": is_named_beforehand(
                        shown.programme,
                        Contrast(
                            instrument=instrument,
                            subscale=subscale,
                            from_wave=from_wave,
                            to_wave=to_wave,
                        ),
                        place.removeprefix(ARM) if place.startswith(ARM) else ALL,
                    ),
                    **_change(shown, place, (from_wave, to_wave), instrument, subscale),
                }


def _change(
    shown: Shown, place: str, waves: tuple[str, str], instrument: str, subscale: str
) -> Row:
    from_wave, to_wave = waves
    measure = groups.paired_over(from_wave, to_wave, instrument)
    quantity = groups.change_of(from_wave, to_wave, instrument, subscale)
    summary = _summary(shown, measure, place, quantity, "_change")
    sd_from = shown.sd(measure, place, groups.score_of(from_wave, instrument, subscale))
    sd_to = shown.sd(measure, place, groups.score_of(to_wave, instrument, subscale))
    return {
        **summary,
        "sd_from": sd_from,
        "sd_to": sd_to,
        "correlation": _from(_correlation, sd_from, sd_to, summary["sd_change"]),
        "d_av": _from(_d_av, summary["mean_change"], sd_from, sd_to),
    }


def reliable_change(shown: Shown) -> Iterator[Row]:
    for place in shown.arms:
        for (from_wave, to_wave, instrument, subscale), cut in shown.layout.outcomes.items():
            family = groups.outcome_family(from_wave, to_wave, instrument, subscale)
            for labels, n in _parts(shown, family, cut, place):
                yield place_columns(place) | {
                    "from_wave": from_wave,
                    "to_wave": to_wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    "outcome": labels,
                    "n": n,
                }


def retention(shown: Shown) -> Iterator[Row]:
    waves = shown.programme.wave_names
    for denominator in Denominator:
        share: float | Note = 1.0
        for step in shown.layout.steps:
            time, to_time = step
            n_at_risk = shown.count(groups.at_risk(denominator, time))
            n_left = shown.count(groups.left_during(denominator, step))
            share = _from(lambda s, left, risk: s * (1 - left / risk), share, n_left, n_at_risk)
            yield {
                "organisation": ALL,
                "arm": ALL,
                "denominator": denominator.value,
                "time": time,
                "wave": waves[time - 1] if time else None,
                "to_time": to_time,
                "n_at_risk": n_at_risk,
                "n_left": n_left,
                "retained": _from(_percent, share),
            }


def attrition(shown: Shown) -> Iterator[Row]:
    first = shown.programme.wave_names[0]
    for instrument, subscale in shown.subscales():
        quantity = groups.score_of(first, instrument, subscale)
        measures = {
            "left": groups.left_after(instrument),
            "stayed": groups.stayed_after(instrument),
        }
        row: Row = {
            "organisation": ALL,
            "denominator": Denominator.ENROLLED.value,
            "instrument": instrument,
            "subscale": subscale,
        }
        for name, measure in measures.items():
            row |= {
                f"n_{name}": shown.count(measure),
                f"mean_{name}": shown.mean(measure, ALL, quantity),
                f"sd_{name}": shown.sd(measure, ALL, quantity),
            }
        difference = _from(
            _standardised, *(row[f"{f}_{name}"] for f in ("mean", "sd") for name in measures)
        )
        flag = _from(lambda d: imbalance(d).value, difference)
        yield row | {"standardised_difference": difference, "flag": flag}


def attrition_model(shown: Shown) -> Iterator[Row]:
    found = shown.prints.get(Key(groups.modelled(shown.programme.primary.instrument), ALL))
    figures = found.others if found else {}
    terms = dict.fromkeys(name.rpartition(" ")[0] for name in figures)
    for term in terms:
        yield {
            "term": term,
            **{
                name: figures.get(f"{term} {name}", Note.NOT_AVAILABLE)
                for name in ("odds_ratio", "ci_low", "ci_high")
            },
        }
    if not terms:
        why = Note.NOT_AVAILABLE if found else Note.CONFIDENTIAL
        yield {"term": "all", "odds_ratio": why, "ci_low": why, "ci_high": why}


def equality_breakdown(shown: Shown) -> Iterator[Row]:
    instrument = shown.programme.primary.instrument
    for characteristic in shown.layout.characteristics:
        for value in code_list()[characteristic]:
            place = place_of(characteristic, value)
            for wave in shown.programme.wave_names:
                for subscale in shown.programme.instrument(instrument).by_subscale:
                    measure = groups.scored_at(wave, instrument)
                    quantity = groups.score_of(wave, instrument, subscale)
                    level = _summary(shown, measure, place, quantity)
                    yield {
                        "characteristic": characteristic,
                        "value": value,
                        "wave": wave,
                        "instrument": instrument,
                        "subscale": subscale,
                        **{name: level[name] for name in ("n", "mean", "sd")},
                        **_primary_change(shown, place, wave, subscale),
                    }


def _primary_change(shown: Shown, place: str, wave: str, subscale: str) -> Row:
    """The change up to a wave of those with a value, with the count named `n_change`."""
    primary = shown.programme.primary
    waves, instrument = (primary.from_wave, primary.to_wave), primary.instrument
    if wave != primary.to_wave:
        names = ("n_change", "mean_change", "sd_change", "ci_low", "ci_high")
        return dict.fromkeys(names, Note.NOT_APPLICABLE)
    measure = groups.paired_over(*waves, instrument)
    quantity = groups.change_of(*waves, instrument, subscale)
    found = _summary(shown, measure, place, quantity, "_change")
    return {"n_change": found.pop("n"), **found}


def dose_response(shown: Shown) -> Iterator[Row]:
    first = shown.programme.wave_names[0]
    for (wave, instrument), cut in shown.layout.doses.items():
        for labels in cut:
            measure = groups.joined(groups.dose_family(wave, instrument), labels)
            for subscale in shown.programme.instrument(instrument).by_subscale:
                quantity = groups.change_of(first, wave, instrument, subscale)
                yield {
                    "organisation": ALL,
                    "sessions_band": _OR.join(labels),
                    "wave": wave,
                    "instrument": instrument,
                    "subscale": subscale,
                    **_summary(shown, measure, ALL, quantity, "_change"),
                }


def pilot_reconciliation(
    printed: Sequence[Mapping[str, Any]], summary: Iterable[Row]
) -> Iterator[Row]:
    """The pilot's own figures with the national ones of the released wave_summary."""
    national = {
        (row["wave"], row["instrument"], row["subscale"]): row
        for row in summary
        if row["organisation"] == row["arm"] == ALL
    }
    for mean in printed:
        found = national.get((mean["wave"], mean["instrument"], mean["subscale"]), {})
        figures = {
            f"national_{name}": found.get(name, Note.NOT_AVAILABLE)
            for name in ("mean", "ci_low", "ci_high")
        }
        yield {**mean, **figures}


# ------------------------------------------------------------------ from printed figures


def _summary(shown: Shown, measure: str, place: str, quantity: str, suffix: str = "") -> Row:
    """n, mean, SD and interval; mean and SD with a suffix to their names."""
    n = shown.count(measure, place)
    mean = shown.mean(measure, place, quantity)
    sd = shown.sd(measure, place, quantity)
    return {
        "n": n,
        f"mean{suffix}": mean,
        f"sd{suffix}": sd,
        "ci_low": _from(lambda *of: _limit(*of, high=False), n, mean, sd),
        "ci_high": _from(lambda *of: _limit(*of, high=True), n, mean, sd),
    }


def _parts(
    shown: Shown, family: str, cut: Iterable[Sequence[str]], place: str
) -> Iterator[tuple[str, int | Note]]:
    for labels in cut:
        measure = groups.joined(family, labels)
        if Key(measure, place) in shown.layout.merged:
            yield _OR.join(labels), shown.count(measure, place)


def _from(make: Any, *values: Value) -> Any:
    """What follows from printed figures; the first note among them where there is one.

    Of what cannot be computed from them it is not available.
    """
    notes = [value for value in values if isinstance(value, Note)]
    if notes:
        return notes[0]
    try:
        found = make(*values)
    except ZeroDivisionError:
        return Note.NOT_AVAILABLE
    return Note.NOT_AVAILABLE if found is None else found


def _limit(n: int, mean: float, sd: float, *, high: bool) -> float | None:
    interval = t_interval(n, mean, sd)
    if interval is None:
        return None
    return tenths(interval.high if high else interval.low) / 10


def _percent(share: float) -> int:
    """Half a percent is rounded up; to nine digits, the rest is noise."""
    return math.floor(round(100 * share, 9) + 0.5)


def _correlation(sd_from: float, sd_to: float, sd_change: float) -> float:
    r = (sd_from**2 + sd_to**2 - sd_change**2) / (2 * sd_from * sd_to)
    return tenths(min(1.0, max(-1.0, r))) / 10


def _d_av(mean_change: float, sd_from: float, sd_to: float) -> float:
    return tenths(mean_change / ((sd_from + sd_to) / 2)) / 10


def _standardised(mean_left: float, mean_stayed: float, sd_left: float, sd_stayed: float) -> float:
    return tenths((mean_left - mean_stayed) / math.sqrt((sd_left**2 + sd_stayed**2) / 2)) / 10

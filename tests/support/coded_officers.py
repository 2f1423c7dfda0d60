"""Simulated officers who give codes, wave after wave, with the truth about whose each one is."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipeline.privacy.linkage import CODES, Linked
from pipeline.simulation.codes import BLANK, ELEMENTS, Carelessness, draw_codes, given_codes

WAVES = ("baseline", "session_5", "session_10", "follow_up_3m")
_ANSWERING = 0.75


@dataclass(frozen=True)
class Coded:
    """CODES rows, and by code and wave the officers who gave it."""

    given: pl.DataFrame
    owners: dict[tuple[str, str], set[int]]

    def truth(self, linked: Linked, from_wave: str, to_wave: str) -> tuple[int, int]:
        """Links between two waves that are of two officers, and officers not linked."""
        kept = dict(linked.members.select("code_id", "participant_id").iter_rows())
        at: dict[str, dict[str, int]] = defaultdict(dict)
        # A code that two officers gave at one wave is shared, and its rows are set aside.
        for (code, wave), owners in self.owners.items():
            if len(owners) == 1:
                (at[wave][kept[code]],) = owners
        earlier, later = at[from_wave], at[to_wave]
        wrong = sum(earlier[name] != later[name] for name in earlier.keys() & later.keys())
        named = {officer: name for name, officer in earlier.items()}
        again = {officer: name for name, officer in later.items()}
        return wrong, sum(named[o] != again[o] for o in named.keys() & again.keys())


def coded_officers(seed: int, officers: int, careless: Carelessness) -> Coded:
    """Officers of one force who answer three waves in four, each time with their code."""
    rng = np.random.default_rng(seed)
    codes = given_codes(rng, draw_codes(rng, officers), len(WAVES), careless)
    there = rng.random(codes.shape[:2]) < _ANSWERING
    gender = rng.choice(["male", "female"], officers, p=[0.65, 0.35])
    rows = []
    owners: dict[tuple[str, str], set[int]] = defaultdict(set)
    for officer, place in np.argwhere(there & ((codes == BLANK).sum(axis=2) < 2)).tolist():
        code, wave = codes[officer, place], WAVES[place]
        name = "-".join(str(value) for value in code)
        if (code == BLANK).any():
            name += wave
        owners[name, wave].add(officer)
        rows.append(
            {
                "participant_id": name,
                "home_force": "kent",
                "organisation": "kent",
                "elements": [element.name for element in ELEMENTS],
                "code": [
                    None if value == BLANK else f"{element.name} {value}"
                    for element, value in zip(ELEMENTS, code.tolist(), strict=True)
                ],
                "occasion": wave,
                "wave": wave,
                # Nobody shares a day with another, so that shared codes show.
                "day": date(2000 + place, 1, 1) + timedelta(days=officer),
                "gender": str(gender[officer]),
            }
        )
    return Coded(pl.DataFrame(rows, schema=CODES), dict(owners))

"""Which organisations have rows of their own and which stand together as `others`.

What stays out: figures. Whoever is not printed alone is in `others`, so the areas always add up to
all, and no total less the rest gives a small organisation.
"""

from collections.abc import Collection, Mapping
from typing import Final

from pipeline.privacy.disclosure.rules import Rules

OTHERS: Final = "others"


def areas(
    enrolled: Mapping[str, int], rules: Rules, earlier: Mapping[str, str] | None = None
) -> dict[str, str] | None:
    """The area of each organisation, itself or `others`; None where areas cannot be told apart.

    `enrolled` is the number of officers by organisation; `earlier` the areas of the release before.
    Who stood in `others` stays there: taken out, the change of `others` would be theirs.
    """
    before = earlier or {}
    pooled = {o for o, n in enrolled.items() if n < rules.fewest_enrolled}
    pooled |= {o for o in enrolled if before.get(o) == OTHERS}
    alone = sorted(enrolled.keys() - pooled, key=lambda o: (o in before, enrolled[o], o))
    while pooled and not _may_stand_together([enrolled[o] for o in pooled], rules):
        if not alone:
            return None
        pooled.add(alone.pop(0))
    if len(alone) + bool(pooled) < 2:
        return None
    return {o: OTHERS if o in pooled else o for o in enrolled}


def _may_stand_together(sizes: Collection[int], rules: Rules) -> bool:
    total = sum(sizes)
    return (
        len(sizes) >= rules.fewest_pooled
        and total >= rules.fewest_enrolled
        and 100 * max(sizes) <= rules.largest_share * total
    )

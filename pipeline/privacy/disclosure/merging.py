"""Adjacent parts of an ordered whole, merged until each is large enough to be shown.

What stays out: what the parts are. Merging comes before suppression: two bands as one say more than
two bands left out.
"""

from collections.abc import Collection, Sequence

from pipeline.privacy.disclosure.rules import Rules


def merged(
    names: Sequence[str],
    sizes: Sequence[Sequence[int]],
    rules: Rules,
    earlier: Collection[frozenset[str]] = (),
) -> tuple[tuple[str, ...], ...]:
    """Names in groups of neighbours, as many as may be; empty where even all together are too few.

    `sizes[i]` are the sizes of part i at every place where it is shown. `earlier` is how the parts
    were merged in the last release, which is never undone: the difference of the two would be the
    part that was too small. A part that stood nowhere then may stand alone now.
    """
    groups: list[tuple[str, ...]] = []
    current: list[str] = []
    totals = [0] * (len(sizes[0]) if sizes else 0)
    for i, name in enumerate(names):
        current.append(name)
        totals = [total + size for total, size in zip(totals, sizes[i], strict=True)]
        following = names[i + 1] if i + 1 < len(names) else None
        tied = any({name, following} <= labels for labels in earlier)
        if not tied and all(total >= rules.fewest for total in totals):
            groups.append(tuple(current))
            current, totals = [], [0] * len(totals)
    if current and groups:
        groups[-1] += tuple(current)
    return tuple(groups)

"""Which rows are of the comparison that the programme file names beforehand: one rule, every table.

What belongs here: the arm that the primary contrast speaks of, and the arm it is held against. What
stays out: when an arm has begun (`begun.py`), and figures.

The file names an instrument, a subscale and two waves, and no arm. Where all its arms stand alike
at both waves (each had begun by the wave, or none had) the change is that of all officers, arm
`all`. Where they do not, a mean over officers with the programme and without it answers no question
that anybody asked: the change named is that of the arm which begins first, and the difference named
is between that arm and the first one listed that has not begun by the later wave. The rule reads
the file alone, so it is fixed before there are answers, and it names the rows of one arm in each
table; those of single organisations are parts of that of all of them.
"""

from pipeline.evaluation.begun import begins_after_days, begun
from pipeline.evaluation.cells import ALL
from pipeline.programme import Contrast, Programme


def named_arm(programme: Programme) -> str:
    """The arm whose change is the primary contrast's; `all` where arms do not differ by it.

    Of arms that begin on the same day the one listed first.
    """
    waves = (programme.primary.from_wave, programme.primary.to_wave)
    stands = {tuple(begun(arm, programme)[wave] for wave in waves) for arm in programme.arm_names}
    if len(stands) == 1:
        return ALL
    return min(programme.arm_names, key=lambda arm: begins_after_days(arm, programme))


def named_reference(programme: Programme) -> str | None:
    """The arm without the programme by the later wave that the named one is held against."""
    if named_arm(programme) == ALL:
        return None
    later = programme.primary.to_wave
    waiting = (arm for arm in programme.arm_names if not begun(arm, programme)[later])
    return next(waiting, None)


def is_named_beforehand(programme: Programme, contrast: Contrast, arm: str) -> bool:
    """Whether the change of an arm (or `all`) between two waves is the one named beforehand."""
    return contrast == programme.primary and arm == named_arm(programme)


def is_named_difference(
    programme: Programme, contrast: Contrast, arm: str, reference_arm: str
) -> bool:
    """Whether the difference of two arms' changes is the one named beforehand."""
    named = is_named_beforehand(programme, contrast, arm)
    return named and reference_arm == named_reference(programme)

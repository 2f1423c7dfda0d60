"""Which arms have begun their sessions before a wave, and what to say of figures that mix both.

What belongs here: the programme file's word on each arm, wave by wave. What stays out: what arms
differ by (`arm_contrast.py`), and sessions as they were held (`pipeline/follow_up`).
"""

from collections.abc import Collection
from math import inf
from typing import Final

from pipeline.programme import Programme
from pipeline.vocabulary import ArmRole

NOTE_NOT_BEGUN: Final = "arms together, of which not begun by this wave: {}"


def begins_after_days(arm: str, programme: Programme) -> float:
    """Days from the cohort's first session to the arm's; infinite for one that never begins."""
    if arm not in programme.arm_names:
        return 0
    declared = programme.arm_declared(arm)
    return inf if declared.role is ArmRole.COMPARISON else declared.begins_after_days


def begun(arm: str, programme: Programme) -> dict[str, bool]:
    """By wave, whether the arm's first session comes before it."""
    begins = begins_after_days(arm, programme)
    return {wave.wave: wave.due_after_days > begins for wave in programme.waves}


def notes_of_arms_together(
    arms: Collection[str], wave: str, programme: Programme
) -> tuple[str, ...]:
    """Of a figure of all these arms: which had no session by the wave, if others had.

    Their change is then a mean over officers with the programme and without it.
    """
    waiting = sorted(arm for arm in arms if not begun(arm, programme)[wave])
    if not waiting or len(waiting) == len(arms):
        return ()
    return (NOTE_NOT_BEGUN.format(", ".join(waiting)),)

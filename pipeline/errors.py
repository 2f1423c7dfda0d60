"""What may be said of an error whose message could quote a cell: its kind and its place.

What stays out: Dagster (`pipeline/orchestration/guard.py`), and Muster's own sentences.
"""

from pathlib import Path

_ROOMS = frozenset({"pipeline", "assets", "checks"})


def place_of(error: BaseException) -> str:
    """Kind of an error and the last line of Muster's own code that it passed."""
    place = "an unknown place"
    step = error.__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if _ROOMS & {path.parent.name, path.parent.parent.name}:
            place = f"{path.parent.name}/{path.name} line {step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__} at {place}"

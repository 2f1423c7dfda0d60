"""A process that applies one function to what it is handed, until nobody hands it anything.

Run as a script by `processes.py`. What stays out: Dagster, and all else that takes long to import;
what the function needs comes with it. Standard input brings the function and then lists of items,
standard output takes for each list its answers and the error that ended it, or None.
"""

import os
import pickle
import signal
import sys
from typing import BinaryIO


def main() -> None:
    # Whoever interrupts the command interrupts the process that started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as told:
        # Nothing that prints may mix with the answers.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        _serve(sys.stdin.buffer, told)


def _serve(work: BinaryIO, told: BinaryIO) -> None:
    function = pickle.load(work)  # noqa: S301 - written by the process that started this one
    while True:
        try:
            items = pickle.load(work)  # noqa: S301 - as above
        except EOFError:
            return
        answers, raised = [], None
        try:
            answers = [function(item) for item in items]
        except Exception as error:  # noqa: BLE001 - raised again where it was asked
            raised = error
        told.write(_pickled(answers, raised))
        told.flush()


def _pickled(answers: list[object], raised: Exception | None) -> bytes:
    try:
        return pickle.dumps((answers, raised))
    except Exception:  # noqa: BLE001 - whatever an object's own pickling raises
        what = type(raised).__name__ if raised else "an answer"
        return pickle.dumps(([], RuntimeError(f"{what} cannot be handed from process to process")))


if __name__ == "__main__":
    main()

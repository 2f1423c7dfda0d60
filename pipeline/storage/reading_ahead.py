"""Frames that are read before anybody asks for them, while a run leaves a core idle.

What belongs here: one reading at a time, handed out once. What stays out: which frames (`lake.py`).
A frame's file is named by its content, so one that was read early is the one that is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import polars as pl

Frames = Mapping[str, pl.DataFrame]
"""By the whole names of their files."""


class ReadAhead:
    """What is being read, or was read and is not asked for yet; empty in another process."""

    def __init__(self) -> None:
        self._begun: tuple[list[str], Future[Frames]] | None = None
        self._one_at_a_time = Lock()

    def __reduce__(self) -> tuple[type["ReadAhead"], tuple[()]]:
        return ReadAhead, ()

    def begin(self, columns: Sequence[str], read: Callable[[], Frames]) -> None:
        """Begin to read frames with these columns; what was read before and not used goes."""
        thread = ThreadPoolExecutor(1)
        with self._one_at_a_time:
            self._begun = list(columns), thread.submit(read)
        thread.shutdown(wait=False)

    def taken(self, columns: Sequence[str]) -> Frames:
        """The frames with these columns that were read ahead; nobody is given them again.

        None of them where anything went wrong: whoever reads them will find out what.
        """
        with self._one_at_a_time:
            if self._begun is None or self._begun[0] != list(columns):
                return {}
            (_, reading), self._begun = self._begun, None
        return {} if reading.exception() else reading.result()

    def forget(self) -> None:
        """Let go of what nobody asked for."""
        with self._one_at_a_time:
            self._begun = None

"""Errors that hold no value: the one wrapper around every asset, check and sensor body.

Polars, DuckDB and pydantic quote cells in their messages, and Dagster stores an exception with its
whole chain. Muster's own sentences pass; of everything else only kind and place are kept. Here it
is also decided what is worth another try: a share that was away for a moment, and nothing else.
"""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from pipeline.errors import may_pass, place_of, refusal_of
from pipeline.orchestration.mapper import WorkFailed
from pipeline.programme import UnusableConfiguration
from pipeline.quality.verdicts import AccountingError
from pipeline.storage.stages import Stray
from pipeline.storage.warehouse import WarehouseFailed

P = ParamSpec("P")
R = TypeVar("R")

_SAFE = (UnusableConfiguration, AccountingError, WarehouseFailed, WorkFailed, Stray)


_ENDING_THE_RUN = (KeyboardInterrupt, SystemExit, DagsterExecutionInterruptedError)


AGAIN = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For stages: only `MayPass` is tried again, since every other failure forbids it."""


class StageFailed(dg.Failure):
    """A stage that ended in an error; the message names what and where, and no value."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, allow_retries=False)


class MayPass(Exception):
    """A stage that the operating system interrupted in a way that often passes by itself."""


def value_free(body: Callable[P, R]) -> Callable[P, R]:
    """Let a body fail only with sentences that hold no value of any cell."""
    if inspect.isgeneratorfunction(body):
        raise TypeError(f"{body.__name__} yields, so it would fail outside this wrapper")

    @functools.wraps(body)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return body(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - Polars panics with one that is no Exception
            failure = _without_values(error, body.__name__)
        # Raised outside the handler, so that the original is not even the context.
        raise failure

    return guarded


def _without_values(error: BaseException, stage: str) -> BaseException:
    """What may go on instead of an error."""
    if isinstance(error, MayPass | dg.Failure | dg.RetryRequested):
        # Raised on purpose, but perhaps while something else was being handled.
        error.__cause__ = error.__context__ = None
        return error
    if isinstance(error, _ENDING_THE_RUN):
        return type(error)()
    if isinstance(error, _SAFE):
        return StageFailed(str(error))
    refusal = refusal_of(error)
    sentence = f"{stage} ended in {place_of(error)}{f': {refusal}' if refusal else ''}"
    return MayPass(sentence) if may_pass(error) else StageFailed(sentence)

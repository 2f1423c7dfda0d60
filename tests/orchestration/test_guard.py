"""Whatever an error carries, nothing of it goes on but its kind and place."""

import traceback
from collections.abc import Callable

import dagster as dg
import polars as pl
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from pipeline.orchestration.guard import StageFailed, value_free
from pipeline.programme import UnusableConfiguration
from pipeline.quality.verdicts import AccountingError
from pipeline.storage.warehouse import WarehouseFailed

CANARY = "PC 4711 Doe"


class _Quoting(Exception):
    """An error that quotes what it was given in every way there is."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return f"could not parse {self.value}"

    __repr__ = __str__


def _in_message() -> None:
    raise ValueError(f"invalid value: {CANARY}")


def _in_args() -> None:
    raise KeyError({"row": [CANARY]}, 1)


def _in_representation() -> None:
    raise _Quoting(CANARY)


def _in_cause() -> None:
    try:
        _in_message()
    except ValueError as error:
        raise RuntimeError("clean") from error


def _in_context() -> None:
    try:
        _in_message()
    except ValueError:
        raise RuntimeError("clean")  # noqa: B904 - the context is the point


def _deep_in_the_chain() -> None:
    try:
        _in_cause()
    except RuntimeError:
        raise TypeError("clean")  # noqa: B904 - the context is the point


def _in_a_note() -> None:
    error = ValueError("clean")
    error.add_note(CANARY)
    raise error


def _in_a_group() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY)])


def _in_polars() -> None:
    pl.Series([CANARY]).cast(pl.Int32)


def _safe_with_cause() -> None:
    try:
        _in_message()
    except ValueError as error:
        raise WarehouseFailed("core.scores: ConversionException") from error


def _safe_with_context() -> None:
    try:
        _in_message()
    except ValueError:
        raise UnusableConfiguration("programme.yaml: broken.")  # noqa: B904 - the point


BODIES = [
    _in_message,
    _in_args,
    _in_representation,
    _in_cause,
    _in_context,
    _deep_in_the_chain,
    _in_a_note,
    _in_a_group,
    _in_polars,
    _safe_with_cause,
    _safe_with_context,
]


def _told(error: BaseException) -> str:
    """Everything that a traceback prints and that Dagster keeps of an error."""
    info = serializable_error_info_from_exc_info((type(error), error, error.__traceback__))
    return "\n".join([*traceback.format_exception(error), info.to_string(), repr(info)])


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__.strip("_"))
def test_no_value_of_an_error_goes_on(body: Callable[[], None]):
    # Without the guard the canary is there to be found; else the test would prove nothing.
    with pytest.raises(Exception) as bare:  # noqa: PT011 - every kind of error
        body()
    assert CANARY in _told(bare.value)
    with pytest.raises(StageFailed) as raised:
        value_free(body)()
    assert "4711" not in _told(raised.value)
    assert "4711" not in repr(raised.value.args)


def test_what_is_kept_says_stage_and_kind():
    with pytest.raises(StageFailed, match=r"^_in_args ended in KeyError at \S+ line \d+$"):
        value_free(_in_args)()


def test_the_place_is_the_last_line_of_the_projects_own_code(tmp_path):
    from pipeline.storage.stages import Stages

    def body() -> None:
        Stages(tmp_path, "code").read("missing")

    with pytest.raises(StageFailed, match=r"^body ended in \w+ at storage/stages\.py line \d+$"):
        value_free(body)()


@pytest.mark.parametrize(
    "error",
    [
        UnusableConfiguration("secrets/key-1 is missing."),
        AccountingError("a--b--c: 4 rows read, 3 accounted for"),
        WarehouseFailed("core.scores: ConstraintException"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_own_sentences_pass(error):
    @value_free
    def body() -> None:
        raise error

    with pytest.raises(StageFailed) as raised:
        body()
    assert str(raised.value) == str(error)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("kind", [dg.Failure, dg.RetryRequested])
def test_what_dagster_means_to_hear_passes(kind):
    meant = dg.Failure("as meant") if kind is dg.Failure else dg.RetryRequested(max_retries=2)

    @value_free
    def body() -> None:
        raise meant

    with pytest.raises(kind) as raised:
        body()
    assert raised.value is meant


def test_a_body_that_ends_well_is_untouched():
    @value_free
    def body(number: int, *, more: int) -> int:
        """Adds."""
        return number + more

    assert body(1, more=2) == 3
    assert (body.__name__, body.__doc__) == ("body", "Adds.")


def test_an_interruption_is_not_held_up():
    @value_free
    def body() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        body()


def test_every_asset_and_check_is_guarded():
    """A new stage that forgets the wrapper is found here."""
    from pipeline.definitions import ASSETS, CHECKS

    for definition in [*ASSETS, *CHECKS]:
        body = definition.op.compute_fn.decorated_fn
        assert getattr(body, "__wrapped__", None) is not None, definition.op.name
        assert body.__code__ is value_free(lambda: None).__code__, definition.op.name

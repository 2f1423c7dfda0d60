"""What commands share."""

import os

import pytest

from pipeline.commands.console import answers_alone


def test_what_a_library_writes_past_python_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with answers_alone():
        os.write(1, b"the solver speaks\n")
    print("after")
    said = capfd.readouterr()
    assert said.out == "before\nafter\n"
    assert said.err == "the solver speaks\n"


def test_answers_come_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="refused"), answers_alone():
        raise ValueError("refused")
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"

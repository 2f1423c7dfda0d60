"""Suppressing, auditing and suppressing more; and refusing where that does not help."""

import pytest
import typer
from scipy.optimize import OptimizeResult

from pipeline.commands.release import _refuse
from pipeline.privacy.disclosure.attack import Attack, Undecided
from pipeline.privacy.disclosure.audit import audit
from pipeline.privacy.disclosure.control import Unsafe, controlled
from pipeline.privacy.disclosure.groups import Group, Key, Partition, Population, Print
from pipeline.privacy.disclosure.history import Held
from pipeline.privacy.disclosure.rules import RULES, Rules


def key(name: str) -> Key:
    return Key(name, "all")


def _parts(**sizes: int) -> Population:
    groups = {key(name): Group(key(name), n, 1) for name, n in sizes.items()}
    groups[key("all")] = Group(key("all"), sum(sizes.values()), 0)
    return Population(groups, (Partition(key("all"), tuple(map(key, sizes))),), {})


def test_a_small_part_is_hidden_by_another() -> None:
    made = controlled(_parts(a=1, b=40, c=60), RULES)
    assert {k.measure for k in made.suppressed} == {"a", "b"}
    assert made.audit.passed


def test_the_audit_asks_for_more_where_subtraction_does_not() -> None:
    # Without complementary suppression the audit alone must find that a follows.
    made = controlled(_parts(a=1, b=40, c=60), Rules(complementary=False))
    assert key("a") in made.suppressed
    assert made.for_the_audit
    assert made.audit.passed


def test_what_earlier_releases_printed_may_leave_no_way_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    held = Held({}, frozenset({key("all"), key("b")}), frozenset())
    with pytest.raises(Unsafe) as refused:
        controlled(_parts(a=1, b=40), RULES, held)
    assert [failure.key for failure in refused.value.failures] == [key("a")]

    with pytest.raises(typer.Exit) as ended:
        _refuse(refused.value.failures, after=["spring", "autumn"], as_json=False)
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err
    assert "nothing was written" in said
    assert "a (all): not every count from 1 to 9 is possible." in said
    assert "Hand on autumn once more, or try again after a `muster run` in which ten" in said


def test_a_solver_that_gives_up_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(*_: object, **__: object) -> None:
        raise Undecided("no end")

    monkeypatch.setattr(Attack, "possible", gives_up)
    with pytest.raises(Unsafe) as refused:
        controlled(_parts(a=1, b=40, c=60), RULES)
    assert {failure.reason for failure in refused.value.failures} == {"the solver came to no end"}


def test_a_solver_that_comes_to_its_limit_has_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def at_its_limit(*_: object, options: dict[str, int], **__: object) -> OptimizeResult:
        limits.append(options["node_limit"])
        return OptimizeResult(status=1, x=None)

    monkeypatch.setattr("pipeline.privacy.disclosure.attack.milp", at_its_limit)
    with pytest.raises(Unsafe) as refused:
        controlled(_parts(a=1, b=40, c=60), RULES)
    assert {failure.reason for failure in refused.value.failures} == {"the solver came to no end"}
    assert min(limits) > 1_000


def _chain(links: int) -> tuple[Population, Held]:
    """Small groups, each of which makes a known whole of about ten with the next."""
    groups = {key(f"link {i}"): Group(key(f"link {i}"), 5, 1) for i in range(links + 1)}
    wholes = [key(f"whole {i}") for i in range(links)]
    groups |= {whole: Group(whole, 10, 0) for whole in wholes}
    partitions = tuple(
        Partition(whole, (key(f"link {i}"), key(f"link {i + 1}"))) for i, whole in enumerate(wholes)
    )
    return Population(groups, partitions, {}), Held({}, frozenset(wholes), frozenset())


def test_what_lies_near_is_not_the_last_word() -> None:
    # If the first link is of one, the next is of nine, and so on to the last, twelve steps away.
    population, held = _chain(12)
    prints = {k: Print(10) for k in held.known}
    assert not audit(population, prints, RULES).passed
    assert audit(population, prints, RULES, everywhere=True).passed
    assert controlled(population, RULES, held).audit.passed

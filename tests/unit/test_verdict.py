"""Verdicts: how those of several checks add up, and the exit status of each."""

from itertools import combinations_with_replacement

import pytest

from stress.verdict import Verdict


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.OK, 0), (Verdict.FAILED, 1), (Verdict.UNKNOWN, 3)]
)
def test_verdict_has_exit_status(verdict: Verdict, status: int) -> None:
    """Ok is 0, failed 1, unknown 3; 2 is left for wrong usage."""
    assert verdict.exit_code == status


@pytest.mark.parametrize("verdicts", [*combinations_with_replacement(Verdict, 3)])
def test_worst_never_rounds_up_to_ok(verdicts: tuple[Verdict, ...]) -> None:
    """One failure makes all failed; without one, one unknown makes all unknown."""
    worst = Verdict.worst(iter(verdicts))

    assert (worst is Verdict.FAILED) == (Verdict.FAILED in verdicts)
    assert (worst is Verdict.OK) == (set(verdicts) == {Verdict.OK})


def test_worst_returns_unknown_for_no_checks() -> None:
    """Nothing checked is nothing known."""
    assert Verdict.worst([]) is Verdict.UNKNOWN

"""What final states say about a condition: counts, verdicts, herd7's lines, and JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from stress.litmus.observation import Observation, holds, spelled
from stress.litmus.parser import parse
from stress.litmus.program import And, Compare, Location, Not, Or, Proposition, Register, Term


@dataclass
class Found:
    """What a stub of an explorer found."""

    states: Mapping[tuple[int, ...], int]
    races: int = 0
    blocked: int = 0
    seconds: float = 0.25
    executions: int = field(init=False)

    def __post_init__(self) -> None:
        self.executions = sum(self.states.values())


def observation(
    condition: str, states: Mapping[tuple[int, ...], int], races: int = 0
) -> Observation:
    """Return what `states` say about a test with a location x and a local of each of two threads.

    A state has the values of what the test observes, in its order.
    """
    text = f"C Test {{}} P0 (int* x) {{ int r0 = *x; }} P1 () {{ int r0 = 1; }} {condition}"
    return Observation(parse(text), "rc11", Found(states, races))


type States = Mapping[tuple[int, ...], int]

BOTH: States = {(1,): 2, (0,): 3}
YES: States = {(1,): 2}
NO: States = {(0,): 3}
JUDGED: list[tuple[str, States, str, str, tuple[int, int]]] = [
    ("exists", BOTH, "Sometimes", "Ok", (2, 3)),
    ("exists", YES, "Always", "Ok", (2, 0)),
    ("exists", NO, "Never", "No", (0, 3)),
    ("~exists", BOTH, "Sometimes", "No", (3, 2)),
    ("~exists", YES, "Always", "No", (0, 2)),
    ("~exists", NO, "Never", "Ok", (3, 0)),
    ("forall", BOTH, "Sometimes", "No", (2, 3)),
    ("forall", YES, "Always", "Ok", (2, 0)),
    ("forall", NO, "Never", "No", (0, 3)),
    ("exists", {}, "Never", "No", (0, 0)),
    ("~exists", {}, "Never", "Ok", (0, 0)),
    ("forall", {}, "Never", "Ok", (0, 0)),
]


@pytest.mark.parametrize(("quantifier", "states", "answer", "verdict", "witnesses"), JUDGED)
def test_observation_answers_as_herd7(
    quantifier: str,
    states: Mapping[tuple[int, ...], int],
    answer: str,
    verdict: str,
    witnesses: tuple[int, int],
) -> None:
    """The answer counts the proposition; the witnesses count what speaks for the condition."""
    seen = observation(f"{quantifier} (0:r0=1)", states)
    lines = str(seen).splitlines()

    assert (seen.positive, seen.negative) == (states.get((1,), 0), states.get((0,), 0))
    assert seen.answer == answer
    assert verdict in lines
    assert "Positive: {} Negative: {}".format(*witnesses) in lines
    assert f"Observation Test {answer} {seen.positive} {seen.negative}" in lines


def test_observation_prints_lines_of_herd7() -> None:
    """The lines are those of herd7, sorted as it sorts them, and one of ours."""
    seen = observation(
        r"locations [x; 1:r0;] ~exists (0:r0=1 /\ x<>2)",
        {(2, 1, 1): 1, (-1, 1, 0): 3, (0, 0, 1): 1},
    )

    assert str(seen).splitlines() == [
        "Test Test Forbidden",
        "States 3",
        "0:r0=0; 1:r0=1; [x]=-1;",
        "0:r0=1; 1:r0=0; [x]=0;",
        "0:r0=1; 1:r0=1; [x]=2;",
        "No",
        "Witnesses",
        "Positive: 4 Negative: 1",
        r"Condition ~exists (0:r0=1 /\ not ([x]=2))",
        "Observation Test Sometimes 1 4",
        "Explored Test rc11: 5 executions, 0 with a data race, 0 blocked, 0.25 s",
    ]


def test_observation_is_undefined_with_race() -> None:
    """A data race leaves no verdict, whatever the states are."""
    assert "Undef" in str(observation("exists (0:r0=1)", BOTH, races=1)).splitlines()


def test_observation_has_every_key_as_json() -> None:
    """JSON has the counts, and the states over exactly what the test names."""
    seen = observation("locations [x;] exists (0:r0=1)", {(2, 1): 3, (1, 0): 1}, races=2)

    assert seen.to_json() == {
        "name": "Test",
        "memory": "rc11",
        "executions": 4,
        "blocked": 0,
        "races": 2,
        "positive": 3,
        "negative": 1,
        "observation": "Sometimes",
        "states": [
            {"state": {"0:r0": 0, "x": 1}, "count": 1},
            {"state": {"0:r0": 1, "x": 2}, "count": 3},
        ],
        "seconds": 0.25,
    }


R0, X = Register(0, "r0"), Location("x")
STATE: Mapping[Term, int] = {R0: 1, X: 2}
YES_IT_IS, IT_IS_NOT = Compare(R0, 1), Compare(X, 1)
SPELLED: dict[str, tuple[Proposition, bool]] = {
    "0:r0=1": (YES_IT_IS, True),
    "[x]=1": (IT_IS_NOT, False),
    "not ([x]=1)": (Compare(X, 1, negated=True), True),
    "0:r0=[x]": (Compare(R0, X), False),
    "not (not ([x]=1))": (Not(Not(IT_IS_NOT)), False),
    "true": (And(()), True),
    "false": (Or(()), False),
    r"0:r0=1 /\ [x]=1": (And((YES_IT_IS, IT_IS_NOT)), False),
    r"0:r0=1 \/ [x]=1": (Or((YES_IT_IS, IT_IS_NOT)), True),
    r"0:r0=1 \/ 0:r0=1 /\ [x]=1": (Or((YES_IT_IS, And((YES_IT_IS, IT_IS_NOT)))), True),
    r"[x]=1 /\ (0:r0=1 \/ [x]=1)": (And((IT_IS_NOT, Or((YES_IT_IS, IT_IS_NOT)))), False),
    r"not ([x]=1 \/ 0:r0=1)": (Not(Or((IT_IS_NOT, YES_IT_IS))), False),
}


@pytest.mark.parametrize(("text", "proposition", "truth"), [(t, *p) for t, p in SPELLED.items()])
def test_proposition_has_truth_and_spelling(
    text: str,
    proposition: Proposition,
    truth: bool,  # noqa: FBT001
) -> None:
    """A proposition is judged in a state, and is spelled with the parentheses it needs."""
    assert holds(proposition, STATE) is truth
    assert spelled(proposition) == text


@pytest.mark.parametrize("text", SPELLED)
def test_spelling_is_read_again(text: str) -> None:
    """What is printed as a condition can be read as one, and is printed alike."""
    thread = "P0 (int* x) { int r0 = *x; }"
    read = parse(f"C Test {{}} {thread} exists ({text})").condition.proposition

    assert spelled(read) == text

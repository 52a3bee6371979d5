"""What the explored final states say about the last line of a litmus test, in herd7's words.

>>> from stress.litmus.parser import parse
>>> test = parse("C One { x=0; } P0 (atomic_int* x) { int r0 = *x; } exists (0:r0=1)")
>>> class Found:
...     executions, blocked, races, states, seconds = 1, 0, 0, {(0,): 1}, 0.0
>>> print(Observation(test, "rc11", Found()))
Test One Allowed
States 1
0:r0=0;
No
Witnesses
Positive: 0 Negative: 1
Condition exists (0:r0=1)
Observation One Never 0 1
Explored One rc11: 1 execution, 0 with a data race, 0 blocked, 0.00 s

The words are herd7's.  `Observation` counts the executions that satisfy the proposition and those
that do not, whatever the quantifier; `Positive` counts the witnesses of the condition, so under
``~exists`` the two are exchanged.  The verdict is ``Undef`` where an execution has a data race.
The last line is ours.  States are executions' final states, each once, sorted; registers come
before locations, and locations stand in brackets.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from stress.litmus.program import (
    And,
    Compare,
    LitmusTest,
    Not,
    Or,
    Proposition,
    Register,
    Term,
)

type Answer = Literal["Always", "Sometimes", "Never"]

KINDS: Final = {"exists": "Allowed", "~exists": "Forbidden", "forall": "Required"}


class Explored(Protocol):
    """What an explorer found out about a test."""

    @property
    def executions(self) -> int:
        """How many executions there are."""

    @property
    def blocked(self) -> int:
        """How many were given up because a thread waits for ever."""

    @property
    def races(self) -> int:
        """How many have a data race."""

    @property
    def states(self) -> Mapping[tuple[int, ...], int]:
        """How many executions end in each state: the values of ``test.observed``."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Observation:
    """A test, the memory it was explored under, and what that came to."""

    def __init__(self, test: LitmusTest, memory: str, explored: Explored) -> None:
        self.test = test
        self.memory = memory
        self.explored = explored

    @cached_property
    def positive(self) -> int:
        """How many executions satisfy the proposition."""
        proposition, terms = self.test.condition.proposition, self.test.observed
        return sum(
            count
            for values, count in self.explored.states.items()
            if holds(proposition, dict(zip(terms, values, strict=True)))
        )

    @property
    def negative(self) -> int:
        """How many do not."""
        return sum(self.explored.states.values()) - self.positive

    @property
    def answer(self) -> Answer:
        """Always, Sometimes or Never: how often the proposition holds; Never if nothing ended."""
        if not self.positive:
            return "Never"
        return "Sometimes" if self.negative else "Always"

    @property
    def ok(self) -> bool:
        """Whether the condition holds of the set of final states."""
        match self.test.condition.quantifier:
            case "exists":
                return self.positive > 0
            case "~exists":
                return self.positive == 0
        return self.negative == 0

    def __str__(self) -> str:
        quantifier, name = self.test.condition.quantifier, self.test.name
        witnesses = (self.positive, self.negative)
        for_it, against_it = reversed(witnesses) if quantifier == "~exists" else witnesses
        states = self.states()
        asked = spelled(self.test.condition.proposition)
        return "\n".join(
            [
                f"Test {name} {KINDS[quantifier]}",
                f"States {len(states)}",
                *(
                    " ".join(f"{_bracketed(term)}={value};" for term, value in state.items())
                    for state, _ in states
                ),
                "Undef" if self.explored.races else "Ok" if self.ok else "No",
                "Witnesses",
                f"Positive: {for_it} Negative: {against_it}",
                f"Condition {quantifier} ({asked})",
                f"Observation {name} {self.answer} {self.positive} {self.negative}",
                f"Explored {name} {self.memory}: {_counts(self.explored)}",
            ]
        )

    def states(self) -> list[tuple[dict[Term, int], int]]:
        """Return the final states, sorted as herd7 sorts them, and how often each was reached."""
        terms = self.test.observed
        order = sorted(terms, key=_place)
        found = [
            ({term: values[term] for term in order}, count)
            for values, count in (
                (dict(zip(terms, values, strict=True)), count)
                for values, count in self.explored.states.items()
            )
        ]
        return sorted(found, key=lambda state: tuple(state[0].values()))

    def to_json(self) -> dict[str, Any]:
        """Return the observation for ``--json``; every key is there always."""
        return {
            "name": self.test.name,
            "memory": self.memory,
            "executions": self.explored.executions,
            "blocked": self.explored.blocked,
            "races": self.explored.races,
            "positive": self.positive,
            "negative": self.negative,
            "observation": self.answer,
            "states": [
                {"state": {str(term): value for term, value in state.items()}, "count": count}
                for state, count in self.states()
            ],
            "seconds": round(self.explored.seconds, 6),
        }


def holds(proposition: Proposition, state: Mapping[Term, int]) -> bool:
    """Return whether `proposition` is true of a final state."""
    match proposition:
        case Compare(term, value, negated):
            other = value if isinstance(value, int) else state[value]
            return (state[term] == other) is not negated
        case And(parts):
            return all(holds(part, state) for part in parts)
        case Or(parts):
            return any(holds(part, state) for part in parts)
        case Not(part):
            return not holds(part, state)


def spelled(proposition: Proposition, inside: type[And | Or] | None = None) -> str:
    r"""Return `proposition` as herd7 prints it, within a conjunction or disjunction if `inside`.

    >>> one, two = Compare(Register(0, "r0"), 1), Compare(Register(1, "r0"), 2, negated=True)
    >>> print(spelled(And((one, Or((two, one))))))
    0:r0=1 /\ (not (1:r0=2) \/ 0:r0=1)
    """
    match proposition:
        case Compare(term, value, negated):
            other = value if isinstance(value, int) else _bracketed(value)
            text = f"{_bracketed(term)}={other}"
            return f"not ({text})" if negated else text
        case And(()):
            return "true"
        case Or(()):
            return "false"
        case And(parts):
            return " /\\ ".join(spelled(part, And) for part in parts)
        case Or(parts):
            text = " \\/ ".join(spelled(part, Or) for part in parts)
            return f"({text})" if inside is And else text
        case Not(part):
            return f"not ({spelled(part)})"


def _place(term: Term) -> tuple[bool, int, str]:
    """Return where `term` stands in a state: registers by thread and name, then locations."""
    thread = term.thread if isinstance(term, Register) else -1
    return thread < 0, thread, term.name


def _bracketed(term: Term) -> str:
    return str(term) if isinstance(term, Register) else f"[{term}]"


def _counts(explored: Explored) -> str:
    plural = "" if explored.executions == 1 else "s"
    return (
        f"{explored.executions:,} execution{plural}, {explored.races:,} with a data race, "
        f"{explored.blocked:,} blocked, {explored.seconds:.2f} s"
    )

"""The search level by level: all states after so many calls at once, a sample where they are many.

Wing & Gong's search decides early how calls are ordered whose order shows only much later, say two
that put something into a long queue, and then tries all that comes between before it decides anew.
This search keeps every state that as many calls can lead to, so none is decided before it must be.
Where there are more than its width, it keeps a random sample of them: a beam (B. Lowerre, "The
HARPY speech recognition system", 1976), here without a measure of what is promising, since nothing
is known of the states of a specification.  A legal order that is found is one, sample or not.  That
there is none is known only if no level was cut; otherwise the search is repeated, wider
(W. Zhang, "Complete anytime beam search", AAAI 1998).

It forgets all levels but two, and so decides what would not fit into the memory of the other.
"""

from collections.abc import Hashable
from random import Random
from typing import Final

from stress.judge.effort import Effort, Found
from stress.judge.problem import Path, Problem, placed
from stress.judge.specification import Partial
from stress.verdict import Verdict

WIDTH: Final = 500
"""States of a level, at first."""
WIDER: Final = 3
"""How many times wider it gets."""
PAUSE: Final = 63
"""It asks for its budget when the number of states has none of these bits."""


def search[Position: Hashable](problem: Problem[Position], effort: Effort) -> Found:
    """Return whether there is a legal order, or UNKNOWN where the budget is spent."""
    random = Random(0)  # the same history is judged the same way
    width = WIDTH
    while True:
        found = beam(problem, effort, width, random)
        if found.verdict is not Verdict.UNKNOWN or effort.exhausted():
            return found
        width *= WIDER


def beam[Position: Hashable](  # noqa: C901  (a search kernel)
    problem: Problem[Position], effort: Effort, width: int, random: Random
) -> Found:
    """Return what one pass found: UNKNOWN where a level was cut to `width`, and none was legal."""
    order, calls, step, due = problem.order, problem.calls, problem.step, problem.order.due
    moves_from, after = order.moves, order.after
    level: dict[tuple[Position, Hashable], Path] = {(order.first, problem.state): None}
    if problem.accepts(order.first, problem.state):
        return Found(Verdict.OK, [])
    depth, cut = 0, False
    while True:
        depth += 1
        following: dict[tuple[Position, Hashable], Path] = {}
        steps = 0
        states = list(level)
        for at, (position, state) in enumerate(states):
            path = level[position, state]
            if not at & PAUSE and effort.exhausted():
                effort.steps += steps
                return Found(Verdict.UNKNOWN, placed(path), order.waiting(position))
            for number in moves_from(position):
                steps += 1
                for successor in step(state, calls[number]):
                    if type(successor) is Partial:
                        same_level = position, successor.state
                        if same_level not in level:
                            level[same_level] = path
                            states.append(same_level)
                        continue
                    reached = after(position, number), successor
                    if reached not in following:
                        following[reached] = path, number
                        if depth >= due and problem.accepts(*reached):
                            effort.steps += steps
                            return Found(Verdict.OK, placed(following[reached]))
        effort.steps += steps
        if not following:
            verdict = Verdict.UNKNOWN if cut else Verdict.FAILED
            return Found(verdict, placed(path), order.waiting(position))
        level = following
        if len(level) > width:
            level, cut = dict(random.sample(list(level.items()), width)), True

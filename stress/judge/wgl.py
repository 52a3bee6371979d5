"""The search of Wing & Gong and Lowe: place one call after the other, and undo just in time.

J. M. Wing and C. Gong, "Testing and verifying concurrent objects" (J. Parallel Distrib. Comput. 17,
1993), place any call that may come next and agrees with the specification, and go back where none
does.  G. Lowe, "Testing for linearizability" (Concurrency Computat. Pract. Exper. 29, 2017), adds
the memory of what was tried (his Wing & Gong Graph Search): the same calls placed in whatever order
lead on from the same state to the same ends.

We differ in three things.  What may come next is asked of an `Order`; `stress.judge.realtime` says
what became of Lowe's linked list, and of the undoing.  A call may lead to several states, or take
only one of its atomic steps (`Partial`), after which it is still to be placed.  And where the
search has long not placed more calls than it had already, it gives up: it is lost among the ends of
a wrong beginning, and `stress.judge.levels` has better means.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from stress.judge.effort import Effort, Found
from stress.judge.problem import Path, Problem, placed
from stress.judge.specification import Partial
from stress.verdict import Verdict

PATIENCE: Final = 10_000
"""Dead ends in a row, none of them deeper than the deepest before, after which it gives up."""
GENERATION: Final = 1 << 16
"""What was tried is forgotten after this many states, or twice as many: it is seldom met again."""
NONE: Final[Sequence[Any]] = ()
PAUSE: Final = 63
"""It asks for its budget when the number of states has none of these bits."""


def search[Position: Hashable](  # noqa: C901, PLR0912  (a search kernel)
    problem: Problem[Position], effort: Effort, patience: int = PATIENCE
) -> Found:
    """Return whether there is a legal order, or UNKNOWN with the longest that was found."""
    order, calls, step = problem.order, problem.calls, problem.step
    moves_from, after = order.moves, order.after
    position, state, due = order.first, problem.state, order.due
    if problem.accepts(position, state):
        return Found(Verdict.OK, [])
    path: Path = None
    depth = deepest = steps = vain = 0
    longest: tuple[Path, Position] = path, position
    seen, older = {(position, state)}, set[tuple[Position, Hashable]]()
    undo: list[tuple[Any, ...]] = []
    moves, number, successors = moves_from(position), -1, NONE
    while True:
        while successors:
            successor, successors = successors[0], successors[1:]
            if type(successor) is Partial:
                reached, whole = (position, successor.state), False
            else:
                reached, whole = (after(position, number), successor), True
            if reached in seen or reached in older:
                continue
            seen.add(reached)
            if not len(seen) & PAUSE:
                if effort.exhausted():
                    effort.steps += steps
                    return Found(Verdict.UNKNOWN, placed(path))
                if len(seen) >= GENERATION:
                    older, seen = seen, set()
            if moves or successors:
                undo.append((len(moves), number, successors, position, state, path, depth))
            position, state = reached
            if whole:
                path = path, number
                depth += 1
                if depth >= due and problem.accepts(position, state):
                    effort.steps += steps
                    return Found(Verdict.OK, placed(path))
            moves, successors = moves_from(position), NONE
        while moves:
            number = moves.pop()
            steps += 1
            successors = step(state, calls[number])
            if successors:
                break
        else:
            vain += 1
            if depth > deepest:
                deepest, longest, vain = depth, (path, position), 0
            if not undo or vain > patience:
                break
            left, number, successors, position, state, path, depth = undo.pop()
            moves = moves_from(position)[:left]  # a list kept for each call would fill the memory
    effort.steps += steps
    verdict = Verdict.UNKNOWN if undo else Verdict.FAILED
    return Found(verdict, placed(longest[0]), order.waiting(longest[1]))

"""Whether a small history is linearizable, by trying every order of its calls.

Independent of the judge: it shares with it nothing but `Span`.  An order is tried call by call,
and no state after the same calls is tried twice.

>>> history = [
...     Span(0, "push", (1,), 0, 1, "ok", 1),
...     Span(0, "pop", (), 2, 3, "ok", None),
... ]
>>> linearizable("stack", history), linearizable("stack", history[:1])
(False, True)
"""

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Final

from stress.history import Span

type Step = Callable[[Any, str, tuple[Any, ...]], tuple[Any, Any]]
"""Returns the state after an operation, and what the operation comes to."""


def linearizable(datatype: str, history: Sequence[Span], running: Collection[int] = ()) -> bool:
    """Return whether the history has a legal order.

    Calls that are `running`, by index, will return what they say, but had not yet.
    """
    initial, step = DATATYPES[datatype]
    done = [call.outcome == "ok" and index not in running for index, call in enumerate(history)]
    before = [
        sum(1 << one for one, other in enumerate(history) if done[one] and other.end < call.start)
        for call in history
    ]
    every = sum(1 << index for index, returned in enumerate(done) if returned)
    todo: list[tuple[int, Hashable]] = [(0, initial)]
    seen = set(todo)
    while todo:
        placed, state = todo.pop()
        if not every & ~placed:
            return True
        for index, call in enumerate(history):
            if placed >> index & 1 or before[index] & ~placed:
                continue
            after, result = step(state, call.f, call.arguments)
            following = placed | 1 << index, after
            if (call.outcome != "ok" or result == call.result) and following not in seen:
                seen.add(following)
                todo.append(following)
    return False


def refutation(
    datatype: str, history: Sequence[Span], order: Sequence[int], until: int | None = None
) -> str:
    """Return why `order` is no legal order of the history until an instant, or nothing."""
    state, step = DATATYPES[datatype]
    placed = set(order)
    if len(placed) < len(order):
        return "a call comes twice"
    for index, call in enumerate(history):
        due = call.outcome == "ok" and (until is None or call.end < until)
        if due and index not in placed:
            return f"call {index} is missing"
    latest = -math.inf
    for index in order:
        call = history[index]
        latest = max(latest, call.start)
        if call.outcome == "ok" and call.end < latest:
            return f"call {index} returned before another began that comes first"
        state, result = step(state, call.f, call.arguments)
        if call.outcome == "ok" and result != call.result:
            return f"call {index} comes to {result!r}"
    if until is not None and latest > until:
        return "a call began later"
    return ""


def _register(state: Any, f: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    return (arguments[0], arguments[0]) if f == "write" else (state, state)


def _set(state: frozenset[Any], f: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    (x,) = arguments
    if f == "contains":
        return state, (x, x in state)
    if f == "add":
        return state | {x}, (x, x not in state)
    return state - {x}, (x, x in state)


def _fetch_counter(state: int, _: str, _arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    return state + 1, state


def _container(take: Callable[[tuple[Any, ...]], int]) -> Step:
    def step(state: tuple[Any, ...], _: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        if arguments:
            return (*state, *arguments), arguments[0]
        if not state:
            return state, None
        place = take(state)
        return state[:place] + state[place + 1 :], state[place]

    return step


DATATYPES: Final[Mapping[str, tuple[Any, Step]]] = {
    "register": (None, _register),
    "set": (frozenset(), _set),
    "fetch-counter": (0, _fetch_counter),
    "queue": ((), _container(lambda _: 0)),
    "stack": ((), _container(lambda state: len(state) - 1)),
    "priority-queue": ((), _container(lambda state: state.index(min(state)))),
}
"""The state before the first call, and the step, of each datatype."""

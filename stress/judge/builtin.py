"""The built-in sequential specifications, by the names that `stress linearize --model` takes.

Arguments and results, as `stress.judge.jepsen` reads them and the monitors expect them:

| name             | calls: arguments -> result                                        | first |
|------------------|-------------------------------------------------------------------|-------|
| `register`       | read () -> v, write (v,) -> v                                     | None  |
| `cas-register`   | as register, and cas (old, new) -> (old, new)                     | None  |
| `mutex`          | acquire () -> None, release () -> None; who acquired is not kept  | free  |
| `set`            | add (x,), remove (x,) -> (x, changed), contains (x,) -> (x, bool) | empty |
| `counter`        | add (n,) -> n, read () -> n                                       | 0     |
| `fetch-counter`  | increment () -> the value before                                  | 0     |
| `queue`          | enqueue (x,) -> x, dequeue () -> x, None where it is empty        | empty |
| `stack`          | push (x,) -> x, pop () -> x, None where it is empty               | empty |
| `priority-queue` | insert (x,) -> x, delete-min () -> x, None where it is empty      | empty |
| `kv`             | get (key,) -> v, put (key, v) -> v, append (key, v) -> v          | ""    |

A cas with the outcome "fail" was refused: what it saw was not `old`.  No other operation fails.

>>> queue = SPECIFICATIONS["queue"]
>>> queue.step(("a", "b"), Span(0, "dequeue", (), 0, 1, "ok", "a"))
(('b',),)
>>> queue.step(("a", "b"), Span(0, "dequeue", (), 0, 1, "ok", "b"))
()

Every result is a tuple of states, as `Specification.step` says.  These functions are the inner
loop of the search: one comparison more is seen in its speed.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stress.history import Span
from stress.judge.foresight import Foresight, Queue, Stack

type States = tuple[Hashable, ...]

NOWHERE: Final[States] = ()


@dataclass(frozen=True, slots=True)
class Builtin:
    """One of the table: a `Specification`."""

    name: str
    first: Hashable
    """The state before the first call."""
    step: Callable[[Any, Span], States]
    datatype: str | None = None
    monitored: frozenset[str] = frozenset()
    """The operations that the monitor of the datatype knows."""
    keyed: bool = False
    """True where calls with different first arguments commute."""
    foresight: Foresight | None = None
    """Makes, of the calls of a history, a specification that has fewer states for them."""

    def initial(self) -> Hashable:
        """Return the state before the first call."""
        return self.first

    def key(self, call: Span) -> Hashable | None:
        """Return what is worked on, in a 1-tuple since it may be None; None if there is one."""
        return call.arguments[:1] if self.keyed else None

    def canonical(self, call: Span) -> Span | None:
        """Return the call itself, where the monitor knows its operation."""
        return call if call.f in self.monitored and call.outcome != "fail" else None


def _register(state: Hashable, call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if f == "write":
        return arguments if outcome != "fail" else NOWHERE
    return (state,) if outcome == "info" or (result == state and outcome == "ok") else NOWHERE


def _cas_register(state: Hashable, call: Span) -> States:
    _, f, arguments, _, _, outcome, _ = call
    if f != "cas":
        return _register(state, call)
    old, new = arguments
    if outcome == "fail":
        return (state,) if state != old else NOWHERE
    if state == old:
        return (new,)
    return (state,) if outcome == "info" else NOWHERE


def _mutex(held: bool, call: Span) -> States:  # noqa: FBT001  (the state)
    _, f, _, _, _, outcome, _ = call
    acquires = f == "acquire"
    return (acquires,) if acquires is not held and outcome != "fail" else NOWHERE


def _set(state: frozenset[Hashable], call: Span) -> States:
    _, f, (x,), _, _, outcome, result = call
    contained = x in state
    if f == "contains":
        agrees, after = contained, state
    elif f == "add":
        agrees, after = not contained, state if contained else state | {x}
    else:
        agrees, after = contained, state - {x} if contained else state
    if outcome == "ok":
        y, seen = result
        return (after,) if seen is agrees and x == y else NOWHERE
    return (after,) if outcome == "info" else NOWHERE


def _counter(state: int, call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if f == "add":
        return (state + arguments[0],) if outcome != "fail" else NOWHERE
    return (state,) if outcome == "info" or (result == state and outcome == "ok") else NOWHERE


def _fetch_counter(state: int, call: Span) -> States:
    _, _, _, _, _, outcome, result = call
    agrees = outcome == "info" or (result == state and outcome == "ok")
    return (state + 1,) if agrees else NOWHERE


def _queue(state: States, call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if outcome == "fail":
        return NOWHERE
    if f == "enqueue":
        return ((*state, *arguments),)
    if not state:
        return (state,) if result is None else NOWHERE
    return (state[1:],) if state[0] == result or outcome == "info" else NOWHERE


def _stack(state: States, call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if outcome == "fail":
        return NOWHERE
    if f == "push":
        return ((*state, *arguments),)
    if not state:
        return (state,) if result is None else NOWHERE
    return (state[:-1],) if state[-1] == result or outcome == "info" else NOWHERE


def _priority_queue(state: tuple[Any, ...], call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if outcome == "fail":
        return NOWHERE
    if f == "insert":
        (x,) = arguments
        if not state or x >= state[-1]:
            return ((*state, x),)
        place = bisect_left(state, x)
        return ((*state[:place], x, *state[place:]),)
    if not state:
        return (state,) if result is None else NOWHERE
    return (state[1:],) if state[0] == result or outcome == "info" else NOWHERE


def _kv(state: frozenset[tuple[Hashable, Any]], call: Span) -> States:
    _, f, arguments, _, _, outcome, result = call
    if outcome == "fail":
        return NOWHERE
    key = arguments[0]
    value: Any = ""
    for pair in state:
        if pair[0] == key:
            value = pair[1]
            state = state - {pair} if f != "get" else state
            break
    if f == "get":
        return (state,) if result == value or outcome == "info" else NOWHERE
    if f == "put":
        return (state | {arguments},)
    if not isinstance(value, str):
        return NOWHERE  # nothing can be appended to what is no text
    return (state | {(key, value + arguments[1])},)


def _register_of(name: str, step: Callable[[Any, Span], States]) -> Builtin:
    return Builtin(name, None, step, "register", frozenset({"read", "write"}))


SPECIFICATIONS: Final[Mapping[str, Builtin]] = {
    each.name: each
    for each in (
        _register_of("register", _register),
        _register_of("cas-register", _cas_register),
        Builtin("mutex", first=False, step=_mutex),
        Builtin(
            "set",
            frozenset(),
            _set,
            "set",
            frozenset({"add", "remove", "contains"}),
            keyed=True,
        ),
        Builtin("counter", 0, _counter),
        Builtin("fetch-counter", 0, _fetch_counter, "fetch-counter", frozenset({"increment"})),
        Builtin(
            "queue",
            (),
            _queue,
            "queue",
            frozenset({"enqueue", "dequeue"}),
            foresight=Queue,
        ),
        Builtin("stack", (), _stack, "stack", frozenset({"push", "pop"}), foresight=Stack),
        Builtin(
            "priority-queue",
            (),
            _priority_queue,
            "priority-queue",
            frozenset({"insert", "delete-min"}),
        ),
        Builtin("kv", frozenset(), _kv, keyed=True),
    )
}
"""The built-in specifications by name."""

"""Random concurrent histories of the built-in specifications: legal ones, and mutated ones.

A legal history is made as real ones are: a process calls, at some later instant the call takes
effect on a plain Python object, and later still it returns what that came to.  Every process is
always inside a call, so a history is as dense as the number of processes allows:

>>> history = legal("queue", Random(1), calls=200, processes=8)
>>> len(history), len({call.process for call in history})
(200, 8)

A mutated history differs from a legal one in a few results.  It may be legal all the same: only a
judge can tell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple

from stress.history import Outcome, Span

type Arguments = tuple[Any, ...]

REFUSED: Final = object()
"""What a call comes to that cannot take effect now."""


@dataclass
class Values:
    """The values that calls put in: distinct ones, or any of a few."""

    random: Random
    few: int | None
    """How many different values there are; None: every one is new."""
    used: int = 0

    def new(self) -> int:
        """Return a value to put in."""
        self.used += 1
        return self.used if self.few is None else self.random.randrange(self.few)

    def old(self) -> int:
        """Return a value that may have been put in."""
        return self.random.randrange(self.used + 1 if self.few is None else self.few)


class Subject(NamedTuple):
    """What the calls of one specification do, to an object of their own."""

    make: Callable[[], Any]
    draw: Callable[[Values, str | None], tuple[str, Arguments]]
    """Draws a call; takes the operation that this process performed last."""
    perform: Callable[[Any, str, Arguments], Any]
    """Changes the object, and returns the result."""


def legal(  # noqa: PLR0913  (what shapes a history)
    name: str,
    random: Random,
    *,
    calls: int,
    processes: int,
    few: int | None = None,
    opened: float = 0.0,
    ties: float = 0.0,
) -> list[Span]:
    """Return a legal history for the specification `name`, by the instants of the invocations.

    `few` values are used, each many times, or distinct ones (None).  A share `opened` of the calls
    never returns, and a new process takes the place of theirs.  A share `ties` of all instants
    is the same as the one before.
    """
    return _Simulation(SUBJECTS[name], random, Values(random, few), opened, ties).run(
        calls, processes
    )


def mutated(history: Sequence[Span], random: Random, changes: int = 1) -> list[Span]:
    """Return `history` with `changes` results exchanged for those of other calls, or made up."""
    found = list(history)
    ended = [
        index for index, call in enumerate(found) if call.outcome == "ok" and call.f not in CERTAIN
    ]
    for index in random.sample(ended, min(changes, len(ended))):
        call = found[index]
        alike = [found[other].result for other in ended if found[other].f == call.f]
        found[index] = call._replace(result=_other(call, random.choice(alike), random))
    return found


CERTAIN: Final = frozenset(
    {"write", "enqueue", "push", "insert", "put", "append", "acquire", "release", "cas"}
)
"""Operations whose results say nothing; so does `add` of a counter."""


def _other(call: Span, alike: Any, random: Random) -> Any:
    match call.result:
        case (x, bool() as seen):
            return x, not seen
        case int() if call.arguments:
            return call.result
        case int() if alike == call.result:
            return max(call.result + random.choice((-2, -1, 1, 2)), 0)
    return alike


@dataclass
class _Lane:
    """One process after the other, of which each but the last ends in an open call."""

    process: int
    index: int = -1
    """Its call; -1: it is in none."""
    effective: bool = False
    opens: bool = False
    last: str | None = None


class _Simulation:
    def __init__(
        self, subject: Subject, random: Random, values: Values, opened: float, ties: float
    ) -> None:
        self.subject, self.random, self.values = subject, random, values
        self.opened, self.ties = opened, ties
        self.object = subject.make()
        self.history: list[Span] = []
        self.now = 0
        self.processes = 0

    def run(self, calls: int, processes: int) -> list[Span]:
        lanes = [_Lane(process) for process in range(processes)]
        self.processes = processes
        self.left = calls
        for lane in lanes:
            self._invoke(lane)
        while busy := [lane for lane in lanes if lane.index >= 0]:
            lane = self.random.choice(busy)
            if lane.opens and self.random.random() < 1 / 2:
                self._leave_open(lane)
            elif not lane.effective:
                self._take_effect(lane)
            elif lane.opens:
                self._leave_open(lane)
            else:
                self.history[lane.index] = self.history[lane.index]._replace(end=self._instant())
                self._invoke(lane)
        return self.history

    def _instant(self) -> int:
        self.now += self.random.random() >= self.ties
        return self.now

    def _invoke(self, lane: _Lane) -> None:
        lane.index = -1
        if self.left:
            self.left -= 1
            f, arguments = self.subject.draw(self.values, lane.last)
            now = self._instant()
            lane.index, lane.effective = len(self.history), False
            lane.opens = self.random.random() < self.opened
            self.history.append(Span(lane.process, f, arguments, now, now, "info", None))

    def _take_effect(self, lane: _Lane) -> None:
        call = self.history[lane.index]
        result = self.subject.perform(self.object, call.f, call.arguments)
        if result is REFUSED and call.f != "cas":
            if not self.left:  # perhaps nobody else will call, so it may wait for ever
                self._leave_open(lane)
            return
        outcome: Outcome = "fail" if result is REFUSED else "ok"
        lane.effective, lane.last = True, call.f
        if not lane.opens:
            result = None if result is REFUSED else result
            self.history[lane.index] = call._replace(outcome=outcome, result=result)

    def _leave_open(self, lane: _Lane) -> None:
        lane.process = self.processes
        self.processes += 1
        self._invoke(lane)


# What the calls do: the simplest Python there is, and none of the judge's


def _cell(cell: list[Any], f: str, arguments: Arguments) -> Any:
    if f == "cas":
        old, new = arguments
        if cell[0] != old:
            return REFUSED
        cell[0] = new
        return arguments
    if arguments:
        cell[0] = arguments[0]
    return cell[0]


def _mutex(held: list[bool], f: str, _: Arguments) -> Any:
    if held[0] is (f == "acquire"):
        return REFUSED
    held[0] = not held[0]
    return None


def _set(elements: set[Any], f: str, arguments: Arguments) -> Any:
    (x,) = arguments
    known = x in elements
    if f == "add":
        elements.add(x)
    elif f == "remove":
        elements.discard(x)
    return x, known is not (f == "add")


def _counter(count: list[int], f: str, arguments: Arguments) -> Any:
    if f == "read":
        return count[0]
    count[0] += arguments[0] if arguments else 1
    return arguments[0] if arguments else count[0] - 1


def _container(take: Callable[[list[Any]], Any]) -> Callable[[list[Any], str, Arguments], Any]:
    """Return what performs calls of a container from which `take` takes."""

    def perform(items: list[Any], _: str, arguments: Arguments) -> Any:
        if arguments:
            items.append(arguments[0])
            return arguments[0]
        return take(items) if items else None

    return perform


def _take_first(items: list[Any]) -> Any:
    return items.pop(0)


def _take_last(items: list[Any]) -> Any:
    return items.pop()


def _take_least(items: list[Any]) -> Any:
    return items.pop(items.index(min(items)))


def _kv(texts: dict[Any, str], f: str, arguments: Arguments) -> Any:
    key, *value = arguments
    if f == "get":
        return texts.get(key, "")
    texts[key] = value[0] if f == "put" else texts.get(key, "") + value[0]
    return value[0]


# What is called


def _draw_of_register(values: Values, _: str | None) -> tuple[str, Arguments]:
    writes = values.random.random() < 1 / 2
    return ("write", (values.new(),)) if writes else ("read", ())


def _draw_of_cas_register(values: Values, last: str | None) -> tuple[str, Arguments]:
    if values.random.random() < 1 / 3:
        return "cas", (values.old(), values.new())
    return _draw_of_register(values, last)


def _draw_of_mutex(_: Values, last: str | None) -> tuple[str, Arguments]:
    return ("release" if last == "acquire" else "acquire"), ()


def _draw_of_set(values: Values, _: str | None) -> tuple[str, Arguments]:
    f = values.random.choice(("add", "remove", "contains"))
    return f, (values.new() if f == "add" else values.old(),)


def _draw_of_counter(values: Values, _: str | None) -> tuple[str, Arguments]:
    adds = values.random.random() < 1 / 2
    return ("add", (values.new(),)) if adds else ("read", ())


def _draw_of_fetch_counter(_values: Values, _: str | None) -> tuple[str, Arguments]:
    return "increment", ()


def _draw_of(insertion: str, removal: str) -> Callable[..., tuple[str, Arguments]]:
    def draw(values: Values, _: str | None) -> tuple[str, Arguments]:
        inserts = values.random.random() < 1 / 2
        return (insertion, (values.new(),)) if inserts else (removal, ())

    return draw


def _draw_of_kv(values: Values, _: str | None) -> tuple[str, Arguments]:
    key = values.random.randrange(KEYS)
    f = values.random.choice(("get", "put", "append"))
    return f, (key,) if f == "get" else (key, f"{values.new()} ")


KEYS: Final = 10

SUBJECTS: Final[Mapping[str, Subject]] = {
    "register": Subject(lambda: [None], _draw_of_register, _cell),
    "cas-register": Subject(lambda: [None], _draw_of_cas_register, _cell),
    "mutex": Subject(lambda: [False], _draw_of_mutex, _mutex),
    "set": Subject(set, _draw_of_set, _set),
    "counter": Subject(lambda: [0], _draw_of_counter, _counter),
    "fetch-counter": Subject(lambda: [0], _draw_of_fetch_counter, _counter),
    "queue": Subject(list, _draw_of("enqueue", "dequeue"), _container(_take_first)),
    "stack": Subject(list, _draw_of("push", "pop"), _container(_take_last)),
    "priority-queue": Subject(list, _draw_of("insert", "delete-min"), _container(_take_least)),
    "kv": Subject(dict, _draw_of_kv, _kv),
}
"""The subjects by the names of their specifications."""

"""Makes a failing program smaller than Hypothesis can: call by call, and thread by thread.

>>> push, pop = Invocation("push", (1,)), Invocation("pop", ())
>>> program = Program((push, push), ((pop, push), (push, pop), (pop,)))
>>> print(shrunk(program, lambda each: each.calls >= 2 and "pop" in str(each)))
push(1); pop()

Smaller is: fewer threads, then fewer calls that are concurrent, then fewer calls.  A call that
refers to the result of another goes with it.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final

from stress.program import PREFIX, Earlier, Invocation, Program

LONGEST: Final = 6
"""Calls of a thread that two are made into: there are many ways."""

type Place = tuple[int, int]
"""The number of a thread, or of the prefix, and which of its calls."""


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Return a smaller program that fails, of which nothing can be left out."""
    going = True
    while going:
        going = False
        for smaller in candidates(program):
            if fails(smaller):
                program, going = smaller, True
                break
    return program


def candidates(program: Program) -> Iterator[Program]:
    """Yield programs a little smaller, the smallest first."""
    everything = [(thread, place) for thread, own in program.lists() for place in range(len(own))]
    for number in range(len(program.threads)):
        rest = [where for where in everything if where[0] != number]
        yield arranged(program, rest)
        if len(program.threads) > 1:
            yield arranged(program, everything, {where: PREFIX for where in everything
                                                 if where[0] == number})  # fmt: skip
    for left_out in reversed(everything):
        yield arranged(program, [where for where in everything if where != left_out])
    for number in range(len(program.threads)):
        yield arranged(program, everything, {(number, 0): PREFIX})
    if len(program.threads) > 2:  # noqa: PLR2004  (of two, one is left, which needs no other)
        for one, other in combinations(range(len(program.threads)), 2):
            yield from _merged(program, everything, one, other)
    yield from _exchanged(program, everything)


def _exchanged(program: Program, places: list[Place]) -> Iterator[Program]:
    """Yield programs in which a thread does what the prefix did last, and one call less."""
    if not program.prefix:
        return
    last = Earlier(PREFIX, len(program.prefix) - 1)
    users = {number for number, own in enumerate(program.threads)
             for call in own if last in call.arguments}  # fmt: skip
    for thread in range(len(program.threads)):
        if users - {thread}:
            continue
        for left_out in reversed(places):
            if left_out[0] == thread:
                rest = [where for where in places if where != left_out]
                yield arranged(program, rest, {(PREFIX, last.place): thread})


def _merged(program: Program, places: list[Place], one: int, other: int) -> Iterator[Program]:
    """Yield programs in which thread `one` also does what `other` did, in every order."""
    first, second = ([where for where in places if where[0] == each] for each in (one, other))
    rest = [(where, where[0]) for where in places if where[0] not in {one, other}]
    if len(first) + len(second) > LONGEST:
        return
    for turns in combinations(range(len(first) + len(second)), len(first)):
        mine, others = iter(first), iter(second)
        together = [
            (next(mine if turn in turns else others), one)
            for turn in range(len(first) + len(second))
        ]
        yield _built(program, [*rest, *together])


def arranged(program: Program, kept: list[Place], moved: dict[Place, int] | None = None) -> Program:
    """Return `program` with the calls of `kept` alone, some of them moved to another list."""
    moved = moved or {}
    order = sorted(kept, key=lambda where: (where[0], where not in moved, where[1]))
    return _built(program, [(where, moved.get(where, where[0])) for where in order])


def _built(program: Program, order: list[tuple[Place, int]]) -> Program:
    """Return the program of these calls in this order, each in the list it is to come into."""
    lists: dict[int, list[Invocation]] = {thread: [] for thread, _ in program.lists()}
    now: dict[Place, Earlier] = {}
    calls = dict(program.lists())
    for where, into in order:
        thread, place = where
        call = calls[thread][place]
        arguments = tuple(
            now.get(each) if isinstance(each, Earlier) else each for each in call.arguments
        )
        if any(isinstance(each, Earlier) and each not in now for each in call.arguments):
            continue
        now[where] = Earlier(into, len(lists[into]))
        lists[into].append(Invocation(call.f, arguments))
    return _numbered(program, lists)


def _numbered(program: Program, lists: dict[int, list[Invocation]]) -> Program:
    """Return the program of `lists`, without the threads that call nothing."""
    there = [number for number in range(len(program.threads)) if lists[number]]
    numbers = {PREFIX: PREFIX} | {number: at for at, number in enumerate(there)}

    def renumbered(call: Invocation) -> Invocation:
        return call._replace(
            arguments=tuple(
                each._replace(thread=numbers[each.thread]) if isinstance(each, Earlier) else each
                for each in call.arguments
            )
        )

    return Program(
        tuple(map(renumbered, lists[PREFIX])),
        tuple(tuple(map(renumbered, lists[number])) for number in there),
        program.case,
    )

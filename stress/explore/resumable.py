"""The threads of litmus tests, compiled so that they can be resumed from any of their states.

>>> from registrar.sync import MemoryOrder
>>> load = c.Load("r0", "x", MemoryOrder.RELAXED)
>>> thread = ResumableThread((load, c.Store("y", c.Local("r0"), None)), {"x": 0, "y": 1})
>>> step, state = thread.beginning()
>>> thread.after(state, 5)[0].value
5

A state is where the thread stands and what its locals hold, and never changes once made: going
back to an earlier one costs nothing, and no code runs again.
"""

import operator
from collections.abc import Callable
from typing import Final

from stress.explore.steps import PLAIN, Kind, Step
from stress.litmus import program as c

type Locals = tuple[int, ...]
type Compute = Callable[[Locals], int]
type State = tuple[int, Locals]
"""Where in the code of the thread, and its locals."""


def wrapped(value: int) -> int:
    """Return `value` as a signed 32-bit int.

    >>> wrapped(2**31)
    -2147483648
    """
    return (value + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


def _quotient(left: int, right: int) -> int:
    """Divide as C does, towards 0; what C leaves undefined is 0."""
    if right == 0:
        return 0
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda a, b: wrapped(a + b),
    "-": lambda a, b: wrapped(a - b),
    "*": lambda a, b: wrapped(a * b),
    "/": lambda a, b: wrapped(_quotient(a, b)),
    "%": lambda a, b: wrapped(a - b * _quotient(a, b)),
    "<<": lambda a, b: wrapped(a << (b & 31)),
    ">>": lambda a, b: a >> (b & 31),
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "&&": lambda a, b: int(bool(a) and bool(b)),
    "||": lambda a, b: int(bool(a) or bool(b)),
}
UNARY: Final[dict[str, Callable[[int], int]]] = {
    "-": lambda a: wrapped(-a),
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}


class _Place:
    """A point in the code of a thread: what is done there, and where it goes on."""

    __slots__ = ("compute", "into", "make", "next", "target")

    def __init__(self) -> None:
        self.make: Callable[[Locals], Step] | None = None
        """Makes the step; None where nothing is shared: a computation, or a jump."""
        self.into: int | None = None
        """The local that gets the value read or computed."""
        self.compute: Compute | None = None
        self.target: int | None = None
        """Where to go if `compute` gives 0."""
        self.next = 0


class ResumableThread:
    """The code of one thread, compiled to places."""

    def __init__(self, code: tuple[c.Instruction, ...], locations: dict[str, int]) -> None:
        self._locations = locations
        self.locals: dict[str, int] = {}
        self._places: list[_Place] = []
        self._compile(code)

    # Compilation

    def _local(self, name: str) -> int:
        return self.locals.setdefault(name, len(self.locals))

    def _place(self) -> _Place:
        place = _Place()
        self._places.append(place)
        place.next = len(self._places)
        return place

    def _compile(self, code: tuple[c.Instruction, ...]) -> None:
        for instruction in code:
            if isinstance(instruction, c.If):
                self._compile_if(instruction)
                continue
            place = self._place()
            if isinstance(instruction, c.Assign):
                place.compute = self._computation(instruction.value)
                place.into = self._local(instruction.into)
            else:
                place.make = self._step(instruction)
                if isinstance(instruction, c.Load | c.Update) and instruction.into is not None:
                    place.into = self._local(instruction.into)
                elif isinstance(instruction, c.CompareExchange):
                    self._compile_found(instruction, place)

    def _compile_found(self, instruction: c.CompareExchange, place: _Place) -> None:
        """Assign the two results: the value found, and whether it was the expected one.

        A compare-exchange hands both over as one number, ``found * 2 + success``.
        """
        place.into = both = self._local(f"{instruction.found} and success")
        found = self._place()
        found.compute, found.into = lambda at: at[both] >> 1, self._local(instruction.found)
        if instruction.into is not None:
            done = self._place()
            done.compute, done.into = lambda at: at[both] & 1, self._local(instruction.into)

    def _compile_if(self, instruction: c.If) -> None:
        test = self._place()
        test.compute = self._computation(instruction.condition)
        self._compile(instruction.then)
        if instruction.otherwise:
            jump = self._place()
            test.target = len(self._places)
            self._compile(instruction.otherwise)
            jump.next = len(self._places)
        else:
            test.target = len(self._places)

    def _computation(self, expression: c.Expression) -> Compute:
        match expression:
            case c.Constant(value):
                return lambda _: value
            case c.Local(name):
                place = self._local(name)
                return lambda at: at[place]
            case c.Unary(symbol, operand):
                inner, unary = self._computation(operand), UNARY[symbol]
                return lambda at: unary(inner(at))
            case c.Binary(symbol, left, right):
                one, two, binary = self._computation(left), self._computation(right), BINARY[symbol]
                return lambda at: binary(one(at), two(at))

    def _step(self, instruction: c.Instruction) -> Callable[[Locals], Step]:
        """Return what makes the step; where no local plays a part, it is always the same one."""
        match instruction:
            case c.Load(_, location, order):
                load = Step(Kind.LOAD, self._locations[location], order=_number(order))
                return lambda _: load
            case c.Fence(order):
                fence = Step(Kind.FENCE, order=_number(order))
                return lambda _: fence
            case c.Store(location, value, order):
                where, number, stored = (
                    self._locations[location],
                    _number(order),
                    self._computation(value),
                )
                return lambda at: Step(Kind.STORE, where, order=number, value=stored(at))
            case c.Update():
                return self._update(instruction)
            case c.CompareExchange():
                return self._compare_exchange(instruction)
        raise AssertionError(instruction)

    def _update(self, instruction: c.Update) -> Callable[[Locals], Step]:
        where, order = self._locations[instruction.location], _number(instruction.order)
        operand = self._computation(instruction.operand)
        change = BINARY.get(instruction.operator, _replaced)

        def make(at: Locals) -> Step:
            number = operand(at)
            return Step(Kind.UPDATE, where, order=order, update=lambda old: change(old, number))

        return make

    def _compare_exchange(self, instruction: c.CompareExchange) -> Callable[[Locals], Step]:
        where = self._locations[instruction.location]
        expected = self._computation(instruction.expected)
        desired = self._computation(instruction.desired)
        success, failure = _number(instruction.success), _number(instruction.failure)
        return lambda at: Step(
            Kind.COMPARE_EXCHANGE,
            where,
            order=success,
            failure=failure,
            expected=expected(at),
            value=desired(at),
            weak=instruction.weak,
        )

    # Running

    def beginning(self) -> tuple[Step | None, State]:
        """Return the first step, and the state it is asked in."""
        return self._run(0, (0,) * len(self.locals))

    def after(self, state: State, value: int) -> tuple[Step | None, State]:
        """Return the step after the one asked for in `state`, which came to `value`."""
        at, local = state
        place = self._places[at]
        if place.into is not None:
            local = (*local[: place.into], value, *local[place.into + 1 :])
        return self._run(place.next, local)

    def _run(self, at: int, local: Locals) -> tuple[Step | None, State]:
        places = self._places
        while at < len(places):
            place = places[at]
            if place.make is not None:
                return place.make(local), (at, local)
            at = place.next
            if place.compute is not None:
                value = place.compute(local)
                if place.into is not None:
                    local = (*local[: place.into], value, *local[place.into + 1 :])
                elif not value:
                    assert place.target is not None
                    at = place.target
        return None, (at, local)


def _replaced(_: int, new: int) -> int:
    return new


def _number(order: c.Order) -> int:
    return PLAIN if order is None else int(order)

"""Draws programs with Hypothesis: the calls, and never the schedule.

>>> from hypothesis import find, settings, strategies as st
>>> from stress.model import Model, operation, result_of
>>> class Slots(Model):
...     taken: frozenset = frozenset()
...
...     @operation
...     def claim(self):
...         free = min({0, 1, 2, 3} - self.taken)
...         self.taken |= {free}
...         return free
...
...     @operation(slot=result_of("claim", once=True))
...     def release(self, slot):
...         self.taken -= {slot}
>>> alone = settings(database=None, derandomize=True)
>>> print(find(programs(Slots), lambda program: "release" in str(program), settings=alone))
claim() ┃ claim() ‖ release(<result 0 of prefix>)

What is drawn may break the model's preconditions, or wait for ever; such calls are left out (see
`stress.interleaving`).  A program gets smaller by losing calls, then by smaller arguments; a
thread without calls is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import hypothesis
from hypothesis import strategies as st

from stress.interleaving import offending, restrained
from stress.model import Model, ModelError
from stress.operation import Operation, ResultOf
from stress.plain import is_plain
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.reference import Reference

SETTINGS: Final = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=False,
    print_blob=False,
    report_multiple_bugs=False,  # they would come in a group, which is no error of ours
    suppress_health_check=list(hypothesis.HealthCheck),
)
"""For whoever draws by the seed alone, and judges for itself how long it takes."""
BACK: Final = st.integers(0, 7)
"""Which earlier call an argument refers to: so many before the last."""


class _Reference(NamedTuple):
    """An argument that refers to the result of an earlier call, before it is known which."""

    to: ResultOf
    back: int


@dataclass
class _Draft:
    """The calls as they were drawn."""

    lists: list[list[Invocation]]
    """Of the prefix, then of each thread."""
    case: Any
    used: set[Earlier] = field(default_factory=set)

    def settled(self) -> Program:
        """Return the program, and leave out what refers to nothing, and threads without calls."""
        while True:
            self.lists = [self.lists[0], *filter(None, self.lists[1:])]
            prefix, *threads = self._referred()
            if all(threads):
                return Program(tuple(prefix), tuple(map(tuple, threads)), self.case)

    def _referred(self) -> list[list[Invocation]]:
        """Return the calls with what they refer to."""
        self.used.clear()
        found: list[list[Invocation]] = []
        for at, own in enumerate(self.lists):
            kept, settled = list[Invocation](), list[Invocation]()
            for call in own:
                arguments = tuple(
                    self._earlier(each, at, found, settled)
                    if isinstance(each, _Reference)
                    else each
                    for each in call.arguments
                )
                if _MISSING not in arguments:
                    kept.append(call)
                    settled.append(Invocation(call.f, arguments))
            self.lists[at] = kept
            found.append(settled)
        return found

    def _earlier(
        self,
        reference: _Reference,
        at: int,
        before: list[list[Invocation]],
        own: list[Invocation],
    ) -> Any:
        """Return the call that is referred to; `_MISSING` if there is none."""
        lists = {at + PREFIX: own} | ({PREFIX: before[0]} if at else {})
        there = [
            Earlier(thread, place)
            for thread, calls in lists.items()
            for place in reversed(range(len(calls)))
            if calls[place].f == reference.to.operation
        ]
        if reference.to.once:
            there = [each for each in there if each not in self.used]
        if not there:
            return _MISSING
        chosen = there[reference.back % len(there)]
        self.used.add(chosen)
        return chosen


_MISSING: Final = object()


def programs(
    model: type[Model[Any]], *, threads: int | None = None, calls: int | None = None
) -> st.SearchStrategy[Program]:
    """Return a strategy for programs of `model`: at most `threads` of at most `calls` calls."""
    return _programs(model, threads or model.most_threads, calls or model.most_calls)


def drawn(model: type[Model[Any]], seed: int, count: int, threads: int) -> list[Program]:
    """Return `count` programs for at most `threads` threads, the same for the same seed."""
    found: list[Program] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(SETTINGS, max_examples=count + 10, phases=[hypothesis.Phase.generate])
    @hypothesis.given(programs(model, threads=threads))
    def draw(program: Program) -> None:
        found.append(program)

    draw()
    return sorted(found[-count:], key=lambda program: -program.calls) or found


@st.composite
def _programs(draw: st.DrawFn, model: type[Model[Any]], threads: int, calls: int) -> Program:
    cases = model.cases if model.small_cases is None else model.small_cases
    case = None if cases is None else draw(cases)
    reference = Reference(model(case))
    offered = strategies(reference.model)
    prefix = draw(st.lists(st.one_of(*offered.values()), max_size=calls))
    lists = [prefix]
    taken = dict.fromkeys(model.roles, 0)
    for _ in range(draw(st.sampled_from(range(min(2, threads), threads + 1)))):
        role = draw(st.sampled_from(free)) if (free := _free(model, taken)) else None
        if role is not None:
            taken[role] += 1
        may = [each for own, each in offered.items() if own.concurrent and own.role in {None, role}]
        lists.append(draw(st.lists(st.one_of(may), min_size=1, max_size=calls)) if may else [])
    return admitted(reference, _Draft(lists, case))


def _free(model: type[Model[Any]], taken: Mapping[str, int]) -> list[str]:
    """Return the roles that one more thread may have."""
    return [role for role, most in model.roles.items() if most is None or taken[role] < most]


def admitted(reference: Reference, draft: _Draft) -> Program:
    """Return the program that is left of `draft` when all calls are admitted.

    Where a call would be allowed after another, or waits for ever for what some thread could still
    do, that is done: so that a lock is not only acquired.
    """
    program = draft.settled()
    if not restrained(type(reference.model)):
        return program
    helps = 2 * program.calls  # what helps one call may be no help to another, and go again
    while (found := offending(reference, program)) is not None:
        if found.help is not None and helps:
            helps -= 1
            thread, place, call = found.help
            draft.lists[thread - PREFIX].insert(place, call)
        else:
            del draft.lists[found.thread - PREFIX][found.place]
        program = draft.settled()
    return program


def strategies(model: Model[Any]) -> dict[Operation, st.SearchStrategy[Invocation]]:
    """Return for each operation of `model`, which has its case, a strategy for its calls."""
    return {own: _calls(model, own) for own in model.operations()}


def _calls(model: Model[Any], own: Operation) -> st.SearchStrategy[Invocation]:
    given = [
        BACK.map(partial(_Reference, each))
        if isinstance(each, ResultOf)
        else argument(model, own, name)
        for name, each in own.arguments.items()
    ]
    calls = st.tuples(*given)
    return st.one_of([calls.map(partial(invocation, model, own)) for _ in range(own.often)])


def invocation(model: Model[Any], own: Operation, arguments: tuple[Any, ...]) -> Invocation:
    """Return the call of `own` with `arguments`; ModelError where one is no plain data."""
    for name, value in zip(own.arguments, arguments, strict=True):
        if not is_plain(value):
            raise ModelError(
                f"{type(model).__name__}.{own.name}: {name} was drawn as {value!r}.\n"
                f"  Arguments are saved, and must not change under the judge's hands: draw None, "
                f"bools, numbers, strings or tuples of these."
            )
    return Invocation(own.name, arguments)


def argument(model: Model[Any], own: Operation, name: str) -> st.SearchStrategy[Any]:
    """Return the strategy of one argument; of a `ResultOf` it is `BACK`: which earlier call."""
    given = own.arguments[name]
    if isinstance(given, ResultOf):
        return BACK
    if not isinstance(given, st.SearchStrategy) and callable(given):
        try:
            given = given(model)
        except Exception as error:
            raise ModelError(
                f"{type(model).__name__}.{own.name}: what {name} is drawn from is not known, as "
                f"{given!r} raised {type(error).__name__}: {error}.\n"
                f"  It is given the model, which has its case, and returns a Hypothesis strategy."
            ) from error
    if not isinstance(given, st.SearchStrategy):
        raise ModelError(
            f"{type(model).__name__}.{own.name}: what {name} is drawn from is {given!r}.\n"
            f"  It is a Hypothesis strategy, a function from the model to one, or result_of()."
        )
    return given

"""A model: what one thread alone would see, written down once for every engine.

>>> from hypothesis import strategies as st
>>> from registrar.sync import RELAXED, Sync
>>> class Counter:
...     def __init__(self, sync: Sync) -> None:
...         self._value = sync.word(0, name="value")
...
...     def add(self, amount: int) -> int:
...         return self._value.fetch_add(amount, RELAXED)
>>> class CounterModel(Model[Counter]):
...     '''A counter that answers what it was.'''
...
...     subject = Counter
...     value: int = 0
...
...     @operation(amount=st.integers(1, 3))
...     def add(self, amount: int) -> int:
...         self.value += amount
...         return self.value - amount
>>> [(each.name, each.concurrent) for each in CounterModel.operations()]
[('add', True)]

The state of a model is its annotated attributes with a value; they hold what cannot change in
place (numbers, strings, tuples, frozensets), so that a state is remembered by holding it.

An operation is a method.  It takes what the subject's method of that name takes, changes the
state, and returns or raises what the subject must.  In its body

`self.require`     says when it may be called: no program calls it where that might not hold;
`self.wait_until`  says that it may wait, and until when;
`self.choose`      leaves a choice to the subject: the judge accepts whichever it observes;
`self.caller`      is the process that calls: the number of its thread, or "main";
``yield``          parts the atomic steps of an operation that is not atomic.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st

from registrar.sync import Sync
from stress import declaration
from stress.history import Precedence, Span
from stress.operation import (
    ModelError,
    Operation,
    invariant,
    is_invariant,
    operation,
    operation_of,
    result_of,
)
from stress.plain import plain
from stress.threads.observed import OF_THREADS, Witness
from stress.threads.subject import Violation
from stress.verdict import NoVerdictError

__all__ = ["Model", "ModelError", "invariant", "operation", "result_of"]


class Waits(Exception):  # noqa: N818  (no error: the call takes effect in another state)
    """The operation waits in this state."""


class UnrepeatableError(ModelError):
    """The operation asked for another choice when it was repeated."""


class NotAllowed(Exception):  # noqa: N818  (no error: the call is not made)
    """The operation must not be called in this state."""


class _TestCase:
    """The attribute `Model.TestCase`."""

    def __get__(self, instance: object, owner: type["Model[Any]"]) -> Any:
        # The tests know the engines, and the engines this module.
        from stress.testcase import test_case  # noqa: PLC0415

        return test_case(owner)


class Model[S]:
    """The reference model of a subject; a class of your own derives from it.

    Raises ModelError, when the class is made, for a state or an operation that cannot be.
    """

    subject: ClassVar[Callable[..., Any]]
    """Makes the object under test from a `Sync`."""
    mutants: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Subjects with one deliberate fault each, by name."""
    equivalents: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Subjects that differ from the original and are right all the same, by name."""
    programs: ClassVar[Mapping[str, Any]] = {}
    """Programs drawn by hand (`stress.program.Program`), by name."""
    datatype: ClassVar[str | None] = None
    """What it is to the judge: its histories may then be judged by a monitor."""
    roles: ClassVar[Mapping[str, int | None]] = {}
    """The most threads that may have each role; None: any number."""
    consistency: ClassVar[str] = "real-time"
    """Real-time order (linearizability), or "sequential" for each thread's own order only."""
    threads: ClassVar[Callable[..., Any] | None] = None
    """Makes a `stress.threads.subject.ThreadModel` of the model and options, where programs that
    are drawn are not the best thing to run on real threads."""
    rejudge: ClassVar[Callable[..., Any] | None] = None
    """Judges anew, given the model, parameters and history, what those threads recorded."""
    original: ClassVar[type["Model[Any]"] | None] = None
    """The model that this one is of another subject (see `of`)."""
    cases: ClassVar[st.SearchStrategy[Any] | None] = None
    """What differs from one case to the next, given to the model as `case`."""
    small_cases: ClassVar[st.SearchStrategy[Any] | None] = None
    """Cases for several threads, where those should be smaller, or meet more often, than alone."""
    TestCase: ClassVar[Any] = _TestCase()
    """Tests of the model, one for each engine: ``TestStack = StackModel.TestCase``."""
    most_threads: ClassVar[int] = 3
    most_calls: ClassVar[int] = 3
    """Of one thread, in a program that is drawn."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        documented = cls.__doc__
        try:
            dataclasses.dataclass(init=False, eq=False, repr=False)(cls)
        except ValueError as error:
            what = str(error).partition(":")[0]  # then it recommends what is no help here
            raise ModelError(
                f"the state of {cls.__name__} cannot be remembered: {what}.\n"
                f"  It would change in place while the judge holds it.  Use a tuple or a frozenset."
                f"  What is no state is a ClassVar."
            ) from error
        cls.__doc__ = documented  # a dataclass puts its signature where there is none
        declaration.check(cls, Model)

    def __init__(self, case: Any = None) -> None:
        self.case = case
        self.caller: int | str = "main"
        self.earlier: Sequence[Any] = ()
        """The calls (`stress.program.Invocation`) that were made so far, where an argument is
        drawn by who knows: the sequential machine.  A strategy looks at it when it draws."""
        self.witness: Witness = OF_THREADS
        """Who tells the time, for subjects that note what happens inside a call."""
        self.script: list[int] = []
        self._asked: list[int] = []

    def make(self, sync: Sync) -> S:
        """Return a new subject."""
        made: S = type(self).subject(sync)
        return made

    def spans(self, subject: S) -> list[Span]:  # noqa: ARG002
        """Return what `subject` noted inside its calls, to go into the history."""
        return []

    def violations(
        self,
        history: Sequence[Span],  # noqa: ARG002
        precedence: Precedence,  # noqa: ARG002
    ) -> list[Violation]:
        """Return the rules that a whole history breaks, beyond what the reference permits."""
        return []

    @classmethod
    def case_to_json(cls, case: Any) -> Any:
        """Return a case as JSON."""
        return case

    @classmethod
    def case_from_json(cls, saved: Any) -> Any:
        """Return the case that `case_to_json` gave; ValueError where `saved` is damaged."""
        return plain(saved)

    # What operations say

    def require(self, condition: object, /) -> None:
        """Say that the operation may be called only where `condition` holds."""
        if not condition:
            raise NotAllowed

    def wait_until(self, condition: object, /) -> None:
        """Say that the operation waits where `condition` does not hold."""
        if not condition:
            raise Waits

    def choose[T](self, options: Sequence[T], /) -> T:
        """Leave it to the subject which of `options` it takes."""
        place = len(self._asked)
        self._asked.append(len(options))
        if not options:
            raise ModelError(
                f"{type(self).__name__} has nothing to choose from.\n"
                f"  Say what is permitted; where nothing is, the operation waits: wait_until()."
            )
        chosen = self.script[place] if place < len(self.script) else 0
        if chosen >= len(options):
            raise UnrepeatableError
        return options[chosen]

    def choices(self) -> Iterator[None]:
        """Yield once for every way to choose: the operation is then performed once more."""
        self.script = []
        while True:
            self.begin_step()
            yield
            if len(self._asked) < len(self.script):
                raise UnrepeatableError
            taken = [*self.script, *[0] * (len(self._asked) - len(self.script))]
            while taken and taken[-1] + 1 >= self._asked[len(taken) - 1]:
                taken.pop()
            if not taken:
                return
            taken[-1] += 1
            self.script = taken

    def begin_step(self) -> None:
        """Begin to choose anew: an atomic step has its own choices."""
        self._asked = []

    # What engines ask

    @classmethod
    def operations(cls) -> list[Operation]:
        """Return the operations, in the order of their definition."""
        return list(
            {
                name: own
                for base in reversed(cls.__mro__)
                for name, value in vars(base).items()
                if (own := operation_of(value)) is not None
            }.values()
        )

    @classmethod
    def invariants(cls) -> list[str]:
        """Return the names of the invariants."""
        return list(
            dict.fromkeys(
                name
                for base in reversed(cls.__mro__)
                for name, value in vars(base).items()
                if is_invariant(value)
            )
        )

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Return the names of the attributes that are the state."""
        made: Any = cls  # a dataclass, as `__init_subclass__` sees to
        return tuple(field.name for field in dataclasses.fields(made))

    @classmethod
    def summary(cls) -> str:
        """Return what it is, in one line."""
        return first_line(cls) if inspect.getdoc(cls) != inspect.getdoc(Model) else ""

    @classmethod
    def of(cls, subject: Callable[..., Any]) -> type["Model[S]"]:
        """Return the same model of another subject: of a mutant, for example."""
        name = getattr(subject, "__name__", "Subject")
        return type(f"{cls.__name__}Of{name}", (cls,), {"subject": subject, "original": cls})


def made[S](model: Model[S], sync: Sync) -> S:
    """Return a new subject of `model`; ModelError if there is none."""
    try:
        return model.make(sync)
    except NoVerdictError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{type(model).__name__}: its subject cannot be made: {type(error).__name__}: {error}."
            f"\n  Name it:  subject = Stack.  It is called with a Sync; where it takes more, "
            f"override make(self, sync)."
        ) from error


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]

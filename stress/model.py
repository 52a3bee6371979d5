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
import dis
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple, overload

from hypothesis import strategies as st

from registrar.sync import Sync
from stress.history import Precedence, Span
from stress.threads.observed import OF_THREADS, Witness
from stress.threads.subject import Violation
from stress.verdict import NoVerdictError

CONSISTENCIES: Final = ("real-time", "sequential")
PLAIN: Final = (type(None), bool, int, float, str)
_MARK: Final = "stress_operation"
_INVARIANT: Final = "stress_invariant"


class ModelError(NoVerdictError):
    """A model contradicts itself, its subject, or what it declares."""


class Waits(Exception):  # noqa: N818  (no error: the call takes effect in another state)
    """The operation waits in this state."""


class UnrepeatableError(ModelError):
    """The operation asked for another choice when it was repeated."""


class NotAllowed(Exception):  # noqa: N818  (no error: the call is not made)
    """The operation must not be called in this state."""


class ExitsError(RuntimeError):
    """A subject asks for the end of the process."""


class ResultOf(NamedTuple):
    """An argument that is the result of an earlier call (see `result_of`)."""

    operation: str
    once: bool


def result_of(operation: str, *, once: bool = False) -> Any:
    """Return a stand-in for a strategy: what a call of `operation` returned before.

    Calls by the same thread or in the prefix count.  With `once`, no result is used twice.  A call
    is skipped if what it refers to came to None, or to an exception.
    """
    return ResultOf(operation, once)


@dataclasses.dataclass(frozen=True, eq=False)
class Operation:
    """An operation of a model: its name and what it was declared with."""

    name: str
    arguments: Mapping[str, Any]
    """A strategy, a function from the model (which has its case) to one, or a `ResultOf`."""
    raises: tuple[type[BaseException], ...]
    role: str | None
    key: str | None
    means: str | None
    alone: bool
    often: int
    at_end: bool | Callable[[Any], Iterable[tuple[Any, ...]]]
    perform: Callable[..., Any] | None
    then: Callable[..., object] | None
    body: Callable[..., Any]

    @property
    def stepwise(self) -> bool:
        """Whether it takes several atomic steps."""
        return inspect.isgeneratorfunction(self.body)

    @property
    def concurrent(self) -> bool:
        """Whether it may be called while others are."""
        return not self.alone

    def endings(self, subject: Any) -> Iterable[tuple[Any, ...]]:
        """Return the arguments of each call that is made of it when all threads have ended."""
        if callable(self.at_end):
            return self.at_end(subject)
        return [()] if self.at_end else []

    def call(self, subject: Any, arguments: Sequence[Any]) -> Any:
        """Perform it on `subject`."""
        try:
            if self.perform is not None:
                return self.perform(subject, *arguments)
            return getattr(subject, self.name)(*arguments)
        except SystemExit as error:  # of the subject, which is not to end the harness as well
            if isinstance(error, self.raises):
                raise
            raise ExitsError(f"it would have ended the process: {error!r}") from error


@overload
def operation[**P, R](body: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def operation[**P, R](
    *,
    raises: tuple[type[BaseException], ...] = (),
    role: str | None = None,
    key: str | None = None,
    means: str | None = None,
    alone: bool = False,
    often: int = 1,
    at_end: bool | Callable[[Any], Iterable[tuple[Any, ...]]] = False,
    perform: Callable[..., Any] | None = None,
    then: Callable[..., object] | None = None,
    **arguments: Any,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def operation(  # noqa: PLR0913  (one parameter an option)
    body: Callable[..., Any] | None = None,
    /,
    *,
    raises: tuple[type[BaseException], ...] = (),
    role: str | None = None,
    key: str | None = None,
    means: str | None = None,
    alone: bool = False,
    often: int = 1,
    at_end: bool | Callable[[Any], Iterable[tuple[Any, ...]]] = False,
    perform: Callable[..., Any] | None = None,
    then: Callable[..., object] | None = None,
    **arguments: Any,
) -> Any:
    """Declare a method of a model as an operation; `arguments` are strategies by parameter.

    `raises` are exceptions that count as results: raised bare, any message will do.  `role` is who
    may call it.  `key` names the parameter by which calls commute.  `means` is what the monitor of
    the model's datatype calls it.  `alone`: it is called only while nobody else calls.  `often`:
    how many times as often as others it is drawn for a program.  `at_end`: the main thread calls
    it once more when all threads have ended; or, given a function from the subject to the
    arguments of each call, as often as that says.  `perform`, a function of the subject and the
    arguments, is called instead of the subject's method.  `then`, a function of the subject, the
    arguments and the result, is called after each return; it may raise AssertionError.
    """

    def declare(body: Callable[..., Any]) -> Callable[..., Any]:
        own = Operation(body.__name__, arguments, raises, role, key, means, alone, often, at_end,
                        perform, then, body)  # fmt: skip
        _check_signature(own)
        setattr(body, _MARK, own)
        return body

    if isinstance(body, st.SearchStrategy):
        raise ModelError(
            f"@operation({body!r}): which parameter is that for?\n"
            f"  Give strategies by name:  @operation(value=st.integers())"
        )
    return declare if body is None else declare(body)


def invariant[F: Callable[..., object]](body: F) -> F:
    """Declare a method of a model and its subject that asserts what holds while nobody calls."""
    setattr(body, _INVARIANT, True)
    return body


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
            ) from error
        cls.__doc__ = documented  # a dataclass puts its signature where there is none
        _check_class(cls)

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
        found: dict[str, Operation] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(getattr(value, _MARK, None), Operation):
                    found[name] = getattr(value, _MARK)
        return list(found.values())

    @classmethod
    def invariants(cls) -> list[str]:
        """Return the names of the invariants."""
        return list(
            dict.fromkeys(
                name
                for base in reversed(cls.__mro__)
                for name, value in vars(base).items()
                if getattr(value, _INVARIANT, False)
            )
        )

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Return the names of the attributes that are the state."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

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
    except Exception as error:
        raise ModelError(
            f"{type(model).__name__}: its subject cannot be made: {type(error).__name__}: {error}."
            f"\n  Name it:  subject = Stack.  It is called with a Sync; where it takes more, "
            f"override make(self, sync)."
        ) from error


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def plain(value: Any) -> Any:
    """Return plain data read from JSON: with tuples for lists."""
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def is_hashable(value: object) -> bool:
    """Return whether `value`, with all that it holds, has a hash."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_plain(value: Any) -> bool:
    """Return whether `value` is None, a bool, a number, a string, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN)


_OPTIONS: Final = frozenset(inspect.signature(operation).parameters)


def _check_signature(own: Operation) -> None:
    """Raise ModelError unless there is an argument for each parameter."""
    _, *given = inspect.signature(own.body).parameters.values()
    parameters = [each.name for each in given]
    for each in given:
        if each.name in _OPTIONS and each.name not in own.arguments:
            raise ModelError(
                f"operation {own.name} has a parameter {each.name!r}, which is an option of "
                f"@operation.\n  Arguments are given by position, so give it another name."
            )
        if each.kind not in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD):
            raise ModelError(
                f"operation {own.name} takes {each}, and arguments are given by position.\n"
                f"  Name each of them; where the subject asks for more, give perform=."
            )
    if parameters != list(own.arguments):
        raise ModelError(
            f"operation {own.name} takes ({', '.join(parameters)}), and has strategies for "
            f"({', '.join(own.arguments)}).\n"
            f"  Give one strategy for each parameter, by its name and in the same order."
        )
    if own.key is not None and own.key not in parameters:
        raise ModelError(
            f"operation {own.name} has no parameter {own.key!r} to be its key.\n"
            f"  It has: {', '.join(parameters) or 'none'}."
        )
    if own.at_end and parameters and not callable(own.at_end):
        raise ModelError(
            f"operation {own.name} is called at the end, where nobody draws its arguments.\n"
            f"  Make another operation of it that takes none; or give at_end= a function from the "
            f"subject to a list of arguments."
        )


def _check_untyped(cls: type[Model[Any]]) -> None:
    """Raise ModelError for an attribute that an operation changes, and that is no state."""
    fields = set(cls.fields())
    for each in cls.operations():
        for instruction in dis.get_instructions(each.body):
            name = instruction.argval
            if instruction.opname == "STORE_ATTR" and name in vars(cls) and name not in fields:
                raise ModelError(
                    f"{cls.__name__}.{name} is changed by {each.name}, and has no type, so it is "
                    f"no state.\n"
                    f"  Give it one:  {name}: object = {vars(cls)[name]!r}"
                )


def _check_class(cls: type[Model[Any]]) -> None:
    """Raise ModelError for what is wrong with a model, whatever its subject."""
    _check_state(cls)
    _check_operations(cls)
    _check_untyped(cls)
    if cls.consistency not in CONSISTENCIES:
        raise ModelError(
            f"{cls.__name__}.consistency is {cls.consistency!r}.\n"
            f"  It is one of {', '.join(CONSISTENCIES)}."
        )


def _check_state(cls: type[Model[Any]]) -> None:
    """Raise ModelError for what cannot be a state."""
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        default = getattr(cls, field.name, dataclasses.MISSING)
        why = None
        if default is dataclasses.MISSING:
            why = "has no value to begin with"
        elif not is_hashable(default):
            why = f"is {default!r}, which has no hash: something in it can change in place"
        elif field.name in {*vars(Model), *vars(Model())} - set(Model.__annotations__):
            why = "hides an attribute of Model, which means something else"
        if why:
            raise ModelError(
                f"{cls.__name__}.{field.name} {why}.\n"
                f"  The state begins somewhere and can be remembered: give it a number, a string, "
                f"a tuple or a frozenset.\n  What is no state is a ClassVar."
            )


def _check_operations(cls: type[Model[Any]]) -> None:
    """Raise ModelError for an operation that does not go with the rest of the model."""
    names = [each.name for each in cls.operations()]
    for each in cls.operations():
        if getattr(getattr(cls, each.name), _MARK, None) is not each:
            raise ModelError(
                f"{cls.__name__}.{each.name} replaces an operation, and is none itself.\n"
                f"  Put @operation before it, with all that the other was declared with."
            )
        if each.name in {*vars(Model), *vars(Model())}:
            raise ModelError(
                f"{cls.__name__}.{each.name} hides an attribute of Model, which the harness needs."
                f"\n  Give the operation another name, and perform= to call the subject's method."
            )
        for argument in each.arguments.values():
            if isinstance(argument, ResultOf) and argument.operation not in names:
                raise ModelError(
                    f"operation {each.name} takes the result of {argument.operation!r}, which is "
                    f"no operation of {cls.__name__}.\n  It has: {', '.join(names)}."
                )
        if each.role is not None and each.role not in cls.roles:
            raise ModelError(
                f"operation {each.name} has the role {each.role!r}, and {cls.__name__}.roles does "
                f"not say how many threads may have it.\n"
                f"  Add it:  roles = {{{each.role!r}: 1}}"
            )

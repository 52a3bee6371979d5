"""An operation of a model: what a method of it is declared with.

>>> @operation(value=None, raises=(KeyError,))
... def put(self, value):
...     raise KeyError
>>> own = operation_of(put)
>>> own.name, list(own.arguments), own.raises, own.stepwise
('put', ['value'], (<class 'KeyError'>,), False)

Users have all of it from `stress.model`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, overload

from hypothesis import strategies as st

from stress.verdict import NoVerdictError

_MARK: Final = "stress_operation"
_INVARIANT: Final = "stress_invariant"


class ModelError(NoVerdictError):
    """A model contradicts itself, its subject, or what it declares."""


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


@dataclass(frozen=True, eq=False)
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
        if not callable(self.at_end):
            return [()] if self.at_end else []
        found = list(self.at_end(subject))
        for each in found:
            if not isinstance(each, tuple) or len(each) != len(self.arguments):
                raise ModelError(
                    f"operation {self.name}: at_end gave {each!r} as the arguments of a call.\n"
                    f"  It gives a tuple for each call, with ({', '.join(self.arguments)})."
                )
        return found

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
        if not inspect.isfunction(body):
            raise ModelError(
                f"@operation stands before {body!r}, which is no method.\n"
                f"  Put it before a def that takes self; options are given by name."
            )
        own = Operation(body.__name__, arguments, raises, role, key, means, alone, often, at_end,
                        perform, then, body)  # fmt: skip
        _check_options(own)
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


def operation_of(value: object) -> Operation | None:
    """Return the operation that `value`, an attribute of a model, was declared as, if it was."""
    found = getattr(value, _MARK, None)
    return found if isinstance(found, Operation) else None


def is_invariant(value: object) -> bool:
    """Return whether `value`, an attribute of a model, was declared as an invariant."""
    return getattr(value, _INVARIANT, False) is True


_OPTIONS: Final = frozenset(inspect.signature(operation).parameters)


def _check_options(own: Operation) -> None:
    """Raise ModelError for options that no engine could follow."""
    raises = own.raises if isinstance(own.raises, tuple) else (own.raises,)
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in raises):
        raise ModelError(
            f"operation {own.name} has raises={own.raises!r}.\n"
            f"  It is a tuple of exceptions:  raises=(KeyError,)"
        )
    if not isinstance(own.often, int) or own.often < 1:
        raise ModelError(
            f"operation {own.name} has often={own.often!r}.\n"
            f"  It is a whole number: 2 for twice as often as others.  To leave an operation out, "
            f"do not declare it."
        )


def _check_signature(own: Operation) -> None:
    """Raise ModelError unless there is an argument for each parameter."""
    given = list(inspect.signature(own.body).parameters.values())
    if not given:
        raise ModelError(
            f"operation {own.name} takes nothing, not even the model.\n"
            f"  Give it a parameter self:  def {own.name}(self)"
        )
    del given[0]
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

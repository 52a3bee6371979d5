"""What a model permits: the outcomes of a call in a state, for every engine and the judge.

>>> from stress.model import Model, operation
>>> class Deque(Model):
...     items: tuple = (1,)
...
...     @operation
...     def steal(self):
...         if not self.items or self.choose((False, True)):
...             return None
...         stolen, *rest = self.items
...         self.items = tuple(rest)
...         return stolen
>>> reference = Reference(Deque())
>>> for outcome in reference.outcomes(reference.initial(), 0, "steal", ()):
...     print(outcome.returned, outcome.result, outcome.state)
True 1 ((),)
True None ((1,),)

An outcome is worked out once for a state and a call, and twice over: what comes out differently is
nondeterminism that the model does not declare, and is refused.

Several atomic steps
====================

A call of an operation that yields is under way after a step.  What it will do then depends on the
states it has seen, its `Trail`; to go on it is begun anew and shown them again.
"""

from collections.abc import Generator, Hashable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final, NamedTuple

from stress.model import Model, ModelError, NotAllowed, UnrepeatableError, Waits
from stress.operation import Operation
from stress.plain import is_hashable, is_plain
from stress.verdict import NoVerdictError

type Values = tuple[Hashable, ...]
"""The state of a model: the values of its fields."""
type Trail = tuple[tuple[Values, tuple[int, ...]], ...]
"""For each atomic step taken: the state it was taken in, and what it chose."""

START: Final[Trail] = ()
WHOLE: Final[Trail] = (((), (-1,)),)
"""Stands for a call that takes all its steps at once, as nobody else takes any meanwhile."""
STEPS: Final = 1_000
"""Atomic steps that a call may take."""
HEXADECIMAL: Final = 1 << 16
"""From here on, numbers are shown in hexadecimal."""


class Raised(NamedTuple):
    """An exception as a result: its type's name, and its arguments (None: any will do)."""

    error: str
    arguments: tuple[Any, ...] | None = None

    def __str__(self) -> str:
        return f"{self.error}({', '.join(map(spelled, self.arguments or ()))})"


class NotPlain(str):
    """A result that is no plain data, as it is spelled: no model returns it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotPlain) and str(self) == str(other)

    __hash__ = str.__hash__


def spelled(value: Any) -> str:
    """Return `value` as reports show it: numbers that look like addresses in hexadecimal."""
    if type(value) is int and abs(value) >= HEXADECIMAL:
        return hex(value)
    if type(value) is tuple:
        return f"({', '.join(map(spelled, value))}{',' * (len(value) == 1)})"
    return repr(value)


class Outcome(NamedTuple):
    """What a call, or one atomic step of it, may come to."""

    returned: bool
    result: Any
    """What it returns, or a `Raised`."""
    state: Values
    trail: Trail | None
    """The steps taken, if there are more to come; None: the call is over."""

    def matches(self, outcome: str, result: Any) -> bool:
        """Return whether this is what was observed."""
        if self.returned:
            return outcome == "ok" and bool(self.result == result)
        error, arguments = self.result
        return (
            outcome == "fail"
            and bool(error == result[0])
            and (arguments is None or bool(arguments == result[1]))
        )

    def __str__(self) -> str:
        return spelled(self.result) if self.returned else str(self.result)


class Reference:
    """The outcomes that `model` permits; ModelError for what it does without declaring it."""

    begun: ClassVar[int] = 0
    """How many bodies of operations were begun by all references, so that a watchdog can see
    whether one gets on; threads that count at once may lose some."""
    ended: ClassVar[int] = 0

    def __init__(self, model: Model[Any]) -> None:
        self.model = model
        self.operations: dict[str, Operation] = {each.name: each for each in model.operations()}
        self._fields = model.fields()
        self._changing = {*vars(Model()), *self._fields}
        self._initial = self._state("__init__", ())
        self._known: dict[tuple[Any, ...], tuple[Outcome, ...] | type[Exception]] = {}

    def initial(self) -> Values:
        """Return the state that everything begins in."""
        return self._initial

    def outcomes(
        self,
        state: Values,
        caller: int | str,
        f: str,
        arguments: tuple[Any, ...],
        trail: Trail = START,
    ) -> tuple[Outcome, ...]:
        """Return what the next step of a call may come to; nothing where it has to wait.

        NotAllowed where it must not be called.
        """
        key = state, caller, f, repr(arguments), trail  # 1 and True are equal, and differ
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._worked_out(state, caller, f, arguments, trail)
        if isinstance(known, type):
            raise known
        return known

    def completed(
        self, state: Values, caller: int | str, f: str, arguments: tuple[Any, ...]
    ) -> tuple[Outcome, ...]:
        """Return what a call may come to, nobody else taking a step meanwhile."""
        return self.outcomes(state, caller, f, arguments, WHOLE)

    def load(self, state: Values) -> Model[Any]:
        """Return the model in `state`, until it is asked for another."""
        for name, value in zip(self._fields, state, strict=True):
            setattr(self.model, name, value)
        return self.model

    def _worked_out(
        self, state: Values, caller: int | str, f: str, arguments: tuple[Any, ...], trail: Trail
    ) -> tuple[Outcome, ...] | type[Exception]:
        own = self.operations.get(f)
        if own is None:
            raise ModelError(f"{self._name} has no operation {f!r}.  It has: "
                             f"{', '.join(self.operations)}.")  # fmt: skip
        self.model.caller = caller
        answers: list[tuple[Outcome, ...] | type[Exception]] = []
        for _ in range(2):
            try:
                answers.append(tuple(self._all(own, state, arguments, trail)))
            except (NotAllowed, UnrepeatableError) as error:
                answers.append(type(error))
        if answers[0] != answers[1] or UnrepeatableError in answers:
            raise ModelError(
                f"{self._called(f, arguments)} came out differently when it was repeated:\n"
                f"  {_listed(answers[0])}, then {_listed(answers[1])}.\n"
                f"  What the subject may choose, the model says with self.choose()."
            )
        return answers[0]

    def _all(
        self, own: Operation, state: Values, arguments: tuple[Any, ...], trail: Trail
    ) -> Iterator[Outcome]:
        """Yield the outcomes of one step, one for every way to choose."""
        for _ in self.model.choices():
            with suppress(Waits):
                yield self._one(own, state, arguments, trail)

    def _one(
        self, own: Operation, state: Values, arguments: tuple[Any, ...], trail: Trail
    ) -> Outcome:
        before = {**vars(self.model)}
        Reference.begun += 1
        try:
            result, going = self._performed(own, state, arguments, trail)
        except (Waits, NotAllowed, ModelError):
            raise
        except NoVerdictError as error:  # of who watches: it loops, or asks a clock
            raise ModelError(
                f"{self._called(own.name, arguments)}: {str(error).partition('\n')[0]}\n"
                f"  An operation of a model works out what a call comes to from the state alone.  "
                f"What has to wait says until when: self.wait_until()."
            ) from error
        except own.raises as error:
            self._check_constants(before, own.name, arguments)
            return Outcome(False, raised(error), self._state(own.name, arguments), None)  # noqa: FBT003
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"{self._called(own.name, arguments)} raised {type(error).__name__}: {error}.\n"
                f"  The model does not declare it.  If the subject raises it too, it is a result:  "
                f"@operation(raises=({type(error).__name__},))"
            ) from error
        finally:
            Reference.ended += 1
        self._check_constants(before, own.name, arguments)
        if not is_plain(result):
            raise ModelError(
                f"{self._called(own.name, arguments)} returned {result!r}.\n"
                f"  Results are compared and saved: they are None, bools, numbers, strings and "
                f"tuples of these.\n  Give perform= to make such of what the subject returns."
            )
        return Outcome(True, result, self._state(own.name, arguments), going)  # noqa: FBT003

    def _performed(
        self, own: Operation, state: Values, arguments: tuple[Any, ...], trail: Trail
    ) -> tuple[Any, Trail | None]:
        """Perform a call, or its next atomic step; return the result, or the longer trail."""
        if not own.stepwise:
            return own.body(self.load(state), *arguments), None
        if trail is WHOLE:
            return self._exhausted(own, state, arguments), None
        return self._stepped(own, state, arguments, trail)

    def _stepped(
        self, own: Operation, state: Values, arguments: tuple[Any, ...], trail: Trail
    ) -> tuple[Any, Trail | None]:
        """Take the next atomic step; return the result, or the longer trail."""
        if len(trail) >= STEPS:
            raise self._endless(own.name, arguments)
        script = self.model.script
        body = own.body(self.model, *arguments)
        for seen, chosen in trail:
            self.load(seen)
            self.model.script = list(chosen)
            self.model.begin_step()
            next(body)
        self.load(state)
        self.model.script = script
        self.model.begin_step()
        try:
            next(body)
        except StopIteration as end:
            return end.value, None
        finally:
            body.close()
        return None, (*trail, (state, tuple(script)))

    def _exhausted(self, own: Operation, state: Values, arguments: tuple[Any, ...]) -> Any:
        """Take all atomic steps, and return what they come to."""
        body: Generator[object, object, Any] = own.body(self.load(state), *arguments)
        for _ in range(STEPS):
            try:
                next(body)
            except StopIteration as end:
                return end.value
        raise self._endless(own.name, arguments)

    def _endless(self, f: str, arguments: tuple[Any, ...]) -> ModelError:
        return ModelError(
            f"{self._called(f, arguments)} takes more than {STEPS:,} atomic steps.\n"
            f"  A loop that waits for others says until when, and does not yield meanwhile: "
            f"self.wait_until()."
        )

    def _state(self, f: str, arguments: tuple[Any, ...]) -> Values:
        values = tuple([getattr(self.model, name) for name in self._fields])
        try:
            hash(values)
        except TypeError:
            name = next(n for n, v in zip(self._fields, values, strict=True) if not is_hashable(v))
            raise ModelError(
                f"{self._name}.{name} became {getattr(self.model, name)!r} in "
                f"{self._called(f, arguments)}.\n"
                f"  A state is remembered, so it has a hash: use a tuple for a list, a frozenset "
                f"for a set."
            ) from None
        return values

    def _check_constants(
        self, before: Mapping[str, Any], f: str, arguments: tuple[Any, ...]
    ) -> None:
        """Raise ModelError for an attribute that a call changed, and that is no state."""
        for name, value in vars(self.model).items():
            if name in self._changing or hasattr(type(self.model), name):
                continue  # what `functools.cached_property` keeps is on the class, too
            if name not in before or before[name] is not value:
                raise ModelError(
                    f"{self._name}.{name} became {value!r} in {self._called(f, arguments)}, and is "
                    f"no state.\n"
                    f"  Give it a type and a value in the class:  {name}: object = None"
                )

    @property
    def _name(self) -> str:
        return type(self.model).__name__

    def _called(self, f: str, arguments: tuple[Any, ...]) -> str:
        return f"{self._name}.{f}({', '.join(map(repr, arguments))})"


def raised(error: BaseException) -> Raised:
    """Return `error` as a result: raised without arguments, any will do."""
    arguments = tuple(each if is_plain(each) else repr(each) for each in error.args)
    return Raised(type(error).__name__, arguments or None)


def _listed(answer: Any) -> str:
    if isinstance(answer, type):
        return "not allowed" if answer is NotAllowed else "other choices"
    return " or ".join(map(str, answer)) or "it waits"

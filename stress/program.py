"""A concurrent program: calls one after another, then a list of calls for each thread.

>>> from hypothesis import strategies as st
>>> from stress.model import Model, operation
>>> class Register(Model):
...     value: int = 0
...
...     @operation(value=st.integers(1, 2))
...     def write(self, value):
...         self.value = value
...
...     @operation
...     def read(self):
...         return self.value
>>> program = Program((), ((Invocation("write", (1,)),), (Invocation("read", ()),)))
>>> print(program)
write(1) ‖ read()
>>> Program.from_json(Register, program.to_json(Register)) == program
True

Hypothesis draws programs (`stress.drawing`), and never schedules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from stress.model import Model
from stress.plain import is_plain, plain

PREFIX: Final = -1
"""The place of the prefix, where threads have their numbers."""


class Earlier(NamedTuple):
    """An argument: the result of an earlier call, by the number of its thread and its place."""

    thread: int
    place: int

    def __str__(self) -> str:
        whose = "prefix" if self.thread == PREFIX else f"thread {self.thread}"
        return f"result {self.place} of {whose}"


class Invocation(NamedTuple):
    """A call that a program makes; an argument is plain data, or `Earlier`."""

    f: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        shown = (f"<{each}>" if isinstance(each, Earlier) else repr(each)
                 for each in self.arguments)  # fmt: skip
        return f"{self.f}({', '.join(shown)})"


class ProgramError(ValueError):
    """What should be a program is none of this model."""


@dataclass(frozen=True)
class Program:
    """What each thread calls, in order, after `prefix`, which the main thread calls alone."""

    prefix: tuple[Invocation, ...]
    threads: tuple[tuple[Invocation, ...], ...]
    case: Any = None

    def __str__(self) -> str:
        threads = " ‖ ".join("; ".join(map(str, own)) for own in self.threads)
        prefix = "; ".join(map(str, self.prefix))
        return f"{prefix} ┃ {threads}" if prefix and threads else prefix or threads

    @property
    def calls(self) -> int:
        """How many calls it makes, those of the prefix included."""
        return len(self.prefix) + sum(map(len, self.threads))

    def lists(self) -> Iterator[tuple[int, tuple[Invocation, ...]]]:
        """Yield the number and the calls of the prefix and of each thread."""
        yield PREFIX, self.prefix
        yield from enumerate(self.threads)

    def to_json(self, model: type[Model[Any]]) -> dict[str, Any]:
        """Return the program as JSON."""
        saved = {
            "prefix": list(map(_written, self.prefix)),
            "threads": [list(map(_written, own)) for own in self.threads],
        }
        return saved if model.cases is None else saved | {"case": model.case_to_json(self.case)}

    @classmethod
    def from_json(cls, model: type[Model[Any]], saved: Any) -> "Program":
        """Return the program of `model` that `to_json` gave; ProgramError if it is none."""
        try:
            prefix = tuple(map(_read, saved["prefix"]))
            threads = tuple(tuple(map(_read, own)) for own in saved["threads"])
            case = None if model.cases is None else model.case_from_json(saved["case"])
            program = cls(prefix, threads, case)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ProgramError(
                f"the saved program is damaged: {error!r}\n"
                f"  It has lists prefix and threads, of calls such as "
                f'{{"f": "push", "arguments": [1]}}.\n  Save it again.'
            ) from error
        program.check(model)
        return program

    def check(self, model: type[Model[Any]]) -> None:
        """Raise ProgramError unless every call is one of an operation of `model`."""
        operations = {each.name: each for each in model.operations()}
        for thread, own in self.lists():
            for place, call in enumerate(own):
                operation = operations.get(call.f)
                if operation is None or len(operation.arguments) != len(call.arguments):
                    has = [f"{o.name}({', '.join(o.arguments)})" for o in operations.values()]
                    raise ProgramError(
                        f"{call} is no operation of {model.__name__}.\n"
                        f"  It has: {', '.join(has)}.  If the program was saved, the model has "
                        f"changed since."
                    )
                for argument in call.arguments:
                    if isinstance(argument, Earlier) and not self._comes_before(
                        argument, thread, place
                    ):
                        raise ProgramError(
                            f"{call} refers to a call that is not before it.\n"
                            f"  Results come from the prefix, and from earlier calls of the same "
                            f"thread."
                        )

    def _comes_before(self, earlier: Earlier, thread: int, place: int) -> bool:
        if earlier.thread == thread:
            return 0 <= earlier.place < place
        return earlier.thread == PREFIX and 0 <= earlier.place < len(self.prefix)


def _written(call: Invocation) -> dict[str, Any]:
    arguments = [
        {"thread": each.thread, "place": each.place} if isinstance(each, Earlier) else each
        for each in call.arguments
    ]
    return {"f": call.f, "arguments": arguments}


def _read(saved: Mapping[str, Any]) -> Invocation:
    f, arguments = saved["f"], saved["arguments"]
    if not isinstance(f, str) or not isinstance(arguments, list):
        raise TypeError(f"{saved!r} is no call")
    return Invocation(f, tuple(map(_argument, arguments)))


def _argument(saved: Any) -> Any:
    if isinstance(saved, dict):
        return Earlier(int(saved["thread"]), int(saved["place"]))
    value = plain(saved)
    if not is_plain(value):
        raise TypeError(f"{saved!r} is no plain data")
    return value


class Results:
    """What the calls of one execution came to, for those that refer to them.

    A slot is written by the thread that owns it, and read by it, or by threads started later.
    """

    def __init__(self, lengths: Mapping[int, int]) -> None:
        self._values: dict[int, list[Any]] = {
            thread: [None] * length for thread, length in lengths.items()
        }

    @classmethod
    def of(cls, program: Program) -> Self:
        """Return room for the results of `program`."""
        return cls({thread: len(own) for thread, own in program.lists()})

    def begin(self, thread: int) -> None:
        """Make room for one more call of `thread`."""
        self._values[thread].append(None)

    def note(self, thread: int, place: int, result: Any) -> None:
        """Note that the call at `place` (-1: the last) of `thread` returned `result`."""
        self._values[thread][place] = result

    def resolved(self, arguments: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return `arguments` with results in place of references; None if one has none."""
        found = tuple(
            self._values[each.thread][each.place] if isinstance(each, Earlier) else each
            for each in arguments
        )
        refers = (isinstance(each, Earlier) for each in arguments)
        if any(was and now is None for was, now in zip(refers, found, strict=True)):
            return None
        return found

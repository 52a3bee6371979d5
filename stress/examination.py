"""Finds what is wrong with a model before anything runs, and says so in the model's words.

>>> from hypothesis import strategies as st
>>> from stress.model import Model, operation
>>> class Empty:
...     def __init__(self, sync):
...         pass
>>> class Misspelt(Model):
...     subject = Empty
...
...     @operation
...     def psuh(self):
...         return None
>>> examine(Misspelt)
Traceback (most recent call last):
    ...
stress.operation.ModelError: Misspelt.psuh: its subject, a Empty, has no method psuh.
  It has no methods.  Rename the operation, or give perform=.

A model can be wrong where no examination finds it; what is met later is reported as well.
"""

import time
from functools import partial
from typing import Any, Final

import hypothesis
from hypothesis import strategies as st

from registrar.sync import native
from stress import datatype
from stress.drawing import SETTINGS, argument, drawn
from stress.explore.guard import watched
from stress.interleaving import TOO_LARGE, offending
from stress.model import Model, ModelError, made
from stress.operation import ResultOf
from stress.program import Program, ProgramError
from stress.reference import Reference
from stress.verdict import NoVerdictError

PROGRAMS: Final = 60
"""Programs that are drawn."""
MORE: Final = 200
"""Programs that are drawn before an operation is said to be called by none."""
WALKED: Final = 10
"""Of these, so many go through all interleavings of the model."""
PATIENCE: Final = 5.0
"""Seconds that the body of an operation may take."""


def examine(model: type[Model[Any]]) -> None:
    """Raise ModelError for what is wrong with `model`; a model is examined once."""
    if model not in _EXAMINED:
        _examine(model)
        _EXAMINED.add(model)


_EXAMINED: Final[set[type[Model[Any]]]] = set()


def _examine(model: type[Model[Any]]) -> None:
    if not model.operations():
        raise ModelError(
            f"{model.__name__} has no operations, so nothing can be called.\n"
            f"  Put @operation before its methods."
        )
    _find_unfit(model)
    idle = Reference.begun - Reference.ended  # not 0 where threads that counted at once lost some
    with watched(partial(_progress, idle), PATIENCE, []):
        programs = _drawn(model, PROGRAMS)
        if _idle(model, programs):
            _find_idle(model, _drawn(model, MORE))
        _find_missing(model, programs[0])
        _find_bypass(model, programs[0])
        for program in programs[:WALKED]:
            offending(Reference(model(program.case)), program)
        _find_misfit(model)
        datatype.check(model, programs[:WALKED])


def _progress(idle: int) -> int:
    """Return what changes unless the body of one and the same operation is under way."""
    begun = Reference.begun
    return begun if begun - Reference.ended > idle else time.monotonic_ns()


def _find_unfit(model: type[Model[Any]]) -> None:
    """Raise ModelError for a strategy of which nothing can be drawn."""
    small = model.cases if model.small_cases is None else model.small_cases
    for cases in dict.fromkeys((model.cases, small)):
        case = None if cases is None else _first(cases, f"{model.__name__}: its cases")
        bound = model(case)
        for own in model.operations():
            for name, given in own.arguments.items():
                if not isinstance(given, ResultOf):
                    _first(argument(bound, own, name), f"{model.__name__}.{own.name}: {name}")


def _find_misfit(model: type[Model[Any]]) -> None:
    """Raise ModelError for a program drawn by hand that is none of the model."""
    for name, program in model.programs.items():
        which = f"{model.__name__}.programs[{name!r}]"
        if not isinstance(program, Program):
            raise ModelError(f"{which} is {program!r}.\n  It is a stress.program.Program.")
        try:
            program.check(model)
        except ProgramError as error:
            raise ModelError(f"{which}: {error}") from error
        found = offending(Reference(model(program.case)), program)
        if found is not None and found.why != TOO_LARGE:
            call = dict(program.lists())[found.thread][found.place]
            raise ModelError(
                f"{which}: {call} {found.why}.\n"
                f"  The model says so, in some order of the calls.  Leave it out, or let another "
                f"come before it."
            )


def _first(strategy: st.SearchStrategy[Any], what: str) -> Any:
    """Return something drawn from `strategy`, which is for `what`."""
    settings = hypothesis.settings(SETTINGS, phases=[hypothesis.Phase.generate])
    try:
        return hypothesis.find(strategy, lambda _: True, settings=settings)
    except Exception as error:
        raise ModelError(
            f"{what} cannot be drawn from {strategy!r}: {type(error).__name__}: {error}.\n"
            f"  It never fits, or fails.  Try its .example()."
        ) from error


def _drawn(model: type[Model[Any]], count: int) -> list[Program]:
    try:
        return drawn(model, 0, count, model.most_threads)
    except NoVerdictError:
        raise
    except Exception as error:
        raise ModelError(
            f"no program can be drawn for {model.__name__}: {type(error).__name__}: {error}.\n"
            f"  One of its strategies seldom fits, or fails.  Try their .example()."
        ) from error


def _idle(model: type[Model[Any]], programs: list[Program]) -> list[str]:
    """Return the operations that no program calls."""
    called = {call.f for program in programs for _, own in program.lists() for call in own}
    return [own.name for own in model.operations() if own.name not in called and not own.at_end]


def _find_idle(model: type[Model[Any]], programs: list[Program]) -> None:
    """Raise ModelError for an operation that no program calls."""
    for name in _idle(model, programs):
        raise ModelError(
            f"{model.__name__}.{name} is called by none of {len(programs)} programs.\n"
            f"  What it requires never holds in every interleaving, it would wait for ever, or "
            f"there is never a result it could refer to."
        )


class _Used(Exception):  # noqa: N818  (a signal)
    """The subject that was put in place of another is made."""


def _find_bypass(model: type[Model[Any]], program: Program) -> None:
    """Raise ModelError where `make` does not make the subject that the model names."""

    def used(*_: Any, **__: Any) -> None:
        raise _Used

    try:
        model.of(used)(program.case).make(native)
    except _Used:
        return
    raise ModelError(
        f"{model.__name__}.make() does not make what `subject` names, so all its mutants would be "
        f"the correct subject.\n"
        f"  Call type(self).subject(...) in it."
    )


def _find_missing(model: type[Model[Any]], program: Program) -> None:
    """Raise ModelError for an operation that the subject does not have."""
    subject = made(model(program.case), native)
    for own in model.operations():
        if own.perform is None and not callable(getattr(subject, own.name, None)):
            has = [name for name in dir(subject)
                   if not name.startswith("_") and callable(getattr(subject, name))]  # fmt: skip
            raise ModelError(
                f"{model.__name__}.{own.name}: its subject, a {type(subject).__name__}, has no "
                f"method {own.name}.\n"
                f"  It has {', '.join(has) or 'no methods'}.  Rename the operation, or give "
                f"perform=."
            )

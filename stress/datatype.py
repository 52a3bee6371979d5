"""Whether a model is of the datatype that it names, so that a monitor may judge its histories.

A monitor knows its datatype, and not the model: what it says of a stack that does not begin empty
is wrong.  So what the model does alone has to be what the built-in specification does.

>>> from stress.model import Model, operation
>>> from stress.program import Invocation, Program
>>> class Late(Model):
...     datatype = "fetch-counter"
...     value: int = 1
...
...     @operation(means="increment")
...     def add(self):
...         self.value += 1
...         return self.value - 1
>>> check(Late, [Program((Invocation("add", ()),), ())])
Traceback (most recent call last):
    ...
stress.operation.ModelError: Late is no fetch-counter: main: add() = 1 is none of its results.
  The first count is 0, all else begins empty, and a register with None.  Leave datatype out.
"""

from collections.abc import Sequence
from typing import Any

from stress.conformance import shown
from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.monitors import MONITORS
from stress.model import Model, ModelError
from stress.model_specification import ModelSpecification
from stress.program import Program, Results
from stress.reference import Reference


def check(model: type[Model[Any]], programs: Sequence[Program]) -> None:
    """Raise ModelError if a monitor would not judge `model` as it is; `programs` are tried."""
    if model.datatype is None:
        return
    if model.datatype not in MONITORS:
        raise ModelError(
            f"{model.__name__}.datatype is {model.datatype!r}, which no monitor knows.\n"
            f"  It is one of {', '.join(MONITORS)}; or leave it out."
        )
    words = SPECIFICATIONS[model.datatype].monitored
    for own in model.operations():
        if own.means is not None and own.means not in words:
            raise ModelError(
                f"{model.__name__}.{own.name} means {own.means!r}, which is no operation of a "
                f"{model.datatype}.\n  It has: {', '.join(sorted(words))}."
            )
    for program in programs:
        _walk(model, program)


def _walk(model: type[Model[Any]], program: Program) -> None:
    """Make the calls of `program` one after another, as long as the monitor would know them."""
    assert model.datatype is not None
    reference = Reference(model(program.case))
    specification = ModelSpecification(reference)
    builtin = SPECIFICATIONS[model.datatype]
    state, expected, results = reference.initial(), builtin.initial(), Results.of(program)
    for thread, own in program.lists():
        for place, call in enumerate(own):
            arguments = results.resolved(call.arguments)
            if arguments is None:
                continue
            for outcome in reference.completed(state, "main", call.f, arguments):
                span = Span("main", call.f, arguments, 0, 1, "ok", outcome.result)
                word = specification.canonical(span) if outcome.returned else None
                if word is None:  # a search judges such a history
                    return
                after = builtin.step(expected, word)
                if not after:
                    raise ModelError(
                        f"{model.__name__} is no {model.datatype}: {shown(span)} is none of its "
                        f"results.\n  The first count is 0, all else begins empty, and a register "
                        f"with None.  Leave datatype out."
                    )
            state, expected = outcome.state, after[0]
            results.note(thread, place, outcome.result)

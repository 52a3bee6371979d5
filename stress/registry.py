"""The models there are: whatever installed packages offer in the entry-point group `stress.models`.

An entry point names a `stress.model.Model`, or a class with the interface of `Subject`.  A mutant
of a model, or an equivalent of its subject, is run like a model and named ``model:mutant``.

>>> "registrar" in names()
True
>>> find("registrar:no-recheck").machine().__name__
'RegistrarModelOfNoRecheckMachine'
"""

import importlib.metadata
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from hypothesis.stateful import RuleBasedStateMachine

from stress import machines, sourcefile
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario
from stress.history import Span
from stress.model import Model, ModelError, first_line
from stress.threads.performance import Performances, rejudge
from stress.threads.subject import ThreadModel, Violation

GROUP: Final = "stress.models"


class Subject(Protocol):
    """What is run under a model's name, by every engine."""

    def threads(self, **options: str) -> ThreadModel:
        """Return the model for real threads; ValueError or OSError for options it cannot serve."""

    def machine(self) -> type[RuleBasedStateMachine]:
        """Return the sequential state machine.

        It leaves the run that failed last in its attribute ``last_failure``, as JSON.
        """

    def scenarios(self) -> Mapping[str, Scenario]:
        """Return the scenarios that the explorer runs, by name."""

    def rejudge(self, parameters: Mapping[str, Any], history: Sequence[Span]) -> list[Violation]:
        """Judge a history that real threads made, again."""

    def rerun(self, saved: Mapping[str, Any]) -> str | None:
        """Take the steps of a failed state machine again; return how it fails, if it does."""


@runtime_checkable
class Offer(Protocol):
    """What a package offers: a `Subject` for every fault, and for None the correct one."""

    @property
    def summary(self) -> str:
        """One line for `stress list`."""

    @property
    def faults(self) -> Mapping[str, str]:
        """One line for each deliberate fault, by name."""

    def __call__(self, fault: str | None, /) -> Subject:
        """Return the subject with that fault."""


class UnknownModelError(LookupError):
    """No installed package offers a model of this name, or the model has no such fault."""


class BrokenModelError(UnknownModelError):
    """A package offers a model that cannot be loaded."""


class ModelOffer:
    """The offer that a `stress.model.Model` makes under `name`."""

    def __init__(self, name: str, model: type[Model[Any]]) -> None:
        self._name = name
        self.model = model
        self.summary = model.summary()
        self.faults = {
            **{fault: first_line(made) for fault, made in model.mutants.items()},
            **{
                other: f"Not a fault.  {first_line(made)}"
                for other, made in model.equivalents.items()
            },
        }

    @cached_property
    def _others(self) -> dict[str, Callable[..., Any]]:
        return {**self.model.mutants, **self.model.equivalents}

    def __call__(self, fault: str | None, /) -> "ModelSubject":
        """Return the model, with the subject of that name."""
        model = self.model if fault is None else self.model.of(self._others[fault])
        return ModelSubject(self._name if fault is None else f"{self._name}:{fault}", model)


class ModelSubject:
    """The `Subject` that follows from a model."""

    def __init__(self, name: str, model: type[Model[Any]]) -> None:
        self.name = name
        self.model = model

    def threads(self, **options: str) -> ThreadModel:
        """Return the model for real threads: its own, or programs that are drawn."""
        if self.model.threads is not None:
            found: ThreadModel = self.model.threads(self.model, **options)
            return found
        if options:
            raise ValueError(f"{self.name} has no option {next(iter(options))}.\n  Leave it out.")
        return Performances(self.model)

    def machine(self) -> type[machines.SequentialMachine]:
        """Return the sequential state machine."""
        return machines.sequential(self.model)

    def scenarios(self) -> Mapping[str, Performance]:
        """Return the programs drawn by hand, by name."""
        return {name: Performance(self.model, each) for name, each in self.model.programs.items()}

    def rejudge(self, parameters: Mapping[str, Any], history: Sequence[Span]) -> list[Violation]:
        """Judge a history that real threads made, again."""
        again = (
            rejudge if self.model.rejudge is None or "prefix" in parameters else self.model.rejudge
        )
        found: list[Violation] = again(self.model, dict(parameters), history)
        return found

    def rerun(self, saved: Mapping[str, Any]) -> str | None:
        """Take the steps of a failed state machine again; return how it fails, if it does."""
        return machines.rerun(self.model, saved)


def names() -> list[str]:
    """Return the names of all models, without faults."""
    return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))


def offered(name: str) -> Offer:
    """Return what is offered under `name`: that of an entry point, or of a class in a file.

    ``tests/test_queue.py::QueueModel`` is such a class, in a file below the current directory.
    """
    if "::" in name:
        return ModelOffer(name, sourcefile.attribute(name, Model))
    for entry in importlib.metadata.entry_points(group=GROUP, name=name):
        try:
            found: Any = entry.load()
        except (Exception, SystemExit) as error:
            raise BrokenModelError(
                f"the model {name!r} cannot be loaded from {entry.value}: "
                f"{type(error).__name__}: {error}\n"
                f"  Mend or uninstall the package that offers it."
            ) from error
        if isinstance(found, type) and issubclass(found, Model):
            return ModelOffer(name, found)
        if not isinstance(found, Offer):
            raise BrokenModelError(
                f"the model {name!r} is {found!r}, from {entry.value}, which is no Model.\n"
                f"  An entry point names a class derived from stress.model.Model, or something "
                f"like stress.registry.Offer."
            )
        return found
    raise UnknownModelError(
        f"there is no model {name!r}.  Installed: {', '.join(names()) or 'none'}.\n"
        f"  A package offers models in its entry-point group {GROUP!r}.  A model in a file is "
        f"named like tests/test_queue.py::QueueModel."
    )


def find(name: str) -> Subject:
    """Return the subject of ``model`` or ``model:fault``."""
    model, fault = _parted(name)
    offer = offered(model)
    if fault is not None and fault not in offer.faults:
        raise UnknownModelError(
            f"model {model!r} has no fault {fault!r}.  It has: {', '.join(offer.faults)}."
        )
    return offer(fault)


def _parted(name: str) -> tuple[str, str | None]:
    """Return the name of the model, and of the fault, if one is named."""
    file, colons, rest = name.rpartition("::")
    model, colon, fault = rest.partition(":")
    return file + colons + model, fault if colon else None


def has_own_threads(name: str) -> bool:
    """Return whether the model called `name` has options of its own for real threads."""
    subject = find(name)
    return not isinstance(subject, ModelSubject) or subject.model.threads is not None


def name_of(model: type[Model[Any]]) -> str:
    """Return the name by which `find` finds `model`, in this process or another.

    ModelError if it has none.
    """
    if model.original is not None:
        others = {**model.mutants, **model.equivalents}.items()
        for fault, made in others:
            if made is model.subject:
                return f"{name_of(model.original)}:{fault}"
        raise ModelError(
            f"{model.__name__} cannot be found by another process, which real threads run in: its "
            f"subject is no mutant or equivalent of {model.original.__name__}.\n"
            f"  Add it to those, or define a model of it."
        )
    for entry in importlib.metadata.entry_points(group=GROUP):
        if entry.value == f"{model.__module__}:{model.__qualname__}":
            return entry.name
    module = sys.modules.get(model.__module__)
    path = Path(getattr(module, "__file__", None) or "/")
    if "<" in model.__qualname__ or not path.is_relative_to(Path.cwd()):
        raise ModelError(
            f"{model.__name__} cannot be found by another process, which real threads run in.\n"
            f"  Define it at the top of a file below the current directory, or offer it in the "
            f"entry-point group {GROUP!r}."
        )
    return f"{path.relative_to(Path.cwd()).as_posix()}::{model.__qualname__}"


def saved_name(model: type[Model[Any]]) -> str:
    """Return the name by which a saved failure finds `model` again; "" if it has none."""
    try:
        return name_of(model)
    except ModelError:
        return ""


def model_of(name: str) -> type[Model[Any]]:
    """Return the `stress.model.Model` of ``model`` or ``model:fault``.

    UnknownModelError if there is none.
    """
    found = find(name)
    if not isinstance(found, ModelSubject):
        raise UnknownModelError(
            f"{name!r} is no stress.model.Model, so no programs can be drawn for it."
        )
    return found.model

"""The models there are: whatever installed packages offer in the entry-point group `stress.models`.

An entry point names a class with the interface of `Subject`.  A fault of a model, one deliberate
error in its subject, is run like a model and named ``model:fault``.

>>> "registrar" in names()
True
>>> find("registrar:no-recheck").machine().__name__
'NoRecheckMachine'
"""

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from hypothesis.stateful import RuleBasedStateMachine

from stress.explore.scenario import Scenario
from stress.history import Span
from stress.threads.subject import ThreadModel, Violation

GROUP: Final = "stress.models"


class Subject(Protocol):
    """What a package offers under a model's name."""

    summary: ClassVar[str]
    """One line for `stress list`."""
    faults: ClassVar[Mapping[str, str]]
    """One line for each deliberate fault, by name."""

    def __init__(self, fault: str | None) -> None: ...

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


class UnknownModelError(LookupError):
    """No installed package offers a model of this name, or the model has no such fault."""


def names() -> list[str]:
    """Return the names of all models, without faults."""
    return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))


def offered(name: str) -> type[Subject]:
    """Return the class that the entry point `name` offers."""
    for entry in importlib.metadata.entry_points(group=GROUP, name=name):
        found: type[Subject] = entry.load()
        return found
    raise UnknownModelError(
        f"there is no model {name!r}.  Installed: {', '.join(names()) or 'none'}.\n"
        f"  A package offers models in its entry-point group {GROUP!r}."
    )


def find(name: str) -> Subject:
    """Return the subject of ``model`` or ``model:fault``."""
    model, _, fault = name.partition(":")
    kind = offered(model)
    if name != model and fault not in kind.faults:
        raise UnknownModelError(
            f"model {model!r} has no fault {fault!r}.  It has: {', '.join(kind.faults)}."
        )
    return kind(fault or None)

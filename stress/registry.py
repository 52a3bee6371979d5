"""The models there are: whatever installed packages offer in the entry-point group `stress.models`.

An entry point names a module attribute: a class that is made with the options of the command line
as keywords.  A model may have faults, which are models, too, and are named ``model:fault``.
"""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from stress.threads.subject import ThreadModel

GROUP = "stress.models"


class UnknownModelError(LookupError):
    """No installed package offers a model of this name."""


def names() -> list[str]:
    """Return the names of all models, without faults."""
    return sorted(entry.name for entry in importlib.metadata.entry_points(group=GROUP))


def load(name: str) -> Any:
    """Return the class that the entry point `name` offers."""
    entries = importlib.metadata.entry_points(group=GROUP, name=name)
    for entry in entries:
        return entry.load()
    raise UnknownModelError(
        f"there is no model {name!r}.  Installed: {', '.join(names()) or 'none'}.\n"
        f"  A package offers models in its entry-point group {GROUP!r}."
    )


def thread_model(name: str, options: Mapping[str, str]) -> ThreadModel:
    """Return the model `name`, or its fault ``name:fault``, with `options`.

    Raises UnknownModelError for a name, and ValueError for an option, that does not exist.
    """
    model, _, fault = name.partition(":")
    made: ThreadModel = load(model)(fault=fault or None, **options)
    return made

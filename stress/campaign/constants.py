"""What Hypothesis draws besides chance: constants that it finds in the source of loaded modules.

Which modules are loaded differs from process to process, and so would what a case draws.  So a
worker has it look at the models of the campaign, and at their subjects, alone.
"""

import inspect
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from hypothesis.internal.conjecture import providers

from stress import registry


def only_from(models: Iterable[str]) -> None:
    """Have this process draw constants from the sources of `models` alone.

    Hypothesis has no setting for it; a version that finds constants in another way goes on with it.
    """
    files = {file for name in models for file in _files_of(name)}
    if hasattr(providers, "is_local_module_file"):
        providers.is_local_module_file = lambda path: path in files


def _files_of(name: str) -> Iterable[str]:
    """Yield the files of a model, of its subject, and of their bases."""
    model: Any = getattr(registry.find(name), "model", None)
    for owner in (model, getattr(model, "subject", None)):
        for each in inspect.getmro(owner) if inspect.isclass(owner) else ():
            module = sys.modules.get(each.__module__)
            with suppress(AttributeError, TypeError):
                file = module.__file__  # type: ignore[union-attr]
                if file is not None and each.__module__.partition(".")[0] != "stress":
                    yield file

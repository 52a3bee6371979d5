"""A simulated machine: every schedule, and every read the memory model permits.

>>> from stress.explore import explore

`explore` makes a test of a scenario (see `stress.explore.testing`).  The package can be called in
its place, so ``from stress import explore`` does as well.
"""

import sys
from types import ModuleType
from typing import Any

from stress.explore.testing import ExplorationError, explore

__all__ = ["ExplorationError", "explore"]


class _CallablePackage(ModuleType):
    """This package, which is called as its function `explore` is."""

    def __call__(self, **options: Any) -> Any:
        """Return what ``explore(**options)`` does."""
        return explore(**options)


sys.modules[__name__].__class__ = _CallablePackage

"""The memory models, one file each.

>>> by_name("rc11").name
'rc11'
"""

from typing import Final

from stress.explore.memory.model import MemoryModel
from stress.explore.memory.rc11 import RC11
from stress.explore.memory.sc import SequentialConsistency
from stress.explore.memory.tso import TotalStoreOrder

MODELS: Final[dict[str, type[MemoryModel]]] = {
    model.name: model for model in (SequentialConsistency, TotalStoreOrder, RC11)
}


def by_name(name: str, release_sequence: str = "c++20") -> MemoryModel:
    """Return the memory model `name`; ValueError, naming those there are, for any other."""
    if name not in MODELS:
        raise ValueError(f"there is no memory model {name!r}: take one of {', '.join(MODELS)}.")
    return MODELS[name](release_sequence)

"""The registrar as the command line finds it: its engines, its faults, its saved failures."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from models.registrar import RegistrarCase, RegistrarMachine, machine_of, replay_sequential
from models.registrar_faults import EXPLORED_FAULTS, FAULTS
from models.registrar_invariants import violations
from models.registrar_programs import PROGRAMS
from models.registrar_threads import RegistrarThreads
from registrar import MemoryRegistrar
from stress.explore.scenario import Scenario
from stress.history import Span
from stress.threads.subject import Violation

ALL_FAULTS: Final = FAULTS | EXPLORED_FAULTS


class RegistrarSubject:
    """The `stress.registry.Subject` named ``registrar``, or ``registrar:fault``."""

    summary: ClassVar[str] = "guest memory registered with the kernel, once, chunk by chunk"
    faults: ClassVar[Mapping[str, str]] = {
        name: (fault.__doc__ or "").splitlines()[0] for name, fault in ALL_FAULTS.items()
    }

    def __init__(self, fault: str | None) -> None:
        self._subject = ALL_FAULTS[fault] if fault else MemoryRegistrar

    def threads(self, **options: str) -> RegistrarThreads:
        """Return the model that real threads run; options are `RegistrarThreads`'s."""
        return RegistrarThreads(self._subject, **options)

    def machine(self) -> type[RegistrarMachine]:
        """Return the sequential state machine."""
        return machine_of(self._subject)

    def scenarios(self) -> Mapping[str, Scenario]:
        """Return the programs drawn by hand, by name, for the explorer."""
        return {name: program.scenario(self._subject) for name, program in PROGRAMS.items()}

    def rejudge(self, parameters: Mapping[str, Any], history: Sequence[Span]) -> list[Violation]:
        """Judge a history that real threads made, again."""
        return violations(RegistrarCase.from_json(dict(parameters)), history)

    def rerun(self, saved: Mapping[str, Any]) -> str | None:
        """Take the steps of a failed state machine again; return how it fails, if it does."""
        return replay_sequential(self._subject, dict(saved))

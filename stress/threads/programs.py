"""Programs of a model on real threads, in a child process: each many times, while it passes.

A crash of the interpreter and a hang end the child, not the search: they are how a program fails,
and the next program has a child of its own.
"""

import signal
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from stress.model import Model
from stress.program import Program
from stress.threads.census import Census
from stress.threads.process import Attendant
from stress.threads.supervisor import FROM_OUTSIDE
from stress.verdict import NoVerdictError

MODULE: Final = "stress.threads.case"
"""What the child runs."""
SLOTS: Final = 96
SHIFTS: Final = 2
"""Shifts that a program runs in; while shrinking, `MORE` times as many."""
MORE: Final = 10
AT_REST: Final = "a call of the prefix or at the end, or the harness; the stacks show which"


@dataclass
class ThreadedPrograms:
    """Tries programs of the model called `name`, on real threads; a context, which ends the child.

    A child is started when it is needed, unless an `attendant` keeps one, which then outlives the
    context.  NoVerdictError where the harness or the model fails.
    """

    name: str
    model: type[Model[Any]]
    patience: float = 20.0
    executions: int = 0
    census: Census = field(default_factory=Census)
    gil: bool = False
    attendant: Attendant | None = None

    def __post_init__(self) -> None:
        self._kept = self.attendant or Attendant(MODULE, self.patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.attendant is None:
            self._kept.forget()

    def failure(self, program: Program, *, shrinking: bool) -> dict[str, Any] | None:
        """Return the finding, or None if every run of the program passed."""
        shifts = SHIFTS * MORE if shrinking else SHIFTS
        if len(program.threads) <= 1:  # nothing differs from one run to the next
            shifts = 1
        order = {
            "model": self.name,
            "patience": self.patience,
            "program": program.to_json(self.model),
            "shifts": shifts,
            "slots": SLOTS,
            "seed": str(program),
        }
        found: dict[str, Any] | None = None
        for message in self._kept.ask(order):
            heard = self._heard(message, program)
            found = found or heard
            if "census" in message:
                return found
        return found or self._died(program)

    def _heard(self, message: dict[str, Any], program: Program) -> dict[str, Any] | None:
        """Take in one line of the child; return the finding, if it is one."""
        if "error" in message:
            self._kept.forget()  # what it says from now on, nobody will have asked for
            raise NoVerdictError(f"{self.name} could not be run:\n{message['error']}")
        found = None
        if "finding" in message:
            found = {"kind": "invariant"} | message["finding"]
        elif "hang" in message:
            self._kept.forget()
            calls = "; ".join(message["hang"]["calls"]) or AT_REST
            found = self._stopped("hang", f"did not return in time: {calls}", program)
            found |= message["hang"]
        if message.get("census"):
            census = Census.from_json(message["census"])
            self.census.add(census)
            self.executions += census.instances
            self.gil |= message["gil"]
        return found

    def _died(self, program: Program) -> dict[str, Any]:
        """Return the finding that the child died of, or was silent for too long."""
        status, last_words = self._kept.forget()
        if status is None:
            return self._stopped("hang", "the child process is silent", program)
        if status >= 0 or -status in FROM_OUTSIDE:
            raise NoVerdictError(
                f"the child process that runs {self.name} ended with status {status}\n{last_words}"
            )
        name = signal.Signals(-status).name
        return self._stopped("crash", f"the interpreter died of {name}", program) | {
            "stacks": [last_words]
        }

    def _stopped(self, kind: str, message: str, program: Program) -> dict[str, Any]:
        return {
            "kind": kind,
            "violations": [{"rule": kind, "message": message}],
            "parameters": program.to_json(self.model),
        }

"""An exploration that was interrupted, as a file to go on from.

It holds what was found, the beginnings that are left, and the name by which the scenario is found
again: no code, and nothing that is run but that scenario.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from stress import failures
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Explorer
from stress.explore.prefix import Prefix
from stress.explore.scenario import ScenarioTask
from stress.explore.schedule import ScheduleMismatchError
from stress.explore.target import NamedScenario

FORMAT: Final = 1
KIND: Final = "unfinished exploration"


@dataclass(frozen=True)
class Unfinished:
    """What an interrupted exploration of the scenario named `target` had found, and had left."""

    target: str
    task: ScenarioTask
    bounds: Bounds
    found: Exploration
    left: list[Prefix]

    def save(self, folder: Path) -> Path:
        """Save it in `folder` under the name of its scenario, and return the path."""
        name = "".join(each if each.isalnum() else "-" for each in self.target).strip("-")
        path = folder / f"{name}.unfinished.json"
        failures.write(path, json.dumps(self._to_json(), indent=1))
        return path

    def _to_json(self) -> dict[str, Any]:
        found = self.found
        return {
            "format": FORMAT,
            "kind": KIND,
            "target": self.target,
            "memory": self.task.memory,
            "steps": self.task.steps,
            "spurious": self.task.spurious,
            "stride": self.task.stride,
            "found": {
                "executions": found.executions,
                "blocked": found.blocked,
                "cut": found.cut,
                "seconds": found.seconds,
            },
            "left": [prefix.to_json() for prefix in self.left],
        }

    @classmethod
    def load(cls, path: Path, seconds: float | None) -> Self:
        """Return what was saved at `path`, to go on with it for so many more seconds (or for ever).

        ValueError, saying why, if that cannot be.
        """
        try:
            saved = json.loads(path.read_text("utf-8"))
            if (saved["format"], saved["kind"]) != (FORMAT, KIND):
                raise ValueError(f"it is not of format {FORMAT} and kind {KIND!r}")  # noqa: TRY301
            task = ScenarioTask(
                NamedScenario(saved["target"]),
                saved["memory"],
                saved["steps"],
                saved["spurious"],
                saved["stride"],
            )
            found = Exploration(**saved["found"])
            more = None if seconds is None else found.seconds + seconds
            return cls(
                saved["target"],
                task,
                Bounds(seconds=more, steps=saved["steps"]),
                found,
                [Prefix.from_json(each) for each in saved["left"]],
            )
        except ScheduleMismatchError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} cannot be gone on from: {error}.\n"
                f"  An interrupted `stress explore` leaves such a file.  Explore anew."
            ) from error

    def explorer(self) -> Explorer:
        """Return the explorer that goes on from here."""
        return Explorer(self.task, self.bounds, left=self.left, found=self.found)

"""The calls of the subject in an execution that is repeated to be told of.

While a scenario is explored nobody listens, and a call costs one question.  Once a report wants
them, whoever makes the calls says when one begins and what it came to (`stress.recording`).
"""

from dataclasses import dataclass, field
from typing import Protocol


class Listener(Protocol):
    """Who is told of calls, by the thread that makes them."""

    def begins(self, text: str) -> None:
        """Hear that a call begins."""

    def ends(self, result: str) -> None:
        """Hear what the call that began last came to."""


@dataclass(slots=True)
class HeardCall:
    """A call of one thread; its events are those from `start` up to `end`."""

    thread: int
    text: str
    """``register(0x1000, 1)``"""
    start: int
    end: int | None = None
    """None: it has not returned."""
    result: str = ""


@dataclass(slots=True)
class Calls:
    """Hears the calls of one execution; `clock` says which thread runs, and how far it is."""

    clock: "Clock"
    heard: list[HeardCall] = field(default_factory=list)
    _open: dict[int, HeardCall] = field(default_factory=dict)

    def begins(self, text: str) -> None:
        """Note that the current thread calls."""
        thread, position = self.clock.position
        call = self._open[thread] = HeardCall(thread, text, position)
        self.heard.append(call)

    def ends(self, result: str) -> None:
        """Note what the call of the current thread came to."""
        thread, position = self.clock.position
        call = self._open.pop(thread)
        call.end, call.result = position, result

    def of(self, thread: int, event: int) -> HeardCall | None:
        """Return the call that event number `event` of `thread` belongs to, if it is of one."""
        for call in self.heard:
            if (
                call.thread == thread
                and call.start <= event
                and (call.end is None or event < call.end)
            ):
                return call
        return None


class Clock(Protocol):
    """Where an execution is."""

    @property
    def position(self) -> tuple[int, int]:
        """The thread that runs, and how many events it has taken."""

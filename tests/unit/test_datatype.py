"""A model that names a datatype is judged by a monitor, so it has to be of that datatype."""

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from stress import registry
from stress.datatype import check
from stress.drawing import drawn
from stress.model import Model, ModelError, operation
from tests.machines.prey import CounterModel


class Stack(Model[Any]):
    """A stack of numbers."""

    datatype = "stack"
    items: tuple[int, ...] = ()

    @operation(item=st.integers(1, 9), means="push")
    def put(self, item: int) -> bool:
        """Put it on top, if there is room."""
        self.items = (*self.items, item)
        return True

    @operation(means="pop")
    def take(self) -> int | None:
        """Take the topmost."""
        if not self.items:
            return None
        *rest, last = self.items
        self.items = tuple(rest)
        return last


class Begun(Stack):
    """A stack that does not begin empty."""

    items: tuple[int, ...] = (0,)


class Spurious(Stack):
    """A stack of which one may take nothing although there is something."""

    @operation(means="pop")
    def take(self) -> int | None:
        """Take the topmost, or do not."""
        return None if self.choose((False, True)) else super().take()


class Queue(Stack):
    """A stack that is said to be a queue."""

    datatype = "queue"

    @operation(item=st.integers(1, 9), means="enqueue")
    def put(self, item: int) -> bool:
        """Put it in."""
        return super().put(item)

    @operation(means="dequeue")
    def take(self) -> int | None:
        """Take the wrong one."""
        return super().take()


class Register(Model[Any]):
    """A register that begins with a number."""

    datatype = "register"
    value: int = 0

    @operation(value=st.integers(1, 3), means="write")
    def write(self, value: int) -> None:
        """Change it."""
        self.value = value

    @operation(means="read")
    def read(self) -> int:
        """Look at it."""
        return self.value


class Bounded(Stack):
    """A stack with little room: what it refuses, a search judges."""

    @operation(item=st.integers(1, 9), means="push")
    def put(self, item: int) -> bool:
        """Put it on top, if there is room."""
        return len(self.items) < 2 and super().put(item)


class Mishap(CounterModel):
    """A counter of a kind that there is none of."""

    datatype: ClassVar = "fetch-count"


class Misspelt(Stack):
    """A stack with an operation that no stack has."""

    @operation(means="peek")
    def look(self) -> int | None:
        """Look at the topmost."""
        return None


def checked(model: type[Model[Any]]) -> None:
    """Check `model` with some programs."""
    check(model, drawn(model, 0, 20, 3))


@pytest.mark.slow
@pytest.mark.parametrize("model", [Stack, Bounded, CounterModel])
def test_model_of_its_datatype_passes(model: type[Model[Any]]) -> None:
    """Also where some of its calls are beyond the monitor, and where it names none."""
    checked(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names())
def test_models_that_come_along_are_what_they_say(name: str) -> None:
    """A monitor may judge them."""
    checked(registry.model_of(name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Begun, r"Begun is no stack: main: take\(\) = 0 is none of its results\.\n.*begins empty"),
        (Spurious, r"Spurious is no stack: main: take\(\) = None is none"),
        (Queue, r"Queue is no queue: main: take\(\) = \d is none"),
        (Register, r"Register is no register: main: read\(\) = 0 is none.*\n.*register with None"),
        (Mishap, r"Mishap\.datatype is 'fetch-count', which no monitor.*\n  It is one of register"),
        (Misspelt, r"Misspelt\.look means 'peek', which is no .* stack\.\n  It has: pop, push\."),
    ],
)
def test_model_of_another_datatype_is_told(model: type[Model[Any]], why: str) -> None:
    """Before a monitor refuses what the model permits, or permits what it refuses."""
    with pytest.raises(ModelError, match=why):
        checked(model)

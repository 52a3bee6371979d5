"""A subject and its reference, one call after another, by one thread alone.

>>> from stress.model import Model, operation
>>> class Cell:
...     def __init__(self, sync):
...         self.content = None
...
...     def put(self, value):
...         self.content = self.content or value
...
...     def get(self):
...         return self.content
>>> class CellModel(Model):
...     subject = Cell
...     content: object = None
...
...     @operation(value=None)
...     def put(self, value):
...         self.content = value
...
...     @operation
...     def get(self):
...         return self.content
>>> pair = SideBySide(CellModel)
>>> for call in [Invocation("put", (1,)), Invocation("put", (2,)), Invocation("get", ())]:
...     message = pair.step(call)
>>> print(message)
get()
  observed  1
  allowed   2

Where the model leaves a choice, several of its states may explain what was observed so far; all
are kept.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from stress.alone import LoneSync
from stress.model import Model, NotAllowed, made
from stress.operation import Operation
from stress.plain import is_plain
from stress.program import PREFIX, Invocation, Results
from stress.reference import NotPlain, Outcome, Raised, Reference, Values, raised, spelled
from stress.threads.observed import Witness
from stress.verdict import NoVerdictError


class SideBySide:
    """A subject of `model` and the reference, which take the same steps."""

    def __init__(self, model: type[Model[Any]], case: Any = None) -> None:
        self._reference = Reference(model(case))
        self._invariants = self._reference.model.invariants()
        self._states: dict[Values, None] = {self._reference.initial(): None}  # a set in order
        instants = count()
        self._reference.model.witness = Witness(lambda: next(instants), lambda: "main")
        self._sync = LoneSync()
        self._subject = made(self._reference.model, self._sync)
        self._results = Results({PREFIX: 0})

    def step(self, call: Invocation) -> str | None:
        """Let both take `call`, and return how they differ, if they do.

        A call that the model does not allow now, or that would wait, is not made.
        """
        self._results.begin(PREFIX)
        arguments = self._results.resolved(call.arguments)
        if arguments is None:
            return None
        allowed = self._allowed(call.f, arguments)
        if not allowed:
            return None
        own = self._reference.operations[call.f]
        self._sync.begin()
        outcome, result = self._observed(own, arguments)
        fitting = [each for each in allowed if each.matches(outcome, result)]
        if not fitting:
            return _mismatch(call.f, arguments, outcome, result, allowed)
        if outcome == "ok":
            self._results.note(PREFIX, -1, result)
        self._states = dict.fromkeys(each.state for each in fitting)
        broken = self._effect(own, arguments, outcome, result) or self._broken()
        if broken is None:
            return None
        return _mismatch(call.f, arguments, outcome, result, fitting, broken)

    def _allowed(self, f: str, arguments: tuple[Any, ...]) -> list[Outcome]:
        """Return what the call may come to; nothing if it must not, or might not end."""
        found: list[Outcome] = []
        for state in self._states:
            try:
                outcomes = self._reference.completed(state, "main", f, arguments)
            except NotAllowed:
                return []
            if not outcomes:
                return []
            found += outcomes
        return found

    def _observed(self, own: Operation, arguments: tuple[Any, ...]) -> tuple[str, Any]:
        try:
            result = own.call(self._subject, arguments)
        except NoVerdictError:
            raise
        except own.raises as error:
            return "fail", raised(error)
        except Exception as error:  # noqa: BLE001  (to be judged)
            return "fail", Raised(type(error).__name__, (str(error),))
        return "ok", result if is_plain(result) else NotPlain(repr(result))

    def _effect(
        self, own: Operation, arguments: tuple[Any, ...], outcome: str, result: Any
    ) -> str | None:
        if own.then is None or outcome != "ok":
            return None
        try:
            own.then(self._subject, arguments, result)
        except AssertionError as error:
            return str(error) or "what follows a call fails"
        except NoVerdictError:
            raise
        except Exception as error:  # noqa: BLE001  (to be judged)
            return f"{type(error).__name__}: {error}"
        return None

    def _broken(self) -> str | None:
        """Return the invariant that holds in no state, and leave out the states where one fails."""
        why = None
        for state in list(self._states):
            for name in self._invariants:
                try:
                    getattr(self._reference.load(state), name)(self._subject)
                except AssertionError as error:
                    why = f"{name}: {error}" if str(error) else name
                except NoVerdictError:
                    raise
                except Exception as error:  # noqa: BLE001  (to be judged)
                    why = f"{name}: {type(error).__name__}: {error}"
                else:
                    continue
                del self._states[state]
                break
        return None if self._states else why


def _mismatch(  # noqa: PLR0913, PLR0917  (all there is to a call, and what is wrong with it)
    f: str,
    arguments: Sequence[Any],
    outcome: str,
    result: Any,
    allowed: Sequence[Outcome],
    broken: str | None = None,
) -> str:
    """Return how a call differs from what the model allows.

    A result of the model may say itself which rule it stands for: it has a method ``rule``, which
    takes what was observed.
    """
    saying = [each.result for each in allowed if hasattr(each.result, "rule")]
    rule = broken or " or ".join(dict.fromkeys(each.rule(result) for each in saying))
    lines = [
        f"{f}({', '.join(map(spelled, arguments))})",
        f"  observed  {result if outcome == 'fail' else spelled(result)}",
        f"  allowed   {' or '.join(dict.fromkeys(map(str, allowed)))}",
        *[f"  rule      {rule}"] * bool(rule),
    ]
    return "\n".join(lines)

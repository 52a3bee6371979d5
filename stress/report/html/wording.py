"""A step in words, as a screen reader says it.

>>> from stress.explore.trace import TraceStep
>>> said(TraceStep(9, 1, "load", "ready", old="1", order="acquire", reads=6))
'reads ready = 1, acquire, from step 6, does not synchronize'
"""

from stress.explore.trace import TraceStep


def said(step: TraceStep) -> str:
    """Return what `step` does, from where it reads, and what is remarkable."""
    return ", ".join([_does(step), *filter(None, [step.order, _from(step), *marks(step)])])


def _does(step: TraceStep) -> str:
    name = step.location
    sayings = {
        "load": f"reads {name} = {step.old}",
        "store": f"writes {name} = {step.new}",
        "create": f"creates {name} = {step.new}",
        "update": f"changes {name} from {step.old} to {step.new}",
        "compare-exchange": f"exchanges {name}, from {step.old} to {step.new}",
        "failed compare-exchange": f"does not exchange {name}, which is {step.old}"
        + f", not {step.wanted}" * (step.wanted != step.old),
        "lock": f"locks {name}",
        "unlock": f"unlocks {name}",
        "relock": f"locks {name} again",
        "wait": f"unlocks {name} to wait",
        "woken": f"is woken from {name}",
        "notify": f"notifies {name}, which wakes {step.new}",
        "spurious wake-up": "is woken by nobody",
        "fence": "fence",
        "spawn": f"starts {name}",
        "join": f"has waited for the end of {name}",
    }
    return sayings.get(step.operation, f"{step.operation} {name}".strip())


def _from(step: TraceStep) -> str:
    if step.reads is None:
        return ""
    if step.reads == 0:
        return "from the beginning"
    how = "synchronizes" if step.synchronizes else "does not synchronize"
    return f"from step {step.reads}, {how}"


def marks(step: TraceStep) -> list[str]:
    """Return the words that mark what is remarkable of `step`."""
    words = {
        "spurious": step.wanted != "" and step.wanted == step.old,
        "overtaken" if step.operation == "store" else "stale": step.stale,
        "race": step.race,
    }
    return [word for word, is_so in words.items() if is_so]

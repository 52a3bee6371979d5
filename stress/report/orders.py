"""Which memory orders are load-bearing, as a table; `stress.orders` finds out.

where                               access     written  alone    together  below it
bitmap.py:75 used at registrar:184  load       acquire  acquire  acquire   relaxed: race in ...
"""

from typing import Any

from rich.table import Table

from registrar.sync import MemoryOrder
from stress.orders import Weakening


def table(found: list[Weakening]) -> Table:
    """Return a table with a row for each atomic access."""
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("where", "access", "written", "weakest alone", "together", "what broke below"):
        drawn.add_column(heading, no_wrap=heading in {"access", "written"}, overflow="fold")
    for each in found:
        style = "bold" if each.load_bearing and each.broke else ""
        drawn.add_row(
            str(each.site),
            each.site.operation,
            _word(each.written),
            " or ".join(map(_word, each.weakest)),
            _word(each.together),
            _below(each) or "nothing",
            style=style,
        )
    return drawn


def _below(each: Weakening) -> str:
    """Return what became of the orders below, but for those that pass."""
    broke = [f"{_word(order)}: {why}" for order, why in each.broke.items()]
    return "; ".join(broke + [f"{_word(order)}: ? {why}" for order, why in each.undecided.items()])


def to_json(found: list[Weakening]) -> list[dict[str, Any]]:
    """Return the same as JSON."""
    return [
        {
            "where": str(each.site),
            "operation": each.site.operation,
            "written": _word(each.written),
            "weakest": list(map(_word, each.weakest)),
            "together": _word(each.together),
            "broke": {_word(order): why for order, why in each.broke.items()},
            "undecided": {_word(order): why for order, why in each.undecided.items()},
        }
        for each in found
    ]


def _word(order: MemoryOrder | None) -> str:
    return "" if order is None else order.name.lower()

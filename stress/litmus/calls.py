"""The functions of <stdatomic.h> by name, and the memory orders each of them takes.

>>> from stress.litmus.lexer import Source
>>> text = "C X {} atomic_fetch_add_explicit(x, 1, memory_order_relaxed)"
>>> cursor = Cursor(Source(text, "X.litmus"))
>>> cursor.index = 2
>>> call = called(cursor)
>>> call.kind, call.operator, cursor.token.text
('update', '+', 'x')

The forms without ``_explicit`` are seq_cst.  C11 leaves a load that releases and a store that
acquires undefined: they are refused, and so is ``memory_order_consume``, which herd7's own model
RC11 gives no meaning (a consuming read would synchronize with nothing there).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from registrar.sync import MemoryOrder
from stress.litmus.cursor import Cursor

type Kind = Literal["load", "store", "update", "compare_exchange", "fence"]
type Operator = Literal["+", "-", "&", "|", "^", "="]

_NAME: Final = re.compile(
    r"""atomic_(?: (?P<access>load|store) | (?P<exchange>exchange)
      | fetch_(?P<fetch>add|sub|and|or|xor)
      | compare_exchange_(?P<strength>strong|weak) )(?P<explicit>_explicit)?
      | (?P<fence>atomic_thread_fence)""",
    re.VERBOSE,
)
_OPERATORS: Final[dict[str, Operator]] = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}
_ORDERS: Final = {f"memory_order_{order.name.lower()}": order for order in MemoryOrder}


@dataclass(frozen=True)
class Call:
    """A function, read up to its first argument."""

    cursor: Cursor
    kind: Kind
    explicit: bool
    operator: Operator = "="
    weak: bool = False

    def orders(self) -> tuple[MemoryOrder, ...]:
        """Read the orders behind the other arguments: two for a compare-exchange, else one."""
        takes = _TAKES[self.kind]
        if not self.explicit:
            return (MemoryOrder.SEQ_CST,) * len(takes)
        found = []
        for suits in takes:
            if self.kind != "fence":
                self.cursor.expect(",", f", as a memory order must follow in the {self.kind}")
            found.append(self._order(suits))
        return tuple(found)

    def _order(self, suits: Callable[[MemoryOrder], bool]) -> MemoryOrder:
        token = self.cursor.token
        known = [name for name, order in _ORDERS.items() if suits(order)]
        if token.text not in known:
            consume = token.text == "memory_order_consume"
            self.cursor.refuse(
                f"a memory order of {self.kind.replace('_', '-')}: {', '.join(known)}",
                "Consume has no meaning in RC11; take memory_order_acquire."
                if consume
                else "C11 defines no other order here.",
            )
        return _ORDERS[self.cursor.step().text]


def called(cursor: Cursor) -> Call | None:
    """Read the name and the parenthesis of a function, or return None if it is not known."""
    match = _NAME.fullmatch(cursor.token.text)
    if match is None or cursor.ahead().text != "(":
        return None
    cursor.step()
    cursor.step()
    explicit = bool(match["explicit"] or match["fence"])
    if match["access"]:
        return Call(cursor, "load" if match["access"] == "load" else "store", explicit)
    if match["fence"]:
        return Call(cursor, "fence", explicit)
    if match["strength"]:
        return Call(cursor, "compare_exchange", explicit, weak=match["strength"] == "weak")
    return Call(cursor, "update", explicit, _OPERATORS.get(match["fetch"] or "", "="))


def _any(_: MemoryOrder) -> bool:
    return True


def _of_loads(order: MemoryOrder) -> bool:
    return order.orders_loads


def _of_stores(order: MemoryOrder) -> bool:
    return order.orders_stores


_TAKES: Final[dict[Kind, tuple[Callable[[MemoryOrder], bool], ...]]] = {
    "load": (_of_loads,),
    "store": (_of_stores,),
    "update": (_any,),
    "compare_exchange": (_any, _of_loads),
    "fence": (_any,),
}

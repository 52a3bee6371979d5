"""Expressions of C, with every access to memory taken out of them into instructions.

>>> from stress.litmus.lexer import Source
>>> text = "C X {} atomic_load_explicit(x, memory_order_acquire) + 2 * *y"
>>> cursor = Cursor(Source(text, "X.litmus"))
>>> cursor.index = 2
>>> reader = Expressions(cursor, thread=0, parameters=frozenset("xy"), registers=set())
>>> reader.expression()  # doctest: +NORMALIZE_WHITESPACE
Binary(operator='+', left=Local(name='$1'),
       right=Binary(operator='*', left=Constant(value=2), right=Local(name='$2')))
>>> reader.block  # doctest: +NORMALIZE_WHITESPACE
[Load(into='$1', location='x', order=<MemoryOrder.ACQUIRE: 2>),
 Load(into='$2', location='y', order=None)]

Operands are evaluated from left to right, which is one of the orders that C leaves open (herd7
keeps them unordered).  Where the right operand of ``&&`` or ``||`` accesses memory, it becomes a
branch.  Types do not matter, as in herd7: ``*x`` is a plain access also where `x` points to an
atomic, though C would make it seq_cst.  A cast is passed over.
"""

from dataclasses import replace
from typing import Final

from stress.litmus.calls import Call, called
from stress.litmus.cursor import Cursor
from stress.litmus.program import (
    Assign,
    Binary,
    CompareExchange,
    Constant,
    Expression,
    If,
    Instruction,
    Load,
    Local,
    Store,
    Unary,
    Update,
)

TYPES: Final = frozenset(
    {"int", "char", "long", "_Atomic", "volatile", "const", "atomic_int", "atomic_t"}
    | {f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64, "ptr")}
)
"""Words of a type; whatever it is, herd7 computes in 32 bits with a sign, and so do we."""
MOST: Final = 200
"""How many operators one statement may have."""

_BINDING: Final = {
    operator: strength
    for strength, operators in enumerate(
        ("||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"), start=1
    )
    for operator in operators.split()
}


class Expressions:
    """Reads the expressions of one thread, and appends what they do to `block`."""

    def __init__(
        self, cursor: Cursor, thread: int, parameters: frozenset[str], registers: set[str]
    ) -> None:
        """Read from `cursor`; `registers` are the locals declared so far."""
        self.cursor = cursor
        self.thread = thread
        self.parameters = parameters
        self.registers = registers
        self.block: list[Instruction] = []
        self._temporaries = 0
        self._operators = 0

    def whole_expression(self) -> Expression:
        """Read the one expression of a statement."""
        self._operators = 0
        return self.expression()

    def expression(self, weakest: int = 1) -> Expression:
        """Read an expression of operators that bind at least as strongly as `weakest`."""
        left = self._unary()
        while (strength := _BINDING.get(self.cursor.token.text, 0)) >= weakest:
            operator = self.cursor.step().text
            self._count_operator()
            if operator in ("&&", "||"):
                left = self._logical(operator, left, strength + 1)
            else:
                left = Binary(operator, left, self.expression(strength + 1))
        return left

    def _logical(self, operator: str, left: Expression, weakest: int) -> Expression:
        """Read the right operand of ``&&`` or ``||``, which is not always evaluated."""
        outer, self.block = self.block, []
        right = self.expression(weakest)
        inner, self.block = self.block, outer
        if not inner:
            return Binary(operator, left, right)
        into = self.temporary()
        told = (*inner, Assign(into, Binary("!=", right, Constant(0))))
        known = (Assign(into, Constant(int(operator == "||"))),)
        then, otherwise = (told, known) if operator == "&&" else (known, told)
        self.block.append(If(left, then, otherwise))
        return Local(into)

    def _unary(self) -> Expression:
        cursor = self.cursor
        if cursor.token.kind in ("name", "number"):
            return self._primary()
        if cursor.token.text == "(" and cursor.ahead().text in TYPES:
            self.cast()
            with cursor.nested():
                return self._unary()
        if cursor.accept("*"):
            into = self.temporary()
            self.block.append(Load(into, self.location(), None))
            return Local(into)
        if cursor.token.text == "-" and cursor.ahead().kind == "number":
            return Constant(cursor.number())
        if operator := cursor.accept("-", "!", "~", "+"):
            self._count_operator()
            with cursor.nested():
                operand = self._unary()
            return operand if operator == "+" else Unary(operator, operand)
        return self._primary()

    def _primary(self) -> Expression:
        cursor = self.cursor
        if cursor.token.kind == "number":
            return Constant(cursor.number())
        if cursor.accept("("):
            with cursor.nested():
                inside = self.expression()
            cursor.expect(")")
            return inside
        if cursor.ahead().text == "(" and cursor.token.kind == "name":
            return self._call()
        return self._local()

    def _local(self) -> Expression:
        token = self.cursor.token
        if token.text in self.parameters:
            self.cursor.refuse(
                "a value", f"'{token.text}' is a pointer; write *{token.text} for what it points to"
            )
        name = self.cursor.name("a value: a number, a local, *x, or an atomic operation")
        if name not in self.registers:
            self.cursor.refuse(
                f"a local of P{self.thread}", f"Declare it before:  int {name} = 0;", token
            )
        return Local(name)

    def _call(self) -> Expression:
        """Read an atomic operation that has a value."""
        token = self.cursor.token
        call = called(self.cursor)
        if call is None or call.kind in ("store", "fence"):
            why = "It has no value." if call else "No other function is known."
            self.cursor.refuse(
                "a value: an atomic load, exchange, fetch or compare-exchange", why, token
            )
        with self.cursor.nested():
            value = self._called(call)
        self.cursor.expect(")")
        return value

    def _called(self, call: Call) -> Expression:
        """Read the arguments of `call` from after the parenthesis to before the last one."""
        location = self.location()
        if call.kind == "compare_exchange":
            return self._compare_exchange(call, location)
        into = self.temporary()
        if call.kind == "load":
            (order,) = call.orders()
            self.block.append(Load(into, location, order))
            return Local(into)
        operand = self.argument()
        (order,) = call.orders()
        self.block.append(Update(into, location, call.operator, operand, order))
        return Local(into)

    def _compare_exchange(self, call: Call, location: str) -> Expression:
        """Read the rest of a compare-exchange, and put what it found where it must be put."""
        cursor = self.cursor
        cursor.expect(",")
        local = self._address_of_local() if cursor.accept("&") else None
        place = "" if local else self.location()
        desired = self.argument()
        success, failure = call.orders()
        expected, into, found = local or self.temporary(), self.temporary(), self.temporary()
        if not local:
            self.block.append(Load(expected, place, None))
        value = Local(found)
        noted = Assign(local, value) if local else Store(place, value, None)
        self.block += (
            CompareExchange(
                into, found, location, Local(expected), desired, success, failure, weak=call.weak
            ),
            If(Unary("!", Local(into)), (noted,)),
        )
        return Local(into)

    def _address_of_local(self) -> str:
        token = self.cursor.token
        name = self.cursor.name("a local whose address is taken")
        if name not in self.registers:
            self.cursor.refuse(
                f"a local of P{self.thread}", f"Declare it before:  int {name} = 0;", token
            )
        return name

    def argument(self) -> Expression:
        """Read a comma and a value."""
        self.cursor.expect(",")
        return self.expression()

    def location(self) -> str:
        """Read a pointer: a parameter, perhaps in parentheses or cast."""
        cursor = self.cursor
        if cursor.token.text == "(":
            with cursor.nested():
                if cursor.ahead().text in TYPES:
                    self.cast()
                    return self.location()
                cursor.expect("(")
                inside = self.location()
            cursor.expect(")")
            return inside
        if cursor.token.text not in self.parameters:
            known = ", ".join(sorted(self.parameters)) or "none"
            cursor.refuse(
                f"a pointer that is a parameter of P{self.thread}: {known}",
                "Declare the location in the thread's parameters:  atomic_int* x",
            )
        return cursor.step().text

    def cast(self) -> None:
        """Read past a type in parentheses."""
        self.cursor.expect("(")
        self.type()
        while self.cursor.accept("*"):
            pass
        self.cursor.expect(")")

    def type(self) -> None:
        """Read past a type, to the star or name behind it."""
        cursor, start = self.cursor, self.cursor.index
        while cursor.token.text in TYPES:
            if cursor.step().text == "_Atomic" and cursor.accept("("):
                with cursor.nested():
                    self.type()
                cursor.expect(")")
        if cursor.index == start:
            cursor.refuse("a type such as int or atomic_int")

    def temporary(self) -> str:
        """Return the name of a local that no name of C can be."""
        self._temporaries += 1
        return f"${self._temporaries}"

    def assign(self, into: str | None, value: Expression) -> None:
        """Put `value` into a local, or nowhere, in the instruction that made it if one did."""
        last = self.block[-1] if self.block else None
        if isinstance(last, Load | Update) and value == Local(last.into or ""):
            self.block[-1] = replace(last, into=into)
        elif into is not None:
            self.block.append(Assign(into, value))

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > MOST:
            self.cursor.refuse(f"no more than {MOST} operators", "Use a local in between.")

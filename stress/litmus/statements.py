"""The statements of one thread.

>>> from stress.litmus.cursor import Cursor
>>> from stress.litmus.lexer import Source
>>> text = "C X {} { int r0 = *x; if (r0 == 1) atomic_store(x, 2); }"
>>> cursor = Cursor(Source(text, "X.litmus"))
>>> cursor.index = 2
>>> reader = Statements(cursor, thread=0, parameters=frozenset("x"), registers=set())
>>> for instruction in reader.body():
...     print(instruction)  # doctest: +NORMALIZE_WHITESPACE
Load(into='r0', location='x', order=None)
If(condition=Binary(operator='==', left=Local(name='r0'), right=Constant(value=1)),
   then=(Store(location='x', value=Constant(value=2), order=<MemoryOrder.SEQ_CST: 5>),),
   otherwise=())

A name is one local of the whole thread, wherever it is declared and however often: that is
herd7's rule, and what lets the last line speak of a local of an inner block.  An assignment
declares its local, too.
"""

from typing import Final

from stress.litmus.calls import called
from stress.litmus.expressions import TYPES, Expressions
from stress.litmus.program import Fence, If, Instruction, Store

STATEMENT: Final = (
    "a statement: a declaration, an assignment, an atomic operation, a fence, if, or a block"
)
_LOOPS: Final = frozenset({"while", "for", "do", "goto"})


class Statements(Expressions):
    """Reads the statements of one thread into instructions."""

    def body(self) -> tuple[Instruction, ...]:
        """Read a block with its braces."""
        self._compound()
        return tuple(self.block)

    def _compound(self) -> None:
        self.cursor.expect("{")
        with self.cursor.nested():
            while not self.cursor.accept("}"):
                self._statement()

    def _statement(self) -> None:
        cursor = self.cursor
        text = cursor.token.text
        if text == "{":
            self._compound()
        elif text == "if":
            self._if()
        elif cursor.accept(";"):
            pass
        else:
            self._simple_statement(text)
            cursor.expect(";")

    def _simple_statement(self, text: str) -> None:
        """Read a statement that ends in a semicolon, up to that."""
        cursor = self.cursor
        if text in TYPES:
            self._declaration()
        elif text == "*" and self._stores():
            self._plain_store()
        elif cursor.ahead().text == "=" and cursor.token.kind == "name":
            self._assignment()
        elif text in _LOOPS:
            cursor.refuse(STATEMENT, "Loops are not read: write the rounds out, as nested ifs.")
        elif text == "(" and cursor.ahead().text == "void":
            self._discarded()
        elif cursor.token.kind in ("name", "number") or text in ("(", "*", "-", "!", "~"):
            self._call_or_value()
        else:
            cursor.refuse(STATEMENT)

    def _declaration(self) -> None:
        cursor = self.cursor
        self.type()
        if cursor.token.text == "*":
            cursor.refuse("a name", "A local holds an int; only parameters are pointers.")
        while True:
            name = self._declared("the name of a local")
            if cursor.accept("="):
                self.assign(name, self.whole_expression())
            self.registers.add(name)
            if not cursor.accept(","):
                break

    def _declared(self, what: str) -> str:
        """Read the name of a local, which no parameter may have."""
        token = self.cursor.token
        if token.text in self.parameters or token.text in TYPES:
            self.cursor.refuse(
                what, f"'{token.text}' is taken; for what a pointer points to, write *x = ..."
            )
        return self.cursor.name(what)

    def _assignment(self) -> None:
        name = self._declared("the name of a local, to assign to")
        self.cursor.expect("=")
        self.assign(name, self.whole_expression())
        self.registers.add(name)

    def _stores(self) -> bool:
        """Return whether the statement that starts with ``*`` assigns to what is behind it."""
        distance, depth = 1, 0
        while (text := self.cursor.ahead(distance).text) and text not in (";", "{", "}"):
            if text == "=" and not depth:
                return True
            depth += (text == "(") - (text == ")")
            distance += 1
        return False

    def _plain_store(self) -> None:
        self.cursor.expect("*")
        location = self.location()
        self.cursor.expect("=")
        self.block.append(Store(location, self.whole_expression(), None))

    def _discarded(self) -> None:
        self.cursor.step()
        self.cursor.step()
        self.cursor.expect(")")
        self.assign(None, self.whole_expression())

    def _call_or_value(self) -> None:
        """Read a store or a fence, which have no value, or an expression whose value is lost."""
        cursor, start = self.cursor, self.cursor.index
        call = called(cursor)
        if call and call.kind == "fence":
            (order,) = call.orders()
            self.block.append(Fence(order))
            cursor.expect(")")
        elif call and call.kind == "store":
            location, value = self.location(), self.argument()
            (order,) = call.orders()
            self.block.append(Store(location, value, order))
            cursor.expect(")")
        elif call is None and cursor.ahead().text == "(" and cursor.token.kind == "name":
            cursor.refuse(STATEMENT, "Of functions, those of <stdatomic.h> are known.")
        else:
            cursor.index = start
            self.assign(None, self.whole_expression())

    def _if(self) -> None:
        cursor = self.cursor
        cursor.step()
        cursor.expect("(")
        condition = self.whole_expression()
        cursor.expect(")")
        then = self._branch()
        otherwise = self._branch() if cursor.accept("else") else ()
        self.block.append(If(condition, then, otherwise))

    def _branch(self) -> tuple[Instruction, ...]:
        outer, self.block = self.block, []
        with self.cursor.nested():
            self._statement()
        inner, self.block = self.block, outer
        return tuple(inner)

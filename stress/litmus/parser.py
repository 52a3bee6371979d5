r"""herd7's C litmus format, read into a `LitmusTest`.

>>> test = parse(r'''C MP
... { x=0; y=0; }
... P0 (atomic_int* x, atomic_int* y) {
...   atomic_store_explicit(x, 1, memory_order_relaxed);
...   atomic_store_explicit(y, 1, memory_order_release);
... }
... P1 (atomic_int* x, atomic_int* y) {
...   int r0 = atomic_load_explicit(y, memory_order_acquire);
...   int r1 = atomic_load_explicit(x, memory_order_relaxed);
... }
... exists (1:r0=1 /\ 1:r1=0)''')
>>> test.name, len(test.threads), [str(term) for term in test.observed]
('MP', 2, ['1:r0', '1:r1'])

What herd7 reads and this refuses: loops, locks, arrays, pointers in memory or in locals, the
primitives of the Linux kernel, ``memory_order_consume``, and orders that C11 gives an operation
no meaning with.  What this reads and herd7 does not: ``&& || ! ~ % << >>``, several declarators,
``&r0`` as the expected value of a compare-exchange, and ``//`` or ``/* */`` outside code.  A
location that a thread names and the initial state does not starts as 0.
"""

from dataclasses import dataclass, field
from pathlib import Path

from stress.litmus.conditions import Conditions
from stress.litmus.cursor import Cursor
from stress.litmus.expressions import TYPES
from stress.litmus.lexer import LitmusSyntaxError, Source, Token
from stress.litmus.program import Assign, Constant, Instruction, LitmusTest
from stress.litmus.statements import Statements

LARGEST = 1 << 20
"""Bytes of the largest file that is read; a typical one has five hundred."""


def parse(text: str, file: str = "litmus") -> LitmusTest:
    """Return the test that `text` describes; LitmusSyntaxError, which names `file`, if none."""
    source = Source(text, file)
    cursor = Cursor(source)
    state = _InitialState(cursor)
    state.read()
    threads: list[tuple[Instruction, ...]] = []
    while cursor.token.text[:1] == "P" or cursor.token.text == "void":
        threads.append(_thread(cursor, len(threads), state))
    if not threads:
        cursor.refuse("the first thread, P0", "A thread looks like:  P0 (atomic_int* x) { ... }")
    registers = [state.registers.get(number, set()) for number in range(len(threads))]
    state.check_threads(len(threads))
    conditions = Conditions(cursor, registers, state.memory.keys())
    shown = conditions.shown()
    asked = conditions.condition()
    return LitmusTest(source.name, state.memory, tuple(threads), asked, shown)


def parse_file(path: Path) -> LitmusTest:
    """Return the test in the file at `path`; LitmusSyntaxError or OSError if there is none."""
    content = path.read_bytes()
    if len(content) > LARGEST:
        raise LitmusSyntaxError(
            f"{path}:1:1: found {len(content):,} bytes, expected a litmus test\n"
            f"  A litmus test is small: {LARGEST:,} bytes are read at most."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise LitmusSyntaxError(
            f"{path}:{line}:{column}: found the byte 0x{content[error.start]:02x}, expected UTF-8\n"
            f"  A litmus test is text: save it as UTF-8."
        ) from None
    return parse(text, str(path))


@dataclass
class _InitialState:
    """The first value of every location, and of the locals that have one."""

    cursor: Cursor
    memory: dict[str, int] = field(default_factory=dict)
    registers: dict[int, set[str]] = field(default_factory=dict)
    values: dict[int, list[Instruction]] = field(default_factory=dict)
    tokens: list[tuple[int, Token]] = field(default_factory=list)

    def read(self) -> None:
        """Read the braces and what is between them."""
        cursor = self.cursor
        cursor.expect("{", ", which opens the initial state")
        while not cursor.accept("}"):
            if not cursor.accept(";"):
                self._item()
                if cursor.token.text != "}":
                    cursor.expect(";", " or '}', which end an initial value")

    def _item(self) -> None:
        """Read one initial value, of a location or, with a colon, of a local."""
        cursor = self.cursor
        while cursor.token.text in TYPES:
            cursor.step()
        cursor.accept("*")
        if cursor.ahead().text == ":":
            self._register()
            return
        bracket = cursor.accept("[")
        token = cursor.token
        name = cursor.name("a location or a local, such as x or 0:r0")
        if bracket:
            cursor.expect("]")
        if name in self.memory:
            cursor.refuse("a location of its own", f"'{name}' has an initial value.", token)
        self.memory[name] = self._value()

    def _register(self) -> None:
        cursor, token = self.cursor, self.cursor.token
        digits = token.text.removeprefix("P")
        if not (digits.isascii() and digits.isdigit() and len(digits) < len("1000")):
            cursor.refuse("the number of a thread")
        cursor.step()
        cursor.expect(":")
        thread, name = int(digits), cursor.name("the name of a local")
        self.tokens.append((thread, token))
        self.registers.setdefault(thread, set()).add(name)
        value = Constant(self._value())
        self.values.setdefault(thread, []).append(Assign(name, value))

    def _value(self) -> int:
        cursor = self.cursor
        if not cursor.accept("="):
            return 0
        wrapper = cursor.accept("ATOMIC_INIT")
        if wrapper:
            cursor.expect("(")
        if cursor.token.text == "&" or cursor.token.kind == "name":
            cursor.refuse("a number", "Memory holds ints: addresses are not read.")
        if cursor.token.text == "{":
            cursor.refuse("a number", "Arrays are not read: give each element a name.")
        value = cursor.number()
        if wrapper:
            cursor.expect(")")
        return value

    def check_threads(self, threads: int) -> None:
        """Refuse initial values of locals of threads that there are not."""
        for thread, token in self.tokens:
            if thread >= threads:
                self.cursor.refuse(
                    f"a thread from 0 to {threads - 1}", "The file has no other thread.", token
                )


def _thread(cursor: Cursor, number: int, state: _InitialState) -> tuple[Instruction, ...]:
    """Read thread `number`, and note its locations and locals."""
    cursor.accept("void")
    if not cursor.accept(f"P{number}"):
        cursor.refuse(f"P{number} or the condition", "Threads are named P0, P1, ... in order.")
    registers = state.registers.setdefault(number, set())
    parameters = _parameters(cursor)
    for name in parameters:
        state.memory.setdefault(name, 0)
    reader = Statements(cursor, number, parameters, registers)
    return (*state.values.get(number, ()), *reader.body())


def _parameters(cursor: Cursor) -> frozenset[str]:
    """Read the parameters of a thread: its pointers to the locations of the same names."""
    cursor.expect("(")
    names: list[str] = []
    while not cursor.accept(")"):
        if names:
            cursor.expect(",", " or ')' after a parameter")
        Statements(cursor, 0, frozenset(), set()).type()
        if not cursor.accept("*"):
            cursor.refuse("'*'", "A parameter points to a location:  atomic_int* x")
        while cursor.accept("volatile", "const"):
            pass
        names.append(cursor.name("the name of a location"))
    return frozenset(names)

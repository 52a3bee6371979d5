"""herd7's C litmus format: what is read, into what, and how the rest is refused."""

from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.litmus.lexer import LitmusSyntaxError
from stress.litmus.parser import parse
from stress.litmus.program import (
    And,
    Assign,
    Binary,
    Compare,
    CompareExchange,
    Condition,
    Constant,
    Expression,
    Fence,
    If,
    Instruction,
    Load,
    Local,
    Location,
    Not,
    Or,
    Proposition,
    Register,
    Store,
    Unary,
    Update,
)
from stress.litmus.statements import STATEMENT

ONE, TWO, R0, R1 = Constant(1), Constant(2), Local("r0"), Local("r1")
FILES = {
    file.name: file.read_text(encoding="utf-8")
    for file in resources.files("models.litmus").iterdir()
    if file.name.endswith(".litmus")
}


def code(body: str, parameters: str = "atomic_int* x, atomic_int* y, int* e") -> list[Instruction]:
    """Return the instructions of one thread with a local r0."""
    test = parse(f"C Test {{ 0:r0=0; }} P0 ({parameters}) {{ {body} }}")
    return list(test.threads[0][1:])


def value(expression: str) -> Expression:
    """Return what an expression without accesses to memory is read into."""
    (assigned,) = code(f"int r1; r1 = {expression};")
    assert isinstance(assigned, Assign)
    return assigned.value


def asked(condition: str) -> Condition:
    """Return the condition of a test with a location x and a local r0 in threads 0 and 1."""
    thread = "(int* x) { int r0 = *x; }"
    return parse(f"C Test {{}} P0 {thread} P1 {thread} {condition}").condition


def proposition(text: str) -> Proposition:
    """Return what is asked by ``exists text``."""
    return asked(f"exists {text}").proposition


def error(text: str) -> str:
    """Return how `text` is refused."""
    with pytest.raises(LitmusSyntaxError) as caught:
        parse(text, "my.litmus")
    return str(caught.value)


# The first line and the initial state

HEADERS = {
    "bare": "C Test",
    "title": 'C Test\n"A title with { in it"',
    "title on the first line": 'C Test "A title"',
    "TeX name": "C Test (Tex-name)",
    "metadata": "C Test\nHash=12ab{\nCycle=Rfe PodRR Fre\nsome words",
    "comments": "C Test\n(* one { (* nested { *) *)\n// { two\n/* { three */",
    "Windows": 'C Test\r\n"A title"\r\n',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_parser_passes_over_metadata(header: str) -> None:
    """What stands between the name and the initial state is passed over, as herd7 does."""
    test = parse(f"{header}\n{{ x=3; }}\nP0 (int* x) {{ }}")

    assert (test.name, dict(test.initial)) == ("Test", {"x": 3})


INITIAL = {
    "": {},
    ";": {},
    "x=1": {"x": 1},
    "[x]=1;": {"x": 1},
    "x;": {"x": 0},
    "int x=3; atomic_int y = 0;": {"x": 3, "y": 0},
    "_Atomic int x = 4; int y": {"x": 4, "y": 0},
    "atomic_t x = ATOMIC_INIT(5);": {"x": 5},
    "int* x = 6;": {"x": 6},
    "x=-1; y=0x10;": {"x": -1, "y": 16},
    "x=0xffffffff; y=-2147483648;": {"x": -1, "y": -(2**31)},
    "(* x=1; *) x=2; // x=3\n /* y=4 */": {"x": 2},
}


@pytest.mark.parametrize(("state", "memory"), INITIAL.items())
def test_initial_state_gives_first_values(state: str, memory: dict[str, int]) -> None:
    """Every way of herd7's to give a location its first value is read."""
    assert dict(parse(f"C Test {{ {state} }} P0 () {{}}").initial) == memory


def test_location_of_parameter_starts_as_zero() -> None:
    """A location that only a thread names starts as 0."""
    assert dict(parse("C Test { x=1; } P0 (int* y, int* x) {}").initial) == {"x": 1, "y": 0}


def test_local_of_initial_state_is_assigned_first() -> None:
    """A local that the initial state gives a value has it when its thread starts."""
    test = parse("C Test { 0:r0=5; P1:r1=-2; } P0 () {} P1 () {} exists (0:r0=5 /\\ 1:r1=1)")

    assert test.threads == ((Assign("r0", Constant(5)),), (Assign("r1", Constant(-2)),))


PARAMETERS = (
    "atomic_int* x",
    "atomic_int *x",
    "volatile int* x",
    "volatile atomic_int* x",
    "_Atomic int* x",
    "_Atomic(int)* x",
    "const int * volatile x",
    "int volatile *x",
)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_parameter_is_a_location(parameters: str) -> None:
    """However a parameter's type is written, and whether atomic or not, `*x` is a plain access."""
    assert code("int r1 = *x;", parameters) == [Load("r1", "x", None)]


# Statements

STATEMENTS: dict[str, list[Instruction]] = {
    "int r1;": [],
    "int r1 = 1, r2, r3 = r1;": [Assign("r1", ONE), Assign("r3", R1)],
    "r0 = 2;": [Assign("r0", TWO)],
    "{ r0 = 1; { } ; }": [Assign("r0", ONE)],
    "*x = 1;": [Store("x", ONE, None)],
    "*(x) = *y;": [Load("$1", "y", None), Store("x", Local("$1"), None)],
    "*x;": [Load(None, "x", None)],
    "atomic_load(x);": [Load(None, "x", SEQ_CST)],
    "(void) atomic_load(x);": [Load(None, "x", SEQ_CST)],
    "r0 = atomic_load_explicit((atomic_int*)x, memory_order_acquire);": [Load("r0", "x", ACQUIRE)],
    "atomic_store(x, 1);": [Store("x", ONE, SEQ_CST)],
    "atomic_store_explicit(x, r0, memory_order_release);": [Store("x", R0, RELEASE)],
    "r0 = atomic_exchange(x, 1);": [Update("r0", "x", "=", ONE, SEQ_CST)],
    "atomic_fetch_add_explicit(x, 1, memory_order_relaxed);": [
        Update(None, "x", "+", ONE, RELAXED)
    ],
    "int r1 = atomic_fetch_sub_explicit(x, 2, memory_order_acq_rel);": [
        Update("r1", "x", "-", TWO, ACQ_REL)
    ],
    "r0 = atomic_fetch_and(x, 1);": [Update("r0", "x", "&", ONE, SEQ_CST)],
    "r0 = atomic_fetch_or(x, 1);": [Update("r0", "x", "|", ONE, SEQ_CST)],
    "r0 = atomic_fetch_xor(x, 1);": [Update("r0", "x", "^", ONE, SEQ_CST)],
    "atomic_thread_fence(memory_order_seq_cst);": [Fence(SEQ_CST)],
    "if (r0) r0 = 1; else if (r0 == 1) { } else { r0 = 2; }": [
        If(
            R0,
            (Assign("r0", ONE),),
            (If(Binary("==", R0, ONE), (), (Assign("r0", TWO),)),),
        )
    ],
    "if (r0) { int r1 = 1; } r0 = r1;": [If(R0, (Assign("r1", ONE),)), Assign("r0", R1)],
}


@pytest.mark.parametrize(("body", "instructions"), STATEMENTS.items())
def test_statement_becomes_instructions(body: str, instructions: list[Instruction]) -> None:
    """Every statement becomes the instructions it stands for, and no more."""
    assert code(body) == instructions


def test_compare_exchange_stores_what_it_found_on_failure() -> None:
    """The expected value is read plainly, and replaced plainly by the value found on failure."""
    order = "memory_order_acq_rel, memory_order_acquire"

    assert code(f"r0 = atomic_compare_exchange_strong_explicit(x, e, 2, {order});") == [
        Load("$1", "e", None),
        CompareExchange("$2", "$3", "x", Local("$1"), TWO, ACQ_REL, ACQUIRE),
        If(Unary("!", Local("$2")), (Store("e", Local("$3"), None),)),
        Assign("r0", Local("$2")),
    ]


def test_compare_exchange_takes_address_of_local() -> None:
    """The expected value may be a local, which then gets the value found on failure."""
    assert code("atomic_compare_exchange_weak(x, &r0, 2);") == [
        CompareExchange("$1", "$2", "x", R0, TWO, SEQ_CST, SEQ_CST, weak=True),
        If(Unary("!", Local("$1")), (Assign("r0", Local("$2")),)),
    ]


# Expressions

EXPRESSIONS: dict[str, Expression] = {
    "1 + 2 * r0": Binary("+", ONE, Binary("*", TWO, R0)),
    "(1 + 2) * r0": Binary("*", Binary("+", ONE, TWO), R0),
    "1 - 2 - r0": Binary("-", Binary("-", ONE, TWO), R0),
    "r0-1": Binary("-", R0, ONE),
    "r0 == 1 & 2": Binary("&", Binary("==", R0, ONE), TWO),
    "1 | 2 ^ r0 & 1": Binary("|", ONE, Binary("^", TWO, Binary("&", R0, ONE))),
    "r0 << 1 < 2": Binary("<", Binary("<<", R0, ONE), TWO),
    "r0 || 1 && 2": Binary("||", R0, Binary("&&", ONE, TWO)),
    "-r0 + !r0": Binary("+", Unary("-", R0), Unary("!", R0)),
    "~-1": Unary("~", Constant(-1)),
    "+1": ONE,
    "(int) r0": R0,
    "0x7fffFFFF": Constant(2**31 - 1),
    "r0 != 1 >= 2": Binary("!=", R0, Binary(">=", ONE, TWO)),
}


@pytest.mark.parametrize(("text", "expression"), EXPRESSIONS.items())
def test_operators_bind_as_in_c(text: str, expression: Expression) -> None:
    """Precedence, association and parentheses are those of C."""
    assert value(text) == expression


def test_accesses_leave_expressions_from_left_to_right() -> None:
    """Accesses in one expression become instructions in the order they are written."""
    assert code("r0 = *x + atomic_load_explicit(y, memory_order_acquire) + *x;") == [
        Load("$1", "x", None),
        Load("$2", "y", ACQUIRE),
        Load("$3", "x", None),
        Assign("r0", Binary("+", Binary("+", Local("$1"), Local("$2")), Local("$3"))),
    ]


SHORT = {
    "&&": If(
        Local("$1"),
        (Load("$2", "y", SEQ_CST), Assign("$3", Binary("!=", Local("$2"), Constant(0)))),
        (Assign("$3", Constant(0)),),
    ),
    "||": If(
        Local("$1"),
        (Assign("$3", Constant(1)),),
        (Load("$2", "y", SEQ_CST), Assign("$3", Binary("!=", Local("$2"), Constant(0)))),
    ),
}


@pytest.mark.parametrize(("operator", "branch"), SHORT.items())
def test_access_right_of_logical_operator_becomes_branch(operator: str, branch: If) -> None:
    """The right operand of && and || accesses memory only if the left one leaves it open."""
    assert code(f"if (atomic_load(x) {operator} atomic_load(y)) r0 = 1;") == [
        Load("$1", "x", SEQ_CST),
        branch,
        If(Local("$3"), (Assign("r0", ONE),)),
    ]


# The last line

A, B = Compare(Register(0, "r0"), 1), Compare(Location("x"), 2)
PROPOSITIONS: dict[str, Proposition] = {
    "(0:r0=1)": A,
    "0:r0 == 1": A,
    "P0:r0=0x1": A,
    "([x]=2)": B,
    "(x<>-2)": Compare(Location("x"), -2, negated=True),
    "(x != 2)": Compare(Location("x"), 2, negated=True),
    "(0:r0=1:r0)": Compare(Register(0, "r0"), Register(1, "r0")),
    "(0:r0=[x])": Compare(Register(0, "r0"), Location("x")),
    r"(0:r0=1 /\ x=2 /\ 0:r0=1)": And((A, B, A)),
    r"(0:r0=1 \/ x=2 /\ 0:r0=1)": Or((A, And((B, A)))),
    r"((0:r0=1 \/ x=2) /\ 0:r0=1)": And((Or((A, B)), A)),
    r"(~x=2 /\ not (0:r0=1))": And((Not(B), Not(A))),
    r"(0:r0=1 /\ x=2 => x=2)": And((A, Or((Not(B), B)))),
    "true": And(()),
    "(false)": Or(()),
}


@pytest.mark.parametrize(("text", "read"), PROPOSITIONS.items())
def test_proposition_is_read(text: str, read: Proposition) -> None:
    """Every form of herd7's propositions is read, with its precedence."""
    assert proposition(text) == read


QUANTIFIED = {
    "exists (x=2)": Condition("exists", B),
    "~exists (x=2)": Condition("~exists", B),
    "not exists x=2;": Condition("~exists", B),
    "forall (x=2)": Condition("forall", B),
    "final (x=2)": Condition("exists", B),
    "(x=2)": Condition("exists", B),
    "(* none *)": Condition("forall", And(())),
}


@pytest.mark.parametrize(("text", "read"), QUANTIFIED.items())
def test_condition_is_read(text: str, read: Condition) -> None:
    """The quantifiers are those of herd7; no condition asks for nothing."""
    assert asked(text) == read


def test_locations_are_shown_first() -> None:
    """What ``locations`` names is observed beside the terms of the condition."""
    test = parse("C Test { x; } P0 () { int r0 = 1; } locations [0:r0; x int*;] exists (x=0)")

    assert test.observed == (Register(0, "r0"), Location("x"))


# Errors


def test_error_says_where_and_what_to_do() -> None:
    """An error has the place, what is there, what could be, the line, and what to do."""
    assert error("C Test\n{}\nP0 (atomic_int* x) {\n\twhile (1) {}\n}").split("\n") == [
        f"my.litmus:4:2: found 'while', expected {STATEMENT}",
        "     while (1) {}",
        "     ^",
        "  Loops are not read: write the rounds out, as nested ifs.",
    ]


THREAD = "C Test { x=1; } P0 (atomic_int* x) { int r0 = 1; %s }"
REFUSED = {
    "no file": ("", "1:1: found the end of the file, expected the first line 'C NAME'"),
    "another language": ("X86 MP\n{}", "1:1: found 'X86', expected the first line"),
    "no initial state": ("C Test\nP0", "2:3: found the end of the file, expected '{'"),
    "an open comment": ("C Test {} (* P0", "1:11: found '(*', expected '*)' after it"),
    "an open comment in C": ("C Test {} /* P0", "1:11: found '/*', expected '*/' after it"),
    "no character of C": (THREAD % "§", "found '§', expected a word"),
    "no thread": ("C Test {} exists (x=1)", "found 'exists', expected the first thread, P0"),
    "a wrong thread": ("C Test {} P1 () {}", "found 'P1', expected P0"),
    "two initial values": ("C Test { x=1; x=2; }", "'x' has an initial value"),
    "an address": ("C Test { p=&x; }", "addresses are not read"),
    "an array": ("C Test { x={1,2}; }", "Arrays are not read"),
    "a local of no thread": ("C Test { 7:r0=1; } P0 () {}", "expected a thread from 0 to 0"),
    "an int as parameter": ("C Test {} P0 (int r0) {}", "found 'r0', expected '*'"),
    "a wide type": ("C Test {} P0 (__int128* x) {}", "expected a type such as int"),
    "an open block": (THREAD[:-1] % "", "found the end of the file, expected a statement"),
    "a missing semicolon": (THREAD % "r0 = 2", "found '}', expected ';'"),
    "a pointer as local": (THREAD % "int *p;", "only parameters are pointers"),
    "a pointer assigned to": (THREAD % "x = 1;", "write *x = ..."),
    "a pointer as value": (THREAD % "r0 = x;", "'x' is a pointer"),
    "an undeclared local": (THREAD % "r0 = r7;", "found 'r7', expected a local of P0"),
    "an undeclared location": (THREAD % "*y = 1;", "expected a pointer that is a parameter"),
    "consume": (
        THREAD % "r0 = atomic_load_explicit(x, memory_order_consume);",
        "take memory_order_acquire",
    ),
    "a load that releases": (
        THREAD % "r0 = atomic_load_explicit(x, memory_order_release);",
        "found 'memory_order_release', expected a memory order of load: memory_order_relaxed",
    ),
    "a missing order": (
        THREAD % "atomic_store_explicit(x, 1);",
        "found ')', expected ',', as a memory order must follow in the store",
    ),
    "a store as value": (THREAD % "r0 = atomic_store(x, 1);", "It has no value"),
    "an unknown function": (THREAD % "spin_lock(x);", "those of <stdatomic.h> are known"),
    "increment": (THREAD % "r0++;", "found '++', expected ';'"),
    "octal": (THREAD % "r0 = 010;", "octal in C and decimal in herd7"),
    "a suffix": (THREAD % "r0 = 1u;", "found '1u', expected a number such as 12"),
    "a large number": (THREAD % "r0 = 2147483648;", "fits into 32 bits"),
    "a long number": (THREAD % f"r0 = {'9' * 9999};", "expected a number such as 12"),
    "deep parentheses": (THREAD % f"r0 = {'(' * 9999};", "expected no more than 50 levels"),
    "deep blocks": (THREAD % ("{" * 9999), "expected no more than 50 levels"),
    "deep ifs": (THREAD % ("if (1) ; else " * 9999), "expected no more than 50 levels"),
    "many signs": (THREAD % f"r0 = {'! ' * 9999}1;", "no more than 50 levels"),
    "many operators": (THREAD % f"r0 = 1{' + 1' * 9999};", "no more than 200 operators"),
    "a filter": (f"{THREAD % ''} filter (x=1) exists (x=1)", "Filters are not read"),
    "an unknown register": (f"{THREAD % ''} exists (0:r7=1)", "P0 never declares it"),
    "an unknown thread": (f"{THREAD % ''} exists (3:r0=1)", "expected a thread from 0 to 0"),
    "an unknown location": (f"{THREAD % ''} exists (z=1)", "expected 0:r0 or a location: x"),
    "no comparison": (f"{THREAD % ''} exists (x)", "found ')', expected = or <>, and a value"),
    "an address compared": (f"{THREAD % ''} exists (0:r0=x)", "for its value, write [x]"),
    "words after the end": (f"{THREAD % ''} exists (x=1) (x=2)", "the end of the file"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_parser_refuses_what_it_cannot_read(text: str, message: str) -> None:
    """What cannot be read is refused with where it is and what was expected."""
    said = error(text)

    assert message in said
    assert said.startswith("my.litmus:")
    assert len(said.splitlines()) == 4
    assert max(map(len, said.splitlines())) < 300


@given(st.text() | st.text(alphabet="CP01{}()*=;xr \n/\\~<>&|!-+:[],"))
@example("C \x00 {")
@example("C Test {} P0 () { \ud800 }")
def test_parser_only_raises_litmus_syntax_errors_of_text(text: str) -> None:
    """Whatever text is read, it is a test or it is refused."""
    with_header = f"C Test {text}"
    for tried in (text, with_header):
        try:
            parse(tried)
        except LitmusSyntaxError as refused:
            assert str(refused).count("\n") == 3  # noqa: PT017


@pytest.mark.slow
@given(st.data())
def test_parser_only_raises_litmus_syntax_errors_of_changed_files(data: st.DataObject) -> None:
    """A file of the library with pieces cut, doubled, moved or replaced is read or refused."""
    names = st.sampled_from(sorted(FILES))
    text = FILES[data.draw(names)]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 20, len(text))))
        other = FILES[data.draw(names)]
        piece = data.draw(st.integers(0, len(other)))
        replacement = data.draw(
            st.sampled_from(["", "(", ")", "{", "}", "*", "0x", "(*", "/*", "&&", ":", "[", "="])
            | st.just(other[piece : piece + 12])
            | st.characters()
        )
        text = text[:start] + replacement + text[end:]
    try:
        parse(text)
    except LitmusSyntaxError as refused:
        assert str(refused).startswith("litmus:")  # noqa: PT017


@pytest.mark.parametrize("name", sorted(FILES))
def test_file_of_library_is_read(name: str) -> None:
    """Every file of the library is read, and is named as the test in it."""
    test = parse(FILES[name], name)

    assert f"{test.name}.litmus" == name
    assert test.observed

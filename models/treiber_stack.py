"""A lock-free stack of values: nodes in lists, a head that packs a node and a tag into one word.

>>> stack = TreiberStack[str](nodes=2)
>>> stack.push("a"), stack.push("b"), stack.push("c")
(True, True, False)
>>> stack.pop(), stack.pop(), stack.pop()
('b', 'a', None)

R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM Research Report RJ 5118 (1986).
A value lives in the cell of a node.  The nodes in use form one stack and the free ones another, of
the same kind; a push moves a node from the free stack to the other, a pop moves it back.

Why a tag
=========

A pop reads the top node A and the node B below, and puts B on top if A still is.  Without a tag it
would also do so if A were on top *again*, with B gone (ABA); three threads suffice:

    pop        reads A above B                                      puts B on top, though B is free
    pop, push                  takes A      gives A back, pushes it
    pop                                takes B, gives B back

So every change of a head counts its tag up, and no value returns until 2**32 changes later.  A
thread must not sleep that long between its load and its compare-exchange.

Ordering
========

    thread A    write value, next ──▶ push: head = node
                                            ╎ synchronizes with
    thread B                                ╰╌▶ pop: load head ──▶ read next ──▶ compare-exchange

Heads are changed by read-modify-writes alone, so whatever is found there, the load sees what every
push before it published.  ``next`` is a word, as a pop may read it while the node's next owner
writes it; then the head has changed and the compare-exchange fails.  A value is read only by the
pop that has won its node.

Every compare-exchange is acq_rel: of two changes of a head, the first happens before the second.
Values and links need less, release in a push and acquire in a pop; but then three threads can see
the two heads change in contradictory orders.

Who finds a head empty changes nothing.  It looks again behind a seq_cst fence, lest a push and a
pop be refused that contradict each other (store buffering):

    push    used = node ──▶ fence ──▶ load free             two nodes, one in use:
                              ╎                             push, push  ‖  pop, pop
    pop     free = node ──▶ fence ──▶ load used             never (True, False) ‖ (value, None)

Invariants
==========

T1  *Ownership.*  A node is on one of the stacks or belongs to one call.
T2  *Order.*  A pop returns the value pushed last of those not yet popped.
T3  *Honest refusal.*  A pop is None only if no value was on the stack.  A push is False only if no
    node was free: all were on the stack, or in the hands of calls under way.

Progress
========

Lock-free: a compare-exchange fails only because another thread's succeeded.  A popped value stays
referenced until its node is used again.
"""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, SEQ_CST, AtomicWord, Cell, Sync, native
from stress.model import Model, operation
from stress.program import Invocation, Program

NODE: Final = (1 << 32) - 1
"""The bits of a head that name its node; the tag is above them."""
TAG: Final = 1 << 32
NONE: Final = NODE
"""What stands where there is no node."""


type Steps[R] = Generator[None, None, R]
"""What an operation of several atomic steps returns in the end."""


class NodeStack:
    """Numbers of nodes, last in, first out, linked by the words `links`.

    Stacks that exchange nodes share `links`: the node below node *n* is in ``links[n]``.
    """

    def __init__(
        self, links: list[AtomicWord], *, top: int = NONE, sync: Sync = native, name: str = "head"
    ) -> None:
        self._links = links
        self._sync = sync
        self._head = sync.word(top, name=name)

    def push(self, node: int) -> None:
        """Put `node`, which the caller owns, on top."""
        found = self._head.load(RELAXED)
        pushed = False
        while not pushed:
            self._links[node].store(found & NODE, RELAXED)
            pushed, found = self._replace(found, node)

    def pop(self) -> int:
        """Remove the top node and return it, the caller's from now on; or `NONE`."""
        found = self._look()
        popped = False
        while not popped:
            if found & NODE == NONE:
                found = self._look_again()
                if found & NODE == NONE:
                    return NONE
            node = found & NODE
            popped, found = self._replace(found, self._links[node].load(RELAXED))
        return node

    def _look(self) -> int:
        return self._head.load(ACQUIRE)  # pairs with [node]: the link of the node is whole

    def _look_again(self) -> int:
        self._sync.fence(SEQ_CST)  # pairs with [empty]
        return self._look()

    def _replace(self, found: int, node: int) -> tuple[bool, int]:
        """Put `node` on top if the head is as `found`; return whether, and the head found."""
        head = (found & ~NODE) + TAG | node
        return self._head.compare_exchange(found, head, ACQ_REL, ACQUIRE)  # pairs with [node]


class TreiberStack[T]:
    """A stack of at most `nodes` values, for any number of threads.

    Raises ValueError for a number of nodes that does not fit 32 bits.
    """

    node_stack: ClassVar[type[NodeStack]] = NodeStack

    def __init__(self, sync: Sync = native, *, nodes: int = 64) -> None:
        if not 0 <= nodes <= NONE:
            raise ValueError(f"a stack of {nodes} nodes: there are 0 or more, and fewer than 2**32")
        links = [sync.word(node - 1 & NODE, name=f"next[{node}]") for node in range(nodes)]
        self._values: list[Cell[T | None]] = [
            sync.cell(None, name=f"value[{node}]") for node in range(nodes)
        ]
        self._used = self.node_stack(links, sync=sync, name="used")
        self._free = self.node_stack(links, top=nodes - 1 & NODE, sync=sync, name="free")

    def push(self, value: T) -> bool:
        """Put `value` on top and return True, or return False: no node was free."""
        node = self._free.pop()
        if node == NONE:
            return False
        self._values[node].write(value)
        self._used.push(node)
        return True

    def pop(self) -> T | None:
        """Remove the top value and return it, or None: the stack was empty."""
        node = self._used.pop()
        if node == NONE:
            return None
        value = self._values[node].read()
        self._free.push(node)
        return value


# Mutants


class _Untagged(NodeStack):
    def _replace(self, found: int, node: int) -> tuple[bool, int]:
        return self._head.compare_exchange(found, node, ACQ_REL, ACQUIRE)  # pairs with [node]


class Untagged[T](TreiberStack[T]):
    """The heads have no tags: a pop may put a node on top that is free (ABA)."""

    node_stack = _Untagged


class _RelaxedPush(NodeStack):
    def push(self, node: int) -> None:
        found = self._head.load(RELAXED)
        pushed = False
        while not pushed:
            self._links[node].store(found & NODE, RELAXED)
            head = (found & ~NODE) + TAG | node
            pushed, found = self._head.compare_exchange(found, head, RELAXED, RELAXED)


class RelaxedPush[T](TreiberStack[T]):
    """The compare-exchange of a push is relaxed: neither value nor link are published."""

    node_stack = _RelaxedPush


class _RelaxedPop(NodeStack):
    def _look(self) -> int:
        return self._head.load(RELAXED)


class RelaxedPop[T](TreiberStack[T]):
    """A pop loads the head relaxed: the link it reads may be that of an earlier use."""

    node_stack = _RelaxedPop


class _NoFence(NodeStack):
    def _look_again(self) -> int:
        return NONE


class NoFence[T](TreiberStack[T]):
    """Who finds an empty head does not look again: refusals may contradict each other."""

    node_stack = _NoFence


class EarlyFree[T](TreiberStack[T]):
    """A pop frees its node before it reads the value."""

    def pop(self) -> T | None:
        """Free the node, then read it."""
        node = self._used.pop()
        if node == NONE:
            return None
        self._free.push(node)
        return self._values[node].read()


# Equivalents


class _CountedPushes(NodeStack):
    def pop(self) -> int:
        found = self._look()
        while found & NODE != NONE or (found := self._look_again()) & NODE != NONE:
            head = found & ~NODE | self._links[found & NODE].load(RELAXED)
            popped, seen = self._head.compare_exchange(
                found, head, ACQ_REL, ACQUIRE
            )  # pairs with [node]
            if popped:
                return found & NODE
            found = seen
        return NONE


class CountedPushes[T](TreiberStack[T]):
    """A pop keeps the tag: it counts pushes alone.

    Between two moments at which the same node is on top, with a change between them, there was a
    push: of this node again, or of one above it.
    """

    node_stack = _CountedPushes


# The model

NODES: Final = 2
"""Of the stack of the model."""
PUSH: Final = Invocation("push", (1,))
POP: Final = Invocation("pop", ())


class TreiberStackModel(Model[TreiberStack[int]]):
    """A lock-free stack of as many values as it has nodes."""

    subject = TreiberStack
    mutants: ClassVar[Mapping[str, Any]] = {
        "untagged": Untagged,
        "relaxed-push": RelaxedPush,
        "relaxed-pop": RelaxedPop,
        "no-fence": NoFence,
        "early-free": EarlyFree,
    }
    equivalents: ClassVar[Mapping[str, Any]] = {"counted-pushes": CountedPushes}
    programs: ClassVar[Mapping[str, Program]] = {
        "refusals": Program((PUSH,), ((PUSH, PUSH), (POP, POP))),
        "aba": Program((PUSH, PUSH), ((POP,), (POP, POP, PUSH))),
    }
    items: tuple[int, ...] = ()
    free: int = NODES

    def make(self, sync: Sync) -> TreiberStack[int]:
        """Return a stack so small that it fills up."""
        stack: TreiberStack[int] = type(self).subject(sync, nodes=NODES)
        return stack

    @operation(value=st.integers(1, 3))
    def push(self, value: int) -> Steps[bool]:
        """Take a node; then put it on top."""
        if not self.free:
            return False
        self.free -= 1
        yield
        self.items = (*self.items, value)
        return True

    @operation(at_end=True)
    def pop(self) -> Steps[int | None]:
        """Remove the top node; then free it."""
        if not self.items:
            return None
        *below, value = self.items
        self.items = tuple(below)
        yield
        self.free += 1
        return value

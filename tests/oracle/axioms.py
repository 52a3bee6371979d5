"""The memory models as axioms on one execution graph, written as they are read.

A `Candidate` is a graph without its modification order: the events, and po, asw, rf, rmw over
them. With a modification order it is an execution, and a model says whether it is consistent:

sc    acyclic(po | rf | mo | rb), and atomicity.
tso   x86-TSO: sc per location, atomicity, and acyclic(ppo | rfe | mo | rb).
rc11  Lahav et al., "Repairing sequential consistency in C/C++11", PLDI 2017, with the release
      sequences of C++20 (default), or of C++11 and the paper.

A read-modify-write is two events, a read and a write related by rmw. A fence has no location.
Initial writes are plain, of thread `INITIAL`, and po-before everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, Protocol

from registrar.sync import ACQ_REL, ACQUIRE, RELEASE, SEQ_CST
from stress.litmus.program import Order

from .relation import Relation, Set, identity, product, set_of

type ReleaseSequence = Literal["c++20", "c++11"]

INITIAL: Final = -1
RELEASES: Final = frozenset({RELEASE, ACQ_REL, SEQ_CST})
ACQUIRES: Final = frozenset({ACQUIRE, ACQ_REL, SEQ_CST})


@dataclass(frozen=True)
class Event:
    """A read (R), a write (W) or a fence (F) of a thread, with its value and order.

    `locked` marks what x86 does with a locked instruction: both events of a read-modify-write,
    and the lone read of a compare-exchange that failed.
    """

    thread: int
    kind: Literal["R", "W", "F"]
    location: str | None
    order: Order
    value: int = 0
    locked: bool = False


@dataclass(frozen=True)
class Candidate:
    """An execution graph without modification order."""

    events: tuple[Event, ...]
    po: Relation
    asw: Relation
    rf: Relation
    rmw: Relation

    @cached_property
    def reads(self) -> Set:
        """The reads."""
        return self.where(event.kind == "R" for event in self.events)

    @cached_property
    def writes(self) -> Set:
        """The writes."""
        return self.where(event.kind == "W" for event in self.events)

    @cached_property
    def fences(self) -> Set:
        """The fences."""
        return self.where(event.kind == "F" for event in self.events)

    @cached_property
    def atomic(self) -> Set:
        """Whatever has an order, relaxed or above."""
        return self.where(event.order is not None for event in self.events)

    @cached_property
    def seq_cst(self) -> Set:
        """Accesses and fences of order seq_cst."""
        return self.where(event.order == SEQ_CST for event in self.events)

    @cached_property
    def same_location(self) -> Relation:
        """Pairs of accesses to one location; a fence is in none of them."""
        accesses = self.reads | self.writes
        located: dict[str | None, Set] = {}
        for index, event in enumerate(self.events):
            located[event.location] = located.get(event.location, 0) | 1 << index
        return Relation(tuple(located[e.location] & accesses for e in self.events)) & product(
            len(self.events), accesses, accesses
        )

    def where(self, selected: Iterable[bool]) -> Set:
        """Return the set of events selected, one answer per event."""
        return set_of(index for index, yes in enumerate(selected) if yes)

    def only(self, events: Set) -> Relation:
        """Return [events]."""
        return identity(len(self.events), events)

    def between(self, first: Set, second: Set) -> Relation:
        """Return all pairs of an event of `first` and one of `second`."""
        return product(len(self.events), first, second)

    def rb(self, mo: Relation) -> Relation:
        """Return reads-before: a read, and the writes after the one it read from."""
        return self.rf.inverse() @ mo  # of a read and a write: never the identity

    def atomicity(self, mo: Relation) -> bool:
        """Return whether no write stands between the source and the write of an RMW."""
        return not self.rmw & (self.rb(mo) @ mo)

    def all_seq_cst(self) -> "Candidate":
        """Return this candidate with every atomic access and every fence of order seq_cst."""
        return replace(
            self,
            events=tuple(e if e.order is None else replace(e, order=SEQ_CST) for e in self.events),
        )


# Happens-before, and the races it leaves.


def release_sequence(c: Candidate, version: ReleaseSequence) -> Relation:
    """Return rs, from its head to each write of the sequence."""
    relaxed_write = c.only(c.writes & c.atomic)
    rs = relaxed_write @ (c.rf @ c.rmw).star()
    if version == "c++11":
        own = ((c.po & c.same_location) @ relaxed_write).optional()
        rs = relaxed_write @ own @ (c.rf @ c.rmw).star()
    return rs


def synchronizes_with(c: Candidate, version: ReleaseSequence) -> Relation:
    """Return sw = [>=rel] ; ([F] ; po)? ; rs ; rf ; [R>=rlx] ; (po ; [F])? ; [>=acq]."""
    releases = c.only(c.where(event.order in RELEASES for event in c.events))
    acquires = c.only(c.where(event.order in ACQUIRES for event in c.events))
    fence = c.only(c.fences)
    return (
        releases
        @ (fence @ c.po).optional()
        @ release_sequence(c, version)
        @ c.rf
        @ c.only(c.reads & c.atomic)
        @ (c.po @ fence).optional()
        @ acquires
    )


def happens_before(c: Candidate, version: ReleaseSequence) -> Relation:
    """Return hb = (po | asw | sw)+."""
    return (c.po | c.asw | synchronizes_with(c, version)).plus()


def races(c: Candidate, hb: Relation) -> bool:
    """Return whether conflicting accesses, one of them plain, are unordered by hb."""
    plain = (c.reads | c.writes) & ~c.atomic
    everything = c.reads | c.writes
    a_write = c.between(c.writes, everything) | c.between(everything, c.writes)
    a_plain = c.between(plain, everything) | c.between(everything, plain)
    conflicts = c.same_location & a_write & a_plain
    unordered = conflicts - hb - hb.inverse()
    return any(c.events[a].thread != c.events[b].thread for a, b in unordered.pairs())


# The models.


class Model(Protocol):
    """A memory model, made for one candidate."""

    @property
    def order(self) -> Relation:
        """What modification order and reads must respect on each location: po at least."""

    def consistent(self, mo: Relation) -> bool:
        """Return whether the candidate is consistent with this modification order."""

    def racy(self) -> bool:
        """Return whether the candidate has a race."""


@dataclass(frozen=True)
class SequentialConsistency:
    """One order of all accesses; whatever is atomic synchronises as if seq_cst."""

    candidate: Candidate

    @property
    def order(self) -> Relation:
        """Program order."""
        return self.candidate.po

    def consistent(self, mo: Relation) -> bool:
        """Return acyclic(po | rf | mo | rb), and atomicity."""
        c = self.candidate
        return (c.po | c.asw | c.rf | mo | c.rb(mo)).acyclic() and c.atomicity(mo)

    def racy(self) -> bool:
        """Return whether plain accesses race when every atomic one is seq_cst."""
        c = self.candidate.all_seq_cst()
        return races(c, happens_before(c, "c++20"))


@dataclass(frozen=True)
class TotalStoreOrder:
    """x86-TSO: a write may be delayed past later reads of its thread."""

    candidate: Candidate

    @property
    def order(self) -> Relation:
        """Program order."""
        return self.candidate.po

    @cached_property
    def preserved(self) -> Relation:
        """Program order that is not lost in the store buffer (ppo).

        All but write to read, and all of it across, into and out of what drains the buffer: a
        seq_cst store, a seq_cst fence, a locked instruction. Other fences do nothing.
        """
        c = self.candidate
        locked = c.where(event.locked for event in c.events)
        drains = c.seq_cst & (c.writes | c.fences) | locked
        effective = c.reads | c.writes | c.fences & c.seq_cst
        po = (c.po | c.asw) & c.between(effective, effective)
        drained = po & (c.between(drains, effective) | c.between(effective, drains))
        return po - c.between(c.writes, c.reads) | drained | po @ c.only(drains) @ po

    def consistent(self, mo: Relation) -> bool:
        """Return sc per location, atomicity, and acyclic(ppo | rfe | mo | rb)."""
        c = self.candidate
        rb = c.rb(mo)
        internal = c.po | c.po.inverse()
        return (
            (c.po & c.same_location | c.rf | mo | rb).acyclic()
            and c.atomicity(mo)
            and (self.preserved | c.rf - internal | mo | rb).acyclic()
        )

    def racy(self) -> bool:
        """Return whether plain accesses race; the machine orders atomic ones like seq_cst."""
        return SequentialConsistency(self.candidate).racy()


@dataclass(frozen=True)
class RC11:
    """Repaired C11."""

    candidate: Candidate
    version: ReleaseSequence = "c++20"

    @property
    def order(self) -> Relation:
        """Happens-before."""
        return self.hb

    @cached_property
    def hb(self) -> Relation:
        """Happens-before."""
        return happens_before(self.candidate, self.version)

    def consistent(self, mo: Relation) -> bool:
        """Return COHERENCE, ATOMICITY, NO-THIN-AIR and SC."""
        c = self.candidate
        rb = c.rb(mo)
        eco = (c.rf | mo | rb).plus()
        return (
            (self.hb @ eco.optional()).irreflexive()
            and c.atomicity(mo)
            and (c.po | c.asw | c.rf).acyclic()
            and self.psc(mo, rb, eco).acyclic()
        )

    @cached_property
    def fixed_scb(self) -> Relation:
        """The part of scb without mo and rb: po' | po'!=loc ; hb ; po'!=loc | hb=loc."""
        c = self.candidate
        po = c.po | c.asw
        elsewhere = po - c.same_location
        return po | elsewhere @ self.hb @ elsewhere | self.hb & c.same_location

    def psc(self, mo: Relation, rb: Relation, eco: Relation) -> Relation:
        """Return the partial SC relation, whose ends are seq_cst events."""
        c, hb = self.candidate, self.hb
        sc, fsc = c.only(c.seq_cst), c.only(c.seq_cst & c.fences)
        scb = self.fixed_scb | mo | rb
        base = (sc | fsc @ hb.optional()) @ scb @ (sc | hb.optional() @ fsc)
        return base | fsc @ (hb | hb @ eco @ hb) @ fsc

    def racy(self) -> bool:
        """Return whether plain accesses are unordered by happens-before."""
        return races(self.candidate, self.hb)

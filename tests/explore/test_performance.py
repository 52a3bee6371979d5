"""A program of a model in the explorer: every execution is judged, by what happens before what."""

import time
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST, Sync
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Search
from stress.explore.performance import Performance
from stress.explore.programs import ExploredPrograms
from stress.explore.record import report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.model import Model, ModelError, invariant, operation
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.verdict import NoVerdictError, Verdict
from tests.explore.programs import MEMORIES
from tests.machines.prey import (
    AccountsModel,
    Barging,
    BlockedCounter,
    Counter,
    CounterModel,
    CrossedLocks,
    EndlessCounter,
    HandoverModel,
    LockModel,
    LostUpdate,
    MailboxModel,
    NeverFree,
    OwnersCounter,
    PairModel,
    PileModel,
    RareCounter,
    RelaxedPut,
    SpinLock,
    StrictTriesModel,
    TaglessPile,
    TriesModel,
    WholePairModel,
)


def call(f: str, *arguments: Any) -> Invocation:
    """Return a call."""
    return Invocation(f, arguments)


def program(*lists: str) -> Program:
    """Return the program of a prefix and threads, whose calls are like ``write:1``."""
    calls = [
        tuple(
            call(f, *map(int, arguments))
            for f, *arguments in (each.split(":") for each in own.split())
        )
        for own in lists
    ]
    return Program(calls[0], tuple(calls[1:]))


def explore(
    model: type[Model[Any]], drawn: Program, memory: str = "rc11", **options: Any
) -> Exploration:
    """Explore a program of `model`."""
    return explored(Performance(model, drawn), memory=memory, **options)


def kind(model: type[Model[Any]], drawn: Program, memory: str = "rc11") -> str | None:
    """Return how a program fails; None: in no execution."""
    found = explore(model, drawn, memory)
    assert found.verdict is (Verdict.FAILED if found.failure else Verdict.OK)
    return found.failure.kind if found.failure else None


class Register:
    """A register in the strongest order."""

    def __init__(self, sync: Sync) -> None:
        self.word = sync.word(0, name="value")

    def write(self, value: int) -> None:
        """Change it."""
        self.word.store(value, SEQ_CST)

    def read(self) -> int:
        """Look at it."""
        return self.word.load(SEQ_CST)


class Frozen(Register):
    """Always reads what it was at first."""

    def read(self) -> int:
        """Look at it, and tell what it was."""
        return super().read() * 0


class Constant(Register):
    """Always reads the same, and looks at nothing."""

    def read(self) -> int:
        """Return nothing new."""
        return 0

    def write(self, value: int) -> None:
        """Forget it."""


class RegisterModel(Model[Register]):
    """A register."""

    subject = Register
    value: int = 0

    @operation(value=st.integers(1, 3))
    def write(self, value: int) -> None:
        """Change it."""
        self.value = value

    @operation
    def read(self) -> int:
        """Look at it."""
        return self.value


class AskedAtTheEnd(RegisterModel):
    """A register that is looked at once more in the end."""

    @operation(at_end=True, perform=lambda register: register.read())
    def last(self) -> int:
        """Look at it."""
        return self.value


# What happens before what


@pytest.mark.parametrize("subject", [Frozen, Constant])
@pytest.mark.parametrize("memory", MEMORIES)
def test_prefix_happens_before_all_threads(subject: Any, memory: str) -> None:
    """What was written before the threads were started, none of them may miss."""
    stale = RegisterModel.of(subject)

    assert kind(stale, program("write:1", "read"), memory) == "linearizability"
    assert kind(stale, program("write:1", "read", "read"), memory) == "linearizability"
    assert kind(stale, program("", "read", "write:1"), memory) is None
    assert kind(RegisterModel, program("write:1", "read", "write:2"), memory) is None


@pytest.mark.parametrize("subject", [Frozen, Constant])
def test_threads_happen_before_the_end(subject: Any) -> None:
    """What is asked at the end comes after everything."""
    assert kind(AskedAtTheEnd.of(subject), program("", "write:1")) == "linearizability"
    assert kind(AskedAtTheEnd, program("", "write:1", "write:2 read")) is None


class Flagged(Register):
    """A register with a flag, by which one thread may tell another something."""

    def __init__(self, sync: Sync) -> None:
        super().__init__(sync)
        self.flag = sync.word(0, name="flag")

    def raise_it(self) -> None:
        """Raise the flag."""
        self.flag.store(1, RELEASE)

    def raised(self) -> bool:
        """Return whether it is up."""
        return bool(self.flag.load(ACQUIRE))


class FlaggedModel(RegisterModel):
    """A register and a flag."""

    subject: ClassVar = Flagged
    up: bool = False

    @operation
    def raise_it(self) -> None:
        """Raise it."""
        self.up = True

    @operation
    def raised(self) -> bool:
        """Look whether it is up."""
        return self.up


class FrozenFlagged(Flagged):
    """Always reads what the register was at first."""

    def read(self) -> int:
        """Look at it, and tell what it was."""
        return super().read() * 0


def test_what_one_thread_learns_from_another_orders_them() -> None:
    """Who has seen the flag must see what was written before it was raised."""
    told = program("", "write:1 raise_it", "raised read")

    assert kind(FlaggedModel, told) is None
    assert kind(FlaggedModel.of(FrozenFlagged), told) == "linearizability"
    assert kind(FlaggedModel.of(FrozenFlagged), program("", "write:1", "raised read")) is None


class RelaxedRegister(Register):
    """A register in the weakest order."""

    def write(self, value: int) -> None:
        """Change it."""
        self.word.store(value, RELAXED)

    def read(self) -> int:
        """Look at it."""
        return self.word.load(RELAXED)


class Racks(Model[Any]):
    """Two relaxed registers."""

    values: tuple[int, int] = (0, 0)

    @operation(place=st.integers(0, 1))
    def put(self, place: int) -> None:
        """Put a one there."""
        self.values = (1, self.values[1]) if place == 0 else (self.values[0], 1)

    @operation(place=st.integers(0, 1))
    def look(self, place: int) -> int:
        """Look there."""
        return self.values[place]


class Rack:
    """Two registers."""

    order: ClassVar = RELAXED

    def __init__(self, sync: Sync) -> None:
        self._words = [sync.word(0, name=f"place[{place}]") for place in range(2)]

    def put(self, place: int) -> None:
        """Put a one there."""
        self._words[place].store(1, self.order)

    def look(self, place: int) -> int:
        """Look there."""
        return self._words[place].load(self.order)


class StrongRack(Rack):
    """Two registers in the strongest order."""

    order: ClassVar = SEQ_CST


class OwnOrderRacks(Racks):
    """Two registers that promise sequential consistency."""

    consistency: ClassVar = "sequential"


@pytest.mark.parametrize("model", [Racks, OwnOrderRacks])
def test_store_buffering_is_no_order(model: type[Model[Any]]) -> None:
    """Two threads miss each other's store: under tso and rc11, and never in the strongest order."""
    buffering = program("", "put:0 look:1", "put:1 look:0")
    rule = "linearizability" if model is Racks else "sequential consistency"

    assert kind(model.of(Rack), buffering, "sc") is None
    assert kind(model.of(Rack), buffering, "tso") == rule
    assert kind(model.of(Rack), buffering, "rc11") == rule
    assert kind(model.of(StrongRack), buffering, "rc11") is None


# Correct subjects


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("model", "drawn"),
    [
        (CounterModel, program("increment", "increment increment", "increment increment")),
        (CounterModel, program("", "increment", "increment", "increment")),
        (MailboxModel, program("", "put:1", "get get", "get")),
        (LockModel, program("", "acquire release", "acquire release")),
        (AccountsModel, program("", "transfer:0", "transfer:1 transfer:0")),
        (PileModel, program("take", "take", "take")),
        (PairModel, program("", "both", "one other", "other one")),
        (TriesModel, program("", "attempt attempt", "attempt")),
        (HandoverModel, program("", "offer:1 offer:2", "poll poll")),
        (RegisterModel.of(RelaxedRegister), program("write:1", "write:2 read", "read read")),
    ],
)
def test_correct_subject_is_never_accused(
    model: type[Model[Any]], drawn: Program, memory: str
) -> None:
    """Relaxed counters, locks that wait, refusals: all in every execution."""
    assert kind(model, drawn, memory) is None


@pytest.mark.parametrize("search", [Search("random", 1), Search("pct", 1)])
def test_correct_subject_is_never_accused_by_a_sample(search: Search) -> None:
    """What is drawn is judged alike."""
    drawn = program("increment", "increment increment", "increment increment", "increment")
    found = explore(CounterModel, drawn, search=search, bounds=Bounds(100))

    assert (found.executions, found.verdict) == (100, Verdict.OK)


# Faults


@pytest.mark.parametrize("memory", MEMORIES)
def test_lost_update_is_found(memory: str) -> None:
    """Two increments that both saw the same."""
    found = explore(CounterModel.of(LostUpdate), program("", "increment", "increment"), memory)

    assert found.failure is not None
    assert found.failure.kind == "linearizability"
    assert "increment() = 0 cannot be placed" in found.failure.message


def test_relaxed_store_is_found_under_rc11_alone() -> None:
    """What is published by a relaxed store is missed by no stronger machine."""
    relaxed = MailboxModel.of(RelaxedPut)
    drawn = program("", "put:1", "get")

    assert [kind(relaxed, drawn, memory) for memory in MEMORIES] == [None, None, "linearizability"]


@pytest.mark.parametrize("memory", MEMORIES)
def test_reused_plate_is_found(memory: str) -> None:
    """ABA: the same plate is on top again, and another one below it is not."""
    back = call("put", Earlier(1, 0))
    drawn = Program((), ((call("take"),), (call("take"), call("take"), back)))

    assert kind(PileModel.of(TaglessPile), drawn, memory) == "linearizability"
    assert kind(PileModel, drawn, memory) is None


def test_state_between_two_steps_is_no_fault_of_a_stepwise_model() -> None:
    """A model that pretends to be atomic accuses the subject; one that does not, does not."""
    drawn = program("", "both", "one other")

    assert kind(PairModel, drawn) is None
    assert kind(WholePairModel, drawn) == "linearizability"


def test_refusal_is_a_fault_where_the_model_never_refuses() -> None:
    """Without a choice in the model, a failed compare-exchange has no place."""
    drawn = program("", "attempt", "attempt")

    assert kind(TriesModel, drawn) is None
    assert kind(StrictTriesModel, drawn) == "linearizability"


@pytest.mark.parametrize(
    ("model", "drawn", "expected"),
    [
        (AccountsModel.of(CrossedLocks), program("", "transfer:0", "transfer:1"), "deadlock"),
        (LockModel.of(NeverFree), program("", "acquire release", "acquire"), "livelock"),
        (LockModel.of(NeverFree), program("acquire release acquire"), "livelock"),
        (CounterModel.of(EndlessCounter), program("", "increment", "increment"), "livelock"),
        (CounterModel.of(EndlessCounter), program("increment increment"), "livelock"),
    ],
)
def test_wait_that_is_not_declared_is_found(
    model: type[Model[Any]], drawn: Program, expected: str
) -> None:
    """Threads that stand still are the finding, wherever they do."""
    assert kind(model, drawn) == expected


class Sleeper(Counter):
    """Waits to be notified, which nobody does."""

    def increment(self) -> int:
        """Sleep."""
        lock = self._sync.lock()
        with lock:
            self._sync.condition(lock).wait()
        return 0


class Doubled(Counter):
    """Takes its own lock twice."""

    def increment(self) -> int:
        """Lock, and lock again."""
        lock = self._sync.lock()
        with lock, lock:
            return 0


class Broken(Counter):
    """Raises what nobody declared."""

    def increment(self) -> int:
        """Raise it."""
        raise LookupError(super().increment())


class Leaving(Counter):
    """Ends the process."""

    def increment(self) -> int:
        """Leave."""
        raise SystemExit(super().increment())


@pytest.mark.parametrize("drawn", [program("", "increment", "increment"), program("increment")])
@pytest.mark.parametrize(
    ("subject", "expected", "why"),
    [
        (Sleeper, "lost wake-up", "nobody is left to notify"),
        (Doubled, "exception", "already holds the lock"),
        (Broken, "exception", "LookupError: 0"),
        (Leaving, "exception", "would have ended the process: SystemExit(0)"),
    ],
)
def test_undeclared_end_of_a_call_is_found(
    subject: Any, expected: str, why: str, drawn: Program
) -> None:
    """In a thread as in the prefix, an exception is a finding, and no end of the harness."""
    found = explore(CounterModel.of(subject), drawn)

    assert found.failure is not None
    assert found.failure.kind == expected
    assert why in found.failure.message


def test_lock_that_protects_nothing_is_not_accused() -> None:
    """Who reads nothing of another cannot tell that both were inside at once."""
    assert kind(LockModel.of(Barging), program("", "acquire release", "acquire release")) is None


def test_thread_identity_is_no_fault_here() -> None:
    """Simulated threads share one real thread: what depends on that is for real threads."""
    assert kind(CounterModel.of(OwnersCounter), program("", "increment", "increment")) is None


# Effects and invariants


class Page:
    """A cell that is mapped, and then touched."""

    order: ClassVar = RELEASE

    def __init__(self, sync: Sync) -> None:
        self.content = sync.cell(0, name="content")
        self.mapped = sync.word(0, name="mapped")

    def register(self) -> bool:
        """Map it, if nobody has; return whether it is mapped."""
        if self.mapped.load(ACQUIRE) == 2:
            return True
        if self.mapped.compare_exchange(0, 1, ACQUIRE, RELAXED)[0]:
            self.content.write(1)
            self.mapped.store(2, self.order)
            return True
        return False


class RelaxedPage(Page):
    """A page whose mapping is published by a relaxed store."""

    order: ClassVar = RELAXED


def touch(page: Page, _: Any, result: Any) -> None:
    """Read the page, if it is mapped."""
    if result:
        assert page.content.read() == 1


class PageModel(Model[Page]):
    """A page that whoever registers it touches."""

    subject = Page

    @operation(then=touch)
    def register(self) -> bool:
        """Map it, or be told that somebody does."""
        return self.choose((True, False))


def test_effect_of_a_call_is_part_of_the_execution() -> None:
    """What is touched after a call races, unless the call made it visible."""
    drawn = program("", "register", "register")

    assert kind(PageModel, drawn) is None
    assert kind(PageModel.of(RelaxedPage), drawn) == "race"
    assert kind(PageModel.of(RelaxedPage), drawn, "sc") is None


class Settled(RegisterModel):
    """A register whose word must be that of the model in the end."""

    @invariant
    def known(self, subject: Register) -> None:
        """Hold in the order that came about."""
        assert subject.word.load(RELAXED) == self.value

    @invariant
    def small(self, subject: Register) -> None:
        """Hold unless somebody wrote three."""
        assert subject.word.load(RELAXED) < 3, "too large"


@pytest.mark.parametrize("memory", ["sc", "rc11"])
def test_invariants_are_asked_at_the_end(memory: str) -> None:
    """One of the orders explains the subject; where none does, the failure is told and replays."""
    assert kind(Settled, program("write:2", "write:1 read", "write:2", "write:1"), memory) is None
    task = ScenarioTask(Performance(Settled, program("", "write:1", "write:3 write:2")), memory)
    assert explored(task.scenario, memory=memory).failure is None

    task = ScenarioTask(Performance(Settled, program("", "write:1 read", "write:3")), memory)
    found = explored(task.scenario, memory=memory)
    assert found.failure is not None
    assert (found.failure.kind, "too large" in found.failure.message) == ("small", True)
    assert report_of(task, found, "").kind == "small"


# What cannot be explored


def test_mistake_of_the_model_is_no_failure_of_the_subject() -> None:
    """What goes wrong in the model, in the simulated main thread, comes out as that."""

    class Wrong(CounterModel):
        @operation
        def increment(self) -> int:
            self.value += 1
            return 1 // (self.value % 2)

    class Hungry(Counter):
        def __init__(self, sync: Sync) -> None:
            super().__init__(sync)
            raise OSError("no kernel")

    with pytest.raises(ModelError, match=r"Wrong\.increment\(\) raised ZeroDivisionError"):
        explore(Wrong, program("", "increment", "increment"))
    with pytest.raises(ModelError, match="its subject cannot be made: OSError: no kernel"):
        explore(CounterModel.of(Hungry), program("", "increment"))


@pytest.mark.parametrize(
    ("subject", "why"),
    [(BlockedCounter, r"calls threading\.Event\.wait"), (RareCounter, "comes out differently")],
)
def test_subject_that_leaves_the_machine_is_told(subject: Any, why: str) -> None:
    """A real wait, and chance, are no failures and no passes."""
    with pytest.raises(NoVerdictError, match=rf"(?s)prey\.py:\d+ calls .*{why}|{why}"):
        explore(CounterModel.of(subject), program("", "increment", "increment"))


def test_subject_that_remembers_earlier_executions_is_told() -> None:
    """It takes other steps when it is run again."""
    made: list[int] = []

    class Remembering(Counter):
        def __init__(self, sync: Sync) -> None:
            super().__init__(sync)
            made.append(1)

        def increment(self) -> int:
            for _ in made:
                self._value.load(RELAXED)
            return super().increment()

    with pytest.raises(NoVerdictError, match=r"took another step than in the execution before"):
        explore(CounterModel.of(Remembering), program("", "increment", "increment"))


class Spinning(SpinLock):
    """Waits without a pause."""

    def acquire(self) -> None:
        """Try again and again."""
        while self._taken.exchange(1, ACQUIRE):
            """Spin."""


class SpinningForEver(Spinning):
    """Waits without a pause, and is never free."""

    def release(self) -> None:
        """Keep it."""


@pytest.mark.slow
@pytest.mark.parametrize("subject", [Spinning, SpinningForEver])
@pytest.mark.parametrize(
    "drawn", [program("acquire release acquire"), program("", "acquire release", "acquire release")]
)
def test_loop_without_a_pause_hangs_nothing(subject: Any, drawn: Program) -> None:
    """It is cut off, which is counted, and is no execution that passed."""
    engine = ExploredPrograms(LockModel.of(subject))
    started = time.monotonic()
    engine.failure(drawn, shrinking=False)

    assert time.monotonic() - started < 60
    spins = subject is SpinningForEver or len(drawn.threads) > 1
    assert bool(engine.cut) is spins
    assert engine.explored_wholly == (not spins)


# Programs one after another


@pytest.mark.slow
def test_program_comes_to_the_same_whenever_it_is_tried() -> None:
    """Which executions are drawn of a large one follows from the program."""
    drawn = program(
        "increment", "increment increment increment", "increment increment", "increment increment"
    )
    engines = [ExploredPrograms(CounterModel, exhaustive=30) for _ in range(2)]
    for engine in engines:
        assert engine.failure(drawn, shrinking=False) is None
        assert engine.explored_wholly == 0

    assert engines[0].executions == engines[1].executions == 30 + 100 + 100
    found = [ExploredPrograms(CounterModel.of(LostUpdate)) for _ in range(2)]
    failures = [engine.failure(drawn, shrinking=False) for engine in found]
    schedules = [each and each.failure and each.failure.schedule for each in failures]
    assert schedules[0] == schedules[1] is not None


def test_references_are_resolved_in_every_execution() -> None:
    """What a call refers to is what it came to in this execution; nothing, if it was refused."""
    back = call("put", Earlier(PREFIX, 0))
    drawn = Program((call("take"),), ((back, call("take")), (call("take"),)))

    assert kind(PileModel, drawn) is None
    emptied = Program((call("take"),) * 4, ((call("put", Earlier(PREFIX, 3)),), (call("take"),)))
    assert kind(PileModel, emptied) is None

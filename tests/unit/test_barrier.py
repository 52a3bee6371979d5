"""The spin barrier: P1, and that whoever gives up gives up for all.

What the threads of a shift need of it is a fact of real threads, so real threads state it.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from registrar.sync import SEQ_CST, native
from stress.threads.barrier import BrokenBarrierError, SpinBarrier


def test_single_party_never_waits() -> None:
    """A barrier for one is complete with every arrival."""
    barrier = SpinBarrier(1)
    for _ in range(1000):
        barrier.wait()


@pytest.mark.threads
@pytest.mark.slow
@pytest.mark.parametrize(("parties", "rounds"), [(2, 5000), (3, 1000), (4, 1000)])
def test_nobody_leaves_before_all_arrived(parties: int, rounds: int) -> None:
    """P1: whoever leaves a round sees what every party wrote before it arrived there."""
    barrier = SpinBarrier(parties)
    arrived = [0] * parties  # plain data: only the barrier orders it

    def march(me: int) -> list[list[int]]:
        early = []
        for number in range(1, rounds + 1):
            arrived[me] = number
            barrier.wait()
            seen = arrived.copy()
            if min(seen) < number:
                early.append(seen)
        return early

    with ThreadPoolExecutor(parties) as pool:
        assert list(pool.map(march, range(parties))) == [[]] * parties


@pytest.mark.threads
@pytest.mark.parametrize("waiting", [1, 3])
def test_abort_releases_waiters(waiting: int) -> None:
    """Threads that wait for a party that gives up get BrokenBarrierError, and so end."""
    barrier = SpinBarrier(waiting + 1)
    at_the_barrier = native.word(0)

    def wait() -> None:
        at_the_barrier.fetch_add(1, SEQ_CST)
        barrier.wait()

    with ThreadPoolExecutor(waiting) as pool:
        waits = [pool.submit(wait) for _ in range(waiting)]
        while at_the_barrier.load(SEQ_CST) < waiting:
            native.pause()
        barrier.abort()

        for ended in waits:
            with pytest.raises(BrokenBarrierError):
                ended.result()


def test_late_waiter_learns_of_abort() -> None:
    """Who comes after a party gave up does not wait either."""
    barrier = SpinBarrier(2)
    barrier.abort()
    with pytest.raises(BrokenBarrierError, match="gave up"):
        barrier.wait()

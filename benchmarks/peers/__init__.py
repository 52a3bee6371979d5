"""What other explorers of Python threads make of five small programs, each on its own terms.

    driver        makes each peer's environment, runs its adapter there, gathers the rows
    install       makes one environment, in the cache of the set-up
    adapter       what all adapters share: the names of the programs, the clock, the JSON line
    with_PEER     the five programs in the peer's own idiom, broken and sound

The programs, each with two threads but for the philosophers:

    lost update            both do ``x += 1`` without a lock
    lazy initialisation    both see that there is none yet, and both make one
    ABBA deadlock          two locks, taken in opposite orders
    three philosophers     three forks, each takes the left one first
    lost wake-up           one waits for a notification that the other may have sent before

A sound version holds a lock, takes locks in one order, or asks again before it waits.  A row
stands for a peer that could be installed, ran, and was asked with its defaults, only without the
work it does after a failure: reducing it, or reproducing it.  Peers differ in what a schedule is
(bytecodes, or steps of their own primitives; all, or one of each kind): read figures with care.
"""

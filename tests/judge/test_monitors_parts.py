"""The parts that monitors are made of, each against the simplest code that does the same."""

from itertools import pairwise
from random import Random

import pytest

from stress.judge.monitors.cover import Cover
from stress.judge.monitors.edges import NONE, Edges
from stress.judge.monitors.layers import Layers
from stress.judge.monitors.remaining import Remaining
from stress.judge.monitors.segments import Segments

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_remaining_finds_next_place(seed: int) -> None:
    """The next place that remains is the first that was not removed."""
    draw = Random(seed)
    size = draw.randrange(30)
    remaining, left = Remaining(size), set(range(size + 1))
    for _ in range(10):
        start, stop = sorted(draw.choices(range(size + 1), k=2))
        remaining.remove(start, stop)
        left -= set(range(start, stop))
        for place in range(size + 1):
            assert remaining.next(place) == min(each for each in left if each >= place)


@pytest.mark.parametrize("seed", SEEDS)
def test_cover_finds_first_uncovered_instant(seed: int) -> None:
    """The first instant that is not between the two of any pair is found."""
    draw = Random(seed)
    candidates = draw.choices(range(20), k=12)
    last = max(candidates)
    cover, covered = Cover(candidates), set[int]()
    for _ in range(6):
        after, before = draw.randrange(-1, last), draw.randrange(last + 1)
        cover.add(after, before)
        covered |= set(range(after + 1, before))
        for instant in candidates:
            free = [each for each in candidates if each >= instant and each not in covered]
            assert cover.first(instant) == min(free)


@pytest.mark.parametrize("seed", SEEDS)
def test_layers_find_bare_places(seed: int) -> None:
    """A place is bare, once, when all layers over it have been taken."""
    draw = Random(seed)
    counts = [draw.randrange(5) for _ in range(draw.randrange(20))]
    layers, found = Layers(counts), set[int]()
    for _ in range(40):
        start, stop = sorted(draw.choices(range(len(counts) + 1), k=2))
        if start < stop and min(counts[start:stop]) > 0:
            layers.take(start, stop)
            for place in range(start, stop):
                counts[place] -= 1
        bare = list(layers.bare())
        assert len(bare) == len(set(bare))
        assert found.isdisjoint(bare)
        found |= set(bare)
        assert found == {place for place, count in enumerate(counts) if count == 0}


@pytest.mark.parametrize("seed", SEEDS)
def test_edges_are_linked_where_stretches_overlap(seed: int) -> None:
    """What remains is linked in its order, but where no stretch lies over two neighbours."""
    draw = Random(seed)
    starts = draw.choices(range(20), k=8)
    ends = [start + draw.randint(1, 8) for start in starts]
    edges, left = Edges(starts, ends), set(range(8))
    list(edges.cut())
    for stretch in draw.sample(range(8), k=8):
        edges.leave_out(stretch)
        left.remove(stretch)
        list(edges.cut())
        rest = sorted(edge for each in left for edge in (edges.start[each], edges.end[each]))
        for before, after in pairwise(rest):
            over = any(edges.start[each] <= before and after <= edges.end[each] for each in left)
            assert edges.after[before] == (after if over else NONE)
            assert edges.before[after] == (before if over else NONE)


@pytest.mark.parametrize("seed", SEEDS)
def test_segments_nest(seed: int) -> None:
    """A value lies at the bottom while all the values do that come after it and overlap it."""
    draw = Random(seed)
    pushed_by = draw.choices(range(40), k=12)
    popped_from = [instant + draw.randint(1, 20) for instant in pushed_by]
    pushed_from = [instant - draw.randint(0, 9) for instant in pushed_by]
    popped_by = [instant + draw.randint(0, 9) for instant in popped_from]
    found = list(Segments(pushed_from, pushed_by, popped_from, popped_by).bottoms())

    assert sorted(value for value, _, _ in found) == list(range(12))
    for place, (value, start, end) in enumerate(found):
        assert pushed_from[value] <= start <= pushed_by[value]
        assert popped_from[value] <= end
        for _, other_start, other_end in found[place + 1 :]:
            assert (start <= other_start and other_end <= end) or (
                other_end <= start or end <= other_start
            )

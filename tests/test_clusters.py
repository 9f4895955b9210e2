"""Clusters of rows say what the rows say one by one, in whole numbers."""

import random

import pytest

from cvxnet.proofs.checker.clusters import MINUS, NONE, PARTS, PLUS, SURE, Clusters
from cvxnet.proofs.checker.corners import Corner


def drawn(seed):
    """Rows, some of them twice, and k_j of one sign."""
    rng = random.Random(seed)
    r, n = rng.randrange(1, 8), rng.choice([1, 2, PARTS, PARTS + 1, 40, 70])
    size = rng.choice([2, 1000, 2**60, 2**400])
    rows = [[rng.randint(-size, size) for _ in range(r - 1)] + [1 + rng.randrange(size)]
            for _ in range(n)]  # fmt: skip
    rows += rng.choices(rows, k=n // 4)
    side = rng.choice([1, -1])
    return rng, rows, [side * rng.randint(1, 2**70) for _ in rows]


def points(rng, rows):
    """Any, and some where rows are 0 or about that."""
    r = len(rows[0])
    yield from ([rng.randint(-(2**50), 2**50) or 1 for _ in range(r)] for _ in range(8))
    for z in rng.choices(rows, k=8) if r > 1 else ():
        on = [0] * (r - 2) + [z[-1], -z[-2]]
        yield on
        yield [(x << 80) + rng.randint(-3, 3) for x in on]


def numbers(clusters, j):
    """The rows in a cluster."""
    return [i for part in clusters.parts[j] for i in numbers(clusters, part)] or [j]


@pytest.mark.parametrize("seed", range(30))
def test_every_row_is_in_the_sum_and_the_box_of_its_clusters(seed):
    _, rows, k = drawn(seed)
    clusters = Clusters(list(zip(*rows, strict=True)), k)
    expected = sorted([weight * x for x in z] for z, weight in zip(rows, k, strict=True))
    top = clusters.all().which[0]
    assert sorted(map(list, zip(*(s[: len(k)] for s in clusters.sums), strict=True))) == expected
    assert sorted(numbers(clusters, top)) == list(range(len(k)))
    for j in range(len(clusters.parts)):
        some = numbers(clusters, j)
        assert clusters.rows[j] == len(some)
        for sums, middles, halves in zip(
            clusters.sums, clusters.middles, clusters.halves, strict=True
        ):
            assert sums[j] == sum(sums[i] for i in some)
            assert all(abs(middles[i] - middles[j]) <= halves[j] for i in some)


@pytest.mark.parametrize("seed", range(30))
def test_signs_are_those_of_every_row_and_what_is_ahead_is_exact(seed):
    rng, rows, k = drawn(seed)
    clusters = Clusters(list(zip(*rows, strict=True)), k)
    found, corners = clusters.all(), []
    for w in points(rng, rows):
        if not any(w):
            continue
        corner = Corner(w)
        corners.append(corner)
        found = clusters.at(corner.near, found, SURE)
        ahead = clusters.total(clusters.ahead(found, w), [0] * len(w))
        heights = [sum(x * y for x, y in zip(z, w, strict=True)) for z in rows]
        seen = [(z, x) for z, x, height in zip(rows, k, heights, strict=True) if height > 0]
        assert ahead == [sum(x * z[i] for z, x in seen) for i in range(len(w))]
    assert sorted(i for j in found.which for i in numbers(clusters, j)) == list(range(len(k)))
    for corner, signs in zip(corners, found.signs, strict=True):
        for j, sign in zip(found.which, signs, strict=True):
            heights = [clusters.side * clusters.product(i, corner.whole)
                       for i in numbers(clusters, j)]  # fmt: skip
            assert sign != PLUS or min(heights) > 0
            assert sign != MINUS or max(heights) < 0
            assert sign != NONE or j < clusters.count
    turned = clusters.opposite()
    for w in (corner.whole for corner in corners[:4]):
        one, two = (
            each.total(each.ahead(each.at(Corner(w).near, each.all(), SURE), w), [0] * len(w))
            for each in (turned, clusters)
        )
        assert one == [-x for x in two]
    single = clusters.as_rows(found)
    assert sorted(single.which) == list(range(len(k)))
    positive, doubt = single.settled()
    for j in positive:
        assert all(clusters.side * clusters.product(j, c.whole) > 0 for c in corners)
    behind = set(single.which) - {*positive, *doubt.which}
    for j in behind:
        assert all(clusters.side * clusters.product(j, c.whole) < 0 for c in corners)


@pytest.mark.parametrize("seed", range(10))
def test_about_what_is_ahead_is_that_for_most_rows(seed):
    """Of a cluster of a few rows all may be taken for one."""
    rng, rows, k = drawn(seed)
    clusters = Clusters(list(zip(*rows, strict=True)), k)
    for w in points(rng, rows):
        if any(w):
            near = Corner(w).near
            about = [i for j in clusters.ahead_of(near, clusters.all().which)
                     for i in numbers(clusters, j)]  # fmt: skip
            sure = clusters.at(near, clusters.all(), SURE)
            large = [j for j, sign in zip(sure.which, sure.signs[0], strict=True)
                     if sign == PLUS and j >= clusters.large]  # fmt: skip
            assert len(set(about)) == len(about)
            assert {i for j in large for i in numbers(clusters, j)} <= set(about)

"""Proofs for networks of at most m units: a tree of what regions the units lie in.

A region holds units of one sign of the output weight. A node of the tree is a set of at most m
regions, and stands for all networks of at most m units, each of which lies in one of them, with at
least one unit in each. The root is cut into three: all units have positive output weights, all have
negative ones, or there are both; as far as there may be such units, the last where m > 1. (The
network without units is the limit of networks with a small one.) Any other node is a leaf, or one
of its regions is cut into two that cover it. Then the units of that region all lie in the first, or
all in the second, or, where there are fewer than m regions, in both: so the children are the nodes
with the first in place of the region, with the second, with both. They are formed here, all of
them, and each has to be there: whatever a file says, the leaves stand for all networks.

A leaf has a dual vector v'. For the networks of the leaf, as in bracket.py,

    objective >= -l*(v') + sum_j (a_j g(u_j) + the penalty of unit j) >= -l*(v')

if -s g(u) <= beta for all units u of its regions, s the region's sign. The lower end is thus
proved if it is at most -l*(v') for the v' of all leaves, which is compared where all is, and if
this holds for each leaf and region, which is what is proved here. What a region is, how it is cut
and what proves that is up to a `Space`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from .claims import Claims
from .document import RefusalError
from .dual import Clock, dual_vector

MAX_REGIONS = 10**7  # of nodes that are to come


class Space:
    """The units of a family, and the regions that they lie in: objects, compared by identity."""

    def region(self, sign: int) -> Any:
        """All units with this sign of the output weight, 1 or -1."""
        raise NotImplementedError

    def halves(self, region: Any, cut: list[int]) -> tuple[Any, Any]:
        """The two regions that a cut makes, which cover it; the same ones for the same cut."""
        raise NotImplementedError

    def violations(self, regions: list[Any], v: list[Any], clock: Clock) -> Iterator[Fraction]:
        """For each region 0, if ``-s g(u) <= beta`` for all its units; else that of some unit."""
        raise NotImplementedError


def tree_violation(claims: Claims, space: Space, clock: Clock) -> Fraction:
    """`Units.violation` where the evidence is a tree: the largest found in its leaves."""
    wanted: dict[int, dict[int, Any]] = {}
    for number, regions in leaves(claims, space, clock):
        wanted.setdefault(number, {}).update((id(region), region) for region in regions)
    worst = Fraction(0)
    for number, seen in sorted(wanted.items()):
        v = [x for (x,) in dual_vector(claims, number)]
        worst = max(worst, *space.violations(list(seen.values()), v, clock))
    return worst


def leaves(claims: Claims, space: Space, clock: Clock) -> Iterator[tuple[int, list[Any]]]:
    """The number of the vector and the regions of each leaf."""
    assert claims.tree is not None and claims.width is not None
    nodes = iter(claims.tree["nodes"])
    left = roots(claims, space)[::-1]
    size = sum(map(len, left))
    while left:
        clock.check()
        regions, node = left.pop(), next(nodes, None)
        size -= len(regions)
        if node is None:
            raise RefusalError("evidence: the tree ends before all of its nodes are there")
        if type(node) is int:
            yield node, regions
        else:
            parts = children(regions, node, space, claims.width)
            left += parts[::-1]
            size += sum(map(len, parts))
            if size > MAX_REGIONS:
                raise RefusalError("too large: the tree has too many nodes beside one another")
    if next(nodes, None) is not None:
        raise RefusalError("evidence: there are nodes after the end of the tree")


def roots(claims: Claims, space: Space) -> list[list[Any]]:
    """The children of the root."""
    regions = [space.region(-side) for side in claims.sides[::-1]]
    several = len(regions) > 1 and (claims.width or 0) > 1
    return [*([region] for region in regions), *[regions] * several]


def children(regions: list[Any], node: list[int], space: Space, width: int) -> list[list[Any]]:
    """The nodes that a cut of one region makes."""
    place, *cut = node
    if place >= len(regions):
        raise RefusalError("evidence: a cut of a region that its node does not have")
    first, second = space.halves(regions[place], cut)
    halves = [[first], [second]] + [[first, second]] * (len(regions) < width)
    return [[*regions[:place], *half, *regions[place + 1 :]] for half in halves]

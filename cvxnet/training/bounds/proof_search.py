"""Proving lower bounds where pricing is not exact: better ones as long as there is time.

Three things, in order of what they gain for their time: multipliers for the dual vector of the
network, as long as they gain much; a better dual vector, chosen together with them (`dual_ascent`);
branching on signs (`Forest`), after which the dual vector is chosen again for the leaves that there
are then. The multipliers are found with some smoothing: it is reduced where a stage gains little
and what the smoothing may hide matters, and where it does not the tree grows.

Where ``x_l.u >= 0`` is known, |x_l.u| is linear. A tree of such cases covers all units, and the
largest bound of its leaves is one on them. The leaf with the largest bound is split first, on the
row whose sign is most in doubt: the one for which ``|w_l| (E |x_l.u| - |x_l.E u|)`` is largest, by
what the leaf's multipliers stand for. Children start from the multipliers of their parent, with
which their bounds are no larger than its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from cvxnet.training.bounds.claims import multipliers_of, proved_bound
from cvxnet.training.bounds.dual_ascent import Ascent
from cvxnet.training.bounds.evidence import Evidence, Node, Split
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bounds.stages import most_in_doubt, run_stage
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import BOTH, Sides
from cvxnet.training.pricing.steps.search import improve_bound
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.steps import StepUnits
from cvxnet.types import Array

Proof = tuple[Array, float, Evidence | None]
"""A dual vector, a bound on its ``rho``, and the evidence."""

FIRST, FINEST = 1e-2, 1e-7
"""Smoothings to begin and to end with, relative to the bound."""
LITTLE_GAIN = 0.1
"""A stage gains little where that is below this share of the smoothing, or of the gap."""
SHARP = 0.1
"""Smoothing below this share of the gap does not matter."""
MOST_SAMPLES = 5000
"""Samples up to which products of all pairs of them fit into memory."""
GROWTH = 4
"""One leaf in so many is split between two choices of the dual vector."""
FINER = 3.0
"""The smoothing is divided by this where it is reduced."""
LARGEST = 1_500_000
"""Numbers that the evidence of a forest may have: some 20 MB of a certificate."""


@dataclass
class Branch:
    """A node with its children; a leaf has none."""

    side: Side
    row: int = -1
    children: tuple[Branch, ...] = ()

    def leaves(self) -> list[Branch]:
        """All leaves below, or this one."""
        return [leaf for child in self.children for leaf in child.leaves()] or [self]

    def evidence(self) -> Node:
        """The tree as evidence."""
        if not self.children:
            return multipliers_of(self.side)
        plus, minus = (child.evidence() for child in self.children)
        return Split(self.row, plus, minus)


class Forest:
    """A tree for the pricing function and one for its negative, or for one of them.

    Examples
    --------
    >>> rows, v = np.eye(2), np.array([3.0, -4.0])  # rho(v) is 4
    >>> forest = Forest(rows, (1.0, 0.0), v)
    >>> len(forest.sides), len(forest.grow()), len(forest.sides), bool(forest.bound() >= 4.0)
    (2, 2, 3, True)
    """

    def __init__(
        self, rows: Array, slopes: tuple[float, float], v: Array, sides: Sides = BOTH
    ) -> None:
        self.roots = {side: Branch(Side(rows, slopes, side, v)) for side in sides}

    @property
    def sides(self) -> list[Side]:
        """What the leaves bound."""
        return [leaf.side for leaf in self.leaves()]

    def leaves(self) -> list[Branch]:
        """Those of all trees."""
        return [leaf for root in self.roots.values() for leaf in root.leaves()]

    def bound(self) -> float:
        """A proved bound on ``rho(v)``; not a number where that of a leaf is none."""
        return float(np.max([proved_bound(side) for side in self.sides]))

    def evidence(self) -> Evidence:
        """What proves it."""
        trees = {side: root.evidence() for side, root in self.roots.items()}
        return Evidence(*(trees.get(side) for side in BOTH))

    def grow(self) -> list[Side]:
        """Split the leaf with the largest bound; returns its children, none where it cannot be."""
        leaves = self.leaves()
        leaf = max(leaves, key=lambda leaf: proved_bound(leaf.side))
        row = most_in_doubt(leaf.side)
        if row is None or sum(leaf.side.numbers for leaf in leaves) > LARGEST:
            return []
        leaf.row = row
        leaf.children = tuple(Branch(leaf.side.child(row, sign)) for sign in (1.0, -1.0))
        return [child.side for child in leaf.children]


@singledispatch
def improve_lower_bound(
    family: UnitFamily, bracket: Bracket, v: Array, deadline: float
) -> Iterator[Proof]:
    """Where pricing is not exact: dual vectors, each with a proved bound on its ``rho``.

    ``v`` is the dual vector of the bracket's network; others may be better for the proof. With each
    comes what a certificate has to carry so that the checker can re-prove it. None for families
    whose pricing is always exact, or proves a bound of its own.
    """
    yield from ()


@improve_lower_bound.register
def branch_and_bound(
    family: StepUnits, bracket: Bracket, v: Array, deadline: float
) -> Iterator[Proof]:
    """Branch and bound; there is no evidence but the bound itself."""
    for bound in improve_bound(family.function(v), deadline):
        yield v, bound, None


@improve_lower_bound.register
def relax(
    family: PiecewiseLinearUnits, bracket: Bracket, v: Array, deadline: float
) -> Iterator[Proof]:
    """The relaxation; the l1 ball lies in the round one."""
    if not v.any() or len(family.rows) > MOST_SAMPLES:
        return
    forest = Forest(family.rows, family.slopes, v, family.priced_sides)
    for better, bound, evidence in search(bracket, forest, v, deadline):
        yield better, bound + family.left_out(better), evidence


def search(
    bracket: Bracket, forest: Forest, v: Array, deadline: float
) -> Iterator[tuple[Array, float, Evidence]]:
    """Dual vectors, each with a proved bound on its ``rho`` and the evidence.

    Parameters
    ----------
    bracket : Bracket
        Of the network whose dual vector is ``v``; it is only read.
    forest : Forest
        Of that dual vector; it grows.
    v : (n,) array
        The dual vector to start from, not zero, with ``F^T v = 0``.
    deadline : float
        On the clock of `now`.
    """
    ascent = Ascent(bracket.problem, v, bracket.units.free)
    eps, value, choosing = FIRST, -np.inf, False
    while True:
        if choosing:
            ascent.stage(forest.sides, eps, deadline)
        else:
            improve(forest.sides, eps, deadline)
        yield ascent.v, forest.bound(), forest.evidence()
        before, value = value, ascent.value(forest.bound())
        if now() > deadline:
            return
        hidden, left = eps * abs(value), bracket.upper - value
        choosing = choosing or value - before < LITTLE_GAIN * left
        if value - before > LITTLE_GAIN * min(hidden, left) and hidden < left:
            continue
        if hidden > SHARP * left and eps > FINEST:
            eps /= FINER
        elif not grow(forest, eps, deadline):
            return


def improve(sides: list[Side], eps: float, deadline: float) -> None:
    """Better multipliers for the same dual vector."""
    for side in sides:
        run_stage(side, eps, deadline)


def grow(forest: Forest, eps: float, deadline: float) -> bool:
    """Split some leaves and improve their children; False where there is nothing to split."""
    children = list[Side]()
    for _ in range(1 + len(forest.sides) // GROWTH):
        children = forest.grow()
        improve(children, eps, deadline)
        if not children or now() > deadline:
            break
    return bool(children)

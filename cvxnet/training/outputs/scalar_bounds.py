"""Proved bounds for several outputs at any rank, by the pricing of one output.

`cvxnet.training.outputs.sphere` has the geometry. Here is what stands at its corners, and how it
serves training: exact pricing where that is quick, otherwise the relaxation of
`cvxnet.training.bounds`, which is worked at where that matters.

The row space. Of V, (n, c), let ``V' = V - V B^T B`` be what is outside of the span of an
orthonormal basis B, (k, c). For w orthogonal to the span ``h(w) <= e |w|``, with e the sum of
``|V'_i|`` times the largest ``|phi_u(x_i)|``; hence for w in the span and w' orthogonal to it

    h(w + w') <= p.w + e |w'| <= sqrt(|p|^2 + e^2) |w + w'|.

So directions in which V is small cost next to nothing: its square counts. Where the rows of V add
up to zero, as those of cross entropy do, those of B do so exactly, and the checker finds e = 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from cvxnet.training.bounds.evidence import Evidence, SphereEvidence
from cvxnet.training.bounds.proof_search import (
    FINER,
    FINEST,
    FIRST,
    LARGEST,
    LITTLE_GAIN,
    MOST_SAMPLES,
    Forest,
)
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.outputs.sphere import Frame, ScalarBound, Sphere
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.polynomial import PolynomialUnits
from cvxnet.types import Array

OutputProof = tuple[Array, float, SphereEvidence]
"""A dual matrix, a bound on its ``rho``, and the evidence."""

NEGLIGIBLE = 1e-6
"""What V has outside of a basis is left out where it is less than this part of all: of the bound
that changes the square of it."""
NO_SUM = 1e-12
"""Rows add up to zero if their sums are smaller than this, relatively."""
GRID = 2.0**48
"""Entries of a basis with exact sums are multiples of one over this."""
MOST_DIRECTIONS = 10
"""Row spaces up to this dimension are triangulated, from 2^(k - 1) orthants."""
QUICK = 200_000
"""Exact pricing of units with kinks is for where it takes less: rows looked at."""
WORTH = 0.1
"""A bound is worth to be told where it has fallen by this share of the gap."""


@dataclass
class Exact:
    """The bound of exact pricing, and the units where it is attained or nearly so."""

    bound: float
    units: Array
    promise: float = 0.0
    numbers: int = 0

    def improve(self) -> None:
        """There is nothing to be done."""

    def evidence(self) -> None:
        """The checker needs none."""


@dataclass
class Relaxed:
    """The bound of the relaxation; ``left_out`` is what the family's coordinates leave out.

    How much a stage will gain is guessed: a tenth of what smoothing may hide, or half of what the
    last stage has gained, where that was more than little.
    """

    forest: Forest
    left_out: float
    deadline: float
    smoothing: float = FIRST
    promise: float = np.inf
    bound: float = np.inf

    def __post_init__(self) -> None:
        self.improve()

    def improve(self) -> None:
        """A stage of better multipliers for the larger side, and for the other if it is larger."""
        done: list[Side] = []
        while (side := max(self.forest.sides, key=Side.bound)) not in done:
            side.improve(self.smoothing, self.deadline)
            done.append(side)
        before, self.bound = self.bound, self.forest.bound() + self.left_out
        gain, hidden = before - self.bound, LITTLE_GAIN * self.smoothing * self.bound
        if gain < hidden:
            self.smoothing /= FINER
            hidden = hidden / FINER if self.smoothing > FINEST else 0.0
        self.promise = hidden if gain < hidden or gain == np.inf else gain / 2.0

    def evidence(self) -> Evidence:
        """The multipliers."""
        return self.forest.evidence()

    @property
    def numbers(self) -> int:
        """How many numbers the evidence has."""
        return sum(side.numbers for side in self.forest.sides)


def improve_output_bound(
    family: UnitFamily, bracket: Bracket, V: Array, deadline: float
) -> Iterator[OutputProof]:
    """Bounds on ``rho(V)``, each with its evidence, smaller ones as long as there is time.

    Parameters
    ----------
    family : UnitFamily
        With kinks, or of degree two.
    bracket : Bracket
        It is only read: how far a bound has to fall to be told.
    V : (n, c) array
        The dual matrix.
    deadline : float
        On the clock of `now`.

    Yields
    ------
    (n, c) array, float, SphereEvidence
        The dual matrix, a bound on its ``rho``, and what proves it.
    """
    if not V.any() or (family.climbs and len(V) > MOST_SAMPLES):
        return
    space = RowSpace(V, family)
    price = partial(price_direction, family, space.reduced, deadline)
    dimension = len(space.basis)
    bounds = Sphere(dimension, price) if dimension <= MOST_DIRECTIONS else Frame(dimension, price)
    told, going = np.inf, True
    while going:
        bound = float(np.hypot(bounds.bound(), space.outside))
        numbers = sum(corner.scalar.numbers for corner in bounds.corners)
        going = now() <= deadline and numbers <= LARGEST and bounds.improve()
        if bound < told * (1.0 - WORTH * bracket.gap) or (bound < told and not going):
            told = bound
            yield V, bound, bounds.evidence(space.basis)


def price_direction(
    family: UnitFamily, reduced: Array, deadline: float, direction: Array
) -> ScalarBound:
    """The bound in a direction (k,), for the dual matrix (n, k) in the coordinates of a basis."""
    v = reduced @ direction
    if family.exact:
        found = family.price(v, 0.0, deadline, QUICK if family.rank > 3 else np.inf)
        if np.isfinite(found.error):
            return Exact(found.rho + found.error, found.units)
    assert isinstance(family, PiecewiseLinearUnits)
    return Relaxed(Forest(family.rows, family.slopes, v), family.left_out(v), deadline)


class RowSpace:
    """An orthonormal basis of the rows of V, and V in its coordinates.

    Attributes
    ----------
    basis : (k, c) array
    reduced : (n, k) array
        V in the coordinates of the basis.
    outside : float
        ``e``, a bound on what V has outside of the span.

    Examples
    --------
    >>> from cvxnet.training.units import ReLUUnits
    >>> V = np.array([[1.0, -1.0, 0.0], [0.0, 0.5, -0.5], [2.0, 0.0, -2.0]])
    >>> space = RowSpace(V, ReLUUnits(np.eye(3)))
    >>> space.basis.shape, space.basis.sum(axis=1).tolist()
    ((2, 3), [0.0, 0.0])
    """

    def __init__(self, V: Array, family: UnitFamily) -> None:
        rows = V / np.abs(V).max()
        sums = np.abs(rows.sum(axis=1)).max() <= NO_SUM * np.abs(rows).sum(axis=1).max()
        if sums:
            rows = rows - rows.mean(axis=1)[:, None]
        _, s, basis = np.linalg.svd(np.linalg.qr(rows, mode="r"), full_matrices=False)
        rest = np.sqrt(np.cumsum((s * s)[::-1])[::-1])
        basis = basis[rest > NEGLIGIBLE * rest[0]]
        self.basis = with_exact_sums(basis) if sums else basis
        self.reduced = V @ self.basis.T
        left = np.linalg.norm(V - self.reduced @ self.basis, axis=1)
        self.outside = float(left @ largest_features(family))


def with_exact_sums(basis: Array) -> Array:
    """Rows that add up to zero exactly, where they did so up to rounding."""
    basis = np.round(basis * GRID) / GRID
    places = np.arange(len(basis)), np.abs(basis).argmax(axis=1)
    basis[places] -= basis.sum(axis=1)
    return basis


def largest_features(family: UnitFamily) -> Array:
    """Bounds on ``|phi_u(x_i)|``, (n,)."""
    sizes = np.linalg.norm(family.X, axis=1)
    if isinstance(family, PiecewiseLinearUnits):
        return np.asarray(max(map(abs, family.slopes)) * sizes)
    a, b, c = family.coefficients if isinstance(family, PolynomialUnits) else (1.0, 0.0, 0.0)
    return np.asarray(abs(a) * sizes**2 + abs(b) * sizes + abs(c))

"""A training problem on numbers of moderate size: targets centred, then all rescaled, exactly.

A loss of ``f - y`` is the same for ``f + F c`` and ``y + F c``, and free weights are not decayed:
with centred targets ``y - F c`` the free weights of every network lose c and nothing else changes,
neither value nor dual vector, as ``F^T v = 0``. So an offset of the targets, which may be large
beside what is to be learnt, costs the solvers no digits. It costs the certificate few: where c is
added again it is rounded, but at the optimum the loss is flat in the free weights.

With ``X = x X'``, where the family's features scale like ``x^q``, and, where the loss is
homogeneous of degree p (with a length of its own, if it has one, in the same units), ``y = t y'``
(else t = 1), units ``z = (t / x^q) z'`` turn the problem into
``t^p`` times the same problem on ``X', y'`` with weight decay ``weight_decay / (x^q t^(p-1))``, and
its dual vectors are ``t^(p-1)`` times the others. A free column divided by k has its coefficient
multiplied by ``t / k``. With powers of two nothing is rounded, so the solvers see data of size
about one and nobody else sees that.

Free columns that others give exactly are left out, as their weights could be anything; so are those
that are zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Weighted
from cvxnet.training.enumeration import count_blocks
from cvxnet.training.matrices import is_sparse, over, row_lengths
from cvxnet.training.problem import CLEAR, EPS, Problem, Units, basis_columns, columns_of
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array

UNEVEN = 100.0
"""Columns differ much where their sizes do by more than this."""
MODERATE = 64.0
"""Linear data up to this size are left as they are: they may be large, and are not copied then."""
FEW = 1_000_000
"""Blocks of a family up to which exact pricing ends."""
CONSTANT = 1e-12
"""A column that varies by less than this, relatively, is constant."""

SOLVED = 1e-8
"""Error of the predictions that solvers find, relative to the targets."""
FITS = 2
"""Least-squares fits of the free weights: the second one makes up for rounding in the first."""
HALF = 2.0**27 + 1.0
ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: its products' first bits are hashes."""


@dataclass(frozen=True)
class Scale:
    """What leads from the rescaled problem back to the given one: factors, and free weights.

    ``used`` are the free columns that the rescaled problem has, and ``shares`` (used, all) gives
    all others by them. ``free``, the factors of their weights, and ``centre`` are shaped as these.
    """

    weights: float
    used: NDArray[np.int64]
    shares: Array
    free: Array
    centre: Array
    dual: float
    value: float
    features: float

    def undo(self, units: Units) -> Units:
        """The given problem's units."""
        free = np.zeros((self.shares.shape[1], *units.free.shape[1:]))
        free[self.used] = units.free * self.free + self.centre
        return Units(units.weights * self.weights, units.outputs, free)

    def redo(self, units: Units) -> Units:
        """The rescaled problem's units: the inverse of `undo`."""
        free = (self.shares @ units.free - self.centre) / self.free
        return Units(units.weights / self.weights, units.outputs, free)


def rescale(problem: Problem) -> tuple[Problem, Scale]:
    """The problem on data whose largest row and largest centred target are about one."""
    family, degree = problem.family, problem.loss.degree
    x = size_of(family) if family.traits.degree else 1.0
    features = x ** (family.traits.degree or 0)
    used, shares = used_columns(problem.F)
    F = problem.F[:, used]
    columns = np.array([power_of_two(size) for size in np.abs(F).max(axis=0, initial=0.0)])
    F, y = F / columns, problem.y
    columns = columns.reshape(-1, *[1] * (y.ndim - 1))
    centre = np.zeros((len(columns), *y.shape[1:]))
    if F.size and not problem.loss.labels:
        centring = centred_outputs(y, F)
        y, centre = centring.remainder, centring.coefficients / columns
    t = 1.0 if degree is None else power_of_two(float(np.abs(y).max()))
    slope = 1.0 if degree is None else t ** (degree - 1)
    rescaled = Problem(
        family=family.on(over(family.X, x)),
        loss=problem.loss.in_units(t),
        y=y / t,
        weight_decay=problem.weight_decay / (features * slope),
        F=F,
    )
    return rescaled, Scale(
        weights=t / features,
        used=used,
        shares=shares,
        free=t / columns,
        centre=centre,
        dual=slope,
        value=t * slope,
        features=features,
    )


def size_of(family: UnitFamily) -> float:
    """The power of two by which the data are divided; 1 where units take data of moderate size.

    Of linear data columns matter more than rows: the root mean square of the longest says how large
    they are, or the largest entry of a sparse matrix.
    """
    if not family.traits.sparse:
        return power_of_two(float(row_lengths(family.X).max()))
    sizes = family.column_sizes
    if not is_sparse(family.X):
        sizes = sizes.max(initial=0.0) / np.sqrt(len(family.X))
    x = power_of_two(float(sizes))
    return 1.0 if 1.0 / MODERATE <= x <= MODERATE else x


def used_columns(F: Array) -> tuple[NDArray[np.int64], Array]:
    """The free columns that give all others, and how they do: (used,), (used, all)."""
    used, count = basis_columns(F), F.shape[1]
    if len(used) == count:
        return used, np.eye(count)
    return used, np.asarray(np.linalg.lstsq(F[:, used], F)[0], dtype=np.float64)


@dataclass(frozen=True)
class Centring:
    """Coefficients of free columns, and what they leave of the targets."""

    coefficients: Array
    remainder: Array

    def cost(self, F: Array) -> float:
        """The error of predictions: what solvers leave, and where large weights are rounded."""
        rounded = EPS * (np.abs(F) @ np.abs(self.coefficients))
        return float(SOLVED * np.abs(self.remainder).max() + rounded.max(initial=0.0))


def centred_outputs(y: Array, F: Array) -> Centring:
    """`centred` for the targets of each output, (n,) or (n, c), in numbers of moderate size."""
    size = power_of_two(float(np.abs(y).max()))
    centrings = [centred(column / size, F) for column in columns_of(y)]
    coefficients = size * np.transpose([centring.coefficients for centring in centrings])
    remainder = size * np.transpose([centring.remainder for centring in centrings])
    return Centring(coefficients.reshape(-1, *y.shape[1:]), remainder.reshape(y.shape))


def centred(y: Array, F: Array) -> Centring:
    """Coefficients of the columns of F near the best ones, and ``y`` without their predictions.

    A column of ones first gets a target in the middle, whose difference from targets close to it is
    not rounded. Where columns depend on one another up to rounding, huge coefficients reach a
    little further than moderate ones, but cost digits: they are taken where that is worth it.
    """
    centring = Centring(np.zeros(F.shape[1]), y)
    if not F.size:
        return centring
    if (F[:, 0] == 1.0).all():
        centring.coefficients[0] = np.sort(y)[len(y) // 2]
        centring = Centring(centring.coefficients, subtract(y, F, centring.coefficients))
        if F.shape[1] == 1:
            return centring
    moderate, rank = fitted(y, F, centring, CLEAR)
    if rank == F.shape[1]:
        return moderate
    huge, _ = fitted(y, F, centring, None)
    return min(moderate, huge, key=lambda fit: fit.cost(F))


def fitted(y: Array, F: Array, start: Centring, least: float | None) -> tuple[Centring, int]:
    """The shortest of the least-squares fits, and the rank of F.

    Directions in which F is smaller than ``least``, relatively, do not count.
    """
    c, remainder = start.coefficients, start.remainder
    for _ in range(FITS):
        step, *_, rank, _ = np.linalg.lstsq(F, remainder, rcond=least)
        c = c + step
        remainder = subtract(y, F, c)
    return Centring(c, remainder), int(rank)


def subtract(y: Array, F: Array, c: Array) -> Array:
    """``y - F c`` as if computed in twice the precision and then rounded.

    Ogita, Rump and Oishi 2005, "Accurate sum and dot product", Dot2.
    """
    total, lost = y, np.zeros_like(y)
    for column, x in zip(F.T, -c, strict=True):
        product = x * column
        (a, b), (p, q) = split(x), split(column)
        lost = lost + (b * q - (((product - a * p) - b * p) - a * q))
        before, total = total, total + product
        part = total - before
        lost = lost + ((before - (total - part)) + (product - part))
    return np.asarray(total + lost)


def split(x: Any) -> tuple[Any, Any]:
    """Two numbers of half the digits that add up to ``x`` (Dekker 1971)."""
    large = HALF * x
    high = large - (large - x)
    return high, x - high


@dataclass(frozen=True)
class Merged:
    """A problem in which equal samples are one, and where each sample went with which share."""

    problem: Problem
    group: NDArray[np.intp]
    shares: Array

    def at(self, weight_decay: float) -> Merged:
        """The same at another weight decay."""
        return replace(self, problem=replace(self.problem, weight_decay=weight_decay))

    def spread(self, v: Array, given: Problem) -> Array:
        """The dual vector of the given problem: those of a group in proportion to their weights.

        Its products with features are those of ``v``, and so is its conjugate:
        ``sum_i w_i l*(s_i v / w_i) = W l*(v / W)`` where ``s_i = w_i / W``.
        """
        return given.loss.clip((v[self.group].T * self.shares).T, given.y)

    def gather(self, v: Array) -> Array:
        """The dual vector of this problem, from one of the given problem: the inverse of `spread`.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> merged = Merged(SimpleNamespace(y=np.zeros(2)), np.array([1, 0, 1]), np.ones(3))
        >>> merged.gather(np.array([1.0, 2.0, 3.0])).tolist()
        [2.0, 4.0]
        """
        total = np.zeros_like(self.problem.y)
        np.add.at(total, self.group, v)
        return total


def merge_equal_samples(problem: Problem) -> Merged | None:
    """The problem with equal samples, in features and target, as one of the sum of their weights.

    None where not at least half of them are equal to others; and where exact pricing may not end
    all the same, as the evidence that is needed then speaks of single samples.
    """
    family, loss, n = problem.family, problem.loss, len(problem.y)
    if is_sparse(family.X):
        return None  # what equal rows cost there is little
    if any(2 * different(column, n // 2) > n for column in family.X.T):
        return None  # as one column shows, before all are sorted
    samples = np.column_stack([family.X, problem.y])
    _, first, group = np.unique(samples, axis=0, return_index=True, return_inverse=True)
    if 2 * len(first) > n:
        return None
    fewer = family.on(family.X[first])
    if not fewer.exact or (fewer.climbs and count_blocks(fewer) > FEW):
        return None
    weights = loss.weights if isinstance(loss, Weighted) else np.ones(n)
    inner = loss.loss if isinstance(loss, Weighted) else loss
    group = group.ravel()
    total = np.bincount(group, weights).astype(np.float64)
    kept = replace(
        problem,
        family=fewer,
        loss=Weighted(inner, total),
        y=problem.y[first],
        F=problem.F[first],
    )
    return Merged(kept, group, weights / total[group])


def different(numbers: Array, enough: int) -> int:
    """How many of the numbers are different; if more than ``enough``, perhaps not all of them.

    There are at least as many as different hashes, for which nothing is sorted (Knuth 1998, "The
    Art of Computer Programming 3", 6.4: multiplicative hashing).

    Examples
    --------
    >>> different(np.array([1.0, 0.0, 1.0, -0.0]), 4), different(np.arange(100.0), 50) > 50
    (2, True)
    """
    bits = int(4 * len(numbers)).bit_length()
    words = (numbers + 0.0).view(np.uint64) * ODD  # one zero has a sign
    hashed = np.zeros(1 << bits, dtype=bool)
    hashed[(words >> np.uint64(64 - bits)).astype(np.intp)] = True
    found = int(np.count_nonzero(hashed))
    return found if found > enough else len(np.unique(numbers))


def power_of_two(size: float) -> float:
    """The power of two at or below ``size``; 1 for 0."""
    return float(2.0 ** np.floor(np.log2(size))) if size else 1.0


def raw_note(X: Any) -> str:
    """What to say of columns very different in size or far from zero; empty where they are not.

    Compared are the largest root mean square of a column, and the smallest standard deviation (of
    a constant column, its size).

    Examples
    --------
    >>> raw_note(np.array([[1.0, 33000.0], [2.0, 33500.0], [4.0, 34000.0]]))
    'the columns of X differ by a factor of 3e+04 in size or offset: standardising them gives an \
easier problem, though another one'
    >>> raw_note(np.eye(2))
    ''
    """
    if is_sparse(X):
        return ""
    size, spread = np.sqrt((X * X).mean(axis=0)), X.std(axis=0)
    varies = spread > CONSTANT * size
    least = np.where(varies, spread, size)[size > 0.0].min(initial=np.inf)
    if size.max(initial=0.0) <= UNEVEN * least:
        return ""
    return (
        f"the columns of X differ by a factor of {size.max() / least:.0e} in size or offset: "
        "standardising them gives an easier problem, though another one"
    )

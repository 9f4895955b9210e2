"""The training problem: units, weights on them, objective and dual value."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq_mat, fmpz_mat
from numpy.typing import NDArray
from scipy.linalg import qr

from cvxnet.losses import Loss
from cvxnet.training.matrices import row_lengths, stacked
from cvxnet.training.pricing.steps.hyperplanes import to_integers
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array

EPS = float(np.finfo(float).eps)
FIRST = 2.0
"""The first column counts as so much longer than the longest: the ones, if there are any."""
CLEAR = 1e-7
"""Columns of which less is left by the others, relatively, depend on them up to rounding."""
ROUNDING = 1e-12
"""Relative rounding of sums over all samples."""


@dataclass(frozen=True)
class Units:
    """Hidden units with their output weights, and the weights that are not decayed.

    Row ``j`` of ``weights``, (m, r), is ``|a_j| u_j``, the unit times the size of its output
    weights, and ``outputs[j]`` is ``a_j / |a_j|``: a sign, or with c outputs a row of length one,
    (m,) or (m, c). The penalty on the pair is the length of the row of ``weights``. ``free``, (k,)
    or (k, c), holds the coefficients of the problem's free columns.
    """

    weights: Array
    outputs: Array
    free: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def sizes(self) -> Array:
        """Euclidean lengths of the rows; in the norm l2 ``|u_j| |a_j|``."""
        return row_lengths(self.weights)

    def __len__(self) -> int:
        return len(self.outputs)

    def __add__(self, other: Units) -> Units:
        weights = stacked(self.weights, other.weights)
        return Units(weights, np.concatenate([self.outputs, other.outputs]), self.free)

    def pick(self, which: NDArray[Any]) -> Units:
        """The units at an index array or mask."""
        return Units(self.weights[which], self.outputs[which], self.free)

    def without_small(self, relative: float) -> Units:
        """Only the units larger than ``relative`` times the largest."""
        sizes = self.sizes
        large = sizes > relative * sizes.max(initial=0.0)
        return self if large.all() else self.pick(large)


def no_units(rank: int, free: int = 0, outputs: tuple[int, ...] = ()) -> Units:
    """The empty network; ``outputs`` is (c,) where there are several."""
    return Units(np.zeros((0, rank)), np.zeros((0, *outputs)), np.zeros((free, *outputs)))


@dataclass(frozen=True)
class Problem:
    """``minimise loss(features @ signs + F @ free) + weight_decay * sum of sizes``.

    ``F``, the free columns, (n, k), are output bias and skip connection; often there are none.
    Its dual: maximise ``-loss*(v)`` over ``rho(v) <= weight_decay`` and ``F^T v = 0``.

    Targets, predictions and dual vectors are (n,). With c outputs, which share the units, they are
    (n, c), and ``rho(V)`` is the largest length of ``V^T phi_u(X)``.
    """

    family: UnitFamily
    loss: Loss
    y: Array
    weight_decay: float
    F: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if self.F.size == 0:
            object.__setattr__(self, "F", np.zeros((len(self.y), 0)))

    @cached_property
    def scale(self) -> float:
        """The loss at zero predictions."""
        return self.loss.value(np.zeros_like(self.y), self.y)

    def fit(self, units: Units) -> Array:
        """The predictions on the training data, (n,)."""
        f = self.family.predictions(units.weights, units.outputs)
        return f + self.F @ units.free if self.F.size else f

    def penalty(self, units: Units) -> float:
        """The sum of the sizes in the family's norm."""
        return float(self.family.sizes(units.weights).sum())

    def objective(self, units: Units, fit: Array | None = None) -> float:
        """The primal value: the training objective of the balanced network.

        ``fit`` are its predictions, where these are known.
        """
        f = self.fit(units) if fit is None else fit
        return self.loss.value(f, self.y) + self.weight_decay * self.penalty(units)

    def largest_multiple(self, bound: float) -> float:
        """The largest t for which ``rho(v) <= bound`` shows that ``rho(t v) <= weight_decay``."""
        return self.weight_decay / bound if bound > 0.0 else np.inf

    def rounding(self, free: Array) -> float:
        """The loss of predictions that are right but for rounding, with these free weights.

        Targets are given, and free weights and their products with data computed, to a relative
        EPS.
        """
        error = EPS * (np.abs(self.y) + np.abs(self.F) @ np.abs(free))
        return self.loss.rounding(error, self.y)

    def dual_vector(self, units: Units, fit: Array | None = None) -> Array:
        """The gradient of the loss at the predictions, where it is smooth; ``F^T v = 0``."""
        f = self.fit(units) if fit is None else fit
        return self.make_feasible(self.loss.gradient(f, self.y))

    def make_feasible(self, v: Array) -> Array:
        """The nearest dual vector in the conjugate's domain with ``F^T v = 0``.

        Entries move in proportion to their room, see `Loss.moved_off`, so that none leaves the
        domain. For F stands its basis. Entries that are driven to an end at zero come as close as
        they like, and are meant to be there.
        """
        v = self.loss.clip(v, self.y)
        if not self.F.size:
            return v
        Q, given = self.free_basis, np.abs(v)
        for _ in range(5):
            if self.ignores_free(v):
                break
            v = self.loss.clip(self.loss.moved_off(v, self.y, Q), self.y)
        return np.where(np.abs(v) > EPS**2 * given, v, 0.0)

    def ignores_free(self, v: Array) -> bool:
        """Whether ``F^T v = 0`` up to rounding, without which v proves nothing."""
        if not self.F.size:
            return True
        size = np.abs(self.free_basis).T @ np.abs(v)
        return bool((np.abs(self.free_basis.T @ v) <= ROUNDING * size).all())

    @cached_property
    def free_basis(self) -> Array:
        """An orthonormal basis of the span of F, in which ``F^T v = 0`` is looked at."""
        return span(self.F)

    @property
    def nearly_dependent(self) -> bool:
        """Whether columns of F depend on one another up to rounding, but not exactly."""
        used = self.F[:, self.F.any(axis=0)]
        return used.size > 0 and self.free_basis.shape[1] > independent(used).size

    def propose(self, units: Units, v: Array, second_way: bool = False) -> Array:
        """The dual vector after a master: its multipliers ``v``, or better the gradient.

        Where the loss bends within less than the error of the predictions the gradient is no
        better; so where it has been tried without success, the multipliers are.
        """
        smooth = self.loss.smooth and not second_way
        return self.dual_vector(units) if smooth else self.make_feasible(v)


def columns_of(v: Array) -> Array:
    """The vectors over samples, (c, n), of which there is one where v is (n,)."""
    return np.atleast_2d(v.T)


def independent(F: Array) -> NDArray[np.int64]:
    """Columns of F that are clearly independent, as many as there are; the first is one of them."""
    scaled = F / np.abs(F).max(axis=0)
    scaled[:, 0] *= FIRST / np.linalg.norm(scaled[:, 0]) * np.linalg.norm(scaled, axis=0).max()
    _, R, order = qr(scaled, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(R))
    return np.sort(order[: sizes.size][sizes > CLEAR * sizes[0]])


def span(F: Array) -> Array:
    """An orthonormal basis of the span of the columns, (n, rank), rank as of real numbers.

    A column that others give up to rounding has a part that they do not give, however small, unless
    that is exactly zero. A free weight may be as large as it likes, so that part counts as much as
    any other direction: it is computed exactly.

    Examples
    --------
    >>> a, b = np.array([1.0, 0.0, 0.1]), np.array([0.0, 1.0, 0.2])
    >>> [span(np.column_stack([a, b, c])).shape[1] for c in (2 * a, a + b)]
    [2, 3]
    """
    F = F[:, F.any(axis=0)]
    if not F.size:
        return np.zeros((len(F), 0))
    clear = independent(F)
    parts = [F[:, clear] / np.abs(F[:, clear]).max(axis=0)]
    rest = np.setdiff1d(np.arange(F.shape[1]), clear)
    if rest.size and clear.size < len(F):
        parts.append(exact_rests(F, clear.tolist(), rest.tolist())[0])
    return np.asarray(np.linalg.qr(np.hstack(parts))[0])


def basis_columns(F: Array) -> NDArray[np.int64]:
    """Columns of F, in order, that give all others exactly, and none of which the others give.

    Examples
    --------
    >>> a, b = np.array([1.0, 0.0, 0.1]), np.array([0.0, 1.0, 0.2])
    >>> [basis_columns(np.column_stack([a, b, c])).tolist() for c in (2 * a, 0 * a, a + b)]
    [[0, 1], [0, 1], [0, 1, 2]]
    """
    used = np.flatnonzero(F.any(axis=0))
    if not used.size:
        return used
    clear = used[independent(F[:, used])]
    rest = np.setdiff1d(used, clear)
    if rest.size and clear.size < len(F):
        clear = np.array(exact_rests(F, clear.tolist(), rest.tolist())[1])
    return np.sort(clear)


def exact_rests(F: Array, chosen: list[int], rest: list[int]) -> tuple[Array, list[int]]:
    """What is left of columns without the chosen ones and those before, of size one; none of 0.

    And all columns that are chosen then, those with something left among them.
    """
    columns = [fmpz_mat(len(F), 1, to_integers(column)) for column in F.T.tolist()]
    rests = []
    for j in rest:
        A = fmpz_mat([[int(columns[k][i, 0]) for k in chosen] for i in range(len(F))])
        weights = (A.transpose() * A).solve(A.transpose() * columns[j]).entries()
        fit = fmpq_mat(A) * fmpq_mat(len(weights), 1, weights)
        left = (fmpq_mat(columns[j]) - fit).entries()
        if largest := max(map(abs, left)):
            rests.append(
                [float(Fraction(int((x / largest).p), int((x / largest).q))) for x in left]
            )
            chosen = [*chosen, j]
    return np.reshape(rests, (len(rests), len(F))).T, chosen

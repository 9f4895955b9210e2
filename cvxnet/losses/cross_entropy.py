"""The cross entropy of several classes.

The target of a sample is a row of c numbers, 1 for its class l and 0 for the others, and the loss
``log sum_k exp(f_k) - f_l``. Its gradient is ``p - y`` with the probabilities ``p = softmax(f)``,
and its conjugate ``sum_k p_k log p_k`` where ``p = v + y`` is in the simplex, infinite elsewhere.
So rows of v sum to zero. Sums of doubles hardly ever do, so the entry of the class itself counts as
minus the sum of the others, here and in certificates, whatever it is.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import xlogy

from cvxnet.errors import InputError
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import Vector
from cvxnet.losses.loss import QUOTIENT, Loss

SMALLEST = 1e-200
"""What is divided by is not below this."""
SINGULAR = 1e-12
"""Directions in which a matrix is smaller than this, relatively, are rounding."""
FURTHEST = 2.0
"""Probabilities move by no more of themselves at once."""


class CrossEntropy(Loss):
    """``log sum_k exp(f_k) - f_l`` for the class l of each sample; y (n, c) has a 1 there.

    Examples
    --------
    >>> f, y = np.log([[1.0, 3.0], [2.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> CrossEntropy().terms(f, y).round(6).tolist(), CrossEntropy().gradient(f, y).tolist()
    ([[1.386294], [0.693147]], [[-0.75, 0.75], [0.5, -0.5]])
    """

    name = "cross_entropy"
    labels = True
    classes = True
    strictly_convex = False

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return K.log_sum_exp(f - (y * f).sum(-1, keepdims=True))

    def terms(self, f: Vector, y: Vector) -> Vector:
        """The loss of each sample, (n, 1)."""
        z = f - (y * f).sum(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            others = ((1.0 - y) * np.exp(z)).sum(axis=1, keepdims=True)
        top = z.max(axis=1, keepdims=True)
        large = top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))
        return np.asarray(np.where(others < 1.0, np.log1p(np.minimum(others, 1.0)), large))

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return balanced((1.0 - y) * softmax(f), y)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        p = softmax(f)
        return np.asarray(p * (1.0 - p))

    def curvature_times(self, f: Vector, y: Vector, D: Vector) -> Vector:
        p = softmax(f)
        return np.asarray(p * (D - (p * D).sum(axis=-1, keepdims=True)))

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return -y, 1.0 - y

    def inside(self, v: Vector, y: Vector, w: Any = 1.0) -> Any:
        off = (1.0 - y) * v
        total = off.sum(axis=1, keepdims=True)
        return (off >= 0.0).all(axis=1, keepdims=True) & (total <= w)

    def clip(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        off = np.maximum((1.0 - y) * v, 0.0)
        total = off.sum(axis=1, keepdims=True)
        share = w * (1.0 - QUOTIENT) / np.where(total > 0.0, total, 1.0)
        return balanced(np.where(total > w, share * off, off), y)

    def room(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        """The smallest probability of a sample, for each of its entries: rows move as a whole."""
        least = probabilities(v, y, w).min(axis=1, keepdims=True)
        return np.where(self.inside(v, y, w), least, 0.0) * np.ones_like(y)

    def moved_off(self, v: Vector, y: Vector, Q: Vector, w: Any = 1.0) -> Vector:
        """The same with ``D = diag(p) - p p^T / w`` of each sample: sums of rows stay zero.

        Classes that others are separated from have hardly any room, and the others keep theirs.
        By pairs of classes, ``(D x)_a = sum_b p_a p_b (x_a - x_b) / w``, where nothing cancels.
        """
        P, k, c = probabilities(v, y, w), Q.shape[1], y.shape[1]
        shares, parts = P / w, np.zeros((k, c, k, c))
        for a, b in np.ndindex(c, c):
            both = (Q.T * (P[:, a] * shares[:, b])) @ Q * float(a != b)
            parts[:, a, :, a] += both
            parts[:, a, :, b] -= both
        G = parts.reshape(k * c, k * c)
        scale = np.sqrt(np.maximum(np.diag(G), SMALLEST))
        inverse = np.linalg.pinv(G / np.outer(scale, scale), SINGULAR, hermitian=True)
        x = Q @ ((inverse @ ((Q.T @ v).ravel() / scale)) / scale).reshape(k, c)
        x = np.clip(x, -FURTHEST, FURTHEST)
        return np.asarray(v - sum(P * shares[:, [b]] * (x - x[:, [b]]) for b in range(c)))

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        p = probabilities(v, y)
        return np.asarray(xlogy(p, p).sum(axis=1, keepdims=True))

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        with np.errstate(divide="ignore"):
            return np.log(probabilities(v, y))

    def margins(self, f: Vector, y: Vector) -> Vector:
        others = np.where(y > 0.0, -np.inf, f).max(axis=1)
        return np.asarray((y * f).sum(axis=1) - others)

    def nearly_right(self, error: Vector, y: Vector) -> Vector:
        # No finite prediction has loss zero; this one has the loss ``error``.
        lead = np.log(y.shape[1] - 1.0) - np.log(np.expm1(error.max(axis=1, keepdims=True)))
        return np.asarray(lead * y)

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        # Of the others' lead, so that it is convex wherever that is, as rules see it.
        own = cp.sum(cp.multiply(y, f), axis=1, keepdims=True)
        lead = cp.multiply(1.0 - y, f - own @ np.ones((1, f.shape[1])))
        terms: cp.Expression = cp.log_sum_exp(lead, axis=1, keepdims=True)
        return terms

    def check_target(self, y: Vector) -> Vector:
        """Rows with one 1 and otherwise zeros, each class somewhere."""
        if y.ndim != 2 or y.shape[1] < 2:
            raise InputError("the cross_entropy loss needs a target with at least two classes.")
        if not (((y == 0.0) | (y == 1.0)).all() and (y.sum(axis=1) == 1.0).all()):
            raise InputError(
                "with the cross_entropy loss y has one label per sample, or one row per sample "
                "with a 1 for its class and 0 for all others."
            )
        return y


def softmax(f: Vector) -> Vector:
    """The probabilities of each sample; SciPy's takes far longer on few samples."""
    powers = np.exp(f - f.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def balanced(off: Vector, y: Vector) -> Vector:
    """The entries of the other classes, ``off``, with minus their sum for the class itself."""
    return np.asarray(off - y * off.sum(axis=1, keepdims=True))


def probabilities(v: Vector, y: Vector, w: Any = 1.0) -> Vector:
    """``v + w y``, that of the class itself being what the others leave of w."""
    off = (1.0 - y) * v
    return np.asarray(off + y * np.maximum(w - off.sum(axis=1, keepdims=True), 0.0))

"""Narrow networks over one feature as columns of a Lasso (see `mirrors`), and proofs of norms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import lcm
from typing import Any

import numpy as np
from scipy.optimize import linprog

from cvxnet.types import Array


class Feature:
    """One narrow network: signs and breakpoints, innermost first."""

    def __init__(self, signs: tuple[int, ...], breaks: tuple[Any, ...]) -> None:
        self.signs, self.breaks = signs, breaks

    def __call__(self, x: Array) -> Array:
        """Its values, (n,)."""
        values = np.concatenate([self.breaks, x])
        for k, s in enumerate(self.signs):
            values = np.maximum(s * (values - values[k]), 0.0)
        return values[len(self.breaks) :]


def dictionary(x: tuple[Any, ...], depth: int, mirrors: bool = True) -> list[Feature]:
    """All features of one depth: 2 n, 4 n^2 or 16 n^3 of them."""
    found = []
    for signs in product((1, -1), repeat=depth - 1):
        for breaks in product(x, repeat=depth - 1):
            found.append(Feature(signs, breaks))
            if depth == 4 and mirrors:
                mirrored = (2 * breaks[1] - breaks[0], *breaks[1:])
                found.append(Feature(signs, mirrored))
    return found


def matrix(features: list[Feature], x: tuple[Any, ...]) -> Array:
    """Values of the features at the data, (n, features)."""
    at = np.array(x, dtype=float)
    return np.column_stack([feature(at) for feature in features])


def interpolate(A: Array, y: tuple[Any, ...]) -> tuple[Array, float, Array]:
    """The interpolation ``A z + xi = y`` of least l1 norm: z, xi, and the dual vector v.

    For every v with ``sum v = 0`` and ``|v.phi| <= 1`` the norm is at least v.y.
    """
    columns = np.hstack([A, -A, np.ones((len(y), 1))])
    order = 1e-7 * np.linspace(0.0, 1.0, A.shape[1])  # of optima the one with early features
    cost = np.concatenate([1.0 + order, 1.0 + order, [0.0]])
    bounds = [(0, None)] * (2 * A.shape[1]) + [(None, None)]
    found = linprog(cost, A_eq=columns, b_eq=y, bounds=bounds, method="highs-ds")
    plus, minus = np.split(found.x[:-1], 2)
    return plus - minus, float(found.x[-1]), np.asarray(found.eqlin.marginals)


def one_feature(A: Array, y: tuple[Any, ...]) -> tuple[int, float] | None:
    """The feature that interpolates alone, with a bias, at the least weight; its weight."""
    centred, target = A - A.mean(axis=0), np.array(y) - np.mean(y)
    squares = np.sum(centred**2, axis=0)
    weights = np.divide(target @ centred, squares, out=np.zeros(len(squares)), where=squares > 0)
    misses = np.abs(weights * centred - target[:, None]).max(axis=0)
    fits = np.flatnonzero(misses < 1e-9)
    if not len(fits):
        return None
    best = min(fits, key=lambda j: abs(weights[j]))
    return int(best), float(weights[best])


def rational_dual(A: Array, v: Array) -> list[Fraction]:
    """A vector with ``sum v = 0`` and ``|v.phi| <= 1`` for every column, in rational numbers.

    Any v will do, scaled; that of a linear program is rounded to simple fractions first. Columns
    are whole numbers, as the data are, and so nothing is rounded after that.
    """
    exact = [Fraction(float(entry)).limit_denominator(1000) for entry in v]
    exact[-1] -= sum(exact)
    common = lcm(*(entry.denominator for entry in exact))
    whole = np.array([int(entry * common) for entry in exact])
    height = int(np.abs(whole @ A.astype(np.int64)).max())
    return [Fraction(int(entry), height) for entry in whole]


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """The inner product, of numbers of any kind."""
    return sum(one * other for one, other in zip(a, b, strict=True))

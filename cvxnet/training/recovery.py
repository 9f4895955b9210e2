"""From units back to weights, network and certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.layers import Linear, Residual, Sequential
from cvxnet.training.problem import Problem, Units
from cvxnet.types import Array


@dataclass(frozen=True)
class Weights:
    """The weights of a two-layer network in the columns of the data.

    ``W`` (m, d), ``b`` (m,) or None, ``a`` (m,), free output bias ``c`` and skip ``s`` (d,) or
    None, and for gated units the ``gate`` of each.
    """

    W: Array
    b: Array | None
    a: Array
    c: float | None
    s: Array | None
    gate: Any = None


@dataclass(frozen=True)
class Form:
    """Which weights a network has: hidden bias, free output bias, free linear skip connection."""

    bias: bool
    output_bias: bool = False
    skip: bool = False

    def rows(self, X: Array) -> Array:
        """``X``, with the column of ones that carries the hidden bias where there is one."""
        return np.hstack([X, np.ones((len(X), 1))]) if self.bias else X

    def free_columns(self, X: Array) -> Array:
        """The columns whose coefficients are not decayed: first the ones, then ``X``."""
        ones = np.ones((len(X), int(self.output_bias)))
        return np.hstack([ones, X]) if self.skip else ones


def weights_of(problem: Problem, units: Units, form: Form) -> Weights:
    """The weights that the units stand for.

    Where both layers share the decay, a unit of size s = |u||a| gets length sqrt(s) on both sides,
    and ``1/2 (|u|^2 + a^2) = |u||a|``: weight decay equals the penalty. Elsewhere ``|u| = 1``.
    Without units one of zeros stands for the empty network.
    """
    family = problem.family
    d = family.X.shape[1] - form.bias
    sizes = family.sizes(units.weights)
    outer = np.sqrt(sizes) if family.shared_decay else sizes
    hidden = family.hidden(units.weights / sizes[:, None])
    if family.shared_decay:
        hidden = hidden * outer[:, None]
    a, gate = units.signs * outer, family.gate_of(units.weights)
    if not len(units):
        hidden, a, gate = family.idle(), np.zeros(1), family.gate_of(np.zeros((1, family.rank)))
    c = float(units.free[0]) if form.output_bias else None
    s = units.free[int(form.output_bias) :] if form.skip else None
    return Weights(hidden[:, :d], hidden[:, d] if form.bias else None, a, c, s, gate)


def units_of(problem: Problem, weights: Weights, form: Form) -> Units:
    """The units that a network with these weights has: the inverse of `weights_of`."""
    family, w = problem.family, weights
    hidden = w.W if w.b is None else np.hstack([w.W, w.b[:, None]])
    rows = family.coordinates(hidden)
    used = (family.sizes(rows) > 0.0) & (w.a != 0.0)
    rows, a = rows[used], w.a[used]
    length = family.sizes(rows)
    sizes = np.abs(a) * length ** (family.power or 0)
    free = [np.array([w.c]) if w.c is not None else np.zeros(int(form.output_bias))]
    if form.skip:
        free.append(w.s if w.s is not None else np.zeros(w.W.shape[1]))
    return Units(rows * (sizes / length)[:, None], np.sign(a), np.concatenate(free))


def network_of(problem: Problem, weights: Weights) -> Sequential:
    """The ordinary network with these weights."""
    w = weights
    body = problem.family.network(w.W, w.b, w.a, w.c, w.gate)
    if w.s is None:
        return body
    skip = Linear(w.s.size, 1, bias=False).load_state_dict({"weight": w.s[None, :]})
    return Sequential(Residual(body, shortcut=skip))

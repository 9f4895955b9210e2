"""The one place that reaches into CVXPY's private registries.

CVXPY looks canonicalizers up by exact type in a module-level dict and chooses solvers by
module-level lists of atom types; both are shared by reference, so they are extended in place.
A test fails with a plain sentence when a new CVXPY moves them.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import cvxpy.atoms as cvxpy_atoms
import numpy as np
from cvxpy.reductions.dcp2cone.canonicalizers import CANON_METHODS

from cvxnet.layers.atoms.elementwise import elu, leaky_relu, squareplus


def leaky_relu_canon(
    expr: leaky_relu, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The epigraph ``t >= x, t >= slope x`` for slope <= 1, the hypograph for slope > 1."""
    t, x = cp.Variable(expr.shape), args[0]
    if expr.slope <= 1.0:
        return t, [t >= x, t >= expr.slope * x]
    return t, [t <= x, t <= expr.slope * x]


def elu_canon(
    expr: elu, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The least ``alpha (exp(u) - 1) + v`` with ``u + v >= x``, ``u <= 0``, ``v >= 0``.

    At the best split v is 0 for x <= 0 and u is 0 for x >= 0, because the slope ``alpha exp(u)``
    is at most 1 for alpha <= 1. The sum only has to reach x, so the argument may be convex.
    """
    t, u, v = (cp.Variable(expr.shape) for _ in range(3))
    ones = cp.Constant(np.ones(expr.shape))
    value = expr.alpha * (t - 1) + v
    return value, [cp.ExpCone(u, ones, t), u + v >= args[0], u <= 0, v >= 0]


def squareplus_canon(
    expr: squareplus, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The epigraph ``|(x, sqrt(b))| <= 2 t - x`` with ``s`` for x.

    ``s >= x`` lets the argument be convex; it is harmless because the function does not decrease.
    """
    t, s = cp.Variable(expr.shape), cp.Variable(expr.shape)
    rows = cp.vstack([cp.vec(s, order="F"), np.full(expr.size, np.sqrt(expr.b))])
    cone = cp.SOC(cp.vec(2 * t - s, order="F"), rows, axis=0)
    return t, [cone, s >= args[0]]


CONES: dict[Any, Any] = {
    elu: elu_canon,
    leaky_relu: leaky_relu_canon,
    squareplus: squareplus_canon,
}


def register() -> None:
    """Tell CVXPY how the convex atoms become cones, and which solvers those cones need."""
    CANON_METHODS.update(CONES)
    for names, atom in ((cvxpy_atoms.EXP_ATOMS, elu), (cvxpy_atoms.SOC_ATOMS, squareplus)):
        if atom not in names:
            names.append(atom)

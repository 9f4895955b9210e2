"""What each kind of constraint asks for: one row a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.tape import bare, dense


@dataclass(frozen=True)
class Kind:
    """What a kind of constraint asks for.

    Attributes
    ----------
    about : str
        What is judged, in words.
    judged : callable
        The expression that has to be convex or affine.
    limits : callable or None
        Expressions that have no entry above zero exactly where the constraint holds; None where
        that is not evaluated.
    affine : bool
        Whether what is judged has to be affine.
    compared : bool
        Whether the constraint says that it is <= 0 (= 0 where it has to be affine).
    """

    about: str
    judged: Callable[[Any], Any]
    limits: Callable[[Any], list[Any] | None] | None
    affine: bool = True
    compared: bool = False


def members(constraint: Any) -> Any:
    """All arguments of a cone as one vector."""
    parts = [cp.vec(arg, order="F") for arg in constraint.args]
    return parts[0] if len(parts) == 1 else cp.hstack(parts)


def cone(limits: Callable[[Any], list[Any] | None] | None) -> Kind:
    """A cone, whose members have to be affine."""
    return Kind("the members of the cone", members, limits)


def off_values(constraint: Any) -> list[Any]:
    """How far a member of a finite set is from the nearest value."""
    values = dense(constraint.args[1].value).ravel()
    return [cp.minimum(*(cp.abs(constraint.args[0] - v) for v in (*values, values[0])))]


def second_order(constraint: Any) -> list[Any]:
    """``|x| - t``."""
    bound, vector = constraint.args
    return [cp.norm(vector, axis=constraint.axis if vector.ndim > 1 else None) - bound]


def semidefinite(constraint: Any) -> list[Any]:
    """Minus the smallest eigenvalue."""
    return [-cp.lambda_min(constraint.args[0] + constraint.args[0].T)]


def exponential(constraint: Any) -> list[Any]:
    """``y exp(x / y) - z`` and ``-y``."""
    x, y, z = constraint.args
    return [cp.multiply(y, cp.exp(x / y)) - z, -y]


def power(constraint: Any) -> list[Any] | None:
    """``|z| - x^a y^(1 - a)``."""
    x, y, z = constraint.args
    if constraint.alpha.parameters():
        return None
    powers = np.reshape(dense(constraint.alpha.value), x.shape)
    return [cp.abs(z) - cp.exp(cp.multiply(powers, cp.log(x)) + cp.multiply(1 - powers, cp.log(y)))]


def powers(constraint: Any) -> list[Any] | None:
    """``|z| - prod x_i^a_i``."""
    x, z = constraint.args
    if constraint.alpha.parameters():
        return None
    logs = cp.multiply(dense(constraint.alpha.value), cp.log(x))
    along = constraint.axis if x.ndim > 1 else None
    return [cp.abs(z) - cp.exp(cp.sum(logs, axis=along))]


OTHER = cone(None)
ABSOLUTE = Kind(
    "the expression", lambda c: c.expr, lambda c: [cp.abs(c.expr)], affine=True, compared=True
)
KINDS: dict[type, Kind] = {
    cp.constraints.Inequality: Kind(
        "left minus right",
        lambda c: c.args[0] - c.args[1],
        lambda c: [c.expr],
        affine=False,
        compared=True,
    ),
    cp.constraints.NonNeg: Kind(
        "minus the expression",
        lambda c: -c.args[0],
        lambda c: [-c.args[0]],
        affine=False,
        compared=True,
    ),
    cp.constraints.NonPos: Kind(
        "the expression", lambda c: c.expr, lambda c: [c.expr], affine=False, compared=True
    ),
    cp.constraints.Equality: ABSOLUTE,
    cp.constraints.Zero: ABSOLUTE,
    cp.FiniteSet: Kind("what is in a finite set", lambda c: c.args[0], off_values),
    cp.SOC: cone(second_order),
    cp.PSD: cone(semidefinite),
    cp.ExpCone: cone(exponential),
    cp.PowCone3D: cone(power),
    cp.PowCone3DApprox: cone(power),
    cp.PowConeND: cone(powers),
}


def kind_of(constraint: Any) -> Kind:
    """The row of a constraint; kinds without one are cones of which nothing is evaluated."""
    return KINDS.get(type(constraint), OTHER)


def limits_of(constraints: Iterable[Any]) -> list[Any] | None:
    """One vector with no entry above zero where the constraints hold; None where unknown."""
    vectors: list[Any] = []
    for constraint in constraints:
        limits = kind_of(constraint).limits
        found = None if limits is None else limits(constraint)
        if found is None:
            return None
        vectors += [cp.vec(expression, order="F") for expression in found]
    return [cp.hstack(vectors)] if vectors else []


def finite(constraint: Any) -> Any:
    """An inequality without the entries that an infinite bound leaves free."""
    if not isinstance(constraint, cp.constraints.Inequality):
        return constraint
    left, right = constraint.args
    for side, void in ((left, -np.inf), (right, np.inf)):
        value = dense(bare(side).value) if isinstance(bare(side), cp.Constant) else np.zeros(())
        free = np.broadcast_to(value == void, constraint.shape)
        if free.size and free.all():
            return cp.Constant(0.0) <= 0.0
        if free.any():
            kept = cp.Constant(np.broadcast_to(value, free.shape)[~free])
            other = right if side is left else left
            other = other if other.shape == free.shape else cp.broadcast_to(other, free.shape)
            return kept <= other[~free] if side is left else other[~free] <= kept
    return constraint


def simple_bounds(constraints: Iterable[Any]) -> dict[int, tuple[Any, Any]]:
    """Bounds, by the id of the variable, from constraints that compare it with a constant."""
    bounds: dict[int, tuple[Any, Any]] = {}
    for constraint in constraints:
        if not isinstance(constraint, cp.constraints.Inequality):
            continue
        left, right = (bare(arg) for arg in constraint.args)
        for leaf, other, is_lower in ((right, left, True), (left, right, False)):
            if isinstance(leaf, cp.Variable) and isinstance(other, cp.Constant):
                value = dense(other.value)
                low, high = bounds.get(id(leaf), (-np.inf, np.inf))
                new = (np.maximum(low, value), high) if is_lower else (low, np.minimum(high, value))
                bounds[id(leaf)] = new
    return bounds

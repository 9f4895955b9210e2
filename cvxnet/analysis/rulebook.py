"""The book of rules: for each kind of atom, how the arguments' facts become the node's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.facts import Facts, Mask
from cvxnet.types import Array

Rule = Callable[[Any, list[Facts]], Facts]
RULES: dict[type, Rule] = {}
# CVXPY's sign rests on a rounded eigenvalue, on a spectral radius, on a sign of zero that is -1.
SIGN_NOT_TRUSTED = (cp.QuadForm, cp.eye_minus_inv, cp.sign)
FIELDS = ("low", "high", "convex", "concave", "quasiconvex", "quasiconcave")


def rule(*types: type) -> Callable[[Rule], Rule]:
    """Register the rule of these atom types."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return register


def fitted(array: Any, shape: tuple[int, ...]) -> Any:
    """An array broadcast to a shape; CVXPY calls ``1 / x`` a number where x is 1 x 1."""
    few = array.ndim > len(shape)
    return array.reshape(shape) if few else np.broadcast_to(array, shape)


def spread(args: list[Facts], field: str, node: Any) -> Any:
    """One field of all arguments, broadcast to the node's shape, along a new first axis."""
    return np.array([fitted(getattr(arg, field), node.shape) for arg in args])


def shaped_like(arg: Facts, shape: tuple[int, ...]) -> Facts:
    """The facts with every array broadcast to a shape."""
    fields: Any = {field: fitted(getattr(arg, field), shape) for field in FIELDS}
    return replace(arg, **fields)


def signs_of(factor: Facts) -> tuple[Mask, Mask]:
    """Where a factor is certainly >= 0 and certainly <= 0."""
    return factor.low >= 0.0, factor.high <= 0.0


def monotony(plus: Any, minus: Any) -> str:
    """The monotonicity of multiplying by factors of those signs."""
    return "rising" if plus else "falling" if minus else "affine"


def standing_in(node: Any, args: list[Facts]) -> Any:
    """The atom on variables whose signs are proved, where CVXPY believes more of its arguments.

    What CVXPY says of signs and monotonicity rests on the signs of the arguments, and some of
    those are wrong far below: its ``one_minus_pos(x)`` is never negative.
    """
    inner = [stand_in(arg, fact) for arg, fact in zip(node.args, args, strict=True)]
    same = all(new is arg for new, arg in zip(inner, node.args, strict=True))
    return node if same else node.copy(inner)


def stand_in(arg: Any, fact: Facts) -> Any:
    """The argument, or a variable of its shape with no more sign than is proved."""
    above, below = bool((fact.low >= 0.0).all()), bool((fact.high <= 0.0).all())
    if arg.is_nonneg() <= above and arg.is_nonpos() <= below:
        return arg
    return cp.Variable(arg.shape, nonneg=above, nonpos=below and not above)


def cvxpy_bounds(node: Any, args: list[Facts]) -> tuple[Array, Array]:
    """Bounds from the sign that CVXPY sees."""
    low, high = np.full(node.shape, -np.inf), np.full(node.shape, np.inf)
    if type(node) in SIGN_NOT_TRUSTED:
        return low, high
    node = standing_in(node, args)
    if node.is_nonneg():
        low = np.zeros(node.shape)
    if node.is_nonpos():
        high = np.zeros(node.shape)
    return low, high

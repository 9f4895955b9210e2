"""The book of rules: for each kind of atom, how the arguments' facts become the node's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.facts import Array, Facts, Mask

Rule = Callable[[Any, list[Facts]], Facts]
RULES: dict[type, Rule] = {}
FIELDS = ("low", "high", "convex", "concave", "quasiconvex", "quasiconcave")


def rule(*types: type) -> Callable[[Rule], Rule]:
    """Register the rule of these atom types."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return register


def spread(args: list[Facts], field: str, node: Any) -> Any:
    """One field of all arguments, broadcast to the node's shape, along a new first axis."""
    return np.array([np.broadcast_to(getattr(arg, field), node.shape) for arg in args])


def shaped_like(arg: Facts, shape: tuple[int, ...]) -> Facts:
    """The facts with every array broadcast to a shape."""
    fields: Any = {field: np.broadcast_to(getattr(arg, field), shape) for field in FIELDS}
    return replace(arg, **fields)


def signs_of(factor: Facts) -> tuple[Mask, Mask]:
    """Where a factor is certainly >= 0 and certainly <= 0."""
    return factor.low >= 0.0, factor.high <= 0.0


def monotony(plus: Any, minus: Any) -> str:
    """The monotonicity of multiplying by factors of those signs."""
    return "rising" if plus else "falling" if minus else "affine"


def cvxpy_bounds(node: Any, args: list[Facts]) -> tuple[Array, Array]:
    """Bounds from the sign that CVXPY sees."""
    low, high = np.full(node.shape, -np.inf), np.full(node.shape, np.inf)
    if type(node) is cp.QuadForm:
        return low, high  # CVXPY's sign rests on a rounded eigenvalue
    if node.is_nonneg():
        low = np.zeros(node.shape)
    if node.is_nonpos():
        high = np.zeros(node.shape)
    return low, high

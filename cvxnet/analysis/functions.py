"""What CVXPY's and our own functions of one argument do, in any of the three arithmetics."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cvxpy as cp

from cvxnet.analysis.operations import aligned, operation
from cvxnet.layers import atoms


def scalar(*types: Any) -> Callable[[Callable[[Any, Any, Any], Any]], Any]:
    """Register an elementwise function of one argument."""

    def register(function: Callable[[Any, Any, Any], Any]) -> Any:
        operation(*types)(lambda node, values, kit: function(node, values[0], kit))
        return function

    return register


def relu(t: Any, kit: Any) -> Any:
    """``max(t, 0)``."""
    return kit.maximum(t, kit.number(0))


scalar(cp.one_minus_pos, cp.logic.Not)(lambda node, t, kit: kit.number(1) - t)
scalar(cp.abs)(lambda node, t, kit: kit.absolute(t))
scalar(cp.exp)(lambda node, t, kit: kit.exp(t))
scalar(cp.log)(lambda node, t, kit: kit.log(t))
scalar(cp.log1p)(lambda node, t, kit: kit.log(t + kit.number(1)))
scalar(cp.logistic)(lambda node, t, kit: kit.softplus(t))
scalar(cp.nlp.tanh, atoms.tanh)(lambda node, t, kit: kit.tanh(t))
scalar(cp.xexp)(lambda node, t, kit: kit.not_below(t, 0.0) * kit.exp(t))
scalar(cp.nlp.normcdf)(lambda node, t, kit: kit.normal(t))
scalar(cp.log_normcdf)(lambda node, t, kit: kit.log_normal(t))
scalar(atoms.gelu)(lambda node, t, kit: t * kit.normal(t))
scalar(atoms.sign)(lambda node, t, kit: kit.sign(t))
scalar(atoms.threshold)(lambda node, t, kit: kit.step(t))


@scalar(atoms.sigmoid)
def sigmoid(node: Any, t: Any, kit: Any) -> Any:
    """``1 / (1 + exp(-t)) = (1 + tanh(t / 2)) / 2``."""
    half = kit.number(0.5)
    return half + half * kit.tanh(half * t)


@scalar(atoms.silu)
def silu(node: Any, t: Any, kit: Any) -> Any:
    """``t sigmoid(t)``."""
    return t * sigmoid(node, t, kit)


@scalar(atoms.leaky_relu)
def leaky_relu(node: Any, t: Any, kit: Any) -> Any:
    """``max(t, 0) + slope min(t, 0)``."""
    return relu(t, kit) + kit.number(node.slope) * kit.minimum(t, kit.number(0))


@scalar(atoms.elu)
def elu(node: Any, t: Any, kit: Any) -> Any:
    """``max(t, 0) + alpha (exp(min(t, 0)) - 1)``."""
    return relu(t, kit) + kit.number(node.alpha) * kit.expm1(kit.minimum(t, kit.number(0)))


@scalar(atoms.squareplus)
def squareplus(node: Any, t: Any, kit: Any) -> Any:
    """``(t + sqrt(t^2 + b)) / 2``."""
    root = kit.power(t * t + kit.number(node.b), Fraction(1, 2))
    return kit.number(0.5) * (t + root)


@scalar(atoms.hardtanh)
def hardtanh(node: Any, t: Any, kit: Any) -> Any:
    """``t`` clipped."""
    return kit.minimum(kit.maximum(t, kit.number(node.low)), kit.number(node.high))


@scalar(cp.huber)
def huber(node: Any, t: Any, kit: Any) -> Any:
    """``t^2`` up to M, then ``2 M |t| - M^2``."""
    size, edge = kit.absolute(t), kit.number(float(node.M.value))
    inner, outer = kit.minimum(size, edge), relu(size - edge, kit)
    return inner * inner + kit.number(2) * edge * outer


@operation(cp.rel_entr, cp.kl_div)
def relative_entropy(node: Any, values: list[Any], kit: Any) -> Any:
    """``x log(x / y)``, and with ``- x + y`` for kl_div."""
    x, y = aligned(node, values)
    total = x * (kit.log(x) - kit.log(y))
    return total - x + y if isinstance(node, cp.kl_div) else total


@scalar(cp.entr)
def entr(node: Any, t: Any, kit: Any) -> Any:
    """``-t log t``."""
    return -t * kit.log(t)

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
        operation(*types)(lambda node, values, K: function(node, values[0], K))
        return function

    return register


def relu(t: Any, K: Any) -> Any:
    """``max(t, 0)``."""
    return K.maximum(t, K.number(0))


scalar(cp.one_minus_pos, cp.logic.Not)(lambda node, t, K: K.number(1) - t)
scalar(cp.abs)(lambda node, t, K: K.absolute(t))
scalar(cp.exp)(lambda node, t, K: K.exp(t))
scalar(cp.log)(lambda node, t, K: K.log(t))
scalar(cp.log1p)(lambda node, t, K: K.log(t + K.number(1)))
scalar(cp.logistic)(lambda node, t, K: K.softplus(t))
scalar(cp.nlp.tanh, atoms.tanh)(lambda node, t, K: K.tanh(t))
scalar(cp.xexp)(lambda node, t, K: K.not_below(t, 0.0) * K.exp(t))
scalar(cp.nlp.normcdf)(lambda node, t, K: K.normal(t))
scalar(cp.log_normcdf)(lambda node, t, K: K.log_normal(t))
scalar(atoms.gelu)(lambda node, t, K: t * K.normal(t))
scalar(atoms.sign)(lambda node, t, K: K.sign(t))
scalar(atoms.threshold)(lambda node, t, K: K.step(t))


@scalar(atoms.sigmoid)
def sigmoid(node: Any, t: Any, K: Any) -> Any:
    """``1 / (1 + exp(-t)) = (1 + tanh(t / 2)) / 2``."""
    half = K.number(0.5)
    return half + half * K.tanh(half * t)


@scalar(atoms.silu)
def silu(node: Any, t: Any, K: Any) -> Any:
    """``t sigmoid(t)``."""
    return t * sigmoid(node, t, K)


@scalar(atoms.leaky_relu)
def leaky_relu(node: Any, t: Any, K: Any) -> Any:
    """``max(t, 0) + slope min(t, 0)``."""
    return relu(t, K) + K.number(node.slope) * K.minimum(t, K.number(0))


@scalar(atoms.elu)
def elu(node: Any, t: Any, K: Any) -> Any:
    """``max(t, 0) + alpha (exp(min(t, 0)) - 1)``."""
    return relu(t, K) + K.number(node.alpha) * K.expm1(K.minimum(t, K.number(0)))


@scalar(atoms.squareplus)
def squareplus(node: Any, t: Any, K: Any) -> Any:
    """``(t + sqrt(t^2 + b)) / 2``."""
    root = K.power(t * t + K.number(node.b), Fraction(1, 2))
    return K.number(0.5) * (t + root)


@scalar(atoms.hardtanh)
def hardtanh(node: Any, t: Any, K: Any) -> Any:
    """``t`` clipped."""
    return K.minimum(K.maximum(t, K.number(node.low)), K.number(node.high))


@scalar(cp.huber)
def huber(node: Any, t: Any, K: Any) -> Any:
    """``t^2`` up to M, then ``2 M |t| - M^2``."""
    size, edge = K.absolute(t), K.number(float(node.M.value))
    inner, outer = K.minimum(size, edge), relu(size - edge, K)
    return inner * inner + K.number(2) * edge * outer


@operation(cp.rel_entr, cp.kl_div)
def relative_entropy(node: Any, values: list[Any], K: Any) -> Any:
    """``x log(x / y)``, and with ``- x + y`` for kl_div."""
    x, y = aligned(node, values)
    total = x * (K.log(x) - K.log(y))
    return total - x + y if isinstance(node, cp.kl_div) else total


@scalar(cp.entr)
def entr(node: Any, t: Any, K: Any) -> Any:
    """``-t log t``."""
    return -t * K.log(t)

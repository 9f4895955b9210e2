"""Scalar functions, each once, in any arithmetic K (see `cvxnet.functions.arithmetic`).

A formula takes its arguments, then its options, then the arithmetic, and works entry by entry.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def exp(t: Any, K: Any) -> Any:
    """``exp(t)``."""
    return K.exp(t)


def log(t: Any, K: Any) -> Any:
    """``log(t)``."""
    return K.log(t)


def log1p(t: Any, K: Any) -> Any:
    """``log(1 + t)``."""
    return K.log(t + K.number(1))


def xexp(t: Any, K: Any) -> Any:
    """``t exp(t)`` for t >= 0."""
    return K.not_below(t, 0.0) * K.exp(t)


def entropy(t: Any, K: Any) -> Any:
    """``-t log t``."""
    return -t * K.log(t)


def relative_entropy(x: Any, y: Any, K: Any) -> Any:
    """``x log(x / y)``."""
    return x * (K.log(x) - K.log(y))


def divergence(x: Any, y: Any, K: Any) -> Any:
    """``x log(x / y) - x + y``."""
    return relative_entropy(x, y, K) - x + y


def one_minus(t: Any, K: Any) -> Any:
    """``1 - t``."""
    return K.number(1) - t


def absolute(t: Any, K: Any) -> Any:
    """``|t|``."""
    return K.absolute(t)


def softplus(t: Any, K: Any) -> Any:
    """``log(1 + exp(t))``."""
    return K.softplus(t)


def tanh(t: Any, K: Any) -> Any:
    """``tanh(t)``."""
    return K.tanh(t)


def sigmoid(t: Any, K: Any) -> Any:
    """``1 / (1 + exp(-t)) = (1 + tanh(t / 2)) / 2``."""
    half = K.number(0.5)
    return half + half * K.tanh(half * t)


def silu(t: Any, K: Any) -> Any:
    """``t sigmoid(t)``."""
    return t * sigmoid(t, K)


def normal(t: Any, K: Any) -> Any:
    """The normal distribution function."""
    return K.normal(t)


def gelu(t: Any, K: Any) -> Any:
    """``t`` times the normal distribution function."""
    return t * K.normal(t)


def sign(t: Any, K: Any) -> Any:
    """-1, 0 or 1."""
    return K.sign(t)


def threshold(t: Any, K: Any) -> Any:
    """1 for t >= 0, else 0."""
    return K.step(t)


def relu(t: Any, K: Any) -> Any:
    """``max(t, 0)``."""
    return K.maximum(t, K.number(0))


def leaky_relu(t: Any, slope: Any, K: Any) -> Any:
    """``max(t, 0) + slope min(t, 0)``."""
    return relu(t, K) + K.number(slope) * K.minimum(t, K.number(0))


def elu(t: Any, alpha: Any, K: Any) -> Any:
    """``max(t, 0) + alpha (exp(min(t, 0)) - 1)``."""
    return relu(t, K) + K.number(alpha) * K.expm1(K.minimum(t, K.number(0)))


def squareplus(t: Any, b: Any, K: Any) -> Any:
    """``(t + sqrt(t^2 + b)) / 2``."""
    return K.number(0.5) * (t + K.power(t * t + K.number(b), Fraction(1, 2)))


def hardtanh(t: Any, low: Any, high: Any, K: Any) -> Any:
    """``t`` clipped."""
    return K.minimum(K.maximum(t, K.number(low)), K.number(high))


def huber(t: Any, M: Any, K: Any) -> Any:
    """``t^2`` up to M, then ``2 M |t| - M^2``."""
    size, edge = K.absolute(t), K.number(M)
    inner, outer = K.minimum(size, edge), relu(size - edge, K)
    return inner * inner + K.number(2) * edge * outer

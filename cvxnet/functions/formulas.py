"""Scalar functions, each once, in any arithmetic K (see `cvxnet.functions.arithmetic`).

A formula takes its arguments, then its options, then the arithmetic, and works entry by entry. It
is written so that nothing cancels or overflows: the same line serves doubles, tensors of torch and
the operators of an ONNX graph.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cvxnet.functions.arithmetic import Arithmetic

HALF = Fraction(1, 2)
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
"""The two constants of Klambauer, Unterthiner, Mayr and Hochreiter (2017)."""


def exp(t: Any, K: Arithmetic) -> Any:
    """``exp(t)``."""
    return K.exp(t)


def log(t: Any, K: Arithmetic) -> Any:
    """``log(t)``."""
    return K.log(t)


def log1p(t: Any, K: Arithmetic) -> Any:
    """``log(1 + t)``."""
    return K.log1p(t)


def xexp(t: Any, K: Arithmetic) -> Any:
    """``t exp(t)`` for t >= 0."""
    return K.not_below(t, 0.0) * K.exp(t)


def entropy(t: Any, K: Arithmetic) -> Any:
    """``-t log t``, 0 at 0."""
    return -K.times_log(t)


def relative_entropy(x: Any, y: Any, K: Arithmetic) -> Any:
    """``x log(x / y)``."""
    return x * (K.log(x) - K.log(y))


def divergence(x: Any, y: Any, K: Arithmetic) -> Any:
    """``x log(x / y) - x + y``."""
    return relative_entropy(x, y, K) - x + y


def power(t: Any, p: Fraction, K: Arithmetic) -> Any:
    """``t^p`` on CVXPY's domain."""
    return t * t if p == 2 else K.power(t, p)


def one_minus(t: Any, K: Arithmetic) -> Any:
    """``1 - t``."""
    return K.number(1) - t


def absolute(t: Any, K: Arithmetic) -> Any:
    """``|t|``."""
    return K.absolute(t)


def relu(t: Any, K: Arithmetic) -> Any:
    """``max(t, 0)``."""
    return K.maximum(t, K.number(0))


def squared_relu(t: Any, K: Arithmetic) -> Any:
    """``max(t, 0)^2``."""
    positive = relu(t, K)
    return positive * positive


def leaky_relu(t: Any, slope: Any, K: Arithmetic) -> Any:
    """``max(t, 0) + slope min(t, 0)``."""
    return relu(t, K) + K.number(slope) * K.minimum(t, K.number(0))


def elu(t: Any, alpha: Any, K: Arithmetic) -> Any:
    """``max(t, 0) + alpha (exp(min(t, 0)) - 1)``."""
    return relu(t, K) + K.number(alpha) * K.expm1(K.minimum(t, K.number(0)))


def celu(t: Any, alpha: Any, K: Arithmetic) -> Any:
    """``max(t, 0) + alpha (exp(min(t, 0) / alpha) - 1)``."""
    return K.number(alpha) * elu(t / K.number(alpha), 1, K)


def selu(t: Any, K: Arithmetic) -> Any:
    """``scale * elu(t, alpha)`` with the constants of self-normalising networks."""
    return K.number(SELU_SCALE) * elu(t, SELU_ALPHA, K)


def softplus(t: Any, K: Arithmetic) -> Any:
    """``log(1 + exp(t)) = max(t, 0) + log(1 + exp(-|t|))``."""
    return relu(t, K) + K.log1p(K.exp(-K.absolute(t)))


def scaled_softplus(t: Any, beta: Any, K: Arithmetic) -> Any:
    """``log(1 + exp(beta t)) / beta``."""
    return softplus(K.number(beta) * t, K) / K.number(beta)


def squareplus(t: Any, b: Any, K: Arithmetic) -> Any:
    """``(t + sqrt(t^2 + b)) / 2 = max(t, 0) + b/2 / (|t| + sqrt(t^2 + b))``."""
    root = K.power(t * t + K.number(b), HALF)
    return relu(t, K) + K.number(b / 2) / (K.absolute(t) + root)


def tanh(t: Any, K: Arithmetic) -> Any:
    """``tanh(t)``."""
    return K.tanh(t)


def sigmoid(t: Any, K: Arithmetic) -> Any:
    """``1 / (1 + exp(-t))``."""
    return K.sigmoid(t)


def silu(t: Any, K: Arithmetic) -> Any:
    """``t sigmoid(t)``."""
    return t * K.sigmoid(t)


def normal(t: Any, K: Arithmetic) -> Any:
    """The normal distribution function."""
    return K.normal(t)


def gelu(t: Any, K: Arithmetic) -> Any:
    """``t`` times the normal distribution function."""
    return t * K.normal(t)


def hardtanh(t: Any, low: Any, high: Any, K: Arithmetic) -> Any:
    """``t`` clipped."""
    return K.minimum(K.maximum(t, K.number(low)), K.number(high))


def sign(t: Any, K: Arithmetic) -> Any:
    """-1, 0 or 1."""
    return K.sign(t)


def threshold(t: Any, K: Arithmetic) -> Any:
    """1 for t >= 0, else 0."""
    return K.step(t)


def huber(t: Any, M: Any, K: Arithmetic) -> Any:
    """``t^2`` up to M, then ``2 M |t| - M^2``."""
    size, edge = K.absolute(t), K.number(M)
    inner, outer = K.minimum(size, edge), relu(size - edge, K)
    return inner * inner + K.number(2) * edge * outer

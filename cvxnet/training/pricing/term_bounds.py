"""Bounds on one term ``F(t) = side phi(t)``, side = +1 or -1, over an interval of t.

For phi = tanh and phi = (t)_+^2: the value and the slope, a line above F, and the largest second
derivative of F. They are what `cvxnet.training.pricing.box_search` adds up over the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atanh, sqrt, tanh

import numpy as np
from numba import njit

from cvxnet.types import Array

TANH, SQUARED_RELU = 0, 1
INFLECTION = atanh(1.0 / sqrt(3.0))
"""Where the second derivative of tanh is extreme, with the sign opposite to that of t."""

FUNCTIONS: dict[int, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    TANH: (np.tanh, lambda t: 1.0 - np.tanh(t) ** 2),
    SQUARED_RELU: (lambda t: np.maximum(t, 0.0) ** 2, lambda t: 2.0 * np.maximum(t, 0.0)),
}
"""phi and its slope on arrays."""


@njit(cache=True)
def value_and_slope(phi, t):  # type: ignore[no-untyped-def]
    """``phi(t)`` and ``phi'(t)``."""
    if phi == TANH:
        f = tanh(t)
        return f, 1.0 - f * f
    positive = max(t, 0.0)
    return positive * positive, 2.0 * positive


@njit(cache=True)
def line_above(phi, side, low, high):  # type: ignore[no-untyped-def]
    """``(s, a)`` with ``F(t) <= a + s t`` on the interval: the secant, moved up until it touches.

    ``a`` is the largest ``F(t) - s t``, at an end or where F is concave and its slope is s.
    """
    f_low, f_high = side * value_and_slope(phi, low)[0], side * value_and_slope(phi, high)[0]
    s = (f_high - f_low) / (high - low) if high > low else 0.0
    top = max(f_low - s * low, f_high - s * high)
    touch = side * np.inf
    if phi == TANH and 0.0 < abs(s) < 1.0:
        touch = side * atanh(sqrt(1.0 - abs(s)))
    elif phi == SQUARED_RELU and side < 0.0:
        touch = -0.5 * s
    if low < touch < high:
        top = max(top, side * value_and_slope(phi, touch)[0] - s * touch)
    return s, top


@njit(cache=True)
def largest_bend(phi, side, low, high):  # type: ignore[no-untyped-def]
    """The largest second derivative of F on the interval."""
    if phi == SQUARED_RELU:
        if side > 0.0:
            return 2.0 if high > 0.0 else 0.0
        return -2.0 if low > 0.0 else 0.0
    if low <= -side * INFLECTION <= high:
        return bend(-INFLECTION)
    return max(side * bend(low), side * bend(high))


@njit(cache=True)
def bend(t):  # type: ignore[no-untyped-def]
    """The second derivative of tanh."""
    f = tanh(t)
    return -2.0 * f * (1.0 - f * f)

"""Which layer a function is that somebody wrote as a formula: found by its values.

Exporters take activations apart, each in its own way: ``z * Sigmoid(z)``, ``0.5 z (1 + Erf(z /
sqrt(2)))``. A formula is what its values are, so it is compared with every activation that cvxnet
has, with the numbers in the formula as options.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from cvxnet.errors import InputError
from cvxnet.interop.folding import linear
from cvxnet.layers import LayerNorm, LogSumExp, Softmax, activations
from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

Function = Callable[[Array], Array]

ACTIVATIONS = sorted(
    (
        kind
        for kind in vars(activations).values()
        if isinstance(kind, type) and issubclass(kind, Activation) and kind is not Activation
    ),
    key=lambda kind: len(kind.arguments),
)
"""Those without options first, so that the absolute value is not a leaky rectifier."""
SHARPEST = 1e-10
"""Formulas lose digits: two that agree to so many are the same."""
MOST_NUMBERS = 16
"""No activation is written with so many different ones."""
DECADES = np.logspace(-6.0, 6.0, 25)
POINTS = np.concatenate([np.linspace(-30.0, 30.0, 101), DECADES, -DECADES, [0.0, -0.0]])
SURE = 30.0
"""Beyond, ``exp`` is large, and formulas may overflow where the activation does not."""


def identity(t: Array) -> Array:
    """``t`` itself."""
    return t


def activation_like(
    function: Function, numbers: frozenset[float], precision: float
) -> Activation | Function | None:
    """The activation with these values, `identity`, or None where it is none.

    Parameters
    ----------
    function : callable
        Of arrays, entry by entry.
    numbers : set of float
        The numbers in its formula: the options of the activation are among them, or are their
        negatives or reciprocals.
    precision : float
        Of these numbers, relative.

    Examples
    --------
    >>> activation_like(lambda t: np.maximum(t, 0.25 * t), frozenset({0.25}), 1e-16)
    LeakyReLU(slope=0.25)
    >>> activation_like(lambda t: t / (1.0 + np.exp(-t)), frozenset({1.0}), 1e-16)
    SiLU()
    >>> activation_like(np.cos, frozenset(), 1e-16) is None
    True
    """
    options = variants(numbers)
    points = np.concatenate([POINTS, *(np.array([c - 1.0, c, c + 1.0, 2.0 * c]) for c in options)])
    with np.errstate(all="ignore"):
        values = np.asarray(function(points), dtype=np.float64)
        sure = (np.abs(points) <= SURE) | np.isfinite(values)
        points, values = points[sure], values[sure]
        tried = [(error(points, values), identity), *tries(points, values, options)]
    best, found = min(tried, key=lambda pair: pair[0])
    return found if best <= max(SHARPEST, 8.0 * precision) else None


def stretched_like(
    function: Function, numbers: frozenset[float], precision: float
) -> tuple[float, Activation] | None:
    """A number c and an activation a, if the function is ``a(c t) / c``.

    Examples
    --------
    >>> stretched_like(lambda t: np.minimum(t, 0.0), frozenset(), 1e-16)
    (-1.0, ReLU())
    """
    for c in sorted({-1.0, *numbers}):
        if c not in (0.0, 1.0) and 1e-6 < abs(c) < 1e6:
            found = activation_like(partial(stretched, function, c), numbers, precision)
            if isinstance(found, Activation):
                return c, found
    return None


def stretched(function: Function, c: float, t: Array) -> Array:
    """``c f(t / c)``."""
    return c * function(t / c)


def tries(
    points: Array, values: Array, options: list[float]
) -> Iterator[tuple[float, Activation | Function]]:
    """Every activation with every choice of options, and how far it is from the values."""
    for kind in ACTIVATIONS:
        for choice in itertools.permutations(options, len(kind.arguments)):
            try:
                activation = kind(*choice)
            except InputError:
                continue  # not a value that this option can have
            yield error(activation.values(points), values), activation


def variants(numbers: frozenset[float]) -> list[float]:
    """The numbers that options may be, at most some.

    Examples
    --------
    >>> variants(frozenset({4.0}))
    [-4.0, -1.0, 0.0, 0.25, 1.0, 4.0]
    """
    kept = [c for c in numbers if np.isfinite(c) and abs(c) < 1e6][:MOST_NUMBERS]
    inverted = [1.0 / c for c in kept if abs(c) > 1e-6]
    return sorted({0.0, 1.0, -1.0, *kept, *(-c for c in kept), *inverted})


def row_function_like(
    function: Function, width: int, numbers: frozenset[float], precision: float
) -> Layer | None:
    """The same for functions of whole rows: a normalisation, softmax, the log of sums of exp,

    or a linear function, such as a mean.

    Examples
    --------
    >>> def formula(z):
    ...     return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    >>> row_function_like(formula, 3, frozenset(), 1e-16)
    Softmax()
    """
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((9, width)) * np.repeat([[0.001], [1.0], [5.0]], 3, axis=0)
    kinds: list[Layer] = [Softmax(), LogSumExp()]
    kinds += [LayerNorm(width, eps) for eps in sorted(numbers) if 0.0 < eps < 1.0]
    with np.errstate(all="ignore"):
        values = np.asarray(function(rows), dtype=np.float64)
        columns = function(np.vstack([np.eye(width), np.zeros((1, width))]))
        kinds.append(linear((columns[:-1] - columns[-1]).T, columns[-1]))
        errors = [error(kind(rows), values) for kind in kinds]
    best = int(np.argmin(errors))
    return kinds[best] if errors[best] <= max(SHARPEST, 8.0 * precision) else None


def error(found: Array, expected: Array) -> float:
    """The largest difference, relative to numbers above one; infinite where one is no number."""
    if found.shape != expected.shape:
        return np.inf
    differences = np.abs(found - expected) / np.maximum(np.abs(expected), 1.0)
    return float(np.nan_to_num(differences, nan=np.inf).max(initial=0.0))

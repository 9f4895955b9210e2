"""The ends of the bracket.

Upper: the objective of a network bounds the optimum from above, as it is one of its values.
Lower: l(f) >= v.f - l*(v) for all predictions f. A unit u with the output weight a adds
a phi_u(x_i) to f_i, so v.f >= -sum_j |a_j| |g(u_j)|, g(u) = sum_i v_i phi_u(x_i), and that is at
least minus the penalty if rho(v) = max |g| <= beta over the units of a family (units.py). An
output bias c adds c to all f_i, a skip connection s adds s . x_i: they are free, so v must not
see them, sum_i v_i = 0 and sum_i v_i x_i = 0. Together: objective >= -l*(v), whatever the
network and its width.

With several outputs a, g, f_i and v_i have one number for each, . is the inner product and |.| the
Euclidean norm. With one output and only units with a >= 0, v.f is at least -sum_j a_j max(0, -g),
with a <= 0 likewise for g: bounds of one sign are enough. (Fenchel's inequality; Rockafellar,
Convex Analysis, 1970, section 31.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from flint import fmpq

from .claims import Claims, as_rows, exact_rows, hidden_weights, samples
from .document import RefusalError
from .dual import dual_vectors
from .exact import Number, balls, enclosed, inner, integers, matrix_of, outward, rational
from .families import units_of
from .losses import LOSSES
from .sparse import Sparse, combined, times_weights
from .units import Units

MAX_PRODUCTS = 10**9  # samples * features that units see * (units + gates)
MAX_FEATURES = 10**8  # samples * (units + gates)
PORTION = 1000  # samples whose features are in memory together


def bracket(claims: Claims) -> tuple[float, float]:
    """Both ends, rounded outward; the lower one counts only if ``rho(v) <= beta``."""
    n, d, width = len(claims.X), claims.X.width, len(claims.a)
    if units_of(claims).linear:  # which see each number of the data once, however many they are
        d, width = (len(claims.X.values) // n if isinstance(claims.X, Sparse) else d), 1
    elif gates := claims.units.get("gates", ()):
        width += len(gates)
    else:
        d = len(columns_seen(hidden_weights(claims), d + 1))
    if n * (d + claims.outputs) * width > MAX_PRODUCTS or n * width > MAX_FEATURES:
        raise RefusalError(f"too large: {n} samples, {d} features, {width} units and gates")
    with balls():
        lower = min(outward(dual_value(claims, v), -math.inf) for v in dual_vectors(claims))
        return lower, outward(objective(claims), math.inf)


def objective(claims: Claims) -> Number:
    """The network's training objective."""
    loss, penalty = loss_and_penalty(claims)
    return loss + rational(claims.weight_decay) * penalty


def loss_and_penalty(claims: Claims) -> tuple[Number, Number]:
    """The network's loss, and its penalty without the weight decay."""
    loss, units = LOSSES[claims.loss], units_of(claims)
    penalty = sum(map(units.price, range(len(claims.a))), fmpq(0))
    total: Number = fmpq(0)
    for f, y, w in samples(claims, predictions(claims, units)):
        total += w * loss.of(f, y)
    return total, penalty


def predictions(claims: Claims, units: Units) -> Iterable[list[Number]]:
    """``f(x_i) = sum_j a_j phi_j(x_i) + c + s . x_i``, a row for each sample."""
    if units.linear and claims.s is None:
        return linear_predictions(claims, units)
    return in_portions(claims, units)


def in_portions(claims: Claims, units: Units) -> Iterator[list[Number]]:
    """The same of units that need not be linear."""
    X, x_scale = integers([*row, 1.0] for row in claims.X)
    W, w_scale = integers(hidden_weights(claims))
    seen = columns_seen(W, len(X[0]))
    V = matrix_of([[row[k] for row in W] for k in seen], len(W))
    free, scale = integers(free_weights(claims))
    for start in range(0, len(X), PORTION):
        part = X[start : start + PORTION]
        Z = matrix_of([[row[k] for k in seen] for row in part], len(seen)) * V
        for x, row in zip(part, units.outputs(Z, x_scale * w_scale, start), strict=True):
            yield [fmpq(inner(b, x), x_scale * scale) + f for b, f in zip(free, row, strict=True)]


def linear_predictions(claims: Claims, units: Units) -> list[list[Number]]:
    """``(sum_j a_j u_j) . x_i + c``, of units that are linear in x."""
    a, c = units.output_weights, claims.outputs
    biases = [rational(b) for b in claims.b or [0.0] * len(a)]
    total = exact_rows([[0.0] * c if claims.c is None else claims.c])[0]
    for b, outputs in zip(biases, a, strict=True):
        total = [t + b * weight for t, weight in zip(total, outputs, strict=True)]
    seen = times_weights(claims.X, combined(claims.W, a), c)
    return [[x + t for x, t in zip(row, total, strict=True)] for row in seen]


def columns_seen(W: Sequence[Sequence[float]], count: int) -> list[int]:
    """Those of the columns of X, and of ones, in which some unit has a weight; the last for none.

    >>> columns_seen([[0, 2, 0], [0, 0, 3]], 3)
    [1, 2]
    """
    return [k for k in range(count) if any(row[k] for row in W)] or [count - 1]


def free_weights(claims: Claims) -> list[list[float]]:
    """For each output, s and then c; zeros where there are none."""
    zeros = [0.0] * claims.outputs
    s = claims.s or [zeros] * len(claims.X[0])
    rows = as_rows([*s, zeros if claims.c is None else claims.c])
    return list(map(list, zip(*rows, strict=True)))


def dual_value(claims: Claims, v: Sequence[Sequence[fmpq]]) -> Number:
    """``-l*(v)``."""
    loss = LOSSES[claims.loss]
    total: Number = fmpq(0)
    for sample in samples(claims, v):
        total = enclosed(total - loss.conjugate_of(*sample))
    return total

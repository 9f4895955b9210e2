"""The ends of the bracket.

Upper: the objective of a network bounds the optimum from above, as it is one of its values.
Lower: l(f) >= v.f - l*(v) for all predictions f. A unit u with the output weight a adds
a phi_u(x_i) to f_i, so v.f >= -sum_j |a_j| |g(u_j)|, g(u) = sum_i v_i phi_u(x_i), and that is at
least minus the penalty if rho(v) = max |g| <= beta over the units of a family (units.py). An
output bias c adds c to all f_i, a skip connection s adds s . x_i: they are free, so v must not
see them, sum_i v_i = 0 and sum_i v_i x_i = 0. Together: objective >= -l*(v), whatever the
network and its width. (Fenchel's inequality; Rockafellar, Convex Analysis, 1970, section 31.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import fmpq

from .claims import Claims, hidden_weights, samples
from .document import RefusalError
from .dual import dual_vector
from .exact import Number, balls, inner, integers, outward, products, rational
from .families import units_of
from .losses import LOSSES
from .units import Units

MAX_PRODUCTS = 3 * 10**8  # samples * features * (units + gates)
MAX_FEATURES = 10**7  # samples * (units + gates)


def bracket(claims: Claims) -> tuple[float, float]:
    """Both ends, rounded outward; the lower one counts only if ``rho(v) <= beta``."""
    n, d, width = len(claims.X), len(claims.X[0]), len(claims.a)
    width += len(claims.units.get("gates", ()))
    if n * (d + 1) * width > MAX_PRODUCTS or n * width > MAX_FEATURES:
        raise RefusalError(f"too large: {n} samples, {d} features, {width} units and gates")
    with balls():
        lower = outward(dual_value(claims, dual_vector(claims)), -math.inf)
        return lower, outward(objective(claims), math.inf)


def objective(claims: Claims) -> Number:
    """The network's training objective."""
    loss, units = LOSSES[claims.loss], units_of(claims)
    penalty = sum(map(units.price, range(len(claims.a))), fmpq(0))
    total: Number = rational(claims.weight_decay) * penalty
    for f, y, w in samples(claims, predictions(claims, units)):
        total += w * loss.value(y * f if loss.labels else f - y)
    return total


def predictions(claims: Claims, units: Units) -> list[Number]:
    """``f(x_i) = sum_j a_j phi_j(x_i) + c + s . x_i``."""
    X, x_scale = integers([*row, 1.0] for row in claims.X)
    W, w_scale = integers(hidden_weights(claims))
    (line,), scale = integers([[*(claims.s or [0.0] * len(claims.X[0])), claims.c or 0.0]])
    return [
        fmpq(inner(line, x), x_scale * scale) + units.combined(row, x_scale * w_scale, i)
        for i, (x, row) in enumerate(zip(X, products(W, X), strict=True))
    ]


def dual_value(claims: Claims, v: Sequence[fmpq]) -> Number:
    """``-l*(v)``."""
    loss = LOSSES[claims.loss]
    total: Number = fmpq(0)
    for v_i, y, w in samples(claims, v):
        if loss.room(v_i, y, w) < 0:
            domain = f"-y_i v_i / w_i is outside [0, {loss.end or 'inf'}]"
            shown = domain if loss.labels else "|v_i| / w_i > 1"
            raise RefusalError(f"the dual vector proves nothing: some {shown}")
        total -= w * loss.conjugate((-y * v_i if loss.labels else v_i) / w)
        total -= 0 if loss.labels else v_i * y
    return total

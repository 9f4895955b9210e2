"""Certificates whose bracket is evaluated in floating point, for want of time to do it exactly.

The ends that a certificate claims are those of its network and dual vector, rounded outward, and
whoever checks it evaluates them exactly. To do so when it is made takes some ten microseconds for
each sample, which for a million of them is longer than many time limits. Here the same ends are
rounded outward by bounds on all rounding errors instead, with EPS = 2^-53 and twice of what is
needed everywhere:

* A prediction ``sum_j a_j phi(x.w_j + b_j)`` of m units in d columns is off by less than
  ``(m + d + 20) 2 EPS sum_j |a_j| (|x|.|w_j| + |b_j|)``, as the slopes of phi are at most one.
* A loss is convex, so at the true prediction it is no larger than at one of the two ends of that
  interval. Its terms are not negative, and each is had by a few operations without cancellation.
* A term of the conjugate is off by less than ROOM times ``|v| (|v| + |y|)``, its own size and, with
  labels, whose entropies have a logarithm near one, one more.

`math.fsum` rounds a sum once. Underflow is below all that is added.
"""

from __future__ import annotations

import math

import numpy as np

from cvxnet.objective import Objective, Weights
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.checking import KINKED
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.certificates import ROOM as SHORTER
from cvxnet.training.certificates import certificate_seconds
from cvxnet.types import Array

EPS, ROOM, TINY = 2.0**-53, 2.0**-46, 2.0**-1000
RESERVED, SPARED, ENOUGH = 0.5, 0.25, 0.5
"""Of the time left, what is kept free for a certificate at most, and for an exact one where it can
be had in floating point; and of what that takes, what has to be left in the end for it to begin."""
READING = 1e-5
"""Seconds that a certificate takes otherwise, for each sample."""
SLOPES = {"relu": 0.0, "abs": -1.0}
"""Of units below zero; others have it among their options."""
ROWS = 8192
"""Predictions are had for so many samples at a time."""
LOSSES = ("squared", "logistic", "hinge", "squared_hinge", "absolute")
"""Whose terms are had without cancellation."""


def seconds_reserved(objective: Objective, left: float) -> float:
    """What of the time left is kept free for the certificate."""
    exactly = certificate_seconds(objective)
    if exactly > SPARED * left and can_be_rounded(objective):
        exactly = READING * len(objective.y)
    return min(exactly, RESERVED * left)


def certificate_in_haste(
    objective: Objective, weights: Weights, bracket: Bracket, left: float
) -> Certificate | None:
    """The certificate in floating point, where an exact one takes much longer than what is left."""
    late = ENOUGH * certificate_seconds(objective) > left
    if not (late and can_be_rounded(objective)) or bracket.evidence is not None:
        return None
    v = Proof(bracket.dual).times(1.0 / (1.0 + SHORTER)).v
    lower, upper = rounded_ends(objective, weights, v)
    if not lower <= upper < np.inf:
        return None
    return Certificate(objective=objective, weights=weights, v=v, lower=lower, upper=upper)


def can_be_rounded(objective: Objective) -> bool:
    """Whether the derivation above is about such networks and losses."""
    plain = not (objective.form.output_bias or objective.form.skip or objective.width)
    plain = plain and objective.sample_weight is None and objective.outputs == 1
    kinked = objective.units.name in KINKED and objective.norm == "l2"
    return plain and kinked and objective.loss.name in LOSSES


def rounded_ends(objective: Objective, weights: Weights, v: Array) -> tuple[float, float]:
    """Both ends of the bracket, rounded outward; infinite where they overflow or prove nothing.

    Examples
    --------
    >>> from cvxnet.objective import make_objective
    >>> options = {"loss": "squared", "weight_decay": 0.1, "bias": False}
    >>> objective = make_objective("relu", [[-1], [1]], [1, 2], **options)
    >>> root = np.sqrt([0.9, 1.9])
    >>> weights = Weights(W=np.array([[-root[0]], [root[1]]]), b=None, a=root)
    >>> lower, upper = rounded_ends(objective, weights, np.array([-0.1, -0.1]))
    >>> 0.0 < upper - lower < 1e-13
    True
    """
    y, loss = objective.y, objective.loss
    with np.errstate(over="ignore", invalid="ignore"):
        f, error = predictions(objective, weights)
        worst = np.maximum(loss.terms(f - error, y), loss.terms(f + error, y))
        given = [weights.W, weights.a, *([] if weights.b is None else [weights.b])]
        squares = [np.square(part).ravel() for part in given]
        penalty = 0.5 * objective.weight_decay * math.fsum(np.concatenate(squares))
        upper = (math.fsum(worst) + penalty) * (1.0 + ROOM) + TINY
        conjugate = loss.conjugate_terms(v, y)
        size = np.abs(v) * (np.abs(v) + np.abs(y)) + np.abs(conjugate) + float(loss.labels)
        lower = -math.fsum(conjugate) - ROOM * math.fsum(size) - TINY
    return lower if np.isfinite(lower) else -np.inf, upper if np.isfinite(upper) else np.inf


def predictions(objective: Objective, weights: Weights) -> tuple[Array, Array]:
    """Those of the network, (n,), and how far each may be off."""
    X, W, a = objective.X, np.asarray(weights.W), weights.a
    b = np.zeros(len(W)) if weights.b is None else weights.b
    slope = SLOPES.get(objective.units.name) or objective.units.options.get("slope", 0.0)
    f = np.concatenate(
        [outputs_of(X[k : k + ROWS] @ W.T + b, slope, a) for k in range(0, len(X), ROWS)]
    )
    sizes = np.abs(X) @ (np.abs(a) @ np.abs(W)) + np.abs(a) @ np.abs(b)
    return f, (W.size // max(len(W), 1) + len(W) + 20) * 2.0 * EPS * sizes + TINY


def outputs_of(Z: Array, slope: float, a: Array) -> Array:
    """What units with that slope below zero make of their inputs (n, m), with output weights."""
    return np.asarray((np.maximum(Z, 0.0) + slope * np.minimum(Z, 0.0)) @ a)

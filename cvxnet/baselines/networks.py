"""Networks of gradient training: measured by the objective in plain numpy, and as layers.

A network is ``f(x) = sum_j a_j phi(u_j . x) + c + s . x``; in the first term ``x`` ends with a one
where hidden units have a bias, so the bias is a weight like the others. Output bias ``c`` and skip
connection ``s`` are there where asked for, and free. The objective is

    sum of losses + weight_decay / 2 * sum_j (|u_j|^2 + a_j^2),

for the norm l2 the squared weights of both layers. Losses may have weights. With either norm the
penalty on ``u_j, a_j`` is at least ``|u_j| |a_j|``, with equality where ``|u_j| = |a_j|``, which
scaling one against the other reaches without changing the network: so the infimum is the optimum
of `cvxnet.train`. Units of fixed length (see `cvxnet.train`: hidden weights of
length one, penalty ``weight_decay * sum |a_j|``) are trained with free weights ``w_j``, ``c_j`` for

    u_j = w_j / |w_j|,  a_j = c_j |w_j|,  penalty  1/2 (|w_j|^2 + c_j^2) >= |c_j| |w_j| = |a_j|,

with equality where ``|w_j| = |c_j|``, which the same scaling reaches. Gradients are those of the
penalty on ``w_j, c_j``, as of any weight decay; networks are measured by the penalty on ``a_j``.

With c outputs ``a_j`` is a row and ``|a_j|`` its length, and all of this holds as it stands.

Where output weights have to have one sign, numbers ``c_j`` of any sign are trained, and
``a_j = +-|c_j|``: their squares, and so the penalty, are the same.

A network is three arrays: ``W`` (m, d), the bias last where there is one, ``a`` (m,) or (m, c), and
``free`` (k,) or (k, c), the output bias and then the skip connection, where they are there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.layers import Layer, Sequential
from cvxnet.objective import Objective, Weights, network_of, read_network
from cvxnet.types import Array


def fixed_length(objective: Objective) -> bool:
    """Whether hidden weights have length one, so that other weights are trained in their place."""
    return not objective.units.traits.shared_decay


def value_of(objective: Objective, W: Array, a: Array, free: Array | None = None) -> float:
    """The objective of one network; infinite where it diverged.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> from cvxnet.objective import Form
    >>> objective = Objective(
    ...     units="relu", X=[[-1.0], [1.0]], y=[1.0, 2.0], loss=get_loss("squared"),
    ...     weight_decay=0.1, form=Form(bias=False),
    ... )
    >>> value_of(objective, np.array([[1.0]]), np.array([2.0]))
    0.75
    """
    if not all(np.isfinite(part).all() for part in (W, a, free) if part is not None):
        return np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(W, axis=1, ord=1 if objective.norm == "l1" else 2)
        decay = 0.5 * objective.weight_decay * float((lengths**2).sum() + (a**2).sum())
        decay -= float(excess_decay(objective, W, a))
        f = layers_of(objective, W, a, free)(objective.X).reshape(objective.y.shape)
        value = objective.weighted_loss.value(f, objective.y) + decay
    return value if np.isfinite(value) else np.inf


def value_of_network(objective: Objective, network: Layer) -> float:
    """The objective of an ordinary two-layer network; infinite where it is no finite number.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> objective = Objective(
    ...     units="relu", X=[[-1.0], [1.0]], y=[1.0, 2.0], loss=get_loss("squared"),
    ...     weight_decay=0.1,
    ... )
    >>> network = layers_of(objective, np.array([[1.0, 0.0]]), np.array([2.0]))
    >>> value_of_network(objective, network)
    0.75
    """
    weights = read_network(network).weights
    W = weights.W if weights.b is None else np.column_stack([weights.W, weights.b])
    several = weights.a.shape[1:]
    c = np.zeros((0, *several)) if weights.c is None else np.reshape(weights.c, (1, *several))
    s = np.zeros((0, *several)) if weights.s is None else np.reshape(weights.s, (-1, *several))
    return value_of(objective, W, weights.a, np.concatenate([c, s]))


def excess_decay(objective: Objective, W: Array, a: Array) -> Array:
    """How much the decay of ``w_j, c_j`` exceeds the penalty on ``a_j``: (..., m, d) -> (...).

    ``1/2 (|w|^2 + c^2) - |c| |w| = 1/2 (|w| - |c|)^2``; nothing for units of free length.
    """
    if not fixed_length(objective):
        return np.zeros(W.shape[:-2])
    difference = np.linalg.norm(W, axis=-1) - np.linalg.norm(a.reshape(*W.shape[:-1], -1), axis=-1)
    return np.asarray(0.5 * objective.weight_decay * (difference**2).sum(axis=-1))


def of_one_sign(objective: Objective, a: Any) -> Any:
    """Output weights of the sign that they must have, if there is one: an array or a tensor.

    >>> from cvxnet.losses import get_loss
    >>> concave = Objective(
    ...     units="abs", X=[[1.0]], y=[1.0], loss=get_loss("squared"), weight_decay=1.0,
    ...     output_weights="nonpos",
    ... )
    >>> of_one_sign(concave, np.array([2.0, -3.0])).tolist()
    [-2.0, -3.0]
    """
    signs = objective.output_signs
    return a if len(signs) == 2 else signs[0] * abs(a)


def weights_with(objective: Objective, W: Array, a: Array, free: Array | None = None) -> Weights:
    """The weights of the ordinary network, those of units of fixed length brought to it.

    Without ``free`` those are zero.
    """
    form, a = objective.form, of_one_sign(objective, a)
    if fixed_length(objective):
        lengths = np.linalg.norm(W, axis=1)
        W, a = W / np.where(lengths > 0.0, lengths, 1.0)[:, None], (a.T * lengths).T
    W, b = (W[:, :-1], W[:, -1]) if form.bias else (W, None)
    if free is None:
        free = np.zeros((form.output_bias + form.skip * W.shape[1], *a.shape[1:]))
    bias = free[0] if form.output_bias else None
    return Weights(
        W=W,
        b=b,
        a=a,
        c=float(bias) if bias is not None and bias.ndim == 0 else bias,
        s=free[int(form.output_bias) :] if form.skip else None,
    )


def layers_of(objective: Objective, W: Array, a: Array, free: Array | None = None) -> Sequential:
    """The ordinary network."""
    weights = weights_with(objective, W, a, free)
    return network_of(objective.units, weights, objective.output_weights)


def described(objective: Objective) -> dict[str, Any]:
    """What is minimised, ready for JSON, without the data."""
    return {
        "units": objective.units.name,
        "loss": objective.loss.name,
        "weight_decay": objective.weight_decay,
        "bias": objective.form.bias,
        "norm": objective.norm,
        "output_bias": objective.form.output_bias,
        "skip": objective.form.skip,
        "output_weights": objective.output_weights,
        "options": objective.units.options,
    }

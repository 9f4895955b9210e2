"""The objective that every optimiser here is trained on and measured by, in plain numpy.

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
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import (
    Abs,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Square,
    SquaredReLU,
)
from cvxnet.losses import Weighted, get_loss
from cvxnet.training.recovery import Form, Weights
from cvxnet.training.units import FAMILIES
from cvxnet.training.units.family import check_norm
from cvxnet.types import Array


@dataclass(frozen=True)
class Activation:
    """A unit family's activation as layers and on torch tensors; both take its options."""

    layers: Callable[..., list[Layer]]
    of_tensor: Callable[..., Any]
    fixed_length: bool = False


ACTIVATIONS = {
    "relu": Activation(lambda: [ReLU()], lambda z: z.relu()),
    "leaky_relu": Activation(
        lambda slope=0.01: [LeakyReLU(slope)],
        lambda z, slope=0.01: z.relu() - slope * (-z).relu(),
    ),
    "abs": Activation(lambda: [Abs()], lambda z: z.abs()),
    "linear": Activation(lambda: [], lambda z: z),
    "squared_relu": Activation(lambda: [SquaredReLU()], lambda z: z.relu().square(), True),
    "quadratic": Activation(lambda: [Square()], lambda z: z.square(), True),
}
FLAT = "their output does not change when the hidden weights move a little: there is no gradient"
NOT_TRAINED = {
    "sign": FLAT,
    "threshold": FLAT,
    "coordinate": "each is one feature, so there are no hidden weights to train",
    "gated_relu": "their gates are fixed, so gradient training of them is a convex problem already",
    "tanh": "their hidden weights are confined to a ball, which gradient training would leave",
    "polynomial": "no layer with one activation has their degree and constant as options",
}


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What is minimised. Data, without a column of ones, are given to each call.

    A network is three arrays: ``W`` (m, d), the bias last where there is one, ``a`` (m,), and
    ``free`` (k,), the output bias and then the skip connection, where they are there.

    Examples
    --------
    >>> objective = Objective(units="relu", loss="squared", weight_decay=0.1, bias=False)
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> objective.value(np.array([[1.0]]), np.array([2.0]), X, y)
    0.75
    """

    units: str
    loss: str
    weight_decay: float
    bias: bool
    norm: str = "l2"
    output_bias: bool = False
    skip: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def activation(self) -> Activation:
        """The row of the table that belongs to the units."""
        return ACTIVATIONS[self.units]

    @property
    def form(self) -> Form:
        """Which weights a network has."""
        return Form(self.bias, self.output_bias, self.skip)

    def value(
        self,
        W: Array,
        a: Array,
        X: Array,
        y: Array,
        free: Array | None = None,
        sample_weight: Array | None = None,
    ) -> float:
        """The objective of one network; infinite where it diverged."""
        if not all(np.isfinite(part).all() for part in (W, a, free) if part is not None):
            return np.inf
        loss = get_loss(self.loss)
        loss = loss if sample_weight is None else Weighted(loss, sample_weight)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(W, axis=1, ord=1 if self.norm == "l1" else 2)
            decay = 0.5 * self.weight_decay * float((lengths**2).sum() + (a**2).sum())
            decay -= float(self.excess_decay(W, a))
            value = loss.value(self.network(W, a, free)(X)[:, 0], y) + decay
        return value if np.isfinite(value) else np.inf

    def excess_decay(self, W: Array, a: Array) -> Array:
        """How much the decay of ``w_j, c_j`` exceeds the penalty on ``a_j``: (..., m, d) -> (...).

        ``1/2 (|w|^2 + c^2) - |c| |w| = 1/2 (|w| - |c|)^2``; nothing for units of free length.
        """
        if not self.activation.fixed_length:
            return np.zeros(a.shape[:-1])
        difference = np.linalg.norm(W, axis=-1) - np.abs(a)
        return np.asarray(0.5 * self.weight_decay * (difference**2).sum(axis=-1))

    def weights(self, W: Array, a: Array, free: Array | None = None) -> Weights:
        """The weights of the ordinary network, those of units of fixed length brought to it."""
        if self.activation.fixed_length:
            lengths = np.linalg.norm(W, axis=1)
            W, a = W / np.where(lengths > 0.0, lengths, 1.0)[:, None], a * lengths
        W, b = (W[:, :-1], W[:, -1]) if self.bias else (W, None)
        free = np.zeros(self.output_bias + self.skip * W.shape[1]) if free is None else free
        c = float(free[0]) if self.output_bias else None
        return Weights(W, b, a, c, free[int(self.output_bias) :] if self.skip else None)

    def network(self, W: Array, a: Array, free: Array | None = None) -> Sequential:
        """The ordinary network with these weights; without ``free`` those are zero."""
        w = self.weights(W, a, free)
        layers = self.activation.layers(**self.options)
        (m, d), last = w.W.shape, len(layers) + 1
        body = Sequential(
            Linear(d, m, bias=self.bias), *layers, Linear(m, 1, bias=self.output_bias)
        )
        state = {
            "0.weight": w.W,
            "0.bias": w.b,
            f"{last}.weight": w.a[None, :],
            f"{last}.bias": w.c,
        }
        body.load_state_dict({k: np.atleast_1d(v) for k, v in state.items() if v is not None})
        if w.s is None:
            return body
        skip = Linear(d, 1, bias=False).load_state_dict({"weight": w.s[None, :]})
        return Sequential(Residual(body, shortcut=skip))


def make_objective(
    units: Any,
    losses: Iterable[str],
    *,
    loss: Any,
    weight_decay: float,
    bias: bool,
    norm: str,
    output_bias: bool,
    skip: bool,
) -> Objective:
    """Check names; ``units`` may be a name, or a unit family with a name and options."""
    name, options = getattr(units, "name", units), dict(getattr(units, "options", {}))
    if name in NOT_TRAINED:
        raise UnsupportedError(
            f"compare does not train {name} units: {NOT_TRAINED[name]}. cvxnet.train solves them; "
            f"compare is there for {', '.join(ACTIVATIONS)}."
        )
    if name not in ACTIVATIONS:
        raise InputError(
            f"compare does not know the units {name!r}; it knows {', '.join(ACTIVATIONS)}."
        )
    if loss not in (known := tuple(losses)):
        raise InputError(f"compare does not know the loss {loss!r}; it knows {', '.join(known)}.")
    check_norm(FAMILIES[name], norm)
    return Objective(
        units=name,
        loss=loss,
        weight_decay=float(weight_decay),
        bias=bool(bias),
        norm=norm,
        output_bias=bool(output_bias),
        skip=bool(skip),
        options=options,
    )

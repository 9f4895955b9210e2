"""The objective that every optimiser here is trained on and measured by, in plain numpy.

A network is ``f(x) = sum_j a_j phi(u_j . x)``; ``x`` ends with a one where hidden units have a
bias, so the bias is a weight like the others. The objective is

    sum of losses + weight_decay / 2 * sum_j (|u_j|^2 + a_j^2),

the squared weights of both layers. Units of fixed length (see `cvxnet.train`: hidden weights of
length one, penalty ``weight_decay * sum |a_j|``) are trained with free weights ``w_j``, ``c_j`` for

    u_j = w_j / |w_j|,  a_j = c_j |w_j|,  penalty  1/2 (|w_j|^2 + c_j^2) >= |c_j| |w_j| = |a_j|,

with equality where ``|w_j| = |c_j|``, and there every unit can be scaled without changing the
network. So for them too the infimum is the optimum of `cvxnet.train`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Abs, Layer, LeakyReLU, Linear, ReLU, Sequential, Square, SquaredReLU
from cvxnet.losses import get_loss

Array = NDArray[np.float64]


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
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def activation(self) -> Activation:
        """The row of the table that belongs to the units."""
        return ACTIVATIONS[self.units]

    def value(self, W: Array, a: Array, X: Array, y: Array) -> float:
        """The objective of one network, W (m, d) and a (m,); infinite where it diverged."""
        if not (np.isfinite(W).all() and np.isfinite(a).all()):
            return np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            f = self.network(W, a)(X)[:, 0]
            decay = 0.5 * self.weight_decay * float((W**2).sum() + (a**2).sum())
            value = get_loss(self.loss).value(f, y) + decay
        return value if np.isfinite(value) else np.inf

    def values(self, W: Array, a: Array, X: Array, y: Array) -> Array:
        """The objective of each network of a batch, W (s, m, d) and a (s, m)."""
        return np.array([self.value(*one, X, y) for one in zip(W, a, strict=True)])

    def network(self, W: Array, a: Array) -> Sequential:
        """The ordinary network with these weights."""
        if self.activation.fixed_length:
            lengths = np.linalg.norm(W, axis=1)
            W, a = W / np.where(lengths > 0.0, lengths, 1.0)[:, None], a * lengths
        W, b = (W[:, :-1], W[:, -1]) if self.bias else (W, None)
        layers = self.activation.layers(**self.options)
        hidden = Linear(W.shape[1], len(W), bias=self.bias)
        network = Sequential(hidden, *layers, Linear(len(W), 1, bias=False))
        state = {"0.weight": W, f"{len(layers) + 1}.weight": a[None, :]}
        network.load_state_dict(state if b is None else state | {"0.bias": b})
        return network


def make_objective(
    units: Any, loss: Any, weight_decay: float, bias: bool, losses: Iterable[str]
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
    return Objective(
        units=name, loss=loss, weight_decay=float(weight_decay), bias=bool(bias), options=options
    )

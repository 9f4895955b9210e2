"""Losses, units and training objectives in plain numpy: no code shared with cvxnet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

LOSSES = ["squared", "logistic", "hinge", "squared_hinge", "absolute", "huber", "log_cosh"]
CLASSES = ["logistic", "hinge", "squared_hinge"]
"""The losses of two classes, -1 and +1."""
SMOOTH = ["squared", "logistic", "squared_hinge", "huber", "log_cosh"]
EXPONENTIAL = ["logistic", "log_cosh"]
"""Losses that need exponential cones."""
SHARED = ["relu", "leaky_relu", "abs", "linear", "gated_relu"]
"""Families whose two layers share the decay: ``beta/2 (|u|^2 + a^2)``."""


def loss_terms(loss: str, f: Array, y: Array) -> Array:
    """The loss of each sample."""
    r, q = f - y, y * f
    if loss == "huber":
        return np.where(np.abs(r) <= 1.0, 0.5 * r**2, np.abs(r) - 0.5)
    return {
        "squared": lambda: 0.5 * r**2,
        "absolute": lambda: np.abs(r),
        "log_cosh": lambda: np.abs(r) + np.log1p(np.expm1(-2.0 * np.abs(r)) / 2.0),
        "logistic": lambda: np.logaddexp(0.0, -q),
        "hinge": lambda: np.maximum(0.0, 1.0 - q),
        "squared_hinge": lambda: np.maximum(0.0, 1.0 - q) ** 2,
    }[loss]()


def loss_slopes(loss: str, f: Array, y: Array) -> Array:
    """The slope of each term, on the right of a kink or on its left."""
    r, q = f - y, y * f
    return {
        "squared": lambda: r,
        "absolute": lambda: np.sign(r),
        "log_cosh": lambda: np.tanh(r),
        "huber": lambda: np.clip(r, -1.0, 1.0),
        "logistic": lambda: -y * expit(-q),
        "hinge": lambda: np.where(q < 1.0, -y, 0.0),
        "squared_hinge": lambda: -2.0 * y * np.maximum(0.0, 1.0 - q),
    }[loss]()


@dataclass(frozen=True)
class Training:
    """``sum of weights * loss + beta * penalty`` of one family on ``rows``, a bias included.

    ``options`` are those of the family; gates have as many columns as ``rows``. ``free`` holds the
    columns whose coefficients are not penalised; ``signs`` those that output weights may have.
    Units are rows of ``U``, with any number of axes before, and ``a`` their output weights.
    """

    name: str
    rows: Array
    y: Array
    loss: str
    beta: float
    options: dict[str, Any] = field(default_factory=dict)
    norm: str = "l2"
    weights: Array | None = None
    free: Array | None = None
    signs: tuple[float, ...] = (1.0, -1.0)

    def outputs(self, U: Array, gate: Any = None) -> Array:
        """What each unit says on each sample: (..., m, r) -> (..., m, n)."""
        z = U @ self.rows.T
        if self.name == "gated_relu":
            return z * (self.options["gates"] @ self.rows.T >= 0.0)[gate]
        if self.name == "polynomial":
            p, q, r = self.options["coefficients"]
            t = z / np.linalg.norm(U, axis=-1, keepdims=True)
            return p * t**2 + q * t + r
        slope = self.options.get("slope", 0.0)
        return {
            "relu": lambda: np.maximum(z, 0.0),
            "leaky_relu": lambda: np.where(z > 0.0, z, slope * z),
            "abs": lambda: np.abs(z),
            "linear": lambda: z,
            "coordinate": lambda: z,
            "quadratic": lambda: z**2,
            "squared_relu": lambda: np.maximum(z, 0.0) ** 2,
            "tanh": lambda: np.tanh(z),
            "sign": lambda: np.sign(z),
            "threshold": lambda: np.where(z >= 0.0, 1.0, 0.0),
        }[self.name]()

    def lengths(self, U: Array) -> Array:
        """The length of each unit in the norm."""
        return np.linalg.norm(U, axis=-1, ord=1 if self.norm == "l1" else 2)

    def predictions(self, U: Array, a: Array, gate: Any = None, c: Array | None = None) -> Array:
        """The network's output on each sample, (..., n)."""
        f = (a[..., None] * self.outputs(U, gate)).sum(axis=-2)
        return f if c is None else f + c @ self.free.T

    def penalty(self, U: Array, a: Array) -> Array:
        """What weight decay is charged on."""
        length = self.lengths(U)
        if self.name in SHARED:
            return 0.5 * (length**2 + a**2).sum(axis=-1)
        if self.name in ("quadratic", "squared_relu"):
            return (np.abs(a) * length**2).sum(axis=-1)
        return np.abs(a).sum(axis=-1)

    def objective(self, U: Array, a: Array, gate: Any = None, c: Array | None = None) -> Array:
        """The training objective of a network, or of each of many."""
        terms = loss_terms(self.loss, self.predictions(U, a, gate, c), self.y)
        weights = np.ones(len(self.y)) if self.weights is None else self.weights
        return (weights * terms).sum(axis=-1) + self.beta * self.penalty(U, a)


def read_weights(
    network: Any, training: Training
) -> tuple[Array, Array, NDArray[np.int64] | None, Array | None]:
    """Units (m, r), output weights, gates and free weights of an ordinary network.

    The bias column comes last, as in ``rows``. The square in the network of a polynomial unit is
    undone: ``p t^2 + q t + r = p (t + q / 2p)^2 + r - q^2 / 4p``.
    """
    state = {key.removeprefix("0.body."): w for key, w in network.state_dict().items()}
    skip = state.pop("0.shortcut.weight", None)
    last = max(key.removesuffix(".weight") for key in state if key.endswith(".weight"))
    c, gate = state.get(f"{last}.bias"), None
    if training.name == "coordinate":
        U, a = np.eye(training.rows.shape[1]), state["0.weight"][0]
    else:
        U, a = state["0.weight"], state[f"{last}.weight"][0]
        if "0.bias" in state:
            U = np.column_stack([U, state["0.bias"]])
    if training.name == "gated_relu":
        chosen = state["0.gate_weight"]
        if "0.gate_bias" in state:
            chosen = np.column_stack([chosen, state["0.gate_bias"]])
        gate = np.argmin(((chosen[:, None] - training.options["gates"]) ** 2).sum(axis=2), axis=1)
    if training.name == "polynomial":
        p, q, r = training.options["coefficients"]
        a = a / p
        U[:, -1] -= q / (2.0 * p)
        U = U[:, : training.rows.shape[1]]
        c = c - a.sum() * (r - q * q / (4.0 * p))
    if training.free is None:
        return U, a, gate, None
    free = np.concatenate([np.ravel(part) for part in (c, skip) if part is not None])
    return U, a, gate, free[-training.free.shape[1] :]

"""The one objective by which every network is measured, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def losses(f: Any, Y: Any, loss: str) -> float:
    """The sum over the samples, of outputs f (n, c)."""
    if loss == "squared":
        return 0.5 * float(np.sum((f - Y) ** 2))
    if loss == "logistic":
        return float(np.logaddexp(0.0, -Y * f).sum())
    return float((np.logaddexp.reduce(f, axis=1) - f[np.arange(len(Y)), Y]).sum())


def objective(network: dict[str, Any], asked: dict[str, Any]) -> float:
    """Of a network with hidden weights W (m, d), biases b (m,), output weights A (c, m).

    Each unit is scaled so that its decay is least, which leaves the network's outputs as they are.
    """
    W, b, A = network["W"], network["b"], network["A"]
    f = np.maximum(asked["X"] @ W.T + b, 0.0) @ A.T
    lengths = np.sqrt(np.sum(W**2, axis=1) + b**2) * np.linalg.norm(A, axis=0)
    return losses(f, asked["Y"], str(asked["loss"])) + float(asked["weight_decay"]) * float(
        lengths.sum()
    )

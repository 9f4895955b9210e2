"""L-BFGS on the weights of a two-layer ReLU network, its gradient by hand: what others would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from cvxnet.losses import get_loss
from cvxnet.types import Array


@dataclass
class Network:
    """The objective of networks of one width: weights ``W, b, a`` in a row, then a free bias c."""

    X: Array
    y: Array
    loss: str
    decay: float
    width: int
    output_bias: bool = False

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """The objective and its gradient at ``x``."""
        A = np.column_stack([self.X, np.ones(len(self.X))])
        W, a, c = np.split(x, np.cumsum([self.width * A.shape[1], self.width]))
        W = W.reshape(self.width, -1)
        Z = A @ W.T
        loss = get_loss(self.loss)
        f = np.maximum(Z, 0.0) @ a + c.sum()
        v = loss.gradient(f, self.y)
        value = loss.value(f, self.y) + 0.5 * self.decay * float((W * W).sum() + a @ a)
        by_W = ((Z > 0.0) * np.outer(v, a)).T @ A + self.decay * W
        by_a = np.maximum(Z, 0.0).T @ v + self.decay * a
        return value, np.concatenate([by_W.ravel(), by_a, [v.sum()] * self.output_bias])

    def start(self, rng: np.random.Generator, hidden: float = 1.0, output: float = 1.0) -> Array:
        """Gaussian weights of so large standard deviations; no output bias."""
        W = hidden * rng.standard_normal((self.width, self.X.shape[1] + 1))
        a = output * rng.standard_normal(self.width)
        return np.concatenate([W.ravel(), a, [0.0] * self.output_bias])


def descend(
    objective: Callable[[Array], tuple[float, Array]],
    start: Array,
    callback: Callable[[Array], None] | None = None,
    **options: float,
) -> OptimizeResult:
    """SciPy's L-BFGS-B from `start`; without options until it stops by SciPy's tolerances."""
    limits = {"maxiter": 10**5, "maxfun": 10**6} | options
    return minimize(
        objective, start, jac=True, method="L-BFGS-B", callback=callback, options=limits
    )

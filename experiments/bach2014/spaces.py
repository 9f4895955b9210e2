"""Two ways to learn with the same units: F1 learns which units count, F2 takes them all.

With units ``(v.z)_+^alpha`` on ``z = (x, 1)``, F1 has the functions that integrate them against a
measure of finite mass: networks with weight decay, `cvxnet.train`. F2 asks for a density of finite
square norm with respect to the uniform distribution of v on the unit sphere: ridge regression with
an arc-cosine kernel. Both choose their regularisation on the same validation samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.kernel_ridge import KernelRidge

import cvxnet as cn
from cvxnet.types import Array
from experiments.report import Row

UNITS = {0: "threshold", 1: "relu", 2: "squared_relu"}
"""By alpha."""
SHARES = (0.2, 0.06, 0.02, 0.006)
"""Weight decays, relative to the largest useful one."""
FINE = (*SHARES, 0.002, 0.0006, 0.0002)
"""The same for data without many dimensions, where training takes no time."""
RIDGES = tuple(10.0**k for k in range(-10, 2))
"""Penalties of ridge regression, relative to the mean of the kernel on the diagonal."""
NOISE = 0.2
"""Standard deviation, where that of the target is one."""


def arc_cosine(Z: Array, W: Array, alpha: int) -> Array:
    """``E (v.z)_+^alpha (v.w)_+^alpha`` for v uniform on the unit sphere, rows z of Z and w of W.

    Cho and Saul (2009) have it for Gaussian v, whose length is independent of its direction.
    """
    lengths = np.outer(np.linalg.norm(Z, axis=1), np.linalg.norm(W, axis=1))
    cos = np.clip(Z @ W.T / lengths, -1.0, 1.0)
    theta, sin = np.arccos(cos), np.sqrt(1.0 - cos**2)
    angular = {
        0: np.pi - theta,
        1: sin + (np.pi - theta) * cos,
        2: 3.0 * sin * cos + (np.pi - theta) * (1.0 + 2.0 * cos**2),
    }[alpha]
    moment = np.prod([Z.shape[1] + 2.0 * k for k in range(alpha)])
    return np.asarray(lengths**alpha * angular / (2.0 * np.pi * moment))


@dataclass(frozen=True)
class Samples:
    """Features (n, d) and targets (n,): to learn from, to choose with (noisy), and to test."""

    X: Array
    y: Array
    X_choice: Array
    y_choice: Array
    X_test: Array
    y_test: Array


def draw(
    features: Callable[[int, np.random.Generator], Array],
    target: Callable[[Array], Array],
    n: int,
    seed: int,
    tests: int = 2000,
) -> Samples:
    """Samples of a target of variance one plus noise; n to learn from, as many to choose with."""
    rng = np.random.default_rng(seed)
    X = features(2 * n + tests, rng)
    f = target(X)
    f = (f - f[2 * n :].mean()) / f[2 * n :].std()
    y = f + NOISE * rng.standard_normal(len(f))
    return Samples(X[:n], y[:n], X[n : 2 * n], y[n : 2 * n], X[2 * n :], f[2 * n :])


def learned(
    data: Samples,
    alpha: int = 1,
    norm: str = "l2",
    shares: Sequence[float] = SHARES,
    seconds: float = 5.0,
) -> Row:
    """The network (F1) whose weight decay is the best of those on the validation samples."""
    offset = data.y.mean()
    largest = cn.largest_weight_decay(UNITS[alpha], data.X, data.y - offset, norm=norm)
    tried = [
        cn.train(
            UNITS[alpha], data.X, data.y - offset, weight_decay=share * largest,
            gap=1e-2, time_limit=seconds, norm=norm,
        )
        for share in shares
    ]  # fmt: skip
    errors = [mean_square(s.network(data.X_choice).ravel() + offset, data.y_choice) for s in tried]
    best = int(np.argmin(errors))
    solution = tried[best]
    return {
        "error": mean_square(solution.network(data.X_test).ravel() + offset, data.y_test),
        "chosen": shares[best],
        "units": solution.units,
        "gap": solution.gap,
        "network": solution.network,
        "curve": solution.network(data.X_test).ravel() + offset,
    }


def kernel(data: Samples, alpha: int = 1) -> Row:
    """Ridge regression with the kernel (F2), its penalty chosen on the validation samples."""
    offset, Z = data.y.mean(), with_ones(data.X)
    K, near = arc_cosine(Z, Z, alpha), arc_cosine(with_ones(data.X_choice), Z, alpha)
    size = float(np.diag(K).mean())
    fitted = [
        KernelRidge(alpha=ridge * size, kernel="precomputed").fit(K, data.y - offset)
        for ridge in RIDGES
    ]
    errors = [mean_square(model.predict(near) + offset, data.y_choice) for model in fitted]
    best = int(np.argmin(errors))
    far = arc_cosine(with_ones(data.X_test), Z, alpha)
    return {
        "error": mean_square(fitted[best].predict(far) + offset, data.y_test),
        "chosen": RIDGES[best],
        "curve": fitted[best].predict(far) + offset,
    }


def with_ones(X: Array) -> Array:
    """The constant appended."""
    return np.column_stack([X, np.ones(len(X))])


def mean_square(f: Array, y: Array) -> float:
    """Mean squared error."""
    return float(np.mean((f - y) ** 2))

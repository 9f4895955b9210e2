"""Data that the tests share: random, degenerate and from the literature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def random_data(seed: int, n: int, d: int) -> tuple[Array, Array]:
    """Gaussian features with a smooth, noisy target."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, np.sin(2 * X.sum(axis=1)) + 0.1 * rng.standard_normal(n)


def small_matrices(count: int, seed: int = 0, most: int = 7) -> list[Array]:
    """Random and degenerate matrices of rank 1 to 3: ties, duplicates, parallels, zero rows."""
    rng = np.random.default_rng(seed)
    made: list[Array] = []
    while len(made) < count:
        n, d = int(rng.integers(1, most + 1)), int(rng.integers(1, 4))
        kind = len(made) % 4
        if kind == 0:
            X = rng.standard_normal((n, d))
        elif kind == 1:
            X = rng.integers(-1, 2, (n, d)).astype(float)
        elif kind == 2:
            X = rng.integers(-2, 3, (n, 2)) @ rng.integers(-2, 3, (2, 3)) * 1.0
        else:
            base = rng.standard_normal((max(1, n // 2), d))
            X = np.vstack([base, -2.0 * base, 0.0 * base[:1]])[:n]
        if X.any():
            made.append(X)
    return made


PE20_X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
"""The five points of Pilanci and Ergen 2020, used with a bias."""
PE20_Y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])

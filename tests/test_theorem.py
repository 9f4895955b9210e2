"""The library's optimum is that of forty lines of column generation."""

import numpy as np
import pytest
from theorem import train

import cvxnet as cn


@pytest.mark.parametrize("beta", [0.02, 0.3, 50.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_is_that_of_the_short_column_generation(seed, beta):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    lower, upper = train(np.column_stack([X, np.ones(6)]), y, beta)
    solution = cn.train("relu", X, y, weight_decay=beta)
    assert solution.status == "optimal"
    assert upper - lower <= 1e-6 * upper
    assert solution.lower_bound <= upper * (1 + 1e-6) and lower <= solution.value * (1 + 1e-6)

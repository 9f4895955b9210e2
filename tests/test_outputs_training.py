"""Training of several outputs that share units."""

import numpy as np
import pytest

from cvxnet.objective import Family
from cvxnet.training.sliding import smoothed
from cvxnet.training.units import bind

SLIDING = ("relu", "leaky_relu", "abs", "linear", "gated_relu", "quadratic", "polynomial")


@pytest.mark.parametrize("name", SLIDING)
@pytest.mark.parametrize("width", [0.0, 0.1])
def test_a_column_for_each_unit_pulls_back_as_one_for_all(name, width):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, 3))
    family = bind(Family(name).complete(3), X)
    W, V = rng.standard_normal((4, family.rank)), rng.standard_normal((9, 4))
    if name == "gated_relu":
        W = family.coordinates(W[:, :3], np.array([0, 3, 3, 7]))
    family = smoothed(family, width)
    alone = [family.pull_back(W[j : j + 1], V[:, j])[0] for j in range(4)]
    np.testing.assert_allclose(family.pull_back(W, V), alone, atol=1e-12)

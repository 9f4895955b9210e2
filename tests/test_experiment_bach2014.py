"""The mathematics of the experiment on Bach 2014, against independent computations."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

import cvxnet as cn
from experiments.bach2014.relaxations import exactly, gated, multipliers, semidefinite, spectral
from experiments.bach2014.spaces import arc_cosine
from experiments.bach2014.steps import RULES, correct, descend, example
from experiments.bach2014.zonotopes import hausdorff


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_kernels_are_the_means_over_random_units(alpha):
    rng = np.random.default_rng(alpha)
    Z, W = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    V = rng.standard_normal((400_000, 3))
    V /= np.linalg.norm(V, axis=1)[:, None]
    units = [np.where(rows @ V.T > 0.0, np.abs(rows @ V.T) ** alpha, 0.0) for rows in (Z, W)]
    mean, found = units[0] @ units[1].T / len(V), arc_cosine(Z, W, alpha)
    assert found == pytest.approx(mean, rel=0.02, abs=0.02 * found.max())


def test_exact_steps_are_those_of_conditional_gradient():
    X, y, lower, upper = example(12, 0)
    rows, radius = np.column_stack([X, np.ones(12)]), 2.0
    values, gaps = descend(rows, y, radius, 30, RULES["exact"], np.random.default_rng(0))
    theirs = cn.conditional_gradient("relu", X, y, radius=radius, steps=30)
    assert values == pytest.approx(theirs.values, rel=1e-9)
    assert gaps == pytest.approx(theirs.gaps, rel=1e-9)
    corrected, _ = correct(rows, y, radius, 60)
    assert lower <= upper <= lower * (1.0 + 1e-7)
    assert corrected[-1] == pytest.approx(lower, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_relaxations_are_in_order(seed):
    rng = np.random.default_rng(seed)
    rows, v = rng.standard_normal((7, 3)), rng.standard_normal(7)
    rho = exactly(rows, v)
    U = rng.standard_normal((100_000, 3))
    U /= np.linalg.norm(U, axis=1)[:, None]
    tried = np.abs(v @ np.maximum(rows @ U.T, 0.0)).max()
    assert 0.99 * rho <= tried <= rho * (1.0 + 1e-9)
    plain, paired = semidefinite(rows, v), semidefinite(rows, v, pairs=True)
    slack = 1.0 + 1e-6
    assert rho <= paired * slack and paired <= plain * slack
    whole, tree = multipliers(rows, v, 8)
    assert paired <= whole * slack and rho <= tree * slack and tree <= whole
    assert rho <= min(gated(rows, v), spectral(rows, v)) * slack


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_is_that_of_the_support_functions(seed):
    rng = np.random.default_rng(seed)
    points = [rng.standard_normal((9, 2)), 0.5 * rng.standard_normal((9, 2)) + seed]
    P, N = (part[ConvexHull(part).vertices] for part in points)
    angles = np.linspace(0.0, 2.0 * np.pi, 200_001)
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    largest = np.abs((P @ U.T).max(axis=0) - (N @ U.T).max(axis=0)).max()
    assert largest * (1.0 - 1e-12) <= hausdorff(P, N) <= largest * (1.0 + 1e-4)

"""The claims of the post, the page about them, and the mathematics of its network."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize_scalar

from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.losses import get_loss
from experiments.seed_claims.claims import CLAIMS, decided
from experiments.seed_claims.page import page
from experiments.seed_claims.two_nodes import (
    entropy,
    post_objective,
    post_optimum,
    samples,
    searched,
)

PAGE = Path(__file__).parents[1] / "docs" / "findings" / "seed-claims.md"


@pytest.fixture(scope="module")
def rows():
    return [decided(number) for number in range(len(CLAIMS))]


def test_every_claim_is_decided_as_its_text_explains(rows):
    for claim, row in zip(CLAIMS, rows, strict=True):
        assert row["verdict"] == ("convex" if claim.convex else "not convex"), claim.asked


def test_the_page_is_what_the_experiment_writes(rows):
    assert PAGE.read_text(encoding="utf-8") == page(rows)
    table = [line for line in page(rows).splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in table)
    assert "log-log affine" in page(rows) and 'cn.train("relu"' in page(rows)


def test_the_objective_of_the_post_is_that_of_its_network():
    X, y = samples(0)
    w = np.random.default_rng(0).uniform(0.0, 1.0, 5 * 3)
    W1, W2 = np.split(w.reshape(5, 3), [3])
    network = Sequential(Linear(3, 3, bias=False), ReLU(), Linear(3, 2, bias=False))
    network = network.load_state_dict({"0.weight": W1.T, "2.weight": W2})
    loss = get_loss("cross_entropy").value(network(X), np.eye(2)[y])
    assert np.isclose(post_objective(w, X, y, 0.1)[0], loss + 0.05 * w @ w)
    both = [lambda w, k=k: post_objective(w, X, y, 0.1)[k] for k in (0, 1)]
    assert check_grad(*both, w) < 1e-4


def test_no_network_of_the_post_is_better_than_its_convex_problem():
    X, y = samples(1)
    optimum, a = post_optimum(X, y, 0.1)
    scale = np.sqrt(np.linalg.norm(a, axis=1))
    balanced = np.vstack([(a / scale[:, None]).T, np.diag(scale)])
    assert np.isclose(post_objective(balanced.ravel(), X, y, 0.1)[0], optimum, rtol=1e-6)
    ends = [searched(X, y, 0.1, 3, seed) for seed in range(5)]
    assert np.isclose(min(ends), optimum, rtol=1e-7)


def test_the_optimum_for_one_sample_is_an_entropy():
    best = minimize_scalar(lambda t: np.logaddexp(0.0, -t * 5.0**0.5) + 0.1 * t)
    assert np.isclose(best.fun, entropy(0.1 / 5.0**0.5))
    X, y = np.array([[1.0, 2.0]]), np.array([1])
    assert np.isclose(best.fun, post_optimum(X, y, 0.1)[0])

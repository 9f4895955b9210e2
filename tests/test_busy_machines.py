"""What failed on a machine that others were using: by time alone, or because it was wrong."""

import threading
from fractions import Fraction

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cvxnet.proofs.rounded_sweep import bound
from cvxnet.training.threads import controller, one_blas_thread

ZERO, ONE = Fraction(0), Fraction(1)

# Kinks on one hyperplane that cancel: the units vanish, or are linear. The rounded bound took
# them for as large as rounding, 3.8e-6 of the terms.

PARALLEL = [
    ([[-1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]], [1.0, -1.0], 0.0),
    ([[1.0, 2.0, 3.0], [3.0, 6.0, 9.0]], [3.0, -1.0], 0.0),
    ([[1.0, 2.0, 0.5], [7.0, 14.0, 3.5], [0.25, 0.5, 0.125]], [7.0, -0.5, -14.0], 0.0),
    ([[3.0, 4.0], [-3.0, -4.0]], [2.0, -2.0], 10.0),
    ([[3.0, 4.0], [-1.5, -2.0], [1e-9, 0.0]], [2.0, -4.0, 0.0], 10.0),
    ([[1e-300, 0.0, 1e-300], [3e-300, 0.0, 3e-300]], [3.0, -1.0], 0.0),
]


@pytest.mark.parametrize(("X", "v", "rho"), PARALLEL)
def test_kinks_on_one_hyperplane_cancel_exactly(X, v, rho):
    found = bound(np.array(X), [Fraction(x) for x in v], ZERO, ONE)
    assert rho <= found <= rho + Fraction(1, 10**12)


@pytest.mark.parametrize("seed", range(20))
def test_merging_parallel_rows_keeps_the_bound_above_all_units(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, size=(8, 3)).astype(float)
    X = np.vstack([X, rng.integers(-3, 4, size=(8, 1)) * X])
    v = rng.integers(-2, 3, size=16).astype(float)
    U = rng.standard_normal((3000, 3))
    U /= np.linalg.norm(U, axis=1)[:, None]
    values = np.abs(np.maximum(X @ U.T, 0.0).T @ v)
    found = float(bound(X, [Fraction(x) for x in v], ZERO, ONE))
    assert values.max() <= found <= 1.05 * values.max() + 1e-12


def blas_threads():
    return {pool["num_threads"] for pool in controller().info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_until_the_last_of_several_trainings_ends():
    """Each put back what it had found, so the first that ended gave its threads to the others."""
    begun, ended, seen = threading.Event(), threading.Event(), []

    def another():
        with one_blas_thread():
            begun.set()
            ended.wait(60.0)
            seen.append(blas_threads())

    other = threading.Thread(target=another)
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            other.start()
            begun.wait(60.0)
        ended.set()
        other.join()
        assert seen == [{1}] and blas_threads() == before

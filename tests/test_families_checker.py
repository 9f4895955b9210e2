"""The checker's proofs of feasibility, one family of units after the other, against brute force."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate


def certificate(units, X, v, weight_decay, **options):
    """The empty network with that dual vector and the tightest true claims."""
    X = np.asarray(X, float)
    bias = options.get("bias", False)
    defaults = {
        "loss": "squared",
        "bias": bias,
        "y": np.zeros(len(X)),
        "W": np.zeros((0, X.shape[1])),
        "b": [] if bias else None,
        "a": [],
        "gate": [] if "gates" in units else None,
        "lower": -1.0,
        "upper": 1.0,
    }
    values = defaults | options
    return Certificate(units=units, X=X, v=v, weight_decay=weight_decay, **values).rounded_outward()


def verdict(*arguments, **options):
    return checker.check(certificate(*arguments, **options).to_dict())


def measured(units, X, v, **options):
    """rho(v) as the checker measures it: by how much it exceeds a tiny weight decay."""
    return (1.0 + verdict(units, X, v, 2.0**-40, **options).excess) * 2.0**-40


def random_rows(rng):
    """Small instances: general, integer with many ties, parallel and opposite rows, zero rows."""
    n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    kind = rng.integers(0, 3)
    if kind == 0:
        return rng.normal(size=(n, d))
    if kind == 1:
        return rng.integers(-1, 2, size=(n, d)).astype(float)
    rows = rng.normal(size=(n // 2 + 1, d))
    return np.vstack([rows, -0.5 * rows[:1], 4.0 * rows[:1], np.zeros((1, d))])


def random_weights(n, rng):
    return rng.normal(size=n) if rng.random() < 0.5 else 1.0 * rng.integers(-2, 3, n)


# ------------------------------------------------------------------- brute force over patterns


def faces(X):
    """The sign vectors (-1, 0, 1) of X u over all u, each found by a linear program."""
    for signs in product([-1, 0, 1], repeat=len(X)):
        s = np.array(signs)
        rows = [(-s[:, None] * X)[s != 0], X[s == 0]]
        found = linprog(
            np.zeros(X.shape[1]),
            A_ub=rows[0] if len(rows[0]) else None,
            b_ub=-np.ones(len(rows[0])) if len(rows[0]) else None,
            A_eq=rows[1] if len(rows[1]) else None,
            b_eq=np.zeros(len(rows[1])) if len(rows[1]) else None,
            bounds=(None, None),
        )
        if found.status == 0:
            yield s


def brute_steps(name, X, v):
    value = (lambda s: s) if name == "sign" else (lambda s: s >= 0)
    return max(abs(v @ value(s)) for s in faces(X))


def brute_bent(left, norm, X, v):
    """Maximise each sign of g over each closed cell: a projection (l2), a linear program (l1)."""
    best = 0.0
    d = X.shape[1]
    for pattern in product([False, True], repeat=len(X)):
        signs = np.where(pattern, 1.0, -1.0)
        c = X.T @ (v * np.where(pattern, 1.0, left))
        for target in (c, -c):
            if norm == "l2":
                best = max(best, nnls(-(signs[:, None] * X).T, target)[1])
                continue
            A = np.vstack(
                [-signs[:, None] * X @ np.hstack([np.eye(d), -np.eye(d)]), np.ones(2 * d)]
            )
            b = np.append(np.zeros(len(X)), 1.0)
            best = max(best, -linprog(np.append(-target, target), A_ub=A, b_ub=b).fun)
    return best


@pytest.mark.parametrize("name", ["sign", "threshold"])
def test_steps_equal_brute_force_over_all_faces(name):
    rng = np.random.default_rng(0)
    for _ in range(40):
        X = random_rows(rng)[:5]
        v = random_weights(len(X), rng)
        rho = brute_steps(name, X, v)
        assert measured(name, X, v) == pytest.approx(max(rho, 2.0**-40), rel=1e-12)
        if rho > 0.0:
            assert verdict(name, X, v, rho * (1 + 1e-14)).valid
            assert not verdict(name, X, v, rho * (1 - 1e-12)).valid


BENT = [("relu", 0.0), ("abs", -1.0), ({"name": "leaky_relu", "slope": 0.25}, 0.25),
        ({"name": "leaky_relu", "slope": -1.7}, -1.7)]  # fmt: skip


@pytest.mark.parametrize("units, left", BENT)
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_bent_units_equal_brute_force(units, left, norm):
    rng = np.random.default_rng(1)
    for _ in range(20 if norm == "l2" else 10):
        X = random_rows(rng)[:5]
        v = random_weights(len(X), rng)
        rho = brute_bent(left, norm, X, v)
        assert measured(units, X, v, norm=norm) == pytest.approx(max(rho, 2.0**-40), rel=1e-8)
        if rho > 1e-9:
            assert verdict(units, X, v, rho * (1 + 1e-8), norm=norm).valid
            assert not verdict(units, X, v, rho * (1 - 1e-8), norm=norm).valid

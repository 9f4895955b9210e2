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
    for _ in range(15):
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


# ---------------------------------------------------------------------- semidefinite families


def random_data(rng, most=8):
    n, d = int(rng.integers(1, most)), int(rng.integers(1, 5))
    return rng.normal(size=(n, d)), rng.normal(size=n)


def test_quadratic_units_equal_the_spectral_norm():
    rng = np.random.default_rng(2)
    for _ in range(20):
        X, v = random_data(rng)
        rho = np.abs(np.linalg.eigvalsh(X.T @ (v[:, None] * X))).max()
        assert verdict("quadratic", X, v, rho * (1 + 1e-12)).valid
        assert "dual infeasible" in verdict("quadratic", X, v, rho * (1 - 1e-12)).reason


def test_quadratic_units_exactly_at_the_boundary():
    X, v = [[3.0, 4.0], [4.0, -3.0]], [2.0, -1.0]  # eigenvalues 50 and -25
    assert verdict("quadratic", X, v, 50.0).valid
    assert not verdict("quadratic", X, v, math.nextafter(50.0, 0.0)).valid
    assert verdict("quadratic", np.zeros((2, 3)), v, 5e-324).valid


def brute_polynomial(a, b, c, X, v):
    """max |u^T Q u + q.u + r| over the unit sphere: the secular equation, in many directions."""
    best = 0.0
    for sign in (1.0, -1.0):
        lam, V = np.linalg.eigh(sign * a * X.T @ (v[:, None] * X))
        g, r = V.T @ (sign * b * X.T @ v), sign * c * v.sum()
        excess = np.logspace(-14, 4, 40_000)[:, None] * (np.abs(lam).max() + np.linalg.norm(g))
        mu = lam[-1] + excess
        best = max(best, (mu[:, 0] + r + (g**2 / 4.0 / (mu - lam)).sum(axis=1)).min())
    return best


@pytest.mark.parametrize("a, b, c", [(0.5, 1.0, 0.25), (-1.0, 0.3, 0.0), (0.0, 2.0, -1.0)])
def test_polynomial_units_equal_the_trust_region_problem(a, b, c):
    rng = np.random.default_rng(3)
    units = {"name": "polynomial", "coefficients": [a, b, c]}
    for _ in range(8):
        X, v = random_data(rng)
        rho = brute_polynomial(a, b, c, X, v)
        U = rng.normal(size=(X.shape[1], 10_000))
        t = X @ (U / np.linalg.norm(U, axis=0))
        assert np.abs(v @ (a * t**2 + b * t + c)).max() <= rho * (1 + 1e-9)
        assert verdict(units, X, v, rho * (1 + 1e-6)).valid
        assert "not proved" in verdict(units, X, v, rho * (1 - 1e-6)).reason


# ------------------------------------------------------------------------ relaxation evidence


def random_leaf(rng, X, path):
    """Multipliers at random; mu is filled in by `leaf_bound`."""
    n = len(X)
    free = [i for i in range(n) if i not in path]
    return {
        "tilt": rng.normal(size=n),
        "lean": [[i, (i + 1) % n, float(rng.normal())] for i in free[:2] if n > 1],
        "tau": rng.uniform(0.5, 2.0, size=n),
        "mu": 0.0,
    }


def leaf_bound(leaf, path, X, w, slope):
    """The bound that a leaf proves with its best mu, which is put into it."""
    d = w + np.abs(leaf["tilt"])
    for _, k, a in leaf["lean"]:
        d[k] += abs(a)
    sigma = np.array([path.get(k, 0) for k in range(len(X))])
    c = slope + (d * sigma - leaf["tilt"]) @ X
    Y = (np.maximum(d, 0.0) * (sigma == 0))[:, None] * X
    for i, k, a in leaf["lean"]:
        Y[i] -= a * X[k]
    used = np.any(Y != 0.0, axis=1)
    leaf["tau"] = np.where(used, leaf["tau"], 0.0)
    tau = leaf["tau"][used]
    lam, V = np.linalg.eigh((Y[used] / (2 * tau[:, None])).T @ Y[used])
    g = V.T @ c
    mu = max(lam[-1], 0.0) + np.logspace(-10, 3, 20_000)
    values = mu + (g**2 / 4.0 / (mu[:, None] - lam)).sum(axis=1)
    leaf["mu"] = float(mu[values.argmin()])
    return values.min() + tau.sum() / 2


def random_tree(rng, X, w, slope, depth, path):
    """A tree with random splits and multipliers, and the bound that it proves."""
    free = [k for k in range(len(X)) if k not in path]
    if depth == 0 or not free:
        leaf = random_leaf(rng, X, path)
        return leaf, leaf_bound(leaf, path, X, w, slope)
    row = int(rng.choice(free))
    plus, one = random_tree(rng, X, w, slope, depth - 1, path | {row: 1})
    minus, two = random_tree(rng, X, w, slope, depth - 1, path | {row: -1})
    return {"row": row, "plus": plus, "minus": minus}, max(one, two)


def random_evidence(rng, left, X, v, depth):
    trees, bounds = zip(
        *(
            random_tree(
                rng, X, side * (1 - left) / 2 * v, side * (1 + left) / 2 * X.T @ v, depth, {}
            )
            for side in (1.0, -1.0)
        ),
        strict=True,
    )
    return {"kind": "relaxation", "plus": trees[0], "minus": trees[1]}, max(bounds)


@pytest.mark.parametrize("units, left", BENT)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_relaxation_evidence_proves_its_bound_and_no_more(units, left, depth):
    rng = np.random.default_rng(depth)
    for _ in range(6):
        X, v = rng.normal(size=(5, 4)), rng.normal(size=5)
        evidence, bound = random_evidence(rng, left, X, v, depth)
        assert brute_bent(left, "l2", X, v) <= bound * (1 + 1e-9)
        assert verdict(units, X, v, bound * (1 + 1e-7), evidence=evidence).valid
        below = verdict(units, X, v, bound * (1 - 1e-5), evidence=evidence)
        assert "a leaf of the evidence proves nothing" in below.reason


# ------------------------------------------------------------------------- branch and bound


def climb(phi, X, v, radius=1.0, starts=40):
    """The largest |g| that local search finds on the sphere, or in the ball of tanh units."""
    rng = np.random.default_rng(0)
    U = rng.normal(size=(20_000, X.shape[1]))
    U *= radius / np.linalg.norm(U, axis=1, keepdims=True)
    U = np.vstack([U, 0.3 * U]) if phi is np.tanh else U
    best = U[np.argsort(-np.abs(phi(U @ X.T) @ v))[:starts]]
    for step in 0.1 ** np.arange(1.0, 9.0):
        for _ in range(30):
            trial = best + step * radius * rng.normal(size=best.shape)
            size = np.linalg.norm(trial, axis=1, keepdims=True)
            on_sphere = phi is not np.tanh
            trial *= radius / size if on_sphere else np.minimum(1.0, radius / size)
            better = np.abs(phi(trial @ X.T) @ v) > np.abs(phi(best @ X.T) @ v)
            best[better] = trial[better]
    return np.abs(phi(best @ X.T) @ v).max()


def squared_relu(z):
    return np.maximum(z, 0.0) ** 2


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_squared_relu_units(d):
    rng = np.random.default_rng(d)
    for n in (1, 4, 12):
        X, v = rng.normal(size=(n, d)), rng.normal(size=n)
        rho = climb(squared_relu, X, v)
        proved = verdict("squared_relu", X, v, rho * (1 + 1e-6))
        assert proved.valid
        below = verdict("squared_relu", X, v, rho * (1 - 1e-6))
        assert "dual infeasible" in below.reason and 0.0 < below.excess < 2.1e-6


def test_squared_relu_units_where_the_maximum_is_known():
    X, v = [[3.0, 4.0], [0.0, 1.0], [-6.0, -8.0]], [1.0, 0.0, -2.0]  # 25 and 200: opposite rows
    assert verdict("squared_relu", X, v, 200.0).valid
    assert not verdict("squared_relu", X, v, math.nextafter(200.0, 0.0)).valid
    assert verdict("squared_relu", np.zeros((2, 2)), [1.0, 1.0], 5e-324).valid


@pytest.mark.parametrize("d, radius", [(1, 2.0), (2, 5.0), (3, 1.5)])
def test_tanh_units(d, radius):
    rng = np.random.default_rng(d)
    X, v = rng.normal(size=(6, d)), rng.normal(size=6)
    units = {"name": "tanh", "radius": radius}
    rho = climb(np.tanh, X, v, radius)
    assert verdict(units, X, v, rho * (1 + 1e-5)).valid
    below = verdict(units, X, v, rho * (1 - 1e-5))
    assert "dual infeasible" in below.reason and 0.0 < below.excess < 1.1e-5


@pytest.mark.parametrize("units, left", BENT)
@pytest.mark.parametrize("d", [4, 5])
def test_bent_units_beyond_rank_three(units, left, d):
    rng = np.random.default_rng(d)
    X, v = rng.normal(size=(7, d)), rng.normal(size=7)
    rho = brute_bent(left, "l2", X, v)
    assert verdict(units, X, v, rho * (1 + 1e-8)).valid
    below = verdict(units, X, v, rho * (1 - 1e-4))
    assert "dual infeasible" in below.reason and 0.0 < below.excess < 1.1e-4


def test_shares_need_not_be_good(monkeypatch):
    """Whatever shares are taken, nothing false is proved."""
    rng = np.random.default_rng(1)
    X, v = rng.normal(size=(6, 4)), rng.normal(size=6)
    rho = brute_bent(0.0, "l2", X, v)
    for share in (0, checker.SHARE, checker.SHARE // 3):

        def fixed(b, D, G, share=share):
            return [checker.SHARE * x + share * sum(d[k] for d in D) for k, x in enumerate(b)]

        monkeypatch.setattr(checker, "with_shares", fixed)
        assert not verdict("relu", X, v, rho * (1 - 1e-6)).valid
        assert verdict("relu", X, v, rho * 1.3).valid

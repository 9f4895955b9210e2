"""The checker with several outputs, and with output weights of one sign: true, and nothing else."""

import copy
import json
import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import output_truth as truth
import pytest
import tampering
from claimed import Claimed
from flint import fmpz_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, softmax

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.checker import exact, vector_sweeps
from cvxnet.proofs.checker.bracket import bracket
from cvxnet.proofs.checker.dual import dual_vector
from cvxnet.proofs.checker.vector_sweeps import negative_direction, negative_eigenvalues
from cvxnet.proofs.documents import as_hex


def claims(X, V, beta, *, units="relu", y=None, loss="squared", **more):
    """Claims about a network without units."""
    X, V = np.asarray(X, float), np.asarray(V, float)
    values = {"W": np.zeros((0, X.shape[1])), "b": None, "a": np.zeros((0, *V.shape[1:]))} | more
    return Claimed(
        units=units, loss=loss, weight_decay=beta, bias=False, X=X, v=V,
        y=np.zeros(V.shape) if y is None else y, **{"lower": -1e300, "upper": 1e300} | values,
    )  # fmt: skip


def check(*arguments, **more):
    return checker.check(claims(*arguments, **more).to_dict(), time_limit=60.0)


# ---------------------------------------------------------------------- rho, brute force


def rows_of_kind(kind, rng):
    """General, with ties, of lower rank, parallel and opposite, with zeros, of different sizes."""
    n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    if kind == "ties":
        return rng.integers(-1, 2, size=(n, d)).astype(float)
    if kind == "rank":
        return 1.0 * rng.integers(-2, 3, (n, 2)) @ rng.integers(-2, 3, (2, 4))
    X = rng.normal(size=(n, d))
    if kind == "parallel":
        X = np.vstack([X[:3], -0.5 * X[:2], 0.0 * X[:1]])
    return X * 8.0 ** rng.integers(-3, 4, size=(len(X), 1)) if kind == "sizes" else X


def dual_of_kind(n, rng):
    """General, integer, like that of cross entropy, of rank one, one-signed, with a zero column."""
    c, kind = int(rng.integers(2, 5)), rng.integers(6)
    V = rng.normal(size=(n, c))
    if kind == 1:
        return rng.integers(-1, 2, size=(n, c)).astype(float)
    if kind == 2:
        P = np.exp(V) / np.exp(V).sum(axis=1, keepdims=True)
        return P - np.eye(c)[rng.integers(0, c, n)]
    if kind == 3:
        return np.outer(V[:, 0], rng.integers(-2, 3, c))
    return np.abs(V) if kind == 4 else V * (np.arange(c) > (kind == 5))


UNITS = [
    "relu",
    "abs",
    {"name": "leaky_relu", "slope": 0.25},
    {"name": "leaky_relu", "slope": -2.0},
]


@pytest.mark.parametrize("kind", ["general", "ties", "rank", "parallel", "sizes"])
def test_rho_is_that_of_brute_force_to_nine_digits(kind):
    rng = np.random.default_rng(sum(map(ord, kind)))
    for case in range(40):
        X = rows_of_kind(kind, rng)
        V, units = dual_of_kind(len(X), rng), UNITS[case % 4 if case % 3 else 0]
        rho = truth.rho(as_hex({"name": units} if isinstance(units, str) else units),
                        np.linalg.qr(X.T, mode="r").T if X.shape[1] > 3 else X, V)  # fmt: skip
        if rho < 1e-12:
            assert check(X, V, 1e-9, units=units).valid
            continue
        assert check(X, V, rho * (1.0 + 1e-9), units=units).valid
        refused = check(X, V, rho * (1.0 - 1e-9), units=units)
        assert not refused.valid and 0.0 < refused.violation < 1.1e-9
        assert check(X, V, 0.5 * rho, units=units).violation <= 1.0 + 1e-8


@pytest.mark.parametrize(
    "X, V, rho",
    [
        ([[3.0]], [[3.0, -4.0]], 15.0),  # one sample: |x| |v|
        (np.eye(2), [[3.0, 0.0], [0.0, 4.0]], 4.0),
        (np.eye(2), [[5.0, 0.0], [0.0, 5.0]], 5.0),  # the same all over a cell
        (np.eye(2), [[3.0, 0.0], [4.0, 0.0]], 5.0),  # inside a cell
        (np.eye(2), [[3.0, 3.0], [-4.0, -4.0]], math.sqrt(32.0)),  # at a vertex
        (np.eye(3), [[2.0, 0.0], [3.0, 0.0], [6.0, 0.0]], 7.0),
        (np.eye(3), [[2.0, 0.0], [3.0, 0.0], [-6.0, 0.0]], 6.0),
        (np.eye(3), [[3.0, 0.0], [0.0, 1.0], [4.0, 0.0]], 5.0),  # inside an arc
        ([[1.0, 0.0], [-1.0, 0.0]], [[3.0, 0.0], [0.0, 4.0]], 4.0),  # opposite rows
        ([[1.0, 2.0, 2.0, 0.0]], [[2.0, 0.0, 0.0]], 6.0),
        (np.zeros((2, 3)), [[2.0, 1.0], [1.0, 1.0]], 0.0),
    ],
)
def test_exact_at_the_boundary(X, V, rho):
    assert check(X, V, math.nextafter(rho, 9e9) if rho % 1.0 else rho or 5e-324).valid
    if rho:
        below = check(X, V, math.nextafter(rho, 0.0) if rho % 1.0 == 0.0 else rho * (1 - 1e-15))
        assert not below.valid


def test_each_of_the_three_tests_is_needed(monkeypatch):
    """Without one of them something false is proved; and both kinds of cells with Q < 0 occur."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(60):
        X, V = rng.normal(size=(4, 3)), rng.normal(size=(4, int(rng.integers(2, 5))))
        cases.append((X, V, truth.rho_of_kinks(X, V, 0.0)))
    found, seen = vector_sweeps.VectorSweep, []
    count = vector_sweeps.negative_eigenvalues
    with monkeypatch.context() as patch:
        patch.setattr(
            vector_sweeps, "negative_eigenvalues", lambda Q: seen.append(count(Q)) or seen[-1]
        )
        assert not any(check(X, V, 0.999 * rho).valid for X, V, rho in cases)
        assert all(check(X, V, 1.001 * rho).valid for X, V, rho in cases)
    assert {0, 1, 2} <= set(seen)
    for name in ("along", "within"):
        with monkeypatch.context() as patch:
            patch.setattr(found, name, lambda *arguments: None)
            assert any(check(X, V, 0.999 * rho).valid for X, V, rho in cases), name


def test_inertia_and_directions_of_small_matrices():
    rng = np.random.default_rng(0)
    for _ in range(4000):
        size, most = int(rng.integers(1, 5)), int(rng.integers(1, 4))
        A = rng.integers(-most, most + 1, size=(size, size))
        A = np.tril(A) + np.tril(A, -1).T
        negative = int((np.linalg.eigvalsh(A) < -1e-9).sum())
        Q = A.tolist()
        assert negative_eigenvalues(fmpz_mat(Q)) == negative
        z = np.array(negative_direction(Q), dtype=object)
        assert bool(len(z)) == (negative > 0)
        assert not len(z) or z @ A @ z < 0


def test_one_output_written_as_a_sweep_of_several():
    """A second column of zeros, or the same column twice, changes rho as it must."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        X, v = rng.normal(size=(9, 3)), rng.normal(size=9)
        rho = 1e-3 * (1.0 + check(X, v, 1e-3).violation)
        for V, factor in ((np.column_stack([v, 0.0 * v]), 1.0), (np.column_stack([v, v]), 2**0.5)):
            assert check(X, V, factor * rho * (1.0 + 1e-12)).valid
            assert not check(X, V, factor * rho * (1.0 - 1e-12)).valid


@pytest.mark.parametrize(
    "units",
    [
        "linear",
        "coordinate",
        {"name": "gated_relu", "gates": [[1.0, -1.0, 0.5, 0.0], [0.0, 1.0, 2.0, 1.0]]},
    ],
    ids=str,
)
def test_rho_of_linear_pieces(units):
    rng = np.random.default_rng(4)
    gate = [] if isinstance(units, dict) else None
    for n, c in ((1, 2), (3, 2), (6, 3), (6, 7)):
        X, V = rng.normal(size=(n, 4)), rng.normal(size=(n, c))
        rho = truth.rho(as_hex({"name": units} if isinstance(units, str) else units), X, V)
        for factor in (1.0 + 1e-12, 1.0 - 1e-12, 0.5):
            result = check(X, V, factor * rho, units=units, gate=gate)
            assert result.valid == (factor > 1.0)
            assert result.violation == pytest.approx(max(0.0, 1.0 / factor - 1.0), abs=1e-13)


# -------------------------------------------------------------------------- both ends


def test_closed_form_of_one_sample():
    """min |f - y|^2 / 2 + beta |f| for y = (3, 4): f = (1 - beta / 5) y, for such units."""
    for units in ("relu", "abs", "linear", {"name": "leaky_relu", "slope": 0.5}):
        beta = 2.0
        y = np.array([3.0, 4.0])
        size = math.sqrt(5.0 - beta)
        made = claims(
            [[1.0]], [-beta * y / 5.0 * (1.0 - 1e-15)], beta, units=units, y=[y], W=[[size]],
            a=[size * y / 5.0],
        ).rounded_outward()  # fmt: skip
        result = checker.check(made.to_dict())
        assert result.valid and result.reason == "proved exactly"
        assert result.lower <= beta * 5.0 - beta**2 / 2.0 + 1e-14
        assert result.upper - result.lower < 1e-13


def gradient(loss, f, y):
    """Of a loss; with kinks, of a smoother one, whose values are in the domain too."""
    if loss == "cross_entropy":
        return softmax(f, axis=1) - y
    if loss == "logistic":
        return -y * expit(-y * f)
    return f - y if loss == "squared" else np.clip(f - y, -1.0, 1.0)


def dual_without(F, loss, y, w):
    """A dual vector well inside the domain that does not see the columns of F; or None."""
    shape = F.shape[1], y.shape[1]
    smooth = loss if loss in ("squared", "logistic", "cross_entropy") else "huber"

    def slope(theta):
        return w[:, None] * gradient(loss, F @ theta.reshape(shape), y)

    theta = np.zeros(shape[0] * shape[1])
    if F.size:
        found = minimize(
            lambda theta: w @ truth.terms(smooth, F @ theta.reshape(shape), y),
            theta,
            jac=lambda theta: (F.T @ slope(theta)).ravel(),
        )
        theta = found.x
    V = 0.9 * slope(theta)
    for _ in range(3 if F.size else 0):
        rooms = np.clip(truth.rooms(loss, V, y, w), 0.0, 1.0)
        V = V - truth.moves(F, rooms, V)
    return V if truth.rooms(loss, V, y, w).min() > 1e-3 else None


def random_certificate(loss, rng, *, units="relu", bias=False, free=0, weights=False):
    """A random network, and the dual vector of the best free part."""
    n, d, m = 8, 2, int(rng.integers(1, 3))
    c, V = 3 if loss == "cross_entropy" else 2, None
    while V is None:
        X, y = rng.normal(size=(n, d)), rng.normal(size=(n, c))
        y = np.eye(c)[np.arange(n) % 3] if loss == "cross_entropy" else y
        y = np.sign(y) if loss == "logistic" else y
        w = rng.uniform(0.5, 2.0, n) if weights else np.ones(n)
        F = np.column_stack([np.ones((n, free & 1)), X[:, : d * (free > 1)]])
        V = dual_without(F, loss, y, w)
    W = np.eye(2)[rng.integers(0, 2, m)] if units == "coordinate" else rng.normal(size=(m, d))
    gates = isinstance(units, dict) and units["name"] == "gated_relu"
    made = claims(
        X, V, 1.0, units=units, y=y, loss=loss, W=W, a=rng.normal(size=(m, c)),
        sample_weights=w if weights else None, c=rng.normal(size=c) if free & 1 else None,
        s=rng.normal(size=(d, c)) if free & 2 else None, gate=[0] * m if gates else None,
    ).to_dict()  # fmt: skip
    made |= {"bias": bias}
    made["network"] |= {"b": as_hex(rng.normal(size=m)) if bias else None}
    rho = truth.rho(made["units"], truth.with_ones(X, bias), truth.moved(made))
    made |= {"weight_decay": (float(rho) * (1.0 + 1e-9)).hex()}
    lower, upper = bracket(checker.read(made))
    return made | {"lower": lower.hex(), "upper": upper.hex()}


LOSSES = ["squared", "huber", "log_cosh", "absolute", "logistic", "cross_entropy"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("free", range(4))
def test_ends_are_those_of_plain_numpy_and_no_network_is_below(loss, free):
    rng = np.random.default_rng(free)
    for case in range(6):
        document = random_certificate(loss, rng, bias=case % 2 == 1, free=free, weights=case > 2)
        result = checker.check(document)
        lower, upper = truth.decoded([document["lower"], document["upper"]])
        assert result.valid and (result.lower, result.upper) == (lower, upper), result.reason
        assert result.upper == pytest.approx(truth.objective(document), rel=1e-12)
        assert result.lower == pytest.approx(truth.dual_value(document), rel=1e-9, abs=1e-12)
        shape = truth.decoded(document["network"]["a"]).reshape(-1, len(document["dual"][0])).shape
        for _ in range(20):
            other = copy.deepcopy(document)
            other["network"]["a"] = as_hex(0.3 * rng.normal(size=shape))
            if free & 1:
                other["network"]["c"] = as_hex(rng.normal(size=shape[1]))
            assert truth.objective(other) >= lower


def test_claims_tighter_by_one_unit_in_the_last_place_are_refused():
    rng = np.random.default_rng(7)
    for loss in LOSSES:
        document = random_certificate(loss, rng, free=1, weights=True)
        for entry, direction in (("lower", math.inf), ("upper", -math.inf)):
            end = math.nextafter(float.fromhex(document[entry]), direction)
            assert f"{entry}: claimed" in checker.check(document | {entry: end.hex()}).reason


@pytest.mark.parametrize("loss", ["cross_entropy", "logistic", "huber", "squared"])
def test_the_dual_vector_is_moved_so_that_the_free_part_is_not_seen_at_all(loss):
    rng = np.random.default_rng(1)
    for free in (1, 2, 3):
        document = random_certificate(loss, rng, free=free, weights=True)
        rows = dual_vector(checker.read(document))
        X = [
            list(map(exact.rational, row)) for row in truth.decoded(document["data"]["X"]).tolist()
        ]
        ones = [[exact.rational(1.0)] * (free & 1) + row * (free > 1) for row in X]
        for seen in zip(*ones, strict=True):
            for column in zip(*rows, strict=True):
                assert exact.inner(seen, column) == 0
        if loss == "cross_entropy":
            assert not any(map(sum, rows))
        doubles = [[float(exact.fraction(x)) for x in row] for row in rows]
        np.testing.assert_allclose(doubles, truth.completed(document), atol=1e-13)


def test_the_number_at_the_class_is_not_read():
    document = random_certificate("cross_entropy", np.random.default_rng(3), free=1)
    y = truth.decoded(document["data"]["y"])
    wrong = np.where(y > 0.0, 1e9, truth.decoded(document["dual"]))
    assert checker.check(document | {"dual": as_hex(wrong)}).valid


def test_cross_entropy_at_its_limits():
    """Probabilities of zero, predictions far beyond the range of exp, classes without samples."""
    y = np.eye(3)[[0, 2]]
    made = claims([[1.0], [-1.0]], [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]], 1.5, y=y,
                  loss="cross_entropy").rounded_outward()  # fmt: skip
    assert made.lower == 0.0 and checker.check(made.to_dict()).valid
    assert made.upper == pytest.approx(2.0 * math.log(3.0), rel=1e-15)
    for size, value in ((1e4, 2e4), (1e150, 2e150)):
        network = {"W": [[1.0]], "a": [[-size, size, 0.0]]}
        far = claims(
            [[1.0], [-1.0]], np.zeros((2, 3)), 5e-324, y=y, loss="cross_entropy", **network
        ).rounded_outward()
        assert far.upper == pytest.approx(value + math.log(3.0), rel=1e-15)
    below = claims([[1.0], [-1.0]], [[-1.0, -1e-9, 1.0], [0.0] * 3], 9.0, y=y, loss="cross_entropy")
    assert "is negative" in checker.check(below.to_dict()).reason


# ------------------------------------------------------------------- signs of output weights


SIGNED = ["relu", "abs", {"name": "leaky_relu", "slope": 0.25}]


@pytest.mark.parametrize("units", SIGNED, ids=str)
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_one_side_is_enough_and_needed(units, d):
    rng = np.random.default_rng(d)
    left = truth.slope(as_hex({"name": units} if isinstance(units, str) else units))
    for case in range(8):
        X, v = rng.normal(size=(5, d)), rng.normal(size=5)
        X = np.round(X) if case % 3 == 2 else X
        sides = {
            "nonneg": truth.one_sided(X, v, left, -1.0),
            "nonpos": truth.one_sided(X, v, left, 1.0),
        }
        for signs, rho in sides.items():
            more = {"units": units, "output_weights": signs}
            if rho < 1e-9:
                assert check(X, v, 1e-6, **more).valid
                continue
            assert check(X, v, rho * (1.0 + 1e-9), **more).valid
            assert not check(X, v, rho * (1.0 - 1e-7), **more).valid
        assert check(X, v, max(sides.values()) * (1.0 + 1e-9), units=units).valid


@pytest.mark.parametrize(
    "units, degree", [("relu", 1), ("abs", 1), ("squared_relu", 2), ("quadratic", 2)]
)
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_dual_vectors_of_one_sign_cost_one_side_nothing(units, degree, norm):
    """For units that are nowhere negative, v >= 0 has g >= 0: -g is at most any weight decay."""
    X, v = np.random.default_rng(0).normal(size=(5, 2)), np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    more = {"units": units, "norm": norm if degree == 1 else "l2"}
    assert check(X, v, 1e-6, output_weights="nonneg", **more).valid
    assert check(X, -v, 1e-6, output_weights="nonpos", **more).valid
    for wrong, signs in ((v, "nonpos"), (-v, "nonneg"), (v, "any")):
        assert "infeasible" in check(X, wrong, 1e-6, output_weights=signs, **more).reason


def test_output_weights_of_another_sign_are_refused():
    X, v = [[1.0], [2.0]], [0.0, 0.0]
    for a, signs in (([1.0, 0.0], "nonneg"), ([-1.0, -0.0], "nonpos")):
        network = {"W": [[1.0], [2.0]], "a": np.array(a)}
        assert check(X, v, 1.0, output_weights=signs, **network).valid
        network["a"] = -network["a"]
        assert f"not {signs}" in check(X, v, 1.0, output_weights=signs, **network).reason
    for units in ("linear", "coordinate", "sign", "threshold", {"name": "tanh", "radius": 1.0}):
        refused = check(X, v, 1.0, units=units, output_weights="nonneg")
        assert "output weights of a sign" in refused.reason
    several = check(X, np.zeros((2, 2)), 1.0, output_weights="nonneg")
    assert "output weights of a sign" in several.reason


# ------------------------------------------------------------------------------ evidence


def relaxed(X, v, H):
    """Trees of one leaf without tilt that prove rho(v) <= H, four times the sum of |v_i| |x_i|."""
    trees = {}
    for name, side in (("plus", 1.0), ("minus", -1.0)):
        tau = np.maximum(side * v / 2.0, 0.0) * np.linalg.norm(X, axis=1)
        trees[name] = {"tilt": np.zeros(len(v)), "lean": [], "tau": tau, "mu": H / 2.0}
    return {"kind": "relaxation"} | trees


def with_sphere(units, d, kind):
    """A certificate whose evidence has cuts, or no cuts, or no cones."""
    rng = np.random.default_rng(d)
    c = 2 if kind == "cuts" else 3
    X, V = rng.normal(size=(4, d)), rng.normal(size=(4, c))
    basis = np.eye(c) + np.diag(np.ones(c - 1), 1)
    edges = [[0, 1, 1.0, 0.5], [0, 1, 1.0, -1.0]] if kind == "cuts" else []
    T = np.vstack([np.eye(c)] + [[a, b] for _, _, a, b in edges])
    duals = (V @ basis.T @ T.T).T
    sizes = np.linalg.norm(X, axis=1) ** (2 if units == "quadratic" else 1)
    H = 4.0 * np.abs(duals) @ sizes
    proofs = [relaxed(X, v, h) if d > 3 else None for v, h in zip(duals, H, strict=True)]

    def q(cone):
        rows = np.array([s * T[m] for m, s in cone.items()])
        return np.linalg.solve(rows, H[list(cone)]) * (1.0 + 1e-12)

    if kind == "cuts":
        leaves = [q({1: 1, 2: 1}), q({0: 1, 2: 1}), q({1: -1, 3: 1}), q({0: 1, 3: 1})]
        cones = [
            {"corner": 2, "first": leaves[0], "second": leaves[1]},
            {"corner": 3, "first": leaves[2], "second": leaves[3]},
        ]
    else:
        signs = [{0: 1, 1: 1 - 2 * (k & 1), 2: 1 - (k & 2)} for k in range(4)]
        cones = leaves = [q(cone) for cone in signs]
    inverse = np.linalg.inv(basis @ basis.T)
    square = max(q @ inverse @ q for q in leaves)
    if kind == "frame":
        cones, square = None, H @ np.abs(inverse) @ H
    evidence = {"kind": "sphere", "basis": basis, "edges": edges, "bounds": H, "proofs": proofs}
    beta = math.sqrt(square) * (1.0 + 1e-12)
    network = {
        "W": rng.normal(size=(2, d)),
        "a": rng.normal(size=(2, c)),
        "lower": 0.0,
        "upper": 0.0,
    }
    return claims(X, V, beta, units=units, y=rng.normal(size=V.shape),
                  evidence=evidence | {"cones": cones}, **network).rounded_outward()  # fmt: skip


SPHERES = [("relu", 2, "cuts"), ("relu", 5, "cuts"), ("relu", 3, "plain"), ("quadratic", 3, "cuts"),
           ("quadratic", 3, "frame"), ("relu", 4, "frame")]  # fmt: skip


@pytest.mark.parametrize("units, d, kind", SPHERES)
def test_bounds_on_the_sphere_prove_what_they_say(units, d, kind):
    made = with_sphere(units, d, kind)
    assert checker.check(made.to_dict()).reason == "proved exactly"
    beta = math.nextafter(made.weight_decay * (1.0 - 3e-12), 0.0)
    refused = checker.check(made.to_dict() | {"weight_decay": beta.hex()})
    assert (not refused.valid and "above" in refused.reason) or "upper" in refused.reason
    document = {"units": as_hex({"name": units}), "X": made.X, "V": made.v}
    if units == "relu":
        assert truth.rho(document["units"], made.X, made.v) <= made.weight_decay


def changed(make, *path_and_value):
    """Evidence in which one entry has been replaced."""
    *path, last, value = path_and_value
    document = make()
    owner = document["evidence"]
    for key in path:
        owner = owner[key]
    owner[last] = value if not callable(value) else value(owner[last])
    return document


HEX = float.hex


@pytest.mark.parametrize(
    "change, reason",
    [
        (("kind", "ball"), "of the kinds relaxation, sphere, tree only"),
        (("basis", lambda rows: rows[:1]), "null for each corner"),
        (("basis", lambda rows: [rows[0], rows[0]]), "basis is dependent"),
        (("basis", 0, 0, HEX(0.125)), "above it"),
        (("basis", []), "a basis of 1 to c vectors"),
        (("edges", 0, 0, 2), "edges must be a list"),
        (("edges", 0, 0, True), "edges must be a list"),
        (("edges", 0, 0, 1), "not on its edges"),
        (("edges", 0, 2, HEX(-1.0)), "not on its edges"),
        (("edges", 0, 2, HEX(0.0)), "not on its edges"),
        (("edges", 0, 2, HEX(2.0**-1074)), "below the bound"),
        (("edges", 0, lambda edge: edge[:3]), "edges must be a list"),
        (("bounds", 2, lambda x: HEX(float.fromhex(x) * 1.001)), "below the bound at a corner"),
        (("bounds", 2, HEX(0.0)), "too low"),
        (("bounds", 2, HEX(-1.0)), "too low"),
        (("bounds", lambda bounds: bounds[1:]), "4 expected"),
        (("proofs", lambda proofs: proofs[1:]), "a proof or null for each corner"),
        (("cones", None), "above it"),
        (("cones", lambda cones: cones[:1]), "half of the orthants"),
        (("cones", []), "half of the orthants"),
        (("cones", lambda cones: cones[::-1]), "not on its edges"),
        (("cones", 0, "corner", 3), "not on its edges"),
        (("cones", 0, "corner", 1), "not cut at a corner"),
        (("cones", 0, "corner", 4), "not cut at a corner"),
        (("cones", 0, lambda tree: tree | {"first": tree["second"]}), "below the bound"),
        (("cones", 0, "first", 0, HEX(0.0)), "below the bound"),
        (("cones", 0, "first", 0, HEX(1e9)), "above it"),
        (("cones", 0, "first", None), "cones is not a list"),
    ],
)
def test_evidence_on_the_sphere_that_is_refused(change, reason):
    result = checker.check(changed(lambda: with_sphere("relu", 2, "cuts").to_dict(), *change))
    assert not result.valid and reason in result.reason


def test_a_proof_at_a_corner_must_be_one():
    made = with_sphere("relu", 5, "cuts").to_dict()
    made["evidence"]["proofs"][2]["plus"]["mu"] = HEX(0.0)
    assert "proves nothing" in checker.check(made).reason
    made["evidence"]["proofs"][2]["plus"] = None
    assert "tree of a side is missing" in checker.check(made).reason


def test_what_is_outside_of_the_basis_counts():
    """Rows with a third direction, which the basis does not have."""
    made = with_sphere("relu", 3, "cuts")
    flat = np.column_stack([made.v, np.zeros(4)])
    basis = np.column_stack([made.evidence["basis"], np.zeros(2)])
    more = {"evidence": made.evidence | {"basis": basis}}
    assert check(made.X, flat, made.weight_decay, **more).valid
    tilted = flat + np.outer(np.ones(4), [0.0, 0.0, 1e-5])
    e = 1e-5 * np.linalg.norm(made.X, axis=1).sum()
    beta = math.hypot(made.weight_decay, e)
    assert check(made.X, tilted, beta * (1.0 + 1e-12), **more).valid
    assert not check(made.X, tilted, beta * (1.0 - 1e-11), **more).valid


def test_corners_of_too_many_digits_are_refused():
    made = with_sphere("relu", 2, "cuts").to_dict()
    evidence = made["evidence"]
    evidence["edges"] = [[m, m + 1, HEX(2.0**-1000), HEX(1.0 / 3.0)] for m in range(400)]
    evidence["bounds"] = evidence["bounds"][:1] * 402
    evidence["proofs"] = [None] * 402
    assert "too many digits" in checker.check(made).reason


# ----------------------------------------------------------------------- files and tampering


OPTIONS = [
    {"loss": "squared"},
    {"loss": "cross_entropy", "bias": True, "free": 1, "weights": True},
    {"loss": "huber", "units": "abs", "free": 2},
    {"loss": "logistic", "units": "linear", "weights": True},
    {"loss": "absolute", "units": "coordinate", "free": 1},
    {"loss": "cross_entropy", "units": {"name": "gated_relu", "gates": [[1.0, -1.0], [0.5, 2.0]]}},
]


@cache
def originals():
    """Valid certificates with the tightest claims, as JSON texts."""
    made = [random_certificate(**options, rng=np.random.default_rng(k + 3)) for k, options in
            enumerate(OPTIONS)]  # fmt: skip
    made += [
        with_sphere("relu", 2, "cuts").to_dict(),
        with_sphere("quadratic", 2, "cuts").to_dict(),
    ]
    made.append(one_signed())
    return [json.dumps(document) for document in made]


def one_signed():
    """One output, output weights >= 0."""
    rng = np.random.default_rng(5)
    X, v = rng.normal(size=(4, 2)), rng.normal(size=4)
    rho = truth.one_sided(X, v, 0.0, -1.0)
    network = {"W": rng.normal(size=(2, 2)), "a": [0.5, 1.0], "lower": 0.0, "upper": 0.0}
    made = claims(X, v, rho * (1 + 1e-12), y=rng.normal(size=4), output_weights="nonneg", **network)
    return made.rounded_outward().to_dict()


def test_originals_are_valid_and_true():
    for text in originals():
        document = json.loads(text)
        assert checker.check(document).valid and truth.is_true(document)


CHANGES = {
    "up": lambda x: math.nextafter(x, math.inf),
    "sign": lambda x: -x,
    "one": lambda x: x + 1.0,
    "zero": lambda x: 0.0,
    "more": lambda x: x * (1 + 1e-7),
    "less": lambda x: x * (1 - 1e-7),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_single_numbers(name):
    offset = list(CHANGES).index(name)
    for document in map(json.loads, originals()):
        for path in list(tampering.places(document))[offset % 3 :: 3]:
            entry = document
            for key in path:
                entry = entry[key]
            if not (isinstance(entry, str) and "0x" in entry):
                continue
            new = CHANGES[name](float.fromhex(entry)).hex()
            tampered = tampering.changed(document, path, lambda _, new=new: new, path[0] == "data")
            if checker.check(tampered, time_limit=2.0).valid:
                assert truth.is_true(tampered), (path, name)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutations_never_confirm_a_false_claim(data):
    document = json.loads(data.draw(st.sampled_from(originals())))
    junk = (
        st.none() | st.integers() | st.floats(-4.0, 4.0).map(float.hex) | st.just([]) | st.just({})
    )
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(tampering.places(document))))
        acts = [
            lambda x: x[::-1],
            lambda x: x + x[:1],
            lambda x: x[1:],
            lambda x: [x],
            lambda x: x[0],
        ]
        act, new = data.draw(st.sampled_from(acts)), data.draw(junk)
        move = data.draw(st.booleans())

        def change(x, move=move, act=act, new=new):
            return (act(x) if isinstance(x, list) and x else x) if move else new

        document = tampering.changed(document, path, change, False)
    if data.draw(st.booleans()):
        try:
            document = tampering.changed(document, ("version",), lambda x: x, True)
        except Exception:
            return
    result = checker.check(document, time_limit=2.0)
    assert isinstance(result.reason, str) and len(result.reason) < 500
    assert result.lower is None or truth.is_true(document)


TWO = [HEX(1.0), HEX(0.0)]


@pytest.mark.parametrize(
    "path, change, reason",
    [
        (("dual",), lambda V: [row[:1] for row in V], "rows of two numbers or more"),
        (("dual",), lambda V: [[] for _ in V], "rows of two numbers or more"),
        (("dual",), lambda V: [row + row for row in V], "differ in the number of outputs"),
        (("dual",), lambda V: [row[0] for row in V], "differ in the number of outputs"),
        (("dual",), lambda V: [V[0][:2], *V[1:]], "expected"),
        (("dual",), lambda V: V[1:], "expected"),
        (("dual", 0, 0), lambda x: "nan", "not a finite"),
        (("data", "y"), lambda y: [row[:2] for row in y], "differ in the number of outputs"),
        (("data", "y"), lambda y: [row[0] for row in y], "differ in the number of outputs"),
        (("data", "y", 0), lambda y: y[:2], "2 expected"),
        (("data", "y", 0), lambda y: [HEX(0.0)] * 3, "a one at the class"),
        (("data", "y", 0), lambda y: [HEX(1.0)] * 3, "a one at the class"),
        (("data", "y", 0), lambda y: [HEX(0.5)] * 2 + [HEX(0.0)], "a one at the class"),
        (("data", "y", 0), lambda y: [HEX(2.0), HEX(-1.0), HEX(0.0)], "a one at the class"),
        (("network", "a"), lambda a: [row[0] for row in a], "not a list"),
        (("network", "a", 0), lambda a: a[:2], "3 expected"),
        (("network", "a", 0), lambda a: a + a, "3 expected"),
        (("network", "c"), lambda c: c[0], "not a list"),
        (("network", "c"), lambda c: c[:1], "3 expected"),
        (("network", "s"), lambda s: TWO, "not a list"),
        (("output_weights",), lambda x: "nonneg", "output weights of a sign"),
        (("output_weights",), lambda x: ["any"], "output_weights must be one of"),
        (("norm",), lambda x: "l1", "have one output"),
        (("units",), lambda x: {"name": "squared_relu"}, "have one output"),
        (("units",), lambda x: {"name": "quadratic"}, "no proof here without evidence"),
        (("version",), lambda x: 2, "unknown entries: 'output_weights'"),
        (("evidence",), lambda x: as_hex(relaxed(np.ones((8, 2)), np.ones(8), 9.0)), "no proof"),
        (("loss",), lambda x: "logistic", "must be -1 and +1"),
    ],
)
def test_shapes_that_do_not_fit(path, change, reason):
    document = random_certificate("cross_entropy", np.random.default_rng(0), free=1)
    assert len(document["dual"][0]) == 3
    document |= {"lower": HEX(-1e300), "upper": HEX(1e300)}
    try:
        tampered = tampering.changed(document, path, change, path[0] == "data")
    except (ValueError, TypeError):
        tampered = tampering.changed(document, path, change, False)
    result = checker.check(tampered)
    assert not result.valid and reason in result.reason


def test_old_versions_have_one_output():
    document = random_certificate("squared", np.random.default_rng(0))
    del document["output_weights"], document["preparation"], document["width"]
    assert "from version 3 on" in checker.check(document | {"version": 2}).reason
    document = claims([[1.0]], [0.25], 1.0).rounded_outward().to_dict()
    del document["preparation"], document["width"]
    assert checker.check(document | {"version": 3}).valid
    del document["output_weights"]
    assert checker.check(document | {"version": 2}).valid


def test_data_kept_apart(tmp_path):
    """As a pair, with labels, as a table, as another certificate."""
    for loss in ("cross_entropy", "squared"):
        document = random_certificate(loss, np.random.default_rng(0))
        X, y = (truth.decoded(document["data"][key]) for key in "Xy")
        apart = document | {"data": None}
        targets = y.argmax(axis=1)[:, None] if loss == "cross_entropy" else y
        table = np.column_stack([X, targets]).tolist()
        lines = [",".join(map(repr, row)) for row in table]
        (tmp_path / "data.csv").write_text("\n".join(lines))
        (tmp_path / "named.csv").write_text(
            "\n".join([",".join("abcdefg"[: len(table[0])]), *lines])
        )
        (tmp_path / "data.json").write_text(json.dumps(document))
        given = [(X, y), (X.tolist(), y.tolist())]
        given += [tmp_path / name for name in ("data.csv", "named.csv", "data.json")]
        given += [(X, y.argmax(axis=1))] if loss == "cross_entropy" else []
        for data in given:
            assert checker.check(apart, data).valid
        for data in ((X, y[:, :1]), (X, y[:, 0] + 0.5), (X[:, :1], y), (X, y[::-1]), (X, y[:-1])):
            assert not checker.check(apart, data).valid
        (tmp_path / "data.csv").write_text("\n".join(str(row[-1]) for row in table))
        assert "no column beside" in checker.check(apart, tmp_path / "data.csv").reason


def test_labels_of_other_classes_and_many_classes():
    document = random_certificate("cross_entropy", np.random.default_rng(0)) | {"data": None}
    document["dual"] = document["dual"][:3]
    for label, words in ((2.0, "2 labels, but 3 classes"), (-1.0, "data"), ("x", "not numbers")):
        result = checker.check(document, (np.ones((3, 2)), [0.0, 2.0, label]))
        assert not result.valid and words in result.reason
    wide = claims(np.ones((2, 1)), np.zeros((2, 30_000)), 1.0, y=np.eye(2, 30_000),
                  loss="cross_entropy").rounded_outward()  # fmt: skip
    assert checker.check(wide.to_dict(), time_limit=60.0).valid


@pytest.mark.parametrize("header", ["", "width,length,kind\n"])
@pytest.mark.parametrize("labels", [["b", "a", "c"], [3, 1, 7], [0, 1, 2]])
def test_tables_with_labels_of_any_kind(labels, header, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2)).round(3), [labels[k % 3] for k in range(12)]
    options = {"loss": "cross_entropy", "weight_decay": 0.5}
    certificate = cn.train("relu", X, y, **options).certificate
    rows = "".join(f"{a},{b},{label}\n" for (a, b), label in zip(X, y, strict=True))
    (tmp_path / "data.csv").write_text(header + rows)
    certificate.save(tmp_path / "cert.json", embed_data=False)
    assert cn.check(tmp_path / "cert.json", tmp_path / "data.csv").valid
    assert cn.check(tmp_path / "cert.json", (X, y)).valid
    (tmp_path / "data.csv").write_text(header + rows[::-1])
    assert not cn.check(tmp_path / "cert.json", tmp_path / "data.csv").valid


def test_the_fingerprint_knows_the_shape():
    X, y = [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]
    prints = {checker.fingerprint(X, y), checker.fingerprint(X, [5.0, 6.0, 7.0, 8.0]),
              checker.fingerprint([[*a, *b] for a, b in zip(X, y, strict=True)], [5.0, 6.0]),
              checker.fingerprint(X + y, [[5.0, 6.0]] * 2)}  # fmt: skip
    assert len(prints) == 4


# ------------------------------------------------------------------------ bounds and records


def test_time_and_size_are_bounded():
    rng = np.random.default_rng(0)
    X, V = rng.normal(size=(1500, 3)), rng.normal(size=(1500, 3))
    assert "time limit" in checker.check(claims(X, V, 1e9).to_dict(), time_limit=0.5).reason
    wide = claims(np.ones((1, 600)), np.ones((1, 600)), 1e9, units="linear")
    assert "too large" in checker.check(wide.to_dict()).reason
    basis = {"kind": "sphere", "basis": np.eye(60), "edges": [], "bounds": np.ones(60)}
    evidence = basis | {"proofs": [None] * 60, "cones": None}
    made = claims(np.ones((1, 1)), np.ones((1, 60)), 1e9, evidence=evidence)
    assert "too large: 60 directions" in checker.check(made.to_dict()).reason


def test_sizes_of_numbers_are_bounded_before_lines_are_made(monkeypatch):
    monkeypatch.setattr(exact, "MAX_SIZE", 10**5)
    V = np.ones((300, 3)) * 2.0 ** np.arange(-400, 500, 300)
    assert "too large" in check(np.random.default_rng(0).normal(size=(300, 2)), V, 1.0).reason


def trained(loss, **more):
    """The certificate of a small network of two or three outputs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    y = np.array(["red", "green", "blue"])[(np.arange(12) * 5) % 3]
    y = y if loss == "cross_entropy" else rng.normal(size=(12, 2))
    beta = 0.3 * cn.largest_weight_decay("relu", X, y, loss=loss, **more)
    return cn.train("relu", X, y, loss=loss, weight_decay=beta, **more).certificate, X, y


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("more", [{}, {"output_bias": True, "skip": True}], ids=str)
def test_certificates_of_training_go_there_and_back(loss, more, tmp_path):
    made, X, y = trained(loss, **more)
    c = 3 if loss == "cross_entropy" else 2
    assert made.outputs == c and made.output_weights == "any"
    assert made.v.shape == (12, c) and made.a.shape == (len(made.W), c)
    assert (made.c is None) or (made.c.shape == (c,) and made.s.shape == (2, c))
    made.save(tmp_path / "whole.json")
    made.save(tmp_path / "apart.json", embed_data=False)
    assert cn.Certificate.load(tmp_path / "whole.json") == made
    targets = (X, made.y.argmax(axis=1)) if loss == "cross_entropy" else (X, y)
    assert cn.Certificate.load(tmp_path / "apart.json", targets) == made
    assert cn.check(tmp_path / "apart.json", targets).valid and cn.check(made, rounded=True).valid
    assert truth.is_true(made.to_dict())


def test_a_certificate_of_one_sign(tmp_path):
    X, y = np.linspace(-1.0, 1.0, 9)[:, None], np.linspace(-1.0, 1.0, 9) ** 2
    made = cn.train("relu", X, y, weight_decay=0.05, output_weights="nonneg").certificate
    made.save(tmp_path / "c.json")
    assert cn.Certificate.load(tmp_path / "c.json").output_weights == "nonneg"
    assert cn.check(made).valid and truth.is_true(made.to_dict())
    assert not cn.check(made.to_dict() | {"output_weights": "nonpos"}).valid


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"v": np.zeros(12)}, "v of a certificate has 1 dimensions; 2 expected"),
        ({"v": np.zeros((12, 3))}, "differ in the number of outputs"),
        ({"weights": {"a": [1.0]}}, "a of a certificate has 1 dimensions; 2 expected"),
        ({"weights": {"c": 1.0}}, "c of a certificate has 0 dimensions; 1 expected"),
    ],
)
def test_impossible_certificates_of_several_outputs(changes, message):
    made, _, _ = trained("squared", output_bias=True)
    given = {name: getattr(made, name) for name in ("objective", "weights", "v", "lower", "upper")}
    changes = dict(changes)
    if weights := changes.pop("weights", None):
        changes["weights"] = replace(made.weights, **weights)
    with pytest.raises(cn.InputError, match=re.escape(message)):
        cn.Certificate(**given | changes)

"""Every unit family, loss, option and kind of evidence in the checker, against brute force."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import truth
from claimed import Claimed, units_as_hex

from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.checker import cones, exact, lifting
from cvxnet.proofs.checker.dual import Clock, dual_vector
from cvxnet.proofs.checker.evidence import read_node
from cvxnet.proofs.checker.semidefinite import semidefinite

LEAKY = {"name": "leaky_relu", "slope": 0.25}
STEEP = {"name": "leaky_relu", "slope": -1.7}
POLYNOMIAL = {"name": "polynomial", "coefficients": [0.5, 1.0, 0.25]}
TANH = {"name": "tanh", "radius": 3.0}
GATED = {"name": "gated_relu", "gates": [[1.0, 0.0], [-1.0, 2.0], [0.0, 0.0]]}
FAMILIES = ["relu", LEAKY, "abs", "linear", GATED, "coordinate", "sign", "threshold", "quadratic",
            "squared_relu", POLYNOMIAL, TANH]  # fmt: skip
PIECEWISE_LINEAR = ["relu", "abs", LEAKY, STEEP]


def name_of(units):
    return units if isinstance(units, str) else units["name"]


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
    return Claimed(units=units, X=X, v=v, weight_decay=weight_decay, **values).rounded_outward()


def verdict(*arguments, **options):
    return checker.check(certificate(*arguments, **options).to_dict())


def rho(units, X, v, norm="l2"):
    return truth.rho(units_as_hex(units), norm, np.asarray(X, float), np.asarray(v, float))


def random_rows(rng):
    """Small instances: general, integer with many ties, parallel and opposite rows, zero rows."""
    n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    kind = rng.integers(0, 3)
    if kind == 0:
        return rng.normal(size=(n, d))
    if kind == 1:
        return rng.integers(-1, 2, size=(n, d)).astype(float)
    rows = rng.normal(size=(n // 2 + 1, d))
    return np.vstack([rows, -0.5 * rows[:1], 4.0 * rows[:1], np.zeros((1, d))])[:5]


def random_weights(n, rng):
    return rng.normal(size=n) if rng.random() < 0.5 else 1.0 * rng.integers(-2, 3, n)


# --------------------------------------------------------------------------- rho(v) <= beta


@pytest.mark.parametrize(
    "units, norm, tolerance, count",
    [
        *((units, "l2", 1e-8, 20) for units in (*PIECEWISE_LINEAR, "linear", "coordinate")),
        *((units, "l1", 1e-8, 8) for units in (*PIECEWISE_LINEAR, "linear")),
        ("sign", "l2", 1e-12, 8),
        ("threshold", "l2", 1e-12, 8),
        ("quadratic", "l2", 1e-9, 20),
        (POLYNOMIAL, "l2", 1e-6, 8),
        ("squared_relu", "l2", 1e-6, 8),
        (TANH, "l2", 1e-5, 5),
    ],
    ids=str,
)
def test_proved_from_brute_force_on_and_not_below(units, norm, tolerance, count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        X = random_rows(rng)
        v = random_weights(len(X), rng)
        largest = rho(units, X, v, norm)
        if largest < 1e-9:
            assert verdict(units, X, v, 1e-3, norm=norm).valid
            continue
        assert verdict(units, X, v, largest * (1 + tolerance), norm=norm).valid
        below = verdict(units, X, v, largest * (1 - tolerance), norm=norm)
        assert not below.valid and below.lower is None
        assert below.violation < 3 * tolerance
        assert (below.violation > 0.0) == (name_of(units) not in ("quadratic", "polynomial"))


@pytest.mark.parametrize("bias", [False, True])
def test_gated_units(bias):
    rng = np.random.default_rng(2)
    for _ in range(20):
        X = random_rows(rng)
        rows = truth.with_ones(X, bias)
        gates = np.vstack([rng.integers(-1, 2, (3, rows.shape[1])), rows[:1]]).astype(float)
        units, v = {"name": "gated_relu", "gates": gates}, random_weights(len(X), rng)
        largest = rho(units, rows, v)
        assert verdict(units, X, v, largest * (1 + 1e-12) or 1e-300, bias=bias).valid
        if largest:
            assert verdict(units, X, v, largest * (1 - 1e-9), bias=bias).violation < 1.1e-9
    no_gates = {"name": "gated_relu", "gates": np.zeros((0, 2))}
    assert verdict(no_gates, [[1.0, 2.0]], [5.0], 1e-9).valid


@pytest.mark.parametrize(
    "units, X, v, largest",
    [
        ("linear", [[3.0, 0.0], [0.0, 4.0]], [1.0, 1.0], 5.0),
        ("coordinate", [[3.0, 0.0], [0.0, 4.0]], [1.0, 1.0], 4.0),
        ("abs", [[3.0, 0.0], [0.0, 4.0]], [1.0, -1.0], 4.0),
        (LEAKY, [[4.0]], [-1.0], 4.0),
        (STEEP, [[1.0]], [1.0], 1.7),
        ("sign", [[1.0], [-1.0]], [3.0, -4.0], 7.0),
        ("sign", [[1.0], [1.0]], [3.0, -4.0], 1.0),
        ("threshold", [[1.0], [-1.0]], [3.0, 4.0], 7.0),  # both only where u = 0
        ("threshold", [[1.0], [-1.0]], [3.0, -4.0], 4.0),
        ("threshold", [[0.0], [1.0]], [3.0, 2.0], 5.0),  # a zero row is always on
        ("threshold", [[0.0, 0.0]], [3.0], 3.0),
        ("threshold", [[1, 0], [-1, 0], [0, 1]], [2.0, 2.0, -1.0], 4.0),  # on a face of a line
        ("sign", [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]], [5.0, 5.0, 1.0, 1.0], 2.0),
        ("quadratic", [[3.0, 4.0], [4.0, -3.0]], [2.0, -1.0], 50.0),
        ("squared_relu", [[3.0, 4.0], [0.0, 1.0], [-6.0, -8.0]], [1.0, 0.0, -2.0], 200.0),
        ("quadratic", [[0.0, 0.0]], [1.0], 5e-324),
        ("squared_relu", [[0.0, 0.0]], [1.0], 5e-324),
        (TANH, [[0.0]], [1.0], 5e-324),
        ("sign", [[0.0]], [1.0], 5e-324),
    ],
)
def test_exact_at_the_boundary(units, X, v, largest):
    """rho(v) = weight_decay is feasible; one unit in the last place less is not."""
    assert verdict(units, X, v, largest).valid
    if largest > 1e-300:
        assert not verdict(units, X, v, math.nextafter(largest, 0.0)).valid


@pytest.mark.parametrize("norm, largest", [("l2", 5.0), ("l1", 4.0)])
def test_the_l1_ball_is_smaller(norm, largest):
    X, v = [[3.0, 0.0], [0.0, 4.0]], [1.0, 1.0]
    for units in ("relu", "abs", LEAKY, "linear"):
        assert verdict(units, X, v, largest, norm=norm).valid
        assert not verdict(units, X, v, math.nextafter(largest, 0.0), norm=norm).valid
    assert "more than 3 columns" in verdict("relu", np.eye(4), np.ones(4), 9.0, norm="l1").reason


@pytest.mark.parametrize("units, d", [*product(PIECEWISE_LINEAR, [4]), ("relu", 5)], ids=str)
def test_piecewise_linear_units_beyond_rank_three(units, d):
    rng = np.random.default_rng(d)
    X, v = rng.normal(size=(6, d)), rng.normal(size=6)
    largest = rho(units, X, v)
    assert verdict(units, X, v, largest * (1 + 1e-8)).valid
    below = verdict(units, X, v, largest * (1 - 1e-4))
    assert "dual infeasible" in below.reason and 0.0 < below.violation < 1.1e-4


def test_squared_relu_units_at_rank_four():
    rng = np.random.default_rng(4)
    X, v = rng.normal(size=(9, 4)), rng.normal(size=9)
    largest = rho("squared_relu", X, v)
    assert verdict("squared_relu", X, v, largest * (1 + 1e-6)).valid
    assert 0.0 < verdict("squared_relu", X, v, largest * (1 - 1e-6)).violation < 2.1e-6


def test_any_shares_prove_nothing_false(monkeypatch):
    rng = np.random.default_rng(1)
    X, v = rng.normal(size=(6, 4)), rng.normal(size=6)
    largest = rho("relu", X, v)
    for share in (0, cones.SHARE, cones.SHARE // 3):

        def fixed(b, D, G, limit, patient, share=share):
            c = [cones.SHARE * x + share * sum(d[k] for d in D) for k, x in enumerate(b)]
            return c, [1] * len(b)

        monkeypatch.setattr(cones, "linear_above", fixed)
        below = certificate("relu", X, v, largest * (1 - 1e-6)).to_dict()
        assert not checker.check(below, time_limit=1.0).valid
        assert verdict("relu", X, v, largest * 1.3).valid


def test_corners_of_any_length_are_lifted_alike():
    """As trees have them, of many more digits than the numbers that they are multiplied with."""
    b, G = [1000, -3000, 500], [[4, 2, -1], [2, 3, -1], [-1, -1, 5]]
    first, *others = (
        lifting.linear_above(
            b, [], [[x << k for x in row] for row in G], Fraction(1, 1 << k), True
        )[0]
        for k in (0, 20, 200, 600)
    )
    assert first[1] > lifting.SHARE * b[1]
    assert all(other == pytest.approx(first, rel=1e-3) for other in others)


def test_balls_that_cannot_tell_leave_it_to_exact_arithmetic(monkeypatch):
    rng = np.random.default_rng(0)
    for bits in (8, 40, 256):
        monkeypatch.setattr(exact, "PRECISION", bits)
        for _ in range(30):
            A = rng.integers(-3, 4, size=(3, 2)).astype(object)
            M = (A @ A.T).tolist()  # singular
            assert semidefinite(M, Clock(1e9))
            M[2][2] -= 1
            true = np.linalg.eigvalsh(np.array(M, float))[0] > -1e-9
            assert semidefinite(M, Clock(1e9)) == true


# ------------------------------------------------------------------- the ends of the bracket


def random_network(units, d, bias, rng):
    """Weights that the family allows."""
    name, width = name_of(units), 3
    W, gate = rng.normal(size=(width, d)), None
    if name == "coordinate":
        W = np.eye(d)[rng.integers(0, d, width)] * rng.choice([-1.0, 1.0], (width, 1))
    if name == "tanh":
        W /= 2.0 * np.linalg.norm(W, axis=1, keepdims=True)
    if name == "gated_relu":
        gate = rng.integers(0, len(units["gates"]), width)
    b = 0.5 * rng.normal(size=width) if bias else None
    return {"W": W, "b": b, "a": rng.normal(size=width), "gate": gate}


def random_certificate(units, loss, free, rng, X):
    """A random network, options at random, and a dual vector inside the domain, feasible."""
    n, d = X.shape
    bias = bool(rng.integers(0, 2)) and units not in ("coordinate", GATED)
    norm = "l1" if name_of(units) in ("relu", "abs", "linear") and rng.random() < 0.3 else "l2"
    labels = loss in truth.LABELS
    y = rng.choice([-1.0, 1.0], n) if labels else rng.normal(size=n)
    y[:2] = [1.0, -1.0]
    weights = rng.uniform(0.5, 2.0, n) if rng.random() < 0.5 else np.ones(n)
    v = -0.5 * y if labels else rng.uniform(-0.4, 0.4, n)
    columns = np.column_stack([np.ones((n, free & 1)), X[:, : free & 2]])
    if columns.size:  # labels: only some numbers move, and the others shrink
        v = v - columns @ np.linalg.lstsq(columns, v, rcond=None)[0]
        v = np.zeros(n) if labels and (v * y > 0.0).any() else v * 0.5
    largest = rho(units, truth.with_ones(X, bias), v, norm)
    return Claimed(
        units=units,
        norm=norm,
        loss=loss,
        sample_weights=None if weights.max() == 1.0 else weights,
        weight_decay=largest * 1.001 or 0.1,
        bias=bias,
        X=X,
        y=y,
        **random_network(units, d, bias, rng),
        c=float(rng.normal()) if free & 1 else None,
        s=rng.normal(size=d) if free & 2 else None,
        v=v,
        lower=-1.0,
        upper=1.0,
    ).rounded_outward()


@pytest.mark.parametrize("units", FAMILIES, ids=name_of)
@pytest.mark.parametrize("free", range(4))
def test_ends_are_those_of_plain_numpy_and_no_network_is_below(units, free):
    rng = np.random.default_rng(free)
    X = rng.normal(size=(5, 2))  # the same for all, as it is slow to list its faces
    for loss in set(checker.LOSSES) - {"cross_entropy"}:  # which has several outputs
        c = random_certificate(units, loss, free, rng, X)
        document = c.to_dict()
        result = checker.check(document)
        assert result.valid and (result.lower, result.upper) == (c.lower, c.upper)
        assert result.upper == pytest.approx(truth.objective(document), rel=1e-12)
        assert result.lower == pytest.approx(truth.dual_value(document), rel=1e-9, abs=1e-12)
        for _ in range(20):
            other = random_network(units, 2, c.bias, rng)
            other["a"] *= 0.3
            if free & 1:
                other["c"] = float(rng.normal())
            if free & 2:
                other["s"] = rng.normal(size=2)
            assert truth.objective(replace(c, **other).to_dict()) >= c.lower


@pytest.mark.parametrize("units", FAMILIES, ids=name_of)
def test_claims_tighter_by_one_unit_in_the_last_place_are_refused(units):
    rng = np.random.default_rng(7)
    for loss in ("huber", "logistic"):
        c = random_certificate(units, loss, 1, rng, rng.normal(size=(4, 2)))
        high = replace(c, lower=math.nextafter(c.lower, math.inf))
        low = replace(c, upper=math.nextafter(c.upper, -math.inf))
        assert "lower: claimed" in checker.check(high.to_dict()).reason
        assert "upper: claimed" in checker.check(low.to_dict()).reason


def test_closed_form_of_the_lasso_with_a_free_bias():
    """X = (-1, 0, 1), y = (0, 0, 3), absolute values: c = 1, a = 1.5 - beta / 2."""
    made = Claimed(
        units="coordinate",
        loss="squared",
        weight_decay=0.5,
        bias=False,
        X=[[-1.0], [0.0], [1.0]],
        y=[0.0, 0.0, 3.0],
        W=[[1.0]],
        b=None,
        a=[1.25],
        c=1.0,
        v=np.array([-0.25, 1.0, -0.75]),
        lower=0.0,
        upper=0.0,
    ).rounded_outward()
    result = checker.check(made.to_dict())
    assert result.valid and result.lower == result.upper == 0.5 * (0.25**2 + 1 + 0.75**2) + 0.625


@pytest.mark.parametrize("loss", truth.LABELS)
def test_a_free_bias_alone_finds_the_shares_of_the_classes(loss):
    """Huge weight decay: the best constant. Doubles cannot balance these dual numbers exactly."""
    y = np.array([1.0] * 7 + [-1.0] * 3)
    v = np.where(y > 0, -0.3, 0.7) if loss != "hinge" else np.where(y > 0, -3.0 / 7.0, 1.0)
    v = v * (2.0 if loss == "squared_hinge" else 1.0) * (1.0 if loss != "squared_hinge" else 0.6)
    shares = {"logistic": -10 * (0.7 * math.log(0.7) + 0.3 * math.log(0.3)), "hinge": 6.0}
    made = certificate(
        "relu", np.arange(10.0)[:, None], v, 1e6, y=y, loss=loss, c=0.4 if loss != "hinge" else 1.0
    )
    assert checker.check(made.to_dict()).valid
    assert made.lower <= shares.get(loss, math.inf) <= made.upper or loss == "squared_hinge"
    assert loss != "hinge" or made.upper - made.lower < 1e-13


def test_a_dual_vector_without_room_is_refused():
    y = [1.0, -1.0, 1.0]
    for v in ([-1.0, 1.0, -1.0], [0.0, 0.0, -1.0]):
        document = certificate("relu", [[1.0], [2.0], [3.0]], [-0.5, 0.5, 0.0], 9.0, y=y,
                               loss="hinge", c=0.0).to_dict()  # fmt: skip
        result = checker.check(document | {"dual": [x.hex() for x in v]})
        assert "no room to move it" in result.reason


def test_dependent_free_columns():
    """Constant, duplicate and zero features beside the output bias."""
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(6), np.zeros(6), x := rng.normal(size=6), 2.0 * x])
    v = rng.normal(size=6)
    F = np.column_stack([np.ones(6), x])
    v -= F @ np.linalg.lstsq(F, v, rcond=None)[0]
    made = certificate("relu", X, v, 50.0, y=rng.normal(size=6), c=0.0, s=np.zeros(4))
    assert checker.check(made.to_dict()).valid
    moved = [x for (x,) in dual_vector(checker.read(made.to_dict()))]
    assert not sum(moved) and not any(
        sum(m * exact.rational(t) for m, t in zip(moved, column, strict=True)) for column in X.T
    )
    assert max(abs(float(exact.fraction(m)) - t) for m, t in zip(moved, v, strict=True)) < 1e-14


# ---------------------------------------------------------------------- relaxation evidence


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
    """Two random trees for units ``max(z, 0) + left min(z, 0)``, and the bound they prove."""
    made = {"kind": "relaxation"}
    bounds = []
    for name, side in (("plus", 1.0), ("minus", -1.0)):
        w, slope = side * (1 - left) / 2 * v, side * (1 + left) / 2 * X.T @ v
        made[name], bound = random_tree(rng, X, w, slope, depth, {})
        bounds.append(bound)
    return made, max(bounds)


@pytest.mark.parametrize("units", PIECEWISE_LINEAR, ids=str)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_evidence_proves_its_bound_and_no_more(units, depth):
    rng = np.random.default_rng(depth)
    for _ in range(5):
        X, v = rng.normal(size=(5, 4)), rng.normal(size=5)
        evidence, bound = random_evidence(rng, truth.slope(units_as_hex(units)), X, v, depth)
        assert rho(units, X, v) <= bound * (1 + 1e-9)
        assert verdict(units, X, v, bound * (1 + 1e-7), evidence=evidence).valid
        below = verdict(units, X, v, bound * (1 - 1e-5), evidence=evidence)
        assert "a leaf of the evidence proves nothing" in below.reason


def test_evidence_with_a_free_part_and_sample_weights():
    rng = np.random.default_rng(5)
    X, v = rng.normal(size=(8, 6)), rng.normal(size=8)
    F = np.column_stack([np.ones(8), X])
    v -= F @ np.linalg.lstsq(F, v, rcond=None)[0]
    evidence, bound = random_evidence(rng, 0.0, truth.with_ones(X, True), v, 2)
    made = certificate("relu", X, v, bound * (1 + 1e-7), bias=True, evidence=evidence, c=0.0,
                       s=np.zeros(6), sample_weights=rng.uniform(0.5, 2.0, 8))  # fmt: skip
    assert checker.check(made.to_dict()).valid


def evidence_document(change, seed=0):
    """A valid certificate with evidence in which ``change`` has been made."""
    rng = np.random.default_rng(seed)
    X, v = rng.normal(size=(4, 3)), rng.normal(size=4)
    evidence, bound = random_evidence(rng, 0.0, X, v, 1)
    document = certificate("relu", X, v, bound * 1.001, evidence=evidence).to_dict()
    assert checker.check(document).valid
    change(document["evidence"])
    return document


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda e: e.update(kind="faith"), "of the kinds relaxation, sphere, tree only"),
        (lambda e: e.pop("minus"), "entries kind, plus, minus"),
        (lambda e: e["plus"].update(row=4), "not on a row"),
        (lambda e: e["plus"].update(row=True), "not on a row"),
        (lambda e: e["plus"].update(plus=e["plus"]["minus"] | {"row": 1}), "entries row, plus"),
        (lambda e: e["plus"].update(plus=e["minus"] | {"row": e["plus"]["row"]}), "twice on one"),
        (lambda e: e["plus"]["plus"].update(mu=(-1.0).hex()), "mu is negative"),
        (lambda e: e["plus"]["plus"].update(mu=(0.0).hex()), "proves nothing"),
        (lambda e: e["plus"]["plus"].update(tau=[(0.0).hex()] * 4), "not positive"),
        (lambda e: e["plus"]["plus"].update(tau=[(1.0).hex()] * 3), "4 expected"),
        (lambda e: e["plus"]["plus"].update(lean=[[0, 0, (1.0).hex()]]), "leans on itself"),
        (lambda e: e["plus"]["plus"].update(lean=[[e["plus"]["row"], (e["plus"]["row"] + 1) % 4,
                                                  (1.0).hex()]]), "fixed sign and leans"),
        (lambda e: e["plus"]["plus"].update(lean=[[0, 9, (1.0).hex()]]), "list of [row, row"),
        (lambda e: e["plus"]["plus"].update(lean=[[0, 1]]), "list of [row, row"),
        (lambda e: e["plus"].update(plus=None), "does not contain"),
        (lambda e: e["plus"].update(plus=[]), "entries tilt, lean, tau, mu"),
    ],
)  # fmt: skip
def test_evidence_that_is_refused(change, reason):
    result = checker.check(evidence_document(change))
    assert not result.valid and reason in result.reason


def test_swapped_sides_and_children_are_no_proof():
    def swap_sides(e):
        e["plus"], e["minus"] = e["minus"], e["plus"]

    def swap_children(e):
        for tree in (e["plus"], e["minus"]):
            tree["plus"], tree["minus"] = tree["minus"], tree["plus"]

    for change in (swap_sides, swap_children):
        results = [checker.check(evidence_document(change, seed)) for seed in range(6)]
        assert any("proves nothing" in result.reason for result in results)


def test_a_tree_too_deep_is_refused():
    leaf = {"tilt": [], "lean": [], "tau": [], "mu": "0x0.0p+0"}
    tree = leaf
    for row in range(500):
        tree = {"row": row, "plus": tree, "minus": leaf}
    with pytest.raises(checker.RefusalError, match="too deep"):
        read_node(tree, 1000, [])


def test_evidence_is_only_for_piecewise_linear_units():
    rng = np.random.default_rng(0)
    X, v = rng.normal(size=(4, 3)), rng.normal(size=4)
    evidence, _ = random_evidence(rng, 0.0, X, v, 0)
    document = certificate("relu", X, v, 99.0, evidence=evidence).to_dict()
    for change in ({"units": {"name": "linear"}}, {"units": {"name": "sign"}}):
        assert "no such evidence for such units" in checker.check(document | change).reason


# --------------------------------------------------------------- what does not fit the family


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"units": {"name": "sine"}}, "must be one of relu, leaky_relu"),
        ({"units": "relu"}, "must be one of relu, leaky_relu"),
        ({"units": {"name": ["relu"]}}, "must be one of relu, leaky_relu"),
        ({"units": {"name": "leaky_relu"}}, "entries name, slope"),
        ({"units": {"name": "relu", "slope": (0.0).hex()}}, "the entries name"),
        ({"units": {"name": "leaky_relu", "slope": "nan"}}, "slope holds 'nan'"),
        ({"units": {"name": "polynomial", "coefficients": [(1.0).hex()] * 2}}, "3 expected"),
        ({"units": {"name": "polynomial", "coefficients": [(1.0).hex()] * 3}}, "all weights 0"),
        ({"units": {"name": "tanh", "radius": (1.0).hex()}}, "no tanh unit may be longer"),
        ({"units": {"name": "tanh", "radius": (-9.0).hex()}}, "no tanh unit may be longer"),
        ({"units": {"name": "gated_relu", "gates": []}}, "each unit of the family gated_relu"),
        ({"units": {"name": "coordinate"}}, "one entry +-1 a row"),
        ({"units": {"name": "sign"}, "norm": "l1"}, "no such units with the norm l1"),
        ({"norm": "linf"}, "the norm must be l2 or l1"),
        ({"norm": None}, "the norm must be l2 or l1"),
        ({"loss": ["squared"]}, "the loss must be one of"),
        ({"loss": "hinge"}, "targets of the hinge loss"),
        ({"sample_weights": [(1.0).hex()]}, "2 expected"),
        ({"sample_weights": [(1.0).hex(), (0.0).hex()]}, "so must all sample_weights"),
        ({"version": 1}, "unknown entries: 'evidence', 'norm', 'output_weights', 'preparation', "),
        ({"version": 7}, "reads versions 1 to 6"),
    ],
)
def test_options_that_do_not_fit(changes, reason):
    made = certificate("relu", [[1.0], [2.0]], [0.1, 0.1], 9.0, y=[0.5, 0.5],
                       W=[[2.0], [0.0]], a=[1.0, 1.0])  # fmt: skip
    assert checker.check(made.to_dict()).valid
    result = checker.check(made.to_dict() | changes)
    assert not result.valid and reason in result.reason


@pytest.mark.parametrize("gate", [None, [0], [0, 3], [0, -1], [0, True], [0, 0.0], "01", [0, "1"]])
def test_gates_that_are_none(gate):
    rng = np.random.default_rng(0)
    made = certificate(GATED, rng.normal(size=(4, 2)), 0.1 * np.ones(4), 9.0,
                       W=rng.normal(size=(2, 2)), a=[1.0, -1.0], gate=[0, 2])  # fmt: skip
    document = made.to_dict()
    assert checker.check(document).valid
    document["network"]["gate"] = gate
    assert "gate" in checker.check(document).reason
    relu = certificate("relu", [[1.0]], [0.1], 9.0).to_dict()
    relu["network"]["gate"] = []
    assert "and no other unit" in checker.check(relu).reason
    del relu["network"]["gate"]
    assert checker.check(relu).valid


def test_gates_at_their_boundary_are_open():
    units = {"name": "gated_relu", "gates": [[1.0, 0.0]]}
    made = certificate(units, [[0.0, 3.0], [-1e-300, 5.0]], [1.0, 1.0], 3.0, W=[[0.0, 1.0]],
                       a=[1.0], gate=[0])  # fmt: skip
    assert checker.check(made.to_dict()).valid  # only the first row passes: rho(v) = 3
    assert made.upper == 0.5 * 9.0 + 3.0


# ------------------------------------------------------------------------ files of version 1

VERSION_1 = """{
"format": "cvxnet-certificate",
"version": 1,
"cvxnet": "0.1.0",
"units": "relu",
"loss": "squared",
"weight_decay": "0x1.999999999999ap-4",
"bias": false,
"data_sha256": "d96542eb39da4832845218d562367ef90b413f5c275b322807deebf7eaf30ea3",
"data": {"X": [["-0x1.0000000000000p+0"], ["0x1.0000000000000p+0"]],
         "y": ["0x1.0000000000000p+0", "0x1.0000000000000p+1"]},
"network": {"W": [["-0x1.e5b9d136c6d96p-1"], ["0x1.60df2453ab723p+0"]], "b": null,
            "a": ["0x1.e5b9d136c6d96p-1", "0x1.60df2453ab723p+0"]},
"dual": ["-0x1.999999999999ap-4", "-0x1.999999999999ap-4"],
"lower": "0x1.28f5c28f5c28ep-2",
"upper": "0x1.28f5c28f5c290p-2"
}"""


def test_a_file_of_version_1_is_still_checked(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(VERSION_1)
    result = checker.check(path)
    assert result.valid and result.lower <= 0.29 <= result.upper
    loaded = Certificate.load(path)
    assert (loaded.units, loaded.norm, loaded.c, loaded.evidence) == (
        "relu",
        "l2",
        None,
        None,
    )
    loaded.save(path)
    again = checker.check(path)
    assert (again.lower, again.upper) == (result.lower, result.upper)
    path.write_text(VERSION_1.replace('"units": "relu"', '"units": "sign"'))
    assert "version 1 has the units relu" in checker.check(path).reason
    path.write_text(VERSION_1.replace('"a": [', '"c": null, "a": ['))
    assert "entries W, b, a" in checker.check(path).reason


# ------------------------------------------------------------------------------ bounded time


@pytest.mark.parametrize(
    "units, n, d, norm",
    [
        ("threshold", 2500, 3, "l2"),
        ("abs", 2500, 3, "l1"),
        ("relu", 300, 5, "l2"),
        ("squared_relu", 400, 5, "l2"),
        (TANH, 400, 5, "l2"),
        (POLYNOMIAL, 250, 200, "l2"),
        (POLYNOMIAL, 250, 201, "l2"),
        ("quadratic", 250, 201, "l2"),
    ],
)
def test_time_is_bounded(units, n, d, norm):
    rng = np.random.default_rng(0)
    made = certificate(units, rng.normal(size=(n, d)), rng.normal(size=n), 1e9, norm=norm)
    tight = replace(made, weight_decay=float(np.sqrt(n))).rounded_outward()
    result = checker.check(tight.to_dict(), time_limit=0.2)
    assert not result.valid
    found = ("time limit", "too large", "dual infeasible", "no multiplier")
    assert any(words in result.reason for words in found)


def test_wild_magnitudes():
    rng = np.random.default_rng(0)
    for units, size in product(
        ("abs", "threshold", "quadratic", "squared_relu", POLYNOMIAL), (1, 8)
    ):
        X = rng.normal(size=(size, 2)) * 2.0 ** rng.integers(-300, 300, (size, 2))
        v = rng.normal(size=size) * 2.0 ** rng.integers(-300, 300, size)
        result = checker.check(certificate(units, X, v, 1.0).to_dict(), time_limit=5.0)
        if result.valid:
            assert rho(units, X, v) <= 1.0 + 1e-9

"""The bound in floating point is above the exact maximum, and hardly above it."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from claimed import Claimed
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.cli.exit_codes import PROVED, UNKNOWN
from cvxnet.proofs import checker, rounded_sweep
from cvxnet.proofs.checker.dual import Clock, feasibility
from cvxnet.proofs.checker.families import units_of
from cvxnet.proofs.rounded_sweep import bound, difference

UNITS = [{"name": "relu"}, {"name": "leaky_relu", "slope": 0.3}, {"name": "abs"}]
LEFT = {"relu": Fraction(0), "leaky_relu": Fraction(0.3), "abs": Fraction(-1)}
SMALL = Fraction(2) ** -40


def certificate(X, v, units, beta=float(SMALL)):
    """A certificate about that dual vector, without a network."""
    X, v = np.asarray(X, float), np.asarray(v, float)
    d = X.shape[1]
    return Claimed(
        units=units,
        loss="squared",
        weight_decay=beta,
        bias=False,
        X=X,
        y=np.zeros(len(X)),
        W=np.zeros((0, d)),
        b=None,
        a=np.zeros(0),
        v=v,
        lower=0.0,
        upper=0.0,
    ).rounded_outward()


def exact_rho(X, v, units):
    """By the exact checker, a little more than rho: relatively less than 1e-17."""
    claims = checker.read(certificate(X, v, units).to_dict())
    return SMALL * (1 + units_of(claims).violation(feasibility(claims), Clock(100.0)))


def rounded_rho(X, v, units, floor=SMALL):
    X = np.asarray(X, float)
    return bound(X, [Fraction(float(x)) for x in v], LEFT[units["name"]], Fraction(1), floor)


def compare(X, v, units, tightness=1e-12):
    exact, rounded = exact_rho(X, v, units), rounded_rho(X, v, units)
    assert exact * (1 - Fraction(1, 10**17)) <= rounded
    assert float(rounded / exact - 1) < tightness


def degenerate(name, rng):
    """Rows with ties of all sorts."""
    if name == "grid":
        return rng.integers(-2, 3, size=(25, 3)).astype(float)
    if name == "parallel":
        rows = rng.normal(size=(6, 3))
        return np.concatenate([rows, rows * 2.0, -rows, rows * 3.0, np.zeros((2, 3))])
    if name == "nearly parallel":
        rows = rng.normal(size=(6, 3))
        noise = [s * rng.normal(size=(6, 3)) for s in (1e-16, 1e-14, 1e-12, 1e-10, 1e-7)]
        return np.concatenate([rows, *(rows + x for x in noise), *(x - rows for x in noise)])
    if name == "nearly one point":  # all circles almost through one point
        return np.column_stack([rng.normal(size=(20, 2)), 1e-15 * rng.normal(size=20)])
    if name == "plane":
        return rng.normal(size=(20, 2)) @ rng.integers(-3, 4, size=(2, 3))
    if name == "line":
        return rng.normal(size=(8, 1)) @ np.array([[1.0, -2.0, 0.5]])
    if name == "two columns":
        return rng.normal(size=(20, 2))
    if name == "one column":
        return rng.normal(size=(8, 1))
    if name == "one row":
        return rng.normal(size=(1, 3))
    if name == "axes":
        return np.concatenate([np.eye(3), -2.0 * np.eye(3), np.eye(3)[:2]])
    if name == "sizes":
        return rng.normal(size=(20, 3)) * 10.0 ** rng.integers(-120, 120, size=(20, 1))
    if name == "tiny entries":
        return rng.normal(size=(15, 3)) * 10.0 ** rng.integers(-200, 1, size=(15, 3))
    return np.column_stack([rng.normal(size=(40, 2)), np.ones(40)])


CASES = ["grid", "parallel", "nearly parallel", "nearly one point", "plane", "line", "one column"]
CASES += ["two columns", "one row", "axes", "sizes", "tiny entries", "random"]


@pytest.mark.parametrize("units", UNITS, ids=lambda units: units["name"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_exact_sweep(name, units):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X = degenerate(name, rng)
        compare(X, rng.normal(size=len(X)), units)
        compare(X, rng.choice([-1.0, 1.0], size=len(X)), units)


def test_misses_no_cell_of_many_small_arrangements():
    """One that looked at one side of each circle only would miss the largest in 2 of these."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n = rng.integers(3, 12)
        compare(rng.normal(size=(n, 3)), rng.normal(size=n), UNITS[0])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), units=st.sampled_from(UNITS))
def test_is_above_the_exact_value_and_hardly_above(data, units):
    whole = st.integers(-4, 4).map(float)
    size = data.draw(st.integers(1, 9))
    noise = data.draw(st.sampled_from([0.0, 2.0**-52, 2.0**-40]))
    matrices = st.lists(st.tuples(*[whole] * 3), min_size=size, max_size=size).map(np.array)
    X = data.draw(matrices) + noise * data.draw(matrices)
    v = np.array(data.draw(st.lists(whole, min_size=size, max_size=size)))
    exact, rounded = exact_rho(X, v, units), rounded_rho(X, v, units)
    assert exact * (1 - Fraction(1, 10**17)) <= rounded
    # where the sum of many terms is almost zero, the error is small relative to the terms, and
    # what is below some 2^-20 of them (2.5 times at most, as it counts) is not told apart
    terms = Fraction(float(np.abs(v) @ np.abs(X).sum(axis=1)))
    assert rounded - max(exact, terms / 2**18) <= Fraction(1, 10**13) * (1 + terms)


@pytest.mark.parametrize("units", UNITS, ids=lambda units: units["name"])
def test_proves_what_is_true_by_little_and_not_what_is_false_by_little(units):
    for seed, name in enumerate(["random", "grid", "plane", "nearly parallel"]):
        rng = np.random.default_rng(seed)
        X = degenerate(name, rng)
        v = rng.normal(size=len(X))
        rho = exact_rho(X, v, units)
        for distance in (1e-3, 1e-9, 1e-12):
            true = certificate(X, v, units, float(rho * (1 + Fraction(distance))))
            false = certificate(X, v, units, float(rho * (1 - Fraction(distance))))
            assert cn.check(true.to_dict(), rounded=True).valid
            refused = cn.check(false.to_dict(), rounded=True)
            assert not refused.valid and refused.lower is None
            assert refused.violation == pytest.approx(
                distance, rel=1e-2 if distance > 1e-11 else 0.9
            )
            assert refused.violation >= 0.999 * distance
        for ulps in (1e-15, 1e-16):
            false = certificate(X, v, units, float(rho * (1 - Fraction(ulps))))
            assert not cn.check(false.to_dict(), rounded=True).valid


def test_a_higher_floor_saves_work_and_changes_nothing_else():
    rng = np.random.default_rng(3)
    X, v = degenerate("random", rng), rng.normal(size=40)
    rho = rounded_rho(X, v, UNITS[0])
    near = rounded_rho(X, v, UNITS[0], rho * Fraction(99, 100))
    assert abs(near / rho - 1) < 1e-14
    assert rounded_rho(X, v, UNITS[0], 2 * rho) == 2 * rho


def test_a_weight_decay_of_any_size():
    X, v = np.eye(3), [3.0, 4.0, -1.0]
    for size in (1e-300, 1.0, 1e150):
        huge = certificate(X * size, v, UNITS[0], 1e308)
        tiny = certificate(X * size, v, UNITS[0], 5e-324)
        assert cn.check(huge.to_dict(), rounded=True).valid
        refused = cn.check(tiny.to_dict(), rounded=True)
        assert not refused.valid and refused.violation > 1e20


def test_nothing_to_see_is_zero():
    for X, v in ((np.zeros((1, 2)), [1.0]), (np.eye(2), [0.0, 0.0])):
        assert rounded_rho(X, v, UNITS[0], Fraction(0)) == 0


@given(*[st.floats(-1.0, 1.0).map(lambda x: x if abs(x) > 1e-100 else 0.0)] * 4)
def test_differences_of_products_are_good_to_the_last_bit_but_one(x, y, z, w):
    exact = Fraction(x) * Fraction(y) - Fraction(z) * Fraction(w)
    error = abs(Fraction(difference(x, y, z, w)) - exact)
    assert error <= Fraction(2.01) / 2**53 * abs(exact) + Fraction(1, 2**103)


def test_rows_that_doubles_cannot_scale_are_refused():
    with pytest.raises(FloatingPointError, match="differ by more"):
        bound(np.array([[1e300, 5e-324, 1.0]]), [Fraction(1)], Fraction(0), Fraction(1))


def test_too_many_rows_for_the_derivation_are_refused(monkeypatch):
    monkeypatch.setattr(rounded_sweep, "LARGEST", 2)
    with pytest.raises(OverflowError, match="2 at most"):
        bound(np.eye(3), [Fraction(1)] * 3, Fraction(0), Fraction(1))
    refused = cn.check(certificate(np.eye(3), np.ones(3), UNITS[0], 5.0).to_dict(), rounded=True)
    assert "at most 2 samples" in refused.reason


# ---------------------------------------------------------------------------- check, cvxnet check


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.sin(2.0 * X[:, 0]) + 0.1 * rng.normal(size=60)
    return cn.train("relu", X, y, weight_decay=0.5, output_bias=True).certificate


def test_says_how_it_was_proved(trained):
    exact = cn.check(trained.to_dict())
    rounded = cn.check(trained.to_dict(), rounded=True)
    assert (exact.method, rounded.method) == (
        "exact arithmetic",
        "floating point with rounding bounds",
    )
    assert exact.valid and rounded.valid
    assert (exact.lower, exact.upper) == (rounded.lower, rounded.upper)
    assert exact.reason == "proved exactly" and rounded.reason.endswith(rounded.method)


def test_the_method_is_the_one_that_proved_it():
    """With more than 1000 samples of one output the exact proof is the faster one, and is named."""
    X = np.random.default_rng(0).normal(size=(1001, 2))
    for n, method in ((1001, "exact arithmetic"), (1000, "floating point with rounding bounds")):
        document = certificate(X[:n], 1e-6 * np.ones(n), UNITS[0], 5.0).to_dict()
        proved = cn.check(document, rounded=True)
        assert proved.valid and proved.method == method and proved.reason.startswith("proved")
        late = cn.check(document, time_limit=0.0)
        assert late.reason.startswith("unfinished")
        assert ("--rounded" in late.reason) == (method != "exact arithmetic")


def test_the_rest_is_as_strict_as_the_exact_check(trained):
    for change, said in (({"lower": trained.lower + 1e-9}, "lower"), ({"upper": 0.1}, "upper")):
        refused = cn.check(replace(trained, **change).to_dict(), rounded=True)
        assert not refused.valid and refused.reason.startswith(f"{said}: claimed")
    other = trained.to_dict() | {"data_sha256": "0" * 64}
    assert "SHA-256" in cn.check(other, rounded=True).reason
    assert not cn.check({}, rounded=True).valid


def test_says_where_it_is_of_no_use():
    wide = cn.check(certificate(np.eye(8), np.ones(8), UNITS[0], 9.0).to_dict(), rounded=True)
    assert not wide.valid and "above 7" in wide.reason
    other = certificate(np.eye(2), np.ones(2), {"name": "quadratic"}, 9.0)
    assert "not quadratic" in cn.check(other.to_dict(), rounded=True).reason


def test_an_unfinished_exact_check_names_the_option(trained):
    unfinished = cn.check(trained.to_dict(), time_limit=0.0)
    assert not unfinished.valid and "--rounded" in unfinished.reason
    also = cn.check(trained.to_dict(), rounded=True, time_limit=0.0)
    assert not also.valid and also.reason.startswith("unfinished")
    wide = certificate(np.eye(5), np.ones(5), UNITS[0], 9.0).to_dict()
    assert "--rounded" in cn.check(wide, time_limit=0.0).reason
    other = certificate(np.eye(2), np.ones(2), {"name": "quadratic"}, 9.0).to_dict()
    assert "--rounded" not in cn.check(other, time_limit=0.0).reason


def test_on_the_command_line(cvxnet, trained, tmp_path):
    file = tmp_path / "certificate.json"
    trained.save(file)
    code, printed, _ = cvxnet("check", file, "--rounded")
    assert code == PROVED and "floating point with rounding bounds" in printed
    code, printed, _ = cvxnet("check", file, "--rounded", "--json")
    assert json.loads(printed)["method"] == "floating point with rounding bounds"
    assert "exact arithmetic" in cvxnet("check", file)[1]
    less = replace(trained.objective, weight_decay=trained.weight_decay * (1 - 1e-9))
    loose = replace(trained, objective=less, lower=0.0, upper=1e9)
    loose.save(file)
    code, printed, _ = cvxnet("check", file, "--rounded")
    assert code == UNKNOWN and "no more was proved" in printed

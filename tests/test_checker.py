"""The checker proves what is true and nothing else: its arithmetic against brute force."""

import math
import shutil
import subprocess
import sys
import zipapp
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from claimed import Claimed
from scipy.optimize import nnls

from cvxnet.proofs import checker
from cvxnet.proofs.checker import coordinates, exact, lines, sweeps

SQUARED, LOGISTIC = "squared", "logistic"


def brute_rho(X, v):
    """rho(v) by one projection for each of the 2^n patterns, empty cells included.

    Where sign_i x_i.u >= 0 for all i, g(u) = c.u with c the sum of v_i x_i over the positive
    signs; the largest c.u over that cone and the unit ball is the distance of c from its polar.
    """
    best = 0.0
    for pattern in product([False, True], repeat=len(X)):
        signs = np.where(pattern, 1.0, -1.0)
        c = X[list(pattern)].T @ v[list(pattern)]
        for target in (c, -c):
            best = max(best, nnls(-(signs[:, None] * X).T, target)[1])
    return best


def with_ones(X, bias):
    return np.column_stack([X, np.ones(len(X))]) if bias else X


def certificate(X, v, weight_decay, *, y=None, loss=SQUARED, bias=False, width=0, rng=None):
    """A certificate with that dual vector, of some network, with the tightest true claims."""
    X, v = np.asarray(X, float), np.asarray(v, float)
    rng = rng or np.random.default_rng(0)
    return Claimed(
        loss=loss,
        weight_decay=weight_decay,
        bias=bias,
        X=X,
        y=np.zeros(len(X)) if y is None else y,
        W=rng.normal(size=(width, X.shape[1])),
        b=rng.normal(size=width) if bias else None,
        a=rng.normal(size=width),
        v=v,
        lower=0.0,
        upper=0.0,
    ).rounded_outward()


def measured(X, v):
    """rho(v) as the checker measures it: by how much it exceeds a tiny weight decay."""
    return (1.0 + checker.check(certificate(X, v, 2.0**-40).to_dict()).violation) * 2.0**-40


def random_rows(kind, rng):
    """Small instances: general, integer with many ties, rank deficient, parallel and opposite."""
    n, d = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    if kind == "general":
        return rng.normal(size=(n, d))
    if kind == "signs":
        return rng.integers(-1, 2, size=(n, d)).astype(float)
    if kind == "integers":
        return rng.integers(-3, 4, size=(n, 3)).astype(float)
    if kind == "wide":
        rank = int(rng.integers(0, 4))
        left, right = rng.integers(-2, 3, size=(n, rank)), rng.integers(-2, 3, size=(rank, 5))
        return (left @ right).astype(float)
    rows = rng.normal(size=(n // 2 + 1, d))
    return np.vstack([rows, -0.5 * rows[: n // 3 + 1], 3.0 * rows[:1], np.zeros((1, d))])


@pytest.mark.parametrize("kind", ["general", "signs", "integers", "wide", "parallel"])
def test_rho_equals_brute_force(kind):
    rng = np.random.default_rng(sum(map(ord, kind)))
    for _ in range(70):
        X = random_rows(kind, rng)
        v = rng.normal(size=len(X)) if rng.random() < 0.5 else 1.0 * rng.integers(-2, 3, len(X))
        rho = brute_rho(X, v)
        if rho < 1e-9:
            assert checker.check(certificate(X, v, 1e-6).to_dict()).valid
            continue
        assert measured(X, v) == pytest.approx(rho, rel=1e-9)
        assert checker.check(certificate(X, v, rho * (1 + 1e-9)).to_dict()).valid
        refused = checker.check(certificate(X, v, rho * (1 - 1e-9)).to_dict())
        assert not refused.valid and refused.lower is None
        assert refused.violation == pytest.approx(1e-9, rel=1e-3)
        assert f"rho(v) >= weight_decay * (1 + {refused.violation!r})" in refused.reason


def test_rho_equals_brute_force_on_more_rows():
    rng = np.random.default_rng(1)
    for X in (rng.normal(size=(11, 3)), 1.0 * rng.integers(-2, 3, size=(11, 3))):
        v = rng.normal(size=11)
        assert measured(X, v) == pytest.approx(brute_rho(X, v), rel=1e-9)


@pytest.mark.parametrize(
    "X, v, rho",
    [
        ([[0.0, 0.0]], [5.0], 0.0),  # rank 0: no unit sees anything
        ([[3.0]], [-2.0], 6.0),
        ([[3.0], [-1.0]], [2.0, -8.0], 8.0),  # rank 1: the better of the two directions
        ([[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0], 5.0),  # the interior of a cell
        ([[1.0, 0.0], [0.0, 1.0]], [3.0, -4.0], 4.0),  # a vertex; the sign of -v
        (np.eye(3), [2.0, 3.0, 6.0], 7.0),
        (np.eye(3), [2.0, 3.0, -6.0], 6.0),
        (np.eye(3), [3.0, -1.0, 4.0], 5.0),  # the interior of an arc
        ([[1.0, 0.0, 0.0]] * 3, [1.0, 1.0, -5.0], 3.0),  # duplicates add up
        ([[2.0, 0.0], [-1.0, 0.0]], [1.0, -3.0], 3.0),  # opposite rows do not
        ([[1.0, 2.0, 2.0, 0.0, 0.0]], [2.0], 6.0),  # a rank below the number of columns
        ([[3.0, 0.0, 0.0, 4.0], [0.0, 5.0, 0.0, 0.0]], [3.0, 4.0], 25.0),
        ([[0.0, 0.0, 0.0], [2.0, 3.0, 6.0]], [9.0, 1.0], 7.0),
        (np.vstack([np.eye(4), np.eye(4)]), [3.0, 4.0, 0, 0, 0, 0, 0, 0], 5.0),  # rank 2 matters
    ],
)
def test_exact_at_the_boundary(X, v, rho):
    """rho(v) = weight_decay is feasible; one unit in the last place less is not."""
    assert checker.check(certificate(X, v, rho or 5e-324).to_dict()).valid
    if rho:
        below = checker.check(certificate(X, v, math.nextafter(rho, 0.0)).to_dict())
        assert not below.valid and 0.0 < below.violation < 3e-16


def test_a_grid_with_ties_at_every_crossing():
    grid = np.array([[i, j, k] for i, j, k in product([-1.0, 0.0, 1.0], repeat=3)])
    v = np.array([(7 * i) % 5 - 2.0 for i in range(27)])
    rho = measured(grid, v)
    directions = np.random.default_rng(0).normal(size=(100_000, 3))
    values = np.abs(np.maximum(grid @ directions.T, 0.0).T @ v)
    sampled = float((values / np.linalg.norm(directions, axis=1)).max())
    assert sampled <= rho * (1 + 1e-12) and rho == pytest.approx(sampled, rel=5e-3)
    assert measured(grid[::-1], v[::-1]) == rho
    assert measured(8.0 * grid[:, [2, 0, 1]] * [1.0, -1.0, 1.0], v) == 8.0 * rho
    twice = measured(np.repeat(grid, 2, axis=0), np.repeat(v, 2))
    assert twice == pytest.approx(2.0 * rho, rel=1e-15)


def test_rank_four_by_branch_and_bound_and_no_rank_above_seven():
    assert checker.check(certificate(np.eye(4), np.ones(4), 2.0 * (1 + 1e-12)).to_dict()).valid
    below = checker.check(certificate(np.eye(4), np.ones(4), 2.0 * (1 - 1e-9)).to_dict())
    assert "dual infeasible" in below.reason and 1e-10 < below.violation < 1.001e-9
    above = checker.check(certificate(np.eye(8), np.ones(8), 10.0).to_dict())
    assert not above.valid and "is above 7" in above.reason


@pytest.mark.parametrize("seed", range(2, 8))
def test_rank_three_up_to_rounding(seed, monkeypatch):
    """Five columns that are combinations of three, rounded: exactly, their rank is 5.

    Where rank 3 leaves it unclear, rank 5 is given a second; with seed 7 twenty are no help.
    """
    monkeypatch.setattr(coordinates, "MORE", 1.0)
    rng = np.random.default_rng(seed)
    X, v = rng.normal(size=(7, 3)) @ rng.normal(size=(3, 5)), rng.normal(size=7)
    rho, noise = brute_rho(X, v), np.outer(rng.normal(size=7), [0, 0, 0, 1, 1])
    assert checker.check(certificate(X, v, rho * (1 + 1e-13)).to_dict()).valid
    for size in (1e-9, -1e-9):  # one of the two raises rho, which must not go unnoticed
        near = X + size * noise
        rho = brute_rho(near, v)
        assert checker.check(certificate(near, v, rho * (1 + 1e-7)).to_dict()).valid
        refused = checker.check(certificate(near, v, rho * (1 - 1e-13)).to_dict())
        assert not refused.valid and 0.0 < refused.violation < 1e-7
    if seed == 2:  # truly of rank 5: by branch and bound
        rho = brute_rho(X + 1e-2 * noise, v)
        for factor in (1 - 1e-7, 1 + 1e-7):
            result = checker.check(certificate(X + 1e-2 * noise, v, rho * factor).to_dict())
            assert result.valid == (factor > 1.0)


def test_squares_are_rounded_up():
    sweep = sweeps.Sweep([], 10)
    sweep.reach(20, 2)
    assert sweep.limit == 10
    sweep.reach(21, 2)
    assert sweep.limit == 11


def test_order_of_crossings_does_not_rest_on_floats(monkeypatch):
    rng = np.random.default_rng(5)
    near = 1.0 + 2.0**-52 * rng.integers(-4, 5, size=(6, 3))  # directions that floats confuse
    far = 2.0 ** rng.integers(-700, 300, size=(6, 3))  # cotangents that overflow
    mixed = 1.0 * rng.integers(-2, 3, size=(8, 3))
    for X in (near, far, mixed, rng.normal(size=(8, 3))):
        v = rng.normal(size=len(X))
        rho = measured(X, v)
        with monkeypatch.context() as patch:
            patch.setattr(lines, "cotangent", lambda s, t: 0.0)
            assert measured(X, v) == rho
    assert measured(near, np.ones(6)) == pytest.approx(np.linalg.norm(near.sum(axis=0)))


@pytest.mark.parametrize("weight_decay, optimum", [(0.1, 0.29), (0.5, 1.25), (1.0, 2.0)])
def test_closed_form_of_two_opposite_samples(weight_decay, optimum):
    """X = (-1; 1), y = (1; 2): optimum 3 beta - beta^2, two units (literature B1)."""
    a = np.sqrt([1.0 - weight_decay, 2.0 - weight_decay])
    made = Claimed(
        loss=SQUARED,
        weight_decay=weight_decay,
        bias=False,
        X=[[-1.0], [1.0]],
        y=[1.0, 2.0],
        W=(a * [-1.0, 1.0])[:, None],
        b=None,
        a=a,
        v=[-weight_decay, -weight_decay],
        lower=0.0,
        upper=0.0,
    ).rounded_outward()
    result = checker.check(made.to_dict())
    assert result.valid and result.reason == "proved exactly"
    assert result.lower <= optimum + 1e-15 and optimum - 1e-15 <= result.upper
    assert result.upper - result.lower < 1e-14


@pytest.mark.parametrize("weight_decay, optimum", [(1.0, 9.0), (2.0, 16.0), (6.0, 25.0)])
def test_closed_form_of_whitened_rows(weight_decay, optimum):
    """X = I, y = (3, 4, -5): h(|y_+|) + h(|y_-|), one unit for each sign (literature B1)."""
    y = np.array([3.0, 4.0, -5.0])
    keep = max(1.0 - weight_decay / 5.0, 0.0)  # of the part of y with either sign
    unit = np.sqrt(5.0 * keep)
    made = Claimed(
        loss=SQUARED,
        weight_decay=weight_decay,
        bias=False,
        X=np.eye(3),
        y=y,
        W=unit * np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]),
        b=None,
        a=[unit, -unit],
        v=(keep * y - y) * (1.0 - 1e-15),
        lower=0.0,
        upper=0.0,
    ).rounded_outward()
    result = checker.check(made.to_dict())
    assert result.valid
    assert optimum * (1 - 1e-13) <= result.lower <= result.upper <= optimum * (1 + 1e-13)


def objective(c, W, b, a):
    """The training objective in plain numpy."""
    X, y, a = np.array(c.X), np.array(c.y), np.array(a)
    W, b = np.reshape(W, (len(a), X.shape[1])), 0.0 if b is None else np.array(b)
    f = np.maximum(X @ W.T + b, 0.0) @ a
    squares = np.sum(W**2) + np.sum(a**2) + np.sum(b**2)
    loss = 0.5 * np.sum((f - y) ** 2) if c.loss == SQUARED else np.logaddexp(0, -y * f).sum()
    return loss + 0.5 * c.weight_decay * squares


def dual_value(c):
    """``-l*(v)`` in plain numpy."""
    v, y = np.array(c.v), np.array(c.y)
    if c.loss == SQUARED:
        return -np.sum(0.5 * v**2 + v * y)
    p = -y * v
    return -np.sum(p * np.log(p, where=p > 0, out=np.zeros_like(p))) - np.sum(
        (1 - p) * np.log(1 - p, where=p < 1, out=np.zeros_like(p))
    )


def true_certificate(rng, loss, bias):
    """A random network and the gradient of its loss, scaled into rho(v) <= beta."""
    n, width = int(rng.integers(1, 7)), int(rng.integers(0, 4))
    X = random_rows("general", rng)[:, :2] if rng.random() < 0.5 else rng.normal(size=(n, 2))
    y = rng.normal(size=len(X)) if loss == SQUARED else rng.choice([-1.0, 1.0], len(X))
    v = -0.7 * y
    rho, weight_decay = brute_rho(with_ones(X, bias), v), float(rng.uniform(0.05, 2.0))
    v = v * min(1.0, weight_decay / rho * (1 - 1e-12) if rho else 1.0)
    return certificate(X, v, weight_decay, y=y, loss=loss, bias=bias, width=width, rng=rng)


@pytest.mark.parametrize("loss", [SQUARED, LOGISTIC])
@pytest.mark.parametrize("bias", [False, True])
def test_true_claims_are_confirmed_and_no_network_is_below(loss, bias):
    rng = np.random.default_rng(3)
    for _ in range(40):
        c = true_certificate(rng, loss, bias)
        result = checker.check(c.to_dict())
        assert result.valid and (result.lower, result.upper) == (c.lower, c.upper)
        assert c.lower <= c.upper
        assert result.upper == pytest.approx(objective(c, c.W, c.b, c.a), rel=1e-13)
        assert result.lower == pytest.approx(dual_value(c), rel=1e-12, abs=1e-14)
        for scale in rng.uniform(0.0, 2.0, size=20):
            W, a = scale * rng.normal(size=(3, len(c.X[0]))), scale * rng.normal(size=3)
            b = scale * rng.normal(size=3) if bias else None
            assert objective(c, W, b, a) >= c.lower


@pytest.mark.parametrize("loss", [SQUARED, LOGISTIC])
def test_claims_tighter_by_one_unit_in_the_last_place_are_refused(loss):
    c = true_certificate(np.random.default_rng(8), loss, bias=True)
    high = replace(c, lower=math.nextafter(c.lower, math.inf))
    low = replace(c, upper=math.nextafter(c.upper, -math.inf))
    assert "lower: claimed" in checker.check(high.to_dict()).reason
    assert "upper: claimed" in checker.check(low.to_dict()).reason
    loose = checker.check(replace(c, lower=c.lower - 1.0, upper=c.upper + 1.0).to_dict())
    assert loose.valid and (loose.lower, loose.upper) == (c.lower, c.upper)


def test_logistic_loss_at_its_limits():
    """Dual entries at the ends of [0, 1], predictions far beyond the range of exp."""
    X, y = np.array([[1.0], [-1.0]]), np.array([1.0, -1.0])
    made = certificate(X, [-1.0, 0.0], 1.0, y=y, loss=LOGISTIC)
    assert made.lower == 0.0 and checker.check(made.to_dict()).valid
    assert made.upper == math.nextafter(2 * math.log(2), 2.0) or made.upper == 2 * math.log(2)
    far = replace(made, W=[[1e200]], a=[1e100], upper=1e308)
    assert "too large for a double" in checker.check(far.to_dict()).reason
    certain = replace(made, W=[[1e4]], a=[1.0]).rounded_outward()
    assert certain.upper == pytest.approx(math.log(2) + 0.5 * (1e8 + 1.0), rel=1e-15)
    outside = checker.check({**made.to_dict(), "dual": [(1.5).hex(), (0.0).hex()]})
    assert "outside [0, 1]" in outside.reason


@pytest.mark.parametrize("bits", [4, 10, 30, 60])
def test_balls_bound_outward_at_any_precision(monkeypatch, bits):
    c = true_certificate(np.random.default_rng(8), LOGISTIC, bias=True)
    monkeypatch.setattr(exact, "PRECISION", bits)
    rough = c.rounded_outward()
    assert rough.lower < c.lower < c.upper < rough.upper or bits == 60
    assert rough.lower <= c.lower and c.upper <= rough.upper


FOLDER = Path(checker.__file__).parent


def run(*arguments, program=("-I", FOLDER), cwd="/"):
    command = [sys.executable, *map(str, (*program, *arguments))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=cwd)
    return done.returncode, done.stdout


def test_runs_alone_wherever_it_is_copied(tmp_path):
    certificate([[1.0]], [0.5], 0.5, y=[1.5]).save(tmp_path / "c.json")
    for name in ("checker", "renamed"):
        shutil.copytree(FOLDER, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    zipapp.create_archive(tmp_path / "checker", tmp_path / "checker.pyz")
    proved = (0, "PROVED: -0.875 <= optimum <= 1.125\n")
    for program in (["-I", "checker"], ["-m", "checker"], ["-I", "renamed"], ["-m", "renamed"],
                    ["-I", "checker.pyz"]):  # fmt: skip
        assert run("c.json", program=program, cwd=tmp_path) == proved
    package = FOLDER.parents[2]
    module = ["-m", "cvxnet.proofs.checker"]
    assert run(tmp_path / "c.json", program=module, cwd=package) == proved


def test_exit_codes_and_data_of_the_command(tmp_path):
    c, path, data = certificate([[1.0]], [0.5], 0.5, y=[1.5]), tmp_path / "c.json", tmp_path / "d"
    c.save(path)
    assert run(path) == (0, "PROVED: -0.875 <= optimum <= 1.125\n")
    replace(c, lower=0.0).save(path)
    code, output = run(path)
    assert code == 1 and output.startswith("REFUSED: lower: claimed 0.0, but the dual has -0.875")
    assert run()[0] == 2
    c.save(path, embed_data=False)
    assert run(path)[0] == 1
    for text in ("1,1.5\n", "feature,target\n1,1.5\n\n"):
        data.write_text(text)
        assert run(path, "--data", data)[0] == 0
    data.write_text("1,1.25\n")
    assert "SHA-256 differs" in run(path, "--data", data)[1]


def test_data_from_another_certificate_and_from_arrays(tmp_path):
    c = certificate([[1.0]], [0.5], 0.5, y=[1.5])
    c.save(tmp_path / "with.json")
    c.save(tmp_path / "without.json", embed_data=False)
    assert checker.check(tmp_path / "without.json", tmp_path / "with.json").valid
    assert checker.check(tmp_path / "without.json", (c.X, c.y)).valid
    assert not checker.check(tmp_path / "without.json", (c.X, [2.5])).valid


@pytest.mark.parametrize("sign", [-1, 1])
def test_directions_beyond_doubles_are_sorted_to_the_ends(sign):
    """Hostile data have crossings whose coordinates are integers beyond any double."""
    assert lines.cotangent(sign * 10**400, 1) == sign * math.inf
    assert lines.cotangent(sign * 10**400, 0) == sign * math.inf
    assert lines.cotangent(sign * 10**400, 10**400) == sign

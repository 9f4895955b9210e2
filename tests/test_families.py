"""Every unit family with every loss: optimum, weak duality, optimality conditions, certificate.

The optimum is that of a program written down in full in ``full_programs``, objectives are those
of ``formulas``; neither shares code with cvxnet.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from examples import random_data
from formulas import (
    CLASSES,
    EXPONENTIAL,
    LOSSES,
    SHARED,
    SMOOTH,
    Training,
    loss_slopes,
    read_weights,
)
from full_programs import optimum, solve
from scipy.optimize import minimize

import cvxnet as cn

GATES = np.random.default_rng(3).standard_normal((7, 3))
FAMILIES = {
    "relu": {},
    "leaky_relu": {"slope": 0.2},
    "abs": {},
    "linear": {},
    "coordinate": {},
    "gated_relu": {"gates": GATES},
    "quadratic": {},
    "polynomial": {"coefficients": (0.09, 0.5, 0.47)},
    "squared_relu": {},
    "tanh": {"radius": 3.0},
    "sign": {},
    "threshold": {},
}
LINE = ("squared_relu", "tanh")
"""Families that are compared on one feature and the bias, the others on two and the bias."""

every_family = pytest.mark.parametrize("name", FAMILIES)
every_loss = pytest.mark.parametrize("loss", LOSSES)


@dataclass(frozen=True)
class Case:
    """A problem in our own formulas, the solution, and its network's weights."""

    problem: Training
    X: np.ndarray
    solution: cn.Solution
    U: np.ndarray
    a: np.ndarray
    gate: np.ndarray | None


@cache
def solved(name: str, loss: str) -> Case:
    """Training on nine samples at a twentieth of the largest weight decay."""
    X, y = random_data(1, 9, 1 if name in LINE else 2)
    y = np.sign(y) if loss in CLASSES else y
    family = cn.Family(name, **FAMILIES[name])
    beta = 0.05 * cn.largest_weight_decay(family, X, y, loss=loss)
    gap = 1e-6 if name == "tanh" else 1e-7
    solution = cn.train(family, X, y, loss=loss, weight_decay=beta, gap=gap)
    rows = X if name == "coordinate" else np.column_stack([X, np.ones(len(X))])
    problem = Training(name, rows, y, loss, beta, FAMILIES[name])
    return Case(problem, X, solution, *read_weights(solution.network, problem)[:3])


@every_loss
@every_family
def test_bracket_closes_on_the_networks_own_objective(name, loss):
    case = solved(name, loss)
    assert case.solution.status == "optimal"
    assert case.solution.gap <= 1e-6
    value = case.problem.objective(case.U, case.a, case.gate)
    assert case.solution.value == pytest.approx(value, rel=1e-12)
    f = case.problem.predictions(case.U, case.a, case.gate)
    np.testing.assert_allclose(case.solution.network(case.X).ravel(), f, rtol=1e-10, atol=1e-12)
    if name == "tanh":
        assert (case.problem.lengths(case.U) <= case.problem.options["radius"]).all()


@every_loss
@every_family
def test_value_is_that_of_the_full_program(name, loss):
    """Two solvers, to 1e-6. Of tanh only a grid can be written down: not below, and not far off."""
    case = solved(name, loss)
    semidefinite = name in ("quadratic", "polynomial", "squared_relu")
    second = "SCS" if loss in EXPONENTIAL or semidefinite else "ECOS"
    for solver in ("CLARABEL", second):
        value = optimum(case.problem, solver)
        if name == "tanh":
            assert -1e-7 <= value / case.solution.lower_bound - 1.0 <= 1e-3
        else:
            assert case.solution.value == pytest.approx(value, rel=1e-6)


@every_loss
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in LINE])
def test_value_is_that_of_cvxnets_own_full_program(name, loss):
    """Written by ``program``, solved by CVXPY, and its network."""
    case = solved(name, loss)
    family, beta = cn.Family(name, **FAMILIES[name]), case.problem.beta
    whole = cn.program(family, case.X, case.problem.y, loss=loss, weight_decay=beta)
    assert solve(whole) == pytest.approx(case.solution.value, rel=1e-6)
    U, a, gate, _ = read_weights(cn.recover(whole), case.problem)
    assert case.problem.objective(U, a, gate) == pytest.approx(case.solution.value, rel=1e-6)
    assert len(a) <= len(case.X)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_squared_relu_in_three_dimensions_is_the_program_on_its_simplices(loss):
    X, y = random_data(1, 5, 2)
    y = np.sign(y) if loss in CLASSES else y
    beta = 0.2 * cn.largest_weight_decay("squared_relu", X, y, loss=loss)
    solution = cn.train("squared_relu", X, y, loss=loss, weight_decay=beta)
    problem = Training("squared_relu", np.column_stack([X, np.ones(5)]), y, loss, beta)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(optimum(problem), rel=2e-6)


# --- weak duality -------------------------------------------------------------------------------


def random_networks(case: Case, rng: np.random.Generator, count: int, width: int):
    """``count`` networks of one width, of many sizes."""
    r = case.problem.rows.shape[1]
    size = 10.0 ** rng.uniform(-2, 1, (count, 1))
    U = size[..., None] * rng.standard_normal((count, width, r))
    gate = None if case.gate is None else rng.integers(0, len(GATES), (count, width))
    if case.problem.name == "coordinate":
        U = np.eye(r)[rng.integers(0, r, (count, width))]
    return U, rng.standard_normal((count, width)) * size / width, gate


def disturbed(case: Case, rng: np.random.Generator, count: int):
    """``count`` networks at many distances from the optimum."""
    size = 10.0 ** rng.uniform(-9, 0, (count, 1))
    noise = rng.standard_normal((count, *case.U.shape)) * (case.problem.name != "coordinate")
    return (
        case.U + size[..., None] * noise,
        case.a + size * rng.standard_normal((count, len(case.a))),
        case.gate,
    )


def inside(problem: Training, U: np.ndarray) -> np.ndarray:
    """Hidden weights pulled back to the ball that tanh units live in."""
    if problem.name != "tanh":
        return U
    length = np.linalg.norm(U, axis=-1, keepdims=True)
    return U * np.minimum(1.0, problem.options["radius"] / length)


@every_loss
@every_family
def test_no_network_is_below_the_lower_bound(name, loss):
    """2000 random ones of many widths and sizes, half of them near the optimum.

    1e-14 is for the rounding of the objective, evaluated here in floating point.
    """
    case, rng = solved(name, loss), np.random.default_rng(0)
    batches = [random_networks(case, rng, 250, width) for width in (1, 2, 6, 30)]
    for U, a, gate in [*batches, disturbed(case, rng, 1000)]:
        values = case.problem.objective(inside(case.problem, U), a, gate)
        assert values.min() >= case.solution.lower_bound * (1.0 - 1e-14)


STEP = 1e-8


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("name", [f for f in FAMILIES if f not in ("sign", "threshold")])
def test_no_network_trained_by_lbfgs_is_below_the_lower_bound(name, loss):
    """Where the penalty is ``|a|``, in the variable b with ``a = b |b|``: it has no kink in b."""
    case, rng = solved(name, loss), np.random.default_rng(1)
    width, r = 7, case.problem.rows.shape[1]

    def value_and_slopes(x):
        """By differences, of all directions at once."""
        points = x + np.vstack([np.zeros(len(x)), STEP * np.eye(len(x))])
        b, U = points[:, :width], points[:, width:].reshape(-1, width, r)
        U = np.tile(np.eye(r)[np.arange(width) % r], (len(b), 1, 1)) if name == "coordinate" else U
        a = b if name in SHARED else b * np.abs(b)
        gate = None if case.gate is None else np.tile(np.arange(width), (len(b), 1))
        values = case.problem.objective(inside(case.problem, U), a, gate)
        return values[0], (values[1:] - values[0]) / STEP

    values = []
    for _ in range(2):
        start = rng.standard_normal(width * (r + 1))
        options = {"method": "L-BFGS-B", "jac": True, "options": {"maxiter": 60}}
        values.append(minimize(value_and_slopes, start, **options).fun)
    assert min(values) >= case.solution.lower_bound * (1.0 - 1e-14)
    assert min(values) <= 1.02 * case.solution.value  # the best run came near


# --- optimality conditions ----------------------------------------------------------------------


@every_loss
@every_family
def test_dual_vector_is_the_gradient_of_the_loss(name, loss):
    """At a kink a subgradient: between the slopes on both sides."""
    case = solved(name, loss)
    f, v = case.problem.predictions(case.U, case.a, case.gate), case.solution.certificate.v
    low, high = (loss_slopes(loss, f + side * 1e-5, case.problem.y) for side in (-1.0, 1.0))
    assert (low - 5e-5 <= v).all()
    assert (v <= high + 5e-5).all()


@every_loss
@every_family
def test_units_in_use_are_tight_and_none_is_better(name, loss):
    """``v . phi_u(X) = -weight_decay sign(a)`` for the network's units; less for 20,000 others.

    What is missing at each unit, times its share of the penalty, adds up to no more than the gap.
    """
    case, rng = solved(name, loss), np.random.default_rng(2)
    problem, v = case.problem, case.solution.certificate.v
    used = case.a != 0.0
    length = problem.lengths(case.U)[used, None]
    U = case.U[used] / (1.0 if name == "tanh" else length)
    gate = None if case.gate is None else case.gate[used]
    assert used.any()
    missing = problem.beta + problem.outputs(U, gate) @ v * np.sign(case.a[used])
    share = problem.penalty(case.U[used][:, None], case.a[used][:, None])
    assert missing.min() >= -1e-14 * problem.beta
    assert share @ missing <= case.solution.value - case.solution.lower_bound + 1e-14
    assert missing[share > 0.01 * share.max()].max() <= 1e-5 * problem.beta
    others, _, gate = random_networks(case, rng, 20_000, 1)
    others /= np.linalg.norm(others, axis=-1, keepdims=True)
    if name == "tanh":
        others *= problem.options["radius"] * rng.uniform(0, 1, (20_000, 1, 1))
    assert np.abs(problem.outputs(others, gate) @ v).max() <= problem.beta


@every_loss
@every_family
def test_certificate_proves_the_same_bracket(name, loss):
    case = solved(name, loss)
    result = cn.check(case.solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (case.solution.lower_bound, case.solution.value)

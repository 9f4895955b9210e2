"""Pricing at any rank: the bound is above all units, near the exact value, and provable."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from claimed import objective_with
from families import make_family
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.proofs.checker.dual import Clock, Dual
from cvxnet.proofs.checker.evidence import read_evidence
from cvxnet.proofs.checker.exact import integers
from cvxnet.proofs.checker.relaxation import relaxed_violation
from cvxnet.proofs.documents import as_hex
from cvxnet.training.bounds import stages
from cvxnet.training.bounds.claims import proved_bound
from cvxnet.training.bounds.evidence import Split
from cvxnet.training.bounds.proof_search import Forest, improve_lower_bound
from cvxnet.training.bounds.relaxation import Side, best_multiplier
from cvxnet.training.bounds.stages import descend, run_stage
from cvxnet.training.column_generation import Search, generate_columns, resumed
from cvxnet.training.master import Master
from cvxnet.training.oracle import Oracle
from cvxnet.training.plans import plan_for
from cvxnet.training.recovery import problem_of
from cvxnet.training.scaling import rescale
from cvxnet.training.start import open_bracket
from cvxnet.training.threads import one_blas_thread

FAMILIES = [("relu", {}), ("leaky_relu", {"slope": 0.2}), ("abs", {})]


STAGES = (1e-2, 1e-2, 3e-3, 1e-3, 1e-3, 1e-4)


def improved(forest, stages=STAGES):
    for eps in stages:
        for side in forest.sides:
            run_stage(side, eps, np.inf)
    return forest.bound()


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 12), r=st.integers(1, 6))
@settings(max_examples=5, deadline=None)
def test_no_unit_is_above_the_bound(name, options, seed, n, r):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((n, r)), rng.standard_normal(n)
    family = make_family(name, X, **options)
    bound = improved(Forest(X, family.slopes, v), STAGES[:3])
    U = rng.standard_normal((3000, r))
    U /= np.linalg.norm(U, axis=1)[:, None]
    plus, minus = family.slopes
    t = X @ U.T
    values = v @ (plus * np.maximum(t, 0.0) + minus * np.maximum(-t, 0.0))
    assert np.abs(values).max() <= bound


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@pytest.mark.parametrize("seed", range(2))
def test_near_the_exact_value_at_rank_three(name, options, seed):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((25, 3)), rng.standard_normal(25)
    family = make_family(name, X, **options)
    exact = family.price(v, 0.0)
    bound = improved(Forest(X, family.slopes, v))
    assert exact.rho <= bound <= 1.6 * exact.rho


def test_bounds_fall_and_first_is_worse_than_last():
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((30, 6)), rng.standard_normal(30)
    forest = Forest(X, (1.0, 0.0), v)
    bounds = [improved(forest, [eps]) for eps in STAGES]
    assert bounds[-1] < bounds[0]
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(bounds))


def test_gradient_of_the_bound():
    rng = np.random.default_rng(1)
    X, v = rng.standard_normal((9, 4)), rng.standard_normal(9)
    side = Side(X, (1.0, -0.2), 1.0, v)
    z = side.z + 0.1 * rng.uniform(size=side.z.size)
    at = side.evaluate(z, 0.05)
    for direction in rng.standard_normal((5, z.size)):
        h = 1e-6
        up, down = (side.evaluate(z + s * h * direction, 0.05).value for s in (1, -1))
        assert (up - down) / (2 * h) == pytest.approx(at.gradient @ direction, rel=1e-4, abs=1e-6)
    assert np.isfinite(at.value)


def test_what_a_row_spends_is_leant_where_a_carrier_has_no_length():
    rng = np.random.default_rng(3)
    X, v = rng.standard_normal((6, 3)), np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    side = Side(X, (1.0, 0.0), 1.0, v)
    side.set_pairs(np.array([0, 1]), np.array([3, 4]), np.array([0.0, -1.0]))
    assert side.signs.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradient_in_the_dual_vector(sign):
    rng = np.random.default_rng(2)
    X, v = rng.standard_normal((9, 4)), rng.standard_normal(9)
    side = Side(X, (1.0, -0.2), sign, v)
    z = side.z + 0.1 * rng.uniform(size=side.z.size)
    gradient = side.evaluate(z, 0.05).gradient_in_v
    for direction in rng.standard_normal((5, 9)):
        ends = []
        for h in (1e-6, -1e-6):
            side.take(v + h * direction)
            ends.append(side.evaluate(z, 0.05).value)
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient @ direction, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=3, deadline=None)
def test_splitting_never_raises_the_bound_and_stays_above_all_units(name, options, seed):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((10, 5)), rng.standard_normal(10)
    family = make_family(name, X, **options)
    forest = Forest(X, family.slopes, v)
    bound = improved(forest, STAGES[:1])
    for _ in range(4):
        for child in forest.grow():
            assert proved_bound(child) <= bound * (1 + 1e-9)
        assert forest.bound() <= bound * (1 + 1e-9)
        bound = forest.bound()
    U = rng.standard_normal((3000, 5))
    U /= np.linalg.norm(U, axis=1)[:, None]
    values = np.abs(family.features(U @ family.arrangement.basis).T @ v)
    assert values.max() <= improved(forest, STAGES[1:2])


def test_branching_closes_what_the_relaxation_leaves(monkeypatch):
    monkeypatch.setattr(stages, "MOST_SIGNS", 0)
    rng = np.random.default_rng(5)
    X, v = rng.standard_normal((20, 4)), rng.standard_normal(20)
    family = make_family("abs", X)
    rho = family.price(v, 0.0).rho
    forest = Forest(X, family.slopes, v)
    before = improved(forest) / rho - 1.0
    for _ in range(8):
        for child in forest.grow():
            run_stage(child, 1e-3, np.inf)
    after = forest.bound() / rho - 1.0
    assert -1e-9 <= after < 0.1 * before


def test_a_tree_of_carriers_alone_stays_below_its_root():
    rng = np.random.default_rng(2)
    X, v = rng.standard_normal((14, 4)), rng.standard_normal(14) ** 2
    forest = Forest(X, (1.0, 1.0), v)
    root = improved(forest)
    for _ in range(3):
        for child in forest.grow():
            run_stage(child, 1e-3, np.inf)
            assert proved_bound(child) <= root * (1.0 + 1e-9)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_best_multiplier_is_the_maximum_on_the_ball(seed):
    rng = np.random.default_rng(seed)
    A, c = rng.standard_normal((3, 3)), rng.standard_normal(3)
    Q = A @ A.T
    mu, gaps, V = best_multiplier(Q, c, 1e-12)
    value = mu + ((V.T @ c) ** 2 / (4 * gaps)).sum()
    U = rng.standard_normal((4000, 3))
    U /= np.linalg.norm(U, axis=1)[:, None]
    values = np.einsum("ij,jk,ik->i", U, Q, U) + U @ c
    assert values.max() <= value + 1e-9
    u = V @ ((V.T @ c) / (2 * gaps))
    assert np.linalg.norm(u) == pytest.approx(1.0, abs=1e-5)
    assert u @ Q @ u + c @ u == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
@pytest.mark.parametrize(("name", "options"), FAMILIES)
def test_brackets_at_rank_nine_are_proved_by_the_checker(name, options, loss):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 8))
    y = np.maximum(X[:, 0], 0.0) - 0.5 * np.abs(X[:, 1]) + 0.1 * rng.standard_normal(30)
    y = y if loss in ("squared",) else np.where(y > np.median(y), 1.0, -1.0)
    family = cn.Family(name, **options)
    beta = 0.3 * cn.largest_weight_decay(family, X, y, loss=loss)
    solution = cn.train(family, X, y, loss=loss, weight_decay=beta, output_bias=True, gap=0.4)
    assert 0.0 < solution.lower_bound <= solution.value
    assert 0.0 < solution.stats["proving"] < solution.stats["seconds"]
    assert solution.status == "optimal"
    result = cn.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (solution.lower_bound, solution.value)


def test_time_narrows_the_bracket_by_choosing_the_dual_vector_and_branching():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 9))
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]
    beta = 0.1 * cn.largest_weight_decay("relu", X, y)
    with one_blas_thread():
        problem, _ = rescale(problem_of(objective_with("relu", X, y, "squared", beta)))
        bracket, master = open_bracket(problem), Master(problem, "CLARABEL")
        search = Search(bracket, master, Oracle(problem), plan_for(problem), 1e-6, np.inf)
        for _ in generate_columns(resumed(search)):
            pass
        v, fixed = problem.dual_vector(bracket.units), np.inf
        for w, bound, evidence in improve_lower_bound(problem.family, bracket, v, np.inf):
            bracket.offer_dual(w, bound, evidence)
            fixed = bracket.gap if (w == v).all() else fixed
            branched = isinstance(evidence.plus, Split) or isinstance(evidence.minus, Split)
            if branched and bracket.gap < 0.7 * fixed:
                break
    assert 0.0 < bracket.gap < 0.7 * fixed and branched


def test_steps_into_numbers_too_large_for_doubles_are_not_taken():
    def objective(x):
        if abs(x[0]) > 2.0:
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return -x[0], np.array([-1.0])

    ends = [np.array([-np.inf]), np.array([np.inf])]
    assert abs(descend(objective, np.zeros(1), ends, np.inf)[0]) <= 2.0


@pytest.mark.parametrize("seed", range(6))
def test_bounds_far_below_their_terms_are_proved(seed):
    """Carriers and what they lean on cancel but for a little, which is known to few digits."""
    rng = np.random.default_rng(seed)
    x, size = rng.standard_normal(4), rng.random()
    rows = np.array([x, 0.3 * rng.standard_normal(4), -x])
    v = size * np.array([-1.0, 1e-9, 1.0 + 3e-3 * rng.random()])
    forest = Forest(rows, (1.0, 1.0), v)
    bound = improved(forest, (1e-2, 1e-4, 1e-6, 1e-8))
    evidence = read_evidence(as_hex(forest.evidence().document()), 3, 1)
    X, x_scale = integers(rows.tolist())
    for each in (v, v + 1e-17 * size * rng.standard_normal(3)):  # the checker moves v by as much
        w, v_scale = integers(each[:, None].tolist())
        dual = Dual(X, x_scale, w, v_scale, Fraction(bound))
        assert relaxed_violation(dual, (fmpq(-1), fmpq(1)), evidence, Clock(60.0)) == 0


def test_tampered_evidence_is_refused():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((20, 8)), rng.standard_normal(20)
    beta = 0.5 * cn.largest_weight_decay("relu", X, y)
    document = cn.train("relu", X, y, weight_decay=beta, gap=0.4).certificate.to_dict()
    assert cn.check(document).valid
    leaf = document["evidence"]["plus"]
    leaf["mu"] = (float.fromhex(leaf["mu"]) * 0.5).hex()
    assert not cn.check(document).valid

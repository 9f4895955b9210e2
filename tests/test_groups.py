"""Masters of losses with kinks: groups of samples have the optimum of all of them."""

from dataclasses import replace

import numpy as np
import pytest
from families import make_family
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

import cvxnet as cn
from cvxnet.losses import Weighted, get_loss
from cvxnet.training import groups as module
from cvxnet.training import oracle
from cvxnet.training.groups import Groups, can_be_grouped
from cvxnet.training.master import Master, Stack, blocks_of
from cvxnet.training.oracle import price_within
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import all_samples
from cvxnet.training.start import fit_free
from cvxnet.training.trainer import price_largest

LOSSES = st.sampled_from(["hinge", "absolute"])


def example(seed, n, *, loss="absolute", m=6, free=0, weighted=False, kind="relu", decay=0.3):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, 2)), np.ones(n)])
    y = np.sin(2.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.3 * rng.standard_normal(n)
    kinked = get_loss(loss)
    if loss == "hinge":
        y = np.where(y > 0.0, 1.0, -1.0)
    if weighted:
        kinked = Weighted(kinked, rng.uniform(0.5, 2.0, n))
    F = np.column_stack([np.ones(n), X[:, :2]])[:, :free]
    problem = Problem(make_family(kind, X), kinked, y, decay, F)
    units = Units(rng.standard_normal((m, 3)), rng.choice([-1.0, 1.0], m), np.zeros(free))
    return problem, blocks_of(problem, units).values()


def samples_of(problem, blocks):
    stack = Stack(list(blocks), problem.family.norm)
    return all_samples(stack.matrix, problem.F, problem.loss, problem.y)


def master_of(problem, fit=None):
    """As column generation makes it, with the value of the empty network."""
    return Master(problem, "CLARABEL", value=problem.scale, fit=fit)


def dual_value(problem, blocks, v):
    """The value of the master's dual at ``v``, which it allows up to what solvers leave.

    It is feasible where ``v.M w + decay |w| >= 0`` on each block's cone ``G w >= 0``, so where
    there are ``s >= 0`` with ``|M^T v - G^T s| <= decay``.
    """
    inside = problem.loss.clip(v, problem.y)
    np.testing.assert_allclose(inside, v, atol=1e-7)
    v = inside
    sums = np.abs(problem.F).T @ np.abs(v)
    assert (np.abs(problem.F.T @ v) <= 1e-6 * sums).all()
    for block in blocks:
        left = nnls(np.asarray(block.facets).T, block.matrix.T @ v)[1]
        assert left <= problem.weight_decay * (1.0 + 1e-5) + 1e-6 * len(v)
    return -problem.loss.conjugate(v, problem.y)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10**6),
    LOSSES,
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["relu", "abs", "leaky_relu", "threshold"]),
    st.booleans(),
)
def test_the_optimum_is_that_of_all_samples(seed, loss, free, weighted, kind, near):
    """Whatever predictions the groups begin with; the dual vector proves it among these blocks.

    All samples at once are solved less exactly, and prove a little less.
    """
    n = 450
    problem, blocks = example(seed, n, loss=loss, free=free, weighted=weighted, kind=kind, m=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY", np.inf)
        units, v = master_of(problem).solve(blocks)
        below = dual_value(problem, blocks, v)
    assert can_be_grouped(samples_of(problem, blocks))
    fit = problem.fit(units) if near else np.random.default_rng(seed).standard_normal(n)
    master = master_of(problem, fit)
    found, v = master.solve(blocks)
    bound = dual_value(problem, blocks, v)
    value = problem.loss.value(master.fit, problem.y)
    value += problem.weight_decay * problem.penalty(found)
    assert value == pytest.approx(bound, rel=1e-6)
    assert below * (1.0 - 1e-6) <= bound <= below * (1.0 + 1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), LOSSES, st.integers(0, 2), st.booleans(), st.integers(1, 60))
def test_groups_bound_the_loss_and_their_dual_vectors_are_those_of_samples(
    seed, loss, free, weighted, count
):
    problem, blocks = example(seed, 60, loss=loss, free=free, weighted=weighted)
    samples, rng = samples_of(problem, blocks), np.random.default_rng(seed)
    groups = Groups(samples, np.unique(rng.integers(count, size=60), return_inverse=True)[1], 5)
    rows = groups.rows
    w, c = rng.standard_normal(samples.matrix.shape[1]), rng.standard_normal(free)
    f = samples.fit(w, c)
    below = rows.loss.value(rows.fit(w, c), rows.y)
    whole = samples.loss.value(f, samples.y)
    assert below <= whole * (1.0 + 1e-12)
    assert groups.excess(f) == pytest.approx(whole - below, abs=1e-9)
    low, high = rows.loss.domain(rows.y)
    v = rng.uniform(low, high)
    spread = groups.spread(v)
    assert samples.loss.inside(spread, samples.y).all()
    assert samples.loss.conjugate(spread, samples.y) == pytest.approx(
        rows.loss.conjugate(v, rows.y), rel=1e-9, abs=1e-9
    )
    np.testing.assert_allclose(samples.matrix.T @ spread, rows.matrix.T @ v, atol=1e-9)
    np.testing.assert_allclose(samples.F.T @ spread, rows.F.T @ v, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), LOSSES, st.booleans())
def test_splitting_makes_groups_exact_where_they_were_not(seed, loss, weighted):
    problem, blocks = example(seed, 80, loss=loss, weighted=weighted)
    samples, rng = samples_of(problem, blocks), np.random.default_rng(seed)
    f = 2.0 * rng.standard_normal(80)
    groups = Groups(samples, np.zeros(80, dtype=np.intp), 5)
    while (finer := groups.split(f)) is not None:
        assert finer.count > groups.count
        together = np.unique(np.column_stack([finer.group, groups.group]), axis=0)
        assert len(together) == finer.count  # each within one of those before
        groups = finer
    assert groups.excess(f) == pytest.approx(0.0, abs=1e-9)


def test_most_samples_alone_are_all_samples():
    problem, blocks = example(0, 80)
    samples = samples_of(problem, blocks)
    groups = Groups(samples, np.zeros(80, dtype=np.intp), 50).split(np.zeros(80))
    assert groups.count == 80 and groups.split(np.zeros(80)) is None
    np.testing.assert_allclose(groups.rows.matrix.toarray(), samples.matrix.toarray())


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
def test_training_closes_the_bracket_with_groups_as_without(loss, monkeypatch):
    problem, _ = example(3, 600, loss=loss)
    X, y = problem.family.X[:, :2], problem.y
    decay = 0.1 * cn.largest_weight_decay("relu", X, y, loss=loss)
    values = []
    for many in (module.MANY, np.inf):
        monkeypatch.setattr(module, "MANY", many)
        solution = cn.train("relu", X, y, loss=loss, weight_decay=decay, gap=1e-5)
        assert solution.status == "optimal" and cn.check(solution.certificate, rounded=True)
        values.append(solution.value)
    assert values[0] == pytest.approx(values[1], rel=2e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), LOSSES, st.integers(1, 3), st.booleans())
def test_free_weights_alone_are_fitted_by_groups_as_by_all_samples(seed, loss, free, weighted):
    problem, _ = example(seed, 450, loss=loss, free=free, weighted=weighted)
    found = []
    for many in (module.MANY, np.inf):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "MANY", many)
            units, v = fit_free(problem)
        found.append(problem.objective(units))
        assert problem.ignores_free(v)
        assert -problem.loss.conjugate(v, problem.y) == pytest.approx(found[-1], rel=1e-6)
    assert found[0] == pytest.approx(found[1], rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["relu", "abs", "leaky_relu", "sign", "threshold", "squared_relu"]),
    st.sampled_from([(1.0, -1.0), (1.0,), (-1.0,)]),
)
def test_the_largest_value_is_found_above_the_one_of_a_part(seed, kind, signs):
    rng, n = np.random.default_rng(seed), 60
    X = np.column_stack([rng.standard_normal((n, 2)), np.ones(n)])
    family = replace(make_family(kind, X), output_signs=signs)
    v = rng.standard_normal(n)
    whole = price_within(np.inf, family, v, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle, "PART", 20)
        part = oracle.value_from_part(family, v)
        found = price_largest(family, v)
    assert 0.0 <= part <= whole.rho * (1.0 + 1e-12)
    assert found.rho == pytest.approx(whole.rho, rel=1e-12)
    assert np.isfinite(found.error) or not np.isfinite(whole.error)

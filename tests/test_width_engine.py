"""The search for exactly m units: what its parts promise, one by one, against other methods."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls

from cvxnet.errors import UnsupportedError
from cvxnet.losses import Weighted, get_loss
from cvxnet.training.every_width import REACHED
from cvxnet.training.nonneg_least_squares import ROUNDING, minima, minimise
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.problem import Problem, Units
from cvxnet.training.start import open_bracket
from cvxnet.training.units.piecewise_linear import AbsUnits, LeakyReLUUnits, ReLUUnits
from cvxnet.training.width import tree as width_tree
from cvxnet.training.width.cones import cone_space
from cvxnet.training.width.master import solve_master
from cvxnet.training.width.tree import FULL, Tree, search_width

LOSSES = ("squared", "logistic", "hinge", "squared_hinge", "absolute", "huber", "log_cosh")


def relu_problem(n=7, r=2, loss="squared", weight_decay=0.1, seed=0, **options):
    """A problem on random data, with labels where the loss wants them."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, r)), rng.standard_normal(n)
    found = get_loss(loss)
    y = np.sign(y) if found.labels else y
    return Problem(ReLUUnits(X, **options), found, y, weight_decay)


def pieces(region, rng, steps=4):
    """A region cut at random, and the units of it, told by their shares, that go with the cuts."""
    for _ in range(steps):
        cuts = list(region.cuts(np.zeros((0, region.corners.shape[1])), np.zeros(0), np.zeros(1)))
        if not cuts:
            return
        cut = cuts[rng.integers(len(cuts))]
        document, *halves = region.halves(cut)
        yield region, cut, document, halves
        region = halves[rng.integers(2)]


@pytest.mark.parametrize("r", [1, 2, 3, 4])
@pytest.mark.parametrize("family", [ReLUUnits, LeakyReLUUnits, AbsUnits])
def test_pricing_finds_all_that_is_in_a_region_and_nothing_beyond(r, family):
    rng = np.random.default_rng(r)
    X = rng.standard_normal((9, r))
    X[1], X[2] = 0.0, -2.0 * X[0]
    space = cone_space(family(X))
    v = rng.standard_normal(len(X))
    for region, *_ in pieces(space.region(1.0), rng):
        found, complete = space.pricing(v, 1e-6).maxima(region, Budget())
        assert complete
        largest = found[:, 0].max(initial=1e-6)
        shares = rng.dirichlet(np.full(r, 0.5), 2000)
        corners = region.corners[rng.integers(len(region.cones), size=2000)]
        U = np.einsum("ki,kix->kx", shares, corners)
        U /= np.linalg.norm(U, axis=1)[:, None]
        values = -v @ space.features(U)
        assert values.max() <= largest * (1.0 + 1e-6) + 1e-12
        for value, *u in found:
            assert value == pytest.approx(-v @ space.features(np.array([u]))[:, 0], abs=1e-9)
            assert np.linalg.norm(u) == pytest.approx(1.0)
            assert region.contains(np.array([u])).all()
        if r > 1:  # near the largest one: local ascent finds nothing larger
            near = U[np.argmax(values)] + 0.05 * rng.standard_normal((4000, r))
            near = near[region.contains(near)]
            near /= np.linalg.norm(near, axis=1)[:, None]
            assert (-v @ space.features(near)).max(initial=0.0) <= largest * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_every_unit_of_a_region_is_in_one_of_its_halves(r):
    rng = np.random.default_rng(10 + r)
    space = cone_space(ReLUUnits(rng.standard_normal((8, r))))
    U = rng.standard_normal((500, r))
    assert space.region(1.0).contains(U).all()
    for region, cut, document, (first, second) in pieces(space.region(-1.0), rng, 8):
        own = U[region.contains(U)]
        assert (first.contains(own) | second.contains(own)).all()
        inside = region.in_first(cut, own)
        assert first.contains(own[inside]).all() and second.contains(own[~inside]).all()
        assert first.sign == second.sign == -1.0
        if len(document) == 4:  # what certificates say, in whole numbers
            i, j, a, b = document
            corner = a * np.array(region.cones[0].whole[i], dtype=object)
            corner = corner + b * np.array(region.cones[0].whole[j], dtype=object)
            new = np.array(first.cones[0].whole[i], dtype=object)
            assert (corner * new[0] == new * corner[0]).all()


def test_least_squares_agree_with_scipy():
    rng = np.random.default_rng(0)
    for k in range(1, 9):
        A, target = rng.standard_normal((6, k)), rng.standard_normal(6)
        A[:, -1] = A[:, 0]  # dependent columns, too
        Q, b, every = A.T @ A, A.T @ target, np.ones(k, dtype=bool)
        for free, low in ((0, 0.0), (1, -np.inf)):
            x = np.zeros(k)
            value = minimise(Q, b, free, every, x, ROUNDING)
            bounds = (np.r_[np.full(free, low), np.zeros(k - free)], np.inf)
            best = (
                nnls(A, target)[0]
                if not free
                else lsq_linear(A, target, bounds, method="bvls", tol=1e-12).x
            )
            assert value == pytest.approx(0.5 * best @ Q @ best - b @ best, abs=1e-9)
            assert (x[free:] >= 0.0).all()
        sets = rng.random((3, k)) < 0.5
        for value, chosen in zip(minima(Q, b, 0, sets, np.zeros(k)), sets, strict=True):
            alone = minimise(Q, b, 0, chosen, np.zeros(k), ROUNDING)
            assert value == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_master_agrees_with_cvxpy(loss):
    problem = relu_problem(8, 3, loss, 0.05, seed=3)
    rng = np.random.default_rng(4)
    problem = replace(
        problem,
        loss=Weighted(problem.loss, rng.uniform(0.5, 2.0, 8)),
        F=np.ones((8, 1)),
    )
    H = problem.family.features(rng.standard_normal((6, 3))) * rng.choice([-1.0, 1.0], 6)
    w, c = cp.Variable(6, nonneg=True), cp.Variable(1)
    cost = problem.loss.expression(H @ w + problem.F @ c, problem.y)
    best = cp.Problem(cp.Minimize(cost + 0.05 * cp.sum(w))).solve(solver="CLARABEL")
    smooth = problem.loss.smoothed(1e-7)
    master = solve_master(problem, smooth, H, np.zeros(6), np.zeros(1))
    assert master.value == pytest.approx(best, rel=1e-6)
    # Its dual vector is right: it bounds the same problem.
    bound = -problem.loss.conjugate(master.dual, problem.y)
    assert problem.ignores_free(master.dual)
    assert (-master.dual @ H).max() <= 0.05 * (1.0 + 1e-5)
    assert bound == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_bounds_are_below_all_networks_and_meet_the_best(loss):
    problem = relu_problem(7, 2, loss, 0.2, seed=5)
    tree = search_width(problem, 2, open_bracket(problem), gap=1e-6)
    assert tree.stopped == REACHED and tree.lower <= tree.upper <= tree.lower / (1.0 - 1e-6)
    assert len(tree.units) <= 2 and problem.objective(tree.units) == tree.upper
    rng = np.random.default_rng(6)
    for _ in range(300):
        units = Units(
            rng.standard_normal((2, 2)) * rng.exponential(2.0), rng.choice([-1.0, 1.0], 2)
        )
        assert problem.objective(units) >= tree.lower


@pytest.mark.parametrize("m", [1, 2, 3, 9])
def test_more_units_are_never_worse(m):
    problem = relu_problem(6, 2, weight_decay=0.05, seed=8, output_signs=(1.0,))
    fewer, more = (search_width(problem, k, open_bracket(problem), gap=1e-6) for k in (m, m + 1))
    assert more.upper <= fewer.upper * (1.0 + 1e-6)
    assert (more.units.outputs == 1.0).all()


def test_data_of_low_rank_with_equal_and_empty_rows():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((3, 2)) @ rng.standard_normal((2, 3))
    X = np.vstack([X, X, np.zeros((2, 3)), -X[:1]])
    problem = Problem(ReLUUnits(X), get_loss("squared"), rng.standard_normal(len(X)), 0.05)
    tree = search_width(problem, 2, open_bracket(problem), gap=1e-6)
    assert tree.stopped == REACHED


def test_an_interrupted_search_leaves_a_whole_tree():
    problem = relu_problem(8, 3, weight_decay=0.02, seed=1)
    seen = []

    def interrupt(tree):
        seen.append(tree.lower)
        if len(seen) == 2:
            raise KeyboardInterrupt

    tree = Tree.begin(problem, 3, open_bracket(problem), gap=1e-6)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(width_tree, "PAUSE", 0.0)
        tree.run(np.inf, interrupt)
    optimum = search_width(problem, 3, open_bracket(problem), gap=1e-6).upper
    assert tree.lower <= optimum <= tree.upper
    assert len(list(tree.root.leaves())) >= len(tree.open) > 0


def test_a_full_memory_ends_the_search_with_its_bracket():
    problem = relu_problem(8, 3, weight_decay=0.02, seed=1)
    tree = Tree.begin(problem, 3, open_bracket(problem), gap=1e-6)
    tree.run(np.inf, None, most_bytes=20_000)
    assert tree.stopped == FULL and tree.lower < tree.upper and tree.open


def test_what_cannot_have_a_width_is_named():
    problem = relu_problem(norm="l1")
    with pytest.raises(UnsupportedError, match="relu units with the norm l1 cannot have a width"):
        search_width(problem, 1, open_bracket(problem), gap=1e-6)

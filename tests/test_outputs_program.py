"""Whole programs of several outputs: against other formulations, duality, and networks again."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, xlogy

import cvxnet as cn
from cvxnet.training.outputs.whole_program import linear_blocks, nonnegative_factor, rays_of
from cvxnet.training.units import bind

DECAY = 0.3
ELEMENTWISE = ["squared", "absolute", "huber", "log_cosh", "logistic"]
GATES = np.array([[1.0, 0.3, -0.2], [-0.4, 1.0, 0.5]])


def data(n=7, d=2, c=3, seed=0, loss="squared"):
    """Data and a target for the loss; of classes, numbers from 0."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(n, c))
    if loss == "cross_entropy":
        return X, np.arange(n) % c
    return X, np.where(Y > 0.0, 1.0, -1.0) if loss == "logistic" else Y


def loss_of(loss, F, y, weights=1.0):
    """The loss of predictions that are an array, in numpy."""
    F = F - 0.0
    terms = {
        "squared": lambda: 0.5 * (F - y) ** 2,
        "absolute": lambda: np.abs(F - y),
        "huber": lambda: np.where(np.abs(F - y) <= 1, 0.5 * (F - y) ** 2, np.abs(F - y) - 0.5),
        "log_cosh": lambda: np.log(np.cosh(F - y)),
        "logistic": lambda: np.logaddexp(0.0, -y * F),
        "cross_entropy": lambda: (logsumexp(F, axis=1) - F[np.arange(len(F)), y])[:, None],
    }[loss]()
    return float((np.reshape(weights, (-1, 1)) * terms).sum())


def loss_expression(loss, f, y, weights):
    """The same in CVXPY."""
    if loss == "cross_entropy":
        rows = cp.log_sum_exp(f, axis=1) - cp.sum(cp.multiply(np.eye(f.shape[1])[y], f), axis=1)
        return weights @ rows
    terms = {
        "squared": lambda: 0.5 * cp.square(f - y),
        "absolute": lambda: cp.abs(f - y),
        "huber": lambda: 0.5 * cp.huber(f - y, 1.0),
        "log_cosh": lambda: cp.logistic(2.0 * (f - y)) - (f - y) - np.log(2.0),
        "logistic": lambda: cp.logistic(-cp.multiply(y, f)),
    }[loss]()
    return cp.sum(weights @ terms)


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def parts(family, X, c):
    """Predictions and penalty of the families that are one line each."""
    if family == "coordinate":
        Z = cp.Variable((X.shape[1], c))
        return X @ Z, cp.sum(cp.norm(Z, 2, axis=1))
    X = with_ones(X)
    masks = [np.ones(len(X))] if family == "linear" else (X @ GATES.T >= 0.0).T
    Z = [cp.Variable((X.shape[1], c)) for _ in masks]
    fit = sum((mask[:, None] * X) @ z for mask, z in zip(masks, Z, strict=True))
    return fit, sum(map(cp.normNuc, Z))


def family_of(name):
    return cn.Family("gated_relu", gates=GATES) if name == "gated_relu" else name


def value_of(network, loss, X, y, weights=1.0):
    """The training objective of a network, from its own weights, those that are free left out."""
    decayed = 0.0
    for name, tensor in network.state_dict().items():
        free = name.endswith(("1.bias", "2.bias", "shortcut.weight"))
        decayed += 0.0 if free or "gate" in name else float((tensor**2).sum())
    return loss_of(loss, network(X), y, weights) + 0.5 * DECAY * decayed


@pytest.mark.parametrize("family", ["linear", "coordinate", "gated_relu"])
@pytest.mark.parametrize("loss", [*ELEMENTWISE, "cross_entropy"])
def test_another_formulation_by_another_solver_has_the_same_value(family, loss):
    """With sample weights, output bias and skip; normNuc and group norms by SCS."""
    X, y = data(loss=loss)
    c, weights = 3, np.linspace(0.5, 2.0, len(X))
    free = {"output_bias": True, "skip": loss == "squared"}
    ours = cn.program(family_of(family), X, y, loss=loss, weight_decay=DECAY,
                      sample_weight=weights, **free)  # fmt: skip
    assert ours.is_dcp()
    value = ours.solve(solver="CLARABEL")
    fit, size = parts(family, X, c)
    fit = fit + np.ones((len(X), 1)) @ cp.Variable((1, c))
    fit = fit + X @ cp.Variable((X.shape[1], c)) if free["skip"] else fit
    other = cp.Problem(cp.Minimize(loss_expression(loss, fit, y, weights) + DECAY * size))
    assert value == pytest.approx(other.solve(solver="SCS", eps=1e-7), rel=2e-5)


@pytest.mark.parametrize("loss", ["squared", "huber", "cross_entropy"])
@pytest.mark.parametrize("family", ["linear", "gated_relu", "relu", "leaky_relu", "abs"])
def test_the_network_recovered_has_the_value(family, loss):
    X, y = data(loss=loss)
    options = {"loss": loss, "weight_decay": DECAY, "output_bias": True}
    whole = cn.program(family_of(family), X, y, **options)
    value = whole.solve(solver="CLARABEL")
    network = cn.recover(whole)
    assert network(X).shape == (7, 3)
    assert value_of(network, loss, X, y) == pytest.approx(value, rel=1e-6)
    assert len(network.state_dict()["0.weight"]) <= 21


def test_the_lasso_recovered_has_the_value():
    """Coordinate units do not mix features: one matrix, whose rows are what is penalised."""
    X, Y = data(d=4)
    whole = cn.program("coordinate", X, Y, weight_decay=DECAY)
    value = whole.solve(solver="CLARABEL")
    Z = cn.recover(whole).state_dict()["0.weight"].T
    assert loss_of("squared", X @ Z, Y) + DECAY * np.linalg.norm(Z, axis=1).sum() == pytest.approx(
        value, rel=1e-7
    )


def directions(rank, count):
    """Many unit vectors, (count, rank), of all signs and evenly spread."""
    if rank == 1:
        return np.array([[1.0], [-1.0]])
    angle = 2.0 * np.pi * np.arange(count) / count
    if rank == 2:
        return np.column_stack([np.cos(angle), np.sin(angle)])
    height, turn = 1.0 - (2.0 * np.arange(count) + 1.0) / count, np.arange(count) * 2.399963
    ring = np.sqrt(1.0 - height**2)
    return np.column_stack([ring * np.cos(turn), ring * np.sin(turn), height])


SLOPES = {"relu": (1.0, 0.0), "leaky_relu": (1.0, -0.01), "abs": (1.0, 1.0)}


def features(family, X, U):
    plus, minus = SLOPES[family]
    t = X @ U.T
    return plus * np.maximum(t, 0.0) + minus * np.maximum(-t, 0.0)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("family", ["relu", "leaky_relu", "abs"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_cells_are_exact_by_duality(rank, family, loss):
    """The dual vector, scaled so that no unit of a dense grid is above, proves the value.

    And the group lasso on a grid is above, by as little as the grid is fine: nobody's formulas of
    cells come in.
    """
    X, y = data(n=6, d=rank, c=2, seed=rank, loss=loss)
    whole = cn.program(family, X, y, loss=loss, weight_decay=DECAY, bias=False)
    value = whole.solve(solver="CLARABEL")
    V = np.asarray(whole.constraints[0].dual_value)
    hot = np.eye(2)[y] if loss == "cross_entropy" else None
    V = V if sign_of(V, whole, loss, y) > 0.0 else -V
    U = directions(rank, 40_000)
    rho = np.linalg.norm(V.T @ features(family, X, U), axis=0).max()
    assert rho <= DECAY * (1.0 + 1e-5) and rho >= 0.99 * DECAY
    if loss == "squared":
        dual = -0.5 * (V**2).sum() - (V * y).sum()
    else:
        P = V + hot
        assert P.min() > -1e-6 and np.abs(P.sum(axis=1) - 1.0).max() < 1e-6
        dual = -xlogy(np.maximum(P, 0.0), np.maximum(P, 0.0)).sum()
    assert dual == pytest.approx(value, rel=1e-5)
    few = directions(rank, 300)
    a = cp.Variable((len(few), 2))
    fit = loss_expression(loss, features(family, X, few) @ a, y, np.ones(len(X)))
    grid = cp.Problem(cp.Minimize(fit + DECAY * cp.sum(cp.norm(a, 2, axis=1))))
    above = grid.solve(solver="CLARABEL") / value - 1.0
    assert -1e-6 <= above <= {1: 1e-6, 2: 1e-3, 3: 2e-2}[rank]


def sign_of(V, whole, loss, y):
    """Above zero if V is the gradient of the loss at the predictions, not minus it."""
    F = whole.var_dict["f"].value
    if loss == "squared":
        return ((F - y) * V).sum()
    return ((np.exp(F - logsumexp(F, axis=1, keepdims=True)) - np.eye(2)[y]) * V).sum()


@pytest.mark.parametrize("rank", [2, 3])
def test_outputs_that_are_multiples_of_one_cost_what_one_does(rank):
    """``Y = y w^T`` with ``|w| = 1``: what is orthogonal to w costs and does not help."""
    X, Y = data(n=6, d=rank)
    w = np.array([0.6, 0.0, -0.8])
    one = cn.program("relu", X, Y[:, 0], weight_decay=DECAY, bias=False).solve(solver="CLARABEL")
    several = cn.program("relu", X, np.outer(Y[:, 0], w), weight_decay=DECAY, bias=False)
    assert several.solve(solver="CLARABEL") == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("loss", ["squared", "absolute", "cross_entropy"])
@pytest.mark.parametrize("family", ["linear", "coordinate", "gated_relu", "relu", "abs"])
def test_column_generation_comes_to_the_same_value(family, loss):
    """Two ways that share the loss and little else: no pricing here, no cones there."""
    X, y = data(loss=loss)
    options = {"loss": loss, "weight_decay": DECAY, "output_bias": True}
    value = cn.program(family_of(family), X, y, **options).solve(solver="CLARABEL")
    solution = cn.train(family_of(family), X, y, gap=1e-7, **options)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(value, rel=2e-7)


@pytest.mark.parametrize("family", ["relu", "linear"])
def test_a_class_that_the_free_part_tells_from_the_others_leaves_a_closed_bracket(family):
    """Its probabilities go to zero, so that has no room; those of the other classes keep theirs."""
    X = np.array([[-2, 1], [-2, -1], [0, 2], [1, -1], [-1, -1], [1, -2], [2, 1.0]])
    options = {"loss": "cross_entropy", "output_bias": True, "skip": True}
    largest = cn.largest_weight_decay(family, X, np.arange(7) % 3, **options)
    assert (largest == 0.0) == (family == "linear")  # a free skip is all that linear units are
    decay = 0.1 * largest or 0.1
    solution = cn.train(family, X, np.arange(7) % 3, weight_decay=decay, gap=1e-6, **options)
    assert solution.status == "optimal" and cn.check(solution.certificate).valid
    assert solution.lower_bound > 0.5


def test_turned_outputs_have_the_same_value():
    X, Y = data()
    Q = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    values = [
        cn.program("relu", X, target, weight_decay=DECAY).solve(solver="CLARABEL")
        for target in (Y, Y @ Q)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize(
    ("X", "Y"),
    [
        (np.zeros((4, 1)), np.ones((4, 2))),
        (np.array([[1.0]]), np.array([[2.0, -1.0]])),
        (np.repeat(data()[0], 2, axis=0), np.repeat(data()[1], 2, axis=0)),
        (np.outer(np.arange(-2.0, 3.0), [1.0, 2.0]), np.eye(5)[:, :3]),
        (data()[0], np.repeat(data()[1][:, :1], 3, axis=1)),
        (data()[0], data()[1] * np.array([1e-6, 1.0, 1e3])),
        (data(n=3, d=2, c=6)[0], data(n=3, d=2, c=6)[1]),
    ],
    ids=["zeros", "one sample", "equal rows", "collinear", "equal columns", "sizes", "c > n"],
)
@pytest.mark.parametrize("bias", [True, False])
def test_degenerate_data(X, Y, bias):
    """The network's own objective is the value, and no better than grids allow by weak duality."""
    whole = cn.program("relu", X, Y, weight_decay=DECAY, bias=bias)
    value = whole.solve(solver="CLARABEL")
    network = cn.recover(whole)
    assert value_of(network, "squared", X, Y) == pytest.approx(value, rel=2e-6)
    V = network(X) - Y
    rows = with_ones(X) if bias else X
    rho = np.linalg.norm(V.T @ features("relu", rows, directions(rows.shape[1], 20_000)), axis=0)
    assert rho.max() <= DECAY * (1.0 + 2e-3)


def test_without_any_active_unit_the_program_is_the_loss():
    X, y = np.zeros((4, 1)), np.array([1.0, -1.0, 3.0, 1.0])
    for target in (y, np.column_stack([y, y])):
        whole = cn.program("relu", X, target, weight_decay=DECAY, bias=False, output_bias=True)
        assert whole.solve(solver="CLARABEL") == pytest.approx(0.5 * 4 * target.var(axis=0).sum())
        assert np.allclose(cn.recover(whole)(X), target.mean(axis=0), atol=1e-6)


def test_one_column_is_one_output():
    X, Y = data()
    values = [
        cn.program("relu", X, y, weight_decay=DECAY).solve(solver="CLARABEL")
        for y in (Y[:, :1], Y[:, 0])
    ]
    assert values[0] == values[1]


# units that do not share


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_with_the_sum_of_absolute_output_weights_the_outputs_decouple(loss):
    """A unit (u, a) may be split into units (u, a_k e_k): as good, and with |a|_1 no dearer.

    At rank one all units are two directions, so the joint program is exact; at rank two it is a
    grid, above the sum of the scalar optima by what the grid costs.
    """
    for rank, room in ((1, 1e-6), (2, 1e-3)):
        X, Y = data(n=6, d=rank, c=2, seed=4)
        alone = [
            cn.train("relu", X, Y[:, k], loss=loss, weight_decay=DECAY, bias=False, gap=1e-8)
            for k in range(2)
        ]
        total = sum(solution.value for solution in alone)
        U = directions(rank, 300)
        A = cp.Variable((len(U), 2))
        fit = loss_expression(loss, features("relu", X, U) @ A, Y, np.ones(len(X)))
        joint = cp.Problem(cp.Minimize(fit + DECAY * cp.sum(cp.abs(A)))).solve(solver="CLARABEL")
        assert -1e-6 <= joint / total - 1.0 <= room
        shared = cn.program("relu", X, Y, loss=loss, weight_decay=DECAY, bias=False)
        assert shared.solve(solver="CLARABEL") <= total * (1.0 + 1e-7)


# what there is no program for


@pytest.mark.parametrize(
    ("units", "X", "options", "message"),
    [
        ("quadratic", data()[0], {}, "no finite convex program of quadratic.*degree four"),
        ("polynomial", data()[0], {}, "no finite convex program of polynomial.*degree four"),
        ("relu", data(d=3)[0], {}, "up to rank 3.*here it is 4.*cvxnet.train"),
        ("relu", data()[0], {"memory_limit": 1e4}, "blocks .* at n = 7 and rank 3"),
        ("squared_relu", data()[0], {}, "squared_relu"),
        ("threshold", data()[0], {}, "threshold"),
    ],
)
def test_what_has_no_program_is_refused_with_the_reason(units, X, options, message):
    with pytest.raises(cn.UnsupportedError, match=message):
        cn.program(units, X, data()[1], weight_decay=DECAY, **options)


def test_recover_needs_a_solution():
    X, Y = data()
    with pytest.raises(cn.InputError, match="no solution yet"):
        cn.recover(cn.program("relu", X, Y, weight_decay=DECAY))


# the pieces


def rows(seed, degenerate):
    """Rows at rank three; degenerate: whole numbers, some parallel, some in one plane."""
    rng = np.random.default_rng(seed)
    if not degenerate:
        return rng.normal(size=(6, 3))
    return np.vstack([rng.integers(-1, 2, (7, 3)).astype(float), 2.0 * np.eye(3)])


@given(seed=st.integers(0, 10_000), degenerate=st.booleans())
@settings(max_examples=20, deadline=None)
def test_every_unit_is_in_a_cone_and_acts_linearly_there(seed, degenerate):
    X = rows(seed, degenerate)
    family = bind(cn.Family("abs"), X, "l2")
    blocks = linear_blocks(family)
    U = directions(3, 50)
    apart = np.abs(U @ family.arrangement.normals.T).min(axis=1) > 1e-6
    inside = np.zeros(len(U), dtype=int)
    for block in blocks:
        w = np.linalg.solve(np.asarray(block.directions).T, U.T)
        here = (w >= -1e-9).all(axis=0)
        inside += here & apart
        assert np.allclose((block.matrix @ w)[:, here], family.features(U[here]), atol=1e-7)
    assert (inside[apart] >= 1).all()


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.0, 1e-6, 0.3, 1.0, 7.0]), min_size=3, max_size=3),
             min_size=1, max_size=4)
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_completely_positive_matrix_has_a_root_that_is_not_negative(columns):
    P = np.array(columns).T
    C = P @ P.T
    W = nonnegative_factor(C)
    assert (W >= 0.0).all() and np.allclose(W @ W.T, C, rtol=1e-9, atol=1e-12 * (C.max() or 1.0))


@given(st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_so_has_a_semidefinite_one_without_negative_entries(seed):
    """Of order three every such matrix is completely positive; these are not made of a root."""
    rng = np.random.default_rng(seed)
    for _ in range(50):
        half = rng.normal(size=(3, int(rng.integers(1, 4))))
        C = half @ half.T
        if (C >= 0.0).all():
            W = nonnegative_factor(C)
            assert (W >= 0.0).all() and np.allclose(W @ W.T, C, atol=1e-9 * C.max())
            return


def test_rays_of_a_polygon_come_in_order():
    angle = 2.0 * np.pi * np.array([0, 3, 1, 4, 2]) / 5
    facets = np.column_stack([np.cos(angle), np.sin(angle), np.ones(5)])
    rays = rays_of(facets)
    assert len(rays) == 5 and (facets @ rays.T >= -1e-9).all()
    steps = np.linalg.norm(rays - np.roll(rays, 1, axis=0), axis=1)
    assert np.allclose(steps, steps[0])

"""Bounds for several outputs from bounds for one: never below a unit, tight, and provable."""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from families import make_family
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.training.bounds.evidence import Cut
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.outputs import scalar_bounds
from cvxnet.training.outputs.bounds import OutputSearch, improve_output_bound
from cvxnet.training.outputs.pricing import price_outputs
from cvxnet.training.outputs.scalar_bounds import Directions, row_space
from cvxnet.training.outputs.sphere import Frame, Sphere, shortest_above
from cvxnet.training.problem import Problem, Units
from cvxnet.training.sliding import slide
from cvxnet.training.threads import one_blas_thread

KINKED = SimpleNamespace(loss=SimpleNamespace(smooth=False))
PATIENT = SimpleNamespace(gap=0.0, problem=KINKED)  # every better bound of this V is told


class Support:
    """Exact bounds: the support function of some points and their negatives."""

    promise, numbers = 0.0, 0

    def __init__(self, points, direction):
        self.bound = float(np.abs(points @ direction).max())

    def evidence(self):
        return None


class Loose(Support):
    """Bounds that are too large by a factor, less so each time they are worked at."""

    def __init__(self, points, direction):
        super().__init__(points, direction)
        self.true, self.excess = self.bound, 1.0
        self.improve()

    def improve(self):
        self.excess /= 4.0
        self.bound = self.true * (1.0 + self.excess)
        self.promise = self.true * self.excess / 2.0 if self.excess > 1e-9 else 0.0


def best_bounds(family, V, seconds=5.0):
    with one_blas_thread():
        return list(improve_output_bound(family, PATIENT, V, now() + seconds))


def largest_known(family, V, seed=0):
    """The largest |V^T phi_u(X)| that shrinking random steps come to: units that there are."""
    rng = np.random.default_rng(seed)
    U = rng.standard_normal((5000, family.rank))
    for step in 0.4 ** np.arange(25):
        U /= np.linalg.norm(U, axis=1)[:, None]
        values = np.linalg.norm(family.features(U).T @ V, axis=1)
        best = U[np.argsort(-values)[:10]]
        U = np.vstack([best, *(best + step * rng.standard_normal((50, *best.shape)))])
    return float(values.max())


def softmax_like(rng, n, c):
    V = rng.dirichlet(np.ones(c), n)
    V[np.arange(n), rng.integers(c, size=n)] -= 1.0
    return V


@given(seed=st.integers(0, 10**6), k=st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_the_longest_of_some_points_is_found(seed, k):
    points = np.random.default_rng(seed).standard_normal((6, k))
    true = np.linalg.norm(points, axis=1).max()
    sphere = Sphere(k, lambda direction: Support(points, direction))
    bounds = [sphere.bound()]
    while bounds[-1] > true * (1.0 + 1e-6) and len(bounds) < 1000 and sphere.improve():
        bounds.append(sphere.bound())
    assert true <= bounds[-1] <= true * (1.0 + 1e-6)
    assert all(b <= a * (1.0 + 1e-12) for a, b in pairwise(bounds))


@given(seed=st.integers(0, 10**6), k=st.integers(1, 2))
@settings(max_examples=10, deadline=None)
def test_bounds_at_corners_are_worked_at(seed, k):
    points = np.random.default_rng(seed).standard_normal((6, k))
    true = np.linalg.norm(points, axis=1).max()
    sphere = Sphere(k, lambda direction: Loose(points, direction))
    while sphere.improve():
        assert sphere.bound() >= true
    assert sphere.bound() <= true * (1.0 + 1e-6)


@given(seed=st.integers(0, 10**6), k=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_the_shortest_vector_above_heights(seed, k):
    rng = np.random.default_rng(seed)
    W, H = np.abs(rng.standard_normal((k, k))) + np.eye(k), rng.uniform(0.0, 2.0, k)
    p, shares = shortest_above(W, H)
    assert (W @ p >= H).all()
    A = W / np.linalg.norm(W, axis=1)[:, None]
    assert (shares >= 0.0).all() and np.allclose(A.T @ shares, p)  # so no shorter one is above
    assert shares @ (H / np.linalg.norm(W, axis=1)) == pytest.approx(p @ p)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "abs", "quadratic", "polynomial"])
@pytest.mark.parametrize("c", [2, 3])
def test_bounds_close_in_on_the_best_unit(name, c):
    rng = np.random.default_rng(c)
    X, V = rng.standard_normal((9, 3)), rng.standard_normal((9, c))
    family = make_family(name, X)
    proofs = best_bounds(family, V)
    bounds = [bound for _, bound, _ in proofs]
    assert bounds == sorted(bounds, reverse=True)
    found = largest_known(family, V)
    assert found <= bounds[-1] <= found * (1.0 + 1e-6)


def test_bounds_hold_beyond_exact_pricing():
    rng = np.random.default_rng(0)
    family = make_family("relu", rng.standard_normal((60, 9)))
    V = softmax_like(rng, 60, 3)
    known, bounds = largest_known(family, V), []
    with one_blas_thread():
        for _, bound, evidence in improve_output_bound(family, PATIENT, V, now() + 60.0):
            bounds.append(bound)
            assert any(proof is not None for proof in evidence.proofs)
            if bound <= 1.05 * known:
                break
    assert bounds == sorted(bounds, reverse=True)
    assert known <= bounds[-1] <= 1.05 * known


def degenerate():
    rng = np.random.default_rng(1)
    V = rng.standard_normal((7, 3))
    tiny = V @ np.diag([1.0, 1e-9, 1e-12])
    return {
        "rank 1": np.outer(V[:, 0], [1.0, -2.0, 0.5]),
        "equal columns": V[:, [0, 0, 1]],
        "a column of zeros": V * [1.0, 0.0, 1.0],
        "columns of very different size": tiny,
        "one output": V[:, :1],
        "one sample": V * (np.arange(7) == 2)[:, None],
        "huge": 1e150 * V,
        "small": 1e-150 * V,
        "more outputs than samples": rng.standard_normal((7, 9)),
        "many outputs": rng.standard_normal((7, 15)) @ np.diag(2.0 ** -np.arange(15.0)),
    }


@pytest.mark.parametrize("case", degenerate())
@pytest.mark.parametrize("name", ["relu", "quadratic"])
def test_degenerate_dual_matrices(case, name):
    V = degenerate()[case]
    family = make_family(name, np.random.default_rng(2).standard_normal((7, 2)))
    size = np.abs(V).max()
    found = size * largest_known(family, V / size)
    bound = best_bounds(family, V, 1.0)[-1][1]
    wide = {"more outputs than samples": 3.0, "many outputs": 3.0}.get(case, 1.0 + 1e-6)
    assert found * (1.0 - 1e-12) <= bound <= found * wide


def test_of_nothing_there_is_no_bound():
    family = make_family("relu", np.eye(3))
    assert best_bounds(family, np.zeros((3, 2))) == []


@pytest.mark.parametrize("kind", [Support, Loose])
def test_a_frame_is_as_good_as_the_orthants(kind):
    points = np.random.default_rng(3).standard_normal((5, 4))
    sphere, frame = (cls(4, lambda t: kind(points, t)) for cls in (Sphere, Frame))
    while frame.improve():
        pass
    heights = np.abs(points).max(axis=0)
    assert np.linalg.norm(points, axis=1).max() <= frame.bound()
    assert frame.bound() == pytest.approx(np.linalg.norm(heights), rel=1e-6)
    assert kind is Loose or frame.bound() == pytest.approx(sphere.bound(), rel=1e-11)


@pytest.mark.parametrize("c", [2, 3, 4])
def test_rows_that_add_up_to_zero_have_a_basis_that_does_so_exactly(c):
    rng = np.random.default_rng(c)
    V = softmax_like(rng, 20, c)
    basis = row_space(V)
    assert len(basis) == c - 1
    assert all(sum(map(Fraction, row)) == 0 for row in basis.tolist())
    assert np.allclose(basis @ basis.T, np.eye(c - 1), atol=1e-13)


def test_evidence_covers_all_directions_and_lies_above_its_corners():
    rng = np.random.default_rng(5)
    family = make_family("relu", rng.standard_normal((10, 2)))
    V, bound, evidence = best_bounds(family, softmax_like(rng, 10, 4), 2.0)[-1]
    k = len(evidence.basis)
    corners = [[Fraction(i == j) for j in range(k)] for i in range(k)]
    for i, j, a, b in evidence.edges:
        pairs = zip(corners[i], corners[j], strict=True)
        corners.append([Fraction(a) * x + Fraction(b) * y for x, y in pairs])
    heights = [Fraction(height) for height in evidence.heights.tolist()]
    leaves = []
    for number, tree in enumerate(evidence.cones):
        signs = [1] + [-1 if number >> bit & 1 else 1 for bit in range(k - 1)]
        walk(tree, [[m, s] for m, s in zip(range(k), signs, strict=True)], evidence, leaves)
    assert len(evidence.cones) == 2 ** (k - 1) < len(leaves)
    for p, cone in leaves:
        for m, sign in cone:
            assert sign * dot(corners[m], p) >= heights[m]
        assert dot(p, p) <= Fraction(bound) ** 2
    for corner, height in zip(corners, heights, strict=True):
        w = np.array([float(x) for x in corner]) @ evidence.basis
        assert family.price(V @ w, 0.0).rho <= height


def walk(tree, cone, evidence, leaves):
    """Collect the leaves with their cones; a cut is on an edge of its cone."""
    if not isinstance(tree, Cut):
        leaves.append(([Fraction(x) for x in tree.tolist()], cone))
        return
    i, j, a, b = evidence.edges[tree.corner - len(evidence.basis)]
    signs = dict(cone)
    sign = signs[i] * np.sign(a)
    assert sign == signs[j] * np.sign(b)
    for replaced, part in ((i, tree.first), (j, tree.second)):
        smaller = [[tree.corner, sign] if m == replaced else [m, s] for m, s in cone]
        walk(part, smaller, evidence, leaves)


def dot(x, y):
    return sum(a * b for a, b in zip(x, y, strict=True))


def bracket_of(name, X, Y, decay, loss, F=None):
    """The bracket of a network that a few steps of sliding have found."""
    problem = Problem(
        make_family(name, X), get_loss(loss), Y, decay, np.zeros((0, 0)) if F is None else F
    )
    c, rng = Y.shape[1], np.random.default_rng(0)
    outputs = rng.standard_normal((20, c))
    outputs /= np.linalg.norm(outputs, axis=1)[:, None]
    units = Units(rng.standard_normal((20, X.shape[1])), outputs, np.zeros((problem.F.shape[1], c)))
    units = slide(problem, units, 500)
    upper = problem.objective(units)
    v = problem.dual_vector(units)
    return Bracket(problem, units, upper, 0.0 * v, 0.0, v, tolerance=None)


@pytest.mark.parametrize(("loss", "output_bias"), [("squared", False), ("cross_entropy", True)])
def test_the_dual_matrix_is_chosen_for_its_bound(loss, output_bias):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((24, 8))
    Y = rng.standard_normal((24, 2))
    if loss == "cross_entropy":
        Y = np.eye(3)[rng.permutation(np.arange(24) % 3)]
    bracket = bracket_of("relu", X, Y, 1.0, loss, np.ones((24, 1)) if output_bias else None)
    V, lower = bracket.proposal, {True: 0.0, False: 0.0}
    with one_blas_thread():
        for better, bound, evidence in improve_output_bound(
            bracket.problem.family, bracket, V, now() + 60.0
        ):
            bracket.offer_dual(better, bound, evidence)
            lower[better is V] = bracket.lower
            assert largest_known(bracket.problem.family, better) <= bound
            if lower[False] > lower[True]:
                break
    assert bracket.lower <= bracket.upper
    assert 0.0 < lower[True] < lower[False]


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_gradients_of_a_stage_are_those_of_differences(loss):
    rng = np.random.default_rng(8)
    Y = rng.standard_normal((9, 3)) if loss == "squared" else np.eye(3)[np.arange(9) % 3]
    bracket = bracket_of("relu", rng.standard_normal((9, 8)), Y, 0.3, loss, np.ones((9, 1)))
    V, family = bracket.proposal, bracket.problem.family
    search = OutputSearch(bracket, Directions(family, V))
    for _ in range(3):
        search.bounds.improve()
    stage = search.stage(search.bounds, 0.01)
    f = bracket.problem.fit(bracket.units)
    x = np.concatenate([f.ravel(), *(term.side.z for term in stage.terms)])
    _, gradient, _ = stage.measure(x)
    for k in rng.choice(len(x), 25, replace=False).tolist() + list(range(10)):
        step = 1e-6 * np.eye(1, len(x), k)[0]
        rise = stage.measure(x + step)[0] - stage.measure(x - step)[0]
        assert rise / 2e-6 == pytest.approx(gradient[k], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["quadratic", "polynomial"])
@pytest.mark.parametrize("c", [2, 3, 12])
def test_pricing_of_units_of_degree_two(name, c):
    rng = np.random.default_rng(c)
    family = make_family(name, rng.standard_normal((15, 4)))
    V = rng.standard_normal((15, c))
    found = price_outputs(family, V, 0.0)
    known = largest_known(family, V)
    assert known * (1.0 - 1e-9) <= found.rho <= found.rho + found.error
    assert found.error <= (1e-7 if c <= 3 else 3.0) * found.rho
    g = family.features(found.units).T @ V
    assert np.allclose(np.linalg.norm(g, axis=1), found.values)
    assert np.allclose(found.outputs * found.values[:, None], g)
    assert found.evidence is not None


@pytest.mark.parametrize(
    ("units", "loss", "scale"),
    [
        ("relu", "cross_entropy", 2.0**-30),
        ("quadratic", "squared", 1.0),
        ("quadratic", "squared", 2.0**-30),
    ],
)
def test_a_certificate_is_proved_exactly(units, loss, scale):
    rng = np.random.default_rng(9)
    X, Y = rng.standard_normal((12, 5)), rng.standard_normal((12, 2))
    y = np.arange(12) % 3 if loss == "cross_entropy" else scale * Y
    decay = 0.5 * scale if units == "relu" else 0.5 * scale**3  # of value and features
    options = {"time_limit": 60.0, "gap": 0.2, "loss": loss, "bias": False}
    trained = cn.train(units, scale * X, y, weight_decay=decay, **options)
    assert trained.gap <= 0.2
    document = trained.certificate.to_dict()
    assert document["evidence"]["kind"] == "sphere"
    assert cn.check(document).valid


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_multipliers_of_a_direction_prove_as_much_for_its_opposite(sign, monkeypatch):
    """The bound at ``-w`` is that at ``w``, and near it none is below the largest value known."""
    monkeypatch.setattr(scalar_bounds, "QUICK", 0)
    rng = np.random.default_rng(5)
    family, V = make_family("relu", rng.standard_normal((20, 7))), rng.standard_normal((20, 2))
    directions = Directions(family, V)
    first = directions.price(np.array([1.0, 0.0]))
    for _ in range(3):
        first.improve()
    v = sign * directions.reduced[:, 0]
    assert first.moved(v, sign).bound == pytest.approx(first.bound, rel=1e-9)
    next_one = directions.price(sign * np.array([1.0, 1e-3]))
    near = directions.reduced @ np.array([1.0, 1e-3])
    assert largest_known(family, near[:, None]) <= next_one.bound <= 1.1 * first.bound
    assert first.moved(v, sign).sides[0] is not first.sides[0]


def test_all_directions_have_a_bound_before_much_is_spent_on_one():
    """With the time over after the first corners there is a lower bound above zero."""
    rng = np.random.default_rng(6)
    Y = np.eye(6)[np.arange(24) % 6]
    X, F = rng.standard_normal((24, 9)), np.ones((24, 1))
    bracket = bracket_of("relu", X, Y, 0.3, "cross_entropy", F)
    search = OutputSearch(bracket, Directions(bracket.problem.family, bracket.proposal))
    assert np.isfinite(search.bound) and search.lower > 0.0
    before = search.lower
    for _ in range(5):
        search.bounds.improve()
    assert search.lower > before


def test_a_dual_matrix_that_proves_less_is_not_taken(monkeypatch):
    rng = np.random.default_rng(8)
    X, Y, F = rng.standard_normal((9, 8)), rng.standard_normal((9, 3)), np.ones((9, 1))
    bracket = bracket_of("relu", X, Y, 0.3, "squared", F)
    search = OutputSearch(bracket, Directions(bracket.problem.family, bracket.proposal))
    for _ in range(6):
        search.bounds.improve()
    V, lower = search.directions.V, search.lower
    worse = rng.standard_normal(V.shape)
    monkeypatch.setattr(type(search.stage(search.bounds, 0.01)), "run", lambda *_: worse)
    search.choose(search.bounds, np.inf)
    assert search.directions.V is V and search.lower == pytest.approx(lower, rel=1e-6)
    assert not search.is_due(search.bounds)

"""Pricing of steps over all dichotomies, against exact enumeration from rays."""

from math import prod

import numpy as np
import pytest
from covectors import covectors
from examples import small_matrices
from flint import fmpz_mat

from cvxnet.errors import UnsupportedError
from cvxnet.training.clock import now
from cvxnet.training.geometry.arrangement import count_cells
from cvxnet.training.pricing.steps import dichotomies
from cvxnet.training.pricing.steps.branching import bound_sums
from cvxnet.training.pricing.steps.circle_search import search_circles
from cvxnet.training.pricing.steps.determinants import dependent, determinant_sign, reduce_rows
from cvxnet.training.pricing.steps.faces import all_sides
from cvxnet.training.pricing.steps.hyperplanes import find_hyperplanes
from cvxnet.training.pricing.steps.pricing import price_dichotomies, step_function
from cvxnet.training.pricing.steps.search import improve_bound, search_dichotomies


def high_rank_matrices():
    """Rank 4 and 5: general position, few values, corners of a cube."""
    rng = np.random.default_rng(2)
    for r in (4, 5):
        yield rng.standard_normal((r + 2, r))
        yield rng.integers(-1, 2, (r + 3, r)).astype(float)
        yield np.column_stack([rng.integers(0, 3, (r + 3, r - 1)), np.ones(r + 3)]).astype(float)


MATRICES = [*small_matrices(48, seed=9, most=6), *high_rank_matrices()]


def dual_vectors(n, rng):
    yield rng.standard_normal(n)
    yield np.round(2.0 * rng.standard_normal(n))
    yield -np.abs(rng.standard_normal(n))


# ------------------------------------------------------------------------- exact predicates


@pytest.mark.parametrize("r", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [3, 2**20, 2**70])
def test_signs_of_determinants_are_exact(r, size):
    rng = np.random.default_rng(r)
    rows = [[int(x) * size // 3 + int(e) for x, e in rng.integers(-3, 4, (r, 2))] for _ in range(9)]
    rows[8] = [sum(column) for column in zip(*rows[:r], strict=True)]  # depends on the first r
    residues = reduce_rows(rows)
    for _ in range(60):
        index = rng.choice(9, r, replace=False)
        expected = int(fmpz_mat([rows[i] for i in index]).det())
        assert determinant_sign(residues, index) == (expected > 0) - (expected < 0)
        rank = fmpz_mat([rows[i] for i in index]).rank()
        assert dependent(residues, index) == (rank < r)


def test_determinants_far_below_rounding_have_a_sign():
    e = 2**60
    rows = [(e, e, 1), (e, e + 1, 1), (e, e - 1, 1), (e, e + 2, 2)]
    residues = reduce_rows(rows)
    scale = prod(float(np.linalg.norm(np.array(row, dtype=float))) for row in rows[:3])
    for index in [(0, 1, 3), (0, 2, 3), (1, 2, 3)]:
        expected = int(fmpz_mat([list(rows[i]) for i in index]).det())
        assert abs(expected) < 1e-30 * scale
        assert determinant_sign(residues, np.array(index)) == np.sign(expected)


# ----------------------------------------------------------------------------- hyperplanes


@pytest.mark.parametrize("X", MATRICES)
def test_rows_are_multiples_of_their_normals(X):
    planes = find_hyperplanes(X)
    rows = planes.rows / planes.scale @ planes.dependence
    np.testing.assert_allclose(rows, X, atol=1e-12)
    used = planes.owner >= 0
    assert not X[~used].any()
    lengths = np.linalg.norm(planes.rows[used], axis=1) * planes.orientation[used]
    rebuilt = lengths[:, None] * planes.normals[planes.owner[used]]
    np.testing.assert_allclose(rebuilt, planes.rows[used], atol=1e-13)
    U = np.random.default_rng(0).standard_normal((5, planes.rank))
    W = planes.weights(U)
    np.testing.assert_allclose(X @ W.T, planes.rows @ U.T, atol=1e-12)
    np.testing.assert_allclose(planes.rows @ planes.coordinates(W).T, X @ W.T, atol=1e-12)


def test_rows_are_merged_only_where_they_are_exactly_parallel():
    close = np.array([[0.1 + 0.2, 1.0], [0.3, 1.0], [0.6, 2.0], [-0.3, -1.0], [1.0, 0.0]])
    planes = find_hyperplanes(close)
    assert planes.owner.tolist() == [0, 1, 1, 1, 2]
    assert planes.orientation.tolist() == [1, 1, 1, -1, 1]


def test_columns_that_depend_exactly_are_left_out():
    rng = np.random.default_rng(0)
    X = rng.integers(-9, 10, (20, 2)) / 8.0
    planes = find_hyperplanes(np.column_stack([X, X @ [1.0, 2.0], np.zeros(20)]))
    assert planes.columns.tolist() == [0, 1]


def test_columns_that_depend_up_to_rounding_are_refused():
    X = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.raises(UnsupportedError, match=r"numerical rank 2\), but not exactly \(rank 3\)"):
        find_hyperplanes(np.column_stack([X, X @ [0.1, 0.3]]))


# ----------------------------------------------------------------------------------- faces


@pytest.mark.parametrize("X", MATRICES)
def test_all_faces_and_no_others(X):
    planes = find_hyperplanes(X)
    expected = covectors(X)
    faces = planes.row_sides(all_sides(planes.dichotomies, faces=True))
    np.testing.assert_array_equal(np.unique(faces, axis=0), expected)
    cells = planes.row_sides(all_sides(planes.dichotomies, faces=False))
    inside = expected[(expected != 0)[:, planes.owner >= 0].all(axis=1)]
    np.testing.assert_array_equal(np.unique(cells, axis=0), inside)


@pytest.mark.parametrize(("n", "r"), [(30, 2), (20, 3), (12, 4), (9, 5)])
def test_general_position_has_as_many_cells_as_cover_counts(n, r):
    X = np.random.default_rng(n).standard_normal((n, r))
    cells = all_sides(find_hyperplanes(X).dichotomies, faces=False)
    assert len(cells) == count_cells(n, r)


@pytest.mark.parametrize("shift", [0.0, 2.0**-50, -(2.0**-50)])
def test_three_lines_that_nearly_meet(shift):
    """Exactly through one point they leave 12 cells, else 14, whatever rounding says."""
    X = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25], [1.0, 1.0, 0.75 + shift], [1.0, -3.0, 7.0]])
    sides = all_sides(find_hyperplanes(X).dichotomies, faces=False)
    assert len(sides) == (12 if shift == 0.0 else 14)
    expected = covectors(X)
    assert len(sides) == (expected != 0).all(axis=1).sum()


# --------------------------------------------------------------------------------- pricing


def function(X, v, threshold=False):
    """``v . phi_u(X)`` for sign or threshold units."""
    planes = find_hyperplanes(X)
    plus, minus = planes.totals(v)
    if not threshold:
        return step_function(planes, plus - minus, minus - plus, None, 0.0)
    return step_function(planes, plus, minus, plus + minus, float(v[planes.owner < 0].sum()))


def price(X, v, floor=0.0, threshold=False):
    """The same, priced."""
    return price_dichotomies(function(X, v, threshold), floor)


@pytest.mark.parametrize("X", MATRICES)
def test_pricing_equals_the_best_face(X):
    faces = covectors(X).astype(float)
    for v in dual_vectors(len(X), np.random.default_rng(1)):
        size = np.abs(v).sum()
        signs, thresholds = np.abs(faces @ v).max(), np.abs((faces >= 0.0) @ v).max()
        assert price(X, v).rho == pytest.approx(signs, abs=1e-12 * size)
        assert price(X, v, threshold=True).rho == pytest.approx(thresholds, abs=1e-12 * size)


@pytest.mark.parametrize("X", MATRICES)
@pytest.mark.parametrize("threshold", [False, True])
def test_units_have_the_values_that_were_priced(X, threshold):
    planes = find_hyperplanes(X)
    for v in dual_vectors(len(X), np.random.default_rng(3)):
        found = price(X, v, threshold=threshold)
        heights = X @ planes.weights(found.units).T
        phi = (heights >= 0.0) if threshold else np.sign(heights)
        np.testing.assert_allclose(found.outputs * (v @ phi), found.values, atol=1e-12 * len(v))
        assert (np.diff(found.values) <= 1e-12 * len(v)).all()
        assert not len(found.values) or found.values[0] <= found.rho * (1 + 1e-12)
        if not threshold:
            assert len(np.unique(phi, axis=1).T) == len(found.values)


def test_values_above_the_floor_only():
    rng = np.random.default_rng(5)
    X, v = rng.standard_normal((30, 3)), rng.standard_normal(30)
    everything = price(X, v)
    floor = 0.7 * everything.rho
    above = price(X, v, floor)
    assert (above.values > floor).all()
    assert above.rho == everything.rho
    assert price(X, v, 2.0 * everything.rho).rho == 2.0 * everything.rho
    assert not len(price(X, v, 2.0 * everything.rho).values)


@pytest.mark.parametrize("threshold", [False, True])
def test_after_the_deadline_there_is_a_bound(monkeypatch, threshold):
    monkeypatch.setattr(dichotomies, "AT_ONCE", 60)
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((30, 3)), rng.standard_normal(30)
    g = function(X, v, threshold)
    late = price_dichotomies(g, 0.0, deadline=now() - 1.0)
    assert not g.cells.remembered
    whole = price_dichotomies(g, 0.0)
    assert late.rho <= whole.rho <= late.rho + late.error
    assert late.error > 1e-3 * whole.rho and whole.error < 1e-10
    assert sum(len(circles.subsets) for circles, _ in g.cells.remembered) == 30


def test_large_pricing_beats_sampling():
    rng = np.random.default_rng(0)
    X, v = np.column_stack([rng.standard_normal((2000, 2)), np.ones(2000)]), np.ones(2000)
    v[rng.random(2000) < 0.4] = -1.0
    found = price(X, v)
    assert found.rho == abs(v @ np.sign(X @ find_hyperplanes(X).weights(found.units[:1])[0]))
    assert np.abs(v @ np.sign(X @ rng.standard_normal((3, 2000)))).max() <= found.rho


@pytest.mark.parametrize("r", [4, 5])
@pytest.mark.parametrize("values", ["general", "few"])
@pytest.mark.parametrize("threshold", [False, True])
def test_branch_and_bound_is_true_and_tight(r, values, threshold):
    rng = np.random.default_rng(r)
    X = rng.standard_normal((24, r))
    if values == "few":
        X = np.column_stack([X[:, :-1].round(0), np.ones(24)])
    v = rng.standard_normal(24)
    exact = price(X, v, threshold=threshold)
    found = search_dichotomies(function(X, v, threshold), 0.0, exact=True)
    assert found.rho <= exact.rho * (1 + 1e-12)
    assert found.rho + found.error >= exact.rho * (1 - 1e-12)
    if values == "general":
        assert found.rho == pytest.approx(exact.rho)
        assert found.error <= 1e-8 * exact.rho
    bounds = list(improve_bound(function(X, v, threshold), now() + 10.0))
    assert min(bounds) >= exact.rho * (1 - 1e-12)
    assert (np.diff(bounds) < 0.0).all()
    assert len(bounds) > 1


def test_bounds_are_true_for_targets_that_are_too_low():
    """The target rises to the values met, so the bound is above them."""
    rng = np.random.default_rng(7)
    cells = find_hyperplanes(rng.standard_normal((20, 4))).dichotomies
    c = rng.standard_normal(20)
    best, _ = cells.best(c)
    proved = bound_sums(cells, c, 0.0 * c, 0.1 * best, 1e10)
    assert proved.bound >= best * (1 - 1e-12)
    values = np.sign(cells.normals @ proved.units.T).T @ c
    assert values.max() == pytest.approx(best)
    assert bound_sums(cells, c, 0.0 * c, best, 1e3) is None


def test_searching_along_circles_finds_the_best_of_few():
    rng = np.random.default_rng(8)
    cells = find_hyperplanes(rng.standard_normal((40, 4))).dichotomies
    c = rng.standard_normal(40)
    units = search_circles(cells.normals, c)
    assert np.abs(np.sign(cells.normals @ units.T).T @ c).max() == pytest.approx(cells.best(c)[0])


def test_branching_counts_its_work():
    rng = np.random.default_rng(0)
    planes, v = find_hyperplanes(rng.standard_normal((20, 5))), rng.standard_normal(20)
    g = step_function(planes, v, -v, None, 0.0)
    assert search_dichotomies(g, 0.0, exact=True).work > 0.0
    assert search_dichotomies(g, 0.0, exact=False).work == 0.0

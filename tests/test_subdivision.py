"""Exact pricing, cells and facets at rank four and five, degenerate data included."""

from itertools import count, product

import numpy as np
import pytest
from scipy.optimize import linprog, nnls
from sweep import sweep_sphere

from cvxnet.training.clock import now
from cvxnet.training.geometry.arrangement import arrange, count_cells
from cvxnet.training.geometry.cells import all_cells, all_facets, facets, move_inside, signs_at
from cvxnet.training.pricing import cone_search, subdivision
from cvxnet.training.pricing.nearest_point import nearest_point
from cvxnet.training.pricing.subdivision import LEAST, Budget, subdivide


def degenerate_data(rng, kind, n, r):
    """Random rows, or rows with ties, with a common plane, or nearly parallel and opposite."""
    X = rng.standard_normal((n, r))
    if kind == 1:
        X = rng.integers(-1, 2, (n, r)).astype(float)
    elif kind == 2:
        X = np.column_stack([rng.integers(0, 3, (n, r - 1)), np.ones(n)])
    elif kind == 3:
        X[: n // 2, 2:] = 0.0
    elif kind == 4:
        X = np.vstack([X[: n // 2], -2.0 * X[: n // 2], X[: n // 2] + 1e-6])[:n]
    return X


def arrangements(count, seed, most):
    """Normals of rank four and five from all kinds of data."""
    rng = np.random.default_rng(seed)
    made = []
    while len(made) < count:
        r = 4 + len(made) % 2
        normals = arrange(degenerate_data(rng, len(made) % 5, int(rng.integers(r, 12)), r)).normals
        if normals.shape[1] == r and len(normals) <= most:
            made.append(normals)
    return made


def coefficients(h, rng):
    """Kinks of one sign or both, with and without a slope on the other side."""
    v = rng.standard_normal(h)
    yield v, np.zeros(h)
    yield np.round(v), 0.1 * np.round(v)
    yield -np.abs(v), np.zeros(h)
    yield v, rng.standard_normal(h)


def evaluate(normals, plus, minus, U):
    """g at each column of U."""
    t = normals @ U
    return plus @ np.maximum(t, 0.0) + minus @ np.maximum(-t, 0.0)


def brute_force(normals, plus, minus):
    """max |g| over the unit ball: in each of the 2^h cones the projection of its gradient."""
    best = 0.0
    for signs in product([-1.0, 1.0], repeat=len(normals)):
        side = np.array(signs)
        c = np.where(side > 0.0, plus, -minus) @ normals
        for s in (1.0, -1.0):
            best = max(best, nnls((side[:, None] * normals).T, -s * c)[1])
    return best


@pytest.mark.parametrize("normals", arrangements(30, seed=1, most=8))
def test_pricing_equals_brute_force(normals):
    rng = np.random.default_rng(len(normals))
    for plus, minus in coefficients(len(normals), rng):
        found, expected = subdivide(normals, plus, minus), brute_force(normals, plus, minus)
        assert abs(found.rho - expected) <= 2 * found.error
        if expected > 0.01:
            value = found.outputs[0] * evaluate(normals, plus, minus, found.units[0])
            assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("r", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_in_few_dimensions_the_maxima_are_those_of_the_sweep(r, seed):
    rng = np.random.default_rng(seed)
    normals = arrange(rng.standard_normal((25, r))).normals
    plus, minus = rng.standard_normal((2, 25))
    swept = sweep_sphere(normals, plus, minus, 1e-12, 1e-12)
    high = swept[swept[:, 0] > LEAST * swept[0, 0]]
    found = subdivide(normals, plus, minus)
    assert np.isfinite(found.error)
    stacked = np.column_stack([found.values, found.units, found.outputs])
    np.testing.assert_allclose(stacked, high, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_dimension_without_data_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    normals = arrange(rng.integers(-3, 4, (20, 3)).astype(float)).normals
    plus, minus = rng.standard_normal((2, len(normals)))
    frame = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    found = subdivide(normals @ frame[:3], plus, minus)
    assert found.rho == pytest.approx(subdivide(normals, plus, minus).rho, rel=1e-12)
    np.testing.assert_allclose(found.units @ frame[3], 0.0, atol=1e-9)


@pytest.mark.parametrize(("h", "r"), [(60, 4), (25, 5), (14, 7)])
def test_found_units_are_local_maxima_and_no_point_is_above_them(h, r):
    rng = np.random.default_rng(h)
    normals = arrange(rng.standard_normal((h, r))).normals
    plus, minus = rng.standard_normal(h), np.zeros(h)
    found = subdivide(normals, plus, minus)
    assert (np.diff(found.values) <= 0.0).all()
    U = rng.standard_normal((r, 50_000))
    values = evaluate(normals, plus, minus, U / np.linalg.norm(U, axis=0))
    assert np.abs(values).max() <= found.rho * (1 + 1e-12)
    for value, u, sign in zip(found.values, found.units, found.outputs, strict=True):
        assert np.linalg.norm(u) == pytest.approx(1.0)
        near = u[:, None] + 1e-5 * rng.standard_normal((r, 300))
        near /= np.linalg.norm(near, axis=0)
        assert (sign * evaluate(normals, plus, minus, near)).max() <= value + 1e-9


@pytest.mark.parametrize(("h", "r"), [(40, 4), (20, 5)])
def test_every_maximum_that_ascent_finds_is_there(h, r):
    """Fixed points u = c(u) / |c(u)|, from many starts; most kinks are convex."""
    rng = np.random.default_rng(0)
    normals = arrange(rng.standard_normal((h, r))).normals
    plus = 0.7 + rng.standard_normal(h)
    found = subdivide(normals, plus, np.zeros(h))
    positive = found.units[found.outputs > 0.0]
    met = set()
    for u in rng.standard_normal((400, r)):
        for _ in range(50):
            c = (plus * (normals @ u > 0.0)) @ normals
            fixed = np.allclose(c, (c @ u) * u)
            u = c / np.linalg.norm(c)
        if fixed and np.linalg.norm(c) > 1.001 * LEAST * found.rho:
            distances = np.linalg.norm(positive - u, axis=1)
            assert distances.min() < 1e-7
            met.add(int(np.argmin(distances)))
    assert len(met) >= 3


def test_the_floor_only_leaves_out_what_is_below():
    rng = np.random.default_rng(2)
    normals = arrange(rng.standard_normal((50, 4))).normals
    plus = rng.standard_normal(50)
    everything = subdivide(normals, plus, np.zeros(50))
    floor = 0.8 * everything.rho
    above = subdivide(normals, plus, np.zeros(50), floor)
    assert len(above.values) >= 1
    level = floor + LEAST * (everything.rho - floor)
    np.testing.assert_allclose(above.values, everything.values[everything.values > level])
    none = subdivide(normals, plus, np.zeros(50), 1.01 * everything.rho)
    assert none.rho == 1.01 * everything.rho
    assert not len(none.values)


@pytest.mark.parametrize("seed", range(20))
def test_nearest_point_is_that_of_the_box(seed):
    """min |c - A^T t| over |t| <= 1, by NNLS on t = 1 - p with slacks for p <= 2."""
    rng = np.random.default_rng(seed)
    k, r = int(rng.integers(1, 8)), int(rng.integers(2, 6))
    A, c = rng.standard_normal((k, r)) * 10.0 ** rng.integers(-6, 1, (k, 1)), rng.standard_normal(r)
    u = rng.standard_normal(r)
    distance, excess = nearest_point(c, A, np.arange(k), 0.0, u)
    stacked = np.block([[A.T, np.zeros((r, k))], [1e4 * np.eye(k), 1e4 * np.eye(k)]])
    expected = nnls(stacked, np.r_[A.sum(axis=0) - c, np.full(k, 2e4)])[1]
    assert distance == pytest.approx(expected, rel=1e-7)
    support = u @ c - np.abs(A @ u).sum()  # both bounds at once: weak duality
    assert support <= distance * (1 + 1e-14)
    assert support == pytest.approx(distance, rel=1e-9)
    assert excess <= 1e-9 * distance**2


def interior_points(normals):
    """Sign vectors with a point strictly inside, one LP each: independent of any sweep."""
    h, r = normals.shape
    for signs in product([-1, 1], repeat=h):
        rows = np.array(signs)[:, None] * normals
        A = np.hstack([-rows, np.ones((h, 1))])
        room = linprog(np.r_[np.zeros(r), -1.0], A, np.zeros(h), bounds=[(-1, 1)] * (r + 1))
        if room.x[-1] > 1e-9:
            yield signs, room.x[:r]


@pytest.mark.parametrize("normals", arrangements(40, seed=3, most=7)[::2])
def test_cells_are_the_feasible_sign_vectors(normals):
    if np.linalg.svd(normals @ normals.T - np.eye(len(normals)))[1][0] > 1.0 - 1e-9:
        normals = normals[:4]  # parallel up to 1e-6: the LP cannot tell
    expected = [signs for signs, _ in interior_points(normals)]
    assert [tuple(row) for row in all_cells(normals).tolist()] == expected


@pytest.mark.parametrize(("h", "r"), [(20, 4), (12, 5), (9, 6)])
def test_general_position_has_as_many_cells_as_cover_counts(h, r):
    normals = arrange(np.random.default_rng(h).standard_normal((h, r))).normals
    assert len(all_cells(normals)) == count_cells(h, r)


@pytest.mark.parametrize("r", [4, 5])
def test_in_general_position_nothing_but_facets_is_kept(r):
    rng = np.random.default_rng(r)
    normals = arrange(rng.standard_normal((10, r))).normals
    cells = all_cells(normals)
    neighbours = {cell.tobytes(): row for cell, row in zip(cells, all_facets(cells), strict=True)}
    for u in rng.standard_normal((100, r)):
        signs = signs_at(normals, u)
        kept = facets(normals, signs, u)
        assert kept.tolist() == np.flatnonzero(neighbours[signs.tobytes()]).tolist()


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize(("n", "r"), [(30, 4), (20, 5)])
def test_facets_imply_all_inequalities(kind, n, r):
    """Also of cells whose units lie on a vertex, where hyperplanes are close to the point."""
    rng = np.random.default_rng(kind)
    normals = arrange(degenerate_data(rng, kind, n, r)).normals
    space = normals.shape[1]
    for _ in range(4):
        corner = np.linalg.svd(normals[rng.choice(len(normals), space - 1, replace=False)])[2][-1]
        u = move_inside(normals, corner)
        signs = signs_at(normals, u)
        rows = signs[:, None] * normals
        kept = rows[facets(normals, signs, u)]
        for row in rows:
            lowest = linprog(row, -kept, np.zeros(len(kept)), bounds=[(-1, 1)] * space).fun
            assert lowest >= -1e-9


def test_many_dimensions_keep_all_rows():
    normals = arrange(np.random.default_rng(0).standard_normal((40, 12))).normals
    u = np.ones(12)
    assert facets(normals, signs_at(normals, u), u).tolist() == list(range(40))


def test_rows_that_span_no_space_are_all_kept():
    normals = np.eye(5)[:3]
    u = np.ones(5)
    assert facets(normals, signs_at(normals, u), u).tolist() == [0, 1, 2]
    assert len(all_cells(normals)) == 8


def test_a_search_cut_short_says_so_and_finds_only_local_maxima():
    """Deadlines in the past, and work that does not suffice: counted, not timed."""
    rng = np.random.default_rng(5)
    normals = arrange(rng.standard_normal((60, 4))).normals
    v = rng.standard_normal(60)
    whole = subdivide(normals, v, np.zeros(60), 0.0, budget := Budget(work=1e12))
    assert whole.error < 1e-9 and 0 < 1e12 - budget.work < 1e9
    none = subdivide(normals, v, np.zeros(60), 0.0, Budget(now() - 1.0))
    assert none.error == np.inf and not len(none.values)
    cut = subdivide(normals, v, np.zeros(60), 0.0, Budget(work=1))
    assert cut.error == np.inf and cut.rho <= whole.rho * (1 + 1e-12)
    full = subdivide(normals, v, np.zeros(60), 0.0)
    assert full.error < 1e-9 and abs(full.rho - whole.rho) < 1e-9


@pytest.mark.parametrize(("looks", "rise"), [(300, 0.0), (1000, 0.0), (460, 0.5)])
def test_a_floor_that_rises_ends_the_search_with_a_bound(monkeypatch, looks, rise):
    """Within so many looks at the clock, which counts them; without it, this takes 489."""
    rng = np.random.default_rng(6)
    normals = arrange(rng.standard_normal((300, 4))).normals
    v = rng.standard_normal(300)
    whole = subdivide(normals, v, np.zeros(300))
    ticks = count()
    monkeypatch.setattr(subdivision, "now", lambda: float(next(ticks)))
    monkeypatch.setattr(subdivision, "PORTION", 100_000)
    monkeypatch.setattr(subdivision, "IN_PARALLEL", np.inf)
    floor = 0.9 * whole.rho
    found = subdivide(normals, v, np.zeros(300), floor, Budget(looks, rise=rise * looks))
    assert found.error < 1e-9 and found.rho >= whole.rho * (1 - 1e-12)
    assert next(ticks) < looks and (found.values <= whole.rho * (1 + 1e-12)).all()


def test_a_floor_does_not_fall_where_the_clock_goes_back(monkeypatch):
    """What was not looked at was below the highest one."""
    rng, floors, search = np.random.default_rng(0), [], subdivision.search

    def watched(stack, top, function, best, work):
        floors.append(function.floor)
        return search(stack, top, function, best, work)

    normals, v = arrange(rng.standard_normal((40, 4))).normals, rng.standard_normal(40)
    rows, convex, b = subdivision.split_kinks(normals, v, 0.0 * v)
    tasks = subdivision.tasks_of(cone_search.Function(rows, convex, b, 1.0, 1e-12), 1.0)
    monkeypatch.setattr(subdivision, "search", watched)
    monkeypatch.setattr(subdivision, "PORTION", 2000)
    monkeypatch.setattr(subdivision, "now", lambda: rng.uniform(0.0, 0.8))
    for task in tasks:
        floors.clear()
        part = subdivision.search_cone(task, Budget(1.0, rise=0.01))
        assert part.ended and part.floor == max(floors) and floors == sorted(floors)


def test_a_floor_rises_and_nothing_is_proved_after_the_deadline(monkeypatch):
    times = [0.0, 1.0, 1.1, 1.5, 1.89, 1.9, 1.99, 2.0, 3.0]
    ticks = iter(times)
    monkeypatch.setattr(subdivision, "now", lambda: next(ticks))
    budget = Budget(2.0, rise=1.0)
    floors = [budget.raised(7.0) for _ in times]
    assert floors == sorted(floors) and floors[:2] == [7.0, 7.0]
    assert 100.0 < floors[-3] < np.inf and floors[-2:] == [np.inf, np.inf]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [100, 400])
def test_many_circles_have_the_same_maxima_as_by_the_sweep(n, seed):
    rng = np.random.default_rng(seed)
    normals = arrange(rng.standard_normal((n, 3))).normals
    plus, minus = rng.standard_normal((2, len(normals)))
    found = subdivide(normals, plus, minus)
    swept = sweep_sphere(normals, plus, minus, found.rho / 2.0, 1e-12)
    np.testing.assert_allclose(found.values, swept[swept[:, 0] > LEAST * swept[0, 0], 0], rtol=1e-9)


def test_a_small_stack_grows_and_the_largest_cuts_the_search_short(monkeypatch):
    rng = np.random.default_rng(1)
    normals = arrange(rng.standard_normal((60, 4))).normals
    v = rng.standard_normal(60)
    expected = subdivide(normals, v, np.zeros(60))
    monkeypatch.setattr(cone_search, "CONES", 2)
    monkeypatch.setattr(cone_search, "ROWS", 2)
    grown = subdivide(normals, v, np.zeros(60))
    np.testing.assert_array_equal(grown.values, expected.values)
    monkeypatch.setattr(cone_search, "LARGEST", 1000)
    assert subdivide(normals, v, np.zeros(60)).error == np.inf


@pytest.mark.parametrize("r", [3, 5, 7])
@pytest.mark.parametrize("h", [20_000, 100_000])
def test_room_for_a_search_grows_like_the_rows(h, r):
    """Numbers, not seconds: some for each row and rank, whatever the number of rows."""
    stack = cone_search.empty_stack(h, r, walled=True)
    numbers = sum(array.size for array in stack)
    fixed = sum(array.size for array in cone_search.empty_stack(0, r, walled=True))
    assert numbers - fixed == (cone_search.ROWS * (r + 1) + 1) * h
    grown = sum(array.size for array in cone_search.larger(stack))
    assert grown < 1.6 * numbers


@pytest.mark.parametrize("h", [2_000, 8_000])
def test_what_a_search_writes_down_grows_like_the_rows(h, monkeypatch):
    """The largest stack of a whole pricing, which is told apart from a quadratic one by far."""
    rng = np.random.default_rng(0)
    normals = arrange(rng.standard_normal((h, 3))).normals
    stacks, larger = [], cone_search.larger

    def counted(stack):
        stacks.append(larger(stack))
        return stacks[-1]

    monkeypatch.setattr(subdivision, "larger", counted)
    found = subdivide(normals, rng.standard_normal(h), np.zeros(h))
    assert np.isfinite(found.error)
    assert max((s.undecided.size for s in stacks), default=0) <= 10 * 4 * h


@pytest.mark.parametrize("r", range(1, 8))
@pytest.mark.parametrize("seed", range(3))
def test_every_rank_equals_brute_force(r, seed):
    rng = np.random.default_rng(10 * r + seed)
    h = 1 if r == 1 else min(r + 3, 9)
    normals = arrange(degenerate_rows(rng, seed, h, r)).normals
    plus, minus = rng.standard_normal((2, len(normals)))
    found = subdivide(normals, plus, minus)
    assert abs(found.rho - brute_force(normals, plus, minus)) <= 2 * found.error


def degenerate_rows(rng, kind, n, r):
    """Random rows, small whole numbers, or half of them in a hyperplane."""
    X = rng.standard_normal((n, r))
    if kind == 1:
        X = np.vstack([np.eye(r), rng.integers(-1, 2, (n, r))])[:n]
    elif kind == 2:
        X[: n // 2, r // 2 :] = 0.0
    return X

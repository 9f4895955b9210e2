"""The arrangement: hyperplanes, coordinates, cells and facets, degenerate data included."""

from itertools import product

import numpy as np
import pytest
from examples import small_matrices
from scipy.optimize import linprog

from cvxnet.training.geometry.arrangement import arrange, count_cells
from cvxnet.training.geometry.cells import all_cells, all_facets, facets, move_inside, signs_at


def feasible_cells(normals):
    """Sign vectors with a point strictly inside, one LP each: independent of any sweep."""
    h, r = normals.shape
    found = []
    for signs in product([-1, 1], repeat=h):
        rows = np.array(signs)[:, None] * normals
        A = np.hstack([-rows, np.ones((h, 1))])
        room = linprog(np.r_[np.zeros(r), -1.0], A, np.zeros(h), bounds=[(-1, 1)] * (r + 1))
        if room.x[-1] > 1e-9:
            found.append((signs, room.x[:r]))
    return found


@pytest.mark.parametrize("X", small_matrices(80))
def test_rows_come_back_from_the_arrangement(X):
    a = arrange(X)
    np.testing.assert_allclose(a.rows @ a.basis.T, X, atol=1e-12)
    used = a.owner >= 0
    rebuilt = a.length[used, None] * a.normals[a.owner[used]]
    np.testing.assert_allclose(rebuilt, a.rows[used], atol=1e-11)
    assert not X[~used].any()
    cosines = np.abs(a.normals @ a.normals.T) - np.eye(len(a.normals))
    assert (cosines < 1.0 - 1e-12).all(), "two normals are the same hyperplane"


@pytest.mark.parametrize("X", small_matrices(40, seed=1, most=6))
def test_cells_are_the_feasible_sign_vectors(X):
    a = arrange(X)
    expected = sorted(signs for signs, _ in feasible_cells(a.normals))
    assert [tuple(row) for row in all_cells(a.normals).tolist()] == expected


@pytest.mark.parametrize("X", small_matrices(24, seed=2, most=6))
def test_facets_are_the_inequalities_that_cannot_be_left_out(X):
    normals = arrange(X).normals
    cells = all_cells(normals)
    neighbours = {tuple(signs): row for signs, row in zip(cells, all_facets(cells), strict=True)}
    for signs, u in feasible_cells(normals):
        rows = np.array(signs)[:, None] * normals
        kept = set(facets(normals, np.array(signs, dtype=np.int8), u).tolist())
        for k, row in enumerate(rows):
            others = np.delete(rows, k, axis=0)
            b = np.zeros(len(others))
            lowest = linprog(row, -others, b, bounds=[(-1, 1)] * len(row)).fun
            assert (lowest < -1e-9) == neighbours[signs][k]
            assert k in kept or lowest >= -1e-9, "a facet is missing"


@pytest.mark.parametrize("r", [1, 2, 3])
def test_in_general_position_nothing_but_facets_is_kept(r):
    normals = arrange(np.random.default_rng(r).standard_normal((12, r))).normals
    cells = all_cells(normals)
    for signs, expected in zip(cells, all_facets(cells), strict=True):
        inside = linprog(
            np.r_[np.zeros(r), -1.0],
            np.hstack([-signs[:, None] * normals, np.ones((len(normals), 1))]),
            np.zeros(len(normals)),
            bounds=[(-1, 1)] * (r + 1),
        ).x[:r]
        assert facets(normals, signs, inside).tolist() == np.flatnonzero(expected).tolist()


@pytest.mark.parametrize(("n", "r", "cells"), [(5, 2, 10), (6, 3, 32), (8, 3, 58), (50, 3, 2452)])
def test_general_position_has_as_many_cells_as_cover_counts(n, r, cells):
    X = np.random.default_rng(n).standard_normal((n, r))
    assert len(all_cells(arrange(X).normals)) == count_cells(n, r) == cells


def test_four_points_on_a_line_with_bias_have_eight_cells():
    X = np.column_stack([[0.0, 1.0, 2.0, 5.0], np.ones(4)])
    assert len(all_cells(arrange(X).normals)) == 8


@pytest.mark.parametrize("X", small_matrices(40, seed=3))
def test_moving_inside_crosses_no_hyperplane(X):
    normals = arrange(X).normals
    for u in np.vstack([normals, np.eye(normals.shape[1])]):
        inside = move_inside(normals, u)
        height, before = normals @ inside, normals @ (u / np.linalg.norm(u))
        assert (np.abs(height) > 1e-9).all()
        clear = np.abs(before) > 1e-9
        assert (np.sign(height[clear]) == np.sign(before[clear])).all()
        assert len(signs_at(normals, inside)) == len(normals)


def test_duplicates_beyond_rounding_are_one_hyperplane():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200, 3))
    X = np.vstack([rows, rows / 3.0, -7.0 * rows])
    a = arrange(X)
    assert len(a.normals) == 200
    assert set(np.bincount(a.owner)) == {3}


def test_what_is_nearly_one_hyperplane_is_one_however_many_rows_it_has():
    """A pair for every two of a cluster would be more than there is memory for."""
    rng = np.random.default_rng(0)
    few = rng.standard_normal((3, 3))
    nearly = few[rng.integers(3, size=60_000)] + 1e-14 * rng.standard_normal((60_000, 3))
    a = arrange(rng.choice([-2.0, 1.0], 60_000)[:, None] * nearly)
    assert len(a.normals) == 3 and a.slack.max() < 1e-12
    apart = few[0] + 1e-11 * rng.standard_normal((50, 3))
    assert len(arrange(apart).normals) > 40

"""Pictures of how training works: cells, columns, zonotopes, the program, the bracket closing."""

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, QhullError

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.plots import (
    Balance,
    animate_bracket,
    cells_of,
    columns_at,
    follow_training,
    leaves_of,
    plot_balance,
    plot_cells,
    plot_columns,
    plot_leaves,
    plot_program,
    plot_zonotope,
    program_parts,
    save_figure,
    zonotopes_at,
)
from cvxnet.plots.sphere import angle_of, on_circle, place_of, unit_at
from cvxnet.training.geometry.arrangement import arrange, count_cells
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.geometry.counts import inner_points, number_of_cells

pytest.importorskip("matplotlib")

FIVE = np.array([[-1.0, 0.2], [0.3, -0.9], [0.9, 0.8], [-0.4, 1.0], [0.1, 0.1]])
grid_points = st.lists(st.tuples(*[st.integers(-2, 2)] * 2), min_size=1, max_size=5).map(
    lambda rows: np.array(rows, dtype=float)
)


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def patterns_by_linear_programs(X):
    """Which sides of a line the points can be on: a linear program for each guess."""
    n, rows = len(X), with_ones(X)
    found = []
    for sides in product([-1.0, 1.0], repeat=n):
        signed = -np.array(sides)[:, None] * rows
        result = linprog(np.zeros(3), A_ub=signed, b_ub=-np.ones(n), bounds=[(None, None)] * 3)
        if result.status == 0:
            found.append(tuple(side > 0.0 for side in sides))
    return set(found)


def lines_through(X):
    """Of the lines through two distinct points, on how many each is, by exact arithmetic."""
    points = sorted({(Fraction(a), Fraction(b)) for a, b in X.tolist()})
    lines = {}
    for (a, b), (c, d) in combinations(points, 2):
        direction = (Fraction(0), Fraction(1)) if a == c else (Fraction(1), (d - b) / (c - a))
        offset = a if a == c else b - direction[1] * a
        lines.setdefault((direction, offset), set()).update({(a, b), (c, d)})
    return len(points), [len(members) for members in lines.values()]


@given(grid_points)
@settings(max_examples=15)
def test_cells_are_the_ways_to_split_the_points(X):
    cells = cells_of(X)
    expected = patterns_by_linear_programs(X)
    assert {tuple(pattern) for pattern in cells.patterns.tolist()} == expected
    assert cells.count == len(expected) == len(cells.signs) <= cells.most
    for unit, pattern in zip(cells.units, cells.patterns, strict=True):
        assert np.array_equal(cells.active(unit), pattern)


@pytest.mark.parametrize(
    "X",
    [
        np.array([(i, j) for i in range(9) for j in range(6)], dtype=float),
        np.array([(i * i, i % 3) for i in range(40)], dtype=float),
        np.array([(i, 2 * i + 1) for i in range(8)], dtype=float),
    ],
    ids=["grid", "three lines", "one line"],
)
def test_points_on_lines_make_fewer_cells(X):
    """Each line through m points is a crossing of m circles, twice: 2 + 2 sum (m - 1) cells."""
    points, lines = lines_through(X)
    assert cells_of(X).count == 2 + 2 * sum(m - 1 for m in lines) < count_cells(points, 3)


def test_a_thousand_points_make_about_a_million_cells():
    X = np.random.default_rng(0).standard_normal((1000, 2))
    assert cells_of(X).count == cells_of(X).most == 2 * (1 + 999 + 999 * 998 // 2)
    assert cells_of(FIVE).count == 22


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_inner_points_are_inside(rank):
    normals = arrange(np.random.default_rng(rank).standard_normal((6, rank))).normals
    cells = all_cells(normals)
    assert number_of_cells(normals) == len(cells)
    assert np.array_equal(np.sign(inner_points(normals, cells) @ normals.T), cells)


def test_the_map_shows_every_unit_in_the_outline_of_its_cell():
    cells = cells_of(FIVE)
    for unit, pattern in zip(cells.units, cells.patterns, strict=True):
        angle, tilt = place_of(unit)
        low, high = cells.outline(pattern, np.array([angle]))
        assert low[0] < tilt < high[0]
        assert np.allclose(unit_at(angle, tilt), unit)
    U = np.random.default_rng(0).standard_normal((50, 2))
    assert np.allclose(on_circle(angle_of(U)) * np.linalg.norm(U, axis=1)[:, None], U)


def test_points_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="3 columns"):
        cells_of(np.zeros((2, 3)))
    many = cells_of(np.random.default_rng(0).standard_normal((13, 2)))
    assert many.count == many.most
    with pytest.raises(InputError, match="up to 12"):
        plot_cells(many.X)
    with pytest.raises(InputError, match="expected 3"):
        plot_cells(FIVE, unit=[1.0, 2.0])


@given(*[st.floats(0.05, 20.0)] * 3)
@settings(max_examples=40)
def test_no_scale_costs_less_than_the_product(hidden, output, scale):
    balance = Balance(hidden, output)
    assert balance.penalty(scale) >= balance.least * (1.0 - 1e-12)
    assert balance.penalty(balance.best) == pytest.approx(balance.least)
    u, a = balance.sizes(scale)
    X = np.linspace(-1.0, 1.0, 9)[:, None]
    nets = [
        Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False)) for _ in range(2)
    ]
    for net, (first, second) in zip(nets, [(u, a), (hidden, output)], strict=True):
        net.load_state_dict({"0.weight": [[float(first)]], "2.weight": [[float(second)]]})
    assert np.allclose(nets[0](X), nets[1](X))


def data(d, n=10, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.5, 1.5, (n, d))
    return X, np.sin(2.0 * X[:, 0]) * np.cos(X[:, -1]) + 0.1 * rng.standard_normal(n)


@pytest.fixture(scope="module", params=[(1, False), (1, True), (2, False), (2, True)])
def course(request):
    d, one_by_one = request.param
    options = {"weight_decay": 0.05 if d == 1 else 0.2, "one_by_one": one_by_one}
    return follow_training("relu", *data(d), **options)


def test_units_enter_until_nothing_pokes_out(course):
    solution, rounds = course.solution, course.rounds
    first, last = columns_at(solution, rounds[0]), columns_at(solution)
    assert solution.status == "optimal"
    assert first.poking_out.any() and not len(first.units)
    assert not last.poking_out.any() and last.largest <= 1.0 + 1e-4
    assert last.present == pytest.approx(-last.units.outputs, abs=1e-4)
    rng = np.random.default_rng(0)
    for at in (*rounds, None):
        columns = columns_at(solution, at)
        heights = columns.heights(rng.standard_normal((300, columns.rank)))
        assert np.abs(heights).max() <= columns.largest + 1e-9
        assert columns.entering_heights == pytest.approx(columns.heights(columns.entering))


def test_the_bracket_only_closes(course):
    lowers = [r.lower for r in course.rounds]
    uppers = [r.upper for r in course.rounds]
    assert lowers == sorted(lowers) and uppers == sorted(uppers, reverse=True)
    assert lowers[-1] <= course.solution.value <= uppers[-1] * (1.0 + 1e-9)


def test_one_by_one_no_round_adds_more_than_a_unit():
    X, y = data(2)
    slow = follow_training("relu", X, y, weight_decay=0.2, one_by_one=True)
    assert all(r.units <= k for k, r in enumerate(slow.rounds))
    fast = cn.train("relu", X, y, weight_decay=0.2)
    assert slow.solution.value == pytest.approx(fast.value, rel=1e-5)


def test_curves_and_maps_show_what_is_priced():
    X, y = data(1)
    course = follow_training("relu", X, y, weight_decay=0.05, one_by_one=True)
    for at in course.rounds:
        columns = columns_at(course.solution, at)
        angles, heights = columns.around()
        assert max(np.abs(heights).max(), 1.0) == pytest.approx(columns.largest, rel=1e-9)
        assert heights == pytest.approx(columns.heights(on_circle(angles)))
    X, y = data(2)
    columns = columns_at(follow_training("relu", X, y, weight_decay=0.2).solution)
    angles, tilts, heights = columns.over_map(7, 5)
    assert heights.shape == (5, 7)
    assert columns.heights(unit_at(angles[2], tilts[1])[None])[0] == pytest.approx(heights[1, 2])


def test_columns_that_cannot_be_drawn_are_refused():
    X, y = data(1)
    for units, bias in (("linear", True), ("relu", False)):
        with pytest.raises(UnsupportedError, match="columns are drawn"):
            columns_at(cn.train(units, X, y, weight_decay=0.2, bias=bias))
    with pytest.raises(UnsupportedError, match="zonotopes are drawn"):
        zonotopes_at(cn.train("abs", X, y, weight_decay=0.2))
    with pytest.raises(UnsupportedError, match="one output"):
        follow_training("relu", X, np.column_stack([y, y]), weight_decay=0.2)
    with pytest.raises(InputError, match="rounds is empty"):
        animate_bracket(cn.train("relu", X, y, weight_decay=0.2), [])


def distance_to_polygon(points, polygon):
    """The distance of each point to a convex polygon that is given in order."""
    if len(polygon) < 3:
        sides = [(polygon[0], polygon[-1])]
    else:
        sides = list(zip(polygon, np.roll(polygon, -1, axis=0), strict=True))
    found = []
    for p in points:
        steps = []
        for a, b in sides:
            share = (p - a) @ (b - a) / max((b - a) @ (b - a), 1e-300)
            steps.append(np.linalg.norm(p - a - np.clip(share, 0.0, 1.0) * (b - a)))
        turns = [(b - a)[0] * (p - a)[1] - (b - a)[1] * (p - a)[0] for a, b in sides]
        inside = len(polygon) > 2 and (min(turns) >= 0.0 or max(turns) <= 0.0)
        found.append(0.0 if inside else min(steps))
    return np.array(found)


def test_rho_is_the_distance_of_the_zonotopes():
    X, y = data(1, n=7)
    course = follow_training("relu", X, y, weight_decay=0.05, one_by_one=True)
    for at in course.rounds:
        pair = zonotopes_at(course.solution, at)
        apart = max(
            distance_to_polygon(pair.above, pair.below).max(),
            distance_to_polygon(pair.below, pair.above).max(),
        )
        assert max(apart / 0.05, 1.0) == pytest.approx(pair.columns.largest, rel=1e-4)
        for U, heights in (
            (pair.columns.entering, pair.columns.entering_heights),
            (pair.columns.units.weights, pair.columns.present),
        ):
            tips, ends = pair.stretches(U)
            lengths = np.linalg.norm(tips - ends, axis=1)
            assert lengths == pytest.approx(0.05 * np.abs(heights))


def test_zonotopes_are_the_hulls_of_all_sums():
    X, y = data(1, n=8)
    course = follow_training("relu", X, y, weight_decay=0.1, one_by_one=True)
    for at in course.rounds:
        pair = zonotopes_at(course.solution, at)
        for polygon, part in ((pair.above, 1.0), (pair.below, -1.0)):
            generators = np.maximum(part * at.dual, 0.0)[:, None] * with_ones(X)
            generators = generators[generators.any(axis=1)]
            sums = np.array(list(product([0.0, 1.0], repeat=len(generators)))) @ generators
            try:
                corners = sums[ConvexHull(sums).vertices]
            except (QhullError, ValueError):
                continue  # flat
            near = np.abs(polygon[:, None] - corners[None]).max(axis=2) < 1e-9
            assert near.any(axis=0).all() and near.any(axis=1).all()


def test_the_program_has_a_piece_for_each_cell_and_sign():
    y = np.array([1.0, -1.0, 0.5, 0.0, 1.0])
    program = cn.program("relu", FIVE, y, weight_decay=0.1)
    parts, cells = program_parts(program), cells_of(FIVE)
    active = {tuple(p) for p in cells.patterns.tolist() if any(p)}
    for sign in (1.0, -1.0):
        own = [piece for piece in parts.pieces if piece.sign == sign]
        assert {tuple(piece.active.tolist()) for piece in own} == active
        assert len(own) == len(active)
    sizes = program.size_metrics
    assert sum(parts.variables.values()) == sizes.num_scalar_variables
    assert len(parts.equations) == sizes.num_scalar_eq_constr
    assert len(parts.inequalities) == sizes.num_scalar_leq_constr
    assert sum(len(piece.facets) for piece in parts.pieces) == len(parts.inequalities)
    rows = with_ones(FIVE)
    for piece in parts.pieces:
        assert np.allclose(piece.matrix, piece.sign * piece.active[:, None] * rows)
        side = np.where(piece.active, 1.0, -1.0)[piece.samples, None]
        lengths = np.linalg.norm(rows[piece.samples], axis=1)[:, None]
        assert np.allclose(piece.facets, side * rows[piece.samples] / lengths)
    program.solve(solver="CLARABEL")
    assert program.value == pytest.approx(cn.train("relu", FIVE, y, weight_decay=0.1).value)


def test_other_programs_are_refused():
    X, y = data(1)
    with pytest.raises(InputError, match=r"cvxnet\.program returned"):
        program_parts("a program")
    with pytest.raises(UnsupportedError, match="taken apart"):
        program_parts(cn.program("linear", X, y, weight_decay=0.1))
    with pytest.raises(UnsupportedError, match="taken apart"):
        program_parts(cn.program("relu", X, y, weight_decay=0.1, output_bias=True))
    with pytest.raises(InputError, match="up to 400"):
        plot_program(cn.program("relu", data(2)[0], y, weight_decay=0.1))


def test_leaves_cover_all_networks_of_the_width_and_are_what_the_tree_says():
    x, y = np.arange(-2.0, 3.0)[:, None], np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    solution = cn.train("relu", x, y, weight_decay=0.1, width=2)
    leaves = leaves_of(solution)
    assert leaves.bounds.min() >= solution.lower_bound * (1.0 - 1e-9)
    places = np.random.default_rng(0).integers(len(leaves.angles), size=(50, 2))
    for pair in places:
        for signs in ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)):
            both = list(zip(signs, pair, strict=True))
            assert any(
                all(s in regions and regions[s][k] for s, k in both) for regions in leaves.regions
            )
    for heights, regions in zip(leaves.heights, leaves.regions, strict=True):
        assert all((-s * heights[inside]).max() <= 1.0 + 1e-9 for s, inside in regions.items())
    assert plot_leaves(solution).axes[1].get_title(loc="left") == "Their bounds"
    for asked in ({}, {"width": 4}):
        with pytest.raises(UnsupportedError, match="no tree"):
            leaves_of(cn.train("relu", x, y, weight_decay=0.1, **asked))


def test_pictures_are_written(tmp_path):
    X, y = data(1, n=6)
    solution = cn.train("relu", X, y, weight_decay=0.2)
    figures = {
        "cells": plot_cells(FIVE, unit=[1.0, 0.5, 0.2]),
        "balance": plot_balance(4.0, 1.0),
        "columns": plot_columns(solution),
        "zonotope": plot_zonotope(solution),
        "program": plot_program(cn.program("relu", X[:4], y[:4], weight_decay=0.1)),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").read_text().count("<text") > 3


@pytest.mark.parametrize("d", [1, 2])
def test_a_film_has_a_frame_for_each_round(tmp_path, d):
    course = follow_training("relu", *data(d, n=6), weight_decay=0.2, one_by_one=True)
    film = animate_bracket(course.solution, course.rounds)
    assert len(film) == len(course.rounds) > 2
    assert "Nothing pokes out" in film.draw(-1).axes[1].get_title(loc="left")
    assert "A unit pokes out" in film.draw(0).axes[1].get_title(loc="left")
    if d == 2:
        return
    film = animate_bracket(course.solution, course.rounds[:2])
    files = film.save(tmp_path / "film.svg")
    assert [file.name for file in files] == [f"film-{k:02}.svg" for k in range(len(film))]
    save_figure(film.draw(1), tmp_path / "again.svg")
    assert files[1].read_bytes() == (tmp_path / "again.svg").read_bytes() != files[0].read_bytes()
    (gif,) = film.save(tmp_path / "film.gif")
    assert gif.read_bytes()[:6] == b"GIF89a"

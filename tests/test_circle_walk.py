"""Pricing of one and two dimensions by sorting: against every unit, the sweep and subdivision."""

import numpy as np
import pytest
from sweep import sweep_sphere

from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.pricing.circle_walk import walk_circle
from cvxnet.training.pricing.cone_search import LEAST
from cvxnet.training.pricing.subdivision import subdivide
from cvxnet.training.units.piecewise_linear import AbsUnits, LeakyReLUUnits, ReLUUnits


def data_of(kind, n, rng):
    """Random points of the plane, points of a grid with ties, a pencil, nearly parallel rows."""
    if kind == "grid":
        return rng.integers(-2, 3, (n, 2)).astype(float)
    if kind == "zeros":
        return rng.integers(0, 2, (n, 1)) * rng.standard_normal((n, 2))
    if kind == "parallel":
        directions = rng.standard_normal((3, 2))
        return rng.standard_normal((n, 1)) * directions[rng.integers(0, 3, n)]
    if kind == "close":
        return np.array([1.0, 2.0]) + 1e-9 * rng.standard_normal((n, 2))
    return rng.standard_normal((n, 2))


KINDS = ["random", "grid", "zeros", "parallel", "close"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", [ReLUUnits, AbsUnits, LeakyReLUUnits])
@pytest.mark.parametrize("n", [1, 3, 20, 200])
def test_no_unit_is_above_the_maximum_and_maxima_are_where_they_are_said_to_be(kind, units, n):
    rng = np.random.default_rng(n)
    family = units(data_of(kind, n, rng) if n > 1 else np.array([[3.0, 4.0]]))
    v = rng.standard_normal(n)
    found = family.price(v, 0.0)
    if not family.rank:
        return
    angles = np.linspace(0.0, 2.0 * np.pi, 20_001)
    U = np.column_stack([np.cos(angles), np.sin(angles)])[:, : family.rank]
    values = np.abs(v @ family.features(U))
    assert values.max() <= found.rho + found.error
    if len(found.values):
        assert values.max() >= found.rho * (1.0 - 1e-3)
        at = found.outputs * (v @ family.features(found.units))
        np.testing.assert_allclose(at, found.values, atol=10 * found.error)
        np.testing.assert_allclose(np.linalg.norm(found.units, axis=1), 1.0)


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sides", [(1.0, -1.0), (1.0,), (-1.0,)])
def test_the_local_maxima_are_those_of_subdivision_and_of_the_sweep(kind, seed, sides):
    rng = np.random.default_rng(seed)
    normals = arrange(data_of(kind, 40, rng)).normals
    plus, minus = rng.standard_normal((2, len(normals)))
    walked = walk_circle(normals, plus, minus, sides=sides)
    divided = subdivide(normals, plus, minus, sides=sides)
    swept = sweep_sphere(normals, plus, minus, 1e-12, 1e-12)
    swept = swept[np.isin(swept[:, -1], sides)]
    swept = swept[swept[:, 0] > LEAST * swept[:, 0].max(initial=0.0)]
    for other in (np.column_stack([divided.values, divided.units, divided.outputs]), swept):
        mine = np.column_stack([walked.values, walked.units, walked.outputs])
        np.testing.assert_allclose(in_order(mine), in_order(other), atol=1e-9)


def in_order(maxima):
    """By value, and where these are equal by place."""
    return maxima[np.lexsort([*maxima[:, 1:].round(6).T, maxima[:, 0].round(9)])]


@pytest.mark.parametrize("slopes", [(1.0, 0.0), (1.0, -0.5), (-2.0, 3.0)])
def test_in_one_dimension_both_units_are_looked_at(slopes):
    plus, minus = np.array([slopes[0]]), np.array([slopes[1]])
    found = walk_circle(np.ones((1, 1)), plus, minus)
    assert found.rho == max(map(abs, slopes))
    for value, u, side in zip(found.values, found.units[:, 0], found.outputs, strict=True):
        assert value == side * slopes[0 if u > 0 else 1]
    assert walk_circle(np.ones((1, 1)), plus, minus, floor=5.0).rho == 5.0


def test_zero_rows_and_zero_vectors_leave_nothing():
    family = ReLUUnits(np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 1.0]]))
    found = family.price(np.array([0.0, 7.0, 0.0]), 0.25)
    assert (found.rho, len(found.values)) == (0.25, 0)
    assert np.isfinite(found.error)


def test_a_million_points_take_memory_of_their_size(monkeypatch):
    """Counted on 20,000 by what numpy is asked for: no array of more than some numbers each."""
    n, largest = 20_000, [0]
    rng = np.random.default_rng(0)
    normals = arrange(rng.standard_normal((n, 2))).normals
    for name in ("vstack", "column_stack", "cumsum", "where", "tile"):
        monkeypatch.setattr(np, name, counted(getattr(np, name), largest))
    walk_circle(normals, rng.standard_normal(n), np.zeros(n))
    assert n < largest[0] <= 4 * n


def counted(function, largest):
    """The function, which writes down the size of the largest array that it has made."""

    def wrapped(*args, **kwargs):
        made = function(*args, **kwargs)
        largest[0] = max(largest[0], made.size)
        return made

    return wrapped

"""Small sets of points in a square, drawn anew from each seed: for teaching and trying out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.types import Array

Drawn = tuple[Array, NDArray[Any]]
"""X (n, d) and y (n,)."""
Draw = Callable[[int, np.random.Generator], Drawn]
EDGE = 1.2
"""All coordinates are within +-EDGE."""
MOST = 10_000
NOISE = 0.1


@dataclass(frozen=True)
class PointSet:
    """A kind of set.

    Attributes
    ----------
    title : str
    kind : str
        ``"classes"``: y is the number of a class; ``"values"``: y is a value over two features;
        ``"curve"``: y is a value over one.
    draw : callable
        Takes n and a generator.
    """

    title: str
    kind: str
    draw: Draw


def scattered(places: Array, rng: np.random.Generator, noise: float = NOISE) -> Array:
    """Places moved by normal noise, within the square."""
    return np.clip(places + noise * rng.standard_normal(places.shape), -EDGE, EDGE)


def turns(n: int, classes: int) -> NDArray[np.int64]:
    """Class after class in turn, (n,), so that each has its share."""
    return np.asarray(np.arange(n) % classes)


def on_circle(angle: Array, radius: Array) -> Array:
    """Points in polar coordinates, (n, 2)."""
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def moons(n: int, rng: np.random.Generator) -> Drawn:
    """Two half circles that reach into one another."""
    y, angle = turns(n, 2), np.pi * rng.random(n)
    upper = on_circle(angle, np.full(n, 0.65)) - np.array([0.3, 0.15])
    return scattered(np.where(y[:, None] == 0, upper, -upper), rng, 0.08), y


def xor(n: int, rng: np.random.Generator) -> Drawn:
    """Four quarters, opposite ones alike."""
    places = rng.uniform(0.12, 1.0, (n, 2)) * rng.choice([-1.0, 1.0], (n, 2))
    return places, (places.prod(axis=1) < 0.0).astype(int)


def rings(n: int, rng: np.random.Generator) -> Drawn:
    """A ring around a disc."""
    y = turns(n, 2)
    radius = np.where(y == 0, 0.4 * np.sqrt(rng.random(n)), 0.85)
    return scattered(on_circle(2.0 * np.pi * rng.random(n), radius), rng, 0.07), y


def spiral(n: int, rng: np.random.Generator) -> Drawn:
    """Two arms around one another, one and a half times."""
    y, way = turns(n, 2), np.sqrt(rng.uniform(0.02, 1.0, n))
    return scattered(on_circle(3.0 * np.pi * way + np.pi * y, way), rng, 0.03), y


def two_lines(n: int, rng: np.random.Generator) -> Drawn:
    """Two parallel lines."""
    y, along = turns(n, 2), rng.uniform(-0.9, 0.9, n)
    return scattered(np.column_stack([along, 0.3 * along + 0.5 * y - 0.25]), rng, 0.05), y


def blobs(n: int, rng: np.random.Generator) -> Drawn:
    """Three clouds."""
    y = turns(n, 3)
    angle = np.pi * (2.0 * y.astype(np.float64) / 3.0 + 0.5)
    centers = on_circle(angle, np.full(n, 0.6))
    return scattered(centers, rng, 0.22), y


def waves(n: int, rng: np.random.Generator) -> Drawn:
    """A product of two waves, with noise."""
    X = rng.uniform(-1.0, 1.0, (n, 2))
    return X, scattered(0.8 * np.sin(2.5 * X[:, 0]) * np.cos(2.5 * X[:, 1]), rng, 0.05)


def bowl(n: int, rng: np.random.Generator) -> Drawn:
    """A convex function, with noise."""
    X = rng.uniform(-1.0, 1.0, (n, 2))
    return X, scattered((X**2).sum(axis=1) - 0.8, rng, 0.05)


def along(n: int, rng: np.random.Generator) -> Array:
    """Places on a line, spread evenly but for chance."""
    return (2.0 * (np.arange(n) + rng.random(n)) / n - 1.0)[:, None]


def sine(n: int, rng: np.random.Generator) -> Drawn:
    """A wave, with noise."""
    X = along(n, rng)
    return X, scattered(0.8 * np.sin(4.0 * X[:, 0]), rng)


def step(n: int, rng: np.random.Generator) -> Drawn:
    """A step, with noise."""
    X = along(n, rng)
    return X, scattered(np.where(X[:, 0] > 0.1, 0.6, -0.6), rng)


def hat(n: int, rng: np.random.Generator) -> Drawn:
    """A corner up and two corners down, with noise."""
    X = along(n, rng)
    return X, scattered(np.maximum(0.9 - 2.5 * np.abs(X[:, 0]), -0.5), rng, 0.05)


POINT_SETS: dict[str, PointSet] = {
    "moons": PointSet("two moons", "classes", moons),
    "xor": PointSet("XOR", "classes", xor),
    "rings": PointSet("rings", "classes", rings),
    "spiral": PointSet("spiral", "classes", spiral),
    "lines": PointSet("two lines", "classes", two_lines),
    "blobs": PointSet("three blobs", "classes", blobs),
    "waves": PointSet("waves", "values", waves),
    "bowl": PointSet("bowl", "values", bowl),
    "sine": PointSet("sine", "curve", sine),
    "step": PointSet("step", "curve", step),
    "hat": PointSet("hat", "curve", hat),
}
"""The sets by name."""


def point_set(name: str, n: int, seed: int = 0) -> Drawn:
    """A set of points within the square from -1.2 to 1.2; the same seed draws the same ones.

    Parameters
    ----------
    name : str
        One of `POINT_SETS`.
    n : int
        How many.
    seed : int

    Returns
    -------
    X : (n, d) array
        Two features; one of curves.
    y : (n,) array
        Numbers of classes from 0 on, or values.

    Raises
    ------
    InputError
        For an unknown name, with the names that there are, and for a number that is none.

    Examples
    --------
    >>> X, y = point_set("blobs", 6)
    >>> X.shape, y.tolist()
    ((6, 2), [0, 1, 2, 0, 1, 2])
    """
    if name not in POINT_SETS:
        raise InputError(f"unknown set {name!r}; known: {', '.join(POINT_SETS)}.")
    if check_positive(n, "n", "") > MOST:
        raise InputError(f"n is {n}; at most {MOST} points are drawn.")
    return POINT_SETS[name].draw(int(n), np.random.default_rng(seed))

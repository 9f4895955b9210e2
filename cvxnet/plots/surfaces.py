"""A function of two numbers as a surface: from above, in space, and with a line through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.data.validation import as_floats, check_finite
from cvxnet.errors import InputError
from cvxnet.plots.slices import said, slice_between
from cvxnet.plots.style import (
    INK,
    SMALL,
    WIDTH,
    check_names,
    color_scale,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

MOST = 2000
"""Points a side of a surface that make sense."""
LEVELS = 14
"""Contour lines."""
LIFTED = 0.01
"""The line through the surface lies so far above it that it is seen, relative to its height."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Surface:
    """A function of two numbers on an even grid.

    Attributes
    ----------
    x, y : (k,) arrays
        The grid, of the first and of the second number.
    values : (k, k) array
        The function: a row for each entry of y, a column for each of x.
    function : callable
        Of rows (m, 2), with (m,) values.

    Examples
    --------
    >>> saddle = surface_over(lambda rows: rows[:, 0] * rows[:, 1], points=3)
    >>> saddle.values.tolist()
    [[1.0, -0.0, -1.0], [-0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]]
    >>> saddle
    <Surface: 3 x 3 values from -1 to 1>
    """

    x: Array
    y: Array
    values: Array
    function: Callable[[Array], Array]

    def __repr__(self) -> str:
        low, high = self.values.min(), self.values.max()
        return f"<Surface: {len(self.x)} x {len(self.y)} values from {low:.4g} to {high:.4g}>"


def surface_over(
    function: Callable[[Array], Array],
    x: Sequence[float] = (-1.0, 1.0),
    y: Sequence[float] = (-1.0, 1.0),
    *,
    points: int = 61,
) -> Surface:
    """A function of two numbers over a rectangle.

    Parameters
    ----------
    function : callable
        Of rows (m, 2), with (m,) finite values.
    x, y : pairs of float
        The range of the first and of the second number.
    points : int
        How many along each side.

    Returns
    -------
    Surface

    Raises
    ------
    InputError
        For ranges that are none, and where the function has no finite value.

    Examples
    --------
    >>> surface_over(lambda rows: np.maximum(rows, 0.0).sum(axis=1), (-2, 2), (-2, 2), points=5)
    <Surface: 5 x 5 values from 0 to 4>
    """
    if not (isinstance(points, int) and 2 <= points <= MOST):
        raise InputError(f"points is {points!r}; expected a whole number from 2 to {MOST:,}.")
    ends = check_range(x, "x"), check_range(y, "y")
    sides = [np.linspace(low, high, points) for low, high in ends]
    A, B = np.meshgrid(*sides)
    values = as_floats(function(np.column_stack([A.ravel(), B.ravel()])), "the values")
    if values.shape != (A.size,):
        raise InputError(f"the function has values of shape {values.shape} for {A.size} points.")
    check_finite(values, "the values")
    return Surface(x=sides[0], y=sides[1], values=values.reshape(A.shape), function=function)


def check_range(side: Sequence[float], name: str) -> Array:
    """Two finite numbers, the smaller first."""
    found = as_floats(side, name)
    if found.shape != (2,) or not np.isfinite(found).all() or found[0] >= found[1]:
        raise InputError(f"{name} is {side!r}; expected a range, two finite numbers that rise.")
    return found


def plot_surface(
    surface: Surface, names: Sequence[str] = ("x", "y"), *, a: Any = None, b: Any = None
) -> Figure:
    """Draw a function of two numbers: from above, in space, and along the line from a to b.

    Parameters
    ----------
    surface : Surface
        From `surface_over`.
    names : pair of str
        What the two numbers are called.
    a, b : (2,) arrays, optional
        The ends of a line. With them the slice between them is drawn, too.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    InputError
        For another number of names than two.
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> saddle = surface_over(lambda rows: rows[:, 0] * rows[:, 1], (-3, 3), (-3, 3))
    >>> figure = plot_surface(saddle, ("w1", "w2"), a=(0.0, 2.0), b=(2.0, 0.0))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title(loc="left")
    ('w1', 'The midpoint is 1 above the chord')
    """
    names = check_names(names, 2)
    line = None if a is None or b is None else line_over(a, b)
    with styled():
        figure = new_figure(WIDTH, 5.2)
        flat = figure.add_subplot(1, 2, 1)
        solid = figure.add_subplot(1, 2, 2, projection="3d")
        colors = color_scale(float(surface.values.min()), float(surface.values.max()))
        look: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
        flat.contourf(surface.x, surface.y, surface.values, LEVELS, **look)
        flat.contour(
            surface.x, surface.y, surface.values, LEVELS, colors=INK, linewidths=0.5, alpha=0.6
        )
        figure.colorbar(colors, ax=flat, pad=0.02, aspect=30)
        flat.set(xlabel=names[0], ylabel=names[1])
        draw_solid(solid, surface, colors, names)
        if line is not None:
            found = slice_between(surface.function, line[0], line[-1])
            draw_line(flat, solid, surface, line)
            entitle(flat, said(found))
        head(figure, "A function of two numbers, from above and in space")
    return figure


def line_over(a: Any, b: Any) -> Array:
    """Points from a to b, (k, 2)."""
    first, last = as_floats(a, "a"), as_floats(b, "b")
    if first.shape != (2,) or last.shape != (2,):
        raise InputError(f"a is {a!r} and b is {b!r}; expected two numbers each.")
    return np.linspace(first, last, 101)


def draw_solid(axes: Any, surface: Surface, colors: Any, names: list[str]) -> None:
    """The surface in space."""
    A, B = np.meshgrid(surface.x, surface.y)
    look = {"rcount": 60, "ccount": 60, "linewidth": 0, "antialiased": False, "alpha": 0.85}
    shades = colors.to_rgba(surface.values)
    solid = axes.plot_surface(A, B, surface.values, facecolors=shades, **look)
    solid.set_rasterized(True)  # as shapes its facets make large files
    axes.set_xlabel(names[0], fontsize=SMALL)
    axes.set_ylabel(names[1], fontsize=SMALL)
    axes.tick_params(labelsize=8.5, pad=0)
    axes.locator_params(nbins=4)
    axes.view_init(elev=28, azim=-120)
    axes.set_box_aspect(None, zoom=0.9)


def draw_line(flat: Axes, solid: Any, surface: Surface, line: Array) -> None:
    """The line from a to b on the map, and above it the function and its chord in space."""
    flat.plot(*line.T, color=INK, linewidth=1.8)
    marks = line[[0, len(line) // 2, -1]]
    for (x, y), text, face in zip(marks, ("a", "midpoint", "b"), (INK, "white", INK), strict=True):
        flat.plot([x], [y], "o", markerfacecolor=face, markeredgecolor=INK, markersize=8.0)
        flat.annotate(text, (x, y), xytext=(7, 7), textcoords="offset points")
    heights = surface.function(line)
    lift = LIFTED * float(np.ptp(surface.values))
    solid.plot(*line.T, heights + lift, color=INK, linewidth=2.0, zorder=5)
    ends = line[[0, -1]]
    solid.plot(*ends.T, heights[[0, -1]] + lift, color=INK, linewidth=1.2, linestyle="--", zorder=5)

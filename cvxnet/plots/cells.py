"""The cells that points of the plane cut the units into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.validation import check_matrix
from cvxnet.errors import InputError
from cvxnet.plots.canvas import Range, draw_lines, segments
from cvxnet.plots.sphere import label_map, place_of
from cvxnet.plots.style import BLUE, GREY, INK, RED, entitle, head, new_figure, styled
from cvxnet.training.geometry.arrangement import Arrangement, arrange, count_cells
from cvxnet.training.geometry.cells import Signs, all_cells
from cvxnet.training.geometry.counts import inner_points, number_of_cells
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

LISTED = 12
"""With more points cells are counted, not listed."""
NAMED = 6
"""With more points the cells are too small for numbers."""
ROOM = 0.35
"""Around the points, relative to their range."""
DARK = 0.6
"""How much of its color the place has where all points are active."""


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
    """Units ``(w, b)`` over the plane, by the points on which they are active: ``w.x + b > 0``.

    Attributes
    ----------
    X : (n, 2) array
        The points.
    arrangement : Arrangement
        The hyperplanes ``w.x + b = 0`` in the space of the units, one for each distinct point.

    Examples
    --------
    >>> cells = cells_of([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> cells.count, cells.patterns[0].tolist()
    (8, [False, False, False])
    """

    X: Array
    arrangement: Arrangement

    def __repr__(self) -> str:
        return f"<Cells: {self.count} of {len(self.X)} points>"

    @cached_property
    def count(self) -> int:
        """How many cells these points really make."""
        return number_of_cells(self.arrangement.normals)

    @property
    def most(self) -> int:
        """How many so many points make where no three are on a line (Cover 1965)."""
        return count_cells(len(self.X), 3)

    @property
    def is_listed(self) -> bool:
        """Whether there are few enough to list."""
        return len(self.X) <= LISTED

    @cached_property
    def signs(self) -> Signs:
        """The signs at the normals of each cell, (count, h)."""
        if not self.is_listed:
            raise InputError(f"cells are listed for up to {LISTED} points; here are {len(self.X)}.")
        return all_cells(self.arrangement.normals)

    @property
    def patterns(self) -> NDArray[np.bool_]:
        """On which points the units of each cell are active, (count, n)."""
        return np.asarray(self.arrangement.row_sides(self.signs) > 0)

    @cached_property
    def units(self) -> Array:
        """A unit ``(w, b)`` of length one well inside each cell, (count, 3)."""
        inner = inner_points(self.arrangement.normals, self.signs)
        return np.asarray(inner @ self.arrangement.basis.T)

    def active(self, unit: Array) -> NDArray[np.bool_]:
        """On which points a unit (3,) is active, (n,)."""
        return np.asarray(self.X @ unit[:2] + unit[2] > 0.0)

    def borders(self, angles: Array) -> Array:
        """The tilt at which units that rise at an angle (k,) reach each point, (n, k); degrees."""
        a = np.deg2rad(angles)
        return np.asarray(np.rad2deg(np.arctan(self.X @ np.vstack([np.cos(a), np.sin(a)]))))

    def outline(self, active: NDArray[np.bool_], angles: Array) -> tuple[Array, Array]:
        """The least and the largest tilt in the cell of a pattern at each angle (k,).

        Where the cell has no unit at that angle the first is not below the second.
        """
        borders = self.borders(angles)
        low = borders[~active].max(axis=0, initial=-90.0)
        return low, borders[active].min(axis=0, initial=90.0)


def cells_of(X: Any) -> Cells:
    """The cells of points of the plane.

    Parameters
    ----------
    X : (n, 2) array
        The points.

    Returns
    -------
    Cells

    Raises
    ------
    InputError
        For something else than points of the plane.

    Examples
    --------
    >>> square = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]]
    >>> cells_of(square).count, cells_of(square).most
    (18, 22)
    """
    X = check_matrix(X)
    if X.shape[1] != 2:
        raise InputError(f"X has {X.shape[1]} columns; cells are drawn of points of the plane.")
    return Cells(X, arrange(np.column_stack([X, np.ones(len(X))])))


def plot_cells(X: Any, unit: Any = None) -> Figure:
    """Draw points of the plane, and the cells into which they cut the ReLU units.

    Left: the points, with a kink line for each way to split them. Right: all units on a map. Each
    point draws a curve, on which it is on the kink; below the curve the unit is active on it. The
    curves cut the map into the cells. On up to six points each says on how many points it is
    active. On a cell the predictions of a unit are linear in its weights.

    Parameters
    ----------
    X : (n, 2) array
        Up to 12 points.
    unit : (3,) array, optional
        Weights and bias of a unit to be shown with its cell.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    InputError
        For other points or too many of them, or another unit.
    MissingExtraError
        Where matplotlib is not installed.

    Notes
    -----
    n points of which no three are on a line make ``2 (C(n-1, 0) + C(n-1, 1) + C(n-1, 2))`` cells.

    Examples
    --------
    >>> X = [[-1.0, 0.2], [0.3, -0.9], [0.9, 0.8], [-0.4, 1.0], [0.1, 0.1]]
    >>> plot_cells(X, unit=[1.0, 0.5, 0.2]).axes[1].get_title(loc="left")
    '22 cells of units'
    """
    cells = cells_of(X)
    chosen = None if unit is None else check_unit(unit)
    lines = split_lines(cells)
    with styled():
        figure = new_figure(12.0, 5.2)
        plane, sphere = figure.subplots(1, 2, width_ratios=[1.0, 1.3])
        draw_plane(plane, cells, lines, chosen)
        draw_sphere(sphere, cells, chosen)
        n, alike = len(cells.X), "" if cells.count == cells.most else f" (at most {cells.most})"
        head(
            figure,
            f"{n} points cut the units into {cells.count} cells{alike}",
            [
                "Right: each place is a unit, by its direction and its kink; each curve is a point "
                "of the plane, and units below it are active there: the darker, the more points."
            ],
        )
    return figure


def check_unit(unit: Any) -> Array:
    """Weights and bias of a unit over the plane."""
    given = check_matrix([unit])[0]
    if given.shape != (3,):
        raise InputError(f"unit has {len(given)} numbers; expected 3: two weights and the bias.")
    return given


def split_lines(cells: Cells) -> Array:
    """A unit for each pair of opposite cells that splits the points, (k, 3)."""
    counts = cells.patterns.sum(axis=1)
    return cells.units[cells.patterns[:, 0] & (counts < len(cells.X))]


def box_around(X: Array) -> list[Range]:
    """What is shown of the plane: both axes have one scale."""
    middle, size = (X.min(axis=0) + X.max(axis=0)) / 2.0, float(np.ptp(X, axis=0).max()) or 1.0
    reach = size * (0.5 + ROOM)
    return [(float(m - reach), float(m + reach)) for m in middle]


def draw_plane(axes: Axes, cells: Cells, lines: Array, unit: Array | None) -> None:
    """The points, the lines that split them, and the unit."""
    box = box_around(cells.X)
    axes.set(xlim=box[0], ylim=box[1], xlabel="feature 0", ylabel="feature 1")
    axes.set_aspect("equal")
    draw_lines(axes, segments(lines[:, :2], lines[:, 2], box), colors=GREY, linewidths=0.9)
    active = np.ones(len(cells.X), dtype=bool)
    if unit is not None:
        active = cells.active(unit)
        own = segments(unit[None, :2], unit[None, 2], box)
        draw_lines(axes, own, colors=RED, linewidths=2.4)
        axes.quiver(*foot(unit), *(unit[:2] / np.linalg.norm(unit[:2])), color=RED, zorder=4)
    look: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 9.0, "zorder": 5}
    for side, fill in ((active, INK), (~active, "white")):
        axes.plot(*cells.X[side].T, markerfacecolor=fill, markeredgecolor=INK, **look)
    for k, x in enumerate(cells.X):
        axes.annotate(str(k + 1), x, (7, 5), textcoords="offset points", fontsize=10.0)
    entitle(axes, f"{len(lines)} lines: all ways to split the points")


def foot(unit: Array) -> Array:
    """The point of the kink line nearest to the origin."""
    return np.asarray(-unit[2] * unit[:2] / (unit[:2] @ unit[:2]))


def draw_sphere(axes: Axes, cells: Cells, unit: Array | None) -> None:
    """The map of units: a curve for each point, and the cell of the unit."""
    angles = np.linspace(-180.0, 180.0, 361)
    borders = cells.borders(angles)
    share = 1.0 - (1.0 - DARK) ** (1.0 / len(borders))
    label_map(axes)
    for k, border in enumerate(borders):
        axes.fill_between(angles, -90.0, border, color=BLUE, alpha=share, linewidth=0.0)
        axes.plot(angles, border, color=INK, linewidth=1.1)
        top = int(np.argmax(border))
        at = angles[top], border[top]
        axes.annotate(str(k + 1), at, (0, 3), textcoords="offset points", ha="center", fontsize=9.0)
    if unit is not None:
        low, high = cells.outline(cells.active(unit), angles)
        axes.fill_between(
            angles, low, high, where=low < high, facecolor="none", edgecolor=RED, lw=3
        )
        axes.plot(*place_of(unit), "o", color=RED, markersize=8.0, markeredgecolor="white")
    if len(cells.X) <= NAMED:
        places = np.transpose(place_of(cells.units)).tolist()
        for (angle, tilt), pattern in zip(places, cells.patterns, strict=True):
            axes.text(angle, tilt, str(pattern.sum()), fontsize=8.0, ha="center", va="center")
    entitle(axes, f"{cells.count} cells of units")

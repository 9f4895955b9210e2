"""Pricing in the plane: the Hausdorff distance of two zonotopes.

Split ``v.phi_u(X) = sum_i v_i (x_i.u)_+`` by the signs of v. Each half is the support function of
a zonotope, the sum of the segments from 0 to ``|v_i| x_i``: ``(x_i.u)_+`` is the larger of 0 and
``x_i.u``. So

    v . phi_u(X) = h_P(u) - h_N(u),     P = sum of [0, v_i x_i] over v_i > 0,  N = over v_i < 0,

and ``rho(v)``, its largest absolute value over ``|u| = 1``, is the Hausdorff distance of P and N:
how far the vertex ``X^T D v`` of one that is farthest from the other is from it (Bach 2014, section
on convex relaxations; D are the samples with ``v_i`` of the sign on which ``u`` is active).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.plots.columns import Columns, columns_at
from cvxnet.plots.sphere import on_circle
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    ORANGE,
    RED,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.geometry.counts import inner_points
from cvxnet.training.progress import Round
from cvxnet.training.solution import Solution
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

ROUND = np.linspace(-180.0, 180.0, 721)
"""The angles at which the borders at distance beta are drawn."""


@dataclass(frozen=True, eq=False, repr=False)
class Zonotopes:
    """The two polygons whose distance is ``rho(v)``, for ReLU units on data of rank two.

    Attributes
    ----------
    columns : Columns
        The dual vector, and the units that poke out.
    above, below : (k, 2) arrays
        The vertices, in order of angle, of the polygon of the samples with ``v > 0`` and of that
        with ``v < 0``.

    Examples
    --------
    >>> from cvxnet.plots.rounds import follow_training
    >>> course = follow_training("relu", [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], weight_decay=0.1)
    >>> pair = zonotopes_at(course.solution)
    >>> len(pair.above), len(pair.below)
    (2, 4)
    """

    columns: Columns
    above: Array
    below: Array

    def __repr__(self) -> str:
        return f"<Zonotopes of {len(self.above)} and {len(self.below)} vertices>"

    def stretches(self, U: Array) -> tuple[Array, Array]:
        """For units (m, 2): the vertex farthest along each, and where the other polygon ends, both
        (m, 2). Their distance along the unit is ``|v . phi_u(X)|``.
        """
        family, beta = self.columns.family, self.columns.problem.weight_decay
        rows = U / family.sizes(U)[:, None]
        heights = self.columns.heights(rows) * beta
        ends = [family.pull_back(rows, half) for half in halves(self.columns.v)]
        tips = np.where((heights > 0.0)[:, None], *ends)
        return tips, tips - np.abs(heights)[:, None] * rows

    def border(self, of: int, angles: Array = ROUND) -> Array:
        """The curve (k, 2) at distance ``weight_decay`` around polygon 0 (above) or 1 (below)."""
        U, half = on_circle(angles), halves(self.columns.v)[of]
        vertex = self.columns.family.pull_back(U, half)
        return np.asarray(vertex + self.columns.problem.weight_decay * U)


def halves(v: Array) -> tuple[Array, Array]:
    """The parts of v above and below zero, both without sign."""
    return np.maximum(v, 0.0), np.maximum(-v, 0.0)


def vertices(family: PiecewiseLinearUnits, half: Array) -> Array:
    """The vertices (k, 2) of the zonotope of one half of v, in order of angle.

    Along the units of a cell the farthest is ``X^T D v``; neighbouring cells may have the same.
    """
    normals = family.arrangement.normals
    inside = inner_points(normals, all_cells(normals))
    order = np.argsort(np.arctan2(inside[:, 1], inside[:, 0]))
    found = np.asarray(family.pull_back(inside[order], half))
    size = np.abs(found).max()
    again = np.abs(found - np.roll(found, 1, axis=0)).max(axis=1) <= 1e-12 * size
    return found[~again] if not again.all() else found[:1]


def zonotopes_at(solution: Solution, at: Round | None = None) -> Zonotopes:
    """The two zonotopes of a dual vector, after a round of training or in the end.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned, for ReLU units on data of rank two: one feature and a hidden
        bias.
    at : Round, optional
        One of those that ``cvxnet.train(..., progress=rounds.append)`` told.

    Returns
    -------
    Zonotopes

    Raises
    ------
    UnsupportedError
        For other units or another rank.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> zonotopes_at(cn.train("relu", X, y, weight_decay=0.1))
    <Zonotopes of 2 and 4 vertices>
    """
    columns = columns_at(solution, at)
    name = solution.objective.units.name
    if name != "relu" or columns.rank != 2:
        raise UnsupportedError(
            "zonotopes are drawn for ReLU units on one feature and bias (rank 2); here are "
            f"{name} units and rank {columns.rank}."
        )
    above, below = (vertices(columns.family, half) for half in halves(columns.v))
    return Zonotopes(columns, above, below)


def plot_zonotope(solution: Solution, at: Round | None = None) -> Figure:
    """Draw the dual constraint in the plane: two zonotopes that must stay close to each other.

    One is the sum of the segments from 0 to ``v_i x_i`` of the samples with ``v_i > 0``, the other
    that of the samples with ``v_i < 0``. ``rho(v)`` is their Hausdorff distance. Where a vertex of
    one is farther from the other than the weight decay (dashed), the line between them shows the
    unit that pokes out. In the optimum the farthest are exactly that far: the units of the network.

    Parameters
    ----------
    solution, at
        As in `zonotopes_at`.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    UnsupportedError
        For other units or another rank.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> figure = plot_zonotope(cn.train("relu", X, y, weight_decay=0.1))
    >>> figure.axes[0].get_title(loc="left")
    'Their distance is at most β: no unit can lower the objective'
    """
    pair = zonotopes_at(solution, at)
    with styled():
        figure = new_figure(8.0, 6.4)
        draw_zonotopes(figure.subplots(), pair)
        head(
            figure,
            "The largest |v·φ| is the Hausdorff distance of two zonotopes",
            [
                "Each zonotope is the sum of the segments from 0 to |v| (x, 1) of its samples. "
                "Dashed: at distance β around each. Red: from a zonotope to the farthest vertex of "
                "the other, along a unit (w, b)."
            ],
        )
    return figure


def draw_zonotopes(axes: Axes, pair: Zonotopes) -> None:
    """Both polygons, their borders at distance beta, and the units between them."""
    looks = ((pair.above, BLUE, "v > 0: too high"), (pair.below, ORANGE, "v < 0: too low"))
    for of, (polygon, color, label) in enumerate(looks):
        axes.fill(*polygon.T, facecolor=color, alpha=0.3, label=label)
        axes.plot(*np.vstack([polygon, polygon[:1]]).T, "o-", color=color, markersize=3.5)
        axes.plot(*pair.border(of).T, color=color, linewidth=1.1, linestyle=DASHED)
    columns = pair.columns
    for U, width in ((columns.entering, 2.4), (columns.units.weights, 1.6)):
        for tip, end in zip(*pair.stretches(U), strict=True):
            axes.plot(*np.transpose([end, tip]), color=RED, linewidth=width, zorder=4)
            axes.plot(*tip, "o", color=RED, markersize=5.0, zorder=5)
    axes.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    axes.axvline(0.0, color=GREY, linewidth=0.6, zorder=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xlabel="sum of v x", ylabel="sum of v")
    axes.legend(loc="best", labelcolor=INK)
    near = "Their distance is at most β: no unit can lower the objective"
    far = f"Their distance is {columns.largest:.3g} β: a unit pokes out"
    entitle(axes, far if columns.poking_out.any() else near)

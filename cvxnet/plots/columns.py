"""Columns that enter: ``v.phi_u(X)`` over all units, between plus and minus the weight decay."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import UnsupportedError
from cvxnet.plots.rounds import problem_at
from cvxnet.plots.sphere import angle_of, label_map, on_circle, place_of, unit_at
from cvxnet.plots.style import (
    DASHED,
    GREY,
    INK,
    ORANGE,
    PALE,
    RED,
    entitle,
    head,
    new_figure,
    signed_scale,
    styled,
)
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.progress import Round
from cvxnet.training.pruning import SMALL
from cvxnet.training.solution import Solution
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

OUT = 1e-4
"""What exceeds the weight decay by more than this share pokes out."""
STEP = 2.0
"""Degrees between places of the circle."""
TILES = (121, 61)
"""Places along angle and tilt of a map."""
LEVELS = [r"$-\beta$", "0", r"$\beta$"]
HEIGHTS = {1: r"\beta", 10: r"10\beta", 100: r"100\beta", 1000: r"1000\beta"}
CIRCLE = "angle of the unit (w, b) in degrees"
NAMES = (
    "Filled: units of the network. Hollow: the largest of those that poke out; the first enters."
)


@dataclass(frozen=True, eq=False, repr=False)
class Columns:
    """``v.phi_u(X) / weight_decay`` over the units of length one, for one dual vector.

    No unit can lower the objective where it stays between -1 and 1. The units of an optimal network
    are at -1 (positive output weight) or at 1 (negative output weight).

    Attributes
    ----------
    problem : Problem
    family : PiecewiseLinearUnits
        That of the problem.
    v : (n,) array
        The dual vector.
    units : Units
        Those of the network, without what an interior point left over.
    maxima : LocalMaxima
        The local maxima of ``|v . phi_u(X)|`` above the weight decay, largest first.

    Examples
    --------
    >>> from cvxnet.plots.rounds import follow_training
    >>> course = follow_training("relu", [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], weight_decay=0.1)
    >>> first, last = columns_at(course.solution, course.rounds[0]), columns_at(course.solution)
    >>> bool(first.largest > 1.0), round(last.largest, 4)
    (True, 1.0)
    """

    problem: Problem
    family: PiecewiseLinearUnits
    v: Array
    units: Units
    maxima: LocalMaxima

    def __repr__(self) -> str:
        return f"<Columns: {len(self.units)} units, the largest of all at {self.largest:.3g} beta>"

    @property
    def rank(self) -> int:
        """2: the units are on a circle; 3: on a sphere."""
        return self.family.rank

    @property
    def largest(self) -> float:
        """``rho(v) / weight_decay``, the largest ``|v . phi_u(X)|``; 1 where it is no more."""
        return float(self.maxima.rho / self.problem.weight_decay)

    def heights(self, U: Array) -> Array:
        """``v.phi_u(X) / weight_decay`` of the units (m, rank) of any length, scaled to one."""
        family = self.family
        rows = U / family.sizes(U)[:, None]
        return np.asarray(self.v @ family.features(rows)) / self.problem.weight_decay

    @cached_property
    def present(self) -> Array:
        """The heights of the units of the network, (k,)."""
        return self.heights(self.units.weights)

    @property
    def poking_out(self) -> NDArray[np.bool_]:
        """Which of the maxima are above the weight decay by more than rounding, (m,)."""
        return np.asarray(self.maxima.values > (1.0 + OUT) * self.problem.weight_decay)

    @property
    def entering(self) -> Array:
        """The directions that poke out, (m, rank), the furthest first."""
        return np.asarray(self.maxima.units[self.poking_out])

    @property
    def entering_heights(self) -> Array:
        """Their heights, (m,)."""
        return np.asarray((self.maxima.outputs * self.maxima.values)[self.poking_out]) / (
            self.problem.weight_decay
        )

    def around(self) -> tuple[Array, Array]:
        """Angles (k,) in degrees, kinks and maxima among them, and the heights there, (k,)."""
        rows, family = self.family.rows, self.family
        bends = angle_of(np.column_stack([-rows[:, 1], rows[:, 0]]))
        own = angle_of(np.vstack([self.units.weights, self.maxima.units]))
        even = np.arange(-180.0, 180.0 + STEP, STEP)
        angles = np.unique(np.concatenate([even, bends, bends + 180.0, bends - 180.0, own]))
        angles = angles[(angles >= -180.0) & (angles <= 180.0)]
        U = on_circle(angles) / family.sizes(on_circle(angles))[:, None]
        return angles, self.heights(U)

    def over_map(self, across: int = TILES[0], up: int = TILES[1]) -> tuple[Array, Array, Array]:
        """Angles (across,) and tilts (up,) in degrees, and the heights there, (up, across)."""
        angles, tilts = np.linspace(-180.0, 180.0, across), np.linspace(-90.0, 90.0, up)
        A, T = np.meshgrid(angles, tilts)
        U = unit_at(A, T).reshape(-1, 3)
        return angles, tilts, self.heights(U).reshape(up, across)


def columns_at(solution: Solution, at: Round | None = None) -> Columns:
    """``v.phi_u(X)`` over all units, after a round of training or in the end.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned, for ReLU-like units on data of rank two or three: one feature
        and a hidden bias, or two.
    at : Round, optional
        One of those that ``cvxnet.train(..., progress=rounds.append)`` told.

    Returns
    -------
    Columns

    Raises
    ------
    UnsupportedError
        For other units, another rank or several outputs.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> columns_at(cn.train("relu", X, y, weight_decay=0.1)).present.round(4).tolist()
    [-1.0, -1.0, -1.0]
    """
    problem, units, v = problem_at(solution, at)
    family = drawable(problem)
    maxima = family.price(v, problem.weight_decay)
    return Columns(problem, family, v, units.without_small(SMALL), maxima)


def drawable(problem: Problem) -> PiecewiseLinearUnits:
    """The units of a problem, where they are on a circle or a sphere."""
    family = problem.family
    if not isinstance(family, PiecewiseLinearUnits) or problem.y.ndim > 1 or family.norm != "l2":
        raise UnsupportedError(
            "columns are drawn for ReLU, leaky ReLU and abs units with one output and the norm l2; "
            f"here are {family.name} units with the norm {family.norm} and "
            f"{problem.y[0].size} outputs."
        )
    rank, wide = family.rank, family.X.shape[1]
    if rank not in (2, 3) or rank != wide:
        raise UnsupportedError(
            "columns are drawn on a circle (one feature and bias) or a sphere (two features and "
            f"bias): the data must have rank 2 or 3, and so many columns; here the rank is {rank} "
            f"of {wide} columns."
        )
    return family


def plot_columns(solution: Solution, at: Round | None = None) -> Figure:
    """Draw ``v.phi_u(X)`` over all units, between plus and minus the weight decay.

    Where it pokes out a unit can lower the objective; in the optimum nothing does, and the units of
    the network are where it touches.

    Parameters
    ----------
    solution, at
        As in `columns_at`.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    UnsupportedError
        For other units, another rank or several outputs.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y, rounds = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], []
    >>> solution = cn.train("relu", X, y, weight_decay=0.1, progress=rounds.append)
    >>> plot_columns(solution, rounds[0]).axes[0].get_title(loc="left")
    'A unit pokes out to 20 β: it can lower the objective'
    >>> plot_columns(solution).axes[0].get_title(loc="left")
    'Nothing pokes out: no unit can lower the objective'
    """
    columns = columns_at(solution, at)
    lower, upper = (solution.lower_bound, solution.value) if at is None else (at.lower, at.upper)
    with styled():
        figure = new_figure(10.0, 5.4)
        draw_columns(figure.subplots(), columns)
        low, high = bracket_text(lower, upper)
        head(figure, f"v·φ over all units:  {low} ≤ p* ≤ {high}", [NAMES])
    return figure


def draw_columns(axes: Axes, columns: Columns, top: float | None = None) -> None:
    """The curve or the map, with the units, and what it says as the title."""
    if columns.rank == 2:
        draw_curve(axes, columns, top)
    else:
        draw_map(axes, columns)
    entitle(axes, claim(columns))


def claim(columns: Columns) -> str:
    """What is to be seen."""
    if not columns.poking_out.any():
        return "Nothing pokes out: no unit can lower the objective"
    return f"A unit pokes out to {columns.largest:.3g} β: it can lower the objective"


def draw_curve(axes: Axes, columns: Columns, top: float | None) -> None:
    """``v . phi`` over the circle, beyond beta on a logarithmic scale, that reaches to ``top``."""
    angles, heights = columns.around()
    top = 1.3 * max(2.0, top or columns.largest)
    axes.axhspan(-1.0, 1.0, color=PALE, alpha=0.5, linewidth=0.0)
    for level in (-1.0, 1.0):
        axes.axhline(level, color=GREY, linewidth=1.0, linestyle=DASHED)
    axes.plot(angles, heights, color=INK, linewidth=1.6)
    beyond = np.abs(heights) > 1.0 + OUT
    sides = np.clip(heights, -1.0, 1.0)
    axes.fill_between(angles, sides, heights, where=beyond, color=ORANGE, alpha=0.6, linewidth=0.0)
    axes.plot(angle_of(columns.entering), columns.entering_heights, "o", **ring(RED))
    axes.plot(angle_of(columns.units.weights), columns.present, "o", **filled(RED))
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
    axes.set(xlim=(-180.0, 180.0), ylim=(-top, top), xlabel=CIRCLE, ylabel=r"$v \cdot \varphi$")
    axes.set_xticks(np.arange(-180, 181, 90))
    levels = [level for level in HEIGHTS if level <= top]
    named = {-level: rf"$-{text}$" for level, text in HEIGHTS.items() if level in levels}
    named |= {0: "0"} | {level: rf"${HEIGHTS[level]}$" for level in levels}
    axes.set_yticks(list(named), list(named.values()))
    axes.minorticks_off()


def draw_map(axes: Axes, columns: Columns) -> None:
    """``v . phi`` over the sphere; where it leaves the band there is one colour, hatched."""
    angles, tilts, heights = columns.over_map()
    colors = signed_scale(1.0)
    axes.contourf(angles, tilts, heights, np.linspace(-1, 1, 21), cmap=colors.cmap, extend="both")
    beyond = np.abs(heights)
    if beyond.max() > 1.0 + OUT:
        look: dict[str, Any] = {"colors": [ORANGE], "hatches": ["////"]}
        axes.contourf(angles, tilts, beyond, [1.0 + OUT, 1.1 * beyond.max()], **look)
    axes.contour(angles, tilts, heights, [-1.0, 0.0, 1.0], colors=INK, linewidths=[1.6, 0.6, 1.6])
    both = (
        (columns.entering, columns.entering_heights, ring(INK)),
        (columns.units.weights, columns.present, filled(INK) | {"markeredgecolor": "white"}),
    )
    for units, side, look in both:
        for marker, shown in (("^", side > 0.0), ("v", side <= 0.0)):
            axes.plot(*place_of(units[shown]), marker, **look)
    label_map(axes)
    bar = axes.figure.colorbar(colors, ax=axes, ticks=[-1, 0, 1], pad=0.02, aspect=30)
    bar.ax.set_yticklabels(LEVELS)
    bar.set_label(r"$v \cdot \varphi$")


def filled(color: str) -> dict[str, Any]:
    """How units of the network look."""
    return {"linestyle": "", "color": color, "markersize": 8.5, "zorder": 4}


def ring(color: str) -> dict[str, Any]:
    """How units that poke out look."""
    look = {"markerfacecolor": "white", "markeredgecolor": color, "markeredgewidth": 1.8}
    return filled(color) | look

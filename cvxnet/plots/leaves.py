"""The tree that proves an optimum of at most m units, leaf by leaf, where units are angles.

A leaf is a set of regions, and a dual vector v with ``-s v.phi_u(X) <= beta`` for the units u of
each of its regions, s being the sign of the region; so it bounds the networks with units there (see
`cvxnet.training.width.tree`). They are those that the checker forms from the certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import UnsupportedError
from cvxnet.plots.canvas import headline
from cvxnet.plots.columns import CIRCLE, drawable
from cvxnet.plots.rounds import problem_at
from cvxnet.plots.sphere import on_circle
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    ORANGE,
    PALE,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.proofs import checker
from cvxnet.proofs.checker.dual import Clock, vector_number
from cvxnet.proofs.checker.families import units_of
from cvxnet.proofs.checker.simplices import Corner, Region
from cvxnet.proofs.checker.tree import leaves
from cvxnet.training.problem import Problem
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

ANGLES = np.linspace(-180.0, 180.0, 1441)
"""Where regions and curves are drawn, in degrees."""
SIGNS = {1.0: (BLUE, "output weight > 0"), -1.0: (ORANGE, "output weight < 0")}
INSIDE = 1e-9
"""Units this far beyond a wall, relatively, still count as inside."""
THICK = 0.8
"""Of a line for a leaf, in lines."""
NOTE = (
    "A line is a leaf: networks with units in its regions, and in each of them. None of these is "
    "below the mark on the right."
)


@dataclass(frozen=True, eq=False, repr=False)
class Leaves:
    """The leaves of a tree, over the angles of the units.

    Attributes
    ----------
    angles : (a,) array
        In degrees.
    regions : list of dict
        Of each leaf, by sign of the output weight: which of the angles (a,) are in its regions.
    heights : (k, a) array
        ``v.phi_u(X) / weight_decay`` of each leaf's vector, as long as it may be.
    bounds : (k,) array
        What these vectors prove for networks with units in the regions.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> solution = cn.train("relu", X, y, weight_decay=0.1, width=1)
    >>> leaves = leaves_of(solution)
    >>> bool(leaves.bounds.min() >= 0.999 * solution.lower_bound)
    True
    """

    angles: Array
    regions: list[dict[float, NDArray[np.bool_]]]
    heights: Array
    bounds: Array

    def __repr__(self) -> str:
        return f"<Leaves: {len(self.bounds)}>"

    @property
    def telling(self) -> int:
        """The place of the leaf with the lowest bound, on which that of all depends."""
        return int(np.argmin(self.bounds))


def leaves_of(solution: Solution) -> Leaves:
    """The leaves of the tree in a certificate.

    Parameters
    ----------
    solution : Solution
        What ``cvxnet.train(..., width=m)`` returned, for ReLU, leaky ReLU or abs units on data of
        rank two: one feature and a hidden bias.

    Returns
    -------
    Leaves

    Raises
    ------
    UnsupportedError
        For other units, another rank, or where there is no tree: the optimum of every width has no
        more units.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> len(leaves_of(cn.train("relu", X, y, weight_decay=0.1, width=1)).regions) > 1
    True
    """
    problem, _, _ = problem_at(solution, None)
    family, evidence = drawable(problem), solution.certificate.evidence or {}
    if family.rank != 2 or evidence.get("kind") != "tree":
        raise UnsupportedError(
            "leaves are drawn of a tree with units on a circle: one feature and bias, and a width "
            "with fewer units than the optimum of every width has; here the rank is "
            f"{family.rank}, and the certificate has {evidence.get('kind', 'no tree')}."
        )
    claims, clock = checker.read(solution.certificate.to_dict()), Clock(checker.TIME_LIMIT)
    found = list(leaves(claims, units_of(claims).space(clock), clock))
    U = on_circle(ANGLES)
    columns = np.asarray(family.features(U / family.sizes(U)[:, None]))
    regions = [places(node, U @ family.rows[evidence["rows"]].T) for _, node in found]
    lines = [
        longest(problem, np.array(vector_number(claims, number)), columns, region)
        for (number, _), region in zip(found, regions, strict=True)
    ]
    heights, bounds = (np.array(each) for each in zip(*lines, strict=True))
    return Leaves(ANGLES, regions, heights, bounds)


def places(node: Sequence[Region], T: Array) -> dict[float, NDArray[np.bool_]]:
    """By sign, which of the units lie in the regions; T (a, 2) are their coordinates."""
    return {
        float(s): np.any(
            [within(cone, T) for region in node if region.sign == s for cone in region.cones],
            axis=0,
        )
        for s in {region.sign for region in node}
    }


def within(cone: Sequence[Corner], T: Array) -> NDArray[np.bool_]:
    """Which of the units lie in a cone: those of which no corner has a negative share."""
    corners = np.array([corner.short for corner in cone], dtype=np.float64)
    corners /= np.linalg.norm(corners, axis=1)[:, None]
    shares = np.linalg.solve(corners.T, T.T)
    return np.asarray((shares >= -INSIDE * np.linalg.norm(T, axis=1)).all(axis=0))


def longest(
    problem: Problem, v: Array, columns: Array, regions: dict[float, NDArray[np.bool_]]
) -> tuple[Array, float]:
    """``t v.phi / weight_decay`` (a,) with the best t that the regions allow, and its bound."""
    heights = v @ columns
    rho = max((-s * heights[inside]).max(initial=0.0) for s, inside in regions.items())
    t = problem.loss.best_scale(v, problem.y, problem.largest_multiple(rho))
    bound = -problem.loss.conjugate(problem.loss.clip(t * v, problem.y), problem.y)
    return t * heights / problem.weight_decay, float(bound)


def plot_leaves(solution: Solution) -> Figure:
    """Draw the tree that proves the optimum of at most m units: a line for each leaf.

    On the left the regions that its units may lie in, on the right the bound that its dual vector
    proves; below, for one leaf, how that vector keeps below the weight decay in these regions only.

    Parameters
    ----------
    solution : Solution
        As in `leaves_of`.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    UnsupportedError
        As `leaves_of`.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> figure = plot_leaves(cn.train("relu", X, y, weight_decay=0.1, width=1))
    >>> figure.axes[1].get_title(loc="left")
    'Their bounds'
    """
    leaves = leaves_of(solution)
    with styled():
        figure = new_figure(11.0, 7.6)
        grid = figure.add_gridspec(2, 2, width_ratios=[3, 1], height_ratios=[3, 2])
        lines = figure.add_subplot(grid[0, 0])
        draw_regions(lines, leaves)
        bounds = figure.add_subplot(grid[0, 1], sharey=lines)
        draw_bounds(bounds, leaves, solution)
        draw_vector(figure.add_subplot(grid[1, 0], sharex=lines), leaves)
        beside = figure.add_subplot(grid[1, 1])
        beside.set_axis_off()
        beside.legend(*bounds.get_legend_handles_labels(), loc="upper left")
        head(figure, f"At most {solution.width} units. {headline(solution)}", [NOTE])
    return figure


def draw_regions(axes: Axes, leaves: Leaves) -> None:
    """The regions of each leaf, those of both signs one above the other."""
    for k, regions in enumerate(leaves.regions):
        for s, inside in regions.items():
            bottom = k - 0.5 * THICK + 0.5 * THICK * (s > 0.0)
            color, name = SIGNS[s]
            first = not any(s in earlier for earlier in leaves.regions[:k])
            axes.broken_barh(
                arcs(leaves.angles, inside),
                (bottom, 0.5 * THICK),
                color=color,
                linewidth=0.0,
                label=name if first else None,
            )
    axes.set(ylim=(len(leaves.regions) - 0.4, -0.6), xlim=(-180.0, 180.0), ylabel="leaf")
    axes.set_xticks(np.arange(-180, 181, 90))
    axes.tick_params(labelbottom=False)
    axes.axhspan(leaves.telling - 0.5, leaves.telling + 0.5, color=PALE, zorder=0.0)
    axes.legend(loc="lower left", bbox_to_anchor=(0.3, 1.0), ncols=2, borderaxespad=0.2)
    entitle(axes, "Regions of the leaves")


def arcs(angles: Array, inside: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Begin and length of each run of angles.

    >>> arcs(np.arange(5.0), np.array([True, True, False, True, True]))
    [(0.0, 1.0), (3.0, 1.0)]
    """
    changes = np.flatnonzero(np.diff(inside.astype(int), prepend=0, append=0))
    begins, ends = angles[changes[::2]], angles[changes[1::2] - 1]
    return [(float(a), float(b - a)) for a, b in zip(begins, ends, strict=True)]


def draw_bounds(axes: Axes, leaves: Leaves, solution: Solution) -> None:
    """What is proved of each leaf, beside the optimum of the width and that of every width."""
    axes.plot(leaves.bounds, np.arange(len(leaves.bounds)), "o", color=INK, markersize=5.0)
    axes.axvline(solution.value, color=INK, label=f"best of {solution.width} units")
    if solution.all_widths is not None:
        axes.axvline(solution.all_widths.value, color=GREY, linestyle=DASHED, label="every width")
    axes.set(xlabel="lower bound")
    axes.tick_params(labelleft=False)
    entitle(axes, "Their bounds")


def draw_vector(axes: Axes, leaves: Leaves) -> None:
    """The vector of one leaf over all units, and where it has to keep below the weight decay."""
    k = leaves.telling
    heights = leaves.heights[k]
    top = 1.3 * max(2.0, float(np.abs(heights).max()))
    for s, inside in leaves.regions[k].items():
        axes.broken_barh(
            arcs(leaves.angles, inside),
            (-s, -s * (top - 1.0)),
            color=SIGNS[s][0],
            alpha=0.35,
            linewidth=0.0,
        )
    for level in (-1.0, 1.0):
        axes.axhline(level, color=GREY, linewidth=1.0, linestyle=DASHED)
    axes.plot(leaves.angles, heights, color=INK, linewidth=1.6)
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
    axes.set(ylim=(-top, top), xlabel=CIRCLE, ylabel=r"$v \cdot \varphi$")
    axes.set_yticks([-1.0, 0.0, 1.0], [r"$-\beta$", "0", r"$\beta$"])
    axes.minorticks_off()
    entitle(
        axes,
        f"v·φ of leaf {k}, marked grey: it keeps out of the colours, and goes beyond β elsewhere",
    )

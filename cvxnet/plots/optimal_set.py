"""The picture of all optimal networks: which units they may have, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.plots.canvas import (
    BLUE,
    GREY,
    KINK,
    RED,
    check_names,
    color_scale,
    headline,
    literal,
    new_figure,
    styled,
)
from cvxnet.training.optimal_set import OptimalSet, optimal_set
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.canvas import Axes, Figure

BAND = "#d1e5f0"
LEVELS = [r"$-\beta$", "0", r"$\beta$"]
KINDS = {
    "relu": "$({})_+$",
    "squared_relu": "$({})_+^2$",
    "abs": "$|{}|$",
    "leaky_relu": "$({})_+$ with a leak",
}
BEYOND = 0.35
"""Kinks are shown so far beyond the data, relative to their range."""
SEEN = 1e-6
"""Bands narrower than this share of the range of the targets are one line."""
POINTS = 80
"""Places at which the band of all optimal networks is found."""


def plot_optimal_set(
    solution: Solution, feature_names: Sequence[str] | None = None, target: str = "target"
) -> Figure:
    """Draw the set of optimal networks, for one or two features and a hidden bias.

    With the dual vector ``v`` a unit belongs in an optimal network only where ``v . phi_u(X)``
    touches plus or minus ``weight_decay``: the picture shows it over all units, by the place of
    their kink and the side to which they rise, and the units that touch. With one feature also
    the networks themselves: those at the ends of the set, and the band that all of them fill, found
    by linear programs. All have the same objective; see `cvxnet.training.optimal_set`.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned, for ReLU, leaky ReLU, abs or squared ReLU units; best with a
        small gap, as 1e-10.
    feature_names : sequence of str, optional
        One for each column of X.
    target : str
        What y is called.

    Returns
    -------
    matplotlib.figure.Figure
        Call ``savefig`` on it.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    UnsupportedError
        For other units, more features, or no hidden bias.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = np.array([[-2.0], [0.0], [2.0]]), np.array([3.0, 2.0, 3.0])
    >>> solution = cn.train("relu", X, y, weight_decay=0.1, skip=True, gap=1e-10)
    >>> figure = plot_optimal_set(solution, ["dose"], "response")
    >>> figure.axes[0].get_title(loc="left")
    'Many optimal networks: all pass through the band, and agree on the data'
    """
    X = solution.objective.X
    names, target = check_names(feature_names, X.shape[1]), literal(target)
    found, bias = optimal_set(solution), solution.objective.form.bias
    if X.shape[1] > 2 or not bias or found.problem.family.rank != X.shape[1] + 1:
        raise UnsupportedError(
            "the optimal set is drawn for one or two features that are not constant or multiples "
            f"of one another, and hidden units with bias; here are {X.shape[1]} features, "
            f"{'with' if bias else 'without'} bias."
        )
    with styled():
        if X.shape[1] == 1:
            figure = new_figure(7.4, 6.4)
            draw_one_feature(figure, found, names[0], target, proved=solution.status == "optimal")
        else:
            figure = new_figure(7.4, 4.6)
            draw_map(figure, found, names)
        figure.suptitle(headline(solution), fontsize=10.5)
    return figure


def draw_one_feature(
    figure: Figure, found: OptimalSet, name: str, target: str, *, proved: bool
) -> None:
    """The networks above, and below them the units by the place of their kink."""
    sides = [1.0] if found.problem.family.name == "abs" else [1.0, -1.0]
    heights = [2.2] + [1.0] * len(sides)
    top, *rest = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    grid = kink_range(found.objective.X)
    draw_networks(top, found, grid, proved)
    top.set_ylabel(target)
    for axes, side in zip(rest, sides, strict=True):
        draw_touching(axes, found, grid, side)
    explain = "only units that touch a level occur; filled: in the one found"
    rest[0].set_title(explain, loc="right", fontsize=8, color=GREY)
    rest[-1].set_xlabel(f"{name}; of a unit: the place t of its kink")


def kink_range(X: Array) -> Array:
    """A grid over the data, which are on it, and somewhat beyond."""
    low, high = float(X.min()), float(X.max())
    room = BEYOND * (high - low)
    return np.unique(np.concatenate([np.linspace(low - room, high + room, 801), X[:, 0]]))


def draw_networks(axes: Axes, found: OptimalSet, grid: Array, proved: bool) -> None:
    """The network found, the others at the ends of the set, and the band between."""
    W, X = found.directions, found.objective.X
    kinks = -W[W[:, 0] != 0.0, 1] / W[W[:, 0] != 0.0, 0]
    kinks = kinks[(kinks > grid[0]) & (kinks < grid[-1])]
    coarse = np.unique(np.concatenate([grid[:: len(grid) // POINTS], grid[-1:], X[:, 0], kinks]))
    low, high = found.band(coarse[:, None])
    wide = bool((high - low).max() > SEEN * np.ptp(found.problem.y))
    if wide:
        axes.fill_between(coarse, low, high, color=BAND, linewidth=0, label="all of them")
        ends = [found.network(row)(grid[:, None])[:, 0] for row in found.networks]
        labels = ["at the ends of the set"] + [None] * (len(ends) - 1)
        axes.plot(grid, np.transpose(ends), color=BLUE, linewidth=1.0, label=labels)
    axes.set_title(claim(found, wide, proved), loc="left")
    own = found.network_found()(grid[:, None])[:, 0]
    axes.plot(grid, own, color=RED, linewidth=1.8, label="the one found")
    axes.plot(X[:, 0], found.problem.y, "o", color=KINK, markersize=4.5, label="data")
    axes.legend(frameon=False, fontsize=8)


def claim(found: OptimalSet, wide: bool, proved: bool) -> str:
    """How many networks there are, as far as it was proved."""
    networks = "optimal network" if proved else "network as good"
    if not found.single:
        many = f"Many {networks}s" if proved else "Many networks as good"
        what = "all pass through the band, and agree on the data" if wide else "all one function"
        return f"{many}: {what}"
    if not found.problem.loss.strictly_convex:
        networks += " with its predictions"
    return f"The only {networks}, over the units that pricing found"


def draw_touching(axes: Axes, found: OptimalSet, grid: Array, side: float) -> None:
    """``v . phi`` over the place of the kink, of units that rise to one side, and who touches."""
    beta = found.problem.weight_decay
    curve = heights_of(found, directions_at(np.array([side]), side * grid))
    axes.plot(grid, curve, color="#444444", linewidth=1.0)
    for level in (-1.0, 1.0):
        axes.axhline(level, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    for u, height, share in zip(found.directions, found.levels / beta, used(found), strict=True):
        if u[0] * side > 0.0 or found.problem.family.name == "abs":
            place, marker = inside(-u[1] / u[0], grid)
            axes.plot(place, height, marker, clip_on=False, **look(share))
    name = {1.0: "x - t", -1.0: "t - x"}[side]
    kind = KINDS[found.problem.family.name].format(name)
    axes.set(ylim=(-1.35, 1.35), yticks=[-1, 0, 1], yticklabels=LEVELS)
    axes.set_title(f"units {kind}", loc="left", fontsize=9)
    axes.set_ylabel(r"$v \cdot \varphi$")


def inside(place: float, grid: Array) -> tuple[float, str]:
    """Where to draw a kink, and its marker: one that lies outside is an arrow at the edge."""
    if place < grid[0] or place > grid[-1]:
        return (float(grid[0]), "<") if place < grid[0] else (float(grid[-1]), ">")
    return place, "o"


def used(found: OptimalSet) -> list[str]:
    """For each unit whether the network found has it, only others have, or none has."""
    own = np.arange(len(found.signs)) < len(found.own)
    possible = found.ranges[:, 1] > 0.0
    return ["found" if a else "other" if b else "none" for a, b in zip(own, possible, strict=True)]


def look(share: str, found: str = RED, other: str = BLUE) -> dict[str, Any]:
    """Filled where the network found has a unit, a ring where only others have it, else grey."""
    color = {"found": found, "other": other, "none": GREY}[share]
    return {
        "markersize": 6.5,
        "markerfacecolor": color if share == "found" else "white",
        "markeredgecolor": color,
        "markeredgewidth": 1.4,
        "linestyle": "",
    }


def directions_at(w: Array, t: Array) -> Array:
    """The rows ``(w, -t)``, of units with their kink where ``w . x = t``."""
    return np.column_stack([np.tile(w, (len(t), 1)), -t])


def heights_of(found: OptimalSet, W: Array) -> Array:
    """``v . phi_u(X) / weight_decay`` of the units in the direction of each row."""
    family = found.problem.family
    U = W / family.sizes(W)[:, None]
    return np.asarray(found.v @ family.features(U)) / found.problem.weight_decay


def draw_map(figure: Figure, found: OptimalSet, names: list[str]) -> None:
    """Two features: ``v . phi`` over the direction of rise and the place of the kink."""
    reach = 1.1 * float(np.linalg.norm(found.objective.X, axis=1).max())
    angles, places = np.linspace(-180.0, 180.0, 361), np.linspace(-reach, reach, 241)
    turn = np.deg2rad(angles)
    rows = [directions_at(np.array([np.cos(a), np.sin(a)]), places) for a in turn]
    G = np.array([heights_of(found, row) for row in rows]).T
    colors = color_scale(-1.0, 1.0)
    axes = figure.subplots()
    axes.contourf(angles, places, G, np.linspace(-1, 1, 21), cmap=colors.cmap, extend="both")
    for u, share in zip(found.directions, used(found), strict=True):
        length = np.hypot(u[0], u[1])
        if length > 0.0:
            angle = np.rad2deg(np.arctan2(u[1], u[0]))
            place = np.clip(-u[2] / length, -reach, reach)
            axes.plot(angle, place, "o", clip_on=False, **look(share, KINK, KINK))
    bar = figure.colorbar(colors, ax=axes, ticks=[-1, 0, 1], pad=0.02, aspect=30)
    bar.ax.set_yticklabels(LEVELS)
    axes.set(xlabel=f"direction of rise in the plane of {names[0]} and {names[1]} (degrees)")
    axes.set(ylabel="kink: distance from the origin", xticks=np.arange(-180, 181, 90))
    many = "only one network" if found.single else "many networks"
    axes.set_title(
        f"{len(found.signs)} units touch ±β; {many} over them (filled: the one found)", loc="left"
    )

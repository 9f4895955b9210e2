"""The picture of all optimal networks: which units they may have, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.plots.canvas import draw_points, headline, left_out, view_of
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    RED,
    SKY,
    entitle,
    head,
    new_figure,
    signed_scale,
    styled,
)
from cvxnet.plots.subject import subject_of
from cvxnet.training.optimal_set import OptimalSet, optimal_set
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

LEVELS = [r"$-\beta$", "0", r"$\beta$"]
BEYOND = 0.35
"""Kinks are shown so far beyond the data, relative to their range."""
DOTS = "filled those of the network found, rings those of others, grey those of none"
TINY = 1e-300
SEEN = 1e-6
"""Bands narrower than this share of the range of the targets are one line."""
POINTS = 80
"""Places at which the band of all optimal networks is found."""


def plot_optimal_set(
    solution: Solution, feature_names: Sequence[str] | None = None, target: str | None = None
) -> Figure:
    """Draw the set of optimal networks, for one or two features and a hidden bias.

    With the dual vector ``v`` a unit belongs in an optimal network only where ``v.phi_u(X)``
    touches plus or minus ``weight_decay``: the picture shows it over all units, by the place of
    their kink and the side to which they rise, and the units that touch. With one feature also
    the networks themselves: those at the ends of the set, and the band that all of them fill, found
    by linear programs. All have the same objective; see ``cvxnet.training.optimal_set``.

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
        For `save_figure`.

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
    subject = subject_of(solution, feature_names, target)
    names, target = subject.features, subject.told
    if (subject.scale != 1.0).any():
        names = [f"{name} (standardised)" for name in names]
    found, bias = optimal_set(solution), solution.objective.form.bias
    if X.shape[1] > 2 or not bias or found.problem.family.rank != X.shape[1] + 1:
        raise UnsupportedError(
            "the optimal set is drawn for one or two features that are not constant or multiples "
            f"of one another, and hidden units with bias; here are {X.shape[1]} features, "
            f"{'with' if bias else 'without'} bias."
        )
    with styled():
        if X.shape[1] == 1:
            figure = new_figure(10.0, 8.8)
            note = draw_one_feature(figure, found, names[0], target, solution.status == "optimal")
        else:
            figure = new_figure(10.0, 6.6)
            note = draw_map(figure, found, names)
        head(figure, headline(solution), note)
    return figure


def draw_one_feature(
    figure: Figure, found: OptimalSet, name: str, target: str, proved: bool
) -> list[str]:
    """The networks above, and below them the units by the place of their kink."""
    sides = [1.0] if found.problem.family.name == "abs" else [1.0, -1.0]
    heights = [2.2] + [1.0] * len(sides)
    top, *rest = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    grid = kink_range(found.objective.X)
    beyond = draw_networks(top, found, grid, proved)
    top.set_ylabel(target)
    for axes, side in zip(rest, sides, strict=True):
        draw_touching(axes, found, grid, side)
    rest[-1].set_xlabel(f"{name}; of a unit: the place t of its kink")
    explained = (
        "Below: v·φ of the unit φ with its kink at t, for the dual vector v. Only units where it "
        f"touches ±β can be part of an optimal network: {DOTS}."
    )
    return [explained, left_out({"samples": (beyond, len(found.problem.y))})]


def kink_range(X: Array) -> Array:
    """A grid over the view of the data, whose samples are on it, and somewhat beyond."""
    low, high = view_of(X[:, 0], margin=BEYOND)
    inside = X[(X[:, 0] >= low) & (X[:, 0] <= high), 0]
    return np.unique(np.concatenate([np.linspace(low, high, 801), inside]))


def draw_networks(axes: Axes, found: OptimalSet, grid: Array, proved: bool) -> int:
    """The network found, the others at the ends of the set, the band between, and the samples.

    Returns how many samples are not in view.
    """
    X, y = found.objective.X, found.problem.y
    coarse = places_of_band(found, grid)
    low, high = found.band(coarse[:, None])
    wide = is_wide(found, low, high)
    if wide:
        axes.fill_between(coarse, low, high, color=SKY, alpha=0.35, lw=0, label="all of them")
        ends = [found.network(row)(grid[:, None])[:, 0] for row in found.networks]
        labels = ["at the ends of the set"] + [None] * (len(ends) - 1)
        axes.plot(grid, np.transpose(ends), color=BLUE, linewidth=1.2, label=labels)
    entitle(axes, claim(found, wide, proved))
    own = found.network_found()(grid[:, None])[:, 0]
    axes.plot(grid, own, color=RED, linewidth=2.4, linestyle="--", label="the one found")
    axes.set(xlim=(grid[0], grid[-1]), ylim=view_of(np.concatenate([low, high, own, y])))
    look = {"marker": "o", "markerfacecolor": INK, "markeredgecolor": "white", "label": "data"}
    beyond = draw_points(axes, X[:, 0], y, look)
    axes.legend(loc="best")
    return beyond


def places_of_band(found: OptimalSet, grid: Array) -> Array:
    """Of a grid over one feature some places, and all kinks and samples that lie on it."""
    W, X = found.directions, found.objective.X
    kinks = -W[W[:, 0] != 0.0, 1] / W[W[:, 0] != 0.0, 0]
    at = np.concatenate([X[:, 0], kinks])
    at = at[(at > grid[0]) & (at < grid[-1])]
    return np.unique(np.concatenate([grid[:: max(1, len(grid) // POINTS)], grid[-1:], at]))


def is_wide(found: OptimalSet, low: Array, high: Array) -> bool:
    """Whether the band of all optimal networks is more than one line."""
    return bool((high - low).max() > SEEN * np.ptp(found.problem.y))


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
    beta, family = found.problem.weight_decay, found.problem.family
    curve = found.heights(kinks_at(grid, side))
    axes.plot(grid, curve, color=INK, linewidth=1.4)
    for level in (-1.0, 1.0):
        axes.axhline(level, color=GREY, linewidth=1.0, linestyle=DASHED)
    for u, height, share in zip(found.directions, found.levels / beta, used(found), strict=True):
        if u[0] * side > 0.0 or family.name == "abs":
            place, marker = inside(-u[1] / u[0], grid)
            axes.plot(place, height, marker, clip_on=False, **look(share))
    name = {1.0: "x - t", -1.0: "t - x"}[side]
    axes.set(ylim=(-1.35, 1.35), yticks=[-1, 0, 1], yticklabels=LEVELS)
    entitle(axes, f"Units {found.objective.units.traits.formula.format(name)}")
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
        "markersize": 8.5,
        "markerfacecolor": color if share == "found" else "white",
        "markeredgecolor": color,
        "markeredgewidth": 1.8,
        "linestyle": "",
    }


def directions_at(w: Array, t: Array) -> Array:
    """The rows ``(w, -t)``, of units with their kink where ``w . x = t``."""
    return np.column_stack([np.tile(w, (len(t), 1)), -t])


def kinks_at(places: Array, side: float) -> Array:
    """Over one feature, the directions of units with their kinks there that rise to one side.

    >>> kinks_at(np.array([3.0]), -1.0).tolist()
    [[-1.0, 3.0]]
    """
    return directions_at(np.array([side]), side * places)


def draw_map(figure: Figure, found: OptimalSet, names: list[str]) -> list[str]:
    """Two features: ``v . phi`` over the direction of rise and the place of the kink."""
    reach = max(1.1 * view_of(np.linalg.norm(found.objective.X, axis=1), margin=0.0)[1], TINY)
    angles, places = np.linspace(-180.0, 180.0, 361), np.linspace(-reach, reach, 241)
    turn = np.deg2rad(angles)
    rows = [directions_at(np.array([np.cos(a), np.sin(a)]), places) for a in turn]
    G = np.array([found.heights(row) for row in rows]).T
    colors = signed_scale(1.0)
    axes = figure.subplots()
    axes.contourf(angles, places, G, np.linspace(-1, 1, 21), cmap=colors.cmap, extend="both")
    axes.contour(angles, places, G, [-0.9, -0.5, 0.0, 0.5, 0.9], colors=INK, linewidths=0.8)
    axes.set(xlim=(-180.0, 180.0), ylim=(-reach, reach))
    for u, share in zip(found.directions, used(found), strict=True):
        length = np.hypot(u[0], u[1])
        if length > 0.0:
            angle = np.rad2deg(np.arctan2(u[1], u[0]))
            place, marker = inside(-u[2] / length, places)
            marker = {"<": "v", ">": "^"}.get(marker, "o")
            seen = look(share, INK, INK) | {"zorder": 4}
            if share == "found":
                seen |= {"markeredgecolor": "white"}
            axes.plot(angle, place, marker, clip_on=False, **seen)
    bar = figure.colorbar(colors, ax=axes, ticks=[-1, 0, 1], pad=0.02, aspect=30)
    bar.ax.set_yticklabels(LEVELS)
    bar.set_label(r"$v \cdot \varphi$")
    axes.set(xlabel=f"direction of rise in the plane of {names[0]} and {names[1]} (degrees)")
    axes.set(ylabel="kink: distance from the origin", xticks=np.arange(-180, 181, 90))
    many = "only one network" if found.single else "many networks"
    entitle(axes, f"{len(found.signs)} units touch ±β; {many} over them")
    return [
        "Each place of the map is one unit φ: which way it rises, and how far from the origin its "
        "kink is. The color is v·φ for the dual vector v (contours at 0, ±0.5β, ±0.9β; dashed: "
        "negative). Only units where it touches ±β can be part of an optimal network: "
        f"{DOTS}."
    ]

"""The picture of a solution: its network, data and kinks, and how the bracket closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from cvxnet.plots.canvas import (
    BLUE,
    GREY,
    KINK,
    RED,
    check_names,
    color_scale,
    draw_kink_lines,
    headline,
    literal,
    new_figure,
    span,
    styled,
)
from cvxnet.proofs.gaps import relative_gap
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.canvas import Axes, Figure, ScalarMappable

KINKED = {"relu", "leaky_relu", "abs", "squared_relu", "sign", "threshold"}
"""Unit families that change where ``w.x + b = 0``."""


def plot_solution(
    solution: Solution, feature_names: Sequence[str] | None = None, target: str = "target"
) -> Figure:
    """Draw the network with its data and kinks, and how the bracket closed.

    With two features: the fitted surface from above, with a line where each hidden unit switches
    on, and in space. With one feature: the fitted curve. With more only the bracket is drawn.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.
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

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 0.0, 2.0])
    >>> figure = plot_solution(cn.train("relu", X, y, weight_decay=0.1), ["age"], "income")
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['age', 'seconds']
    """
    X = solution.objective.X
    names, target = check_names(feature_names, X.shape[1]), literal(target)
    with styled():
        if X.shape[1] == 2:
            figure = new_figure(12.0, 4.0)
            draw_two_features(figure, solution, names, target)
        elif X.shape[1] == 1:
            figure = new_figure(8.6, 3.8)
            curve, gap = figure.subplots(1, 2, width_ratios=[1.4, 1.0])
            draw_curve(curve, solution, names[0], target)
            draw_gap(gap, solution)
        else:
            figure = new_figure(5.0, 3.8)
            draw_gap(figure.subplots(), solution)
        figure.suptitle(headline(solution), fontsize=10.5)
    return figure


def draw_two_features(figure: Figure, solution: Solution, names: list[str], target: str) -> None:
    """Map, relief and gap side by side."""
    grid = figure.add_gridspec(1, 3, width_ratios=[1.35, 1.15, 0.9])
    flat = figure.add_subplot(grid[0])
    solid = figure.add_subplot(grid[1], projection="3d")
    colors, label = target_scale(solution, target)
    draw_map(flat, solution, names, colors)
    draw_relief(solid, solution, names, colors)
    figure.colorbar(colors, ax=flat, label=label, pad=0.02, aspect=30)
    draw_gap(figure.add_subplot(grid[2]), solution)


def target_scale(solution: Solution, target: str) -> tuple[ScalarMappable, str]:
    """Colors for predictions and targets alike."""
    if solution.objective.loss.name == "logistic":
        return color_scale(0.0, 1.0), f"probability of {target}"
    low, high = np.quantile(solution.objective.y, [0.02, 0.98])
    return color_scale(float(low), float(high)), target


def shown(solution: Solution, X: Array) -> Array:
    """The network's output as the pictures show it: probabilities for the logistic loss."""
    f = np.asarray(solution.network(X)).ravel()
    return expit(f) if solution.objective.loss.name == "logistic" else f


def targets_shown(solution: Solution) -> Array:
    """The targets on the scale of `shown`."""
    y = solution.objective.y
    return (y + 1.0) / 2.0 if solution.objective.loss.name == "logistic" else y


def surface(solution: Solution, points: int) -> tuple[Array, Array, Array]:
    """The network on a grid over both features."""
    A, B = np.meshgrid(*(span(column, points) for column in solution.objective.X.T))
    return A, B, shown(solution, np.column_stack([A.ravel(), B.ravel()])).reshape(A.shape)


def draw_map(axes: Axes, solution: Solution, names: list[str], colors: ScalarMappable) -> None:
    """The surface from above with the data, and a line where each hidden unit switches on."""
    A, B, F = surface(solution, 240)
    low, high = colors.get_clim()
    look: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
    axes.contourf(A, B, F, levels=np.linspace(low, high, 21), extend="both", **look)
    W, b = kinks(solution)
    draw_kink_lines(axes, solution.objective.X, W, b, colors=[KINK] * len(b), widths=[0.7] * len(b))
    X, y = solution.objective.X, targets_shown(solution)
    edge = "white" if solution.objective.loss.name == "logistic" else KINK
    axes.scatter(X[:, 0], X[:, 1], 13, y, edgecolors=edge, linewidths=0.35, **look)
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.set_title(f"{count_units(solution)}: network, data and kinks", loc="left")


def draw_relief(axes: Any, solution: Solution, names: list[str], colors: ScalarMappable) -> None:
    """The surface in space."""
    A, B, F = surface(solution, 90)
    axes.plot_surface(
        A, B, F, facecolors=colors.to_rgba(F), rcount=90, ccount=90, linewidth=0, antialiased=False
    )
    axes.set(xlabel=names[0], ylabel=names[1], zticklabels=[])
    axes.tick_params(labelsize=7, pad=-2)
    axes.set_title("the same in space", loc="left")
    axes.view_init(elev=24, azim=-125)
    axes.set_box_aspect(None, zoom=0.9)


def kinks(solution: Solution) -> tuple[Array, Array]:
    """Where the hidden units that are there have their kink or step, ``w . x + b = 0``.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    W : (k, d) array
        Their weights; empty where units of this family have neither kink nor step.
    b : (k,) array
        Their biases.

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> W, b = kinks(solution)
    >>> W.shape, b.tolist()
    ((2, 1), [0.0, 0.0])
    """
    certificate = solution.certificate
    used = (certificate.a != 0.0) & (certificate.unit_name in KINKED)
    W = certificate.W[used]
    return W, np.zeros(len(W)) if certificate.b is None else certificate.b[used]


def count_units(solution: Solution) -> str:
    """How many hidden units, in words.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.

    Returns
    -------
    str

    Examples
    --------
    >>> import cvxnet as cn
    >>> solution = cn.train("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> count_units(solution)
    '2 hidden units'
    """
    units = int((solution.certificate.a != 0.0).sum())
    return f"{units} hidden unit{'s' * (units != 1)}"


def draw_curve(axes: Axes, solution: Solution, name: str, target: str) -> None:
    """Network and data over one feature; kinks as thin lines."""
    x = solution.objective.X[:, 0]
    grid = span(x, 1001)
    W, b = kinks(solution)
    turning = W[:, 0] != 0.0
    at = -b[turning] / W[turning, 0]
    at = at[(at >= grid[0]) & (at <= grid[-1])]
    grid = np.sort(np.concatenate([grid, at]))
    for position in at:
        axes.axvline(position, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)))
    axes.plot(x, targets_shown(solution), "o", color="#5b8db8", markersize=3.5, alpha=0.7)
    axes.plot(grid, shown(solution, grid[:, None]), color=RED, linewidth=1.8)
    logistic = solution.objective.loss.name == "logistic"
    axes.set(xlabel=name, ylabel=f"probability of {target}" if logistic else target)
    axes.set_title(f"{count_units(solution)}: network, data and kinks (dashed)", loc="left")


def draw_gap(axes: Axes, solution: Solution) -> None:
    """The relative gap of the bracket after each round, on a logarithmic scale."""
    history = [
        (seconds, relative_gap(lower, upper))
        for seconds, lower, upper, _ in solution.stats["history"]
    ]
    seconds, gaps = np.array([*history, (solution.stats["seconds"], solution.gap)]).T
    axes.semilogy(seconds, np.maximum(gaps, 1e-16), "o-", color=BLUE, markersize=3.5)
    axes.set(xlabel="seconds", ylabel="(upper - lower) / upper", xlim=(0.0, None))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_title("the bracket closes", loc="left")

"""The picture of a solution: its network, data and kinks, and how the bracket closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, softmax

from cvxnet.errors import InputError
from cvxnet.plots.canvas import (
    KINK,
    RED,
    check_names,
    color_scale,
    count_units,
    draw_gap,
    draw_kink_places,
    draw_kinks_over,
    headline,
    literal,
    new_figure,
    output_colors,
    span,
    styled,
)
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.canvas import Axes, Figure, ScalarMappable

COLUMNS = 3
"""Panels side by side, where each output has one."""
PANELS = 11
"""With more outputs than that, the first ones are shown."""
FAINT = 0.25
"""How much of its color a place keeps where no class is more probable than the others."""


def plot_solution(
    solution: Solution,
    feature_names: Sequence[str] | None = None,
    target: str | Sequence[str] = "target",
) -> Figure:
    """Draw the network with its data and kinks, and how the bracket closed.

    With two features: the fitted surface from above, with a line where each hidden unit switches
    on, and in space; for classes the region of each class, paler where it is less probable; for
    several outputs a surface each. With one feature: the fitted curve, or one for each class or
    output. With more only the bracket is drawn.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.
    feature_names : sequence of str, optional
        One for each column of X.
    target : str or sequence of str
        What y is called; with several outputs a name for each of them.

    Returns
    -------
    matplotlib.figure.Figure
        Call ``savefig`` on it.

    Raises
    ------
    InputError
        For another number of names than there are features or outputs.
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
    names, targets = check_names(feature_names, X.shape[1]), target_names(solution, target)
    with styled():
        if X.shape[1] == 2:
            figure = two_features(solution, names, targets)
        elif X.shape[1] == 1:
            figure = new_figure(8.6, 3.8)
            curve, gap = figure.subplots(1, 2, width_ratios=[1.4, 1.0])
            draw_curves(curve, solution, names[0], targets)
            draw_gap(gap, solution)
        else:
            figure = new_figure(5.0, 3.8)
            draw_gap(figure.subplots(), solution)
        figure.suptitle(headline(solution), fontsize=10.5)
    return figure


def target_names(solution: Solution, target: str | Sequence[str]) -> list[str]:
    """A name for each output: those given, the classes, or the one name with a number."""
    outputs, classes = solution.objective.outputs, solution.classes
    if classes is not None:
        return [literal(label) for label in classes]
    if isinstance(target, str):
        names = [target] if outputs == 1 else [f"{target} {k}" for k in range(outputs)]
    else:
        names = list(target)
    if len(names) != outputs:
        raise InputError(f"target is {target!r}; expected {outputs} names, one an output.")
    return [literal(name) for name in names]


def two_features(solution: Solution, names: list[str], targets: list[str]) -> Figure:
    """Map, relief and gap side by side; for classes their regions, for several outputs maps."""
    if solution.classes is not None:
        figure = new_figure(9.4, 4.2)
        flat, gap = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
        draw_regions(flat, solution, names, targets)
        draw_gap(gap, solution)
        return figure
    if len(targets) > 1:
        return maps_of_outputs(solution, names, targets)
    figure = new_figure(12.0, 4.0)
    grid = figure.add_gridspec(1, 3, width_ratios=[1.35, 1.15, 0.9])
    flat = figure.add_subplot(grid[0])
    solid = figure.add_subplot(grid[1], projection="3d")
    colors = draw_map(flat, solution, 0, names, targets[0])
    flat.set_title(f"{count_units(solution)}: network, data and kinks", loc="left")
    draw_relief(solid, solution, names, colors)
    draw_gap(figure.add_subplot(grid[2]), solution)
    return figure


def maps_of_outputs(solution: Solution, names: list[str], targets: list[str]) -> Figure:
    """A map for each output, with colors of its own, and the gap at the end."""
    drawn = targets[:PANELS]
    lines = -(-(len(drawn) + 1) // COLUMNS)
    figure = new_figure(12.0, 3.6 * lines)
    panels = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for output, target in enumerate(drawn):
        draw_map(panels[output], solution, output, names, target)
        panels[output].set_title(target, loc="left")
    draw_gap(panels[len(drawn)], solution)
    for empty in panels[len(drawn) + 1 :]:
        empty.set_axis_off()
    panels[0].set_title(f"{count_units(solution)}: {drawn[0]}", loc="left")
    if len(targets) > PANELS:
        title = f"the bracket closes (drawn: {PANELS} of {len(targets)} outputs)"
        panels[len(drawn)].set_title(title, loc="left")
    return figure


def is_probability(solution: Solution) -> bool:
    """Whether pictures show probabilities and not the outputs themselves."""
    return solution.classes is not None or solution.objective.loss.name == "logistic"


def shown(solution: Solution, X: Array) -> Array:
    """The network's outputs as the pictures show them, (n, outputs)."""
    f = np.asarray(solution.network(X))
    if solution.classes is not None:
        return np.asarray(softmax(f, axis=1))
    return expit(f) if is_probability(solution) else f


def targets_shown(solution: Solution) -> Array:
    """The targets on the scale of `shown`, (n, outputs)."""
    y = solution.objective.y.reshape(len(solution.objective.y), -1)
    both_signs = is_probability(solution) and solution.classes is None
    return (y + 1.0) / 2.0 if both_signs else y


def target_scale(solution: Solution, output: int, target: str) -> tuple[ScalarMappable, str]:
    """Colors for predictions and targets of an output alike."""
    if is_probability(solution):
        return color_scale(0.0, 1.0), f"probability of {target}"
    low, high = np.quantile(targets_shown(solution)[:, output], [0.02, 0.98])
    return color_scale(float(low), float(high)), target


def surface(solution: Solution, points: int) -> tuple[Array, Array, Array]:
    """The network on a grid over both features: two (points, points), (points, points, outputs)."""
    A, B = np.meshgrid(*(span(column, points) for column in solution.objective.X.T))
    F = shown(solution, np.column_stack([A.ravel(), B.ravel()]))
    return A, B, F.reshape(*A.shape, -1)


def draw_map(
    axes: Axes, solution: Solution, output: int, names: list[str], target: str
) -> ScalarMappable:
    """An output from above with the data, and a line where each hidden unit switches on."""
    colors, label = target_scale(solution, output, target)
    A, B, F = surface(solution, 240)
    low, high = colors.get_clim()
    look: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
    axes.contourf(A, B, F[..., output], levels=np.linspace(low, high, 21), extend="both", **look)
    draw_kinks_over(axes, solution)
    X, y = solution.objective.X, targets_shown(solution)[:, output]
    edge = "white" if is_probability(solution) else KINK
    axes.scatter(X[:, 0], X[:, 1], 13, y, edgecolors=edge, linewidths=0.35, **look)
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.figure.colorbar(colors, ax=axes, label=label, pad=0.02, aspect=30)
    return colors


def draw_relief(axes: Any, solution: Solution, names: list[str], colors: ScalarMappable) -> None:
    """The surface in space."""
    A, B, F = surface(solution, 90)
    F = F[..., 0]
    axes.plot_surface(
        A, B, F, facecolors=colors.to_rgba(F), rcount=90, ccount=90, linewidth=0, antialiased=False
    )
    axes.set(xlabel=names[0], ylabel=names[1], zticklabels=[])
    axes.tick_params(labelsize=7, pad=-2)
    axes.set_title("the same in space", loc="left")
    axes.view_init(elev=24, azim=-125)
    axes.set_box_aspect(None, zoom=0.9)


def draw_regions(axes: Axes, solution: Solution, names: list[str], targets: list[str]) -> None:
    """The region of each class from above with the data, paler where it is less probable."""
    A, B, P = surface(solution, 400)
    colors, least = output_colors(len(targets)), 1.0 / len(targets)
    best = P.argmax(axis=2)
    share = FAINT + (1.0 - FAINT) * (P.max(axis=2) - least) / (1.0 - least)
    share = 0.6 * share[..., None]  # the data on top have the full color
    axes.imshow(
        share * colors[best] + 1.0 - share,
        origin="lower",
        extent=(A.min(), A.max(), B.min(), B.max()),
        aspect="auto",
        interpolation="nearest",
    )
    draw_kinks_over(axes, solution)
    X, own = solution.objective.X, targets_shown(solution).argmax(axis=1)
    for k, (color, label) in enumerate(zip(colors, targets, strict=True)):
        axes.plot(*X[own == k].T, "o", color=color, ms=4, mec="white", mew=0.4, label=label)
    axes.legend(fontsize=7, frameon=False, bbox_to_anchor=(1.0, 1.0), loc="upper left")
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.set_title(f"{count_units(solution)}: regions, data and kinks", loc="left")


def draw_curves(axes: Axes, solution: Solution, name: str, targets: list[str]) -> None:
    """Network and data over one feature, a color for each output; kinks as thin lines."""
    x, y = solution.objective.X[:, 0], targets_shown(solution)
    grid = draw_kink_places(axes, solution, span(x, 1001))
    curves = shown(solution, grid[:, None])
    one = len(targets) == 1
    colors = [RED] if one else list(output_colors(len(targets)))
    for k, (color, label) in enumerate(zip(colors, targets, strict=True)):
        drawn = y[:, k] == 1.0 if solution.classes is not None else slice(None)
        look: dict[str, Any] = {"color": "#5b8db8" if one else color, "ms": 3.5, "alpha": 0.7}
        axes.plot(x[drawn], y[drawn, k], "o", **look)
        axes.plot(grid, curves[:, k], color=color, linewidth=1.8, label=label)
    if not one:
        axes.legend(fontsize=7, frameon=False)
    what = targets[0] if one else ""
    chance = f"probability of {what}" if one else "probability"
    axes.set(xlabel=name, ylabel=chance if is_probability(solution) else what)
    axes.set_title(f"{count_units(solution)}: network, data and kinks (dashed)", loc="left")

"""Pictures of runs: how far from the optimum, how often there, on which way, with which units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.networks import weights_with
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Results
from cvxnet.baselines.table import near
from cvxnet.plots.canvas import (
    headline,
)
from cvxnet.plots.excesses import draw_gaps, draw_own_gaps, draw_parts, look
from cvxnet.plots.style import (
    GREY,
    LINES,
    WIDTH,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.plots.subject import Scale, columns_of, count_units
from cvxnet.plots.units import Over, draw_units
from cvxnet.plots.ways import draw_curves
from cvxnet.training.solution import Solution

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

BAR: Any = {"linewidth": 7.0, "alpha": 0.35}
FILLS: Sequence[dict[str, Any]] = ({}, {"markerfacecolor": "white"})
"""How markers of the two tolerances differ."""


def plot_runs(
    runs: Results, feature_names: Sequence[str] | None = None, *, scale: Scale | None = None
) -> Figure:
    """Final excess, success rates, and the excess over epochs and time, beside the bracket.

    Where the optima of widths were looked for, also how much of the excess is the width's part and
    how much the optimiser's. With one or two features also the units of the optimum, and of the
    median run of the first optimiser, at the narrowest width that has an optimum of its own or else
    at the largest. Where the bracket does not tell, what is drawn is the range of what is possible,
    and the legend says so.

    Parameters
    ----------
    runs : Results
        What `cvxnet.compare` returned.
    feature_names : sequence of str, optional
        One for each column of X.
    scale : pair of (d,) arrays, optional
        ``(mean, scale)``, where the networks were trained on ``(X - mean) / scale``: axes then show
        X itself.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> import cvxnet as cn
    >>> runs = cn.compare(
    ...     "relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, optimizers="lbfgs", seeds=2
    ... )
    >>> [axes.get_ylabel() for axes in plot_runs(runs).axes][:2]
    ['excess at the end', 'share of runs']
    """
    names, (mean, spread) = columns_of(runs.solution, feature_names, scale)
    over = Over(names, mean, spread)
    plan = layout(runs)
    with styled():
        figure = new_figure(WIDTH, 4.2 * len(plan))
        panels = figure.subplot_mosaic(plan)
        notes = [DRAWN[name](axes, runs, over) for name, axes in panels.items()]
        head(figure, headline(runs.solution), dict.fromkeys(notes))
    return figure


def layout(runs: Results) -> Any:
    """Which panels there are, in rows."""
    drawable = runs.objective.X.shape[1] <= 2
    if runs.width_solutions:
        rows = [["ends", "parts", "own ends"], ["success", "epochs", "clock"]]
        return [*rows, ["exact units", "width units", "median units"]] if drawable else rows
    rows = [["ends", "success"], ["epochs", "clock"]]
    more = ["exact units"], ["median units"]
    return [row + units for row, units in zip(rows, more, strict=True)] if drawable else rows


def draw_success(axes: Axes, runs: Results) -> str:
    """The share of runs within each tolerance, by width: what is known, or a bar where it is not.

    The bar is from what is proved to what is possible.
    """
    kinds = [(name, i) for name in runs.protocol.optimizers for i in range(len(TOLERANCES))]
    shifts = (np.arange(len(kinds)) - (len(kinds) - 1) / 2.0) * 0.6 / len(kinds)
    bars = [
        draw_shares(axes, runs, *kind, shift) for kind, shift in zip(kinds, shifts, strict=True)
    ]
    for i, tolerance in enumerate(TOLERANCES):
        grey = {"color": GREY, "marker": "o", "linestyle": LINES[i]} | FILLS[i]
        axes.plot([], [], label=f"within {100.0 * tolerance:g} %", **grey)
    if any(bars):
        axes.vlines([], [], [], color=GREY, label="unknown: between", **BAR)
    widths = runs.protocol.widths
    axes.set_xticks(range(len(widths)), [str(width) for width in widths])
    axes.set(xlabel="width", ylabel="share of runs", ylim=(-0.04, 1.04))
    axes.set_xlim(-0.5, len(widths) - 0.5)
    axes.legend(fontsize=8.0, loc="best")
    whose = " of their width" if runs.width_solutions else ""
    entitle(axes, f"How many came close to the optimum{whose}")
    return ""


def draw_shares(axes: Axes, runs: Results, optimizer: str, i: int, shift: float) -> bool:
    """The shares of an optimiser within one of the tolerances; whether some are not known."""
    groups = [group for group in runs.groups if group.optimizer == optimizer]
    at = np.array([runs.protocol.widths.index(group.width) + shift for group in groups])
    ends = [np.array(near(runs, group, TOLERANCES[i])) / len(group.seeds) for group in groups]
    least, most = np.transpose(ends) if ends else np.zeros((2, 0))
    style = look(optimizer, markersize=7.0, linestyle=LINES[i], linewidth=1.2) | FILLS[i]
    label = OPTIMIZERS[optimizer].label if i == 0 else None
    axes.plot(at, np.where(least == most, least, np.nan), label=label, **style)
    unknown = least < most
    axes.vlines(at[unknown], least[unknown], most[unknown], color=style["color"], **BAR)
    return bool(unknown.any())


def draw_median_run(axes: Axes, runs: Results, over: Over) -> str:
    """The units of the run in the middle: first optimiser, at the width that is looked at."""
    name = runs.groups[0].optimizer
    finished = [group.width for group in runs.groups if group.optimizer == name]
    group = runs.group(name, min(set(finished) & set(runs.width_solutions), default=max(finished)))
    order = [k for k in np.argsort(group.objective) if np.isfinite(group.objective[k])]
    if not order:
        entitle(axes, f"{name}, width {group.width}: every run diverged")
        axes.set_axis_off()
        return ""
    middle = order[len(order) // 2]
    w = weights_with(runs.objective, *runs.weights(name, group.width, group.seeds[middle]))
    most, known = group.excess[middle, 1], "excess"
    if group.width in runs.width_solutions:
        most, known = group.above_width[middle, 1], "above the optimum of the width"
    said = f"{known} <= {most:.1e}" if np.isfinite(most) else "excess not known"
    entitle(axes, f"{name}, width {group.width}, median run: {said}")
    return draw_units(axes, runs.objective, (w.W, w.b, w.a), over)


def draw_exact_units(axes: Axes, runs: Results, over: Over) -> str:
    """The units of the exact network."""
    entitle(axes, f"Exact: {count_units(runs.solution)}")
    return draw_solution(axes, runs.solution, over)


def draw_width_units(axes: Axes, runs: Results, over: Over) -> str:
    """The units of the best network of the narrowest width that has an optimum of its own."""
    width = min(runs.width_solutions)
    solution = runs.width_solutions[width]
    what = "optimal" if solution.status == "optimal" else "best known"
    entitle(axes, f"Width {width}, {what}: {count_units(solution)}")
    return draw_solution(axes, solution, over)


def draw_solution(axes: Axes, solution: Solution, over: Over) -> str:
    """The units of a solution."""
    certificate = solution.certificate
    weights = certificate.W, certificate.b, certificate.a
    return draw_units(axes, solution.objective, weights, over)


Panel = Callable[["Axes", Results, Over], str]
DRAWN: dict[str, Panel] = {
    "ends": lambda axes, runs, over: draw_gaps(axes, runs),
    "parts": lambda axes, runs, over: draw_parts(axes, runs),
    "own ends": lambda axes, runs, over: draw_own_gaps(axes, runs),
    "success": lambda axes, runs, over: draw_success(axes, runs),
    "epochs": lambda axes, runs, over: draw_curves(axes, runs, "epochs"),
    "clock": lambda axes, runs, over: draw_curves(axes, runs, "clock"),
    "exact units": draw_exact_units,
    "width units": draw_width_units,
    "median units": draw_median_run,
}
"""What draws each panel; it returns what is to be said of it."""

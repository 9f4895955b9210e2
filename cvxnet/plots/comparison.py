"""Pictures of runs: how far from the optimum, how often there, on which way, with which units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.networks import weights_with
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Group, Results
from cvxnet.plots.canvas import (
    BLUE,
    GREY,
    KINK,
    RED,
    check_names,
    draw_kink_lines,
    headline,
    new_figure,
    span,
    styled,
    unit_colors,
)
from cvxnet.proofs.gaps import excess
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.canvas import Axes, Figure

COLORS = {"sgd": RED, "adam": BLUE, "adamw": "#8c6bb1", "lbfgs": "#1b7837"}
MARKERS = {"sgd": "o", "adam": "s", "adamw": "^", "lbfgs": "D"}
LINES: Sequence[Any] = ("-", "--", ":", "-.")
BAND = "#dcdcdc"
LEAST = 1e-8
"""An excess below is drawn here."""


def plot_runs(runs: Results, feature_names: Sequence[str] | None = None) -> Figure:
    """Final excess, success rates, and the excess over epochs and time, beside the bracket.

    With one or two features also the units of the optimum, and of the median run of the first
    optimiser at the largest width.

    Parameters
    ----------
    runs : Results
        What `cvxnet.compare` returned.
    feature_names : sequence of str, optional
        One for each column of X.

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
    >>> runs = cn.compare(
    ...     "relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, optimizers="lbfgs", seeds=2
    ... )
    >>> [axes.get_ylabel() for axes in plot_runs(runs).axes][:2]
    ['excess at the end', 'share of runs']
    """
    d = runs.objective.X.shape[1]
    names = check_names(feature_names, d)
    with styled():
        figure = new_figure(13.0 if d <= 2 else 9.0, 7.0)
        panels = figure.subplots(2, 3 if d <= 2 else 2)
        draw_gaps(panels[0, 0], runs)
        draw_success(panels[0, 1], runs)
        draw_curves(panels[1, 0], runs, "epochs")
        draw_curves(panels[1, 1], runs, "clock")
        if d <= 2:
            certificate = runs.solution.certificate
            draw_units(panels[0, 2], runs, (certificate.W, certificate.b, certificate.a), names)
            panels[0, 2].set_title(f"exact: {runs.solution.units} units", loc="left")
            draw_median_run(panels[1, 2], runs, names)
        figure.suptitle(headline(runs.solution), fontsize=10.5)
    return figure


def draw_bracket(axes: Axes, runs: Results) -> None:
    """The bracket as a band: where the optimum may be, if it is not at the lower bound."""
    axes.set_yscale("log")
    top = float(np.clip(runs.excess(np.array([runs.best]))[0, 1], LEAST, 1.0))
    axes.axhspan(LEAST / 10.0, top, color=BAND, linewidth=0, zorder=0)
    axes.set_ylim(min(top, 1e-6) / 3.0, 2.0)


def draw_gaps(axes: Axes, runs: Results) -> None:
    """For each run a point at its largest excess, and a line down to its smallest.

    Those that diverged are on the upper edge.
    """
    draw_bracket(axes, runs)
    for tolerance in TOLERANCES:
        axes.axhline(tolerance, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)))
    for place, group in enumerate(runs.groups):
        spread = np.linspace(-0.3, 0.3, len(group.seeds)) if len(group.seeds) > 1 else np.zeros(1)
        least, most = np.clip(group.excess, axes.get_ylim()[0] * 1.2, axes.get_ylim()[1]).T
        axes.plot(place + spread, most, clip_on=False, linestyle="", **look(group))
        axes.vlines(place + spread, least, most, color=COLORS[group.optimizer], lw=0.6, alpha=0.5)
    axes.set_xticks(
        range(len(runs.groups)), [f"{g.optimizer}\n{g.width}" for g in runs.groups], fontsize=7.5
    )
    axes.set_ylabel("excess at the end")
    axes.set_title("where each run ended (grey: the bracket)", loc="left")


def look(group: Group) -> dict[str, Any]:
    """Color and marker of an optimiser's points."""
    name = group.optimizer
    return {"color": COLORS[name], "marker": MARKERS[name], "markersize": 3.5, "alpha": 0.75}


def draw_success(axes: Axes, runs: Results) -> None:
    """The share of runs within each tolerance, by width: proved, and shaded what is possible."""
    for name in runs.protocol.optimizers:
        groups = [group for group in runs.groups if group.optimizer == name]
        widths = [group.width for group in groups]
        label: str | None = OPTIMIZERS[name].label
        for tolerance, line in zip(TOLERANCES, LINES, strict=False):
            ends = [np.array(group.within(tolerance)) / len(group.seeds) for group in groups]
            least, most = np.transpose(ends) if ends else ((), ())
            axes.plot(
                widths, least, line, color=COLORS[name], marker=MARKERS[name], ms=4.5, label=label
            )
            axes.fill_between(widths, least, most, color=COLORS[name], alpha=0.12, linewidth=0)
            label = None
    for tolerance, line in zip(TOLERANCES, LINES, strict=False):
        axes.plot([], [], line, color=GREY, label=f"within {tolerance:g}")
    axes.set_xscale("log")
    axes.set_xticks(runs.protocol.widths, [str(width) for width in runs.protocol.widths])
    axes.minorticks_off()
    axes.set(xlabel="width", ylabel="share of runs", ylim=(-0.03, 1.03))
    axes.legend(fontsize=7, frameon=False)
    axes.set_title("how often within 1 % and 0.01 % of the optimum", loc="left")


def draw_curves(axes: Axes, runs: Results, over: str) -> None:
    """The excess, at most, of every run on its way, over ``"epochs"`` or over the ``"clock"``."""
    draw_bracket(axes, runs)
    for record in runs.records:
        line = LINES[runs.protocol.widths.index(record.width) % len(LINES)]
        for x, curve in zip(getattr(record, over), record.curve, strict=True):
            y = np.clip(runs.excess(curve)[:, 1], LEAST, None)
            y[~np.isfinite(y)] = np.nan
            axes.plot(
                x[1:], y[1:], linestyle=line, color=COLORS[record.optimizer], lw=0.6, alpha=0.45
            )
    axes.set(xscale="log", ylabel="excess, at most")
    if over == "epochs":
        axes.set_xlabel("epochs (L-BFGS: evaluations)")
        axes.set_title("the way there; line style: width", loc="left")
        draw_width_legend(axes, runs)
        return
    history = runs.solution.stats["history"]
    before = runs.exact_seconds - runs.solution.stats["seconds"]
    seconds = [before + entry[0] for entry in history]
    ends = [excess(upper, lower, upper)[1] for _, lower, upper, _ in history]
    last = excess(runs.solution.value, runs.solution.lower_bound, runs.best)[1]
    drawn = np.array([*ends, last])
    drawn[~np.isfinite(drawn)] = np.nan
    axes.plot(
        [*seconds, runs.exact_seconds],
        np.maximum(drawn, LEAST),
        color=KINK,
        linewidth=1.8,
        label="exact: (upper - lower) / lower",
    )
    axes.set_xlabel("seconds (SGD, Adam: of a whole batch; tuning not counted)")
    axes.legend(fontsize=7, frameon=False, loc="lower left")
    axes.set_title("the same over time, beside the exact solution", loc="left")


def draw_width_legend(axes: Axes, runs: Results) -> None:
    """Which line style is which width."""
    for place, width in enumerate(runs.protocol.widths):
        axes.plot([], [], LINES[place % len(LINES)], color=GREY, label=f"width {width}")
    axes.legend(fontsize=7, frameon=False, loc="lower left")


def draw_median_run(axes: Axes, runs: Results, names: list[str]) -> None:
    """The units of the run in the middle: first optimiser, largest width that is finished."""
    name = runs.groups[0].optimizer
    group = max((g for g in runs.groups if g.optimizer == name), key=lambda g: g.width)
    order = [k for k in np.argsort(group.objective) if np.isfinite(group.objective[k])]
    if not order:
        axes.set_title(f"{name}, width {group.width}: every run diverged", loc="left")
        return
    middle = order[len(order) // 2]
    w = weights_with(runs.objective, *runs.weights(name, group.width, group.seeds[middle]))
    draw_units(axes, runs, (w.W, w.b, w.a), names)
    title = f"{name}, width {group.width}, median run: excess <= {group.excess[middle, 1]:.1e}"
    axes.set_title(title, loc="left")


def draw_units(
    axes: Axes, runs: Results, weights: tuple[Array, Array | None, Array], names: list[str]
) -> None:
    """Where each unit's input is zero; thicker for larger units, red and blue for their sign.

    With several outputs the color is that of the output on which a unit has the largest effect.
    """
    W, b, a = weights
    b = np.zeros(len(W)) if b is None else b
    order = 1 if runs.objective.norm == "l1" else 2
    outer = np.linalg.norm(a.reshape(len(W), -1), axis=1)
    size = np.linalg.norm(np.column_stack([W, b]), axis=1, ord=order) * outer
    share = size / max(float(size.max()), np.finfo(float).tiny)
    colors, up = unit_colors(a), np.sign(a) if a.ndim == 1 else 1.0
    if len(names) == 1:
        draw_kinks(axes, runs, slope=W[:, 0], shift=b, height=up * size, colors=colors)
        axes.set(xlabel=names[0], ylabel="size of the unit" + ", signed" * (a.ndim == 1))
        return
    axes.plot(*runs.objective.X.T, "o", color=GREY, markersize=2.0, alpha=0.6)
    large = share > 1e-3
    draw_kink_lines(
        axes,
        runs.objective.X,
        W=W[large],
        b=b[large],
        colors=colors[large],
        widths=0.3 + 2.2 * share[large],
    )
    axes.set(xlabel=names[0], ylabel=names[1])


def draw_kinks(
    axes: Axes, runs: Results, slope: Array, shift: Array, height: Array, colors: Any
) -> None:
    """With one feature: a stem where each unit's input is zero, as high as the unit is large."""
    grid = span(runs.objective.X[:, 0], 2)
    axes.axhline(0.0, color=GREY, linewidth=0.7)
    axes.plot(runs.objective.X[:, 0], 0.0 * runs.objective.X[:, 0], "o", color=GREY, markersize=4)
    for w, c, h, color in zip(slope, shift, height, colors, strict=True):
        if w:
            axes.plot(2 * [-c / w], [0.0, h], color=color, linewidth=1.4, alpha=0.8)
    axes.set_xlim(float(grid[0]) - 1.0, float(grid[-1]) + 1.0)

"""Pictures of runs: how far from the optimum, how often there, on which way, with which units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.networks import weights_with
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Group, Results
from cvxnet.plots.canvas import (
    Range,
    draw_lines,
    headline,
    left_out,
    segments,
    use_logarithm,
    view_of,
)
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    LINES,
    PALE,
    RED,
    WIDTH,
    color_of,
    entitle,
    head,
    marker_of,
    new_figure,
    say_nothing_to_see,
    styled,
)
from cvxnet.plots.subject import Scale, columns_of, count_units
from cvxnet.proofs.gaps import excess
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

LEAST, MOST = 1e-8, 1e4
"""An excess below or above is drawn here."""
VISIBLE = 1e-3
"""Units smaller than this share of the largest are not drawn over two features."""
BAR: Any = {"linewidth": 7.0, "alpha": 0.35}
FILLS: Sequence[dict[str, Any]] = ({}, {"markerfacecolor": "white"})
"""How markers of the two tolerances differ."""
UNKNOWN = "The excess is not known: the lower bound is 0."


def plot_runs(
    runs: Results, feature_names: Sequence[str] | None = None, *, scale: Scale | None = None
) -> Figure:
    """Final excess, success rates, and the excess over epochs and time, beside the bracket.

    With one or two features also the units of the optimum, and of the median run of the first
    optimiser at the largest width. Where the bracket does not tell, what is drawn is the range of
    what is possible, and the legend says so.

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
    d = runs.objective.X.shape[1]
    names, (mean, spread) = columns_of(runs.solution, feature_names, scale)
    over = Over(names, mean, spread)
    with styled():
        figure = new_figure(WIDTH, 8.4)
        panels = figure.subplots(2, 3 if d <= 2 else 2)
        notes = [draw_gaps(panels[0, 0], runs)]
        draw_success(panels[0, 1], runs)
        draw_curves(panels[1, 0], runs, "epochs")
        draw_curves(panels[1, 1], runs, "clock")
        if d <= 2:
            certificate = runs.solution.certificate
            exact = certificate.W, certificate.b, certificate.a
            entitle(panels[0, 2], f"Exact: {count_units(runs.solution)}")
            notes += [
                draw_units(panels[0, 2], runs, exact, over),
                draw_median_run(panels[1, 2], runs, over),
            ]
        head(figure, headline(runs.solution), dict.fromkeys(notes))
    return figure


@dataclass(frozen=True)
class Over:
    """What units are drawn over: the names of features, and mean and scale of their columns."""

    names: list[str]
    mean: Array
    scale: Array


def place_of(optimizer: str) -> int:
    """The number that gives an optimiser its color and marker."""
    return list(OPTIMIZERS).index(optimizer)


def look(optimizer: str, **more: Any) -> dict[str, Any]:
    """Color and marker of an optimiser's points."""
    k = place_of(optimizer)
    return {"color": color_of(k), "marker": marker_of(k), "markersize": 4.5} | more


def draw_bracket(axes: Axes, runs: Results) -> None:
    """The bracket as a band: where the optimum may be, if it is not at the lower bound."""
    ends = np.concatenate([group.excess[:, 0] for group in runs.groups])
    above = float(ends[np.isfinite(ends)].max(initial=1.0))
    use_logarithm(axes, "y")
    top = float(np.clip(runs.excess(np.array([runs.best]))[0, 1], LEAST, 1.0))
    axes.axhspan(LEAST / 10.0, top, color=PALE, linewidth=0, zorder=0)
    axes.set_ylim(min(top, 1e-6) / 3.0, 2.0 * float(np.clip(above, 1.0, MOST)))


def draw_gaps(axes: Axes, runs: Results) -> str:
    """For each run a point at its largest excess, and a line down to its smallest.

    Where the largest is not known, a hollow point at the smallest and a line up. Those that
    diverged are crosses at the upper edge. Returns what is to be said of it.
    """
    draw_bracket(axes, runs)
    for tolerance in TOLERANCES:
        axes.axhline(tolerance, color=GREY, linewidth=0.9, linestyle=DASHED)
    view = axes.get_ylim()[0] * 1.2, axes.get_ylim()[1]
    for place, group in enumerate(runs.groups):
        at = place + (np.linspace(-0.3, 0.3, len(group.seeds)) if len(group.seeds) > 1 else 0.0)
        at = np.broadcast_to(at, len(group.seeds))
        draw_ends(axes, at, group, view)
    axes.set_xticks(
        range(len(runs.groups)), [f"{g.optimizer}\n{g.width}" for g in runs.groups], fontsize=8.0
    )
    axes.set_ylabel("excess at the end")
    entitle(axes, "Where each run ended, by width (grey: the bracket)")
    unknown = any((np.isinf(g.excess) == (False, True)).all(axis=1).any() for g in runs.groups)
    return "Hollow points: the excess is at least that, and not known." if unknown else ""


def draw_ends(axes: Axes, at: Array, group: Group, view: Range) -> None:
    """The runs of one group side by side."""
    least, most = np.clip(group.excess, *view).T
    diverged = np.isinf(group.excess[:, 0])
    unknown = np.isinf(group.excess[:, 1]) & ~diverged
    known = ~diverged & ~unknown
    style = look(group.optimizer, linestyle="", clip_on=False, alpha=0.8)
    axes.vlines(at, least, most, color=style["color"], linewidth=0.8, alpha=0.6)
    for some, heights, more in (
        (known, most, {}),
        (unknown, least, {"markerfacecolor": "white"}),
        (diverged, most, {"marker": "x"}),
    ):
        if some.any():  # an empty line that is not clipped would stand at the origin
            axes.plot(at[some], heights[some], **style | more)


def draw_success(axes: Axes, runs: Results) -> None:
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
    entitle(axes, "How many came close to the optimum")


def draw_shares(axes: Axes, runs: Results, optimizer: str, i: int, shift: float) -> bool:
    """The shares of an optimiser within one of the tolerances; whether some are not known."""
    groups = [group for group in runs.groups if group.optimizer == optimizer]
    at = np.array([runs.protocol.widths.index(group.width) + shift for group in groups])
    ends = [np.array(group.within(TOLERANCES[i])) / len(group.seeds) for group in groups]
    least, most = np.transpose(ends) if ends else np.zeros((2, 0))
    style = look(optimizer, markersize=7.0, linestyle=LINES[i], linewidth=1.2) | FILLS[i]
    label = OPTIMIZERS[optimizer].label if i == 0 else None
    axes.plot(at, np.where(least == most, least, np.nan), label=label, **style)
    unknown = least < most
    axes.vlines(at[unknown], least[unknown], most[unknown], color=style["color"], **BAR)
    return bool(unknown.any())


def draw_curves(axes: Axes, runs: Results, over: str) -> None:
    """The excess, at most, of every run on its way, over ``"epochs"`` or over the ``"clock"``."""
    draw_bracket(axes, runs)
    drawn = 0
    for record in runs.records:
        line = LINES[runs.protocol.widths.index(record.width) % len(LINES)]
        for x, curve in zip(getattr(record, over), record.curve, strict=True):
            y = np.clip(runs.excess(curve)[:, 1], LEAST, None)
            seen = np.isfinite(y) & (np.arange(len(y)) > 0)
            style = look(record.optimizer, linestyle=line, linewidth=0.7, alpha=0.5)
            axes.plot(x[seen], y[seen], markevery=[-1] if seen.any() else [], **style)
            drawn += int(seen.sum())
    use_logarithm(axes, "x")
    axes.set_ylabel("excess, at most")
    if over == "epochs":
        axes.set_xlabel("epochs (L-BFGS: evaluations)")
        entitle(axes, "The way there; line style: width")
        for place, width in enumerate(runs.protocol.widths):
            line = LINES[place % len(LINES)]
            axes.plot([], [], linestyle=line, color=GREY, label=f"width {width}")
        axes.legend(fontsize=8.0, loc="lower left")
    else:
        axes.set_xlabel("seconds (of a batch, without tuning)")
        drawn += draw_exact(axes, runs)
        entitle(axes, "The same over time, beside the exact solution")
    if not drawn:
        say_nothing_to_see(axes, UNKNOWN)


def draw_exact(axes: Axes, runs: Results) -> int:
    """How the bracket of the exact solution closed; how many points that has."""
    history = runs.solution.stats["history"]
    before = runs.exact_seconds - runs.solution.stats["seconds"]
    seconds = np.array([*(before + entry[0] for entry in history), runs.exact_seconds])
    ends = [excess(upper, lower, upper)[1] for _, lower, upper, _ in history]
    last = excess(runs.solution.value, runs.solution.lower_bound, runs.best)[1]
    drawn = np.maximum([*ends, last], LEAST)
    seen = np.isfinite(drawn)
    if seen.any():
        style: dict[str, Any] = {"marker": "*", "markevery": [-1], "markersize": 11.0}
        style |= {"color": INK, "linewidth": 2.5, "label": "exact: (upper - lower) / lower"}
        axes.plot(seconds[seen], drawn[seen], **style)
        axes.legend(fontsize=8.0, loc="lower left")
    return int(seen.sum())


def draw_median_run(axes: Axes, runs: Results, over: Over) -> str:
    """The units of the run in the middle: first optimiser, largest width that is finished."""
    name = runs.groups[0].optimizer
    group = max((g for g in runs.groups if g.optimizer == name), key=lambda g: g.width)
    order = [k for k in np.argsort(group.objective) if np.isfinite(group.objective[k])]
    if not order:
        entitle(axes, f"{name}, width {group.width}: every run diverged")
        axes.set_axis_off()
        return ""
    middle = order[len(order) // 2]
    w = weights_with(runs.objective, *runs.weights(name, group.width, group.seeds[middle]))
    most = group.excess[middle, 1]
    known = f"excess <= {most:.1e}" if np.isfinite(most) else "excess not known"
    entitle(axes, f"{name}, width {group.width}, median run: {known}")
    return draw_units(axes, runs, (w.W, w.b, w.a), over)


def draw_units(
    axes: Axes, runs: Results, weights: tuple[Array, Array | None, Array], over: Over
) -> str:
    """Where each unit's input is zero; larger for larger units, by color and line their sign.

    With several outputs the color is that of the output on which a unit has the largest effect.
    Returns what is to be said of it.
    """
    W, b, a = weights
    b = np.zeros(len(W)) if b is None else b
    order = 1 if runs.objective.norm == "l1" else 2
    outer = np.linalg.norm(a.reshape(len(W), -1), axis=1)
    size = np.linalg.norm(np.column_stack([W, b]), axis=1, ord=order) * outer
    there = size > VISIBLE * size.max(initial=0.0)
    if not there.any():
        say_nothing_to_see(axes, "no hidden units")
        return ""
    a, size = a[there], size[there]
    W = W[there] / over.scale
    b = b[there] - W @ over.mean
    X = over.mean + over.scale * runs.objective.X
    draw = draw_stems if len(over.names) == 1 else draw_kink_lines
    return draw(axes, X, (W, b), (a, size), over.names)


def unit_colors(a: Array) -> list[str]:
    """A color for each hidden unit by its output weights, (m,) or (m, c).

    Of their sign; with several outputs that of the output where it is largest.
    """
    if a.ndim == 1:
        return [RED if weight > 0.0 else BLUE for weight in a]
    return [color_of(int(k)) for k in np.abs(a).argmax(axis=1)]


def draw_kink_lines(
    axes: Axes, X: Array, lines: tuple[Array, Array], sizes: tuple[Array, Array], names: list[str]
) -> str:
    """With two features: a line, dashed where the output weight is negative."""
    (a, size), box = sizes, [view_of(column) for column in X.T]
    axes.set(xlim=box[0], ylim=box[1], xlabel=names[0], ylabel=names[1])
    axes.plot(*X.T, "o", color=GREY, markersize=2.5, alpha=0.6)
    hidden = 0
    for w, shift, weight, share, color in zip(
        *lines, a, size / size.max(), unit_colors(a), strict=True
    ):
        found = segments(w[None], np.array([shift]), box)
        negative = a.ndim == 1 and weight < 0.0
        dashes = (0, (5, 2)) if negative else "-"
        draw_lines(axes, found, colors=color, linewidths=0.5 + 2.5 * share, linestyles=dashes)
        hidden += not found
    signs = "Lines: red of positive, blue and dashed of negative units." if a.ndim == 1 else ""
    return f"{signs} {left_out({'units': (hidden, len(a))})}".strip()


def draw_stems(
    axes: Axes, X: Array, lines: tuple[Array, Array], sizes: tuple[Array, Array], names: list[str]
) -> str:
    """With one feature: a stem where each unit's input is zero, as high as the unit is large."""
    (slope, shift), (a, size) = lines, sizes
    view = view_of(X[:, 0], margin=0.25)
    axes.set_xlim(view)
    axes.axhline(0.0, color=GREY, linewidth=0.9)
    axes.plot(X[:, 0], 0.0 * X[:, 0], "o", color=GREY, markersize=5.0)
    heights = np.sign(a) * size if a.ndim == 1 else size
    hidden = 0
    for w, c, h, color in zip(slope[:, 0], shift, heights, unit_colors(a), strict=True):
        at = -c / w if w else np.inf
        if view[0] <= at <= view[1]:
            axes.plot([at, at], [0.0, h], color=color, linewidth=1.8, alpha=0.85)
        else:
            hidden += 1
    axes.set(xlabel=names[0], ylabel="size of the unit" + ", signed" * (a.ndim == 1))
    return left_out({"units": (hidden, len(a))})

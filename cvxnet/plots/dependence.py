"""What the network predicts on average as one feature changes, and where optimal networks differ.

The average over the samples with one feature set to a value is called its partial dependence
(Friedman 2001). It is linear in the coefficients of `cvxnet.training.optimal_set`, so that its
range over all optimal networks, as far as pricing finds their units, comes from linear programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.errors import SolverError, UnsupportedError
from cvxnet.plots.canvas import counted, some_of, spread_legend, view_of
from cvxnet.plots.style import (
    BLUE,
    GREY,
    SKY,
    TITLE,
    color_of,
    line_of,
    say_nothing_to_see,
    short,
)
from cvxnet.plots.subject import Subject
from cvxnet.plots.weights import importance
from cvxnet.training.optimal_set import optimal_set
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

FEATURES, OUTPUTS = 3, 6
"""How many of each are drawn at most."""
POINTS, ROWS = 25, 200
"""Values of a feature, and samples that are averaged over."""
WORK = 1e7
"""What exact pricing may take to find the units of other optimal networks, in rows looked at."""
SEEN = 1e-6
"""Ranges narrower than this share of the range of the targets are one line."""
ENTRIES = 60_000
"""Linear programs with more entries would take too long for a picture."""
NAMES = 22


def draw_dependence(figure: Figure, spec: Any, subject: Subject) -> list[str]:
    """A curve for each output over each of the features that units look at most."""
    weights = importance(subject)
    chosen = [int(j) for j in np.argsort(-weights, kind="stable")[:FEATURES] if weights[j] > 0.0]
    if not chosen:
        say_nothing_to_see(figure.add_subplot(spec), "The network does not depend on any feature.")
        return []
    rows = subject.X[some_of(len(subject.X), ROWS)]
    grids = {j: values_of(subject.X[:, j]) for j in chosen}
    bands, note = bands_of(subject, rows, grids)
    panels = spec.subgridspec(1, len(chosen)).subplots(sharey=True, squeeze=False)[0]
    drawn = subject.main_outputs(OUTPUTS)
    scores, what = scale_of(subject)
    for axes, (j, grid) in zip(panels, grids.items(), strict=True):
        if j in bands:
            axes.fill_between(grid, *bands[j], color=SKY, alpha=0.5, linewidth=0)
        curves = averages(scores, rows, j, grid)[:, drawn]
        draw_curves(axes, subject, drawn, grid, curves)
        axes.set_xlabel(short(subject.features[j], NAMES))
        draw_rug(axes, rows[(rows[:, j] >= grid[0]) & (rows[:, j] <= grid[-1]), j])
    panels[0].set_ylabel(what)
    panels[0].set_title("Average over the samples, as one feature changes", fontsize=TITLE)
    if len(drawn) > 1:
        spread_legend(panels[-1], len(drawn), loc="upper left", bbox_to_anchor=(1.0, 1.0))
    about = "" if len(rows) == len(subject.X) else f"Averages are over {len(rows)} samples."
    kind = "classes" if subject.softmax else "outputs"
    return [counted(len(drawn), subject.outputs, f"{kind} in the averages"), about, note]


def draw_rug(axes: Axes, at: Array) -> None:
    """Where the samples are."""
    height = np.full(len(at), 0.02)
    axes.plot(at, height, "|", color=GREY, markersize=7.0, transform=axes.get_xaxis_transform())


def draw_curves(axes: Axes, subject: Subject, drawn: list[int], grid: Array, curves: Array) -> None:
    """The averages, with a point at each value where a feature has few."""
    several = len(drawn) > 1
    for place, k in enumerate(drawn):
        look = {"color": color_of(place) if several else BLUE, "linestyle": line_of(place)}
        marker = "o" if len(grid) < POINTS else ""
        label = short(subject.targets[k], NAMES) if several else None
        axes.plot(grid, curves[:, place], marker=marker, markersize=5.0, label=label, **look)


def values_of(column: Array) -> Array:
    """The values of a feature, where there are few, or some evenly spread over its range."""
    view = view_of(column, margin=0.0)
    values = np.unique(column)
    values = values[(values >= view[0]) & (values <= view[1])]
    return values if len(values) < POINTS else np.linspace(*view, POINTS)


def averages(f: Callable[[Array], Array], rows: Array, j: int, grid: Array) -> Array:
    """The average of each output with feature j set to each value, (values, outputs)."""
    changed = np.tile(rows, (len(grid), 1))
    changed[:, j] = np.repeat(grid, len(rows))
    told = f(changed)
    return np.asarray(told.reshape(len(grid), len(rows), -1).mean(axis=1))


def scale_of(subject: Subject) -> tuple[Callable[[Array], Array], str]:
    """What is averaged, and what it is called."""
    if subject.outputs == 1:
        if not subject.labels:
            return subject.values, subject.targets[0]
        kind = "log-odds" if subject.probable else "score"
        return subject.values, f"{kind} of {subject.labels[1]}"
    if subject.probable:
        return subject.shown, "probability"
    if subject.labels:
        return subject.values, "score"
    middle, spread = subject.y.mean(axis=0), subject.y.std(axis=0)
    spread = np.where(np.ptp(subject.y, axis=0) > 0.0, spread, 1.0)
    return lambda X: (subject.values(X) - middle) / spread, "in sd of each target"


def bands_of(
    subject: Subject, rows: Array, grids: dict[int, Array]
) -> tuple[dict[int, tuple[Array, Array]], str]:
    """The range of each average over all optimal networks, and what is to be said of it.

    Empty where there is but one network, and where the range is not known.
    """
    solution = subject.solution
    kind = "optimal networks" if solution.status == "optimal" else "networks as good"
    try:
        found = optimal_set(solution, WORK)
        if found.matrix.size > ENTRIES:
            return {}, ""
        units = f"made of the {len(found.signs)} units that pricing found"
        if np.linalg.matrix_rank(found.matrix) == found.matrix.shape[1]:
            return {}, f"There are no other {kind} {units}."

        def told(X: Array) -> Array:
            return found.told((X - subject.mean) / subject.scale)

        bands = {j: found.ends(averages(told, rows, j, grid)) for j, grid in grids.items()}
    except UnsupportedError:
        return {}, ""
    except SolverError:  # such as free weights that dependent columns leave open
        return {}, f"The range over all {kind} has no ends, or was not found."
    if max(float((high - low).max()) for low, high in bands.values()) <= SEEN * np.ptp(subject.y):
        return {}, f"All {kind} {units} have these averages."
    return bands, f"Shaded: the range over all {kind} {units}."

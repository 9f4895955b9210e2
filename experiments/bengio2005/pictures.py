"""The pictures, each from the rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.optional import import_matplotlib
from cvxnet.plots.style import (
    COLORS,
    DASHED,
    GREY,
    INK,
    LINES,
    MARKERS,
    WIDTH,
    entitle,
    head,
    new_figure,
    styled,
)
from experiments.bengio2005.convex_nn import LEARNERS, SINGLE, TRIES, ZERO
from experiments.bengio2005.measures import moons
from experiments.bengio2005.rows import distinct, mean, pick
from experiments.report import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PIXELS = 400
LEAST, DRAWN = 0.03, 30
"""Smaller correlations are drawn there; and units are drawn where there are at most so many."""
SHOWN = ("exact", "linear SVM", f"{TRIES} perceptrons")
"""Learners whose regions are drawn."""


def plain_logarithmic(axes: Axes, x: bool = True, y: bool = False) -> None:
    """Logarithmic axes with numbers as people write them."""
    matplotlib = import_matplotlib()
    for wanted, scale, axis in ((x, axes.set_xscale, axes.xaxis), (y, axes.set_yscale, axes.yaxis)):
        if wanted:
            scale("log")
            axis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def in_percent(axis: Axis) -> None:
    """Shares as percent."""
    axis.set_major_locator(import_matplotlib().ticker.MaxNLocator(5))
    axis.set_major_formatter(lambda value, _: f"{100.0 * value:g} %")


def legend_below(figure: Figure, axes: Axes, columns: int = 6) -> None:
    """The legend of axes, under the picture."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns)


def regions(rows: Sequence[Row]) -> Figure:
    """Data of seed 0 with the regions of networks, a row for each noise, a column a learner."""
    noises = distinct(rows, "noise")
    with styled():
        figure = new_figure(0.75 * WIDTH, 3.1 * len(noises))
        panels = figure.subplots(len(noises), len(SHOWN), squeeze=False)
        for line, noise in zip(panels, noises, strict=True):
            for axes, learner in zip(line, SHOWN, strict=True):
                draw_region(axes, pick(rows, noise=noise, learner=learner, seed=0)[0])
        notes = [
            f"Thin lines: units, where they are at most {DRAWN}; thick: borders, dashed where "
            "a region is very thin."
        ]
        head(figure, "Trained to the optimum, and by approximate learners until they stop", notes)
    return figure


def draw_region(axes: Axes, row: Row) -> None:
    """One network."""
    X, y = moons(row["n"], row["noise"], 0)
    (left, bottom), (right, top) = X.min(axis=0) - 0.3, X.max(axis=0) + 0.3
    A, B = np.meshgrid(np.linspace(left, right, PIXELS), np.linspace(bottom, top, PIXELS))
    F = row["run"].predict(np.column_stack([A.ravel(), B.ravel()])).reshape(A.shape)
    side = np.where(F > ZERO, 1.0, -1.0)  # with several units f may be zero on whole cells
    look = {"colors": [COLORS[0], COLORS[1]], "alpha": 0.22}
    axes.contourf(A, B, side, [-2.0, 0.0, 2.0], **look)
    for *across, bias in row["run"].units:
        if any(across) and row["units"] <= DRAWN:
            foot = -bias * np.array(across) / np.dot(across, across)
            along = np.array([-across[1], across[0]])
            axes.axline(foot, foot + along, color=GREY, linewidth=0.6)
    axes.contour(A, B, side, [0.0], colors=INK, linewidths=2.0)
    for k, label in enumerate((-1.0, 1.0)):
        points = X[y == label].T
        axes.plot(*points, MARKERS[k], color=COLORS[k], markersize=5.0, markeredgecolor="white")
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    if row["learner"] == SHOWN[0]:
        axes.set_ylabel(f"noise {row['noise']:g}")
    axes.set_title(
        f"{row['learner']}: objective {row['value']:.2f}\n"
        f"{row['units']} units, test error {row['test_error']:.1%}"
    )


def descent(rows: Sequence[Row]) -> Figure:
    """The objective after each round, with the lower bound of the exact learner, for seed 0."""
    noises = distinct(rows, "noise")
    with styled():
        figure = new_figure(0.75 * WIDTH, 4.3)
        for axes, noise in zip(figure.subplots(1, len(noises), sharey=True), noises, strict=True):
            for k, row in enumerate(pick(rows, noise=noise, seed=0)):
                values = [each.value for each in row["run"].rounds]
                color = COLORS[1] if row["learner"] in SINGLE else COLORS[0 if not k else 2]
                look = {"color": color, "markersize": 9.0, "markevery": [-1]}
                steps = np.arange(1, len(values) + 1)
                label = row["learner"]
                axes.plot(steps, values, MARKERS[k], linestyle=LINES[k], label=label, **look)
                if label == "exact":
                    draw_bound(axes, [each.lower for each in row["run"].rounds])
            axes.set_xlabel("round (one unit each)")
            plain_logarithmic(axes, y=True)
            entitle(axes, f"Noise {noise:g}")
        figure.axes[0].set_ylabel("objective")
        legend_below(figure, figure.axes[0])
        head(figure, "Exact steps end where a lower bound meets them; the others just end (marks)")
    return figure


def draw_bound(axes: Axes, lower: list[float]) -> None:
    """The lower bound, where it is above a tenth of the last one."""
    rounds = np.arange(1, len(lower) + 1)
    seen = np.array(lower) > 0.1 * lower[-1]
    axes.plot(
        rounds[seen], np.array(lower)[seen], color=COLORS[0], linewidth=1.2, label="lower bound"
    )


def dots(axes: Axes, rows: Sequence[Row], key: str, names: list[str], by: str) -> None:
    """A line for each name, a dot for each run, a large one for their mean; colors tell noises."""
    for k, noise in enumerate(distinct(rows, "noise")):
        for i, name in enumerate(names):
            values = [row[key] for row in pick(rows, noise=noise, **{by: name})]
            height = -i - 0.14 + 0.28 * k
            look = {"color": COLORS[k], "linestyle": ""}
            axes.plot(values, np.full(len(values), height), "o", markersize=4, alpha=0.35, **look)
            label = f"noise {noise:g}" if i == 0 else None
            if values:
                axes.plot(
                    [np.mean(values)], [height], MARKERS[k], markersize=9, label=label, **look
                )
    axes.set_yticks(-np.arange(len(names)), names)
    axes.set_ylim(0.5 - len(names), 0.5)
    axes.grid(axis="y", color=GREY, alpha=0.15)


def learners(rows: Sequence[Row]) -> Figure:
    """Objective, units and test error, a line for each learner."""
    titles = {"value": "Objective", "units": "Units", "test_error": "Test error"}
    with styled():
        figure = new_figure(WIDTH, 4.6)
        for axes, (key, title) in zip(
            figure.subplots(1, 3, sharey=True), titles.items(), strict=True
        ):
            dots(axes, rows, key, list(LEARNERS), "learner")
            if key == "test_error":
                in_percent(axes.xaxis)
            else:
                plain_logarithmic(axes)
            entitle(axes, title)
        legend_below(figure, figure.axes[0])
        head(
            figure,
            "The exact step beats single classifiers, in objective and in test error"
            if beats_single(rows)
            else "Objective, units and test error by learner",
        )
    return figure


def beats_single(rows: Sequence[Row]) -> bool:
    """Whether the exact learner has the smaller mean test error beside each single classifier."""
    return all(
        mean(rows, "test_error", noise=noise, learner="exact")
        < mean(rows, "test_error", noise=noise, learner=name)
        for noise in distinct(rows, "noise")
        for name in SINGLE
    )


def stops(rows: Sequence[Row]) -> Figure:
    """What the learner offers when it stops, and what the best unit would have brought."""
    with styled():
        figure = new_figure(WIDTH, 4.8)
        axes = figure.add_subplot()
        kinds = {
            "offered_at_stop": "best unit that the learner finds",
            "largest_at_stop": "best of all units",
        }
        for k, (key, label) in enumerate(kinds.items()):
            for i, name in enumerate(LEARNERS):
                values = np.maximum([row[key] for row in pick(rows, learner=name)], LEAST)
                height = -i + 0.15 - 0.3 * k + np.linspace(-0.08, 0.08, len(values))
                look = {"color": COLORS[k], "alpha": 0.6, "label": label if i == 0 else None}
                axes.plot(values, height, MARKERS[k], **look)
        axes.axvline(1.0, color=INK, linewidth=1.2, linestyle=DASHED)
        axes.set_yticks(-np.arange(len(LEARNERS)), list(LEARNERS))
        plain_logarithmic(axes)
        axes.set_xlabel(f"|sum of q h(x)| / lambda when it stops (drawn at {LEAST:g} where below)")
        legend_below(figure, axes)
        entitle(
            axes, "The test stops at the dashed line. Only an exact search proves something by it."
        )
    return figure


def widths(rows: Sequence[Row]) -> Figure:
    """Units against samples, with the bound n."""
    with styled():
        figure = new_figure(WIDTH, 5.4)
        axes = figure.add_subplot()
        for k, (loss, data) in enumerate(dict.fromkeys((row["loss"], row["data"]) for row in rows)):
            chosen = pick(rows, loss=loss, data=data)
            key = "vertex_units" if loss == "hinge" else "units"
            shift = 0.02 * (k - 1) * max(row["n"] for row in rows)
            found = "a vertex" if loss == "hinge" else "the optimum"
            look = {"color": COLORS[k], "alpha": 0.7, "markersize": 8.0, "linestyle": ""}
            axes.plot(
                [row["n"] + shift for row in chosen],
                [row[key] for row in chosen],
                MARKERS[k],
                label=f"{loss} loss, {data}: {found}",
                **look,
            )
        n = np.array(sorted(set(distinct(rows, "n"))))
        axes.plot(n, n, color=INK, label="n")
        axes.plot(n, n + 1, color=INK, linestyle=DASHED, linewidth=1.0, label="n + 1")
        axes.set(xlabel="samples n", ylabel="units", xticks=n)
        axes.legend()
        entitle(axes, "How many sign units an optimum takes, and the bound n")
    return figure


def tanh(rows: Sequence[Row], signs_: Sequence[Row]) -> Figure:
    """Objective and test error of tanh units by their radius, with those of sign units."""
    titles = {"value": "Objective (thin: lower bound)", "test_error": "Test error"}
    with styled():
        figure = new_figure(WIDTH, 5.0)
        for axes, (key, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
            for k, noise in enumerate(distinct(rows, "noise")):
                draw_radii(axes, pick(rows, noise=noise), key, k)
                seeds = distinct(rows, "seed")
                level = np.mean(
                    [row[key] for row in pick(signs_, noise=noise) if row["seed"] in seeds]
                )
                look = {"color": COLORS[k], "linestyle": DASHED, "linewidth": 1.4}
                axes.axhline(level, label=f"sign units, noise {noise:g}", **look)
            axes.set_xlabel("bound on the length of hidden weights")
            plain_logarithmic(axes, y=key == "value")
            entitle(axes, title)
        in_percent(figure.axes[1].yaxis)
        legend_below(figure, figure.axes[0])
        head(figure, "Tanh units, from short hidden weights to long ones")
    return figure


def draw_radii(axes: Axes, rows: Sequence[Row], key: str, k: int) -> None:
    """The mean over seeds at each radius, and that of the lower bounds."""
    radii = distinct(rows, "radius")
    noise = rows[0]["noise"]
    values = [mean(rows, key, radius=radius) for radius in radii]
    axes.plot(
        radii, values, MARKERS[k] + "-", color=COLORS[k], label=f"tanh units, noise {noise:g}"
    )
    if key == "value":
        lower = [mean(rows, "lower", radius=radius) for radius in radii]
        axes.plot(radii, lower, color=COLORS[k], linewidth=1.0)


def penalties(rows: Sequence[Row]) -> Figure:
    """Test error and units by the penalty, beside those without one."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        for axes, key in zip(figure.subplots(1, 2), ("test_error", "units"), strict=True):
            for k, noise in enumerate(distinct(rows, "noise")):
                mine = pick(rows, noise=noise)
                sizes = distinct(pick(mine, how="L1"), "size")
                values = [mean(mine, key, how="L1", size=size) for size in sizes]
                axes.plot(
                    sizes, values, MARKERS[k] + "-", color=COLORS[k], label=f"L1, noise {noise:g}"
                )
                for line, how in ((DASHED, "none, same units"), (":", "none, unit by unit")):
                    look = {"color": COLORS[k], "linestyle": line, "linewidth": 1.5}
                    axes.axhline(mean(mine, key, how=how), label=f"{how}, noise {noise:g}", **look)
            axes.set_xlabel("lambda")
            plain_logarithmic(axes)
            entitle(axes, {"test_error": "Test error", "units": "Units"}[key])
        in_percent(figure.axes[0].yaxis)
        legend_below(figure, figure.axes[0], 3)
        head(figure, "The L1 penalty against none")
    return figure


def baselines(rows: Sequence[Row], names: list[str]) -> Figure:
    """Test errors and units of all methods."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        for axes, key in zip(
            figure.subplots(1, 2, sharey=True), ("test_error", "units"), strict=True
        ):
            dots(axes, rows, key, names, "method")
            entitle(axes, {"test_error": "Test error", "units": "Units, or boosted learners"}[key])
        in_percent(figure.axes[0].xaxis)
        plain_logarithmic(figure.axes[1])
        legend_below(figure, figure.axes[0])
        head(figure, "Beside boosting, on the same data")
    return figure

"""The pictures of the three parts, and the means that one of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import COLORS, MARKERS, WIDTH, head, new_figure, styled
from experiments.report import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = ("squared", "cross_entropy")
WAYS = {"softmax": "one network", "ovr": "one for each class"}


def means(rows: list[Row]) -> dict[tuple[str, str, str], float]:
    """The mean of each column over the splits, by data set, way and column."""
    cells = dict.fromkeys((row["data"], row["way"]) for row in rows)
    return {
        (data, way, key): float(
            np.mean([row[key] for row in rows if (row["data"], row["way"]) == (data, way)])
        )
        for data, way in cells
        for key in ("accuracy", "units", "took")
    }


def picture_random(rows: list[Row]) -> Figure:
    """Seconds over samples, by outputs, for both losses."""
    with styled():
        figure = new_figure(WIDTH, 4.6)
        for axes, loss in zip(figure.subplots(1, 2, sharey=True), LOSSES, strict=True):
            mine = [row for row in rows if row["loss"] == loss and row["share"] == 0.1]
            for k, c in enumerate(dict.fromkeys(row["c"] for row in mine)):
                pairs = [(row["n"], row["took"]) for row in mine if row["c"] == c]
                style = {"marker": MARKERS[k], "color": COLORS[k]}
                axes.plot(*np.transpose(pairs), label=f"{c} outputs", **style)
            axes.set(xscale="log", yscale="log", xlabel="samples", ylabel="processor seconds")
            axes.set_title(loss.replace("_", " "))
            axes.legend(loc="upper left")
        head(figure, "Time to a proved optimum, two features, a tenth of the largest weight decay")
    return figure


def picture_sets(rows: list[Row]) -> Figure:
    """How far above the proved bound our network and Adam's best and worst are."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        axes = figure.add_subplot()
        at = np.arange(len(rows))
        values = {
            "cvxnet": [row["value"] for row in rows],
            "Adam, best of ten": [row["value"] * (1 + row["adam_excess"]) for row in rows],
            "Adam, worst of ten": [row["value"] * (1 + row["adam_worst_excess"]) for row in rows],
        }
        for k, (label, ours) in enumerate(values.items()):
            above = [(f - row["lower"]) / row["value"] for f, row in zip(ours, rows, strict=True)]
            style = {"color": COLORS[k], "markersize": 10, "alpha": 0.8}
            axes.plot(at + 0.12 * (k - 1), above, MARKERS[k], label=label, **style)
        axes.set(yscale="log", ylabel="objective above the proved bound, relative")
        axes.set_xticks(at, [f"{row['data']}\n{row['share']:g}" for row in rows])
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.set_title(
            "Networks are close to one another; how close to the optimum, the bound says"
        )
        axes.legend(loc="upper left")
    return figure


def picture_shared(rows: list[Row]) -> Figure:
    """Accuracy, units and seconds of both ways."""
    mean = means(rows)
    names = list(dict.fromkeys(row["data"] for row in rows))
    labels = {"accuracy": "test accuracy", "units": "hidden units", "took": "processor seconds"}
    with styled():
        figure = new_figure(WIDTH, 4.4)
        for axes, (key, label) in zip(figure.subplots(1, 3), labels.items(), strict=True):
            draw_bars(axes, names, {way: [mean[name, way, key] for name in names] for way in WAYS})
            axes.set_title(label)
        figure.axes[0].set_ylim(0.0, 1.2)
        figure.axes[0].legend(loc="upper center", ncols=2)
        head(figure, "All classes in one network, or a network for each class")
    return figure


def draw_bars(axes: Axes, names: list[str], heights: dict[str, list[float]]) -> None:
    """A bar for each way beside one another, with its number."""
    for k, (way, values) in enumerate(heights.items()):
        at = np.arange(len(names)) + 0.4 * (k - 0.5)
        bars = axes.bar(at, values, 0.38, color=COLORS[k], label=WAYS[way])
        axes.bar_label(bars, [f"{value:.3g}" for value in values])
    axes.set_xticks(range(len(names)), names)

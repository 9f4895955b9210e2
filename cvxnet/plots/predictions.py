"""What comes out on the training samples: predictions beside targets, or classes beside classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.optional import import_matplotlib
from cvxnet.plots.canvas import counted, draw_points, left_out, point_look, union, view_of
from cvxnet.plots.style import DASHED, GREY, INK, SMALL, entitle, short
from cvxnet.plots.subject import Subject
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

COUNTED = 12
"""Up to so many classes have their counts written on them."""
NAMED = 20
"""About so many classes are named beside a map of more."""
OUTPUTS = 8
NAMES = 14


def draw_predictions(axes: Axes, subject: Subject) -> list[str]:
    """Predictions over targets; for classes how many samples of each are taken for which."""
    if not subject.labels:
        return draw_beside_targets(axes, subject)
    if subject.softmax or subject.outputs == 1:
        draw_confusion(axes, subject)
        return []
    right = (subject.values(subject.X) > 0.0) == (subject.y > 0.0)
    drawn = subject.main_outputs(COUNTED)
    counts = np.column_stack([right.sum(axis=0), (~right).sum(axis=0)])[drawn]
    draw_counts(axes, counts, [subject.targets[k] for k in drawn], ["right", "wrong"])
    entitle(axes, f"Training samples: {right.mean():.1%} on the right side")
    return [counted(len(drawn), subject.outputs, "outputs")]


def draw_confusion(axes: Axes, subject: Subject) -> None:
    """A row for each class, a column for each that it is taken for."""
    surest = subject.shares(subject.X).argmax(axis=1)
    classes = len(subject.labels)
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (subject.own, surest), 1)
    draw_counts(axes, counts, subject.labels, subject.labels)
    axes.set(xlabel="predicted class", ylabel="class")
    entitle(axes, f"Training samples: {np.trace(counts)} of {counts.sum()} in their class")


def draw_counts(axes: Axes, counts: Any, rows: list[str], columns: list[str]) -> None:
    """Numbers of samples, darker for a larger share of their row."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colors = import_matplotlib().colormaps["Blues"]
    axes.imshow(shares, cmap=colors, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    if max(counts.shape) <= COUNTED:
        for (i, j), count in np.ndenumerate(counts):
            color = "white" if shares[i, j] > 0.6 else INK
            axes.text(j, i, f"{count}", ha="center", va="center", color=color, fontsize=SMALL + 1)
    for names, ticks, along in ((rows, axes.set_yticks, 0), (columns, axes.set_xticks, 1)):
        step = -(-len(names) // NAMED)
        places = range(0, len(names), step)
        size = SMALL if len(places) <= COUNTED else 7.5
        texts = [short(names[k], NAMES) for k in places]
        crowded = along and sum(map(len, texts)) > 24
        ticks(places, texts, fontsize=size, rotation=90.0 if crowded else 0.0)
    axes.tick_params(length=0)


def draw_beside_targets(axes: Axes, subject: Subject) -> list[str]:
    """A point for each sample, on the dashed line where the prediction is right.

    Several outputs count in standard deviations of their targets, as they may have other units.
    """
    y, f = subject.y, subject.values(subject.X)
    drawn, several = subject.main_outputs(OUTPUTS), subject.outputs > 1
    told = [r_squared(y[:, k], f[:, k]) for k in drawn]
    if several:
        spread = np.where(np.ptp(y, axis=0) > 0.0, y.std(axis=0), 1.0)
        y, f = (y - y.mean(axis=0)) / spread, (f - y.mean(axis=0)) / spread
    y, f = y[:, drawn], f[:, drawn]
    view = union(view_of(y.ravel()), view_of(f.ravel()))
    axes.set(xlim=view, ylim=view)
    axes.plot(view, view, color=GREY, linewidth=1.2, linestyle=DASHED, zorder=1)
    beyond = 0
    for place, k in enumerate(drawn):
        label = short(subject.targets[k], NAMES) + told[place] if several else None
        look = point_look(place, alpha=0.65, markersize=5.5, label=label)
        beyond += draw_points(axes, y[:, place], f[:, place], look)
    if several:
        axes.legend(fontsize=8.0, loc="upper left", handletextpad=0.2)
    units = " (in sd of each)" if several else ""
    axes.set_xlabel(f"target{units}" if several else subject.targets[0])
    axes.set_ylabel(f"prediction{units}")
    entitle(axes, "Training samples" + ("" if several else told[0]))
    return [
        left_out({"samples": (beyond, y.size)}),
        counted(len(drawn), subject.outputs, "outputs"),
    ]


def r_squared(y: Array, f: Array) -> str:
    """The share of the variance that is explained, where there is any.

    >>> r_squared(np.array([0.0, 1.0]), np.array([0.25, 0.75])), r_squared(np.ones(2), np.ones(2))
    (', R² = 0.75', '')
    """
    total = float(((y - y.mean()) ** 2).sum())
    if not np.ptp(y) or not total:
        return ""
    return f", R² = {1.0 - float(((y - f) ** 2).sum()) / total:.2f}"

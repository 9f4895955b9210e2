"""The hidden units as a map of their weights, with their output weights above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots.canvas import counted
from cvxnet.plots.style import (
    BLUE,
    GREY,
    INK,
    RED,
    SMALL,
    entitle,
    say_nothing_to_see,
    short,
    signed_scale,
)
from cvxnet.plots.subject import Subject, count_units
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

UNITS, FEATURES, OUTPUTS = 30, 12, 6
"""How many of each are drawn at most."""
NAMES = 20
"""Letters of a name beside the map."""
VISIBLE = 0.15
"""Negative weights have their sign written on them from this share of the largest on."""
MINUS = "\N{MINUS SIGN}"
MIDDLE = "at the mean"
NONE = "There are no hidden units."


def lengths(a: Array) -> Array:
    """How large the output weights of each unit are, (m,)."""
    return np.asarray(np.abs(a) if a.ndim == 1 else np.linalg.norm(a, axis=1))


def importance(subject: Subject) -> Array:
    """How much all units together look at each feature, in standard deviations of it, (d,)."""
    W, _, a = subject.units()
    seen = lengths(a) @ np.abs(W)
    skip = subject.solution.certificate.weights.s
    if skip is not None:
        seen = seen + lengths(skip) / subject.scale
    return np.asarray(seen * subject.X.std(axis=0))


def draw_weights(figure: Figure, spec: Any, subject: Subject) -> list[str]:
    """Units in columns, the largest first; features in rows, those most looked at first.

    For comparison columns of X count in their standard deviations, whatever the units of each.
    """
    if not subject.solution.units:
        say_nothing_to_see(figure.add_subplot(spec), NONE)
        return []
    W, b, a = subject.units()
    order = np.argsort(-lengths(a), kind="stable")[:UNITS]
    rows = np.argsort(-importance(subject), kind="stable")[:FEATURES]
    middle = b + W @ subject.X.mean(axis=0)
    spread = W[np.ix_(order, rows)] * subject.X.std(axis=0)[rows]
    heat = np.vstack([spread.T, middle[order]])
    names = [short(subject.features[j], NAMES) for j in rows] + [MIDDLE]
    several = a.ndim > 1 and a.shape[1] <= OUTPUTS
    tall = a.shape[1] / len(heat) if several else 0.35
    parts = spec.subgridspec(2, 1, height_ratios=[min(tall, 1.0), 1.0], hspace=0.02)
    above, below = parts.subplots(sharex=True)
    most = np.abs(
        np.concatenate([spread.ravel(), a[order].ravel()] if several else [spread.ravel()])
    )
    colors = signed_scale(float(np.quantile(most, 0.98)) or float(most.max()))
    if several:
        draw_heat(above, a[order].T, [short(name, NAMES) for name in subject.targets], colors)
    else:
        draw_sizes(above, a[order])
    draw_heat(below, heat, names, colors)
    below.set_xlabel("hidden units, by the size of their output weights")
    bar = figure.colorbar(colors, ax=[above, below], pad=0.02, aspect=30, extend="both")
    bar.set_label("weight x sd of the feature")
    skip = " and a linear part" if subject.solution.objective.form.skip else ""
    entitle(above, f"{count_units(subject.solution)}{skip}: output and hidden weights")
    return [
        counted(len(order), len(W), "units"),
        counted(len(rows), len(subject.features), "features, those that units look at most"),
    ]


def draw_heat(axes: Axes, values: Array, names: list[str], colors: Any) -> None:
    """Rows of numbers as colors, with a minus where they are clearly below zero."""
    axes.imshow(values, cmap=colors.cmap, norm=colors.norm, aspect="auto", interpolation="nearest")
    most = colors.get_clim()[1]
    for i, j in np.argwhere(values < -VISIBLE * most):
        light = values[i, j] > -0.6 * most
        color = INK if light else "white"
        sign = axes.text(j, i, MINUS, color=color, ha="center", va="center", fontsize=SMALL)
        sign.set_in_layout(False)
    axes.set_yticks(range(len(names)), names, fontsize=SMALL - 1.0)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_sizes(axes: Axes, a: Array) -> None:
    """A bar for the output weight of each unit; of several outputs for the length of them."""
    heights = a if a.ndim == 1 else lengths(a)
    colors = np.where(heights > 0.0, RED, BLUE) if a.ndim == 1 else GREY
    axes.bar(np.arange(len(a)), heights, width=0.8, color=colors, edgecolor=INK, linewidth=0.6)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set_ylabel("output\nweight" if a.ndim == 1 else f"length of\n{a.shape[1]} output\nweights")
    axes.tick_params(bottom=False)
    axes.spines["bottom"].set_visible(False)

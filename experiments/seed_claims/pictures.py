"""The pictures of the post."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots import plot_slice, plot_surface, slice_between, surface_over
from cvxnet.plots.slices import draw_slice
from cvxnet.plots.style import (
    BLUE,
    COLORS,
    GREY,
    HEAD,
    INK,
    LINES,
    MARKERS,
    ORANGE,
    RED,
    SKY,
    WIDTH,
    new_figure,
    styled,
)
from experiments.report import Row
from experiments.seed_claims.remains import PARTS
from experiments.seed_claims.swapped import GRID
from experiments.seed_claims.two_nodes import LAYERS, SIDE

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

NARROW = 10.4
FLOOR = 1e-9
"""Excess that is none, up to the tolerance of the solver."""
SHADES = {"convex": SKY, "not convex": ORANGE, "unknown": "white"}


def claims(rows: list[Row]) -> Figure:
    """What the post says, what is asked of it, and the verdict."""
    chosen = [row for row in rows if not row["post"].startswith("...")]
    with styled():
        figure = new_figure(WIDTH, 6.6)
        axes = figure.add_subplot()
        for y, row in enumerate(chosen):
            axes.text(
                0.0, y, textwrap.fill(row["post"].removesuffix(" (proof to add)"), 58), va="center"
            )
            axes.text(5.4, y, textwrap.fill(row["asked"], 46), va="center", color=GREY)
            field(axes, 10.8, y, row["verdict"], 1.9)
        axes.set_xlim(0.0, 11.8)
        axes.set_ylim(len(chosen) - 0.4, -1.2)
        for x, text in ((0.0, "the post"), (5.4, "asked"), (9.85, "verdict")):
            axes.text(x, -0.9, text, va="center", weight="bold")
        axes.set_axis_off()
        figure.suptitle("The post, claim by claim: convex or not?", fontsize=HEAD)
    return figure


def surface(row: Row) -> Figure:
    """The product of two weights above zero, and the line of its counterexample."""
    product = surface_over(lambda w: w[:, 0] * w[:, 1], (0.0, 3.0), (0.0, 3.0))
    figure = plot_surface(product, ("w1", "w2"), a=row["a"], b=row["b"])
    title = "The smallest network of non-negative weights, w1 w2, is a saddle"
    figure.suptitle(title, fontsize=HEAD)
    figure.set_size_inches(NARROW, 4.3)
    for line in figure.axes[0].lines:  # its ends lie on the edge
        line.set_clip_on(False)
    return figure


def one_unit() -> Figure:
    """The loss of one unit for either label."""
    lines = {
        f"label {sign:+d}": slice_between(
            lambda w, sign=sign: np.logaddexp(0.0, -sign * np.maximum(w[:, 0], 0.0)), -1.0, 1.0
        )
        for sign in (1, -1)
    }
    figure = plot_slice(lines, name="log(1 + exp(-label relu(w)))")
    figure.axes[0].set(xlabel="")
    figure.axes[0].set_xticks([0.0, 0.5, 1.0], ["w = -1", "w = 0", "w = 1"])
    figure.suptitle("One unit w from -1 to 1: with label +1 the loss is not convex", fontsize=HEAD)
    return figure


def swapped(row: Row) -> Figure:
    """The objective between two swapped optima, and the functions at the ends and between."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        left, right = figure.subplots(1, 2)
        draw_slice(left, row["slice"], "", 0)
        left.set(xlabel="b is a with its units swapped", ylabel="training objective")
        left.set_xticks([])
        ends, middle = row["optimum"], row["midpoint"]
        left.set_title(f"Both ends are global optima, {ends:.4g}; the midpoint is {middle:.4g}")
        left.margins(0.08, 0.12)
        names = ("a", "midpoint", "b (the same as a)")
        for k, (name, f) in enumerate(zip(names, row["functions"], strict=True)):
            right.plot(GRID[:, 0], f, linestyle=LINES[k], color=COLORS[k], label=name)
        right.plot(row["X"][:, 0], row["y"], "o", color=INK, label="samples")
        right.set(xlabel="x", ylabel="output")
        right.set_title("Averaged weights are another network")
        right.legend()
    return figure


def remaining(rows: list[Row]) -> Figure:
    """Lines on which it is seen what remains convex: four panels."""
    names = list(dict.fromkeys(part.panel for part in PARTS))
    with styled():
        figure = new_figure(NARROW, 6.8)
        for axes, name in zip(figure.subplots(2, 2).flat, names, strict=True):
            inside = [row for part, row in zip(PARTS, rows, strict=True) if part.panel == name]
            for k, row in enumerate(inside):
                label = row["asked"].removeprefix(f"{name}: ")
                draw_slice(axes, row["slice"], f"{label}: {row['verdict']}", k)
            axes.set_title(name)
            axes.set_xticks([0.0, 0.5, 1.0], ["a", "midpoint", "b"])
            axes.margins(0.05, 0.42)
            axes.legend(loc="upper center")
        figure.suptitle("What remains convex, and what does not, along one line", fontsize=HEAD)
    return figure


def grid_of_verdicts(rows: list[Row]) -> Figure:
    """What is convex for two output nodes: a field for each verdict."""
    lines = list(dict.fromkeys((r["weights"], r["inputs"], r["labels"]) for r in rows))
    with styled():
        figure = new_figure(NARROW, 4.8)
        axes = figure.add_subplot()
        for row in rows:
            x = list(LAYERS).index(row["unknown"])
            y = lines.index((row["weights"], row["inputs"], row["labels"]))
            field(axes, x, y, row["verdict"])
        axes.set_xlim(-0.5, len(LAYERS) - 0.5)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_xticks(range(len(LAYERS)), [f"in {name}" for name in LAYERS])
        said = [f"weights {w}, inputs {x}, {labels}" for w, x, labels in lines]
        axes.set_yticks(range(len(lines)), said)
        axes.tick_params(length=0, labelsize=12.0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title("Two output nodes, cross entropy: where the trail of convexity ends")
    return figure


def field(axes: Axes, x: float, y: float, word: str, width: float = 1.0) -> None:
    """One verdict; what is not convex has lines across, too."""
    look: dict[str, Any] = {"facecolor": SHADES[word], "edgecolor": "white", "linewidth": 3.0}
    axes.bar(x, 1.0, width, y - 0.5, hatch="" if word == "convex" else "/", **look)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
    axes.text(x, y, word, ha="center", va="center", fontsize=12.0, bbox=box)


def trained(row: Row, rows: list[Row]) -> Figure:
    """Where the two networks draw the line, and where local search ends."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        first, second, third = figure.subplots(1, 3)
        regions(first, row, lambda Z: Z @ (row["a"][1] - row["a"][0]))
        first.set_title(f"The post's network: optimum {row['post']:.2f},\n{right(row, 'post')}")
        regions(second, row, lambda Z: np.diff(row["network"](Z))[:, 0])
        second.set_title(f"Weights of any sign: {row['free']:.2f},\n{right(row, 'free')}")
        searches(third, rows)
    return figure


def searches(axes: Axes, rows: list[Row]) -> None:
    """Where local search ends, for each data set."""
    for row in rows:
        excess = np.maximum(row["ends"] / row["post"] - 1.0, FLOOR)
        look = {"color": BLUE, "markeredgecolor": INK, "alpha": 0.5}
        axes.plot(np.full(len(excess), row["seed"]), excess, "o", **look)
    axes.set(yscale="log", xlabel="data set", ylabel="relative excess over the optimum")
    axes.set_xticks([row["seed"] for row in rows])
    axes.set_ylim(FLOOR / 3.0, 10.0)
    axes.text(0.03, 0.08, "at the optimum", transform=axes.transAxes, va="bottom")
    starts = sum(len(row["ends"]) for row in rows)
    reached = sum(round(len(row["ends"]) * row["reached"]) for row in rows)
    axes.set_title(f"{reached} of {starts} local searches reach\nthe optimum of the post's network")


def right(row: Row, which: str) -> str:
    """How many samples a network has right, in words."""
    n = len(row["y"])
    return f"{round(n * row[f'{which} correct'])} of {n} right"


def regions(axes: Axes, row: Row, margin: Any) -> None:
    """The sides of the border, and the samples."""
    side = np.linspace(0.0, SIDE, 161)
    A, B = np.meshgrid(side, side)
    values = margin(np.column_stack([A.ravel(), B.ravel(), np.ones(A.size)])).reshape(A.shape)
    axes.contourf(A, B, values, [-np.inf, 0.0, np.inf], colors=[ORANGE, SKY], alpha=0.35)
    axes.contour(A, B, values, [0.0], colors=INK)
    for k, color in enumerate((RED, BLUE)):
        chosen = row["X"][row["y"] == k]
        axes.plot(
            *chosen[:, :2].T, MARKERS[k], color=color, markeredgecolor=INK, label=f"class {k}"
        )
    axes.set(xlabel="x1", ylabel="x2", aspect="equal")
    axes.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, -0.16))

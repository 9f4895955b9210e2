"""A path of weight decays: the bracket, its relative gap, the penalty and the units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    ORANGE,
    PALE,
    RED,
    SKY,
    WIDTH,
    entitle,
    head,
    new_figure,
    show_shares,
    styled,
)
from cvxnet.training.path.pieces import coefficients_at
from cvxnet.training.path.record import PathRecord
from cvxnet.training.path.report import headline
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

WITHIN = 16
"""Weight decays in each piece at which its bracket is drawn."""


def plot_path(path: PathRecord) -> Figure:
    """The bracket along the weight decays, its relative gap, and penalty and units.

    Each band is a piece: one network for all its weight decays. The gap is largest where two pieces
    meet, and that it is small enough there is what the proof rests on. Rings are the weight decays
    trained at.

    Parameters
    ----------
    path : Path
        What `cvxnet.path` returned.

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
    >>> found = cn.path("relu", [[-1.0], [1.0]], [1.0, 2.0], bias=False, gap=0.1)
    >>> [axes.get_ylabel() for axes in plot_path(found).axes]
    ['objective', 'relative gap', 'penalty', 'units']
    """
    with styled():
        figure = new_figure(WIDTH, 7.6)
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[1.3, 1.0, 1.0])
        for axes in (above, middle, below):
            draw_pieces(axes, path)
        draw_bracket(above, path)
        draw_gap(middle, path)
        draw_networks(below, path)
        above.set_xscale("log")
        above.set_xlim(path.low, path.high)
        below.set_xlabel("weight decay")
        head(figure, headline(path), [f"Ended: {path.stats['stopped']}."])
    return figure


def draw_pieces(axes: Axes, path: PathRecord) -> None:
    """A band for each piece, every other one shaded."""
    for number, piece in enumerate(path.pieces):
        if number % 2:
            axes.axvspan(piece.low, piece.high, color=PALE, alpha=0.5, linewidth=0, zorder=0)


def brackets_in(path: PathRecord) -> tuple[Array, Array, Array]:
    """Weight decays in all pieces, the lower and the upper end there; no number between pieces."""
    told = []
    for piece in path.pieces:
        point = path.points[piece.network]
        for b in np.geomspace(piece.low, piece.high, WITHIN):
            chosen = coefficients_at(list(path.points), path.bounds, b)
            v = sum(c * path.points[number].certificate.v for number, c in chosen)
            told.append((b, path.bounds.value(np.asarray(v)), point.upper(b)))
        told.append((piece.high, np.nan, np.nan))
    decays, lower, upper = np.transpose(told)
    return decays, lower, upper


def draw_bracket(axes: Axes, path: PathRecord) -> None:
    """Both ends, and the values of the networks trained."""
    decays, lower, upper = brackets_in(path)
    axes.fill_between(decays, lower, upper, color=SKY, alpha=0.6, linewidth=0)
    axes.plot(decays, upper, color=BLUE, label="the network of the piece")
    axes.plot(decays, lower, color=RED, linestyle=DASHED, label="proved lower bound")
    trained = [(point.weight_decay, point.upper(point.weight_decay)) for point in path.points]
    axes.plot(*np.transpose(trained), "o", color=BLUE, markerfacecolor="white", label="trained at")
    axes.set_ylabel("objective")
    axes.legend(loc="upper left")
    entitle(axes, "One network for every weight decay of a band")


def draw_gap(axes: Axes, path: PathRecord) -> None:
    """How wide the bracket is, beside the gap asked for."""
    decays, lower, upper = brackets_in(path)
    axes.plot(decays, (upper - lower) / upper, color=BLUE)
    axes.axhline(path.goal, color=GREY, linestyle=DASHED, label="asked for")
    show_shares(axes)
    axes.set_ylabel("relative gap")
    axes.set_ylim(0.0, 1.25 * max(path.goal, path.gap))
    axes.legend(loc="upper left")
    entitle(axes, "How far above the optimum the network may be")


def draw_networks(axes: Axes, path: PathRecord) -> None:
    """Penalty and units of each network, as steps."""
    units = axes.twinx()
    for piece in path.pieces:
        ends = piece.low, piece.high
        penalty = path.points[piece.network].penalty
        axes.plot(ends, (penalty, penalty), color=ORANGE, linewidth=2.5)
        units.plot(ends, [path.units[piece.network]] * 2, color=GREY, linewidth=2.5)
    axes.set_ylabel("penalty", color=ORANGE)
    axes.set_ylim(bottom=0.0)
    units.set_ylabel("units", color=GREY)
    units.set_ylim(bottom=0.0)
    units.locator_params(axis="y", integer=True)
    entitle(axes, "Penalty (without the weight decay) and hidden units of each network")

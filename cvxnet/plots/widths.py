"""How many units are worth having: the optimum of each width, and what each further unit gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
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
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.width.curve import Curve
from cvxnet.training.width.report import counted

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

MANY = 12
"""With more widths than this, not every one has its number beside it."""
NEARLY_ALL = 0.99
"""Of what units gain: with so much of it they are said to be enough."""
LITTLE = 0.01
"""A smaller share is not told any more precisely."""


def plot_widths(found: Curve) -> Figure:
    """The bracket of each width above that of every width; beside it what each unit gains.

    Where a bracket is open the optimum lies somewhere in its bar, and the marker, the best network
    that was found, is hollow. Gains are shares of what all units take off the objective of the
    best network without units; the pale part of a bar is what may be gained and is not proved.

    Parameters
    ----------
    found : Widths
        What `cvxnet.widths` returned, with one width at least.

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
    >>> found = cn.widths("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, bias=False)
    >>> [axes.get_ylabel() for axes in plot_widths(found).axes]
    ['objective', 'share of all that units gain']
    """
    with styled():
        figure = new_figure(WIDTH, 5.2)
        curve, gains = figure.subplots(1, 2, width_ratios=[1.25, 1.0])
        draw_curve(curve, found)
        draw_gains(gains, found)
        head(figure, headline(found), [f"Ended: {found.stopped}."])
    return figure


def headline(found: Curve) -> str:
    """The fewest units that gain nearly all, or what as many as were looked at do."""
    most = len(found.widths)
    m = next((m for m in range(most) if found.gained[m] >= NEARLY_ALL), most - 1)
    return (
        f"{counted(m + 1)}: proved to gain {int(100 * found.gained[m])} % of what any number of "
        f"units gains. The best network of any width has {found.all_widths.units}"
    )


def draw_curve(axes: Axes, found: Curve) -> None:
    """The brackets as intervals over the number of units, the one of every width as a line."""
    every, widths = found.all_widths, np.array(found.widths)
    lower, upper = np.array(found.lower_bounds), np.array(found.values)
    closed = np.array(found.statuses) == "optimal"
    at = np.arange(len(widths) + 1)
    axes.plot(at, [found.without, *upper], color=GREY, linewidth=1.0, linestyle=DASHED, zorder=1)
    axes.axhspan(every.lower_bound, every.value, color=PALE, linewidth=0, zorder=0)
    low, high = bracket_text(every.lower_bound, every.value)
    told = high if every.status == "optimal" else f"{low} to {high}"
    axes.axhline(every.value, color=RED, label=f"every width: {told}, {every.units} units")
    axes.plot(0, found.without, "s", color=GREY, label="no unit", markersize=7.0)
    axes.vlines(widths, lower, upper, color=SKY, linewidth=9.0, alpha=0.8, zorder=2)
    look: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 8.0, "zorder": 3}
    for some, name, fill in ((closed, "optimum of the width", BLUE), (~closed, "", "white")):
        name = name or "best network found; the optimum lies in the bar"
        if some.any():
            look |= {"markeredgecolor": BLUE, "markeredgewidth": 1.8, "markerfacecolor": fill}
            axes.plot(widths[some], upper[some], label=name, **look)
    for width, value in zip(widths, upper, strict=True) if len(widths) <= MANY else ():
        axes.annotate(
            f"{value:.4g}", (width, value), (6.0, 6.0), textcoords="offset points", fontsize=9.0
        )
    axes.locator_params(axis="x", integer=True)
    axes.set(xlabel="units, at most", ylabel="objective")
    axes.set_xlim(-0.5, len(widths) + 0.8)
    axes.set_ylim(*room_around(float(min(every.lower_bound, lower.min())), found.without))
    axes.legend(loc="upper right")
    entitle(axes, "The optimum of each width, in brackets")


def room_around(low: float, high: float) -> tuple[float, float]:
    """What the vertical axis shows: a little more than what there is."""
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + 1.5 * room


def draw_gains(axes: Axes, found: Curve) -> None:
    """A bar for each unit, the last one for all further ones; pale where it is not proved."""
    least, most = np.transpose(found.gains)
    at = np.arange(len(least))
    axes.bar(at, most, color=PALE, label="may be gained", width=0.7)
    axes.bar(at, least, color=BLUE, label="proved", width=0.7)
    for place, (low, high) in enumerate(found.gains if len(at) <= MANY else ()):
        axes.annotate(
            share_text(low, high),
            (place, high),
            (0.0, 3.0),
            textcoords="offset points",
            ha="center",
            fontsize=9.0,
        )
    more = found.all_widths.units - len(found.widths)
    names = [*(f"unit {m}" if len(at) <= MANY else str(m) for m in found.widths)]
    axes.set_xticks(at, [*names, f"{more} more" if more > 0 else "more"], fontsize=9.0)
    show_shares(axes, decimals=0)
    axes.set(ylabel="share of all that units gain", ylim=(0.0, 1.1 * float(most.max())))
    if (most > least + LITTLE).any():
        axes.legend(loc="upper right")
    entitle(axes, "What one more unit takes off the objective")


def share_text(low: float, high: float) -> str:
    """A share in percent, from what is proved to what is possible.

    >>> share_text(0.123, 0.1231), share_text(0.1, 0.25), share_text(0.0, 0.03)
    ('12 %', '10 to 25 %', '≤ 3 %')
    >>> share_text(0.001, 0.002)
    '< 1 %'
    """
    least, most = f"{100 * low:.0f}", f"{100 * high:.0f}"
    if high < LITTLE:
        return f"< {100 * LITTLE:.0f} %"
    if least == most:
        return f"{most} %"
    return f"{least} to {most} %" if low > 0.0 else f"≤ {most} %"

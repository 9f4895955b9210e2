"""Why weight decay becomes ``|u| |a|``: the scale that may move between the layers of a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.data.validation import check_positive
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    RED,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

WIDEST = 8.0
"""Scales are drawn up to so many times the best one, and down to one so many-th."""


@dataclass(frozen=True)
class Balance:
    """A unit ``a (w.x + b)_+`` with hidden weights ``u = (w, b)``, under scaling.

    With ``s u`` and ``a / s`` in place of u and a the network is the same, for every ``s > 0``. Its
    weight decay is not: by the inequality of the arithmetic and the geometric mean::

        1/2 (|s u|^2 + (a / s)^2)  >=  |s u| |a / s|  =  |u| |a|,

    with equality where both layers are of one size.

    Attributes
    ----------
    hidden, output : float
        ``|u|`` and ``|a|``, above zero.

    Examples
    --------
    >>> balance = Balance(4.0, 1.0)
    >>> balance.best, balance.least, float(balance.penalty(1.0)), float(balance.penalty(0.5))
    (0.5, 4.0, 8.5, 4.0)
    """

    hidden: float
    output: float

    def __post_init__(self) -> None:
        for name in ("hidden", "output"):
            check_positive(getattr(self, name), name, "It is the length of the weights of a layer.")

    @property
    def best(self) -> float:
        """The scale at which both layers have one size."""
        return float(np.sqrt(self.output / self.hidden))

    @property
    def least(self) -> float:
        """The least penalty: the product of the two sizes."""
        return self.hidden * self.output

    def sizes(self, scale: float | Array) -> tuple[Array, Array]:
        """The sizes of the layers where the hidden one is scaled up and the output down."""
        return np.asarray(self.hidden * scale), np.asarray(self.output / scale)

    def penalty(self, scale: float | Array) -> Array:
        """Half the sum of the squared sizes."""
        hidden, output = self.sizes(scale)
        return np.asarray((hidden**2 + output**2) / 2.0)

    def scales(self, count: int = 121) -> Array:
        """Scales around the best one, evenly on a logarithmic axis."""
        return np.asarray(self.best * np.geomspace(1.0 / WIDEST, WIDEST, count))


def plot_balance(hidden: float, output: float) -> Figure:
    """Draw the weight decay of one unit over the scale between its layers.

    Left: all pairs of sizes that make the same network, and circles of equal weight decay. Right:
    the weight decay over the scale, and its least value ``|u| |a|``.

    Parameters
    ----------
    hidden, output : float
        The sizes ``|u|`` and ``|a|`` of the hidden weights, bias included, and the output weight.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    InputError
        For sizes that are not above zero.
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> plot_balance(4.0, 1.0).axes[1].get_title(loc="left")
    'Weight decay 8.5 here, 4 at the best scale'
    """
    balance = Balance(hidden, output)
    with styled():
        figure = new_figure(11.0, 4.8)
        pairs, curve = figure.subplots(1, 2)
        draw_pairs(pairs, balance)
        draw_penalty(curve, balance)
        head(figure, "The same network: s·u and a/s for every scale s", [])
    return figure


def draw_pairs(axes: Axes, balance: Balance) -> None:
    """The hyperbola of one network, and circles of equal weight decay through two places of it."""
    quarter = np.linspace(0.0, np.pi / 2.0, 91)
    reach = 1.25 * max(balance.hidden, balance.output, np.sqrt(balance.least))
    axes.plot(*balance.sizes(balance.scales()), color=INK)
    for scale, style in ((1.0, DASHED), (balance.best, "-")):
        radius = np.sqrt(2.0 * balance.penalty(scale))
        color = RED if scale == balance.best else BLUE
        axes.plot(radius * np.cos(quarter), radius * np.sin(quarter), color=color, linestyle=style)
        axes.plot(*balance.sizes(scale), "o", color=color, markersize=9.0, zorder=4)
    axes.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8)
    axes.set(xlim=(0.0, reach), ylim=(0.0, reach), xlabel="|u|, hidden", ylabel="|a|, output")
    axes.set_aspect("equal")
    entitle(axes, "One network, many sizes; circles: equal weight decay")


def draw_penalty(axes: Axes, balance: Balance) -> None:
    """Weight decay over the scale, with its least value."""
    scales = balance.scales()
    axes.plot(scales, balance.penalty(scales), color=INK)
    axes.axhline(balance.least, color=RED, linewidth=1.0, linestyle=DASHED)
    axes.plot(1.0, balance.penalty(1.0), "o", color=BLUE, markersize=9.0)
    axes.plot(balance.best, balance.least, "o", color=RED, markersize=9.0)
    axes.set(xscale="log", xlabel="scale s", ylabel="½ (|s u|² + (a/s)²)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0.0, 1.1 * max(float(balance.penalty(1.0)), 4.0 * balance.least))
    now, least = float(balance.penalty(1.0)), balance.least
    entitle(axes, f"Weight decay {now:.3g} here, {least:.3g} at the best scale")

"""A function along the straight line between two points, and the chord above or below it.

A convex function lies nowhere above its chords. So one slice can refute convexity, and none can
prove it: what a slice shows of a function of many weights is that one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.networks import value_of_network
from cvxnet.data.validation import as_floats, check_finite
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.objective import make_objective, mix
from cvxnet.objective.matching import two_alike
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    RED,
    color_of,
    entitle,
    head,
    line_of,
    literal,
    marker_of,
    new_figure,
    styled,
)
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

MOST = 100_000
"""Points of a slice that make sense."""
ROUNDING = 1e-12
"""Differences smaller than this share of the values are none."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Slice:
    """A function on the line through a and b: ``values`` at ``(1 - t) a + t b``.

    Attributes
    ----------
    t : (k,) array
        Places on the line: 0 is a, 1 is b.
    values : (k,) array
        The function there; NaN or infinite where it has no finite value.
    f_a, f_b, f_middle : float
        At the ends and at their midpoint.

    Examples
    --------
    >>> found = slice_between(lambda rows: rows[:, 0] * rows[:, 1], [0.0, 2.0], [2.0, 0.0])
    >>> found.f_a, found.f_b, found.f_middle, found.chord, found.rise
    (0.0, 0.0, 1.0, 0.0, 1.0)
    >>> found
    <Slice: f(a) = 0, f(b) = 0, midpoint 1, chord 0>
    """

    t: Array
    values: Array
    f_a: float
    f_b: float
    f_middle: float

    def __repr__(self) -> str:
        return (
            f"<Slice: f(a) = {self.f_a:.6g}, f(b) = {self.f_b:.6g}, midpoint {self.f_middle:.6g}, "
            f"chord {self.chord:.6g}>"
        )

    @property
    def chord(self) -> float:
        """The height of the chord above the midpoint."""
        return 0.5 * (self.f_a + self.f_b)

    @property
    def rise(self) -> float:
        """How far the function is above its chord at the midpoint; zero up to rounding.

        Above zero for no convex function.
        """
        size = max(abs(self.f_a), abs(self.f_b), abs(self.f_middle))
        rise = self.f_middle - self.chord
        return rise if abs(rise) > ROUNDING * size else 0.0

    @property
    def barrier(self) -> float:
        """How far the highest value between a and b is above the higher end; zero if it is not."""
        between = self.values[(self.t >= 0.0) & (self.t <= 1.0) & np.isfinite(self.values)]
        highest = max([*between, self.f_middle])
        return max(0.0, float(highest) - max(self.f_a, self.f_b))

    @property
    def heights(self) -> dict[str, float]:
        """The function at the ends and at the midpoint, chord, rise and barrier, by their names."""
        names = ("f_a", "f_b", "f_middle", "chord", "rise", "barrier")
        return {name: getattr(self, name) for name in names}


def slice_between(
    function: Callable[[Array], Array], a: Any, b: Any, *, beyond: float = 0.0, points: int = 201
) -> Slice:
    """A function along the line through two points.

    Parameters
    ----------
    function : callable
        Of rows (k, p), with (k,) values.
    a, b : (p,) arrays, or numbers
        The ends of the chord.
    beyond : float
        How far the line goes on beyond both ends, relative to their distance.
    points : int
        How many values are computed, at least.

    Returns
    -------
    Slice

    Raises
    ------
    InputError
        For ends that are not finite or of different lengths, and where the function has no finite
        value at an end or at their midpoint.

    Examples
    --------
    >>> found = slice_between(lambda rows: np.abs(rows[:, 0]), -1.0, 3.0, points=5)
    >>> found.t.tolist(), found.values.tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 0.0, 1.0, 2.0, 3.0])
    """
    first, last = (np.atleast_1d(as_floats(end, name)) for end, name in ((a, "a"), (b, "b")))
    for end, name in ((first, "a"), (last, "b")):
        check_finite(end, name)
    if first.ndim != 1 or first.shape != last.shape:
        raise InputError(
            f"a has shape {first.shape} and b {last.shape}; expected two points of one space."
        )
    t = places(beyond, points)
    return sliced(lambda s: function(np.outer(1.0 - s, first) + np.outer(s, last)), t)


def slice_between_networks(
    network: Any,
    other: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    beyond: float = 0.0,
    points: int = 101,
) -> Slice:
    """The training objective along the line between the weights of two networks.

    Parameters
    ----------
    network, other : Layer, torch module or fitted estimator
        Two-layer networks of one form; see ``cvxnet.objective.match_units``.
    X, y, loss, weight_decay
        The objective, as in `cvxnet.train`.
    beyond : float
        How far the line goes on beyond both networks, relative to their distance.
    points : int
        How many values are computed, at least.

    Returns
    -------
    Slice

    Raises
    ------
    InputError
        For networks of different forms, and data that cannot be used.
    UnsupportedError
        For units with hidden weights of length one, which no straight line keeps.

    Examples
    --------
    Two optima, the same but for the order of their units:

    >>> import cvxnet as cn
    >>> from cvxnet.objective import in_order
    >>> X, y = [[-1.0], [1.0]], [1.0, 1.0]
    >>> one = cn.train("relu", X, y, weight_decay=0.1, bias=False).network
    >>> found = slice_between_networks(one, in_order(one, [1, 0]), X, y, weight_decay=0.1)
    >>> bool(np.isclose(found.f_a, found.f_b)), bool(found.f_middle > 2.0 * found.f_a)
    (True, True)
    """
    objective = make_objective(network, X, y, loss=loss, weight_decay=weight_decay)
    if not objective.units.traits.shared_decay:
        raise UnsupportedError(
            f"{objective.units.name} units have hidden weights of length one, and the networks on "
            "a straight line between two of them have not: there is no objective along it."
        )
    two_alike(network, other)

    def values(t: Array) -> Array:
        return np.array([value_of_network(objective, mix(network, other, s)) for s in t])

    return sliced(values, places(beyond, points))


def places(beyond: float, points: int) -> Array:
    """Even places on the line, with both ends and the midpoint among them."""
    if not (np.isfinite(beyond) and beyond >= 0.0):
        raise InputError(f"beyond is {beyond!r}; expected 0, or by how much the line is longer.")
    if not (isinstance(points, int) and 3 <= points <= MOST):
        raise InputError(f"points is {points!r}; expected a whole number from 3 to {MOST:,}.")
    even = np.linspace(-beyond, 1.0 + beyond, points)
    return np.unique(np.concatenate([even, [0.0, 0.5, 1.0]]))


def sliced(function: Callable[[Array], Array], t: Array) -> Slice:
    """The slice of a function of the place on the line."""
    with np.errstate(all="ignore"):
        values = np.asarray(function(t), dtype=np.float64).reshape(-1)
        ends = np.asarray(function(np.array([0.0, 1.0, 0.5])), dtype=np.float64).reshape(-1)
    if values.shape != t.shape:
        raise InputError(f"the function has {values.size} values for {len(t)} points.")
    if not np.isfinite(ends).all():
        raise InputError(
            f"the function is {ends[0]:g} at a, {ends[1]:g} at b and {ends[2]:g} between: a chord "
            "is there only where all three are finite."
        )
    f_a, f_b, f_middle = map(float, ends)
    return Slice(t=t, values=values, f_a=f_a, f_b=f_b, f_middle=f_middle)


def plot_slice(
    slices: Slice | Mapping[str, Slice], *, name: str = "f", floor: float | None = None
) -> Figure:
    """Draw a function along a line with its chord, or several along lines of their own.

    Parameters
    ----------
    slices : Slice, or mapping of str to Slice
        What is drawn; several by what they are called.
    name : str
        What the function is called.
    floor : float, optional
        A value below which the function is proved not to go.

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
    >>> well = slice_between(lambda rows: (rows[:, 0] ** 2 - 1.0) ** 2, -1.0, 1.0, beyond=0.2)
    >>> plot_slice(well).axes[0].get_title(loc="left")
    'The midpoint is 1 above the chord'
    """
    several = slices if isinstance(slices, Mapping) else {"": slices}
    with styled():
        figure = new_figure(8.6, 5.0)
        axes = figure.subplots()
        for place, (label, one) in enumerate(several.items()):
            draw_slice(axes, one, literal(label), place)
        draw_floor(axes, floor)
        axes.set(xlabel="place on the line: 0 is a, 1 is b", ylabel=literal(name))
        if len(several) > 1:
            axes.legend(loc="best")
        entitle(axes, "; ".join(said(one, label) for label, one in several.items()))
        head(figure, "One line through the space, and the chord")
    return figure


def draw_floor(axes: Axes, floor: float | None) -> None:
    """A line below which the function is proved not to go."""
    if floor is not None:
        axes.axhline(floor, color=GREY, linewidth=1.0, linestyle=DASHED)
        place: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        look: dict[str, Any] = {"xytext": (-4, 4), "ha": "right", "color": GREY}
        axes.annotate("proved: not below", (0.47, floor), **place, **look)


def said(found: Slice, label: str = "") -> str:
    """What a slice shows, in words.

    >>> said(slice_between(lambda rows: rows[:, 0] ** 2, -1.0, 1.0), "square")
    'square: the midpoint is 1 below the chord'
    """
    if found.rise == 0.0:
        text = "The midpoint is on the chord"
    elif found.rise > 0.0:
        text = f"The midpoint is {found.rise:.4g} above the chord"
    else:
        text = f"The midpoint is {-found.rise:.4g} below the chord"
    return f"{literal(label)}: {text[0].lower()}{text[1:]}" if label else text


def draw_slice(axes: Axes, found: Slice, label: str, place: int) -> None:
    """The function, its chord, the ends and the midpoint."""
    alone = not label
    color = BLUE if alone else color_of(place)
    axes.plot(found.t, found.values, color=color, linestyle=line_of(place), label=label)
    axes.plot([0.0, 1.0], [found.f_a, found.f_b], color=INK, linewidth=1.4, linestyle=DASHED)
    look: dict[str, Any] = {"linestyle": "", "markersize": 8.0, "markeredgecolor": INK}
    marker = marker_of(place)
    axes.plot([0.0, 1.0], [found.f_a, found.f_b], marker, markerfacecolor=color, **look)
    axes.plot([0.5], [found.chord], marker, markerfacecolor="white", **look)
    axes.plot([0.5], [found.f_middle], marker, markerfacecolor=RED if alone else color, **look)
    axes.plot([0.5, 0.5], [found.chord, found.f_middle], color=RED if alone else color, lw=1.2)
    if alone:
        words = {0.0: ("a", found.f_a), 1.0: ("b", found.f_b), 0.5: ("midpoint", found.f_middle)}
        for t, (text, height) in words.items():
            axes.annotate(text, (t, height), xytext=(7, 7), textcoords="offset points")

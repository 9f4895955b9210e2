"""What several pictures draw: samples, kinks, the bracket; and views that no sample spoils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.optional import import_matplotlib
from cvxnet.plots.style import BLUE, DASHED, GREY, INK, PALE, color_of, entitle, marker_of
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.training.solution import Solution
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

Range = tuple[float, float]

MARGIN = 0.06
"""Room around the data, relative to their range."""
FAR = 3.0
"""Data this many times the distance of the quartiles beyond them are far out (Tukey 1977)."""
SQUEEZED = 2.0
"""Data far out are left out of a view where they would make the others so many times smaller."""
CROWD = 40
"""More lines than that are thinner."""
LEAST_GAP = 1e-16
"""Gaps below are drawn here."""


def headline(solution: Solution) -> str:
    """What was proved, and no more."""
    what = "Global optimum" if solution.status == "optimal" else "Best network so far"
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    note = f"; {solution.closing_note}" if solution.closing_note else ""
    return f"{what}:  {lower} ≤ p* ≤ {upper}   (relative gap {solution.gap:.1e}{note})"


def view_of(values: Array, margin: float = MARGIN) -> Range:
    """The range to show: that of the data, without a few far out that would squeeze the others.

    >>> view_of(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e6]), margin=0.25)
    (-1.0, 5.0)
    """
    low, high = float(values.min()), float(values.max())
    first, last = np.quantile(values, [0.25, 0.75])
    if first == last:
        first, last = np.quantile(values, [0.05, 0.95])
    far = FAR * (last - first)
    inner = values[(values >= first - far) & (values <= last + far)]
    if far > 0.0 and high - low > SQUEEZED * np.ptp(inner):
        low, high = float(inner.min()), float(inner.max())
    room = margin * (high - low) or 0.1 * abs(low) or 1.0
    return low - room, high + room


def union(first: Range, second: Range) -> Range:
    """The range that holds both."""
    return min(first[0], second[0]), max(first[1], second[1])


def outside(x: Array, y: Array, axes: Axes) -> NDArray[np.bool_]:
    """Which points lie outside the view of the axes."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return np.asarray((x < left) | (x > right) | (y < bottom) | (y > top))


def draw_points(axes: Axes, x: Array, y: Array, look: Any) -> int:
    """Points; those outside the view are hollow, at its edge. Returns how many those are."""
    beyond = outside(x, y, axes)
    look = {"linestyle": "", "markersize": 6.5, "markeredgewidth": 0.8} | look
    axes.plot(x[~beyond], y[~beyond], **look)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    edge = look | {"markerfacecolor": "white", "markeredgewidth": 1.8, "clip_on": False}
    edge |= {"markeredgecolor": look.get("markerfacecolor", INK), "label": None, "zorder": 5}
    at = np.clip(x[beyond], left, right), np.clip(y[beyond], bottom, top)
    if beyond.any():
        axes.plot(*at, **edge)
    return int(beyond.sum())


def point_look(k: int, **more: Any) -> dict[str, Any]:
    """How samples of output or class k look: a color, a marker, a dark edge."""
    return {"marker": marker_of(k), "markerfacecolor": color_of(k), "markeredgecolor": INK} | more


def spread_legend(axes: Axes, entries: int, **place: Any) -> None:
    """A legend, in columns and smaller where it has many entries."""
    size = 10.0 if entries <= 14 else 8.0 if entries <= 36 else 6.5
    columns = 1 if entries <= 18 else 2 if entries <= 60 else 4
    axes.legend(fontsize=size, ncols=columns, columnspacing=0.8, handletextpad=0.4, **place)


def segments(W: Array, b: Array, box: Sequence[Range]) -> list[Array]:
    """The part in a box of each line ``p x + q y + b = 0`` that crosses it, (2, 2) each.

    >>> segments(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([-1.0, 9.0]), [(0, 4), (0, 2)])
    [array([[1., 0.],
           [1., 2.]])]
    """
    low, high = np.transpose(np.asarray(box, dtype=np.float64))
    corners = [np.array([low[0], y]) for y in (low[1], high[1])]
    corners += [np.array([high[0], y]) for y in (high[1], low[1])]
    found = []
    for w, shift in zip(W, b, strict=True):
        heights = [float(corner @ w + shift) for corner in corners]
        ends = []
        for k in range(4):
            (c, h), (d, i) = ((corners[j], heights[j]) for j in (k, (k + 1) % 4))
            if (h < 0.0) != (i < 0.0):
                ends.append(c + (d - c) * (h / (h - i)))
        if len(ends) == 2:
            found.append(np.array(sorted(map(tuple, ends))))
    return found


def draw_lines(axes: Axes, lines: list[Array], **look: Any) -> None:
    """Lines that do not change the view."""
    collection = import_matplotlib().collections.LineCollection
    axes.add_collection(collection(lines, **look), autolim=False)


def draw_kinks_over(axes: Axes, W: Array, b: Array, box: Sequence[Range]) -> int:
    """Over two features: a thin line where each unit's input is zero; how many are not in view."""
    lines = segments(W, b, box)
    width = 0.9 if len(lines) <= CROWD else 0.5
    draw_lines(axes, lines, colors=INK, linewidths=width, linestyles=DASHED, alpha=0.8)
    return len(W) - len(lines)


def draw_kink_places(axes: Axes, W: Array, b: Array, view: Range) -> tuple[Array, int]:
    """Over one feature: a dashed line at each kink in view; where, and how many are not."""
    at = places(W, b, view)
    for position in at:
        axes.axvline(position, color=GREY, linewidth=0.9, linestyle=DASHED, zorder=1)
    return at, len(W) - len(at)


def places(W: Array, b: Array, view: Range) -> Array:
    """Where ``w x + b = 0`` in a view of one feature, for those of the rows that are there.

    >>> places(np.array([[2.0], [0.0], [1.0]]), np.array([-1.0, 1.0, 9.0]), (0.0, 1.0)).tolist()
    [0.5]
    """
    turning = W[:, 0] != 0.0
    at = -b[turning] / W[turning, 0]
    return np.asarray(at[(at >= view[0]) & (at <= view[1])])


def left_out(numbers: dict[str, tuple[int, int]]) -> str:
    """What the view leaves out, from pairs (how many, of how many).

    >>> left_out({"samples": (2, 40), "kinks": (0, 3)})
    'Outside the view: 2 of 40 samples (hollow, at its edge).'
    """
    told = []
    for name, (some, total) in numbers.items():
        if some:
            where = " (hollow, at its edge)" if name == "samples" else ""
            told.append(f"{some} of {total} {name}{where}")
    return f"Outside the view: {' and '.join(told)}." if told else ""


def draw_gap(axes: Axes, solution: Solution) -> None:
    """The relative gap of the bracket after each round, on a logarithmic scale."""
    rounds = [
        (seconds, relative_gap(lower, upper))
        for seconds, lower, upper, _ in solution.stats["history"]
    ]
    ends = float(solution.stats["seconds"]), solution.gap
    seconds, gaps = np.array([point for point in [*rounds, ends] if np.isfinite(point).all()]).T
    drawn = np.maximum(gaps, LEAST_GAP)
    use_logarithm(axes, "y")
    axes.plot(seconds, drawn, "o-", color=BLUE, markersize=5.0, clip_on=False)
    axes.set(xlabel="seconds", ylabel="(upper - lower) / upper")
    axes.set_xlim(0.0, 1.05 * float(seconds.max()) or 1.0)
    axes.set_ylim(min(1e-2, float(drawn.min()) / 3.0), max(1.5, float(drawn.max()) * 1.5))
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    closed = "closed" if solution.status == "optimal" else "not closed"
    after = f"{ends[0]:.{'2g' if ends[0] < 10.0 else '0f'}}\N{NO-BREAK SPACE}s"
    axes.locator_params(axis="x", nbins=5)
    entitle(axes, f"Gap of the bracket: {gap_text(solution.gap)} after {after}, {closed}")


def use_logarithm(axes: Axes, along: str) -> None:
    """A logarithmic scale with few ticks, written as ``1e-06``: plain text."""
    axes.set(**{f"{along}scale": "log"})
    axis = axes.yaxis if along == "y" else axes.xaxis
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(import_matplotlib().ticker.NullLocator())


def gap_text(gap: float) -> str:
    """A gap in a few digits, never rounded down to something smaller than it is told elsewhere.

    >>> gap_text(0.9981), gap_text(3.07e-7), gap_text(0.0)
    ('0.998', '3.1e-07', '0')
    """
    return "0" if gap == 0.0 else f"{gap:.3f}" if gap >= 0.01 else f"{gap:.1e}"


def some_of(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of the numbers below ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def counted(drawn: int, total: int, what: str) -> str:
    """How many of a kind are drawn, where that is not all; else empty.

    >>> counted(30, 85, "units"), counted(3, 3, "units")
    ('Drawn: 30 of 85 units.', '')
    """
    return f"Drawn: {drawn} of {total} {what}." if drawn < total else ""

"""How far runs ended above the optimum, and whose part of that is the width's, whose their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Results
from cvxnet.plots.canvas import Range, use_logarithm
from cvxnet.plots.style import DASHED, GREY, INK, PALE, color_of, entitle, marker_of
from cvxnet.proofs.gaps import excess
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

LEAST, MOST = 1e-8, 1e4
"""An excess below or above is drawn here."""
HATCHED: Any = {"facecolor": "none", "edgecolor": GREY, "linewidth": 0.0, "hatch": "////"}
BLOCK, ROOM = 0.84, 1.3
"""Width of a group's bar; and how much higher than bars the axes are, for what is said of them."""


def place_of(optimizer: str) -> int:
    """The number that gives an optimiser its color and marker."""
    return list(OPTIMIZERS).index(optimizer)


def look(optimizer: str, **more: Any) -> dict[str, Any]:
    """Color and marker of an optimiser's points."""
    k = place_of(optimizer)
    return {"color": color_of(k), "marker": marker_of(k), "markersize": 4.5} | more


def draw_bracket(axes: Axes, runs: Results) -> None:
    """The bracket as a band: where the optimum may be, if it is not at the lower bound."""
    top = above_lower(runs.best, runs.solution.lower_bound)
    use_excess(axes, [group.excess for group in runs.groups], top)
    axes.axhspan(LEAST / 10.0, top, color=PALE, linewidth=0, zorder=0)


def above_lower(value: float, lower: float) -> float:
    """How far a value is above a lower bound, relatively, as far as it is drawn in a band."""
    return float(np.clip(excess(value, lower, value)[1], LEAST, 1.0))


def use_excess(axes: Axes, excesses: Sequence[Array], top: float) -> None:
    """A logarithmic axis for excesses, (s, 2) each, and a band up to ``top``."""
    ends = np.concatenate([both[:, 0] for both in excesses])
    above = float(ends[np.isfinite(ends)].max(initial=1.0))
    use_logarithm(axes, "y")
    axes.set_ylim(min(top, 1e-6) / 3.0, 2.0 * float(np.clip(above, 1.0, MOST)))


def draw_gaps(axes: Axes, runs: Results) -> str:
    """For each run a point at its largest excess, and a line down to its smallest.

    Where the largest is not known, a hollow point at the smallest and a line up. Those that
    diverged are crosses at the upper edge. Hatched is what no network of the width reaches. Returns
    what is to be said of it.
    """
    draw_bracket(axes, runs)
    floors = [floor_of(runs, group.width) for group in runs.groups]
    for place, least in enumerate(floors):
        if least > LEAST:
            draw_block(axes, place, least, bottom=axes.get_ylim()[0])
    axes.set_ylabel("excess at the end")
    entitle(axes, "Where each run ended, by width (grey: the bracket)")
    hatched = "Hatched: what no network of that width reaches." if max(floors) > LEAST else ""
    return f"{draw_groups(axes, runs, [g.excess for g in runs.groups])} {hatched}".strip()


def floor_of(runs: Results, width: int) -> float:
    """What networks of a width are at least above the lower bound for every width, relatively.

    No run's largest excess is below. 0 where the bracket of the width says no more.
    """
    lower, _ = runs.width_bracket(width)
    return excess(lower, runs.solution.lower_bound, lower)[1]


def draw_own_gaps(axes: Axes, runs: Results) -> str:
    """The same above the optimum of the run's own width: the optimiser's part."""
    brackets = [runs.width_bracket(group.width) for group in runs.groups]
    tops = [above_lower(upper, lower) for lower, upper in brackets]
    use_excess(axes, [group.above_width for group in runs.groups], min(tops))
    for place, top in enumerate(tops):
        axes.fill_between((place - 0.5, place + 0.5), LEAST / 10.0, top, color=PALE, linewidth=0)
    axes.set_ylabel("above the optimum of the width")
    entitle(axes, "The optimiser's part of each run (grey: the width's bracket)")
    return draw_groups(axes, runs, [group.above_width for group in runs.groups])


def draw_groups(axes: Axes, runs: Results, excesses: Sequence[Array]) -> str:
    """The runs of each group side by side, (s, 2) each; returns what is to be said of them."""
    for tolerance in TOLERANCES:
        axes.axhline(tolerance, color=GREY, linewidth=0.9, linestyle=DASHED)
    view = axes.get_ylim()[0] * 1.2, axes.get_ylim()[1]
    for place, (group, ends) in enumerate(zip(runs.groups, excesses, strict=True)):
        at = place + (np.linspace(-0.3, 0.3, len(ends)) if len(ends) > 1 else np.zeros(1))
        draw_ends(axes, at, group.optimizer, ends, view)
    name_groups(axes, runs)
    unknown = any((np.isinf(ends) == (False, True)).all(axis=1).any() for ends in excesses)
    return "Hollow points: the excess is at least that, and not known." if unknown else ""


def name_groups(axes: Axes, runs: Results) -> None:
    """Optimiser and width below each group."""
    names = [f"{g.optimizer}\n{g.width}" for g in runs.groups]
    axes.set_xticks(range(len(names)), names, fontsize=8.0)


def draw_ends(axes: Axes, at: Array, optimizer: str, ends: Array, view: Range) -> None:
    """The runs of one group side by side, each from its smallest to its largest excess."""
    least, most = np.clip(ends, *view).T
    diverged = np.isinf(ends[:, 0])
    unknown = np.isinf(ends[:, 1]) & ~diverged
    known = ~diverged & ~unknown
    style = look(optimizer, linestyle="", clip_on=False, alpha=0.8)
    axes.vlines(at, least, most, color=style["color"], linewidth=0.8, alpha=0.6)
    for some, heights, more in (
        (known, most, {}),
        (unknown, least, {"markerfacecolor": "white"}),
        (diverged, most, {"marker": "x"}),
    ):
        if some.any():  # an empty line that is not clipped would stand at the origin
            axes.plot(at[some], heights[some], **style | more)


def draw_block(axes: Axes, place: float, top: float, bottom: float = 0.0) -> None:
    """What is the width's part, over the place of a group."""
    axes.bar(place, top - bottom, bottom=bottom, width=BLOCK, zorder=0.5, **HATCHED)


def draw_parts(axes: Axes, runs: Results) -> str:
    """Of the median run of each group: what is the width's part of its excess, what its own.

    Between the two what may be either's, where the bracket of the width is open.
    """
    every = runs.solution.lower_bound
    for place, group in enumerate(runs.groups):
        value = float(np.median(group.objective))
        if not (np.isfinite(value) and every > 0.0):
            axes.plot([place], [0.0], **look(group.optimizer, marker="x", clip_on=False))
            continue
        ends = np.minimum(runs.width_bracket(group.width), value)
        width, either, own = 100.0 * (np.array([*ends, value]) / every - 1.0)
        draw_block(axes, place, width)
        axes.bar(place, either - width, bottom=width, width=BLOCK, color=PALE)
        axes.bar(
            place, own - either, bottom=either, width=BLOCK, color=look(group.optimizer)["color"]
        )
    name_groups(axes, runs)
    axes.set_ylabel("excess of the median run, %")
    axes.bar([0], [0], label="the width's part", **HATCHED)
    axes.bar([0], [0], color=INK, label="the optimiser's part (in its color)")
    if any(s.status != "optimal" for s in runs.width_solutions.values()):
        axes.bar([0], [0], color=PALE, label="not known whose")
    axes.set_ylim(0.0, ROOM * axes.get_ylim()[1])
    axes.legend(fontsize=8.0, loc="upper right")
    entitle(axes, "Whose part the excess is")
    return ""

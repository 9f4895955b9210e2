"""The excess of runs on their way, over epochs and over time, beside the exact solution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.baselines.results import Results
from cvxnet.plots.canvas import use_logarithm
from cvxnet.plots.excesses import LEAST, draw_bracket, floor_of, look
from cvxnet.plots.style import GREY, INK, LINES, entitle, say_nothing_to_see
from cvxnet.proofs.gaps import excess

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

UNKNOWN = "The excess is not known: the lower bound is 0."


def draw_curves(axes: Axes, runs: Results, over: str) -> str:
    """The excess, at most, of every run on its way, over ``"epochs"`` or over the ``"clock"``."""
    draw_bracket(axes, runs)
    drawn = 0
    for record in runs.records:
        line = LINES[runs.protocol.widths.index(record.width) % len(LINES)]
        for x, curve in zip(getattr(record, over), record.curve, strict=True):
            y = np.clip(runs.excess(curve)[:, 1], LEAST, None)
            seen = np.isfinite(y) & (np.arange(len(y)) > 0)
            style = look(record.optimizer, linestyle=line, linewidth=0.7, alpha=0.5)
            axes.plot(x[seen], y[seen], markevery=[-1] if seen.any() else [], **style)
            drawn += int(seen.sum())
    lines = draw_floors(axes, runs)
    use_logarithm(axes, "x")
    axes.set_ylabel("excess, at most")
    if over == "epochs":
        axes.set_xlabel("epochs (L-BFGS: evaluations)")
        entitle(axes, "The way there; line style: width")
        for place, width in enumerate(runs.protocol.widths):
            line = LINES[place % len(LINES)]
            axes.plot([], [], linestyle=line, color=GREY, label=f"width {width}")
        axes.legend(fontsize=8.0, loc="lower left")
    else:
        axes.set_xlabel("seconds (of a batch, without tuning)")
        drawn += draw_exact(axes, runs)
        entitle(axes, "The same over time, beside the exact solution")
    if not drawn:
        say_nothing_to_see(axes, UNKNOWN)
    return "Dark lines: no run of that width can be below." if lines else ""


def draw_floors(axes: Axes, runs: Results) -> int:
    """For each width the line that none of its runs can cross, in its style; how many there are."""
    drawn = 0
    for place, width in enumerate(runs.protocol.widths):
        least = floor_of(runs, width)
        if least > LEAST:
            style: dict[str, Any] = {"color": INK, "linewidth": 1.4, "zorder": 3}
            axes.axhline(least, linestyle=LINES[place % len(LINES)], **style)
            drawn += 1
    return drawn


def draw_exact(axes: Axes, runs: Results) -> int:
    """How the bracket of the exact solution closed; how many points that has."""
    history = runs.solution.stats["history"]
    before = runs.exact_seconds - runs.solution.stats["seconds"]
    seconds = np.array([*(before + entry[0] for entry in history), runs.exact_seconds])
    ends = [excess(upper, lower, upper)[1] for _, lower, upper, _ in history]
    last = excess(runs.solution.value, runs.solution.lower_bound, runs.best)[1]
    drawn = np.maximum([*ends, last], LEAST)
    seen = np.isfinite(drawn)
    if seen.any():
        style: dict[str, Any] = {"marker": "*", "markevery": [-1], "markersize": 11.0}
        style |= {"color": INK, "linewidth": 2.5, "label": "exact: (upper - lower) / lower"}
        axes.plot(seconds[seen], drawn[seen], **style)
        axes.legend(fontsize=8.0, loc="lower left")
    return int(seen.sum())

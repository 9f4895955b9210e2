"""Runs as tables, with the lines above and below them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.baselines.optima import why_not_searched
from cvxnet.baselines.results import TOLERANCES, Group, Results
from cvxnet.data.reports import Grid, Page
from cvxnet.objective import Objective
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.scaling import raw_note
from cvxnet.types import Array

WIDTH = 110
TINY = 1e-9
"""An excess of less is called at most something, whatever it is at least."""
WORDS = ("optimizer", "")
"""Columns of words; in the others are numbers."""


def page_of(runs: Results) -> Page:
    """Headline, tables and notes."""
    return Page(
        name="runs",
        above=headlines(runs),
        grids=grids(runs),
        below=notes(runs),
        width=WIDTH,
    )


def grids(runs: Results) -> list[Grid]:
    """A row for each group of runs; and where it was looked for, the optimum of each width."""
    rows = [row(runs, group) for group in runs.groups]
    groups = Grid(columns=group_columns(runs), rows=rows, words=WORDS)
    return [groups, width_grid(runs)] if runs.width_solutions else [groups]


def headlines(runs: Results) -> list[str]:
    """The problem, and what was proved."""
    goal, solution = runs.objective, runs.solution
    n, d = goal.X.shape
    options = "".join(f" {name} {value:g}," for name, value in goal.units.options.items())
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    return [
        f"{goal.units.name} units,{options} {goal.loss.name} loss, weight decay "
        f"{goal.weight_decay:g}, {'with' if goal.form.bias else 'without'} bias{extras(runs)}; "
        f"n = {n}, d = {d}{'' if goal.outputs == 1 else f', {outputs_in_words(goal)}'}",
        f"exact: {lower} <= optimum <= {upper}, relative gap {solution.gap:.1e} "
        f"({solution.status}), {solution.units} units, {runs.exact_seconds:.2f} s",
    ]


def outputs_in_words(goal: Objective) -> str:
    """How many outputs or classes."""
    return f"{goal.outputs} {'outputs' if goal.classes is None else 'classes'}"


def extras(runs: Results) -> str:
    """What is not as `compare` has it by default."""
    goal = runs.objective
    said = {
        ", norm l1": goal.norm == "l1",
        ", free output bias": goal.form.output_bias,
        ", free skip connection": goal.form.skip,
        f", {goal.output_weights} output weights": goal.output_weights != "any",
        ", weighted samples": goal.sample_weight is not None,
    }
    return "".join(text for text, there in said.items() if there)


def group_columns(runs: Results) -> tuple[str, ...]:
    """What stands above the groups of runs: their excess, and where it is split the own part."""
    own = ("above width: min", "median", "max") if runs.width_solutions else ()
    near = (f"<= {tolerance:g}" for tolerance in TOLERANCES)
    excess = ("excess: min", "median", "max")
    times = ("tuning s", "runs s", "x exact")
    return "optimizer", "width", "learning rate", *excess, *own, *near, *times


def row(runs: Results, group: Group) -> list[str]:
    """One line of the table of groups."""
    total = group.tuning_seconds + group.seconds
    rate = "" if group.rate is None else f"{group.rate:.2e}{'*' * group.at_edge}"
    own = summary(group.above_width) if runs.width_solutions else []
    return [
        group.optimizer,
        str(group.width),
        rate,
        *(interval(*ends) for ends in summary(group.excess)),
        *(interval(*ends) for ends in own),
        *(f"{between(*near(runs, group, t))}/{len(group.seeds)}" for t in TOLERANCES),
        f"{group.tuning_seconds:.1f}" if group.tuning_seconds else "",
        f"{group.seconds:.1f}",
        f"{total / runs.exact_seconds:.0f}",
    ]


def near(runs: Results, group: Group, tolerance: float) -> tuple[int, int]:
    """How many runs came close: where that was looked for, to the optimum of their width."""
    return (group.within_width if runs.width_solutions else group.within)(tolerance)


def summary(excess: Array) -> list[Array]:
    """The smallest, the median and the largest of excesses, (s, 2): each (2,)."""
    return [f(excess, axis=0) for f in (np.min, np.median, np.max)]


WIDTH_COLUMNS = ("width", "optimum: at least", "at most", "width's part", "nodes", "search s", "")


def width_grid(runs: Results) -> Grid:
    """What is known of the optimum of each width, and of the excess that it makes."""
    rows = [width_row(runs, width) for width in runs.protocol.widths]
    return Grid(columns=WIDTH_COLUMNS, rows=rows, words=WORDS)


def width_row(runs: Results, width: int) -> list[str]:
    """One line of the table of widths."""
    found, ends = runs.width_solutions.get(width), runs.width_bracket(width)
    known = np.isfinite(ends[1])
    nodes = seconds = ""
    if found is not None:
        nodes = str(found.stats["nodes"])
        seconds = f"{found.stats['seconds'] - runs.solution.stats['seconds']:.1f}"
    return [
        str(width),
        *(bracket_text(*ends) if known else ("", "")),
        interval(*runs.width_excess(width)) if known else "",
        nodes,
        seconds,
        remark(runs, width),
    ]


def remark(runs: Results, width: int) -> str:
    """How the optimum of a width is known."""
    found = runs.width_solutions.get(width)
    if width >= runs.solution.units:
        return f"the exact network has {runs.solution.units} units"
    if found is None:
        return "not looked for"
    if found.status == "optimal":
        return "optimal"
    return f"open: {found.stats['stopped'].partition(':')[0]}"


def interval(least: float, most: float) -> str:
    """An excess in two digits where that says it, otherwise both ends.

    >>> interval(0.0123, 0.0124), interval(0.0, 1e-7), interval(0.5, float("inf"))
    ('1.2e-02', '<=1.0e-07', '>=5.0e-01')
    >>> interval(1e-15, 2e-12)
    '<=2.0e-12'
    """
    low, high = f"{least:.1e}", f"{most:.1e}"
    if low == high:
        return high
    if not np.isfinite(most):
        return f">={low}"
    return between(low, high) if least > TINY else f"<={high}"


def between(low: Any, high: Any) -> str:
    """Two ends that may be equal."""
    return str(low) if low == high else f"{low}..{high}"


def notes(runs: Results) -> list[str]:
    """What one has to know to read the table."""
    protocol = runs.protocol
    size = protocol.batch_size
    steps = "all samples" if size is None else f"{size} samples (L-BFGS: all)"
    tuned = f"tuned on {protocol.tuning_seeds} other networks"
    found = [
        "excess: how far above the optimum of every width, relatively; from (objective - upper) / "
        "upper to (objective - lower) / lower.",
        *width_notes(runs),
        f"{protocol.epochs} epochs, {steps} a step; learning rates are for the sum of losses, "
        f"{tuned if runs.tunings else 'as given'}.",
        "x exact: the time of tuning and all runs over that of the exact solution.",
    ]
    return found + [note for holds, note in special_notes(runs) if holds]


def width_notes(runs: Results) -> list[str]:
    """What the columns say that depend on whether the optima of the widths were looked for."""
    if not runs.width_solutions:
        return ["<= t: how many runs ended that close, proved..possible."]
    return [
        "above width: the optimiser's part, the excess over the optimum of the run's own width; "
        "1 + excess = (1 + width's part) (1 + optimiser's part).",
        "<= t: how many runs ended that close to the optimum of their width, proved..possible.",
    ]


def special_notes(runs: Results) -> list[tuple[bool, str]]:
    """What has to be known besides, each with whether it holds here."""
    goal, solution = runs.objective, runs.solution
    note = raw_note(goal.rows)
    untold = why_not_searched(goal, runs.protocol, solution) or "it was interrupted"
    return [
        (
            min(runs.protocol.widths) < solution.units and not runs.width_solutions,
            f"The exact network has {solution.units} units: with fewer, the width itself may be "
            f"part of the excess. The optimum of a width is not known: {untold}.",
        ),
        (
            any(group.at_edge for group in runs.groups),
            "*: the smallest or largest learning rate tried; beyond it may be better.",
        ),
        (
            any(group.optimizer == "adamw" for group in runs.groups),
            "adamw: its decoupled decay does not minimise this objective.",
        ),
        (
            solution.gap > min(TOLERANCES),
            f"The bracket is wide (relative gap {solution.gap:.1e}): how far runs are above the "
            "optimum is known no better.",
        ),
        (bool(solution.closing_note), f"The exact solution: {solution.closing_note}."),
        (
            bool(note),
            f"Gradient methods, not the exact solution, are slow on raw data: {note}.",
        ),
        (
            runs.interrupted,
            "Interrupted: what was finished is shown"
            f"{'' if runs.records else ', the exact solution and no run'}.",
        ),
    ]

"""The curve of optima in words: the page that is shown, a document for JSON, lines for CSV."""

from __future__ import annotations

import math
from typing import Any

from cvxnet.data.reports import Grid, Page
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.width.curve import Curve, Range

COLUMNS = (
    *("units", "optimum: at least", "at most", "gap", "status"),
    *("above every width", "last unit gains", "nodes", "s"),
)
COLUMNS_OF_A_FILE = ("width", "status", "lower", "upper", "gap", "units", "seconds")
EVERY = "any"
"""What stands in the column of units in the row of every width."""
WITHIN = (0.1, 0.01)
"""Shares of the optimum that most would call little, and nearly nothing."""
SMALL = 1e-9
"""A share that may be larger is said to be at most that, whatever it is at least."""


def page_of(found: Curve) -> Page:
    """Headline, notes, and a row for each width and one for every width."""
    grid = Grid(columns=COLUMNS, rows=rows(found))
    return Page(name="widths", above=headlines(found), grids=[grid], below=notes(found))


def rows(found: Curve) -> list[list[str]]:
    """The cells of the table."""
    every = found.all_widths
    told = [
        [
            str(solution.width),
            *bracket_text(found.lower_bounds[m], found.values[m]),
            f"{found.gaps[m]:.1e}",
            found.statuses[m],
            percentage(found.excess[m]),
            percentage(found.gains[m]),
            str(solution.stats["nodes"]),
            f"{own_seconds(found, m):.2f}",
        ]
        for m, solution in enumerate(found.solutions)
    ]
    ends = bracket_text(every.lower_bound, every.value)
    last = [EVERY, *ends, f"{every.gap:.1e}", every.status, "", percentage(found.gains[-1]), ""]
    return [*told, [*last, f"{every.stats['seconds']:.2f}"]]


def own_seconds(found: Curve, m: int) -> float:
    """What the width of that place took, without the search over every width before it."""
    seconds: float = found.solutions[m].stats["seconds"] - found.all_widths.stats["seconds"]
    return seconds


def percentage(ends: Range) -> str:
    """A share in percent, in three digits where that says it, otherwise both ends.

    >>> percentage((0.12345, 0.12346)), percentage((0.0, 1e-7)), percentage((0.5, float("inf")))
    ('12.3 %', '<= 1e-05 %', '>= 50 %')
    >>> percentage((0.1, 0.2)), percentage((0.0, 0.0))
    ('10 .. 20 %', '0 %')
    """
    low, high = (f"{100.0 * end:.3g}" for end in ends)
    if low == high:
        return f"{low} %"
    if math.isinf(ends[1]):
        return f">= {low} %"
    return f"{low} .. {high} %" if ends[0] > SMALL else f"<= {high} %"


def counted(units: int) -> str:
    """So many units."""
    return f"{units} unit{'s' * (units != 1)}"


def headlines(found: Curve) -> list[str]:
    """What is minimised, over how many samples."""
    goal = found.all_widths.objective
    n, d = goal.X.shape
    return [
        f"{goal.loss.name} loss, {goal.units!r}, weight decay {goal.weight_decay:g}; "
        f"n = {n}, d = {d}",
    ]


def notes(found: Curve) -> list[str]:
    """How many units are worth having, and what one has to know to read the table."""
    every = found.all_widths
    ends = [(within, found.enough(within)) for within in WITHIN]
    near = [f"{100 * within:g} % from {counted(m)} on" for within, m in ends if m is not None]
    told = [f"The best network of any width has {counted(every.units)}."]
    if near:
        told.append(f"Proved to be close to the optimum of every width: to {', to '.join(near)}.")
    for stopped, which in open_ones(found).items():
        told.append(f"Open for {', '.join(which)} units: {stopped}.")
    unchecked = [str(s.width) for s in found.solutions if s.checking_note]
    if unchecked:
        told.append(
            f"Not checked again in as long as training took: certificates of "
            f"{', '.join(unchecked)} units; cvxnet.check takes the time that it needs."
        )
    return [
        *told,
        "above every width: how far the optimum of a width is above that of every width.",
        "last unit gains: its share of what all units take off the objective of no unit, "
        f"{found.without:.6g}; in the last line, of all further units.",
        f"Ended: {found.stopped}.",
    ]


def open_ones(found: Curve) -> dict[str, list[str]]:
    """The widths whose brackets stayed open, by the reason."""
    reasons: dict[str, list[str]] = {}
    for solution, status in zip(found.solutions, found.statuses, strict=True):
        if status != "optimal":
            reasons.setdefault(solution.stats["stopped"], []).append(str(solution.width))
    return reasons


def document(found: Curve) -> dict[str, Any]:
    """All numbers, ready for JSON, which has no infinity: None."""
    every, goal = found.all_widths, found.all_widths.objective
    return {
        "family": goal.units.name,
        "loss": goal.loss.name,
        "weight_decay": goal.weight_decay,
        "samples": goal.X.shape[0],
        "features": goal.X.shape[1],
        "without_units": found.without,
        "every_width": {
            "status": every.status,
            "lower": every.lower_bound,
            "upper": every.value,
            "gap": every.gap,
            "units": every.units,
            "seconds": every.stats["seconds"],
        },
        "widths": [width_document(found, m) for m in range(len(found.solutions))],
        "rest_gains": list(found.gains[-1]),
        "goal": found.goal,
        "closed": found.closed,
        "enough": {f"{within:g}": found.enough(within) for within in WITHIN},
        "stopped": found.stopped,
        "seconds": found.seconds,
    }


def width_document(found: Curve, m: int) -> dict[str, Any]:
    """What there is to say of the width of that place."""
    solution = found.solutions[m]
    return {
        "width": solution.width,
        "status": found.statuses[m],
        "lower": found.lower_bounds[m],
        "upper": found.values[m],
        "gap": found.gaps[m],
        "units": solution.units,
        "excess": [end if math.isfinite(end) else None for end in found.excess[m]],
        "gains": list(found.gains[m]),
        "nodes": solution.stats["nodes"],
        "open": solution.stats["open"],
        "stopped": solution.stats["stopped"],
        "checked": solution.stats["checked"],
        "seconds": own_seconds(found, m),
    }


def lines_of(found: Curve) -> list[dict[str, Any]]:
    """One line for each width, and one for every width."""
    told = document(found)
    return [*told["widths"], {"width": EVERY} | told["every_width"]]

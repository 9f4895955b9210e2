"""Runs as a table, in plain text, colours and HTML, and as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict
from html import escape
from typing import Any

import numpy as np
from rich.console import Console
from rich.console import Group as Lines
from rich.table import Table
from rich.text import Text

from cvxnet.baselines.networks import described
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.runs import TOLERANCES, Group, Runs
from cvxnet.data.files import replacing
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.scaling import raw_note
from cvxnet.types import Array

WIDTH = 110
COLUMNS = (
    "optimizer",
    "width",
    "learning rate",
    "excess: min",
    "median",
    "max",
    *(f"<= {tolerance:g}" for tolerance in TOLERANCES),
    "tuning s",
    "runs s",
    "x exact",
)


def render_text(runs: Runs) -> str:
    """Headline, table and notes as plain text."""
    printed = io.StringIO()
    Console(file=printed, width=WIDTH, color_system=None).print(render_rich(runs))
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())


def render_rich(runs: Runs) -> Any:
    """The same for a rich console."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "optimizer" else "right", no_wrap=True)
    for group in runs.groups:
        table.add_row(*row(runs, group))
    above = [Text(line) for line in headlines(runs)]
    below = [Text(line, style="dim") for line in notes(runs)]
    return Lines(*above, Text(""), table, Text(""), *below)


def render_html(runs: Runs) -> str:
    """The same as an HTML fragment."""

    def line(cells: Any, kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    rows = "".join(line(row(runs, group), "td") for group in runs.groups)
    above, below = ("<br>".join(map(escape, lines)) for lines in (headlines(runs), notes(runs)))
    return (
        f'<div class="cvxnet-runs"><p>{above}</p><table><thead>{line(COLUMNS, "th")}</thead>'
        f"<tbody>{rows}</tbody></table><p><small>{below}</small></p></div>"
    )


def headlines(runs: Runs) -> list[str]:
    """The problem, and what was proved."""
    goal, solution = runs.objective, runs.solution
    n, d = goal.X.shape
    options = "".join(f" {name} {value:g}," for name, value in goal.units.options.items())
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    return [
        f"{goal.units.name} units,{options} {goal.loss.name} loss, weight decay "
        f"{goal.weight_decay:g}, {'with' if goal.form.bias else 'without'} bias{extras(runs)}; "
        f"n = {n}, d = {d}",
        f"exact: {lower} <= optimum <= {upper}, relative gap {solution.gap:.1e} "
        f"({solution.status}), {solution.units} units, {runs.exact_seconds:.2f} s",
    ]


def extras(runs: Runs) -> str:
    """What is not as `compare` has it by default."""
    goal = runs.objective
    said = {
        ", norm l1": goal.norm == "l1",
        ", free output bias": goal.form.output_bias,
        ", free skip connection": goal.form.skip,
        ", weighted samples": goal.sample_weight is not None,
    }
    return "".join(text for text, there in said.items() if there)


def row(runs: Runs, group: Group) -> list[str]:
    """One line of the table."""
    total = group.tuning_seconds + group.seconds
    rate = "" if group.rate is None else f"{group.rate:.2e}{'*' * group.at_edge}"
    return [
        group.optimizer,
        str(group.width),
        rate,
        *(interval(*ends) for ends in summary(group)),
        *(f"{between(*group.within(t))}/{len(group.seeds)}" for t in TOLERANCES),
        f"{group.tuning_seconds:.1f}" if group.tuning_seconds else "",
        f"{group.seconds:.1f}",
        f"{total / runs.exact_seconds:.0f}",
    ]


def summary(group: Group) -> list[Array]:
    """The smallest, the median and the largest excess, each (2,)."""
    return [f(group.excess, axis=0) for f in (np.min, np.median, np.max)]


def interval(least: float, most: float) -> str:
    """An excess in two digits where that says it, otherwise both ends.

    >>> interval(0.0123, 0.0124), interval(0.0, 1e-7), interval(0.5, float("inf"))
    ('1.2e-02', '<=1.0e-07', '>=5.0e-01')
    """
    low, high = f"{least:.1e}", f"{most:.1e}"
    if low == high:
        return high
    if not np.isfinite(most):
        return f">={low}"
    return between(low, high) if least else f"<={high}"


def between(low: Any, high: Any) -> str:
    """Two ends that may be equal."""
    return str(low) if low == high else f"{low}..{high}"


def notes(runs: Runs) -> list[str]:
    """What one has to know to read the table."""
    protocol, solution = runs.protocol, runs.solution
    size = protocol.batch_size
    steps = "all samples" if size is None else f"{size} samples (L-BFGS: all)"
    tuned = f"tuned on {protocol.tuning_seeds} other networks"
    found = [
        "excess: how far above the optimum, relatively; from (objective - upper) / upper to "
        "(objective - lower) / lower.",
        "<= t: how many runs ended that close, proved..possible.",
        f"{protocol.epochs} epochs, {steps} a step; learning rates are for the sum of losses, "
        f"{tuned if runs.tunings else 'as given'}.",
        "x exact: the time of tuning and all runs over that of the exact solution.",
    ]
    if min(protocol.widths) < solution.units:
        found.append(
            f"The exact network has {solution.units} units: with fewer, the width itself may be "
            "part of the excess."
        )
    if any(group.at_edge for group in runs.groups):
        found.append("*: the smallest or largest learning rate tried; beyond it may be better.")
    if any(group.optimizer == "adamw" for group in runs.groups):
        found.append("adamw: its decoupled decay does not minimise this objective.")
    if solution.gap > min(TOLERANCES):
        found.append(
            f"The bracket is wide (relative gap {solution.gap:.1e}): how far runs are above the "
            "optimum is known no better."
        )
    if solution.closing_note:
        found.append(f"The exact solution: {solution.closing_note}.")
    if note := raw_note(runs.objective.rows):
        found.append(f"Gradient methods, not the exact solution, are slow on raw data: {note}.")
    if runs.interrupted:
        found.append("Interrupted: what was finished is shown.")
    return found


def document(runs: Runs) -> dict[str, Any]:
    """Everything but the weights."""
    solution = runs.solution
    return {
        "versions": runs.versions,
        "objective": described(runs.objective),
        "samples": runs.objective.X.shape[0],
        "features": runs.objective.X.shape[1],
        "weighted": runs.objective.sample_weight is not None,
        "exact": {
            "status": solution.status,
            "lower": solution.lower_bound,
            "upper": solution.value,
            "gap": solution.gap,
            "units": solution.units,
            "seconds": runs.exact_seconds,
        },
        "protocol": asdict(runs.protocol),
        "interrupted": runs.interrupted,
        "groups": [group_document(runs, group) for group in runs.groups],
    }


def group_document(runs: Runs, group: Group) -> dict[str, Any]:
    """An optimiser at a width: rate, times, and for each seed the end and the way there."""
    numbers = {"objective": group.objective, "excess": group.excess} | {
        name: np.concatenate(
            [getattr(record, name) for record in runs.records_of(group.optimizer, group.width)]
        )
        for name in ("epochs", "clock", "curve")
    }
    return {
        "optimizer": group.optimizer,
        "label": OPTIMIZERS[group.optimizer].label,
        "width": group.width,
        "rate": group.rate,
        "rate_at_edge": group.at_edge,
        "tuning_seconds": group.tuning_seconds,
        "seconds": group.seconds,
        "within": {f"{tolerance:g}": list(group.within(tolerance)) for tolerance in TOLERANCES},
        "seeds": group.seeds,
    } | {name: plain(array) for name, array in numbers.items()}


def plain(array: Any) -> Any:
    """Nested lists for JSON, which has no infinity: None where a run diverged."""
    if isinstance(array, np.ndarray):
        return [plain(value) for value in array]
    return float(array) if np.isfinite(array) else None


def write_json(runs: Runs, path: str | os.PathLike[str]) -> None:
    """The document, replacing an old file in one step."""
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as file:
        json.dump(document(runs), file)


def write_csv(runs: Runs, path: str | os.PathLike[str]) -> None:
    """One line for each run; what is common to all stands in every line."""
    goal, solution, protocol = runs.objective, runs.solution, runs.protocol
    common = {
        **{name: value for name, value in described(goal).items() if name != "options"},
        "weighted": runs.objective.sample_weight is not None,
        "epochs": protocol.epochs,
        "batch_size": protocol.batch_size,
        "lower": solution.lower_bound,
        "upper": solution.value,
        "exact_seconds": runs.exact_seconds,
    } | runs.versions
    lines = [
        {
            "optimizer": group.optimizer,
            "width": group.width,
            "seed": seed,
            "rate": group.rate,
            "objective": objective,
            "excess_at_least": least,
            "excess_at_most": most,
            "tuning_seconds_of_all_seeds": group.tuning_seconds,
            "seconds_of_all_seeds": group.seconds,
        }
        | common
        for group in runs.groups
        for seed, objective, (least, most) in zip(
            group.seeds, group.objective, group.excess, strict=True
        )
    ]
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)

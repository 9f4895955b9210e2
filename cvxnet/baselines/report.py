"""Runs as a table, in plain text, colours and HTML, and as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from rich.console import Console
from rich.console import Group as Lines
from rich.table import Table
from rich.text import Text

from cvxnet.baselines.networks import described
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Group, Results
from cvxnet.data.files import replacing
from cvxnet.errors import InputError
from cvxnet.objective import Objective
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.scaling import raw_note
from cvxnet.types import Array

WIDTH = 110
NO_LIMIT = 10**4
TINY = 1e-9
"""An excess of less is called at most something, whatever it is at least."""
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


COLUMNS_OF_A_RUN = (
    *("optimizer", "width", "seed", "rate", "objective", "excess_at_least", "excess_at_most"),
    *("tuning_seconds_of_all_seeds", "seconds_of_all_seeds"),
)


def render_text(runs: Results) -> str:
    """Headline, table and notes as plain text."""
    printed = io.StringIO()
    console = Console(file=printed, width=NO_LIMIT, color_system=None)
    console.width = max(WIDTH, console.measure(table_of(runs)).maximum)
    console.print(render_rich(runs))
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())


def table_of(runs: Results) -> Table:
    """A row for each group of runs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "optimizer" else "right", no_wrap=True)
    for group in runs.groups:
        table.add_row(*row(runs, group))
    return table


def render_rich(runs: Results) -> Any:
    """The same for a rich console."""
    table = table_of(runs)
    above = [Text(line) for line in headlines(runs)]
    below = [Text(line, style="dim") for line in notes(runs)]
    return Lines(*above, Text(""), table, Text(""), *below)


def render_html(runs: Results) -> str:
    """The same as an HTML fragment."""

    def line(cells: Any, kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"

    rows = "".join(line(row(runs, group), "td") for group in runs.groups)
    above, below = ("<br>".join(map(escape, lines)) for lines in (headlines(runs), notes(runs)))
    return (
        f'<div class="cvxnet-runs"><p>{above}</p><table><thead>{line(COLUMNS, "th")}</thead>'
        f"<tbody>{rows}</tbody></table><p><small>{below}</small></p></div>"
    )


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


def row(runs: Results, group: Group) -> list[str]:
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
        "excess: how far above the optimum, relatively; from (objective - upper) / upper to "
        "(objective - lower) / lower.",
        "<= t: how many runs ended that close, proved..possible.",
        f"{protocol.epochs} epochs, {steps} a step; learning rates are for the sum of losses, "
        f"{tuned if runs.tunings else 'as given'}.",
        "x exact: the time of tuning and all runs over that of the exact solution.",
    ]
    return found + [note for holds, note in special_notes(runs) if holds]


def special_notes(runs: Results) -> list[tuple[bool, str]]:
    """What has to be known besides, each with whether it holds here."""
    solution, note = runs.solution, raw_note(runs.objective.rows)
    return [
        (
            min(runs.protocol.widths) < solution.units,
            f"The exact network has {solution.units} units: with fewer, the width itself may be "
            "part of the excess.",
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


def document(runs: Results) -> dict[str, Any]:
    """Everything but the weights."""
    solution = runs.solution
    return {
        "versions": runs.versions,
        "objective": described(runs.objective),
        "samples": runs.objective.X.shape[0],
        "features": runs.objective.X.shape[1],
        "outputs": runs.objective.outputs,
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


def group_document(runs: Results, group: Group) -> dict[str, Any]:
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


def write_json(runs: Results, path: str | os.PathLike[str]) -> None:
    """The document, replacing an old file in one step."""
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as file:
        json.dump(document(runs), file)


def write_csv(runs: Results, path: str | os.PathLike[str]) -> None:
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
        writer = csv.DictWriter(file, [*COLUMNS_OF_A_RUN, *common], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs(Results):
    """What `cvxnet.compare` returns: the results, and how they are shown and kept.

    ``print(runs)`` shows the table; in a notebook it is HTML.

    Attributes
    ----------
    solution : Solution
        The exact solution: ``runs.solution.lower_bound <= optimum <= runs.solution.value``.
    exact_seconds : float
        What it took.
    objective : Objective
        What was minimised, with the data.
    protocol : Protocol
        How the runs were made.
    tunings, records : tuple of Record
        Finished batches: those that chose the learning rates, and those that count.
    interrupted : bool
        Whether Ctrl-C ended it early; what is here was finished.
    versions : dict
        Of cvxnet, torch, numpy and scipy.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [1.0]], [1.0, 2.0]
    >>> runs = cn.compare(
    ...     "relu", X, y, weight_decay=0.1, bias=False, optimizers="lbfgs", widths=8, seeds=2
    ... )
    >>> runs.network("lbfgs", 8, seed=1)
    Sequential(Linear(1, 8), ReLU(), Linear(8, 1))
    >>> runs.to_dict()["exact"]["status"]
    'optimal'
    """

    def table(self) -> str:
        """How far from the optimum each optimiser ended, how often it got there, and the time."""
        return render_text(self)

    __str__ = table

    def __repr__(self) -> str:
        runs = sum(len(record.seeds) for record in self.records)
        return f"<Runs: {runs} by {', '.join(self.protocol.optimizers)}; {self.solution!r}>"

    def __rich__(self) -> Any:
        return render_rich(self)

    def _repr_html_(self) -> str:
        return render_html(self)

    def plot(self, feature_names: Any = None, *, scale: Any = None) -> Any:
        """Draw excess, success rates, excess over epochs and time, and units.

        Parameters
        ----------
        feature_names : sequence of str, optional
            One for each column of X.
        scale : pair of (d,) arrays, optional
            ``(mean, scale)``, where X is standardised: axes then show what it was before.

        Returns
        -------
        matplotlib.figure.Figure
            For `cvxnet.plots.save_figure`.

        Raises
        ------
        MissingExtraError
            Where matplotlib is not installed.
        InputError
            Where it was interrupted before a run was finished.
        """
        if not self.records:
            raise InputError("no run was finished, so there is nothing to draw.")
        from cvxnet.plots.comparison import plot_runs

        return plot_runs(self, feature_names, scale=scale)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the weights, ready for JSON."""
        return document(self)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dict` to a file.

        Parameters
        ----------
        path : str or path
            An old file is replaced in one step.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        write_json(self, path)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line for each run to a file.

        Parameters
        ----------
        path : str or path
            An old file is replaced in one step.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        write_csv(self, path)

"""Runs as JSON and CSV."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import numpy as np

from cvxnet.baselines.networks import described
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.results import TOLERANCES, Group, Results
from cvxnet.data.files import replacing
from cvxnet.data.reports import Lines

COLUMNS_OF_A_RUN = (
    *("optimizer", "width", "seed", "rate", "objective", "excess_at_least", "excess_at_most"),
    *("above_width_at_least", "above_width_at_most"),
    *("tuning_seconds_of_all_seeds", "seconds_of_all_seeds"),
)


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
        "widths": [width_document(runs, width) for width in runs.protocol.widths],
        "protocol": asdict(runs.protocol),
        "interrupted": runs.interrupted,
        "groups": [group_document(runs, group) for group in runs.groups],
    }


def width_document(runs: Results, width: int) -> dict[str, Any]:
    """What is known of the optimum of a width, and how; the ends as far as they are finite."""
    found, exact = runs.width_solutions.get(width), runs.solution
    lower, upper = runs.width_bracket(width)
    document: dict[str, Any] = {"width": width, "lower": lower, "upper": plain(upper)}
    document["excess"] = [plain(end) for end in runs.width_excess(width)]
    if found is None:
        return document | {"status": "every width" if width >= exact.units else "not looked for"}
    stats = found.stats
    return document | {
        "status": found.status,
        "units": found.units,
        "seconds": stats["seconds"] - exact.stats["seconds"],
        **{name: stats[name] for name in ("nodes", "open", "stopped")},
    }


def group_document(runs: Results, group: Group) -> dict[str, Any]:
    """An optimiser at a width: rate, times, and for each seed the end and the way there."""
    ends = {name: getattr(group, name) for name in ("objective", "excess", "above_width")}
    numbers = ends | {
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
        "within_width": {f"{t:g}": list(group.within_width(t)) for t in TOLERANCES},
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


def lines_of(runs: Results) -> Lines:
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
            "above_width_at_least": own_least,
            "above_width_at_most": own_most,
            "tuning_seconds_of_all_seeds": group.tuning_seconds,
            "seconds_of_all_seeds": group.seconds,
        }
        | common
        for group in runs.groups
        for seed, objective, (least, most), (own_least, own_most) in zip(
            group.seeds, group.objective, group.excess, group.above_width, strict=True
        )
    ]
    return [*COLUMNS_OF_A_RUN, *common], lines

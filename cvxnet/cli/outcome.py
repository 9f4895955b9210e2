"""What every subcommand shares: where files go and how a solution is reported."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from cvxnet.cli.folders import make_folder
from cvxnet.data.preparation import Preparation
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.layers import Sequential, load
from cvxnet.losses import get_loss
from cvxnet.objective import flattened, read_network
from cvxnet.plots import count_units, plot_solution, save_figure
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.certification import split_deep
from cvxnet.training.solution import Solution
from cvxnet.types import Array


def network_file(named: str) -> str:
    """The network's file, where a folder is named that train --out has written."""
    folder = Path(named)
    if not folder.is_dir():
        return named
    file = folder / "network.json"
    if not file.is_file():
        raise InputError(
            f"the folder {folder} has no network.json. Name a network's file, or a folder that "
            "cvxnet train --out has written."
        )
    return str(file)


def save_solution(
    solution: Solution,
    out: Path,
    features: Sequence[str],
    targets: Sequence[str],
    network: Sequential | None = None,
) -> tuple[dict[str, str], str]:
    """Write network, certificate and figure; returns their paths, and why one is missing.

    ``network`` is the solution's with what has to stand around it, where there is any.
    """
    paths = {
        "network": out / "network.json",
        "certificate": out / "certificate.json",
        "figure": out / "figure.png",
    }
    make_folder(out)
    (network or solution.network).save(paths["network"])
    solution.certificate.save(paths["certificate"])
    note = ""
    try:
        save_figure(plot_solution(solution, features, targets), paths["figure"])
    except MissingExtraError as error:
        del paths["figure"]
        note = f"no figure: {error}"
    return {name: str(path) for name, path in paths.items()}, note


def summary(solution: Solution) -> dict[str, Any]:
    """The facts about a solution, ready for JSON."""
    certificate, stats = solution.certificate, solution.stats
    n, d = certificate.X.shape
    return {
        "status": solution.status,
        "lower": solution.lower_bound,
        "upper": solution.value,
        "gap": solution.gap,
        "closed_by": solution.closed_by,
        "tolerance": solution.tolerance,
        "family": certificate.unit_name,
        "units": solution.units,
        "loss": certificate.loss,
        "weight_decay": certificate.weight_decay,
        "bias": certificate.bias,
        "samples": n,
        "features": d,
        "outputs": solution.objective.outputs,
        "seconds": stats["seconds"],
        "rounds": stats["rounds"],
        "master": stats["master"],
        "interrupted": stats["interrupted"],
        "stopped": stats["stopped"],
        "untrained": stats["untrained"],
        "checkpoint": stats["checkpoint"],
    } | width_document(solution)


def width_document(solution: Solution) -> dict[str, Any]:
    """What there is to say where a width was asked for, ready for JSON."""
    every, stats = solution.all_widths, solution.stats
    if every is None:
        return {}
    return {
        "width": solution.width,
        "nodes": stats["nodes"],
        "open": stats["open"],
        "every_width": {
            "status": every.status,
            "lower": every.lower_bound,
            "upper": every.value,
            "units": every.units,
        },
    }


def bracket_line(solution: Solution, goal: float) -> str:
    """The bracket, and whether it was closed."""
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    verdict = "optimal" if solution.status == "optimal" else f"not closed to {goal:g}"
    if solution.closing_note:
        verdict += f", {solution.closing_note}"
    if solution.stats["interrupted"]:
        verdict += ", interrupted"
    return f"{lower} <= optimum <= {upper}   relative gap {solution.gap:.1e}: {verdict}"


def stopped_line(solution: Solution) -> str:
    """Why training ended, where the bracket was not closed."""
    return "" if solution.status == "optimal" else solution.warning or solution.stats["stopped"]


def network_line(solution: Solution, files: dict[str, str], X: Array | None = None) -> str:
    """The size of the network, and what its saved file is worth on the columns of the table."""
    line = f"{count_units(solution)}, {solution.stats['seconds']:.1f} s"
    if solution.stats["master"]:
        line += f", master solved by {solution.stats['master']}"
    value = objective_of_file(files["network"], solution.certificate, X) if files else None
    if value is not None:
        line += f"; the saved file has objective {value:.10g} (evaluated anew)"
    return f"{line}; {solution.width_note}" if solution.width_note else line


def objective_of_file(path: str | Path, proof: Certificate, X: Array | None = None) -> float | None:
    """The training objective of a saved network, from the file, the data and the loss alone.

    ``X`` are the columns that the network sees, where the certificate is about scaled ones. None
    for families and options whose penalty is not half the sum of the squares of all weights.
    """
    shared = proof.objective.units.traits.shared_decay and proof.norm == "l2"
    if not shared or proof.weights.gate is not None:
        return None
    network = load(path)
    outputs = network(proof.X if X is None else X)
    fit = get_loss(proof.loss).value(outputs.reshape(proof.y.shape), proof.y)
    weights = read_network(split_deep(flattened(network))[1]).weights
    decayed = [w for w in (weights.W, weights.b, weights.a) if w is not None]
    return fit + 0.5 * proof.weight_decay * sum(float((w**2).sum()) for w in decayed)


def classes_line(solution: Solution, preparation: Preparation) -> str:
    """Which outputs of the network stand for which labels."""
    if solution.classes is not None:
        return "outputs in this order: " + ", ".join(map(str, solution.classes))
    classes = preparation.classes
    return "-1 is {!r}, +1 is {!r}".format(*classes) if classes else ""


def labels_of(preparation: Preparation) -> list[Any] | None:
    """The classes in the order of the outputs (or -1 and +1), ready for JSON; None for numbers."""
    return None if preparation.classes is None else list(preparation.classes)


UNBROKEN = "\u00a0"
"""A space in a fact at which no line ends."""
COMMANDS = ("files", "try next")
"""Facts that are copied as they stand, so that no line of them is broken."""


def print_facts(facts: Mapping[str, str | Sequence[str]], stream: TextIO | None = None) -> None:
    """Names and values in two columns; empty values are left out, several of one name in lines.

    On a terminal what does not fit the line goes on below, in the second column.
    """
    stream = stream or sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else 0
    for name, values in facts.items():
        for value in [values] if isinstance(values, str) else values:
            line = f"{name:<12} {value}"
            if width > 40 and name not in COMMANDS:
                line = textwrap.fill(
                    line, width, subsequent_indent=" " * 13, break_on_hyphens=False
                )
            if value:
                print(line.replace(UNBROKEN, " "), file=stream)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2))

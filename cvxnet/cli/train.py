"""``cvxnet train``: a CSV file in, network, certificate and figure out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.options import Chosen, Columns, Effort, File, Json, Networks, choose
from cvxnet.cli.outcome import (
    bracket_line,
    check_folder,
    classes_line,
    labels_of,
    network_line,
    print_facts,
    print_json,
    save_solution,
    stopped_line,
    summary,
)
from cvxnet.training import trainer
from cvxnet.training.solution import Solution


def train(
    file: File,
    columns: Columns,
    networks: Networks,
    effort: Effort,
    out: Annotated[
        Path | None, typer.Option(help="Folder for network, certificate and figure.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a two-layer network on a CSV file to the global optimum.

    Ctrl-C stops early: the best network so far is kept, with its true bracket.
    """
    check_folder(out)
    chosen = choose(file, columns, networks.loss)
    objective = networks.objective(chosen)
    budget = effort.budget(progress=not json)
    prepare(objective.units, quiet=json, several=objective.outputs > 1)
    solution = trainer.solve(objective, budget)
    report(solution, chosen, budget.gap, out=out, json=json)
    raise typer.Exit(PROVED if solution.status == "optimal" else NOT_PROVED)


def report(solution: Solution, chosen: Chosen, gap: float, *, out: Path | None, json: bool) -> None:
    """Write the files, where there is a folder for them, and print the outcome."""
    data = chosen.data
    files, note = save_solution(solution, out, data.features, data.targets) if out else ({}, "")
    if json:
        names = {
            "target": data.target if len(data.targets) == 1 else list(data.targets),
            "features": list(data.features),
            "classes": labels_of(solution, data),
        }
        print_json(summary(solution) | names | {"remark": chosen.remark, "files": files})
        return
    print_facts(
        {
            "remark": chosen.remark,
            "bracket": bracket_line(solution, gap),
            "stopped": stopped_line(solution),
            "network": network_line(solution, files),
            "classes": classes_line(solution, data),
            "files": "  ".join(files.values()),
            "note": note,
            "try next": f"cvxnet check {files['certificate']}"
            if files
            else "--out DIR keeps the network, its certificate and a figure",
        }
    )

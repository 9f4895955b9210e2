"""``cvxnet train``: a CSV file in, network, certificate and figure out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.options import (
    Bias,
    Features,
    File,
    Gap,
    Json,
    LossName,
    Norm,
    Option,
    OutputBias,
    Skip,
    Solver,
    Target,
    TimeLimit,
    WeightDecay,
    read_options,
    split_features,
)
from cvxnet.cli.outcome import (
    bracket_line,
    check_folder,
    network_line,
    print_facts,
    print_json,
    remark,
    save_solution,
    stopped_line,
    summary,
)
from cvxnet.cli.preparation import prepare
from cvxnet.data.tables import Data, read_data
from cvxnet.losses import get_loss
from cvxnet.objective import FAMILIES, Family
from cvxnet.training import trainer
from cvxnet.training.solution import Solution


def train(
    file: File,
    target: Target,
    weight_decay: WeightDecay,
    features: Features = None,
    units: Annotated[str, typer.Option(help=f"Unit family: {', '.join(FAMILIES)}.")] = "relu",
    option: Option = None,
    loss: LossName = "squared",
    gap: Gap = 1e-6,
    solver: Solver = "CLARABEL",
    time_limit: TimeLimit = None,
    bias: Bias = True,
    norm: Norm = "l2",
    output_bias: OutputBias = False,
    skip: Skip = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for network, certificate and figure.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a two-layer network on a CSV file to the global optimum.

    Ctrl-C stops early: the best network so far is kept, with its true bracket.
    """
    check_folder(out)
    family = Family(units, **read_options(option))
    data = read_data(file, target, split_features(features), get_loss(loss).labels)
    prepare(family, quiet=json)
    solution = trainer.train(
        family,
        data.X,
        data.y,
        loss=loss,
        weight_decay=weight_decay,
        bias=bias,
        norm=norm,
        output_bias=output_bias,
        skip=skip,
        gap=gap,
        solver=solver,
        time_limit=time_limit,
        progress=not json,
    )
    report(solution, data, gap, out=out, json=json)
    raise typer.Exit(PROVED if solution.status == "optimal" else NOT_PROVED)


def report(solution: Solution, data: Data, gap: float, *, out: Path | None, json: bool) -> None:
    """Write the files, where there is a folder for them, and print the outcome."""
    files, note = save_solution(solution, out, data.features, data.target) if out else ({}, "")
    names = {"target": data.target, "features": list(data.features), "classes": data.classes}
    if json:
        print_json(summary(solution) | names | {"remark": remark(data), "files": files})
        return
    print_facts(
        {
            "remark": remark(data),
            "bracket": bracket_line(solution, gap),
            "stopped": stopped_line(solution),
            "network": network_line(solution, files),
            "classes": "-1 is {!r}, +1 is {!r}".format(*data.classes) if data.classes else "",
            "files": "  ".join(files.values()),
            "note": note,
            "try next": f"cvxnet check {files['certificate']}"
            if files
            else "--out DIR keeps the network, its certificate and a figure",
        }
    )

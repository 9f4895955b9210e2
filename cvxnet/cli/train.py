"""``cvxnet train``: a CSV file in, network, certificate and figure out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.outcome import (
    NOT_PROVED,
    PROVED,
    bracket_line,
    check_folder,
    network_line,
    print_facts,
    print_json,
    save_solution,
    summary,
)
from cvxnet.cli.preparation import prepare
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES
from cvxnet.tables import Data, read_data
from cvxnet.training import trainer
from cvxnet.training.solution import Solution
from cvxnet.training.units import FAMILIES, Family


def train(
    file: Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    weight_decay: Annotated[float, typer.Option(help="Above 0: half the price of w^2.")],
    features: Annotated[
        str | None, typer.Option(help="Columns to predict from: A,B. Default: all others.")
    ] = None,
    units: Annotated[str, typer.Option(help=f"Unit family: {', '.join(FAMILIES)}.")] = "relu",
    option: Annotated[
        list[str] | None, typer.Option(help="Of the family: slope=0.1, gates=50; may be repeated.")
    ] = None,
    loss: Annotated[str, typer.Option(help=f"{', '.join(LOSSES)}.")] = "squared",
    gap: Annotated[float, typer.Option(help="Relative gap to close the bracket to.")] = 1e-6,
    solver: Annotated[str, typer.Option(help="CLARABEL, ECOS or SCS.")] = "CLARABEL",
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds; then the best network and its bracket.")
    ] = None,
    bias: Annotated[bool, typer.Option(help="Hidden units with or without bias.")] = True,
    norm: Annotated[
        str, typer.Option(help="Of hidden weights: l2, or l1 for few features.")
    ] = "l2",
    output_bias: Annotated[bool, typer.Option(help="A free output bias.")] = False,
    skip: Annotated[bool, typer.Option(help="A free linear skip connection.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for network, certificate and figure.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a two-layer network on a CSV file to the global optimum.

    Ctrl-C stops early: the best network so far is kept, with its true bracket.
    """
    check_folder(out)
    chosen = None if features is None else [name.strip() for name in features.split(",")]
    family = Family(units, **read_options(option or []))
    data = read_data(file, target, chosen, loss)
    prepare(quiet=json)
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
    report(solution, data, gap, out, json)
    raise typer.Exit(PROVED if solution.status == "optimal" else NOT_PROVED)


def read_options(given: list[str]) -> dict[str, float | int]:
    """Options NAME=NUMBER.

    >>> read_options(["slope=0.1", "gates=50"])
    {'slope': 0.1, 'gates': 50}
    """
    options: dict[str, float | int] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            options[name.strip()] = int(number) if number.strip().isdigit() else float(number)
        except ValueError:
            raise InputError(f"--option {text}: expected NAME=NUMBER, as in slope=0.1.") from None
    return options


def report(solution: Solution, data: Data, gap: float, out: Path | None, json: bool) -> None:
    """Write the files, where there is a folder for them, and print the outcome."""
    files, note = save_solution(solution, out, data.features, data.target) if out else ({}, "")
    names = {"target": data.target, "features": list(data.features), "classes": data.classes}
    if json:
        print_json(summary(solution) | names | {"files": files})
        return
    print_facts(
        {
            "bracket": bracket_line(solution, gap),
            "network": network_line(solution, files),
            "classes": "-1 is {!r}, +1 is {!r}".format(*data.classes) if data.classes else "",
            "files": "  ".join(files.values()),
            "note": note,
            "try next": f"cvxnet check {files['certificate']}"
            if files
            else "--out DIR keeps the network, its certificate and a figure",
        }
    )

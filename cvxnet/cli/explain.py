"""``cvxnet explain``: is a network or an expression convex, and why?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cvxnet.analysis import Verdict, convexity
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED, UNKNOWN
from cvxnet.cli.options import Json, Tables, reading_of
from cvxnet.cli.outcome import network_file, print_facts, print_json
from cvxnet.data.tables import Reading
from cvxnet.errors import InputError
from cvxnet.interop.loading import assumed_activation, load_thing
from cvxnet.losses import LOSSES


def explain(
    thing: Annotated[
        str,
        typer.Argument(help="File of a network or of weights (.pt, .npz), or FILE.py:NAME (run)."),
    ],
    tables: Tables,
    wrt: Annotated[
        str | None,
        typer.Option(help="input, weights, or layers: 0,2. Default: input; with --loss, weights."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(help=f"Ask about the objective with this loss: {', '.join(LOSSES)}."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="CSV with the data. Default: any data.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Its target.", show_default="the last column")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(help="nonneg or nonpos: the sign of unknown inputs.")
    ] = None,
    activation: Annotated[
        str,
        typer.Option(help="What stands between the layers of a file of weights: relu, tanh, ..."),
    ] = "relu",
    certificate: Annotated[
        Path | None, typer.Option(help="Write the proof there, for cvxnet check.")
    ] = None,
    json: Json = False,
) -> None:
    """Say whether a network, expression or problem is convex, and show why or why not."""
    thing = network_file(thing)
    judged = load_thing(thing, activation)
    assumed = assumed_activation(thing, judged, activation)
    verdict = convexity(
        judged,
        wrt if wrt is None else [name.strip() for name in wrt.split(",")],
        loss=loss,
        data=None if data is None else read_pair(data, tables, target, loss),
        inputs=inputs,
    )
    if certificate is not None:
        write_certificate(verdict, certificate)
    if json:
        print_json(verdict.to_dict() | {"assumed_activation": assumed})
    else:
        if assumed:
            why = "assumed; a state dict does not name it (--activation)"
            print_facts({"activation": f"{assumed} ({why})"})
        show(verdict)
    raise typer.Exit({True: PROVED, False: NOT_PROVED, None: UNKNOWN}[verdict.convex])


def write_certificate(verdict: Verdict, path: Path) -> None:
    """The evidence of a verdict as a file; none where nothing is proved."""
    if verdict.certificate is None:
        raise InputError(f"nothing is proved, so there is no certificate to write to {path}.")
    verdict.certificate.save(path)


def read_pair(
    path: Path, tables: Tables, target: str | None, loss: str | None
) -> tuple[object, object]:
    """Features and target of a table; the target is its last column where none is named."""
    reading = reading_of(LOSSES[loss]) if loss in LOSSES else Reading.NUMBERS
    table = tables.read(path)
    targets = table.names[-1:] if target is None else table.named(target)
    data = tables.data(table, targets, None, reading)
    return data.X, data.y


def show(verdict: Verdict) -> None:
    """Colors on a terminal, plain text elsewhere."""
    console = Console()
    if console.is_terminal:
        console.print(verdict)
    else:
        print(verdict)

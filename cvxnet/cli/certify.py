"""``cvxnet certify``: how far above the global optimum is a network that somebody else trained?"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_file, make_folder
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import (
    Columns,
    Effort,
    Json,
    KnownColumns,
    LossName,
    OutputWeights,
    choose,
)
from cvxnet.cli.outcome import network_file, print_facts, print_json, stopped_line
from cvxnet.cli.preparing import classes_of
from cvxnet.data.preparation import Origin, Preparation, complete, features_in, targets_in
from cvxnet.data.table import Table
from cvxnet.errors import InputError
from cvxnet.interop.loading import assumed_activation, load_thing
from cvxnet.layers import Layer
from cvxnet.proofs.gaps import bracket_text, excess_text
from cvxnet.training import certification
from cvxnet.training.certification import Certification
from cvxnet.types import Array

DEFAULT_SECONDS = 60.0
"""The time limit where none is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """The data that a network is certified on, and the objective that it was trained for."""

    X: Array
    y: Any
    preparation: Preparation
    loss: str
    weight_decay: float
    output_weights: str
    remarks: tuple[str, ...]


def certify(
    network: Annotated[
        str,
        typer.Argument(help="File of a network or of weights (.pt, .ckpt, .npz), or FILE.py:NAME."),
    ],
    data: Annotated[Path, typer.Option(help="CSV file that the network was trained on.")],
    columns: KnownColumns,
    effort: Effort,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="Above 0: half the price of w^2.", show_default="that of the network's file"
        ),
    ] = None,
    loss: LossName = None,
    output_weights: OutputWeights = "any",
    activation: Annotated[
        str, typer.Option(help="What stands between the layers of a file of weights.")
    ] = "relu",
    out: Annotated[Path | None, typer.Option(help="File to write the certificate to.")] = None,
    json: Json = False,
) -> None:
    """Prove how far a given two-layer network is above the global optimum.

    A network that cvxnet train has written says itself which columns, loss and weight decay it was
    trained with. Exit code 0 if it is optimal up to --gap, 1 if not, or if that could not be
    proved.
    """
    if effort.time_limit is None:
        effort = replace(effort, time_limit=DEFAULT_SECONDS)
    budget = effort.budget(progress=not json)
    network = network_file(network)
    layer = load_thing(network, activation)
    if not isinstance(layer, Layer):
        raise InputError(f"{network} holds a {type(layer).__name__}; certify takes a network.")
    asked = Asked(columns, weight_decay, loss, output_weights)
    given = given_by(network, getattr(layer, "origin", None), data, asked)
    question = certification.ask(
        layer,
        given.X,
        given.y,
        loss=given.loss,
        weight_decay=given.weight_decay,
        output_weights=given.output_weights,
    )
    objective = question.objective
    check_file(out)
    prepare(objective.units, quiet=json, several=objective.outputs > 1)
    with keeping_results():
        found = certification.answer(question, budget)
    if np.array_equal(given.preparation.scaled(given.X), objective.X):
        certificate = found.certificate.prepared_by(given.preparation)
        found = replace(found, certificate=certificate)
    if out is not None:
        make_folder(out.absolute().parent)
        found.save(out)
    assumed = assumed_activation(network, layer, activation)
    report(found, given, assumed=assumed, out=out, json=json)
    raise typer.Exit(PROVED if found.closed_by else NOT_PROVED)


@dataclass(frozen=True)
class Asked:
    """What the command line says of columns and objective."""

    columns: KnownColumns
    weight_decay: float | None
    loss: str | None
    output_weights: str


def given_by(network: str, origin: Origin | None, file: Path, asked: Asked) -> Given:
    """Data and objective: as the network's file says, where the command line says nothing else."""
    if origin is None:
        return as_told(network, None, file, asked)
    table = asked.columns.read(file)
    if tells_more(asked.columns, table, origin):
        return as_told(network, origin, file, asked)
    return as_trained(origin, table, asked)


def as_trained(origin: Origin, table: Table, asked: Asked) -> Given:
    """The columns that the network's file names, and its objective but for what is asked."""
    signs = origin.output_weights if asked.output_weights == "any" else asked.output_weights
    table = complete(table, origin.preparation, asked.columns.drop_missing)
    X, y = features_in(table, origin.preparation), targets_in(table, origin.preparation)
    return Given(
        X=X,
        y=y,
        preparation=origin.preparation,
        loss=asked.loss or origin.loss,
        weight_decay=origin.weight_decay if asked.weight_decay is None else asked.weight_decay,
        output_weights=signs,
        remarks=(*table.remarks, *rows_remark(origin.samples, len(X))),
    )


def as_told(network: str, origin: Origin | None, file: Path, asked: Asked) -> Given:
    """The columns that the command line names, and its objective."""
    columns, decay, loss = asked.columns, asked.weight_decay, asked.loss
    target = columns.target
    if origin is not None:
        decay = origin.weight_decay if decay is None else decay
        loss = loss or origin.loss
        target = target or ",".join(origin.preparation.targets)
    if decay is None or target is None:
        raise InputError(
            f"{network} does not say what it was trained for, as files of cvxnet train --out do: "
            f"give {'--weight-decay' if decay is None else '--target'}."
        )
    chosen = choose(file, Columns(**vars(columns) | {"target": target}), loss)
    data = chosen.data
    classes = classes_of(data, chosen.loss)
    return Given(
        X=data.X,
        y=data.y,
        preparation=Preparation(features=data.features, targets=data.targets, classes=classes),
        loss=chosen.loss,
        weight_decay=decay,
        output_weights=asked.output_weights,
        remarks=chosen.remarks,
    )


def tells_more(columns: KnownColumns, table: Table, origin: Origin) -> bool:
    """Whether the command line names other columns than the network's file does."""
    said = origin.preparation
    given = ((columns.target, said.targets), (columns.features, said.features))
    other = any(text is not None and tuple(table.named(text)) != names for text, names in given)
    return other or (columns.classes and said.classes is None)


def rows_remark(trained: int, rows: int) -> tuple[str, ...]:
    """What is said where the network was trained on another number of rows."""
    if trained == rows:
        return ()
    return (
        f"the network was trained on {trained} rows, and these are {rows}: the objective and its "
        "optimum are those of these rows",
    )


def report(
    found: Certification, given: Given, *, assumed: str | None, out: Path | None, json: bool
) -> None:
    """Print the outcome."""
    if json:
        print_json(
            {
                "lower": found.lower,
                "upper": found.upper,
                "gap": found.gap,
                "value": found.value,
                "excess": [share if isfinite(share) else None for share in found.excess],
                "closed_by": found.closed_by,
                "best_value": found.best.value,
                "best_units": found.best.units,
                "width": found.width,
                "layers_below": found.layers_below,
                "standardised": found.standardised,
                "loss": given.loss,
                "weight_decay": given.weight_decay,
                "target": list(given.preparation.targets),
                "features": list(given.preparation.features),
                "stopped": found.best.stats["stopped"],
                "notes": found.notes,
                "remark": "; ".join(given.remarks),
                "assumed_activation": assumed,
                "certificate": None if out is None else str(out),
            }
        )
        return
    lower, upper = bracket_text(found.lower, found.upper)
    check = "" if out is None else shlex.join(["cvxnet", "check", str(out)])
    print_facts(
        {
            "remark": given.remarks,
            "activation": f"{assumed} (assumed; --activation)" if assumed else "",
            "objective": f"{given.loss} loss, weight decay {given.weight_decay:g}",
            "bracket": f"{lower} <= optimum <= {upper}   relative gap {found.gap:.1e}",
            "network": f"{found.value:.10g}: {excess_text(*found.excess)}",
            "best found": f"{found.best.value:.10g} with {found.best.units} units",
            "stopped": stopped_line(found.best),
            "note": found.notes,
            "try next": check or "--out FILE keeps the certificate",
        }
    )

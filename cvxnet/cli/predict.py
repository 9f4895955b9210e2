"""``cvxnet predict``: a network and a table in, classes, probabilities or values out."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer

from cvxnet.cli.folders import check_file, make_folder
from cvxnet.cli.options import File, Json, Tables
from cvxnet.cli.outcome import network_file, print_facts, print_json
from cvxnet.cli.scores import Predictions, Score, scores_text
from cvxnet.data.columns import all_features, complete_rows
from cvxnet.data.files import replacing
from cvxnet.data.preparation import Origin, Preparation, features_in, stored, targets_in
from cvxnet.data.table import Table
from cvxnet.errors import InputError
from cvxnet.interop.loading import assumed_activation, load_thing
from cvxnet.layers import Layer
from cvxnet.losses import LOSSES, get_loss


def predict(
    model: Annotated[
        str,
        typer.Argument(help="Folder that train --out wrote, network file, or torch file."),
    ],
    file: File,
    tables: Tables,
    features: Annotated[
        str | None,
        typer.Option(
            help="Columns to predict from: A,B.", show_default="those the network names, or all"
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help=f"What outputs mean: {', '.join(LOSSES)}.",
            show_default="that of the network, or squared",
        ),
    ] = None,
    activation: Annotated[
        str, typer.Option(help="What stands between the layers of a file of weights.")
    ] = "relu",
    out: Annotated[Path | None, typer.Option(help="CSV file to write to.")] = None,
    json: Json = False,
) -> None:
    """Predict classes with their probabilities, or values, for the rows of a table.

    They go to standard output, one line a row, in the order of the table. Where the table has the
    target, too, their score is said beside them.
    """
    model = network_file(model)
    network = load_thing(model, activation)
    if not isinstance(network, Layer):
        raise InputError(f"{model} holds a {type(network).__name__}; predict takes a network.")
    table = tables.read(file)
    origin = origin_of(network, table, tables.dropped(table), features, loss)
    positions = [stored(table, name) for name in origin.preparation.features]
    table = complete_rows(table, positions, tables.drop_missing)
    check_file(out)
    X = features_in(table, origin.preparation)
    predictions = Predictions(
        outputs=np.asarray(network(X)), preparation=origin.preparation, loss=origin.loss
    )
    scores, why = score_against(table, predictions)
    assumed = assumed_activation(model, network, activation)
    columns = {name: as_json(values) for name, values in predictions.columns().items()}
    if out is not None:
        make_folder(out.absolute().parent)
        with replacing(out) as draft, open(draft, "w", encoding="utf-8", newline="") as target:
            write_csv(columns, target)
    if json:
        document: dict[str, Any] = {"rows": len(X), "loss": origin.loss, "scores": scores}
        document |= {"note": why, "assumed_activation": assumed}
        document |= {"remark": "; ".join(table.remarks)}
        print_json(document | {"predictions": columns, "file": out and str(out)})
        return
    if out is None:
        write_csv(columns, sys.stdout)
    facts = {
        "remark": list(table.remarks),
        "activation": f"{assumed} (assumed; --activation)" if assumed else "",
        "score": scores_text(scores),
        "note": why,
        "file": f"{out}: {len(X)} rows" if out else "",
    }
    print_facts(facts, sys.stderr)


def origin_of(
    network: Layer, table: Table, drop: list[str], features: str | None, loss: str | None
) -> Origin:
    """What the outputs of the network mean, and from which columns: as its file says, or as told.

    A network that does not say it takes all columns, and has values as outputs, or by the loss
    classes 0, 1, ...
    """
    said: Origin | None = getattr(network, "origin", None)
    if said is not None and features is None and loss in (None, said.loss):
        return said
    asked = get_loss(loss or (said.loss if said else "squared"))
    if features is not None:
        names = [table.names[table.position(name)] for name in table.named(features)]
    else:
        names = list(said.preparation.features) if said else all_features(table, drop)
    columns = network.columns()
    if columns not in (None, len(names)):
        raise InputError(
            f"the network has {columns} inputs, but here are {len(names)} columns "
            f"({', '.join(names)}). Name those to predict from, in order: --features A,B."
        )
    return Origin(
        preparation=Preparation(
            features=tuple(names), **meaning(network, len(names), asked.classes)
        ),
        loss=asked.name,
        weight_decay=1.0,
        output_weights="any",
        samples=0,
    )


def meaning(network: Layer, columns: int, classes: bool) -> dict[str, Any]:
    """Targets and classes of a network that does not name them."""
    outputs = network.width(columns) or 1
    if classes:
        return {"targets": ("class",), "classes": tuple(range(max(outputs, 2)))}
    names = [f"prediction {k + 1}" for k in range(outputs)] if outputs > 1 else ["prediction"]
    return {"targets": tuple(names)}


def score_against(table: Table, predictions: Predictions) -> tuple[dict[str, Score], str]:
    """The score where the table has the target, too; or why there is none."""
    preparation = predictions.preparation
    if not set(preparation.targets) <= set(table.names):
        return {}, ""
    try:
        return predictions.scores(targets_in(table, preparation)), ""
    except InputError as error:
        return {}, f"no score: {error}"


def as_json(values: Any) -> list[Any]:
    """A column as Python's own numbers and texts."""
    return list(np.asarray(values).tolist())


def write_csv(columns: Mapping[str, Sequence[Any]], target: TextIO) -> None:
    """Names and rows."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))

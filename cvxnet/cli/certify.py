"""``cvxnet certify``: how far above the global optimum is a network that somebody else trained?"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.options import (
    Columns,
    Effort,
    Json,
    LossName,
    OutputWeights,
    WeightDecay,
    choose,
)
from cvxnet.cli.outcome import print_facts, print_json, stopped_line
from cvxnet.errors import InputError
from cvxnet.interop.loading import assumed_activation, load_thing
from cvxnet.layers import Layer
from cvxnet.proofs.gaps import bracket_text, excess_text
from cvxnet.training import certification

DEFAULT_SECONDS = 60.0
"""The time limit where none is given."""


def certify(
    network: Annotated[str, typer.Argument(help="Network file, or torch state dict .pt.")],
    data: Annotated[Path, typer.Option(help="CSV file that the network was trained on.")],
    columns: Columns,
    weight_decay: WeightDecay,
    effort: Effort,
    loss: LossName = None,
    output_weights: OutputWeights = "any",
    activation: Annotated[
        str, typer.Option(help="What stands between the layers of a torch state dict.")
    ] = "relu",
    out: Annotated[Path | None, typer.Option(help="File to write the certificate to.")] = None,
    json: Json = False,
) -> None:
    """Prove how far a given two-layer network is above the global optimum.

    Exit code 0 if it is optimal up to --gap, 1 if not, or if that could not be proved.
    """
    layer = load_thing(network, activation)
    if not isinstance(layer, Layer):
        raise InputError(f"{network} holds a {type(layer).__name__}; certify takes a network.")
    assumed = assumed_activation(network, layer, activation)
    chosen = choose(data, columns, loss)
    prepare("relu", quiet=json, several=chosen.several)
    found = certification.certify(
        layer,
        chosen.data.X,
        chosen.data.y,
        loss=chosen.loss,
        weight_decay=weight_decay,
        output_weights=output_weights,
        gap=effort.gap,
        solver=effort.solver,
        time_limit=DEFAULT_SECONDS if effort.time_limit is None else effort.time_limit,
        progress=not json,
    )
    if out is not None:
        found.save(out)
    lower, upper = bracket_text(found.lower, found.upper)
    document = {
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
        "stopped": found.best.stats["stopped"],
        "notes": found.notes,
        "remark": chosen.remark,
        "assumed_activation": assumed,
        "certificate": None if out is None else str(out),
    }
    if json:
        print_json(document)
    else:
        print_facts(
            {
                "remark": chosen.remark,
                "activation": f"{assumed} (assumed; --activation)" if assumed else "",
                "bracket": f"{lower} <= optimum <= {upper}   relative gap {found.gap:.1e}",
                "network": f"{found.value:.10g}: {excess_text(*found.excess)}",
                "best found": f"{found.best.value:.10g} with {found.best.units} units",
                "stopped": stopped_line(found.best),
                "note": "; ".join(found.notes),
                "try next": f"cvxnet check {out}" if out else "--out FILE keeps the certificate",
            }
        )
    raise typer.Exit(PROVED if found.closed_by else NOT_PROVED)

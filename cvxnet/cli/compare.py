"""``cvxnet compare``: a CSV file in; how far SGD, Adam and L-BFGS end from the optimum, out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import joblib
import typer

from cvxnet.baselines import comparison
from cvxnet.baselines.protocol import OPTIMIZERS
from cvxnet.baselines.report import Runs
from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.options import Chosen, Columns, Effort, File, Json, Networks, choose, split
from cvxnet.cli.outcome import check_folder, print_facts, print_json
from cvxnet.data.tables import Data
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.plots import save_figure

CURVES = ("epochs", "clock", "curve")


def compare(
    file: File,
    columns: Columns,
    networks: Networks,
    effort: Effort,
    optimizers: Annotated[
        str, typer.Option(help=f"Of {', '.join(OPTIMIZERS)}.")
    ] = "sgd,adam,lbfgs",
    widths: Annotated[str, typer.Option(help="Numbers of hidden units.")] = "8,50",
    seeds: Annotated[int, typer.Option(help="How many runs of each.")] = 20,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 2000,
    batch_size: Annotated[
        int | None, typer.Option(help="Samples a step. Default: all.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes that train at once.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table, figure and finished runs.")
    ] = None,
    json: Json = False,
) -> None:
    """Train by gradient from many seeds, and measure each run against the proved optimum.

    Ctrl-C stops early and shows what is finished; with --out the same command goes on from there.
    """
    check_folder(out)
    family = networks.family
    chosen = choose(file, columns, networks.loss)
    comparison.import_torch()
    prepare(family, quiet=json, several=chosen.several)
    with joblib.parallel_config(n_jobs=jobs):
        runs = comparison.compare(
            family,
            chosen.data.X,
            chosen.data.y,
            loss=chosen.loss,
            weight_decay=networks.weight_decay,
            bias=networks.bias,
            norm=networks.norm,
            output_bias=networks.output_bias,
            skip=networks.skip,
            output_weights=networks.output_weights,
            optimizers=split(optimizers),
            widths=as_numbers(split(widths), "--widths"),
            seeds=range(seed, seed + seeds),
            epochs=epochs,
            batch_size=batch_size,
            gap=effort.gap,
            solver=effort.solver,
            time_limit=effort.time_limit,
            store=None if out is None else out / "records",
            progress=not json,
        )
    report(runs, chosen, out, json)
    raise typer.Exit(PROVED if runs.solution.status == "optimal" else NOT_PROVED)


def as_numbers(texts: list[str], option: str) -> list[int]:
    """Whole numbers, or InputError with the option's name."""
    for text in texts:
        if not text.isdecimal():
            raise InputError(f"{option}: {text!r} is not a whole number. Write them as 8,50.")
    return [int(text) for text in texts]


def report(runs: Runs, chosen: Chosen, out: Path | None, json: bool) -> None:
    """Write the files, where there is a folder for them, and print the table."""
    files, note = save(runs, chosen.data, out) if out else ({}, "")
    if json:
        print_json(summary(runs) | {"remark": chosen.remark, "files": files})
        return
    print(runs.table())
    print()
    resume = (
        "the same command goes on from here" if out else "--out DIR would keep what is finished"
    )
    print_facts(
        {
            "remark": chosen.remark,
            "files": "  ".join(files.values()),
            "note": note,
            "interrupted": resume if runs.interrupted else "",
        }
    )


def summary(runs: Runs) -> dict[str, Any]:
    """The document without the curves, which are for the file."""
    document = runs.to_dict()
    groups = [
        {name: value for name, value in group.items() if name not in CURVES}
        for group in document["groups"]
    ]
    return document | {"groups": groups}


def save(runs: Runs, data: Data, out: Path) -> tuple[dict[str, str], str]:
    """Write table and figure; returns their paths, and why one is missing."""
    paths = {"csv": out / "runs.csv", "json": out / "runs.json", "figure": out / "runs.png"}
    runs.to_csv(paths["csv"])
    runs.to_json(paths["json"])
    note = ""
    try:
        save_figure(runs.plot(data.features), paths["figure"])
    except MissingExtraError as error:
        del paths["figure"]
        note = f"no figure: {error}"
    return {name: str(path) for name, path in paths.items()}, note

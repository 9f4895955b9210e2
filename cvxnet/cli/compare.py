"""``cvxnet compare``: a CSV file in; how far SGD, Adam and L-BFGS end from the optimum, out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import joblib
import numpy as np
import typer

from cvxnet.baselines import comparison
from cvxnet.baselines.protocol import OPTIMIZERS, make_protocol
from cvxnet.baselines.report import Runs
from cvxnet.baselines.tasks import Setting, exact_solutions
from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, Effort, File, Json, Networks, choose, split
from cvxnet.cli.preparing import (
    Task,
    decay_document,
    goal_facts,
    prepare_task,
    with_decay,
)
from cvxnet.cli.reports import Files, print_document, show_report
from cvxnet.data.preparation import Preparation
from cvxnet.errors import InputError

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
    width_seconds: Annotated[
        float | None,
        typer.Option(
            help="For the optimum of each width; 0: none. Default: as its runs took, 10 at least.",
            show_default=False,
        ),
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
    budget = effort.budget(progress=not json)
    comparison.import_torch()
    task = prepare_task(choose(file, columns, networks.loss), networks)
    protocol = make_protocol(
        optimizers=split(optimizers),
        widths=as_numbers(split(widths), "--widths"),
        seeds=range(seed, seed + seeds),
        epochs=epochs,
        batch_size=batch_size,
        rates=None,
        n=len(task.objective.y),
        width_seconds=width_seconds,
    )
    comparison.check_setting(Setting(objective=task.objective, protocol=protocol))
    check_folder(out)
    prepare(task.objective.units, quiet=json, several=task.objective.outputs > 1)
    records = None if out is None else out / "records"
    earlier = [] if records is None else exact_solutions(records)
    task = with_decay(task, networks.weight_decay, budget, seed=seed, quiet=json, earlier=earlier)
    with joblib.parallel_config(n_jobs=jobs), keeping_results():
        runs = comparison.compare_in(
            Setting(objective=task.objective, protocol=protocol),
            budget,
            records,
        )
    report(runs, task, out, json)
    raise typer.Exit(PROVED if runs.solution.status == "optimal" else NOT_PROVED)


def as_numbers(texts: list[str], option: str) -> list[int]:
    """Whole numbers, or InputError with the option's name."""
    for text in texts:
        if not text.isdecimal():
            raise InputError(f"{option}: {text!r} is not a whole number. Write them as 8,50.")
    return [int(text) for text in texts]


def report(runs: Runs, task: Task, out: Path | None, json: bool) -> None:
    """Write the files, where there is a folder for them, and print the table."""
    files = save(runs, task, out) if out else Files()
    if json:
        print_document(summary(runs) | decay_document(task), task, files)
        return
    resume = (
        "the same command goes on from here" if out else "--out DIR would keep what is finished"
    )
    last = {"interrupted": resume if runs.interrupted else ""}
    show_report(runs, task, files, goal=goal_facts(task), last=last)


def summary(runs: Runs) -> dict[str, Any]:
    """The document without the curves, which are for the file."""
    document = runs.to_dict()
    groups = [
        {name: value for name, value in group.items() if name not in CURVES}
        for group in document["groups"]
    ]
    return document | {"groups": groups}


def save(runs: Runs, task: Task, out: Path) -> Files:
    """Write table and figure."""
    files = Files(places={"json": out / "runs.json"})
    runs.to_json(files.places["json"])
    files.save(runs, out / "runs", lambda: drawn(runs, task.preparation))
    return files


def drawn(runs: Runs, preparation: Preparation) -> Any:
    """The picture, in the units of the table."""
    scaling = preparation.scaling
    scale = None if scaling is None else (np.array(scaling.mean), np.sqrt(scaling.variance))
    return runs.plot(preparation.features, scale=scale)

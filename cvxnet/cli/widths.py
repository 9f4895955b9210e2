"""``cvxnet widths``: a CSV file in; how many units are worth having, proved, out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder, working_in
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, Effort, File, Json, Networks, choose
from cvxnet.cli.outcome import save_solution
from cvxnet.cli.preparing import (
    Task,
    decay_document,
    goal_facts,
    prepare_task,
    with_decay,
)
from cvxnet.cli.reports import Files, print_document, show_report
from cvxnet.training.solution import Solution
from cvxnet.training.widths import Widths, widths_of, with_width


def widths(
    file: File,
    columns: Columns,
    networks: Networks,
    effort: Effort,
    up_to: Annotated[
        int | None,
        typer.Option(
            help="The largest width to look at.",
            show_default="that of the best network of any width",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of cross-validation.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table, figure and the network of each width.")
    ] = None,
    json: Json = False,
) -> None:
    """Find out how many units are worth having: the proved optimum of each width.

    Ctrl-C stops early and shows the widths that there are, with true brackets. With --out each
    width has a folder of its own, as that of cvxnet train: network, certificate and figure.
    """
    budget = effort.budget(progress=not json)
    task = prepare_task(choose(file, columns, networks.loss), networks)
    with_width(task.objective, up_to)  # refuses what cannot have one, before any work
    check_folder(out)
    prepare(task.objective.units, quiet=json, several=task.objective.outputs > 1)
    task = with_decay(task, networks.weight_decay, budget, seed=seed, quiet=json)
    with working_in(out):
        with keeping_results():
            found = widths_of(task.objective, budget, up_to)
        files = save(found, task, out) if out else Files()
        if json:
            print_document(found.to_dict() | decay_document(task), task, files)
        else:
            show_report(
                found, task, files, goal=goal_facts(task), last={"try next": try_next(out, found)}
            )
    raise typer.Exit(PROVED if found.closed else NOT_PROVED)


def save(found: Widths, task: Task, out: Path) -> Files:
    """Write table, figure, and a folder for each width: network, certificate and figure."""
    files, preparation = Files(), task.preparation
    files.save(found, out / "widths", found.plot)
    for name, solution in named(found).items():
        files.places[name] = out / name
        said = replace(solution, certificate=solution.certificate.prepared_by(preparation))
        network = task.finished(solution.network)
        save_solution(said, out / name, preparation.features, preparation.targets, network)
    return files


def named(found: Widths) -> dict[str, Solution]:
    """The solutions by the names of their folders."""
    each = {f"width-{m}": one for m, one in zip(found.widths, found.solutions, strict=True)}
    return each | {"every-width": found.all_widths}


def try_next(out: Path | None, found: Widths) -> list[str]:
    """What can be done with the files."""
    if out is None:
        return ["--out DIR keeps table, figure, and network and certificate of each width"]
    enough = found.enough()
    name = "every-width" if not enough else f"width-{enough}"
    return [shlex.join(["cvxnet", "check", str(out / name / "certificate.json")])]

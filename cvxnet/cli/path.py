"""``cvxnet path``: a CSV file in; networks for every weight decay between two ends, proved, out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder, make_folder, working_in
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, File, Json, NetworksAtAnyDecay, PathEffort, choose
from cvxnet.cli.preparing import Task, columns_text, prepare_task
from cvxnet.cli.reports import Files, print_document, show_report
from cvxnet.training import paths
from cvxnet.training.path.course import check_ends


def path(
    file: File,
    columns: Columns,
    networks: NetworksAtAnyDecay,
    effort: PathEffort,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the proof, table, figure and networks.")
    ] = None,
    json: Json = False,
) -> None:
    """Prove a network near the optimum for every weight decay between two ends.

    Few trainings are enough for all of them. Ctrl-C stops early: what there is has true brackets,
    and the interval that they cover is printed.
    """
    budget = effort.budget(progress=not json)
    check_ends(effort.largest, effort.smallest)
    task = prepare_task(choose(file, columns, networks.loss), networks)
    check_folder(out)
    prepare(task.objective.units, quiet=json, several=task.objective.outputs > 1)
    with working_in(out):
        with keeping_results():
            found = paths.follow(task.objective, budget, effort.largest, effort.smallest)
        files = save(found, task, out) if out else Files()
        if json:
            print_document(found.to_dict(), task, files)
        else:
            goal = {"objective": f"{task.objective.loss.name} loss, {columns_text(task)}"}
            show_report(found, task, files, goal=goal, last={"try next": try_next(files)})
    raise typer.Exit(PROVED if found.status == "optimal" else NOT_PROVED)


def save(found: paths.Path, task: Task, out: Path) -> Files:
    """Write proof, table, figure and networks."""
    make_folder(out)
    files = Files(places={"certificate": out / "certificate.json"})
    first, *others = found.certificate.certificates
    said = (first.prepared_by(task.preparation), *others)
    replace(found.certificate, certificates=said).save(files.places["certificate"])
    files.save(found, out / "path", found.plot)
    for number, network in enumerate(found.networks):
        name = f"network-{number}"
        files.places[name] = out / f"{name}.json"
        objective = replace(task.objective, weight_decay=found.weight_decays[number])
        replace(task, objective=objective).finished(network).save(files.places[name])
    return files


def try_next(files: Files) -> list[str]:
    """What can be done with the files."""
    if not files.places:
        return ["--out DIR keeps the proof, table, figure and the networks"]
    return [shlex.join(["cvxnet", "check", str(files.places["certificate"])])]

"""``cvxnet widths``: a CSV file in; how many units are worth having, proved, out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder, working_in
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, Effort, File, Json, Networks, choose
from cvxnet.cli.outcome import print_facts, print_json, save_solution
from cvxnet.cli.preparing import (
    Task,
    decay_document,
    decay_facts,
    objective_line,
    prepare_task,
    with_decay,
)
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.plots import save_figure
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
        Outcome(task=task, found=found).report(out, json)
    raise typer.Exit(PROVED if found.closed else NOT_PROVED)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of it, and of which task."""

    task: Task
    found: Widths

    def report(self, out: Path | None, json: bool) -> None:
        """Write the files, where there is a folder for them, and print the table."""
        files, note = self.save(out) if out else ({}, "")
        if json:
            print_json(self.document() | {"files": files, "note": note})
            return
        print(self.found.table())
        print()
        task = self.task
        print_facts(
            {
                "remark": task.remarks,
                "objective": objective_line(task),
                **decay_facts(task),
                "files": "  ".join(files.values()),
                "note": note,
                "try next": try_next(out, self.found),
            }
        )

    def save(self, out: Path) -> tuple[dict[str, str], str]:
        """Write the files; returns their paths, and why one is missing."""
        found, paths = self.found, {"csv": out / "widths.csv", "figure": out / "widths.png"}
        found.to_csv(paths["csv"])
        note = ""
        try:
            save_figure(found.plot(), paths["figure"])
        except (MissingExtraError, InputError) as error:
            del paths["figure"]
            note = f"no figure: {error}"
        for name, solution in named(found).items():
            self.save_one(solution, paths.setdefault(name, out / name))
        return {name: str(path) for name, path in paths.items()}, note

    def save_one(self, solution: Solution, folder: Path) -> None:
        """Network, certificate and figure of one width."""
        preparation = self.task.preparation
        said = replace(solution, certificate=solution.certificate.prepared_by(preparation))
        network = self.task.finished(solution.network)
        save_solution(said, folder, preparation.features, preparation.targets, network)

    def document(self) -> dict[str, Any]:
        """All but files, ready for JSON."""
        preparation = self.task.preparation
        return (
            self.found.to_dict()
            | {
                "target": list(preparation.targets),
                "features": list(preparation.features),
                "standardised": preparation.scaling is not None,
                "remark": "; ".join(self.task.remarks),
            }
            | decay_document(self.task)
        )


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

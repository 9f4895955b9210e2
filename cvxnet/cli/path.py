"""``cvxnet path``: a CSV file in; networks for every weight decay between two ends, proved, out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder, make_folder, working_in
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, File, Json, NetworksAtAnyDecay, PathEffort, choose
from cvxnet.cli.outcome import print_facts, print_json
from cvxnet.cli.preparing import Task, columns_text, prepare_task
from cvxnet.errors import MissingExtraError
from cvxnet.plots import save_figure
from cvxnet.training import paths


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
    task = prepare_task(choose(file, columns, networks.loss), networks)
    check_folder(out)
    prepare(task.objective.units, quiet=json, several=task.objective.outputs > 1)
    with working_in(out):
        with keeping_results():
            found = paths.follow(task.objective, budget, effort.largest, effort.smallest)
        Outcome(task=task, found=found).report(out, json)
    raise typer.Exit(PROVED if found.status == "optimal" else NOT_PROVED)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of it, and of which task."""

    task: Task
    found: paths.Path

    def report(self, out: Path | None, json: bool) -> None:
        """Write the files, where there is a folder for them, and print the table."""
        files, note = self.save(out) if out else ({}, "")
        if json:
            print_json(self.document() | {"files": files, "note": note})
            return
        print(self.found.table())
        print()
        print_facts(
            {
                "remark": self.task.remarks,
                "objective": f"{self.task.objective.loss.name} loss, {columns_text(self.task)}",
                "files": "  ".join(files.values()),
                "note": note,
                "try next": try_next(files),
            }
        )

    def save(self, out: Path) -> tuple[dict[str, str], str]:
        """Write the files; returns their paths, and why one is missing."""
        make_folder(out)
        found, preparation = self.found, self.task.preparation
        places = {"certificate": out / "certificate.json", "csv": out / "path.csv"}
        first, *others = found.certificate.certificates
        said = (first.prepared_by(preparation), *others)
        replace(found.certificate, certificates=said).save(places["certificate"])
        found.to_csv(places["csv"])
        note = ""
        try:
            save_figure(found.plot(), out / "path.png")
            places["figure"] = out / "path.png"
        except MissingExtraError as error:
            note = f"no figure: {error}"
        for number, network in enumerate(found.networks):
            name = f"network-{number}"
            places[name] = out / f"{name}.json"
            decay = found.weight_decays[number]
            objective = replace(self.task.objective, weight_decay=decay)
            replace(self.task, objective=objective).finished(network).save(places[name])
        return {name: str(place) for name, place in places.items()}, note

    def document(self) -> dict[str, Any]:
        """All but files, ready for JSON."""
        preparation = self.task.preparation
        return self.found.to_dict() | {
            "target": list(preparation.targets),
            "features": list(preparation.features),
            "standardised": preparation.scaling is not None,
            "remark": "; ".join(self.task.remarks),
        }


def try_next(files: dict[str, str]) -> list[str]:
    """What can be done with the files."""
    if not files:
        return ["--out DIR keeps the proof, table, figure and the networks"]
    return [shlex.join(["cvxnet", "check", files["certificate"]])]

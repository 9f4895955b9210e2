"""``cvxnet train``: a CSV file in, network, certificate and figure out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder, checkpoint_in, working_in
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Columns, Effort, File, Json, NetworksOfWidth, Tables, choose
from cvxnet.cli.outcome import (
    bracket_line,
    classes_line,
    labels_of,
    network_line,
    objective_of_file,
    print_facts,
    print_json,
    save_solution,
    stopped_line,
    summary,
)
from cvxnet.cli.preparing import (
    Task,
    decay_document,
    goal_facts,
    hold_out,
    prepare_task,
    with_decay,
)
from cvxnet.cli.scores import Predictions, Score, scores_text, targets_of
from cvxnet.data.tables import Data
from cvxnet.layers import Sequential
from cvxnet.training import trainer
from cvxnet.training.solution import Solution

Scores = dict[str, Score]


def train(
    file: File,
    columns: Columns,
    networks: NetworksOfWidth,
    effort: Effort,
    holdout: Annotated[
        float | None, typer.Option(help="Share of rows to keep apart and to score, such as 0.2.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of held-out rows and of cross-validation.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for network, certificate and figure.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a two-layer network on a CSV file to the global optimum.

    Ctrl-C stops early: the best network so far is kept, with its true bracket. With --out, the same
    command goes on from there, and so it does after the process was killed: the time limit is for
    all of it. (Not with --width.)
    """
    checkpoint = checkpoint_in(out) if networks.width is None else None
    budget = replace(effort.budget(progress=not json), checkpoint=checkpoint)
    chosen, apart = hold_out(choose(file, columns, networks.loss), holdout, seed)
    task = prepare_task(chosen, networks)
    check_folder(out)
    prepare(task.objective.units, quiet=json, several=task.objective.outputs > 1)
    earlier = [] if checkpoint is None else [checkpoint]
    task = with_decay(task, networks.weight_decay, budget, seed=seed, quiet=json, earlier=earlier)
    with working_in(out):
        with keeping_results():
            solution = trainer.solve(task.objective, budget)
        outcome = Outcome(
            file=file, tables=columns, task=task, data=chosen.data, apart=apart, solution=solution
        )
        outcome.report(budget.gap, out, json)
    if checkpoint is not None and not solution.stats["interrupted"]:
        checkpoint.unlink(missing_ok=True)
    raise typer.Exit(PROVED if solution.status == "optimal" else NOT_PROVED)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of a training: the task, the rows trained on and those kept apart, the solution."""

    file: Path
    tables: Tables
    task: Task
    data: Data
    apart: Data | None
    solution: Solution

    def report(self, gap: float, out: Path | None, json: bool) -> None:
        """Write the files, where there is a folder for them, and print the outcome."""
        network = self.task.finished(self.solution.network)
        files, note = self.save(out, network) if out else ({}, "")
        training = scores_of(network, self.data)
        apart = None if self.apart is None else scores_of(network, self.apart)
        if json:
            found = {"scores": {"training": training, "held_out": apart}, "files": files}
            if files:
                proof = self.solution.certificate
                value = objective_of_file(files["network"], proof, self.data.X)
                found |= {"objective_of_file": value, "note": note}
            print_json(self.document() | found)
            return
        task, solution = self.task, self.solution
        several = len(self.data.y) + (0 if self.apart is None else len(self.apart.y))
        rows = "" if self.apart is None else f" ({len(self.apart.y)} of {several} rows)"
        seen = "" if apart else " (of the rows trained on; --holdout 0.2 keeps some apart)"
        print_facts(
            {
                "remark": task.remarks,
                **goal_facts(task),
                "bracket": bracket_line(solution, gap),
                "checkpoint": solution.stats["checkpoint"],
                "stopped": stopped_line(solution),
                "interrupted": self.going_on(out),
                "network": network_line(solution, files, self.data.X),
                "training": scores_text(training) + seen,
                "held out": scores_text(apart) + rows if apart else "",
                "classes": classes_line(solution, task.preparation),
                "files": "  ".join(files.values()),
                "note": note,
                "try next": self.try_next(out, files),
            }
        )

    def save(self, out: Path, network: Sequential) -> tuple[dict[str, str], str]:
        """Write the files, which say how the table became the data."""
        preparation, solution = self.task.preparation, self.solution
        said = replace(solution, certificate=solution.certificate.prepared_by(preparation))
        features, targets = preparation.features, preparation.targets
        return save_solution(said, out, features, targets, network)

    def going_on(self, out: Path | None) -> str:
        """How an interrupted training goes on."""
        if not self.solution.stats["interrupted"] or out is None or self.solution.all_widths:
            return ""
        return "the same command goes on from here"

    def try_next(self, out: Path | None, files: dict[str, str]) -> list[str]:
        """What can be done with the files."""
        if out is None:
            return ["--out DIR keeps the network, its certificate and a figure"]
        return [
            shlex.join(["cvxnet", "check", files["certificate"]]),
            shlex.join(["cvxnet", "predict", str(out), str(self.file), *self.tables.arguments]),
        ]

    def document(self) -> dict[str, Any]:
        """All but scores and files, ready for JSON."""
        preparation, data = self.task.preparation, self.data
        return (
            summary(self.solution)
            | {
                "target": data.target if len(data.targets) == 1 else list(data.targets),
                "features": list(data.features),
                "classes": labels_of(preparation),
                "standardised": preparation.scaling is not None,
                "preparation": preparation.to_dict(),
                "held_out_samples": 0 if self.apart is None else len(self.apart.y),
                "remark": "; ".join(self.task.remarks),
            }
            | decay_document(self.task)
        )


def scores_of(network: Sequential, data: Data) -> Scores:
    """How well a network does on rows of its table."""
    origin = network.origin
    if origin is None:
        return {}
    preparation = origin.preparation
    predictions = Predictions(outputs=network(data.X), preparation=preparation, loss=origin.loss)
    return predictions.scores(targets_of(data, preparation))

"""What stands between a table and training: rows held out, columns scaled, the weight decay."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.cli.options import Chosen, NetworksAtAnyDecay
from cvxnet.cli.outcome import UNBROKEN
from cvxnet.data.preparation import Origin, Preparation, standardising
from cvxnet.data.tables import Data
from cvxnet.errors import InputError
from cvxnet.layers import BatchNorm, Sequential
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Objective
from cvxnet.training.checkpoint import earlier_decay
from cvxnet.training.selection import SHARES, Selection, select_weight_decay


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What is trained, and how a table became it.

    ``selection`` says how the weight decay was chosen, where it was.
    """

    objective: Objective
    preparation: Preparation
    remarks: tuple[str, ...]
    selection: Selection | None = None

    def finished(self, network: Sequential) -> Sequential:
        """The network of the scaled columns as one of the columns of the table."""
        scaling, objective = self.preparation.scaling, self.objective
        front = [] if scaling is None else [BatchNorm.standardising(scaling)]
        whole = Sequential(*front, *network)
        whole.origin = Origin(
            preparation=self.preparation,
            loss=objective.loss.name,
            weight_decay=objective.weight_decay,
            output_weights=objective.output_weights,
            samples=len(objective.y),
        )
        return whole


def prepare_task(chosen: Chosen, networks: NetworksAtAnyDecay) -> Task:
    """The objective of these rows, in scaled columns unless told otherwise; it is checked here."""
    data, scaling, said = chosen.data, None, list(chosen.remarks)
    if networks.standardise:
        scaling, constant = standardising(data.X, data.features)
        if constant:
            listed = ", ".join(map(repr, constant))
            said.append(f"constant, so of no use: the column{'s' * (len(constant) > 1)} {listed}")
    X = data.X if scaling is None else scaling.apply(data.X)
    objective = networks.objective(X, chosen)
    preparation = Preparation(
        features=data.features,
        targets=data.targets,
        classes=classes_of(data, chosen.loss),
        scaling=scaling,
    )
    return Task(objective=objective, preparation=preparation, remarks=tuple(said))


def classes_of(data: Data, loss: str) -> tuple[str | int, ...] | None:
    """The labels that outputs stand for, where the target is one column of classes."""
    if data.classes is not None:
        return data.classes
    kind, numbers = get_loss(loss), np.unique(data.y).tolist()
    if data.y.ndim == 1 and (kind.classes or (kind.labels and len(numbers) == 2)):
        return tuple(map(int, numbers))
    return None


def hold_out(chosen: Chosen, share: float | None, seed: int) -> tuple[Chosen, Data | None]:
    """The rows to train on, and those kept apart; each has its share of every class."""
    data = chosen.data
    if share is None:
        return chosen, None
    if not 0.0 < share < 1.0:
        raise InputError(f"--holdout {share:g}: expected a share between 0 and 1, such as 0.2.")
    if seed < 0:
        raise InputError(f"--seed {seed}: expected a whole number of at least 0.")
    loss, n = get_loss(chosen.loss), len(data.y)
    kinds = np.zeros(n, dtype=int)
    if (loss.classes or loss.labels) and data.y.ndim == 1:
        kinds = np.unique(data.y, return_inverse=True)[1]
    order, kept = np.random.default_rng(seed).permutation(n), np.ones(n, dtype=bool)
    for kind in np.unique(kinds):
        rows = order[kinds[order] == kind]
        kept[rows[: min(round(share * len(rows)), len(rows) - 1)]] = False
    if kept.all():
        raise InputError(f"--holdout {share:g} of {n} rows is none: take more, or leave it out.")
    parts = [replace(data, X=data.X[rows], y=data.y[rows]) for rows in (kept, ~kept)]
    return replace(chosen, data=parts[0]), parts[1]


def with_decay(
    task: Task,
    given: float | None,
    budget: Budget,
    *,
    seed: int,
    quiet: bool,
    earlier: Iterable[Path] = (),
) -> Task:
    """The task with the weight decay given, or else the one that cross-validation chooses.

    Or has chosen already, for a call of which there is a checkpoint among the ``earlier`` ones.

    The columns stay as they were scaled, by the mean and variance of all rows to train on, also
    where a part of these is left out: the objective is that of these columns, and the targets,
    which alone could tell too much, are not scaled.
    """
    if given is not None:
        return task
    show = None if quiet else show_line
    chosen = earlier_decay(earlier, task.objective)
    if chosen is not None:
        if show:
            show(f"weight decay {chosen:g}, as the call that this one goes on from had chosen")
        return replace(task, objective=replace(task.objective, weight_decay=chosen))
    if show:
        show("no --weight-decay: choosing one by cross-validation ...")
    selection = select_weight_decay(task.objective, budget, seed=seed, show=show)
    rounded = float(f"{selection.weight_decay:.3g}")  # so that what is printed is what was taken
    objective = replace(task.objective, weight_decay=rounded)
    return replace(task, objective=objective, selection=selection)


def show_line(text: str) -> None:
    """A line about what goes on."""
    print(text, file=sys.stderr, flush=True)


def decay_facts(task: Task) -> dict[str, str]:
    """Which weight decay was chosen, of what, and what else was tried; nothing if it was given."""
    found, decay = task.selection, task.objective.weight_decay
    if found is None:
        return {}
    if not found.shares:
        return {"weight decay": "hidden units are of no use here, whatever the weight decay"}
    tried = ", ".join(
        f"{share:g}:{UNBROKEN}{score:.4g}{UNBROKEN}+-{UNBROKEN}{error:.2g}"
        for share, score, error in zip(found.shares, found.scores, found.errors, strict=True)
    )
    share = found.shares[found.best]
    edge = ", the smallest that was tried" if share == min(SHARES) else ""
    return {
        "weight decay": f"{decay:g} ({share:g} of the largest useful one, {found.largest:.3g}"
        f"{edge}), the best in {found.folds}-fold cross-validation; "
        f"--weight-decay {decay:g} takes it again",
        "tried": f"{tried} (share: held-out loss of a row)",
    }


def decay_document(task: Task) -> dict[str, Any]:
    """The same, ready for JSON."""
    return {"selection": None if task.selection is None else asdict(task.selection)}


def goal_facts(task: Task) -> dict[str, str]:
    """What is minimised, and how its weight decay was chosen."""
    return {"objective": objective_line(task), **decay_facts(task)}


def objective_line(task: Task) -> str:
    """What is minimised, of which columns."""
    objective = task.objective
    return (
        f"{objective.loss.name} loss, weight decay {objective.weight_decay:g}, {columns_text(task)}"
    )


def columns_text(task: Task) -> str:
    """Of which columns the objective is."""
    if task.preparation.scaling is None:
        return "of the columns as they are"
    return "of standardised columns: mean 0, variance 1 (--no-standardise for the raw ones)"

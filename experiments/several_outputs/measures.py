"""What is measured: trainings of ours, runs of Adam, and classifiers of both kinds."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Objective
from cvxnet.types import Array
from experiments.clocks import processor_time
from experiments.problems import data_set, standardised
from experiments.report import Row

RATES, HIDDEN, RUNS = (0.003, 0.01, 0.03), 100, 10


def random_data(n: int, c: int) -> tuple[Array, Array]:
    """Samples with two features, and targets of six units with noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 2))
    rows = np.column_stack([X, np.ones(n)])
    hidden = np.maximum(rows @ rng.standard_normal((3, 6)), 0.0)
    Y = hidden @ rng.standard_normal((6, c)) + 0.5 * rng.standard_normal((n, c))
    return X, Y - Y.mean(axis=0)


def load(name: str) -> tuple[Array, Array]:
    """A bundled set, standardised; of digits the first 70 %."""
    X, y = data_set(name)
    first = slice(1257 if name == "digits" else len(y))
    return standardised(X[first]), y[first]


def solve(X: Array, y: Array, share: float, loss: str, seconds: float) -> Any:
    """Our solution at a share of the largest useful weight decay, and its processor seconds."""
    decay = share * cn.largest_weight_decay("relu", X, y, loss=loss)
    begin = time.process_time()
    with processor_time():
        solution = cn.train("relu", X, y, loss=loss, weight_decay=decay, time_limit=seconds)
    return solution, time.process_time() - begin


@threadpool_limits.wrap(limits=1)
def random_problem(n: int, c: int, share: float, loss: str, seconds: float) -> Row:
    """Units, rounds, processor seconds and gap."""
    X, Y = random_data(n, c)
    y = Y if loss == "squared" else Y.argmax(axis=1)
    solution, took = solve(X, y, share, loss, seconds)
    return {
        "units": solution.stats["units"],
        "rounds": solution.stats["rounds"],
        "took": took,
        "gap": solution.gap,
        "status": solution.status,
        "certificate": solution.stats["checked"].split(":")[0],
    }


def adam(X: Array, y: Array, decay: float, epochs: int) -> tuple[list[float], float]:
    """Objectives of all runs at the best rate, ascending, and processor seconds."""
    import torch

    objective = Objective(
        units="relu", X=X, y=y, loss=get_loss("cross_entropy"), weight_decay=decay
    )
    rows, targets = torch.tensor(objective.rows), torch.tensor(objective.y)
    d, c = rows.shape[1], targets.shape[1]
    begin, found = time.process_time(), list[list[float]]()
    for rate in RATES:
        generator = torch.Generator().manual_seed(0)
        shape = {"generator": generator, "dtype": torch.float64}
        W = torch.randn((RUNS, d, HIDDEN), **shape) * np.sqrt(1.0 / d)
        A = torch.randn((RUNS, HIDDEN, c), **shape) * np.sqrt(1.0 / HIDDEN)
        for part in (W, A):
            part.requires_grad_()
        optimizer = torch.optim.Adam([W, A], lr=rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for _ in range(epochs):
            optimizer.zero_grad()
            f = torch.relu(rows @ W) @ A
            losses = (torch.logsumexp(f, 2) - (f * targets).sum(2)).sum(1)
            price = (W**2).sum((1, 2)) + (A**2).sum((1, 2))
            values = losses + 0.5 * decay * price
            values.sum().backward()
            optimizer.step()
            schedule.step()
        found.append(sorted(values.detach().tolist()))
    return min(found), time.process_time() - begin


@threadpool_limits.wrap(limits=1)
def bundled_set(data: str, share: float, seconds: float, epochs: int) -> Row:
    """Bracket, units, seconds; Adam's excess and seconds."""
    X, y = load(data)
    solution, took = solve(X, y, share, "cross_entropy", seconds)
    values, theirs = adam(X, y, solution.certificate.weight_decay, epochs)
    return {
        "value": solution.value,
        "lower": solution.lower_bound,
        "gap": solution.gap,
        "units": solution.stats["units"],
        "took": took,
        "adam_best": values[0],
        "adam_excess": values[0] / solution.value - 1.0,
        "adam_worst_excess": values[-1] / solution.value - 1.0,
        "adam_took": theirs,
    }


@threadpool_limits.wrap(limits=1)
def shared(data: str, way: str, seed: int, seconds: float) -> Row:
    """Accuracy on a test set, units of all networks together, and processor seconds."""
    X, y = load(data)
    parts = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    model = cn.ConvexNetClassifier(multi_class=way, time_limit=seconds)
    begin = time.process_time()
    with processor_time():
        model.fit(parts[0], parts[2])
    took = time.process_time() - begin
    found = model.solution_ if isinstance(model.solution_, list) else [model.solution_]
    return {
        "accuracy": model.score(parts[1], parts[3]),
        "units": sum(solution.stats["units"] for solution in found),
        "took": took,
    }

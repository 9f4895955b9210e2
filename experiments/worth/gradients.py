"""SGD and Adam of torch on the objective of the optimum, many networks as one tensor program.

The objective of a network is ``sum of losses + decay / 2 * (sum of squared weights of both layers,
hidden biases too)``, with a free output bias; minimised is that divided by the number of samples.
Networks differ in data (of one shape), decay and seed, which fixes initial weights (as of
``torch.nn.Linear``); the order of the samples is each network's own. Learning rates fall to zero
along a cosine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch

from cvxnet.baselines.networks import layers_of, value_of
from cvxnet.functions.arithmetic import TENSORS
from cvxnet.layers import Sequential
from cvxnet.losses import get_loss
from cvxnet.objective import Form, Objective
from experiments.worth.samples import Data


@dataclass(frozen=True)
class Rule:
    """How networks are trained: so many steps of ``batch`` samples, None for all."""

    name: str
    rate: float
    batch: int | None
    steps: int

    def optimizer(self, weights: list[Any]) -> Any:
        """Torch's."""
        if self.name == "SGD":
            return torch.optim.SGD(weights, self.rate, momentum=MOMENTUM)
        return torch.optim.Adam(weights, self.rate)


MOMENTUM = 0.9
RULES = {"SGD": Rule("SGD", 0.1, 32, 800), "Adam": Rule("Adam", 0.05, None, 600)}
WIDTH, QUICK_STEPS = 50, 60


def rule_of(name: str, quick: bool) -> Rule:
    """SGD or Adam, with few steps where it has to be quick."""
    return replace(RULES[name], steps=QUICK_STEPS) if quick else RULES[name]


@dataclass(frozen=True)
class Trained:
    """Weights as cvxnet has them: (m, d + 1), the bias last, (m,) or (m, c), (1,) or (1, c)."""

    goal: Objective
    W: np.ndarray
    a: np.ndarray
    free: np.ndarray

    @property
    def value(self) -> float:
        """The objective."""
        return value_of(self.goal, self.W, self.a, self.free)

    @property
    def network(self) -> Sequential:
        """The ordinary network."""
        return layers_of(self.goal, self.W, self.a, self.free)


def goal_of(data: Data, decay: float) -> Objective:
    """The objective of ReLU networks, which the optimum is of, too."""
    return Objective(
        units="relu",
        X=data.X,
        y=data.y,
        loss=get_loss(data.loss),
        weight_decay=decay,
        form=Form(bias=True, output_bias=True),
    )


@dataclass(frozen=True)
class Job:
    """A network to train: on which data, with which decay, from which seed."""

    data: Data
    decay: float
    seed: int


def descend(rule: Rule, jobs: Sequence[Job], width: int = WIDTH) -> list[Trained]:
    """Train a network for each job, all at once."""
    torch.set_num_threads(1)
    goals = [goal_of(job.data, job.decay) for job in jobs]
    X = tensor([goal.rows for goal in goals])
    y = tensor([goal.y.reshape(len(goal.y), -1) for goal in goals])
    n = X.shape[1]
    weights = started(X.shape[2], width, y.shape[2], [job.seed for job in jobs])
    optimizer: Any = rule.optimizer(weights)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rule.steps)
    shares = tensor([job.decay / n for job in jobs])
    drawn = batches(n, min(rule.batch or n, n), len(jobs), jobs[0].seed)
    for rows in islice(drawn, rule.steps):
        optimizer.zero_grad()
        mean_value(goals[0], X[rows], y[rows], weights, shares).sum().backward()
        optimizer.step()
        schedule.step()
    return [trained(*one) for one in zip(goals, *(part.detach() for part in weights), strict=True)]


def tensor(values: Any) -> Any:
    """In single precision, which is enough to train in."""
    return torch.tensor(np.array(values), dtype=torch.float32)


def started(columns: int, width: int, outputs: int, seeds: Sequence[int]) -> list[Any]:
    """Initial weights as of torch.nn.Linear: (s, d + 1, m), (s, m, c) and (s, 1, c)."""
    shapes = (((columns, width), columns - 1), ((width, outputs), width), ((1, outputs), width))
    drawn = [
        [rng.uniform(-1.0, 1.0, shape) / np.sqrt(inputs) for shape, inputs in shapes]
        for rng in map(np.random.default_rng, seeds)
    ]
    return [tensor(part).requires_grad_() for part in zip(*drawn, strict=True)]


def batches(n: int, size: int, networks: int, seed: int) -> Iterator[Any]:
    """Without end: all rows, or (s, b) of them, for each network in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    while size == n:
        yield slice(None)
    each = torch.arange(networks)[:, None]
    while True:
        order = torch.rand(networks, n, generator=generator).argsort(dim=1)
        yield from ((each, rows) for rows in order.split(size, dim=1))


def mean_value(goal: Objective, X: Any, y: Any, weights: list[Any], shares: Any) -> Any:
    """The objectives of all networks on a batch, by the sample, (s,)."""
    W, a, free = weights
    f = torch.relu(X @ W) @ a + free
    losses = goal.loss.formula(f, y, TENSORS).reshape(len(W), f.shape[1], -1).sum(2)
    squares = W.square().sum((1, 2)) + a.square().sum((1, 2))
    return losses.mean(1) + 0.5 * shares * squares


def trained(goal: Objective, W: Any, a: Any, free: Any) -> Trained:
    """Weights in the shapes of cvxnet."""
    hidden, outputs, bias = (part.double().numpy() for part in (W.T, a, free))
    if goal.y.ndim == 1:
        outputs, bias = outputs[:, 0], bias[:, 0]
    return Trained(goal, hidden, outputs, bias)

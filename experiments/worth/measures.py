"""What is measured: a line of each of the three tables."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits

from cvxnet.objective import read_network
from experiments.report import Row
from experiments.worth.gradients import RULES, Job, Trained, descend, goal_of, rule_of
from experiments.worth.methods import (
    OPTIMUM,
    Predictor,
    by_mlp,
    choose,
    fit_all,
    optimum_of,
    predictor_of,
    scores_of,
)
from experiments.worth.samples import Data, error_of, share_apart, split_of
from experiments.worth.units import effective_units, living_units


def measure_errors(
    name: str, split: int, method: str, splits: int, seconds: float, quick: bool = False
) -> Row:
    """The test error of a method on a split, with what the held-out part has chosen."""
    if method == OPTIMUM:
        return optimum_on(name, split, seconds, quick)
    if method in RULES:
        return errors_on(name, tuple(range(splits)), method, quick)[split]
    return errors_on(name, (split,), method)[0]


@lru_cache(maxsize=1)
def errors_on(name: str, splits: tuple[int, ...], method: str, quick: bool = False) -> list[Row]:
    """Of some splits, each with a seed of its own; for torch they are one tensor program."""
    parts = [split_of(name, k) for k in splits]
    with threadpool_limits(1):
        found = choose(method, parts, splits, quick)
        tasks = [
            (part.train, [candidate], k)
            for part, (_, candidate), k in zip(parts, found, splits, strict=True)
        ]
        predictors = [predictor for (predictor,) in fit_all(method, tasks, quick)]
        return [
            {"choice": choice, **scores_of(predict, part.test)}
            for (choice, _), predict, part in zip(found, predictors, parts, strict=True)
        ]


def optimum_on(name: str, split: int, seconds: float, quick: bool) -> Row:
    """The same for the optimum, with its bracket."""
    parts = split_of(name, split)
    with threadpool_limits(1):
        ((choice, per_sample),) = choose(OPTIMUM, [parts], [split], quick)
        decay = per_sample * len(parts.train.y)
        model = optimum_of(parts.train, decay, seconds)
    solution = model.solution_
    scores = scores_of(predictor_of(model.network_, parts.train), parts.test)
    return {"choice": choice, **scores, "decay": decay} | {
        "value": solution.value,
        "lower": solution.lower_bound,
        "status": solution.status,
        "units": solution.units,
        "most_units": solution.objective.y.size,
    }


def measure_seeds(
    name: str,
    split: int,
    method: str,
    decay: float,
    seeds: int,
    seconds: float,
    quick: bool = False,
) -> Row:
    """The same data and weight decay from several seeds; of the optimum, orders of the data."""
    parts = split_of(name, split)
    jobs = [Job(parts.train, decay, seed) for seed in range(seeds)]
    with threadpool_limits(1):
        ends, predictors = trained_with(method, jobs, seconds, quick)
    said = [predict(parts.test.X) for predict in predictors]
    errors = [error_of(one, parts.test) for one in said]
    classes = parts.train.loss != "squared"
    apart = [share_apart(one, other, classes) for one, other in combinations(said, 2)]
    row = {"error": np.mean(errors), "error_sd": np.std(errors, ddof=1), "apart": np.mean(apart)}
    if ends:
        values = [end.value for end in ends]
        row |= {
            "value": np.mean(values),
            "best": min(values),
            "units": np.mean([len(e.a) for e in ends]),
        }
        row |= {"living": np.mean([living_units(end) for end in ends])}
        row |= {"effective": np.mean([effective_units(end) for end in ends])}
    return {key: float(number) for key, number in row.items()}


def trained_with(
    method: str, jobs: list[Job], seconds: float, quick: bool
) -> tuple[list[Trained], list[Predictor]]:
    """Networks of a method, where they minimise the objective, and what they predict."""
    if method == "MLP":
        per_sample = [(job, job.decay / len(job.data.y)) for job in jobs]
        return [], [by_mlp(job.data, [decay], job.seed)[0] for job, decay in per_sample]
    if method == OPTIMUM:
        ends = [optimum_in_order(job, seconds) for job in jobs]
    else:
        ends = descend(rule_of(method, quick), jobs)
    return ends, [predictor_of(end.network, job.data) for end, job in zip(ends, jobs, strict=True)]


def optimum_in_order(job: Job, seconds: float) -> Trained:
    """The optimum of the same samples and features in another order, its weights put back."""
    data, decay, rng = job.data, job.decay, np.random.default_rng(job.seed)
    rows, columns = rng.permutation(len(data.X)), rng.permutation(data.X.shape[1])
    model = optimum_of(Data(data.X[rows][:, columns], data.y[rows]), decay, seconds)
    weights = read_network(model.network_).weights
    W = np.column_stack([weights.W[:, np.argsort(columns)], weights.b])
    bias = np.reshape(weights.c, (1, *weights.a.shape[1:]))
    return Trained(goal_of(data, decay), W, weights.a, bias)


def measure_widths(
    name: str, split: int, width: int, decay: float, seeds: int, quick: bool = False
) -> Row:
    """Adam at a width, from several seeds."""
    parts = split_of(name, split)
    with threadpool_limits(1):
        jobs = [Job(parts.train, decay, k) for k in range(seeds)]
        ends = descend(rule_of("Adam", quick), jobs, width)
    said = [predictor_of(end.network, parts.train)(parts.test.X) for end in ends]
    values = [end.value for end in ends]
    errors = [error_of(one, parts.test) for one in said]
    return {"value": float(np.mean(values)), "best": min(values), "error": float(np.mean(errors))}

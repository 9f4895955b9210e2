"""How often does the bracket close to 1e-6, and does Newton refinement matter for that?

Random trainings on up to 60 samples, one or two features and bias, both losses, weight decay from
0.001 to 0.5 of the largest useful one; one in five on rounded data, one in five with duplicates,
exact opposites and zero rows. Counts "optimal" and "gap" with and without refinement.

    python -m experiments closing [--count 400] [--seed 0] [--quick]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Objective
from cvxnet.training.column_generation import Plan
from cvxnet.training.plans import as_it_is, plan_for
from cvxnet.training.problem import Problem
from cvxnet.training.trainer import solve


def example(seed: int) -> tuple[Objective, Budget]:
    """One training."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 60)), int(rng.integers(1, 3))
    X = rng.standard_normal((n, d))
    y = np.sin(2 * X.sum(axis=1)) + 0.1 * rng.standard_normal(n)
    if seed % 5 == 1:
        X = np.round(2 * X) / 2
    if seed % 5 == 2:
        X = np.vstack([X[: n // 2], X[: n // 2], -2 * X[: n // 4], np.zeros((2, d))])
        y = rng.standard_normal(len(X))
    loss = "logistic" if seed % 2 else "squared"
    if loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    fraction = 10 ** rng.uniform(-3, -0.3)
    beta = fraction * cn.largest_weight_decay("relu", X, y, loss=loss)
    solver = "ECOS" if seed % 3 == 0 else "CLARABEL"
    objective = Objective(units="relu", X=X, y=y, loss=get_loss(loss), weight_decay=beta)
    return objective, Budget(solver=solver)


def without_refinement(problem: Problem) -> Plan:
    """The plan as shipped, but for Newton's method."""
    return replace(plan_for(problem), polish=as_it_is)


def count(seeds: range, plan: Callable[[Problem], Plan]) -> Counter:
    """How many trainings ended how, by loss."""
    counts: Counter = Counter()
    for seed in seeds:
        objective, budget = example(seed)
        counts[objective.loss.name, solve(objective, budget, plan).status] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="six trainings")
    options = parser.parse_args()
    options.count = 6 if options.quick else options.count
    seeds = range(options.seed, options.seed + options.count)
    for name, plan in (("as shipped", plan_for), ("without", without_refinement)):
        counts = count(seeds, plan)
        for (loss, status), times in sorted(counts.items()):
            print(f"{name:12s} {loss:9s} {status:8s} {times}")


if __name__ == "__main__":
    main()

"""How often does the bracket close to 1e-6, and does Newton refinement matter for that?

Random trainings on up to 60 samples, one or two features and bias, both losses, weight decay from
0.001 to 0.5 of the largest useful one; one in five on rounded data, one in five with duplicates,
exact opposites and zero rows. Counts "optimal" and "gap" with and without refinement.

    python experiments/closing.py [--count 400] [--seed 0]
"""

from __future__ import annotations

import argparse
from collections import Counter
from unittest.mock import patch

import numpy as np

import cvxnet as cn
from cvxnet.training import column_generation


def example(seed: int) -> dict:
    """Arguments of one training."""
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
    return {"X": X, "y": y, "loss": loss, "weight_decay": beta, "solver": solver}


def count(seeds: range) -> Counter:
    """How many trainings ended how, by loss."""
    counts: Counter = Counter()
    for seed in seeds:
        arguments = example(seed)
        counts[arguments["loss"], cn.train("relu", **arguments).status] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    for name, refinements in (("as shipped", column_generation.REFINEMENTS), ("without", 0)):
        with patch.object(column_generation, "REFINEMENTS", refinements):
            counts = count(seeds)
        for (loss, status), times in sorted(counts.items()):
            print(f"{name:12s} {loss:9s} {status:8s} {times}")


if __name__ == "__main__":
    main()

"""Which levers of column generation pay? Each switched off or turned, side by side in one run.

    python experiments/levers.py [--quick] [--seed 0] [--out FOLDER]

Rows: as shipped; without sliding; without refinement; one new unit a round instead of many;
pricing at a stabilised dual point (in-out: half way to the best dual vector so far, and the
vector itself only when that finds nothing). Columns: seconds, rounds, units, gap. Targets as in
speed.py.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from speed import target

import cvxnet as cn
from cvxnet.training import column_generation as loop


@contextmanager
def as_shipped() -> Iterator[None]:
    yield


def without_sliding():
    return patch.object(loop, "slide", lambda problem, units, steps: units)


def without_refinement():
    return patch.object(loop, "REFINEMENTS", 0)


def one_new_unit():
    return patch.object(loop, "NEW_UNITS", 1)


def stabilised():
    """Price half way between the proposed dual vector and the best one known."""
    plain = loop.price

    def price(bracket, units, timings):
        maxima = plain(bracket, units, timings)
        problem = bracket.problem
        if not bracket.dual.any() or maxima.rho <= problem.weight_decay * (1 + 1e-3):
            return maxima
        middle = 0.5 * (problem.dual_vector(units) + bracket.dual)
        with loop.clock(timings, "pricing"):
            smooth = problem.family.price(middle, (1.0 - loop.LEVEL) * problem.weight_decay)
        bracket.offer_dual(middle, smooth.rho + smooth.error)
        return smooth if (smooth.values > problem.weight_decay).any() else maxima

    return patch.object(loop, "price", price)


LEVERS: dict[str, Callable] = {
    "as shipped": as_shipped,
    "without sliding": without_sliding,
    "without refinement": without_refinement,
    "one new unit a round": one_new_unit,
    "stabilised pricing": stabilised,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 50 and 100 only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for levers.csv")
    options = parser.parse_args()
    rows = []
    for kind in ("planted", "rough"):
        for n in (50, 100) if options.quick else (50, 100, 200, 500):
            X, y = target(kind, n, options.seed)
            beta = 0.01 * cn.largest_weight_decay("relu", X, y)
            cn.train("relu", X, y, weight_decay=beta, time_limit=1.0)
            for name, lever in LEVERS.items():
                with lever():
                    solution = cn.train("relu", X, y, weight_decay=beta, time_limit=120.0)
                row = {"target": kind, "n": n, "lever": name, "gap": solution.gap}
                row |= {key: solution.stats[key] for key in ("seconds", "rounds", "units")}
                rows.append(row)
                print(
                    f"{kind:8s} n={n:<4d} {name:22s} {row['seconds']:8.2f} s "
                    f"{row['rounds']:4d} rounds {row['units']:4d} units  gap {row['gap']:.1e}",
                    flush=True,
                )
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "levers.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()

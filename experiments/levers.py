"""Which levers of column generation pay? Each switched off or turned, side by side in one run.

    python -m experiments levers [--quick] [--seed 0] [--out FOLDER]

Rows: as shipped; without sliding; without refinement; one new unit a round instead of many;
pricing at a stabilised dual point (in-out: half way to the best dual vector so far, and the
vector itself only when that finds nothing). Columns: seconds, rounds, units, gap. Targets as in
speed.py.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Objective
from cvxnet.training.column_generation import Plan, Search
from cvxnet.training.plans import as_it_is, plan_for, solve_master
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem
from cvxnet.training.trainer import solve
from experiments.problems import target


def without_sliding(problem: Problem) -> Plan:
    return replace(plan_for(problem), improve=solve_master)


def without_refinement(problem: Problem) -> Plan:
    return replace(plan_for(problem), polish=as_it_is)


def one_new_unit(problem: Problem) -> Plan:
    plan = plan_for(problem)
    return replace(plan, exact=replace(plan.exact, new_units=1))


def stabilised(problem: Problem) -> Plan:
    """Price half way between the proposed dual vector and the best one known."""
    plan = plan_for(problem)
    proposed = []

    def improve(search: Search, grown):
        units, v = plan.improve(search, grown)
        proposed[:] = [v]
        return units, 0.5 * (v + search.bracket.dual) if search.bracket.dual.any() else v

    def polish(search: Search, maxima: LocalMaxima) -> LocalMaxima:
        if not (maxima.values > problem.weight_decay).any():
            maxima = search.price(search.units, proposed[0])
        return plan.polish(search, maxima)

    return replace(plan, improve=improve, polish=polish)


LEVERS: dict[str, Callable[[Problem], Plan]] = {
    "as shipped": plan_for,
    "without sliding": without_sliding,
    "without refinement": without_refinement,
    "one new unit a round": one_new_unit,
    "stabilised pricing": stabilised,
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 20 only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for levers.csv")
    options = parser.parse_args(argv)
    rows = []
    for kind in ("planted", "rough"):
        for n in (20,) if options.quick else (50, 100, 200, 500):
            X, y = target(kind, n, options.seed)
            beta = 0.01 * cn.largest_weight_decay("relu", X, y)
            objective = Objective(
                units="relu", X=X, y=y, loss=get_loss("squared"), weight_decay=beta
            )
            solve(objective, Budget(time_limit=1.0))
            for name, plan in LEVERS.items():
                solution = solve(objective, Budget(time_limit=120.0), plan)
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

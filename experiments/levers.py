"""Which levers of column generation pay?

Each is switched off or turned, side by side in one run: as shipped; without sliding; without
refinement; one new unit a round instead of many; pricing at a stabilised dual point (in-out: half
way to the best dual vector so far, and the vector itself only when that finds nothing). Seconds,
rounds, units and gap, on a planted and a rough target (``problems.target``), weight decay 0.01 of
the largest useful one, at most 120 seconds each.

    python -m experiments levers [--quick] [--seeds 1] [--out DIR]

In full it takes some minutes; seconds are those of the clock, so nothing else should run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Objective
from cvxnet.plots.style import LINES, WIDTH, color_of, head, marker_of, new_figure, styled
from cvxnet.training.column_generation import Plan, Search
from cvxnet.training.improvement import as_it_is, solve_master
from cvxnet.training.plans import plan_for
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem
from cvxnet.training.trainer import solve
from experiments.problems import target
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("planted", "rough")


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


def objective_of(kind: str, n: int, seed: int) -> Objective:
    """One training."""
    X, y = target(kind, n, seed)
    beta = 0.01 * cn.largest_weight_decay("relu", X, y)
    return Objective(units="relu", X=X, y=y, loss=get_loss("squared"), weight_decay=beta)


def pull(lever: str, kind: str, n: int, seed: int) -> Row:
    """One training with a lever: how long it took, and how it ended."""
    solution = solve(objective_of(kind, n, seed), Budget(time_limit=120.0), LEVERS[lever])
    stats = {key: solution.stats[key] for key in ("seconds", "rounds", "units")}
    return stats | {"gap": solution.gap, "status": solution.status}


def picture(rows: list[Row]) -> Figure:
    """Seconds by number of samples, a line for each lever, axes for each target."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        for axes, kind in zip(figure.subplots(1, len(KINDS), sharey=True), KINDS, strict=True):
            for k, lever in enumerate(LEVERS):
                n, seconds = medians(rows, kind, lever)
                axes.plot(n, seconds, color=color_of(k), marker=marker_of(k), ls=LINES[k])
            axes.set(xscale="log", yscale="log", xlabel="samples", title=f"{kind} target")
            axes.set_xticks(n, map(str, n), minor=False)
            axes.set_xticks([], minor=True)
        figure.axes[0].set_ylabel("seconds to the gap 1e-6")
        lines = figure.axes[0].get_lines()
        figure.legend(lines, list(LEVERS), loc="outside lower center", ncols=len(LEVERS))
        head(figure, "Column generation with one lever switched off or turned at a time")
    return figure


def medians(rows: list[Row], kind: str, lever: str) -> tuple[list[int], list[float]]:
    """Numbers of samples, and over the seeds the median seconds of a lever on a target."""
    own = [row for row in rows if row["kind"] == kind and row["lever"] == lever]
    sizes = sorted({row["n"] for row in own})
    return sizes, [float(np.median([r["seconds"] for r in own if r["n"] == n])) for n in sizes]


def cost(rows: list[Row], lever: str) -> float:
    """Seconds of a lever over those as shipped: geometric mean of the trainings."""
    shipped = {(r["kind"], r["n"], r["seed"]): r for r in rows if r["lever"] == "as shipped"}
    ratios = [
        row["seconds"] / shipped[row["kind"], row["n"], row["seed"]]["seconds"]
        for row in rows
        if row["lever"] == lever
    ]
    return float(np.exp(np.mean(np.log(ratios))))


def summary(rows: list[Row]) -> str:
    """What each lever costs, and where brackets stayed open."""
    costs = {lever: cost(rows, lever) for lever in LEVERS if lever != "as shipped"}
    told = ", ".join(f"{lever} {ratio:.2g} times" for lever, ratio in costs.items())
    left = [f"{r['lever']} ({r['kind']}, n = {r['n']})" for r in rows if r["status"] != "optimal"]
    return (
        f"Against training as shipped, in the geometric mean of {len(rows) // len(LEVERS)} "
        f"trainings, it takes: {told}. What is left out pays where "
        "that is more than one, and what is changed where it is less. "
        f"Brackets that did not close to 1e-6: {', '.join(left) or 'none'}."
    )


def main(argv: list[str]) -> int:
    """Pull every lever on every target."""
    report = Report("levers", __doc__, argv, seeds=(1, 1))
    solve(objective_of("rough", 20, 0), Budget(time_limit=1.0))  # loads the kernels
    rows = report.table(
        "levers",
        pull,
        [
            {"kind": kind, "n": n, "seed": seed, "lever": lever}
            for kind in KINDS
            for n in ((20,) if report.options.quick else (50, 100, 200, 500))
            for seed in range(report.options.seeds)
            for lever in LEVERS
        ],
    )
    shipped = [row for row in rows if row["lever"] == "as shipped"]
    closed = sum(row["status"] == "optimal" for row in shipped)
    report.expect(
        "brackets that close to 1e-6, as shipped",
        expected=f"all {len(shipped)}",
        found=f"{closed} of {len(shipped)}",
        holds=closed == len(shipped),
        source="pricing is exact up to rank three",
    )
    report.answer("Which levers of column generation pay?", summary(rows), picture(rows), "seconds")
    return report.close()

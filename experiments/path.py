"""How many certificates prove a network near the optimum for every weight decay?

Each line is one call of `cvxnet.path` from the largest useful weight decay to 0.01 of it: how many
certificates prove that for every weight decay between there is a network within the gap, and what
that took of the processor's time; the checker proves the file anew. Beside it a grid of as many
weight decays at equal ratios, each trained to a gap of 1e-6: what the same proof gives between its
points. "planted" is a network of five units, "rough" a product of waves, both with noise; diabetes
(body mass index, s5) is bundled with scikit-learn, and standardised. ReLU units with bias, squared
loss.

    python -m experiments path [--quick] [--seeds 3] [--out DIR]
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import (
    COLORS,
    DASHED,
    GREY,
    MARKERS,
    WIDTH,
    entitle,
    new_figure,
    styled,
)
from cvxnet.training.path.pieces import path_of
from cvxnet.training.path.points import bounds_of, point_of
from cvxnet.training.recovery import problem_of
from experiments.clocks import processor_time
from experiments.problems import bundled, target
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cvxnet.types import Array

SMALLEST = 0.01
DATA = (("planted", 100), ("rough", 100), ("diabetes", 442))
GAPS = (0.1, 0.03, 0.01)
MOST = {0.1: 7, 0.03: 11, 0.01: 18}
"""Certificates that a prototype took."""
QUICK = (("planted", 12),), (0.1,)


def samples(data: str, n: int, seed: int) -> tuple[Array, Array]:
    """Two features and a target."""
    return bundled("diabetes 2") if data == "diabetes" else target(data, n, seed)


def measure(data: str, n: int, seed: int, gap: float) -> Row:
    """One path, its check, and the grid of as many weight decays."""
    X, y = samples(data, n, seed)
    cn.path("relu", X[:8], y[:8], gap=0.3, smallest=0.5)  # loads the compiled kernels
    begin = time.process_time()
    path = cn.path("relu", X, y, gap=gap, smallest=SMALLEST)
    seconds, checking = time.process_time() - begin, time.process_time()
    with processor_time():
        checked = cn.check(path)
    check_s = time.process_time() - checking
    return {
        "certificates": len(path.weight_decays),
        "trainings": path.stats["trainings"],
        "status": path.status,
        "proved": path.gap,
        "seconds": seconds,
        "checked": checked.valid,
        "check_s": check_s,
        "grid_gap": gap_of_grid(path, X, y),
    }


def gap_of_grid(path: Any, X: Array, y: Array) -> float:
    """What trainings at equal ratios, as many as the path has, prove of all between."""
    decays = np.geomspace(path.high, path.low, len(path.weight_decays))
    given = problem_of(replace(path.objective, weight_decay=1.0))
    points = [
        point_of(cn.train("relu", X, y, weight_decay=decay).certificate, given) for decay in decays
    ]
    return float(path_of(points, bounds_of(path.objective), decays[-1]).gap)


def named(row: Row) -> str:
    """A data set in words."""
    return f"{row['data']}, n = {row['n']}"


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer."""
    proved = sum(row["checked"] and row["status"] == "optimal" for row in rows)
    report.expect(
        "paths that are complete, and proved by the checker",
        expected=f"all {len(rows)}",
        found=f"{proved} of {len(rows)}",
        holds=proved == len(rows),
        source="a path is a proof for every weight decay between its ends",
    )
    due = [row for row in rows if row["gap"] in MOST]
    more = [row for row in due if row["certificates"] > MOST[row["gap"]]]
    report.expect(
        "certificates for gaps of 10, 3 and 1 %",
        expected="at most 7, 11 and 18",
        found=f"at most so many in {len(due) - len(more)} of {len(due)}",
        holds=not more,
        source="a prototype, in which each certificate proved its piece alone, n = 100",
    )
    counts = "; ".join(
        f"{name}: " + " / ".join(counted(rows, name, gap) for gap in gaps_in(rows))
        for name in dict.fromkeys(map(named, rows))
    )
    gaps = " / ".join(f"{100 * gap:g}" for gap in gaps_in(rows))
    worst = max(row["grid_gap"] / row["proved"] for row in rows)
    report.answer(
        report.question,
        f"""From the largest useful weight decay to {SMALLEST:g} of it, for gaps of {gaps} %:
        {counts}. The longest took {max(row["seconds"] for row in rows):.1f} s of the processor. A
        grid of as many weight decays at equal ratios leaves up to {worst:.1f} times the gap of the
        path between its points.""",
        picture(rows),
        "certificates",
    )


def gaps_in(rows: list[Row]) -> list[float]:
    """The gaps asked for."""
    return list(dict.fromkeys(row["gap"] for row in rows))


def counted(rows: list[Row], name: str, gap: float) -> str:
    """How many certificates that gap takes, over the seeds."""
    found = [row["certificates"] for row in rows if named(row) == name and row["gap"] == gap]
    return str(min(found)) if min(found) == max(found) else f"{min(found)} to {max(found)}"


def picture(rows: list[Row]) -> Figure:
    """Certificates by gap; and the gap that is proved, beside that of the grid."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        left, right = figure.subplots(1, 2)
        for k, (name, group) in enumerate(groupby(rows, named)):
            several = list(group)
            asked = [row["gap"] for row in several]
            look = {"color": COLORS[k], "marker": MARKERS[k], "linestyle": ""}
            left.plot(asked, [row["certificates"] for row in several], label=name, **look)
            right.plot(asked, [row["proved"] for row in several], label=f"{name}: path", **look)
            grid = look | {"markerfacecolor": "white"}
            right.plot(asked, [row["grid_gap"] for row in several], label=f"{name}: grid", **grid)
        ends = [min(gaps_in(rows)), max(gaps_in(rows))]
        right.plot(ends, ends, color=GREY, linestyle=DASHED, label="asked for")
        for axes in (left, right):
            axes.set(xscale="log", xlabel="gap asked for")
            axes.legend()
        left.set_ylabel("certificates")
        left.set_ylim(bottom=0.0)
        right.set(yscale="log", ylabel="largest gap between the ends")
        entitle(left, "Certificates that prove all weight decays")
        entitle(right, "The path, and a grid of as many weight decays")
    return figure


def main(argv: list[str]) -> int:
    """Paths of all data, to all gaps."""
    report = Report("path", __doc__, argv, seeds=(3, 1))
    data, gaps = QUICK if report.options.quick else (DATA, GAPS)
    settings = [
        {"data": name, "n": n, "seed": seed, "gap": gap}
        for name, n in data
        for seed in range(1 if name == "diabetes" else report.options.seeds)
        for gap in gaps
    ]
    tell(report, report.table("paths", measure, settings))
    return report.close()

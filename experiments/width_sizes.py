"""Up to which size is the optimum of networks of at most m units found, and proved?

Each line asks `cvxnet.train` for a width, or until the time limit, and has the checker prove the
bracket anew. "xor" is the sign of the product of two Gaussian features, "sin" a wave, "noise" has
nothing to find; all with noise. diabetes (body mass index, s5), and wine (flavanoids, color
intensity; the second cultivar or not) are bundled with scikit-learn, and standardised. ReLU units
with bias unless another family is named; weight decay 0.01 of the largest useful one where nothing
else is said. Seconds, and the limit, are those of the processor: in all, with the optimum of every
width, where the search begins, and the certificate; and of the search alone.

The number of nodes grows with the width, and as the weight decay falls; hardly with the samples.

    python -m experiments width_sizes [--only DATA ...] [--limit 120] [--jobs 1]
                                      [--quick] [--seeds 1] [--out DIR]
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import cvxnet as cn
from cvxnet.plots.style import (
    COLORS,
    GREY,
    WIDTH,
    color_of,
    entitle,
    line_of,
    marker_of,
    new_figure,
    styled,
)
from experiments.clocks import processor_time
from experiments.problems import Problem
from experiments.report import Report, Row

if TYPE_CHECKING:
    import argparse

    from cvxnet.plots.style import Axes, Figure

PATIENCE = {"exactly": 5.0, "with rounding bounds": 60.0}
"""Seconds for each way of checking."""

SHORT = 20.0
"""Seconds for a search that was not meant to take longer."""


@dataclass(frozen=True)
class Line:
    """Widths for one problem, the relative gap, and goals: the seconds that a search may take."""

    problem: Problem
    widths: tuple[int, ...]
    goals: dict[int, float]
    gap: float = 1e-4


def xor(n: int, features: int, share: float = 0.01, units: str = "relu") -> Problem:
    """Samples of the sign of a product."""
    return Problem("xor", n, features, share, units)


DIABETES, WINE = Problem("diabetes", 442, 2, 0.01), Problem("wine", 178, 2, 0.01)
LINES = [
    Line(Problem("sin", 1000, 1, 0.01), (1, 2, 3, 4, 5), dict.fromkeys((1, 2, 3, 4, 5), 2.0)),
    Line(xor(50, 2), (1, 2, 3, 4, 5, 6), {6: 300.0}),
    Line(xor(100, 2), (1, 2, 3, 4, 5), {4: 60.0, 5: 180.0}),
    Line(xor(200, 2), (1, 2, 3), dict.fromkeys((1, 2, 3), 30.0)),
    Line(Problem("noise", 50, 2, 0.01), (1, 2, 3), {}),
    Line(xor(50, 2, 0.001), (2, 3, 5), {}),
    Line(DIABETES, (1, 2, 3, 4), dict.fromkeys((1, 2, 3, 4), 30.0)),
    Line(WINE, (1, 2, 3), dict.fromkeys((1, 2, 3), 10.0)),
    Line(xor(50, 3), (1, 2), {2: 120.0}, gap=1e-3),
    Line(replace(DIABETES, features=3, share=0.1), (1, 2), {}, gap=1e-3),
    Line(xor(50, 4, 0.1), (1, 2), {}, gap=1e-3),
    Line(xor(50, 5, 0.1), (1,), {}, gap=1e-3),
    Line(xor(50, 2, units="leaky_relu"), (1, 2, 3), {}),
    Line(xor(50, 2, units="abs"), (1, 2, 3), {}),
    *(Line(xor(100, 2, 0.1, units), (1, 2, 3, 4), {}) for units in ("sign", "threshold")),
    Line(Problem("breast_cancer", 569, 30, 0.01, "coordinate"), tuple(range(1, 9)), {}),
]
QUICK = [Line(Problem("sin", 10, 1, 0.1), (1, 2), {})]


def measure(
    width: int, tolerance: float, limit: float, goal_s: float | None, **setting: object
) -> Row:
    """Search, and say what came out; the checker proves it anew."""
    problem = Problem(**setting)  # type: ignore[arg-type]
    warm_up(problem)
    arguments = problem.arguments()
    begin, clock = time.process_time(), time.perf_counter()
    with processor_time():
        solution = cn.train(**arguments, width=width, gap=tolerance, time_limit=limit)
    seconds, wall = time.process_time() - begin, time.perf_counter() - clock
    every = solution.all_widths
    assert every is not None
    found = {
        "status": solution.status,
        "lower": solution.lower_bound,
        "value": solution.value,
        "gap": solution.gap,
        "every_width": every.value,
        "every_units": every.units,
        "nodes": solution.stats["nodes"],
        "open": solution.stats["open"],
        "seconds": seconds,
        "search_s": solution.stats["seconds"] - every.stats["seconds"],
        "wall_s": wall,
    }
    return found | check(solution.certificate.to_dict())


def check(document: dict[str, object]) -> Row:
    """Exactly, or where that takes too long with rounding bounds."""
    kB = len(json.dumps(document)) / 1000
    for way, limit in PATIENCE.items():
        begin = time.process_time()
        with processor_time():
            checked = cn.check(document, rounded=way != "exactly", time_limit=limit)
        seconds = time.process_time() - begin
        if checked.valid:
            break
    return {"kB": kB, "checked": checked.valid, "reason": checked.reason, "check_s": seconds}


def warm_up(problem: Problem) -> None:
    """Load the compiled kernels."""
    cn.train(**replace(problem, n=8, share=0.1).arguments(), width=1, time_limit=5)


def named(row: Row) -> str:
    """A problem in words."""
    features = "1 feature" if row["features"] == 1 else f"{row['features']} features"
    units = "" if row["units"] == "relu" else f"{row['units']}, "
    return f"{units}{row['data']} {row['n']}, {features}, {row['share']:g}"


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answers."""
    checked = sum(row["checked"] for row in rows)
    report.expect(
        "brackets, closed or not, that the checker proves",
        expected=f"all {len(rows)}",
        found=f"{checked} of {len(rows)}",
        holds=checked == len(rows),
        source="every training comes with a certificate",
    )
    due = [row for row in rows if row["goal_s"] is not None]
    late = [
        f"{named(row)}, m = {row['width']}"
        for row in due
        if row["status"] != "optimal" or row["search_s"] > row["goal_s"]
    ]
    report.expect(
        f"optima of {len(due)} problems, each search within the seconds that were set for it",
        expected=f"all {len(due)}",
        found=f"{len(due) - len(late)} of {len(due)}" + "".join(f"; not {each}" for each in late),
        holds=not late,
        source="a goal for each, from 2 to 300 seconds",
    )
    closed = [row for row in rows if row["status"] == "optimal"]
    left = [
        f"{named(row)}, m = {row['width']}: {100 * row['gap']:.2g} %"
        for row in rows
        if row not in closed
    ]
    nodes = max((row["nodes"] for row in closed), default=0)
    report.answer(
        report.question,
        f"""{len(closed)} of {len(rows)} brackets closed within their limits, of
        {min(row["limit"] for row in rows):g} to {max(row["limit"] for row in rows):g} seconds of
        the processor, after at most {nodes:,} nodes. Left open, with the gap that is proved:
        {"; ".join(left) or "none"}.""",
        picture(rows),
        "sizes",
    )


def picture(rows: list[Row]) -> Figure:
    """Seconds and nodes by width, a line for each problem; hollow where the bracket stays open."""
    with styled():
        figure = new_figure(WIDTH, 6.4)
        left, right = figure.subplots(1, 2)
        for k, (name, group) in enumerate(groupby(rows, named)):
            draw(left, k, name, list(group), "seconds")
        for k, (name, group) in enumerate(groupby(rows, named)):
            draw(right, k, name, list(group), "nodes")
        left.set_ylabel("processor seconds, certificate and all")
        right.set_ylabel("nodes of the tree")
        entitle(left, "Time (hollow: the bracket stayed open)")
        entitle(right, "Nodes (samples hardly count)")
        for axes in (left, right):
            axes.set(yscale="log", xlabel="m, the most units")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(axis="y", color=GREY, linewidth=0.4)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw(axes: Axes, k: int, name: str, rows: list[Row], what: str) -> None:
    """One problem."""
    x, y = [row["width"] for row in rows], [max(row[what], 1e-3) for row in rows]
    look = {"color": color_of(k), "marker": marker_of(k), "linestyle": line_of(k // len(COLORS))}
    axes.plot(x, y, label=name, **look)
    left = [at for at, row in enumerate(rows) if row["status"] != "optimal"]
    axes.plot(
        [x[at] for at in left], [y[at] for at in left], marker_of(k), color=color_of(k), mfc="white"
    )


def main(argv: list[str]) -> int:
    """Search every width of every line."""
    report = Report("width_sizes", __doc__, argv, more=more)
    options = report.options
    settings = [
        asdict(replace(line.problem, seed=seed))
        | {"width": m, "tolerance": line.gap, "goal_s": line.goals.get(m)}
        | {"limit": min(options.limit, max(line.goals.get(m, 0.0), SHORT))}
        for line in (QUICK if options.quick else LINES)
        if not options.only or line.problem.data in options.only
        for seed in range(options.seeds)
        for m in line.widths
    ]
    tell(report, report.table("sizes", measure, settings, options.jobs))
    return report.close()


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    names = sorted({line.problem.data for line in LINES})
    parser.add_argument("--only", nargs="+", choices=names, metavar="DATA")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds (default 120)")
    parser.add_argument("--jobs", type=int, default=1, help="lines measured at once")

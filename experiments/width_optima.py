"""How low do networks of m units come, and how often do L-BFGS and Adam get there?

The optimum of networks of at most m units, proved, for m = 1 up to the number of units that the
optimum of every width has, or as far as was asked. Beside it, on networks of m units, the best of
50 runs of L-BFGS, from weights of N(0, 1) until nothing improves, and of 50 runs of Adam, 2,000
steps with all samples, from weights uniform in +-1/sqrt(fan in), at the rate that is the best of
six on three other networks, and which falls to zero along a cosine. A run has found the optimum
where it ends within so much of the lowest objective that is known.

Four points: exclusive or. Five points: of Pilanci and Ergen 2020. "xor" is the sign of the product
of two Gaussian features, "noise" has nothing to find. Of the sets bundled with scikit-learn two
features each, or three, standardised: diabetes (body mass index, s5, blood pressure); and with one
class against the others wine (flavanoids, color intensity), iris (petals; versicolor is in the
middle) and breast_cancer (worst radius and concave points). ReLU units with bias.

    python -m experiments width_optima [--only DATA ...] [--limit 20] [--jobs 1]
                                       [--quick] [--seeds 50] [--out DIR]
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.baselines.gradients import train_batch
from cvxnet.baselines.protocol import make_protocol
from cvxnet.baselines.tasks import TRAINING, Setting, best_rate, tuning_tasks
from cvxnet.losses import get_loss
from cvxnet.objective import Objective
from cvxnet.plots.style import (
    BLUE,
    COLORS,
    DASHED,
    GREY,
    INK,
    MARKERS,
    SMALL,
    WIDTH,
    head,
    new_figure,
    styled,
)
from cvxnet.training.threads import one_blas_thread
from cvxnet.types import Array
from experiments.clocks import processor_time
from experiments.descent import Network, descend
from experiments.problems import Problem
from experiments.report import Report, Row

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from cvxnet.plots.style import Axes, Figure

STEPS = {"lbfgs": 2000, "adam": 2000}
PRECISE = {"ftol": 0.0, "gtol": 1e-12, "maxcor": 20}
"""L-BFGS goes on until its line search finds nothing better, mostly long before those steps."""
OPTIMIZERS = {"lbfgs": "L-BFGS", "adam": "Adam"}
NEAR, NEARER = 1e-3, 1e-6
"""Relative distances at which a run has found the optimum."""
ROUNDING = 1e-9
MADE = ("xor", "noise")
COLUMNS, HATCHES = 4, ("/", "")


@dataclass(frozen=True)
class Line:
    """A problem, and the largest width that is asked for."""

    problem: Problem
    most: int = 10


def both(data: str, n: int, features: int) -> Iterable[Line]:
    """Two weight decays."""
    return (Line(Problem(data, n, features, share)) for share in (0.1, 0.01))


LINES = [
    *both("four points", 4, 2),
    *both("five points", 5, 1),
    *both("diabetes", 442, 2),
    Line(Problem("diabetes", 442, 3, 0.1)),
    *both("wine", 178, 2),
    *both("iris", 150, 2),
    *both("breast_cancer", 569, 2),
    Line(Problem("xor", 20, 2, 0.01), 5),
    Line(Problem("xor", 50, 2, 0.01), 4),
    Line(Problem("noise", 50, 2, 0.01), 3),
]
QUICK = [Line(Problem("five points", 5, 1, 0.1), 2)]
KNOWN = {
    ("four points", 0.1): (1.595, 0.933385),
    ("four points", 0.01): (1.50995, 0.54697, 0.0537507, 0.0398002),
    ("five points", 0.1): (2.22098, 1.76114, 1.48212, 1.42383),
    ("five points", 0.01): (2.02498, 1.08843, 0.613406, 0.177302),
}
"""From a search that was written apart, to 1e-4."""
KNOWN_TO = 1e-4


def every_width(**setting: object) -> Row:
    """The optimum of every width."""
    problem = Problem(**setting)  # type: ignore[arg-type]
    with processor_time():
        solution = cn.train(**problem.arguments())
    return {"every_width": solution.value, "gap": solution.gap, "units": solution.units}


def measure(
    width: int,
    limit: float,
    seeds: int,
    steps: dict[str, int],
    every_width: float,
    every_units: int,
    **setting: object,
) -> Row:
    """The optimum of a width, and what runs of that width come to."""
    problem = Problem(**setting)  # type: ignore[arg-type]
    arguments = problem.arguments()
    with processor_time():
        solution = cn.train(**arguments, width=width, time_limit=limit)
    ends = {
        "lbfgs": descents(problem, width, seeds, steps["lbfgs"]),
        "adam": adam(problem, width, seeds, steps["adam"]),
    }
    best = min(solution.value, *(values.min() for values in ends.values()))
    found: Row = {
        "status": solution.status,
        "lower": solution.lower_bound,
        "value": solution.value,
        "gap": solution.gap,
        "nodes": solution.stats["nodes"],
        "seconds": solution.stats["seconds"],
        "checked": solution.stats["checked"],
        "ends": ends,
    }
    for key, values in ends.items():
        excess = values / best - 1.0
        found |= {
            f"{key}_best": excess.min(),
            f"{key}_median": float(np.median(excess)),
            f"{key}_near": int((excess <= NEAR).sum()),
            f"{key}_nearer": int((excess <= NEARER).sum()),
        }
    return found


def descents(problem: Problem, width: int, seeds: int, steps: int) -> Array:
    """The objective at the end of each run of L-BFGS."""
    arguments = problem.arguments()
    X, y, loss, decay = (arguments[key] for key in ("X", "y", "loss", "weight_decay"))
    network = Network(X, y, loss, decay, width)
    starts = [network.start(np.random.default_rng(seed)) for seed in range(seeds)]
    with one_blas_thread():
        ends = [descend(network.value_and_gradient, x, maxiter=steps, **PRECISE) for x in starts]
    return np.array([end.fun for end in ends])


def adam(problem: Problem, width: int, seeds: int, steps: int) -> Array:
    """The same of Adam, whose learning rate is the best on other networks."""
    arguments = problem.arguments()
    loss = get_loss(arguments.pop("loss"))
    protocol = make_protocol(
        optimizers="adam",
        widths=width,
        seeds=seeds,
        epochs=steps,
        batch_size=None,
        rates=None,
        n=problem.n,
    )
    setting = Setting(objective=Objective(loss=loss, **arguments), protocol=protocol)
    (tuning,) = tuning_tasks(setting)
    task = replace(
        tuning,
        seeds=protocol.seeds,
        rates=(best_rate(train_batch(tuning)),) * seeds,
        stream=TRAINING,
    )
    return train_batch(task).objective


def named(row: Row) -> str:
    """A problem in words."""
    features = f", {row['features']} features" if row["features"] > 2 else ""
    return f"{row['data']} {row['n']}{features}, {row['share']:g}"


def expect(report: Report, rows: list[Row]) -> None:
    """What is proved, what is known, and what an earlier search saw."""
    below = sum(
        int((values < row["lower"] * (1.0 - ROUNDING)).sum())
        for row in rows
        for values in row["ends"].values()
    )
    runs = sum(len(values) for row in rows for values in row["ends"].values())
    report.expect(
        "runs below the proved lower bound of their width",
        expected="none",
        found=f"{below} of {runs}",
        holds=below == 0,
        source="the bracket is proved",
    )
    known = [
        abs(row["value"] / KNOWN[row["data"], row["share"]][row["width"] - 1] - 1.0)
        for row in rows
        if row["width"] <= len(KNOWN.get((row["data"], row["share"]), ()))
    ]
    report.expect(
        f"optima of the four and the five points, of {len(known)} widths",
        expected=f"equal to {KNOWN_TO:g}",
        found=f"within {max(known):.1e}",
        holds=max(known) <= KNOWN_TO,
        source="a search that was written apart",
    )
    real = [row for row in rows if is_real(row) and row["status"] == "optimal"]
    missed = sorted((row for row in real if row["lbfgs_best"] > NEARER), key=by_lbfgs)
    furthest = f", furthest {told(missed[-1], 'lbfgs')}" if missed else ""
    report.expect(
        f"the best of the runs of L-BFGS on bundled data, in {len(real)} settings that closed",
        expected=f"within {NEARER:g} of the optimum in all",
        found=f"not in {len(missed)}{furthest}",
        holds=not missed,
        source="an earlier run, up to width 4",
    )


def is_real(row: Row) -> bool:
    """Whether the data were measured by somebody."""
    return row["data"] not in MADE and "points" not in row["data"]


def by_lbfgs(row: Row) -> float:
    """How far the best run of L-BFGS is above."""
    return float(row["lbfgs_best"])


def told(row: Row, key: str) -> str:
    """A setting, and how far above the best of all runs is."""
    return f"{named(row)}, m = {row['width']}: {100 * row[f'{key}_best']:.2g} % above"


def answer(report: Report, rows: list[Row]) -> None:
    """What the two pictures show."""
    closed = [row for row in rows if row["status"] == "optimal"]
    first = {
        name: next((row["width"] for row in rows if named(row) == name and enough(row)), None)
        for name in dict.fromkeys(map(named, rows))
    }
    few = "; ".join(f"{name}: {m}" for name, m in first.items() if m is not None)
    report.answer(
        "How many units are worth having?",
        f"""{len(closed)} of {len(rows)} optima of a width were proved to 1e-6. The fewest units
        that come within 1 % of the optimum of every width, where some of those asked for do:
        {few or "none"}.""",
        picture(rows, draw_optima, "Objective, by m, the most units"),
        "optima",
    )
    said = []
    for key, label in OPTIMIZERS.items():
        missed = [row for row in closed if row[f"{key}_best"] > NEARER]
        far = [row for row in missed if row[f"{key}_best"] > NEAR]
        worst = max(closed or rows, key=lambda row: row[f"{key}_best"])
        said.append(
            f"The best of {rows[0]['seeds']} runs of {label} is not within {NEARER:g} in "
            f"{len(missed)} of {len(closed)} settings whose optimum is proved, and not within "
            f"{NEAR:g} in {len(far)} (furthest: {told(worst, key)})."
        )
    alone = {key: sum(row[f"{key}_near"] for row in closed) for key in OPTIMIZERS}
    total = sum(row["seeds"] for row in closed) or 1
    said.append(
        "Of single runs, within 1e-3 ended "
        + ", ".join(f"{100 * alone[key] / total:.0f} % of {OPTIMIZERS[key]}" for key in OPTIMIZERS)
        + "."
    )
    report.answer(
        "How often do L-BFGS and Adam find the optimum of their width?",
        " ".join(said),
        picture(rows, draw_shares, f"Share of runs within {NEAR:g} of the optimum of width m"),
        "runs",
    )


def enough(row: Row) -> bool:
    """Whether its width is within 1 % of every width."""
    return bool(row["value"] <= 1.01 * row["every_width"])


def picture(rows: list[Row], draw: Callable[[Axes, list[Row]], None], title: str) -> Figure:
    """Axes for each problem."""
    names = list(dict.fromkeys(map(named, rows)))
    high = -(-len(names) // COLUMNS)
    with styled():
        figure = new_figure(WIDTH, 1.2 + 2.3 * high)
        head(figure, title)
        for k, name in enumerate(names):
            axes = figure.add_subplot(high, COLUMNS, k + 1)
            draw(axes, [row for row in rows if named(row) == name])
            axes.set_title(name, fontsize=SMALL)
            axes.xaxis.get_major_locator().set_params(integer=True)
        handles = figure.axes[0].get_legend_handles_labels()
        legend = figure.legend(*handles, loc="outside lower center", ncols=4)
        for handle in legend.legend_handles:
            handle.set_alpha(1.0)
    return figure


def draw_optima(axes: Axes, rows: list[Row]) -> None:
    """The proved optimum of each width, a bar where it is open, and where the runs ended."""
    widths = np.array([row["width"] for row in rows])
    for k, (key, label) in enumerate(OPTIMIZERS.items()):
        ends = [row["ends"][key] for row in rows]
        x = np.repeat(widths + 0.16 * (1 + k), [len(values) for values in ends])
        look = {"color": COLORS[k + 1], "marker": MARKERS[k + 1], "alpha": 0.4, "s": 9}
        axes.scatter(x, np.concatenate(ends), label=f"runs of {label}", linewidths=0, **look)
    value = np.array([row["value"] for row in rows])
    least = rows[0]["every_width"]
    below = value - [row["lower"] for row in rows]
    axes.errorbar(widths, value, yerr=[below, 0.0 * below], color=BLUE, marker="o", label="optimum")
    axes.axhline(least, color=INK, linewidth=1.0, linestyle=DASHED, label="of every width")
    high = value.max() - least
    axes.set_ylim(least - 0.1 * high, value.max() + 0.25 * high)


def draw_shares(axes: Axes, rows: list[Row]) -> None:
    """How many of the runs found it; nothing is said where the optimum is not proved."""
    proved = [row for row in rows if row["status"] == "optimal"]
    for k, (key, label) in enumerate(OPTIMIZERS.items()):
        x = np.array([row["width"] for row in proved]) + 0.36 * (k - 0.5)
        y = [row[f"{key}_near"] / row["seeds"] for row in proved]
        axes.bar(x, y, 0.34, color=COLORS[k + 1], hatch=HATCHES[k], edgecolor="white", label=label)
    for row in rows:
        if row["status"] != "optimal":
            axes.text(row["width"], 0.04, "open", color=GREY, ha="center", rotation=90)
    axes.set(ylim=(0.0, 1.0), xlim=(0.4, rows[-1]["width"] + 0.6))


def main(argv: list[str]) -> int:
    """The optimum of every width first: it says up to which width there is something to ask."""
    report = Report("width_optima", __doc__, argv, seeds=(50, 3), more=more)
    options = report.options
    lines = [
        line
        for line in (QUICK if options.quick else LINES)
        if not options.only or line.problem.data in options.only
    ]
    steps = dict.fromkeys(STEPS, 30) if options.quick else STEPS
    warm_up()
    problems = report.table(
        "every_width", every_width, [asdict(line.problem) for line in lines], options.jobs
    )
    settings = [
        asdict(line.problem)
        | {"width": m, "limit": options.limit, "seeds": options.seeds}
        | {"steps": steps, "every_width": every["every_width"], "every_units": every["units"]}
        for line, every in zip(lines, problems, strict=True)
        for m in range(1, min(line.most, every["units"]) + 1)
    ]
    rows = report.table("optima", measure, settings, options.jobs)
    expect(report, rows)
    answer(report, rows)
    return report.close()


def warm_up() -> None:
    """Load the compiled kernels."""
    cn.train(**Problem("five points", 5, 1, 0.1).arguments(), width=2)


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    names = sorted({line.problem.data for line in LINES})
    parser.add_argument("--only", nargs="+", choices=names, metavar="DATA")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds (default 20)")
    parser.add_argument("--jobs", type=int, default=1, help="settings measured at once")

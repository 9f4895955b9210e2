"""Gradient training by width, beside the proved optimum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import (
    COLORS,
    GREY,
    INK,
    LINES,
    MARKERS,
    SMALL,
    WIDTH,
    head,
    new_figure,
    styled,
)
from cvxnet.types import Array
from experiments.descent import Network, descend
from experiments.pilanci2020.programs import (
    gate_for_every_cell,
    least_norm,
    least_objective,
    patterns_of,
    with_bias,
)
from experiments.problems import five_points, target
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS, PLANTED = "five points", "planted network, n = 40"
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "lbfgs": "L-BFGS"}
CLOSE, LEAST = 1e-2, 1e-8
DECAY = 1e-3
REFERENCE = {
    ("squared", 1e-3): 0.01011683,
    ("squared", 1e-2): 0.10007383,
    ("squared", 1e-1): 0.8914472,
    ("hinge", 1e-3): 0.01012899,
    ("hinge", 1e-2): 0.10128992,
    ("hinge", 1e-1): 1.01289904,
}
"""The optimum on the five points by loss and weight decay."""
LEAST_NORM = 10.128990
STOPS = {2.2e-9: "SciPy's tolerance 2.2e-9", 1e-15: "tolerance 1e-15", 0.0: "tolerance 0"}
EVALUATIONS = 20_000


def problem_of(name: str) -> tuple[Array, Array, float]:
    """Features, target and weight decay."""
    if name == POINTS:
        return *five_points(), DECAY
    X, y = target("planted", 40, 0)
    return X, y, 0.01 * cn.largest_weight_decay("relu", X, y)


def value(loss: str, beta: float) -> Row:
    """The optimum on the five points: bracketed, and of the whole program; and the least norm."""
    X, y = five_points()
    rows = with_bias(X)
    patterns, _ = patterns_of(rows, gate_for_every_cell(rows))
    solution = cn.train("relu", X, y, loss=loss, weight_decay=beta)
    return {
        "lower": solution.lower_bound,
        "value": solution.value,
        "program": least_objective(rows, y, patterns, loss, beta),
        "least_norm": least_norm(rows, y, patterns),
    }


def train(problem: str, optimizer: str, width: int, epochs: int, seeds: int) -> Row:
    """Networks of one width from many seeds, at the best of several rates."""
    X, y, beta = problem_of(problem)
    options = {"optimizers": optimizer, "widths": width, "epochs": epochs, "seeds": seeds}
    options["width_seconds"] = 0
    runs = cn.compare("relu", X, y, weight_decay=beta, **options)
    group = runs.groups[0]
    return {"rate": group.rate, "optimum": runs.solution.value, "units": runs.solution.units} | {
        "within": group.within(CLOSE)[0] / seeds,
        "median": float(np.median(group.excess[:, 1])),
        "worst": float(group.excess[:, 1].max()),
        "excess": group.excess[:, 1],
    }


def from_normal(tolerance: float, width: int, seeds: int) -> Row:
    """L-BFGS on the five points from N(0,1), until a step lowers the objective by too little."""
    X, y, beta = problem_of(POINTS)
    network = Network(X, y, "squared", beta, width)
    optimum = cn.train("relu", X, y, weight_decay=beta).lower_bound
    starts = [network.start(np.random.default_rng(seed)) for seed in range(seeds)]
    limits = {"ftol": tolerance, "gtol": 0.0, "maxfun": EVALUATIONS}
    ends = [descend(network.value_and_gradient, start, **limits) for start in starts]
    excess = np.array([end.fun for end in ends]) / optimum - 1.0
    return {
        "within": float((excess <= CLOSE).mean()),
        "median": float(np.median(excess)),
        "evaluations": float(np.median([end.nfev for end in ends])),
    }


def settings(report: Report) -> list[Row]:
    """What is trained."""
    quick, seeds = report.options.quick, report.options.seeds
    wanted = {POINTS: ((4, 8, 15, 50), 5000), PLANTED: ((4, 8, 16, 64), 1000)}
    if quick:
        wanted = {POINTS: ((4, 50), 50)}
    return [
        {"problem": problem, "optimizer": optimizer, "width": width}
        | {"epochs": epochs, "seeds": seeds}
        for problem, (widths, epochs) in wanted.items()
        for optimizer in OPTIMIZERS
        for width in widths
    ]


def ask(report: Report) -> None:
    """Measure, expect, answer."""
    keys = [key for key in REFERENCE if not report.options.quick or key[1] == DECAY]
    values = report.table("values", value, [{"loss": loss, "beta": beta} for loss, beta in keys])
    rows = report.table("runs", train, settings(report))
    widths = (8, 50) if report.options.quick else (4, 8, 15, 50)
    each = [
        {"tolerance": tolerance, "width": width, "seeds": report.options.seeds}
        for tolerance in STOPS
        for width in widths
    ]
    starts = report.table("starts", from_normal, each)
    expect_values(report, values)
    expect_shares(report, rows, starts)
    answer(report, rows)
    answer_starts(report, starts)


def expect_values(report: Report, values: list[Row]) -> None:
    """The optimum by loss and weight decay, and the least norm."""
    for row in values:
        known = REFERENCE[row["loss"], row["beta"]]
        report.expect(
            f"optimum on the five points, {row['loss']} loss, weight decay {row['beta']:g}",
            expected=f"{known:.8g}",
            found=f"{row['value']:.8g} (the whole program {row['program']:.8g})",
            holds=max(abs(row[way] / known - 1.0) for way in ("value", "program")) < 2e-6,
            source="our own reference values for Pilanci and Ergen 2020",
        )
    found = values[0]["least_norm"]
    report.expect(
        "least norm of ReLU networks through the five points",
        expected=f"{LEAST_NORM:.6f}",
        found=f"{found:.6f}",
        holds=abs(found / LEAST_NORM - 1.0) < 1e-6,
        source="our own reference values for Pilanci and Ergen 2020",
    )


def expect_shares(report: Report, rows: list[Row], starts: list[Row]) -> None:
    """How many runs come within 1 %, by width."""
    for tolerance, label in STOPS.items():
        share = {row["width"]: row["within"] for row in starts if row["tolerance"] == tolerance}
        report.expect(
            f"share of L-BFGS runs from N(0,1) within 1 %, five points; {label}",
            expected="at most 0.5 at width 8 and at least 0.6 at width 50",
            found=", ".join(f"{share[width]:.2f} at width {width}" for width in share),
            holds=share[8] <= 0.5 and share[50] >= 0.6,
            source="our own reference values, 20 starts, unknown stop: 0, 0.25, 0.60, 0.75",
        )
    for optimizer, label in OPTIMIZERS.items():
        shares = [row["within"] for row in of(rows, POINTS, optimizer)]
        report.expect(
            f"share of {label} runs within 1 % by width, five points",
            expected="no fall from one width to the next, and a rise in all",
            found=", ".join(f"{each:.2f}" for each in shares),
            holds=shares == sorted(shares) and shares[-1] > shares[0],
            source="Pilanci and Ergen 2020, figure of SGD: failures fall with the width",
        )


def of(rows: list[Row], problem: str, optimizer: str) -> list[Row]:
    """The lines of one problem and optimiser, by width."""
    return [row for row in rows if (row["problem"], row["optimizer"]) == (problem, optimizer)]


def answer(report: Report, rows: list[Row]) -> None:
    """What one sees."""
    parts = []
    for problem in dict.fromkeys(row["problem"] for row in rows):
        said = [
            f"{label} {slashed(100 * row['within'] for row in of(rows, problem, key))}"
            for key, label in OPTIMIZERS.items()
        ]
        first = of(rows, problem, "sgd")
        widths = slashed(row["width"] for row in first)
        parts.append(
            f"On the {problem} (optimum {first[0]['optimum']:.6g}, with {first[0]['units']} "
            f"units) the share of runs within 1 % at widths {widths} was, in per cent: "
            f"{', '.join(said)}."
        )
    report.answer(
        "How often does gradient training reach the optimum, at what width?",
        " ".join(parts) + " " + of_width(rows) + " Without the optimum no run could tell where it "
        "stands: a curve that has flattened looks the same in both cases.",
        picture(rows),
        "widths",
    )


def answer_starts(report: Report, starts: list[Row]) -> None:
    """Whether L-BFGS is stuck, or was stopped."""
    first, last = (list(STOPS)[k] for k in (0, -1))
    by_stop = {stop: [row for row in starts if row["tolerance"] == stop] for stop in (first, last)}
    narrow = min(row["width"] for row in starts)
    rest = [row["within"] for row in by_stop[last] if row["width"] > narrow]
    said = [
        f"{slashed(100 * row['within'] for row in lines)} per cent (median evaluations "
        f"{slashed(row['evaluations'] for row in lines)})"
        for lines in by_stop.values()
    ]
    report.answer(
        "Is L-BFGS stuck on the five points, or was it stopped?",
        f"From N(0,1), at widths {slashed(row['width'] for row in by_stop[first])}, the runs "
        f"within 1 % are {said[0]} at SciPy's tolerance, and {said[1]} where only {EVALUATIONS:,} "
        f"evaluations or the end of all progress stop it. At widths above {narrow} up to "
        f"{100 * (1.0 - min(rest)):.0f} per cent of the runs still fail then; the other failures "
        "were early stops, which no curve of the loss tells from an optimum.",
        picture_of_starts(starts),
        "starts",
    )


def picture_of_starts(starts: list[Row]) -> Figure:
    """Shares by width, a curve for each tolerance."""
    with styled():
        figure = new_figure(WIDTH, 5.6)
        axes = figure.add_subplot()
        widths = list(dict.fromkeys(row["width"] for row in starts))
        for k, (stop, label) in enumerate(STOPS.items()):
            shares = [row["within"] for row in starts if row["tolerance"] == stop]
            style = {"color": COLORS[k], "marker": MARKERS[k], "linestyle": LINES[k]}
            axes.plot(range(len(widths)), shares, label=label, **style)
        axes.set_xticks(range(len(widths)), [str(width) for width in widths])
        axes.set(xlabel="width", ylabel="share of runs within 1 %", ylim=(-0.03, 1.03))
        axes.set_title("Five points, L-BFGS from N(0,1): what looks stuck may have been stopped")
        axes.legend(loc="upper left")
    return figure


def of_width(rows: list[Row]) -> str:
    """Whether the distance may belong to the width."""
    if all(row["units"] <= row["width"] for row in rows):
        return (
            "No network was too narrow for the units of the optimum, so what remains is the "
            "training's own."
        )
    return (
        "The proved optimum is that of every width: where it has more units than the network, a "
        "part of the distance may belong to the width."
    )


def slashed(numbers: Iterable[float]) -> str:
    """Whole numbers side by side."""
    return " / ".join(f"{number:.0f}" for number in numbers)


def picture(rows: list[Row]) -> Figure:
    """For each problem the ends of all runs, by width."""
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 6.2)
        panels = figure.subplots(1, len(problems), squeeze=False, sharey=True)[0]
        for axes, problem in zip(panels, problems, strict=True):
            draw_ends(axes, rows, problem)
        panels[0].set_ylabel("excess over the proved optimum")
        panels[0].legend(loc="upper right")
        note = f"Each marker is a run; one below {LEAST:g} is drawn there. Above: runs within 1 %."
        head(figure, "Where gradient training ends, by width, beside the proved optimum", [note])
    return figure


def draw_ends(axes: Axes, rows: list[Row], problem: str) -> None:
    """A column of markers for each width and optimiser, and how many are within 1 %."""
    for k, (optimizer, label) in enumerate(OPTIMIZERS.items()):
        lines = of(rows, problem, optimizer)
        for place, row in enumerate(lines):
            at = place + 0.28 * (k - 1) + np.linspace(-0.08, 0.08, len(row["excess"]))
            style = {"color": COLORS[k], "marker": MARKERS[k], "linestyle": ""}
            named = {"label": label} if place == 0 else {}
            axes.plot(
                at, np.maximum(row["excess"], LEAST), alpha=0.7, markersize=6, **style, **named
            )
            near = f"{round(row['within'] * row['seeds'])}"
            top = {"ha": "center", "fontsize": SMALL, "color": COLORS[k]}
            axes.annotate(
                near, (place + 0.28 * (k - 1), 1.0), xycoords=("data", "axes fraction"), **top
            )
    axes.axhline(CLOSE, color=GREY, linewidth=1.0)
    axes.annotate(
        "1 %", (1.0, CLOSE), xycoords=("axes fraction", "data"), color=INK, va="bottom", ha="right"
    )
    axes.set(yscale="log", xlabel="width")
    axes.set_xticks(range(len(lines)), [str(row["width"]) for row in lines])
    axes.set_title(f"{problem}: {lines[0]['seeds']} runs each", pad=22.0)

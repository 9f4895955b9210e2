"""Runs, judges and draws: see the package."""

from __future__ import annotations

import argparse
from itertools import product

import experiments.yuan2010 as about
from experiments.report import Report, Row
from experiments.yuan2010.findings import (
    REFERENCES,
    answer_curves,
    answer_growth,
    answer_times,
    expect,
    expect_references,
)
from experiments.yuan2010.measures import grown, judged, optimum, reached, reference
from experiments.yuan2010.pictures import PAIR
from experiments.yuan2010.running import run, where
from experiments.yuan2010.sets import choose
from experiments.yuan2010.solvers import LOSSES, SOLVERS

SETS = ("breast_cancer", "digits", "sparse", "digit pairs", "dense")
SERIES_SECONDS = (2.0, 0.1)
"""Of processor, after which a series of one solver ends: in full, and with --quick."""
TOLERANCES: tuple[tuple[float, ...], ...] = ((), (1e-1, 1e-4, 1e-7))
"""All powers of ten; few with --quick."""
TIGHT = 1e-8
"""Tolerance of liblinear for the optimum."""
ORDER = {"cvxnet": (1e-6, 1e-1, 1e-3, 1e-9)}
"""Where a run takes about as long whatever the tolerance, the one of most use comes first."""
SIZES = ((300, 1000, 3000), (200, 400))
"""Features of dense data that grow."""


def main(argv: list[str]) -> int:
    """Run every solver on every problem, and say who was first."""
    report = Report("yuan2010", about.__doc__, argv, more=options)
    settings = [{"C": C, "solver": solver} for C, solver in product(REFERENCES, PAIR)]
    expect_references(report, report.table("reference", reference, settings))
    points, optima, times = measure(report)
    expect(report, times, optima)
    answer_times(report, times)
    for name in report.options.sets:
        answer_curves(report, name, points, optima, times)
    sizes = SIZES[report.options.quick]
    settings = [{"d": d, "loss": loss} for loss, d in product(LOSSES, sizes)]
    answer_growth(report, report.table("growth", grown, settings))
    return report.close()


def options(parser: argparse.ArgumentParser) -> None:
    """Sets, besides what all experiments ask."""
    parser.add_argument("--sets", nargs="+", choices=SETS, metavar="SET", help=", ".join(SETS))


def measure(report: Report) -> tuple[list[Row], list[Row], list[Row]]:
    """All series of all solvers: their points, the optima, and the times to each level."""
    problems, runs = run_all(report)
    found = [(given, [row for row in runs if given.items() <= row.items()]) for given in problems]
    optima = report.table(
        "optima",
        optimum,
        [
            given | {"tolerance": TIGHT, "W": [w for row in rows for w in row.get("W", ())]}
            for given, rows in found
        ],
    )
    points = report.table("points", judged, settings_of_points(runs, optima))
    times = report.table("times", reached, settings_of_times(runs, points))
    return points, optima, times


def run_all(report: Report) -> tuple[list[Row], list[Row]]:
    """The problems, and what every solver came to on each."""
    options, quick = report.options, report.options.quick
    options.sets = options.sets or (SETS[:1] if quick else SETS)
    problems = [
        {"name": name, "loss": loss, "seed": seed}
        for name, loss, seed in product(options.sets, LOSSES, range(options.seeds))
    ]
    chosen = report.table("chosen", choose, problems)
    problems = [{key: row[key] for key in ("name", "loss", "C", "seed")} for row in chosen]
    seconds, few = SERIES_SECONDS[quick], TOLERANCES[quick]
    places = {solver: where(solver, quick) for solver in SOLVERS}
    settings = [
        given
        | {"solver": solver, "place": place, "seconds": seconds}
        | {"tolerances": few or ORDER.get(solver, ())}
        for given in problems
        for solver, place in places.items()
    ]
    return problems, report.table("runs", run, settings)


def settings_of_points(runs: list[Row], optima: list[Row]) -> list[Row]:
    """Each run of each solver, with the optimum."""
    best = {(row["name"], row["loss"], row["seed"]): row["value"] for row in optima}
    return [
        {key: row[key] for key in ("name", "loss", "C", "seed", "solver")}
        | {"tolerance": tolerance, "seconds": seconds, "w": w}
        | {"best": best[row["name"], row["loss"], row["seed"]]}
        for row in runs
        if row["points"]
        for tolerance, seconds, w in zip(row["found"], row["took"], row["W"], strict=True)
    ]


def settings_of_times(runs: list[Row], points: list[Row]) -> list[Row]:
    """Each solver on each problem, with seconds and errors of its runs."""
    settings = []
    for row in runs:
        key = {word: row[word] for word in ("name", "loss", "seed", "solver")}
        mine = [point for point in points if key.items() <= point.items()]
        took, errors = [p["seconds"] for p in mine], [p["error"] for p in mine]
        settings.append(key | {"outcome": row["outcome"], "took": took, "errors": errors})
    return settings

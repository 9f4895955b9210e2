"""How often does gradient training reach the global optimum, at what width, and at what cost?

The five points of Pilanci and Ergen 2020 (weight decay 1e-3, the setting of their figure), 30
points of the plane with the sign of the product of their coordinates and noise, and three real data
sets of two standardised features (weight decay 0.01 of the largest useful one). ReLU units with
bias. Full batch: SGD with momentum, Adam, L-BFGS; batches of 32: SGD, Adam. 20 seeds, learning
rates tuned on three other networks, excess over the optimum as cvxnet proves it; for widths with
fewer units than the exact network also over the optimum of the width. Seconds are those of the
processor.
`pilanci2020` asks the same of the five points and of planted data, in minutes.

Needs the extras torch and demo. Finished batches of runs are kept in DIR/compare/kept/records: an
interrupted experiment goes on where it ended. Each problem has a picture by `plot_runs`.

    python -m experiments compare [--quick] [--seeds 20] [--out DIR] [--jobs 1]

`--quick` takes the five points, two units and 20 epochs. In full it takes some 20 minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

import cvxnet as cn
from cvxnet.baselines.report import Runs
from cvxnet.data.tables import standardise
from cvxnet.types import Array
from experiments.clocks import processor_time
from experiments.problems import five_points
from experiments.report import Report, Row

DECAY, CLOSE, CLOSER, ROUNDING = 0.01, 1e-2, 1e-4, 1e-9
WIDTH_SECONDS = 60.0
"""For the optimum of a width."""
LABELS = {"sgd": "SGD", "adam": "Adam", "lbfgs": "L-BFGS"}
MINIBATCH = 32
BATCHES = {"full": ("sgd", "adam", "lbfgs"), str(MINIBATCH): ("sgd", "adam")}


@dataclass
class Problem:
    X: Array
    y: Array
    features: list[str]
    weight_decay: float
    loss: str = "squared"
    widths: tuple[int, ...] = (4, 16, 64)
    epochs: int = 1000


def real(loader: str, columns: list[str], target: str | None) -> Problem:
    """Two features of a data set of scikit-learn; without a target column, its two classes."""
    from sklearn import datasets

    bunch = getattr(datasets, loader)()
    names = list(bunch.feature_names)
    X = standardise(bunch.data[:, [names.index(column) for column in columns]])
    if loader == "load_breast_cancer":
        loss, y = "logistic", np.where(bunch.target == 1, 1.0, -1.0)
    else:
        values = bunch.target if target is None else bunch.data[:, names.index(target)]
        loss, y = "squared", standardise(values)
    beta = DECAY * cn.largest_weight_decay("relu", X, y, loss=loss)
    return Problem(X, y, columns, beta, loss=loss)


def signs() -> Problem:
    """Products of the signs of two coordinates: what one unit cannot tell, and few can."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = np.sign(X[:, 0] * X[:, 1]) + 0.1 * rng.standard_normal(30)
    beta = DECAY * cn.largest_weight_decay("relu", X, y)
    return Problem(X, y, ["first", "second"], beta, widths=(2, 3, 16))


def problem(name: str) -> Problem:
    """The problem of this name."""
    if name == "signs":
        return signs()
    if name == "wine":
        return real("load_wine", ["color_intensity", "proline"], "alcohol")
    if name == "diabetes":
        return real("load_diabetes", ["bmi", "s5"], None)
    if name == "breast cancer":
        columns = ["worst concave points", "worst texture"]
        return real("load_breast_cancer", columns, None)
    return Problem(*five_points(), ["x"], 1e-3, widths=(8, 15, 50), epochs=10000)


NAMES = ("five points", "signs", "wine", "diabetes", "breast cancer")


def batches(name: str) -> list[str]:
    """All samples in each step, and where there are more than 32, that many."""
    return ["full"] if len(problem(name).y) <= MINIBATCH else list(BATCHES)


def compare(
    name: str, batch: str, widths: Sequence[int], epochs: int, seeds: int, store: Path
) -> Row:
    """All runs on a problem; batches of 32 have a tenth of the epochs. What is in store is read."""
    here, full = problem(name), batch == "full"
    runs = cn.compare(
        *("relu", here.X, here.y),
        loss=here.loss,
        weight_decay=here.weight_decay,
        optimizers=BATCHES[batch],
        widths=widths,
        epochs=epochs if full else epochs // 10,
        batch_size=None if full else int(batch),
        seeds=seeds,
        width_seconds=WIDTH_SECONDS,
        store=store,
        progress=True,
    )
    return {
        "optimum": runs.solution.value,
        "gap": runs.solution.gap,
        "units": runs.solution.units,
        "exact_seconds": runs.exact_seconds,
        "runs": runs,
    }


def ended(optimizer: str, width: int, runs: Runs, **_: object) -> Row:
    """All seeds of one optimiser at one width, tuning included."""
    group = runs.group(optimizer, width)
    seconds = group.tuning_seconds + group.seconds
    return {
        "rate": group.rate,
        "at_edge": group.at_edge,
        "median": float(np.median(group.excess[:, 1])),
        "own": float(np.median(group.above_width[:, 1])),
        "close": group.within(CLOSE)[0],
        "closer": group.within(CLOSER)[0],
        "below": int((group.objective < runs.solution.lower_bound * (1.0 - ROUNDING)).sum()),
        "seconds": seconds,
        "times_exact": seconds / runs.exact_seconds,
    }


def narrow(width: int, runs: Runs, **_: object) -> Row:
    """The optimum of a width, and how far above it the best run is."""
    found = runs.width_solutions[width]
    best = min(group.objective.min() for group in runs.groups if group.width == width)
    return {
        "lower": found.lower_bound,
        "upper": found.value,
        "status": found.status,
        "part": runs.width_excess(width)[1],
        "best": float(best / found.lower_bound - 1.0),
        "hits": sum(g.within_width(CLOSER)[0] for g in runs.groups if g.width == width),
        "tried": sum(len(g.seeds) for g in runs.groups if g.width == width),
        "below": int(best < found.lower_bound * (1.0 - ROUNDING)),
        "nodes": found.stats["nodes"],
        "seconds": found.stats["seconds"] - runs.solution.stats["seconds"],
    }


def widths_of(problems: list[Row]) -> list[Row]:
    """The widths whose optimum was looked for, with the runs in full batches."""
    return [
        {"name": line["name"], "width": width, "runs": line["runs"]}
        for line in problems
        if line["batch"] == "full"
        for width in line["runs"].width_solutions
    ]


def settings(report: Report) -> list[Row]:
    """What is trained."""
    quick, found = report.options.quick, []
    for name in NAMES[:1] if quick else NAMES:
        here = problem(name)
        widths, epochs = ((2,), 20) if quick else (here.widths, here.epochs)
        common = {"epochs": epochs, "seeds": report.options.seeds}
        common["store"] = report.folder / "kept" / "records"
        found += [{"name": name, "batch": b, "widths": widths} | common for b in batches(name)]
    return found


def expect(report: Report, rows: list[Row], widths: list[Row]) -> None:
    """What is proved, and what the paper says of SGD."""
    below = sum(row["below"] for row in widths)
    report.expect(
        "best runs of a width below its proved lower bound",
        expected="none",
        found=f"{below} of {len(widths)}",
        holds=below == 0,
        source="the bracket is proved",
    )
    below, count = sum(row["below"] for row in rows), len(rows) * report.options.seeds
    report.expect(
        "runs below the proved lower bound",
        expected="none",
        found=f"{below} of {count}",
        holds=below == 0,
        source="the bracket is proved",
    )
    by_width = [
        row["close"]
        for row in rows
        if (row["name"], row["batch"], row["optimizer"]) == (NAMES[0], "full", "sgd")
    ]
    report.expect(
        "runs of SGD within 1 % by width, five points",
        expected="more, the wider the network",
        found=f"{', '.join(map(str, by_width))} of {report.options.seeds}",
        holds=by_width == sorted(by_width) and by_width[-1] > by_width[0],
        source="Pilanci and Ergen 2020, figure of SGD",
    )


def answer(report: Report, line: Row, rows: list[Row]) -> None:
    """One problem and batch size: its picture, and how often runs were close."""
    said = [
        f"{label} " + " / ".join(str(row["close"]) for row in rows if row["optimizer"] == key)
        for key, label in LABELS.items()
        if key in BATCHES[line["batch"]]
    ]
    samples = "all samples" if line["batch"] == "full" else f"{line['batch']} samples"
    cost = max(row["times_exact"] for row in rows)
    report.answer(
        f"How often is the optimum reached on {line['name']}, with {samples} a step?",
        f"Of {line['seeds']} runs each, at widths {' / '.join(map(str, line['widths']))}, these "
        f"ended within 1 % of the proved optimum {line['optimum']:.6g} ({line['units']} units): "
        f"{', '.join(said)}. Tuning and all runs of one width took up to {cost:.1f} times as "
        f"long as the exact solution with its proof. {whose(line, rows)}",
        line["runs"].plot(problem(line["name"]).features),
        f"{line['name'].replace(' ', '-')}-{line['batch']}",
    )


def whose(line: Row, rows: list[Row]) -> str:
    """How much of the median excess is the width's, where that was looked for."""
    said = []
    for width in line["runs"].width_solutions:
        least, most = line["runs"].width_excess(width)
        part = f"{most:.2%}" if most - least < CLOSER else f"between {least:.2%} and {most:.2%}"
        own = (
            f"{LABELS[row['optimizer']]} {row['own']:.2%}" for row in rows if row["width"] == width
        )
        said.append(
            f"The optimum of width {width} is {part} above that of every width: that is the width's"
            f" part. Above the optimum of the width is the median run of {', '.join(own)}."
        )
    return " ".join(said)


def main(argv: list[str]) -> int:
    """Train everything, and draw each problem."""
    report = Report(
        "compare",
        __doc__,
        argv,
        seeds=(20, 2),
        more=lambda parser: parser.add_argument("--jobs", type=int, default=1),
    )
    warm = problem(NAMES[0])
    cn.train("relu", warm.X, warm.y, weight_decay=0.1)  # compiles
    with joblib.parallel_config(n_jobs=report.options.jobs), processor_time():
        problems = report.table("problems", compare, settings(report))
    each = [
        {"name": line["name"], "batch": line["batch"], "optimizer": optimizer, "width": width}
        | {"runs": line["runs"]}
        for line in problems
        for optimizer in BATCHES[line["batch"]]
        for width in line["widths"]
    ]
    rows = report.table("runs", ended, each)
    widths = report.table("widths", narrow, widths_of(problems))
    expect(report, rows, widths)
    for line in problems:
        answer(report, line, [row for row in rows if row["runs"] is line["runs"]])
    return report.close()

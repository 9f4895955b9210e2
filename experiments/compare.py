"""How often does gradient training reach the global optimum, at what width, and at what cost?

The five points of Pilanci and Ergen 2020 (weight decay 1e-3, the setting of their figure), and
three real data sets of two standardised features (weight decay 0.01 of the largest useful one).
ReLU units with bias. Full batch: SGD with momentum, Adam, L-BFGS; batches of 32: SGD, Adam.
20 seeds, learning rates tuned on three other networks, excess over the optimum as cvxnet proves it.

Needs the extras torch and demo. Finished runs are kept in FOLDER/records: an interrupted
experiment goes on where it ended.

    python -m experiments compare [--quick] [--jobs 1] [--out compare-out]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np

import cvxnet as cn
from cvxnet.data.tables import standardise
from cvxnet.plots import save_figure

DECAY = 0.01


@dataclass
class Problem:
    name: str
    X: np.ndarray
    y: np.ndarray
    features: list[str]
    weight_decay: float
    loss: str = "squared"
    widths: tuple[int, ...] = (4, 16, 64)
    epochs: int = 1000


def five_points() -> Problem:
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return Problem("five points", X, y, ["x"], 1e-3, widths=(8, 15, 50), epochs=10000)


def real(name: str, loader: str, columns: list[str], target: str | None) -> Problem:
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
    return Problem(name, X, y, columns, beta, loss=loss)


def problems() -> Iterator[Problem]:
    yield five_points()
    yield real("wine", "load_wine", ["color_intensity", "proline"], "alcohol")
    yield real("diabetes", "load_diabetes", ["bmi", "s5"], None)
    yield real(
        "breast cancer", "load_breast_cancer", ["worst concave points", "worst texture"], None
    )


def quick(problem: Problem) -> Problem:
    """Smaller, in place."""
    problem.X, problem.y = problem.X[:20], problem.y[:20]
    problem.epochs, problem.widths = 20, problem.widths[:1]
    return problem


def compare(problem: Problem, out: Path, seeds: int) -> Iterator[tuple[str, Any]]:
    """Full batches, and where there is more than one, batches of 32 with a tenth of the epochs."""
    common = {"loss": problem.loss, "weight_decay": problem.weight_decay, "seeds": seeds}
    common |= {"widths": problem.widths, "store": out / "records", "progress": True}
    yield (
        "full",
        cn.compare("relu", problem.X, problem.y, epochs=problem.epochs, **common),
    )
    if len(problem.y) > 32:
        yield (
            "32",
            cn.compare(
                *("relu", problem.X, problem.y),
                optimizers=("sgd", "adam"),
                batch_size=32,
                epochs=problem.epochs // 10,
                **common,
            ),
        )


HEADER = """| data | exact | optimiser | batch | width | rate | median | 1e-2 | 1e-4 | s | x exact |
|---|---|---|---|---|---|---|---|---|---|---|"""


def lines(problem: Problem, batch: str, runs: Any) -> Iterator[str]:
    """One line of the table for each optimiser and width."""
    exact = f"{runs.exact_seconds:.2f} s, gap {runs.solution.gap:.0e}"
    for group in runs.groups:
        total, n = group.tuning_seconds + group.seconds, len(group.seeds)
        rate = "" if group.rate is None else f"{group.rate:.1e}{'*' * group.at_edge}"
        yield (
            f"| {problem.name} | {exact} | {group.optimizer} | {batch} | {group.width} | {rate} | "
            f"{np.median(group.excess[:, 1]):.1e} | {group.within(1e-2)[0]}/{n} | "
            f"{group.within(1e-4)[0]}/{n} | "
            f"{total:.0f} | {total / runs.exact_seconds:.0f} |"
        )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="two sets, 20 samples, 20 epochs, 2 seeds"
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("compare-out"))
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    warm = five_points()
    cn.train("relu", warm.X, warm.y, weight_decay=0.1)  # compiles
    table = [HEADER]
    for problem in map(quick, [five_points()]) if options.quick else problems():
        with joblib.parallel_config(n_jobs=options.jobs):
            for batch, runs in compare(problem, options.out, 2 if options.quick else 20):
                name = f"{problem.name.replace(' ', '-')}-{batch}"
                print(f"\n{problem.name}, batch {batch}\n{runs}", flush=True)
                runs.to_csv(options.out / f"{name}.csv")
                runs.to_json(options.out / f"{name}.json")
                save_figure(runs.plot(problem.features), options.out / f"{name}.png")
                table += lines(problem, batch, runs)
    (options.out / "table.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))

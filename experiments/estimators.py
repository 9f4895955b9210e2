"""How do the estimators score beside scikit-learn's, and how long do they take?

Default estimators behind a StandardScaler, in repeated cross-validation (stratified for classes):
the mean score (accuracy, or R^2) with its standard error over the repetitions, and the mean seconds
of the processor that one fit takes, all side by side in one run. Time limits, too, are of the
processor. "cvxnet cv" has chosen the weight
decay by cross-validation within each fit.

    python -m experiments estimators [--quick] [--seeds 1] [--out DIR] [--folds 5] [--seconds 2]
                                     [--sets iris ...] [--models cvxnet ...]

``--seeds`` says how often the samples are dealt out. All sets are bundled with scikit-learn, or
made by it with a fixed seed: friedman (300 samples, 10 features of which 5 count, noise 1), moons
(300 samples, noise 0.3), and linnerud, which has three targets. The parts of a cross-validation
share most of their samples, so standard errors say less than they seem to; what has its weight
decay chosen alike, and is compared split by split, is in ``experiments/worth``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

import cvxnet as cn
from cvxnet.plots.style import WIDTH, head, new_figure, styled
from experiments.charts import dots
from experiments.clocks import processor_time
from experiments.problems import CLASSES, NUMBERS, data_set, has_classes
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODELS = ("cvxnet", "cvxnet cv", "MLP", "HistGradientBoosting", "RandomForest", "SVM", "linear")
FURTHEST = 0.25
"""Scores further behind the best of a set are drawn there."""


def classifiers(seconds: float) -> dict[str, Any]:
    """All of them with their defaults, ours with a time limit."""
    return {
        "cvxnet": cn.ConvexNetClassifier(time_limit=seconds),
        "cvxnet cv": cn.ConvexNetClassifier(weight_decay="cv", time_limit=seconds),
        "MLP": MLPClassifier(random_state=0),
        "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0),
        "RandomForest": RandomForestClassifier(random_state=0),
        "SVM": SVC(),
        "linear": LogisticRegression(),
    }


def regressors(seconds: float) -> dict[str, Any]:
    """The same for numbers; an MLP has its targets standardised by whoever calls it."""
    return {
        "cvxnet": cn.ConvexNetRegressor(time_limit=seconds),
        "cvxnet cv": cn.ConvexNetRegressor(weight_decay="cv", time_limit=seconds),
        "MLP": MLPRegressor(random_state=0),
        "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
        "RandomForest": RandomForestRegressor(random_state=0),
        "SVM": SVR(),
        "linear": Ridge(),
    }


def able(model: Any, several: bool) -> Any:
    """The model, one for each target where it has a single one."""
    single = isinstance(model, SVR | HistGradientBoostingRegressor)
    return MultiOutputRegressor(model) if several and single else model


def scored(model: Any, X: np.ndarray, y: np.ndarray, parts: list[Any]) -> tuple[list[float], float]:
    """Scores on the held-out parts, and processor seconds of a fit."""
    scores, begin = [], time.process_time()
    for seen, held in parts:
        pipe = make_pipeline(StandardScaler(), model).fit(X[seen], y[seen])
        scores.append(pipe.score(X[held], y[held]))
    return scores, (time.process_time() - begin) / len(parts)


def measure(name: str, model: str, folds: int, repeats: int, limit: float) -> Row:
    """One model on one set: mean score, its standard error, processor seconds of a fit."""
    X, y = data_set(name)
    classes = has_classes(name)
    if not classes:  # in standard deviations: MLPs and SVMs need that, and no score changes
        y = (y - y.mean(axis=0)) / y.std(axis=0)
    dealt = RepeatedStratifiedKFold if classes else RepeatedKFold
    parts = list(dealt(n_splits=folds, n_repeats=repeats, random_state=0).split(X, y))
    made = (classifiers if classes else regressors)(limit)[model]
    with threadpool_limits(1), processor_time(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores, took = scored(able(made, y.ndim == 2), X, y, parts)
    error = np.std(scores) / np.sqrt(len(scores))
    return {"score": float(np.mean(scores)), "error": float(error), "seconds": took}


def warm_up() -> None:
    """Kernels are compiled, or loaded, by whoever comes first."""
    X, y = datasets.make_moons(20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        cn.ConvexNetClassifier(time_limit=1.0).fit(X, y)
        cn.ConvexNetClassifier(loss="cross_entropy", time_limit=1.0).fit(X, y)


def options_of(parser: argparse.ArgumentParser) -> None:
    """Which sets and models, in how many parts, for how long."""
    parser.add_argument("--sets", nargs="+", choices=[*CLASSES, *NUMBERS])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--folds", type=int)
    parser.add_argument("--seconds", type=float, help="time limit of ours")


def settings_of(options: argparse.Namespace) -> list[Row]:
    """All sets with all models; with ``--quick`` one small set in two parts."""
    usual = (["linnerud"], 2, 0.3) if options.quick else ([*CLASSES, *NUMBERS], 5, 2.0)
    given = (options.sets, options.folds, options.seconds)
    sets, folds, limit = (one or other for one, other in zip(given, usual, strict=True))
    same = {"folds": folds, "repeats": options.seeds, "limit": limit}
    return [{"name": name, "model": model, **same} for name in sets for model in options.models]


def picture(rows: list[Row]) -> Figure:
    """How far behind the best each model is, with standard errors, and seconds."""
    best, cells = best_scores(rows), {(row["name"], row["model"]): row for row in rows}
    models = list(dict.fromkeys(row["model"] for row in rows))

    def behind(name: str, model: str) -> float:
        return min(best[name] - cells[name, model]["score"], FURTHEST)

    def error(name: str, model: str) -> float:
        return cells[name, model]["error"] if behind(name, model) < FURTHEST else 0.0

    with styled():
        figure = new_figure(WIDTH, 7.0)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        dots(left, list(best), models, behind, error)
        dots(right, list(best), models, lambda *cell: cells[cell]["seconds"])
        left.set(
            xlabel=f"behind the best mean of the set ({FURTHEST:g}: so far or further)",
            xlim=(1.06 * FURTHEST, -0.1 * FURTHEST),
        )
        right.set(xlabel="processor seconds of a fit", xscale="log")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=7)
        head(figure, "Default estimators: accuracy or R² on held-out samples, and what a fit takes")
    return figure


def best_scores(rows: list[Row]) -> dict[str, float]:
    """The best mean score of each set."""
    sets = dict.fromkeys(row["name"] for row in rows)
    return {name: max(row["score"] for row in rows if row["name"] == name) for name in sets}


def summary(rows: list[Row]) -> str:
    """Who has the best mean where, and the middle time of each."""
    best = best_scores(rows)
    leaders = {
        name: [r["model"] for r in rows if r["name"] == name and r["score"] == best[name]]
        for name in best
    }
    led = "; ".join(f"{name}: {' and '.join(models)}" for name, models in leaders.items())
    times = ", ".join(
        f"{model} {np.median([row['seconds'] for row in rows if row['model'] == model]):.2g}"
        for model in dict.fromkeys(row["model"] for row in rows)
    )
    return (
        f"The best mean score had, by set: {led}. A difference that is no larger than the standard "
        f"errors in the picture tells nothing. Median processor seconds of a fit: {times}."
    )


def check_claims(report: Report, rows: list[Row]) -> None:
    """What an earlier run said, where the sets and models are there."""
    best = best_scores(rows)
    scores = {(row["name"], row["model"]): row["score"] for row in rows}
    for name in ("friedman", "diabetes", "linnerud"):
        ours, linear = scores.get((name, "cvxnet")), scores.get((name, "linear"))
        if ours is None or linear is None:
            continue
        behind = name == "linnerud"
        report.expect(
            f"cvxnet on {name}",
            expected="behind a linear model" if behind else "the best mean, or within 0.01 of it",
            found=f"R² {ours:.3f}, linear {linear:.3f}, best {best[name]:.3f}",
            holds=ours < linear if behind else ours >= best[name] - 0.01,
            source="an earlier run, three folds",
        )


def main(argv: list[str]) -> int:
    """Score every model on every set."""
    report = Report("estimators", __doc__, argv, seeds=(1, 1), more=options_of)
    with threadpool_limits(1):
        warm_up()
    rows = report.table("scores", measure, settings_of(report.options))
    check_claims(report, rows)
    report.answer(
        "How do the estimators score beside scikit-learn's, and how long do they take?",
        summary(rows),
        picture(rows),
        "scores",
    )
    return report.close()

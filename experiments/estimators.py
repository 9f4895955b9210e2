"""The estimators beside scikit-learn's: scores on held-out parts of eight sets, and seconds.

Default estimators behind a StandardScaler, in repeated cross-validation (stratified for classes):
the mean score (accuracy, or R^2) with its standard error over the repetitions, and the mean seconds
of the processor that one fit takes, all side by side in one run. "cv" has chosen the weight decay
by cross-validation within each fit.

    python -m experiments estimators [--quick] [--sets iris ...] [--models cvxnet ...]
                                    [--repeats 2] [--folds 5]

All sets are bundled with scikit-learn, or made by it with a fixed seed: friedman (300 samples, 10
features of which 5 count, noise 1), moons (300 samples, noise 0.3), and linnerud, which has three
targets.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

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

CLASSES: dict[str, Callable[[], Any]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast_cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "moons": lambda: datasets.make_moons(300, noise=0.3, random_state=0),
}
NUMBERS: dict[str, Callable[[], Any]] = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "friedman": lambda: datasets.make_friedman1(300, noise=1.0, random_state=0),
    "linnerud": lambda: datasets.load_linnerud(return_X_y=True),
}


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


def show(name: str, options: argparse.Namespace) -> None:
    """A line for each model."""
    numbers = name in NUMBERS
    X, y = (NUMBERS | CLASSES)[name]()
    if numbers:  # in standard deviations: MLPs and SVMs need that, and no score changes
        y = (y - y.mean(axis=0)) / y.std(axis=0)
    dealt = RepeatedKFold if numbers else RepeatedStratifiedKFold
    split = dealt(n_splits=options.folds, n_repeats=options.repeats, random_state=0)
    parts = list(split.split(X, y))
    models = (regressors if numbers else classifiers)(options.seconds)
    for kind, model in models.items():
        if options.models and kind not in options.models:
            continue
        scores, took = scored(able(model, y.ndim == 2), X, y, parts)
        error = np.std(scores) / np.sqrt(len(scores))
        print(f"{name:14} {kind:21} {np.mean(scores):8.3f} +- {error:.3f} {took:8.2f}", flush=True)


def warm_up() -> None:
    """Kernels are compiled, or loaded, by whoever comes first."""
    X, y = datasets.make_moons(20, random_state=0)
    cn.ConvexNetClassifier(time_limit=1.0).fit(X, y)
    cn.ConvexNetClassifier(loss="cross_entropy", time_limit=1.0).fit(X, y)


def main(argv: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one small set, two folds")
    parser.add_argument("--sets", nargs="+", default=[*CLASSES, *NUMBERS])
    parser.add_argument("--models", nargs="+", help="only these, by the names in the table")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="time limit of ours")
    options = parser.parse_args(argv)
    if options.quick:
        options.sets, options.repeats, options.folds, options.seconds = ["linnerud"], 1, 2, 1.0
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("set            model                    score +- error   seconds")
    with threadpool_limits(1):
        warm_up()
        for name in options.sets:
            show(name, options)

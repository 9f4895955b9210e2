"""The methods: each fits some data with each of six candidates, from strong to weak.

Candidates of networks are weight decays, the same for all of them (scikit-learn's ``alpha`` is the
decay of the sum over the samples, too; it leaves hidden biases free); of a linear model penalties,
of boosting numbers of trees.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

import cvxnet as cn
from experiments.worth.gradients import RULES, Job, descend, rule_of
from experiments.worth.samples import Data, Split, error_of, loss_of

SHARES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Candidates of networks, of the largest useful weight decay: those that cvxnet's "cv" tries."""
PENALTIES = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
"""Candidates of linear models, times the number of samples."""
TREES = (5, 10, 20, 40, 80, 160)
"""Candidates of boosting: of depth 3, learning rate 0.1, as scikit-learn has them."""
GAP = 1e-4
"""A bracket is closed where its relative gap is at most this."""
BRIEF = 0.5
"""Seconds of a network that only chooses the weight decay; nothing is proved of it."""
FEWER = 3
"""To be quick, every third candidate is tried."""
TINY = 1e-12

Predictor = Callable[[np.ndarray], np.ndarray]
"""Logarithms of probabilities, (n, classes), or numbers, (n,) or (n, c)."""


def largest_decay(data: Data) -> float:
    """The largest useful weight decay of a sample."""
    loss: Any = data.loss
    largest = cn.largest_weight_decay("relu", data.X, data.y, loss=loss, output_bias=True)
    return largest / len(data.y)


def log_chances(scores: np.ndarray) -> np.ndarray:
    """Of the classes, from one score or from one for each class."""
    if scores.shape[1] == 1:
        return np.hstack([log_expit(-scores), log_expit(scores)])
    return np.asarray(log_softmax(scores, axis=1))


def predictor_of(network: Callable[[np.ndarray], np.ndarray], data: Data) -> Predictor:
    """What a network of scores says."""
    if data.loss == "squared":
        return lambda X: np.asarray(network(X))
    return lambda X: log_chances(np.asarray(network(X)))


def optimum_of(data: Data, decay: float, seconds: float, proof: float = 1.0) -> Any:
    """The fitted estimator: network, bracket and certificate."""
    kind = cn.ConvexNetRegressor if data.loss == "squared" else cn.ConvexNetClassifier
    model = kind(weight_decay=decay, time_limit=seconds, proof=proof, gap=GAP)
    return quietly(model, data)


def quietly(model: Any, data: Data) -> Any:
    """Fitted, without a word about brackets that did not close, or training that was too short."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(data.X, data.y)


def said_by(model: Any, data: Data) -> Predictor:
    """What a fitted estimator says, as any `Predictor`."""
    if data.loss == "squared":
        return lambda X: np.asarray(model.predict(X))
    return lambda X: np.log(np.maximum(model.predict_proba(X), TINY))


def optima(data: Data, decays: Sequence[float], seed: int) -> list[Predictor]:
    """Networks of local search, in little time."""
    models = [optimum_of(data, decay * len(data.y), BRIEF, proof=0.0) for decay in decays]
    return [predictor_of(model.network_, data) for model in models]


def by_mlp(data: Data, decays: Sequence[float], seed: int) -> list[Predictor]:
    """scikit-learn's, with its defaults: Adam, 100 units, at most 200 epochs."""
    kind = MLPRegressor if data.loss == "squared" else MLPClassifier
    return [
        said_by(quietly(kind(alpha=decay * len(data.y), random_state=seed), data), data)
        for decay in decays
    ]


def by_boosting(data: Data, trees: Sequence[int], seed: int) -> list[Predictor]:
    """Fitted once with the most trees; what fewer of them say are its stages."""
    if data.y.ndim == 2:
        models = [
            GradientBoostingRegressor(n_estimators=count, random_state=seed) for count in trees
        ]
        return [said_by(MultiOutputRegressor(model).fit(data.X, data.y), data) for model in models]
    numbers = data.loss == "squared"
    kind = GradientBoostingRegressor if numbers else GradientBoostingClassifier
    model = kind(n_estimators=max(trees), random_state=seed).fit(data.X, data.y)

    def at(count: int) -> Predictor:
        def say(X: np.ndarray) -> np.ndarray:
            stages = model.staged_predict(X) if numbers else model.staged_predict_proba(X)
            said = [stage.copy() for _, stage in zip(range(count), stages, strict=False)][-1]
            return said if numbers else np.log(np.maximum(said, TINY))

        return say

    return [at(count) for count in trees]


def by_linear(data: Data, penalties: Sequence[float], seed: int) -> list[Predictor]:
    """Ridge or logistic regression."""
    alphas = [penalty * len(data.y) for penalty in penalties]
    models = [
        Ridge(alpha=alpha)
        if data.loss == "squared"
        else LogisticRegression(C=1 / alpha, max_iter=1000)
        for alpha in alphas
    ]
    return [said_by(quietly(model, data), data) for model in models]


Fit = Callable[[Data, Sequence[Any], int], list[Predictor]]
"""From data, candidates and a seed a predictor for each candidate."""
OPTIMUM = "optimum"
FITS: dict[str, Fit] = {
    OPTIMUM: optima,
    "MLP": by_mlp,
    "boosting": by_boosting,
    "linear": by_linear,
}
METHODS = (OPTIMUM, *RULES, "MLP", "boosting", "linear")


def fit_all(
    method: str, tasks: Sequence[tuple[Data, Sequence[Any], int]], quick: bool
) -> list[list[Predictor]]:
    """A predictor for each candidate of each task; torch trains all of them at once."""
    if method not in RULES:
        return [FITS[method](*task) for task in tasks]
    jobs = [
        Job(data, decay * len(data.y), seed) for data, decays, seed in tasks for decay in decays
    ]
    ends = iter(descend(rule_of(method, quick), jobs))
    return [[predictor_of(next(ends).network, data) for _ in decays] for data, decays, _ in tasks]


def candidates_of(method: str, data: Data) -> list[float]:
    """What is tried: by the sample, where it grows with the samples."""
    if method in ("boosting", "linear"):
        return list(TREES if method == "boosting" else PENALTIES)
    largest = largest_decay(data)
    return [share * largest for share in SHARES]


def choose(
    method: str, splits: Sequence[Split], seeds: Sequence[int], quick: bool
) -> list[tuple[int, Any]]:
    """Of each split the candidate with the lowest loss on the held-out part; its number, too.

    Of equal ones it is the strongest. To be quick, some are tried.
    """
    every = FEWER if quick else 1
    candidates = [candidates_of(method, split.train)[::every] for split in splits]
    tasks = [(split.fit, *one) for split, *one in zip(splits, candidates, seeds, strict=True)]
    found = []
    for split, tried, predictors in zip(
        splits, candidates, fit_all(method, tasks, quick), strict=True
    ):
        losses = [loss_of(predict(split.held.X), split.held) for predict in predictors]
        found.append((int(np.argmin(losses)), tried[int(np.argmin(losses))]))
    return found


def scores_of(predict: Predictor, data: Data) -> dict[str, float]:
    """Error and loss on test samples."""
    said = predict(data.X)
    return {"error": error_of(said, data), "test_loss": loss_of(said, data)}

"""Estimators for scikit-learn that choose the weight decay by cross-validation on whole paths.

For each fold a path of networks is trained, which has one for every weight decay; the mean score
over the folds changes only where one of them goes on to its next network. So there is a weight
decay to try for each interval in between, and no other one that could be better is left out.
"""

from __future__ import annotations

from copy import copy
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from cvxnet.errors import InputError
from cvxnet.interop.estimator_base import Fit, merge_rows, one_or_all, without_weightless
from cvxnet.interop.estimators import ConvexNetClassifier, ConvexNetRegressor
from cvxnet.layers import Sequential
from cvxnet.losses import Loss, Weighted
from cvxnet.objective import Budget, Objective
from cvxnet.optional import import_sklearn
from cvxnet.training.path.course import Course, check_share, course_of, decays_between
from cvxnet.training.paths import Path, follow, train_on
from cvxnet.training.trainer import largest_useful, solve
from cvxnet.types import Array

base: Any = import_sklearn("base")
metrics = import_sklearn("metrics")
model_selection = import_sklearn("model_selection")


@dataclass(frozen=True)
class Choice:
    """The weight decay that cross-validation has chosen, and all that it has tried."""

    weight_decay: float
    weight_decays: Array
    scores: Array
    path: Path | None


@dataclass(frozen=True)
class Samples:
    """What one network is trained on; with ``labels`` their numbers stand in y."""

    X: Array
    y: Any
    weights: Array
    loss: Loss
    labels: NDArray[Any] | None

    def part(self, rows: NDArray[np.intp]) -> Samples:
        """Some of them."""
        return replace(self, X=self.X[rows], y=self.y[rows], weights=self.weights[rows])

    def loss_of(self, network: Sequential) -> float:
        """The mean loss of the predictions of a network."""
        f, y = np.asarray(network(self.X)), self.y
        if self.labels is not None:
            y = np.eye(len(self.labels))[y.astype(int)]
        total = Weighted(self.loss, self.weights).value(f.reshape(y.shape), y)
        return float(total / self.weights.sum())


@dataclass(eq=False, repr=False)
class ChosenOnPath:
    """What both estimators add to those with a given weight decay."""

    _: KW_ONLY
    weight_decay: Any = field(init=False, default=None)
    width: Any = field(init=False, default=None)
    path_gap: float = 0.01
    smallest: float = 0.01
    cv: Any = None
    scoring: Any = None
    n_jobs: int | None = None
    time_limit: float | None = 20.0

    def _used(self: Any, X: Array, y: Any, weights: Array) -> tuple[Array, Any, Array]:
        """What is trained on; folds are those of all samples, as whoever says them counts all."""
        used, classes = weights > 0.0, base.is_classifier(self)
        place = np.cumsum(used) - 1
        splitter = model_selection.check_cv(self.cv, y, classifier=classes)
        split = [[place[rows[used[rows]]] for rows in fold] for fold in splitter.split(X, y)]
        self._folds = [(train, test) for train, test in split if len(train) and len(test)]
        return without_weightless(X, y, weights)

    def _train(
        self: Any, X: Array, y: Any, weights: Array, loss: Loss, labels: NDArray[Any] | None = None
    ) -> Fit:
        """One network, at the weight decay that is best on held-out samples."""
        check_share(self.smallest)
        if self.scoring is not None:
            metrics.check_scoring(self, self.scoring)
        samples = Samples(X, y, weights, loss, labels)
        budget = Budget(
            gap=self.path_gap,
            solver=self.solver,
            time_limit=self.time_limit,
            proof=self.proof,
        )
        last = replace(budget, gap=self.gap)
        objective = self._objective_of(samples)
        largest = largest_useful(objective)
        if not largest:  # free weights fit as well as all do, whatever the weight decay
            nothing = Choice(1.0, np.array([1.0]), np.zeros((1, 0)), None)
            return Fit(solve(objective, last), choice=nothing)
        decays, scores = self._scored(samples, budget, largest)
        best = float(decays[np.argmax(scores.mean(axis=1))])
        path = follow(objective, budget, largest, self.smallest)
        return Fit(train_on(path, best, last), choice=Choice(best, decays, scores, path))

    def _scored(self: Any, samples: Samples, budget: Budget, largest: float) -> tuple[Array, Array]:
        """All weight decays that there are to be tried, and the score of each in each fold."""
        smallest = check_share(self.smallest) * largest
        folds = self._folds
        parts = [samples.part(train) for train, _ in folds]
        for part in parts:
            self._check_part(part, samples)
        shares = [float(part.weights.sum() / samples.weights.sum()) for part in parts]
        courses: list[Course] = Parallel(n_jobs=self.n_jobs)(
            delayed(course_of)(self._objective_of(part), budget, largest, smallest, share)
            for part, share in zip(parts, shares, strict=True)
        )
        decays = decays_between(courses, largest, smallest)
        scores = np.empty((len(decays), len(folds)))
        for k, (course, (_, test)) in enumerate(zip(courses, folds, strict=True)):
            held_out = samples.part(test)
            each = [self._score_of(network, held_out) for network in course.networks]
            scores[:, k] = [each[course.number(decay)] for decay in decays]
        return decays, scores

    def _check_part(self, part: Samples, samples: Samples) -> None:
        """InputError where a class is missing in what a fold is trained on."""
        if base.is_classifier(self) and len(np.unique(part.y)) < len(np.unique(samples.y)):
            raise InputError(
                "a class has so few samples that all of them are held out at once: take fewer "
                "folds (cv), or leave that class out."
            )

    def _objective_of(self: Any, samples: Samples) -> Objective:
        """What is minimised, at the weight decay 1, to be replaced."""
        rows = merge_rows(samples.X, samples.y, samples.weights)
        objective: Objective = self._objective(*rows, samples.loss, samples.labels)
        return replace(objective, weight_decay=1.0)

    def _score_of(self: Any, network: Sequential, held_out: Samples) -> float:
        """Minus the mean loss, or what ``scoring`` makes of the network: larger is better."""
        if self.scoring is None:
            return -held_out.loss_of(network)
        model, y = copy(self), held_out.y
        model.network_ = network
        if base.is_classifier(self):
            model.classes_ = self._classes_of(held_out)
            y = model.classes_[(y > 0.0 if held_out.labels is None else y).astype(int)]
        return float(metrics.check_scoring(model, self.scoring)(model, held_out.X, y))

    def _classes_of(self: Any, samples: Samples) -> NDArray[Any]:
        """The labels that one network tells apart: False and True for a class and the rest."""
        if samples.labels is not None:
            return samples.labels
        return np.array([False, True]) if len(self.classes_) > 2 else np.asarray(self.classes_)

    def _keep(self, fits: list[Fit]) -> Self:
        """The fitted attributes, and those of the choice."""
        super()._keep(fits)  # type: ignore[misc]
        for name in ("selection_", "_folds"):
            vars(self).pop(name)
        choices = [fit.choice for fit in fits]
        self.weight_decay_ = one_or_all([choice.weight_decay for choice in choices])
        self.weight_decays_ = one_or_all([choice.weight_decays for choice in choices])
        self.scores_ = one_or_all([choice.scores for choice in choices])
        self.path_ = one_or_all([choice.path for choice in choices])
        return self


@dataclass(eq=False, repr=False)
class ConvexNetRegressorCV(ChosenOnPath, ConvexNetRegressor):
    """Regression by a two-layer network, its weight decay chosen by cross-validation on a path.

    In each fold `cvxnet.path` has a network for every weight decay, not for those of a grid alone.
    The one with the best mean score on held-out samples is taken, and a network is trained there to
    the global optimum, as `ConvexNetRegressor` does.

    Parameters
    ----------
    activation, loss, norm, bias, output_bias, skip, output_weights, gap, proof, solver
        As in `ConvexNetRegressor`.
    path_gap : float
        How near to the optimum the networks of paths are, for every weight decay: their relative
        gap. A wider one takes fewer trainings.
    smallest : float
        The smallest weight decay to try, as a share of the largest useful one.
    cv : int, splitter or iterable, optional
        As everywhere in scikit-learn; by default five folds.
    scoring : str or callable, optional
        As everywhere in scikit-learn; by default minus the mean loss of a held-out sample.
    n_jobs : int, optional
        Folds trained at the same time, by joblib: ``joblib.parallel_config("dask")`` moves them to
        a cluster.
    time_limit : float or None
        Seconds for each path, and again for the last training. With None choice and network do not
        depend on how busy the machine is, nor on ``n_jobs``; only whether there is time to check
        their proof.

    Attributes
    ----------
    weight_decay_ : float
        The one chosen.
    weight_decays_ : (k,) array
        One for each interval in which no fold changes its network, from the largest down.
    scores_ : (k, folds) array
        Of each weight decay in each fold; larger is better.
    path_ : Path or None
        The path on all samples, with its proof; None where hidden units are of no use.
    solution_, network_, certificate_, n_iter_, n_features_in_, feature_names_in_
        As in `ConvexNetRegressor`, at the weight decay chosen.

    See Also
    --------
    path : A path alone.
    ConvexNetRegressor : The same at a given weight decay.

    Notes
    -----
    Of a part of the samples the weight decay is smaller in proportion to their weight, so that loss
    and penalty keep their balance.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 21).reshape(-1, 1)
    >>> model = ConvexNetRegressorCV("relu", path_gap=0.1, cv=3).fit(X, np.abs(X[:, 0]))
    >>> model.solution_.status, model.scores_.shape == (len(model.weight_decays_), 3)
    ('optimal', True)
    """


@dataclass(eq=False, repr=False, kw_only=True)
class ConvexNetClassifierCV(ChosenOnPath, ConvexNetClassifier):
    """Classification by a two-layer network, its weight decay chosen on a path.

    As `ConvexNetRegressorCV`, with folds that have their share of each class.

    Parameters
    ----------
    activation, loss, multi_class, class_weight
        As in `ConvexNetClassifier`.
    norm, bias, output_bias, skip, output_weights, gap, proof, solver
        As in `ConvexNetRegressor`.
    path_gap, smallest, cv, scoring, n_jobs, time_limit
        As in `ConvexNetRegressorCV`; with one network for each class, each is scored by how it
        tells that class from the rest.

    Attributes
    ----------
    classes_ : array
        The labels, sorted.
    weight_decay_, weight_decays_, scores_, path_ : float, array, array, Path
        As in `ConvexNetRegressorCV`; with one network for each class, lists.
    solution_, network_, certificate_ : Solution, Sequential, Certificate
        As in `ConvexNetClassifier`, at the weight decay chosen.

    See Also
    --------
    path : A path alone.
    ConvexNetClassifier : The same at a given weight decay.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> model = ConvexNetClassifierCV("relu", path_gap=0.1, cv=2, scoring="accuracy")
    >>> model.fit(X, np.abs(X[:, 0]) > 0.5).predict([[0.0], [0.9]]).tolist()
    [False, True]
    """

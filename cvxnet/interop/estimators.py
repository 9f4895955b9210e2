"""Estimators for scikit-learn: convex networks in pipelines, grid searches and cross-validation.

scikit-learn is loaded when somebody asks for `ConvexNetRegressor` or `ConvexNetClassifier`.
"""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from cvxnet.data.validation import check_labels, remarks
from cvxnet.errors import InputError
from cvxnet.losses import Loss, get_loss
from cvxnet.objective import Budget, Family, Form, Objective
from cvxnet.optional import import_sklearn
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_useful, solve
from cvxnet.types import Array

base: Any = import_sklearn("base")
class_weights = import_sklearn("utils.class_weight")
exceptions = import_sklearn("exceptions")
metaestimators = import_sklearn("utils.metaestimators")
multiclass = import_sklearn("utils.multiclass")
validation = import_sklearn("utils.validation", "validate_data")

SHARE = 0.1
"""Of the largest useful weight decay: what is taken where none is given."""
SOFTMAX, OVR = "softmax", "ovr"
"""What `ConvexNetClassifier` does with more than two classes."""


def validated(model: Any, **data: Any) -> Any:
    """What scikit-learn makes of the data, and its refusals; it converts without looking."""
    try:
        return validation.validate_data(model, dtype=np.float64, **data)
    except OverflowError as error:
        raise InputError(
            f"the data cannot be read as numbers ({error}): a whole number in them is beyond the "
            "range of doubles, 1.8e308."
        ) from None


def merge_rows(X: Array, y: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Equal samples as one with the sum of their weights, in an order of their own.

    X (n, d), y (n,) or (n, c), weights (n,). The objective is the same. So repeating a sample is
    exactly the same as doubling its weight, and the order of the samples makes no difference.

    Examples
    --------
    >>> X, y, weights = merge_rows(np.array([[2.0], [1.0], [2.0]]), np.ones(3), np.ones(3))
    >>> X.ravel().tolist(), weights.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    rows, where = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    together = np.bincount(where.ravel(), weights).astype(np.float64)
    X, y = rows[:, : X.shape[1]], rows[:, X.shape[1] :].reshape(-1, *y.shape[1:])
    return X, y, together


@dataclass(eq=False, repr=False)
class ConvexNet(base.BaseEstimator):
    """What the two estimators share: the parameters of `cvxnet.train`, data in and scores out.

    The fields are the parameters: scikit-learn finds them in the signature that they make.
    """

    activation: Any = "relu"
    _: KW_ONLY
    weight_decay: float | None = None
    loss: str = "squared"
    norm: str = "l2"
    bias: bool = True
    output_bias: bool = True
    skip: bool = False
    output_weights: str = "any"
    gap: float = 1e-4
    solver: str = "CLARABEL"
    time_limit: float | None = 10.0

    def _read(self, X: Any, y: Any, sample_weight: Any, **wanted: bool) -> tuple[Any, Any, Any]:
        """Data, target and weights as arrays."""
        X, y = validated(self, X=X, y=y, **wanted)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        weights = validation._check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0.0).any():
            raise InputError(f"sample_weight must not be negative, but has {weights.min():g}.")
        return X, y, weights

    def _train(
        self, X: Array, y: Any, weights: Array, loss: Loss, labels: NDArray[Any] | None = None
    ) -> Solution:
        """One network; with ``labels`` its target is their numbers in ``y``."""
        X, y, weights = merge_rows(X, y, weights)
        given = isinstance(self.activation, Family)
        objective = Objective(
            units=self.activation if given else Family(self.activation),
            X=X,
            y=y if labels is None else labels[y.astype(int)],
            loss=loss,
            weight_decay=1.0 if self.weight_decay is None else self.weight_decay,
            form=Form(self.bias, self.output_bias, self.skip),
            norm=self.norm,
            output_weights=self.output_weights,
            sample_weight=None if (weights == 1.0).all() else weights,
        )
        if self.weight_decay is None:  # 0 where free weights fit the target exactly
            largest = largest_useful(objective)
            objective = replace(objective, weight_decay=SHARE * largest or 1.0)
        budget = Budget(gap=self.gap, solver=self.solver, time_limit=self.time_limit)
        return solve(objective, budget)

    def _keep(self, solutions: list[Solution]) -> Self:
        """The fitted attributes: one of each, or lists with one for each class."""
        for solution in solutions:
            if solution.warning:
                warnings.warn(solution.warning, exceptions.ConvergenceWarning, stacklevel=3)
        networks = [solution.network for solution in solutions]
        certificates = [solution.certificate for solution in solutions]
        one = len(solutions) == 1
        self.solution_ = solutions[0] if one else solutions
        self.network_ = networks[0] if one else networks
        self.certificate_ = certificates[0] if one else certificates
        return self

    def _scores(self, X: Any) -> Array:
        """The outputs of the network, or of every one, (n, outputs)."""
        validation.check_is_fitted(self)
        X = validated(self, X=X, reset=False)
        networks = self.network_ if isinstance(self.network_, list) else [self.network_]
        return np.hstack([network(X) for network in networks])


def without_weightless(X: Array, y: Any, weights: Array) -> tuple[Array, Any, Array]:
    """Only the samples of positive weight; what is odd about them is a warning."""
    used = weights > 0.0
    if not used.any():  # newer versions of scikit-learn say so themselves
        raise InputError("every sample weight is zero: there is nothing to learn from.")
    X, y, weights = X[used], y[used], weights[used]
    for remark in remarks(X, y):
        warnings.warn(remark, UserWarning, stacklevel=3)
    return X, y, weights


@dataclass(eq=False, repr=False)
class ConvexNetRegressor(base.RegressorMixin, ConvexNet):
    """Regression by a two-layer network trained to the global optimum, whatever its width.

    `cvxnet.train` as an estimator: works in pipelines, grid searches and cross-validation. Several
    targets are the outputs of one network, whose hidden units they share.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, optional
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``alpha`` in scikit-learn's ridge regression). Scale the features first. Left
        out, it is a tenth of the largest useful one, `cvxnet.largest_weight_decay`, whatever
        the scale of the data.
    loss : "squared", "absolute", "huber" or "log_cosh"
        Summed over the samples and targets.
    norm : "l2" or "l1"
        Of the hidden weights; "l1" selects features.
    bias, output_bias, skip : bool
        Hidden biases (decayed); an output bias and a linear skip connection (both not decayed).
        Unlike in `cvxnet.train` the output bias is there by default.
    output_weights : "any", "nonneg" or "nonpos"
        "nonneg" fits a convex function, "nonpos" a concave one, of one output.
    gap : float
        Relative gap between network and lower bound at which training stops.
    solver : str
        A conic solver that CVXPY has installed.
    time_limit : float or None
        Seconds for one training. Where they are over before the gap is reached, the best network
        so far is kept, with its true bracket, and ``solution_.status`` is "gap". Loading and
        compiling kernels does not count. A ``ConvergenceWarning`` says where the time did not
        suffice for any unit.

    Attributes
    ----------
    solution_ : Solution
        What `cvxnet.train` returned: status, value, lower bound, gap.
    network_ : Sequential
        The network itself, for `cvxnet.to_onnx` or `cvxnet.to_torch`.
    certificate_ : Certificate
        The proof of the bracket, for `cvxnet.check`, with all that was trained on: samples (equal
        ones merged, in an order of their own), weight decay, loss.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    A constant target is predicted as it is, where there is an output bias, with a warning.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 21).reshape(-1, 1)
    >>> model = ConvexNetRegressor("relu", weight_decay=0.01).fit(X, np.abs(X[:, 0]))
    >>> model.solution_.status, round(model.score(X, np.abs(X[:, 0])), 2)
    ('optimal', 1.0)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples in rows.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.
        y : (n,) or (n, c) array
            Numbers; several targets in columns.
        sample_weight : (n,) array, optional
            Multiplies the loss of each sample; those of weight zero are left out.

        Returns
        -------
        ConvexNetRegressor
            Itself, fitted.

        Raises
        ------
        InputError
            Data that cannot be used, or a loss that is for classes.
        """
        if get_loss(self.loss).labels:
            raise InputError(f"the {self.loss} loss is for classes: use ConvexNetClassifier.")
        several = self.output_weights == "any"
        data = self._read(X, y, sample_weight, y_numeric=True, multi_output=several)
        return self._keep([self._train(*without_weightless(*data), get_loss(self.loss))])

    def predict(self, X: Any) -> Array:
        """The network's outputs.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n,) or (n, c) array
            As the target was in training.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.output_weights == "any"
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class ConvexNetClassifier(base.ClassifierMixin, ConvexNet):
    """Classification by a two-layer network trained to the global optimum, whatever its width.

    With two classes the network has one output. With more it has one for each class, which share
    its hidden units, and is trained by the cross entropy of their softmax. The other way is one
    network for each class, which tells it from the rest ("one-vs-rest"): then the largest score
    wins, each network is optimal for its own objective, and the attributes below are lists, in the
    order of ``classes_``.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, optional
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``1 / C`` in scikit-learn's logistic regression). Scale the features first. Left
        out, it is a tenth of the largest useful one, for each network its own.
    loss : "logistic", "cross_entropy", "hinge" or "squared_hinge"
        Summed over the samples. "logistic" is cross entropy where there are more than two classes
        in one network; "cross_entropy" has an output for each of two classes, too. The others give
        no probabilities and tell two classes apart: with more they need ``multi_class="ovr"``.
    multi_class : "softmax" or "ovr"
        With more than two classes: one network, or one for each class against the rest.
    class_weight : dict, "balanced" or None
        The weight of each class, by which the weights of its samples are multiplied; "balanced"
        weighs all classes alike, as everywhere in scikit-learn.
    norm, bias, output_bias, skip, output_weights, gap, solver, time_limit
        As in `ConvexNetRegressor`; the time limit is for each network.

    Attributes
    ----------
    classes_ : array
        The labels, sorted.
    solution_, network_, certificate_ : Solution, Sequential, Certificate, or lists of them
        As in `ConvexNetRegressor`; one-vs-rest has one for each class where there are more than
        two.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> model = ConvexNetClassifier("relu", weight_decay=0.01).fit(X, np.abs(X[:, 0]) > 0.5)
    >>> model.predict([[0.0], [0.9]]).tolist(), model.solution_.status
    ([False, True], 'optimal')
    """

    loss: str = "logistic"
    multi_class: str = SOFTMAX
    class_weight: Any = None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples in rows.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.
        y : (n,) array
            Labels of at least two classes.
        sample_weight : (n,) array, optional
            Multiplies the loss of each sample; those of weight zero are left out.

        Returns
        -------
        ConvexNetClassifier
            Itself, fitted.

        Raises
        ------
        InputError
            Data that cannot be used, or a loss that is for numbers.
        """
        loss = get_loss(self.loss)
        if not loss.labels:
            raise InputError(f"the {self.loss} loss is for numbers: use ConvexNetRegressor.")
        given = y
        X, y, weights = self._read(X, y, sample_weight)
        multiclass.check_classification_targets(y)
        check_labels(given, "y")  # numpy has made text of numbers beside text
        X, y, weights = without_weightless(X, y, weights * self._class_weights(y))
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if self._is_shared(loss):
            shared = get_loss("cross_entropy")
            return self._keep([self._train(X, numbers, weights, shared, self.classes_)])
        one = get_loss("logistic") if loss.classes else loss
        told_apart = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        signs = [np.where(numbers == number, 1.0, -1.0) for number in told_apart]
        return self._keep([self._train(X, sign, weights, one) for sign in signs])

    def _class_weights(self, y: NDArray[Any]) -> Array:
        """The weight of each sample's class, (n,)."""
        weights: Array = class_weights.compute_sample_weight(self.class_weight, y)
        if not (np.isfinite(weights) & (weights >= 0.0)).all():
            raise InputError(
                f"class_weight is {self.class_weight!r}; weights have to be finite and must not be "
                "negative."
            )
        return weights

    def _is_shared(self, loss: Loss) -> bool:
        """Whether one network has an output for each class; InputError where that cannot be."""
        many = len(self.classes_) > 2
        if self.multi_class not in (SOFTMAX, OVR):
            raise InputError(f"multi_class is {self.multi_class!r}; expected 'softmax' or 'ovr'.")
        if loss.classes and self.multi_class == OVR:
            raise InputError(
                "the cross_entropy loss tells all classes apart at once; multi_class='ovr' needs "
                "the loss 'logistic', 'hinge' or 'squared_hinge'."
            )
        if many and self.multi_class == SOFTMAX and self.loss not in ("logistic", "cross_entropy"):
            raise InputError(
                f"the {self.loss} loss tells two classes apart, and there are "
                f"{len(self.classes_)}: multi_class='ovr' trains a network for each of them "
                "against the rest, loss='logistic' one for all."
            )
        if many:
            return self.multi_class == SOFTMAX
        return loss.classes and len(self.classes_) == 2

    def decision_function(self, X: Any) -> Array:
        """The outputs of the network, or of the networks.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n,) array
            For two classes: positive for the second one. For more: (n, classes), the largest one
            wins.
        """
        scores = self._scores(X)
        if len(self.classes_) > 2:
            return scores
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores[:, 0]

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each sample.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n,) array
            Labels, as ``classes_`` has them.
        """
        scores = self.decision_function(X)
        if len(self.classes_) == 1:
            chosen = np.zeros(len(scores), dtype=int)
        else:
            chosen = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0.0).astype(int)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels

    @metaestimators.available_if(lambda self: self.loss in ("logistic", "cross_entropy"))
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class.

        With one network for each class those of each network, normalised.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n, classes) array
        """
        scores = self.decision_function(X)
        if len(self.classes_) == 1:
            return np.ones((len(scores), 1))
        if scores.ndim == 1:
            positive = expit(scores)
            return np.column_stack([1.0 - positive, positive])
        if isinstance(self.network_, list):
            positive = expit(scores)
            return np.asarray(positive / positive.sum(axis=1, keepdims=True))
        return np.asarray(softmax(scores, axis=1))

"""Estimators for scikit-learn: convex networks in pipelines, grid searches and cross-validation.

scikit-learn is loaded when somebody asks for `ConvexNetRegressor` or `ConvexNetClassifier`.
"""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cvxnet.data.validation import remarks
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Family, Form, Objective
from cvxnet.optional import import_sklearn
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_useful, solve
from cvxnet.types import Array

base: Any = import_sklearn("base")
exceptions = import_sklearn("exceptions")
metaestimators = import_sklearn("utils.metaestimators")
multiclass = import_sklearn("utils.multiclass")
validation = import_sklearn("utils.validation", "validate_data")

SHARE = 0.1
"""Of the largest useful weight decay: what is taken where none is given."""


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

    The objective is the same. So repeating a sample is exactly the same as doubling its weight, and
    the order in which samples come makes no difference.

    Examples
    --------
    >>> X, y, weights = merge_rows(np.array([[2.0], [1.0], [2.0]]), np.ones(3), np.ones(3))
    >>> X.ravel().tolist(), weights.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    rows, where = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    together = np.bincount(where.ravel(), weights).astype(np.float64)
    return rows[:, :-1], rows[:, -1], together


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
    gap: float = 1e-4
    solver: str = "CLARABEL"
    time_limit: float | None = 10.0

    def _read(self, X: Any, y: Any, sample_weight: Any, numeric: bool) -> tuple[Any, Any, Any]:
        """Data, target and weights as arrays, without the samples of weight zero."""
        X, y = validated(self, X=X, y=y, y_numeric=numeric)
        weights = validation._check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0.0).any():
            raise InputError(f"sample_weight must not be negative, but has {weights.min():g}.")
        if not weights.any():  # newer versions of scikit-learn say so themselves
            raise InputError("every sample weight is zero: there is nothing to learn from.")
        used = weights > 0.0
        X, y, weights = X[used], y[used], weights[used]
        for remark in remarks(X, y):
            warnings.warn(remark, UserWarning, stacklevel=3)
        return X, y, weights

    def _train(self, X: Array, y: Array, weights: Array) -> Solution:
        """One network for one target."""
        X, y, weights = merge_rows(X, y, weights)
        given = isinstance(self.activation, Family)
        objective = Objective(
            units=self.activation if given else Family(self.activation),
            X=X,
            y=y,
            loss=get_loss(self.loss),
            weight_decay=1.0 if self.weight_decay is None else self.weight_decay,
            form=Form(self.bias, self.output_bias, self.skip),
            norm=self.norm,
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
        """The outputs of every network, (n, networks)."""
        validation.check_is_fitted(self)
        X = validated(self, X=X, reset=False)
        networks = self.network_ if isinstance(self.network_, list) else [self.network_]
        return np.column_stack([network(X)[:, 0] for network in networks])


@dataclass(eq=False, repr=False)
class ConvexNetRegressor(base.RegressorMixin, ConvexNet):
    """Regression by a two-layer network trained to the global optimum, whatever its width.

    `cvxnet.train` as an estimator: works in pipelines, grid searches and cross-validation.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, optional
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``alpha`` in scikit-learn's ridge regression). Scale the features first. Left
        out, it is a tenth of the largest useful one, `cvxnet.largest_weight_decay`, whatever
        the scale of the data.
    loss : "squared", "absolute" or "huber"
        Summed over the samples.
    norm : "l2" or "l1"
        Of the hidden weights; "l1" selects features.
    bias, output_bias, skip : bool
        Hidden biases (decayed); an output bias and a linear skip connection (both not decayed).
        Unlike in `cvxnet.train` the output bias is there by default.
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
        y : (n,) array
            Numbers.
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
        return self._keep([self._train(*self._read(X, y, sample_weight, numeric=True))])

    def predict(self, X: Any) -> Array:
        """The network's outputs.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n,) array
        """
        return self._scores(X)[:, 0]


@dataclass(eq=False, repr=False, kw_only=True)
class ConvexNetClassifier(base.ClassifierMixin, ConvexNet):
    """Classification by two-layer networks trained to the global optimum, whatever their width.

    With two classes one network is trained. With more there is one for each class, which tells it
    from the rest ("one-vs-rest"), and the largest score wins: each of them is optimal for its own
    objective, and the attributes below are lists, in the order of ``classes_``.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, optional
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``1 / C`` in scikit-learn's logistic regression). Scale the features first. Left
        out, it is a tenth of the largest useful one, for each network its own.
    loss : "logistic", "hinge" or "squared_hinge"
        Summed over the samples. Only the logistic loss gives probabilities.
    norm, bias, output_bias, skip, gap, solver, time_limit
        As in `ConvexNetRegressor`; the time limit is for each network.

    Attributes
    ----------
    classes_ : array
        The labels, sorted.
    solution_, network_, certificate_ : Solution, Sequential, Certificate, or lists of them
        As in `ConvexNetRegressor`; with more than two classes, one for each.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> model = ConvexNetClassifier("relu", weight_decay=0.01).fit(X, np.abs(X[:, 0]) > 0.5)
    >>> model.predict([[0.0], [0.9]]).tolist(), model.solution_.status
    ([False, True], 'optimal')
    """

    loss: str = "logistic"

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
        if not get_loss(self.loss).labels:
            raise InputError(f"the {self.loss} loss is for numbers: use ConvexNetRegressor.")
        X, y, weights = self._read(X, y, sample_weight, numeric=False)
        multiclass.check_classification_targets(y)
        self.classes_ = np.unique(y)
        told_apart = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        signs = [np.where(y == label, 1.0, -1.0) for label in told_apart]
        return self._keep([self._train(X, sign, weights) for sign in signs])

    def decision_function(self, X: Any) -> Array:
        """The outputs of the networks, one for two classes.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n,) array
            For two classes: positive for the second one. For more: (n, classes).
        """
        scores = self._scores(X)
        return scores[:, 0] if len(self.classes_) <= 2 else scores

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
        scores = self._scores(X)
        chosen = scores[:, 0] > 0.0 if len(self.classes_) == 2 else scores.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen.astype(int)]
        return labels

    @metaestimators.available_if(lambda self: self.loss == "logistic")
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class; with more than two, those of each network, normalised.

        Parameters
        ----------
        X : (n, d) array
            Samples in rows.

        Returns
        -------
        (n, classes) array
        """
        positive = expit(self._scores(X))
        if len(self.classes_) == 2:
            return np.column_stack([1.0 - positive, positive])
        return positive / positive.sum(axis=1, keepdims=True)

"""Estimators for scikit-learn: convex networks in pipelines, grid searches and cross-validation.

scikit-learn is loaded when somebody asks for `ConvexNetRegressor` or `ConvexNetClassifier`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax, logsumexp

from cvxnet.data.validation import check_labels
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.estimator_base import ConvexNet
from cvxnet.losses import Loss, get_loss
from cvxnet.optional import import_sklearn
from cvxnet.types import Array

base: Any = import_sklearn("base")
class_weights = import_sklearn("utils.class_weight")
metaestimators = import_sklearn("utils.metaestimators")
multiclass = import_sklearn("utils.multiclass")

SOFTMAX, OVR = "softmax", "ovr"
"""What `ConvexNetClassifier` does with more than two classes."""
PROBABLE = ("logistic", "cross_entropy")
"""Losses whose scores are logarithms of probabilities."""


@dataclass(eq=False, repr=False)
class ConvexNetRegressor(base.RegressorMixin, ConvexNet):
    """Regression by a two-layer network trained to the global optimum, of any width or of one.

    `cvxnet.train` as an estimator: works in pipelines, grid searches and cross-validation. Several
    targets are the outputs of one network, whose hidden units they share.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, "cv" or None
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``alpha`` in scikit-learn's ridge regression). Scale the features first. Left
        out, it is a share of the largest useful one, `cvxnet.largest_weight_decay`, whatever
        the scale of the data. "cv" has it chosen by cross-validation, in as much time
        again as ``time_limit``.
    loss : "squared", "absolute", "huber" or "log_cosh"
        Summed over the samples and targets.
    norm : "l2" or "l1"
        Of the hidden weights; "l1" selects features.
    bias, output_bias, skip : bool
        Hidden biases (decayed); an output bias and a linear skip connection (both not decayed).
        Unlike in `cvxnet.train` the output bias is there by default.
    output_weights : "any", "nonneg" or "nonpos"
        "nonneg" fits a convex function, "nonpos" a concave one, of one output.
    width : int or None
        At most so many hidden units, of families that can have a width and with one target: the
        optimum among these networks, see `cvxnet.train`. How large a width closes in the time limit
        depends on the number of features; the bracket is true whenever it ends.
    gap : float
        Relative gap between network and lower bound at which training stops.
    proof : float
        With more than about six features no pricing is exact, and a lower bound has to be proved
        after the network is there: in at most so many times the time that finding it took. 0 asks
        for none.
    solver : str
        A conic solver that CVXPY has installed.
    time_limit : float or None
        Seconds for one training. Where they are over before the gap is reached, the best network
        so far is kept, with its true bracket, and ``solution_.status`` is "gap". Loading and
        compiling kernels does not count.

    Attributes
    ----------
    solution_ : Solution
        What `cvxnet.train` returned: status, value, lower bound, gap.
    network_ : Sequential
        The network itself, for `cvxnet.to_onnx` or `cvxnet.to_torch`.
    certificate_ : Certificate
        The proof of the bracket, for `cvxnet.check`, with all that was trained on: samples (equal
        ones merged, in an order of their own), weight decay, loss.
    selection_ : Selection or None
        How "cv" has chosen the weight decay.
    n_iter_ : int
        Rounds of training.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Warns
    -----
    ConvergenceWarning
        Where the bracket did not close: a line with the bracket, why training ended and what helps.
        (Not with ``proof=0``, unless the network had not converged.) To be silent:
        ``warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)``.

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
        UnsupportedError
            Units or options that do not go together.
        """
        if get_loss(self.loss).labels:
            raise InputError(f"the {self.loss} loss is for classes: use ConvexNetClassifier.")
        several = self.output_weights == "any"
        data = self._read(X, y, sample_weight, y_numeric=True, multi_output=several)
        return self._keep([self._train(*self._used(*data), get_loss(self.loss))])

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
    """Classification by a two-layer network trained to the global optimum, of any width or of one.

    With two classes the network has one output. With more it has one for each class, which share
    its hidden units, and is trained by the cross entropy of their softmax. The other way is one
    network for each class, which tells it from the rest ("one-vs-rest"): then the largest score
    wins, each network is optimal for its own objective, and the attributes below are lists, in the
    order of ``classes_``.

    Parameters
    ----------
    activation : str or Family
        The unit family: "relu", "abs", "linear", ..., see `cvxnet.train`.
    weight_decay : float, "cv" or None
        Coefficient of half the sum of all squared weights, in an objective that is a sum over the
        samples (as ``1 / C`` in scikit-learn's logistic regression). Scale the features first. Left
        out, it is a share of the largest useful one, for each network its own; with "cv" chosen.
    loss : "logistic", "cross_entropy", "hinge" or "squared_hinge"
        Summed over the samples. "logistic" is cross entropy where there are more than two classes
        in one network; "cross_entropy" has an output for each of two classes, too. The others give
        no probabilities and tell two classes apart: with more they need ``multi_class="ovr"``.
    multi_class : "softmax" or "ovr"
        With more than two classes: one network, or one for each class against the rest.
    class_weight : dict, "balanced" or None
        The weight of each class, by which the weights of its samples are multiplied; "balanced"
        weighs all classes alike, as everywhere in scikit-learn.
    norm, bias, output_bias, skip, output_weights, gap, proof, solver, time_limit
        As in `ConvexNetRegressor`; the time limit is for each network.
    width : int or None
        As in `ConvexNetRegressor`, of networks with one output: with more than two classes it goes
        with ``multi_class="ovr"``.

    Attributes
    ----------
    classes_ : array
        The labels, sorted.
    solution_, network_, certificate_, selection_ : Solution, Sequential, Certificate, Selection
        As in `ConvexNetRegressor`; one-vs-rest has lists with one for each class where there are
        more than two.

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # One network of several outputs, for more than two classes, takes no sparse X.
        tags.input_tags.sparse = self._units.traits.sparse and self.multi_class == OVR
        return tags

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
        UnsupportedError
            Units or options that do not go together.
        """
        loss = get_loss(self.loss)
        if not loss.labels:
            raise InputError(f"the {self.loss} loss is for numbers: use ConvexNetRegressor.")
        given = y
        X, y, weights = self._read(X, y, sample_weight)
        multiclass.check_classification_targets(y)
        check_labels(given, "y")  # numpy has made text of numbers beside text
        X, y, weights = self._used(X, y, weights * self._class_weights(y))
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
        if many and self.multi_class == SOFTMAX:
            self._check_one_network()
        if many:
            return self.multi_class == SOFTMAX
        return loss.classes and len(self.classes_) == 2

    def _check_one_network(self) -> None:
        """InputError where one network cannot have an output for each of many classes."""
        if self.loss not in PROBABLE:
            raise InputError(
                f"the {self.loss} loss tells two classes apart, and there are "
                f"{len(self.classes_)}: multi_class='ovr' trains a network for each of them "
                "against the rest, loss='logistic' one for all."
            )
        if self.width is not None:
            raise UnsupportedError(
                f"width={self.width}: it goes with one output, and a network of "
                f"{len(self.classes_)} classes has one for each. multi_class='ovr' trains one of "
                "that width for each class against the rest."
            )

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

    @metaestimators.available_if(lambda self: self.loss in PROBABLE)
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
        return np.asarray(np.exp(self.predict_log_proba(X)))

    @metaestimators.available_if(lambda self: self.loss in PROBABLE)
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the probability of each class, finite however small that is.

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
            return np.zeros((len(scores), 1))
        if scores.ndim == 1:
            return np.column_stack([log_expit(-scores), log_expit(scores)])
        if not isinstance(self.network_, list):
            return np.asarray(log_softmax(scores, axis=1))
        positive = log_expit(scores)
        return np.asarray(positive - logsumexp(positive, axis=1, keepdims=True))

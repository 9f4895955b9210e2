"""Networks from scikit-learn: its perceptrons and linear models, with the scalers in front."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.agreement import difference, random_rows
from cvxnet.interop.folding import Scaling, linear
from cvxnet.layers import ReLU, Sequential, Sigmoid, Softmax, Tanh
from cvxnet.layers.adoption import ADOPTERS
from cvxnet.layers.layer import Layer
from cvxnet.optional import import_sklearn
from cvxnet.types import Array

ACTIVATIONS: dict[str, list[type[Layer]]] = {
    "identity": [],
    "logistic": [Sigmoid],
    "tanh": [Tanh],
    "relu": [ReLU],
}


def adopt(thing: Any) -> Layer | None:
    """The network that an estimator is; None for all else. No scikit-learn is imported for this."""
    base = sys.modules.get("sklearn.base")
    return from_sklearn(thing) if base and isinstance(thing, base.BaseEstimator) else None


ADOPTERS.append(adopt)


def from_sklearn(model: Any) -> Sequential:
    """The network that computes what a fitted estimator of scikit-learn predicts.

    Parameters
    ----------
    model : estimator
        ``MLPRegressor`` and ``MLPClassifier``; the linear models (``LinearRegression``, ``Ridge``,
        ``LogisticRegression``, ``LinearSVC``, ``SGDClassifier`` and whatever else has ``coef_`` and
        predicts ``X @ coef_ + intercept_``), as one Linear layer; cvxnet's own estimators; a
        ``Pipeline`` of any of these behind ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler``
        or ``RobustScaler``; and the ``best_estimator_`` of a search.

    Returns
    -------
    Sequential
        With the estimator's weights, number for number. A scaler is a `BatchNorm` layer in front.
        Of classifiers it computes the **scores**, which scikit-learn calls decision function: the
        logistic function or softmax that turns them into probabilities is left off, as the losses
        of cvxnet take scores.

    Raises
    ------
    UnsupportedError
        For other estimators, and steps of a pipeline that no layer does, by their names.
    InputError
        For estimators that are not fitted, and where the network would not predict the same.

    See Also
    --------
    from_torch, from_onnx, certify

    Notes
    -----
    The network is compared with the estimator on random samples before it is returned.

    `MLPRegressor` minimises the *mean* of ``1/2 (f - y)^2`` plus ``alpha / (2 n)`` times the sum of
    squared weights, where n is the number of samples of a batch (all of them for
    ``solver="lbfgs"``). cvxnet minimises the *sum* of the losses plus ``weight_decay / 2`` times
    the sum of squared weights. So these are the same objective for ``weight_decay = alpha`` with
    "lbfgs", and for about ``weight_decay = alpha * n / batch_size`` with "sgd" and "adam", with two
    exceptions. scikit-learn decays no biases; cvxnet decays those of the hidden units, so its value
    of the same network is larger by ``weight_decay / 2`` times the sum of their squares, and its
    optimum is that of its own objective. And with several outputs scikit-learn's mean goes over
    them as well: multiply ``weight_decay`` by their number. `MLPClassifier` with two classes does
    the same with the logistic loss, with more classes with cross entropy.

    Networks are taken everywhere in cvxnet as estimators, too: ``cvxnet.certify(mlp, X, y, ...)``,
    ``cvxnet.convexity(mlp)``.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> from_sklearn(LinearRegression().fit(X, y))([[10.0]]).round(6)
    array([[21.]])
    """
    base = import_sklearn("base")
    if not isinstance(model, base.BaseEstimator):
        raise InputError(
            f"from_sklearn takes fitted estimators of scikit-learn, not a {type(model).__name__}."
        )
    if hasattr(model, "best_estimator_"):
        return from_sklearn(model.best_estimator_)
    network = Sequential(*layers_of(model))
    wrong = unlike(model, network)
    if wrong is not None:
        raise UnsupportedError(
            f"{kind(model)} does not predict what a network with its coefficients computes: {wrong}"
        )
    return network


def kind(model: Any) -> str:
    """How messages call an estimator.

    Examples
    --------
    >>> kind(1.5)
    'float'
    """
    return type(model).__name__


def layers_of(model: Any) -> list[Layer]:
    """The layers that an estimator or a step of a pipeline is."""
    if isinstance(model, str) and model == "passthrough":
        return []
    check_fitted(model)
    if hasattr(model, "network_"):
        return own_network(model)
    names = [base.__name__ for base in type(model).__mro__ if "sklearn." in base.__module__]
    reader = next((READERS[name] for name in names if name in READERS), None)
    if reader is not None:
        return reader(model)
    if hasattr(model, "coef_") and hasattr(model, "intercept_"):
        return linear_model(model)
    raise UnsupportedError(
        f"{kind(model)} is no network of cvxnet's layers. Supported: MLPRegressor, MLPClassifier, "
        "linear models, and pipelines of one of these after StandardScaler, MinMaxScaler, "
        "MaxAbsScaler or RobustScaler. Apply other steps to X yourself and pass the last one alone."
    )


def check_fitted(model: Any) -> None:
    """Raise InputError for an estimator that has not seen data."""
    validation = import_sklearn("utils.validation")
    exceptions = import_sklearn("exceptions")
    try:
        validation.check_is_fitted(model)
    except exceptions.NotFittedError:
        raise InputError(
            f"{kind(model)} is not fitted, so it has no weights yet; call fit(X, y) first."
        ) from None


def own_network(model: Any) -> list[Layer]:
    """That of cvxnet's estimators."""
    if not isinstance(model.network_, Sequential):
        raise UnsupportedError(
            f"{kind(model)} has a network for each class; take one of them, model.network_[0]."
        )
    return list(model.network_)


def perceptron(model: Any) -> list[Layer]:
    """Linear layers with activations between them."""
    if model.activation not in ACTIVATIONS:
        raise UnsupportedError(f"{kind(model)} has the activation {model.activation!r}.")
    pairs = list(zip(model.coefs_, model.intercepts_, strict=True))
    layers: list[Layer] = []
    for weight, bias in pairs[:-1]:
        layers += [linear(weight.T, bias), *(layer() for layer in ACTIVATIONS[model.activation])]
    return [*layers, linear(pairs[-1][0].T, pairs[-1][1])]


def linear_model(model: Any) -> list[Layer]:
    """``X @ coef_ + intercept_``."""
    coefficients = model.coef_
    if hasattr(coefficients, "toarray"):
        coefficients = coefficients.toarray()
    weight = np.atleast_2d(np.asarray(coefficients, dtype=np.float64))
    shift = np.asarray(model.intercept_, dtype=np.float64).ravel()
    return [linear(weight, np.broadcast_to(shift, (len(weight),)))]


def pipeline(model: Any) -> list[Layer]:
    """One step after the other."""
    return [layer for _, step in model.steps if step is not None for layer in layers_of(step)]


def standard_scaler(model: Any) -> list[Layer]:
    """``(x - mean) / scale``; either may be left out."""
    return scaling(model, mean=model.mean_ if model.with_mean else None, spread=model.scale_)


def min_max_scaler(model: Any) -> list[Layer]:
    """``x scale + min``."""
    return scaling(model, weight=model.scale_, bias=model.min_)


def max_abs_scaler(model: Any) -> list[Layer]:
    """``x / scale``."""
    return scaling(model, spread=model.scale_)


def robust_scaler(model: Any) -> list[Layer]:
    """``(x - center) / scale``; either may be left out."""
    return scaling(model, mean=model.center_, spread=model.scale_)


def scaling(model: Any, **given: Array | None) -> list[Layer]:
    """A `BatchNorm` layer for what is given."""
    if getattr(model, "clip", False):
        raise UnsupportedError(f"{kind(model)} has clip=True; no layer clips columns.")
    known = {name: value for name, value in given.items() if value is not None}
    return [Scaling.of(**known).layer(model.n_features_in_)] if known else []


READERS: dict[str, Callable[[Any], list[Layer]]] = {
    "BaseMultilayerPerceptron": perceptron,
    "Pipeline": pipeline,
    "StandardScaler": standard_scaler,
    "MinMaxScaler": min_max_scaler,
    "MaxAbsScaler": max_abs_scaler,
    "RobustScaler": robust_scaler,
}
"""By the name of the class in scikit-learn, or of one that it inherits from."""


def unlike(model: Any, network: Sequential) -> str | None:
    """How the network and the estimator differ; None where only by rounding."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if hasattr(last, "network_"):
        return None
    X = random_rows(network.columns(None) or 1)
    names = ("decision_function", "predict_proba", "predict", "transform")
    answer = next(name for name in names if hasattr(model, name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of features, which random samples have not
        found = getattr(model, answer)(X)
    found = np.asarray(found, dtype=np.float64).reshape(len(X), -1)
    if answer == "predict_proba":
        two = last.out_activation_ == "logistic"
        network = Sequential(*network, Sigmoid() if two else Softmax())
        found = found[:, 1:] if two and network.width(None) == 1 else found
    return difference(network, X, found, 2.0**-52)

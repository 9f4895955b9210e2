"""Samples, their targets and weights, as an objective holds them: checked, labels as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.matrices import check_data_matrix
from cvxnet.data.memory import shape_of
from cvxnet.data.validation import (
    as_array,
    as_floats,
    check_finite,
    check_labels,
    check_size,
)
from cvxnet.errors import InputError
from cvxnet.losses import Loss
from cvxnet.types import Array

MOST_OUTPUTS = 1000
"""Columns of y that make sense."""
FEW_LABELS = 20
"""So many labels may be different in however few samples."""


def check_data(
    X: Any, y: Any, loss: Loss, classes: Any = None
) -> tuple[Array, Array, NDArray[Any] | None]:
    """Data matrix and target together, of sizes that can be computed with, and the classes."""
    X = check_data_matrix(X)
    n = X.shape[0]
    if shape := shape_of(y):
        check_rows(shape, n)
    if loss.classes:
        shape = as_array(y, "y").shape
        if len(shape) != 2 or shape[1] == 1:
            labels = check_labels(y, "y")
            check_rows(labels.shape, n)
            classes = np.unique(labels) if classes is None else check_labels(classes, "classes")
            y = one_hot(labels, classes)
    y = check_target(y, n, loss)
    check_size(y, "y")
    if loss.classes and classes is None:
        classes = np.arange(y.shape[1])
    return X, y, classes


def check_target(y: Any, rows: int, loss: Loss) -> Array:
    """The target, finite numbers for each row of X, in the form that the loss wants."""
    y = as_floats(y, "y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    check_rows(y.shape, rows)
    if y.ndim == 2 and not 1 < y.shape[1] <= MOST_OUTPUTS:
        raise InputError(
            f"y has {y.shape[1]} columns, one for each output of the network; from 1 to "
            f"{MOST_OUTPUTS} are possible. Targets of one output are y of shape ({rows},)."
        )
    check_finite(y, "y")
    return loss.check_target(y)


def check_rows(shape: tuple[int, ...], rows: int) -> None:
    """As many targets as samples, in one or in several columns."""
    if len(shape) not in (1, 2) or shape[0] != rows:
        raise InputError(
            f"y has shape {shape}; expected ({rows},), one number or label per row of X, or "
            f"({rows}, c), c numbers per row for a network with c outputs."
        )


def one_hot(labels: NDArray[Any], classes: NDArray[Any]) -> Array:
    """A row for each label, (n, c): 1 for its class, else 0.

    >>> one_hot(np.array(["b", "a"]), np.array(["a", "b"])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if len(classes) < 2:
        raise InputError(
            f"every label of y is {classes.tolist()[0]!r}: with one class there is nothing to "
            "learn. Check that y is the column that you mean."
        )
    if len(classes) > max(FEW_LABELS, len(labels) / 2.0) or len(classes) > MOST_OUTPUTS:
        raise InputError(
            f"y has {len(classes)} different labels in {len(labels)} samples, and each would be a "
            "class. If they are numbers to be predicted take another loss, such as "
            'loss="squared".'
        )
    y = labels[:, None] == classes[None, :]
    if not y.any(axis=1).all():
        unknown = labels.tolist()[int(np.argmin(y.any(axis=1)))]
        raise InputError(f"y has the label {unknown!r}, which is none of the classes {classes}.")
    return np.asarray(y, dtype=np.float64)


def check_classes(y: Array, classes: NDArray[Any] | None) -> None:
    """Each class has samples: without one its output would go to minus infinity for free."""
    if classes is not None and not y.any(axis=0).all():
        missing = classes.tolist()[int(np.argmin(y.any(axis=0)))]
        raise InputError(
            f"no sample (of weight above zero) has the class {missing!r}: leave that class out."
        )


def drop_weightless(X: Array, y: Array, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Data and weights without the samples of weight zero."""
    weights = as_floats(sample_weight, "sample_weight")
    if weights.shape != (X.shape[0],):
        raise InputError(
            f"sample_weight has shape {weights.shape}; expected {(X.shape[0],)}, one number per "
            "row of X."
        )
    check_finite(weights, "sample_weight")
    if (weights < 0.0).any():
        where = int(np.argmin(weights))
        raise InputError(
            f"sample_weight[{where}] is {weights[where]:g}: weights must not be negative."
        )
    used = weights > 0.0
    if not used.any():
        raise InputError(
            f"all {used.size} sample weights are zero: no sample is left to learn from."
        )
    for weight in (weights[used].min(), weights.max()):
        check_size(weight, "a sample weight")
    return X[used], y[used], weights[used]

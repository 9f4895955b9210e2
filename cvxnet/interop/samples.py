"""What the estimators do with samples before training, and instead of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.layers import Linear, Sequential
from cvxnet.proofs.certificate import Certificate
from cvxnet.training.solution import Solution
from cvxnet.training.units import Family
from cvxnet.validation import check_positive

Array = NDArray[np.float64]


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


def predict_constant(
    X: Array, y: Array, units: Family, weight_decay: float | None, problem: Mapping[str, Any]
) -> Solution:
    """The optimum for a constant target, which `train` refuses: the output bias alone.

    Its objective is 0, and no objective is below that.
    """
    columns = X.shape[1]
    network = Sequential(Linear(columns, 1))
    network.load_state_dict({"0.weight": np.zeros((1, columns)), "0.bias": y[:1]})
    certificate = Certificate(
        units={"name": units.name, **units.options},
        norm=problem["norm"],
        loss=problem["loss"],
        sample_weights=problem["sample_weight"],
        weight_decay=1.0 if weight_decay is None else check_positive(weight_decay, "weight_decay"),
        bias=False,
        X=X,
        y=y,
        W=np.zeros((0, columns)),
        b=None,
        a=np.zeros(0),
        c=y[0],
        v=np.zeros(len(y)),
        lower=0.0,
        upper=0.0,
    ).rounded_outward()
    return Solution(
        status="optimal",
        value=certificate.upper,
        lower_bound=certificate.lower,
        closed_by="gap",
        tolerance=0.0,
        network=network,
        certificate=certificate,
        stats={
            "seconds": 0.0,
            "rounds": 0,
            "units": 0,
            "stopped": "the gap was reached",
            "history": [],
        },
    )

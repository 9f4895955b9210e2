"""From what the user says to a training problem, with everything checked at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.layers.adoption import as_layer
from cvxnet.layers.linear import check_flag
from cvxnet.losses import Loss, Weighted, get_loss
from cvxnet.training.problem import Problem
from cvxnet.training.reading import read_network
from cvxnet.training.recovery import Form, Weights
from cvxnet.training.units import FAMILIES, Family
from cvxnet.types import Array
from cvxnet.validation import as_floats, check_data, check_finite, check_positive, check_size


@dataclass(frozen=True)
class Task:
    """A training problem, the data and the form of the network.

    ``width`` is the one asked for and ``start`` the weights given, where a network was.
    """

    problem: Problem
    X: Array
    form: Form
    width: int | None = None
    start: Weights | None = None


def set_up(
    units: Any,
    X: Any,
    y: Any,
    loss: str | Loss,
    weight_decay: float,
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    sample_weight: Any = None,
) -> Task:
    """Check everything; a network given for ``units`` overrides ``bias`` and the like."""
    chosen = get_loss(loss)
    X, y = check_data(X, y, chosen)
    weight_decay = check_positive(
        weight_decay,
        "weight_decay",
        "Without weight decay the optimum is interpolation, and not attained in general.",
    )
    check_size(weight_decay, "weight_decay")
    bias, output_bias, skip = (
        check_flag(flag, name)
        for flag, name in ((bias, "bias"), (output_bias, "output_bias"), (skip, "skip"))
    )
    if sample_weight is not None:
        X, y, weights = drop_weightless(X, y, sample_weight)
        chosen = Weighted(chosen, weights)
    network = as_layer(units)
    width, start = None, None
    if network is not None:
        two = read_network(network)
        family, form, width = two.family, two.form, two.width
        start = two.weights if two.given else None
        check_columns(two.weights.W.shape[1], X)
        for name, weight in network.state_dict().items():
            check_size(weight, f"weight {name!r} of the network", smallest=0.0)
    else:
        family = units if isinstance(units, Family) else Family(units)
        takes_bias = FAMILIES[family.name].takes_bias
        form = Form(bias and takes_bias, output_bias, skip)
    bound = family.on(form.rows(X), norm)
    problem = Problem(bound, chosen, y, weight_decay, form.free_columns(X))
    return Task(problem, X, form, width, start)


def check_columns(inputs: int, X: Array) -> None:
    """The network must fit the data."""
    if inputs != X.shape[1]:
        raise InputError(f"the network has {inputs} inputs, but X has {X.shape[1]} columns.")


def drop_weightless(X: Array, y: Array, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Data and weights without the samples of weight zero."""
    weights = as_floats(sample_weight, "sample_weight")
    if weights.shape != y.shape:
        raise InputError(
            f"sample_weight has shape {weights.shape}; expected {y.shape}, one number per row of X."
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

"""The objective and the budget: what is minimised, and how hard.

    minimise   sum of losses + weight_decay / 2 * (sum of squared weights of both layers)

over two-layer networks of one unit family, of whatever width (see `cvxnet.train`). Both are checked
here, at the door, and nowhere else: whoever holds one may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.data.validation import (
    as_floats,
    check_finite,
    check_gap,
    check_matrix,
    check_positive,
    check_size,
)
from cvxnet.errors import InputError
from cvxnet.layers.adoption import as_layer
from cvxnet.losses import Loss, Weighted
from cvxnet.objective.families import Family
from cvxnet.objective.networks import Form, TwoLayers, read_network
from cvxnet.types import Array


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Objective:
    """What is minimised. Making one checks it; its arrays are copies that cannot be written to.

    Parameters
    ----------
    units : Family, str or network
        A unit family or its name; or a two-layer network (a torch module, too), from which the
        family, the form and ``network`` are taken.
    X : (n, d) array
        Samples in rows, without the column of ones.
    y : (n,) array
        Targets; where the loss has labels, of two classes, which become -1 and 1.
    loss : Loss
    weight_decay : float
        Above zero.
    form : Form
        Which biases and skip connection networks have.
    norm : str
        Of the hidden weights.
    sample_weight : (n,) array, optional
        Samples of weight zero are left out.
    network : TwoLayers, optional
        The network that was given for the units, taken apart.

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        A network that is not one of those covered.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> X, y = [[0.0], [1.0]], ["no", "yes"]
    >>> Objective(units="relu", X=X, y=[0, 1], loss=get_loss("logistic"), weight_decay=1).y.tolist()
    [-1.0, 1.0]
    """

    units: Family
    X: Array
    y: Array
    loss: Loss
    weight_decay: float
    form: Form = field(default_factory=Form)
    norm: str = "l2"
    sample_weight: Array | None = None
    network: TwoLayers | None = None

    def __post_init__(self) -> None:
        X, y = check_data(self.X, self.y, self.loss)
        weight_decay = check_positive(
            self.weight_decay,
            "weight_decay",
            "Without weight decay the optimum is interpolation, and not attained in general.",
        )
        check_size(weight_decay, "weight_decay")
        weights = self.sample_weight
        if weights is not None:
            X, y, weights = drop_weightless(X, y, weights)
        given: Any = self.units
        if (layer := as_layer(given)) is None:
            units = given if isinstance(given, Family) else Family(given)
            form, network = self.form, self.network
        else:
            network = read_network(layer)
            units, form = network.family, network.form
        if network is not None:
            check_columns(network.weights.W.shape[1], X)
        if not units.traits.takes_bias:
            form = Form(False, form.output_bias, form.skip)
        units = units.complete(X.shape[1] + form.bias)
        units.check_norm(self.norm)
        for array in (X, y, weights):
            if array is not None:
                array.flags.writeable = False
        checked = {"units": units, "X": X, "y": y, "weight_decay": weight_decay}
        checked |= {"form": form, "sample_weight": weights, "network": network}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def rows(self) -> Array:
        """What hidden units see, (n, d) or (n, d + 1): the ones of the hidden bias last."""
        return self.form.rows(self.X)

    @property
    def free_columns(self) -> Array:
        """What the weights that are not decayed see, (n, k): the ones first."""
        return self.form.free_columns(self.X)

    @cached_property
    def weighted_loss(self) -> Loss:
        """The loss with the sample weights."""
        return self.loss if self.sample_weight is None else Weighted(self.loss, self.sample_weight)

    def __repr__(self) -> str:
        n, d = self.X.shape
        return (
            f"<Objective: {self.loss.name} loss, {self.units!r}, weight decay "
            f"{self.weight_decay:g}, {n} samples of {d} features>"
        )


def check_data(X: Any, y: Any, loss: Loss) -> tuple[Array, Array]:
    """Data matrix and target together, of sizes that can be computed with."""
    X = check_matrix(X)
    y = check_target(y, len(X), loss)
    for j, column in enumerate(X.T):
        check_size(column, f"column {j} of X")
    check_size(y, "y")
    return X, y


def check_target(y: Any, rows: int, loss: Loss) -> Array:
    """The target, one finite number per row of X, in the form that the loss wants."""
    y = as_floats(y, "y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.shape[0] != rows:
        raise InputError(f"y has shape {y.shape}; expected ({rows},), one number per row of X.")
    check_finite(y, "y")
    return loss.check_target(y)


def check_columns(inputs: int, X: Array) -> None:
    """A network must fit the data."""
    if inputs != X.shape[1]:
        raise InputError(f"the network has {inputs} inputs, but X has {X.shape[1]} columns.")


def drop_weightless(X: Array, y: Array, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Data and weights without the samples of weight zero."""
    weights = as_floats(sample_weight, "sample_weight")
    if weights.shape != (len(X),):
        raise InputError(
            f"sample_weight has shape {weights.shape}; expected {(len(X),)}, one number per row of "
            "X."
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


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far to go, with which solver, for how long. Making one checks it.

    Parameters
    ----------
    gap : float
        Relative width of the bracket at which to stop.
    solver : str
        In any spelling; kept in CVXPY's.
    time_limit : float, optional
        Seconds; None: no limit.
    progress : bool
        Whether to show progress on the terminal.

    Examples
    --------
    >>> Budget(solver="clarabel").solver, Budget().seconds
    ('CLARABEL', inf)
    """

    gap: float = 1e-6
    solver: str = "CLARABEL"
    time_limit: float | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "gap", check_gap(self.gap))
        object.__setattr__(self, "solver", check_solver(self.solver))
        if self.time_limit is not None:
            limit = check_positive(self.time_limit, "time_limit", "Leave it out for none.")
            object.__setattr__(self, "time_limit", limit)

    @property
    def seconds(self) -> float:
        """The time limit, infinite where there is none."""
        return np.inf if self.time_limit is None else self.time_limit


def check_solver(solver: str) -> str:
    """The solver's name in CVXPY's spelling; InputError lists those installed."""
    name = str(solver).upper()
    installed = cp.installed_solvers()
    if name not in installed:
        raise InputError(
            f"solver {solver!r} is not installed; there are {', '.join(sorted(installed))}."
        )
    return name

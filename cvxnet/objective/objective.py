"""The objective: what is minimised.

    minimise   sum of losses + weight_decay / 2 * (sum of squared weights of both layers)

over two-layer networks of one unit family, of whatever width (see `cvxnet.train`). It is checked
here, at the door, and nowhere else: whoever holds one may rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from cvxnet.data.memory import shape_of
from cvxnet.data.validation import (
    as_array,
    as_floats,
    check_any_matrix,
    check_column_sizes,
    check_finite,
    check_labels,
    check_positive,
    check_size,
)
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers.adoption import as_layer
from cvxnet.layers.linear import check_count
from cvxnet.losses import LOSSES, Loss, Weighted
from cvxnet.objective.families import FAMILIES, OUTPUT_SIGNS, Family
from cvxnet.objective.memory import check_fits
from cvxnet.objective.networks import Form, TwoLayers, Weights, read_network
from cvxnet.types import Array

MOST_OUTPUTS = 1000
"""Columns of y that make sense."""
FEW_LABELS = 20
"""So many labels may be different in however few samples."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Objective:
    """What is minimised. Making one checks it; its arrays are copies that cannot be written to.

    Parameters
    ----------
    units : Family, str or network
        A unit family or its name; or a two-layer network (a torch module, too), from which the
        family, the form and ``network`` are taken.
    X : (n, d) array, dense or sparse
        Samples in rows, without the column of ones. A sparse matrix of SciPy goes with families
        that take it (`Traits`), without skip connection and width.
    y : (n,) or (n, c) array
        Targets; where the loss has labels, of two classes, which become -1 and 1. With c > 1
        columns networks have c outputs, which share the hidden units. With cross entropy y has
        one label per sample, of any kind, and becomes (n, c): a 1 for the class, else 0.
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
    output_weights : str
        "any"; or "nonneg" or "nonpos", where output weights have to have one sign: with units that
        are convex in the input the network is convex, or concave. What the last layer of a given
        network declares counts, too.
    classes : (c,) array, optional
        With cross entropy, the labels that the columns of y stand for; found in y if not given.
    width : int, optional
        The most hidden units that networks may have; None for any number.

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
    output_weights: str = "any"
    classes: NDArray[Any] | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        given: Any = self.units
        if (layer := as_layer(given)) is None:
            units = given if isinstance(given, Family) else Family(given)
            form, network = self.form, self.network
        else:
            network = read_network(layer)
            units, form = network.family, network.form
        if not units.traits.takes_bias:
            form = Form(False, form.output_bias, form.skip)
        check_fits(units, self.X, self.y, form.bias)
        X, y, classes = check_data(self.X, self.y, self.loss, self.classes)
        weight_decay = check_positive(
            self.weight_decay,
            "weight_decay",
            "Without weight decay the optimum is interpolation, and not attained in general.",
        )
        check_size(weight_decay, "weight_decay")
        weights = self.sample_weight
        if weights is not None:
            X, y, weights = drop_weightless(X, y, weights)
        check_classes(y, classes)
        output_weights = with_declared(self.output_weights, network)
        check_one_sign(units, y, output_weights)
        if network is not None:
            check_network(network, X, y, output_weights)
        units = units.complete(X.shape[1] + form.bias)
        units.check_norm(self.norm)
        check_several(units, self.loss, y, self.norm)
        width = check_width(self.width, units, self.norm, y)
        if issparse(X):
            check_sparse_form(self.loss, y, form, width)
        entries: Any = X.data if issparse(X) else X
        for array in (entries, y, weights):
            if array is not None:
                array.flags.writeable = False
        checked = {"units": units, "X": X, "y": y, "weight_decay": weight_decay}
        checked |= {"form": form, "sample_weight": weights, "network": network, "classes": classes}
        checked |= {"output_weights": output_weights, "width": width}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def output_signs(self) -> tuple[float, ...]:
        """The signs that output weights may have."""
        return OUTPUT_SIGNS[self.output_weights]

    @property
    def rows(self) -> Any:
        """What hidden units see, (n, d) or (n, d + 1): the ones of the hidden bias last."""
        return self.form.rows(self.X)

    @property
    def free_columns(self) -> Array:
        """What the weights that are not decayed see, (n, k): the ones first."""
        return self.form.free_columns(self.X)

    @property
    def outputs(self) -> int:
        """How many outputs networks have."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    @property
    def why_no_width(self) -> str:
        """Why networks like these cannot be asked for a width; empty where they can."""
        return why_no_width(self.units, self.norm, self.y)

    @cached_property
    def weighted_loss(self) -> Loss:
        """The loss with the sample weights."""
        return self.loss if self.sample_weight is None else Weighted(self.loss, self.sample_weight)

    def __repr__(self) -> str:
        n, d = self.X.shape
        several = f", {self.outputs} outputs" if self.outputs > 1 else ""
        return (
            f"<Objective: {self.loss.name} loss, {self.units!r}, weight decay "
            f"{self.weight_decay:g}, {n} samples of {d} features{several}>"
        )


def check_data(
    X: Any, y: Any, loss: Loss, classes: Any = None
) -> tuple[Array, Array, NDArray[Any] | None]:
    """Data matrix and target together, of sizes that can be computed with, and the classes."""
    X = check_any_matrix(X)
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
    check_column_sizes(X)
    check_size(y, "y")
    if loss.classes and classes is None:
        classes = np.arange(y.shape[1])
    return X, y, classes


def check_sparse_form(loss: Loss, y: Array, form: Form, width: int | None) -> None:
    """Refuse by name what needs a dense X, with units that do not."""
    what = ""
    if form.skip:
        what = "a free skip connection, which has a column for each of X,"
    elif width is not None:
        what = f"width={width}"
    elif y.ndim > 1:
        what = "a network of several outputs"
    elif not loss.smooth:
        able = (name for name, other in LOSSES.items() if other.smooth and not other.classes)
        known = ", ".join(able)
        what = f"the {loss.name} loss (unlike {known})"
    if what:
        raise InputError(
            f"X is a sparse matrix, but {what} needs a dense one. X.toarray() makes it dense, "
            "where there is memory for that."
        )


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


def check_outputs(outputs: int, y: Array) -> None:
    """A network must have an output for each column of the target."""
    columns = 1 if y.ndim == 1 else y.shape[1]
    if outputs != columns:
        raise InputError(
            f"the network has {outputs} output{'s' * (outputs > 1)}, but y has {columns} "
            f"column{'s' * (columns > 1)}, one for each class with cross entropy."
        )


def with_declared(output_weights: str, network: TwoLayers | None) -> str:
    """The sign asked for, or else the one that a given network's last layer declares."""
    if not isinstance(output_weights, str) or output_weights not in OUTPUT_SIGNS:
        raise InputError(f"output_weights is 'any', 'nonneg' or 'nonpos', not {output_weights!r}.")
    declared = "any" if network is None else network.output_weights
    if "any" not in (output_weights, declared) and output_weights != declared:
        raise InputError(
            f"output_weights is {output_weights!r}, but the network's last layer declares "
            f"{declared}=True. Leave one of them out."
        )
    return declared if output_weights == "any" else output_weights


def check_one_sign(units: Family, y: Array, output_weights: str) -> None:
    """Refuse by name what is not covered with output weights of one sign."""
    if output_weights == "any":
        return
    if not units.traits.convex:
        known = ", ".join(name for name, traits in FAMILIES.items() if traits.convex)
        raise UnsupportedError(
            f"output_weights={output_weights!r} is there to make networks convex or concave, with "
            f"units that are convex in the input and not affine ({known}), not with {units.name} "
            "units."
        )
    if y.ndim > 1:
        raise UnsupportedError(
            f"output_weights={output_weights!r} goes with one output, but y has {y.shape[1]} "
            "columns, one for each class with cross entropy. Train a network for each."
        )


def check_several(units: Family, loss: Loss, y: Array, norm: str) -> None:
    """Refuse by name what is not covered with several outputs."""
    if y.ndim == 1:
        return
    why = ""
    if not units.traits.outputs:
        known = ", ".join(name for name, traits in FAMILIES.items() if traits.outputs)
        why = f"{units.name} units have one output; several can share {known} units"
    elif not loss.outputs:
        known = ", ".join(name for name, other in LOSSES.items() if other.outputs)
        why = f"the {loss.name} loss has one output; several can have {known}"
    elif norm != "l2":
        why = "several outputs go with the norm 'l2' only"
    if why:
        raise UnsupportedError(
            f"y has {y.shape[1]} columns, but {why}. Or train a network for each column."
        )


def check_width(asked: Any, units: Family, norm: str, y: Array) -> int | None:
    """Refuse a width that is no number of units, and by name what cannot have one."""
    if asked is None:
        return None
    width = check_count(asked, "width, the most hidden units that the network may have,")
    why = why_no_width(units, norm, y)
    if why:
        raise UnsupportedError(
            f"width={width}: {why}. Without a width the optimum over networks of every width is "
            "found, a lower bound for each of them."
        )
    return width


def why_no_width(units: Family, norm: str, y: Array) -> str:
    """Why the optimum of a width is not looked for; empty where it is."""
    if not units.traits.widths:
        known = ", ".join(name for name, traits in FAMILIES.items() if traits.widths)
        return f"{units.name} units cannot have one; {known} can"
    if y.ndim > 1:
        return f"it goes with one output, and y has {y.shape[1]} columns"
    if norm != "l2" and units.traits.change == "kink":
        return f"with {units.name} units it goes with the norm 'l2' only, not {norm!r}"
    return ""


def check_network(network: TwoLayers, X: Array, y: Array, output_weights: str) -> None:
    """A given network must fit the data, and have output weights of the sign asked for."""
    check_columns(network.weights.W.shape[1], X)
    check_outputs(network.weights.outputs, y)
    if network.given:
        check_output_weights(network.weights, output_weights)


def check_output_weights(weights: Weights, output_weights: str) -> None:
    """Refuse a network with an output weight of the wrong sign."""
    if output_weights == "any":
        return
    wrong = ~np.isin(np.sign(weights.a), (0.0, *OUTPUT_SIGNS[output_weights]))
    if wrong.any():
        unit = int(np.argmax(wrong))
        raise InputError(
            f"output_weights is {output_weights!r}, but the network given has the output weight "
            f"{weights.a[unit]:g} at unit {unit}: it is none of the networks among which the "
            "optimum is looked for. With output_weights='any' it is compared with all networks."
        )


def check_columns(inputs: int, X: Array) -> None:
    """A network must fit the data."""
    if inputs != X.shape[1]:
        raise InputError(f"the network has {inputs} inputs, but X has {X.shape[1]} columns.")


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

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

from cvxnet.data.validation import check_positive, check_size
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers.adoption import as_layer
from cvxnet.layers.linear import check_count
from cvxnet.losses import LOSSES, Loss, Weighted, get_loss
from cvxnet.objective.families import FAMILIES, OUTPUT_SIGNS, Family
from cvxnet.objective.memory import check_fits
from cvxnet.objective.networks import Form, TwoLayers, Weights, read_network
from cvxnet.objective.samples import check_classes, check_data, drop_weightless
from cvxnet.types import Array


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
        units, form, network = self.described()
        check_fits(units, self.X, self.y, form.bias)
        X, y, classes = check_data(self.X, self.y, self.loss, self.classes)
        weights = self.sample_weight
        if weights is not None:
            X, y, weights = drop_weightless(X, y, weights)
        check_classes(y, classes)
        units = units.complete(X.shape[1] + form.bias)
        output_weights = with_declared(self.output_weights, network)
        checked = {
            "units": units,
            "X": X,
            "y": y,
            "weight_decay": check_weight_decay(self.weight_decay),
            "form": form,
            "sample_weight": weights,
            "network": network,
            "output_weights": output_weights,
            "classes": classes,
            "width": check_width(self.width, units, self.norm, y),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self.check_covered()
        self.protect()

    def described(self) -> tuple[Family, Form, TwoLayers | None]:
        """The units, the form and the network that are meant by what was given for units."""
        given: Any = self.units
        if (layer := as_layer(given)) is None:
            units = given if isinstance(given, Family) else Family(given)
            form, network = self.form, self.network
        else:
            network = read_network(layer)
            units, form = network.family, network.form
        if not units.traits.takes_bias:
            form = Form(False, form.output_bias, form.skip)
        return units, form, network

    def check_covered(self) -> None:
        """Refuse by name what is right by itself, but does not go together."""
        check_one_sign(self.units, self.y, self.output_weights)
        if self.network is not None:
            check_network(self.network, self.X, self.y, self.output_weights)
        self.units.check_norm(self.norm)
        check_several(self.units, self.loss, self.y, self.norm)
        if issparse(self.X):
            check_sparse_form(self.loss, self.y, self.form, self.width)

    def protect(self) -> None:
        """Arrays are not written to by whoever holds them."""
        entries: Any = self.X.data if issparse(self.X) else self.X
        for array in (entries, self.y, self.sample_weight):
            if array is not None:
                array.flags.writeable = False

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


def make_objective(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str,
    weight_decay: float = 1.0,
    bias: bool = True,
    output_bias: bool = False,
    skip: bool = False,
    **more: Any,
) -> Objective:
    """The objective that a public function is asked about; ``more`` are options as they are.

    >>> make_objective("relu", [[0.0], [1.0]], [1.0, 2.0], loss="huber", width=1)
    <Objective: huber loss, Family('relu'), weight decay 1, 2 samples of 1 features>
    """
    form = Form(bias, output_bias, skip)
    return Objective(
        units=units, X=X, y=y, loss=get_loss(loss), weight_decay=weight_decay, form=form, **more
    )


def check_weight_decay(weight_decay: Any) -> float:
    """The weight decay, a number above zero that can be computed with."""
    why = "Without weight decay the optimum is interpolation, and not attained in general."
    number = check_positive(weight_decay, "weight_decay", why)
    check_size(number, "weight_decay")
    return number


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

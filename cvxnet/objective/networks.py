"""Two-layer networks taken apart and put together: which weights they have, and what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.data.validation import check_size
from cvxnet.errors import UnsupportedError
from cvxnet.layers import (
    BatchNorm,
    Flatten,
    GatedLinear,
    Layer,
    Linear,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
)
from cvxnet.layers.linear import check_flag
from cvxnet.objective.families import FAMILIES, Family, family_with
from cvxnet.types import Array


@dataclass(frozen=True)
class Form:
    """Which weights a network has: hidden bias, free output bias, free linear skip connection."""

    bias: bool = True
    output_bias: bool = False
    skip: bool = False

    def __post_init__(self) -> None:
        for name in ("bias", "output_bias", "skip"):
            object.__setattr__(self, name, check_flag(getattr(self, name), name))

    def rows(self, X: Any) -> Any:
        """``X``, with the column of ones that carries the hidden bias where there is one."""
        ones = [np.ones((X.shape[0], 1))] * self.bias
        if sparse.issparse(X) and self.bias:
            return sparse.hstack([X, *ones], format=X.format)
        return np.hstack([X, *ones]) if self.bias else X

    def free_columns(self, X: Any) -> Array:
        """The columns whose coefficients are not decayed: first the ones, then ``X``."""
        ones = np.ones((X.shape[0], int(self.output_bias)))
        return np.hstack([ones, X]) if self.skip else ones


@dataclass(frozen=True)
class Weights:
    """The weights of a two-layer network in the columns of the data.

    ``W`` (m, d), dense or sparse, ``b`` (m,) or None, ``a`` (m,), free output bias ``c`` and skip
    ``s`` (d,) or None, and for gated units the ``gate`` of each. With k > 1 outputs ``a`` is
    (m, k), ``c`` (k,) and ``s`` (d, k).
    """

    W: Any
    b: Array | None
    a: Array
    c: float | Array | None = None
    s: Array | None = None
    gate: NDArray[np.int64] | None = None

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return 1 if np.ndim(self.a) == 1 else int(np.shape(self.a)[1])


@dataclass(frozen=True)
class TwoLayers:
    """A two-layer network taken apart.

    ``given``: whether its weights are more than random ones. ``output_weights``: the sign that its
    last layer declares for them, see `Objective`.
    """

    family: Family
    form: Form
    weights: Weights
    given: bool
    output_weights: str = "any"

    @property
    def width(self) -> int:
        """The number of hidden units."""
        return len(self.weights.a)


def read_network(network: Layer, whole: Layer | None = None) -> TwoLayers:
    """Take ``Linear, activation, Linear`` apart, with or without a skip connection.

    Without an activation the units are linear. Sequentials may be nested. ``whole`` is what the
    messages show, where the network is only a part of it.

    Raises
    ------
    UnsupportedError
        For any other network, with what is covered.
    InputError
        For weights so large that products of them are no doubles.

    Examples
    --------
    >>> from cvxnet.layers import LeakyReLU
    >>> two = read_network(Sequential(Sequential(Linear(2, 8), LeakyReLU(0.1)), Linear(8, 1)))
    >>> two.family, two.width, two.form
    (Family('leaky_relu', slope=0.1), 8, Form(bias=True, output_bias=True, skip=False))
    """
    try:
        return take_apart(network)
    except Uncovered as why:
        raise refusal(whole or network, str(why)) from None


class Uncovered(Exception):  # noqa: N818
    """Why a network is not one of those covered."""


def take_apart(network: Layer) -> TwoLayers:
    """`read_network`, with the reason alone where it is refused."""
    body, skip = split_skip(network)
    first, between, last = split_layers(body)
    family = Family("linear") if between is None else family_with(between)
    if family is None:
        raise Uncovered(f"its activation is {between!r}")
    for name, weight in network.state_dict().items():
        check_size(weight, f"weight {name!r} of the network", smallest=0.0)
    hidden, output = first.state_dict(), last.state_dict()
    weights = Weights(
        W=hidden["weight"],
        b=hidden.get("bias"),
        a=without_one(output["weight"].T),
        c=without_one(output["bias"]) if "bias" in output else None,
        s=None if skip is None else without_one(skip.state_dict()["weight"].T),
    )
    form = Form(weights.b is not None, weights.c is not None, skip is not None)
    given = first.given and last.given
    return TwoLayers(family, form, weights, given, last.sign("weight") or "any")


def flattened(network: Layer) -> list[Layer]:
    """The layers of nested Sequentials in order, without those that change nothing.

    Examples
    --------
    >>> from cvxnet.layers import Flatten, ReLU
    >>> flattened(Sequential(Flatten(), Sequential(Linear(2, 3), ReLU()), Linear(3, 1)))
    [Linear(2, 3), ReLU(), Linear(3, 1)]
    """
    if type(network) is Sequential:
        return [layer for part in network for layer in flattened(part)]
    return [] if type(network) is Flatten else [network]


def without_norms(layers: list[Layer]) -> list[Layer]:
    """The same function, every `BatchNorm` after the first layer folded into a Linear layer.

    Into the one before it, or the one after it; what has neither beside it stays.
    """
    kept: list[Layer] = []
    for layer in layers:
        last = kept[-1] if kept else None
        if isinstance(layer, BatchNorm) and type(last) is Linear:
            kept[-1] = folded(last, layer, norm_first=False)
        elif isinstance(last, BatchNorm) and len(kept) > 1 and type(layer) is Linear:
            kept[-1] = folded(layer, last, norm_first=True)
        else:
            kept.append(layer)
    return kept


def folded(linear: Linear, norm: BatchNorm, norm_first: bool) -> Linear:
    """One Linear layer for a Linear layer and the normalisation after or before it."""
    t, own = norm.state_dict(), linear.state_dict()
    scale = t["weight"] / np.sqrt(t["running_var"] + norm.eps)
    shift = t["bias"] - t["running_mean"] * scale
    bias = own.get("bias", np.zeros(linear.out_features))
    if norm_first:
        weight, bias = own["weight"] * scale, own["weight"] @ shift + bias
    else:
        weight, bias = own["weight"] * scale[:, None], bias * scale + shift
    whole = Linear(linear.in_features, linear.out_features)
    return whole.load_state_dict({"weight": weight, "bias": bias})


def without_one(weights: Array) -> Any:
    """Without the last axis where that counts a single output."""
    return weights if weights.shape[-1] != 1 else weights[..., 0]


def split_layers(body: Layer) -> tuple[Linear, Layer | None, Linear]:
    """The two Linear layers of a body and the activation between them, if there is one."""
    parts = flattened(body)
    first, last = (parts[0], parts[-1]) if len(parts) in (2, 3) else (None, None)
    if not isinstance(first, Linear) or not isinstance(last, Linear):
        raise Uncovered(why_not_two_layers(parts))
    if first.sign("weight"):
        raise Uncovered("its first Linear layer declares a sign of its weights")
    return first, parts[1] if len(parts) == 3 else None, last


def why_not_two_layers(parts: list[Layer]) -> str:
    """What stands in the way, and what to write instead where that is known."""
    last = parts[-1] if parts else None
    if isinstance(last, Sigmoid | Softmax):
        loss = "logistic" if isinstance(last, Sigmoid) else "cross_entropy"
        return f'it ends with {last!r}; leave that out, loss="{loss}" takes the scores before it'
    if any(isinstance(layer, BatchNorm) for layer in parts):
        return (
            "a BatchNorm is no part of what is trained; leave it out, and standardise the columns "
            "of X (certify takes networks that have one)"
        )
    if parts and not isinstance(last, Linear):
        return f"it ends with {last!r}, not with a Linear layer"
    return "it is not Linear, activation, Linear"


def split_skip(network: Layer) -> tuple[Layer, Linear | None]:
    """The body of a network and the Linear layer beside it, where there is one."""
    parts = flattened(network)
    if len(parts) == 1 and isinstance(parts[0], Residual):
        beside = parts[0].shortcut
        if not isinstance(beside, Linear) or beside.bias is not None:
            raise Uncovered("its skip connection is not a Linear layer without bias")
        if beside.sign("weight"):
            raise Uncovered("its skip connection declares a sign of its weights")
        return parts[0].body, beside
    return network, None


def refusal(network: Layer, why: str) -> UnsupportedError:
    """What is covered, for a network that is not."""
    known = ", ".join(sorted(f.layer.__name__ for f in FAMILIES.values() if f.layer))
    return UnsupportedError(
        f"{network!r} cannot be trained to the global optimum: {why}. Covered are networks "
        f"Linear(d, m), activation, Linear(m, c) with one of the activations {known} or with none, "
        "with or without biases, the last layer with a declared sign or without, and the same "
        "beside a free linear skip connection, Residual(network, shortcut=Linear(d, c, "
        "bias=False))."
    )


def network_of(units: Family, weights: Weights, output_weights: str = "any") -> Sequential:
    """The ordinary network of these units with these weights.

    Its last layer declares the sign that output weights have to have, if there is one.

    Examples
    --------
    >>> weights = Weights(W=np.array([[2.0]]), b=None, a=np.array([3.0]))
    >>> network_of(Family("relu"), weights)(np.array([[1.0]])).tolist()
    [[6.0]]
    """
    body = WRITERS.get(units.name, two_layers)(units, weights)
    if output_weights != "any":
        body = declaring(body, output_weights)
    if weights.s is None:
        return body
    skip = Linear(len(weights.s), weights.outputs, bias=False)
    skip.load_state_dict({"weight": np.atleast_2d(weights.s.T)})
    return Sequential(Residual(body, shortcut=skip))


def declaring(network: Sequential, sign: str) -> Sequential:
    """The same network, whose last layer declares this sign of its weights."""
    *layers, last = network
    signed = Linear(**last.options() | {sign: True}).load_state_dict(last.state_dict())
    return Sequential(*layers, signed)


def two_layers(units: Family, weights: Weights) -> Sequential:
    """Two Linear layers, and between them what the family has there."""
    w, (m, d) = weights, weights.W.shape
    first = Linear(d, m, bias=w.b is not None)
    last = Linear(m, w.outputs, bias=w.c is not None)
    layers = [first, *units.between(), last]
    hidden = {"0.weight": w.W, "0.bias": w.b}
    return filled(layers, hidden, w)


def filled(layers: list[Layer], hidden: dict[str, Any], weights: Weights) -> Sequential:
    """The layers with the weights of the first one by name, and the last Linear layer's own."""
    last = len(layers) - 1
    state = hidden | {f"{last}.weight": np.atleast_2d(weights.a.T), f"{last}.bias": weights.c}
    given = {name: np.atleast_1d(value) for name, value in state.items() if value is not None}
    return Sequential(*layers).load_state_dict(given)


def one_layer(units: Family, weights: Weights) -> Sequential:
    """One Linear layer: the hidden one does not mix features."""
    w = weights
    bias = None if w.c is None else np.atleast_1d(w.c + (0.0 if w.b is None else w.a.T @ w.b))
    network = Sequential(Linear(w.W.shape[1], w.outputs, bias=bias is not None))
    state = {"0.weight": np.atleast_2d(w.a.T @ w.W)} | ({} if bias is None else {"0.bias": bias})
    return network.load_state_dict(state)


def gated_layers(units: Family, weights: Weights) -> Sequential:
    """A GatedLinear and a Linear layer."""
    w, (m, d) = weights, weights.W.shape
    gates = units.options["gates"][w.gate]
    hidden = {"0.weight": w.W, "0.gate_weight": gates[:, :d]}
    if w.b is not None:
        hidden |= {"0.bias": w.b, "0.gate_bias": gates[:, d]}
    first = GatedLinear(d, m, bias=w.b is not None)
    return filled([first, Linear(m, w.outputs, bias=w.c is not None)], hidden, w)


def squares(units: Family, weights: Weights) -> Sequential:
    """Linear, Square, Linear with the square completed; for p = 0 one Linear layer.

    A unit ``p t^2 + q t + r`` is ``p (t + q / 2p)^2 + (r - q^2 / 4p)``.
    """
    w, (p, q, r) = weights, units.options["coefficients"]
    shift, c = np.zeros(len(w.a)) if w.b is None else w.b, 0.0 if w.c is None else w.c
    if p == 0.0:
        return one_layer(units, replace(w, b=q * shift + r, W=q * w.W, c=c))
    completed = replace(
        w, b=shift + q / (2.0 * p), a=p * w.a, c=w.a.sum(axis=0) * (r - q * q / (4.0 * p)) + c
    )
    return two_layers(Family("quadratic"), completed)


Writer = Callable[[Family, Weights], Sequential]
WRITERS: dict[str, Writer] = {
    "coordinate": one_layer,
    "gated_relu": gated_layers,
    "polynomial": squares,
}
"""Families whose network is not two Linear layers with ``between`` in between."""

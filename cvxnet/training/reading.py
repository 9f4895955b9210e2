"""Reading a two-layer network: its unit family, its form and its weights."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnet.errors import UnsupportedError
from cvxnet.layers import Layer, Linear, Residual, Sequential
from cvxnet.training.recovery import Form, Weights
from cvxnet.training.units import FAMILIES, Family


@dataclass(frozen=True)
class TwoLayers:
    """A two-layer network taken apart. ``given``: whether its weights are more than random ones."""

    family: Family
    form: Form
    weights: Weights
    width: int
    given: bool


def read_network(network: Layer) -> TwoLayers:
    """Take ``Linear, activation, Linear`` with one output apart, with or without a skip connection.

    Without an activation the units are linear.

    Examples
    --------
    >>> from cvxnet.layers import LeakyReLU
    >>> two = read_network(Sequential(Linear(2, 8), LeakyReLU(0.1), Linear(8, 1)))
    >>> two.family, two.width, two.form
    (Family('leaky_relu', slope=0.1), 8, Form(bias=True, output_bias=True, skip=False))
    """
    body, skip = split_skip(network)
    parts = list(body.children().values()) if isinstance(body, Sequential) else []
    first, last = (parts[0], parts[-1]) if len(parts) in (2, 3) else (None, None)
    if not isinstance(first, Linear) or not isinstance(last, Linear):
        raise refusal(network, "it is not Linear, activation, Linear")
    for name, layer in (("first", first), ("last", last)):
        if layer.sign("weight"):
            raise refusal(network, f"its {name} Linear layer declares a sign of its weights")
    if last.out_features != 1:
        raise refusal(network, f"it has {last.out_features} outputs")
    state = body.state_dict()
    weights = Weights(
        W=state["0.weight"],
        b=state.get("0.bias"),
        a=state[f"{len(parts) - 1}.weight"][0],
        c=float(state[f"{len(parts) - 1}.bias"][0]) if last.bias is not None else None,
        s=None if skip is None else skip.state_dict()["weight"][0],
    )
    form = Form(weights.b is not None, weights.c is not None, skip is not None)
    family = family_of(network, parts[1]) if len(parts) == 3 else Family("linear")
    return TwoLayers(family, form, weights, first.out_features, first.given and last.given)


def split_skip(network: Layer) -> tuple[Layer, Linear | None]:
    """The body of a network and the Linear layer beside it, where there is one."""
    parts = list(network.children().values()) if isinstance(network, Sequential) else [network]
    if len(parts) == 1 and isinstance(parts[0], Residual):
        beside = parts[0].shortcut
        if not isinstance(beside, Linear) or beside.bias is not None:
            raise refusal(network, "its skip connection is not a Linear layer without bias")
        return parts[0].body, beside
    return network, None


def family_of(network: Layer, activation: Layer) -> Family:
    """The unit family with this activation."""
    for name, family in FAMILIES.items():
        if family.layer is type(activation):
            return Family(name, **family.options_of(activation))
    raise refusal(network, f"its activation is {activation!r}")


def refusal(network: Layer, why: str) -> UnsupportedError:
    """What is covered, for a network that is not."""
    known = ", ".join(sorted(f.layer.__name__ for f in FAMILIES.values() if f.layer))
    return UnsupportedError(
        f"{network!r} cannot be trained to the global optimum: {why}. Covered are networks "
        f"Linear(d, m), activation, Linear(m, 1) with one of the activations {known} or with none, "
        "with or without biases, and the same beside a free linear skip connection, "
        "Residual(network, shortcut=Linear(d, 1, bias=False))."
    )

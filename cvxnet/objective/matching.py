"""Two networks of one form side by side: their hidden units matched, and their weights mixed.

A hidden layer has no first and no last unit: in another order it is the same network, at another
point of the space of weights. The straight line between two networks therefore depends on the
order; where the units of one are matched with those of the other it is as short as can be. (Weight
matching, as in Ainsworth, Hayase and Srinivasa 2023: for one hidden layer an assignment problem.)
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cvxnet.errors import InputError
from cvxnet.layers import Layer, Sequential
from cvxnet.layers.adoption import as_layer
from cvxnet.objective.networks import TwoLayers, Weights, network_of, read_network
from cvxnet.types import Array


def match_units(network: Any, other: Any) -> Sequential:
    """Another network with its hidden units in the order in which it is nearest to a first one.

    It is the same function, and has the same weight decay. Of all orders of its units this one has
    the smallest sum of squared differences to the weights of the first.

    Parameters
    ----------
    network, other : Layer, torch module or fitted estimator
        Two-layer networks of one width, activation and form.

    Returns
    -------
    Sequential
        ``other``, its units in another order.

    Raises
    ------
    InputError
        Where the two are not of one form.
    UnsupportedError
        For networks that are not ``Linear, activation, Linear``.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU
    >>> made = Sequential(Linear(1, 2, bias=False), ReLU(), Linear(2, 1, bias=False))
    >>> one = made.load_state_dict({"0.weight": [[1.0], [-1.0]], "2.weight": [[2.0, 3.0]]})
    >>> swapped = in_order(one, [1, 0])
    >>> swapped.state_dict()["2.weight"].tolist()
    [[3.0, 2.0]]
    >>> match_units(one, swapped).state_dict()["2.weight"].tolist()
    [[2.0, 3.0]]
    """
    one, two = two_alike(network, other)
    A, B = rows_of(one.weights), rows_of(two.weights)
    distances = ((A[:, None] - B[None]) ** 2).sum(axis=2)
    return in_order(other, linear_sum_assignment(distances)[1])


def in_order(network: Any, order: NDArray[np.int64] | list[int]) -> Sequential:
    """The same network with its hidden units in another order.

    Parameters
    ----------
    network : Layer, torch module or fitted estimator
        A two-layer network.
    order : (m,) array or list of int
        Which unit comes first, which second, ...

    Returns
    -------
    Sequential

    Raises
    ------
    InputError
        Where that is no order of its units.

    Examples
    --------
    See `match_units`.
    """
    two = read_network(adopted(network))
    if sorted(order) != list(range(two.width)):
        raise InputError(
            f"order is {list(order)}; expected each of the {two.width} units once, by its number "
            f"from 0 to {two.width - 1}."
        )
    w = two.weights
    moved = replace(
        w,
        W=w.W[order],
        b=None if w.b is None else w.b[order],
        a=w.a[order],
        gate=None if w.gate is None else w.gate[order],
    )
    return network_of(two.family, moved, two.output_weights)


def mix(network: Any, other: Any, t: float) -> Layer:
    """The network at ``(1 - t) network + t other``, weight by weight.

    Parameters
    ----------
    network, other : Layer, torch module or fitted estimator
        Networks whose weights have the same names and shapes.
    t : float
        0 for the first, 1 for the other, 1/2 for the midpoint.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        Where their weights differ in name or shape, and for what is no network.

    Examples
    --------
    >>> from cvxnet.layers import Linear
    >>> one = Linear(1, 1, bias=False).load_state_dict({"weight": [[1.0]]})
    >>> two = Linear(1, 1, bias=False).load_state_dict({"weight": [[2.0]]})
    >>> mix(one, two, 0.5).state_dict()["weight"].tolist()
    [[1.5]]
    """
    mixed = copy.deepcopy(adopted(network))
    first, last = mixed.state_dict(), adopted(other).state_dict()
    shapes = [{name: w.shape for name, w in state.items()} for state in (first, last)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"the networks have weights of shapes {shapes[0]} and {shapes[1]}: there is a line "
            "between them only where names and shapes are the same."
        )
    state = {name: (1.0 - t) * first[name] + t * last[name] for name in first}
    return mixed.load_state_dict(state)


def adopted(thing: Any) -> Layer:
    """A network, wherever it is from."""
    layer = as_layer(thing)
    if layer is None:
        raise InputError(
            f"{thing!r} is no network; expected a layer of cvxnet, a module of torch or a fitted "
            "estimator of scikit-learn."
        )
    return layer


def two_alike(network: Any, other: Any) -> tuple[TwoLayers, TwoLayers]:
    """Both networks taken apart, if they are of one form."""
    one, two = (read_network(adopted(thing)) for thing in (network, other))
    forms = [(t.width, repr(t.family), t.form, t.weights.W.shape[1]) for t in (one, two)]
    if forms[0] != forms[1]:
        raise InputError(
            f"{network!r} and {other!r} are not of one form: units are matched between networks "
            "of one width, activation and choice of biases."
        )
    return one, two


def rows_of(weights: Weights) -> Array:
    """A row for each hidden unit: its weights, its bias and its output weights."""
    columns = [weights.W, weights.b, weights.a]
    return np.column_stack([column for column in columns if column is not None])

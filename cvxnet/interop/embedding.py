"""Networks inside CVXPY problems: minimise over what a network says, under constraints.

A network takes CVXPY expressions as it is, so ``net(x)`` is all there is to it where the weights
are numbers. `embed` adds the check that CVXPY will accept it, and a message that helps where it
will not. `parametrize` makes the weights parameters, for problems that are solved again and again
with other weights, or differentiated with respect to them by cvxpylayers.

CVXPY compiles a problem once for all values of its parameters only if it is DPP, where products of
two things that both depend on parameters are forbidden; but ``W2 relu(W1 x)`` is one. So each layer
k gets a variable of its own:

    z_1 = W1 x,   t_1 >= relu(z_1),   z_2 = W2 t_1,   ...

If the network is convex by the composition rules, its output is nondecreasing in each z_k that is
convex in x and not affine, and nonincreasing in each that is concave. So t_k above (below) the
layer's value can only raise the output: minimised over t it is the network's, and wherever a
problem presses it down (as an objective, or above in ``output <= bound``) the two say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy as cp

from cvxnet.analysis import convexity
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers.adoption import as_layer
from cvxnet.layers.layer import Layer, Tensor, observed_by, recorded_calls

MOST_REPAIRS = 3


@dataclass(frozen=True, kw_only=True)
class Parametrized:
    """A network as a CVXPY expression whose weights are parameters.

    Attributes
    ----------
    output : CVXPY expression
        Convex in the input. Never below the network's output; equal to it where the problem
        presses it down, as an objective does.
    constraints : tuple of CVXPY constraints
        What links the output to the input: part of every problem that ``output`` is in.
    parameters : dict of str to cp.Parameter
        The weights by their torch names, with the network's values and the signs that they must
        keep. Set ``.value`` and solve again.

    Examples
    --------
    >>> from cvxnet.layers import Abs
    >>> x = cp.Variable(2)
    >>> cost = parametrize(Abs(), x)
    >>> cost.output.shape, cost.parameters
    ((2,), {})
    """

    output: cp.Expression
    constraints: tuple[cp.Constraint, ...]
    parameters: dict[str, cp.Parameter]

    def __repr__(self) -> str:
        names = ", ".join(self.parameters) or "none"
        return f"<Parametrized output of shape {self.output.shape}, parameters: {names}>"


def embed(net: Any, x: cp.Expression) -> cp.Expression:
    """The network's output as a CVXPY expression that is convex, to minimise or to bound above.

    Parameters
    ----------
    net : layer or torch module
        Convex in its input, by signs that CVXPY can see: an `input_convex` network for instance.
    x : CVXPY expression
        The input: a vector of length d, or n rows of d columns.

    Returns
    -------
    CVXPY expression
        ``net(x)``, of length c or n x c.

    Raises
    ------
    InputError
        Where CVXPY's rules do not prove ``net(x)`` convex: with the layer and the weight entry at
        which they stop, and with verified repairs.

    See Also
    --------
    convexity, parametrize

    Examples
    --------
    >>> from cvxnet.layers import Abs, Linear, Sequential
    >>> net = Sequential(Linear(2, 1, bias=False), Abs())
    >>> _ = net.load_state_dict({"0.weight": [[1.0, -1.0]]})
    >>> x = cp.Variable(2)
    >>> problem = cp.Problem(cp.Minimize(cp.sum(embed(net, x))), [x[0] >= 3, x[1] <= 1])
    >>> print(round(problem.solve(), 4))
    2.0
    """
    if not isinstance(x, cp.Expression):
        raise InputError(
            f"embed puts a network into a CVXPY problem; its input is a cp.Variable or another "
            f"CVXPY expression, not {type(x).__name__}. For arrays call the network: net(x)."
        )
    net = check_network(net)
    output = net(x)
    if not output.is_convex():
        raise InputError(refusal(net, x))
    return output


def check_network(net: Any) -> Layer:
    """The network itself, or what `from_torch` makes of a torch module."""
    layer = as_layer(net)
    if layer is None:
        raise InputError(f"expected a network or a torch module, not a {type(net).__name__}.")
    return layer


def refusal(net: Layer, x: cp.Expression) -> str:
    """Why a network cannot be minimised over, where the rules stop, and what would help."""
    sign = "nonneg" if x.is_nonneg() else "nonpos" if x.is_nonpos() else None
    # Bound to its own weights a network counts as given: the verdict is on these numbers.
    verdict = convexity(net.bind(net.named_tensors()), wrt="input", inputs=sign)
    said = {
        True: "is convex in its input, but CVXPY's rules do not see it",
        False: "is not convex in its input (a counterexample was verified)",
        None: "is not known to be convex in its input",
    }[verdict.convex]
    if verdict.concave:
        said += "; it is concave, so net(x) can be maximised"
    repairs = [f"{r.change} ({r.cost})" for r in verdict.repairs[:MOST_REPAIRS]]
    return " ".join(
        [
            f"this network {said}.",
            f"The rules stop at {verdict.blame}" if verdict.blame else "",
            f"Repairs that were verified: {'; '.join(repairs)}." if repairs else "",
        ]
    ).replace("  ", " ")


def parametrize(net: Any, x: cp.Expression) -> Parametrized:
    """`embed` with the weights as parameters, by the rules of disciplined parametrized programming.

    Parameters
    ----------
    net, x
        As for `embed`. Running statistics of `BatchNorm` stay numbers.

    Returns
    -------
    Parametrized
        ``output``, ``constraints`` and ``parameters``. A problem made of these is compiled once
        and solved for any weights, and cvxpylayers differentiates its solution in the weights.

    Raises
    ------
    InputError
        As `embed`. Weights that keep the network convex by their sign are declared with it, and
        cvxpy refuses values of another sign.

    Examples
    --------
    >>> import numpy as np
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(1, 2, bias=False), ReLU(), Linear(2, 1, bias=False))
    >>> _ = net.load_state_dict({"0.weight": [[1.0], [-1.0]], "2.weight": [[1.0, 2.0]]})
    >>> x = cp.Variable(1)
    >>> cost = parametrize(net, x)
    >>> problem = cp.Problem(cp.Minimize(cp.sum(cost.output)), [*cost.constraints, x <= -3])
    >>> problem.is_dcp(dpp=True)
    True
    >>> print(round(problem.solve(), 4))
    6.0
    >>> cost.parameters["2.weight"].value = np.array([[1.0, 0.5]])
    >>> print(round(problem.solve(), 4))
    1.5
    """
    embed(net := check_network(net), x)
    parameters = make_parameters(net, x)
    bound = net.bind(parameters)
    embed(bound, x)  # for every value that the signs allow
    paths = {id(layer): path for path, layer in bound.named_layers()}
    constraints: list[cp.Constraint] = []

    def lift(layer: Layer, z: Tensor, value: Tensor) -> Tensor:
        return lifted(value, f"layer {paths[id(layer)]}", constraints)

    with observed_by(lift):
        output = bound(lifted(x, "the input", constraints) if x.parameters() else x)
    return Parametrized(output=output, constraints=tuple(constraints), parameters=parameters)


def make_parameters(net: Layer, x: cp.Expression) -> dict[str, cp.Parameter]:
    """A parameter for each weight, with the sign that it is declared or needed to have.

    A weight that multiplies something curved has one sign, or CVXPY had not accepted it.
    """
    with recorded_calls() as calls:
        net(x)
    curved = {id(layer) for layer, z, _ in calls if not z.is_affine()}
    layers, parameters = dict(net.named_layers()), {}
    for name, value in net.state_dict().items():
        prefix, _, own = name.rpartition(".")
        layer = layers[prefix]
        if own in layer.statistics:
            continue
        sign = layer.sign(own)
        if sign is None and own == "weight" and id(layer) in curved:
            sign = "nonneg" if value.min() >= 0.0 else "nonpos"
        options: Any = {sign: True} if sign else {}
        parameters[name] = cp.Parameter(value.shape, name=name, value=value, **options)
    return parameters


def lifted(value: Tensor, what: str, constraints: list[cp.Constraint]) -> Tensor:
    """A variable in place of what is curved or has parameters, linked to it by a constraint."""
    if not isinstance(value, cp.Expression) or (value.is_affine() and not value.parameters()):
        return value
    t = cp.Variable(value.shape, nonneg=value.is_nonneg(), nonpos=value.is_nonpos())
    link = t >= value if value.is_convex() else t <= value
    link = t == value if value.is_affine() else link
    if not link.is_dcp(dpp=True):
        raise UnsupportedError(
            f"{what} multiplies parameters with each other, so the problem would not be DPP and "
            "CVXPY would compile it anew for each value. Keep these weights numbers: embed(net, x)."
        )
    constraints.append(link)
    return t

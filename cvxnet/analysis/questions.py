"""What is asked: an expression, which leaves are unknowns, and what the other leaves may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis.tape import Tape, dense
from cvxnet.data.validation import as_array, check_labels, check_matrix
from cvxnet.errors import CvxnetError, InputError
from cvxnet.layers.layer import Layer, recorded_calls
from cvxnet.losses import Loss, get_loss
from cvxnet.objective.objective import check_outputs
from cvxnet.objective.samples import check_target
from cvxnet.types import Array


@dataclass(frozen=True, kw_only=True)
class Question:
    """Is ``expression`` convex in ``unknowns``, whatever admissible values the rest has?

    Attributes
    ----------
    expression : CVXPY expression
        Every entry is asked about.
    unknowns : tuple of leaves
        Convexity is asked jointly in all of these.
    names : mapping of id(leaf) to str
        How users know the leaves: "x", "0.weight", ...
    labels : mapping of id(leaf) to str
        Leaves that hold class labels: "label" where those are -1 or +1, "one_hot" where each row
        has a 1 and otherwise zeros.
    owners : mapping of id(node) to str
        The layer that made a node.
    weights : mapping of id(constant) to str
        The constants that are weights, for blame.
    bounds : mapping of id(leaf) to (low, high)
        Bounds beyond those that CVXPY attributes declare.
    constraints : tuple of CVXPY constraints
        What further restricts the domain (problems only).
    about : str
        The question in words.
    network : Layer or None
        What was asked about, for repairs.
    options : mapping
        The other arguments of the call, for repairs.
    """

    expression: Any
    unknowns: tuple[Any, ...]
    names: Mapping[int, str]
    labels: Mapping[int, str] = field(default_factory=dict)
    owners: Mapping[int, str] = field(default_factory=dict)
    weights: Mapping[int, str] = field(default_factory=dict)
    bounds: Mapping[int, tuple[Any, Any]] = field(default_factory=dict)
    constraints: tuple[Any, ...] = ()
    about: str = ""
    network: Layer | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def tape(self) -> Tape:
        """The expression's nodes."""
        return Tape([self.expression])

    def name(self, leaf: Any) -> str:
        """The leaf's name."""
        return self.names.get(id(leaf)) or leaf.name()


def ask_about_network(
    network: Layer, wrt: Any, loss: Any, data: Any, inputs: str | None, weight_decay: float
) -> Question:
    """The question about a network, its weights or its training objective."""
    asked = check_blocks(network, wrt)
    x, y = make_data(network, data, inputs, loss, "input" in asked)
    tensors = make_tensors(network, asked)
    bound = network.bind(tensors)
    with recorded_calls() as calls:
        output = bound(x)
    names = {id(x): "x", id(y): "y"} | {id(t): name for name, t in tensors.items()}
    unknowns = [x] if "input" in asked else []
    unknowns += [t for t in tensors.values() if isinstance(t, cp.Variable)]
    expression = output if loss is None else objective(loss, flat(output), y)
    if weight_decay:
        expression = expression + weight_decay / 2 * sum(cp.sum_squares(u) for u in unknowns)
    return Question(
        expression=as_expression(expression),
        unknowns=tuple(unknowns),
        names=names,
        labels=labels_of(y, loss),
        owners=find_owners(bound, calls, x),
        weights=find_weights(bound, expression),
        about=describe(network, asked, loss, data, inputs),
        network=network,
        options={
            "wrt": wrt,
            "loss": loss,
            "data": data,
            "inputs": inputs,
            "weight_decay": weight_decay,
        },
    )


def objective(loss: Any, predictions: Any, y: Any) -> Any:
    """The loss as an expression; some losses need labels that are known."""
    try:
        return get_loss(loss).expression(predictions, y)
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, CvxnetError) or not isinstance(y, cp.Parameter):
            raise
        raise InputError(
            f"a verdict on the {loss} loss needs the labels: pass data=(X, y)."
        ) from error


def labels_of(y: Any, loss: Any) -> dict[int, str]:
    """What an unknown target holds, where the loss wants labels."""
    if loss is None or not get_loss(loss).labels or not isinstance(y, cp.Parameter):
        return {}
    return {id(y): "one_hot" if get_loss(loss).classes else "label"}


def as_expression(value: Any) -> cp.Expression:
    """A CVXPY expression; arrays become constants."""
    return value if isinstance(value, cp.Expression) else cp.Constant(value)


def flat(output: Any) -> Any:
    """Predictions as losses want them: a vector where the network has one output."""
    if output.ndim == 2 and output.shape[1] == 1:
        return output[:, 0]
    return output


def weight_names(network: Layer) -> dict[str, Any]:
    """The weights that training touches, by name."""
    layers = dict(network.named_layers())
    return {
        name: tensor
        for name, tensor in network.named_tensors().items()
        if name.rpartition(".")[2] not in layers[name.rpartition(".")[0]].statistics
    }


def check_blocks(network: Layer, wrt: Any) -> set[str]:
    """The names that are unknown: "input" and full weight names."""
    known = weight_names(network)
    asked: set[str] = set()
    for item in items_of(wrt):
        found = named_by(item, known) if isinstance(item, str) else set()
        if not found:
            blocks = sorted({name.rpartition(".")[0] for name in known} - {""})
            raise InputError(
                f"wrt={item!r} names nothing in this network. Use 'input', 'weights', a layer "
                f"({', '.join(map(repr, blocks)) or 'there are none with weights'}) or a weight "
                f"({', '.join(map(repr, list(known)[:4]))}, ...)."
            )
        asked |= found
    if not asked:
        raise InputError("wrt is empty; name 'input', 'weights' or some layers.")
    return asked


def named_by(item: str, known: Iterable[str]) -> set[str]:
    """What one word means: the input, all weights, those of a layer, or one."""
    if item in ("input", "x"):
        return {"input"}
    return {n for n in known if item in ("weights", n) or n.startswith(f"{item}.")}


def items_of(wrt: Any) -> list[Any]:
    """What ``wrt`` lists; one name or one variable alone is a list of one."""
    if wrt is None:
        return []
    single = isinstance(wrt, np.ndarray) and wrt.ndim == 0
    if single or isinstance(wrt, str | cp.Expression) or not isinstance(wrt, Iterable):
        return [wrt]
    return list(wrt)


def make_tensors(network: Layer, asked: set[str]) -> dict[str, Any]:
    """Variables for unknown weights and parameters for weights that were not given."""
    layers, tensors = dict(network.named_layers()), {}
    for name in weight_names(network):
        prefix, _, own = name.rpartition(".")
        layer = layers[prefix]
        if name not in asked and (layer.given or isinstance(layer.tensors[own], cp.Expression)):
            continue
        kind = cp.Variable if name in asked else cp.Parameter
        sign: Any = {layer.sign(own): True} if layer.sign(own) else {}
        tensors[name] = kind(layer.shape(own), **sign)
    return tensors


def make_data(
    network: Layer, data: Any, inputs: str | None, loss: Any, x_is_unknown: bool
) -> tuple[Any, Any]:
    """Data matrix and target: the given arrays, or one sample about which only signs are known."""
    if inputs not in (None, "any", "nonneg", "nonpos"):
        raise InputError(f"inputs is 'nonneg', 'nonpos' or 'any', not {inputs!r}.")
    if data is not None and not x_is_unknown:
        return given_data(network, data, loss)
    sign: Any = {inputs: True} if inputs in ("nonneg", "nonpos") else {}
    kind = cp.Variable if x_is_unknown else cp.Parameter
    x = kind((1, network.columns(1) or 1), **sign)
    if data is not None:
        return x, given_data(network, data, loss)[1][:1]
    return x, unknown_target(network.width(x.shape[1]) or 1, loss)


def unknown_target(outputs: int, loss: Any) -> cp.Parameter:
    """The target of one sample, a number for each output."""
    if loss is not None:
        check_loss(get_loss(loss), outputs)
    return cp.Parameter((1, outputs) if outputs > 1 else 1)


def given_data(network: Layer, data: Any, loss: Any) -> tuple[Any, Any]:
    """The given arrays, checked."""
    if isinstance(data, tuple) and len(data) != 2:
        raise InputError(f"data is (X, y) or X alone, not a tuple of {len(data)}.")
    X, y = data if isinstance(data, tuple) else (data, None)
    X = check_matrix(X)
    if loss is None:  # then no target is looked at
        return X, np.zeros(len(X))
    if y is None:
        raise InputError("a loss needs data=(X, y), and y is missing.")
    outputs = network.width(X.shape[1]) or 1
    check_loss(get_loss(loss), outputs)
    return X, given_target(y, len(X), outputs, get_loss(loss))


def check_loss(loss: Loss, outputs: int) -> None:
    """Refuse a loss of classes for a network that cannot tell any apart."""
    if loss.classes and outputs < 2:
        raise InputError(
            f"the {loss.name} loss takes one output for each class, but the network has {outputs}. "
            'Two classes and one output go with loss="logistic".'
        )


def given_target(y: Any, rows: int, outputs: int, loss: Loss) -> Array:
    """The target as the loss wants it: (rows,) for one output, (rows, outputs) for several.

    A class without samples is allowed here: the objective exists.
    """
    if loss.classes and ((labels := as_array(y, "y")).ndim == 1 or labels.shape[1:] == (1,)):
        y = label_rows(check_labels(y, "y"), outputs)
    y = check_target(y, rows, loss)
    check_outputs(outputs, y)
    return y


def label_rows(labels: NDArray[Any], outputs: int) -> Array:
    """A row with a 1 for each label's output: labels in order, or numbers of outputs from 0.

    >>> label_rows(np.array(["b", "a"]), 2).tolist(), label_rows(np.array([2, 0]), 3).tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """
    classes, place = np.unique(labels, return_inverse=True)
    if len(classes) != outputs:
        if not set(classes.tolist()) <= set(range(outputs)):
            raise InputError(
                f"y has {len(classes)} classes, but the network has {outputs} outputs. Labels of "
                f"any kind are taken where there are as many; else they must be numbers of "
                f"outputs, 0 to {outputs - 1}."
            )
        place = labels.astype(int)
    return np.eye(outputs)[place.ravel()]


def find_owners(network: Layer, calls: Iterable[Any], x: Any) -> dict[int, str]:
    """The innermost layer that made each node, by prefix."""
    prefixes = {id(layer): prefix for prefix, layer in network.named_layers()}
    owners: dict[int, str] = {id(x): ""}
    for layer, _, value in calls:  # innermost calls come first, so what is new is this layer's
        if isinstance(value, cp.Expression):
            for node in unowned(value, owners):
                owners[id(node)] = prefixes.get(id(layer), "")
    del owners[id(x)]
    return owners


def unowned(root: Any, owners: Mapping[int, str]) -> list[Any]:
    """The nodes below ``root`` that no layer has claimed yet."""
    found, stack, seen = [], [root], set()
    while stack:
        node = stack.pop()
        if id(node) in owners or id(node) in seen:
            continue
        seen.add(id(node))
        found.append(node)
        stack.extend(node.args)
    return found


def find_weights(network: Layer, expression: Any) -> dict[int, str]:
    """Which constants of the expression are weights, plain or transposed, by their numbers."""
    known: dict[Any, str] = {}
    for name, array in network.named_tensors().items():
        if isinstance(array, np.ndarray):
            known[array.T.shape, array.T.tobytes()] = f"{name}^T"
            known[array.shape, array.tobytes()] = name
    constants = [n for n in Tape([as_expression(expression)]).nodes if isinstance(n, cp.Constant)]
    keys = {id(n): (n.shape, dense(n.value).tobytes()) for n in constants}
    return {place: known[key] for place, key in keys.items() if key in known}


def describe(network: Layer, asked: set[str], loss: Any, data: Any, inputs: str | None) -> str:
    """The question in words."""
    what = "the output" if loss is None else f"the {loss} loss"
    if asked == set(weight_names(network)):
        unknowns = "all weights"
    elif asked == {"input"}:
        unknowns = "the input"
    else:
        unknowns = ", ".join(sorted(asked))
    sign = {"nonneg": " >= 0", "nonpos": " <= 0"}.get(inputs or "", "")
    where = f" for inputs{sign}" if sign else ""
    given = all(layer.given for _, layer in network.named_layers())
    free = "" if given or "input" not in asked else ", for all weights that the signs allow"
    return f"{what} in {unknowns}{where}{free}"


def ask_about_expression(expression: Any, wrt: Any = None) -> Question:
    """The question about a CVXPY expression, in all of its variables or in some."""
    expression = as_expression(expression)
    variables = [n for n in Tape([expression]).leaves() if isinstance(n, cp.Variable)]
    if wrt is not None:
        variables = chosen_variables(variables, wrt)
    return Question(
        expression=expression,
        unknowns=tuple(variables),
        names={},
        about=f"the expression in {', '.join(v.name() for v in variables) or 'no variables'}",
    )


def chosen_variables(variables: list[Any], wrt: Any) -> list[Any]:
    """The variables that ``wrt`` lists, themselves or by name."""
    asked = items_of(wrt)
    if not asked:
        raise InputError("wrt is empty; name some variables, or leave it out for all of them.")
    wanted = {item if isinstance(item, str) else id(item): item for item in asked}
    chosen = [v for v in variables if wanted.keys() & {id(v), v.name()}]
    known = {key for v in chosen for key in (id(v), v.name())}
    for key, item in wanted.items():
        if key not in known:
            raise unknown_variable(item, variables)
    return chosen


def unknown_variable(item: Any, variables: list[Any]) -> InputError:
    """The error about what names no variable."""
    shown = item.name() if isinstance(item, cp.Variable) else repr(item)
    names = ", ".join(v.name() for v in variables)
    return InputError(f"wrt={shown} names no variable of the expression; it has {names or 'none'}.")

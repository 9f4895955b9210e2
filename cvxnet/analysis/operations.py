"""What each CVXPY atom does, on batches of points and in any of the three arithmetics.

Every value has one more axis in front: the batch. An operation takes the node, the values of its
arguments and the arithmetic K (see `cvxnet.functions.arithmetic`), and returns the node's value.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.tape import Batch, Node, dense
from cvxnet.functions.arithmetic import Arithmetic, Undecided

Operation = Callable[[Node, list[Batch], Arithmetic], Batch]


def align(value: Batch, shape: tuple[int, ...]) -> Batch:
    """A batch of arrays of lower dimension, ready to broadcast with a batch of that shape.

    CVXPY calls ``1 / x`` a number where x is a matrix of one entry.
    """
    missing = len(shape) - (value.ndim - 1)
    if missing < 0:
        return value.reshape(value.shape[0], *shape)
    return value.reshape(value.shape[0], *(1,) * missing, *value.shape[1:])


def aligned(node: Node, values: list[Batch]) -> list[Batch]:
    """All values, ready to broadcast with the node."""
    return [align(value, node.shape) for value in values]


def axes_of(node: Node, axis: Any) -> tuple[int, ...]:
    """The batch array's axes for an atom's axis."""
    dimensions = range(len(node.args[0].shape))
    if axis is None:
        return tuple(d + 1 for d in dimensions)
    single = (axis,) if isinstance(axis, int | np.integer) else axis
    return tuple(d % len(dimensions) + 1 for d in single)


def rows_of(node: Node, value: Batch, axis: Any) -> Batch:
    """The reduced axes gathered into one last axis, the others in front."""
    axes = axes_of(node, axis)
    kept = [d for d in range(value.ndim) if d not in axes]
    moved = value.transpose(*kept, *axes)
    return moved.reshape(*(value.shape[d] for d in kept), -1)


def shaped(node: Node, value: Batch) -> Batch:
    """The value with the node's own shape behind the batch axis."""
    return value.reshape(value.shape[0], *node.shape)


def add(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A sum of terms."""
    total, dimensions = align(values[0], node.shape), len(node.shape) + 1
    for value in values[1:]:  # CVXPY flattens sums, so there may be hundreds of terms
        total = total + (value if value.ndim == dimensions else align(value, node.shape))
    return total


def negate(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The negative."""
    return -values[0]


def multiply(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A product, entry by entry."""
    left, right = aligned(node, values)
    return left * right


def divide(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A quotient, entry by entry."""
    return K.divide(*aligned(node, values))


def multiply_matrices(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A product of matrices or stacks of them, vectors or numbers."""
    left, right = values
    if left.ndim == 1 or right.ndim == 1:
        return multiply(node, values, K)
    if not K.exact:  # numpy hands only contiguous batches to BLAS
        left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    if left.ndim == 2 and right.ndim == 2:
        return (left * right).sum(axis=-1)
    left = left[:, None, :] if left.ndim == 2 else left
    right = right[:, :, None] if right.ndim == 2 else right
    shape = (0,) * (max(left.ndim, right.ndim) - 1)
    left, right = align(left, shape), align(right, shape)
    if not K.exact:
        return shaped(node, left @ right)
    # numpy's product of objects does not survive the `Undecided` of an entry
    return shaped(node, (left[..., None] * right[..., None, :, :]).sum(axis=-2))


def broadcast(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A copy along new axes."""
    value = align(values[0], node.shape)
    return np.broadcast_to(value, (value.shape[0], *node.shape))


def keep_wrapped(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """An assertion changes no value; points that break one about unknowns are no witnesses."""
    if K.exact and (node.variables() or node.parameters()):
        raise Undecided("an assertion about unknowns")
    return values[0]


def transpose(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Permuted axes."""
    axes = node.get_data()[0]
    inner = range(len(node.shape))[::-1] if axes is None else axes
    return values[0].transpose(0, *(a + 1 for a in inner))


def reshape(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The same entries in another shape, by rows or by columns."""
    value, order = values[0], node.get_data()[1]
    if order == "C":
        return value.reshape(value.shape[0], *node.shape)
    backwards = value.transpose(0, *range(value.ndim - 1, 0, -1))
    flat = backwards.reshape(value.shape[0], *node.shape[::-1])
    return flat.transpose(0, *range(len(node.shape), 0, -1))


def index(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Some of the entries."""
    inner = node.args[0].shape
    key = node.get_data()[-1]  # as it was written; CVXPY's own form of it breaks on negative steps
    places = np.arange(int(np.prod(inner, dtype=int))).reshape(inner)[key]
    flat = values[0].reshape(values[0].shape[0], -1)
    return shaped(node, flat[:, np.ravel(places)])


def stack_columns(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Blocks side by side."""
    parts = same_batch([v[:, None] if v.ndim == 1 else v for v in values])
    return shaped(node, np.concatenate(parts, axis=1 if len(node.shape) == 1 else 2))


def concatenate(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Blocks one after the other along an axis, or all entries in one row."""
    parts = same_batch(values)
    if node.axis is None:
        return np.concatenate([v.reshape(v.shape[0], -1) for v in parts], axis=1)
    return np.concatenate(parts, axis=node.axis % len(node.shape) + 1)


def stack_rows(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Blocks on top of each other."""
    parts = [v.reshape(v.shape[0], -1, node.shape[-1]) for v in values]
    return shaped(node, np.concatenate(same_batch(parts), axis=1))


def same_batch(values: list[Batch]) -> list[Batch]:
    """Constants carry a batch of one; stacking needs them as long as the rest."""
    longest = max(v.shape[0] for v in values)
    return [np.broadcast_to(v, (longest, *v.shape[1:])) for v in values]


def add_up(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A sum over axes."""
    return shaped(node, rows_of(node, values[0], node.get_data()[0]).sum(axis=-1))


def on_diagonal(count: int, k: int) -> tuple[Any, Any]:
    """The rows and columns of the ``count`` places of the k-th diagonal."""
    places = np.arange(count)
    return places + max(-k, 0), places + max(k, 0)


def put_on_diagonal(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A vector on a diagonal of a matrix of zeros."""
    zeros = K.number(np.zeros(node.shape))
    matrix = np.array(np.broadcast_to(zeros, (values[0].shape[0], *node.shape)))
    matrix[(slice(None), *on_diagonal(values[0].shape[1], node.k))] = values[0]
    return matrix


def take_diagonal(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """A diagonal of a matrix."""
    return values[0][(slice(None), *on_diagonal(node.shape[0], node.k))]


def trace(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The sum of the diagonal of each matrix."""
    size = np.arange(node.args[0].shape[-1])
    return values[0][..., size, size].sum(axis=-1)


def add_cumulatively(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Running sums along an axis."""
    axis = node.get_data()[0]
    value = values[0]
    if axis is None:
        return value.reshape(value.shape[0], -1).cumsum(axis=1)
    return value.cumsum(axis=axis % len(node.shape) + 1)


def take_maximum(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The largest argument, entry by entry."""
    return fold(K.maximum, aligned(node, values))


def take_minimum(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The smallest argument, entry by entry."""
    return fold(K.minimum, aligned(node, values))


def fold(function: Callable[[Batch, Batch], Batch], values: list[Batch]) -> Batch:
    """``function(function(v0, v1), v2) ...``."""
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result


def reduced(node: Node, value: Batch, function: Callable[[Batch, Batch], Batch]) -> Batch:
    """An array folded over the axes of the atom."""
    rows = rows_of(node, value, node.axis)
    return shaped(node, fold(function, [rows[..., k] for k in range(rows.shape[-1])]))


def find_maximum(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The largest entry."""
    return reduced(node, values[0], K.maximum)


def find_minimum(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The smallest entry."""
    return reduced(node, values[0], K.minimum)


def norm1(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The sum of absolute values."""
    return shaped(node, rows_of(node, K.absolute(values[0]), node.axis).sum(axis=-1))


def norm_inf(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The largest absolute value."""
    return reduced(node, K.absolute(values[0]), K.maximum)


def pnorm(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``(sum |x|^p)^(1/p)``."""
    rows, p = rows_of(node, values[0], node.axis), Fraction(node.p)
    rows = K.absolute(rows) if p >= 1 else rows  # at p = 1, too, where CVXPY rounds p to it
    return shaped(node, K.power(K.power(rows, p).sum(axis=-1), 1 / p))


def quad_over_lin(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``sum x^2 / y``."""
    top = (rows_of(node, values[0], node.axis) ** 2).sum(axis=-1)
    bottom = K.power(values[1], Fraction(-1))
    return shaped(node, top * bottom.reshape(-1, *(1,) * (top.ndim - 1)))


def quad_form(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``x' P x``."""
    x = values[0].reshape(values[0].shape[0], -1)
    return shaped(node, (x * (x[:, None, :] @ values[1])[:, 0, :]).sum(axis=-1))


def log_sum_exp(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``log sum exp x`` along an axis."""
    return shaped(node, K.log_sum_exp(rows_of(node, values[0], node.axis)))


def sum_largest(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The sum of the k largest entries; of the next one what k has beyond a whole number."""
    rows = K.sorted(rows_of(node, values[0], node.axis))[..., ::-1]
    whole, rest = int(node.k), node.k % 1
    total = rows[..., :whole].sum(axis=-1)
    if rest and whole < rows.shape[-1]:
        total = total + K.number(rest) * rows[..., whole]
    return shaped(node, total)


def multiply_all(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """The product of the entries."""
    rows = rows_of(node, values[0], node.axis)
    return shaped(node, fold(np.multiply, [rows[..., k] for k in range(rows.shape[-1])]))


def softmax(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``exp x / sum exp x`` along the last axis."""
    z = values[0]
    top = fold(K.maximum, [z[..., k] for k in range(z.shape[-1])])
    powers = K.exp(z - top[..., None])
    return K.divide(powers, powers.sum(axis=-1)[..., None])


def standardize(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """Centred and scaled along the last axis."""
    z, width = values[0], K.number(node.args[0].shape[-1])
    centred = z - K.divide(z.sum(axis=-1), width)[..., None]
    variance = K.divide((centred**2).sum(axis=-1), width) + K.number(node.eps)
    return centred * K.power(variance, Fraction(-1, 2))[..., None]


def power(node: Node, values: list[Batch], K: Arithmetic) -> Batch:
    """``x^p`` on its domain."""
    exponent = exponent_of(node)
    if exponent is None:
        raise Undecided("a power whose exponent is not known")
    return K.power(values[0], exponent)


def exponent_of(node: Node) -> Fraction | None:
    """The exponent of a power atom; None for other nodes and for a parameter (any number)."""
    p = getattr(node, "p", None)
    if p is None or isinstance(p, cp.Parameter):
        return None
    p = p.value if isinstance(p, cp.Constant) else p
    return p if isinstance(p, Fraction) else Fraction(float(p))


def number_of(option: Any) -> float:
    """An option as a number."""
    return float(dense(option.value)) if isinstance(option, cp.Expression) else float(option)


def has_free_option(node: Node) -> bool:
    """Whether an option of the atom is a parameter, which the arguments do not show."""
    options = node.get_data() or ()
    return any(isinstance(option, cp.Expression) and option.parameters() for option in options)


def by_cvxpy(node: Node, values: list[Batch]) -> Batch:
    """What CVXPY computes, silently."""
    with np.errstate(all="ignore"):
        return node.numeric(values)


def point_by_point(node: Node, values: list[Batch]) -> Batch:
    """An atom that only CVXPY knows; NaN where it has no finite value."""
    results = []
    for point in zip(*same_batch(values), strict=True):
        try:
            results.append(np.reshape(by_cvxpy(node, list(point)), node.shape))
        except (ArithmeticError, AssertionError, ValueError, np.linalg.LinAlgError):
            results.append(np.full(node.shape, np.nan))
    return np.array(results, dtype=np.float64)

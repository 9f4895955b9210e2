"""Log-log curvature: ``log f(exp u)`` convex or concave in u, on the positive orthant.

CVXPY's DGP rules reject every ReLU network, because the constant 0 in ``max(z, 0)`` has no
logarithm. Where z > 0 the ReLU never clips, so these rules know more. They make the log-log facts
about a node from those about its arguments, all of which are positive or zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis.operations import Operation, axes_of, exponent_of
from cvxnet.analysis.tape import Node
from cvxnet.functions.arithmetic import FLOATS

Mask = NDArray[np.bool_]
FIELDS = ("zero", "positive", "convex", "concave")


@dataclass(frozen=True)
class LogLog:
    """Entrywise: zero, positive (else nothing is known), log-log convex, log-log concave."""

    zero: Mask
    positive: Mask
    convex: Mask
    concave: Mask

    @property
    def usable(self) -> bool:
        """Whether every entry is positive or zero."""
        return bool((self.zero | self.positive).all())

    def curvature(self) -> str:
        """One word for all entries."""
        convex, concave = self.convex.all(), self.concave.all()
        if convex and concave:
            return "affine"
        return "convex" if convex else "concave" if concave else "unknown"

    def masks(self, shape: tuple[int, ...]) -> list[Mask]:
        """All fields with a larger shape, or another one of the same size."""
        masks = [getattr(self, field) for field in FIELDS]
        return [
            m.reshape(shape) if m.size == np.prod(shape) else np.broadcast_to(m, shape)
            for m in masks
        ]


LogLogRule = Callable[[Node, list[LogLog]], LogLog]


def nothing(node: Node) -> LogLog:
    """No claim at all."""
    no = np.zeros(node.shape, dtype=bool)
    return LogLog(no, no, no, no)


def move(evaluate: Operation, node: Node, args: list[LogLog]) -> LogLog:
    """Entries that are only moved; nothing need be known about them."""
    batches = [np.array(arg.masks(arg.zero.shape), dtype=float) for arg in args]
    return LogLog(*(mask > 0.5 for mask in evaluate(node, batches, FLOATS)))


def keep(node: Node, args: list[LogLog]) -> LogLog:
    """A function that is the identity above zero."""
    return args[0]


def exponentiate(node: Node, args: list[LogLog]) -> LogLog:
    """Exponentials and softplus are log-log convex, rising and positive."""
    no = np.zeros(node.shape, dtype=bool)
    return LogLog(no, ~no, args[0].convex | args[0].zero, no)


BY_PROFILE: dict[str, LogLogRule] = {"identity": keep, "convex": exponentiate}
"""The rules of functions of one argument, by what their profiles claim."""


def power(node: Node, args: list[LogLog]) -> LogLog:
    """Powers multiply the logarithm."""
    exponent, arg = exponent_of(node), args[0]
    if exponent is not None and exponent > 0:
        return arg
    if exponent is not None and exponent < 0 and arg.positive.all():
        return inverse(arg)
    return nothing(node)


def join(node: Node, args: list[LogLog]) -> LogLog:
    """Sums and maxima, entry by entry."""
    masks = np.array([arg.masks(node.shape) for arg in args])
    return united(*masks.swapaxes(0, 1), axes=0)


def add_up(node: Node, args: list[LogLog]) -> LogLog:
    """A sum over entries."""
    arg, axes = args[0], tuple(a - 1 for a in axes_of(node, node.get_data()[0]))
    found = united(arg.zero, arg.positive, arg.convex, arg.concave, axes=axes)
    return LogLog(*found.masks(node.shape))


def united(zero: Mask, positive: Mask, convex: Mask, concave: Mask, *, axes: Any) -> LogLog:
    """Sums and maxima of log-log convex terms are so; concave only where one term is left.

    Zeros add nothing and never win.
    """
    alone = (~zero).sum(axes) == 1
    return LogLog(
        zero.all(axes),
        positive.any(axes),
        (convex | zero).all(axes),
        alone & (concave | zero).all(axes),
    )


def square_and_divide(node: Node, args: list[LogLog]) -> LogLog:
    """Squares keep log-log curvature: a quotient of a sum."""
    if node.axis is not None or not args[1].positive.all():
        return nothing(node)
    top, bottom = add_up(node, args[:1]), LogLog(*args[1].masks(node.shape))
    return product(top, inverse(bottom))


def multiply(node: Node, args: list[LogLog]) -> LogLog:
    """Logarithms add under products."""
    left, right = (LogLog(*arg.masks(node.shape)) for arg in args)
    return product(left, right)


def divide(node: Node, args: list[LogLog]) -> LogLog:
    """They are subtracted under quotients."""
    left, right = (LogLog(*arg.masks(node.shape)) for arg in args)
    return product(left, inverse(right)) if right.positive.all() else nothing(node)


def product(left: LogLog, right: LogLog) -> LogLog:
    """The product of two functions."""
    return LogLog(
        left.zero | right.zero,
        left.positive & right.positive,
        left.convex & right.convex,
        left.concave & right.concave,
    )


def inverse(fact: LogLog) -> LogLog:
    """The logarithm of ``1 / f`` is minus that of f."""
    return LogLog(fact.zero, fact.positive, fact.concave, fact.convex)


def multiply_matrices(node: Node, args: list[LogLog]) -> LogLog:
    """A sum of products."""
    left, right = args
    if not left.zero.shape or not right.zero.shape:
        return multiply(node, args)

    def count(a: Mask, b: Mask) -> NDArray[np.float64]:
        return np.reshape(a.astype(float) @ b.astype(float), node.shape)

    def bad(one: Mask, other: Mask) -> NDArray[np.float64]:
        first = count(~one & left.positive, right.positive)
        return first + count(left.positive, ~other & right.positive)

    terms = count(left.positive, right.positive)
    convex, concave = bad(left.convex, right.convex) < 0.5, bad(left.concave, right.concave) < 0.5
    return LogLog(terms < 0.5, terms > 0.5, convex, (terms < 1.5) & concave)

"""How atoms are products: their factors with their powers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import DivExpression, MulExpression, NegExpression, multiply
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_same, square_of
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.rewriting.entries import entry_of
from cvxnet.analysis.tape import bare
from cvxnet.layers.atoms import sigmoid

Powers: TypeAlias = list[tuple[Any, Fraction]]
"""Bases with their powers."""
ONE = Fraction(1)
LARGEST_DENOMINATOR = 1000
EPSILON = Fraction(1, 2**52)


def is_even(power: Fraction) -> bool:
    """Whether a power is 2, 4, ... or -2, -4, ..."""
    return power.denominator == 1 and power.numerator % 2 == 0


def short_power(power: Fraction) -> Fraction:
    """A power that was written in decimals as the fraction that was meant: 1.2 as 6/5."""
    short = power.limit_denominator(LARGEST_DENOMINATOR)
    return short if abs(short - power) <= EPSILON * abs(power) else power


def split_power(node: Any) -> Powers | None:
    """``x^p``; an even root of a square is an absolute value, which bases of free sign keep."""
    power = exponent_of(node)
    return None if power is None else [(node.args[0], short_power(power))]


def split_matrix_product(node: Any) -> Powers | None:
    """``x @ x`` as the square of a norm."""
    left, right = node.args
    if len(left.shape) == 1 and is_same(left, right):
        return entries_norm(left, Fraction(2))
    return None


def entries_norm(vector: Any, power: Fraction) -> Powers:
    """The Euclidean norm of all entries to a power; factors of all entries stand before it."""
    inner = bare(vector)
    if isinstance(inner, multiply | DivExpression):
        left, right = inner.args
        if bare(left).size == 1 and isinstance(inner, multiply):
            left, right = right, left
        if bare(right).size == 1:
            sign = ONE if isinstance(inner, multiply) else -ONE
            scalar = cp.abs(bare(right))
            return [*entries_norm(left, power), (scalar, sign * power)]
    plain = len(inner.shape) <= 1
    return [(cp.norm(inner if plain else cp.vec(inner, order="F")), power)]


def split_norm(node: Any) -> Powers | None:
    """The norm of a multiple."""
    vector = bare(node.args[0])
    if (
        str(node.p) != "2"
        or node.axis is not None
        or not isinstance(vector, multiply | DivExpression)
    ):
        return None
    found = entries_norm(vector, ONE)
    return found if len(found) > 1 else None


def split_sum(node: Any) -> Powers | None:
    """A sum of squares as the square of a norm."""
    squared = square_of(node.args[0])
    if node.shape or squared is None or squared.shape != node.args[0].shape:
        return None
    return entries_norm(squared, Fraction(2))


def split_squares(node: Any) -> Powers | None:
    """A sum of squares over a number."""
    if node.axis is not None:
        return None
    return [*entries_norm(node.args[0], Fraction(2)), (node.args[1], -ONE)]


def split_product(node: Any) -> Powers | None:
    """The product of all entries."""
    vector = node.args[0]
    if node.axis is not None or vector.size > LARGEST_DENOMINATOR:
        return None
    return [(entry_of(vector, place), ONE) for place in np.ndindex(vector.shape)]


def split_absolute(node: Any) -> Powers | None:
    """``|x y| = |x| |y|``."""
    inner = bare(node.args[0])
    if isinstance(inner, multiply | DivExpression):
        sign = ONE if isinstance(inner, multiply) else -ONE
        return [(cp.abs(inner.args[0]), ONE), (cp.abs(inner.args[1]), sign)]
    return [(inner.args[0], ONE)] if isinstance(inner, NegExpression) else None


SPLITS: tuple[tuple[Any, Callable[[Any], Powers | None]], ...] = (
    (multiply, lambda node: [(arg, ONE) for arg in node.args]),
    (DivExpression, lambda node: [(node.args[0], ONE), (node.args[1], -ONE)]),
    (NegExpression, lambda node: [(cp.Constant(-1.0), ONE), (node.args[0], ONE)]),
    (POWERS, split_power),
    (MulExpression, split_matrix_product),
    (cp.Sum, split_sum),
    (cp.quad_over_lin, split_squares),
    (cp.abs, split_absolute),
    (cp.Prod, split_product),
    (cp.Pnorm, split_norm),
    (sigmoid, lambda node: [(1.0 + cp.exp(-node.args[0]), -ONE)]),
)
"""How an atom is a product: its factors with their powers, or None."""


def splits_of(node: Any) -> Iterator[Powers]:
    """The ways in which a node is a product."""
    found = (split(node) for kind, split in SPLITS if isinstance(node, kind))
    return (parts for parts in found if parts is not None)

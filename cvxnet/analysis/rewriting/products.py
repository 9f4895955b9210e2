"""Expressions as products of powers and exponentials, and as sums of multiples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import truediv
from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import (
    AddExpression,
    DivExpression,
    MulExpression,
    NegExpression,
    multiply,
)
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_number, is_same, square_of
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.rewriting.entries import entry_of
from cvxnet.analysis.tape import bare, dense
from cvxnet.layers.atoms import sigmoid

IsNonneg = Callable[[Any], bool]
"""Whether an expression is proved to be >= 0."""
Powers: TypeAlias = list[tuple[Any, Fraction]]
"""Bases with their powers."""


@dataclass(frozen=True)
class Product:
    """``scale * prod base^power * exp(exponent)``, for bases >= 0 where powers are not even.

    Attributes
    ----------
    scale : CVXPY expression
        A constant.
    powers : tuple of (CVXPY expression, Fraction)
        Different bases, with powers other than zero.
    exponent : CVXPY expression or None
    """

    scale: Any
    powers: tuple[tuple[Any, Fraction], ...]
    exponent: Any

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing but the scale."""
        return not self.powers and self.exponent is None

    @property
    def above(self) -> Powers:
        """The bases with powers > 0."""
        return [(base, power) for base, power in self.powers if power > 0]

    @property
    def below(self) -> Powers:
        """The bases in the denominator, with their powers there."""
        return [(base, -power) for base, power in self.powers if power < 0]


@dataclass
class Factors:
    """Collects the factors of an expression."""

    is_nonneg: IsNonneg
    is_granted: IsNonneg
    scales: list[Any] = field(default_factory=list)
    powers: Powers = field(default_factory=list)
    exponents: list[Any] = field(default_factory=list)

    def take(self, node: Any, power: Fraction) -> None:
        """The factors of ``node^power``."""
        node = bare(node)
        if node.is_constant():
            self.take_constant(node, power)
        elif not any(self.take_parts(parts, power) for parts in splits_of(node)):
            if isinstance(node, cp.exp):
                self.take_exponential(node.args[0], power)
            else:
                self.take_base(node, power)

    def take_constant(self, node: Any, power: Fraction) -> None:
        """A constant, unless it is one."""
        if not is_number(node, 1.0):
            self.scales.append(power_of(node, power))

    def take_parts(self, parts: Powers, power: Fraction) -> bool:
        """The factors of a power of a product, if it may be split."""
        if is_square_below(parts, power):
            self.take_base(cp.abs(parts[0][0]), power * parts[0][1])
            return True
        if not self.may_split(parts, power):
            return False
        for part, inner in parts:
            self.take(part, power * inner)
        return True

    def take_exponential(self, exponent: Any, power: Fraction) -> None:
        """``exp(a log x + e)^power`` as ``x^(a power) exp(power e)``."""
        rest: Any = None
        for factor, term in linear_terms(exponent):
            number = number_of(factor)
            if type(term) is cp.log and number is not None:
                self.take(term.args[0], power * number)
            else:
                part = scaled(factor if power == 1 else float(power) * factor, term)
                rest = part if rest is None else rest + part
        if rest is not None:
            self.exponents.append(rest)

    def may_split(self, parts: Powers, power: Fraction) -> bool:
        """Whether ``(u^a v^b)^c = u^(ac) v^(bc)``: all powers whole, or all bases >= 0."""
        whole = power.denominator == 1 and all(a.denominator == 1 for _, a in parts)
        return whole or all(self.is_nonneg(part) or self.is_granted(part) for part, _ in parts)

    def take_base(self, node: Any, power: Fraction) -> None:
        """A base, with its power added to that of the same base."""
        inner = node
        if isinstance(node, cp.abs) and (is_even(power) or self.is_nonneg(node.args[0])):
            inner = node.args[0]
        if power.denominator == 1 and not self.is_nonneg(inner) and self.is_nonneg(-inner):
            inner = -inner
            self.scales += [cp.Constant(-1.0)] * (power.numerator % 2)
        place = place_of(inner, (base for base, _ in self.powers))
        if place is None:
            self.powers.append((inner, power))
        else:
            base, other = self.powers[place]
            self.powers[place] = base, other + power

    def product(self) -> Product:
        """All factors together."""
        scale = cp.Constant(1.0)
        for factor in self.scales:
            scale = scaled(scale, factor)
        powers = tuple((base, power) for base, power in self.powers if power != 0)
        exponent = None
        for part in self.exponents:
            exponent = part if exponent is None else exponent + part
        return Product(scale, powers, exponent)


ONE = Fraction(1)
LARGEST_DENOMINATOR = 1000
EPSILON = Fraction(1, 2**52)


def never(expression: Any) -> bool:
    """Nothing is taken for granted."""
    return False


def is_square_below(parts: Powers, power: Fraction) -> bool:
    """Whether a root is taken of an even power: of an absolute value, then."""
    return len(parts) == 1 and power.denominator != 1 and is_even(parts[0][1])


def product_of(node: Any, is_nonneg: IsNonneg, is_granted: IsNonneg = never) -> Product:
    """An expression as a product; entry by entry, if it has several."""
    factors = Factors(is_nonneg, is_granted)
    factors.take(node, ONE)
    return factors.product()


def linear_terms(node: Any) -> list[tuple[Any, Any]]:
    """An expression as a sum of constants times terms, which are no sums themselves."""
    node = bare(node)
    if isinstance(node, AddExpression):
        return [pair for arg in node.args for pair in linear_terms(arg)]
    if isinstance(node, NegExpression):
        return [(-factor, term) for factor, term in linear_terms(node.args[0])]
    if isinstance(node, multiply | DivExpression):
        whole, constant = constant_apart(node)
        change = truediv if isinstance(node, DivExpression) else scaled
        if constant is not None:
            return [(change(factor, constant), term) for factor, term in linear_terms(whole)]
    return [(cp.Constant(1.0), node)]


def constant_apart(node: Any) -> tuple[Any, Any]:
    """A product or quotient as something and the constant that it is multiplied with or over.

    The second is None where there is no such constant, or nothing else.
    """
    left, right = node.args
    if left.is_constant() and isinstance(node, multiply):
        left, right = right, left
    return (left, right) if right.is_constant() and not left.is_constant() else (node, None)


def number_of(factor: Any) -> Fraction | None:
    """The value of a constant that is the same for all entries, or None."""
    if factor.parameters() or factor.value is None:
        return None
    values = np.unique(dense(factor.value))
    return Fraction(float(values[0])) if values.size == 1 and np.isfinite(values[0]) else None


def scaled(factor: Any, term: Any) -> Any:
    """A constant times a term."""
    if is_number(factor, 1.0):
        return term
    if is_number(term, 1.0) and bare(term).shape == ():
        return factor
    return -term if is_number(factor, -1.0) else cp.multiply(factor, term)


def added(parts: Iterable[Any]) -> Any:
    """A sum of expressions, without the constants that are zero."""
    kept = [part for part in parts if not is_number(part, 0.0)]
    return sum(kept[1:], kept[0]) if kept else cp.Constant(0.0)


def folded(constant: Any) -> Any:
    """A constant as a number, where its value is known."""
    return constant if constant.parameters() else cp.Constant(dense(constant.value))


def multiplied(factors: list[Any]) -> Any:
    """A product of expressions, entry by entry."""
    return reduce(cp.multiply, factors) if factors else cp.Constant(1.0)


def place_of(node: Any, known: Iterable[Any]) -> int | None:
    """The place of the same expression among others, or None."""
    return next((place for place, other in enumerate(known) if is_same(other, node)), None)


def degree_of(powers: Iterable[tuple[Any, Fraction]]) -> Fraction:
    """The sum of powers."""
    return sum((power for _, power in powers), Fraction(0))


def raised(base: Any, power: Fraction) -> Any:
    """A power as cp.power; the base itself, if it is one."""
    return base if power == 1 else cp.power(base, power)


def is_itself(found: Product, node: Any) -> bool:
    """Whether nothing was found out about a node: it is a factor of itself, or a constant."""
    if not found.powers:
        return found.exponent is None
    base, power = found.powers[0]
    return len(found.powers) == 1 and base is bare(node) and power == 1


def logarithms_of(found: Product) -> list[Any]:
    """What adds up to the logarithm of a product."""
    parts = [] if is_number(found.scale, 1.0) else [cp.log(found.scale)]
    parts += [] if found.exponent is None else [found.exponent]
    return parts + [scaled(cp.Constant(float(a)), cp.log(base)) for base, a in found.powers]


def is_even(power: Fraction) -> bool:
    """Whether a power is 2, 4, ... or -2, -4, ..."""
    return power.denominator == 1 and power.numerator % 2 == 0


def power_of(node: Any, power: Fraction) -> Any:
    """A power of an expression."""
    if is_number(node, 1.0) or power == 1:
        return node
    return cp.inv_pos(node) if power == -1 else cp.power(node, short_power(power))


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

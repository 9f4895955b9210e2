"""Expressions as products of powers and exponentials, and as sums of multiples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from operator import truediv
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import (
    AddExpression,
    DivExpression,
    NegExpression,
    multiply,
)
from cvxnet.analysis.identities import is_number, is_same
from cvxnet.analysis.rewriting.splits import ONE, Powers, is_even, short_power, splits_of
from cvxnet.analysis.tape import bare, dense

IsNonneg = Callable[[Any], bool]
"""Whether an expression is proved to be >= 0."""


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


def power_of(node: Any, power: Fraction) -> Any:
    """A power of an expression."""
    if is_number(node, 1.0) or power == 1:
        return node
    return cp.inv_pos(node) if power == -1 else cp.power(node, short_power(power))

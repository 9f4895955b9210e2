"""Quotients by something positive: with one denominator, with like terms collected."""

from __future__ import annotations

from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import DivExpression, multiply
from cvxnet.analysis.identities import is_number, is_same
from cvxnet.analysis.rewriting.products import (
    Product,
    added,
    folded,
    linear_terms,
    multiplied,
    place_of,
    product_of,
    raised,
    scaled,
)
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.rewriting.squares import form_of, over_affine

Terms: TypeAlias = list[tuple[Any, Any]]
"""Constants with what they multiply."""


def over_line(node: Any, goal: str, forms: Forms) -> Any:
    """A quadratic function over an affine one."""
    if not isinstance(node, multiply | DivExpression):
        return None
    parts = numerator_and_denominator(node, forms)
    return None if parts is None else over(*parts, goal, forms)


def over(top: Any, bottom: Any, goal: str, forms: Forms) -> Any:
    """The same of the numerator and the denominator; of a sum, term by term if need be."""
    above, below = form_of(top, forms.question), form_of(bottom, forms.question)
    if above is not None and below is not None and below.affine:
        found = over_affine(above, below, goal, forms.question)
        if found is not None:
            forms.rounded |= found.rounded
            return found.expression
    terms = linear_terms(top)
    if len(terms) < 2:
        return None
    parts = forms.all_of([scaled(factor, term) / bottom for factor, term in terms], goal)
    return None if parts is None else added(parts)


def numerator_and_denominator(node: Any, forms: Forms) -> tuple[Any, Any] | None:
    """``u / v`` with v > 0, of a product in which v alone has the power -1; or None."""
    found = product_of(node, forms.is_nonneg)
    if len(found.below) != 1 or not is_rational(found):
        return None
    bottom, power = found.below[0]
    if not forms.is_nonneg(bottom) and not forms.is_granted(bottom):
        return None
    if power != 1:
        return None
    factors = [] if is_number(found.scale, 1.0) else [found.scale]
    factors += [base for base, times in found.above for _ in range(int(times))]
    return multiplied(factors), bottom


def is_rational(found: Product) -> bool:
    """Whether it has whole powers only, and no exponential."""
    return found.exponent is None and all(p.denominator == 1 for _, p in found.powers)


def over_one_denominator(argument: Any, forms: Forms) -> Any:
    """``a + b / y`` as ``(a y + b) / y`` for y >= 0; other expressions as they are."""
    terms = linear_terms(argument)
    if len(terms) < 2:
        return argument
    splits = [numerator_and_denominator(scaled(f, t), forms) for f, t in terms]
    below = [split[1] for split in splits if split is not None]
    if not below or not all(is_same(below[0], other) for other in below):
        return argument
    tops = [
        cp.multiply(scaled(factor, term), below[0]) if split is None else split[0]
        for (factor, term), split in zip(terms, splits, strict=True)
    ]
    top = added(tops)
    like = gather_like(linear_terms(top), forms)
    return (top if like is None else added(like)) / below[0]


def collected(argument: Any, forms: Forms) -> Any:
    """A sum over one denominator, or with like terms collected; other expressions as they are."""
    whole = over_one_denominator(argument, forms)
    if whole is not argument:
        return whole
    like = gather_like(linear_terms(argument), forms)
    return argument if like is None else added(like)


def gather_quotients(terms: Terms, forms: Forms) -> list[Any] | None:
    """Quotients with one denominator as one."""
    groups: list[tuple[Any, Any]] = []
    others = []
    for factor, term in terms:
        part = scaled(factor, term)
        split = numerator_and_denominator(part, forms) if not part.is_affine() else None
        if split is None:
            others.append(part)
            continue
        place = place_of(split[1], (bottom for _, bottom in groups))
        if place is None:
            groups.append(split)
        else:
            top, bottom = groups[place]
            groups[place] = top + split[0], bottom
    if len(groups) + len(others) == len(terms):
        return None
    return [*(top / bottom for top, bottom in groups), *others]


def gather_like(terms: Terms, forms: Forms) -> list[Any] | None:
    """Multiples of one product as one."""
    groups: list[tuple[Any, Product, Any]] = []
    for factor, term in terms:
        found = product_of(term, forms.is_nonneg)
        for place, (scale, other, like) in enumerate(groups):
            if is_like(found, other):
                groups[place] = scale + cp.multiply(factor, found.scale), other, like
                break
        else:
            plain = is_number(found.scale, 1.0)
            groups.append((cp.multiply(factor, found.scale), found, term if plain else None))
    if len(groups) == len(terms):
        return None
    kept = [
        scaled(folded(scale), plainly(found) if like is None else like)
        for scale, found, like in groups
        if scale.parameters() or np.any(scale.value)
    ]
    return kept or [cp.Constant(0.0)]


def is_like(one: Product, two: Product) -> bool:
    """Whether two products differ in their constants only."""
    if len(one.powers) != len(two.powers) or (one.exponent is None) != (two.exponent is None):
        return False
    if one.exponent is not None and not is_same(one.exponent, two.exponent):
        return False
    return all(
        any(power == other and is_same(base, same) for same, other in two.powers)
        for base, power in one.powers
    )


def plainly(found: Product) -> Any:
    """A product without its scale."""
    factors = [raised(base, power) for base, power in found.powers]
    return multiplied([*factors, *([] if found.exponent is None else [cp.exp(found.exponent)])])

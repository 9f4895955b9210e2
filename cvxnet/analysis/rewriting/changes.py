"""Inequalities seen differently: ways to change both sides that keep the points.

Each takes the sides and gives lists of inequalities; those of one list hold together where the
first does. For equations some of them do as well.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.rewriting.product_forms import mean_of
from cvxnet.analysis.rewriting.products import (
    Product,
    added,
    degree_of,
    folded,
    linear_terms,
    logarithms_of,
    multiplied,
    number_of,
    power_of,
    product_of,
    raised,
    scaled,
)
from cvxnet.analysis.rewriting.quotients import plainly
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.rewriting.splits import is_even
from cvxnet.analysis.tape import bare

MOST_DENOMINATORS = 3  # that both sides of an inequality are multiplied with, one at a time
Sides = tuple[Any, Any]
"""Left and right of an inequality."""
Change = Callable[[Sides, Forms], list[list[Sides]]]
"""The ways to write an inequality differently; each is inequalities that hold together."""


def as_products(sides: Sides, forms: Forms) -> tuple[list[Product], list[Product]]:
    """The positive terms of both sides: those that stay left and those that stay right."""
    left: list[Product] = []
    right: list[Product] = []
    for (factor, term), here, there in (
        *((pair, left, right) for pair in linear_terms(sides[0])),
        *((pair, right, left) for pair in linear_terms(sides[1])),
    ):
        found = product_of(scaled(factor, term), forms.is_nonneg)
        if number_of(found.scale) == 0:
            continue
        negative = found.scale.is_nonpos()
        target = there if negative else here
        scale = folded(-found.scale if negative else found.scale)
        target.append(Product(scale, found.powers, found.exponent))
    return left, right


def expression_of(found: Product) -> Any:
    """A product as an expression."""
    return found.scale if found.is_constant else scaled(found.scale, plainly(found))


def total_of(terms: list[Product]) -> Any:
    """A sum of products."""
    return added(map(expression_of, terms))


def is_positive(term: Product, forms: Forms) -> bool:
    """Whether a product is certainly >= 0."""
    if not term.scale.is_nonneg():
        return False
    return all(is_even(power) or forms.is_nonneg(base) for base, power in term.powers)


def split_extremes(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``max(u) <= c`` as all ``u <= c``; ``c <= min(u)``, ``|u| <= c`` likewise."""
    left, right = sides
    below = members_of(bare(left), (cp.maximum, cp.max), right)
    above = members_of(bare(right), (cp.minimum, cp.min), left)
    if isinstance(bare(left), cp.abs):
        u = bare(left).args[0]
        below = [u, -u]
    found = [(u, right) for u in below] or [(left, u) for u in above]
    return [found] if found else []


def members_of(node: Any, kinds: tuple[Any, Any], other: Any) -> list[Any]:
    """What an extreme is taken of, of arguments or of all entries; nothing of other expressions."""
    of_arguments, of_entries = kinds
    if isinstance(node, of_arguments):
        return [*node.args]
    whole = isinstance(node, of_entries) and node.axis is None and other.size == 1
    return [node.args[0]] if whole else []


def multiply_out(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """Both sides times a denominator that is positive."""
    left, right = as_products(sides, forms)
    below = [pair for term in (*left, *right) for pair in term.below if forms.is_nonneg(pair[0])]
    found: list[list[Sides]] = []
    for base, power in below[:MOST_DENOMINATORS]:
        factor = raised(base, power)
        one, other = (
            added(times(expression_of(t), factor, forms) for t in terms) for terms in (left, right)
        )
        found.append([(one, other)])
    return found


def times(term: Any, factor: Any, forms: Forms) -> Any:
    """A product of two expressions, with what cancels left out."""
    return expression_of(product_of(cp.multiply(term, factor), forms.is_nonneg))


def undo_logarithms(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``a log x - b log y <= c`` as ``x^a exp(-c) <= y^b``."""
    logs = linear_terms(sides[0] - sides[1])
    if not any(type(bare(term)) is cp.log for _, term in logs):
        return []
    left: list[Any] = []
    right: list[Any] = []
    rest: Any = cp.Constant(0.0)
    for factor, term in logs:
        number = number_of(factor)
        if type(bare(term)) is cp.log and number is not None:
            factors = left if number > 0 else right
            factors.append(raised(bare(term).args[0], abs(number)))
        else:
            rest = rest + scaled(factor, term)
    if not rest.is_affine():
        return []
    if rest.is_constant():
        right.append(folded(cp.exp(-rest)))
    else:
        left.append(cp.exp(rest))
    return [[(multiplied(left), multiplied(right))]]


def take_logarithms(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``f <= g`` for positive f and a product g as ``log f <= log g``."""
    left, right = as_products(sides, forms)
    positive = all(is_positive(term, forms) for term in (*left, *right))
    if len(right) != 1 or not left or not positive:
        return []
    if all(term.exponent is None for term in (*left, *right)):
        return []
    return [[(cp.log(total_of(left)), added(logarithms_of(right[0])))]]


def take_roots(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``f <= c x^a y^b`` as the root of f of degree a + b below a geometric mean."""
    left, right = as_products(sides, forms)
    if len(right) != 1 or not left or not is_monomial(right[0], forms):
        return []
    powers, f = right[0].above, total_of(left)
    total, mean = degree_of(powers), mean_of(powers, forms.kit)
    same = total == 1 and not f.is_constant()
    if mean is None or same or not is_positive_total(left, f, forms):
        return []
    size = folded(power_of(right[0].scale, 1 / total))
    return [[(root_of(f, total), scaled(size, mean))]]


def is_monomial(term: Product, forms: Forms) -> bool:
    """Whether it is ``c x^a y^b``, certainly >= 0, with powers above zero."""
    plain = term.exponent is None and bool(term.above) and not term.below
    return plain and is_positive(term, forms)


def is_positive_total(terms: list[Product], total: Any, forms: Forms) -> bool:
    """Whether a sum is certainly >= 0, as a whole or in each of its terms."""
    whole = forms.is_nonneg(total) or bool(total.is_nonneg())
    return whole or all(is_positive(term, forms) for term in terms)


def root_of(f: Any, degree: Fraction) -> Any:
    """A root, of a constant as a number."""
    root = power_of(f, 1 / degree)
    return folded(root) if root.is_constant() else root


def isolate_power(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``c x^a <= d`` as ``x <= (d / c)^(1/a)``, and the same with >=."""
    left, right = as_products(sides, forms)
    constant = [all(term.is_constant for term in terms) for terms in (left, right)]
    if constant[0] == constant[1]:
        return []
    moving, fixed = (right, left) if constant[0] else (left, right)
    value = total_of(fixed)
    if not is_power(moving, forms) or not value.is_nonneg() or number_of(value) == 0:
        return []
    base, power = moving[0].powers[0]
    bound = folded(power_of(value / moving[0].scale, 1 / power))
    below = constant[1] == (power > 0)  # x on the left of a rising power stays there
    return [[(base, bound) if below else (bound, base)]]


def is_power(terms: list[Product], forms: Forms) -> bool:
    """Whether it is one ``c x^a`` with x >= 0 and a other than one."""
    if len(terms) != 1 or terms[0].exponent is not None or len(terms[0].powers) != 1:
        return False
    base, power = terms[0].powers[0]
    return power != 1 and forms.is_nonneg(base)


def undo_monotone(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``phi(u) <= c`` as ``u <= phi^-1(c)`` for a rising phi."""
    left, right = sides
    found = []
    for one, other, on_the_left in ((left, right, True), (right, left, False)):
        inside = inverted(one, other) if other.is_constant() else None
        if inside is not None:
            u, value, rises = inside
            found.append([(u, value) if rises == on_the_left else (value, u)])
    return found


def inverted(expression: Any, constant: Any) -> tuple[Any, Any, bool] | None:
    """Of ``a phi(u) + b == c`` the u, its value, and whether a > 0; None of other expressions."""
    terms = linear_terms(expression)
    moving = [(factor, bare(term)) for factor, term in terms if not bare(term).is_constant()]
    if len(moving) != 1:
        return None
    factor, term = moving[0]
    rest = added(scaled(f, t) for f, t in terms if bare(t).is_constant())
    inverse, number = INVERSES.get(type(term)), number_of(factor)
    if inverse is None or not number:
        return None
    value = inverse(folded((constant - rest) / factor))
    return None if value is None else (term.args[0], folded(value), number > 0)


def above(limit: float, inverse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An inverse of constants that lie above a limit."""

    def safe(value: Any) -> Any:
        known = value.value
        fits = known is not None and not value.parameters() and np.all(np.asarray(known) > limit)
        return inverse(value) if fits else None

    return safe


INVERSES: dict[type, Callable[[Any], Any]] = {
    cp.log: cp.exp,
    cp.log1p: lambda value: cp.exp(value) - 1.0,
    cp.exp: above(0.0, cp.log),
    cp.logistic: above(0.0, lambda value: cp.log(cp.exp(value) - 1.0)),
}
"""The inverses of rising functions, of constants."""
CHANGES: tuple[tuple[str, Change], ...] = (
    ("max(u) <= c as u <= c for each u", split_extremes),
    ("phi(u) <= c as u <= phi^-1(c)", undo_monotone),
    ("x**a <= c as x <= c**(1/a)", isolate_power),
    ("both sides times a denominator > 0", multiply_out),
    ("the root of both sides", take_roots),
    ("the logarithm of both sides", take_logarithms),
    ("the exponential of both sides", undo_logarithms),
)
"""What may be done to an inequality, in the order in which it is tried."""
EQUATIONS = (CHANGES[1], CHANGES[2], CHANGES[3], CHANGES[6])
"""What may be done to an equation, too."""

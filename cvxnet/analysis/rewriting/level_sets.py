"""Constraints in a form that CVXPY accepts: the same points, with the sides seen differently.

An inequality ``f <= g`` has the same points as ``phi(f) <= phi(g)`` for every rising phi that is
defined on both sides: a logarithm, a root, a multiplication by something positive. So a level set
may be convex where neither side has the curvature that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.constraints import kind_of
from cvxnet.analysis.rewriting.entries import entry_of
from cvxnet.analysis.rewriting.product_forms import mean_of
from cvxnet.analysis.rewriting.products import (
    Product,
    added,
    linear_terms,
    logarithms_of,
    number_of,
    power_of,
    product_of,
    scaled,
)
from cvxnet.analysis.rewriting.quotients import plainly
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.tape import bare, dense

MOST_ENTRIES = 200  # of a constraint that is rewritten entry by entry
MOST_ROUNDS = 5  # of changes to one constraint
Written = tuple[list[str], list[Any]]
"""What was done to a constraint, and the constraints that say the same."""
Sides = tuple[Any, Any]
"""Left and right of an inequality."""


def written(constraint: Any, forms: Forms) -> Written | None:
    """Constraints that CVXPY accepts, with the same points, or None."""
    if constraint.is_dcp():
        return [], [constraint]
    kind = kind_of(constraint)
    if not kind.compared:
        return None
    if kind.affine:
        return equality(kind.judged(constraint), forms)
    return inequality(sides_of(constraint), forms, MOST_ROUNDS)


def sides_of(constraint: Any) -> Sides:
    """Left and right, as they stand."""
    if len(constraint.args) == 2:
        return constraint.args[0], constraint.args[1]
    return kind_of(constraint).judged(constraint), cp.Constant(0.0)


def inequality(sides: Sides, forms: Forms, rounds: int) -> Written | None:
    """``left <= right``."""
    left, right = sides
    for one, other in ((left, right), (left - right, cp.Constant(0.0))):
        below, above = forms.form(one, "convex"), forms.form(other, "concave")
        if below is not None and above is not None:
            return [], [below <= above]
    if rounds == 0:
        return None
    for name, change in CHANGES:
        for changed in change(sides, forms):
            found = all_of(changed, forms, rounds - 1)
            if found is not None:
                return [name, *found[0]], found[1]
    return None


def all_of(changed: list[Sides], forms: Forms, rounds: int) -> Written | None:
    """All of some inequalities; None where one of them has no form, or there are none."""
    parts = [inequality(sides, forms, rounds) for sides in changed]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    names = [name for names, _ in known for name in names]
    return names, [constraint for _, constraints in known for constraint in constraints]


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
    if not found.powers and found.exponent is None:
        return found.scale
    return scaled(found.scale, plainly(found))


def total_of(terms: list[Product]) -> Any:
    """A sum of products."""
    parts = [expression_of(term) for term in terms]
    return added(parts)


def is_positive(term: Product, forms: Forms) -> bool:
    """Whether a product is certainly >= 0."""
    even = (a.denominator == 1 and a.numerator % 2 == 0 for _, a in term.powers)
    known = (
        fine or forms.is_nonneg(base) for fine, (base, _) in zip(even, term.powers, strict=True)
    )
    return bool(term.scale.is_nonneg()) and all(known)


def split_extremes(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``max(u) <= c`` as all ``u <= c``; ``c <= min(u)``, ``|u| <= c`` likewise."""
    left, right = bare(sides[0]), bare(sides[1])
    if isinstance(left, cp.maximum):
        return [[(arg, sides[1]) for arg in left.args]]
    if isinstance(right, cp.minimum):
        return [[(sides[0], arg) for arg in right.args]]
    if isinstance(left, cp.max) and left.axis is None and sides[1].size == 1:
        return [[(left.args[0], sides[1])]]
    if isinstance(right, cp.min) and right.axis is None and sides[0].size == 1:
        return [[(sides[0], right.args[0])]]
    if isinstance(left, cp.abs):
        return [[(left.args[0], sides[1]), (-left.args[0], sides[1])]]
    return []


def multiply_out(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """Both sides times a denominator that is positive."""
    left, right = as_products(sides, forms)
    found: list[list[Sides]] = []
    bases: list[tuple[Any, Fraction]] = []
    for term in (*left, *right):
        for base, power in term.powers:
            if power < 0 and forms.is_nonneg(base):
                bases.append((base, -power))
    for base, power in bases[:3]:
        factor = base if power == 1 else cp.power(base, power)
        both = [
            added(times(expression_of(t), factor, forms) for t in terms) for terms in (left, right)
        ]
        found.append([(both[0], both[1])])
    return found


def times(term: Any, factor: Any, forms: Forms) -> Any:
    """A product of two expressions, with what cancels left out."""
    return expression_of(product_of(cp.multiply(term, factor), forms.is_nonneg))


def undo_logarithms(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``a log x - b log y <= c`` as ``x^a exp(-c) <= y^b``."""
    logs = [(f, t) for f, t in linear_terms(sides[0] - sides[1])]
    if not any(type(bare(term)) is cp.log for _, term in logs):
        return []
    left: list[Any] = []
    right: list[Any] = []
    rest: Any = cp.Constant(0.0)
    for factor, term in logs:
        number = number_of(factor)
        if type(bare(term)) is cp.log and number is not None:
            power = (
                cp.power(bare(term).args[0], abs(number))
                if abs(number) != 1
                else bare(term).args[0]
            )
            (left if number > 0 else right).append(power)
        else:
            rest = rest + scaled(factor, term)
    if not rest.is_affine():
        return []
    if rest.is_constant():
        right.append(folded(cp.exp(-rest)))
    else:
        left.append(cp.exp(rest))
    return [[(joined(left), joined(right))]]


def folded(constant: Any) -> Any:
    """A constant as a number, where its value is known."""
    return constant if constant.parameters() else cp.Constant(dense(constant.value))


def joined(factors: list[Any]) -> Any:
    """A product of expressions."""
    whole = factors[0] if factors else cp.Constant(1.0)
    for factor in factors[1:]:
        whole = cp.multiply(whole, factor)
    return whole


def take_logarithms(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``f <= g`` for positive f and a product g as ``log f <= log g``."""
    left, right = as_products(sides, forms)
    positive = all(is_positive(term, forms) for term in (*left, *right))
    if len(right) != 1 or not left or not positive:
        return []
    if right[0].exponent is None and not any(term.exponent is not None for term in left):
        return []
    logs = logarithms_of(right[0])
    return [[(cp.log(total_of(left)), added(logs))]]


def take_roots(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``f <= c x^a y^b`` as the root of f of degree a + b below a geometric mean."""
    left, right = as_products(sides, forms)
    if len(right) != 1 or right[0].exponent is not None or not is_positive(right[0], forms):
        return []
    above = [(base, power) for base, power in right[0].powers if power > 0]
    total = sum((power for _, power in above), Fraction(0))
    if len(above) != len(right[0].powers) or total == 0 or not left:
        return []
    mean = mean_of(above, forms.kit)
    if mean is None:
        return []
    scale, f = right[0].scale, total_of(left)
    if not f.is_constant() and total == 1:
        return []
    if not (forms.is_nonneg(f) or f.is_nonneg() or all(is_positive(t, forms) for t in left)):
        return []
    size = folded(power_of(scale, 1 / total))
    return [[(root_of(f, total), scaled(size, mean))]]


def root_of(f: Any, degree: Fraction) -> Any:
    """A root, of a constant as a number."""
    root = power_of(f, 1 / degree)
    return folded(root) if root.is_constant() else root


def isolate_power(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``c x^a <= d`` as ``x <= (d / c)^(1/a)``, and the same with >=."""
    left, right = as_products(sides, forms)
    constant = [all(not t.powers and t.exponent is None for t in terms) for terms in (left, right)]
    if constant[0] == constant[1]:
        return []
    moving, fixed = (right, left) if constant[0] else (left, right)
    value = total_of(fixed)
    if len(moving) != 1 or moving[0].exponent is not None or len(moving[0].powers) != 1:
        return []
    (base, power), scale = moving[0].powers[0], moving[0].scale
    if power == 1 or not forms.is_nonneg(base) or not value.is_nonneg() or number_of(value) == 0:
        return []
    bound = folded(power_of(value / scale, 1 / power))
    below = constant[1] == (power > 0)  # x on the left of a rising power stays there
    return [[(base, bound) if below else (bound, base)]]


def undo_monotone(sides: Sides, forms: Forms) -> list[list[Sides]]:
    """``phi(u) <= c`` as ``u <= phi^-1(c)`` for a rising phi."""
    found = []
    for one, other, place in ((sides[0], sides[1], 0), (sides[1], sides[0], 1)):
        terms = linear_terms(one)
        moving = [(f, t) for f, t in terms if not bare(t).is_constant()]
        if len(moving) != 1 or not other.is_constant():
            continue
        factor, term = moving[0][0], bare(moving[0][1])
        rest = added(scaled(f, t) for f, t in terms if bare(t).is_constant())
        inverse = INVERSES.get(type(term))
        if inverse is None or not (factor.is_nonneg() or factor.is_nonpos()):
            continue
        if number_of(factor) in (None, 0):
            continue
        value = inverse(folded((other - rest) / factor))
        if value is None:
            continue
        value = folded(value)
        flipped = factor.is_nonpos() != (place == 1)
        found.append([(value, term.args[0]) if flipped else (term.args[0], value)])
    return found


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


def equality(expression: Any, forms: Forms) -> Written | None:
    """``expression == 0``, where it is affine after all, or one rising function of something is."""
    found = forms.form(expression, "convex")
    if found is not None and found.is_affine():
        return [], [found == 0]
    sides = expression, cp.Constant(0.0)
    for name, change in EQUATIONS:
        for changed in change(sides, forms):
            for left, right in changed:
                rest = equality(left - right, forms)
                if rest is not None:
                    return [name.replace("<=", "=="), *rest[0]], rest[1]
    return None


EQUATIONS = (CHANGES[1], CHANGES[2], CHANGES[3], CHANGES[6])


def by_entries(constraint: Any, forms: Forms) -> Written | None:
    """A constraint on several entries, one by one."""
    if constraint.size > MOST_ENTRIES or not kind_of(constraint).compared:
        return None
    left, right = (
        arg if arg.shape == constraint.shape else cp.broadcast_to(arg, constraint.shape)
        for arg in sides_of(constraint)
    )
    names: list[str] = []
    found: list[Any] = []
    for place in np.ndindex(constraint.shape):
        one, other = entry_of(left, place), entry_of(right, place)
        entry = written(one == other if kind_of(constraint).affine else one <= other, forms)
        if entry is None:
            return None
        names += entry[0]
        found += entry[1]
    return names, found

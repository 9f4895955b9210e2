"""Products of powers and exponentials in the forms in which CVXPY knows their curvature.

A product ``c x1^a1 ... xn^an exp(e)`` of positive x is a signomial term; with ``x = exp(z)`` it is
the exponential of an affine function. For c > 0 and constant exponents the Hessian is the term
times ``D (a a' - diag(a)) D`` with ``D = diag(1/x)`` (Maranas and Floudas, *Finding all solutions
of nonlinearly constrained systems of equations*, J. Global Optim. 1995), so the term is

* convex if no exponent is above 0, or if one is, and all add up to at least 1,
* concave if no exponent is below 0 and they add up to at most 1,

and otherwise neither. Each case has a form that CVXPY knows, in `curved`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import cvxpy as cp

from cvxnet.analysis.rewriting.products import IsNonneg, Product, degree_of, power_of, scaled
from cvxnet.analysis.rewriting.splits import LARGEST_DENOMINATOR, Powers, is_even


@dataclass(frozen=True)
class Kit:
    """What the forms of a product need to know.

    Attributes
    ----------
    is_nonneg : callable
    form : callable of an expression and "convex" or "concave"
        The same function in a form that CVXPY knows to have that curvature, or None.
    is_granted : callable of an expression
        Whether what is not known to be >= 0, and would help, is taken to be so.
    """

    is_nonneg: IsNonneg
    form: Callable[[Any, str], Any]
    is_granted: IsNonneg


OPPOSITE = {"convex": "concave", "concave": "convex"}


def curved(product: Product, goal: str, kit: Kit) -> Any:
    """The product of scalars in a form that has the curvature, or None."""
    if product.exponent is None and len(product.powers) == 1 and product.powers[0][1] == 1:
        return multiple(product.scale, product.powers[0][0], goal, kit)
    if not all(may_be_base(base, power, kit) for base, power in product.powers):
        return None
    inside = goal_below(product.scale, goal)
    if inside is None:
        return None
    for rule in FORMS:
        found = rule(product, inside, kit)
        if found is not None:
            return scaled(product.scale, found)
    return None


def may_be_base(base: Any, power: Fraction, kit: Kit) -> bool:
    """Whether a base is >= 0, or its power 2, 4, ..."""
    even = is_even(power) and power > 0
    return even or kit.is_nonneg(base) or kit.is_granted(base)


def goal_below(scale: Any, goal: str) -> str | None:
    """The curvature that what is multiplied with a constant needs; None for one of any sign."""
    if scale.is_nonpos():
        return OPPOSITE[goal]
    return goal if scale.is_nonneg() else None


def multiple(scale: Any, base: Any, goal: str, kit: Kit) -> Any:
    """A constant times one base, of any sign."""
    inside = goal_below(scale, goal)
    form = None if inside is None else kit.form(base, inside)
    return None if form is None else scaled(scale, form)


def all_forms(bases: Iterable[Any], goal: str, kit: Kit) -> list[Any] | None:
    """The bases in forms that have the curvature, or None."""
    found = [kit.form(base, goal) for base in bases]
    return None if any(form is None for form in found) else found


def mean_of(powers: Powers, kit: Kit) -> Any:
    """``(prod base^power)^(1 / sum of the powers)`` of concave bases, or None."""
    forms = all_forms((base for base, _ in powers), "concave", kit)
    if not forms:
        return None
    if len(forms) == 1:
        return forms[0]
    bottom = lcm(*(power.denominator for _, power in powers))
    whole = [int(power * bottom) for _, power in powers]
    common = gcd(*whole)
    return weighted_mean(forms, [power // common for power in whole])


def weighted_mean(forms: list[Any], weights: list[int]) -> Any:
    """A geometric mean, or None where CVXPY cannot write its weights."""
    if sum(weights) > LARGEST_DENOMINATOR:
        return None
    return cp.geo_mean(cp.hstack(forms), weights)


def exponential(product: Product, goal: str, kit: Kit) -> Any:
    """``exp(e) / x^a`` as ``exp(e - a log x)``."""
    if product.exponent is None or goal == "concave" or any(a > 0 for _, a in product.powers):
        return None
    exponent = kit.form(product.exponent, "convex")
    bases = all_forms((base for base, _ in product.powers), "concave", kit)
    if exponent is None or bases is None:
        return None
    for base, (_, power) in zip(bases, product.powers, strict=True):
        exponent = exponent + float(power) * cp.log(base)
    return cp.exp(exponent)


def reciprocal(product: Product, goal: str, kit: Kit) -> Any:
    """``1 / (x^a y^b)``: a falling convex function of a geometric mean, which is concave."""
    if goal == "concave" or product.exponent is not None or product.above:
        return None
    mean = mean_of(product.below, kit)
    return None if mean is None else power_of(mean, -degree_of(product.below))


def root(product: Product, goal: str, kit: Kit) -> Any:
    """``x^a y^b`` with a + b <= 1: a rising concave function of a geometric mean."""
    total = degree_of(product.powers)
    if goal == "convex" or product.exponent is not None or total > 1 or product.below:
        return None
    mean = mean_of(list(product.powers), kit)
    return mean if total == 1 or mean is None else power_of(mean, total)


def quotient(product: Product, goal: str, kit: Kit) -> Any:
    """``u^a / (x^b y^c)`` with a >= 1 + b + c: squares over linear, one inside the other."""
    above, below = product.above, product.below
    total = degree_of(below)
    if goal == "concave" or product.exponent is not None or len(above) != 1:
        return None
    base, power = above[0]
    if power < 1 + total:
        return None
    bottom = mean_of(below, kit) if below else cp.Constant(1.0)
    return over_mean(base, power, bottom, total, kit)


def over_mean(base: Any, power: Fraction, bottom: Any, total: Fraction, kit: Kit) -> Any:
    """``u^a / y^b`` for a >= 1 + b, u in a convex form, and a concave y or None."""
    if power == 2 and total in (0, 1) and is_euclidean_norm(base):
        return None if bottom is None else cp.quad_over_lin(base.args[0], bottom)
    top = numerator(base, kit)
    return None if top is None or bottom is None else power_over(top, power, bottom, total)


def is_euclidean_norm(base: Any) -> bool:
    """Whether it is the Euclidean norm of all entries, and CVXPY knows that it is convex."""
    known = isinstance(base, cp.Pnorm) and str(base.p) == "2" and base.axis is None
    return known and bool(base.is_convex())


def numerator(base: Any, kit: Kit) -> tuple[Any, Any] | None:
    """The base in a convex form, and its absolute value; or None.

    The form is affine, or one that CVXPY knows to be >= 0.
    """
    form = base if base.is_affine() else kit.form(base, "convex")
    if form is None:
        return None
    if form.is_nonneg():
        return form, form
    known = kit.is_nonneg(base)
    if form.is_affine():
        return form, form if known else cp.abs(form)
    size = cp.pos(form)
    return (size, size) if known else None


def power_over(top: tuple[Any, Any], power: Fraction, bottom: Any, total: Fraction) -> Any:
    """``u^a / y^b``, convex for y > 0 and a >= 1 + b; given are u and its absolute value.

    For b >= 1 it is the square of ``u^(a/2) / y^((b - 1)/2)`` over y; for b below 1 the square of
    ``u^(a/2)`` over ``y^b``, which is concave, or, where a is below 2, the square of
    ``u^((a + 1 - b)/2)`` over the geometric mean ``u^(1 - b) y^b``.
    """
    value, size = top
    if total == 0:
        free = value.is_affine() and is_even(power)  # then CVXPY knows it to be convex
        return value if power == 1 else cp.power(value if free else size, power)
    if total >= 1:
        inside = power_over(top, power / 2, bottom, (total - 1) / 2)
        return None if inside is None else cp.quad_over_lin(inside, bottom)
    if power >= 2:
        inside = power_over(top, power / 2, bottom, Fraction(0))
        return cp.quad_over_lin(inside, cp.power(bottom, total))
    denominator = total.denominator
    mean = weighted_mean([size, bottom], [denominator - total.numerator, total.numerator])
    inside = power_over(top, (power + 1 - total) / 2, bottom, Fraction(0))
    return None if mean is None else cp.quad_over_lin(inside, mean)


FORMS = (exponential, reciprocal, root, quotient)

"""Powers of sums of powers, as norms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cvxpy as cp

from cvxnet.analysis.algebra_atoms import DivExpression
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_number
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.rewriting.entries import by_entries
from cvxnet.analysis.rewriting.product_forms import curved
from cvxnet.analysis.rewriting.products import Product, linear_terms, power_of, product_of, scaled
from cvxnet.analysis.rewriting.search import Forms
from cvxnet.analysis.rewriting.splits import short_power
from cvxnet.analysis.rewriting.squares import as_norm, form_of
from cvxnet.analysis.tape import bare

HALF = Fraction(1, 2)
pnorm: Any = cp.pnorm  # whose annotation leaves fractions out


def root_of_sum(node: Any, goal: str, forms: Forms) -> Any:
    """``(sum t)^(1/p)`` as the p-norm of the ``t^(1/p)``: convex for p >= 1, else concave."""
    power = power_outside(node)
    if power is None or goal != curvature_of_norm(power) or node.size != 1:
        return None
    argument = bare(node.args[-1] if isinstance(node, DivExpression) else node.args[0])
    norm = quadratic_norm(argument, forms) if power == HALF else None
    return norm_of_roots(argument, power, goal, forms) if norm is None else norm


def curvature_of_norm(power: Fraction) -> str | None:
    """That of the p-norm of vectors >= 0, for 1/p; None for the sum."""
    if power == 1:
        return None
    return "convex" if 0 < power < 1 else "concave"


def norm_of_roots(argument: Any, power: Fraction, goal: str, forms: Forms) -> Any:
    """The p-norm of the ``t^(1/p)`` of the terms of a sum, or None."""
    parts = parts_of_sum(argument)
    if sum(part.size for part in parts) < 2 or not all(map(forms.is_nonneg, parts)):
        return None
    roots = [root_form(part, power, goal, forms) for part in parts]
    if any(found is None for found in roots):
        return None
    vector = cp.hstack([cp.vec(found, order="F") for found in roots])
    return cp.norm(vector) if power == HALF else pnorm(vector, float(1 / power))


def quadratic_norm(argument: Any, forms: Forms) -> Any:
    """The root of a quadratic function as a norm, or None."""
    form = form_of(argument, forms.question)
    found = None if form is None else as_norm(form, forms.question)
    if found is None:
        return None
    forms.rounded |= found.rounded
    return found.expression


def parts_of_sum(argument: Any) -> list[Any]:
    """Terms, scalars or arrays, whose entries add up to an expression."""
    if isinstance(argument, cp.Sum):
        return [argument.args[0]]
    return [scaled(factor, term) for factor, term in linear_terms(argument)]


def power_outside(node: Any) -> Fraction | None:
    """The power of a power, or of one over something."""
    if isinstance(node, DivExpression) and is_number(node.args[0], 1.0):
        return Fraction(-1)
    power = exponent_of(node) if isinstance(node, POWERS) else None
    return None if power is None else short_power(power)


def root_form(part: Any, power: Fraction, goal: str, forms: Forms) -> Any:
    """``part^power`` with that curvature, as CVXPY's norms take it: affine or known to be >= 0."""
    if part.is_constant():
        return power_of(part, power)
    if part.shape:
        return by_entries(part, lambda entry: root_form(entry, power, goal, forms))
    form = curved(root_of_product(part, power, forms), goal, forms.kit)
    if form is None:
        return None
    plain = goal == "concave" or form.is_nonneg() or form.is_affine()
    return form if plain else cp.pos(form)


def root_of_product(part: Any, power: Fraction, forms: Forms) -> Product:
    """The power of a product that is >= 0, factor by factor."""
    found = product_of(part, forms.is_nonneg)
    sizes = [(base if forms.is_nonneg(base) else cp.abs(base), a) for base, a in found.powers]
    exponent = None if found.exponent is None else float(power) * found.exponent
    powers = tuple((size, a * power) for size, a in sizes)
    return Product(power_of(found.scale, power), powers, exponent)

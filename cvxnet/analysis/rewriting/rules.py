"""What a node is looked at as, in order: one row a rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp

from cvxnet.analysis.algebra_atoms import AddExpression, DivExpression, NegExpression, multiply
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.rewriting.logarithms import entropy, gather_entropies, logarithm
from cvxnet.analysis.rewriting.product_forms import curved
from cvxnet.analysis.rewriting.products import added, is_itself, linear_terms, product_of, scaled
from cvxnet.analysis.rewriting.quotients import Terms, gather_like, gather_quotients, over_line
from cvxnet.analysis.rewriting.roots import root_of_sum
from cvxnet.analysis.rewriting.search import Forms, Found, Rules, composed
from cvxnet.analysis.rewriting.squares import as_squares, form_of

MADE_OF_FACTORS = (multiply, DivExpression, NegExpression, *POWERS, cp.exp, cp.abs, cp.Pnorm)


def quadratic(node: Any, goal: str, forms: Forms) -> Found | None:
    """A polynomial of degree two: squares completed."""
    form = form_of(node, forms.question)
    if form is None:
        return None
    found = as_squares(form, goal, forms.question)
    return None if found is None else ("cp.sum_squares(...) and affine terms", shaped(found, node))


def shaped(scalar: Any, node: Any) -> Any:
    """A scalar in the shape of a node of one entry."""
    return cp.reshape(scalar, node.shape, order="C") if node.shape else scalar


def product(node: Any, goal: str, forms: Forms) -> Found | None:
    """A product of powers and exponentials."""
    if not isinstance(node, MADE_OF_FACTORS):
        return None
    found = product_of(node, forms.is_nonneg)
    return None if is_itself(found, node) else curved(found, goal, forms.kit)


def total(node: Any, goal: str, forms: Forms) -> Found | None:
    """A sum whose terms belong together: quadratic ones, quotients, entropies, like terms."""
    if not isinstance(node, AddExpression | NegExpression | cp.Sum | multiply | DivExpression):
        return None
    terms = spread(node)
    if len(terms) < 2:
        return None
    for gather in (gather_quadratic, gather_quotients, gather_entropies, gather_like):
        parts = gather(terms, forms)
        if parts is not None:
            found = [forms.form(part, goal) for part in parts]
            if not any(part is None for part in found):
                return "like terms collected", added(found)
    return None


def spread(node: Any) -> list[tuple[Any, Any]]:
    """The terms of a sum; sums over the entries of a sum are taken term by term."""
    found = []
    for factor, term in linear_terms(node):
        if isinstance(term, cp.Sum) and not term.shape and isinstance(term.args[0], AddExpression):
            parts = linear_terms(term.args[0])
            found += [(factor, cp.sum(scaled(f, t))) for f, t in parts]
        else:
            found.append((factor, term))
    return found


def parted(terms: Terms, belongs: Callable[[Any], bool]) -> tuple[list[Any], list[Any]]:
    """The terms that belong, and the others."""
    chosen: list[Any] = []
    others: list[Any] = []
    for factor, term in terms:
        part = scaled(factor, term)
        (chosen if belongs(part) else others).append(part)
    return chosen, others


def gather_quadratic(terms: Terms, forms: Forms) -> list[Any] | None:
    """All terms of degree two at most as one."""
    chosen, others = parted(terms, lambda part: form_of(part, forms.question) is not None)
    return [added(chosen), *others] if len(chosen) > 1 and others else None


RULES = Rules(
    scalar=(
        composed,
        quadratic,
        product,
        over_line,
        logarithm,
        root_of_sum,
        entropy,
        total,
    ),
    entrywise=(composed, logarithm, entropy, total),
)

"""What a node is looked at as, in order: one row a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp

from cvxnet.analysis.algebra_atoms import (
    AddExpression,
    DivExpression,
    MulExpression,
    NegExpression,
    multiply,
)
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_same
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rewriting.logarithms import entropy, gather_entropies, logarithm
from cvxnet.analysis.rewriting.names import new_atoms
from cvxnet.analysis.rewriting.perspectives import exponential_over, perspective
from cvxnet.analysis.rewriting.product_forms import curved
from cvxnet.analysis.rewriting.products import (
    added,
    is_itself,
    linear_terms,
    place_of,
    product_of,
    scaled,
)
from cvxnet.analysis.rewriting.quotients import Terms, gather_like, gather_quotients, over_line
from cvxnet.analysis.rewriting.roots import root_of_sum
from cvxnet.analysis.rewriting.search import Forms, Rules, composed
from cvxnet.analysis.rewriting.squares import as_squares, form_of
from cvxnet.analysis.tape import dense

MADE_OF_FACTORS = (
    multiply,
    DivExpression,
    NegExpression,
    *POWERS,
    cp.exp,
    cp.abs,
    cp.Pnorm,
    MulExpression,
)


def quadratic(node: Any, goal: str, forms: Forms) -> Any:
    """A polynomial of degree two: squares completed."""
    form = form_of(node, forms.question)
    if form is None:
        return None
    found = as_squares(form, goal, forms.question)
    if found is None:
        return None
    forms.rounded |= found.rounded
    return shaped(found.expression, node)


def quadratic_form(node: Any, goal: str, forms: Forms) -> Any:
    """``(x @ P) @ x`` as a quadratic form, of what is not affine, too."""
    if not isinstance(node, MulExpression) or node.shape:
        return None
    left, right = node.args
    if not isinstance(left, MulExpression) or not isinstance(left.args[1], cp.Constant):
        return None
    x, P = left.args[0], dense(left.args[1].value)
    if len(x.shape) != 1 or not is_same(x, right):
        return None
    mean = 0.5 * (P + P.T)
    form = forms.form(cp.quad_form(x, mean), goal)
    forms.rounded |= form is not None and not bool((P == P.T).all())
    return form


def shaped(scalar: Any, node: Any) -> Any:
    """A scalar in the shape of a node of one entry."""
    return cp.reshape(scalar, node.shape, order="C") if node.shape else scalar


def product(node: Any, goal: str, forms: Forms) -> Any:
    """A product of powers and exponentials."""
    if not isinstance(node, MADE_OF_FACTORS):
        return None
    found = product_of(node, forms.is_nonneg, forms.is_granted)
    return None if is_itself(found, node) else curved(found, goal, forms.kit)


def one_power(node: Any, goal: str, forms: Forms) -> Any:
    """A product of one base and an exponential, for all entries at once."""
    if not isinstance(node, MADE_OF_FACTORS):
        return None
    found = product_of(node, forms.is_nonneg)
    simple = len(found.powers) == 1 or (found.exponent is not None and len(found.powers) < 2)
    return curved(found, goal, forms.kit) if simple and not is_itself(found, node) else None


def total(node: Any, goal: str, forms: Forms) -> Any:
    """A sum whose terms belong together: quadratic ones, quotients, entropies, like terms."""
    if not isinstance(node, AddExpression | NegExpression | cp.Sum | multiply | DivExpression):
        return None
    terms = spread(node)
    if len(terms) < 2:
        return None
    for gather in (gather_quadratic, gather_quotients, gather_entropies, gather_like):
        parts = None if forms.is_over() else gather(terms, forms)
        if parts is not None:
            found = forms.all_of(parts, goal)
            if found is not None:
                return added(found)
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
        product,
        quadratic,
        quadratic_form,
        over_line,
        logarithm,
        root_of_sum,
        entropy,
        total,
        exponential_over,
        perspective,
    ),
    entrywise=(composed, one_power, logarithm, entropy, total),
)


@dataclass(frozen=True)
class Rewritten:
    """An expression in another form, with a curvature that CVXPY knows.

    Attributes
    ----------
    names : tuple of str
        The atoms that were not there before.
    expression : CVXPY expression
        The same function where ``needs`` are >= 0.
    needs : tuple of CVXPY expressions
    rounded : bool
        Whether coefficients had to be rounded.
    """

    names: tuple[str, ...]
    expression: Any
    needs: tuple[Any, ...] = ()
    rounded: bool = False


def another_form(
    question: Question, goal: str, rules: Rules = RULES, assuming: bool = False
) -> Rewritten | None:
    """The question's expression in a form with that curvature; None if that is not found.

    With ``assuming``, signs that are not proved may be assumed, and are the form's needs.
    """
    forms, expression = Forms(question, rules, assuming), question.expression
    found = forms.form(expression, goal)
    if found is None or found is expression:
        return None
    needs: list[Any] = []
    for wish in forms.wishes if assuming else ():
        if place_of(wish, needs) is None:
            needs.append(wish)
    return Rewritten(new_atoms(expression, found), found, tuple(needs), forms.rounded)

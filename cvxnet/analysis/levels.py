"""Why the points that satisfy a constraint form a convex set, beyond convex <= concave.

Level sets: ``f <= c`` for quasiconvex f and constant c. Other forms of one inequality that has the
same points: both sides below an increasing function, denominators multiplied away, terms moved to
the side where they are positive. The checker has a list of its own in
`cvxnet.proofs.checker.convexity.domains.problems`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import (
    AddExpression,
    DivExpression,
    MulExpression,
    NegExpression,
    Promote,
    multiply,
)
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.questions import Question
from cvxnet.analysis.restrictions import is_positive
from cvxnet.analysis.tape import Tape, bare, dense


@dataclass(frozen=True)
class Level:
    """One way to read an inequality: ``expression`` has to be ``goal`` for the set to be convex.

    Attributes
    ----------
    how : str
        The way, as the checker knows it: "difference", "left", "right", "holds", "sqrt", "log",
        "exp", "times" or "over".
    goal : str
        "convex", "quasiconvex", "quasiconcave", "sublevel" (what has to be at most zero, and is so
        on a convex set), or, where nothing is needed, "always".
    expression : CVXPY expression
        What has to have that property.
    reason : str
        In words.
    sides : tuple
        The sides of the constraint and, where terms moved, those that it was made of.
    factor : CVXPY expression or None
        What was divided by, or multiplied with.
    """

    how: str
    goal: str
    expression: Any
    reason: str
    sides: tuple[Any, ...]
    factor: Any = None


def levels_of(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """The readings of ``left <= right``, the simplest first."""
    yield from plain_levels(left, right, question)
    moved = separated(left, right)
    sides = [(left, right), *([moved] if moved is not None else [])]
    others = [level for both in sides for way in WAYS for level in way(*both, question)]
    yield from others
    reason = "an interval, by the values and slopes of a function of one variable"
    for level in [Level("difference", "", left - right, "", (left, right)), *others]:
        yield replace(level, goal="sublevel", reason=reason)


def plain_levels(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """The sublevel sets of one side where the other is constant; what holds everywhere."""
    sides = left, right
    least, most = facts_of(right, question).low, facts_of(left, question).high
    if least.size and most.size and most.max() <= least.min():
        yield Level("holds", "always", left - right, "it holds everywhere", sides)
    if facts_of(right, question).constant:
        yield Level("left", "quasiconvex", left, "a sublevel set of a quasiconvex function", sides)
    if facts_of(left, question).constant:
        reason = "a superlevel set of a quasiconcave function"
        yield Level("right", "quasiconcave", right, reason, sides)


def facts_of(expression: Any, question: Question) -> Facts:
    """What the rules say of a side."""
    return derive_facts(question, Tape([expression]))[-1]


def by_roots(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """Square roots of both sides, where the smaller one is nowhere below zero."""
    if (facts_of(left, question).low >= 0.0).all():
        reason = "the same set as square roots of both sides, convex <= concave"
        yield Level("sqrt", "convex", cp.sqrt(left) - cp.sqrt(right), reason, (left, right))


def by_logarithms(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """Logarithms of both sides, where the smaller one is everywhere above zero."""
    if is_positive(left, question):
        reason = "the same set as logarithms of both sides, convex <= concave"
        both = logarithm(left, question) - logarithm(right, question)
        yield Level("log", "convex", both, reason, (left, right))


def by_exponentials(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """Exponentials of both sides, where one has logarithms."""
    nodes = Tape([left, right]).nodes
    if any(isinstance(node, cp.log) for node in nodes):
        reason = "the same set as exponentials of both sides, convex <= concave"
        both = exponential(left) - exponential(right)
        yield Level("exp", "convex", both, reason, (left, right))


def exponential(expression: Any) -> Any:
    """The exponential, of sums term by term; that of a logarithm is its argument."""
    match expression:
        case cp.log():
            return expression.args[0]
        case AddExpression():
            first, *others = (exponential(term) for term in expression.args)
            for other in others:
                first = cp.multiply(first, other)
            return first
        case Promote():
            return exponential(expression.args[0]) * np.ones(expression.shape)
    return cp.exp(expression)


def logarithm(expression: Any, question: Question) -> Any:
    """The logarithm, of products, quotients and exponentials term by term."""
    match expression:
        case cp.exp():
            return expression.args[0]
        case multiply() | MulExpression() if is_product(expression, question):
            one, other = (logarithm(arg, question) for arg in expression.args)
            return one + other
        case DivExpression() if are_above(expression.args, question):
            one, other = (logarithm(arg, question) for arg in expression.args)
            return one - other
        case cp.Prod() if are_above(expression.args, question):
            return cp.sum(cp.log(expression.args[0]), expression.axis, expression.keepdims)
        case Promote():
            return logarithm(expression.args[0], question) + np.zeros(expression.shape)
    return cp.log(expression)


def is_product(expression: Any, question: Question) -> bool:
    """Whether entries are multiplied one by one, none of them below zero."""
    return is_entrywise(expression) and are_above(expression.args, question)


def is_entrywise(expression: Any) -> bool:
    """Whether a node is the product of two others entry by entry."""
    if isinstance(expression, multiply):
        return True
    is_product = isinstance(expression, MulExpression)
    return is_product and all(arg.size == 1 for arg in expression.args)


def are_above(factors: list[Any], question: Question) -> bool:
    """Whether factors are multiplied one by one, and no entry of one is below zero."""
    alike = all(factor.shape == factors[0].shape for factor in factors)
    return alike and all((facts_of(f, question).low >= 0.0).all() for f in factors)


def by_dividing(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """Without a factor of one side that is everywhere above zero."""
    reason = "the same set after dividing by a factor above zero"
    for one, other, sign in ((left, right, 1), (right, left, -1)):
        if is_entrywise(one):
            for factor, rest in (one.args, one.args[::-1]):
                if one.shape == rest.shape == factor.shape and is_positive(factor, question):
                    free = sign * (rest - other / factor)
                    yield Level("times", "convex", free, reason, (left, right), factor)


def by_multiplying(left: Any, right: Any, question: Question) -> Iterator[Level]:
    """Without the denominator of one side, where that is everywhere above zero."""
    reason = "the same set after multiplying by a denominator above zero"
    for one, other, sign in ((left, right, 1), (right, left, -1)):
        if isinstance(one, DivExpression) and is_above(one.args[1], question):
            free = one.args[0] - cp.multiply(other, one.args[1])
            yield Level("over", "convex", sign * free, reason, (left, right), one.args[1])


def is_above(expression: Any, question: Question) -> bool:
    """Whether the points where it is above zero, not zero, form a convex set."""
    fact = facts_of(expression, question)
    concave = bool((fact.low >= 0.0).all() and fact.concave.all())
    return concave or is_positive(expression, question)


Way = Callable[[Any, Any, Question], Iterator[Level]]
WAYS: tuple[Way, ...] = (
    by_roots,
    by_logarithms,
    by_exponentials,
    by_multiplying,
    by_dividing,
)


def separated(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Each term of a difference on the side where it has a plus sign; None if nothing moves."""
    terms = [*signed_terms(left, 1), *signed_terms(right, -1)]
    up = [term for sign, term in terms if sign > 0]
    down = [term for sign, term in terms if sign < 0]
    if all(term is left for term in up) and all(term is right for term in down):
        return None
    return total(up), total(down)


def total(terms: list[Any]) -> Any:
    """The sum of terms."""
    found = terms[0] if terms else cp.Constant(0.0)
    for term in terms[1:]:
        found = found + term
    return found


def signed_terms(expression: Any, sign: int) -> Iterator[tuple[int, Any]]:
    """The terms of sums and differences; a number has the sign that makes it positive."""
    if isinstance(expression, AddExpression):
        for term in expression.args:
            yield from signed_terms(term, sign)
    elif isinstance(expression, NegExpression):
        yield from signed_terms(expression.args[0], -sign)
    elif isinstance(bare(expression), cp.Constant):
        value = dense(bare(expression).value)
        if (value > 0.0).all():
            yield sign, expression
        elif value.any():
            yield -sign, -expression
    else:
        yield sign, expression

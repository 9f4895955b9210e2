"""Rewrites of CVXPY expressions: the same function in the form that CVXPY accepts.

A rewrite is offered if CVXPY then accepts it as DCP and it is an identity for the signs at hand;
or, with what it leaves out of the domain, if it equals the original at random points.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.identities import Rewritten, rewritten_everywhere
from cvxnet.analysis.questions import Question, ask_about_expression
from cvxnet.analysis.repairs import Repair, verified
from cvxnet.analysis.search import Space
from cvxnet.analysis.tape import dense


def find_rewrites(question: Question) -> list[Repair]:
    """Verified rewrites of the expression."""
    found = []
    for rewrite in rewritten_everywhere(question):
        changed = rewrite.expression
        accepted = changed.is_convex() or changed.is_concave()
        if accepted and (rewrite.same or equal(question.expression, changed)):
            asked = replace(question, expression=changed, owners={}, weights={})
            change = f"write it as {', '.join(rewrite.names)}"
            repair = verified(change, cost_of(question.expression, rewrite), 0.0, asked)
            if repair is not None:
                found.append(repair)
    return found


def cost_of(one: Any, rewrite: Rewritten) -> str:
    """What a rewrite costs: nothing, or the part of the domain that it leaves out."""
    if rewrite.same:
        return "nothing: the same function"
    if not restricts(one, rewrite.expression):
        return "nothing: the same function, at random points"
    domain = ", ".join(str(constraint) for constraint in rewrite.expression.domain)
    return f"restricts to {domain}; the same function there"


@np.errstate(all="ignore")
def restricts(one: Any, two: Any) -> bool:
    """Whether at some random point the first is defined and the second is not."""
    variables = one.variables()
    saved = [variable.value for variable in variables]
    rng = np.random.default_rng(0)
    try:
        for _ in range(30):
            for variable in variables:
                variable.value = variable.project(rng.standard_normal(variable.shape))
            defined = all(holds(c) for c in one.domain) and np.all(np.isfinite(dense(one.value)))
            if defined and not all(holds(c) for c in two.domain):
                return True
        return False
    finally:
        for variable, value in zip(variables, saved, strict=True):
            variable.value = value


def holds(constraint: Any) -> bool:
    """Whether a constraint is met at the variables' values."""
    return bool(np.all(constraint.violation() <= 1e-9))


@np.errstate(all="ignore")
def equal(one: Any, two: Any) -> bool:
    """Whether two expressions agree at random points where both are defined."""
    question = ask_about_expression(cp.hstack([cp.vec(one, order="F"), cp.vec(two, order="F")]))
    space = Space(question, question.tape())
    if not space.drawable or not space.size:
        return False
    points = space.clipped(np.abs(space.draw(200, False)))
    f = space.f(points, space.draw_free(200, False))
    left, right = f[:, : one.size], f[:, one.size :]
    both = np.isfinite(left) & np.isfinite(right)
    close = np.abs(left - right) <= 1e-7 * (1.0 + np.abs(left))
    return bool(both.any() and close[both].all())

"""Rewrites of CVXPY expressions: the same function in the form that CVXPY accepts.

Each pattern proposes an expression; it is offered only if CVXPY then accepts it as DCP and it
equals the original at random points where both are defined.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms import affine
from cvxpy.atoms.affine import binary_operators as binary
from cvxpy.atoms.elementwise.power import Power, PowerApprox

from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.questions import Question, ask_about_expression
from cvxnet.analysis.repairs import Repair, verified
from cvxnet.analysis.search import Space
from cvxnet.analysis.tape import Tape, dense

POWERS = (Power, PowerApprox)


def find_rewrites(question: Question) -> list[Repair]:
    """Verified rewrites of the expression."""
    found = []
    for name, changed in rewritten_everywhere(question.expression):
        if (changed.is_convex() or changed.is_concave()) and equal(question.expression, changed):
            asked = ask_about_expression(changed)
            cost = cost_of(question.expression, changed)
            repair = verified(f"write it as {name}", cost, 0.0, asked)
            if repair is not None:
                found.append(repair)
    return found


def cost_of(one: Any, two: Any) -> str:
    """What a rewrite costs: nothing, or the part of the domain that it leaves out."""
    if not restricts(one, two):
        return "nothing: the same function"
    domain = ", ".join(str(constraint) for constraint in two.domain)
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


def rewritten_everywhere(root: Any) -> Iterator[tuple[str, Any]]:
    """The expression with one pattern applied at every node where it fits, bottom up."""
    for pattern in PATTERNS:
        names: list[str] = []
        changed = rebuild(root, pattern, names)
        if names:
            yield names[-1], changed


def rebuild(root: Any, pattern: Any, names: list[str]) -> Any:
    """The tree with the pattern applied; nodes without a change are kept."""
    tape = Tape([root])
    new: list[Any] = []
    for place, node in enumerate(tape.nodes):
        arguments = [new[k] for k in tape.inputs[place]]
        same = all(a is b for a, b in zip(arguments, node.args, strict=True))
        copy = node if same else node.copy(arguments)
        proposal = pattern(copy)
        if proposal is not None:
            names.append(proposal[0])
            copy = proposal[1]
        new.append(copy)
    return new[-1]


@np.errstate(all="ignore")
def equal(one: Any, two: Any) -> bool:
    """Whether two expressions agree at random points where both are defined."""
    question = ask_about_expression(cp.hstack([cp.vec(one, order="F"), cp.vec(two, order="F")]))
    space = Space(question, question.tape())
    if not space.drawable:
        return False
    points = np.abs(space.draw(200, False)) if space.size else space.draw(200, False)
    points = space.clipped(points)
    f = space.f(points, space.draw_free(200, False))
    left, right = f[:, : one.size], f[:, one.size :]
    both = np.isfinite(left) & np.isfinite(right)
    close = np.abs(left - right) <= 1e-7 * (1.0 + np.abs(left))
    return bool(both.any() and close[both].all())


def is_same(one: Any, two: Any) -> bool:
    """Whether two expressions are the same object or print alike."""
    return one is two or (one.shape == two.shape and str(one) == str(two))


def is_number(node: Any, value: float) -> bool:
    """Whether a node is a constant with that value everywhere."""
    while type(node).__name__ in ("Promote", "broadcast_to"):
        node = node.args[0]
    return isinstance(node, cp.Constant) and bool(np.all(dense(node.value) == value))


def square_of(node: Any) -> Any:
    """The argument of a square, or None."""
    if isinstance(node, POWERS) and exponent_of(node) == 2:
        return node.args[0]
    if isinstance(node, binary.multiply) and is_same(*node.args):
        return node.args[0]
    if isinstance(node, cp.quad_over_lin) and is_number(node.args[1], 1.0):
        return node.args[0]
    return None


def sum_of_exponentials(node: Any) -> Any:
    """The exponents of a sum of exponentials and positive constants, as one vector, or None."""
    if isinstance(node, affine.sum.Sum) and isinstance(node.args[0], cp.exp) and node.axis is None:
        return cp.vec(node.args[0].args[0], order="F")
    if not isinstance(node, affine.add_expr.AddExpression) or node.shape:
        return None
    exponents = []
    for term in node.args:
        if isinstance(term, cp.exp):
            exponents.append(term.args[0])
        elif isinstance(term, cp.Constant) and dense(term.value) > 0:
            exponents.append(cp.Constant(np.log(dense(term.value))))
        else:
            return None
    return cp.hstack(exponents)


def product_as_square(node: Any) -> tuple[str, Any] | None:
    """``x * x`` as a square."""
    if isinstance(node, binary.multiply) and is_same(*node.args):
        return "cp.square(...)", cp.square(node.args[0])
    if isinstance(node, binary.MulExpression) and len(node.args[0].shape) == 1:
        left, right = node.args
        if is_same(left, right):
            return "cp.sum_squares(...)", cp.sum_squares(left)
    return None


def quadratic_product(node: Any) -> tuple[str, Any] | None:
    """``(x @ P) @ x`` as a quadratic form."""
    if not isinstance(node, binary.MulExpression) or node.shape:
        return None
    left, right = node.args
    if isinstance(left, binary.MulExpression) and left.args[1].is_constant():
        x, P = left.args
        if is_same(x, right) and len(x.shape) == 1:
            matrix = dense(P.value)
            return "cp.quad_form(x, (P + P.T) / 2)", cp.quad_form(x, 0.5 * (matrix + matrix.T))
    return None


def root_as_norm(node: Any) -> tuple[str, Any] | None:
    """``sqrt(sum of squares)`` as a norm."""
    if not isinstance(node, POWERS) or str(exponent_of(node)) != "1/2":
        return None
    inner = node.args[0]
    if isinstance(inner, affine.sum.Sum) and square_of(inner.args[0]) is not None:
        return "cp.norm(...)", cp.norm(cp.vec(square_of(inner.args[0]), order="F"))
    if square_of(inner) is not None:
        one = square_of(inner)
        word = (
            "cp.abs(...)"
            if not one.shape and not isinstance(inner, cp.quad_over_lin)
            else "cp.norm(...)"
        )
        return word, cp.norm(cp.vec(one, order="F")) if word == "cp.norm(...)" else cp.abs(one)
    if isinstance(inner, affine.add_expr.AddExpression) and not inner.shape:
        parts = [norm_part(term) for term in inner.args]
        if all(part is not None for part in parts):
            return "cp.norm(cp.hstack([...]))", cp.norm(cp.hstack(parts))
    return None


def norm_part(term: Any) -> Any:
    """What a term contributes to a norm under a root: its own root."""
    if isinstance(term, cp.Constant) and dense(term.value) >= 0:
        return cp.Constant(np.sqrt(dense(term.value)))
    inner = square_of(term)
    return None if inner is None else cp.vec(inner, order="F") if inner.shape else inner


def log_of_exponentials(node: Any) -> tuple[str, Any] | None:
    """``log(sum(exp))`` as log_sum_exp, ``log(1 + exp)`` as logistic."""
    if not isinstance(node, cp.log):
        return None
    inner = node.args[0]
    if isinstance(inner, affine.add_expr.AddExpression) and len(inner.args) == 2:
        for one, other in (inner.args, inner.args[::-1]):
            if is_number(one, 1.0) and isinstance(other, cp.exp):
                return "cp.logistic(...)", cp.logistic(other.args[0])
    exponents = sum_of_exponentials(inner)
    return None if exponents is None else ("cp.log_sum_exp(...)", cp.log_sum_exp(exponents))


def entropy_product(node: Any) -> tuple[str, Any] | None:
    """``x log x`` as ``-entr(x)``, ``x log(x / y)`` as rel_entr."""
    if not isinstance(node, binary.multiply):
        return None
    for one, other in (node.args, node.args[::-1]):
        if isinstance(other, cp.log):
            inner = other.args[0]
            if is_same(inner, one):
                return "-cp.entr(x)", -cp.entr(one)
            if isinstance(inner, binary.DivExpression) and is_same(inner.args[0], one):
                return "cp.rel_entr(x, y)", cp.rel_entr(*inner.args)
    return None


def quotient(node: Any) -> tuple[str, Any] | None:
    """``1 / x`` as inv_pos, ``x^2 / y`` as quad_over_lin."""
    if not isinstance(node, binary.DivExpression):
        return None
    top, bottom = node.args
    if top.is_constant() and top.is_nonneg():
        return "c * cp.inv_pos(x)", cp.multiply(top, cp.inv_pos(bottom))
    inner = square_of(top)
    if inner is not None and not bottom.shape:
        return "cp.quad_over_lin(x, y)", cp.quad_over_lin(inner, bottom)
    return None


def geometric_mean(node: Any) -> tuple[str, Any] | None:
    """``sqrt(x y)`` as geo_mean."""
    if isinstance(node, POWERS) and str(exponent_of(node)) == "1/2" and not node.shape:
        inner = node.args[0]
        if isinstance(inner, binary.multiply):
            return "cp.geo_mean(cp.hstack([x, y]))", cp.geo_mean(cp.hstack(list(inner.args)))
    return None


def affine_square(node: Any) -> tuple[str, Any] | None:
    """``(x + b)^2`` written out: complete the square in one variable."""
    if isinstance(node, POWERS) and exponent_of(node) == 2:
        inner = node.args[0]
        if isinstance(inner, cp.abs):
            return "cp.square(x) instead of cp.abs(x)**2", cp.square(inner.args[0])
        if isinstance(inner, cp.exp):
            return "cp.exp(2 * x)", cp.exp(2 * inner.args[0])
    if isinstance(node, cp.log) and isinstance(node.args[0], cp.exp):
        return "x itself", node.args[0].args[0]
    return None


PATTERNS = (
    product_as_square,
    quadratic_product,
    root_as_norm,
    log_of_exponentials,
    entropy_product,
    quotient,
    geometric_mean,
    affine_square,
)

"""Identities: patterns of CVXPY expressions that equal another form wherever they have a value.

Each pattern is a line of algebra. Where the line holds for some signs only, it says which
expressions have to be >= 0, and whoever uses it proves that first. Constants that the other form
needs (roots, logarithms) are rounded in it; no rule looks at more than their signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import AddExpression, DivExpression, MulExpression, multiply
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, bare, dense, inner

MOST_COMPARED = 200  # nodes of two expressions that are compared part by part
MOST_ROUNDS = 4  # of patterns on what patterns made


@dataclass(frozen=True)
class Identity:
    """Another form of a node.

    Attributes
    ----------
    name : str
        How to write it.
    expression : CVXPY expression
        The other form.
    needs : tuple of CVXPY expressions
        The two are equal where these are >= 0.
    exact : bool
        False where rounded coefficients make it another function.
    """

    name: str
    expression: Any
    needs: tuple[Any, ...] = ()
    exact: bool = True


Pattern = Callable[[Any], Identity | None]


@dataclass(frozen=True)
class Rewritten:
    """An expression in another form: what was applied, and whether it is certainly the same."""

    names: tuple[str, ...]
    expression: Any
    same: bool


def rebuild(question: Question, root: Any, patterns: tuple[Pattern, ...]) -> Rewritten:
    """The tree with the first pattern that fits each node; nodes without a change are kept."""
    tape, new, names, same = Tape([root]), list[Any](), list[str](), True
    for place, node in enumerate(tape.nodes):
        arguments = [new[k] for k in tape.inputs[place]]
        kept = all(a is b for a, b in zip(arguments, inner(node), strict=True))
        copy = node if kept else node.copy(arguments)
        found = next((f for pattern in patterns if (f := pattern(copy)) is not None), None)
        if found is not None:
            names.append(found.name)
            same = same and found.exact and all(is_nonneg(need, question) for need in found.needs)
            copy = found.expression
        new.append(copy)
    return Rewritten(tuple(dict.fromkeys(names)), new[-1], same)


def is_nonneg(expression: Any, question: Question) -> bool:
    """Whether every entry is proved to be >= 0."""
    return bool((derive_facts(question, Tape([expression]))[-1].low >= 0.0).all())


def is_same(one: Any, two: Any) -> bool:
    """Whether two expressions are made of the same leaves and constants in the same way."""
    if one is two:
        return True
    tapes = Tape([one]), Tape([two])
    if one.shape != two.shape or max(len(tape.nodes) for tape in tapes) > MOST_COMPARED:
        return False
    return structure(tapes[0]) == structure(tapes[1])


def structure(tape: Tape) -> list[Any]:
    """The nodes as comparable values; leaves are themselves, whatever their names."""
    return [
        (id(node) if not node.args and not isinstance(node, cp.Constant) else plain(node), inputs)
        for node, inputs in zip(tape.nodes, tape.inputs, strict=True)
    ]


def plain(value: Any) -> Any:
    """A node without its arguments, a constant or an option as a value that can be compared."""
    if isinstance(value, cp.Constant):
        return "constant", value.shape, dense(value.value).tobytes()
    if isinstance(value, cp.Expression) and inner(value):
        options: Any = value.get_data()  # type: ignore[func-returns-value]  # atoms override it
        return type(value), value.shape, tuple(map(plain, options or ()))
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    simple = value is None or isinstance(value, bool | int | float | str | slice | np.number)
    return repr(value) if simple else id(value)


def is_number(node: Any, value: float) -> bool:
    """Whether a node is a constant with that value everywhere."""
    inner = bare(node)
    return isinstance(inner, cp.Constant) and bool(np.all(dense(inner.value) == value))


def square_of(node: Any) -> Any:
    """The argument of a square or of a sum of squares, or None."""
    if isinstance(node, POWERS) and exponent_of(node) == 2:
        return node.args[0]
    if isinstance(node, multiply) and is_same(*node.args):
        return node.args[0]
    if isinstance(node, cp.quad_over_lin) and node.axis is None and is_number(node.args[1], 1.0):
        return node.args[0]
    return None


def sum_of_exponentials(node: Any) -> Any:
    """The exponents of a sum of exponentials and positive constants, as one vector, or None."""
    if isinstance(node, cp.Sum) and isinstance(node.args[0], cp.exp) and node.axis is None:
        return cp.vec(node.args[0].args[0], order="F")
    if not isinstance(node, AddExpression) or node.shape:
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


def product_as_square(node: Any) -> Identity | None:
    """``x * x`` as a square."""
    if isinstance(node, multiply) and is_same(*node.args):
        return Identity("cp.square(...)", cp.square(node.args[0]))
    if isinstance(node, MulExpression) and len(node.args[0].shape) == 1:
        left, right = node.args
        if is_same(left, right):
            return Identity("cp.sum_squares(...)", cp.sum_squares(left))
    return None


def quadratic_product(node: Any) -> Identity | None:
    """``(x @ P) @ x`` as a quadratic form."""
    if not isinstance(node, MulExpression) or node.shape:
        return None
    left, right = node.args
    if isinstance(left, MulExpression) and isinstance(left.args[1], cp.Constant):
        x, P = left.args
        if is_same(x, right) and len(x.shape) == 1:
            matrix = dense(P.value)
            form = cp.quad_form(x, 0.5 * (matrix + matrix.T))
            exact = bool((matrix == matrix.T).all())
            return Identity("cp.quad_form(x, (P + P.T) / 2)", form, exact=exact)
    return None


def root_as_norm(node: Any) -> Identity | None:
    """``sqrt(sum of squares)`` as a norm, the root of a square as an absolute value."""
    if not isinstance(node, POWERS) or str(exponent_of(node)) != "1/2":
        return None
    inner = node.args[0]
    if isinstance(inner, AddExpression):
        return norm_of_terms(inner)
    if isinstance(inner, cp.quad_over_lin):
        return norm_of(square_of(inner))
    if isinstance(inner, cp.Sum):
        squared = square_of(inner.args[0])
        whole = squared is not None and not inner.shape and squared.shape == inner.args[0].shape
        return norm_of(squared) if whole else None
    squared = square_of(inner)
    return None if squared is None else Identity("cp.abs(...)", cp.abs(squared))


def norm_of_terms(total: Any) -> Identity | None:
    """The root of a sum of squares and constants >= 0 as the norm of their roots."""
    parts = [None] if total.shape else [norm_part(term) for term in total.args]
    if any(part is None for part in parts):
        return None
    return Identity("cp.norm(cp.hstack([...]))", cp.norm(cp.hstack(parts)))


def norm_of(squared: Any) -> Identity | None:
    """The Euclidean norm of all entries."""
    if squared is None:
        return None
    return Identity("cp.norm(...)", cp.norm(cp.vec(squared, order="F")))


def norm_part(term: Any) -> Any:
    """What a term contributes to a norm under a root: its own root."""
    if isinstance(term, cp.Constant) and dense(term.value) >= 0:
        return cp.Constant(np.sqrt(dense(term.value)))
    inner = square_of(term)
    return None if inner is None else cp.vec(inner, order="F") if inner.shape else inner


def log_of_exponentials(node: Any) -> Identity | None:
    """``log(sum(exp))`` as log_sum_exp, ``log(1 + exp)`` as logistic."""
    if type(node) is not cp.log:  # log1p is a subclass
        return None
    inner = node.args[0]
    if isinstance(inner, AddExpression) and len(inner.args) == 2:
        for one, other in (inner.args, inner.args[::-1]):
            if is_number(one, 1.0) and isinstance(other, cp.exp) and other.shape == inner.shape:
                return Identity("cp.logistic(...)", cp.logistic(other.args[0]))
    exponents = sum_of_exponentials(inner)
    if exponents is None:
        return None
    return Identity("cp.log_sum_exp(...)", cp.log_sum_exp(exponents))


def entropy_product(node: Any) -> Identity | None:
    """``x log x`` as ``-entr(x)``, ``x log(x / y)`` as rel_entr for y > 0."""
    if not isinstance(node, multiply):
        return None
    for one, other in (node.args, node.args[::-1]):
        if type(other) is cp.log:
            inner = other.args[0]
            if is_same(inner, one):
                return Identity("-cp.entr(x)", -cp.entr(one))
            if isinstance(inner, DivExpression) and is_same(inner.args[0], one):
                y = inner.args[1]
                return Identity("cp.rel_entr(x, y)", cp.rel_entr(one, y), needs=(y,))
    return None


def quotient(node: Any) -> Identity | None:
    """``c / x`` as inv_pos, ``x^2 / y`` as quad_over_lin, for denominators > 0."""
    if not isinstance(node, DivExpression):
        return None
    top, bottom = node.args
    if top.is_constant() and top.is_nonneg():
        form = cp.multiply(top, cp.inv_pos(bottom))
        return Identity("c * cp.inv_pos(x)", form, needs=(bottom,))
    inner = square_of(top)
    if inner is not None and not node.shape:
        squares = cp.quad_over_lin(inner, bottom)
        return Identity("cp.quad_over_lin(x, y)", squares, needs=(bottom,))
    return None


def geometric_mean(node: Any) -> Identity | None:
    """``sqrt(x y)`` as geo_mean, for x, y >= 0."""
    if isinstance(node, POWERS) and str(exponent_of(node)) == "1/2" and not node.shape:
        inner = node.args[0]
        if isinstance(inner, multiply):
            form = cp.geo_mean(cp.hstack(list(inner.args)))
            return Identity("cp.geo_mean(cp.hstack([x, y]))", form, needs=tuple(inner.args))
    return None


def undone(node: Any) -> Identity | None:
    """What one function does and the next undoes: ``|x|^2``, ``exp(x)^2``, ``log(exp x)``."""
    if isinstance(node, POWERS) and exponent_of(node) == 2:
        inner = node.args[0]
        if isinstance(inner, cp.abs):
            form = cp.square(inner.args[0])
            return Identity("cp.square(x) instead of cp.abs(x)**2", form)
        if isinstance(inner, cp.exp):
            return Identity("cp.exp(2 * x)", cp.exp(2 * inner.args[0]))
    if type(node) is cp.log and isinstance(node.args[0], cp.exp):
        return Identity("x itself", node.args[0].args[0])
    return None


PATTERNS: tuple[Pattern, ...] = (
    product_as_square,
    quadratic_product,
    root_as_norm,
    log_of_exponentials,
    entropy_product,
    quotient,
    geometric_mean,
    undone,
)


def rewritten_everywhere(
    question: Question, patterns: tuple[Pattern, ...] = PATTERNS
) -> Iterator[Rewritten]:
    """The expression with one pattern applied at every node where it fits, then with all."""
    fits = False
    for pattern in patterns:
        found = rebuild(question, question.expression, (pattern,))
        if found.names:
            fits = True
            yield found
    if not fits:
        return
    whole = Rewritten((), question.expression, True)
    for _ in range(MOST_ROUNDS):
        found = rebuild(question, whole.expression, patterns)
        if not found.names:
            break
        whole = Rewritten(whole.names + found.names, found.expression, whole.same and found.same)
    if len(set(whole.names)) > 1:
        yield whole

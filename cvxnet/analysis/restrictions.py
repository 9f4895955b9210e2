"""Where an expression is defined, named where that is less than its variables' attributes allow.

CVXPY knows the closure of each atom's domain (a logarithm: ``x >= 0``) and none for quotients. Here
the atoms without a value at the boundary are known, too, and what attributes, bounds and affine
constraints already imply is left out. An empty domain is claimed only with a proof: an interval
that misses what an atom needs, or multipliers (Farkas) that add affine inequalities up to a
contradiction, in rationals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import STACKS, AddExpression, DivExpression, Reshape
from cvxnet.analysis.atoms import PERSPECTIVES, atom_of, constant_matrix
from cvxnet.analysis.derivation import derive_facts, leaf_bounds, step_name
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.inequalities import Row, contradictory, follows, given_rows, rows_of
from cvxnet.analysis.quadratics import definiteness, has_positive_pivots
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, bare, dense, inner, short

MOST_NODES = 200  # of an expression that is printed
DEFINITE = ("semidefinite", "definite")


@dataclass(frozen=True)
class Need:
    """What one atom needs of an argument: every entry >= 0 (> 0), or a definite matrix, ...

    Attributes
    ----------
    kind : str
        ">=", ">", "semidefinite", "definite", "symmetric", "!=" (other than zero) or "inside"
        (of a perspective, whose arguments are divided first).
    expression : CVXPY expression
        What the need is about.
    text : str
        How people read it: "z >= 0".
    closed : bool
        Whether some point with equality belongs to the domain after all (``0 log(0 / 0)``), so
        that equality alone makes no domain empty.
    """

    kind: str
    expression: Any
    text: str
    closed: bool = True


@np.errstate(all="ignore")
def restrictions(question: Question, tape: Tape, facts: list[Facts]) -> tuple[tuple[str, ...], str]:
    """The domain as readable conditions that attributes and constraints do not imply.

    Returns
    -------
    names : tuple of str
        The conditions, such as "z >= 0".
    empty : str
        Why no point satisfies them, or "" where that is not proved.
    """
    given = given_rows(question)
    names: dict[str, None] = {}
    rows = list(given)
    for need in chain(*(needs_of(node, question) for node in tape.nodes)):
        fact = facts_about(need.expression, question, tape, facts)
        if missed(need, fact):
            return (need.text,), why_missed(need, given, question)
        if IMPLIED[need.kind](need, fact, question):
            continue
        asked = need_rows(need, question)
        if not is_said(asked, given, question):
            names[need.text] = None
            rows += asked
    labels = (contradictory(rows) or []) if names or question.constraints else []
    return without_weaker(names), f"no point satisfies {' and '.join(labels)}" if labels else ""


def crooked_domain(question: Question, tape: Tape, facts: list[Facts]) -> str:
    """The first need whose points may not form a convex set, or "".

    Where the rules say that a node is convex or concave, all below it have values on convex sets.
    """
    waiting = [len(tape.nodes) - 1]
    while waiting:
        place = waiting.pop()
        if facts[place].known.all():
            continue
        for need in needs_of(tape.nodes[place], question):
            fact = facts_about(need.expression, question, tape, facts)
            if not (IMPLIED[need.kind](need, fact, question) or is_convex_set(need, fact)):
                return need.text
        waiting += tape.inputs[place]
    return ""


def is_convex_set(need: Need, fact: Facts) -> bool:
    """Whether the points with a need form a convex set."""
    if need.kind in (">=", ">"):
        return bool(fact.quasiconcave.all())
    return need.kind in (*DEFINITE, "symmetric") and bool(fact.affine.all())


def without_value(question: Question, tape: Tape) -> str:
    """The first leaf whose bounds exclude each other, in words, or ""."""
    for leaf in tape.leaves():
        low, high = leaf_bounds(leaf, question)
        if (low > high).any():
            return f"the bounds of {question.name(leaf)} exclude each other"
    return ""


def is_said(asked: list[Row], given: list[Row], question: Question) -> bool:
    """Whether the constraints imply the rows; bounds alone say no more than the facts do."""
    return bool(question.constraints) and follows(given, asked)


def without_weaker(names: Iterable[str]) -> tuple[str, ...]:
    """The conditions without those that another one states strictly."""
    return tuple(text for text in names if ">=" not in text or text.replace(">=", ">") not in names)


def needs_of(node: Any, question: Question) -> Iterator[Need]:
    """What an atom needs of its arguments to have a value."""
    if isinstance(node, DivExpression):
        yield need_of_denominator(node.args[1], question)
        return
    if isinstance(node, PERSPECTIVES):
        yield from needs_of_perspective(node, question)
    try:
        constraints = node._domain() if inner(node) else []
    except ValueError:  # a power whose exponent is a parameter without a value
        return
    for number, constraint in enumerate(constraints):
        if isinstance(constraint, cp.PSD):
            matrix = constraint.args[0]
            matrix = matrix.args[0] if isinstance(matrix, AddExpression) else matrix
            word = "definite" if is_open(node, number) else "semidefinite"
            yield Need(word, matrix, f"{show(matrix, question)} positive {word}")
        elif isinstance(constraint, cp.constraints.Equality):
            matrix = constraint.args[1]
            yield Need("symmetric", matrix, f"{show(matrix, question)} symmetric")
        else:
            closed = atom_of(node).touches
            yield from needs_of_inequality(constraint, is_open(node, number), closed, question)


def is_open(node: Any, number: int) -> bool:
    """Whether the atom has no value where its condition of that number holds with equality."""
    without = atom_of(node).open
    return without is not None and without(node, number)


def needs_of_inequality(
    constraint: Any, strict: bool, closed: bool, question: Question
) -> Iterator[Need]:
    """CVXPY's condition with the constant on the right, one need for each part of a stack."""
    left, right = constraint.args
    rising = isinstance(bare(left), cp.Constant)
    moving, fixed = (right, left) if rising else (left, right)
    kind, closed = ">" if strict else ">=", closed or not strict
    number = dense(bare(fixed).value) if isinstance(bare(fixed), cp.Constant) else None
    if rising and is_zero(number):
        for part in parts_of(moving):
            yield Need(kind, part, f"{show(part, question)} {kind} 0", closed)
        return
    sign = kind if rising else kind.replace(">", "<")
    bound = show(fixed, question) if number is None else f"{number.flat[0]:g}"
    yield Need(kind, right - left, f"{show(moving, question)} {sign} {bound}", closed)


def is_zero(number: Any) -> bool:
    """Whether a bound is known to be zero."""
    return number is not None and not number.any()


def parts_of(expression: Any) -> list[Any]:
    """What a stack was stacked from; constants are kept apart, too."""
    inner = expression
    while isinstance(inner, Reshape):
        inner = inner.args[0]
    if isinstance(inner, STACKS):
        return [part for arg in inner.args for part in parts_of(arg)]
    return [expression]


def needs_of_perspective(node: Any, question: Question) -> Iterator[Need]:
    """What ``s f(x / s)`` needs of x: for s > 0 a sign of an entry of x / s is one of x."""
    scale = show(node.args[0], question)
    for part in Tape([node.f]).nodes:
        for need in needs_of(part, question):
            if need.kind in (">=", ">") and not need.expression.args:
                yield need
            else:
                yield Need("inside", need.expression, f"{need.text} divided by {scale}")


def need_of_denominator(bottom: Any, question: Question) -> Need:
    """A denominator of known sign is away from zero on that side."""
    name, inner = show(bottom, question), Tape([bottom])
    fact = derive_facts(question, inner)[-1]
    if not inner.leaves():
        return Need("!=", bottom, f"{name} != 0", closed=False)
    if (fact.low >= 0.0).all():
        return Need(">", bottom, f"{name} > 0", closed=False)
    if (fact.high <= 0.0).all():
        return Need(">", -bottom, f"{name} < 0", closed=False)
    return Need("!=", bottom, f"{name} != 0")


def show(expression: Any, question: Question) -> str:
    """An expression in few characters, leaves by the names that users know."""
    inner = bare(expression)
    if isinstance(inner, cp.Variable | cp.Parameter):
        return question.name(inner)
    if len(Tape([inner]).nodes) > MOST_NODES:  # CVXPY prints shared parts again and again
        return f"the {step_name(inner, question)}"
    return short(inner)


def facts_about(expression: Any, question: Question, tape: Tape, facts: list[Facts]) -> Facts:
    """The facts about an expression, from the tape where it stands there."""
    place = tape.place.get(id(expression))
    return derive_facts(question, Tape([expression]))[-1] if place is None else facts[place]


def missed(need: Need, fact: Facts) -> bool:
    """Whether the need holds nowhere."""
    if need.kind in (">=", ">"):
        below = (fact.high < 0.0) if need.closed else (fact.high <= 0.0)
        return bool(below.any())
    if need.kind == "!=":
        return bool(((fact.low == 0.0) & (fact.high == 0.0)).any())
    matrix = constant_matrix(need.expression) if need.kind in DEFINITE else None
    return matrix is not None and not definiteness(matrix).rounded


def why_missed(need: Need, given: list[Row], question: Question) -> str:
    """Why a need holds nowhere: what contradicts it, where that can be named."""
    if not Tape([need.expression]).leaves():
        return f"{need.text} does not hold"
    labels = contradictory([*given, *need_rows(need, question)])
    if labels is None or len(labels) < 2:
        return f"{need.text} holds nowhere"
    return f"no point satisfies {' and '.join(labels)}"


def need_rows(need: Need, question: Question) -> list[Row]:
    """The need entry by entry, where it is an inequality that is affine in the unknowns."""
    if need.kind not in (">=", ">"):
        return []
    return list(rows_of(need.expression, question, need.text, strict=not need.closed))


def is_above(need: Need, fact: Facts, question: Question) -> bool:
    """Whether every entry is > 0, or a given number none of which is below 0 where that will do."""
    given = need.closed and not Tape([need.expression]).leaves()
    return given or bool((fact.low > 0.0).all()) or is_positive(need.expression, question)


def is_symmetric(need: Need, fact: Facts, question: Question) -> bool:
    """Whether CVXPY knows that a matrix is symmetric."""
    return bool(need.expression.is_hermitian() or need.expression.is_symmetric())


def is_semidefinite(need: Need, fact: Facts, question: Question) -> bool:
    """Whether a constant matrix is positive semidefinite, or a leaf is declared to be."""
    matrix, leaf = constant_matrix(need.expression), need.expression
    if matrix is None:
        return not leaf.args and bool(leaf.attributes["PSD"])
    return definiteness(matrix).exact or has_positive_pivots(matrix + matrix.T)


def is_definite(need: Need, fact: Facts, question: Question) -> bool:
    """Whether a constant matrix is positive definite."""
    matrix = constant_matrix(need.expression)
    return matrix is not None and has_positive_pivots(matrix + matrix.T)


IMPLIED: dict[str, Callable[[Need, Facts, Question], bool]] = {
    ">=": lambda need, fact, question: bool((fact.low >= 0.0).all()),
    ">": is_above,
    "!=": lambda need, fact, question: bool(((fact.low > 0.0) | (fact.high < 0.0)).all()),
    "symmetric": is_symmetric,
    "semidefinite": is_semidefinite,
    "definite": is_definite,
    "inside": lambda need, fact, question: False,
}
"""Whether a need of each kind holds everywhere."""


def is_positive(expression: Any, question: Question) -> bool:
    """Whether every entry is certainly > 0, by the strict signs of leaves and constants."""
    tape = Tape([expression])
    facts = derive_facts(question, tape)
    positive: list[bool] = []
    for node, inputs, fact in zip(tape.nodes, tape.inputs, facts, strict=True):
        rule = atom_of(node).positive
        if (fact.low > 0.0).all():
            found = True
        elif isinstance(node, cp.Variable | cp.Parameter):
            found = bool(node.attributes["pos"])
        else:
            args = [positive[k] for k in inputs], [facts[k] for k in inputs]
            found = rule is not None and rule(node, *args)
        positive.append(found)
    return positive[-1]

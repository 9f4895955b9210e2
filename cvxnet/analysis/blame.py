"""Who breaks convexity: the first node where the rules fail, its layer, the entry, the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.atoms import affine
from cvxpy.atoms.affine import binary_operators as binary

from cvxnet.analysis.derivation import step_name
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.quadratics import constant_matrix, definiteness
from cvxnet.analysis.questions import Question
from cvxnet.analysis.shapes import profile_of
from cvxnet.analysis.tape import Tape, dense, inner


@dataclass(frozen=True)
class Blame:
    """Where the composition rules stop.

    Attributes
    ----------
    place : int
        The step of the derivation.
    node : str
        The atom at that step.
    layer : str
        The layer it belongs to, "" outside of layers.
    entry : str
        The weight entry in question, such as ``2.weight[0, 5] = -0.31``; "" where there is none.
    rule : str
        The rule that fails there.
    needs : str
        What would make it hold.
    """

    place: int
    node: str
    layer: str
    entry: str
    rule: str
    needs: str

    def __str__(self) -> str:
        where = f"layer {self.layer}, " if self.layer else ""
        entry = f" {self.entry}." if self.entry and self.entry not in self.rule else ""
        return f"{where}{self.node}: {self.rule}.{entry} Needed: {self.needs}."


def find_blame(question: Question, tape: Tape, facts: list[Facts], goal: str) -> Blame | None:
    """The first node whose entries are neither convex nor concave although its arguments are."""
    for place, fact in enumerate(facts):
        arguments = [facts[k] for k in tape.inputs[place]]
        if arguments and not fact.known.all() and all(a.known.all() for a in arguments):
            return blame_node(question, tape, facts, place, goal)
    root = facts[-1]
    if getattr(root, goal).all():
        return None
    return blame_direction(question, tape, facts, goal)


def blame_node(question: Question, tape: Tape, facts: list[Facts], place: int, goal: str) -> Blame:
    """What is wrong at a node whose arguments are all convex or concave."""
    node, fact = tape.nodes[place], facts[place]
    arguments = [facts[k] for k in tape.inputs[place]]
    if type(node) in (binary.MulExpression, binary.multiply, binary.DivExpression):
        entry, rule, needs = blame_product(question, node, arguments, goal)
    elif isinstance(node, affine.add_expr.AddExpression | affine.sum.Sum):
        entry, rule = "", "a convex term and a concave term are added"
        needs = f"terms that are all {goal}"
    elif profile_of(node) is not None and len(arguments) == 1:
        entry, rule, needs = blame_composition(node, arguments[0], fact)
    else:
        entry, rule, needs = blame_atom(node, arguments, fact)
    return Blame(
        place, step_name(node, question), question.owners.get(id(node), ""), entry, rule, needs
    )


def blame_product(
    question: Question, node: Any, arguments: list[Facts], goal: str
) -> tuple[str, str, str]:
    """A product of unknowns, or a weight of the wrong sign on something curved."""
    if not any(a.constant for a in arguments):
        left, right = (source(question, arg) for arg in node.args)
        same = "" if left == right else f" ({left} times {right})"
        return "", f"two expressions in the unknowns are multiplied{same}", "one of the two fixed"
    which = 0 if arguments[0].constant else 1
    factor, other = arguments[which], arguments[1 - which]
    bent_up = (other.convex & ~other.concave).any()
    wrong = factor.low if bent_up == (goal == "convex") else -factor.high
    word = "nonneg" if bent_up == (goal == "convex") else "nonpos"
    index = np.unravel_index(int(np.argmin(wrong)), wrong.shape) if wrong.shape else ()
    name, entry = weight_entry(question, node.args[which], tuple(int(i) for i in index))
    number = factor.low[index] if word == "nonneg" else factor.high[index]
    count = int((wrong < 0.0).sum())
    curved = "convex" if bent_up else "concave"
    if not np.isfinite(number):
        return (
            name,
            f"{name or 'a factor'} of unknown sign multiplies a {curved} expression",
            (f"{name or 'the factor'} {'>=' if word == 'nonneg' else '<='} 0 ({word}=True)"),
        )
    described = f"{entry} = {number:.4g}" if entry else f"{number:.4g}"
    rule = (
        f"{count} of {wrong.size} factors have the wrong sign for the {curved} expression that "
        "they multiply"
    )
    return described, rule, f"factors {'>=' if word == 'nonneg' else '<='} 0 there"


def blame_composition(node: Any, argument: Facts, fact: Facts) -> tuple[str, str, str]:
    """A function without curvature on that range, or not monotone on it."""
    profile = profile_of(node)
    name = profile.name if profile is not None else type(node).__name__
    linear = argument.affine.all()
    if linear:
        return (
            "",
            fact.rule,
            f"an argument on which {name} has one curvature, or another activation",
        )
    word = "convex" if argument.convex.all() else "concave"
    if profile is not None and (profile.convex or profile.concave) and "neither" not in fact.rule:
        sign = ">= 0" if word == "convex" else "<= 0"
        return (
            "",
            f"{fact.rule}, and its argument is {word}",
            (
                f"an argument that is affine, or known to be {sign}, or an outer function that is "
                "monotone the right way"
            ),
        )
    return (
        "",
        f"{fact.rule}, and its argument is {word}",
        "another activation, or an affine argument",
    )


def blame_atom(node: Any, arguments: list[Facts], fact: Facts) -> tuple[str, str, str]:
    """Any other atom: which argument does not fit."""
    if type(node) is cp.QuadForm and not fact.known.all() and arguments[0].affine.all():
        return blame_matrix(node, fact)
    for i, argument in enumerate(arguments):
        if not argument.affine.all():
            word = "convex" if argument.convex.all() else "concave"
            way = fact.monotone[i] if i < len(fact.monotone) else "none"
            how = "not monotone" if way == "none" else way
            return (
                "",
                f"{fact.rule}; argument {i + 1} is {word}, and it is {how} there",
                ("an affine argument, or one whose known sign makes it monotone"),
            )
    return "", fact.rule, "an atom with a curvature"


def blame_matrix(node: Any, fact: Facts) -> tuple[str, str, str]:
    """A quadratic form whose matrix is not definite: its extreme eigenvalues."""
    matrix = constant_matrix(node.args[1])
    lowest, highest = (definiteness(matrix, sign).eigenvalue for sign in (1, -1))
    needs = "a matrix that is positive semidefinite"
    if lowest is None or highest is None:
        return "", f"{fact.rule}, its matrix is not known", needs
    entry = f"its matrix has eigenvalues from {lowest:.2g} to {highest:.2g}"
    return entry, f"{fact.rule}; {entry}", needs


def blame_direction(question: Question, tape: Tape, facts: list[Facts], goal: str) -> Blame | None:
    """Everything has a curvature, but the result has the other one: who turned it around."""
    for place in range(len(facts) - 1, -1, -1):
        fact, arguments = facts[place], [facts[k] for k in tape.inputs[place]]
        if arguments and not getattr(fact, goal).all():
            turned = [a for a in arguments if not a.constant and not getattr(a, goal).all()]
            if not turned:
                return blame_turn(question, tape, facts, place, goal)
    return None


def blame_turn(question: Question, tape: Tape, facts: list[Facts], place: int, goal: str) -> Blame:
    """The node whose arguments still had the curvature that it lost."""
    node, fact = tape.nodes[place], facts[place]
    arguments = [facts[k] for k in tape.inputs[place]]
    layer, name = question.owners.get(id(node), ""), step_name(node, question)
    is_product = type(node) in (binary.MulExpression, binary.multiply)
    if is_product and any(a.constant for a in arguments):
        entry, rule, needs = blame_product(question, node, arguments, goal)
        return Blame(place, name, layer, entry, rule, needs)
    other = "concave" if goal == "convex" else "convex"
    return Blame(
        place,
        name,
        layer,
        "",
        f"the result is {other} here ({fact.rule})",
        f"a function that is {goal}",
    )


def source(question: Question, node: Any) -> str:
    """A short name for an expression: the leaf that it is made of, or the layer."""
    while len(inner(node)) == 1:
        node = node.args[0]
    if isinstance(node, cp.Variable | cp.Parameter):
        return question.name(node)
    layer = question.owners.get(id(node), "")
    return f"layer {layer}" if layer else "an expression"


def weight_entry(question: Question, node: Any, index: tuple[int, ...]) -> tuple[str, str]:
    """The weight that a factor comes from, and the entry there."""
    while isinstance(node, affine.transpose.transpose | affine.broadcast_to.broadcast_to):
        index = (
            index[::-1]
            if isinstance(node, affine.transpose.transpose)
            else index[-len(node.args[0].shape) :]
        )
        node = node.args[0]
    name = ""
    if isinstance(node, cp.Variable | cp.Parameter):
        name = question.name(node)
    elif isinstance(node, cp.Constant):
        name = question.weights.get(id(node), "")
        if name.endswith("^T"):
            name, index = name[:-2], index[::-1]
        elif not name and dense(node.value).size == 1:
            return "", ""
    place = f"[{', '.join(map(str, index))}]" if index else ""
    return name, f"{name}{place}" if name else f"entry {place}" if place else ""

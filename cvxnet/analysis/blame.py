"""Who breaks convexity: the first node whose rule needs more, its layer, the entry, the remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import AddExpression, NegExpression
from cvxnet.analysis.atoms import atom_of
from cvxnet.analysis.derivation import step_name
from cvxnet.analysis.facts import Facts, Need
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Node, Tape, inner, short
from cvxnet.functions.arithmetic import FLOATS


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
    term : str
        The term of a sum that is in the way, "" where it is no sum.
    part : str
        The objective or the constraint of a problem, "" elsewhere.
    """

    place: int
    node: str
    layer: str
    entry: str
    rule: str
    needs: str
    term: str = ""
    part: str = ""

    def __repr__(self) -> str:
        return f"<Blame {self.entry or self.node}{f' in layer {self.layer}' if self.layer else ''}>"

    def __str__(self) -> str:
        where = f"{self.part}; " if self.part else ""
        where += f"the term {self.term}; " if self.term else ""
        where += f"layer {self.layer}, " if self.layer else ""
        entry = f" {self.entry}." if self.entry and self.entry not in self.rule else ""
        return f"{where}{self.node}: {self.rule}.{entry} Needed: {self.needs}."


def find_blame(question: Question, tape: Tape, facts: list[Facts]) -> Blame | None:
    """Where the rules stop on the way to a convex result; None where they do not."""
    place = None if facts[-1].convex.all() else step_at_fault(tape, facts)
    if place is None:
        return None
    blame = blame_node(question, tape, place, facts[place])
    return replace(blame, term="" if question.network else term_at_fault(tape, facts))


def step_at_fault(tape: Tape, facts: list[Facts]) -> int | None:
    """The first node with entries that are neither convex nor concave although its arguments are.

    Where there is none, the last one that makes something else of convex arguments.
    """
    inputs = [[facts[k] for k in places] for places in tape.inputs]
    steps = [k for k, args in enumerate(inputs) if args]
    stops = (k for k in steps if not facts[k].known.all() and all(a.known.all() for a in inputs[k]))
    turns = (k for k in reversed(steps) if turns_around(facts[k], inputs[k]))
    return next(chain(stops, turns), None)


def turns_around(fact: Facts, args: list[Facts]) -> bool:
    """Whether a node makes something else of convex arguments."""
    return not fact.convex.all() and all(arg.constant or arg.convex.all() for arg in args)


def blame_node(question: Question, tape: Tape, place: int, fact: Facts) -> Blame:
    """What the rule would have needed at a node, with the names of what it is about."""
    node = tape.nodes[place]
    turned = f"the result is concave here ({fact.rule})"
    need = fact.need or Need(rule=turned, needs="a function that is convex")
    entry, rule, needs = in_words(need, node, question)
    layer = question.owners.get(id(node), "")
    return Blame(place, step_name(node, question), layer, entry, rule, needs)


def term_at_fault(tape: Tape, facts: list[Facts]) -> str:
    """The first term of a sum that is not convex where the sum is not; "" where it is no sum."""
    place, sign, found = len(tape.nodes) - 1, 1, ""
    while type(tape.nodes[place]) in (AddExpression, NegExpression):
        sign = -sign if type(tape.nodes[place]) is NegExpression else sign
        wrong = [k for k in tape.inputs[place] if not bends(facts[k], sign)]
        if not wrong:
            break
        place = wrong[0]
        found = f"{'-' if sign < 0 else ''}{short(tape.nodes[place])}"
    return found if len(tape.inputs[-1]) > 1 else ""


def bends(fact: Facts, sign: int) -> bool:
    """Whether a fact, or its negative, is convex."""
    return bool((fact.convex if sign > 0 else fact.concave).all())


def in_words(need: Need, node: Node, question: Question) -> tuple[str, str, str]:
    """The entry in question, where the rule stops and what it needs."""
    if len(need.factors) > 1:
        names = [source(question, node.args[k]) for k in need.factors]
        which = f" ({' times '.join(names)})" if len(set(names)) > 1 else ""
        return need.entry, need.rule + which, need.needs
    if not need.factors:
        return need.entry, need.rule, need.needs
    name, entry = weight_entry(question, node.args[need.factors[0]], need.index)
    if need.number is None:
        return name, need.rule.format(name or "a factor"), need.needs.format(name or "the factor")
    number = f"{need.number:.4g}"
    return f"{entry} = {number}" if entry else number, need.rule, need.needs


def source(question: Question, node: Node) -> str:
    """A short name for an expression: the leaf that it is made of, or the layer."""
    while len(inner(node)) == 1:
        node = node.args[0]
    if isinstance(node, cp.Variable | cp.Parameter):
        return question.name(node)
    layer = question.owners.get(id(node), "")
    return f"layer {layer}" if layer else "an expression"


def weight_entry(question: Question, node: Node, index: tuple[int, ...]) -> tuple[str, str]:
    """The weight that a factor comes from, and the entry there."""
    while len(node.args) == 1 and atom_of(node).moves:
        index = moved_from(node, index)
        node = node.args[0]
    name = question.weights.get(id(node), "")
    if isinstance(node, cp.Variable | cp.Parameter):
        name = question.name(node)
    if name.endswith("^T"):
        name, index = name[:-2], index[::-1]
    place = f"[{', '.join(map(str, index))}]" if index else ""
    if name:
        return name, f"{name}{place}"
    return "", f"entry {place}" if node.size > 1 else ""  # a single number says it all


def moved_from(node: Node, index: tuple[int, ...]) -> tuple[int, ...]:
    """The place of the argument's entry that a moving atom puts there."""
    shape, evaluate = node.args[0].shape, atom_of(node).evaluate
    places = np.arange(node.args[0].size).reshape(1, *shape)
    place = places if evaluate is None else evaluate(node, [places], FLOATS)
    return tuple(int(i) for i in np.unravel_index(int(place[(0, *index)]), shape))

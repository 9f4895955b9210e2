"""An expression in a form that CVXPY knows to be convex, or concave: the search for one.

What is asked for goes down the tree: a node that CVXPY already accepts stays as it is; otherwise
the rules of composition say which curvature its arguments need, and where they do not help, the
node is looked at as a whole: as a quadratic function, a product, a logarithm, a root or a sum
whose terms belong together (`rules`). Every rule is an identity wherever both sides have a value;
what it needs beyond (that something is >= 0) is proved from bounds and affine constraints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import cvxpy as cp

from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.identities import is_nonneg
from cvxnet.analysis.inequalities import follows, given_rows, rows_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rewriting.entries import by_entries
from cvxnet.analysis.rewriting.product_forms import OPPOSITE, Kit, all_forms
from cvxnet.analysis.rewriting.squares import is_sum_of_squares
from cvxnet.analysis.tape import inner

MOST_ENTRIES = 1000  # of what is rewritten entry by entry
MOST_STEPS = 20_000  # nodes looked at for one expression
MOST_LEVELS = 24  # of forms inside of forms
SECONDS = 2.0  # after which no further rule is tried


@dataclass(frozen=True)
class Rules:
    """What is tried for a node, in order.

    Attributes
    ----------
    scalar : tuple of rules
        For nodes of one entry.
    entrywise : tuple of rules
        For all entries of a node at once; where none helps, each entry is looked at alone.
    """

    scalar: tuple[Rule, ...]
    entrywise: tuple[Rule, ...]


def has(expression: Any, goal: str) -> bool:
    """Whether CVXPY knows the curvature."""
    return bool(getattr(expression, f"is_{goal}")())


class Forms:
    """The search for forms of the parts of one expression.

    Attributes
    ----------
    question : Question
        Whose unknowns, bounds and constraints are believed.
    rules : Rules
    wishes : list of CVXPY expressions
        What is not known to be >= 0 where that would help.
    assuming : bool
        Whether wishes are granted: the form is the same function where they hold.
    rounded : bool
        Whether coefficients of a form had to be rounded.
    extra : list of constraints or None
        What says of new variables that they are at least what they stand for; None where none may
        be introduced, because an expression is asked about and no problem.
    """

    def __init__(self, question: Question, rules: Rules, assuming: bool = False) -> None:
        self.question = question
        self.rules = rules
        self.assuming = assuming
        self.rounded = False
        self.extra: list[Any] | None = None
        self.wishes: list[Any] = []
        self.kit = Kit(self.is_nonneg, self.form, self.is_granted)
        self._known: dict[tuple[int, str], tuple[Any, Any]] = {}
        self._signs: dict[int, tuple[Any, bool]] = {}
        self._rows: Any = None
        self._steps = 0
        self._level = 0
        self._end = time.monotonic() + SECONDS

    def is_nonneg(self, expression: Any) -> bool:
        """Whether every entry is proved to be >= 0, by its bounds or by affine constraints."""
        if id(expression) not in self._signs:
            self._signs[id(expression)] = expression, self._prove_nonneg(expression)
        return self._signs[id(expression)][1]

    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() > self._end

    def is_granted(self, expression: Any) -> bool:
        """Whether something that is not known to be >= 0 is taken to be so; noted in any case."""
        self.wishes.append(expression)
        if self.assuming:
            self._signs[id(expression)] = expression, True
        return self.assuming

    def take_back(self, count: int) -> None:
        """Forget what was granted after the first wishes, for a rule that did not help."""
        if self.assuming and len(self.wishes) > count:
            for wish in self.wishes[count:]:
                self._signs.pop(id(wish))
            del self.wishes[count:]
            self._known.clear()

    def _prove_nonneg(self, expression: Any) -> bool:
        if is_nonneg(expression, self.question):
            return True
        if not expression.is_affine():
            return is_sum_of_squares(expression, self.question)
        if not self.question.constraints:
            return False
        if self._rows is None:
            self._rows = given_rows(self.question)
        return follows(self._rows, list(rows_of(expression, self.question, "")))

    def form(self, node: Any, goal: str) -> Any:
        """The same function in a form that CVXPY knows to have the curvature, or None."""
        if has(node, goal):
            return node
        if node.is_complex():
            return None
        key = id(node), goal
        if key in self._known:
            return self._known[key][1]
        self._steps += 1
        if self._steps > MOST_STEPS or self._level > MOST_LEVELS:
            return None
        self._known[key] = node, None  # so that no search asks itself
        self._level += 1
        self._known[key] = node, self.found(node, goal)
        self._level -= 1
        return self._known[key][1]

    def all_of(self, nodes: Iterable[Any], goal: str) -> list[Any] | None:
        """The nodes in forms that have the curvature, or None where one has none."""
        return all_forms(nodes, goal, self.kit)

    def found(self, node: Any, goal: str) -> Any:
        """What the first rule that helps makes of a node."""
        for rule in self.rules.scalar if node.size == 1 else self.rules.entrywise:
            if self.is_over():
                return None
            before = len(self.wishes)
            found = rule(node, goal, self)
            if found is not None and has(found, goal) and found.shape == node.shape:
                return found
            self.take_back(before)
        if not 1 < node.size <= MOST_ENTRIES:
            return None
        return by_entries(node, lambda entry: self.form(entry, goal))


Rule: TypeAlias = Callable[[Any, str, Forms], Any]
"""Makes a form of a node with that curvature, "convex" or "concave", or None."""


def composed(node: Any, goal: str, forms: Forms) -> Any:
    """The node of arguments with the curvature that its monotonicity asks for."""
    if not inner(node) or not getattr(node, f"is_atom_{goal}")():
        return None
    arguments = []
    for place, argument in enumerate(node.args):
        found = argument if argument.is_affine() else argument_form(node, place, goal, forms)
        if found is None:
            return None
        arguments.append(found)
    return node.copy(arguments)


def argument_form(node: Any, place: int, goal: str, forms: Forms) -> Any:
    """What the node may be given in that place, or None."""
    argument = node.args[place]
    for goes, wanted in ((node.is_incr, goal), (node.is_decr, OPPOSITE[goal])):
        if goes(place):
            return forms.form(argument, wanted)
    if forms.is_nonneg(argument) and isinstance(node, (*POWERS, cp.abs, cp.quad_over_lin)):
        found = forms.form(argument, "convex")
        return None if found is None else found if found.is_nonneg() else cp.pos(found)
    both = forms.form(argument, "convex")
    return both if both is not None and both.is_affine() else None

"""Like terms collected: the checker's normal form, every term of which bends one way.

What is left over is grouped by the unknowns that it has; each group, with all that depends on
nothing else, is a function of fewer unknowns, and is proved by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any, cast

import cvxpy as cp
import numpy as np
from flint import fmpq

from cvxnet.analysis.derivation import Derived, derived
from cvxnet.analysis.documents import more_nodes, tape_of
from cvxnet.analysis.evidence import Finding, Proof, is_proved, statement_of
from cvxnet.analysis.provers.boxes import prove_by_boxes
from cvxnet.analysis.provers.compositions import prove_by_terms
from cvxnet.analysis.provers.hessians import prove_by_hessian
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.answer import KINDS
from cvxnet.proofs.checker.convexity.curvature.normal_form import Judge, by_normal_form
from cvxnet.proofs.checker.convexity.curvature.parts import entries_of, is_linear
from cvxnet.proofs.checker.convexity.forms.factors import Factor, powers_of
from cvxnet.proofs.checker.convexity.forms.normal import NormalForms
from cvxnet.proofs.checker.convexity.forms.polynomials import Polynomial
from cvxnet.proofs.checker.convexity.statement import Checking

REASON = "like terms collected (exact arithmetic), every term that is left bends that way"
GROUPED = f"{REASON}; grouped by their unknowns where that is not so"
EVIDENCE = {"kind": "normal form"}
SECONDS = 1.5
MOST_GROUPS = 12
PART_PROVERS = (prove_by_terms, prove_by_hessian, prove_by_boxes)
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": cp.abs,
    "exp": cp.exp,
    "log": cp.log,
    "inverse": lambda u: 1 / u,
    "cvxnet.sigmoid": lambda u: 1 / (1 + cp.exp(-u)),
}


def prove_by_normal_form(asked: Derived, goal: str) -> Iterator[Finding]:
    """The checker finds the form itself, if that does not take long."""
    try:
        checking = Checking(asked.clock(SECONDS), KINDS)
        by_normal_form(statement_of(asked.question, goal), EVIDENCE, checking)
    except RefusalError:
        return
    yield Proof(REASON, EVIDENCE)


def prove_by_groups(asked: Derived, goal: str) -> Iterator[Finding]:
    """Proofs of the groups that the normal form leaves open."""
    if asked.question.network is not None:
        return
    written = map(Written(asked).polynomial, open_groups(asked, goal))
    groups = [group for group in written if group is not None]
    nodes, roots = more_nodes(asked.question, *groups)
    parts = []
    for group, root in zip(groups, roots, strict=True):
        question = replace(asked.question, expression=group)
        proof = proof_of_part(replace(derived(question), seconds=asked.seconds))
        if proof is None:
            return
        parts.append({"root": root, "proof": dict(proof.evidence)})
    if parts:
        yield Proof(GROUPED, {"kind": "normal form", "nodes": nodes, "parts": parts})


def proof_of_part(asked: Derived) -> Proof | None:
    """The first proof that a group is convex."""
    for prover in PART_PROVERS:
        for found in prover(asked, "convex"):
            if isinstance(found, Proof) and is_proved(
                asked.question, "convex", found, asked.seconds
            ):
                return found
    return None


def open_groups(asked: Derived, goal: str) -> list[Polynomial]:
    """Sums of terms that share no unknown with the other groups, and do not bend by themselves."""
    statement, clock = statement_of(asked.question, goal), asked.clock(SECONDS)
    forms, groups = NormalForms(statement, clock), dict[Polynomial, None]()
    try:
        entries = forms.of(statement.root)
        judge = Judge(forms, Checking(clock, KINDS))
        for entry in entries:
            form = entry if goal == "convex" else -entry
            groups |= dict.fromkeys(groups_of(form, judge))
    except RefusalError:
        return []
    return list(groups) if len(groups) <= MOST_GROUPS else []


def groups_of(form: Polynomial, judge: Judge) -> list[Polynomial]:
    """The groups of one form; none where a group is all of it."""
    _, left = judge.open_terms(form)
    curved = Polynomial({m: v for m, v in form.terms.items() if not is_linear(m)})
    sets: list[set[Factor]] = []
    for monomial in left:
        own = entries_of_one(monomial)
        for other in [s for s in sets if s & own]:
            sets.remove(other)
            own |= other
        sets.append(own)
    groups = [
        Polynomial({m: v for m, v in curved.terms.items() if entries_of_one(m) <= own})
        for own in sets
    ]
    return [group for group in groups if group.terms and group != curved]


def entries_of_one(monomial: Any) -> set[Factor]:
    """The entries that a product depends on."""
    return entries_of(Polynomial({monomial: fmpq(1)}))


class Written:
    """Polynomials as CVXPY expressions in the leaves of a question; None where they are not."""

    def __init__(self, asked: Derived) -> None:
        self.nodes = tape_of(asked.question).nodes

    def polynomial(self, form: Polynomial) -> Any | None:
        """A sum of products."""
        terms = []
        for monomial, value in form.terms.items():
            exact = Fraction(int(value.p), int(value.q))
            factors = [self.power(f, power) for f, power in powers_of(monomial)]
            if Fraction(float(exact)) != exact or any(f is None for f in factors):
                return None
            terms.append(reduce(mul, factors, cp.Constant(float(exact))))
        return reduce(add, terms, cp.Constant(0.0))

    def power(self, factor: Factor, power: int) -> Any | None:
        """A power >= 1."""
        base = self.factor(factor)
        if base is None or power == 1:
            return base
        even = power & (power - 1) == 0
        return cp.power(base, power) if even else reduce(mul, [base] * power)

    def factor(self, f: Factor) -> Any | None:
        """An entry, or a function of polynomials."""
        if f.name == "entry":
            place, position = cast(tuple[int, int], f.options)
            leaf = self.nodes[place]
            where = tuple(int(k) for k in np.unravel_index(position, leaf.shape))
            return leaf[where] if leaf.shape else leaf
        square_root = (f.name, f.options) == ("root", (1, 2))
        function = cp.sqrt if square_root else FUNCTIONS.get(f.name)
        if function is None or len(f.args) != 1:
            return None
        arg = self.polynomial(f.args[0])
        return None if arg is None else function(arg)

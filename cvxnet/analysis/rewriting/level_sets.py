"""Constraints in a form that CVXPY accepts: the same points, with the sides seen differently.

An inequality ``f <= g`` has the same points as ``phi(f) <= phi(g)`` for every rising phi that is
defined on both sides: a logarithm, a root, a multiplication by something positive. So a level set
may be convex where neither side has the curvature that it needs.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.constraints import kind_of
from cvxnet.analysis.rewriting.changes import CHANGES, EQUATIONS, Sides
from cvxnet.analysis.rewriting.entries import entry_of
from cvxnet.analysis.rewriting.search import Forms

MOST_ENTRIES = 200  # of a constraint that is rewritten entry by entry
MOST_ROUNDS = 5  # of changes to one constraint
Written = tuple[list[str], list[Any]]
"""What was done to a constraint, and the constraints that say the same."""


def written(constraint: Any, forms: Forms) -> Written | None:
    """Constraints that CVXPY accepts, with the same points, or None."""
    if constraint.is_dcp():
        return [], [constraint]
    kind = kind_of(constraint)
    if not kind.compared:
        return None
    if kind.affine:
        return equality(kind.judged(constraint), forms)
    return inequality(sides_of(constraint), forms, MOST_ROUNDS)


def sides_of(constraint: Any) -> Sides:
    """Left and right, as they stand."""
    if len(constraint.args) == 2:
        return constraint.args[0], constraint.args[1]
    return kind_of(constraint).judged(constraint), cp.Constant(0.0)


def inequality(sides: Sides, forms: Forms, rounds: int) -> Written | None:
    """``left <= right``."""
    left, right = sides
    for one, other in ((left, right), (left - right, cp.Constant(0.0))):
        below, above = forms.form(one, "convex"), forms.form(other, "concave")
        if below is not None and above is not None:
            return [], [below <= above]
    if rounds == 0:
        return None
    for name, change in CHANGES:
        for changed in change(sides, forms):
            found = all_of(changed, forms, rounds - 1)
            if found is not None:
                return [name, *found[0]], found[1]
    return None


def all_of(changed: list[Sides], forms: Forms, rounds: int) -> Written | None:
    """All of some inequalities; None where one of them has no form, or there are none."""
    parts = [inequality(sides, forms, rounds) for sides in changed]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    names = [name for names, _ in known for name in names]
    return names, [constraint for _, constraints in known for constraint in constraints]


def equality(expression: Any, forms: Forms) -> Written | None:
    """``expression == 0``, where it is affine after all, or one rising function of something is."""
    found = forms.form(expression, "convex")
    if found is not None and found.is_affine():
        return [], [found == 0]
    sides = expression, cp.Constant(0.0)
    for name, change in EQUATIONS:
        for changed in change(sides, forms):
            for left, right in changed:
                rest = equality(left - right, forms)
                if rest is not None:
                    return [name.replace("<=", "=="), *rest[0]], rest[1]
    return None


def by_entries(constraint: Any, forms: Forms) -> Written | None:
    """A constraint on several entries, one by one."""
    if constraint.size > MOST_ENTRIES or not kind_of(constraint).compared:
        return None
    left, right = (
        arg if arg.shape == constraint.shape else cp.broadcast_to(arg, constraint.shape)
        for arg in sides_of(constraint)
    )
    names: list[str] = []
    found: list[Any] = []
    for place in np.ndindex(constraint.shape):
        one, other = entry_of(left, place), entry_of(right, place)
        entry = written(one == other if kind_of(constraint).affine else one <= other, forms)
        if entry is None:
            return None
        names += entry[0]
        found += entry[1]
    return names, found

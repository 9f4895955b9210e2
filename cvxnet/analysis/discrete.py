"""Variables and constraints that allow single values only, and what they are relaxed to.

A set of more than one point with gaps between is not convex. What is proved about problems and
expressions is therefore about their relaxation, in which values may move between; a problem
itself is refuted by two feasible points whose midpoint falls into a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import dense

WINDOW = 5  # whole numbers that a counterexample may use, where there are more


def discrete_names(question: Question, leaves: Iterable[Any]) -> Iterator[str]:
    """What the attributes of these leaves allow only single values."""
    for leaf in leaves:
        for word, values in (("boolean", "0 and 1"), ("integer", "whole numbers")):
            if leaf.attributes[word]:
                some = "" if leaf.attributes[word] is True else "in part "
                yield f"{question.name(leaf)} is {some}{word} ({values} only)"


def gaps(question: Question) -> list[cp.FiniteSet]:
    """Finite sets that the integer and boolean entries of the unknowns are in.

    Of more whole numbers than a few these are some consecutive ones, which are as good: a
    midpoint of two of them is whole if, and only if, it is one of them.
    """
    found: list[Any] = []
    for leaf in question.unknowns:
        low, high = leaf_bounds(leaf, question)
        for places in (leaf.boolean_idx, leaf.integer_idx):
            if len(places):
                found += windows(leaf, chosen(leaf, places), low, high)
    return found


def chosen(leaf: Any, places: Any) -> Any:
    """The mask of entries that CVXPY lists in one of its ways (a scalar lists entry 0)."""
    mask = np.zeros(leaf.shape, dtype=bool)
    mask[tuple(places) if leaf.shape else ()] = True
    return mask


def windows(leaf: Any, mask: Any, low: Any, high: Any) -> Iterator[cp.FiniteSet]:
    """One finite set for all entries that have the same window."""
    first = np.ceil(np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 2.0) - 4.0))
    last = np.minimum(np.floor(high), first + WINDOW - 1.0)
    for a, b in {(float(a), float(b)) for a, b in zip(first[mask], last[mask], strict=True)}:
        here = mask & (first == a) & (last == b)
        if a < b:
            yield cp.FiniteSet(leaf[here] if leaf.shape else leaf, np.arange(a, b + 1.0))


def relaxed(constraint: Any) -> list[Any]:
    """A finite set as the interval that it spans; other constraints as they are."""
    if type(constraint) is not cp.FiniteSet:
        return [constraint]
    values = dense(constraint.args[1].value)
    expression = constraint.args[0]
    return [expression >= float(values.min()), expression <= float(values.max())]


def has_gaps(constraint: Any) -> bool:
    """Whether a constraint is a finite set of at least two values."""
    return type(constraint) is cp.FiniteSet and len(np.unique(dense(constraint.args[1].value))) > 1

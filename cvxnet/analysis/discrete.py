"""Variables and constraints that allow single values only, and what they are relaxed to.

A set of more than one point with gaps between is not convex. What is proved about problems and
expressions is therefore about their relaxation, in which values may move between; a problem
itself is refuted by two feasible points whose midpoint falls into a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.forms import normal_forms
from cvxnet.analysis.inequalities import as_float, given_rows
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.analysis.tape import Tape, dense
from cvxnet.analysis.witnesses import Counterexample, verify
from cvxnet.functions.arithmetic import Undecided

WINDOW = 5  # whole numbers that a counterexample may use, where there are more
MOST_COLUMNS = 2000  # and rows of an integer program
DIRECTIONS = 6  # in which integer programs look for feasible points
FAR = 1e5  # how far away they may be
DECIMALS = 9  # of their entries
Values = Mapping[int, Any]


def discrete_names(question: Question, leaves: Iterable[Any]) -> Iterator[str]:
    """What the attributes of these leaves allow only single values."""
    for leaf in leaves:
        for word, values in (("boolean", "0 and 1"), ("integer", "whole numbers")):
            if leaf.attributes[word]:
                some = "" if leaf.attributes[word] is True else "in part "
                yield f"{question.name(leaf)} is {some}{word} ({values} only)"


def gaps(question: Question, ends: tuple[Values, Values] | None = None) -> list[cp.FiniteSet]:
    """Finite sets that the integer and boolean entries of the unknowns are in.

    Of more whole numbers than a few these are some consecutive ones, or those around the midpoint
    of two points. They are as good: a midpoint of two of them is whole if, and only if, it is one.
    """
    found: list[Any] = []
    for leaf in question.unknowns:
        if ends is None:
            first, last = window(*leaf_bounds(leaf, question))
        else:
            first, last = (end[id(leaf)] for end in ends)
        values = consecutive if ends is None else around_middle
        for places in (leaf.boolean_idx, leaf.integer_idx):
            if len(places):
                found += finite_sets(leaf, chosen(leaf, places), first, last, values)
    return found


def window(low: Any, high: Any) -> tuple[Any, Any]:
    """The first and last of some consecutive whole numbers between bounds."""
    first = np.ceil(np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 2.0) - 4.0))
    return first, np.minimum(np.floor(high), first + WINDOW - 1.0)


def consecutive(a: float, b: float) -> Any:
    """All whole numbers from a to b."""
    return np.arange(a, b + 1.0)


def around_middle(a: float, b: float) -> Any:
    """a, b and the whole numbers next to their midpoint."""
    middle = 0.5 * (a + b)
    return np.unique([a, b, np.floor(middle), np.ceil(middle)])


def finite_sets(leaf: Any, mask: Any, first: Any, last: Any, values: Any) -> Iterator[Any]:
    """One finite set for all of the entries that have the same first and last value."""
    for a, b in {(float(a), float(b)) for a, b in zip(first[mask], last[mask], strict=True)}:
        here = mask & (first == a) & (last == b)
        if a != b and len(values(a, b)):
            yield cp.FiniteSet(leaf[here] if leaf.shape else leaf, values(a, b))


def find_gap(question: Question, sets: list[Any]) -> Counterexample | None:
    """Two feasible points whose midpoint falls into a gap, from mixed-integer linear programs.

    Their feasible sets are the affine constraints; whether points satisfy the others, too, is for
    the verification to say.
    """
    program = integer_program(question, sets)
    if program is None or any(not isinstance(n, cp.Variable) for n in leaves_of(question)):
        return None
    points = [as_values(question, point) for point in program.points()]
    for ends in ((one, other) for k, one in enumerate(points) for other in points[:k]):
        between = (*question.constraints, *gaps(question, ends), *sets)
        asked = replace(question, constraints=between)
        witness = verify(asked, Segment(*ends, {}), "set")
        if witness is not None:
            return witness
    return None


def leaves_of(question: Question) -> list[Any]:
    """The leaves of all constraints."""
    return Tape([arg for constraint in question.constraints for arg in constraint.args]).leaves()


@dataclass(frozen=True)
class Line:
    """``coefficients . z + constant >= 0`` (or = 0), in floats."""

    coefficients: dict[int, float]
    constant: float
    equal: bool


def line(coefficients: Mapping[int, Any], constant: Any, equal: bool) -> Line:
    """The same of rationals, rounded."""
    return Line({k: as_float(v) for k, v in coefficients.items()}, as_float(constant), equal)


@dataclass(frozen=True)
class IntegerProgram:
    """Lines about the entries of the unknowns, and one column 0 or 1 for each value of a set.

    Attributes
    ----------
    lines : list of Line
        The constraints.
    whole : (columns,) array
        1 for the columns that are whole numbers.
    size : int
        The number of entries of the unknowns, which come first.
    """

    lines: list[Line]
    whole: Any
    size: int

    def points(self) -> Iterator[Any]:
        """Feasible points in several directions, rounded to a few decimals."""
        columns = len(self.whole)
        low, high = np.full(columns, -FAR), np.full(columns, FAR)
        low[self.size :], high[self.size :] = 0.0, 1.0
        rng = np.random.default_rng(0)
        for _ in range(DIRECTIONS):
            found = milp(
                rng.standard_normal(columns) * self.whole,
                integrality=self.whole,
                bounds=Bounds(low, high),
                constraints=self.constraint(),
                options={"time_limit": 2.0},
            )
            if found.x is not None:
                yield np.round(found.x[: self.size], DECIMALS)

    def constraint(self) -> Any:
        """The lines as scipy takes them."""
        if not self.lines:
            return ()
        A = np.zeros((len(self.lines), len(self.whole)))
        for k, one in enumerate(self.lines):
            A[k, list(one.coefficients)] = list(one.coefficients.values())
        low = np.array([-one.constant for one in self.lines])
        equal = np.array([one.equal for one in self.lines])
        return LinearConstraint(A, low, np.where(equal, low, np.inf))


def integer_program(question: Question, sets: list[Any]) -> IntegerProgram | None:
    """The affine constraints and the finite sets; None where these are of curved things."""
    whole = np.concatenate([np.ravel(whole_entries(u)) for u in question.unknowns])
    size, columns = len(whole), len(whole)
    lines = [line(row.coefficients, row.constant, False) for row in given_rows(question)]
    for constraint in sets:
        values = np.unique(dense(constraint.args[1].value))
        for form in forms_of(constraint.args[0], question):
            if form is None:
                return None
            mine = dict(zip(range(columns, columns + len(values)), -values, strict=True))
            lines.append(line({**form.linear, **mine}, form.constant, True))
            lines.append(line(dict.fromkeys(mine, 1.0), -1.0, True))
            columns += len(values)
    if columns > MOST_COLUMNS or len(lines) > MOST_COLUMNS:
        return None
    return IntegerProgram(lines, np.append(whole, np.ones(columns - size)), size)


def forms_of(expression: Any, question: Question) -> list[Any]:
    """The entries of an expression as affine forms in the unknowns; None for others."""
    try:
        forms = np.ravel(normal_forms(Tape([expression]), question.unknowns))
    except Undecided:
        return [None]
    return [form if form.affine else None for form in forms]


def whole_entries(leaf: Any) -> Any:
    """1 for the entries of a leaf that are integer or boolean, 0 for the others."""
    found = np.zeros(leaf.shape)
    for places in (leaf.boolean_idx, leaf.integer_idx):
        if len(places):
            found[chosen(leaf, places)] = 1.0
    return found


def as_values(question: Question, flat: Any) -> Values:
    """A flat point as values of the unknowns."""
    values, start = {}, 0
    for leaf in question.unknowns:
        values[id(leaf)] = flat[start : start + leaf.size].reshape(leaf.shape) + 0.0
        start += leaf.size
    return values


def chosen(leaf: Any, places: Any) -> Any:
    """The mask of entries that CVXPY lists in one of its ways (a scalar lists entry 0)."""
    mask = np.zeros(leaf.shape, dtype=bool)
    mask[tuple(places) if leaf.shape else ()] = True
    return mask


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

"""Exact decisions where composition is silent: normal forms, quadratics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from cvxnet.analysis.atoms import constant_matrix
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.forms import Form, Line, hessian, normal_forms
from cvxnet.analysis.quadratics import (
    as_floats,
    is_psd,
    negative_direction,
)
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.analysis.tape import Tape
from cvxnet.functions.arithmetic import Undecided
from cvxnet.functions.profile import Profile

MOST_UNKNOWNS = 200
MOST_WORK = 400_000


@dataclass(frozen=True)
class Decision:
    """What an exact decider found for one curvature.

    Attributes
    ----------
    proved : bool
        Whether every entry has the curvature.
    reason : str
        Why, or what is in the way.
    candidates : tuple of Segment
        Where to look for a counterexample.
    """

    proved: bool
    reason: str
    candidates: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Box:
    """The unknowns' bounds as flat lists."""

    low: Any
    high: Any

    def span(self, line: Line) -> tuple[fmpq | None, fmpq | None]:
        """The open range of an affine function over the interior; None where it is infinite."""
        low: Any = line[0]
        high: Any = line[0]
        for i, slope in line[1]:
            first, last = self.low[i], self.high[i]
            if slope < 0:
                first, last = last, first
            low = None if low is None or np.isinf(first) else low + slope * exact(first)
            high = None if high is None or np.isinf(last) else high + slope * exact(last)
        return low, high

    def reach(self, line: Line) -> tuple[float, float]:
        """The same, rounded outwards."""
        low, high = self.span(line)
        return (
            -np.inf if low is None else outward(low, -np.inf),
            np.inf if high is None else outward(high, np.inf),
        )

    def cuts(self, line: Line) -> bool:
        """Whether the hyperplane meets the interior of the box."""
        low, high = self.span(line)
        return (low is None or low < 0) and (high is None or high > 0)


def outward(value: fmpq, direction: float) -> float:
    """The nearest double on that side."""
    near = float_of(value)
    beyond = exact(near) > value if direction < 0 else exact(near) < value
    return float(np.nextafter(near, direction)) if beyond else near


def exact(value: float) -> fmpq:
    """A finite float as a rational."""
    return fmpq(*float(value).as_integer_ratio())


def float_of(value: fmpq) -> float:
    """A rational, rounded."""
    return int(value.p) / int(value.q)


Decider: TypeAlias = Callable[[Question, Tape, Space, fmpq], Decision | None]
"""What an expression's curvature is, for a sign (1: convex? -1: concave?); None: not its kind."""


def decide(
    question: Question, tape: Tape, refutes: str, deciders: tuple[Decider, ...]
) -> Decision | None:
    """The decision of the first decider that understands the expression, or None."""
    space = Space(question, tape)
    if not space.searchable or any(not space.domain(id(u)).interior for u in space.unknowns):
        return None
    sign = fmpq(1 if refutes == "convex" else -1)
    for decider in deciders:
        try:
            decision = decider(question, tape, space, sign)
        except (Undecided, OverflowError):
            continue
        if decision is not None:
            return decision
    return None


def decide_matrix(question: Question, tape: Tape, space: Space, sign: fmpq) -> Decision | None:
    """Where a quadratic form in one unknown is not convex, whatever its size.

    Where it is, the rules say so: they look at the matrix in the same way.
    """
    root = tape.nodes[-1]
    if type(root) is not cp.QuadForm or not all(root.args[0] is u for u in space.unknowns):
        return None
    matrix = constant_matrix(root.args[1])
    if matrix is None:
        return None
    double = (matrix + matrix.T) * sign
    found = negative_direction(double, as_floats(double))
    if found is None:
        return None
    (domain,) = (space.domain(id(u)) for u in space.unknowns)
    middle, half = middle_of(np.ravel(domain.low), np.ravel(domain.high))
    step = float(np.min(half)) * found
    return Decision(
        False,
        "the matrix is not semidefinite",
        (as_segment(space, middle - step, middle + step, ()),),
    )


def is_small(space: Space) -> bool:
    """Whether a walk through the expression that follows every unknown is cheap."""
    return space.size <= MOST_UNKNOWNS and space.size * space.work <= MOST_WORK


def decide_form(question: Question, tape: Tape, space: Space, sign: fmpq) -> Decision | None:
    """Hyperplanes, ridges and the Hessian of the normal form."""
    if not is_small(space):
        return None
    forms = normal_forms(tape, tuple(space.unknowns))
    box = box_of(question, space)
    unsure, candidates = "", list[Segment]()
    for entry, unsigned in np.ndenumerate(forms):
        form = unsigned.scaled(sign)
        for line in drops(form, box):
            candidates += list(across(space, box, line, entry))
        unsure = unsure or next(obstacles(form, box), "")
        if form.polynomial and not definite(form):
            candidates += list(along(space, form, entry))
    reason = unsure or describe_form(forms)
    return Decision(not candidates and not unsure, reason, tuple(candidates))


def drops(form: Form, box: Box) -> Iterator[Line]:
    """The hyperplanes in the box across which the slope falls."""
    return (line for line, jump in form.hinges.items() if jump < 0 and box.cuts(line))


def obstacles(form: Form, box: Box) -> Iterator[str]:
    """What keeps the form from being convex."""
    for (name, line), (weight, profile) in form.ridges.items():
        if not bends_up(profile, weight, *box.reach(line)):
            label = name if isinstance(name, str) else name[0]
            yield f"a {label} unit enters with weight {float_of(weight):.3g}"
    for name, weight in form.convex_parts.items():
        if weight < 0:
            yield f"a {name[0]} enters with weight {float_of(weight):.3g}"
    for line in drops(form, box):
        yield f"the slope drops by {float_of(-form.hinges[line]):.3g} across a hyperplane"
    if not definite(form):
        yield "the Hessian of the quadratic part is not definite"


def bends_up(profile: Profile, weight: fmpq, low: float, high: float) -> bool:
    """Whether a multiple of a function is convex on an interval."""
    pieces = profile.convex if weight > 0 else profile.concave
    return any(a <= max(low, profile.domain[0]) and high <= b for a, b in pieces)


def definite(form: Form) -> bool:
    """Whether the quadratic part is positive semidefinite."""
    return is_psd(hessian(form, sorted({i for pair in form.quadratic for i in pair})))


def describe_form(forms: NDArray[np.object_]) -> str:
    """The proof in words."""
    parts: list[Form] = list(np.ravel(forms))
    hinges = sum(len(f.hinges) for f in parts)
    names = ", ".join(sorted({key[0] for f in parts for key in f.convex_parts}))
    sayings = (
        (hinges, f"after merging parallel units every slope jump ({hinges} left) has that sign"),
        (sum(len(f.ridges) for f in parts), "every smooth ridge left bends that way"),
        (
            sum(len(f.quadratic) for f in parts),
            "the Hessian of the quadratic part is semidefinite (exact elimination)",
        ),
        (len(names), f"recognised as convex: {names}"),
    )
    said = [text for count, text in sayings if count]
    return "; ".join(said) or "everything cancels to an affine function (exact arithmetic)"


def box_of(question: Question, space: Space) -> Box:
    """The bounds of all unknowns, flat."""
    bounds = [leaf_bounds(u, question) for u in space.unknowns]
    low, high = (np.concatenate([np.ravel(b[k]) for b in bounds]) for k in (0, 1))
    return Box(low, high)


def across(space: Space, box: Box, line: Line, entry: tuple[int, ...]) -> Iterator[Segment]:
    """Segments through the hyperplane along its normal, from simple points to random ones."""
    normal = np.zeros(space.size)
    for i, slope in line[1]:
        normal[i] = float_of(slope)
    offset = float_of(line[0])
    unit = normal / np.abs(normal).max()
    starts = [np.zeros((1, space.size)), space.draw(6, True), space.draw(12, False)]
    for start in np.concatenate(starts):
        centre = start - normal * (start @ normal + offset) / (normal @ normal)
        room = np.minimum(centre - box.low, box.high - centre)
        if (room < 0).any():
            continue
        for width in (1.0, 0.1, 1e-2, 1e-4, 1e-6):
            if (np.abs(unit) * width <= room).all():
                yield as_segment(space, centre - width * unit, centre + width * unit, entry)


def along(space: Space, form: Form, entry: tuple[int, ...]) -> Iterator[Segment]:
    """A segment along a direction of negative curvature, moved into the domain."""
    indices = sorted({i for pair in form.quadratic for i in pair})
    matrix = hessian(form, indices)
    found = negative_direction(matrix, as_floats(matrix))
    if found is None:
        return
    direction = np.zeros(space.size)
    direction[indices] = found
    low = np.concatenate([np.ravel(space.domain(id(u)).low) for u in space.unknowns])
    high = np.concatenate([np.ravel(space.domain(id(u)).high) for u in space.unknowns])
    middle, half = middle_of(low, high)
    size = float(np.min(half))
    yield as_segment(space, middle - size * direction, middle + size * direction, entry)


def middle_of(low: Any, high: Any) -> tuple[Any, Any]:
    """A point inside a box, and how far one may go from it in every direction."""
    left, right = np.isfinite(low), np.isfinite(high)
    a, b = np.where(left, low, 0.0), np.where(right, high, 0.0)
    middle = np.where(
        left & right, 0.5 * (a + b), np.where(left, a + 1.0, np.where(right, b - 1.0, 0.0))
    )
    return middle, np.where(left & right, 0.5 * (b - a), 1.0)


def as_segment(space: Space, a: Any, b: Any, entry: tuple[int, ...]) -> Segment:
    """Flat ends as a candidate."""
    first, second = space.split(a[None]), space.split(b[None])
    return Segment(
        {k: np.asarray(v[0]) for k, v in first.items()},
        {k: np.asarray(v[0]) for k, v in second.items()},
        {},
        tuple(int(i) for i in entry),
        "the normal form",
    )


DECIDERS: tuple[Decider, ...] = (decide_matrix, decide_form)

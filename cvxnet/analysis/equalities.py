"""Affine equalities used up: some entries of the unknowns as affine functions of the others.

On ``A x = b`` a function is convex iff it is as a function of the entries that remain free. They
keep their names; the entries that they determine are replaced wherever they occur. Only what is
exact in doubles is done (a common denominator divides at the end).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain
from math import lcm
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.constraints import kind_of
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.documents import expression_document, tape_of
from cvxnet.analysis.domains import substituted
from cvxnet.analysis.evidence import Proof
from cvxnet.analysis.forms import Form, normal_forms
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.analysis.tape import Tape
from cvxnet.functions.arithmetic import Undecided, as_fraction

MOST_ENTRIES = 400  # of the unknowns, where equalities are used up
PLAIN = {"nonneg", "nonpos", "pos", "neg", "bounds", "integer", "boolean"}
Entry = tuple[int, int]
"""The position of an unknown among all, and of the entry in it."""
Row = tuple[dict[Entry, Fraction], Fraction]
"""Slopes and a constant."""
Values = Mapping[int, Any]


@dataclass(frozen=True)
class Eliminated:
    """A question without equalities that has the answer of another one.

    Attributes
    ----------
    original, question : Question
        With the equalities and without.
    solved : mapping of entry to row
        The entries that were replaced.
    origins : tuple
        Where the constraints of the new question come from: the number of a constraint, or the
        bounds of a leaf that was replaced.
    """

    original: Question
    question: Question
    solved: Mapping[Entry, Row]
    origins: tuple[Any, ...]

    def proof(self, inner: Proof) -> Proof:
        """The proof about the original question."""
        document = expression_document(self.question)
        new, old = tape_of(self.question), tape_of(self.original)
        leaves = {new.place[id(leaf)]: old.place[id(leaf)] for leaf in new.leaves()}
        origins = [
            {**origin, "leaf": old.place[origin["leaf"]]} if isinstance(origin, dict) else origin
            for origin in self.origins
        ]
        evidence = {
            "kind": "restated",
            **document,
            "leaves": {str(place): of for place, of in leaves.items()},
            "from": origins,
            "proof": dict(inner.evidence),
        }
        return Proof(f"with the equalities used up: {inner.reason}", evidence)

    def back(self, found: Segment) -> Segment:
        """A segment of the new question as one on which the equalities hold, exactly."""
        a, b = (self.complete({**found.fixed, **end}) for end in (found.a, found.b))
        fixed = [u for u in self.leaves[len(self.original.unknowns) :] if id(u) in self.places]
        values = {id(u): plain(self.fractions(u, found.fixed)).reshape(u.shape) for u in fixed}
        return replace(found, a=a, b=b, fixed=values)

    def complete(self, point: Values) -> Values:
        """A point with the entries that were replaced; those that nothing names are near zero."""
        values = {id(u): self.fractions(u, point) for u in self.leaves}
        for (number, k), (slopes, constant) in self.solved.items():
            terms = (c * values[id(self.leaves[n])][i] for (n, i), c in slopes.items())
            values[id(self.leaves[number])][k] = constant + sum(terms)
        moving = [u for u in self.original.unknowns if id(u) in self.places]
        return {id(u): plain(values[id(u)]).reshape(u.shape) for u in moving}

    @cached_property
    def leaves(self) -> tuple[Any, ...]:
        """The unknowns, then what is fixed."""
        return leaves_of(self.original)

    @cached_property
    def places(self) -> Mapping[int, int]:
        """The nodes of the original question."""
        return tape_of(self.original).place

    def fractions(self, leaf: Any, point: Values) -> Any:
        """The entries of an unknown, flat; zero, or the nearest bound, where it has no value."""
        low, high = leaf_bounds(leaf, self.original)
        value = point.get(id(leaf), np.clip(np.zeros(leaf.shape), low, high))
        array = np.empty(leaf.size, dtype=object)
        array[:] = [Fraction(float(v)) for v in np.ravel(value)]
        return array


def plain(array: Any) -> Any:
    """Fractions as doubles, where these are the same."""
    rounded = array.astype(float)
    exact = all(Fraction(v) == w for v, w in zip(rounded, array, strict=True))
    return rounded if exact else array


def eliminated(question: Question) -> Eliminated | None:
    """The question without its affine equalities; None where it has none, or nothing exact."""
    affine = [c for c in question.constraints if kind_of(c).affine]
    if not affine or sum(u.size for u in question.unknowns) > MOST_ENTRIES:
        return None
    leaves = leaves_of(question)
    rows = [rows_of(constraint, leaves) for constraint in question.constraints]
    solved = solve([*chain(*rows)], len(question.unknowns))
    instead = replacements(leaves, solved) if solved else None
    if instead is None:
        return None
    return restated(question, [k for k, own in enumerate(rows) if not own], solved, instead)


def restated(
    question: Question, kept: list[int], solved: Mapping[Entry, Row], instead: Mapping[int, Any]
) -> Eliminated:
    """The question with these of its constraints, and with expressions instead of leaves."""
    bounds = list(bounds_of(question, solved, instead))
    constraints = [substituted(question.constraints[k], instead) for k in kept]
    changed = replace(
        question,
        expression=substituted(question.expression, instead),
        constraints=(*constraints, *(constraint for constraint, _ in bounds)),
        owners={},
        weights={},
    )
    return Eliminated(question, changed, solved, (*kept, *(origin for _, origin in bounds)))


def leaves_of(question: Question) -> tuple[Any, ...]:
    """The unknowns, then the other leaves of the expression and the constraints."""
    unknowns = {id(u) for u in question.unknowns}
    return (*question.unknowns, *(u for u in tape_of(question).leaves() if id(u) not in unknowns))


def rows_of(constraint: Any, leaves: tuple[Any, ...]) -> list[Row]:
    """The equations ``row = 0`` of a constraint; none where it is no affine equality."""
    forms = affine_forms(constraint, leaves)
    if not forms:
        return []
    entries = entries_of(leaves)
    if not all(is_plain(leaves[entries[i][0]]) for form in forms for i in form.linear):
        return []
    return [
        ({entries[i]: as_fraction(v) for i, v in form.linear.items()}, as_fraction(form.constant))
        for form in forms
    ]


def affine_forms(constraint: Any, leaves: tuple[Any, ...]) -> list[Form]:
    """What an equality compares with zero; nothing where it is not affine."""
    kind = kind_of(constraint)
    if not (kind.affine and kind.compared):
        return []
    try:
        forms = list(np.ravel(normal_forms(Tape([kind.judged(constraint)]), leaves)))
    except Undecided:
        return []
    return forms if all(form.affine for form in forms) else []


def entries_of(leaves: Iterable[Any]) -> list[Entry]:
    """The entries of all leaves, in order."""
    return [(number, k) for number, leaf in enumerate(leaves) for k in range(leaf.size)]


def is_plain(leaf: Any) -> bool:
    """Whether the entries of a leaf are unknowns of their own."""
    return {name for name, value in leaf.attributes.items() if value not in (None, False)} <= PLAIN


def solve(rows: list[Row], unknowns: int) -> dict[Entry, Row]:
    """Entries of unknowns as affine functions of the others, by Gauss and Jordan.

    The entry with the shortest number is the next that is replaced.
    """
    solved: dict[Entry, Row] = {}
    for row in rows:
        slopes, constant = inserted(row, solved)
        moving = [e for e in slopes if e[0] < unknowns]
        if not moving:
            continue
        pivot = min(moving, key=lambda e: (weight(slopes[e]), -e[0], -e[1]))
        factor = -1 / slopes.pop(pivot)
        new = {e: factor * v for e, v in slopes.items()}, factor * constant
        solved = {e: inserted(known, {pivot: new}) for e, known in solved.items()}
        solved[pivot] = new
    return solved


def weight(slope: Fraction) -> int:
    """How long a number is."""
    return abs(slope.numerator).bit_length() + slope.denominator.bit_length()


def inserted(row: Row, known: Mapping[Entry, Row]) -> Row:
    """A row with what is known of its entries."""
    slopes, constant = dict(row[0]), row[1]
    for entry in [e for e in row[0] if e in known]:
        factor = slopes.pop(entry)
        constant += factor * known[entry][1]
        for other, value in known[entry][0].items():
            slopes[other] = slopes.get(other, Fraction(0)) + factor * value
    return {e: v for e, v in slopes.items() if v}, constant


# The expressions that take the place of leaves


def replacements(leaves: tuple[Any, ...], solved: Mapping[Entry, Row]) -> dict[int, Any] | None:
    """An expression for each leaf that has entries which are replaced; None if one is rounded."""
    found = {}
    for number in sorted({number for number, _ in solved}):
        leaf = leaves[number]
        own = [remaining((number, k), solved) for k in range(leaf.size)]
        expression = in_place_of(leaf, own, leaves)
        if expression is None:
            return None
        found[id(leaf)] = expression
    return found


def remaining(entry: Entry, solved: Mapping[Entry, Row]) -> Row:
    """An entry as an affine function of those that remain."""
    return solved.get(entry, ({entry: Fraction(1)}, Fraction(0)))


def in_doubles(lines: list[list[Fraction]]) -> tuple[Any, Any] | None:
    """Rows of whole numbers over one denominator each; None where doubles do not hold them."""
    scaled = [one for line in lines if (one := common(line)) is not None]
    if len(scaled) < len(lines):
        return None
    return np.array([line for line, _ in scaled]), np.array([bottom for _, bottom in scaled])


def in_place_of(leaf: Any, rows: list[Row], leaves: tuple[Any, ...]) -> Any:
    """An expression with these entries in the shape of a leaf; None where it is not exact."""
    alone = None if leaf.shape else single(rows[0])
    if alone is not None:
        return entry_of(leaves[alone[0]], alone[1])
    used = {number for slopes, _ in rows for number, _ in slopes}
    columns = [entry for entry in entries_of(leaves) if entry[0] in used]
    scaled = in_doubles([[*(slopes.get(e, Fraction(0)) for e in columns), c] for slopes, c in rows])
    if scaled is None:
        return None
    value = affine_map(*scaled, [leaves[number] for number in sorted(used)])
    return cp.reshape(value, leaf.shape, order="C")


def affine_map(matrix: Any, below: Any, leaves: list[Any]) -> Any:
    """``matrix @ (leaves, 1) / below``, without the 1 and the division where they do nothing."""
    parts: list[Any] = [cp.reshape(leaf, (leaf.size,), order="C") for leaf in leaves]
    if matrix[:, -1].any() or not parts:
        parts.append(cp.Constant(np.ones(1)))
    else:
        matrix = matrix[:, :-1]
    value = matrix @ (parts[0] if len(parts) == 1 else cp.hstack(parts))
    return value if (below == 1.0).all() else value / below


def single(row: Row) -> Entry | None:
    """The entry that a row is equal to; None where it is more than that."""
    slopes, constant = row
    ones = [entry for entry, slope in slopes.items() if slope == 1]
    return ones[0] if len(slopes) == len(ones) == 1 and constant == 0 else None


def entry_of(leaf: Any, k: int) -> Any:
    """One entry of a leaf."""
    return leaf[tuple(int(i) for i in np.unravel_index(k, leaf.shape))] if leaf.shape else leaf


def common(line: list[Fraction]) -> tuple[list[float], float] | None:
    """The numbers as doubles over one double; None where these would be rounded."""
    bottom = lcm(*(value.denominator for value in line))
    for below in (1, bottom):
        top = [value * below for value in line]
        try:
            doubles = [float(value) for value in [*top, Fraction(below)]]
        except OverflowError:
            continue
        if all(Fraction(d) == v for d, v in zip(doubles, [*top, below], strict=True)):
            return doubles[:-1], doubles[-1]
    return None


def bounds_of(
    question: Question, solved: Mapping[Entry, Row], instead: Mapping[int, Any]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The bounds of the entries that were replaced, as constraints, each with its origin."""
    for leaf in question.unknowns:
        if id(leaf) not in instead:
            continue
        number = [id(u) for u in question.unknowns].index(id(leaf))
        entries = [k for n, k in sorted(solved) if n == number]
        flat = cp.reshape(instead[id(leaf)], (leaf.size,), order="C")
        low, high = (np.ravel(np.broadcast_to(b, leaf.shape)) for b in leaf_bounds(leaf, question))
        above = [k for k in entries if np.isfinite(low[k])]
        below = [k for k in entries if np.isfinite(high[k])]
        if above:
            yield low[above] <= flat[above], {"leaf": id(leaf), "entries": above, "side": "low"}
        if below:
            yield flat[below] <= high[below], {"leaf": id(leaf), "entries": below, "side": "high"}

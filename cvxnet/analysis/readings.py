"""Refutations that only the rounding of the given numbers explains.

A Gram, covariance or kernel matrix in floating point is as often as not indefinite by 1e-17, and
exactly as given its quadratic form is then not convex. Such a verdict names the nearest reading:
constants that differ from the given ones by no more than roundings, with which the function is
proved to have the curvature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import MulExpression, values_of, wraps
from cvxnet.analysis.derivation import Derived, derived
from cvxnet.analysis.facts import is_short
from cvxnet.analysis.methods import derive
from cvxnet.analysis.quadratics import ROUNDING, definiteness, is_definite, shift_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, dense, inner
from cvxnet.analysis.witnesses import Counterexample
from cvxnet.functions.arithmetic import RATIONALS, as_fraction
from cvxnet.types import Array

Constants = dict[int, Array]  # by place on the tape

PROBES = 8  # random changes of all constants that tell how much roundings matter at the witness
PROBE = 1e-4  # their size, relative to the largest entry of each constant
MOST_ENTRIES = 200  # constants with more entries are not moved one by one
SHARES = (1.0 / ROUNDING, 1.0)  # of the rounding by which entries are moved
MOST_UNKNOWNS = 60  # of a function to which squares are added
MOST_SQUARE = 200  # rows of a matrix whose diagonal is shifted


@dataclass(frozen=True)
class Reading:
    """A function within rounding of the given one that is proved to have the curvature.

    Attributes
    ----------
    change : str
        What was changed, and by how much.
    distance, largest : float
        The largest change of a number, and the largest number there.
    question : Question
        The question about that function; its answer is proved.
    """

    change: str
    distance: float
    largest: float
    question: Question

    def __str__(self) -> str:
        size = f"by at most {self.distance:.2g}, the largest number being {self.largest:.2g}"
        return f"{self.change} ({size})"


@np.errstate(all="ignore")
def nearest_reading(asked: Derived, witness: Counterexample | None, goal: str) -> Reading | None:
    """The nearest reading that is found of a refutation within rounding; None of any other.

    Without a counterexample (none was found, or none is feasible) only matrices are read anew.
    """
    question, tape = asked.question, asked.tape
    readings: list[Reading] = []
    if witness is None:
        forms = definite_forms(question.expression, (shifted_form,))
        readings += [
            Reading(
                "the diagonal of a matrix is shifted",
                distance,
                largest_of(constants_of(tape)),
                changed(question, expression),
            )
            for _, distance, expression in forms
            if distance is not None
        ]
    else:
        constants = {
            k: v for k, v in constants_of(tape).items() if v.size and not is_short(v).all()
        }
        if not constants:  # short binary fractions are meant as they are
            return None
        reach = reach_of_roundings(question, tape, witness, constants)
        if not abs(violation_of(witness)) <= reach:
            return None
        readings += changed_constants(question, tape, witness, constants)
        sign, largest = (1.0 if goal == "convex" else -1.0), largest_of(constants)
        readings += added_squares(question, witness, reach, sign, largest)
        readings.sort(key=lambda reading: reading.distance)
    proved = (reading for reading in readings if derive(derived(reading.question), goal)[0])
    return next(proved, None)


def changed(question: Question, expression: Any) -> Question:
    """The question about another expression."""
    return replace(question, expression=expression, owners={}, weights={})


def constants_of(tape: Tape) -> Constants:
    """All constants by their place."""
    nodes = enumerate(tape.nodes)
    return {k: dense(node.value) for k, node in nodes if isinstance(node, cp.Constant)}


def largest_of(constants: Constants) -> float:
    """The largest absolute value of all entries."""
    return max((float(np.abs(v).max()) for v in constants.values() if v.size), default=0.0)


def room_of(value: Array) -> float:
    """The largest change of an entry that counts as rounding."""
    rows = max(value.shape, default=1)
    return ROUNDING * rows * float(np.finfo(float).eps) * float(np.abs(value).max())


def reach_of_roundings(
    question: Question, tape: Tape, witness: Counterexample, constants: Constants
) -> float:
    """About how much roundings of the constants can change the violation, generously."""
    violation, rng, largest = gap_at(question, tape, witness, {}), np.random.default_rng(0), 0.0
    for _ in range(PROBES):
        probe = {
            k: v + PROBE * np.abs(v).max() * rng.uniform(-1.0, 1.0, v.shape)
            for k, v in constants.items()
        }
        largest = max(largest, abs(gap_at(question, tape, witness, probe) - violation))
    relative = max(room_of(v) / np.abs(v).max() for v in constants.values())
    return float(10.0 * largest * relative / PROBE)


def violation_of(witness: Counterexample) -> float:
    """``f(middle) - chord`` of the witness, as verified, rounded."""
    return witness.f_middle - witness.chord


def gap_at(question: Question, tape: Tape, witness: Counterexample, changed: Constants) -> float:
    """``f(middle) - chord`` at the witness with other constants, in floats."""
    leaves = {question.name(leaf): tape.place[id(leaf)] for leaf in tape.leaves()}
    known: dict[int, Any] = {k: v[None] for k, v in {**constants_of(tape), **changed}.items()}
    for name, place in leaves.items():
        if name in witness.a:
            a, b = witness.a[name], witness.b[name]
            known[place] = np.stack([a, b, 0.5 * (a + b)])
        else:
            known[place] = np.asarray(witness.fixed[name])[None]
    value = values_of(tape, {id(tape.nodes[k]): v for k, v in known.items()})[-1]
    at_points = np.broadcast_to(value, (3, *value.shape[1:]))
    f_a, f_b, f_middle = (float(value[witness.entry]) for value in at_points)
    return f_middle - 0.5 * (f_a + f_b)


def changed_constants(
    question: Question, tape: Tape, witness: Counterexample, constants: Constants
) -> Iterator[Reading]:
    """Other constants within rounding: small entries dropped, diagonals shifted, entries moved."""

    def reading(change: str, moved: Constants) -> Reading:
        asked = changed(question, rebuilt(tape, moved))
        distance = max(float(np.abs(v - constants[k]).max()) for k, v in moved.items())
        return Reading(change, distance, largest_of({k: constants[k] for k in moved}), asked)

    for change, moved in moved_constants(constants):
        yield reading(change, moved)
    if sum(v.size for v in constants.values()) <= MOST_ENTRIES:
        ways = directions(question, tape, witness, constants)
        for share in SHARES:
            moved = {k: v + share * room_of(v) * ways[k] for k, v in constants.items()}
            yield reading("constants are moved", moved)


def moved_constants(constants: Constants) -> Iterator[tuple[str, Constants]]:
    """What one tries whatever the witness: small entries dropped, diagonals shifted."""
    dropped = {k: np.where(np.abs(v) <= room_of(v), 0.0, v) for k, v in constants.items()}
    dropped = {k: v for k, v in dropped.items() if (v != constants[k]).any()}
    if dropped:
        yield "entries of rounding size are dropped", dropped
    for place, value in constants.items():
        for sign in (1.0, -1.0):
            shift = smallest_shift(value, sign)
            if shift is not None:
                moved = value + sign * shift * np.eye(len(value))
                yield "the diagonal of a matrix is shifted", {place: moved}


def added_squares(
    question: Question, witness: Counterexample, reach: float, sign: float, largest: float
) -> Iterator[Reading]:
    """The function plus a multiple of the squared unknowns, no more than roundings amount to."""
    length = sum(float(((witness.a[n] - witness.b[n]) ** 2).sum()) for n in witness.a)
    size = sum(int(u.size) for u in question.unknowns)
    if not length > 0.0 or question.expression.size != 1 or size > MOST_UNKNOWNS:
        return
    squares = sum(cp.sum_squares(u) for u in question.unknowns)
    for amount in (2.0 * abs(violation_of(witness)), reach):
        factor = 4.0 * amount / length  # (a - b)^2 / 4 is how far below its chord a square is
        expression = question.expression + sign * factor * squares
        asked = changed(question, expression)
        yield Reading("a multiple of the squared unknowns is added", factor, largest, asked)


def smallest_shift(value: Array, sign: float) -> float | None:
    """The smallest shift that certainly makes ``sign`` times a square matrix semidefinite.

    Doubled from the eigenvalue that is in the way; None where that is not within rounding.
    """
    if value.ndim != 2 or len(value) != len(value.T) or len(value) > MOST_SQUARE:
        return None
    found = definiteness(RATIONALS.number(value), int(sign))
    if found.exact or not found.rounded or not found.eigenvalue:
        return None
    shift = abs(found.eigenvalue)
    while shift <= room_of(value):
        moved = RATIONALS.number(sign * value + shift * np.eye(len(value)))
        if is_definite(moved + moved.T):
            return shift
        shift *= 2.0
    return None


def directions(
    question: Question, tape: Tape, witness: Counterexample, constants: Constants
) -> Constants:
    """For every entry the sign of the step that makes the violation at the witness smaller."""
    violation = gap_at(question, tape, witness, {})
    found = {}
    for place, value in constants.items():
        slopes = np.zeros(value.shape)
        for index in np.ndindex(value.shape):
            probe = np.array(value)
            probe[index] += PROBE * np.abs(value).max()
            slopes[index] = gap_at(question, tape, witness, {place: probe}) - violation
        found[place] = np.sign(slopes) * (-1.0 if violation_of(witness) > 0.0 else 1.0)
    return found


def rebuilt(tape: Tape, changed: Constants) -> Any:
    """The expression with other constants."""
    new: list[Any] = []
    for place, node in enumerate(tape.nodes):
        arguments = [new[k] for k in tape.inputs[place]]
        if place in changed:
            new.append(cp.Constant(changed[place]))
        elif all(a is b for a, b in zip(arguments, inner(node), strict=True)):
            new.append(node)
        else:
            new.append(node.copy(arguments))
    return new[-1]


def definite_forms(
    expression: Any, rewrites: Any = None
) -> Iterator[tuple[str, float | None, Any]]:
    """Quadratic forms whose matrix is semidefinite but for its rounding, in better forms.

    Yields
    ------
    change : str
        What to write.
    distance : float or None
        By how much the entries of the matrix change at most; None for an assertion.
    changed : CVXPY expression
        The expression with every such form written so.
    """
    for rewrite in rewrites or FORMS:
        distances: list[float | None] = []
        new = with_forms(expression, rewrite, distances)
        if distances:
            known = [distance for distance in distances if distance is not None]
            yield FORMS[rewrite], max(known, default=None), new


def with_forms(expression: Any, rewrite: Any, distances: list[float | None]) -> Any:
    """The expression with such forms rewritten; how far each moved is added to the list."""
    tape, new = Tape([expression]), list[Any]()
    for place, node in enumerate(tape.nodes):
        arguments = [new[k] for k in tape.inputs[place]]
        same = all(a is b for a, b in zip(arguments, inner(node), strict=True))
        copy = node if same else node.copy(arguments)
        vector, matrix = quadratic_parts(copy)
        for sign in (1, -1) if matrix is not None else ():
            found = definiteness(RATIONALS.number(matrix), sign)
            if found.rounded and not found.exact:
                copy, distance = rewrite(vector, matrix, sign)
                distances.append(distance)
                break
        new.append(copy)
    return new[-1]


def quadratic_parts(node: Any) -> tuple[Any, Array | None]:
    """x and P of ``x' P x``, as an atom or as ``(x @ P) @ x``; else None for P."""
    if type(node) is cp.QuadForm and isinstance(node.args[1], cp.Constant):
        return node.args[0], dense(node.args[1].value)
    if isinstance(node, MulExpression) and not node.shape:
        left, right = node.args
        if isinstance(left, MulExpression) and left.args[0] is right:
            P = left.args[1]
            if isinstance(P, cp.Constant) and len(right.shape) == 1:
                return right, dense(P.value)
    return None, None


def squares_of_factor(x: Any, P: Array, sign: int) -> tuple[Any, float]:
    """``|B'x|^2`` where ``B B'`` is P without its eigenvalues of the wrong sign and of no size."""
    values, vectors = np.linalg.eigh(sign * 0.5 * (P + P.T))
    kept = values > shift_of(RATIONALS.number(P))
    B = vectors[:, kept] * np.sqrt(values[kept])
    exact = RATIONALS.number(B)
    distance = max(abs(v) for v in np.ravel(sign * (exact @ exact.T) - RATIONALS.number(P)))
    return sign * cp.sum_squares(B.T @ x), float(as_fraction(distance))


def shifted_form(x: Any, P: Array, sign: int) -> tuple[Any, float]:
    """P with the smallest shift of its diagonal that makes it certainly semidefinite."""
    shift = smallest_shift(P, sign) or room_of(P)
    return cp.quad_form(x, P + sign * shift * np.eye(len(P))), shift


def wrapped_form(x: Any, P: Array, sign: int) -> tuple[Any, None]:
    """P with an assertion."""
    wrap = cp.psd_wrap if sign > 0 else wraps.nsd_wrap
    return cp.quad_form(x, wrap(0.5 * (P + P.T))), None


FORMS = {
    squares_of_factor: "write cp.sum_squares(B.T @ x) with B @ B.T = P (minus it for -P)",
    shifted_form: "shift the diagonal: cp.quad_form(x, P + t * np.eye(n))",
    wrapped_form: "assert it: cp.quad_form(x, cp.psd_wrap(P))",
}

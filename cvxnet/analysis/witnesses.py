"""Counterexamples: three points on a segment, checked in exact or ball arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from cvxnet.analysis.domains import domain_of
from cvxnet.analysis.kits import BALLS, RATIONALS, Undecided, as_fraction, precision
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape

Array = NDArray[np.float64]
Values = Mapping[int, Array]
EXACT_WORK = 60_000


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """Points a and b whose midpoint lies on the wrong side of the chord.

    Attributes
    ----------
    refutes : str
        "convex" or "concave".
    a, b : mapping of leaf name to array
        The ends of the segment.
    fixed : mapping of leaf name to array
        The values of weights and data for which convexity fails, where those were free.
    entry : tuple of int
        The output entry that fails.
    f_a, f_b, f_middle, chord : float
        Its values, rounded; ``chord`` is the mean of ``f_a`` and ``f_b``.
    arithmetic : str
        "rational" or "ball": how the violation was verified.
    gap : str
        The verified violation ``|f(middle) - chord|``, exact or as a ball.
    found_by : str
        How it was found.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from cvxnet.analysis import convexity
    >>> x = cp.Variable(name="x")
    >>> witness = convexity(cp.square(cp.square(x) - 1)).counterexample
    >>> sorted(float(point["x"]) for point in (witness.a, witness.b)), witness.gap
    ([-1.0, 1.0], '1')
    >>> witness.verify()
    True
    """

    refutes: str
    a: Mapping[str, Array]
    b: Mapping[str, Array]
    fixed: Mapping[str, Array]
    entry: tuple[int, ...]
    f_a: float
    f_b: float
    f_middle: float
    chord: float
    arithmetic: str
    gap: str
    found_by: str = ""
    _question: Question = field(repr=False, compare=False)

    @property
    def middle(self) -> dict[str, Array]:
        """The midpoint of a and b."""
        return {name: 0.5 * (value + self.b[name]) for name, value in self.a.items()}

    def verify(self) -> bool:
        """Compute the violation again, from the expression and the points alone."""
        question = self._question
        leaves = {question.name(leaf): id(leaf) for leaf in question.tape().leaves()}
        a, b, fixed = (
            {leaves[name]: value for name, value in part.items()}
            for part in (self.a, self.b, self.fixed)
        )
        found = verify(question, question.tape(), a, b, fixed, self.refutes, self.entry)
        return found is not None


def verify(
    question: Question,
    tape: Tape,
    a: Values,
    b: Values,
    fixed: Values,
    refutes: str,
    entry: tuple[int, ...],
    found_by: str = "",
) -> Counterexample | None:
    """The counterexample, if the violation at the midpoint is certain; None otherwise."""
    if not admissible(question, tape, a, b, fixed):
        return None
    exact = exact_values(tape, a, b, fixed)
    if exact is None:
        return None
    (f_a, f_b, f_middle), arithmetic = (exact[0][:, *entry], exact[1])
    chord = (f_a + f_b) / 2
    gap = f_middle - chord if refutes == "convex" else chord - f_middle
    if not gap > 0:
        return None
    if question.constraints and not feasible(question, a, b):
        return None
    return Counterexample(
        refutes=refutes,
        a={question.name(leaf): a[id(leaf)] for leaf in question.unknowns if id(leaf) in a},
        b={question.name(leaf): b[id(leaf)] for leaf in question.unknowns if id(leaf) in b},
        fixed=named_fixed(question, tape, fixed),
        entry=entry,
        f_a=as_float(f_a),
        f_b=as_float(f_b),
        f_middle=as_float(f_middle),
        chord=as_float(chord),
        arithmetic=arithmetic,
        gap=describe_gap(gap),
        found_by=found_by,
        _question=question,
    )


def named_fixed(question: Question, tape: Tape, fixed: Values) -> dict[str, Array]:
    """The fixed values by the names of their leaves."""
    return {question.name(n): fixed[id(n)] for n in tape.leaves() if id(n) in fixed}


def admissible(question: Question, tape: Tape, a: Values, b: Values, fixed: Values) -> bool:
    """Whether all points lie in the domains of their leaves."""
    for leaf in tape.leaves():
        domain = domain_of(leaf, question)
        for values in (a, b, fixed):
            if id(leaf) in values and (domain is None or not domain.contains(values[id(leaf)])):
                return False
    return True


def feasible(question: Question, a: Values, b: Values) -> bool:
    """Whether both ends satisfy the constraints of the problem, in exact arithmetic."""
    return all(satisfied(constraint, a, b) for constraint in question.constraints)


def satisfied(constraint: Any, a: Values, b: Values) -> bool:
    """Whether an equality or inequality certainly holds at both ends."""
    kind = type(constraint).__name__
    if kind not in ("Inequality", "Equality", "Zero", "NonPos", "NonNeg"):
        return False
    tape = Tape(constraint.args if kind in ("Inequality", "Equality") else [constraint.args[0]])
    known = {id(leaf) for leaf in tape.leaves()}
    if not known <= set(a):
        return False
    exact = exact_values(tape, a, b, {}, every=True)
    if exact is None:
        return False
    parts = [exact[0][tape.place[id(arg)]] for arg in constraint.args]
    slack = parts[0] if len(parts) == 1 else parts[0] - np.asarray(parts[1])
    slack = -slack if kind == "NonNeg" else slack
    ends = np.ravel(np.asarray(slack)[:2] if np.asarray(slack).shape[0] > 1 else slack)
    return all(v == 0 for v in ends) if kind in ("Equality", "Zero") else all(v <= 0 for v in ends)


def exact_values(
    tape: Tape, a: Values, b: Values, fixed: Values, every: bool = False
) -> tuple[Any, str] | None:
    """The values at a, b and the midpoint: rational if possible, else balls of rising precision."""
    small = sum(int(np.prod(node.shape, dtype=int)) for node in tape.nodes) < EXACT_WORK
    for kit, bits in ((RATIONALS, 0), (BALLS, 128), (BALLS, 512)):
        if kit is RATIONALS and not small:
            continue
        try:
            with precision(bits or 128):
                points = {k: three(a[k], b[k], kit) for k in a}
                points |= {k: kit.number(v)[None] for k, v in fixed.items()}
                values = tape.evaluate(points, kit)
        except (Undecided, ZeroDivisionError):
            continue
        root = values if every else broadcast_batch(values[-1])
        if every or kit is RATIONALS or all(v.is_finite() for v in np.ravel(root)):
            return root, "rational" if kit is RATIONALS else "ball"
    return None


def broadcast_batch(value: Any) -> Any:
    """A root that does not depend on the points still has three values."""
    return np.broadcast_to(value, (3, *value.shape[1:]))


def three(a: Array, b: Array, kit: Any) -> Any:
    """a, b and their exact midpoint as a batch."""
    left, right = RATIONALS.number(a), RATIONALS.number(b)
    half = fmpq(1, 2)
    middle = np.asarray((left + right) * half, dtype=object)
    batch = np.stack([np.asarray(left, dtype=object), np.asarray(right, dtype=object), middle])
    return batch if kit is RATIONALS else kit.number(batch)


def as_float(value: Any) -> float:
    """A rational or a ball, rounded."""
    return float(as_fraction(value)) if isinstance(value, fmpq) else float(value.mid())


def describe_gap(gap: Any) -> str:
    """The violation as a short exact fraction, a decimal or a ball."""
    if isinstance(gap, arb):
        return gap.str(8)
    exact = as_fraction(gap)
    short = exact.denominator <= 10_000 and abs(exact) < 10_000_000
    return str(exact) if short else f"{float(exact):.6g}"

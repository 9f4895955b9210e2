"""In which inputs a piecewise-linear network rises or falls, proved or refuted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np
from flint import fmpq

from cvxnet.analysis.derivation import SECONDS
from cvxnet.analysis.domains import restricted
from cvxnet.analysis.evidence import statement_of
from cvxnet.analysis.provers.pieces import (
    RefutedError,
    Search,
    Telling,
    is_piecewise_linear,
    point_inside,
)
from cvxnet.analysis.questions import ask_about_expression, ask_about_network
from cvxnet.errors import InputError
from cvxnet.layers.adoption import as_layer
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import Statement
from cvxnet.proofs.checker.convexity.pieces.circuits import Affine, Circuit
from cvxnet.proofs.checker.convexity.pieces.pieces import Function, rising
from cvxnet.proofs.checker.dual import Clock
from cvxnet.types import Array

MOST_HALVES = 30
WORDS: dict[tuple[bool | None, bool | None], str] = {
    (True, True): "constant",
    (True, False): "rises",
    (False, True): "falls",
    (False, False): "rises and falls",
}


@dataclass(frozen=True)
class Monotonicity:
    """How a function depends on each input.

    Attributes
    ----------
    rising, falling : tuple of bool or None
        For each input whether every output never falls, or never rises, when that input alone
        grows: True (proved in exact arithmetic), False (refuted by two points), None (unknown).
    steps : dict of (input, "rising" or "falling") to (point, point)
        Two points that differ in that input, between which an output does what it must not.
    reason : str
        Why something is unknown, "" where nothing is.

    Examples
    --------
    >>> print(Monotonicity(rising=(True, None), falling=(False, False)))
    input 0: rises
    input 1: not always falling
    """

    rising: tuple[bool | None, ...]
    falling: tuple[bool | None, ...]
    steps: dict[tuple[int, str], tuple[Array, Array]] = field(default_factory=dict, repr=False)
    reason: str = ""

    def __str__(self) -> str:
        rows = zip(self.rising, self.falling, strict=True)
        said = [f"input {k}: {WORDS.get(pair, said_of(*pair))}" for k, pair in enumerate(rows)]
        return "\n".join([*said, *([self.reason] if self.reason else [])])


def said_of(up: bool | None, down: bool | None) -> str:
    """What is known where not everything is."""
    known = [word for word, answer in (("rises", up), ("falls", down)) if answer]
    refuted = (("rising", up), ("falling", down))
    known += [f"not always {word}" for word, answer in refuted if answer is False]
    return ", ".join(known) or "unknown"


def monotonicity(thing: Any, where: Any = None, *, time_limit: float = SECONDS) -> Monotonicity:
    """In which inputs a network, or a CVXPY expression, rises or falls.

    Everything that is piecewise linear is decided, at any depth, if there is time.

    Parameters
    ----------
    thing : layer, torch module, estimator or CVXPY expression
        Its weights have to be given.
    where : (low, high), CVXPY constraint or list of them
        Where it is asked, as in `convexity`.
    time_limit : float
        Seconds for each input and direction.

    Returns
    -------
    Monotonicity
        ``rising`` and ``falling``, for each input in order.

    Examples
    --------
    >>> import cvxpy as cp
    >>> z = cp.Variable(2)
    >>> print(monotonicity(cp.maximum(z[0] - z[1], 2 * z[0])))
    input 0: rises
    input 1: falls
    """
    if isinstance(thing, cp.Expression):
        question = ask_about_expression(thing)
    elif (layer := as_layer(thing)) is not None:
        question = ask_about_network(layer, "input", None, None, None, 0.0)
        if free := question.expression.parameters():
            raise InputError(f"weights have to be given: {question.name(free[0])} has no value.")
    else:
        raise InputError(
            f"cannot judge a {type(thing).__name__}; pass a network or a CVXPY expression."
        )
    statement = statement_of(restricted(question, where), "convex")
    inputs = inputs_of(statement)
    count = len(inputs)
    if not is_piecewise_linear(statement):
        unknown = (None,) * count
        return Monotonicity(unknown, unknown, reason="it is not piecewise linear")
    found = [judge(statement, k, way, time_limit) for way in (1, -1) for k in inputs]
    words = ["rising"] * count + ["falling"] * count
    steps = {
        (place % count, word): step.points
        for place, (word, step) in enumerate(zip(words, found, strict=True))
        if step.points is not None
    }
    answers = tuple(step.answer for step in found)
    reason = next((step.reason for step in found if step.reason), "")
    return Monotonicity(answers[:count], answers[count:], steps, reason)


@dataclass(frozen=True)
class Step:
    """The answer for one input and one direction."""

    answer: bool | None
    points: tuple[Array, Array] | None = None
    reason: str = ""


def inputs_of(statement: Statement) -> list[int]:
    """The numbers of the inputs in the circuit: 0 where the bounds of one leave a single value."""
    numbers = Circuit(statement, Clock(SECONDS)).numbers
    return [number for place in sorted(statement.unknowns) for number in numbers[place]]


def judge(statement: Statement, number: int, way: int, seconds: float) -> Step:
    """Whether all entries rise (way 1) or fall (way -1) in one input."""
    if number == 0:
        return Step(True)
    clock = Clock(seconds)
    try:
        for function in rising(statement, number, clock):
            output = function.output.scaled(fmpq(way))
            turned = Function(function.circuit, function.domain, output, ())
            turned.domain.check_interior(point_inside(turned.domain))
            tree = Search(turned, clock, Telling("monotone", None)).tree(0)
            turned.check_tree(0, tree)
    except RefutedError as refuted:
        return refutation(refuted, number, turned)
    except RefusalError as refusal:
        return Step(None, reason=str(refusal))
    return Step(True)


def refutation(refuted: RefutedError, number: int, function: Function) -> Step:
    """Two points of the domain, verified in exact arithmetic."""
    start = [exact(v) for v in refuted.point]
    start[-1] = fmpq(0)  # the input that only says where the first kink is
    size = exact(float(np.abs(refuted.direction).max()))
    for _ in range(MOST_HALVES):
        end = [v + size * (k == number - 1) for k, v in enumerate(start)]
        (low, inside), (high, there) = (evaluate(function, x) for x in (start, end))
        if inside and there and high < low:
            return Step(False, (as_floats(start[:-1]), as_floats(end[:-1])))
        size /= 2
    return Step(None, reason="a step down was found, and could not be verified")


def evaluate(function: Function, inputs: list[fmpq]) -> tuple[fmpq, bool]:
    """The value at a point, and whether the point is in the domain."""
    values = [fmpq(1), *inputs]

    def at(z: Affine) -> fmpq:
        return sum((v * values[k] for k, v in z.terms.items()), fmpq(0))

    for z in function.circuit.gates:
        values.append(max(at(z), fmpq(0)))
    return at(function.output), all(at(row) >= 0 for row in function.domain.rows)


def exact(value: float) -> fmpq:
    """A float as a rational."""
    return fmpq(*float(value).as_integer_ratio())


def as_floats(point: list[fmpq]) -> Array:
    """Rationals that are floats."""
    return np.array([int(v.p) / int(v.q) for v in point])

"""Formulas as people read them, each with the CVXPY expression that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from cvxnet.lab.quiz.items import number

Build = Callable[[cp.Expression], cp.Expression]


@dataclass(frozen=True)
class Formula:
    """A function of x in one line of text, and the same for CVXPY.

    Examples
    --------
    >>> squared(shifted(ABSOLUTE(X), -1)).text
    '(|x| − 1)²'
    """

    text: str
    at: Build
    closed: bool = True

    @property
    def inside(self) -> str:
        """The text as a factor or a base."""
        return self.text if self.closed else f"({self.text})"


X = Formula("x", lambda x: x)


def wrapped(pattern: str, atom: Build) -> Callable[[Formula], Formula]:
    """A function around another one; ``{}`` is its place in the text."""
    return lambda f: Formula(pattern.format(f.text), lambda x: atom(f.at(x)))


ABSOLUTE = wrapped("|{}|", cp.abs)
EXPONENTIAL = wrapped("exp({})", cp.exp)
RELU = wrapped("max({}, 0)", cp.pos)
SOFTPLUS = wrapped("log(1 + exp({}))", cp.logistic)


def squared(f: Formula) -> Formula:
    """The square."""
    return Formula(f"{f.inside}²", lambda x: cp.square(f.at(x)))


def negated(f: Formula) -> Formula:
    """The negative."""
    return Formula(f"−{f.inside}", lambda x: -f.at(x), closed=False)


def scaled(f: Formula, factor: float) -> Formula:
    """A multiple."""
    return Formula(f"{number(factor)}·{f.inside}", lambda x: factor * f.at(x), closed=False)


def shifted(f: Formula, offset: float) -> Formula:
    """Plus a number, which may be below zero."""
    sign = "−" if offset < 0.0 else "+"
    text = f"{f.text} {sign} {number(abs(offset))}"
    return Formula(text, lambda x: f.at(x) + offset, closed=False)


def joined(operation: str, f: Formula, g: Formula) -> Formula:
    """Two functions added, subtracted or multiplied."""
    text = f"{f.text} + {g.text}"
    if operation == "+":
        return Formula(text, lambda x: f.at(x) + g.at(x), closed=False)
    if operation == "−":
        return Formula(f"{f.text} − {g.inside}", lambda x: f.at(x) - g.at(x), closed=False)
    return Formula(f"{f.inside}·{g.inside}", lambda x: cp.multiply(f.at(x), g.at(x)))


def extreme(name: str, f: Formula, g: Formula) -> Formula:
    """The larger ("max") or the smaller ("min") of two functions."""
    atom = cp.maximum if name == "max" else cp.minimum
    return Formula(f"{name}({f.text}, {g.text})", lambda x: atom(f.at(x), g.at(x)))


ATOMS = (squared, ABSOLUTE, EXPONENTIAL, RELU, SOFTPLUS)
"""Convex functions of one variable."""


def random_affine(rng: np.random.Generator) -> Formula:
    """x, or a multiple of it, shifted."""
    slope, offset = int(rng.choice([1, 1, 2, -1, -2])), int(rng.integers(-2, 3))
    line = X if slope == 1 else negated(X) if slope == -1 else scaled(X, slope)
    return shifted(line, offset) if offset else line


def random_convex(rng: np.random.Generator) -> Formula:
    """A convex function: an atom of something affine."""
    return ATOMS[rng.integers(len(ATOMS))](random_affine(rng))


def random_composition(rng: np.random.Generator) -> Formula:
    """An atom of a convex or concave function, shifted: convex or not."""
    inner = random_convex(rng)
    inner = negated(inner) if rng.random() < 0.3 else inner
    offset = int(rng.integers(-2, 3))
    inner = shifted(inner, offset) if offset else inner
    outer = ATOMS[rng.integers(len(ATOMS))](inner)
    return negated(outer) if rng.random() < 0.2 else outer

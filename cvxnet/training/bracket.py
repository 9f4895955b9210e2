"""The bracket that training closes: true at every moment, whatever solvers return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cvxnet.proofs.gaps import Tolerance, relative_gap
from cvxnet.training.bounds.evidence import AnyEvidence
from cvxnet.training.problem import Problem, Units
from cvxnet.types import Array

SLACK = 1e-14
"""Relative room left below ``rho(v) <= weight_decay`` for the rounding of ``t v``."""


@dataclass(frozen=True)
class Proof:
    """A dual vector, with the evidence that goes with it."""

    v: Array
    evidence: AnyEvidence | None = None

    def times(self, t: float) -> Proof:
        """The same for a multiple."""
        return Proof(t * self.v, self.evidence and self.evidence.times(t))


@dataclass
class Bracket:
    """The best network and the best dual vector so far.

    ``lower <= optimum <= upper`` holds at every moment, whatever the solvers returned: ``upper``
    is a network's objective re-evaluated, ``lower`` the dual value of a vector that pricing has
    scaled into the feasible set. ``evidence`` says how, where pricing was not exact. ``proposal``
    is the dual vector that was priced last, or is to be priced first. ``promising`` says whether
    units are known to improve on it, or nothing is known yet. ``improved`` is called after each
    improvement.
    """

    problem: Problem
    units: Units
    upper: float
    dual: Array
    lower: float
    proposal: Array
    tolerance: Tolerance
    evidence: AnyEvidence | None = None
    promising: bool = True
    improved: Callable[[Bracket], None] | None = None

    @property
    def untrained(self) -> bool:
        """Whether there are no units yet, though they would lower the objective."""
        return self.promising and not len(self.units)

    @property
    def gap(self) -> float:
        """The width relative to the upper end."""
        return relative_gap(self.lower, self.upper)

    @property
    def is_rounding(self) -> bool:
        """Whether there is no more to be gained than rounding costs."""
        return self.upper <= self.tolerance.rounding

    def closed_by(self, gap: float) -> str:
        """What closes it, as `Tolerance.closed_by` says; empty while it is open."""
        return self.tolerance.closed_by(self.lower, self.upper, gap)

    def offer_units(self, units: Units, fit: Array | None = None) -> None:
        """Keep the network if it is better; ``fit`` are its predictions, where these are known."""
        if units is self.units:
            return
        value = self.problem.objective(units, fit)
        if value < self.upper:
            self.units, self.upper = units, value
            self.tell()

    def offer_dual(self, v: Array, bound: float, evidence: AnyEvidence | None = None) -> None:
        """Keep the best feasible multiple of ``v``, where its dual value is better.

        ``bound`` is at least ``rho(v)``; where it is infinite nothing is known of ``rho(v)``. One
        that is negative or no number is no bound.
        """
        problem = self.problem
        if not (bound >= 0.0 and problem.ignores_free(v)):
            return
        largest = problem.largest_multiple(bound * (1.0 + SLACK))
        t = problem.loss.best_scale(v, problem.y, largest)
        value = -problem.loss.conjugate(t * v, problem.y)
        if value > self.lower:
            self.dual, self.lower = t * v, value
            self.evidence = None if evidence is None else evidence.times(t)
            self.tell()

    def tell(self) -> None:
        """Tell whoever wants to know that it has improved."""
        if self.improved is not None:
            self.improved(self)

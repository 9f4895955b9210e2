"""Proved lower bounds for several outputs at any rank, by the pricing of one output.

`cvxnet.training.outputs.sphere` makes bounds in directions of the outputs into one. As in
`cvxnet.training.bounds.dual_ascent` for one output, the dual matrix is then chosen together with
the multipliers of the corners: the lower bound ``-l*(t V)`` with ``t = weight_decay / B`` is
maximised over all of them. B is the longest p of the cones (softened), a cone's ``|p|`` has the
multipliers m as its derivatives in the heights of the corners, and the height at w depends on
``V w``.

V is the gradient of the loss at predictions f, which are what moves: so it stays in the domain
of the conjugate whatever that is, and a change of f changes V by the Hessian.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from cvxnet.training.bounds.dual_ascent import LEAST_RISE, STIFF
from cvxnet.training.bounds.evidence import SphereEvidence
from cvxnet.training.bounds.proof_search import LARGEST, MOST_SAMPLES
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bounds.stages import LITTLE, barrier_of, descend, limits_of, units_of
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.outputs.scalar_bounds import MOST_STEPS, Directions, Relaxed, bounds_at
from cvxnet.training.outputs.sphere import Cone, Sphere, shortest_above
from cvxnet.training.problem import Problem
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array

OutputProof = tuple[Array, float, SphereEvidence]
"""A dual matrix, a bound on its ``rho``, and the evidence."""

WORTH = 0.1
"""A bound is worth to be told where it has fallen by this share of the gap."""
SETTLED = 0.2
"""The dual matrix is chosen anew where more corners and better bounds promise less than this share
of the gap,"""
GAINED = 0.9
"""and again where the gap has fallen to this part since it was chosen last."""
SHARPEST, BLUNTEST = 1e-5, 1e-3
"""Smoothing, relative to the bound: a tenth of the gap within these; the matrix is not chosen where
that is less."""
NEAR, FAR = 0.05, 3.0
"""Cones, and sides of a corner, count that are within this part of the largest, or within so many
times the gap, as far as the dual matrix may move."""
FURTHEST = 700.0
"""For predictions that are infinite: exponentials of it are still doubles."""


def improve_output_bound(
    family: UnitFamily, bracket: Bracket, V: Array, deadline: float
) -> Iterator[OutputProof]:
    """Dual matrices, each with a bound on its ``rho`` and the evidence, as long as there is time.

    Parameters
    ----------
    family : UnitFamily
        With kinks, or of degree two.
    bracket : Bracket
        Of the network whose dual matrix is V; it is only read.
    V : (n, c) array
        The dual matrix; others may be better for the proof.
    deadline : float
        On the clock of `now`.

    Yields
    ------
    (n, c) array, float, SphereEvidence
        A dual matrix, a bound on its ``rho``, and what proves it.
    """
    if not V.any() or (family.climbs and len(V) > MOST_SAMPLES):
        return
    try:
        search, going = OutputSearch(bracket, Directions(family, V, deadline)), True
        while going:
            going = search.step(deadline)
            if search.has_fallen(WORTH * bracket.gap if going else 0.0):
                yield search.proof()
    except TimeoutError:  # with a corner to come that has no bound yet
        return


@dataclass(frozen=True)
class Term:
    """A side of the bound at a corner: the number of the corner, its direction w, its barrier."""

    corner: int
    side: Side
    w: Array
    barrier: float


class OutputSearch:
    """Bounds in directions that are worked at, and a dual matrix that is chosen for them.

    Attributes
    ----------
    told : float
        The last bound that was told of this matrix.
    chosen_at : float
        The gap when the matrix was chosen last.
    """

    def __init__(self, bracket: Bracket, directions: Directions) -> None:
        self.bracket, self.directions = bracket, directions
        self.bounds = bounds_at(directions)
        self.told = self.chosen_at = np.inf

    @property
    def bound(self) -> float:
        """On the ``rho`` of the dual matrix."""
        return self.directions.with_rest(self.bounds.bound())

    def has_fallen(self, part: float) -> bool:
        """Whether the bound has fallen by more than this part since it was told."""
        return self.bound < self.told * (1.0 - part)

    def proof(self) -> OutputProof:
        """The dual matrix, the bound, which is told by that, and the evidence."""
        self.told = self.bound
        return self.directions.V, self.told, self.bounds.evidence(self.directions.basis)

    def step(self, deadline: float) -> bool:
        """One step; False where the time is over, the evidence too large, or all done."""
        if now() > deadline or self.bounds.numbers > LARGEST:
            return False
        if isinstance(self.bounds, Sphere) and self.is_due(self.bounds):
            self.choose(self.bounds, deadline)
            return True
        return self.bounds.improve()

    def is_due(self, bounds: Sphere) -> bool:
        """Whether all else promises little, and the last choice has brought the gap down."""
        bracket = self.bracket
        if not bracket.gap / 10.0 > SHARPEST or bracket.gap > GAINED * self.chosen_at:
            return False
        able = all(isinstance(corner.scalar, Relaxed) for corner in bounds.corners)
        return able and bracket.problem.loss.smooth and bounds.hidden() < SETTLED * bracket.gap

    def choose(self, bounds: Sphere, deadline: float) -> None:
        """Quasi-Newton steps with the cones as they are, then the bounds for the new matrix.

        What they minimise is smoothed: where the matrix proves less, the old one comes back, and
        none is chosen again.
        """
        bracket, V, before = self.bracket, self.directions.V, self.lower
        stage = self.stage(bounds, float(np.clip(bracket.gap / 10.0, SHARPEST, BLUNTEST)))
        multipliers = [term.side.z for term in stage.terms]
        self.take(bounds, bracket.problem.make_feasible(stage.run(V, deadline)))
        self.chosen_at = bracket.gap
        if self.lower > before:
            self.told = np.inf
            return
        for term, z in zip(stage.terms, multipliers, strict=True):
            term.side.z = z
        self.take(bounds, V)
        self.chosen_at = 0.0

    @property
    def lower(self) -> float:
        """The lower bound that the dual matrix proves."""
        problem, V = self.bracket.problem, self.directions.V
        t = problem.loss.best_scale(V, problem.y, problem.largest_multiple(self.bound))
        return -float(problem.loss.conjugate(t * V, problem.y))

    def take(self, bounds: Sphere, V: Array) -> None:
        """The bounds for another dual matrix."""
        self.directions.take(V)
        for corner in bounds.corners:
            if isinstance(corner.scalar, Relaxed):
                corner.scalar.take(self.directions.reduced @ corner.direction)
        bounds.renew()

    def stage(self, bounds: Sphere, eps: float) -> Stage:
        """Steps at the smoothing ``eps``, for the cones and sides that count."""
        problem, V, longest = self.bracket.problem, self.directions.V, bounds.bound()
        rivals = 1.0 - max(NEAR, FAR * self.bracket.gap)
        cones = [cone for cone in bounds.leaves() if cone.length >= rivals * longest]
        seen = np.abs(problem.F).T @ np.abs(V)
        value = abs(problem.loss.conjugate(V, problem.y))
        return Stage(
            problem,
            cones,
            self.terms(bounds, cones, rivals, eps),
            soft=eps * longest,
            prices=-self.bracket.units.free,
            stiff=STIFF * value / (float((seen * seen).sum()) + 1e-300),
            least=LITTLE * eps,
        )

    def terms(self, bounds: Sphere, cones: list[Cone], rivals: float, eps: float) -> list[Term]:
        """The sides that count at the corners of these cones."""
        found = []
        for m in sorted({m for cone in cones for m in cone.corners}):
            corner = bounds.corners[m]
            scalar, w = corner.scalar, corner.direction @ self.directions.basis
            for one in scalar.sides if isinstance(scalar, Relaxed) else ():
                if one.bound >= rivals * scalar.bound:
                    found.append(Term(m, one.side, w, barrier_of(one.side, eps)))
        return found


@dataclass
class Stage:
    """Quasi-Newton steps, with the cones and corners as they are.

    ``soft`` is by how much maxima are softened, ``prices`` (k, c) are multipliers of ``F^T V = 0``
    (minus the free weights), and ``stiff`` is the weight of its penalty. Steps end where one gains
    less than ``least``, relatively.
    """

    problem: Problem
    cones: list[Cone]
    terms: list[Term]
    soft: float
    prices: Array
    stiff: float
    least: float

    def run(self, V: Array, deadline: float) -> Array:
        """A better dual matrix."""
        problem, terms = self.problem, self.terms
        f = within_doubles(problem.loss.conjugate_slope(V, problem.y))
        start = np.concatenate([f.ravel(), *(term.side.z for term in terms)])
        rises = self.measure(start)[2]
        rises = np.maximum(rises, LEAST_RISE * rises.max() + 1e-300)
        units = [
            units_of(term.side) / np.sqrt(rise) for term, rise in zip(terms, rises, strict=True)
        ]
        scale = np.concatenate([np.ones(f.size), *units])
        start = np.concatenate([f.ravel(), *(term.side.z for term in terms)])
        free = np.full(f.size, np.inf)
        limits = zip(
            (-free, free), *(limits_of(term.side, term.barrier) for term in terms), strict=True
        )

        def objective(x: Array) -> tuple[float, Array]:
            value, gradient, _ = self.measure(x * scale)
            return value, gradient * scale

        ends = [np.concatenate(limit) / scale for limit in limits]
        x = scale * descend(objective, start / scale, ends, deadline, MOST_STEPS, self.least)
        f, *multipliers = self.split(x)
        for term, z in zip(terms, multipliers, strict=True):
            term.side.z = z
        return problem.loss.gradient(f, problem.y)

    def measure(self, x: Array) -> tuple[float, Array, Array]:
        """``l*(t V)``, its gradient in f and the multipliers, and its derivative in each bound."""
        problem, (f, *multipliers) = self.problem, self.split(x)
        loss, y = problem.loss, problem.y
        V = loss.gradient(f, y)
        at = []
        for term, z in zip(self.terms, multipliers, strict=True):
            term.side.take(V @ term.w)
            at.append(term.side.evaluate(z, term.barrier))
        B, shares = longest(self.cones, self.terms, self.soft, np.array([e.value for e in at]))
        t = loss.best_scale(V, y, problem.weight_decay / B)
        inside = loss.clip(t * V, y)
        p = within_doubles(loss.conjugate_slope(inside, y))
        violation = t * (problem.F.T @ V)
        prices = self.prices + self.stiff * violation
        value = loss.conjugate(inside, y) + float((violation * (self.prices + prices)).sum()) / 2.0
        p = p + problem.F @ prices
        limited = t * B >= problem.weight_decay * (1.0 - 1e-12)
        rises = max(-t / B * float((p * V).sum()), 0.0) * limited * shares
        slopes = np.array([rise * e.gradient_in_v for rise, e in zip(rises, at, strict=True)])
        by_V = t * p + slopes.T @ np.array([term.w for term in self.terms])
        parts = [rise * e.gradient for rise, e in zip(rises, at, strict=True)]
        by_f = loss.curvature_times(f, y, by_V)
        return float(value), np.concatenate([by_f.ravel(), *parts]), rises

    def split(self, x: Array) -> list[Array]:
        """The predictions, and the multipliers of each side."""
        size = self.problem.y.size
        ends = np.cumsum([size, *(len(term.side.z) for term in self.terms)])[:-1]
        f, *multipliers = np.split(x, ends)
        return [f.reshape(self.problem.y.shape), *multipliers]


def within_doubles(f: Array) -> Array:
    """The predictions, finite."""
    return np.nan_to_num(f, posinf=FURTHEST, neginf=-FURTHEST)


def longest(
    cones: list[Cone], terms: list[Term], soft: float, bounds: Array
) -> tuple[float, Array]:
    """The softened longest p of the cones, and its derivative in the bound of each side."""
    sides: dict[int, list[int]] = {}
    for i, term in enumerate(terms):
        sides.setdefault(term.corner, []).append(i)
    heights = {m: soft * logsumexp(bounds[group] / soft) for m, group in sides.items()}
    lengths, slopes = np.zeros(len(cones)), []
    for i, cone in enumerate(cones):
        p, shares = shortest_above(cone.W, np.array([heights[m] for m in cone.corners]))
        lengths[i] = np.linalg.norm(p)
        slopes.append(shares / (lengths[i] * np.linalg.norm(cone.W, axis=1)))
    rises = np.zeros(len(terms))
    for weight, cone, slope in zip(softmax(lengths / soft), cones, slopes, strict=True):
        for m, share in zip(cone.corners, slope, strict=True):
            rises[sides[m]] += weight * share * softmax(bounds[sides[m]] / soft)
    return float(soft * logsumexp(lengths / soft)), rises

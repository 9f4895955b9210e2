"""Exact maximisation over all cells of an arrangement in any dimension, by subdividing cones.

The function to maximise on the unit sphere is, for s = +1 and for s = -1, or for one of them,

    s g(u) = s sum_k plus_k (e_k.u)_+ + minus_k (-e_k.u)_+            (e_k: unit normals),

linear in each cell. With its kinks apart,

    s g(u) = b.u + sum_P |a_k.u| - sum_N |a_k.u|,        a_k = |plus_k + minus_k| / 2  e_k,

where P are the normals with s (plus_k + minus_k) > 0, whose kinks are convex, N those below 0, and
``b`` the sum of ``s (plus_k - minus_k) / 2  e_k``. With the signs of P fixed it is concave, and
s g is the largest of these concave functions. So a local maximum of s g is the maximum of each of
them that has its value there, and only cells of P matter.

A cone is spanned by r corners, unit vectors ``v_i``; the dual basis ``n_i`` gives the shares of
``u = sum_i (n_i.u) v_i``. A row ``a_k`` with all corners on one side is linear on the cone, and
goes into its slope ``c``. The rows left undecided leave four ways to go on.

* The cone is too low. At its corners let ``h_i = c.v_i + sum_P |a_k.v_i| - sum_N t_k a_k.v_i`` with
  any ``|t_k| <= 1``. As ``|a_k.u|`` is convex and ``-|a_k.u| <= -t_k a_k.u``, s g is at most
  ``sum_i (n_i.u) h_i`` on the cone; so at most ``|sum_i h_i n_i|``, and at most
  ``max_i h_i |sum_i n_i|``.
* The cone is barren. At a local maximum u some ``x = c + sum t_k a_k``, ``|t_k| <= 1``, is
  ``|x| u`` and so lies in the cone. If ``n_i.c + sum |n_i.a_k| < 0`` for some i, there is none.
* The cone is simple: no row of P is undecided. Then s g is concave there, and `nearest_point`
  finds the maximum of that function on the sphere; it counts if it lies in the cone.
* The cone is cut in two, at the edge on which interpolation errs most, where a hyperplane of P
  crosses it. When only FEW rows of P are undecided, it is cheaper to try out their signs on the
  whole cone; what is found must then have these signs.

The first cones are the 2^r that r hyperplanes of P cut out. As walls of cones are hyperplanes of
P, or become so, cones end inside cells of P. Cones deeper than LEVELS are cut by one hyperplane
after the other, which ends for sure. No vertex, edge or degenerate position needs a case of its
own.

The search may be kept behind the walls of one cone C. A maximum over C then lies inside one of the
faces of C, of whatever dimension, and is a local maximum of s g among the units of that face. Each
corner knows the walls that it lies on. The corners of a face of a smaller cone have some walls in
common: where the dimension of the face is that of the face of C in which these meet, it is a piece
of it, and a simple cone is looked at on all faces of this kind, with slope and rows projected on
their span. Together they cover all faces of C. And at such a maximum ``x - |x| u`` is minus a sum
of inner normals of those walls that u lies on, with factors that are not negative: ``n_i`` shows a
cone to be barren where no product with an inner normal of a wall that the cone touches is above 0.

Cones that are left when the time is over may hold anything: then nothing is proved, and what was
found are local maxima all the same. So the floor may rise as time runs out: what was not looked at
is below it, and the largest floor is a bound where nothing larger was found.

How many cones it takes depends on how far g lies below the floor almost everywhere, and less on
the number h of hyperplanes; it grows quickly with the dimension. Memory is what the rows left
undecided by the cones on one branch take: a small multiple of h. Of two halves the smaller one
comes first, so its rows, beyond those of the parent, are few; the larger one needs the parent's no
more once it has looked at them. A cone of size t meets about t h rows, and one that is looked at
only because g is near its maximum there is barren once its rows add up to less than the slope of g
along the sphere. So at rank 3, for dual vectors that are nearly optimal, each halving of the cones
looks at about as many rows as the one before, and there are some log h halvings.

Local maxima are known before the search to be at least as high as what a few steps uphill from the
first cones reach. Searches of cones know nothing else of each other: what they find is the same
wherever and in whatever order they run.

Rounding: a value is b and the rows that were decided, added one after the other or in blocks, and
those that were not: h + r additions, r multiplications each, all together at most ``error``, the
(h + 100)-fold distance of doubles at 1 times the sum of all coefficients; ``rho + error`` bounds
the maximum. At a million rows that is some 1e-9 of rho. Corners and dual bases come from those of
the parent by one combination. Corners so lose far less over all levels than CLEAR, up to which
walls count as part of both cones. Dual bases of thin cones may lose many digits, and in the end
there are cones as thin as h^-2: so `cone_bounds` takes from a dual basis only what its products
with the corners prove.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from scipy.linalg import qr

from cvxnet.training.clock import now
from cvxnet.training.pricing.cone_maxima import climb
from cvxnet.training.pricing.cone_search import (
    LEAST,
    Function,
    Stack,
    larger,
    new_stack,
    search,
)
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides, distinct, none_above
from cvxnet.types import Array

SPARE = 0.01
"""Coordinate axes count as this part of the longest row when the first cones are chosen."""
IN_PARALLEL = 1e5
"""With more vertices than this, about h to the r - 1, the cones go to joblib's threads."""
WORTH_SENDING = 1e9
"""With more than this, to processes, where joblib is told to use them."""
UNEVEN = 4.0
"""A cone may take so many times its equal share of the work."""
STARTS, STEPS = 8, 5
"""A first large value is looked for from the middle of so many cones, with so many steps."""
STEEP, STEEPEST, LEFT = 0.05, 0.9, 1e-3
"""After a part x of the time in which it may, a floor is higher by STEEP x / (STEEPEST - x),
relatively; from STEEPEST on some fifty times higher: hardly any cone has a bound as high."""
AT_ONCE, NEARLY = 1.1, 0.95
"""Where it rises from the start, it begins so much higher, and no lower than that part of a value
that is attained."""
PORTION = 4_000_000
"""Work between two looks at the clock: rows looked at, some milliseconds."""
OFTEN = 10
"""So many times less where a floor may rise."""


@dataclass
class Budget:
    """How long a search may take: until a deadline (`now`), and how many rows it may look at.

    From ``rise`` on its floor rises, at last so high that it ends.
    """

    deadline: float = np.inf
    work: float = np.inf
    rise: float = np.inf

    @property
    def over(self) -> bool:
        """Whether either is used up."""
        return self.work <= 0 or now() > self.deadline

    def __reduce__(self) -> tuple[Any, ...]:
        """Clocks of other processes differ: what is sent there is how much time is left."""
        begin = now()
        return budget_within, (self.deadline - begin, self.work, self.rise - begin)

    def raised(self, floor: float) -> float:
        """The floor as it is by now."""
        time = now()
        if time <= self.rise:
            return floor
        if time >= self.deadline:
            return np.inf
        x = (time - self.rise) / (self.deadline - self.rise)
        return floor * (1.0 + STEEP * x / max(STEEPEST - x, LEFT))


def budget_within(seconds: float, work: float, rise: float) -> Budget:
    """The budget that ends in so many seconds."""
    begin = now()
    return Budget(begin + seconds, work, begin + rise)


def subdivide(
    normals: Array,
    plus: Array,
    minus: Array,
    floor: float = 0.0,
    budget: Budget | None = None,
    sides: Sides = BOTH,
) -> LocalMaxima:
    """Local maxima of ``s g`` above the floor by more than LEAST of what the largest is.

    Parameters
    ----------
    normals : (h, r) array
        Distinct unit normals.
    plus, minus : (h,) arrays
        Coefficients of ``(e_k.u)_+`` and ``(-e_k.u)_+`` in ``g``.
    floor : float
        Values up to the floor do not matter.
    budget : Budget, optional
        What it may take, all cones together; its work is used up.
    sides : tuple of float
        The signs s that count.

    Examples
    --------
    >>> found = subdivide(np.eye(4), np.array([0.0, 3.0, 4.0, 0.0]), np.zeros(4), 4.5)
    >>> found.rho, found.units.round(6).tolist(), found.outputs.tolist()
    (5.0, [[0.0, 0.6, 0.8, 0.0]], [1.0])
    """
    h, r = normals.shape
    scale = float(np.abs(plus).sum() + np.abs(minus).sum())
    error = (h + 100) * np.finfo(float).eps * scale
    floor = max(floor, 2 * error)
    if scale == 0.0:
        return none_above(floor, r, error)
    tasks = list[ConeTask]()
    for s in sides:
        rows, convex, b = split_kinks(normals, s * plus, s * minus)
        tasks += tasks_of(Function(rows, convex, b, floor, error), s)
    budget = budget or Budget()
    if now() >= budget.rise:  # values that are attained are no loss for the bound
        floor = max(AT_ONCE * floor, NEARLY * max(task.best for task in tasks))
        tasks = [task._replace(function=task.function._replace(floor=floor)) for task in tasks]
    parts = run(tasks, budget, h ** (r - 1))
    found = np.concatenate([part.found for part in parts])
    highest = max(float(found[:, 0].max(initial=0.0)), *(task.best for task in tasks))
    maxima = distinct(found, floor + LEAST * max(highest - floor, 0.0))
    risen = max((part.floor for part in parts if part.ended), default=floor)
    rho = max(float(maxima[0, 0]) if len(maxima) else floor, risen)
    error = error if all(part.ended for part in parts) else np.inf
    work = sum(part.work for part in parts)
    values, units, signs = maxima[:, 0], maxima[:, 1 : 1 + r], maxima[:, 1 + r]
    return LocalMaxima(rho, error, values, units, signs, work=work)


class ConeTask(NamedTuple):
    """All that the search in one cone needs.

    Attributes
    ----------
    corners : (r, r) array
    function : Function
        ``s g``.
    best : float
        A value that it has somewhere.
    side : float
        The sign s.
    """

    corners: Array
    function: Function
    best: float
    side: float


def tasks_of(function: Function, side: float) -> list[ConeTask]:
    """One for each of the first cones."""
    cones = [*first_cones(function.rows[: function.convex, :-1], function.b.size)]
    best = climbed(cones, function)
    return [ConeTask(corners, function, best, side) for corners in cones]


class ConePart(NamedTuple):
    """What was found in one cone: (value, u, s); whether that is all, and above which floor.

    And the work that it took.
    """

    found: Array
    ended: bool
    floor: float
    work: float


def run(tasks: list[ConeTask], budget: Budget, vertices: float) -> list[ConePart]:
    """The parts of all tasks, whose work is taken off the budget; in parallel where that pays.

    No task knows of another, and each may use a fixed share of the work: what they find depends
    neither on how many workers there are nor on who comes first. joblib's threads are the default;
    where its configuration asks for processes, large searches go there.
    """
    allowed = replace(budget, work=min(1.0, UNEVEN / len(tasks)) * budget.work)
    calls = [delayed(search_cone)(task, allowed) for task in tasks]
    if vertices <= IN_PARALLEL:
        parts = [search_cone(task, allowed) for task in tasks]
    else:
        backend, jobs = get_active_backend(prefer="threads")
        if getattr(backend, "supports_sharedmem", False) or vertices <= WORTH_SENDING:
            parts = Parallel(n_jobs=-1, require="sharedmem")(calls)
        else:
            parts = Parallel(n_jobs=jobs or -1)(calls)
    budget.work -= sum(part.work for part in parts)
    return parts


def search_cone(task: ConeTask, budget: Budget) -> ConePart:
    """The local maxima in one cone."""
    function, best, used = task.function.own(), np.array([task.best]), 0
    found, top = [np.zeros((0, function.b.size + 1))], 0
    stack: Stack | None = new_stack(np.array(task.corners), function)
    while top >= 0 and stack is not None and used < budget.work and now() <= budget.deadline:
        portion = PORTION if budget.rise == np.inf else PORTION // OFTEN
        portion = int(np.ceil(min(portion, budget.work - used)))
        floor = max(function.floor, budget.raised(task.function.floor))  # and never falls
        function = function._replace(floor=floor)
        more, top, left = search(stack, top, function, best, portion)
        used += portion - left
        found.append(more)
        stack = larger(stack) if top >= 0 and left > 0 else stack
    maxima = np.insert(np.concatenate(found), function.b.size + 1, task.side, 1)
    return ConePart(maxima, top < 0 and function.floor < np.inf, function.floor, used)


def climbed(cones: list[Array], function: Function) -> float:
    """A value of the function that is about as large as any: from the middle of cones uphill."""
    best = 0.0
    for corners in cones[:STARTS]:
        reached = climb(corners.sum(axis=0), function.rows, function.convex, function.b, STEPS)
        best = max(best, reached)
    return best


def split_kinks(normals: Array, plus: Array, minus: Array) -> tuple[Array, int, Array]:
    """The rows ``a_k``, each with its length, those of P first; their number; b."""
    bend, b = (plus + minus) / 2.0, (plus - minus) / 2.0 @ normals
    convex, concave = np.flatnonzero(bend > 0.0), np.flatnonzero(bend < 0.0)
    order = np.concatenate([convex, concave])
    lengths = np.abs(bend[order, None])
    return np.hstack([lengths * normals[order], lengths]), convex.size, b


def first_cones(rows: Array, r: int) -> Iterator[Array]:
    """The corners of the 2^r cones that r of the hyperplanes cut out.

    Pivots choose long rows that are far from dependent; coordinate axes fill up what is missing.
    """
    axes = SPARE * max(np.linalg.norm(rows, axis=1), default=1.0) * np.eye(r)
    candidates = np.vstack([rows, axes])
    _, pivots = qr(candidates.T, mode="r", pivoting=True)
    corners = np.linalg.inv(candidates[pivots[:r]]).T
    corners /= np.linalg.norm(corners, axis=1)[:, None]
    for signs in product((1.0, -1.0), repeat=r):
        yield np.array(signs)[:, None] * corners

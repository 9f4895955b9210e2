"""Better multipliers of a side: quasi-Newton steps, then new ones.

`cvxnet.training.bounds.relaxation` has the bound B and its derivatives. It is minimised over all
multipliers with a barrier, in stages. Which rows should lean on which is found as columns are:
after a stage those pairs, and inequalities, are added with whose multiplier B would fall, and those
at zero are dropped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import Bounds, minimize

from cvxnet.training.bounds.claims import SPARE, proved_bound
from cvxnet.training.bounds.cliques import MOST_SIGNS, Cliques, violated
from cvxnet.training.bounds.relaxation import Evaluation, Side, best_pairs
from cvxnet.training.clock import now
from cvxnet.types import Array

STAGE_STEPS = 250
"""Quasi-Newton steps a stage. A stage forgets the curvature that the one before has learnt: with
many short ones the bound stalls above what the multipliers could prove."""
CHILD_STEPS = 100
"""The same where signs have been split: children differ little from their parent."""
LEAST, LITTLE = 1e-13, 1e-6
"""Steps end where one gains less than this, relatively; in a brief stage, where one gains less than
this share of what smoothing may hide."""
MEMORY = 10
"""Steps that the quasi-Newton method remembers. Of 20 its own linear algebra costs more than the
bound and its derivatives, where there are ten thousand multipliers and above."""
PRECISION = 1e-4
"""Pairs are added that gain more than this, relative to their budget and rows of length one."""
UNUSED = 1e-4
"""Pairs on which a row spends a smaller share than this are dropped after a stage."""
TAU_UNIT = 0.3
"""In steps of this over the root of tau, relative to the bound, log tau is moved."""
DOUBT_SMOOTHING = 1e-3
"""The smoothing at which it is found which sign is most in doubt."""
LARGEST_ORDER = 198
"""Of the matrix, but for one row: what the checker computes with."""
SPAN = 30.0
"""How far log tau may go from that of the mean weight."""


def most_in_doubt(side: Side) -> int | None:
    """The row by whose sign most is to be known; None where all signs are certain."""
    at = side.evaluate(side.z, barrier_of(side, DOUBT_SMOOTHING))
    doubt = np.abs(side.w) * (at.worth - np.abs(at.Xu))
    doubt[side.sigma != 0.0] = 0.0
    row = int(np.argmax(doubt))
    return row if doubt[row] > 0.0 else None


def units_of(side: Side) -> Array:
    """Divide the shares by their totals; returns units in which to move z."""
    k, free = side.m + 2 * side.n, side.sigma == 0.0
    idle = free & (side.totals(side.z) < 1e-100)
    side.z[side.m : k][np.tile(idle, 2)] = 0.5
    side.z[:k] /= side.totals(side.z)[side.spender]
    log_tau = side.split(side.z)[4]
    units = TAU_UNIT * np.exp((np.log(max(proved_bound(side), 1e-300)) - log_tau) / 2.0)
    amounts = np.where(free, 1.0, side.size)[side.spender]
    others = np.full(len(side.cliques) + side.n, side.size)
    return np.concatenate([amounts, others[: side.n], units, others[side.n :]])


def limits_of(side: Side, barrier: float) -> tuple[Array, Array]:
    """Lower and upper ends for z; no tau is below what the barrier hides anyway."""
    free, least = side.sigma == 0.0, np.log(max(barrier * side.r / side.n, 1e-300))
    tilts = np.tile(np.where(free, SPARE, 0.0), 2)  # shares must not all become 0
    low = [np.zeros(side.m), tilts, np.zeros(side.n), np.full(side.n, least)]
    high = np.full(len(side.z), np.inf)
    side.split(high)[3][~free] = 0.0
    side.split(high)[4][:] = np.log(side.size) + SPAN
    return np.minimum(np.concatenate([*low, np.zeros(len(side.cliques))]), high), high


def run_stage(side: Side, eps: float, deadline: float) -> None:
    """A stage: quasi-Newton steps at the smoothing ``eps``, then new pairs and inequalities."""
    barrier = take_steps(side, eps, deadline, steps_for([side]), LEAST)
    reprice(side, barrier)


def run_brief_stage(side: Side, eps: float, deadline: float, steps: int) -> None:
    """The same where many bounds are wanted, of which few are the largest for long.

    Steps end where they gain little, and there are no inequalities: with those a step takes longer.
    """
    reprice(side, take_steps(side, eps, deadline, steps, LITTLE * eps), most_signs=0)


def take_steps(side: Side, eps: float, deadline: float, steps: int, least: float) -> float:
    """So many quasi-Newton steps, kept where the bound has not risen; the weight of the barrier."""
    barrier, units = barrier_of(side, eps), units_of(side)

    def objective(x: Array) -> tuple[float, Array]:
        at = side.evaluate(x * units, barrier)
        return at.value, at.gradient * units

    before, z = proved_bound(side), side.z
    ends = [end / units for end in limits_of(side, barrier)]
    side.z = units * descend(objective, z / units, ends, deadline, steps, least)
    if not proved_bound(side) <= before:
        side.z = z
    return barrier


def steps_for(sides: list[Side]) -> int:
    """Quasi-Newton steps of a stage for all of them."""
    return CHILD_STEPS if any(side.sigma.any() for side in sides) else STAGE_STEPS


def barrier_of(side: Side, eps: float) -> float:
    """The weight of the barrier at the smoothing ``eps``."""
    return float(eps * proved_bound(side) / side.r)


def reprice(side: Side, barrier: float, most_signs: int | None = None) -> None:
    """Add the pairs and inequalities by which B would fall most; drop those at zero."""
    keep_used(side)
    at = side.evaluate(side.z, barrier)
    V = at.by_y @ side.X.T
    gain = np.abs(V) - at.price[None, :]
    gain[side.sigma != 0.0] = gain[side.I, side.J] = -1.0
    np.fill_diagonal(gain, -1.0)
    I, J = best_pairs(gain, PRECISION)  # noqa: E741
    fresh, idle = violated_by(side, at, barrier, most_signs), side.rates(side.z) == 0.0
    a, *rest = side.split(side.z)
    signs = np.append(side.signs, np.sign(V[I, J]))
    side.set_pairs(np.append(side.I, I), np.append(side.J, J), signs)
    side.cliques = side.cliques.join(fresh)
    start = idle[J].astype(float)  # such a row begins to spend with e
    side.z = np.concatenate([a, start, *rest, np.zeros(len(fresh))])


def keep_used(side: Side) -> None:
    """Drop the pairs and inequalities that are at zero, or hardly used."""
    a, *middle, shares = side.split(side.z)
    used, held = a > UNUSED * side.totals(side.z)[side.J], shares > 0.0
    side.set_pairs(side.I[used], side.J[used], side.signs[used])
    side.cliques = side.cliques.pick(held)
    side.z = np.concatenate([a[used], *middle, shares[held]])


def violated_by(side: Side, at: Evaluation, barrier: float, most_signs: int | None) -> Cliques:
    """Violated inequalities of the signs that are most in doubt, and of those in use."""
    form = side.forms(side.z)
    doubt = (at.by_y * form.Y).sum(axis=1) - np.abs(form.Y @ at.mean_u)
    doubt[side.sigma != 0.0] = -np.inf
    doubt[side.cliques.rows] = np.inf
    most_signs = MOST_SIGNS if most_signs is None else most_signs
    most = max(min(most_signs, LARGEST_ORDER - side.r), 0)
    rows = np.sort(np.argsort(-doubt, kind="stable")[:most])
    rows = rows[doubt[rows] > 0.0]
    wide = side.cliques.join(Cliques(rows, np.zeros(0), np.zeros((0, len(rows)))))
    shares = side.split(side.z)[-1]
    signs = wide.form(form.tau, shares)
    moments = signs.moments(form.Y[wide.rows], at.P, at.mean_u, barrier * side.r / side.n)
    return violated(wide.rows, moments.mean, moments.second).unlike(side.cliques)


def descend(
    objective: Callable[[Array], tuple[float, Array]], start: Array, limits: list[Array],
    deadline: float, steps: int = STAGE_STEPS, least: float = LEAST,
) -> Array:  # fmt: skip
    """The point that so many quasi-Newton steps reach, or fewer at the deadline.

    They end where one gains less than ``least``, relatively.

    The start, where they run into numbers too large for doubles.
    """

    beyond = 1e300

    def bounded(x: Array) -> tuple[float, Array]:
        nonlocal beyond
        try:
            value, gradient = objective(x)
        except np.linalg.LinAlgError:
            return beyond, np.zeros_like(x)
        if not np.isfinite(gradient).all():
            return beyond, np.zeros_like(x)
        beyond = min(beyond, value + abs(value))
        return value, gradient

    def out_of_time(x: Array) -> None:
        if now() > deadline:
            raise StopIteration

    options = {
        "maxiter": steps,
        "maxfun": 2 * steps,
        "maxcor": MEMORY,
        "ftol": least,
        "gtol": 0.0,
    }
    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            bounded, start, jac=True, method="L-BFGS-B", bounds=Bounds(*limits),
            options=options, callback=out_of_time,
        )  # fmt: skip
    finite = np.isfinite(result.fun) and np.isfinite(result.x).all()
    return np.asarray(result.x) if finite else start

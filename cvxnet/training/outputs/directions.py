"""Output weights for units whose directions are fixed: a group lasso.

    minimise  loss(M A + F C) + weight_decay sum_j |a_j|

over rows a_j of c output weights; column j of M is the feature of a unit of length one. It is
convex, and most of the a_j are zero at its optimum.

With a smooth loss it is solved in ``a_j = s_j b_j`` with the price ``1/2 (s_j^2 + |b_j|^2)``, which
is ``|a_j|`` at the best balance. That is smooth where ``|a_j|`` has a kink, and it has no local
optimum but the global one: where the group lasso falls along some direction of an a_j = 0, the
product falls along it in second order, s_j and b_j growing together. With a loss that has kinks it
is a cone program, and solved as such.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Loss, Weighted
from cvxnet.training.clock import now
from cvxnet.training.conic import SOLVERS, solve_cone_program
from cvxnet.training.master import Master, Stack, master_cone_program
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import all_samples
from cvxnet.training.scaling import power_of_two
from cvxnet.training.sliding import FREE_RIDGE, quasi_newton, units_of_factors
from cvxnet.training.units.family import Block, frame_of
from cvxnet.types import Array

STEPS, PRECISE = 50, 1e-15
"""Of the quasi-Newton method at a time, and its precision."""
BATCHES, LITTLE = 20, 1e-9
"""So many times, until that lowers the objective by less, relatively, and no unit is idle."""
SMALL, IDLE = 1e-2, 1e-3
"""A unit smaller than this, relative to the largest, whose ``|g|`` is below ``weight_decay`` by
that, relatively, is idle."""
TOKEN = 1e-3
"""Units of no size start with this one, relative to the largest."""
TOLERANCE = 1e-10
"""Of the cone solver."""


def fit_directions(
    problem: Problem, units: Units, master: Master, deadline: float = np.inf
) -> Units:
    """The best output weights for these hidden directions, whatever the loss."""
    if problem.loss.smooth:
        return fit_outputs(problem, units, deadline)
    return solve_outputs(problem, units, master, deadline)[0]


def fit_outputs(problem: Problem, units: Units, deadline: float = np.inf) -> Units:
    """The best output weights for these hidden directions, by a quasi-Newton method.

    Units that the optimum does not use are left out on the way: they shrink, and what they could
    gain, ``|g| = |V^T phi|``, is below ``weight_decay``. The loss has to be smooth.
    """
    value = np.inf
    for _ in range(BATCHES):
        units = step_outputs(problem, units, deadline)
        kept = units.pick(~idle(problem, units))
        before, value = value, problem.objective(kept)
        same, units = len(kept) == len(units), kept
        if (same and value >= before * (1.0 - LITTLE)) or now() > deadline:
            break
    return units


def idle(problem: Problem, units: Units) -> NDArray[np.bool_]:
    """Which units are small, and shrinking."""
    sizes = units.sizes
    V = problem.loss.gradient(problem.fit(units), problem.y)
    gains = np.linalg.norm(problem.family.features(units.weights).T @ V, axis=1)
    small = sizes <= SMALL * sizes.max(initial=0.0)
    return np.asarray(small & (gains < (1.0 - IDLE) * problem.weight_decay * sizes))


def step_outputs(problem: Problem, units: Units, deadline: float) -> Units:
    """Better output weights after some steps."""
    units = units.without_small(0.0)
    sizes, (m, c) = problem.family.sizes(units.weights), units.outputs.shape
    loss, y, decay = problem.loss, problem.y, problem.weight_decay
    directions = units.weights / sizes[:, None]
    M, T = problem.family.features(directions), frame_of(problem.F, FREE_RIDGE)
    F = problem.F @ T
    # Features are used as if they were all of one size: their price takes the factor.
    scale = np.linalg.norm(M, axis=0) / np.sqrt(len(y))
    scale[scale == 0.0] = 1.0
    M, price = M / scale, decay / scale

    def objective(x: Array) -> tuple[float, Array]:
        s, B, free = x[:m], x[m : m + m * c].reshape(m, c), x[m + m * c :].reshape(-1, c)
        f = M @ (s[:, None] * B) + F @ free
        V = loss.gradient(f, y)
        value = loss.value(f, y) + 0.5 * float(price @ (s * s + (B * B).sum(axis=1)))
        G = M.T @ V
        slopes = [(B * G).sum(axis=1) + price * s, s[:, None] * G + price[:, None] * B, F.T @ V]
        return float(value), np.concatenate([part.ravel() for part in slopes])

    start = np.maximum(sizes, TOKEN * sizes.max(initial=0.0)) * scale
    root = np.sqrt(start)
    free = np.linalg.solve(T, units.free)
    x = np.concatenate([root, (root[:, None] * units.outputs).ravel(), free.ravel()])
    x = quasi_newton(objective, x, STEPS, PRECISE, deadline)
    s, B, free = x[:m], x[m : m + m * c].reshape(m, c), x[m + m * c :].reshape(-1, c)
    return units_of_factors(directions, (s / scale)[:, None] * B, T @ free)


def solve_outputs(
    problem: Problem, units: Units, master: Master, deadline: float = np.inf
) -> tuple[Units, Array]:
    """The same as a cone program, for losses with kinks, and the multiplier, (n, c).

    A loss summed over entries is one of n c samples, each direction a block of c columns.
    """
    units = units.without_small(0.0)
    n, c = problem.y.shape
    directions = units.weights / problem.family.sizes(units.weights)[:, None]
    M, eye = problem.family.features(directions), np.eye(c)
    size = power_of_two(max(master.value / problem.weight_decay, 1.0))
    blocks = [
        Block(j, 1.0, size * np.kron(feature[:, None], eye), np.zeros((0, c)), eye)
        for j, feature in enumerate(M.T)
    ]
    stack = Stack(blocks, "l2")
    F = np.asarray(np.kron(problem.F, eye), dtype=np.float64)
    samples = all_samples(stack.matrix, F, flattened(problem.loss, c), problem.y.ravel())
    program = master_cone_program(samples, stack, size * problem.weight_decay)
    left = max(deadline - now(), 0.0) if np.isfinite(deadline) else None
    solver = master.solver if master.solver in SOLVERS else "CLARABEL"
    solution = solve_cone_program(program, solver, TOLERANCE, left)
    master.way = solver
    k = len(units) * c
    A, free = size * solution.x[:k], solution.x[k : k + F.shape[1]]
    found = units_of_factors(directions, A.reshape(-1, c), free.reshape(-1, c))
    return found, solution.dual[: n * c].reshape(n, c)


def flattened(loss: Loss, c: int) -> Loss:
    """The loss of all entries, (n c,), in the order of rows."""
    if isinstance(loss, Weighted):
        return Weighted(loss.loss, np.repeat(loss.weights.ravel(), c))
    return loss

"""The master problem: the convex program restricted to some blocks.

    minimise    loss(sum_b M_b z_b) + weight_decay sum_b |z_b|
    subject to  F_b z_b >= 0                     (the facets of block b's cell)

``master_problem`` writes it in stacked CVXPY form, for any solver that CVXPY knows.
``master_cone_program`` assembles the same cone program without CVXPY, because compiling takes
longer than solving for the small masters of column generation; a test holds the two equal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxnet.cones import SOLVERS, ConeProgram, solve_cone_program
from cvxnet.errors import SolverError
from cvxnet.training.problem import Array, Problem, Units
from cvxnet.training.units.family import Block


@dataclass
class Timings:
    """Seconds spent in each part of training."""

    pricing: float = 0.0
    sliding: float = 0.0
    assembling: float = 0.0
    compiling: float = 0.0
    solving: float = 0.0
    refining: float = 0.0


@dataclass
class Master:
    """Solves master problems of one training problem with one solver."""

    problem: Problem
    solver: str
    tolerance: float = 1e-9
    timings: Timings = field(default_factory=Timings)

    def solve(self, blocks: list[Block], time_limit: float | None = None) -> Units:
        """The optimal units of the master on these blocks, one for each block (some near 0)."""
        if self.solver in SOLVERS:
            z = self._solve_directly(blocks, time_limit)
        else:
            z = self._solve_with_cvxpy(blocks)
        return Units(z.reshape(len(blocks), -1), np.array([block.sign for block in blocks]))

    def _solve_directly(self, blocks: list[Block], time_limit: float | None) -> Array:
        begin = time.perf_counter()
        program = master_cone_program(self.problem, blocks)
        middle = time.perf_counter()
        solution = solve_cone_program(program, self.solver, self.tolerance, time_limit)
        self.timings.assembling += middle - begin
        self.timings.solving += time.perf_counter() - middle
        return solution.x[: len(blocks) * self.problem.family.rank]

    def _solve_with_cvxpy(self, blocks: list[Block]) -> Array:
        begin = time.perf_counter()
        program, Z = master_problem(self.problem, blocks)
        try:
            program.solve(solver=self.solver)
        except cp.error.SolverError as error:
            raise SolverError(f"{self.solver} failed on a master problem: {error}") from None
        if Z.value is None:
            raise SolverError(f"{self.solver} returned no point (status {program.status}).")
        solving = program.solver_stats.solve_time or 0.0
        self.timings.solving += solving
        self.timings.compiling += time.perf_counter() - begin - solving
        return np.asarray(Z.value).ravel()


def cells_of(problem: Problem, units: Units) -> list[Block]:
    """The blocks that contain the units, each once."""
    pairs = zip(units.weights, units.signs.tolist(), strict=True)
    blocks = [problem.family.block(u, sign) for u, sign in pairs]
    return list({block.key: block for block in blocks}.values())


def master_problem(problem: Problem, blocks: list[Block]) -> tuple[cp.Problem, cp.Variable]:
    """The master as a CVXPY problem, and its variable with one row for each block."""
    M, F = stack_blocks(blocks)
    Z = cp.Variable((len(blocks), problem.family.rank))
    z = cp.vec(Z, order="C")
    objective = problem.loss.expression(M @ z, problem.y)
    objective += problem.weight_decay * cp.sum(cp.norm(Z, 2, axis=1))
    return cp.Problem(cp.Minimize(objective), [F @ z >= 0]), Z


def master_cone_program(problem: Problem, blocks: list[Block]) -> ConeProgram:
    """The master as a cone program in ``(z, t, g, w)`` with ``|z_b| <= t_b``.

    The loss's own variables ``(g, w)`` come from its cone form; the predictions enter through
    ``sum_b M_b z_b - g = shift``.
    """
    M, F = stack_blocks(blocks)
    n, k = M.shape
    m, r = len(blocks), problem.family.rank
    loss = problem.loss.cone(problem.y)
    extra = loss.q.size
    fit = sparse.hstack([M, empty(n, m), -sparse.eye_array(n, extra)])
    facets = sparse.hstack([-F, empty(F.shape[0], m + extra)])
    norms = sparse.hstack([norm_rows(m, r), empty(m * (r + 1), extra)])
    tail = sparse.csr_array(sparse.hstack([empty(loss.b.size, k + m), loss.A]))
    rows = [fit, tail[: loss.nonneg], facets, norms, tail[loss.nonneg :]]
    zeros = np.zeros(F.shape[0] + m * (r + 1))
    return ConeProgram(
        curvature=np.concatenate([np.zeros(k + m), loss.curvature]),
        q=np.concatenate([np.zeros(k), np.full(m, problem.weight_decay), loss.q]),
        A=sparse.csc_array(sparse.vstack(rows)),
        b=np.concatenate([loss.shift, loss.b[: loss.nonneg], zeros, loss.b[loss.nonneg :]]),
        zero=n,
        nonneg=loss.nonneg + F.shape[0],
        second_order=(r + 1,) * m,
        exponential=loss.exponential,
    )


def empty(rows: int, columns: int) -> sparse.csr_array:
    """A block of zeros."""
    return sparse.csr_array((rows, columns))


def stack_blocks(blocks: list[Block]) -> tuple[sparse.csr_array, sparse.csr_array]:
    """The matrices of all blocks side by side, and their facets on a block diagonal."""
    M = sparse.csr_array(np.hstack([block.matrix for block in blocks]))
    F = sparse.csr_array(sparse.block_diag([block.facets for block in blocks]))
    return M, F


def norm_rows(m: int, r: int) -> sparse.csr_array:
    """Rows ``-(t_b, z_b)`` for each block in turn, columns ``(z, t)``."""
    block = np.arange(m)[:, None]
    columns = np.hstack([m * r + block, r * block + np.arange(r)]).ravel()
    rows = np.arange(m * (r + 1))
    return sparse.csr_array((-np.ones(rows.size), (rows, columns)), shape=(rows.size, m * (r + 1)))

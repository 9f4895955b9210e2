"""The master problem: the convex program restricted to some blocks.

    minimise    loss(sum_b M_b w_b + F c) + weight_decay sum_b |w_b|
    subject to  G_b w_b >= 0                     (the facets of block b's cell)

What it knows of the samples are `Samples`: all rows of M and F, or fewer that say the same.
``master_problem`` writes it in stacked CVXPY form, for any solver that CVXPY knows.
``master_cone_program`` assembles the same cone program without CVXPY, because compiling takes
longer than solving for the small masters of column generation; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.errors import SolverError
from cvxnet.training.clock import now
from cvxnet.training.conic import SOLVERS, ConeProgram, solve_cone_program
from cvxnet.training.groups import can_be_grouped, minimise_in_groups
from cvxnet.training.matrices import is_sparse
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import Samples, all_samples, is_square, without_n
from cvxnet.training.scaling import power_of_two
from cvxnet.training.units.family import Block
from cvxnet.types import Array

LARGE = 2e6
"""Entries of a master's matrix beyond which sliding and Newton's method are tried first."""
FEW = 200
"""So few rows stay as they are."""
EXACT = 1e-9
"""Groups have the optimum of all samples where the loss of these is above theirs by no more."""

SIZES, SLIDING = "Newton's method on sizes", "L-BFGS on units"
COORDINATES, BALL = "coordinate descent", "L-BFGS on weights"
OUTPUTS, PROGRAM = "L-BFGS on output weights", "CLARABEL on a semidefinite program"
"""What solved a master, in words; otherwise it was a conic solver, by its name."""
GROUPED = "{} on groups of samples"
"""What is said where that has not seen each sample alone."""


@dataclass
class Timings:
    """Seconds spent in each part of training."""

    pricing: float = 0.0
    sliding: float = 0.0
    fitting: float = 0.0
    assembling: float = 0.0
    compiling: float = 0.0
    solving: float = 0.0
    refining: float = 0.0
    pruning: float = 0.0
    proving: float = 0.0


@dataclass(frozen=True)
class Stack:
    """The blocks of a master side by side.

    Attributes
    ----------
    blocks : list of Block
    norm : str
        The norm of every ``w_b``.
    """

    blocks: list[Block]
    norm: str

    @cached_property
    def widths(self) -> NDArray[np.int64]:
        """Columns of each block."""
        return np.array([block.matrix.shape[1] for block in self.blocks], dtype=np.int64)

    @property
    def columns(self) -> int:
        """Columns of all blocks together."""
        return int(self.widths.sum())

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """``[M_1 ... M_m]``, (n, columns)."""
        columns = [block.matrix for block in self.blocks]
        join = sparse.hstack if is_sparse(columns[0]) else np.hstack
        return sparse.csr_array(join(columns))

    @cached_property
    def facets(self) -> sparse.csr_array:
        """All inequalities, block diagonal."""
        parts = [sparse.csr_array(block.facets) for block in self.blocks]
        return sparse.csr_array(sparse.block_diag(parts))

    @cached_property
    def round(self) -> NDArray[np.bool_]:
        """Which blocks have a norm that is neither an absolute value nor a sum of them."""
        return (self.widths > 1) & (self.norm == "l2")

    def units(self, w: Array, free: Array) -> Units:
        """The units that a solution stands for, one for each block."""
        parts = np.split(w, np.cumsum(self.widths)[:-1])
        rows = [part @ block.directions for part, block in zip(parts, self.blocks, strict=True)]
        return Units(np.array(rows), np.array([block.sign for block in self.blocks]), free)


@dataclass
class Master:
    """Solves master problems of one training problem with one solver.

    ``value`` is about what the optimum will be: the objective is divided by it, as the solvers'
    tolerances are absolute for optima below one. ``fit`` are predictions near the optimum, (n,),
    if there are any: they say which samples a loss with kinks has to look at. ``second_way`` is for
    masters that have been solved before, without success. ``way`` says in words what solved the
    last one, here or elsewhere; it is empty before.
    """

    problem: Problem
    solver: str
    value: float = 1.0
    tolerance: float = 1e-9
    fit: Array | None = None
    second_way: bool = False
    way: str = ""
    timings: Timings = field(default_factory=Timings)

    def solve(
        self, blocks: Iterable[Block], time_limit: float | None = None
    ) -> tuple[Units, Array]:
        """The optimal units of the master, one for each block (some near 0), and the dual vector.

        The dual vector is the multiplier of the predictions, as the solver returned it.
        """
        stack = Stack(list(blocks), self.problem.family.norm)
        if self.solver not in SOLVERS:
            return self._solve_with_cvxpy(stack)
        return self._solve_directly(stack, time_limit)

    def _solve_directly(self, stack: Stack, time_limit: float | None) -> tuple[Units, Array]:
        problem, begin = self.problem, now()
        samples = all_samples(stack.matrix, problem.F, problem.loss, problem.y)
        if can_be_grouped(samples):
            return self._solve_groups(samples, stack, time_limit)
        if not self._drops_n(samples):
            w, c, v = self._minimise(samples, stack, time_limit)
            return stack.units(w, c), v
        fewer = without_n(samples)
        self.timings.assembling += now() - begin
        w, c, _ = self._minimise(fewer, stack, time_limit)
        return stack.units(w, c), problem.loss.gradient(samples.fit(w, c), problem.y)

    def _solve_groups(
        self, samples: Samples, stack: Stack, time_limit: float | None
    ) -> tuple[Units, Array]:
        """The same of groups of samples, which are split until they have the optimum of all."""
        end = now() + (np.inf if time_limit is None else time_limit)

        def minimise(rows: Samples) -> tuple[Array, Array, Array]:
            return self._minimise(rows, stack, None if end == np.inf else end - now())

        found = minimise_in_groups(
            samples,
            np.zeros_like(samples.y) if self.fit is None else self.fit,
            minimise,
            enough=EXACT * self.value,
            deadline=end,
        )
        self.fit, self.way = found.fit, GROUPED.format(self.solver)
        return stack.units(found.w, found.c), found.v

    def _drops_n(self, samples: Samples) -> bool:
        """Whether the rows of the samples are many, and may be fewer.

        Multipliers are more than the gradient where the loss bends within less than the error of
        the predictions.
        """
        rows, columns = samples.matrix.shape
        few = rows <= FEW or (rows * columns <= LARGE and self.second_way)
        return is_square(samples.loss) and rows > columns + samples.F.shape[1] and not few

    def _minimise(
        self, samples: Samples, stack: Stack, time_limit: float | None
    ) -> tuple[Array, Array, Array]:
        """The best coefficients, free weights and multipliers of the samples' predictions."""
        begin, size = now(), self._size()
        program = master_cone_program(
            samples.with_features(size), stack, size * self.problem.weight_decay
        )
        scale = 1.0 / self.value if 0.0 < self.value < 1.0 else 1.0
        program = replace(program, curvature=scale * program.curvature, q=scale * program.q)
        middle = now()
        solution = solve_cone_program(
            program,
            self.solver,
            self.tolerance,
            time_limit=time_limit,
            second_way=self.second_way,
        )
        self.timings.assembling += middle - begin
        self.timings.solving += now() - middle
        self.way = self.solver
        k, free = stack.columns, samples.F.shape[1]
        x, v = solution.x, solution.dual[: len(samples.y)] / scale
        return size * x[:k], x[k : k + free], v

    def _size(self) -> float:
        """The size that units may have: one above it would cost more than all is worth.

        In this measure ``|w_b|`` is at most about one, and costs about one: the solver's tolerances
        are then relative to ``weight_decay``, as are those of pricing.
        """
        return power_of_two(max(self.value / self.problem.weight_decay, 1.0))

    def _solve_with_cvxpy(self, stack: Stack) -> tuple[Units, Array]:
        begin = now()
        program, w, c = master_problem(self.problem, stack)
        try:
            program.solve(solver=self.solver)
        except cp.error.SolverError as error:
            raise SolverError(f"{self.solver} failed on a master problem: {error}") from None
        v = program.constraints[0].dual_value
        if w.value is None or v is None:
            raise SolverError(f"{self.solver} returned no point (status {program.status}).")
        self.way = self.solver
        solving = program.solver_stats.solve_time or 0.0
        self.timings.solving += solving
        self.timings.compiling += now() - begin - solving
        free = np.zeros(0) if c is None else np.asarray(c.value)
        return stack.units(np.asarray(w.value), free), -np.asarray(v)


def blocks_of(problem: Problem, units: Units) -> dict[Any, Block]:
    """The blocks that contain the units, each once, by their keys."""
    pairs = zip(units.weights, units.outputs.tolist(), strict=True)
    blocks = [problem.family.block(u, sign) for u, sign in pairs]
    return {block.key: block for block in blocks}


def master_problem(
    problem: Problem, stack: Stack
) -> tuple[cp.Problem, cp.Variable, cp.Variable | None]:
    """The master as a CVXPY problem, with its variables: ``w`` of all blocks in a row, and ``c``.

    Its first constraint states the predictions: up to its sign the multiplier is the dual vector.
    """
    w, f = cp.Variable(stack.columns, name="w"), cp.Variable(len(problem.y), name="f")
    c = cp.Variable(problem.F.shape[1], name="c") if problem.F.size else None
    fit = stack.matrix @ w if c is None else stack.matrix @ w + problem.F @ c
    objective = problem.loss.expression(f, problem.y)
    objective += problem.weight_decay * norms(w, stack)
    constraints = [f == fit, stack.facets @ w >= 0]
    return cp.Problem(cp.Minimize(objective), constraints), w, c


def norms(w: cp.Variable, stack: Stack) -> cp.Expression:
    """``sum_b |w_b|``: blocks of one width together."""
    owner = np.repeat(np.arange(len(stack.blocks)), stack.widths)
    flat = np.flatnonzero(~stack.round[owner])
    terms = [cp.norm1(w if flat.size == w.size else w[flat])] if flat.size else []
    for width in np.unique(stack.widths[stack.round]):
        entries = np.flatnonzero((stack.round & (stack.widths == width))[owner])
        part = w if entries.size == w.size else w[entries]
        rows = cp.reshape(part, (entries.size // int(width), int(width)), order="C")
        terms.append(cp.sum(cp.norm(rows, 2, axis=1)))
    return cp.sum(cp.hstack(terms)) if len(terms) > 1 else terms[0]


def master_cone_program(samples: Samples, stack: Stack, weight_decay: float) -> ConeProgram:
    """The master as a cone program in ``(w, c, t, g, h)`` with ``|w_b| <= t_b``.

    Where a norm is a sum of absolute values there is one ``t`` for each entry, with linear rows.
    The loss's own variables ``(g, h)`` come from its cone form; the predictions enter through
    ``sum_b M_b w_b + F c - g = shift``.
    """
    n, k = samples.matrix.shape
    free = samples.F.shape[1]
    loss = samples.loss.cone(samples.y)
    extra = loss.q.size
    flat, cones = norm_rows(stack)
    m = flat.shape[1] - k
    fit = sparse.hstack([samples.matrix, samples.F, empty(n, m), -sparse.eye_array(n, extra)])
    facets = sparse.hstack([-stack.facets, empty(stack.facets.shape[0], free + m + extra)])
    flat, cones = (with_room(part, k, free, extra) for part in (flat, cones))
    tail = sparse.csr_array(sparse.hstack([empty(loss.b.size, k + free + m), loss.A]))
    rows = [fit, tail[: loss.nonneg], facets, flat, cones, tail[loss.nonneg :]]
    zeros = np.zeros(facets.shape[0] + flat.shape[0] + cones.shape[0])
    decay = np.full(m, weight_decay)
    return ConeProgram(
        curvature=np.concatenate([np.zeros(k + free + m), loss.curvature]),
        q=np.concatenate([samples.slope, decay, loss.q]),
        A=sparse.csc_array(sparse.vstack(rows)),
        b=np.concatenate([loss.shift, loss.b[: loss.nonneg], zeros, loss.b[loss.nonneg :]]),
        zero=n,
        nonneg=loss.nonneg + facets.shape[0] + flat.shape[0],
        second_order=tuple((stack.widths[stack.round] + 1).tolist()),
        exponential=loss.exponential,
    )


def with_room(rows: sparse.csr_array, k: int, free: int, extra: int) -> sparse.csr_array:
    """Rows in ``(w, t)`` as rows in ``(w, c, t, g, h)``."""
    n = rows.shape[0]
    parts = [rows[:, :k], empty(n, free), rows[:, k:], empty(n, extra)]
    return sparse.csr_array(sparse.hstack(parts))


def empty(rows: int, columns: int) -> sparse.csr_array:
    """A block of zeros."""
    return sparse.csr_array((rows, columns))


def norm_rows(stack: Stack) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Rows in ``(w, t)`` of the norms: ``+-w - t <= 0``, and ``-(t_b, w_b)`` of the round blocks.

    The ``t`` of the entries of flat blocks come first, then one for each round block.
    """
    k, is_round = stack.columns, stack.round
    owner = np.repeat(np.arange(len(stack.blocks)), stack.widths)
    flat, rest = np.flatnonzero(~is_round[owner]), np.flatnonzero(is_round[owner])
    columns = k + flat.size + int(is_round.sum())
    entry, own = np.arange(flat.size), k + np.arange(flat.size)
    both = [selector(entry, flat, columns) - selector(entry, own, columns)]
    both.append(-selector(entry, flat, columns) - selector(entry, own, columns))
    # Each round block takes one row for t_b and then its entries.
    which = np.cumsum(is_round)[owner[rest]] - 1
    widths = stack.widths[is_round]
    heads = np.cumsum(widths + 1) - widths - 1
    rows = np.concatenate([heads, np.arange(rest.size) + which + 1])
    target = np.concatenate([k + flat.size + np.arange(widths.size), rest])
    shape = (rest.size + widths.size, columns)
    cones = sparse.csr_array((-np.ones(rows.size), (rows, target)), shape=shape)
    return sparse.csr_array(sparse.vstack(both)), cones


def selector(rows: NDArray[Any], columns: NDArray[Any], width: int) -> sparse.csr_array:
    """Ones at these places."""
    return sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=(rows.size, width))

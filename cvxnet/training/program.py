"""The whole convex program of a two-layer network, as an ordinary CVXPY problem.

For ReLU units (Pilanci and Ergen 2020, arXiv 2002.10553, equation 8), with the cells D_i enumerated
exactly,

    minimise    loss(f) + weight_decay sum_i (|v_i| + |w_i|)
    subject to  f = sum_i D_i X (v_i - w_i)
                (2 D_i - I) X v_i >= 0,  (2 D_i - I) X w_i >= 0        for every cell i.

Every family has such a program with its own blocks: all dichotomies, all columns, all gates; units
of degree two have a semidefinite one. It is the master problem of column generation with nothing
left out. The dual variable of its first constraint is, up to its sign, the dual vector v of the
certificate.

With several outputs the blocks are matrices, see `cvxnet.training.outputs.whole_program`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import cvxpy as cp
import numpy as np

from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.objective import Objective, make_objective, network_of
from cvxnet.training.enumeration import all_blocks, count_blocks
from cvxnet.training.master import Master, Stack, master_problem
from cvxnet.training.outputs.whole_program import (
    block_entries,
    count_linear_blocks,
    shared_program,
)
from cvxnet.training.problem import Problem, Units
from cvxnet.training.pruning import SMALL, prune
from cvxnet.training.recovery import problem_of, weights_of
from cvxnet.training.semidefinite import Program, semidefinite_program
from cvxnet.training.threads import one_blas_thread

BYTES_PER_ENTRY = 400
"""Peak memory of CVXPY and Clarabel for each non-zero of the constraints, as measured."""


@dataclass(frozen=True)
class Origin:
    """What `recover` has to know of the program that `program` wrote."""

    problem: Problem
    objective: Objective
    units: Callable[[], Units | None]


ORIGINS: WeakKeyDictionary[cp.Problem, Origin] = WeakKeyDictionary()


def program(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    output_weights: str = "any",
    sample_weight: Any = None,
    facets_only: bool = True,
    memory_limit: float = 8e9,
) -> cp.Problem:
    """Write the whole convex program: every unit that there is.

    For comparison and teaching; `cvxnet.train` solves the same problem without writing it down.
    Clarabel and SCS solve it for both losses. ECOS solves it for the squared loss; with the
    logistic loss its line search gives up beyond about 150 cells (CVXPY raises SolverError), where
    ``train(solver="ECOS")`` still works.

    With several outputs there are a nuclear norm for linear units and for each gate, a group norm
    for coordinate units, and semidefinite matrices for the cells of ReLU-like units, up to rank
    three. Clarabel and SCS solve these.

    Parameters
    ----------
    units, X, y, loss, weight_decay, bias, norm, output_bias, skip, output_weights, sample_weight
        As in `cvxnet.train`, X (n, d) and y (n,), (n, c), or class labels.
    facets_only : bool
        Of the n inequalities of a cell write only its facets, which imply the others. False
        writes them all, as in the paper: the same optimum, but larger and worse conditioned. With
        several outputs cells are given by their rays instead.
    memory_limit : float
        Bytes; a program predicted to need more is refused.

    Returns
    -------
    cvxpy.Problem
        With ``is_dcp()`` true. After ``solve()``, `recover` returns the network.

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        Where the program would be too large, with the number of cells and the memory predicted; and
        where several outputs share units that have no finite program (quadratic and polynomial
        ones, and ReLU-like ones beyond rank three).

    See Also
    --------
    recover : The network that a solved program stands for.
    train : The same optimum, without writing the program down.

    Examples
    --------
    >>> import numpy as np
    >>> prob = program("relu", np.array([[-1.0], [1.0]]), np.array([1.0, 2.0]),
    ...                weight_decay=0.1, bias=False)
    >>> prob.is_dcp(), round(float(prob.solve(solver="CLARABEL")), 6)
    (True, 0.29)
    """
    objective = make_objective(
        units,
        X,
        y,
        loss=loss,
        weight_decay=weight_decay,
        bias=bias,
        norm=norm,
        output_bias=output_bias,
        skip=skip,
        output_weights=output_weights,
        sample_weight=sample_weight,
    )
    problem = problem_of(objective)
    memory_limit = check_positive(memory_limit, "memory_limit", "Bytes: 8e9 is usual.")
    program, find_units = write(problem, facets_only, memory_limit)
    ORIGINS[program] = Origin(problem, objective, find_units)
    return program


def write(problem: Problem, facets_only: bool, memory_limit: float) -> Program:
    """The program of all units of the family, and how to read the units off its solution."""
    if problem.y.ndim == 2:
        blocks, c = count_linear_blocks(problem.family), problem.y.shape[1]
        check_size(problem, blocks, block_entries(problem.family, len(problem.y), c), memory_limit)
        return shared_program(problem)
    written = semidefinite_program(problem.family, problem)
    if written is not None:
        return written
    blocks, entries = count_blocks(problem.family), len(problem.y) * problem.family.block_width
    check_size(problem, blocks, entries, memory_limit)
    return write_blocks(problem, facets_only)


def write_blocks(problem: Problem, facets_only: bool) -> Program:
    """The master problem on all blocks, and how to read the units off its solution."""
    stack = Stack(all_blocks(problem.family, facets_only), problem.family.norm)
    program, w, c = master_problem(problem, stack)

    def find_units() -> Units | None:
        if w.value is None:
            return None
        free = np.zeros(0) if c is None else np.asarray(c.value)
        return stack.units(np.asarray(w.value), free)

    return program, find_units


def check_size(problem: Problem, blocks: int, entries: int, memory_limit: float) -> None:
    """Refuse a program of so many blocks, each with so many entries, that would not fit."""
    memory = float(blocks) * entries * BYTES_PER_ENTRY
    if memory > memory_limit:
        raise UnsupportedError(
            f"the whole program has up to {blocks:,} blocks (cells, patterns or columns) at "
            f"n = {len(problem.y)} and rank {problem.family.rank}: about {memory / 1e9:,.0f} GB "
            f"(limit {memory_limit / 1e9:g} GB). cvxnet.train solves the same problem without "
            "writing it down; memory_limit= raises the limit."
        )


def recover(solved: cp.Problem) -> Sequential:
    """The network that a solved `program` stands for, pruned to at most n units (n c, c outputs).

    Parameters
    ----------
    solved : cvxpy.Problem
        What `program` returned, after ``solve()``.

    Returns
    -------
    Sequential
        The ordinary two-layer network, as `cvxnet.train` returns it.

    Raises
    ------
    InputError
        If the problem is not one of `program`'s, or has not been solved.

    See Also
    --------
    program : The convex program itself.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [1.0]])
    >>> prob = program("relu", X, np.array([1.0, 2.0]), weight_decay=0.1, bias=False)
    >>> _ = prob.solve(solver="CLARABEL")
    >>> recover(prob)(X).ravel().round(6).tolist()
    [0.9, 1.9]
    """
    origin = ORIGINS.get(solved) if isinstance(solved, cp.Problem) else None
    if origin is None:
        raise InputError("recover takes a problem that cvxnet.program returned.")
    units = origin.units()
    if units is None:
        raise InputError(f"the program has no solution yet (status {solved.status}); solve it.")
    problem, objective = origin.problem, origin.objective
    with one_blas_thread():
        units = prune(units.without_small(SMALL), Master(problem, "CLARABEL"))
    weights = weights_of(problem, units, objective.form)
    return network_of(objective.units, weights, objective.output_weights)

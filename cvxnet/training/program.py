"""The whole convex program of a two-layer ReLU network, as an ordinary CVXPY problem.

    minimise    loss(f) + weight_decay sum_i (|v_i| + |w_i|)
    subject to  f = sum_i D_i X (v_i - w_i)
                (2 D_i - I) X v_i >= 0,  (2 D_i - I) X w_i >= 0        for every cell i

(Pilanci and Ergen 2020, arXiv 2002.10553, equation 8), with the cells D_i enumerated exactly. The
dual variable of the first constraint is, up to its sign, the dual vector v of the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import cvxpy as cp
import numpy as np

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.training.arrangement import count_cells
from cvxnet.training.master import Master
from cvxnet.training.problem import Problem, Units
from cvxnet.training.pruning import prune
from cvxnet.training.recovery import balanced_weights, build_network
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.trainer import make_problem

BYTES_PER_ENTRY = 400
"""Peak memory of CVXPY and Clarabel for each non-zero of the constraints, as measured."""


@dataclass(frozen=True)
class Origin:
    """What `recover` has to know of the program that `program` wrote."""

    problem: Problem
    bias: bool
    V: cp.Variable
    W: cp.Variable


ORIGINS: WeakKeyDictionary[cp.Problem, Origin] = WeakKeyDictionary()


def program(
    units: str,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    bias: bool = True,
    facets_only: bool = True,
    memory_limit: float = 8e9,
) -> cp.Problem:
    """Write the whole convex program: every cell of the arrangement.

    For comparison and teaching; `cvxnet.train` solves the same problem without writing it down.
    Clarabel and SCS solve it for both losses. ECOS solves it for the squared loss; with the
    logistic loss its line search gives up beyond about 150 cells (CVXPY raises SolverError), where
    ``train(solver="ECOS")`` still works. Parameters as in `cvxnet.train`.

    Parameters
    ----------
    facets_only : bool
        Of the n inequalities of a cell write only its facets, which imply the others. False
        writes them all, as in the paper: the same optimum, but larger and worse conditioned.
    memory_limit : float
        Bytes; a program predicted to need more is refused.

    Returns
    -------
    cvxpy.Problem
        With ``is_dcp()`` true. After ``solve()``, `recover` returns the network.

    Raises
    ------
    UnsupportedError
        Where the program would be too large, with the number of cells and the memory predicted.

    Examples
    --------
    >>> import numpy as np
    >>> prob = program("relu", np.array([[-1.0], [1.0]]), np.array([1.0, 2.0]),
    ...                weight_decay=0.1, bias=False)
    >>> prob.is_dcp(), round(float(prob.solve(solver="CLARABEL")), 6)
    (True, 0.29)
    """
    problem, X, y = make_problem(units, X, y, loss, weight_decay, bias)
    family = problem.family
    check_size(len(y), family.rank, memory_limit)
    rows = family.rows
    patterns, F = family.all_cells()
    D = patterns.T
    V = cp.Variable((family.rank, D.shape[1]), name="v")
    W = cp.Variable((family.rank, D.shape[1]), name="w")
    f = cp.Variable(len(y), name="f")
    norms = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    objective = problem.loss.expression(f, y) + problem.weight_decay * norms
    fit = f == cp.sum(cp.multiply(D, rows @ (V - W)), axis=1)
    if facets_only:
        cones = [F @ cp.vec(Z, order="F") >= 0 for Z in (V, W)]
    else:
        cones = [cp.multiply(2.0 * D - 1.0, rows @ Z) >= 0 for Z in (V, W)]
    result = cp.Problem(cp.Minimize(objective), [fit, *cones])
    ORIGINS[result] = Origin(problem, bias, V, W)
    return result


def check_size(n: int, rank: int, memory_limit: float) -> None:
    """Refuse a program that would not fit."""
    cells = count_cells(n, rank)
    memory = 2.0 * cells * n * rank * BYTES_PER_ENTRY
    if memory > memory_limit:
        raise UnsupportedError(
            f"the whole program has up to {cells:,} cells at n = {n} and rank {rank}: "
            f"{2 * cells * n:,} inequalities, about {memory / 1e9:,.0f} GB (limit "
            f"{memory_limit / 1e9:g} GB). cvxnet.train solves the same problem without writing it "
            "down; memory_limit= raises the limit."
        )


def recover(solved: cp.Problem) -> Sequential:
    """The network that a solved `program` stands for, pruned to at most n units.

    Raises
    ------
    InputError
        If the problem is not one of `program`'s, or has not been solved.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [1.0]])
    >>> prob = program("relu", X, np.array([1.0, 2.0]), weight_decay=0.1, bias=False)
    >>> _ = prob.solve(solver="CLARABEL")
    >>> recover(prob)(X).ravel().round(6).tolist()
    [0.9, 1.9]
    """
    origin = ORIGINS.get(solved)
    if origin is None:
        raise InputError("recover takes a problem that cvxnet.program returned.")
    if origin.V.value is None or origin.W.value is None:
        raise InputError(f"the program has no solution yet (status {solved.status}); solve it.")
    pairs = (origin.V.value.T, 1.0), (origin.W.value.T, -1.0)
    units = Units(
        np.vstack([value for value, _ in pairs]),
        np.concatenate([np.full(len(value), sign) for value, sign in pairs]),
    )
    with one_blas_thread():
        units = prune(units.without_small(1e-6), Master(origin.problem, "CLARABEL"))
    return build_network(*balanced_weights(origin.problem, units), origin.bias)

"""One cone program, three solvers: Clarabel, ECOS and SCS called without CVXPY's compilation.

    minimise  1/2 sum_i curvature_i x_i^2 + q.x    subject to  A x + s = b,  s in K,

with K, in the order of the rows: zeros, a non-negative orthant, second-order cones
``s_0 >= |s_1:|`` and exponential cones ``s_2 >= s_1 exp(s_0 / s_1)``.

CVXPY's compilation takes longer than the solve on the small programs of column generation, which
come by the dozen; programs that a user sees go through CVXPY.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import clarabel
import numpy as np
import scs
from scipy import sparse

from cvxnet.errors import SolverError
from cvxnet.optional import import_ecos
from cvxnet.types import Array

FIRST_ORDER = 1e-9
"""What SCS is asked for at most."""


@dataclass(frozen=True, kw_only=True)
class ConeProgram:
    """A cone program with a diagonal quadratic objective; see the module's text."""

    curvature: Array
    q: Array
    A: sparse.csc_array
    b: Array
    zero: int = 0
    nonneg: int = 0
    second_order: tuple[int, ...] = ()
    exponential: int = 0


@dataclass(frozen=True)
class ConeSolution:
    """What the solver returned. ``status`` is the solver's own word and proves nothing.

    ``dual`` are the multipliers of the first rows, the zeros, with ``curvature x + q + A^T dual``
    zero in the free directions.
    """

    x: Array
    dual: Array
    status: str
    iterations: int

    @property
    def finite(self) -> bool:
        """Whether there is a point at all."""
        return bool(np.isfinite(self.x).all() and np.isfinite(self.dual).all())


def solve_cone_program(
    program: ConeProgram,
    solver: str,
    tolerance: float,
    time_limit: float | None = None,
    second_way: bool = False,
) -> ConeSolution:
    """Solve with one of SOLVERS; SolverError where no finite point comes back.

    Where the solver has a second way, it is taken if asked for, and if the first one stops short;
    the time limit is for both together.
    """
    ways = [known[solver] for known in (SOLVERS, SECOND_WAYS) if solver in known]
    solution = try_ways(ways[::-1] if second_way else ways, program, tolerance, time_limit)
    if not solution.finite:
        raise SolverError(
            f"{solver} returned no finite point (its status: {solution.status}). This program "
            "always has a solution: the data may be scaled too widely. Standardise the columns "
            "of X, or try another solver."
        )
    return solution


def try_ways(
    ways: Sequence[Method], program: ConeProgram, tolerance: float, time_limit: float | None
) -> ConeSolution:
    """What the first way returns, or where it stops short and there is a second one, the better."""
    begin = time.monotonic()
    first, *rest = ways
    solution = first(program, tolerance, time_limit)
    left = None if time_limit is None else time_limit - (time.monotonic() - begin)
    late = left is not None and left <= 0.0 and solution.finite
    if not rest or solution.status in ENDS or late:
        return solution
    other = rest[0](program, tolerance, left)
    return other if other.status in ENDS or not solution.finite else solution


def solve_with_clarabel(
    program: ConeProgram, tolerance: float, time_limit: float | None, regularised: bool = True
) -> ConeSolution:
    """Interior point; takes the quadratic objective as it is.

    Clarabel adds 1e-8 to the diagonal of its linear systems and takes that back by iterative
    refinement. Where columns of the data are nearly dependent the refinement does not get there;
    hardly any regularisation does, though less surely elsewhere.
    """
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.direct_solve_method = "faer"
    if not regularised:
        settings.static_regularization_constant = 1e-12
        settings.static_regularization_proportional = 0.0
        settings.dynamic_regularization_eps = 1e-18
    if time_limit is not None:
        settings.time_limit = max(time_limit, 1e-3)
    cones: list[Any] = [clarabel.ZeroConeT(program.zero)] if program.zero else []
    cones += [clarabel.NonnegativeConeT(program.nonneg)] if program.nonneg else []
    cones += [clarabel.SecondOrderConeT(size) for size in program.second_order]
    cones += [clarabel.ExponentialConeT()] * program.exponential
    P = sparse.csc_matrix(sparse.diags_array(program.curvature))
    A = sparse.csc_matrix(program.A)
    result = clarabel.DefaultSolver(P, program.q, A, program.b, cones, settings).solve()
    x, dual = np.array(result.x), np.array(result.z)[: program.zero]
    return ConeSolution(x, dual, str(result.status), result.iterations)


def solve_with_scs(
    program: ConeProgram, tolerance: float, time_limit: float | None
) -> ConeSolution:
    """First order (operator splitting); cheap steps, many of them, more for each digit."""
    tolerance = max(tolerance, FIRST_ORDER)
    data = {
        "P": sparse.csc_matrix(sparse.diags_array(program.curvature)),
        "A": sparse.csc_matrix(program.A),
        "b": program.b,
        "c": program.q,
    }
    cone = {
        "z": program.zero,
        "l": program.nonneg,
        "q": list(program.second_order),
        "ep": program.exponential,
    }
    limit = 0.0 if time_limit is None else max(time_limit, 1e-3)
    options = {"eps_abs": tolerance, "eps_rel": tolerance, "max_iters": 200_000}
    result = scs.SCS(data, cone, verbose=False, time_limit_secs=limit, **options).solve()
    dual = result["y"][: program.zero]
    return ConeSolution(result["x"], dual, result["info"]["status"], result["info"]["iter"])


def solve_with_ecos(
    program: ConeProgram, tolerance: float, time_limit: float | None
) -> ConeSolution:
    """Interior point without quadratic objectives: the square moves into a second-order cone.

    ``1/2 sum curvature x^2 <= t`` is ``|(sqrt(2 curvature) x, 1 - t)| <= 1 + t``. ECOS takes no
    time limit; its programs here are small.
    """
    program = lift_square(program)
    equal, K = program.zero, program.b.size
    last = equal + program.nonneg + sum(program.second_order)
    exponential = last + np.arange(K - last).reshape(-1, 3)[:, [0, 2, 1]].ravel()
    rows = np.concatenate([np.arange(equal, last), exponential])
    A = sparse.csr_array(program.A)
    result = import_ecos().solve(
        program.q,
        sparse.csc_matrix(A[rows]),
        program.b[rows],
        {"l": program.nonneg, "q": list(program.second_order), "e": program.exponential},
        A=sparse.csc_matrix(A[:equal]) if equal else None,
        b=program.b[:equal] if equal else None,
        verbose=False,
        abstol=tolerance,
        reltol=tolerance,
        feastol=tolerance,
        max_iters=200,
    )
    info = result["info"]
    return ConeSolution(result["x"], result["y"], info["infostring"], info["iter"])


def lift_square(program: ConeProgram) -> ConeProgram:
    """The same program with its square below a new last variable ``t``."""
    curved = np.flatnonzero(program.curvature)
    if not curved.size:
        return program
    n, k = program.q.size, curved.size
    entries = np.concatenate([[-1.0], -np.sqrt(2.0 * program.curvature[curved]), [1.0]])
    columns = np.concatenate([[n], curved, [n]])
    square = sparse.csr_array((entries, (np.arange(k + 2), columns)), shape=(k + 2, n + 1))
    before = program.zero + program.nonneg + sum(program.second_order)
    A = sparse.csr_array(sparse.hstack([program.A, sparse.csr_array((program.b.size, 1))]))
    return ConeProgram(
        curvature=np.zeros(n + 1),
        q=np.append(program.q, 1.0),
        A=sparse.csc_array(sparse.vstack([A[:before], square, A[before:]])),
        b=np.concatenate([program.b[:before], [1.0], np.zeros(k), [1.0], program.b[before:]]),
        zero=program.zero,
        nonneg=program.nonneg,
        second_order=(*program.second_order, k + 2),
        exponential=program.exponential,
    )


Method = Callable[[ConeProgram, float, float | None], ConeSolution]
SOLVERS: dict[str, Method] = {
    "CLARABEL": solve_with_clarabel,
    "ECOS": solve_with_ecos,
    "SCS": solve_with_scs,
}
SECOND_WAYS: dict[str, Method] = {
    "CLARABEL": partial(solve_with_clarabel, regularised=False),
}
ENDS = ("Solved", "MaxTime")
"""Words of Clarabel after which it need not be tried another way."""

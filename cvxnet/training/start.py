"""Where column generation begins: the empty network, or one that is had more cheaply.

Units that can be any point of a sphere have no blocks with more than one unit. With a smooth loss
sliding finds them all the same. A loss with kinks leaves it short of the optimum, and every round
then adds units close to those that are there, without end. Units of degree two have a
semidefinite program of moderate size instead, which has all units at once; its solution is the
first network, and its multiplier the first dual vector to be priced. So have linear units and gated
ones with several outputs.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.errors import SolverError
from cvxnet.losses import Loss
from cvxnet.proofs.gaps import Tolerance
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.column_generation import Search, clock
from cvxnet.training.groups import can_be_grouped, minimise_in_groups
from cvxnet.training.master import EXACT, PROGRAM
from cvxnet.training.outputs.whole_program import shared_program
from cvxnet.training.problem import EPS, ROUNDING, Problem, Units, no_units
from cvxnet.training.samples import Samples, all_samples
from cvxnet.training.semidefinite import Program, semidefinite_program
from cvxnet.training.sliding import FREE_RIDGE
from cvxnet.training.units.family import frame_of
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import LinearUnits
from cvxnet.types import Array

NEWTON_STEPS, HALVINGS, NEWTON_RIDGE = 60, 60, 1e-12
"""Of the fit of free weights to a smooth loss; the ridge is relative to the largest curvature."""
PRECISION = 1e-10
"""What the solver is asked for; pricing and the network say what was reached."""
ATTEMPTS: tuple[dict[str, Any], ...] = (
    {"equilibrate_enable": False},
    {"direct_solve_method": "qdldl"},
)
"""Settings that leave Clarabel most digits on semidefinite programs, the faster first."""
SECONDS, LONGEST = 1e-9, 300.0
"""The program takes about so many seconds times the sixth power of the order of its matrices. It
is not begun where that would be longer than the time left, or than LONGEST."""


def open_bracket(problem: Problem) -> Bracket:
    """The bracket that the empty network gives, its free weights fitted."""
    units, v = fit_free(problem)
    zero = np.zeros_like(problem.y)
    lower = 0.0 - problem.loss.conjugate(zero, problem.y)
    upper = problem.objective(units)
    tolerance = Tolerance(upper, problem.rounding(units.free))
    return Bracket(
        problem=problem,
        units=units,
        upper=upper,
        dual=zero,
        lower=lower,
        proposal=v,
        tolerance=tolerance,
    )


def fit_free(problem: Problem) -> tuple[Units, Array]:
    """The network without units and with the best free weights, and its dual vector.

    Free weights of zero are good already where targets are centred by least squares, and exact
    where a solver is not. As ``F^T v = 0``, the dual value ``-l*(v)`` is that of the fit: the
    better of gradient and multiplier is the one with the larger.
    """
    k = problem.F.shape[1]
    units = no_units(problem.family.rank, k, problem.y.shape[1:])
    if not k:
        return units, problem.dual_vector(units)
    c, multiplier = fit_by_newton(problem) if problem.loss.smooth else None, None
    if c is None:
        c, multiplier = fit_by_solver(problem)
    fitted = units if c is None else replace(units, free=enlarged(problem, c))
    better = min(units, fitted, key=problem.objective)
    proposals = []
    if problem.loss.smooth or multiplier is None:
        proposals.append(problem.dual_vector(better))
    if multiplier is not None:
        proposals.append(problem.make_feasible(multiplier))
    return better, min(proposals, key=lambda v: problem.loss.conjugate(v, problem.y))


def fit_by_newton(problem: Problem) -> Array | None:
    """The best free weights for a smooth loss; None where Newton's method does not come to them.

    Steps are halved until the loss does not rise. It ends where ``F^T v = 0`` up to rounding, or
    where hardly any loss is left.
    """
    loss, y, n = problem.loss, problem.y, len(problem.y)
    T = frame_of(problem.F, FREE_RIDGE)
    A = problem.F @ T
    c = np.zeros((A.shape[1], *y.shape[1:]))
    for _ in range(NEWTON_STEPS):
        f = A @ c
        v, value = loss.gradient(f, y), loss.value(f, y)
        D = loss.curvature(f, y)
        error = ROUNDING * np.abs(v) + EPS * D * (np.abs(A) @ np.abs(c) + np.abs(y))
        settled = (np.abs(A.T @ v) <= np.abs(A).T @ error).all()
        if settled or value <= ROUNDING * problem.scale:
            return np.asarray(T @ c)
        H = hessian(problem, A, f) + NEWTON_RIDGE * n * (D.max() or 1.0) * np.eye(c.size)
        step = np.linalg.solve(H, -(A.T @ v).ravel()).reshape(c.shape)
        for _ in range(HALVINGS):
            if loss.value(A @ (c + step), y) <= value * (1.0 + EPS):
                break
            step = 0.5 * step
        c = c + step
    return None


def hessian(problem: Problem, A: Array, f: Array) -> Array:
    """The Hessian of the loss in the coefficients c, (k,) or (k, outputs), of predictions A c."""
    loss, y = problem.loss, problem.y
    if y.ndim == 1:
        return np.asarray((A.T * loss.curvature(f, y)) @ A)
    rows = []
    for column in A.T:
        for own in np.eye(y.shape[1]):
            rows.append((A.T @ loss.curvature_times(f, y, np.outer(column, own))).ravel())
    return np.array(rows)


def fit_by_solver(problem: Problem) -> tuple[Array | None, Array | None]:
    """The best free weights and the multiplier of the predictions, by Clarabel; or None.

    A loss with kinks takes the predictions of least squares to begin with.
    """
    y, F = problem.y, problem.F
    samples = all_samples(np.zeros((len(y), 0)), F, problem.loss, y)
    if y.ndim == 2 or not can_be_grouped(samples):
        return fit_rows(F, problem.loss, y)
    fit = F @ np.linalg.lstsq(F, y)[0]

    def minimise(rows: Samples) -> tuple[Array, Array, Array]:
        c, v = fit_rows(rows.F, rows.loss, rows.y)
        if c is None or v is None:
            raise SolverError("Clarabel found no free weights for groups of samples.")
        return np.zeros(0), c, v

    try:
        found = minimise_in_groups(samples, fit, minimise, enough=EXACT * problem.scale)
    except SolverError:
        return None, None
    return found.c, found.v


def fit_rows(F: Array, loss: Loss, y: Array) -> tuple[Array | None, Array | None]:
    """The best free weights of these rows, and the multiplier of their predictions; or None."""
    c = cp.Variable((F.shape[1], *y.shape[1:]))
    f = cp.Variable(y.shape)
    multiplier = solve_quietly(cp.Problem(cp.Minimize(loss.expression(f, y)), [f == F @ c]))
    found = None if c.value is None or multiplier is None else np.asarray(c.value)
    return found, multiplier


def enlarged(problem: Problem, c: Array) -> Array:
    """Free weights that tell the classes apart, so large that the loss is 0 up to rounding.

    All others as they are. A solver stops earlier, as hardly anything is left to be gained.
    """
    if not problem.loss.labels:
        return c
    margins = problem.loss.margins(problem.F @ c, problem.y)
    right = problem.loss.nearly_right(np.full_like(problem.y, EPS), problem.y)
    wanted = problem.loss.margins(right, problem.y)
    if not (margins > 0.0).all():
        return c
    return c * max(1.0, (1.0 + ROUNDING) * float((wanted / margins).max()))


def offer_program(search: Search) -> None:
    """Offer network and dual vector of the units' semidefinite program, where there is one."""
    problem, bracket = search.problem, search.bracket
    if seconds_for(problem) > min(search.deadline - now(), LONGEST):
        return
    written = program_of(problem)
    if written is None:
        return
    program, find_units = written
    for options in ATTEMPTS:
        if bracket.closed_by(search.gap) or now() > search.deadline:
            return
        with clock(search.timings, "solving"):
            v = solve_quietly(program, search.deadline, options)
        units = find_units()
        if v is not None and units is not None:
            search.master.way = PROGRAM
            search.price(units, problem.propose(units, v), search.deadline)


def seconds_for(problem: Problem) -> float:
    """About how long the program takes; it is about a matrix, or one for each gate."""
    family = problem.family
    if problem.y.ndim == 1:
        return SECONDS * float(family.rank + 1) ** 6
    order = family.block_width + problem.y.shape[1]
    return SECONDS * (family.rank / family.block_width) ** 2 * float(order) ** 6


def program_of(problem: Problem) -> Program | None:
    """The program of all units, where these can be any point of a space; None for others."""
    if problem.y.ndim == 1:
        return semidefinite_program(problem.family, problem)
    linear = isinstance(problem.family, LinearUnits | GatedReLUUnits)
    return shared_program(problem) if linear else None


def solve_quietly(
    program: cp.Problem, deadline: float = np.inf, options: dict[str, Any] = ATTEMPTS[0]
) -> Array | None:
    """Solve with Clarabel; minus the multiplier of the first constraint, or None.

    What comes back is judged by the bracket, so neither a warning nor an error concerns the user.
    """
    options = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), PRECISION) | options
    left = deadline - now()
    if np.isfinite(left):
        options["time_limit"] = max(left, 1e-3)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            program.solve(solver="CLARABEL", **options)
    except cp.error.SolverError:
        return None
    v = program.constraints[0].dual_value
    return None if v is None else -np.asarray(v)

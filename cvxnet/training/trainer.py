"""Training to the global optimum: ``cvxnet.train``."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.cones import SOLVERS
from cvxnet.errors import InputError, SolverError
from cvxnet.losses import Loss, get_loss
from cvxnet.proofs.certificate import Certificate
from cvxnet.training.column_generation import Bracket, close_bracket, open_bracket
from cvxnet.training.master import Master
from cvxnet.training.problem import Array, Problem, Units
from cvxnet.training.progress import Progress, Report, quiet
from cvxnet.training.pruning import prune
from cvxnet.training.recovery import append_ones, balanced_weights, build_network
from cvxnet.training.scaling import rescale
from cvxnet.training.solution import Solution
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.units import make_family
from cvxnet.validation import check_data, check_positive


def train(
    units: str,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    bias: bool = True,
    gap: float = 1e-6,
    solver: str = "CLARABEL",
    time_limit: float | None = None,
    progress: bool = False,
) -> Solution:
    """Train a two-layer network to the global optimum, whatever its width.

    Minimises ``sum of losses + weight_decay / 2 * (sum of squared weights of both layers)`` over
    all networks of enough width: a convex problem (Pilanci and Ergen 2020; Bach 2014), solved by
    column generation with exact pricing.

    Parameters
    ----------
    units : str
        Unit family; ``"relu"``. The data, with the column of ones that ``bias`` appends, may have
        rank at most 3.
    X : (n, d) array
        Samples in rows.
    y : (n,) array
        Targets; for the logistic loss two classes.
    loss : str
        ``"squared"`` (1/2 (f - y)^2) or ``"logistic"`` (log(1 + exp(-y f))), summed over samples.
    weight_decay : float
        Above zero. At `largest_weight_decay` and beyond, the optimum is the zero network.
    bias : bool
        Whether hidden units have a bias. It is decayed with the weights.
    gap : float
        Relative width ``(upper - lower) / upper`` at which to stop.
    solver : str
        ``"CLARABEL"``, ``"ECOS"`` or ``"SCS"``, or another solver that CVXPY has installed.
    time_limit : float, optional
        Seconds. When they are over, the best network is returned with its true bracket.
    progress : bool
        Show time, bracket and units on the terminal. Ctrl-C stops early in any case: the best
        network comes back with its true bracket and status ``"gap"``.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        Data of a rank for which exact training is not there yet.
    SolverError
        The solver failed on the first master problem.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> solution = train("relu", X, y, weight_decay=0.1, bias=False)
    >>> solution.status, round(solution.value, 6)
    ('optimal', 0.29)
    """
    deadline = check_deadline(time_limit)
    gap = check_positive(gap, "gap", "A gap of 1e-6 is usual.")
    problem, X, y = make_problem(units, X, y, loss, weight_decay, bias)
    scaled, scale = rescale(problem, append_ones(X, bias))
    master = Master(scaled, check_solver(solver))
    bracket = open_bracket(scaled)
    with one_blas_thread(), Progress(gap) if progress else quiet() as report:
        stats = search(bracket, master, gap, deadline, report, scale.value)
    best = Units(bracket.units.weights * scale.weights, bracket.units.signs)
    return make_solution(problem, best, bracket.dual * scale.dual, X, y, bias, gap, stats)


def search(
    bracket: Bracket, master: Master, gap: float, deadline: float, report: Report, value: float
) -> dict[str, Any]:
    """Close the bracket and prune the network, until done or interrupted; returns the stats.

    A solver that fails after the first round ends the search: what was proved by then stands.
    ``value`` is the factor from the bracket's numbers to those reported.
    """
    begin = time.perf_counter()
    history: list[tuple[float, float, float, int]] = []
    interrupted, failure = False, None
    try:
        for _ in close_bracket(bracket, master, gap, deadline):
            seconds, units = time.perf_counter() - begin, len(bracket.units)
            history.append((seconds, value * bracket.lower, value * bracket.upper, units))
            report(*history[-1])
        if bracket.gap <= gap:
            bracket.units = prune(bracket.units, master)
    except KeyboardInterrupt:
        interrupted = True
    except SolverError as error:
        if len(history) < 2:
            raise
        failure = str(error)
    return asdict(master.timings) | {
        "seconds": time.perf_counter() - begin,
        "rounds": len(history),
        "units": len(bracket.units),
        "solver": master.solver,
        "interrupted": interrupted,
        "failure": failure,
        "history": history,
    }


def make_solution(
    problem: Problem,
    units: Units,
    v: Array,
    X: Array,
    y: Array,
    bias: bool,
    gap: float,
    stats: dict[str, Any],
) -> Solution:
    """Network and certificate; value and bound are the certificate's, rounded outward."""
    hidden, output = balanced_weights(problem, units)
    certificate = Certificate(
        units=problem.family.name,
        loss=problem.loss.name,
        weight_decay=problem.weight_decay,
        bias=bias,
        X=X,
        y=y,
        W=hidden[:, : X.shape[1]],
        b=hidden[:, -1] if bias else None,
        a=output,
        v=v,
        lower=0.0,
        upper=0.0,
    ).rounded_outward()
    return Solution(
        status="optimal" if certificate.gap <= gap else "gap",
        value=certificate.upper,
        lower_bound=certificate.lower,
        gap=certificate.gap,
        network=build_network(hidden, output, bias),
        certificate=certificate,
        stats=stats,
    )


def largest_weight_decay(
    units: str, X: Any, y: Any, *, loss: str = "squared", bias: bool = True
) -> float:
    """The weight decay from which on the zero network is optimal: one pricing at zero.

    Examples
    --------
    >>> import numpy as np
    >>> largest_weight_decay("relu", np.eye(2), np.array([3.0, 4.0]), bias=False)
    5.0
    """
    problem, _, y = make_problem(units, X, y, loss, 1.0, bias)
    return problem.family.price(problem.loss.gradient(np.zeros_like(y), y), 0.0).rho


def make_problem(
    units: str, X: Any, y: Any, loss: str | Loss, weight_decay: float, bias: bool
) -> tuple[Problem, Array, Array]:
    """Check everything at the public door; returns the problem and the data as arrays."""
    chosen = get_loss(loss)
    X, y = check_data(X, y, chosen)
    weight_decay = check_positive(
        weight_decay,
        "weight_decay",
        "Without weight decay the optimum is interpolation, and not attained in general.",
    )
    family = make_family(units, append_ones(X, bias))
    return Problem(family, chosen, y, weight_decay), X, y


def check_solver(solver: str) -> str:
    """The solver's name in CVXPY's spelling; InputError lists those installed."""
    name = str(solver).upper()
    installed = cp.installed_solvers()
    if name not in SOLVERS and name not in installed:
        raise InputError(
            f"solver {solver!r} is not installed; there are {', '.join(sorted(installed))}."
        )
    return name


def check_deadline(time_limit: float | None) -> float:
    """When to stop, on the monotonic clock."""
    if time_limit is None:
        return np.inf
    return time.monotonic() + check_positive(time_limit, "time_limit", "Leave it out for none.")

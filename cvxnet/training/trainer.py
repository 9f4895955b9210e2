"""Training to the global optimum: ``cvxnet.train``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.objective import Budget, Objective, Weights, make_objective, network_of
from cvxnet.training.bracket import Bracket
from cvxnet.training.certificates import NO_TIME, NOT, checking_seconds, prove
from cvxnet.training.checkpoint import open_checkpoint
from cvxnet.training.clock import now
from cvxnet.training.column_generation import Plan
from cvxnet.training.every_width import REACHED, bracket_of
from cvxnet.training.oracle import price_within, value_from_part
from cvxnet.training.plans import plan_for
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima
from cvxnet.training.problem import Problem
from cvxnet.training.progress import Listener
from cvxnet.training.recovery import weights_of
from cvxnet.training.reduction import reduce
from cvxnet.training.rounded_certificates import certificate_in_haste
from cvxnet.training.solution import Solution
from cvxnet.training.start import fit_free
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.width.bracket import bracket_of_width
from cvxnet.types import Array

EVERY_WIDTH = 0.3
"""Share of the time limit for the optimum of every width, where one width is asked for."""
PRICED, A_SAMPLE, NOISE_PRICED = 60_000_000, 600, 4_000_000
"""Rows that exact pricing may look at for the largest weight decay, those for each sample more, and
for how much of it is rounding."""
NEARLY = 0.9
"""Of the largest value from a part of the samples: what is below it is not looked at."""
NOISE = 1e-7
"""Error of the fit of the free weights, relative to the dual vector without them."""


def train(
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
    width: int | None = None,
    gap: float = 1e-6,
    solver: str = "CLARABEL",
    time_limit: float | None = None,
    progress: bool | Listener = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Solution:
    """Train a two-layer network to the global optimum, of every width or of at most so many units.

    Minimises ``sum of losses + weight_decay / 2 * (sum of squared weights of both layers)`` over
    all networks of enough width: a convex problem (Pilanci and Ergen 2020; Bach 2014), solved by
    column generation. With a ``width`` over all networks of at most so many units, which is not
    convex: by branch and bound, whose relaxation is that convex problem in parts of the space of
    units (see `cvxnet.training.width.tree`). Sign, threshold, quadratic, polynomial, squared ReLU,
    tanh and coordinate units have hidden weights of fixed length, and the penalty is
    ``weight_decay * sum |a_j|``.

    Parameters
    ----------
    units : str, Family, Sequential or torch module
        A unit family by name (``cvxnet.FAMILIES`` lists them), with options as in
        ``cvxnet.Family("leaky_relu", slope=0.1)``; or a two-layer network, from which the family,
        the biases and, where its weights were given, a first solution are taken. Its width limits
        nothing: ``width`` does.
    X : (n, d) array, dense or sparse
        Samples in rows. A sparse matrix of SciPy goes with coordinate and linear units, one output
        and a smooth loss, without skip and width; with the extra ``sklearn`` these, of dense data
        too, are solved by scikit-learn's lasso within proximal Newton steps.

        Pricing is exact for ReLU-like, sign and threshold units where the data, the hidden bias
        included, have rank at most 3, and beyond where it turns out to end in the time (up to
        rank 7, of sign and threshold units 6); and at any rank for coordinate, linear, gated,
        quadratic and polynomial units. Elsewhere the bracket is true but need not close.
    y : (n,) or (n, c) array
        Targets; for logistic, hinge and squared hinge loss two classes, or one: then -1 and 0 are
        the one class, and 1 is the other. With c > 1 columns the network has c outputs, which share
        the hidden units, and the loss is summed over them (not hinge and squared hinge). With
        cross entropy y (n,) has labels of any kind, of two classes or more; there is an output for
        each, in the order of `Solution.classes`.
    loss : str
        ``"squared"`` (1/2 (f - y)^2), ``"logistic"`` (log(1 + exp(-y f))), ``"hinge"``,
        ``"squared_hinge"``, ``"absolute"``, ``"huber"``, ``"log_cosh"`` or ``"cross_entropy"``
        (log sum_k exp(f_k) - f_y), summed over samples.
    weight_decay : float
        Above zero. At `largest_weight_decay` and beyond, no unit is worth its price.
    bias : bool
        Whether hidden units have a bias. It is decayed with the weights.
    norm : str
        ``"l2"``; or ``"l1"``, where ``(sum of |weights of a unit|)^2`` takes the place of their
        sum of squares, which selects features (ReLU-like and linear units).
    output_bias, skip : bool
        Whether the network has an output bias, and a linear skip connection from its input. Both
        are free: not decayed.
    output_weights : str
        ``"any"``; or ``"nonneg"``, which makes the network a convex function of its input, or
        ``"nonpos"``, a concave one: `convexity` proves it, and `embed` puts it into a CVXPY
        problem. With one output and relu, leaky_relu, abs, squared_relu or quadratic units. A given
        network asks for it by a last layer ``Linear(m, 1, nonneg=True)``.
    sample_weight : (n,) array, optional
        The loss of each sample is multiplied by its weight. Samples of weight zero are left out.
    width : int, optional
        At most so many hidden units, of relu, leaky_relu, abs (norm l2), sign, threshold or
        coordinate units (best-subset selection) or linear ones (of which one is always enough),
        with one output. How long that takes grows quickly with the width, and with the rank of the
        data; the number of samples matters less. Where the optimum of every width has no more units
        it is done at once. The bracket is true whenever it ends.
    gap : float
        Relative width ``(upper - lower) / upper`` at which to stop; for optima of about 0 see
        ``tolerance`` of `Solution`.
    solver : str
        ``"CLARABEL"``, ``"SCS"``, ``"ECOS"``, or another solver that CVXPY has installed.
    time_limit : float, optional
        Seconds; loading and compiling kernels does not count. When they are over, the best network
        is returned with its true bracket: a good one, as local search comes first. A part of the
        time is kept for the certificate; ``solution.stats["stopped"]`` says what ended training.
    progress : bool or callable
        Show time, bracket and units on the terminal; or what is called with a `.Round` after each
        round of column generation, or with a width now and then while the tree is searched; an
        exception that it raises ends training. Ctrl-C stops early in any case: the best network
        comes back with its true bracket and status ``"gap"``.
    checkpoint : path, optional
        A file that is brought up to date every few seconds (taking a twentieth of the time), so
        that the same call goes on from there after the process was killed: with the best network,
        and with the lower bound, proved again. `check` proves the bracket in it meanwhile. In the
        end it holds the outcome: delete it once that is saved. The seconds of a time limit are
        those of all calls that went on from one another. A file about another objective, or that
        is no checkpoint, is renamed, not used, and ``solution.stats["checkpoint"]`` says why.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        A network that is not one of those covered.

    See Also
    --------
    certify : A bracket for a network that somebody else trained.
    compare : Gradient training of the same objective, measured against the optimum.
    program : The same problem as one CVXPY problem.
    ConvexNetRegressor, ConvexNetClassifier : The same as scikit-learn estimators.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    >>> solution = train("relu", X, y, weight_decay=0.1, bias=False)
    >>> solution.status, round(solution.value, 6)
    ('optimal', 0.29)
    """
    budget = Budget(
        gap=gap,
        solver=solver,
        time_limit=time_limit,
        progress=progress,
        checkpoint=checkpoint,
    )
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
        width=width,
    )
    return solve(objective, budget)


@one_blas_thread()
def solve(
    objective: Objective, budget: Budget, plan: Callable[[Problem], Plan] = plan_for
) -> Solution:
    """The best network within the budget, with its certificate; ``plan`` chooses the steps.

    The checkpoint, where there is one, then holds the outcome; whoever has saved that deletes it.
    """
    if objective.width is not None:
        return solve_at_width(objective, objective.width, budget)
    checkpoint = open_checkpoint(budget.checkpoint, objective)
    deadline = now() + max(budget.seconds - checkpoint.before, 0.0)
    bracket, stats = bracket_of(objective, budget, deadline, plan, checkpoint)
    solution = make_solution(objective, bracket, stats, gap=budget.gap, deadline=deadline)
    checkpoint.finish(solution.certificate)
    return replace(solution, stats=solution.stats | {"checkpoint": checkpoint.remark})


def solve_at_width(objective: Objective, width: int, budget: Budget) -> Solution:
    """The best network of at most so many units, after that of every width."""
    if budget.checkpoint is not None:
        raise UnsupportedError(
            "a checkpoint goes with training over networks of every width only, not with "
            f"width={width}. What there is at the time limit, or at Ctrl-C, has a true bracket."
        )
    deadline = now() + budget.seconds
    every = solve_every_width(objective, budget)
    network = objective.network
    starts = [network.weights] if network is not None and network.given else []
    return solve_within(objective, width, every, budget, deadline=deadline, starts=starts)


def solve_every_width(objective: Objective, budget: Budget) -> Solution:
    """The best network of every width, in its share of the time of a search for one width."""
    first = replace(budget, progress=budget.progress is True)
    if budget.time_limit is not None:
        first = replace(first, time_limit=EVERY_WIDTH * budget.time_limit)
    return solve(replace(objective, width=None), first)


@one_blas_thread()
def solve_within(
    objective: Objective,
    width: int,
    every: Solution,
    budget: Budget,
    *,
    deadline: float,
    starts: Iterable[Weights] = (),
) -> Solution:
    """The best network of at most so many units, where that of every width is known.

    That one bounds it from below and is where the search begins; where it has no more units, it is
    the answer. Other networks to begin with are ``starts``; those of more units are passed over.
    """
    objective = replace(objective, width=width)
    bracket, stats = bracket_of_width(objective, width, every, budget, deadline, starts=starts)
    solution = make_solution(objective, bracket, stats, gap=budget.gap, deadline=deadline)
    return replace(solution, all_widths=every)


def make_solution(
    objective: Objective, bracket: Bracket, stats: dict[str, Any], *, gap: float, deadline: float
) -> Solution:
    """Network and certificate; value and bound are the certificate's, rounded outward.

    The check of the certificate may take as long as pricing so many rows did, or what so many
    samples need, and is not begun where the deadline is too close.
    """
    begin = now()
    weights = weights_of(bracket.problem, bracket.units, objective.form)
    certificate = certificate_in_haste(objective, weights, bracket, deadline - begin)
    checked = f"{NOT}{NO_TIME}"
    seconds = checking_seconds(len(objective.y), stats["priced"], bracket.evidence)
    seconds = min(seconds, deadline - now())
    try:
        if certificate is None:
            seconds = 0.0 if stats["interrupted"] else seconds
            certificate, checked = prove(objective, weights, bracket, seconds)
    except KeyboardInterrupt:
        certificate, checked = prove(objective, weights, bracket, 0.0)
        stats = stats | {"interrupted": True}
    closed_by = bracket.tolerance.closed_by(certificate.lower, certificate.upper, gap)
    stats = stats | {"checked": checked, "checking": now() - begin}
    if not closed_by and stats["stopped"] == REACHED:
        stats["stopped"] = "the gap was reached in training, but the certificate proves less"
    return Solution(
        status="optimal" if closed_by else "gap",
        value=certificate.upper,
        lower_bound=certificate.lower,
        closed_by=closed_by,
        tolerance=bracket.tolerance.width(gap),
        network=network_of(objective.units, weights, objective.output_weights),
        certificate=certificate,
        width=width_of(objective),
        stats=stats,
    )


def width_of(objective: Objective) -> int | None:
    """The width asked about: one that was named, or that of a given network."""
    if objective.width is None and objective.network is not None:
        return objective.network.width
    return objective.width


def largest_weight_decay(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    output_weights: str = "any",
    sample_weight: Any = None,
) -> float:
    """The weight decay from which on no unit is worth its price: one pricing.

    Parameters
    ----------
    units, X, y, loss, bias, norm, output_bias, skip, output_weights, sample_weight
        As in `cvxnet.train`, X (n, d) and y (n,).

    Returns
    -------
    float

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        A network that is not one of those covered.

    See Also
    --------
    train : Training at a weight decay; a share of the largest useful one has no scale.

    Notes
    -----
    The dual vector is the gradient of the loss at the best network without units: at zero, where
    there are no free weights. It is 0 where the free weights alone do all that units could do.
    Where pricing is not exact, or would look at more than sixty million rows (some seconds; and a
    thousand more for each sample), this is the largest value that was found, a lower bound. A loss
    with kinks may have several dual vectors at that network; then this is an upper bound.

    Examples
    --------
    >>> import numpy as np
    >>> largest_weight_decay("relu", np.eye(2), np.array([3.0, 4.0]), bias=False)
    5.0
    """
    objective = make_objective(
        units,
        X,
        y,
        loss=loss,
        bias=bias,
        norm=norm,
        output_bias=output_bias,
        skip=skip,
        output_weights=output_weights,
        sample_weight=sample_weight,
    )
    return largest_useful(objective)


@one_blas_thread()
def largest_useful(objective: Objective, deadline: float = np.inf) -> float:
    """The weight decay from which on no unit is worth its price, whatever the objective's own is.

    See `largest_weight_decay`. It is what was found by the deadline (`now`).
    """
    reduction = reduce(objective)
    problem, scale = reduction.problem, reduction.scale
    alone, v = fit_free(problem)
    maxima = price_largest(problem.family, v, deadline)
    gradient = problem.loss.gradient(np.zeros_like(problem.y), problem.y)
    noise = 0.0
    if problem.F.size:
        both = replace(problem.family, output_signs=BOTH)
        noise = NOISE * price_within(NOISE_PRICED, both, gradient, 0.0, deadline).rho
    found = len(maxima.values) > 0 and maxima.rho > noise
    if not found or (np.isfinite(maxima.error) and maxima.rho <= maxima.error):
        return 0.0
    if problem.objective(alone) <= reduction.rounding(alone):
        return 0.0
    return maxima.rho * scale.features * scale.dual


def price_largest(family: UnitFamily, v: Array, deadline: float = np.inf) -> LocalMaxima:
    """The largest value that units have, by `price_within`; smaller maxima do not matter."""
    rows, floor = PRICED + A_SAMPLE * len(v), NEARLY * value_from_part(family, v)
    found = price_within(rows, family, v, floor, deadline)
    if len(found.values) or not floor:
        return found
    return price_within(rows, family, v, 0.0, deadline)

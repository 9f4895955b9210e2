"""Every weight decay between two ends, with few trainings and a proof: ``cvxnet.path``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cvxnet.data.reports import Lines, Page, Report
from cvxnet.errors import InputError
from cvxnet.objective import Budget, Objective, make_objective
from cvxnet.proofs.path_certificate import PathCertificate
from cvxnet.training.clock import now
from cvxnet.training.every_width import INTERRUPTED, Known, bracket_of
from cvxnet.training.path.course import check_ends
from cvxnet.training.path.pieces import path_of
from cvxnet.training.path.record import PathRecord
from cvxnet.training.path.report import (
    COLUMNS_OF_A_FILE,
    document,
    headline,
    lines_of,
    page_of,
)
from cvxnet.training.path.walk import Walk, proof_of
from cvxnet.training.reduction import reduce
from cvxnet.training.solution import Solution
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.trainer import largest_useful, make_solution

COMPLETE = "the path is complete"
NOT_CLOSED = "the path is complete, but not every training came to the gap; more time may help"
OUT_OF_TIME = "the time limit was reached: a longer one lets the path go further down"
READ = "read from a file"


class Path(Report, PathRecord):
    """What `cvxnet.path` returns: a network for every weight decay between two ends, and the proof.

    ``print(path)`` shows the pieces; in a notebook they are HTML.

    Attributes
    ----------
    certificate : PathCertificate
        The proof, for `cvxnet.check`: certificates at the weight decays trained at, and pieces.
    pieces : tuple of Piece
        From the smallest weight decay up: ``low``, ``high``, the number of its ``network``, and the
        bracket at both ends, ``lower`` and ``upper``.
    status : str
        ``"optimal"`` if for every weight decay from ``asked`` to ``high`` the network of its piece
        is proved to be within ``goal`` of the optimum; otherwise ``"gap"``.
    low, high : float
        The weight decays between which the pieces lie, without a hole.
    gap : float
        The relative gap that is proved for every one between.
    goal, asked : float
        The gap asked for, and the smallest weight decay.
    weight_decays : tuple of float
        Those trained at, from the largest down.
    networks : tuple of Sequential
        The network of each.
    units : tuple of int
        How many units it has.
    stats : dict
        ``trainings``, of which some may have turned out not to be needed, ``seconds``, and
        ``stopped``, in words why it ended.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-2.0], [-1.0], [0.0], [1.0], [2.0]], [1.0, -1.0, 1.0, 1.0, -1.0]
    >>> found = cn.path("relu", X, y, gap=0.1)
    >>> found.status, found.gap <= 0.1, cn.check(found).valid
    ('optimal', True, True)
    """

    def save(self, path: str | os.PathLike[str], embed_data: bool = True) -> None:
        """Write the proof to a file, for `cvxnet.check` and `Path.load`.

        Parameters
        ----------
        path : str or path
            An old file is replaced in one step.
        embed_data : bool
            If False, only the fingerprint of the data goes into the file.
        """
        self.certificate.save(path, embed_data)

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None) -> Path:
        """Read such a file. Nothing is proved by that: see `cvxnet.check`.

        Parameters
        ----------
        path : str or path
        data : (X, y), str or path, optional
            Only where the file leaves the data out, as in `cvxnet.check`.

        Returns
        -------
        Path
            Its goal is what the file claims.

        Raises
        ------
        InputError
            Where the file is no complete, well-formed path.
        """
        proof = PathCertificate.load(path, data)
        return cls(certificate=proof, goal=proof.gap, asked=proof.low, stats={"stopped": READ})

    def _page(self) -> Page:
        return page_of(self)

    def _lines(self) -> Lines:
        return COLUMNS_OF_A_FILE, lines_of(self)

    def __repr__(self) -> str:
        return f"<Path {headline(self)}>"

    def to_dict(self) -> dict[str, Any]:
        """All numbers but networks and dual vectors, ready for JSON."""
        return document(self)

    def plot(self) -> Any:
        """Draw bracket, penalty and units along the weight decays, a band for each piece.

        Returns
        -------
        matplotlib.figure.Figure
            For `cvxnet.plots.save_figure`.

        Raises
        ------
        MissingExtraError
            Where matplotlib is not installed.
        """
        from cvxnet.plots.path import plot_path

        return plot_path(self)


def path(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    largest: float | None = None,
    smallest: float = 0.01,
    gap: float = 0.01,
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    output_weights: str = "any",
    sample_weight: Any = None,
    solver: str = "CLARABEL",
    time_limit: float | None = None,
    progress: bool | Callable[[Path], object] = False,
) -> Path:
    """Train networks within ``gap`` of the optimum for every weight decay between two ends.

    A network that is optimal at one weight decay is nearly so at others, and its dual vector bounds
    their optima from below. So a few trainings, each beginning where the one before has ended,
    prove something of all weight decays in between, not only of those of a grid.

    Parameters
    ----------
    units, X, y, loss, bias, norm, output_bias, skip, output_weights, sample_weight
        As in `cvxnet.train`, over networks of every width.
    largest : float, optional
        The weight decay at which the path begins; by default `largest_weight_decay`, from which on
        no unit is worth its price.
    smallest : float
        Where the path ends, as a share of ``largest``.
    gap : float
        Relative gap ``(upper - lower) / upper`` between network and lower bound that holds for
        every weight decay. A quarter of it takes about twice as many trainings.
    solver : str
        As in `cvxnet.train`.
    time_limit : float, optional
        Seconds for all of it. When they are over, the path ends where it has come to: ``low`` and
        ``status`` say so.
    progress : bool or callable
        Print a line after each training; or what is called with the `Path` so far; an exception
        that it raises ends it. Ctrl-C ends it early in any case: what there is comes back.

    Returns
    -------
    Path
        ``path.at(weight_decay)`` is the network of a weight decay with its bracket there,
        ``path.pieces`` are the intervals, ``path.save(file)`` keeps the proof for `cvxnet.check`.

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        A network that is not one of those covered.

    See Also
    --------
    train : The optimum at one weight decay.
    largest_weight_decay : Where paths begin.
    ConvexNetRegressorCV, ConvexNetClassifierCV : The weight decay chosen on paths.

    Notes
    -----
    With loss L and penalty R (without the weight decay) a network has the objective ``L + b R`` at
    every weight decay b, and dual vectors ``v_i`` with ``rho(v_i) <= b_i`` prove that the optimum
    is at least ``-loss*(sum c_i v_i)`` where ``sum c_i b_i <= b``. One is affine in b, the other
    concave along mixtures, so what holds at both ends of a piece holds between them. Where
    trainings do not come to the gap, mostly in many dimensions, pieces have the gap that they have.

    Examples
    --------
    >>> X, y = [[-2.0], [-1.0], [0.0], [1.0], [2.0]], [1.0, -1.0, 1.0, 1.0, -1.0]
    >>> found = path("relu", X, y, gap=0.05)
    >>> found.status, found.at(0.3).gap <= 0.05, len(found.pieces) < 12
    ('optimal', True, True)
    """
    budget = Budget(gap=gap, solver=solver, time_limit=time_limit, progress=progress)
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
    return follow(objective, budget, largest, smallest)


def ends(objective: Objective, largest: float | None, smallest: float) -> tuple[float, float]:
    """The smallest and the largest weight decay of a path, checked."""
    top, share = check_ends(largest, smallest)
    if top is None:
        top = largest_useful(objective)
        if not top:
            raise InputError(
                "without hidden units the loss is as small as with them, so the network without "
                "units is optimal at every weight decay. With largest=..., or --largest, a path "
                "begins there."
            )
    return share * top, top


def follow(
    objective: Objective, budget: Budget, largest: float | None = None, smallest: float = 0.01
) -> Path:
    """The path of an objective, whose own weight decay does not matter; see `path`."""
    begin = now()
    asked, top = ends(objective, largest, smallest)
    walk = Walk(objective, budget, lowest=asked, deadline=begin + budget.seconds)

    def so_far(stopped: str) -> Path:
        with one_blas_thread():
            proof = path_of(walk.fewest(), walk.bounds, walk.low)
        stats = {"trainings": len(walk.solutions), "seconds": now() - begin, "stopped": stopped}
        return Path(certificate=proof, goal=budget.gap, asked=asked, stats=stats)

    stopped = ""
    try:
        for step in walk.go(top):
            if budget.progress is True:
                print(step.progress, file=sys.stderr, flush=True)
            elif callable(budget.progress):
                budget.progress(so_far(""))
    except KeyboardInterrupt:
        stopped = INTERRUPTED
        if not walk.points:
            raise
    if not stopped and walk.solutions[-1].stats["interrupted"]:
        stopped = INTERRUPTED
    return so_far(stopped or why_stopped(walk))


def why_stopped(walk: Walk) -> str:
    """Why a walk that nobody interrupted has ended."""
    if walk.low > walk.lowest:
        return OUT_OF_TIME
    closed = all(point.gap <= walk.budget.gap for point in walk.points)
    return COMPLETE if closed else NOT_CLOSED


def train_on(path: PathRecord, weight_decay: float, budget: Budget) -> Solution:
    """The optimum at a weight decay, beginning from what a path has there."""
    objective = replace(path.objective, weight_decay=weight_decay)
    near = min(path.points, key=lambda point: point.upper(weight_decay))
    known = Known(reduce(objective), weights=(near.certificate.weights,), proofs=(proof_of(near),))
    deadline = now() + budget.seconds
    bracket, stats = bracket_of(objective, budget, deadline, known=known)
    return make_solution(objective, bracket, stats, gap=budget.gap, deadline=deadline)

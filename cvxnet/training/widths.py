"""How many units are worth having: ``cvxnet.widths``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cvxnet.data.reports import Lines, Page, Report
from cvxnet.errors import InputError
from cvxnet.layers.linear import check_count
from cvxnet.objective import Budget, Objective, make_objective
from cvxnet.training.clock import now
from cvxnet.training.every_width import INTERRUPTED
from cvxnet.training.reduction import reduce
from cvxnet.training.start import fit_free
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.trainer import solve_every_width, solve_within
from cvxnet.training.width.curve import Curve
from cvxnet.training.width.report import (
    COLUMNS_OF_A_FILE,
    counted,
    document,
    lines_of,
    page_of,
)

SHARE = 0.5
"""Of the time that is left for one width, where others may follow it."""


class Widths(Report, Curve):
    """What `cvxnet.widths` returns: the optimum of each width, proved.

    ``print(widths)`` shows the table; in a notebook it is HTML.

    Attributes
    ----------
    solutions : tuple of Solution
        That of at most 1 unit, of at most 2, ...; each with its own certificate.
    all_widths : Solution
        The solution over networks of every width.
    without : float
        The objective of the best network without units.
    goal : float
        The relative gap at which brackets count as closed.
    seconds : float
        What it took.
    stopped : str
        In words why no larger width was looked at.
    widths, values, lower_bounds, gaps, statuses, units : tuple
        Of each width: what it is, the bracket, its relative gap, ``"optimal"`` or ``"gap"``, and
        how many units the best network has.
    excess : tuple of (float, float)
        How far the optimum of each width is above that of every width, relatively: at least, and
        at most.
    gains : tuple of (float, float)
        What each further unit takes off the objective, as a share of what all do; the last one is
        for all units beyond the last width.
    closed : bool
        Whether all brackets closed.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-2.0], [-1.0], [0.0], [1.0], [2.0]], [1.0, -1.0, 1.0, 1.0, -1.0]
    >>> found = cn.widths("relu", X, y, weight_decay=0.1, gap=1e-4)
    >>> found.widths, found.all_widths.units
    ((1, 2, 3, 4), 4)
    >>> [round(value, 3) for value in found.values]
    [2.131, 1.459, 1.091, 0.891]
    >>> found.enough(within=0.2), found.enough(within=0.01)
    (3, 4)
    """

    def _page(self) -> Page:
        return page_of(self)

    def _lines(self) -> Lines:
        return COLUMNS_OF_A_FILE, lines_of(self)

    def __repr__(self) -> str:
        closed = self.statuses.count("optimal")
        return f"<Widths: {closed} of {len(self.widths)} widths closed; {self.all_widths!r}>"

    def plot(self) -> Any:
        """Draw the bracket of each width above that of every width, and what each unit gains.

        Returns
        -------
        matplotlib.figure.Figure
            For `cvxnet.plots.save_figure`.

        Raises
        ------
        MissingExtraError
            Where matplotlib is not installed.
        InputError
            Where no width was looked at.
        """
        if not self.solutions:
            raise InputError(f"no width was looked at, so there is nothing to draw: {self.stopped}")
        from cvxnet.plots.widths import plot_widths

        return plot_widths(self)

    def to_dict(self) -> dict[str, Any]:
        """All numbers, ready for JSON."""
        return document(self)


def widths(
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
    up_to: int | None = None,
    gap: float = 1e-6,
    solver: str = "CLARABEL",
    time_limit: float | None = None,
    progress: bool | Callable[[Widths], object] = False,
) -> Widths:
    """How many units are worth having? The optimum of each width, from one unit on, proved.

    `cvxnet.train` finds the optimum of every width, and with ``width=m`` that of networks of at
    most m units. This does so for m = 1, 2, ...: each search begins from the optimum of every
    width and from the network of one unit less. It ends where more units gain no more than the gap.

    Parameters
    ----------
    units, X, y, loss, weight_decay, bias, norm, output_bias, skip, output_weights, sample_weight
        As in `cvxnet.train`, for units that can have a width.
    up_to : int, optional
        The largest width to look at. By default as many units as the best network of every width
        has; without a time limit that may take long, as each unit makes the search a few times
        longer.
    gap, solver : float, str
        As in `cvxnet.train`, for each bracket.
    time_limit : float, optional
        Seconds for all of it. Each width has half of what is left, the last one all of it.
    progress : bool or callable
        Show bracket and open nodes on the terminal; or what is called after each width with the
        `Widths` so far; an exception that it raises ends the search. Ctrl-C ends it early in any
        case: what there is comes back with true brackets.

    Returns
    -------
    Widths
        ``print(widths)``, ``widths.plot()``, ``widths.enough(0.01)``; ``widths.solutions[m - 1]``
        is what ``train(..., width=m)`` returns.

    Raises
    ------
    InputError
        Data, labels or options that cannot be used.
    UnsupportedError
        Units or options that cannot have a width.

    See Also
    --------
    train : The optimum of one width, or of every one.
    compare : Gradient training of the same objective, at several widths.

    Notes
    -----
    A network of m units is one of m + 1. So a lower bound of one width holds for the smaller ones,
    and a network for the larger ones: ``values`` and ``lower_bounds`` are the best of these, and
    fall with the width. From n + 1 units on at the latest the optimum is that of every width
    (Pilanci and Ergen 2020), mostly much sooner.

    Examples
    --------
    >>> X, y = [[-2.0], [-1.0], [0.0], [1.0], [2.0]], [1.0, -1.0, 1.0, 1.0, -1.0]
    >>> found = widths("relu", X, y, weight_decay=0.1, up_to=2, gap=1e-4)
    >>> [round(value, 3) for value in found.values], found.stopped
    ([2.131, 1.459], 'as asked for, up to 2 units')
    """
    budget = Budget(gap=gap, solver=solver, time_limit=time_limit, progress=progress)
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
    return widths_of(objective, budget, up_to)


def with_width(objective: Objective, up_to: Any) -> Objective:
    """The objective with the largest width asked for, or one; refuses what cannot have any."""
    asked = 1 if up_to is None else check_count(up_to, "up_to, the largest width to look at,")
    return replace(objective, width=asked)


def widths_of(objective: Objective, budget: Budget, up_to: int | None = None) -> Widths:
    """The optimum of each width, within the budget; see `widths`."""
    objective = with_width(objective, up_to)
    begin, deadline = now(), now() + budget.seconds
    listener = budget.progress if callable(budget.progress) else None
    budget = replace(budget, progress=budget.progress is True)
    every = solve_every_width(objective, budget)
    found = Widths(
        solutions=(),
        all_widths=every,
        without=objective_without_units(objective),
        goal=budget.gap,
        seconds=now() - begin,
        stopped="",
    )
    most = every.units if up_to is None else min(up_to, every.units)
    while True:
        found = replace(found, seconds=now() - begin, stopped=why_stopped(found, up_to, deadline))
        if listener is not None:
            listener(found)
        if found.stopped:
            return found
        width = len(found.solutions) + 1
        left = deadline - now()
        try:
            solution = solve_within(
                objective,
                width,
                every,
                budget,
                deadline=now() + (left if width == most else SHARE * left),
                starts=[one.certificate.weights for one in found.solutions[-1:]],
            )
        except KeyboardInterrupt:
            return replace(found, seconds=now() - begin, stopped=INTERRUPTED)
        found = replace(found, solutions=(*found.solutions, solution))


@one_blas_thread()
def objective_without_units(objective: Objective) -> float:
    """That of the best network that has none."""
    reduction = reduce(objective)
    alone, _ = fit_free(reduction.problem)
    return reduction.problem.objective(alone) * reduction.scale.value


def why_stopped(found: Widths, up_to: int | None, deadline: float) -> str:
    """Why no larger width is to be looked at; empty while one is."""
    every, width = found.all_widths, len(found.solutions)
    enough = found.enough(found.goal)
    if (found.solutions[-1] if width else every).stats["interrupted"]:
        return INTERRUPTED
    if enough is not None:
        return f"more than {counted(enough)} gain no more than the gap"
    if up_to is not None and width >= up_to:
        return f"as asked for, up to {counted(up_to)}"
    if width >= every.units:
        return f"the best network of every width that was found has {counted(every.units)}"
    if width and now() >= deadline:
        return "the time limit was reached: a longer one lets brackets shrink and adds widths"
    return ""

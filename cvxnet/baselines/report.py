"""What `cvxnet.compare` returns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cvxnet.baselines.documents import document, lines_of, write_json
from cvxnet.baselines.results import Results
from cvxnet.baselines.table import page_of
from cvxnet.data.reports import Lines, Page, Report
from cvxnet.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs(Report, Results):
    """What `cvxnet.compare` returns: the results, and how they are shown and kept.

    ``print(runs)`` shows the table; in a notebook it is HTML.

    Attributes
    ----------
    solution : Solution
        The exact solution: ``runs.solution.lower_bound <= optimum <= runs.solution.value``.
    exact_seconds : float
        What it took.
    objective : Objective
        What was minimised, with the data.
    protocol : Protocol
        How the runs were made.
    tunings, records : tuple of Record
        Finished batches: those that chose the learning rates, and those that count.
    width_solutions : dict of int to Solution
        Of each width with fewer units than the exact network, where that was looked for: the best
        network of at most so many units, with its bracket and certificate.
    interrupted : bool
        Whether Ctrl-C ended it early; what is here was finished.
    versions : dict
        Of cvxnet, torch, numpy and scipy.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[-1.0], [1.0]], [1.0, 2.0]
    >>> runs = cn.compare(
    ...     "relu", X, y, weight_decay=0.1, bias=False, optimizers="lbfgs", widths=8, seeds=2
    ... )
    >>> runs.network("lbfgs", 8, seed=1)
    Sequential(Linear(1, 8), ReLU(), Linear(8, 1))
    >>> runs.to_dict()["exact"]["status"]
    'optimal'
    """

    def _page(self) -> Page:
        return page_of(self)

    def _lines(self) -> Lines:
        return lines_of(self)

    def __repr__(self) -> str:
        runs = sum(len(record.seeds) for record in self.records)
        return f"<Runs: {runs} by {', '.join(self.protocol.optimizers)}; {self.solution!r}>"

    def plot(self, feature_names: Any = None, *, scale: Any = None) -> Any:
        """Draw excess, success rates, excess over epochs and time, and units.

        Parameters
        ----------
        feature_names : sequence of str, optional
            One for each column of X.
        scale : pair of (d,) arrays, optional
            ``(mean, scale)``, where X is standardised: axes then show what it was before.

        Returns
        -------
        matplotlib.figure.Figure
            For `cvxnet.plots.save_figure`.

        Raises
        ------
        MissingExtraError
            Where matplotlib is not installed.
        InputError
            Where it was interrupted before a run was finished.
        """
        if not self.records:
            raise InputError("no run was finished, so there is nothing to draw.")
        from cvxnet.plots.comparison import plot_runs

        return plot_runs(self, feature_names, scale=scale)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the weights, ready for JSON."""
        return document(self)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dict` to a file.

        Parameters
        ----------
        path : str or path
            An old file is replaced in one step.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        write_json(self, path)

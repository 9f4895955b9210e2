"""Runs of gradient training on their way, and where they ended above the proved bracket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvxnet.baselines.results import Results
from cvxnet.plots.canvas import headline
from cvxnet.plots.excesses import draw_gaps
from cvxnet.plots.style import WIDTH, head, new_figure, styled
from cvxnet.plots.ways import draw_curves

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

SHARES: Sequence[float] = (1.5, 1.0)
"""Widths of the two panels."""


def plot_traces(runs: Results) -> Figure:
    """The excess of every run over its epochs, and where it ended, above the proved bracket.

    Where the bracket does not tell how large an excess is, it is drawn as what is possible.

    Parameters
    ----------
    runs : Results
        What `cvxnet.compare` returned.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> import cvxnet as cn
    >>> runs = cn.compare(
    ...     "relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, optimizers="lbfgs", seeds=2
    ... )
    >>> [axes.get_ylabel() for axes in plot_traces(runs).axes]
    ['excess, at most', 'excess at the end']
    """
    with styled():
        figure = new_figure(WIDTH, 4.6)
        way, ends = figure.subplots(1, 2, width_ratios=SHARES, sharey=True)
        notes = [draw_curves(way, runs, "epochs"), draw_gaps(ends, runs)]
        head(figure, headline(runs.solution), notes)
    return figure

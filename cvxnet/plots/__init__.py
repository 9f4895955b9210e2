"""Pictures of solutions, one a file."""

from typing import TYPE_CHECKING

from cvxnet.plots.canvas import check_names, headline, new_figure, save_figure, span, styled
from cvxnet.plots.optimal_set import plot_optimal_set
from cvxnet.plots.solution import count_units, kinks, plot_solution

if TYPE_CHECKING:
    from cvxnet.plots.canvas import Axes as Axes
    from cvxnet.plots.canvas import Figure as Figure

__all__ = [
    "check_names",
    "count_units",
    "headline",
    "kinks",
    "new_figure",
    "plot_optimal_set",
    "plot_solution",
    "save_figure",
    "span",
    "styled",
]

"""Pictures of solutions, one a file."""

from cvxnet.plots.comparison import plot_runs
from cvxnet.plots.optimal_set import plot_optimal_set
from cvxnet.plots.solution import plot_solution
from cvxnet.plots.style import save_figure
from cvxnet.plots.subject import count_units, kinks

__all__ = ["count_units", "kinks", "plot_optimal_set", "plot_runs", "plot_solution", "save_figure"]

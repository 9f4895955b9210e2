"""Pictures of solutions, one a file."""

from cvxnet.plots.comparison import plot_runs
from cvxnet.plots.counterexample import counterexample_slice, plot_counterexample
from cvxnet.plots.derivation import derivation_rows, plot_derivation
from cvxnet.plots.optimal_set import plot_optimal_set
from cvxnet.plots.slices import Slice, plot_slice, slice_between, slice_between_networks
from cvxnet.plots.solution import plot_solution
from cvxnet.plots.style import save_figure
from cvxnet.plots.subject import count_units, kinks
from cvxnet.plots.surfaces import Surface, plot_surface, surface_over
from cvxnet.plots.traces import plot_traces

__all__ = [
    "Slice",
    "Surface",
    "count_units",
    "counterexample_slice",
    "derivation_rows",
    "kinks",
    "plot_counterexample",
    "plot_derivation",
    "plot_optimal_set",
    "plot_runs",
    "plot_slice",
    "plot_solution",
    "plot_surface",
    "plot_traces",
    "save_figure",
    "slice_between",
    "slice_between_networks",
    "surface_over",
]

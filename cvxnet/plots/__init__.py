"""Pictures of solutions and of how they are found, one a file."""

from cvxnet.plots.animation import Film, animate_bracket
from cvxnet.plots.balance import Balance, plot_balance
from cvxnet.plots.cells import Cells, cells_of, plot_cells
from cvxnet.plots.columns import Columns, columns_at, plot_columns
from cvxnet.plots.comparison import plot_runs
from cvxnet.plots.counterexample import counterexample_slice, plot_counterexample
from cvxnet.plots.derivation import derivation_rows, plot_derivation
from cvxnet.plots.leaves import Leaves, leaves_of, plot_leaves
from cvxnet.plots.optimal_set import plot_optimal_set
from cvxnet.plots.path import plot_path
from cvxnet.plots.program import ProgramParts, plot_program, program_parts
from cvxnet.plots.rounds import Course, follow_training
from cvxnet.plots.slices import Slice, plot_slice, slice_between, slice_between_networks
from cvxnet.plots.solution import plot_solution
from cvxnet.plots.style import save_figure
from cvxnet.plots.subject import count_units, kinks
from cvxnet.plots.surfaces import Surface, plot_surface, surface_over
from cvxnet.plots.traces import plot_traces
from cvxnet.plots.widths import plot_widths
from cvxnet.plots.zonotope import Zonotopes, plot_zonotope, zonotopes_at

__all__ = [
    "Balance",
    "Cells",
    "Columns",
    "Course",
    "Film",
    "Leaves",
    "ProgramParts",
    "Slice",
    "Surface",
    "Zonotopes",
    "animate_bracket",
    "cells_of",
    "columns_at",
    "count_units",
    "counterexample_slice",
    "derivation_rows",
    "follow_training",
    "kinks",
    "leaves_of",
    "plot_balance",
    "plot_cells",
    "plot_columns",
    "plot_counterexample",
    "plot_derivation",
    "plot_leaves",
    "plot_optimal_set",
    "plot_path",
    "plot_program",
    "plot_runs",
    "plot_slice",
    "plot_solution",
    "plot_surface",
    "plot_traces",
    "plot_widths",
    "plot_zonotope",
    "program_parts",
    "save_figure",
    "slice_between",
    "slice_between_networks",
    "surface_over",
    "zonotopes_at",
]

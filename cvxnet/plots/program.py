"""A whole convex program taken apart: what `cvxnet.program` really wrote, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.plots.style import BLUE, GREY, INK, RED, entitle, head, new_figure, styled
from cvxnet.training.program import ORIGINS
from cvxnet.training.units.piecewise_linear import ReLUUnits
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

DRAWN = 400
"""So many columns are a picture still."""


@dataclass(frozen=True, eq=False, repr=False)
class Piece:
    """A cell and an output sign: the vector w that stands for all units of it.

    Attributes
    ----------
    sign : float
        Of the output weights.
    active : (n,) array of bool
        The samples on which units of the cell are active.
    matrix : (n, r) array
        ``sign * D X``: what w adds to the predictions.
    facets : (f, r) array
        ``facets @ w >= 0``: w stays in the cell.
    samples : (f,) integer array
        The sample of each facet.
    """

    sign: float
    active: NDArray[np.bool_]
    matrix: Array
    facets: Array
    samples: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"<Piece {self.sign:+.0f}, active on {self.active.sum()} of {len(self.active)}>"


@dataclass(frozen=True, eq=False, repr=False)
class ProgramParts:
    """The pieces and the sizes of a whole convex program.

    Attributes
    ----------
    program : cvxpy.Problem
    weight_decay : float
    pieces : list of Piece
    equations, inequalities : (n, columns) and (m, columns) arrays
        The matrices of ``f = equations @ w`` and ``inequalities @ w >= 0``.

    Examples
    --------
    >>> import cvxnet as cn
    >>> parts = program_parts(cn.program("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1))
    >>> parts.variables, parts.pieces[0]
    ({'f': 2, 'w': 12}, <Piece +1, active on 1 of 2>)
    """

    program: cp.Problem
    weight_decay: float
    pieces: list[Piece]
    equations: Array
    inequalities: Array

    def __repr__(self) -> str:
        return f"<ProgramParts: {self.text}>"

    @property
    def variables(self) -> dict[str, int]:
        """The entries of each variable, by its name."""
        return {v.name(): v.size for v in self.program.variables()}

    @property
    def text(self) -> str:
        """The sizes in words."""
        n, columns = self.equations.shape
        return (
            f"{len(self.pieces)} pieces, {columns} + {n} variables, {n} equations, "
            f"{len(self.inequalities)} inequalities"
        )


def program_parts(program: cp.Problem) -> ProgramParts:
    """Take a whole convex program of ReLU units apart.

    Parameters
    ----------
    program : cvxpy.Problem
        What `cvxnet.program` returned for ReLU units with one output, with neither output bias nor
        skip connection.

    Returns
    -------
    ProgramParts

    Raises
    ------
    InputError
        For another problem.
    UnsupportedError
        For another program of `cvxnet.program`.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 2.0, 3.0]
    >>> program_parts(cn.program("relu", X, y, weight_decay=0.1)).text
    '14 pieces, 42 + 3 variables, 3 equations, 42 inequalities'
    """
    origin = ORIGINS.get(program) if isinstance(program, cp.Problem) else None
    if origin is None:
        raise InputError("program_parts takes a problem that cvxnet.program returned.")
    problem, family = origin.problem, origin.problem.family
    if not isinstance(family, ReLUUnits) or problem.y.ndim > 1 or problem.F.size:
        raise UnsupportedError(
            "programs are taken apart for ReLU units with one output, with neither output bias nor "
            "skip connection."
        )
    equations, inequalities = map(matrix_of, program.constraints)
    width = family.block_width
    pieces = [
        piece_of(family, equations[:, at : at + width], inequalities[:, at : at + width])
        for at in range(0, equations.shape[1], width)
    ]
    return ProgramParts(program, problem.weight_decay, pieces, equations, inequalities)


def matrix_of(constraint: Any) -> Array:
    """The one matrix of a constraint."""
    (found,) = (c.value for c in constraint.constants() if c.ndim == 2)
    return np.asarray(found.todense())


def piece_of(family: ReLUUnits, matrix: Array, rows: Array) -> Piece:
    """The piece with these columns of the equations and the inequalities."""
    a = family.arrangement
    facets = rows[rows.any(axis=1)]
    owner = np.abs(facets @ a.normals.T).argmax(axis=1)
    first = np.array([np.flatnonzero(a.owner == k)[0] for k in range(len(a.normals))])
    return Piece(
        sign=float(np.sign((matrix * family.rows).sum())),
        active=np.asarray(matrix.any(axis=1)),
        matrix=matrix,
        facets=facets,
        samples=first[owner],
    )


def plot_program(program: cp.Problem) -> Figure:
    """Draw the matrices of a whole convex program: the predictions, and the cells.

    Parameters
    ----------
    program : cvxpy.Problem
        As in `program_parts`, with up to 400 variables.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    InputError
        For another problem, or a larger one.
    MissingExtraError
        Where matplotlib is not installed.

    Examples
    --------
    >>> import cvxnet as cn
    >>> X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 2.0, 3.0]
    >>> figure = plot_program(cn.program("relu", X, y, weight_decay=0.1))
    >>> figure.axes[0].get_title(loc="left")
    'f = M w: 3 equations'
    """
    parts = program_parts(program)
    columns = parts.equations.shape[1]
    if columns > DRAWN:
        raise InputError(f"the program has {columns} variables w; up to {DRAWN} are drawn.")
    with styled():
        figure = new_figure(12.0, 6.2)
        heights = [max(len(parts.equations), 0.12 * columns), len(parts.inequalities)]
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        draw_matrix(above, parts.equations, parts)
        draw_matrix(below, parts.inequalities, parts)
        entitle(above, f"f = M w: {len(parts.equations)} equations")
        entitle(below, f"G w ≥ 0: {len(parts.inequalities)} inequalities, the facets of the cells")
        below.set_xlabel("the entries of w: a block for each cell and output sign")
        note = "Dots: entries that are not 0; left of the thick line output weights are positive."
        head(figure, f"The whole convex program: {parts.text}", [note])
    return figure


def draw_matrix(axes: Axes, matrix: Array, parts: ProgramParts) -> None:
    """Where a matrix has entries, with lines between the pieces."""
    i, j = np.nonzero(matrix)
    colors = np.where(matrix[i, j] > 0.0, RED, BLUE)
    axes.scatter(j, i, s=min(12.0, 2000.0 / matrix.shape[1]), c=colors, linewidths=0.0, marker="s")
    step = matrix.shape[1] // len(parts.pieces)
    first = sum(piece.sign > 0.0 for piece in parts.pieces) * step
    for at in range(step, matrix.shape[1], step):
        color, width = (INK, 1.6) if at == first else (GREY, 0.3)
        axes.axvline(at - 0.5, color=color, linewidth=width)
    axes.set(xlim=(-0.5, matrix.shape[1] - 0.5), ylim=(len(matrix) - 0.5, -0.5), ylabel="row")

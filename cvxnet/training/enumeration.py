"""All blocks of a family, where there are finitely many: what the whole program is made of."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.training.geometry.arrangement import count_cells
from cvxnet.training.geometry.cells import all_cells, all_facets
from cvxnet.training.pricing.steps.faces import all_sides
from cvxnet.training.units.family import Block, UnitFamily
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import CoordinateUnits, LinearUnits
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.steps import StepUnits
from cvxnet.types import Array


@singledispatch
def all_blocks(family: UnitFamily, facets_only: bool = True) -> list[Block]:
    """Blocks that contain every unit; of the inequalities of a cell only the facets, or all."""
    raise UnsupportedError(f"there is no finite program with all {family.name} units.")


@singledispatch
def count_blocks(family: UnitFamily) -> int:
    """At most so many blocks are in `all_blocks`."""
    raise UnsupportedError(f"there is no finite program with all {family.name} units.")


@all_blocks.register
def all_cell_blocks(family: PiecewiseLinearUnits, facets_only: bool = True) -> list[Block]:
    """Every cell in which some unit is active, with each output sign."""
    a = family.arrangement
    cells = all_cells(a.normals)
    used = family.slope_of_rows(a.row_sides(cells)[:, : len(family.X)]).any(axis=1)
    cells = cells[used]
    bounds = all_facets(all_cells(a.normals))[used] if facets_only else cells != 0
    return [
        family.cell_block(cell, cell[bound, None] * a.normals[bound], sign)
        for sign in family.output_signs
        for cell, bound in zip(cells, bounds, strict=True)
    ] or [nothing(family)]


def nothing(family: UnitFamily) -> Block:
    """What stands for all units where none is active on any sample: solvers need a variable."""
    return Block(
        key=(),
        sign=1.0,
        matrix=np.zeros((len(family.X), 1)),
        facets=np.zeros((0, 1)),
        directions=np.zeros((1, family.rank)),
    )


@count_blocks.register
def count_cell_blocks(family: PiecewiseLinearUnits) -> int:
    """The number of cells in general position, for each output sign."""
    return len(family.output_signs) * count_cells(len(family.X), family.rank)


@all_blocks.register
def all_dichotomies(family: StepUnits, facets_only: bool = True) -> list[Block]:
    """All dichotomies; of odd units one block has both signs of a feature.

    Where ``u = 0`` counts, so may other units on hyperplanes, and all faces are listed.
    """
    sides = all_sides(family.planes.dichotomies, faces=family.lifted)
    sides = sides[np.argsort((sides == 0).sum(axis=1), kind="stable")]
    columns = family.step(family.planes.row_sides(sides))
    units: dict[bytes, Array] = {}
    for side, column in zip(sides, columns, strict=True):
        known = column.tobytes() in units or (0.0 - column).tobytes() in units
        if column.any() and not known:
            units[column.tobytes()] = family.unit_with(side)
    facets = np.zeros((0, 1)) if family.odd else np.ones((1, 1))
    return [
        Block(
            key=(key, sign),
            sign=sign,
            matrix=sign * np.frombuffer(key)[:, None],
            facets=facets,
            directions=u[None],
        )
        for key, u in units.items()
        for sign in ((1.0,) if family.odd else (1.0, -1.0))
    ]


@count_blocks.register
def count_dichotomies(family: StepUnits) -> int:
    """At most one for each pair of opposite cells; or two for each cell, or for each face."""
    r = family.planes.rank
    cells = count_cells(len(family.planes.integers), r)
    if family.odd:
        return cells // 2
    return 2 * (cells * 2 ** max(r - 1, 0) + 1) if family.lifted else 2 * cells


@all_blocks.register
def the_one_block(family: LinearUnits, facets_only: bool = True) -> list[Block]:
    """The block of all units."""
    return [family.block(np.zeros(family.rank), 1.0)]


@count_blocks.register
def one(family: LinearUnits) -> int:
    """One."""
    return 1


@all_blocks.register
def all_columns(family: CoordinateUnits, facets_only: bool = True) -> list[Block]:
    """All columns."""
    return [family.block(e, 1.0) for e in np.eye(family.rank)]


@count_blocks.register
def count_columns(family: CoordinateUnits) -> int:
    """The number of columns."""
    return family.rank


@all_blocks.register
def all_gates(family: GatedReLUUnits, facets_only: bool = True) -> list[Block]:
    """One for each gate."""
    return [family.gate_block(gate) for gate in range(len(family.gates))]


@count_blocks.register
def count_gates(family: GatedReLUUnits) -> int:
    """The number of gates."""
    return len(family.gates)

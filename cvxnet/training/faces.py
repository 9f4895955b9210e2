"""Faces: where a unit can move so that its feature stays linear. Newton's method runs on them."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from scipy import sparse

from cvxnet.training.geometry.cells import ON_HYPERPLANE
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import LinearUnits
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

Face = tuple[Array, Any]
"""``(A, B)``, (n, k) and (rank, k), dense or sparse: the unit ``B w`` has the feature ``A w``."""


@singledispatch
def face(family: UnitFamily, u: Array) -> Face:
    """The face that ``u`` lies on, for ``w`` near ``B^T u``. By default it cannot move at all."""
    direction = u[None] / family.sizes(u[None])
    return family.features(direction), direction.T


@face.register
def face_of_hyperplanes(family: PiecewiseLinearUnits, u: Array) -> Face:
    """The intersection of the hyperplanes that ``u`` lies on; inside a cell, the space.

    Units of the l1 ball are vertices, which cannot move.
    """
    if family.norm == "l1":
        return face.dispatch(UnitFamily)(family, u)
    basis = intersection(family, u, ON_HYPERPLANE)
    on = basis @ (basis.T @ u)
    t = family.rows @ on
    t[np.abs(t) <= ON_HYPERPLANE * np.linalg.norm(on)] = 0.0
    return family.slope_of_rows(t)[:, None] * family.rows @ basis, basis


@face.register
def whole_space(family: LinearUnits, u: Array) -> Face:
    """The whole space, or the feature alone."""
    if family.is_vertex(u):
        return face.dispatch(UnitFamily)(family, u)
    return family.X, np.eye(family.rank)


@face.register
def units_with_the_gate(family: GatedReLUUnits, u: Array) -> Face:
    """All units with this gate."""
    block = family.block(u, 1.0)
    return block.matrix, sparse.csr_array(block.directions.T)


@singledispatch
def snap(family: UnitFamily, u: Array, close: float) -> Array:
    """``u`` moved to the face that it is within the angle ``close`` of, if there is one."""
    return u


@snap.register
def snap_to_hyperplanes(family: PiecewiseLinearUnits, u: Array, close: float) -> Array:
    """The projection on the intersection of all hyperplanes closer than ``close``."""
    if family.norm == "l1":
        return u
    basis = intersection(family, u, close)
    return basis @ (basis.T @ u) if basis.size else u


def intersection(family: PiecewiseLinearUnits, u: Array, close: float) -> Array:
    """A basis of the intersection of all hyperplanes within the angle ``close`` of ``u``."""
    normals = family.arrangement.normals
    height = normals @ u / np.linalg.norm(u)
    _, singular, Vt = np.linalg.svd(normals[np.abs(height) <= close])
    return np.asarray(Vt[int((singular > close).sum()) :].T)

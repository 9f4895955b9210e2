"""The one place that reaches into CVXPY's private registries.

CVXPY looks canonicalizers up by exact type in a module-level dict and chooses solvers by
module-level lists of atom types; both are shared by reference, so they are extended in place.
A test fails with a plain sentence when a new CVXPY moves them.
"""

from __future__ import annotations

from typing import Any

import cvxpy.atoms as cvxpy_atoms
from cvxpy.reductions.dcp2cone.canonicalizers import CANON_METHODS

from cvxnet.layers.atoms.elu import elu, elu_canon
from cvxnet.layers.atoms.leaky_relu import leaky_relu, leaky_relu_canon
from cvxnet.layers.atoms.squareplus import squareplus, squareplus_canon

CONES: dict[Any, Any] = {
    elu: elu_canon,
    leaky_relu: leaky_relu_canon,
    squareplus: squareplus_canon,
}


def register() -> None:
    """Tell CVXPY how the convex atoms become cones, and which solvers those cones need."""
    CANON_METHODS.update(CONES)
    for names, atom in ((cvxpy_atoms.EXP_ATOMS, elu), (cvxpy_atoms.SOC_ATOMS, squareplus)):
        if atom not in names:
            names.append(atom)

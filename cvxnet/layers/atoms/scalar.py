"""The common base of elementwise atoms: every rule is read off the function's profile."""

from __future__ import annotations

from typing import Any

import numpy as np
from cvxpy.atoms.elementwise.elementwise import Elementwise
from cvxpy.constraints.constraint import Constraint
from numpy.typing import NDArray

from cvxnet.layers.profiles import Interval, Profile, inside


class ScalarAtom(Elementwise):
    """An elementwise CVXPY atom that answers from its `Profile`, given the argument's sign.

    Subclasses set ``profile`` before they call this constructor. Options must be returned by
    `get_data`: CVXPY merges equal sub-expressions by type, data and arguments, so an option that
    is missing there gives wrong answers silently.
    """

    profile: Profile

    def numeric(self, values: list[Any]) -> Any:
        return self.profile.function(np.asarray(values[0], dtype=np.float64))

    def sign_from_args(self) -> tuple[bool, bool]:
        low, high = self.profile.bounds(*map(np.asarray, self._argument_range()))
        return bool(low >= 0.0), bool(high <= 0.0)

    def is_atom_convex(self) -> bool:
        return self._holds(self.profile.convex)

    def is_atom_concave(self) -> bool:
        return self._holds(self.profile.concave)

    def is_incr(self, idx: int) -> bool:
        return self._holds(self.profile.rising)

    def is_decr(self, idx: int) -> bool:
        return self._holds(self.profile.falling)

    def is_atom_quasiconvex(self) -> bool:
        return self.profile.quasiconvex or self.is_atom_convex()

    def is_atom_quasiconcave(self) -> bool:
        return self.profile.quasiconcave or self.is_atom_concave()

    def is_atom_smooth(self) -> bool:
        return self.profile.smooth

    def bounds_from_args(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = self.args[0].get_bounds()
        shape = self.args[0].shape
        return self.profile.bounds(np.broadcast_to(low, shape), np.broadcast_to(high, shape))

    def _argument_range(self) -> Interval:
        """The interval in which the argument's sign puts it."""
        argument = self.args[0]
        return (
            0.0 if argument.is_nonneg() else -np.inf,
            0.0 if argument.is_nonpos() else np.inf,
        )

    def _holds(self, intervals: tuple[Interval, ...]) -> bool:
        low, high = self._argument_range()
        return bool(inside(np.asarray(low), np.asarray(high), intervals))

    def _grad(self, values: list[Any]) -> list[Any]:
        slopes = self.profile.derivative(np.asarray(values[0], dtype=np.float64))
        size = self.args[0].size
        return [ScalarAtom.elemwise_grad_to_diag(slopes, size, size)]

    def _domain(self) -> list[Constraint]:
        return []

"""What a search for exactly m units needs of the places that units may lie in.

Atoms are the units of length one, in coordinates (k, .) that are the space's own business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.problem import Units
from cvxnet.types import Array

Mask = NDArray[np.bool_]


class Region(ABC):
    """Units of one sign, in some part of a space that is a list of simple parts."""

    sign: float

    @property
    @abstractmethod
    def parts(self) -> int:
        """How many they are."""

    @abstractmethod
    def contains(self, U: Array) -> Mask:
        """Which of the atoms lie in it."""

    @abstractmethod
    def cuts(self, U: Array, sizes: Array, pull: Array) -> Iterator[Any]:
        """Where it may be cut; none where it is a single unit.

        ``U`` are atoms in it with their sizes, which a cut had better separate, and ``pull`` (n,)
        says how much is to be gained where units treat a sample alike.
        """

    @abstractmethod
    def in_first(self, cut: Any, U: Array) -> Mask:
        """Which of its atoms lie in the first half; those on the cut in either."""

    def sides(self, cuts: list[Any], U: Array) -> Mask:
        """`in_first` for many cuts, (c, k)."""
        return np.array([self.in_first(cut, U) for cut in cuts])

    @abstractmethod
    def halves(self, cut: Any) -> tuple[list[int], Region, Region]:
        """The cut as certificates have it, and the two regions that it makes."""


class Pricing(ABC):
    """A dual vector v, priced in one region after the other."""

    @property
    @abstractmethod
    def error(self) -> float:
        """How much larger than the largest found units may be, in the regions so far."""

    @abstractmethod
    def maxima(self, region: Region, budget: Budget) -> tuple[Array, bool]:
        """Of the units u of the region, with its sign s, those that maximise ``-s v.phi_u(X)``.

        As rows (value, atom), and whether it is proved that there is none above the largest of
        this and of all regions before, nor above the floor. Those below are some of them.
        """


class Space(ABC):
    """All units of a family."""

    stuck: ClassVar[str]
    """Why a gap stays open that nothing divides any further."""
    rows: NDArray[Any]
    """The samples by which it is described, as certificates have them."""

    @abstractmethod
    def region(self, sign: float) -> Region:
        """All of them, with that sign."""

    @abstractmethod
    def pricing(self, v: Array, floor: float) -> Pricing:
        """The pricing of a dual vector; values up to the floor do not matter."""

    @abstractmethod
    def atoms_of(self, units: Units) -> tuple[Array, Array]:
        """The atoms that units are multiples of, and the signs of their outputs then."""

    @abstractmethod
    def features(self, U: Array) -> Array:
        """The features (n, k) of atoms."""

    @abstractmethod
    def merge(self, U: Array, sizes: Array) -> tuple[Array, float]:
        """The atom, and its size, that is to do what these do."""

    @abstractmethod
    def units(self, U: Array, sizes: Array, signs: Array, free: Array) -> Units:
        """The units of a network."""

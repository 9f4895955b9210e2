"""Which region of a node is cut, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.training.problem import Units
from cvxnet.training.width.master import Master
from cvxnet.training.width.nodes import Atoms
from cvxnet.training.width.regions import Region, Space
from cvxnet.types import Array

SPREAD = 1e-3
"""What the distance of units that one replaces counts beside what they cost, squared."""
SIMILAR = 0.3
"""Regions that differ by at least this part of the largest difference are looked at."""
TINY = 1e-6
"""Rises of the objective below this, relatively, are all the same."""


@dataclass(frozen=True)
class Relaxed:
    """A node whose relaxation was solved.

    Attributes
    ----------
    regions : tuple of Region
    atoms : Atoms
        The units of the solution, none of size zero.
    master : Master
    spare : int
        How many units there may be beyond one a region.
    """

    space: Space
    regions: tuple[Region, ...]
    atoms: Atoms
    master: Master
    spare: int

    def network(self) -> Units:
        """The network in which units of one region are one, where there are too many."""
        U, sizes, signs = list[Array](), list[float](), list[float]()
        atoms, spare = self.atoms, self.spare
        for place, region in enumerate(self.regions):
            own = atoms.largest_first(place)
            alone = max(min(spare, len(own) - 1), 0)
            spare -= alone
            for group in (*own[:alone, None], own[alone:]):
                if group.size:
                    u, size = self.space.merge(atoms.U[group], atoms.sizes[group])
                    U.append(u)
                    sizes.append(size)
                    signs.append(region.sign)
        rows = np.reshape(U, (len(U), atoms.U.shape[1]))
        return self.space.units(rows, np.array(sizes), np.array(signs), self.master.free)

    def choose(self) -> tuple[int, Any] | None:
        """The place of a region, and a cut of it; None where there is none.

        Of the regions that differ most from what there may be, that whose cut helps most.
        """
        for spare in (self.spare, 0):
            scores = [self.score(place, spare) for place in range(len(self.regions))]
            least = max(SIMILAR * max(scores), np.finfo(float).tiny)
            likely = [self.best_cut(place) for place, x in enumerate(scores) if x >= least]
            found = [cut for cut in likely if cut is not None]
            if found:
                return max(found, key=lambda cut: cut[0])[1:]
        for place in np.argsort([-region.parts for region in self.regions], kind="stable").tolist():
            if cuts := self.cuts(place):
                return place, cuts[len(cuts) // 2]
        return None

    def merged(self, place: int, spare: int) -> tuple[Array, float]:
        """What predictions and sizes lose where all but ``spare`` units of a region become one."""
        own = self.atoms.largest_first(place)[spare:]
        sizes = self.atoms.sizes[own]
        u, size = self.space.merge(self.atoms.U[own], sizes)
        one = self.regions[place].sign * size * self.space.features(u[None])[:, 0]
        return self.master.H[:, own] @ sizes - one, float(sizes.sum() - size)

    def score(self, place: int, spare: int) -> float:
        """How much a region's units differ from the fewer that there may be."""
        if (self.atoms.owner == place).sum() <= spare + 1:
            return 0.0
        d, saved = self.merged(place, spare)
        value = np.abs(d) @ np.abs(self.master.dual) + self.master.problem.weight_decay * saved
        return float(value + SPREAD * (d @ d))

    def cuts(self, place: int) -> list[Any]:
        """Where a region may be cut."""
        own = self.atoms.owner == place
        pull = np.zeros(len(self.master.f))
        if own.any():
            d, _ = self.merged(place, 0)
            pull = np.abs(d * self.master.dual)
        return list(self.regions[place].cuts(self.atoms.U[own], self.atoms.sizes[own], pull))

    def best_cut(self, place: int) -> tuple[float, int, Any] | None:
        """Of a region that of which the children's masters rise most, with its worth."""
        cuts, own = self.cuts(place), self.atoms.owner == place
        if not cuts:
            return None
        sides = self.regions[place].sides(cuts, self.atoms.U[own])
        kept = np.ones((2 * len(cuts), len(own)), dtype=bool)
        kept[::2, own], kept[1::2, own] = sides, ~sides
        rise = self.master.without(kept)
        tiny = TINY * max(abs(self.master.value), np.finfo(float).tiny)
        worth = np.maximum(rise[::2], tiny) * np.maximum(rise[1::2], tiny)
        best = int(np.argmax(worth))
        return float(worth[best]), place, cuts[best]

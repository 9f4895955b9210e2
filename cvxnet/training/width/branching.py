"""Which region of a node is cut, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.training.problem import Units
from cvxnet.training.width.master import Master
from cvxnet.training.width.nodes import Atoms
from cvxnet.training.width.regions import Mask, Region, Space
from cvxnet.types import Array

SPREAD = 1e-3
"""What the distance of units that one replaces counts beside what they cost, squared."""
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
        """The place of a region, and a cut of it; None where there is none."""
        for spare in (self.spare, 0):
            scores = [self.score(place, spare) for place in range(len(self.regions))]
            for place in np.argsort(-np.array(scores), kind="stable").tolist():
                if scores[place] > 0.0 and (cuts := self.cuts(place)):
                    return place, self.best_cut(place, cuts)
        for place in np.argsort([-region.parts for region in self.regions], kind="stable").tolist():
            if cuts := self.cuts(place):
                return place, self.best_cut(place, cuts)
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

    def best_cut(self, place: int, cuts: list[Any]) -> Any:
        """That of which the children's masters rise most; the middle one where there is none."""
        own = self.atoms.owner == place
        if len(cuts) == 1 or not own.any():
            return cuts[len(cuts) // 2]
        kept = list[Mask]()
        for cut in cuts:
            inside = self.regions[place].in_first(cut, self.atoms.U[own])
            for side in (inside, ~inside):
                mask = np.ones(len(own), dtype=bool)
                mask[own] = side
                kept.append(mask)
        rise = self.master.without(np.array(kept)).reshape(-1, 2)
        tiny = TINY * max(abs(self.master.value), np.finfo(float).tiny)
        scores = np.maximum(rise[:, 0], tiny) * np.maximum(rise[:, 1], tiny)
        return cuts[int(np.argmax(scores))]

"""Exactly m units: branch and bound, whose relaxation is the problem of every width in regions.

A node is a set of at most m regions, each of which holds at least one unit; together they hold all
units of a network of at most m units. Regions of one sign are disjoint but for their walls.

Bound. For any v with ``-s v.phi_u(X) <= weight_decay`` for all units u, |u| = 1, in the regions of
sign s, and all networks with their units there,

    objective  >=  -loss*(v) + sum_j [v.phi_j + weight_decay |z_j|]  >=  -loss*(v).

The best of these is the optimum over networks of every width with units there: column generation
finds it, with pricing restricted to the regions. At the root it is the optimum of every width;
where every region has a single pattern of signs it is the optimum of at most so many units.

Branching. A region is cut into halves L and R. Its units lie all in L, or all in R, or in both:
three children, the last only where there may be another unit. In the last nothing has changed for
the relaxation, so it is branched again without a look at it.

Nodes are looked at in the order of their estimates. At every moment the smallest bound of those
that are open or closed is a lower bound on the optimum of width m.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.clock import now
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.problem import Problem, Units
from cvxnet.training.width.master import Master, solve_master
from cvxnet.training.width.regions import Mask, Region, Space
from cvxnet.types import Array

ROUNDS = 50
"""Times that a node is priced, at most."""
NEW_UNITS = 6
"""Units that come in from each region, at most."""
SPREAD = 1e-3
"""What the distance of units that one replaces counts beside what they cost, squared."""


@dataclass(frozen=True, eq=False)
class Atoms:
    """Units of length one in the regions of a node.

    Attributes
    ----------
    U : (k, r) array
    owner : (k,) array
        The place of their region in the node.
    H : (n, k) array
        Their features, times the sign of their region.
    sizes : (k,) array
        What the master gave them.
    """

    U: Array
    owner: Array
    H: Array
    sizes: Array

    def pick(self, which: Mask) -> Atoms:
        """Those at an index array or mask."""
        return Atoms(self.U[which], self.owner[which], self.H[:, which], self.sizes[which])

    def moved(self, owner: Array) -> Atoms:
        """The same in other places."""
        return Atoms(self.U, owner, self.H, self.sizes)


@dataclass(eq=False)
class Leaf:
    """A node that was not branched: the dual vector that bounds it, and the bound."""

    v: Array
    bound: float


@dataclass(eq=False)
class Branch:
    """A node that was: which of its regions was cut, and where; its children.

    Of the root, which has no regions, the children are: units of sign + alone, of sign - alone, of
    both signs; those that there may be.
    """

    region: int
    cut: Any
    children: list[Any]


@dataclass(eq=False)
class Node:
    """An open node."""

    regions: tuple[Region, ...]
    atoms: Atoms
    free: Array
    bound: float
    v: Array
    parent: Branch
    place: int
    master: Master | None = None


@dataclass(eq=False)
class Tree:
    """The search.

    Attributes
    ----------
    problem : Problem
    width : int
    upper : float
        The objective of the best network, whose units are ``units``.
    gap : float
    """

    problem: Problem
    space: Space
    width: int
    units: Units
    upper: float
    gap: float
    improve: Callable[[Tree, Units], None]
    nodes: int = 0
    priced: int = 0
    closed: float = np.inf
    root: Branch = field(init=False)
    open: list[tuple[float, int, Node]] = field(default_factory=list)
    ticket: Iterator[int] = field(default_factory=count)

    @property
    def cut(self) -> float:
        """Nodes with this bound need not be looked at."""
        return self.upper * (1.0 - self.gap)

    @property
    def lower(self) -> float:
        """A bound on the optimum."""
        return min([self.closed, *(node.bound for _, _, node in self.open)])

    def start(self, v: Array, bound: float, atoms: Units) -> None:
        """The root, with a dual vector for every width and its bound."""
        regions = {s: self.space.region(s) for s in self.problem.family.output_signs}
        sets = [(s,) for s in regions] + [tuple(regions)] * (len(regions) > 1 and self.width > 1)
        self.root = Branch(-1, None, [None] * len(sets))
        U = self.space.atoms_of(atoms)
        for place, signs in enumerate(sets):
            used = np.isin(atoms.outputs, signs)
            own = Atoms(
                U=U[used],
                owner=np.array([signs.index(s) for s in atoms.outputs[used]], dtype=np.int64),
                H=self.space.features(U[used]) * atoms.outputs[used],
                sizes=atoms.sizes[used],
            )
            node = Node(
                tuple(regions[s] for s in signs), own, atoms.free, bound, v, self.root, place
            )
            self.push(node, bound)

    def push(self, node: Node, estimate: float) -> None:
        """To be looked at in its turn."""
        heapq.heappush(self.open, (estimate, next(self.ticket), node))

    def run(self, deadline: float) -> None:
        """Until nothing is open below the cut, or the deadline."""
        while self.open and now() < deadline:
            _, _, node = heapq.heappop(self.open)
            self.look_at(node)

    def look_at(self, node: Node) -> None:
        """Close the node, or branch it."""
        self.nodes += 1
        if node.bound < self.cut and node.master is None:
            self.bound(node)
        if node.bound >= self.cut:
            self.close(node)
        else:
            self.branch(node)

    def close(self, node: Node) -> None:
        """It is a leaf."""
        self.closed = min(self.closed, node.bound)
        node.parent.children[node.place] = Leaf(node.v.astype(np.float32), node.bound)

    # bounds

    def bound(self, node: Node) -> None:
        """Master and pricing in turn, until the bound is above the cut or the value is below."""
        found = None
        for _ in range(ROUNDS):
            atoms = node.atoms if found is None else joined(node.atoms, found)
            master = solve_master(self.problem, atoms.H, atoms.sizes, node.free)
            used = master.sizes > 0.0
            node.master = master = master.pick(used)
            node.atoms = Atoms(atoms.U[used], atoms.owner[used], atoms.H[:, used], master.sizes)
            node.free = master.free
            found = self.price(node, master.dual)
            self.offer(node)
            if node.bound >= self.cut or master.value < self.cut or not len(found.U):
                return

    def price(self, node: Node, v: Array) -> Atoms:
        """Price a dual vector in all regions; better units."""
        problem = self.problem
        self.priced += 1
        pricing, budget = self.space.pricing(v, problem.weight_decay), Budget()
        rho, U, owner = problem.weight_decay, list[Array](), list[Array]()
        for place, region in enumerate(node.regions):
            maxima, complete = pricing.maxima(region, budget)
            rho = max(rho, maxima[:, 0].max(initial=0.0)) if complete else np.inf
            maxima = maxima[np.argsort(-maxima[:, 0])][:NEW_UNITS]
            U.append(maxima[:, 1:])
            owner.append(np.full(len(maxima), place))
        largest = problem.largest_multiple(rho + pricing.error)
        t = problem.loss.best_scale(v, problem.y, largest)
        bound = -problem.loss.conjugate(t * v, problem.y)
        if bound > node.bound:
            node.bound, node.v = bound, t * v
        found, places = np.concatenate(U), np.concatenate(owner)
        signs = np.array([region.sign for region in node.regions])
        H = self.space.features(found) * signs[places]
        return Atoms(found, places, H, np.zeros(len(found)))

    # networks

    def offer(self, node: Node) -> None:
        """The network in which units of one region are one, where there are too many."""
        U, sizes, signs = list[Array](), list[float](), list[float]()
        atoms, spare = node.atoms, self.width - len(node.regions)
        for place, region in enumerate(node.regions):
            own = largest_first(atoms, place)
            alone = max(min(spare, len(own) - 1), 0)
            spare -= alone
            for group in (*own[:alone, None], own[alone:]):
                if group.size:
                    u, size = self.space.merge(atoms.U[group], atoms.sizes[group])
                    U.append(u)
                    sizes.append(size)
                    signs.append(region.sign)
        rows = np.reshape(U, (len(U), atoms.U.shape[1]))
        self.improve(self, self.space.units(rows, np.array(sizes), np.array(signs), node.free))

    # branching

    def branch(self, node: Node) -> None:
        """Replace the node by its children."""
        atoms, master = node.atoms, node.master
        place = self.region_to_cut(node)
        region = node.regions[place]
        own = atoms.owner == place
        cut = self.best_cut(node, place, own)
        document, first, second = region.halves(cut)
        inside = np.zeros(len(own), dtype=bool)
        inside[own] = region.in_first(cut, atoms.U[own])
        before, after = node.regions[:place], node.regions[place + 1 :]
        children: list[tuple[tuple[Region, ...], Atoms, Master | None]] = [
            ((*before, first, *after), atoms.pick(~own | inside), None),
            ((*before, second, *after), atoms.pick(~own | (own & ~inside)), None),
        ]
        if len(node.regions) < self.width:
            shift = (atoms.owner > place) | (own & ~inside)
            both = atoms.moved(atoms.owner + shift)
            children.append(((*before, first, second, *after), both, master))
        branch = Branch(place, document, [None] * len(children))
        node.parent.children[node.place] = branch
        for k, (regions, own_atoms, known) in enumerate(children):
            child = Node(regions, own_atoms, node.free, node.bound, node.v, branch, k, known)
            self.push(child, node.bound)

    def region_to_cut(self, node: Node) -> int:
        """The region whose units differ most from the fewer that there may be."""
        spare = self.width - len(node.regions)
        scores = [self.score(node, place, spare) for place in range(len(node.regions))]
        if max(scores) <= 0.0:
            scores = [self.score(node, place, 0) for place in range(len(node.regions))]
        if max(scores) <= 0.0:
            scores = [float(region.parts) for region in node.regions]
        return int(np.argmax(scores))

    def merged(self, node: Node, place: int, spare: int) -> tuple[Array, float]:
        """What predictions and sizes lose where all but ``spare`` units of a region become one."""
        own = largest_first(node.atoms, place)[spare:]
        sizes = node.atoms.sizes[own]
        u, size = self.space.merge(node.atoms.U[own], sizes)
        one = node.regions[place].sign * size * self.space.features(u[None])[:, 0]
        return node.atoms.H[:, own] @ sizes - one, float(sizes.sum() - size)

    def score(self, node: Node, place: int, spare: int) -> float:
        """How much a region's units differ from one."""
        if (node.atoms.owner == place).sum() <= spare + 1:
            return 0.0
        d, saved = self.merged(node, place, spare)
        value = np.abs(d) @ np.abs(node.v) + self.problem.weight_decay * saved
        return float(value + SPREAD * (d @ d))

    def best_cut(self, node: Node, place: int, own: Array) -> Any:
        """Of the cuts of a region, that of which the children's masters rise most."""
        atoms = node.atoms
        U, sizes = atoms.U[own], atoms.sizes[own]
        pull = np.zeros(len(self.problem.y))
        if len(U):
            d, _ = self.merged(node, place, 0)
            pull = np.abs(d * node.v)
        region = node.regions[place]
        cuts = list(region.cuts(U, sizes, pull))
        if len(cuts) == 1 or not len(U):
            return cuts[0]
        kept = []
        for cut in cuts:
            inside = region.in_first(cut, U)
            for side in (inside, ~inside):
                mask = np.ones(len(own), dtype=bool)
                mask[own] = side
                kept.append(mask)
        assert node.master is not None
        rise = node.master.without(np.array(kept)).reshape(-1, 2)
        tiny = 1e-6 * self.upper
        scores = np.maximum(rise[:, 0], tiny) * np.maximum(rise[:, 1], tiny)
        return cuts[int(np.argmax(scores))]


def largest_first(atoms: Atoms, place: int) -> NDArray[np.intp]:
    """The indices of the units of a region."""
    own = np.flatnonzero(atoms.owner == place)
    return own[np.argsort(-atoms.sizes[own], kind="stable")]


def joined(atoms: Atoms, more: Atoms) -> Atoms:
    """Both."""
    return Atoms(
        np.vstack([atoms.U, more.U]),
        np.concatenate([atoms.owner, more.owner]),
        np.hstack([atoms.H, more.H]),
        np.concatenate([atoms.sizes, more.sizes]),
    )

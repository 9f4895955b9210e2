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

The node with the lowest bound comes first. At every moment the tree is whole: the smallest bound of
its leaves is a lower bound on the optimum of width m.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from cvxnet.errors import SolverError
from cvxnet.kernels import true_interruptions
from cvxnet.training.bracket import SLACK, Bracket
from cvxnet.training.clock import now
from cvxnet.training.every_width import INTERRUPTED, REACHED
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.problem import Problem, Units
from cvxnet.training.width.branching import Relaxed
from cvxnet.training.width.master import solve_master
from cvxnet.training.width.networks import Incumbent
from cvxnet.training.width.nodes import Atoms, Branch, Leaf, Node
from cvxnet.training.width.regions import Region, Space
from cvxnet.training.width.spaces import space_of
from cvxnet.types import Array

ROUNDS = 50
"""Times that a node is priced, at most."""
NEW_UNITS = 6
"""Units that come in from each region, at most."""
WIDTH, NARROWER, SHARE = 1e-4, 0.1, 0.2
"""Of the envelope of a loss with kinks: at first, and in one step; and the share of the gap that it
may cost."""
STILL = 1e-13
"""Masters that fall by less than this, relatively, stand still."""
CHORDS, ROOM = 3, 1e-9
"""Steps to the largest rho that closes a node, and relative room for its rounding."""
OPENING = 0.3
"""Networks before the search may take this share of the time."""
BELOW, DETAIL = 2, 0.1
"""A node whose value is below the cut is branched after so many pricings, or where its bound is
that close to the value, relative to the cut. At once would do for the search; but bounds of open
nodes are what is left of it at a time limit."""
SPARED = 0.1
"""This part of the gap is left to those who prove it in other arithmetic."""
PAUSE = 0.2
"""Seconds between reports."""
NODE_BYTES = 2000
"""What an open node takes beside its arrays, about."""
MOST_BYTES = 2_000_000_000
"""What all may take."""
TIME, FULL = (
    "the time limit was reached: a longer run narrows the bracket",
    "the search has as many open nodes as memory may hold: a wider gap, fewer units or a larger "
    "weight decay need fewer",
)

Report = Callable[["Tree"], object]
"""Is shown the tree."""


@dataclass(eq=False)
class Tree:
    """The search.

    Attributes
    ----------
    space : Space
    incumbent : Incumbent
        The best network so far.
    every : Bracket
        Of every width; its tolerance counts here, too.
    gap : float
        The relative gap to close.
    stopped : str
        Why it has ended.
    least : float
        The smallest bound of what cannot be divided any further.
    root : Branch
    """

    space: Space
    incumbent: Incumbent
    every: Bracket
    gap: float
    nodes: int = 0
    priced: int = 0
    stopped: str = ""
    root: Branch = field(init=False)
    open: list[tuple[float, int, Node]] = field(default_factory=list)
    ticket: Iterator[int] = field(default_factory=count)
    least: float = np.inf
    smoothing: float = WIDTH
    bytes: int = 0

    def __post_init__(self) -> None:
        self.root = Branch(-1, None, [])
        regions = {s: self.space.region(s) for s in self.problem.family.output_signs}
        units = self.every.units.without_small(0.0)
        leaf = Leaf(self.every.dual, self.every.lower)
        U, outputs = self.space.atoms_of(units)
        sets: list[tuple[float, ...]] = [(s,) for s in regions]
        sets += [tuple(regions)] * (len(regions) > 1 and self.width > 1)
        for place, signs in enumerate(sets):
            used = np.isin(outputs, signs)
            owner = np.array([signs.index(s) for s in outputs[used]], dtype=np.intp)
            atoms = Atoms(U[used], owner, units.sizes[used])
            self.root.children.append(leaf)
            node = Node(tuple(regions[s] for s in signs), atoms, units.free, self.root, place)
            self.push(node)

    @classmethod
    def begin(
        cls,
        problem: Problem,
        width: int,
        every: Bracket,
        *,
        starts: Iterable[Units] = (),
        gap: float,
    ) -> Tree:
        """The root, with the best of the given networks that have few enough units."""
        none = every.units.pick(np.zeros(0, dtype=np.intp))
        incumbent = Incumbent(problem, width, none)
        for units in (every.units, *starts):
            incumbent.offer(units)
        return cls(space_of(problem.family), incumbent, every, gap)

    @property
    def problem(self) -> Problem:
        """What is to be minimised."""
        return self.incumbent.problem

    @property
    def width(self) -> int:
        """How many units there may be."""
        return self.incumbent.width

    @property
    def units(self) -> Units:
        """The best network."""
        return self.incumbent.units

    @property
    def upper(self) -> float:
        """Its objective."""
        return self.incumbent.value

    @property
    def lower(self) -> float:
        """A bound on the optimum."""
        return min(leaf.bound for leaf in self.root.leaves())

    @property
    def cut(self) -> float:
        """Nodes with this bound need not be looked at."""
        gap = self.gap * (1.0 - SPARED)
        goal = self.upper - max(gap * self.upper, self.every.tolerance.width(gap))
        return min(goal, self.least)

    @property
    def closed(self) -> bool:
        """Whether the gap is reached, or the absolute tolerance for optima of about 0."""
        return bool(self.every.tolerance.closed_by(self.lower, self.upper, self.gap))

    def push(self, node: Node) -> None:
        """To be looked at in its turn: the lowest bound comes first."""
        self.bytes += node.atoms.U.nbytes + NODE_BYTES
        heapq.heappush(self.open, (node.bound, next(self.ticket), node))

    def pop(self) -> Node:
        """The next one."""
        _, _, node = heapq.heappop(self.open)
        self.bytes -= node.atoms.U.nbytes + NODE_BYTES
        return node

    def run(self, deadline: float, report: Report | None, most_bytes: float = MOST_BYTES) -> None:
        """Until nothing is open below the cut, or the deadline, or the memory is full."""
        told = -np.inf
        while self.open and not self.stopped:
            self.look_at(self.pop(), deadline)
            if now() > deadline:
                self.stopped = TIME
            elif self.bytes > most_bytes:
                self.stopped = FULL
            if report is not None and now() > told + PAUSE:
                report(self)
                told = now()
        if not self.stopped:
            self.stopped = REACHED if self.closed else self.space.stuck

    def look_at(self, node: Node, deadline: float) -> None:
        """Leave the node as a leaf, or branch it; so, too, the child in which nothing changes."""
        self.nodes += 1
        relaxed = self.relax(node, deadline)
        if relaxed is None:
            return
        self.incumbent.consider(relaxed.network(), self.nodes, deadline)
        same: Node | None = node
        while same is not None and same.bound < self.cut:
            chosen = relaxed.choose()
            if chosen is None:
                self.finish(same, relaxed, deadline)
                return
            same, relaxed = self.branch(same, relaxed, *chosen)

    def finish(self, node: Node, relaxed: Relaxed, deadline: float) -> None:
        """Leave what cannot be divided as a leaf, with the best bound that it has."""
        self.incumbent.consider(relaxed.network(), self.nodes, deadline)
        self.relax(node, deadline, whole=True)
        self.least = min(self.least, node.bound)

    # bounds

    def relax(self, node: Node, deadline: float, whole: bool = False) -> Relaxed | None:
        """Master and pricing in turn, until the bound is above the cut, or close to a value below.

        With ``whole`` until the end. None where the node needs no further look.
        """
        atoms, free, last, below = node.atoms, node.free, np.inf, 0
        for _ in range(ROUNDS):
            if node.bound >= self.cut or now() > deadline:
                return None
            relaxed = self.solve(node.regions, atoms, free)
            atoms, master = relaxed.atoms, relaxed.master
            free = master.free
            below += master.value < self.cut
            if not whole and self.is_known(node.bound, master.value, below):
                return relaxed
            found = self.price(node, master.dual, deadline)
            still = not len(found.U) or master.minimum >= last - STILL * abs(last)
            last = master.minimum
            if still and not self.narrow():
                break
            if still:
                last = np.inf
            atoms = atoms.joined(found)
        return relaxed

    def solve(self, regions: tuple[Region, ...], atoms: Atoms, free: Array) -> Relaxed:
        """The master of some units, and those that it uses."""
        loss = self.problem.loss.smoothed(self.smoothing)
        H = atoms.features(self.space, regions)
        master = solve_master(self.problem, loss, H, atoms.sizes, free)
        used = master.sizes > 0.0
        master = master.pick(used)
        kept = Atoms(atoms.U[used], atoms.owner[used], master.sizes)
        return Relaxed(self.space, regions, kept, master, self.width - len(regions))

    def is_known(self, bound: float, value: float, pricings: int) -> bool:
        """Whether enough is known of a node whose value was below the cut so many times."""
        return pricings > BELOW or value - bound <= DETAIL * (self.cut - bound)

    def narrow(self) -> bool:
        """Make the envelope of a loss with kinks narrower; says whether that may help."""
        problem = self.problem
        if problem.loss.smooth:
            return False
        if self.smoothing <= self.least_smoothing:
            return False
        self.smoothing *= NARROWER
        return True

    @property
    def least_smoothing(self) -> float:
        """The width of an envelope that costs bounds a small part of the gap."""
        low, high = self.problem.loss.domain(self.problem.y)
        slopes = float((np.maximum(-low, high) ** 2).sum())
        return SHARE * (self.upper - self.cut) / slopes

    def price(self, node: Node, v: Array, deadline: float) -> Atoms:
        """Price a dual vector in all regions; better units."""
        self.priced += 1
        floor = self.largest_rho(v)
        pricing, budget = self.space.pricing(v, floor), Budget(deadline)
        rho, U, owner = floor, list[Array](), list[int]()
        for place, region in enumerate(node.regions):
            maxima, complete = pricing.maxima(region, budget)
            rho = max(rho, maxima[:, 0].max(initial=0.0)) if complete else np.inf
            maxima = maxima[np.argsort(-maxima[:, 0])][:NEW_UNITS]
            U.append(maxima[:, 1:])
            owner += [place] * len(maxima)
        self.offer_dual(node, v, rho + pricing.error)
        found = np.concatenate(U)
        return Atoms(found, np.array(owner, dtype=np.intp), np.zeros(len(found)))

    def largest_rho(self, v: Array) -> float:
        """A value of rho with which v still closes a node; at least ``weight_decay``.

        The bound of t v is concave in t, so between 0 and t it is above its chord.
        """
        problem, t, floor = self.problem, 1.0, self.problem.weight_decay
        zero, bound = self.bound_of(0.0 * v), self.bound_of(v)
        for _ in range(CHORDS):
            if not bound > self.cut > zero:
                break
            t *= (self.cut - zero) / (bound - zero)
            bound = self.bound_of(t * v)
            floor = problem.weight_decay / (t * (1.0 + ROOM))
        return max(floor, problem.weight_decay)

    def bound_of(self, v: Array) -> float:
        """The bound of a dual vector where no unit is above ``weight_decay``."""
        return -self.problem.loss.conjugate(v, self.problem.y)

    def offer_dual(self, node: Node, v: Array, rho: float) -> None:
        """Keep the best multiple of v where it bounds the node better; rho bounds v."""
        problem = self.problem
        if not problem.ignores_free(v):
            return
        largest = problem.largest_multiple(rho * (1.0 + SLACK))
        t = problem.loss.best_scale(v, problem.y, largest)
        bound = self.bound_of(t * v)
        if bound > node.bound:
            self.bytes += v.nbytes
            node.becomes(Leaf(t * v, bound))

    # branching

    def branch(
        self, node: Node, relaxed: Relaxed, place: int, cut: Any
    ) -> tuple[Node | None, Relaxed]:
        """Replace the node by its children; that in which nothing changes, for the relaxation."""
        regions, atoms, master = relaxed.regions, relaxed.atoms, relaxed.master
        document, first, second = regions[place].halves(cut)
        own = atoms.owner == place
        inside = np.zeros(len(own), dtype=bool)
        inside[own] = regions[place].in_first(cut, atoms.U[own])
        before, after = regions[:place], regions[place + 1 :]
        branch = Branch(place, document, [node.leaf] * (2 + (relaxed.spare > 0)))
        halves = ((first, ~own | inside), (second, ~own | (own & ~inside)))
        for k, (region, kept) in enumerate(halves):
            parts: tuple[Region, ...] = (*before, region, *after)
            self.push(Node(parts, atoms.pick(kept), master.free, branch, k))
        node.becomes(branch)
        if not relaxed.spare:
            return None, relaxed
        both = (*before, first, second, *after)
        owner = atoms.owner + ((atoms.owner > place) | (own & ~inside))
        moved = Atoms(atoms.U, owner, atoms.sizes)
        same = Node(both, moved, master.free, branch, 2)
        return same, Relaxed(self.space, both, moved, master, relaxed.spare - 1)


def search_width(
    problem: Problem,
    width: int,
    every: Bracket,
    *,
    starts: Iterable[Units] = (),
    gap: float,
    deadline: float = np.inf,
    report: Report | None = None,
) -> Tree:
    """The best network of at most so many units, and the tree that bounds the optimum.

    Parameters
    ----------
    problem : Problem
        The one that is solved, see `cvxnet.training.reduction`.
    width : int
        How many units there may be.
    every : Bracket
        That of every width.
    starts : iterable of Units
        Networks to begin with; those of more units do not count.
    gap : float
        Relative gap to close; optima of about 0 close by the bracket's tolerance.
    deadline : float
        When to end, as `now` counts; the bracket then is what it has come to.
    report : callable, optional
        Is told every now and then how it is going.
    """
    tree = Tree.begin(problem, width, every, starts=starts, gap=gap)
    try:
        with true_interruptions():
            if tree.closed:
                tree.stopped = REACHED
            else:
                tree.incumbent.start(every.units, now() + OPENING * (deadline - now()))
            tree.run(deadline, report)
    except KeyboardInterrupt:
        tree.stopped = INTERRUPTED
    except (SolverError, np.linalg.LinAlgError, ArithmeticError) as error:
        tree.stopped = f"a computation failed: {error}"
    return tree

"""Another statement that implies the one at hand: equalities used up, leaves replaced.

Let D be the domain of a statement about f and let, for every point of D, F at the same values of
the leaves be f, and let all constraints of F hold there. If F is convex along every segment on
which its constraints hold, so is f along those of D. The proof brings F as a document of its own,
and here it is read beside f, node by node: the same atoms, and where f has a leaf that F has not,
an affine expression that equals it wherever the equality constraints of D hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from flint import fmpq

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ..forms.affine import Affine, Equations, affine_entries, differences, equations_of
from ..forms.conditions import holds
from ..forms.normal import normal_forms
from ..statement import COMPLEX, Checking, Proof, Statement, check_node, check_places

MOST_NODES = 100_000


def by_restatement(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The proof of another statement whose domain and values include those of this one."""
    other = read(statement, proof)
    pairs = Pairs(statement, other, proof["leaves"], checking.clock)
    pairs.check(statement.root, other.root)
    require(len(proof["from"]) == len(other.constraints), "an origin for each constraint is needed")
    for constraint, origin in zip(other.constraints, proof["from"], strict=True):
        pairs.check_constraint(constraint, origin)
    checking.prove(other, proof["proof"])


def read(statement: Statement, document: Mapping[str, Any]) -> Statement:
    """The statement of the same kind about another document."""
    nodes, root = document["nodes"], document["root"]
    require(len(nodes) <= MOST_NODES, "too many nodes")
    for place, node in enumerate(nodes):
        check_node(place, node)
    require(isinstance(root, int) and 0 <= root < len(nodes), "there is no such root")
    check_places(document["unknowns"], nodes)
    unknowns, constraints = frozenset(document["unknowns"]), document["constraints"]
    return Statement(nodes, constraints, unknowns, root, statement.goal, statement.entry)


class Pairs:
    """Nodes of two documents that are equal wherever the first one's constraints hold."""

    def __init__(
        self, old: Statement, new: Statement, leaves: Mapping[str, Any], clock: Clock
    ) -> None:
        self.old, self.new, self.clock = old, new, clock
        self.forms = normal_forms(new, clock)
        self.leaves = {int(place): int(of) for place, of in leaves.items()}
        self.equal: set[tuple[int, int]] = set()
        for place, node in enumerate(new.nodes):
            if node["atom"] == "leaf":
                self.check_leaf(place)

    @cached_property
    def equations(self) -> Equations:
        """What the constraints of the old statement say that are affine equations."""
        return equations_of(self.old, self.clock)

    def check_leaf(self, place: int) -> None:
        """A leaf of the new document is one of the old, with no further limits."""
        require(place in self.leaves, "a leaf that the statement does not know")
        of = self.leaves[place]
        require(0 <= of < len(self.old.nodes), "there is no such leaf")
        new, old = self.new.nodes[place], self.old.nodes[of]
        require(old["atom"] == "leaf", "no leaf in the place of one")
        same = all(new[key] == old[key] for key in ("shape", "attributes"))
        require(same, "a leaf with another shape or other attributes")
        free = place in self.new.unknowns or of not in self.old.unknowns
        require(free, "an unknown that does not move in the other statement")
        if COMPLEX & set(old["attributes"]):
            return
        for (low, high), (least, most) in zip(
            self.new.bounds(place), self.old.bounds(of), strict=True
        ):
            above = low is None or (least is not None and least >= low)
            below = high is None or (most is not None and most <= high)
            require(above and below, "a leaf with narrower bounds")

    def check(self, old: int, new: int) -> None:
        """Refuse unless both have the same values."""
        waiting = [(old, new)]
        while waiting:
            pair = waiting.pop()
            if pair in self.equal:
                continue
            self.equal.add(pair)
            self.clock.check()
            one, other = self.old.nodes[pair[0]], self.new.nodes[pair[1]]
            if one["atom"] == "leaf":
                self.check_value(*pair)
                continue
            keys = ("atom", "shape", "options", "entries")
            same = all(one.get(key) == other.get(key) for key in keys)
            require(same, f"{one['atom']} was replaced by something else")
            args, others = one.get("args", ()), other.get("args", ())
            require(len(args) == len(others), "another number of arguments")
            waiting += zip(args, others, strict=True)

    def check_value(self, leaf: int, new: int) -> None:
        """What stands in the place of a leaf equals it where the equations hold."""
        if self.leaves.get(new) == leaf:
            return
        shape = self.old.nodes[leaf]["shape"]
        require(self.new.nodes[new]["shape"] == shape, "another shape in the place of a leaf")
        self.check_total(new)
        for k, value in enumerate(affine_entries(self.forms, new)):
            entry = Affine({(leaf, k): fmpq(1)})
            excess = value.moved(self.leaves).plus(entry, fmpq(-1))
            require(self.equations.zero(excess), "what does not equal the leaf that it replaces")

    def check_total(self, new: int) -> None:
        """Refuse what may have no value: nothing would be said of segments through there."""
        self.forms.of(new)
        total = all(holds(self.forms.algebra, one) for one in self.forms.conditions[new])
        require(total, "what may have no value in the place of something that has one")

    def check_constraint(self, constraint: Mapping[str, Any], origin: Any) -> None:
        """A constraint of the new document holds where those of the old do."""
        if isinstance(origin, dict):
            self.check_bound(constraint, origin)
            return
        require(isinstance(origin, int), "a constraint without an origin")
        require(0 <= origin < len(self.old.constraints), "there is no such constraint")
        old = self.old.constraints[origin]
        same = all(old[key] == constraint[key] for key in ("kind", "options"))
        require(same and len(old["args"]) == len(constraint["args"]), "another constraint")
        for pair in zip(old["args"], constraint["args"], strict=True):
            self.check(*pair)

    def check_bound(self, constraint: Mapping[str, Any], origin: Mapping[str, Any]) -> None:
        """An inequality that a leaf's bounds imply."""
        require(constraint["kind"] == "Inequality", "a bound that is no inequality")
        for side in constraint["args"]:
            self.check_total(side)
        leaf, rows = origin["leaf"], differences(self.forms, *constraint["args"])
        require(self.old.nodes[leaf]["atom"] == "leaf", "only leaves have bounds")
        require(len(rows) == len(origin["entries"]), "an entry for each bound is needed")
        for row, k in zip(rows, origin["entries"], strict=True):
            low, high = self.old.bounds(leaf)[k]
            end, sign = (low, 1) if origin["side"] == "low" else (high, -1)
            if end is None:
                raise RefusalError("there is no such bound")
            room = Affine({(leaf, k): fmpq(sign)}, -sign * end)
            spare = self.equations.reduced(row.moved(self.leaves).plus(room, fmpq(-1)))
            require(not spare.slopes and spare.constant >= 0, "a bound that is not implied")

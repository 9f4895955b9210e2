"""Problems: a convex objective on a convex set, which is built up one constraint after the other.

Let F be a convex set and C the points of a constraint. F and C have a convex set in common if C is,
within F, where a quasiconvex function is at most a constant, or a quasiconcave one at least; a
function counts only if the points of F where it has a value form a convex set, too. Starting from
the box of the bounds, each constraint is shown to keep the set convex, by what those before it say,
within bounds that it implies with them.

One inequality l <= r can be read in several ways, each of which has the same points:

    difference   l - r <= 0
    left, right  l where r is constant, r where l is
    holds        l <= r everywhere
    sqrt, log    T(l) - T(r) <= 0, for T increasing where l is: l >= 0, or l > 0
    exp          exp(l) - exp(r) <= 0
    times, over  g <= 0, where g m = l - r, or g / m = l - r, for a factor m > 0

A function of one coordinate may also be shown to be at most zero on an interval (`levels`). The
last three lines also after terms have moved from one side to the other. Equations are two
inequalities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from flint import fmpq

from ...arrays import groups, require
from ...document import RefusalError
from ...witness import read_options
from ..calculus.composition import facts_of
from ..calculus.facts import CONCAVE, DOMAIN
from ..forms.affine import affine_of
from ..forms.normal import NormalForms, normal_forms
from ..statement import COMPLEX, Checking, Node, Proof, Statement
from .bounded import narrowed
from .restated import Pairs, read

PROBLEM = "convex problem"
Sides = tuple[int | None, int | None]
"""The places of left and right; None is zero."""
DIRECTIONS: dict[str, Callable[..., list[Sides]]] = {
    "Inequality": lambda left, right: [(left, right)],
    "NonPos": lambda x: [(x, None)],
    "NonNeg": lambda x: [(None, x)],
    "Equality": lambda left, right: [(left, right), (right, left)],
    "Zero": lambda x: [(x, None), (None, x)],
}
PRODUCTS = ("multiply", "MulExpression", "DivExpression")
LOW = ("convex", "sublevel")
"""What makes the points where something is at most zero a convex set."""
CONVEX_SETS = COMPLEX | {"nonneg", "nonpos", "pos", "neg", "symmetric", "diag", "PSD", "NSD"}
CONVEX_SETS |= {"sparsity", "bounded by a parameter"}
"""Attributes whose values form convex sets."""
STRONGER = {"quasiconvex": "convex", "quasiconcave": "concave"}


def by_problem(statement: Statement, proof: Proof, checking: Checking) -> None:
    """A proof for every constraint, in an order, and for the objective on all of them.

    The goal of the statement is `PROBLEM`, which no other kind of proof may meet.
    """
    require(proof["kind"] == "problem", "another kind of proof than one about problems")
    for place in statement.unknowns:
        gaps = set(statement.nodes[place]["attributes"]) - CONVEX_SETS
        require(not gaps, f"values that are {sorted(gaps)} may not be a convex set")
    done: list[int] = []
    for item in proof["sets"]:
        require(set(item["after"]) <= set(done), "a constraint that rests on a later one")
        check_set(statement, item, checking)
        done.append(item["constraint"])
    require(sorted(done) == list(range(len(statement.constraints))), "a constraint is missing")
    prove_with_domain(statement.about(goal="convex"), proof["objective"], checking)


def check_constraints(pairs: Pairs, origins: Sequence[Any]) -> None:
    """The constraints of the other document hold where those of the statement do."""
    require(len(origins) == len(pairs.new.constraints), "an origin for each constraint is needed")
    for constraint, origin in zip(pairs.new.constraints, origins, strict=True):
        pairs.check_constraint(constraint, origin)


def prove_with_domain(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The proof, and that the points where the root has values form a convex set."""
    checking.prove(statement, proof)
    while proof["kind"] == "bounded":  # there is nothing beyond these bounds
        for bound in proof["bounds"]:
            statement = narrowed(statement, bound, checking)
        proof = proof["proof"]
    require_convex_domain(statement, statement.root, checking)


def require_convex_domain(statement: Statement, place: int, checking: Checking) -> None:
    """Refuse unless the points where a node has values form a convex set within the domain."""
    facts = facts_of(statement, place, checking.clock).entries
    if all(one.has(DOMAIN) for one in facts):
        return
    forms = normal_forms(statement, checking.clock)
    forms.of(place)
    for kind, polynomial in forms.conditions[place]:
        require(kind in ("positive", "nonnegative"), "the domain may not be convex")
        affine_of(polynomial)


def check_set(statement: Statement, item: Mapping[str, Any], checking: Checking) -> None:
    """Refuse unless a constraint leaves a convex set of a convex set."""
    constraint = statement.constraints[item["constraint"]]
    before = in_box(statement, item, checking)
    readings = [Reading(before, reading, checking) for reading in item["readings"]]
    directions = DIRECTIONS.get(constraint["kind"])
    if directions is None:
        require(is_convex_cone(constraint), f"a set {constraint['kind']} that may not be convex")
        require(len(readings) == 2, "members of a cone need two proofs")
        goals = {reading.check_members(constraint["args"]) for reading in readings}
        require(goals == {"convex", "concave"}, "members of a cone have to be affine")
        return
    sides = directions(*constraint["args"])
    require(len(sides) == len(readings), "a proof for each direction is needed")
    for reading, both in zip(readings, sides, strict=True):
        reading.check(*both)


def is_convex_cone(constraint: Mapping[str, Any]) -> bool:
    """Whether the members of a kind of constraint, with its options, form a convex set.

    ``prod w^a`` with a >= 0 is concave for w >= 0 where the sum of a is at most one.
    """
    kind = constraint["kind"]
    if kind not in ("PowCone3D", "PowConeND"):
        return kind in ("SOC", "PSD", "ExpCone")
    alpha = read_options(constraint["options"])["alpha"]
    if kind == "PowCone3D":
        return all(0 <= value <= 1 for value in alpha.entries)
    axis = constraint["options"]["axis"] if len(alpha.shape) > 1 else 0
    rows = groups(alpha, [axis])
    return all(min(row) >= 0 and sum(row) <= 1 for row in rows)


def in_box(statement: Statement, item: Mapping[str, Any], checking: Checking) -> Statement:
    """What those before say, within the bounds that the constraint implies with them."""
    boxed = statement
    for bound in item["bounds"]:
        known = bound["constraint"] in (*item["after"], item["constraint"])
        require(known, "a bound that rests on a later constraint")
        boxed = narrowed(boxed, bound, checking)
    return boxed.about(constraints=[statement.constraints[k] for k in item["after"]])


class Reading:
    """One way to read an inequality, in a document of its own, and the proof of what it needs."""

    def __init__(self, before: Statement, given: Mapping[str, Any], checking: Checking) -> None:
        self.given, self.checking = given, checking
        self.goal = given["goal"]
        self.inner = read(before.about(goal=self.goal), given)
        self.more = self.inner.extended(given["more"])
        self.pairs = Pairs(before, self.more, given["leaves"], checking.clock)
        check_constraints(self.pairs, given["from"])

    def check(self, left: int | None, right: int | None) -> None:
        """Refuse unless the points with left <= right are shown to be a convex set."""
        way = self.given["way"]
        if way == "holds":
            return self.check_always(left, right)
        if way == "difference":
            self.check_difference(left, right)
        elif way in ("left", "right"):
            self.check_level(left, right)
        else:
            require(way in WAYS, f"there is no way {way!r} to read an inequality")
            require(self.goal in LOW, "this way needs a convex function, or its level set")
            WAYS[way](self, *self.moved(left, right))
        prove_with_domain(self.inner, self.given["proof"], self.checking)

    def check_always(self, left: int | None, right: int | None) -> None:
        """The left side is nowhere above the right one."""
        highs, lows = [fmpq(0)], [fmpq(0)]
        for place, ends in ((left, highs), (right, lows)):
            if place is not None:
                require_convex_domain(self.pairs.old, place, self.checking)
                facts = facts_of(self.pairs.old, place, self.checking.clock).entries
                ends[:] = [f.high if ends is highs else f.low for f in facts]
        known = None not in highs and None not in lows
        require(known and max(highs) <= min(lows), "an inequality that may not hold everywhere")

    def check_members(self, args: Sequence[int]) -> str:
        """The root consists of the entries of all members; the goal that is proved of it."""
        root = self.inner.nodes[self.inner.root]
        parts = root["args"] if root["atom"] == "Hstack" and len(args) > 1 else [self.inner.root]
        require(len(parts) == len(args), "as many parts as members are needed")
        for part, arg in zip(parts, args, strict=True):
            node = self.inner.nodes[part]
            require(node["atom"] == "reshape", "members are stacked as vectors")
            self.pairs.check(arg, node["args"][0])
        prove_with_domain(self.inner, self.given["proof"], self.checking)
        return str(self.goal)

    def check_difference(self, left: int | None, right: int | None) -> None:
        """The root is left - right and convex, or right - left and concave."""
        require(self.goal in (*LOW, "concave"), "a difference has to be convex or concave")
        if self.goal == "concave":
            left, right = right, left
        root = self.inner.root
        try:
            self.match_difference(root, left, right)
        except RefusalError:
            self.checking.clock.check()
            forms = Terms(self.more, self.checking)
            one, other = self.place("left", left), self.place("right", right)
            if self.goal == "concave":
                one, other = self.place("right", left), self.place("left", right)
            forms.require_equal(forms.difference(one, other), root)

    def match_difference(self, root: int, left: int | None, right: int | None) -> None:
        """The root is written as left - right."""
        node = self.inner.nodes[root]
        if right is None and left is not None:
            return self.pairs.check(left, root)
        if left is None:
            require(node["atom"] == "NegExpression", "no negative")
            return self.match(right, node["args"][0])
        require(node["atom"] == "AddExpression", "no difference")
        *terms, last = node["args"]
        negative = self.inner.nodes[stripped(self.inner.nodes, last)]
        require(negative["atom"] == "NegExpression", "nothing is subtracted")
        self.match(right, negative["args"][0])
        sum_ = self.pairs.old.nodes[left]
        parts = [left] if len(terms) == 1 else sum_.get("args", ())
        alike = len(terms) == 1 or sum_["atom"] == "AddExpression"
        require(alike and len(parts) == len(terms), "other terms than those of a side")
        for part, term in zip(parts, terms, strict=True):
            self.match(part, term)

    def match(self, old: int | None, new: int) -> None:
        """The same apart from copies along axes."""
        require(old is not None, "zero in the place of something")
        if old is not None:
            self.pairs.check(stripped(self.pairs.old.nodes, old), stripped(self.inner.nodes, new))

    def check_level(self, left: int | None, right: int | None) -> None:
        """The root is one side, and the other one does not move."""
        sides = {"left": (left, right, "quasiconvex"), "right": (right, left, "quasiconcave")}
        side, other, goal = sides[self.given["way"]]
        require(self.goal in (goal, STRONGER[goal]), f"this side has to be {goal}")
        self.match(side, self.inner.root)
        if other is not None:
            facts = facts_of(self.pairs.old, other, self.checking.clock).entries
            require(all(one.constant for one in facts), "the other side is not constant")

    def place(self, name: str, old: int | None) -> int | None:
        """Where the document has a side, which has to be that of the constraint."""
        if old is None:
            return None
        new = self.given[name]
        self.pairs.check(old, new)
        return int(new)

    def moved(self, left: int | None, right: int | None) -> tuple[int, int]:
        """Both sides, perhaps after terms moved from one to the other."""
        one, other = self.given["sides"]
        forms = Terms(self.more, self.checking)
        before = forms.difference(self.place("left", left), self.place("right", right))
        after = forms.difference(one, other)
        forms.require_equal(before, after)
        forms.require_equal(after, before)
        return one, other

    def through(self, one: int, other: int, atom: str, options: Mapping[str, Any]) -> None:
        """The root is T(one) - T(other)."""
        forms = Terms(self.more, self.checking)
        expected = forms.difference(
            forms.add(atom, [one], options), forms.add(atom, [other], options)
        )
        forms.require_equal(expected, self.inner.root)

    def by_roots(self, one: int, other: int) -> None:
        """Square roots of both sides."""
        facts = facts_of(self.more, one, self.checking.clock).entries
        require(all(f.low is not None and f.low >= 0 for f in facts), "a root of what may be < 0")
        self.through(one, other, "Power", {"p": 0.5})

    def by_exponentials(self, one: int, other: int) -> None:
        """Exponentials of both sides."""
        forms = Terms(self.more, self.checking)
        expected = forms.difference(forms.add("exp", [one], {}), forms.add("exp", [other], {}))
        forms.require_equal(expected, self.inner.root)

    def by_logarithms(self, one: int, other: int) -> None:
        """Logarithms of both sides, of products factor by factor."""
        self.require_positive(one)
        forms = Terms(self.more, self.checking)
        expected = forms.difference(forms.logarithm(one), forms.logarithm(other))
        forms.require_equal(expected, self.inner.root)

    def by_factor(self, one: int, other: int) -> None:
        """The root times a positive factor is the difference."""
        factor, forms = self.given["factor"], Terms(self.more, self.checking)
        self.require_positive(factor)
        facts = facts_of(self.more, factor, self.checking.clock).entries
        require(all(f.has(DOMAIN) for f in facts), "a factor whose domain may not be convex")
        product = forms.add("multiply", [self.inner.root, factor], {})
        forms.require_equal(forms.difference(one, other), product)

    def by_denominator(self, one: int, other: int) -> None:
        """The root over a positive factor is the difference, where that is not zero."""
        factor, forms = self.given["factor"], Terms(self.more, self.checking)
        facts = facts_of(self.more, factor, self.checking.clock).entries
        require(all(f.has(DOMAIN) for f in facts), "a factor whose domain may not be convex")
        if not all(f.low is not None and f.low >= 0 and f.has(CONCAVE) for f in facts):
            self.require_positive(factor)
        quotient = forms.add("DivExpression", [self.inner.root, factor], {})
        forms.require_equal(forms.difference(one, other), quotient)

    def require_positive(self, place: int) -> None:
        """Refuse unless every entry of a node is above zero."""
        forms = normal_forms(self.more, self.checking.clock)
        facts = facts_of(self.more, place, self.checking.clock).entries
        if not all(one.low is not None and one.low > 0 for one in facts):
            ranges = [forms.algebra.range(entry) for entry in forms.of(place)]
            require(all(one.above_zero for one in ranges), "a side that may not be above zero")


WAYS: dict[str, Callable[[Reading, int, int], None]] = {
    "sqrt": Reading.by_roots,
    "log": Reading.by_logarithms,
    "exp": Reading.by_exponentials,
    "times": Reading.by_factor,
    "over": Reading.by_denominator,
}


def stripped(nodes: Sequence[Node], place: int) -> int:
    """The node below copies along axes."""
    while nodes[place]["atom"] in ("Promote", "broadcast_to"):
        (place,) = nodes[place]["args"]
    return place


class Terms:
    """A statement with more nodes, and whether two of its nodes are the same function."""

    def __init__(self, statement: Statement, checking: Checking) -> None:
        self.statement, self.checking = statement, checking

    def add(self, atom: str, args: Sequence[int], options: Mapping[str, Any]) -> int:
        """One more node, entry by entry of arguments of one shape; its place."""
        shapes = [list(self.statement.nodes[k]["shape"]) for k in args]
        shape = max(shapes, key=len)
        require(all(s in (shape, []) for s in shapes), "sides of different shapes")
        node = {"atom": atom, "shape": shape, "args": list(args), "options": dict(options)}
        self.statement = self.statement.extended([node])
        return len(self.statement.nodes) - 1

    def is_product_by_entries(self, name: str, args: Sequence[int]) -> bool:
        """Whether each entry is a product, or a quotient, of one entry of each argument."""
        sizes = {prod(self.statement.nodes[k]["shape"]) for k in args}
        return name in PRODUCTS and (name in ("multiply", "DivExpression") or sizes == {1})

    def logarithm(self, place: int) -> int:
        """The logarithm of a node: of factors that are nowhere below zero, the sum of theirs."""
        place = stripped(self.statement.nodes, place)
        node = self.statement.nodes[place]
        name, args = node["atom"], node.get("args", [])
        if name == "exp":
            return int(args[0])
        if self.is_product_by_entries(name, args) and self.are_factors(args):
            one, two = (self.logarithm(k) for k in args)
            if name == "DivExpression":
                return self.difference(one, two)
            return self.add("AddExpression", [one, two], {})
        if name == "Prod" and self.are_factors(args):
            logs = self.add("log", args, {})
            total = {"atom": "Sum", "shape": node["shape"], "args": [logs]}
            self.statement = self.statement.extended([{**total, "options": node["options"]}])
            return len(self.statement.nodes) - 1
        return self.add("log", [place], {})

    def are_factors(self, args: Sequence[int]) -> bool:
        """Whether nodes are multiplied one by one, and no entry of one is below zero."""
        shapes = {tuple(self.statement.nodes[k]["shape"]) for k in args}
        facts = [f for k in args for f in facts_of(self.statement, k).entries]
        return len(shapes) == 1 and all(f.low is not None and f.low >= 0 for f in facts)

    def difference(self, left: int | None, right: int | None) -> int:
        """``left - right``, None is zero."""
        if right is None:
            require(left is not None, "nothing is compared with nothing")
            return int(left or 0)
        negative = self.add("NegExpression", [right], {})
        return negative if left is None else self.add("AddExpression", [left, negative], {})

    def require_equal(self, one: int, two: int) -> None:
        """Refuse unless node ``one`` has values on a convex set, and ``two`` has the same there.

        So the points with ``one <= 0`` are those of this set with ``two <= 0``.
        """
        forms: NormalForms = normal_forms(self.statement, self.checking.clock)
        require(forms.equal(one, two), "a reading that may be of other points")
        require_convex_domain(self.statement, one, self.checking)

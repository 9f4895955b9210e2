"""Proofs that a piecewise-linear function is convex: no kink bends down on any facet.

A continuous piecewise-linear f is convex on a convex set with interior if, and only if, its slope
rises across every facet of its pieces that meets the interior: a segment in general position
meets facets only, and along it f is convex if its slopes rise (Gagneux, Massias, Soubies,
Gribonval, *Convexity in ReLU neural networks: beyond ICNNs?*, 2025, for networks). The facets lie
on the kinks ``z_k = 0`` of the gates of a circuit (`circuits`). For each gate k a tree over the
signs of other gates divides its kink; "on" means z_j >= 0 and h_j = z_j, "off" z_j <= 0 and
h_j = 0. A leaf is either empty, or its jump is not negative:

*Empty.* A combination of the inequalities of the leaf, with factors >= 0, and of ``z_k = 0`` gives
0 <= a number below 0 (Farkas); or 0 <= 0 with a factor above 0 on one that is not a multiple of
z_k: then the leaf has no interior in the kink (Motzkin). Of gates that are not decided only
``h_j >= 0`` and ``h_j >= z_j`` is used. The document says which inequalities; the factors, unique
up to scale, follow by elimination.

*Jump.* With d_j = 1 where j is on and 0 where it is off, the weight of h_k on f is
``w_k = out_k + sum_j coefficient_jk d_j w_j``; where j is not decided, d_j w_j lies between
min(0, w_j) and max(0, w_j). That is a lower bound of w_k, and it has to be >= 0.

Where several gates have their kink on one facet F (the set V): let s_j+ and s_j- be the slopes of
z_j on both sides, along a direction v that crosses F. The slope of h_j is max(s_j+, 0) on one side
and min(s_j-, 0) on the other, so it jumps by d_j (s_j+ - s_j-) + e_j, where

    e_j = max(s_j+, 0) + max(-s_j-, 0) - d_j (s_j+ - s_j-) >= 0    for d_j = 0 and for d_j = 1,

and the slope of f by the sum of e_j w_j over V, for any choice of these d_j. If each w_j is >= 0,
for each choice, nothing else is needed. In that way all gates are treated whose leaves are all
empty or have w_k >= 0. The others are listed in the document ("together"). A facet is judged in
the tree of the first gate of V, where d_j is chosen by the side z_k > 0: for a leaf of k that is
not empty, each gate of the list behind k must have w_j >= 0, or be known to have no kink there, or
be known to be along: z_j = c+ z_k on one side and c- z_k on the other; and the sum of e_j w_j over
k and all those along must be >= 0. Leaves where z_k is zero everywhere, or a multiple of the z_i of
a gate before k, contain no facet of which k is the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import mul, neg
from typing import Any, TypeAlias

from flint import fmpq, fmpq_mat

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ...witness import number
from ..statement import Checking, Proof, Statement
from .circuits import ONE, ZERO, Affine, Circuit, combined

Signs: TypeAlias = Mapping[int, int]
"""1 for gates that are on, 0 for those that are off."""
KINK = "kink"
ORDERED = {"Inequality": (1, 0), "NonNeg": (0,), "NonPos": (0,)}


def by_pieces(statement: Statement, proof: Proof, checking: Checking) -> None:
    """Refuse unless the trees show that no kink of any entry bends down (up, for concave)."""
    require(statement.goal in ("convex", "concave"), "pieces prove convex or concave")
    circuit = Circuit(statement, checking.clock)
    entries = circuit.entries_of(statement.root)
    chosen = statement.entries
    require(len(proof["entries"]) == len(chosen), "there must be trees for each entry")
    domain = Domain(circuit)
    domain.check_interior(proof.get("inside"))
    sign = ONE if statement.goal == "convex" else -ONE
    for entry, part in zip(chosen, proof["entries"], strict=True):
        output = entries[entry].scaled(sign)
        Function(circuit, domain, output, part.get("together", ())).check(part["trees"])


def rising(statement: Statement, number: int, clock: Clock) -> list[Function]:
    """For each entry a function whose first kink does not bend down where the entry rises.

    The entry f(x) becomes ``f(x + max(s, 0) e)`` with e the axis of the input with this number.
    Its slope jumps across s = 0 by the derivative of f in that input, wherever f has one: there no
    other gate has a kink, so `Function.check_tree` of the gate 0 proves that f rises.
    """
    circuit = Circuit(statement, clock)
    circuit.move(number)
    outputs = circuit.entries_of(statement.root)
    domain = Domain(circuit)
    return [Function(circuit, domain, output, ()) for output in outputs]


class Domain:
    """Affine inequalities, each a function that is >= 0 on the domain.

    Those of the bounds, then those of the constraints that are affine; what else restricts the
    domain is left out, so all is proved on a larger set, which is convex.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.rows: list[Affine] = []
        for k, (low, high) in enumerate(circuit.ranges[: circuit.inputs + 1]):
            if k and low is not None:
                self.rows.append(combined([(ONE, Affine({k: ONE})), (-low, Affine({0: ONE}))]))
            if k and high is not None:
                self.rows.append(combined([(high, Affine({0: ONE})), (-ONE, Affine({k: ONE}))]))
        self.bounds = len(self.rows)
        for constraint in circuit.statement.constraints:
            self.rows += self.affine_rows(constraint)

    def affine_rows(self, constraint: Mapping[str, Any]) -> list[Affine]:
        """The inequalities of a constraint that is affine; none of another."""
        kind, arguments = constraint["kind"], constraint["args"]
        if kind not in ORDERED:
            return []
        gates = len(self.circuit.gates)
        try:
            sides = [self.circuit.entries_of(arguments[k]) for k in ORDERED[kind]]
        except RefusalError:
            return []
        if len(self.circuit.gates) > gates:
            return []
        if len(sides) == 1:
            sign = ONE if kind == "NonNeg" else -ONE
            return [row.scaled(sign) for row in sides[0]]
        return differences_of(*sides)

    def check_interior(self, inside: Sequence[Any] | None) -> None:
        """Refuse a set without interior; one of bounds alone has some."""
        if len(self.rows) == self.bounds:
            return
        require(inside is not None, "a point inside the domain is needed")
        values = [ONE, *map(number, inside or ())]
        require(len(values) == self.circuit.inputs + 1, "a point has a number for each input")
        for row in self.rows:
            value = sum((v * values[k] for k, v in row.terms.items()), ZERO)
            require(value > 0, "the point is not inside the domain")


class Function:
    """An affine function of inputs and gates, of which no kink may bend down."""

    def __init__(
        self, circuit: Circuit, domain: Domain, output: Affine, together: Sequence[int]
    ) -> None:
        self.circuit, self.domain, self.output = circuit, domain, output
        self.together = frozenset(together)
        self.count = len(circuit.gates)
        self.users: list[list[tuple[int, fmpq]]] = [[] for _ in circuit.gates]
        for j, z in enumerate(circuit.gates):
            for k, value in z.terms.items():
                if k > circuit.inputs:
                    self.users[circuit.gate(k)].append((j, value))
        self.direct = [output.terms.get(circuit.inputs + 1 + j, ZERO) for j in range(self.count)]

    @property
    def clock(self) -> Clock:
        """The time left."""
        return self.circuit.clock

    def check(self, trees: Mapping[str, Sequence[Any]]) -> None:
        """Refuse unless every gate has a tree that shows that its kink does not bend down."""
        weights = self.weights({})
        for k in range(self.count):
            tree = trees.get(str(k), [KINK])
            simple = tree == [KINK] and not self.together
            if not (simple and weights[k] >= 0):
                self.check_tree(k, tree)

    def check_tree(self, k: int, tree: Sequence[Any]) -> None:
        """One gate: splits and leaves in the order of a walk through the tree, on before off."""
        items = iter(tree)
        cells: list[dict[int, int]] = [{}]
        while cells:
            self.clock.check()
            signs, item = cells.pop(), next(items, None)
            if isinstance(item, int):
                require(0 <= item < self.count and item != k, "there is no such gate to split on")
                require(item not in signs, "a gate that was split on before")
                cells += [signs | {item: 0}, signs | {item: 1}]
            elif item == KINK:
                self.check_kink(k, signs)
            else:
                require(isinstance(item, list), "a tree that ends too early")
                Cell(self, k, signs).check_empty(item or [])
        require(next(items, None) is None, "a tree with something behind its end")

    def weights(self, signs: Signs, first: int = 0) -> list[fmpq]:
        """Lower bounds of the weights of the gates from the first on; zero for those before."""
        low, high = list(self.direct), list(self.direct)
        for i in range(self.count - 1, first - 1, -1):
            for j, factor in self.users[i]:
                sign = signs.get(j)
                if sign == 0:
                    continue
                least, most = low[j], high[j]
                if sign is None:
                    least, most = min(least, ZERO), max(most, ZERO)
                if factor < 0:
                    least, most = most, least
                low[i] += factor * least
                high[i] += factor * most
        return low

    def check_kink(self, k: int, signs: Signs) -> None:
        """Refuse unless the jump is >= 0 on the facets in a leaf of which k is the first gate."""
        low = self.weights(signs, k)
        if low[k] >= 0 and not any(low[j] < 0 for j in self.together if j > k):
            return
        require(low[k] >= 0 or k in self.together, "a kink that may bend down")
        cell = Cell(self, k, signs)
        require(not cell.is_first or cell.jump >= 0, "a kink that may bend down")


class Cell:
    """The points of a kink where some gates have given signs."""

    def __init__(self, function: Function, k: int, signs: Signs) -> None:
        self.function, self.k, self.signs = function, k, signs
        self.circuit = function.circuit

    # ------------------------------------------------------------------ empty

    def check_empty(self, names: Sequence[Sequence[Any]]) -> None:
        """Refuse unless these inequalities contradict each other where z_k = 0."""
        kink = self.substituted(self.k)
        linear = any(kink.terms.keys() - {0})
        if not linear and kink.constant != 0:
            return
        rows = [self.row(*name) for name in names]
        columns = [*rows, kink] if linear else rows
        factors = only_combination(columns)
        if min(factors[: len(rows)], default=ZERO) < 0:
            factors = list(map(neg, factors))
        own = factors[: len(rows)]
        require(min(own, default=ZERO) >= 0, "inequalities that do not contradict")
        value = sum(map(mul, factors, [row.constant for row in columns]), ZERO)
        if not any(own):
            require(value != 0, "nothing contradicts")
            return
        require(value <= 0, "inequalities that do not contradict each other")
        if value == 0:
            require(linear, "the kink may be anywhere")
            self.check_interior([name for name, v in zip(names, own, strict=True) if v > 0])

    def check_interior(self, used: Sequence[Sequence[Any]]) -> None:
        """Refuse unless one inequality is strict inside."""
        require(any(self.is_strict(*name) for name in used), "the kink may lie in a face")

    def row(self, kind: str, place: int) -> Affine:
        """An inequality of this cell, as a function that is >= 0 there."""
        if kind == "domain":
            require(0 <= place < len(self.function.domain.rows), "there is no such inequality")
            return self.function.domain.rows[place]
        require(0 <= place < self.function.count, "there is no such gate")
        if kind == "sign":
            require(place in self.signs, "a gate that has no sign here")
            z = self.substituted(place)
            return z if self.signs[place] else -z
        require(place not in self.signs and place != self.k, "a gate that has a sign here")
        part = Affine({self.circuit.inputs + 1 + place: ONE})
        require(kind in ("part", "above"), "there is no such kind of inequality")
        return part if kind == "part" else part - self.substituted(place)

    def is_strict(self, kind: str, place: int) -> bool:
        """Whether an inequality holds strictly inside every facet in this cell."""
        if kind == "domain":
            return True
        known = kind == "sign" and {place, self.k} <= self.forms.keys()
        return known and not self.is_along(place)

    def is_along(self, j: int) -> bool:
        """Whether a gate is known to be zero wherever z_k is."""
        known = {j, self.k} <= self.forms.keys() and self.is_kink
        return known and self.share(j) is not None

    def substituted(self, j: int) -> Affine:
        """z_j on the kink, without the gates that have signs."""
        if j not in self.replaced:
            for i in self.inner(j):
                self.replaced[i] = self.without_signs(i)
        return self.replaced[j]

    @cached_property
    def replaced(self) -> dict[int, Affine]:
        """What `substituted` has found."""
        return {}

    def inner(self, j: int) -> list[int]:
        """The gates that z_j is made of and that are on, and so forth, in order, j last."""
        found, stack = {j}, [j]
        while stack:
            for i in self.gates_in(self.circuit.gates[stack.pop()]):
                if self.signs.get(i) and i != self.k and i not in found | self.replaced.keys():
                    found.add(i)
                    stack.append(i)
        return sorted(found)

    def without_signs(self, j: int) -> Affine:
        """z_j, where the gates before it that are on are replaced already."""
        parts = []
        for number_, value in self.circuit.gates[j].terms.items():
            i = self.circuit.gate(number_)
            sign = 0 if i == self.k else self.signs.get(i)
            if number_ <= self.circuit.inputs or sign is None:
                parts.append((value, Affine({number_: ONE})))
            elif sign:
                parts.append((value, self.replaced[i]))
        return combined(parts)

    def gates_in(self, z: Affine) -> Iterator[int]:
        """The gates that an affine function is made of."""
        return (self.circuit.gate(k) for k in z.terms if k > self.circuit.inputs)

    # ------------------------------------------------------------------- jump

    @cached_property
    def forms(self) -> dict[int, tuple[Affine, fmpq]]:
        """For the gates that are known z_j where z_k > 0, and c: where z_k < 0, it is - c z_k.

        A gate is known if all those that it is made of are known, and have a sign or are along.
        """
        forms: dict[int, tuple[Affine, fmpq]] = {}
        parts: dict[int, tuple[Affine, fmpq]] = {}
        for j, z in enumerate(self.circuit.gates):
            inner = list(self.gates_in(z))
            if all(i in parts for i in inner):
                forms[j] = self.made_of(z, parts)
                part = self.part(j, forms)
                if part is not None:
                    parts[j] = part
        return forms

    def made_of(self, z: Affine, parts: Mapping[int, tuple[Affine, fmpq]]) -> tuple[Affine, fmpq]:
        """An affine function of inputs and gates on one side, and what is subtracted beyond."""
        inputs = self.circuit.inputs
        rows = [
            (v, Affine({k: ONE}) if k <= inputs else parts[self.circuit.gate(k)][0])
            for k, v in z.terms.items()
        ]
        jumps = (v * parts[self.circuit.gate(k)][1] for k, v in z.terms.items() if k > inputs)
        return combined(rows), sum(jumps, ZERO)

    def part(self, j: int, forms: Mapping[int, tuple[Affine, fmpq]]) -> tuple[Affine, fmpq] | None:
        """h_j on one side, and what is subtracted beyond; None where that is not known."""
        z, jump = forms[j]
        if j == self.k:
            return z, ONE
        share = ratio(z, forms[self.k][0]) if j > self.k and self.k in forms else None
        if share is not None:
            above, below = max(share, ZERO), min(share - jump, ZERO)
            return forms[self.k][0].scaled(above), above - below
        if j not in self.signs:
            return None
        return (z, jump) if self.signs[j] else (Affine({}), ZERO)

    @property
    def is_kink(self) -> bool:
        """Whether z_k depends on what the function is to be convex in."""
        return not self.circuit.free.isdisjoint(self.forms[self.k][0].terms)

    def share(self, j: int) -> fmpq | None:
        """c with ``z_j = c z_k``, or None."""
        return ratio(self.forms[j][0], self.forms[self.k][0])

    @property
    def is_first(self) -> bool:
        """Whether this may be the first gate of a facet; refuses where that is not known."""
        require(self.k in self.forms, "a kink that is not known well enough")
        return self.is_kink and not any(self.share(j) for j in self.forms if j < self.k)

    @property
    def jump(self) -> fmpq:
        """A lower bound of the jump of the slope, where z_k has the slope 1."""
        slopes = {}
        for j in self.forms:
            above = self.share(j) if j > self.k else None
            if above is not None:
                slopes[j] = (above, above - self.forms[j][1])
        chosen = {j: int(above > 0) for j, (above, _) in slopes.items()}
        low = self.function.weights({**self.signs, **chosen, self.k: 1}, self.k)
        for j in self.function.together:
            require(j <= self.k or j in self.forms or low[j] >= 0, "a gate that is not known")
        bends = {self.k: ONE}
        for j, (above, below) in slopes.items():
            bends[j] = max(above, ZERO) + max(-below, ZERO) - chosen[j] * (above - below)
        return sum((bend * low[j] for j, bend in bends.items()), ZERO)


def ratio(one: Affine, two: Affine) -> fmpq | None:
    """c with ``one = c two``, or None.

    >>> ratio(Affine({0: fmpq(1), 2: fmpq(3)}), Affine({0: fmpq(2), 2: fmpq(6)}))
    1/2
    """
    if not one.terms:
        return ZERO
    if one.terms.keys() != two.terms.keys():
        return None
    first = next(iter(one.terms))
    factor = one.terms[first] / two.terms[first]
    return factor if all(v == factor * two.terms[k] for k, v in one.terms.items()) else None


def only_combination(columns: Sequence[Affine]) -> list[fmpq]:
    """Factors with which functions add up to a constant, which are unique up to scale."""
    used = sorted({k for column in columns for k in column.terms if k})
    if not used:
        require(len(columns) == 1, "inequalities that add up to constants in many ways")
        return [ONE]
    matrix = fmpq_mat(
        len(used), len(columns), [column.terms.get(k, ZERO) for k in used for column in columns]
    )
    echelon, rank = matrix.rref()
    require(rank == len(columns) - 1, "inequalities that do not add up in one way only")
    table = echelon.table()
    pivots = [next(j for j, v in enumerate(row) if v != 0) for row in table[:rank]]
    free = next(j for j in range(len(columns)) if j not in pivots)
    factors = [ZERO] * len(columns)
    factors[free] = ONE
    for row, pivot in zip(table, pivots, strict=False):
        factors[pivot] = -row[free]
    return factors


def differences_of(one: list[Affine], two: list[Affine]) -> list[Affine]:
    """The differences entry by entry, where one of them may be for all; none of other lengths."""
    length = max(len(one), len(two))
    one, two = (side * length if len(side) == 1 else side for side in (one, two))
    return [s - t for s, t in zip(one, two, strict=True)] if len(one) == len(two) else []

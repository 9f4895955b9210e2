"""Piecewise-linear functions of any depth: every kink is searched for a facet where it bends down.

A tree over the signs of gates (`cvxnet.proofs.checker.convexity.pieces.pieces` has the theorem),
depth first, one linear program a node. Gates without a sign are relaxed to ``h >= 0`` and ``h >=
z``, so those that matter most are split on first, whatever their layer. A leaf is closed as soon as
the weight of its kink has a lower bound >= 0, or its linear program says that it is empty. A point
on the kink where the slope falls gives a segment that refutes convexity.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray
from scipy.optimize import linprog

from cvxnet.analysis.atoms import atom_name
from cvxnet.analysis.derivation import Derived, Progress
from cvxnet.analysis.documents import tape_of
from cvxnet.analysis.evidence import Finding, Proof, Unfinished, statement_of
from cvxnet.analysis.spaces import Segment
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import Statement
from cvxnet.proofs.checker.convexity.pieces.circuits import (
    ADDING,
    OPERATIONS,
    Affine,
    Circuit,
    needed,
)
from cvxnet.proofs.checker.convexity.pieces.pieces import KINK, Cell, Domain, Function
from cvxnet.proofs.checker.dual import Clock
from cvxnet.types import Array

TOLERANCE = 1e-7
STEPS = (1.0, 0.3, 0.03)
NONE: Mapping[int, bool] = {}
KNOWN = ADDING | OPERATIONS.keys() | {"leaf"}


def prove_by_pieces(asked: Derived, goal: str) -> Iterator[Finding]:
    """A proof for each entry, or a segment across the first facet where the slope falls."""
    clock, sign = asked.clock(), fmpq(1 if goal == "convex" else -1)
    statement = statement_of(asked.question, goal)
    if not is_piecewise_linear(statement):
        return
    parts, search = list[dict[str, Any]](), None
    try:
        circuit = Circuit(statement, clock)
        outputs = circuit.entries_of(statement.root)
        domain = Domain(circuit)
        inside = point_inside(domain)
        for output in outputs:
            function = Function(circuit, domain, output.scaled(sign), ())
            search = Search(function, clock, Telling(goal, asked.report))
            parts.append(search.run())
    except RefutedError as refuted:
        place = np.unravel_index(len(parts), statement.shape)
        yield from segments(asked, circuit, refuted, tuple(map(int, place)))
    except RefusalError as refusal:
        if search is not None or is_over(clock):
            done = 0 if search is None else search.done
            yield Unfinished(f"piecewise linear, {done} of {len(circuit.gates)} kinks: {refusal}")
    else:
        evidence: dict[str, Any] = {"kind": "pieces", "entries": parts}
        evidence |= {} if inside is None else {"inside": inside}
        yield Proof(reason_of(circuit), evidence)


def is_over(clock: Clock) -> bool:
    """Whether no time is left."""
    try:
        clock.check()
    except RefusalError:
        return True
    return False


@dataclass
class Telling:
    """Tells somebody about progress, once a second."""

    goal: str
    report: Callable[[Progress], object] | None
    start: float = field(default_factory=time.monotonic)
    last: float = 0.0

    def tell(self, done: int, total: int, cells: int) -> None:
        """How far it is."""
        seconds = time.monotonic() - self.start
        if self.report is not None and seconds >= self.last + 1.0:
            self.last = seconds
            self.report(Progress(self.goal, done, total, cells, seconds))


def is_piecewise_linear(statement: Statement) -> bool:
    """Whether every node that depends on a leaf may be piecewise linear."""
    varies: dict[int, bool] = {}
    for place in needed(statement.nodes, statement.root):
        node = statement.nodes[place]
        varies[place] = node["atom"] == "leaf" or any(varies[k] for k in node.get("args", ()))
        if varies[place] and node["atom"] not in KNOWN:
            return False
    return True


class RefutedError(Exception):
    """A point on a kink across which the slope falls."""

    def __init__(self, gate: int, point: Array, direction: Array) -> None:
        super().__init__("a kink that bends down")
        self.gate, self.point, self.direction = gate, point, direction


@dataclass(frozen=True)
class Relaxed:
    """The optimum of a linear program: how far inside, where, and what is binding."""

    depth: float
    inputs: Array
    gates: Array
    binding: list[list[Any]]


class Network:
    """A circuit and one output in floating point, for batches of inputs (rows)."""

    def __init__(self, function: Function, domain: Domain) -> None:
        circuit = function.circuit
        self.inputs, self.count = circuit.inputs, function.count
        self.rows = np.array([self.floats(z) for z in circuit.gates])
        self.rows = self.rows.reshape(self.count, self.size)
        self.output = self.floats(function.output)
        self.domain = np.array([self.floats(row) for row in domain.rows])
        self.domain = self.domain.reshape(-1, self.size)[:, : self.inputs + 1]
        self.uses = self.rows[:, self.inputs + 1 :]
        self.lengths = np.maximum(np.linalg.norm(self.rows[:, 1:], axis=1), 1e-300)
        self.free = np.array([k in circuit.free for k in range(1, self.inputs + 1)], dtype=bool)

    @property
    def size(self) -> int:
        """The constant, inputs and gates."""
        return 1 + self.inputs + self.count

    def floats(self, z: Affine) -> Array:
        """The coefficients of an affine function."""
        row = np.zeros(self.size)
        for k, value in z.terms.items():
            row[k] = int(value.p) / int(value.q)
        return row

    def values(self, x: Array) -> tuple[Array, Array]:
        """What goes into each gate, and the output."""
        state = np.zeros((len(x), self.size))
        state[:, 0], state[:, 1 : self.inputs + 1] = 1.0, x
        z = np.zeros((len(x), self.count))
        for j, row in enumerate(self.rows):
            z[:, j] = state @ row
            state[:, self.inputs + 1 + j] = np.maximum(z[:, j], 0.0)
        return z, state @ self.output

    def slope(self, k: int, pattern: NDArray[np.bool_]) -> Array:
        """The gradient of what goes into a gate, where others have these signs."""
        weights = self.rows[k].copy()
        for j in range(k - 1, -1, -1):
            place = self.inputs + 1 + j
            if weights[place] and pattern[j]:
                weights += weights[place] * self.rows[j]
        return weights[1 : self.inputs + 1]

    def is_inside(self, x: Array) -> bool:
        """Whether a point keeps the inequalities."""
        return bool((self.domain[:, 0] + self.domain[:, 1:] @ x >= 0.0).all())


class Search:
    """Trees for the kinks of one function."""

    def __init__(self, function: Function, clock: Clock, telling: Telling) -> None:
        self.function, self.clock, self.telling = function, clock, telling
        self.done = 0
        self.network = Network(function, function.domain)
        self.rng = np.random.default_rng(0)
        self.nodes = 0
        self.binding: list[list[Any]] = []

    def run(self) -> dict[str, Any]:
        """The trees as the checker reads them."""
        while True:
            together = self.function.together
            trees = {}
            for k in range(self.function.count):
                self.done = k
                trees[str(k)] = self.tree(k)
            if self.function.together == together:
                kept = {k: tree for k, tree in trees.items() if tree != [KINK]}
                return {"trees": kept, "together": sorted(together)}

    def tree(self, k: int) -> list[Any]:
        """Splits and leaves for one gate, depth first."""
        items: list[Any] = []
        cells: list[tuple[dict[int, int], Array | None]] = [({}, None)]
        while cells:
            signs, point = cells.pop()
            if self.is_closed(k, signs):
                items.append(KINK)
                continue
            self.clock.check()
            self.telling.tell(self.done, self.function.count, self.nodes)
            solved = None
            if point is None:
                solved = self.deepest(k, signs)
                if solved is None:
                    items.append(self.binding)
                    continue
                point = self.refute(k, signs, solved.inputs)
            gate = self.choose(k, signs, point, solved)
            if gate is None:
                self.close(k, signs)
                items.append(KINK)
                continue
            items.append(gate)
            inside = None if point is None else int(self.pattern(point)[gate])
            cells += [(signs | {gate: s}, point if inside == s else None) for s in (0, 1)]
        return items

    # ---------------------------------------------------------------- leaves

    def is_closed(self, k: int, signs: Mapping[int, int]) -> bool:
        """Whether the checker accepts a cell as a leaf whose jump is not negative."""
        low = self.function.weights(signs, k)
        if not self.function.together:
            return bool(low[k] >= 0)
        if low[k] < 0 and k not in self.function.together:
            return False
        try:
            self.function.check_kink(k, signs)
        except RefusalError:
            return False
        return True

    def close(self, k: int, signs: Mapping[int, int]) -> None:
        """Judge a cell in which everything is decided, as one of several gates with one facet."""
        self.function.together |= {k}
        self.function.check_kink(k, signs)

    def deepest(self, k: int, signs: Mapping[int, int]) -> Relaxed | None:
        """The deepest point of a cell; None where it is empty, for reasons kept in `binding`.

        Gates that are zero wherever z_k is, or not known, keep no distance.
        """
        solved = self.relaxed(k, signs)
        if solved.depth > TOLERANCE:
            return solved
        if not self.is_empty(k, signs, solved.binding):
            cell = Cell(self.function, k, signs)
            loose = {j: cell.is_along(j) for j in signs if not cell.is_strict("sign", j)}
            solved = self.relaxed(k, signs, loose) if loose else solved
            if solved.depth > TOLERANCE or not self.is_empty(k, signs, solved.binding):
                return solved
        self.binding = solved.binding
        return None

    def is_empty(self, k: int, signs: Mapping[int, int], binding: list[list[Any]]) -> bool:
        """Whether the checker accepts that these inequalities contradict."""
        try:
            Cell(self.function, k, signs).check_empty(binding)
        except RefusalError:
            return False
        return True

    def relaxed(
        self, k: int, signs: Mapping[int, int], loose: Mapping[int, bool] = NONE
    ) -> Relaxed:
        """The point of a cell that is deepest inside its inequalities, at most 1.

        The loose gates keep no distance from zero; where that says True, they are zero anyway.
        """
        self.nodes += 1
        net, names = self.network, list[list[Any]]()
        above, equal = [], [net.rows[k]]
        for j in self.below([k, *signs]):
            unit = np.zeros(net.size)
            unit[net.inputs + 1 + j] = 1.0
            sign = 0 if j == k else signs.get(j)
            if sign is None:
                above += [unit, unit - net.rows[j]]
                names += [["part", j], ["above", j]]
            else:
                equal.append(unit - sign * net.rows[j])
            if j in signs and not loose.get(j):
                above.append(net.rows[j] if signs[j] else -net.rows[j])
                names.append(["sign", j])
        for place, row in enumerate(net.domain):
            above.append(np.append(row, np.zeros(net.count)))
            names.append(["domain", place])
        keeps = np.array([name[0] != "sign" or name[1] not in loose for name in names], dtype=float)
        return self.solve(np.array(above), keeps, np.array(equal), names)

    def solve(self, above: Array, keeps: Array, equal: Array, names: list[list[Any]]) -> Relaxed:
        """``max t``: ``above >= t keeps`` (rows scaled to length one), ``equal = 0``, t <= 1."""
        net = self.network
        above = above.reshape(-1, net.size)
        lengths = np.maximum(np.linalg.norm(above[:, 1:], axis=1), 1e-300)
        above = above / lengths[:, None]
        equal = equal / np.maximum(np.linalg.norm(equal[:, 1:], axis=1), 1e-300)[:, None]
        columns = 1 + np.flatnonzero((above[:, 1:] != 0).any(0) | (equal[:, 1:] != 0).any(0))
        answer = linprog(
            np.append(np.zeros(len(columns)), -1.0),
            A_ub=np.hstack([-above[:, columns], keeps.reshape(-1, 1)]),
            b_ub=above[:, 0],
            A_eq=np.hstack([equal[:, columns], np.zeros((len(equal), 1))]),
            b_eq=-equal[:, 0],
            bounds=[*[(None, None)] * len(columns), (None, 1.0)],
            method="highs-ds",
            options={"presolve": False},
        )
        state = np.zeros(net.size)
        if answer.x is None:
            return Relaxed(-np.inf, state[1 : net.inputs + 1], state, [])
        state[columns] = answer.x[:-1]
        duals = -answer.ineqlin.marginals
        binding = [names[i] for i in np.flatnonzero(duals > 1e-9)]
        depth = float(answer.x[-1])
        return Relaxed(depth, state[1 : net.inputs + 1], state[net.inputs + 1 :], binding)

    def below(self, gates: list[int]) -> list[int]:
        """These gates and those that they are made of, in order."""
        found = np.zeros(self.network.count, dtype=bool)
        found[gates] = True
        for j in range(self.network.count - 1, -1, -1):
            if found[j]:
                found |= self.network.uses[j] != 0.0
        return [int(j) for j in np.flatnonzero(found)]

    # ---------------------------------------------------------------- points

    def pattern(self, x: Array) -> NDArray[np.bool_]:
        """Which gates are on at a point."""
        return self.network.values(x[None])[0][0] > 0.0

    def refute(self, k: int, signs: Mapping[int, int], x: Array) -> Array | None:
        """The point moved to the kink, if it is in the cell; raises where the slope falls there."""
        point = self.on_kink(k, x)
        if point is None:
            return None
        pattern = self.pattern(point)
        direction = np.where(self.network.free, self.network.slope(k, pattern), 0.0)
        if not direction.any():
            return None
        for step in 10.0 ** -np.arange(0.0, 7.0):
            move = step * direction / np.linalg.norm(direction)
            ends = np.array([point - move, point, point + move])
            f = self.network.values(ends)[1]
            inside = self.network.is_inside(ends[0]) and self.network.is_inside(ends[2])
            if inside and 2 * f[1] - f[0] - f[2] > 1e-11 * (1.0 + np.abs(f).max()):
                raise RefutedError(k, point, move)
        return point if all(pattern[j] == s for j, s in signs.items()) else None

    def on_kink(self, k: int, x: Array) -> Array | None:
        """A point near x where z_k is zero."""
        point = x + 1e-4 * self.rng.normal(size=x.shape)
        for _ in range(4):
            z = self.network.values(point[None])[0][0]
            gradient = self.network.slope(k, z > 0.0)
            size = gradient @ gradient
            if size == 0.0:
                return None
            if abs(z[k]) <= 1e-12 * (1.0 + np.sqrt(size)):
                return None if self.is_corner(k, z, gradient) else point
            point = point - z[k] / size * gradient
        return None

    def is_corner(self, k: int, z: Array, gradient: Array) -> bool:
        """Whether other kinks cross this one at a point where the gates have these values."""
        for j in np.flatnonzero(np.abs(z) <= 1e-9 * self.network.lengths):
            other = self.network.slope(int(j), z > 0.0)
            rest = other - (other @ gradient) / (gradient @ gradient) * gradient
            if j != k and np.linalg.norm(rest) > 1e-9 * np.linalg.norm(other):
                return True
        return False

    # ---------------------------------------------------------------- splits

    def choose(
        self, k: int, signs: Mapping[int, int], point: Array | None, solved: Relaxed | None
    ) -> int | None:
        """The gate to split on; None where all that matters is decided."""
        if point is not None:
            gate = self.most_useful(k, signs, self.pattern(point))
            if gate is not None:
                return gate
        if solved is not None:
            gate = self.least_tight(k, signs, solved)
            if gate is not None:
                return gate
        return self.next_unknown(k, signs)

    def most_useful(
        self, k: int, signs: Mapping[int, int], pattern: NDArray[np.bool_]
    ) -> int | None:
        """The gate whose sign at the point raises the lower bound of the weight most."""
        low, high = self.weights(signs)
        net = self.network
        reach = np.zeros(net.count)
        reach[k] = 1.0
        undecided = np.ones(net.count, dtype=bool)
        undecided[[k, *signs]] = False
        passes = np.where(undecided, np.where(pattern, 1.0, 0.5), 0.0)
        for j, s in signs.items():
            passes[j] = s
        passes[k] = 1.0
        for j in range(k + 1, net.count):
            reach[j] = net.uses[j] @ (reach * passes)
        bounds = np.minimum(reach * low, reach * high)
        gain = np.where(pattern, bounds, 0.0) - np.minimum(bounds, 0.0)
        gain[~undecided] = 0.0
        best = int(np.argmax(gain))
        return best if gain[best] > 1e-12 * (1.0 + np.abs(bounds).max()) else None

    def weights(self, signs: Mapping[int, int]) -> tuple[Array, Array]:
        """Bounds of the weights of all gates, in floating point."""
        net = self.network
        low = net.output[net.inputs + 1 :].copy()
        high = low.copy()
        least, most = np.zeros(net.count), np.zeros(net.count)
        up, down = np.maximum(net.uses, 0.0), np.minimum(net.uses, 0.0)
        for i in range(net.count - 1, -1, -1):
            low[i] += up[:, i] @ least + down[:, i] @ most
            high[i] += up[:, i] @ most + down[:, i] @ least
            sign = signs.get(i)
            if sign is None:
                least[i], most[i] = min(low[i], 0.0), max(high[i], 0.0)
            elif sign:
                least[i], most[i] = low[i], high[i]
        return low, high

    def least_tight(self, k: int, signs: Mapping[int, int], solved: Relaxed) -> int | None:
        """The gate without a sign whose relaxed value is farthest from the true one."""
        net = self.network
        state = np.concatenate([[1.0], solved.inputs, solved.gates])
        gaps = np.abs(solved.gates - np.maximum(net.rows @ state, 0.0)) / net.lengths
        allowed = np.zeros(net.count, dtype=bool)
        allowed[self.below([k, *signs])] = True
        allowed[[k, *signs]] = False
        gaps[~allowed] = 0.0
        best = int(np.argmax(gaps))
        return best if gaps[best] > TOLERANCE else None

    def next_unknown(self, k: int, signs: Mapping[int, int]) -> int | None:
        """The first gate without a sign, if there is one that is not along the kink."""
        cell = Cell(self.function, k, signs)
        for j in range(self.function.count):
            if j == k or j in signs:
                continue
            if j < k or j not in cell.forms or cell.share(j) is None:
                return j
        return None


def segments(
    asked: Derived, circuit: Circuit, refuted: RefutedError, entry: tuple[int, ...]
) -> Iterator[Segment]:
    """Segments across the kink, long ones first."""
    leaves = tape_of(asked.question).nodes
    for step in STEPS:
        ends = [refuted.point + s * step * refuted.direction for s in (-1.0, 1.0)]
        values = [
            {id(leaves[place]): leaf_value(circuit, place, x) for place in circuit.leaves}
            for x in ends
        ]
        unknown = {id(u) for u in asked.question.unknowns}
        a, b = ({k: v for k, v in value.items() if k in unknown} for value in values)
        fixed = {k: v for k, v in values[0].items() if k not in unknown}
        yield Segment(a, b, fixed, entry, told_of(asked, circuit, refuted.gate))


def told_of(asked: Derived, circuit: Circuit, gate: int) -> str:
    """Where a counterexample was found, with the unit."""
    place, part = circuit.origins[gate]
    node = tape_of(asked.question).nodes[place]
    layer = asked.question.owners.get(id(node), "")
    name = f"unit {part} of layer {layer}" if layer else f"{atom_name(node)} {part}"
    return f"the slope falls across the kink of {name}"


def leaf_value(circuit: Circuit, place: int, x: Array) -> Array:
    """The entries of a leaf at a point."""
    leaf = circuit.leaves[place]
    state = np.append(1.0, x)
    entries = [
        sum(int(v.p) / int(v.q) * state[k] for k, v in entry.terms.items())
        for entry in leaf.entries
    ]
    return np.array(entries, dtype=float).reshape(leaf.shape)


def point_inside(domain: Domain) -> list[float] | None:
    """A point inside the inequalities of the domain; None where only bounds restrict it."""
    if len(domain.rows) == domain.bounds:
        return None
    inputs = domain.circuit.inputs
    rows = np.zeros((len(domain.rows), inputs + 1))
    for place, row in enumerate(domain.rows):
        for k, value in row.terms.items():
            rows[place, k] = int(value.p) / int(value.q)
    answer = linprog(
        np.append(np.zeros(inputs), -1.0),
        A_ub=np.hstack([-rows[:, 1:], np.ones((len(rows), 1))]),
        b_ub=rows[:, 0],
        bounds=[*[(None, None)] * inputs, (None, 1.0)],
        method="highs",
    )
    if answer.x is None or answer.x[-1] <= 0.0:
        raise RefusalError("the domain has no interior")
    return [float(v) for v in answer.x[:-1]]


def reason_of(circuit: Circuit) -> str:
    """The proof in words."""
    count = len(circuit.gates)
    return (
        f"piecewise linear with {count} kink{'s' * (count != 1)}, and on no facet does the slope "
        "fall (linear programs, re-proved exactly)"
    )

"""Verdicts held against plain numbers: CVXPY's own values, and what networks compute."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cvxpy as cp
import numpy as np

Array = np.ndarray
Points = dict[str, Array]
Function = Callable[[Points], Array]

SLACK = 1e-7
"""A violation counts from this size on, relative to the values."""
NUDGE = 1e-12
"""Points are moved by so much, relatively, to see how much of a value is rounding."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings: values that overflow are looked at, not complained about."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def leaves(expression: Any) -> dict[str, Any]:
    """Variables and parameters by name."""
    return {leaf.name(): leaf for leaf in [*expression.variables(), *expression.parameters()]}


def put(leaf: Any, value: Array) -> None:
    """A value as near to this one as the attributes of the leaf allow."""
    leaf.value = leaf.project(np.reshape(value, leaf.shape)) + 0.0


def draw_points(expression: Any, rng: np.random.Generator) -> Points:
    """A value for every leaf: whole, small or large, not always allowed."""
    size = float(rng.choice([0.1, 1.0, 1.0, 3.0]))
    whole = rng.random() < 0.3
    points = {}
    for name, leaf in leaves(expression).items():
        value = size * rng.standard_normal(leaf.shape)
        points[name] = np.round(value) + 0.0 if whole else value  # CVXPY divides by -0 too
    return points


def value_at(expression: Any, points: Points, where: tuple[Any, ...] = ()) -> Array | None:
    """CVXPY's value there; None outside of the domain, or where a constraint fails."""
    with quiet():
        try:
            for name, leaf in leaves(expression).items():
                if name in points:
                    put(leaf, points[name])
            for constraint in (*expression.domain, *where):
                if not constraint.value(0.0):
                    return None
            value = expression.value
        except (ValueError, ArithmeticError, cp.error.SolverError, NotImplementedError):
            return None
    if value is None or np.iscomplexobj(value):
        return None
    value = np.asarray(value, float)
    return value if np.isfinite(value).all() else None


def reached(expression: Any) -> Points:
    """What the leaves hold now, after projection."""
    return {name: np.array(leaf.value, float) for name, leaf in leaves(expression).items()}


def between(a: Points, b: Points) -> Points:
    """The midpoint."""
    return {name: 0.5 * (a[name] + b[name]) for name in a}


def worst_segment(
    expression: Any, goal: str, where: tuple[Any, ...] = (), seed: int = 0, count: int = 60
) -> tuple[float, Any]:
    """The largest relative violation of convexity or concavity over random segments, and it.

    Parameters keep one value on a segment. What rounding alone could be is taken off.
    """
    rng = np.random.default_rng(seed)
    sign, worst, at = (1.0 if goal == "convex" else -1.0), 0.0, None
    fixed = {leaf.name() for leaf in expression.parameters()}
    for _ in range(count):
        ends, values = [], []
        for side in range(2):
            points = draw_points(expression, rng)
            if side and rng.random() < 0.3:
                near = 10.0 ** rng.uniform(-2, -1)
                points = {k: ends[0][k] + near * v for k, v in points.items()}
            if side:
                points |= {name: ends[0][name] for name in fixed}
            value = value_at(expression, points, where)
            if value is None:
                break
            ends.append(reached(expression))
            values.append(value)
        if len(ends) < 2:
            continue
        middle = between(*ends)
        value = value_at(expression, middle, where)
        if value is None or not same_points(middle, reached(expression)):
            continue
        excess = sign * (value - 0.5 * (values[0] + values[1]))
        noise = sum(rounding(expression, p, f) for p, f in zip(ends, values, strict=True))
        noise = noise + rounding(expression, middle, value)
        size = 1.0 + np.abs(value) + np.abs(values[0]) + np.abs(values[1])
        violation = float(np.max((excess - 100.0 * noise) / size))
        if violation > worst:
            worst, at = violation, (*ends, *values, value)
    return worst, at


def same_points(a: Points, b: Points) -> bool:
    """Whether a midpoint was allowed as it is."""
    return all(np.allclose(a[k], b[k], rtol=1e-9, atol=1e-12) for k in a)


def rounding(expression: Any, points: Points, value: Array) -> Array:
    """How much the value changes where the points are moved a little."""
    moved = {k: v * (1.0 + NUDGE) for k, v in points.items()}
    other = value_at(expression, moved)
    return np.full_like(value, np.inf) if other is None else np.abs(other - value)


def contradicted(
    expression: Any, goal: str, where: tuple[Any, ...] = (), seed: int = 0
) -> str | None:
    """A segment that a proved verdict forbids, in words; None where none was found."""
    worst, at = worst_segment(expression, goal, where, seed)
    if worst <= SLACK:
        return None
    a, b, f_a, f_b, middle = at
    return f"a = {a!r}, b = {b!r}: f(a) = {f_a!r}, f(b) = {f_b!r}, f(middle) = {middle!r}"


def witness_fault(expression: Any, witness: Any, where: tuple[Any, ...] = ()) -> str | None:
    """What is wrong with a counterexample by CVXPY's numbers; None where nothing is."""
    values, everything = [], Everything(expression, where)
    for points in (witness.a, witness.b, witness.middle):
        with quiet():
            try:
                for name, leaf in leaves(everything).items():
                    given = {**witness.fixed, **points}
                    if name in given:
                        place(leaf, np.reshape(given[name], leaf.shape), witness.refutes)
            except ValueError as error:
                if witness.refutes == "set" and len(values) == 2:
                    return None  # the midpoint is not allowed: that is what the witness says
                return f"the witness is not allowed: {error}"
            for constraint in where if len(values) < 2 or witness.refutes != "set" else ():
                worst = violation(constraint)
                if worst > 1e-9 * (1.0 + largest(points)):
                    return f"the witness is not feasible: {constraint} by {worst!r} at {points!r}"
            try:
                value = expression.value
            except (ValueError, ArithmeticError, NotImplementedError):
                return None
        if value is None or np.iscomplexobj(value):
            return None
        values.append(np.asarray(value, float))
    if witness.refutes == "set":
        return set_fault(where)
    f = [entry_of(value, witness.entry) for value in values]
    if not np.isfinite(f).all():
        return f"the values of the witness are not finite: {f!r}"
    excess = (f[2] - 0.5 * (f[0] + f[1])) * (1.0 if witness.refutes == "convex" else -1.0)
    size = float(np.abs(f).max())
    said = abs(witness.f_middle - witness.chord)
    if excess < -1e-9 * size or (said > 1e-6 * size and excess < 0.5 * said - 1e-9 * size):
        return f"the witness says {said!r}, CVXPY {excess!r}: values {f!r}"
    return None


def place(leaf: Any, value: np.ndarray, refutes: str) -> None:
    """Give a leaf its value; ValueError where it may not have it.

    Leaves of whole numbers are judged as if they could move between, which the verdict says.
    """
    if refutes != "set" and (leaf.attributes["boolean"] or leaf.attributes["integer"]):
        leaf.save_value(value)
    else:
        leaf.value = value


def violation(constraint: Any) -> float:
    """By how much a constraint fails; 0 where CVXPY cannot say."""
    try:
        return float(np.max(constraint.violation()))
    except (ValueError, TypeError):  # no value, or a scalar, of which CVXPY takes no norm
        return 0.0


def set_fault(where: tuple[Any, ...]) -> str | None:
    """The midpoint of a witness against a feasible set must not be clearly feasible."""
    with quiet():
        clear = all(c.value(0.0) and inside(c) for c in where)
    return "the midpoint of the witness is feasible" if clear else None


def inside(constraint: Any) -> bool:
    """Whether an inequality holds with room to spare; equalities never do."""
    if type(constraint).__name__ != "Inequality":
        return False
    left, right = (np.asarray(arg.value, float) for arg in constraint.args)
    return bool((right - left > 1e-6 * (1.0 + np.abs(left) + np.abs(right))).all())


def entry_of(value: Array, entry: tuple[int, ...]) -> float:
    """The entry of a value that a witness is about."""
    value = np.asarray(value, float)
    if not value.ndim:
        return float(value)
    return float(value[tuple(entry)] if len(entry) == value.ndim else value.ravel()[entry[-1]])


def largest(points: Points) -> float:
    """The largest number of some points."""
    return max((float(np.abs(v).max(initial=0.0)) for v in points.values()), default=0.0)


def repaired(repair: Any) -> bool:
    """Whether the verdict on a repair is the one that it was offered for."""
    return repair.verdict is None or bool(repair.verdict.convex or repair.verdict.concave)


# ------------------------------------------------------------------------------------ networks


def network_contradicted(
    net: Any, goal: str, low: float = -np.inf, seed: int = 0, count: int = 60
) -> str | None:
    """Segments between inputs, by the network's own outputs: what a verdict forbids, or None."""
    rng, d = np.random.default_rng(seed), width_of(net)
    sign = 1.0 if goal == "convex" else -1.0
    a, b = (rng.choice([0.1, 1.0, 5.0], (count, 1)) * rng.standard_normal((count, d))
            for _ in range(2))  # fmt: skip
    a, b = np.maximum(a, low), np.maximum(b, low)
    with quiet():
        f = [np.asarray(net(points), float) for points in (a, b, 0.5 * (a + b))]
    excess = sign * (f[2] - 0.5 * (f[0] + f[1])) / (1.0 + sum(np.abs(x) for x in f))
    if not (np.nan_to_num(excess, nan=0.0) > SLACK).any():
        return None
    row = int(np.unravel_index(np.nanargmax(excess), excess.shape)[0])
    return f"a = {a[row]!r}, b = {b[row]!r}: {[x[row] for x in f]!r}"


def width_of(net: Any) -> int:
    """The number of inputs: the first that fits."""
    for columns in range(1, 65):
        try:
            with quiet():
                net(np.zeros((1, columns)))
        except Exception:
            continue
        return columns
    raise ValueError("no width fits")


# ------------------------------------------------------------------------------------ problems


def problem_contradicted(
    expression: Any, where: tuple[Any, ...], seed: int = 0, count: int = 200
) -> str | None:
    """Feasible points whose midpoint is clearly not feasible, or where the objective bends."""
    rng, both = np.random.default_rng(seed), Everything(expression, where)
    feasible = []
    for _ in range(count):
        if value_at(both, draw_points(both, rng), where) is not None:
            feasible.append(reached(both))
    for _ in range(min(count, len(feasible) ** 2)):
        a, b = (feasible[i] for i in rng.integers(len(feasible), size=2))
        middle = between(a, b | {k: a[k] for k in both.fixed})
        with quiet():
            for name, leaf in leaves(both).items():
                put(leaf, middle[name])
            if not same_points(middle, reached(both)):
                continue
            worst = max(map(violation, where), default=0.0)
        if worst > 1e-6 * (1.0 + largest(middle)) and not both.fixed:
            return f"feasible a = {a!r}, b = {b!r}, but the midpoint is not, by {worst!r}"
    return contradicted(both, "convex", where, seed)


class Everything:
    """An expression with all leaves of a problem."""

    def __init__(self, expression: Any, where: tuple[Any, ...]) -> None:
        self.expression, self.where = expression, where
        self.domain = expression.domain
        self.fixed = {p.name() for p in self.parameters()}

    def variables(self) -> list[Any]:
        """Those of the objective and of the constraints."""
        return unique([self.expression, *self.where], "variables")

    def parameters(self) -> list[Any]:
        """Those of the objective and of the constraints."""
        return unique([self.expression, *self.where], "parameters")

    @property
    def value(self) -> Any:
        """That of the expression."""
        return self.expression.value


def unique(parts: list[Any], kind: str) -> list[Any]:
    """The leaves of several expressions, once each."""
    return list({leaf.id: leaf for part in parts for leaf in getattr(part, kind)()}.values())


def network_witness_fault(net: Any, witness: Any) -> str | None:
    """A counterexample in the input against the network's outputs."""
    with quiet():
        f = [
            entry_of(np.ravel(net(np.ravel(points["x"])[None, :])), witness.entry[-1:])
            for points in (witness.a, witness.b, witness.middle)
        ]
    excess = (f[2] - 0.5 * (f[0] + f[1])) * (1.0 if witness.refutes == "convex" else -1.0)
    size = float(np.abs(f).max())
    said = abs(witness.f_middle - witness.chord)
    if excess < -1e-9 * size or (said > 1e-6 * size and excess < 0.5 * said - 1e-9 * size):
        return f"the witness says {said!r}, the network {excess!r}: {f!r}"
    return None


def weights_contradicted(
    net: Any, wrt: str, goal: str, X: Array, seed: int = 0, count: int = 40
) -> str | None:
    """Segments between weights, by the network's outputs on the rows of X."""
    rng, sign = np.random.default_rng(seed), (1.0 if goal == "convex" else -1.0)
    state = net.state_dict()
    own = [n for n in state if "running" not in n and (wrt == "weights" or n.startswith(f"{wrt}."))]
    for _ in range(count):
        ends = []
        for _ in range(2):
            draws = {name: rng.standard_normal(state[name].shape) for name in own}
            ends.append({n: signed(net, n, w) for n, w in draws.items()})
        values = []
        with quiet():
            for points in (*ends, between(*ends)):
                net.load_state_dict(state | points)
                values.append(np.asarray(net(X), float))
        net.load_state_dict(state)
        size = 1.0 + sum(np.abs(f) for f in values)
        excess = sign * (values[2] - 0.5 * (values[0] + values[1])) / size
        if (excess > SLACK).any():
            return f"a = {ends[0]!r}, b = {ends[1]!r}: {values!r}"
    return None


def signed(net: Any, name: str, weight: Array) -> Array:
    """Weights with the sign that their layer declares."""
    prefix, _, own = name.rpartition(".")
    sign = dict(net.named_layers())[prefix].sign(own)
    return {"nonneg": np.abs, "nonpos": lambda w: -np.abs(w)}.get(sign, lambda w: w)(weight)

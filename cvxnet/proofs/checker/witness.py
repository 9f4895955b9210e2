"""Check a counterexample: two points of a convex set and their midpoint, where a function breaks.

A function is convex on a set if, for all a and b in it, the set holds m = (a + b) / 2 and
f(m) <= (f(a) + f(b)) / 2. So two points are enough to refute it, if it is certain that they lie
in the set, and that m does and f(m) is larger (or, of the set itself, that m does not).

The document says what f is, as a list of nodes, each after its arguments:

    {"atom": "leaf", "shape": [2], "low": [0, null], "high": [null, null], "attributes": ["pos"]}
    {"atom": "constant", "shape": [], "entries": [0.5]}
    {"atom": "Sum", "shape": [], "args": [0], "options": {"axis": null, "keepdims": false}}

where entries are in row-major order, null in place of an infinite bound; then "root", the place
of f, with "entry", the position of the entry in question; "constraints" with "kind", "args" and
"options"; "refutes": "convex", "concave" or "set"; and "a", "b", "fixed", the values of the
leaves by their place: at a, at b, and of those that are the same everywhere. Numbers are doubles
or fractions as text; options that are integers are none, they count or choose.

This is the second copy of the formulas on purpose: it shares nothing with the search for
counterexamples, nor with the rules that prove convexity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import prod
from typing import Any, NamedTuple

from flint import ctx, fmpq

from .arrays import Array, entrywise, groups, require, transposed
from .atoms import evaluate
from .document import RefusalError
from .exact import Number
from .losses import square
from .matrices import eigenvalues, exactly_semidefinite, is_psd, mirrored, negated, symmetric
from .scalars import HALF, ZERO, exp, power, quotient, root, smaller

PRECISIONS = (256, 1024)  # bits, tried one after the other


class WitnessResult(NamedTuple):
    """Whether a counterexample is proved; if not, why not.

    ``values``: f at a, at b and at the midpoint; for a set, by how much they break the constraint
    with the number ``broken``. ``gap``: how much f is above its chord (below it, for "concave").
    """

    proved: bool
    reason: str
    values: tuple[Number, ...] = ()
    gap: Number = ZERO
    broken: int | None = None


def check_witness(document: Mapping[str, Any]) -> WitnessResult:
    """Prove a counterexample, or say why it is none (as far as this program can tell)."""
    result = WitnessResult(False, "")
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            try:
                result = judge(document)
            except RefusalError as refusal:
                result = WitnessResult(False, str(refusal))
        if result.proved:
            break
    return result


def judge(document: Mapping[str, Any]) -> WitnessResult:
    """The same at the current precision."""
    points = three_points(document)
    check_leaves(document, points)
    constants = read_constants(document["nodes"])
    values = [evaluate_all(document["nodes"], constants | point) for point in points]
    violations = [
        [violation(constraint, point) for constraint in document["constraints"]] for point in values
    ]
    inside = [all(all(t <= 0 for t in each) for each in point) for point in violations]
    require(inside[0] and inside[1], "an end that may break a constraint")
    if document["refutes"] == "set":
        return judge_set(violations)
    require(inside[2], "a midpoint that may break a constraint")
    return judge_function(document, values)


def judge_function(document: Mapping[str, Any], values: list[list[Array]]) -> WitnessResult:
    """Whether the value at the midpoint is on the wrong side of the chord."""
    root_values = [point[document["root"]].entries for point in values]
    f_a, f_b, f_m = numbers = tuple(entries[document["entry"]] for entries in root_values)
    gap = f_m - (f_a + f_b) * HALF
    gap = gap if document["refutes"] == "convex" else -gap
    return WitnessResult(bool(gap > 0), "" if gap > 0 else "no violation", numbers, gap)


def judge_set(violations: list[list[list[Number]]]) -> WitnessResult:
    """Whether the midpoint certainly breaks a constraint."""
    for place, rows in enumerate(zip(*violations, strict=True)):
        for numbers in zip(*rows, strict=True):
            if numbers[2] > 0:
                return WitnessResult(True, "", numbers, gap=numbers[2], broken=place)
    return WitnessResult(False, "no constraint that the midpoint certainly breaks")


# --------------------------------------------------------------- the points


def number(value: Any) -> fmpq:
    """A number of the document, exactly; as text, whole or a quotient of whole ones.

    >>> number(0.5), number("1/3")
    (1/2, 1/3)
    """
    try:
        if isinstance(value, str):  # "1e999999999" would take all memory
            top, bottom = map(int, (value if "/" in value else f"{value}/1").split("/"))
        else:
            top, bottom = value.as_integer_ratio()
        return fmpq(top, bottom)
    except (ArithmeticError, AttributeError, ValueError):
        raise RefusalError(f"{str(value)[:40]!r} is not a finite number") from None


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Doubles and texts as numbers, lists with a shape as arrays, the rest as it is."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            require({"shape", "entries"} <= value.keys(), "an option that is no array")
            return array(value["shape"], value["entries"])
        return number(value) if isinstance(value, float | str) else value

    return {name: read(value) for name, value in options.items()}


def array(shape: Any, entries: Any) -> Array:
    """An array of the document."""
    require(prod(shape) == len(entries), "as many entries as the shape asks for are needed")
    return Array(tuple(shape), [number(value) for value in entries])


def three_points(document: Mapping[str, Any]) -> list[dict[int, Array]]:
    """a, b and their midpoint, with what is fixed."""
    nodes = enumerate(document["nodes"])
    shapes = {place: node["shape"] for place, node in nodes if node["atom"] == "leaf"}
    given = {int(place) for name in ("a", "b", "fixed") for place in document[name]}
    require(given <= shapes.keys(), "only leaves are given values")
    a, b, fixed = (
        {int(place): array(shapes[int(place)], entries) for place, entries in part.items()}
        for part in (document["a"], document["b"], document["fixed"])
    )
    require(a.keys() == b.keys(), "both ends need the same leaves")
    middle = {k: entrywise(lambda s, t: (s + t) * HALF, a[k], b[k]) for k in a}
    return [fixed | point for point in (a, b, middle)]


def check_leaves(document: Mapping[str, Any], points: list[dict[int, Array]]) -> None:
    """Refuse points outside of the domain of a leaf."""
    for place, leaf in enumerate(document["nodes"]):
        if leaf["atom"] == "leaf":
            for point in points:
                require(place in point, "a leaf without a value")
                check_leaf(leaf, point[place])


def check_leaf(leaf: Mapping[str, Any], value: Array) -> None:
    """Bounds and attributes of one leaf."""
    for t, low, high in zip(value.entries, leaf["low"], leaf["high"], strict=True):
        inside = (low is None or t >= number(low)) and (high is None or t <= number(high))
        require(inside, "a point outside the bounds of a leaf")
    for attribute in leaf["attributes"]:
        require(attribute in ATTRIBUTES, f"the attribute {attribute} is not known here")
        require(ATTRIBUTES[attribute](value), f"a value that is not {attribute}")


def is_one_hot(value: Array) -> bool:
    """Whether each row has one 1 and otherwise zeros."""
    rows = groups(value, [len(value.shape) - 1])
    return all(sorted(map(fmpq, row)) == [0] * (len(row) - 1) + [1] for row in rows)


def is_diagonal(value: Array) -> bool:
    """Whether only the diagonal may be other than zero."""
    step = value.shape[0] + 1
    return not any(t for k, t in enumerate(value.entries) if k % step)


ATTRIBUTES: dict[str, Callable[[Array], bool]] = {
    "nonneg": lambda value: all(t >= 0 for t in value.entries),
    "nonpos": lambda value: all(t <= 0 for t in value.entries),
    "pos": lambda value: all(t > 0 for t in value.entries),
    "neg": lambda value: all(t < 0 for t in value.entries),
    "label": lambda value: all(abs(t) == 1 for t in value.entries),
    "one_hot": is_one_hot,
    "whole": lambda value: all(fmpq(t).q == 1 for t in value.entries),
    "symmetric": mirrored,
    "diag": is_diagonal,
    "PSD": is_psd,
    "NSD": lambda value: is_psd(negated(value)),
}


def read_constants(nodes: list[Mapping[str, Any]]) -> dict[int, Array]:
    """The values of the constants, by their place."""
    return {
        place: array(node["shape"], node["entries"])
        for place, node in enumerate(nodes)
        if node["atom"] == "constant"
    }


def evaluate_all(nodes: list[Mapping[str, Any]], given: Mapping[int, Array]) -> list[Array]:
    """The values of all nodes, where those of leaves and constants are given.

    Each has the shape that it claims.
    """
    values: list[Array] = []
    for place, node in enumerate(nodes):
        if place in given:
            values.append(given[place])
        else:
            arguments = [values[k] for k in node["args"]]
            values.append(evaluate(node["atom"], arguments, read_options(node["options"])))
        claimed = tuple(node["shape"])
        require(values[-1].shape == claimed, f"{node['atom']} has not the shape {claimed}")
    return values


# ---------------------------------------------------------- the constraints


def violation(constraint: Mapping[str, Any], values: list[Array]) -> list[Number]:
    """Numbers of which none is above zero if, and only if, the constraint holds."""
    kind = constraint["kind"]
    require(kind in EXCESSES, f"constraints of the kind {kind} are not known here")
    arguments = [values[k] for k in constraint["args"]]
    return EXCESSES[kind](*arguments, **read_options(constraint["options"]))


def difference(left: Array, right: Array) -> list[Number]:
    """Left minus right, entry by entry."""
    return entrywise(lambda s, t: s - t, left, right).entries


def second_order(t: Array, X: Array, axis: int) -> list[Number]:
    """``|x| - t`` for the columns x of X (axis 0) or its rows (axis 1)."""
    rows = groups(X, [axis] if len(X.shape) > 1 else [0])
    sizes = [root(sum(map(square, row), ZERO)) for row in rows]
    return [size - bound for size, bound in zip(sizes, t.entries, strict=True)]


def definite(X: Array) -> list[Number]:
    """Minus the smallest eigenvalue of ``X + X'``; 0 if exact elimination finds none below 0."""
    both = entrywise(lambda s, t: s + t, X, transposed(X))
    if exactly_semidefinite(both):
        return [ZERO]
    symmetric(both)
    return [-eigenvalues(both)[0]]


def exponential(x: Array, y: Array, z: Array) -> list[Number]:
    """``y exp(x / y) - z`` for y > 0."""
    rows = zip(x.entries, y.entries, z.entries, strict=True)
    found = []
    for s, t, bound in rows:
        require(t > 0 or t < 0, "a point on the border of an exponential cone")
        found.append(t * exp(quotient(s, t)) - bound if t > 0 else -t)
    return found


def power_cone(rows: list[list[Number]], z: Array, powers: list[list[Number]]) -> list[Number]:
    """``-w`` for all w, and ``|z| - prod w^alpha`` for each row where none is negative."""
    found: list[Number] = []
    for row, bound, alpha in zip(rows, z.entries, powers, strict=True):
        found += [-t for t in row]
        if all(t >= 0 for t in row):
            factors = (power(t, p) for t, p in zip(row, alpha, strict=True))
            found.append(abs(bound) - prod(factors, start=fmpq(1)))
        else:
            found.append(ZERO)  # one of the others tells
    return found


def power_cone_3d(x: Array, y: Array, z: Array, alpha: Array) -> list[Number]:
    """``x^alpha y^(1 - alpha) >= |z|``."""
    pairs = [list(pair) for pair in zip(x.entries, y.entries, strict=True)]
    return power_cone(pairs, z, [[p, 1 - p] for p in alpha.entries])


def power_cone_nd(W: Array, z: Array, alpha: Array, axis: int) -> list[Number]:
    """The same for the columns of W and alpha (axis 0), or for their rows (axis 1)."""
    axes = [axis] if len(W.shape) > 1 else [0]
    return power_cone(groups(W, axes), z, groups(alpha, axes))


EXCESSES: dict[str, Callable[..., list[Number]]] = {
    "Inequality": difference,
    "Equality": lambda left, right: [abs(t) for t in difference(left, right)],
    "Zero": lambda x: [abs(t) for t in x.entries],
    "NonNeg": lambda x: [-t for t in x.entries],
    "NonPos": lambda x: x.entries,
    "FiniteSet": lambda x, allowed: [
        reduce(smaller, (abs(t - v) for v in allowed.entries)) for t in x.entries
    ],
    "SOC": second_order,
    "PSD": definite,
    "ExpCone": exponential,
    "PowCone3D": power_cone_3d,
    "PowConeND": power_cone_nd,
}

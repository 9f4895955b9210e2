"""The composition calculus: what is known of every entry of every node, from the leaves on.

The kind "rules" needs no evidence: the facts are derived here again, by the checker's own table.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from math import prod
from typing import Any

from flint import ctx

from ...arrays import Array, common_shape, require
from ...dual import Clock
from ...witness import number, read_options
from ..statement import (
    COMPLEX,
    Bounds,
    Checking,
    Node,
    Proof,
    Statement,
    check_node,
    check_places,
    is_complex_number,
)
from .facts import (
    AFFINE,
    ALL,
    CONCAVE,
    CONVEX,
    DOMAIN,
    QUASICONCAVE,
    QUASICONVEX,
    Fact,
    as_fact,
    fact,
    known,
)
from .intervals import EVERYTHING, Interval, cone_of, is_above, shortened
from .matrix_rules import ASSERTIONS, SPECTRAL, STRUCTURAL
from .rules import RULES, by_options
from .shapes import WITH_PARAMETERS

GOALS = {
    "convex": CONVEX,
    "concave": CONCAVE,
    "affine": AFFINE,
    "quasiconvex": QUASICONVEX,
    "quasiconcave": QUASICONCAVE,
}
ALL_RULES = ChainMap(RULES, SPECTRAL, ASSERTIONS)
BROADCASTING = {"AddExpression", "multiply", "DivExpression", "maximum", "minimum", "And", "Or"}
BROADCASTING |= {"rel_entr", "kl_div"}
PAIRING = {"kron", "conv", "convolve", "dotsort"}
MOST_ENTRIES = 2_000_000  # of all nodes together, and of what one atom is made of


def by_rules(statement: Statement, proof: Proof, checking: Checking) -> None:
    """Refuse unless the calculus proves the statement."""
    facts = facts_of(statement, statement.root, checking.clock)
    missing = [k for k in statement.entries if not facts.entries[k].has(GOALS[statement.goal])]
    require(not missing, f"the rules do not prove that entry {missing[:1]} is {statement.goal}")


def bounds_of(statement: Statement, place: int, clock: Clock | None = None) -> list[Interval]:
    """Intervals that hold the entries of a node, by rows: rational ends, None for infinite ones."""
    return [one.interval for one in facts_of(statement, place, clock).entries]


def facts_of(statement: Statement, place: int, clock: Clock | None = None) -> Array:
    """What the calculus knows of the entries of a node, in an array of facts."""
    memory: dict[int, Array] = statement.memory.setdefault(ctx.prec, {})
    size = sum(len(array.entries) for array in memory.values())
    for k in needed(statement.nodes, place, memory):
        if clock is not None:
            clock.check()
        memory[k] = facts_at(statement, k, memory)
        size += len(memory[k].entries)
        require(size <= MOST_ENTRIES, "too large: too many entries")
    return memory[place]


def needed(nodes: Sequence[Node], place: int, memory: dict[int, Array]) -> list[int]:
    """The places below one, and itself, that are not known yet, arguments first."""
    found: set[int] = set()
    stack = [place]
    while stack:
        k = stack.pop()
        if k not in found and k not in memory:
            found.add(k)
            stack.extend(nodes[k].get("args", ()))
    return sorted(found)


def facts_at(statement: Statement, place: int, memory: dict[int, Array]) -> Array:
    """The facts about a node, from those about its arguments."""
    node = statement.nodes[place]
    shape = tuple(node["shape"])
    require(all(type(d) is int and d >= 0 for d in shape), "a shape that is none")
    require(prod(shape) <= MOST_ENTRIES, "too large: too many entries")
    if node["atom"] == "leaf":
        bends = DOMAIN | AFFINE if place in statement.unknowns else ALL
        found = Array(shape, [fact(interval, bends) for interval in leaf_bounds(statement, place)])
    elif node["atom"] == "constant":
        found = Array(shape, [constant(value) for value in node["entries"]])
    else:
        found = combined(statement, node, memory)
    require(found.shape == shape, f"{node['atom']} has not the shape {shape}")
    require(len(found.entries) == prod(shape), "as many entries as the shape asks for are needed")
    return found


def leaf_bounds(statement: Statement, place: int) -> Bounds:
    """The bounds of a leaf; none of complex numbers."""
    leaf = statement.nodes[place]
    if COMPLEX & set(leaf["attributes"]):
        return [EVERYTHING] * prod(leaf["shape"])
    return statement.bounds(place)


def constant(value: Any) -> Fact:
    """A number; a complex one, which is text, is no more than a constant."""
    if is_complex_number(value):
        return fact(EVERYTHING, ALL)
    return known(number(value))


def combined(statement: Statement, node: Node, memory: dict[int, Array]) -> Array:
    """The facts about an atom; of constants it is constant, whatever it is."""
    shape, args = tuple(node["shape"]), [memory[k] for k in node["args"]]
    check_size(node, args)
    fixed = bool(args) and all(one.constant for array in args for one in array.entries)
    found = derived(statement, node, args, memory)
    if found is None:
        return Array(shape, [fact(EVERYTHING, ALL if fixed else 0)] * prod(shape))
    return Array(found.shape, [finished(as_fact(one), fixed) for one in found.entries])


def derived(
    statement: Statement, node: Node, args: list[Array], memory: dict[int, Array]
) -> Array | None:
    """By the rule of the atom, where there is one."""
    name, options = node["atom"], node["options"]
    if name in STRUCTURAL:
        return STRUCTURAL[name](statement, node, memory)
    if name == "perspective":
        return perspective(statement, node, memory)
    if any(str(value).startswith("parameter") for value in options.values()):
        return (
            by_options(WITH_PARAMETERS[name])(*args, **options) if name in WITH_PARAMETERS else None
        )
    return ALL_RULES[name](*args, **read_options(options)) if name in ALL_RULES else None


def perspective(statement: Statement, node: Node, memory: dict[int, Array]) -> Array:
    """``s f(x / s)`` for s > 0 bends in s and x as f does in x, where those are affine.

    (Boyd and Vandenberghe 2004, section 3.2.6.) Of x / s only the signs of x are known.
    """
    scale, *arguments = (memory[k] for k in node["args"])
    inside = inside_of_perspective(node["options"]["f"], arguments, statement.goal)
    (value,) = facts_of(inside, inside.root).entries
    if not all(is_above(one.interval) for one in scale.entries):
        return Array(inside.shape, [fact(EVERYTHING, 0)])
    affine = all(one.affine for array in (scale, *arguments) for one in array.entries)
    bends = value.bends & (AFFINE | DOMAIN) if affine else 0
    return Array(inside.shape, [fact(cone_of(value.interval), bends)])


def inside_of_perspective(function: Any, arguments: list[Array], goal: str) -> Statement:
    """About f, of leaves that have the signs of the arguments."""
    places = function["arguments"]
    nodes = [dict(inner) for inner in function["nodes"]]
    check_places(places, nodes)
    for place, array in zip(places, arguments, strict=True):
        signs = [cone_of(one.interval) for one in array.entries]
        low, high = ([None if pair[k] is None else 0 for pair in signs] for k in (0, 1))
        nodes[place] |= {"shape": list(array.shape), "low": low, "high": high, "attributes": []}
    for place, inner in enumerate(nodes):
        check_node(place, inner)
    return Statement(nodes, [], frozenset(places), function["root"], goal)


def finished(one: Fact, fixed: bool) -> Fact:
    """A fact without long numbers; what is made of constants is one."""
    bends = ALL if fixed else one.bends
    return Fact(*shortened(one.interval), bends)


def check_size(node: Node, args: list[Array]) -> None:
    """Refuse what would be large on the way to a small result."""
    sizes, options = [len(array.entries) for array in args], node["options"]
    largest = [sum(sizes), prod(options.get("shape", ()))]
    if node["atom"] in BROADCASTING:
        largest.append(prod(common_shape(array.shape for array in args)))
    if node["atom"] in PAIRING:
        largest.append(prod(sizes))
    if node["atom"] == "diag_vec":
        largest.append((sizes[0] + abs(options["k"])) ** 2)
    require(max(largest) <= MOST_ENTRIES, "too large: too many entries")

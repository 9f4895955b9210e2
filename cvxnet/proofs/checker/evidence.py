"""Evidence: from a document to what relaxation, sphere and tree explain, entry by entry."""

from __future__ import annotations

import math
import struct
from typing import Any

from .document import RefusalError, is_index, length, members
from .packing import decoded, extent, numbers

MAX_DEPTH = 60  # of a tree
MAX_CUT = 2**4096  # above the whole numbers that say where an edge is cut
LARGEST_WEIGHT = 1000  # of a sign
NUMBERS = {4: "f", 8: "d"}  # of so many bytes each, little-endian


def read_evidence(value: Any, n: int, outputs: int) -> dict[str, Any] | None:
    """What helps to prove v feasible, for n samples."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if value is None:
        return None
    if kind == "relaxation":
        return read_relaxation(value, n)
    if kind == "sphere":
        return read_sphere(value, n, outputs)
    if kind == "tree":
        return read_tree(value, n)
    raise RefusalError("this checker knows evidence of the kinds relaxation, sphere, tree only")


def read_relaxation(value: Any, n: int) -> dict[str, Any]:
    """Trees of multipliers, for g and for -g."""
    kind, *trees = members(value, "kind", "plus", "minus")
    plus, minus = (None if tree is None else read_node(tree, n, []) for tree in trees)
    return {"kind": kind, "plus": plus, "minus": minus}


def read_node(value: Any, n: int, path: list[int]) -> dict[str, Any]:
    """A node of a tree: a split on a row, or a leaf."""
    if not isinstance(value, dict) or "row" not in value:
        return read_leaf(value, n)
    row, *nodes = members(value, "row", "plus", "minus")
    if not is_index(row, n) or row in path or len(path) >= MAX_DEPTH:
        raise RefusalError("evidence: a split not on a row, twice on one, or too deep")
    plus, minus = (read_node(node, n, [*path, row]) for node in nodes)
    return {"row": row, "plus": plus, "minus": minus}


def read_leaf(value: Any, n: int) -> dict[str, Any]:
    """The multipliers of a leaf."""
    value = {"odd": []} | value if isinstance(value, dict) else value
    tilt, lean, tau, mu, odd = members(value, "tilt", "lean", "tau", "mu", "odd")
    for entry in lean[: length(lean, "lean")]:
        if length(entry, "lean") != 3 or not all(is_index(k, n) for k in entry[:2]):
            raise RefusalError("evidence: lean must be a list of [row, row, number]")
    return {
        "tilt": numbers(tilt, "tilt", n),
        "lean": [[i, k, numbers(a, "lean")] for i, k, a in lean],
        "tau": numbers(tau, "tau", n),
        "mu": numbers(mu, "mu"),
        "odd": [read_odd(entry, n) for entry in odd[: length(odd, "odd")]],
    }


def read_odd(value: Any, n: int) -> list[Any]:
    """Whole numbers, one alone and some of rows, and a multiplier."""
    if length(value, "odd") != 3 or not is_small(value[0]) or length(value[1], "odd") > n:
        raise RefusalError("evidence: odd must be a list of [integer, [[row, integer]], number]")
    for term in value[1]:
        if length(term, "odd") != 2 or not is_index(term[0], n) or not is_small(term[1]):
            raise RefusalError("evidence: odd must weigh rows by small integers")
    return [*value[:2], numbers(value[2], "odd")]


def is_small(value: Any) -> bool:
    """Whether this is an integer of at most LARGEST_WEIGHT in size."""
    return type(value) is int and abs(value) <= LARGEST_WEIGHT


def read_sphere(value: Any, n: int, outputs: int) -> dict[str, Any]:
    """Corners with their bounds, proofs of these, and cones."""
    kind, basis, edges, bounds, proofs, cones = members(
        value, "kind", "basis", "edges", "bounds", "proofs", "cones"
    )
    k = extent(basis, "basis")[0]
    count = k + length(edges, "edges")
    if not 1 <= k <= outputs or length(proofs, "proofs") != count:
        raise RefusalError("evidence: a basis of 1 to c vectors, a proof or null for each corner")
    if cones is not None and length(cones, "cones") != 2 ** (k - 1):
        raise RefusalError("evidence: cones must be null, or a tree for half of the orthants")
    return {
        "kind": kind,
        "basis": numbers(basis, "basis", k, outputs),
        "edges": [read_edge(edge, k + m) for m, edge in enumerate(edges)],
        "bounds": numbers(bounds, "bounds", count),
        "proofs": [None if proof is None else read_relaxation(proof, n) for proof in proofs],
        "cones": cones and [read_cone(tree, k, count, 0) for tree in cones],
    }


def read_edge(value: Any, before: int) -> list[Any]:
    """Two of the corners before, and how often each counts."""
    if length(value, "edges") != 4 or not all(is_index(k, before) for k in value[:2]):
        raise RefusalError("evidence: edges must be a list of [corner, corner, number, number]")
    return [*value[:2], *numbers(value[2:], "edges", 2)]


def read_cone(value: Any, k: int, count: int, depth: int) -> Any:
    """A cone that is cut at a corner, or a linear function."""
    if not isinstance(value, dict) or "corner" not in value:
        return numbers(value, "cones", k)
    corner, *parts = members(value, "corner", "first", "second")
    if not is_index(corner, count) or corner < k or depth >= MAX_DEPTH:
        raise RefusalError("evidence: a cone not cut at a corner on an edge, or too often")
    first, second = (read_cone(part, k, count, depth + 1) for part in parts)
    return {"corner": corner, "first": first, "second": second}


def read_tree(value: Any, n: int) -> dict[str, Any]:
    """Rows, dual vectors as text, and the nodes of a tree; whether it is one is seen in tree.py."""
    kind, rows, vectors, nodes = members(value, "kind", "rows", "vectors", "nodes")
    if rows is not None:
        length(rows, "rows")
        if not all(is_index(row, n) for row in rows) or len(set(rows)) < len(rows):
            raise RefusalError("evidence: rows must be null, or a list of different samples")
    for text in vectors[: length(vectors, "vectors")]:
        vector_of(text, n)
    for node in nodes[: length(nodes, "nodes")]:
        check_node(node, len(vectors))
    if not any(type(node) is int for node in nodes):
        raise RefusalError("evidence: a tree without leaves")
    return {"kind": kind, "rows": rows, "vectors": vectors, "nodes": nodes}


def check_node(node: Any, vectors: int) -> None:
    """Refuse what is neither the number of a vector nor a cut."""
    if is_index(node, vectors + 1):
        return
    cut = node if isinstance(node, list) else []
    if len(cut) not in (2, 5) or not all(is_index(x, MAX_CUT) for x in cut) or 0 in cut[3:]:
        raise RefusalError(
            "evidence: a node must be the number of a vector, [region, index], or "
            "[region, corner, corner, number, number]"
        )


def vector_of(text: Any, n: int) -> list[float]:
    """The n finite numbers that a text stands for: doubles, or floats of four bytes, in base 64.

    >>> vector_of("AACAPw==", 1), vector_of("AAAAAAAA8D8=", 1)
    ([1.0], [1.0])
    """
    content = decoded(text) or b""
    size = NUMBERS.get(len(content) // n)
    if size is None or len(content) % n:
        raise RefusalError(f"evidence: a vector is not {n} numbers in base 64")
    vector = list(struct.unpack(f"<{n}{size}", content))
    if not all(map(math.isfinite, vector)):
        raise RefusalError("evidence: a vector holds a number that is not finite")
    return vector

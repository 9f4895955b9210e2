"""Where a question is evaluated in floating point: the domains of leaves, points, segments.

Nothing is proved here. What the checker could not evaluate is not searched at all
(`Space.searchable`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis.atoms import values_of, work_of
from cvxnet.analysis.constraints import limits_of
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.documents import has_formula
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape
from cvxnet.types import Array

BOXED = {"nonneg", "nonpos", "pos", "neg", "bounds", "integer", "boolean", "symmetric", "diag"}
BOXED |= {"sparsity", "PSD", "NSD"}


@dataclass(frozen=True)
class Domain:
    """A box, possibly of symmetric or diagonal matrices, or labels ("label", "one_hot" or "").

    ``definite`` is 1 for positive, -1 for negative semidefinite matrices, and otherwise 0;
    ``strict`` is 1 where values are above zero, -1 where they are below, and otherwise 0. Integer
    and boolean unknowns are relaxed, as CVXPY's own rules relax them; what is fixed is whole (every
    entry, where some have to be).
    """

    low: Array
    high: Array
    labels: str = ""
    symmetric: bool = False
    diagonal: bool = False
    whole: bool = False
    definite: int = 0
    strict: int = 0

    def clip(self, values: Array) -> Array:
        """Admissible values, near these, for a batch."""
        if self.labels == "label":
            return np.where(values > 0.0, 1.0, -1.0)
        if self.labels == "one_hot":
            return np.eye(values.shape[-1])[values.argmax(axis=-1)]
        if self.symmetric:
            values = np.triu(values) + np.triu(values, 1).swapaxes(-1, -2)
        if self.diagonal:
            values = values * np.eye(values.shape[-1])
        if self.definite:
            values = self.definite * shifted(self.definite * values)
        values = np.round(values) if self.whole else values
        return np.clip(values, self.low, self.high)

    @property
    def interior(self) -> bool:
        """Whether the domain is a box with interior (so that lines can run in all directions)."""
        return not (self.labels or self.symmetric or self.diagonal) and bool(
            (self.low < self.high).all()
        )


def shifted(matrices: Array) -> Array:
    """Symmetric matrices, each with the least power of two on its diagonal that makes it definite.

    Those that are semidefinite stay what they are, and whole numbers stay whole.
    """
    finite = np.where(np.isfinite(matrices), matrices, 0.0)
    lack = np.maximum(-np.linalg.eigvalsh(finite)[..., 0], 0.0)
    rounding = 1e-12 * np.abs(finite).max(axis=(-1, -2), initial=0.0)
    power = np.exp2(np.ceil(np.log2(np.where(lack > rounding, lack + rounding, 1.0))))
    shift = np.where(lack > rounding, power, 0.0)
    return matrices + shift[..., None, None] * np.eye(matrices.shape[-1])


def domain_of(leaf: Any, question: Question) -> Domain | None:
    """The leaf's domain, or None where it is none that this module knows (PSD, complex, ...)."""
    used = {name for name, value in leaf.attributes.items() if value not in (None, False)}
    if not used <= BOXED:
        return None
    low, high = leaf_bounds(leaf, question)
    definite = int("PSD" in used) - int("NSD" in used)
    fixed = not is_among(leaf, question.unknowns)
    return Domain(
        np.broadcast_to(low, leaf.shape),
        np.broadcast_to(high, leaf.shape),
        labels=question.labels.get(id(leaf), ""),
        symmetric=bool(definite) or "symmetric" in used,
        diagonal="diag" in used,
        whole=fixed and bool(used & {"integer", "boolean"}),
        definite=definite,
        strict=int("pos" in used) - int("neg" in used),
    )


@dataclass(frozen=True)
class Segment:
    """A candidate: the ends and what is fixed, by the id of their leaf, and the output entry."""

    a: Mapping[int, Array]
    b: Mapping[int, Array]
    fixed: Mapping[int, Array]
    entry: tuple[int, ...] = ()
    found_by: str = ""


@dataclass(frozen=True)
class Batch:
    """Many segments: their ends, (count, size), and free values for each of them or for all."""

    a: Array
    b: Array
    free: dict[int, Array]


def is_among(leaf: Any, leaves: Iterable[Any]) -> bool:
    """Whether a leaf is one of these; CVXPY's ``==`` makes constraints."""
    return any(leaf is other for other in leaves)


def is_evaluable(node: Any) -> bool:
    """Whether a node has values here and in the checker: at least one, by a formula."""
    return node.size > 0 and (not node.args or has_formula(node))


class Space:
    """The unknowns as one flat vector, the free values as another, both inside their domains."""

    def __init__(self, question: Question, tape: Tape, seed: int = 0) -> None:
        self.question, self.tape = question, tape
        self.rng = np.random.default_rng(seed)
        limits = limits_of(question.constraints)
        self.limits = Tape(limits or [])
        leaves = list({id(n): n for n in (*tape.leaves(), *self.limits.leaves())}.values())
        self.unknowns = [u for u in question.unknowns if is_among(u, leaves)]
        self.free = [leaf for leaf in leaves if not is_among(leaf, question.unknowns)]
        self.domains = {id(leaf): domain_of(leaf, question) for leaf in leaves}
        self.drawable = None not in self.domains.values()
        nodes = [*tape.nodes, *self.limits.nodes]
        self.obstacle = (
            "" if limits is not None else "a constraint is of a kind that is not evaluated"
        )
        self.obstacle = self.obstacle_in(leaves, nodes) or self.obstacle
        self.searchable = not self.obstacle
        self.size = sum(int(u.size) for u in self.unknowns)
        self.work = sum(map(work_of, nodes))

    def obstacle_in(self, leaves: list[Any], nodes: list[Any]) -> str:
        """Why nothing can be found that the checker could prove, or ""."""
        if any(node.is_complex() for node in nodes):
            return "complex numbers are not evaluated"
        for leaf in leaves:
            if self.domains[id(leaf)] is None:
                return f"the domain of {self.question.name(leaf)} is no box"
        for node in nodes:
            if not is_evaluable(node):
                return f"{type(node).__name__.removesuffix('Approx')} is not evaluated"
        return "" if self.unknowns else "there are no unknowns"

    def split(self, flat: Array) -> dict[int, Array]:
        """A batch of flat vectors as a batch of values for each unknown."""
        values, start = {}, 0
        for leaf in self.unknowns:
            part = flat[:, start : start + leaf.size].reshape(len(flat), *leaf.shape)
            values[id(leaf)] = self.domain(id(leaf)).clip(part)
            start += leaf.size
        return values

    def domain(self, leaf: int) -> Domain:
        """The domain of a leaf, by its id."""
        domain = self.domains[leaf]
        if domain is None:
            raise ValueError("asked for a domain that is not a box")  # guarded by `searchable`
        return domain

    def clipped(self, flat: Array) -> Array:
        """Flat vectors moved into the domain."""
        parts = self.split(flat)
        return np.concatenate([parts[id(u)].reshape(len(flat), -1) for u in self.unknowns], axis=1)

    def draw_free(self, count: int, whole: bool) -> dict[int, Array]:
        """Values for everything that is fixed but not given."""
        values, chosen = {}, self.rng.integers(len(self.free) + 1, size=count)
        for leaf in self.free:
            shape = (count, *leaf.shape)
            draw = (
                self.rng.integers(-2, 3, shape).astype(float)
                if whole
                else self.rng.normal(size=shape)
            )
            if whole:
                draw = self.simple(draw, leaf, chosen)
            domain = self.domain(id(leaf))
            if np.isfinite(domain.low).all() and (domain.low >= 0).all():
                draw = domain.low + np.abs(draw)
            elif np.isfinite(domain.high).all() and (domain.high <= 0).all():
                draw = domain.high - np.abs(draw)
            values[id(leaf)] = domain.clip(draw)
        return values

    def simple(self, draw: Array, leaf: Any, chosen: NDArray[np.int64]) -> Array:
        """Narrow networks in which one layer is drawn; other weights are one, other biases zero."""
        count, layer = len(draw), self.question.name(leaf).rpartition(".")[0]
        if not layer:
            return draw * narrow(count, leaf.shape)  # data, not weights
        layers = [self.question.name(f).rpartition(".")[0] for f in self.free]
        mine = np.array([*(name == layer for name in layers), False])[chosen]
        often = self.rng.random(count) < 1.0 - 0.5 / len(layers)
        usual = (np.arange(count) % 3 < 2) & ~mine & often
        typical = float(len(leaf.shape) > 1)
        draw[usual] = typical
        return draw * narrow(count, leaf.shape)

    def draw(self, count: int, whole: bool) -> Array:
        """Points of the domain; sparse small whole numbers, or normal numbers of many scales."""
        shape = (count, self.size)
        if whole:
            keep = self.rng.random(shape) < self.rng.choice([0.15, 0.5, 1.0], (count, 1))
            masks = [narrow(count, u.shape).reshape(count, -1) for u in self.unknowns]
            whole_numbers = self.rng.integers(-2, 3, shape).astype(float)
            points = whole_numbers * keep * np.concatenate(masks, axis=1)
        else:
            points = self.rng.normal(size=shape) * 10.0 ** self.rng.uniform(-1.5, 1.5, (count, 1))
        return self.clipped(self.within(self.reflected(points)))

    def powers(self, count: int) -> Array:
        """Points whose entries are powers of two, of either sign: products of such stay short."""
        shape = (count, self.size)
        points = 2.0 ** self.rng.integers(-2, 3, shape) * self.rng.choice([-1.0, 1.0, 1.0], shape)
        return self.clipped(self.reflected(points))

    def within(self, points: Array) -> Array:
        """One in place of zero, where values are above zero; minus one where they are below."""
        signs = [np.full(u.size, self.domain(id(u)).strict) for u in self.unknowns]
        strict = np.concatenate([np.empty(0), *signs])
        return np.where((points == 0.0) & (strict != 0.0), strict, points)

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """For each point whether no entry is zero that may not be."""
        return np.asarray((self.within(points) == points).all(axis=1))

    def reflected(self, points: Array) -> Array:
        """Mirror coordinates into one-sided domains, so that few of them are clipped to zero."""
        low = np.concatenate([np.ravel(self.domain(id(u)).low) for u in self.unknowns])
        high = np.concatenate([np.ravel(self.domain(id(u)).high) for u in self.unknowns])
        points = np.where((low > -np.inf) & (points < low), 2 * low - points, points)
        return np.where((high < np.inf) & (points > high), 2 * high - points, points)

    def values(self, flat: Array, free: dict[int, Array]) -> list[Array]:
        """All node values at a batch of points."""
        with np.errstate(all="ignore"):
            return values_of(self.tape, self.split(flat) | free)

    def f(self, flat: Array, free: dict[int, Array]) -> Array:
        """The expression at a batch of points, one row a point; NaN where it is not feasible."""
        value = self.values(flat, free)[-1]
        rows = np.broadcast_to(value, (len(flat), *value.shape[1:])).reshape(len(flat), -1)
        if not self.limits.nodes:
            return rows
        return np.where(self.excess(flat, free)[:, None] <= 0.0, rows, np.nan)

    def excess(self, flat: Array, free: dict[int, Array]) -> Array:
        """The largest number by which each point breaks the constraints (about), NaN if unknown."""
        with np.errstate(all="ignore"):
            value = values_of(self.limits, self.split(flat) | free)[-1]
        return np.broadcast_to(value, (len(flat), *value.shape[1:])).max(axis=1)

    def gaps(self, batch: Batch, sign: float) -> Array:
        """The violations at the midpoints, one row a segment, one column an output entry."""
        ends, middle = (batch.a, batch.b), 0.5 * (batch.a + batch.b)
        f_a, f_b, f_middle = (self.f(point, batch.free) for point in (*ends, middle))
        return violations(f_a, f_middle, f_b, sign)

    def segment(self, batch: Batch, row: int, entry: int, found_by: str) -> Segment:
        """One of many segments as a candidate."""
        fixed = {k: np.asarray(v[row] if len(v) > 1 else v[0]) for k, v in batch.free.items()}
        shape = self.tape.nodes[-1].shape
        where = np.unravel_index(entry, shape) if shape else ()
        return Segment(
            self.point(batch.a[row]),
            self.point(batch.b[row]),
            fixed,
            tuple(int(i) for i in where),
            found_by,
        )

    def point(self, flat: Array) -> dict[int, Array]:
        """A flat vector as a value for each unknown."""
        return {k: np.asarray(v[0]) for k, v in self.split(flat[None]).items()}


def violations(low: Array, middle: Array, high: Array, sign: float) -> Array:
    """``f(middle) - chord`` relative to the sizes involved; NaN where f is not defined."""
    chord = 0.5 * (low + high)
    size = np.abs(low) + np.abs(high) + np.abs(middle) + 1e-12
    with np.errstate(all="ignore"):
        return sign * (middle - chord) / size


def narrow(count: int, shape: tuple[int, ...]) -> Array:
    """Masks for a batch: every third point uses one unit of each layer, every third point two."""
    index = np.indices(shape).max(axis=0) if shape else np.zeros(())
    masks = np.array([index < 1, index < 2, np.ones(shape, dtype=bool)], dtype=float)
    return masks[np.arange(count) % 3]

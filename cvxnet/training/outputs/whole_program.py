"""The whole convex program of several outputs that share units, where there is a finite one.

With c outputs, units that act linearly on the data, ``phi_u(X) = M u`` for u in a cone K, add
``M Z`` to the predictions, with ``Z = sum_j u_j a_j^T``, (k, c), at the price

    |Z|_K = min { sum_j |u_j| |a_j| :  Z = sum_j u_j a_j^T,  u_j in K }.

* K = R^k (linear units, and gated ones of one gate): the nuclear norm, as the rank-one matrices of
  norm one are the extreme points of its ball. The singular value decomposition has the units.
* k = 1 (coordinate units, and every cell at rank one): the length of the row Z.
* K the cone of p rays, the columns of R, p <= 4: as ``|u| |a|`` is the least of
  ``1/2 (s |u|^2 + |a|^2 / s)`` over s > 0,

      |Z|_K = min  1/2 (trace R C R^T + trace A)
              over [[C, B], [B^T, A]] >= 0 (semidefinite),  C >= 0 (entrywise),  R B = Z.

  Units ``u_j = R w_j`` with ``w_j >= 0``, balanced, give ``sum_j (w_j, a_j)(w_j, a_j)^T``. For the
  converse write the matrix as ``(P, Q)(P, Q)^T``. C is semidefinite, entrywise >= 0 and of order at
  most 4, so ``C = W W^T`` for some ``W >= 0`` (Maxfield and Minc 1962). Two square roots of one
  matrix differ by a rotation O, once both are filled up with columns of zeros: ``W = P O``. So
  ``B = P Q^T = W (Q O)^T = sum_j w_j a_j^T`` with the columns a_j of ``Q O``, and
  ``trace R C R^T + trace A = sum_j |R w_j|^2 + |a_j|^2 >= 2 sum_j |R w_j| |a_j|``.

A cell has two rays at rank two. At rank three it is a polygon seen from the origin, which is cut
into triangles. At rank four cones of four rays would do, but nothing here cuts cells there or finds
W. From rank five on a cone has five rays or more, and of matrices of that order it is hard to tell
whether they are completely positive, as C has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from itertools import combinations

import cvxpy as cp
import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.training.enumeration import all_blocks, count_blocks
from cvxnet.training.geometry.arrangement import count_cells
from cvxnet.training.problem import Problem, Units
from cvxnet.training.semidefinite import Program, make_units, write
from cvxnet.training.units.curved import CurvedUnits
from cvxnet.training.units.family import Block, UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

LARGEST_RANK = 3
"""Up to this rank cells are cut into cones of at most three rays."""
OUTSIDE = 1e-9
"""A ray that breaks an inequality by less belongs to the cell."""
SAME_RAY = 1e-9
"""Rays of length one that are closer are one."""
OVERHEAD = 100
"""As many entries of constraints as a block takes beside its own: about 40 kB, as measured."""


@dataclass(frozen=True)
class Parts:
    """The units of all blocks as variables of the program.

    Attributes
    ----------
    coefficients : (sum of k, c) expression
        ``sum_j w_j a_j^T`` of each block, one below the other; its units are ``w @ directions``.
    size : expression
        ``sum_j |u_j| |a_j|`` over all blocks.
    constraints : list of constraints
    factors : callable
        From the values, once there are any: w_j, (m, k), and a_j, (m, c), of each block.
    """

    coefficients: cp.Expression
    size: cp.Expression
    constraints: list[cp.Constraint]
    factors: Callable[[], list[tuple[Array, Array]]]


def shared_program(problem: Problem) -> Program:
    """The program with every unit that there is, and how to read the units off its solution.

    Its first constraint states the predictions: up to its sign the multiplier is the dual vector.
    """
    blocks, c = linear_blocks(problem.family), problem.y.shape[1]
    parts = one_direction(blocks, c) if blocks[0].matrix.shape[1] == 1 else many(blocks, c)
    matrix = np.hstack([block.matrix for block in blocks])
    program, free = write(problem, matrix @ parts.coefficients, parts.size, parts.constraints)

    def find_units() -> Units | None:
        if parts.coefficients.value is None:
            return None
        pairs = zip(parts.factors(), blocks, strict=True)
        rows, outputs = zip(*(units_in(block, *pair) for pair, block in pairs), strict=True)
        return make_units(np.vstack(rows), np.vstack(outputs), free)

    return program, find_units


def units_in(block: Block, w: Array, a: Array) -> tuple[Array, Array]:
    """Rows ``|a_j| u_j`` and ``a_j / |a_j|``."""
    length = np.linalg.norm(a, axis=1)
    used = length > 0.0
    w, a, length = w[used], a[used], length[used, None]
    return length * (w @ block.directions), a / length


def block_entries(family: UnitFamily, n: int, c: int) -> int:
    """Entries of one block, in number: of its features, and an eighth of the solver's matrix."""
    k = family.block_width
    order = (k + c) * (k + c + 1) // 2
    return n * k * c + (order * order // 8 + OVERHEAD if k > 1 else 0)


@singledispatch
def linear_blocks(family: UnitFamily) -> list[Block]:
    """Blocks without output signs, the coordinates of cells being those of their rays."""
    return all_blocks(family)


@linear_blocks.register
def cones_of_cells(family: PiecewiseLinearUnits) -> list[Block]:
    """Every cell in which some unit is active, cut into cones of as many rays as the rank."""
    return [cone for block in all_blocks(family) if block.sign > 0.0 for cone in cones(block)]


@singledispatch
def count_linear_blocks(family: UnitFamily) -> int:
    """At most so many blocks are in `linear_blocks`; UnsupportedError where there is no list."""
    return count_blocks(family)


@count_linear_blocks.register
def count_cones(family: PiecewiseLinearUnits) -> int:
    """One a cell; at rank three F cells have ``4 F - 8`` sides, so ``2 F - 8`` triangles."""
    if family.rank > LARGEST_RANK:
        raise UnsupportedError(
            f"with several outputs the whole program of {family.name} units is written up to rank "
            f"{LARGEST_RANK} of the data, the hidden bias included; here it is {family.rank}. What "
            "the units of a cell cost, sum_j |u_j| |a_j|, is a semidefinite program for each cone "
            "of at most four rays that it is cut into; for cones of more rays none of moderate "
            "size is known. cvxnet.train needs no such program."
        )
    return max(family.rank - 1, 1) * count_cells(len(family.X), family.rank)


@count_linear_blocks.register
def refuse_curved(family: CurvedUnits) -> int:
    """Units of degree two: with several outputs rho is the maximum of a quartic."""
    raise UnsupportedError(
        f"there is no finite convex program of {family.name} units with several outputs: "
        "rho(V) = max |V^T phi_u(X)| is then the maximum of a polynomial of degree four on the "
        "sphere, for which no semidefinite program of moderate size is known. cvxnet.train prices "
        "them by eigenvalue problems, one for each direction of the outputs."
    )


def cones(block: Block) -> Iterator[Block]:
    """The cones of r rays that a cell consists of: at rank three a fan of triangles."""
    rays = rays_of(block.facets)
    r = rays.shape[1]
    for k in range(1, len(rays) - r + 2):
        part = rays[[0, *range(k, k + r - 1)]]
        yield Block(
            key=(block.key, k),
            sign=1.0,
            matrix=block.matrix @ part.T,
            facets=np.eye(r),
            directions=part @ block.directions,
        )


def rays_of(facets: Array) -> Array:
    """The extreme rays of ``{u : facets @ u >= 0}``, of length one, in order around their mean.

    Examples
    --------
    >>> rays_of(np.array([[1.0, 0.0], [0.0, 1.0]])).round(12).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    r = facets.shape[1]
    found: list[Array] = []
    for chosen in combinations(range(len(facets)), r - 1):
        line = np.linalg.svd(facets[list(chosen)])[2][-1] if chosen else np.ones(1)
        for ray in (line, -line):
            new = all(np.linalg.norm(ray - other) > SAME_RAY for other in found)
            if new and (facets @ ray >= -OUTSIDE).all():
                found.append(ray)
    rays = np.array(found) + 0.0
    if r <= 2:
        return rays
    frame = np.linalg.svd(rays.mean(axis=0)[None])[2][1:]
    return np.asarray(rays[np.argsort(np.arctan2(*(frame @ rays.T)), kind="stable")])


def one_direction(blocks: list[Block], c: int) -> Parts:
    """Blocks of one unit each, whose output weights are free."""
    Z = cp.Variable((len(blocks), c), name="a")
    return Parts(
        coefficients=Z,
        size=cp.sum(cp.norm(Z, 2, axis=1)),
        constraints=[],
        factors=lambda: [(np.ones((1, 1)), a[None]) for a in np.asarray(Z.value)],
    )


def many(blocks: list[Block], c: int) -> Parts:
    """A semidefinite matrix ``[[C, B], [B^T, A]]`` for each block, by its upper triangle.

    Without facets nothing else is asked of it, and half its trace is the nuclear norm of B.
    """
    k, is_cone = blocks[0].matrix.shape[1], len(blocks[0].facets) > 0
    upper = np.triu_indices(k + c)
    place = np.zeros((k + c, k + c), dtype=int)
    place[upper] = place.T[upper] = np.arange(len(upper[0]))
    x = cp.Variable((len(blocks), len(upper[0])), name="w")
    whole = np.eye(len(upper[0]))[place.ravel()]
    matrices = [cp.reshape(whole @ x[b], place.shape, order="C") for b in range(len(blocks))]
    weights = np.stack([half_trace(block, c) for block in blocks])
    constraints = [matrix >> 0 for matrix in matrices]
    if is_cone:
        constraints.append(x[:, place[:k, :k][np.triu_indices(k, 1)]] >= 0.0)

    def factors() -> list[tuple[Array, Array]]:
        values = np.asarray(x.value)[:, place]
        read = conic_factors if is_cone else singular_factors
        return [read(C, B) for C, B in zip(values[:, :k, :k], values[:, :k, k:], strict=True)]

    return Parts(
        coefficients=cp.reshape(x[:, place[:k, k:].ravel()], (k * len(blocks), c), order="C"),
        size=cp.sum(cp.multiply(weights.reshape(len(blocks), -1) @ whole, x)),
        constraints=constraints,
        factors=factors,
    )


def half_trace(block: Block, c: int) -> Array:
    """The matrix whose product with ``[[C, B], [B^T, A]]`` is half of trace R C R^T + trace A."""
    G = np.eye(block.matrix.shape[1] + c)
    if len(block.facets):
        G[:-c, :-c] = block.directions @ block.directions.T
    return 0.5 * G


def singular_factors(C: Array, B: Array) -> tuple[Array, Array]:
    """The singular vectors of B."""
    U, s, Vt = np.linalg.svd(B, full_matrices=False)
    return U.T, s[:, None] * Vt


def conic_factors(C: Array, B: Array) -> tuple[Array, Array]:
    """``w >= 0`` and a with ``B = sum_j w_j a_j^T``, where ``C = sum_j w_j w_j^T``."""
    W = nonnegative_factor(C)
    return W.T, np.asarray(np.linalg.lstsq(W, B, rcond=LEFT_OVER)[0])


LEFT_OVER = 1e-6
"""Parts of a square root that are smaller, relatively, are what a solver left over."""


def nonnegative_factor(C: Array) -> Array:
    """W >= 0 with ``C = W W^T``, for C semidefinite and entrywise >= 0, of order at most three.

    One column takes away a pivot, ``C - C_i C_i^T / C_ii``. Of order three some pivot leaves an
    entry >= 0: if all left one below zero, ``C_jk C_ii < C_ij C_ik`` for all three, the product of
    two of these would be ``C_ii C_jj < C_ij^2``.

    Examples
    --------
    >>> C = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
    >>> W = nonnegative_factor(C)
    >>> bool((W >= 0.0).all()), (W @ W.T).round(12).tolist()
    (True, [[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 1.0]])
    """
    rest, columns = np.maximum(C, 0.0), []
    size = np.sqrt(np.diag(rest))
    scale = np.outer(size, size)
    for _ in range(len(C)):
        live = np.flatnonzero(np.diag(rest) > 0.0)
        left = [rest - np.outer(rest[i], rest[i]) / rest[i, i] for i in live]
        if not left:
            break
        best = int(np.argmax([(M / np.where(scale > 0.0, scale, 1.0)).min() for M in left]))
        columns.append(rest[live[best]] / np.sqrt(rest[live[best], live[best]]))
        rest = np.maximum(left[best], 0.0)
        rest[live[best]] = rest[:, live[best]] = 0.0
    return np.reshape(columns, (len(columns), len(C))).T

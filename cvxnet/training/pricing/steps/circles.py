"""The circles in which r - 2 hyperplanes of an arrangement meet, with their crossings sorted.

The plane that r - 2 independent normals S leave in ``R^r`` meets the sphere in a circle; every
other hyperplane k crosses it at two opposite points. The order of the crossings is all that step
functions need, and it must be right: a wrong one shows cells that are not there and hides others.

In the frame (n, d) of the plane, n along the trace of one hyperplane s and d across, k crosses the
half circle ``w(t) = cos t d + sin t n``, 0 <= t < pi, where ``gamma cos t + alpha sin t = 0`` with
``alpha = e_k.n, gamma = e_k.d``. Its side before is the sign of gamma, and a comes before b if

    side_a side_b (alpha_a gamma_b - gamma_a alpha_b) < 0.

Both are determinants, of (S, k, s) and of (S, a, b), up to one common sign. Rounded coordinates
decide them where they are clearly off zero and propose the order; exact integers decide the rest.
"""

from __future__ import annotations

from collections import namedtuple
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numba import njit
from numpy.typing import NDArray

from cvxnet.kernels import dot, stable_order
from cvxnet.training.pricing.steps.determinants import Residues, dependent, determinant_sign
from cvxnet.types import Array

Integers = NDArray[np.int64]

ROUNDING = 1e-14
"""Coordinates in a plane err by less than this times r^2 / (volume of its unit normals)."""
CLEARLY_INDEPENDENT = 1e-6
"""Unit normals of a larger volume are independent without asking integers."""
TINY = 1e-290
"""Stands for a length or determinant that rounding took to zero, where it is divided by."""
CIRCLES_A_TASK = 200
"""With more circles than this the sorting goes to joblib's threads."""


class Circles(NamedTuple):
    """Half circles and their crossings.

    Attributes
    ----------
    subsets : (m, r - 2) integer array
        The hyperplanes S of each circle.
    entries : (m, w) integer array
        ``side * (k + 1)`` for each crossing in order: the hyperplane, and its side before. The
        hyperplanes that contain the whole circle stand at the end.
    joined : (m, w) boolean array
        Whether a crossing is at the same point as the one before it.
    crossing : (m,) integer array
        The number of crossings; 0 where S is dependent and there is no circle.
    """

    subsets: Integers
    entries: NDArray[np.int32]
    joined: NDArray[np.bool_]
    crossing: NDArray[np.int32]


def sort_circles(subsets: Integers, normals: Array, residues: Residues) -> Circles:
    """Sort the crossings on the circles of the given subsets of hyperplanes.

    Examples
    --------
    >>> from cvxnet.training.pricing.steps.hyperplanes import find_hyperplanes
    >>> cells = find_hyperplanes(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])).dichotomies
    >>> sort_circles(np.zeros((1, 0), int), cells.normals, cells.residues).entries.tolist()
    [[-1, -3, -2]]
    """
    parts = np.array_split(subsets, max(1, len(subsets) // CIRCLES_A_TASK))
    jobs = Parallel(n_jobs=-1, require="sharedmem") if len(parts) > 1 else Parallel(n_jobs=1)
    done = jobs(delayed(sort_part)(part, normals, residues) for part in parts)
    entries, joined, crossing = (np.concatenate(arrays) for arrays in zip(*done, strict=True))
    return Circles(subsets, entries, joined, crossing)


@njit(cache=True, nogil=True)
def sort_part(subsets, normals, residues):  # type: ignore[no-untyped-def]
    """`sort_circles` for one thread: of m subsets (m, r - 2), with normals (h, r)."""
    m, width = len(subsets), len(normals) - subsets.shape[1]
    entries = np.zeros((m, width), np.int32)
    joined = np.zeros((m, width), np.bool_)
    crossing = np.zeros(m, np.int32)
    for i in range(m):
        basis, volume = orthonormal_basis(normals, subsets[i])
        if volume > CLEARLY_INDEPENDENT or not dependent(residues, subsets[i]):
            plane = trace(subsets[i], normals, basis, volume, residues)
            crossing[i] = sort_circle(plane, residues, entries[i], joined[i])
    return entries, joined, crossing


@njit(cache=True)
def orthonormal_basis(normals, subset):  # type: ignore[no-untyped-def]
    """A basis of R^r that begins with one of the span of a subset, and the volume of its normals.

    The last two vectors of the basis, (r, r), span the plane of the circle.
    """
    r = normals.shape[1]
    basis = np.zeros((r, r))
    volume = 1.0
    for i in range(r):
        if i < subset.size:
            copy(basis[i], normals[subset[i]])
            volume *= make_orthonormal(basis, i)
        else:
            basis[i, farthest_axis(basis, i)] = 1.0
            make_orthonormal(basis, i)
    return basis, volume


@njit(cache=True)
def make_orthonormal(basis, i):  # type: ignore[no-untyped-def]
    """Gram-Schmidt, twice, of row i against those above it; returns the length that was left.

    The basis is (r, r) and changed in place.
    """
    r = basis.shape[1]
    for _ in range(2):
        for j in range(i):
            along = dot(basis[i], basis[j])
            for x in range(r):
                basis[i, x] -= along * basis[j, x]
    length = np.sqrt(dot(basis[i], basis[i]))
    for x in range(r):
        basis[i, x] /= max(length, TINY)
    return length


@njit(cache=True)
def farthest_axis(basis, i):  # type: ignore[no-untyped-def]
    """The axis that is farthest from the span of the first i rows."""
    best, least = 0, np.inf
    for x in range(basis.shape[1]):
        along = 0.0
        for j in range(i):
            along += basis[j, x] * basis[j, x]
        if along < least:
            best, least = x, along
    return best


@njit(cache=True)
def copy(target, source):  # type: ignore[no-untyped-def]
    """Write the source over the start of the target; compiles faster than a slice."""
    for x in range(source.size):
        target[x] = source[x]


Plane = namedtuple("Plane", "subset others x orient tolerance s b")
"""The hyperplanes other than S, their traces x on the plane (two coordinates), and references s, b
(positions in ``others``) that are independent on it. Determinants of two traces larger than the
tolerance have the right sign; ``orient`` times an exact determinant has the same."""


@njit(cache=True)
def trace(subset, normals, basis, volume, residues):  # type: ignore[no-untyped-def]
    """The plane across a subset of r - 2 of the normals (h, r), with the last two of a basis."""
    h, r = normals.shape
    p, q = basis[r - 2], basis[r - 1]
    others, x = np.empty(h - subset.size, np.int64), np.empty((h - subset.size, 2))
    size = s = b = np.int64(0)  # no literals, for which `turn` would be compiled anew
    longest = widest = -1.0
    for k in range(h):
        if not contains(subset, k):
            x[size, 0], x[size, 1] = dot(normals[k], p), dot(normals[k], q)
            length = x[size, 0] ** 2 + x[size, 1] ** 2
            if length > longest:
                s, longest = size, length
            others[size] = k
            size += 1
    for t in range(size):
        if abs(cross(x, s, t)) > widest:
            b, widest = np.int64(t), abs(cross(x, s, t))
    tolerance = 4.0 * ROUNDING * r * r / max(volume, TINY)
    if widest <= tolerance:
        return exact_plane(subset, others, x, residues)
    plane = Plane(subset, others, x, 1, np.inf, s, b)
    orient = turn(plane, s, b, residues) * clear_sign(cross(x, s, b))
    return Plane(subset, others, x, orient, tolerance, s, b)


@njit(cache=True)
def contains(subset, k):  # type: ignore[no-untyped-def]
    """Whether k is in the subset."""
    found = False
    for member in subset:
        found = found or member == k
    return found


@njit(cache=True)
def exact_plane(subset, others, x, residues):  # type: ignore[no-untyped-def]
    """The plane where rounding hides which traces are independent: all by integers."""
    for s in range(others.size):
        for b in range(s):
            plane = Plane(subset, others, x, 1, np.inf, s, b)
            if turn(plane, s, b, residues) != 0:
                return plane
    return Plane(subset, others, x, 1, np.inf, 0, 0)  # not reached: the rank is r


@njit(cache=True)
def turn(plane, a, b, residues):  # type: ignore[no-untyped-def]
    """The sign of the determinant of the traces of a and b (positions), exactly."""
    value = cross(plane.x, a, b)
    return clear_sign(value) if abs(value) > plane.tolerance else exact_turn(plane, a, b, residues)


@njit(cache=True)
def exact_turn(plane, a, b, residues):  # type: ignore[no-untyped-def]
    """`turn` by integers."""
    index = np.empty(plane.subset.size + 2, np.int64)
    copy(index, plane.subset)
    index[-2], index[-1] = plane.others[a], plane.others[b]
    return plane.orient * determinant_sign(residues, index)


@njit(cache=True)
def cross(x, a, b):  # type: ignore[no-untyped-def]
    """The determinant of two of the traces x, (m, 2), rounded."""
    return x[a, 0] * x[b, 1] - x[a, 1] * x[b, 0]


@njit(cache=True)
def clear_sign(value):  # type: ignore[no-untyped-def]
    """The sign of a number clearly off zero."""
    return 1 if value > 0.0 else -1


@njit(cache=True)
def sort_circle(plane, residues, entries, joined):  # type: ignore[no-untyped-def]
    """Fill in one circle, a row of entries and of joined; returns the number of crossings."""
    x, s, b, others = plane.x, plane.s, plane.b, plane.others
    size = len(x)
    side = np.empty(size, np.int64)
    key = np.full(size, np.inf)  # sorts those without a crossing of their own last
    count, last = np.int64(0), size
    for k in range(size):
        gamma = cross(x, k, s)
        if abs(gamma) > plane.tolerance:
            side[k] = clear_sign(gamma)
        else:
            side[k] = exact_turn(plane, k, s, residues)
        if side[k] != 0:
            alpha = x[k, 0] * x[s, 0] + x[k, 1] * x[s, 1]
            key[k] = alpha * side[k] / max(abs(gamma), TINY)
            continue
        direction = turn(plane, k, b, residues) * turn(plane, s, b, residues)
        if direction != 0:  # crosses where s does
            entries[count] = -direction * (others[k] + 1)
            joined[count] = count > 0
            count += 1
        else:
            last -= 1
            entries[last] = others[k] + 1
    order = stable_order(key)[: last - count]
    return arrange_crossings(order, side, plane, residues, count, entries, joined)


@njit(cache=True)
def arrange_crossings(order, side, plane, residues, count, entries, joined):  # type: ignore[no-untyped-def]
    """Insertion sort by the exact order, where nearly nothing moves; then write it down."""
    x, tolerance = plane.x, plane.tolerance
    for t in range(1, order.size):
        k = order[t]
        for j in range(t - 1, -1, -1):
            value = cross(x, k, order[j])
            if abs(value) > tolerance:
                sign = clear_sign(value)
            else:
                sign = exact_turn(plane, k, order[j], residues)
            if side[k] * side[order[j]] * sign <= 0:
                break
            order[j + 1], order[j] = order[j], k
    for t in range(order.size):
        k = order[t]
        entries[count] = side[k] * (plane.others[k] + 1)
        if t > 0 and abs(cross(x, k, order[t - 1])) <= tolerance:
            joined[count] = exact_turn(plane, k, order[t - 1], residues) == 0
        count += 1
    return count

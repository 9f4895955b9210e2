"""The forms ``|M^T u|^2 = u^T K u`` of vectors u in space: their matrices, levels and eigenvectors.

``M`` is (3, c), ``K``, ``L``, ``A`` and ``V`` are (3, 3), ``u`` is (3,). The plane is that of the
first two coordinates.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.kernels import dot

ROTATIONS = 10
"""Rounds of Jacobi's method; four or five are what it takes."""
DIAGONAL = 1e-36
"""Off-diagonal entries this small, relative and squared, are zero."""


@njit(cache=True, error_model="numpy")
def vector(x, y, z):  # type: ignore[no-untyped-def]
    """A vector in space: numpy makes one of a list, slowly."""
    made = np.empty(3)
    made[0], made[1], made[2] = x, y, z
    return made


@njit(cache=True, error_model="numpy")
def square(a):  # type: ignore[no-untyped-def]
    """``|a|^2``."""
    total = 0.0
    for o in range(a.size):
        total += a[o] * a[o]
    return total


@njit(cache=True, error_model="numpy")
def gram(M, K):  # type: ignore[no-untyped-def]
    """``K = M M^T``."""
    a = b = c = d = e = f = 0.0
    for o in range(M.shape[1]):
        x, y, z = M[0, o], M[1, o], M[2, o]
        a += x * x
        b += x * y
        c += y * y
        d += x * z
        e += y * z
        f += z * z
    K[0, 0], K[1, 1], K[2, 2] = a, c, f
    K[0, 1] = K[1, 0] = b
    K[0, 2] = K[2, 0] = d
    K[1, 2] = K[2, 1] = e


@njit(cache=True, error_model="numpy")
def add_own(M, K, term, own_side, L):  # type: ignore[no-untyped-def]
    """``L = K`` with the vector ``own_side term`` (c,) added to the last row of M."""
    x = y = z = 0.0
    for o in range(term.size):
        x += M[0, o] * term[o]
        y += M[1, o] * term[o]
        z += (2.0 * own_side * M[2, o] + term[o]) * term[o]
    L[0, 0], L[1, 1], L[2, 2] = K[0, 0], K[1, 1], K[2, 2] + z
    L[0, 1] = L[1, 0] = K[0, 1]
    L[0, 2] = L[2, 0] = K[0, 2] + own_side * x
    L[1, 2] = L[2, 1] = K[1, 2] + own_side * y


@njit(cache=True, error_model="numpy")
def above_in_plane(K, level):  # type: ignore[no-untyped-def]
    """Whether K restricted to the plane has an eigenvalue above the level."""
    a, c = level - K[0, 0], level - K[1, 1]
    return a <= 0.0 or a * c <= K[0, 1] * K[0, 1]


@njit(cache=True, error_model="numpy")
def above_in_space(K, level):  # type: ignore[no-untyped-def]
    """Whether K has an eigenvalue above the level: ``level - K`` is not positive definite."""
    a, c, f = level - K[0, 0], level - K[1, 1], level - K[2, 2]
    b, d, e = K[0, 1], K[0, 2], K[1, 2]
    minor = a * c - b * b
    return a <= 0.0 or minor <= 0.0 or f * minor - 2.0 * b * d * e - a * e * e - c * d * d <= 0.0


@njit(cache=True, error_model="numpy")
def direction(M, u):  # type: ignore[no-untyped-def]
    """``w = g / |g|`` with ``g = M^T u``."""
    w = np.empty(M.shape[1])
    for o in range(w.size):
        w[o] = u[0] * M[0, o] + u[1] * M[1, o] + u[2] * M[2, o]
    size = np.sqrt(square(w))
    for o in range(w.size):
        w[o] /= size
    return w


@njit(cache=True, error_model="numpy")
def dots(M, w):  # type: ignore[no-untyped-def]
    """``M w``."""
    return vector(dot(M[0], w), dot(M[1], w), dot(M[2], w))


@njit(cache=True, error_model="numpy")
def diagonalise(A, V):  # type: ignore[no-untyped-def]
    """Jacobi's method: A becomes diagonal, the columns of V its eigenvectors."""
    for x in range(3):
        for y in range(3):
            V[x, y] = 1.0 if x == y else 0.0
    for _ in range(ROTATIONS):
        off = A[0, 1] ** 2 + A[0, 2] ** 2 + A[1, 2] ** 2
        if off <= DIAGONAL * (A[0, 0] ** 2 + A[1, 1] ** 2 + A[2, 2] ** 2):
            break
        for x in range(2):
            for y in range(x + 1, 3):
                if A[x, y] != 0.0:
                    rotate(A, V, x, y)


@njit(cache=True, error_model="numpy")
def rotate(A, V, x, y):  # type: ignore[no-untyped-def]
    """The rotation in the plane of x and y after which ``A[x, y]`` is zero."""
    cot = (A[y, y] - A[x, x]) / (2.0 * A[x, y])
    tan = (1.0 if cot >= 0.0 else -1.0) / (abs(cot) + np.hypot(1.0, cot))
    cos = 1.0 / np.hypot(1.0, tan)
    sin, z = tan * cos, 3 - x - y
    A[x, x] -= tan * A[x, y]
    A[y, y] += tan * A[x, y]
    A[x, y] = A[y, x] = 0.0
    a, b = cos * A[x, z] - sin * A[y, z], sin * A[x, z] + cos * A[y, z]
    A[x, z] = A[z, x] = a
    A[y, z] = A[z, y] = b
    for i in range(3):
        a, b = cos * V[i, x] - sin * V[i, y], sin * V[i, x] + cos * V[i, y]
        V[i, x], V[i, y] = a, b


@njit(cache=True, error_model="numpy")
def order_of_diagonal(A):  # type: ignore[no-untyped-def]
    """The places of the diagonal's entries, the largest first."""
    top, third = 0, 2
    for x in range(3):
        if A[x, x] > A[top, top]:
            top = x
    for x in range(3):
        if x != top and (third == top or A[x, x] < A[third, third]):
            third = x
    return top, 3 - top - third, third


@njit(cache=True, error_model="numpy")
def quadratic_form(K, u):  # type: ignore[no-untyped-def]
    """``u^T K u`` for u in the plane."""
    return K[0, 0] * u[0] * u[0] + 2.0 * K[0, 1] * u[0] * u[1] + K[1, 1] * u[1] * u[1]

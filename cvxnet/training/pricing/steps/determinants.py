"""Exact signs of determinants of integer matrices, by residues modulo primes.

Whether three lines meet in one point, and in which order two of them cross a third, is the sign of
a determinant. Rounding decides it wrongly where it is nearly or exactly zero, and a step function
then jumps. So the determinant D is computed modulo primes whose product M exceeds 2 |D| (Hadamard:
|D| is at most the product of the lengths of the rows). Garner's mixed radix form

    D mod M = g_0 + g_1 p_0 + g_2 p_0 p_1 + ...        0 <= g_i < p_i

stays within 64 bits, and D is negative exactly where that is above (M - 1) / 2, whose digits are
(p_i - 1) / 2. All of it is integer arithmetic: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np
from flint import fmpz
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]

LARGEST_PRIME = 2**31 - 1
"""Products of two residues modulo primes up to this fit into 64 bits."""


class Residues(NamedTuple):
    """Integer rows modulo enough primes for every determinant of r of them.

    Attributes
    ----------
    primes : (P,) integer array
    inverses : (P,) integer array
        The inverse of ``p_0 ... p_(i-1)`` modulo ``p_i``.
    rows : (P, h, r) integer array
    """

    primes: Integers
    inverses: Integers
    rows: Integers


def reduce_rows(rows: Sequence[Sequence[int]]) -> Residues:
    """Residues of integer rows of any size, h of length r.

    Examples
    --------
    >>> residues = reduce_rows([(1, 2, 3), (4, 5, 6), (7, 8, 9), (7, 8, 10), (10**30, 1, 0)])
    >>> [determinant_sign(residues, np.array(i)) for i in [(0, 1, 2), (0, 1, 3), (0, 1, 4)]]
    [0, -1, -1]
    """
    r = len(rows[0])
    longest = sorted(isqrt(sum(x * x for x in row)) + 1 for row in rows)[-r:]
    bound = 2 * int(np.prod(np.array(longest, dtype=object))) + 1
    primes, product, inverses = [], 1, []
    candidate = LARGEST_PRIME
    while product <= bound:
        if fmpz(candidate).is_prime():
            inverses.append(pow(product, -1, candidate))
            primes.append(candidate)
            product *= candidate
        candidate -= 2
    table = [[[x % p for x in row] for row in rows] for p in primes]
    return Residues(np.array(primes), np.array(inverses), np.array(table, dtype=np.int64))


@njit(cache=True, nogil=True)
def determinant_sign(residues, index):  # type: ignore[no-untyped-def]
    """Sign of the determinant of the r rows at ``index``, exactly."""
    primes, inverses, rows = residues
    count = primes.size
    digits = np.empty(count, np.int64)
    for i in range(count):
        p = primes[i]
        below = 0
        for j in range(i - 1, -1, -1):
            below = (below * (primes[j] % p) + digits[j]) % p
        D = minors_modulo(rows[i], index, p)[-1]
        digits[i] = (D - below) % p * inverses[i] % p
    for i in range(count - 1, -1, -1):
        half = (primes[i] - 1) // 2
        if digits[i] != half:
            return -1 if digits[i] > half else sign_above_zero(digits)
    return 1


@njit(cache=True)
def sign_above_zero(digits):  # type: ignore[no-untyped-def]
    """0 where all digits are, else 1."""
    for digit in digits:
        if digit != 0:
            return 1
    return 0


@njit(cache=True, nogil=True)
def dependent(residues, index):  # type: ignore[no-untyped-def]
    """Whether the rows at ``index`` (at most r of them) are linearly dependent, exactly."""
    for i in range(residues.primes.size):
        minors = minors_modulo(residues.rows[i], index, residues.primes[i])
        for mask in range(minors.size):
            if minors[mask] != 0 and count_bits(mask) == index.size:
                return False
    return True


@njit(cache=True)
def minors_modulo(rows, index, p):  # type: ignore[no-untyped-def]
    """Determinants modulo p of the first rows at ``index`` on all sets of as many columns, (2^r,).

    Laplace expansion without division: ``minors[mask]`` belongs to the columns in ``mask``. Adding
    a row to a set costs one product for each column, and all sets of r columns take r 2^(r-1).
    """
    r = rows.shape[1]
    minors = np.zeros(1 << r, np.int64)
    minors[0] = 1
    for mask in range(1, 1 << r):
        used = count_bits(mask)
        if used > index.size:
            continue
        total, sign = 0, 1
        for column in range(r - 1, -1, -1):  # the sign alternates from the last column used
            if mask >> column & 1:
                total += sign * (rows[index[used - 1], column] * minors[mask ^ (1 << column)] % p)
                sign = -sign
        minors[mask] = total % p
    return minors


@njit(cache=True)
def count_bits(mask):  # type: ignore[no-untyped-def]
    """How many bits are set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count

"""Gram matrices from semidefinite programs, rounded to rationals.

What the checker wants to see is in `cvxnet.proofs.checker.convexity.curvature.gram`. The program
maximises the smallest eigenvalue of the first Gram matrix. Where that is positive, rounding does no
harm: the other matrices are rounded as L L', and the first one is moved into the affine space of
those that fit exactly (Peyrl, Parrilo, Theoretical Computer Science 409, 2008). Where it is zero,
products that no square can have are left out first (those whose square has no place in the
polynomial and cannot cancel), and then the products are replaced by combinations: the range of the
matrix found, with simple rationals.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from flint import fmpq, fmpq_mat
from scipy.linalg import lstsq

from cvxnet.analysis.provers.saddles import as_float
from cvxnet.types import Array

ROUNDINGS = (12, 20, 28, 40)
"""Binary digits, tried one after the other."""
NOTHING = 1e-7
"""An eigenvalue that counts as zero, of polynomials whose largest coefficient is one."""
SMALL, PIVOT = 1e-5, 1e-3
"""Eigenvalues, of the largest, and entries of unit vectors that count as zero."""
MOST_POLISHED = 1000
"""Entries of factors."""
STEPS, PRECISE = 40, 1e-12
"""Of Gauss and Newton: how many at most, and what is precise enough."""
NEAR = 1e-8
DENOMINATORS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
"""The largest ones in combinations of products, tried in turn."""

Exponents = tuple[int, ...]
Rows = dict[Exponents, fmpq]


@dataclass(frozen=True)
class Block:
    """A multiplier, and the products of its Gram matrix, as exponents of x and then of y."""

    factors: tuple[int, ...]
    multiplier: Rows
    products: tuple[Exponents, ...]


def plus(one: Exponents, two: Exponents) -> Exponents:
    """The exponents of a product."""
    return tuple(a + b for a, b in zip(one, two, strict=True))


def find_matrices(blocks: list[Block], target: Rows) -> list[Any] | None:
    """Rational positive semidefinite matrices that fit exactly."""
    whole = [np.eye(len(block.products), dtype=object) * fmpq(1) for block in blocks]
    system = System(blocks, target, whole, movable=1)
    for _ in range(3):
        solution = system.solve()
        if solution is None:
            return None
        least, matrices = solution
        rounded = system.rounded(matrices) if least > 0 else None
        if rounded is not None:
            return rounded
        smaller = ranges_of(system.polished(matrices), system.combinations)
        sizes = [[R.shape[1] for R in Rs] for Rs in (smaller, system.combinations)]
        if sizes[0] == sizes[1] and system.movable == len(blocks):
            return None
        system = System(blocks, target, smaller, movable=len(blocks))
    return None


def ranges_of(factors: list[Array], combinations: list[Any]) -> list[Any]:
    """Simple combinations that span the columns of factors, in terms of the products."""
    found = []
    for factor, R in zip(factors, combinations, strict=True):
        span = np.linalg.svd(factor, full_matrices=False)[0] if factor.size else factor
        found.append(R @ simple_rows(span.T.copy()).T)
    return found


def simple_rows(basis: Array) -> Any:
    """The reduced row echelon form, with simple rationals."""
    done = 0
    for column in range(basis.shape[1]):
        if done == len(basis):
            break
        pivot = done + int(np.argmax(np.abs(basis[done:, column])))
        if abs(basis[pivot, column]) < PIVOT:
            basis[done:, column] = 0.0
            continue
        basis[[done, pivot]] = basis[[pivot, done]]
        basis[done] /= basis[done, column]
        others = np.arange(len(basis)) != done
        basis[others] -= np.outer(basis[others, column], basis[done])
        done += 1
    rows = [[nearest(v) for v in row] for row in basis[:done]]
    return np.array(rows, dtype=object).reshape(done, basis.shape[1])


def nearest(value: float) -> fmpq:
    """The simplest rational that is as near as the solver's accuracy lets one tell."""
    exact = Fraction(float(value))
    found = (exact.limit_denominator(most) for most in DENOMINATORS)
    near = next(
        (q for q in found if abs(q - exact) < NEAR), exact.limit_denominator(DENOMINATORS[-1])
    )
    return fmpq(near.numerator, near.denominator)


class System:
    """The Gram matrices ``R_k S_k R_k'`` that fit a polynomial.

    Coefficients are matched one by one: ``sum over k of A_k vec(R_k S_k R_k') = target``. Where the
    first ``movable`` S_k are definite, they absorb what is rounded.
    """

    def __init__(
        self, blocks: list[Block], target: Rows, combinations: list[Any], movable: int
    ) -> None:
        self.blocks, self.combinations, self.movable = blocks, combinations, movable
        places: dict[Exponents, int] = {}
        entries = [list(coefficients(block)) for block in blocks]
        for monomial in (*target, *(m for block in entries for m, *_ in block)):
            places.setdefault(monomial, len(places))
        self.exact = [[(places[m], i, j, v) for m, i, j, v in block] for block in entries]
        self.target = [fmpq(0)] * len(places)
        for monomial, value in target.items():
            self.target[places[monomial]] = value

    @cached_property
    def goal(self) -> Array:
        """The target in floating point."""
        return np.array([as_float(v) for v in self.target])

    def solve(self) -> tuple[float, list[Array]] | None:
        """The largest least eigenvalue of those that move, and all S_k; None without any."""
        sizes = [R.shape[1] for R in self.combinations]
        matrices = {k: cp.Variable((n, n), PSD=True) for k, n in enumerate(sizes) if n}
        least, scale = cp.Variable(), np.abs(self.goal).max()
        terms = (self.coefficient_matrix(k) @ cp.vec(S, order="C") for k, S in matrices.items())
        total: Any = sum(terms, np.zeros(len(self.goal)))
        moving = [
            S - least * np.eye(sizes[k]) >> 0 for k, S in matrices.items() if k < self.movable
        ]
        if not moving:
            return None
        fits = total == self.goal / scale
        if not solved(cp.Problem(cp.Maximize(least), [fits, least <= 1, *moving])):
            return None
        empty = np.zeros((0, 0))
        found = [as_array(matrices[k]) * scale if n else empty for k, n in enumerate(sizes)]
        return float(as_array(least)) - NOTHING, found

    def polished(self, matrices: list[Array]) -> list[Array]:
        """Factors L_k with ``S_k = L_k L_k'`` of as few columns as S_k has large eigenvalues.

        A solver finds S_k up to its accuracy, and so the range only up to the root of that; a few
        steps of Gauss and Newton on the factors find the range as well as doubles can tell.
        """
        top = max(float(np.abs(matrix).max(initial=0.0)) for matrix in matrices)
        factors = [large_factor(matrix, top) for matrix in matrices]
        if sum(L.size for L in factors) > MOST_POLISHED:
            return factors
        blocks = [self.coefficient_matrix(k) for k in range(len(factors))]
        for _ in range(STEPS):
            steps = gauss_newton(blocks, factors, self.goal)
            if all(np.abs(step).max(initial=0.0) < PRECISE * top**0.5 for step in steps):
                break
            factors = [L + step for L, step in zip(factors, steps, strict=True)]
        return factors

    def coefficient_matrix(self, k: int) -> Any:
        """What the entries of S_k add to the coefficients."""
        size = len(self.blocks[k].products)
        rows = [row for row, *_ in self.exact[k]]
        columns = [i * size + j for _, i, j, _ in self.exact[k]]
        values = [as_float(v) for *_, v in self.exact[k]]
        A = sp.csr_array((values, (rows, columns)), shape=(len(self.target), size * size))
        R = as_floats(self.combinations[k])
        return A if is_identity(R) else A @ sp.csr_array(np.kron(R, R))

    def rounded(self, matrices: list[Array]) -> list[Any] | None:
        """Rational matrices that fit exactly, semidefinite as far as floats can tell."""
        for digits in ROUNDINGS:
            moved = [rational(matrix, digits) for matrix in matrices[: self.movable]]
            others = [as_square(matrix, digits) for matrix in matrices[self.movable :]]
            found = self.fitted([*moved, *others])
            if found is not None and all(map(looks_definite, found[: self.movable])):
                return [R @ S @ R.T for R, S in zip(self.combinations, found, strict=True)]
        return None

    def fitted(self, matrices: list[Any]) -> list[Any] | None:
        """The nearest symmetric matrices that fit, where only the movable ones are changed."""
        missing = list(self.target)
        moved: list[tuple[Any, int, int, dict[int, fmpq]]] = []
        for k, matrix in enumerate(matrices):
            for i, j, column in self.columns(k):
                for row, value in column.items():
                    missing[row] -= value * matrix[i, j]
                if k < self.movable:
                    moved.append((matrix, i, j, column))
        steps = least_steps([column for *_, column in moved], missing)
        if steps is None:
            return None
        for (matrix, i, j, _), step in zip(moved, steps, strict=True):
            matrix[i, j] += step
            matrix[j, i] = matrix[i, j]
        return matrices

    def columns(self, k: int) -> Iterator[tuple[int, int, dict[int, fmpq]]]:
        """What each entry of S_k, with its mirror image, adds to the coefficients."""
        used = [
            [(a, v) for a, v in enumerate(column) if v != 0] for column in self.combinations[k].T
        ]
        rows: dict[tuple[int, int], list[tuple[int, fmpq]]] = {}
        for row, i, j, value in self.exact[k]:
            rows.setdefault((i, j), []).append((row, value))
        for i, j in combinations_with_replacement(range(len(used)), 2):
            column: dict[int, fmpq] = {}
            for a, v in used[i]:
                for b, w in used[j]:
                    both = v * w * (1 if i == j else 2)
                    for row, value in rows[a, b]:
                        column[row] = column.get(row, fmpq(0)) + value * both
            yield i, j, column


def large_factor(matrix: Array, top: float) -> Array:
    """L with ``L L'`` near a semidefinite matrix, of the eigenvalues that are no rounding."""
    values, vectors = np.linalg.eigh(matrix)
    large = values > SMALL * top
    factor: Array = vectors[:, large] * np.sqrt(values[large])
    return factor


def gauss_newton(blocks: list[Any], factors: list[Array], goal: Array) -> list[Array]:
    """The step of each L_k towards ``sum over k of A_k vec(L_k L_k') = goal``, to first order."""
    pairs = list(zip(blocks, factors, strict=True))
    missing = goal - sum(A @ (L @ L.T).ravel() for A, L in pairs)
    columns = [A @ slopes_of(L) for A, L in pairs]
    step = lstsq(np.hstack(columns), missing, cond=1e-10, lapack_driver="gelsy")[0]
    ends = np.cumsum([L.size for L in factors])
    parts = np.split(step, ends[:-1])
    return [part.reshape(L.shape) for part, L in zip(parts, factors, strict=True)]


def slopes_of(factor: Array) -> Array:
    """The derivative of ``L L'``, by rows, in the entries of L."""
    rows, columns = factor.shape
    slopes = np.zeros((rows, rows, rows, columns))
    for i in range(rows):
        slopes[i, :, i, :] += factor
        slopes[:, i, i, :] += factor
    return slopes.reshape(rows * rows, rows * columns)


def looks_definite(matrix: Any) -> bool:
    """Whether a rational matrix is positive definite as far as floats can tell."""
    return len(matrix) == 0 or bool(np.linalg.eigvalsh(as_floats(matrix))[0] > 0)


def is_identity(matrix: Array) -> bool:
    """Whether a matrix is the identity."""
    return matrix.shape[0] == matrix.shape[1] and bool((matrix == np.eye(len(matrix))).all())


def as_array(variable: Any) -> Array:
    """The value of a variable of a program that was solved."""
    return np.asarray(variable.value, dtype=np.float64)


def coefficients(block: Block) -> Iterator[tuple[Exponents, int, int, fmpq]]:
    """Where each entry of a Gram matrix counts, and how much."""
    for i, one in enumerate(block.products):
        for j, two in enumerate(block.products):
            product = plus(one, two)
            for monomial, value in block.multiplier.items():
                yield plus(product, monomial), i, j, value


def least_steps(columns: list[dict[int, fmpq]], missing: list[fmpq]) -> list[fmpq] | None:
    """The shortest x with ``B x = missing``, where the columns of B are given; None without any."""
    inner: dict[tuple[int, int], fmpq] = {}
    for column in columns:
        for i, v in column.items():
            for j, w in column.items():
                inner[i, j] = inner.get((i, j), fmpq(0)) + v * w
    weights = weights_of(inner, missing)
    if weights is None:
        return None
    return [sum((v * weights[k] for k, v in column.items()), fmpq(0)) for column in columns]


def weights_of(
    inner: Mapping[tuple[int, int], fmpq], missing: list[fmpq]
) -> dict[int, fmpq] | None:
    """The w with ``B B' w = missing``; None without any."""
    if all(i == j for i, j in inner):
        if any(v != 0 and (k, k) not in inner for k, v in enumerate(missing)):
            return None
        return {k: missing[k] / v for (k, _), v in inner.items()}
    places = range(len(missing))
    rows = [[inner.get((i, j), fmpq(0)) for j in places] for i in places]
    solution = one_solution(rows, missing)
    return None if solution is None else dict(enumerate(solution))


def one_solution(rows: list[list[fmpq]], right: list[fmpq]) -> list[fmpq] | None:
    """A solution of a linear system, exactly."""
    size = len(rows)
    entries = [v for row, b in zip(rows, right, strict=True) for v in (*row, b)]
    reduced, rank = fmpq_mat(size, size + 1, entries).rref()
    solution = [fmpq(0)] * size
    for i in range(int(rank)):
        pivot = next(j for j in range(size + 1) if reduced[i, j] != 0)
        if pivot == size:
            return None
        solution[pivot] = reduced[i, size]
    return solution


def solved(problem: cp.Problem) -> bool:
    """Whether a solver finds an optimum."""
    for solver in ("CLARABEL", "SCS"):
        if solver in cp.installed_solvers():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # what is inaccurate is rounded and tested
                    problem.solve(solver=solver)
            except cp.SolverError:
                continue
            if problem.status in ("optimal", "optimal_inaccurate"):
                return True
            if problem.status in ("infeasible", "infeasible_inaccurate"):
                return False
    return False


def as_floats(matrix: Any) -> Array:
    """A rational matrix, rounded."""
    rows = [[as_float(v) for v in row] for row in matrix]
    return np.array(rows, dtype=np.float64).reshape(np.shape(matrix))


def rational(matrix: Array, digits: int) -> Any:
    """A matrix rounded to so many binary digits of its largest entry."""
    top = float(np.abs(matrix).max(initial=0.0))
    unit = float(2.0 ** (np.ceil(np.log2(top)) - digits)) if top > 0 else 1.0
    step = fmpq(*unit.as_integer_ratio())
    rows = [[step * round(float(v) / unit) for v in row] for row in matrix]
    return np.array(rows, dtype=object).reshape(matrix.shape)


def as_square(matrix: Array, digits: int) -> Any:
    """The nearest ``L L'`` with a rounded L."""
    values, vectors = np.linalg.eigh(matrix)
    factor = rational(vectors * np.sqrt(np.maximum(values, 0.0)), digits)
    return factor @ factor.T

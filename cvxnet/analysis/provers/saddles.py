"""Where a polynomial curves down: short segments along the eigenvector of its least eigenvalue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from flint import fmpq
from scipy.optimize import minimize

from cvxnet.analysis.deciders import as_segment, box_of
from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.documents import tape_of
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.proofs.checker.convexity.curvature.gram import second_derivatives, variables_of
from cvxnet.proofs.checker.convexity.forms.factors import Factor, powers_of
from cvxnet.proofs.checker.convexity.forms.polynomials import Polynomial
from cvxnet.types import Array

STARTS = 12
WIDTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3)


@dataclass(frozen=True)
class Hessian:
    """The second derivatives of a polynomial, for doubles."""

    size: int
    terms: tuple[tuple[int, int, Array, Array], ...]

    def at(self, x: Array) -> Array:
        """The matrix."""
        matrix = np.zeros((self.size, self.size))
        for i, j, coefficients, exponents in self.terms:
            matrix[i, j] = coefficients @ np.prod(x**exponents, axis=1)
        return matrix

    def least(self, x: Array) -> float:
        """The least eigenvalue, of the largest entry, so that it is the same in all units."""
        matrix = self.at(x)
        return float(np.linalg.eigvalsh(matrix)[0] / (np.abs(matrix).max() + 1e-12))


def hessian_of(polynomial: Polynomial, variables: list[Factor]) -> Hessian:
    """Its matrix of second derivatives."""
    place = {f: k for k, f in enumerate(variables)}
    terms = []
    for (f, g), second in second_derivatives(polynomial).items():
        if second.terms:
            exponents = np.zeros((len(second.terms), len(variables)))
            for row, monomial in zip(exponents, second.terms, strict=True):
                for h, power in powers_of(monomial):
                    row[place[h]] = power
            values = np.array([as_float(v) for v in second.terms.values()])
            terms.append((place[f], place[g], values, exponents))
    return Hessian(len(variables), tuple(terms))


def as_float(value: fmpq) -> float:
    """A rational, rounded."""
    return int(value.p) / int(value.q)


def segments_of(
    asked: Derived, polynomial: Polynomial, entry: tuple[int, ...]
) -> Iterator[Segment]:
    """Segments in the domain along which the polynomial is likely not to be convex."""
    space = Space(asked.question, asked.tape)
    if not space.searchable or space.free:
        return
    variables = variables_of(polynomial)
    places = flat_places(asked, space, variables)
    box = box_of(asked.question, space)
    low, high = np.maximum(box.low, -1e3), np.minimum(box.high, 1e3)
    if places is None or not (low <= high).all():
        return
    hessian = hessian_of(polynomial, variables)
    bounds = list(zip(low[places], high[places], strict=True))
    rng = np.random.default_rng(0)
    for _ in range(STARTS):
        start = np.clip(rng.standard_normal(len(places)), low[places], high[places])
        found = minimize(hessian.least, start, method="L-BFGS-B", bounds=bounds).x
        values, vectors = np.linalg.eigh(hessian.at(found))
        if values[0] >= 0.0:
            continue
        middle = np.clip(np.zeros(space.size), low, high)
        middle[places] = found
        direction = np.zeros(space.size)
        direction[places] = vectors[:, 0]
        for width in WIDTHS:
            a, b = middle - width * direction, middle + width * direction
            if (a >= low).all() and (b <= high).all():
                yield as_segment(space, a, b, entry)
        return


def flat_places(asked: Derived, space: Space, variables: list[Factor]) -> list[int] | None:
    """Where the entries are in the vector of all unknowns."""
    nodes = tape_of(asked.question).nodes
    starts, start = {}, 0
    for leaf in space.unknowns:
        starts[id(leaf)] = start
        start += leaf.size
    found = []
    for f in variables:
        place, position = cast(tuple[int, int], f.options)
        if id(nodes[place]) not in starts:
            return None
        found.append(starts[id(nodes[place])] + position)
    return found

"""Proofs by sweeps for several outputs: max |g| over the unit ball, exactly, at rank 3 at most.

g has c numbers and is linear on each face that the planes of the rows cut out (lines.py): g(w) =
M^T w with a matrix M, (3, c). In the coordinates of coordinates.py, |u|^2 is at least w^T P w /
determinant, P = adjugate(H) and determinant that of H. With L = beta^2, to prove is for all faces

    w^T Q w >= 0 on the closed face,    Q = L P - determinant M M^T.

  (a) vertex w       w^T Q w >= 0
  (b) arc w1, w2     with q_ij = wi^T Q wj and (a): q_12 >= 0, or q_12^2 <= q_11 q_22
  (c) cell           Q has no negative eigenvalue, or several; or one, and for any z with
                     z^T Q z < 0 neither z nor -z is in the cell

(b) is copositivity: w = s w1 + t w2, s, t >= 0. (c) says all once (b) holds on the arcs around the
cell. The set N = {Q < 0} on the sphere is symmetric. With several negative eigenvalues it is
connected: were it to meet the cell, then, as it has points opposite to those, outside, it would
meet an arc around it. With one it is +-C, C connected, and as no arc around the cell meets it, each
of both is in the cell or outside, like any one of its points.

If r < 3, all planes contain the pole, and arcs of the circle around it are all that there is: (c)
adds nothing. The axes are among the lines then, so that no arc is half a circle.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from flint import fmpz_mat

from .dual import Clock
from .exact import inner
from .lines import POLE, Arc, Line, Metric, Sweep, Vector, cross, dot, plus, times, vector

STEPS = 8  # towards the largest |g| of a face, once L has been found too small


class VectorSweep(Sweep):
    """Piecewise linear units, Euclidean norm, several outputs; the size is |g|^2.

    ``columns`` have the lines for each output: the same, but for what they add.
    """

    def __init__(self, columns: list[list[Line]], limit: int, H: Metric) -> None:
        super().__init__(columns[0], limit)
        self.P = fmpz_mat([cross(H[1], H[2]), cross(H[2], H[0]), cross(H[0], H[1])])
        self.determinant = dot(H[0], cross(H[1], H[2]))
        nothing = fmpz_mat(3, len(columns))
        self.added = {POLE: (nothing, nothing)}  # by e: what a line adds behind, and the jump
        for lines in zip(*columns, strict=True):
            back = fmpz_mat([line.back for line in lines]).transpose()
            jump = fmpz_mat([line.jump for line in lines]).transpose()
            self.added[lines[0].e] = back, jump
            self.added[times(-1, lines[0].e)] = back + jump, -jump

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        added = [self.added[x.e] for x in order]
        behind, jump = self.added[line.e]
        M = sum((back for back, _ in added), 0 * behind)
        both = 2 * M + sum((x for _, x in added), 0 * behind)
        for end, (_, x) in enumerate(added, 1):
            clock.check()
            M += x
            for gradient, turn in ((M, 1), (both - M, -1)):
                arc = Arc(line, order, end, turn)
                self.look_around(arc, gradient, [gradient + behind + jump, gradient + behind])

    def look_around(self, arc: Arc, M: fmpz_mat, cells: list[fmpz_mat]) -> None:
        """An arc with its gradient M, and the cells in front of and behind its line with theirs."""
        negative = [negative_eigenvalues(self.form(cell)) for cell in cells]
        if not any(negative):
            return
        self.along(arc, M)
        for cell, count, side in zip(cells, negative, (1, -1), strict=True):
            if count == 1:
                self.within(arc, cell, side)

    def form(self, M: fmpz_mat) -> fmpz_mat:
        """Q."""
        return self.P * self.limit - M * M.transpose() * self.determinant

    def along(self, arc: Arc, M: fmpz_mat) -> None:
        """Tests (a) and (b)."""
        start, stop = arc.start(), arc.stop()
        W = fmpz_mat([start, stop])
        for _ in range(STEPS):
            q = (W * self.form(M) * W.transpose()).tolist()
            if q[0][0] < 0 or q[1][1] < 0:
                self.look_at(M, start)
                self.look_at(M, stop)
            elif q[0][1] < 0 and q[0][1] ** 2 > q[0][0] * q[1][1]:
                s, t = map(int, negative_direction(q))  # both are positive, as q_12 < 0
                self.look_at(M, plus(times(s, start), times(t, stop)))
            else:
                return

    def within(self, arc: Arc, M: fmpz_mat, side: int) -> None:
        """Test (c) for a cell with one negative eigenvalue."""
        for _ in range(STEPS):
            w = vector([int(x) for x in negative_direction(self.form(M).tolist())])
            toward = dot(arc.line.e, w) * side  # if 0, the point is not on the arc, and so outside
            if not toward or not arc.cell_holds(times(1 if toward > 0 else -1, w)):
                return
            self.look_at(M, w)

    def look_at(self, M: fmpz_mat, w: Vector) -> None:
        """A point of a face, with its gradient M."""
        row = fmpz_mat([w])
        g = row * M
        square = int((g * g.transpose())[0, 0])
        self.reach(square * self.determinant, int((row * self.P * row.transpose())[0, 0]))


def negative_eigenvalues(Q: fmpz_mat) -> int:
    """How many a symmetric matrix has.

    All roots of its characteristic polynomial p are real, so that those of p(-x) above 0 are as
    many as there are changes of sign of its coefficients (Descartes).
    """
    signs = [x > 0 if k % 2 else x < 0 for k, x in enumerate(Q.charpoly().coeffs()) if x]
    return sum(x != y for x, y in pairwise(signs))


def negative_direction(Q: list[list[Any]]) -> list[Any]:
    """Some z with ``z^T Q z < 0``; empty if Q is positive semidefinite.

    Where no diagonal entry is negative and Q_kk > 0, z^T Q z is smallest in z_k at - sum_j Q_kj z_j
    / Q_kk, and there Q_kk times it is a form in the other z_j.
    """
    diagonal = [row[k] for k, row in enumerate(Q)]
    if not any(diagonal):
        return off_diagonal_direction(Q)
    if min(diagonal) < 0:
        return unit(diagonal.index(min(diagonal)), len(Q))
    k = diagonal.index(max(diagonal))
    others = [row for i, row in enumerate(Q) if i != k]
    z = negative_direction([rest_of([Q[k][k] * x for x in row], row[k], Q[k], k) for row in others])
    shares = [Q[k][k] * x for x in z]
    return z and [*shares[:k], -inner([*Q[k][:k], *Q[k][k + 1 :]], z), *shares[k:]]


def rest_of(row: list[Any], factor: Any, other: list[Any], k: int) -> list[Any]:
    """A row minus a multiple of another one, without its number k."""
    return [x - factor * y for i, (x, y) in enumerate(zip(row, other, strict=True)) if i != k]


def off_diagonal_direction(Q: list[list[Any]]) -> list[Any]:
    """The same where the diagonal is zero."""
    for i, row in enumerate(Q):
        for j, x in enumerate(row):
            if x:
                step = 1 if x < 0 else -1
                return [a + step * b for a, b in zip(unit(i, len(Q)), unit(j, len(Q)), strict=True)]
    return []


def unit(k: int, size: int) -> list[int]:
    """A vector of the standard basis."""
    return [int(i == k) for i in range(size)]

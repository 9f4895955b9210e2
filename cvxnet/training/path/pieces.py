"""From points to pieces: which network for which weight decays, and the exact bracket at its ends.

Points come from the largest weight decay down, pieces from the smallest one up.
"""

from __future__ import annotations

from itertools import pairwise

from cvxnet.proofs.checker.path import Coefficients, Piece
from cvxnet.proofs.path_certificate import PathCertificate, bounds_at, lines_of
from cvxnet.training.path.points import Bounds, Point, crossing, feasible


def path_of(points: list[Point], bounds: Bounds, low: float) -> PathCertificate:
    """The path that points make, down to ``low``."""
    certificates = tuple(point.certificate for point in points)
    lines = lines_of(certificates)
    ends = [low, *(crossing(*pair) for pair in reversed(list(pairwise(points))))]
    ends.append(max(points[0].weight_decay, low))
    pieces = []
    for number, (begin, end) in enumerate(pairwise(ends)):
        network = len(points) - 1 - number
        if begin == end and len(ends) > 2:
            continue
        combined = tuple(coefficients_at(points, bounds, b) for b in (begin, end))
        brackets = [
            bounds_at(certificates, lines, network, some, b)
            for some, b in zip(combined, (begin, end), strict=True)
        ]
        pieces.append(
            Piece(
                low=begin,
                high=end,
                network=network,
                coefficients=(combined[0], combined[1]),
                lower=[lower for lower, _ in brackets],
                upper=[upper for _, upper in brackets],
            )
        )
    return PathCertificate(certificates=certificates, pieces=tuple(pieces))


def coefficients_at(points: list[Point], bounds: Bounds, weight_decay: float) -> Coefficients:
    """The best ones for the points beside a weight decay; the vector is feasible exactly."""
    decays = [point.weight_decay for point in points]
    after = next((i for i, b in enumerate(decays) if b <= weight_decay), len(points))
    found: Coefficients
    if after in (0, len(points)):
        number = min(after, len(points) - 1)
        found = [(number, bounds.scale(points[number], weight_decay))]
    elif decays[after] == weight_decay:
        found = [(after, 1.0)]
    else:
        c, d = bounds.mixture(points[after - 1], points[after], weight_decay)
        found = [(after - 1, c), (after, d)]
    return feasible(found, decays, weight_decay)

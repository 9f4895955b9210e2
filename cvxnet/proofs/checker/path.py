"""A path: for every weight decay between two ends a network that is near the optimum.

The file has certificates, each about its own weight decay b_i, which share their data, and pieces.
A piece is an interval [low, high] with one of the networks and, for either end b, coefficients
c_i >= 0 of the dual vectors v'_i with sum c_i b_i <= b. Let R be the penalty of the network without
its weight decay and L its loss, U(b) = L + b R. Shown are, with exact numbers, at both ends:

    upper claimed >= U(b)     lower claimed <= D = -l*(sum c_i v'_i)     (1 - gap) upper <= lower

Why that proves it for every b between. Let s be in [0, 1], b = (1 - s) low + s high, and
c = (1 - s) c_low + s c_high. rho is a norm (or, with output weights of one sign, convex and
positively homogeneous), and rho(v'_i) <= b_i, which the certificates prove. So
rho(sum c_i v'_i) <= sum c_i b_i <= b, and bracket.py shows that the optimum at b is at least
-l*(sum c_i v'_i). As -l* is concave, that is at least (1 - s) D_low + s D_high, which is at least
(1 - gap) ((1 - s) U(low) + s U(high)) = (1 - gap) U(b), as U is affine.

The first piece begins at the lower end of the path, the last one ends at the upper end, and each
begins where the one before it ends: then there is a piece for every b between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq

from .answer import EXACT, TIME_LIMIT, Way, check_claims, exactly
from .bracket import dual_value, loss_and_penalty
from .claims import Claims
from .document import (
    Path,
    RefusalError,
    embedded,
    is_index,
    length,
    members,
    parse,
    read_text,
    supplied,
)
from .dual import Clock, dual_vector
from .exact import Number, balls, outward, rational
from .packing import numbers
from .reading import ENTRIES, read_data, read_document
from .reading import FORMAT as CERTIFICATE

FORMAT, VERSION = "cvxnet-path", 1
OF_CERTIFICATES = 6
"""The version of the format of certificates whose entries are meant."""
OWN = ("weight_decay", "network", "dual", "evidence", "lower", "upper")
"""Entries of each certificate; the others are shared."""
SHARED = sorted(ENTRIES[OF_CERTIFICATES - 1] - {*OWN, "format", "version", "width"})
ALL = {"format", "version", *SHARED, "certificates", "pieces", "low", "high", "gap"}
MOST = 10**4
"""Certificates and pieces: each is proved, so more would take long in any case."""

Coefficients = list[tuple[int, float]]


class Piece(NamedTuple):
    """One network for all weight decays in an interval; pairs are of its two ends."""

    low: float
    high: float
    network: int
    coefficients: tuple[Coefficients, Coefficients]
    lower: list[float]
    upper: list[float]

    @property
    def ends(self) -> tuple[float, float]:
        """The two weight decays."""
        return self.low, self.high


class PathClaims(NamedTuple):
    """What a path says: well-formed, but not yet believed."""

    certificates: list[Claims]
    pieces: list[Piece]
    low: float
    high: float
    gap: float


@dataclass(frozen=True, kw_only=True)
class PathResult:
    """What was proved of a path.

    Attributes
    ----------
    valid : bool
        For every weight decay from ``low`` to ``high`` the objective of the network of its piece
        is at most ``optimum / (1 - gap)``.
    low, high, gap : float or None
        That interval and gap, as claimed; None where they were not proved.
    certificates : int or None
        How many prove it.
    reason : str
        "proved exactly", or the first reason why not.
    method : str
        How dual vectors were proved feasible, or not.
    """

    valid: bool
    low: float | None = None
    high: float | None = None
    gap: float | None = None
    certificates: int | None = None
    reason: str
    method: str = field(default="exact arithmetic", repr=False)

    @property
    def claim(self) -> str:
        """What was proved, in words."""
        return (
            f"for every weight decay from {self.low!r} to {self.high!r} the network in the file is "
            f"within {self.gap!r} of the optimum"
        )


def check_path(
    source: Path | dict[str, Any],
    data: Any = None,
    *,
    time_limit: float = TIME_LIMIT,
    way: Way = exactly,
) -> PathResult:
    """Re-prove a path. A bad file is an answer (``valid`` False), no exception.

    Parameters
    ----------
    source, data, way : as in `answer.check`; all dual vectors are proved in the same one
    time_limit : seconds for all together

    Examples
    --------
    >>> check_path({"format": "something else"}).reason
    "not a path: its format is not 'cvxnet-path'"
    """
    clock, prove = Clock(time_limit), EXACT
    try:
        path = read_path(source, data)
        prove = way(path.certificates[0])
        for number, claims in enumerate(path.certificates):
            result = check_claims(claims, clock, prove)
            if not result.valid:
                raise RefusalError(f"certificate {number}: {result.reason}")
        lines = [line_of(claims) for claims in path.certificates]
        for number, piece in enumerate(path.pieces):
            clock.check()
            prove_piece(path, piece, lines, f"piece {number}")
        check_cover(path)
    except RefusalError as refusal:
        reason = str(refusal)
        return PathResult(valid=False, reason=reason, method=prove.method)
    return PathResult(
        valid=True,
        low=path.low,
        high=path.high,
        gap=path.gap,
        certificates=len(path.certificates),
        reason=prove.proved,
        method=prove.method,
    )


class Line(NamedTuple):
    """What a certificate proves of all weight decays: a line above, and a vector below."""

    weight_decay: float
    loss: Number
    penalty: Number
    v: list[list[fmpq]]


def line_of(claims: Claims) -> Line:
    """That of a certificate."""
    with balls():
        loss, penalty = loss_and_penalty(claims)
    return Line(claims.weight_decay, loss, penalty, dual_vector(claims))


def prove_piece(path: PathClaims, piece: Piece, lines: Sequence[Line], what: str) -> None:
    """Refuse a piece that is not proved at both ends."""
    if not 0.0 < piece.low <= piece.high:
        raise RefusalError(f"{what}: it must go from a weight decay above 0 to one no smaller")
    for k, end in enumerate(piece.ends):
        combined = piece.coefficients[k]
        if not is_feasible(combined, lines, end):
            raise RefusalError(
                f"{what}: its dual vector is not feasible at {end!r}: coefficients must not be "
                "negative, nor the sum of their products with the weight decays be above that"
            )
        lower, upper = bounds_at(path.certificates[0], lines, piece.network, combined, end)
        if piece.upper[k] < upper:
            raise RefusalError(f"{what}: upper: claimed {piece.upper[k]!r}, but it is {upper!r}")
        if piece.lower[k] > lower:
            raise RefusalError(f"{what}: lower: claimed {piece.lower[k]!r}, but it is {lower!r}")
        if not is_within(path.gap, piece.lower[k], piece.upper[k]):
            raise RefusalError(f"{what}: at {end!r} its gap is larger than the one claimed")


def is_feasible(combined: Coefficients, lines: Sequence[Line], weight_decay: float) -> bool:
    """Whether the coefficients make a dual vector with ``rho(v) <= weight_decay``, exactly."""
    products = (Fraction(c) * Fraction(lines[i].weight_decay) for i, c in combined)
    positive = all(c >= 0.0 for _, c in combined)
    return positive and sum(products, Fraction(0)) <= Fraction(weight_decay)


def is_within(gap: float, lower: float, upper: float) -> bool:
    """Whether ``(1 - gap) upper <= lower``, exactly."""
    return (1 - Fraction(gap)) * Fraction(upper) <= Fraction(lower)


def bounds_at(
    claims: Claims,
    lines: Sequence[Line],
    network: int,
    combined: Coefficients,
    weight_decay: float,
) -> tuple[float, float]:
    """The bracket of a network and a mixture of dual vectors, rounded outward.

    ``claims`` are any of the path, for what they share.
    """
    total = [[fmpq(0)] * claims.outputs for _ in range(len(claims.y))]
    for number, c in combined:
        factor, rows = rational(c), zip(total, lines[number].v, strict=True)
        total = [[x + factor * y for x, y in zip(*pair, strict=True)] for pair in rows]
    line = lines[network]
    with balls():
        lower = outward(dual_value(claims, total), -math.inf)
        upper = outward(line.loss + rational(weight_decay) * line.penalty, math.inf)
    return lower, upper


def check_cover(path: PathClaims) -> None:
    """Refuse pieces that leave a hole between the two ends, or go beyond them."""
    low = path.low
    for number, piece in enumerate(path.pieces):
        if piece.low != low:
            raise RefusalError(
                f"piece {number} begins at {piece.low!r}, but must begin at {low!r}: at the lower "
                "end of the path, or where the piece before ends"
            )
        low = piece.high
    if low != path.high:
        raise RefusalError(f"the pieces end at {low!r}, and the path at {path.high!r}")


def is_about_path(source: Any) -> bool:
    """Whether a document, or the file at a path, is one of a path; False where it is unreadable."""
    try:
        document = source if isinstance(source, dict) else parse(read_text(source))
    except RefusalError:
        return False
    return document.get("format") == FORMAT


def read_path(source: Path | dict[str, Any], data: Any = None) -> PathClaims:
    """The claims of a path: a file, or the document in it."""
    doc = header_checked(source if isinstance(source, dict) else parse(read_text(source)))
    low, high, gap = (numbers(doc[name], name) for name in ("low", "high", "gap"))
    if not 0.0 <= gap <= 1.0:
        raise RefusalError("the gap must be a number from 0 to 1")
    found = None if data is None else read_data(*supplied(data))
    own = None if found else read_data(*embedded(doc["data"]))
    claims = [read_document(one, found, own) for one in certificates_of(doc)]
    pieces = [read_piece(piece, len(claims)) for piece in doc["pieces"]]
    return PathClaims(claims, pieces, low, high, gap)


def header_checked(doc: dict[str, Any]) -> dict[str, Any]:
    """The document; format, version and names of entries must be known, lists not too long."""
    if doc.get("format") != FORMAT:
        raise RefusalError(f"not a path: its format is not {FORMAT!r}")
    if type(doc.get("version")) is not int or doc["version"] != VERSION:
        raise RefusalError(f"this checker reads version {VERSION} of the format of paths only")
    if difference := sorted(map(repr, set(doc) ^ ALL)):
        raise RefusalError(f"missing or unknown entries: {', '.join(difference)[:200]}")
    for name in ("certificates", "pieces"):
        if not 0 < length(doc[name], name) <= MOST:
            raise RefusalError(f"there must be 1 to {MOST} {name}")
    return doc


def certificates_of(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """The documents of the certificates, each with what they share."""
    shared = {name: doc[name] for name in SHARED} | {"width": None}
    shared |= {"format": CERTIFICATE, "version": OF_CERTIFICATES}
    owns = [dict(zip(OWN, members(own, *OWN), strict=True)) for own in doc["certificates"]]
    return [shared | own for own in owns]


def read_piece(value: Any, count: int) -> Piece:
    """A piece, of a path with so many certificates."""
    low, high, network, coefficients, lower, upper = members(
        value, "low", "high", "network", "coefficients", "lower", "upper"
    )
    if not is_index(network, count):
        raise RefusalError("the network of a piece must be the number of a certificate, from 0 on")
    if length(coefficients, "coefficients") != 2:
        raise RefusalError("coefficients must be a pair: those of either end")
    at_low, at_high = (read_coefficients(pairs, count) for pairs in coefficients)
    return Piece(
        low=numbers(low, "low"),
        high=numbers(high, "high"),
        network=network,
        coefficients=(at_low, at_high),
        lower=list(numbers(lower, "lower", 2)),
        upper=list(numbers(upper, "upper", 2)),
    )


def read_coefficients(pairs: Any, count: int) -> Coefficients:
    """Numbers of certificates, each once, and what their dual vectors are multiplied by."""
    for pair in pairs[: length(pairs, "coefficients")]:
        if length(pair, "coefficients") != 2 or not is_index(pair[0], count):
            raise RefusalError("coefficients must be lists of [number of a certificate, number]")
    if len({number for number, _ in pairs}) < len(pairs):
        raise RefusalError("coefficients: a certificate is named twice")
    return [(number, numbers(c, "coefficients")) for number, c in pairs]

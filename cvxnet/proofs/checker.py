"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Run as a file or call `check`. Needs Python and python-flint, no solver, nothing of cvxnet.

    python checker.py FILE [--data FILE]      exit code 0: proved, 1: refused, 2: wrong usage
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise
from operator import itemgetter, mul
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq

Matrix = list[list[float]]

FORMAT, VERSION = "cvxnet-certificate", 1
ENTRIES = {"format", "version", "cvxnet", "units", "loss", "weight_decay", "bias"}
ENTRIES |= {"data_sha256", "data", "network", "dual", "lower", "upper"}
MAX_BYTES = 16 * 2**20  # of a file; JSON can blow up by a factor of 30 in memory
MAX_SAMPLES = 5000  # the sweep takes time proportional to the square
MAX_PRODUCTS = 10**8  # samples * features * units
PRECISION = 256  # bits, for the logarithms of the logistic loss


class RefusalError(Exception):
    """The first reason why a certificate proves nothing. `check` turns it into its answer."""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a certificate file says, read and well-formed, but not yet believed."""

    cvxnet: str
    loss: str
    weight_decay: float
    bias: bool
    X: Matrix
    y: list[float]
    W: Matrix
    b: list[float] | None
    a: list[float]
    v: list[float]
    lower: float
    upper: float


# -------------------------------------------------------------------------------- reading


def read(source: str | os.PathLike[str] | dict[str, Any], data: Any = None) -> Claims:
    """The claims of a certificate (a path or a parsed document), or RefusalError.

    ``data`` is needed where the certificate leaves them out: a pair ``(X, y)``, or the path of
    a CSV file (target last, one header line allowed) or of a certificate that has them.
    """
    doc = source if isinstance(source, dict) else parse(read_text(source))
    check_header(doc)
    X, y = embedded(doc["data"]) if data is None else supplied(data)
    check_fingerprint(X, y, doc["data_sha256"])
    claims = Claims(
        cvxnet=doc["cvxnet"],
        loss=doc["loss"],
        weight_decay=number(doc["weight_decay"], "weight_decay"),
        bias=doc["bias"],
        X=X,
        y=y,
        **network(doc["network"]),
        v=vector(doc["dual"], "dual"),
        lower=number(doc["lower"], "lower"),
        upper=number(doc["upper"], "upper"),
    )
    check_shapes(claims)
    return claims


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular file of bounded size."""
    try:
        if not os.path.isfile(path):
            raise RefusalError(f"there is no file {os.fspath(path)!r}")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise RefusalError(f"the file is larger than {MAX_BYTES} bytes")
        return content.decode()
    except (OSError, ValueError, TypeError) as error:
        raise RefusalError(f"the file cannot be read: {error}") from None


def parse(text: str) -> dict[str, Any]:
    """JSON with one object on top, without repeated keys (readers would differ on them)."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("an entry occurs twice")
        return found

    try:
        doc = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"not a complete JSON document: {error}") from None
    if not isinstance(doc, dict):
        raise RefusalError("not a certificate: the document is not a JSON object")
    return doc


def check_header(doc: dict[str, Any]) -> None:
    """Format, version, options: each must be one that this checker knows."""
    if doc.get("format") != FORMAT:
        raise RefusalError(f"not a certificate: its format is not {FORMAT!r}")
    if type(doc.get("version")) is not int or doc["version"] != VERSION:
        raise RefusalError(f"this checker reads version {VERSION} of the format, not this one")
    if difference := sorted(map(repr, set(doc) ^ ENTRIES)):
        raise RefusalError(f"missing or unknown entries: {', '.join(difference[:5])[:200]}")
    if doc["units"] != "relu":
        raise RefusalError("this checker covers units 'relu' only")
    if doc["loss"] not in ("squared", "logistic"):
        raise RefusalError("this checker covers the losses 'squared' and 'logistic' only")
    if not isinstance(doc["bias"], bool) or not isinstance(doc["cvxnet"], str):
        raise RefusalError("'bias' must be true or false, and 'cvxnet' a version string")


def number(value: Any, what: str) -> float:
    """A finite double from its hexadecimal text, in exactly the form of ``float.hex``."""
    try:
        x = float.fromhex(value) if isinstance(value, str) and len(value) < 30 else math.nan
    except (ValueError, OverflowError):
        x = math.nan
    if not math.isfinite(x) or x.hex() != value:
        raise RefusalError(f"{what} holds {str(value)[:40]!r}, not a finite hexadecimal number")
    return x


def vector(value: Any, what: str) -> list[float]:
    """A list of numbers."""
    if not isinstance(value, list):
        raise RefusalError(f"{what} is not a list of numbers")
    return [number(entry, what) for entry in value]


def matrix(value: Any, what: str) -> Matrix:
    """A list of rows of numbers."""
    if not isinstance(value, list):
        raise RefusalError(f"{what} is not a list of rows")
    return [vector(row, what) for row in value]


def entries(value: Any, names: Iterable[str], what: str) -> list[Any]:
    """The named entries of a JSON object that has these and no others."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise RefusalError(f"{what} must be an object with the entries {', '.join(names)}")
    return [value[name] for name in names]


def network(value: Any) -> dict[str, Any]:
    """The weights: W (hidden), b (hidden bias, null without one), a (output)."""
    W, b, a = entries(value, ("W", "b", "a"), "network")
    return {
        "W": matrix(W, "network W"),
        "b": None if b is None else vector(b, "network b"),
        "a": vector(a, "network a"),
    }


def embedded(value: Any) -> tuple[Matrix, list[float]]:
    """The data inside a certificate."""
    if value is None:
        raise RefusalError("the certificate does not contain its data: supply them (--data FILE)")
    X, y = entries(value, ("X", "y"), "data")
    return matrix(X, "data X"), vector(y, "data y")


def supplied(data: Any) -> tuple[Matrix, list[float]]:
    """Data from outside: a pair (X, y), a CSV file, or a certificate file that has them."""
    if isinstance(data, str | os.PathLike):
        text = read_text(data)
        if text.lstrip().startswith("{"):
            return embedded(parse(text).get("data"))
        data = split_csv(text)
    try:
        X, y = data
        return [[float(x) for x in row] for row in X], [float(t) for t in y]
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusalError(f"the data supplied are not numbers X, y: {error}") from None


def split_csv(text: str) -> tuple[list[list[str]], list[str]]:
    """Rows of fields, the last one being the target; a first line without numbers is skipped."""
    rows = [line.split(",") for line in text.splitlines() if line.strip()]
    try:
        float(rows[0][-1]) if rows else None
    except ValueError:
        rows = rows[1:]
    return [row[:-1] for row in rows], [row[-1] for row in rows]


def fingerprint(X: Sequence[Sequence[float]], y: Sequence[float]) -> str:
    """SHA-256 of ``"n d\\n"``, then X by rows and y as little-endian doubles.

    >>> fingerprint([[1.0, 2.0]], [3.0])[:16]
    'f3fe149620f8df91'
    """
    digest = hashlib.sha256(b"%d %d\n" % (len(X), len(X[0]) if X else 0))
    for row in (*X, y):
        digest.update(struct.pack(f"<{len(row)}d", *row))
    return digest.hexdigest()


def check_fingerprint(X: Matrix, y: list[float], claimed: Any) -> None:
    """The data are those that the certificate is about."""
    if fingerprint(X, y) != claimed:
        raise RefusalError("these are not the data that the certificate is about: SHA-256 differs")


def check_shapes(claims: Claims) -> None:
    """Shapes that fit each other, sizes that can be checked in bounded time, labels, decay."""
    n, width = len(claims.X), len(claims.a)
    d = len(claims.X[0]) if n else 0
    if n == 0 or d == 0 or any(len(row) != d for row in claims.X):
        raise RefusalError("data X must have rows of equal length, at least one row and column")
    if not n == len(claims.y) == len(claims.v):
        raise RefusalError(f"data y and dual must have one entry for each of the {n} rows of X")
    if len(claims.W) != width or any(len(row) != d for row in claims.W):
        raise RefusalError(f"network W must have {width} rows (one per entry of a), {d} columns")
    if (claims.b is not None) != claims.bias or (claims.b is not None and len(claims.b) != width):
        raise RefusalError("network b must have one entry per unit with bias, and be null without")
    if not all(map(math.isfinite, (*claims.y, *(x for row in claims.X for x in row)))):
        raise RefusalError("the data hold numbers that are not finite")
    if n > MAX_SAMPLES or n * width * (d + 1) > MAX_PRODUCTS:
        raise RefusalError(f"too large: {n} samples, {d} features and {width} units")
    if claims.loss == "logistic" and not set(claims.y) <= {-1.0, 1.0}:
        raise RefusalError("labels of the logistic loss must be -1 and +1")
    if claims.weight_decay <= 0.0:
        raise RefusalError("weight_decay must be above 0")


# ------------------------------------------------------------------ the two ends of the bracket


def objective(claims: Claims) -> Fraction:
    """The network's training objective, or for the logistic loss a bound just above it."""
    f = predictions(claims)
    weights = (*claims.a, *(claims.b or ()), *(w for row in claims.W for w in row))
    ints, shift = integers(weights)
    penalty = Fraction(claims.weight_decay) * sum(w * w for w in ints) / 2 / 4**shift
    if claims.loss == "squared":
        return penalty + sum((p - Fraction(t)) ** 2 for p, t in zip(f, claims.y, strict=True)) / 2
    with ctx.workprec(PRECISION):
        losses = [logistic(-int(t) * p) for p, t in zip(f, claims.y, strict=True)]
        return exact(sum(losses, ball(penalty)).upper())


def predictions(claims: Claims) -> list[Fraction]:
    """``f(x_i) = sum_j a_j (W_j . x_i + b_j)_+``, exactly."""
    d = len(claims.X[0])
    X, x_shift = integers(x for row in claims.X for x in (*row, 1.0))
    biases = claims.b or [0.0] * len(claims.a)
    W, w_shift = integers(w for row, b in zip(claims.W, biases, strict=True) for w in (*row, b))
    a, a_shift = integers(claims.a)
    units = [(a[j], W[j * (d + 1) : (j + 1) * (d + 1)]) for j in range(len(a))]
    rows = [X[i : i + d + 1] for i in range(0, len(X), d + 1)]
    scale = 2 ** (x_shift + w_shift + a_shift)
    return [Fraction(sum(c * max(0, sum(map(mul, u, x))) for c, u in units), scale) for x in rows]


def dual_value(claims: Claims) -> Fraction:
    """``-l*(v)``, or for the logistic loss a bound just below it."""
    pairs = [(Fraction(v), Fraction(t)) for v, t in zip(claims.v, claims.y, strict=True)]
    if claims.loss == "squared":
        return -sum((v * v / 2 + v * t for v, t in pairs), Fraction(0))
    shares = [-v * t for v, t in pairs]
    if any(p < 0 or p > 1 for p in shares):
        raise RefusalError("the dual vector proves nothing: some -y_i v_i is outside [0, 1]")
    with ctx.workprec(PRECISION):
        return exact(sum((entropy(p) + entropy(1 - p) for p in shares), arb(0)).lower())


def logistic(z: Fraction) -> arb:
    """``log(1 + exp(z))``, enclosed; written so that no exponential overflows."""
    return ball(max(z, Fraction(0))) + ball(-abs(z)).exp().log1p()


def entropy(p: Fraction) -> arb:
    """``-p log p``, enclosed."""
    return -ball(p) * ball(p).log() if p else arb(0)


def ball(q: Fraction) -> arb:
    """An enclosure of a rational number."""
    return arb(fmpq(q.numerator, q.denominator))


def exact(end: arb) -> Fraction:
    """The value of a ball without radius."""
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def integers(numbers: Iterable[float]) -> tuple[list[int], int]:
    """Integers k and one shift s with ``numbers = k / 2**s`` exactly: doubles are dyadic.

    >>> integers([0.75, 2.0])
    ([3, 8], 2)
    """
    ratios = [x.as_integer_ratio() for x in numbers]
    shift = max((q.bit_length() - 1 for _, q in ratios), default=0)
    return [p * (2**shift // q) for p, q in ratios], shift


def outward(q: Fraction, direction: float) -> float:
    """The nearest double that is at least q (direction +inf) or at most q (-inf)."""
    try:
        x = float(q)
    except OverflowError:
        raise RefusalError("a proved bound is too large for a double") from None
    return (
        x
        if (Fraction(x) - q) * int(math.copysign(1, direction)) >= 0
        else (math.nextafter(x, direction))
    )


def bracket(claims: Claims) -> tuple[float, float]:
    """The two ends, rounded outward; the lower one counts only where ``rho(v) <= beta``."""
    lower, upper = outward(dual_value(claims), -math.inf), outward(objective(claims), math.inf)
    if not math.isfinite(lower) or not math.isfinite(upper):
        raise RefusalError("a proved bound is too large for a double")
    return lower, upper


# ------------------------------------------------------------------- rho(v) <= beta, by a sweep
#
# To prove: |g(u)| <= beta for |u| <= 1, where g(u) = sum_j v_j (x_j . u)_+.
#
# Coordinates. Only rows with v_j != 0 matter. Let J be r independent columns of them and M the
# r x d matrix with x_j = M^T z_j, z_j = (x_j)_J. Then x_j . u = z_j . w with w = M u, and among
# the u with M u = w the shortest has |u|^2 = w^T H^{-1} w, H = M M^T. So the ball becomes
# w^T H^{-1} w <= 1 in R^r, and max c . w over it is sqrt(c^T H c) =: |c|, attained along w = H c.
# Everything is multiplied by powers of two and common denominators until it is an integer; z is
# padded with zeros to three coordinates.
#
# Lines. Rows that are multiples of each other change sign together. Each class has a primitive
# integer vector e and contributes on * e to the gradient of g where e . w > 0, off * e where
# e . w < 0. Different classes are not parallel. Duplicate and opposite rows are gone by this.
#
# Faces. The planes e . w = 0 cut R^3 into faces: cells, arcs (of the great circle of a plane),
# vertices. On a closed face g is linear, g = c . w, with the c of any cell that touches it. Take
# a maximiser w of |g| on the (H-) sphere with g(w) != 0 and let F be the face whose relative
# interior holds w. As w maximises +-c . w on an open part of the sphere of span F, it does so on
# all of it: w is the positive multiple of the projection of +-H c on span F. Hence |g| <= beta
# if for every face F and both signs: max of c . w over the sphere of span F is at most beta, or
# its maximiser lies outside the closure of F. Spelled out, with L = beta^2 and G = H^{-1}:
#
#   (a) vertex w:            (c . w)^2 <= L w^T G w
#   (b) arc on the plane e:  |c|^2 - (e.Hc)^2/|e|^2 <= L,  or  +-H(c - (e.Hc)/|e|^2 e) is not
#       between the two vertices that end the arc (seen from those: two sign tests)
#   (c) cell:                |c|^2 <= L,  or  +-H c is outside: one e with the wrong sign of e.Hc
#
# All of them. If r = 3 the vectors e span R^3, every cell is pointed, so it has a facet, and a
# facet is an arc. So running along every circle and looking at each arc, at the vertex where it
# starts, and at the two cells on its sides covers all faces. If r < 3 the circle of the added
# pole (0, 0, 1) holds everything; no cell is looked at, as all c lie on it (r = 1: two arcs, each
# half a circle; r = 0: nothing).
#
# Along a circle c is kept by adding (on - off) e at each crossing. It suffices to go half round:
# opposite the arc with gradient c lies one with gradient T - c, T the sum of all on + off.
# Lines that cross at the same vertex are passed together, and the arcs between them do not exist.
# With E = |e|^2, s = e . Hc and flat = E |c|^2 - s^2, test (b) reads flat <= L E, and a cell beside
# the arc has gradient c + k e (k = on or off), so test (c) reads flat + (s + k E)^2 <= L E. Both
# imply (a) for the arc's ends. Nearly always these numbers settle an arc at once.

Vector = tuple[int, int, int]
Metric = tuple[Vector, Vector, Vector]


class Line(NamedTuple):
    """A plane e . w = 0, seen from one side; He = H e; jump = (on - off) e."""

    e: Vector
    He: Vector
    off: int
    on: int
    jump: Vector

    def turned(self) -> Line:
        """The same plane, seen from its other side."""
        return Line(minus(self.e), minus(self.He), -self.on, -self.off, minus(self.jump))


Event = tuple[float, int, int, Line]


class Arc(NamedTuple):
    """A piece of the circle of ``line``: there ``turn * e . w >= 0`` for the first ``end`` others
    in ``order``, ``<= 0`` for the rest. It starts where ``order[end - 1]`` crosses."""

    line: Line
    order: list[Line]
    end: int
    turn: int

    def sign(self, index: int) -> int:
        """The side of another line on which the arc lies."""
        return self.turn if index < self.end else -self.turn

    def ends_around(self, c: Vector) -> bool:
        """Whether H c or -H c, on the circle's plane, is between the ends of the arc."""
        after = self.end % len(self.order)
        first = self.sign(self.end - 1) * dot(self.order[self.end - 1].He, c)
        second = self.sign(after) * dot(self.order[after].He, c)
        return (first >= 0 and second >= 0) or (first <= 0 and second <= 0)

    def cell_holds(self, c: Vector, toward: int) -> bool:
        """Whether H c (``toward`` > 0) or -H c (< 0) is on the arc's side of all other lines."""
        factor = self.turn if toward > 0 else -self.turn
        after = self.end % len(self.order)  # the likely witnesses cross next to the arc: first
        if self.sign(after) * self.turn * factor * dot(self.order[after].He, c) < 0:
            return False
        for line in self.order[self.end - 1 :: -1]:
            if dot(line.He, c) * factor < 0:
                return False
        return all(dot(line.He, c) * factor <= 0 for line in self.order[self.end :])


class Sweep:
    """Looks at every face; ``limit`` ends as the largest |g|^2, or as it was if none is above."""

    def __init__(self, H: Metric, limit: int) -> None:
        self.H, self.limit = H, limit
        self.adjugate = cross(H[1], H[2]), cross(H[2], H[0]), cross(H[0], H[1])
        self.determinant = dot(H[0], self.adjugate[0])

    def circle(self, line: Line, others: list[Line]) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        order, ends = crossings(line.e, others)
        c = total(times(other.off, other.e) for other in order)
        both = total(times(other.on + other.off, other.e) for other in order)
        E, start = dot(line.e, line.He), 0
        for end in ends:
            for other in order[start:end]:
                c = plus(c, other.jump)
            start = end
            for gradient, turn in ((c, 1), (plus(both, minus(c)), -1)):
                s = dot(line.He, gradient)
                flat = E * form(self.H, gradient) - s * s
                tilt = max(abs(s + line.on * E), abs(s + line.off * E))
                if flat + tilt * tilt > self.limit * E:
                    self.arc(Arc(line, order, end, turn), gradient, s, flat, E)

    def arc(self, arc: Arc, c: Vector, s: int, flat: int, E: int) -> None:
        """Test (a) where the arc starts, (b) between its ends, (c) on its two sides."""
        e = arc.line.e
        if flat > self.limit * E:
            w = cross(e, arc.order[arc.end - 1].e)
            self.reach(dot(c, w) ** 2 * self.determinant, form(self.adjugate, w))
            if arc.ends_around(plus(times(E, c), times(-s, e))):
                self.reach(flat, E)
        for k, side in ((arc.line.on, 1), (arc.line.off, -1)):
            t = s + k * E  # e . H(c + k e); where it is 0, (b) was the test
            square = flat + t * t
            if t and square > self.limit * E and arc.cell_holds(plus(c, times(k, e)), t * side):
                self.reach(square, E)

    def reach(self, square: int, scale: int) -> None:
        """|g|^2 is ``square / scale`` somewhere."""
        if square > self.limit * scale:
            self.limit = -(-square // scale)


def crossings(e: Vector, others: list[Line]) -> tuple[list[Line], list[int]]:
    """The other lines as they cross one half of the circle of e, and where each tie ends.

    Each is turned so that the crossing enters its front side.
    """
    k = next(i for i in range(3) if e[i])
    p, q = (k + 1) % 3, (k + 2) % 3
    events: list[Event] = []
    for line in others:
        a, b = e[k] * line.e[p] - e[p] * line.e[k], e[k] * line.e[q] - e[q] * line.e[k]
        if a < 0 or (a == 0 and b > 0):  # (b, -a) is in the upper half plane
            events.append((cotangent(b, -a), b, -a, line))
        else:
            events.append((cotangent(-b, a), -b, a, line.turned()))
    events.sort(key=itemgetter(0), reverse=True)
    if any(turn(one, two) < 0 for one, two in pairwise(events)):  # the floats only guessed
        events.sort(key=cmp_to_key(lambda one, two: turn(two, one)))
    ends = [i for i, (one, two) in enumerate(pairwise(events), 1) if turn(one, two)]
    return [event[3] for event in events], [*ends, len(events)]


def turn(one: Event, two: Event) -> int:
    """Positive where the second of two directions in the upper half plane is farther round."""
    return one[1] * two[2] - one[2] * two[1]


def cotangent(s: int, t: int) -> float:
    """``s / t``, rounded, for a direction in the upper half plane."""
    try:
        return s / t if t else math.inf
    except OverflowError:
        return math.copysign(math.inf, s)


def dot(x: Sequence[int], y: Sequence[int]) -> int:
    """``x . y`` in three dimensions."""
    return x[0] * y[0] + x[1] * y[1] + x[2] * y[2]


def cross(x: Vector, y: Vector) -> Vector:
    """The vector product."""
    return x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]


def plus(x: Vector, y: Vector) -> Vector:
    """``x + y``."""
    return x[0] + y[0], x[1] + y[1], x[2] + y[2]


def times(k: int, x: Vector) -> Vector:
    """``k x``."""
    return k * x[0], k * x[1], k * x[2]


def minus(x: Vector) -> Vector:
    """``-x``."""
    return -x[0], -x[1], -x[2]


def form(H: Metric, x: Vector) -> int:
    """``x . H x``."""
    return x[0] * dot(H[0], x) + x[1] * dot(H[1], x) + x[2] * dot(H[2], x)


def total(vectors: Iterable[Vector]) -> Vector:
    """The sum of vectors."""
    x, y, z = zip((0, 0, 0), *vectors, strict=True)
    return sum(x), sum(y), sum(z)


def coordinates(rows: list[list[int]]) -> tuple[list[int], Metric, int]:
    """The columns J and ``H = M M^T`` times a common denominator, which comes third."""
    M: list[list[fmpq]] = []  # the rows' reduced echelon form: the identity in the columns J
    J: list[int] = []
    for row in rows:
        rest = [fmpq(x) for x in row]
        for base, j in zip(M, J, strict=True):
            if row[j]:
                rest = [x - row[j] * z for x, z in zip(rest, base, strict=True)]
        new = next((j for j, x in enumerate(rest) if x), None)
        if new is None:
            continue
        if len(J) == 3:
            raise RefusalError("the rows of X with a dual number other than 0 have rank above 3")
        rest = [x / rest[new] for x in rest]
        M = [[x - base[new] * z for x, z in zip(base, rest, strict=True)] for base in M] + [rest]
        J.append(new)
    H = [[sum((x * z for x, z in zip(one, two, strict=True)), fmpq(0)) for two in M] for one in M]
    scale = math.lcm(*(int(x.q) for row in H for x in row))
    h = [
        int((H[i][j] * scale).p) if max(i, j) < len(J) else int(i == j)
        for i in range(3)
        for j in range(3)
    ]
    return J, ((h[0], h[1], h[2]), (h[3], h[4], h[5]), (h[6], h[7], h[8])), scale


def gather(rows: Iterable[Sequence[int]], weights: Iterable[int], H: Metric) -> list[Line]:
    """The lines: one for each class of parallel rows that are not zero."""
    on: defaultdict[Vector, int] = defaultdict(int)
    off: defaultdict[Vector, int] = defaultdict(int)
    for row, weight in zip(rows, weights, strict=True):
        z = (*row, 0, 0, 0)[:3]
        if any(z):
            divisor = math.gcd(*z) * (1 if z > (0, 0, 0) else -1)
            e = z[0] // divisor, z[1] // divisor, z[2] // divisor
            (on if divisor > 0 else off)[e] += weight * divisor
    return [make_line(e, H, off[e], on[e]) for e in dict.fromkeys((*on, *off))]


def make_line(e: Vector, H: Metric, off: int, on: int) -> Line:
    """A line with what follows from its vector and its gradients."""
    return Line(e, (dot(H[0], e), dot(H[1], e), dot(H[2], e)), off, on, times(on - off, e))


def excess(claims: Claims) -> Fraction:
    """``rho(v) / beta - 1``, rounded up to a multiple of 2**-128, and 0 if rho(v) <= beta."""
    X, x_shift = integers(x for row in claims.X for x in (*row, 1.0)[: len(row) + claims.bias])
    v, v_shift = integers(claims.v)
    (beta,), beta_shift = integers([claims.weight_decay])
    d = len(X) // len(v)
    active = [(X[i * d : (i + 1) * d], weight) for i, weight in enumerate(v) if weight]
    J, H, H_scale = coordinates([row for row, _ in active])
    # the largest value allowed is beta * 2**(x_shift + v_shift): make that an integer
    spare = max(0, beta_shift - x_shift - v_shift)
    rows = ([row[j] for j in J] for row, _ in active)
    lines = gather(rows, (weight << spare for _, weight in active), H)
    limit = (beta << (x_shift + v_shift + spare - beta_shift)) ** 2 * H_scale
    sweep = Sweep(H, limit)
    for line in lines if len(J) == 3 else [make_line((0, 0, 1), H, 0, 0)] if lines else []:
        sweep.circle(line, [other for other in lines if other is not line])
    if sweep.limit == limit:
        return Fraction(0)
    return Fraction(math.isqrt((sweep.limit << 256) // limit) + 1, 2**128) - 1


# ------------------------------------------------------------------------------------ the answer


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What was proved.

    ``valid``: everything that the certificate claims is true. ``lower``, ``upper``: the proved
    bracket, rounded outward to doubles, at least as tight as claimed; None where not proved.
    ``reason``: what was proved, or the first reason why not. ``excess``: where the dual vector
    is infeasible, (a little more than) ``rho(v) / weight_decay - 1``, otherwise 0.
    """

    valid: bool
    lower: float | None
    upper: float | None
    reason: str
    excess: float = 0.0


def check(source: str | os.PathLike[str] | dict[str, Any], data: Any = None) -> CheckResult:
    """Re-prove a certificate exactly. A bad file is an answer (``valid`` False), not an exception.

    Parameters
    ----------
    source : path of the certificate file, or the document in it
    data : only where the file leaves its data out: the pair ``(X, y)``, or the path of a CSV file
        (target last) or of a certificate that has them
    """
    lower = upper = None
    over = Fraction(0)
    try:
        claims = read(source, data)
        ends = bracket(claims)
        upper = ends[1]
        if claims.upper < upper:
            raise RefusalError(f"upper: claimed {claims.upper!r}, but proved is {upper!r}")
        if claims.lower > ends[0]:
            raise RefusalError(f"lower: claimed {claims.lower!r}, but v can prove {ends[0]!r}")
        if over := excess(claims):
            raise RefusalError(f"v is infeasible: rho(v) = weight_decay * (1 + {decimal(over)})")
        lower = ends[0]
    except RefusalError as refusal:
        return CheckResult(
            valid=False, lower=lower, upper=upper, reason=str(refusal), excess=decimal(over)
        )
    return CheckResult(valid=True, lower=lower, upper=upper, reason="proved exactly")


def decimal(q: Fraction) -> float:
    """As a double, infinite where too large."""
    try:
        return float(q)
    except OverflowError:
        return math.inf


def values(
    source: str | os.PathLike[str] | dict[str, Any], data: Any = None
) -> tuple[float, float]:
    """The bracket that network and dual vector give if ``rho(v) <= weight_decay``: no sweep.

    For whoever writes certificates. Raises RefusalError where `check` would refuse.
    """
    return bracket(read(source, data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Re-prove a cvxnet certificate exactly.")
    parser.add_argument("file", help="the certificate")
    parser.add_argument("--data", help="CSV (target last) or certificate with the data")
    options = parser.parse_args(arguments)
    result = check(options.file, options.data)
    if not result.valid:
        print(f"REFUSED: {result.reason}")
        return 1
    print(f"PROVED: {result.lower!r} <= optimum <= {result.upper!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

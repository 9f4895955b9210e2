"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Call `check`, or run this file; it needs Python and python-flint, no solver, nothing of cvxnet:

    python checker.py FILE [--data FILE]      exit code 0: proved, 1: refused, 2: wrong usage

The format of the file and what it claims are described in certificate.py beside this file. Three
parts: reading; the two ends of the bracket; and the sweep that proves the dual vector feasible,
without which the lower end would mean nothing. Doubles are dyadic rationals, so all arithmetic is
done in integers and fractions, and for the logarithms of the logistic loss in balls that hold the
true value. Whatever a file contains, the answer is a `CheckResult`, in bounded time and memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise
from operator import itemgetter, mul
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq

Path = str | os.PathLike[str]

FORMAT, VERSION = "cvxnet-certificate", 1
ENTRIES = {"format", "version", "cvxnet", "units", "loss", "weight_decay", "bias"}
ENTRIES |= {"data_sha256", "data", "network", "dual", "lower", "upper"}
MAX_BYTES = 16 * 2**20  # of a file; as Python objects it may take 30 times as much
MAX_PRODUCTS = 3 * 10**7  # samples * features * units
TIME_LIMIT = 600.0  # seconds for the sweep, unless the caller says otherwise
PRECISION = 256  # bits, of the balls


class RefusalError(Exception):
    """The first reason why a certificate proves nothing. `check` makes it its answer."""


# ----------------------------------------------------------------------------------- 1. reading


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a certificate says: well-formed, but not yet believed."""

    cvxnet: str
    loss: str
    weight_decay: float
    bias: bool
    X: list[list[float]]
    y: list[float]
    W: list[list[float]]
    b: list[float] | None
    a: list[float]
    v: list[float]
    lower: float
    upper: float


def read(source: Path | dict[str, Any], data: Any = None) -> Claims:
    """The claims of a certificate: a file, or the document in it. `check` explains ``data``."""
    doc = source if isinstance(source, dict) else parse(read_text(source))
    check_header(doc)
    X, y = members(doc["data"], "X", "y") if data is None else supplied(data)
    W, b, a = members(doc["network"], "W", "b", "a")
    n, width = length(X, "X"), length(a, "a")
    d = length(X[0], "X") if n else 0
    if n * d == 0:
        raise RefusalError("X is empty")
    if (b is not None) != doc["bias"]:
        raise RefusalError("b must be null without bias, and a list with bias")
    claims = Claims(
        cvxnet=doc["cvxnet"],
        loss=doc["loss"],
        weight_decay=numbers(doc["weight_decay"], "weight_decay"),
        bias=doc["bias"],
        X=numbers(X, "X", n, d),
        y=numbers(y, "y", n),
        W=numbers(W, "W", width, d),
        b=None if b is None else numbers(b, "b", width),
        a=numbers(a, "a", width),
        v=numbers(doc["dual"], "dual", n),
        lower=numbers(doc["lower"], "lower"),
        upper=numbers(doc["upper"], "upper"),
    )
    if fingerprint(claims.X, claims.y) != doc["data_sha256"]:
        raise RefusalError("these are not the data that the certificate is about: SHA-256 differs")
    if claims.loss == "logistic" and not set(claims.y) <= {-1.0, 1.0}:
        raise RefusalError("labels of the logistic loss must be -1 and +1")
    if claims.weight_decay <= 0.0:
        raise RefusalError("weight_decay must be above 0")
    return claims


def read_text(path: Path) -> str:
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
    """One JSON object without repeated entries: of two, readers would take different ones."""

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
    """Format, version and options must be ones that this checker knows."""
    if doc.get("format") != FORMAT:
        raise RefusalError(f"not a certificate: its format is not {FORMAT!r}")
    if type(doc.get("version")) is not int or doc["version"] != VERSION:
        raise RefusalError(f"this checker reads version {VERSION} of the format, not this one")
    if difference := sorted(map(repr, set(doc) ^ ENTRIES)):
        raise RefusalError(f"missing or unknown entries: {', '.join(difference)[:200]}")
    if doc["units"] != "relu":
        raise RefusalError("this checker covers units 'relu' only")
    if doc["loss"] not in ("squared", "logistic"):
        raise RefusalError("this checker covers the losses 'squared' and 'logistic' only")
    if not isinstance(doc["bias"], bool) or not isinstance(doc["cvxnet"], str):
        raise RefusalError("bias must be true or false, and cvxnet a version string")


def members(value: Any, *names: str) -> list[Any]:
    """The entries of a JSON object that has exactly these."""
    if value is None:
        raise RefusalError("the certificate does not contain its data: supply them (--data FILE)")
    if not isinstance(value, dict) or set(value) != set(names):
        raise RefusalError(f"there must be an object with the entries {', '.join(names)}")
    return [value[name] for name in names]


def length(value: Any, what: str) -> int:
    """The length of a list; anything else is refused."""
    if not isinstance(value, list):
        raise RefusalError(f"{what} is not a list")
    return len(value)


def numbers(value: Any, what: str, *shape: int) -> Any:
    """Nested lists of that shape of finite doubles, each from exactly what ``float.hex`` writes."""
    if shape:
        if length(value, what) != shape[0]:
            raise RefusalError(f"{what} has a list of {len(value)} entries; {shape[0]} expected")
        return [numbers(entry, what, *shape[1:]) for entry in value]
    try:
        x = float.fromhex(value) if isinstance(value, str) and len(value) < 30 else math.nan
    except (ValueError, OverflowError):
        x = math.nan
    if not math.isfinite(x) or x.hex() != value:
        shown = repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"
        raise RefusalError(f"{what} holds {shown}, not a finite hexadecimal number")
    return x


def supplied(data: Any) -> list[Any]:
    """Data from outside, in the form that they have inside a certificate."""
    if isinstance(data, str | os.PathLike):
        text = read_text(data)
        if text.lstrip().startswith("{"):
            return members(parse(text).get("data"), "X", "y")
        rows = [line.split(",") for line in text.splitlines() if line.strip()]
        rows = rows[is_header(rows[0]) :] if rows else rows
        data = [row[:-1] for row in rows], [row[-1] for row in rows]
    try:
        X, y = data
        return [[[float(x).hex() for x in row] for row in X], [float(t).hex() for t in y]]
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusalError(f"the data supplied are not numbers X, y: {error}") from None


def is_header(fields: list[str]) -> bool:
    """Whether a line of a CSV file names the columns."""
    try:
        return not fields or math.isnan(float(fields[-1]))
    except ValueError:
        return True


def fingerprint(X: Sequence[Sequence[float]], y: Sequence[float]) -> str:
    """SHA-256 of ``"n d\\n"``, then X by rows and y as little-endian doubles.

    >>> fingerprint([[1.0, 2.0]], [3.0])[:16]
    'f3fe149620f8df91'
    """
    digest = hashlib.sha256(b"%d %d\n" % (len(X), len(X[0])))
    for row in (*X, y):
        digest.update(struct.pack(f"<{len(row)}d", *row))
    return digest.hexdigest()


# ------------------------------------------------------------------- 2. the ends of the bracket
#
# Upper: the objective of a network bounds the optimum from above, as it is one of its values.
# Lower: l(f) >= v.f - l*(v) for all predictions f. Those of any network are f_i = sum_j a_j
# (u_j . x~_i)_+, so v.f >= -sum_j |a_j| |u_j| rho(v) >= -beta/2 sum_j (a_j^2 + |u_j|^2) if rho(v)
# <= beta. Together: objective >= -l*(v), whatever the network and its width.


def bracket(claims: Claims) -> tuple[float, float]:
    """Both ends, rounded outward; the lower one counts only if ``rho(v) <= beta``."""
    n, d, width = len(claims.X), len(claims.X[0]), len(claims.a)
    if n * (d + 1) * width > MAX_PRODUCTS:
        raise RefusalError(f"too large: {n} samples, {d} features, {width} units")
    return outward(dual_value(claims), -math.inf), outward(objective(claims), math.inf)


def objective(claims: Claims) -> Fraction:
    """The network's training objective; for the logistic loss a bound just above it."""
    weights, shift = integers((*claims.a, *(claims.b or ()), *(w for u in claims.W for w in u)))
    penalty = Fraction(claims.weight_decay) * sum(w * w for w in weights) / 2 / 4**shift
    pairs = list(zip(predictions(claims), map(Fraction, claims.y), strict=True))
    if claims.loss == "squared":
        return penalty + sum((f - t) ** 2 for f, t in pairs) / 2
    with ctx.workprec(PRECISION):
        return exact(sum((softplus(-t * f) for f, t in pairs), ball(penalty)).upper())


def predictions(claims: Claims) -> list[Fraction]:
    """``f(x_i) = sum_j a_j (W_j . x_i + b_j)_+``."""
    size = len(claims.X[0]) + 1
    biases = claims.b or [0.0] * len(claims.a)
    X, x_shift = integers(x for row in claims.X for x in (*row, 1.0))
    W, w_shift = integers(w for u, b in zip(claims.W, biases, strict=True) for w in (*u, b))
    a, a_shift = integers(claims.a)
    units = [(a[j], W[j * size : (j + 1) * size]) for j in range(len(a))]
    rows = [X[i : i + size] for i in range(0, len(X), size)]
    f = [sum(a_j * max(0, sum(map(mul, u, x))) for a_j, u in units) for x in rows]
    return [Fraction(value, 2 ** (x_shift + w_shift + a_shift)) for value in f]


def dual_value(claims: Claims) -> Fraction:
    """``-l*(v)``; for the logistic loss a bound just below it."""
    pairs = [(Fraction(v), Fraction(t)) for v, t in zip(claims.v, claims.y, strict=True)]
    if claims.loss == "squared":
        return -sum((v * v / 2 + v * t for v, t in pairs), Fraction(0))
    shares = [-v * t for v, t in pairs]
    if min(shares) < 0 or max(shares) > 1:
        raise RefusalError("the dual vector proves nothing: some -y_i v_i is outside [0, 1]")
    with ctx.workprec(PRECISION):
        return exact(sum((entropy(p) + entropy(1 - p) for p in shares), arb(0)).lower())


def softplus(z: Fraction) -> arb:
    """``log(1 + exp(z))``, enclosed; written so that no exponential overflows."""
    return ball(max(z, Fraction(0))) + ball(-abs(z)).exp().log1p()


def entropy(p: Fraction) -> arb:
    """``-p log p``, enclosed."""
    return -ball(p) * ball(p).log() if p else arb(0)


def ball(q: Fraction) -> arb:
    """An enclosure of a rational number."""
    return arb(fmpq(q.numerator, q.denominator))


def exact(end: arb) -> Fraction:
    """The value of a ball of radius zero."""
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def integers(values: Iterable[float]) -> tuple[list[int], int]:
    """Integers k and one shift s with ``values = k / 2**s`` exactly.

    >>> integers([0.75, 2.0])
    ([3, 8], 2)
    """
    ratios = [x.as_integer_ratio() for x in values]
    shift = max((q.bit_length() - 1 for _, q in ratios), default=0)
    return [p * (2**shift // q) for p, q in ratios], shift


def outward(q: Fraction, direction: float) -> float:
    """The nearest double on that side of q.

    >>> outward(Fraction(1, 10), math.inf), outward(Fraction(1, 10), -math.inf)
    (0.1, 0.09999999999999999)
    """
    try:
        x = float(q)
        inside = x < q if direction > 0 else x > q
        x = math.nextafter(x, direction) if inside else x
        return float(Fraction(x))  # raises OverflowError for an infinite x
    except OverflowError:
        raise RefusalError("the bracket has an end that is too large for a double") from None


# ---------------------------------------------------------------- 3. rho(v) <= beta, by a sweep
#
# To prove: |g(u)| <= beta for |u| <= 1, where g(u) = sum_j v_j (x_j . u)_+ (x_j with its 1 if
# there is a bias).
#
# Coordinates. Only rows with v_j != 0 matter. Let J be r independent columns of them and M the
# r x d matrix with x_j = M^T z_j, z_j = (x_j)_J. Then x_j . u = z_j . w with w = M u, and among
# the u with M u = w the shortest has |u|^2 = w^T H^{-1} w, H = M M^T. So the ball becomes
# w^T H^{-1} w <= 1 in R^r, and max c . w over it is sqrt(c^T H c) =: |c|, attained along w = H c.
# X and v are multiplied by powers of two, H by a common denominator: integers. z is padded with
# zeros to three coordinates.
#
# More than rank 3. With the three columns and rows of the largest pivots, x_j = M^T z_j + d_j, and
# d_j changes |g| by at most |v_j| |d_j|. So |g| <= beta - sum_j |v_j| |d_j| is proved for the rows
# M^T z_j. This is for data whose rank is 3 but for rounding, where the sum is tiny.
#
# Lines. Rows that are multiples of each other change sign together. Each such class has a
# primitive integer vector e; it adds on * e to the gradient of g where e . w > 0, off * e where
# e . w < 0. Different classes are not parallel, so duplicate and opposite rows are gone.
#
# Faces. The planes e . w = 0 cut R^3 into faces: cells, arcs (of the great circle of a plane) and
# vertices. On a closed face g is linear, g = c . w, with the gradient c of any cell that touches
# it. Let w maximise |g| on the sphere w^T H^{-1} w = 1, g(w) != 0, and let F be the face with w in
# its relative interior. Then w maximises +-c . w on a neighbourhood in the sphere of span F, hence
# (a linear function has no other local maximum of positive value there) on all of it: it is the
# multiple of the projection of +-H c on span F. So |g| <= beta everywhere if for every F and both
# signs this maximum is at most beta, or is attained outside the closure of F. With L = beta^2:
#
#   (a) vertex w            (c . w)^2 <= L w^T H^{-1} w
#   (b) arc on the plane e  |c|^2 - (e.Hc)^2 / |e|^2 <= L,
#                           or neither of +-H(c - (e.Hc) / |e|^2 e) is between the arc's ends
#   (c) cell                |c|^2 <= L, or some line has H c on the wrong side, and one has -H c
#
# Completeness. If r = 3, the vectors e span R^3, so every cell is a pointed cone and has a facet;
# a facet is an arc. Running along every circle and looking at each arc, at the vertex where it
# starts and at the two cells beside it therefore visits all faces. If r < 3, the circle of an
# added pole (0, 0, 1) is the whole sphere of R^2; every c lies in its plane, e.Hc = 0 for e the
# pole, and (a) and (b) say all (if r = 1 there are two arcs, each half a circle).
#
# Along a circle c is kept by adding (on - off) e at each crossing. It suffices to go half round:
# opposite the arc with gradient c lies one with gradient T - c, T the sum of all on e + off e.
# With E = |e|^2, s = e . Hc, flat = E |c|^2 - s^2, (b) reads flat <= L E, which implies (a) at the
# ends of the arc; the cells beside it have gradients c + k e, k = on or off, so that (c) reads
# flat + (s + k E)^2 <= L E. These numbers alone settle most arcs. A maximum with s + k E = 0 is on
# the circle, so (b) saw it.
#
# Ties. Lines that cross at the same place are passed one by one, in any order. The arcs of length
# zero between them, and the cells beside those, are faces that do not exist, which does no harm:
# a point that satisfies all their (closed) sign conditions has the value of |g| that is found.
# For the same reason it does not matter that neighbouring faces share their boundaries.

Vector = tuple[int, int, int]
Metric = tuple[Vector, Vector, Vector]


class Line(NamedTuple):
    """The plane e . w = 0, seen from one side; He = H e; jump = (on - off) e."""

    e: Vector
    He: Vector
    off: int
    on: int
    jump: Vector

    def turned(self) -> Line:
        """The same plane, seen from its other side."""
        e, He, jump = times(-1, self.e), times(-1, self.He), times(-1, self.jump)
        return Line(e, He, -self.on, -self.off, jump)


Event = tuple[float, int, int, Line]  # a crossing: rounded cotangent, direction, line


def excess(claims: Claims, time_limit: float) -> Fraction:
    """0 if ``rho(v) <= beta``; otherwise (a little more than) ``rho(v) / beta - 1``."""
    deadline = time.monotonic() + time_limit
    X, x_shift = integers(x for row in claims.X for x in (*row, 1.0)[: len(row) + claims.bias])
    v, v_shift = integers(claims.v)
    beta = Fraction(claims.weight_decay) * 2 ** (x_shift + v_shift)  # as X and v are integers now
    # make beta a large integer too, so that squares rounded to integers are still precise
    spare = max(0, 128 + beta.denominator.bit_length() - beta.numerator.bit_length())
    beta *= 2**spare
    d = len(X) // len(v)
    rows = [X[i * d : (i + 1) * d] for i, weight in enumerate(v) if weight]
    weights = [weight << spare for weight in v if weight]
    J, H, H_scale, rests = coordinates(rows)
    lines = gather(([row[j] for j in J] for row in rows), weights, H)
    slack = sum(abs(w) * rest for w, rest in zip(weights, rests, strict=True))
    if slack * 10**6 > beta:
        raise RefusalError("the rows of X with a dual number other than 0 have rank above 3")
    limit = math.floor((beta - slack) ** 2 * H_scale)
    sweep = Sweep(H, limit)
    pole = make_line((0, 0, 1), H, 0, 0)
    for line in lines if len(J) == 3 else [pole] if lines else []:
        sweep.circle(line, [other for other in lines if other is not line])
        if time.monotonic() > deadline:
            raise RefusalError(f"unfinished after the time limit of {time_limit:g} s: allow more")
    if sweep.limit == limit:
        return Fraction(0)
    rho = Fraction(math.isqrt((sweep.limit << 256) // H_scale) + 1, 2**128) + slack
    return rho / beta - 1


def coordinates(rows: Sequence[list[int]]) -> tuple[list[int], Metric, int, list[Fraction]]:
    """The columns J, ``H = M M^T`` times a common denominator, that denominator, the |d_j|_1."""
    rests = [[fmpq(x) for x in row] for row in rows]
    M: list[list[fmpq]] = []  # in reduced echelon form: the identity in the columns J
    J: list[int] = []
    while len(J) < 3 and (largest := max((max(map(abs, rest)) for rest in rests), default=0)):
        base, k = next((rest, k) for rest in rests for k, x in enumerate(rest) if abs(x) == largest)
        base = [x / base[k] for x in base]
        M, rests = [*reduced(M, base, k), base], reduced(rests, base, k)
        J.append(k)
    H = [[sum(map(mul, M[i], M[j]), fmpq(0)) for j in range(len(J))] for i in range(len(J))]
    scale = math.lcm(*(int(x.q) for row in H for x in row))
    h = [vector([int(x * scale) for x in row]) for row in H]
    h += [(1, 0, 0), (0, 1, 0), (0, 0, 1)][len(h) :]
    norms = [sum(map(abs, rest), fmpq(0)) for rest in rests]
    return J, (h[0], h[1], h[2]), scale, [Fraction(int(x.p), int(x.q)) for x in norms]


def reduced(rows: list[list[fmpq]], base: list[fmpq], k: int) -> list[list[fmpq]]:
    """The rows minus multiples of ``base``, so that column k becomes zero."""
    return [[x - row[k] * z for x, z in zip(row, base, strict=True)] for row in rows]


def gather(rows: Iterable[list[int]], weights: Iterable[int], H: Metric) -> list[Line]:
    """One line for each class of parallel rows that are not zero."""
    on: defaultdict[Vector, int] = defaultdict(int)
    off: defaultdict[Vector, int] = defaultdict(int)
    for row, weight in zip(rows, weights, strict=True):
        z = vector(row)
        if divisor := math.gcd(*z) * (1 if z > (0, 0, 0) else -1):
            e = z[0] // divisor, z[1] // divisor, z[2] // divisor
            (on if divisor > 0 else off)[e] += weight * divisor
    return [make_line(e, H, off[e], on[e]) for e in dict.fromkeys((*on, *off))]


def make_line(e: Vector, H: Metric, off: int, on: int) -> Line:
    """A line from its vector and gradients."""
    return Line(e, (dot(H[0], e), dot(H[1], e), dot(H[2], e)), off, on, times(on - off, e))


class Sweep:
    """Visits faces; ``limit`` ends as the largest |g|^2, or as it was if none is above it."""

    def __init__(self, H: Metric, limit: int) -> None:
        self.H, self.limit = H, limit
        self.adjugate = cross(H[1], H[2]), cross(H[2], H[0]), cross(H[0], H[1])
        self.determinant = dot(H[0], self.adjugate[0])

    def circle(self, line: Line, others: list[Line]) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        order = crossings(line.e, others)
        c = both = (0, 0, 0)
        for other in order:  # before the first crossing all lines show their back
            c = plus(c, times(other.off, other.e))
            both = plus(both, times(other.on + other.off, other.e))
        E = dot(line.e, line.He)
        for end, other in enumerate(order, 1):
            c = plus(c, other.jump)
            for gradient, turn in ((c, 1), (plus(both, times(-1, c)), -1)):
                s = dot(line.He, gradient)
                flat = E * form(self.H, gradient) - s * s
                tilt = max(abs(s + line.on * E), abs(s + line.off * E))
                if flat + tilt * tilt > self.limit * E:
                    self.arc(Arc(line, order, end, turn), gradient, s, flat, E)

    def arc(self, arc: Arc, c: Vector, s: int, flat: int, E: int) -> None:
        """Test (a) where the arc starts, (b) between its ends, (c) beside it."""
        e = arc.line.e
        if flat > self.limit * E:
            w = cross(e, arc.order[arc.end - 1].e)
            self.reach(dot(c, w) ** 2 * self.determinant, form(self.adjugate, w))
            if arc.ends_around(plus(times(E, c), times(-s, e))):
                self.reach(flat, E)
        for k, side in ((arc.line.on, 1), (arc.line.off, -1)):
            t = s + k * E  # the sign of +-H(c + k e) that is on the cell's side of the circle
            square = flat + t * t
            if t and square > self.limit * E and arc.cell_holds(plus(c, times(k, e)), t * side):
                self.reach(square, E)

    def reach(self, square: int, scale: int) -> None:
        """Somewhere |g|^2 is ``square / scale``."""
        if square > self.limit * scale:
            self.limit = -(-square // scale)


class Arc(NamedTuple):
    """A piece of the circle of ``line``, starting where ``order[end - 1]`` crosses.

    On it ``turn * e . w`` is positive for the lines ``order[:end]``, negative for the others.
    """

    line: Line
    order: list[Line]
    end: int
    turn: int

    def ends_around(self, c: Vector) -> bool:
        """Whether H c or -H c, which is in the circle's plane, is between the arc's ends."""
        start, stop = self.order[self.end - 1], self.order[self.end % len(self.order)]
        first, second = dot(start.He, c), dot(stop.He, c)
        if self.end < len(self.order):
            second = -second
        return (first >= 0 and second >= 0) or (first <= 0 and second <= 0)

    def cell_holds(self, c: Vector, toward: int) -> bool:
        """Whether H c (``toward`` > 0) or -H c (< 0) is on the arc's side of all other lines."""
        if (self.turn > 0) != (toward > 0):
            c = times(-1, c)
        for line in self.order[self.end - 1 :: -1]:  # those that cross near the arc come first
            if dot(line.He, c) < 0:
                return False
        return all(dot(line.He, c) <= 0 for line in self.order[self.end :])


def crossings(e: Vector, others: list[Line]) -> list[Line]:
    """The other lines as they cross half of the circle of e, turned to be entered from the back."""
    k = next(i for i in range(3) if e[i])
    p, q = (k + 1) % 3, (k + 2) % 3
    events: list[Event] = []
    for line in others:  # in coordinates of the plane: a s + b t = 0 at +-(b, -a)
        a, b = e[k] * line.e[p] - e[p] * line.e[k], e[k] * line.e[q] - e[q] * line.e[k]
        if a < 0 or (a == 0 and b > 0):  # (b, -a) is in the upper half plane
            events.append((cotangent(b, -a), b, -a, line))
        else:
            events.append((cotangent(-b, a), -b, a, line.turned()))
    events.sort(key=itemgetter(0), reverse=True)
    if any(turn(one, two) < 0 for one, two in pairwise(events)):  # the floats only guessed
        events.sort(key=cmp_to_key(turn), reverse=True)
    return [event[3] for event in events]


def cotangent(s: int, t: int) -> float:
    """``s / t``, rounded, of a direction in the upper half plane."""
    try:
        return s / t if t else math.inf
    except OverflowError:
        return math.inf if s > 0 else -math.inf


def turn(one: Event, two: Event) -> int:
    """Positive if of two directions in the upper half plane the second comes later."""
    return one[1] * two[2] - one[2] * two[1]


def vector(x: Sequence[int]) -> Vector:
    """Three coordinates, padded with zeros."""
    first, second, third = (*x, 0, 0, 0)[:3]
    return first, second, third


def dot(x: Vector, y: Vector) -> int:
    """``x . y``."""
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


def form(H: Metric, x: Vector) -> int:
    """``x . H x``."""
    return x[0] * dot(H[0], x) + x[1] * dot(H[1], x) + x[2] * dot(H[2], x)


# ------------------------------------------------------------------------------------ the answer


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What was proved.

    ``valid``: all that the certificate claims is true. ``lower``, ``upper``: the proved bracket,
    rounded outward to doubles, at least as tight as claimed; None for an end that was not proved.
    ``reason``: "proved exactly", or the first reason why not. ``excess``: where the dual vector
    was found infeasible, ``rho(v) / weight_decay - 1``; otherwise 0.
    """

    valid: bool
    lower: float | None
    upper: float | None
    reason: str
    excess: float = 0.0


def check(
    source: Path | dict[str, Any], data: Any = None, *, time_limit: float = TIME_LIMIT
) -> CheckResult:
    """Re-prove a certificate exactly. A bad file is an answer (``valid`` False), no exception.

    Parameters
    ----------
    source : path of the certificate file, or the document in it
    data : only where the file leaves its data out: the pair ``(X, y)``, or the path of a CSV file
        (target last, one line of names allowed) or of a certificate that has them
    time_limit : seconds after which the sweep gives up; 1000 samples of rank 3 take about 30

    Examples
    --------
    >>> check({"format": "something else"}).reason
    "not a certificate: its format is not 'cvxnet-certificate'"
    """
    lower = upper = None
    over = 0.0
    try:
        claims = read(source, data)
        dual, upper = bracket(claims)
        if claims.upper < upper:
            raise RefusalError(f"upper: claimed {claims.upper!r}, but the network has {upper!r}")
        if claims.lower > dual:
            raise RefusalError(f"lower: claimed {claims.lower!r}, but the dual has {dual!r}")
        if ratio := excess(claims, time_limit):
            over = float(min(ratio, Fraction(sys.float_info.max)))
            raise RefusalError(f"dual infeasible: rho(v) = weight_decay * (1 + {over!r})")
        lower = dual
    except RefusalError as refusal:
        return CheckResult(valid=False, lower=lower, upper=upper, reason=str(refusal), excess=over)
    return CheckResult(valid=True, lower=lower, upper=upper, reason="proved exactly")


def values(source: Path | dict[str, Any], data: Any = None) -> tuple[float, float]:
    """The bracket of network and dual vector if ``rho(v) <= weight_decay``, which is not tested.

    For those who write certificates. Raises RefusalError where `check` would refuse to read.
    """
    return bracket(read(source, data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Re-prove a cvxnet certificate exactly.")
    parser.add_argument("file", help="the certificate")
    parser.add_argument("--data", help="CSV (target last) or certificate that has the data")
    parser.add_argument("--time-limit", type=float, default=TIME_LIMIT, help="in seconds")
    options = parser.parse_args(arguments)
    result = check(options.file, options.data, time_limit=options.time_limit)
    if not result.valid:
        print(f"REFUSED: {result.reason}")
        return 1
    print(f"PROVED: {result.lower!r} <= optimum <= {result.upper!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

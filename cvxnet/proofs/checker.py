"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Call `check`, or run this file; it needs Python and python-flint, no solver, nothing of cvxnet:

    python checker.py FILE [--data FILE]      exit code 0: proved, 1: refused, 2: wrong usage

The format of the file and what it claims are described in certificate.py beside this file. Parts:

    1. reading                                2. losses
    3. the ends of the bracket                4. unit families
    and, as the lower end means nothing unless the dual vector is feasible, proofs of that
    5. by sweeps, rank 3 at most              6. by positive semidefinite matrices
    7. by relaxation, with evidence           8. by branch and bound

Doubles are dyadic rationals, so all arithmetic is done in integers and fractions, and for roots,
logarithms and tanh in balls that hold the true value. Whatever a file contains, the answer is a
`CheckResult`, in bounded time and memory.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, cmp_to_key
from itertools import pairwise, product
from operator import itemgetter, mul
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq, fmpq_mat, fmpz, fmpz_mat

Path = str | os.PathLike[str]
Number = Any  # fmpq: exact; or arb: a ball around the true value
Matrix = list[list[int]]

FORMAT, VERSION = "cvxnet-certificate", 2
ENTRIES_1 = {"format", "version", "cvxnet", "units", "loss", "weight_decay", "bias"}
ENTRIES_1 |= {"data_sha256", "data", "network", "dual", "lower", "upper"}
ENTRIES = ENTRIES_1 | {"norm", "sample_weights", "evidence"}
MAX_BYTES = 16 * 2**20  # of a file; as Python objects it may take 30 times as much
MAX_PRODUCTS = 3 * 10**8  # samples * features * (units + gates)
MAX_FEATURES = 10**7  # samples * (units + gates)
MAX_ORDER = 200  # of a symmetric matrix
MAX_BITS = 2 * 10**5  # order of a matrix * bits of its entries
MAX_DEPTH = 60  # of a tree of evidence
MAX_RANK = 5  # of the rows of X, for branch and bound
TIME_LIMIT = 600.0  # seconds to prove the dual vector feasible, unless the caller says otherwise
PRECISION = 256  # bits, of the balls


class RefusalError(Exception):
    """The first reason why a certificate proves nothing. `check` makes it its answer."""


# ----------------------------------------------------------------------------------- 1. reading


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a certificate says: well-formed, but not yet believed."""

    cvxnet: str
    units: dict[str, Any]
    norm: str
    loss: str
    sample_weights: list[float] | None
    weight_decay: float
    bias: bool
    X: list[list[float]]
    y: list[float]
    W: list[list[float]]
    b: list[float] | None
    a: list[float]
    c: float | None
    s: list[float] | None
    gate: list[int] | None
    v: list[float]
    evidence: dict[str, Any] | None
    lower: float
    upper: float


def read(source: Path | dict[str, Any], data: Any = None) -> Claims:
    """The claims of a certificate: a file, or the document in it. `check` explains ``data``."""
    doc = header_checked(source if isinstance(source, dict) else parse(read_text(source)))
    X, y = members(doc["data"], "X", "y") if data is None else supplied(data)
    n = length(X, "X")
    d = length(X[0], "X") if n else 0
    if n * d == 0:
        raise RefusalError("X is empty")
    claims = Claims(
        cvxnet=doc["cvxnet"],
        units=read_units(doc["units"], d + doc["bias"]),
        norm=doc["norm"],
        loss=doc["loss"],
        sample_weights=optional(doc["sample_weights"], "sample_weights", n),
        weight_decay=numbers(doc["weight_decay"], "weight_decay"),
        bias=doc["bias"],
        X=numbers(X, "X", n, d),
        y=numbers(y, "y", n),
        **read_network(doc["network"], d),
        v=numbers(doc["dual"], "dual", n),
        evidence=read_evidence(doc["evidence"], n),
        lower=numbers(doc["lower"], "lower"),
        upper=numbers(doc["upper"], "upper"),
    )
    if fingerprint(claims.X, claims.y) != doc["data_sha256"]:
        raise RefusalError("these are not the data that the certificate is about: SHA-256 differs")
    if LOSSES[claims.loss].labels and not set(claims.y) <= {-1.0, 1.0}:
        raise RefusalError(f"labels of the {claims.loss} loss must be -1 and +1")
    if claims.weight_decay <= 0.0 or min(claims.sample_weights or [1.0]) <= 0.0:
        raise RefusalError("weight_decay must be above 0, and so must all sample_weights")
    units_of(claims).check()
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


def header_checked(doc: dict[str, Any]) -> dict[str, Any]:
    """The document as version 2; format, version and names must be ones that are known here."""
    if doc.get("format") != FORMAT:
        raise RefusalError(f"not a certificate: its format is not {FORMAT!r}")
    if type(doc.get("version")) is not int or not 1 <= doc["version"] <= VERSION:
        raise RefusalError(f"this checker reads versions 1 to {VERSION} of the format only")
    if difference := sorted(map(repr, set(doc) ^ (ENTRIES if doc["version"] > 1 else ENTRIES_1))):
        raise RefusalError(f"missing or unknown entries: {', '.join(difference)[:200]}")
    if doc["version"] == 1:
        if doc["units"] != "relu" or doc["loss"] not in ("squared", "logistic"):
            raise RefusalError("version 1 has the units relu, the losses squared and logistic only")
        W, b, a = members(doc["network"], "W", "b", "a")
        doc = doc | {"network": {"W": W, "b": b, "a": a, "c": None, "s": None}, "norm": "l2"}
        doc |= {"units": {"name": "relu"}, "sample_weights": None, "evidence": None}
    if not isinstance(doc["loss"], str) or doc["loss"] not in LOSSES:
        raise RefusalError(f"the loss must be one of {', '.join(LOSSES)}")
    if doc["norm"] not in ("l2", "l1"):
        raise RefusalError("the norm must be l2 or l1")
    if not isinstance(doc["bias"], bool) or not isinstance(doc["cvxnet"], str):
        raise RefusalError("bias must be true or false, and cvxnet a version string")
    return doc


def read_units(value: Any, columns: int) -> dict[str, Any]:
    """Name and, if the family has one, parameter."""
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in UNITS:
        raise RefusalError(f"the name of the units must be one of {', '.join(UNITS)}")
    key, shape = UNITS[name].parameter, UNITS[name].shape
    members(value, "name", *([key] if key else []))
    if shape is None:
        shape = length(value[key], key), columns
    return {"name": name} | ({key: numbers(value[key], key, *shape)} if key else {})


def read_network(value: Any, d: int) -> dict[str, Any]:
    """The weights of the network; ``gate`` may be left out."""
    value = {"gate": None} | value if isinstance(value, dict) else value
    W, b, a, c, s, gate = members(value, "W", "b", "a", "c", "s", "gate")
    width = length(a, "a")
    if gate is not None and [type(g) for g in gate[: length(gate, "gate")]] != [int] * width:
        raise RefusalError("gate must be null, or a list with an integer for each unit")
    return {
        "W": numbers(W, "W", width, d),
        "b": optional(b, "b", width),
        "a": numbers(a, "a", width),
        "c": optional(c, "c"),
        "s": optional(s, "s", d),
        "gate": gate,
    }


def read_evidence(value: Any, n: int) -> dict[str, Any] | None:
    """What helps to prove v feasible: two trees of multipliers, see section 7."""
    if value is None:
        return None
    kind, *trees = members(value, "kind", "plus", "minus")
    if kind != "relaxation":
        raise RefusalError("this checker knows evidence of the kind relaxation only")
    plus, minus = (read_node(tree, n, []) for tree in trees)
    return {"kind": kind, "plus": plus, "minus": minus}


def read_node(value: Any, n: int, path: list[int]) -> dict[str, Any]:
    """A node of a tree: a split on a row, or a leaf."""
    if isinstance(value, dict) and "row" in value:
        row, *nodes = members(value, "row", "plus", "minus")
        if not is_index(row, n) or row in path or len(path) >= MAX_DEPTH:
            raise RefusalError("evidence: a split not on a row, twice on one, or too deep")
        plus, minus = (read_node(node, n, [*path, row]) for node in nodes)
        return {"row": row, "plus": plus, "minus": minus}
    tilt, lean, tau, mu = members(value, "tilt", "lean", "tau", "mu")
    for entry in lean[: length(lean, "lean")]:
        if length(entry, "lean") != 3 or not all(is_index(k, n) for k in entry[:2]):
            raise RefusalError("evidence: lean must be a list of [row, row, number]")
    return {
        "tilt": numbers(tilt, "tilt", n),
        "lean": [[i, k, numbers(a, "lean")] for i, k, a in lean],
        "tau": numbers(tau, "tau", n),
        "mu": numbers(mu, "mu"),
    }


def is_index(value: Any, n: int) -> bool:
    """Whether this is an index of one of n things."""
    return type(value) is int and 0 <= value < n


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


def optional(value: Any, what: str, *shape: int) -> Any:
    """Numbers, or None."""
    return None if value is None else numbers(value, what, *shape)


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


# ------------------------------------------------------------------------------------ 2. losses
#
# A loss l of a sample is a function h of q = y f where the target is a label y = -1 or +1, and of
# q = f - y otherwise. With h*(p) = sup_q p q - h(q), the conjugate l*(v) = sup_f v f - l(f) is
# h*(y v), and h*(v) + v y otherwise. Of a loss with the weight w it is w l*(v / w).


class Loss(NamedTuple):
    """``conjugate(p)`` is h*(-p) for 0 <= p <= end where there are labels, else h*(p), |p| <= end.

    Functions of exact numbers or balls; an end of None is none.
    """

    labels: bool
    value: Callable[[Number], Number]
    conjugate: Callable[[fmpq], Number]
    end: int | None

    def room(self, v: fmpq, y: fmpq, w: fmpq) -> fmpq:
        """How far v is inside the domain of the conjugate, at most 1; negative outside."""
        p = -y * v if self.labels else abs(v)
        above = fmpq(1) if self.end is None else w * self.end - p
        return min(fmpq(1), above, p if self.labels else fmpq(1))


def positive(x: Number) -> Number:
    """``max(x, 0)``."""
    return (x + abs(x)) / 2


def square(x: Number) -> Number:
    """``x^2``; the power of a ball around 0 would be everything."""
    return x * x


def softplus(z: Number) -> arb:
    """``log(1 + exp(z))``, enclosed; written so that no exponential overflows."""
    return arb(positive(z)) + (-abs(arb(z))).exp().log1p()


def entropy(p: fmpq) -> arb:
    """``-p log p``, enclosed."""
    return -arb(p) * arb(p).log() if p else arb(0)


def huber(q: Number) -> Number:
    """``q^2 / 2`` where ``|q| <= 1``, ``|q| - 1/2`` beyond."""
    return (square(q) - square(positive(abs(q) - 1))) / 2


LOSSES = {
    "squared": Loss(False, lambda q: square(q) / 2, lambda p: square(p) / 2, None),
    "absolute": Loss(False, abs, lambda p: fmpq(0), 1),
    "huber": Loss(False, huber, lambda p: square(p) / 2, 1),
    "logistic": Loss(True, lambda q: softplus(-q), lambda p: -entropy(p) - entropy(1 - p), 1),
    "hinge": Loss(True, lambda q: positive(1 - q), lambda p: -p, 1),
    "squared_hinge": Loss(True, lambda q: square(positive(1 - q)), lambda p: p * p / 4 - p, None),
}


# ------------------------------------------------------------------- 3. the ends of the bracket
#
# Upper: the objective of a network bounds the optimum from above, as it is one of its values.
# Lower: l(f) >= v.f - l*(v) for all predictions f. A unit u with the output weight a adds
# a phi_u(x_i) to f_i, so v.f >= -sum_j |a_j| |g(u_j)|, g(u) = sum_i v_i phi_u(x_i), and that is at
# least minus the penalty if rho(v) = max |g| <= beta over the units of a family (section 4). An
# output bias c adds c to all f_i, a skip connection s adds s . x_i: they are free, so v must not
# see them, sum_i v_i = 0 and sum_i v_i x_i = 0. Together: objective >= -l*(v), whatever the
# network and its width.
#
# Doubles cannot satisfy those equations exactly. With F the matrix of the free columns and a
# diagonal D, v' = v - D F z, F^T D F z = F^T v, does. With D the room that v has in the domain of
# l*, v' stays inside as long as |F z| <= 1, whatever z; all is proved for v' in place of v.


def bracket(claims: Claims) -> tuple[float, float]:
    """Both ends, rounded outward; the lower one counts only if ``rho(v) <= beta``."""
    n, d, width = len(claims.X), len(claims.X[0]), len(claims.a)
    width += len(claims.units.get("gates", ()))
    if n * (d + 1) * width > MAX_PRODUCTS or n * width > MAX_FEATURES:
        raise RefusalError(f"too large: {n} samples, {d} features, {width} units and gates")
    with ctx.workprec(PRECISION):
        lower = outward(dual_value(claims, dual_vector(claims)), -math.inf)
        return lower, outward(objective(claims), math.inf)


def objective(claims: Claims) -> Number:
    """The network's training objective."""
    loss, units = LOSSES[claims.loss], units_of(claims)
    penalty = sum(map(units.price, range(len(claims.a))), fmpq(0))
    total: Number = rational(claims.weight_decay) * penalty
    for f, y, w in samples(claims, predictions(claims, units)):
        total += w * loss.value(y * f if loss.labels else f - y)
    return total


def predictions(claims: Claims, units: Units) -> list[Number]:
    """``f(x_i) = sum_j a_j phi_j(x_i) + c + s . x_i``."""
    X, x_scale = integers([*row, 1.0] for row in claims.X)
    W, w_scale = integers(hidden_weights(claims))
    (line,), scale = integers([[*(claims.s or [0.0] * len(claims.X[0])), claims.c or 0.0]])
    a = list(map(rational, claims.a))
    f: list[Number] = []
    for i, (x, row) in enumerate(zip(X, products(W, X), strict=True)):
        total: Number = fmpq(inner(line, x), x_scale * scale)
        for j, z in enumerate(row):
            total += a[j] * units.feature(fmpq(z, x_scale * w_scale), i, j)
        f.append(total)
    return f


def hidden_weights(claims: Claims) -> list[list[float]]:
    """The vectors u_j = (W_j, b_j) of the units; b_j = 0 without bias."""
    return [[*u, b] for u, b in zip(claims.W, claims.b or [0.0] * len(claims.a), strict=True)]


def dual_vector(claims: Claims) -> list[fmpq]:
    """v', which is v where nothing is free."""
    v = list(map(rational, claims.v))
    rows = [[1.0] * (claims.c is not None) + row * (claims.s is not None) for row in claims.X]
    if not rows[0]:
        return v
    rooms = [max(fmpq(0), LOSSES[claims.loss].room(*sample)) for sample in samples(claims, v)]
    scale = max(int(room.q) for room in rooms)  # all are powers of two
    F, D = integers(rows)[0], [int(room * scale) for room in rooms]
    if len(F[0]) * (2 * bits(F) + bits([D])) > MAX_BITS:
        raise RefusalError("too large: the free part has too many columns or digits")
    DF = [[room * x for x in row] for room, row in zip(D, F, strict=True)]
    seen = fmpz_mat(F).transpose() * fmpq_mat(len(v), 1, v)
    G = fmpz_mat(F).transpose() * fmpz_mat(DF)
    echelon, _, rank = G.rref()
    J = [next(j for j, x in enumerate(row) if x) for row in echelon.table()[:rank]]
    if J:
        z = fmpq_mat([[G[i, j] for j in J] for i in J]).solve(fmpq_mat([[seen[j, 0]] for j in J]))
        moves: Any = fmpq_mat([[row[j] for j in J] for row in DF]) * z
        v = [x - move for x, move in zip(v, moves.entries(), strict=True)]
    if any((fmpz_mat(F).transpose() * fmpq_mat(len(v), 1, v)).entries()):
        raise RefusalError("the dual vector sees the free part, and there is no room to move it")
    return v


def dual_value(claims: Claims, v: Sequence[fmpq]) -> Number:
    """``-l*(v)``."""
    loss = LOSSES[claims.loss]
    total: Number = fmpq(0)
    for v_i, y, w in samples(claims, v):
        if loss.room(v_i, y, w) < 0:
            domain = f"-y_i v_i / w_i is outside [0, {loss.end or 'inf'}]"
            shown = domain if loss.labels else "|v_i| / w_i > 1"
            raise RefusalError(f"the dual vector proves nothing: some {shown}")
        total -= w * loss.conjugate((-y * v_i if loss.labels else v_i) / w)
        total -= 0 if loss.labels else v_i * y
    return total


def samples(claims: Claims, values: Iterable[Any]) -> Iterator[tuple[Any, fmpq, fmpq]]:
    """A value, the target and the weight of each sample."""
    weights = claims.sample_weights or [1.0] * len(claims.y)
    for value, y, w in zip(values, claims.y, weights, strict=True):
        yield value, rational(y), rational(w)


def rational(x: float) -> fmpq:
    """The exact value of a double."""
    return fmpq(*x.as_integer_ratio())


def fraction(x: Number) -> Fraction:
    """The value of an exact number, or of a ball of radius 0."""
    if isinstance(x, fmpq):
        return Fraction(int(x.p), int(x.q))
    mantissa, exponent = x.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)


def ball(q: Fraction) -> arb:
    """An enclosure of a rational number."""
    return arb(fmpq(q.numerator, q.denominator))


def integers(rows: Iterable[Iterable[float]]) -> tuple[Matrix, int]:
    """Rows of integers k and a power of two s with ``rows = k / s`` exactly.

    >>> integers([[0.75], [2.0]])
    ([[3], [8]], 4)
    """
    ratios = [[x.as_integer_ratio() for x in row] for row in rows]
    scale = max((q for row in ratios for _, q in row), default=1)
    return [[p * (scale // q) for p, q in row] for row in ratios], scale


def bits(rows: Iterable[Iterable[int]]) -> int:
    """The number of digits of the largest integer."""
    return max((x.bit_length() for row in rows for x in row), default=0)


def inner(x: Iterable[int], y: Iterable[int]) -> int:
    """``x . y``."""
    return sum(map(mul, x, y))


def products(rows: Matrix, points: Matrix) -> Iterator[list[fmpz]]:
    """For each point x, ``row . x`` for all rows, one point at a time to save memory."""
    matrix = fmpz_mat(len(rows), len(points[0]), [y for row in rows for y in row])
    for x in points:
        yield (matrix * fmpz_mat(len(x), 1, x)).entries()


def outward(value: Number, direction: float) -> float:
    """The nearest double on that side of a number, or of the ball's end on that side.

    >>> outward(fmpq(1, 10), math.inf), outward(fmpq(1, 10), -math.inf)
    (0.1, 0.09999999999999999)
    """
    if isinstance(value, arb):
        if not value.is_finite():
            raise RefusalError("the bracket has an end that cannot be computed")
        value = value.upper() if direction > 0 else value.lower()
    try:
        q = fraction(value)
        x = float(q)
        inside = x < q if direction > 0 else x > q
        x = math.nextafter(x, direction) if inside else x
        return float(Fraction(x))  # raises OverflowError for an infinite x
    except OverflowError:
        raise RefusalError("the bracket has an end that is too large for a double") from None


# ------------------------------------------------------------------------------ 4. unit families
#
# To prove: |g(u)| <= beta for all units u of the family, where g(u) = sum_i v_i phi_u(x_i).
#
# Penalties. Where phi is positively homogeneous, a unit with weights u counts |u| times (|u|^2
# times, if of degree two) the unit u / |u|, and (|u|^2 + a^2) / 2 >= |a| |u|. So in each family
# the penalty of a network is at least beta times the sum of the |a| that it has over units.


class Clock:
    """A time limit in seconds, from now."""

    def __init__(self, limit: float) -> None:
        self.limit, self.start = limit, time.monotonic()

    def check(self) -> None:
        """Refuse to go on after the limit."""
        if time.monotonic() - self.start > self.limit:
            raise RefusalError(f"unfinished after the time limit of {self.limit:g} s: allow more")


class Dual(NamedTuple):
    """What is to be proved, in integers: rows x_i (with the 1) times x_scale, v' times v_scale."""

    X: Matrix
    x_scale: int
    v: list[int]
    v_scale: int
    beta: Fraction

    def scaled(self, degree: int) -> tuple[Matrix, list[int], int]:
        """Rows with a v_i other than 0, these v_i, and what bounds g if z counts as z^degree.

        All are integers, and beta is large, so that squares rounded to integers are still precise.
        """
        beta = self.beta * self.x_scale**degree * self.v_scale
        spare = beta.denominator << max(0, 128 - beta.numerator.bit_length())
        rows = [x for x, weight in zip(self.X, self.v, strict=True) if weight]
        return rows, [weight * spare for weight in self.v if weight], int(beta * spare)


def feasibility(claims: Claims) -> Dual:
    """The problem for v'."""
    X, x_scale = integers([*row, 1.0][: len(row) + claims.bias] for row in claims.X)
    v = dual_vector(claims)
    v_scale = math.lcm(*(int(x.q) for x in v))
    return Dual(X, x_scale, [int(x * v_scale) for x in v], v_scale, Fraction(claims.weight_decay))


class Units:
    """A unit family phi_u(x) = phi(x . u), u in the unit ball: what all have in common.

    ``parameter``: the entry beside the name, if any; its ``shape``: () is a number, None are rows.
    ``penalty`` of a unit, without beta: "balanced" (|u|^2 + a^2) / 2, "square" |a| |u|^2, or |a|.
    """

    parameter = ""
    shape: tuple[int, ...] | None = ()
    penalty = "amplitude"
    norms: tuple[str, ...] = ("l2",)
    relaxed = False  # whether there may be evidence

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    def check(self) -> None:
        """Refuse what does not fit the family."""
        if self.claims.norm not in self.norms:
            raise RefusalError(f"there are no such units with the norm {self.claims.norm}")
        if self.claims.evidence and (self.claims.norm == "l1" or not self.relaxed):
            raise RefusalError("there is no evidence for such units")
        if (self.claims.gate is None) == (self.parameter == "gates"):
            raise RefusalError("each unit of the family gated_relu has a gate, and no other unit")
        if (self.claims.b is not None) != self.claims.bias:
            raise RefusalError("b must be null without bias, and a list with bias")

    @cached_property
    def squares(self) -> list[fmpq]:
        """``|u_j|^2`` in the norm of the family."""
        hidden = [list(map(rational, u)) for u in hidden_weights(self.claims)]
        if self.claims.norm == "l1":
            return [sum(map(abs, u), fmpq(0)) ** 2 for u in hidden]
        return [sum((x * x for x in u), fmpq(0)) for u in hidden]

    def price(self, j: int) -> fmpq:
        """The penalty of unit j, without beta."""
        a = abs(rational(self.claims.a[j]))
        if self.penalty == "balanced":
            return (self.squares[j] + a * a) / 2
        return a * self.squares[j] if self.penalty == "square" else a

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        """``phi_j(x_i)``, where ``u_j . x_i = z``."""
        raise NotImplementedError

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        """0 if ``rho(v) <= beta``; otherwise ``rho(v) / beta - 1``, a little more, or any less."""
        raise NotImplementedError


class Bent(Units):
    """``right * z`` where z > 0, ``left * z`` where z < 0."""

    penalty, norms, relaxed = "balanced", ("l2", "l1"), True
    left, right = fmpq(0), fmpq(1)

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * (self.right if z > 0 else self.left)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        if self.claims.evidence:
            return relaxed_excess(dual, self.left, self.right, self.claims.evidence, clock)
        return bent_excess(dual, self.left, self.right, self.claims.norm, clock)


class ReLU(Bent):
    """``max(z, 0)``."""


class LeakyReLU(Bent):
    """``max(z, 0) + slope min(z, 0)``."""

    parameter = "slope"

    def __init__(self, claims: Claims) -> None:
        super().__init__(claims)
        self.left = rational(claims.units["slope"])


class Abs(Bent):
    """``|z|``."""

    left = fmpq(-1)


class Linear(Bent):
    """``z``."""

    left, relaxed = fmpq(1), False

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return linear_excess(dual, range(len(dual.v)), self.claims.norm)


class GatedReLU(Units):
    """``z`` where the gate of the unit is open, ``x . gate >= 0``; otherwise 0."""

    parameter, shape, penalty = "gates", None, "balanced"

    def check(self) -> None:
        super().check()
        if not all(is_index(g, len(self.claims.units["gates"])) for g in self.claims.gate or ()):
            raise RefusalError("gate holds a number that is no index of a gate")

    @cached_property
    def open(self) -> list[list[bool]]:
        """For each gate and sample, whether it is open."""
        X, _ = integers([*row, 1.0][: len(row) + self.claims.bias] for row in self.claims.X)
        gates, _ = integers(self.claims.units["gates"])
        return [[z >= 0 for z in row] for row in products(X, gates)] if gates else []

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * self.open[(self.claims.gate or [])[j]][i]

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        patterns = [[i for i, passes in enumerate(gate) if passes] for gate in self.open]
        return max((linear_excess(dual, rows, "l2") for rows in patterns), default=Fraction(0))


class Coordinate(Units):
    """One coordinate of x, or minus that."""

    def check(self) -> None:
        super().check()
        if self.claims.bias:
            raise RefusalError("coordinate units have no bias")
        for row in self.claims.W:
            if sorted(map(abs, row)) != [0.0] * (len(row) - 1) + [1.0]:
                raise RefusalError("W of coordinate units must have one entry +-1 a row, else 0")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return linear_excess(dual, range(len(dual.v)), "l1")


class Sign(Units):
    """-1, 0 or 1, the sign of z."""

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return fmpq((z > 0) - (z < 0))

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return step_excess(dual, lambda k: Effect(-1, 1) if k > 0 else Effect(1, -1), 0, clock)


class Threshold(Units):
    """1 where z >= 0, otherwise 0."""

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return fmpq(z >= 0)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return step_excess(dual, lambda k: Effect(k < 0, k > 0, 1), 1, clock)


class Quadratic(Units):
    """``z^2``."""

    penalty = "square"

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return quadratic_excess(dual)


class SquaredReLU(Units):
    """``max(z, 0)^2``."""

    penalty = "square"

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z if z > 0 else fmpq(0)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return curved_excess(dual, clock)


class Polynomial(Units):
    """``a z^2 + b z + c`` of ``z = x . u / |u|``."""

    parameter, shape = "coefficients", (3,)

    def check(self) -> None:
        super().check()
        if not all(self.squares):
            raise RefusalError("a unit of the family polynomial must not have all weights 0")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        a, b, c = map(rational, self.claims.units["coefficients"])
        return a * z * z / self.squares[j] + b * z * arb(self.squares[j]).rsqrt() + c

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        coefficients = list(map(rational, self.claims.units["coefficients"]))
        return polynomial_excess(dual, coefficients, clock)


class Tanh(Units):
    """``tanh(z)``, u in a ball of the given radius."""

    parameter = "radius"

    def check(self) -> None:
        super().check()
        radius = rational(self.claims.units["radius"])
        if radius <= 0 or any(square > radius * radius for square in self.squares):
            raise RefusalError("the radius must be above 0, and no tanh unit may be longer")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return arb(z).tanh()

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return tanh_excess(dual, Fraction(self.claims.units["radius"]), clock)


UNITS: dict[str, type[Units]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "abs": Abs,
    "linear": Linear,
    "gated_relu": GatedReLU,
    "coordinate": Coordinate,
    "sign": Sign,
    "threshold": Threshold,
    "quadratic": Quadratic,
    "squared_relu": SquaredReLU,
    "polynomial": Polynomial,
    "tanh": Tanh,
}


def units_of(claims: Claims) -> Units:
    """The unit family of a certificate."""
    return UNITS[claims.units["name"]](claims)


def linear_excess(dual: Dual, rows: Iterable[int], norm: str) -> Fraction:
    """For units z that see only some rows: rho is the dual norm of the sum of v_i x_i over them."""
    c = [0] * len(dual.X[0])
    for i in rows:
        c = [total + dual.v[i] * x for total, x in zip(c, dual.X[i], strict=True)]
    square = max(x * x for x in c) if norm == "l1" else inner(c, c)
    ratio = Fraction(square, (dual.x_scale * dual.v_scale) ** 2) / dual.beta**2
    return root(ratio) - 1 if ratio > 1 else Fraction(0)


def root(square: Fraction) -> Fraction:
    """A little more than the square root."""
    return Fraction(math.isqrt(math.ceil(square * 4**128)) + 1, 2**128)


# --------------------------------------------------------------------------- 5. proofs by sweeps
#
# Coordinates. Only rows with v_j != 0 matter. Let J be r independent columns of them and M the
# r x d matrix with x_j = M^T z_j, z_j = (x_j)_J. Then x_j . u = z_j . w with w = M u, and among
# the u with M u = w the shortest has |u|^2 = w^T H^{-1} w, H = M M^T. So the ball becomes
# w^T H^{-1} w <= 1 in R^r, and max c . w over it is sqrt(c^T H c) =: |c|, attained along w = H c.
# H is multiplied by a common denominator, as all is in integers; in sweeps z has three
# coordinates, padded with zeros.
#
# More than rank r. With the r columns and rows of the largest pivots, x_j = M^T z_j + d_j, and d_j
# changes g by little, say slack in all. So |g| <= beta - slack is proved for the rows M^T z_j. This
# is for data whose rank is low but for rounding, where slack is tiny.
#
# Lines. Rows that are multiples of each other change sign together. Each such class has a
# primitive integer vector e. Where e . w > 0 it adds on * (e . w) to g, off * (e . w) where
# e . w < 0 (bent units), or it adds on, off, and at where e . w = 0 (steps). Different classes are
# not parallel, so duplicate and opposite rows are gone.
#
# Circles. The planes e . w = 0 cut R^3 into faces: cells, arcs (of the great circle of a plane),
# vertices and the origin. If r = 3, the vectors e span R^3, so every cell is a pointed cone and
# has a facet; a facet is an arc. Running along every circle and looking at each arc, at the vertex
# where it starts and at the two cells beside it therefore visits all faces. If r < 3, the circle
# of an added pole (0, 0, 1) is the whole sphere of R^2 (if r = 1: two arcs, each half a circle).
# Along a circle the sum of what the other lines add is kept, the gradient c of bent units or the
# value of steps, by adding the jump at each crossing. It suffices to go half round: opposite the
# arc with the sum c lies one with T - c, T the sum over lines of what both of their sides add.
#
# Ties. Lines that cross at the same place are passed one by one, in any order. The arcs of length
# zero between them, and the cells beside those, are faces that do not exist. With bent units this
# does no harm: a point that satisfies all their (closed) sign conditions has the value of |g| that
# is found. With steps they are left out. With bent units it does not matter either that
# neighbouring faces share their boundaries.

Vector = tuple[int, int, int]
Metric = tuple[Vector, Vector, Vector]
IDENTITY: Metric = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


class Effect(NamedTuple):
    """What rows add where e . w < 0, > 0, = 0: times e . w with bent units, plainly with steps."""

    off: int
    on: int
    at: int = 0


class Line(NamedTuple):
    """The plane e . w = 0, seen from one side; He = H e.

    To the sum that a sweep keeps it adds ``back`` behind, ``back + jump`` in front.
    """

    e: Vector
    He: Vector
    back: Vector
    jump: Vector
    effect: Effect

    def turned(self) -> Line:
        """The same plane, seen from its other side; the effect stays as it is."""
        e, He, jump = times(-1, self.e), times(-1, self.He), times(-1, self.jump)
        return Line(e, He, plus(self.back, self.jump), jump, self.effect)


Event = tuple[float, int, int, Line]  # a crossing: rounded cotangent, direction, line
Effects = Callable[[int], Effect]  # of the row ``k * e``, for k other than 0


class Sweep:
    """Visits faces; ``limit`` ends as the largest size of g, or as it was if none is above it.

    The size is what a subclass compares: |g| or its square, in integers.
    """

    def __init__(self, lines: list[Line], limit: int) -> None:
        self.lines, self.limit = lines, limit

    def run(self, rank: int, clock: Clock) -> None:
        """All circles."""
        pole = make_line((0, 0, 1), IDENTITY, Effect(0, 0), True)
        for line in self.lines if rank == 3 else [pole] if self.lines else []:
            self.circle(line, crossings(line.e, [x for x in self.lines if x is not line]))
            clock.check()

    def circle(self, line: Line, order: list[Line]) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        raise NotImplementedError

    def reach(self, size: int, scale: int) -> None:
        """Somewhere the size of g is ``size / scale``."""
        if size > self.limit * scale:
            self.limit = -(-size // scale)


class BallSweep(Sweep):
    """Bent units, Euclidean norm; the size is g^2 on the sphere w^T H^{-1} w = 1.

    On a closed face g is linear, g = c . w, with the gradient c of any cell that touches it. Let w
    maximise |g| on the sphere, g(w) != 0, and let F be the face with w in its relative interior.
    Then w maximises +-c . w on a neighbourhood in the sphere of span F, hence (a linear function
    has no other local maximum of positive value there) on all of it: it is the multiple of the
    projection of +-H c on span F. So |g| <= beta everywhere if for every F and both signs this
    maximum is at most beta, or is attained outside the closure of F. With L = beta^2:

      (a) vertex w            (c . w)^2 <= L w^T H^{-1} w
      (b) arc on the plane e  |c|^2 - (e.Hc)^2 / |e|^2 <= L,
                              or neither of +-H(c - (e.Hc) / |e|^2 e) is between the arc's ends
      (c) cell                |c|^2 <= L, or some line has H c on the wrong side, and one has -H c

    If r < 3, every c lies in the plane of the pole, e.Hc = 0, and (a) and (b) say all. With
    E = |e|^2, s = e . Hc, flat = E |c|^2 - s^2, (b) reads flat <= L E, which implies (a) at the
    ends of the arc; the cells beside it have gradients c + k e, k = on or off, so that (c) reads
    flat + (s + k E)^2 <= L E. These numbers alone settle most arcs. A maximum with s + k E = 0 is
    on the circle, so (b) saw it.
    """

    def __init__(self, lines: list[Line], limit: int, H: Metric) -> None:
        super().__init__(lines, limit)
        self.H = H
        self.adjugate = cross(H[1], H[2]), cross(H[2], H[0]), cross(H[0], H[1])
        self.determinant = dot(H[0], self.adjugate[0])

    def circle(self, line: Line, order: list[Line]) -> None:
        E, (off, on, _) = dot(line.e, line.He), line.effect
        for end, c, opposite in sums(order):
            for gradient, turn in ((c, 1), (opposite, -1)):
                s = dot(line.He, gradient)
                flat = E * form(self.H, gradient) - s * s
                tilt = max(abs(s + on * E), abs(s + off * E))
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
        for k, side in ((arc.line.effect.on, 1), (arc.line.effect.off, -1)):
            t = s + k * E  # the sign of +-H(c + k e) that is on the cell's side of the circle
            square = flat + t * t
            if t and square > self.limit * E and arc.cell_holds(plus(c, times(k, e)), t * side):
                self.reach(square, E)


class OctahedronSweep(Sweep):
    """Bent units, norm l1, at most three columns, whose planes are among the lines.

    Then g is linear on each face, and so is |w|_1: |g| / |w|_1, the size, is largest at a vertex.
    """

    def circle(self, line: Line, order: list[Line]) -> None:
        for end, c, opposite in sums(order):
            w = cross(line.e, order[end - 1].e)
            self.reach(max(abs(dot(c, w)), abs(dot(opposite, w))), sum(map(abs, w)))


class StepSweep(Sweep):
    """Steps: g has one value on each open face; ``base`` is what rows that are zero add to all."""

    def __init__(self, lines: list[Line], limit: int, base: int) -> None:
        super().__init__(lines, limit)
        self.base = base
        self.reach(abs(base + sum(line.effect.at for line in lines)), 1)  # the origin

    def circle(self, line: Line, order: list[Line]) -> None:
        start: list[Line] = []  # those that cross where the arc starts
        for end, c, opposite in sums(order):
            start.append(order[end - 1])
            if end < len(order) and not dot(cross(line.e, start[0].e), order[end].e):
                continue  # an arc of length zero
            at = self.base + sum(other.effect.at for other in start)
            off = sum(other.back[0] for other in start)
            on = off + sum(other.jump[0] for other in start)
            values = [c[0] - on + at + line.effect.at, opposite[0] - off + at + line.effect.at]
            for arc in (self.base + c[0], self.base + opposite[0]):
                values += [arc + beside for beside in line.effect]
            self.reach(max(map(abs, values)), 1)
            start = []


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


def sums(order: list[Line]) -> Iterator[tuple[int, Vector, Vector]]:
    """For each arc, the number of lines crossed before, and the sums on it and opposite."""
    c = both = (0, 0, 0)
    for line in order:  # before the first crossing all lines show their back
        c = plus(c, line.back)
        both = plus(both, plus(line.jump, times(2, line.back)))
    for end, line in enumerate(order, 1):
        c = plus(c, line.jump)
        yield end, c, plus(both, times(-1, c))


def crossings(e: Vector, others: Iterable[Line]) -> list[Line]:
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


def bent_excess(dual: Dual, left: fmpq, right: fmpq, norm: str, clock: Clock) -> Fraction:
    """`Units.excess` of units ``right * z`` where z > 0, ``left * z`` where z < 0."""
    rows, weights, beta = dual.scaled(1)
    scale = math.lcm(int(left.q), int(right.q))
    slopes, beta = (int(left * scale), int(right * scale)), beta * scale

    def effects(k: int) -> Effect:
        return Effect(k * slopes[k < 0], k * slopes[k > 0])

    if norm == "l1":
        used = [j for j in range(len(dual.X[0])) if any(row[j] for row in rows)]
        if len(used) > 3:
            raise RefusalError("with the norm l1, more than 3 columns of X that are not 0")
        points = [[row[j] for j in used] for row in rows]
        octahedron = OctahedronSweep(
            gather(points, weights, effects, IDENTITY, True, IDENTITY), beta
        )
        octahedron.run(3, clock)
        return Fraction(octahedron.limit, beta) - 1
    steepest = max(map(abs, slopes))
    points, H, H_scale, slack = few_coordinates(rows, weights, beta, lambda _, d: steepest * d)
    limit = math.floor((beta - slack) ** 2 * H_scale)
    if len(H) > 3:
        return BentSearch(H, limit).excess(points, weights, slopes, clock)
    ball = BallSweep(gather(points, weights, effects, padded(H), True), limit, padded(H))
    ball.run(len(H), clock)
    rho = root(Fraction(ball.limit, H_scale)) + slack
    return rho / beta - 1 if ball.limit > limit else Fraction(0)


def step_excess(dual: Dual, effects: Effects, at: int, clock: Clock) -> Fraction:
    """`Units.excess` of units with one value where z < 0, one where z > 0, ``at`` where z = 0."""
    rows, weights, beta = dual.scaled(0)
    points, H, _, rests = coordinates(rows, 3)
    if any(rests):
        raise RefusalError("the rank of the rows of X that v is not 0 on is above 3")
    base = at * sum(weight for z, weight in zip(points, weights, strict=True) if not any(z))
    steps = StepSweep(gather(points, weights, effects, padded(H), False), beta, base)
    steps.run(len(H), clock)
    return Fraction(steps.limit, beta) - 1


def few_coordinates(
    rows: Matrix, weights: list[int], beta: int, change: Callable[[int, Fraction], Fraction]
) -> tuple[Matrix, Matrix, int, Fraction]:
    """`coordinates` with as low a rank as rounding allows, and the slack.

    Leaving out d_j changes phi by at most ``change(|x_j|, |d_j|)``.
    """
    sizes = [sum(map(abs, row)) for row in rows]
    for most in (3, MAX_RANK):
        points, H, scale, rests = coordinates(rows, most)
        slack = sum(map(mul, map(abs, weights), map(change, sizes, rests)), Fraction(0))
        if slack * 10**6 <= beta:
            return points, H, scale, slack
    raise RefusalError(f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}")


def coordinates(rows: Matrix, most: int) -> tuple[Matrix, Matrix, int, list[Fraction]]:
    """The z_j, ``H = M M^T`` times a common denominator, that denominator, the |d_j|_1."""
    rests = [[fmpq(x) for x in row] for row in rows]
    M: list[list[fmpq]] = []  # in reduced echelon form: the identity in the columns J
    J: list[int] = []
    while len(J) < most and (largest := max((max(map(abs, rest)) for rest in rests), default=0)):
        base, k = next((rest, k) for rest in rests for k, x in enumerate(rest) if abs(x) == largest)
        base = [x / base[k] for x in base]
        M, rests = [*reduced(M, base, k), base], reduced(rests, base, k)
        J.append(k)
    H = [[sum(map(mul, x, y), fmpq(0)) for y in M] for x in M]
    scale = math.lcm(*(int(x.q) for row in H for x in row))
    sizes = [fraction(sum(map(abs, rest), fmpq(0))) for rest in rests]
    points = [[row[j] for j in J] for row in rows]
    return points, [[int(x * scale) for x in row] for row in H], scale, sizes


def reduced(rows: list[list[fmpq]], base: list[fmpq], k: int) -> list[list[fmpq]]:
    """The rows minus multiples of ``base``, so that column k becomes zero."""
    return [[x - row[k] * z for x, z in zip(row, base, strict=True)] for row in rows]


def padded(H: Matrix) -> Metric:
    """The metric in three coordinates."""
    first, second, third = (*map(vector, H), *IDENTITY[len(H) :])
    return first, second, third


def gather(
    rows: Matrix, weights: list[int], effects: Effects, H: Metric, bent: bool,
    more: Iterable[Vector] = (),
) -> list[Line]:  # fmt: skip
    """One line for each class of parallel rows that are not zero, and for the vectors ``more``."""
    totals = {e: Effect(0, 0) for e in more}
    for row, weight in zip(rows, weights, strict=True):
        z = vector(row)
        if divisor := math.gcd(*z) * (1 if z > (0, 0, 0) else -1):
            e = z[0] // divisor, z[1] // divisor, z[2] // divisor
            old, new = totals.get(e, Effect(0, 0)), effects(divisor)
            totals[e] = Effect(*(x + weight * y for x, y in zip(old, new, strict=True)))
    return [make_line(e, H, effect, bent) for e, effect in totals.items()]


def make_line(e: Vector, H: Metric, effect: Effect, bent: bool) -> Line:
    """A line; the sum that it adds to is a gradient with bent units, and a number with steps."""
    unit = e if bent else (1, 0, 0)
    back, jump = times(effect.off, unit), times(effect.on - effect.off, unit)
    return Line(e, (dot(H[0], e), dot(H[1], e), dot(H[2], e)), back, jump, effect)


# ----------------------------------------------- 6. proofs by positive semidefinite matrices
#
# Quadratic units: g(u) = u^T (sum_i v_i x_i x_i^T) u, so |g| <= beta on the unit ball if and only
# if beta I +- sum_i v_i x_i x_i^T are positive semidefinite.
#
# Polynomial units: on the sphere g(u) = u^T Q u + q . u + r, Q = a sum_i v_i x_i x_i^T, q = b
# sum_i v_i x_i, r = c sum_i v_i. If for some mu
#
#     ( mu I - Q    -q / 2        )
#     ( -q^T / 2    beta - r - mu )
#
# is positive semidefinite, then applied to (u, 1) with |u| = 1 it says g(u) <= beta. Such a mu
# exists if g <= beta (S-lemma). Elimination leaves a last pivot that is a concave function of mu; a
# search for its largest value ends where it is positive.


def semidefinite(M: Matrix) -> bool:
    """Whether a symmetric matrix is positive semidefinite.

    Where balls cannot tell, exactly: its eigenvalues are real, and none is negative if and only if
    the signs of the characteristic polynomial alternate (then it has no negative root).
    """
    size = len(M)
    if size * bits(M) > MAX_BITS:
        raise RefusalError(f"too large: a symmetric matrix of order {size} with {bits(M)} bits")
    with ctx.workprec(PRECISION):
        pivot = last_pivot([[arb(x) for x in row] for row in M])
    if pivot is not None and pivot > 0:
        return True
    coefficients = fmpz_mat(M).charpoly().coeffs()
    return all(x * (-1) ** (size - k) >= 0 for k, x in enumerate(coefficients))


def last_pivot(M: list[list[arb]]) -> arb | None:
    """The last pivot of a symmetric matrix (changed in place) if all before it are positive."""
    for k in range(len(M) - 1):
        if not M[k][k] > 0:
            return None
        for i in range(k + 1, len(M)):
            factor = M[i][k] / M[k][k]
            for j in range(k + 1, i + 1):
                M[i][j] -= factor * M[j][k]
    return M[-1][-1]


def outer_sum(rows: Matrix, weights: list[int]) -> Matrix:
    """The sum of ``weight * x x^T``."""
    check_order(len(rows[0]))
    weighted = [[w * x for x in row] for row, w in zip(rows, weights, strict=True)]
    product = fmpz_mat(rows).transpose() * fmpz_mat(weighted)
    return [[int(x) for x in row] for row in product.table()]


def check_order(size: int) -> None:
    """Refuse matrices that would take too long."""
    if size > MAX_ORDER:
        raise RefusalError(f"too large: {size} columns")


def quadratic_excess(dual: Dual) -> Fraction:
    """`Units.excess` of units z^2; refuses where it is not 0."""
    rows, weights, beta = dual.scaled(2)
    for sign in (1, -1) if rows else ():
        M = outer_sum(rows, [sign * weight for weight in weights])
        for k in range(len(M)):
            M[k][k] += beta
        if not semidefinite(M):
            raise RefusalError("dual infeasible: |sum_i v_i z_i^2| is above weight_decay somewhere")
    return Fraction(0)


def polynomial_excess(dual: Dual, coefficients: list[fmpq], clock: Clock) -> Fraction:
    """`Units.excess` of units ``a z^2 + b z + c`` on the sphere; refuses where it finds no mu."""
    a, b, c = (x / dual.v_scale for x in coefficients)
    Q = [[a * x / dual.x_scale**2 for x in row] for row in outer_sum(dual.X, dual.v)]
    q = [b * inner(dual.v, column) / dual.x_scale for column in zip(*dual.X, strict=True)]
    beta, r = rational(float(dual.beta)), c * sum(dual.v)
    for sign in (1, -1):

        def pivot(mu: fmpq, sign: int = sign) -> arb | None:
            M = [[arb(-sign * x) for x in row] for row in Q]
            for k, row in enumerate(M):
                row[k] += mu
            clock.check()
            return last_pivot([*M, [arb(-sign * x / 2) for x in q] + [arb(beta - sign * r - mu)]])

        with ctx.workprec(PRECISION):
            low = max(sign * Q[k][k] for k in range(len(q)))
            if not finds_positive(pivot, low, beta - sign * r):
                raise RefusalError("not proved feasible: no multiplier of the sphere was found")
    return Fraction(0)


def finds_positive(function: Callable[[fmpq], arb | None], low: fmpq, high: fmpq) -> bool:
    """Whether a concave function is found to be positive somewhere; None is minus infinity."""
    for _ in range(PRECISION // 2 if low < high else 0):
        first, second = (5 * low + 3 * high) / 8, (3 * low + 5 * high) / 8
        values = function(first), function(second)
        if any(value is not None and value > 0 for value in values):
            return True
        if values[0] is None or (values[1] is not None and values[0] < values[1]):
            low = first
        else:
            high = second
    return False


# ------------------------------------------------------ 7. proofs by relaxation, with evidence
#
# For bent units at any rank. With phi(z) = p z + q |z|, p = (right + left) / 2 and q = (right -
# left) / 2, and for both sides +1 and -1, to prove: for all |u| <= 1,
#
#     side g(u) = slope . u + sum_k w_k |x_k . u| <= beta,   slope = side p X^T v,  w = side q v.
#
# The evidence is a tree for each side, plus and minus. A node that is a split on row l has two
# children: one about the u with x_l . u >= 0, one about those with x_l . u <= 0. A leaf is about
# the u with sigma_l x_l . u >= 0 for the rows l on its path, F, and brings multipliers: tilt s_k;
# lean a_ik, i != k, i not in F; tau_i > 0 (0 if not needed); mu >= 0. Let
#
#     d_k = w_k + |s_k| + sum_i |a_ik|,    y_i = max(0, d_i) x_i - sum_k a_ik x_k  for i not in F.
#
# As sum w_k |x_k . u| = sum d_k |x_k . u| - sum |s_k| |x_k . u| - sum |a_ik| |x_k . u|, where
# |x_l . u| = sigma_l x_l . u for l in F, |s_k| |x_k . u| >= s_k x_k . u, and max(0, d_i) |x_i . u|
# <= |y_i . u| + sum_k |a_ik| |x_k . u|, |y_i . u| <= (y_i . u)^2 / (2 tau_i) + tau_i / 2,
#
#     side g(u) <= u^T Q u + c . u + sum_i tau_i / 2,    Q = sum_i y_i y_i^T / (2 tau_i),
#     c = slope - sum_k s_k x_k + sum_F d_l sigma_l x_l,
#
# and that is at most beta - mu (1 - |u|^2) <= beta if
#
#     ( mu I - Q    -c / 2                      )
#     ( -c^T / 2    beta - sum_i tau_i / 2 - mu )    is positive semidefinite.


def relaxed_excess(dual: Dual, left: fmpq, right: fmpq, trees: Any, clock: Clock) -> Fraction:
    """`Units.excess` of units ``right * z`` where z > 0, ``left * z`` where z < 0; or refuses."""
    check_order(len(dual.X[0]))
    X = [[fmpq(x, dual.x_scale) for x in row] for row in dual.X]
    v = [fmpq(x, dual.v_scale) for x in dual.v]
    beta = rational(float(dual.beta))
    for side, tree in ((1, trees["plus"]), (-1, trees["minus"])):
        w = [rounded_up(side * (right - left) / 2 * x) for x in v]
        slope = combination([fmpq(0)] * len(X[0]), [side * (right + left) / 2 * x for x in v], X)
        nodes: list[tuple[Any, dict[int, int]]] = [(tree, {})]
        while nodes:
            node, sigma = nodes.pop()
            if "row" in node:
                nodes.append((node["plus"], sigma | {node["row"]: 1}))
                nodes.append((node["minus"], sigma | {node["row"]: -1}))
            elif not leaf_proves(node, sigma, X, w, slope, beta):
                raise RefusalError("not proved feasible: a leaf of the evidence proves nothing")
            clock.check()
    return Fraction(0)


def leaf_proves(
    leaf: Any, sigma: dict[int, int], X: list[list[fmpq]], w: list[fmpq], slope: list[fmpq],
    beta: fmpq,
) -> bool:  # fmt: skip
    """Whether the multipliers of a leaf, for the u with the signs ``sigma``, prove its part."""
    tilt, tau, mu = list(map(rational, leaf["tilt"])), leaf["tau"], rational(leaf["mu"])
    lean = [(i, k, rational(a)) for i, k, a in leaf["lean"]]
    d = [x + abs(s) for x, s in zip(w, tilt, strict=True)]
    for i, k, a in lean:
        if i == k or i in sigma:
            raise RefusalError("evidence: a row leans on itself, or has a fixed sign and leans")
        d[k] += abs(a)
    shares = [sigma.get(k, 0) * x - s for k, (x, s) in enumerate(zip(d, tilt, strict=True))]
    c = combination(slope, shares, X)
    Y = [[max(fmpq(0), x) * (k not in sigma) * z for z in X[k]] for k, x in enumerate(d)]
    for i, k, a in lean:
        Y[i] = combination(Y[i], [-a], [X[k]])
    used = [i for i, y in enumerate(Y) if any(y)]
    if mu < 0 or any(tau[i] <= 0.0 for i in used):
        raise RefusalError("evidence: mu is negative, or a tau that is needed is not positive")
    r = len(c)
    flat = fmpq_mat(len(used), r, [x for i in used for x in Y[i]])
    inverses = [rounded_up(1 / (2 * rational(tau[i]))) for i in used]
    weighted = [p * x for i, p in zip(used, inverses, strict=True) for x in Y[i]]
    Q = (flat.transpose() * fmpq_mat(len(used), r, weighted)).table()
    M = [[(mu if i == j else 0) - Q[i][j] for j in range(r)] + [-c[i] / 2] for i in range(r)]
    M.append([-x / 2 for x in c] + [beta - mu - sum((rational(tau[i]) for i in used), fmpq(0)) / 2])
    scale = math.lcm(*(int(x.q) for row in M for x in row))
    return semidefinite([[int(x * scale) for x in row] for row in M])


def combination(
    start: list[fmpq], shares: Iterable[fmpq], rows: Iterable[list[fmpq]]
) -> list[fmpq]:
    """``start`` plus the sum of shares of the rows."""
    for share, row in zip(shares, rows, strict=True):
        start = [x + share * y for x, y in zip(start, row, strict=True)] if share else start
    return start


def rounded_up(x: fmpq) -> fmpq:
    """A number not below x, with few binary digits."""
    scale = fmpq(2) ** (PRECISION + int(x.q).bit_length() - abs(int(x.p)).bit_length())
    return fmpq((x * scale).ceil()) / scale


# --------------------------------------------------------------- 8. proofs by branch and bound
#
# Cones, in the coordinates w of section 5 with any rank, for g and |u| homogeneous in w. On the
# cone of the w = W t, t >= 0, let p_j = W^T z_j. Of a row with p_j >= 0 or p_j <= 0 it is settled
# what it adds; the others are in doubt. A cone on which it is not proved that g is at most beta |u|
# (|u|^2) is halved at its longest edge; the first are the orthants. Let H^{-1} = P / determinant,
# G = W^T P W.
#
# Squared ReLU units: settled is A, level P at first, with beta |u|^2 - g = w^T A w - sum v_j (z_j .
# w)_+^2. Rows with p_j >= 0 add -v_j z_j z_j^T to A. Of the rows in doubt, those with v_j < 0 may
# be left out, and of those with v_j > 0 (z_j . w)_+ is at most p_j+ . t and at most |z_j . w|. So
# it is enough if W^T A W - sum v_j p_j+ p_j+^T over these has no negative entry, or if A - sum v_j
# z_j z_j^T is positive semidefinite.
#
# Bent units, more than rank 3: settled is c, with g = c . w + sum v_j (z_j . w)_+, v multiplied by
# right - left, and c = left sum v_j z_j at first. Rows with p_j >= 0 add v_j z_j to c. Of the rows
# in doubt, those with v_j > 0 add at most v_j p_j+ . t, those with v_j < 0 at most s_j v_j p_j . t
# with any s_j in [0, 1]. So g <= b . t, and it is enough if b <= 0, or if limit G - determinant
# b b^T has no negative entry or is positive semidefinite (b^T G^{-1} b is small with good s_j);
# limit is beta^2 in the scale of H.
#
# Boxes, for tanh units: g(w) = sum_j v_j tanh(z_j . w), w^T P w <= R^2. On the w = c + d with
# |d_k| <= h_k let K_j be a bound on v_j tanh'' over z_j . c +- sum_k |z_jk| h_k. By Taylor's
# theorem, with the gradient G at c, for every mu >= 0
#
#     g(w) <= g(c) + G . d + 1/2 sum_j K_j (z_j . d)^2 + mu/2 (R^2 - (c + d)^T P (c + d))
#           = g(c) + mu/2 (R^2 - c^T P c) + (G - mu P c) . d + 1/2 d^T B d,
#
# B = sum_j K_j z_j z_j^T - mu P, and d^T B d <= sum_k b_k d_k^2 with b_k = B_kk + sum_{l != k}
# |B_kl| h_l / h_k: a parabola in each coordinate. Tried are mu = 0 and the mu for which c . (G -
# mu P c) = 0; otherwise the box is halved. As g is odd, one side is enough.

Term = tuple[int, list[int]]  # v_j and z_j
Doubt = list[tuple[int, list[int], list[int]]]  # v_j, z_j and p_j of rows in doubt
SHARE = 2**40  # the s_j are multiples of its inverse


class ConeSearch:
    """Branch and bound over cones; what ``settled`` is and what proves a cone is for subclasses."""

    def __init__(self, H: Matrix, limit: int) -> None:
        self.limit, self.determinant = limit, int(fmpz_mat(H).det())
        inverse = fmpz_mat(H).inv().tolist()
        self.P = [[int(x * self.determinant) for x in row] for row in inverse]

    def run(self, settled: Any, terms: list[Term], clock: Clock) -> Fraction:
        """0 if all cones are proved; otherwise the excess of some corner."""
        axes = [[int(i == k) for k in range(len(self.P))] for i in range(len(self.P))]
        cones = [
            ([[s * x for x in axis] for s, axis in zip(signs, axes, strict=True)], settled, terms)
            for signs in product((1, -1), repeat=len(axes))
        ]
        while cones and axes:
            clock.check()
            W, settled, terms = cones.pop()
            P = [[inner(z, w) for w in W] for _, z in terms]
            doubt: Doubt = []
            for (v, z), p in zip(terms, P, strict=True):
                if min(p) >= 0:
                    settled = self.settle(settled, v, z)
                elif max(p) > 0:
                    doubt.append((v, z, p))
            G = [[inner(w, [inner(row, x) for row in self.P]) for x in W] for w in W]
            if self.proves(settled, W, G, doubt):
                continue
            for k, w in enumerate(W):
                values = [(v, max(p[k], 0)) for v, _, p in doubt]
                if (excess := self.excess_at(settled, w, G[k][k], values)) > 0:
                    return excess
            edges = [
                (G[i][i] - 2 * G[i][j] + G[j][j], i, j) for j in range(len(W)) for i in range(j)
            ]
            _, i, j = max(edges)
            for k in (i, j):
                half = [[2 * x for x in w] for w in W]
                half[k] = [x + y for x, y in zip(W[i], W[j], strict=True)]
                cones.append((half, settled, [(v, z) for v, z, _ in doubt]))
        return Fraction(0)

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        """With a row that is positive on the cone."""
        raise NotImplementedError

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        """Whether it is plain that g is small enough on a cone."""
        raise NotImplementedError

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        """By how much g is too large at w, w^T P w = square; rows in doubt as v_j, (z_j . w)_+."""
        raise NotImplementedError


class CurvedSearch(ConeSearch):
    """Squared ReLU units."""

    def excess(self, points: Matrix, weights: list[int], clock: Clock) -> Fraction:
        """`Units.excess`, or a lower bound of it."""
        A, excess = [[self.limit * x for x in row] for row in self.P], Fraction(0)
        for side in (self.determinant, -self.determinant):
            terms = [(side * v, z) for v, z in zip(weights, points, strict=True)]
            excess = excess or self.run(A, terms, clock)
        return excess

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        return plus_square(settled, -v, z)

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        B = [[inner(w, [inner(row, x) for row in settled]) for x in W] for w in W]
        for v, z, p in doubt:
            if v > 0:
                B = plus_square(B, -v, [max(x, 0) for x in p])
                settled = plus_square(settled, -v, z)
        return min(map(min, B)) >= 0 or semidefinite(settled)

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        value = sum(v * x * x for v, x in doubt) - inner(w, [inner(row, w) for row in settled])
        return Fraction(value, self.limit * square)


class BentSearch(ConeSearch):
    """Bent units."""

    def excess(
        self, points: Matrix, weights: list[int], slopes: tuple[int, int], clock: Clock
    ) -> Fraction:
        """`Units.excess`, or a lower bound of it."""
        excess = Fraction(0)
        for side in (1, -1):
            c = [side * slopes[0] * inner(weights, column) for column in zip(*points, strict=True)]
            jump = side * (slopes[1] - slopes[0])
            terms = [(jump * v, z) for v, z in zip(weights, points, strict=True)]
            excess = excess or self.run(c, terms, clock)
        return excess

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        return [x + v * y for x, y in zip(settled, z, strict=True)]

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        b = [inner(settled, w) for w in W]
        for v, _, p in doubt:
            b = [x + max(v, 0) * max(y, 0) for x, y in zip(b, p, strict=True)]
        b = with_shares(b, [[v * y for y in p] for v, _, p in doubt if v < 0], G)
        M = [[self.limit * SHARE**2 * x for x in row] for row in G]
        M = plus_square(M, -self.determinant, b)
        return max(b) <= 0 or min(map(min, M)) >= 0 or semidefinite(M)

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        value = max(0, inner(settled, w) + sum(v * x for v, x in doubt))
        ratio = Fraction(self.determinant * value * value, self.limit * square)
        return root(ratio) - 1 if ratio > 1 else Fraction(0)


def with_shares(b: list[int], D: Matrix, G: Matrix) -> list[int]:
    """SHARE times b plus a share in [0, 1] of each row of D, such that b^T G^{-1} b is small.

    By coordinate descent in rounded numbers: what is found need not be best.
    """
    shares = [0] * len(D)
    size = max(map(abs, (*b, *(x for d in D for x in d), 1)))
    try:
        inverse = fmpz_mat(G).inv().tolist() if D else []
        metric = [[float(fraction(x * G[0][0])) for x in row] for row in inverse]
        rows = [[x / size for x in d] for d in D]
        images = [[sum(map(mul, row, d)) for row in metric] for d in rows]
        y = [sum(x / size * m for x, m in zip(b, row, strict=True)) for row in metric]
        for k in [*range(len(D))] * 3:
            step = sum(map(mul, rows[k], y)) / (sum(map(mul, rows[k], images[k])) or 1.0)
            share = min(SHARE, max(0, shares[k] - round(SHARE * min(1.0, max(-1.0, step)))))
            y = [p + (share - shares[k]) / SHARE * q for p, q in zip(y, images[k], strict=True)]
            shares[k] = share
    except (OverflowError, ValueError):  # the numbers are too different for doubles
        pass
    return [SHARE * x + inner(shares, [d[k] for d in D]) for k, x in enumerate(b)]


def plus_square(A: Matrix, v: int, z: Sequence[int]) -> Matrix:
    """``A + v z z^T``."""
    return [
        [a + v * x * y for a, y in zip(row, z, strict=True)] for row, x in zip(A, z, strict=True)
    ]


def curved_excess(dual: Dual, clock: Clock) -> Fraction:
    """`Units.excess` of units ``max(z, 0)^2``; where it is not 0, a lower bound of it."""
    rows, weights, beta = dual.scaled(2)
    points, H, H_scale, slack = few_coordinates(
        rows, weights, beta, lambda size, d: (2 * size + 3 * d) * d
    )
    return CurvedSearch(H, math.floor((beta - slack) * H_scale)).excess(points, weights, clock)


def tanh_excess(dual: Dual, radius: Fraction, clock: Clock) -> Fraction:
    """`Units.excess` of units ``tanh(z)``; where it is not 0, a lower bound of it."""
    rows, weights, beta = dual.scaled(0)
    points, H, H_scale, slack = few_coordinates(
        rows, weights, beta, lambda _, d: radius * d / dual.x_scale
    )
    search, r = ConeSearch(H, 0), range(len(H))
    with ctx.workprec(PRECISION):
        P = [[arb(fmpq(H_scale * x, search.determinant)) for x in row] for row in search.P]
        Z = [[arb(fmpq(x, dual.x_scale)) for x in z] for z in points]
        terms = list(zip(map(arb, weights), Z, strict=True))
        whole = [ball(radius * root(Fraction(H[k][k], H_scale))) for k in r]
        boxes = [([arb(0) for _ in r], whole)] if H else []
        while boxes:
            clock.check()
            c, h = boxes.pop()
            Pc = [total(map(mul, row, c)) for row in P]
            size = total(map(mul, c, Pc))
            inside = ball(radius**2) - size
            if inside + 2 * total(map(mul, map(abs, Pc), h)) < 0:
                continue  # outside the ball
            value, G, B = taylor(terms, c, h)
            for mu in (arb(0), positive(total(map(mul, c, G))) / size):
                g = [x - mu * y for x, y in zip(G, Pc, strict=True)]
                bend = [[B[i][k] - mu * P[i][k] for k in r] for i in r]
                if value + mu / 2 * inside + parabolas(g, bend, h) <= ball(beta - slack):
                    break
            else:
                shrink = arb(1) if inside >= 0 else (ball(radius**2) / size).sqrt().lower()
                value = total(v * (total(map(mul, z, c)) * shrink).tanh() for v, z in terms)
                if value > beta:
                    return fraction((value / beta).lower()) - 1
                k = max(r, key=lambda k: float(h[k] * h[k] * P[k][k]))
                h = [x / 2 if i == k else x for i, x in enumerate(h)]
                boxes += [
                    ([x + s * h[k] if i == k else x for i, x in enumerate(c)], h) for s in (1, -1)
                ]
    return Fraction(0)


def taylor(
    terms: list[tuple[arb, list[arb]]], c: list[arb], h: list[arb]
) -> tuple[arb, list[arb], list[list[arb]]]:
    """g and its gradient at c, and the sum of K_j z_j z_j^T."""
    value, G = arb(0), [arb(0) for _ in c]
    B = [[arb(0) for _ in c] for _ in c]
    for v, z in terms:
        s, reach = total(map(mul, z, c)), total(map(mul, map(abs, z), h))
        t, around = s.tanh(), (s + arb(0, reach)).tanh()
        value += v * t
        slope, K = v * (1 - t * t), (-2 * v * around * (1 - around * around)).upper()
        G = [g + slope * x for g, x in zip(G, z, strict=True)]
        B = [
            [b + K * x * y for b, y in zip(row, z, strict=True)]
            for row, x in zip(B, z, strict=True)
        ]
    return value, G, B


def parabolas(g: list[arb], B: list[list[arb]], h: list[arb]) -> arb:
    """A bound on ``g . d + 1/2 d . B d`` over ``|d_k| <= h_k``."""
    bound = arb(0)
    for k, x in enumerate(h):
        bend = total(abs(b) * y / x for b, y in zip(B[k], h, strict=True)) - abs(B[k][k]) + B[k][k]
        steep = abs(g[k])
        if bend < 0 and steep < -bend * x:
            bound += steep * steep / (-2 * bend)
        else:
            bound += steep * x + (bend if steep >= -bend * x else positive(bend)) * x * x / 2
    return bound


def total(values: Iterable[arb]) -> arb:
    """The sum of balls."""
    return sum(values, arb(0))


# ------------------------------------------------------------------------------------ the answer


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What was proved.

    ``valid``: all that the certificate claims is true. ``lower``, ``upper``: the proved bracket,
    rounded outward to doubles, at least as tight as claimed; None for an end that was not proved.
    ``reason``: "proved exactly", or the first reason why not. ``excess``: where the dual vector
    was found infeasible, ``rho(v) / weight_decay - 1`` or a lower bound of it; otherwise 0.
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
    time_limit : seconds after which the proof of feasibility gives up; a sweep over 1000 samples of
        rank 3 takes about 30

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
        if ratio := units_of(claims).excess(feasibility(claims), Clock(time_limit)):
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

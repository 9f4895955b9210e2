"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Call `check`, or run this file; it needs Python and python-flint, no solver, nothing of cvxnet:

    python checker.py FILE [--data FILE]      exit code 0: proved, 1: refused, 2: wrong usage

The format of the file and what it claims are described in certificate.py beside this file. Parts:
reading; losses; the two ends of the bracket; unit families; and the proofs that the dual vector is
feasible, without which the lower end would mean nothing. Doubles are dyadic rationals, so all
arithmetic is done in integers and fractions, and for roots, logarithms and tanh in balls that hold
the true value. Whatever a file contains, the answer is a `CheckResult`, in bounded time and memory.
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
from itertools import pairwise
from operator import itemgetter, mul
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq, fmpq_mat, fmpz_mat

Path = str | os.PathLike[str]
Number = Any  # fmpq: exact; or arb: a ball around the true value

FORMAT, VERSION = "cvxnet-certificate", 2
ENTRIES_1 = {"format", "version", "cvxnet", "units", "loss", "weight_decay", "bias"}
ENTRIES_1 |= {"data_sha256", "data", "network", "dual", "lower", "upper"}
ENTRIES = ENTRIES_1 | {"norm", "sample_weights", "evidence"}
MAX_BYTES = 16 * 2**20  # of a file; as Python objects it may take 30 times as much
MAX_PRODUCTS = 3 * 10**7  # samples * features * (units + gates)
MAX_DEPTH = 60  # of a tree of evidence
MULTIPLIERS = {"fixed": 1, "product": 2, "linear": 1, "lean": 2, "turn": 1, "tau": 1}  # their rows
MAX_ORDER = 200  # of a symmetric matrix
MAX_BITS = 2 * 10**5  # order of a matrix * bits of its entries
TIME_LIMIT = 600.0  # seconds to prove the dual vector feasible, unless the caller says otherwise
PRECISION = 256  # bits, of the balls
HIGH_RANK = "the rows of X with a dual number other than 0 have rank above 3"


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
        evidence=read_evidence(doc["evidence"], n, d + doc["bias"]),
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
    """Name and parameters of the unit family."""
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in UNITS:
        raise RefusalError(f"the name of the units must be one of {', '.join(UNITS)}")
    key, shape = UNITS[name].parameter, UNITS[name].shape
    if not key:
        members(value, "name")
        return {"name": name}
    _, entry = members(value, "name", key)
    shape = (length(entry, key), columns) if shape is None else shape
    return {"name": name, key: numbers(entry, key, *shape)}


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


def read_evidence(value: Any, n: int, columns: int) -> dict[str, Any] | None:
    """What helps with the proof of feasibility: two trees of multipliers, see section 7."""
    if value is None:
        return None
    kind, *trees = members(value, "kind", "plus", "minus")
    if kind != "relaxation":
        raise RefusalError("this checker knows evidence of the kind relaxation only")
    plus, minus = (read_node(tree, n, columns, ()) for tree in trees)
    return {"kind": kind, "plus": plus, "minus": minus}


def read_node(value: Any, n: int, columns: int, path: tuple[int, ...]) -> dict[str, Any]:
    """``{"row": l, "plus": node, "minus": node}``, or a leaf.

    A leaf has mu, and for the other multipliers lists of rows with numbers: ``[l, theta]``,
    ``[k, s]``, ``[i, tau]``, ``[i, k, a]``, ``[l, m, kappa]``, ``[k, eta, *e]``.
    """
    if not isinstance(value, dict) or len(path) > MAX_DEPTH:
        raise RefusalError("evidence: a node of a tree is no object, or too deep")
    if "row" in value:
        row, plus, minus = members(value, "row", "plus", "minus")
        path = *path, *read_multiplier([row], n, 1, 0)
        return {"row": row, "plus": read_node(plus, n, columns, path),
                "minus": read_node(minus, n, columns, path)}  # fmt: skip
    if not {"mu"} <= set(value) <= {"mu", *MULTIPLIERS}:
        raise RefusalError("evidence: a leaf must have mu and known multipliers, nothing else")
    leaf: dict[str, Any] = {"mu": numbers(value["mu"], "mu")}
    for key, count in MULTIPLIERS.items():
        given = value.get(key, [])
        size = 1 + columns * (key == "turn")
        leaf[key] = [read_multiplier(x, n, count, size) for x in given[: length(given, key)]]
    return leaf


def read_multiplier(value: Any, n: int, count: int, size: int) -> list[Any]:
    """So many indices of rows, followed by so many numbers."""
    rows = value[:count] if length(value, "a multiplier") >= count else [None]
    if not all(type(row) is int and 0 <= row < n for row in rows):
        raise RefusalError("evidence holds something else than the index of a row")
    return [*rows, *numbers(value[count:], "a multiplier", size)]


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
        rooms = [fmpq(1)]
        if self.labels:
            rooms.append(-y * v)
        if self.end is not None:
            rooms.append(w * self.end - (-y * v if self.labels else abs(v)))
        return min(rooms)


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
    if n * (d + 1) * width > MAX_PRODUCTS:
        raise RefusalError(f"too large: {n} samples, {d} features, {width} units and gates")
    with ctx.workprec(PRECISION):
        lower = outward(dual_value(claims, dual_vector(claims)), -math.inf)
        return lower, outward(objective(claims), math.inf)


def objective(claims: Claims) -> Number:
    """The network's training objective."""
    loss, units = LOSSES[claims.loss], units_of(claims)
    prices = sum(map(units.price, range(len(claims.a))), fmpq(0))
    total: Number = rational(claims.weight_decay) * prices
    for f, y, w in samples(claims, predictions(claims, units)):
        total += w * loss.value(y * f if loss.labels else f - y)
    return total


def predictions(claims: Claims, units: Units) -> list[Number]:
    """``f(x_i) = sum_j a_j phi_j(x_i) + c + s . x_i``."""
    X, x_shift = integers([*row, 1.0] for row in claims.X)
    W, w_shift = integers(hidden_weights(claims))
    (line,), shift = integers([[*(claims.s or [0.0] * len(claims.X[0])), claims.c or 0.0]])
    a = list(map(rational, claims.a))
    f: list[Number] = []
    for i, x in enumerate(X):
        total: Number = fmpq(inner(line, x), 2 ** (x_shift + shift))
        for j, u in enumerate(W):
            total += a[j] * units.feature(fmpq(inner(u, x), 2 ** (x_shift + w_shift)), i, j)
        f.append(total)
    return f


def hidden_weights(claims: Claims) -> list[list[float]]:
    """The vectors u_j = (W_j, b_j) of the units; b_j = 0 without bias."""
    return [[*u, b] for u, b in zip(claims.W, claims.b or [0.0] * len(claims.a), strict=True)]


def dual_vector(claims: Claims) -> list[fmpq]:
    """v', which is v where nothing is free."""
    given = list(map(rational, claims.v))
    rows = [[1.0] * (claims.c is not None) + row * (claims.s is not None) for row in claims.X]
    if not rows[0]:
        return given
    (v,), shift = integers([claims.v])
    F, _ = integers(rows)
    rooms = [max(fmpq(0), LOSSES[claims.loss].room(*s)) for s in samples(claims, given)]
    scale = max(int(room.q) for room in rooms)  # all are powers of two
    if len(F[0]) * (2 * bits(F) + bits([[int(room * scale) for room in rooms]])) > MAX_BITS:
        raise RefusalError("too large: the free part has too many columns or digits")
    DF = [[int(room * scale) * x for x in row] for room, row in zip(rooms, F, strict=True)]
    seen = fmpz_mat(F).transpose() * fmpz_mat([[x] for x in v])
    G = fmpz_mat(F).transpose() * fmpz_mat(DF)
    echelon, _, rank = G.rref()
    J = [next(j for j, x in enumerate(row) if x) for row in echelon.table()[:rank]]
    moves: list[Any] = [fmpq(0)] * len(v)
    if J:
        z = fmpq_mat([[G[i, j] for j in J] for i in J]).solve(fmpq_mat([[seen[j, 0]] for j in J]))
        moves = (fmpq_mat([[row[j] for j in J] for row in DF]) * z).entries()
    moved = [x - move for x, move in zip(v, moves, strict=True)]
    if any((fmpz_mat(F).transpose() * fmpq_mat(len(v), 1, moved)).entries()):
        raise RefusalError("the dual vector sees the free part, and there is no room to move it")
    return [x / 2**shift for x in moved]


def dual_value(claims: Claims, v: Sequence[fmpq]) -> Number:
    """``-l*(v)``."""
    loss = LOSSES[claims.loss]
    total: Number = fmpq(0)
    for v_i, y, w in samples(claims, v):
        if loss.room(v_i, y, w) < 0:
            domain = f"[0, {loss.end or 'inf'}]"
            shown = f"-y_i v_i / w_i is outside {domain}" if loss.labels else "|v_i| / w_i > 1"
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


def integers(rows: Iterable[Iterable[float]]) -> tuple[list[list[int]], int]:
    """Rows of integers k and one shift s with ``rows = k / 2**s`` exactly.

    >>> integers([[0.75], [2.0]])
    ([[3], [8]], 2)
    """
    ratios = [[x.as_integer_ratio() for x in row] for row in rows]
    shift = max((q.bit_length() - 1 for row in ratios for _, q in row), default=0)
    return [[p * (2**shift // q) for p, q in row] for row in ratios], shift


def bits(rows: Iterable[Iterable[int]]) -> int:
    """The number of digits of the largest integer."""
    return max((x.bit_length() for row in rows for x in row), default=0)


def inner(x: Iterable[int], y: Iterable[int]) -> int:
    """``x . y``."""
    return sum(map(mul, x, y))


def outward(value: Number, direction: float) -> float:
    """The nearest double on that side of a number, or of the ball's end on that side.

    >>> outward(fmpq(1, 10), math.inf), outward(fmpq(1, 10), -math.inf)
    (0.1, 0.09999999999999999)
    """
    if isinstance(value, arb):
        if not value.is_finite():
            raise RefusalError("the bracket has an end that cannot be computed")
        mantissa, exponent = (value.upper() if direction > 0 else value.lower()).man_exp()
        value = fmpq(mantissa) * fmpq(2) ** int(exponent)
    try:
        q = Fraction(int(value.p), int(value.q))
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
# Penalties. Where phi is positively homogeneous, a unit with weights u counts |u| times the unit
# u / |u|, and beta/2 (|u|^2 + a^2) >= beta |a| |u|. So in each family the penalty of a network is
# at least beta times the sum of the |a| that it has over units of the family.


class Clock:
    """A time limit in seconds, from now."""

    def __init__(self, limit: float) -> None:
        self.limit, self.start = limit, time.monotonic()

    def check(self) -> None:
        """Refuse to go on after the limit."""
        if time.monotonic() - self.start > self.limit:
            raise RefusalError(f"unfinished after the time limit of {self.limit:g} s: allow more")


class Dual(NamedTuple):
    """What is to be proved, in integers: rows x_i (with their 1) and v_i, times powers of two."""

    X: list[list[int]]
    x_shift: int
    v: list[int]
    v_shift: int
    beta: Fraction

    def scaled(self, degree: int) -> tuple[list[list[int]], list[int], Fraction]:
        """Rows with a v_i other than 0, these v_i, and what bounds g if z counts as z^degree.

        beta and v are made large, so that squares rounded to integers are still precise.
        """
        beta = self.beta * 2 ** (degree * self.x_shift + self.v_shift)
        spare = max(0, 128 + beta.denominator.bit_length() - beta.numerator.bit_length())
        rows = [x for x, weight in zip(self.X, self.v, strict=True) if weight]
        return rows, [weight << spare for weight in self.v if weight], beta * 2**spare


def feasibility(claims: Claims, units: Units) -> Dual:
    """The problem for v'; a moved v' is rounded, and beta lowered by all that this can change."""
    X, x_shift = integers([*row, 1.0][: len(row) + claims.bias] for row in claims.X)
    beta = Fraction(claims.weight_decay)
    if claims.c is None and claims.s is None:
        (weights,), v_shift = integers([claims.v])
        return Dual(X, x_shift, weights, v_shift, beta)
    most = sum(units.most(Fraction(sum(map(abs, row)), 2**x_shift)) for row in X)
    v_shift = math.ceil(most / beta).bit_length() + 128
    weights = [int((x * 2**v_shift).floor()) for x in dual_vector(claims)]
    return Dual(X, x_shift, weights, v_shift, beta - most / 2**v_shift)


class Units:
    """A unit family phi_u(x) = phi(x . u), u in the unit ball: what all have in common.

    ``parameter``: the entry beside the name, if any; its ``shape``: () is a number, None are rows.
    """

    parameter = ""
    shape: tuple[int, ...] | None = ()
    norms: tuple[str, ...] = ("l2",)
    relaxed = False

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    def check(self) -> None:
        """Refuse what does not fit the family."""
        if self.claims.norm not in self.norms:
            raise RefusalError(f"there are no such units with the norm {self.claims.norm}")
        if (self.claims.gate is None) == (self.parameter == "gates"):
            raise RefusalError("each unit of the family gated_relu has a gate, and no other unit")
        if self.claims.evidence and (self.claims.norm == "l1" or not self.relaxed):
            raise RefusalError("there is no evidence for such units")
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
        return abs(rational(self.claims.a[j]))

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        """``phi_j(x_i)``, where ``u_j . x_i = z``."""
        raise NotImplementedError

    def most(self, size: Fraction) -> Fraction:
        """A bound on ``|phi_u(x)|`` for ``|x| <= size``."""
        return size

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        """0 if ``rho(v) <= beta``; otherwise (a little more than) ``rho(v) / beta - 1``."""
        raise RefusalError(f"units {self.claims.units['name']} are not yet covered")


class Bent(Units):
    """``right * z`` where z > 0, ``left * z`` where z < 0; homogeneous."""

    norms, relaxed = ("l2", "l1"), True
    left, right = fmpq(0), fmpq(1)

    def price(self, j: int) -> fmpq:
        return (self.squares[j] + rational(self.claims.a[j]) ** 2) / 2

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * (self.right if z > 0 else self.left)

    def most(self, size: Fraction) -> Fraction:
        return size * max(1, math.ceil(abs(Fraction(int(self.left.p), int(self.left.q)))))

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

    relaxed, left = False, fmpq(1)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return linear_excess(dual, range(len(dual.v)), self.claims.norm)


class GatedReLU(Units):
    """``z`` where the gate of the unit is open, ``x . gate >= 0``; otherwise 0."""

    parameter, shape = "gates", None

    def check(self) -> None:
        super().check()
        gates, gate = self.claims.units["gates"], self.claims.gate
        if not all(0 <= g < len(gates) for g in gate or ()):
            raise RefusalError("gate holds a number that is no index of a gate")

    @cached_property
    def open(self) -> list[list[bool]]:
        """For each gate and sample, whether it is open."""
        X, _ = integers([*row, 1.0][: len(row) + self.claims.bias] for row in self.claims.X)
        gates, _ = integers(self.claims.units["gates"])
        return [[inner(gate, x) >= 0 for x in X] for gate in gates]

    def price(self, j: int) -> fmpq:
        return (self.squares[j] + rational(self.claims.a[j]) ** 2) / 2

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

    def most(self, size: Fraction) -> Fraction:
        return Fraction(1)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return step_excess(dual, lambda k: Effect(-1, 1) if k > 0 else Effect(1, -1), 0, clock)


class Threshold(Sign):
    """1 where z >= 0, otherwise 0."""

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return fmpq(z >= 0)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return step_excess(dual, lambda k: Effect(k < 0, k > 0, 1), 1, clock)


class Quadratic(Units):
    """``z^2``."""

    def price(self, j: int) -> fmpq:
        return abs(rational(self.claims.a[j])) * self.squares[j]

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z

    def most(self, size: Fraction) -> Fraction:
        return size * size

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return quadratic_excess(dual)


class SquaredReLU(Quadratic):
    """``max(z, 0)^2``."""

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        return z * z if z > 0 else fmpq(0)

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        raise RefusalError("units squared_relu are not yet covered")


class Polynomial(Units):
    """``a z^2 + b z + c`` of ``z = x . u / |u|``."""

    parameter, shape = "coefficients", (3,)

    def __init__(self, claims: Claims) -> None:
        super().__init__(claims)
        self.coefficients = list(map(rational, claims.units["coefficients"]))

    def check(self) -> None:
        super().check()
        if not all(self.squares):
            raise RefusalError("a unit of the family polynomial must not have all weights 0")

    def feature(self, z: fmpq, i: int, j: int) -> Number:
        a, b, c = self.coefficients
        return a * z * z / self.squares[j] + b * z * arb(self.squares[j]).rsqrt() + c

    def most(self, size: Fraction) -> Fraction:
        a, b, c = (abs(Fraction(x)) for x in self.claims.units["coefficients"])
        return a * size * size + b * size + c

    def excess(self, dual: Dual, clock: Clock) -> Fraction:
        return polynomial_excess(dual, self.coefficients, clock)


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

    def most(self, size: Fraction) -> Fraction:
        return Fraction(1)


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
    return above(Fraction(square, 4 ** (dual.x_shift + dual.v_shift)), dual.beta)


def above(square: Fraction, beta: Fraction) -> Fraction:
    """By how much ``sqrt(square) / beta`` is above 1, rounded up; 0 if it is not."""
    return Fraction(0) if square <= beta**2 else root(square / beta**2) - 1


def root(square: Fraction) -> Fraction:
    """A little more than the square root."""
    return Fraction(math.isqrt(math.ceil(square * 4**128)) + 1, 2**128)


# --------------------------------------------------------------------------- 5. proofs by sweeps
#
# Coordinates. Only rows with v_j != 0 matter. Let J be r independent columns of them and M the
# r x d matrix with x_j = M^T z_j, z_j = (x_j)_J. Then x_j . u = z_j . w with w = M u, and among
# the u with M u = w the shortest has |u|^2 = w^T H^{-1} w, H = M M^T. So the ball becomes
# w^T H^{-1} w <= 1 in R^r, and max c . w over it is sqrt(c^T H c) =: |c|, attained along w = H c.
# X and v are multiplied by powers of two, H by a common denominator: integers. z is padded with
# zeros to three coordinates.
#
# More than rank 3. With the three columns and rows of the largest pivots, x_j = M^T z_j + d_j, and
# d_j changes |g| by at most |v_j| |d_j| (for bent units, slopes at most 1). So |g| <= beta -
# sum_j |v_j| |d_j| is proved for the rows M^T z_j. This is for data whose rank is 3 but for
# rounding, where the sum is tiny.
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
Effects = Callable[[int], Effect]  # of the row ``divisor * e``, for a divisor other than 0


class Sweep:
    """Visits faces; ``limit`` ends as the largest size of g, or as it was if none is above it.

    ``size`` is what a subclass compares: of g or of its square, in integers.
    """

    def __init__(self, lines: list[Line], limit: int) -> None:
        self.lines, self.limit = lines, limit

    def run(self, rank: int, clock: Clock) -> None:
        """All circles."""
        pole = make_line((0, 0, 1), IDENTITY, Effect(0, 0), True)
        for line in self.lines if rank == 3 else [pole] if self.lines else []:
            order = crossings(line.e, [other for other in self.lines if other is not line])
            self.circle(line, order)
            clock.check()

    def circle(self, line: Line, order: list[Line]) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        raise NotImplementedError

    def reach(self, size: int, scale: int) -> None:
        """Somewhere the size of g is ``size / scale``."""
        if size > self.limit * scale:
            self.limit = -(-size // scale)


def sums(order: list[Line]) -> Iterator[tuple[int, Vector, Vector]]:
    """For each arc, the number of lines crossed before, and the sums on it and opposite."""
    c = both = (0, 0, 0)
    for line in order:  # before the first crossing all lines show their back
        c = plus(c, line.back)
        both = plus(both, plus(line.jump, times(2, line.back)))
    for end, line in enumerate(order, 1):
        c = plus(c, line.jump)
        yield end, c, plus(both, times(-1, c))


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

    Then g is linear on each face, and so is |w|_1: g / |w|_1 is largest at a vertex.
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
        before: list[Line] = []  # those that cross where the arc starts
        for end, c, opposite in sums(order):
            before.append(other := order[end - 1])
            if end < len(order) and dot(cross(line.e, other.e), order[end].e) == 0:
                continue  # an arc of length zero
            at = sum(other.effect.at for other in before)
            on = sum(other.back[0] + other.jump[0] for other in before)
            off = sum(other.back[0] for other in before)
            for value in (c[0], opposite[0]):
                for beside in line.effect:
                    self.reach(abs(self.base + value + beside), 1)
            self.reach(abs(self.base + c[0] - on + at + line.effect.at), 1)
            self.reach(abs(self.base + opposite[0] - off + at + line.effect.at), 1)
            before = []


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
    scale = math.lcm(int(left.q), int(right.q))
    slopes = int(left * scale), int(right * scale)
    rows, weights, beta = dual.scaled(1)
    beta *= scale

    def effects(divisor: int) -> Effect:
        return Effect(divisor * slopes[divisor < 0], divisor * slopes[divisor > 0])

    if norm == "l1":
        used = [j for j in range(len(dual.X[0])) if any(row[j] for row in rows)]
        if len(used) > 3:
            raise RefusalError("with the norm l1, more than 3 columns of X that are not 0")
        points = [[row[j] for j in used] for row in rows]
        octahedron = OctahedronSweep(
            gather(points, weights, effects, IDENTITY, True, IDENTITY), math.floor(beta)
        )
        octahedron.run(3, clock)
        return max(Fraction(0), octahedron.limit / beta - 1)
    J, H, H_scale, rests = coordinates(rows)
    slack = max(map(abs, slopes)) * sum(map(mul, map(abs, weights), rests), Fraction(0))
    if slack * 10**6 > beta:
        raise RefusalError(HIGH_RANK)
    limit = math.floor((beta - slack) ** 2 * H_scale)
    points = [[row[j] for j in J] for row in rows]
    ball = BallSweep(gather(points, weights, effects, H, True), limit, H)
    ball.run(len(J), clock)
    if ball.limit == limit:
        return Fraction(0)
    return (root(Fraction(ball.limit, H_scale)) + slack) / beta - 1


def step_excess(dual: Dual, effects: Effects, at: int, clock: Clock) -> Fraction:
    """`Units.excess` of units with one value where z < 0, one where z > 0, ``at`` where z = 0."""
    rows, weights, beta = dual.scaled(0)
    J, H, _, rests = coordinates(rows)
    if any(rests):
        raise RefusalError(HIGH_RANK)
    points = [[row[j] for j in J] for row in rows]
    base = at * sum(weight for x, weight in zip(points, weights, strict=True) if not any(x))
    steps = StepSweep(gather(points, weights, effects, H, False), math.floor(beta), base)
    steps.run(len(J), clock)
    return max(Fraction(0), steps.limit / beta - 1)


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


def gather(
    rows: Iterable[list[int]],
    weights: Iterable[int],
    effects: Effects,
    H: Metric,
    bent: bool,
    more: Iterable[Vector] = (),
) -> list[Line]:
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
    """A line from its vector and effect; bent units keep a gradient, steps a value."""
    unit = e if bent else (1, 0, 0)
    back, jump = times(effect.off, unit), times(effect.on - effect.off, unit)
    return Line(e, (dot(H[0], e), dot(H[1], e), dot(H[2], e)), back, jump, effect)


# ------------------------------------------------------- 6. proofs by positive semidefinite forms
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
# exists if g <= beta (S-lemma). Eliminating Q leaves the last pivot, a concave function of mu,
# which is at its largest where the search ends, or proves its point before.


def semidefinite(M: list[list[int]]) -> bool:
    """Whether a symmetric matrix of integers is positive semidefinite.

    Exactly: its eigenvalues are real, and none is negative if and only if the signs of the
    characteristic polynomial alternate (then it has no negative root).
    """
    size = len(M)
    if size > MAX_ORDER or size * bits(M) > MAX_BITS:
        raise RefusalError(f"too large: a symmetric matrix of order {size} with {bits(M)} bits")
    with ctx.workprec(PRECISION):
        if (last_pivot([[arb(x) for x in row] for row in M]) or arb(0)) > 0:
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


def outer_sum(rows: list[list[int]], weights: list[int]) -> list[list[int]]:
    """The sum of ``weight * x x^T``."""
    weighted = [[w * x for x in row] for row, w in zip(rows, weights, strict=True)]
    product = fmpz_mat(rows).transpose() * fmpz_mat(weighted)
    return [[int(x) for x in row] for row in product.tolist()]


def quadratic_excess(dual: Dual) -> Fraction:
    """`Units.excess` of units z^2; refuses where it is not 0."""
    rows, weights, beta = dual.scaled(2)
    for sign in (1, -1) if rows else ():
        M = outer_sum(rows, [sign * beta.denominator * weight for weight in weights])
        for k in range(len(M)):
            M[k][k] += beta.numerator
        if not semidefinite(M):
            raise RefusalError("dual infeasible: |sum_i v_i z_i^2| is above weight_decay somewhere")
    return Fraction(0)


def polynomial_excess(dual: Dual, coefficients: list[fmpq], clock: Clock) -> Fraction:
    """`Units.excess` of units ``a z^2 + b z + c`` on the sphere; refuses where it finds no mu."""
    a, b, c = coefficients
    x_unit, v_unit = fmpq(1, 2**dual.x_shift), fmpq(1, 2**dual.v_shift)
    Q = [[a * v_unit * x_unit**2 * x for x in row] for row in outer_sum(dual.X, dual.v)]
    q = [b * v_unit * x_unit * inner(dual.v, column) for column in zip(*dual.X, strict=True)]
    r = c * v_unit * sum(dual.v)
    beta = fmpq(dual.beta.numerator, dual.beta.denominator)
    if len(q) > MAX_ORDER:
        raise RefusalError(f"too large: {len(q)} columns")
    for sign in (1, -1):

        def proof(mu: fmpq, sign: int = sign) -> arb | None:
            rows = [[-sign * x for x in row] for row in Q]
            for k, row in enumerate(rows):
                row[k] += mu
            rows.append([*(-sign * x / 2 for x in q), beta - sign * r - mu])
            clock.check()
            return last_pivot([[arb(x) for x in row] for row in rows])

        with ctx.workprec(PRECISION):
            if not found(proof, max(sign * Q[k][k] for k in range(len(q))), beta - sign * r):
                raise RefusalError("not proved feasible: no multiplier of the sphere was found")
    return Fraction(0)


def found(proof: Callable[[fmpq], arb | None], low: fmpq, high: fmpq) -> bool:
    """Whether a search finds where a concave function is positive; None is minus infinity."""
    for _ in range(PRECISION // 2 if low < high else 0):
        first, second = (5 * low + 3 * high) / 8, (3 * low + 5 * high) / 8
        values = proof(first), proof(second)
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
# The evidence is a tree for each side. A node that is a split on row l has two children: one
# about the u with x_l . u >= 0, one about those with x_l . u <= 0. A leaf is about the u with
# sigma_l x_l . u >= 0 for the rows l on its path, and gives multipliers (0 where it gives none):
#
#     fixed theta_l, product kappa_lm >= 0 for rows on the path;  linear s_k, lean a_ik (i != k);
#     turn (eta_k, e_k), eta_k >= |e_k|;  tau_i > 0;  mu >= 0
#
# The sum of theta_l (|x_l . u| - sigma_l x_l . u) is 0 and may be subtracted. Let
#
#     P_k = max(0, w_k - theta_k + |s_k| + eta_k + sum_i |a_ik|),    y_i = P_i x_i - sum_k a_ik x_k.
#
# Then P_i |x_i . u| <= |y_i . u| + sum_k |a_ik| |x_k . u|, and |y_i . u| <= (y_i . u)^2 / (2 tau_i)
# + tau_i / 2, while |s_k| |x_k . u| >= s_k x_k . u, and eta_k |x_k . u| >= (e_k . u) (x_k . u) on
# the ball. So side g(u) <= u^T Q u + c . u + sum_i tau_i / 2 with
#
#     c = slope + sum_l theta_l sigma_l x_l - sum_k s_k x_k
#     Q = sum_i y_i y_i^T / (2 tau_i) - sum_k e_k x_k^T + sum kappa_lm sigma_l sigma_m x_l x_m^T,
#
# made symmetric, and that is at most beta - mu (1 - |u|^2) <= beta if
#
#     ( mu I - Q    -c / 2                      )
#     ( -c^T / 2    beta - sum_i tau_i / 2 - mu )    is positive semidefinite.


def relaxed_excess(dual: Dual, left: fmpq, right: fmpq, trees: Any, clock: Clock) -> Fraction:
    """`Units.excess` of units ``right * z`` where z > 0, ``left * z`` where z < 0; or refuses."""
    X = [[fmpq(x, 2**dual.x_shift) for x in row] for row in dual.X]
    v = [fmpq(x, 2**dual.v_shift) for x in dual.v]
    beta = fmpq(dual.beta.numerator, dual.beta.denominator)
    for side, tree in ((1, trees["plus"]), (-1, trees["minus"])):
        w = [side * (right - left) / 2 * x for x in v]
        slope = [fmpq(0)] * len(X[0])
        for x, row in zip(v, X, strict=True):
            slope = add(slope, side * (right + left) / 2 * x, row)
        nodes: list[tuple[Any, dict[int, int]]] = [(tree, {})]
        while nodes:
            node, path = nodes.pop()
            if "row" in node:
                nodes.append((node["plus"], path | {node["row"]: 1}))
                nodes.append((node["minus"], path | {node["row"]: -1}))
            elif not leaf_proves(node, path, X, w, slope, beta):
                raise RefusalError("not proved feasible: a leaf of the evidence proves nothing")
            clock.check()
    return Fraction(0)


def leaf_proves(
    leaf: dict[str, Any],
    sigma: dict[int, int],
    X: list[list[fmpq]],
    w: list[fmpq],
    slope: list[fmpq],
    beta: fmpq,
) -> bool:
    """Whether the multipliers of a leaf, for the u with the signs ``sigma``, prove its part."""
    r, P, c, Q = len(slope), list(w), slope, fmpq_mat(len(slope), len(slope))
    lists = {key: [exact(entry) for entry in leaf[key]] for key in MULTIPLIERS}
    mu, tau = rational(leaf["mu"]), dict(lists["tau"])
    valid = mu >= 0 and all(x > 0 for x in tau.values())
    valid &= all(row in sigma for row, _ in lists["fixed"])
    valid &= all({i, k} <= set(sigma) and kappa >= 0 for i, k, kappa in lists["product"])
    valid &= all(eta >= 0 and eta * eta >= inner(e, e) for _, eta, *e in lists["turn"])
    if not valid or not all(i != k for i, k, _ in lists["lean"]):
        raise RefusalError("evidence: a multiplier that is not allowed in its place")
    for row, theta in lists["fixed"]:
        P[row] -= theta
        c = add(c, theta * sigma[row], X[row])
    for row, s in lists["linear"]:
        P[row] += abs(s)
        c = add(c, -s, X[row])
    for row, eta, *e in lists["turn"]:
        P[row] += eta
        Q -= fmpq_mat(r, 1, e) * fmpq_mat(1, r, X[row])
    for row, other, kappa in lists["product"]:
        scaled = [kappa * sigma[row] * sigma[other] * x for x in X[row]]
        Q += fmpq_mat(r, 1, scaled) * fmpq_mat(1, r, X[other])
    for _, row, a in lists["lean"]:
        P[row] += abs(a)
    Y = [[max(fmpq(0), most) * x for x in row] for most, row in zip(P, X, strict=True)]
    for row, other, a in lists["lean"]:
        Y[row] = add(Y[row], -a, X[other])
    used = [i for i, y in enumerate(Y) if any(y)]
    if not all(i in tau for i in used):
        raise RefusalError("evidence: a tau is missing")
    if used:
        flat = [x for i in used for x in Y[i]]
        weighted = [short(1 / (2 * tau[i])) * x for i in used for x in Y[i]]
        Q += fmpq_mat(len(used), r, flat).transpose() * fmpq_mat(len(used), r, weighted)
    M = [[-(Q[i, j] + Q[j, i]) / 2 for j in range(r)] + [-c[i] / 2] for i in range(r)]
    for i in range(r):
        M[i][i] += mu
    M.append([-x / 2 for x in c] + [beta - mu - sum((tau[i] for i in used), fmpq(0)) / 2])
    scale = math.lcm(*(int(x.q) for row in M for x in row))
    return semidefinite([[int(x * scale) for x in row] for row in M])


def exact(entry: Sequence[Any]) -> list[Any]:
    """Rows as they are, numbers as rational numbers."""
    return [x if isinstance(x, int) else rational(x) for x in entry]


def add(x: Sequence[fmpq], factor: fmpq, y: Sequence[fmpq]) -> list[fmpq]:
    """``x + factor y``."""
    return [p + factor * q for p, q in zip(x, y, strict=True)]


def short(x: fmpq) -> fmpq:
    """A little more than a positive number, with few binary digits."""
    scale = fmpq(2) ** (64 + int(x.q).bit_length() - int(x.p).bit_length())
    return fmpq((x * scale).ceil()) / scale


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
        units = units_of(claims)
        problem = feasibility(claims, units)
        if ratio := units.excess(problem, Clock(time_limit)):
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

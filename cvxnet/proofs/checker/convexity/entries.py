"""What the nodes of a document are, entry by entry, as terms.

Atoms that only move entries are moved by the formulas that evaluate them; the others have a line
here, which says what each entry is made of. What has no line is no term, and nothing is proved
about expressions that hold it. Where an atom asks for arguments >= 0 or > 0, that is written down:
the statement is about points where the expression has a value, so it holds for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from flint import fmpq

from ..arrays import (
    Array,
    accumulated,
    axes_of,
    entrywise,
    groups,
    reduced,
    require,
    reshaped,
)
from ..atoms import FORMULAS
from ..document import RefusalError
from ..matrices import exactly_semidefinite, negated
from ..scalars import HALF, ONE, ZERO, is_everywhere
from ..witness import ATTRIBUTES, read_options
from .statement import Bounds, Statement
from .terms import Terms

MOST_ENTRIES = 20_000
MOVES = {
    *("Promote", "broadcast_to", "reshape", "transpose", "index", "special_index", "Hstack"),
    *("Vstack", "Concatenate", "diag_vec", "diag_mat", "upper_tri", "real", "conj"),
}
ASSERTIONS = {"psd_wrap", "nsd_wrap", "symmetric_wrap", "skew_symmetric_wrap", "hermitian_wrap"}
UNREAD = {"complex", "imag", "hermitian", "skew_symmetric"}
"""Attributes of leaves that are no real entries, or entries with more laws than are read here."""


class Restriction(NamedTuple):
    """The values of a term that an atom asks for: at least ``low``, or above it."""

    place: int
    low: fmpq
    strict: bool


class Entries:
    """The entries of nodes as terms, with the restrictions that the atoms put on them."""

    def __init__(self, statement: Statement, nonneg: set[Any] | None = None) -> None:
        self.statement = statement
        self.known_nonneg = nonneg or set[Any]()
        self.terms = Terms(self.leaf_is_nonneg)
        self.restrictions: set[Restriction] = set()
        self.bounds: dict[int, Bounds] = {}
        self.arrays: dict[int, Array] = {}

    def leaf_is_nonneg(self, leaf: Any) -> bool:
        """Whether an entry of a leaf is >= 0 by its bounds or by what atoms ask for."""
        if leaf in self.known_nonneg:
            return True
        if leaf[0] == "inner":  # stands for a part, and says so itself
            return bool(leaf[1])
        low = self.bounds_of(leaf[0])[leaf[1]][0]
        return low is not None and bool(low >= 0)

    def bounds_of(self, place: int) -> Bounds:
        """The bounds of a leaf."""
        if place not in self.bounds:
            self.bounds[place] = self.statement.bounds(place)
        return self.bounds[place]

    def of(self, root: int) -> Array:
        """The terms of a node."""
        for place in below(self.statement, root):
            if place not in self.arrays:
                self.arrays[place] = self.node(place)
        return self.arrays[root]

    def node(self, place: int) -> Array:
        """The terms of a node whose arguments are known."""
        node = self.statement.nodes[place]
        name, shape = node["atom"], tuple(node["shape"])
        if name == "leaf":
            return self.leaf(place)
        if name == "constant":
            constant = self.statement.constants[place]
            return Array(shape, [self.terms.number(t) for t in constant.entries])
        arguments = [self.arrays[k] for k in node["args"]]
        options = read_options(node["options"])
        if name in MOVES:
            found = FORMULAS[name](*arguments, **options)
            entries = [self.terms.number(t) if t is ZERO else t for t in found.entries]
            found = Array(found.shape, entries)
        else:
            require(name in ATOMS, f"nothing is proved here about {name}")
            found = ATOMS[name](self, *arguments, **options)
        require(found.shape == shape, f"{name} has not the shape {shape}")
        require(len(found.entries) <= MOST_ENTRIES, "an expression of too many entries")
        return found

    def leaf(self, place: int) -> Array:
        """Entries of a leaf; those that are equal by an attribute are one."""
        node = self.statement.nodes[place]
        attributes, shape = set(node["attributes"]), tuple(node["shape"])
        require(not attributes & UNREAD, "a leaf of a kind that is not read here")
        mirrored = bool(attributes & {"symmetric", "PSD", "NSD"} & set(ATTRIBUTES))
        entries = []
        for k, (low, high) in enumerate(self.bounds_of(place)):
            row, column = divmod(k, shape[1]) if len(shape) == 2 else (0, k)
            if low is not None and low == high:
                entries.append(self.terms.number(low))
            elif "diag" in attributes and row != column:
                entries.append(self.terms.number(0))
            else:
                own = min(k, column * shape[1] + row) if mirrored else k
                entries.append(self.terms.leaf((place, own)))
        return Array(shape, entries)

    # ------------------------------------------- what atoms are made of

    def above(self, place: int, low: fmpq | int = 0, *, strict: bool = False) -> int:
        """The term, of which an atom asks that it be at least ``low``, or above it."""
        self.restrictions.add(Restriction(place, fmpq(low), strict))
        return place

    def total(self, row: Iterable[int]) -> int:
        """The sum."""
        return self.terms.add((ONE, t) for t in row)

    def product(self, row: Iterable[int]) -> int:
        """The product."""
        return self.terms.multiply((t, ONE) for t in row)

    def power(self, t: int, p: Any) -> int:
        """``t^p`` on the domain of CVXPY's power."""
        require(isinstance(p, fmpq | int), "a power that is not known")
        p = fmpq(p)
        if not is_everywhere(p):
            self.above(t, strict=bool(p < 0))
        return self.terms.power(t, p)

    def quotient(self, s: int, t: int) -> int:
        """``s / t``."""
        return self.terms.multiply([(s, ONE), (t, fmpq(-1))])

    def function(self, name: str, t: int, **options: Any) -> int:
        """A function of one number."""
        return self.terms.call(name, t, options=tuple(sorted(options.items())))

    def logarithm(self, t: int) -> int:
        """``log t`` for t > 0."""
        return self.terms.call("log", self.above(t, strict=True))

    def logistic(self, t: int) -> int:
        """``log(1 + exp t)``."""
        return self.terms.call("log", self.terms.add([(ONE, self.terms.call("exp", t))], 1))

    def entropy(self, t: int) -> int:
        """``-t log t`` for t >= 0."""
        return self.terms.call("entr", self.above(t))

    def relative_entropy(self, s: int, t: int) -> int:
        """``s log(s / t)`` for s >= 0, t > 0, as the limit from s > 0."""
        ratio = self.quotient(self.above(s), self.above(t, strict=True))
        return self.product([s, self.terms.call("log", ratio)])

    def magnitudes(self, row: Iterable[int]) -> list[int]:
        """The absolute values."""
        return [self.terms.call("abs", t) for t in row]

    def leaky(self, t: int, slope: fmpq) -> int:
        """``max(t, 0) + slope min(t, 0)``, one maximum or minimum."""
        if slope == 0:
            return self.terms.call("max", t, self.terms.number(0))
        lower = self.terms.add([(slope, t)])
        return self.terms.call("max" if slope <= 1 else "min", t, lower)

    def norm(self, row: list[int], p: fmpq) -> int:
        """``(sum |t|^p)^(1/p)``; below p = 1 for t >= 0."""
        row = self.magnitudes(row) if p >= 1 else [self.above(t, strict=p < 0) for t in row]
        return self.terms.power(self.total(self.terms.power(t, p) for t in row), 1 / p)

    def geometric_mean(self, row: list[int], weights: Array) -> int:
        """``prod t^w`` for t >= 0."""
        pairs = zip(row, weights.entries, strict=True)
        return self.terms.multiply((self.above(t), w) for t, w in pairs if w)

    def squares(self, row: list[int], y: int) -> int:
        """``sum t^2 / y`` for y > 0."""
        top = self.total(self.terms.power(t, 2) for t in row)
        return self.quotient(top, self.above(y, strict=True))

    def log_sum_exp(self, row: list[int]) -> int:
        """``log sum exp t``."""
        return self.terms.call("log", self.total(self.terms.call("exp", t) for t in row))

    def form(self, x: Array, P: Array) -> int:
        """``x' P x`` for a fixed P; one whole where P is semidefinite."""
        values = Array(P.shape, [self.fixed(t) for t in P.entries])
        mirror = Array(P.shape, [ONE * t for t in values.entries])
        symmetrical = entrywise(lambda s, t: (s + t) * HALF, values, FORMULAS["transpose"](mirror))
        for sign, matrix in ((1, symmetrical), (-1, negated(symmetrical))):
            if exactly_semidefinite(matrix):
                whole = self.terms.call("form", *x.entries, options=tuple(matrix.entries))
                return self.terms.add([(sign, whole)])
        raise RefusalError("a form that is indefinite")

    def fixed(self, place: int) -> fmpq:
        """The value of a term that is a number."""
        require(self.terms[place].kind == "number", "a matrix that is not known")
        return fmpq(self.terms[place].data)

    def asserted(self, x: Array, of_unknowns: bool, sign: int) -> Array:
        """Values of one sign: of unknowns, that is a restriction; of constants, it may be false."""
        if of_unknowns:
            for t in x.entries:
                self.above(self.terms.add([(sign, t)]))
        return x


def below(statement: Statement, root: int) -> list[int]:
    """The nodes that a node is made of, arguments first."""
    found, waiting = {root}, [root]
    while waiting:
        for k in statement.nodes[waiting.pop()].get("args", ()):
            if k not in found:
                found.add(k)
                waiting.append(k)
    return sorted(found)


Making = Callable[..., Array]


def each(function: Callable[..., int]) -> Making:
    """Entry by entry."""

    def making(entries: Entries, *arrays: Array, **options: Any) -> Array:
        return entrywise(lambda *row: function(entries, *row, **options), *arrays)

    return making


def along(function: Callable[..., int]) -> Making:
    """Along an axis."""

    def making(
        entries: Entries, x: Array, axis: Any = None, keepdims: bool = False, **options: Any
    ) -> Array:
        falling = axis if axis is None else axes_of(x, axis)[::-1]
        return reduced(lambda row: function(entries, row, **options), x, falling, keepdims)

    return making


def named(name: str) -> Making:
    """A function of one number, entry by entry."""
    return each(lambda entries, t, **options: entries.function(name, t, **options))


def divided(entries: Entries, x: Array, y: Array) -> Array:
    """Entry by entry; a matrix of one entry is a number here, CVXPY keeps the shape of x."""
    value = entrywise(entries.quotient, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def multiplied(entries: Entries, left: Array, right: Array) -> Array:
    """The product of numbers, vectors and matrices."""
    if not left.shape or not right.shape:
        return entrywise(lambda s, t: entries.product([s, t]), left, right)
    require(len(left.shape) <= 2 and len(right.shape) <= 2, "a product of stacks of matrices")
    rows = groups(left, [len(left.shape) - 1])
    columns = groups(right, [0])
    require(len(left.shape) == 1 or len(rows) == left.shape[0], "a product without entries")
    require(left.shape[-1] == right.shape[0], "a product of matrices that do not fit")
    require(len(rows) * len(columns) <= MOST_ENTRIES, "an expression of too many entries")
    found = [
        entries.total(entries.product(pair) for pair in zip(row, column, strict=True))
        for row in rows
        for column in columns
    ]
    return Array((*left.shape[:-1], *right.shape[1:]), found)


def kronecker(entries: Entries, A: Array, B: Array) -> Array:
    """Blocks of B, one for each entry of A."""
    (m, n), (p, q) = A.shape, B.shape
    a, b = Array((m, 1, n, 1), A.entries), Array((1, p, 1, q), B.entries)
    blocks = entrywise(lambda s, t: entries.product([s, t]), a, b)
    return reshaped(blocks, (m * p, n * q))


def one_number(function: Callable[..., int]) -> Making:
    """A number made of whole arrays."""
    return lambda entries, *arrays, **options: Array((), [function(entries, *arrays, **options)])


def over(entries: Entries, x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y``."""
    return reduced(lambda row: entries.squares(row, y.entries[0]), x, axis, keepdims)


MAXIMUM = each(lambda entries, *row: entries.terms.call("max", *row))
MINIMUM = each(lambda entries, *row: entries.terms.call("min", *row))
ATOMS: Mapping[str, Making] = {
    "AddExpression": each(lambda entries, *row: entries.total(row)),
    "NegExpression": each(lambda entries, t: entries.terms.add([(-1, t)])),
    "Not": each(lambda entries, t: entries.terms.add([(-1, t)], 1)),
    "one_minus_pos": each(lambda entries, t: entries.terms.add([(-1, t)], 1)),
    "multiply": each(lambda entries, *row: entries.product(row)),
    "DivExpression": divided,
    "MulExpression": multiplied,
    "kron": kronecker,
    "Sum": along(lambda entries, row: entries.total(row)),
    "Trace": one_number(lambda entries, x: entries.total(x.entries[:: x.shape[-1] + 1])),
    "cumsum": lambda entries, x, axis: accumulated(lambda s, t: entries.total([s, t]), x, axis),
    "cumprod": lambda entries, x, axis: accumulated(lambda s, t: entries.product([s, t]), x, axis),
    "cummax": lambda entries, x, axis: accumulated(
        lambda s, t: entries.terms.call("max", s, t), x, axis
    ),
    "Prod": along(lambda entries, row: entries.product(row)),
    "nonneg_wrap": lambda entries, x, of_unknowns: entries.asserted(x, of_unknowns, 1),
    "nonpos_wrap": lambda entries, x, of_unknowns: entries.asserted(x, of_unknowns, -1),
    **{name: lambda entries, x, of_unknowns: x for name in ASSERTIONS},
    "maximum": MAXIMUM,
    "minimum": MINIMUM,
    "And": MINIMUM,
    "Or": MAXIMUM,
    "max": along(lambda entries, row: entries.terms.call("max", *row)),
    "min": along(lambda entries, row: entries.terms.call("min", *row)),
    "norm1": along(lambda entries, row: entries.total(entries.magnitudes(row))),
    "norm_inf": along(lambda entries, row: entries.terms.call("max", *entries.magnitudes(row))),
    "Pnorm": along(Entries.norm),
    "log_sum_exp": along(Entries.log_sum_exp),
    "GeoMean": along(Entries.geometric_mean),
    "quad_over_lin": over,
    "QuadForm": one_number(Entries.form),
    "Power": each(Entries.power),
    "exp": each(lambda entries, t: entries.terms.call("exp", t)),
    "log": each(Entries.logarithm),
    "log1p": each(lambda entries, t: entries.logarithm(entries.terms.add([(ONE, t)], 1))),
    "logistic": each(Entries.logistic),
    "entr": each(Entries.entropy),
    "rel_entr": each(Entries.relative_entropy),
    "kl_div": each(
        lambda entries, s, t: entries.terms.add(
            [(1, entries.relative_entropy(s, t)), (-1, s), (1, t)]
        )
    ),
    "xexp": each(
        lambda entries, t: entries.product([entries.above(t), entries.function("exp", t)])
    ),
    "abs": each(lambda entries, t: entries.terms.call("abs", t)),
    "huber": named("huber"),
    "tanh": named("tanh"),
    "normcdf": named("normcdf"),
    "sinh": named("sinh"),
    "asinh": named("asinh"),
    "sin": named("sin"),
    "cos": named("cos"),
    "cvxnet.tanh": named("tanh"),
    "cvxnet.sigmoid": named("cvxnet.sigmoid"),
    "cvxnet.elu": named("cvxnet.elu"),
    "cvxnet.hardtanh": each(
        lambda entries, t, low, high: entries.terms.call(
            "min",
            entries.terms.call("max", t, entries.terms.number(low)),
            entries.terms.number(high),
        )
    ),
    "cvxnet.leaky_relu": each(Entries.leaky),
    "cvxnet.squareplus": each(
        lambda entries, t, b: entries.terms.add(
            [
                (HALF, t),
                (HALF, entries.power(entries.terms.add([(1, entries.power(t, 2))], b), HALF)),
            ]
        )
    ),
    "cvxnet.silu": each(
        lambda entries, t: entries.product([t, entries.function("cvxnet.sigmoid", t)])
    ),
    "cvxnet.gelu": each(lambda entries, t: entries.product([t, entries.function("normcdf", t)])),
}

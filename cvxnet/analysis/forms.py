"""Exact normal forms: a quadratic plus ridge functions, one term for each hyperplane.

``f(x) = c + b.x + x'Qx + sum_h w_h relu(h(x)) + sum_k w_k phi_k(g_k(x))`` with affine h and g, all
coefficients rational. Parallel units meet on one hyperplane: ``relu(-t) = relu(t) - t`` and
``relu(s t) = s relu(t)`` bring every hinge into one normal form, so their slope jumps add up and
cancel. What is left of each hyperplane decides convexity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import cvxpy as cp
import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from cvxnet.analysis.atoms import at_points, evaluate, profile_of
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.quadratics import is_psd
from cvxnet.analysis.tape import Batch, Node, Tape
from cvxnet.functions.arithmetic import Rationals, Undecided, as_rational, entrywise
from cvxnet.functions.catalogue import exp_profile, log_profile
from cvxnet.functions.profile import Profile

ZERO, ONE = fmpq(0), fmpq(1)
LIMIT = 4000


class Line(tuple[fmpq, tuple[tuple[int, fmpq], ...]]):
    """An affine function as a key: its constant and its sorted coefficients.

    The hash of many rationals is slow, and one line is looked up many times, so it is kept.
    """

    def __hash__(self) -> int:
        if "kept" not in self.__dict__:
            self.kept = super().__hash__()
        return self.kept


Scalar: TypeAlias = fmpq | Fraction | float
Name: TypeAlias = str | tuple[str, tuple[str, ...]]
"""A function's name, with its options to the last bit where it has some."""
Ridge: TypeAlias = tuple[Name, Line]
Ridges: TypeAlias = dict[Ridge, tuple[fmpq, Profile]]
Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Form:
    """One entry in normal form; arithmetic raises `Undecided` where the result has none.

    Attributes
    ----------
    constant : fmpq
    linear : dict of variable index to fmpq
    quadratic : dict of (i, j), i <= j, to fmpq
    hinges : dict of affine function to fmpq
        ``relu`` of each normalised affine function, with its weight (the jump of the slope).
    ridges : dict of (name, affine function) to (fmpq, Profile)
        Smooth functions of affine functions.
    convex_parts : dict of name to fmpq
        Functions recognised as convex as a whole (norms, log-sum-exps), with their weights.
    """

    constant: fmpq = ZERO
    linear: dict[int, fmpq] = field(default_factory=dict)
    quadratic: dict[tuple[int, int], fmpq] = field(default_factory=dict)
    hinges: dict[Line, fmpq] = field(default_factory=dict)
    ridges: Ridges = field(default_factory=dict)
    convex_parts: dict[tuple[Any, ...], fmpq] = field(default_factory=dict)

    @property
    def affine(self) -> bool:
        """Whether nothing but a constant and linear terms is left."""
        return not (self.quadratic or self.hinges or self.ridges or self.convex_parts)

    @property
    def polynomial(self) -> bool:
        """Whether it is a polynomial of degree at most two."""
        return not (self.hinges or self.ridges or self.convex_parts)

    def line(self) -> Line:
        """The affine function as a key."""
        return Line((self.constant, tuple(sorted(self.linear.items()))))

    def __add__(self, other: Form | Scalar) -> Form:
        other = as_form(other)
        result = Form(
            self.constant + other.constant,
            merged(self.linear, other.linear),
            merged(self.quadratic, other.quadratic),
            merged(self.hinges, other.hinges),
            merged_ridges(self.ridges, other.ridges),
            merged(self.convex_parts, other.convex_parts),
        )
        if len(result.hinges) + len(result.ridges) + len(result.quadratic) > LIMIT:
            raise Undecided("too many terms")
        return result

    __radd__ = __add__

    def scaled(self, factor: fmpq) -> Form:
        """``factor * f``."""
        if factor == 0:
            return Form()
        ridges = {key: (factor * w, profile) for key, (w, profile) in self.ridges.items()}
        return Form(
            factor * self.constant,
            times(factor, self.linear),
            times(factor, self.quadratic),
            times(factor, self.hinges),
            ridges,
            times(factor, self.convex_parts),
        )

    def __neg__(self) -> Form:
        return self.scaled(fmpq(-1))

    def __sub__(self, other: Form | Scalar) -> Form:
        return self + -as_form(other)

    def __rsub__(self, other: Form | Scalar) -> Form:
        return -self + other

    def __mul__(self, other: Form | Scalar) -> Form:
        other = as_form(other)
        for one, two in ((self, other), (other, self)):
            if one.affine and not one.linear:
                return two.scaled(one.constant)
        if not (self.affine and other.affine):
            return entropy(self, other)
        return multiplied(self, other)

    __rmul__ = __mul__

    def __pow__(self, power: int) -> Form:
        if power != 2:
            raise Undecided("only squares have a normal form")
        return self * self


def as_form(value: Form | Scalar) -> Form:
    """A number as a constant form."""
    return value if isinstance(value, Form) else Form(as_rational(value))


def times(factor: fmpq, terms: dict[Key, fmpq]) -> dict[Key, fmpq]:
    """A multiple of coefficients."""
    return {key: factor * value for key, value in terms.items()}


def merged(one: dict[Key, fmpq], two: dict[Key, fmpq]) -> dict[Key, fmpq]:
    """The sum of two dicts of coefficients, without zeros."""
    if not two:
        return one
    total = dict(one)
    for key, value in two.items():
        total[key] = total.get(key, ZERO) + value
    return {key: value for key, value in total.items() if value != 0}


def merged_ridges(one: Ridges, two: Ridges) -> Ridges:
    """The sum of two dicts of ridges."""
    if not two:
        return one
    total = dict(one)
    for key, (weight, profile) in two.items():
        total[key] = (total[key][0] + weight if key in total else weight, profile)
    return {key: value for key, value in total.items() if value[0] != 0}


def multiplied(one: Form, two: Form) -> Form:
    """The product of two affine forms."""
    quadratic: dict[tuple[int, int], fmpq] = {}
    for i, v in one.linear.items():
        for j, w in two.linear.items():
            key = (min(i, j), max(i, j))
            quadratic[key] = quadratic.get(key, ZERO) + v * w
    linear = merged(
        {i: v * two.constant for i, v in one.linear.items()},
        {j: w * one.constant for j, w in two.linear.items()},
    )
    return Form(
        one.constant * two.constant,
        merged(linear, {}),
        {key: value for key, value in quadratic.items() if value != 0},
    )


def entropy(one: Form, two: Form) -> Form:
    """``t log(t)`` is convex for affine t; other products have no normal form."""
    for t, log in ((one, two), (two, one)):
        others = (log.linear, log.quadratic, log.hinges, log.convex_parts)
        if t.affine and len(log.ridges) == 1 and not any(others) and log.constant == 0:
            ((name, line), (weight, _)) = next(iter(log.ridges.items()))
            if name == "log" and line == t.line():
                return Form(convex_parts={("t log t", line): weight})
    raise Undecided("a product of higher degree")


def hinge(form: Form) -> Form:
    """``relu(form)`` in normal form: the first coefficient is one."""
    if not form.affine:
        raise Undecided("a hinge of something that is not affine")
    if not form.linear:
        return Form(max(form.constant, ZERO))
    lead = form.linear[min(form.linear)]
    size = abs(lead)
    line = form.scaled(1 / size if lead > 0 else -1 / size)
    hinged = Form(hinges={line.line(): size})
    return hinged if lead > 0 else hinged - line.scaled(size)


def ridge(form: Form, profile: Profile, name: Name) -> Form:
    """``phi(form)``, mirrored so that the first coefficient is positive where phi allows it."""
    if not form.affine:
        raise Undecided("a ridge of something that is not affine")
    lead = form.linear[min(form.linear)] if form.linear else ONE
    if lead > 0 or profile.mirror is None:
        return Form(ridges={(name, form.line()): (ONE, profile)})
    sigma, slope, offset = map(as_rational, profile.mirror)
    line = -form  # phi(-t) = sigma phi(t) + slope t + offset with t = line
    mirrored = Form(ridges={(name, line.line()): (ONE, profile)}).scaled(sigma)
    return mirrored + line.scaled(slope) + Form(offset)


class FormArithmetic(Rationals):
    """Arithmetic on forms, for the operations of `cvxnet.analysis.operations`."""

    def maximum(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_form(t) + hinge(as_form(s) - t), a, b)

    def minimum(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_form(t) - hinge(as_form(t) - s), a, b)

    def absolute(self, t: Batch) -> Batch:
        return entrywise(lambda s: hinge(as_form(s)) + hinge(-as_form(s)), t)

    def log_sum_exp(self, t: Batch) -> Batch:
        values = np.empty((*t.shape[:-1], 1), dtype=object)
        for place in np.ndindex(t.shape[:-1]):
            values[place][0] = log_sum_exp([as_form(s) for s in t[place]])
        return values

    def power(self, t: Batch, p: Fraction) -> Batch:
        return entrywise(lambda s: form_power(as_form(s), p), t)

    def divide(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_form(s).scaled(1 / constant_of(t)), a, b)


def constant_of(value: Form | Scalar) -> fmpq:
    """The value of a constant form other than zero."""
    form = as_form(value)
    if not form.affine or form.linear or form.constant == 0:
        raise Undecided("division by something that is not a constant")
    return form.constant


def form_power(form: Form, p: Fraction) -> Form:
    """Squares, and square roots of squared norms."""
    if p == 2:
        return form * form
    if p == 1:
        return form
    if form.affine and not form.linear and form.constant > 0 and p.denominator == 1:
        return Form(form.constant ** int(p))
    if p == Fraction(1, 2) and form.polynomial and is_psd(bordered(form)):
        key = ("norm", form.line(), tuple(sorted(form.quadratic.items())))
        return Form(convex_parts={key: ONE})
    raise Undecided(f"the power {p}")


def bordered(form: Form) -> NDArray[np.object_]:
    """``[[Q, b/2], [b/2, c]]``: the square root of the form is a norm if this is PSD."""
    indices = sorted({i for pair in form.quadratic for i in pair} | set(form.linear))
    matrix = hessian(form, indices)
    half = fmpq(1, 2)
    size = len(indices)
    full = np.full((size + 1, size + 1), ZERO, dtype=object)
    full[:size, :size] = matrix * half
    for k, i in enumerate(indices):
        full[k, size] = full[size, k] = form.linear.get(i, ZERO) * half
    full[size, size] = form.constant
    return full


def hessian(form: Form, indices: list[int]) -> NDArray[np.object_]:
    """The second derivatives of the quadratic part."""
    place = {i: k for k, i in enumerate(indices)}
    matrix = np.full((len(indices), len(indices)), ZERO, dtype=object)
    for (i, j), value in form.quadratic.items():
        matrix[place[i], place[j]] += value
        matrix[place[j], place[i]] += value
    return matrix


FORMS = FormArithmetic()


def normal_forms(tape: Tape, unknowns: tuple[Node, ...]) -> Batch:
    """The expression's entries as forms, an object array; `Undecided` where one has none."""
    points, start = {}, 0
    for leaf in unknowns:
        variables = [Form(ZERO, {start + k: ONE}) for k in range(leaf.size)]
        array = np.empty(leaf.size, dtype=object)
        array[:] = variables
        points[id(leaf)] = array.reshape(1, *leaf.shape)
        start += leaf.size
    values = tape.evaluate(at_points(points, FORMS), apply)
    return entrywise(as_form, values[-1]).reshape(tape.nodes[-1].shape)


def apply(node: Node, values: list[Batch]) -> Batch:
    """One operation on forms."""
    profile = profile_of(node)
    if profile is None or exponent_of(node) in (1, 2, Fraction(1, 2)):
        return evaluate(node, values, FORMS)  # the arithmetic knows squares and norms
    if profile.name == "log":
        return entrywise(log_of, values[0])
    if profile.kinks is not None and profile.tails is not None:
        return entrywise(lambda t: piecewise(as_form(t), profile), values[0])
    options = tuple(exact_option(option) for option in node.get_data() or ())
    key = (profile.name, options) if options else profile.name
    return entrywise(lambda t: ridge(as_form(t), profile, key), values[0])


def exact_option(option: Any) -> str:
    """An option to the last bit: two functions are only the same if their options are."""
    return float(option.value).hex() if isinstance(option, cp.Constant) else str(option)


def piecewise(form: Form, profile: Profile) -> Form:
    """A piecewise-linear function as its left tail plus one hinge a kink."""
    left, _, at_zero = map(as_rational, profile.tails or ())
    total, origin = form.scaled(left), at_zero
    for position, jump in profile.kinks or ():
        place, weight = as_rational(position), as_rational(jump)
        total = total + hinge(form - Form(place)).scaled(weight)
        origin = origin - weight * max(-place, ZERO)
    return total + Form(origin)


def log_of(value: Form | Scalar) -> Form:
    """The logarithm of a positive sum of exponentials is convex; of an affine form, a ridge."""
    form = as_form(value)
    if form.ridges and is_sum_of_exponentials(form):
        terms = tuple(sorted((line, w) for (_, line), (w, _) in form.ridges.items()))
        return Form(convex_parts={("log-sum-exp", terms, form.constant): ONE})
    return ridge(form, log_profile(), "log")


def log_sum_exp(exponents: list[Form]) -> Form:
    """The logarithm of a sum of exponentials of affine forms, written as `log_of` writes it."""
    total = Form()
    for form in exponents:
        is_one = form.affine and not form.linear and form.constant == 0
        total = total + (Form(ONE) if is_one else ridge(form, exp_profile(), "exp"))
    return log_of(total)


def is_sum_of_exponentials(form: Form) -> bool:
    """Whether the form is made of positive multiples of exponentials and a constant >= 0."""
    rest = form.linear or form.quadratic or form.hinges or form.convex_parts
    return (
        form.constant >= 0
        and not rest
        and all(name == "exp" and weight > 0 for (name, _), (weight, _) in form.ridges.items())
    )

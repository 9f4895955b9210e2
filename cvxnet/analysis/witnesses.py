"""Counterexamples: three points on a segment, as the independent checker has proved them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb, fmpq

from cvxnet.analysis.atoms import values_of
from cvxnet.analysis.documents import counterexample_document
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.analysis.tape import Tape, short
from cvxnet.data.validation import as_floats, check_finite
from cvxnet.errors import InputError
from cvxnet.functions.arithmetic import as_fraction
from cvxnet.proofs.checker.witness import WitnessResult, check_witness
from cvxnet.types import Array

Values = Mapping[int, Array]


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """Points a and b whose midpoint lies on the wrong side of the chord.

    Attributes
    ----------
    refutes : str
        "convex" or "concave"; "set" where the ends are feasible and the midpoint is not.
    a, b : mapping of leaf name to array
        The ends of the segment. Of several leaves of one name the later ones are "x#2", "x#3", ...
    fixed : mapping of leaf name to array
        The values of weights and data for which convexity fails, where those were free.
    entry : tuple of int
        The output entry that fails.
    f_a, f_b, f_middle, chord : float
        Its values, rounded; ``chord`` is the mean of ``f_a`` and ``f_b``. For a set, by how much
        the points break the constraint (not at all where that is not above zero).
    arithmetic : str
        "rational" or "ball": how the violation was verified.
    gap : str
        The verified violation ``|f(middle) - chord|``, exact or as a ball.
    found_by : str
        How it was found.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from cvxnet.analysis import convexity
    >>> x = cp.Variable(name="x")
    >>> witness = convexity(cp.square(cp.square(x) - 1)).counterexample
    >>> sorted(float(point["x"]) for point in (witness.a, witness.b)), witness.gap
    ([-1.0, 1.0], '1')
    >>> witness.verify()
    True
    """

    refutes: str
    a: Mapping[str, Array]
    b: Mapping[str, Array]
    fixed: Mapping[str, Array]
    entry: tuple[int, ...]
    f_a: float
    f_b: float
    f_middle: float
    chord: float
    arithmetic: str
    gap: str
    found_by: str = ""
    _question: Question = field(repr=False, compare=False)
    _segment: Segment = field(repr=False, compare=False)

    def __repr__(self) -> str:
        if self.refutes == "set":
            return "<Counterexample: a and b are feasible, their midpoint is not>"
        ends = f"f(a) = {self.f_a:.6g}, f(b) = {self.f_b:.6g}, f(middle) = {self.f_middle:.6g}"
        return f"<Counterexample to {self.refutes}: {ends}>"

    @property
    def middle(self) -> dict[str, Array]:
        """The midpoint of a and b."""
        return {name: 0.5 * (value + self.b[name]) for name, value in self.a.items()}

    def along(self, t: Any) -> Array:
        """The function on the segment, in floating point: only both ends and the middle are proved.

        Parameters
        ----------
        t : array (k,)
            0 is a, 1 is b, 0.5 the midpoint.

        Returns
        -------
        array (k,)
            Of a set: the largest number by which ``(1 - t) a + t b`` breaks a constraint.

        Examples
        --------
        >>> import cvxpy as cp
        >>> from cvxnet.analysis import convexity
        >>> x = cp.Variable(name="x")
        >>> convexity(cp.square(cp.square(x) - 1)).counterexample.along([0.0, 0.5, 1.0])
        array([0., 1., 0.])
        """
        t, leaves = as_floats(t, "t"), self._leaves()
        space = Space(self._question, self._question.tape())
        points = {leaves[name]: value[None] for name, value in self.fixed.items()}
        for name, a in self.a.items():
            part = t.reshape(-1, *[1] * a.ndim)
            points[leaves[name]] = (1.0 - part) * a + part * self.b[name]
        if self.refutes == "set":
            limits = values_of(space.limits, points)[-1]
            return np.broadcast_to(limits, (len(t), *limits.shape[1:])).reshape(len(t), -1).max(1)
        values = values_of(space.tape, points)[-1]
        rows = np.broadcast_to(values, (len(t), *values.shape[1:]))
        return np.array([row[self.entry] for row in rows])

    def _leaves(self) -> dict[str, int]:
        """The id of each leaf, by its name here."""
        return {name: k for k, name in distinct_names(self._question).items()}

    @property
    def segment(self) -> Segment:
        """The points by the id of their leaf: fractions where doubles would be rounded."""
        leaves, kept = self._leaves(), self._segment

        def exact(named: Mapping[str, Array], found: Values) -> dict[int, Array]:
            values = {leaves[name]: value for name, value in named.items()}
            same = {k: np.array_equal(v, rounded(found[k])) for k, v in values.items()}
            return {k: found[k] if same[k] else v for k, v in values.items()}

        a, b = exact(self.a, kept.a), exact(self.b, kept.b)
        return Segment(a, b, exact(self.fixed, kept.fixed), self.entry, self.found_by)

    def verify(self) -> bool:
        """Compute the violation again, from the expression and the points alone."""
        return prove(self._question, self.segment, self.refutes).proved

    def claim(self) -> dict[str, Any]:
        """What it proves, as the independent checker reads it."""
        points_of = self.segment
        ends = points_of.a, points_of.b, points_of.fixed
        points = counterexample_document(self._question, ends, self.refutes, self.entry)
        proof = {name: points.pop(name) for name in ("entry", "a", "b", "fixed")}
        says = "set not convex" if points.pop("refutes") == "set" else f"not {self.refutes}"
        return {**points, "says": says, "proof": {"kind": "counterexample", **proof}}

    def at(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> Counterexample | None:
        """The counterexample to the same question at two other points; None where they are none.

        Parameters
        ----------
        a, b : mapping of leaf name to array
            The ends of the segment, as in ``a`` and ``b``. What is fixed stays.

        Returns
        -------
        Counterexample or None
            Verified as this one was.

        Raises
        ------
        InputError
            For other names or shapes.

        Examples
        --------
        >>> import cvxpy as cp
        >>> from cvxnet.analysis import convexity
        >>> x = cp.Variable(name="x")
        >>> witness = convexity(cp.square(cp.square(x) - 1)).counterexample
        >>> witness.at({"x": -0.5}, {"x": 0.5}).gap, witness.at({"x": 1.0}, {"x": 2.0})
        ('7/16', None)
        """
        leaves = self._leaves()
        first, last, fixed = (
            {leaves[name]: value for name, value in part.items()}
            for part in (self.moved(a), self.moved(b), self.fixed)
        )
        segment = Segment(first, last, fixed, self.entry, "points that were given")
        return verify(self._question, segment, self.refutes)

    def moved(self, point: Mapping[str, Any]) -> dict[str, Array]:
        """Another end of the segment, of the same names and shapes."""
        found = {name: np.asarray(as_floats(value, name)) for name, value in point.items()}
        expected = {name: value.shape for name, value in self.a.items()}
        if {name: value.shape for name, value in found.items()} != expected:
            given = {name: value.shape for name, value in found.items()}
            raise InputError(f"a point has values of shapes {given}; expected {expected}.")
        for name, value in found.items():
            check_finite(value, name)
        return found

    def lines(self) -> list[str]:
        """The counterexample, as one would write it on a blackboard."""
        lines = self.point_lines()
        if self.refutes == "set":
            return [*lines, f"a and b are feasible, the midpoint is not: {self.found_by}"]
        side = "above" if self.refutes == "convex" else "below"
        entry = f"[{', '.join(map(str, self.entry))}]" if any(self.entry) else ""
        return [
            *lines,
            f"f{entry}(a) = {self.f_a:.6g}, f{entry}(b) = {self.f_b:.6g}, mean {self.chord:.6g}",
            f"f{entry}(midpoint) = {self.f_middle:.6g}, {side} the mean by {self.gap} "
            f"({self.arithmetic} arithmetic)",
        ]

    def point_lines(self) -> list[str]:
        """What is fixed and the ends of the segment, where they are not zero."""
        fixed = {name: value for name, value in self.fixed.items() if np.any(value)}
        moving = [n for n in self.a if np.any(self.a[n]) or np.any(self.b[n])]
        lines = [f"{name} = {show_value(value)} (fixed)" for name, value in fixed.items()]
        for end, points in (("a", self.a), ("b", self.b)):
            lines += [f"{end}: {name} = {show_value(points[name])}" for name in moving]
        short = len(fixed) < len(self.fixed) or len(moving) < len(self.a)
        return [*lines, "everything else is 0"] if short else lines

    def to_dict(self) -> dict[str, Any]:
        """The counterexample as JSON types, its points as nested lists."""

        def lists(values: Mapping[str, Array]) -> dict[str, Any]:
            return {name: value.tolist() for name, value in values.items()}

        return {
            "refutes": self.refutes,
            "a": lists(self.a),
            "b": lists(self.b),
            "middle": lists(self.middle),
            "fixed": lists(self.fixed),
            "entry": list(self.entry),
            "f_a": self.f_a,
            "f_b": self.f_b,
            "f_middle": self.f_middle,
            "chord": self.chord,
            "gap": self.gap,
            "arithmetic": self.arithmetic,
            "found_by": self.found_by,
        }


def prove(question: Question, segment: Segment, refutes: str) -> WitnessResult:
    """What the independent checker says of these points."""
    points = segment.a, segment.b, segment.fixed
    return check_witness(counterexample_document(question, points, refutes, segment.entry))


def verify(question: Question, segment: Segment, refutes: str) -> Counterexample | None:
    """The counterexample, if the checker proves it; None otherwise."""
    result = prove(question, segment, refutes)
    if not result.proved:
        return None
    names, found_by = distinct_names(question), segment.found_by
    f_a, f_b, f_middle = result.values
    if result.broken is not None:
        found_by = f"the midpoint breaks {short(question.constraints[result.broken])}"
    return Counterexample(
        refutes=refutes,
        a={names[k]: rounded(value) for k, value in segment.a.items() if k in names},
        b={names[k]: rounded(value) for k, value in segment.b.items() if k in names},
        fixed={names[k]: rounded(value) for k, value in segment.fixed.items() if k in names},
        entry=segment.entry,
        f_a=as_float(f_a),
        f_b=as_float(f_b),
        f_middle=as_float(f_middle),
        chord=as_float((f_a + f_b) / 2),
        arithmetic="rational" if isinstance(result.gap, fmpq) else "ball",
        gap=describe_gap(result.gap),
        found_by=found_by,
        _question=question,
        _segment=segment,
    )


def rounded(values: Any) -> Array:
    """The values as doubles; they may be fractions, which is what is verified."""
    return np.asarray(values, dtype=np.float64)


def distinct_names(question: Question) -> dict[int, str]:
    """A name for every leaf, by its id; CVXPY lets several leaves have the same."""
    roots = [arg for constraint in question.constraints for arg in constraint.args]
    found: dict[int, str] = {}
    for leaf in Tape([question.expression, *roots]).leaves():
        name, count = question.name(leaf), 1
        while name in found.values():
            count += 1
            name = f"{question.name(leaf)}#{count}"
        found[id(leaf)] = name
    return found


def as_float(value: Any) -> float:
    """A rational or a ball, rounded."""
    return float(as_fraction(value)) if isinstance(value, fmpq) else float(value.mid())


def describe_gap(gap: Any) -> str:
    """The violation as a short exact fraction, a decimal or a ball."""
    if isinstance(gap, arb):
        return gap.str(8)
    exact = as_fraction(gap)
    short = exact.denominator <= 10_000 and abs(exact) < 10_000_000
    return str(exact) if short else f"{float(exact):.6g}"


def show_value(value: Any) -> str:
    """An array in few characters, zeros left out where it is long."""
    array = np.asarray(value, dtype=float) + 0.0
    if array.size <= 12:
        return np.array2string(array, precision=6, separator=", ", max_line_width=200).replace(
            "\n", ""
        )
    places = np.argwhere(array != 0.0)
    if len(places) > 12:
        return f"array {'x'.join(map(str, array.shape))}, largest entry {np.abs(array).max():.4g}"
    entries = ", ".join(f"[{', '.join(map(str, p))}] = {array[tuple(p)]:.6g}" for p in places)
    return f"zero except {entries}" if entries else "zero"

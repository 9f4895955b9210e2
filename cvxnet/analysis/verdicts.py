"""The verdict: proved, refuted or unknown, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cvxnet.analysis.blame import Blame
from cvxnet.analysis.derivation import Derivation
from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import Reading
from cvxnet.analysis.witnesses import Counterexample

WORDS = {True: "proved", False: "refuted", None: "unknown"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict:
    """Whether something is convex, with evidence.

    Attributes
    ----------
    about : str
        The question in words.
    convex, concave : bool or None
        True: proved. False: refuted by a verified counterexample. None: unknown.
    reasons : mapping
        For "convex" and "concave", how the answer was found.
    derivation : Derivation
        The composition rules applied to every node.
    counterexamples : mapping
        For "convex" and "concave", the verified counterexample, where there is one.
    blame : Blame or None
        Where the rules stop; None where convexity was proved by them.
    dcp : str
        The curvature that CVXPY alone gives.
    parts : mapping of str to Verdict
        For a problem, the verdicts on the objective and each constraint.
    domain : tuple of str
        Where the verdict holds, such as ``("z >= 0",)``, where that is less than the attributes of
        the variables (and, in a problem, its constraints) allow.
    empty : str
        Why the domain, or the feasible set, has no point at all; "" where that was not proved.
        About an empty domain there is no answer.
    premises : tuple of str
        What the expression asserts (``assume_PSD``, wraps) and is not proved, and values of
        parameters that break their attributes.
    rounding : mapping of str to Reading
        For "convex" and "concave": where a refutation lies within the rounding of the given
        numbers (or nothing was found, but a matrix is semidefinite within its rounding), the
        nearest function that was found and is proved to have the curvature.
    relaxation : Verdict or None
        Where variables or constraints allow single values only (integer, boolean, `FiniteSet`),
        the verdict on the problem in which they may move between them.

    Examples
    --------
    >>> from cvxnet.analysis import convexity
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> verdict = convexity(Sequential(Linear(1, 1), ReLU(), Linear(1, 1)), wrt="0")
    >>> verdict
    <Verdict NOT CONVEX: the output in 0.bias, 0.weight>
    >>> print(verdict.blame.needs)
    2.weight >= 0 (nonneg=True)
    >>> [repair.change for repair in verdict.repairs][:1]
    ['make the weights of layer 2 >= 0']
    >>> import cvxpy as cp
    >>> cube = convexity(cp.Variable(name="z") ** 3)
    >>> cube, cube.domain
    (<Verdict CONVEX: the expression in z, where z >= 0>, ('z >= 0',))
    """

    about: str
    convex: bool | None
    concave: bool | None
    reasons: Mapping[str, str]
    derivation: Derivation
    counterexamples: Mapping[str, Counterexample]
    blame: Blame | None
    dcp: str
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    domain: tuple[str, ...] = ()
    empty: str = ""
    premises: tuple[str, ...] = ()
    rounding: Mapping[str, Reading] = field(default_factory=dict)
    relaxation: Verdict | None = None
    question: Question = field(repr=False, compare=False)

    @property
    def counterexample(self) -> Counterexample | None:
        """The counterexample to convexity (or to a convex feasible set), else to concavity."""
        goals = ("convex", "set", "concave")
        return next((self.counterexamples[g] for g in goals if g in self.counterexamples), None)

    @property
    def affine(self) -> bool | None:
        """Whether it is both convex and concave."""
        if self.convex is False or self.concave is False:
            return False
        return True if self.convex and self.concave else None

    @property
    def status(self) -> str:
        """ "proved", "refuted" or "unknown", about convexity."""
        return WORDS[self.convex]

    @cached_property
    def disciplines(self) -> Mapping[str, str]:
        """What other disciplines say: log-log, quasiconvex, difference of convex, smooth."""
        from cvxnet.analysis.disciplines import find_disciplines

        return find_disciplines(self)

    @cached_property
    def blocks(self) -> Mapping[str, Any]:
        """For networks: the verdict in each block of weights, and maximal sets of blocks."""
        from cvxnet.analysis.blocks import find_blocks

        return find_blocks(self)

    @cached_property
    def repairs(self) -> tuple[Any, ...]:
        """Changes that make it convex, each with its own verdict, the smallest change first."""
        from cvxnet.analysis.repairs import find_repairs

        return find_repairs(self)

    def to_dict(self, full: bool = True) -> dict[str, Any]:
        """Everything as JSON types; ``full=False`` leaves out blocks, disciplines and repairs."""
        from cvxnet.analysis.records import record_verdict

        return record_verdict(self, full)

    def to_svg(self) -> str:
        """The derivation as a picture."""
        from cvxnet.analysis.pictures import draw_derivation

        return draw_derivation(self)

    def __bool__(self) -> bool:
        raise TypeError(
            f"a verdict is neither true nor false ({self!r}): ask verdict.convex or "
            "verdict.concave, which are True (proved), False (refuted) or None (unknown)."
        )

    def __repr__(self) -> str:
        from cvxnet.analysis.phrases import headline

        return f"<Verdict {headline(self)}>"

    def __str__(self) -> str:
        from cvxnet.analysis.terminal import render_text

        return render_text(self)

    def __rich__(self) -> Any:
        from cvxnet.analysis.terminal import render_rich

        return render_rich(self)

    def _repr_html_(self) -> str:
        from cvxnet.analysis.markup import render_html

        return render_html(self)

"""The verdict: proved, refuted or unknown, with the evidence. A record that computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from rich.console import Group

from cvxnet.analysis.blame import Blame
from cvxnet.analysis.certificates import ConvexityCertificate, make_certificate
from cvxnet.analysis.derivation import Derivation
from cvxnet.analysis.evidence import Proof, claim
from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import Reading
from cvxnet.analysis.show import Page, as_html, as_rich, as_svg, as_text
from cvxnet.analysis.witnesses import Counterexample

WORDS = {True: "proved", False: "refuted", None: "unknown"}
ANSWERS = {True: "yes, proved", False: "no, refuted", None: "unknown"}
BLOCK_WORDS = {True: "convex", False: "not convex", None: "unknown"}
TITLES = {
    "convex": "Counterexample to convexity",
    "concave": "Counterexample to concavity",
    "set": "Counterexample: the feasible set is not convex",
}


@dataclass(frozen=True)
class Repair:
    """A change that makes something convex, what it costs, and the verdict that it leads to.

    Attributes
    ----------
    change : str
        What to do.
    outcome : str
        What was then proved.
    cost : str
        What is given up.
    rank : float
        Smaller changes first.
    verdict : Verdict or None
        The verdict on the changed question (None where log-log rules proved it, or where it is
        the nearest reading of the numbers, which carries its own question).
    """

    change: str
    outcome: str
    cost: str
    rank: float
    verdict: Verdict | None

    def __str__(self) -> str:
        return f"{self.change} -> {self.outcome} (cost: {self.cost})"

    def to_dict(self) -> dict[str, str]:
        """The words, without the verdict."""
        return {"change": self.change, "outcome": self.outcome, "cost": self.cost}


@dataclass(frozen=True)
class Beside:
    """How to find what a verdict has to say beside convexity, once it is asked for."""

    disciplines: Callable[[Verdict], Mapping[str, str]]
    blocks: Callable[[Verdict], Mapping[str, Any]]
    repairs: Callable[[Verdict], tuple[Repair, ...]]


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
    proofs : mapping of str to Proof
        For "convex" and "concave", the proof, where there is one.
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
        Where variables or constraints allow single values only (integer, boolean, ``FiniteSet``),
        the verdict on the problem in which they may move between them.
    question : Question
        What was asked, in this package's form.
    beside : Beside
        How `disciplines`, `blocks` and `repairs` are found, once they are asked for.

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
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    domain: tuple[str, ...] = ()
    empty: str = ""
    premises: tuple[str, ...] = ()
    rounding: Mapping[str, Reading] = field(default_factory=dict)
    relaxation: Verdict | None = None
    question: Question = field(repr=False, compare=False)
    beside: Beside = field(repr=False, compare=False)

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
        return self.beside.disciplines(self)

    @cached_property
    def blocks(self) -> Mapping[str, Any]:
        """For networks: the verdict in each block of weights, and maximal sets of blocks."""
        return self.beside.blocks(self)

    @cached_property
    def repairs(self) -> tuple[Repair, ...]:
        """Changes that make it convex, each with its own verdict, the smallest change first."""
        return self.beside.repairs(self)

    @cached_property
    def certificate(self) -> ConvexityCertificate | None:
        """The evidence as a document for ``cvxnet.check``; None where nothing is proved."""
        claims = [claim(self.question, goal, proof.evidence) for goal, proof in self.proofs.items()]
        claims += [witness.claim() for witness in self.counterexamples.values()]
        return make_certificate(self.about, claims) if claims else None

    def found(self, name: str) -> Any:
        """Disciplines, blocks or repairs, if they were asked for already; nothing otherwise."""
        return vars(self).get(name, ())

    def to_dict(self, full: bool = True) -> dict[str, Any]:
        """Everything as JSON types; ``full=False`` leaves out blocks, disciplines and repairs.

        Those of a part of a problem are there only if they were asked for before.
        """
        rounding, relaxation = self.rounding.items(), self.relaxation
        record: dict[str, Any] = {
            "about": self.about,
            "status": self.status,
            "convex": self.convex,
            "concave": self.concave,
            "domain": list(self.domain),
            "empty": self.empty,
            "relaxation": None if relaxation is None else relaxation.to_dict(False),
            "premises": list(self.premises),
            "rounding": {k: {"change": r.change, "distance": r.distance} for k, r in rounding},
            "reasons": dict(self.reasons),
            "dcp": self.dcp,
            "derivation": [plain(asdict(step)) for step in self.derivation],
            "counterexamples": {k: w.to_dict() for k, w in self.counterexamples.items()},
            "blame": None if self.blame is None else asdict(self.blame),
            "parts": {name: part.to_dict(False) for name, part in self.parts.items()},
        }
        if full and not self.parts:
            record["disciplines"] = dict(self.found("disciplines"))
            record["blocks"] = plain(dict(self.found("blocks")))
            record["repairs"] = [repair.to_dict() for repair in self.found("repairs")]
        return record

    def to_svg(self) -> str:
        """The derivation as a picture."""
        return as_svg(self.page())

    def page(self) -> Page:
        """The verdict in words: what was found so far, and nothing is computed for it."""
        return Page(
            about=self.about,
            headline=headline(self),
            convex=self.convex,
            lines=tuple(answer_lines(self)),
            derivation=self.derivation,
            blamed=-1 if self.blame is None or self.convex else self.blame.place,
            sections=tuple((title, lines) for title, lines in sections(self) if lines),
        )

    def __bool__(self) -> bool:
        raise TypeError(
            f"a verdict is neither true nor false ({self!r}): ask verdict.convex or "
            "verdict.concave, which are True (proved), False (refuted) or None (unknown)."
        )

    def __repr__(self) -> str:
        return f"<Verdict {headline(self)}>"

    def __str__(self) -> str:
        return as_text(self.page())

    def __rich__(self) -> Group:
        return as_rich(self.page())

    def _repr_html_(self) -> str:
        return as_html(self.page())


def plain(value: Any) -> Any:
    """Dicts and lists, for JSON."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def headline(verdict: Verdict) -> str:
    """One line: the question, the answer and where it holds."""
    if verdict.empty:
        return f"{answer_word(verdict)}: {verdict.about} ({verdict.empty})"
    where = f", where {' and '.join(verdict.domain[:3])}" if verdict.domain else ""
    where += " and more" if len(verdict.domain) > 3 else ""
    return f"{answer_word(verdict)}: {verdict.about}{where}"


def answer_word(verdict: Verdict) -> str:
    """The answer in capitals."""
    if verdict.empty and verdict.convex is None:
        return "EMPTY DOMAIN"
    if verdict.convex:
        word = "AFFINE (convex and concave)" if verdict.concave else "CONVEX"
    else:
        notes = list(filter(None, notes_of(verdict)))
        word = "UNKNOWN" if verdict.convex is None else "NOT CONVEX"
        word += f" ({', '.join(notes)})" if notes else ""
    return f"{word}, BUT EMPTY" if verdict.empty else word


def notes_of(verdict: Verdict) -> Iterator[str]:
    """What is to be said for what is not proved convex, or ""."""
    yield "it is concave" if verdict.concave else ""
    between = verdict.relaxation is not None and verdict.relaxation.convex
    yield "its relaxation is convex" if between else ""
    if "convex" in verdict.rounding:
        refuted = verdict.convex is False
        yield "by no more than rounding" if refuted else "convex within rounding"


def answer_lines(verdict: Verdict) -> Iterator[str]:
    """Convex, concave, where, on what premises, and what CVXPY alone says."""
    for goal in ("convex", "concave"):
        if goal in verdict.reasons:
            yield f"{goal}: {ANSWERS[getattr(verdict, goal)]} - {verdict.reasons[goal]}"
    if verdict.domain:
        yield f"domain: {' and '.join(verdict.domain)}"
    if verdict.empty:
        yield f"empty: {verdict.empty}"
    if verdict.relaxation is not None:
        yield f"relaxation: {headline(verdict.relaxation)}"
    yield from (f"premise: {premise}" for premise in verdict.premises)
    yield f"CVXPY alone: {cvxpy_alone(verdict)}"


def cvxpy_alone(verdict: Verdict) -> str:
    """What CVXPY says, and what helps where it refuses a problem that is convex."""
    lost = verdict.parts and verdict.convex and verdict.dcp == "not DCP"
    further = "; cn.rewrite looks for a form that it accepts" if lost else ""
    return f"{verdict.dcp or 'not asked'}{further}"


def sections(verdict: Verdict) -> Iterator[tuple[str, list[str]]]:
    """Every section after the derivation, also empty ones: title and lines."""
    if verdict.blame and not verdict.convex:
        yield "Blame", [str(verdict.blame)]
    for goal, witness in verdict.counterexamples.items():
        if goal != "concave" or "convex" not in verdict.counterexamples:
            yield TITLES[goal], witness.lines()
    for label, part in verdict.parts.items():
        yield label, [f"{headline(part)} - {part.reasons['convex']}"]
    yield "Other disciplines", [f"{k}: {v}" for k, v in dict(verdict.found("disciplines")).items()]
    yield "Blocks", block_lines(verdict)
    yield "Repairs (each verified)", [str(repair) for repair in verdict.found("repairs")]


def block_lines(verdict: Verdict) -> list[str]:
    """Convexity in each block of weights."""
    blocks = dict(verdict.found("blocks"))
    if not blocks:
        return []
    lines = [f"{name}: {BLOCK_WORDS[value]}" for name, value in blocks["single"].items()]
    if blocks["maximal"]:
        sets = "; ".join("{" + ", ".join(s) + "}" for s in blocks["maximal"])
        lines.append(f"jointly convex in (largest sets proved): {sets}")
    return lines

"""The derivation: the facts about every node, in order, and the tree that people read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.atoms import atom_name, derive
from cvxnet.analysis.facts import Facts, constant_facts, make_facts
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Node, Tape, bound, dense, is_foreign
from cvxnet.proofs.checker.dual import Clock

SECONDS = 20.0
"""For all provers that are asked about one curvature, and for the check of what they find."""
LABEL_BOUNDS = {"label": (-1.0, 1.0), "one_hot": (0.0, 1.0)}


@dataclass(frozen=True)
class Step:
    """One node of the derivation.

    Attributes
    ----------
    name : str
        The atom or the leaf.
    layer : str
        The prefix of the layer that made the node ("" outside of layers).
    sign, curvature : str
        What was proved for all entries together; "mixed" where entries differ.
    dcp : str
        What CVXPY alone says about the node.
    monotone : tuple of str
        How the node depends on each argument.
    rule : str
        The rule that was applied.
    args : tuple of int
        The places of the arguments in the derivation.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    sign: str
    curvature: str
    dcp: str
    monotone: tuple[str, ...]
    rule: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Derivation:
    """All steps, arguments first; the last one is the expression in question."""

    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<Derivation of {len(self)} steps: {self.root.name} is {self.root.curvature}>"

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def root(self) -> Step:
        """The expression in question."""
        return self.steps[-1]


@dataclass(frozen=True)
class Progress:
    """How far a search for a proof has come.

    Attributes
    ----------
    goal : str
        "convex" or "concave".
    done, total : int
        Kinks on which the slope is known to rise, and all.
    cells : int
        Linear programs solved.
    seconds : float
        Time since the search began.
    """

    goal: str
    done: int
    total: int
    cells: int
    seconds: float

    def __str__(self) -> str:
        kinks = f"{self.done} of {self.total} kinks, {self.cells} cells, {self.seconds:.0f} s"
        return f"is it {self.goal}? {kinks}"


@dataclass(frozen=True)
class Derived:
    """A question, its tape, what the rules say about every node, and the time for proofs.

    ``report`` is told how far a long search for a proof has come.
    """

    question: Question
    tape: Tape
    facts: list[Facts]
    seconds: float = SECONDS
    report: Callable[[Progress], object] | None = None

    def clock(self, most: float = math.inf) -> Clock:
        """For a part of a search that takes so many seconds at most."""
        return Clock(min(most, self.seconds))


def derived(question: Question) -> Derived:
    """The question with the facts that the rules derive."""
    tape = question.tape()
    return Derived(question, tape, derive_facts(question, tape))


@np.errstate(all="ignore")
def derive_facts(question: Question, tape: Tape) -> list[Facts]:
    """The facts about every node of the tape."""
    unknowns = {id(u) for u in question.unknowns}

    def leaf(node: Node) -> Facts:
        if is_foreign(node):
            return foreign_facts(node)
        return leaf_facts(node, id(node) in unknowns, question)

    def inner(node: Node, args: list[Facts]) -> Facts:
        warm_caches(node)
        return derive(node, args)

    return tape.evaluate(leaf, inner)


def warm_caches(node: Node) -> None:
    """Ask CVXPY in order of evaluation, so that its cached recursion is never deep."""
    for question in ("is_constant", "is_nonneg", "is_nonpos", "is_convex", "is_concave"):
        getattr(node, question)()


def foreign_facts(node: Node) -> Facts:
    """What CVXPY says of an indicator or a partial problem; jointly convex is convex in some."""
    low = np.full(node.shape, 0.0 if node.is_nonneg() else -np.inf)
    high = np.full(node.shape, 0.0 if node.is_nonpos() else np.inf)
    everywhere = np.ones(node.shape, dtype=bool)
    convex, concave = everywhere & node.is_convex(), everywhere & node.is_concave()
    return make_facts(low, high, convex, concave, rule="CVXPY's word")


def leaf_facts(leaf: Any, unknown: bool, question: Question) -> Facts:
    """A leaf is affine in itself and constant in everything else."""
    if isinstance(leaf, cp.Constant) and not leaf.is_complex():
        value = dense(leaf.value)
        return constant_facts(value, value, "a constant")
    low, high = leaf_bounds(leaf, question)
    if not unknown:
        return constant_facts(low, high, "fixed, any admissible value")
    everywhere = np.ones(leaf.shape, dtype=bool)
    return make_facts(low, high, everywhere, everywhere, rule="an unknown")


def leaf_bounds(leaf: Any, question: Question) -> tuple[Any, Any]:
    """The bounds that attributes, labels and simple constraints put on a leaf."""
    used = leaf.attributes
    low = np.full(leaf.shape, 0.0 if used["nonneg"] or used["pos"] else -np.inf)
    high = np.full(leaf.shape, 0.0 if used["nonpos"] or used["neg"] else np.inf)
    if len(leaf.boolean_idx):  # CVXPY lists the entries, which need not be all
        places = tuple(leaf.boolean_idx) if leaf.shape else ()
        low[places], high[places] = np.maximum(low[places], 0.0), np.minimum(high[places], 1.0)
    if leaf.sparse_idx is not None:
        outside = np.ones(leaf.shape, dtype=bool)
        outside[tuple(leaf.sparse_idx)] = False
        low[outside] = high[outside] = 0.0
    labels = LABEL_BOUNDS.get(question.labels.get(id(leaf), ""))
    for bounds in filter(None, (used.get("bounds"), labels, question.bounds.get(id(leaf)))):
        low = np.maximum(low, bound(bounds[0], -np.inf))
        high = np.minimum(high, bound(bounds[1], np.inf))
    return low, high


def explain(question: Question, tape: Tape, facts: list[Facts]) -> Derivation:
    """The derivation in words; moved entries and constants are left out where they say nothing."""
    return Derivation(
        tuple(
            Step(
                name=step_name(node, question),
                layer=question.owners.get(id(node), ""),
                shape=tuple(node.shape),
                sign=fact.sign(),
                curvature=fact.curvature(),
                dcp=node.curvature if not node.args or len(tape.nodes) < 5000 else "",
                monotone=fact.monotone,
                rule=fact.rule,
                args=args,
            )
            for node, fact, args in zip(tape.nodes, facts, tape.inputs, strict=True)
        )
    )


def step_name(node: Node, question: Question) -> str:
    """The node's name as users know it."""
    if isinstance(node, cp.Variable | cp.Parameter):
        return question.name(node)
    if isinstance(node, cp.Constant):
        weight = question.weights.get(id(node))
        return weight or (
            f"{dense(node.value):g}" if node.size == 1 and not node.shape else "constant"
        )
    return atom_name(node)

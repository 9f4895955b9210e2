"""The problem that is solved in place of a given one, and the way there and back.

Equal samples are merged and all is rescaled, see `cvxnet.training.scaling`; networks and dual
vectors of one problem are those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from cvxnet.objective import Form, Objective, Weights
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.problem import Problem, Units
from cvxnet.training.recovery import problem_of, units_of, weights_of
from cvxnet.training.scaling import Merged, Scale, merge_equal_samples, rescale
from cvxnet.training.width.evidence import TreeEvidence


@dataclass(frozen=True)
class Reduction:
    """A given problem, and the one that is solved in its place.

    Attributes
    ----------
    given : Problem
        On data as they are.
    merged : Merged, optional
        The one on different samples, where that is worth it.
    problem : Problem
        The one that is solved.
    """

    given: Problem
    form: Form
    merged: Merged | None
    problem: Problem
    scale: Scale

    @property
    def kept(self) -> Problem:
        """The problem on the samples that are kept, before it is rescaled."""
        return self.given if self.merged is None else self.merged.problem

    def at(self, weight_decay: float) -> Reduction:
        """The same at another weight decay: the data and what is known of them are shared."""
        return replace(
            self,
            given=replace(self.given, weight_decay=weight_decay),
            merged=self.merged and self.merged.at(weight_decay),
            problem=replace(
                self.problem, weight_decay=weight_decay / (self.scale.features * self.scale.dual)
            ),
        )

    def rounding(self, units: Units) -> float:
        """What the rounding of the data costs, in the numbers of the problem that is solved."""
        return self.kept.rounding(self.scale.undo(units).free) / self.scale.value

    def units_of(self, weights: Weights) -> Units:
        """The units of a network, of the problem that is solved."""
        return self.scale.redo(units_of(self.kept, weights, self.form))

    def proof_of(self, proof: Proof) -> Proof:
        """A dual vector of the given problem as one of the problem that is solved.

        Evidence that speaks of single samples says nothing of merged ones.
        """
        v, evidence, scale = proof.v, proof.evidence, self.scale
        if self.merged is not None:
            v = self.merged.gather(v)
            evidence = None if evidence is None or evidence.speaks_of_samples else evidence
        if evidence is not None:
            evidence = evidence.times(1.0 / scale.dual, 1.0 / scale.features)
        return Proof(v / scale.dual, evidence)

    def undo(self, bracket: Bracket) -> Bracket:
        """The given problem's bracket."""
        scale = self.scale
        kept = Bracket(
            problem=self.kept,
            units=scale.undo(bracket.units),
            upper=bracket.upper * scale.value,
            dual=bracket.dual * scale.dual,
            lower=bracket.lower * scale.value,
            proposal=bracket.proposal * scale.dual,
            tolerance=bracket.tolerance.times(scale.value),
            evidence=bracket.evidence and bracket.evidence.times(scale.dual, scale.features),
        )
        return kept if self.merged is None else self.unmerge(self.merged, kept)

    def unmerge(self, merged: Merged, bracket: Bracket) -> Bracket:
        """The bracket of all samples, from that of different ones.

        Where there is evidence, after all, that speaks of single samples, only the bound of the
        zero vector is left; but a tree is one of all samples, too.
        """
        given, form = self.given, self.form
        if isinstance(bracket.evidence, TreeEvidence):
            first = np.unique(merged.group, return_index=True)[1]
            spread = partial(merged.spread, given=given)
            bracket = replace(bracket, evidence=bracket.evidence.spread(first, spread))
        elif bracket.evidence is not None and bracket.evidence.speaks_of_samples:
            zero = np.zeros_like(bracket.dual)
            lower = 0.0 - bracket.problem.loss.conjugate(zero, bracket.problem.y)
            bracket = replace(bracket, dual=zero, lower=lower, evidence=None)
        return replace(
            bracket,
            problem=given,
            units=units_of(given, weights_of(merged.problem, bracket.units, form), form),
            dual=merged.spread(bracket.dual, given),
            proposal=merged.spread(bracket.proposal, given),
        )


def reduce(objective: Objective) -> Reduction:
    """The problem of an objective, and the one that is solved in its place."""
    given = problem_of(objective)
    merged = merge_equal_samples(given)
    problem, scale = rescale(given if merged is None else merged.problem)
    return Reduction(given, objective.form, merged, problem, scale)

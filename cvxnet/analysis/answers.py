"""Ask, then look in this order: composition rules, exact deciders, verified counterexamples."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.blame import find_blame
from cvxnet.analysis.deciders import decide
from cvxnet.analysis.derivation import Derivation, derive_facts, explain
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.identities import rewritten_everywhere
from cvxnet.analysis.premises import not_numbers, premises
from cvxnet.analysis.questions import Question, ask_about_expression, ask_about_network
from cvxnet.analysis.readings import Reading, nearest_reading
from cvxnet.analysis.restrictions import restrictions
from cvxnet.analysis.search import Space, find_counterexample, simplest
from cvxnet.analysis.tape import Tape
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample
from cvxnet.errors import InputError
from cvxnet.layers.layer import Layer
from cvxnet.losses import get_loss

GOALS = ("convex", "concave")


def convexity(
    thing: Any,
    wrt: str | cp.Variable | Sequence[str | cp.Variable] | None = None,
    *,
    loss: str | None = None,
    data: Any = None,
    inputs: str | None = None,
    weight_decay: float = 0.0,
    effort: int = 1,
) -> Verdict:
    """Whether a network, a training objective, a CVXPY expression or a problem is convex.

    Parameters
    ----------
    thing : layer, CVXPY expression or CVXPY problem
        What the question is about.
    wrt : str, Variable or sequence of them
        For a network: "input", "weights", a layer ("0") or several, or single weights
        ("0.weight"). Default "input" without a loss and "weights" with one. For an expression:
        the variables in question, themselves or by name (default all).
    loss : str
        Ask about the training objective with this loss instead of about the output.
    data : (X, y) or X
        The data. Without it the verdict is about every data set with the declared sign.
    inputs : "nonneg", "nonpos" or None
        What is known about the entries of unknown inputs.
    weight_decay : float
        Adds ``weight_decay / 2`` times the sum of the squared unknowns.
    effort : int
        How hard to look for counterexamples, from 1.

    Returns
    -------
    Verdict
        ``convex`` and ``concave`` are True (proved), False (refuted, with a counterexample that
        was verified in exact or ball arithmetic) or None (unknown).

    Notes
    -----
    Weights that were not given (a network before ``load_state_dict``) are any weights that the
    declared signs allow. Proved then means for all of them; a counterexample then names the
    weights for which convexity fails.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(2, 8), ReLU(), Linear(8, 1, nonneg=True))
    >>> convexity(net, wrt="input").convex, convexity(net, wrt="weights").convex
    (True, False)
    >>> import cvxpy as cp
    >>> x = cp.Variable(name="x")
    >>> verdict = convexity(cp.sqrt(1 + cp.square(x)))
    >>> verdict.dcp, verdict.convex
    ('QUASICONVEX', True)
    """
    effort = check_effort(effort)
    if isinstance(thing, cp.Problem):
        refuse_options(loss=loss, data=data, inputs=inputs, weight_decay=weight_decay)
        if wrt is not None:
            raise InputError(
                "wrt= is for networks and expressions; a problem is judged in all variables. Ask "
                "about problem.objective.args[0] in some of them."
            )
        from cvxnet.analysis.problems import judge_problem

        return judge_problem(thing, effort)
    if isinstance(thing, cp.Expression):
        refuse_options(loss=loss, data=data, inputs=inputs, weight_decay=weight_decay)
        return answer(ask_about_expression(thing, wrt), effort)
    if isinstance(thing, Layer):
        wrt = wrt if wrt is not None else "input" if loss is None else "weights"
        loss = None if loss is None else get_loss(loss).name
        weight_decay = check_weight_decay(weight_decay)
        return answer(ask_about_network(thing, wrt, loss, data, inputs, weight_decay), effort)
    raise InputError(
        f"cannot judge a {type(thing).__name__}; pass a network (Sequential or another layer), a "
        "CVXPY expression or a CVXPY problem. Convert a torch module with from_torch."
    )


def check_effort(effort: Any) -> int:
    """A whole number from 1."""
    if isinstance(effort, bool) or not isinstance(effort, int | np.integer) or effort < 1:
        raise InputError(
            f"effort is a whole number from 1 (how hard to look for counterexamples), not "
            f"{effort!r}."
        )
    return int(effort)


def check_weight_decay(weight_decay: Any) -> float:
    """A finite number from 0: a negative one would not be a penalty."""
    is_number = isinstance(weight_decay, Real) and not isinstance(weight_decay, bool)
    if not is_number or not 0.0 <= weight_decay < np.inf:
        raise InputError(f"weight_decay is a finite number from 0, not {weight_decay!r}.")
    return float(weight_decay)


def refuse_options(**options: Any) -> None:
    """Raise InputError for options that only networks have."""
    for name, value in options.items():
        if value is not None and not (isinstance(value, Real) and value == 0):
            raise InputError(f"{name}= is for networks; this is a CVXPY expression or problem.")


@np.errstate(all="ignore")  # extreme points overflow on purpose; what is not finite is dropped
def answer(question: Question, effort: int = 1) -> Verdict:
    """The verdict on a question."""
    tape = question.tape()
    if missing := not_numbers(tape):
        return unanswered(question, missing, premises=(missing,))
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    if domain and empty:  # what the constraints alone exclude is the problem's to say
        return unanswered(question, f"the domain is empty: {empty}", domain=domain, empty=empty)
    root = facts[-1]
    answers: dict[str, bool | None] = {}
    reasons: dict[str, str] = {}
    witnesses: dict[str, Counterexample] = {}
    rounding: dict[str, Reading] = {}
    for goal in GOALS:
        answers[goal], reasons[goal], witness = settle(question, tape, root, goal, effort)
        if witness is not None:
            witnesses[goal] = witness
        if not answers[goal]:
            reading = nearest_reading(question, tape, witness, goal)
            if reading is not None:
                rounding[goal] = reading
                reasons[goal] += f"; within rounding: {goal} if {reading}"
    return Verdict(
        about=question.about,
        convex=answers["convex"],
        concave=answers["concave"],
        reasons=reasons,
        derivation=explain(question, tape, facts),
        counterexamples=witnesses,
        blame=find_blame(question, tape, facts, "convex"),
        dcp=question.expression.curvature,
        domain=domain,
        premises=premises(question, tape, facts),
        rounding=rounding,
        question=question,
    )


def unanswered(question: Question, why: str, **evidence: Any) -> Verdict:
    """The verdict where there is nothing to judge."""
    return Verdict(
        about=question.about,
        convex=None,
        concave=None,
        reasons=dict.fromkeys(GOALS, why),
        derivation=Derivation(()),
        counterexamples={},
        blame=None,
        dcp=question.expression.curvature,
        question=question,
        **evidence,
    )


def settle(
    question: Question, tape: Tape, root: Facts, goal: str, effort: int
) -> tuple[bool | None, str, Counterexample | None]:
    """The answer for one curvature, why, and the counterexample if there is one."""
    if getattr(root, goal).all():
        return True, "composition rules", None
    decision = decide(question, tape, goal)
    if decision is not None and decision.proved:
        return True, decision.reason, None
    if (name := proved_form(question, goal)) is not None:
        return True, f"the same function as {name}, by the composition rules", None
    found = None
    if decision is not None:
        found = first_verified(question, tape, decision.candidates, goal)
    found = found or find_counterexample(question, tape, goal, effort)
    if found is not None:
        return False, f"a counterexample, verified in {found.arithmetic} arithmetic", found
    return None, unknown_reason(question, goal), None


def proved_form(question: Question, goal: str) -> str | None:
    """The name of an identical form that the rules prove, or None."""
    if question.network is not None:
        return None
    for rewrite in rewritten_everywhere(question):
        tape = Tape([rewrite.expression])
        if rewrite.same and getattr(derive_facts(question, tape)[-1], goal).all():
            return " and ".join(rewrite.names)
    return None


def unknown_reason(question: Question, goal: str) -> str:
    """Why there is no answer."""
    if getattr(question.expression, f"is_{goal}")():
        return "CVXPY accepts it within its tolerance, but exactly it could not be proved"
    obstacle = Space(question, question.tape()).obstacle
    if obstacle:
        return f"the rules stop, and no counterexample was looked for: {obstacle}"
    return "the rules stop, and no counterexample was found"


def first_verified(
    question: Question, tape: Tape, candidates: Any, goal: str
) -> Counterexample | None:
    """The first candidate of a decider that survives verification."""
    space, sign = Space(question, tape), 1.0 if goal == "convex" else -1.0
    for candidate in candidates[:60]:
        found = simplest(space, candidate, goal, sign)
        if found is not None:
            return found
    return None

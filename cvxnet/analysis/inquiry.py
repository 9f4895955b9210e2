"""The door: what may be asked, and what a question is about."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.answers import answer, judge_problem
from cvxnet.analysis.derivation import SECONDS, Progress
from cvxnet.analysis.domains import restricted
from cvxnet.analysis.methods import Methods
from cvxnet.analysis.questions import ask_about_expression, ask_about_network
from cvxnet.analysis.verdicts import Verdict
from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.layers.adoption import as_layer
from cvxnet.losses import get_loss


def convexity(
    thing: Any,
    wrt: str | cp.Variable | Sequence[str | cp.Variable] | None = None,
    *,
    loss: str | None = None,
    data: Any = None,
    inputs: str | None = None,
    where: Any = None,
    weight_decay: float = 0.0,
    effort: int = 1,
    complete: bool = True,
    time_limit: float | None = None,
    progress: bool | Callable[[Progress], object] = False,
) -> Verdict:
    """Whether a network, a training objective, a CVXPY expression or a problem is convex.

    Parameters
    ----------
    thing : layer, torch module, estimator, CVXPY expression or CVXPY problem
        What the question is about; of a torch module or an estimator of scikit-learn, the network
        that `from_torch` or `from_sklearn` makes of it.
    wrt : str, Variable or sequence of them
        For a network: "input", "weights", a layer ("0") or several, or single weights
        ("0.weight"). Default "input" without a loss and "weights" with one. For an expression:
        the variables in question, themselves or by name (default all).
    loss : str
        Ask about the training objective with this loss instead of about the output. With several
        outputs it is the sum over them, or the cross entropy of their classes.
    data : (X, y) or X
        The data, X (n, d) and y (n,), or (n, c) for c outputs. With cross entropy y has labels of
        any kind, one output for each in order, or numbers of outputs from 0; or rows with a 1.
        Without data the verdict is about every data set with the declared sign.
    inputs : "nonneg", "nonpos" or None
        What is known about the entries of unknown inputs.
    where : (low, high), CVXPY constraint or list of them
        Where the question is asked: a box as a pair of numbers or arrays (None for no bound), or
        constraints. For a network these are about its unknown input: the pair, or constraints in
        one ``cp.Variable`` of the input's shape. For an expression they are in its own variables;
        a pair is for one variable. The answer is about segments on which the constraints hold.
    weight_decay : float
        Adds ``weight_decay / 2`` times the sum of the squared unknowns.
    effort : int
        How hard to look for counterexamples, from 1.
    complete : bool
        False puts off disciplines, blocks and repairs, which take most of the time, until somebody
        asks for them; printing the verdict leaves them out till then.
    time_limit : float, optional
        Seconds for each search for a proof where the rules are silent, of deep networks, say;
        default 20. Rules and the search for counterexamples do not count.
    progress : bool or callable
        Whether to print how far such a search has come, once a second; or who is told, of
        `cvxnet.analysis.derivation.Progress`.

    Returns
    -------
    Verdict
        ``convex`` and ``concave`` are True (proved), False (refuted, with a counterexample that
        was verified in exact or ball arithmetic) or None (unknown).

    Notes
    -----
    Weights that were not given (a network before ``load_state_dict``) are any weights that the
    declared signs allow. Proved then means for all of them; a counterexample then names the
    weights for which convexity fails. A network with several outputs is convex if each of them is.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(2, 8), ReLU(), Linear(8, 1, nonneg=True))
    >>> convexity(net, wrt="input").convex, convexity(net, wrt="weights").convex
    (True, False)
    >>> scores = Sequential(Linear(2, 8), ReLU(), Linear(8, 3))
    >>> asked = {"loss": "cross_entropy", "data": ([[1, 0], [0, 1], [1, 1]], ["a", "b", "c"])}
    >>> convexity(scores, wrt="2", **asked).convex, convexity(scores, **asked).convex
    (True, False)
    >>> import cvxpy as cp
    >>> x = cp.Variable(name="x")
    >>> verdict = convexity(cp.sqrt(1 + cp.square(x)))
    >>> verdict.dcp, verdict.convex
    ('QUASICONVEX', True)
    >>> wave = cp.exp(x) - cp.square(x) / 2
    >>> convexity(wave).convex, convexity(wave, where=(None, -1)).convex
    (False, False)
    >>> convexity(x * cp.abs(x), where=[x >= 0]).convex
    True
    """
    methods = Methods(
        effort=check_effort(effort), seconds=check_time(time_limit), report=reporter(progress)
    )
    finish = completed if complete else as_it_is
    if isinstance(thing, cp.Problem):
        refuse_options(loss=loss, data=data, inputs=inputs, weight_decay=weight_decay)
        if where is not None:
            raise InputError(
                "where= is for networks and expressions; a problem is judged where its constraints "
                "hold. Add these to them."
            )
        if wrt is not None:
            raise InputError(
                "wrt= is for networks and expressions; a problem is judged in all variables. Ask "
                "about problem.objective.args[0] in some of them."
            )
        return finish(judge_problem(thing, methods))
    if isinstance(thing, cp.Expression):
        refuse_options(loss=loss, data=data, inputs=inputs, weight_decay=weight_decay)
        return finish(answer(restricted(ask_about_expression(thing, wrt), where), methods))
    if (layer := as_layer(thing)) is not None:
        wrt = wrt if wrt is not None else "input" if loss is None else "weights"
        loss = None if loss is None else get_loss(loss).name
        weight_decay = check_weight_decay(weight_decay)
        question = ask_about_network(layer, wrt, loss, data, inputs, weight_decay)
        return finish(answer(restricted(question, where), methods))
    raise InputError(
        f"cannot judge a {type(thing).__name__}; pass a network (a cvxnet Sequential or another "
        "layer, a torch module, a fitted estimator), a CVXPY expression or a CVXPY problem."
    )


def check_effort(effort: Any) -> int:
    """A whole number from 1."""
    if isinstance(effort, bool) or not isinstance(effort, int | np.integer) or effort < 1:
        raise InputError(
            f"effort is a whole number from 1 (how hard to look for counterexamples), not "
            f"{effort!r}."
        )
    return int(effort)


def check_time(time_limit: Any) -> float:
    """Seconds above zero."""
    if time_limit is None:
        return SECONDS
    return check_positive(time_limit, "time_limit", f"Leave it out for {SECONDS:g} seconds.")


def reporter(progress: Any) -> Callable[[Progress], object] | None:
    """Who is told about progress."""
    if not (isinstance(progress, bool) or callable(progress)):
        raise InputError(f"progress must be True, False or callable, not {progress!r}.")
    if progress is True:
        return lambda state: print(state, file=sys.stderr)
    return progress or None


def check_weight_decay(weight_decay: Any) -> float:
    """A finite number from 0: a negative one would not be a penalty."""
    is_number = isinstance(weight_decay, Real) and not isinstance(weight_decay, bool)
    if not is_number or not 0.0 <= weight_decay <= sys.float_info.max:
        raise InputError(f"weight_decay is a finite number from 0, not {weight_decay!r}.")
    return float(weight_decay)


def refuse_options(**options: Any) -> None:
    """Raise InputError for options that only networks have."""
    for name, value in options.items():
        if value is not None and not (isinstance(value, Real) and value == 0):
            raise InputError(f"{name}= is for networks; this is a CVXPY expression or problem.")


def as_it_is(verdict: Verdict) -> Verdict:
    """The verdict alone."""
    return verdict


def completed(verdict: Verdict) -> Verdict:
    """The verdict after it was asked for all that is printed of it; printing then finds nothing.

    About an empty domain that is not more.
    """
    judged = len(verdict.derivation) > 0
    names = ["disciplines"] if judged or verdict.parts else []
    names += ["blocks"] if judged else []
    names += ["repairs"] if judged or verdict.rounding else []
    for name in names:
        getattr(verdict, name)
    return verdict

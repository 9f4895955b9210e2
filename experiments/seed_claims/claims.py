"""The claims, one by one, each with the question that decides it and what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.analysis.show import SILENT
from cvxnet.analysis.verdicts import BLOCK_WORDS
from cvxnet.layers import Linear, ReLU, Sequential, Softplus, Square
from experiments.report import Row

UP: Any = {"nonneg": True}


@dataclass(frozen=True)
class Claim:
    """What the post says, what is asked, the answer that is explained, the correction, and why."""

    post: str
    asked: str
    ask: Callable[[], Verdict]
    convex: bool
    corrected: str
    source: str


def two_layers(activation: Any, **last: Any) -> Sequential:
    """Inputs, one activation, one output; weights not given."""
    return Sequential(Linear(2, 2), activation, Linear(2, 1, **last))


def three_layers() -> Sequential:
    """Three layers, the last two with weights >= 0."""
    return Sequential(Linear(2, 2), ReLU(), Linear(2, 2, **UP), ReLU(), Linear(2, 1, **UP))


def smallest() -> Sequential:
    """``w2 relu(w1 x)`` with nonnegative weights."""
    return Sequential(Linear(1, 1, False, **UP), ReLU(), Linear(1, 1, False, **UP))


def two_nodes(wrt: str, **known: Any) -> Verdict:
    """Cross entropy of two output nodes, no weight below zero: in all weights or in a layer."""
    network = Sequential(Linear(2, 2, False, **UP), ReLU(), Linear(2, 2, False, **UP))
    return convexity(network, wrt, loss="cross_entropy", **known)


def variable(name: str = "x", **options: Any) -> cp.Variable:
    """A CVXPY variable."""
    return cp.Variable(name=name, **options)


def margin_loss() -> Verdict:
    """``log(1 + exp(y0 - y1))`` of the two scores themselves."""
    y0, y1 = variable("y0"), variable("y1")
    return convexity(cp.logistic(y0 - y1))


def one_sided() -> Verdict:
    """The logistic loss in the first layer when every label is -1."""
    data = (np.eye(2), np.array([-1.0, -1.0]))
    return convexity(two_layers(ReLU(), **UP), "0", loss="logistic", data=data)


CLAIMS = (
    Claim(
        "relu is convex (proof to add)",
        "max(x, 0)",
        lambda: convexity(cp.pos(variable())),
        True,
        "True: the maximum of the two affine functions x and 0. It is also nondecreasing and "
        "nonnegative, and those two properties are what deeper layers need.",
        "it is the larger of two affine functions",
    ),
    Claim(
        "f convex and a >= 0, then f(a.x) is convex in x (proof to add)",
        "softplus(W x + b), any W",
        lambda: convexity(Sequential(Linear(2, 2), Softplus()), "input"),
        True,
        "True for every sign of a: an affine map before a convex function keeps convexity, "
        "because a.(t x + (1-t) z) = t a.x + (1-t) a.z.",
        "an affine map inside",
    ),
    Claim(
        "... where the sign does matter",
        "softplus(a . relu(W x)), a >= 0",
        lambda: convexity(
            Sequential(Linear(2, 2), ReLU(), Linear(2, 1, **UP), Softplus()), "input"
        ),
        True,
        "The sign matters as soon as the inner function is convex but not affine: then f must be "
        "nondecreasing and a >= 0.",
        "composition rule: Boyd and Vandenberghe 2004, section 3.2.4",
    ),
    Claim(
        "... and without the sign",
        "softplus(a . relu(W x)), any a",
        lambda: convexity(Sequential(Linear(2, 2), ReLU(), Linear(2, 1), Softplus()), "input"),
        False,
        "Without a >= 0 it fails.",
        "input-convex networks need nonnegative later weights: Amos, Xu and Kolter 2017",
    ),
    Claim(
        "f, g convex and f' > 0 on the range of g, then f(g) is convex (proof to add)",
        "exp(x^2)",
        lambda: convexity(cp.exp(cp.square(variable()))),
        True,
        "True, and f' >= 0 suffices; nothing has to be differentiable: f convex and nondecreasing "
        "on the interval that g reaches.",
        "composition rule: Boyd and Vandenberghe 2004, section 3.2.4",
    ),
    Claim(
        "... on the range of g only",
        "(x^2 + 1)^2",
        lambda: convexity(cp.square(cp.square(variable()) + 1)),
        True,
        "The square is not monotone, but it is on [1, inf), which is all that x^2 + 1 reaches.",
        "the same rule, on the range",
    ),
    Claim(
        "... the condition is not necessary",
        "(2 x - 1)^2",
        lambda: convexity(cp.square(2 * variable() - 1)),
        True,
        "f' < 0 on half of the range, and still convex: an affine g needs no monotone f.",
        "an affine map inside",
    ),
    Claim(
        "(x^2 - 1)^2 is not convex, because f'(g) < 0 near 0",
        "(x^2 - 1)^2",
        lambda: convexity(cp.square(cp.square(variable()) - 1)),
        False,
        "Right, but the reason is only half of one: the second derivative is 4(3x^2 - 1), negative "
        "for |x| < 1/sqrt(3), while f'(g) < 0 for |x| < 1. A rule that fails proves nothing; three "
        "points do.",
        "second derivative 12 x^2 - 4",
    ),
    Claim(
        "y_i >= 0 because of relu",
        "the network in its input, x >= 0 and W >= 0",
        lambda: convexity(smallest(), "input", inputs="nonneg"),
        True,
        "True, but then no relu ever clips: the network is affine in the input (proved convex and "
        "concave) and multilinear in the weights. The constraint has removed the network.",
        "no unit clips",
    ),
    Claim(
        "with x, y_i, W_i >= 0 the output is convex in all W_i",
        "w2 relu(w1 x), all >= 0, in (w1, w2)",
        lambda: convexity(smallest(), "weights", inputs="nonneg"),
        False,
        "False already for two weights: the output is the product w1 w2 x.",
        "the Hessian of w1 w2 is [[0, 1], [1, 0]]",
    ),
    Claim(
        "... what is true: layer by layer (first)",
        "three layers, later weights >= 0, in layer 0",
        lambda: convexity(three_layers(), "0"),
        True,
        "Convex in each single layer if all later weights are >= 0; earlier weights, the layer "
        "itself and the data may have any sign.",
        "relu is convex and nondecreasing, later weights >= 0",
    ),
    Claim(
        "... layer by layer (middle)",
        "three layers, later weights >= 0, in layer 2",
        lambda: convexity(three_layers(), "2"),
        True,
        "The same for the layer in the middle.",
        "relu is convex and nondecreasing, later weights >= 0",
    ),
    Claim(
        "... layer by layer (last)",
        "three layers, in layer 4",
        lambda: convexity(three_layers(), "4"),
        True,
        "In the last layer the output is affine, with any signs.",
        "affine in the last layer",
    ),
    Claim(
        "... but not in two layers at once",
        "three layers, in layers 0 and 2",
        lambda: convexity(three_layers(), ["0", "2"]),
        False,
        "Two layers multiply.",
        "two layers multiply",
    ),
    Claim(
        "log(1 + exp(.)) loses convexity because of [1, -1]",
        "log(1 + exp(y0 - y1)) in (y0, y1)",
        margin_loss,
        True,
        "As a function of the two scores it is convex; [1, -1] is an affine map.",
        "softplus of an affine map",
    ),
    Claim(
        "... composed with the network",
        "the logistic loss of a two-layer network in layer 0, output weights >= 0",
        lambda: convexity(two_layers(ReLU(), **UP), "0", loss="logistic"),
        False,
        "It fails because the score is convex in the weights and enters with a minus sign for one "
        "of the labels: the loss rises with y0 - y1, a difference of convex functions.",
        "-1, 0, 1 for one unit: 0.6931 > 0.5032",
    ),
    Claim(
        "... with one label only",
        "the same with every label -1",
        one_sided,
        True,
        "With one label the loss is nondecreasing in a convex score. Two labels need s and -s, "
        "and the rules accept both only where the score s is affine in the unknowns.",
        "softplus is nondecreasing",
    ),
    Claim(
        "... with an affine score",
        "the same in the last layer, both labels",
        lambda: convexity(two_layers(ReLU()), "2", loss="logistic"),
        True,
        "In the last layer the score is affine, so every convex loss stays convex.",
        "softplus of an affine map",
    ),
    Claim(
        "two output nodes, cross entropy, one sample of class 1, x and W >= 0: where it may end",
        "log(1 + exp(y0 - y1)) of the two-node network, in all weights",
        lambda: two_nodes("weights", data=(np.array([[1.0, 2.0]]), [1])),
        False,
        "Not convex, but not because of [1, -1]: the layers multiply, as they do without a loss.",
        "two layers multiply",
    ),
    Claim(
        "... one layer at a time (first)",
        "the same for any sample >= 0 and any label, in layer 0",
        lambda: two_nodes("0", inputs="nonneg"),
        True,
        "No relu ever clips, so both scores are affine in this layer, and so is their difference.",
        "no unit clips: affine scores",
    ),
    Claim(
        "... one layer at a time (last)",
        "the same in layer 2",
        lambda: two_nodes("2", inputs="nonneg"),
        True,
        "Here the scores are affine even if units do clip, and whatever the signs.",
        "affine in the last layer",
    ),
    Claim(
        "... where [1, -1] does the harm",
        "the same in layer 0 for samples of any sign",
        lambda: two_nodes("0"),
        False,
        "Now units clip: both scores are convex in the first layer, and y0 - y1 is a difference of "
        "convex functions.",
        "a difference of convex functions",
    ),
    Claim(
        "log(1 + exp(<theta, x>)) is convex in general",
        "softplus(theta . x) in theta",
        lambda: convexity(Sequential(Linear(2, 1), Softplus()), "weights"),
        True,
        "Right: in theta for every x, and in x for every theta ...",
        "softplus of an affine map",
    ),
    Claim(
        "... in both at once",
        "softplus(theta . x) in (theta, x)",
        lambda: convexity(Sequential(Linear(2, 1), Softplus()), ["weights", "input"]),
        False,
        "... but not in both together.",
        "bilinear",
    ),
    Claim(
        "... or with another activation",
        "w2 . (W1 x)^2, all >= 0, in all weights",
        lambda: convexity(
            Sequential(Linear(2, 2, False, **UP), Square(), Linear(2, 1, False, **UP)),
            "weights",
            inputs="nonneg",
        ),
        False,
        "No activation helps while two layers are trained at once and the output is linear in one.",
        "two layers multiply",
    ),
)


def decided(number: int) -> Row:
    """The verdict on one claim, in words, with its proof or counterexample."""
    claim = CLAIMS[number]
    verdict = claim.ask()
    refuted = verdict.counterexamples.get("convex")
    return {
        "post": claim.post,
        "asked": claim.asked,
        "verdict": BLOCK_WORDS[verdict.convex],
        "arithmetic": "" if refuted is None else refuted.arithmetic,
        "cvxpy": verdict.dcp.lower(),
        "evidence": evidence(verdict),
    }


def evidence(verdict: Verdict) -> str:
    """The proof or the counterexample, in one line."""
    if verdict.convex:
        both = " (and concave)" if verdict.concave else ""
        return f"proved{both}: {', then '.join(moving_steps(verdict))}"
    refuted = verdict.counterexamples.get("convex")
    return "unknown" if refuted is None else "refuted: " + "; ".join(refuted.lines())


def moving_steps(verdict: Verdict) -> list[str]:
    """The nodes that matter in the derivation, leaves first, each with its curvature."""
    steps = [
        f"{step.name} is {step.curvature}"
        for step in verdict.derivation
        if step.args and step.curvature != "constant" and step.name not in SILENT
    ]
    return list(dict.fromkeys(steps))

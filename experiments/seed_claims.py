"""Which claims of the blog post that started this hold, and what is true instead?

Every row is decided by ``cvxnet.analysis.convexity``; the script stops if an answer is not the one
that the text beside it explains. Prints a table, and writes it as markdown with ``--out``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.analysis.show import SILENT
from cvxnet.layers import Linear, ReLU, Sequential, Softplus, Square

UP: Any = {"nonneg": True}


@dataclass(frozen=True)
class Claim:
    """What the post says, what is asked, the answer that is explained, the correction."""

    post: str
    asked: str
    ask: Callable[[], Verdict]
    convex: bool
    corrected: str


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
    ),
    Claim(
        "f convex and a >= 0, then f(a.x) is convex in x (proof to add)",
        "softplus(W x + b), any W",
        lambda: convexity(Sequential(Linear(2, 2), Softplus()), "input"),
        True,
        "True for every sign of a: an affine map before a convex function keeps convexity, "
        "because a.(t x + (1-t) z) = t a.x + (1-t) a.z.",
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
    ),
    Claim(
        "... and without the sign",
        "softplus(a . relu(W x)), any a",
        lambda: convexity(Sequential(Linear(2, 2), ReLU(), Linear(2, 1), Softplus()), "input"),
        False,
        "Without a >= 0 it fails.",
    ),
    Claim(
        "f, g convex and f' > 0 on the range of g, then f(g) is convex (proof to add)",
        "exp(x^2)",
        lambda: convexity(cp.exp(cp.square(variable()))),
        True,
        "True, and f' >= 0 suffices; nothing has to be differentiable: f convex and nondecreasing "
        "on the interval that g reaches.",
    ),
    Claim(
        "... on the range of g only",
        "(x^2 + 1)^2",
        lambda: convexity(cp.square(cp.square(variable()) + 1)),
        True,
        "The square is not monotone, but it is on [1, inf), which is all that x^2 + 1 reaches.",
    ),
    Claim(
        "... the condition is not necessary",
        "(2 x - 1)^2",
        lambda: convexity(cp.square(2 * variable() - 1)),
        True,
        "f' < 0 on half of the range, and still convex: an affine g needs no monotone f.",
    ),
    Claim(
        "(x^2 - 1)^2 is not convex, because f'(g) < 0 near 0",
        "(x^2 - 1)^2",
        lambda: convexity(cp.square(cp.square(variable()) - 1)),
        False,
        "Right, but the reason is only half of one: the second derivative is 4(3x^2 - 1), negative "
        "for |x| < 1/sqrt(3), while f'(g) < 0 for |x| < 1. A rule that fails proves nothing; three "
        "points do.",
    ),
    Claim(
        "y_i >= 0 because of relu",
        "the network in its input, x >= 0 and W >= 0",
        lambda: convexity(smallest(), "input", inputs="nonneg"),
        True,
        "True, but then no relu ever clips: the network is affine in the input (proved convex and "
        "concave) and multilinear in the weights. The constraint has removed the network.",
    ),
    Claim(
        "with x, y_i, W_i >= 0 the output is convex in all W_i",
        "w2 relu(w1 x), all >= 0, in (w1, w2)",
        lambda: convexity(smallest(), "weights", inputs="nonneg"),
        False,
        "False already for two weights: the output is the product w1 w2 x.",
    ),
    Claim(
        "... what is true: layer by layer (first)",
        "three layers, later weights >= 0, in layer 0",
        lambda: convexity(three_layers(), "0"),
        True,
        "Convex in each single layer if all later weights are >= 0; earlier weights, the layer "
        "itself and the data may have any sign.",
    ),
    Claim(
        "... layer by layer (middle)",
        "three layers, later weights >= 0, in layer 2",
        lambda: convexity(three_layers(), "2"),
        True,
        "The same for the layer in the middle.",
    ),
    Claim(
        "... layer by layer (last)",
        "three layers, in layer 4",
        lambda: convexity(three_layers(), "4"),
        True,
        "In the last layer the output is affine, with any signs.",
    ),
    Claim(
        "... but not in two layers at once",
        "three layers, in layers 0 and 2",
        lambda: convexity(three_layers(), ["0", "2"]),
        False,
        "Two layers multiply.",
    ),
    Claim(
        "log(1 + exp(.)) loses convexity because of [1, -1]",
        "log(1 + exp(y0 - y1)) in (y0, y1)",
        margin_loss,
        True,
        "As a function of the two scores it is convex; [1, -1] is an affine map.",
    ),
    Claim(
        "... composed with the network",
        "the logistic loss of a two-layer network in layer 0, output weights >= 0",
        lambda: convexity(two_layers(ReLU(), **UP), "0", loss="logistic"),
        False,
        "It fails because the score is convex in the weights and enters with a minus sign for one "
        "of the labels: the loss rises with y0 - y1, a difference of convex functions.",
    ),
    Claim(
        "... with one label only",
        "the same with every label -1",
        one_sided,
        True,
        "With one label the loss is nondecreasing in a convex score. Two labels need s and -s, "
        "and the rules accept both only where the score s is affine in the unknowns.",
    ),
    Claim(
        "... with an affine score",
        "the same in the last layer, both labels",
        lambda: convexity(two_layers(ReLU()), "2", loss="logistic"),
        True,
        "In the last layer the score is affine, so every convex loss stays convex.",
    ),
    Claim(
        "two output nodes, cross entropy, one sample of class 1, x and W >= 0: where it may end",
        "log(1 + exp(y0 - y1)) of the two-node network, in all weights",
        lambda: two_nodes("weights", data=(np.array([[1.0, 2.0]]), [1])),
        False,
        "Not convex, but not because of [1, -1]: the layers multiply, as they do without a loss.",
    ),
    Claim(
        "... one layer at a time (first)",
        "the same for any sample >= 0 and any label, in layer 0",
        lambda: two_nodes("0", inputs="nonneg"),
        True,
        "No relu ever clips, so both scores are affine in this layer, and so is their difference.",
    ),
    Claim(
        "... one layer at a time (last)",
        "the same in layer 2",
        lambda: two_nodes("2", inputs="nonneg"),
        True,
        "Here the scores are affine even if units do clip, and whatever the signs.",
    ),
    Claim(
        "... where [1, -1] does the harm",
        "the same in layer 0 for samples of any sign",
        lambda: two_nodes("0"),
        False,
        "Now units clip: both scores are convex in the first layer, and y0 - y1 is a difference of "
        "convex functions.",
    ),
    Claim(
        "log(1 + exp(<theta, x>)) is convex in general",
        "softplus(theta . x) in theta",
        lambda: convexity(Sequential(Linear(2, 1), Softplus()), "weights"),
        True,
        "Right: in theta for every x, and in x for every theta ...",
    ),
    Claim(
        "... in both at once",
        "softplus(theta . x) in (theta, x)",
        lambda: convexity(Sequential(Linear(2, 1), Softplus()), ["weights", "input"]),
        False,
        "... but not in both together.",
    ),
    Claim(
        "another activation would do",
        "w2 . (W1 x)^2, all >= 0, in all weights",
        lambda: convexity(
            Sequential(Linear(2, 2, False, **UP), Square(), Linear(2, 1, False, **UP)),
            "weights",
            inputs="nonneg",
        ),
        False,
        "No activation helps while two layers are trained at once and the output is linear in one.",
    ),
)

PROOFS = """## The three proofs

1. *relu is convex.* max(x, 0) is the maximum of two affine functions. For u, v and t in [0, 1],
   t u + (1-t) v <= t relu(u) + (1-t) relu(v) and 0 <= t relu(u) + (1-t) relu(v), so the larger of
   the two left sides, relu(t u + (1-t) v), is below the chord as well.
2. *f(a.x) is convex for convex f and every a.* a.(t x + (1-t) z) = t (a.x) + (1-t) (a.z); convexity
   of f on the line gives f(t (a.x) + (1-t) (a.z)) <= t f(a.x) + (1-t) f(a.z).
3. *f(g(x)) is convex for convex g and f convex and nondecreasing on the interval that g reaches.*
   g(t x + (1-t) z) <= t g(x) + (1-t) g(z); both sides lie in that interval, so f, being
   nondecreasing, keeps the order: f(g(t x + (1-t) z)) <= f(t g(x) + (1-t) g(z)), and convexity of f
   bounds the right side by t f(g(x)) + (1-t) f(g(z)).
"""


def evidence(verdict: Verdict) -> str:
    """The proof or the counterexample, in one line."""
    if verdict.convex:
        both = " (and concave)" if verdict.concave else ""
        return f"proved{both}: {', then '.join(moving_steps(verdict))}"
    return "refuted: " + "; ".join(verdict.counterexamples["convex"].lines())


def moving_steps(verdict: Verdict) -> list[str]:
    """The nodes that matter in the derivation, leaves first, each with its curvature."""
    steps = [
        f"{step.name} is {step.curvature}"
        for step in verdict.derivation
        if step.args and step.curvature != "constant" and step.name not in SILENT
    ]
    return list(dict.fromkeys(steps))


def decide(claim: Claim) -> Verdict:
    """The verdict, which must be the one that the text explains."""
    verdict = claim.ask()
    if verdict.convex is not claim.convex:
        raise SystemExit(f"{claim.asked}: expected {claim.convex}, found {verdict.convex}")
    return verdict


def claims_table() -> list[str]:
    """The table, one row a claim."""
    rows = [
        "| the post | asked | verdict | evidence | correct statement |",
        "|---|---|---|---|---|",
    ]
    for claim in CLAIMS:
        verdict = decide(claim)
        word = "convex" if claim.convex else "not convex"
        rows.append(
            f"| {cell(claim.post)} | `{claim.asked}` | {word} | {cell(evidence(verdict))} "
            f"| {cell(claim.corrected)} |"
        )
    return rows


def cell(text: str) -> str:
    """Text that cannot break a markdown table."""
    return text.replace("|", "\\|")


def log_log_section() -> list[str]:
    """What the post's network is, where it is not convex."""
    verdict = convexity(smallest(), "weights", inputs="nonneg")
    alone = ", ".join(name for name, convex in verdict.blocks["single"].items() if convex)
    return [
        "## What the post's network is instead",
        "",
        "With x > 0 and all W > 0 the network is not convex in its weights, but:",
        "",
        *[f"* {name}: {answer}" for name, answer in verdict.disciplines.items()],
        f"* convex in each of these layers alone: {alone}",
    ]


def repairs_section() -> list[str]:
    """Which changes restore convexity, and what each costs."""
    lines = ["## Repairs, each with a verdict of its own", ""]
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.5]])
    y = np.array([1.0, -1.0, 1.0, -1.0])
    questions = (
        (
            "two-layer ReLU training, logistic loss, all weights",
            lambda: convexity(two_layers(ReLU()), "weights", loss="logistic", data=(X, y)),
        ),
        (
            "two-layer ReLU network in its input, output weights of any sign",
            lambda: convexity(two_layers(ReLU()), "input"),
        ),
        (
            "the post's network in all weights",
            lambda: convexity(smallest(), "weights", inputs="nonneg"),
        ),
    )
    for title, ask in questions:
        lines.append(f"*{title}*")
        lines.append("")
        lines += [f"* {r.change}: {r.outcome}. Cost: {r.cost}." for r in ask().repairs]
        lines.append("")
    return lines


def write_report(quick: bool = False) -> str:
    """The report as markdown; without the repairs where it is to be quick."""
    parts = ["# The seed post, claim by claim", "", *claims_table(), "", PROOFS]
    return "\n".join([*parts, *log_log_section(), "", *([] if quick else repairs_section())])


def main(argv: list[str]) -> None:
    """Print the report, and write it where ``--out`` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the claims, not the repairs")
    parser.add_argument("--out", type=Path, help="write the report to this markdown file")
    options = parser.parse_args(argv)
    out, report = options.out, write_report(options.quick)
    print(report)
    if out is not None:
        out.write_text(report, encoding="utf-8")
